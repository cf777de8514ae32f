-- 200,000 orders as csv and 20,000 as json, the same on every machine.
SELECT setseed(0.42) \g /dev/null

COPY (
    SELECT 1 + i % 2000 AS user_id, 1 + (random() * 14999)::int AS product_id,
        1 + (random() * 4)::int AS quantity, round((5 + random() * 95)::numeric, 2) AS unit_price,
        CASE WHEN i % 500 = 0 THEN 'cancelled' ELSE (ARRAY['new', 'paid', 'shipped'])[1 + i % 3] END AS status,
        timestamptz '2026-01-01' + i * interval '1 minute' AS placed_at,
        CASE WHEN i % 10 = 0 THEN 'a gift, "wrapped"' END AS note
    FROM generate_series(1, 200000) AS i
) TO :'csv' WITH (FORMAT csv, HEADER);

-- In json, what has a default may be left out.
\pset format unaligned
\pset tuples_only on
SELECT json_agg(CASE WHEN i % 2 = 0 THEN all_keys ELSE all_keys - 'status' - 'note' END)
FROM generate_series(1, 20000) AS i,
    LATERAL (SELECT jsonb_build_object('user_id', 1 + i % 2000, 'product_id', 1 + i % 15000,
        'quantity', 1 + i % 5, 'unit_price', 9.95, 'status', 'paid', 'note', 'from json',
        'placed_at', timestamptz '2026-06-01' + i * interval '1 minute') AS all_keys) AS o
\g :json
