/*
 * audit.c
 *		Start-up of the audit: its settings, its memory, its hooks.
 *
 * Preloaded, the audit asks for shared memory and for query identifiers. In
 * a session that only loads the library it works as well as it can; see
 * audit_store.c.
 */
#include "audit/store/audit_store.h"

#include <limits.h>

#include PURSER_QUERYJUMBLE_H
#include "miscadmin.h"
#include "utils/guc.h"

bool		audit_enabled = true;
int			audit_min_rows = 1000;
int			audit_unbounded_rows = 10000;
int			audit_deep_offset = 1000;
int			audit_n_plus_one = 10;
int			audit_n_plus_one_window = 2000;
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
	define_int("purser.audit_n_plus_one",
			   "Lookups with values out of one result before they are found to be N+1.",
			   &audit_n_plus_one, 2, 0);
	define_int("purser.audit_n_plus_one_window",
			   "Longest pause between such lookups outside of one transaction.",
			   &audit_n_plus_one_window, 0, GUC_UNIT_MS);

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
	started = true;
	if (audit_enabled)
		EnableQueryId();
}
