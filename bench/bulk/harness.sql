-- What every comparison of bulk loading uses: rounds in which each way runs once, and ratios between
-- ways of the same round. Times are those of the wall and of the backend's processor.
SET client_min_messages = warning;
-- A custom plan copies a parameter twice; ours has none of that, so spare the peers, too.
SET plan_cache_mode = force_generic_plan;
CREATE EXTENSION IF NOT EXISTS pg_purser;
DROP SCHEMA IF EXISTS purser_bench CASCADE;
CREATE SCHEMA purser_bench;
SET search_path = purser_bench, public;

-- A way to do what the test is about. before: run untimed first; command: timed, data is the content of
-- the file, if there is one; goal: how many times as fast as the base it is meant to be.
CREATE TABLE way (
    id int GENERATED ALWAYS AS IDENTITY,
    test text, way text, base text, goal numeric, before text, command text, file text, rows bigint
);
CREATE TABLE timing (test text, way text, round int, wall float8, cpu float8);

-- Nanoseconds that this backend has spent on a processor.
CREATE FUNCTION cpu_ns() RETURNS float8 LANGUAGE sql VOLATILE AS
$$ SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::float8 $$;

CREATE PROCEDURE run(w way, round int) LANGUAGE plpgsql AS $$
DECLARE
    data text := CASE WHEN w.file IS NOT NULL THEN pg_read_file(w.file) END;
    wall timestamptz;
    cpu float8;
    part text;
BEGIN
    -- Segments of the log are used again, and pages are logged in full before the clock starts.
    CHECKPOINT;
    FOREACH part IN ARRAY string_to_array(w.before, ';;') LOOP
        EXECUTE part;
    END LOOP;
    -- Called as a procedure it gets the data as a driver's parameter comes, without a copy.
    EXECUTE format('CREATE OR REPLACE PROCEDURE purser_bench.command(data text) LANGUAGE plpgsql AS %L',
        'BEGIN ' || replace(w.command, ';;', ';') || '; END');
    COMMIT;
    wall := clock_timestamp();
    cpu := purser_bench.cpu_ns();
    CALL purser_bench.command(data);
    COMMIT;
    INSERT INTO purser_bench.timing VALUES (w.test, w.way, round,
        extract(epoch FROM clock_timestamp() - wall) * 1000, (purser_bench.cpu_ns() - cpu) / 1e6);
    COMMIT;
END $$;

-- Round 0 warms up; the order of the ways turns from round to round.
CREATE PROCEDURE compare(rounds int) LANGUAGE plpgsql AS $$
DECLARE
    t text;
    w purser_bench.way;
    round int;
BEGIN
    FOR t IN SELECT test FROM purser_bench.way GROUP BY test ORDER BY min(id) LOOP
        FOR round IN 0 .. rounds LOOP
            FOR w IN SELECT * FROM purser_bench.way WHERE test = t
                ORDER BY (id + round) % (SELECT count(*) FROM purser_bench.way WHERE test = t) LOOP
                CALL purser_bench.run(w, round);
            END LOOP;
        END LOOP;
    END LOOP;
END $$;

CREATE VIEW result AS
SELECT w.id, w.test, w.way, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t.wall)::numeric) AS ms,
    round((w.rows / percentile_cont(0.5) WITHIN GROUP (ORDER BY t.wall))::numeric) AS "rows/ms",
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY b.wall / t.wall)::numeric, 2) AS "times as fast",
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY b.cpu / t.cpu)::numeric, 2) AS "by processor",
    w.goal
FROM way w
JOIN timing t ON t.test = w.test AND t.way = w.way AND t.round > 0
JOIN timing b ON b.test = w.test AND b.way = coalesce(w.base, w.way) AND b.round = t.round
GROUP BY w.id, w.test, w.way, w.goal, w.rows;

-- The result as rows of a table in Markdown.
CREATE FUNCTION show() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT '| ' || concat_ws(' | ', test, way, ms::text, "rows/ms"::text, "times as fast"::text,
        "by processor"::text, coalesce(goal::text, '')) || ' |' FROM purser_bench.result ORDER BY id
$$;
