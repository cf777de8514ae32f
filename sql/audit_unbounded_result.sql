-- Results without bound: most of a table, or a part of it that grows as it does.
LOAD 'pg_purser';
CREATE SCHEMA audit_unbounded_result;
SET search_path = audit_unbounded_result;
SET max_parallel_workers_per_gather = 0;
SET purser.audit_unbounded_rows = 1000;
CREATE TABLE events (id int PRIMARY KEY, tenant int, what text);
CREATE INDEX events_tenant ON events (tenant);
INSERT INTO events SELECT i, 0, 'event' FROM generate_series(1, 1500) i;
INSERT INTO events SELECT i, i, 'event' FROM generate_series(1501, 10000) i;
VACUUM ANALYZE events;
CREATE VIEW found AS
    SELECT rule, relation, occurrences, rows_read, rows_returned, bytes, evidence
    FROM purser.findings ORDER BY rule, rows_returned;

-- most of the table
SELECT purser.audit_reset();
SELECT * FROM events WHERE id > 2000 \g /dev/null
SELECT * FROM events WHERE id > 2000 \g /dev/null
SELECT rule, occurrences, rows_returned, evidence->'table_rows' AS table_rows FROM found;

-- batches by their key, and a part that stays as it is
SELECT purser.audit_reset();
SELECT * FROM events WHERE id BETWEEN 1 AND 1000 \g /dev/null
SELECT * FROM events WHERE id BETWEEN 1001 AND 2000 \g /dev/null
SELECT * FROM events WHERE id BETWEEN 2001 AND 3000 \g /dev/null
SELECT * FROM events WHERE id > 0 ORDER BY id LIMIT 1000 \g /dev/null
SELECT * FROM events WHERE id > 1000 ORDER BY id LIMIT 1000 \g /dev/null
SELECT * FROM events WHERE tenant = 0 \g /dev/null
SELECT * FROM events WHERE tenant = 0 \g /dev/null
SELECT * FROM events WHERE tenant = 0 \g /dev/null
SELECT * FROM found;
-- the table grows, the batches stay as they are, the part grows
INSERT INTO events SELECT i, 0, 'event' FROM generate_series(10001, 10900) i;
INSERT INTO events SELECT i, i, 'event' FROM generate_series(10901, 14000) i;
VACUUM ANALYZE events;
SELECT * FROM events WHERE id BETWEEN 3001 AND 4000 \g /dev/null
SELECT * FROM events WHERE id BETWEEN 4001 AND 5000 \g /dev/null
SELECT * FROM events WHERE tenant = 0 \g /dev/null
SELECT * FROM found;
SELECT * FROM events WHERE tenant = 0 \g /dev/null
SELECT rule, relation, occurrences, rows_read, rows_returned, evidence FROM found;

-- a larger part of a table that is as it was: another tenant's
SELECT purser.audit_reset();
UPDATE events SET tenant = 1 WHERE id BETWEEN 3001 AND 4200;
VACUUM ANALYZE events;
SELECT * FROM events WHERE tenant = 1 \g /dev/null
SELECT * FROM events WHERE tenant = 0 \g /dev/null
SELECT * FROM events WHERE tenant = 0 \g /dev/null
SELECT * FROM found;

-- a partition read whole is a part of its table
CREATE TABLE days (day int, what text) PARTITION BY LIST (day);
SELECT format('CREATE TABLE days_%s PARTITION OF days FOR VALUES IN (%s)', n, n) FROM generate_series(1, 4) n \gexec
INSERT INTO days SELECT i % 4 + 1, 'event' FROM generate_series(1, 8000) i;
VACUUM ANALYZE days;
SELECT purser.audit_reset();
SELECT * FROM days WHERE day = 1 \g /dev/null
SELECT * FROM days WHERE day = 1 \g /dev/null
SELECT * FROM found;
SELECT * FROM days \g /dev/null
SELECT * FROM days \g /dev/null
SELECT rule, relation, occurrences, evidence->'table_rows' AS table_rows FROM found;

-- never analyzed: a share of what was read
CREATE TABLE fresh (id int, what text) WITH (autovacuum_enabled = off);
INSERT INTO fresh SELECT i, 'new' FROM generate_series(1, 3000) i;
SELECT purser.audit_reset();
SELECT * FROM fresh WHERE id <= 1200 \g /dev/null
SELECT * FROM fresh WHERE id <= 1200 \g /dev/null
SELECT * FROM found;
SELECT * FROM fresh \g /dev/null
SELECT * FROM fresh \g /dev/null
SELECT rule, relation, occurrences, evidence->'table_rows' AS table_rows FROM found;

-- the bytes are measured where the query is on the board
CREATE TABLE texts (id int PRIMARY KEY, body text);
INSERT INTO texts SELECT i, repeat('x', 1000) FROM generate_series(1, 2000) i;
VACUUM ANALYZE texts;
SET purser.audit_wide_row_bytes = 100;
SELECT purser.audit_reset();
SELECT * FROM texts \g /dev/null
SELECT * FROM texts \g /dev/null
SELECT * FROM texts \g /dev/null
SELECT rule, occurrences, evidence->'row_bytes' AS row_bytes FROM found;

SET client_min_messages = warning;
DROP SCHEMA audit_unbounded_result CASCADE;
