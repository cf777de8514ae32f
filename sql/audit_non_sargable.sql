-- Conditions that the index on their column cannot serve.
LOAD 'pg_purser';
CREATE SCHEMA audit_sargable;
SET search_path = audit_sargable;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
SET purser.audit_misestimate_time = '1h';
CREATE TABLE person (
    id int PRIMARY KEY, email text, born timestamptz, phone bigint, code varchar(20), made timestamp,
    state text, note text COLLATE "C");
INSERT INTO person
SELECT i, 'U' || i || '@example.org', timestamptz '1980-01-01 00:00+00' + i * interval '1 hour', 49000000 + i,
       'c' || i, timestamp '2020-01-01' + i * interval '1 hour', CASE WHEN i % 3 = 0 THEN 'Open' ELSE 'Done' END, 'n' || i
FROM generate_series(1, 20000) i;
CREATE INDEX person_email ON person (email);
CREATE INDEX person_born ON person (born);
CREATE INDEX person_phone ON person (phone);
CREATE INDEX person_code ON person (code);
CREATE INDEX person_made ON person (made);
CREATE INDEX person_state ON person (state);
VACUUM ANALYZE person;
CREATE VIEW found AS
SELECT rule, relation, columns, occurrences, evidence->>'cause' AS cause, evidence->>'index' AS index,
       (evidence->>'cost_after')::float8 < (evidence->>'cost_before')::float8 AS cheaper, suggestion
FROM purser.findings WHERE rule IN ('missing_index', 'non_sargable') ORDER BY relation::text, columns;
CREATE FUNCTION try(query text, runs int DEFAULT 2) RETURNS SETOF found LANGUAGE plpgsql AS $$
BEGIN
    PERFORM purser.audit_reset();
    FOR i IN 1..runs LOOP
        EXECUTE query;
    END LOOP;
    RETURN QUERY SELECT * FROM found;
END $$;

-- A function, a cast that loses nothing, one that does, arithmetic.
SELECT * FROM try('SELECT * FROM person WHERE lower(email) = ''u55@example.org''');
SELECT * FROM try('SELECT * FROM person WHERE upper(code) = ''C55''');
SELECT * FROM try('SELECT * FROM person WHERE ''u55@example.org'' = lower(email)');
SELECT * FROM try('SELECT * FROM person WHERE phone::text = ''49000777''');
SELECT * FROM try('SELECT * FROM person WHERE born::date = ''1980-03-04''');
SELECT * FROM try('SELECT * FROM person WHERE made::date = ''2020-03-04''');
SELECT * FROM try('SELECT * FROM person WHERE date_trunc(''day'', made) = ''2020-03-04''');
SELECT * FROM try('SELECT * FROM person WHERE phone + 0 = 49000005');
SELECT * FROM try('SELECT * FROM person WHERE lower(email) = ''u55@example.org'' AND id % 2 = 1');
SELECT evidence - 'cost_before' - 'cost_after' AS evidence, rows_read, severity FROM purser.findings;

SELECT * FROM try('SELECT * FROM person WHERE lower(email) IN (''u55@example.org'', ''u56@example.org'')');

-- Where the expression keeps the values of the column apart, its statistics hold for both.
SELECT (evidence->>'cost_after')::float8 * 20 < (evidence->>'cost_before')::float8 AS cheap FROM purser.findings;

-- Parameters: of another type, in custom and generic plans, in functions.
PREPARE by_phone (numeric) AS SELECT count(*) FROM person WHERE phone = $1;
PREPARE by_code (text) AS SELECT count(*) FROM person WHERE upper(code) = $1;
SELECT purser.audit_reset();
EXECUTE by_phone (49000001);
EXECUTE by_phone (49000002);
EXECUTE by_code ('C5');
EXECUTE by_code ('C6');
SELECT * FROM found;
SET plan_cache_mode = force_generic_plan;
SELECT purser.audit_reset();
EXECUTE by_phone (49000001);
EXECUTE by_phone (49000002);
EXECUTE by_code ('C5');
EXECUTE by_code ('C6');
SELECT * FROM found;
RESET plan_cache_mode;
CREATE FUNCTION who(text) RETURNS int LANGUAGE plpgsql AS $$
BEGIN RETURN (SELECT id FROM audit_sargable.person WHERE lower(email) = $1); END $$;
SELECT purser.audit_reset();
SELECT who('u5@example.org'), who('u6@example.org'), who('u7@example.org');
SELECT * FROM found;

-- Views, joins, partitions.
CREATE VIEW people AS SELECT id, lower(email) AS email FROM person;
SELECT * FROM try('SELECT * FROM people WHERE email = ''u55@example.org''');
SELECT * FROM try('SELECT * FROM person p JOIN person q ON q.id = p.id + 1 WHERE lower(p.email) = ''u5@example.org''');
CREATE TABLE visit (id int, who text) PARTITION BY RANGE (id);
CREATE TABLE visit_1 PARTITION OF visit FOR VALUES FROM (0) TO (4000);
CREATE TABLE visit_2 (gone int, who text, id int);
ALTER TABLE visit_2 DROP COLUMN gone;
ALTER TABLE visit ATTACH PARTITION visit_2 FOR VALUES FROM (4000) TO (90000);
INSERT INTO visit SELECT i, 'W' || i FROM generate_series(1, 8000) i;
CREATE INDEX visit_who ON visit (who);
ANALYZE visit;
SELECT relation, columns, cause, index, cheaper, suggestion FROM try('SELECT * FROM visit WHERE lower(who) = ''w5''');

-- mended once the partitioned table has the index
CREATE INDEX visit_other ON visit (upper(who));
SELECT relation FROM purser.findings;
CREATE INDEX visit_lower ON visit (lower(who));
SELECT relation FROM purser.findings;
SELECT relation, suggestion FROM try('SELECT * FROM person WHERE upper(code) = ''C55''');
CREATE INDEX person_upper ON person (upper(code));
SELECT relation FROM purser.findings;
SELECT relation, suggestion FROM try('SELECT * FROM person WHERE date_trunc(''day'', made) = ''2020-03-04''');
CREATE INDEX person_day ON person (date_trunc('day', made));
SELECT relation FROM purser.findings;
DROP INDEX person_upper, person_day;

-- A pattern that an index can look up only in the order of bytes, where the column has another order.
CREATE COLLATION plain (provider = icu, locale = 'und');
CREATE TABLE label (id int, name text COLLATE plain);
INSERT INTO label SELECT i, 'n' || i FROM generate_series(1, 20000) i;
CREATE INDEX label_name ON label (name);
ANALYZE label;
SELECT * FROM try('SELECT * FROM label WHERE name LIKE ''n777%''');

-- What is no finding: served by an index, small, not selective, kept for the most part, two columns,
-- not indexed at all, nothing that an index could serve.
SELECT * FROM try('SELECT * FROM person WHERE email = ''U55@example.org''', 3);
SELECT * FROM try('SELECT * FROM person WHERE born >= ''1982-03-04'' AND born < ''1982-03-05''', 3);
SELECT * FROM try('SELECT * FROM person WHERE lower(state) = ''open'' AND id % 10 = 1', 3);
SELECT * FROM try('SELECT id FROM person WHERE lower(email) <> ''u5'' LIMIT 20000', 3);
SELECT * FROM try('SELECT id FROM person WHERE phone + id = 49000010', 3);
SELECT * FROM try('SELECT id FROM person WHERE lower(note) = ''n5''', 3);
SELECT * FROM try('SELECT id FROM person WHERE length(note) > 1 AND id % 1000 = 7', 3);
CREATE TABLE unit AS SELECT i AS id, 'Unit ' || i AS name FROM generate_series(1, 300) i;
CREATE INDEX ON unit (name);
ANALYZE unit;
SELECT * FROM try('SELECT * FROM unit WHERE lower(name) = ''unit 5''', 3);
-- a missing index says it all
SELECT * FROM try('SELECT id FROM person WHERE lower(email) = ''u7@example.org'' AND note = ''n7''', 3);
-- no proof, no finding
SET purser.audit_what_if_interval = -1;
SELECT * FROM try('SELECT * FROM person WHERE lower(email) = ''u55@example.org''', 3);
RESET purser.audit_what_if_interval;

-- The suggestion works, and holds literals only for those who may read the query.
SELECT suggestion AS advice FROM try('SELECT * FROM person WHERE lower(email) = ''u55@example.org''') \gset
CREATE ROLE regress_sargable;
SET ROLE regress_sargable;
SELECT rule, suggestion, query FROM purser.findings;
RESET ROLE;
DROP ROLE regress_sargable;
:advice;
ANALYZE person;
SELECT rule, suggestion FROM purser.findings;
DROP INDEX person_lower_idx;
SELECT rule, suggestion FROM purser.findings;
:advice;
SELECT * FROM try('SELECT * FROM person WHERE lower(email) = ''u55@example.org''', 3);

SET client_min_messages = warning;
DROP SCHEMA audit_sargable CASCADE;
