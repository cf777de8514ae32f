-- Delete by key.
CREATE SCHEMA bulk_delete;
SET search_path = bulk_delete;
CREATE TABLE t (id int PRIMARY KEY, code text UNIQUE);
INSERT INTO t SELECT i, 'c' || i FROM generate_series(1, 20) i;
-- Objects, scalars, other formats; keys that are not there, null, or come again.
SELECT * FROM purser.bulk_delete('t', '[{"id": 1}, {"id": 21}, {"id": null}]');
SELECT * FROM purser.bulk_delete('t', ' [2, 3, 3, null, 99]');
SELECT * FROM purser.bulk_delete('t', '["4", 5]'::json);
SELECT * FROM purser.bulk_delete('t', '[6]'::jsonb);
SELECT * FROM purser.bulk_delete('t', '["c7", "c8", "\u0063\u0039", ""]', '{code}');
SELECT * FROM purser.bulk_delete('t', E'id\n10\n11\n', format => 'csv');
SELECT * FROM purser.bulk_delete('t', '[14]'::bytea);
SELECT * FROM purser.bulk_delete('t', '[]');
SELECT * FROM purser.bulk_delete('t', '[]'::jsonb);
SELECT string_agg(id::text, ' ' ORDER BY id) FROM t;
SELECT * FROM purser.bulk_delete('t', '["x"]');
SELECT * FROM purser.bulk_delete('t', '[1, {"id": 15}]');
SELECT * FROM purser.bulk_delete('t', '[{"id": 15}, 1]'::jsonb);
SELECT * FROM purser.bulk_delete('t', '[1, 02]');
SELECT * FROM purser.bulk_delete('t', '15'::jsonb);
SELECT * FROM purser.bulk_delete('t', '[[15]]'::jsonb);
SELECT * FROM purser.bulk_delete('t', '[{"id": 15, "code": "c15"}]'::jsonb);
SELECT * FROM purser.bulk_delete('t', '[{}]'::jsonb);
SELECT * FROM purser.bulk_delete('t', '[15]', '{id, code}');
SELECT * FROM purser.bulk_delete('t', '[{"id": 15, "code": "c15"}, {"code": "c15", "id": 16}]', '{code, id}');
-- Keys that are not unique; many.
CREATE TABLE loose (a int);
INSERT INTO loose VALUES (1), (1), (2), (3);
SELECT * FROM purser.bulk_delete('loose', '[1, 3, 4]', '{a}');
TABLE loose;
INSERT INTO t SELECT i FROM generate_series(1000, 9999) i;
SELECT r.* FROM (SELECT jsonb_agg(1000 + (i * 7919) % 9500 ORDER BY i) AS data FROM generate_series(1, 5000) i) s, purser.bulk_delete('t', data) r;
SELECT count(*) FROM t WHERE id >= 1000;
-- Rows that are referenced; triggers; views.
CREATE TABLE ref (t int REFERENCES t);
INSERT INTO ref VALUES (17);
SELECT * FROM purser.bulk_delete('t', '[16, 17]');
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '% % %', TG_WHEN, TG_LEVEL, OLD; RETURN CASE WHEN OLD.id <> 18 THEN OLD END; END $$;
CREATE TRIGGER tell BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION tell();
CREATE VIEW v AS SELECT code AS c FROM t WHERE id < 20;
SELECT * FROM purser.bulk_delete('v', '["c18", "c19", "c20"]', '{c}');
-- Privileges: DELETE, and SELECT on the keys.
CREATE ROLE regress_bulk_delete;
GRANT USAGE ON SCHEMA bulk_delete TO regress_bulk_delete;
GRANT DELETE ON t TO regress_bulk_delete;
SET ROLE regress_bulk_delete;
SELECT * FROM purser.bulk_delete('t', '[20]');
RESET ROLE;
GRANT SELECT (id) ON t TO regress_bulk_delete;
SET ROLE regress_bulk_delete;
SELECT * FROM purser.bulk_delete('t', '[20]');
SELECT * FROM purser.bulk_delete('loose', '[2]', '{a}');
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA bulk_delete CASCADE;
DROP ROLE regress_bulk_delete;
