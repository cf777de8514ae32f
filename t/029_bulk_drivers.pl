# The same steps through real drivers: psycopg2, psycopg, SQLAlchemy, Django and node's pg; and what
# docs/bulk-drivers.md shows of them.
use strict;
use warnings;

use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('drivers');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_purser');

my $here = dirname(__FILE__) . '/drivers';
my $python = '/usr/bin/python3';
my $node_modules = dirname(__FILE__) . '/../node_modules';
my %programs = (
	(map { $_ => [ $python, "$here/steps.py", $_, "$here/steps.json" ] } qw(psycopg2 psycopg sqlalchemy django)),
	pg => [ 'node', "$here/steps.js", "$here/steps.json" ]);
my %present = (
	(map { $_ => system("$python -c 'import $_' 2>/dev/null") == 0 } qw(psycopg2 psycopg sqlalchemy django)),
	pg => -d "$node_modules/pg");
my $steps = () = slurp_file("$here/steps.json") =~ /"name": "[^"]*", "sql"/g;

$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGDATABASE} = 'postgres';
$ENV{PGUSER} = getpwuid($<);
$ENV{NODE_PATH} = $node_modules;
$ENV{PYTHONIOENCODING} = 'utf-8';

foreach my $driver (sort keys %programs)
{
  SKIP:
	{
		skip "$driver is not installed", 1 unless $present{$driver};
		$node->safe_psql('postgres', 'DROP TABLE IF EXISTS person; CREATE TABLE person (id serial PRIMARY KEY, '
			  . 'name text UNIQUE NOT NULL, tags text[], data jsonb, at timestamptz, n numeric)');
		my ($out, $err) = run_command($programs{$driver});
		my @lines = split /\n/, $out;
		my @failed = grep { !/^ok / } @lines;
		ok(@lines == $steps && !@failed, "$driver: $steps steps")
		  or diag(join("\n", @failed, $err));
	}
}

# The examples of the document, by its headings.
my $document = dirname(__FILE__) . '/../docs/bulk-drivers.md';
my @examples = (
	(map { [ $_->[0], $_->[1], $python, "$here/examples.py", $_->[1], $document ] }
		  [ 'psycopg2', 'psycopg2' ], [ 'psycopg', 'psycopg' ], [ 'sqlalchemy', 'SQLAlchemy' ],
		[ 'django', 'Django' ], [ 'psycopg2', 'Faster' ], [ 'psycopg2', 'What values become' ]),
	[ 'pg', 'pg of node', 'node', "$here/examples.js", $document ]);

foreach my $example (@examples)
{
	my ($driver, $heading, @program) = @$example;
  SKIP:
	{
		skip "$driver is not installed", 1 unless $present{$driver};
		$node->safe_psql('postgres', 'DROP TABLE IF EXISTS person; CREATE TABLE person (id uuid, '
			  . 'name text, born date, balance numeric, seen timestamptz, photo bytea)');
		my ($out, $err) = run_command(\@program);
		ok($out =~ /\Aok/ && $out !~ /not ok/ && $err eq '', "examples under \"$heading\"")
		  or diag($out, $err);
	}
}
done_testing();
