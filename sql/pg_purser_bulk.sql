------------------------------------------------------------------------------
-- Bulk: many rows in one call
------------------------------------------------------------------------------

-- What a load did. In this version updated and rejected are always 0 and load_id is null: no row
-- is updated, and a bad row fails the call.
CREATE TYPE purser.bulk_result AS (
    inserted bigint,
    updated bigint,
    skipped bigint,
    rejected bigint,
    load_id bigint
);
COMMENT ON TYPE purser.bulk_result IS
'What a bulk load did, in rows: inserted; skipped by on_conflict. Updated and rejected are always 0 and load_id is null, as yet. Rows that a BEFORE ROW trigger suppressed count nowhere.';

CREATE FUNCTION purser.bulk_insert(target regclass, data text, format text DEFAULT 'json',
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL)
RETURNS purser.bulk_result
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_0_1';
COMMENT ON FUNCTION purser.bulk_insert(regclass, text, text, text, text[]) IS
'Inserts many rows into a plain table, as INSERT would, with the caller''s privileges. target: the table; data: the rows; format: json (an array of objects) or csv (as COPY reads it, the header line names the columns); on_conflict: error, or skip rows whose key is taken; conflict_columns: the columns of the unique constraint that skip is about, null for all. Returns counts of rows; call it in FROM, since (f(...)).* calls f for each column. Errors: those of INSERT, with row, line, column and value in the context; 22P02 and 22P04 malformed data; 42703 unknown column; 42P10 no such unique constraint; 0A000 a relation that INSERT treats in a way this does not.';

CREATE FUNCTION purser.bulk_insert(target regclass, data json, format text DEFAULT 'json',
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL)
RETURNS purser.bulk_result
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_json_0_1';
COMMENT ON FUNCTION purser.bulk_insert(regclass, json, text, text, text[]) IS
'As bulk_insert of text, from a json array of objects. format can only be json.';

CREATE FUNCTION purser.bulk_insert(target regclass, data jsonb, format text DEFAULT 'json',
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL)
RETURNS purser.bulk_result
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_jsonb_0_1';
COMMENT ON FUNCTION purser.bulk_insert(regclass, jsonb, text, text, text[]) IS
'As bulk_insert of text, from a jsonb array of objects. format can only be json. The error context has rows but no lines.';

-- Everyone may call them: they do nothing that the caller could not do with INSERT.
REVOKE ALL ON TYPE purser.bulk_result FROM PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_insert(regclass, text, text, text, text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_insert(regclass, json, text, text, text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_insert(regclass, jsonb, text, text, text[]) FROM PUBLIC;
GRANT USAGE ON TYPE purser.bulk_result TO PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert(regclass, text, text, text, text[]) TO PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert(regclass, json, text, text, text[]) TO PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert(regclass, jsonb, text, text, text[]) TO PUBLIC;

