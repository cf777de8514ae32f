------------------------------------------------------------------------------
-- Online: migrations that commit as they go
------------------------------------------------------------------------------

CREATE PROCEDURE purser.migrate(target text DEFAULT 'heads', direction text DEFAULT 'upgrade')
LANGUAGE C AS 'MODULE_PATHNAME', 'purser_migrate_0_1';
COMMENT ON PROCEDURE purser.migrate IS
'As upgrade(target) or downgrade(target), but commits after each revision, runs what no transaction '
'takes (CREATE INDEX CONCURRENTLY, VACUUM ...) in a background worker, and goes on where an earlier '
'run ended. target: as for those; direction: upgrade or downgrade. Errors: as those; 2D000 inside a '
'transaction block, 55P03 locks not to be had within purser.lock_patience, 53400 no background '
'worker free, 55000 another session changed the ledger meanwhile.';

CREATE VIEW purser.migrate_progress AS
SELECT u.runner_pid AS pid,
	worker.pid AS worker_pid,
	u.direction,
	u.step,
	u.steps,
	u.revision,
	r.message,
	u.next_statement AS statement_number,
	u.statements,
	u.statement,
	CASE WHEN u.phase <> 'running' THEN u.phase
		ELSE COALESCE(building.phase, 'vacuum: ' || vacuuming.phase, u.phase) END AS phase,
	COALESCE(building.blocks_done, vacuuming.heap_blks_scanned) AS blocks_done,
	COALESCE(building.blocks_total, vacuuming.heap_blks_total) AS blocks_total,
	u.attempts,
	CASE WHEN u.phase = 'waiting for locks' THEN u.blockers
		ELSE pg_catalog.pg_blocking_pids(COALESCE(worker.pid, u.runner_pid)) END AS blockers,
	u.started_at,
	pg_catalog.clock_timestamp() - u.started_at AS elapsed
FROM purser.underway u
JOIN pg_catalog.pg_stat_activity a ON a.pid = u.runner_pid AND a.backend_start = u.runner_start
JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
JOIN pg_catalog.pg_locks runner ON runner.pid = u.runner_pid AND runner.granted
	AND runner.locktype = 'advisory' AND runner.database = d.oid
	AND runner.classid = 1886745203 AND runner.objid = 3 AND runner.objsubid = 2
LEFT JOIN pg_catalog.pg_locks worker ON worker.granted
	AND worker.locktype = 'advisory' AND worker.database = d.oid
	AND worker.classid = 1886745203 AND worker.objid = 2 AND worker.objsubid = 2
LEFT JOIN purser.revision r ON r.revision = u.revision
LEFT JOIN pg_catalog.pg_stat_progress_create_index building ON building.pid = worker.pid
LEFT JOIN pg_catalog.pg_stat_progress_vacuum vacuuming ON vacuuming.pid = worker.pid
WHERE u.phase <> 'failed';
COMMENT ON VIEW purser.migrate_progress IS
'What the purser.migrate() that runs now is doing; no row when none runs. A revision that it runs in '
'batches is in purser.backfills instead.';
COMMENT ON COLUMN purser.migrate_progress.pid IS 'The session that called it.';
COMMENT ON COLUMN purser.migrate_progress.worker_pid IS
'The background worker that runs the statement; NULL: the session itself does.';
COMMENT ON COLUMN purser.migrate_progress.step IS 'Number of the revision in this run, of steps.';
COMMENT ON COLUMN purser.migrate_progress.statement_number IS
'The first statement that is not committed, of statements; those that share a transaction come '
'and go together.';
COMMENT ON COLUMN purser.migrate_progress.phase IS
'running, waiting for locks, or what the server says of a build or a vacuum.';
COMMENT ON COLUMN purser.migrate_progress.attempts IS
'How often the locks of the statement could not be had.';
COMMENT ON COLUMN purser.migrate_progress.blockers IS
'Process ids of those who hold what it waits for; 0 is a prepared transaction.';
COMMENT ON COLUMN purser.migrate_progress.started_at IS
'When the revision was begun, be it by an earlier run.';

REVOKE ALL ON PROCEDURE purser.migrate FROM PUBLIC;
REVOKE ALL ON TABLE purser.migrate_progress FROM PUBLIC;
GRANT SELECT ON TABLE purser.migrate_progress TO pg_monitor;
