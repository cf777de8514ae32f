# Several sessions load overlapping keys at once: every key is there once, and the counts add up.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('race');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;
$node->safe_psql('postgres', <<'END');
CREATE EXTENSION pg_purser;
CREATE TABLE target (id int PRIMARY KEY, who int);
CREATE TABLE counts (inserted bigint, skipped bigint);
END

# The keys are in order within a load, so that no two loads wait for each other.
$node->pgbench(
    '--no-vacuum --client=4 --transactions=60',
    0,
    [qr{240/240}],
    [qr{^$}],
    'sessions load at once',
    {
        'race' => q{
\set first random(1, 3000)
INSERT INTO counts
SELECT b.inserted, b.skipped
FROM purser.bulk_insert('target', (SELECT json_agg(json_build_object('id', i, 'who', :client_id))
    FROM generate_series(:first, :first + 49) i), on_conflict => 'skip') b;
}
    });

is($node->safe_psql('postgres', 'SELECT sum(inserted) = (SELECT count(*) FROM target), sum(inserted + skipped) FROM counts'),
    't|12000', 'each row was inserted once or skipped');
is($node->safe_psql('postgres', 'SELECT count(*) - count(DISTINCT id) FROM target'), 0, 'no key is twice');
cmp_ok($node->safe_psql('postgres', 'SELECT sum(skipped) FROM counts'), '>', 1000, 'keys did overlap');

$node->stop;
done_testing();
