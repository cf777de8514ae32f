#!/bin/bash
# bulk.sh [-m] [ROWS [ROUNDS [TEST...]]]
#
# Compares bulk loading with its peers, all of the same rows, in paired rounds in one session, and
# prints for each way the median over the rounds of how many times as fast as the base it was, by the
# clock and by the backend's processor time. TEST: csv, tables, arrays, upsert, rejects, verbs; all if
# none is named. -m prints rows of a Markdown table. Needs psql, a superuser, pg_purser installed, and
# Linux on the server's side:   scripts/with-server bench/bulk.sh 200000 7
set -euo pipefail
here=$(dirname "$0")/bulk
show=table
if [ "${1-}" = -m ]; then show=markdown; shift; fi
rows=${1:-200000} rounds=${2:-7}
shift $(($# < 2 ? $# : 2))
[ $# -gt 0 ] || set -- csv tables arrays upsert rejects verbs

script() {
	cat "$here/harness.sql" "$here/shapes.sql"
	for test; do cat "$here/$test.sql"; done
	echo "CALL compare(:rounds);"
	if [ $show = markdown ]; then
		echo "SELECT show();"
	else
		echo 'SELECT test, way, ms, "rows/ms", "times as fast", "by processor", goal FROM result ORDER BY id;'
	fi
	echo "DROP SCHEMA purser_bench CASCADE;"
	echo "COPY (SELECT) TO PROGRAM 'rm -f purser_bench_*';"
}

options=()
[ $show = table ] || options=(-t -A)
script "$@" | psql -X -q "${options[@]}" -v ON_ERROR_STOP=1 -v rows="$rows" -v rounds="$rounds"
