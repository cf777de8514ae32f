/*
 * ledger_chain.c
 *		Is the history what it was when it was written?
 *
 * Pure.  Takes the records by rising id.  A record whose hash is not that of
 * its fields was changed, or put in by other means; one whose hash fits but
 * not the record before, follows on another one; and ids that are left out
 * were removed.  What it cannot see is that the newest records were cut off,
 * or that all from one place on were made anew.
 */
#include "ledger.h"

#include "utils/builtins.h"
#include "utils/datum.h"

LedgerChain *
ledger_chain_create(const LedgerReport *report)
{
	LedgerChain *chain = palloc0(sizeof(LedgerChain));

	chain->last_hash = PointerGetDatum(cstring_to_text(""));
	chain->context = CurrentMemoryContext;
	chain->report = report;
	return chain;
}

static void
report(const LedgerChain *chain, const char *kind, char *subject, char *detail)
{
	LedgerFault fault = {"error", kind, subject, detail,
	"Compare the history with a backup, or with a copy of it kept elsewhere."};

	chain->report->put(chain->report->arg, &fault);
}

static char *
id_text(int64 id)
{
	return psprintf(INT64_FORMAT, id);
}

static void
check_id(const LedgerChain *chain, const LedgerRecord *record)
{
	int64		missing = chain->last_id + 1;

	if (record->id == missing + 1)
		report(chain, "event_removed", id_text(missing), "There is no event of this id.");
	else if (record->id > missing)
		report(chain, "event_removed",
			   psprintf("%s-%s", id_text(missing), id_text(record->id - 1)),
			   "There are no events of these ids.");
}

static void
check_record(const LedgerChain *chain, const LedgerRecord *record)
{
	char	   *revision = psprintf("It is about revision \"%s\".",
									ledger_clipped(record->revision));

	if (record->id < 1 || record->foreign ||
		!ledger_same_bytes(ledger_record_hash(record), record->hash))
		report(chain, "event_changed", id_text(record->id),
			   psprintf("The hash of the event is not that of its fields: it was changed, or not "
						"written by the ledger.  %s", revision));
	else if (record->id == chain->last_id + 1 &&
			 !ledger_same_bytes(record->previous_hash, chain->last_hash))
		report(chain, "event_unchained", id_text(record->id),
			   psprintf("Its previous_hash is not the hash of the event before it.  %s", revision));
}

void
ledger_chain_add(LedgerChain *chain, const LedgerRecord *record)
{
	MemoryContext caller;

	check_id(chain, record);
	check_record(chain, record);
	if (record->id < 1)
		return;
	caller = MemoryContextSwitchTo(chain->context);
	pfree(DatumGetPointer(chain->last_hash));
	chain->last_hash = datumCopy(record->hash, false, -1);
	chain->last_id = record->id;
	MemoryContextSwitchTo(caller);
}
