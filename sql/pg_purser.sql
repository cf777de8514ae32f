-- pg_purser: the full install script of the current version, one section a module.

\echo Use "CREATE EXTENSION pg_purser" to load this file. \quit

GRANT USAGE ON SCHEMA purser TO PUBLIC;

------------------------------------------------------------------------------
-- Ledger: revisions, what is applied, and the history of both
------------------------------------------------------------------------------

CREATE TABLE purser.revision (
	revision text COLLATE "C" PRIMARY KEY,
	ordinal bigint NOT NULL UNIQUE,
	parents text[] COLLATE "C" NOT NULL,
	depends_on text[] COLLATE "C" NOT NULL,
	labels text[] COLLATE "C" NOT NULL,
	message text NOT NULL,
	upgrade text NOT NULL,
	downgrade text,
	verify text,
	added_at timestamptz NOT NULL,
	added_by text COLLATE "C" NOT NULL
);
CREATE INDEX revision_labels_idx ON purser.revision USING gin (labels) WITH (fastupdate = off)
	WHERE labels <> '{}';
COMMENT ON TABLE purser.revision IS
'The revisions that are known, with their scripts; written by purser.add_revision(), '
'load_revision() and load_directory() only.';
COMMENT ON COLUMN purser.revision.ordinal IS
'Order in which revisions were loaded; decides where the graph leaves the order open.';
COMMENT ON COLUMN purser.revision.downgrade IS 'NULL: the revision cannot be undone.';

CREATE TABLE purser.applied (
	revision text COLLATE "C" PRIMARY KEY,
	checksum bytea NOT NULL,
	applied_at timestamptz NOT NULL,
	applied_by text COLLATE "C" NOT NULL
);
COMMENT ON TABLE purser.applied IS
'The revisions that are in force; written by purser.upgrade(), downgrade() and stamp() only.';
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
COMMENT ON COLUMN purser.event.role IS
'The role that called; session_role is the one that logged in.';
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
	verify text DEFAULT NULL
) RETURNS text
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_add_revision_0_1';
COMMENT ON FUNCTION purser.add_revision IS
'Records a revision and returns its id. message: one line; upgrade, downgrade: SQL (downgrade '
'NULL: cannot be undone); revision: the id (NULL: 12 random hexadecimal digits); parents: ids '
'(NULL: the one head; {}: a new base); depends_on: ids that must be applied first but are not '
'its lineage; labels: names for it; verify: SQL that must not fail after the upgrade. Errors: '
'42710 id or label taken, 42704 parent missing, 22023 invalid value or several heads.';

CREATE FUNCTION purser.load_revision(script text) RETURNS text
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_load_revision_0_1';
COMMENT ON FUNCTION purser.load_revision IS
'Records the revision that a migration file''s text describes and returns its id; replaces one '
'that is not applied, and leaves an equal one alone. Errors: 22P02 not a migration, 0A000 '
'unknown header key, 55000 applied with another text.';

CREATE FUNCTION purser.load_directory(path text) RETURNS SETOF text
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_load_directory_0_1';
COMMENT ON FUNCTION purser.load_directory IS
'Records the revisions of all files of a directory on the server, or none; returns the ids that '
'are new or replaced, parents first. Needs the privileges of pg_read_server_files. Hidden '
'entries are skipped. Errors: as load_revision, naming the file; 58P01 no such directory, 42809 '
'an entry that is not a file, 54000 a file above 64 MB, 22021 not UTF-8, 42710 two files with '
'one id, 42P17 a cycle.';

CREATE FUNCTION purser.export_revision(revision text) RETURNS text
LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'purser_export_revision_0_1';
COMMENT ON FUNCTION purser.export_revision IS
'The revision as text of a migration file, which load_revision() takes back as the same '
'revision. revision: an id, its beginning, or head.';

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
'Applies the target and all that it needs, in the caller''s transaction, all or nothing; one row '
'for each revision applied. target: an id or its beginning (4 characters or more), head, heads, '
'base or +N. Waits while another session changes the ledger. Errors: those of the scripts, with '
'revision, statement and line in the context; 42704 unknown target, 22023 ambiguous target or '
'too few steps, 55006 called from a script.';

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
'Undoes every applied descendant of the target and all that depends on one; the target stays. '
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
'action is stamp or unstamp. target: an id or its beginning, head, heads or base.';

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
	OUT is_current boolean
) RETURNS SETOF record
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_history_0_1';
COMMENT ON FUNCTION purser.history IS
'All revisions, newest first; applied_at is NULL for one that is not applied. range: from:to, '
'two targets (an id or its beginning, head, heads, base), both included, either may be left out.';

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
	OUT is_current boolean
) RETURNS SETOF record
LANGUAGE C VOLATILE ROWS 1 AS 'MODULE_PATHNAME', 'purser_show_0_1';
COMMENT ON FUNCTION purser.show IS
'All about one revision. revision: an id, its beginning, or head. Errors: 42704 no such revision.';

REVOKE ALL ON TABLE purser.revision, purser.applied, purser.event FROM PUBLIC;
REVOKE ALL ON FUNCTION purser.add_revision, purser.load_revision, purser.load_directory,
	purser.export_revision, purser.upgrade, purser.downgrade, purser.plan, purser.stamp,
	purser.current, purser.heads, purser.history, purser.show FROM PUBLIC;
GRANT SELECT ON TABLE purser.revision, purser.applied, purser.event TO pg_monitor;
GRANT EXECUTE ON FUNCTION purser.export_revision, purser.plan, purser.current, purser.heads,
	purser.history, purser.show TO pg_monitor;

-- end of ledger

------------------------------------------------------------------------------
-- Bulk: many rows in one call
------------------------------------------------------------------------------

-- end of bulk

------------------------------------------------------------------------------
-- Audit: what queries over-fetch, and which index is missing
------------------------------------------------------------------------------

-- end of audit
