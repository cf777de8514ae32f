# Revisions in batches: kill -9 of the runner at any point, while the application writes, loses no row
# and takes none twice; other sessions pause, resume and cancel; locks and standbys hold it back.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PollUntil qw(poll_until);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "restart_after_crash = on\nautovacuum = off");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION pg_purser;
	CREATE TABLE account (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0, old boolean NOT NULL DEFAULT true,
		balance int NOT NULL DEFAULT 0);
	INSERT INTO account (id) SELECT i * 7 FROM generate_series(1, 30000) i;
	SELECT purser.add_revision('count', 'UPDATE account SET n = n + 1', 'UPDATE account SET n = 0', 'count1',
		batch => 'table account key id size 200');
	ALTER DATABASE postgres SET purser.backfill_max_size = 200;
	ALTER DATABASE postgres SET purser.backfill_pause = '30ms';
});

# A session of its own; its errors go into what the first argument refers to.
sub begin_sql
{
	my ($err, @statements) = @_;
	my @command = ('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'),
		map { ('-c', $_) } @statements);
	return IPC::Run::start(\@command, '>', \my $out, '2>', $err, IPC::Run::timeout(300));
}

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub until_true { return poll_until($node, $_[0]); }
my $runner_pid = 'SELECT pid FROM purser.backfills';

# What the application does meanwhile: changes, deletes and adds rows, all over the table and beyond it.
sub begin_application
{
	my ($err) = @_;
	return begin_sql($err, q{DO $$
		BEGIN
			FOR i IN 1 .. 100000 LOOP
				UPDATE account SET balance = balance + 1 WHERE id = 7 * (1 + (random() * 29999)::int);
				DELETE FROM account WHERE id = 7 * (1 + (random() * 29999)::int) AND random() < 0.2;
				INSERT INTO account (id, old) SELECT coalesce(max(id), 0) + 1, false FROM account;
				COMMIT;
			END LOOP;
		END $$});
}

#
# kill -9
#
my ($application_err, $err) = ('', '');
my $kills = 0;
my @positions;
while ($kills < 6)
{
	$application_err = $err = '';
	my $application = begin_application(\$application_err);
	my $runner = begin_sql(\$err, 'CALL purser.migrate()');
	my $from = $kills ? $positions[-1] : 0;
	ok(until_true("SELECT coalesce(position::bigint, 0) > $from FROM purser.backfills"), 'the runner gets on')
	  or last;
	usleep(int(rand(40_000)));
	my $pid = sql($runner_pid);
	last if $pid eq '';
	ok(kill('KILL', $pid), 'killed');
	$runner->finish;
	$application->finish;
	ok(until_true('SELECT NOT pg_is_in_recovery()'), 'the server is back');
	is(sql(q{SELECT count(*) FILTER (WHERE n <> (id <= (SELECT position::bigint FROM purser.backfill))::int)
		FROM account WHERE old}), '0', 'up to the position each row is done once, and none after it');
	is(sql('SELECT state FROM purser.backfills'), 'stopped', 'the view sees that nobody is at work');
	push @positions, sql('SELECT position FROM purser.backfill');
	$kills++;
}
cmp_ok($kills, '>=', 4, 'killed several times');
(undef, undef, $err) = $node->psql('postgres', 'SELECT purser.upgrade()');
like($err, qr/revision "count1" cannot be run whole while its backfill is under way.*CALL purser.migrate/s,
	'what is half done is not done again as a whole');

# To the end by two sessions at once, with the application at work.
my $application = begin_application(\$application_err);
my ($err1, $err2) = ('', '');
my $one = begin_sql(\$err1, 'CALL purser.migrate()');
my $two = begin_sql(\$err2, 'CALL purser.migrate()');
$one->finish;
$two->finish;
is("$err1$err2", '', 'two runners get on with each other');
is(sql('SELECT count(*) FILTER (WHERE n <> 1) FROM account WHERE old'), '0', 'every old row is done once');
is(sql(q{SELECT count(*) FILTER (WHERE n > 1) FROM account}), '0', 'no row is done twice');
is(sql('SELECT count(*) FROM account WHERE n = 0 AND NOT old AND id <= 210000'), '0', 'below the bound nothing is left');
cmp_ok(sql('SELECT count(*) FROM account WHERE NOT old AND n = 0'), '>', 0, 'rows beyond it are left alone');
is(sql(q{SELECT state, percent, pid IS NULL, (SELECT count(*) FROM purser.applied),
	(SELECT count(*) FROM purser.event) FROM purser.backfills}), 'done|100|t|1|1', 'done, and on record once');
sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'DO %'});
$application->finish;

#
# Pause, resume, cancel
#
sub again
{
	my ($sql) = @_;
	sql(q{DROP TABLE account; SELECT purser.stamp('base'); SELECT purser.remove_revision('count1');
		ALTER DATABASE postgres SET purser.backfill_pause = '20ms';
		ALTER DATABASE postgres SET purser.backfill_max_size = 100;
CREATE TABLE account (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0);
		INSERT INTO account SELECT i FROM generate_series(1, 10000) i;
		SELECT purser.add_revision('count', 'UPDATE account SET n = n + 1', NULL, 'count1',
			batch => 'table account key id size 100')});
	return;
}
again();
$err = '';
my $runner = begin_sql(\$err, 'CALL purser.migrate()');
ok(until_true('SELECT batches > 2 FROM purser.backfills'), 'it runs');
is(sql(q{SELECT purser.pause_backfill('count1')}), 'count1', 'paused');
my $batches = sql('SELECT batches FROM purser.backfills');
is(sql('SELECT state, pid IS NOT NULL, count(*) FROM purser.backfills, account WHERE n = 1 GROUP BY 1, 2'),
	'paused|t|' . 100 * $batches, 'as far as it says');
sql(q{SELECT purser.add_revision('other', '', '', 'other1', '{}');
	SELECT count(*) FROM purser.upgrade('other1');});
is(sql(q{SELECT count(*) FROM pg_locks l JOIN purser.backfills b USING (pid) WHERE locktype <> 'virtualxid'
		AND NOT (locktype = 'advisory' AND classid = 1886745203 AND objid = 3)}), '0',
	'while it is paused no lock is held but the one of runners, and others may use the ledger');
is(sql('SELECT batches FROM purser.backfills'), $batches, 'it stays there');
(undef, undef, my $refused) = $node->psql('postgres', q{SELECT purser.load_revision($$-- purser: revision count1
-- purser: parents none
-- purser: message another
-- purser: upgrade
SELECT 1$$)});
like($refused, qr/cannot be replaced while its backfill is under way/, 'its text cannot change');
(undef, undef, $refused) = $node->psql('postgres', q{SELECT purser.remove_revision('count1')});
like($refused, qr/cannot be removed while its backfill is under way/, 'it cannot be removed');
sql(q{SELECT purser.resume_backfill('count1')});
ok(until_true("SELECT batches > $batches + 2 FROM purser.backfills"), 'resumed');
sql(q{SELECT purser.cancel_backfill('count1')});
$runner->finish;
like($err, qr/ERROR:  the backfill of revision "count1" was cancelled/, 'cancelled');
is(sql(q{SELECT state, batches * 100 = (SELECT count(*) FROM account WHERE n = 1) FROM purser.backfills}),
	'cancelled|t', 'what is done stays');
(undef, undef, $refused) = $node->psql('postgres', 'CALL purser.migrate()');
like($refused, qr/is cancelled.*resume_backfill/s, 'and nobody goes on by accident');
sql(q{SELECT purser.resume_backfill('count1')});
sql('CALL purser.migrate()');
is(sql('SELECT count(*), count(*) FILTER (WHERE n = 1) FROM account'), '10000|10000', 'to the end');

#
# A row that somebody holds
#
again();
my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN; SELECT 1 FROM account WHERE id = 5050 FOR UPDATE');
$err = '';
$runner = begin_sql(\$err, q{SET purser.lock_timeout = '100ms'}, 'CALL purser.migrate()');
ok(until_true(q{SELECT throttled_by = 'locks' AND position = '5049' FROM purser.backfills}),
	'smaller and smaller batches go up to the row that is held');
$holder->query_safe('COMMIT');
$runner->finish;
is($err, '', 'and on when it is free');
is(sql('SELECT count(*), count(*) FILTER (WHERE n = 1) FROM account'), '10000|10000', 'each once');
again();
$holder->query_safe('BEGIN; SELECT 1 FROM account WHERE id = 5050 FOR UPDATE');
(undef, undef, $err) = $node->psql('postgres',
	q{SET purser.lock_timeout = '20ms'; SET purser.lock_patience = '1s'; CALL purser.migrate()});
like($err, qr/canceling statement due to lock timeout.*batch of revision "count1", keys above 5049, up to 5050/s,
	'patience ends');
is(sql('SELECT state, position, error FROM purser.backfills'),
	'failed|5049|canceling statement due to lock timeout', 'and that is on record');
$holder->query_safe('COMMIT');
$holder->quit;
sql('CALL purser.migrate()');
is(sql('SELECT count(*), count(*) FILTER (WHERE n = 1) FROM account'), '10000|10000', 'migrate goes on after a failure');

# Other isolation levels, where a batch fails when a row changed since its snapshot.
again();
my $script = $node->basedir . '/application.sql';
append_to_file($script, q{\set x random(1, 10000)
\set y random(1, 10000)
BEGIN;
SELECT sum(n) FROM account WHERE id BETWEEN :x - 50 AND :x + 50;
UPDATE account SET balance = balance + 1 WHERE id = :y;
END;
});
sql('ALTER TABLE account ADD balance int NOT NULL DEFAULT 0');
my $clients = q{FROM pg_stat_activity WHERE application_name = 'clients'};
foreach my $isolation ('repeatable read', 'serializable')
{
	sql('UPDATE account SET n = 0');
	sql(q{SELECT purser.stamp('base')});
	sql("ALTER DATABASE postgres SET default_transaction_isolation = '$isolation'");
	my $pgbench = IPC::Run::start(
		[ 'pgbench', '-n', '-f', $script, '-c', '2', '-T', '180', $node->connstr('postgres') . ' application_name=clients' ],
		'>', '/dev/null', '2>', '/dev/null');
	ok(until_true("SELECT count(*) > 0 $clients AND query LIKE 'UPDATE%'"), "$isolation: the application is at work");
	$err = '';
	begin_sql(\$err, 'CALL purser.migrate()')->finish;
	is($err, '', "$isolation: done in the end");
	sql("SELECT pg_terminate_backend(pid) $clients");
	$pgbench->finish;
	is(sql('SELECT count(*), count(*) FILTER (WHERE n = 1) FROM account'), '10000|10000', "$isolation: each once");
}
sql('ALTER DATABASE postgres RESET default_transaction_isolation');

#
# Limits
#
again();
$runner = begin_sql(\$err, 'SET purser.backfill_max_size = 2000', q{SET purser.backfill_max_wal = '1MB'},
	'CALL purser.migrate()');
ok(until_true(q{SELECT throttled_by = 'WAL rate' FROM purser.backfills}), 'held back by the rate of WAL');
$runner->finish;
is($err, '', 'it ends');

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
again();
$node->wait_for_catchup($standby);
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
ok(poll_until($standby, q{SELECT pg_get_wal_replay_pause_state() = 'paused'}), 'replay is paused');
$runner = begin_sql(\$err, q{SET purser.backfill_max_lag = '1MB'}, 'CALL purser.migrate()');
ok(until_true(q{SELECT throttled_by = 'replication lag' FROM purser.backfills}), 'held back by the standby');
$batches = sql('SELECT batches FROM purser.backfills');
cmp_ok($batches, '<', 100, 'before the end');
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
$runner->finish;
is($err, '', 'and it goes on when the standby has caught up');
is(sql('SELECT count(*), count(*) FILTER (WHERE n = 1) FROM account'), '10000|10000', 'each once');
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', 'SELECT state FROM purser.backfills'), 'done', 'a standby shows the view');
(undef, undef, $refused) = $standby->psql('postgres', q{SELECT purser.pause_backfill('count1')});
like($refused, qr/cannot execute purser.pause_backfill\(\) during recovery/, 'and refuses to write');

done_testing();
