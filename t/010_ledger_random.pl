# Random graphs with labels, merges and dependencies, random targets: every call against a naive
# model of what it should do.
# PURSER_SEED repeats a run; the seed is in the log of a run that fails.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use LedgerModel;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{PURSER_SEED} // (time ^ $$);
srand $seed;
note "PURSER_SEED=$seed";

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION pg_purser; CREATE TABLE done (id text PRIMARY KEY)});

# upgrade and downgrade, with the plan before it; stamp and purge, of several targets or of one
sub sql_for
{
	my ($call, $target) = @_;
	my $purge = $call eq 'purge' ? 'true' : 'false';
	my $targets = $target =~ / / ?
		'ARRAY[' . join(',', map { "'$_'" } split / /, $target) . ']' : "'$target'";
	my ($plan, $run) = $call =~ /grade/ ?
		(qq{SELECT 'plan ' || string_agg(revision, ' ' ORDER BY step)
			FROM purser.plan('$call', '$target');},
		 qq{purser.$call('$target') WITH ORDINALITY AS r(a, b, revision, c, d, n)}) :
		('', qq{purser.stamp($targets, $purge) WITH ORDINALITY AS r(a, revision, n)});
	return qq{
		\\echo call $call $target
		$plan
		SELECT 'run ' || string_agg(revision, ' ' ORDER BY n) FROM $run;
		\\echo state :SQLSTATE
		SELECT 'current ' || coalesce(string_agg(revision, ' ' ORDER BY revision), '')
		FROM purser.current();
		};
}

sub check
{
	my ($model, $call, $target, $answer) = @_;
	my $want = $model->plan($call, $target);
	my ($state) = $answer =~ /^state (\w+)$/m;
	my ($plan) = $answer =~ /^plan (.*)$/m;
	my ($run) = $answer =~ /^run (.*)$/m;
	my ($current) = $answer =~ /^current (.*)$/m;
	my @run = split / /, $run // '';

	return "expected an error, got $state" if !$want && $state !~ /^(22023|55000|42704)$/;
	return "unexpected error $state" if $want && $state ne '00000';
	return 'failed, but did something' if !$want && @run;
	if ($want)
	{
		return "wanted (@$want), got (@run)" if "@{[sort @run]}" ne "@{[sort @$want]}";
		return "order (@run)"
			if $call =~ /grade/ && !$model->is_ordered($call eq 'upgrade', @run);
		return "plan ($plan) but run ($run)" if $call =~ /grade/ && ($plan // '') ne ($run // '');
		$model->apply(@$want);
	}
	my $here = join ' ', sort($model->current);
	return "current should be ($here), is ($current)" if $here ne $current;
	return;
}

sub random_call
{
	my ($model) = @_;
	my $call = (qw(upgrade upgrade upgrade downgrade downgrade downgrade stamp purge))[rand 8];
	my $target = $model->random_target;
	$target .= ' ' . $model->random_target if $call !~ /grade/ && rand() < 0.5;
	return [ $call, $target ];
}

my ($calls, $plans, $failures, $errors) = (0, 0, 0, 0);
for my $graph (1 .. 60)
{
	my $model = LedgerModel->random(1 + int rand 14, rand);
	my $sql = 'TRUNCATE done;' . $model->sql(
		sub { "INSERT INTO done VALUES (''$_[0]'')" }, sub { "DELETE FROM done WHERE id = ''$_[0]''" });
	my @ops = map { random_call($model) } 1 .. 20;
	# stamps leave rows of "done" as they are, so they are brought in line before what follows
	my $line = "DELETE FROM done; INSERT INTO done SELECT revision FROM purser.applied;\n";
	$sql .= sql_for(@$_) . ($_->[0] =~ /grade/ ? '' : $line) for @ops;
	# up and down again is where we began
	push @ops, [ 'downgrade', 'base' ], [ 'upgrade', 'heads' ], [ 'downgrade', 'base' ];
	$sql .= sql_for(@$_) for @ops[ -3 .. -1 ];
	$sql .= "SELECT 'left ' || count(*) FROM done;\n";
	$sql .= "SELECT 'heads ' || string_agg(revision, ' ' ORDER BY revision) FROM purser.heads();\n";
	$sql .= "SELECT 'branches ' || coalesce(string_agg(revision || '(' || (SELECT string_agg(c, ' ' ORDER BY c)"
		. " FROM unnest(children) c) || ')', ' ' ORDER BY revision), 'none') FROM purser.branches();\n";

	my ($ret, $out, $err) = $node->psql('postgres', $sql, on_error_stop => 0);
	my (undef, @answers) = split /^call .*\n/m, $out;
	for my $n (0 .. $#ops)
	{
		$calls++;
		$plans++ if $answers[$n] =~ /^run /m;
		my $wrong = check($model, @{ $ops[$n] }, $answers[$n]) or next;
		$failures++;
		diag "PURSER_SEED=$seed graph $graph, call $n, @{ $ops[$n] }: $wrong";
		diag join "\n", $model->text;
		last;
	}
	my $heads = join ' ', sort($model->heads);
	my $branches = join ' ', map { my @c = $model->children($_); @c > 1 ? "$_(@{[sort @c]})" : () }
		sort @{ $model->{ids} };
	$branches ||= 'none';
	$errors++ if $out !~ /^left 0$/m || $out !~ /^heads \Q$heads\E$/m
		|| $out !~ /^branches \Q$branches\E$/m;
}
is($failures, 0, "$calls calls agree with the model");
is($errors, 0, 'up and down leaves nothing; heads and branches are those of the model');
cmp_ok($plans, '>', 200, 'many of them did something');

done_testing();
