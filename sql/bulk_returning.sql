-- The rows as they were stored, in the order of the input.
CREATE SCHEMA bulk_returning;
SET search_path = bulk_returning;
CREATE TABLE t (gone int, id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE DEFAULT 'anonymous', at date DEFAULT '2026-01-01', len int GENERATED ALWAYS AS (length(name)) STORED);
ALTER TABLE t DROP COLUMN gone;
SELECT * FROM purser.bulk_insert_returning(NULL::t, '[{"name": "z"}, {"at": "2026-02-02"}, {"name": "a", "at": null}]');
SELECT id, name FROM purser.bulk_insert_returning(NULL::t, E'name\nm\nb\nk\n', 'csv');
SELECT name, id FROM purser.bulk_insert_returning(NULL::t, '[{"name": "json"}]'::json);
SELECT name, id FROM purser.bulk_insert_returning(NULL::t, '[{"name": "jsonb"}]'::jsonb);
SELECT name, id FROM purser.bulk_insert_returning(NULL::t, '[{"name": "bytea"}]'::bytea);
SELECT count(*), bool_and(id - 9 = row_number) FROM (SELECT *, row_number() OVER () FROM purser.bulk_insert_returning(NULL::t, (SELECT jsonb_agg(jsonb_build_object('name', md5(i::text)) ORDER BY i) FROM generate_series(1, 3000) i))) r;
TRUNCATE t;
-- Conflicts: rows that were skipped or left alone do not come back.
SELECT name, at FROM purser.bulk_insert_returning(NULL::t, '[{"name": "a"}, {"name": "b"}, {"name": "a"}]', on_conflict => 'skip');
SELECT name, at FROM purser.bulk_insert_returning(NULL::t, '[{"name": "c", "at": "2026-03-03"}, {"name": "b", "at": "2026-03-04"}, {"name": "a", "at": "2025-01-01"}]', on_conflict => 'update', conflict_columns => '{name}', update_where => 'excluded.at > t.at');
-- Triggers have the last word; views and partitions return theirs.
CREATE FUNCTION upper_name() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := upper(NEW.name); RETURN CASE WHEN NEW.name <> 'NO' THEN NEW END; END $$;
CREATE TRIGGER upper_name BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION upper_name();
SELECT name FROM purser.bulk_insert_returning(NULL::t, '[{"name": "x"}, {"name": "no"}, {"name": "y"}]');
CREATE VIEW v AS SELECT name AS n, 1 AS one FROM t;
SELECT * FROM purser.bulk_insert_returning(NULL::v, '[{"n": "q"}, {"n": "p"}]');
CREATE TABLE parted (a int, b int) PARTITION BY LIST (a);
CREATE TABLE p1 (b int, a int);
ALTER TABLE parted ATTACH PARTITION p1 FOR VALUES IN (1);
CREATE TABLE p2 PARTITION OF parted FOR VALUES IN (2);
SELECT * FROM purser.bulk_insert_returning(NULL::parted, '[{"a": 2, "b": 1}, {"a": 1, "b": 2}, {"a": 2, "b": 3}]');
-- Rows of different keys are updated by a statement for each set of keys; they come back in the order of the input all the same.
CREATE TABLE stock (gone int, id int PRIMARY KEY, name text DEFAULT 'none', qty int DEFAULT 7);
ALTER TABLE stock DROP COLUMN gone;
INSERT INTO stock VALUES (2, 'rope', 20), (5, 'rum', 50);
SELECT * FROM purser.bulk_insert_returning(NULL::stock, '[{"id": 1, "name": "a"}, {"id": 2, "qty": 21}, {"id": 3, "name": "c"}, {"id": 4}, {"id": 5, "qty": 51}, {"id": 6, "name": "f", "qty": 1}, {"id": 7, "qty": 71}]', on_conflict => 'update');
SELECT * FROM purser.bulk_insert_returning(NULL::stock, E'id,name,qty\n9,x,1\n2,DFLT,22\n8,y,DFLT\n5,z,52\n', 'csv', on_conflict => 'update', options => '{"default": "DFLT"}');
SELECT count(*), bool_and(id = row_number + 100) FROM (SELECT *, row_number() OVER () FROM purser.bulk_insert_returning(NULL::stock, (SELECT jsonb_agg(CASE WHEN i % 3 = 0 THEN jsonb_build_object('id', i + 100) ELSE jsonb_build_object('id', i + 100, 'qty', i) END ORDER BY i) FROM generate_series(1, 3000) i), on_conflict => 'update')) r;
-- The key twice: the last row counts.
SELECT * FROM purser.bulk_insert_returning(NULL::stock, '[{"id": 2, "qty": 0}, {"id": 1}, {"id": 2, "name": "last"}, {"id": 3, "qty": 3}]', on_conflict => 'update');
-- A condition goes with it, and a row that stays as it was does not come back.
SELECT * FROM purser.bulk_insert_returning(NULL::stock, '[{"id": 5, "qty": 60}, {"id": 1, "name": "b"}, {"id": 3, "qty": 2}]', on_conflict => 'update', update_where => 'excluded.qty > stock.qty');
-- What is refused.
CREATE TYPE pair AS (a int, b int);
SELECT * FROM purser.bulk_insert_returning(NULL::int, '[]');
SELECT * FROM purser.bulk_insert_returning(NULL::pair, '[]');
SELECT * FROM purser.bulk_insert_returning(NULL::t, NULL::text);
SELECT * FROM purser.bulk_insert_returning(NULL::t, '[{"name": "ok"}, {"name": "ok", "at": "never"}]'::jsonb);
CREATE ROLE regress_bulk_returning;
GRANT USAGE ON SCHEMA bulk_returning TO regress_bulk_returning;
GRANT INSERT ON t TO regress_bulk_returning;
SET ROLE regress_bulk_returning;
SELECT name FROM purser.bulk_insert_returning(NULL::t, '[{"name": "mine"}]');
RESET ROLE;
GRANT SELECT ON t TO regress_bulk_returning;
SET ROLE regress_bulk_returning;
SELECT name FROM purser.bulk_insert_returning(NULL::t, '[{"name": "mine"}]');
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA bulk_returning CASCADE;
DROP ROLE regress_bulk_returning;
