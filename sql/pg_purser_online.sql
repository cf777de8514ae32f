------------------------------------------------------------------------------
-- Online: migrations that commit as they go
------------------------------------------------------------------------------

CREATE PROCEDURE purser.migrate(target text DEFAULT 'heads', direction text DEFAULT 'upgrade')
LANGUAGE C AS 'MODULE_PATHNAME', 'purser_migrate_0_1';
COMMENT ON PROCEDURE purser.migrate IS
'As upgrade(target) or downgrade(target), but commits after each revision. target: as for those; '
'direction: upgrade or downgrade. Errors: as those; 2D000 inside a transaction block.';

REVOKE ALL ON PROCEDURE purser.migrate FROM PUBLIC;

