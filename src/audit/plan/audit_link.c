/*
 * audit_link.c
 *		Do two columns belong together: by a foreign key, or by their names?
 */
#include "audit/plan/audit_plan.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_constraint.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

/* Does the foreign key have the one column refer to the other? */
static bool
key_links(HeapTuple tuple, AttrNumber from, AttrNumber to)
{
	AttrNumber	columns[INDEX_MAX_KEYS];
	AttrNumber	referenced[INDEX_MAX_KEYS];
	Oid			operators[INDEX_MAX_KEYS];
	int			n;

	DeconstructFkConstraintRow(tuple, &n, columns, referenced, operators, NULL, NULL, NULL, NULL);
	for (int i = 0; i < n; i++)
	{
		if (columns[i] == from && referenced[i] == to)
			return true;
	}
	return false;
}

/* Of the column "from" of one table, to the column "to" of another. */
static bool
has_foreign_key(Oid relid, AttrNumber from, Oid other, AttrNumber to)
{
	Relation	constraints = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(constraints, ConstraintRelidTypidNameIndexId, true, NULL, 1, &key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint constraint = (Form_pg_constraint) GETSTRUCT(tuple);

		found = constraint->contype == CONSTRAINT_FOREIGN && constraint->confrelid == other &&
			key_links(tuple, from, to);
	}
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
	return found;
}

/* A name as it compares: in lower case, without underscores. */
static int
simplify(char *to, const char *name)
{
	int			n = 0;

	for (; *name != '\0' && n < NAMEDATALEN - 1; name++)
	{
		if (*name != '_')
			to[n++] = pg_tolower((unsigned char) *name);
	}
	to[n] = '\0';
	return n;
}

static bool
ends_with(const char *name, int len, const char *stem, int stem_len)
{
	return len >= stem_len && memcmp(name + len - stem_len, stem, stem_len) == 0;
}

/* Is the table called after the stem, in the singular or plural, with or without a prefix? */
static bool
is_table_of(const char *table, const char *stem, int stem_len)
{
	char		name[NAMEDATALEN];
	int			len = simplify(name, table);

	if (stem_len < 2)
		return false;
	if (ends_with(name, len, stem, stem_len))
		return true;
	if (len > 3 && ends_with(name, len, "ies", 3) && stem[stem_len - 1] == 'y')
		return ends_with(name, len - 3, stem, stem_len - 1);
	if (len > 1 && name[len - 1] == 's' && ends_with(name, len - 1, stem, stem_len))
		return true;
	return len > 2 && ends_with(name, len, "es", 2) && ends_with(name, len - 2, stem, stem_len);
}

/* As posts.user_id is called after users.id. */
static bool
is_called_after(const char *referring, const char *table, const char *column)
{
	char		whole[NAMEDATALEN];
	char		key[NAMEDATALEN];
	int			len = simplify(whole, referring);
	int			key_len = simplify(key, column);

	return table != NULL && len > key_len && ends_with(whole, len, key, key_len) &&
		is_table_of(table, whole, len - key_len);
}

/* Two columns of one name, unless that name is one that every table has. */
static bool
is_same_name(const char *name, const char *other)
{
	static const char *const common[] = {"id", "oid", "pk", "key", "code", "no", "number", "name"};

	if (strcmp(name, other) != 0)
		return false;
	for (int i = 0; i < (int) lengthof(common); i++)
	{
		if (strcmp(name, common[i]) == 0)
			return false;
	}
	return true;
}

/*
 * Is the column (relid, attnum) linked to one of a result? That is "other", with
 * other_attnum, where it is known, and has a name in the result.
 */
bool
audit_columns_linked(Oid relid, AttrNumber attnum, Oid other, AttrNumber other_attnum,
					 const char *result_name)
{
	const char *table = get_rel_name(relid);
	const char *column = get_attname(relid, attnum, true);
	const char *other_table = OidIsValid(other) ? get_rel_name(other) : NULL;
	const char *other_column = OidIsValid(other) ? get_attname(other, other_attnum, true) : NULL;

	if (table == NULL || column == NULL)
		return false;
	if (other_column == NULL)
		other_column = result_name;
	if (relid == other && attnum == other_attnum)
		return true;
	if (is_same_name(column, other_column) || is_same_name(column, result_name) ||
		is_called_after(column, other_table, other_column) ||
		is_called_after(other_column, table, column) ||
		is_called_after(result_name, table, column))
		return true;
	return OidIsValid(other) &&
		(has_foreign_key(relid, attnum, other, other_attnum) ||
		 has_foreign_key(other, other_attnum, relid, attnum));
}
