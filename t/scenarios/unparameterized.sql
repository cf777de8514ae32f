-- scenario: unparameterized, ever new literals
-- expect: unparameterized
-- run
SET purser.audit_unparameterized = on;
SELECT format('SELECT * FROM customer WHERE id = %s AND name <> %L', (i * 7919) % 20000, 'x' || i) FROM generate_series(1, 200) i \gexec
-- scenario: unparameterized, text put into a condition
-- expect: unparameterized
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
