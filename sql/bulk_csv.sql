-- CSV as COPY reads it.
CREATE SCHEMA bulk_csv;
SET search_path = bulk_csv;
CREATE TABLE t (a text, b text, c int);
CREATE FUNCTION load(data text, OUT inserted bigint, OUT rows text) LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM t;
    inserted := (SELECT b.inserted FROM purser.bulk_insert('t', data, 'csv') b);
    rows := (SELECT string_agg(to_json(t)::text, ' ') FROM t);
END $$;

-- Nulls, empty strings, quotes anywhere, spaces, delimiters and line ends in quotes.
SELECT * FROM load(E'a,b,c\n,"",\n');
SELECT * FROM load(E'a,b\n"x ""quoted"" y",un"quoted, in""side"z\n""," "\n" a", b \n');
SELECT * FROM load(E'a,b,c\n"1\n2\r\n3,4","\\.",5\n\\.,\\N,6');
-- Line ends: any style, but one; the last may be missing.
SELECT * FROM load(E'a,c\r\nx,1\r\n"y\n",2\r\n');
SELECT * FROM load(E'a,c\rx,1\ry,2');
SELECT * FROM load(E'a,c\nx,1\ny,2');
SELECT * FROM load(E'a,c\nx,1\r\n');
SELECT * FROM load(E'a,c\r\nx,1\ny,2\r\n');
SELECT * FROM load(E'a,c\r\nx,1\ry,2\r\n');
SELECT * FROM load(E'a,c\rx,1\ny,2\r');
-- Blank lines are rows, with a single column only.
SELECT * FROM load(E'a\n\nx\n\n');
SELECT * FROM load(E'a,b\n\n');
-- Too few, too many, and a quote that never ends: with the line where the row begins.
SELECT * FROM load(E'a,b,c\nx,y,1\nx,"y\nz"\n');
SELECT * FROM load(E'a,b\nx,"y\n\n"\nx,y,z\n');
SELECT * FROM load(E'a,b\nx,y\nx,"y\nz,1\n');
SELECT * FROM load(E'a,"b\nx,y\n');
-- The header: names are exact, quotes are not part of them, a byte order mark is skipped.
SELECT * FROM load(E'"a",c\nx,1\n');
SELECT * FROM load(E'a, c\nx,1\n');
SELECT * FROM load(E'A\nx\n');
SELECT * FROM load(E'\ufeffa\nx\n');
SELECT * FROM load(E'\n');
SELECT * FROM load(E'a,\nx,y\n');
SELECT * FROM load(E'a,b,a\nx,y,z\n');
SELECT * FROM load(repeat(',', 1600));
SELECT * FROM load(E'a,b\nx,y\n,,,"\n');
-- No header, another delimiter, or JSON: the hint is for the header only.
SELECT purser.bulk_insert('t', E'1,x\n2,y\n', 'csv');
SELECT purser.bulk_insert('t', E'a;b\nx;y\n', 'csv');
SELECT purser.bulk_insert('t', E'a\tb\nx\ty\n', 'csv');
SELECT purser.bulk_insert('t', '[{"a": 7, "b": 1}]', 'csv');
SELECT purser.bulk_insert('t', E'\n  {"a": 7}', 'csv');
SELECT purser.bulk_insert('t', '[{"a": "x\"y"}]', 'csv');
SELECT purser.bulk_insert('t', '[' || repeat('{"a": 7, "b": 1}, ', 1000) || '{}]', 'csv');
SELECT purser.bulk_insert('t', E'a,c\nx,"1\n', 'csv');
SELECT purser.bulk_insert('t', E'c\n[1]\n', 'csv');
-- Values that are clipped in the context, at a character.
SELECT purser.bulk_insert('t', E'c\n' || repeat('é', 80) || E'\n', 'csv');
-- A long record, and a wide one.
SELECT inserted, length(rows) FROM load(E'a,b\n"' || repeat('xy,""' || E'\n', 50000) || E'",' || repeat('z', 100000));
-- Fields that end about where reading stops to look for interrupts; and an interrupt.
SELECT n FROM generate_series(65530, 65540) n, load(E'a,b\n' || repeat('x', n) || ',"' || repeat('y', n) || '""z"')
WHERE rows IS DISTINCT FROM format('{"a":"%s","b":"%s\"z","c":null}', repeat('x', n), repeat('y', n));
SELECT purser.bulk_insert('t', CASE WHEN pg_cancel_backend(pg_backend_pid()) THEN E'a\n"' || repeat('x', 200000) END, 'csv');
DO $$
BEGIN
    EXECUTE (SELECT 'CREATE TABLE w (' || string_agg('c' || g || ' int', ', ') || ')' FROM generate_series(1, 1000) g);
END $$;
SELECT inserted FROM purser.bulk_insert('w', (SELECT string_agg('c' || g, ',') || E'\n' || string_agg(g::text, ',') FROM generate_series(1, 1000) g), 'csv');
SELECT c1, c33, c1000 FROM w;

SET client_min_messages = warning;
DROP SCHEMA bulk_csv CASCADE;
