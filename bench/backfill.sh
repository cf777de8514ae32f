#!/bin/bash
# backfill.sh [ROWS] [ROUNDS]
#
# Compares purser.migrate() of a revision in batches with one UPDATE of the whole table and with the
# usual loop of keyset batches in a client, in paired rounds, each on a fresh copy of the table, and
# prints for each way the medians over the rounds of rows a second and of its time divided by that of
# the one UPDATE in the same round. Needs psql, a superuser and pg_purser installed:
#   scripts/with-server bench/backfill.sh 500000 5
set -euo pipefail
rows=${1:-500000} rounds=${2:-5} size=5000

sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 -c 'SET client_min_messages = warning' -c "$1"; }
milliseconds() { echo $(($(date +%s%N) / 1000000)); }

fresh_table() { # two indexes, one of them on a column that is not changed
	sql "SELECT purser.stamp('base') WHERE EXISTS (SELECT FROM purser.revision)" >/dev/null
	sql "DROP TABLE IF EXISTS backfill_bench"
	sql "CREATE TABLE backfill_bench AS SELECT i::bigint * 3 AS id, 'customer ' || i AS name,
			i % 1000 AS region, NULL::text AS lower_name, repeat('x', 60) AS filler
		FROM generate_series(1, $rows) i"
	sql "ALTER TABLE backfill_bench ADD PRIMARY KEY (id)"
	sql "CREATE INDEX ON backfill_bench (region)"
	psql -X -q -c "VACUUM ANALYZE backfill_bench" -c "CHECKPOINT"
}

one_update() { sql "UPDATE backfill_bench SET lower_name = lower(name)"; }
migrate() { psql -X -q -c "SET purser.backfill_target = ${1:-200}" -c "CALL purser.migrate()"; }

client_loop() { # one session, one round trip for each batch, the last key handed on
	local psql_in psql_out last=0
	coproc PSQL { psql -X -q -A -t; }
	psql_out=${PSQL[0]} psql_in=${PSQL[1]}
	while [ -n "$last" ]; do
		echo "WITH batch AS (SELECT id FROM backfill_bench WHERE id > $last ORDER BY id LIMIT $size),
			done AS (UPDATE backfill_bench b SET lower_name = lower(name) FROM batch WHERE b.id = batch.id
				RETURNING b.id)
			SELECT max(id) FROM done;" >&"$psql_in"
		read -r last <&"$psql_out"
	done
	echo '\q' >&"$psql_in"
	wait "$PSQL_PID"
}

sql "CREATE EXTENSION IF NOT EXISTS pg_purser"
sql "SELECT purser.add_revision('lower names', 'UPDATE backfill_bench SET lower_name = lower(name)', NULL,
	'backfill_bench', '{}', batch => 'table backfill_bench key id size $size')" >/dev/null
sql "CREATE TABLE backfill_timing (way text, round int, ms float8)"
for round in $(seq 0 "$rounds"); do # round 0 warms up
	for way in one_update client_loop migrate 'migrate 0'; do
		fresh_table
		began=$(milliseconds)
		$way
		ms=$(($(milliseconds) - began))
		[ "$(sql 'SELECT count(*) FROM backfill_bench WHERE lower_name IS NULL')" = 0 ]
		sql "INSERT INTO backfill_timing VALUES ('$way', $round, $ms)"
	done
done
psql -X -q <<SQL
SELECT CASE t.way WHEN 'one_update' THEN 'one UPDATE' WHEN 'client_loop' THEN 'client, batches of $size'
		WHEN 'migrate' THEN 'migrate, batches of 200 ms' ELSE 'migrate, batches of $size' END AS way,
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY $rows / t.ms)::numeric * 1000) AS "rows/s, median",
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms / u.ms)::numeric, 2) AS "times one UPDATE, median"
FROM backfill_timing t JOIN backfill_timing u ON u.round = t.round AND u.way = 'one_update'
WHERE t.round > 0
GROUP BY t.way ORDER BY 3;
DROP TABLE backfill_timing, backfill_bench;
SQL
sql "SELECT purser.stamp('base')" >/dev/null
sql "SELECT purser.remove_revision('backfill_bench')" >/dev/null
