-- CSV into tables that have more than a heap. Those with random keys begin with as many rows as are loaded.
CREATE TABLE with_key (LIKE mixed_source, PRIMARY KEY (id));
CREATE TABLE with_checks (LIKE mixed_source, CHECK (id > 0), CHECK (balance >= 0), CHECK (length(name) < 100), CHECK (email LIKE '%@%'));
ALTER TABLE with_checks ALTER name SET NOT NULL, ALTER email SET NOT NULL;
CREATE TABLE with_defaults (LIKE mixed_source, made timestamptz DEFAULT now(), serial bigserial, state text DEFAULT 'new', token uuid DEFAULT gen_random_uuid());
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent SELECT generate_series(0, 100);
CREATE TABLE child_source AS SELECT *, id % 101 AS parent FROM mixed_source;
COPY child_source TO PROGRAM 'cat > purser_bench_child.csv' CSV HEADER;
CREATE TABLE with_parent (LIKE child_source, FOREIGN KEY (parent) REFERENCES parent);
CREATE TABLE partitioned (LIKE mixed_source) PARTITION BY HASH (id);
SELECT format('CREATE TABLE partitioned_%s PARTITION OF partitioned FOR VALUES WITH (MODULUS 16, REMAINDER %s)', i, i) FROM generate_series(0, 15) i
\gexec
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := NEW.note || '!'; RETURN NEW; END $$;
CREATE TABLE with_trigger (LIKE mixed_source);
CREATE TRIGGER touch BEFORE INSERT ON with_trigger FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TABLE with_after (LIKE mixed_source);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER note AFTER INSERT ON with_after FOR EACH ROW EXECUTE FUNCTION note();

INSERT INTO way (test, way, base, goal, before, command, rows)
SELECT t.test, w.way, 'COPY', CASE m WHEN 2 THEN 1.0 END, format('TRUNCATE %I', t.name),
    format(w.command, t.name, (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = t.source::regclass AND attnum > 0),
        file_path(t.file || '.csv')), :rows
FROM (VALUES (1, 'primary key', 'with_key', 'mixed_source', 'mixed'), (2, 'checks', 'with_checks', 'mixed_source', 'mixed'),
    (3, 'defaults', 'with_defaults', 'mixed_source', 'mixed'), (4, 'foreign key', 'with_parent', 'child_source', 'child'),
    (5, '16 partitions', 'partitioned', 'mixed_source', 'mixed'), (6, 'before trigger', 'with_trigger', 'mixed_source', 'mixed'),
    (7, 'after trigger', 'with_after', 'mixed_source', 'mixed')) t (n, test, name, source, file),
    (VALUES (1, 'COPY', 'COPY %1$I (%2$s) FROM %3$L CSV HEADER'), (2, 'bulk_load', 'PERFORM purser.bulk_load(%1$L, %3$L, ''csv'')')) w (m, way, command)
ORDER BY n, m;

CREATE TABLE random_source AS
SELECT (hashint8(i) & 2147483647) AS a, i AS b, (i * 2654435761) % 100000 AS c, i / 3.0::float8 AS d, md5(i::text)::uuid AS e, 'user' || hashint8(i) || '@example.com' AS f
FROM generate_series(1, 2 * :rows) i;
COPY (SELECT * FROM random_source WHERE b > :rows) TO PROGRAM 'cat > purser_bench_random.csv' CSV HEADER;
CREATE TABLE random_int (LIKE random_source);
CREATE INDEX ON random_int (a);
CREATE TABLE random_two (LIKE random_source);
CREATE INDEX ON random_two (a);
CREATE INDEX ON random_two (e);
CREATE TABLE random_text (LIKE random_source);
CREATE INDEX ON random_text (f);
INSERT INTO way (test, way, base, goal, before, command, rows)
SELECT t.test, w.way, 'COPY', CASE m WHEN 2 THEN 1.3 END,
    format('TRUNCATE %1$I;; INSERT INTO %1$I SELECT * FROM random_source WHERE b <= %2$s', t.name, :rows),
    format(w.command, t.name, file_path('random.csv')), :rows
FROM (VALUES (1, 'random int index', 'random_int'), (2, 'random int and uuid indexes', 'random_two'), (3, 'random text index', 'random_text')) t (n, test, name),
    (VALUES (1, 'COPY', 'COPY %1$I FROM %2$L CSV HEADER'), (2, 'bulk_load', 'PERFORM purser.bulk_load(%1$L, %2$L, ''csv'')')) w (m, way, command)
ORDER BY n, m;
