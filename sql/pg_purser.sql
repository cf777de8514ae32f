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
	WHERE labels OPERATOR(pg_catalog.<>) '{}';
COMMENT ON TABLE purser.revision IS
'The revisions that are known, with their scripts; written by purser.add_revision(), '
'load_revision(), load_directory() and remove_revision() only.';
COMMENT ON COLUMN purser.revision.revision IS 'The id.';
COMMENT ON COLUMN purser.revision.parents IS
'Ids of the revisions that come before: none for a base, several for a merge.';
COMMENT ON COLUMN purser.revision.depends_on IS
'Ids of revisions that must be applied first, without being its lineage.';
COMMENT ON COLUMN purser.revision.labels IS 'Names for it, each of one revision only.';
COMMENT ON COLUMN purser.revision.message IS 'What it does, in one line.';
COMMENT ON COLUMN purser.revision.upgrade IS 'SQL that applies it; may be empty.';
COMMENT ON COLUMN purser.revision.verify IS
'SQL that must not fail after the upgrade; NULL: none.';
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
COMMENT ON COLUMN purser.applied.applied_at IS 'When it was applied or stamped.';
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
'are new or replaced, parents first. path: absolute. Needs the privileges of pg_read_server_files. Hidden '
'entries are skipped. Errors: as load_revision, naming the file; 22023 relative path, 58P01 no such directory, 42809 '
'an entry that is not a file, 54000 a file above 64 MB, 22021 not UTF-8, 42710 two files with '
'one id, 42P17 a cycle.';

CREATE FUNCTION purser.remove_revision(revision text) RETURNS text
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_remove_revision_0_1';
COMMENT ON FUNCTION purser.remove_revision IS
'Forgets a revision that is not applied and that no other needs, and returns its id. revision: an '
'id, its beginning, or head. Errors: 42704 no such revision, 55000 it is applied, 2BP01 others '
'have it as a parent or dependency.';

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
'Applies the target and all that it needs, in the caller''s transaction, all or nothing; one row '
'for each revision applied. target: an id or its beginning (4 characters or more), head, heads, '
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
	purser.remove_revision, purser.export_revision, purser.upgrade, purser.downgrade, purser.plan, purser.stamp,
	purser.current, purser.heads, purser.history, purser.show FROM PUBLIC;
GRANT SELECT ON TABLE purser.revision, purser.applied, purser.event TO pg_monitor;
GRANT EXECUTE ON FUNCTION purser.export_revision, purser.plan, purser.current, purser.heads,
	purser.history, purser.show TO pg_monitor;

-- end of ledger

------------------------------------------------------------------------------
-- Bulk: many rows in one call
------------------------------------------------------------------------------

-- What a load did. In this version updated and rejected are always 0 and load_id is null: no row
-- is updated, and a bad row fails the call.
CREATE TYPE purser.bulk_result AS (
    inserted bigint,
    updated bigint,
    skipped bigint,
    rejected bigint,
    load_id bigint
);
COMMENT ON TYPE purser.bulk_result IS
'What a bulk load did, in rows: inserted; skipped by on_conflict. Updated and rejected are always 0 and load_id is null, as yet. Rows that a BEFORE ROW trigger suppressed count nowhere.';

CREATE FUNCTION purser.bulk_insert(target regclass, data text, format text DEFAULT 'json',
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL)
RETURNS purser.bulk_result
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_0_1';
COMMENT ON FUNCTION purser.bulk_insert(regclass, text, text, text, text[]) IS
'Inserts many rows into a plain table, as INSERT would, with the caller''s privileges. target: the table; data: the rows; format: json (an array of objects) or csv (as COPY reads it, the header line names the columns); on_conflict: error, or skip rows whose key is taken; conflict_columns: the columns of the unique constraint that skip is about, null for all. Returns counts of rows; call it in FROM, since (f(...)).* calls f for each column. Errors: those of INSERT, with row, line, column and value in the context; 22P02 and 22P04 malformed data; 42703 unknown column; 42P10 no such unique constraint; 0A000 a relation that INSERT treats in a way this does not.';

CREATE FUNCTION purser.bulk_insert(target regclass, data json, format text DEFAULT 'json',
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL)
RETURNS purser.bulk_result
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_json_0_1';
COMMENT ON FUNCTION purser.bulk_insert(regclass, json, text, text, text[]) IS
'As bulk_insert of text, from a json array of objects. format can only be json.';

CREATE FUNCTION purser.bulk_insert(target regclass, data jsonb, format text DEFAULT 'json',
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL)
RETURNS purser.bulk_result
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_jsonb_0_1';
COMMENT ON FUNCTION purser.bulk_insert(regclass, jsonb, text, text, text[]) IS
'As bulk_insert of text, from a jsonb array of objects. format can only be json. The error context has rows but no lines.';

-- Everyone may call them: they do nothing that the caller could not do with INSERT.
REVOKE ALL ON TYPE purser.bulk_result FROM PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_insert(regclass, text, text, text, text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_insert(regclass, json, text, text, text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_insert(regclass, jsonb, text, text, text[]) FROM PUBLIC;
GRANT USAGE ON TYPE purser.bulk_result TO PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert(regclass, text, text, text, text[]) TO PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert(regclass, json, text, text, text[]) TO PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert(regclass, jsonb, text, text, text[]) TO PUBLIC;

-- end of bulk

------------------------------------------------------------------------------
-- Audit: what queries over-fetch, and which index is missing
------------------------------------------------------------------------------

CREATE FUNCTION purser.audit_findings(
    OUT rule text, OUT severity text, OUT queryid bigint, OUT query text, OUT relation regclass,
    OUT columns text[], OUT occurrences bigint, OUT rows_read bigint, OUT rows_returned bigint,
    OUT bytes bigint, OUT wasted_ms double precision, OUT evidence jsonb, OUT suggestion text,
    OUT application_name text, OUT role text, OUT first_seen timestamptz, OUT last_seen timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'purser_audit_findings_0_1' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION purser.audit_findings() IS
'What the audit found in the queries of this database, for the view purser.findings, which says what each column holds. Error: 55000 when the audit does not run in this server.';

CREATE VIEW purser.findings AS
SELECT rule, severity, queryid, query, relation, columns, occurrences, rows_read, rows_returned,
       bytes, wasted_ms, evidence, suggestion, application_name, role, first_seen, last_seen
FROM purser.audit_findings();
COMMENT ON VIEW purser.findings IS
'What the audit found in the queries of this database, one row for each rule, query, role and object. A missing_index finding is not shown while a valid index covers it. Text of statements is for members of pg_read_all_stats and the role that ran them.';
COMMENT ON COLUMN purser.findings.rule IS 'missing_index, unbounded_result, deep_offset or n_plus_one';
COMMENT ON COLUMN purser.findings.severity IS 'low, medium or high, by the rows wasted in one occurrence (n_plus_one: by executions)';
COMMENT ON COLUMN purser.findings.queryid IS 'query identifier, as in pg_stat_activity; NULL for those who may not see the text';
COMMENT ON COLUMN purser.findings.query IS 'text of the statement that was seen first, its first 1023 bytes at most';
COMMENT ON COLUMN purser.findings.relation IS 'table that the finding is about; for a partition its partitioned table';
COMMENT ON COLUMN purser.findings.columns IS 'columns of it: of the index to create, of the order, or of the lookup';
COMMENT ON COLUMN purser.findings.occurrences IS 'executions that wasted rows; n_plus_one: series of lookups';
COMMENT ON COLUMN purser.findings.rows_read IS 'rows read in all occurrences; missing_index: of the table alone';
COMMENT ON COLUMN purser.findings.rows_returned IS 'rows that the query returned in all occurrences';
COMMENT ON COLUMN purser.findings.bytes IS 'unbounded_result: bytes sent, estimated as rows times the planner''s row width; else NULL';
COMMENT ON COLUMN purser.findings.wasted_ms IS 'milliseconds, estimated: the wasted share of the time of the executions that were timed, for all occurrences; n_plus_one: from the first lookup to the last; NULL when none was timed';
COMMENT ON COLUMN purser.findings.evidence IS 'figures of the latest execution that was measured; n_plus_one: the parent query too';
COMMENT ON COLUMN purser.findings.suggestion IS 'what to do about it';
COMMENT ON COLUMN purser.findings.application_name IS 'application_name of the session that was seen first';
COMMENT ON COLUMN purser.findings.role IS 'role that ran the query; each has a finding of its own';
COMMENT ON COLUMN purser.findings.first_seen IS 'start of the statement that was seen first';
COMMENT ON COLUMN purser.findings.last_seen IS 'start of the statement that was seen last';

CREATE FUNCTION purser.audit_query_stats(
    OUT queryid bigint, OUT role text, OUT calls bigint, OUT unfinished bigint, OUT uncounted bigint,
    OUT rows_read bigint, OUT rows_returned bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'purser_audit_query_stats_0_1' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION purser.audit_query_stats() IS
'Counts of the queries of this database, for the view purser.query_stats, which says what each column holds. Error: 55000 when the audit does not run in this server.';

CREATE VIEW purser.query_stats AS
SELECT queryid, role, calls, unfinished, uncounted, rows_read, rows_returned
FROM purser.audit_query_stats();
COMMENT ON VIEW purser.query_stats IS
'Counts of the queries of this database, one row for each query and role. Other sessions may add what they have counted with a delay of up to 256 executions.';
COMMENT ON COLUMN purser.query_stats.queryid IS 'query identifier, as in pg_stat_activity; NULL for those who may not see the text';
COMMENT ON COLUMN purser.query_stats.role IS 'role that ran the query';
COMMENT ON COLUMN purser.query_stats.calls IS 'executions';
COMMENT ON COLUMN purser.query_stats.unfinished IS 'of these, executions that ended in an error, or whose cursor a rollback took away';
COMMENT ON COLUMN purser.query_stats.uncounted IS 'of these, executions whose rows_read is incomplete, as parallel workers could not report';
COMMENT ON COLUMN purser.query_stats.rows_read IS 'rows that scans of tables and indexes read, without those of queries within the query';
COMMENT ON COLUMN purser.query_stats.rows_returned IS 'rows returned, or inserted, updated or deleted';

CREATE FUNCTION purser.audit_status(
    OUT preloaded boolean, OUT shared boolean, OUT watching boolean, OUT queries bigint,
    OUT max_queries bigint, OUT evicted_queries bigint, OUT findings bigint,
    OUT max_findings bigint, OUT evicted_findings bigint)
AS 'MODULE_PATHNAME', 'purser_audit_status_0_1' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION purser.audit_status() IS
'Whether the audit watches, and how full its memory is, in entries of all databases: whether the library is preloaded, so that every session is watched; whether sessions share the memory; whether the session that asks is watched, from its first call of a function of this extension on; queries and findings kept (those seen once included), how many there is room for, and how many had to make room for others since the last reset. Error: 55000 when the audit does not run in this server.';

CREATE FUNCTION purser.audit_reset() RETURNS void
AS 'MODULE_PATHNAME', 'purser_audit_reset_0_1' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION purser.audit_reset() IS
'Forgets all findings and counts, those of other databases too. Error: 55000 when the audit does not run in this server.';

REVOKE ALL ON FUNCTION purser.audit_findings(), purser.audit_query_stats(), purser.audit_status(),
    purser.audit_reset() FROM PUBLIC;
REVOKE ALL ON purser.findings, purser.query_stats FROM PUBLIC;
-- The functions themselves hide what is not the reader's to see.
GRANT EXECUTE ON FUNCTION purser.audit_findings(), purser.audit_query_stats() TO PUBLIC;
GRANT EXECUTE ON FUNCTION purser.audit_status() TO pg_monitor;
GRANT SELECT ON purser.findings, purser.query_stats TO PUBLIC;

-- end of audit
