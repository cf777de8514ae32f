------------------------------------------------------------------------------
-- Backfills: revisions that purser.migrate() runs in batches
------------------------------------------------------------------------------

CREATE TABLE purser.backfill (
	revision text COLLATE "C" PRIMARY KEY,
	relation text COLLATE "C" NOT NULL,
	key text COLLATE "C" NOT NULL,
	key_type text COLLATE "C" NOT NULL,
	state text COLLATE "C" NOT NULL
		CHECK (state IN ('running', 'paused', 'cancelled', 'failed', 'done')),
	position text,
	upper_bound text,
	rows_estimate bigint NOT NULL,
	rows_passed bigint NOT NULL DEFAULT 0,
	rows_done bigint NOT NULL DEFAULT 0,
	batches bigint NOT NULL DEFAULT 0,
	batch_size integer NOT NULL,
	rows_per_second double precision,
	throttled_by text,
	error text,
	duration interval NOT NULL DEFAULT '0',
	started_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	started_by text COLLATE "C" NOT NULL,
	pid integer NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE purser.backfill IS
'How far the revisions are that purser.migrate() runs in batches; each batch moves its row in its own '
'transaction. Written by purser.migrate(), pause_backfill(), resume_backfill() and cancel_backfill(); a '
'row goes when its revision is undone, stamped or replaced.';
COMMENT ON COLUMN purser.backfill.revision IS 'The id of one of purser.revision.';
COMMENT ON COLUMN purser.backfill.relation IS 'The table that is cut into batches.';
COMMENT ON COLUMN purser.backfill.key IS 'Its column along which it is cut.';
COMMENT ON COLUMN purser.backfill.key_type IS
'The type and the collation that order the keys; another one of either makes the position worthless.';
COMMENT ON COLUMN purser.backfill.state IS 'running, paused, cancelled, failed or done.';
COMMENT ON COLUMN purser.backfill.position IS
'The key up to which all is done, as text that does not depend on settings; NULL: none is.';
COMMENT ON COLUMN purser.backfill.upper_bound IS
'The greatest key when the backfill began: the last batch ends there. NULL: the table was empty.';
COMMENT ON COLUMN purser.backfill.rows_estimate IS 'Rows to go through, as the planner guessed at the start.';
COMMENT ON COLUMN purser.backfill.rows_passed IS 'Rows that the batches went through.';
COMMENT ON COLUMN purser.backfill.rows_done IS 'Rows that the statement changed, deleted or inserted.';
COMMENT ON COLUMN purser.backfill.batches IS 'Batches that are committed.';
COMMENT ON COLUMN purser.backfill.batch_size IS 'Rows that the next batch goes through.';
COMMENT ON COLUMN purser.backfill.rows_per_second IS 'Rows that batches went through, waits included: a moving average.';
COMMENT ON COLUMN purser.backfill.throttled_by IS
'What holds the next batch back: locks, replication lag or WAL rate.';
COMMENT ON COLUMN purser.backfill.error IS 'The message that the last batch failed with.';
COMMENT ON COLUMN purser.backfill.duration IS 'How long the batches ran, without waits between them.';
COMMENT ON COLUMN purser.backfill.started_at IS 'When the first batch was about to begin.';
COMMENT ON COLUMN purser.backfill.updated_at IS 'When the row last changed.';
COMMENT ON COLUMN purser.backfill.started_by IS 'The role that began it.';
COMMENT ON COLUMN purser.backfill.pid IS 'The server process that ran the last batch.';

SELECT pg_catalog.pg_extension_config_dump('purser.backfill', '');

CREATE VIEW purser.backfills AS
SELECT b.revision, b.relation, b.key,
	CASE WHEN b.state = 'running' AND a.pid IS NULL THEN 'stopped' ELSE b.state END AS state,
	b.position, b.upper_bound, b.rows_done, b.rows_estimate,
	CASE WHEN b.state = 'done' THEN 100
		WHEN b.rows_estimate > 0
			THEN least(100.0 * b.rows_passed / b.rows_estimate, 99.9)::numeric(4, 1)
		END AS percent,
	b.batches, b.batch_size,
	round(b.rows_per_second::numeric) AS rows_per_second,
	CASE WHEN b.state = 'running' AND a.pid IS NOT NULL AND b.rows_per_second > 0
		THEN make_interval(secs =>
			round(greatest(b.rows_estimate - b.rows_passed, 0) / b.rows_per_second)) END AS time_left,
	b.throttled_by, b.error, b.started_at, b.updated_at, a.pid
FROM purser.backfill b
LEFT JOIN pg_catalog.pg_stat_activity a
	ON a.pid = b.pid AND a.backend_start < b.updated_at AND b.state IN ('running', 'paused');
COMMENT ON VIEW purser.backfills IS
'The revisions that purser.migrate() runs in batches, and how far they are. state: running; stopped (no '
'session works on it, the next CALL purser.migrate() goes on); paused; cancelled; failed; done. '
'percent and time_left go by rows_estimate, a guess made at the start. pid: the session at work.';

CREATE FUNCTION purser.pause_backfill(revision text) RETURNS text
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_pause_backfill_0_1';
COMMENT ON FUNCTION purser.pause_backfill IS
'Has the session that runs the revision in batches wait before its next batch, with no lock held, and '
'returns the id. Waits for the batch under way. revision: an id, its beginning, or head. Errors: 42704 '
'no such revision or backfill, 55000 cancelled or done.';

CREATE FUNCTION purser.resume_backfill(revision text) RETURNS text
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_resume_backfill_0_1';
COMMENT ON FUNCTION purser.resume_backfill IS
'Lets a backfill that was paused or cancelled go on where it was, and returns the id; after a cancel '
'it takes a new CALL purser.migrate(). revision: as for pause_backfill(). Errors: 42704 no such '
'revision or backfill, 55000 done.';

CREATE FUNCTION purser.cancel_backfill(revision text) RETURNS text
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_cancel_backfill_0_1';
COMMENT ON FUNCTION purser.cancel_backfill IS
'Ends, with error 57014, the purser.migrate() that runs the revision in batches before its next batch, '
'and returns the id. What is done stays done: resume_backfill() and purser.migrate() go on, '
'purser.stamp() gives it up. revision: as for pause_backfill(). Errors: as there.';

REVOKE ALL ON TABLE purser.backfill, purser.backfills FROM PUBLIC;
REVOKE ALL ON FUNCTION purser.pause_backfill, purser.resume_backfill, purser.cancel_backfill FROM PUBLIC;
GRANT SELECT ON TABLE purser.backfill, purser.backfills TO pg_monitor;
