# Random graphs with squashes, nested ones too: every plan and every row against a naive model of
# the rule, and against Django's own loader where Django is installed.  check_ledger() must find no
# error in any of it, and every position of the history can be gone to or is refused.
# PURSER_SEED repeats a run; the seed is in the log of a run that fails.
use strict;
use warnings;

use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{PURSER_SEED} // (time ^ $$);
my $graphs = $ENV{PURSER_GRAPHS} // 40;
srand $seed;
note "PURSER_SEED=$seed";

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION pg_purser});

# ---- the model: what is there, and which of the originals is in force; no cleverness ----

# A squash that came into force by being loaded has a row with the next call that succeeds.
my (@ids, %parents, %depends, %replaces, %on, @rows);

sub closure    # all that can be reached from the given ids by the given neighbours
{
	my ($next, @todo) = @_;
	my %seen;
	while (defined(my $id = shift @todo)) { push @todo, $next->($id) unless $seen{$id}++; }
	return %seen;
}

# The originals of an id, which may be one itself.
sub leaves
{
	my ($id) = @_;
	my %all = closure(sub { @{ $replaces{ $_[0] } // [] } }, $id);
	return grep { !$replaces{$_} } sort keys %all;
}

# What lies in a squash: what it names, at any depth, and squashes of part of that.
sub inside
{
	my ($squash) = @_;
	my %named = closure(sub { @{ $replaces{ $_[0] } // [] } }, $squash);
	my %leaf = map { $_ => 1 } leaves($squash);
	my $size = keys %leaf;
	return grep
	{
		my @own = leaves($_);
		$_ ne $squash && ($named{$_} || ($replaces{$_} && @own < $size && !grep { !$leaf{$_} } @own));
	} @ids;
}

sub state_of
{
	my @leaves = leaves(@_);
	my $count = grep { $on{$_} } @leaves;
	return $count == 0 ? 'none' : $count == @leaves ? 'all' : 'some';
}

# The graph in force, without the squashes of @open: { nodes, parents, needs, exits of the others }.
sub in_use
{
	my %open = map { $_ => 1 } @_;
	my (%g, %host, %out);
	my @squashes = sort { inside($b) <=> inside($a) } grep { $replaces{$_} } @ids;
	for my $squash (@squashes)
	{
		next if $host{$squash};
		if (state_of($squash) eq 'some' || $open{$squash}) { $out{$squash} = 1; next; }
		$host{$_} = $squash for inside($squash);
	}
	$g{nodes} = [ grep { !$host{$_} && !$out{$_} } @ids ];
	$g{host} = \%host;
	for my $kind (\%parents, \%depends)
	{
		for my $node (@{ $g{nodes} })
		{
			my @from = $replaces{$node} ? ($node, inside($node)) : ($node);
			push @{ $g{ $kind == \%parents ? 'named_parents' : 'named_needs' }{$node} },
				map { @{ $kind->{$_} } } @from;
		}
	}
	my %exits;
	my $to_nodes;
	$to_nodes = sub {
		my ($id) = @_;
		return $host{$id} if $host{$id};
		return @{ $exits{$id} } if $out{$id};
		return ($id);
	};
	for my $squash (reverse @squashes)
	{
		next unless $out{$squash};
		my %in = map { $_ => 1 } inside($squash);
		my @members = grep { $in{$_} } @{ $g{nodes} };
		my %needed;
		for my $member (@members)
		{
			my @named = (@{ $g{named_parents}{$member} }, @{ $g{named_needs}{$member} });
			$needed{$_} = 1 for grep { $_ ne $member }
				map { $out{$_} && !$exits{$_} ? () : $to_nodes->($_) } @named;
		}
		$exits{$squash} = [ grep { !$needed{$_} } @members ];
	}
	for my $node (@{ $g{nodes} })
	{
		my %seen = ($node => 1);
		$g{parents}{$node} = [ grep { !$seen{$_}++ } map { $to_nodes->($_) } @{ $g{named_parents}{$node} } ];
		$g{needs}{$node} = [ @{ $g{parents}{$node} },
			grep { !$seen{$_}++ } map { $to_nodes->($_) } @{ $g{named_needs}{$node} } ];
	}
	$g{exits} = \%exits;
	return \%g;
}

sub has_cycle
{
	my ($g) = @_;
	for my $node (@{ $g->{nodes} })
	{
		my %seen = closure(sub { @{ $g->{needs}{ $_[0] } } }, @{ $g->{needs}{$node} });
		return 1 if $seen{$node};
	}
	return 0;
}

# May this set of revisions stand: no overlap, no cycle whichever depth is used?
sub is_sound
{
	my @squashes = grep { $replaces{$_} } @ids;
	my %applied = %on;
	my $max = 0;
	for my $a (@squashes)
	{
		my %in = map { $_ => 1 } inside($a);
		my %leaf = map { $_ => 1 } leaves($a);
		for my $b (@squashes)
		{
			next if $a eq $b || $in{$b};
			next if grep { $_ eq $a } inside($b);
			return 0 if grep { $leaf{$_} } leaves($b);
		}
		return 0 if grep { $_ eq $a || $in{$_} } @{ $parents{$a} }, @{ $depends{$a} };
	}
	%on = ();
	my %depth = map { my $id = $_; $id => scalar grep { grep { $_ eq $id } inside($_) } @squashes } @squashes;
	$max = $_ > $max ? $_ : $max for values %depth;
	for my $level (0 .. $max + 1)
	{
		my $bad = has_cycle(in_use(grep { $depth{$_} < $level } @squashes));
		if ($bad) { %on = %applied; return 0; }
	}
	%on = %applied;
	return 1;
}

sub children { my ($g, $id) = @_; return grep { grep { $_ eq $id } @{ $g->{parents}{$_} } } @{ $g->{nodes} }; }
sub needing { my ($g, $id) = @_; return grep { grep { $_ eq $id } @{ $g->{needs}{$_} } } @{ $g->{nodes} }; }
sub heads { my ($g) = @_; return grep { !children($g, $_) } @{ $g->{nodes} }; }
sub is_on { return state_of(@_) eq 'all'; }

sub current
{
	my ($g, $is_on) = @_;
	return grep { my $id = $_; $is_on->($id) && !grep { $is_on->($_) } needing($g, $id) } @{ $g->{nodes} };
}

# The graph by which a target is reached, and the target in it; undef when there is none.
sub fit
{
	my ($target) = @_;
	my $g = in_use();
	return ($g, $target) if $target =~ /^(heads?|base)$|^[-+]/ || grep { $_ eq $target } @{ $g->{nodes} };
	if ($g->{host}{$target})
	{
		my @open = grep { my $squash = $_; grep { $_ eq $target } inside($squash) } grep { $replaces{$_} } @ids;
		return (in_use(@open), $target);
	}
	my @exits = @{ $g->{exits}{$target} };
	return @exits == 1 ? ($g, $exits[0]) : ();
}

# The nodes that a call goes through, and their graph; or nothing when it must fail.
sub expected
{
	my ($call, $wanted) = @_;
	my ($g, $target) = fit($wanted) or return;
	my @targets = $target =~ /^heads?$/ ? heads($g) : $target =~ /^(base$|[-+])/ ? () : ($target);
	return if $target eq 'head' && @targets > 1;
	my $above = sub { return closure(sub { needing($g, $_[0]) }, map { children($g, $_) } @_) };
	my $needed = sub { return closure(sub { @{ $g->{needs}{ $_[0] } } }, @_) };

	if ($call eq 'upgrade')
	{
		if ($target =~ /^\+(\d+)/)
		{
			my @here = current($g, \&is_on);
			for (1 .. $1)
			{
				return if @here > 1;
				@here = @here ? children($g, @here) : grep { !@{ $g->{parents}{$_} } } @{ $g->{nodes} };
				return if @here != 1;
			}
			@targets = @here;
		}
		return if $target =~ /^-/;
		my %wanted = $needed->(@targets);
		return ($g, grep { $wanted{$_} && !is_on($_) } @{ $g->{nodes} });
	}
	if ($call eq 'downgrade')
	{
		return if $target =~ /^\+/;
		if ($target =~ /^-(\d+)/)
		{
			my @here = current($g, \&is_on);
			for (2 .. $1)
			{
				return if @here != 1;
				@here = @{ $g->{parents}{ $here[0] } };
			}
			return if @here != 1;
			my %gone = closure(sub { needing($g, $_[0]) }, @here);
			return ($g, grep { $gone{$_} && is_on($_) } @{ $g->{nodes} });
		}
		return if grep { !is_on($_) } @targets;
		my %gone = @targets ? $above->(@targets) : map { $_ => 1 } @{ $g->{nodes} };
		return ($g, grep { $gone{$_} && is_on($_) } @{ $g->{nodes} });
	}
	return if $target =~ /^[-+]/;
	my %wanted = $needed->(@targets);
	my %gone = @targets ? $above->(@targets) : map { $_ => 1 } @{ $g->{nodes} };
	return ($g, grep { $wanted{$_} ? !is_on($_) : $gone{$_} && is_on($_) } @{ $g->{nodes} });
}

# ---- making graphs ----

sub pick
{
	my ($count, @from) = @_;
	my %seen;
	$seen{ $from[rand @from] } = 1 for 1 .. $count;
	return sort keys %seen;
}

my ($calls, $failures, $refused, $visited, $closed, @cases) = (0, 0, 0, 0, 0);

# Why a position may be out of reach: what is needed has changed since.
my $no_way = qr/cannot downgrade to "tag:/;

sub wrong
{
	my ($graph, $what) = @_;
	$failures++;
	diag "PURSER_SEED=$seed graph $graph: $what";
	diag "$_: parents (@{ $parents{$_} }) depends (@{ $depends{$_} }) replaces (@{ $replaces{$_} // [] })"
		. ($on{$_} ? ' on' : '') for @ids;
	return;
}

sub array { return '{' . join(',', @_) . '}'; }

# Adds the revision to the ledger; in the model it is only if it is sound there.
sub add
{
	my ($graph, $id, $p, $d, $r) = @_;
	push @ids, $id;
	$parents{$id} = $p;
	$depends{$id} = $d;
	$replaces{$id} = $r if @$r;
	my ($sound) = is_sound();
	my ($ret, $out, $err) = $node->psql('postgres', sprintf(
		"SELECT purser.add_revision('m', '', '', '%s', '%s', '%s', replaces => '%s')",
		$id, array(@$p), array(@$d), array(@$r)));
	$calls++;
	if (!$sound)
	{
		$refused++;
		wrong($graph, "$id should be refused (@$r)") if $ret == 0;
		pop @ids;
		delete $_->{$id} for \%parents, \%depends, \%replaces;
	}
	elsif ($ret != 0)
	{
		wrong($graph, "$id should be taken: $err");
		return 0;
	}
	return $sound == ($ret == 0);
}

sub add_original
{
	my ($graph, $n, $with_depends) = @_;
	my $id = sprintf 'n%02d%s', $n, join '', map { ('a' .. 'f')[rand 6] } 1 .. 3;
	my @p = @ids && rand() > 0.15 ? pick(1 + (rand() < 0.3 ? 1 : 0), @ids) : ();
	my %is_parent = map { $_ => 1 } @p;
	my @d = $with_depends && @ids && rand() < 0.25 ? grep { !$is_parent{$_} } pick(1, @ids) : ();
	return add($graph, $id, \@p, \@d, []);
}

# A squash of some nodes of the graph that is in use, most of the time of what lies between two.
sub add_squash
{
	my ($graph, $n, $nested) = @_;
	my $g = in_use();
	my %taken = map { map { $_ => 1 } $_, inside($_) } grep { $replaces{$_} } @ids;
	my @nodes = grep { $nested || !$taken{$_} } @{ $g->{nodes} };
	return 1 if @nodes < 2;
	my ($from, $to) = ($nodes[rand @nodes], $nodes[rand @nodes]);
	my %above = closure(sub { needing($g, $_[0]) }, $from);
	my %below = closure(sub { @{ $g->{needs}{ $_[0] } } }, $to);
	my @members = rand() < 0.85 ? grep { $above{$_} && $below{$_} } @nodes : pick(3, @nodes);
	return 1 if @members < 2;
	my %member = map { $_ => 1 } @members;
	my %outside = map { $_ => 1 } grep { !$member{$_} } map { @{ $g->{parents}{$_} } } @members;
	my @names = rand() < 0.3 ? map { leaves($_) } @members : @members;
	return add($graph, sprintf('s%02d', $n), rand() < 0.3 ? [] : [ sort keys %outside ], [], \@names);
}

# ---- the comparison ----

sub sql_for
{
	my ($call, $target) = @_;
	my ($plan, $run) = $call =~ /grade/ ?
		(qq{SELECT 'plan ' || string_agg(revision, ' ' ORDER BY step)
			FROM purser.plan('$call', '$target');},
		 qq{purser.$call('$target') WITH ORDINALITY AS r(a, b, revision, c, d, n)}) :
		('', qq{purser.stamp('$target') WITH ORDINALITY AS r(a, revision, n)});
	return qq{
		$plan
		SELECT 'run ' || string_agg(revision, ' ' ORDER BY n) FROM $run;
		\\echo state :SQLSTATE
		SELECT 'current ' || coalesce(string_agg(revision, ' ' ORDER BY revision), '') FROM purser.current();
		SELECT 'heads ' || coalesce(string_agg(revision, ' ' ORDER BY revision), '') FROM purser.heads();
		SELECT 'rows ' || coalesce(string_agg(revision, ' ' ORDER BY revision), '') FROM purser.applied;
		SELECT 'history ' || count(DISTINCT revision) || ' ' || count(*) FROM purser.history();
		SELECT 'faults ' || coalesce(string_agg(kind || ' ' || subject, ', '), '')
			FROM purser.check_ledger() WHERE severity <> 'notice';
		};
}

# What is needed comes before what needs it.
sub is_ordered
{
	my ($g, $up, @order) = @_;
	my %at = map { $order[$_] => $_ } 0 .. $#order;
	for my $id (@order)
	{
		for my $needed (grep { exists $at{$_} } @{ $g->{needs}{$id} })
		{
			return 0 if $up ? $at{$needed} > $at{$id} : $at{$needed} < $at{$id};
		}
	}
	return 1;
}

sub check
{
	my ($call, $target, $answer) = @_;
	my ($g, @want) = expected($call, $target);
	my %got = $answer =~ /^(\w+) (.*)$/mg;
	my @run = split / /, $got{run} // '';

	return "expected an error, got $got{state}" if !$g && $got{state} !~ /^(22023|55000)$/;
	return "unexpected error $got{state}" if $g && $got{state} ne '00000';
	return 'failed, but did something' if !$g && @run;
	if ($g)
	{
		return "wanted (@want), got (@run)" if "@{[sort @run]}" ne "@{[sort @want]}";
		return "order (@run)" if $call =~ /grade/ && !is_ordered($g, $call eq 'upgrade', @run);
		return 'plan and run differ' if $call =~ /grade/ && ($got{plan} // '') ne ($got{run} // '');
		my %change = map { $_ => !is_on($_) } @want;
		for my $id (@want)
		{
			for my $leaf (leaves($id)) { $change{$id} ? ($on{$leaf} = 1) : delete $on{$leaf}; }
		}
		@rows = grep { is_on($_) } @ids;
	}
	my $now = in_use();
	my %model = (
		current => join(' ', sort(current($now, \&is_on))),
		heads => join(' ', sort(heads($now))),
		rows => join(' ', sort @rows),
		history => @ids . ' ' . @ids,
		faults => '');
	for my $what (sort keys %model)
	{
		return "$what should be ($model{$what}), is ($got{$what})" if $model{$what} ne $got{$what};
	}
	return;
}

# To a position that was marked: the originals that were in force then are, and no other.
sub visit
{
	my ($graph, $tag, $was) = @_;
	my ($ret, $out, $err) = $node->psql('postgres', qq{
		BEGIN;
		SELECT count(*) FROM purser.upgrade('tag:$tag');
		SELECT count(*) FROM purser.downgrade('tag:$tag');
		COMMIT;
		\\echo state :SQLSTATE
		SELECT 'rows ' || coalesce(string_agg(a.revision, ' ' ORDER BY a.revision), '')
			FROM purser.applied a JOIN purser.revision r USING (revision) WHERE r.replaces = '{}';
		SELECT 'faults ' || coalesce(string_agg(kind || ' ' || subject, ', '), '')
			FROM purser.check_ledger() WHERE severity <> 'notice';
		}, on_error_stop => 0);
	my %got = $out =~ /^(\w+) (.*)$/mg;

	if ($err) { $closed++; wrong($graph, "visit $tag: $err") if $err !~ /$no_way/; }
	elsif ($got{rows} ne $was) { wrong($graph, "visit $tag: was ($was), is ($got{rows})"); }
	else { $visited++; }
	wrong($graph, "visit $tag: $got{faults}") if $got{faults};
	return;
}

# What the ledger plans from here, for the comparison with Django.
sub add_case
{
	my ($graph) = @_;
	my $g = in_use();
	my @nodes = @{ $g->{nodes} };
	my $out = $node->safe_psql('postgres', join '', map {
		my $direction = is_on($_) ? 'downgrade' : 'upgrade';
		"SELECT '$direction $_ ' || coalesce(string_agg(revision, ' '), '') FROM purser.plan('$direction', '$_');"
	} @nodes);
	my %case = (graph => $graph, applied => [@rows], used => \@nodes, plans => {}, undo => {});
	for my $id (@ids)
	{
		$case{nodes}{$id} = { needs => $parents{$id}, replaces => $replaces{$id} // [] };
	}
	for (split /\n/, $out)
	{
		my ($direction, $target, @plan) = split / /;
		$case{ $direction eq 'upgrade' ? 'plans' : 'undo' }{$target} = \@plan;
	}
	push @cases, \%case;
	return;
}

GRAPH: for my $graph (1 .. $graphs)
{
	# a part without nesting and dependencies, which Django 3.2 has not within one app
	my $flat = $graph % 3 == 0;
	(@ids, %parents, %depends, %replaces, %on, @rows) = ();
	$node->safe_psql('postgres', 'TRUNCATE purser.revision, purser.applied, purser.event, purser.tag');
	my $n = 0;
	my @marks;
	for (1 .. 3 + int rand 7) { add_original($graph, $n++, !$flat) or next GRAPH; }
	for (1 .. 1 + int rand 3)
	{
		add_squash($graph, $n++, !$flat) or next GRAPH;
		for (1 .. int rand 3) { add_original($graph, $n++, !$flat) or next GRAPH; }
	}
	for my $op (1 .. 12)
	{
		# half way, a squash of what is under way may come, as from a newer release
		if ($op % 5 == 0) { add_squash($graph, $n++, !$flat) or next GRAPH; }
		my $call = (qw(upgrade upgrade upgrade downgrade downgrade stamp))[rand 6];
		my @words = (qw(head heads base), '+' . (1 + int rand 3), '-' . (1 + int rand 3));
		my $target = rand() < 0.75 ? $ids[rand @ids] : $words[rand @words];
		my ($ret, $out, $err) = $node->psql('postgres', sql_for($call, $target), on_error_stop => 0);
		$calls++;
		my $wrong = check($call, $target, $out);
		if ($wrong) { wrong($graph, "$call $target: $wrong: $err"); next GRAPH; }
		add_case($graph) if $flat;
		$node->safe_psql('postgres', "SELECT purser.tag('t$op')");
		push @marks, [ "t$op", join ' ', sort grep { !$replaces{$_} } keys %on ];
	}
	for (1 .. 5) { visit($graph, @{ $marks[rand @marks] }); }
}
is($failures, 0, "$calls calls agree with the model, $refused of them refused squashes");
cmp_ok($refused, '>', 0, 'some squashes were refused');
cmp_ok($visited, '>', 10 * $closed, "$visited positions were gone to, $closed refused");

SKIP:
{
	my $python = '/usr/bin/python3';
	skip 'Django is not installed', 1 if system("$python -c 'import django' 2>/dev/null") != 0;
	my $file = $PostgreSQL::Test::Utils::tmp_check . '/cases.json';
	my ($script) = __FILE__ =~ m{^(.*)/} ? "$1/ledger_django.py" : 'ledger_django.py';
	append_to_file($file, encode_json(\@cases));
	my $out = `$python $script $file 2>&1`;
	like($out, qr/\A\d+\n\z/, 'Django agrees, in as many points');
	note "Django: $out";
}

# ---- from a directory: a squash after what it replaces, repeatable ones last ----

my $dir = $PostgreSQL::Test::Utils::tmp_check . '/migrations';
mkdir $dir;
my %files = (
	'0_rep' => 'depends d', '1_all' => "parents none\n-- purser: replaces ab c", 'a' => 'parents none', 'b' => 'parents a',
	'2_ab' => "parents none\n-- purser: replaces a b", 'c' => 'parents b', 'd' => 'parents 1_all');
for my $id (keys %files)
{
	my $repeatable = $id =~ /rep/ ? "-- purser: repeatable\n" : '';
	(my $name = $id) =~ s/^\d_//;
	my $head = $files{$id} =~ s/1_all/all/r;
	append_to_file("$dir/$id.sql", "-- purser: revision $name\n$repeatable-- purser: $head\n-- purser: message m\n-- purser: upgrade\n");
}
my $text = sub { return join ' ', split /\n/, $node->safe_psql('postgres', join ';', @_) };
is($text->('TRUNCATE purser.revision, purser.applied, purser.event', "SELECT purser.load_directory('$dir')"),
	'a b ab c all d rep', 'a directory with squashes');
is($text->("SELECT purser.load_directory('$dir')", 'SELECT revision FROM purser.upgrade()'), 'all d rep', 'and again');
unlink "$dir/$_.sql" for qw(a b);
append_to_file("$dir/0_rep.sql", "SELECT 1;\n");
is($text->("SELECT purser.load_directory('$dir')", 'SELECT revision FROM purser.upgrade()'), 'rep rep', 'a repeatable changes');
$node->safe_psql('postgres', 'TRUNCATE purser.revision, purser.applied, purser.event');
is($text->("SELECT purser.load_directory('$dir')", 'SELECT revision FROM purser.upgrade()'), 'ab c all d rep all d rep',
	'a new database, where some originals are gone');
append_to_file("$dir/x.sql", "-- purser: revision x\n-- purser: parents none\n-- purser: replaces c d\n-- purser: message m\n-- purser: upgrade\n");
my ($status, $stdout, $stderr) = $node->psql('postgres', "SELECT purser.load_directory('$dir')");
like($stderr, qr/revisions "all" and "x" replace the same revisions/, 'squashes that overlap are refused');

done_testing();
