LOAD 'pg_purser';
