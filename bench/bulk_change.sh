#!/bin/bash
# bulk_change.sh [ROWS] [ROUNDS]
#
# Compares bulk_update with UPDATE ... FROM unnest(arrays) and bulk_delete with DELETE ... IN (list),
# for ROWS rows in random order of a table of 1,000,000, in paired rounds in one session, each rolled
# back. Prints the medians of the server's CPU time in ms, parsing included, and of its ratio to the
# first way's in the same round. Needs psql, a superuser and pg_purser installed:
#   scripts/with-server -c shared_buffers=1GB bench/bulk_change.sh 10000 7
set -euo pipefail
rows=${1:-10000} rounds=${2:-7}
table=1000000

statements() { # one per line: group, way, statement
	cat <<'LIST'
update|UPDATE FROM unnest|UPDATE t SET name = n.name, amount = n.amount FROM unnest(:'ids'::int[], :'names'::text[], :'amounts'::numeric[]) n (id, name, amount) WHERE t.id = n.id
update|bulk_update csv|SELECT updated FROM purser.bulk_update('t', :'csv', format => 'csv')
update|bulk_update json|SELECT updated FROM purser.bulk_update('t', :'json')
delete|DELETE IN|DELETE FROM t WHERE id IN (:list)
delete|bulk_delete csv|SELECT deleted FROM purser.bulk_delete('t', :'keys_csv', format => 'csv')
delete|bulk_delete json|SELECT deleted FROM purser.bulk_delete('t', '[' || :'list' || ']')
delete uuid|DELETE IN|DELETE FROM u WHERE id IN (:uuid_list)
delete uuid|bulk_delete csv|SELECT deleted FROM purser.bulk_delete('u', :'uuid_csv', format => 'csv')
LIST
}

session() {
	cat <<SQL
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_purser;
CREATE SCHEMA purser_bench;
SET search_path = purser_bench;
CREATE TABLE t (id int PRIMARY KEY, name text, amount numeric, at timestamptz);
INSERT INTO t SELECT i, 'name ' || i, i * 1.5, now() FROM generate_series(1, $table) i;
CREATE TABLE u (id uuid PRIMARY KEY, name text);
INSERT INTO u SELECT md5(i::text)::uuid, 'name ' || i FROM generate_series(1, $table) i;
VACUUM ANALYZE t;
VACUUM ANALYZE u;
CHECKPOINT;
CREATE TABLE sample AS SELECT i AS id FROM generate_series(1, $table) i ORDER BY random() LIMIT $rows;
SELECT array_agg(id)::text AS ids, array_agg('new ' || id)::text AS names, array_agg(id * 2.5)::text AS amounts,
    E'id,name,amount\n' || string_agg(format('%s,new %s,%s', id, id, id * 2.5), E'\n') AS csv,
    json_agg(json_build_object('id', id, 'name', 'new ' || id, 'amount', id * 2.5))::text AS json,
    string_agg(id::text, ',') AS list, E'id\n' || string_agg(id::text, E'\n') AS keys_csv,
    string_agg(format('%L', md5(id::text)::uuid), ',') AS uuid_list, E'id\n' || string_agg(md5(id::text)::uuid::text, E'\n') AS uuid_csv
FROM sample \gset
SET client_min_messages = log;
SET log_statement_stats = on;
SQL
	for round in $(seq 0 "$rounds"); do # the first one warms up
		statements | while IFS='|' read -r group way statement; do
			printf 'BEGIN;\n\\qecho @|%s|%s|%s\n%s;\nROLLBACK;\n' "$round" "$group" "$way" "$statement"
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
	/^@/ { round = $2; group = $3; way = $4; waiting = 1 }
	/elapsed/ && waiting {
		split($0, word, " ")
		cpu = 1000 * (word[2] + word[5])
		waiting = 0
		if (!(group in first) || first[group] == way) { first[group] = way; base = cpu }
		if (round == 0) next
		key = sprintf("%-12s %-20s", group, way)
		if (!(key in count)) order[++keys] = key
		count[key]++; times[key] = times[key] " " cpu; ratios[key] = ratios[key] " " cpu / base
	}
	END { for (i = 1; i <= keys; i++) { k = order[i]
		printf "%s %9.1f ms %6.2f\n", k, median(times[k], count[k]), median(ratios[k], count[k]) } }'
