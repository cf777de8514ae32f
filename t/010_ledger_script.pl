# script(): what psql makes of the file on an empty database is what upgrade() and downgrade() make,
# schema, rows and ledger; for the demo's migrations and for scripts that try psql's lexer.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE other');
my $dir = PostgreSQL::Test::Utils::tempdir();

# Another value in place of a variable would show: all of these are set.
my @psql = ('psql', '-X', '-q', '-v', 'x=99', '-v', 'b=99', '-v', '2=99', '-v', 'AUTOCOMMIT=off');

sub run_file
{
	my ($database, $file, @options) = @_;
	my ($out, $err);
	my $ok = IPC::Run::run [ @psql, @options, '-f', $file, $node->connstr($database) ], '>', \$out,
		'2>', \$err;
	return ($ok, $out, $err);
}

sub make_database
{
	my ($database, $extension) = @_;
	$node->safe_psql('postgres', qq{DROP DATABASE IF EXISTS "$database"});
	$node->safe_psql('postgres', qq{CREATE DATABASE "$database"});
	$node->safe_psql($database, 'CREATE EXTENSION pg_purser') if $extension;
	return;
}

sub load
{
	my ($database, @revisions) = @_;
	for my $text (@revisions)
	{
		my $quoted = $text =~ s/'/''/gr;
		$node->safe_psql($database, "SELECT purser.load_revision('$quoted')");
	}
	return;
}

sub script
{
	my ($database, $direction, $target) = @_;
	my $file = "$dir/$database.$direction.sql";
	open my $out, '>', $file or die $!;
	print $out $node->safe_psql($database, "SELECT purser.script('$direction', '$target')"), "\n";
	close $out or die $!;
	return $file;
}

# Everything outside of the ledger, rows and sequences included.
sub dump_of
{
	my ($database) = @_;
	my ($out, $err);
	IPC::Run::run [ 'pg_dump', '--inserts', '-N', 'purser', $node->connstr($database) ], '>', \$out,
		'2>', \$err or die $err;
	return join "\n", grep { !/pg_purser|^\\(un)?restrict|^--|^SET|^$/ } split /\n/, $out;
}

sub ledger_of
{
	my ($database) = @_;
	return $node->safe_psql($database, q{
		SELECT revision, checksum FROM purser.applied ORDER BY 1;
		SELECT revision, ordinal, parents, depends_on, labels, message, upgrade, downgrade, verify,
			transactional FROM purser.revision ORDER BY ordinal});
}

# Up by upgrade() in one database and by script() in the others; then down to each target.
sub compare
{
	my ($name, $revisions, @down) = @_;
	make_database($_, $_ ne 'bare') for qw(called bare ledger);
	load('called', @$revisions);
	for my $step ([ 'upgrade', 'heads' ], map { [ 'downgrade', $_ ] } @down)
	{
		my ($direction, $target) = @$step;
		my $file = script('called', $direction, $target);
		$node->safe_psql('called', "SELECT purser.$direction('$target')");
		my $want = dump_of('called');
		for my $database (qw(bare ledger))
		{
			local $ENV{PGOPTIONS} = '-c track_counts=' . ($database eq 'bare' ? 'off' : 'on');
			my ($ok, $out, $err) = run_file($database, $file);
			ok($ok, "$name: $direction to $target by psql, $database") or diag $err;
			unlike($err, qr{WARNING|ERROR}, "$name: no warning");
			is(dump_of($database), $want, "$name: the same database after $direction to $target");
		}
		is(ledger_of('ledger'), ledger_of('called'), "$name: the same ledger");
	}
	return;
}

my $migrations = $ENV{PURSER_MIGRATIONS} // 'demo/migrations';
my @demo = map { slurp_file($_) =~ s/DEFAULT now\(\)/DEFAULT '2000-01-01'/gr }
	sort glob "$migrations/*.sql";
is(scalar @demo, 12, 'the demo has its migrations');
compare('demo', \@demo, '0005_posts', 'base');

sub revision
{
	my ($id, $parents, $up, $down, $more) = @_;
	return "-- purser: revision $id\n-- purser: parents $parents\n-- purser: message about $id; 'x' \\q :x\n"
		. ($more // '') . "-- purser: upgrade\n$up\n-- purser: downgrade\n" . ($down // '') . "\n";
}

my @lexer = (
	revision('colon1', 'none', <<'SQL', 'DROP TABLE a; DROP FUNCTION f, g; DROP PROCEDURE p'),
-- a comment before; with :x and 'a quote and \ and /*
CREATE TABLE a (x int[], b int, "USER" int, t text DEFAULT E'\\ :x '';' || ':''x'' \'); -- the end; :x
INSERT INTO a (x, b, "USER") VALUES ('{1,2,3,4}', 2, 3);
UPDATE a SET t = x[1:b]::text || x[b:"USER"]::text || x[ 1 :b]::text || x[1:2]::text || b::int
	/* nested /* ; */ :x \ */;;
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$
DECLARE b int := 2; DBNAME int:=3; "USER" text := ':USER \ :''x''';
BEGIN RETURN b + DBNAME; END $$;
CREATE OR REPLACE FUNCTION g(x int) RETURNS int LANGUAGE sql
BEGIN ATOMIC
	SELECT CASE WHEN x > 1 THEN 1 ELSE 2 END;
	SELECT CASE WHEN y[1:x] IS NULL THEN 3 END FROM (SELECT '{1}'::int[] AS y) AS "end";
END;
CREATE PROCEDURE p() BEGIN ATOMIC END; INSERT INTO a (t) VALUES ($purser$ $1 $$ :x $purser1$ \ $purser$);
CREATE RULE r AS ON DELETE TO a DO ALSO (INSERT INTO a (b) VALUES (1); UPDATE a SET b = 2);
COMMENT ON TABLE a IS U&'\00e4 :x ünïcödé';  COMMENT ON COLUMN a.b IS 'x\'
SQL
	revision('begin2', 'colon1', <<'SQL', 'DROP FUNCTION "begin"; DROP TABLE crlf'),
CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION begin(atomic int) RETURNS int LANGUAGE sql AS 'SELECT 2';
DROP FUNCTION begin(int);
CREATE TABLE crlf (x text DEFAULT E'a\r\nb', y text DEFAULT 'a b', z time DEFAULT '12:30:00');
INSERT INTO crlf DEFAULT VALUES
-- at the end, without a semicolon
SQL
	revision('empty3', 'begin2', '-- only a comment; \q', ''),
	revision('empty4', 'empty3', ';; ; /* ; */ ;', ';'));
compare('lexer', \@lexer, 'colon1', 'base');

# settings, roles and constraints: what one step leaves must not show in the next
my @settings = (
	revision('set1', 'none', <<'SQL', 'DROP SCHEMA app CASCADE'),
CREATE SCHEMA app; SET search_path = app; CREATE TABLE t (x int); GRANT ALL ON SCHEMA app TO other;
SET work_mem = '7MB'; SET LOCAL enable_seqscan = off; SET TIME ZONE 'Asia/Tokyo'; SET my.own = 'x';
SELECT set_config('datestyle', 'German', false); SET check_function_bodies = off; SET ROLE other;
CREATE TABLE others (x int); SET SESSION AUTHORIZATION other
SQL
	revision('look2', 'set1', <<'SQL', 'DROP TABLE public.look'),
CREATE TABLE look AS SELECT current_setting('search_path'), current_setting('work_mem') AS mem,
	current_setting('enable_seqscan') AS scan, current_setting('TimeZone') AS zone, current_user, session_user,
	coalesce(current_setting('my.own', true), '') AS own, current_setting('datestyle') AS style,
	current_setting('client_encoding') = 'UTF8' AS encoding
SQL
	revision('pair3', 'look2', <<'SQL', 'DROP TABLE child, parent'),
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED,
	CONSTRAINT late UNIQUE (id) DEFERRABLE);
INSERT INTO child VALUES (1); INSERT INTO parent VALUES (1); SET CONSTRAINTS ALL DEFERRED;
SQL
	revision('alter4', 'pair3', <<'SQL', 'ALTER TABLE child DROP y; DELETE FROM child WHERE id = 2; DELETE FROM parent WHERE id = 2'),
ALTER TABLE child ADD y int;
INSERT INTO child VALUES (2); INSERT INTO parent VALUES (2);
-- one that is not declared so is checked at once again
DO $$ BEGIN INSERT INTO child VALUES (2); EXCEPTION WHEN unique_violation THEN UPDATE child SET y = 1; END $$
SQL
	revision('local5', 'alter4', 'SET LOCAL search_path = app; CREATE TABLE u ()', 'DROP TABLE app.u',
		"-- purser: depends set1\n"),
	revision('fire6', 'local5', <<'SQL', 'DROP TABLE fires; DROP FUNCTION fire'),
CREATE TABLE fires (x int);
CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN SET ROLE other; PERFORM set_config('work_mem', '9MB', false); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER fire AFTER INSERT ON fires DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION fire();
INSERT INTO fires VALUES (1);
SQL
	revision('look7', 'fire6', "CREATE TABLE look7 AS SELECT current_setting('work_mem'), current_user",
		'DROP TABLE look7'));
compare('settings', \@settings, 'pair3', '-1', 'base');

# branches: down one of them, the other stays; the ledger of the target has more than the source
my @branches = (revision('base1', 'none', 'CREATE TABLE base1 ()', 'DROP TABLE base1'),
	revision('left2', 'base1', 'CREATE TABLE left2 ()', 'DROP TABLE left2'),
	revision('right2', 'base1', 'CREATE TABLE right2 ()', 'DROP TABLE right2'),
	revision('right3', 'right2', 'CREATE TABLE right3 ()', 'DROP TABLE right3', "-- purser: depends left2\n"),
	revision('join4', 'left2 right3', '', ''),
	revision('lone1', 'none', 'CREATE TABLE lone1 ()', 'DROP TABLE lone1'));
compare('branches', \@branches, 'left2', 'base1', 'base');

# a range needs nothing applied, and nothing but psql
make_database($_, $_ eq 'called') for qw(called bare);
load('called', @branches);
for my $range ([ 'upgrade', 'base:left2', 'base1 left2' ], [ 'upgrade', 'left2:join4', 'right2 right3 join4' ],
	[ 'downgrade', 'join4:left2', 'join4' ], [ 'upgrade', ':+1', undef ], [ 'downgrade', 'right3:base', 'right3 right2 left2 base1' ],
	[ 'upgrade', 'right2:', 'left2 right3 join4 lone1' ], [ 'downgrade', 'left2:-1', 'left2' ])
{
	my ($direction, $target, $want) = @$range;
	my ($ret, $out, $err) = $node->psql('called', "SELECT purser.script('$direction', '$target')");
	my @steps = ($out // '') =~ /^-- $direction (\w+): about/mg;
	is($ret == 0 ? "@steps" : undef, $want, "$direction $target");
}

# psql -1 brings a transaction of its own: the same, with warnings
make_database($_, 1) for qw(called ledger);
load('called', @demo);
my $file = script('called', 'upgrade', 'heads');
$node->safe_psql('called', 'SELECT purser.upgrade()');
my ($ok, $out, $err) = run_file('ledger', $file, '-1');
ok($ok, 'psql -1') or diag $err;
unlike($err, qr/ERROR/, 'no error');
is(dump_of('ledger'), dump_of('called'), 'the same database after psql -1');
is(ledger_of('ledger'), ledger_of('called'), 'the same ledger after psql -1');

# the second time nothing is done, and the file stops at its first error
($ok, $out, $err) = run_file('ledger', $file);
ok(!$ok, 'a second run fails');
is(dump_of('ledger'), dump_of('called'), 'and leaves all as it was');
is(ledger_of('ledger'), ledger_of('called'), 'the ledger too');

# two at once: the second one waits for the first, finds its work done and does nothing
make_database('ledger', 1);
load('ledger', revision('rows1', 'none', 'CREATE TABLE IF NOT EXISTS rows ();', ''),
	revision('rows2', 'rows1', 'INSERT INTO rows DEFAULT VALUES', ''));
$node->safe_psql('ledger', q{CREATE TABLE rows (); SELECT purser.stamp('rows1')});
$file = script('ledger', 'upgrade', 'heads');
my @runs = map { IPC::Run::start [ @psql, '-f', $file, $node->connstr('ledger') ], '>', \my $o, '2>', \my $e } 1 .. 3;
is(scalar(grep { $_->finish } @runs), 1, 'one of three succeeds');
is($node->safe_psql('ledger', 'SELECT count(*) FROM rows'), 1, 'and it ran once');

# a ledger that is not where the file begins refuses it
make_database('ledger', 1);
load('ledger', @branches);
$file = script('ledger', 'upgrade', 'left2:right2');
$node->safe_psql('ledger', 'CREATE TABLE right2 ()');
($ok, $out, $err) = run_file('ledger', $file);
ok(!$ok, 'a gap is refused');
like($err, qr/revision "right2" needs revisions that are not applied/, 'before it runs');
is($node->safe_psql('ledger', 'SELECT count(*) FROM purser.applied'), 0, 'nothing is recorded');

# what no transaction takes stands outside of it
make_database($_, $_ ne 'bare') for qw(called bare ledger);
load('called', revision('table1', 'none', 'CREATE TABLE t (x int); SET work_mem = 70000', 'DROP TABLE t'),
	revision('index2', 'table1', "CREATE INDEX CONCURRENTLY i ON t (x);\nVACUUM t; SET my.x = 'y'",
		'DROP INDEX CONCURRENTLY i', "-- purser: transactional no\n"),
	revision('mixed3', 'index2', "CREATE TABLE u (x int);\nCREATE INDEX CONCURRENTLY ON u (x); CREATE TABLE v ()",
		'DROP TABLE u, v'),
	revision('after4', 'mixed3', "CREATE TABLE w AS SELECT current_setting('work_mem') AS mem,"
			. " coalesce(current_setting('my.x', true), '') AS x", 'DROP TABLE w'));
$file = script('called', 'upgrade', 'heads');
for my $database (qw(bare ledger))
{
	($ok, $out, $err) = run_file($database, $file, $database eq 'bare' ? '-1' : ());
	ok($ok, "outside of transactions, $database") or diag $err;
	is($node->safe_psql($database, q{SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class
		WHERE relnamespace = 'public'::regnamespace}), 'i t u u_x_idx v w', 'everything is there');
	is($node->safe_psql($database, 'SELECT * FROM w'), '4MB|', 'with the settings of the session');
}
is($node->safe_psql('ledger', q{SELECT string_agg(revision, ' ' ORDER BY revision) FROM purser.applied}),
	'after4 index2 mixed3 table1', 'and recorded');
$file = script('ledger', 'downgrade', 'base');
for my $database (qw(bare ledger))
{
	($ok, $out, $err) = run_file($database, $file);
	ok($ok, "and down, $database") or diag $err;
	is($node->safe_psql($database, q{SELECT count(*) FROM pg_class
		WHERE relnamespace = 'public'::regnamespace}), 0, 'nothing is left');
}

# who runs it as another role, and in another encoding
make_database('bare', 0);
$node->safe_psql('bare', 'GRANT CREATE ON SCHEMA public TO other');
make_database('called', 1);
load('called', revision('named1', 'none', "CREATE TABLE \"tä\" (x text DEFAULT 'ö'); SELECT set_config('search_path', '', false)",
	'DROP TABLE "tä"'));
$file = "$dir/latin1.sql";
{
	local $ENV{PGCLIENTENCODING} = 'LATIN1';
	my $text;
	IPC::Run::run [ 'psql', '-XAtq', '-c', q{SELECT purser.script('upgrade', 'heads')},
		$node->connstr('called') ], '>', \$text or die;
	ok($text =~ /t\xe4/, 'written in the encoding of the client');
	append_to_file($file, "SET ROLE other;\nSET search_path = \"x y\", public;\n$text"
		. "SELECT current_user || current_setting('search_path') || current_setting('client_encoding');\n");
}
($ok, $out, $err) = run_file('bare', $file, '-At');
ok($ok, 'as another role') or diag $err;
is($out, "\nother\"x y\", publicLATIN1\n", 'the session has its role and settings back');
is($node->safe_psql('bare', q{SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'public'}),
	'tä|other', 'the names are right');


# a role without any privilege but to create
$node->safe_psql('postgres', 'ALTER ROLE other LOGIN');
make_database('bare', 0);
$node->safe_psql('bare', 'GRANT CREATE ON SCHEMA public TO other');
make_database('called', 1);
load('called', @branches, $settings[2] =~ s/parents look2/parents none/r);
$file = script('called', 'upgrade', 'heads');
($ok, $out, $err) = run_file('bare', $file, '-U', 'other');
ok($ok, 'as an ordinary role') or diag $err;
is($node->safe_psql('bare', q{SELECT string_agg(DISTINCT tableowner, ' ') FROM pg_tables
	WHERE schemaname = 'public'}), 'other', 'and all is its own');
# where there is a ledger, it needs the calls of the file
make_database('ledger', 1);
$node->safe_psql('ledger', 'GRANT CREATE ON SCHEMA public TO other');
($ok, $out, $err) = run_file('ledger', $file, '-U', 'other');
like($err, qr/permission denied for function load_revision/, 'not without the ledger');
is($node->safe_psql('ledger', q{SELECT to_regclass('base1')}), '', 'and nothing is done');
$node->safe_psql('ledger', 'GRANT EXECUTE ON FUNCTION purser.load_revision, purser.record_step TO other');
($ok, $out, $err) = run_file('ledger', $file, '-U', 'other');
ok($ok, 'with EXECUTE on two functions') or diag $err;
is($node->safe_psql('ledger', q{SELECT count(*) FROM purser.applied WHERE applied_by = 'other'}), 7,
	'it is recorded');

done_testing();
