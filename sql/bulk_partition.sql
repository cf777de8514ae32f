-- Partitioned tables: rows find their partition, as with INSERT.
CREATE SCHEMA bulk_partition;
SET search_path = bulk_partition;

-- Every way of partitioning, in levels; partitions whose columns stand in another order, or where some were dropped.
CREATE TABLE p (id int, region text DEFAULT 'none', v text DEFAULT 'root', n int GENERATED ALWAYS AS (id * 2) STORED)
    PARTITION BY LIST (region);
CREATE TABLE p_north (gone int, v text, n int GENERATED ALWAYS AS (id * 2) STORED, region text, id int);
ALTER TABLE p_north DROP COLUMN gone;
ALTER TABLE p ATTACH PARTITION p_north FOR VALUES IN ('north');
CREATE TABLE p_south PARTITION OF p FOR VALUES IN ('south') PARTITION BY RANGE (id);
CREATE TABLE p_south_low PARTITION OF p_south FOR VALUES FROM (0) TO (100);
CREATE TABLE p_south_high (region text, also_gone text, id int, n int GENERATED ALWAYS AS (id * 2) STORED, v text);
ALTER TABLE p_south_high DROP COLUMN also_gone;
ALTER TABLE p_south ATTACH PARTITION p_south_high FOR VALUES FROM (100) TO (200);
CREATE TABLE p_none PARTITION OF p DEFAULT PARTITION BY HASH (id);
CREATE TABLE p_none_0 PARTITION OF p_none FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE p_none_1 PARTITION OF p_none FOR VALUES WITH (MODULUS 2, REMAINDER 1);
-- The defaults are those of the table that is loaded.
ALTER TABLE p_north ALTER COLUMN v SET DEFAULT 'leaf';
SELECT inserted FROM purser.bulk_insert('p', E'id,region\n1,north\n2,south\n150,south\n3,east\n4,north\n5,\n', 'csv');
SELECT tableoid::regclass, * FROM p ORDER BY id;
CREATE TABLE p_copy (LIKE p INCLUDING ALL);
INSERT INTO p_copy (id, region) SELECT i, (ARRAY['north', 'south', 'east', NULL])[1 + i % 4] FROM generate_series(1, 199) i;
TRUNCATE p;
SELECT inserted FROM purser.bulk_insert('p', (SELECT 'id,region' || string_agg(format(E'\n%s,%s', id, region), '' ORDER BY id) FROM p_copy), 'csv');
SELECT tableoid::regclass, count(*), sum(n) FROM p GROUP BY 1 ORDER BY tableoid::regclass::text COLLATE "C";
SELECT count(*) FROM (TABLE p EXCEPT TABLE p_copy) s;

-- No partition, at either level; a partition that is loaded by itself.
SELECT purser.bulk_insert('p', E'id,region\n7,south\n700,south\n', 'csv');
CREATE TABLE q (id int) PARTITION BY RANGE (id);
SELECT purser.bulk_insert('q', E'id\n7\n', 'csv');
SELECT inserted FROM purser.bulk_insert('p_south', E'id,region\n8,south\n', 'csv');
SELECT purser.bulk_insert('p_south', E'id,region\n8,south\n9,north\n', 'csv');
SELECT purser.bulk_insert('p_south_low', E'id,region\n8,south\n100,south\n', 'csv');

-- Constraints of a partition; errors tell the row as it was given, and its position.
ALTER TABLE p_north ADD CONSTRAINT short CHECK (length(v) < 6), ALTER COLUMN v SET NOT NULL;
ALTER TABLE p_south_high ADD UNIQUE (id);
SELECT purser.bulk_insert('p', E'id,region,v\n10,north,a\n11,south,too long\n12,north,too long\n', 'csv');
SELECT purser.bulk_insert('p', E'id,region,v\n10,north,a\n11,north,\n', 'csv');
SELECT purser.bulk_insert('p', E'id,region,v\n110,south,a\n10,north,a\n111,south,a\n110,south,a\n', 'csv');
SELECT count(*) FROM p WHERE v = 'a';
SELECT skipped FROM purser.bulk_insert('p', E'id,region,v\n110,south,b\n10,north,b\n111,south,b\n110,south,b\n', 'csv', 'skip');
SELECT tableoid::regclass, id, v FROM p WHERE v = 'b' ORDER BY id;
DELETE FROM p;

-- Triggers: in the order of the input, for whatever partition; those before a row see all rows before it.
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_LEVEL = 'STATEMENT' THEN
        RAISE NOTICE '% statement on %', TG_WHEN, TG_RELNAME;
        RETURN NULL;
    END IF;
    RAISE NOTICE '% row on %: % of %', TG_WHEN, TG_RELNAME, NEW.id, (SELECT count(*) FROM bulk_partition.p);
    IF NEW.v = 'drop' THEN
        RETURN NULL;
    END IF;
    IF NEW.v IN ('north', 'south') THEN
        NEW.region := NEW.v;
    END IF;
    NEW.v := coalesce(NEW.v, '') || '!';
    RETURN NEW;
END $$;
CREATE FUNCTION tell_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'transition table: %', (SELECT string_agg(format('%s %s %s %s', id, region, v, n), ', ') FROM new_rows);
    RETURN NULL;
END $$;
CREATE TRIGGER statement_before BEFORE INSERT ON p EXECUTE FUNCTION tell();
CREATE TRIGGER statement_after AFTER INSERT ON p EXECUTE FUNCTION tell();
CREATE TRIGGER statement_leaf AFTER INSERT ON p_north EXECUTE FUNCTION tell();
CREATE TRIGGER after_row AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TRIGGER new_table AFTER INSERT ON p REFERENCING NEW TABLE AS new_rows EXECUTE FUNCTION tell_new();
\set rows 'E''id,region,v\\n1,south,a\\n2,north,b\\n101,south,c\\n3,north,d\\n4,east,e\\n'''
SELECT inserted FROM purser.bulk_insert('p', :rows, 'csv');
DELETE FROM p;
CREATE TRIGGER before_row BEFORE INSERT ON p_north FOR EACH ROW EXECUTE FUNCTION tell();
SELECT inserted FROM purser.bulk_insert('p', :rows, 'csv');
ALTER TABLE p_north DROP CONSTRAINT short;
SELECT inserted FROM purser.bulk_insert('p', E'id,region,v\n5,north,drop\n6,south,drop\n7,north,north\n', 'csv');
SELECT tableoid::regclass, id, v FROM p ORDER BY id;
-- A trigger cannot send a row elsewhere.
SELECT purser.bulk_insert('p', E'id,region,v\n8,north,south\n', 'csv');
DROP TRIGGER before_row ON p_north;
CREATE TRIGGER before_row BEFORE INSERT ON p FOR EACH ROW EXECUTE FUNCTION tell();
SELECT purser.bulk_insert('p', E'id,region,v\n8,south,\n9,north,south\n', 'csv');
-- One that is not volatile does not see the rows of its own statement, nor does that of tsvector: batches.
CREATE FUNCTION stable_count() RETURNS trigger LANGUAGE plpgsql STABLE AS $$
BEGIN
    NEW.v := (SELECT count(*) FROM bulk_partition.p);
    RETURN NEW;
END $$;
DROP TRIGGER before_row ON p;
CREATE TRIGGER before_row BEFORE INSERT ON p FOR EACH ROW EXECUTE FUNCTION stable_count();
TRUNCATE p;
INSERT INTO p (id, region) VALUES (1, 'north'), (2, 'south'), (3, 'north');
SELECT inserted FROM purser.bulk_insert('p', E'id,region\n4,north\n5,south\n6,north\n', 'csv');
SELECT id, v FROM p ORDER BY id;
DROP TABLE p, p_copy, q;

-- More partitions than buffers stay open; each row is in one, and triggers still fire in the order of the input.
CREATE TABLE many (id int, k int) PARTITION BY LIST (k);
DO $$ BEGIN
    FOR i IN 0 .. 99 LOOP
        EXECUTE format('CREATE TABLE many_%s PARTITION OF many FOR VALUES IN (%s)', i, i);
    END LOOP;
END $$;
CREATE TABLE seen (n int GENERATED ALWAYS AS IDENTITY, id int);
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO bulk_partition.seen (id) VALUES (NEW.id); RETURN NULL; END $$;
CREATE TRIGGER see AFTER INSERT ON many FOR EACH ROW EXECUTE FUNCTION see();
SELECT inserted FROM purser.bulk_insert('many', (SELECT 'id,k' || string_agg(format(E'\n%s,%s', i, i * 7919 % 100), '' ORDER BY i) FROM generate_series(1, 3210) i), 'csv');
SELECT count(DISTINCT tableoid), count(*), bool_and(k = id * 7919 % 100), (SELECT count(*) FROM seen WHERE n <> id) AS out_of_order FROM many;
DROP TABLE many, seen;

-- Partitions of other kinds: foreign ones are the wrapper's business, which here cannot insert.
CREATE FOREIGN DATA WRAPPER regress_bulk_partition_fdw;
CREATE SERVER regress_bulk_partition_server FOREIGN DATA WRAPPER regress_bulk_partition_fdw;
CREATE TABLE f (id int) PARTITION BY LIST (id);
CREATE TABLE f_1 PARTITION OF f FOR VALUES IN (1);
CREATE FOREIGN TABLE f_2 PARTITION OF f FOR VALUES IN (2) SERVER regress_bulk_partition_server;
SELECT inserted FROM purser.bulk_insert('f', E'id\n1\n1\n', 'csv');
SELECT purser.bulk_insert('f', E'id\n1\n2\n', 'csv');
DROP TABLE f;
DROP FOREIGN DATA WRAPPER regress_bulk_partition_fdw CASCADE;
-- Privileges are asked of the table that is loaded only; its children by inheritance get nothing.
CREATE ROLE regress_bulk_loader;
CREATE TABLE r (id int, v text) PARTITION BY LIST (id);
CREATE TABLE r_1 PARTITION OF r FOR VALUES IN (1);
CREATE TABLE parent (id int);
CREATE TABLE child () INHERITS (parent);
GRANT USAGE ON SCHEMA bulk_partition TO regress_bulk_loader;
GRANT INSERT (id) ON r TO regress_bulk_loader;
GRANT INSERT ON parent TO regress_bulk_loader;
SET ROLE regress_bulk_loader;
SELECT inserted FROM purser.bulk_insert('r', E'id\n1\n', 'csv');
SELECT purser.bulk_insert('r', E'id,v\n1,a\n', 'csv');
SELECT purser.bulk_insert('r_1', E'id\n1\n', 'csv');
SELECT inserted FROM purser.bulk_insert('parent', E'id\n1\n', 'csv');
RESET ROLE;
SELECT (SELECT count(*) FROM ONLY parent) AS parent, (SELECT count(*) FROM child) AS child;

SET client_min_messages = warning;
DROP SCHEMA bulk_partition CASCADE;
DROP ROLE regress_bulk_loader;
