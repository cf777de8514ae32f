-- Parents that the load's own triggers and defaults take away: a row that comes later has none.
CREATE TABLE bulk_home (id int PRIMARY KEY);
CREATE TABLE bulk_guest (id int, home int REFERENCES bulk_home ON DELETE CASCADE ON UPDATE CASCADE);
CREATE FUNCTION bulk_leave(guest int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    IF guest = 5 THEN DELETE FROM bulk_home WHERE id = 1; END IF;
    IF guest = 6 THEN UPDATE bulk_home SET id = 3 WHERE id = 2; END IF;
    RETURN guest;
END $$;
CREATE FUNCTION bulk_leave() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bulk_leave(NEW.id);
    RETURN NEW;
END $$;
CREATE FUNCTION bulk_guests(many int, home int) RETURNS text LANGUAGE sql AS
    $$ SELECT E'id,home\n' || string_agg(format('%s,%s', i, home), E'\n' ORDER BY i) FROM generate_series(1, many) i $$;
CREATE VIEW bulk_homeless AS SELECT count(*) FROM bulk_guest WHERE home NOT IN (SELECT id FROM bulk_home);
INSERT INTO bulk_home VALUES (1), (2);

-- before rows
CREATE TRIGGER leave BEFORE INSERT ON bulk_guest FOR EACH ROW EXECUTE FUNCTION bulk_leave();
INSERT INTO bulk_guest SELECT i, 1 FROM generate_series(1, 10) i;
SELECT * FROM purser.bulk_insert('bulk_guest', bulk_guests(10, 1), 'csv');
SELECT * FROM purser.bulk_insert('bulk_guest', bulk_guests(10, 2), 'csv');
SELECT inserted, rejected FROM purser.bulk_insert('bulk_guest', bulk_guests(10, 1), 'csv', rejects => true);
SELECT row_number, sqlstate, message FROM purser.reject ORDER BY row_number;
TABLE bulk_homeless;
DROP TRIGGER leave ON bulk_guest;

-- in a default
TRUNCATE bulk_guest, bulk_home;
DELETE FROM purser.reject;
DELETE FROM purser.load;
INSERT INTO bulk_home VALUES (1), (2);
CREATE SEQUENCE bulk_guest_number;
ALTER TABLE bulk_guest ADD number int DEFAULT bulk_leave(nextval('bulk_guest_number')::int);
SELECT * FROM purser.bulk_insert('bulk_guest', bulk_guests(10, 1), 'csv');
TABLE bulk_homeless;
ALTER TABLE bulk_guest DROP number;

-- after rows, which with rejects does not wait for the end: later rows have no parent
CREATE TRIGGER leave AFTER INSERT ON bulk_guest FOR EACH ROW EXECUTE FUNCTION bulk_leave();
SELECT inserted, rejected FROM purser.bulk_insert('bulk_guest', bulk_guests(3000, 1), 'csv', rejects => true);
TABLE bulk_homeless;
SELECT DISTINCT sqlstate, message FROM purser.reject;
TRUNCATE bulk_guest, bulk_home;
INSERT INTO bulk_home VALUES (1), (2);
-- runs within a batch
SELECT inserted, rejected FROM purser.bulk_insert('bulk_guest', replace(bulk_guests(900, 1), E'\n3,', E'\nx,'), 'csv', rejects => true);
TABLE bulk_homeless;
TRUNCATE bulk_guest, bulk_home;
INSERT INTO bulk_home VALUES (1), (2);
SELECT inserted, rejected FROM purser.bulk_insert('bulk_guest', replace(bulk_guests(900, 1), E'\n3,1', E'\n3,77'), 'csv', rejects => true);
TABLE bulk_homeless;

-- of one partition, whose rows are not those that lose their parent; others are refused in between
CREATE TABLE bulk_lodger (LIKE bulk_guest, FOREIGN KEY (home) REFERENCES bulk_home) PARTITION BY LIST (home);
CREATE TABLE bulk_lodger1 PARTITION OF bulk_lodger FOR VALUES IN (1);
CREATE TABLE bulk_lodger2 PARTITION OF bulk_lodger FOR VALUES IN (2, 77);
CREATE TRIGGER leave AFTER INSERT ON bulk_lodger2 FOR EACH ROW WHEN (NEW.id = 5) EXECUTE FUNCTION bulk_leave();
DELETE FROM purser.reject;
TRUNCATE bulk_guest, bulk_home, bulk_lodger;
INSERT INTO bulk_home VALUES (1), (2);
SELECT inserted, rejected FROM purser.bulk_insert('bulk_lodger', E'id,home\n1,77\n4,2\n2,77\n5,2\n3,77\n6,1\n7,1\n8,77\n9,2\n', 'csv', rejects => true);
SELECT id, home FROM bulk_lodger ORDER BY id;
SELECT row_number, sqlstate FROM purser.reject ORDER BY row_number;
SELECT id FROM bulk_home;
DROP TABLE bulk_lodger;

DELETE FROM purser.reject;
DELETE FROM purser.load;
DROP VIEW bulk_homeless;
DROP TABLE bulk_guest, bulk_home;
DROP SEQUENCE bulk_guest_number;
DROP FUNCTION bulk_guests, bulk_leave(), bulk_leave(int);
