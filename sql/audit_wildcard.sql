-- Patterns without a beginning, on a column whose b-tree cannot look them up.
LOAD 'pg_purser';
CREATE SCHEMA audit_wildcard;
SET search_path = audit_wildcard;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
CREATE TABLE item (id int PRIMARY KEY, name text, code varchar(30), note text);
INSERT INTO item SELECT i, md5(i::text), 'c' || i || 'de', md5((-i)::text) FROM generate_series(1, 20000) i;
CREATE INDEX item_name ON item (name);
CREATE INDEX item_code ON item (code);
VACUUM ANALYZE item;
CREATE VIEW found AS
SELECT rule, relation, columns, evidence->>'cause' AS cause, evidence->>'index' AS index,
       (evidence->>'cost_after')::float8 < (evidence->>'cost_before')::float8 AS cheaper, suggestion
FROM purser.findings WHERE rule IN ('missing_index', 'non_sargable', 'discarded_rows') ORDER BY relation::text, columns;
CREATE FUNCTION try(query text, runs int DEFAULT 2) RETURNS SETOF found LANGUAGE plpgsql AS $$
BEGIN
    PERFORM purser.audit_reset();
    FOR i IN 1..runs LOOP
        EXECUTE query;
    END LOOP;
    RETURN QUERY SELECT * FROM found;
END $$;

-- Without pg_trgm the waste has to be plain, and the pattern long enough for it.
SELECT * FROM try('SELECT * FROM item WHERE name LIKE ''%abcde%''');
SELECT evidence FROM purser.findings;
SELECT * FROM try('SELECT * FROM item WHERE name LIKE ''%12345''');
SELECT * FROM try('SELECT * FROM item WHERE name LIKE ''%5e%a_1''', 3);
SELECT * FROM try('SELECT * FROM item WHERE name LIKE ''%abc%''', 3);

CREATE EXTENSION pg_trgm;
-- With it, the planner says whether it would look the pattern up.
SELECT * FROM try('SELECT * FROM item WHERE name LIKE ''%abcde%''');
SELECT (evidence->>'cost_after')::float8 * 2 < (evidence->>'cost_before')::float8 AS halved FROM purser.findings;
SELECT * FROM try('SELECT * FROM item WHERE name LIKE ''%12345''');
SELECT * FROM try('SELECT * FROM item WHERE name ILIKE ''%ABCDE%''');
SELECT * FROM try('SELECT * FROM item WHERE name ~ ''abcd''');
SELECT * FROM try('SELECT * FROM item WHERE name ~* ''ABCD''');
SELECT * FROM try('SELECT * FROM item WHERE code LIKE ''%777de''');
-- an index-only scan reads all of the index
SELECT * FROM try('SELECT count(*) FROM item WHERE name LIKE ''%abcde%''');

-- Parameters: put together, in custom and generic plans, in functions.
PREPARE by_part (text) AS SELECT count(*) FROM item WHERE name LIKE '%' || $1 || '%';
PREPARE by_concat (text) AS SELECT count(*) FROM item WHERE name LIKE concat('%', $1, '%');
PREPARE by_pattern (text) AS SELECT count(*) FROM item WHERE name LIKE $1;
SELECT purser.audit_reset();
EXECUTE by_part ('abcde');
EXECUTE by_part ('abcdf');
EXECUTE by_concat ('abcde');
EXECUTE by_concat ('abcdf');
EXECUTE by_pattern ('%abcde');
EXECUTE by_pattern ('%abcdf');
SELECT columns, cause, index, cheaper, suggestion FROM found;
SET plan_cache_mode = force_generic_plan;
SELECT purser.audit_reset();
EXECUTE by_part ('abcde');
EXECUTE by_part ('abcdf');
EXECUTE by_pattern ('%abcde');
EXECUTE by_pattern ('%abcdf');
SELECT columns, cause, index, cheaper FROM found;
RESET plan_cache_mode;
CREATE FUNCTION parts(text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN RETURN (SELECT count(*) FROM audit_wildcard.item WHERE name LIKE '%' || $1 || '%'); END $$;
SELECT purser.audit_reset();
SELECT parts('abcde'), parts('abcdf'), parts('abcd0');
SELECT columns, cause, index, cheaper FROM found;

-- What is no finding: too short for trigrams, most rows kept, a beginning, a NULL, small tables,
-- no index (then discarded_rows says so), a pattern out of the table.
SELECT * FROM try('SELECT * FROM item WHERE name LIKE ''%5e%a_1''', 3);
SELECT * FROM try('SELECT * FROM item WHERE name LIKE ''%1%''', 3);
SELECT * FROM try('SELECT * FROM item WHERE code LIKE ''%de''', 3);
SELECT * FROM try('SELECT * FROM item WHERE name LIKE ''abcde%''', 3);
SELECT * FROM try('SELECT * FROM item WHERE name ~ ''^abcde''', 3);
SELECT * FROM try('SELECT * FROM item WHERE name LIKE ''%abc%'' LIMIT 1', 3);
SELECT * FROM try('SELECT * FROM item WHERE name NOT LIKE ''%abc%''', 3);
SELECT rule, columns FROM try('SELECT * FROM item WHERE note LIKE ''%abcde%''');
SELECT * FROM try('SELECT * FROM item WHERE name LIKE ''%'' || left(code, 3)', 3);
CREATE TABLE few AS SELECT i AS id, 'few ' || i AS name FROM generate_series(1, 500) i;
CREATE INDEX ON few (name);
ANALYZE few;
SELECT * FROM try('SELECT * FROM few WHERE name LIKE ''%w 77''', 3);

-- The suggestion works, and the finding goes with it.
SELECT suggestion AS advice FROM try('SELECT * FROM item WHERE name LIKE ''%abcde%''') \gset
:advice;
SELECT count(*) FROM found;
SELECT * FROM try('SELECT * FROM item WHERE name LIKE ''%abcde%''', 3);
-- too short for the index that is there
SELECT * FROM try('SELECT * FROM item WHERE name LIKE ''%5e%a_1''', 3);
DROP INDEX item_name_idx;
SELECT * FROM try('SELECT * FROM item WHERE name LIKE ''%abcde%''', 3);

-- Partitions; beside other conditions; in an update.
CREATE TABLE visit (id int, who text) PARTITION BY RANGE (id);
CREATE TABLE visit_1 PARTITION OF visit FOR VALUES FROM (0) TO (4000);
CREATE TABLE visit_2 (gone int, who text, id int);
ALTER TABLE visit_2 DROP COLUMN gone;
ALTER TABLE visit ATTACH PARTITION visit_2 FOR VALUES FROM (4000) TO (90000);
INSERT INTO visit SELECT i, md5(i::text) FROM generate_series(1, 20000) i;
CREATE INDEX visit_who ON visit (who);
ANALYZE visit;
SELECT relation, columns, cause, index, cheaper, suggestion FROM try('SELECT * FROM visit WHERE who LIKE ''%abcde%''');
SELECT suggestion AS advice FROM found \gset
:advice;
SELECT count(*) FROM found;
DROP TABLE visit;
SELECT * FROM try('SELECT * FROM item WHERE name LIKE ''%abcde%'' AND id % 2 = 1');
SELECT rule, columns FROM try('SELECT * FROM item WHERE name LIKE ''%abcde%'' AND note = ''x''');
SELECT columns, cause, cheaper FROM try('UPDATE item SET note = note WHERE name LIKE ''%abcde%''');

-- The extension in another schema; and not there any more.
CREATE SCHEMA audit_wildcard_other;
ALTER EXTENSION pg_trgm SET SCHEMA audit_wildcard_other;
SELECT suggestion FROM try('SELECT * FROM item WHERE name LIKE ''%abcde%''', 3);
DROP EXTENSION pg_trgm;
SELECT suggestion FROM found;
-- mended for patterns with a beginning
CREATE COLLATION plain (provider = icu, locale = 'und');
CREATE TABLE label (id int, name text COLLATE plain);
INSERT INTO label SELECT i, 'n' || i FROM generate_series(1, 20000) i;
CREATE INDEX label_name ON label (name);
ANALYZE label;
SELECT suggestion AS advice FROM try('SELECT * FROM label WHERE name LIKE ''n777%''') \gset
:advice;
SELECT count(*) FROM found;
DROP INDEX label_name_idx;
SELECT count(*) FROM found;
CREATE INDEX label_bytes ON label (name COLLATE "C");
SELECT count(*) FROM found;

SET client_min_messages = warning;
DROP SCHEMA audit_wildcard_other CASCADE;
DROP SCHEMA audit_wildcard CASCADE;
