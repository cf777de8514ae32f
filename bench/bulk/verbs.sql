-- A tenth of a table updated and deleted by key.
CREATE TABLE verbs (LIKE mixed_source, PRIMARY KEY (id));
CREATE TABLE changes AS SELECT id, 'changed' || id AS name, balance + 1 AS balance FROM mixed_source WHERE id % 10 = 3;
COPY changes TO PROGRAM 'cat > purser_bench_changes.csv' CSV HEADER;
COPY (SELECT id FROM changes) TO PROGRAM 'cat > purser_bench_keys.csv' CSV HEADER;
CREATE TABLE change_arrays AS SELECT array_agg(id) AS id, array_agg(name) AS name, array_agg(balance) AS balance FROM changes;
INSERT INTO way (test, way, base, goal, before, command, file, rows)
SELECT w.test, w.way, w.base, w.goal, 'TRUNCATE verbs;; INSERT INTO verbs SELECT * FROM mixed_source;; ANALYZE verbs', w.command, w.file, :rows / 10
FROM (VALUES
    (1, 'update', 'UPDATE FROM unnest', 'UPDATE FROM unnest', NULL, 'UPDATE verbs SET name = c.name, balance = c.balance
        FROM (SELECT unnest(id) AS id, unnest(name) AS name, unnest(balance) AS balance FROM change_arrays) c WHERE c.id = verbs.id', NULL),
    (2, 'update', 'bulk_update', 'UPDATE FROM unnest', 0.95, 'PERFORM purser.bulk_update(''verbs'', data, format => ''csv'')', file_path('changes.csv')),
    (3, 'delete', 'DELETE IN (list)', 'DELETE IN (list)', NULL, (SELECT format('DELETE FROM verbs WHERE id IN (%s)', string_agg(id::text, ', ')) FROM changes), NULL),
    (4, 'delete', 'bulk_delete', 'DELETE IN (list)', 2.0, 'PERFORM purser.bulk_delete(''verbs'', data, format => ''csv'')', file_path('keys.csv'))) w (n, test, way, base, goal, command, file)
ORDER BY n;
