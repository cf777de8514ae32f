/*
 * bulk_settings.c
 *		Settings of bulk loading, which are for developers and tests: results
 *		never depend on them.  And the start of the module.
 *
 * Called once from _PG_init.
 */
#include "bulk/input/bulk_scan.h"
#include "bulk/bulk_settings.h"

#include "utils/guc.h"

int			bulk_window = 256 * 1024;
int			bulk_range = 1024 * 1024;

static const struct config_enum_entry scan_methods[] = {
	{"auto", BULK_SCAN_AUTO, false},
	{"scalar", BULK_SCAN_SCALAR, false},
	{"sse2", BULK_SCAN_SSE2, false},
	{"avx2", BULK_SCAN_AVX2, false},
	{"neon", BULK_SCAN_NEON, false},
	{NULL, 0, false}
};

static bool
check_scan(int *newval, void **extra pg_attribute_unused(), GucSource source pg_attribute_unused())
{
	if (bulk_scan_available(*newval))
		return true;
	GUC_check_errdetail("This processor has no such instructions.");
	return false;
}

void
bulk_init(void)
{
	DefineCustomIntVariable("purser.bulk_window",
							"Size of the windows in which files are read.",
							"For tests: small ones make rows reach over many windows.",
							&bulk_window, bulk_window, 1, 64 * 1024 * 1024,
							PGC_USERSET, GUC_UNIT_BYTE | GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
	DefineCustomIntVariable("purser.bulk_range",
							"Size of the ranges of a file that parallel workers read.",
							"For tests: small ones make many ranges.",
							&bulk_range, bulk_range, 1, 1024 * 1024 * 1024,
							PGC_USERSET, GUC_UNIT_BYTE | GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
	DefineCustomEnumVariable("purser.bulk_scan",
							 "Instructions by which bulk loading finds the ends of fields.",
							 "For tests: the result is the same with each.",
							 &bulk_scan_method, BULK_SCAN_AUTO, scan_methods, PGC_USERSET,
							 GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE, check_scan, NULL, NULL);
	bulk_install_planner();
}
