-- Arrays of 10,000 elements each, one per column: unnest and bulk_insert_arrays.
CREATE TABLE mixed_arrays AS
SELECT array_agg(id) AS id, array_agg(name) AS name, array_agg(email) AS email, array_agg(active) AS active, array_agg(balance) AS balance,
    array_agg(at) AS at, array_agg(note) AS note FROM mixed_source GROUP BY id / 10000;
CREATE TABLE narrow_arrays AS
SELECT array_agg(a) AS a, array_agg(b) AS b, array_agg(c) AS c, array_agg(d) AS d, array_agg(e) AS e, array_agg(f) AS f FROM narrow_source GROUP BY a / 10000;

INSERT INTO way (test, way, base, goal, before, command, rows)
SELECT 'arrays, ' || shape, w.way, 'unnest', w.goal, format('TRUNCATE %I', shape), format($$DECLARE r record;
    BEGIN
        FOR r IN SELECT * FROM %1$s_arrays LOOP
            %2$s;
        END LOOP;
    END$$, shape, format(w.statement, shape, list.params, list.names)), :rows
FROM unnest('{narrow,mixed}'::text[]) WITH ORDINALITY s (shape, n), (VALUES
    (1, 'unnest', NULL, 'INSERT INTO %1$I SELECT * FROM unnest(%2$s)'),
    (2, 'bulk_insert_arrays', 2.4, 'PERFORM purser.bulk_insert_arrays(%1$L, %3$L, %2$s)')) w (m, way, goal, statement),
    LATERAL (SELECT string_agg('r.' || quote_ident(attname), ', ' ORDER BY attnum) AS params, array_agg(attname ORDER BY attnum)::text AS names
        FROM pg_attribute WHERE attrelid = shape::regclass AND attnum > 0) list
ORDER BY n, m;
