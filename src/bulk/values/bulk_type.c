/*
 * bulk_type.c
 *		What making a value of a type comes down to: the types in it, and the checks
 *		of its domains.
 *
 * Called by bulk_sight.c and bulk_parallel_check.c.
 */
#include "bulk/bulk.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

static bool
check_found(Oid typid, const BulkTypeSearch *search)
{
	/* It hangs on to its memory context, so it cannot be on the stack. */
	DomainConstraintRef *ref = palloc(sizeof(DomainConstraintRef));
	ListCell   *lc;

	InitDomainConstraintRef(typid, ref, CurrentMemoryContext, false);
	foreach(lc, ref->constraints)
	{
		DomainConstraintState *constraint = lfirst(lc);

		if (constraint->constrainttype == DOM_CONSTRAINT_CHECK &&
			search->check((Node *) constraint->check_expr))
			return true;
	}
	return false;
}

static bool
attribute_found(Oid typid, const BulkTypeSearch *search)
{
	TupleDesc	tupdesc = lookup_rowtype_tupdesc(typid, -1);
	bool		found = false;

	for (int i = 0; i < tupdesc->natts && !found; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, i);

		found = !att->attisdropped && bulk_type_find(att->atttypid, search);
	}
	ReleaseTupleDesc(tupdesc);
	return found;
}

/* Is what the search looks for in the type, or in one of those it is made of? */
bool
bulk_type_find(Oid typid, const BulkTypeSearch *search)
{
	Oid			element = get_element_type(typid);

	check_stack_depth();
	if (search->type != NULL && search->type(typid))
		return true;
	if (OidIsValid(element))
		return bulk_type_find(element, search);
	switch (get_typtype(typid))
	{
		case TYPTYPE_DOMAIN:
			return check_found(typid, search) || bulk_type_find(getBaseType(typid), search);
		case TYPTYPE_COMPOSITE:
			return attribute_found(typid, search);
		case TYPTYPE_RANGE:
			return bulk_type_find(get_range_subtype(typid), search);
		case TYPTYPE_MULTIRANGE:
			return bulk_type_find(get_multirange_range(typid), search);
		default:
			return false;
	}
}
