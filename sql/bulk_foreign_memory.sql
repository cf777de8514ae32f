-- Keys of parents are remembered up to a limit over all partitions and constraints.
CREATE SCHEMA bulk_foreign_memory;
SET search_path = bulk_foreign_memory;
CREATE FUNCTION key(i int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT repeat('x', 1000) || i $$;
CREATE TABLE parent (k text PRIMARY KEY);
ALTER TABLE parent ALTER k SET STORAGE EXTERNAL;
INSERT INTO parent SELECT key(i) FROM generate_series(1, 1700) i;
CREATE TABLE child (p int, k text REFERENCES parent, l text REFERENCES parent) PARTITION BY LIST (p);
SELECT format('CREATE TABLE child%s PARTITION OF child FOR VALUES IN (%1$s)', i) FROM generate_series(1, 8) i \gexec
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE NOTICE 'within the limit: %', (SELECT sum(total_bytes) BETWEEN 1000000 AND 20000000 FROM pg_backend_memory_contexts WHERE name = 'pg_purser foreign keys');
    RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT ON child FOR EACH ROW WHEN (NEW.p = 8 AND NEW.k LIKE '%x1700') EXECUTE FUNCTION note();
SELECT inserted FROM purser.bulk_insert('child', (SELECT string_agg(format(E'%s,%s,%s\n', p, key(i), key(1701 - i)), '' ORDER BY i, p) FROM generate_series(1, 1700) i, generate_series(1, 8) p),
    'csv', options => '{"columns": ["p", "k", "l"], "header": false}');

SET client_min_messages = warning;
DROP SCHEMA bulk_foreign_memory CASCADE;
