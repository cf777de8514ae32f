# The audit as applications see it: streams of statements that drivers and ORMs really send, and what is
# found in each, no more and no less. The streams, with what is to be found, are in t/audit_drivers.
use strict;
use warnings;

use FindBin;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $here = "$FindBin::RealBin/audit_drivers";
my $node_modules = "$FindBin::RealBin/../node_modules";
my $python = '/usr/bin/python3';

my $node = PostgreSQL::Test::Cluster->new('audit_drivers');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_purser'
autovacuum = off
jit = off
max_parallel_workers_per_gather = 0
purser.audit_what_if_interval = 0
});
$node->start;
{
	local $ENV{PGOPTIONS} = '-c purser.audit=off';
	$node->safe_psql('postgres', 'CREATE EXTENSION pg_purser; ' . slurp_file("$here/tables.sql"));
	$node->safe_psql('postgres', 'VACUUM ANALYZE');
}

my %programs = (
	(map { $_ => [ $python, "$here/${_}_streams.py" ] } qw(sqlalchemy django psycopg2 psycopg)),
	pg => [ 'node', '--no-deprecation', "$here/pg_streams.js" ]);
my %present = (
	(map { $_ => system("$python -c 'import $_' 2>/dev/null") == 0 } qw(sqlalchemy django psycopg2 psycopg)),
	pg => -d "$node_modules/pg");
$present{$_} &&= $present{psycopg2} foreach qw(sqlalchemy django);

$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGDATABASE} = 'postgres';
$ENV{PGUSER} = getpwuid($<);
$ENV{NODE_PATH} = $node_modules;
$ENV{PYTHONDONTWRITEBYTECODE} = 1;
delete $ENV{PGAPPNAME}; # the streams give names of their own

foreach my $driver (sort keys %programs)
{
  SKIP:
	{
		skip "$driver is not installed", 1 unless $present{$driver};
		my ($out, $err) = run_command($programs{$driver});
		my ($streams, $right) = (0, 0);
		foreach my $line (split /\n/, $out)
		{
			my $stream = decode_json($line);
			my ($expected, $found) = map { join(', ', @$_) || '-' } @$stream{qw(expected found)};
			is($found, $expected, "$driver: $stream->{stream}");
			note(sprintf('%-10s | %-60s | %s', $stream->{driver}, $stream->{stream}, $found));
			$streams++;
			$right += $found eq $expected;
		}
		ok($streams > 0 && $err eq '', "$driver: $right of $streams streams as expected") or diag($err);
	}
}
done_testing();
