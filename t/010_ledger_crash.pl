# kill -9 of the backend in the middle of an upgrade or downgrade: after the restart the ledger and
# the schema agree, nothing has to be mended, and the same call succeeds.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PollUntil qw(poll_until);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "restart_after_crash = on\nmax_prepared_transactions = 2");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION pg_purser;
	CREATE TABLE stuck (at text);
	CREATE FUNCTION linger(here text) RETURNS void LANGUAGE plpgsql AS $$
		BEGIN
			IF EXISTS (SELECT FROM stuck WHERE at = here) THEN PERFORM pg_sleep(600); END IF;
		END $$;
	SELECT purser.add_revision('r' || n,
		format('CREATE TABLE t%1$s AS SELECT %1$s AS x; SELECT linger(''up%1$s'');'
			' ALTER TABLE t%1$s ADD y int', n),
		format('ALTER TABLE t%1$s DROP y; SELECT linger(''down%1$s''); DROP TABLE t%1$s', n),
		'rev' || n)
	FROM generate_series(1, 3) n;
});

sub state
{
	return $node->safe_psql('postgres', q{
		SELECT (SELECT coalesce(string_agg(revision, ' ' ORDER BY revision), '')
				FROM purser.applied),
			(SELECT coalesce(string_agg(c.relname || ' ' || c.relnatts, ' ' ORDER BY relname), '')
				FROM pg_class c WHERE relname ~ '^t[0-9]$'),
			(SELECT count(*) || '=' || coalesce(max(id), 0) FROM purser.event)});
}

my $sleepers = q{SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'};

# A call in a session of its own; its answer goes into what the second argument refers to.
sub begin_call
{
	my ($call, $err) = @_;
	my @command = ('psql', '-X', '-d', $node->connstr('postgres'), '-c', "SELECT $call");
	return IPC::Run::start(\@command, '>', \my $out, '2>', $err, IPC::Run::timeout(180));
}

sub kill_in
{
	my ($call, $where) = @_;
	my $before = state();
	my $err = '';

	$node->safe_psql('postgres', "INSERT INTO stuck VALUES ('$where')");
	my $runner = begin_call($call, \$err);
	ok(poll_until($node, "SELECT count(*) = 1 FROM ($sleepers) s"),
		"$where: reached");
	my $pid = $node->safe_psql('postgres', $sleepers);
	ok(kill('KILL', $pid), "$where: killed");
	$runner->finish;
	ok(poll_until($node, 'SELECT NOT pg_is_in_recovery()'),
		"$where: the server is back");
	is(state(), $before, "$where: ledger and schema are as before");
	$node->safe_psql('postgres', 'DELETE FROM stuck');
	return;
}

kill_in('purser.upgrade()', 'up1');
kill_in('purser.upgrade()', 'up3');
my $steps = q{SELECT string_agg(revision, ' ' ORDER BY step) FROM};
is($node->safe_psql('postgres', "$steps purser.upgrade()"),
	'rev1 rev2 rev3', 'the same call succeeds');
is(state(), 'rev1 rev2 rev3|t1 2 t2 2 t3 2|3=3', 'all is there');
kill_in(q{purser.downgrade('base')}, 'down2');
is($node->safe_psql('postgres', "$steps purser.downgrade('base')"),
	'rev3 rev2 rev1', 'the same downgrade succeeds');
is(state(), '||6=6', 'all is gone');

# A runner that was merely told to go leaves nothing behind either.
my $err = '';
$node->safe_psql('postgres', "INSERT INTO stuck VALUES ('up2')");
my $runner = begin_call('purser.upgrade()', \$err);
ok(poll_until($node, "SELECT count(*) = 1 FROM ($sleepers) s"), 'reached');
$node->safe_psql('postgres',
	"WITH s AS MATERIALIZED ($sleepers) SELECT pg_cancel_backend(pid) FROM s");
$runner->finish;
like($err,
	qr/due to user request.*statement 2, on line 1, of the upgrade script of revision "rev2"/s,
	'a script that runs for long can be cancelled, and says where it was');
is(state(), '||6=6', 'nothing was applied');

# A prepared transaction keeps the lock, over a crash too: nobody comes between.
$node->safe_psql('postgres', q{DELETE FROM stuck});
$node->safe_psql('postgres',
	q{BEGIN; SELECT purser.upgrade('rev2'); PREPARE TRANSACTION 'half'});
$node->stop('immediate');
$node->start;
(undef, undef, $err) =
	$node->psql('postgres', q{SET lock_timeout = '10ms'; SELECT purser.upgrade()});
like($err, qr/canceling statement due to lock timeout/, 'a prepared upgrade keeps others out');
is(state(), '||6=6', 'and is not visible yet');
$node->safe_psql('postgres', q{COMMIT PREPARED 'half'});
is($node->safe_psql('postgres', 'SELECT revision FROM purser.upgrade()'), 'rev3', 'the rest goes on from it');
is(state(), 'rev1 rev2 rev3|t1 2 t2 2 t3 2|9=9', 'all is there again');

done_testing();
