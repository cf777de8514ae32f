/*
 * audit_section.c
 *		What of the store is saved: the counts of queries, and the findings.
 *
 * The board is not: a query that goes on wasting rows is soon convicted again,
 * and what is then measured adds to the finding that was saved. What belongs to
 * databases, roles and tables that are gone does no harm: nobody is shown it,
 * and it makes room for others in its turn.
 */
#include "audit/rules/audit_rules.h"
#include "audit/store/audit_save.h"

#include "access/xlog.h"
#include "port/pg_crc32c.h"

typedef struct SavedQuery
{
	AuditQueryKey key;
	AuditQueryCounts counts;
	AuditRemoved removed[AUDIT_REMOVED];
} SavedQuery;

static void
copy_query(void *to, const void *entry)
{
	SavedQuery *query = to;

	memcpy(&query->key, entry, sizeof(AuditQueryKey));
	audit_store_get_counts(entry, &query->counts, query->removed);
}

static void
restore_query(const void *from)
{
	const SavedQuery *query = from;

	audit_store_add_counts(&query->key, &query->counts, query->removed);
}

static void
copy_finding(void *to, const void *entry)
{
	memcpy(to, entry, sizeof(AuditFinding));
}

static void
restore_finding(const void *from)
{
	audit_find_restore(from);
}

const AuditSection audit_sections[AUDIT_NSECTIONS] = {
	{sizeof(SavedQuery), AUDIT_LOCK_QUERIES, audit_store_queries, copy_query, restore_query},
	{sizeof(AuditFinding), AUDIT_LOCK_FINDINGS, audit_store_findings, copy_finding,
	restore_finding},
};

/* Findings keep the number of their rule, so its name must still have that number. */
static uint32
rules_crc(void)
{
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	for (int i = 0; i < audit_nrules(); i++)
	{
		const char *name = audit_rule(i)->name;

		COMP_CRC32C(crc, name, strlen(name) + 1);
	}
	FIN_CRC32C(crc);
	return crc;
}

/* The header that a file of this server and this library has. */
void
audit_file_header(AuditFileHeader *header)
{
	memset(header, 0, sizeof(AuditFileHeader));
	header->magic = AUDIT_FILE_MAGIC;
	header->layout = AUDIT_FILE_LAYOUT;
	header->major = PG_MAJORVERSION_NUM;
	header->rules = rules_crc();
	header->system = GetSystemIdentifier();
	for (int i = 0; i < AUDIT_NSECTIONS; i++)
		header->sizes[i] = audit_sections[i].size;
}
