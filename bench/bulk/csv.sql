-- CSV and JSON into a heap without indexes, against COPY from a file of the same rows.
INSERT INTO way (test, way, base, goal, before, command, file, rows)
SELECT 'csv, ' || shape, w.way, 'COPY', w.goal, format('TRUNCATE %I', shape), format(w.command, shape, file_path(shape || '.csv')),
    CASE WHEN w.parameter THEN file_path(shape || '.csv') END, :rows / CASE shape WHEN 'wide' THEN 4 ELSE 1 END
FROM unnest('{narrow,mixed,quoted,wide}'::text[]) WITH ORDINALITY s (shape, n), (VALUES
    (1, 'COPY', NULL, 'COPY %1$I FROM %2$L CSV HEADER', false),
    (2, 'bulk_load', 2.0, 'PERFORM purser.bulk_load(%1$L, %2$L, ''csv'')', false),
    (3, 'bulk_insert', 2.0, 'PERFORM purser.bulk_insert(%1$L, data, ''csv'')', true)) w (m, way, goal, command, parameter)
ORDER BY n, m;

INSERT INTO way (test, way, base, goal, before, command, file, rows)
SELECT 'json, ' || shape, w.way, 'COPY', w.goal, format('TRUNCATE %I', shape),
    format(w.command, shape, file_path(shape || '.csv'), (SELECT string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', '
        ORDER BY attnum) FROM pg_attribute WHERE attrelid = shape::regclass AND attnum > 0)),
    CASE WHEN m > 1 THEN file_path(shape || '.json') END, :rows / CASE shape WHEN 'wide' THEN 4 ELSE 1 END
FROM unnest('{narrow,mixed}'::text[]) WITH ORDINALITY s (shape, n), (VALUES
    (1, 'COPY', NULL, 'COPY %1$I FROM %2$L CSV HEADER'),
    (2, 'bulk_insert', 1.25, 'PERFORM purser.bulk_insert(%1$L, data)'),
    (3, 'json_to_recordset', NULL, 'INSERT INTO %1$I SELECT * FROM json_to_recordset(data::json) r (%3$s)')) w (m, way, goal, command)
ORDER BY n, m;
