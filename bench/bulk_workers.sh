#!/bin/bash
# bulk_workers.sh [ROWS [ROUNDS [WORKERS]]]
#
# One COPY, one bulk_load, bulk_load with parallel workers and CALL purser.load with background workers,
# of the same file of six numbers a row into a heap without indexes; prints for each the median over
# paired rounds of how many times as fast as COPY it was, by the clock. Then the same into a table with
# an identity column that is not in the file. Needs psql, a superuser, pg_purser installed and a free
# processor for each worker:   scripts/with-server bench/bulk_workers.sh 2000000 5 2
set -euo pipefail
rows=${1:-2000000} rounds=${2:-5} workers=${3:-2}
file=purser_bench_narrow.csv

setup() {
	cat <<SQL
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_purser;
CREATE SCHEMA purser_bench;
SET search_path = purser_bench;
CREATE TABLE heap AS
SELECT i AS a, i * 7 AS b, (i * 2654435761) % 100000 AS c, i / 3.0::float8 AS d, i::bigint * 1000003 AS e, i % 10 AS f
FROM generate_series(1, $rows) i;
CREATE TABLE identity (key bigint GENERATED ALWAYS AS IDENTITY, LIKE heap);
COPY heap TO PROGRAM 'cat > $file' CSV HEADER;
CREATE TABLE timing (target text, number int, way text, round int, ms float8);
SQL
}

# One load, timed: TARGET ROUND NUMBER WAY COMMAND.
timed() {
	cat <<SQL
TRUNCATE $1;
CHECKPOINT;
SELECT clock_timestamp() AS began \\gset
$5 \\g /dev/null
INSERT INTO timing SELECT '$1', $3, '$4', $2, extract(epoch FROM clock_timestamp() - :'began') * 1000;
SQL
}

all() { # ways of one round: TARGET ROUND
	timed "$1" "$2" 1 COPY "COPY $1 (a, b, c, d, e, f) FROM '$file' CSV HEADER"
	timed "$1" "$2" 2 bulk_load "SELECT purser.bulk_load('$1', '$file', 'csv')"
	timed "$1" "$2" 3 "bulk_load with $workers workers" \
		"SELECT purser.bulk_load('$1', '$file', 'csv', workers => $workers)"
	timed "$1" "$2" 4 "CALL load with $workers workers" "CALL purser.load('$1', '$file', workers => $workers)"
}

report() {
	cat <<SQL
-- Round 0 warms up.
SELECT t.target AS table, t.way, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms)::numeric) AS ms,
    round($rows / percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms)::numeric) AS "rows/ms",
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY c.ms / t.ms)::numeric, 2) AS "times as fast"
FROM timing t JOIN timing c ON c.target = t.target AND c.round = t.round AND c.number = 1
WHERE t.round > 0 GROUP BY t.target, t.number, t.way ORDER BY t.target, t.number;
SET client_min_messages = warning;
DROP SCHEMA purser_bench CASCADE;
COPY (SELECT) TO PROGRAM 'rm -f $file';
SQL
}

script() {
	setup
	for target in heap identity; do
		for round in $(seq 0 "$rounds"); do all "$target" "$round"; done
	done
	report
}

script | psql -X -q -v ON_ERROR_STOP=1
