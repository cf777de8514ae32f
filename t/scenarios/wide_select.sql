-- scenario: wide, SELECT * of documents for a list
-- expect: wide_select document
-- run 3 times
SELECT * FROM document ORDER BY id LIMIT 200;
-- scenario: wide, all columns by name, as an ORM does
-- expect: wide_select document
-- run 3 times
SELECT document.id AS document_id, document.title AS document_title, document.kind AS document_kind, document.body AS document_body, document.meta AS document_meta FROM document WHERE document.kind = 3;
-- scenario: wide, of a join
-- expect: wide_select document
-- run 3 times
SELECT d.*, c.name FROM document d JOIN customer c ON c.id = d.id WHERE d.id <= 300;
-- scenario: wide, prepared
-- expect: wide_select document
-- run
PREPARE list(int) AS SELECT * FROM document WHERE id > $1 ORDER BY id LIMIT 150;
EXECUTE list(0);
EXECUTE list(150);
EXECUTE list(300);
-- scenario: wide, many columns in line
-- expect: wide_select form
-- setup
CREATE TABLE form (id int PRIMARY KEY, a text, b text, c text, d text, e text, f text, g text, h text);
INSERT INTO form SELECT i, (SELECT string_agg(md5(i || 'a' || k), '') FROM generate_series(1, 25) k), (SELECT string_agg(md5(i || 'b' || k), '') FROM generate_series(1, 25) k), (SELECT string_agg(md5(i || 'c' || k), '') FROM generate_series(1, 25) k), (SELECT string_agg(md5(i || 'd' || k), '') FROM generate_series(1, 25) k), (SELECT string_agg(md5(i || 'e' || k), '') FROM generate_series(1, 25) k), (SELECT string_agg(md5(i || 'f' || k), '') FROM generate_series(1, 25) k), (SELECT string_agg(md5(i || 'g' || k), '') FROM generate_series(1, 25) k), (SELECT string_agg(md5(i || 'h' || k), '') FROM generate_series(1, 25) k) FROM generate_series(1, 600) i;
ANALYZE form;
-- run 3 times
SELECT * FROM form ORDER BY id LIMIT 500;
-- scenario: not wide, the columns of a list
-- run 3 times
SELECT id, title, kind FROM document ORDER BY id LIMIT 200;
-- scenario: not wide, one document
-- run
SELECT format('SELECT * FROM document WHERE id = %s', i * 17) FROM generate_series(1, 20) i \gexec
-- scenario: not wide, a narrow table
-- run 3 times
SELECT * FROM customer ORDER BY id LIMIT 500;
-- scenario: not wide, a short page of narrow rows
-- run 3 times
SELECT * FROM purchase ORDER BY id LIMIT 20;
-- scenario: not wide, lengths only
-- run 3 times
SELECT id, length(body) FROM document;
-- scenario: not wide, once
-- run
SELECT * FROM document ORDER BY id LIMIT 200;
-- scenario: not wide, COPY
-- run 3 times
COPY document TO STDOUT;
-- scenario: wide, through a view
-- expect: wide_select document
-- setup
CREATE VIEW paper AS SELECT * FROM public.document WHERE kind <> 0;
-- run 3 times
SELECT * FROM paper ORDER BY id LIMIT 100;
-- scenario: not wide, a page of an admin list with its long texts cut
-- run 3 times
SELECT id, title, kind, left(body, 80) AS body, meta FROM document ORDER BY id LIMIT 100;
-- scenario: wide, json
-- expect: wide_select thing
-- setup
CREATE TABLE thing (id int PRIMARY KEY, name text, data jsonb);
INSERT INTO thing SELECT i, 'n', (SELECT jsonb_object_agg(md5(i || 'k' || k), k) FROM generate_series(1, 100) k) FROM generate_series(1, 300) i;
ANALYZE thing;
-- run 3 times
SELECT id, name, data FROM thing ORDER BY id LIMIT 100;
