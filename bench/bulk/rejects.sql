-- One row in a hundred is bad, of each kind by itself; the base is the clean load with rejects into the same table.
CREATE TABLE strict (id int PRIMARY KEY, name varchar(40), n int CHECK (n >= 0), at timestamptz NOT NULL, p int REFERENCES parent, note text);
CREATE TABLE strict_source AS
SELECT i::text AS id, 'user' || i AS name, (i % 1000)::text AS n, (timestamptz '2024-01-01' + i * interval '1 minute')::text AS at, (i % 101)::text AS p,
    repeat('plain note ', 1 + i % 6) AS note FROM generate_series(1, :rows) i;
-- The same with what else can refuse a row.
CREATE DOMAIN level AS int CHECK (VALUE >= 0);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.n = -1 THEN RAISE EXCEPTION 'refused'; END IF;
    RETURN NEW;
END $$;
CREATE TABLE leveled (id int PRIMARY KEY, name varchar(40), n level, at timestamptz NOT NULL, p int, note text);
CREATE TABLE before (id int PRIMARY KEY, name varchar(40), n int, at timestamptz NOT NULL, p int, note text);
CREATE TRIGGER refuse BEFORE INSERT ON before FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TABLE after (LIKE before INCLUDING ALL);
CREATE TRIGGER refuse AFTER INSERT ON after FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TABLE divided (LIKE before) PARTITION BY RANGE (n);
SELECT format('CREATE TABLE divided%s PARTITION OF divided (PRIMARY KEY (id)) FOR VALUES FROM (%s) TO (%s)', i, i * 250, i * 250 + 250) FROM generate_series(0, 3) i
\gexec
CREATE TABLE excluding (LIKE before INCLUDING ALL, EXCLUDE USING gist (int4range(id, id + 1) WITH &&));
CREATE TABLE damage (n int, kind text, columns text, target text);
INSERT INTO damage VALUES (0, 'clean', '*', 'strict'),
    (1, 'syntax', $$id, name, n, at, p, CASE WHEN id::int % 100 = 50 THEN note || E'",extra' ELSE note END AS note$$, 'strict'),
    (2, 'coercion', $$id, name, CASE WHEN id::int % 100 = 50 THEN 'many' ELSE n END AS n, at, p, note$$, 'strict'),
    (3, 'not null', $$id, name, n, CASE WHEN id::int % 100 = 50 THEN NULL ELSE at END AS at, p, note$$, 'strict'),
    (4, 'check', $$id, name, CASE WHEN id::int % 100 = 50 THEN '-1' ELSE n END AS n, at, p, note$$, 'strict'),
    (5, 'unique', $$CASE WHEN id::int % 100 = 50 THEN (id::int - 7)::text ELSE id END AS id, name, n, at, p, note$$, 'strict'),
    (6, 'foreign key', $$id, name, n, at, CASE WHEN id::int % 100 = 50 THEN '777' ELSE p END AS p, note$$, 'strict'),
    (7, 'domain', $$id, name, CASE WHEN id::int % 100 = 50 THEN '-1' ELSE n END AS n, at, p, note$$, 'leveled'),
    (8, 'BEFORE ROW trigger', $$id, name, CASE WHEN id::int % 100 = 50 THEN '-1' ELSE n END AS n, at, p, note$$, 'before'),
    (9, 'AFTER ROW trigger', $$id, name, CASE WHEN id::int % 100 = 50 THEN '-1' ELSE n END AS n, at, p, note$$, 'after'),
    (10, 'no partition', $$id, name, CASE WHEN id::int % 100 = 50 THEN '-1' ELSE n END AS n, at, p, note$$, 'divided'),
    (11, 'exclusion', $$CASE WHEN id::int % 100 = 50 THEN (id::int - 7)::text ELSE id END AS id, name, n, at, p, note$$, 'excluding');
-- Its key must not be what refuses the row.
ALTER TABLE excluding DROP CONSTRAINT excluding_pkey;
-- Damaged syntax must not be quoted away.
SELECT format('COPY (SELECT %s FROM strict_source) TO PROGRAM %L (FORMAT csv, HEADER, QUOTE E''\x01'', NULL '''')', columns,
    'cat > ' || quote_literal('purser_bench_bad_' || replace(kind, ' ', '_') || '.csv')) FROM damage ORDER BY n
\gexec
INSERT INTO way (test, way, base, goal, before, command, rows)
SELECT CASE target WHEN 'strict' THEN 'rejects, 1 %' ELSE 'rejects, 1 %, ' || target END, way, 'clean', CASE way WHEN 'clean' THEN NULL ELSE 0.77 END,
    format('TRUNCATE %I;; DELETE FROM purser.reject', target),
    format('PERFORM purser.bulk_load(%L, %L, ''csv'', rejects => true)', target, file_path('bad_' || replace(way, ' ', '_') || '.csv')), :rows
FROM (SELECT n, target, kind AS way FROM damage UNION ALL SELECT n - 0.5, target, 'clean' FROM damage WHERE target <> 'strict') d ORDER BY n;
INSERT INTO way (test, way, base, before, command, rows)
SELECT 'rejects, 1 %', 'clean, without rejects', 'clean', 'TRUNCATE strict',
    format('PERFORM purser.bulk_load(''strict'', %L, ''csv'')', file_path('bad_clean.csv')), :rows;
