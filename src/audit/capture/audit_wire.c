/*
 * audit_wire.c
 *		Bytes that rows take on their way to the client.
 *
 * The messages with rows are counted as the server hands them to its protocol's
 * output, so in the format, encoding and number in which they leave it. For one
 * run, functions of ours take the place of that output's and pass all on. Only
 * a client's own statement sends rows straight to it, and such runs do not
 * nest, so one of each serves.
 *
 * Every run that may return more than one row is counted, and of the others
 * one in 32 on average, as each costs but a lookup.
 */
#include "audit/capture/audit_capture.h"

#include "miscadmin.h"

/* That header wants the headers of libraries which building an extension need not have. */
#undef ENABLE_GSS
#undef USE_OPENSSL
#include "libpq/libpq.h"

#define SAMPLE_BITS 5			/* one run in 32, on average */
#define DATA_ROW 'D'			/* type of the messages; 17 and later have a name for it */
#define HEADER_BYTES 5			/* of a message: its type and length */

static const PQcommMethods *inner = NULL;
static PQcommMethods counting;
int			audit_wire_rest = 0;
static bool disturbed = false;
static int64 rows;
static int64 bytes;

static int
count_message(char type, const char *body, size_t len)
{
	if (type == DATA_ROW)
	{
		rows++;
		bytes += (int64) len + HEADER_BYTES;
	}
	return inner->putmessage(type, body, len);
}

/* How many runs of single rows to leave out next: by a die, as streams have periods. */
static int
next_rest(void)
{
	static uint32 die = 0;

	if (die == 0)
		die = (uint32) MyProcPid;
	die = die * 1664525 + 1013904223;
	return (int) (die >> (32 - SAMPLE_BITS - 1));
}

/* Of a run that audit_wire_wanted() cannot decide on by itself. */
pg_noinline bool
audit_wire_wanted_of_any(const AuditWatch *watch)
{
	if (disturbed)
		return false;
	if (watch->tapped || watch->desc->plannedstmt->planTree->plan_rows > 1.5)
		return true;
	if (audit_wire_rest-- > 0)
		return false;
	audit_wire_rest = next_rest();
	return true;
}

void
audit_wire_open(void)
{
	if (inner != PqCommMethods)
	{
		inner = PqCommMethods;
		counting = *inner;
		counting.putmessage = count_message;
	}
	rows = bytes = 0;
	PqCommMethods = &counting;
}

/*
 * Also on the way out of an error. Whoever took our place meanwhile and stays
 * there passes on to us for good; to take his place again would be a circle.
 */
void
audit_wire_close(AuditWatch *watch)
{
	if (PqCommMethods == &counting)
		PqCommMethods = inner;
	else
		disturbed = true;
	watch->weighed = false;
	watch->rows_weighed += rows;
	watch->bytes_sent += bytes;
}
