-- Bytes for update, delete and rows back: in the encoding that the options name, or the client's.
CREATE SCHEMA bulk_bytes;
SET search_path = bulk_bytes;
CREATE TABLE t (name text PRIMARY KEY, n int);
INSERT INTO t VALUES ('Grün', 1), ('Öl', 2), ('Tee', 3);

SELECT updated, skipped FROM purser.bulk_update('t', convert_to(E'name,n\nGrün,10\nÖl,20\n', 'LATIN1'), format => 'csv', options => '{"encoding": "LATIN1"}');
SELECT updated, skipped FROM purser.bulk_update('t', convert_to('[{"name": "Öl", "n": 30}]', 'LATIN1'), options => '{"encoding": "LATIN1"}');
SELECT name, n FROM purser.bulk_insert_returning(NULL::t, convert_to('[{"name": "Süß", "n": 40}]', 'LATIN1'), options => '{"encoding": "LATIN1"}');
SELECT * FROM purser.bulk_delete('t', convert_to('[{"name": "Grün"}]', 'LATIN1'), options => '{"encoding": "LATIN1"}');
SELECT * FROM purser.bulk_delete('t', convert_to(' [ "Süß", "nix"]', 'LATIN1'), options => '{"encoding": "LATIN1"}');
SET client_encoding = 'LATIN1';
SELECT updated FROM purser.bulk_update('t', convert_to('[{"name": "', 'LATIN1') || '\xd6'::bytea || convert_to('l", "n": 31}]', 'LATIN1'));
RESET client_encoding;
SELECT * FROM t ORDER BY n;

-- What is no text.
SELECT purser.bulk_update('t', convert_to('[{"name": "Öl", "n": 30}]', 'LATIN1'));
SELECT purser.bulk_delete('t', convert_to('["Öl"]', 'LATIN1'));
SELECT purser.bulk_delete('t', '["Tee"]'::bytea || '\x00'::bytea || 'x'::bytea);
-- Text has the database's encoding already.
SELECT purser.bulk_update('t', '[]', options => '{"encoding": "LATIN1"}');
SELECT purser.bulk_delete('t', '[]'::jsonb, options => '{"encoding": "LATIN1"}');
SELECT purser.bulk_insert_returning(NULL::t, '[]'::json, options => '{"compression": "gzip"}');
SELECT * FROM t ORDER BY n;

SET client_min_messages = warning;
DROP SCHEMA bulk_bytes CASCADE;
