-- Rejects belong to the transaction of their load: savepoints, DO blocks, handlers of exceptions.
CREATE SCHEMA bulk_rejects_transaction;
SET search_path = bulk_rejects_transaction;
CREATE TABLE home (id int PRIMARY KEY);
CREATE TABLE guest (id int PRIMARY KEY, home int REFERENCES home, name text CHECK (name <> ''));
CREATE VIEW bad AS SELECT row_number, raw, sqlstate FROM purser.reject ORDER BY number;
INSERT INTO home VALUES (1), (2);

-- a savepoint that is rolled back takes rows and rejects with it; what was before it stays
BEGIN;
SELECT inserted, rejected FROM purser.bulk_insert('guest', E'id,home\n1,1\nx,1\n', 'csv', rejects => true);
SAVEPOINT s;
SELECT inserted, rejected FROM purser.bulk_insert('guest', E'id,home\n2,1\n3,9\n1,1\n4,2\n', 'csv', rejects => true);
TABLE bad;
SELECT count(*) FROM purser.load;
ROLLBACK TO s;
TABLE bad;
SELECT count(*) FROM purser.load;
-- the same once more, into what the savepoint left
SELECT inserted, rejected FROM purser.bulk_insert('guest', E'id,home\n2,1\n3,9\n1,1\n4,2\n', 'csv', rejects => true);
RELEASE s;
COMMIT;
SELECT id, home FROM guest ORDER BY id;
TABLE bad;
SELECT count(*) FROM purser.load;

-- a retry that is rolled back: its rejects are there again, repaired as they were
UPDATE purser.reject SET raw = '5,1' WHERE raw = 'x,1';
SELECT load_id FROM purser.reject WHERE raw = '5,1' \gset
BEGIN;
SAVEPOINT s;
SELECT inserted, rejected FROM purser.retry_rejects(:load_id);
SELECT count(*) FROM guest;
ROLLBACK TO s;
SELECT count(*) FROM guest;
TABLE bad;
SELECT inserted, rejected FROM purser.retry_rejects(:load_id);
COMMIT;
SELECT count(*) FROM guest;
TABLE bad;
TRUNCATE guest;
DELETE FROM purser.reject;
DELETE FROM purser.load;

-- in a DO block, in a handler's block that fails, and one that goes well
DO $$
DECLARE
    done record;
BEGIN
    SELECT * INTO done FROM purser.bulk_insert('guest', E'id,home\n1,1\n2,x\n3,2\n', 'csv', rejects => true);
    RAISE NOTICE '% in, % bad', done.inserted, done.rejected;
    BEGIN
        PERFORM purser.bulk_insert('guest', E'id,home\n4,1\n5,y\n6,2\n', 'csv', rejects => true);
        RAISE NOTICE 'bad within: %', (SELECT string_agg(raw, ' ') FROM purser.reject WHERE load_id <> done.load_id);
        RAISE EXCEPTION 'never mind';
    EXCEPTION WHEN raise_exception THEN
        RAISE NOTICE '%: % in the table, % bad', SQLERRM, (SELECT count(*) FROM guest), (SELECT count(*) FROM purser.reject);
    END;
    BEGIN
        PERFORM purser.bulk_insert('guest', E'id,home\n7,1\n8,z\n', 'csv', max_rejects => 0);
    EXCEPTION WHEN program_limit_exceeded THEN
        RAISE NOTICE '%', SQLERRM;
    END;
    PERFORM purser.bulk_insert('guest', E'id,home\n4,2\n3,1\n', 'csv', rejects => true);
    UPDATE purser.reject SET raw = '2,2' WHERE load_id = done.load_id;
    SELECT * INTO done FROM purser.retry_rejects(done.load_id);
    RAISE NOTICE '% in again, % bad', done.inserted, done.rejected;
END $$;
SELECT id, home FROM guest ORDER BY id;
TABLE bad;
TRUNCATE guest;
DELETE FROM purser.reject;
DELETE FROM purser.load;

-- a DO block that ends the transaction between loads
DO $$
BEGIN
    PERFORM purser.bulk_insert('guest', E'id,home\n1,1\n2,x\n', 'csv', rejects => true);
    COMMIT;
    PERFORM purser.bulk_insert('guest', E'id,home\n3,1\n4,x\n', 'csv', rejects => true);
    ROLLBACK;
    PERFORM purser.bulk_insert('guest', E'id,home\n5,1\n6,x\n', 'csv', rejects => true);
END $$;
SELECT id, home FROM guest ORDER BY id;
TABLE bad;

-- a transaction that fails takes the rejects of its loads along
DELETE FROM purser.reject;
DELETE FROM purser.load;
BEGIN;
SELECT inserted, rejected FROM purser.bulk_insert('guest', E'id,home\n7,1\n8,x\n', 'csv', rejects => true);
SELECT 1 / 0;
COMMIT;
TABLE bad;
SELECT count(*) FROM purser.load;

SET client_min_messages = warning;
DROP SCHEMA bulk_rejects_transaction CASCADE;
