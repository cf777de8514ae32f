/*
 * bulk_settings.h
 *		Settings for developers and tests of bulk loading: bulk_settings.c;
 *		and what is installed with them, when the library is loaded.
 */
#ifndef PURSER_BULK_SETTINGS_H
#define PURSER_BULK_SETTINGS_H

#include "pg_purser.h"

extern int	bulk_window;		/* bytes of input to read at a time */
extern int	bulk_range;			/* bytes of a file that a parallel worker takes at a time */

/* ---- statements with large parameters: bulk_plan.c ---- */

extern void bulk_install_planner(void);

#endif							/* PURSER_BULK_SETTINGS_H */
