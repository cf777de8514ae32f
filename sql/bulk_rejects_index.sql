-- Entries of indexes that wait for many rows, where some of the rows are taken back.
CREATE SCHEMA bulk_rejects_index;
SET search_path = bulk_rejects_index;
SET client_min_messages = warning;
CREATE TABLE port (code int PRIMARY KEY);
INSERT INTO port SELECT generate_series(0, 9);
CREATE TABLE crate (id int PRIMARY KEY, place int, name text, port int REFERENCES port, slot int4range);
CREATE INDEX crate_place ON crate (place);
CREATE INDEX crate_name ON crate (name COLLATE "C");

CREATE FUNCTION input(rows int) RETURNS text LANGUAGE sql AS $$
    SELECT E'id,place,name,port,slot\n' || string_agg(format('%s,%s,%s,%s,"[%s,%s]"', CASE WHEN i % 97 = 5 THEN i - 1 WHEN i % 211 = 0 THEN 3 ELSE i END,
        hashint4(i), md5(i::text), CASE WHEN i % 301 = 7 THEN 11 ELSE i % 10 END, i * 2, i * 2 + CASE WHEN i % 500 = 9 THEN 3 ELSE 1 END), E'\n' ORDER BY i)
    FROM generate_series(1, rows) i
$$;
-- What the heap has, by each index.
CREATE FUNCTION look() RETURNS TABLE (rows bigint, by_place boolean, by_name boolean) LANGUAGE plpgsql AS $$
DECLARE
    heap text[];
BEGIN
    SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_indexonlyscan = off;
    SELECT array_agg(c::text ORDER BY c.id) INTO heap FROM crate c;
    RESET enable_indexscan; RESET enable_bitmapscan; RESET enable_indexonlyscan;
    SET LOCAL enable_seqscan = off;
    RETURN QUERY SELECT count(*), heap = (SELECT array_agg(c::text ORDER BY c.id) FROM crate c WHERE place BETWEEN -2147483648 AND 2147483647),
        heap = (SELECT array_agg(c::text ORDER BY c.id) FROM crate c WHERE name COLLATE "C" >= '') FROM crate;
    RESET enable_seqscan;
END $$;
SELECT inserted, rejected FROM purser.bulk_insert('crate', input(20000), 'csv', rejects => true);
SELECT sqlstate, count(*) FROM purser.reject GROUP BY sqlstate ORDER BY sqlstate;
SELECT * FROM look();

-- Runs that fail without warning.
TRUNCATE crate, purser.reject;
ALTER TABLE crate ADD EXCLUDE USING gist (slot WITH &&);
SELECT inserted, rejected FROM purser.bulk_insert('crate', input(10000), 'csv', rejects => true);
SELECT sqlstate, count(*) FROM purser.reject GROUP BY sqlstate ORDER BY sqlstate;
SELECT * FROM look();

-- From some row on, rows must see those before them, by whichever index.
TRUNCATE crate, purser.reject;
ALTER TABLE crate DROP CONSTRAINT crate_slot_excl;
CREATE FUNCTION next_place() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
    PERFORM set_config('enable_seqscan', 'off', true);
    RETURN (SELECT count(*) FROM crate WHERE place BETWEEN -2147483648 AND 2147483647);
END $$;
ALTER TABLE crate ALTER place SET DEFAULT next_place();
SELECT inserted, rejected FROM purser.bulk_insert('crate', (SELECT jsonb_agg(CASE WHEN i < 5001 THEN jsonb_build_object('id', i, 'place', i * 7919 % 100003, 'name', md5(i::text))
    ELSE jsonb_build_object('id', i, 'name', md5(i::text)) END ORDER BY i) FROM generate_series(1, 5100) i), rejects => true);
SELECT min(place), max(place) FROM crate WHERE id >= 5001;
SELECT * FROM look();

-- A trigger of one partition sees the rows of another.
CREATE TABLE part (id int, place int, kind text) PARTITION BY LIST (kind);
CREATE TABLE part_a PARTITION OF part FOR VALUES IN ('a');
CREATE TABLE part_b PARTITION OF part FOR VALUES IN ('b');
CREATE INDEX part_place ON part (place);
CREATE TABLE seen (id int, n bigint);
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO seen SELECT NEW.id, count(*) FROM part WHERE place BETWEEN -2147483648 AND 2147483647;
    RETURN NULL;
END $$;
CREATE TRIGGER see AFTER INSERT ON part_b FOR EACH ROW EXECUTE FUNCTION see();
BEGIN;
SET LOCAL enable_seqscan = off;
SELECT inserted, rejected FROM purser.bulk_insert('part', (SELECT E'id,place,kind\n' || string_agg(format('%s,%s,%s', CASE i WHEN 77 THEN 'x' ELSE i::text END, i * 7919 % 100003, CASE i WHEN 6000 THEN 'b' ELSE 'a' END), E'\n' ORDER BY i)
    FROM generate_series(1, 6000) i), 'csv', rejects => true);
COMMIT;
TABLE seen;

DELETE FROM purser.reject;
DELETE FROM purser.load;
DROP SCHEMA bulk_rejects_index CASCADE;
