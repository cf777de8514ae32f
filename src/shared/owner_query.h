/*
 * owner_query.h
 *		Queries on the extension's own tables, run as the extension's owner.
 */
#ifndef OWNER_QUERY_H
#define OWNER_QUERY_H

#include "pg_purser.h"

#include "executor/spi.h"

/*
 * One fixed statement.  It names every object and operator with its schema,
 * so it means the same under any search_path; its values are parameters.
 */
typedef struct OwnerQuery
{
	const char *sql;
	bool		writes;
	bool		indexed;		/* use indexes, even if planned on empty tables */
	bool		own_snapshot;	/* as the transaction sees it, not the latest */
	bool		of_statement;	/* as the calling statement sees it, each time the same */
	int			nargs;
	Oid			argtypes[20];
	SPIPlanPtr	plan;			/* made on first use, kept for the session */
	bool		planned;		/* it has run, and so has a generic plan */
} OwnerQuery;

/* The user id to go back to when the owner's work is done. */
typedef struct OwnerScope
{
	Oid			user_id;
	int			security_context;
} OwnerScope;

extern Oid	shared_extension_oid(void);
extern void shared_owner_keep(void);
extern void shared_owner_forget(void);
extern void shared_owner_enter(OwnerScope *scope);
extern void shared_owner_leave(const OwnerScope *scope);
extern uint64 shared_query_open(OwnerQuery *query, Datum *values, const char *nulls);
extern void shared_query_close(void);
extern Datum shared_query_value(uint64 row, int column, bool *isnull);
extern char *shared_query_text(uint64 row, int column);
extern Datum shared_query_datum(uint64 row, int column, bool *isnull);

#endif							/* OWNER_QUERY_H */
