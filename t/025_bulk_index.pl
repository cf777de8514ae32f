# Random tables with random indexes, plain and partitioned, loaded by bulk_insert: each index holds
# exactly what is in the table, in the right order, and a load that fails leaves nothing.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{PURSER_SEED} // 20;
srand($seed);
note("seed $seed, set PURSER_SEED for another");

my $node = PostgreSQL::Test::Cluster->new('index');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;
sub query { return $node->safe_psql('postgres', shift) }
sub one_of { return $_[ int rand @_ ] }

query('CREATE EXTENSION pg_purser; CREATE EXTENSION amcheck');
my $icu = query(q{SELECT count(*) FROM pg_collation WHERE collname = 'und-x-icu'});
my @collations = ('', 'COLLATE "C"', $icu ? 'COLLATE "und-x-icu"' : 'COLLATE "POSIX"');

# A number x, in some order, as a value of each type; several numbers may give the same value.
my %values = (
    int => 'x',
    bigint => 'x * -1000003::bigint',
    smallint => 'x % 30000',
    float8 => 'x / 7.0',
    numeric => '(x % 1000)::numeric ^ 5 / 3',
    boolean => 'x % 2 = 0',
    date => q{date '2000-01-01' + x},
    timestamptz => q{timestamptz '2000-01-01' + x * interval '1 minute'},
    uuid => 'md5(x::text)::uuid',
    text => q{repeat('k', x % 12) || x},
    'varchar(30)' => q{chr(65 + x % 57) || 'é' || x % 500},
    inet => q{'10.0.0.0'::inet + x},
    interval => q{x * interval '1 hour'},
    bytea => q{decode(md5(x::text), 'hex')});
my @types = sort keys %values;

sub random_index
{
    my ($table, @columns) = @_;
    my @keys = map {
        my ($name, $type) = @$_;
        my $text = $type eq 'text' || $type =~ /char/;
        my $key = $text ? one_of($name, "lower($name)", "$name " . one_of(@collations)) : $name;
        "($key) " . one_of('', 'DESC', 'NULLS FIRST', 'DESC NULLS LAST')
    } map { one_of(@columns) } 1 .. one_of(1, 1, 2, 3);
    my $where = one_of('', '', ' WHERE id % 3 > 0');
    return "CREATE UNIQUE INDEX ON $table (" . join(', ', @keys, 'id') . ')' if rand() < 0.3;
    my $include = one_of('', '', ' INCLUDE (id)');
    return "CREATE INDEX ON $table (" . join(', ', @keys) . ")$include$where";
}

# CSV of n rows from the id first on, with numbers in an order: none, up, down or few.
sub random_csv
{
    my ($first, $n, @columns) = @_;
    my $order = one_of("i * 7919 % 10007", "i * 7919 % 10007", 'i', '20000 - i', 'i * 7919 % 20');
    my $nulls = one_of(0, 0, 5);
    my $x = $nulls ? "CASE WHEN i % $nulls = 0 THEN NULL ELSE $order END" : $order;
    my $list = join ', ', 'i AS id', map { "($values{$_->[1]})::$_->[1] AS $_->[0]" } @columns;
    my $file = $node->data_dir . "/load_$first.csv";
    query("COPY (SELECT $list FROM (SELECT i, ($x)::int AS x FROM generate_series($first, $first + $n - 1) i ORDER BY i) s) TO '$file' CSV HEADER");
    return $file;
}

my $load = q{SELECT inserted FROM purser.bulk_insert('t', pg_read_file('%s') || '%s', 'csv')};

for my $round (1 .. 25)
{
    my @columns = map { [ "c$_", one_of(@types) ] } 1 .. one_of(1 .. 4);
    my $partitioned = rand() < 0.3;
    my @ddl = ('DROP TABLE IF EXISTS t',
        'CREATE TABLE t (' . join(', ', 'id int', map { "$_->[0] $_->[1]" } @columns) . ')'
            . ($partitioned ? ' PARTITION BY HASH (id)' : ''));
    push @ddl, map { "CREATE TABLE t_$_ PARTITION OF t FOR VALUES WITH (MODULUS 3, REMAINDER $_)" } 0 .. 2
        if $partitioned;
    push @ddl, 'ALTER TABLE t ADD PRIMARY KEY (id)';
    push @ddl, map { random_index('t', @columns) } 1 .. one_of(1 .. 3);
    query(join ";\n", @ddl);

    my $first = 1;
    for (1 .. one_of(1 .. 3))
    {
        my $n = one_of(10, 1500, 3000, 6000);
        my $file = random_csv($first, $n, @columns);
        is(query(sprintf $load, $file, ''), $n, "round $round: $n rows") or note(join ";\n", @ddl);
        my ($status, undef, $error) = $node->psql('postgres',
            sprintf $load, random_csv($first + $n, $n, @columns), $first . ',' x @columns . "\n");
        like($error, qr/duplicate key .*row @{[ $n + 1 ]} \(line/s, "round $round: a duplicate fails, with its row");
        $first += $n;
    }
    is(query('SELECT count(*) FROM t'), $first - 1, "round $round: all rows are there, and no others");
    cmp_ok(query(<<'END'), '>', 1, "round $round: the indexes are in order") or note(join ";\n", @ddl);
WITH tables AS (SELECT 't'::regclass AS relid UNION SELECT relid FROM pg_partition_tree('t')),
    indexes AS MATERIALIZED (SELECT indexrelid FROM tables JOIN pg_index ON indrelid = relid
        JOIN pg_class c ON c.oid = indexrelid AND c.relkind = 'i')
SELECT count(*) FROM indexes, bt_index_parent_check(indexrelid, true, true)
END
}

$node->stop;
done_testing();
