-- Foreign keys of a load: distinct keys are looked up once, and everything else is as for INSERT.
CREATE SCHEMA bulk_foreign;
SET search_path = bulk_foreign, public;
CREATE TABLE port (id int PRIMARY KEY, code text UNIQUE, country char(2), number bigint, UNIQUE (country, number));
INSERT INTO port VALUES (1, 'HAM', 'DE', 1), (2, 'ROT', 'NL', 1), (3, 'ANR', 'BE', 7);

-- Each distinct key is looked up once.
CREATE TABLE ship (id int PRIMARY KEY, port int REFERENCES port, code text REFERENCES port (code));
BEGIN;
SELECT inserted FROM purser.bulk_insert('ship', (SELECT json_agg(json_build_object('id', i, 'port', i % 3 + 1, 'code', 'HAM')) FROM generate_series(1, 2500) i));
SELECT idx_scan FROM pg_stat_xact_user_tables WHERE relid = 'port'::regclass;
COMMIT;
SELECT port, code, count(*) FROM ship GROUP BY 1, 2 ORDER BY 1;
-- Parents are locked as by INSERT.
BEGIN;
SELECT inserted FROM purser.bulk_insert('ship', '[{"id": 3001, "port": 2}, {"id": 3002, "port": null}]');
SELECT id, xmax <> '0' AS locked FROM port ORDER BY id;
ROLLBACK;
-- What is not found is the trigger's to report.
SELECT inserted FROM purser.bulk_insert('ship', '[{"id": 4001, "port": 1}, {"id": 4002, "port": 9}]');
SELECT inserted FROM purser.bulk_insert('ship', '[{"id": 4001, "port": 1, "code": "XXX"}]');
SELECT count(*) FROM ship WHERE id > 3000;

-- Several columns, in another order than the index has them; kinds of match.
CREATE TABLE simple (n bigint, c char(2), FOREIGN KEY (n, c) REFERENCES port (number, country));
CREATE TABLE whole (n bigint, c char(2), FOREIGN KEY (n, c) REFERENCES port (number, country) MATCH FULL);
SELECT inserted FROM purser.bulk_insert('simple', '[{"n": 1, "c": "DE"}, {"n": 7, "c": "BE"}, {"n": 99, "c": null}, {}]');
SELECT inserted FROM purser.bulk_insert('whole', '[{"n": 1, "c": "DE"}, {}]');
SELECT inserted FROM purser.bulk_insert('simple', '[{"n": 7, "c": "DE"}]');
SELECT inserted FROM purser.bulk_insert('whole', '[{"n": 1, "c": "DE"}, {"n": 99}]');
-- Types of the two sides differ: within the operator family, or by a cast.
CREATE TABLE narrow (p smallint REFERENCES port, n int);
CREATE TABLE loose (v varchar(5) REFERENCES port (code), f numeric);
SELECT inserted FROM purser.bulk_insert('narrow', '[{"p": 1}, {"p": 3}]');
SELECT inserted FROM purser.bulk_insert('loose', '[{"v": "HAM"}, {"v": "ROT"}]');
SELECT inserted FROM purser.bulk_insert('narrow', '[{"p": 4}]');
SELECT inserted FROM purser.bulk_insert('loose', '[{"v": "HAM "}]');
-- Equal is what the index says: a number in two forms.
CREATE TABLE rate (r numeric PRIMARY KEY);
CREATE TABLE toll (r numeric REFERENCES rate);
INSERT INTO rate VALUES (1.50);
SELECT inserted FROM purser.bulk_insert('toll', '[{"r": 1.5}, {"r": "1.500"}, {"r": 1.50}]');

-- Left to the triggers: a table that refers to itself, deferrable constraints, partitioned parents.
CREATE TABLE crew (id int PRIMARY KEY, boss int REFERENCES crew);
SELECT inserted FROM purser.bulk_insert('crew', '[{"id": 1, "boss": 2}, {"id": 2, "boss": null}]');
SELECT inserted FROM purser.bulk_insert('crew', '[{"id": 3, "boss": 4}]');
CREATE TABLE later (p int REFERENCES port DEFERRABLE INITIALLY DEFERRED);
BEGIN;
SELECT inserted FROM purser.bulk_insert('later', '[{"p": 5}]');
INSERT INTO port VALUES (5);
COMMIT;
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
INSERT INTO parts VALUES (1);
CREATE TABLE of_parts (p int REFERENCES parts);
SELECT inserted FROM purser.bulk_insert('of_parts', '[{"p": 1}]');
SELECT inserted FROM purser.bulk_insert('of_parts', '[{"p": 2}]');
-- Triggers of the user fire beside; one that makes the parent is in time.
CREATE TABLE trip (id int, p int REFERENCES port);
CREATE FUNCTION make_port() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO port VALUES (NEW.p) ON CONFLICT DO NOTHING;
    RETURN NEW;
END $$;
CREATE TRIGGER "A_first" AFTER INSERT ON trip FOR EACH ROW EXECUTE FUNCTION make_port();
SELECT inserted FROM purser.bulk_insert('trip', '[{"id": 1, "p": 1}, {"id": 2, "p": 70}, {"id": 3, "p": 1}]');
SELECT count(*) FROM port WHERE id = 70;
-- A trigger that takes the parent away again is found out.
CREATE OR REPLACE FUNCTION make_port() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM port WHERE id = 70;
    RETURN NEW;
END $$;
DELETE FROM trip;
SELECT inserted FROM purser.bulk_insert('trip', '[{"id": 1, "p": 70}]');
-- Constraints that are off.
ALTER TABLE ship DISABLE TRIGGER ALL;
SELECT inserted FROM purser.bulk_insert('ship', '[{"id": 5001, "port": 9}]');
ALTER TABLE ship ENABLE TRIGGER ALL;
DELETE FROM ship WHERE id = 5001;
BEGIN;
SET LOCAL session_replication_role = replica;
SELECT inserted FROM purser.bulk_insert('ship', '[{"id": 5001, "port": 9}]');
ROLLBACK;
-- The parent's owner may not read it: as for INSERT, in whose words the context is.
\set SHOW_CONTEXT never
CREATE ROLE regress_bulk_owner;
CREATE ROLE regress_bulk_loader;
GRANT USAGE ON SCHEMA bulk_foreign TO regress_bulk_owner, regress_bulk_loader;
GRANT INSERT ON simple, ship TO regress_bulk_loader;
ALTER TABLE port OWNER TO regress_bulk_owner;
REVOKE ALL ON port FROM regress_bulk_owner;
INSERT INTO ship VALUES (6001, 1);
SELECT inserted FROM purser.bulk_insert('ship', '[{"id": 6001, "port": 1}]');
\set SHOW_CONTEXT errors
GRANT ALL ON port TO regress_bulk_owner;
-- The loader needs no privilege on the parent, and row-level security there does not bind the check.
ALTER TABLE port ENABLE ROW LEVEL SECURITY;
SET ROLE regress_bulk_loader;
SELECT inserted FROM purser.bulk_insert('ship', '[{"id": 6001, "port": 1}]');
SELECT inserted FROM purser.bulk_insert('ship', '[{"id": 6002, "port": 9}]');
RESET ROLE;
-- Isolation levels.
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT inserted FROM purser.bulk_insert('ship', '[{"id": 7001, "port": 2}]');
COMMIT;
SET client_min_messages = warning;
DROP SCHEMA bulk_foreign CASCADE;
DROP ROLE regress_bulk_owner, regress_bulk_loader;
