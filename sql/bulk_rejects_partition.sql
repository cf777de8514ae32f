-- Bad rows, and tables with partitions; and what cannot reject rows.
SET client_min_messages = warning;
CREATE VIEW rejects AS
SELECT row_number AS row, raw, sqlstate, constraint_name, message FROM purser.reject
WHERE load_id = (SELECT max(load_id) FROM purser.reject) ORDER BY row_number;

CREATE TABLE port (code text PRIMARY KEY);
INSERT INTO port VALUES ('oslo'), ('lima');
CREATE TABLE voyage (region text, id int CHECK (id > 0), port text REFERENCES port, note text, PRIMARY KEY (region, id))
    PARTITION BY LIST (region);
CREATE TABLE voyage_north PARTITION OF voyage FOR VALUES IN ('north');
-- With other places of the columns.
CREATE TABLE voyage_south (gone int, id int NOT NULL CONSTRAINT voyage_id_check CHECK (id > 0), note text, port text, region text NOT NULL);
ALTER TABLE voyage_south DROP COLUMN gone;
ALTER TABLE voyage ATTACH PARTITION voyage_south FOR VALUES IN ('south');
CREATE TABLE voyage_far PARTITION OF voyage FOR VALUES IN ('far', 'farther') PARTITION BY RANGE (id);
CREATE TABLE voyage_far_10 PARTITION OF voyage_far FOR VALUES FROM (0) TO (10);

-- No partition, a key that comes twice, no parent, a check, a value.
\set rows '[{"region": "west", "id": 1}, {"region": "north", "id": 1, "port": "oslo"}, {"region": "south", "id": 1, "note": "south"}, {"region": "south", "id": 1}, {"region": "north", "id": 2, "port": "rome"}, {"region": "far", "id": 10}, {"region": "far", "id": 9, "port": "lima"}, {"region": "south", "id": 0}, {"region": "farther", "id": "x"}, {"region": null, "id": 3}, {"region": "farther", "id": 9}, {"region": "north", "id": 2}]'
SELECT inserted, rejected FROM purser.bulk_insert('voyage', :'rows', rejects => true);
SELECT * FROM rejects;
SELECT tableoid::regclass, * FROM voyage ORDER BY region, id;
-- A partition that is new takes what none took before.
CREATE TABLE voyage_west PARTITION OF voyage FOR VALUES IN ('west');
SELECT inserted, rejected FROM purser.retry_rejects((SELECT max(load_id) FROM purser.reject));
SELECT tableoid::regclass, * FROM voyage WHERE region = 'west';
TRUNCATE voyage;
DELETE FROM purser.reject;

-- More partitions than buffers, and rows, than one batch has; each partition has its bad rows.
CREATE TABLE many (part int, id int, PRIMARY KEY (part, id)) PARTITION BY LIST (part);
DO $$ BEGIN
    FOR i IN 0 .. 49 LOOP
        EXECUTE format('CREATE TABLE many_%s PARTITION OF many FOR VALUES IN (%s)', i, i);
    END LOOP;
END $$;
SELECT inserted, rejected FROM purser.bulk_insert('many',
    (SELECT string_agg(format(E'%s,%s\n', i % 51, CASE WHEN i % 7 = 0 THEN '7' ELSE (i + 10)::text END), '' ORDER BY i)
     FROM generate_series(1, 5000) i), 'csv', options => '{"header": false}', rejects => true);
SELECT sqlstate, count(*) FROM purser.reject GROUP BY sqlstate ORDER BY sqlstate;
SELECT count(*), count(DISTINCT part), count(*) FILTER (WHERE id = 7) FROM many;
DELETE FROM purser.reject;

-- Triggers: one that changes the row, one that wants none, one that fires afterwards.
CREATE FUNCTION before_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.note = 'none' THEN RETURN NULL; END IF;
    IF NEW.note = 'no' THEN RAISE 'not this one'; END IF;
    NEW.note := upper(NEW.note);
    RETURN NEW;
END $$;
CREATE FUNCTION after_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.note = 'LATE' THEN RAISE 'too late'; END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION after_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE WARNING 'new: %', (SELECT string_agg(region || ' ' || id || ' ' || note, ', ' ORDER BY region, id) FROM new_rows);
    RETURN NULL;
END $$;
CREATE TRIGGER before_row BEFORE INSERT ON voyage_south FOR EACH ROW EXECUTE FUNCTION before_row();
CREATE TRIGGER after_row AFTER INSERT ON voyage FOR EACH ROW EXECUTE FUNCTION after_row();
CREATE TRIGGER after_all AFTER INSERT ON voyage REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION after_all();
\set rows '[{"region": "north", "id": 1, "note": "a"}, {"region": "north", "id": 2, "note": "LATE"}, {"region": "south", "id": 1, "note": "b"}, {"region": "south", "id": 2, "note": "late"}, {"region": "south", "id": 3, "note": "no"}, {"region": "south", "id": 4, "note": "none"}, {"region": "south", "id": 5, "note": "c"}, {"region": "north", "id": 2, "note": "d"}, {"region": "east", "id": 2, "note": "e"}]'
SELECT inserted, rejected FROM purser.bulk_insert('voyage', :'rows', rejects => true);
SELECT * FROM rejects;
SELECT tableoid::regclass, * FROM voyage ORDER BY region, id;
-- The same where the trigger does not see the table, so that rows need not go one by one.
ALTER FUNCTION before_row() STABLE;
TRUNCATE voyage;
DELETE FROM purser.reject;
SELECT inserted, rejected FROM purser.bulk_insert('voyage', :'rows', rejects => true);
SELECT * FROM rejects;
SELECT tableoid::regclass, * FROM voyage ORDER BY region, id;

-- A key that cannot be made.
DELETE FROM purser.reject;
CREATE FUNCTION odd(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM 1 / ($1 - count(*)) FROM purser.reject;
    RETURN $1 % 2;
END $$;
CREATE TABLE half (id int) PARTITION BY LIST (odd(id));
CREATE TABLE half_1 PARTITION OF half FOR VALUES IN (1);
SELECT inserted, rejected FROM purser.bulk_insert('half', '[{"id": 0}, {"id": 1}, {"id": 2}, {"id": 0}, {"id": 3}]', rejects => true);
SELECT * FROM rejects;
DROP TABLE half;
DROP FUNCTION odd(int);

-- Conflicts that are skipped are no rejects.
DELETE FROM purser.reject;
SELECT inserted, skipped, rejected FROM purser.bulk_insert('voyage', '[{"region": "north", "id": 1, "note": "f"}, {"region": "east", "id": 1, "note": "f"}, {"region": "south", "id": 6, "note": "f"}]', on_conflict => 'skip', rejects => true);
SELECT * FROM rejects;

SELECT * FROM purser.bulk_insert('port', '[{"code": "kiel"}]', on_conflict => 'update', max_rejects => 3);

DROP VIEW rejects;
DROP TABLE voyage, many, port;
DROP FUNCTION before_row(), after_row(), after_all();
DELETE FROM purser.reject;
DELETE FROM purser.load;
