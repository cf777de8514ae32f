-- Revisions that purser.migrate() runs in batches.
SET client_min_messages = warning;
CREATE SCHEMA online_backfill;
SET search_path = online_backfill;
CREATE ROLE regress_backfill_runner;
CREATE ROLE regress_backfill_reader;
GRANT pg_monitor TO regress_backfill_reader;
-- small batches, whatever the machine's speed
SET purser.backfill_target = 0;
SET purser.backfill_min_size = 1;
CREATE VIEW shown AS SELECT revision, relation, key, state, position, upper_bound, rows_done, percent = 100 AS whole,
	batches, batch_size, error, pid IS NULL AS no_pid FROM purser.backfills;

-- What the header may say
SELECT purser.add_revision('x', 'SELECT 1', batch => '');
SELECT purser.add_revision('x', 'SELECT 1', batch => 'orders id');
SELECT purser.add_revision('x', 'SELECT 1', batch => 'table orders');
SELECT purser.add_revision('x', 'SELECT 1', batch => 'table orders key');
SELECT purser.add_revision('x', 'SELECT 1', batch => 'table "orders key id');
SELECT purser.add_revision('x', 'SELECT 1', batch => 'table a.b.c key id');
SELECT purser.add_revision('x', 'SELECT 1', batch => 'table orders key id size');
SELECT purser.add_revision('x', 'SELECT 1', batch => 'table orders key id size 0');
SELECT purser.add_revision('x', 'SELECT 1', batch => 'table orders key id size 10k');
SELECT purser.add_revision('x', 'SELECT 1', batch => 'table orders key id rows 10');
SELECT purser.add_revision('x', 'SELECT 1', revision => 'x1', batch => 'table orders key id', repeatable => true);
SELECT count(*) FROM purser.revision;

-- Once for each row, in batches; then the revision is in force
CREATE TABLE orders (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, note text);
INSERT INTO orders SELECT i * i, 0 FROM generate_series(-50, 50) i WHERE i >= 0 OR i % 2 = 0 ON CONFLICT DO NOTHING;
CREATE TABLE seen (statement serial, rows bigint);
CREATE FUNCTION saw() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN INSERT INTO online_backfill.seen (rows) SELECT count(*) FROM changed; RETURN NULL; END $$;
CREATE TRIGGER saw AFTER UPDATE ON orders REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION saw();
SELECT purser.load_revision($$-- purser: revision count1
-- purser: parents none
-- purser: message count
-- purser: batch  Table  ORDERS  Key Id  SIZE 20
-- purser: upgrade
UPDATE orders AS o SET n = o.n + 1 WHERE note IS NULL OR note <> 'leave';
-- purser: downgrade
UPDATE orders SET n = n - 1;
-- purser: verify
DO 'BEGIN ASSERT (SELECT bool_and(n = 1) FROM online_backfill.orders); END'
$$);
SELECT purser.export_revision('count1');
CALL purser.migrate();
SELECT n, count(*) FROM orders GROUP BY n;
SELECT rows FROM seen ORDER BY statement;
SELECT * FROM shown;
SELECT revision FROM purser.current();
SELECT id, kind, revision, duration IS NOT NULL AS timed FROM purser.event;
-- the way back is one statement, and then it begins anew
CALL purser.migrate('base', 'downgrade');
SELECT * FROM shown;
SELECT revision FROM purser.upgrade();
SELECT n, count(*) FROM orders GROUP BY n;
SELECT * FROM shown;
SELECT count(*) FROM purser.downgrade('base');
-- a batch that fails: what is before it stays, and so does the position
ALTER TABLE orders ADD CONSTRAINT small CHECK (n = 0 OR id < 1000) NOT VALID;
CALL purser.migrate();
SELECT * FROM shown;
SELECT count(*) FROM orders WHERE n = 1;
SELECT purser.upgrade();
SELECT purser.remove_revision('count1');
SELECT purser.cancel_backfill('count1');
CALL purser.migrate();
SELECT purser.pause_backfill('count1');
SELECT purser.resume_backfill('count1');
ALTER TABLE orders DROP CONSTRAINT small;
-- another order of the keys
ALTER TABLE orders ALTER id TYPE text;
CALL purser.migrate();
ALTER TABLE orders ALTER id TYPE int USING id::int;
-- the last batch and the proof are one
UPDATE orders SET n = 9 WHERE id = 2500;
CALL purser.migrate();
SELECT position, state, error FROM shown;
UPDATE orders SET n = 0 WHERE id = 2500;
CALL purser.migrate();
SELECT n, count(*) FROM orders GROUP BY n;
SELECT purser.pause_backfill('count1');
SELECT purser.resume_backfill('nothing');
SELECT purser.cancel_backfill(NULL);
-- given up, and declared done
SELECT count(*) FROM purser.downgrade('base');
ALTER TABLE orders ADD CONSTRAINT small CHECK (n = 0 OR id < 1000) NOT VALID;
CALL purser.migrate();
SELECT * FROM purser.stamp('base');
SELECT count(*) FROM shown;
CALL purser.migrate();
SELECT * FROM purser.stamp('count1');
SELECT count(*) FROM shown;
SELECT purser.pause_backfill('count1');
-- an empty table
SELECT purser.stamp('base');
TRUNCATE orders;
ALTER TABLE orders DROP CONSTRAINT small;
CALL purser.migrate();
SELECT * FROM shown;
SELECT purser.stamp('base');
BEGIN;
CALL purser.migrate();
ROLLBACK;

-- What cannot be cut
CREATE PROCEDURE try(statement text, batch text) LANGUAGE plpgsql AS $$
	BEGIN
		TRUNCATE purser.revision, purser.applied, purser.event, purser.backfill;
		PERFORM purser.add_revision('try', statement, '', 'try1', batch => batch);
	END $$;
INSERT INTO orders SELECT i, 0 FROM generate_series(1, 10) i;
CREATE TABLE other (id int, order_id int);
CALL try('', 'table orders key id');
CALL purser.migrate();
CALL try('UPDATE orders SET n = 1; UPDATE orders SET n = 2', 'table orders key id');
CALL purser.migrate();
CALL try('SELECT * FROM orders', 'table orders key id');
CALL purser.migrate();
CALL try('INSERT INTO other VALUES (1)', 'table orders key id');
CALL purser.migrate();
CALL try('INSERT INTO other SELECT id FROM orders UNION SELECT 1', 'table orders key id');
CALL purser.migrate();
CALL try('INSERT INTO other SELECT count(*) FROM orders', 'table orders key id');
CALL purser.migrate();
CALL try('INSERT INTO other SELECT DISTINCT n FROM orders', 'table orders key id');
CALL purser.migrate();
CALL try('INSERT INTO other SELECT id, row_number() OVER () FROM orders', 'table orders key id');
CALL purser.migrate();
CALL try('INSERT INTO other SELECT id FROM orders LIMIT 1', 'table orders key id');
CALL purser.migrate();
CALL try('INSERT INTO other SELECT id FROM (SELECT * FROM orders) o', 'table orders key id');
CALL purser.migrate();
CALL try('INSERT INTO other SELECT a.id FROM orders a, orders b', 'table orders key id');
CALL purser.migrate();
CALL try('INSERT INTO other SELECT o.id FROM other LEFT JOIN orders o ON o.id = order_id', 'table orders key id');
CALL purser.migrate();
CALL try('INSERT INTO other SELECT j.n FROM (orders o JOIN other USING (id)) AS j', 'table orders key id');
CALL purser.migrate();
CALL try('INSERT INTO other SELECT o.a FROM orders o (a)', 'table orders key id');
CALL purser.migrate();
CALL try('INSERT INTO orders SELECT id + 100 FROM orders', 'table orders key id');
CALL purser.migrate();
CALL try('WITH gone AS (DELETE FROM other RETURNING id) UPDATE orders SET n = 1', 'table orders key id');
CALL purser.migrate();
CALL try('UPDATE orders SET n = 1, id = id + 1', 'table orders key id');
CALL purser.migrate();
CALL try('UPDATE orders SET n = 1 WHERE CURRENT OF c', 'table orders key id');
CALL purser.migrate();
CALL try('UPDATE other SET id = 1', 'table orders key id');
CALL purser.migrate();
CALL try('UPDATE orders SET n = $1', 'table orders key id');
CALL purser.migrate();
CALL try('UPDATE orders SET nothing = 1', 'table orders key id');
CALL purser.migrate();
-- tables and keys
CALL try('UPDATE orders SET n = 1', 'table nowhere key id');
CALL purser.migrate();
CALL try('UPDATE orders SET n = 1', 'table orders key nothing');
CALL purser.migrate();
CALL try('UPDATE orders SET n = 1', 'table orders key ctid');
CALL purser.migrate();
CALL try('UPDATE orders SET n = 1', 'table orders key n');
CALL purser.migrate();
CREATE INDEX ON orders (n) WHERE n > 0;
CREATE INDEX ON orders (id, n);
CREATE INDEX ON orders ((n + 0));
CREATE INDEX ON orders USING hash (n);
CALL purser.migrate();
CALL try('UPDATE orders SET n = 1', 'table orders key note');
CALL purser.migrate();
CREATE VIEW a_view AS SELECT * FROM orders;
CALL try('UPDATE a_view SET n = 1', 'table a_view key id');
CALL purser.migrate();
CREATE TABLE parent (id int PRIMARY KEY, n int DEFAULT 0);
CREATE TABLE child () INHERITS (parent);
INSERT INTO parent SELECT i FROM generate_series(1, 5) i;
INSERT INTO child SELECT i FROM generate_series(1, 5) i;
CALL try('UPDATE parent SET n = 1', 'table parent key id');
CALL purser.migrate();
CALL try('UPDATE ONLY parent SET n = 1', 'table parent key id size 2');
CALL purser.migrate();
SELECT tableoid::regclass, n, count(*) FROM parent GROUP BY 1, 2 ORDER BY 1;
CREATE TABLE generated (id int PRIMARY KEY, twice int NOT NULL UNIQUE GENERATED ALWAYS AS (id * 2) STORED, n int);
CALL try('UPDATE generated SET n = 1', 'table generated key twice');
CALL purser.migrate();
SELECT count(*) FROM shown;

-- Statements that can
TRUNCATE orders, other, seen;
INSERT INTO orders SELECT i, 0 FROM generate_series(1, 100) i;
INSERT INTO other SELECT i, i % 50 FROM generate_series(1, 100) i;
CREATE UNIQUE INDEX ON other (id);
ALTER TABLE other ALTER id SET NOT NULL;
CALL try('INSERT INTO seen (rows) SELECT o.id FROM orders o LEFT JOIN other ON order_id = o.id WHERE o.id > 90 OR other.id IS NULL ORDER BY 1 DESC',
	'table orders key id size 7');
CALL purser.migrate();
SELECT count(*), count(DISTINCT rows), min(rows), max(rows) FROM seen;
SELECT rows_done, batches FROM shown;
CALL try('UPDATE orders SET n = n + 1 FROM online_backfill.other WHERE other.id = orders.id OR false', 'table other key id size 30');
CALL purser.migrate();
SELECT n, count(*) FROM orders GROUP BY n ORDER BY n;
CALL try('WITH w AS (SELECT 10 AS a) DELETE FROM ONLY orders AS "x y" USING w WHERE id % a = 0 RETURNING *', 'table online_backfill.orders key id size 30');
CALL purser.migrate();
SELECT count(*) FROM orders;
SELECT rows_done, batches FROM shown;

-- Types of keys, with values that their order and their text make hard
SET datestyle = 'SQL, DMY';
SET intervalstyle = 'sql_standard';
SET extra_float_digits = -10;
SET timezone = 'Asia/Kolkata';
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy', 'Ä "x"');
CREATE TABLE kinds (
	small smallint DEFAULT 7 NOT NULL, big bigint NOT NULL, dom positive NOT NULL, num numeric NOT NULL, r real NOT NULL,
	f float8 NOT NULL, t text NOT NULL, c text COLLATE "C" NOT NULL, v varchar(20) NOT NULL, ch char(8) NOT NULL, na name NOT NULL,
	u uuid NOT NULL, ts timestamptz NOT NULL, d date NOT NULL, iv interval NOT NULL, by bytea NOT NULL, b boolean NOT NULL,
	ip inet NOT NULL, m mood NOT NULL, a text[] NOT NULL, rg int4range NOT NULL, j jsonb NOT NULL, mo money NOT NULL,
	n int NOT NULL DEFAULT 0);
INSERT INTO kinds
SELECT i % 5 - 2, i::bigint * 1000000000000 - 30000000000000, i, CASE WHEN i = 60 THEN 'NaN' ELSE i / 7.0 END, i / 7.0::real,
	CASE i WHEN 1 THEN '-infinity' WHEN 59 THEN 'infinity' WHEN 60 THEN 'NaN' ELSE 1e15 + i / 9.0 END,
	substr('Zürich|zebra|a''b|"q"|Öl| x|', i % 7 * 3 + 1, i % 9), 'x' || i % 10, 'v' || i, chr(64 + i % 26), 'n' || i,
	md5(i::text)::uuid, timestamptz '2024-03-31 00:59:59.999999+00' + i * interval '17 minutes 0.000001 second',
	CASE i WHEN 1 THEN '-infinity' WHEN 60 THEN 'infinity' ELSE date '2024-01-31' + i END, i * interval '-1 month 3 days 00:00:00.5',
	decode(md5(i::text), 'hex'), i % 2 = 0, ('10.0.' || i || '.1/24')::inet, (enum_range(NULL::mood))[1 + i % 4],
	ARRAY['a,' || i % 7, NULL, '{"'], int4range(i % 9, i + 10), jsonb_build_object('k', i % 11), i * 1.01
FROM generate_series(1, 60) i;
DO $$
	DECLARE col text;
	BEGIN
		FOR col IN SELECT attname FROM pg_attribute WHERE attrelid = 'kinds'::regclass AND attnum > 0 AND attname <> 'n' LOOP
			EXECUTE format('CREATE INDEX ON kinds (%I %s)', col, CASE WHEN length(col) = 1 THEN 'DESC' END);
		END LOOP;
	END $$;
CREATE PROCEDURE each_kind() LANGUAGE plpgsql AS $$
	DECLARE col text; wrong int; parts int; done int;
	BEGIN
		FOR col IN SELECT attname FROM pg_attribute WHERE attrelid = 'kinds'::regclass AND attnum > 0 AND attname <> 'n'
			ORDER BY attnum LOOP
			UPDATE kinds SET n = 0;
			CALL try('UPDATE kinds SET n = n + 1', format('table kinds key %I size 7', col));
			COMMIT;
			CALL purser.migrate();
			SELECT count(*) INTO wrong FROM kinds WHERE n <> 1;
			SELECT batches, rows_done INTO parts, done FROM purser.backfills;
			RAISE WARNING '%: wrong %, batches %, rows %', col, wrong, parts, done;
		END LOOP;
	END $$;
CALL each_kind();
RESET datestyle;
RESET intervalstyle;
RESET extra_float_digits;
RESET timezone;
-- a partitioned table, by its parent's index
CREATE TABLE parts (id int NOT NULL, half int NOT NULL, n int NOT NULL DEFAULT 0) PARTITION BY LIST (half);
CREATE TABLE parts0 PARTITION OF parts FOR VALUES IN (0);
CREATE TABLE parts1 PARTITION OF parts FOR VALUES IN (1);
INSERT INTO parts SELECT i, i % 2 FROM generate_series(1, 100) i;
CALL try('UPDATE parts SET n = n + 1, half = 1 - half', 'table parts key id size 9');
CALL purser.migrate();
CREATE INDEX ON parts (id);
CALL purser.migrate();
SELECT tableoid::regclass, n, count(*) FROM parts GROUP BY 1, 2 ORDER BY 1, 2;
-- by way of a partition, or of the table that it is a partition of, a key could change
CALL try('UPDATE parts1 SET id = parts1.id + 5 FROM parts p WHERE p.id = parts1.id', 'table parts key id');
CALL purser.migrate();
CREATE INDEX ON parts1 (id, n);
CALL try('UPDATE parts SET n = 7 FROM parts1 p WHERE p.id = parts.id', 'table parts1 key id');
CALL purser.migrate();

-- Names
CREATE SCHEMA "Sche.ma";
CREATE TABLE "Sche.ma"."Ord'er ""s" ("k;ey" text COLLATE "C" PRIMARY KEY, n int NOT NULL DEFAULT 0);
INSERT INTO "Sche.ma"."Ord'er ""s" SELECT 'k''"' || i FROM generate_series(1, 30) i;
CALL try('UPDATE "Sche.ma"."Ord''er ""s" SET n = n + 1', 'table "Sche.ma"."Ord''er ""s" key "k;ey" size 4');
CALL purser.migrate();
SELECT n, count(*) FROM "Sche.ma"."Ord'er ""s" GROUP BY n;
SELECT * FROM shown;

-- A trap in the search_path is not stepped into
CREATE SCHEMA trap;
CREATE FUNCTION trap.yes(int, int) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION trap.no(int, int) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR trap.> (FUNCTION = trap.yes, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR trap.<= (FUNCTION = trap.yes, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR trap.< (FUNCTION = trap.no, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR trap.= (FUNCTION = trap.no, LEFTARG = int, RIGHTARG = int);
CALL try('UPDATE online_backfill.orders SET n = 0', 'table orders key id size 9');
CALL purser.migrate();
CALL try('UPDATE orders SET n = n + 1', 'table orders key id size 9');
SET search_path = trap, online_backfill, pg_catalog;
CALL purser.migrate();
SET search_path = online_backfill;
SELECT n, count(*) FROM orders GROUP BY n;

-- Settings last for a batch
CREATE FUNCTION set_path() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN SET search_path = nowhere; SET lock_timeout = '1h'; RETURN NEW; END $$;
CREATE TRIGGER set_path BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION set_path();
CALL try('UPDATE orders SET n = n + 1', 'table orders key id size 9');
CALL purser.migrate();
SHOW search_path;
SHOW lock_timeout;
DROP TRIGGER set_path ON orders;
SELECT n, count(*) FROM orders GROUP BY n;

-- Who may do what
SELECT proname FROM pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner))) a
WHERE pronamespace = 'purser'::regnamespace AND proname LIKE '%backfill'
	AND (a.grantee = 0 OR prosecdef OR obj_description(p.oid, 'pg_proc') IS NULL);
SELECT attname FROM pg_attribute WHERE attrelid = 'purser.backfill'::regclass AND attnum > 0
	AND col_description(attrelid, attnum) IS NULL;
CALL try('UPDATE orders SET n = 5', 'table orders key id size 40');
SET ROLE regress_backfill_reader;
SELECT count(*) FROM purser.backfills;
SELECT purser.pause_backfill('try1');
SELECT purser.resume_backfill('try1');
SELECT purser.cancel_backfill('try1');
RESET ROLE;
GRANT USAGE ON SCHEMA online_backfill TO regress_backfill_runner;
GRANT EXECUTE ON ALL PROCEDURES IN SCHEMA purser TO regress_backfill_runner;
SET ROLE regress_backfill_runner;
SELECT * FROM purser.backfills;
CALL purser.migrate();
RESET ROLE;
GRANT UPDATE ON orders TO regress_backfill_runner;
SET ROLE regress_backfill_runner;
CALL purser.migrate();
RESET ROLE;
GRANT SELECT (id) ON orders TO regress_backfill_runner;
ALTER TABLE orders DISABLE TRIGGER saw;
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY half ON orders USING (id <= 50);
SET ROLE regress_backfill_runner;
CALL purser.migrate();
RESET ROLE;
SELECT n, count(*), max(id) FROM orders GROUP BY n ORDER BY n;
SELECT upper_bound, rows_done, batches FROM shown;

TRUNCATE purser.revision, purser.applied, purser.event, purser.backfill;
REVOKE EXECUTE ON ALL PROCEDURES IN SCHEMA purser FROM regress_backfill_runner;
DROP SCHEMA online_backfill, "Sche.ma", trap CASCADE;
DROP ROLE regress_backfill_runner, regress_backfill_reader;
