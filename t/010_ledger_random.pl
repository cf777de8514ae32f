# Random graphs with merges and dependencies, random targets: every plan against a naive model of
# what it should be.
# PURSER_SEED repeats a run; the seed is in the log of a run that fails.
use strict;
use warnings;

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

# ---- the model: sets of ids, and no cleverness ----

my (@ids, %parents, %depends, %applied);

sub pick
{
	my ($count, @from) = @_;
	my %seen;
	$seen{ $from[rand @from] } = 1 for 1 .. $count;
	return sort keys %seen;
}

sub needs { my ($id) = @_; return (@{ $parents{$id} }, @{ $depends{$id} }); }

sub make_graph
{
	my $size = 1 + int rand 14;
	(@ids, %parents, %depends, %applied) = ();
	for my $n (1 .. $size)
	{
		my $id = sprintf 'n%02d%s', $n, join '', map { ('a' .. 'f', 0 .. 9)[rand 16] } 1 .. 4;
		my $width = 1 + (rand() < 0.3 ? int rand 3 : 0);
		$parents{$id} = [ @ids && rand() > 0.15 ? pick($width, @ids) : () ];
		my %is_parent = map { $_ => 1 } @{ $parents{$id} };
		my @depends = @ids && rand() < 0.25 ? pick(1 + int rand 2, @ids) : ();
		$depends{$id} = [ grep { !$is_parent{$_} } @depends ];
		push @ids, $id;
	}
	return;
}

sub closure    # all that can be reached from the given ids by the given neighbours
{
	my ($next, @todo) = @_;
	my %seen;
	while (defined(my $id = shift @todo)) { push @todo, $next->($id) unless $seen{$id}++; }
	return %seen;
}

sub children { my ($id) = @_; return grep { grep { $_ eq $id } @{ $parents{$_} } } @ids; }
sub needing { my ($id) = @_; return grep { grep { $_ eq $id } needs($_) } @ids; }
sub needed { return closure(\&needs, @_); }
sub above { return closure(\&needing, map { children($_) } @_); }
sub heads { return grep { !children($_) } @ids; }

sub current
{
	my %set = @_;
	return grep { my $id = $_; $set{$id} && !grep { $set{$_} } needing($id) } @ids;
}


# The set that a call goes through, or undef when it must fail.
sub expected
{
	my ($call, $target) = @_;
	my @targets = $target =~ /^heads?$/ ? heads() : $target =~ /^(base$|[-+])/ ? () : ($target);
	return if $target eq 'head' && @targets > 1;

	if ($call eq 'upgrade')
	{
		return if $target =~ /^-/;
		if ($target =~ /^\+(\d+)/)
		{
			my @here = current(%applied);
			for (1 .. $1)
			{
				return if @here > 1;
				@here = @here ? children(@here) : grep { !@{ $parents{$_} } } @ids;
				return if @here != 1;
			}
			@targets = @here;
		}
		my %wanted = needed(@targets);
		return [ grep { $wanted{$_} && !$applied{$_} } @ids ];
	}
	if ($call eq 'downgrade')
	{
		return if $target =~ /^\+/;
		if ($target =~ /^-(\d+)/)
		{
			my (%left, @gone) = (%applied);
			for (1 .. $1)
			{
				my @here = current(%left);
				return if @here != 1;
				push @gone, @here;
				delete $left{ $here[0] };
			}
			return \@gone;
		}
		return if grep { !$applied{$_} } @targets;
		my %gone = @targets ? above(@targets) : map { $_ => 1 } @ids;
		return [ grep { $gone{$_} && $applied{$_} } @ids ];
	}
	return if $target =~ /^[-+]/;
	my %wanted = needed(@targets);
	my %gone = $call eq 'purge' || !@targets ? map { $_ => 1 } @ids : above(@targets);
	return [ grep { $wanted{$_} ? !$applied{$_} : $gone{$_} && $applied{$_} } @ids ];
}

# ---- the comparison ----

sub sql_for
{
	my ($call, $target) = @_;
	my $purge = $call eq 'purge' ? 'true' : 'false';
	my ($plan, $run) = $call =~ /grade/ ?
		(qq{SELECT 'plan ' || string_agg(revision, ' ' ORDER BY step)
			FROM purser.plan('$call', '$target');},
		 qq{purser.$call('$target') WITH ORDINALITY AS r(a, b, revision, c, d, n)}) :
		('', qq{purser.stamp('$target', $purge) WITH ORDINALITY AS r(a, revision, n)});
	return qq{
		\\echo call $call $target
		$plan
		SELECT 'run ' || string_agg(revision, ' ' ORDER BY n) FROM $run;
		\\echo state :SQLSTATE
		SELECT 'current ' || coalesce(string_agg(revision, ' ' ORDER BY revision), '')
		FROM purser.current();
		};
}

# What is needed comes before what needs it.
sub is_ordered
{
	my ($up, @order) = @_;
	my %at = map { $order[$_] => $_ } 0 .. $#order;
	for my $id (@order)
	{
		for my $needed (grep { exists $at{$_} } needs($id))
		{
			return 0 if $up ? $at{$needed} > $at{$id} : $at{$needed} < $at{$id};
		}
	}
	return 1;
}

sub check
{
	my ($call, $target, $answer) = @_;
	my $want = expected($call, $target);
	my ($state) = $answer =~ /^state (\w+)$/m;
	my ($plan) = $answer =~ /^plan (.*)$/m;
	my ($run) = $answer =~ /^run (.*)$/m;
	my ($current) = $answer =~ /^current (.*)$/m;
	my @run = split / /, $run // '';

	return "expected an error, got $state" if !$want && $state !~ /^(22023|55000)$/;
	return "unexpected error $state" if $want && $state ne '00000';
	return 'failed, but did something' if !$want && @run;
	if ($want)
	{
		return "wanted (@$want), got (@run)" if "@{[sort @run]}" ne "@{[sort @$want]}";
		return "order (@run)" if $call =~ /grade/ && !is_ordered($call eq 'upgrade', @run);
		return "plan ($plan) but run ($run)" if $call =~ /grade/ && ($plan // '') ne ($run // '');
		$applied{$_} ? delete $applied{$_} : ($applied{$_} = 1) for @$want;
	}
	my $here = join ' ', sort(current(%applied));
	return "current should be ($here), is ($current)" if $here ne $current;
	return;
}

my ($calls, $failures, $errors) = (0, 0, 0);
for my $graph (1 .. 40)
{
	make_graph();
	my %ordinal;
	@ordinal{ sort { rand() <=> 0.5 } @ids } = 1 .. @ids;
	my $sql = "TRUNCATE purser.revision, purser.applied, purser.event, done;\n";
	$sql .= sprintf "INSERT INTO purser.revision (revision, ordinal, parents, depends_on, message, upgrade,"
		. " downgrade, added_at, added_by) SELECT '%s', %d, '{%s}', '{%s}', 'm',"
		. " '%s', '%s', now(), 'me';\n",
		$_, $ordinal{$_}, join(',', @{ $parents{$_} }), join(',', @{ $depends{$_} }),
		"INSERT INTO done VALUES (''$_'')", "DELETE FROM done WHERE id = ''$_''" for @ids;
	my @ops;
	for (1 .. 14)
	{
		my $call = (qw(upgrade upgrade upgrade downgrade downgrade downgrade stamp purge))[rand 8];
		my @words = (qw(head heads base), '+' . (1 + int rand 3), '-' . (1 + int rand 3));
		my $target = rand() < 0.6 ? $ids[rand @ids] : $words[rand @words];
		push @ops, [ $call, $target ];
	}
	# stamps leave rows of "done" as they are, so they are brought in line before what follows
	my $line = "DELETE FROM done; INSERT INTO done SELECT revision FROM purser.applied;\n";
	$sql .= sql_for(@$_) . ($_->[0] =~ /grade/ ? '' : $line) for @ops;
	# up and down again is where we began
	push @ops, [ 'downgrade', 'base' ], [ 'upgrade', 'heads' ], [ 'downgrade', 'base' ];
	$sql .= sql_for(@$_) for @ops[ -3 .. -1 ];
	$sql .= "SELECT 'left ' || count(*) FROM done;\n";

	my ($ret, $out, $err) = $node->psql('postgres', $sql, on_error_stop => 0);
	my (undef, @answers) = split /^call .*\n/m, $out;
	for my $n (0 .. $#ops)
	{
		$calls++;
		my $wrong = check(@{ $ops[$n] }, $answers[$n]) or next;
		$failures++;
		diag "PURSER_SEED=$seed graph $graph, call $n, @{ $ops[$n] }: $wrong";
		diag "$_: parents (@{ $parents{$_} }) depends (@{ $depends{$_} }) ordinal $ordinal{$_}"
			for @ids;
		last;
	}
	$errors++ if $out !~ /^left 0$/m;
}
is($failures, 0, "$calls calls agree with the model");
is($errors, 0, 'up and down leaves nothing');

done_testing();
