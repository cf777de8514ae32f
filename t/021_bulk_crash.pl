# Whatever ends a load, in whatever phase: nothing of it is left, nothing that was committed is lost, and
# what is to be used afterwards can be. Cancelled, terminated, out of time, killed with -9, or the server with it.
use strict;
use warnings;

use IPC::Run;
use FindBin;
use lib $FindBin::RealBin;
use PollUntil qw(poll_until);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('bulk_crash');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
# With the least WAL, a table that is as new as its transaction is not logged at all.
$node->append_conf('postgresql.conf', <<'END');
wal_level = minimal
max_wal_senders = 0
autovacuum = off
restart_after_crash = on
work_mem = 64kB
END
$node->start;

sub query { return $node->safe_psql('postgres', shift) }

# linger() keeps whoever comes to the place from going on, while the place is in the table.
query(<<'END');
CREATE EXTENSION pg_purser;
CREATE TABLE stuck (place text);
CREATE FUNCTION linger(here text, id int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
    IF id = 4500 AND EXISTS (SELECT FROM public.stuck WHERE place = here) THEN PERFORM pg_sleep(600); END IF;
    RETURN id;
END $$;
CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM linger(TG_ARGV[0], CASE TG_OP WHEN 'DELETE' THEN OLD.id ELSE NEW.id END);
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE DOMAIN lingering AS int CHECK (linger('read', VALUE) = VALUE);

-- One table for each way to hold a load up; each has 4000 rows that were committed.
CREATE FUNCTION make(name text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, key int, word text DEFAULT ''default'')', name);
    EXECUTE format('CREATE INDEX ON %I (key)', name);
    EXECUTE format('INSERT INTO %I SELECT i, hashint4(i), ''old'' FROM generate_series(1, 4000) i', name);
END $$;
SELECT make(t) FROM unnest('{reading,writing,collecting,upsert,settle,speculate,fire,build,change,behind,tree,late}'::text[]) t;
ALTER TABLE reading ALTER id TYPE lingering;
CREATE INDEX ON writing (linger('write', id));
CREATE UNIQUE INDEX ON collecting (key);
CREATE INDEX ON upsert (linger('upsert', id));
CREATE INDEX ON settle (linger('settle', id));
CREATE TRIGGER linger BEFORE UPDATE ON settle FOR EACH ROW EXECUTE FUNCTION linger('settle');
ALTER TABLE speculate ADD EXCLUDE (key WITH =);
CREATE INDEX ON speculate (linger('speculate', id));
CREATE TRIGGER linger AFTER INSERT ON fire FOR EACH ROW EXECUTE FUNCTION linger('fire');
CREATE INDEX ON build (linger('build', id));
INSERT INTO change SELECT i, i FROM generate_series(4001, 9000) i;
CREATE TRIGGER linger BEFORE UPDATE OR DELETE ON change FOR EACH ROW EXECUTE FUNCTION linger('change');
CREATE VIEW viewed AS SELECT * FROM behind;
CREATE TRIGGER linger BEFORE INSERT ON behind FOR EACH ROW EXECUTE FUNCTION linger('behind');
CREATE TABLE leaf (id int PRIMARY KEY, up int NOT NULL REFERENCES tree);
CREATE TRIGGER linger BEFORE INSERT ON leaf FOR EACH ROW EXECUTE FUNCTION linger('tree');
CREATE CONSTRAINT TRIGGER linger AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION linger('late');

CREATE FUNCTION rows(first int, last int) RETURNS text LANGUAGE sql AS $$
    SELECT E'id,key\n' || string_agg(i || ',' || hashint4(i), E'\n' ORDER BY hashint4(i)) FROM generate_series(first, last) i
$$;
CREATE FUNCTION leaves() RETURNS text LANGUAGE sql AS $$
    SELECT jsonb_agg(jsonb_build_object('id', i, 'leaf', jsonb_build_array(jsonb_build_object('id', i))))::text FROM generate_series(4001, 9000) i
$$;
-- What there is: rows of all tables by their contents.
CREATE FUNCTION contents() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE t text;
BEGIN
    FOR t IN SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND relnamespace IN ('public'::regnamespace, 'purser'::regnamespace)
            AND relname <> 'stuck' ORDER BY 1 LOOP
        RETURN QUERY EXECUTE format('SELECT %L || count(*) || '' '' || coalesce(sum(hashtext(t::text)), 0) FROM %s t', t || ' ', t);
    END LOOP;
END $$;
END

# btrees against their tables, where there is the extension for it
my $amcheck = query(q(SELECT count(*) FROM pg_available_extensions WHERE name = 'amcheck')) eq '1';
query('CREATE EXTENSION amcheck') if $amcheck;
my $check_indexes = $amcheck
  ? q{SELECT bt_index_check(indexrelid, true) FROM pg_index JOIN pg_class c ON c.oid = indexrelid
		JOIN pg_am a ON a.oid = relam WHERE amname = 'btree' AND relnamespace = 'public'::regnamespace}
  : 'SELECT';

my $committed = query('SELECT contents()');
my $lingers = q(SELECT pid FROM pg_stat_activity WHERE application_name = 'loader' AND wait_event = 'PgSleep');
my $waits = q(SELECT pid FROM pg_stat_activity WHERE application_name = 'loader' AND wait_event_type = 'Lock');

sub insert { my ($table, $more) = @_; return "SELECT * FROM purser.bulk_insert('$table', rows(4001, 9000), 'csv'" . ($more // '') . ')' }

my $upsert = q(, on_conflict => 'update');
# The phase, who lingers there or what someone else holds, and the load.
my @phases = (
	[ 'reading', 'read', insert('reading') ],
	[ 'writing', 'write', insert('writing') ],
	[ 'entries in key order', \'INSERT INTO collecting VALUES (-1, hashint4(4500))', insert('collecting') ],
	[ 'upsert, looking', \'INSERT INTO upsert VALUES (4500)', insert('upsert', $upsert) ],
	[ 'upsert, inserting', 'upsert', q(SELECT * FROM purser.bulk_insert('upsert', rows(2001, 7000), 'csv', on_conflict => 'update')) ],
	[ 'upsert, row by row', 'settle', insert('settle', $upsert) ],
	[ 'upsert, speculatively', 'speculate', insert('speculate', q(, on_conflict => 'skip')) ],
	[ 'bad rows', 'fire', q(SELECT * FROM purser.bulk_insert('fire', rows(4001, 9000) || repeat(E'\nx', 2000), 'csv', rejects => true)) ],
	[ 'building indexes', 'build', insert('build', q(, indexes => 'rebuild')) ],
	[ 'update', 'change', q(SELECT * FROM purser.bulk_update('change', rows(4001, 9000), format => 'csv')) ],
	[ 'delete', 'change', q(SELECT * FROM purser.bulk_delete('change', (SELECT jsonb_agg(i)::text FROM generate_series(3001, 6000) i))) ],
	[ 'by statement', 'behind', insert('viewed') ],
	[ 'returning', 'behind', q(SELECT count(*) FROM purser.bulk_insert_returning(NULL::behind, rows(4001, 9000), 'csv')) ],
	[ 'tree', 'tree', q(SELECT * FROM purser.bulk_insert_tree('tree', leaves())) ],
	[ 'commit', 'late', insert('late') ]);

# Somebody else's transaction that holds a key.
sub hold
{
	my $in = "BEGIN;\n${$_[0]};\n";
	my $session = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres') . ' application_name=holder' ], '<', \$in);
	$session->pump while length $in;
	poll_until($node, q(SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'holder' AND state = 'idle in transaction'))
	  or die 'the key is not held';
	return $session;
}

# Is nobody there but us?
sub wait_until_alone
{
	my $deadline = time + $PostgreSQL::Test::Utils::timeout_default;
	until (($node->psql('postgres', q(SELECT count(*) FROM pg_stat_activity WHERE application_name IN ('loader', 'holder'))))[1] eq '0')
	{
		die 'sessions stay' if time > $deadline;
		select(undef, undef, undef, 0.05);
	}
}

# Kill the server; its processes end by themselves, and only then it can start.
sub kill_server
{
	my @pids = split /\n/, query('SELECT pid FROM pg_stat_activity');
	my $deadline = time + 20;
	$node->kill9;
	# Some stay as zombies where nobody cares for orphans.
	select(undef, undef, undef, 0.05) while kill(0, @pids) && time < $deadline;
	$node->start;
}

my $session_state = q(SELECT 'usable', count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype IN ('relation', 'transactionid', 'spectoken')
	AND relation IS DISTINCT FROM 'pg_locks'::regclass;);

# Run the load until it is held up; end it; look at what there is. Returns what the load's session said.
sub end_in
{
	my ($phase, $place, $load, $name, $end) = @_;
	my $holder = ref $place ? hold($place) : undef;
	query("INSERT INTO stuck VALUES ('$place')") unless $holder;
	my $setting = { 'out of time' => 'statement_timeout', 'waited too long' => 'lock_timeout' }->{$name};
	my $in = ($setting ? "SET $setting = '1s';\n" : '') . "$load;\n$session_state\n";
	my ($out, $err) = ('', '');
	my $session = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') . ' application_name=loader' ], '<', \$in, '>', \$out, '2>', \$err,
		IPC::Run::timeout(180));
	$session->pump while length $in;
	if (!$setting)
	{
		my $where = $holder ? $waits : $lingers;
		poll_until($node, "SELECT count(*) = 1 FROM ($where) x") or die "$phase is not reached: $err";
		$end->(query($where));
	}
	$session->finish;
	$holder->kill_kill if $holder;
	wait_until_alone();
	query('DELETE FROM stuck');
	is(query('SELECT contents()'), $committed, "$phase, $name: what was committed is there, and nothing else");
	return "$out$err";
}

my @gentle = (
	[ 'cancelled', sub { query("SELECT pg_cancel_backend($_[0])") }, qr/usable\|0.*canceling statement due to user request/s ],
	[ 'out of time', undef, qr/usable\|0.*canceling statement due to statement timeout/s ],
	[ 'waited too long', undef, qr/usable\|0.*canceling statement due to lock timeout/s ],
	[ 'terminated', sub { query("SELECT pg_terminate_backend($_[0])") }, qr/terminating connection due to administrator command/ ]);
my $kill = [ 'killed', sub { kill 'KILL', $_[0] } ];
my $stop = [ 'server stopped', sub { $node->stop('immediate'); $node->start } ];
my $kill_all = [ 'server killed', \&kill_server ];

my $number = 0;
foreach my $phase (@phases)
{
	foreach my $end (@gentle)
	{
		# One limit of time takes a second: for every third phase.
		next if $end->[0] eq 'out of time' && $number % 3;
		next if $end->[0] eq 'waited too long' && !ref $phase->[1];
		my $said = end_in(@$phase, @$end);
		like($said, $end->[2], "$phase->[0], $end->[0]: it says so, and the session can go on");
	}
	end_in(@$phase, @{ ($kill, $stop, $kill_all)[ $number++ % 3 ] });
	is($node->psql('postgres', $check_indexes), 0, "$phase->[0]: indexes and tables agree");
	is(query('SELECT count(*) FROM pg_ls_tmpdir()'), '0', "$phase->[0]: no temporary file is left");
}

# What is committed stays, however little was logged of it. The second table is rolled back in part.
query(<<'END');
BEGIN;
CREATE TABLE fresh (id int PRIMARY KEY, key int, word text);
CREATE INDEX ON fresh (key);
SELECT purser.bulk_insert('fresh', rows(1, 5000), 'csv');
SAVEPOINT undone;
SELECT purser.bulk_insert('fresh', rows(5001, 8000), 'csv', on_conflict => 'skip');
ROLLBACK TO undone;
SELECT purser.bulk_insert('fresh', rows(4001, 6000), 'csv', on_conflict => 'update');
SELECT purser.bulk_insert('fresh', rows(6001, 7000) || E'\nx', 'csv', rejects => true);
SELECT purser.bulk_insert('fresh', rows(7001, 9000), 'csv', indexes => 'rebuild');
COMMIT;
BEGIN;
TRUNCATE late;
SELECT purser.bulk_insert('late', rows(1, 5000), 'csv', indexes => 'rebuild');
COMMIT;
CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY);
SELECT purser.bulk_insert('unlogged', E'id\n1', 'csv');
END
is(query('SELECT count(*) FROM unlogged'), '1', 'an unlogged table is loaded');
my $count = 'SELECT count(*), count(DISTINCT key), sum(id) FROM';
my $fresh = query("$count fresh");
my $late = query("$count late");
$stop->[1]->();
is(query("$count fresh"), $fresh, 'a table that is as new as its load outlives the server');
is($fresh, '9000|9000|40504500', 'with all its rows');
is(query("$count late"), $late, 'so does one that was emptied before');
is(query('SELECT count(*) FROM unlogged'), '0', 'an unlogged one is empty, as ever');
is(query('SELECT count(*) FROM purser.reject'), '1', 'rejects are there');
is($node->psql('postgres', $check_indexes), 0, 'indexes and tables agree');

# Then each of the loads works.
foreach my $phase (@phases)
{
	is($node->psql('postgres', 'BEGIN; TRUNCATE late; ' . $phase->[2] . '; ROLLBACK'), 0, "$phase->[0]: works when nothing holds it up");
}

$node->stop;
my $log = slurp_file($node->logfile);
unlike($log, qr/leaked|not closed|reference leak|still referenced|PANIC|TRAP/, 'the server has nothing to complain of');
done_testing();
