-- A shop that has been running for a while: users, products and posts, in the schema of 0006.
INSERT INTO users (name, email)
SELECT 'User ' || i, 'user' || i || '@example.com'
FROM generate_series(1, 2000) AS i;

INSERT INTO products (sku, name, description, brand, weight_grams, price, in_stock, image_url)
SELECT 'SKU-' || i, 'Product ' || i, repeat('A thing of beauty is a joy for ever. ', 20),
    'Brand ' || i % 40, 100 + i % 900, 5 + i % 95, i % 200, 'https://shop.example.com/images/' || i
FROM generate_series(1, 15000) AS i;

INSERT INTO posts (user_id, title, body, tag, published_at)
SELECT 1 + i % 2000, 'Post ' || i, repeat('Lorem ipsum dolor sit amet. ', 4),
    (ARRAY['news', 'howto', 'sale'])[1 + i % 4], timestamptz '2026-01-01' + i * interval '5 minutes'
FROM generate_series(1, 30000) AS i;
ANALYZE;
