# A clock that is set back: what the audit knows is saved all the same, and sessions
# speak. The server's clock is libfaketime's (Debian's package of that name).
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PollUntil qw(poll_until);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($library) = glob '/usr/lib/*/faketime/libfaketime.so.1';
plan skip_all => 'libfaketime is not installed' unless defined $library;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf(
    'postgresql.conf', q{
shared_preload_libraries = 'pg_purser'
purser.audit_save = 2s
autovacuum = off
});

# Read at each look at the clock.
my $clock = $node->basedir . '/clock';
sub set_clock
{
    my ($offset) = @_;
    append_to_file("$clock.new", "$offset\n");
    rename "$clock.new", $clock or die $!;
    return;
}
set_clock('+0');
{
    local $ENV{LD_PRELOAD} = $library;
    local $ENV{FAKETIME_TIMESTAMP_FILE} = $clock;
    local $ENV{FAKETIME_NO_CACHE} = 1;
    local $ENV{DONT_FAKE_MONOTONIC} = 1;
    $node->start;
}
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_purser;
CREATE TABLE big AS SELECT i AS id, i % 1000 AS grp FROM generate_series(1, 20000) i;
VACUUM ANALYZE big;
});

my $speaker = $node->background_psql('postgres', on_error_stop => 0);
$speaker->query_safe(q{SET purser.audit_n_plus_one_window = '10min'; SET purser.audit_notice = 'missing_index'});
my $waste = 'SELECT count(*) FROM big WHERE grp = 7';
$speaker->query($waste);
like($speaker->{stderr}, qr/violates/, 'a notice');
$speaker->{stderr} = '';
$speaker->query($waste);
unlike($speaker->{stderr}, qr/violates/, 'is not sent twice');
my $before = $node->safe_psql('postgres', 'SELECT clock_timestamp()');
$node->safe_psql('postgres', $waste);
ok(poll_until($node, "SELECT saved > '$before' FROM purser.audit_status()"), 'saved');

set_clock('-1d');
is($node->safe_psql('postgres', "SELECT clock_timestamp() < '$before'"), 't', 'the clock is set back');
$node->safe_psql('postgres', "$waste; $waste");
ok(poll_until($node, 'SELECT saved <= clock_timestamp() FROM purser.audit_status()'), 'saved again');
$speaker->{stderr} = '';
$speaker->query($waste);
like($speaker->{stderr}, qr/violates/, 'a notice of yesterday is sent again');

$speaker->quit;
$node->stop;
done_testing();
