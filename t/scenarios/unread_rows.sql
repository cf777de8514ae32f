-- scenario: unread, a sort of which ten rows are fetched
-- expect: unread_rows purchase
-- run 3 times
BEGIN;
DECLARE c CURSOR FOR SELECT id, total, status FROM purchase ORDER BY total DESC, id;
FETCH 10 FROM c;
CLOSE c;
COMMIT;
-- scenario: unread, the transaction ends before the cursor
-- expect: unread_rows note
-- run 3 times
BEGIN;
DECLARE c CURSOR FOR SELECT id, body FROM note ORDER BY body;
FETCH 20 FROM c;
COMMIT;
-- scenario: unread, groups of which few are fetched
-- expect: unread_rows item
-- run 3 times
BEGIN;
DECLARE c CURSOR FOR SELECT purchase_id % 50000, sum(quantity) FROM item GROUP BY 1;
FETCH 5 FROM c;
CLOSE c;
COMMIT;
-- scenario: unread, a cursor that is held
-- expect: unread_rows purchase
-- run 3 times
BEGIN;
DECLARE held CURSOR FOR SELECT id, made, total FROM purchase ORDER BY total, id;
FETCH 10 FROM held;
CLOSE held;
COMMIT;
-- scenario: not unread, a cursor read to its end
-- run 3 times
BEGIN;
DECLARE c CURSOR FOR SELECT id, title FROM product ORDER BY title;
FETCH 1000 FROM c;
FETCH 1000 FROM c;
FETCH 1000 FROM c;
CLOSE c;
COMMIT;
-- scenario: not unread, a LIMIT
-- run 3 times
SELECT id, total FROM purchase ORDER BY made LIMIT 10;
-- scenario: not unread, EXISTS
-- run 3 times
SELECT EXISTS (SELECT FROM purchase WHERE customer_id = 5);
-- scenario: not unread, few rows were left
-- run 3 times
BEGIN;
DECLARE c CURSOR FOR SELECT id, body FROM note WHERE customer_id = 5 ORDER BY body;
FETCH 1 FROM c;
CLOSE c;
COMMIT;
-- scenario: not unread, FETCH ALL
-- run 3 times
BEGIN;
DECLARE c CURSOR FOR SELECT id, title FROM product ORDER BY title;
FETCH ALL FROM c;
CLOSE c;
COMMIT;
-- scenario: not unread, once
-- run
BEGIN;
DECLARE c CURSOR FOR SELECT id, total, status FROM purchase ORDER BY total DESC, id;
FETCH 10 FROM c;
CLOSE c;
COMMIT;
-- scenario: unread, a join that is hashed and sorted
-- expect: unread_rows purchase
-- run 3 times
SET enable_nestloop = off;
SET enable_mergejoin = off;
BEGIN;
DECLARE c CURSOR FOR SELECT p.id, c.name FROM purchase p JOIN customer c ON c.id = p.customer_id ORDER BY p.total, p.id;
FETCH 25 FROM c;
CLOSE c;
COMMIT;
-- scenario: not unread, rows as an index finds them
-- run 3 times
BEGIN;
DECLARE c CURSOR FOR SELECT id, total FROM purchase ORDER BY made;
FETCH 10 FROM c;
CLOSE c;
COMMIT;
-- scenario: not unread, the transaction is rolled back
-- run 3 times
BEGIN;
DECLARE c CURSOR FOR SELECT id, body FROM note ORDER BY body;
FETCH 10 FROM c;
ROLLBACK;
-- scenario: not unread, a third is read
-- run 3 times
SET work_mem = '64MB';
BEGIN;
DECLARE c CURSOR FOR SELECT id, body FROM note ORDER BY body;
FETCH 20000 FROM c;
CLOSE c;
COMMIT;
