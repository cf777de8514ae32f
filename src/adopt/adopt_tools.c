/*
 * adopt_tools.c
 *		The tools whose history can be adopted.
 *
 * Each one's query makes these columns of its tables, a row an entry, in the
 * order in which entries of a lineage follow on each other:
 *		name, lineage, message, applied_at, applied_by: text
 *		needs: text[], names of entries
 *		implies: boolean, what its revision needs is in force even if no row says so
 *		problem: text, why the history cannot be adopted now
 *		skipped: text, why the entry becomes no revision
 * The tables are tuplestores with all columns of type text, so that neither the
 * real tables' names nor their types matter.  $1 are the ids that were adopted
 * from this table before and are applied.
 */
#include "adopt.h"

#define INT8 "::pg_catalog.int8"
#define BOOL "::pg_catalog.bool"
#define TEXT "::pg_catalog.text"
#define TEXTS "::pg_catalog.text[]"
#define TIME "::pg_catalog.timestamptz"
#define EQUALS " OPERATOR(pg_catalog.=) "
#define DIFFERS " OPERATOR(pg_catalog.<>) "
#define LESS " OPERATOR(pg_catalog.<) "
#define MORE " OPERATOR(pg_catalog.>) "
#define PLUS " OPERATOR(pg_catalog.+) "

static const char alembic_sql[] =
"SELECT version_num, NULL, NULL, NULL, NULL, NULL" TEXTS ", true, NULL, NULL"
" FROM history ORDER BY version_num";

static const char django_sql[] =
"SELECT pg_catalog.concat(app, '.', name), app, name, applied, NULL, NULL" TEXTS ", false,"
" NULL, NULL"
" FROM history ORDER BY app, id" INT8;

/* Of several rows for one version the last counts: an UNDO takes back, and may be followed. */
static const char flyway_sql[] =
"SELECT COALESCE(version, script), '', description, installed_on, installed_by, NULL" TEXTS ","
" type OPERATOR(pg_catalog.~~) '%BASELINE',"
" CASE WHEN NOT success" BOOL " THEN pg_catalog.format('%s failed.', script) END,"
" CASE WHEN version IS NULL THEN 'repeatable; its script is not in the table' END"
" FROM (SELECT h.*, pg_catalog.row_number() OVER"
"  (PARTITION BY version, CASE WHEN version IS NULL THEN script END"
"   ORDER BY installed_rank" INT8 " DESC) AS age FROM history h) h"
" WHERE NOT success" BOOL " OR age" EQUALS "1 AND NOT pg_catalog.starts_with(type, 'UNDO')"
"  AND type" DIFFERS "ALL ('{SCHEMA,DELETE}')"
" ORDER BY installed_rank" INT8;

static const char liquibase_sql[] =
"SELECT pg_catalog.concat(id, '.', author, '.', filename), '',"
" CASE WHEN comments" DIFFERS "'' THEN comments ELSE description END,"
" dateexecuted, author, NULL" TEXTS ", false,"
" CASE WHEN exectype" DIFFERS "ALL ('{EXECUTED,RERAN,MARK_RAN}') THEN"
"  pg_catalog.format('Change set \"%s\" by %s is marked %s.', id, author, exectype) END, NULL"
" FROM history WHERE exectype" DIFFERS "'SKIPPED'"
" ORDER BY orderexecuted" INT8 ", dateexecuted";

static const char liquibase_lock_sql[] =
"SELECT pg_catalog.format('It is locked by %s since %s.', lockedby, lockgranted)"
" FROM beside WHERE locked" BOOL;

/* A reworked change is there once more under its name; the later ones are numbered from 2. */
static const char sqitch_sql[] =
"WITH c AS (SELECT h.*, pg_catalog.concat(project, '.', change, CASE WHEN pg_catalog.row_number()"
"  OVER again" MORE "1 THEN pg_catalog.concat('.', pg_catalog.row_number() OVER again) END) AS name"
" FROM history h"
" WINDOW again AS (PARTITION BY project, change ORDER BY committed_at" TIME ", planned_at" TIME "))"
" SELECT c.name, c.project, CASE WHEN c.note" DIFFERS "'' THEN c.note ELSE c.change END,"
" c.committed_at, c.committer_name,"
" ARRAY(SELECT n.name FROM beside d JOIN c n ON n.change_id" EQUALS "d.dependency_id"
"  WHERE d.change_id" EQUALS "c.change_id AND d.type" EQUALS "'require' ORDER BY n.name),"
" false, NULL, NULL"
" FROM c ORDER BY c.project, c.committed_at" TIME ", c.planned_at" TIME;

static const char versions_sql[] =
"SELECT version, '', NULL, NULL, NULL, NULL" TEXTS ", false, NULL, NULL"
" FROM history ORDER BY pg_catalog.length(version), version COLLATE pg_catalog.\"C\"";

/* The one row says how far it is: what was adopted of lower versions is in force too. */
static const char golang_migrate_sql[] =
"SELECT v.version" TEXT ", '', NULL, NULL, NULL, NULL" TEXTS ", true, v.problem, NULL"
" FROM (SELECT h.version" INT8 ","
"  CASE WHEN h.dirty" BOOL " THEN pg_catalog.format('Version %s is marked dirty.', h.version)"
"   WHEN pg_catalog.count(*) OVER ()" MORE "1 THEN 'It has several rows where one is expected.'"
"  END FROM history h"
"  UNION ALL SELECT a.id" INT8 ", NULL FROM pg_catalog.unnest($1) a(id)"
"  WHERE a.id" INT8 LESS "(SELECT pg_catalog.max(h.version" INT8 ") FROM history h)"
" ) v(version, problem) ORDER BY v.version";

static const char graphile_migrate_sql[] =
"WITH RECURSIVE chain AS (SELECT hash, 1" INT8 " AS depth FROM history WHERE previous_hash IS NULL"
" UNION ALL SELECT h.hash, c.depth" PLUS "1 FROM chain c"
"  JOIN history h ON h.previous_hash" EQUALS "c.hash"
"  WHERE c.depth" LESS "(SELECT pg_catalog.count(*) FROM history))"
" SELECT CASE WHEN h.filename OPERATOR(pg_catalog.~~) '%.sql'"
"  THEN pg_catalog.\"left\"(h.filename, -4) ELSE h.filename END,"
" '', h.filename, h.date, NULL, NULL" TEXTS ", false,"
" CASE WHEN c.hash IS NULL THEN"
"  pg_catalog.format('What \"%s\" follows on is missing.', h.filename) END, NULL"
" FROM history h LEFT JOIN chain c ON c.hash" EQUALS "h.hash ORDER BY c.depth";

static const char pgroll_sql[] =
"WITH RECURSIVE chain AS (SELECT schema, name, 1" INT8 " AS depth FROM history"
"  WHERE parent IS NULL"
" UNION ALL SELECT h.schema, h.name, c.depth" PLUS "1 FROM chain c"
"  JOIN history h ON h.schema" EQUALS "c.schema AND h.parent" EQUALS "c.name"
"  WHERE c.depth" LESS "(SELECT pg_catalog.count(*) FROM history))"
" SELECT pg_catalog.concat(h.schema, '.', h.name), h.schema, h.name, h.created_at, NULL,"
" NULL" TEXTS ", h.migration_type" EQUALS "'baseline',"
" CASE WHEN NOT h.done" BOOL " THEN"
"   pg_catalog.format('Migration \"%s\" of schema \"%s\" is not complete.', h.name, h.schema)"
"  WHEN c.name IS NULL THEN"
"   pg_catalog.format('What \"%s\" of schema \"%s\" follows on is missing.', h.name, h.schema)"
" END, NULL"
" FROM history h LEFT JOIN chain c ON c.schema" EQUALS "h.schema AND c.name" EQUALS "h.name"
" ORDER BY h.schema, c.depth";

/* Bits of type: 1 baseline, 2 executed, 4 resolved by hand.  A leading dot: not a migration. */
static const char atlas_sql[] =
"SELECT version, '', description, executed_at, NULL, NULL" TEXTS ","
" (type" INT8 " OPERATOR(pg_catalog.&) 1)" DIFFERS "0,"
" CASE WHEN (type" INT8 " OPERATOR(pg_catalog.&) 4)" EQUALS "0"
"  AND (applied" INT8 LESS "total" INT8 " OR error" DIFFERS "'') THEN"
"  pg_catalog.format('Version %s stopped after %s of %s statements.', version, applied, total)"
" END, NULL"
" FROM history WHERE NOT pg_catalog.starts_with(version, '.')"
" ORDER BY executed_at" TIME ", version COLLATE pg_catalog.\"C\"";

/* Where two tools' tables have one name, the first that fits is taken for it. */
const AdoptTool adopt_tools[] = {
	{
		.name = "alembic", .title = "Alembic",
		.history = {"alembic_version", {"version_num"}},
		.heads_move = true,
		.sql = alembic_sql
	},
	{
		.name = "django", .title = "Django",
		.history = {"django_migrations", {"id", "app", "name", "applied"}},
		.forgets = true,
		.sql = django_sql
	},
	{
		.name = "flyway", .title = "Flyway",
		.history = {"flyway_schema_history", {"installed_rank", "version", "description", "type",
		"script", "installed_by", "installed_on", "success"}},
		.sql = flyway_sql,
		.hint = "Undo by hand what it left behind and run \"flyway repair\"."
	},
	{
		.name = "liquibase", .title = "Liquibase",
		.history = {"databasechangelog", {"id", "author", "filename", "dateexecuted",
		"orderexecuted", "exectype", "description", "comments"}},
		.beside = {"databasechangeloglock", {"locked", "lockgranted", "lockedby"}},
		.sql = liquibase_sql, .beside_sql = liquibase_lock_sql,
		.hint = "Let Liquibase finish; a lock that a dead run left is taken away by "
		"\"liquibase release-locks\"."
	},
	{
		.name = "sqitch", .title = "Sqitch", .schema = "sqitch",
		.history = {"changes", {"change_id", "change", "project", "note", "committed_at",
		"committer_name", "planned_at"}},
		.beside = {"dependencies", {"change_id", "type", "dependency_id"}},
		.sql = sqitch_sql
	},
	{
		.name = "golang-migrate", .title = "golang-migrate",
		.history = {"schema_migrations", {"version", "dirty"}},
		.exact = true,
		.sql = golang_migrate_sql,
		.hint = "Bring the schema to one version by hand and run \"migrate force\" with it."
	},
	{
		.name = "rails", .title = "Rails",
		.history = {"schema_migrations", {"version"}},
		.sign = "ar_internal_metadata", .exact = true,
		.sql = versions_sql
	},
	{
		.name = "dbmate", .title = "dbmate",
		.history = {"schema_migrations", {"version"}},
		.exact = true,
		.sql = versions_sql
	},
	{
		.name = "graphile_migrate", .title = "Graphile Migrate", .schema = "graphile_migrate",
		.history = {"migrations", {"hash", "previous_hash", "filename", "date"}},
		.sql = graphile_migrate_sql,
		.hint = "Put the missing row back."
	},
	{
		.name = "pgroll", .title = "pgroll", .schema = "pgroll",
		.history = {"migrations", {"schema", "name", "created_at", "parent", "done",
		"migration_type"}},
		.sql = pgroll_sql,
		.hint = "Run \"pgroll complete\" or \"pgroll rollback\"."
	},
	{
		.name = "atlas", .title = "Atlas", .schema = "atlas_schema_revisions",
		.history = {"atlas_schema_revisions", {"version", "description", "type", "applied",
		"total", "executed_at", "error"}},
		.sql = atlas_sql,
		.hint = "Let \"atlas migrate apply\" finish it, or settle it with \"atlas migrate set\"."
	}
};

const int	adopt_tools_count = lengthof(adopt_tools);
