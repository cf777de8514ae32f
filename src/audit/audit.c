#include "pg_purser.h"

void
audit_init(void)
{
}
