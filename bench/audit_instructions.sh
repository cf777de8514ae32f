#!/bin/bash
# audit_instructions.sh [CONFIGURATION]...
#
# Instructions that a backend executes for each statement of pgbench (of TPC-B: a fifth of the
# transaction, whose five reads and writes go through the executor), counted by callgrind: without
# the library, with query identifiers alone, with the audit, and with each peer that is installed
# (pg_stat_statements and auto_explain come with the server's contrib modules, pg_qualstats is
# Debian's postgresql-NN-pg-qualstats). All but the first compute query identifiers. The figures
# repeat to some sixty instructions a statement, however busy the machine is.
#
# KEEP_CALLGRIND=DIR keeps the longer run's profile of each case, for callgrind_annotate.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${PGDATA-}" ] || [ -z "${AUDIT_BENCH-}" ]; then
	AUDIT_BENCH=1 exec scripts/with-server bench/audit_instructions.sh "$@"
fi
command -v valgrind >/dev/null || { echo "audit_instructions.sh: needs valgrind" >&2; exit 1; }

few=300 many=900 # transactions; the difference leaves out what a session costs once
work=$(mktemp -d "${TMPDIR:-/tmp}/pg_purser.XXXXXX")
data=$work/data
server=
stop() {
	[ -z "$server" ] || { kill -INT "$server" && wait "$server" || true; server=; }
}
trap 'stop; rm -rf "$work"' EXIT
library_folder=$("$PG_CONFIG" --pkglibdir)

settings_of() { # CONFIGURATION
	case $1 in
	without) ;;
	queryids) echo "-c compute_query_id=on" ;;
	audit) echo "-c compute_query_id=on -c shared_preload_libraries=pg_purser" ;;
	audit_off) echo "-c compute_query_id=on -c shared_preload_libraries=pg_purser -c purser.audit=off" ;;
	auto_explain) # waiting for statements of 10 s, as in production
		echo "-c compute_query_id=on -c shared_preload_libraries=$1 -c auto_explain.log_min_duration=10s" ;;
	*) echo "-c compute_query_id=on -c shared_preload_libraries=$1" ;;
	esac
}

count() { # CONFIGURATION TRANSACTIONS PGBENCH-OPTIONS...: instructions of the session
	local settings transactions=$2 pid out=$work/out
	read -ra settings <<<"$(settings_of "$1")"
	shift 2
	rm -rf "$out" "$data"
	mkdir "$out"
	cp -a "$work/template" "$data"
	setarch -R valgrind --tool=callgrind --callgrind-out-file="$out/%p" --log-file=/dev/null \
		"$(dirname "$PG_CONFIG")/postgres" -D "$data" -c log_line_prefix='%p ' \
		-c log_disconnections=on "${settings[@]}" 2>"$work/log" &
	server=$!
	until pg_isready -q -h "$work"; do kill -0 "$server"; sleep 0.2; done
	PGHOST=$work pgbench -n -c 1 -t "$transactions" --random-seed=1 "$@" postgres \
		>"$work/pgbench" 2>&1 || { cat "$work/pgbench" "$work/log" >&2; exit 1; }
	stop
	pid=$(sed -n 's/^\([0-9]*\) LOG:  disconnection.*database=postgres.*/\1/p' "$work/log" | tail -1)
	# but for what waits for the client, which goes by how fast that is
	awk 'BEGIN { waits["secure_read"]; waits["secure_raw_read"]; waits["recv"]; waits["epoll_wait"]
			waits["WaitEventSetWait"]; waits["ModifyWaitEvent"]; waits["__errno_location"] }
		/^c?fn=/ { id = $1; sub(/.*=/, "", id); if (NF > 1) name[id] = $2 }
		/^fn=/ { waiting = name[id] in waits }
		/^calls=/ { getline; next }
		/^[-+*0-9]/ && !waiting { sum += $2 }
		END { printf "%d\n", sum }' "$out/$pid"
	[ -z "${KEEP_CALLGRIND-}" ] || [ "$transactions" = "$few" ] ||
		cp "$out/$pid" "$KEEP_CALLGRIND/$case-$configuration"
}

initdb -D "$work/template" -U postgres -A trust -N --no-locale -E UTF8 >/dev/null
printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$work'" "fsync = off" \
	"autovacuum = off" "shared_buffers = 64MB" "jit = off" >>"$work/template/postgresql.conf"
pg_ctl -D "$work/template" -w -l "$work/log" start >/dev/null
PGHOST=$work pgbench -i -s 1 -q postgres >/dev/null 2>&1
PGHOST=$work psql -qXc 'VACUUM FREEZE ANALYZE' postgres
pg_ctl -D "$work/template" -w stop >/dev/null

echo '\set aid random(1, 100000)
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;' >"$work/lookup.sql"
cases=(
	"lookup prepared|1|-M prepared -f $work/lookup.sql"
	"TPC-B prepared|5|-M prepared -b tpcb-like"
	"lookup simple|1|-M simple -f $work/lookup.sql"
)

configurations=("$@")
if [ $# = 0 ]; then
	configurations=(without queryids audit audit_off)
	for peer in pg_stat_statements auto_explain pg_qualstats; do
		if [ -e "$library_folder/$peer.so" ]; then
			configurations+=("$peer")
		else
			echo "$peer is not installed" >&2
		fi
	done
fi

printf '%-16s %-20s %12s %12s\n' case with instructions 'on query ids'
for one in "${cases[@]}"; do
	IFS='|' read -r case statements options <<<"$one"
	read -ra options <<<"$options"
	base=
	for configuration in "${configurations[@]}"; do
		each=$((($(count "$configuration" $many "${options[@]}") - \
			$(count "$configuration" $few "${options[@]}")) / (many - few) / statements))
		more=-
		[ "$configuration" != queryids ] || base=$each
		[ -z "$base" ] || [ "$configuration" = queryids ] ||
			more=$(awk "BEGIN { printf \"%+.2f %%\", ($each - $base) * 100 / $base }")
		printf '%-16s %-20s %12d %12s\n' "$case" "$configuration" "$each" "$more"
	done
done
