-- Conditions on what is made of a column: which index would serve, and when none would.
LOAD 'pg_purser';
CREATE SCHEMA audit_expression;
SET search_path = audit_expression, public;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
SET purser.audit_misestimate_time = '1d';
CREATE EXTENSION pg_trgm;
CREATE TABLE person (
    id int PRIMARY KEY, name varchar(60), email text, bio text, data jsonb, tags text[],
    made timestamptz, state text, half text);
INSERT INTO person
SELECT i, md5(i::text), 'u' || i || '@example.org', 'word' || i || ' common', jsonb_build_object('k', i),
       ARRAY['t' || i % 700, 'u' || i % 900], timestamptz '2024-01-01 00:00+00' + i * interval '1 minute',
       CASE WHEN i % 500 = 0 THEN 'open' ELSE 'done' END, 'h' || i % 2
FROM generate_series(1, 20000) i;
CREATE INDEX person_name ON person (name);
VACUUM ANALYZE person;
CREATE VIEW found AS
SELECT rule, columns, evidence->>'cause' AS cause, suggestion,
       (evidence->>'cost_after')::float8 < (evidence->>'cost_before')::float8 AS cheaper
FROM purser.findings ORDER BY rule, columns;
CREATE FUNCTION try(query text, runs int DEFAULT 2) RETURNS SETOF found LANGUAGE plpgsql AS $$
BEGIN
    PERFORM purser.audit_reset();
    FOR i IN 1..runs LOOP
        EXECUTE query;
    END LOOP;
    RETURN QUERY SELECT * FROM found;
END $$;
-- The suggestion, what is found once it has been run, at once and anew, and whether the planner takes it.
CREATE FUNCTION cure(query text, OUT rule text, OUT advice text, OUT left_over bigint, OUT again bigint, OUT taken boolean)
LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    SELECT f.rule, f.suggestion INTO rule, advice FROM try(query) f;
    EXECUTE advice;
    left_over := (SELECT count(*) FROM found);
    again := (SELECT count(*) FROM try(query, 3));
    taken := false;
    FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
        taken := taken OR line LIKE '%Index Cond%';
    END LOOP;
END $$;

-- As Django sends icontains, istartswith and iexact: of a column that has an index, and of one that has none.
SELECT rule, columns, cause, cheaper FROM try('SELECT * FROM person WHERE upper(name::text) LIKE upper(''%abcde%'')');
SELECT * FROM cure('SELECT * FROM person WHERE upper(name::text) = upper(''abcde'')');
-- a b-tree on the expression does not serve the others
SELECT * FROM cure('SELECT * FROM person WHERE upper(name::text) LIKE upper(''%abcde%'')');
SELECT * FROM cure('SELECT * FROM person WHERE upper(email::text) LIKE upper(''%u7777@%'')');
-- pg_trgm serves a beginning too
SELECT * FROM try('SELECT * FROM person WHERE upper(email::text) LIKE upper(''u7777@%'')');
SELECT * FROM cure('SELECT * FROM person WHERE upper(state) LIKE ''X%''');
SELECT * FROM cure('SELECT * FROM person WHERE lower(name) LIKE ''%abcde%''');
SELECT * FROM cure('SELECT * FROM person WHERE lower(email) ~ ''u777[0-9]@''');
-- what the planner refuses as it does not know how rare the values are, it takes once ANALYZE has seen them
CREATE TABLE listed AS SELECT id, data, made FROM person;
CREATE INDEX ON listed (made);
ANALYZE listed;
SELECT * FROM cure('SELECT id FROM listed WHERE data->>''k'' = ''77'' ORDER BY made DESC LIMIT 20');
SELECT * FROM cure('SELECT id FROM listed WHERE (data->>''k'')::int > 19990');
SELECT * FROM cure('SELECT id FROM listed WHERE lower(data->>''k'') LIKE ''%9990%'' ORDER BY made DESC LIMIT 20');
-- an index that has not been analyzed is no reason to make another one
DROP INDEX listed_expr_idx;
CREATE INDEX ON listed ((data->>'k'));
SELECT * FROM try('SELECT id FROM listed WHERE data->>''k'' = ''77'' ORDER BY made DESC LIMIT 20', 4);
-- written in another way, the same expression
DROP INDEX person_upper_idx1;
SELECT count(*) FROM try('SELECT * FROM person WHERE upper(name::text) LIKE upper(''%abcde%'')');
CREATE INDEX mended ON person USING gin (upper(name) gin_trgm_ops);
SELECT count(*) FROM found;
DROP INDEX mended;
-- an order of letters, where bytes are needed
CREATE COLLATION by_letter (provider = icu, locale = 'und');
CREATE TABLE label AS SELECT id, name::text COLLATE by_letter AS name FROM person;
CREATE INDEX ON label (name);
ANALYZE label;
SELECT * FROM cure('SELECT * FROM label WHERE upper(name) LIKE ''ABCDE%''');
-- a bound parameter, in custom and generic plans
PREPARE part (text) AS SELECT id FROM person WHERE upper(name::text) LIKE upper('%' || $1 || '%');
SELECT purser.audit_reset();
EXECUTE part ('abcde');
EXECUTE part ('abcdf');
SELECT * FROM found;
SET plan_cache_mode = force_generic_plan;
SELECT purser.audit_reset();
EXECUTE part ('abcde');
EXECUTE part ('abcdf');
SELECT * FROM found;
RESET plan_cache_mode;
-- Too short for trigrams, one letter in many rows, a pattern without a wildcard, out of the table.
SELECT * FROM try('SELECT * FROM person WHERE upper(name) LIKE ''%ZZ%''');
SELECT * FROM try('SELECT * FROM person WHERE upper(bio) LIKE ''%ZZ%''');
SELECT * FROM try('SELECT * FROM person WHERE bio LIKE ''%zz%''');
SELECT * FROM try('SELECT * FROM person WHERE upper(name) LIKE ''%A%''');
SELECT * FROM try('SELECT * FROM person WHERE upper(bio) LIKE ''WORD''');
SELECT * FROM try('SELECT * FROM person WHERE upper(bio) LIKE ''%'' || name || ''%''');

-- jsonb, text search, arrays.
SELECT * FROM cure('SELECT * FROM person WHERE data->>''k'' = ''77''');
SELECT * FROM cure('SELECT * FROM person WHERE data @> ''{"k": 77}''');
SELECT * FROM cure('SELECT * FROM person WHERE to_tsvector(''english'', bio) @@ to_tsquery(''english'', ''word77'')');
SELECT * FROM cure('SELECT * FROM person WHERE tags @> ARRAY[''t7'', ''u7'']');
SELECT * FROM try('SELECT * FROM person WHERE ''t7'' = ANY (tags)');
-- stable, so no index can be on it
SELECT * FROM try('SELECT * FROM person WHERE to_tsvector(bio) @@ to_tsquery(''word77'')');
SELECT * FROM try('SELECT * FROM person WHERE made::text = ''x''');
-- a cast of the column, where a value of its type would do
SELECT columns, suggestion FROM try('SELECT * FROM person WHERE id % 2 = 0 AND half::text || ''x'' = ''y'' AND made::date = ''2024-01-03''');
SELECT columns, suggestion FROM try('SELECT * FROM person WHERE email::bytea = ''x''');
CREATE TABLE pair AS SELECT i AS a, (i * 7) % 20011 AS b FROM generate_series(1, 20000) i;
ANALYZE pair;
SELECT columns, suggestion FROM try('SELECT * FROM pair WHERE a::text = ''777''');
SELECT columns, suggestion FROM try('SELECT * FROM pair WHERE a = 777.0');
SELECT columns, suggestion FROM try('SELECT * FROM pair WHERE a + b = 16');
SELECT columns, suggestion FROM try('SELECT * FROM pair WHERE a + 1 = b - 5');
CREATE DOMAIN marks AS int[];
CREATE TABLE marked AS SELECT i AS id, ARRAY[i]::marks AS marks FROM generate_series(1, 20000) i;
ANALYZE marked;
SELECT columns, suggestion FROM try('SELECT * FROM marked WHERE 7 = ANY (marks)');
SELECT * FROM cure('SELECT * FROM marked WHERE marks @> ARRAY[7]');
-- few values, beside what is selective
SELECT rule, columns, suggestion FROM try('SELECT * FROM person WHERE upper(half) = ''H1'' AND id % 977 = 3');

-- An index "WHERE the condition" is offered only where it can be made.
SELECT columns, suggestion FROM try('SELECT * FROM person WHERE state <> ''done''');
SELECT columns, suggestion FROM try('SELECT * FROM person WHERE state <> ''done'' AND made IS NOT NULL');
SELECT columns, suggestion FROM try('SELECT * FROM person WHERE coalesce(state = current_user, true)');
SELECT columns, suggestion FROM try('SELECT * FROM person WHERE made <> now() AND made < now() - interval ''90 years''');
SELECT columns, suggestion FROM try('SELECT * FROM person WHERE state <> (SELECT ''done'' LIMIT 1)');
SELECT columns, suggestion FROM try('SELECT * FROM person WHERE random() < 0');
SELECT columns, suggestion FROM try('SELECT * FROM person WHERE id + 0 = (random() - 2)::int');
SELECT columns, suggestion FROM try('SELECT * FROM person WHERE xmin::text = ''0''');
SELECT columns, suggestion FROM try('SELECT * FROM person WHERE person IS NULL');
PREPARE other (text) AS SELECT id FROM person WHERE state <> $1;
SELECT purser.audit_reset();
EXECUTE other ('done') \g /dev/null
EXECUTE other ('done') \g /dev/null
SELECT columns, suggestion FROM found;

-- Without pg_trgm, what is plain stands.
SET client_min_messages = warning;
DROP EXTENSION pg_trgm CASCADE;
SELECT * FROM try('SELECT * FROM person WHERE upper(name::text) LIKE upper(''%abcde%'')');
SELECT * FROM try('SELECT * FROM person WHERE upper(name::text) LIKE upper(''%zz%'')');

DROP SCHEMA audit_expression CASCADE;
