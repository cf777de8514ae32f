------------------------------------------------------------------------------
-- Ledger: revisions, what is applied, and the history of both
------------------------------------------------------------------------------

CREATE TABLE purser.revision (
	revision text COLLATE "C" PRIMARY KEY,
	ordinal bigint NOT NULL UNIQUE,
	parents text[] COLLATE "C" NOT NULL,
	depends_on text[] COLLATE "C" NOT NULL DEFAULT '{}',
	labels text[] COLLATE "C" NOT NULL DEFAULT '{}',
	message text NOT NULL,
	upgrade text NOT NULL,
	downgrade text,
	verify text,
	replaces text[] COLLATE "C" NOT NULL DEFAULT '{}',
	requires text[] NOT NULL DEFAULT '{}',
	transactional boolean NOT NULL DEFAULT true,
	repeatable boolean NOT NULL DEFAULT false,
	batch text,
	added_at timestamptz NOT NULL,
	added_by text COLLATE "C" NOT NULL,
	only_head boolean NOT NULL DEFAULT false
);
CREATE INDEX revision_labels_idx ON purser.revision USING gin (labels) WITH (fastupdate = off)
	WHERE labels OPERATOR(pg_catalog.<>) '{}';
CREATE INDEX revision_replaces_idx ON purser.revision USING gin (replaces) WITH (fastupdate = off)
	WHERE replaces OPERATOR(pg_catalog.<>) '{}';
COMMENT ON TABLE purser.revision IS
'The revisions that are known, with their scripts; written by the ledger''s functions only.';
COMMENT ON COLUMN purser.revision.revision IS 'The id.';
COMMENT ON COLUMN purser.revision.parents IS
'Ids of the revisions that come before: none for a base, several for a merge.';
COMMENT ON COLUMN purser.revision.depends_on IS
'Ids of revisions that must be applied first, without being its lineage.';
COMMENT ON COLUMN purser.revision.labels IS
'Names for it, each of one revision only, and of squashes of that one.';
COMMENT ON COLUMN purser.revision.message IS 'What it does, in one line.';
COMMENT ON COLUMN purser.revision.upgrade IS 'SQL that applies it; may be empty.';
COMMENT ON COLUMN purser.revision.verify IS
'SQL that must not fail after the upgrade; NULL: none.';
COMMENT ON COLUMN purser.revision.replaces IS
'Ids of the revisions that it is a squash of, and stands for where all or none of them is applied.';
COMMENT ON COLUMN purser.revision.requires IS
'What must be there, or true, before it is applied: each a kind and a name, or query and a query.';
COMMENT ON COLUMN purser.revision.transactional IS
'Whether its statements run in one transaction; false: each in its own, by purser.migrate() only.';
COMMENT ON COLUMN purser.revision.repeatable IS
'Whether it stands beside the lineage and runs again whenever its upgrade script changes.';
COMMENT ON COLUMN purser.revision.batch IS
'How purser.migrate() cuts its one statement into batches: table NAME key COLUMN size ROWS.';
COMMENT ON COLUMN purser.revision.added_at IS 'When it was added, or replaced by another text.';
COMMENT ON COLUMN purser.revision.added_by IS 'The role that did that.';
COMMENT ON COLUMN purser.revision.only_head IS
'On the newest revision: whether it is known to be the one head. Saves add_revision() a look at '
'all others; false asks for one.';
COMMENT ON COLUMN purser.revision.ordinal IS
'Order in which revisions were loaded; decides where the graph leaves the order open.';
COMMENT ON COLUMN purser.revision.downgrade IS 'SQL that undoes it; NULL: the revision cannot be undone.';

CREATE TABLE purser.applied (
	revision text COLLATE "C" PRIMARY KEY,
	checksum bytea NOT NULL,
	applied_at timestamptz NOT NULL,
	applied_by text COLLATE "C" NOT NULL
);
COMMENT ON TABLE purser.applied IS
'The revisions that are in force; written by the ledger''s functions only.';
COMMENT ON COLUMN purser.applied.revision IS 'The id of one of purser.revision.';
COMMENT ON COLUMN purser.applied.applied_at IS
'When it was applied or stamped; of a repeatable one, the last time.';
COMMENT ON COLUMN purser.applied.applied_by IS 'The role that did that.';
COMMENT ON COLUMN purser.applied.checksum IS
'sha256 of the upgrade script, in UTF-8, as it was applied, stamped or accepted.';

CREATE TABLE purser.event (
	id bigint PRIMARY KEY,
	kind text COLLATE "C" NOT NULL,
	revision text COLLATE "C" NOT NULL,
	at timestamptz NOT NULL,
	role text COLLATE "C" NOT NULL,
	session_role text COLLATE "C" NOT NULL,
	application_name text COLLATE "C" NOT NULL,
	client_addr inet,
	duration interval,
	checksum bytea,
	previous_hash bytea NOT NULL,
	hash bytea NOT NULL
);
COMMENT ON TABLE purser.event IS
'What was done to the ledger, oldest first: appended to, never changed. Ids have no gaps.';
COMMENT ON COLUMN purser.event.id IS 'From 1, without gaps, in the order of the events.';
COMMENT ON COLUMN purser.event.kind IS 'upgrade, downgrade, stamp, unstamp or accept.';
COMMENT ON COLUMN purser.event.revision IS 'The id of the revision, which may be gone by now.';
COMMENT ON COLUMN purser.event.at IS 'When the step was done, or the stamp made.';
COMMENT ON COLUMN purser.event.role IS 'The role that called.';
COMMENT ON COLUMN purser.event.session_role IS 'The role that logged in.';
COMMENT ON COLUMN purser.event.application_name IS 'The setting of that name in the session.';
COMMENT ON COLUMN purser.event.duration IS
'How long the scripts ran; NULL for stamp, unstamp and accept, which run none.';
COMMENT ON COLUMN purser.event.previous_hash IS 'hash of the row before; empty in the first row.';
COMMENT ON COLUMN purser.event.client_addr IS 'NULL for a connection by Unix-domain socket.';
COMMENT ON COLUMN purser.event.checksum IS
'sha256 of the script that ran, was stamped or accepted; NULL for unstamp.';
COMMENT ON COLUMN purser.event.hash IS
'sha256 over previous_hash (empty in the first row) and the fields before it, so that a change to '
'an earlier row shows.';

CREATE TABLE purser.underway (
	revision text COLLATE "C" PRIMARY KEY,
	direction text COLLATE "C" NOT NULL CHECK (direction IN ('upgrade', 'downgrade')),
	checksum bytea NOT NULL,
	statements integer NOT NULL,
	next_statement integer NOT NULL,
	started boolean NOT NULL,
	object text,
	existing text[] NOT NULL,
	statement text,
	phase text COLLATE "C" NOT NULL
		CHECK (phase IN ('running', 'waiting for locks', 'failed')),
	attempts integer NOT NULL,
	blockers integer[] NOT NULL,
	error text,
	spent interval NOT NULL,
	step integer NOT NULL,
	steps integer NOT NULL,
	runner_pid integer NOT NULL,
	runner_start timestamptz NOT NULL,
	started_at timestamptz NOT NULL,
	changed_at timestamptz NOT NULL
);
COMMENT ON TABLE purser.underway IS
'What purser.migrate() has done of a revision whose statements do not share a transaction; there '
'until the last one is done. The next purser.migrate() goes on from it.';
COMMENT ON COLUMN purser.underway.revision IS 'The id of one of purser.revision.';
COMMENT ON COLUMN purser.underway.direction IS 'upgrade or downgrade.';
COMMENT ON COLUMN purser.underway.checksum IS 'sha256 of the script, in UTF-8.';
COMMENT ON COLUMN purser.underway.statements IS 'Number of statements in the script.';
COMMENT ON COLUMN purser.underway.next_statement IS
'The first statement that is not done, from 1; one more than there are: only verify is left.';
COMMENT ON COLUMN purser.underway.started IS
'Whether next_statement, one that no transaction takes, was begun and may be half done.';
COMMENT ON COLUMN purser.underway.object IS 'Name of the object that next_statement makes or drops.';
COMMENT ON COLUMN purser.underway.existing IS
'What was there of that name, or of a dead REINDEX CONCURRENTLY, before it was begun.';
COMMENT ON COLUMN purser.underway.statement IS 'The beginning of its text.';
COMMENT ON COLUMN purser.underway.phase IS 'running, waiting for locks, or failed.';
COMMENT ON COLUMN purser.underway.attempts IS 'How often the locks for it could not be had, although it stood in the queue.';
COMMENT ON COLUMN purser.underway.blockers IS 'Process ids of those who hold locks that it waits for; 0 is a prepared transaction.';
COMMENT ON COLUMN purser.underway.error IS 'The error that ended the last run; NULL: none.';
COMMENT ON COLUMN purser.underway.spent IS 'How long the statements ran so far.';
COMMENT ON COLUMN purser.underway.step IS 'Number of the revision in the run, from 1.';
COMMENT ON COLUMN purser.underway.steps IS 'Number of revisions in the run.';
COMMENT ON COLUMN purser.underway.runner_pid IS 'Process id of the session that calls purser.migrate(), or did.';
COMMENT ON COLUMN purser.underway.runner_start IS 'When that session began.';
COMMENT ON COLUMN purser.underway.started_at IS 'When the revision was begun.';
COMMENT ON COLUMN purser.underway.changed_at IS 'When this row last changed.';

SELECT pg_catalog.pg_extension_config_dump('purser.underway', '');
SELECT pg_catalog.pg_extension_config_dump('purser.revision', '');
SELECT pg_catalog.pg_extension_config_dump('purser.applied', '');
SELECT pg_catalog.pg_extension_config_dump('purser.event', '');

CREATE TABLE purser.tag (
	name text COLLATE "C" PRIMARY KEY,
	event_id bigint NOT NULL,
	message text,
	tagged_at timestamptz NOT NULL,
	tagged_by text COLLATE "C" NOT NULL
);
COMMENT ON TABLE purser.tag IS
'Names for positions in the history; written by purser.tag() and untag() only.';
COMMENT ON COLUMN purser.tag.name IS 'Used in targets as tag:NAME.';
COMMENT ON COLUMN purser.tag.event_id IS
'The last event when the tag was set; 0 before the first one.';
COMMENT ON COLUMN purser.tag.message IS 'What it stands for.';
COMMENT ON COLUMN purser.tag.tagged_at IS 'When it was set.';
COMMENT ON COLUMN purser.tag.tagged_by IS 'The role that did that.';
SELECT pg_catalog.pg_extension_config_dump('purser.tag', '');

CREATE FUNCTION purser.add_revision(
	message text,
	upgrade text,
	downgrade text DEFAULT NULL,
	revision text DEFAULT NULL,
	parents text[] DEFAULT NULL,
	depends_on text[] DEFAULT NULL,
	labels text[] DEFAULT NULL,
	verify text DEFAULT NULL,
	transactional boolean DEFAULT true,
	replaces text[] DEFAULT NULL,
	requires text[] DEFAULT NULL,
	repeatable boolean DEFAULT false,
	batch text DEFAULT NULL
) RETURNS text
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_add_revision_0_1';
COMMENT ON FUNCTION purser.add_revision IS
'Records a revision and returns its id. message: one line; upgrade, downgrade: SQL (downgrade '
'NULL: cannot be undone); revision: the id (NULL: 12 random hexadecimal digits); parents: ids '
'(NULL: the one head; {}: a new base); depends_on: ids that must be applied first but are not '
'its lineage; labels: names for it; verify: SQL that must not fail after the upgrade; '
'transactional: false for each statement in its own transaction, by migrate() only; replaces: ids '
'that it is a squash of; requires: what must be there before it is applied; repeatable: no lineage, '
'run again whenever upgrade changes; batch: how migrate() cuts its statement into batches. Errors: '
'42710 id or label taken, 42704 parent missing, 22023 invalid value or several heads, 42P17 a '
'cycle.';

CREATE FUNCTION purser.load_revision(script text) RETURNS text
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_load_revision_0_1';
COMMENT ON FUNCTION purser.load_revision IS
'Records the revision that a migration file''s text describes and returns its id; replaces the one '
'of the same id, and leaves an equal one alone. Where that one is applied and the upgrade script '
'differs, a warning says so, and upgrade() refuses until it is accepted; a repeatable one is due again '
'instead. Errors: 22P02 not a migration, 0A000 unknown header key, 55000 applied, and would need what '
'is not applied.';

CREATE FUNCTION purser.load_directory(path text) RETURNS SETOF text
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_load_directory_0_1';
COMMENT ON FUNCTION purser.load_directory IS
'Records the revisions of all files of a directory on the server, or none; returns the ids that '
'are new or replaced, parents first. path: absolute. Needs the privileges of pg_read_server_files. Hidden '
'entries are skipped. Errors: as load_revision, naming the file; 22023 relative path, 58P01 no such directory, 42809 '
'an entry that is not a file, 54000 a file above 64 MB, 22021 not UTF-8, 42710 two files with '
'one id, 42P17 a cycle.';

CREATE FUNCTION purser.remove_revision(revision text) RETURNS text
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_remove_revision_0_1';
COMMENT ON FUNCTION purser.remove_revision IS
'Forgets a revision that is not applied and that no other needs, and returns its id; also one that '
'is applied, if a squash in use replaces it, if it is repeatable, or if it is a squash whose '
'originals are all there. revision: a target that is one revision, as of show(). Errors: 42704 no '
'such revision, 22023 several, 55000 it is applied, 2BP01 others have it as a parent or dependency, '
'or a squash is under way.';

CREATE FUNCTION purser.squash("from" text, "to" text, message text, revision text DEFAULT NULL)
RETURNS text
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_squash_0_1';
COMMENT ON FUNCTION purser.squash IS
'Records one revision that replaces all from one to another, both included, and returns its id; '
'runs nothing. from, to: targets that are one revision each, as of show(); message: one line; '
'revision: the id (NULL: 12 random hexadecimal digits). Labels, dependencies and preconditions are '
'those of all. Errors: 22023 the range is not a piece by itself, 0A000 a revision of it cannot be '
'combined, 42710 id taken.';

CREATE FUNCTION purser.export_revision(revision text) RETURNS text
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_export_revision_0_1';
COMMENT ON FUNCTION purser.export_revision IS
'The revision as text of a migration file, which load_revision() takes back as the same '
'revision. revision: a target that is one revision, as of show(). Errors: 42704 no such revision, '
'22023 several.';

CREATE FUNCTION purser.upgrade(
	target text DEFAULT 'heads',
	fake_initial boolean DEFAULT false,
	OUT step integer,
	OUT direction text,
	OUT revision text,
	OUT message text,
	OUT duration interval
) RETURNS SETOF record
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_upgrade_0_1';
COMMENT ON FUNCTION purser.upgrade IS
'Applies the target and all that it needs, then the repeatable revisions that are due, in the '
'caller''s transaction, all or nothing; one row for each revision applied. target: an id or its '
'beginning (4 characters or more), a label, head, heads or base, and +N or -N after it for steps from '
'there; +N alone: N steps up from where we are; LABEL@ before any of these: on that lineage; '
'tag:NAME or time:WHEN: what was in force then. fake_initial: a revision without parents whose '
'objects are all there is stamped and not run (direction is then stamp, duration NULL). Waits while '
'another session changes the ledger. '
'Errors: those of the scripts, with revision, statement and line in the context; 42704 unknown '
'target, 22023 ambiguous target or too few steps, 40001 revisions applied after this '
'transaction''s snapshot, 55000 scripts were edited after they were applied, a precondition does '
'not hold, or some objects are there and some not (fake_initial), 55006 called from a script.';

CREATE FUNCTION purser.downgrade(
	target text,
	OUT step integer,
	OUT direction text,
	OUT revision text,
	OUT message text,
	OUT duration interval
) RETURNS SETOF record
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_downgrade_0_1';
COMMENT ON FUNCTION purser.downgrade IS
'Undoes every applied descendant of the target and all that depends on one, repeatable ones '
'included; the target stays. '
'target: as of upgrade(), and applied; base undoes all, -N alone the last N of the one current '
'head''s lineage; LABEL@ before any of these: only what is of that lineage, and what depends on '
'it. Errors: as upgrade(); 55000 target not applied, or a revision without a downgrade script.';

CREATE FUNCTION purser.plan(
	direction text,
	target text,
	OUT step integer,
	OUT direction text,
	OUT revision text,
	OUT message text,
	OUT sql text
) RETURNS SETOF record
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_plan_0_1';
COMMENT ON FUNCTION purser.plan IS
'What upgrade(target) or downgrade(target) would run now. direction: upgrade or downgrade. '
'Errors: as those calls, before they run anything.';

CREATE FUNCTION purser.stamp(
	target text,
	purge boolean DEFAULT false,
	OUT action text,
	OUT revision text
) RETURNS SETOF record
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_stamp_0_1';
COMMENT ON FUNCTION purser.stamp(text, boolean) IS
'States, without running anything, that the target and all it needs is in force and nothing '
'above it; other branches stay as they are, unless purge is true. One row for each change: '
'action is stamp or unstamp; what a squash replaces goes with it without a row. target: as of '
'upgrade(), but for steps from where we are.';

CREATE FUNCTION purser.stamp(
	targets text[],
	purge boolean DEFAULT false,
	OUT action text,
	OUT revision text
) RETURNS SETOF record
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_stamp_targets_0_1';
COMMENT ON FUNCTION purser.stamp(text[], boolean) IS
'States that all of the targets and what they need is in force and nothing else above them, as '
'stamp(target) does for one.';

CREATE FUNCTION purser.merge_heads(
	message text,
	targets text[] DEFAULT NULL,
	revision text DEFAULT NULL,
	labels text[] DEFAULT NULL
) RETURNS text
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_merge_heads_0_1';
COMMENT ON FUNCTION purser.merge_heads IS
'Records a revision that does nothing and has several heads as its parents, and returns its id. '
'message: one line; targets: the heads (NULL: all); revision: the id (NULL: 12 random hexadecimal '
'digits); labels: names for it. Errors: 55000 fewer than two heads, 22023 a target that is not a '
'head, others as add_revision().';

CREATE FUNCTION purser.current(OUT revision text, OUT labels text[], OUT message text)
RETURNS SETOF record
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_current_0_1';
COMMENT ON FUNCTION purser.current IS
'Where the database is: the applied revisions that no other applied one needs. labels: those of '
'the branch, held by the revision, an ancestor, or a descendant before the next branch or merge.';

CREATE FUNCTION purser.heads(OUT revision text, OUT labels text[], OUT message text)
RETURNS SETOF record
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_heads_0_1';
COMMENT ON FUNCTION purser.heads IS
'Where the revisions end: those that are no other''s parent, applied or not. labels: those of the '
'branch, held by the revision or an ancestor.';

CREATE FUNCTION purser.branches(
	OUT revision text,
	OUT labels text[],
	OUT message text,
	OUT children text[]
) RETURNS SETOF record
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_branches_0_1';
COMMENT ON FUNCTION purser.branches IS
'Where lineages part: the revisions that are the parent of several, newest first. labels: those '
'that the revision or an ancestor holds; children: ids of the revisions that it is the parent of.';

CREATE FUNCTION purser.history(
	range text DEFAULT NULL,
	OUT revision text,
	OUT parents text[],
	OUT depends_on text[],
	OUT labels text[],
	OUT message text,
	OUT added_at timestamptz,
	OUT applied_at timestamptz,
	OUT is_head boolean,
	OUT is_current boolean,
	OUT replaces text[],
	OUT replaced_by text,
	OUT repeatable boolean
) RETURNS SETOF record
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_history_0_1';
COMMENT ON FUNCTION purser.history IS
'All revisions, newest first; applied_at is NULL for one that is not applied. range: from:to, '
'both included, either may be left out, then without the repeatable ones; each a target of '
'upgrade(), or current; steps alone, -N from or +N to, count from the other side. labels: those of '
'the revision itself; replaced_by: the squash in use that stands for it.';

CREATE FUNCTION purser.show(
	revision text,
	OUT revision text,
	OUT message text,
	OUT parents text[],
	OUT depends_on text[],
	OUT labels text[],
	OUT upgrade text,
	OUT downgrade text,
	OUT verify text,
	OUT added_at timestamptz,
	OUT added_by text,
	OUT applied_at timestamptz,
	OUT applied_by text,
	OUT checksum bytea,
	OUT is_head boolean,
	OUT is_current boolean,
	OUT replaces text[],
	OUT replaced_by text,
	OUT repeatable boolean
) RETURNS SETOF record
LANGUAGE C VOLATILE ROWS 1 AS 'MODULE_PATHNAME', 'purser_show_0_1';
COMMENT ON FUNCTION purser.show IS
'All about one revision. revision: a target that is one revision, such as an id, its beginning, a '
'label, head, LABEL@head, ID-1 or current. Errors: 42704 no such revision, 22023 several.';

CREATE FUNCTION purser.accept(revision text) RETURNS text
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_accept_0_1';
COMMENT ON FUNCTION purser.accept IS
'States that the present upgrade script of an applied revision is as good as the one that was '
'applied, and returns its id: upgrade() and stamp() go on. revision: an id, its beginning, or head. Errors: '
'42704 no such revision, 55000 not applied.';

CREATE FUNCTION purser.check_ledger(
	OUT severity text,
	OUT kind text,
	OUT subject text,
	OUT detail text,
	OUT hint text
) RETURNS SETOF record
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_check_ledger_0_1';
COMMENT ON FUNCTION purser.check_ledger IS
'All that is wrong with the ledger, and no row when all is well. severity: error, warning or '
'notice, in this order; subject: a revision, a label, an event or a tag.';

CREATE FUNCTION purser.tag(name text, message text DEFAULT NULL) RETURNS bigint
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_tag_0_1';
COMMENT ON FUNCTION purser.tag IS
'Gives the present position in the history a name, for targets tag:NAME, and returns it: the id of the '
'last event, or 0. name: as an id of a revision. Errors: 42710 there is such a tag, 22023 invalid name.';

CREATE FUNCTION purser.untag(name text) RETURNS bigint
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_untag_0_1';
COMMENT ON FUNCTION purser.untag IS
'Takes a tag away and returns the position that it had. Errors: 42704 no such tag.';

REVOKE ALL ON FUNCTION purser.accept, purser.check_ledger, purser.tag, purser.untag FROM PUBLIC;
REVOKE ALL ON TABLE purser.tag FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purser.check_ledger TO pg_monitor;
GRANT SELECT ON TABLE purser.tag TO pg_monitor;

CREATE FUNCTION purser.script(direction text, target text) RETURNS text
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_script_0_1';
COMMENT ON FUNCTION purser.script IS
'What upgrade(target) or downgrade(target) would run now, as a file that psql -X -f runs by itself on '
'a database without this extension; where there is a ledger, it records each step there. '
'direction: upgrade or downgrade; target: as for plan(), or from:to, as if from were what is '
'applied. Errors: as plan(), and those of scripts that cannot be parsed.';

CREATE FUNCTION purser.record_step(direction text, revision text) RETURNS text
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_record_step_0_1';
COMMENT ON FUNCTION purser.record_step IS
'States, without running anything, that one revision was applied (direction upgrade) or undone '
'(downgrade) by other means, and returns its id; the files that script() makes call it. Errors: '
'42704 no such revision, 55000 it is where the step would bring it, or is not the next step.';

CREATE FUNCTION purser.baseline(
	message text DEFAULT 'baseline',
	revision text DEFAULT NULL,
	labels text[] DEFAULT NULL
) RETURNS text
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_baseline_0_1';
COMMENT ON FUNCTION purser.baseline IS
'Begins the ledger of a database that has its objects already: records a base revision that does '
'nothing and cannot be undone, states that it is in force, and returns its id. revision: the id '
'(NULL: 12 random hexadecimal digits). Errors: 55000 there are revisions already, 42710 '
'id or label taken, 22023 invalid value.';

REVOKE ALL ON FUNCTION purser.script, purser.record_step, purser.baseline FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purser.script TO pg_monitor;

REVOKE ALL ON TABLE purser.revision, purser.applied, purser.event, purser.underway FROM PUBLIC;
REVOKE ALL ON FUNCTION purser.add_revision, purser.load_revision, purser.load_directory,
	purser.squash, purser.remove_revision, purser.export_revision, purser.upgrade, purser.downgrade,
	purser.plan, purser.stamp(text, boolean), purser.stamp(text[], boolean), purser.merge_heads,
	purser.current, purser.heads, purser.branches, purser.history, purser.show FROM PUBLIC;
GRANT SELECT ON TABLE purser.revision, purser.applied, purser.event, purser.underway TO pg_monitor;
GRANT EXECUTE ON FUNCTION purser.export_revision, purser.plan, purser.current, purser.heads,
	purser.branches, purser.history, purser.show TO pg_monitor;

