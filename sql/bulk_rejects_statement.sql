-- Rejects where rows go by statement: what a statement for each row, in the order of the input, would have left.
CREATE SCHEMA bulk_rejects_statement;
SET search_path = bulk_rejects_statement;
CREATE FUNCTION show_rejects(id bigint) RETURNS TABLE (row_number bigint, line_number bigint, column_name text, raw text, sqlstate text, message text)
LANGUAGE sql AS 'SELECT row_number, line_number, column_name, raw, sqlstate, message FROM purser.reject WHERE load_id = id ORDER BY number';
CREATE FUNCTION load_id() RETURNS bigint LANGUAGE sql AS 'SELECT max(load_id) FROM purser.load';

-- Every kind of bad row, in a view.
CREATE TABLE port (code text PRIMARY KEY);
INSERT INTO port VALUES ('oslo'), ('lima');
CREATE TABLE t (id int PRIMARY KEY, port text REFERENCES port, days int CHECK (days > 0), note text NOT NULL DEFAULT 'table');
CREATE VIEW v AS SELECT id, port, days, note FROM t WHERE id < 100 WITH CHECK OPTION;
SELECT inserted, rejected, load_id IS NOT NULL AS has_id FROM purser.bulk_insert('v',
    E'id,port,days,note\n1,oslo,5,a\n2,rome,4,b\n1,lima,6,c\n4,lima,soon,d\n5,lima,0,e\n6,lima\n7,lima,9,\n8,oslo,1,f\n100,oslo,1,g\n9,oslo,2,h\n', 'csv', rejects => true);
SELECT * FROM show_rejects(load_id());
TABLE t ORDER BY id;
UPDATE purser.reject SET raw = replace(replace(replace(raw, 'soon', '7'), 'rome', 'oslo'), ',0,', ',3,') WHERE load_id = load_id();
SELECT inserted, rejected FROM purser.retry_rejects(load_id());
SELECT * FROM show_rejects(load_id());
-- Too many: nothing is there.
SELECT purser.bulk_insert('v', '[{"id": 50}, {"id": 50}, {"id": "x"}]', max_rejects => 1);
SELECT count(*) FROM t WHERE id = 50;
SELECT inserted, rejected FROM purser.bulk_insert('v', '[{"id": 50}, {"id": 50}, {"id": "x"}]', max_rejects => 2);
SELECT line_number, raw, sqlstate FROM purser.reject WHERE load_id = load_id() ORDER BY number;
-- No bad rows, no rows, all rows bad; jsonb; an unknown key; a missing default.
SELECT * FROM purser.bulk_insert('v', '[{"id": 51}, {"id": 52, "note": "x"}]', rejects => true);
SELECT * FROM purser.bulk_insert('v', '[]', rejects => true);
SELECT inserted, rejected FROM purser.bulk_insert('v', '[{"id": 51}, {"nope": 1}, {"id": 53, "note": null}, {"days": 1}]'::jsonb, rejects => true);
SELECT * FROM show_rejects(load_id());

-- No row is to blame: privileges, a statement trigger.
CREATE ROLE regress_bulk_rejects_statement;
GRANT USAGE ON SCHEMA bulk_rejects_statement TO regress_bulk_rejects_statement;
CREATE TABLE hidden (id int PRIMARY KEY, a int);
CREATE TABLE secured (id int PRIMARY KEY, owner text DEFAULT current_user, v int CHECK (v > 0));
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON secured USING (owner = current_user) WITH CHECK (owner = current_user AND id < 10);
GRANT ALL ON secured TO regress_bulk_rejects_statement;
CREATE VIEW invoker WITH (security_invoker) AS TABLE hidden;
GRANT INSERT ON invoker TO regress_bulk_rejects_statement;
SET ROLE regress_bulk_rejects_statement;
SELECT purser.bulk_insert('invoker', '[{"id": 1}, {"id": 2}]', rejects => true);
-- Policies hold for each row.
SELECT inserted, rejected FROM purser.bulk_insert('secured', '[{"id": 1, "v": 1}, {"id": 10, "v": 1}, {"id": 2, "v": 0}, {"id": 3, "owner": "somebody"}, {"id": 4}]', rejects => true);
SELECT * FROM show_rejects((SELECT max(load_id) FROM purser.load));
SELECT inserted, updated, skipped, rejected FROM purser.bulk_insert('secured', '[{"id": 1, "v": 7}, {"id": 5, "v": 7}, {"id": 5, "v": -1}, {"id": 5, "v": 8}, {"id": 12}]', on_conflict => 'update', rejects => true);
RESET ROLE;
TABLE secured ORDER BY id;
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no statements today'; END $$;
CREATE TRIGGER fail BEFORE INSERT ON hidden EXECUTE FUNCTION fail();
CREATE VIEW failing AS TABLE hidden;
SELECT purser.bulk_insert('failing', '[{"id": 1}, {"id": 2}]', rejects => true);

-- A thousand rows and many kinds of errors, against an INSERT for each row.
CREATE TABLE want (id int PRIMARY KEY, k int UNIQUE, port text REFERENCES port, v int CHECK (v % 13 <> 0), seen int);
CREATE TABLE got (LIKE want INCLUDING ALL);
ALTER TABLE got ADD FOREIGN KEY (port) REFERENCES port;
CREATE FUNCTION before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.v % 17 = 0 THEN RAISE EXCEPTION 'before %', NEW.v; END IF;
    IF NEW.v % 19 = 0 THEN RETURN NULL; END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION after() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.v % 23 = 0 THEN RAISE EXCEPTION 'after %', NEW.v; END IF; RETURN NULL; END $$;
CREATE TRIGGER before BEFORE INSERT ON want FOR EACH ROW EXECUTE FUNCTION before();
CREATE TRIGGER before BEFORE INSERT ON got FOR EACH ROW EXECUTE FUNCTION before();
CREATE TRIGGER after AFTER INSERT OR UPDATE ON want FOR EACH ROW EXECUTE FUNCTION after();
CREATE TRIGGER after AFTER INSERT OR UPDATE ON got FOR EACH ROW EXECUTE FUNCTION after();
CREATE VIEW into_got AS TABLE got;
CREATE TABLE input AS SELECT i AS n, (i * 7) % 901 AS id, (i * 3) % 1201 AS k, CASE WHEN i % 29 = 0 THEN 'rome' ELSE 'oslo' END AS port, i % 97 + 1 AS v FROM generate_series(1, 1500) i;
CREATE FUNCTION as_csv() RETURNS text LANGUAGE sql AS $$
    SELECT E'id,k,port,v\n' || string_agg(concat_ws(',', id, k, port, v), E'\n' ORDER BY n) FROM input $$;
CREATE TABLE bad (n int, sqlstate text);
CREATE PROCEDURE row_by_row(clause text) LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
    FOR r IN SELECT * FROM input ORDER BY n LOOP
        BEGIN
            EXECUTE 'INSERT INTO want (id, k, port, v) VALUES ($1, $2, $3, $4)' || clause USING r.id, r.k, r.port, r.v;
        EXCEPTION WHEN OTHERS THEN INSERT INTO bad VALUES (r.n, SQLSTATE);
        END;
    END LOOP;
END $$;
CREATE VIEW differs AS SELECT (SELECT count(*) FROM (TABLE want EXCEPT TABLE got) x) AS missing, (SELECT count(*) FROM (TABLE got EXCEPT TABLE want) x) AS wrong,
    (SELECT count(*) FROM (SELECT n, sqlstate FROM bad EXCEPT SELECT row_number, sqlstate FROM purser.reject WHERE load_id = load_id()) x) AS not_rejected,
    (SELECT count(*) FROM (SELECT row_number, sqlstate FROM purser.reject WHERE load_id = load_id() EXCEPT SELECT n, sqlstate FROM bad) x) AS rejected_wrongly;
CALL row_by_row('');
SELECT inserted, updated, skipped, rejected FROM purser.bulk_insert('into_got', as_csv(), 'csv', rejects => true);
SELECT (SELECT count(*) FROM want) AS want, * FROM differs;
TRUNCATE want, got, bad;
CALL row_by_row(' ON CONFLICT DO NOTHING');
SELECT inserted, updated, skipped, rejected FROM purser.bulk_insert('into_got', as_csv(), 'csv', on_conflict => 'skip', rejects => true);
SELECT (SELECT count(*) FROM want) AS want, * FROM differs;
TRUNCATE want, got, bad;
CALL row_by_row(' ON CONFLICT (id) DO UPDATE SET k = excluded.k, port = excluded.port, v = excluded.v');
SELECT inserted, updated, skipped, rejected FROM purser.bulk_insert('into_got', as_csv(), 'csv', on_conflict => 'update', conflict_columns => '{id}', rejects => true);
SELECT (SELECT count(*) FROM want) AS want, * FROM differs;
-- Objects with different keys.
TRUNCATE want, got, bad;
INSERT INTO want SELECT i, i, 'oslo', 1, 1 FROM generate_series(1, 40) i;
INSERT INTO got TABLE want;
SELECT inserted, updated, skipped, rejected FROM purser.bulk_insert('into_got', (SELECT json_agg(CASE i % 3 WHEN 0 THEN json_build_object('id', i % 20, 'v', i) WHEN 1 THEN json_build_object('id', i % 20, 'seen', i)
    ELSE json_build_object('id', i % 20, 'k', i, 'v', i) END) FROM generate_series(1, 60) i), on_conflict => 'update', conflict_columns => '{id}', rejects => true);
DO $$
BEGIN
    FOR i IN 1..60 LOOP
        BEGIN
            CASE i % 3 WHEN 0 THEN INSERT INTO want (id, v) VALUES (i % 20, i) ON CONFLICT (id) DO UPDATE SET v = excluded.v;
                WHEN 1 THEN INSERT INTO want (id, seen) VALUES (i % 20, i) ON CONFLICT (id) DO UPDATE SET seen = excluded.seen;
                ELSE INSERT INTO want (id, k, v) VALUES (i % 20, i, i) ON CONFLICT (id) DO UPDATE SET k = excluded.k, v = excluded.v; END CASE;
        EXCEPTION WHEN OTHERS THEN INSERT INTO bad VALUES (i, SQLSTATE);
        END;
    END LOOP;
END $$;
SELECT (SELECT count(*) FROM want) AS want, * FROM differs;

-- Rules, INSTEAD OF triggers, a partitioned table with policies, a table of another server.
CREATE TABLE log (what text CHECK (what <> 'also 3'));
CREATE TABLE ruled (id int CHECK (id <> 4));
CREATE RULE also AS ON INSERT TO ruled DO ALSO INSERT INTO log VALUES ('also ' || NEW.id);
SELECT inserted, rejected FROM purser.bulk_insert('ruled', (SELECT json_agg(json_build_object('id', i)) FROM generate_series(1, 40) i), rejects => true);
SELECT * FROM show_rejects(load_id());
SELECT (SELECT count(*) FROM log) AS log, (SELECT count(*) FROM ruled) AS ruled;
CREATE VIEW instead AS SELECT 1 AS id;
CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.id = 2 THEN RETURN NULL; END IF; INSERT INTO t (id, days) VALUES (NEW.id + 60, NEW.id - 3); RETURN NEW; END $$;
CREATE TRIGGER instead INSTEAD OF INSERT ON instead FOR EACH ROW EXECUTE FUNCTION instead();
SELECT inserted, rejected FROM purser.bulk_insert('instead', '[{"id": 1}, {"id": 2}, {"id": 3}, {"id": 4}, {"id": 5}]', rejects => true);
SELECT row_number, sqlstate, relation FROM purser.reject WHERE load_id = load_id();
CREATE TABLE parted (id int PRIMARY KEY, owner text DEFAULT current_user, v int) PARTITION BY RANGE (id);
CREATE TABLE low PARTITION OF parted FOR VALUES FROM (0) TO (100);
CREATE TABLE high (v int, owner text DEFAULT current_user, id int NOT NULL);
ALTER TABLE parted ATTACH PARTITION high FOR VALUES FROM (100) TO (200);
ALTER TABLE parted ENABLE ROW LEVEL SECURITY;
CREATE POLICY small ON parted USING (v < 10);
GRANT ALL ON parted TO regress_bulk_rejects_statement;
SET ROLE regress_bulk_rejects_statement;
SELECT inserted, rejected FROM purser.bulk_insert('parted', '[{"id": 1, "v": 1}, {"id": 101, "v": 10}, {"id": 102, "v": 9}, {"id": 300, "v": 1}, {"id": 1, "v": 3}, {"id": 5, "v": 1}]', rejects => true);
SELECT row_number, sqlstate FROM purser.reject WHERE load_id = (SELECT max(load_id) FROM purser.load) ORDER BY number;
-- What was inserted and what was updated is told for partitions, too.
SELECT inserted, updated FROM purser.bulk_insert('parted', '[{"id": 1, "v": 5}, {"id": 102, "v": 6}, {"id": 103, "v": 6}, {"id": 5, "v": 7}]', on_conflict => 'update');
RESET ROLE;
SELECT id, v FROM parted ORDER BY id;
CREATE EXTENSION postgres_fdw;
SELECT current_setting('port') AS port, current_database() AS db, split_part(current_setting('unix_socket_directories'), ',', 1) AS dir \gset
CREATE SERVER regress_bulk_rejects FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname :'db', port :'port', host :'dir', batch_size '10');
CREATE USER MAPPING FOR CURRENT_USER SERVER regress_bulk_rejects;
CREATE TABLE remote (id int PRIMARY KEY, name text CHECK (name <> 'bad'));
CREATE FOREIGN TABLE far (id int NOT NULL, name text DEFAULT 'far') SERVER regress_bulk_rejects OPTIONS (schema_name 'bulk_rejects_statement', table_name 'remote');
SELECT inserted, rejected FROM purser.bulk_insert('far', (SELECT json_agg(json_build_object('id', i % 50, 'name', CASE i WHEN 7 THEN 'bad' END)) FROM generate_series(1, 60) i), rejects => true);
SELECT row_number, sqlstate, raw FROM purser.reject WHERE load_id = load_id() ORDER BY number;
SELECT count(*), sum(id) FROM far;

-- Few subtransactions for good rows: a transaction id for each run that writes.
CREATE TABLE counted (id int PRIMARY KEY, xid text DEFAULT NULL);
CREATE VIEW into_counted AS SELECT id FROM counted;
SELECT inserted FROM purser.bulk_insert('into_counted', (SELECT E'id\n' || string_agg(i::text, E'\n') FROM generate_series(1, 7000) i), 'csv', rejects => true);
SELECT count(DISTINCT xmin::text) FROM counted;

DELETE FROM purser.reject;
DELETE FROM purser.load;
SET client_min_messages = warning;
DROP SCHEMA bulk_rejects_statement CASCADE;
DROP OWNED BY regress_bulk_rejects_statement;
DROP ROLE regress_bulk_rejects_statement;
