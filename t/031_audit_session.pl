# What a session does, through the extended protocol: prepared, unnamed, with row limits, by drivers.
use strict;
use warnings;
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_purser'
autovacuum = off
jit = off
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_purser;
CREATE TABLE author (id int PRIMARY KEY, name text);
INSERT INTO author SELECT i, 'a' || i FROM generate_series(1, 100) i;
CREATE TABLE book (id int PRIMARY KEY, author_id int REFERENCES author, title text);
INSERT INTO book SELECT i, i % 100 + 1, 't' || i FROM generate_series(1, 1000) i;
CREATE INDEX ON book (author_id);
CREATE TABLE sale (id serial PRIMARY KEY, book int, n int);
VACUUM ANALYZE author, book;
});

# The findings of a rule, one on a line, after a fresh start.
sub found
{
	my ($rule) = @_;
	return $node->safe_psql('postgres', "SELECT relation, evidence->'executions' FROM purser.findings "
		  . "WHERE rule = '$rule' ORDER BY 1, 2");
}

sub pgbench
{
	my ($script, @options) = @_;
	my $file = $node->basedir . '/script.sql';
	$node->safe_psql('postgres', 'SELECT purser.audit_reset()');
	open my $out, '>', $file or die;
	print $out $script;
	close $out;
	$node->command_ok([ 'pgbench', '-n', '-c', '1', '-f', $file, @options, 'postgres' ], "pgbench @options");
	return;
}

my $loop = "SELECT id, name FROM author WHERE id <= 8 ORDER BY id;\n"
  . join('', map { "\\set a $_\nSELECT title FROM book WHERE author_id = :a;\n" } 1 .. 8);
my $again = "BEGIN;\n\\set a 5\n" . ("SELECT title FROM book WHERE author_id = :a;\n" x 7) . "COMMIT;\n";
my $import = "BEGIN;\n" . join('', map { "\\set a $_\nINSERT INTO sale (book, n) VALUES (:a, 1);\n" } 1 .. 25) . "COMMIT;\n";

foreach my $mode (qw(simple extended prepared))
{
	pgbench($loop, '-t', '1', '-M', $mode);
	is(found('n_plus_one'), 'book|8', "n_plus_one, $mode");
	is(found('repeated_query'), '', "nothing else, $mode");
	pgbench($again, '-t', '1', '-M', $mode);
	is(found('repeated_query'), 'book|7', "repeated_query, $mode");
	is(found('n_plus_one'), '', "nothing else, $mode");
	pgbench($import, '-t', '1', '-M', $mode);
	is(found('row_by_row_write'), 'sale|25', "row_by_row_write, $mode");
}

# pgbench's own scripts, in which a session runs few statements over and over.
foreach my $script ('select-only', 'simple-update', 'tpcb-like')
{
	$node->command_ok([ 'pgbench', '-i', '-q', '-s', '1', 'postgres' ], 'pgbench -i');
	foreach my $mode (qw(simple prepared))
	{
		$node->safe_psql('postgres', 'SELECT purser.audit_reset()');
		$node->command_ok([ 'pgbench', '-n', '-c', '2', '-t', '500', '-b', $script, '-M', $mode, 'postgres' ],
			"pgbench -b $script -M $mode");
		is($node->safe_psql('postgres', "SELECT string_agg(DISTINCT rule, ' ') FROM purser.findings "
				  . "WHERE rule IN ('n_plus_one', 'repeated_query', 'row_by_row_write')"),
			'', "no finding for $script, $mode");
	}
}

# A portal that is read by the protocol's row limits, as JDBC's fetch size does, and lookups in between.
sub message
{
	my ($type, $body) = @_;
	return $type . pack('N', 4 + length $body) . $body;
}

sub execute
{
	my ($portal, $rows) = @_;
	return message('E', "$portal\0" . pack('N', $rows));
}

sub parse_and_bind
{
	my ($portal, $query) = @_;
	return message('P', "\0$query\0" . pack('n', 0)) . message('B', "$portal\0\0" . pack('nnn', 0, 0, 0));
}

sub read_until_ready
{
	my ($socket) = @_;
	my $errors = 0;
	while (1)
	{
		read($socket, my $head, 5) == 5 or die 'the connection is gone';
		my ($type, $length) = unpack('aN', $head);
		read($socket, my $body, $length - 4) if $length > 4;
		$errors++ if $type eq 'E';
		return $errors if $type eq 'Z';
	}
}

my $socket = $node->raw_connect;
my $user = getpwuid($<);
my $start = pack('N', 196608) . "user\0$user\0database\0postgres\0\0";
my $errors = 0;
$node->safe_psql('postgres', 'SELECT purser.audit_reset()');
$socket->syswrite(pack('N', 4 + length $start) . $start);
$errors += read_until_ready($socket);
my @pages = (parse_and_bind('', 'BEGIN') . execute('', 0),
	parse_and_bind('page', 'SELECT id FROM author ORDER BY id') . execute('page', 4),
	(map { parse_and_bind('', "SELECT title FROM book WHERE author_id = $_") . execute('', 0) } 1 .. 4),
	execute('page', 4),
	(map { parse_and_bind('', "SELECT title FROM book WHERE author_id = $_") . execute('', 0) } 5 .. 8),
	parse_and_bind('', 'COMMIT') . execute('', 0));
foreach my $page (@pages)
{
	$socket->syswrite($page . message('S', ''));
	$errors += read_until_ready($socket);
}
$socket->syswrite(message('X', ''));
$socket->close;
is($errors, 0, 'a portal read in pieces');
ok($node->poll_query_until('postgres',
		q{SELECT evidence->>'executions' = '8' AND evidence->>'parent_rows' = '8' FROM purser.findings WHERE rule = 'n_plus_one'}),
	'n_plus_one over the pieces of a portal');

# Drivers: an N+1 by literals or parameters, over a cursor of the server, and a loop of inserts.
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGDATABASE} = 'postgres';
$ENV{PGUSER} = getpwuid($<);
my $python = '/usr/bin/python3';
foreach my $driver (qw(psycopg2 psycopg))
{
  SKIP:
	{
		skip "$driver is not installed", 3 if system("$python -c 'import $driver' 2>/dev/null") != 0;
		$node->safe_psql('postgres', 'SELECT purser.audit_reset()');
		my ($out, $err) = run_command([ $python, '-c', qq{
import $driver as driver
connection = driver.connect("")
cursor = connection.cursor()
cursor.execute("SELECT id, name FROM author ORDER BY id LIMIT 10")
for author, _ in cursor.fetchall():
    cursor.execute("SELECT title FROM book WHERE author_id = %s", (author,))
    cursor.fetchall()
connection.commit()
named = connection.cursor("named")
named.itersize = 4
named.execute("SELECT id FROM book ORDER BY id LIMIT 12")
for (book,) in named:
    cursor.execute("INSERT INTO sale (book, n) VALUES (%s, 1)", (book,))
    cursor.execute("INSERT INTO sale (book, n) VALUES (%s, 2)", (book,))
    cursor.execute("SELECT n FROM sale WHERE book = %s", (book,))
connection.commit()
} ]);
		is($err, '', "$driver ran");
		is(found('n_plus_one'), "book|10\nsale|12", "n_plus_one, $driver");
		is(found('row_by_row_write'), 'sale|24', "row_by_row_write, $driver");
	}
}

$node->stop;
done_testing();
