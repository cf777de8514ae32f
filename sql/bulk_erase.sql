-- Delete by key from plain tables, without a statement: must be what DELETE does.
CREATE SCHEMA bulk_erase;
SET search_path = bulk_erase;
SET client_min_messages = warning;
CREATE EXTENSION amcheck SCHEMA bulk_erase;
RESET client_min_messages;

-- Keys in no order, some twice, over many pages of the index; small memory, so in several batches.
CREATE TABLE t (id int PRIMARY KEY, note text);
INSERT INTO t SELECT i, repeat('x', i % 50) FROM generate_series(1, 60000) i;
CREATE FUNCTION keys(n int, step int) RETURNS text LANGUAGE sql AS $$
    SELECT E'id\n' || string_agg((i * 7919 % n * step)::text, E'\n' ORDER BY i) FROM generate_series(1, n + n / 10) i
$$;
SET work_mem = '64kB';
SELECT * FROM purser.bulk_delete('t', keys(30000, 3), format => 'csv');
SELECT count(*), count(*) FILTER (WHERE id % 3 = 0), min(id), max(id) FROM t;
RESET work_mem;
SELECT * FROM purser.bulk_delete('t', keys(600, 100), format => 'csv');
SELECT count(*), count(*) FILTER (WHERE id % 100 = 0) FROM t;
SELECT bt_index_parent_check('t_pkey', true, true);

-- Rows with many versions, alive and dead, of this transaction and of others.
CREATE TABLE versions (id int, n int DEFAULT 0, PRIMARY KEY (id) INCLUDE (n));
INSERT INTO versions SELECT generate_series(1, 300);
BEGIN;
DO $$ BEGIN FOR i IN 1 .. 40 LOOP UPDATE versions SET n = n + 1 WHERE id % 3 = 0; END LOOP; END $$;
SAVEPOINT s;
UPDATE versions SET n = -1;
ROLLBACK TO s;
SELECT * FROM purser.bulk_delete('versions', '[3, 6, 7, 8, 9, 300, 301]');
INSERT INTO versions VALUES (6, 6), (8, 8);
SELECT * FROM purser.bulk_delete('versions', '[3, 6, 7, 10]');
COMMIT;
SELECT count(*), sum(n) FROM versions;
SELECT * FROM purser.bulk_delete('versions', (SELECT json_agg(id) FROM versions));

-- Keys of several columns, in another order in the index; of types with values that are equal but not the same.
CREATE TABLE pair (a numeric, b text COLLATE "C", c date, x int);
CREATE UNIQUE INDEX ON pair (b DESC NULLS FIRST, a);
INSERT INTO pair VALUES (1.0, 'a', NULL, 1), (1.00, 'b', NULL, 2), (2, 'a', NULL, 3), (NULL, 'a', NULL, 4), (3, 'zz', NULL, 5);
SELECT * FROM purser.bulk_delete('pair', E'a,b\n1.000,a\n1,b\n1,b\n,a\n2,b\n3,ZZ\n', '{a,b}', 'csv');
SELECT * FROM purser.bulk_delete('pair', E'b,a\na,2.0\n', '{b,a}', 'csv');
SELECT x FROM pair ORDER BY x;
-- A wide key, and one with a domain.
CREATE DOMAIN code AS text CHECK (value <> '');
CREATE TABLE wide (k code PRIMARY KEY);
INSERT INTO wide SELECT repeat(md5(i::text), 20) FROM generate_series(1, 200) i;
SELECT * FROM purser.bulk_delete('wide', (SELECT json_agg(k) FROM (SELECT k FROM wide UNION ALL SELECT 'none') s));

-- Triggers: those of the statement once, with what it deleted, and those of rows.
CREATE TABLE fired (id int PRIMARY KEY, v text);
INSERT INTO fired SELECT i, 'v' || i FROM generate_series(1, 5) i;
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '% % % %', TG_WHEN, TG_OP, TG_LEVEL, CASE WHEN TG_LEVEL = 'ROW' THEN OLD::text ELSE (SELECT count(*) FROM fired)::text END;
    RETURN NULL;
END $$;
CREATE FUNCTION tell_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'gone: %', (SELECT string_agg(v, ' ' ORDER BY id) FROM gone);
    RETURN NULL;
END $$;
CREATE TRIGGER a BEFORE DELETE ON fired EXECUTE FUNCTION tell();
CREATE TRIGGER b AFTER DELETE ON fired FOR EACH ROW WHEN (OLD.id <> 2) EXECUTE FUNCTION tell();
CREATE TRIGGER c AFTER DELETE ON fired EXECUTE FUNCTION tell();
CREATE TRIGGER d AFTER DELETE ON fired REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION tell_all();
SELECT * FROM purser.bulk_delete('fired', '[4, 2, 9, 4]');
SELECT * FROM purser.bulk_delete('fired', '[null]');
SELECT * FROM purser.bulk_delete('fired', '[]');
-- The calling query does not see what is deleted; the next command does.
SELECT (SELECT count(*) FROM fired) AS before, deleted, (SELECT count(*) FROM fired) AS still FROM purser.bulk_delete('fired', '[1]');
SELECT count(*) FROM fired;

-- Foreign keys: actions, and errors at the end.
CREATE TABLE child (p int REFERENCES fired ON DELETE CASCADE, q int REFERENCES t);
INSERT INTO child SELECT 3, id FROM t ORDER BY id LIMIT 1;
INSERT INTO child VALUES (5, NULL);
DROP TRIGGER b ON fired;
SELECT * FROM purser.bulk_delete('fired', '[5]');
SELECT * FROM child;
SELECT * FROM purser.bulk_delete('t', (SELECT json_agg(q) FROM child));
SELECT count(*) FROM child JOIN t ON t.id = q;

-- By statement: a key that is not in one index, or in one that is deferrable; BEFORE ROW triggers; children; SERIALIZABLE.
CREATE TABLE other (id int PRIMARY KEY DEFERRABLE, a int, b int UNIQUE);
INSERT INTO other SELECT i, i % 2, i FROM generate_series(1, 9) i;
SELECT * FROM purser.bulk_delete('other', '[1, 2]', '{id}');
SELECT * FROM purser.bulk_delete('other', '[{"a": 1, "b": 3}, {"a": 1, "b": 4}]', '{a,b}');
CREATE TABLE other_child () INHERITS (other);
INSERT INTO other_child VALUES (5, 5, 5);
SELECT * FROM purser.bulk_delete('other', '[5]', '{b}');
DROP TABLE other_child;
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER keep BEFORE DELETE ON other FOR EACH ROW EXECUTE FUNCTION keep();
SELECT * FROM purser.bulk_delete('other', '[6]', '{b}');
DROP TRIGGER keep ON other;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT * FROM purser.bulk_delete('other', '[6]', '{b}');
COMMIT;
-- A table whose publication needs an identity that it has not.
ALTER TABLE other REPLICA IDENTITY NOTHING;
SET client_min_messages = error;
CREATE PUBLICATION regress_bulk_erase FOR TABLE other;
RESET client_min_messages;
SELECT * FROM purser.bulk_delete('other', '[7]', '{b}');
DROP PUBLICATION regress_bulk_erase;
SELECT b FROM other ORDER BY b;

SET client_min_messages = warning;
DROP SCHEMA bulk_erase CASCADE;
