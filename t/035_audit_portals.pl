# Portals of the extended protocol: row limits of a client that stops early or reads on to the end,
# and what a prepared statement sends at once. No driver at hand limits rows so, hence the messages.
use strict;
use warnings;
use IO::Socket::UNIX;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf(
    'postgresql.conf', q{
shared_preload_libraries = 'pg_purser'
purser.audit_unread_rows = 1000
purser.audit_unbounded_rows = 100000
purser.audit_exact_count = 1000
max_parallel_workers_per_gather = 0
autovacuum = off
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_purser;
CREATE TABLE items (id int, price int, body text);
ALTER TABLE items ALTER body SET STORAGE EXTERNAL;
INSERT INTO items SELECT i, i * 7919 % 10007, repeat('x', 3000) FROM generate_series(1, 5000) i;
VACUUM ANALYZE items;
});

# One message: its type, its length, its body.
sub message { my ($type, $body) = @_; return $type . pack('N', length($body) + 4) . $body; }

# Reads messages until the server is ready; dies of an error.
sub await_ready
{
    my ($socket) = @_;
    while (1)
    {
        my ($head, $body) = ('', '');
        read($socket, $head, 5) == 5 or die 'the server went away';
        my ($type, $length) = unpack('aN', $head);
        read($socket, $body, $length - 4) if $length > 4;
        die "error: $body" if $type eq 'E';
        return if $type eq 'Z';
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

# Parse, Bind, and an Execute for each of the limits, in one transaction; 0 is no limit.
sub run_portal
{
    my ($socket, $portal, $query, @limits) = @_;
    print $socket message('P', "\0$query\0" . pack('n', 0)),
      message('B', "$portal\0\0" . pack('nnn', 0, 0, 0)),
      (map { message('E', "$portal\0" . pack('N', $_)) } @limits), message('S', '');
    $socket->flush;
    await_ready($socket);
}

# Of the rules about results: the streams here do repeat their queries.
sub found
{
    return $node->safe_psql('postgres',
        q{SELECT rule, occurrences, evidence - 'estimated' FROM purser.findings WHERE rule <> 'repeated_query' ORDER BY rule});
}

my $sorted = 'SELECT id FROM items ORDER BY price';
my $session = open_session();

run_portal($session, '', $sorted, 10) for 1 .. 2;
is(found(), 'unread_rows|2|{"rows_left": 4990, "rows_read": 10}', 'the unnamed portal is dropped early');

$node->safe_psql('postgres', 'SELECT purser.audit_reset()');
run_portal($session, 'page', $sorted, 10, 20) for 1 .. 2;
is(found(), 'unread_rows|2|{"rows_left": 4970, "rows_read": 30}', 'a named portal is dropped early');

$node->safe_psql('postgres', 'SELECT purser.audit_reset()');
run_portal($session, '', $sorted, 3000, 3000) for 1 .. 3;
run_portal($session, 'page', $sorted, 10, 0) for 1 .. 3;
run_portal($session, '', $sorted, 0) for 1 .. 3;
run_portal($session, '', 'SELECT id FROM items', 10) for 1 .. 3;
run_portal($session, '', "$sorted LIMIT 4000", 10) for 1 .. 3;
is(found(), '', 'portals read to the end, rows not made in advance, and a LIMIT are none');

run_portal($session, '', 'SELECT * FROM items LIMIT 500', 0) for 1 .. 2;
run_portal($session, '', 'SELECT count(*) FROM items', 0) for 1 .. 2;
is( $node->safe_psql('postgres', q{SELECT rule, occurrences FROM purser.findings WHERE rule <> 'repeated_query' ORDER BY rule}),
    "exact_count|2\nwide_select|1",
    'results sent at once by the extended protocol');

close $session;
$node->stop;
done_testing();
