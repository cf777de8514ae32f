# A long reader holds the table while others keep reading it: purser.migrate() wants it for itself,
# waits, names the one in its way, and never makes the others wait for longer than its lock_timeout.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf',
	"autovacuum = off\nmax_prepared_transactions = 2\nlog_statement = none");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION pg_purser;
	CREATE TABLE t (a int);
	CREATE TABLE other (a int PRIMARY KEY);
	SELECT purser.add_revision('alter', 'ALTER TABLE t ADD b int', 'ALTER TABLE t DROP b', 'alter');
});

sub in_background
{
	my ($sql, $out, $err) = @_;
	my @statements = map { ('-c', $_) } grep { /\S/ } split /;/, $sql;
	return IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), @statements ],
		'>', $out, '2>', $err, IPC::Run::timeout(180));
}

my $holding = q{SELECT pid FROM pg_stat_activity WHERE state = 'idle in transaction'};

# A session in a transaction that read the table.
sub begin_reader
{
	my ($sql) = @_;
	my $reader = { in => "BEGIN; $sql;\n", out => '', err => '' };

	$reader->{run} = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ],
		'<', \$reader->{in}, '>', \$reader->{out}, '2>', \$reader->{err}, IPC::Run::timeout(180));
	$reader->{run}->pump_nb;
	ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM ($holding) s"), 'a reader holds');
	$reader->{pid} = $node->safe_psql('postgres', $holding);
	return $reader;
}

sub end_reader
{
	my ($reader) = @_;

	$reader->{in} .= "COMMIT;\n\\q\n";
	$reader->{run}->finish;
	return;
}

# The longest of the waits of readers that come one after the other while a migration runs.
sub read_meanwhile
{
	my $longest = 0;
	my $reads = 0;

	while ($node->safe_psql('postgres',
			q{SELECT count(*) FROM pg_stat_activity WHERE query ~ '^\s*CALL' AND state = 'active'}))
	{
		my $start = time;
		$node->safe_psql('postgres', 'SELECT count(*) FROM t');
		my $took = time - $start;
		$longest = $took if $took > $longest;
		$reads++;
	}
	note("$reads reads, the longest took $longest s");
	return $longest;
}

# First without patience for more than a few attempts.
my $reader = begin_reader('SELECT count(*) FROM t');
my ($out, $err) = ('', '');
my $runner = in_background(q{SET purser.lock_timeout = '500ms'; SET purser.lock_patience = '8s';
	CALL purser.migrate();}, \$out, \$err);
ok($node->poll_query_until('postgres', 'SELECT count(*) = 1 FROM purser.underway'), 'it began');
my $longest = read_meanwhile();
$runner->finish;
cmp_ok($longest, '<', 5, 'nobody waited for long, with a limit of 500 ms');
like($err, qr/ERROR:  could not get the locks for revision "alter" within 8000 ms/, 'it gave up');
like($err, qr/ERROR.*DETAIL:  Process $reader->{pid}, idle in transaction, in a transaction for \d+ s: SELECT count\(\*\) FROM t/s,
	'and named the one in its way');
like($err, qr/NOTICE:  waiting for locks for revision "alter"/, 'it had said so before');
is($node->safe_psql('postgres', 'SELECT count(*) FROM purser.underway'), '0', 'nothing is under way');

# Progress says the same; when the reader goes it goes on.
($out, $err) = ('', '');
$runner = in_background(q{SET purser.lock_timeout = '200ms'; CALL purser.migrate();}, \$out, \$err);
ok($node->poll_query_until('postgres', qq{SELECT count(*) = 1 FROM purser.migrate_progress
	WHERE phase = 'waiting for locks' AND blockers = '{$reader->{pid}}'
		AND revision = 'alter' AND statement = 'ALTER TABLE t ADD b int'}), 'progress names it too');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_locks l
		JOIN purser.migrate_progress p ON p.pid = l.pid
		WHERE p.phase = 'waiting for locks' AND l.granted AND l.relation = 't'::regclass}), '0',
	'who waits holds nothing');
end_reader($reader);
$runner->finish;
unlike($err, qr/ERROR/, 'and then it is done');
is($node->safe_psql('postgres', 'SELECT revision FROM purser.applied'), 'alter', 'applied');

# A lock in the middle of a segment: all of it is rolled back and tried again, once it is done.
$node->safe_psql('postgres', q{SELECT purser.add_revision('two', 'CREATE TABLE made AS SELECT 1 AS x;
	INSERT INTO t VALUES (1); DO ''BEGIN LOCK TABLE other; END''', NULL, 'two1')});
$reader = begin_reader('SELECT count(*) FROM other');
($out, $err) = ('', '');
$runner = in_background(q{SET purser.lock_timeout = '200ms'; CALL purser.migrate();}, \$out, \$err);
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM purser.migrate_progress
	WHERE attempts >= 2}), 'it tried twice');
end_reader($reader);
$runner->finish;
is($node->safe_psql('postgres', q{SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM made)}),
	'1|1', 'what was tried is done once');

# A prepared transaction is named too, and VACUUM FULL in a worker stands back as well.
$node->safe_psql('postgres', q{
	SELECT purser.add_revision('full', 'VACUUM FULL t', NULL, 'full');
	BEGIN; SELECT count(*) FROM t; PREPARE TRANSACTION 'held'});
(undef, undef, $err) = $node->psql('postgres',
	q{SET purser.lock_timeout = '200ms'; SET purser.lock_patience = '1s'; CALL purser.migrate()});
like($err, qr/A prepared transaction \(see pg_prepared_xacts\)/, 'a prepared transaction is named');
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'held'});
$node->safe_psql('postgres', q{CALL purser.migrate()});

# Who waits for the ledger with a snapshot does not keep a build waiting for ever.
$node->safe_psql('postgres', q{SELECT purser.add_revision('index', 'CREATE INDEX CONCURRENTLY t_a ON t (a)', NULL, 'index')});
my $writer = begin_reader('INSERT INTO t VALUES (2)');
($out, $err) = ('', '');
$runner = in_background(q{SET purser.lock_timeout = '200ms'; CALL purser.migrate();}, \$out, \$err);
ok($node->poll_query_until('postgres', qq{SELECT count(*) = 1 FROM purser.migrate_progress
	WHERE phase = 'waiting for writers before build' AND blockers = '{$writer->{pid}}'}),
	'a build waits for a writer, without a limit');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity a
		JOIN purser.migrate_progress p USING (pid) WHERE a.backend_xmin IS NULL AND a.backend_xid IS NULL}),
	'1', 'the session that waits for the build has no snapshot');
my ($out2, $err2) = ('', '');
my $second = in_background(q{SELECT purser.add_revision('more', 'SELECT 1', NULL, 'more');}, \$out2, \$err2);
$second->finish;
is($err2, '', 'the ledger can be changed meanwhile');
end_reader($writer);
$runner->finish;
is($node->safe_psql('postgres', q{SELECT indisvalid FROM pg_index WHERE indexrelid = 't_a'::regclass}),
	't', 'the index is built');

done_testing();
