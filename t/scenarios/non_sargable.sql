-- scenario: not sargable, lower() around the column
-- expect: non_sargable person
-- run 3 times
SELECT * FROM person WHERE lower(email) = 'u55@example.org';
-- scenario: not sargable, a date of a timestamp
-- expect: non_sargable person
-- run 3 times
SELECT * FROM person WHERE born::date = '1982-03-04';
-- scenario: not sargable, a cast to text
-- expect: non_sargable person
-- run 3 times
SELECT * FROM person WHERE phone::text = '49000777';
-- scenario: not sargable, a numeric parameter
-- expect: non_sargable person
-- run
PREPARE q(numeric) AS SELECT * FROM person WHERE phone = $1;
EXECUTE q(49000001);
EXECUTE q(49000002);
EXECUTE q(49000003);
-- scenario: not sargable, upper() prepared
-- expect: non_sargable person
-- run
PREPARE q(text) AS SELECT * FROM person WHERE upper(code) = $1;
EXECUTE q('C5');
EXECUTE q('C6');
EXECUTE q('C7');
-- scenario: not sargable, arithmetic around the column
-- expect: non_sargable person
-- run 3 times
SELECT * FROM person WHERE phone + 0 = 49000005;
-- scenario: not sargable, icontains of Django
-- expect: non_sargable person
-- run 3 times
SELECT * FROM person WHERE upper(email::text) LIKE upper('%u4711@ex%');
-- scenario: not sargable, lower() like a part that is bound
-- expect: non_sargable person
-- bound 3 times
\set n random(1000, 49000)
SELECT * FROM person WHERE lower(email) LIKE '%u' || :n || '@%';
-- scenario: sargable, istartswith with its index
-- setup
CREATE TABLE person AS SELECT * FROM public.person;
CREATE INDEX ON person (email);
CREATE INDEX ON person (upper(email) text_pattern_ops);
ANALYZE person;
-- run 3 times
SELECT * FROM person WHERE upper(email::text) LIKE upper('u4711@%');
-- scenario: sargable, the column as it is
-- run 3 times
SELECT * FROM person WHERE email = 'U55@example.org';
-- scenario: sargable, an index on the expression
-- setup
CREATE TABLE person AS SELECT * FROM public.person;
CREATE INDEX ON person (email);
CREATE INDEX ON person (lower(email));
ANALYZE person;
-- run 3 times
SELECT * FROM person WHERE lower(email) = 'u55@example.org';
-- scenario: sargable, a range in place of a date
-- run 3 times
SELECT * FROM person WHERE born >= '1982-03-04' AND born < '1982-03-05';
-- scenario: sargable, a small table
-- setup
CREATE TABLE unit (id int PRIMARY KEY, name text);
INSERT INTO unit SELECT i, 'Unit ' || i FROM generate_series(1, 300) i;
CREATE INDEX ON unit (name);
ANALYZE unit;
-- run 3 times
SELECT * FROM unit WHERE lower(name) = 'unit 5';
-- scenario: sargable, most rows are kept
-- run 3 times
SELECT id FROM person WHERE lower(email) <> 'u5' LIMIT 20000;
-- scenario: not sargable, a bound parameter of another type
-- expect: non_sargable person
-- bound 3 times
\set n random(1, 49000)
SELECT * FROM person WHERE phone = (:n + 49000000)::numeric;
-- scenario: not sargable, below a join
-- expect: non_sargable person
-- run 3 times
SELECT c.name FROM person p JOIN customer c ON c.id = p.id WHERE lower(p.email) = 'u77@example.org';
-- scenario: not sargable, an UPDATE
-- expect: non_sargable person
-- setup
CREATE TABLE person AS SELECT * FROM public.person;
CREATE INDEX ON person (email);
ANALYZE person;
-- run 3 times
UPDATE person SET code = 'x' WHERE lower(email) = 'u77@example.org';
-- scenario: not sargable but for another condition that an index serves
-- run 3 times
SELECT * FROM person WHERE id = 4711 AND lower(email) = 'u4711@example.org';
-- scenario: sargable, a function of the value
-- run 3 times
SELECT * FROM person WHERE email = upper('u55') || '@example.org';
-- scenario: sargable, values of another integer type
-- bound 3 times
\set n random(1, 49000)
SELECT * FROM person WHERE phone = 49000000 + :n;
-- scenario: sargable, a function in what is selected and ordered by
-- run 3 times
SELECT lower(email), born::date FROM person WHERE email = 'U55@example.org' ORDER BY lower(email);
-- scenario: sargable, a group by an expression
-- run 3 times
SELECT born::date AS day, count(*) FROM person WHERE id <= 20000 GROUP BY born::date ORDER BY day LIMIT 5;
-- scenario: no index on what is wrapped at all
-- expect: discarded_rows customer
-- run 3 times
SELECT id FROM customer WHERE lower(email) = 'u55@example.org';
-- scenario: sargable, once
-- run
SELECT * FROM person WHERE lower(email) = 'u55@example.org';
-- scenario: not sargable, date_trunc
-- expect: non_sargable purchase
-- run 3 times
SELECT id FROM purchase WHERE date_trunc('day', made) = '2024-02-01 00:00+00';
-- scenario: not sargable, arithmetic with a date
-- expect: non_sargable purchase
-- run 3 times
SELECT id FROM purchase WHERE made + interval '1 day' > timestamptz '2024-03-24 00:00+00';
-- scenario: not sargable, coalesce
-- expect: non_sargable person
-- run 3 times
SELECT id FROM person WHERE coalesce(code, '') = 'c77';
-- scenario: not sargable, concatenated
-- expect: non_sargable person
-- run 3 times
SELECT id FROM person WHERE code || '' = 'c77';
