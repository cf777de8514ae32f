-- scenario: misestimate, correlated columns below a join
-- expect: row_misestimate
-- setup
CREATE TABLE car (id int PRIMARY KEY, make int, model int, price int);
INSERT INTO car SELECT i, i % 100, (i % 100) * 10 + 1, i % 777 FROM generate_series(1, 200000) i;
CREATE INDEX ON car (make);
CREATE TABLE offer (id int PRIMARY KEY, car_id int, bid int);
INSERT INTO offer SELECT i, i, i FROM generate_series(1, 200000) i;
CREATE INDEX ON offer (car_id);
SELECT pg_stat_force_next_flush();
ANALYZE car, offer;
-- run
SELECT count(*) FROM (SELECT c.price, o.bid FROM car c JOIN offer o ON o.car_id = c.id WHERE c.make = 5 AND c.model = 51) x;
SELECT count(*) FROM (SELECT c.price, o.bid FROM car c JOIN offer o ON o.car_id = c.id WHERE c.make = 5 AND c.model = 51) x;
SELECT count(*) FROM (SELECT c.price, o.bid FROM car c JOIN offer o ON o.car_id = c.id WHERE c.make = 5 AND c.model = 51) x;
-- scenario: misestimate, stale statistics
-- expect: stale_statistics
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
-- run
SELECT max(r.id), max(i.what) FROM inbox i JOIN reply r ON r.inbox_id = i.id WHERE i.owner = 5;
SELECT max(r.id), max(i.what) FROM inbox i JOIN reply r ON r.inbox_id = i.id WHERE i.owner = 5;
SELECT max(r.id), max(i.what) FROM inbox i JOIN reply r ON r.inbox_id = i.id WHERE i.owner = 5;
-- scenario: no misestimate, uncorrelated columns
-- setup
CREATE TABLE car (id int PRIMARY KEY, make int, model int);
INSERT INTO car SELECT i, i % 100, (i / 100) % 20 FROM generate_series(1, 200000) i;
CREATE INDEX ON car (make, model);
SELECT pg_stat_force_next_flush();
ANALYZE car;
-- run
SELECT max(id) FROM car WHERE make = 5 AND model = 7;
SELECT max(id) FROM car WHERE make = 5 AND model = 7;
SELECT max(id) FROM car WHERE make = 5 AND model = 7;
-- scenario: no misestimate, extended statistics are there
-- setup
CREATE TABLE car (id int PRIMARY KEY, make int, model int, price int);
INSERT INTO car SELECT i, i % 100, (i % 100) * 10 + 1, i % 777 FROM generate_series(1, 200000) i;
CREATE INDEX ON car (make);
CREATE TABLE offer (id int PRIMARY KEY, car_id int, bid int);
INSERT INTO offer SELECT i, i, i FROM generate_series(1, 200000) i;
CREATE INDEX ON offer (car_id);
SELECT pg_stat_force_next_flush();
ANALYZE car, offer;
CREATE STATISTICS car_stat (dependencies, mcv) ON make, model FROM car;
ANALYZE car;
-- run
SELECT max(o.bid) FROM car c JOIN offer o ON o.car_id = c.id WHERE c.make = 5 AND c.model = 51;
SELECT max(o.bid) FROM car c JOIN offer o ON o.car_id = c.id WHERE c.make = 5 AND c.model = 51;
SELECT max(o.bid) FROM car c JOIN offer o ON o.car_id = c.id WHERE c.make = 5 AND c.model = 51;
-- scenario: no misestimate, under a LIMIT
-- run
SELECT * FROM purchase WHERE made > '2024-01-01' ORDER BY made LIMIT 5;
SELECT * FROM purchase WHERE made > '2024-01-01' ORDER BY made LIMIT 5;
SELECT * FROM purchase WHERE made > '2024-01-01' ORDER BY made LIMIT 5;
-- scenario: no misestimate, a small table
-- setup
CREATE TABLE unit (id int PRIMARY KEY, a int, b int);
INSERT INTO unit SELECT i, i % 10, i % 10 FROM generate_series(1, 900) i;
ANALYZE unit;
-- run
SELECT max(id) FROM unit WHERE a = 5 AND b = 5;
SELECT max(id) FROM unit WHERE a = 5 AND b = 5;
SELECT max(id) FROM unit WHERE a = 5 AND b = 5;
-- scenario: no misestimate, a good guess
-- run
SELECT c.city, max(p.total) FROM customer c JOIN purchase p ON p.customer_id = c.id WHERE c.id <= 3000 GROUP BY c.city;
SELECT c.city, max(p.total) FROM customer c JOIN purchase p ON p.customer_id = c.id WHERE c.id <= 3000 GROUP BY c.city;
SELECT c.city, max(p.total) FROM customer c JOIN purchase p ON p.customer_id = c.id WHERE c.id <= 3000 GROUP BY c.city;
