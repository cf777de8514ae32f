/*
 * bulk_settings.h
 *		Settings for developers and tests of bulk loading: bulk_settings.c.
 */
#ifndef PURSER_BULK_SETTINGS_H
#define PURSER_BULK_SETTINGS_H

extern int	bulk_window;		/* bytes of input to read at a time */

#endif							/* PURSER_BULK_SETTINGS_H */
