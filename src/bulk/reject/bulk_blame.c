/*
 * bulk_blame.c
 *		Which errors are a row's fault?
 *
 * All are, but for those in the table: what the server, the session, the
 * transaction or the function behind a trigger could not do would fail, or
 * wait to fail, for other rows as well, and would succeed another time.
 */
#include "bulk/bulk.h"

/* Whole classes: the first two characters of the SQLSTATE. */
static const int blameless_classes[] = {
	MAKE_SQLSTATE('0', '8', '0', '0', '0'), /* connection */
	ERRCODE_FEATURE_NOT_SUPPORTED,
	MAKE_SQLSTATE('2', '5', '0', '0', '0'), /* state of the transaction */
	MAKE_SQLSTATE('4', '0', '0', '0', '0'), /* serialization, deadlock */
	MAKE_SQLSTATE('5', '3', '0', '0', '0'), /* memory, disk, connections */
	MAKE_SQLSTATE('5', '7', '0', '0', '0'), /* cancel, shutdown */
	MAKE_SQLSTATE('5', '8', '0', '0', '0'), /* system */
	MAKE_SQLSTATE('7', '2', '0', '0', '0'), /* snapshot too old */
	ERRCODE_CONFIG_FILE_ERROR,
	ERRCODE_FDW_ERROR,
	ERRCODE_INTERNAL_ERROR
};

static const int blameless_codes[] = {
	ERRCODE_LOCK_NOT_AVAILABLE,
	ERRCODE_ASSERT_FAILURE		/* a bug, which no exception block catches either */
};

bool
bulk_blame_row(int sqlerrcode)
{
	for (int i = 0; i < (int) lengthof(blameless_classes); i++)
		if (ERRCODE_TO_CATEGORY(sqlerrcode) == ERRCODE_TO_CATEGORY(blameless_classes[i]))
			return false;
	for (int i = 0; i < (int) lengthof(blameless_codes); i++)
		if (sqlerrcode == blameless_codes[i])
			return false;
	return true;
}
