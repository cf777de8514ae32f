-- Rows are stored bit for bit as COPY stores them.
CREATE SCHEMA bulk_tuple;
SET search_path = bulk_tuple;
CREATE EXTENSION pageinspect SCHEMA bulk_tuple;
CREATE TABLE t (i2 int2, i8 int8, i4 int4, c "char", b bool, f8 float8, n name, u uuid, p point, x text, v varchar,
    plain text, external text, num numeric, j jsonb, a int[], d date, r int4range, tz timetz, m macaddr, l bytea);
ALTER TABLE t ALTER COLUMN plain SET STORAGE PLAIN, ALTER COLUMN external SET STORAGE EXTERNAL;
CREATE TABLE by_copy (i2 int2, i8 int8, i4 int4, c "char", b bool, f8 float8, n name, u uuid, p point, x text, v varchar,
    plain text, external text, num numeric, j jsonb, a int[], d date, r int4range, tz timetz, m macaddr, l bytea);
ALTER TABLE by_copy ALTER COLUMN plain SET STORAGE PLAIN, ALTER COLUMN external SET STORAGE EXTERNAL;
-- Texts of 0 to 400 bytes, about the limit of a short header; every column is null now and then.
CREATE TABLE source AS
SELECT CASE WHEN i % 11 > 0 THEN i::int2 END AS i2, CASE WHEN i % 7 > 0 THEN i * 1000000007::int8 END AS i8, CASE WHEN i % 5 > 0 THEN -i END AS i4,
    CASE WHEN i % 3 > 0 THEN 'x' END AS c, CASE WHEN i % 13 > 0 THEN i % 2 = 0 END AS b, CASE WHEN i % 4 > 0 THEN i / 7.0 END AS f8,
    CASE WHEN i % 17 > 0 THEN 'name' || i END AS n, CASE WHEN i % 6 > 0 THEN md5(i::text)::uuid END AS u, CASE WHEN i % 9 > 0 THEN format('(%s,%s)', i, -i) END AS p,
    CASE WHEN i % 8 > 0 THEN repeat('x', i) END AS x, CASE WHEN i % 10 > 0 THEN left(md5(i::text), i % 33) END AS v,
    CASE WHEN i % 12 > 0 THEN repeat('y', i % 140) END AS plain, CASE WHEN i % 5 > 0 THEN repeat('z', 110 + i % 30) END AS external,
    CASE WHEN i % 6 > 0 THEN (i::numeric ^ (i % 30)) / 3 END AS num, CASE WHEN i % 7 > 0 THEN format('{"k": [%s, "%s"]}', i, repeat('j', i % 150))::jsonb END AS j,
    CASE WHEN i % 8 > 0 THEN format('{%s,NULL,%s}', i, i) END AS a, CASE WHEN i % 9 > 0 THEN date '2000-01-01' + i END AS d,
    CASE WHEN i % 10 > 0 THEN format('[%s,%s)', i, i + i % 3) END AS r, CASE WHEN i % 11 > 0 THEN '12:00:01+02' END AS tz,
    CASE WHEN i % 3 > 0 THEN '08:00:2b:01:02:03' END AS m, CASE WHEN i % 4 > 0 THEN '\x' || repeat('0a', i % 200) END AS l
FROM generate_series(0, 400) i;
-- Some without any null, and one too large for a page.
INSERT INTO source SELECT i, i, i, 'c', true, i, 'n', md5(i::text)::uuid, '(1,2)', 'x', 'v', 'p', 'e', i, '1', '{}', '2000-01-01', 'empty', '12:00+00', '08:00:2b:01:02:03', '\x' FROM generate_series(1, 20) i;
INSERT INTO source (i2, x, external) SELECT 1, string_agg(md5(i::text), ''), repeat('e', 9000) FROM generate_series(1, 1000) i;
SELECT current_setting('data_directory') || '/bulk_tuple.csv' AS file \gset
COPY source TO :'file' CSV;
COPY by_copy FROM :'file' CSV;
SELECT inserted FROM purser.bulk_insert('t', (SELECT jsonb_agg(to_jsonb(s)) FROM source s));
CREATE FUNCTION pages(target text) RETURNS TABLE (natts int, flags int, t_hoff smallint, t_bits text, t_data bytea) LANGUAGE sql AS $$
    SELECT t_infomask2 & 2047, t_infomask & 7, i.t_hoff, i.t_bits, i.t_data
    FROM generate_series(0, pg_relation_size(target) / current_setting('block_size')::int - 1) b, heap_page_items(get_raw_page(target, b::int)) i
$$;
-- Where a value was stored out of line differs, of course.
SELECT count(*) > 400 AS rows, count(*) FILTER (WHERE t_bits IS NULL) > 1 AS without_null FROM pages('bulk_tuple.t');
SELECT count(*) FROM (SELECT one::text FROM t one EXCEPT ALL SELECT two::text FROM by_copy two) s;
SELECT count(*) FROM (SELECT * FROM pages('bulk_tuple.t') WHERE flags & 4 = 0 EXCEPT ALL SELECT * FROM pages('bulk_tuple.by_copy')) s;

SET client_min_messages = warning;
COPY (SELECT) TO PROGRAM 'cat >/dev/null; rm -f bulk_tuple.csv';
DROP SCHEMA bulk_tuple CASCADE;
