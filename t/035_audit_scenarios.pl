# Labelled streams of statements: for each rule, how many of its findings are right (precision), and how
# many of those that there should be are there (recall).
#
# A file in t/scenarios has many scenarios. Each begins with a line "-- scenario: NAME", then
# "-- expect: RULE RELATION" for each finding that there is to be, or none. What follows "-- setup" is run
# by a session that is not watched, then what the audit knows is forgotten. What follows each "-- run" is
# run by psql in a session of its own: literals in the text, as psycopg2 and Django send them. What
# follows "-- bound" is run by pgbench, which binds its :variables as parameters. Both may be followed
# by "3 times". "-- fails" says that errors are part of it.
# tables.sql makes the tables that all of them have.
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
	return $node->safe_psql('postgres', $sql);
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
			push @scenarios, { name => $1, expect => [], setup => '', runs => [] };
			$part = undef;
		}
		elsif ($line =~ /^-- expect: (\w+ \S+)/) { push @{ $scenarios[-1]{expect} }, $1 }
		elsif ($line =~ /^-- setup/) { $part = \$scenarios[-1]{setup} }
		elsif ($line =~ /^-- fails/) { $scenarios[-1]{fails} = 1 }
		elsif ($line =~ /^-- (run|bound)(?: (\d+) times)?$/)
		{
			my $run = { by => $1, times => $2 // 1, text => '' };
			push @{ $scenarios[-1]{runs} }, $run;
			$part = \$run->{text};
		}
		elsif (defined $part) { $$part .= $line }
	}
	return @scenarios;
}

# A session; what it writes to stderr.
sub run
{
	my ($run) = @_;
	local $ENV{PGOPTIONS} = '-c search_path=own,public';
	my ($out, $error);
	if ($run->{by} eq 'bound')
	{
		my $script = PostgreSQL::Test::Utils::tempdir() . '/script.sql';
		append_to_file($script, $run->{text});
		run_log([ 'pgbench', '-n', '-M', 'extended', '-t', $run->{times}, '-f', $script, $node->connstr('postgres') ],
			'>', \$out, '2>', \$error);
	}
	else
	{
		$node->psql('postgres', $run->{text} x $run->{times}, stdout => \$out, stderr => \$error, on_error_stop => 0);
	}
	return $error;
}

# A client is gone before its session is, which may yet have something to say.
my $sessions_are_gone = q{
DO $$
BEGIN
    WHILE EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()) LOOP
        PERFORM pg_sleep(0.001), pg_stat_clear_snapshot();
    END LOOP;
END $$;
};

# The findings that a scenario raises.
sub found
{
	my ($scenario) = @_;
	unwatched('DROP SCHEMA IF EXISTS own CASCADE; CREATE SCHEMA own; SET search_path = own, public; '
		  . "$scenario->{setup}; SELECT pg_stat_force_next_flush(); SELECT purser.audit_reset()");
	foreach my $run (@{ $scenario->{runs} })
	{
		my $error = run($run);
		fail("$scenario->{name}: $error") if $error =~ /ERROR|error:/ && !$scenario->{fails};
	}
	return split /\n/, unwatched($sessions_are_gone
		  . q{SET search_path = own, public; SELECT rule || ' ' || coalesce(relation::text, '-') FROM purser.findings});
}

my %count;
my $scenarios = 0;
foreach my $file (sort glob("$folder/*.sql"))
{
	next if $file =~ /tables\.sql$/;
	foreach my $scenario (read_scenarios($file))
	{
		my %open;    # findings: how many more are expected than were found
		my (%right, @wrong);
		$open{$_}++ foreach @{ $scenario->{expect} };
		foreach my $finding (found($scenario))
		{
			$open{$finding}--;
			$right{$finding}++ if $open{$finding} >= 0;
		}
		foreach my $finding (sort keys %open)
		{
			my ($rule) = split / /, $finding;
			$count{$rule}{right} += $right{$finding} // 0;
			$count{$rule}{missed} += $open{$finding} if $open{$finding} > 0;
			$count{$rule}{false} -= $open{$finding} if $open{$finding} < 0;
			push @wrong, ($open{$finding} > 0 ? 'missed: ' : 'false: ') . $finding if $open{$finding};
		}
		diag("$scenario->{name}: " . join(', ', @wrong)) if @wrong;
		$scenarios++;
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
cmp_ok($scenarios, '>=', 300, 'there are enough scenarios');
done_testing();
