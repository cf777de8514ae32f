-- pg_purser: what the install script begins with; the Makefile appends pg_purser_*.sql, a file for
-- each part, in the order of its list.

\echo Use "CREATE EXTENSION pg_purser" to load this file. \quit

GRANT USAGE ON SCHEMA purser TO PUBLIC;

