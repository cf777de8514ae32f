-- scenario: misestimate, correlated columns below a join
-- expect: row_misestimate car
-- run 3 times
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT sum(c.price), sum(o.bid) FROM car c JOIN offer o ON o.car_id = c.id WHERE c.make = 5 AND c.model = 51;
-- scenario: misestimate, correlated columns, bound
-- expect: row_misestimate car
-- bound 3 times
\set make random(1, 49)
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT sum(c.price), sum(o.bid) FROM car c JOIN offer o ON o.car_id = c.id WHERE c.make = :make AND c.model = :make * 10 + 1;
-- scenario: misestimate, correlated columns, prepared
-- expect: row_misestimate car
-- run
SET enable_hashjoin = off;
SET enable_mergejoin = off;
PREPARE q(int, int) AS SELECT c.id, o.bid FROM car c JOIN offer o ON o.car_id = c.id WHERE c.make = $1 AND c.model = $2;
EXECUTE q(5, 51);
EXECUTE q(6, 61);
EXECUTE q(7, 71);
-- scenario: misestimate, a value that ANALYZE cannot have missed, in few of the rows
-- expect: stale_statistics parcel
-- setup
CREATE TABLE parcel (id int PRIMARY KEY, owner int, weight int);
INSERT INTO parcel SELECT i, i, i % 9 FROM generate_series(1, 60000) i;
CREATE INDEX ON parcel (owner);
SELECT pg_stat_force_next_flush();
ANALYZE parcel;
INSERT INTO parcel SELECT i, 30000, i % 9 FROM generate_series(60001, 66000) i;
-- run 3 times
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT sum(p.weight), sum(o.bid) FROM parcel p JOIN offer o ON o.car_id = p.id WHERE p.owner = 30000;
-- scenario: misestimate, a new value in a sixth of the rows
-- expect: stale_statistics parcel
-- setup
CREATE TABLE parcel (id int PRIMARY KEY, state text, weight int);
INSERT INTO parcel SELECT i, CASE WHEN i % 3 = 0 THEN 'sent' ELSE 'done' END, i % 9 FROM generate_series(1, 60000) i;
CREATE INDEX ON parcel (state);
SELECT pg_stat_force_next_flush();
ANALYZE parcel;
INSERT INTO parcel SELECT i, 'new', i % 9 FROM generate_series(60001, 71000) i;
-- run 3 times
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT sum(p.weight), sum(o.bid) FROM parcel p JOIN offer o ON o.car_id = p.id WHERE p.state = 'new';
-- scenario: misestimate, filled and asked in one transaction
-- expect: stale_statistics parcel
-- setup
CREATE TABLE parcel (id int PRIMARY KEY, state text, weight int);
INSERT INTO parcel SELECT i, 'done', i % 9 FROM generate_series(1, 60000) i;
CREATE INDEX ON parcel (state);
SELECT pg_stat_force_next_flush();
ANALYZE parcel;
-- run
SET enable_hashjoin = off;
SET enable_mergejoin = off;
BEGIN;
INSERT INTO parcel SELECT i, 'new', i % 9 FROM generate_series(60001, 90000) i;
SELECT sum(p.weight), sum(o.bid) FROM parcel p JOIN offer o ON o.car_id = p.id WHERE p.state = 'new';
SELECT sum(p.weight), sum(o.bid) FROM parcel p JOIN offer o ON o.car_id = p.id WHERE p.state = 'new';
SELECT sum(p.weight), sum(o.bid) FROM parcel p JOIN offer o ON o.car_id = p.id WHERE p.state = 'new';
COMMIT;
-- scenario: misestimate, rows of the last hour
-- expect: stale_statistics parcel
-- setup
CREATE TABLE parcel (id int PRIMARY KEY, made timestamptz, weight int);
INSERT INTO parcel SELECT i, now() - interval '300 days' + i * interval '5 minutes', i % 9 FROM generate_series(1, 60000) i;
CREATE INDEX ON parcel (made);
SELECT pg_stat_force_next_flush();
ANALYZE parcel;
INSERT INTO parcel SELECT i, now() - i * interval '1 ms', i % 9 FROM generate_series(60001, 66000) i;
-- run 3 times
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT sum(p.weight), sum(o.bid) FROM parcel p JOIN offer o ON o.car_id = p.id WHERE p.made > now() - interval '1 hour';
-- scenario: misestimate, the latest numbers
-- expect: stale_statistics parcel
-- setup
CREATE TABLE parcel (id int PRIMARY KEY, weight int);
INSERT INTO parcel SELECT i, i % 9 FROM generate_series(1, 60000) i;
SELECT pg_stat_force_next_flush();
ANALYZE parcel;
INSERT INTO parcel SELECT i, i % 9 FROM generate_series(60001, 69000) i;
-- run 3 times
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT sum(p.weight), sum(o.bid) FROM parcel p JOIN offer o ON o.car_id = p.id WHERE p.id > 60000;
-- scenario: misestimate, a value for which the list of common ones has no room
-- expect: row_misestimate parcel
-- setup
CREATE TABLE parcel (id int PRIMARY KEY, owner int, weight int);
ALTER TABLE parcel ALTER owner SET STATISTICS 10;
INSERT INTO parcel SELECT i, CASE WHEN i <= 40000 THEN i % 10 WHEN i <= 42000 THEN 77 ELSE i END, i % 9 FROM generate_series(1, 62000) i;
CREATE INDEX ON parcel (owner);
SELECT pg_stat_force_next_flush();
ANALYZE parcel;
-- run 3 times
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT sum(p.weight), sum(o.bid) FROM parcel p JOIN offer o ON o.car_id = p.id WHERE p.owner = 77;
-- scenario: misestimate, correlated columns of a table analyzed as it was filled
-- expect: row_misestimate parcel
-- setup
CREATE TABLE parcel (id int PRIMARY KEY, make int, model int);
CREATE INDEX ON parcel (make);
BEGIN;
INSERT INTO parcel SELECT i, i % 50, (i % 50) * 10 + 1 FROM generate_series(1, 80000) i;
ANALYZE parcel;
COMMIT;
-- run 3 times
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT sum(p.id), sum(o.bid) FROM parcel p JOIN offer o ON o.car_id = p.id WHERE p.make = 5 AND p.model = 51;
-- scenario: misestimate, below a bitmap scan
-- expect: stale_statistics parcel
-- setup
CREATE TABLE parcel (id int PRIMARY KEY, state text, car int);
INSERT INTO parcel SELECT i, 'done', i FROM generate_series(1, 60000) i;
CREATE INDEX ON parcel (state);
SELECT pg_stat_force_next_flush();
ANALYZE parcel;
INSERT INTO parcel SELECT i, 'new', i FROM generate_series(60001, 63000) i;
-- run 3 times
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_indexscan = off;
SET enable_seqscan = off;
SELECT p.car % 900, max(o.bid) FROM parcel p JOIN offer o ON o.car_id = p.car WHERE p.state = 'new' GROUP BY 1;
-- scenario: no misestimate, a bitmap scan as planned
-- run 3 times
SET enable_indexscan = off;
SET enable_seqscan = off;
SELECT c.id % 900, max(c.price) FROM car c JOIN offer o ON o.car_id = c.id WHERE c.make = 5 GROUP BY 1;
-- scenario: misestimate, a condition on an expression
-- expect: row_misestimate car
-- run 3 times
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT sum(c.price), sum(o.bid) FROM car c JOIN offer o ON o.car_id = c.id WHERE (c.make + c.model) % 11 = 1;
-- scenario: misestimate, a plan made before the value was known
-- expect: row_misestimate status
-- setup
CREATE TABLE status (id int PRIMARY KEY, state int, n int);
INSERT INTO status SELECT i, CASE WHEN i <= 20000 THEN 0 ELSE i END, i FROM generate_series(1, 40000) i;
CREATE INDEX ON status (state);
SELECT pg_stat_force_next_flush();
ANALYZE status;
-- run
SET plan_cache_mode = force_generic_plan;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
PREPARE q(int) AS SELECT sum(s.n), sum(o.bid) FROM status s JOIN offer o ON o.car_id = s.id WHERE s.state = $1;
EXECUTE q(0);
EXECUTE q(0);
EXECUTE q(0);
-- scenario: misestimate, stale statistics
-- expect: stale_statistics inbox
-- setup
CREATE TABLE inbox (id int PRIMARY KEY, owner int, what text);
INSERT INTO inbox SELECT i, i, 'x' FROM generate_series(1, 1000) i;
CREATE INDEX ON inbox (owner);
ANALYZE inbox;
INSERT INTO inbox SELECT i, 5, 'y' FROM generate_series(1001, 60000) i;
CREATE TABLE reply (id int PRIMARY KEY, inbox_id int);
INSERT INTO reply SELECT i, i FROM generate_series(1, 60000) i;
CREATE INDEX ON reply (inbox_id);
ANALYZE reply;
-- run 3 times
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT max(r.id), max(i.what) FROM inbox i JOIN reply r ON r.inbox_id = i.id WHERE i.owner = 5;
-- scenario: no misestimate, analyzed since
-- setup
CREATE TABLE parcel (id int PRIMARY KEY, state text, weight int);
INSERT INTO parcel SELECT i, 'done', i % 9 FROM generate_series(1, 60000) i;
CREATE INDEX ON parcel (state);
SELECT pg_stat_force_next_flush();
ANALYZE parcel;
INSERT INTO parcel SELECT i, 'new', i % 9 FROM generate_series(60001, 66000) i;
-- run
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT sum(p.weight), sum(o.bid) FROM parcel p JOIN offer o ON o.car_id = p.id WHERE p.state = 'new';
SELECT sum(p.weight), sum(o.bid) FROM parcel p JOIN offer o ON o.car_id = p.id WHERE p.state = 'new';
SELECT sum(p.weight), sum(o.bid) FROM parcel p JOIN offer o ON o.car_id = p.id WHERE p.state = 'new';
ANALYZE parcel;
-- scenario: misestimate, never analyzed
-- expect: stale_statistics mail
-- setup
CREATE TABLE mail (id int PRIMARY KEY, owner int, box int);
CREATE INDEX ON mail (owner);
INSERT INTO mail SELECT i, i % 5, i FROM generate_series(1, 30000) i;
-- run 3 times
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT sum(m.box), sum(o.bid) FROM mail m JOIN offer o ON o.car_id = m.id WHERE m.owner = 3;
-- scenario: misestimate, a queue that has filled since
-- expect: stale_statistics job
-- setup
CREATE TABLE job (id int PRIMARY KEY, state text, car int);
INSERT INTO job SELECT i, 'done', i FROM generate_series(1, 20000) i;
CREATE INDEX ON job (state);
ANALYZE job;
INSERT INTO job SELECT i, 'new', i FROM generate_series(20001, 28000) i;
-- run 3 times
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT sum(j.id), sum(o.bid) FROM job j JOIN offer o ON o.car_id = j.car WHERE j.state = 'new';
-- scenario: misestimate, rows of a new month
-- expect: stale_statistics sale
-- setup
CREATE TABLE sale (id int PRIMARY KEY, day date, car int);
INSERT INTO sale SELECT i, date '2025-01-01' + i % 300, i FROM generate_series(1, 20000) i;
CREATE INDEX ON sale (day);
ANALYZE sale;
INSERT INTO sale SELECT i, date '2025-12-01' + i % 20, i FROM generate_series(20001, 30000) i;
-- run 3 times
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT sum(s.id), sum(o.bid) FROM sale s JOIN offer o ON o.car_id = s.car WHERE s.day >= '2025-12-01';
-- scenario: misestimate, all values were changed
-- expect: stale_statistics flag
-- setup
CREATE TABLE flag (id int PRIMARY KEY, kind int);
INSERT INTO flag SELECT i, i FROM generate_series(1, 20000) i;
CREATE INDEX ON flag (kind);
ANALYZE flag;
UPDATE flag SET kind = 7 WHERE id > 10000;
-- run 3 times
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT sum(f.id), sum(o.bid) FROM flag f JOIN offer o ON o.car_id = f.id WHERE f.kind = 7;
-- scenario: no misestimate, statistics after the change
-- setup
CREATE TABLE job (id int PRIMARY KEY, state text, car int);
INSERT INTO job SELECT i, 'done', i FROM generate_series(1, 20000) i;
CREATE INDEX ON job (state);
ANALYZE job;
INSERT INTO job SELECT i, 'new', i FROM generate_series(20001, 28000) i;
ANALYZE job;
-- run 3 times
SELECT sum(j.id), sum(o.bid) FROM job j JOIN offer o ON o.car_id = j.car WHERE j.state = 'new';
-- scenario: no misestimate, a change that nobody asks for
-- setup
CREATE TABLE job (id int PRIMARY KEY, state text, car int);
INSERT INTO job SELECT i, 'done', i FROM generate_series(1, 20000) i;
CREATE INDEX ON job (state);
ANALYZE job;
INSERT INTO job SELECT i, 'new', i FROM generate_series(20001, 28000) i;
-- run 3 times
SELECT j.id, o.bid FROM job j JOIN offer o ON o.car_id = j.car WHERE j.id = 4711;
-- scenario: no misestimate, stale but right
-- setup
CREATE TABLE job (id int PRIMARY KEY, state int, car int);
INSERT INTO job SELECT i, i % 10, i FROM generate_series(1, 10000) i;
CREATE INDEX ON job (state);
ANALYZE job;
INSERT INTO job SELECT i, i % 10, i FROM generate_series(10001, 19000) i;
-- run 3 times
SELECT sum(j.id), sum(o.bid) FROM job j JOIN offer o ON o.car_id = j.car WHERE j.state = 3;
-- scenario: no misestimate, a table never analyzed, by its key
-- setup
CREATE TABLE mail (id int PRIMARY KEY, owner int, box int);
INSERT INTO mail SELECT i, i % 5, i FROM generate_series(1, 30000) i;
-- run 3 times
SELECT m.box, o.bid FROM mail m JOIN offer o ON o.car_id = m.id WHERE m.id = 3;
-- scenario: no misestimate, wrong once
-- setup
CREATE TABLE mail (id int PRIMARY KEY, owner int, box int);
CREATE INDEX ON mail (owner);
INSERT INTO mail SELECT i, i % 5, i FROM generate_series(1, 30000) i;
-- run
SELECT sum(m.box), sum(o.bid) FROM mail m JOIN offer o ON o.car_id = m.id WHERE m.owner = 3;
-- scenario: no misestimate, far off by a few rows
-- setup
CREATE TABLE mail (id int PRIMARY KEY, owner int, box int);
CREATE INDEX ON mail (owner);
INSERT INTO mail SELECT i, i, i FROM generate_series(1, 20000) i;
ANALYZE mail;
INSERT INTO mail SELECT i, 5, i FROM generate_series(20001, 20400) i;
-- run 3 times
SELECT sum(m.box), sum(o.bid) FROM mail m JOIN offer o ON o.car_id = m.id WHERE m.owner = 5;
-- scenario: no misestimate, uncorrelated columns
-- setup
CREATE TABLE car (id int PRIMARY KEY, make int, model int);
INSERT INTO car SELECT i, i % 50, (i / 50) % 20 FROM generate_series(1, 60000) i;
CREATE INDEX ON car (make, model);
ANALYZE car;
-- run 3 times
SELECT sum(c.id), sum(o.bid) FROM car c JOIN offer o ON o.car_id = c.id WHERE c.make = 5 AND c.model = 7;
-- scenario: no misestimate, extended statistics are there
-- setup
CREATE TABLE car AS SELECT * FROM public.car WHERE id <= 60000;
CREATE INDEX ON car (make);
CREATE STATISTICS car_stat (dependencies, mcv) ON make, model FROM car;
ANALYZE car;
-- run 3 times
SELECT max(o.bid) FROM car c JOIN offer o ON o.car_id = c.id WHERE c.make = 5 AND c.model = 51;
-- scenario: no misestimate, correlated columns of which one is asked
-- run 3 times
SELECT sum(c.price), sum(o.bid) FROM car c JOIN offer o ON o.car_id = c.id WHERE c.make = 5;
-- scenario: no misestimate, more rows planned than there are
-- setup
CREATE TABLE flag (id int PRIMARY KEY, kind int);
INSERT INTO flag SELECT i, CASE WHEN i % 2 = 0 THEN 7 ELSE i END FROM generate_series(1, 20000) i;
CREATE INDEX ON flag (kind);
ANALYZE flag;
DELETE FROM flag WHERE kind = 7 AND id > 1000;
VACUUM flag;
-- run 3 times
SELECT id FROM flag WHERE kind = 7;
-- scenario: no misestimate, under a LIMIT
-- run 3 times
SELECT * FROM purchase WHERE made > '2024-01-01' ORDER BY made LIMIT 5;
-- scenario: no misestimate, a small table
-- setup
CREATE TABLE unit (id int PRIMARY KEY, a int, b int);
INSERT INTO unit SELECT i, i % 10, i % 10 FROM generate_series(1, 900) i;
ANALYZE unit;
-- run 3 times
SELECT max(id) FROM unit WHERE a = 5 AND b = 5;
-- scenario: no misestimate, a good guess
-- run 3 times
SELECT c.city, max(p.total) FROM customer c JOIN purchase p ON p.customer_id = c.id WHERE c.id <= 3000 GROUP BY c.city;
