-- Rows to work with: people, products and posts go in directly, orders into files for the bulk part.
SELECT setseed(0.42);

INSERT INTO users (name, email, country)
SELECT 'User ' || i, 'user' || i || '@example.com', (ARRAY['DE', 'FR', 'IT', 'US'])[1 + i % 4]
FROM generate_series(1, 2000) AS i;

INSERT INTO posts (user_id, title, body)
SELECT 1 + i % 2000, 'Post ' || i, repeat('Lorem ipsum dolor sit amet. ', 4)
FROM generate_series(1, 20000) AS i;

COPY (
    SELECT 1 + i % 2000 AS user_id, 1 + (random() * 499)::int AS product_id,
        1 + (random() * 4)::int AS quantity, round((5 + random() * 95)::numeric, 2) AS unit_price,
        (ARRAY['new', 'paid', 'sent'])[1 + i % 3] AS status,
        timestamptz '2026-01-01' + i * interval '1 minute' AS placed_at,
        CASE WHEN i % 10 = 0 THEN 'gift, "wrapped"' END AS note
    FROM generate_series(1, 200000) AS i
) TO :'orders_csv' WITH (FORMAT csv, HEADER);
