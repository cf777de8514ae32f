-- scenario: unparameterized, ever new literals
-- expect: unparameterized customer
-- run
SET purser.audit_unparameterized = on;
SELECT format('SELECT * FROM customer WHERE id = %s AND name <> %L', (i * 7919) % 20000, 'x' || i) FROM generate_series(1, 200) i \gexec
-- scenario: unparameterized, text put into a condition
-- expect: unparameterized purchase
-- run
SET purser.audit_unparameterized = on;
SELECT format('SELECT total FROM purchase WHERE id = %s AND status = %L', i * 31, 'done') FROM generate_series(1, 150) i \gexec
-- scenario: parameterized, prepared
-- run
SET purser.audit_unparameterized = on;
PREPARE q(int) AS SELECT * FROM customer WHERE id = $1;
SELECT format('EXECUTE q(%s)', (i * 7919) % 20000) FROM generate_series(1, 200) i \gexec
-- scenario: parameterized, one text again and again
-- run
SET purser.audit_unparameterized = on;
SELECT 'SELECT name FROM customer WHERE id = 5' FROM generate_series(1, 4) i \gexec
-- scenario: unparameterized, but nobody asked
-- run
SELECT format('SELECT * FROM customer WHERE id = %s AND name <> %L', (i * 7919) % 20000, 'x' || i) FROM generate_series(1, 200) i \gexec
-- scenario: unparameterized, an UPDATE
-- expect: unparameterized customer
-- setup
CREATE TABLE customer AS SELECT * FROM public.customer;
CREATE UNIQUE INDEX ON customer (id);
ANALYZE customer;
-- run
SET purser.audit_unparameterized = on;
SELECT format('UPDATE customer SET name = %L WHERE id = %s', 'New ' || i, i * 7) FROM generate_series(1, 80) i \gexec
-- scenario: unparameterized, words that somebody looks for
-- expect: unparameterized person
-- run
SET purser.audit_unparameterized = on;
SELECT format('SELECT id FROM person WHERE email = %L', 'U' || i * 13 || '@example.org') FROM generate_series(1, 100) i \gexec
-- scenario: unparameterized, a text with a comment before it
-- expect: unparameterized customer
-- run
SET purser.audit_unparameterized = on;
SELECT format('/* page */ SELECT name FROM customer WHERE id = %s', (i * 7919) % 20000) FROM generate_series(1, 100) i \gexec
-- scenario: parameterized, bound
-- run
ALTER ROLE CURRENT_USER SET purser.audit_unparameterized = on;
-- bound 150 times
\set i random(1, 20000)
SELECT name FROM customer WHERE id = :i;
-- run
ALTER ROLE CURRENT_USER RESET purser.audit_unparameterized;
-- scenario: parameterized, only comments differ
-- run
SET purser.audit_unparameterized = on;
SELECT format('SELECT name FROM customer WHERE id = 5 /* request %s */', i) FROM generate_series(1, 100) i \gexec
-- scenario: parameterized, twenty texts
-- run
SET purser.audit_unparameterized = on;
SELECT format('SELECT name FROM customer WHERE id = %s', i) FROM generate_series(1, 20) i \gexec
-- scenario: parameterized, a driver's look into the catalogs
-- run
SET purser.audit_unparameterized = on;
SELECT format('SELECT relname FROM pg_class WHERE oid = %s', i) FROM generate_series(1, 100) i \gexec
