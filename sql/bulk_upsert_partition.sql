-- on_conflict in partitioned tables, whose partitions have their columns in another order.

CREATE SCHEMA bulk_upsert_partition;
SET search_path = bulk_upsert_partition;

CREATE TABLE parted (id int, region text, v int, note text DEFAULT 'new', twice int GENERATED ALWAYS AS (v * 2) STORED,
    PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE parted_a PARTITION OF parted FOR VALUES IN ('a');
CREATE TABLE parted_b (dropped int, note text, twice int GENERATED ALWAYS AS (v * 2) STORED, v int,
    id int NOT NULL, region text NOT NULL);
ALTER TABLE parted_b DROP COLUMN dropped;
ALTER TABLE parted ATTACH PARTITION parted_b FOR VALUES IN ('b');
CREATE TABLE parted_cd PARTITION OF parted FOR VALUES IN ('c', 'd') PARTITION BY LIST (region);
CREATE TABLE parted_c (region text NOT NULL, id int NOT NULL, twice int GENERATED ALWAYS AS (v * 2) STORED,
    note text, v int, UNIQUE (v));
ALTER TABLE parted_cd ATTACH PARTITION parted_c FOR VALUES IN ('c');
CREATE TABLE parted_d PARTITION OF parted_cd FOR VALUES IN ('d');
INSERT INTO parted VALUES (1, 'a', 1, 'old'), (1, 'b', 1, 'old'), (1, 'c', 1, 'old');

-- Each row updates what it has itself, in the partition's own columns.
SELECT * FROM purser.bulk_insert('parted', '[{"id": 1, "region": "c", "v": 10}, {"id": 1, "region": "b", "v": 20},
    {"id": 2, "region": "b", "v": 21}, {"region": "a", "id": 1, "note": "third"}, {"id": 2, "region": "c", "v": 11},
    {"id": 2, "region": "b", "note": "again"}, {"id": 1, "region": "d", "v": 5}]', on_conflict => 'update');
SELECT tableoid::regclass, id, region, v, note, twice FROM parted ORDER BY region, id;

-- Conditions and chosen columns.
SELECT * FROM purser.bulk_insert('parted', '[{"id": 1, "region": "b", "v": 19}, {"id": 2, "region": "b", "v": 22},
    {"id": 1, "region": "a", "v": 2}, {"id": 9, "region": "a", "v": 9}]', on_conflict => 'update',
    conflict_columns => '{id,region}', update_columns => '{v}', update_where => 'excluded.v > parted.v');
SELECT tableoid::regclass, id, region, v, note, twice FROM parted WHERE region IN ('a', 'b') ORDER BY region, id;

-- Skip, by the key or by whatever the partition has.
SELECT * FROM purser.bulk_insert('parted', '[{"id": 1, "region": "b", "v": 0}, {"id": 3, "region": "c", "v": 11},
    {"id": 3, "region": "d", "v": 11}, {"id": 3, "region": "d", "v": 12}]', on_conflict => 'skip');
SELECT * FROM purser.bulk_insert('parted', '[{"id": 3, "region": "c", "v": 11}]', on_conflict => 'skip',
    conflict_columns => '{region,id}');
SELECT * FROM purser.bulk_insert('parted', '[{"id": 3, "region": "c", "v": 11}]', on_conflict => 'update');

-- What became of each row, in the order of the input.
SELECT * FROM purser.bulk_insert_outcomes('parted', '[{"id": 1, "region": "b", "v": 0}, {"id": 4, "region": "c", "v": 40},
    {"id": 1, "region": "a", "v": 1}, {"id": 4, "region": "b"}, {"id": 4, "region": "b"}, {"id": 5, "region": "d"}]',
    on_conflict => 'update', update_where => 'excluded.v > 0');
SELECT * FROM purser.bulk_insert_outcomes('parted', '[{"id": 1, "region": "b"}, {"id": 6, "region": "a"},
    {"id": 1, "region": "c"}, {"id": 6, "region": "a"}]', on_conflict => 'skip');

-- A row cannot move to another partition.
SELECT purser.bulk_insert('parted_b', '[{"id": 1, "region": "a"}]', on_conflict => 'update');
CREATE TABLE moving (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
CREATE TABLE moving_1 PARTITION OF moving FOR VALUES FROM (0) TO (10);
CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.id := 11; RETURN NEW; END $$;
CREATE TRIGGER move BEFORE UPDATE ON moving_1 FOR EACH ROW EXECUTE FUNCTION move();
CREATE TABLE moving_2 PARTITION OF moving FOR VALUES FROM (10) TO (20);
SELECT purser.bulk_insert('moving', '[{"id": 1, "v": 1}, {"id": 1, "v": 2}]', on_conflict => 'update');

-- Triggers fire in the order of the input, over all partitions; transition tables have all rows.
CREATE FUNCTION tell_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '% % %: % to %', TG_WHEN, TG_OP, TG_TABLE_NAME, CASE WHEN TG_OP = 'UPDATE' THEN OLD.v END, NEW.v;
    RETURN NULL;
END $$;
CREATE FUNCTION tell_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '% %: %', TG_WHEN, TG_OP, (SELECT string_agg(format('%s %s %s', region, id, v), ', ') FROM new_rows);
    RETURN NULL;
END $$;
CREATE TRIGGER tell_row AFTER INSERT OR UPDATE ON parted FOR EACH ROW EXECUTE FUNCTION tell_row();
CREATE TRIGGER tell_inserted AFTER INSERT ON parted REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tell_rows();
CREATE TRIGGER tell_updated AFTER UPDATE ON parted REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tell_rows();
SELECT * FROM purser.bulk_insert('parted', '[{"id": 1, "region": "b", "v": 100}, {"id": 10, "region": "a", "v": 101},
    {"id": 1, "region": "a", "v": 102}, {"id": 10, "region": "b", "v": 103}, {"id": 10, "region": "a", "v": 104}]',
    on_conflict => 'update');

-- A partition that goes row by row, beside others that do not: each row has columns of its own.
DROP TRIGGER tell_row ON parted;
DROP TRIGGER tell_inserted ON parted;
DROP TRIGGER tell_updated ON parted;
CREATE FUNCTION count_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.note := (SELECT count(*) FROM bulk_upsert_partition.parted WHERE id > 1000)::text;
    RETURN NEW;
END $$;
CREATE TRIGGER count_rows BEFORE INSERT ON parted_b FOR EACH ROW EXECUTE FUNCTION count_rows();
SELECT * FROM purser.bulk_insert('parted', (SELECT jsonb_agg(jsonb_build_object('id', 1001 + i / 3,
        'region', CASE i % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'b' ELSE 'd' END) || CASE WHEN i % 2 = 0 THEN '{"v": 1}' ELSE '{}' END::jsonb)
    FROM generate_series(0, 11) i), on_conflict => 'update');
SELECT region, id, v, note FROM parted WHERE id > 1000 ORDER BY id, region;
DROP TRIGGER count_rows ON parted_b;

-- Many rows, in many partitions, against INSERT ... ON CONFLICT.
CREATE TABLE many (k int, v int, w text, PRIMARY KEY (k)) PARTITION BY HASH (k);
CREATE TABLE same (LIKE many INCLUDING ALL);
DO $$
BEGIN
    FOR i IN 0..39 LOOP
        EXECUTE format('CREATE TABLE many_%s (w text, k int NOT NULL, v int)', i);
        EXECUTE format('ALTER TABLE many ATTACH PARTITION many_%s FOR VALUES WITH (MODULUS 40, REMAINDER %s)', i, i);
    END LOOP;
END $$;
CREATE TABLE input AS SELECT i AS n, (i * 7919 % 15013) AS k, i AS v, 'row ' || i AS w FROM generate_series(1, 25000) i;
INSERT INTO many SELECT k, -1, 'before' FROM generate_series(0, 5000) k;
INSERT INTO same TABLE many;
SELECT * FROM purser.bulk_insert('many', (SELECT json_agg(json_build_object('k', k, 'v', v, 'w', w) ORDER BY n) FROM input),
    on_conflict => 'update');
INSERT INTO same SELECT DISTINCT ON (k) k, v, w FROM input ORDER BY k, n DESC
    ON CONFLICT (k) DO UPDATE SET v = excluded.v, w = excluded.w;
SELECT count(*) AS differ FROM (TABLE many EXCEPT TABLE same) d;
SELECT * FROM purser.bulk_insert('many', (SELECT json_agg(json_build_object('k', k + 10000, 'v', v) ORDER BY n) FROM input),
    on_conflict => 'skip');
INSERT INTO same SELECT DISTINCT ON (k) k + 10000, v FROM input ORDER BY k, n ON CONFLICT DO NOTHING;
SELECT count(*) AS differ FROM (TABLE many EXCEPT TABLE same) d;

-- More rows than a batch without conflicts has: a table in which nothing can conflict.
CREATE TABLE plain (k int, v int);
SELECT * FROM purser.bulk_insert('plain', (SELECT json_agg(json_build_object('k', k, 'v', v) ORDER BY n) FROM input),
    on_conflict => 'skip');
SELECT count(*), sum(v) FROM plain;

SET client_min_messages = warning;
DROP SCHEMA bulk_upsert_partition CASCADE;
