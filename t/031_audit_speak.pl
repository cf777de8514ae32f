# What the audit says to clients: in each protocol before the statement is complete, from parallel
# workers and workers of our own nothing; suppressions across sessions, on a standby and in a dump.
use strict;
use warnings;
use IO::Socket::UNIX;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf(
    'postgresql.conf', q{
shared_preload_libraries = 'pg_purser'
max_worker_processes = 8
autovacuum = off
jit = off
});
$node->start;
my $version = $node->safe_psql('postgres', 'SHOW server_version_num');
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_purser;
CREATE TABLE big AS SELECT i AS id, i % 1000 AS grp, repeat('x', 50) AS pad FROM generate_series(1, 20000) i;
CREATE INDEX big_id ON big (id);
CREATE FUNCTION in_worker(int) RETURNS bigint LANGUAGE plpgsql PARALLEL SAFE AS
'BEGIN RETURN (SELECT count(*) FROM big WHERE grp = $1); END';
CREATE TABLE small AS SELECT i AS id FROM generate_series(1, 10) i;
VACUUM ANALYZE big, small;
});

# --- pgbench: a script that must fail, or speak, in each protocol.
my $rules = "purser.audit_n_plus_one_window=0";
my $wasteful = $node->basedir . '/wasteful.sql';
append_to_file($wasteful, "SELECT id FROM big WHERE grp = 7;\n");
my $in_block = $node->basedir . '/in_block.sql';
append_to_file($in_block, "BEGIN;\nSELECT id FROM big WHERE grp = 7;\nSELECT 1 / 0;\nCOMMIT;\n");
my $series = $node->basedir . '/series.sql';
append_to_file($series, "BEGIN;\nSELECT id FROM big WHERE id <= 20;\n");
append_to_file($series, "\\set n $_\nSELECT pad FROM big WHERE id = :n;\n") for 1 .. 12;
append_to_file($series, "COMMIT;\n");
for my $protocol ('simple', 'extended', 'prepared')
{
    my @pgbench = ('pgbench', '-n', '-t', '1', '-M', $protocol, 'postgres', '-f');
    local $ENV{PGOPTIONS} = "-c $rules -c purser.audit_error=all";
    $node->command_checks_all([ @pgbench, $wasteful ], 2, [qr/processed: 0/],
        [qr/command 0.*query violates audit rule "missing_index"/s], "a statement fails, $protocol");
    $node->command_checks_all([ @pgbench, $in_block ], 2, [qr/processed: 0/],
        [qr/command 1 .*query violates audit rule "missing_index"/s],
        "in a transaction too it fails itself, not the next one, $protocol");
    $node->command_checks_all([ @pgbench, $series ], 2, [qr/processed: 0/],
        [qr/query violates audit rule "n_plus_one".*Parent query: SELECT id FROM big/s],
        "the lookup that makes an N+1 fails, $protocol");

    $ENV{PGOPTIONS} = "-c $rules -c purser.audit_notice=all";
    $node->command_checks_all([ @pgbench, $wasteful ], 0, [qr/processed: 1/],
        [qr/NOTICE:  query violates audit rule "missing_index"/], "a statement speaks, $protocol");
}
# each run is counted once, though it is judged before its portal is closed
$node->safe_psql('postgres', 'SELECT purser.audit_reset()');
{
    local $ENV{PGOPTIONS} = "-c $rules -c purser.audit_notice=missing_index";
    $node->command_checks_all([ 'pgbench', '-n', '-t', '5', '-M', 'prepared', '-f', $wasteful, 'postgres' ],
        0, [qr/processed: 5/], [qr/NOTICE/], 'five runs');
}
is( $node->safe_psql('postgres', q{
SELECT f.occurrences, q.calls, q.unfinished FROM purser.findings f JOIN purser.query_stats q USING (queryid)
WHERE f.rule = 'missing_index'}), '5|5|0', 'which are counted as five');

# --- Row limits of the protocol, which libpq has not: the kinds of messages that come back.
sub message { my ($kind, $body) = @_; return $kind . pack('N', 4 + length $body) . $body }
sub query_message { return message('Q', "$_[0]\0") }
sub answer
{
    my ($socket) = @_;
    my $kinds = '';
    while (1)
    {
        $socket->read(my $head, 5) == 5 or die 'the server is gone';
        my ($kind, $length) = unpack 'aN', $head;
        my $body = '';
        $socket->read($body, $length - 4) if $length > 4;
        $kinds .= $kind unless $kind =~ /[NSRK]/;
        return $kinds =~ s/D+/D/gr if $kind eq 'Z';
    }
}
my $socket = IO::Socket::UNIX->new($node->host . '/.s.PGSQL.' . $node->port) or die $!;
my $startup = pack('N', 196608) . join("\0", user => $node->safe_psql('postgres', 'SELECT current_user'),
    database => 'postgres', options => "-c $rules -c purser.audit_error=missing_index") . "\0\0";
$socket->print(pack('N', 4 + length $startup) . $startup);
is(answer($socket), 'Z', 'connected');
my $parse = message('P', "\0SELECT id FROM big WHERE grp = 7\0" . pack('n', 0)) . message('B', "\0\0" . pack('nnn', 0, 0, 0));
sub execute { return message('E', "\0" . pack('N', $_[0])) }
my $sync = message('S', '');
for my $case (
    [ 'all rows', execute(0), '12DEZ' ],
    [ 'more than there are', execute(50), '12DEZ' ],
    [ 'page by page', execute(15) . execute(15), '12DsDEZ' ],
    [ 'up to the last', execute(20) . execute(20), '12DsEZ' ],
    [ 'and not to the end: when the portal is closed', execute(19) . message('C', "P\0"), '12DsEZ' ],
    [ 'and not to the end: with the transaction', execute(19), '12DsEZ' ])
{
    my ($name, $messages, $expected) = @$case;
    $socket->print($parse . $messages . $sync);
    is(answer($socket), $expected, "Execute, $name");
}
$socket->print(query_message('BEGIN') . $parse . execute(0) . $sync . query_message('ROLLBACK'));
is(join(' ', map { answer($socket) } 1 .. 3), 'CZ 12DEZ CZ', 'Execute in a transaction');
$socket->close;

# --- Parallel workers are quiet; their leader speaks for all.
my $parallel = q{
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET purser.audit_notice = 'missing_index';
};
my ($status, $out, $err) = $node->psql('postgres', "$parallel SELECT count(*) FROM big WHERE grp = 7");
like($err, qr/rows_scanned 20000, rows_kept 20/, 'the rows of all workers');
is(() = $err =~ /NOTICE/g, 1, 'once');
{
    local $ENV{PGOPTIONS} = '-c parallel_setup_cost=0 -c parallel_tuple_cost=0'
        . ' -c min_parallel_table_scan_size=0 -c purser.audit_notice=missing_index';
    my $aggregate = $node->basedir . '/aggregate.sql';
    append_to_file($aggregate, "BEGIN;\nSELECT count(*) FROM big WHERE grp = 8;\nCOMMIT;\n");
    $node->command_checks_all([ 'pgbench', '-n', '-t', '1', '-M', 'extended', '-f', $aggregate, 'postgres' ],
        0, [qr/processed: 1/], [qr/rows_scanned 20000, rows_kept 20/], 'those of workers in the extended protocol');
}
my $force = ($version >= 160000 ? 'debug_parallel_query' : 'force_parallel_mode');
my $functions = 'SELECT sum(in_worker(id)) FROM small WHERE id <= 4';
$node->safe_psql('postgres', 'SELECT purser.audit_reset()');
($status, $out, $err) = $node->psql('postgres',
    "SET $force = on; SET purser.audit_error = 'missing_index'; SET purser.audit_notice = 'missing_index'; $functions");
is("$status|$out|$err", '0|80|', 'statements of a function in a worker are quiet');
is($node->safe_psql('postgres', "SELECT occurrences FROM purser.findings WHERE rule = 'missing_index'"),
    '4', 'and found');
($status, $out, $err) = $node->psql('postgres', "SET purser.audit_error = 'missing_index'; $functions");
like($err, qr/violates audit rule "missing_index"/, 'in the session they fail');

# --- Settings by role and database; a role of its own is exempt.
$node->safe_psql('postgres', q{
CREATE ROLE app LOGIN; CREATE ROLE admin LOGIN; GRANT SELECT ON big TO app, admin;
ALTER DATABASE postgres SET purser.audit_error = 'missing_index';
ALTER ROLE admin SET purser.audit_error = '';
});
my $query = 'SELECT count(*) FROM big WHERE grp = 7';
($status, $out, $err) = $node->psql('postgres', $query, extra_params => [ '-U', 'app' ]);
like($err, qr/violates audit rule/, 'a setting of the database');
is($node->safe_psql('postgres', $query, extra_params => [ '-U', 'admin' ]), '20', 'and of a role');
$node->safe_psql('postgres', 'ALTER DATABASE postgres RESET purser.audit_error',
    extra_params => [ '-U', $node->safe_psql('postgres', 'SELECT current_user') ]);

# --- Another session hears of a suppression with its next statement.
my $listener = $node->background_psql('postgres', on_error_stop => 0);
$listener->query_safe("SET purser.audit_n_plus_one_window = 0; SET purser.audit_error = 'missing_index'");
sub fails { return ($listener->query($query) // '') eq '' }
ok(fails(), 'a session whose statement fails');
my $id = $node->safe_psql('postgres', q{SELECT purser.suppress('missing_index', reason => 'known')});
ok(!fails(), 'until the finding is suppressed elsewhere');
$node->safe_psql('postgres', "SELECT purser.unsuppress($id)");
ok(fails(), 'and again when that is taken back');
# a table that is locked is not waited for, and nothing is said that might be suppressed
$node->safe_psql('postgres', q{SELECT purser.suppress('missing_index', reason => 'known')});
my $locker = $node->background_psql('postgres');
$locker->query_safe('BEGIN; LOCK TABLE purser.suppressions');
ok(!fails(), 'nothing is said while the table is locked');
$locker->query_safe('ROLLBACK');
$locker->quit;
$listener->quit;

# --- A standby has the suppressions, and hears of new ones; a dump has them.
$node->safe_psql('postgres', 'TRUNCATE purser.suppressions');
$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
my $reader = $standby->background_psql('postgres', on_error_stop => 0);
$reader->query_safe("SET purser.audit_error = 'missing_index'");
is($reader->query($query) // '', '', 'a statement fails on a standby');
$node->safe_psql('postgres', q{SELECT purser.suppress(tag => 'route=/x', reason => 'of a tag')});
$node->safe_psql('postgres', q{SELECT purser.suppress('missing_index', relation => 'big', reason => 'of a relation')});
$node->wait_for_catchup($standby);
is($reader->query($query), '20', 'until the primary suppresses it');
like(($standby->psql('postgres', q{SELECT purser.suppress('missing_index', reason => 'x')}))[2],
    qr/read-only transaction/, 'a standby cannot suppress');
$reader->quit;
$standby->stop;

$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'pg_dump', '-f', $node->basedir . '/dump.sql', 'postgres' ], 'pg_dump');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $node->basedir . '/dump.sql', 'restored' ], 'restored');
my $rows = 'SELECT id, rule, relation, tag, reason FROM purser.suppressions ORDER BY id';
is($node->safe_psql('restored', $rows), $node->safe_psql('postgres', $rows), 'suppressions of a dump');
is($node->safe_psql('restored', "SET purser.audit_error = 'missing_index'; $query"), '20', 'are in force');
is( $node->safe_psql('restored', q{SELECT purser.suppress('deep_offset', reason => 'new')}),
    $node->safe_psql('postgres', 'SELECT max(id) + 1 FROM purser.suppressions'), 'and new ones follow them');

# --- Without the extension in a database there is nothing to suppress, and the rules speak.
$node->safe_psql('postgres', 'CREATE DATABASE plain');
$node->safe_psql('plain', q{
CREATE SCHEMA purser; CREATE TABLE purser.suppressions (nonsense int);
CREATE TABLE big AS SELECT i AS id, i % 1000 AS grp FROM generate_series(1, 20000) i; ANALYZE big;});
($status, $out, $err) = $node->psql('plain', "SET purser.audit_notice = 'missing_index'; $query");
like($err, qr/violates audit rule "missing_index"/, 'a database without the extension');

$node->stop;
done_testing();
