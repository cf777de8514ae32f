#!/bin/bash
# audit_overhead.sh [PAIRS [SECONDS]]
#
# What the audit costs: pgbench -S -M prepared with 2 clients, in paired runs that take turns, on a
# server that preloads the library (audit on, audit off) and on one that does not. Prints medians of
# the pairs' ratios, of throughput and of the servers' processor time for each transaction, which a
# busy machine disturbs less; 1.000 is no cost. The runs without the library show the noise. The
# servers are private and thrown away (scripts/with-server).
set -euo pipefail
cd "$(dirname "$0")/.."
pairs=${1:-15} seconds=${2:-4}

# Each server runs this script anew, in its own copy of the checkout, and tells where it is.
fill='pgbench -i -s 10 -q postgres >/dev/null 2>&1'
export AUDIT_BENCH_PATH=${AUDIT_BENCH_PATH-$PATH}
if [ -z "${AUDIT_BENCH_BASE-}" ]; then
	exec scripts/with-server --no-preload \
		bash -c "$fill; AUDIT_BENCH_BASE=\$PGDATA exec bench/audit_overhead.sh $pairs $seconds"
elif [ -z "${AUDIT_BENCH_ON-}" ]; then
	# Made from the server that is installed, as the first was, not from the first.
	PG_CONFIG='' PATH=$AUDIT_BENCH_PATH exec scripts/with-server \
		bash -c "$fill; AUDIT_BENCH_ON=\$PGDATA exec bench/audit_overhead.sh $pairs $seconds"
fi

cpu() { # DATA: processor time of the server's backends that have ended, in ticks
	awk '{ print $16 + $17 }' "/proc/$(head -1 "$1/postmaster.pid")/stat"
}

run() { # DATA OPTIONS: transactions a second, ticks for a million transactions
	local before after out
	before=$(cpu "$1")
	out=$(PGHOST=$(sed -n 5p "$1/postmaster.pid") PGOPTIONS=${2-} \
		pgbench -n -S -M prepared -c 2 -j 2 -T "$seconds" postgres 2>/dev/null)
	PGHOST=$(sed -n 5p "$1/postmaster.pid") psql -qAtc \
		"select pg_sleep(0.01) where exists (select from pg_stat_activity where application_name = 'pgbench')" postgres
	after=$(cpu "$1")
	awk -v ticks=$((after - before)) '/^tps/ { tps = $3 } /actually processed/ { n = $NF }
		END { printf "%s %s ", tps, ticks / n * 1000000 }' <<<"$out"
}

off='-c purser.audit=off'
run "$AUDIT_BENCH_BASE" >/dev/null
run "$AUDIT_BENCH_ON" >/dev/null
runs=$(mktemp)
trap 'rm -f "$runs"' EXIT
for _ in $(seq "$pairs"); do # there and back, so that a drift of the machine falls on all alike
	{
		run "$AUDIT_BENCH_BASE"; run "$AUDIT_BENCH_ON"; run "$AUDIT_BENCH_ON" "$off"
		run "$AUDIT_BENCH_ON" "$off"; run "$AUDIT_BENCH_ON"; run "$AUDIT_BENCH_BASE"
		echo
	} >>"$runs"
done

median() { # EXPRESSION over the columns: throughput is in 1, 3, ..., 11, time in 2, 4, ..., 12
	awk "{ print $1 }" "$runs" | sort -n |
		awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}
printf '%s pairs of twice %s s        throughput  processor time\n' "$pairs" "$seconds"
printf 'audit on, to without it:     %.3f       %.3f\n' \
	"$(median '($3 + $9) / ($1 + $11)')" "$(median '($4 + $10) / ($2 + $12)')"
printf 'audit off, to without it:    %.3f       %.3f\n' \
	"$(median '($5 + $7) / ($1 + $11)')" "$(median '($6 + $8) / ($2 + $12)')"
printf 'without it, to itself:       %.3f       %.3f\n' "$(median '$11 / $1')" "$(median '$12 / $2')"
