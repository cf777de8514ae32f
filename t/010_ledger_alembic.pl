# Random graphs, applied sets and targets: each plan against what Alembic itself does.
# PURSER_SEED repeats a run, PURSER_GRAPHS sets how many graphs there are.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use IPC::Run qw(run);
use JSON::PP;
use LedgerModel;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $python = '/usr/bin/python3';
my $said;
plan skip_all => "$python cannot import alembic"
	unless -x $python && run [ $python, '-c', 'import alembic' ], '>&', \$said;

my $seed = $ENV{PURSER_SEED} // (time ^ $$);
srand $seed;
note "PURSER_SEED=$seed";

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_purser');

my @cases;
for my $number (1 .. $ENV{PURSER_GRAPHS} // 60)
{
	my $graph = LedgerModel->random(1 + int rand 14, rand);
	my $sql = $graph->sql(sub { '' }, sub { '' });
	$graph->{ids} = [ sort { $graph->{ordinal}{$a} <=> $graph->{ordinal}{$b} } @{ $graph->{ids} } ];
	for my $state (1 .. 4)
	{
		my @some = grep { rand() < 0.3 } @{ $graph->{ids} };
		my $case = LedgerModel->new(%$graph, applied => $graph->needed(@some));
		my @calls = map { [ (qw(upgrade downgrade))[$_ % 2], $case->random_target ] } 1 .. 12;
		$sql .= $case->sql_applied;
		$sql .= sprintf "SELECT 'plan ' || coalesce(string_agg(revision, ' ' ORDER BY step), '')"
			. " FROM purser.plan('%s', '%s');\n\\echo state :SQLSTATE\n", @$_ for @calls;
		push @cases, { model => $case, calls => \@calls };
	}
	my ($ret, $out, $err) = $node->psql('postgres', $sql, on_error_stop => 0);
	my @ours;
	my $plan;
	for (split /\n/, $out)
	{
		$plan = [ split / /, $1 ] if /^plan ?(.*)/;
		next unless /^state (\w+)/;
		push @ours, $1 eq '00000' ? $plan : undef;
	}
	$_->{ours} = [ splice @ours, 0, scalar @{ $_->{calls} } ] for @cases[ -4 .. -1 ];
}

sub question
{
	my ($model, $calls) = @{ $_[0] }{qw(model calls)};
	my @revisions;
	for my $id (@{ $model->{ids} })
	{
		push @revisions, { id => $id, map { $_ => $model->{$_}{$id} } qw(parents depends labels) };
	}
	return { revisions => \@revisions, heads => [ $model->current ], calls => $calls };
}

my $asked = encode_json [ map { question($_) } @cases ];
run [ $python, "$FindBin::RealBin/alembic_oracle.py" ], '<', \$asked, '>', \my $answered
	or die 'the oracle failed';
my @theirs = @{ decode_json $answered };

# ---- where the ledger differs, and why; docs/ledger-graph.md has the same table ----

# Each: the reason; the calls it is about; why we refuse and Alembic does not, in the words of the
# model, or the other way round what Alembic says.
my @we_refuse = (
	[ 'N steps down from several current heads: Alembic warns and takes one of them',
		qr/^downgrade -/, qr/ambiguous/ ],
	[ 'down from the base: Alembic goes to the head', qr/[ @]base-/, qr/too far/ ],
	[ 'steps from heads: a head that others depend on is not one of them in Alembic',
		qr/ heads-/, qr/ambiguous/ ],
	[ 'a NAME@ that does not exist or is ambiguous: Alembic looks at it only where it needs it',
		qr/\@/, qr/unknown|too short|ambiguous/ ],
	[ 'NAME@REVISION of another lineage: Alembic takes it on a downgrade, and before +N',
		qr/^downgrade .*\@|\@.*\+/, qr/elsewhere/ ],
	[ 'what is no target, such as "@head" or "REVISION+0": Alembic makes something of some',
		qr/ \@|\@\@|[-+]0/, qr/no target/ ]);
my @alembic_refuses = (
	[ 'NAME@head and heads on a downgrade: Alembic takes the heads of all lineages',
		qr/^downgrade (.*\@)?heads?(-\d+)?$/, qr/Multiple head/ ],
	[ 'the beginning of an id after NAME@, on a downgrade and before +N: Alembic looks at all',
		qr/^downgrade .*\@|\@.*\+/, qr/Can't locate revision/ ],
	[ 'steps that lead to the base on an upgrade: Alembic fails an assertion',
		qr/^upgrade .*-\d+$/, qr/AssertionError/ ],
	[ 'steps down through a merge: Alembic does not undo it, and does not follow NAME@',
		qr/-\d+$/, qr/Ambiguous walk/ ],
	[ 'NAME@heads where one head depends on another: to Alembic they overlap',
		qr/^upgrade .*\@heads$/, qr/overlaps/ ],
	[ 'down to a revision that is applied and that others only depend on: Alembic does not see it',
		qr/^downgrade /, qr/is not a valid downgrade target/ ],
	[ 'NAME@REVISION, down to a branch point at or above NAME: Alembic finds no way',
		qr/^downgrade .*\@/, qr/Not a valid downgrade target/ ]);

sub set { my ($ids) = @_; return $ids ? join ' ', sort @$ids : 'refused'; }

# The reason why the two differ, when it is known.
sub known_difference
{
	my ($model, $call, $us, $them) = @_;
	my $error = $model->{error};
	return $call =~ /^downgrade (.*\@)-\d+$/
		&& set($them->{steps}) eq set($model->plan('downgrade', "$1base"))
		&& 'NAME@-N that leads to the base: Alembic undoes all bases of the lineage'
		if $us && $them->{steps};
	my ($list, $said) = $us ? (\@alembic_refuses, $them->{error}) : (\@we_refuse, $error);
	my ($known) = grep { $call =~ $_->[1] && $said =~ $_->[2] } @$list;
	return $known && $known->[0];
}

# What is wrong with a plan that both make.
sub fault
{
	my ($model, $direction, $us, $them) = @_;
	my $after = LedgerModel->new(%$model, applied => { %{ $model->{applied} } });
	$after->apply(@$us);
	return 'the order' if !$model->is_ordered($direction eq 'upgrade', @$us);
	# Alembic keeps the row of a head that another one implies
	my $rows = $them->{heads} or return;
	return "heads (@$rows)" if set([ keys %{ $after->needed(@$rows) } ])
		ne set([ keys %{ $after->{applied} } ]);
	return;
}

my (%count, %seen, @failures);
for my $n (0 .. $#cases)
{
	my ($model, $calls, $ours) = @{ $cases[$n] }{qw(model calls ours)};
	for my $c (0 .. $#$calls)
	{
		my ($direction, $target) = @{ $calls->[$c] };
		my ($us, $them) = ($ours->[$c], $theirs[$n][$c]);
		my $model_says = set($model->plan($direction, $target));
		my $wrong;
		if (set($us) eq set($them->{steps}))
		{
			$count{ $us ? 'same plan' : 'both refuse' }++;
			$wrong = fault($model, $direction, $us, $them) if $us;
		}
		else
		{
			my $known = known_difference($model, "$direction $target", $us, $them);
			$known ? $seen{$known}++ : ($wrong = 'no reason');
		}
		$wrong = 'the model' if $model_says ne set($us);
		next if !$wrong;
		push @failures, $wrong;
		next if @failures > 5;
		diag "PURSER_SEED=$seed, $direction $target: $wrong";
		diag 'we: ', set($us), '; Alembic: ', $them->{error} // set($them->{steps}),
			"; model: $model_says";
		diag join "\n", $model->text;
	}
}
is(scalar @failures, 0, 'plans are as Alembic makes them, but for the known differences');
cmp_ok($count{'same plan'}, '>', 200, 'many plans were compared');
note "$count{$_}: $_" for sort keys %count;
note "$seen{$_} differ: $_" for sort keys %seen;

done_testing();
