# Beside other extensions: a workload under pg_purser and pg_stat_statements, auto_explain,
# pg_qualstats, pgaudit and pg_hint_plan, in the orders that matter, with everything of the audit on.
# Its results are those of a server without any of them, what the audit finds is the same in each
# order, and what the others tell is what they tell without pg_purser.
#
# Orders: all hooks here are chains in which each calls the one that was there before it. What an
# extension sees depends on who calls it and whom it calls, so each must be seen before and after
# each other as its neighbour, first, last and between. The rows of a Williams square (for an odd
# number and its mirror) do that: every ordered pair is next to each other in one row, and each has
# each place. Pairs with pg_purser alone show the same without the others' company.
#
# Extensions that are not installed are named and left out.
use strict;
use warnings;
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $scripts = dirname(__FILE__) . '/../scripts';
my @everything = grep { !/^-c$|audit_max/ } split /\n/, `$scripts/audit-everything`;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', join("\n", @everything, q{
autovacuum = off
jit = off
compute_query_id = on
max_worker_processes = 12
max_parallel_workers = 8
log_min_messages = notice
log_line_prefix = '%m [%p] '
log_statement = none
log_min_duration_statement = -1
pg_stat_statements.track = all
pg_stat_statements.track_planning = on
auto_explain.log_min_duration = 0
auto_explain.log_analyze = on
auto_explain.log_buffers = on
auto_explain.log_timing = off
auto_explain.log_triggers = on
auto_explain.log_nested_statements = on
auto_explain.sample_rate = 1
pg_qualstats.enabled = on
pg_qualstats.sample_rate = 1
pgaudit.log = 'all'
pgaudit.log_catalog = off
pgaudit.log_relation = on
pgaudit.log_client = off
}));
my $version = $node->config_data('--version') =~ /(\d+)/ ? $1 : die;
my $libraries = $node->config_data('--pkglibdir');
my @others;
foreach my $other (qw(pg_stat_statements auto_explain pg_qualstats pgaudit pg_hint_plan))
{
	if (-e "$libraries/$other.so") { push @others, $other }
	else { diag("without $other, which is not installed") }
}

# ---- the tables, once; each order starts with a copy of them

sub preload
{
	$node->append_conf('postgresql.conf', "shared_preload_libraries = '" . join(',', @_) . "'");
	return;
}

preload('pg_purser', @others);
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_purser');
foreach my $other (grep { /^pg_(stat_statements|qualstats)$/ } @others)
{
	$node->safe_psql('postgres', "CREATE EXTENSION $other");
}
$node->safe_psql('postgres', q{
CREATE TABLE big (id int PRIMARY KEY, grp int, val int, pad text);
INSERT INTO big SELECT i, i % 1000, i % 7, 'X' || i FROM generate_series(1, 20000) i;
CREATE INDEX ON big (val);
CREATE INDEX ON big (pad);
CREATE TABLE parent (id int PRIMARY KEY, name text, tenant int);
INSERT INTO parent SELECT i, 'p' || i, i % 50 FROM generate_series(1, 200) i;
CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent ON DELETE CASCADE, v int);
INSERT INTO child SELECT i, i % 200 + 1, i FROM generate_series(1, 2000) i;
CREATE INDEX ON child (parent_id);
CREATE TABLE noted (id int, n bigint);
CREATE TABLE tenant (id int);
INSERT INTO tenant VALUES (7);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN INSERT INTO noted SELECT NEW.id, count(*) FROM big WHERE grp = NEW.id; RETURN NEW; END';
CREATE TRIGGER note AFTER INSERT OR UPDATE ON child FOR EACH ROW EXECUTE FUNCTION note();
CREATE FUNCTION loops(int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE sum bigint := 0; i int;
BEGIN
    FOR i IN SELECT id FROM parent WHERE id <= $1 ORDER BY id LOOP
        sum := sum + (SELECT count(*) FROM child WHERE parent_id = i);
    END LOOP;
    RETURN sum;
END $$;
CREATE FUNCTION caught() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 / (id - 500) FROM big WHERE grp = 500;
    RETURN 'not';
EXCEPTION WHEN division_by_zero THEN
    RETURN (SELECT 'caught ' || count(*) FROM big WHERE grp = 5);
END $$;
CREATE FUNCTION current_tenant() RETURNS int STABLE LANGUAGE sql AS 'SELECT max(id) FROM tenant';
CREATE FUNCTION seven() RETURNS int IMMUTABLE LANGUAGE sql SET search_path = pg_catalog AS 'SELECT 7';
CREATE FUNCTION absolute(int) RETURNS int IMMUTABLE STRICT LANGUAGE internal AS 'int4abs';
CREATE PROCEDURE commits() LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. 3 LOOP INSERT INTO noted SELECT i, count(*) FROM big WHERE grp = i; COMMIT; END LOOP;
END $$;
CREATE MATERIALIZED VIEW totals AS SELECT val, count(*) FROM big GROUP BY val;
VACUUM ANALYZE;
SELECT purser.audit_reset();
});
$node->safe_psql('postgres', "SELECT ${_}_reset()") foreach grep { /^pg_(stat_statements|qualstats)$/ } @others;
$node->stop;
my $copy = $node->basedir . '/copy';
PostgreSQL::Test::Utils::system_or_bail('cp', '-a', $node->data_dir, $copy);

# ---- the workload

my $parallel = join('', map { "SET $_;\n" } 'parallel_setup_cost = 0', 'parallel_tuple_cost = 0',
	'min_parallel_table_scan_size = 0', 'max_parallel_workers_per_gather = 2');
my $psql = q{
SELECT id FROM big WHERE grp = 7 ORDER BY id LIMIT 3;
SELECT id FROM big WHERE grp = 8 ORDER BY id LIMIT 3;
SELECT id FROM big WHERE grp = 9 ORDER BY id LIMIT 3;
SELECT count(*) FROM parent WHERE tenant = current_tenant();
SELECT count(*) FROM parent WHERE tenant = current_tenant();
SELECT count(*) FROM parent WHERE tenant = current_tenant();
SELECT count(*) FROM big WHERE grp = seven();
SELECT count(*) FROM big WHERE grp = seven();
SELECT count(*) FROM big WHERE grp = seven();
SELECT count(*) FROM big WHERE grp = absolute(-6);
SELECT count(*) FROM big WHERE grp = absolute(-6);
SELECT count(*) FROM big WHERE grp = absolute(-6);
SELECT id FROM big WHERE lower(pad) = 'x7';
SELECT id FROM big WHERE lower(pad) = 'x8';
SELECT id FROM big WHERE lower(pad) = 'x9';
PREPARE q(int) AS SELECT count(*) FROM big WHERE grp = $1;
} . join('', map { "EXECUTE q($_);\n" } 1 .. 8) . q{
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id FROM big WHERE grp = 7 ORDER BY id;
FETCH 5 FROM c;
FETCH ALL FROM c;
MOVE BACKWARD 7 FROM c;
FETCH ALL FROM c;
CLOSE c;
DECLARE d SCROLL CURSOR FOR SELECT id FROM big WHERE grp = 7;
FETCH ALL FROM d;
FETCH BACKWARD 2 FROM d;
FETCH ALL FROM d;
CLOSE d;
COMMIT;
SELECT loops(20);
SELECT loops(20);
SELECT caught();
SELECT caught();
SELECT 1 / (id - 10500) FROM big WHERE grp = 500;
BEGIN;
SELECT count(*) FROM big WHERE grp = 1;
SAVEPOINT s;
SELECT 1 / (id - 10500) FROM big WHERE grp = 500;
ROLLBACK TO s;
SELECT count(*) FROM big WHERE grp = 1;
COMMIT;
SET statement_timeout = '100ms';
SELECT pg_sleep(60) FROM tenant;
DO 'BEGIN PERFORM pg_sleep(60) FROM tenant; END';
RESET statement_timeout;
INSERT INTO child SELECT i, i - 3000, i FROM generate_series(3001, 3010) i;
UPDATE child SET v = v + 1 WHERE id > 3000;
WITH moved AS (UPDATE big SET val = val + 1 WHERE grp = 999 RETURNING id) SELECT id FROM moved LIMIT 1;
WITH moved AS (UPDATE big SET val = val + 1 WHERE grp = 999 RETURNING id) SELECT id FROM moved LIMIT 1;
WITH moved AS (UPDATE big SET val = val + 1 WHERE grp = 999 RETURNING id) SELECT id FROM moved LIMIT 1;
DELETE FROM parent WHERE id = 10;
CALL commits();
CREATE TABLE made AS SELECT id, val FROM big WHERE grp = 3;
CREATE TABLE made_again AS SELECT id, val FROM big WHERE grp = 3;
REFRESH MATERIALIZED VIEW totals;
COPY (SELECT id FROM big WHERE grp = 4 ORDER BY id) TO STDOUT;
COPY (SELECT id FROM big WHERE grp = 4 ORDER BY id) TO STDOUT;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) SELECT id FROM big WHERE grp = 7;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) SELECT id FROM big WHERE grp = 7;
BEGIN;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF)
WITH moved AS (UPDATE big SET val = val + 1 WHERE grp = 998 RETURNING id) SELECT id FROM moved LIMIT 1;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF)
WITH moved AS (UPDATE big SET val = val + 1 WHERE grp = 998 RETURNING id) SELECT id FROM moved LIMIT 1;
ROLLBACK;
SELECT p.name, c.v FROM parent p JOIN child c ON c.parent_id = p.id WHERE p.id = 3 ORDER BY c.v LIMIT 4;
VACUUM child;
SELECT count(*), sum(n) FROM noted;
} . $parallel . q{
SELECT count(*) FROM big WHERE grp = 11;
SELECT count(*) FROM big WHERE grp = 12;
SELECT count(*) FROM big WHERE grp = 13;
RESET max_parallel_workers_per_gather;
/*+ SeqScan(big) */ SELECT val FROM big WHERE id = 17;
/*+ IndexScan(big) */ SELECT max(length(pad)) FROM big WHERE id > 100;
/*+ IndexScan(big) */ SELECT max(length(pad)) FROM big WHERE id > 100;
/*+ IndexScan(big big_val_idx) */ SELECT id FROM big WHERE grp = 14 AND val >= 0 ORDER BY id;
/*+ IndexScan(big big_val_idx) */ SELECT id FROM big WHERE grp = 15 AND val >= 0 ORDER BY id;
/*+ IndexScan(big big_val_idx) */ SELECT id FROM big WHERE grp = 16 AND val >= 0 ORDER BY id;
};
my $pgbench = q{
\set g 5
SELECT id FROM big WHERE grp = :g;
BEGIN;
SELECT id FROM parent WHERE id <= 6;
} . join('', map { "\\set p $_\nSELECT v FROM child WHERE parent_id = :p;\n" } 1 .. 6) . "COMMIT;\n";
my $pgbench_file = $node->basedir . '/pgbench.sql';
append_to_file($pgbench_file, $pgbench);

# ---- what a server with these libraries made of it

# Statements and plans in the log, without what differs from run to run.
sub log_of
{
	my ($from) = @_;
	my $log = substr(slurp_file($node->logfile), $from);
	my (@audited, @plans, @notices);

	foreach my $entry (split /^(?=\d{4}-\d\d-\d\d [\d:.]+ \S+ \[\d+\])/m, $log)
	{
		next unless $entry =~ /\] (\w+):  (.*)/s;
		my ($level, $text) = ($1, $2);
		push @audited, $1 if $text =~ /\AAUDIT: (.*)/s;
		push @notices, $1 if $level eq 'NOTICE' && $text =~ /violates audit rule "(\w+)"/;
		next unless $text =~ /\Aduration: [\d.]+ ms  plan:\n(.*)/s;
		my $plan = $1;
		$plan =~ s/ \(cost=[^)]*\)//g;
		$plan =~ s/Buffers: .*/Buffers/g;
		$plan =~ s/ time=[\d.]+//g;
		$plan =~ s/^\s*Query Identifier.*\n//mg;
		push @plans, $plan;
	}
	# with buffers, wherever a scan ran
	return { pgaudit => \@audited, plans => \@plans, notices => join(' ', sort @notices) };
}

sub lines
{
	my ($query) = @_;
	return [ split /\n/, $node->safe_psql('postgres', $query) ];
}

sub run_workload
{
	my (@preloaded) = @_;
	my %is = map { $_ => 1 } @preloaded;
	my %seen;

	PostgreSQL::Test::Utils::system_or_bail('rm', '-rf', $node->data_dir);
	PostgreSQL::Test::Utils::system_or_bail('cp', '-a', $copy, $node->data_dir);
	preload(@preloaded);
	$node->start;
	my $from = -s $node->logfile;
	{
		local $ENV{PGOPTIONS} = '-c client_min_messages=error';
		my ($status, $out, $err) = $node->psql('postgres', $psql, on_error_stop => 0,
			extra_params => [ '-v', 'VERBOSITY=verbose' ]);
		$err =~ s/^psql:<stdin>:\d+: //mg;
		$seen{results} = [ split /\n/, "$out\n$err" ];
		# auto_explain: one session after the other, so one log after the other
		foreach my $mode ('extended', 'prepared')
		{
			my ($out, $err);
			IPC::Run::run([ 'pgbench', '-n', '-t', '7', '-M', $mode, '-f', $pgbench_file,
					$node->connstr('postgres') ], '>', \$out, '2>', \$err);
			like($out, qr{processed: 7/7}, "pgbench $mode, @preloaded") or diag($err);
		}
	}
	%seen = (%seen, %{ log_of($from) });
	if ($is{pg_purser})
	{
		$seen{findings} = lines(q{SELECT rule, relation, columns, occurrences, suggestion, query FROM purser.findings
			WHERE rule NOT IN ('row_misestimate', 'stale_statistics') ORDER BY 1, 2, 3, 4, 5, 6});
		$seen{counts} = lines(q{SELECT queryid, calls, unfinished, rows_read, rows_returned FROM purser.query_stats
			WHERE queryid IN (SELECT queryid FROM purser.findings) ORDER BY 1});
	}
	$seen{statements} = lines(q{SELECT toplevel, calls, rows, CASE WHEN toplevel AND query !~ '^PREPARE' AND plans = calls THEN plans END, query
		FROM pg_stat_statements WHERE query !~ 'purser\.|pg_stat_statements|pg_qualstats' ORDER BY query, toplevel})
	  if $is{pg_stat_statements};
	$seen{quals} = lines(q{SELECT coalesce(lrelid, rrelid)::regclass, coalesce(lattnum, rattnum), opno, eval_type, sum(occurences), sum(execution_count), sum(nbfiltered)
		FROM pg_qualstats WHERE coalesce(lrelid, rrelid) > 16383 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4})
	  if $is{pg_qualstats};
	check_errors(@preloaded) if $is{pg_purser};
	$node->stop;
	return \%seen;
}

# purser.audit_error: a statement fails, and whoever is there goes on as before.
sub check_errors
{
	my (@preloaded) = @_;
	my %is = map { $_ => 1 } @preloaded;
	my $from = -s $node->logfile;
	my ($status, $out, $err) = $node->psql('postgres', q{
SET purser.audit_error = 'missing_index';
SELECT count(*) FROM big WHERE grp = 21;
DO $$ BEGIN PERFORM count(*) FROM big WHERE grp = 22; EXCEPTION WHEN SQLSTATE 'PU001' THEN NULL; END $$;
BEGIN; SAVEPOINT s;
SELECT count(*) FROM big WHERE grp = 23;
ROLLBACK TO s; COMMIT;
RESET purser.audit_error;
SELECT 4711 FROM tenant;
SELECT loops(2);
}, on_error_stop => 0);
	my $failures = () = $err =~ /ERROR:  query violates audit rule "missing_index"/g;
	is("$failures|" . ($out =~ /4711\n22\z/ ? 'works' : $out), '2|works', "errors of the audit, @preloaded");
	is($node->safe_psql('postgres', q{SELECT toplevel, calls FROM pg_stat_statements WHERE query LIKE 'SELECT $1 FROM tenant'}),
		't|1', "statements are at the top afterwards, @preloaded") if $is{pg_stat_statements};
	my $seen = log_of($from);
	is(scalar(grep { /4711/ } @{ $seen->{plans} }), 1, "auto_explain goes on, @preloaded") if $is{auto_explain};
	is(scalar(grep { /4711/ } @{ $seen->{pgaudit} }), 1, "pgaudit goes on, @preloaded") if $is{pgaudit};
	return;
}

# ---- orders

sub williams
{
	my (@names) = @_;
	my $n = @names;
	my @first = map { $_ % 2 ? ($_ + 1) / 2 : ($n - $_ / 2) % $n } 0 .. $n - 1;
	my @rows;
	foreach my $shift (0 .. $n - 1)
	{
		my @row = map { $names[ ($_ + $shift) % $n ] } @first;
		push @rows, \@row;
		push @rows, [ reverse @row ] if $n % 2;
	}
	return @rows;
}
my @orders = williams('pg_purser', @others);
my (%neighbours, %places);
foreach my $order (@orders)
{
	$places{"$order->[$_] $_"} = 1 foreach 0 .. $#$order;
	$neighbours{"$order->[$_ - 1] $order->[$_]"} = 1 foreach 1 .. $#$order;
}
is(scalar(keys %neighbours), @others * (@others + 1), 'each extension is before and after each other');
is(scalar(keys %places), (@others + 1)**2, 'and in each place');

sub same
{
	my ($seen, $expected, $name) = @_;
	return is_deeply($seen, $expected, $name);
}

my $none = run_workload();
my $alone = run_workload('pg_purser');
my $without = run_workload(@others);
same($alone->{results}, $none->{results}, 'pg_purser alone: same results');
cmp_ok(scalar(@{ $alone->{findings} }), '>=', 15, 'and findings');
isnt($alone->{notices}, '', 'that are told to the log');
isnt(scalar(grep { /missing_index.*big/ } @{ $alone->{findings} }), 0, 'such as missing indexes');
isnt(scalar(grep { /^non_sargable.*big/ } @{ $alone->{findings} }), 0, 'and what only planning again can prove');
isnt(scalar(grep { /actual rows=.*Buffers/s } @{ $without->{plans} }), 0, 'auto_explain logs what it is asked to')
  if grep { $_ eq 'auto_explain' } @others;
isnt(scalar(grep { /SeqScan.*Seq Scan on big/s } @{ $without->{plans} }), 0, 'hints are obeyed')
  if grep { $_ eq 'pg_hint_plan' } @others;
isnt(scalar(@{ $without->{pgaudit} }), 0, 'pgaudit too') if grep { $_ eq 'pgaudit' } @others;

my ($in_company, %single);
foreach my $order (@orders, map { ([ 'pg_purser', $_ ], [ $_, 'pg_purser' ]) } @others)
{
	my $name = join(', ', @$order);
	my %is = map { $_ => 1 } @$order;
	my ($other) = grep { $_ ne 'pg_purser' } @$order;
	my $reference = @$order > 2 ? $without : ($single{$other} //= run_workload($other));
	my $seen = run_workload(@$order);

	same($seen->{results}, $reference->{results}, "results: $name");
	same($seen->{statements}, $reference->{statements}, "pg_stat_statements: $name") if $is{pg_stat_statements};
	same($seen->{plans}, $reference->{plans}, "auto_explain: $name") if $is{auto_explain};
	same($seen->{quals}, $reference->{quals}, "pg_qualstats: $name") if $is{pg_qualstats};
	same($seen->{pgaudit}, $reference->{pgaudit}, "pgaudit: $name") if $is{pgaudit};
	$in_company //= $seen if @$order > 2;
	my $expected = @$order > 2 || $is{pg_hint_plan} ? $in_company : $alone;
	same($seen->{findings}, $expected->{findings}, "findings: $name");
	same($seen->{counts}, $expected->{counts}, "counts: $name");
	is($seen->{notices}, $expected->{notices}, "notices: $name");
}

done_testing();
