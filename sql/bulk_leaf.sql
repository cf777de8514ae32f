-- Upserts whose index entries go from leaf page to leaf page: the indexes must be as from INSERT and UPDATE.
CREATE SCHEMA bulk_leaf;
SET search_path = bulk_leaf;
SET client_min_messages = warning;
CREATE EXTENSION amcheck SCHEMA bulk_leaf;
RESET client_min_messages;

CREATE FUNCTION check_indexes(target regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    index regclass;
BEGIN
    FOR index IN SELECT indexrelid FROM pg_index WHERE indrelid = target ORDER BY 1 LOOP
        PERFORM bt_index_parent_check(index, true, true);
    END LOOP;
    RETURN 'as they should be';
END $$;
-- Rows from first to last, in no order.
CREATE FUNCTION rows_csv(first int, n int, word text) RETURNS text LANGUAGE sql AS $$
    SELECT E'a,b,v\n' || string_agg(format(E'%s,%s,%s\n', k % 50, md5(k::text), word || k), '' ORDER BY i)
    FROM (SELECT i, first + i * 7919 % n AS k FROM generate_series(1, n) i) s
$$;
-- The same by the server.
CREATE PROCEDURE upsert(target text, first int, n int, word text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO %I SELECT k %% 50, md5(k::text), %L || k FROM generate_series(%s, %s) k
        ON CONFLICT (a, b) DO UPDATE SET v = excluded.v', target, word, first, first + n - 1);
END $$;

CREATE TABLE expected (a int, b text COLLATE "C", v text, PRIMARY KEY (a, b));
CREATE TABLE t (a int, b text COLLATE "C", v text);
CREATE UNIQUE INDEX t_key ON t (b DESC, a) INCLUDE (v);
CREATE INDEX t_a ON t (a);
CREATE INDEX t_v ON t (v COLLATE "C" DESC NULLS LAST);
CREATE UNLOGGED TABLE u (LIKE t INCLUDING INDEXES);
CREATE TEMP TABLE temp_t (LIKE t INCLUDING INDEXES);

CALL upsert('expected', 0, 5000, 'one');
CALL upsert('expected', 2500, 7500, 'two');
CALL upsert('expected', 0, 10000, 'three');
CALL upsert('expected', 0, 20000, 'four');
CREATE FUNCTION upsert_all(target regclass) RETURNS TABLE (inserted bigint, updated bigint) LANGUAGE sql AS $$
    SELECT inserted, updated FROM purser.bulk_insert(target, rows_csv(0, 5000, 'one'), 'csv', 'update', '{a,b}');
    SELECT inserted, updated FROM purser.bulk_insert(target, rows_csv(2500, 7500, 'two'), 'csv', 'update', '{a,b}');
    SELECT inserted, updated FROM purser.bulk_insert(target, rows_csv(0, 10000, 'three'), 'csv', 'update', '{a,b}');
    SELECT inserted, updated FROM purser.bulk_insert(target, rows_csv(0, 20000, 'four'), 'csv', 'update', '{a,b}');
$$;
SELECT * FROM upsert_all('t');
SELECT * FROM upsert_all('u');
SELECT * FROM upsert_all('temp_t');
SELECT count(*), (SELECT count(*) FROM t JOIN expected e USING (a, b, v)), (SELECT count(*) FROM u JOIN expected e USING (a, b, v)),
    (SELECT count(*) FROM temp_t JOIN expected e USING (a, b, v)) FROM expected;
SELECT check_indexes('t'), check_indexes('u'), check_indexes('temp_t');
SET enable_seqscan = off;
SELECT count(*), count(DISTINCT v) FROM t WHERE a = 7;
SELECT v FROM t WHERE (a, b) = (34, md5('1234'));
RESET enable_seqscan;

-- A key among many dead versions of it, that fill several pages.
CREATE TABLE hot (id int PRIMARY KEY, n int);
CREATE INDEX hot_n ON hot (n);
INSERT INTO hot SELECT i, 0 FROM generate_series(1, 3) i;
SELECT sum(updated) FROM generate_series(1, 800) i, LATERAL (SELECT updated FROM purser.bulk_insert('hot', format('[{"id": 1, "n": %s}, {"id": 2, "n": %s}]', i, -i), on_conflict => 'update')) r;
SELECT * FROM hot ORDER BY id;
SELECT * FROM purser.bulk_delete('hot', '[2, 4]');
SELECT * FROM purser.bulk_insert('hot', '[{"id": 2, "n": 7}, {"id": 4, "n": 7}]', on_conflict => 'skip');
SELECT * FROM hot ORDER BY id;
SELECT check_indexes('hot');

-- An update that sets the key too; a key that depends on other columns.
CREATE TABLE moved (id int PRIMARY KEY, code text);
INSERT INTO moved VALUES (1, 'a'), (2, 'b'), (3, 'c');
SELECT * FROM purser.bulk_insert('moved', E'id,code\n3,z\n1,y\n4,x\n', 'csv', 'update', update_columns => '{id,code}');
SELECT * FROM moved ORDER BY id;
SELECT check_indexes('moved');
CREATE TABLE made (id int, half int GENERATED ALWAYS AS (id / 2) STORED UNIQUE, v text);
INSERT INTO made (id, v) VALUES (2, 'a'), (4, 'b');
SELECT * FROM purser.bulk_insert('made', E'id,v\n3,x\n5,y\n8,z\n', 'csv', 'update', '{half}');
SELECT * FROM made ORDER BY half;
SELECT check_indexes('made');
CREATE TABLE part (id int, v text, UNIQUE (id)) PARTITION BY LIST (id);
CREATE TABLE part_1 (v text, id int);
CREATE TABLE part_2 (gone int, id int, v text);
ALTER TABLE part_2 DROP COLUMN gone;
ALTER TABLE part ATTACH PARTITION part_1 FOR VALUES IN (1, 3, 5, 7);
ALTER TABLE part ATTACH PARTITION part_2 FOR VALUES IN (2, 4, 6, 8);
INSERT INTO part SELECT i, 'old' FROM generate_series(1, 5) i;
SELECT * FROM purser.bulk_insert('part', (SELECT json_agg(json_build_object('id', 9 - i, 'v', 'new' || i)) FROM generate_series(1, 8) i), on_conflict => 'update', conflict_columns => '{id}');
SELECT * FROM part ORDER BY id;
SELECT check_indexes('part_1'), check_indexes('part_2');

SET client_min_messages = warning;
DROP SCHEMA bulk_leaf CASCADE;
