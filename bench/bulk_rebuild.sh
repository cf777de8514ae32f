#!/bin/bash
# bulk_rebuild.sh [BASE] [ROUNDS]
#
# What an index costs a row that is loaded: an entry made as rows come in (keep), or a row's share of building
# the index at the end (rebuild), by the backend's processor time and by the clock. Loads an eighth, a
# quarter, a half of BASE rows and as many into tables that have BASE rows, with two indexes of a kind;
# the load without indexes is subtracted. The last column is how many times as much an entry costs as a row of
# a build: ENTRY_COST in src/bulk/bulk_rebuild.c. Linux. Needs psql, a superuser and pg_purser:
#   scripts/with-server -c shared_buffers=2GB -c max_wal_size=8GB bench/bulk_rebuild.sh 800000 3
set -euo pipefail
base=${1:-800000} rounds=${2:-3}

psql -X -q -v ON_ERROR_STOP=1 -v base="$base" -v rounds="$rounds" <<'SQL'
SET client_min_messages = warning;
-- So that all of the processor's time is the backend's.
SET max_parallel_maintenance_workers = 0;
CREATE EXTENSION IF NOT EXISTS pg_purser;
DROP SCHEMA IF EXISTS purser_bench CASCADE;
CREATE SCHEMA purser_bench;
SET search_path = purser_bench;
CREATE TABLE timing (kind text, rows int, way text, round int, cpu float8, wall float8);

-- Nanoseconds that this backend has spent on a processor.
CREATE FUNCTION cpu_ns() RETURNS float8 LANGUAGE sql VOLATILE AS
$$ SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::float8 $$;
CREATE FUNCTION key_of(kind text) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT CASE kind WHEN 'int' THEN (random() * 2000000000)::int::text
        WHEN 'uuid' THEN gen_random_uuid()::text ELSE 'user' || md5(random()::text) END
$$;

CREATE PROCEDURE load(kind text, type text, base int, rows int, way text, round int) LANGUAGE plpgsql AS $$
DECLARE
    csv text;
    cpu float8;
    wall timestamptz;
BEGIN
    EXECUTE format('CREATE TABLE t (a %1$s, b %1$s); INSERT INTO t SELECT key_of(%2$L)::%1$s, key_of(%2$L)::%1$s FROM generate_series(1, %3$s)',
        type, kind, base);
    IF way <> 'none' THEN
        CREATE INDEX ON t (a);
        CREATE INDEX ON t (b);
    END IF;
    SELECT string_agg(key_of(kind) || ',' || key_of(kind) || E'\n', '') INTO csv FROM generate_series(1, rows);
    COMMIT;
    CHECKPOINT;
    cpu := cpu_ns();
    wall := clock_timestamp();
    PERFORM purser.bulk_insert('t', E'a,b\n' || csv, 'csv', indexes => CASE way WHEN 'rebuild' THEN 'rebuild' ELSE 'keep' END);
    INSERT INTO timing VALUES (kind, rows, way, round, cpu_ns() - cpu, 1e9 * extract(epoch FROM clock_timestamp() - wall));
    DROP TABLE t;
    COMMIT;
END $$;

CREATE PROCEDURE compare(base int, rounds int) LANGUAGE plpgsql AS $$
DECLARE
    k record;
    part int;
    way text;
BEGIN
    FOR round IN 1 .. rounds LOOP
        FOR k IN SELECT * FROM (VALUES ('int', 'int'), ('uuid', 'uuid'), ('text', 'text COLLATE "C"')) v (kind, type) LOOP
            FOREACH part IN ARRAY '{8,4,2,1}'::int[] LOOP
                FOREACH way IN ARRAY '{none,keep,rebuild}'::text[] LOOP
                    CALL load(k.kind, k.type, base, base / part, way, round);
                END LOOP;
            END LOOP;
        END LOOP;
    END LOOP;
END $$;
CALL compare(:base, :rounds);

WITH medians AS (
    SELECT kind, rows, way, percentile_cont(0.5) WITHIN GROUP (ORDER BY cpu) AS cpu, percentile_cont(0.5) WITHIN GROUP (ORDER BY wall) AS wall
    FROM timing GROUP BY kind, rows, way)
SELECT n.kind AS key, n.rows AS "rows loaded", round((k.cpu / 1e6)::numeric) AS "keep, ms CPU", round((r.cpu / 1e6)::numeric) AS "rebuild, ms CPU",
    round((k.cpu / r.cpu)::numeric, 2) AS "rebuild: times as fast", round((k.wall / r.wall)::numeric, 2) AS "by the clock",
    round(((k.cpu - n.cpu) / n.rows / 2)::numeric) AS "ns per entry", round(((r.cpu - n.cpu) / (n.rows + :base) / 2)::numeric) AS "ns per row built",
    round(((k.cpu - n.cpu) / n.rows / ((r.cpu - n.cpu) / (n.rows + :base)))::numeric, 1) AS "entry cost"
FROM medians n JOIN medians k USING (kind, rows) JOIN medians r USING (kind, rows)
WHERE n.way = 'none' AND k.way = 'keep' AND r.way = 'rebuild' ORDER BY 1, 2;
DROP SCHEMA purser_bench CASCADE;
SQL
