#!/bin/bash
# The demo: a shop's schema from migration files, its orders in bulk, an ORM-like day of queries, and
# what the audit makes of them. Runs on the server that PGHOST and PGDATABASE name, as a superuser,
# in an empty database: `make demo` makes one and throws it away.
set -euo pipefail
cd "$(dirname "$0")"
export PSQLRC=/dev/null PGAPPNAME=demo PGOPTIONS='--client-min-messages=warning'
files=$(mktemp -d)
trap 'rm -rf "$files"' EXIT

sql() { psql -q -v ON_ERROR_STOP=1 -v files="$files" -v migrations="$PWD/migrations" "$@"; }
title() { printf '\n== %s\n\n' "$*"; }

createdb shop
export PGDATABASE=shop
sql -c 'CREATE EXTENSION pg_purser'
echo "pg_purser $(sql -Atc "SELECT extversion FROM pg_extension WHERE extname = 'pg_purser'")" \
	"on PostgreSQL $(sql -Atc 'SHOW server_version')"

title "Ledger: $(ls migrations | wc -l) files of demo/migrations, loaded, applied, one step down and up again"
sql -f ledger.sql

title "Bulk: orders from csv and json, one call each"
sql -f generate.sql
sql -f bulk.sql

title "Audit: what an ORM-like day of queries costs"
sql -f workload.sql >/dev/null
sql -f findings.sql
