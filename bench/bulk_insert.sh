#!/bin/bash
# bulk_insert.sh [ROWS] [ROUNDS]
#
# Compares bulk_insert with server-side COPY and with INSERT ... SELECT FROM json_to_recordset, all
# of the same rows, in paired rounds in one session, and prints for each way the median over the
# rounds of its time divided by that of COPY in the same round. Needs psql, a superuser and
# pg_purser installed:   scripts/with-server bench/bulk_insert.sh 200000 7
set -euo pipefail
rows=${1:-200000} rounds=${2:-7}

psql -X -q -v ON_ERROR_STOP=1 -v rows="$rows" -v rounds="$rounds" <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_purser;
CREATE SCHEMA purser_bench;
SET search_path = purser_bench;

CREATE TABLE narrow_source AS
SELECT i AS a, i * 7 AS b, (i * 2654435761) % 100000 AS c, i / 3.0::float8 AS d, i::bigint * 1000003 AS e, i % 10 AS f
FROM generate_series(1, :rows) i;
CREATE TABLE mixed_source AS
SELECT i AS id, 'user' || i AS name, 'user' || i || '@example.com' AS email, i % 2 = 0 AS active, (i % 10000) / 100.0 AS balance,
    timestamptz '2024-01-01' + i * interval '1 minute' AS at, repeat('say "hi" ', i % 4) AS note
FROM generate_series(1, :rows) i;
CREATE TABLE narrow (LIKE narrow_source);
CREATE TABLE mixed (LIKE mixed_source);
CREATE TABLE mixed_indexed (LIKE mixed_source, PRIMARY KEY (id));
CREATE INDEX ON mixed_indexed (email);

CREATE TABLE timing (target text, way text, round int, ms float8);

CREATE PROCEDURE run(target text, way text, round int, command text, data text) LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz;
BEGIN
    EXECUTE format('TRUNCATE %I', target);
    COMMIT;
    began := clock_timestamp();
    EXECUTE command USING data;
    COMMIT;
    INSERT INTO timing VALUES (target, way, round, 1000 * extract(epoch FROM clock_timestamp() - began));
    COMMIT;
END $$;

CREATE PROCEDURE compare(target text, source text, rounds int) LANGUAGE plpgsql AS $$
DECLARE
    path text := current_setting('data_directory') || '/purser_bench.csv';
    load text := format('SELECT purser.bulk_insert(%L, $1', target);
    types text := (SELECT string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum)
        FROM pg_attribute WHERE attrelid = source::regclass AND attnum > 0);
    csv text;
    json text;
BEGIN
    EXECUTE format('COPY %I TO %L CSV HEADER', source, path);
    csv := pg_read_file(path);
    EXECUTE format('SELECT json_agg(s) FROM %I s', source) INTO json;
    FOR round IN 0 .. rounds LOOP
        CALL run(target, 'COPY csv', round, format('COPY %I FROM %L CSV HEADER', target, path), NULL);
        CALL run(target, 'bulk_insert csv', round, load || ', ''csv'')', csv);
        CALL run(target, 'bulk_insert csv, skip', round, load || ', ''csv'', ''skip'')', csv);
        CALL run(target, 'bulk_insert json', round, load || ')', json);
        CALL run(target, 'bulk_insert jsonb', round, load || '::jsonb)', json);
        CALL run(target, 'json_to_recordset', round,
            format('INSERT INTO %I SELECT * FROM json_to_recordset($1::json) AS r (%s)', target, types), json);
    END LOOP;
END $$;

CALL compare('narrow', 'narrow_source', :rounds);
CALL compare('mixed', 'mixed_source', :rounds);
CALL compare('mixed_indexed', 'mixed_source', :rounds);

-- Round 0 warms up.
SELECT t.target AS "table", t.way, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms)::numeric) AS "ms, median",
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms / c.ms)::numeric, 2) AS "times COPY, median"
FROM timing t JOIN timing c ON c.target = t.target AND c.round = t.round AND c.way = 'COPY csv'
WHERE t.round > 0
GROUP BY t.target, t.way
ORDER BY t.target, "times COPY, median";
DROP SCHEMA purser_bench CASCADE;
COPY (SELECT) TO PROGRAM 'rm -f purser_bench.csv';
SQL
