/*
 * audit_trigram.c
 *		pg_trgm, whose indexes can look up patterns: is it there, or to be had?
 */
#include "audit/plan/audit_plan.h"

#include <unistd.h>

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_opclass.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#define EXTENSION "pg_trgm"
#define OPCLASS "gin_trgm_ops"

/* Its operator class for GIN, in whichever schema; 0 when it is not installed. */
static Oid
find_opclass(Oid *schema)
{
	Oid			extension = get_extension_oid(EXTENSION, true);
	Oid			found = InvalidOid;
	CatCList   *list;

	if (!OidIsValid(extension))
		return InvalidOid;
	list = SearchSysCacheList2(CLAAMNAMENSP, ObjectIdGetDatum(GIN_AM_OID),
							   CStringGetDatum(OPCLASS));
	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_opclass form = (Form_pg_opclass) GETSTRUCT(&list->members[i]->tuple);

		if (getExtensionOfObject(OperatorClassRelationId, form->oid) != extension)
			continue;
		found = form->oid;
		*schema = form->opcnamespace;
	}
	ReleaseSysCacheList(list);
	return found;
}

Oid
audit_trigram_opclass(void)
{
	Oid			schema;

	return find_opclass(&schema);
}

/* Could it be installed in this database? */
bool
audit_trigram_is_available(void)
{
	char		share[MAXPGPATH];
	char		path[MAXPGPATH];

	get_share_path(my_exec_path, share);
	return snprintf(path, MAXPGPATH, "%s/extension/%s.control", share, EXTENSION) < MAXPGPATH &&
		access(path, R_OK) == 0;
}

/* The class as it is to be written here. */
char *
audit_trigram_name(void)
{
	Oid			schema;
	bool		hidden = OidIsValid(find_opclass(&schema)) &&
		!list_member_oid(fetch_search_path(false), schema);

	return quote_qualified_identifier(hidden ? get_namespace_name(schema) : NULL, OPCLASS);
}
