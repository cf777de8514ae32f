#!/bin/bash
# bulk_arrays.sh [CALLS] [ROUNDS]
#
# Compares bulk_insert_arrays with INSERT ... SELECT * FROM unnest() of the same arrays, which are
# parameters of 10,000 rows in each of CALLS calls, in paired rounds in one session. Prints for each
# shape the time for a row and the median over the rounds of how many times as fast it was. Needs
# psql, a superuser and pg_purser installed:   scripts/with-server bench/bulk_arrays.sh 20 7
set -euo pipefail
calls=${1:-20} rounds=${2:-7}

psql -X -q -v ON_ERROR_STOP=1 -v calls="$calls" -v rounds="$rounds" <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_purser;
CREATE SCHEMA purser_bench;
SET search_path = purser_bench;

CREATE TABLE narrow (a int, b int, c int, d float8, e bigint, f int);
CREATE TABLE mixed (id int, name text, email text, active bool, balance numeric, at timestamptz, note text);
CREATE TABLE timing (target text, way text, round int, ns float8);

CREATE PROCEDURE run_narrow(way text, command text, round int, calls int) LANGUAGE plpgsql AS $$
DECLARE
    a int[]; b int[]; c int[]; d float8[]; e bigint[]; f int[];
    began timestamptz;
BEGIN
    SELECT array_agg(i), array_agg(i * 7), array_agg((i * 2654435761) % 100000), array_agg(i / 3.0::float8),
        array_agg(i::bigint * 1000003), array_agg(i % 10) INTO a, b, c, d, e, f FROM generate_series(1, 10000) i;
    TRUNCATE narrow;
    COMMIT;
    began := clock_timestamp();
    FOR i IN 1 .. calls LOOP
        EXECUTE command USING a, b, c, d, e, f;
    END LOOP;
    COMMIT;
    INSERT INTO timing VALUES ('narrow', way, round, 1e5 * extract(epoch FROM clock_timestamp() - began) / calls);
    COMMIT;
END $$;

CREATE PROCEDURE run_mixed(way text, command text, round int, calls int) LANGUAGE plpgsql AS $$
DECLARE
    id int[]; name text[]; email text[]; active bool[]; balance numeric[]; at timestamptz[]; note text[];
    began timestamptz;
BEGIN
    SELECT array_agg(i), array_agg('user' || i), array_agg('user' || i || '@example.com'), array_agg(i % 2 = 0),
        array_agg((i % 10000) / 100.0), array_agg(timestamptz '2024-01-01' + i * interval '1 minute'), array_agg(repeat('say "hi" ', i % 4))
    INTO id, name, email, active, balance, at, note FROM generate_series(1, 10000) i;
    TRUNCATE mixed;
    COMMIT;
    began := clock_timestamp();
    FOR i IN 1 .. calls LOOP
        EXECUTE command USING id, name, email, active, balance, at, note;
    END LOOP;
    COMMIT;
    INSERT INTO timing VALUES ('mixed', way, round, 1e5 * extract(epoch FROM clock_timestamp() - began) / calls);
    COMMIT;
END $$;

CREATE PROCEDURE compare(rounds int, calls int) LANGUAGE plpgsql AS $$
BEGIN
    FOR round IN 0 .. rounds LOOP
        CALL run_narrow('unnest', 'INSERT INTO narrow SELECT * FROM unnest($1, $2, $3, $4, $5, $6)', round, calls);
        CALL run_narrow('arrays', 'SELECT purser.bulk_insert_arrays(''narrow'', ''{a,b,c,d,e,f}'', $1, $2, $3, $4, $5, $6)', round, calls);
        CALL run_mixed('unnest', 'INSERT INTO mixed SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)', round, calls);
        CALL run_mixed('arrays', 'SELECT purser.bulk_insert_arrays(''mixed'', ''{id,name,email,active,balance,at,note}'', $1, $2, $3, $4, $5, $6, $7)', round, calls);
    END LOOP;
END $$;
CALL compare(:rounds, :calls);

-- Round 0 warms up.
SELECT a.target AS "table", round(percentile_cont(0.5) WITHIN GROUP (ORDER BY u.ns)::numeric) AS "unnest, ns for a row",
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY a.ns)::numeric) AS "bulk_insert_arrays",
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY u.ns / a.ns)::numeric, 2) AS "times as fast, median"
FROM timing a JOIN timing u ON u.target = a.target AND u.round = a.round AND u.way = 'unnest'
WHERE a.round > 0 AND a.way = 'arrays'
GROUP BY a.target ORDER BY a.target;
DROP SCHEMA purser_bench CASCADE;
SQL
