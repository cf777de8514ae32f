# What the audit knows outlives the server: restart, crashes, files that do not fit, a standby, and
# a server that does not preload the library.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PollUntil qw(poll_until);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf(
    'postgresql.conf', q{
shared_preload_libraries = 'pg_purser'
purser.audit_max_queries = 100
purser.audit_save = 1s
restart_after_crash = on
autovacuum = off
jit = off
});
$node->start;
my $version = $node->safe_psql('postgres', 'SHOW server_version_num');
my $file = $node->data_dir . '/pg_stat/pg_purser_audit.stat';

$node->safe_psql(
    'postgres', q{
CREATE EXTENSION pg_purser;
CREATE TABLE big AS SELECT i AS id, i % 1000 AS grp FROM generate_series(1, 20000) i;
VACUUM ANALYZE big;
});

my $waste = 'SELECT count(*) FROM big WHERE grp = 7;';
my $found = "SELECT rule || ' ' || occurrences FROM purser.findings";
my $counted = 'SELECT calls FROM purser.query_stats WHERE rows_read >= 20000';

sub is_saved
{
    my ($server, $what) = @_;
    my $since = $server->safe_psql('postgres', 'SELECT clock_timestamp()');
    ok(poll_until($server, "SELECT saved > '$since' FROM purser.audit_status()"), "saved: $what");
}

sub kill9_postmaster
{
    my ($server) = @_;
    $server->kill9;
    # Until its last process is gone, the next server does not start, and leaves the old pid behind.
    for (1 .. 1800)
    {
        $server->{_pid} = undef;
        return if $server->start(fail_ok => 1);
        Time::HiRes::usleep(100_000);
    }
    die 'the server does not start again';
}

# --- A restart: what was seen is there, and goes on.
$node->safe_psql('postgres', $waste x 2);
my $first = $node->safe_psql('postgres', 'SELECT first_seen, query FROM purser.findings');
$node->restart;
is($node->safe_psql('postgres', $found), 'missing_index 2', 'finding after a restart');
is($node->safe_psql('postgres', 'SELECT first_seen, query FROM purser.findings'), $first, 'the same finding');
is($node->safe_psql('postgres', $counted), 2, 'counts after a restart');
like($node->safe_psql('postgres', 'SELECT saved IS NOT NULL FROM purser.audit_status()'), qr/^t$/, 'saved before');
$node->safe_psql('postgres', $waste x 2);
is($node->safe_psql('postgres', $found), 'missing_index 4', 'and is added to');
is($node->safe_psql('postgres', $counted), 4, 'as are counts');

# What a session has not published until the server ends is saved too.
my $session = $node->background_psql('postgres');
$session->query_safe($waste) for 1 .. 3;
$node->stop('fast');
eval { $session->quit };
$node->start;
is($node->safe_psql('postgres', $counted), 7, 'counts of a session that ended with the server');

# --- A crash.
is_saved($node, 'before a crash');
$session = $node->background_psql('postgres');
my $pid = $session->query_safe('SELECT pg_backend_pid()');
kill 'KILL', $pid;
ok(poll_until($node, $found, 'missing_index 7'), 'finding after kill -9 of a backend');
is($node->safe_psql('postgres', $counted), 7, 'counts after it');
eval { $session->quit };
$node->safe_psql('postgres', $waste x 2);
is_saved($node, 'before another');
kill9_postmaster($node);
is($node->safe_psql('postgres', $found), 'missing_index 9', 'finding after kill -9 of the postmaster');
is($node->safe_psql('postgres', $counted), 9, 'counts after it');
$node->safe_psql('postgres', $waste);
is_saved($node, 'before an immediate stop');
$node->stop('immediate');
$node->start;
is($node->safe_psql('postgres', $counted), 10, 'counts after an immediate stop');

# --- A session that goes idle publishes.
$session = $node->background_psql('postgres', on_error_stop => 0);
$session->query('SELECT 1') for 1 .. 2;
$session->query($waste) for 1 .. 2;
ok(poll_until($node, $counted, 12), 'counts of an idle session');
$session->query($waste) for 1 .. 2;
$session->query('SELECT nonsense');
ok(poll_until($node, $counted, 14), 'counts of a session idle after an error');
$session->query($_) for ('SELECT 1', 'BEGIN', $waste, 'COMMIT');
ok(poll_until($node, $counted, 15), 'counts of a session idle after a transaction');
$session->query($_) for ('SELECT 1', 'BEGIN', $waste);
$session->query('SELECT nonsense');
$session->query('ROLLBACK');
ok(poll_until($node, $counted, 16), 'counts of a session idle after a rollback');
$session->query($waste) for 1 .. 2;
ok(poll_until($node, $counted, 18), 'and again');
is_saved($node, 'counts of an idle session');
kill9_postmaster($node);
is($node->safe_psql('postgres', $counted), 18, 'they outlive a crash');
eval { $session->quit };

# --- A reset forgets what is saved, at once.
$node->safe_psql('postgres', $waste);
is_saved($node, 'before the reset');
ok(-e $file, 'the file is there');
$node->safe_psql('postgres', "ALTER SYSTEM SET purser.audit_save = '1h'");
$node->reload;
ok(poll_until($node, "SELECT current_setting('purser.audit_save') = '1h'"), 'reloaded');
$node->safe_psql('postgres', 'SELECT purser.audit_reset()');
ok(!-e $file, 'a reset removes it');
is($node->safe_psql('postgres', 'SELECT saved IS NULL FROM purser.audit_status()'), 't', 'and says so');
kill9_postmaster($node);
is($node->safe_psql('postgres', $found), '', 'nothing comes back');

# --- Saving off: nothing is written, nor read.
$node->safe_psql('postgres', $waste x 2);
$node->restart;
ok(-e $file, 'written at the end');
$node->safe_psql('postgres', 'ALTER SYSTEM SET purser.audit_save = 0');
my $before = slurp_file($file);
$node->reload;
ok(poll_until($node, "SELECT current_setting('purser.audit_save') = '0'"), 'reloaded');
$node->safe_psql('postgres', $waste x 2);
$node->restart;
is($node->safe_psql('postgres', $found), '', 'not loaded');
$node->stop;
ok(slurp_file($file) eq $before, 'not written');
$node->start;
$node->safe_psql('postgres', 'ALTER SYSTEM RESET purser.audit_save');
$node->stop;
$node->start;
is($node->safe_psql('postgres', $found), 'missing_index 2', 'loaded again');

# --- Files that do not fit are ignored, with a line in the log.
sub refused
{
    my ($what, $detail, $change) = @_;
    $node->safe_psql('postgres', "SELECT purser.audit_reset(); " . $waste x 2);
    $node->stop;
    my $bytes = slurp_file($file);
    $change->($bytes) for $bytes;
    open(my $out, '>:raw', $file) or die $!;
    print $out $bytes;
    close $out;
    my $position = -s $node->logfile;
    $node->start;
    is($node->safe_psql('postgres', $found), '', "$what: ignored");
    my $log = substr(slurp_file($node->logfile), $position);
    my @lines = $log =~ /LOG:  ignoring file "pg_stat\/pg_purser_audit\.stat"/g;
    is(scalar @lines, 1, "$what: said once");
    like($log, qr/DETAIL:  \Q$detail\E/, "$what: why");
}
my $damaged = 'It is damaged.';
my $other = 'Another server or another version of the library wrote it.';
refused('a byte changed', $damaged, sub { substr($_[0], length($_[0]) / 2, 1) ^= 'x' });
refused('the last byte changed', $damaged, sub { substr($_[0], -1) ^= 'x' });
refused('cut off', $damaged, sub { $_[0] = substr($_[0], 0, -100) });
refused('longer', $damaged, sub { $_[0] .= 'x' x 100 });
refused('the header alone', $damaged, sub { $_[0] = substr($_[0], 0, 56) });
refused('empty', 'It is not a file of the audit.', sub { $_[0] = '' });
refused('other', 'It is not a file of the audit.', sub { $_[0] = 'x' x 1000 });
refused('another layout', $other, sub { substr($_[0], 4, 1) ^= "\x40" });
refused('another major', $other, sub { substr($_[0], 8, 1) ^= "\x40" });
refused('other rules', $other, sub { substr($_[0], 12, 1) ^= "\x40" });
refused('another system', $other, sub { substr($_[0], 16, 1) ^= "\x40" });
refused('other sizes', $other, sub { substr($_[0], 24, 1) ^= "\x40" });

# --- Entries that have to make room go by the twentieth part of the table, not one by one.
my $many = join '', map { 'SELECT ' . join(', ', (1) x $_) . ';' } 1 .. 300;
$node->safe_psql('postgres', "SELECT purser.audit_reset(); $many");
is($node->safe_psql('postgres', 'SELECT evicted_queries BETWEEN 200 AND 220, evicted_queries % 5 FROM purser.audit_status()'),
    't|0', 'five of a hundred at once');
$node->safe_psql('postgres', $waste x 2);
$node->restart;
is($node->safe_psql('postgres', $found), 'missing_index 2', 'a full table is saved');
cmp_ok($node->safe_psql('postgres', 'SELECT queries FROM purser.audit_status()'), '>', 80, 'with all that is in it');

# --- A standby: what came with the base backup is the primary's; its own is saved.
is_saved($node, 'before the base backup');
$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', $found), '', "the primary's findings are not the standby's");
like(slurp_file($standby->logfile), qr/DETAIL:  It came with a base backup\./, 'which is said');
$standby->safe_psql('postgres', $waste x 3);
is_saved($standby, 'on a standby');
kill9_postmaster($standby);
is($standby->safe_psql('postgres', $found), 'missing_index 3', 'finding of a standby after a crash');
$standby->restart;
is($standby->safe_psql('postgres', $found), 'missing_index 3', 'and after a restart');
$standby->stop;

# --- Without preloading, from 17 on: the worker is started by a session, or sessions save.
# A setting for the server's start would only be warned about there.
$node->adjust_conf('postgresql.conf', 'purser.audit_max_queries', undef);
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\nsession_preload_libraries = 'pg_purser'");
if ($version >= 170000)
{
    for my $places (8, 0)
    {
        my $with = $places ? 'with a worker' : 'without a worker';
        $node->append_conf('postgresql.conf', "max_worker_processes = $places");
        $node->restart;
        $node->safe_psql('postgres', 'SELECT purser.audit_reset(); ' . $waste x 2);
        is_saved($node, "not preloaded, $with");
        kill9_postmaster($node);
        is($node->safe_psql('postgres', $found), 'missing_index 2', "not preloaded, $with, crash");
        $node->safe_psql('postgres', $waste x 2);
        is_saved($node, "not preloaded, $with, again") unless $places;
        $node->restart;
        is($node->safe_psql('postgres', $found), 'missing_index 4', "not preloaded, $with, restart");
    }

    # Sessions that end with the server save what they publish.
    $node->append_conf('postgresql.conf', "max_worker_processes = 8\npurser.audit_save = '1h'");
    $node->restart;
    my $calls = $node->safe_psql('postgres', "SELECT purser.audit_reset(); $waste $counted");
    $session = $node->background_psql('postgres');
    $session->query_safe($waste) for 1 .. 3;
    $node->stop('fast');
    eval { $session->quit };
    $node->start;
    is($node->safe_psql('postgres', $counted), 4, 'counts of a session that ended with the server, not preloaded');
}
else
{
    my $bytes = slurp_file($file);
    $node->restart;
    $node->safe_psql('postgres', 'SELECT purser.audit_reset(); ' . $waste x 2);
    ok(-e $file, "a session's own memory is not what is saved");
    is($node->safe_psql('postgres', 'SELECT saved IS NULL FROM purser.audit_status()'), 't', 'nor saved');
}

$node->stop;
done_testing();
