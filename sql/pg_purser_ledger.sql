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
	added_by text COLLATE "C" NOT NULL
);
CREATE INDEX revision_labels_idx ON purser.revision USING gin (labels) WITH (fastupdate = off)
	WHERE labels OPERATOR(pg_catalog.<>) '{}';
CREATE INDEX revision_replaces_idx ON purser.revision USING gin (replaces) WITH (fastupdate = off)
	WHERE replaces OPERATOR(pg_catalog.<>) '{}';
COMMENT ON TABLE purser.revision IS
'The revisions that are known, with their scripts; written by purser.add_revision(), '
'load_revision(), load_directory() and remove_revision() only.';
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
'The revisions that are in force; written by purser.upgrade(), downgrade() and stamp() only.';
COMMENT ON COLUMN purser.applied.revision IS 'The id of one of purser.revision.';
COMMENT ON COLUMN purser.applied.applied_at IS
'When it was applied or stamped; of a repeatable one, the last time.';
COMMENT ON COLUMN purser.applied.applied_by IS 'The role that did that.';
COMMENT ON COLUMN purser.applied.checksum IS
'sha256 of the upgrade script, in UTF-8, as it was applied or stamped.';

CREATE TABLE purser.event (
	id bigint PRIMARY KEY,
	kind text COLLATE "C" NOT NULL CHECK (kind IN ('upgrade', 'downgrade', 'stamp', 'unstamp')),
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
COMMENT ON COLUMN purser.event.kind IS 'upgrade, downgrade, stamp or unstamp.';
COMMENT ON COLUMN purser.event.revision IS 'The id of the revision, which may be gone by now.';
COMMENT ON COLUMN purser.event.at IS 'When the step was done, or the stamp made.';
COMMENT ON COLUMN purser.event.role IS 'The role that called.';
COMMENT ON COLUMN purser.event.session_role IS 'The role that logged in.';
COMMENT ON COLUMN purser.event.application_name IS 'The setting of that name in the session.';
COMMENT ON COLUMN purser.event.duration IS
'How long the scripts ran; NULL for stamp and unstamp, which run none.';
COMMENT ON COLUMN purser.event.previous_hash IS 'hash of the row before; empty in the first row.';
COMMENT ON COLUMN purser.event.client_addr IS 'NULL for a connection by Unix-domain socket.';
COMMENT ON COLUMN purser.event.checksum IS
'sha256 of the script that ran or was stamped; NULL for unstamp.';
COMMENT ON COLUMN purser.event.hash IS
'sha256 over previous_hash (empty in the first row) and the fields before it, so that a change to '
'an earlier row shows.';

SELECT pg_catalog.pg_extension_config_dump('purser.revision', '');
SELECT pg_catalog.pg_extension_config_dump('purser.applied', '');
SELECT pg_catalog.pg_extension_config_dump('purser.event', '');

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
'its lineage; labels: names for it; verify: SQL that must not fail after the upgrade; replaces: '
'ids that it is a squash of; repeatable: no lineage, run again whenever upgrade changes. Errors: '
'42710 id or label taken, 42704 parent missing, 22023 invalid value or several heads, 42P17 a '
'cycle.';

CREATE FUNCTION purser.load_revision(script text) RETURNS text
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_load_revision_0_1';
COMMENT ON FUNCTION purser.load_revision IS
'Records the revision that a migration file''s text describes and returns its id; replaces one '
'that is not applied or is repeatable, and leaves an equal one alone. Errors: 22P02 not a migration, 0A000 '
'unknown header key, 55000 applied with another text.';

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
'originals are all there. revision: an id, its beginning, or head. Errors: 42704 no such revision, '
'55000 it is applied, 2BP01 others have it as a parent or dependency, or a squash is under way.';

CREATE FUNCTION purser.squash("from" text, "to" text, message text, revision text DEFAULT NULL)
RETURNS text
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_squash_0_1';
COMMENT ON FUNCTION purser.squash IS
'Records one revision that replaces all from one to another, both included, and returns its id; '
'runs nothing. from, to: ids, their beginnings, or head; message: one line; revision: the id '
'(NULL: 12 random hexadecimal digits). Errors: 22023 the range is not a piece by itself, 0A000 a '
'revision of it cannot be combined, 42710 id taken.';

CREATE FUNCTION purser.export_revision(revision text) RETURNS text
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_export_revision_0_1';
COMMENT ON FUNCTION purser.export_revision IS
'The revision as text of a migration file, which load_revision() takes back as the same '
'revision. revision: an id, its beginning, or head. Errors: 42704 no such revision.';

CREATE FUNCTION purser.upgrade(
	target text DEFAULT 'heads',
	OUT step integer,
	OUT direction text,
	OUT revision text,
	OUT message text,
	OUT duration interval
) RETURNS SETOF record
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_upgrade_0_1';
COMMENT ON FUNCTION purser.upgrade IS
'Applies the target and all that it needs, then the repeatable revisions that are due, in the '
'caller''s transaction, all or nothing; one row for each revision applied. target: an id or its beginning (4 characters or more), head, heads, '
'base or +N. Waits while another session changes the ledger. Errors: those of the scripts, with '
'revision, statement and line in the context; 42704 unknown target, 22023 ambiguous target or '
'too few steps, 40001 revisions applied after this transaction''s snapshot, 55006 called from a '
'script.';

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
'target: an applied id or its beginning, head, heads, base (undoes all) or -N (the last N). '
'Errors: as upgrade(); 55000 target not applied, or a revision without a downgrade script.';

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
COMMENT ON FUNCTION purser.stamp IS
'States, without running anything, that the target and all it needs is in force and nothing '
'above it; other branches stay as they are, unless purge is true. One row for each change: '
'action is stamp or unstamp; what a squash replaces goes with it without a row. target: an id or '
'its beginning, head, heads or base.';

CREATE FUNCTION purser.current(OUT revision text, OUT labels text[], OUT message text)
RETURNS SETOF record
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_current_0_1';
COMMENT ON FUNCTION purser.current IS
'Where the database is: the applied revisions that no other applied one needs.';

CREATE FUNCTION purser.heads(OUT revision text, OUT labels text[], OUT message text)
RETURNS SETOF record
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_heads_0_1';
COMMENT ON FUNCTION purser.heads IS
'Where the revisions end: those that are no other''s parent, applied or not.';

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
'two targets (an id or its beginning, head, heads, base), both included, either may be left out; '
'then without the repeatable ones. replaced_by: the squash in use that stands for it.';

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
'All about one revision. revision: an id, its beginning, or head. Errors: 42704 no such revision.';

REVOKE ALL ON TABLE purser.revision, purser.applied, purser.event FROM PUBLIC;
REVOKE ALL ON FUNCTION purser.add_revision, purser.load_revision, purser.load_directory, purser.squash,
	purser.remove_revision, purser.export_revision, purser.upgrade, purser.downgrade, purser.plan, purser.stamp,
	purser.current, purser.heads, purser.history, purser.show FROM PUBLIC;
GRANT SELECT ON TABLE purser.revision, purser.applied, purser.event TO pg_monitor;
GRANT EXECUTE ON FUNCTION purser.export_revision, purser.plan, purser.current, purser.heads,
	purser.history, purser.show TO pg_monitor;

