# The audit across processes: parallel workers, several sessions, restart, standby, protocols,
# and a server that does not preload the library.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf(
    'postgresql.conf', q{
shared_preload_libraries = 'pg_purser'
purser.audit_max_queries = 100
purser.audit_max_findings = 100
max_parallel_workers = 8
max_worker_processes = 8
autovacuum = off
jit = off
});
$node->start;
my $version = $node->safe_psql('postgres', 'SHOW server_version_num');

# Tables and helpers; "ids" are told by EXPLAIN.
my $setup = q{
CREATE EXTENSION pg_purser;
CREATE TABLE big AS SELECT i AS id, i % 1000 AS grp, repeat('x', 50) AS pad FROM generate_series(1, 50000) i;
CREATE INDEX big_id ON big (id);
CREATE FUNCTION small_count(int) RETURNS bigint LANGUAGE plpgsql PARALLEL SAFE AS
'BEGIN RETURN (SELECT count(*) FROM small WHERE id > 0); END';
CREATE TABLE small AS SELECT i AS id FROM generate_series(1, 10) i;
CREATE FUNCTION id_of(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (VERBOSE, FORMAT JSON) ' || query INTO plan;
    RETURN plan->0->'Query Identifier';
END $$;
CREATE FUNCTION workers(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, FORMAT JSON) ' || query INTO plan;
    RETURN (SELECT max(w::int) FROM jsonb_path_query(plan, 'strict $.**."Workers Launched"') w);
END $$;
VACUUM ANALYZE big, small;
};
$node->safe_psql('postgres', $setup);

my $parallel = q{
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET min_parallel_index_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
};

# Runs a query once in a session of its own; what its row in query_stats says.
sub counted
{
    my ($server, $settings, $query) = @_;
    (my $quoted = $query) =~ s/'/''/g;
    my @out = split /\n/, $server->safe_psql('postgres',
        "$settings SELECT purser.audit_reset(); $query;
        SELECT 'counted: ' || concat_ws(' ', calls, uncounted, rows_read, rows_returned)
        FROM purser.query_stats WHERE queryid = id_of('$quoted');");
    return $out[-1] =~ s/^counted: //r;
}

# --- Parallel workers read for their leader.
for my $case (
    [ 'sequential scan', '', 'SELECT count(*) FROM big', 50000, 1 ],
    [ 'filter', '', 'SELECT * FROM big WHERE grp = 7', 50000, 50 ],
    [ 'index-only scan', 'SET enable_seqscan = off; SET enable_bitmapscan = off;',
        'SELECT count(*) FROM big WHERE id <= 20000', 20000, 1 ],
    [ 'bitmap scan', 'SET enable_seqscan = off; SET enable_indexscan = off; SET enable_indexonlyscan = off;',
        'SELECT count(pad) FROM big WHERE id <= 20000', 20000, 1 ],
    [ 'two gathers', '', 'SELECT (SELECT count(*) FROM big WHERE grp > 0), count(*) FROM big', 100000, 1 ],
    [ 'without the leader', 'SET parallel_leader_participation = off;', 'SELECT count(*) FROM big', 50000, 1 ],)
{
    my ($name, $settings, $query, $read, $returned) = @$case;
    is(counted($node, $parallel . $settings, $query), "1 0 $read $returned", "parallel $name");
    (my $quoted = $query) =~ s/'/''/g;
    cmp_ok($node->safe_psql('postgres', "$parallel $settings SELECT workers('$quoted')"),
        '>', 0, "parallel $name had workers");
}

# Stopped early by LIMIT, the workers' rows are there all the same: more than the leader sent on.
my ($calls, $uncounted, $read, $returned) = split / /,
    counted($node, "$parallel SET parallel_leader_participation = off;", 'SELECT pad FROM big WHERE grp >= 0 LIMIT 500');
is("$calls $uncounted $returned", '1 0 500', 'parallel plan under LIMIT');
cmp_ok($read, '>=', 500, 'rows of workers that were stopped');

# What a function reads in a worker is its own, and is counted.
my $force = ($version >= 160000 ? 'debug_parallel_query' : 'force_parallel_mode');
is(counted($node, "SET $force = on;", 'SELECT count(*) FROM big'), '1 0 50000 1', 'forced parallel mode');
is( $node->safe_psql('postgres',
        "SET $force = on; SELECT purser.audit_reset(); SELECT sum(small_count(id)) FROM small WHERE id <= 4;
        SET $force = off;
        SELECT calls, rows_read FROM purser.query_stats WHERE rows_read > 0 ORDER BY calls;"),
    "\n40\n1|10\n4|40", 'statements of a function in a worker');

# A parallel filter is found with the numbers of all processes.
is( $node->safe_psql('postgres',
        "$parallel SELECT purser.audit_reset();
        SELECT count(*) FROM big WHERE grp = 7; SELECT count(*) FROM big WHERE grp = 7;
        SELECT relation, columns, occurrences, rows_read, evidence->'rows_scanned', evidence->'rows_kept' FROM purser.findings;"),
    "\n50\n50\nbig|{grp}|2|100000|50000|50", 'missing index of a parallel query');

# A plan with workers is planned again as well.
is( $node->safe_psql('postgres',
        "$parallel SELECT purser.audit_reset();
        SELECT count(*) FROM big WHERE id::text = '7'; SELECT count(*) FROM big WHERE id::text = '7';
        SELECT rule, columns, occurrences, (evidence->>'cost_after')::float8 < (evidence->>'cost_before')::float8 FROM purser.findings;"),
    "\n1\n1\nnon_sargable|{id}|2|t", 'a condition that keeps a parallel query from its index');

# An error in a worker, and a cancelled leader, leave nothing behind that counts twice.
$node->psql('postgres', "$parallel SELECT sum(1 / (id - 40000)) FROM big");
$node->psql('postgres', "$parallel SET statement_timeout = '20ms'; SELECT count(*) FROM big a, big b WHERE a.pad < b.pad");
is(counted($node, $parallel, 'SELECT count(*) FROM big'), '1 0 50000 1', 'parallel query after errors');

# A session of which nothing comes to its end is counted as well.
$node->safe_psql('postgres', 'SELECT purser.audit_reset()');
$node->psql('postgres', 'SELECT 1 / (id - 500) FROM big');
ok( $node->poll_query_until('postgres',
        'SELECT calls, unfinished FROM purser.query_stats WHERE rows_read > 0', '1|1'),
    'a session that only failed');

# --- One session convicts, another measures, a third reads.
$node->safe_psql('postgres', 'SELECT purser.audit_reset()');
$node->safe_psql('postgres', 'SELECT count(*) FROM big WHERE grp = 9');
is($node->safe_psql('postgres', 'SELECT count(*) FROM purser.findings'), 0, 'once is chance');
$node->safe_psql('postgres', "SET application_name = 'shop'; SELECT count(*) FROM big WHERE grp = 9");
is( $node->safe_psql('postgres', 'SELECT rule, occurrences, application_name FROM purser.findings'),
    'missing_index|2|shop', 'finding over sessions');
is( $node->safe_psql('postgres', "SELECT calls FROM purser.query_stats WHERE queryid = id_of('SELECT count(*) FROM big WHERE grp = 9')"),
    2, 'counts over sessions');
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('other', 'CREATE EXTENSION pg_purser');
is($node->safe_psql('other', 'SELECT count(*) FROM purser.findings'), 0, 'findings of another database');

# A reset drops what a session has not published yet; what it does later counts.
my $session = $node->background_psql('postgres');
$session->query_safe('SELECT 1') for 1 .. 3;
$node->safe_psql('postgres', 'SELECT purser.audit_reset()');
$session->query_safe('SELECT count(*) FROM big WHERE grp = 9') for 1 .. 3;
is($session->query_safe('SELECT occurrences FROM purser.findings'), 3, 'findings after a reset elsewhere');
$session->quit;

# --- Parameters of the protocol.
my $script = $node->basedir . '/n_plus_one.sql';
append_to_file($script, "SELECT id, grp FROM big WHERE id <= 20;\n");
append_to_file($script, "\\set n $_\nSELECT pad FROM big WHERE id = :n;\n") for 1 .. 12;
for my $protocol ('simple', 'extended', 'prepared')
{
    $node->safe_psql('postgres', 'SELECT purser.audit_reset()');
    $node->command_ok([ 'pgbench', '-n', '-t', '2', '-M', $protocol, '-f', $script, 'postgres' ], "pgbench, $protocol");
    is( $node->safe_psql('postgres',
            "SELECT columns, occurrences, evidence->'executions' FROM purser.findings WHERE rule = 'n_plus_one'"),
        '{id}|2|12', "n_plus_one, $protocol protocol");
}
my $keys = $node->basedir . '/keys.sql';
append_to_file($keys, "\\set n random(1, 50000)\nSELECT pad FROM big WHERE id = :n;\n");
$node->safe_psql('postgres', 'SELECT purser.audit_reset()');
$node->command_ok([ 'pgbench', '-n', '-t', '300', '-M', 'prepared', '-f', $keys, 'postgres' ], 'pgbench, lookups');
is($node->safe_psql('postgres', 'SELECT count(*) FROM purser.findings'), 0, 'no finding in mere lookups');
is($node->safe_psql('postgres', 'SELECT max(calls) FROM purser.query_stats'), 300, 'all lookups counted');

# --- More queries and findings than there is room for.
my $many = join '', map { "SELECT $_ + count(*) FROM big WHERE grp = 7 AND id > 0;" x 2 } 1 .. 10;
$many .= join '', map { 'SELECT ' . join(', ', (1) x $_) . ';' } 1 .. 250;
$node->safe_psql('postgres', "SELECT purser.audit_reset(); $many");
my $rows = $node->safe_psql('postgres', 'SELECT count(*) FROM purser.query_stats');
cmp_ok($rows, '<=', 100, 'no more queries than there is room for');
cmp_ok($rows, '>', 80, 'and not many fewer');
is( $node->safe_psql('postgres', 'SELECT count(*) FROM purser.query_stats WHERE rows_read > 1000'),
    1, 'those that read much stay');

is($node->safe_psql('postgres', 'SELECT preloaded, shared, watching, max_queries, evicted_queries > 150, max_findings, evicted_findings FROM purser.audit_status()'),
    't|t|t|100|t|100|0', 'and those that went are counted');
my $findings = 'SELECT purser.audit_reset();';
$findings .= "CREATE TABLE many_$_ AS SELECT * FROM big WHERE id <= 1500; ANALYZE many_$_;" . "SELECT count(*) FROM many_$_ WHERE grp = 7;" x 2 for 1 .. 120;
$node->safe_psql('postgres', $findings);
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM purser.findings'), '>', 80, 'as many findings as there is room for');
is($node->safe_psql('postgres', 'SELECT findings <= max_findings, evicted_findings >= 20 FROM purser.audit_status()'),
    't|t', 'findings that went are counted');

# --- A standby watches its own queries.
$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
is( $standby->safe_psql('postgres',
        'SELECT count(*) FROM big WHERE grp = 3; SELECT count(*) FROM big WHERE grp = 3;
         SELECT rule, occurrences FROM purser.findings'),
    "50\n50\nmissing_index|2", 'findings on a standby');
$standby->stop;

# --- Restart: findings are there, and all works.
$node->restart;
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM purser.findings'), '>', 80, 'findings after a restart');
is(counted($node, '', 'SELECT count(*) FROM big WHERE grp = 5'), '1 0 50000 1', 'counts after a restart');

# --- Without preloading: the session that loads the library, and from 17 on all that do.
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
my $shared = $version >= 170000;
is( $node->safe_psql('postgres',
        q{SELECT count(*) FROM big WHERE grp = 3; SELECT count(*) FROM big WHERE grp = 3;
        SELECT count(*) FROM purser.findings;
        SELECT preloaded, shared, watching FROM purser.audit_status();
        SELECT count(*) FROM big WHERE grp = 3; SELECT count(*) FROM big WHERE grp = 3;
        SELECT occurrences FROM purser.findings;}),
    "50\n50\n0\n" . ($shared ? 'f|t|t' : 'f|f|t') . "\n50\n50\n2", 'a session is watched after its first call');
my $found = q{
LOAD 'pg_purser';
SELECT purser.audit_reset();
SELECT count(*) FROM big WHERE grp = 3;
SELECT count(*) FROM big WHERE grp = 3;
SELECT rule, occurrences FROM purser.findings;
};
is($node->safe_psql('postgres', $found), "\n50\n50\nmissing_index|2", 'findings of a session that loads the library');
is($node->safe_psql('postgres', "LOAD 'pg_purser'; SELECT count(*) FROM purser.findings"),
    $shared ? 1 : 0, 'findings for another such session');
my @counts = split / /, counted($node, "LOAD 'pg_purser'; $parallel", 'SELECT count(*) FROM big');
is("$counts[0] $counts[1]", $shared ? '1 0' : '1 1', 'parallel query of such a session');
is($counts[2], 50000, 'which counts its workers') if $shared;
is( $node->safe_psql('postgres',
        "LOAD 'pg_purser'; $parallel SELECT purser.audit_reset();
        SELECT count(*) FROM big WHERE grp = 3; SELECT count(*) FROM big WHERE grp = 3;
        SELECT count(*) FROM purser.findings;"),
    $shared ? "\n50\n50\n1" : "\n50\n50\n0", 'no finding out of numbers that are incomplete');

$node->stop;
done_testing();
