# Tables of TimescaleDB: rows go into chunks, through the extension. Skipped where that is not installed.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('hypertable');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;
sub query { return $node->safe_psql('postgres', shift) }

if (query(q{SELECT count(*) FROM pg_available_extensions WHERE name = 'timescaledb'}) eq '0')
{
    $node->stop;
    plan skip_all => 'TimescaleDB is not installed';
}
$node->append_conf('postgresql.conf',
    "shared_preload_libraries = 'timescaledb'\ntimescaledb.telemetry_level = off\ntimescaledb.max_background_workers = 0\nmax_worker_processes = 8");
$node->restart;
query(<<'END');
CREATE EXTENSION timescaledb;
CREATE EXTENSION pg_purser;
CREATE TABLE metric (at timestamptz NOT NULL, device int, v float CHECK (v < 1000), note text DEFAULT 'd', PRIMARY KEY (at, device));
SELECT create_hypertable('metric', 'at', chunk_time_interval => interval '1 day');
CREATE TABLE input AS SELECT E'at,device,v\n' || string_agg(format('2026-01-%s 00:00+00,%s,%s', lpad((i % 20 + 1)::text, 2, '0'), i, i % 900), E'\n' ORDER BY i) AS data FROM generate_series(1, 5000) i;
END

is(query(q{SELECT r.* FROM input, purser.bulk_insert('metric', data, 'csv') r}), '5000|0|0|0|', 'rows are inserted');
is(query('SELECT count(*), count(DISTINCT tableoid), count(*) FILTER (WHERE note = \'d\') FROM metric'), '5000|20|5000', 'into chunks');
is(query('SELECT count(*) FROM ONLY metric'), 0, 'and none into the table itself');
is(query(q{SELECT r.* FROM input, purser.bulk_insert('metric', data || E'\n2026-02-01 00:00+00,1,1', 'csv', 'skip') r}), '1|0|5000|0|',
    'rows that are there are skipped');
is(query(q{SELECT inserted, updated FROM purser.bulk_insert('metric', E'at,device,v\n2026-01-02 00:00+00,1,77\n2026-02-02 00:00+00,1,78\n', 'csv', 'update')}),
    '1|1', 'or updated');
is(query(q{SELECT outcome, key->>'device' FROM purser.bulk_insert_outcomes('metric', E'at,device,v\n2026-01-02 00:00+00,1,78\n2026-02-03 00:00+00,1,78\n', 'csv', 'update')}),
    "updated|1\ninserted|1", 'which is told for each');
is(query(q{SELECT inserted, rejected FROM purser.bulk_insert('metric', E'at,device,v\n2026-03-01 00:00+00,1,1\n2026-03-02 00:00+00,1,1000\n2026-03-03 00:00+00,x,1\n2026-03-01 00:00+00,1,2\n2026-03-05 00:00+00,1,1\n', 'csv', rejects => true)}),
    '2|3', 'bad rows are rejected');
is(query('SELECT row_number, sqlstate FROM purser.reject ORDER BY row_number'), "2|23514\n3|22P02\n4|23505", 'for what is wrong with them');
is(query(q{SELECT device, v, note FROM purser.bulk_insert_returning(NULL::metric, '[{"at": "2026-04-01", "device": 2, "v": 1}, {"at": "2026-04-02", "device": 3}]')}),
    "2|1|d\n3||d", 'rows come back');
is(query(q{SELECT updated, skipped FROM purser.bulk_update('metric', '[{"at": "2026-01-02 00:00+00", "device": 1, "v": 5}, {"at": "2026-09-02", "device": 1, "v": 5}]')}),
    '1|1', 'rows are updated');
is(query(q{SELECT updated, rejected FROM purser.bulk_update('metric', '[{"at": "2026-01-02 00:00+00", "device": 1, "v": 5000}, {"at": "2026-01-03 00:00+00", "device": 2, "v": 6}]', rejects => true)}),
    '1|1', 'but for bad ones');
is(query(q{SELECT deleted, skipped FROM purser.bulk_delete('metric', '[{"at": "2026-01-02 00:00+00", "device": 1}, {"at": "2026-09-02", "device": 1}]')}),
    '1|1', 'and deleted');

$node->stop;
done_testing();
