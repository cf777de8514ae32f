-- on_conflict where rows go by an ordinary statement: the same answers as for tables.
CREATE SCHEMA bulk_upsert_statement;
SET search_path = bulk_upsert_statement;
CREATE TABLE t (id int PRIMARY KEY, email text, a int DEFAULT 0, b text DEFAULT 'd', active bool DEFAULT true);
CREATE UNIQUE INDEX t_lower ON t (lower(email));
CREATE UNIQUE INDEX t_part ON t (a) WHERE b = 'part';
CREATE VIEW v AS SELECT b, id AS key, a FROM t;
CREATE RULE seen AS ON DELETE TO t DO ALSO NOTHING;
-- A policy that allows everything is enough to have the table's rows go by statement.
CREATE ROLE regress_bulk_upsert;
GRANT ALL ON SCHEMA bulk_upsert_statement TO regress_bulk_upsert;
GRANT ALL ON t, v TO regress_bulk_upsert;
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_of_it ON t USING (true);
SET ROLE regress_bulk_upsert;
SELECT * FROM purser.bulk_insert('t', '[{"id": 1, "email": "A@x", "a": 1}, {"id": 2, "email": "b@x", "a": 2}, {"id": 3, "a": 3, "b": "part"}]');
-- The last row of a key counts, the others are skipped; inserted, updated, and left alone.
SELECT * FROM purser.bulk_insert('t', '[{"id": 9, "a": 1}, {"id": 1, "a": 10}, {"id": 9, "a": 2}, {"id": 2, "a": 20}, {"id": 1, "a": 11}, {"id": 8, "a": 0}]', on_conflict => 'update');
SELECT * FROM purser.bulk_insert('t', '[{"id": 1, "a": 5}, {"id": 2, "a": 50}, {"id": 7, "a": 70}]', on_conflict => 'update', update_where => 'excluded.a > t.a');
TABLE t ORDER BY id;
-- A row updates the columns that it has, unless they are chosen; one without any is skipped.
SELECT * FROM purser.bulk_insert('t', '[{"id": 1, "a": 12}, {"id": 2, "b": "two"}, {"id": 7}, {"id": 8, "a": 80, "b": "eight"}, {"id": 6, "b": "new"}]', on_conflict => 'update');
SELECT * FROM purser.bulk_insert('t', '[{"id": 1, "a": 13, "b": "not"}, {"id": 2, "a": 21}]', on_conflict => 'update', update_columns => '{a}');
TABLE t ORDER BY id;
-- By an index on an expression, by a partial one, by a constraint's name, by what there is not.
SELECT * FROM purser.bulk_insert('t', '[{"id": 100, "email": "a@X", "a": 1}, {"id": 101, "email": "new@x"}, {"id": 102, "email": "NEW@x", "b": "last"}]', on_conflict => 'update', conflict_index => 't_lower', update_columns => '{email}');
SELECT * FROM purser.bulk_insert('t', '[{"id": 103, "a": 3, "b": "part", "active": false}, {"id": 104, "a": 3, "b": "whole"}, {"id": 105, "a": 4, "b": "part", "active": false}, {"id": 106, "a": 4, "b": "part", "active": true}, {"id": 107, "a": 4, "b": "whole", "active": true}]', on_conflict => 'update', conflict_index => 't_part', update_columns => '{active}');
SELECT * FROM purser.bulk_insert('t', '[{"id": 1, "a": 14}]', on_conflict => 'update', conflict_index => 't_pkey');
TABLE t ORDER BY id;
SELECT * FROM purser.bulk_insert('t', '[{"id": 1}]'::jsonb, on_conflict => 'update', conflict_index => 'nope');
SELECT * FROM purser.bulk_insert('t', '[{"id": 1}]'::jsonb, on_conflict => 'skip', conflict_columns => '{a}');
SELECT * FROM purser.bulk_insert('t', '[{"id": 1, "a": 1}]'::jsonb, on_conflict => 'update', update_columns => '{nope}');
-- skip: of the same key the first row wins; of some keys, or of all.
SELECT * FROM purser.bulk_insert('t', '[{"id": 50, "a": 1}, {"id": 50, "a": 2}, {"id": 1}]', on_conflict => 'skip');
SELECT id, a FROM t WHERE id = 50;
SELECT * FROM purser.bulk_insert('t', '[{"id": 51, "email": "a@x"}, {"id": 1}]'::jsonb, on_conflict => 'skip', conflict_columns => '{id}');
-- The condition is an expression, with its errors at their place, and nothing more.
SELECT * FROM purser.bulk_insert('t', '[{"id": 1, "a": 1}]'::jsonb, on_conflict => 'update', update_where => 'excluded.a > nope');
SELECT * FROM purser.bulk_insert('t', '[{"id": 1, "a": 1}]'::jsonb, on_conflict => 'update', update_where => 'excluded.a >> > 1');
SELECT * FROM purser.bulk_insert('t', '[{"id": 1, "a": 1}]'::jsonb, on_conflict => 'update', update_where => 'true FROM t');
SELECT * FROM purser.bulk_insert('t', '[{"id": 1, "a": 1}]'::jsonb, on_conflict => 'update', update_where => 'true) DO NOTHING; DROP TABLE t; --');
SELECT * FROM purser.bulk_insert('t', '[{"id": 1, "a": 1}]'::jsonb, on_conflict => 'update', update_where => '$1');
SELECT * FROM purser.bulk_insert('t', '[{"id": 1, "a": 1}]'::jsonb, on_conflict => 'update', update_where => '1');
RESET ROLE;
-- By an index on several expressions.
CREATE TABLE words (a text, n int, b text);
CREATE UNIQUE INDEX words_key ON words (lower(a), n, upper(b), (n / 10));
GRANT ALL ON words TO regress_bulk_upsert;
ALTER TABLE words ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_of_it ON words USING (true);
INSERT INTO words VALUES ('One', 1, 'x');
SET ROLE regress_bulk_upsert;
SELECT inserted, updated, skipped FROM purser.bulk_insert('words', '[{"a": "ONE", "n": 1, "b": "X"}, {"a": "two", "n": 2, "b": "y"}, {"a": "TWO", "n": 2, "b": "Y"}]', on_conflict => 'update', conflict_index => 'words_key');
TABLE words ORDER BY n;
RESET ROLE;
-- Views: the table's key under the view's name; last row of a key, again.
SELECT * FROM purser.bulk_insert('v', '[{"key": 60, "a": 1}, {"key": 60, "a": 2}, {"key": 1, "b": "v"}]', on_conflict => 'update', conflict_columns => '{key}');
SELECT * FROM v WHERE key IN (1, 60) ORDER BY key;
SELECT * FROM purser.bulk_insert('v', '[{"key": 60}]'::jsonb, on_conflict => 'update');
-- Triggers that suppress count nowhere.
CREATE FUNCTION suppress() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.a < 0 THEN RETURN NULL; END IF; RETURN NEW; END $$;
CREATE TRIGGER suppress BEFORE INSERT ON t FOR EACH ROW WHEN (NEW.id % 2 = 0) EXECUTE FUNCTION suppress();
CREATE TRIGGER suppress_too BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION suppress();
SELECT * FROM purser.bulk_insert('v', '[{"key": 200, "a": 1}, {"key": 202, "a": -1}, {"key": 1, "a": -1}, {"key": 203, "a": 3}, {"key": 60, "a": 60}]', on_conflict => 'update', conflict_columns => '{key}');
-- NULLs are keys of their own, unless the index has it otherwise; a key of a default is the server's to judge.
CREATE TABLE n (k int UNIQUE, j int UNIQUE NULLS NOT DISTINCT, v int);
CREATE VIEW vn AS TABLE n;
SELECT * FROM purser.bulk_insert('vn', '[{"k": null, "v": 1}, {"k": null, "v": 2}]', on_conflict => 'update', conflict_columns => '{k}');
TRUNCATE n;
SELECT * FROM purser.bulk_insert('vn', '[{"j": null, "v": 1}, {"j": null, "v": 2}]', on_conflict => 'update', conflict_columns => '{j}');
TABLE n;
SELECT * FROM purser.bulk_insert('vn', '[{"v": 1}, {"v": 2}]'::jsonb, on_conflict => 'update', conflict_columns => '{j}');

SET client_min_messages = warning;
DROP SCHEMA bulk_upsert_statement CASCADE;
DROP ROLE regress_bulk_upsert;
