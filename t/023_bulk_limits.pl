# No more room for tables, indexes or temporary files, and no more memory: the load ends with the server's error,
# bad rows or not, leaves nothing, and its session goes on. Limits are set on the backend's process.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'needs prlimit and /proc' if system('prlimit --version >/dev/null 2>&1') != 0 || !-r '/proc/self/status';

my $node = PostgreSQL::Test::Cluster->new('bulk_limits');
# Segments of the WAL must fit under the limit of a file's size.
$node->init(extra => [ '--encoding=UTF8', '--locale=C', '--wal-segsize=1' ]);
$node->append_conf('postgresql.conf', "autovacuum = off\nmin_wal_size = 2MB\nmax_wal_size = 64MB\nwork_mem = 64kB\nmax_stack_depth = 2MB\n");
$node->start;
my $room = 3 * 1024 * 1024;

$node->safe_psql('postgres', <<'END');
CREATE EXTENSION pg_purser;
-- 2 MB are there, of 3 MB that there may be
CREATE FUNCTION make(name text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, key int, t text)', name);
    EXECUTE format('INSERT INTO %I SELECT i, hashint4(i), repeat(''x'', 900) FROM generate_series(1, 2000) i', name);
    EXECUTE format('CREATE VIEW %I AS SELECT * FROM %I', name || '_view', name);
END $$;
SELECT make(t) FROM unnest('{heap,fits,toast}'::text[]) t;
CREATE INDEX ON fits (key);
ALTER TABLE toast ALTER t SET STORAGE EXTERNAL;
CREATE FUNCTION rows(first int, last int, width int) RETURNS text LANGUAGE sql AS $$
    SELECT E'id,key,t\n' || string_agg(format('%s,%s,%s', i, hashint4(i), repeat('y', width)), E'\n' ORDER BY i) FROM generate_series(first, last) i
$$;
CREATE FUNCTION contents() RETURNS text LANGUAGE sql AS $$
    SELECT (SELECT count(*) || ' ' || sum(hashtext(t::text)) FROM heap t) || ' ' || (SELECT count(*) || ' ' || sum(hashtext(t::text)) FROM fits t)
        || ' ' || (SELECT count(*) || ' ' || sum(hashtext(t::text)) FROM toast t)
        || ' ' || (SELECT count(*) FROM purser.load) || ' ' || (SELECT count(*) FROM purser.reject)
$$;
END
my $contents = $node->safe_psql('postgres', 'SELECT contents()');

# In one session: set limits on its own process, call, see what it holds afterwards.
sub limited
{
	my ($limits, $call, $before) = @_;
	my $prepared = $before // '';
	my $in = <<"END";
\\set VERBOSITY verbose
$prepared;
SELECT pg_backend_pid() AS pid \\gset
\\setenv PID :pid
\\! $limits
$call;
SELECT 'usable', count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype IN ('relation', 'transactionid') AND relation IS DISTINCT FROM 'pg_locks'::regclass;
SELECT 'temporary', count(*) FROM pg_ls_tmpdir();
END
	my ($ret, $out, $err) = $node->psql('postgres', $in, on_error_stop => 0);
	return "$out\n$err";
}

sub check_refused
{
	my ($what, $error, $said) = @_;
	like($said, $error, "$what: the error says it");
	like($said, qr/^usable\|0\ntemporary\|0$/m, "$what: the session goes on, and holds nothing");
	is($node->safe_psql('postgres', 'SELECT contents()'), $contents, "$what: nothing of it is there");
}

# ---- room ----

my $fsize = "prlimit --pid \$PID --fsize=$room:$room";
my $full = qr/ERROR:  \w{5}: could not (extend|write)[^\n]*File too large/;
foreach my $case (
	[ 'table', q(bulk_insert('heap', rows(2001, 6000, 900), 'csv')) ],
	[ 'table, bad rows', q(bulk_insert('heap', rows(2001, 6000, 900) || E'\nx', 'csv', rejects => true)) ],
	[ 'table, bad rows before', q(bulk_insert('heap', E'id,key,t\nx\n' || substr(rows(2001, 6000, 900), 10), 'csv', rejects => true)) ],
	[ 'table, skip', q(bulk_insert('heap', rows(1001, 6000, 900), 'csv', on_conflict => 'skip')) ],
	[ 'table, upsert', q(bulk_insert('heap', rows(1, 2000, 900), 'csv', on_conflict => 'update')) ],
	[ 'values out of line', q(bulk_insert('toast', rows(2001, 2600, 9000), 'csv')) ],
	[ 'index', q(bulk_insert('fits', rows(2001, 172000, 0), 'csv')) ],
	[ 'index that is built', q(bulk_insert('fits', rows(2001, 172000, 0), 'csv', indexes => 'rebuild')) ],
	[ 'update', q(bulk_update('heap', rows(1, 2000, 901), format => 'csv')) ],
	[ 'rows in wait', q(bulk_insert('heap_view', rows(2001, 6000, 900), 'csv')) ])
{
	my ($what, $call) = @$case;
	check_refused($what, $full, limited($fsize, "SELECT purser.$call"));
}
check_refused('temporary files', qr/ERROR:  53400: temporary file size exceeds "?temp_file_limit/,
	limited('true', q(SELECT purser.bulk_insert('heap_view', rows(2001, 6000, 900), 'csv')), 'SET temp_file_limit = 1024'));

# ---- memory ----

# So much above what the process has. The stack grew before: it cannot under a limit. From 17 on, the
# library maps what sessions share of the audit as it is loaded.
my $memory = q(prlimit --pid $PID --as=$(awk '/VmSize/ { printf "%d:", $2 * 1024 + 6000000 }' /proc/$PID/status));
my $deep = q(LOAD 'pg_purser'; SELECT length((repeat('[', 3000) || repeat(']', 3000))::jsonb::text));
my $lacking = qr/ERROR:  53200: out of memory/;
my $large = q(format('{"id": 5000, "key": 1, "t": "%s"}', repeat('\\\\n', 20000000)));
foreach my $case (
	[ 'a large row', $large, q(bulk_insert('toast', data, 'ndjson')) ],
	[ 'a large row, bad rows', $large, q(bulk_insert('toast', data, 'ndjson', rejects => true)) ],
	[ 'entries in key order', 'rows(2001, 300000, 0)', q(bulk_insert('fits', data, 'csv')) ],
	[ 'keys to delete', '(SELECT jsonb_agg(i)::text FROM generate_series(1, 500000) i)', q(bulk_delete('fits', data)) ])
{
	my ($what, $data, $call) = @$case;
	$node->safe_psql('postgres', "DROP TABLE IF EXISTS input; CREATE TABLE input AS SELECT $data AS data");
	check_refused($what, $lacking, limited($memory, "SELECT purser.$call FROM input", $deep));
}

# With room enough all of it works.
$node->safe_psql('postgres', "SELECT purser.bulk_insert('heap', rows(2001, 6000, 900), 'csv')");
is($node->safe_psql('postgres', 'SELECT count(*) FROM heap'), '6000', 'with room it works');

$node->stop;
unlike(slurp_file($node->logfile), qr/leaked|not closed|reference leak|PANIC|TRAP|signal/, 'the server has nothing to complain of');
done_testing();
