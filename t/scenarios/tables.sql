-- The tables of a shop: enough rows for each rule, and indexes as people have them.
CREATE EXTENSION pg_purser;
CREATE TABLE customer (
    id int PRIMARY KEY, email text, name text, city text, active boolean, joined date, credit numeric
);
INSERT INTO customer SELECT i, 'u' || i || '@example.org', 'Name ' || i, 'city ' || i % 50, i % 10 <> 0,
    date '2020-01-01' + i % 1000, i % 977 FROM generate_series(1, 20000) i;
CREATE TABLE product (
    id int PRIMARY KEY, sku uuid, title text, price numeric, maker int
);
INSERT INTO product SELECT i, md5(i::text)::uuid, 'Product ' || i, i % 100, i % 40 FROM generate_series(1, 2000) i;
CREATE TABLE purchase (
    id bigint PRIMARY KEY, customer_id int REFERENCES customer, status text, total numeric, made timestamptz
);
INSERT INTO purchase SELECT i, 1 + (i * 7) % 20000, CASE WHEN i % 100 = 0 THEN 'open' ELSE 'done' END, i % 500,
    timestamptz '2024-01-01 00:00+00' + i * interval '1 minute' FROM generate_series(1, 120000) i;
CREATE INDEX ON purchase (customer_id);
CREATE INDEX ON purchase (made);
CREATE TABLE item (
    id bigint PRIMARY KEY, purchase_id bigint REFERENCES purchase, product_id int REFERENCES product, quantity int
);
INSERT INTO item SELECT i, 1 + i % 120000, 1 + i % 2000, i % 9 FROM generate_series(1, 240000) i;
CREATE INDEX ON item (purchase_id);
CREATE TABLE note (
    id int PRIMARY KEY, customer_id int REFERENCES customer, body text
);
INSERT INTO note SELECT i, 1 + i % 20000, 'note ' || i FROM generate_series(1, 60000) i;
CREATE INDEX ON note (customer_id);
-- Bodies of about 16 kB that do not compress, out of line.
CREATE TABLE document (
    id int PRIMARY KEY, title text, kind int, body text, meta jsonb
);
ALTER TABLE document ALTER body SET STORAGE EXTERNAL;
INSERT INTO document SELECT i, 'Document ' || i, i % 7, (SELECT string_agg(md5(i::text || k), '') FROM generate_series(1, 500) k),
    jsonb_build_object('pages', i % 30) FROM generate_series(1, 1000) i;
CREATE TABLE event (
    id bigint, happened date, kind text, payload text, PRIMARY KEY (id, happened)
) PARTITION BY RANGE (happened);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM ('2025-01-01') TO ('2025-07-01');
CREATE TABLE event_2 PARTITION OF event FOR VALUES FROM ('2025-07-01') TO ('2026-01-01');
INSERT INTO event SELECT i, date '2025-01-01' + i % 365, 'kind ' || i % 500, 'payload ' || i FROM generate_series(1, 60000) i;
CREATE TABLE person (
    id int PRIMARY KEY, email text, born timestamptz, phone bigint, code text
);
INSERT INTO person SELECT i, 'U' || i || '@example.org', timestamptz '1980-01-01 00:00+00' + i * interval '1 hour',
    49000000 + i, 'c' || i FROM generate_series(1, 50000) i;
CREATE INDEX ON person (email);
CREATE INDEX ON person (born);
CREATE INDEX ON person (phone);
CREATE INDEX ON person (code);
-- Two columns of which one says the other; a table of as many rows that refers to it.
CREATE TABLE car (
    id int PRIMARY KEY, make int, model int, price int
);
INSERT INTO car SELECT i, i % 50, (i % 50) * 10 + 1, i % 777 FROM generate_series(1, 100000) i;
CREATE INDEX ON car (make);
CREATE TABLE offer (
    id int PRIMARY KEY, car_id int, bid int
);
INSERT INTO offer SELECT i, i, i FROM generate_series(1, 100000) i;
CREATE INDEX ON offer (car_id);
-- What people wrote: posts, and two collections of each.
CREATE TABLE post (
    id int PRIMARY KEY, author int, title text, made timestamptz
);
INSERT INTO post SELECT i, i % 20, 'What I think of ' || i, timestamptz '2025-01-01 00:00+00' + i * interval '1 hour'
    FROM generate_series(1, 1000) i;
CREATE TABLE comment (
    id int PRIMARY KEY, post_id int REFERENCES post, said text
);
INSERT INTO comment SELECT i, 1 + i % 1000, 'I see it another way, number ' || i FROM generate_series(1, 15000) i;
CREATE INDEX ON comment (post_id);
CREATE TABLE tag (
    id int PRIMARY KEY, post_id int REFERENCES post, name text
);
INSERT INTO tag SELECT i, 1 + i % 1000, 'tag ' || i % 30 FROM generate_series(1, 6000) i;
CREATE INDEX ON tag (post_id);
SELECT pg_stat_force_next_flush();
VACUUM ANALYZE;
