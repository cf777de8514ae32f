# kill -9 and worse in the middle of purser.migrate(): the next call goes on from there, does each
# statement once, and leaves no invalid index; nothing has to be mended by hand.
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
$node->append_conf('postgresql.conf', "restart_after_crash = on\nautovacuum = off");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION pg_purser;
	CREATE TABLE stuck (at text);
	CREATE TABLE done (what text);
	CREATE TABLE t (a int, b text);
	INSERT INTO t SELECT i, i FROM generate_series(1, 10) i;
	-- lingers inside of an index build, and of a statement
	CREATE FUNCTION linger(x int, here text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
		BEGIN
			IF EXISTS (SELECT FROM public.stuck WHERE at = here) THEN PERFORM pg_sleep(600); END IF;
			RETURN x;
		END $$;
	SELECT purser.add_revision('first', $$INSERT INTO done VALUES ('first'); SELECT linger(1, 'ordinary1');
		CREATE INDEX CONCURRENTLY i1 ON t (linger(a, 'build1'));
		INSERT INTO done VALUES ('second'); SELECT linger(1, 'ordinary2');
		CREATE INDEX CONCURRENTLY ON t (linger(a, 'build2'));
		REINDEX INDEX CONCURRENTLY i1;
		INSERT INTO done VALUES ('third'); SELECT linger(1, 'ordinary3')$$,
		$$DROP INDEX CONCURRENTLY i1; DELETE FROM done; DROP INDEX CONCURRENTLY t_linger_idx$$,
		'first', verify => $$SELECT linger(1, 'verify')$$);
});

my $sleepers = q{SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'};

sub state
{
	return $node->safe_psql('postgres', q{
		SELECT coalesce((SELECT string_agg(revision, ' ') FROM purser.applied), 'none'),
			coalesce((SELECT next_statement || CASE WHEN started THEN ' started' ELSE '' END
				FROM purser.underway), 'nothing'),
			(SELECT coalesce(string_agg(what, ' ' ORDER BY ctid), '') FROM done),
			(SELECT count(*) FROM pg_index WHERE NOT indisvalid)});
}

sub begin_migrate
{
	my ($call, $err) = @_;
	return IPC::Run::start([ 'psql', '-X', '-d', $node->connstr('postgres'), '-c', "CALL $call" ],
		'>', \my $out, '2>', $err, IPC::Run::timeout(180));
}

# Run until it lingers at the place; then let the function do its worst to it.
sub break_at
{
	my ($place, $how, $call) = @_;
	my $err = '';

	$node->safe_psql('postgres', "INSERT INTO stuck VALUES ('$place')");
	my $runner = begin_migrate($call // 'purser.migrate()', \$err);
	ok(poll_until($node, "SELECT count(*) = 1 FROM ($sleepers) s"),
		"$place: reached");
	my $progress = $node->safe_psql('postgres',
		'SELECT pid, coalesce(worker_pid, 0), statement_number, phase FROM purser.migrate_progress');
	my ($pid, $worker, $statement, $phase) = split /\|/, $progress;
	is($worker == 0 ? $pid : $worker, $node->safe_psql('postgres', $sleepers),
		"$place: progress names who runs it, at statement $statement, $phase");
	$how->($pid, $worker);
	$runner->finish;
	ok(poll_until($node, 'SELECT NOT pg_is_in_recovery()'),
		"$place: the server is there");
	ok(poll_until($node, q{SELECT count(*) = 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'
				OR backend_type = 'pg_purser worker'}),
		"$place: no worker is left");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM purser.migrate_progress'), '0',
		"$place: nothing is in progress");
	$node->safe_psql('postgres', 'DELETE FROM stuck');
	return $err;
}

my $kill_session = sub { ok(kill('KILL', $_[0]), 'session killed') };
my $kill_worker = sub { ok(kill('KILL', $_[1]), 'worker killed') };
my $stop = sub { $node->stop('immediate'); $node->start };
my $end_session = sub { $node->safe_psql('postgres', "SELECT pg_terminate_backend($_[0])") };
my $end_worker = sub { $node->safe_psql('postgres', "SELECT pg_terminate_backend($_[1])") };
my $cancel = sub { $node->safe_psql('postgres', "SELECT pg_cancel_backend($_[0])") };

break_at('ordinary1', $kill_session);
is(state(), 'none|1|' . '|0', 'nothing is done');
break_at('ordinary1', $cancel);
is(state(), 'none|nothing||0', 'who is cancelled before anything was done leaves nothing');
break_at('build1', $kill_session);
is(state(), 'none|3 started|first|1', 'the first statements are done, a build is half done');
break_at('build1', $kill_worker);
is(state(), 'none|3 started|first|1', 'the same');
break_at('build1', $stop);
is(state(), 'none|3 started|first|1', 'the same');
break_at('build1', $end_session);
is(state(), 'none|3 started|first|1', 'the worker ends with its session');
like(break_at('build1', $end_worker), qr/terminating background worker|ended unexpectedly/,
	'the session hears of the end of its worker');
like(break_at('build1', $cancel), qr/canceling statement due to user request/,
	'who cancels the session cancels the worker');
is(state(), 'none|3 started|first|1', 'the build is still half done');
break_at('ordinary2', $kill_session);
is(state(), 'none|4|first|0', 'the index is there, the segment after it undone');
break_at('build2', $stop);
is(state(), 'none|6 started|first second|1', 'the index without a name is half done');
break_at('ordinary3', $end_session);
is(state(), 'none|8|first second|0', 'and is made anew, under its name');
like(break_at('verify', $cancel), qr/verify script of revision "first"/, 'verify was reached');
is(state(), 'none|8|first second|0', 'the last segment is done when verify is');
$node->safe_psql('postgres', 'CALL purser.migrate()');
is(state(), 'first|nothing|first second third|0', 'each statement was done once');
is($node->safe_psql('postgres', q{SELECT string_agg(indexrelid::regclass::text, ' ' ORDER BY indexrelid::regclass::text)
		FROM pg_index WHERE indrelid = 't'::regclass}),
	'i1 t_linger_idx', 'and each index is there once');
is($node->safe_psql('postgres', 'SELECT count(*) FROM purser.event'), '1', 'as one event');

# A worker that reached the end of its build, and a session that did not hear of it.
$node->safe_psql('postgres', q{CALL purser.migrate('base', 'downgrade')});
is(state(), 'none|nothing||0', 'the downgrade undoes all');
break_at('ordinary2', $end_session);
$node->safe_psql('postgres', q{UPDATE purser.underway SET next_statement = 3, started = true, existing = '{}', object = 'i1'});
my $before = $node->safe_psql('postgres', q{SELECT 'i1'::regclass::oid});
break_at('ordinary2', $end_session);
is($node->safe_psql('postgres', q{SELECT 'i1'::regclass::oid}), $before,
	'an index that was built to its end is not built again');

# What a dead REINDEX CONCURRENTLY left goes, but not what was there before.
$node->safe_psql('postgres', q{
	CREATE INDEX t_a_ccnew ON t (a);
	CREATE INDEX old_ccnew ON t (a);
	UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ('t_a_ccnew'::regclass, 'old_ccnew'::regclass);
	UPDATE purser.underway SET next_statement = 7, started = true, existing = '{public.old_ccnew}', object = NULL});
break_at('ordinary3', $end_session);
is($node->safe_psql('postgres',
		q{SELECT string_agg(indexrelid::regclass::text, ' ') FROM pg_index WHERE NOT indisvalid}),
	'old_ccnew', 'only the leftover of the dead attempt is dropped');
$node->safe_psql('postgres', 'DROP INDEX old_ccnew');

# A detach that is pending is brought to its end; one that is done is not done again.
$node->safe_psql('postgres', q{
	CALL purser.migrate();
	CREATE TABLE p (x int) PARTITION BY LIST (x);
	CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
	SELECT purser.add_revision('detach', 'ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY', NULL, 'detach')});
my $reader = $node->background_psql('postgres');
$reader->query_safe('BEGIN; SELECT count(*) FROM p');
my $err = '';
my $runner = begin_migrate('purser.migrate()', \$err);
ok(poll_until($node, 'SELECT count(*) = 1 FROM pg_inherits WHERE inhdetachpending'), 'a detach is pending');
$node->stop('immediate');
$runner->finish;
$node->start;
$node->safe_psql('postgres', 'CALL purser.migrate()');
is($node->safe_psql('postgres', q{SELECT relispartition, (SELECT count(*) FROM pg_inherits)
		FROM pg_class WHERE relname = 'p1'}), 'f|0', 'and is finished by the next run');

# statement_timeout is that of the call.
$node->safe_psql('postgres', q{
	INSERT INTO stuck VALUES ('timed');
	SELECT purser.add_revision('timed', 'CREATE INDEX CONCURRENTLY timed ON t (linger(a, ''timed''))', NULL, 'timed')});
(undef, undef, $err) = $node->psql('postgres', q{SET statement_timeout = '300ms'; CALL purser.migrate()});
like($err, qr/canceling statement due to statement timeout/, 'a timeout ends the call');
$node->safe_psql('postgres', q{DELETE FROM stuck});
$node->safe_psql('postgres', q{CALL purser.migrate()});
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_index WHERE NOT indisvalid}), '0',
	'and the next one goes on');

# No room for a worker.
$node->append_conf('postgresql.conf', 'max_worker_processes = 0');
$node->restart;
$node->safe_psql('postgres', q{SELECT purser.add_revision('room', 'VACUUM t', NULL, 'room')});
(undef, undef, $err) = $node->psql('postgres', q{CALL purser.migrate()});
like($err, qr/could not start a background worker.*max_worker_processes/s, 'no room for a worker');
$node->append_conf('postgresql.conf', 'max_worker_processes = 8');
$node->restart;
$node->safe_psql('postgres', q{CALL purser.migrate()});

# A second session waits for the first, and finds nothing to do; a reader that waits for the
# ledger with a snapshot does not hold up a build.
$node->safe_psql('postgres', q{
	INSERT INTO stuck VALUES ('both');
	SELECT purser.add_revision('both', 'CREATE INDEX CONCURRENTLY both_i ON t (linger(a, ''both''));'
		' INSERT INTO done VALUES (''both'')', NULL, 'both')});
my ($err1, $err2) = ('', '');
my $one = begin_migrate('purser.migrate()', \$err1);
ok(poll_until($node, "SELECT count(*) = 1 FROM ($sleepers) s"), 'the first builds');
my $two = begin_migrate('purser.migrate()', \$err2);
ok(poll_until($node, q{SELECT count(*) = 1 FROM pg_locks WHERE NOT granted
		AND locktype = 'advisory' AND objid = 3}), 'the second waits');
(undef, undef, $err) = $node->psql('postgres', q{SELECT purser.upgrade()});
like($err, qr/revision "both" is under way/, 'upgrade() does not wait');
(undef, undef, $err) = $node->psql('postgres', q{SELECT purser.stamp('both')});
like($err, qr/is being run by purser\.migrate\(\)/, 'nor does stamp()');
$node->safe_psql('postgres', q{DELETE FROM stuck});
# the sleeper sleeps on: end its worker, so that the second session takes over
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM ($sleepers) s");
$one->finish;
$two->finish;
is($err2, '', 'the second goes on where the first ended');
is($node->safe_psql('postgres', q{SELECT count(*) FROM done WHERE what = 'both'}), '1', 'once');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_index WHERE NOT indisvalid}), '0',
	'no invalid index is left');

done_testing();
