#include "pg_purser.h"

void
bulk_init(void)
{
}
