-- scenario: unread, a sort of which ten rows are fetched
-- expect: unread_rows
-- run
BEGIN;
DECLARE c CURSOR FOR SELECT id, total, status FROM purchase ORDER BY total DESC, id;
FETCH 10 FROM c;
CLOSE c;
COMMIT;
BEGIN;
DECLARE c CURSOR FOR SELECT id, total, status FROM purchase ORDER BY total DESC, id;
FETCH 10 FROM c;
CLOSE c;
COMMIT;
BEGIN;
DECLARE c CURSOR FOR SELECT id, total, status FROM purchase ORDER BY total DESC, id;
FETCH 10 FROM c;
CLOSE c;
COMMIT;
-- scenario: unread, the transaction ends before the cursor
-- expect: unread_rows
-- run
BEGIN;
DECLARE c CURSOR FOR SELECT id, body FROM note ORDER BY body;
FETCH 20 FROM c;
COMMIT;
BEGIN;
DECLARE c CURSOR FOR SELECT id, body FROM note ORDER BY body;
FETCH 20 FROM c;
COMMIT;
BEGIN;
DECLARE c CURSOR FOR SELECT id, body FROM note ORDER BY body;
FETCH 20 FROM c;
COMMIT;
-- scenario: unread, groups of which few are fetched
-- expect: unread_rows
-- run
BEGIN;
DECLARE c CURSOR FOR SELECT purchase_id % 50000, sum(quantity) FROM item GROUP BY 1;
FETCH 5 FROM c;
CLOSE c;
COMMIT;
BEGIN;
DECLARE c CURSOR FOR SELECT purchase_id % 50000, sum(quantity) FROM item GROUP BY 1;
FETCH 5 FROM c;
CLOSE c;
COMMIT;
BEGIN;
DECLARE c CURSOR FOR SELECT purchase_id % 50000, sum(quantity) FROM item GROUP BY 1;
FETCH 5 FROM c;
CLOSE c;
COMMIT;
-- scenario: unread, a cursor that is held
-- expect: unread_rows
-- run
BEGIN;
DECLARE held CURSOR FOR SELECT id, made, total FROM purchase ORDER BY total, id;
FETCH 10 FROM held;
CLOSE held;
COMMIT;
BEGIN;
DECLARE held CURSOR FOR SELECT id, made, total FROM purchase ORDER BY total, id;
FETCH 10 FROM held;
CLOSE held;
COMMIT;
BEGIN;
DECLARE held CURSOR FOR SELECT id, made, total FROM purchase ORDER BY total, id;
FETCH 10 FROM held;
CLOSE held;
COMMIT;
-- scenario: not unread, a cursor read to its end
-- run
BEGIN;
DECLARE c CURSOR FOR SELECT id, title FROM product ORDER BY title;
FETCH 1000 FROM c;
FETCH 1000 FROM c;
FETCH 1000 FROM c;
CLOSE c;
COMMIT;
BEGIN;
DECLARE c CURSOR FOR SELECT id, title FROM product ORDER BY title;
FETCH 1000 FROM c;
FETCH 1000 FROM c;
FETCH 1000 FROM c;
CLOSE c;
COMMIT;
BEGIN;
DECLARE c CURSOR FOR SELECT id, title FROM product ORDER BY title;
FETCH 1000 FROM c;
FETCH 1000 FROM c;
FETCH 1000 FROM c;
CLOSE c;
COMMIT;
-- scenario: not unread, a LIMIT
-- run
SELECT id, total FROM purchase ORDER BY made LIMIT 10;
SELECT id, total FROM purchase ORDER BY made LIMIT 10;
SELECT id, total FROM purchase ORDER BY made LIMIT 10;
-- scenario: not unread, EXISTS
-- run
SELECT EXISTS (SELECT FROM purchase WHERE customer_id = 5);
SELECT EXISTS (SELECT FROM purchase WHERE customer_id = 5);
SELECT EXISTS (SELECT FROM purchase WHERE customer_id = 5);
-- scenario: not unread, few rows were left
-- run
BEGIN;
DECLARE c CURSOR FOR SELECT id, body FROM note WHERE customer_id = 5 ORDER BY body;
FETCH 1 FROM c;
CLOSE c;
COMMIT;
BEGIN;
DECLARE c CURSOR FOR SELECT id, body FROM note WHERE customer_id = 5 ORDER BY body;
FETCH 1 FROM c;
CLOSE c;
COMMIT;
BEGIN;
DECLARE c CURSOR FOR SELECT id, body FROM note WHERE customer_id = 5 ORDER BY body;
FETCH 1 FROM c;
CLOSE c;
COMMIT;
-- scenario: not unread, FETCH ALL
-- run
BEGIN;
DECLARE c CURSOR FOR SELECT id, title FROM product ORDER BY title;
FETCH ALL FROM c;
CLOSE c;
COMMIT;
BEGIN;
DECLARE c CURSOR FOR SELECT id, title FROM product ORDER BY title;
FETCH ALL FROM c;
CLOSE c;
COMMIT;
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
