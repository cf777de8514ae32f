-- The extension is there, in its schema, at the version of the control file.
SELECT extname, nspname, extversion = default_version AS current_version
FROM pg_extension e
JOIN pg_namespace n ON n.oid = e.extnamespace
JOIN pg_available_extensions a ON a.name = e.extname
WHERE extname = 'pg_purser';
