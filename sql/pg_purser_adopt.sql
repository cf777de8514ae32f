------------------------------------------------------------------------------
-- Adopt: taking over the history of another migration tool
------------------------------------------------------------------------------

CREATE FUNCTION purser.adopt(
	tool text DEFAULT 'auto',
	source regclass DEFAULT NULL,
	dry_run boolean DEFAULT false,
	OUT action text,
	OUT revision text,
	OUT entry text,
	OUT message text
) RETURNS SETOF record
LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'purser_adopt_0_1';
COMMENT ON FUNCTION purser.adopt IS
'Reads the history table of another migration tool, as the caller, and states in the ledger what '
'it says is applied; runs nothing. One row for each change: action is stamp (a revision that was '
'known), add (a placeholder that was made, and stamped), unstamp (a placeholder taken out, as the '
'tool has undone it) or skip; entry is the tool''s own name for it. tool: alembic, atlas, dbmate, '
'django, flyway, golang-migrate, graphile_migrate, liquibase, pgroll, rails, schema_migrations, '
'sqitch; auto or NULL: the one whose table is there. source: its table, if it is not where the '
'tool puts it. dry_run: only show. Errors: 42P01 no history, 22023 several or an unknown tool, '
'42703 not the tool''s columns, 55000 the history is in the middle of something or does not fit '
'the ledger, 42501 no right to read it, 42710 two entries for one revision.';

REVOKE ALL ON FUNCTION purser.adopt FROM PUBLIC;

