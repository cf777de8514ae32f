/*
 * fuzz_server.h
 *		What of the server a reader needs, without one: memory that is freed at
 *		once, and errors that end a call.
 */
#ifndef FUZZ_SERVER_H
#define FUZZ_SERVER_H

#include "postgres.h"

#include <setjmp.h>

/* Where an error goes, and what it was. */
extern sigjmp_buf fuzz_raised;
extern int	fuzz_sqlstate;
extern char fuzz_message[1024];

extern void fuzz_free_all(void);

#endif							/* FUZZ_SERVER_H */
