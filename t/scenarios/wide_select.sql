-- scenario: wide, SELECT * of documents for a list
-- expect: wide_select
-- run
SELECT * FROM document ORDER BY id LIMIT 200;
SELECT * FROM document ORDER BY id LIMIT 200;
SELECT * FROM document ORDER BY id LIMIT 200;
-- scenario: wide, all columns by name, as an ORM does
-- expect: wide_select
-- run
SELECT document.id AS document_id, document.title AS document_title, document.kind AS document_kind, document.body AS document_body, document.meta AS document_meta FROM document WHERE document.kind = 3;
SELECT document.id AS document_id, document.title AS document_title, document.kind AS document_kind, document.body AS document_body, document.meta AS document_meta FROM document WHERE document.kind = 3;
SELECT document.id AS document_id, document.title AS document_title, document.kind AS document_kind, document.body AS document_body, document.meta AS document_meta FROM document WHERE document.kind = 3;
-- scenario: wide, of a join
-- expect: wide_select
-- run
SELECT d.*, c.name FROM document d JOIN customer c ON c.id = d.id WHERE d.id <= 300;
SELECT d.*, c.name FROM document d JOIN customer c ON c.id = d.id WHERE d.id <= 300;
SELECT d.*, c.name FROM document d JOIN customer c ON c.id = d.id WHERE d.id <= 300;
-- scenario: wide, prepared
-- expect: wide_select
-- run
PREPARE list(int) AS SELECT * FROM document WHERE id > $1 ORDER BY id LIMIT 150;
EXECUTE list(0);
EXECUTE list(150);
EXECUTE list(300);
-- scenario: wide, many columns in line
-- expect: wide_select
-- setup
CREATE TABLE form (id int PRIMARY KEY, a text, b text, c text, d text, e text, f text, g text, h text);
INSERT INTO form SELECT i, (SELECT string_agg(md5(i || 'a' || k), '') FROM generate_series(1, 25) k), (SELECT string_agg(md5(i || 'b' || k), '') FROM generate_series(1, 25) k), (SELECT string_agg(md5(i || 'c' || k), '') FROM generate_series(1, 25) k), (SELECT string_agg(md5(i || 'd' || k), '') FROM generate_series(1, 25) k), (SELECT string_agg(md5(i || 'e' || k), '') FROM generate_series(1, 25) k), (SELECT string_agg(md5(i || 'f' || k), '') FROM generate_series(1, 25) k), (SELECT string_agg(md5(i || 'g' || k), '') FROM generate_series(1, 25) k), (SELECT string_agg(md5(i || 'h' || k), '') FROM generate_series(1, 25) k) FROM generate_series(1, 3000) i;
ANALYZE form;
-- run
SELECT * FROM form ORDER BY id LIMIT 1000;
SELECT * FROM form ORDER BY id LIMIT 1000;
SELECT * FROM form ORDER BY id LIMIT 1000;
-- scenario: not wide, the columns of a list
-- run
SELECT id, title, kind FROM document ORDER BY id LIMIT 200;
SELECT id, title, kind FROM document ORDER BY id LIMIT 200;
SELECT id, title, kind FROM document ORDER BY id LIMIT 200;
-- scenario: not wide, one document
-- run
SELECT format('SELECT * FROM document WHERE id = %s', i * 17) FROM generate_series(1, 20) i \gexec
-- scenario: not wide, a narrow table
-- run
SELECT * FROM customer ORDER BY id LIMIT 500;
SELECT * FROM customer ORDER BY id LIMIT 500;
SELECT * FROM customer ORDER BY id LIMIT 500;
-- scenario: not wide, a short page of narrow rows
-- run
SELECT * FROM purchase ORDER BY id LIMIT 20;
SELECT * FROM purchase ORDER BY id LIMIT 20;
SELECT * FROM purchase ORDER BY id LIMIT 20;
-- scenario: not wide, lengths only
-- run
SELECT id, length(body) FROM document;
SELECT id, length(body) FROM document;
SELECT id, length(body) FROM document;
-- scenario: not wide, once
-- run
SELECT * FROM document ORDER BY id LIMIT 200;
-- scenario: not wide, COPY
-- run
COPY document TO STDOUT;
COPY document TO STDOUT;
COPY document TO STDOUT;
