-- One outcome for each row of the input, also of rows that were rejected.
CREATE SCHEMA bulk_outcomes_rejects;
SET search_path = bulk_outcomes_rejects;
SET client_min_messages = warning;

CREATE TABLE port (code text PRIMARY KEY);
INSERT INTO port VALUES ('oslo'), ('lima');
CREATE TABLE voyage (id int PRIMARY KEY, port text REFERENCES port, days int CHECK (days > 0), ship text NOT NULL DEFAULT 'sloop');

-- The key is there from where on the row was complete: duplicates and missing parents have it.
SELECT * FROM purser.bulk_insert_outcomes('voyage', E'id,port,days\n1,oslo,5\n2,rome,5\n1,lima,6\n4,lima,soon\n5,lima,0\n6,lima\n7,lima,9\n', 'csv', rejects => true);
SELECT row_number, sqlstate FROM purser.reject ORDER BY row_number;
SELECT id, port, days FROM voyage ORDER BY id;
-- The same of the other formats.
TRUNCATE voyage, purser.reject;
SELECT * FROM purser.bulk_insert_outcomes('voyage', E'1\toslo\t5\n2\trome\t5\nx\n3\tlima\t1\n', 'text', rejects => true, options => '{"columns": ["id", "port", "days"], "header": false}');
SELECT * FROM purser.bulk_insert_outcomes('voyage', '[{"id": 4}, {"id": "x"}, {"speed": 1}, {"id": 4}, 7, {"id": 5, "ship": null}, {"id": 6}]', rejects => true);
SELECT * FROM purser.bulk_insert_outcomes('voyage', '[{"id": 14}, {"id": "x"}, {"speed": 1}, {"id": 14}, 7, {"id": 16}]'::jsonb, rejects => true);
SELECT * FROM purser.bulk_insert_outcomes('voyage', '[{"id": 24}, {"id": "x"}, {"id": 24}, {"id": 26}]'::json, rejects => true);
SELECT * FROM purser.bulk_insert_outcomes('voyage', E'{"id": 34}\n{"id": 35\n{"id": 34}\n{"id": 36}\n', 'ndjson', rejects => true);
SELECT * FROM purser.bulk_insert_outcomes('voyage', convert_to(E'id,ship\n44,\u00e9\n', 'LATIN1') || '\x34350a34342c780a'::bytea, 'csv', rejects => true, options => '{"encoding": "LATIN1"}');
SELECT * FROM purser.bulk_insert_outcomes('voyage', ''::bytea, 'csv', rejects => true);
-- Nothing is bad; too much is.
SELECT * FROM purser.bulk_insert_outcomes('voyage', E'id\n51\n52\n', 'csv', rejects => true);
SELECT * FROM purser.bulk_insert_outcomes('voyage', E'id\n61\nx\n52\n', 'csv', max_rejects => 1);

-- Conflicts.
TRUNCATE voyage, purser.reject;
INSERT INTO voyage VALUES (1, 'oslo', 1);
SELECT * FROM purser.bulk_insert_outcomes('voyage', E'id,port,days\n1,oslo,5\n2,rome,5\n3,lima,6\nx,lima,6\n3,lima,7\n4,lima,0\n', 'csv', on_conflict => 'skip', rejects => true);
SELECT * FROM purser.bulk_insert_outcomes('voyage', E'id,port,days\n1,lima,5\n1,rome,6\n1,oslo,0\n5,lima,soon\n3,lima,3\n5,lima,8\n6,rome,1\n', 'csv', on_conflict => 'update', update_where => 'voyage.days <> excluded.days AND excluded.days <> 3', rejects => true);
SELECT id, port, days FROM voyage ORDER BY id;
SELECT counts.inserted, updated, skipped, rejected FROM purser.bulk_insert('voyage', '[{"id": 1, "days": 9}, {"id": 1, "ship": "bark"}, {"id": 3, "ship": null}, {"id": 7, "days": 7}]', on_conflict => 'update', rejects => true) counts;
SELECT id, port, days, ship FROM voyage ORDER BY id;
-- Another unique key than the arbiter's.
CREATE TABLE crew (id int PRIMARY KEY, name text UNIQUE);
SELECT * FROM purser.bulk_insert_outcomes('crew', E'id,name\n1,ann\n2,bob\n2,ann\n3,ann\n3,cid\n1,dee\n4,ann\n', 'csv', on_conflict => 'update', rejects => true);
TABLE crew ORDER BY id;

-- Triggers: what they raise before the row is there, and after it; what they do not want; what they make of the key.
TRUNCATE voyage;
CREATE FUNCTION before_voyage() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.days = 3 THEN RAISE EXCEPTION 'no'; END IF;
    IF NEW.days = 4 THEN RETURN NULL; END IF;
    IF TG_OP = 'INSERT' THEN NEW.id := NEW.id + 100; END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION after_voyage() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.days = 7 THEN RAISE EXCEPTION 'too long'; END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER after_voyage AFTER INSERT OR UPDATE ON voyage FOR EACH ROW EXECUTE FUNCTION after_voyage();
SELECT * FROM purser.bulk_insert_outcomes('voyage', E'id,days\n1,1\n2,7\n3,7\n4,1\n1,1\n5,1\n', 'csv', rejects => true);
CREATE TRIGGER before_voyage BEFORE INSERT OR UPDATE ON voyage FOR EACH ROW EXECUTE FUNCTION before_voyage();
SELECT * FROM purser.bulk_insert_outcomes('voyage', E'id,days\n1,1\n2,2\n3,3\n4,4\n5,5\nx,6\n7,7\n1,8\n9,0\n10,1\n', 'csv', rejects => true);
SELECT * FROM purser.bulk_insert_outcomes('voyage', E'id,days\n1,9\n2,7\n101,5\n102,7\n', 'csv', on_conflict => 'update', rejects => true);
SELECT id, days FROM voyage ORDER BY id;

-- Partitions whose columns are in another order.
CREATE TABLE part (kind text, id int, n int, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind);
CREATE TABLE part_a (n int, id int NOT NULL, kind text NOT NULL, CHECK (n < 100));
ALTER TABLE part ATTACH PARTITION part_a FOR VALUES IN ('a');
CREATE TABLE part_b PARTITION OF part FOR VALUES IN ('b');
SELECT * FROM purser.bulk_insert_outcomes('part', E'kind,id,n\na,1,1\nb,1,1\nc,1,1\na,1,2\nb,2,200\na,2,200\na,3,3\nb,1,5\n', 'csv', rejects => true);
SELECT * FROM purser.bulk_insert_outcomes('part', E'kind,id,n\na,1,10\nb,1,1\nc,1,1\na,1,200\nb,4,x\n', 'csv', on_conflict => 'update', rejects => true);

-- Many: as bulk_insert has it, and in order.
CREATE TABLE m (id int PRIMARY KEY, v int CHECK (v <> 13));
INSERT INTO m SELECT i, 0 FROM generate_series(1, 20000, 100) i;
CREATE TABLE result AS SELECT * FROM purser.bulk_insert_outcomes('m', (SELECT E'id,v\n' || string_agg(CASE WHEN i % 500 = 3 THEN 'x' ELSE i::text END || ',' || i % 400, E'\n' ORDER BY i)
    FROM generate_series(1, 20000) i), 'csv', rejects => true) WITH ORDINALITY;
SELECT outcome, count(*), bool_and(ordinal = ordinality), count(key), bool_and((key->>'id')::int = ordinal) FROM result GROUP BY outcome ORDER BY outcome;
SELECT count(*) FROM m;
SELECT count(*) FROM result r FULL JOIN purser.reject j ON j.row_number = r.ordinal AND j.load_id = (SELECT max(load_id) FROM purser.load)
    WHERE (r.outcome = 'rejected') IS DISTINCT FROM (j.load_id IS NOT NULL) AND (j.load_id IS NULL OR j.load_id = (SELECT max(load_id) FROM purser.load));

DELETE FROM purser.reject;
DELETE FROM purser.load;
DROP SCHEMA bulk_outcomes_rejects CASCADE;
