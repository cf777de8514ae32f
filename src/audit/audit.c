/*
 * audit.c
 *		Start-up of the audit: its settings, its memory, its hooks.
 *
 * Preloaded, the audit asks for shared memory and for query identifiers. In
 * a session that only loads the library it works as well as it can; see
 * audit_store.c.
 */
#include "audit/govern/audit_govern.h"
#include "audit/whatif/audit_what_if.h"

#include <limits.h>

#include PURSER_QUERYJUMBLE_H
#include "miscadmin.h"
#include "utils/guc.h"

bool		audit_enabled = true;
int			audit_min_rows = 1000;
int			audit_unbounded_rows = 10000;
int			audit_deep_offset = 1000;
int			audit_wide_bytes = 256 * 1024;
int			audit_wide_row_bytes = 2048;
int			audit_unread_rows = 10000;
int			audit_exact_count = 100000;
int			audit_n_plus_one = 5;
int			audit_n_plus_one_window = 2000;
int			audit_repeated_query = 5;
int			audit_row_by_row_write = 20;
bool		audit_unparameterized = false;
int			audit_join_fanout = 2;
int			audit_fanout_size = 256;
int			audit_misestimate = 10;
int			audit_misestimate_rows = 1000;
int			audit_misestimate_time = 100;	/* ms */
int			audit_spill = 1024;
int			audit_max_work_mem = 256 * 1024;
int			audit_what_if_interval = 600;
int			audit_min_gain = 10;
int			audit_max_queries = 5000;
int			audit_max_findings = 1000;
int			audit_save_interval = 60;	/* seconds */

static bool started = false;

/* The audit goes by query identifiers, so whoever turns it on wants them. */
static void
enabled_assign(bool newval, void *extra pg_attribute_unused())
{
	if (newval && started)
		EnableQueryId();
}

static void
define_int(const char *name, const char *description, int *variable, int least, int flags)
{
	DefineCustomIntVariable(name, description, NULL, variable, *variable, least, INT_MAX,
							PGC_SUSET, flags, NULL, NULL, NULL);
}

static void
define_size(const char *name, const char *description, int *variable)
{
	DefineCustomIntVariable(name, description, NULL, variable, *variable, 100, 1000000,
							PGC_POSTMASTER, 0, NULL, NULL, NULL);
}

static void
define_settings(void)
{
	DefineCustomBoolVariable("purser.audit",
							 "Watches what queries read against what they return.", NULL,
							 &audit_enabled, true, PGC_SUSET, 0, NULL, enabled_assign, NULL);
	define_int("purser.audit_min_rows",
			   "Rows that a query must read in vain before it is looked at.",
			   &audit_min_rows, 1, 0);
	define_int("purser.audit_unbounded_rows",
			   "Rows that a query without LIMIT must send before it is found unbounded.",
			   &audit_unbounded_rows, 1, 0);
	define_int("purser.audit_deep_offset",
			   "Rows that OFFSET must skip before it is found deep.",
			   &audit_deep_offset, 1, 0);
	define_int("purser.audit_wide_bytes",
			   "Bytes of all columns of a table that a query must send before it is found wide.",
			   &audit_wide_bytes, 1, GUC_UNIT_BYTE);
	define_int("purser.audit_wide_row_bytes",
			   "Bytes of each of these rows, on average.",
			   &audit_wide_row_bytes, 1, GUC_UNIT_BYTE);
	define_int("purser.audit_unread_rows",
			   "Rows made for a client that it must leave unread before that is found.",
			   &audit_unread_rows, 1, 0);
	define_int("purser.audit_exact_count",
			   "Rows that a count must read before it is found exact in vain.",
			   &audit_exact_count, 1, 0);
	define_int("purser.audit_n_plus_one",
			   "Lookups with values out of one result before they are found to be N+1.",
			   &audit_n_plus_one, 2, 0);
	define_int("purser.audit_n_plus_one_window",
			   "Longest pause between such lookups outside of one transaction.",
			   &audit_n_plus_one_window, 0, GUC_UNIT_MS);
	define_int("purser.audit_repeated_query",
			   "Executions of one query with the same parameters before it is found repeated.",
			   &audit_repeated_query, 2, 0);
	define_int("purser.audit_row_by_row_write",
			   "Rows written one by one in a transaction before that is found to be a loop.",
			   &audit_row_by_row_write, 2, 0);
	DefineCustomBoolVariable("purser.audit_unparameterized",
							 "Finds queries that come with ever new literals in their text.",
							 "Some drivers put values into the text safely.",
							 &audit_unparameterized, false, PGC_SUSET, 0, NULL, NULL, NULL);
	audit_policy_define();

	define_int("purser.audit_join_fanout",
			   "Rows of a join for each row of its tables before it is found to repeat them.",
			   &audit_join_fanout, 1, 0);
	define_int("purser.audit_fanout_size",
			   "Size of what a join must send in vain before that is found.",
			   &audit_fanout_size, 0, GUC_UNIT_KB);
	define_int("purser.audit_misestimate",
			   "Factor between estimated and actual rows before statistics are looked at.",
			   &audit_misestimate, 2, 0);
	define_int("purser.audit_misestimate_rows",
			   "Difference between estimated and actual rows before statistics are looked at.",
			   &audit_misestimate_rows, 1, 0);
	define_int("purser.audit_misestimate_time",
			   "Time of a statement from which on all of its estimates matter.",
			   &audit_misestimate_time, 0, GUC_UNIT_MS);
	define_int("purser.audit_spill",
			   "Size of the temporary files that a query must write before it is looked at.",
			   &audit_spill, 1, GUC_UNIT_KB);
	define_int("purser.audit_max_work_mem",
			   "Largest setting of work_mem that the audit suggests.",
			   &audit_max_work_mem, 64, GUC_UNIT_KB);

	DefineCustomIntVariable("purser.audit_what_if_interval",
							"Time between plannings of one query with hypothetical indexes.", NULL,
							&audit_what_if_interval, audit_what_if_interval, -1, INT_MAX / 1000,
							PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("purser.audit_min_gain",
							"Percent of a query's cost that a change must spare to be advised.",
							NULL, &audit_min_gain, audit_min_gain, 0, 100, PGC_SUSET, 0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("purser.audit_save",
							"Longest time whose findings and counts a crash may lose.",
							"0 turns saving off.", &audit_save_interval, 60, 0, 86400,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);

	/* The sizes of shared memory can only be set where there is a choice. */
	if (process_shared_preload_libraries_in_progress)
	{
		define_size("purser.audit_max_queries", "Queries that the audit keeps counts of.",
					&audit_max_queries);
		define_size("purser.audit_max_findings", "Findings that the audit keeps.",
					&audit_max_findings);
	}
}

void
audit_init(void)
{
	define_settings();
	if (IsBinaryUpgrade)
		return;
	audit_store_init();
	audit_install_hooks();
	audit_install_planner();
	audit_install_hypotheses();
	started = true;
	if (audit_enabled)
		EnableQueryId();
}
