-- Secondary indexes built at the end of a load, and ANALYZE.
CREATE SCHEMA bulk_rebuild;
SET search_path = bulk_rebuild, public;
CREATE TABLE item (id int PRIMARY KEY, a int, b text, UNIQUE (a));
CREATE INDEX item_b ON item (b);
CREATE INDEX item_lower ON item (lower(b)) WHERE a > 5;
CREATE INDEX item_brin ON item USING brin (id);
-- Which files the indexes are in tells whether they were built.
CREATE TABLE file_of AS SELECT relname, relfilenode FROM pg_class WHERE relname ~ '^item_';
CREATE VIEW rebuilt AS SELECT relname, c.relfilenode <> f.relfilenode AS rebuilt FROM pg_class c JOIN file_of f USING (relname)
WHERE c.relnamespace = 'bulk_rebuild'::regnamespace ORDER BY 1;
CREATE FUNCTION rows(lo int, hi int) RETURNS text LANGUAGE sql AS $$
    SELECT E'id,a,b\n' || string_agg(i || ',' || i || ',Item ' || i, E'\n') FROM generate_series(lo, hi) i
$$;
SELECT inserted FROM purser.bulk_insert('item', rows(1, 1500), 'csv', indexes => 'keep');
TABLE rebuilt;
SELECT inserted FROM purser.bulk_insert('item', rows(1501, 3000), 'csv', indexes => 'rebuild');
TABLE rebuilt;
SET enable_seqscan = off;
SELECT count(*) FROM item WHERE b >= 'Item';
SELECT count(*) FROM item WHERE lower(b) >= 'item' AND a > 5;
SELECT id FROM item WHERE b = 'Item 2222';
RESET enable_seqscan;
-- A rollback leaves them as they were.
BEGIN;
SELECT inserted FROM purser.bulk_insert('item', rows(3001, 3010), 'csv', indexes => 'rebuild');
ROLLBACK;
SELECT inserted FROM purser.bulk_insert('item', rows(3001, 3010) || E'\n1,1,again', 'csv', indexes => 'rebuild');
SELECT count(*) FROM item;
SELECT indexrelid::regclass, indisvalid, indisready FROM pg_index WHERE indrelid = 'item'::regclass ORDER BY 1;
-- AFTER triggers and foreign keys find the rows by the new indexes.
CREATE FUNCTION find_item() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL enable_seqscan = off;
    RAISE NOTICE '%', (SELECT count(*) FROM item WHERE b = NEW.b);
    RETURN NULL;
END $$;
CREATE TRIGGER find_item AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION find_item();
SELECT inserted FROM purser.bulk_insert('item', rows(4001, 4002), 'csv', indexes => 'rebuild');
DROP TRIGGER find_item ON item;
-- Who looks at the table before finds them kept.
CREATE TRIGGER find_item BEFORE INSERT ON item FOR EACH ROW WHEN (NEW.a < 0) EXECUTE FUNCTION find_item();
TRUNCATE file_of;
INSERT INTO file_of SELECT relname, relfilenode FROM pg_class WHERE relname ~ '^item_';
SELECT inserted FROM purser.bulk_insert('item', rows(5001, 5002), 'csv', indexes => 'rebuild');
TABLE rebuilt;
DROP TRIGGER find_item ON item;
-- So does a default that looks.
CREATE TABLE item_seen (id int, a int, before bigint);
CREATE INDEX ON item_seen (a);
CREATE FUNCTION seen_before() RETURNS bigint LANGUAGE plpgsql SET enable_seqscan = off AS
    $$ BEGIN RETURN (SELECT count(*) FROM item_seen WHERE a > 0); END $$;
ALTER TABLE item_seen ALTER before SET DEFAULT seen_before();
SELECT inserted FROM purser.bulk_insert('item_seen', E'id,a\n1,1\n2,2\n3,3', 'csv', indexes => 'rebuild');
TABLE item_seen;
-- auto: little into much keeps, much into little rebuilds.
SELECT inserted FROM purser.bulk_insert('item', rows(6001, 6002), 'csv', indexes => 'auto');
TABLE rebuilt;
SELECT inserted FROM purser.bulk_insert('item', rows(10001, 20000), 'csv', indexes => 'auto');
TABLE rebuilt;
-- ANALYZE.
SELECT inserted FROM purser.bulk_insert('item', rows(30001, 30002), 'csv', analyze_after => true);
SELECT reltuples = (SELECT count(*) FROM item) AS analyzed FROM pg_class WHERE oid = 'item'::regclass;
-- Arguments and privileges.
SELECT purser.bulk_insert('item', rows(1, 2), 'csv', indexes => 'drop');
CREATE ROLE regress_bulk_loader;
GRANT USAGE ON SCHEMA bulk_rebuild TO regress_bulk_loader;
GRANT INSERT ON item TO regress_bulk_loader;
SET ROLE regress_bulk_loader;
SELECT inserted FROM purser.bulk_insert('item', '[{"id": 40001}]', indexes => 'rebuild');
SELECT inserted FROM purser.bulk_insert('item', '[{"id": 40001}]', indexes => 'auto');
-- As ANALYZE by itself: a warning, in the server's words.
SET client_min_messages = error;
SELECT inserted FROM purser.bulk_insert('item', '[{"id": 40002}]', analyze_after => true);
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA bulk_rebuild CASCADE;
DROP ROLE regress_bulk_loader;
