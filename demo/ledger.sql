-- The ledger: load a directory of migrations, go to head, one step down and up again.
\pset footer off
SELECT count(*) AS loaded FROM purser.load_directory(:'migrations');
SELECT step, revision, message, round(extract(epoch FROM duration) * 1000, 1) AS ms
FROM purser.upgrade('head') ORDER BY step;
SELECT step, direction, revision, message FROM purser.downgrade('-1')
UNION ALL
SELECT 2, direction, revision, message FROM purser.upgrade('+1') ORDER BY step;
SELECT * FROM purser.current();
