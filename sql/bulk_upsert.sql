-- on_conflict 'update': what INSERT ... ON CONFLICT DO UPDATE SET c = excluded.c does, row after row.
CREATE SCHEMA bulk_upsert;
SET search_path = bulk_upsert;
CREATE TABLE t (id int PRIMARY KEY, a int, b text DEFAULT 'b', twice int GENERATED ALWAYS AS (a * 2) STORED);
SELECT * FROM purser.bulk_insert('t', E'id,a,b\n1,10,one\n2,20,two\n3,30,three\n', 'csv', 'update');
-- The columns that the input names are set, the others are left.
SELECT * FROM purser.bulk_insert('t', E'id,a\n2,21\n4,40\n', 'csv', 'update');
TABLE t ORDER BY id;
-- Of JSON each row sets the columns that it has itself.
SELECT * FROM purser.bulk_insert('t', '[{"id": 1, "a": 11}, {"id": 2, "b": "zwei"}, {"id": 3, "b": null}, {"id": 4}, {"id": 5}]', on_conflict => 'update');
TABLE t ORDER BY id;
-- update_columns are set to what would have been inserted, defaults included.
SELECT * FROM purser.bulk_insert('t', '[{"id": 1, "a": 12}, {"id": 6, "a": 60}]', on_conflict => 'update', update_columns => '{b}');
SELECT * FROM t WHERE id IN (1, 6) ORDER BY id;
-- The same key several times: as if each row came by itself, so the last one wins.
SELECT * FROM purser.bulk_insert('t', '[{"id": 7, "a": 1, "b": "x"}, {"id": 1, "a": 1}, {"id": 7, "a": 2}, {"id": 1, "a": 2}, {"id": 7, "b": "y"}, {"id": 1, "a": 3}]', on_conflict => 'update');
SELECT * FROM t WHERE id IN (1, 7) ORDER BY id;
SELECT * FROM purser.bulk_insert('t', (SELECT json_agg(json_build_object('id', 100 + g % 300, 'a', g) ORDER BY g) FROM generate_series(1, 25000) g), on_conflict => 'update');
SELECT count(*), sum(a), sum(twice) FROM t WHERE id >= 100;
-- A condition.
SELECT * FROM purser.bulk_insert('t', '[{"id": 1, "a": 100}, {"id": 2, "a": 1}, {"id": 8, "a": 8}, {"id": 8, "a": 7}, {"id": 3, "a": null}]',
    on_conflict => 'update', update_where => 'excluded.a > t.a');
SELECT id, a FROM t WHERE id IN (1, 2, 3, 8) ORDER BY id;
SELECT * FROM purser.bulk_insert('t', '[{"id": 1, "a": 0}]', on_conflict => 'update', update_where => 't IS NOT NULL AND excluded IS NOT NULL AND t.twice = 200 AND excluded.twice = 0 AND t.ctid IS NOT NULL AND t.tableoid = ''t''::regclass');
SELECT purser.bulk_insert('t', '[]', on_conflict => 'update', update_where => 'a > 1');
SELECT purser.bulk_insert('t', '[]', on_conflict => 'update', update_where => 'excluded.nope > 1');
SELECT purser.bulk_insert('t', '[]', on_conflict => 'update', update_where => 'excluded.ctid IS NULL');
SELECT purser.bulk_insert('t', '[]', on_conflict => 'update', update_where => 't.a');
SELECT purser.bulk_insert('t', '[]', on_conflict => 'update', update_where => 'true; DROP TABLE t');
SELECT purser.bulk_insert('t', '[]', on_conflict => 'update', update_where => 'true FROM pg_class');
SELECT purser.bulk_insert('t', '[]', on_conflict => 'update', update_where => 'true, true');
SELECT purser.bulk_insert('t', '[]', on_conflict => 'update', update_where => 'count(*) > 1');
SELECT purser.bulk_insert('t', '[]', on_conflict => 'update', update_where => '$1');
SELECT purser.bulk_insert('t', '[]', on_conflict => 'update', update_where => '');
SELECT purser.bulk_insert('t', '[]', on_conflict => 'skip', update_where => 'true');
-- What cannot be set.
SELECT purser.bulk_insert('t', '[]', on_conflict => 'update', update_columns => '{nope}');
SELECT purser.bulk_insert('t', '[]', on_conflict => 'update', update_columns => '{twice}');
SELECT purser.bulk_insert('t', '[]', on_conflict => 'update', update_columns => '{ctid}');
CREATE TABLE always (k int PRIMARY KEY, i int GENERATED ALWAYS AS IDENTITY, v int);
SELECT purser.bulk_insert('always', '[]', on_conflict => 'update', update_columns => '{i}');
SELECT updated FROM purser.bulk_insert('always', '[{"k": 1}, {"k": 1, "v": 2}]', on_conflict => 'update');
TABLE always;

-- Arbiters: a unique constraint by its columns, any index by its name.
CREATE TABLE u (id serial PRIMARY KEY, email text, region int, v text);
CREATE UNIQUE INDEX u_email ON u (lower(email));
CREATE UNIQUE INDEX u_region ON u (region) WHERE region > 0;
CREATE UNIQUE INDEX u_null ON u (email, region) NULLS NOT DISTINCT;
CREATE INDEX u_plain ON u (v);
SELECT * FROM purser.bulk_insert('u', '[{"email": "A@x", "region": 1, "v": "1"}, {"email": "a@X", "region": 2, "v": "2"}, {"email": "b@x", "v": "3"}]', on_conflict => 'update', conflict_index => 'u_email');
SELECT * FROM purser.bulk_insert('u', '[{"email": "c@x", "region": 2, "v": "4"}, {"email": "d@x", "region": -2, "v": "5"}, {"email": "e@x", "region": -2, "v": "6"}]', on_conflict => 'update', conflict_index => 'u_region');
SELECT * FROM purser.bulk_insert('u', '[{"email": "b@x", "region": null, "v": "7"}, {"email": null, "v": "8"}, {"email": null, "region": null, "v": "9"}]', on_conflict => 'update', conflict_index => 'u_null');
SELECT email, region, v FROM u ORDER BY v;
SELECT purser.bulk_insert('u', '[]', on_conflict => 'update', conflict_index => 'u_plain');
SELECT purser.bulk_insert('u', '[]', on_conflict => 'update', conflict_index => 'nope');
SELECT purser.bulk_insert('u', '[]', on_conflict => 'update', conflict_columns => '{region}');
SELECT purser.bulk_insert('u', '[]', on_conflict => 'update', conflict_columns => '{id}', conflict_index => 'u_email');
ALTER TABLE u DROP CONSTRAINT u_pkey;
SELECT purser.bulk_insert('u', '[]', on_conflict => 'update');
CREATE TABLE only_one (a int, b int);
SELECT purser.bulk_insert('only_one', '[]', on_conflict => 'update');
CREATE UNIQUE INDEX ON only_one (a);
SELECT * FROM purser.bulk_insert('only_one', '[{"a": 1, "b": 1}, {"a": null, "b": 2}, {"a": 1, "b": 3}, {"a": null, "b": 4}]', on_conflict => 'update');
TABLE only_one ORDER BY b;
CREATE TABLE e (r int4range, v int, CONSTRAINT e_r EXCLUDE USING gist (r WITH &&));
SELECT * FROM purser.bulk_insert('e', '[{"r": "[1,3)"}, {"r": "[2,4)"}, {"r": "[3,5)"}]', on_conflict => 'skip', conflict_index => 'e_r');
SELECT purser.bulk_insert('e', '[]', on_conflict => 'update', conflict_index => 'e_r');
CREATE TABLE d (id int PRIMARY KEY DEFERRABLE);
SELECT purser.bulk_insert('d', E'id\n1\n', 'csv', on_conflict => 'update');
-- Two indexes on the same column are both arbiters.
CREATE TABLE both_indexes (a int UNIQUE, b int);
CREATE UNIQUE INDEX ON both_indexes (a);
SELECT * FROM purser.bulk_insert('both_indexes', E'a,b\n1,1\n2,2\n1,3\n', 'csv', on_conflict => 'update', conflict_columns => '{a}');
TABLE both_indexes ORDER BY a;
-- Columns of the key may be set by name: equal is not always the same.
CREATE TABLE n (k numeric PRIMARY KEY, v int);
INSERT INTO n VALUES (1.0, 1);
SELECT updated FROM purser.bulk_insert('n', E'k,v\n1.00,2\n', 'csv', on_conflict => 'update');
TABLE n;
SELECT updated FROM purser.bulk_insert('n', E'k,v\n1.00,3\n', 'csv', on_conflict => 'update', update_columns => '{k,v}');
TABLE n;

-- Another unique constraint is an error, unless the order of the rows makes room in time.
CREATE TABLE two (id int PRIMARY KEY, email text UNIQUE);
INSERT INTO two VALUES (1, 'a'), (2, 'b'), (3, 'c');
SELECT purser.bulk_insert('two', E'id,email\n9,z\n1,b\n', 'csv', on_conflict => 'update');
SELECT * FROM purser.bulk_insert('two', E'id,email\n2,x\n1,b\n4,c\n', 'csv', on_conflict => 'update');
SELECT * FROM purser.bulk_insert('two', E'id,email\n2,x\n1,b\n4,d\n', 'csv', on_conflict => 'update');
SELECT * FROM purser.bulk_insert('two', E'id,email\n5,e\n3,y\n6,c\n', 'csv', on_conflict => 'update');
TABLE two ORDER BY id;
-- Constraints are checked on the row as it will be.
CREATE TABLE c (id int PRIMARY KEY, lo int, hi int NOT NULL DEFAULT 10, CHECK (lo < hi));
SELECT updated FROM purser.bulk_insert('c', '[{"id": 1, "lo": 1}, {"id": 1, "hi": 5}]', on_conflict => 'update');
SELECT purser.bulk_insert('c', E'id,lo\n1,7\n', 'csv', on_conflict => 'update');
SELECT purser.bulk_insert('c', E'id,hi\n1,\n', 'csv', on_conflict => 'update');
TABLE c;

-- Triggers: BEFORE INSERT sees each row, then UPDATE's; statement triggers of both; transition tables.
CREATE TABLE log (n serial, what text);
CREATE TABLE trig (id int PRIMARY KEY, a int, b int);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log (what) VALUES (concat_ws(' ', TG_NAME, TG_WHEN, TG_OP, TG_LEVEL, CASE WHEN TG_LEVEL = 'ROW' AND TG_OP = 'UPDATE' THEN OLD::text END, CASE WHEN TG_LEVEL = 'ROW' THEN NEW::text END));
    RETURN NEW;
END $$;
CREATE FUNCTION note_tables() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        INSERT INTO log (what) SELECT format('%s: %s to %s', TG_NAME, (SELECT array_agg(o ORDER BY o) FROM o), (SELECT array_agg(n ORDER BY n) FROM n));
    ELSE
        INSERT INTO log (what) SELECT format('%s: %s', TG_NAME, (SELECT array_agg(n ORDER BY n) FROM n));
    END IF;
    RETURN NULL;
END $$;
INSERT INTO trig VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3);
CREATE TRIGGER after_row AFTER INSERT OR UPDATE ON trig FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER after_b AFTER UPDATE OF b ON trig FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER statement_before BEFORE INSERT OR UPDATE ON trig EXECUTE FUNCTION note();
CREATE TRIGGER statement_after AFTER INSERT OR UPDATE ON trig EXECUTE FUNCTION note();
CREATE TRIGGER tables_insert AFTER INSERT ON trig REFERENCING NEW TABLE AS n EXECUTE FUNCTION note_tables();
CREATE TRIGGER tables_update AFTER UPDATE ON trig REFERENCING OLD TABLE AS o NEW TABLE AS n EXECUTE FUNCTION note_tables();
SELECT * FROM purser.bulk_insert('trig', '[{"id": 3, "a": 30}, {"id": 4, "a": 40}, {"id": 1, "b": 10}, {"id": 1, "a": 11}, {"id": 2}]', on_conflict => 'update');
SELECT what FROM log ORDER BY n;
TRUNCATE log;
CREATE TRIGGER before_row BEFORE INSERT OR UPDATE ON trig FOR EACH ROW EXECUTE FUNCTION note();
SELECT * FROM purser.bulk_insert('trig', '[{"id": 2, "a": 20}, {"id": 5, "a": 50}, {"id": 5, "a": 51}]', on_conflict => 'update', update_where => 'trig.a <> 51');
SELECT what FROM log ORDER BY n;
CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.a < 0 THEN RETURN NULL; END IF;
    NEW.b := NEW.a * 100;
    RETURN NEW;
END $$;
DROP TRIGGER before_row ON trig;
CREATE TRIGGER change BEFORE UPDATE ON trig FOR EACH ROW EXECUTE FUNCTION change();
SELECT * FROM purser.bulk_insert('trig', '[{"id": 1, "a": 7}, {"id": 2, "a": -7}, {"id": 6, "a": -6}]', on_conflict => 'update');
TABLE trig ORDER BY id;
-- A statement trigger before UPDATE OF columns must know them before the first row: else the load goes by statement.
CREATE TRIGGER of_columns BEFORE UPDATE OF a ON trig EXECUTE FUNCTION note();
SELECT purser.bulk_insert('trig', '[]', on_conflict => 'update');
SELECT updated FROM purser.bulk_insert('trig', '[{"id": 1, "a": 8}]', on_conflict => 'update', update_columns => '{a}');
-- So does a condition with a subquery.  Outcomes are not known then.
CREATE TABLE best (id int PRIMARY KEY, v int);
INSERT INTO best VALUES (1, 1), (2, 2);
SELECT * FROM purser.bulk_insert('best', '[{"id": 1, "v": 3}, {"id": 2, "v": 1}, {"id": 3, "v": 1}]', on_conflict => 'update',
    update_where => 'excluded.v > (SELECT max(b.v) FROM best b)');
TABLE best ORDER BY id;
SELECT purser.bulk_insert_outcomes('best', '[]', on_conflict => 'update', update_where => 'EXISTS (SELECT)');
-- A deferrable constraint beside the arbiter, and foreign keys both ways.
CREATE TABLE parent (id int PRIMARY KEY, code int UNIQUE DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent);
SELECT inserted FROM purser.bulk_insert('parent', '[{"id": 1, "code": 1}, {"id": 2, "code": 2}]', on_conflict => 'update');
SELECT updated FROM purser.bulk_insert('parent', '[{"id": 1, "code": 2}, {"id": 2, "code": 1}]', on_conflict => 'update');
SELECT purser.bulk_insert('parent', '[{"id": 1, "code": 1}, {"id": 3}]', on_conflict => 'update');
SELECT * FROM purser.bulk_insert('child', '[{"id": 1, "parent": 1}, {"id": 1, "parent": 2}]', on_conflict => 'update');
SELECT purser.bulk_insert('child', '[{"id": 1, "parent": 9}]', on_conflict => 'update');
TABLE child;

-- A partition by itself: a row cannot leave it.
CREATE TABLE whole (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
CREATE TABLE low PARTITION OF whole FOR VALUES FROM (0) TO (100);
SELECT * FROM purser.bulk_insert('low', E'id,v\n1,1\n1,2\n', 'csv', 'update');
SELECT purser.bulk_insert('low', E'id,v\n100,1\n', 'csv', 'update');
-- Rules, and large values.
CREATE TABLE ruled (id int PRIMARY KEY, v int);
CREATE RULE r AS ON UPDATE TO ruled DO ALSO NOTHING;
SELECT purser.bulk_insert('ruled', '[]', on_conflict => 'update');
SELECT purser.bulk_insert('ruled', '[]', on_conflict => 'skip');
CREATE TABLE large (id int PRIMARY KEY, v text, w text);
ALTER TABLE large ALTER v SET STORAGE EXTERNAL, ALTER w SET STORAGE EXTERNAL;
INSERT INTO large SELECT i, repeat('v', 3000 + i), repeat('w', 5000 + i) FROM generate_series(1, 50) i;
SELECT * FROM purser.bulk_insert('large', (SELECT json_agg(json_build_object('id', i, 'v', repeat('x', 10000 + i))) FROM generate_series(26, 75) i), on_conflict => 'update');
SELECT count(*), sum(length(v)), sum(length(w)) FROM large;
-- Dropped and added columns.
CREATE TABLE altered (gone int, id int PRIMARY KEY, v int);
INSERT INTO altered VALUES (1, 1, 1), (2, 2, 2);
ALTER TABLE altered DROP gone, ADD w int DEFAULT 7;
SELECT * FROM purser.bulk_insert('altered', E'id,v\n1,10\n3,30\n', 'csv', 'update');
TABLE altered ORDER BY id;
-- Rows of the same transaction, before and within the load.
BEGIN ISOLATION LEVEL REPEATABLE READ;
INSERT INTO altered VALUES (4, 4, 4);
SELECT * FROM purser.bulk_insert('altered', E'id,v\n4,5\n4,6\n5,1\n5,2\n', 'csv', 'update');
SELECT * FROM altered WHERE id > 3 ORDER BY id;
COMMIT;
-- An error in the middle leaves nothing, and nothing of it in a savepoint's way.
BEGIN;
SAVEPOINT s;
SELECT purser.bulk_insert('two', E'id,email\n1,q\n7,g\n8,g\n', 'csv', on_conflict => 'update');
ROLLBACK TO s;
SELECT * FROM purser.bulk_insert('two', E'id,email\n1,q\n7,g\n8,h\n', 'csv', on_conflict => 'update');
COMMIT;
TABLE two ORDER BY id;

SET client_min_messages = warning;
DROP SCHEMA bulk_upsert CASCADE;
