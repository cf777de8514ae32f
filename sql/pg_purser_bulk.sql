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
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_0_1';
COMMENT ON FUNCTION purser.bulk_insert(regclass, json, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) IS
'As bulk_insert of text, from a json array of objects. format can only be json.';

CREATE FUNCTION purser.bulk_insert(target regclass, data jsonb, format text DEFAULT 'json',
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL,
    update_columns text[] DEFAULT NULL, rejects boolean DEFAULT false, max_rejects bigint DEFAULT NULL,
    conflict_index text DEFAULT NULL, update_where text DEFAULT NULL, options jsonb DEFAULT NULL,
    indexes text DEFAULT 'keep', analyze_after boolean DEFAULT false)
RETURNS purser.bulk_result
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_0_1';
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

-- From arrays, one for each column.
CREATE FUNCTION purser.bulk_insert_arrays(target regclass, columns text[], VARIADIC "values" "any")
RETURNS purser.bulk_result
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_arrays_0_1';
COMMENT ON FUNCTION purser.bulk_insert_arrays(regclass, text[], "any") IS
'Inserts many rows into a table, as bulk_insert, from arrays. target: the table; columns: names of columns, others get their default; values: for each of them an array of its values, all of the same length, at most 98. Elements are cast as INSERT casts them; where INSERT has no cast from text, elements of text are read as literals of the column''s type. A column of an array type takes an array of one more dimension, or literals. Returns counts of rows. Errors: those of INSERT, with row and column in the context; 22023 arrays of different lengths, not as many as columns, or of too many dimensions; 22004 a null array; 42804 an array of a type that has no cast; 42703 unknown column.';
REVOKE ALL ON FUNCTION purser.bulk_insert_arrays(regclass, text[], "any") FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert_arrays(regclass, text[], "any") TO PUBLIC;
-- Update and delete by key.

CREATE TYPE purser.bulk_delete_result AS (
    deleted bigint,
    skipped bigint,
    rejected bigint,
    load_id bigint
);
COMMENT ON TYPE purser.bulk_delete_result IS
'What a bulk delete did, in rows: deleted from the table; skipped rows of the input, whose key matched nothing or came again; rejected, which purser.reject has under the load_id (null if there are none).';
REVOKE ALL ON TYPE purser.bulk_delete_result FROM PUBLIC;
GRANT USAGE ON TYPE purser.bulk_delete_result TO PUBLIC;

CREATE FUNCTION purser.bulk_update(target regclass, data text, key_columns text[] DEFAULT NULL, format text DEFAULT 'json',
    options jsonb DEFAULT NULL, rejects boolean DEFAULT false, max_rejects bigint DEFAULT NULL)
RETURNS purser.bulk_result
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_update_0_1';
COMMENT ON FUNCTION purser.bulk_update(regclass, text, text[], text, jsonb, boolean, bigint) IS
'Updates many rows by key, as UPDATE would, with the caller''s privileges. target: a table or an updatable view; data: the rows, with the key columns and the columns to change; key_columns: null for the primary key; format: json, ndjson, csv or text; options: of the format, named as in COPY; rejects: put bad rows into purser.reject and go on, with the result of an UPDATE for each row; max_rejects: at most so many. Only the columns that a row has are changed. Returns counts: updated, rows of the table; skipped, rows of the input whose key matched nothing, had nothing to change or, without rejects, came again later (the last row of a key counts); rejected and load_id as of bulk_insert. Errors: those of UPDATE; 22004 a row without a key column; 42P10 no primary key; 428C9 a column that is generated always; 42703, 22P02, 22P04, 22023 as for bulk_insert.';

CREATE FUNCTION purser.bulk_update(target regclass, data json, key_columns text[] DEFAULT NULL, format text DEFAULT 'json',
    options jsonb DEFAULT NULL, rejects boolean DEFAULT false, max_rejects bigint DEFAULT NULL)
RETURNS purser.bulk_result
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_update_0_1';
COMMENT ON FUNCTION purser.bulk_update(regclass, json, text[], text, jsonb, boolean, bigint) IS
'As bulk_update of text, from json. format can only be json.';

CREATE FUNCTION purser.bulk_update(target regclass, data jsonb, key_columns text[] DEFAULT NULL, format text DEFAULT 'json',
    options jsonb DEFAULT NULL, rejects boolean DEFAULT false, max_rejects bigint DEFAULT NULL)
RETURNS purser.bulk_result
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_update_0_1';
COMMENT ON FUNCTION purser.bulk_update(regclass, jsonb, text[], text, jsonb, boolean, bigint) IS
'As bulk_update of text, from jsonb. format can only be json. The error context has rows but no lines.';

CREATE FUNCTION purser.bulk_update(target regclass, data bytea, key_columns text[] DEFAULT NULL, format text DEFAULT 'json',
    options jsonb DEFAULT NULL, rejects boolean DEFAULT false, max_rejects bigint DEFAULT NULL)
RETURNS purser.bulk_result
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_update_0_1';
COMMENT ON FUNCTION purser.bulk_update(regclass, bytea, text[], text, jsonb, boolean, bigint) IS
'As bulk_update of text, from the bytes of a file as they are. Options besides: encoding, of the bytes, the client''s if it is not given; compression: auto (by the first bytes), none, gzip or zstd.';

CREATE FUNCTION purser.bulk_delete(target regclass, data text, key_columns text[] DEFAULT NULL, format text DEFAULT 'json',
    options jsonb DEFAULT NULL, rejects boolean DEFAULT false, max_rejects bigint DEFAULT NULL)
RETURNS purser.bulk_delete_result
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_delete_0_1';
COMMENT ON FUNCTION purser.bulk_delete(regclass, text, text[], text, jsonb, boolean, bigint) IS
'Deletes many rows by key, as DELETE would, with the caller''s privileges. target: a table or an updatable view; data: the keys: objects or rows of the key columns, or for one key column a JSON array of its values; key_columns: null for the primary key; format: json, ndjson, csv or text; options: of the format, named as in COPY; rejects: put bad rows into purser.reject and go on, with the result of a DELETE for each row; max_rejects: at most so many. Returns counts: deleted, rows of the table; skipped, rows of the input whose key matched nothing or came again; rejected and load_id as of bulk_insert. Errors: those of DELETE; 22004 a row without a key column; 42P10 no primary key, or a column that is no key column; 42703, 22P02, 22P04, 22023 as for bulk_insert.';

CREATE FUNCTION purser.bulk_delete(target regclass, data json, key_columns text[] DEFAULT NULL, format text DEFAULT 'json',
    options jsonb DEFAULT NULL, rejects boolean DEFAULT false, max_rejects bigint DEFAULT NULL)
RETURNS purser.bulk_delete_result
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_delete_0_1';
COMMENT ON FUNCTION purser.bulk_delete(regclass, json, text[], text, jsonb, boolean, bigint) IS
'As bulk_delete of text, from json. format can only be json.';

CREATE FUNCTION purser.bulk_delete(target regclass, data jsonb, key_columns text[] DEFAULT NULL, format text DEFAULT 'json',
    options jsonb DEFAULT NULL, rejects boolean DEFAULT false, max_rejects bigint DEFAULT NULL)
RETURNS purser.bulk_delete_result
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_delete_0_1';
COMMENT ON FUNCTION purser.bulk_delete(regclass, jsonb, text[], text, jsonb, boolean, bigint) IS
'As bulk_delete of text, from jsonb. format can only be json. The error context has rows but no lines.';

CREATE FUNCTION purser.bulk_delete(target regclass, data bytea, key_columns text[] DEFAULT NULL, format text DEFAULT 'json',
    options jsonb DEFAULT NULL, rejects boolean DEFAULT false, max_rejects bigint DEFAULT NULL)
RETURNS purser.bulk_delete_result
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_delete_0_1';
COMMENT ON FUNCTION purser.bulk_delete(regclass, bytea, text[], text, jsonb, boolean, bigint) IS
'As bulk_delete of text, from the bytes of a file as they are. Options besides: encoding, of the bytes, the client''s if it is not given; compression: auto (by the first bytes), none, gzip or zstd.';

CREATE FUNCTION purser.bulk_insert_returning("row" anyelement, data text, format text DEFAULT 'json',
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL, update_columns text[] DEFAULT NULL,
    conflict_index text DEFAULT NULL, update_where text DEFAULT NULL, options jsonb DEFAULT NULL)
RETURNS SETOF anyelement
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_returning_0_1';
COMMENT ON FUNCTION purser.bulk_insert_returning(anyelement, text, text, text, text[], text[], text, text, jsonb) IS
'As bulk_insert, and returns the stored rows in the order of the input, with defaults and generated keys. row: a null of the table''s row type, as NULL::my_table; data: the rows; the other arguments are those of bulk_insert. Rows that on_conflict skips or leaves as they were, and those that a trigger suppressed, are not returned. Needs SELECT on all columns, as INSERT ... RETURNING * does. Errors: those of bulk_insert; 42804 row is of no table''s type.';

CREATE FUNCTION purser.bulk_insert_returning("row" anyelement, data json, format text DEFAULT 'json',
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL, update_columns text[] DEFAULT NULL,
    conflict_index text DEFAULT NULL, update_where text DEFAULT NULL, options jsonb DEFAULT NULL)
RETURNS SETOF anyelement
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_returning_0_1';
COMMENT ON FUNCTION purser.bulk_insert_returning(anyelement, json, text, text, text[], text[], text, text, jsonb) IS
'As bulk_insert_returning of text, from json. format can only be json.';

CREATE FUNCTION purser.bulk_insert_returning("row" anyelement, data jsonb, format text DEFAULT 'json',
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL, update_columns text[] DEFAULT NULL,
    conflict_index text DEFAULT NULL, update_where text DEFAULT NULL, options jsonb DEFAULT NULL)
RETURNS SETOF anyelement
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_returning_0_1';
COMMENT ON FUNCTION purser.bulk_insert_returning(anyelement, jsonb, text, text, text[], text[], text, text, jsonb) IS
'As bulk_insert_returning of text, from jsonb. format can only be json. The error context has rows but no lines.';

CREATE FUNCTION purser.bulk_insert_returning("row" anyelement, data bytea, format text DEFAULT 'json',
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL, update_columns text[] DEFAULT NULL,
    conflict_index text DEFAULT NULL, update_where text DEFAULT NULL, options jsonb DEFAULT NULL)
RETURNS SETOF anyelement
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_returning_0_1';
COMMENT ON FUNCTION purser.bulk_insert_returning(anyelement, bytea, text, text, text[], text[], text, text, jsonb) IS
'As bulk_insert_returning of text, from the bytes of a file as they are. Options besides: encoding, of the bytes, the client''s if it is not given; compression: auto (by the first bytes), none, gzip or zstd.';

-- Everyone may call them: they do nothing that the caller could not do with INSERT, UPDATE and DELETE.
REVOKE ALL ON FUNCTION purser.bulk_update(regclass, text, text[], text, jsonb, boolean, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_update(regclass, text, text[], text, jsonb, boolean, bigint) TO PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_update(regclass, json, text[], text, jsonb, boolean, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_update(regclass, json, text[], text, jsonb, boolean, bigint) TO PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_update(regclass, jsonb, text[], text, jsonb, boolean, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_update(regclass, jsonb, text[], text, jsonb, boolean, bigint) TO PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_update(regclass, bytea, text[], text, jsonb, boolean, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_update(regclass, bytea, text[], text, jsonb, boolean, bigint) TO PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_delete(regclass, text, text[], text, jsonb, boolean, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_delete(regclass, text, text[], text, jsonb, boolean, bigint) TO PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_delete(regclass, json, text[], text, jsonb, boolean, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_delete(regclass, json, text[], text, jsonb, boolean, bigint) TO PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_delete(regclass, jsonb, text[], text, jsonb, boolean, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_delete(regclass, jsonb, text[], text, jsonb, boolean, bigint) TO PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_delete(regclass, bytea, text[], text, jsonb, boolean, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_delete(regclass, bytea, text[], text, jsonb, boolean, bigint) TO PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_insert_returning(anyelement, text, text, text, text[], text[], text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert_returning(anyelement, text, text, text, text[], text[], text, text, jsonb) TO PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_insert_returning(anyelement, json, text, text, text[], text[], text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert_returning(anyelement, json, text, text, text[], text[], text, text, jsonb) TO PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_insert_returning(anyelement, jsonb, text, text, text[], text[], text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert_returning(anyelement, jsonb, text, text, text[], text[], text, text, jsonb) TO PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_insert_returning(anyelement, bytea, text, text, text[], text[], text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert_returning(anyelement, bytea, text, text, text[], text[], text, text, jsonb) TO PUBLIC;

-- Parents and children.

CREATE FUNCTION purser.bulk_insert_tree(target regclass, data text, children jsonb DEFAULT NULL)
RETURNS TABLE (target_table regclass, inserted bigint)
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_tree_0_1';
COMMENT ON FUNCTION purser.bulk_insert_tree(regclass, text, jsonb) IS
'Inserts documents into a table and the objects nested in them into the tables that reference it, at any depth, in one call. target: the table of the documents; data: a JSON array of objects, in which a key is a column, or holds the children: an array of objects, or one; children: an object from such keys to a table''s name, or to {"table": name, "foreign_key": [columns], "children": {...}}, null if every key is the name of a table in the same schema with one foreign key to its parent. The columns of the foreign key are set from the parent row as it was stored, generated keys included. Returns a row for each table: inserted rows. Errors: those of INSERT; 42703 a key that is no column and no child; 42P10 no foreign key to the parent; 42725 several; 55000 children of a row that was not stored; 22023, 22P02 malformed data.';

CREATE FUNCTION purser.bulk_insert_tree(target regclass, data json, children jsonb DEFAULT NULL)
RETURNS TABLE (target_table regclass, inserted bigint)
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_tree_0_1';
COMMENT ON FUNCTION purser.bulk_insert_tree(regclass, json, jsonb) IS
'As bulk_insert_tree of text, from json.';

CREATE FUNCTION purser.bulk_insert_tree(target regclass, data jsonb, children jsonb DEFAULT NULL)
RETURNS TABLE (target_table regclass, inserted bigint)
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_tree_0_1';
COMMENT ON FUNCTION purser.bulk_insert_tree(regclass, jsonb, jsonb) IS
'As bulk_insert_tree of text, from jsonb.';

REVOKE ALL ON FUNCTION purser.bulk_insert_tree(regclass, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert_tree(regclass, text, jsonb) TO PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_insert_tree(regclass, json, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert_tree(regclass, json, jsonb) TO PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_insert_tree(regclass, jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert_tree(regclass, jsonb, jsonb) TO PUBLIC;
-- What became of each row.
CREATE FUNCTION purser.bulk_insert_outcomes(target regclass, data text, format text DEFAULT 'json',
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL,
    update_columns text[] DEFAULT NULL, rejects boolean DEFAULT false, max_rejects bigint DEFAULT NULL,
    conflict_index text DEFAULT NULL, update_where text DEFAULT NULL, options jsonb DEFAULT NULL,
    indexes text DEFAULT 'keep', analyze_after boolean DEFAULT false)
RETURNS TABLE (ordinal bigint, outcome text, key jsonb)
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_outcomes_0_1';
COMMENT ON FUNCTION purser.bulk_insert_outcomes(regclass, text, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) IS
'As bulk_insert with the same arguments, and returns a row for each row of the input, in its order. ordinal: of the input row, from 1; outcome: inserted, updated, unchanged (in conflict, but update_where is not true or there is nothing to set), skipped, rejected (it is in purser.reject, with this ordinal as row_number) or suppressed (by a BEFORE ROW trigger); key: an object with the primary key, or the columns of conflict_columns or conflict_index, of the row that is in the table in its place, null if there is none; of a rejected row its own, null if it was refused before it was complete (malformed, values that do not fit, BEFORE ROW triggers, NOT NULL, CHECK, no partition). Where rows go by statement, the key is null unless the row was inserted or updated, or was before it was refused, and rows that are stored must pass the policies for SELECT, as with RETURNING. Needs SELECT on the columns of the key beside what bulk_insert needs. Errors: those of bulk_insert.';
CREATE FUNCTION purser.bulk_insert_outcomes(target regclass, data json, format text DEFAULT 'json',
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL,
    update_columns text[] DEFAULT NULL, rejects boolean DEFAULT false, max_rejects bigint DEFAULT NULL,
    conflict_index text DEFAULT NULL, update_where text DEFAULT NULL, options jsonb DEFAULT NULL,
    indexes text DEFAULT 'keep', analyze_after boolean DEFAULT false)
RETURNS TABLE (ordinal bigint, outcome text, key jsonb)
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_outcomes_0_1';
COMMENT ON FUNCTION purser.bulk_insert_outcomes(regclass, json, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) IS
'As bulk_insert_outcomes of text, from a json array of objects. format can only be json.';
CREATE FUNCTION purser.bulk_insert_outcomes(target regclass, data jsonb, format text DEFAULT 'json',
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL,
    update_columns text[] DEFAULT NULL, rejects boolean DEFAULT false, max_rejects bigint DEFAULT NULL,
    conflict_index text DEFAULT NULL, update_where text DEFAULT NULL, options jsonb DEFAULT NULL,
    indexes text DEFAULT 'keep', analyze_after boolean DEFAULT false)
RETURNS TABLE (ordinal bigint, outcome text, key jsonb)
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_outcomes_0_1';
COMMENT ON FUNCTION purser.bulk_insert_outcomes(regclass, jsonb, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) IS
'As bulk_insert_outcomes of text, from a jsonb array of objects. format can only be json.';
CREATE FUNCTION purser.bulk_insert_outcomes(target regclass, data bytea, format text DEFAULT 'json',
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL,
    update_columns text[] DEFAULT NULL, rejects boolean DEFAULT false, max_rejects bigint DEFAULT NULL,
    conflict_index text DEFAULT NULL, update_where text DEFAULT NULL, options jsonb DEFAULT NULL,
    indexes text DEFAULT 'keep', analyze_after boolean DEFAULT false)
RETURNS TABLE (ordinal bigint, outcome text, key jsonb)
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_outcomes_0_1';
COMMENT ON FUNCTION purser.bulk_insert_outcomes(regclass, bytea, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) IS
'As bulk_insert_outcomes of text, from the bytes of a file as they are: with the options and the errors of bulk_insert of bytea.';

REVOKE ALL ON FUNCTION purser.bulk_insert_outcomes(regclass, text, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_insert_outcomes(regclass, bytea, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_insert_outcomes(regclass, json, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_insert_outcomes(regclass, jsonb, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert_outcomes(regclass, text, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) TO PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert_outcomes(regclass, bytea, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) TO PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert_outcomes(regclass, json, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) TO PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert_outcomes(regclass, jsonb, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) TO PUBLIC;
------------------------------------------------------------------------------
-- Bulk: rows that were rejected
------------------------------------------------------------------------------

-- What is needed to load rejected rows again.
CREATE TABLE purser.load (
    load_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    role name NOT NULL,
    target text NOT NULL,
    format text NOT NULL,
    on_conflict text NOT NULL,
    conflict_columns text[],
    conflict_index text,
    update_columns text[],
    update_where text,
    columns text[],
    options jsonb,
    verb text NOT NULL DEFAULT 'insert',
    key_columns text[],
    loaded_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE purser.load IS
'Bulk loads that rejected rows: what is needed to load these again. role: who loaded; target: the table, with its schema; columns: of the input, in order (csv and text); verb: insert, update or delete; the others are the arguments of the call; loaded_at: when the transaction began. Everyone sees, and may delete, the rows of their own role; pg_read_all_data sees all.';

CREATE TABLE purser.reject (
    load_id bigint NOT NULL,
    number bigint NOT NULL,
    role name NOT NULL,
    row_number bigint,
    line_number bigint,
    byte_offset bigint,
    column_name text,
    value text,
    raw text,
    raw_bytes bytea,
    sqlstate text NOT NULL,
    message text NOT NULL,
    detail text,
    hint text,
    constraint_name text,
    relation text,
    rejected_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (load_id, number)
);
COMMENT ON TABLE purser.reject IS
'Rows that a bulk load, update or delete with rejects or max_rejects did not take. load_id: as in the result of the call; number: of the row in its load, the same as row_number, by which it is found again; role: who loaded; row_number and line_number: place of the row in the input, from 1, without the header among the rows; byte_offset: bytes before it; column_name and value: what did not fit, if it was a value (at most 1000 bytes of it); raw: the row as it stood in the input, to be repaired and loaded again with purser.retry_rejects(load_id); raw_bytes: in place of it when these bytes are no text in the encoding of the database; sqlstate to relation: the error, with the constraint and its table; rejected_at: when the transaction began. Everyone sees the rows of their own role, may delete them, and may change raw and raw_bytes; pg_read_all_data sees all.';

SELECT pg_catalog.pg_extension_config_dump('purser.load', '');
SELECT pg_catalog.pg_extension_config_dump('purser.load_load_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('purser.reject', '');

-- The rows hold users' data.
ALTER TABLE purser.load ENABLE ROW LEVEL SECURITY;
ALTER TABLE purser.reject ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON purser.load USING (role OPERATOR(pg_catalog.=) CURRENT_USER);
CREATE POLICY own ON purser.reject USING (role OPERATOR(pg_catalog.=) CURRENT_USER);
CREATE POLICY readers ON purser.load FOR SELECT TO pg_read_all_data USING (true);
CREATE POLICY readers ON purser.reject FOR SELECT TO pg_read_all_data USING (true);

CREATE FUNCTION purser.load_rejects(target regclass, load_id bigint, columns text[] DEFAULT NULL,
    format text DEFAULT 'json', on_conflict text DEFAULT 'error',
    conflict_columns text[] DEFAULT NULL, update_columns text[] DEFAULT NULL,
    conflict_index text DEFAULT NULL, update_where text DEFAULT NULL, max_rejects bigint DEFAULT NULL,
    options jsonb DEFAULT NULL, verb text DEFAULT 'insert', key_columns text[] DEFAULT NULL)
RETURNS purser.bulk_result
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_load_rejects_0_1';
COMMENT ON FUNCTION purser.load_rejects(regclass, bigint, text[], text, text, text[], text[], text, text, bigint, jsonb, text, text[]) IS
'Loads the rows again that a bulk load of the calling role has rejected, from the column raw of purser.reject, with other arguments than the first time. target: the table; load_id: the load; columns: of the raw rows, in order (csv and text), null for all of the table; verb: insert, update or delete, whose deleted rows count as updated; the others as in bulk_insert and bulk_update. Rows that are good now leave purser.reject; those that are bad again are there with their new error, and load_id in the result is null if there are none. For the same arguments as the first time use retry_rejects. Errors: 42704 no such load of the role; those of bulk_insert with max_rejects.';

CREATE FUNCTION purser.retry_rejects(load_id bigint, target regclass DEFAULT NULL)
RETURNS purser.bulk_result
LANGUAGE sql
AS $$
SELECT purser.load_rejects(COALESCE(retry_rejects.target, l.target::pg_catalog.regclass),
    retry_rejects.load_id, l.columns, l.format, l.on_conflict, l.conflict_columns, l.update_columns,
    l.conflict_index, l.update_where, NULL, l.options, l.verb, l.key_columns)
FROM (VALUES (retry_rejects.load_id)) AS wanted (load_id)
LEFT JOIN purser.load l ON l.load_id OPERATOR(pg_catalog.=) wanted.load_id
    AND l.role OPERATOR(pg_catalog.=) CURRENT_USER
$$;
COMMENT ON FUNCTION purser.retry_rejects(bigint, regclass) IS
'Loads the rows again that a bulk load of the calling role has rejected, as they are now in the column raw of purser.reject, with the arguments of that load. load_id: the load; target: another table, or the same one after it was renamed. Returns counts of rows, as bulk_insert (rows deleted, of a bulk_delete, as updated); rows that are good now leave purser.reject, those that are bad again keep their number and have their new error. A load in ranges need not be finished. Errors: 42704 no such load of the role; 42P01 the table is gone; 40001 someone loaded or deleted the same rows meanwhile.';

REVOKE ALL ON TABLE purser.load, purser.reject FROM PUBLIC;
GRANT SELECT, DELETE, UPDATE (raw, raw_bytes) ON TABLE purser.reject TO PUBLIC;
GRANT SELECT, DELETE ON TABLE purser.load TO PUBLIC;
-- They do nothing that the caller could not do with INSERT.
REVOKE ALL ON FUNCTION purser.load_rejects(regclass, bigint, text[], text, text, text[], text[], text, text, bigint, jsonb, text, text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION purser.retry_rejects(bigint, regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purser.load_rejects(regclass, bigint, text[], text, text, text[], text[], text, text, bigint, jsonb, text, text[]) TO PUBLIC;
GRANT EXECUTE ON FUNCTION purser.retry_rejects(bigint, regclass) TO PUBLIC;
