-- Where and how statements run whose findings need the planner once more.
LOAD 'pg_purser';
CREATE SCHEMA audit_where;
SET search_path = audit_where;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
CREATE TABLE person (id int PRIMARY KEY, email text COLLATE "C", note text);
INSERT INTO person SELECT i, 'U' || i, 'n' || i FROM generate_series(1, 20000) i;
CREATE INDEX person_email ON person (email);
VACUUM ANALYZE person;
CREATE VIEW found AS
SELECT rule, relation, columns, occurrences AS n, (evidence->>'cost_after')::float8 < (evidence->>'cost_before')::float8 AS cheaper
FROM purser.findings WHERE rule IN ('missing_index', 'non_sargable', 'discarded_rows') ORDER BY relation::text, columns;
CREATE FUNCTION try(query text) RETURNS SETOF found LANGUAGE plpgsql AS $$
BEGIN
    PERFORM purser.audit_reset();
    EXECUTE query;
    EXECUTE query;
    RETURN QUERY SELECT * FROM found;
END $$;

-- Cursors: fetched from in parts and to the end, closed, left to the commit, WITH HOLD; each for both rules.
SELECT purser.audit_reset();
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM person WHERE lower(email) = 'u19000';
FETCH 1 FROM c;
COMMIT;
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM person WHERE lower(email) = 'u19000';
FETCH 1 FROM c;
COMMIT;
SELECT * FROM found;
SELECT purser.audit_reset();
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM person WHERE note = 'n19000';
FETCH 1 FROM c;
FETCH 1 FROM c;
CLOSE c;
DECLARE c CURSOR FOR SELECT * FROM person WHERE note = 'n19000';
FETCH 1 FROM c;
FETCH 1 FROM c;
CLOSE c;
COMMIT;
SELECT * FROM found;
SELECT purser.audit_reset();
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT * FROM person WHERE note = 'n19000';
COMMIT;
FETCH ALL FROM c;
CLOSE c;
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT * FROM person WHERE note = 'n19000';
COMMIT;
FETCH ALL FROM c;
CLOSE c;
SELECT * FROM found;
-- one whose waste is made up for by what follows
SELECT purser.audit_reset();
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM person WHERE lower(email) > 'u' AND id > 2000 OFFSET 0;
FETCH 1 FROM c;
MOVE ALL FROM c;
CLOSE c;
DECLARE c CURSOR FOR SELECT id FROM person WHERE lower(email) > 'u' AND id > 2000 OFFSET 0;
FETCH 1 FROM c;
MOVE ALL FROM c;
CLOSE c;
COMMIT;
SELECT * FROM found;

-- Statements that write, and those that keep what they read.
CREATE TABLE kept (id int);
SELECT * FROM try('INSERT INTO kept SELECT id FROM person WHERE lower(email) = ''u7''');
SELECT * FROM try('UPDATE person SET note = note WHERE lower(email) = ''u7''');
SELECT * FROM try('DELETE FROM person WHERE lower(email) = ''nobody''');
SELECT purser.audit_reset();
CREATE TABLE made AS SELECT id FROM person WHERE lower(email) = 'u7';
DROP TABLE made;
CREATE TABLE made AS SELECT id FROM person WHERE lower(email) = 'u7';
SELECT * FROM found;

-- Functions: of SQL, with a setting of their own, as another role.
CREATE ROLE regress_where;
GRANT USAGE ON SCHEMA audit_where TO regress_where;
GRANT SELECT ON person TO regress_where;
CREATE FUNCTION by_sql(text) RETURNS SETOF person LANGUAGE sql VOLATILE AS
$$ SELECT * FROM audit_where.person WHERE lower(email) = $1 $$;
SELECT * FROM try('SELECT by_sql(''u7'')');
CREATE FUNCTION by_definer() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET enable_indexscan = off AS $$
BEGIN RETURN (SELECT count(*) FROM audit_where.person WHERE lower(email) = 'u7'); END $$;
SELECT * FROM try('SELECT by_definer()');

-- Views that are barriers, and policies: no index comes before them but for what is leakproof.
CREATE VIEW barrier WITH (security_barrier) AS SELECT * FROM person WHERE id > 5;
SELECT * FROM try('SELECT * FROM barrier WHERE lower(email) = ''u7''');
ALTER TABLE person ENABLE ROW LEVEL SECURITY;
CREATE POLICY most ON person USING (id > 5);
SET ROLE regress_where;
SELECT * FROM person WHERE note = 'n19000';
SELECT * FROM person WHERE note = 'n19000';
SELECT id FROM person WHERE lower(email) = 'u7';
SELECT id FROM person WHERE lower(email) = 'u7';
RESET ROLE;
SELECT rule, columns, suggestion IS NOT NULL AS advice, (evidence->>'cost_after')::float8 < (evidence->>'cost_before')::float8 AS cheaper
FROM purser.findings WHERE role = 'regress_where' ORDER BY columns;
ALTER TABLE person DISABLE ROW LEVEL SECURITY;

-- Settings of the transaction, inheritance, parallel plans.
BEGIN;
SET LOCAL enable_indexscan = off;
SET LOCAL enable_bitmapscan = off;
SET LOCAL enable_indexonlyscan = off;
SELECT * FROM try('SELECT * FROM person WHERE note = ''n7''');
COMMIT;
CREATE TABLE base (id int, name text COLLATE "C");
CREATE TABLE child () INHERITS (base);
INSERT INTO child SELECT i, 'C' || i FROM generate_series(1, 20000) i;
CREATE INDEX child_name ON child (name);
ANALYZE base, child;
SELECT * FROM try('SELECT * FROM base WHERE lower(name) = ''c7''');
SELECT * FROM try('SELECT * FROM base WHERE id = 7');

SET client_min_messages = warning;
DROP SCHEMA audit_where CASCADE;
DROP ROLE regress_where;
