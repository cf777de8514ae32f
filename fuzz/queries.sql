-- The tables of fuzz/queries: types, plans and objects of many kinds, few rows.
CREATE EXTENSION pg_purser;
CREATE ROLE fuzz LOGIN;
GRANT pg_read_all_stats TO fuzz;
GRANT CREATE, USAGE ON SCHEMA public TO fuzz;
GRANT USAGE ON SCHEMA purser TO fuzz;
ALTER ROLE fuzz SET statement_timeout = '1s';
ALTER ROLE fuzz SET lock_timeout = '100ms';
ALTER ROLE fuzz SET client_min_messages = error;
-- parallel plans, wherever there may be one
ALTER ROLE fuzz SET parallel_setup_cost = 0;
ALTER ROLE fuzz SET parallel_tuple_cost = 0;
ALTER ROLE fuzz SET min_parallel_table_scan_size = 0;
ALTER ROLE fuzz SET min_parallel_index_scan_size = 0;
ALTER ROLE fuzz SET work_mem = '64kB';
SELECT set_config('fuzz.force', CASE WHEN current_setting('server_version_num')::int >= 160000
    THEN 'debug_parallel_query' ELSE 'force_parallel_mode' END, false) AS force \gset
ALTER ROLE fuzz SET :force = on;

CREATE TYPE mood AS ENUM ('calm', 'cross', 'glad');
CREATE TYPE spot AS (x int, y int);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);

CREATE TABLE customer (id serial PRIMARY KEY, name text NOT NULL, email varchar(80), city text COLLATE "C",
    credit numeric(10, 2), since date, mood mood, tags text[], data jsonb, place point, seen timestamptz, nick name, flag boolean);
INSERT INTO customer (name, email, city, credit, since, mood, tags, data, place, seen, nick, flag)
SELECT 'n' || i, 'e' || i || '@example.org', 'c' || i % 30, i % 500, date '2020-01-01' + i % 1000,
    (ARRAY['calm', 'cross', 'glad'])[i % 3 + 1]::mood, ARRAY['t' || i % 7, 't' || i % 11],
    jsonb_build_object('k', i % 9, 'v', repeat('x', i % 200)), point(i % 90, i % 70), now() - i * interval '1 hour', 'k' || i, i % 2 = 0
FROM generate_series(1, 3000) i;
CREATE INDEX ON customer (city, credit);
CREATE INDEX ON customer (lower(email));
CREATE INDEX ON customer (since) WHERE flag;
CREATE INDEX ON customer USING gin (tags);
CREATE INDEX ON customer USING gin (data jsonb_path_ops);
CREATE INDEX ON customer USING gist (place);
CREATE INDEX ON customer USING hash (nick);
CREATE INDEX ON customer USING brin (id);

CREATE TABLE purchase (id bigint GENERATED ALWAYS AS IDENTITY, customer_id int REFERENCES customer ON DELETE CASCADE,
    made timestamp, total positive, twice int GENERATED ALWAYS AS (total * 2) STORED, at spot, note text) PARTITION BY RANGE (id);
CREATE TABLE purchase_1 PARTITION OF purchase FOR VALUES FROM (0) TO (2000);
CREATE TABLE purchase_2 PARTITION OF purchase FOR VALUES FROM (2000) TO (5000) PARTITION BY HASH (id);
CREATE TABLE purchase_2a PARTITION OF purchase_2 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE purchase_2b PARTITION OF purchase_2 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE purchase_rest PARTITION OF purchase DEFAULT;
INSERT INTO purchase (customer_id, made, total, at, note)
SELECT i % 3000 + 1, timestamp '2024-01-01' + i * interval '7 minutes', i % 100 + 1, format($$(%s,%s)$$, i, -i)::spot, repeat('n', i % 300) FROM generate_series(1, 6000) i;
CREATE INDEX ON purchase (customer_id);
CREATE INDEX ON purchase_1 (made);

CREATE TABLE item (purchase_id bigint, line smallint, product_id int, amount real, price money, bits bit(8), PRIMARY KEY (purchase_id, line));
INSERT INTO item SELECT i % 2000, i / 2000, i % 77, i % 13, (i % 50)::money, (i % 256)::bit(8) FROM generate_series(0, 7999) i;
CREATE TABLE product (id int PRIMARY KEY, title text, body text, photo bytea, valid daterange, address inet, code uuid);
ALTER TABLE product ALTER body SET STORAGE EXTERNAL;
INSERT INTO product SELECT i, 'title ' || i, repeat('long ', 600), decode(repeat('ab', 3000), 'hex'),
    daterange(date '2000-01-01' + i, date '2001-01-01' + i * 2), ('10.0.0.' || i)::inet, md5(i::text)::uuid FROM generate_series(0, 99) i;
CREATE TABLE animal (id int, kind text);
CREATE TABLE bird (wings int) INHERITS (animal);
CREATE TABLE fish (fins int) INHERITS (animal);
INSERT INTO bird SELECT i, 'bird', 2 FROM generate_series(1, 500) i;
INSERT INTO fish SELECT i, 'fish', i % 9 FROM generate_series(1, 700) i;
CREATE INDEX ON fish (id);
CREATE TABLE nothing ();
CREATE TABLE empty (a int, b text);
CREATE UNLOGGED TABLE scratch (id int, was int);

CREATE VIEW busy AS SELECT c.id, c.name, count(*) AS purchases, sum(p.total) AS total
    FROM customer c JOIN purchase p ON p.customer_id = c.id GROUP BY c.id;
CREATE VIEW guarded WITH (security_barrier) AS SELECT * FROM customer WHERE credit > 100;
CREATE MATERIALIZED VIEW totals AS SELECT city, sum(credit) AS credit FROM customer GROUP BY city;
CREATE FUNCTION purchases_of(int) RETURNS bigint STABLE PARALLEL SAFE LANGUAGE sql AS 'SELECT count(*) FROM purchase WHERE customer_id = $1';
CREATE FUNCTION loops(int) RETURNS bigint LANGUAGE plpgsql PARALLEL SAFE AS $$
DECLARE n bigint := 0; c int;
BEGIN
    FOR c IN SELECT id FROM customer WHERE id % 100 = $1 % 100 LOOP
        n := n + (SELECT count(*) FROM purchase p WHERE p.customer_id = c);
    END LOOP;
    RETURN n;
EXCEPTION WHEN division_by_zero THEN RETURN -1;
END $$;
CREATE FUNCTION rows_of(int) RETURNS SETOF item STABLE LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT * FROM item WHERE product_id = $1; END';
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO scratch SELECT count(*), 1 FROM item WHERE amount > 3;
    RETURN NEW;
END $$;
CREATE TRIGGER note AFTER INSERT OR UPDATE ON product FOR EACH ROW EXECUTE FUNCTION note();
ALTER TABLE fish ENABLE ROW LEVEL SECURITY;
CREATE POLICY even ON fish USING (id % 2 = 0);
CREATE STATISTICS together ON city, credit FROM customer;
VACUUM ANALYZE;
