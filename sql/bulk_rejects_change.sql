-- Rejects of bulk_update and bulk_delete: what an UPDATE, or a DELETE, for each row would have left.
CREATE SCHEMA bulk_rejects_change;
SET search_path = bulk_rejects_change;
CREATE FUNCTION show_rejects() RETURNS TABLE (row_number bigint, column_name text, value text, raw text, sqlstate text, message text)
LANGUAGE sql AS 'SELECT row_number, column_name, value, raw, sqlstate, message FROM purser.reject WHERE load_id = (SELECT max(load_id) FROM purser.load) ORDER BY number';
CREATE FUNCTION load_id() RETURNS bigint LANGUAGE sql AS 'SELECT max(load_id) FROM purser.load';
CREATE TABLE port (code text PRIMARY KEY);
INSERT INTO port VALUES ('oslo'), ('lima'), ('cork');
CREATE TABLE t (id int PRIMARY KEY, port text REFERENCES port, days int CHECK (days > 0), name text UNIQUE NOT NULL);
INSERT INTO t SELECT i, 'oslo', i, 'n' || i FROM generate_series(1, 10) i;

SELECT inserted, updated, skipped, rejected FROM purser.bulk_update('t', E'id,port,days,name\n1,lima,2,a\n2,rome,3,b\n3,lima,0,c\n4,lima,soon,d\n99,lima,1,e\n5,lima,5,a\n6,lima,6,\n7,lima\n8,lima,8,h\n', format => 'csv', rejects => true);
SELECT * FROM show_rejects();
SELECT * FROM t WHERE port <> 'oslo' ORDER BY id;
SELECT verb, key_columns, target FROM purser.load WHERE load_id = load_id();
UPDATE purser.reject SET raw = replace(replace(replace(raw, 'soon', '7'), 'rome', 'cork'), ',0,', ',3,') WHERE load_id = load_id();
SELECT inserted, updated, skipped, rejected FROM purser.retry_rejects(load_id());
SELECT * FROM show_rejects();
SELECT * FROM t WHERE port <> 'oslo' ORDER BY id;
DELETE FROM purser.load WHERE load_id = load_id();
DELETE FROM purser.reject;
-- Objects with different keys, a row without its key, another key; the same key again: each row counts, in order.
SELECT updated, skipped, rejected FROM purser.bulk_update('t', '[{"name": "n9", "days": 90}, {"name": "n9", "port": "rome"}, {"name": "n9", "port": "cork"}, {"days": 1}, {"name": "n10", "days": -1}, {"name": null, "days": 1}, {"name": "n10"}]', '{name}', rejects => true);
SELECT row_number, raw, sqlstate FROM show_rejects();
SELECT verb, key_columns FROM purser.load WHERE load_id = load_id();
SELECT * FROM t WHERE id IN (9, 10) ORDER BY id;
SELECT purser.bulk_update('t', '[{"id": 9, "days": 0}, {"id": 10, "days": 0}]', max_rejects => 1);
SELECT updated, rejected FROM purser.bulk_update('t', '[{"id": 9, "days": 0}, {"id": 10, "days": 7}]', max_rejects => 1);
-- jsonb; a column that cannot be updated is an error as ever; no rows.
CREATE TABLE g (id int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED);
INSERT INTO g VALUES (1, 1), (2, 2);
SELECT updated, rejected FROM purser.bulk_update('g', '[{"id": 1, "a": 5}, {"id": 2, "twice": 5}]'::jsonb, rejects => true);
SELECT purser.bulk_update('g', E'id,twice\n1,1\n', format => 'csv', rejects => true);
SELECT * FROM purser.bulk_update('g', '[]', rejects => true);
TABLE g ORDER BY id;

-- Delete: rows that are still referenced.
SELECT deleted, skipped, rejected, load_id = load_id() AS has_id FROM purser.bulk_delete('port', '["cork", "lima", "rome"]', rejects => true);
INSERT INTO port VALUES ('bonn'), ('york');
SELECT deleted, skipped, rejected FROM purser.bulk_delete('port', '["bonn", "lima", "rome", "york", "bonn", "oslo"]', rejects => true);
SELECT row_number, raw, sqlstate, message FROM show_rejects();
TABLE port ORDER BY code;
UPDATE t SET port = 'cork' WHERE port = 'lima';
SELECT updated, skipped, rejected FROM purser.retry_rejects(load_id());
SELECT row_number, raw FROM show_rejects();
TABLE port ORDER BY code;
SELECT deleted, skipped, rejected FROM purser.bulk_delete('t', '[1, "x", 2, 1]', rejects => true);
SELECT row_number, column_name, value, raw, sqlstate FROM show_rejects();
SELECT deleted, skipped, rejected FROM purser.bulk_delete('t', E'id\n3\nfour\n\n4\n', format => 'csv', rejects => true);
SELECT row_number, column_name, value, raw, sqlstate FROM show_rejects();
SELECT purser.bulk_delete('t', '[5, "x"]', max_rejects => 0);
SELECT count(*) FROM t;

-- Keys that are not unique, policies, views.
CREATE TABLE many (k int, v int CHECK (v <> 7), owner text DEFAULT 'me');
INSERT INTO many SELECT i % 5, i FROM generate_series(10, 29) i;
SELECT updated, skipped, rejected FROM purser.bulk_update('many', '[{"k": 1, "v": 1}, {"k": 2, "v": 7}, {"k": 3, "v": 3}, {"k": 1, "v": 2}, {"k": 9, "v": 9}]', '{k}', rejects => true);
SELECT k, array_agg(DISTINCT v ORDER BY v) FROM many GROUP BY k ORDER BY k;
CREATE VIEW part AS SELECT k, v FROM many WHERE v < 100 WITH CHECK OPTION;
SELECT updated, skipped, rejected FROM purser.bulk_update('part', '[{"k": 1, "v": 100}, {"k": 2, "v": 8}]', '{k}', rejects => true);
SELECT row_number, sqlstate FROM show_rejects();

-- Thousands of rows, against an UPDATE for each.
CREATE TABLE want (id int PRIMARY KEY, v int CHECK (v % 41 <> 0), k int UNIQUE);
INSERT INTO want SELECT i, 1, -i FROM generate_series(1, 3000) i;
CREATE TABLE got (LIKE want INCLUDING ALL);
INSERT INTO got TABLE want;
CREATE FUNCTION after() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.v % 47 = 0 THEN RAISE EXCEPTION 'after %', NEW.v; END IF; RETURN NULL; END $$;
CREATE TABLE input AS SELECT i AS n, i * 37 % 2999 AS id, i % 307 + 1 AS v, i * 11 % 3500 AS k FROM generate_series(1, 4000) i;
CREATE TABLE bad (n int, sqlstate text);
CREATE PROCEDURE row_by_row() LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
    FOR r IN SELECT * FROM input ORDER BY n LOOP
        BEGIN
            UPDATE want SET v = r.v, k = r.k WHERE id = r.id;
        EXCEPTION WHEN OTHERS THEN INSERT INTO bad VALUES (r.n, SQLSTATE);
        END;
    END LOOP;
END $$;
CREATE VIEW differs AS SELECT (SELECT count(*) FROM (TABLE want EXCEPT TABLE got) x) AS missing, (SELECT count(*) FROM (TABLE got EXCEPT TABLE want) x) AS wrong,
    (SELECT count(*) FROM (SELECT n, sqlstate FROM bad EXCEPT SELECT row_number, sqlstate FROM show_rejects()) x) AS not_rejected,
    (SELECT count(*) FROM (SELECT row_number, sqlstate FROM show_rejects() EXCEPT SELECT n, sqlstate FROM bad) x) AS rejected_wrongly;
CALL row_by_row();
ANALYZE got;
SELECT updated, skipped, rejected FROM purser.bulk_update('got', (SELECT E'id,v,k\n' || string_agg(concat_ws(',', id, v, k), E'\n' ORDER BY n) FROM input), format => 'csv', rejects => true);
SELECT count(*) AS bad, (SELECT count(DISTINCT sqlstate) FROM bad) AS kinds, differs.* FROM bad, differs GROUP BY 3, 4, 5, 6;
CREATE TRIGGER after AFTER UPDATE ON want FOR EACH ROW EXECUTE FUNCTION after();
CREATE TRIGGER after AFTER UPDATE ON got FOR EACH ROW EXECUTE FUNCTION after();
TRUNCATE bad;
CALL row_by_row();
SET enable_nestloop = off;
SELECT updated, skipped, rejected FROM purser.bulk_update('got', (SELECT E'id,v,k\n' || string_agg(concat_ws(',', id, v, k), E'\n' ORDER BY n) FROM input), format => 'csv', rejects => true);
SELECT count(*) AS bad, (SELECT count(DISTINCT sqlstate) FROM bad) AS kinds, differs.* FROM bad, differs GROUP BY 3, 4, 5, 6;
RESET enable_nestloop;

SELECT purser.load_rejects('t', load_id(), verb => 'upsert');
DELETE FROM purser.reject;
DELETE FROM purser.load;
SET client_min_messages = warning;
DROP SCHEMA bulk_rejects_change CASCADE;
