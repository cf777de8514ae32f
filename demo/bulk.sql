-- Any driver would send the text as one parameter; here the server reads it from the file.
SELECT clock_timestamp() AS start \gset
SELECT 'csv' AS orders, inserted, skipped, round(extract(epoch FROM clock_timestamp() - :'start') * 1000) AS ms
FROM purser.bulk_insert('orders', pg_read_file(:'csv'), 'csv');

SELECT clock_timestamp() AS start \gset
SELECT 'json' AS orders, inserted, skipped, round(extract(epoch FROM clock_timestamp() - :'start') * 1000) AS ms
FROM purser.bulk_insert('orders', pg_read_file(:'json'));

-- Some users once more, and two new ones: the known ones are skipped.
SELECT 'json, skip' AS users, inserted, skipped
FROM purser.bulk_insert('users',
    (SELECT json_agg(json_build_object('name', name, 'email', email)) FROM
        (SELECT name, email FROM users WHERE id <= 8 UNION ALL
         VALUES ('Ada', 'ada@example.com'), ('Grace', 'grace@example.com')) AS u),
    on_conflict => 'skip', conflict_columns => ARRAY['email']);
ANALYZE;
