/*
 * bulk_settings.c
 *		Settings of bulk loading.  They are for developers and tests: results
 *		never depend on them.
 */
#include "pg_purser.h"

#include "bulk/bulk_settings.h"
#include "utils/guc.h"

int			bulk_window = 256 * 1024;

void
bulk_init(void)
{
	DefineCustomIntVariable("purser.bulk_window",
							"Size of the windows in which files are read.",
							"For tests: small ones make rows reach over many windows.",
							&bulk_window, bulk_window, 1, 64 * 1024 * 1024,
							PGC_USERSET, GUC_UNIT_BYTE | GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
}
