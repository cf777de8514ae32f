-- CSV: the options that say how it is written, as COPY has them; sniffing; damage.
CREATE SCHEMA bulk_csv_options;
SET search_path = bulk_csv_options;
CREATE TABLE t (a text DEFAULT 'none', b text, c int DEFAULT 7);
CREATE FUNCTION load(data text, options jsonb DEFAULT NULL, OUT inserted bigint, OUT rows text) LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM t;
    inserted := (SELECT b.inserted FROM purser.bulk_insert('t', data, 'csv', options => load.options) b);
    rows := (SELECT string_agg(to_json(t)::text, ' ') FROM t);
END $$;

-- Delimiter, quote and escape.
SELECT * FROM load(E'a;b;c\nx,y;"1;2";3\n', '{"delimiter": ";"}');
SELECT * FROM load(E'a\tb\n\t"\t"\n', '{"delimiter": "\t"}');
SELECT * FROM load(E'a b\n"x" y\n', '{"delimiter": " "}');
SELECT * FROM load(E'a,b\n''x ''''y'''''',"z"\n', '{"quote": "''"}');
SELECT * FROM load(E'a,b\n"say \\"x\\"","\\\\"\n\\"q\\"","a\\b"\n"\\\\","x""y"\n', '{"escape": "\\"}');
SELECT * FROM load(E'a,b\n"x\\",y"\\,"z\n\\"\n"', '{"escape": "\\"}');
SELECT * FROM load(E'a,b\n"x,"y",z",w\n', '{"escape": ","}');
-- What stands for null, and for the default; quotes make it text.
SELECT * FROM load(E'a,b,c\nNA,"NA",NA\n,,1\n', '{"null": "NA"}');
SELECT * FROM load(E'a,b,c\nD,"D",D\nDD,,1\n', '{"default": "D"}');
SELECT * FROM load(E'a,b\n,""\n"",\n', '{"default": "", "null": "-"}');
SELECT * FROM load(E'a,b,c\nD,D,\n', '{"default": "D", "columns": ["b", "a", "c"], "header": "skip"}');
-- Null strings in quotes that are null, and bare ones that are not.
SELECT * FROM load(E'a,b\n"",""\n,\n', '{"force_null": ["a"]}');
SELECT * FROM load(E'a,b\n"",""\n,\n', '{"force_not_null": ["a"]}');
SELECT * FROM load(E'a,b\n"",""\n,\n', '{"force_not_null": ["a"], "force_null": ["a", "b"]}');
SELECT * FROM load(E'a,b\n"N","N""N"\nN,"""N"""\n', '{"null": "N", "force_not_null": ["a"], "force_null": ["a", "b"]}');
SELECT * FROM load(E'b,x,a\n"",y,""\n', '{"force_null": ["a"], "unknown": "ignore"}');
-- No header; one of no meaning; one that must match.
SELECT * FROM load(E'x,y,1\n,,2', '{"header": false}');
SELECT * FROM load(E'1,x\n', '{"header": false, "columns": ["c", "a"]}');
SELECT * FROM load(E'one,"two\n2",three,four\nx,y,1\n', '{"header": "skip"}');
SELECT * FROM load(E'a,b,c\nx,y,1\n', '{"header": "match"}');
SELECT * FROM load(E'c,"b"\n1,y\n', '{"header": "match", "columns": ["c", "b"]}');
SELECT * FROM load(E'a,b\nx,y\n', '{"header": "match"}');
SELECT * FROM load(E'a,c,b\nx,1,y\n', '{"header": "match"}');
SELECT * FROM load(E'a,,c\nx,y,1\n', '{"header": "match"}');
SELECT * FROM load(E'x,y\n', '{"header": false}');
SELECT * FROM load(E'x,y,1,z\n', '{"header": false}');
SELECT * FROM load('', '{"header": false}');
SELECT * FROM load('', '{"header": "match"}');
SELECT * FROM load('a,b', '{"header": true}');
-- Names of no column.
SELECT * FROM load(E'a,x,b,y\n1,"2\n2",3,4\n', '{"unknown": "ignore"}');
SELECT * FROM load(E'x,x\n1,2\n', '{"unknown": "ignore"}');
SELECT * FROM load(E'a,x\n1\n', '{"unknown": "ignore"}');
SELECT * FROM load(E'1,2,3,4,5\n', '{"header": "false", "unknown": "ignore", "columns": ["x", "a", "y", "b", "z"]}');
SELECT * FROM load(E'1,2\n', '{"header": "false", "unknown": "ignore", "columns": ["x", "a", "y", "b", "z"]}');
SELECT * FROM load(E'1\n', '{"header": "false", "columns": ["x", "a", "y", "b", "z"]}');
SELECT * FROM load(E'a,x\n1\n', '{"unknown": "error"}');
-- A header that is there or not: do its fields name columns?
SELECT * FROM load(E'b,a\nx,y\n', '{"header": "sniff"}');
SELECT * FROM load(E'"b","a"\r\nx,y\r\n', '{"header": "sniff"}');
SELECT * FROM load(E'\ufeffx,y,1\nz,"\n",2\n', '{"header": "sniff"}');
SELECT * FROM load(E'a,b,1\n', '{"header": "sniff"}');
SELECT * FROM load(E'a,a,1\n', '{"header": "sniff"}');
SELECT * FROM load(E'a,b,c,d\n', '{"header": "sniff"}');
SELECT * FROM load('', '{"header": "sniff"}');
-- The delimiter, from the header, or from lines that have as many.
SELECT * FROM load(E'a;b;c\n1,5;2,5;3\n', '{"delimiter": "sniff"}');
SELECT * FROM load(E'a\tb\nx,y\tz;;\n', '{"delimiter": "sniff"}');
SELECT * FROM load(E'"a"|b\nx,y|z;\n', '{"delimiter": "sniff"}');
SELECT * FROM load(E'a,b\n1;2;3,x\n', '{"delimiter": "sniff"}');
SELECT * FROM load(E'1,5;2;3\n4;5,5;6\n', '{"delimiter": "sniff", "header": false}');
SELECT * FROM load(E'"x|y|z,,,,";2;3\n', '{"delimiter": "sniff", "header": "sniff"}');
SELECT * FROM load(E'a\nx\n', '{"delimiter": "sniff"}');
SELECT * FROM load(E'a;x;b\n1;2;3\n', '{"delimiter": "sniff", "unknown": "ignore"}');
SELECT * FROM load(E'a;x\n1;2\n', '{"delimiter": "sniff"}');
SELECT * FROM load('', '{"delimiter": "sniff", "header": "sniff"}');
-- Line ends of one style, also where the options are others.
SELECT * FROM load(E'a;c\r\n''x\ny'';1\r\n', '{"delimiter": ";", "quote": "''"}');
SELECT * FROM load(E'x,y,1\r\nz,w,2\n', '{"header": false}');
SELECT * FROM load(E'x,y,1\nz,w,2\r', '{"header": false}');
SELECT * FROM load(E'x,y,1\rz,w,2\n', '{"header": false}');
SELECT * FROM load(E'x,y,1\r\nz\r,w,2\r\n', '{"header": false}');
-- Lines are counted inside quotes.
SELECT * FROM load(E'a,c\n"\n\n",1\nx,"2\n"\ny,z\n');
SELECT * FROM load(E'a,c\r\n"\r\n\r\n",1\r\ny,z\r\n');
SELECT * FROM load(E'a,c\r"\r\r",1\ry,z\r');
-- Quotes that never end.
SELECT * FROM load(E'x,y,1\n"x,y,2\n', '{"header": false}');
SELECT * FROM load(E'x,y,1\n"x\\",y,2\n', '{"header": false, "escape": "\\"}');
-- Options that make no sense.
SELECT * FROM load('', '{"quote": ","}');
SELECT * FROM load('', '{"quote": "\n"}');
SELECT * FROM load('', '{"escape": "\r"}');
SELECT * FROM load('', '{"delimiter": "\n"}');
SELECT * FROM load('', '{"delimiter": "||"}');
SELECT * FROM load('', '{"null": "a,b"}');
SELECT * FROM load('', '{"null": "\""}');
SELECT * FROM load('', '{"default": "a\n"}');
SELECT * FROM load('', '{"default": "x,"}');
SELECT * FROM load('', '{"default": "", "null": ""}');
SELECT * FROM load('', '{"header": "maybe"}');
SELECT * FROM load('', '{"force_null": ["x"]}');
-- The same by byte, and by what every processor has; also where blocks and stripes end.
CREATE VIEW long AS
SELECT n, E'a,b,c\n' || repeat(repeat('x', n) || ',"y,""' || repeat('z', n) || E'\n",1\r\n', 9000 / (2 * n + 13) + 2) AS data
FROM unnest(ARRAY[0, 1, 5, 20, 25, 26, 27, 50, 57, 58, 59, 121, 122, 2041, 2042, 2043]) n;
CREATE TABLE results AS SELECT 'auto' AS scan, n, l.* FROM long, load(replace(data, E'\r', '')) l;
SET purser.bulk_scan = scalar;
INSERT INTO results SELECT 'scalar', n, l.* FROM long, load(replace(data, E'\r', '')) l;
SELECT count(*), count(DISTINCT n), count(DISTINCT (n, inserted, rows)) FROM results WHERE length(rows) > 9000;
SELECT * FROM load((SELECT data FROM long WHERE n = 0));
SELECT * FROM load(E'a,b,c\nD,"x,\n""",3\n\\N,,\n', '{"default": "D", "null": "\\N"}');
RESET purser.bulk_scan;
SET purser.bulk_scan = 'mmx';

SET client_min_messages = warning;
DROP SCHEMA bulk_csv_options CASCADE;
