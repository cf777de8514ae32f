-- Tables of four shapes and their rows as files: csv, json. Variable: rows.
CREATE TABLE narrow_source AS
SELECT i AS a, i * 7 AS b, (i * 2654435761) % 100000 AS c, i / 3.0::float8 AS d, i::bigint * 1000003 AS e, i % 10 AS f
FROM generate_series(1, :rows) i;
CREATE TABLE mixed_source AS
SELECT i AS id, 'user' || i AS name, 'user' || i || '@example.com' AS email, i % 2 = 0 AS active, (i % 10000) / 100.0 AS balance,
    timestamptz '2024-01-01' + i * interval '1 minute' AS at, repeat('plain note ', 1 + i % 6) AS note
FROM generate_series(1, :rows) i;
CREATE TABLE quoted_source AS
SELECT id, name, email, active, balance, at, replace(note, 'note ', 'note, "so" ') AS note FROM mixed_source;
CREATE TABLE wide_source AS
SELECT repeat(md5(i::text), 6) || i AS a, repeat(md5((i + 1)::text), 7) AS b, repeat(md5((i + 2)::text), 6) AS c,
    repeat(md5((i + 3)::text), 7) AS d
FROM generate_series(1, :rows / 4) i;

CREATE FUNCTION file_path(file text) RETURNS text LANGUAGE sql AS
$$ SELECT current_setting('data_directory') || '/purser_bench_' || file $$;
DO $$
DECLARE
    shape text;
BEGIN
    FOREACH shape IN ARRAY '{narrow,mixed,quoted,wide}'::text[] LOOP
        EXECUTE format('COPY %I TO %L CSV HEADER', shape || '_source', purser_bench.file_path(shape || '.csv'));
        -- Quotes and delimiters that the data has not, so that nothing is quoted.
        EXECUTE format('COPY (SELECT ''['' || string_agg(row_to_json(t)::text, '','') || '']'' FROM %I t)
            TO %L (FORMAT csv, QUOTE E''\x01'', DELIMITER E''\x02'')',
            shape || '_source', purser_bench.file_path(shape || '.json'));
        EXECUTE format('CREATE TABLE %I (LIKE %I)', shape, shape || '_source');
    END LOOP;
END $$;
