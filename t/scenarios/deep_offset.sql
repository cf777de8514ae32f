-- scenario: deep offset, by the primary key
-- expect: deep_offset customer
-- run
SELECT id, name FROM customer ORDER BY id LIMIT 20 OFFSET 15000;
SELECT id, name FROM customer ORDER BY id LIMIT 20 OFFSET 15020;
-- scenario: deep offset, a prepared statement
-- expect: deep_offset purchase
-- run
PREPARE page(int) AS SELECT id, total FROM purchase ORDER BY made LIMIT 50 OFFSET $1;
EXECUTE page(50000);
EXECUTE page(50050);
EXECUTE page(50100);
-- scenario: deep offset, by a column that is sorted
-- expect: deep_offset product
-- run
SELECT id, title FROM product ORDER BY title LIMIT 10 OFFSET 1500;
SELECT id, title FROM product ORDER BY title LIMIT 10 OFFSET 1510;
-- scenario: deep offset, by two columns
-- expect: deep_offset customer
-- run
SELECT id, name FROM customer ORDER BY city, id LIMIT 10 OFFSET 9000;
SELECT id, name FROM customer ORDER BY city, id LIMIT 10 OFFSET 9010;
-- scenario: deep offset, of a join
-- expect: deep_offset purchase
-- run
SELECT p.id, c.name FROM purchase p JOIN customer c ON c.id = p.customer_id ORDER BY p.id LIMIT 10 OFFSET 20000;
SELECT p.id, c.name FROM purchase p JOIN customer c ON c.id = p.customer_id ORDER BY p.id LIMIT 10 OFFSET 20010;
-- scenario: deep offset, with a condition
-- expect: deep_offset purchase
-- run
SELECT id FROM purchase WHERE made >= '2024-01-10' ORDER BY made LIMIT 20 OFFSET 30000;
SELECT id FROM purchase WHERE made >= '2024-01-10' ORDER BY made LIMIT 20 OFFSET 30020;
-- scenario: deep offset, backwards
-- expect: deep_offset purchase
-- run
SELECT id, total FROM purchase ORDER BY id DESC LIMIT 20 OFFSET 10000;
SELECT id, total FROM purchase ORDER BY id DESC LIMIT 20 OFFSET 10020;
-- scenario: no deep offset, the first pages
-- run
SELECT format('SELECT id, name FROM customer ORDER BY id LIMIT 20 OFFSET %s', i * 20) FROM generate_series(0, 9) i \gexec
-- scenario: no deep offset, beyond the end of a small result
-- run 2 times
SELECT id FROM note WHERE customer_id = 5 ORDER BY id LIMIT 20 OFFSET 100000;
-- scenario: no deep offset, keyset pages
-- run
SELECT format('SELECT id, name FROM customer WHERE id > %s ORDER BY id LIMIT 20', 15000 + i * 20) FROM generate_series(0, 9) i \gexec
-- scenario: no deep offset, once
-- run
SELECT id, name FROM customer ORDER BY id LIMIT 20 OFFSET 15000;
-- scenario: no deep offset, an OFFSET of zero
-- run 3 times
SELECT id, name FROM customer ORDER BY id LIMIT 20 OFFSET 0;
-- scenario: deep offset, a bound parameter
-- expect: deep_offset customer
-- bound 3 times
\set off random(10000, 15000)
SELECT id, name FROM customer ORDER BY id LIMIT 20 OFFSET :off;
-- scenario: deep offset, with a condition that has no index: one cause, one finding
-- expect: deep_offset purchase
-- run 3 times
SELECT id FROM purchase WHERE status = 'open' ORDER BY id LIMIT 20 OFFSET 1100;
-- scenario: no deep offset, a cursor that moves
-- run 3 times
BEGIN;
DECLARE c CURSOR FOR SELECT id, name FROM customer ORDER BY id;
MOVE 5000 FROM c;
FETCH 20 FROM c;
COMMIT;
-- scenario: no deep offset, page 30 of an admin list
-- run 3 times
SELECT id, name FROM customer ORDER BY id LIMIT 25 OFFSET 725;
-- scenario: no deep offset, a table of which all fits beside it
-- run 3 times
SELECT id, title FROM post ORDER BY id LIMIT 50 OFFSET 950;
-- scenario: deep offset, FETCH NEXT
-- expect: deep_offset customer
-- run 3 times
SELECT id, name FROM customer ORDER BY id OFFSET 15000 ROWS FETCH NEXT 20 ROWS ONLY;
