# What loads bring in is row for row the same on a standby, page by page too, and at a subscriber; a standby
# refuses loads, and so does a published table whose updates could not be told to a subscriber.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 'logical', extra => [ '--encoding=UTF8', '--locale=C' ]);
# The standby compares each page that it makes with the one here. Large transactions are streamed in pieces.
$node->append_conf('postgresql.conf', <<'END');
autovacuum = off
wal_consistency_checking = 'all'
logical_decoding_work_mem = 64kB
END
$node->start;
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$subscriber->append_conf('postgresql.conf', "autovacuum = off\n");
$subscriber->start;

my $tables = <<'END';
CREATE TABLE plain (id int PRIMARY KEY, n int DEFAULT 7, t text, big text, twice int GENERATED ALWAYS AS (n * 2) STORED);
CREATE INDEX ON plain (n);
CREATE INDEX ON plain USING gin (to_tsvector('simple', t));
CREATE TABLE whole (id int, t text);
ALTER TABLE whole REPLICA IDENTITY FULL;
CREATE TABLE by_index (id int NOT NULL, code text NOT NULL, t text);
CREATE UNIQUE INDEX by_code ON by_index (code);
ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_code;
CREATE TABLE parts (id int, t text, n int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE parts1 PARTITION OF parts FOR VALUES FROM (0) TO (1000);
CREATE TABLE parts2 (n int, dropped int, t text, id int NOT NULL);
ALTER TABLE parts2 DROP dropped;
ALTER TABLE parts ATTACH PARTITION parts2 FOR VALUES FROM (1000) TO (9000);
CREATE TABLE child (id int PRIMARY KEY, plain int REFERENCES plain);
CREATE TABLE no_identity (id int NOT NULL UNIQUE, t text);
CREATE TABLE no_identities (id int NOT NULL UNIQUE, t text) PARTITION BY RANGE (id);
CREATE TABLE no_identities1 PARTITION OF no_identities FOR VALUES FROM (0) TO (10);
CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY);
END
my @names = qw(plain whole by_index parts child);

$node->safe_psql('postgres', <<"END");
CREATE EXTENSION pg_purser;
$tables
CREATE PUBLICATION everything FOR TABLE plain, whole, by_index, parts, child, no_identity, no_identities WITH (publish_via_partition_root = true);
CREATE FUNCTION rows(first int, last int) RETURNS text LANGUAGE sql AS \$\$
    SELECT E'id,n,t,big\\n' || string_agg(format('%s,%s,row %s,%s', i, hashint4(i) % 1000000, i, CASE WHEN i % 97 = 0 THEN repeat(md5(i::text), 700) END),
        E'\\n' ORDER BY hashint4(i)) FROM generate_series(first, last) i
\$\$;
END
$subscriber->safe_psql('postgres', $tables);
my $publisher = $node->connstr('postgres') =~ s/'/''/gr;
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION everything CONNECTION '$publisher' PUBLICATION everything WITH (streaming = on)");
$subscriber->wait_for_subscription_sync($node, 'everything') if $subscriber->can('wait_for_subscription_sync');

my $contents = join ' UNION ALL ', map { "SELECT '$_', count(*), sum(hashtext(r::text)::bigint) FROM $_ r" } @names;

sub check_copies
{
	my $what = shift;
	my $wanted = $node->safe_psql('postgres', $contents);
	$node->wait_for_catchup($standby);
	$node->wait_for_catchup('everything');
	is($standby->safe_psql('postgres', $contents), $wanted, "$what: the same on the standby");
	is($subscriber->safe_psql('postgres', $contents), $wanted, "$what: the same at the subscriber");
}

sub load
{
	my ($what, @calls) = @_;
	foreach my $call (@calls)
	{
		my ($ret, $out, $err) = $node->psql('postgres', "SELECT * FROM purser.$call", on_error_stop => 1);
		is($ret, 0, $what) or diag($err);
	}
	check_copies($what);
}

load('inserted', q(bulk_insert('plain', rows(1, 3000), 'csv')));
load('indexes rebuilt', q(bulk_insert('plain', rows(3001, 6000), 'csv', indexes => 'rebuild')));
load('upsert', q(bulk_insert('plain', rows(5001, 8000), 'csv', on_conflict => 'update')),
	q(bulk_insert('plain', E'id,n\n1,11\n1,12\n9001,1\n9001,2', 'csv', on_conflict => 'update', update_where => 'plain.n <> excluded.n')));
load('skip', q(bulk_insert('plain', rows(7001, 9000), 'csv', on_conflict => 'skip')));
load('bad rows', q(bulk_insert('plain', rows(8501, 9500) || E'\nx\n1,1,1\n,1,1,1', 'csv', rejects => true)));
load('children', q(bulk_insert('child', (SELECT jsonb_agg(jsonb_build_object('id', i, 'plain', i % 100 + 1)) FROM generate_series(1, 2000) i))));
load('REPLICA IDENTITY FULL', q(bulk_insert('whole', (SELECT jsonb_agg(jsonb_build_object('id', i % 1500, 't', i)) FROM generate_series(1, 2000) i))),
	q(bulk_update('whole', E'id,t\n1,new\n2,\n77,old', '{id}', 'csv')), q(bulk_delete('whole', '[3, 4, 5]', '{id}')));
load('REPLICA IDENTITY USING INDEX', q(bulk_insert('by_index', (SELECT jsonb_agg(jsonb_build_object('id', i, 'code', i % 1500)) FROM generate_series(1, 2000) i),
	on_conflict => 'update', conflict_columns => '{code}')), q(bulk_delete('by_index', '["7", "8"]', '{code}')));
load('partitions', q(bulk_insert('parts', (SELECT jsonb_agg(jsonb_build_object('id', i, 'n', i, 't', 'part')) FROM generate_series(1, 4000) i))),
	q(bulk_insert('parts', (SELECT jsonb_agg(jsonb_build_object('id', i, 't', 'again')) FROM generate_series(900, 5000) i), on_conflict => 'update')),
	q(bulk_update('parts', E'id,n\n1,10\n1001,11', format => 'csv')), q(bulk_delete('parts', '[2, 1002]')));
load('update and delete', q(bulk_update('plain', E'id,n,t\n1,5,five\n2,,\n', format => 'csv')), q(bulk_delete('plain', '[8000, 8001]')));
load('arrays, tree, rows back', q(bulk_insert_arrays('plain', '{id,n}', ARRAY[10001, 10002], ARRAY[1, NULL])),
	q(bulk_insert_tree('plain', '[{"id": 10003, "child": [{"id": 10003}, {"id": 10004}]}]')),
	q(bulk_insert_returning(NULL::plain, '[{"id": 10005}]')));

# Rolled back, in part or as a whole, with pieces already sent.
$node->safe_psql('postgres', <<'END');
BEGIN;
SELECT purser.bulk_insert('plain', rows(20001, 22000), 'csv');
SAVEPOINT undone;
SELECT purser.bulk_insert('plain', rows(22001, 24000), 'csv');
SELECT purser.bulk_insert('plain', rows(20001, 21000), 'csv', on_conflict => 'update');
ROLLBACK TO undone;
SELECT purser.bulk_insert('plain', rows(21001, 23000), 'csv', on_conflict => 'skip');
COMMIT;
BEGIN;
SELECT purser.bulk_insert('plain', rows(30001, 33000), 'csv');
ROLLBACK;
END
check_copies('savepoints');

my $file = $node->basedir . '/rows.csv';
$node->safe_psql('postgres', "COPY (SELECT i AS id, i AS n FROM generate_series(40001, 44000) i) TO '$file' (FORMAT csv, HEADER)");
$node->safe_psql('postgres', "CALL purser.load('plain', '$file', 0, 10000)");
check_copies('a file in ranges');

# What a subscriber could not follow is refused, as for INSERT ... ON CONFLICT DO UPDATE.
$node->safe_psql('postgres', "SELECT purser.bulk_insert('$_', E'id,t\\n1,a', 'csv') FROM (VALUES (1)) v") foreach ('no_identity', 'no_identities');
my $refused = qr/cannot update table "no_identit\w+" because it does not have a replica identity and publishes updates/;
foreach my $call (
	q(bulk_insert('no_identity', E'id,t\n1,b', 'csv', on_conflict => 'update', conflict_columns => '{id}')),
	q(bulk_insert('no_identities', E'id,t\n1,b', 'csv', on_conflict => 'update', conflict_columns => '{id}')),
	q(bulk_update('no_identity', E'id,t\n1,b', '{id}', 'csv')))
{
	my (undef, undef, $err) = $node->psql('postgres', "SELECT purser.$call");
	like($err, $refused, 'no replica identity');
}
$node->safe_psql('postgres', q(SELECT purser.bulk_insert('no_identity', E'id,t\n1,b\n2,c', 'csv', on_conflict => 'skip')));
check_copies('skip needs no replica identity');

# A standby reads only.
foreach my $call (
	q(bulk_insert('plain', '[{"id": 1}]')),
	q(bulk_insert('plain', '[{"id": 1}]', indexes => 'rebuild')),
	q(bulk_insert('plain', '[{"id": 1}]', indexes => 'auto')),
	q(bulk_insert('plain', '[{"id": 1}]', rejects => true, on_conflict => 'update')),
	q(bulk_insert('unlogged', '[{"id": 1}]')),
	q(bulk_insert_outcomes('plain', '[{"id": 1}]')),
	q(bulk_insert_arrays('plain', '{id}', ARRAY[1])),
	q(bulk_insert_returning(NULL::plain, '[{"id": 1}]')),
	q(bulk_insert_tree('plain', '[{"id": 1}]')),
	q(bulk_update('plain', '[{"id": 1, "n": 1}]')),
	q(bulk_delete('plain', '[1]')),
	qq(bulk_load('plain', '$file')))
{
	my ($ret, $out, $err) = $standby->psql('postgres', "\\set VERBOSITY sqlstate\nSELECT purser.$call");
	like($err, qr/ERROR:  25006/, "on a standby: $call");
}
my (undef, undef, $err) = $standby->psql('postgres', "CALL purser.load('plain', '$file')");
like($err, qr/cannot execute .* during recovery/, 'nor does load');

# Promoted, it is complete.
$node->stop;
$standby->promote;
$standby->safe_psql('postgres', q(SELECT purser.bulk_insert('plain', E'id\n50001', 'csv')));
is($standby->safe_psql('postgres', 'SELECT count(*) FROM plain WHERE id = 50001'), '1', 'a standby that was promoted loads');

$_->stop foreach ($standby, $subscriber);
unlike(slurp_file($_->logfile), qr/leaked|not closed|reference leak|inconsistent page|PANIC|TRAP/, $_->name . ' has nothing to complain of')
  foreach ($node, $standby, $subscriber);
done_testing();
