#!/bin/bash
# audit_overhead.sh [PAIRS [SECONDS]]
#
# What the audit costs: pgbench -S -M prepared with 2 clients, in paired runs that take turns, on
# servers that preload the library (audit on, audit off) and on one that does not. Prints the median
# of the pairs' ratios of throughput; 1.000 is no cost. Two runs without the library show the noise.
# The servers are private and thrown away (scripts/with-server).
set -euo pipefail
cd "$(dirname "$0")/.."
pairs=${1:-15} seconds=${2:-4}

if [ -z "${AUDIT_BENCH_BASE-}" ]; then
	export AUDIT_BENCH_PAIRS=$pairs AUDIT_BENCH_SECONDS=$seconds AUDIT_BENCH_TOP=$PWD
	# shellcheck disable=SC2016
	exec scripts/with-server --no-preload bash -c '
		pgbench -i -s 10 -q postgres >/dev/null 2>&1
		AUDIT_BENCH_BASE=$PGHOST exec "$AUDIT_BENCH_TOP/bench/audit_overhead.sh"'
fi

if [ -z "${AUDIT_BENCH_ON-}" ]; then
	# The second server installs from the same checkout, with the system's own pg_config.
	unset PG_CONFIG
	PATH=$(echo "$PATH" | sed 's|^[^:]*:||') exec "$AUDIT_BENCH_TOP/scripts/with-server" bash -c '
		pgbench -i -s 10 -q postgres >/dev/null 2>&1
		AUDIT_BENCH_ON=$PGHOST exec "$AUDIT_BENCH_TOP/bench/audit_overhead.sh"'
fi

run() { # SOCKET OPTIONS: transactions per second
	PGHOST=$1 PGOPTIONS=${2-} pgbench -n -S -M prepared -c 2 -j 2 -T "$AUDIT_BENCH_SECONDS" postgres 2>/dev/null |
		sed -n 's/^tps = \([0-9.]*\).*/\1/p'
}

run "$AUDIT_BENCH_BASE" >/dev/null
run "$AUDIT_BENCH_ON" >/dev/null
ratios=$(mktemp)
trap 'rm -f "$ratios"' EXIT
for pair in $(seq "$AUDIT_BENCH_PAIRS"); do
	if [ $((pair % 2)) = 0 ]; then
		base=$(run "$AUDIT_BENCH_BASE"); on=$(run "$AUDIT_BENCH_ON")
		off=$(run "$AUDIT_BENCH_ON" '-c purser.audit=off'); again=$(run "$AUDIT_BENCH_BASE")
	else
		again=$(run "$AUDIT_BENCH_BASE"); off=$(run "$AUDIT_BENCH_ON" '-c purser.audit=off')
		on=$(run "$AUDIT_BENCH_ON"); base=$(run "$AUDIT_BENCH_BASE")
	fi
	echo "$base $on $off $again" >>"$ratios"
done

median() { # EXPRESSION over the four columns
	awk "{ print $1 }" "$ratios" | sort -n | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}
printf 'pairs of %s s:                %s\n' "$AUDIT_BENCH_SECONDS" "$AUDIT_BENCH_PAIRS"
printf 'without the library:         %.0f transactions a second\n' "$(median '$1')"
printf 'audit on, to without:        %.3f\n' "$(median '$2 / $1')"
printf 'audit off, to without:       %.3f\n' "$(median '$3 / $1')"
printf 'without, to itself:          %.3f\n' "$(median '$4 / $1')"
