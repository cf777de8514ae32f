-- Bad rows among those that on_conflict updates, and triggers that see transition tables.
CREATE SCHEMA bulk_rejects_conflict;
SET search_path = bulk_rejects_conflict;
SET client_min_messages = warning;

CREATE TABLE stock (id int PRIMARY KEY, n int CONSTRAINT positive CHECK (n > 0), seen int DEFAULT 0);
CREATE TABLE log (what text, old int, new int);
-- Each conflict mode, with a trigger on rows that refuses some of them after they are in place.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.n % 100 = 13 THEN RAISE EXCEPTION '% of %: no %', TG_OP, NEW.id, NEW.n; END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER refuse AFTER INSERT OR UPDATE ON stock FOR EACH ROW EXECUTE FUNCTION refuse();

-- The key comes in, is changed, is refused, and is changed again: the same as of an INSERT for each row.
CREATE FUNCTION each_row(input text) RETURNS TABLE (number bigint, message text) LANGUAGE plpgsql AS $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT ordinality, split_part(line, ',', 1) AS id, split_part(line, ',', 2) AS n
        FROM string_to_table(rtrim(input, E'\n'), E'\n') WITH ORDINALITY AS i (line, ordinality) LOOP
        BEGIN
            EXECUTE format('INSERT INTO stock (id, n) VALUES (%L, %L) ON CONFLICT (id) DO UPDATE SET n = excluded.n', r.id, r.n);
        EXCEPTION WHEN OTHERS THEN
            RETURN QUERY SELECT r.ordinality, SQLERRM;
        END;
    END LOOP;
END $$;
CREATE FUNCTION input(seed int, rows int) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s,%s', CASE WHEN h % 53 = 7 THEN 'x' ELSE (h % 40)::text END, CASE WHEN h % 31 = 5 THEN 0 ELSE h / 40 % 1000 END), E'\n' ORDER BY i)
    FROM generate_series(1, rows) i, LATERAL (SELECT abs(hashint4extended(i, seed) % 100000) AS h) AS r
$$;
CREATE PROCEDURE compare(seed int, rows int) LANGUAGE plpgsql AS $$
DECLARE
    data text := input(seed, rows);
    refused int;
    differ int;
BEGIN
    TRUNCATE stock, purser.reject;
    INSERT INTO stock SELECT i, 1 FROM generate_series(0, 20) i;
    CREATE TEMP TABLE errors AS SELECT * FROM each_row(data);
    CREATE TEMP TABLE wanted AS TABLE stock;
    TRUNCATE stock;
    INSERT INTO stock SELECT i, 1 FROM generate_series(0, 20) i;
    PERFORM purser.bulk_insert('stock', E'id,n\n' || data, 'csv', on_conflict => 'update', rejects => true);
    SELECT count(*) INTO refused FROM errors;
    SELECT count(*) INTO differ FROM errors e FULL JOIN purser.reject r ON r.row_number = e.number WHERE e.message IS DISTINCT FROM r.message;
    SELECT differ + count(*) INTO differ FROM stock FULL JOIN wanted USING (id, n) WHERE stock.id IS NULL OR wanted.id IS NULL;
    RAISE WARNING '% rows: some refused: %, differences: %', rows, refused > 0, differ;
    DROP TABLE errors, wanted;
END $$;
CALL compare(1, 30);
CALL compare(2, 300);
CALL compare(3, 3000);
DROP TRIGGER refuse ON stock;
CALL compare(4, 3000);

-- Partitions: the trigger of one is not taken for that of another.
ALTER TABLE stock RENAME TO plain;
CREATE TABLE stock (id int PRIMARY KEY, n int CONSTRAINT positive CHECK (n > 0), seen int DEFAULT 0) PARTITION BY HASH (id);
CREATE TABLE stock0 (n int CONSTRAINT positive CHECK (n > 0), seen int DEFAULT 0, id int NOT NULL);
ALTER TABLE stock ATTACH PARTITION stock0 FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE stock1 PARTITION OF stock FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE stock2 PARTITION OF stock FOR VALUES WITH (MODULUS 3, REMAINDER 2);
CREATE TRIGGER refuse AFTER INSERT OR UPDATE ON stock FOR EACH ROW EXECUTE FUNCTION refuse();
CALL compare(5, 3000);
DROP TABLE stock;
ALTER TABLE plain RENAME TO stock;

-- Transition tables of UPDATE: what was kept, and nothing that was rolled back.
CREATE TRIGGER refuse AFTER INSERT OR UPDATE ON stock FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE FUNCTION log_inserted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO log SELECT TG_OP || ' ' || TG_LEVEL, NULL, fresh.n FROM fresh;
    RETURN NULL;
END $$;
CREATE FUNCTION log_updated() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO log SELECT TG_OP || ' ' || TG_LEVEL, stale.n, fresh.n FROM (SELECT *, row_number() OVER () AS at FROM stale) stale
        FULL JOIN (SELECT *, row_number() OVER () AS at FROM fresh) fresh USING (at);
    RETURN NULL;
END $$;
CREATE TRIGGER inserted AFTER INSERT ON stock REFERENCING NEW TABLE AS fresh EXECUTE FUNCTION log_inserted();
CREATE TRIGGER updated AFTER UPDATE ON stock REFERENCING OLD TABLE AS stale NEW TABLE AS fresh EXECUTE FUNCTION log_updated();
TRUNCATE stock;
INSERT INTO stock VALUES (1, 10);
TRUNCATE log;
SELECT * FROM purser.bulk_insert_outcomes('stock', E'id,n\n1,11\n2,20\n1,13\n2,0\n2,21\n3,x\n3,113\n3,31\n2,22\n', 'csv', on_conflict => 'update', rejects => true);
TABLE log;
TABLE stock ORDER BY id;
SELECT row_number, message FROM purser.reject ORDER BY load_id DESC, row_number LIMIT 4;
CALL compare(6, 3000);

-- A row trigger with a transition table sees that of its own row, as with an INSERT for each row.
TRUNCATE stock, log, purser.reject;
CREATE TRIGGER inserted_row AFTER INSERT ON stock REFERENCING NEW TABLE AS fresh FOR EACH ROW EXECUTE FUNCTION log_inserted();
CREATE TRIGGER updated_row AFTER UPDATE ON stock REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH ROW EXECUTE FUNCTION log_updated();
SELECT * FROM purser.bulk_insert_outcomes('stock', E'id,n\n1,11\n2,20\n3,13\n4,0\n2,21\n5,x\n6,31\n', 'csv', rejects => true);
SELECT * FROM log ORDER BY what, new;
TRUNCATE log;
SELECT * FROM purser.bulk_insert_outcomes('stock', E'id,n\n1,12\n7,50\n2,213\n4,0\n1,14\n', 'csv', on_conflict => 'update', rejects => true);
SELECT * FROM log ORDER BY what, new;
CALL compare(7, 300);
DROP TRIGGER inserted ON stock;
DROP TRIGGER updated ON stock;
CALL compare(8, 300);

-- Each row is judged before a later one of the same key takes its place.
CREATE TABLE port (code int PRIMARY KEY);
INSERT INTO port VALUES (1), (2);
CREATE TABLE berth (id int PRIMARY KEY, port int REFERENCES port);
SELECT * FROM purser.bulk_insert_outcomes('berth', E'id,port\n1,9\n1,1\n2,\n2,8\n2,2\n1,7\n1,2\n3,1\n', 'csv', on_conflict => 'update', rejects => true);
TABLE berth ORDER BY id;

DELETE FROM purser.reject;
DELETE FROM purser.load;
DROP SCHEMA bulk_rejects_conflict CASCADE;
