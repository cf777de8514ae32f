-- All columns of a wide table, by the bytes that are really sent.
LOAD 'pg_purser';
CREATE SCHEMA audit_wide_select;
SET search_path = audit_wide_select;
SET max_parallel_workers_per_gather = 0;
-- TOASTed: not compressed, so that the bytes are certain
CREATE TABLE docs (id int PRIMARY KEY, title text, body text, note text, gone int);
ALTER TABLE docs ALTER body SET STORAGE EXTERNAL;
ALTER TABLE docs DROP COLUMN gone;
INSERT INTO docs SELECT i, 'doc ' || lpad(i::text, 6, '0'), repeat('x', 10000), repeat('y', 96)
FROM generate_series(1, 200) i;
CREATE TABLE owners (id int PRIMARY KEY, name text, doc int);
INSERT INTO owners SELECT i, 'owner ' || i, i FROM generate_series(1, 200) i;
VACUUM ANALYZE docs, owners;
CREATE VIEW found AS
    SELECT rule, severity, relation, columns, occurrences, rows_returned, bytes, evidence, suggestion
    FROM purser.findings ORDER BY rule, relation::text, columns;

-- a page of a list: 50 rows of 10 kB; the first run puts it on the board, the second is measured
SELECT purser.audit_reset();
SELECT * FROM docs WHERE id BETWEEN 1 AND 50 \g (format=unaligned) /dev/null
SELECT * FROM found;
SELECT * FROM docs WHERE id BETWEEN 1 AND 50 \g (format=unaligned) /dev/null
\x on
SELECT * FROM found;
\x off
SELECT * FROM docs WHERE id BETWEEN 101 AND 200 \g (format=unaligned) /dev/null
SELECT occurrences, rows_returned, bytes, evidence FROM found;
-- more rows than are measured one by one: the same bytes a row
SELECT purser.audit_reset();
SELECT d.* FROM docs d, generate_series(1, 5) \g (format=unaligned) /dev/null
SELECT d.* FROM docs d, generate_series(1, 5) \g (format=unaligned) /dev/null
SELECT rule, rows_returned, bytes, evidence->'row_bytes' AS row_bytes FROM found;

-- through a view, a join, a subquery, a sort, LIMIT, EXECUTE
CREATE VIEW all_docs AS SELECT * FROM docs;
PREPARE page AS SELECT * FROM docs ORDER BY title LIMIT 60;
SELECT purser.audit_reset();
SELECT * FROM all_docs ORDER BY note LIMIT 40 \g (format=unaligned) /dev/null
SELECT * FROM all_docs ORDER BY note LIMIT 40 \g (format=unaligned) /dev/null
SELECT * FROM docs d JOIN owners o ON o.doc = d.id WHERE o.id <= 41 \g (format=unaligned) /dev/null
SELECT * FROM docs d JOIN owners o ON o.doc = d.id WHERE o.id <= 41 \g (format=unaligned) /dev/null
SELECT * FROM (SELECT * FROM docs ORDER BY id LIMIT 42 OFFSET 1) d ORDER BY title \g (format=unaligned) /dev/null
SELECT * FROM (SELECT * FROM docs ORDER BY id LIMIT 42 OFFSET 1) d ORDER BY title \g (format=unaligned) /dev/null
EXECUTE page \g (format=unaligned) /dev/null
EXECUTE page \g (format=unaligned) /dev/null
SELECT rule, relation, columns, occurrences, rows_returned FROM found ORDER BY rows_returned;

-- partitions are one table; their columns may have other numbers
CREATE TABLE parts (id int, kind text, body text) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (50);
CREATE TABLE parts_2 (body text, other int, kind text, id int);
ALTER TABLE parts_2 DROP COLUMN other;
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (50) TO (100);
ALTER TABLE parts_1 ALTER body SET STORAGE EXTERNAL;
ALTER TABLE parts_2 ALTER body SET STORAGE EXTERNAL;
INSERT INTO parts SELECT i, 'kind', repeat('x', 10000) FROM generate_series(1, 99) i;
VACUUM ANALYZE parts;
SELECT purser.audit_reset();
SELECT * FROM parts \g (format=unaligned) /dev/null
SELECT * FROM parts \g (format=unaligned) /dev/null
SELECT * FROM parts WHERE id >= 50 \g (format=unaligned) /dev/null
SELECT * FROM parts WHERE id >= 50 \g (format=unaligned) /dev/null
SELECT relation, columns, occurrences, rows_returned, suggestion FROM found ORDER BY rows_returned;

-- wide by its columns, each of them small
SELECT format('CREATE TABLE metrics (id int, %s)', string_agg(format('c%s bigint', i), ', ' ORDER BY i))
FROM generate_series(1, 300) i \gexec
INSERT INTO metrics (id, c1, c2) SELECT i, i, i FROM generate_series(1, 200) i;
SELECT format('UPDATE metrics SET %s', string_agg(format('c%s = %s', i, i), ', ' ORDER BY i))
FROM generate_series(1, 300) i \gexec
VACUUM ANALYZE metrics;
SELECT purser.audit_reset();
SELECT * FROM metrics \g (format=unaligned) /dev/null
SELECT * FROM metrics \g (format=unaligned) /dev/null
SELECT relation, columns, bytes, evidence, suggestion FROM found;

-- near misses, each three times
SELECT purser.audit_reset();
CREATE TABLE plain (id int PRIMARY KEY, a int, b int, c int, d int, e timestamp, f timestamp, g bool,
    h text, i text, j text, k text, l numeric, m numeric, n uuid, o date, p date, q int, r int, s text);
INSERT INTO plain SELECT i, i, i, i, i, now(), now(), true, 'some text', 'more text', repeat('z', 60),
    'x', i, i, gen_random_uuid(), '2026-01-01', '2026-01-01', i, i, 'end' FROM generate_series(1, 3000) i;
CREATE TABLE pairs (id int PRIMARY KEY, body text);
ALTER TABLE pairs ALTER body SET STORAGE EXTERNAL;
INSERT INTO pairs SELECT id, body FROM docs;
CREATE TEMP TABLE temp_docs AS SELECT * FROM docs;
VACUUM ANALYZE plain, pairs, temp_docs;
SET purser.audit_unbounded_rows = 100000;
-- a table of twenty common columns, all of it
SELECT * FROM plain \g (format=unaligned) /dev/null
SELECT * FROM plain \g (format=unaligned) /dev/null
SELECT * FROM plain \g (format=unaligned) /dev/null
-- a few rows, and one
SELECT * FROM docs WHERE id <= 9 \g (format=unaligned) /dev/null
SELECT * FROM docs WHERE id <= 9 \g (format=unaligned) /dev/null
SELECT * FROM docs WHERE id <= 9 \g (format=unaligned) /dev/null
SELECT * FROM docs WHERE id = 9 \g (format=unaligned) /dev/null
SELECT * FROM docs WHERE id = 9 \g (format=unaligned) /dev/null
SELECT * FROM docs WHERE id = 9 \g (format=unaligned) /dev/null
-- the columns that are needed, the wide one among them or not
SELECT id, title FROM docs \g (format=unaligned) /dev/null
SELECT id, title FROM docs \g (format=unaligned) /dev/null
SELECT id, title FROM docs \g (format=unaligned) /dev/null
SELECT id, title, body FROM docs \g (format=unaligned) /dev/null
SELECT id, title, body FROM docs \g (format=unaligned) /dev/null
SELECT id, title, body FROM docs \g (format=unaligned) /dev/null
-- a part of the wide one
SELECT id, title, note, left(body, 10) FROM docs \g (format=unaligned) /dev/null
SELECT id, title, note, left(body, 10) FROM docs \g (format=unaligned) /dev/null
SELECT id, title, note, left(body, 10) FROM docs \g (format=unaligned) /dev/null
-- nothing but a key and its value
SELECT * FROM pairs \g (format=unaligned) /dev/null
SELECT * FROM pairs \g (format=unaligned) /dev/null
SELECT * FROM pairs \g (format=unaligned) /dev/null
-- once only
SELECT id, note, title, body FROM docs \g (format=unaligned) /dev/null
-- not sent to a client at once
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM docs ORDER BY title;
FETCH ALL FROM c \g (format=unaligned) /dev/null
CLOSE c;
DECLARE c CURSOR FOR SELECT * FROM docs ORDER BY title;
FETCH ALL FROM c \g (format=unaligned) /dev/null
CLOSE c;
DECLARE c CURSOR FOR SELECT * FROM docs ORDER BY title;
FETCH ALL FROM c \g (format=unaligned) /dev/null
COMMIT;
COPY (SELECT * FROM docs) TO '/dev/null';
COPY (SELECT * FROM docs) TO '/dev/null';
COPY (SELECT * FROM docs) TO '/dev/null';
DO $$ BEGIN FOR i IN 1..3 LOOP PERFORM * FROM docs; END LOOP; END $$;
CREATE FUNCTION sent() RETURNS SETOF docs LANGUAGE plpgsql AS
'BEGIN RETURN QUERY SELECT * FROM audit_wide_select.docs; END';
SELECT * FROM sent() \g (format=unaligned) /dev/null
SELECT * FROM sent() \g (format=unaligned) /dev/null
SELECT * FROM sent() \g (format=unaligned) /dev/null
CREATE TABLE copied AS SELECT * FROM docs;
-- temporary
SELECT * FROM temp_docs \g (format=unaligned) /dev/null
SELECT * FROM temp_docs \g (format=unaligned) /dev/null
SELECT * FROM temp_docs \g (format=unaligned) /dev/null
-- two tables as one
SELECT * FROM docs UNION ALL SELECT * FROM docs \g (format=unaligned) /dev/null
SELECT * FROM docs UNION ALL SELECT * FROM docs \g (format=unaligned) /dev/null
SELECT * FROM docs UNION ALL SELECT * FROM docs \g (format=unaligned) /dev/null
SELECT * FROM found;
-- thresholds
SET purser.audit_wide_row_bytes = '11kB';
SELECT * FROM docs \g (format=unaligned) /dev/null
SELECT * FROM docs \g (format=unaligned) /dev/null
SELECT * FROM found;
RESET purser.audit_wide_row_bytes;
SET purser.audit_wide_bytes = '3MB';
SELECT * FROM docs \g (format=unaligned) /dev/null
SELECT * FROM docs \g (format=unaligned) /dev/null
SELECT * FROM found;
SET purser.audit_wide_bytes = '1MB';
SELECT * FROM docs \g (format=unaligned) /dev/null
SELECT * FROM docs \g (format=unaligned) /dev/null
SELECT rule, relation, rows_returned FROM found;

SET client_min_messages = warning;
DROP SCHEMA audit_wide_select CASCADE;
