# Tables of TimescaleDB under the audit, which is loaded before it and after it: the same results as
# without, the same findings in both orders. Skipped where that is not installed.
use strict;
use warnings;
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('hypertable');
plan skip_all => 'TimescaleDB is not installed'
  unless -e $node->config_data('--pkglibdir') . '/timescaledb.so';

my $scripts = dirname(__FILE__) . '/../scripts';
my @everything = grep { !/^-c$|audit_max/ } split /\n/, `$scripts/audit-everything`;
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', join("\n", @everything, q{
timescaledb.telemetry_level = off
timescaledb.max_background_workers = 0
max_worker_processes = 12
autovacuum = off
jit = off
log_min_messages = notice
shared_preload_libraries = 'timescaledb'
}));
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION timescaledb;
CREATE EXTENSION pg_purser;
CREATE TABLE metric (at timestamptz NOT NULL, device int, v int, note text);
SELECT create_hypertable('metric', 'at', chunk_time_interval => interval '1 day');
CREATE TABLE device (id int PRIMARY KEY, name text);
INSERT INTO device SELECT i, 'd' || i FROM generate_series(1, 50) i;
INSERT INTO metric SELECT timestamptz '2026-01-01 00:00+00' + i * interval '1 minute', i % 50 + 1, i % 1000, repeat('n', 20)
FROM generate_series(0, 14399) i;
ANALYZE;
});
$node->stop;
my $copy = $node->basedir . '/copy';
system_or_bail('cp', '-a', $node->data_dir, $copy);

my $workload = q{
SET timezone = 'UTC';
SELECT at FROM metric WHERE v = 17 ORDER BY at LIMIT 3;
SELECT at FROM metric WHERE v = 18 ORDER BY at LIMIT 3;
SELECT at FROM metric WHERE v = 19 ORDER BY at LIMIT 3;
PREPARE q(int) AS SELECT count(*) FROM metric WHERE v = $1;
} . join('', map { "EXECUTE q($_);\n" } 1 .. 8) . q{
SELECT time_bucket('1 day', at) AS day, count(*), max(v) FROM metric WHERE device = 7 GROUP BY day ORDER BY day;
SELECT time_bucket('1 day', at) AS day, count(*), max(v) FROM metric WHERE device = 8 GROUP BY day ORDER BY day;
SELECT count(*) FROM metric WHERE at >= timestamptz '2026-01-03 12:00+00' - interval '1 hour' AND at < '2026-01-03 12:00+00' AND v > 900;
SELECT device, first(v, at), last(v, at) FROM metric WHERE device < 4 GROUP BY device ORDER BY device;
SELECT d.name, sum(m.v) FROM device d JOIN metric m ON m.device = d.id WHERE m.v = 5 GROUP BY d.name ORDER BY 1;
SELECT count(*) FROM metric OFFSET 0;
SELECT at, v FROM metric ORDER BY at LIMIT 2 OFFSET 9000;
SELECT at, v FROM metric ORDER BY at LIMIT 2 OFFSET 9002;
INSERT INTO metric SELECT timestamptz '2026-03-01 00:00+00' + i * interval '6 hours', i, i, 'new' FROM generate_series(1, 20) i;
UPDATE metric SET note = 'changed' WHERE at >= '2026-03-01' AND v < 10;
DELETE FROM metric WHERE at >= '2026-03-01' AND v = 20;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT at, device FROM metric WHERE v = 33 ORDER BY at;
FETCH 2 FROM c;
FETCH ALL FROM c;
FETCH BACKWARD 2 FROM c;
COMMIT;
SELECT 1 / (v - 500) FROM metric WHERE device = 1 AND v = 500;
SELECT 1 / (v - 550) FROM metric WHERE v = 550;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT count(*), sum(v) FROM metric WHERE note <> 'n';
SELECT count(*), sum(v) FROM metric WHERE v = 3;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) SELECT at FROM metric WHERE v = 17 AND at < '2026-01-03';
SELECT drop_chunks('metric', older_than => timestamptz '2026-01-02');
SELECT count(*) FROM metric WHERE v = 17;
};

sub run_workload
{
	my (@preloaded) = @_;
	system_or_bail('rm', '-rf', $node->data_dir);
	system_or_bail('cp', '-a', $copy, $node->data_dir);
	$node->append_conf('postgresql.conf', "shared_preload_libraries = '" . join(',', @preloaded) . "'");
	$node->start;
	local $ENV{PGOPTIONS} = '-c client_min_messages=error';
	my ($status, $out, $err) = $node->psql('postgres', $workload, on_error_stop => 0);
	$err =~ s/^psql:<stdin>:\d+: //mg;
	my %seen = (results => [ split /\n/, "$out\n$err" ]);
	$seen{findings} = [ split /\n/, $node->safe_psql('postgres', q{
SELECT rule, relation, columns, occurrences, suggestion FROM purser.findings
WHERE rule NOT IN ('row_misestimate', 'stale_statistics') ORDER BY 1, 2, 3, 4, 5}) ]
	  if grep { $_ eq 'pg_purser' } @preloaded;
	$node->stop;
	return \%seen;
}

my $without = run_workload('timescaledb');
is(scalar(grep { /^2026-01-01 00:17:00\+00$/ } @{ $without->{results} }), 1, 'the workload runs');
my $first = run_workload('pg_purser', 'timescaledb');
is_deeply($first->{results}, $without->{results}, 'the same results, loaded before it');
isnt(scalar(grep { /^missing_index|^discarded_rows/ } @{ $first->{findings} }), 0, 'and findings');
my $second = run_workload('timescaledb', 'pg_purser');
is_deeply($second->{results}, $without->{results}, 'the same results, loaded after it');
is_deeply($second->{findings}, $first->{findings}, 'and findings');
my $company = run_workload('pg_stat_statements', 'timescaledb', 'auto_explain', 'pg_purser');
is_deeply($company->{results}, $without->{results}, 'in company, too');

done_testing();
