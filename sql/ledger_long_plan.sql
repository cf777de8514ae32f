-- plan() reads the rows of short plans and of long ones differently, and shows the same.
SELECT count(purser.add_revision('number ' || i, 'SELECT ' || i, nullif('SELECT -' || i, 'SELECT -7'), 'r' || i))
FROM generate_series(1, 600) i;
CREATE FUNCTION wrong(direction text, target text, first int, last int) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*)
	FROM purser.plan(direction, target) p
	FULL JOIN (SELECT row_number() OVER () AS step, i
			FROM generate_series(first, last, CASE direction WHEN 'upgrade' THEN 1 ELSE -1 END) i) e USING (step)
	WHERE (p.direction, p.revision, p.message, p.sql) IS DISTINCT FROM (wrong.direction, 'r' || i, 'number ' || i,
		'SELECT ' || CASE direction WHEN 'upgrade' THEN '' ELSE '-' END || i)
$$;
SELECT n, wrong('upgrade', 'r' || n, 1, n) FROM unnest(ARRAY[1, 511, 512, 513, 600]) n;
SELECT count(*) FROM purser.upgrade();
SELECT n, wrong('downgrade', '-' || n, 600, 601 - n) FROM unnest(ARRAY[1, 511, 512, 513, 590]) n;
SELECT * FROM purser.plan('downgrade', 'r599');
-- a large script, stored out of line
SELECT purser.add_revision('large', 'SELECT ''' || string_agg(md5(i::text), '') || '''', NULL, 'large')
FROM generate_series(1, 1000) i;
SELECT length(sql), md5(sql) = md5(upgrade) AS same
FROM purser.plan('upgrade', 'heads') p JOIN purser.revision r USING (revision);
SELECT count(*) FROM purser.stamp('base');
SELECT length(sql), md5(sql) = md5(upgrade) AS same
FROM purser.plan('upgrade', 'heads') p JOIN purser.revision r USING (revision) WHERE revision = 'large';
TRUNCATE purser.revision, purser.applied, purser.event;
DROP FUNCTION wrong;
