# Figures of query_stats that EXPLAIN ANALYZE does not have: bytes on the wire, by a client that counts
# them, rows that a client leaves in its portal, and how often joins repeat a parent, by what there is.
use strict;
use warnings;
use utf8;
use IO::Socket::UNIX;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf(
    'postgresql.conf', q{
shared_preload_libraries = 'pg_purser'
max_parallel_workers = 8
autovacuum = off
jit = off
cursor_tuple_fraction = 1.0
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_purser;
CREATE TABLE items (id int PRIMARY KEY, price numeric, made timestamptz, flag bool, name text, body text, raw bytea);
INSERT INTO items SELECT i, i * 0.25, '2024-01-01'::timestamptz + i * interval '1 hour', i % 2 = 0,
    CASE WHEN i % 3 > 0 THEN repeat('äö', i % 5) || i END, repeat(md5(i::text), i % 100), decode(md5(i::text), 'hex')
FROM generate_series(1, 5000) i;
CREATE TABLE parents (id int PRIMARY KEY, title text);
INSERT INTO parents SELECT i, 'title ' || i FROM generate_series(1, 1000) i;
CREATE TABLE children (id int PRIMARY KEY, parent_id int NOT NULL, v int);
INSERT INTO children SELECT i, i % 1000 + 1, i % 7 FROM generate_series(1, 12000) i;
CREATE INDEX ON children (parent_id);
VACUUM ANALYZE;
});

# One message: its type, its length, its body.
sub message { my ($type, $body) = @_; return $type . pack('N', length($body) + 4) . $body; }

# Reads messages until the server is ready; those with rows, and their bytes.
sub await_ready
{
    my ($socket) = @_;
    my ($rows, $bytes) = (0, 0);
    while (1)
    {
        my ($head, $body) = ('', '');
        read($socket, $head, 5) == 5 or die 'the server went away';
        my ($type, $length) = unpack('aN', $head);
        read($socket, $body, $length - 4) if $length > 4;
        ($rows, $bytes) = ($rows + 1, $bytes + $length + 1) if $type eq 'D';
        return "$rows|$bytes" if $type eq 'Z';
    }
}

sub open_session
{
    my $socket = IO::Socket::UNIX->new($node->host . '/.s.PGSQL.' . $node->port) or die "no server: $!";
    my $user = $ENV{PGUSER} // (getpwuid($<))[0];
    my $body = pack('N', 196608) . "user\0$user\0database\0postgres\0\0";
    print $socket pack('N', length($body) + 4) . $body;
    $socket->flush;
    await_ready($socket);
    return $socket;
}

sub simple_query
{
    my ($socket, $query) = @_;
    print $socket message('Q', "$query\0");
    $socket->flush;
    return await_ready($socket);
}

# Parse, Bind, and an Execute for each of the limits, in one transaction; 0 is no limit.
sub run_portal
{
    my ($socket, $query, $binary, @limits) = @_;
    print $socket message('P', "\0$query\0" . pack('n', 0)),
      message('B', "\0\0" . pack('nnnn', 0, 0, 1, $binary)),
      (map { message('E', "\0" . pack('N', $_)) } @limits), message('S', '');
    $socket->flush;
    return await_ready($socket);
}

# What a function does in a session, and what query_stats says of it.
my $session = open_session();
sub counted
{
    my ($columns, $do) = @_;
    simple_query($session, 'SELECT purser.audit_reset()');
    my $seen = $do->();
    simple_query($session, 'SELECT count(*) FROM purser.query_stats');
    return ($seen, $node->safe_psql('postgres', "SELECT $columns FROM purser.query_stats WHERE rows_read > 0"));
}

sub same_bytes
{
    my ($name, $do) = @_;
    my ($seen, $is) = counted('rows_sent, bytes_sent', $do);
    is($is, $seen, "bytes: $name");
}

my $all = 'SELECT * FROM items';
same_bytes('text, simple query', sub { simple_query($session, $all) });
same_bytes('text, extended protocol', sub { run_portal($session, $all, 0, 0) });
same_bytes('binary', sub { run_portal($session, $all, 1, 0) });
same_bytes('binary, piece by piece', sub { run_portal($session, $all, 1, 100, 700, 0) });
same_bytes('a portal that is dropped', sub { run_portal($session, $all, 0, 100, 70) });
same_bytes('no columns', sub { simple_query($session, 'SELECT FROM items') });
same_bytes('no rows', sub { simple_query($session, "$all WHERE id > 100 AND name = 'x'") });
same_bytes('two statements', sub { simple_query($session, 'BEGIN; SELECT id, raw FROM items; COMMIT') });
same_bytes('up to an error', sub { simple_query($session, 'SELECT 1 / (id - 3000) FROM items') });
simple_query($session, "SET client_encoding = 'LATIN1'; SET bytea_output = 'escape'");
same_bytes('another encoding', sub { simple_query($session, 'SELECT id, name, raw FROM items') });
simple_query($session, "RESET client_encoding; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0");
same_bytes('parallel', sub { simple_query($session, 'SELECT * FROM items WHERE id % 3 = 0') });
simple_query($session, 'RESET ALL');
# One in 32 is counted: their rows are all of one size.
same_bytes('lookups', sub {
    my ($rows, $bytes) = (0, 0);
    for my $i (1000 .. 1999)
    {
        my @seen = split /\|/, simple_query($session, "SELECT id, raw FROM items WHERE id = $i");
        ($rows, $bytes) = ($rows + $seen[0], $bytes + $seen[1]);
    }
    return "$rows|$bytes";
});
my (undef, $stored) = counted('rows_sent, bytes_sent', sub {
    simple_query($session, 'BEGIN; DECLARE c CURSOR FOR SELECT id FROM items; FETCH 10 FROM c; COMMIT');
});
is($stored, '0|0', 'bytes: rows that are collected first are not counted');

# Rows left: the client has seen so many of those that there are.
sub same_left
{
    my ($name, $query, $truth, @limits) = @_;
    my ($seen, $is) = counted('unread, rows_unread, rows_returned', sub { run_portal($session, $query, 0, @limits) });
    my ($rows) = split /\|/, $seen;
    my ($unread, $left, $returned) = split /\|/, $is;
    ok($unread == ($truth > $rows) && abs($left - ($truth - $rows)) <= $truth / 100 && $returned == $rows, "unread: $name")
      or diag("$is, truth: $truth, $seen");
}
same_left('found one by one', $all, 5000, 10);
same_left('sorted', 'SELECT id FROM items ORDER BY price DESC', 5000, 10, 300);
same_left('grouped', 'SELECT price % 50 FROM items GROUP BY 1', 200, 10);
same_left('joined', 'SELECT c.id FROM parents p JOIN children c ON c.parent_id = p.id', 12000, 1000);
same_left('under a LIMIT', 'SELECT id FROM items ORDER BY price LIMIT 2000', 2000, 500);
same_left('to the end', 'SELECT id FROM items ORDER BY price', 5000, 1000, 0);
same_left('to the end, which is in a piece', 'SELECT id FROM items ORDER BY price', 5000, 3000, 3000);
# The planner does not know what the condition leaves, but a run that is measured does.
my $odd = 'SELECT id FROM items WHERE id % 2 + id % 3 = 0 ORDER BY price';
simple_query($session, q{SET purser.audit_notice = 'all'});
same_left('sorted, measured', $odd, 833, 10);
simple_query($session, 'RESET purser.audit_notice');

# How often a parent comes again.
my %settings = (
    'as planned' => '',
    'hash joins' => 'SET enable_mergejoin = off; SET enable_nestloop = off;',
    'merge joins' => 'SET enable_hashjoin = off; SET enable_nestloop = off;',
    'nested loops' => 'SET enable_hashjoin = off; SET enable_mergejoin = off;',
    'parallel' => 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET min_parallel_index_scan_size = 0;',
    'parallel, each with its hash table' => 'SET enable_parallel_hash = off; SET enable_mergejoin = off; SET enable_nestloop = off;
        SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;',
);
my @joins = (
    [ 'all', 'SELECT p.*, c.id FROM parents p JOIN children c ON c.parent_id = p.id' ],
    [ 'outer', 'SELECT p.*, c.id FROM parents p LEFT JOIN children c ON c.parent_id = p.id AND c.v = 3' ],
    [ 'some', 'SELECT p.*, c.id FROM parents p JOIN children c ON c.parent_id = p.id WHERE p.id <= 100' ],
    [ 'ordered', 'SELECT p.*, c.id FROM parents p JOIN children c ON c.parent_id = p.id ORDER BY c.id' ],
    [ 'two children', 'SELECT p.*, c.id, d.id FROM parents p JOIN children c ON c.parent_id = p.id JOIN children d ON d.parent_id = p.id WHERE p.id <= 50' ],
);
for my $set (sort keys %settings)
{
    for my $join (@joins)
    {
        my ($name, $query) = @$join;
        my $tables = $query =~ s/^SELECT .*? FROM//r =~ s/ORDER BY.*//r;
        my $truth = $node->safe_psql('postgres', "SELECT round(count(*)::numeric / count(DISTINCT p.id), 2) FROM $tables");
        my $is = $node->safe_psql('postgres', "SELECT purser.audit_reset() \\g /dev/null
            $settings{$set} EXPLAIN ANALYZE $query \\g /dev/null
            SELECT coalesce(fanout::text, 'unknown') FROM purser.query_stats WHERE rows_read > 0");
        ok($is eq 'unknown' ? $set =~ /nested|parallel/ : abs($is - $truth) <= $truth / 100, "fan-out: $set: $name")
          or diag("$is, truth: $truth");
        note("$set, $name: $is") if $is eq 'unknown';
    }
}

close $session;
$node->stop;
done_testing();
