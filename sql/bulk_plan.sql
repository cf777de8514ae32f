-- Statements with large parameters: planned without the values.
SET client_min_messages = warning;
CREATE SCHEMA bulk_plan;
SET search_path = bulk_plan;
CREATE TABLE item (id int, name text);
SELECT inserted FROM purser.bulk_insert('item', '[{"id": 1}]');

-- Does the custom plan of the statement have its parameter still as one?
CREATE FUNCTION keeps_parameter(execute text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    line text;
    found boolean := false;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || execute LOOP
        found := found OR line LIKE '%$1%';
    END LOOP;
    RETURN found;
END $$;
CREATE FUNCTION rows_of_csv(n int) RETURNS text LANGUAGE sql AS $$
    SELECT E'id,name\n' || string_agg(format(E'%s,name of %s\n', i, i), '') FROM generate_series(1, n) i
$$;

SET plan_cache_mode = force_custom_plan;
PREPARE from_function(text) AS SELECT * FROM purser.bulk_insert('item', $1, 'csv');
PREPARE in_list(text) AS SELECT (purser.bulk_insert('item', $1, 'csv')).inserted;
PREPARE below(text) AS WITH result AS (SELECT inserted FROM purser.bulk_insert('item', $1, 'csv')) SELECT * FROM result;
PREPARE of_bytes(bytea) AS SELECT inserted FROM purser.bulk_insert('item', $1, 'csv');
PREPARE other(text) AS SELECT 1 FROM item WHERE name = $1;

SELECT keeps_parameter('EXECUTE from_function(rows_of_csv(10000))') AS from_function,
    keeps_parameter('EXECUTE in_list(rows_of_csv(10000))') AS in_list,
    keeps_parameter('EXECUTE below(rows_of_csv(10000))') AS below,
    keeps_parameter('EXECUTE of_bytes(rows_of_csv(10000)::bytea)') AS of_bytes;
-- Small ones and other statements are planned as ever.
SELECT keeps_parameter('EXECUTE from_function(rows_of_csv(10))') AS small,
    keeps_parameter('EXECUTE from_function(NULL)') AS null,
    keeps_parameter('EXECUTE other(rows_of_csv(10000))') AS other;

EXECUTE from_function(rows_of_csv(10000));
EXECUTE in_list(rows_of_csv(10000));
EXECUTE below(rows_of_csv(10000));
EXECUTE of_bytes(rows_of_csv(10000)::bytea);
SELECT count(*), sum(id) FROM item;
-- A variable of PL/pgSQL
DO $$
DECLARE
    csv text := rows_of_csv(10000);
BEGIN
    ASSERT (SELECT inserted FROM purser.bulk_insert('item', csv, 'csv')) = 10000;
END $$;
SELECT count(*) FROM item;

DROP SCHEMA bulk_plan CASCADE;
