-- Upserts into a table of five times the rows, of which 0, 10 and 100 % are there already.
CREATE TABLE stock AS
SELECT i AS id, 'user' || i AS name, 'user' || i || '@example.com' AS email, i % 2 = 0 AS active, (i % 10000) / 100.0 AS balance,
    timestamptz '2024-01-01' + i * interval '1 minute' AS at, repeat('plain note ', 1 + i % 6) AS note
FROM generate_series(1, 10 * :rows, 2) i;
CREATE TABLE upserted (LIKE stock, PRIMARY KEY (id));
CREATE UNLOGGED TABLE staging (LIKE stock);
-- Odd ids are there; file by file the share of odd ones, in random order.
SELECT format($$COPY (SELECT s.id, 'new' || s.id AS name, s.id || '@example.org' AS email, true AS active, 1.5 AS balance, now() AS at, 'again' AS note
    FROM (SELECT CASE WHEN i %% 100 < %1$s THEN i * 10 + 1 ELSE i * 10 END AS id FROM generate_series(1, %2$s - 1) i) s ORDER BY hashint8(s.id))
    TO PROGRAM 'cat > purser_bench_upsert_%1$s.csv' CSV HEADER$$, share, :rows) FROM unnest('{0,10,100}'::int[]) share
\gexec

INSERT INTO way (test, way, base, goal, before, command, file, rows)
SELECT format('upsert, %s %% conflicts', share), w.way, 'staging and ON CONFLICT', w.goal,
    'TRUNCATE upserted, staging;; INSERT INTO upserted SELECT * FROM stock;; ANALYZE upserted', format(w.command, file_path('upsert_' || share || '.csv')),
    CASE WHEN m = 2 THEN file_path('upsert_' || share || '.csv') END, :rows - 1
FROM unnest('{0,10,100}'::int[]) WITH ORDINALITY s (share, n), (VALUES
    (1, 'staging and ON CONFLICT', NULL, 'COPY staging FROM %1$L CSV HEADER;; INSERT INTO upserted SELECT * FROM staging ON CONFLICT (id) DO UPDATE
        SET name = excluded.name, email = excluded.email, active = excluded.active, balance = excluded.balance, at = excluded.at, note = excluded.note'),
    (2, 'bulk_insert, update', 2.0, 'PERFORM purser.bulk_insert(''upserted'', data, ''csv'', ''update'')')) w (m, way, goal, command)
ORDER BY n, m;
-- The same by statements of 1,000 rows each.
CREATE FUNCTION values_statements(file text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(s, ';;') FROM (SELECT 'INSERT INTO purser_bench.upserted VALUES ' || string_agg(format('(%s, %L, %L, %L, %s, %L, %L)', id, name, email, active, balance, at, note), ', ')
        || ' ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = excluded.email, active = excluded.active, balance = excluded.balance, at = excluded.at, note = excluded.note' AS s
        FROM (SELECT *, row_number() OVER () AS n FROM purser_bench.staging) x GROUP BY n / 1000) y
$$;
TRUNCATE staging;
SELECT format('COPY staging FROM %L CSV HEADER', file_path('upsert_10.csv'))
\gexec
INSERT INTO way (test, way, base, goal, before, command, file, rows)
SELECT 'upsert by statements, 10 % conflicts', w.way, 'VALUES of 1,000 rows', w.goal, 'TRUNCATE upserted;; INSERT INTO upserted SELECT * FROM stock;; ANALYZE upserted',
    w.command, w.file, :rows - 1
FROM (VALUES (1, 'VALUES of 1,000 rows', NULL, values_statements('upsert_10'), NULL),
    (2, 'bulk_insert, update', 4.0, 'PERFORM purser.bulk_insert(''upserted'', data, ''csv'', ''update'')', file_path('upsert_10.csv'))) w (m, way, goal, command, file)
ORDER BY m;
