#!/bin/bash
# audit_overhead.sh [PAIRS [SECONDS]]
#
# What the audit costs: pgbench -S -M prepared with 2 clients, in paired runs that take turns, on
# servers that preload the library (audit on, audit off) and on one that does not. Prints the median
# of the pairs' ratios of throughput; 1.000 is no cost. The runs without the library show the noise.
# The servers are private and thrown away (scripts/with-server).
set -euo pipefail
cd "$(dirname "$0")/.."
pairs=${1:-15} seconds=${2:-4}

# Each server runs this script anew, in its own copy of the checkout, and tells where it is.
fill='pgbench -i -s 10 -q postgres >/dev/null 2>&1'
export AUDIT_BENCH_PATH=${AUDIT_BENCH_PATH-$PATH}
if [ -z "${AUDIT_BENCH_BASE-}" ]; then
	exec scripts/with-server --no-preload \
		bash -c "$fill; AUDIT_BENCH_BASE=\$PGHOST exec bench/audit_overhead.sh $pairs $seconds"
elif [ -z "${AUDIT_BENCH_ON-}" ]; then
	# Made from the server that is installed, as the first was, not from the first.
	PG_CONFIG='' PATH=$AUDIT_BENCH_PATH exec scripts/with-server \
		bash -c "$fill; AUDIT_BENCH_ON=\$PGHOST exec bench/audit_overhead.sh $pairs $seconds"
fi

run() { # SOCKET OPTIONS: transactions per second
	PGHOST=$1 PGOPTIONS=${2-} pgbench -n -S -M prepared -c 2 -j 2 -T "$seconds" postgres 2>/dev/null |
		sed -n 's/^tps = \([0-9.]*\).*/\1/p'
}

run "$AUDIT_BENCH_BASE" >/dev/null
run "$AUDIT_BENCH_ON" >/dev/null
ratios=$(mktemp)
trap 'rm -f "$ratios"' EXIT
for _ in $(seq "$pairs"); do # there and back, so that a drift of the machine falls on all alike
	base=$(run "$AUDIT_BENCH_BASE"); on=$(run "$AUDIT_BENCH_ON"); off=$(run "$AUDIT_BENCH_ON" '-c purser.audit=off')
	off2=$(run "$AUDIT_BENCH_ON" '-c purser.audit=off'); on2=$(run "$AUDIT_BENCH_ON"); base2=$(run "$AUDIT_BENCH_BASE")
	echo "$base $base2 $on $on2 $off $off2" >>"$ratios"
done

median() { # EXPRESSION over the columns
	awk "{ print $1 }" "$ratios" | sort -n | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}
printf 'pairs of twice %s s:          %s\n' "$seconds" "$pairs"
printf 'without the library:         %.0f transactions a second\n' "$(median '($1 + $2) / 2')"
printf 'audit on, to without:        %.3f\n' "$(median '($3 + $4) / ($1 + $2)')"
printf 'audit off, to without:       %.3f\n' "$(median '($5 + $6) / ($1 + $2)')"
printf 'without, to itself:          %.3f\n' "$(median '$2 / $1')"
