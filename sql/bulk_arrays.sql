-- bulk_insert_arrays: one array for each column.
CREATE SCHEMA bulk_arrays;
SET search_path = bulk_arrays;
SET datestyle = 'ISO, MDY';
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN positive AS int CHECK (VALUE > 0) NOT NULL;
CREATE DOMAIN numbers AS int[] CHECK (cardinality(VALUE) < 4);
CREATE TABLE t (id int, name text DEFAULT 'none', code varchar(3), pad char(4), price numeric(6,2), done bool,
    at timestamptz(0), m mood, j jsonb, by bytea, s smallint, u uuid);

SELECT * FROM purser.bulk_insert_arrays('t', '{id,name,done}', ARRAY[1, 2, NULL], ARRAY['one', NULL, ''], ARRAY[true, NULL, false]);
SELECT inserted FROM purser.bulk_insert_arrays('t', ARRAY['id'], ARRAY[4]);
TABLE t;
TRUNCATE t;

-- Lengths and precisions hold, as assignment has them.
SELECT inserted FROM purser.bulk_insert_arrays('t', '{code,pad,price,at}', ARRAY['abc', 'de   '], ARRAY['x', 'wxyz  '],
    ARRAY[1.005, 9999.99], ARRAY['2024-01-01 10:00:00.5+00', '2024-01-01 10:00:01.4+00']::timestamptz[]);
SELECT code, pad || '|' AS pad, price, at AT TIME ZONE 'UTC' AS at FROM t;
SELECT purser.bulk_insert_arrays('t', '{id,code}', ARRAY[1, 2], ARRAY['abc', 'abcd']);
SELECT purser.bulk_insert_arrays('t', '{price}', ARRAY[1, 10000]);
TRUNCATE t;

-- Casts: of other numbers, of domains, to text; none, which is an error; text where there is none.
SELECT inserted FROM purser.bulk_insert_arrays('t', '{id,name,price,s}', ARRAY[1, 2]::bigint[], ARRAY[1.5, NULL], ARRAY[1, 2], ARRAY[7, 8]::positive[]);
SELECT inserted FROM purser.bulk_insert_arrays('t', '{m,j,by,u}', ARRAY['sad', 'happy'], ARRAY['{"a": 1}', '[2]'], ARRAY['\x01', NULL],
    ARRAY['123e4567-e89b-12d3-a456-426614174000', NULL]);
SELECT inserted FROM purser.bulk_insert_arrays('t', '{m,name}', ARRAY['ok']::mood[], ARRAY['ok']::mood[]);
SELECT id, name, price, s, m, j, by, u FROM t;
SELECT purser.bulk_insert_arrays('t', '{s}', ARRAY[1, 40000]);
SELECT purser.bulk_insert_arrays('t', '{m}', ARRAY[1]);
SELECT purser.bulk_insert_arrays('t', '{m}', ARRAY[]::int[]);
SELECT purser.bulk_insert_arrays('t', '{id,m}', ARRAY[1, 2], ARRAY['sad', 'sadder']);
TRUNCATE t;

-- Literals without a type are of the column's.
SELECT inserted FROM purser.bulk_insert_arrays('t', '{id,name,m,price}', '{1,2,NULL}', '{one,"NULL",NULL}', '{sad,NULL,ok}', '{1.005,2,3}');
PREPARE load AS SELECT inserted FROM purser.bulk_insert_arrays('t', '{id,name}', $1::int[], $2::text[]);
EXECUTE load('{5,6}', '{five,six}');
SELECT id, name, m, price FROM t;
SELECT purser.bulk_insert_arrays('t', '{id}', '{1,x}');
TRUNCATE t;

-- Domains check values and nulls.
CREATE TABLE d (a positive, b numbers);
SELECT inserted FROM purser.bulk_insert_arrays('d', '{a,b}', ARRAY[1, 2], ARRAY[[1, 2], [3, NULL]]);
SELECT purser.bulk_insert_arrays('d', '{a}', ARRAY[1, 0]);
SELECT purser.bulk_insert_arrays('d', '{a}', ARRAY[1, NULL]);
SELECT purser.bulk_insert_arrays('d', '{a,b}', ARRAY[1], ARRAY[[1, 2, 3, 4]]);
SELECT purser.bulk_insert_arrays('d', '{b}', ARRAY[[1]]);
TABLE d;

-- Columns of array types: one dimension more, or literals of any length.
CREATE TABLE a (id int, tags text[], grid int[]);
SELECT inserted FROM purser.bulk_insert_arrays('a', '{id,tags,grid}', ARRAY[1, 2], ARRAY[['a', 'b'], ['c', NULL]],
    ARRAY[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]);
SELECT inserted FROM purser.bulk_insert_arrays('a', '{id,grid}', ARRAY[3, 4, 5], ARRAY['{1,2,3}', '{}', NULL]);
SELECT inserted FROM purser.bulk_insert_arrays('a', '{id,grid}', '[5:6]={6,7}'::int[], '{{1,2},{3,4}}');
SELECT inserted FROM purser.bulk_insert_arrays('a', '{tags}', ARRAY[]::text[]);
SELECT inserted FROM purser.bulk_insert_arrays('a', '{grid}', ARRAY[[1.4, 2.6]]);
TABLE a;
SELECT purser.bulk_insert_arrays('a', '{grid}', ARRAY[1, 2]);
SELECT purser.bulk_insert_arrays('a', '{id}', ARRAY[[1, 2], [3, 4]]);
SELECT purser.bulk_insert_arrays('a', '{grid}', ARRAY[[true]]);

-- Types of any layout, with nulls at any place.
CREATE TABLE layout (c "char", n name, b bool, i2 int2, i8 int8, f4 float4, iv interval, p point, u uuid, t text, r int4range, x a);
CREATE FUNCTION every(n int, v anyelement) RETURNS anyarray LANGUAGE sql AS
    'SELECT array_agg(CASE WHEN i % n <> 0 THEN v END ORDER BY i) FROM generate_series(1, 20) i';
SELECT inserted FROM purser.bulk_insert_arrays('layout', '{c,n,b,i2,i8,f4,iv,p,u,t,r,x}', every(2, 'x'::"char"), every(3, 'nm'::name),
    every(4, true), every(5, 7::int2), every(6, 1::int8 << 40), every(7, 0.5::float4), every(8, interval '1 day 2 hours'),
    every(9, point '(1,2)'), every(10, '123e4567-e89b-12d3-a456-426614174000'::uuid), every(11, repeat('é', 100)),
    every(12, int4range(1, 5)), every(13, ROW(1, '{a,b}', '{1}')::a));
SELECT count(*), count(c), count(n), count(b), count(i2), count(i8), count(f4), count(iv), count(p), count(u), count(t), count(r), count(x) FROM layout;
SELECT c, n, b, i2, i8, f4, iv, p::text, u, length(t) AS t, r, x, count(*) FROM layout WHERE num_nulls(c, n, b, i2, i8, f4, iv, p, u, t, r, x) = 0
GROUP BY c, n, b, i2, i8, f4, iv, p::text, u, t, r, x;

-- What is not as it should be.
SELECT purser.bulk_insert_arrays('t', '{id,name}', ARRAY[1, 2], ARRAY['a']);
SELECT purser.bulk_insert_arrays('t', '{id,name}', ARRAY[1, 2], NULL::text[]);
SELECT purser.bulk_insert_arrays('t', '{id,name}', ARRAY[1, 2], NULL);
SELECT purser.bulk_insert_arrays('t', '{id,name}', ARRAY[1, 2]);
SELECT purser.bulk_insert_arrays('t', '{id}', ARRAY[1, 2], ARRAY['a']);
SELECT purser.bulk_insert_arrays('t', '{id,id}', ARRAY[1], ARRAY[2]);
SELECT purser.bulk_insert_arrays('t', '{id,nothing}', ARRAY[1], ARRAY[2]);
SELECT purser.bulk_insert_arrays('t', '{id,NULL}', ARRAY[1], ARRAY[2]);
SELECT purser.bulk_insert_arrays('t', NULL, ARRAY[1]);
SELECT purser.bulk_insert_arrays(NULL, '{id}', ARRAY[1]);
SELECT purser.bulk_insert_arrays('t', '{id}', 1);
SELECT purser.bulk_insert_arrays('t', '{id,s}', VARIADIC ARRAY[[1], [2]]);
SELECT purser.bulk_insert_arrays('t', '{}', ARRAY[1]);
TABLE t;

-- Defaults, generated columns, identity, checks, triggers and keys are as for bulk_insert.
CREATE TABLE full_house (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, k int UNIQUE CHECK (k <> 13), twice int GENERATED ALWAYS AS (k * 2) STORED,
    fixed text DEFAULT 'a' || 'b', none text DEFAULT NULL, seen text DEFAULT 'x');
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.seen := NEW.fixed || NEW.k; RETURN NEW; END $$;
CREATE TRIGGER see BEFORE INSERT ON full_house FOR EACH ROW EXECUTE FUNCTION see();
SELECT * FROM purser.bulk_insert_arrays('full_house', '{k}', ARRAY[1, 2]);
TABLE full_house;
SELECT purser.bulk_insert_arrays('full_house', '{k}', ARRAY[3, 13]);
SELECT purser.bulk_insert_arrays('full_house', '{k}', ARRAY[3, 2]);
SELECT purser.bulk_insert_arrays('full_house', '{id}', ARRAY[3]);
SELECT purser.bulk_insert_arrays('full_house', '{twice}', ARRAY[3]);

-- A cast that looks at the table sees the rows before its own, as with INSERT.
CREATE TABLE counted (n text);
CREATE TYPE token AS (v int);
CREATE FUNCTION token_to_text(token) RETURNS text LANGUAGE sql VOLATILE AS 'SELECT $1.v || '' of '' || count(*) FROM bulk_arrays.counted';
CREATE CAST (token AS text) WITH FUNCTION token_to_text(token) AS ASSIGNMENT;
INSERT INTO counted SELECT unnest(ARRAY[ROW(1), ROW(2)]::token[]);
SELECT inserted FROM purser.bulk_insert_arrays('counted', '{n}', ARRAY[ROW(3), ROW(4), NULL]::token[]);
TABLE counted;

-- Privileges: those of INSERT, and EXECUTE on the functions of casts.
CREATE ROLE regress_bulk_arrays;
GRANT USAGE ON SCHEMA bulk_arrays TO regress_bulk_arrays;
GRANT INSERT (id, name) ON t TO regress_bulk_arrays;
GRANT INSERT ON counted TO regress_bulk_arrays;
GRANT SELECT ON counted TO regress_bulk_arrays;
REVOKE EXECUTE ON FUNCTION token_to_text FROM PUBLIC;
SET ROLE regress_bulk_arrays;
SELECT inserted FROM purser.bulk_insert_arrays('t', '{name,id}', ARRAY['a', 'b'], ARRAY[1, 2]);
SELECT purser.bulk_insert_arrays('t', '{name,s}', ARRAY['a', 'b'], ARRAY[1, 2]);
SELECT purser.bulk_insert_arrays('d', '{a}', ARRAY[1]);
SELECT purser.bulk_insert_arrays('counted', '{n}', ARRAY[ROW(3)]::token[]);
RESET ROLE;

-- Many rows, and arrays that PL/pgSQL built up.
CREATE TABLE many (id int PRIMARY KEY, v text);
DO $$
DECLARE
    ids int[] := '{}';
    vs text[];
BEGIN
    FOR i IN 1 .. 3000 LOOP
        ids[i] := i;
        vs[i] := CASE WHEN i % 3 > 0 THEN repeat('v', i % 200) END;
    END LOOP;
    PERFORM purser.bulk_insert_arrays('many', '{id,v}', ids, vs);
END $$;
SELECT count(*), sum(id), count(v), sum(length(v)) FROM many;
SELECT purser.bulk_insert_arrays('many', '{id}', ARRAY(SELECT 6000 - i FROM generate_series(1, 3000) i));
SELECT count(*) FROM many;

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA bulk_arrays CASCADE;
DROP ROLE regress_bulk_arrays;
