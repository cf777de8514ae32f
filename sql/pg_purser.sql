-- pg_purser: the full install script of the current version, one section a module.

\echo Use "CREATE EXTENSION pg_purser" to load this file. \quit

GRANT USAGE ON SCHEMA purser TO PUBLIC;

------------------------------------------------------------------------------
-- Ledger: revisions, what is applied, and the history of both
------------------------------------------------------------------------------

-- end of ledger

------------------------------------------------------------------------------
-- Bulk: many rows in one call
------------------------------------------------------------------------------

-- end of bulk

------------------------------------------------------------------------------
-- Audit: what queries over-fetch, and which index is missing
------------------------------------------------------------------------------

-- end of audit
