/*
 * fuzz_server.c
 *		What of the server a reader needs, without one.  The encoding is UTF8.
 */
#include "fuzz_server.h"

#include <signal.h>

#include "bulk/input/bulk_input.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

sigjmp_buf	fuzz_raised;
int			fuzz_sqlstate;
char		fuzz_message[1024];

volatile sig_atomic_t InterruptPending = false;
MemoryContext CurrentMemoryContext = NULL;

void
ProcessInterrupts(void)
{
}

/* ---- memory: a list of all blocks ---- */

typedef struct Block
{
	struct Block *next;
	struct Block *previous;
} Block;

static Block blocks = {&blocks, &blocks};

void *
palloc(Size size)
{
	Block	   *block = malloc(sizeof(Block) + size);

	block->next = blocks.next;
	block->previous = &blocks;
	blocks.next->previous = block;
	blocks.next = block;
	return block + 1;
}

void
pfree(void *pointer)
{
	Block	   *block = (Block *) pointer - 1;

	block->next->previous = block->previous;
	block->previous->next = block->next;
	free(block);
}

void *
repalloc(void *pointer, Size size)
{
	Block	   *block = realloc((Block *) pointer - 1, sizeof(Block) + size);

	block->next->previous = block;
	block->previous->next = block;
	return block + 1;
}

void
fuzz_free_all(void)
{
	while (blocks.next != &blocks)
		pfree(blocks.next + 1);
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

void *
MemoryContextAlloc(MemoryContext context pg_attribute_unused(), Size size)
{
	return palloc(size);
}

void *
MemoryContextAllocZero(MemoryContext context pg_attribute_unused(), Size size)
{
	return palloc0(size);
}

char *
pnstrdup(const char *text, Size len)
{
	char	   *copy = palloc0(strnlen(text, len) + 1);

	return memcpy(copy, text, strnlen(text, len));
}

char *
psprintf(const char *format,...)
{
	char		text[1024];
	va_list		args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return pnstrdup(text, sizeof(text));
}

/* ---- errors ---- */

bool
errstart(int elevel, const char *domain pg_attribute_unused())
{
	return elevel >= ERROR;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

int
errcode(int sqlerrcode)
{
	fuzz_sqlstate = sqlerrcode;
	return 0;
}

int
errmsg(const char *format,...)
{
	va_list		args;

	va_start(args, format);
	vsnprintf(fuzz_message, sizeof(fuzz_message), format, args);
	va_end(args);
	return 0;
}

int
errhint(const char *format pg_attribute_unused(),...)
{
	return 0;
}

void
errfinish(const char *filename pg_attribute_unused(), int lineno pg_attribute_unused(),
		  const char *funcname pg_attribute_unused())
{
	siglongjmp(fuzz_raised, 1);
}

/* ---- encodings ---- */

int
GetDatabaseEncoding(void)
{
	return PG_UTF8;
}

bool
pg_verifymbstr(const char *text, int len, bool noError)
{
	if (pg_encoding_verifymbstr(PG_UTF8, text, len) == len)
		return true;
	if (!noError)
		ereport(ERROR,
				(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
				 errmsg("invalid byte sequence")));
	return false;
}

/* ---- bulk_context.c, which needs more of the server ---- */

char
bulk_context_first(const char *data, int len)
{
	for (int i = 0; i < len; i++)
		if (strchr(" \t\n\r", data[i]) == NULL || data[i] == '\0')
			return data[i];
	return '\0';
}

/* ---- encodings ---- */

bool
pg_verify_mbstr(int encoding, const char *text, int len, bool soft)
{
	bool		right = pg_encoding_verifymbstr(encoding, text, len) == len;

	if (!right && !soft)
		ereport(ERROR, (errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE), errmsg("invalid bytes")));
	return right;
}
