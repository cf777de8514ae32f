/*
 * worker.h
 *		Runs a function of this library in a background worker, as the caller.
 *
 * For what a function cannot do in its own transaction: statements that begin
 * and commit their own, and work in parallel.
 */
#ifndef WORKER_H
#define WORKER_H

#include "pg_purser.h"

#include "nodes/pg_list.h"

/* Who the worker acts as, with which settings; taken by shared_worker_settings(). */
typedef struct WorkerSettings
{
	Oid			authenticated_user;
	Oid			session_user;
	bool		session_superuser;
	Oid			role;			/* of SET ROLE, or InvalidOid */
	Size		size;
	char	   *state;			/* all settings, in the server's own form */
} WorkerSettings;

typedef struct WorkerTask
{
	const char *function;		/* exported by this library: see WorkerFunction */
	const WorkerSettings *settings;
	void	   *payload;		/* copied to the worker, and back at the end */
	Size		size;
} WorkerTask;

/* Runs outside of a transaction; its errors and notices reach the caller. */
typedef void (*WorkerFunction) (void *payload, Size size);

typedef struct Worker Worker;

extern WorkerSettings *shared_worker_settings(void);
extern Worker *shared_worker_try_start(const WorkerTask *task);
extern Worker *shared_worker_start(const WorkerTask *task);
extern void shared_worker_finish(Worker *worker);
extern void shared_worker_finish_all(const List *workers);

extern PGDLLEXPORT void shared_worker_main(Datum segment);

#endif							/* WORKER_H */
