/*
 * bulk_foreign.c
 *		Foreign keys of a part, checked by distinct keys.
 *
 * For each row, INSERT queues a trigger that looks the parent up and locks it.
 * Many rows tend to have few parents: here each distinct key is looked up and
 * locked once, before the rows are written, and for rows whose parents are all
 * known no such trigger is queued.  The lock, FOR KEY SHARE as the trigger's,
 * keeps the parent until the transaction ends; if this transaction itself
 * removes it later, the triggers of that removal find the rows, but not those
 * that come after it.  So what is known is forgotten when another command has
 * run in between, as a row's trigger or default may run one; that does not hold
 * for those of which the caller knows better, as they are its own.
 *
 * Only what is certain counts.  Every other row keeps its triggers, which
 * raise the errors: keys that are not found, or whose parent was changed in
 * the meantime; constraints that are deferrable, refer to the table itself or
 * to a partitioned one, or compare by other means than a btree index.
 *
 * The look-up itself is in bulk_parent.c.  Called by bulk_writer.c.
 */
#include "bulk/bulk.h"

#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

/* When the known keys of a constraint take more, they are forgotten, in bytes. */
#define FOREIGN_MEMORY ((Size) 4 * 1024 * 1024)

/* The images of a key's values, one after another. */
typedef struct KeyImage
{
	const char *data;
	uint32		len;
} KeyImage;

/* A key that has its parent. */
typedef struct KnownKey
{
	KeyImage	key;
	uint32		hash;
	char		status;
} KnownKey;

#define SH_PREFIX known
#define SH_ELEMENT_TYPE KnownKey
#define SH_KEY_TYPE KeyImage
#define SH_KEY key
#define SH_HASH_KEY(table, image) \
	hash_bytes((const unsigned char *) (image).data, (image).len)
#define SH_EQUAL(table, a, b) ((a).len == (b).len && memcmp((a).data, (b).data, (a).len) == 0)
#define SH_SCOPE static inline
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* One constraint. */
typedef struct ForeignKey
{
	BulkParent *parent;
	int			nkeys;
	AttrNumber	columns[INDEX_MAX_KEYS];	/* of the part */
	MemoryContext memory;		/* of the known keys */
	known_hash *known;
	StringInfoData image;		/* of the present row */
} ForeignKey;

struct BulkForeign
{
	TriggerDesc *all;			/* the part's own */
	TriggerDesc *others;		/* without the triggers of the constraints here */
	CommandId	command;		/* in which parents were looked for */
	int			nkeys;
	ForeignKey *keys;
};

/* ---- which constraints ---- */

/* The trigger that checks inserted rows against the constraint; NULL: none to stand in for. */
static Trigger *
find_check(TriggerDesc *triggers, Oid constraint)
{
	for (int i = 0; i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (trigger->tgconstraint == constraint && trigger->tgfoid == F_RI_FKEY_CHECK_INS &&
			!trigger->tgdeferrable && bulk_sight_fires(trigger))
			return trigger;
	}
	return NULL;
}

static void
forget_keys(ForeignKey *key)
{
	MemoryContextReset(key->memory);
	key->known = known_create(key->memory, 256, NULL);
}

static void
add_key(BulkForeign *foreign, const ForeignKeyCacheInfo *info, BulkParent *parent)
{
	ForeignKey *key = &foreign->keys[foreign->nkeys++];

	key->parent = parent;
	key->nkeys = info->nkeys;
	memcpy(key->columns, info->conkey, info->nkeys * sizeof(AttrNumber));
	key->memory = AllocSetContextCreate(CurrentMemoryContext, "pg_purser foreign keys",
										ALLOCSET_DEFAULT_SIZES);
	initStringInfo(&key->image);
	forget_keys(key);
}

/* Does an AFTER ROW INSERT trigger remain? */
static bool
has_after_row(const TriggerDesc *triggers)
{
	for (int i = 0; i < triggers->numtriggers; i++)
		if (TRIGGER_TYPE_MATCHES(triggers->triggers[i].tgtype, TRIGGER_TYPE_ROW,
								 TRIGGER_TYPE_AFTER, TRIGGER_TYPE_INSERT))
			return true;
	return false;
}

/*
 * What can be checked here of the foreign keys of the part; NULL if nothing.
 * In the current memory context; closed with bulk_foreign_end.
 */
BulkForeign *
bulk_foreign_begin(ResultRelInfo *rri)
{
	BulkForeign *foreign;
	List	   *infos;
	ListCell   *lc;

	if (rri->ri_TrigDesc == NULL || !rri->ri_TrigDesc->trig_insert_after_row)
		return NULL;
	infos = copyObject(RelationGetFKeyList(rri->ri_RelationDesc));
	foreign = palloc0(sizeof(BulkForeign));
	foreign->all = rri->ri_TrigDesc;
	foreign->others = CopyTriggerDesc(rri->ri_TrigDesc);
	foreign->keys = palloc0(Max(list_length(infos), 1) * sizeof(ForeignKey));
	foreach(lc, infos)
	{
		const ForeignKeyCacheInfo *info = lfirst(lc);
		Trigger    *check = find_check(foreign->others, info->conoid);
		BulkParent *parent = check == NULL ? NULL :
			bulk_parent_open(rri->ri_RelationDesc, info);

		if (parent == NULL)
			continue;
		add_key(foreign, info, parent);
		/* Of no type it fires for nothing; its place in the array is that of its function. */
		check->tgtype = 0;
	}
	if (foreign->nkeys == 0)
		return NULL;
	foreign->others->trig_insert_after_row = has_after_row(foreign->others);
	return foreign;
}

void
bulk_foreign_end(BulkForeign *foreign)
{
	for (int i = 0; i < foreign->nkeys; i++)
		bulk_parent_close(foreign->keys[i].parent);
}

/* ---- rows ---- */

/* Write the row's key into its image; false if one of its values is null. */
static bool
form_image(ForeignKey *key, TupleTableSlot *slot)
{
	resetStringInfo(&key->image);
	for (int i = 0; i < key->nkeys; i++)
	{
		Form_pg_attribute att = TupleDescAttr(slot->tts_tupleDescriptor, key->columns[i] - 1);
		bool		isnull;
		Datum		value = slot_getattr(slot, key->columns[i], &isnull);

		if (isnull)
			return false;
		if (att->attbyval)
			appendBinaryStringInfo(&key->image, (char *) &value, sizeof(Datum));
		else
			appendBinaryStringInfo(&key->image, DatumGetPointer(value),
								   datumGetSize(value, false, att->attlen));
	}
	return true;
}

static void
remember(ForeignKey *key)
{
	KeyImage	image = {key->image.data, key->image.len};
	KnownKey   *known;
	char	   *copy;
	bool		found;

	if (MemoryContextMemAllocated(key->memory, true) > FOREIGN_MEMORY)
		forget_keys(key);
	copy = MemoryContextAlloc(key->memory, image.len);
	memcpy(copy, image.data, image.len);
	known = known_insert(key->known, image, &found);
	known->key.data = copy;
}

/* Is it certain that the row has the parent that the constraint wants? */
static bool
has_parent(ForeignKey *key, BulkEntry *entry)
{
	KeyImage	image;

	/* Whether nulls are allowed is the trigger's to say. */
	if (!form_image(key, entry->slot))
		return bulk_parent_takes_null(key->parent);
	image.data = key->image.data;
	image.len = key->image.len;
	if (known_lookup(key->known, image) != NULL)
		return true;
	if (!bulk_parent_lock(key->parent, entry->slot, key->columns))
		return false;
	remember(key);
	return true;
}

/* What the known keys take, in bytes. */
Size
bulk_foreign_size(const BulkForeign *foreign)
{
	Size		size = 0;

	for (int i = 0; i < foreign->nkeys; i++)
		if (foreign->keys[i].known->members > 0)
			size += MemoryContextMemAllocated(foreign->keys[i].memory, true);
	return size;
}

/* May this transaction have changed parents since they were looked for? */
bool
bulk_foreign_outdated(const BulkForeign *foreign)
{
	return foreign->command != GetCurrentCommandId(false);
}

/* Since the command only those have run that change no parents. */
void
bulk_foreign_follow(BulkForeign *foreign, CommandId command)
{
	if (foreign->command == command)
		foreign->command = GetCurrentCommandId(false);
}

/* Find the parents of a part's rows, and note which rows have them all. */
void
bulk_foreign_check(BulkForeign *foreign, BulkEntry *entries, int nentries)
{
	if (bulk_foreign_outdated(foreign))
		bulk_foreign_forget(foreign);
	foreign->command = GetCurrentCommandId(false);
	for (int k = 0; k < foreign->nkeys; k++)
		bulk_parent_begin(foreign->keys[k].parent);
	for (int i = 0; i < nentries; i++)
	{
		entries[i].has_parents = true;
		for (int k = 0; k < foreign->nkeys && entries[i].has_parents; k++)
			entries[i].has_parents = has_parent(&foreign->keys[k], &entries[i]);
	}
	for (int k = 0; k < foreign->nkeys; k++)
		bulk_parent_end(foreign->keys[k].parent);
}

/* The triggers that are to be queued for the row, which is in the table now. */
TriggerDesc *
bulk_foreign_triggers(const BulkForeign *foreign, const BulkEntry *entry)
{
	return entry->has_parents ? foreign->others : foreign->all;
}

/* Could the trigger change parents when it fires after rows?  A foreign key's only looks. */
static bool
may_change(const Trigger *trigger)
{
	return TRIGGER_TYPE_MATCHES(trigger->tgtype, TRIGGER_TYPE_ROW, TRIGGER_TYPE_AFTER,
								TRIGGER_TYPE_INSERT) &&
		trigger->tgfoid != F_RI_FKEY_CHECK_INS && bulk_sight_fires(trigger);
}

/* Does a trigger fire after rows of a table that could run commands of its own? */
bool
bulk_foreign_may_change(const TriggerDesc *triggers)
{
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		if (may_change(&triggers->triggers[i]))
			return true;
	return false;
}

/* Are there no AFTER ROW triggers but for these constraints? */
bool
bulk_foreign_is_all(const BulkForeign *foreign)
{
	return !foreign->others->trig_insert_after_row;
}

/*
 * Nothing is known any more: after a rollback of rows that were checked their
 * locks are gone.
 */
void
bulk_foreign_forget(BulkForeign *foreign)
{
	for (int i = 0; i < foreign->nkeys; i++)
		forget_keys(&foreign->keys[i]);
}
