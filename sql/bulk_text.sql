-- COPY's text format.
CREATE SCHEMA bulk_text;
SET search_path = bulk_text;
CREATE TABLE t (a text DEFAULT 'none', b text, c int DEFAULT 7);
CREATE FUNCTION load(data text, options jsonb DEFAULT NULL, OUT inserted bigint, OUT rows text) LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM t;
    inserted := (SELECT b.inserted FROM purser.bulk_insert('t', data, 'text', options => load.options) b);
    rows := (SELECT string_agg(to_json(t)::text, ' ') FROM t);
END $$;

-- Fields, nulls, empty strings, quotes of no meaning.
SELECT * FROM load(E'x\ty\t1\n\\N\t\t\\N\n"x\ty"\t2');
SELECT * FROM load('');
-- What is behind a backslash.
SELECT * FROM load(E'\\b\\f\\n\\r\\t\\v\t\\\\\\"\\q\\A\\\t\\-\t1\n');
SELECT * FROM load(E'\\101\\60\\7z\\1234\t\\x41\\x7\\x4A4\\xg\\x\\8\t\\61\n');
SELECT * FROM load(E'\\303\\251\\xc3\\xA9\t\\\\N\t1\n');
SELECT * FROM load(E'x\\\ny\t\\\n\\\n\t1\nz\t\\Nx\t2\n');
SELECT * FROM load(E'x\t\\\\\t1\\');
-- The null string and the default's are compared before backslashes are undone.
SELECT * FROM load(E'\\x4e\t\\N\tN\n', '{"null": "N"}');
SELECT * FROM load(E'\t\\\\\t\n', '{"null": ""}');
SELECT * FROM load(E'\\D\t\\D\t\\D\nD\t\\\\D\t1\n', '{"default": "\\D"}');
-- Delimiter, header, columns.
SELECT * FROM load(E'x,y\\,z,1\n', '{"delimiter": ","}');
SELECT * FROM load(E'b|a\nx|y\n', '{"delimiter": "|", "header": true}');
SELECT * FROM load(E'\\x62\tx\nx\ty\n', '{"header": true, "unknown": "ignore"}');
SELECT * FROM load(E'a\tb\tc\nx\ty\t1\n', '{"header": "match"}');
SELECT * FROM load(E'a\t\\N\tc\nx\ty\t1\n', '{"header": "match"}');
SELECT * FROM load(E'a\tB\tc\nx\ty\t1\n', '{"header": "match"}');
SELECT * FROM load(E'a\tc\nx\t1\n', '{"header": "match"}');
SELECT * FROM load(E'one\nx\ty\t1\n', '{"header": "skip"}');
SELECT * FROM load(E'c\ta\n1\tx\n', '{"header": "sniff"}');
SELECT * FROM load(E'1\tx\n', '{"header": "sniff", "columns": ["c", "a"]}');
SELECT * FROM load(E'x|y\\||1\n', '{"delimiter": "sniff"}');
SELECT * FROM load(E'b;a\nx;y\n', '{"delimiter": "sniff", "header": "sniff"}');
SELECT * FROM load(E'\ufeffb\nx\n', '{"header": true}');
SELECT * FROM load(E'b,a\nx,y\n', '{"header": true}');
SELECT * FROM load(E'b;a\nx;y\n', '{"header": true, "delimiter": ","}');
SELECT * FROM load(E'b|a\nx|y\n', '{"header": true, "delimiter": "#"}');
SELECT * FROM load(E'b\t\nx\ty\n', '{"header": true}');
SELECT * FROM load(E'b\tb\nx\ty\n', '{"header": true}');
-- The marker that ends the data, alone on its line.
SELECT * FROM load(E'x\ty\t1\n\\.\nz\n');
SELECT * FROM load(E'x\ty\t1\n\\.');
SELECT * FROM load(E'x\ty\t1\r\n\\.\r\nz\r\n');
SELECT * FROM load(E'\\.\nz\n');
SELECT * FROM load(E'\\.\n', '{"header": true}');
SELECT * FROM load(E'x\ty\\.\t1\n');
SELECT * FROM load(E'\\.z\ty\t1\n');
SELECT * FROM load(E'x\ty\t\\.\n');
-- Line ends: any style, but one.
SELECT * FROM load(E'x\ty\t1\r\nz\tw\t2\r\n');
SELECT * FROM load(E'x\ty\t1\rz\tw\t2\r');
SELECT * FROM load(E'x\ty\t1\nz\tw\t2\r\n');
SELECT * FROM load(E'x\ty\t1\r\nz\tw\t2\n');
SELECT * FROM load(E'x\ty\t1\r\nz\\\n\tw\\\n\t2\r\nx');
SELECT * FROM load(E'x\ty\t1\rz\tw\t2\n');
-- Too few, too many; lines are counted behind backslashes too.
SELECT * FROM load(E'x\ty\n');
SELECT * FROM load(E'\n');
SELECT * FROM load(E'\\\n\ty\t1\n\nx');
SELECT * FROM load(E'x\ty\t1\tz\n');
SELECT * FROM load(E'x\ty\tz\n');
-- Bytes that are no text.
SELECT * FROM load(E'x\t\\xff\t1\n');
SELECT * FROM load(E'x\ty\t1\nx\t\\303\t1\n');
SELECT * FROM load(E'x\t\\0\t1\n');
-- Options that make no sense.
SELECT * FROM load('', '{"quote": "x"}');
SELECT * FROM load('', '{"delimiter": "."}');
SELECT * FROM load('', '{"delimiter": "\\"}');
SELECT * FROM load('', '{"null": "\t"}');
SELECT * FROM load('', '{"null": "\n"}');
SELECT * FROM load('', '{"default": "\\N"}');
-- A single column, for which an empty line is a row; no column.
CREATE TABLE one (a text);
SELECT inserted FROM purser.bulk_insert('one', E'x\n\n\\N\n', 'text');
SELECT to_json(one) FROM one;
CREATE TABLE bare ();
SELECT inserted FROM purser.bulk_insert('bare', E'\n\n', 'text');
SELECT inserted FROM purser.bulk_insert('bare', E'x\n', 'text');
-- What COPY TO writes, by byte and by what the processor has.
CREATE TABLE kept (n int, a text, b text);
INSERT INTO kept SELECT n, repeat(E'\\\n\t', n % 7) || repeat('x', n % 300), nullif(repeat(E'\\N', n % 5), '') FROM generate_series(1, 3000) n;
CREATE VIEW written AS
SELECT string_agg(n || E'\t' || replace(replace(replace(a, E'\\', E'\\\\'), E'\n', E'\\n'), E'\t', E'\\t')
    || E'\t' || coalesce(replace(b, E'\\', E'\\\\'), E'\\N') || E'\n', '' ORDER BY n) AS data FROM kept;
CREATE TABLE again (LIKE kept);
SELECT inserted FROM written, purser.bulk_insert('again', data, 'text');
SET purser.bulk_scan = scalar;
SELECT inserted FROM written, purser.bulk_insert('again', data, 'text');
RESET purser.bulk_scan;
SELECT count(*) FROM kept JOIN again USING (n) WHERE (kept.a, kept.b) IS NOT DISTINCT FROM (again.a, again.b);

SET client_min_messages = warning;
DROP SCHEMA bulk_text CASCADE;
