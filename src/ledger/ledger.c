#include "pg_purser.h"

void
ledger_init(void)
{
}
