#!/bin/bash
# audit_overhead.sh [ROUNDS [SECONDS]] [CASE]...
#
# What the audit costs in throughput and in processor time, beside its peers: one private server for
# each configuration (scripts/with-server), all alive at once, taking turns. A round runs each of
# them once, there and back, so that a drift of the machine falls on all alike; the next round begins
# with another one, as who runs twice in a row is favoured. Prints, for each case, medians of the
# rounds' ratios to the server that only computes query identifiers; 1.000 is no cost, and the row
# "itself", that server's way back to its way there, shows the noise.
#
# Cases: lookup (-S -M prepared), tpcb, crowd (8 clients a core), new_ids (each statement a new query
# identifier), count (1M rows), join (100,000 loops); all of them by default.
# Peers that are not installed are left out; see audit_instructions.sh, which counts instructions.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-15} seconds=${2:-3}
shift $(($# < 2 ? $# : 2))
cases=("$@")
[ $# -gt 0 ] || cases=(lookup tpcb crowd new_ids count join)
cores=$(nproc)
if [ -z "${AUDIT_BENCH-}" ]; then
	AUDIT_BENCH=1 exec scripts/with-server bench/audit_overhead.sh "$rounds" "$seconds" "${cases[@]}"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/pg_purser.XXXXXX")
configurations=(queryids without audit audit_off)
for peer in pg_stat_statements auto_explain pg_qualstats; do
	if [ -e "$("$PG_CONFIG" --pkglibdir)/$peer.so" ]; then
		configurations+=("$peer")
	else
		echo "$peer is not installed" >&2
	fi
done
stop_all() {
	local configuration
	for configuration in "${configurations[@]}"; do
		[ ! -e "$work/$configuration/postmaster.pid" ] ||
			pg_ctl -D "$work/$configuration" -m immediate -w stop >/dev/null
	done
	rm -rf "$work"
}
trap stop_all EXIT

settings_of() { # CONFIGURATION
	[ "$1" = without ] || echo "compute_query_id = on"
	case $1 in
	audit*) echo "shared_preload_libraries = 'pg_purser'" ;;
	pg_* | auto_*) echo "shared_preload_libraries = '$1'" ;;
	esac
	case $1 in
	audit_off) echo "purser.audit = off" ;;
	auto_explain) echo "auto_explain.log_min_duration = '10s'" ;; # as in production
	esac
}

initdb -D "$work/template" -U postgres -A trust -N --no-locale -E UTF8 >/dev/null
printf '%s\n' "listen_addresses = ''" "fsync = off" "autovacuum = off" "jit = off" \
	"max_parallel_workers_per_gather = 0" "shared_buffers = 256MB" "max_connections = 100" \
	"checkpoint_timeout = 1d" "max_wal_size = 16GB" "bgwriter_lru_maxpages = 0" \
	>>"$work/template/postgresql.conf"
pg_ctl -D "$work/template" -o "-k $work" -w -l "$work/log" start >/dev/null
export PGHOST=$work
pgbench -i -s 10 -q postgres >/dev/null 2>&1
psql -qX postgres <<'SQL'
CREATE TABLE outer_rows AS SELECT i AS id FROM generate_series(1, 100000) i;
CREATE TABLE wide (id int PRIMARY KEY, c0 int, c1 int, c2 int, c3 int, c4 int, c5 int, c6 int,
	c7 int, c8 int, c9 int);
INSERT INTO wide SELECT i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 FROM generate_series(1, 100000) i;
VACUUM (FREEZE, ANALYZE);
SQL
pg_ctl -D "$work/template" -m fast -w stop >/dev/null
for configuration in "${configurations[@]}"; do
	cp -a "$work/template" "$work/$configuration"
	mkdir "$work/socket-$configuration"
	settings_of "$configuration" >>"$work/$configuration/postgresql.conf"
	pg_ctl -D "$work/$configuration" -o "-k $work/socket-$configuration" -w \
		-l "$work/log" start >/dev/null
done

# Sent with its variables put into the text: ten to the eighth query identifiers.
{
	for i in $(seq 8); do echo "\\set x$i random(0, 9)"; done
	echo '\set id random(1, 100000)'
	echo 'SELECT c:x1, c:x2, c:x3, c:x4, c:x5, c:x6, c:x7, c:x8 FROM wide WHERE id = :id;'
} >"$work/new_ids.sql"
echo 'SELECT count(*) FROM pgbench_accounts;' >"$work/count.sql"
{
	echo 'SET enable_hashjoin = off; SET enable_mergejoin = off;'
	echo 'SELECT count(a.abalance) FROM outer_rows o JOIN pgbench_accounts a ON a.aid = o.id;'
} >"$work/join.sql"

options_of() { # CASE
	case $1 in
	lookup) echo "-S -M prepared -c $cores -j $cores" ;;
	tpcb) echo "-M prepared -c $cores -j $cores" ;;
	crowd) echo "-S -M prepared -c $((cores * 8)) -j $cores" ;;
	new_ids) echo "-M simple -c $cores -j $cores -f $work/new_ids.sql" ;;
	count | join) echo "-M simple -c 1 -f $work/$1.sql" ;;
	*) echo "audit_overhead.sh: no case $1" >&2; exit 2 ;;
	esac
}

cpu() { # CONFIGURATION: processor time of the server's backends that have ended, in ticks
	awk '{ print $16 + $17 }' "/proc/$(head -1 "$work/$1/postmaster.pid")/stat"
}

run() { # CONFIGURATION CASE: transactions a second, ticks for a million transactions
	local before after out options
	read -ra options <<<"$(options_of "$2")"
	export PGHOST=$work/socket-$1
	before=$(cpu "$1")
	out=$(pgbench -n "${options[@]}" -T "$seconds" postgres 2>/dev/null)
	until [ "$(psql -qXAtc "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench'" postgres)" = 0 ]; do
		sleep 0.02
	done
	after=$(cpu "$1")
	awk -v ticks=$((after - before)) '/^tps/ { tps = $3 } /actually processed/ { n = $NF }
		END { print tps, ticks / n * 1000000 }' <<<"$out"
}

median() { # FILE EXPRESSION over the columns of a round
	awk "{ print $2 }" "$1" | sort -n |
		awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

n=${#configurations[@]}
printf '%s rounds of twice %s s, %s cores\n' "$rounds" "$seconds" "$cores"
printf '%-9s %-19s %10s %14s\n' case with throughput 'processor time'
for case in "${cases[@]}"; do
	runs=$work/runs
	: >"$runs"
	for configuration in "${configurations[@]}"; do run "$configuration" "$case" >/dev/null; done
	for ((round = 0; round < rounds; round++)); do
		there=() back=()
		for ((i = 0; i < n; i++)); do
			turn=$(((round + i) % n))
			there[turn]=$(run "${configurations[turn]}" "$case")
		done
		for ((i = n - 1; i >= 0; i--)); do
			turn=$(((round + i) % n))
			back[turn]=$(run "${configurations[turn]}" "$case")
		done
		for ((i = 0; i < n; i++)); do printf '%s %s ' "${there[i]}" "${back[i]}"; done >>"$runs"
		echo >>"$runs"
	done
	printf '%-9s %-19s %10.3f %14.3f\n' "$case" itself \
		"$(median "$runs" "\$3 / \$1")" "$(median "$runs" "\$4 / \$2")"
	for ((i = 1; i < n; i++)); do # four columns each: throughput and time there, and back
		at=$((4 * i))
		printf '%-9s %-19s %10.3f %14.3f\n' "$case" "${configurations[i]}" \
			"$(median "$runs" "(\$$((at + 1)) + \$$((at + 3))) / (\$1 + \$3)")" \
			"$(median "$runs" "(\$$((at + 2)) + \$$((at + 4))) / (\$2 + \$4)")"
	done
done
