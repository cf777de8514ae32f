# Labelled streams of statements: for each rule, how many of its findings are right (precision), and how
# many of those that there should be are there (recall).
#
# A file in t/scenarios has many scenarios. Each begins with a line "-- scenario: NAME", then
# "-- expect: RULE" for each rule that is to be found, or none. What follows "-- setup" is run by a
# session that is not watched, then what the audit knows is forgotten, and what follows each "-- run"
# is run by psql in a session of its own. tables.sql makes the tables that all of them have.
use strict;
use warnings;
use FindBin;
use List::Util 'sum0';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $folder = "$FindBin::RealBin/scenarios";
my $node = PostgreSQL::Test::Cluster->new('scenarios');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_purser'
autovacuum = off
jit = off
max_parallel_workers_per_gather = 0
});
$node->start;

sub unwatched
{
	my $sql = shift;
	local $ENV{PGOPTIONS} = '-c purser.audit=off';
	$node->safe_psql('postgres', $sql);
	return;
}

unwatched(slurp_file("$folder/tables.sql"));

sub read_scenarios
{
	my ($file) = @_;
	my (@scenarios, $part);
	foreach my $line (split /^/, slurp_file($file))
	{
		if ($line =~ /^-- scenario: (.+)/)
		{
			push @scenarios, { name => $1, expect => {}, setup => '', runs => [] };
			$part = undef;
		}
		elsif ($line =~ /^-- expect: (\w+)/) { $scenarios[-1]{expect}{$1} = 1 }
		elsif ($line =~ /^-- setup/) { $part = \$scenarios[-1]{setup} }
		elsif ($line =~ /^-- run/)
		{
			push @{ $scenarios[-1]{runs} }, '';
			$part = \$scenarios[-1]{runs}[-1];
		}
		elsif (defined $part) { $$part .= $line }
	}
	return @scenarios;
}

# The rules that a scenario raises.
sub found
{
	my ($scenario) = @_;
	unwatched('DROP SCHEMA IF EXISTS own CASCADE; CREATE SCHEMA own; SET search_path = own, public; ' . $scenario->{setup});
	unwatched('SELECT purser.audit_reset()');
	foreach my $run (@{ $scenario->{runs} })
	{
		local $ENV{PGOPTIONS} = '-c search_path=own,public';
		my ($status, $out, $error) = $node->psql('postgres', $run, on_error_stop => 0);
		fail("$scenario->{name}: $error") if $error =~ /ERROR/;
	}
	my $rules = $node->safe_psql('postgres', 'SELECT DISTINCT rule FROM purser.findings');
	return { map { $_ => 1 } split /\n/, $rules };
}

my %count;
my $scenarios = 0;
foreach my $file (sort glob("$folder/*.sql"))
{
	next if $file =~ /tables\.sql$/;
	foreach my $scenario (read_scenarios($file))
	{
		my $expect = $scenario->{expect};
		my $found = found($scenario);
		my @wrong;
		$scenarios++;
		foreach my $rule (keys %{ { %$expect, %$found } })
		{
			my $what = !$expect->{$rule} ? 'false' : $found->{$rule} ? 'right' : 'missed';
			$count{$rule}{$what}++;
			push @wrong, "$what: $rule" if $what ne 'right';
		}
		diag("$scenario->{name}: " . join(', ', sort @wrong)) if @wrong;
	}
}

sub share
{
	my ($part, $all) = @_;
	return $all == 0 ? 1 : $part / $all;
}

note(sprintf('%-18s %5s %5s %6s %9s %6s', 'rule', 'right', 'false', 'missed', 'precision', 'recall'));
foreach my $rule (sort keys %count)
{
	my ($right, $false, $missed) = map { $count{$rule}{$_} // 0 } qw(right false missed);
	my ($precision, $recall) = (share($right, $right + $false), share($right, $right + $missed));
	note(sprintf('%-18s %5d %5d %6d %9.3f %6.3f', $rule, $right, $false, $missed, $precision, $recall));
	cmp_ok($precision, '>=', 0.97, "$rule: precision");
	cmp_ok($recall, '>=', 0.95, "$rule: recall");
}
cmp_ok($scenarios, '>=', 150, 'there are enough scenarios');
done_testing();
