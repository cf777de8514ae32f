-- Transition tables with rejects and updates of rows in the way: each trigger has the rows of its own command, whichever commands have triggers.
CREATE SCHEMA bulk_capture;
SET search_path = bulk_capture;
CREATE TABLE t (id int PRIMARY KEY, n int CHECK (n > 0));
CREATE FUNCTION inserted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'inserted %', (SELECT array_agg(r ORDER BY id) FROM new_rows r); RETURN NULL; END $$;
CREATE FUNCTION updated() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'updated % to %', (SELECT array_agg(r ORDER BY id) FROM old_rows r), (SELECT array_agg(r ORDER BY id) FROM new_rows r); RETURN NULL; END $$;
CREATE FUNCTION load() RETURNS TABLE (inserted bigint, updated bigint, rejected bigint) LANGUAGE sql AS $$
    SELECT inserted, updated, rejected FROM purser.bulk_insert('t', E'id,n\n1,1\n2,0\n1,2\n3,3\n1,x\n3,4\n', 'csv', on_conflict => 'update', rejects => true) $$;
-- Of inserts only.
CREATE TRIGGER of_insert AFTER INSERT ON t REFERENCING NEW TABLE AS new_rows EXECUTE FUNCTION inserted();
SELECT * FROM load();
TRUNCATE t;
-- Of both.
CREATE TRIGGER of_update AFTER UPDATE ON t REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows EXECUTE FUNCTION updated();
SELECT * FROM load();
TRUNCATE t;
-- Of updates only.
DROP TRIGGER of_insert ON t;
SELECT * FROM load();
TABLE t;

SET client_min_messages = warning;
DELETE FROM purser.reject;
DELETE FROM purser.load;
DROP SCHEMA bulk_capture CASCADE;
