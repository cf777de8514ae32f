-- JSON in the text, json and jsonb types.
CREATE SCHEMA bulk_json;
SET search_path = bulk_json;
CREATE TABLE t (id int, s text, n numeric, b bool, j json, jb jsonb);

-- Scalars, escapes, missing keys against nulls.
SELECT * FROM purser.bulk_insert('t', '[{"id": 1, "s": "a\"\\\/\n\t\u00e9\ud83d\ude00", "n": -1.50e2, "b": true},
    {"s": 1.0, "b": "off", "n": "NaN"}, {"id": null, "s": ""}, {"id": "7", "s": false}]');
SELECT id, s, n, b FROM t;
TRUNCATE t;
-- JSON columns take the value as it stands.
SELECT inserted FROM purser.bulk_insert('t', '[{"j": {"a":  [1, "x\ty"]}, "jb": {"b": 1, "a": 2}}, {"j": "s\"t", "jb": "st"}, {"j": 1.50, "jb": 1.50},
    {"j": true, "jb": [false]}, {"j": null, "jb": null}, {"j": [], "jb": {}}]');
SELECT j, jb, j IS NULL AS jn, jb IS NULL AS jbn FROM t;
TRUNCATE t;
SELECT inserted FROM purser.bulk_insert('t', '[{"j": {"a":  [1, "x\ty"]}, "jb": {"b": 1, "a": 2}}, {"j": "s\"t", "jb": "st"}, {"j": 1.50, "jb": 1.50},
    {"j": true, "jb": [false]}, {"j": null, "jb": null}, {"id": 1, "s": {"k": "v"}}]'::jsonb);
SELECT id, s, j, jb FROM t;
TRUNCATE t;
-- CSV text for a JSON column is JSON.
SELECT inserted FROM purser.bulk_insert('t', E'j,jb\n"{""a"": 1}","""s"""\n', 'csv');
SELECT j, jb FROM t;
TRUNCATE t;
-- A key that comes twice: the last one counts, also if the first one is no good.
SELECT inserted FROM purser.bulk_insert('t', '[{"id": 1, "id": 2}, {"id": "x", "id": 3}, {"id": {"a": 1}, "id": 4}, {"id": 5, "s": "x", "id": null}]');
SELECT inserted FROM purser.bulk_insert('t', '[{"id": 1, "id": 2}]'::jsonb);
SELECT id, s FROM t;
TRUNCATE t;
-- Rows whose keys differ, in any order.
SELECT inserted FROM purser.bulk_insert('t', '[{"id": 1, "s": "a"}, {"s": "b", "id": 2}, {"n": 3}, {}, {"b": false, "n": 4, "id": 5}]');
SELECT id, s, n, b FROM t;

-- What is no array of objects.
SELECT purser.bulk_insert('t', '{"id": 1}');
SELECT purser.bulk_insert('t', '[1]');
SELECT purser.bulk_insert('t', '[{"id": 1}, [{"id": 2}]]');
SELECT purser.bulk_insert('t', '"x"');
SELECT purser.bulk_insert('t', 'null');
SELECT purser.bulk_insert('t', '[null]');
SELECT purser.bulk_insert('t', '{"id": 1}'::jsonb);
SELECT purser.bulk_insert('t', '[{"id": 1}, 1]'::jsonb);
SELECT purser.bulk_insert('t', '[[{"id": 1}]]'::jsonb);
SELECT purser.bulk_insert('t', '1'::jsonb);
SELECT purser.bulk_insert('t', '[["x"], {"id": 1}]');
SELECT purser.bulk_insert('t', '["x"]');
SELECT purser.bulk_insert('t', '[true]'::jsonb);
SELECT purser.bulk_insert('t', '[null]'::jsonb);
-- Objects without the array around them: one, or several.
SELECT purser.bulk_insert('t', '{"id": 1, "j": {"a": [{"id": 2}]}}');
SELECT purser.bulk_insert('t', E'{"id": 1}\n{"id": 2}\n');
SELECT purser.bulk_insert('t', E'{"id": 1},\n{"id": 2}\n');
SELECT purser.bulk_insert('t', '{"id": 1,}');
SELECT purser.bulk_insert('t', '{"id": 1}]');
SELECT purser.bulk_insert('t', E'[{"id": 1}]\n[{"id": 2}]');
-- What is no JSON.
SELECT purser.bulk_insert('t', '');
SELECT purser.bulk_insert('t', '[{"id": 1},');
SELECT purser.bulk_insert('t', '[{"id": 1},]');
SELECT purser.bulk_insert('t', '[,{"id": 1}]');
SELECT purser.bulk_insert('t', '[{"id": 1} {"id": 2}]');
SELECT purser.bulk_insert('t', '[');
SELECT purser.bulk_insert('t', E'[{"id": 1},\n{"id": 2, "s"}]');
SELECT purser.bulk_insert('t', '[{"id": 1}] x');
SELECT purser.bulk_insert('t', '[{"id": 1}, {"s": "\u0000"}]');
SELECT purser.bulk_insert('t', '[{"id": 01}]');
-- CSV where JSON is expected: the hint is for what does not begin as an array or object.
SELECT purser.bulk_insert('t', E'id,title\n1,x');
SELECT purser.bulk_insert('t', E'"id","title"\n1,x');
SELECT purser.bulk_insert('t', E' 1,x\n', 'json');
SELECT purser.bulk_insert('t', E' \t\r\n ');
SELECT purser.bulk_insert('t', '[id]');
-- Keys that are no column.
SELECT purser.bulk_insert('t', '[{"id": 1}, {"id": 2, "color": {"x": 1}}]');
SELECT purser.bulk_insert('t', '[{"id": 1}, {"": 2}]'::jsonb);
SELECT purser.bulk_insert('t', '[{"' || repeat('é', 80) || '": 1}]');
SELECT count(*) FROM t;

-- Arrays: nulls, quotes, dimensions, elements of JSON and of composite types, other delimiters.
CREATE TYPE point3 AS (x int, "Y y" text, z point[]);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN few AS int[] CHECK (array_length(VALUE, 1) < 3);
CREATE TABLE nested (i int[], t text[], d positive[], f few, j jsonb[], p point3, ps point3[], b box[], v int2vector);
SELECT inserted FROM purser.bulk_insert('nested', '[
    {"i": [1, null, 3], "t": ["a\"b", "c\\d", "", "NULL", null, "{x,y}", " z ", {"k": ["v", {}]}, true, 1e3], "d": [1], "f": [1, 2]},
    {"i": [[1, 2], [3, 4]], "t": [], "j": [{"a": ["x"]}, "s", 1, null, true], "f": []},
    {"i": "{5,6}", "t": "{\"a b\"}", "b": ["(1,1),(0,0)", "(3,3),(2,2)"], "v": "1 2"},
    {"p": {"x": 1, "Y y": "a,\"b", "z": ["(1,2)"]}, "ps": [{"x": 2}, null, {"Y y": "(\\)"}, "(4,5,)"]},
    {"p": "(7,seven,)", "ps": "{}"}]');
SELECT i, t, d, f, j, b, v FROM nested;
SELECT p, ps FROM nested;
CREATE TABLE nested_b (LIKE nested);
SELECT inserted FROM purser.bulk_insert('nested_b', '[
    {"i": [1, null, 3], "t": ["a\"b", "c\\d", "", "NULL", null, "{x,y}", " z ", {"k": ["v", {}]}, true, 1000], "d": [1], "f": [1, 2]},
    {"i": [[1, 2], [3, 4]], "t": [], "j": [{"a": ["x"]}, "s", 1, null, true], "f": []},
    {"i": "{5,6}", "t": "{\"a b\"}", "b": ["(1,1),(0,0)", "(3,3),(2,2)"], "v": "1 2"},
    {"p": {"x": 1, "Y y": "a,\"b", "z": ["(1,2)"]}, "ps": [{"x": 2}, null, {"Y y": "(\\)"}, "(4,5,)"]},
    {"p": "(7,seven,)", "ps": "{}"}]'::jsonb);
SELECT count(*) FROM (SELECT to_jsonb(n) - 't' FROM nested n EXCEPT SELECT to_jsonb(n) - 't' FROM nested_b n) AS differences;
SELECT t FROM nested_b LIMIT 1;
-- The first element settles the dimensions: arrays that are deeper are elements, as text or JSON.
TRUNCATE nested;
SELECT inserted FROM purser.bulk_insert('nested', '[{"i": [[]], "t": ["x", [1, {"a": "\""}], {"b": [2]}], "j": [{"a": 1}, [1, [2]], null, "x"]},
    {"i": [[], []], "t": [["x"], [["y"]]], "j": [[[]], [[]]]}]');
SELECT i, t, j FROM nested;
\set VERBOSITY terse
SELECT purser.bulk_insert('nested', '[{"i": [[1], [2, 3]]}]');
SELECT purser.bulk_insert('nested', '[{"i": [[1], 2]}]');
\set VERBOSITY default
SELECT purser.bulk_insert('nested', '[{"i": [1, [2]]}]');
SELECT purser.bulk_insert('nested', '[{"d": [1, 0]}]');
SELECT purser.bulk_insert('nested', '[{"f": [1, 2, 3]}]');
SELECT purser.bulk_insert('nested', '[{"i": {"a": 1}}]');
SELECT purser.bulk_insert('nested', '[{"i": {}}]');
SELECT purser.bulk_insert('nested', '[{"i": [1, "x"]}]');
SELECT purser.bulk_insert('nested', '[{"p": [1]}]');
SELECT purser.bulk_insert('nested', '[{"p": {"x": "one"}}]');
SELECT purser.bulk_insert('nested', '[{"ps": [{"x": 1}, {"x": "one"}]}]');
SELECT purser.bulk_insert('t', '[{"id": [1]}]');
-- Domains over composites and arrays of them.
CREATE TYPE pair AS (a int, b int);
CREATE DOMAIN ordered AS pair CHECK ((VALUE).a < (VALUE).b);
CREATE TABLE ranges (r ordered, rs ordered[]);
SELECT inserted FROM purser.bulk_insert('ranges', '[{"r": {"a": 1, "b": 2}, "rs": [{"a": 3, "b": 4}]}]');
TABLE ranges;
SELECT purser.bulk_insert('ranges', '[{"r": {"a": 2, "b": 1}}]');
SELECT purser.bulk_insert('ranges', '[{"rs": [{"a": 2, "b": 1}]}]');
-- Deep and long.
SELECT inserted FROM purser.bulk_insert('t', '[{"id": 99, "j": ' || repeat('[', 500) || repeat(']', 500) || '}]');
SELECT inserted FROM purser.bulk_insert('t', '[{"id": 98, "s": "' || repeat('\u00e9x', 100000) || '"}]');
SELECT id, length(s), length(j::text) FROM t WHERE id > 90;
-- An interrupt comes through before a row is complete.
SELECT purser.bulk_insert('t', CASE WHEN pg_cancel_backend(pg_backend_pid()) THEN '[{"j": [1, 2' END);
SELECT purser.bulk_insert('t', CASE WHEN pg_cancel_backend(pg_backend_pid()) THEN '{"j": [1, 2' END);

SET client_min_messages = warning;
DROP SCHEMA bulk_json CASCADE;
