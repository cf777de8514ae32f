-- scenario: not sargable, lower() around the column
-- expect: non_sargable
-- setup
CREATE TABLE person (id int PRIMARY KEY, email text, born timestamptz, phone bigint, code text);
INSERT INTO person SELECT i, 'U' || i || '@example.org', timestamptz '1980-01-01 00:00+00' + i * interval '1 hour', 49000000 + i, 'c' || i FROM generate_series(1, 50000) i;
CREATE INDEX ON person (email);
CREATE INDEX ON person (born);
CREATE INDEX ON person (phone);
CREATE INDEX ON person (code);
ANALYZE person;
-- run
SELECT * FROM person WHERE lower(email) = 'u55@example.org';
SELECT * FROM person WHERE lower(email) = 'u55@example.org';
SELECT * FROM person WHERE lower(email) = 'u55@example.org';
-- scenario: not sargable, a date of a timestamp
-- expect: non_sargable
-- setup
CREATE TABLE person (id int PRIMARY KEY, email text, born timestamptz, phone bigint, code text);
INSERT INTO person SELECT i, 'U' || i || '@example.org', timestamptz '1980-01-01 00:00+00' + i * interval '1 hour', 49000000 + i, 'c' || i FROM generate_series(1, 50000) i;
CREATE INDEX ON person (email);
CREATE INDEX ON person (born);
CREATE INDEX ON person (phone);
CREATE INDEX ON person (code);
ANALYZE person;
-- run
SELECT * FROM person WHERE born::date = '1982-03-04';
SELECT * FROM person WHERE born::date = '1982-03-04';
SELECT * FROM person WHERE born::date = '1982-03-04';
-- scenario: not sargable, a cast to text
-- expect: non_sargable
-- setup
CREATE TABLE person (id int PRIMARY KEY, email text, born timestamptz, phone bigint, code text);
INSERT INTO person SELECT i, 'U' || i || '@example.org', timestamptz '1980-01-01 00:00+00' + i * interval '1 hour', 49000000 + i, 'c' || i FROM generate_series(1, 50000) i;
CREATE INDEX ON person (email);
CREATE INDEX ON person (born);
CREATE INDEX ON person (phone);
CREATE INDEX ON person (code);
ANALYZE person;
-- run
SELECT * FROM person WHERE phone::text = '49000777';
SELECT * FROM person WHERE phone::text = '49000777';
SELECT * FROM person WHERE phone::text = '49000777';
-- scenario: not sargable, a numeric parameter
-- expect: non_sargable
-- setup
CREATE TABLE person (id int PRIMARY KEY, email text, born timestamptz, phone bigint, code text);
INSERT INTO person SELECT i, 'U' || i || '@example.org', timestamptz '1980-01-01 00:00+00' + i * interval '1 hour', 49000000 + i, 'c' || i FROM generate_series(1, 50000) i;
CREATE INDEX ON person (email);
CREATE INDEX ON person (born);
CREATE INDEX ON person (phone);
CREATE INDEX ON person (code);
ANALYZE person;
-- run
PREPARE q(numeric) AS SELECT * FROM person WHERE phone = $1;
EXECUTE q(49000001);
EXECUTE q(49000002);
EXECUTE q(49000003);
-- scenario: not sargable, upper() prepared
-- expect: non_sargable
-- setup
CREATE TABLE person (id int PRIMARY KEY, email text, born timestamptz, phone bigint, code text);
INSERT INTO person SELECT i, 'U' || i || '@example.org', timestamptz '1980-01-01 00:00+00' + i * interval '1 hour', 49000000 + i, 'c' || i FROM generate_series(1, 50000) i;
CREATE INDEX ON person (email);
CREATE INDEX ON person (born);
CREATE INDEX ON person (phone);
CREATE INDEX ON person (code);
ANALYZE person;
-- run
PREPARE q(text) AS SELECT * FROM person WHERE upper(code) = $1;
EXECUTE q('C5');
EXECUTE q('C6');
EXECUTE q('C7');
-- scenario: not sargable, arithmetic around the column
-- expect: non_sargable
-- setup
CREATE TABLE person (id int PRIMARY KEY, email text, born timestamptz, phone bigint, code text);
INSERT INTO person SELECT i, 'U' || i || '@example.org', timestamptz '1980-01-01 00:00+00' + i * interval '1 hour', 49000000 + i, 'c' || i FROM generate_series(1, 50000) i;
CREATE INDEX ON person (email);
CREATE INDEX ON person (born);
CREATE INDEX ON person (phone);
CREATE INDEX ON person (code);
ANALYZE person;
-- run
SELECT * FROM person WHERE phone + 0 = 49000005;
SELECT * FROM person WHERE phone + 0 = 49000005;
SELECT * FROM person WHERE phone + 0 = 49000005;
-- scenario: sargable, the column as it is
-- setup
CREATE TABLE person (id int PRIMARY KEY, email text, born timestamptz, phone bigint, code text);
INSERT INTO person SELECT i, 'U' || i || '@example.org', timestamptz '1980-01-01 00:00+00' + i * interval '1 hour', 49000000 + i, 'c' || i FROM generate_series(1, 50000) i;
CREATE INDEX ON person (email);
CREATE INDEX ON person (born);
CREATE INDEX ON person (phone);
CREATE INDEX ON person (code);
ANALYZE person;
-- run
SELECT * FROM person WHERE email = 'U55@example.org';
SELECT * FROM person WHERE email = 'U55@example.org';
SELECT * FROM person WHERE email = 'U55@example.org';
-- scenario: sargable, an index on the expression
-- setup
CREATE TABLE person (id int PRIMARY KEY, email text, born timestamptz, phone bigint, code text);
INSERT INTO person SELECT i, 'U' || i || '@example.org', timestamptz '1980-01-01 00:00+00' + i * interval '1 hour', 49000000 + i, 'c' || i FROM generate_series(1, 50000) i;
CREATE INDEX ON person (email);
CREATE INDEX ON person (born);
CREATE INDEX ON person (phone);
CREATE INDEX ON person (code);
ANALYZE person;
CREATE INDEX ON person (lower(email));
ANALYZE person;
-- run
SELECT * FROM person WHERE lower(email) = 'u55@example.org';
SELECT * FROM person WHERE lower(email) = 'u55@example.org';
SELECT * FROM person WHERE lower(email) = 'u55@example.org';
-- scenario: sargable, a range in place of a date
-- setup
CREATE TABLE person (id int PRIMARY KEY, email text, born timestamptz, phone bigint, code text);
INSERT INTO person SELECT i, 'U' || i || '@example.org', timestamptz '1980-01-01 00:00+00' + i * interval '1 hour', 49000000 + i, 'c' || i FROM generate_series(1, 50000) i;
CREATE INDEX ON person (email);
CREATE INDEX ON person (born);
CREATE INDEX ON person (phone);
CREATE INDEX ON person (code);
ANALYZE person;
-- run
SELECT * FROM person WHERE born >= '1982-03-04' AND born < '1982-03-05';
SELECT * FROM person WHERE born >= '1982-03-04' AND born < '1982-03-05';
SELECT * FROM person WHERE born >= '1982-03-04' AND born < '1982-03-05';
-- scenario: sargable, a small table
-- setup
CREATE TABLE unit (id int PRIMARY KEY, name text);
INSERT INTO unit SELECT i, 'Unit ' || i FROM generate_series(1, 300) i;
CREATE INDEX ON unit (name);
ANALYZE unit;
-- run
SELECT * FROM unit WHERE lower(name) = 'unit 5';
SELECT * FROM unit WHERE lower(name) = 'unit 5';
SELECT * FROM unit WHERE lower(name) = 'unit 5';
-- scenario: sargable, most rows are kept
-- setup
CREATE TABLE person (id int PRIMARY KEY, email text, born timestamptz, phone bigint, code text);
INSERT INTO person SELECT i, 'U' || i || '@example.org', timestamptz '1980-01-01 00:00+00' + i * interval '1 hour', 49000000 + i, 'c' || i FROM generate_series(1, 50000) i;
CREATE INDEX ON person (email);
CREATE INDEX ON person (born);
CREATE INDEX ON person (phone);
CREATE INDEX ON person (code);
ANALYZE person;
-- run
SELECT id FROM person WHERE lower(email) <> 'u5' LIMIT 20000;
SELECT id FROM person WHERE lower(email) <> 'u5' LIMIT 20000;
SELECT id FROM person WHERE lower(email) <> 'u5' LIMIT 20000;
