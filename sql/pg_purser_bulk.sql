------------------------------------------------------------------------------
-- Bulk: many rows in one call
------------------------------------------------------------------------------

-- What a load did, in rows.
CREATE TYPE purser.bulk_result AS (
    inserted bigint,
    updated bigint,
    skipped bigint,
    rejected bigint,
    load_id bigint
);
COMMENT ON TYPE purser.bulk_result IS
'What a bulk load did, in rows: inserted; updated, or skipped and left as they were, by on_conflict; rejected, which purser.reject has under the load_id (null if there are none). Rows that a BEFORE ROW trigger suppressed count nowhere.';

CREATE FUNCTION purser.bulk_insert(target regclass, data text, format text DEFAULT 'json',
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL,
    update_columns text[] DEFAULT NULL, rejects boolean DEFAULT false, max_rejects bigint DEFAULT NULL,
    conflict_index text DEFAULT NULL, update_where text DEFAULT NULL, options jsonb DEFAULT NULL,
    indexes text DEFAULT 'keep', analyze_after boolean DEFAULT false)
RETURNS purser.bulk_result
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_0_1';
COMMENT ON FUNCTION purser.bulk_insert(regclass, text, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) IS
'Inserts many rows into a table, as INSERT would, with the caller''s privileges. target: the table; data: the rows; format: json (an array of objects), ndjson (an object on each line), csv or text (as COPY reads them); on_conflict: error, skip rows whose key is taken, or update the rows that have it; conflict_columns: the columns of the unique constraint that skip and update are about, null for all (skip) or the primary key (update); conflict_index: its name in place of the columns; update_columns: those to update, null for all that the input names; update_where: a condition on the table''s columns and on excluded, under which a row is updated; rejects: put bad rows into purser.reject and go on; max_rejects: at most so many; options: of the format, named as in COPY; indexes: keep, rebuild those that enforce nothing at the end (which takes the table''s owner, and locks others out of writing), or auto, whichever should be faster; analyze_after: the table, when the load is done. Returns counts of rows; call it in FROM, since (f(...)).* calls f for each column. Errors: those of INSERT, with row, line, column and value in the context; 22P02 and 22P04 malformed data; 42703 unknown column; 42P10 no such unique constraint; 22023 arguments.';

CREATE FUNCTION purser.bulk_insert(target regclass, data json, format text DEFAULT 'json',
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL,
    update_columns text[] DEFAULT NULL, rejects boolean DEFAULT false, max_rejects bigint DEFAULT NULL,
    conflict_index text DEFAULT NULL, update_where text DEFAULT NULL, options jsonb DEFAULT NULL,
    indexes text DEFAULT 'keep', analyze_after boolean DEFAULT false)
RETURNS purser.bulk_result
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_json_0_1';
COMMENT ON FUNCTION purser.bulk_insert(regclass, json, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) IS
'As bulk_insert of text, from a json array of objects. format can only be json.';

CREATE FUNCTION purser.bulk_insert(target regclass, data jsonb, format text DEFAULT 'json',
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL,
    update_columns text[] DEFAULT NULL, rejects boolean DEFAULT false, max_rejects bigint DEFAULT NULL,
    conflict_index text DEFAULT NULL, update_where text DEFAULT NULL, options jsonb DEFAULT NULL,
    indexes text DEFAULT 'keep', analyze_after boolean DEFAULT false)
RETURNS purser.bulk_result
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_jsonb_0_1';
COMMENT ON FUNCTION purser.bulk_insert(regclass, jsonb, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) IS
'As bulk_insert of text, from a jsonb array of objects. format can only be json. The error context has rows but no lines.';

-- Everyone may call them: they do nothing that the caller could not do with INSERT.
REVOKE ALL ON TYPE purser.bulk_result FROM PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_insert(regclass, text, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_insert(regclass, json, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_insert(regclass, jsonb, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) FROM PUBLIC;
GRANT USAGE ON TYPE purser.bulk_result TO PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert(regclass, text, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) TO PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert(regclass, json, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) TO PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert(regclass, jsonb, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) TO PUBLIC;

-- What became of each row.
CREATE FUNCTION purser.bulk_insert_outcomes(target regclass, data text, format text DEFAULT 'json',
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL,
    update_columns text[] DEFAULT NULL, rejects boolean DEFAULT false, max_rejects bigint DEFAULT NULL,
    conflict_index text DEFAULT NULL, update_where text DEFAULT NULL, options jsonb DEFAULT NULL,
    indexes text DEFAULT 'keep', analyze_after boolean DEFAULT false)
RETURNS TABLE (ordinal bigint, outcome text, key jsonb)
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_outcomes_0_1';
COMMENT ON FUNCTION purser.bulk_insert_outcomes(regclass, text, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) IS
'As bulk_insert with the same arguments, and returns a row for each row of the input, in its order. ordinal: of the input row, from 1; outcome: inserted, updated, unchanged (in conflict, but update_where is not true or there is nothing to set), skipped, rejected or suppressed (by a BEFORE ROW trigger); key: an object with the primary key, or the columns of conflict_columns or conflict_index, of the row that is in the table in its place, null if there is none. Needs SELECT on the columns of the key beside what bulk_insert needs. Errors: those of bulk_insert.';
CREATE FUNCTION purser.bulk_insert_outcomes(target regclass, data json, format text DEFAULT 'json',
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL,
    update_columns text[] DEFAULT NULL, rejects boolean DEFAULT false, max_rejects bigint DEFAULT NULL,
    conflict_index text DEFAULT NULL, update_where text DEFAULT NULL, options jsonb DEFAULT NULL,
    indexes text DEFAULT 'keep', analyze_after boolean DEFAULT false)
RETURNS TABLE (ordinal bigint, outcome text, key jsonb)
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_outcomes_json_0_1';
COMMENT ON FUNCTION purser.bulk_insert_outcomes(regclass, json, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) IS
'As bulk_insert_outcomes of text, from a json array of objects. format can only be json.';
CREATE FUNCTION purser.bulk_insert_outcomes(target regclass, data jsonb, format text DEFAULT 'json',
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL,
    update_columns text[] DEFAULT NULL, rejects boolean DEFAULT false, max_rejects bigint DEFAULT NULL,
    conflict_index text DEFAULT NULL, update_where text DEFAULT NULL, options jsonb DEFAULT NULL,
    indexes text DEFAULT 'keep', analyze_after boolean DEFAULT false)
RETURNS TABLE (ordinal bigint, outcome text, key jsonb)
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_outcomes_jsonb_0_1';
COMMENT ON FUNCTION purser.bulk_insert_outcomes(regclass, jsonb, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) IS
'As bulk_insert_outcomes of text, from a jsonb array of objects. format can only be json.';

REVOKE ALL ON FUNCTION purser.bulk_insert_outcomes(regclass, text, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_insert_outcomes(regclass, json, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_insert_outcomes(regclass, jsonb, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert_outcomes(regclass, text, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) TO PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert_outcomes(regclass, json, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) TO PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert_outcomes(regclass, jsonb, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) TO PUBLIC;
