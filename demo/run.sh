#!/bin/bash
# The demo: a shop's schema from migration files, its orders in bulk, an ORM-like day of queries, what
# the audit makes of them, and migrations that a busy table can bear. Works on the server that PGHOST
# and its like name, as a superuser, in a database of its own; `make demo` makes a private server for
# it and throws that away.
set -euo pipefail
cd "$(dirname "$0")"
export PSQLRC=/dev/null PGAPPNAME=demo
files=$(mktemp -d)
trap 'rm -rf "$files"' EXIT
chmod 777 "$files" # the server writes the files that it then loads

sql() {
	psql -X -q -v ON_ERROR_STOP=1 -P footer=off -v migrations="$PWD/migrations" -v online="$PWD/online" \
		-v csv="$files/orders.csv" -v json="$files/orders.json" "$@"
}
title() { printf '\n== %s\n\n' "$*"; }

psql -X -q -c 'CREATE DATABASE shop'
export PGDATABASE=shop
sql -c 'CREATE EXTENSION pg_purser'
sql -At -c "SELECT 'pg_purser ' || extversion || ' on PostgreSQL ' || current_setting('server_version')
	FROM pg_extension WHERE extname = 'pg_purser'"

title "Ledger: a directory of migrations to head, one step down and up again"
sql -f ledger.sql

title "Bulk: orders from csv and json text, one call each"
sql -f generate.sql
ls -l "$files" | awk 'NF > 5 {printf "%s: %.1f MB\n", $NF, $5 / 1e6}'
sql -f bulk.sql

title "Audit: what an ORM-like day of queries costs, and what to do about it"
sql -f workload.sql >/dev/null
sql -f findings.sql

title "Online: a backfill in batches and an index built concurrently, a commit for each step"
sql -f online.sql
