#!/bin/bash
# bulk_upsert.sh [ROWS] [ROUNDS]
#
# Compares bulk_insert with on_conflict 'update' and 'skip' with what does the same without it: COPY
# to an unlogged staging table and INSERT ... SELECT ... ON CONFLICT, and INSERT ... VALUES of 1000
# rows each. ROWS of CSV in random order go into a table of 1,000,000 rows with a primary key; 0, 10
# and 100 % of their keys are there already. Paired rounds in one session; each load is rolled back
# and vacuumed away. Prints the medians of the CPU time of the backend, and of bulk_insert's ratio.
# Needs psql, a superuser and pg_purser installed:
#     scripts/with-server -c shared_buffers=1GB -c max_wal_size=8GB bench/bulk_upsert.sh 100000 5
set -euo pipefail
rows=${1:-100000} rounds=${2:-5}
sql=$(mktemp)
trap 'rm -f "$sql"' EXIT

cat >"$sql" <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_purser;
CREATE SCHEMA purser_bench;
SET search_path = purser_bench;

CREATE FUNCTION make(id int, i int) RETURNS TABLE (id int, name text, email text, active bool,
    balance numeric, at timestamptz, note text) LANGUAGE sql AS $$
SELECT id, 'user' || i, 'user' || i || '@example.com', i % 2 = 0, (i % 10000) / 100.0,
    timestamptz '2024-01-01' + i * interval '1 minute', repeat('say "hi" ', i % 4) $$;
CREATE TABLE target AS SELECT m.* FROM generate_series(1, 1000000) i, make(i, i) m;
ALTER TABLE target ADD PRIMARY KEY (id);
VACUUM FREEZE ANALYZE target;
CREATE UNLOGGED TABLE staging (LIKE target);
CREATE TABLE input (conflicts int, path text, csv text, statements text[]);
CREATE TABLE timing (conflicts int, action text, way text, round int, ms float8);

CREATE FUNCTION clause(action text) RETURNS text LANGUAGE sql AS $$
SELECT 'ON CONFLICT (id) DO ' || CASE action WHEN 'skip' THEN 'NOTHING' ELSE
    'UPDATE SET name = excluded.name, email = excluded.email, active = excluded.active,
     balance = excluded.balance, at = excluded.at, note = excluded.note' END $$;

CREATE PROCEDURE prepare(conflicts int, rows int) LANGUAGE plpgsql AS $$
DECLARE
    path text := current_setting('data_directory') || '/purser_bench_' || conflicts || '.csv';
BEGIN
    CREATE TEMP TABLE rows_in AS
    SELECT (i - 1) / 1000 AS batch, m.* FROM generate_series(1, rows) i,
        make(CASE WHEN i % 100 < conflicts THEN 1 ELSE 1000001 END + (i * 7919::bigint % 999983)::int, i) m;
    EXECUTE format('COPY (SELECT id, name, email, active, balance, at, note FROM rows_in) TO %L CSV HEADER', path);
    INSERT INTO input SELECT conflicts, path, pg_read_file(path), array_agg(statement) FROM (
        SELECT 'INSERT INTO target VALUES ' || string_agg(format('(%s,%L,%L,%L,%s,%L,%L)', id, name,
            email, active, balance, at, note), ',') AS statement FROM rows_in GROUP BY batch) s;
    DROP TABLE rows_in;
END $$;

-- CPU time of this backend, in ms.
CREATE FUNCTION cpu() RETURNS float8 LANGUAGE sql VOLATILE AS $$
SELECT (regexp_match(pg_read_file('/proc/' || pg_backend_pid() || '/schedstat', 0, 100), '^\d+'))[1]::float8 / 1e6 $$;

CREATE FUNCTION run(way text, wanted text, percent int) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
    i input;
    began float8;
BEGIN
    SELECT * INTO i FROM input WHERE conflicts = percent;
    began := cpu();
    CASE way
    WHEN 'bulk' THEN
        PERFORM purser.bulk_insert('target', i.csv, 'csv', wanted);
    WHEN 'staging' THEN
        EXECUTE format('COPY staging FROM %L CSV HEADER', i.path);
        EXECUTE 'INSERT INTO target SELECT * FROM staging ' || clause(wanted);
    WHEN 'values' THEN
        FOR n IN 1 .. array_length(i.statements, 1) LOOP
            EXECUTE i.statements[n] || clause(wanted);
        END LOOP;
    WHEN 'copy' THEN
        EXECUTE format('COPY staging FROM %L CSV HEADER', i.path);
    END CASE;
    RETURN cpu() - began;
END $$;
SQL
echo "CALL prepare(0, $rows); CALL prepare(10, $rows); CALL prepare(100, $rows);" >>"$sql"
for round in $(seq 0 "$rounds"); do # round 0 warms up
	for action in update skip; do
		for conflicts in 0 10 100; do
			for way in ${WAYS-staging bulk values copy}; do
				cat >>"$sql" <<SQL
BEGIN; SELECT run('$way', '$action', $conflicts) AS ms \gset
ROLLBACK;
VACUUM target;
INSERT INTO timing VALUES ($conflicts, '$action', '$way', $round, :ms);
SQL
			done
		done
	done
done
cat >>"$sql" <<SQL
SELECT t.action, t.conflicts AS "conflicts, %", t.way,
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms * 1e6 / $rows)::numeric) AS "ns per row",
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms / b.ms)::numeric, 2) AS "times bulk_insert"
FROM timing t JOIN timing b ON (b.conflicts, b.action, b.round) = (t.conflicts, t.action, t.round) AND b.way = 'bulk'
WHERE t.round > 0 GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2, 5;
DROP SCHEMA purser_bench CASCADE;
COPY (SELECT) TO PROGRAM 'rm -f purser_bench_*.csv';
SQL
psql -X -q -v ON_ERROR_STOP=1 -f "$sql"
