-- Bad rows do not stop a load: every class of error, limits, what the table says.
CREATE SCHEMA bulk_rejects;
SET search_path = bulk_rejects;

-- The rejects of the last load, and then none.
CREATE FUNCTION taken() RETURNS TABLE (row_number bigint, line bigint, column_name text, value text,
    sqlstate text, message text, detail text, constraint_name text, relation text, raw text)
LANGUAGE sql AS $$
    WITH gone AS (DELETE FROM purser.reject RETURNING *)
    SELECT row_number, line_number, column_name, value, sqlstate, message, detail, constraint_name,
        relation, raw FROM gone ORDER BY number
$$;
-- A call's result, without the id.
CREATE FUNCTION counts(purser.bulk_result) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s inserted, %s updated, %s skipped, %s rejected, %s', $1.inserted, $1.updated,
        $1.skipped, $1.rejected, CASE WHEN $1.load_id IS NULL THEN 'no id' ELSE 'id' END)
$$;

CREATE DOMAIN small AS int CHECK (VALUE < 1000);
CREATE TABLE port (code text PRIMARY KEY);
INSERT INTO port VALUES ('oslo'), ('lima');
CREATE TABLE voyage (
    id int PRIMARY KEY,
    port text REFERENCES port,
    days int CHECK (days > 0),
    crew small,
    ship text NOT NULL DEFAULT 'sloop',
    during int4range,
    half int GENERATED ALWAYS AS (100 / (days - 13)) STORED,
    EXCLUDE USING gist (during WITH &&)
);

-- Each class once, between good rows.
\pset format unaligned
SELECT counts(purser.bulk_insert('voyage', E'id,port,days,crew,ship,during\n'
    '1,oslo,5,10,brig,"[1,5)"\n'
    'two,oslo,5,10,brig,\n'
    '3,oslo,5,1000,brig,\n'
    '4,oslo,0,10,brig,\n'
    '5,oslo,5,10,,\n'
    '1,oslo,5,10,brig,\n'
    '7,rome,5,10,brig,\n'
    '8,oslo,5,10,brig,"[4,9)"\n'
    '9,oslo,13,10,brig,\n'
    '10,oslo,5\n'
    '11,oslo,5,10,brig,,more\n'
    '12,lima,6,11,bark,"[5,9)"\n', 'csv', rejects => true));
SELECT * FROM taken();
SELECT id, port, days, crew, ship, during, half FROM voyage ORDER BY id;
TRUNCATE voyage;

-- The same from JSON: an unknown key, a key that no value may be given for, a missing key, no object.
SELECT counts(purser.bulk_insert('voyage', '[{"id": 1, "days": 5}, {"id": 2, "speed": 7}, {"id": 3, "half": 1},
    {"days": 4}, 7, {"id": 6, "ship": null}, {"id": 7, "ship": "brig", "crew": null}]'::jsonb, rejects => true));
SELECT * FROM taken();
SELECT id, days, ship, crew FROM voyage ORDER BY id;
TRUNCATE voyage;

-- A row that was rejected takes no key: the next one with it is good.
SELECT counts(purser.bulk_insert('voyage', E'id,port,days\n1,rome,5\n1,oslo,5\n2,oslo,0\n2,oslo,5\n1,lima,5\n3,oslo,5\n', 'csv', rejects => true));
SELECT row_number, message, raw FROM taken();
SELECT id, port FROM voyage ORDER BY id;
TRUNCATE voyage;

-- Triggers.
CREATE TABLE seen (what text, id int);
CREATE FUNCTION before_voyage() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO seen VALUES ('before', NEW.id);
    IF NEW.id % 10 = 3 THEN RAISE EXCEPTION 'no voyage %', NEW.id USING DETAIL = 'Unlucky.', ERRCODE = 'PU001'; END IF;
    IF NEW.id % 10 = 4 THEN RETURN NULL; END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION after_voyage() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO seen VALUES ('after', NEW.id);
    IF NEW.id % 10 = 7 THEN PERFORM 1 / (NEW.id - NEW.id); END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION all_voyages() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO seen SELECT TG_WHEN || ' all', count(*) FROM voyage;
    RETURN NULL;
END $$;
CREATE FUNCTION new_voyages() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO seen SELECT 'new', count(*) FROM fresh;
    RETURN NULL;
END $$;
CREATE TRIGGER after_row AFTER INSERT ON voyage FOR EACH ROW EXECUTE FUNCTION after_voyage();
CREATE TRIGGER before_all BEFORE INSERT ON voyage EXECUTE FUNCTION all_voyages();
CREATE TRIGGER after_all AFTER INSERT ON voyage EXECUTE FUNCTION all_voyages();
CREATE TRIGGER after_new AFTER INSERT ON voyage REFERENCING NEW TABLE AS fresh EXECUTE FUNCTION new_voyages();
SELECT counts(purser.bulk_insert('voyage', (SELECT E'id,days\n' || string_agg(i || ',' || i % 9, E'\n' ORDER BY i)
    FROM generate_series(1, 30) i), 'csv', rejects => true));
SELECT row_number, line, sqlstate, message, raw FROM taken();
SELECT count(*), sum(id) FROM voyage;
SELECT what, count(*), max(id) FROM seen GROUP BY what ORDER BY what COLLATE "C";
TRUNCATE voyage, seen;
CREATE TRIGGER before_row BEFORE INSERT ON voyage FOR EACH ROW EXECUTE FUNCTION before_voyage();
SELECT counts(purser.bulk_insert('voyage', (SELECT E'id,days\n' || string_agg(CASE i WHEN 15 THEN 'x' ELSE i::text END || ',' || i % 9, E'\n' ORDER BY i)
    FROM generate_series(1, 30) i), 'csv', rejects => true));
SELECT row_number, column_name, sqlstate, message, detail, raw FROM taken();
SELECT count(*), sum(id) FROM voyage;
SELECT what, count(*), max(id) FROM seen GROUP BY what ORDER BY what COLLATE "C";
DROP TABLE voyage, seen;

-- No partition; a partition by itself.
CREATE TABLE cargo (id int, kind text) PARTITION BY LIST (kind);
CREATE TABLE cargo_rum PARTITION OF cargo FOR VALUES IN ('rum');
SELECT counts(purser.bulk_insert('cargo_rum', E'id,kind\n1,rum\n2,tea\n3,rum\n', 'csv', rejects => true));
SELECT row_number, sqlstate, message, relation, raw FROM taken();
DROP TABLE cargo;

-- Limits: so many are allowed, not one more.
CREATE TABLE crate (id int PRIMARY KEY);
SELECT counts(purser.bulk_insert('crate', E'id\n1\nx\n2\ny\n3\n', 'csv', max_rejects => 2));
SELECT row_number, raw FROM taken();
TRUNCATE crate;
SELECT counts(purser.bulk_insert('crate', E'id\n1\nx\n2\ny\n3\n', 'csv', max_rejects => 1));
SELECT count(*) FROM crate;
SELECT * FROM taken();
SELECT counts(purser.bulk_insert('crate', E'id\n1\nx\n', 'csv', max_rejects => 0));
SELECT counts(purser.bulk_insert('crate', E'id\n1\n', 'csv', max_rejects => 0));
SELECT counts(purser.bulk_insert('crate', E'id\n1\n', 'csv', rejects => false));
SELECT counts(purser.bulk_insert('crate', E'id\n2\n', 'csv', rejects => true));
SELECT counts(purser.bulk_insert('crate', '', 'csv', rejects => true));

-- What no row is to blame for stops the load.
SELECT counts(purser.bulk_insert('crate', E'id,more\n1,1\n', 'csv', rejects => true));
SELECT counts(purser.bulk_insert('crate', '{', rejects => true));
CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'stop' USING ERRCODE = TG_ARGV[0];
END $$;
DO $$
DECLARE
    code text;
BEGIN
    FOREACH code IN ARRAY ARRAY['40001', '40P01', '53100', '57014', '58030', 'XX000', '25006', '0A000', '55P03',
        'P0004', 'P0001', '22012', '42501', '54000', '23505', 'PU999']
    LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER stop BEFORE INSERT ON crate FOR EACH ROW EXECUTE FUNCTION stop(%L)', code);
        BEGIN
            RAISE NOTICE '%: %', code, counts(purser.bulk_insert('crate', E'id\n10\n', 'csv', rejects => true));
        EXCEPTION WHEN OTHERS OR assert_failure OR query_canceled THEN
            RAISE NOTICE '% stops the load', SQLSTATE;
        END;
    END LOOP;
    DROP TRIGGER stop ON crate;
END $$;
DELETE FROM purser.reject;

-- Conflicts that are excused are no rejects.
TRUNCATE crate;
SELECT counts(purser.bulk_insert('crate', E'id\n1\n2\n1\nx\n2\n3\n', 'csv', on_conflict => 'skip', rejects => true));
SELECT row_number, raw FROM taken();

-- Many: duplicates in the table, in one batch and between batches; more rejects than are written at once.
TRUNCATE crate;
INSERT INTO crate SELECT i * 100 FROM generate_series(1, 50) i;
SELECT counts(purser.bulk_insert('crate', (SELECT E'id\n' || string_agg((CASE WHEN i % 50 = 7 THEN i - 1 ELSE i END)::text, E'\n' ORDER BY i)
    FROM generate_series(1, 10000) i), 'csv', rejects => true));
SELECT count(*), min(row_number), max(row_number), sqlstate, bool_and(raw::int % 100 = 0 OR raw::int % 50 = 6) FROM taken() GROUP BY sqlstate;
SELECT count(*) FROM crate;
TRUNCATE crate;
SELECT counts(purser.bulk_insert('crate', (SELECT E'id\n' || string_agg(CASE WHEN i % 3 = 0 THEN i::text ELSE 'x' || i END, E'\n' ORDER BY i)
    FROM generate_series(1, 10000) i), 'csv', rejects => true));
SELECT count(*), min(row_number), max(row_number), sqlstate, bool_and(raw = 'x' || row_number) FROM taken() GROUP BY sqlstate;
SELECT count(*) FROM crate;

-- Indexes on expressions, partial ones, and deferred constraints, which fail the call.
DROP TABLE crate;
CREATE TABLE crate (id int, name text, weight int, UNIQUE (id) DEFERRABLE INITIALLY DEFERRED);
CREATE UNIQUE INDEX crate_name ON crate (lower(name)) WHERE weight > 0;
CREATE INDEX crate_share ON crate ((100 / weight));
SELECT counts(purser.bulk_insert('crate', E'id,name,weight\n1,a,1\n2,b,0\n3,A,2\n4,A,-1\n5,c,3\n6,C,4\n', 'csv', rejects => true));
SELECT row_number, sqlstate, message, detail, constraint_name FROM taken();
BEGIN;
SELECT counts(purser.bulk_insert('crate', E'id,name,weight\n9,x,1\nx,y,1\n9,z,1\n', 'csv', rejects => true));
COMMIT;
SELECT id, name, weight FROM crate ORDER BY id;
SELECT * FROM taken();

-- A function that fails in a nested call, in SQL and in PL/pgSQL, in defaults and checks.
CREATE FUNCTION inverse(int) RETURNS int LANGUAGE sql AS $$ SELECT 100 / $1 FROM pg_catalog.pg_class LIMIT 1 $$;
CREATE FUNCTION guard(int) RETURNS boolean LANGUAGE plpgsql STABLE AS $$ BEGIN
    FOR i IN 1 .. 2 LOOP RETURN inverse($1) > 0; END LOOP;
END $$;
CREATE SEQUENCE five MAXVALUE 5;
DROP TABLE crate;
CREATE TABLE crate (id int CHECK (guard(id)), n int DEFAULT nextval('five'));
SELECT counts(purser.bulk_insert('crate', E'id\n1\n0\n2\n0\n-3\n4\n', 'csv', rejects => true));
SELECT counts(purser.bulk_insert('crate', E'id\n1\n0\n2\n', 'csv', rejects => true));
SELECT row_number, sqlstate, message, constraint_name FROM taken();
SELECT id, n FROM crate ORDER BY n;

-- A quote that is not closed.
SELECT counts(purser.bulk_insert('crate', E'id,n\n1,1\n"2\n\n3,1\n', 'csv', rejects => true));
SELECT row_number, sqlstate, message, raw FROM taken();

\pset format aligned

DELETE FROM purser.load;
SET client_min_messages = warning;
DROP SCHEMA bulk_rejects CASCADE;
