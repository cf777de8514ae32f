-- Deep offsets: the keyset form of each order.
LOAD 'pg_purser';
CREATE SCHEMA audit_keyset;
SET search_path = audit_keyset;
SET max_parallel_workers_per_gather = 0;
SET enable_incremental_sort = off;
CREATE TABLE posts (id int PRIMARY KEY, made date NOT NULL, score int NOT NULL, slug text NOT NULL, edited date);
INSERT INTO posts SELECT i, date '2026-01-01' + i % 90, i % 7, 'post-' || lpad(i::text, 5, '0'), date '2026-01-01' + i % 90
FROM generate_series(1, 3000) i;
CREATE UNIQUE INDEX posts_slug ON posts (slug);
CREATE TABLE log (at int NOT NULL, host int NOT NULL, line text);
INSERT INTO log SELECT i, i % 10, 'line' FROM generate_series(1, 3000) i;
CREATE TABLE codes (code int NOT NULL, "Part" int NOT NULL, v int NOT NULL, UNIQUE (code, "Part"));
INSERT INTO codes SELECT i / 2, i % 2, i % 5 FROM generate_series(1, 3000) i;
CREATE TABLE loose (code int UNIQUE, later int NOT NULL UNIQUE DEFERRABLE, half int NOT NULL, v int NOT NULL);
INSERT INTO loose SELECT i, i, i, i FROM generate_series(1, 3000) i;
CREATE UNIQUE INDEX loose_half ON loose (half) WHERE half > 0;
VACUUM ANALYZE posts, log, codes, loose;
CREATE VIEW found AS
    SELECT relation, columns, substr(suggestion, strpos(suggestion, ': ') + 2) AS suggestion
    FROM purser.findings WHERE rule = 'deep_offset' ORDER BY relation::text, columns, suggestion COLLATE "C";

-- unique as it is: the key, another unique index, the key with more
SELECT purser.audit_reset();
SELECT id FROM posts ORDER BY id LIMIT 1 OFFSET 1500 \g /dev/null
SELECT id FROM posts ORDER BY id LIMIT 1 OFFSET 1500 \g /dev/null
SELECT id FROM posts ORDER BY slug DESC LIMIT 1 OFFSET 1500 \g /dev/null
SELECT id FROM posts ORDER BY slug DESC LIMIT 1 OFFSET 1500 \g /dev/null
SELECT id FROM posts ORDER BY made, id LIMIT 1 OFFSET 1500 \g /dev/null
SELECT id FROM posts ORDER BY made, id LIMIT 1 OFFSET 1500 \g /dev/null
SELECT code FROM codes ORDER BY code DESC, "Part" DESC LIMIT 1 OFFSET 1500 \g /dev/null
SELECT code FROM codes ORDER BY code DESC, "Part" DESC LIMIT 1 OFFSET 1500 \g /dev/null
SELECT * FROM found;
-- not unique: the key is added, in the direction of the last column
SELECT purser.audit_reset();
SELECT id FROM posts ORDER BY made LIMIT 1 OFFSET 1500 \g /dev/null
SELECT id FROM posts ORDER BY made LIMIT 1 OFFSET 1500 \g /dev/null
SELECT id FROM posts ORDER BY score DESC LIMIT 1 OFFSET 1500 \g /dev/null
SELECT id FROM posts ORDER BY score DESC LIMIT 1 OFFSET 1500 \g /dev/null
SELECT code FROM codes ORDER BY v DESC LIMIT 1 OFFSET 1500 \g /dev/null
SELECT code FROM codes ORDER BY v DESC LIMIT 1 OFFSET 1500 \g /dev/null
SELECT code FROM codes ORDER BY "Part" LIMIT 1 OFFSET 1500 \g /dev/null
SELECT code FROM codes ORDER BY "Part" LIMIT 1 OFFSET 1500 \g /dev/null
SELECT * FROM found;
-- in both directions; columns that can be NULL; no key at all; no key that tells rows apart
SELECT purser.audit_reset();
SELECT id FROM posts ORDER BY score DESC, made LIMIT 1 OFFSET 1500 \g /dev/null
SELECT id FROM posts ORDER BY score DESC, made LIMIT 1 OFFSET 1500 \g /dev/null
SELECT id FROM posts ORDER BY edited DESC LIMIT 1 OFFSET 1500 \g /dev/null
SELECT id FROM posts ORDER BY edited DESC LIMIT 1 OFFSET 1500 \g /dev/null
SELECT line FROM log ORDER BY at, host LIMIT 1 OFFSET 1500 \g /dev/null
SELECT line FROM log ORDER BY at, host LIMIT 1 OFFSET 1500 \g /dev/null
SELECT v FROM loose ORDER BY v LIMIT 1 OFFSET 1500 \g /dev/null
SELECT v FROM loose ORDER BY v LIMIT 1 OFFSET 1500 \g /dev/null
SELECT * FROM found;
-- what is suggested gives the next page: after the row (3, 2026-01-31, 30) of the mixed order
SELECT id, score, made FROM posts ORDER BY score DESC, made, id LIMIT 3 OFFSET 1500;
SELECT score AS s, made AS m, id AS i FROM posts ORDER BY score DESC, made, id LIMIT 1 OFFSET 1499 \gset
SELECT id, score, made FROM posts
WHERE (score < :s) OR (score = :s AND made > :'m') OR (score = :s AND made = :'m' AND id > :i)
ORDER BY score DESC, made, id LIMIT 3;
-- the order of partitions is that of their table
CREATE TABLE parts (id int NOT NULL, v int NOT NULL, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (1500);
CREATE TABLE parts_2 (v int NOT NULL, id int NOT NULL);
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (1500) TO (4000);
INSERT INTO parts SELECT i, i % 9 FROM generate_series(1, 3000) i;
VACUUM ANALYZE parts;
SELECT purser.audit_reset();
SELECT id FROM parts ORDER BY v LIMIT 1 OFFSET 1500 \g /dev/null
SELECT id FROM parts ORDER BY v LIMIT 1 OFFSET 1500 \g /dev/null
SELECT * FROM found;
-- also where the first of them is pruned as the query starts
PREPARE later AS SELECT id FROM parts WHERE id >= $1 ORDER BY v DESC LIMIT 1 OFFSET 1200;
SET plan_cache_mode = force_generic_plan;
SELECT purser.audit_reset();
EXECUTE later (1500) \g /dev/null
EXECUTE later (1500) \g /dev/null
SELECT * FROM found;
RESET plan_cache_mode;
-- and where their indexes are merged
CREATE INDEX ON parts (v, id);
VACUUM ANALYZE parts;
SET enable_sort = off;
SELECT purser.audit_reset();
SELECT id FROM parts ORDER BY v DESC, id DESC LIMIT 1 OFFSET 1500 \g /dev/null
SELECT id FROM parts ORDER BY v DESC, id DESC LIMIT 1 OFFSET 1500 \g /dev/null
EXPLAIN (COSTS off) SELECT id FROM parts ORDER BY v DESC, id DESC LIMIT 1 OFFSET 1500;
SELECT * FROM found;
RESET enable_sort;
-- a key that comes later is taken up
SELECT purser.audit_reset();
SELECT line FROM log ORDER BY at LIMIT 1 OFFSET 1500 \g /dev/null
SELECT line FROM log ORDER BY at LIMIT 1 OFFSET 1500 \g /dev/null
SELECT suggestion FROM purser.findings;
ALTER TABLE log ADD PRIMARY KEY (host, at);
SELECT * FROM found;

SET client_min_messages = warning;
DROP SCHEMA audit_keyset CASCADE;
