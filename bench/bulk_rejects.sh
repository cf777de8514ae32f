#!/bin/bash
# bulk_rejects.sh [ROWS] [ROUNDS]
#
# What bad rows cost: 1 % of each class, all of them rejected, against the load of as many good rows
# without rejects, into the same table, in paired rounds in one session. Prints the medians of the
# ratios, the time that a good row took in the clean load and what each bad row added, in
# microseconds, and the transaction ids that subtransactions took: in the clean load, and beyond that
# for each bad row. Times are the backend's on the processor, so that a busy machine hardly shows
# (Linux: /proc). Needs psql, a superuser and pg_purser installed:
#   scripts/with-server bench/bulk_rejects.sh 200000 5
set -euo pipefail
rows=${1:-200000} rounds=${2:-5}

psql -X -q -v ON_ERROR_STOP=1 -v rows="$rows" -v rounds="$rounds" <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_purser;
CREATE SCHEMA purser_bench;
SET search_path = purser_bench;

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.amount = -1 THEN RAISE EXCEPTION 'refused'; END IF;
    RETURN NEW;
END $$;
CREATE DOMAIN amounts AS numeric CHECK (VALUE >= -1);
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent SELECT i FROM generate_series(0, 100) i;
CREATE TABLE plain (id int PRIMARY KEY, name text NOT NULL, at timestamptz, amount numeric CHECK (amount < 1e9),
    parent int, slot int4range);
CREATE TABLE child (LIKE plain INCLUDING ALL, FOREIGN KEY (parent) REFERENCES parent);
CREATE TABLE before (LIKE plain INCLUDING ALL);
CREATE TRIGGER refuse BEFORE INSERT ON before FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TABLE after (LIKE plain INCLUDING ALL);
CREATE TRIGGER refuse AFTER INSERT ON after FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TABLE domains (LIKE plain INCLUDING ALL);
ALTER TABLE domains ALTER amount TYPE amounts;
CREATE TABLE parts (LIKE plain INCLUDING DEFAULTS INCLUDING CONSTRAINTS, PRIMARY KEY (id, parent)) PARTITION BY RANGE (parent);
SELECT format('CREATE TABLE part%s PARTITION OF parts FOR VALUES FROM (%s) TO (%s)', i, i * 25, i * 25 + 25) FROM generate_series(0, 3) i \gexec
CREATE TABLE deferred (LIKE plain INCLUDING ALL, FOREIGN KEY (parent) REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE excluding (LIKE plain INCLUDING ALL, EXCLUDE USING gist (slot WITH &&));

-- bad: one row of 100, with one value in place of the good one; null: the row loses its last field.
CREATE FUNCTION csv(rows int, bad_column int, bad_value text) RETURNS text LANGUAGE sql AS $$
    SELECT E'id,name,at,amount,parent,slot\n' || string_agg(CASE WHEN i % 100 = 37 AND bad_column = 0
        THEN array_to_string(v[1:5], ',') WHEN i % 100 = 37 AND bad_column > 0
        THEN array_to_string(v[1:bad_column - 1] || bad_value || v[bad_column + 1:6], ',')
        ELSE array_to_string(v, ',') END, E'\n' ORDER BY i)
    FROM generate_series(1, rows) i,
        LATERAL (SELECT ARRAY[i::text, 'user' || i, (timestamptz '2024-01-01' + i * interval '1 minute')::text,
            (i % 10000 / 100.0)::text, (i % 100)::text, '"[' || i || ',' || i + 1 || ')"']) AS r (v)
$$;
CREATE TABLE timing (class text, round int, clean float8, clean_rejects float8, bad float8, clean_xids int, bad_xids int);

CREATE FUNCTION spent() RETURNS float8 LANGUAGE sql AS $$
    SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::float8 / 1e6
$$;
CREATE PROCEDURE run(target text, call text, data text, INOUT ms float8, INOUT xids int) LANGUAGE plpgsql AS $$
DECLARE
    began float8;
    first bigint;
BEGIN
    EXECUTE format('TRUNCATE %I, purser.reject', target);
    COMMIT;
    first := pg_current_xact_id()::text::bigint;
    COMMIT;
    began := spent();
    EXECUTE format('SELECT inserted + rejected FROM purser.bulk_insert(%L, $1, ''csv''%s)', target, call) USING data;
    COMMIT;
    ms := spent() - began;
    xids := pg_snapshot_xmax(pg_current_snapshot())::text::bigint - first - 2;
END $$;

CREATE PROCEDURE compare(class text, target text, rows int, rounds int, bad_column int, bad_value text) LANGUAGE plpgsql AS $$
DECLARE
    good text := csv(rows, -1, NULL);
    bad text := csv(rows, bad_column, bad_value);
    clean float8;
    clean_rejects float8;
    spoilt float8;
    xids int;
    clean_xids int;
    bad_xids int;
BEGIN
    FOR round IN 0 .. rounds LOOP
        CALL run(target, '', good, clean, xids);
        CALL run(target, ', rejects => true', good, clean_rejects, clean_xids);
        CALL run(target, ', rejects => true', bad, spoilt, bad_xids);
        INSERT INTO timing VALUES (class, round, clean, clean_rejects, spoilt, clean_xids, bad_xids);
    END LOOP;
END $$;

CALL compare('syntax: too few fields', 'plain', :rows, :rounds, 0, NULL);
CALL compare('coercion', 'plain', :rows, :rounds, 4, 'much');
CALL compare('domain', 'domains', :rows, :rounds, 4, '-2');
CALL compare('not null', 'plain', :rows, :rounds, 2, '');
CALL compare('check', 'plain', :rows, :rounds, 4, '1e9');
CALL compare('unique', 'plain', :rows, :rounds, 1, '7');
CALL compare('foreign key', 'child', :rows, :rounds, 5, '101');
CALL compare('exclusion', 'excluding', :rows / 4, :rounds, 6, '"[7,8)"');
CALL compare('no partition', 'parts', :rows, :rounds, 5, '101');
CALL compare('BEFORE ROW trigger', 'before', :rows, :rounds, 4, '-1');
CALL compare('coercion, with a BEFORE ROW trigger', 'before', :rows, :rounds, 4, 'much');
CALL compare('AFTER ROW trigger', 'after', :rows, :rounds, 4, '-1');
CALL compare('check, with a deferred foreign key', 'deferred', :rows, :rounds, 4, '1e9');

SELECT class, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY clean_rejects / clean)::numeric, 2) AS "clean, with rejects",
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY bad / clean)::numeric, 2) AS "1 % bad",
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY clean * 1000 / (CASE class WHEN 'exclusion' THEN :rows / 4 ELSE :rows END))::numeric, 2) AS "us per good row",
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY (bad - clean) * 1e5 / (CASE class WHEN 'exclusion' THEN :rows / 4 ELSE :rows END))::numeric, 1) AS "us more per bad row",
    round(avg(clean_xids) * 1000 / (CASE class WHEN 'exclusion' THEN :rows / 4 ELSE :rows END), 2) AS "ids, clean, per 1000",
    round(avg(bad_xids - clean_xids) * 100 / (CASE class WHEN 'exclusion' THEN :rows / 4 ELSE :rows END), 2) AS "ids per bad row"
FROM timing WHERE round > 0 GROUP BY class ORDER BY min(ctid);
DELETE FROM purser.load;
DROP SCHEMA purser_bench CASCADE;
SQL
