-- Update by key.
CREATE SCHEMA bulk_update;
SET search_path = bulk_update;
CREATE TABLE t (id int PRIMARY KEY, name text, n numeric(5,2), tags text[], twice int GENERATED ALWAYS AS (id * 2) STORED, serial int GENERATED ALWAYS AS IDENTITY);
INSERT INTO t (id, name, n) SELECT i, 'name ' || i, i FROM generate_series(1, 6) i;
-- By primary key, from each type of data; keys that are not there, null, or come again.
SELECT * FROM purser.bulk_update('t', '[{"id": 1, "name": "one", "n": 1.5}, {"name": "two", "n": null, "id": 2}, {"id": 7, "name": "none", "n": 0}]');
SELECT * FROM purser.bulk_update('t', E'name,id\nthree,3\nquattro,4\nfour,4\nnull,\n', format => 'csv');
SELECT * FROM purser.bulk_update('t', '[{"id": 6, "tags": ["a", "b"]}]'::json);
SELECT * FROM purser.bulk_update('t', '[{"id": 6, "name": "six"}]'::jsonb);
SELECT * FROM purser.bulk_update('t', '[{"id": 6, "n": 6.666}]'::bytea);
SELECT id, name, n, tags FROM t ORDER BY id;
-- Each row changes what it has, and nothing else; the last row of a key counts, whatever it has.
SELECT * FROM purser.bulk_update('t', '[{"id": 3, "n": 3}, {"id": 1, "name": "first"}, {"id": 2}, {"id": 4, "n": 4}, {"id": 1, "n": 1}, {"id": null, "name": "x"}]');
SELECT id, name, n FROM t ORDER BY id;
-- Keys of several columns, of others than the primary key, and that are not unique.
CREATE TABLE pair (a int, "B" text, v int, PRIMARY KEY ("B", a));
INSERT INTO pair VALUES (1, 'x', 0), (1, 'y', 0), (2, 'x', 0);
SELECT * FROM purser.bulk_update('pair', '[{"a": 1, "B": "y", "v": 1}, {"a": 2, "B": "y", "v": 2}]');
SELECT * FROM purser.bulk_update('pair', '[{"a": 1, "v": 5}, {"a": 9, "v": 9}]', '{a}');
TABLE pair ORDER BY a, "B";
SELECT * FROM purser.bulk_update('pair', '[{"B": "z", "a": 1}, {"B": "w", "a": 2}]', key_columns => '{a}');
-- Equality is the type's own.
CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE typed (d numeric PRIMARY KEY, c text COLLATE nocase UNIQUE, f float8, v int);
INSERT INTO typed VALUES (1.0, 'Abc', 'NaN'), (2.50, 'Def', -0.0);
SELECT * FROM purser.bulk_update('typed', '[{"d": 1, "v": 1}, {"d": 2.5, "v": 2}, {"d": 1.00, "v": 3}]');
SELECT * FROM purser.bulk_update('typed', '[{"c": "ABC", "v": 4}, {"c": "abc", "v": 5}]', '{c}');
SELECT * FROM purser.bulk_update('typed', '[{"f": "nan", "v": 6}, {"f": 0, "v": 7}]', '{f}');
TABLE typed ORDER BY d;
-- Many rows in no order, so that they are sorted.
CREATE TABLE many AS SELECT i AS id, 0 AS v FROM generate_series(1, 5000) i;
CREATE UNIQUE INDEX ON many (id);
SELECT r.* FROM (SELECT jsonb_agg(jsonb_build_object('id', (i * 7919) % 6000, 'v', i) ORDER BY i) AS data FROM generate_series(1, 12000) i) s, purser.bulk_update('many', data, '{id}') r;
SELECT count(*) FROM many WHERE (v * 7919) % 6000 <> id OR v <= 6000;
-- Partitions, to which a row may move; inheritance.
CREATE TABLE parted (id int, part int, v text, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2);
INSERT INTO parted VALUES (1, 1, 'a'), (2, 2, 'b');
SELECT * FROM purser.bulk_update('parted', '[{"id": 1, "part": 2}, {"id": 2, "v": "c"}]', '{id}');
SELECT tableoid::regclass, * FROM parted ORDER BY id;
CREATE TABLE parent (id int PRIMARY KEY, v int);
CREATE TABLE child () INHERITS (parent);
INSERT INTO parent VALUES (1, 0);
INSERT INTO child VALUES (1, 0), (2, 0);
SELECT * FROM purser.bulk_update('parent', '[{"id": 1, "v": 1}, {"id": 2, "v": 2}]');
SELECT tableoid::regclass, * FROM parent ORDER BY id, 1;
-- Triggers, checks, and what an update may not set.
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '% % %', TG_WHEN, TG_LEVEL, NEW; RETURN CASE WHEN NEW.v = 0 THEN NULL ELSE NEW END; END $$;
CREATE TRIGGER tell BEFORE UPDATE OF v ON pair FOR EACH ROW EXECUTE FUNCTION tell();
SELECT * FROM purser.bulk_update('pair', '[{"a": 1, "B": "x", "v": 0}, {"a": 1, "B": "y", "v": 6}]');
ALTER TABLE pair ADD CHECK (v < 100);
SELECT * FROM purser.bulk_update('pair', '[{"a": 1, "B": "y", "v": 100}]');
SELECT * FROM purser.bulk_update('t', '[{"id": 1, "twice": 3}]'::jsonb);
SELECT * FROM purser.bulk_update('t', '[{"id": 1, "serial": 3}]'::jsonb);
-- But they may be keys.
SELECT * FROM purser.bulk_update('t', '[{"twice": 4, "name": "by twice"}, {"twice": 5, "name": "none"}]', '{twice}');
SELECT * FROM purser.bulk_update('t', '[{"serial": 3, "name": "by serial"}]', '{serial}');
SELECT id, name FROM t WHERE name LIKE 'by%' ORDER BY id;
-- Views and rules.
CREATE VIEW v AS SELECT id AS k, name FROM t WHERE id > 1;
SELECT * FROM purser.bulk_update('v', '[{"k": 1, "name": "hidden"}, {"k": 2, "name": "shown"}]', '{k}');
CREATE TABLE ruled (id int PRIMARY KEY, v int);
INSERT INTO ruled VALUES (1, 1), (2, 2);
CREATE TABLE log (id int);
CREATE RULE log AS ON UPDATE TO ruled DO ALSO INSERT INTO log VALUES (NEW.id);
SELECT * FROM purser.bulk_update('ruled', '[{"id": 2, "v": 3}, {"id": 9, "v": 3}]');
TABLE log;
-- What is refused.
SELECT * FROM purser.bulk_update('t', '[{"id": 1, "name": "x"}, {"name": "y"}]'::jsonb);
SELECT * FROM purser.bulk_update('t', '[{"id": 1, "nope": "x"}]'::jsonb);
SELECT * FROM purser.bulk_update('t', '[{"id": 1, "nope": "x", "name": "y"}]'::jsonb, options => '{"unknown": "ignore"}');
SELECT * FROM purser.bulk_update('t', '[{"id": "one"}]'::jsonb);
SELECT * FROM purser.bulk_update('t', '[]', '{nope}');
SELECT * FROM purser.bulk_update('t', '[]', '{id, id}');
SELECT * FROM purser.bulk_update('t', '[]', '{}');
SELECT * FROM purser.bulk_update('log', '[{"id": 1}]');
SELECT * FROM purser.bulk_update('t', NULL::text);
SELECT * FROM purser.bulk_update(NULL, '[]');
CREATE TABLE points (p point, v int);
SELECT * FROM purser.bulk_update('points', '[{"p": "(1,1)", "v": 1}]', '{p}');
-- Privileges: UPDATE on what is set, SELECT on the keys.
CREATE ROLE regress_bulk_update;
GRANT USAGE ON SCHEMA bulk_update TO regress_bulk_update;
SET ROLE regress_bulk_update;
SELECT * FROM purser.bulk_update('t', '[{"id": 1, "name": "x"}]');
RESET ROLE;
GRANT UPDATE (name) ON t TO regress_bulk_update;
SET ROLE regress_bulk_update;
SELECT * FROM purser.bulk_update('t', '[{"id": 1, "name": "x"}]');
RESET ROLE;
GRANT SELECT (id) ON t TO regress_bulk_update;
SET ROLE regress_bulk_update;
SELECT updated FROM purser.bulk_update('t', '[{"id": 1, "name": "x"}]');
SELECT updated FROM purser.bulk_update('t', '[{"id": 1, "n": 0}]'::jsonb);
RESET ROLE;
-- All of them are everyone's.
SELECT proname, count(*), bool_and(has_function_privilege('public', oid, 'EXECUTE')) AS everyone, bool_or(prosecdef) AS definer, bool_and(obj_description(oid, 'pg_proc') IS NOT NULL) AS described
FROM pg_proc WHERE pronamespace = 'purser'::regnamespace AND proname IN ('bulk_update', 'bulk_delete', 'bulk_insert_returning', 'bulk_insert_tree') GROUP BY 1 ORDER BY 1;

SET client_min_messages = warning;
DROP SCHEMA bulk_update CASCADE;
DROP ROLE regress_bulk_update;
