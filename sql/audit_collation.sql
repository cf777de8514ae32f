-- A column compared in another collation than that of its index, or as another type.
LOAD 'pg_purser';
CREATE SCHEMA audit_collation;
SET search_path = audit_collation;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
CREATE COLLATION plain (provider = icu, locale = 'und');
CREATE COLLATION "Any Case" (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE person (
    id bigint PRIMARY KEY, name text COLLATE plain, email text COLLATE plain, code char(8), amount numeric, day date,
    made timestamptz, uid uuid, tag varchar(20), num int);
INSERT INTO person
SELECT i, 'n' || i, 'e' || i, 'c' || i, i, date '2000-01-01' + i, timestamptz '2000-01-01 00:00+00' + i * interval '1 hour',
       md5(i::text)::uuid, 't' || i, i
FROM generate_series(1, 20000) i;
CREATE INDEX person_name ON person (name);
CREATE INDEX person_email ON person (email COLLATE "C");
CREATE INDEX person_code ON person (code);
CREATE INDEX person_amount ON person (amount);
CREATE INDEX person_day ON person (day);
CREATE INDEX person_made ON person (made);
CREATE INDEX person_uid ON person (uid);
CREATE INDEX person_tag ON person (tag);
CREATE INDEX person_num ON person (num);
VACUUM ANALYZE person;
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

-- Collations: of the condition, of the index, one that is not deterministic; equality and ranges.
SELECT * FROM try('SELECT * FROM person WHERE name COLLATE "C" = ''n77''');
SELECT * FROM try('SELECT * FROM person WHERE name COLLATE "C" BETWEEN ''n77'' AND ''n78''');
SELECT * FROM try('SELECT * FROM person WHERE ''n77'' = name COLLATE "C"');
SELECT * FROM try('SELECT * FROM person WHERE name COLLATE "Any Case" = ''N77''');
SELECT * FROM try('SELECT * FROM person WHERE name COLLATE "C" IN (''n77'', ''n78'')');
SELECT * FROM try('SELECT * FROM person WHERE email = ''e77''');
-- served
SELECT * FROM try('SELECT * FROM person WHERE email COLLATE "C" = ''e77''', 3);
SELECT * FROM try('SELECT * FROM person WHERE name = ''n77''', 3);
SELECT * FROM try('SELECT * FROM person WHERE name COLLATE "C" > ''a''', 3);
-- mended
SELECT suggestion AS advice FROM try('SELECT * FROM person WHERE name COLLATE "Any Case" = ''N77''') \gset
:advice;
SELECT count(*) FROM found;
SELECT * FROM try('SELECT * FROM person WHERE name COLLATE "Any Case" = ''N77''', 3);

-- Types: the call is to be mended.
PREPARE by_amount (float8) AS SELECT count(*) FROM person WHERE amount = $1;
PREPARE by_code (text) AS SELECT count(*) FROM person WHERE code = $1;
PREPARE by_id (numeric) AS SELECT count(*) FROM person WHERE id = $1;
PREPARE by_num (float8) AS SELECT count(*) FROM person WHERE num = $1;
PREPARE by_nums (numeric[]) AS SELECT count(*) FROM person WHERE num = ANY ($1);
CREATE FUNCTION twice(statement text) RETURNS SETOF found LANGUAGE plpgsql AS $$
BEGIN
    PERFORM purser.audit_reset();
    EXECUTE statement;
    EXECUTE statement;
    RETURN QUERY SELECT * FROM found;
END $$;
SELECT columns, cause, index, cheaper, suggestion FROM twice('EXECUTE by_amount (77)');
SELECT columns, cause, index, cheaper, suggestion FROM twice('EXECUTE by_code (''c77'')');
SELECT columns, cause, index, cheaper, suggestion FROM twice('EXECUTE by_id (77)');
SELECT columns, cause, index, cheaper, suggestion FROM twice('EXECUTE by_num (77)');
SELECT columns, cause, index, cheaper, suggestion FROM twice('EXECUTE by_nums (ARRAY[77, 78])');
SELECT columns, cause, index, cheaper, suggestion FROM try('SELECT * FROM person WHERE uid::text = ''5''');
SELECT columns, cause, index, cheaper, suggestion FROM try('SELECT * FROM person WHERE id = 77.0');
-- types that belong together
SELECT * FROM try('SELECT * FROM person WHERE day = timestamptz ''2000-03-04 00:00''', 3);
SELECT * FROM try('SELECT * FROM person WHERE made = timestamp ''2000-03-04 00:00''', 3);
SELECT * FROM try('SELECT * FROM person WHERE made = date ''2000-03-04''', 3);
SELECT * FROM try('SELECT * FROM person WHERE tag = text ''t77''', 3);
SELECT * FROM try('SELECT * FROM person WHERE id = int2 ''77''', 3);
SELECT * FROM try('SELECT * FROM person WHERE amount = 77', 3);

-- A type of its own that is taken for text, as drivers do that send text.
CREATE EXTENSION citext;
CREATE TABLE account (id int, login citext);
INSERT INTO account SELECT i, 'l' || i FROM generate_series(1, 20000) i;
CREATE INDEX account_login ON account (login);
ANALYZE account;
SELECT * FROM try('SELECT * FROM account WHERE login = text ''l77''');
SELECT * FROM try('SELECT * FROM account WHERE login = ''L77''', 3);

SET client_min_messages = warning;
DROP SCHEMA audit_collation CASCADE;
