-- Nobody sees a word of what others sent: in the views, in notices and in errors, by whatever way.
LOAD 'pg_purser';
CREATE SCHEMA audit_readers;
SET search_path = audit_readers;
SET max_parallel_workers_per_gather = 0;
SET purser.audit_n_plus_one_window = 0;
CREATE TABLE t (id int PRIMARY KEY, ref int, word text, made date);
INSERT INTO t SELECT i, i % 100, 'word ' || i, date '2025-01-01' + i % 300 FROM generate_series(1, 3000) i;
CREATE INDEX ON t (word);
CREATE INDEX ON t (made);
CREATE INDEX ON t (ref);
CREATE TABLE u (id int PRIMARY KEY, owner text, name text);
INSERT INTO u SELECT i, CASE WHEN i % 2 = 0 THEN 'regress_rd_ann' ELSE 'regress_rd_bob' END, 'name ' || i FROM generate_series(1, 3000) i;
ALTER TABLE u ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON u USING (owner = CURRENT_USER AND coalesce(name, 'hidden2secret') <> '');
ANALYZE t, u;
CREATE ROLE regress_rd_ann;
CREATE ROLE regress_rd_bob;
CREATE ROLE regress_rd_app;
CREATE ROLE regress_rd_heir NOINHERIT IN ROLE regress_rd_ann;
CREATE ROLE regress_rd_stats IN ROLE pg_read_all_stats;
CREATE ROLE regress_rd_idle NOINHERIT IN ROLE pg_read_all_stats;
CREATE ROLE regress_rd_session SUPERUSER IN ROLE regress_rd_ann, regress_rd_app;
GRANT USAGE ON SCHEMA audit_readers TO PUBLIC;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA audit_readers TO PUBLIC;
-- Whatever the audit shows of a word that holds "secret", and who may read it.
CREATE VIEW leaks AS
SELECT 'findings' AS what, f.rule, f.role FROM purser.findings f WHERE f::text ~ 'secret'
UNION ALL SELECT 'query_stats', NULL, q.role FROM purser.query_stats q WHERE q::text ~ 'secret';
GRANT SELECT ON leaks TO PUBLIC;
CREATE VIEW shown AS
SELECT rule, role, query, evidence->>'nested' AS nested, suggestion FROM purser.findings
WHERE relation IN ('t'::regclass, 'u'::regclass) ORDER BY rule, role, query COLLATE "C";
GRANT SELECT ON shown TO PUBLIC;
SELECT purser.audit_reset();

-- Each rule whose words could hold something of the statement, by ann.
SET ROLE regress_rd_ann;
SELECT 'SELECT id FROM t WHERE lower(word || ''1secret'') = ''2secret''' FROM generate_series(1, 3) \gexec
SELECT 'SELECT id FROM t WHERE lower(word) = ''secret''' FROM generate_series(1, 3) \gexec
BEGIN;
SELECT id, 'secret' FROM t ORDER BY id LIMIT 12 \g /dev/null
\o /dev/null
SELECT format('SELECT word, ''secret'' FROM t WHERE id = %s', n) FROM generate_series(1, 12) n \gexec
SELECT 'SELECT word FROM t WHERE word = ''word 7'' /* secret */' FROM generate_series(1, 6) n \gexec
\o
COMMIT;
DO $$
BEGIN
    FOR i IN 1 .. 60 LOOP
        PERFORM word FROM t WHERE ref = i AND word <> 'secret';
    END LOOP;
END $$;
SELECT rule, count(*) FROM leaks GROUP BY rule ORDER BY rule;
-- nobody else sees any: another role, an heir that does not inherit, likewise one who could read all statistics
SET ROLE regress_rd_bob;
SELECT * FROM leaks;
SELECT count(*) FILTER (WHERE query <> '<insufficient privilege>' OR suggestion ~ 'lower') AS read, count(*) > 3 AS some FROM shown;
SELECT count(queryid) FROM purser.findings WHERE role = 'regress_rd_ann';
SELECT count(*) FROM purser.findings WHERE evidence ?| '{parent_query,parent_queryid,nested}' AND role = 'regress_rd_ann';
SELECT * FROM purser.suppressions;
SELECT purser.suppress('n_plus_one', reason => 'mine');
SELECT purser.unsuppress(1);
SELECT purser.audit_status();
SELECT purser.audit_reset();
SET ROLE regress_rd_heir;
SELECT * FROM leaks;
SET ROLE regress_rd_idle;
SELECT * FROM leaks;
SET ROLE regress_rd_stats;
SELECT count(*) > 3 AS all_of_it FROM leaks;
RESET ROLE;
-- a function shows what its owner may see, whoever calls it
CREATE FUNCTION how_many() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = audit_readers AS 'SELECT count(*) FROM leaks';
ALTER FUNCTION how_many() OWNER TO regress_rd_bob;
SET ROLE regress_rd_ann;
SELECT how_many();
SELECT count(*) > 3 AS her_own FROM leaks;
RESET ROLE;
SELECT purser.audit_reset();

-- A function that runs as its owner: the statement within is the owner's, what the caller sent is not.
CREATE FUNCTION within(first text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = audit_readers AS $$
DECLARE
    n bigint := 0;
BEGIN
    FOR i IN 1 .. 60 LOOP
        PERFORM word FROM t WHERE ref = i AND word <> first;
        n := n + 1;
    END LOOP;
    PERFORM id FROM t WHERE lower(word) = first || 'x';
    RETURN n;
END $$;
ALTER FUNCTION within(text) OWNER TO regress_rd_ann;
SET ROLE regress_rd_bob;
SET purser.audit_notice = 'all';
SET purser.audit_error = 'n_plus_one';
SELECT within('1secret');
SELECT within('2secret');
SELECT within('3secret');
RESET purser.audit_notice;
RESET purser.audit_error;
SELECT * FROM shown;
SET ROLE regress_rd_ann;
SELECT * FROM shown;
RESET ROLE;
SELECT purser.audit_reset();

-- A string of several statements: what comes before SET ROLE is not for the readers of the new role.
SET SESSION AUTHORIZATION regress_rd_session;
SELECT id, '1secret' FROM t WHERE id = 5 \; SET ROLE regress_rd_app \; DO $$
BEGIN
    FOR i IN 1 .. 60 LOOP
        PERFORM word FROM t WHERE ref = i;
    END LOOP;
END $$;
SELECT * FROM shown;
SELECT * FROM leaks;
-- a role that the statement itself takes on
RESET ROLE;
DO $$
BEGIN
    PERFORM '2secret';
    SET ROLE regress_rd_app;
    FOR i IN 1 .. 60 LOOP
        PERFORM word, id FROM t WHERE ref = i;
    END LOOP;
END $$;
SELECT * FROM leaks;
RESET ROLE;
-- a call by a role taken on before: its own statement, and no more of the string
CREATE FUNCTION loop_as_caller(kind text) RETURNS void LANGUAGE plpgsql SET search_path = audit_readers AS $$
BEGIN
    FOR i IN 1 .. 60 LOOP
        PERFORM made FROM t WHERE ref = i;
    END LOOP;
END $$;
SET ROLE regress_rd_ann;
SELECT id, '3secret' FROM t WHERE id = 5 \; SET ROLE regress_rd_app \; SELECT loop_as_caller('mine') \; SELECT '4secret';
SELECT nested FROM shown WHERE query ~ '^SELECT made';
SELECT * FROM leaks;
RESET ROLE;
-- what one role got is no parent of what another looks up; nor does a cursor change hands
SELECT purser.audit_reset();
BEGIN;
DECLARE c CURSOR FOR SELECT id, '5secret' FROM t ORDER BY id LIMIT 12;
SET LOCAL ROLE regress_rd_app;
FETCH ALL FROM c \g /dev/null
\o /dev/null
SELECT format('SELECT word, made FROM t WHERE id = %s', n) FROM generate_series(1, 12) n \gexec
\o
COMMIT;
SELECT * FROM shown WHERE role = 'regress_rd_app';
SET ROLE regress_rd_app;
SELECT * FROM leaks;
RESET ROLE;
SET SESSION AUTHORIZATION DEFAULT;
SELECT purser.audit_reset();

-- Row level security: the rows that count are those of the reader's own statement; the policy is not told.
SET ROLE regress_rd_bob;
SET purser.audit_notice = 'all';
SELECT id FROM u WHERE name = 'name 7';
SELECT id FROM u WHERE name = 'name 8';
SELECT id FROM u WHERE lower(name) = 'name 9';
RESET purser.audit_notice;
SELECT rule, columns, evidence - 'cost_before' - 'cost_after' AS evidence, suggestion FROM purser.findings WHERE relation = 'u'::regclass;
SELECT count(*) FROM leaks;
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA audit_readers CASCADE;
DROP ROLE regress_rd_ann, regress_rd_bob, regress_rd_app, regress_rd_heir, regress_rd_stats, regress_rd_idle, regress_rd_session;
SELECT purser.audit_reset();
