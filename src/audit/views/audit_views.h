/*
 * audit_views.h
 *		What the SQL functions of the audit share.
 */
#ifndef PURSER_AUDIT_VIEWS_H
#define PURSER_AUDIT_VIEWS_H

#include "audit/rules/audit_rules.h"
#include "audit/session/audit_session.h"

/* ---- audit_status.c ---- */

extern void audit_check_store(void);
extern bool audit_may_read_statement(Oid owner);
extern Datum audit_role_name(Oid userid, bool *isnull);

#endif							/* PURSER_AUDIT_VIEWS_H */
