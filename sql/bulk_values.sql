-- Values: what is read without the type's input function is what that function makes of it.
CREATE SCHEMA bulk_values;
SET search_path = bulk_values;
SET datestyle = 'ISO, MDY';
SET timezone = 'Europe/Paris';

-- What each type makes of each string, in bulk_insert and in its input function; empty is alike.
CREATE FUNCTION said_by_bulk(type text, s text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    EXECUTE format('CREATE TEMP TABLE one (v %s)', type);
    PERFORM purser.bulk_insert('one', E'v\n"' || replace(s, '"', '""') || '"', 'csv');
    SELECT coalesce(v::text, 'null') || ' in ' || pg_column_size(v) INTO said FROM one;
    DROP TABLE one;
    RETURN said;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE FUNCTION said_by_copy(type text, s text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    EXECUTE format('CREATE TEMP TABLE one (v %s)', type);
    INSERT INTO one SELECT v FROM json_populate_record(NULL::one, json_build_object('v', s));
    SELECT coalesce(v::text, 'null') || ' in ' || pg_column_size(v) INTO said FROM one;
    DROP TABLE one;
    RETURN said;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE FUNCTION compare(type text, VARIADIC strings text[])
RETURNS TABLE (value text, "bulk_insert" text, "input function, if not alike" text) LANGUAGE sql AS $$
    SELECT quote_literal(s), said_by_bulk(type, s), nullif(said_by_copy(type, s), said_by_bulk(type, s))
    FROM unnest(strings) WITH ORDINALITY AS u (s, n) ORDER BY n
$$;

SELECT * FROM compare('smallint', '0', '-0', '+7', '32767', '32768', '-32768', '-32769', '007', '', ' 7', '7 ', '7.0', '1e2', '-', '00000000000000000000007');
SELECT * FROM compare('int', '2147483647', '2147483648', '-2147483648', '-2147483649', '12345678', '123456789', '1234567x', '99999999999999999999');
SELECT * FROM compare('bigint', '9223372036854775807', '9223372036854775808', '-9223372036854775808', '-9223372036854775809', '1234567812345678', '12345678 ');
SELECT * FROM compare('oid', '0', '4294967295', '4294967296', '17', '-1', 'x', '');
SELECT * FROM compare('float8', '0', '-0', '-0.0', '1', '0.1', '1e22', '1e23', '9007199254740993', '9007199254740995', '0.30000000000000004', '123456789012345678901234567890',
    '1.7976931348623157e308', '1e309', '4.9e-324', '1e-400', '8.5e-27', '1e-28', '0e999', '.5', '5.', '1e', 'NaN', '-Infinity', 'nan ', '0x10', '1.5.5', '0.000000000000000000000000001', '1234567890.1234567890', '');
SELECT * FROM compare('float4', '16777217', '16777219', '0.1', '3.4028235e38', '3.4028236e38', '1e39', '1.1754944e-38', '1e-46', '33554431e-1', '1e10', '1e11', '-1.5', '8388609.5');
SELECT * FROM compare('numeric', '0', '-0', '0.00', '-0.000', '007', '1', '10000', '99999999', '0.0001', '0.00001', '1.10', '-12345678.000010', '1e3', '1e-3', '.5', '5.', '+3', 'NaN', '-inf', '', '1,000', '1.2.3',
    '123456789012345678901234567890123456789012345678901234567890', '1234567890123456789012345678901234567890123456789012345678901234567890', '0.' || repeat('3', 60), '0.' || repeat('3', 64));
SELECT * FROM compare('numeric(5,2)', '1', '1.5', '999.99', '999.995', '999.994', '1000', '000999.9', '-0.001', '0.005', '1e2', '1e3');
SELECT * FROM compare('numeric(3,5)', '0.00123', '0.001', '0.01', '0', '0.001234');
SELECT * FROM compare('numeric(4,-2)', '100', '149', '150', '999949', '999950', '0');
SELECT * FROM compare('boolean', 't', 'F', 'true', 'FALSE', 'tRue', 'yes', 'no', 'on', 'off', '1', '0', 'y', 'n', 'x', '2', 'tr', '', 'truee', ' t ', 'Q', 'trye');
SELECT * FROM compare('varchar(3)', '', 'abc', 'éèê', '日本語', 'abc  ', 'abcd', 'éèêé', 'ab  ');
SELECT * FROM compare('char(3)', '', 'a', 'abc', 'é', '日本語', 'abc  ', 'abcd', 'éèêé');
SELECT * FROM compare('bytea', '\x', '\x00ff', '\xAbCd', '\x0', '\x0g', '\x 00 01', '\X00', 'abc', 'a\\b', 'a\001', 'a\', '');
SELECT * FROM compare('uuid', '123e4567-e89b-12d3-a456-426614174000', '123E4567E89B12D3A456426614174000', '{123e4567-e89b-12d3-a456-426614174000}', '123e-4567-e89b-12d3-a456-4266-1417-4000',
    '123e4567-e89b-12d3-a456-42661417400', '123e4567-e89b-12d3-a456-42661417400g', '123e4567_e89b-12d3-a456-426614174000', '');
SELECT * FROM compare('date', '2024-02-29', '2023-02-29', '2000-02-29', '1900-02-29', '0001-01-01', '0000-01-01', '9999-12-31', '10000-01-01', '2024-13-01', '2024-1-1', '01/02/2024', '20240102', 'infinity', 'epoch', '2024-01-01 10:00', '2024-01-01 BC', '2024-01-0x');
SELECT * FROM compare('time', '00:00', '23:59:59', '23:59:59.999999', '23:59:59.9999999', '12:34:56.7', '24:00:00', '24:00:01', '12:60', '12:34:60', '1:02', '12:34 PM', '12:34:56+02', '12:34:56.');
SELECT * FROM compare('time(2)', '12:34:56.785', '12:34:56.784999', '23:59:59.999');
SELECT * FROM compare('timestamp', '2024-01-01', '2024-01-01 10:00', '2024-01-01T10:00:00', '2024-01-01 10:00:00.123456789', '2024-01-01 10:00:00Z', '2024-01-01 10:00:00+02', '2024-01-01 10:00:00+02:60', '2024-01-01t10:00', '2024-01-01  10:00', '0001-01-01 00:00:00', '1969-12-31 23:59:59.9999995', '2024-01-01 10:00 PST', '2024-01-01 10', 'now x');
SELECT * FROM compare('timestamp(0)', '2024-01-01 10:00:00.5', '2024-01-01 10:00:01.5', '1999-12-31 23:59:58.5', '1999-12-31 23:59:58.499999');

-- Time zones: a clock that goes forward, and back; offsets as they were; other forms of offsets.
SELECT * FROM compare('timestamptz', '2024-03-31 01:59:59.999999', '2024-03-31 02:00', '2024-03-31 02:30', '2024-03-31 02:59:59.9', '2024-03-31 03:00', '2024-10-27 01:59:59', '2024-10-27 01:59:59.9999999', '2024-10-27 02:00', '2024-10-27 02:59:59', '2024-10-27 03:00',
    '1900-01-01 00:00', '1911-03-10 23:59:59', '1969-12-31 23:59:59.5', '2500-07-01 12:00', '2024-01-01', '2024-01-01T10:00:00Z', '2024-07-01 10:00:00+00', '2024-07-01 10:00:00-03:30', '2024-07-01 10:00:00+0545', '2024-07-01 10:00:00+02:00:30',
    '2024-07-01 10:00:00+15:59', '2024-07-01 10:00:00+16', '2024-07-01 10:00:00+2', '2024-07-01 10:00:00 +02', '2024-07-01 10:00:00 America/New_York', '2024-07-01 10:00:00z');
SET timezone = 'Australia/Lord_Howe';
SELECT * FROM compare('timestamptz', '2024-04-07 01:29', '2024-04-07 01:30', '2024-04-07 01:59:59', '2024-04-07 02:00', '2024-10-06 01:59', '2024-10-06 02:00', '2024-10-06 02:29:59', '2024-10-06 02:30');
SET timezone = 'Europe/Dublin';
SELECT * FROM compare('timestamptz(1)', '2024-03-31 01:30:00.25', '2024-10-27 01:30:00.24', '1971-10-31 02:00', '1916-10-01 02:25:21.15');
SET timezone = 'Pacific/Apia';
SELECT * FROM compare('timestamptz', '2011-12-29 23:59:59', '2011-12-30 00:00', '2011-12-30 12:00', '2011-12-31 00:00');
RESET timezone;

-- Domains keep their own input function.
CREATE DOMAIN even AS int CHECK (VALUE % 2 = 0);
SELECT * FROM compare('bulk_values.even', '2', '3', 'x');

-- A default that is constant, and one that is not; a null default of a domain that refuses it.
CREATE DOMAIN filled AS text NOT NULL;
CREATE TABLE with_defaults (id int, a text DEFAULT repeat('ab', 3), b numeric(4,1) DEFAULT 1.25, c int[] DEFAULT '{1,2}', d serial, e timestamptz DEFAULT now());
SELECT inserted FROM purser.bulk_insert('with_defaults', E'id,a\n1,x\n2,y\n', 'csv');
SELECT inserted FROM purser.bulk_insert('with_defaults', E'id,d\n3,30\n', 'csv');
SELECT id, a, b, c, d, e IS NOT NULL AS e FROM with_defaults;
CREATE TABLE with_domain (id int, f filled);
SELECT purser.bulk_insert('with_domain', E'id\n1\n', 'csv');

-- Fields that are too long to be copied together.
CREATE TABLE wide (a jsonb, b json, c xid8, d interval);
SELECT inserted FROM purser.bulk_insert('wide', (SELECT 'a,b,c,d' || E'\n' || string_agg(format('"""%s""","""%s""",%s,%s days', repeat('x', n), repeat('y', n), n, n), E'\n') || E'\n'
    FROM unnest(ARRAY[1, 4000, 8180, 8187, 8188, 8189, 8190, 20000]) n), 'csv');
SELECT length(a::text), a::text = '"' || repeat('x', c::text::int) || '"' AS a, b::text = '"' || repeat('y', c::text::int) || '"' AS b, c, d FROM wide;

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA bulk_values CASCADE;
