/*
 * ledger_precondition.c
 *		Does what a revision requires hold, now, for the caller?
 *
 * Names are looked up as a statement of the caller's would: by the search_path,
 * with the caller's rights.  A query runs in a transaction that is read-only
 * for its duration.
 */
#include "ledger.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "parser/parse_func.h"
#include "parser/parse_type.h"
#include "utils/acl.h"
#include "utils/catcache.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* Kinds of relation that the word takes; NULL: any. */
static const char *
relation_kinds(LedgerNeed kind)
{
	switch (kind)
	{
		case LEDGER_NEEDS_TABLE:
			return "rpf";
		case LEDGER_NEEDS_VIEW:
			return "vm";
		case LEDGER_NEEDS_INDEX:
			return "iI";
		case LEDGER_NEEDS_SEQUENCE:
			return "S";
		default:
			return NULL;
	}
}

/* The complaint, or NULL when it is there. */
static const char *
relation_fault(const LedgerRequirement *requirement)
{
	RangeVar   *name = makeRangeVarFromNameList(requirement->name);
	Oid			relation = RangeVarGetRelid(name, NoLock, true);
	const char *accepted = relation_kinds(requirement->kind);

	if (!OidIsValid(relation))
		return "There is no such relation.";
	if (accepted && strchr(accepted, get_rel_relkind(relation)) == NULL)
		return "There is a relation of this name, but of another kind.";
	return NULL;
}

static const char *
column_fault(const LedgerRequirement *requirement)
{
	int			last = list_length(requirement->name) - 1;
	List	   *table = list_truncate(list_copy(requirement->name), last);
	Oid			relation = RangeVarGetRelid(makeRangeVarFromNameList(table), NoLock, true);

	if (!OidIsValid(relation))
		return "There is no such relation.";
	if (get_attnum(relation, strVal(list_nth(requirement->name, last))) <= 0)
		return "The relation has no such column.";
	return NULL;
}

static const char *
type_fault(const LedgerRequirement *requirement)
{
	Type		type = LookupTypeName(NULL, requirement->type, NULL, true);
	bool		defined = false;

	if (type)
	{
		defined = ((Form_pg_type) GETSTRUCT(type))->typisdefined;
		ReleaseSysCache(type);
	}
	return defined ? NULL : "There is no such type.";
}

/* Any function of the name, whatever its arguments. */
static bool
has_function(List *name)
{
	char	   *schema;
	char	   *function;
	Oid			namespace = InvalidOid;
	CatCList   *found;
	bool		any = false;

	DeconstructQualifiedName(name, &schema, &function);
	if (schema)
	{
		namespace = LookupExplicitNamespace(schema, true);
		if (!OidIsValid(namespace))
			return false;
	}
	found = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(function));
	for (int i = 0; i < found->n_members; i++)
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(&found->members[i]->tuple);

		any = any || (schema ? form->pronamespace == namespace : FunctionIsVisible(form->oid));
	}
	ReleaseSysCacheList(found);
	return any;
}

static const char *
function_fault(const LedgerRequirement *requirement)
{
	bool		found = requirement->function->args_unspecified ?
		has_function(requirement->function->objname) :
		OidIsValid(LookupFuncWithArgs(OBJECT_ROUTINE, requirement->function, true));

	return found ? NULL : "There is no such function.";
}

static const char *
result_fault(int code)
{
	bool		isnull = false;

	if (code != SPI_OK_SELECT || SPI_tuptable->tupdesc->natts != 1 ||
		SPI_gettypeid(SPI_tuptable->tupdesc, 1) != BOOLOID)
		return "The query must return one column of type boolean.";
	if (SPI_processed != 1)
		return "The query must return exactly one row.";
	if (DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)) &&
		!isnull)
		return NULL;
	return isnull ? "The query returned null." : "The query returned false.";
}

/* Sees what was done so far in the transaction. */
static const char *
run_query(const char *query)
{
	const char *fault;

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	fault = result_fault(SPI_execute(query, true, 2));
	SPI_finish();
	PopActiveSnapshot();
	return fault;
}

/*
 * An error if it would write, or calls what would.  The setting
 * transaction_read_only cannot be set for a part of a transaction; its
 * variable can.
 */
static const char *
query_fault(const LedgerRequirement *requirement)
{
	bool		was_read_only = XactReadOnly;
	const char *fault;

	XactReadOnly = true;
	PG_TRY();
	{
		fault = run_query(requirement->what);
	}
	PG_FINALLY();
	{
		XactReadOnly = was_read_only;
	}
	PG_END_TRY();
	return fault;
}

static const char *
find_fault(const LedgerRequirement *requirement)
{
	const char *name = requirement->name ? strVal(linitial(requirement->name)) : NULL;

	switch (requirement->kind)
	{
		case LEDGER_NEEDS_COLUMN:
			return column_fault(requirement);
		case LEDGER_NEEDS_TYPE:
			return type_fault(requirement);
		case LEDGER_NEEDS_FUNCTION:
			return function_fault(requirement);
		case LEDGER_NEEDS_SCHEMA:
			return OidIsValid(get_namespace_oid(name, true)) ? NULL : "There is no such schema.";
		case LEDGER_NEEDS_EXTENSION:
			return OidIsValid(get_extension_oid(name, true)) ? NULL :
				"There is no such extension in this database.";
		case LEDGER_NEEDS_ROLE:
			return OidIsValid(get_role_oid(name, true)) ? NULL : "There is no such role.";
		case LEDGER_NEEDS_SETTING:
			return GetConfigOptionByName(requirement->what, NULL, true) ? NULL :
				"There is no such setting.";
		case LEDGER_NEEDS_QUERY:
			return query_fault(requirement);
		default:
			return relation_fault(requirement);
	}
}

typedef struct Precondition
{
	const char *revision;
	const char *text;
} Precondition;

static void
precondition_context(void *arg)
{
	Precondition *precondition = arg;

	errcontext("precondition \"%s\" of revision \"%s\"", ledger_clipped(precondition->text),
			   precondition->revision);
}

/* Raise an error unless all that the revision requires is there. */
void
ledger_check_preconditions(const LedgerRevision *revision)
{
	for (int i = 0; i < revision->requires.count; i++)
	{
		Precondition precondition = {revision->id, revision->requires.items[i]};
		ErrorContextCallback context = {error_context_stack, precondition_context, &precondition};
		LedgerRequirement requirement = ledger_parse_requirement(precondition.text);
		const char *fault;

		error_context_stack = &context;
		fault = find_fault(&requirement);
		error_context_stack = context.previous;
		if (fault)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("precondition of revision \"%s\" does not hold: %s", revision->id,
							ledger_clipped(precondition.text)),
					 errdetail("%s", fault)));
	}
}
