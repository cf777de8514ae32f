#!/bin/bash
# bulk_workers.sh [ROWS [ROUNDS [WORKERS]]]
#
# One COPY, one bulk_load and CALL purser.load with background workers, of the same file of six numbers
# a row into a heap without indexes; prints for each the median over paired rounds of how many times as
# fast as COPY it was, by the clock. Needs psql, a superuser, pg_purser installed and a free processor
# for each worker:   scripts/with-server bench/bulk_workers.sh 2000000 5 2
set -euo pipefail
rows=${1:-2000000} rounds=${2:-5} workers=${3:-2}

script() {
	cat <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_purser;
CREATE SCHEMA purser_bench;
SET search_path = purser_bench;
CREATE TABLE narrow AS
SELECT i AS a, i * 7 AS b, (i * 2654435761) % 100000 AS c, i / 3.0::float8 AS d, i::bigint * 1000003 AS e, i % 10 AS f
FROM generate_series(1, :rows) i;
COPY narrow TO PROGRAM 'cat > purser_bench_narrow.csv' CSV HEADER;
CREATE TABLE timing (way text, round int, ms float8);
SQL
	for round in $(seq 0 "$rounds"); do
		for way in "COPY narrow FROM 'purser_bench_narrow.csv' CSV HEADER" \
			"SELECT purser.bulk_load('narrow', 'purser_bench_narrow.csv', 'csv')" \
			"CALL purser.load('narrow', 'purser_bench_narrow.csv', workers => $workers)"; do
			echo "TRUNCATE narrow; CHECKPOINT;"
			echo "SELECT clock_timestamp() AS began \\gset"
			echo "$way \\g /dev/null"
			echo "INSERT INTO timing SELECT '$(echo "$way" | sed -E "s/^(SELECT )?([A-Za-z_. ]+)[( ].*/\2/; s/ narrow.*//")', $round,
				extract(epoch FROM clock_timestamp() - :'began') * 1000;"
		done
	done
	cat <<'SQL'
-- Round 0 warms up.
SELECT t.way, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms)::numeric) AS ms,
    round(:rows / percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms)::numeric) AS "rows/ms",
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY c.ms / t.ms)::numeric, 2) AS "times as fast"
FROM timing t JOIN timing c ON c.round = t.round AND c.way = 'COPY'
WHERE t.round > 0 GROUP BY t.way ORDER BY 4;
DROP SCHEMA purser_bench CASCADE;
COPY (SELECT) TO PROGRAM 'rm -f purser_bench_narrow.csv';
SQL
}

script | psql -X -q -v ON_ERROR_STOP=1 -v rows="$rows"
