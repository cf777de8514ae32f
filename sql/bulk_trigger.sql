-- Triggers and foreign keys, as INSERT fires and checks them.
CREATE SCHEMA bulk_trigger;
SET search_path = bulk_trigger;
CREATE TABLE t (id int PRIMARY KEY, v text, stamped text);
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    n bigint := (SELECT count(*) FROM bulk_trigger.t);
BEGIN
    IF TG_LEVEL = 'ROW' THEN
        RAISE NOTICE '% % of row %: % rows in the table', TG_WHEN, TG_OP, NEW.id, n;
        RETURN NEW;
    END IF;
    RAISE NOTICE '% statement: % rows in the table', TG_WHEN, n;
    RETURN NULL;
END $$;
CREATE FUNCTION tell_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'transition table: %', (SELECT string_agg(format('%s %s', n.id, n.v), ', ' ORDER BY n.id) FROM new_rows n);
    RETURN NULL;
END $$;

-- AFTER triggers: all rows are there, in batches.
CREATE TRIGGER before_s BEFORE INSERT ON t EXECUTE FUNCTION tell();
CREATE TRIGGER after_s AFTER INSERT ON t EXECUTE FUNCTION tell();
CREATE TRIGGER after_r AFTER INSERT ON t FOR EACH ROW WHEN (NEW.v <> 'quiet') EXECUTE FUNCTION tell();
CREATE TRIGGER after_n AFTER INSERT ON t REFERENCING NEW TABLE AS new_rows EXECUTE FUNCTION tell_new();
SELECT * FROM purser.bulk_insert('t', '[{"id": 1, "v": "a"}, {"id": 2, "v": "quiet"}, {"id": 3, "v": "c"}]');
SELECT * FROM purser.bulk_insert('t', '[]');
SELECT * FROM purser.bulk_insert('t', '[{"id": 3, "v": "again"}, {"id": 4, "v": "d"}, {"id": 4, "v": "dd"}]', on_conflict => 'skip');
-- The condition of a trigger, too, sees the rows up to its own.
CREATE FUNCTION rows_so_far() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM bulk_trigger.seen); END $$;
CREATE TABLE seen (id int);
CREATE FUNCTION tell_id() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'row %', NEW.id; RETURN NULL; END $$;
CREATE TRIGGER early AFTER INSERT ON seen FOR EACH ROW WHEN (rows_so_far() < 2) EXECUTE FUNCTION tell_id();
INSERT INTO seen VALUES (1), (2), (3);
TRUNCATE seen;
SELECT inserted FROM purser.bulk_insert('seen', '[{"id": 1}, {"id": 2}, {"id": 3}]');
TRUNCATE t;

-- BEFORE ROW: sees the rows before, may change the row or drop it; constraints hold for the result.
CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.v = 'drop' THEN
        RETURN NULL;
    END IF;
    NEW.stamped := upper(NEW.v) || (SELECT count(*) FROM bulk_trigger.t);
    IF NEW.v = 'same' THEN
        NEW.id := 1;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER before_r BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION change();
SELECT * FROM purser.bulk_insert('t', E'id,v\n1,a\n2,drop\n3,b\n', 'csv');
SELECT * FROM t ORDER BY id;
SELECT * FROM purser.bulk_insert('t', E'id,v\n4,d\n5,same\n6,f\n', 'csv');
SELECT * FROM purser.bulk_insert('t', E'id,v\n4,d\n5,same\n6,drop\n', 'csv', 'skip');
SELECT * FROM t ORDER BY id;
ALTER TABLE t DISABLE TRIGGER USER;
SELECT * FROM purser.bulk_insert('t', '[{"id": 7, "v": "quiet"}]');
DROP TABLE t;

-- Generated columns see what the trigger made, the check too.
CREATE TABLE g (a int, b int GENERATED ALWAYS AS (a * 2) STORED CHECK (b < 100));
CREATE FUNCTION add_ten() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.a := NEW.a + 10; RETURN NEW; END $$;
CREATE TRIGGER add_ten BEFORE INSERT ON g FOR EACH ROW EXECUTE FUNCTION add_ten();
SELECT inserted FROM purser.bulk_insert('g', '[{"a": 1}, {"a": 2}]');
SELECT * FROM g ORDER BY a;
SELECT inserted FROM purser.bulk_insert('g', '[{"a": 1}, {"a": 40}]');

-- Foreign keys: at the end of the call, or of the transaction; rows may refer to later ones.
CREATE TABLE node (id int PRIMARY KEY, parent int REFERENCES node);
CREATE TABLE leaf (node int REFERENCES node DEFERRABLE INITIALLY DEFERRED, n int UNIQUE DEFERRABLE INITIALLY DEFERRED);
SELECT inserted FROM purser.bulk_insert('node', '[{"id": 1, "parent": 2}, {"id": 2, "parent": 1}, {"id": 3}]');
SELECT inserted FROM purser.bulk_insert('node', '[{"id": 4, "parent": 5}, {"id": 6, "parent": 7}, {"id": 5}]');
BEGIN;
SELECT inserted FROM purser.bulk_insert('leaf', '[{"node": 9, "n": 1}, {"node": 1, "n": 1}]');
UPDATE leaf SET n = 2 WHERE node = 9;
SELECT inserted FROM purser.bulk_insert('node', '[{"id": 9}]');
COMMIT;
SELECT * FROM leaf ORDER BY n;
BEGIN;
SELECT inserted FROM purser.bulk_insert('leaf', '[{"node": 10, "n": 10}]');
COMMIT;
BEGIN;
SELECT inserted FROM purser.bulk_insert('leaf', '[{"node": 1, "n": 1}, {"node": 1, "n": 11}]');
COMMIT;
BEGIN;
SET CONSTRAINTS ALL IMMEDIATE;
SELECT inserted FROM purser.bulk_insert('leaf', '[{"node": 1, "n": 12}, {"node": 1, "n": 12}]');
ROLLBACK;
-- Both tables in one statement.
SELECT a.inserted AS nodes, b.inserted AS leaves
FROM purser.bulk_insert('node', '[{"id": 20}]') a, LATERAL purser.bulk_insert('leaf', format('[{"node": 20, "n": %s}]', 20 + a.inserted)) b;

-- A trigger that loads: into another table, and into the same.
CREATE TABLE log (id serial, what text);
CREATE TABLE tree (depth int, label text);
CREATE FUNCTION grow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM purser.bulk_insert('bulk_trigger.log', json_build_array(json_build_object('what', NEW.label)));
    IF NEW.depth < 3 THEN
        PERFORM purser.bulk_insert('bulk_trigger.tree', json_build_array(
            json_build_object('depth', NEW.depth + 1, 'label', NEW.label || 'l'),
            json_build_object('depth', NEW.depth + 1, 'label', NEW.label || 'r')));
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER grow AFTER INSERT ON tree FOR EACH ROW EXECUTE FUNCTION grow();
SELECT inserted FROM purser.bulk_insert('tree', '[{"depth": 1, "label": "a"}, {"depth": 1, "label": "b"}]');
SELECT string_agg(label, ' ' ORDER BY label) FROM tree;
SELECT count(*) FROM log;
DROP TRIGGER grow ON tree;
CREATE TRIGGER grow BEFORE INSERT ON tree FOR EACH ROW EXECUTE FUNCTION grow();
TRUNCATE tree, log;
SELECT inserted FROM purser.bulk_insert('tree', '[{"depth": 1, "label": "a"}]');
SELECT string_agg(label, ' ' ORDER BY label) FROM tree;
-- The context of an error within tells of both.
ALTER TABLE log ADD CHECK (what <> 'xlr');
SELECT inserted FROM purser.bulk_insert('tree', '[{"depth": 1, "label": "w"}, {"depth": 1, "label": "x"}]');

-- DDL on the table from within is refused, as it is for INSERT.
CREATE TABLE victim (a int, b int);
CREATE FUNCTION ddl() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE TG_ARGV[0]; RETURN NEW; END $$;
CREATE TRIGGER ddl BEFORE INSERT ON victim FOR EACH ROW EXECUTE FUNCTION ddl('TRUNCATE bulk_trigger.victim');
SELECT inserted FROM purser.bulk_insert('victim', '[{"a": 1}]');
CREATE OR REPLACE TRIGGER ddl BEFORE INSERT ON victim FOR EACH ROW EXECUTE FUNCTION ddl('DROP TABLE bulk_trigger.victim');
SELECT inserted FROM purser.bulk_insert('victim', '[{"a": 1}]');
CREATE OR REPLACE TRIGGER ddl AFTER INSERT ON victim FOR EACH ROW EXECUTE FUNCTION ddl('ALTER TABLE bulk_trigger.victim ADD c int');
SELECT inserted FROM purser.bulk_insert('victim', '[{"a": 1}]');
DROP TRIGGER ddl ON victim;
CREATE FUNCTION ddl_default() RETURNS int LANGUAGE plpgsql VOLATILE AS $$ BEGIN ALTER TABLE bulk_trigger.victim DROP b; RETURN 1; END $$;
ALTER TABLE victim ALTER b SET DEFAULT ddl_default();
SELECT inserted FROM purser.bulk_insert('victim', '[{"a": 1, "b": 1}, {"a": 2}]');
SELECT count(*) FROM victim;

-- A call inside a trigger inside a subtransaction that fails leaves the outer load whole.
CREATE TABLE strict (n int CHECK (n > 0));
CREATE FUNCTION try_strict() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        PERFORM purser.bulk_insert('bulk_trigger.strict', json_build_array(json_build_object('n', NEW.a)));
    EXCEPTION WHEN check_violation THEN
        NEW.b := -1;
    END;
    RETURN NEW;
END $$;
ALTER TABLE victim ALTER b SET DEFAULT 0;
CREATE TRIGGER try_strict BEFORE INSERT ON victim FOR EACH ROW EXECUTE FUNCTION try_strict();
SELECT inserted FROM purser.bulk_insert('victim', '[{"a": 1}, {"a": -2}, {"a": 3}]');
SELECT * FROM victim ORDER BY a;
SELECT * FROM strict ORDER BY n;

SET client_min_messages = warning;
DROP SCHEMA bulk_trigger CASCADE;
