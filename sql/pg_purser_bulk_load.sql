------------------------------------------------------------------------------
-- Bulk: bytes and files of the server
------------------------------------------------------------------------------

CREATE FUNCTION purser.bulk_insert(target regclass, data bytea, format text DEFAULT 'json',
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL,
    update_columns text[] DEFAULT NULL, rejects boolean DEFAULT false, max_rejects bigint DEFAULT NULL,
    conflict_index text DEFAULT NULL, update_where text DEFAULT NULL, options jsonb DEFAULT NULL,
    indexes text DEFAULT 'keep', analyze_after boolean DEFAULT false)
RETURNS purser.bulk_result
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_insert_0_1';
COMMENT ON FUNCTION purser.bulk_insert(regclass, bytea, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) IS
'As bulk_insert of text, from the bytes of a file as they are. Options besides those of the format: encoding, of the bytes, the client''s if it is not given; compression: auto (by the first bytes), none, gzip or zstd. Errors besides: 22021 and 22P05 bytes that are no characters or have none here; XX001 damaged compressed data; 0A000 a compression that the extension was built without.';

CREATE FUNCTION purser.bulk_load(target regclass, path text, format text DEFAULT NULL,
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL,
    update_columns text[] DEFAULT NULL, rejects boolean DEFAULT false, max_rejects bigint DEFAULT NULL,
    conflict_index text DEFAULT NULL, update_where text DEFAULT NULL, options jsonb DEFAULT NULL,
    indexes text DEFAULT 'keep', analyze_after boolean DEFAULT false, workers int DEFAULT 0)
RETURNS purser.bulk_result
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_bulk_load_0_1';
COMMENT ON FUNCTION purser.bulk_load(regclass, text, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean, int) IS
'As bulk_insert of bytea, from a file of the server, for those who may read such files by COPY. path: of the file; one that is not absolute begins at the data directory; format: csv, text, json or ndjson, null to tell it from the end of the path (.csv; .tsv and .txt for text; .json; .ndjson and .jsonl; each also with .gz or .zst; otherwise csv); workers: parallel workers that read the file and make its rows, which the caller''s transaction writes in the order of the file; where that cannot be done exactly, a notice says why, and there are none; numbers of sequences are taken for all rows beforehand. Errors besides: 42501 without privileges of pg_read_server_files; 58P01 no such file and others about files; 42809 a directory.';

REVOKE ALL ON FUNCTION purser.bulk_insert(regclass, bytea, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION purser.bulk_load(regclass, text, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_insert(regclass, bytea, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean) TO PUBLIC;
GRANT EXECUTE ON FUNCTION purser.bulk_load(regclass, text, text, text, text[], text[], boolean, bigint, text, text, jsonb, text, boolean, int) TO pg_read_server_files;


------------------------------------------------------------------------------
-- Bulk: files in ranges
------------------------------------------------------------------------------

CREATE TABLE purser.load_job (
    load_id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('purser.load_load_id_seq'),
    relation regclass NOT NULL,
    path text NOT NULL,
    arguments jsonb NOT NULL,
    columns text[],
    encoding text NOT NULL,
    role oid NOT NULL,
    began timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    finished timestamptz
);
COMMENT ON TABLE purser.load_job IS
'What CALL purser.load() was asked for: the table, the file, the arguments that say how, the columns of its header and its encoding, by whom and when, and when all of it was in.';

CREATE TABLE purser.load_range (
    load_id bigint NOT NULL REFERENCES purser.load_job ON DELETE CASCADE,
    number int NOT NULL,
    first_byte bigint NOT NULL,
    last_byte bigint NOT NULL,
    first_row bigint NOT NULL,
    first_line bigint NOT NULL,
    inserted bigint,
    updated bigint,
    skipped bigint,
    rejected bigint,
    finished timestamptz,
    PRIMARY KEY (load_id, number)
);
COMMENT ON TABLE purser.load_range IS
'The ranges of bytes that a file is loaded in, [first_byte, last_byte), with the rows and lines before; the counts and the time came in the transaction of the range''s rows, and are null while it is not in.';

CREATE PROCEDURE purser.load(target regclass DEFAULT NULL, path text DEFAULT NULL, workers int DEFAULT 2,
    range_bytes bigint DEFAULT NULL, INOUT load_id bigint DEFAULT NULL, format text DEFAULT NULL,
    on_conflict text DEFAULT 'error', conflict_columns text[] DEFAULT NULL,
    update_columns text[] DEFAULT NULL, rejects boolean DEFAULT false, max_rejects bigint DEFAULT NULL,
    conflict_index text DEFAULT NULL, update_where text DEFAULT NULL, options jsonb DEFAULT NULL,
    INOUT inserted bigint DEFAULT NULL, INOUT updated bigint DEFAULT NULL, INOUT skipped bigint DEFAULT NULL,
    INOUT rejected bigint DEFAULT NULL)
LANGUAGE c AS 'MODULE_PATHNAME', 'purser_load_0_1';
COMMENT ON PROCEDURE purser.load(regclass, text, int, bigint, bigint, text, text, text[], text[], boolean, bigint, text, text, jsonb, bigint, bigint, bigint, bigint) IS
'Loads a file of the server in ranges of about range_bytes (if null an eighth of a worker''s share, between 2 and 16 MB), each in a transaction of its own, by so many background workers, or by the session itself with 0. What is in stays in; with load_id and nothing else, it goes on with a load that was interrupted, and takes no range twice; max_rejects beside load_id is its new limit. The other arguments are those of bulk_load; max_rejects counts the rows of all ranges: the range with one more fails and ends the load, those that are in stay. Gives the load_id and the counts of rows. Errors besides those of bulk_load: 2D000 inside a transaction block or function; 0A000 a file that cannot be cut (format json, compressed, or where a part of a character may be a quote or backslash); 42704 no such load; 54000 more bad rows than max_rejects.';
REVOKE ALL ON purser.load_job, purser.load_range FROM PUBLIC;
GRANT SELECT ON purser.load_job, purser.load_range TO pg_monitor;
REVOKE ALL ON PROCEDURE purser.load(regclass, text, int, bigint, bigint, text, text, text[], text[], boolean, bigint, text, text, jsonb, bigint, bigint, bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE purser.load(regclass, text, int, bigint, bigint, text, text, text[], text[], boolean, bigint, text, text, jsonb, bigint, bigint, bigint, bigint) TO pg_read_server_files;


------------------------------------------------------------------------------
-- Bulk: loads that run now
------------------------------------------------------------------------------

CREATE VIEW purser.load_progress AS
SELECT l.pid, l.load_id, l.relid::regclass AS relation, l.bytes_processed, l.bytes_total, l.rows, l.skipped, l.rejects,
    l.started, (l.bytes / l.seconds)::bigint AS rate,
    make_interval(secs => (l.bytes_total - l.bytes_processed) * l.seconds / nullif(l.bytes, 0)) AS time_left
FROM (SELECT p.pid, p.load_id, p.relid, p.bytes + coalesce(r.bytes, 0) AS bytes_processed,
        coalesce(r.total, p.total) AS bytes_total, p.rows + coalesce(r.rows, 0) AS rows,
        p.skipped + coalesce(r.skipped, 0) AS skipped, p.rejects + coalesce(r.rejects, 0) AS rejects,
        p.started, p.bytes + coalesce(r.recent, 0) AS bytes,
        greatest(extract(epoch FROM clock_timestamp() - p.started), 0.001)::float8 AS seconds
    FROM (SELECT CASE WHEN p.param19 > 0 THEN p.param18::int ELSE p.pid END AS pid, nullif(p.param19, 0) AS load_id, p.relid,
            timestamptz '2000-01-01 00:00:00+00' + p.param20 * interval '1 microsecond' AS started,
            sum(p.param1)::bigint AS bytes, nullif(max(p.param2), 0) AS total, sum(p.param3)::bigint AS rows,
            sum(p.param4)::bigint AS skipped, sum(p.param7)::bigint AS rejects
        FROM pg_stat_get_progress_info('COPY') p
        WHERE p.param20 > 0
            AND p.datid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
        GROUP BY 1, 2, 3, 4) p
    LEFT JOIN LATERAL (SELECT sum(r.last_byte - r.first_byte)::bigint AS total,
            (sum(r.last_byte - r.first_byte) FILTER (WHERE r.finished IS NOT NULL))::bigint AS bytes,
            (sum(r.last_byte - r.first_byte) FILTER (WHERE r.finished >= p.started))::bigint AS recent,
            sum(r.inserted + r.updated)::bigint AS rows, sum(r.skipped)::bigint AS skipped, sum(r.rejected)::bigint AS rejects
        FROM purser.load_range r WHERE r.load_id = p.load_id) r ON p.load_id IS NOT NULL) l;
COMMENT ON VIEW purser.load_progress IS
'Bulk loads that run now into tables of this database, one row for each; to those whom pg_stat_progress_copy shows them. pid: of the session that called for it; load_id: of CALL purser.load(), null for others; bytes_processed, bytes_total: of the file as it is stored, or of the parameter; the total is null where it is not known (pipes, jsonb); rows: inserted or updated; skipped: by on_conflict; rejects: bad rows that were put aside; with CALL purser.load() all of these of the ranges that are in and of those that the load is at, without the header; started: when the load began, or went on; rate: bytes in a second since then; time_left: at that rate, null where the total is.';
REVOKE ALL ON purser.load_progress FROM PUBLIC;
GRANT SELECT ON purser.load_progress TO PUBLIC;
