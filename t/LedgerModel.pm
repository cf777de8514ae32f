# A naive model of the revision graph: what targets mean, in sets of ids and without cleverness;
# and random graphs and targets to hold the ledger against.
package LedgerModel;
use strict;
use warnings;

# ids => [...] in load order; parents, depends, labels => { id => [...] }; applied => { id => 1 }
sub new { my ($class, %self) = @_; return bless { applied => {}, %self }, $class; }

sub pick
{
	my ($count, @from) = @_;
	my %seen;
	$seen{ $from[rand @from] } = 1 for 1 .. $count;
	return sort keys %seen;
}

# Ids share their beginnings, so that a prefix may be ambiguous; ids come before what needs them.
sub random
{
	my ($class, $size, $branching) = @_;
	my (@ids, %parents, %depends, %labels);
	for my $n (1 .. $size)
	{
		my $id = (qw(abcd abce wxyz))[rand 3] . sprintf '%02d', $n;
		my $width = 1 + (rand() < 0.3 ? int rand 3 : 0);
		# what was made last goes on as a rule: lines, and not a thicket
		my @from = rand() < $branching ? @ids : @ids[ -1 .. -1 ];
		$parents{$id} = [ @ids && rand() > 0.15 ? pick($width, @from) : () ];
		my %is_parent = map { $_ => 1 } @{ $parents{$id} };
		my @depends = @ids && rand() < 0.2 ? pick(1 + int rand 2, @ids) : ();
		$depends{$id} = [ grep { !$is_parent{$_} } @depends ];
		$labels{$id} = [ rand() < 0.2 ? "branch_$n" : () ];
		push @{ $labels{$id} }, "other_$n" if rand() < 0.05;
		push @ids, $id;
	}
	return $class->new(ids => \@ids, parents => \%parents, depends => \%depends,
		labels => \%labels);
}

sub random_name
{
	my ($self) = @_;
	my @ids = @{ $self->{ids} };
	my @labels = map { @{ $self->{labels}{$_} } } @ids;
	my $roll = rand;
	return $labels[rand @labels] if @labels && $roll < 0.4;
	return substr $ids[rand @ids], 0, 4 + int rand 3 if $roll < 0.5;
	return 'branch' if $roll < 0.53;
	return $ids[rand @ids];
}

sub random_target
{
	my ($self) = @_;
	my $steps = (qw(+ -))[rand 2] . (1 + int rand 3);
	my @kinds = (
		sub { $self->random_name },
		sub { (qw(head heads base))[rand 3] },
		sub { $steps },
		sub { $self->random_name . $steps },
		sub { (qw(base base head heads))[rand 4] . $steps },
		sub { $self->random_name . '@' . (qw(head heads base))[rand 3] },
		sub { $self->random_name . '@' . $self->random_name },
		sub { $self->random_name . '@' . $steps },
		sub { $self->random_name . '@' . $self->random_name . $steps },
		sub { $self->random_name . '@base' . $steps },
		sub { (qw(@ x@ @head a@@b +0 -0 rev+-1 nobody nobody@head))[rand 9] });
	return $kinds[rand @kinds]->();
}

# ---- sets ----

sub closure    # all that can be reached from the given ids by the given neighbours
{
	my ($next, @todo) = @_;
	my %seen;
	while (defined(my $id = shift @todo)) { push @todo, $next->($id) unless $seen{$id}++; }
	return \%seen;
}

sub parents { my ($self, $id) = @_; return @{ $self->{parents}{$id} }; }
sub needs { my ($self, $id) = @_; return ($self->parents($id), @{ $self->{depends}{$id} }); }

sub children
{
	my ($self, $id) = @_;
	return grep { grep { $_ eq $id } $self->parents($_) } @{ $self->{ids} };
}

sub needing
{
	my ($self, $id) = @_;
	return grep { grep { $_ eq $id } $self->needs($_) } @{ $self->{ids} };
}

sub needed { my ($self, @ids) = @_; return closure(sub { $self->needs(@_) }, @ids); }
sub above { my ($self, @ids) = @_; return closure(sub { $self->needing(@_) }, @ids); }
sub bases { my ($self) = @_; return grep { !$self->parents($_) } @{ $self->{ids} }; }
sub heads { my ($self) = @_; return grep { !$self->children($_) } @{ $self->{ids} }; }

sub lineage
{
	my ($self, $id) = @_;
	return { %{ closure(sub { $self->parents(@_) }, $id) },
		%{ closure(sub { $self->children(@_) }, $id) } };
}

sub tips    # of a set, those that no other of it needs
{
	my ($self, $set, $neighbours) = @_;
	return grep { my $id = $_; $set->{$id} && !grep { $set->{$_} } $neighbours->($id) }
		@{ $self->{ids} };
}

sub current { my ($self) = @_; return $self->tips($self->{applied}, sub { $self->needing(@_) }); }

sub apply
{
	my ($self, @ids) = @_;
	$self->{applied}{$_} ? delete $self->{applied}{$_} : ($self->{applied}{$_} = 1) for @ids;
	return;
}

# What needs another comes after it on the way up, before it on the way down.
sub is_ordered
{
	my ($self, $up, @order) = @_;
	my %at = map { $order[$_] => $_ } 0 .. $#order;
	for my $id (@order)
	{
		for my $needed (grep { exists $at{$_} } $self->needs($id))
		{
			return 0 if $up ? $at{$needed} > $at{$id} : $at{$needed} < $at{$id};
		}
	}
	return 1;
}

# ---- targets; what must fail dies ----

sub is_in { my ($lineage, @ids) = @_; return grep { !$lineage || $lineage->{$_} } @ids; }
sub only { die "ambiguous\n" if @_ > 1; return $_[0]; }

sub find
{
	my ($self, $name, $lineage) = @_;
	my @names = map { my $id = $_; map { [ $_, $id ] } $id, @{ $self->{labels}{$id} } }
		@{ $self->{ids} };
	for my $pair (@names) { return $pair->[1] if $pair->[0] eq $name; }
	die "too short\n" if length $name < 4;
	my %found = map { $_->[1] => 1 } grep { index($_->[0], $name) == 0 } @names;
	my @found = is_in($lineage, keys %found);
	return only(@found) // die "unknown\n";
}

sub walk    # to the N-th child or parent; undef is the base
{
	my ($self, $here, $steps, $lineage) = @_;
	for my $step (1 .. abs $steps)
	{
		my @next = $steps > 0 ? (defined $here ? $self->children($here) : $self->bases) :
			defined $here ? $self->parents($here) : die "too far\n";
		$here = only(is_in($lineage, @next));
		die "too far\n" if $steps > 0 && !defined $here;
	}
	return $here;
}

# ids, or base, or steps from where we are; and the lineage
sub resolve
{
	my ($self, $text) = @_;
	my ($name, $place, $steps) = $text =~ /^(?:([^@]+)@)?([^@+-]+)?([+-][0-9]+)?$/
		or die "no target\n";
	die "no target\n" if !defined $place && !$steps || defined $steps && !($steps + 0);
	my $lineage = defined $name ? $self->lineage($self->find($name)) : undef;
	return { lineage => $lineage, steps => $steps } if !defined $place;

	my @ids;
	@ids = is_in($lineage, $self->heads) if $place =~ /^heads?$/;
	only(@ids) if $place eq 'head' || $steps;
	@ids = ($self->find($place, $lineage)) if $place !~ /^(heads?|base)$/;
	die "elsewhere\n" if is_in($lineage, @ids) != @ids;
	return { lineage => $lineage, ids => \@ids, base => $place eq 'base' } if !$steps;
	my $end = $self->walk($ids[0], $steps, $lineage);
	return { lineage => $lineage, ids => [ grep { defined } $end ], base => !defined $end };
}

sub upgrade
{
	my ($self, $target) = @_;
	my ($lineage, $steps, $applied) = (@{$target}{qw(lineage steps)}, $self->{applied});
	my @ids = @{ $target->{ids} // [] };
	die "down\n" if $steps && $steps < 0;
	if ($steps)
	{
		my @here = is_in($lineage, $self->current);
		if ($lineage && !@here)
		{
			my %on_it = map { $_ => 1 } grep { $lineage->{$_} } keys %$applied;
			@here = $self->tips(\%on_it, sub { $self->needing(@_) });
		}
		@ids = $self->walk(only(@here), $steps, $lineage);
	}
	my $wanted = $self->needed(@ids);
	return grep { $wanted->{$_} && !$applied->{$_} } @{ $self->{ids} };
}

sub built_on    # the first that have to go
{
	my ($self, $target) = @_;
	my $lineage = $target->{lineage};
	my @first = map { $self->children($_) } @{ $target->{ids} // [] };
	@first = $lineage ? $self->bases : @{ $self->{ids} } if $target->{base};
	return is_in($lineage, @first);
}

sub downgrade
{
	my ($self, $target) = @_;
	my ($lineage, $steps, $applied) = (@{$target}{qw(lineage steps)}, $self->{applied});
	my @gone = $self->built_on($target);
	die "up\n" if $steps && $steps > 0;
	die "not applied\n" if grep { !$applied->{$_} } @{ $target->{ids} // [] };
	if ($steps)
	{
		my @here = is_in($lineage, $self->current);
		@here = is_in($lineage, $self->tips($applied, sub { $self->children(@_) }))
			if $lineage && !@here;
		my $last = $self->walk(only(@here) // die("too far\n"), $steps + 1, $lineage);
		@gone = ($last // die "too far\n");
	}
	my $above = $self->above(@gone);
	return grep { $above->{$_} && $applied->{$_} } @{ $self->{ids} };
}

sub stamp
{
	my ($self, $purge, @targets) = @_;
	my $applied = $self->{applied};
	die "steps\n" if grep { $_->{steps} } @targets;
	my $wanted = $self->needed(map { @{ $_->{ids} } } @targets);
	my $gone = $self->above($purge ? @{ $self->{ids} } : map { $self->built_on($_) } @targets);
	return grep { $wanted->{$_} ? !$applied->{$_} : $gone->{$_} && $applied->{$_} }
		@{ $self->{ids} };
}

# The ids that the call changes, or undef and an error when it must fail; several targets have
# blanks between.
sub plan
{
	my ($self, $call, $text) = @_;
	my @ids = eval {
		my @targets = map { $self->resolve($_) } split / /, $text;
		$call eq 'upgrade' ? $self->upgrade(@targets) :
			$call eq 'downgrade' ? $self->downgrade(@targets) :
			$self->stamp($call eq 'purge', @targets);
	};
	$self->{error} = $@;
	return $@ ? undef : \@ids;
}

# ---- SQL that puts the model into the ledger ----

sub sql
{
	my ($self, $up, $down) = @_;
	my @ids = @{ $self->{ids} };
	my %ordinal;
	@ordinal{ sort { rand() <=> 0.5 } @ids } = 1 .. @ids;
	$self->{ordinal} = \%ordinal;
	my $sql = "TRUNCATE purser.revision, purser.applied, purser.event;\n";
	$sql .= sprintf "INSERT INTO purser.revision (revision, ordinal, parents, depends_on, labels,"
		. " message, upgrade, downgrade, added_at, added_by) VALUES ('%s', %d, '{%s}', '{%s}',"
		. " '{%s}', 'm', '%s', '%s', now(), 'me');\n",
		$_, $ordinal{$_}, (map { join ',', @{$_} } $self->{parents}{$_}, $self->{depends}{$_},
			$self->{labels}{$_}), $up->($_), $down->($_) for @ids;
	return $sql;
}

sub sql_applied
{
	my ($self) = @_;
	return "TRUNCATE purser.applied;\n" . join '',
		map { "INSERT INTO purser.applied VALUES ('$_', '', now(), 'me');\n" }
		sort keys %{ $self->{applied} };
}

sub text    # for the log of a failure
{
	my ($self) = @_;
	return map { my $id = $_; sprintf '%s: parents (%s) depends (%s) labels (%s)%s', $id,
		(map { join ' ', @{ $self->{$_}{$id} } } qw(parents depends labels)),
		$self->{applied}{$id} ? ' applied' : '' } @{ $self->{ids} };
}

1;
