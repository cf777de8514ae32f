-- One row in a hundred is bad, of each kind by itself; the base is the clean load into the same table.
CREATE TABLE strict (id int PRIMARY KEY, name varchar(40), n int CHECK (n >= 0), at timestamptz NOT NULL, p int REFERENCES parent, note text);
CREATE TABLE strict_source AS
SELECT i::text AS id, 'user' || i AS name, (i % 1000)::text AS n, (timestamptz '2024-01-01' + i * interval '1 minute')::text AS at, (i % 101)::text AS p,
    repeat('plain note ', 1 + i % 6) AS note FROM generate_series(1, :rows) i;
CREATE TABLE damage (n int, kind text, columns text);
INSERT INTO damage VALUES (0, 'clean', '*'),
    (1, 'syntax', $$id, name, n, at, p, CASE WHEN id::int % 100 = 50 THEN note || E'",extra' ELSE note END AS note$$),
    (2, 'coercion', $$id, name, CASE WHEN id::int % 100 = 50 THEN 'many' ELSE n END AS n, at, p, note$$),
    (3, 'not null', $$id, name, n, CASE WHEN id::int % 100 = 50 THEN NULL ELSE at END AS at, p, note$$),
    (4, 'check', $$id, name, CASE WHEN id::int % 100 = 50 THEN '-1' ELSE n END AS n, at, p, note$$),
    (5, 'unique', $$CASE WHEN id::int % 100 = 50 THEN (id::int - 7)::text ELSE id END AS id, name, n, at, p, note$$),
    (6, 'foreign key', $$id, name, n, at, CASE WHEN id::int % 100 = 50 THEN '777' ELSE p END AS p, note$$);
-- Damaged syntax must not be quoted away.
SELECT format('COPY (SELECT %s FROM strict_source) TO PROGRAM %L (FORMAT csv, HEADER, QUOTE E''\x01'', NULL '''')', columns,
    'cat > ' || quote_literal('purser_bench_bad_' || replace(kind, ' ', '_') || '.csv')) FROM damage ORDER BY n
\gexec
INSERT INTO way (test, way, base, goal, before, command, rows)
SELECT 'rejects, 1 %', d.kind, 'clean', CASE WHEN n > 0 THEN 0.77 END, 'TRUNCATE strict;; DELETE FROM purser.reject',
    format('PERFORM purser.bulk_load(''strict'', %L, ''csv'', rejects => true)', file_path('bad_' || replace(kind, ' ', '_') || '.csv')), :rows
FROM damage d ORDER BY n;
INSERT INTO way (test, way, base, before, command, rows)
SELECT 'rejects, 1 %', 'clean, without rejects', 'clean', 'TRUNCATE strict',
    format('PERFORM purser.bulk_load(''strict'', %L, ''csv'')', file_path('bad_clean.csv')), :rows;
