# Random graphs and a random history on them: every position can be gone to, up and down, by its
# tag and by its time, and leaves a ledger in which check_ledger() finds no error.
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
$node->safe_psql('postgres', q{
	CREATE EXTENSION pg_purser;
	CREATE TABLE state (tag text, ids text[]);
	CREATE FUNCTION here() RETURNS text[] LANGUAGE sql VOLATILE
		AS $$ SELECT coalesce(array_agg(revision ORDER BY revision), '{}') FROM purser.applied $$;
	CREATE FUNCTION mark(tag text) RETURNS void LANGUAGE sql VOLATILE AS $$
		SELECT purser.tag(tag);
		INSERT INTO state SELECT tag, here() $$;
	CREATE FUNCTION steps(direction text, target text) RETURNS text[] LANGUAGE sql VOLATILE
		AS $$ SELECT array_agg(revision ORDER BY step) FROM purser.plan(direction, target) $$;
	-- to the position: up to it keeps what is there besides, down to it is exactly it
	CREATE FUNCTION visit(target text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		was text[] := (SELECT ids FROM state WHERE tag = target);
		at text := (SELECT 'time:' || coalesce(e.at, '-infinity') FROM purser.tag t
			LEFT JOIN purser.event e ON e.id = t.event_id WHERE t.name = target);
		before text[] := here();
	BEGIN
		IF steps('upgrade', 'tag:' || target) IS DISTINCT FROM steps('upgrade', at) THEN
			RETURN target || ': another way up by its time';
		END IF;
		PERFORM purser.upgrade('tag:' || target);
		IF NOT (here() @> was AND here() @> before AND was || before @> here()) THEN
			RETURN format('up to %s: was %s, before %s, is %s', target, was, before, here());
		END IF;
		IF steps('downgrade', 'tag:' || target) IS DISTINCT FROM steps('downgrade', at) THEN
			RETURN target || ': another way down by its time';
		END IF;
		PERFORM purser.downgrade('tag:' || target);
		IF here() <> was THEN
			RETURN format('down to %s: was %s, is %s', target, was, here());
		END IF;
		RETURN (SELECT coalesce(string_agg(kind || ' ' || subject, ', '), 'as it was')
			FROM purser.check_ledger() WHERE severity = 'error');
	END $$;
});

# A revision needs some of those before it.
sub graph_sql
{
	my ($size) = @_;
	my $sql = '';
	for my $n (1 .. $size)
	{
		my %needs = map { 'r' . (1 + int rand($n - 1)) => 1 } 1 .. ($n > 1 ? int rand 4 : 0);
		my ($parent, @depends) = sort keys %needs;
		$sql .= sprintf "SELECT purser.add_revision('m', '', '', 'r%d', '{%s}', '{%s}');\n", $n,
			$parent // '', join ',', @depends;
	}
	return $sql;
}

my $wrong = '';
for my $graph (1 .. 15)
{
	my $size = 2 + int rand 12;
	my $sql = "TRUNCATE purser.revision, purser.applied, purser.event, purser.tag, state;\n"
		. graph_sql($size) . "SELECT mark('start');\n";
	for my $n (1 .. 12)
	{
		my $id = 'r' . (1 + int rand $size);
		my $purge = rand() < 0.5 ? 'true' : 'false';
		my @calls = ("SELECT purser.upgrade('$id');\n", "SELECT purser.stamp('$id', $purge);\n",
			"SELECT purser.downgrade(coalesce((SELECT min(revision) FROM purser.applied"
				. " WHERE revision >= '$id'), 'base'));\n");
		$sql .= $calls[ rand() < 0.5 ? 0 : 1 + int rand 2 ];
		$sql .= "SELECT mark('t$n');\n";
		$sql .= "SELECT 'visit ' || visit('t" . (1 + int rand $n) . "');\n";
	}
	my ($ret, $out, $err) = $node->psql('postgres', $sql, on_error_stop => 0);
	my @visits = $out =~ /^visit (.*)$/mg;
	$wrong .= "graph $graph: $_\n" for grep { $_ ne 'as it was' } @visits;
	$wrong .= "graph $graph: " . @visits . " visits\n$err\n" if @visits != 12 || $err;
}
is($wrong, '', 'every position is what it was');

done_testing();
