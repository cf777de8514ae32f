/*
 * audit_names.c
 *		The names of what a finding is about, as they are today.
 */
#include "audit/rules/audit_rules.h"

#include "access/htup_details.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* A table's name with its schema, quoted; NULL when it is gone. */
char *
audit_relation_name(Oid relid)
{
	char	   *schema = get_namespace_name(get_rel_namespace(relid));
	char	   *table = get_rel_name(relid);

	return schema == NULL || table == NULL ? NULL : quote_qualified_identifier(schema, table);
}

/*
 * Looks up the names of the table and the columns that the finding is about;
 * false when one is gone. Others may drop it at any time, so names are looked
 * up once, here.
 */
bool
audit_names(const AuditFinding *finding, AuditNames *names)
{
	Oid			relid = finding->key.relid;

	names->table = audit_relation_name(relid);
	if (names->table == NULL)
		return false;
	for (int i = 0; i < finding->columns.n; i++)
	{
		HeapTuple	tuple = SearchSysCacheAttNum(relid, finding->columns.attnum[i]);

		if (!HeapTupleIsValid(tuple))
			return false;
		names->column[i] = pstrdup(NameStr(((Form_pg_attribute) GETSTRUCT(tuple))->attname));
		ReleaseSysCache(tuple);
	}
	return true;
}

/* The columns, quoted, with commas between them; in an order: with DESC where it is so. */
void
audit_append_columns(StringInfo out, const AuditFinding *finding, const AuditNames *names,
					 bool with_order)
{
	for (int i = 0; i < finding->columns.n; i++)
	{
		appendStringInfo(out, "%s%s%s", i > 0 ? ", " : "",
						 quote_identifier(names->column[i]),
						 with_order && finding->columns.descending[i] ? " DESC" : "");
	}
}

/*
 * Keeps on one line what follows "--" in a suggestion: names in it may have line
 * breaks, and who runs the suggestion is not to run what stands behind these.
 */
void
audit_keep_on_line(StringInfo out, int start)
{
	for (int i = start; i < out->len; i++)
	{
		if (out->data[i] == '\n' || out->data[i] == '\r')
			out->data[i] = ' ';
	}
}
