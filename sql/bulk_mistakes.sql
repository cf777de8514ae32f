-- Mistakes that are easily made: the message tells what is wrong, the hint what to do.
\set VERBOSITY default
CREATE TABLE crew (id int PRIMARY KEY, "Name" text NOT NULL, born date);

-- names that are nearly right
SELECT purser.bulk_insert('crew', E'id,name\n1,Anne\n', 'csv');
SELECT purser.bulk_insert('crew', E'id, Name\n1,Anne\n', 'csv');
SELECT purser.bulk_insert('crew', E'id,nmae\n1,Anne\n', 'csv');
SELECT purser.bulk_insert('crew', '[{"ID": 1, "Name": "Anne"}]');
SELECT purser.bulk_insert('crew', '[{"id": 1, "nmae": "Anne"}]');
SELECT purser.bulk_insert('crew', '[{"id": 1, "  ": "Anne"}]');
SELECT purser.bulk_update('crew', '{"id": 1, "BORN ": null}', format => 'ndjson');

-- columns in two places
SELECT purser.bulk_insert('crew', E'id,Name\n1,Anne\n', 'csv', options => '{"columns": ["Name", "id"]}');
SELECT purser.bulk_insert('crew', E'id\tName\n1\tAnne\n', 'text', options => '{"columns": ["Name", "id"], "header": true}');
SELECT inserted FROM purser.bulk_insert('crew', E'Name,id\n1,Anne\n', 'csv', options => '{"columns": ["id", "Name"], "header": "skip"}');
SELECT inserted FROM purser.bulk_insert('crew', E'2,Mary\n', 'csv', options => '{"columns": ["id", "Name"], "header": "sniff"}');

-- options
SELECT purser.bulk_insert('crew', E'id;Name\n', 'csv', options => '{"delimeter": ";"}');
SELECT purser.bulk_insert('crew', '[]', options => '{"delimeter": ";"}');
SELECT purser.bulk_insert('crew', '[]', options => '{"delimiter": ";"}');

-- a byte order mark, which JSON does not have
SELECT purser.bulk_insert('crew', E'\uFEFF[{"id": 3, "Name": "Ben"}]');
SELECT purser.bulk_insert('crew', E'\uFEFF{"id": 3, "Name": "Ben"}\n', 'ndjson');
SELECT inserted FROM purser.bulk_insert('crew', E'\uFEFFid,Name\r\n3,Ben\r\n', 'csv');

-- conflicts without a key
SELECT purser.bulk_insert('crew', '[]', conflict_columns => '{id}');
SELECT purser.bulk_insert('crew', '[]', on_conflict => 'skip', update_columns => '{Name}');
SELECT purser.bulk_insert('crew', '[]', on_conflict => 'update', conflict_columns => '{Name}');

TABLE crew ORDER BY id;
DROP TABLE crew;
