-- on_conflict 'skip': what INSERT ... ON CONFLICT DO NOTHING does.
CREATE SCHEMA bulk_conflict;
SET search_path = bulk_conflict;
CREATE TABLE t (id int PRIMARY KEY, email text UNIQUE, name text);
SELECT * FROM purser.bulk_insert('t', '[{"id": 1, "email": "a@x"}, {"id": 2, "email": "b@x"}]', on_conflict => 'skip');
-- Rows in the table, and earlier rows of the same input: the first one wins.
SELECT * FROM purser.bulk_insert('t', '[{"id": 1, "email": "c@x"}, {"id": 3, "email": "a@x"}, {"id": 4, "email": "d@x", "name": "first"},
    {"id": 4, "email": "e@x", "name": "second"}, {"id": 5, "email": null}, {"id": 6}]', on_conflict => 'skip');
SELECT * FROM t ORDER BY id;
-- Only the named columns excuse a row.
SELECT * FROM purser.bulk_insert('t', '[{"id": 1, "email": "f@x"}, {"id": 7, "email": "g@x"}]', on_conflict => 'skip', conflict_columns => '{id}');
SELECT * FROM purser.bulk_insert('t', '[{"id": 8, "email": "h@x"}, {"id": 9, "email": "a@x"}]', on_conflict => 'skip', conflict_columns => '{id}');
SELECT * FROM purser.bulk_insert('t', '[{"id": 8, "email": "a@x"}, {"id": 9, "email": "h@x"}]', on_conflict => 'skip', conflict_columns => '{email}');
SELECT purser.bulk_insert('t', '[]', on_conflict => 'skip', conflict_columns => '{name}');
SELECT purser.bulk_insert('t', '[]', on_conflict => 'skip', conflict_columns => '{id,email}');
SELECT purser.bulk_insert('t', '[]', on_conflict => 'skip', conflict_columns => '{nope}');
SELECT purser.bulk_insert('t', '[]', on_conflict => 'skip', conflict_columns => '{ctid}');
-- Other constraints are no excuse.
ALTER TABLE t ADD CHECK (name <> 'bad'), ALTER email SET DEFAULT 'none';
SELECT * FROM purser.bulk_insert('t', '[{"id": 1, "name": "bad"}]', on_conflict => 'skip');
-- Columns in any order, INCLUDE, partial and expression indexes.
CREATE TABLE u (a int, b int, c int, UNIQUE (a, b) INCLUDE (c));
CREATE UNIQUE INDEX ON u (c) WHERE c > 0;
CREATE UNIQUE INDEX ON u (abs(c));
SELECT * FROM purser.bulk_insert('u', '[{"a": 1, "b": 1, "c": -1}, {"a": 1, "b": 1, "c": -2}]', on_conflict => 'skip', conflict_columns => '{b,a,b}');
SELECT purser.bulk_insert('u', '[]', on_conflict => 'skip', conflict_columns => '{c}');
SELECT purser.bulk_insert('u', '[]', on_conflict => 'skip', conflict_columns => '{a,b,c}');
SELECT * FROM purser.bulk_insert('u', '[{"a": 2, "b": 1, "c": 1}, {"a": 2, "b": 2, "c": 3}, {"a": 2, "b": 3, "c": 3}]', on_conflict => 'skip');
SELECT * FROM u ORDER BY a, b;
-- Exclusion constraints count when no columns are named; deferrable ones cannot.
CREATE TABLE e (r int4range, EXCLUDE USING gist (r WITH &&));
SELECT * FROM purser.bulk_insert('e', '[{"r": "[1,3)"}, {"r": "[2,4)"}, {"r": "[3,5)"}]', on_conflict => 'skip');
SELECT purser.bulk_insert('e', '[]', on_conflict => 'skip', conflict_columns => '{r}');
CREATE TABLE d (id int PRIMARY KEY DEFERRABLE);
SELECT purser.bulk_insert('d', '[{"id": 1}]', on_conflict => 'skip');
SELECT purser.bulk_insert('d', '[{"id": 1}]', on_conflict => 'skip', conflict_columns => '{id}');
-- Catalog tables have no speculative insertion.
CREATE TABLE c (id int PRIMARY KEY) WITH (user_catalog_table = true);
SELECT purser.bulk_insert('c', '[{"id": 1}]', on_conflict => 'skip');
SELECT purser.bulk_insert('pg_description', '[]', on_conflict => 'skip');
SELECT inserted FROM purser.bulk_insert('c', '[{"id": 1}]');
-- Without any unique index there is nothing to skip.
CREATE TABLE p (a int);
CREATE INDEX ON p (a);
SELECT * FROM purser.bulk_insert('p', E'a\n1\n1\n', 'csv', 'skip');
-- Many, with large values.
SELECT * FROM purser.bulk_insert('t', (SELECT jsonb_agg(jsonb_build_object('id', g % 2500, 'email', g, 'name', repeat('n', g))) FROM generate_series(1000, 5000) g), on_conflict => 'skip');
SELECT count(*), sum(length(name)) FROM t WHERE id > 9;
-- Our own earlier rows, at the higher isolation levels.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM u;
SELECT skipped FROM purser.bulk_insert('u', '[{"a": 1, "b": 1}, {"a": 7, "b": 7}, {"a": 7, "b": 7}]', on_conflict => 'skip');
COMMIT;
-- The same answer as INSERT ... ON CONFLICT DO NOTHING, for keys of one seed.
CREATE TABLE one (k int PRIMARY KEY, l int UNIQUE, v int);
CREATE TABLE two (LIKE one INCLUDING ALL);
CREATE TABLE input AS
SELECT ((i * 7919 % 4999) * 31) % 1000 AS k, (i * 104729) % 1301 AS l, i AS v FROM generate_series(1, 3000) i;
INSERT INTO one SELECT * FROM input ORDER BY v ON CONFLICT DO NOTHING;
SELECT inserted + skipped AS rows, inserted = (SELECT count(*) FROM one) AS same FROM purser.bulk_insert('two', (SELECT json_agg(input ORDER BY v) FROM input), on_conflict => 'skip');
SELECT count(*) FROM ((TABLE one EXCEPT TABLE two) UNION ALL (TABLE two EXCEPT TABLE one)) AS differences;

SET client_min_messages = warning;
DROP SCHEMA bulk_conflict CASCADE;
