#!/bin/bash
# bulk_index.sh [ROWS] [ROUNDS] [BASE]
#
# Compares bulk_insert with server-side COPY where rows cost more than their place in the heap: with
# indexes on a table that has BASE rows already, with partitions, checks and triggers. Paired rounds
# in one session; the figures are COPY's CPU time and elapsed time divided by that of bulk_insert in
# the same round, so more than 1 is faster than COPY. Linux. Needs psql, a superuser and pg_purser:
#   scripts/with-server -c shared_buffers=2GB -c max_wal_size=8GB bench/bulk_index.sh 400000 5 2000000
set -euo pipefail
rows=${1:-400000} rounds=${2:-5} base=${3:-2000000}

psql -X -q -v ON_ERROR_STOP=1 -v rows="$rows" -v rounds="$rounds" -v base="$base" <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_purser;
CREATE SCHEMA purser_bench;
SET search_path = purser_bench;

CREATE TABLE timing (target text, way text, round int, cpu float8, elapsed float8);
-- CPU time of this backend, user and system, in ms.
CREATE FUNCTION cpu() RETURNS float8 LANGUAGE sql AS $$
    SELECT 10.0 * (a[12]::bigint + a[13]::bigint)
    FROM string_to_array(split_part(pg_read_file('/proc/self/stat'), ') ', 2), ' ') a
$$;
-- Rows with an ascending id, numbers, a uuid and a text in no order.
CREATE FUNCTION rows_from(first int, n int) RETURNS TABLE (id int, r int, u uuid, t text, g int, at timestamptz) LANGUAGE sql AS $$
    SELECT i, (random() * 2000000000)::int, gen_random_uuid(), 'user' || md5(random()::text), i % 1000,
        timestamptz '2024-01-01' + i * interval '1 second'
    FROM generate_series(first, first + n - 1) i
$$;

CREATE TABLE heap (id int, r int, u uuid, t text, g int, at timestamptz);
CREATE TABLE serial_key (LIKE heap, PRIMARY KEY (id));
CREATE TABLE int_index (LIKE heap);
CREATE TABLE uuid_index (LIKE heap);
CREATE TABLE text_index (LIKE heap);
CREATE TABLE two_indexes (LIKE heap);
CREATE TABLE checked (LIKE heap, n int DEFAULT 7, CHECK (g >= 0), CHECK (length(t) < 100));
CREATE TABLE parted (LIKE heap) PARTITION BY HASH (id);
CREATE TABLE before_row (LIKE heap);
CREATE TABLE after_row (LIKE heap);
DO $$
BEGIN
    FOR i IN 0 .. 15 LOOP
        EXECUTE format('CREATE TABLE parted_%s PARTITION OF parted FOR VALUES WITH (MODULUS 16, REMAINDER %s)', i, i);
    END LOOP;
END $$;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.at := now(); RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE INSERT ON before_row FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER touch AFTER INSERT ON after_row FOR EACH ROW EXECUTE FUNCTION touch();

-- Only the tables with indexes grow; the others are emptied for each round.
INSERT INTO serial_key SELECT * FROM rows_from(-:base, :base);
INSERT INTO int_index SELECT * FROM rows_from(-:base, :base);
INSERT INTO uuid_index SELECT * FROM rows_from(-:base, :base);
INSERT INTO text_index SELECT * FROM rows_from(-:base, :base);
INSERT INTO two_indexes SELECT * FROM rows_from(-:base, :base);
CREATE INDEX ON int_index (r);
CREATE INDEX ON uuid_index (u);
CREATE INDEX ON text_index (t COLLATE "C");
CREATE INDEX ON two_indexes (r);
CREATE UNIQUE INDEX ON two_indexes (u);
VACUUM ANALYZE;
CHECKPOINT;

CREATE PROCEDURE run(target text, way text, round int, command text, data text) LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz;
    used float8;
BEGIN
    COMMIT;
    began := clock_timestamp();
    used := cpu();
    EXECUTE command USING data;
    COMMIT;
    INSERT INTO timing VALUES (target, way, round, cpu() - used, 1000 * extract(epoch FROM clock_timestamp() - began));
    COMMIT;
END $$;

CREATE PROCEDURE compare(target text, grows boolean, rows int, rounds int) LANGUAGE plpgsql AS $$
DECLARE
    path text := current_setting('data_directory') || '/purser_bench.csv';
    ways text[] := ARRAY['COPY', 'bulk_insert'];
    csv text;
BEGIN
    FOR round IN 0 .. rounds LOOP
        FOR i IN 1 .. 2 LOOP
            EXECUTE format('COPY (SELECT * FROM rows_from(%s, %s)) TO %L CSV HEADER', 1 + (2 * round + i) * rows, rows, path);
            csv := pg_read_file(path);
            IF NOT grows THEN
                EXECUTE format('TRUNCATE %I', target);
            END IF;
            CALL run(target, ways[i], round, CASE i
                WHEN 1 THEN format('COPY %I (id, r, u, t, g, at) FROM %L CSV HEADER', target, path)
                ELSE format('SELECT purser.bulk_insert(%L, $1, ''csv'')', target) END, csv);
        END LOOP;
    END LOOP;
END $$;
CALL compare('heap', false, :rows, :rounds);
CALL compare('serial_key', true, :rows, :rounds);
CALL compare('int_index', true, :rows, :rounds);
CALL compare('uuid_index', true, :rows, :rounds);
CALL compare('text_index', true, :rows, :rounds);
CALL compare('two_indexes', true, :rows, :rounds);
CALL compare('checked', false, :rows, :rounds);
CALL compare('parted', false, :rows, :rounds);
CALL compare('before_row', false, :rows, :rounds);
CALL compare('after_row', false, :rows, :rounds);

-- Round 0 warms up.
SELECT b.target AS "table", round(percentile_cont(0.5) WITHIN GROUP (ORDER BY c.cpu)::numeric) AS "COPY, ms CPU",
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY b.cpu)::numeric) AS "bulk_insert, ms CPU",
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY c.cpu / b.cpu)::numeric, 2) AS "times as fast, CPU",
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY c.elapsed / b.elapsed)::numeric, 2) AS "elapsed"
FROM timing b JOIN timing c ON c.target = b.target AND c.round = b.round AND c.way = 'COPY'
WHERE b.round > 0 AND b.way = 'bulk_insert'
GROUP BY b.target
ORDER BY min(b.ctid);
DROP SCHEMA purser_bench CASCADE;
COPY (SELECT) TO PROGRAM 'rm -f purser_bench.csv';
SQL
