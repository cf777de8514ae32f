/*
 * bulk_scan.c
 *		Which variant of the scan to use; the state of a scan.
 *
 * Called by bulk_delimited.c.
 */
#include "bulk/input/bulk_scan.h"

int			bulk_scan_method = BULK_SCAN_AUTO;

/* Does the processor have what the variant takes? */
bool
bulk_scan_available(BulkScanMethod method)
{
	switch (method)
	{
		case BULK_SCAN_AUTO:
		case BULK_SCAN_SCALAR:
			return true;
#ifdef BULK_SCAN_X86
		case BULK_SCAN_SSE2:
			return true;
		case BULK_SCAN_AVX2:
			return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi");
#endif
#ifdef BULK_SCAN_ARM
		case BULK_SCAN_NEON:
			return true;
#endif
		default:
			return false;
	}
}

static BulkScanMethod
best_method(void)
{
	for (BulkScanMethod method = BULK_SCAN_NEON; method > BULK_SCAN_SCALAR; method--)
		if (bulk_scan_available(method))
			return method;
	return BULK_SCAN_SCALAR;
}

/* Forget what came before. */
void
bulk_scan_restart(BulkScan *scan)
{
	scan->inside = 0;
	scan->escaped = false;
	scan->flags = 0;
	scan->count = 0;
	scan->odd = 0;
}

/* quote is zero for text; the escape may be the quote. */
void
bulk_scan_begin(BulkScan *scan, char delimiter, char quote, char escape)
{
	BulkScanMethod method = bulk_scan_method;

	scan->delimiter = delimiter;
	scan->quote = quote;
	scan->escape = (escape == quote) ? '\0' : escape;
	switch (method == BULK_SCAN_AUTO ? best_method() : method)
	{
#ifdef BULK_SCAN_X86
		case BULK_SCAN_SSE2:
			scan->run = bulk_scan_sse2;
			break;
		case BULK_SCAN_AVX2:
			scan->run = bulk_scan_avx2;
			break;
#endif
#ifdef BULK_SCAN_ARM
		case BULK_SCAN_NEON:
			scan->run = bulk_scan_neon;
			break;
#endif
		default:
			scan->run = bulk_scan_scalar;
	}
	bulk_scan_restart(scan);
}
