-- Entries for indexes are collected over batches and inserted in key order: the indexes must be as from INSERT.
CREATE SCHEMA bulk_index;
SET search_path = bulk_index;
CREATE EXTENSION amcheck SCHEMA bulk_index;

-- Compares what each btree index finds with what is in the table, and the order in it.
CREATE FUNCTION check_indexes(target regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    index regclass;
BEGIN
    FOR index IN SELECT i.indexrelid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
        WHERE i.indrelid = target AND a.amname = 'btree' ORDER BY 1
    LOOP
        PERFORM bt_index_parent_check(index, true, true);
    END LOOP;
    RETURN 'as they should be';
END $$;
-- Rows as CSV, with keys in no order: 7919 is prime, so i * 7919 % n takes each value once.
CREATE FUNCTION rows_csv(n int, extra text DEFAULT '') RETURNS text LANGUAGE sql AS $$
    SELECT E'id,k,u,t,g,d\n' || string_agg(format(E'%s,%s,%s,%s,%s,%s\n', i, i * 7919 % n, md5(i::text)::uuid, 'key ' || md5((i * 7919 % n)::text),
        CASE WHEN i % 10 = 0 THEN NULL ELSE i * 31 % 7 END, i * 7919 % n / 4.0), '' ORDER BY i) || extra FROM generate_series(1, n) i
$$;

CREATE TABLE t (id int PRIMARY KEY, k int, u uuid, t text, g int, d numeric);
CREATE UNIQUE INDEX t_k ON t (k);
CREATE UNIQUE INDEX t_u ON t (u DESC);
CREATE INDEX t_t ON t (t COLLATE "C" DESC NULLS LAST);
CREATE INDEX t_g ON t (g NULLS FIRST, t COLLATE "C" DESC, k);
CREATE INDEX t_d ON t (d);
CREATE INDEX t_d_partial ON t (d DESC NULLS LAST) INCLUDE (t) WHERE k % 2 = 0;
CREATE INDEX t_expression ON t (abs(k - 1500), lower(t COLLATE "C"));
CREATE INDEX t_hash ON t USING hash (u);
CREATE INDEX t_brin ON t USING brin (id);
CREATE INDEX t_gin ON t USING gin (to_tsvector('simple', t));
SELECT inserted FROM purser.bulk_insert('t', rows_csv(3001), 'csv');
SELECT check_indexes('t');
SET enable_seqscan = off;
SET enable_indexscan = off;
SELECT count(*) FROM t WHERE u = md5('2711')::uuid;
SELECT count(*) FROM t WHERE id BETWEEN 2000 AND 2010;
SELECT count(*) FROM t WHERE to_tsvector('simple', t) @@ to_tsquery('simple', 'key');
RESET enable_seqscan;
RESET enable_indexscan;

-- A duplicate is told with its row, whether the other row is old, of another batch or of the same one.
SELECT purser.bulk_insert('t', (SELECT E'id,k\n' || string_agg(format(E'%s,%s\n', i, CASE i WHEN 9000 THEN 2711 ELSE i * 7919 % 4999 + 6000 END), '' ORDER BY i) FROM generate_series(6000, 9999) i), 'csv');
TRUNCATE t;
SELECT purser.bulk_insert('t', rows_csv(3001, E'6000,2711,,,,\n'), 'csv');
SELECT purser.bulk_insert('t', rows_csv(3001, E'6000,6000,,,,\n6001,6000,,,,\n'), 'csv');
SELECT purser.bulk_insert('t', rows_csv(3001, E'6000,6000,,,,\n6000,6001,,,,\n'), 'csv');
SELECT count(*) FROM t;
-- With small batches, as rows are wide.
SELECT purser.bulk_insert('t', replace(rows_csv(3001, E'6000,2711,,,,\n'), 'key', repeat('key ', 100)), 'csv');
SELECT inserted FROM purser.bulk_insert('t', replace(rows_csv(3001), 'key', repeat('key ', 100)), 'csv');
SELECT check_indexes('t');
-- An entry too large for its index belongs to its row.
CREATE TABLE w (k int, v text);
CREATE INDEX w_v ON w (v COLLATE "C");
DO $$
DECLARE
    context text;
BEGIN
    PERFORM purser.bulk_insert('w', (SELECT E'k,v\n' || string_agg(format(E'%s,%s\n', i, CASE i WHEN 3000 THEN (SELECT string_agg(md5(j::text), '') FROM generate_series(1, 200) j) ELSE md5(i::text) END), '' ORDER BY i) FROM generate_series(1, 4000) i), 'csv');
EXCEPTION WHEN program_limit_exceeded THEN
    GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
    RAISE NOTICE '% %', SQLERRM, split_part(context, E'\n', 1);
END $$;
-- Nulls that are not distinct.
CREATE TABLE n (a int, b int, UNIQUE NULLS NOT DISTINCT (a, b));
SELECT inserted FROM purser.bulk_insert('n', (SELECT E'a,b\n' || string_agg(format(E'%s,%s\n', i * 7919 % 4001, NULLIF(i % 2, 0)), '' ORDER BY i) FROM generate_series(1, 4001) i), 'csv');
SELECT purser.bulk_insert('n', (SELECT E'a,b\n' || string_agg(format(E'%s,%s\n', 5000 + i * 7919 % 4001, NULLIF(i % 2, 0)), '' ORDER BY i) || E'8001,\n,1\n,\n7000,\n,\n' FROM generate_series(1, 4001) i), 'csv');
SELECT check_indexes('n');

-- Deferrable, exclusion and invalid ones: nothing is collected for these.
CREATE TABLE d (id int, k int UNIQUE DEFERRABLE INITIALLY DEFERRED, r int4range, EXCLUDE USING gist (r WITH &&));
CREATE FUNCTION deferred_csv(extra text) RETURNS text LANGUAGE sql AS $$
    SELECT E'id,k,r\n' || string_agg(format(E'%s,%s,"[%s,%s]"\n', i, i * 7919 % 2503, i * 7919 % 2503 * 10, i * 7919 % 2503 * 10 + 5), '' ORDER BY i) || extra FROM generate_series(1, 2503) i
$$;
SELECT purser.bulk_insert('d', deferred_csv(E'2600,5000,"[1000,1002]"\n'), 'csv');
SELECT inserted FROM purser.bulk_insert('d', deferred_csv(''), 'csv');
BEGIN;
SELECT inserted FROM purser.bulk_insert('d', E'id,k\n3000,77\n', 'csv');
SELECT count(*) FROM d WHERE k = 77;
DELETE FROM d WHERE id = 3000;
COMMIT;
BEGIN;
SELECT inserted FROM purser.bulk_insert('d', E'id,k\n3000,77\n', 'csv');
COMMIT;
SELECT check_indexes('d');

-- Who looks at the table meanwhile finds all rows by any index: a default here, and a trigger at the end.
CREATE TABLE s (id int, k int, before bigint, v text);
CREATE INDEX s_k ON s (k);
CREATE FUNCTION rows_with(k int) RETURNS bigint LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    RETURN (SELECT count(*) FROM bulk_index.s WHERE s.k = $1);
END $$;
ALTER TABLE s ALTER COLUMN before SET DEFAULT rows_with(17);
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.k = 17 THEN
        RAISE NOTICE 'row %: % rows', NEW.id, bulk_index.rows_with(17);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT ON s FOR EACH ROW EXECUTE FUNCTION tell();
SELECT inserted FROM purser.bulk_insert('s', (SELECT '[' || string_agg(CASE WHEN i % 2000 = 0 THEN format('{"id": %s, "k": 17}', i) ELSE format('{"id": %s, "k": %s, "before": -1}', i, 20 + i * 7919 % 1009) END, ',' ORDER BY i) || ']' FROM generate_series(1, 6000) i));
SELECT id, k, before FROM s WHERE k = 17 ORDER BY id;

-- Partitions, each with its indexes.
CREATE TABLE p (id int, k int, PRIMARY KEY (k, id)) PARTITION BY RANGE (k);
SELECT format('CREATE TABLE p_%s PARTITION OF p FOR VALUES FROM (%s) TO (%s)', i, i * 3001, (i + 1) * 3001) FROM generate_series(0, 2) i \gexec
CREATE INDEX ON p (id);
SELECT inserted FROM purser.bulk_insert('p', (SELECT E'id,k\n' || string_agg(format(E'%s,%s\n', i, i * 7919 % 9001), '' ORDER BY i) FROM generate_series(1, 9001) i), 'csv');
SELECT tableoid::regclass, check_indexes(tableoid) FROM p GROUP BY 1 ORDER BY 1;
SELECT purser.bulk_insert('p', (SELECT E'id,k\n' || string_agg(format(E'%s,%s\n', i, i * 7919 % 9001), '' ORDER BY i) || format(E'9100,%s\n', 9100 * 7919 % 9001) FROM generate_series(9002, 18002) i), 'csv');

SET client_min_messages = warning;
DROP SCHEMA bulk_index CASCADE;
