-- JSON objects, one per line.
CREATE SCHEMA bulk_ndjson;
SET search_path = bulk_ndjson;
CREATE TABLE t (id int, s text, n numeric, b bool, j json, tags text[]);

-- Blank lines, white space, both line ends, a last line without one, keys that differ.
SELECT inserted FROM purser.bulk_insert('t', E'{"id": 1, "s": "one"}\n\n \t\n{"s":"two","id":2}\r\n  {"id" : 3 , "n": 1e2, "b": true, "j": {"a": [1, "x\\u00e9"]}, "tags": ["p", "q"]} \r\n{}\n{"id": 5, "id": 6, "s": null}', 'ndjson');
SELECT * FROM t;
SELECT inserted FROM purser.bulk_insert('t', '', 'ndjson');
SELECT inserted FROM purser.bulk_insert('t', E'\n \r\n\n', 'ndjson');
SELECT inserted FROM purser.bulk_insert('t', '{"id": 7}', 'ndjson');
TRUNCATE t;

-- Errors name the line.
SELECT purser.bulk_insert('t', E'\n{"id": 1}\n\n{"id": "x"}\n', 'ndjson');
SELECT purser.bulk_insert('t', E'{"id": 1}\n{"id": 2\n{"id": 3}\n', 'ndjson');
SELECT purser.bulk_insert('t', E'{"id": 1}\n{"id": 2,\n"s": "x"}\n', 'ndjson');
SELECT purser.bulk_insert('t', E'{"id": 1}\n{"id": 2, "s": "x\n"}\n', 'ndjson');
SELECT purser.bulk_insert('t', E'{"id": 1} {"id": 2}\n', 'ndjson');
SELECT purser.bulk_insert('t', E'{"id": 1},\n{"id": 2}\n', 'ndjson');
SELECT purser.bulk_insert('t', E'{"id": 1}\n}\n', 'ndjson');
SELECT purser.bulk_insert('t', E'{"id": 1}\n{"s": "\\u0000"}\n', 'ndjson');
SELECT purser.bulk_insert('t', E'{"id": 1}\n{"color": 2}\n', 'ndjson');
SELECT purser.bulk_insert('t', E'{"id": 1}\nid\n', 'ndjson');
-- What is no object.
SELECT purser.bulk_insert('t', E'[{"id": 1}]\n', 'ndjson');
SELECT purser.bulk_insert('t', E'{"id": 1}\n[1]\n', 'ndjson');
SELECT purser.bulk_insert('t', E'{"id": 1}\n"x"\n', 'ndjson');
SELECT purser.bulk_insert('t', E'{"id": 1}\n-1.5\n', 'ndjson');
SELECT purser.bulk_insert('t', E'{"id": 1}\nnull\n', 'ndjson');
SELECT purser.bulk_insert('t', E'{"id": 1}\nfalse', 'ndjson');
SELECT count(*) FROM t;
SELECT purser.bulk_insert('t', E'id,s\n1,x\n', 'ndjson');
-- Long lines, and keys of all lengths.
SELECT inserted FROM purser.bulk_insert('t', (SELECT string_agg(json_build_object('id', g, 's', repeat('é"', g * 100))::text, E'\n') FROM generate_series(0, 200) g), 'ndjson');
SELECT count(*), bool_and(s = repeat('é"', id * 100)) FROM t;
CREATE TABLE keys (a int, "ab" int, "abcdefghijklm" int, "abcdefghijklmn" int, "abcdefghijklmnopqrstuvwxyz" int, "é" int, "quote""d" int);
SELECT inserted FROM purser.bulk_insert('keys', E'{"a": 2, "ab": 3, "abcdefghijklm": 4, "abcdefghijklmn": 5, "abcdefghijklmnopqrstuvwxyz": 6, "é": 7, "quote\\"d": 8}
{"a": 2, "ab": 3, "abcdefghijklm": 4, "abcdefghijklmn": 5, "abcdefghijklmnopqrstuvwxyz": 6, "é": 7, "quote\\"d": 8}
{"abcdefghijklmnopqrstuvwxyz": 6, "\\u00e9" : 7, "quote\\u0022d": 8, "ab": 3, "a"  :2}
{"a": 2, "quote\\"d": 8, "ab": 3, "\\u00e9" : 7, "abcdefghijklmnopqrstuvwxyz": 6, "\\u0061bcdefghijklm": 4}
{"ab": 3, "a":2}', 'ndjson');
TABLE keys;
-- Ignored keys, whatever their values; but these have to be right.
SELECT inserted FROM purser.bulk_insert('t', E'{"x": "a\\n", "id": 1000, "y": [{}, {"a": [1, "]"]}], "z": null, "u": true}\n{"z": -1.5e-3, "id": 1001, "x": ""}', 'ndjson', options => '{"unknown": "ignore"}');
SELECT id, s FROM t WHERE id >= 1000;
SELECT purser.bulk_insert('t', E'{"x": [1, "\\ud800"], "id": 1000}', 'ndjson', options => '{"unknown": "ignore"}');
SELECT purser.bulk_insert('t', E'{"x": 1, "id": 1002, "y": tru}', 'ndjson', options => '{"unknown": "ignore"}');

SET client_min_messages = warning;
DROP SCHEMA bulk_ndjson CASCADE;
