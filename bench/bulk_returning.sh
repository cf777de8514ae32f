#!/bin/bash
# bulk_returning.sh [THOUSANDS] [ROUNDS]
#
# Compares bulk_insert_returning with INSERT ... VALUES ... RETURNING of 1000 rows a statement and with
# INSERT ... SELECT FROM json_to_recordset() ... RETURNING, for rows of four columns with a generated key,
# in paired rounds in one session, each rolled back. Prints the medians of the server's CPU time in ms,
# parsing and sending included, and of its ratio to the first way's in the same round. Needs psql, a
# superuser and pg_purser installed:
#   scripts/with-server -c shared_buffers=1GB bench/bulk_returning.sh 20 7
set -euo pipefail
thousands=${1:-20} rounds=${2:-7}

statements() { # of the way, one per line
	case $1 in
	'values, 1000 rows') for i in $(seq "$thousands"); do
		echo "INSERT INTO t (name, amount, at) VALUES :values_$i RETURNING *;"
	done ;;
	json_to_recordset) echo "INSERT INTO t (name, amount, at) SELECT * FROM json_to_recordset(:'json') AS (name text, amount numeric, at timestamptz) RETURNING *;" ;;
	'bulk_insert_returning json') echo "SELECT * FROM purser.bulk_insert_returning(NULL::t, :'json');" ;;
	'bulk_insert_returning csv') echo "SELECT * FROM purser.bulk_insert_returning(NULL::t, :'csv', 'csv');" ;;
	'bulk_insert json') echo "SELECT inserted FROM purser.bulk_insert('t', :'json');" ;;
	esac
}

session() {
	cat <<SQL
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_purser;
CREATE SCHEMA purser_bench;
SET search_path = purser_bench;
CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, amount numeric(12,2), at timestamptz);
CREATE TABLE sample AS SELECT i, 'name ' || i AS name, i * 2.5 AS amount, timestamptz '2026-01-01' + i * interval '1 second' AS at FROM generate_series(1, 1000 * $thousands) i;
SELECT json_agg(json_build_object('name', name, 'amount', amount, 'at', at) ORDER BY i)::text AS json,
    E'name,amount,at\n' || string_agg(format('%s,%s,%s', name, amount, at), E'\n' ORDER BY i) AS csv FROM sample \gset
SQL
	for i in $(seq "$thousands"); do
		echo "SELECT string_agg(format('(%L,%s,%L)', name, amount, at), ',' ORDER BY i) AS values_$i FROM sample WHERE (i - 1) / 1000 = $i - 1 \\gset"
	done
	printf 'SET client_min_messages = log;\nSET log_statement_stats = on;\n'
	for round in $(seq 0 "$rounds"); do # the first one warms up
		for way in 'values, 1000 rows' json_to_recordset 'bulk_insert_returning json' 'bulk_insert_returning csv' 'bulk_insert json'; do
			printf 'BEGIN;\n\\qecho @|%s|%s\n\\o /dev/null\n' "$round" "$way"
			statements "$way"
			printf '\\o\n\\qecho #\nROLLBACK;\n'
		done
	done
	echo 'SET client_min_messages = warning; DROP SCHEMA purser_bench CASCADE;'
}

session | psql -X -q -v ON_ERROR_STOP=1 2>&1 | awk -F'|' '
	function median(list, count,    i, j, x, a) {
		split(list, a, " ")
		for (i = 1; i <= count; i++)
			for (j = i; j > 1 && a[j - 1] + 0 > a[j] + 0; j--) { x = a[j]; a[j] = a[j - 1]; a[j - 1] = x }
		return a[int((count + 1) / 2)]
	}
	/ERROR/ { print; exit 1 }
	/^@/ { round = $2; way = $3; waiting = 1; cpu = 0 }
	/elapsed/ && waiting { split($0, word, " "); cpu += 1000 * (word[2] + word[5]) }
	/^#/ {
		waiting = 0
		if (first == "" || first == way) { first = way; base = cpu }
		if (round == 0) next
		if (!(way in count)) order[++ways] = way
		count[way]++; times[way] = times[way] " " cpu; ratios[way] = ratios[way] " " cpu / base
	}
	END { for (i = 1; i <= ways; i++) { w = order[i]
		printf "%-28s %9.1f ms %6.2f\n", w, median(times[w], count[w]), median(ratios[w], count[w]) } }'
