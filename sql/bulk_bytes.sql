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

-- What was read is let go, also where each row needs a default that could look at the table.
CREATE SEQUENCE calls;
CREATE FUNCTION window_memory() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$ BEGIN
    RETURN CASE WHEN nextval('bulk_bytes.calls') % 1000 = 0 THEN (SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name = 'purser bulk source') ELSE 0 END;
END $$;
CREATE TABLE plain (id int, pad text, used bigint DEFAULT window_memory());
CREATE TABLE indexed (LIKE plain INCLUDING DEFAULTS, PRIMARY KEY (id));
SELECT t, inserted FROM unnest(ARRAY['plain', 'indexed']) t, purser.bulk_insert(t::regclass, (SELECT convert_to(string_agg(format(E'%s,%s\n', i, repeat('é', 1000)), ''), 'LATIN1') FROM generate_series(1, 3000) i),
    'csv', options => '{"encoding": "LATIN1", "columns": ["id", "pad"], "header": false}');
SELECT 'plain' AS t, count(*), max(used) BETWEEN 1 AND 2000000 AS bounded FROM plain WHERE used > 0
UNION ALL SELECT 'indexed', count(*), max(used) BETWEEN 1 AND 2000000 FROM indexed WHERE used > 0;

SET client_min_messages = warning;
DROP SCHEMA bulk_bytes CASCADE;
