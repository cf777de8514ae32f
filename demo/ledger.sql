-- Load the directory; apply half, live with it for a while, apply the rest: 0007 moves data.
SELECT count(*) AS revisions_loaded FROM purser.load_directory(:'migrations');

SELECT count(*) AS first_applied FROM purser.upgrade('0006_comments');
\ir people.sql

SELECT step, direction, revision, message, round(extract(epoch FROM duration) * 1000, 1) AS ms
FROM purser.upgrade('head');
SELECT count(*) AS posts_tagged_by_0007 FROM post_tags;

SELECT step, direction, revision, message FROM purser.downgrade('-1');
SELECT step, direction, revision, message FROM purser.upgrade('+1');
SELECT revision AS current, message FROM purser.current();
SELECT kind, count(*), bool_and(hash IS NOT NULL) AS chained FROM purser.event GROUP BY kind ORDER BY kind;
