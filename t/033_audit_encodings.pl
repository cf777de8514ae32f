# Texts of findings are cut between characters, also where the server does not know them.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=SQL_ASCII', '--locale=C' ]);
$node->append_conf(
    'postgresql.conf', q{
shared_preload_libraries = 'pg_purser'
max_parallel_workers_per_gather = 0
autovacuum = off
jit = off
});
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE utf8 ENCODING 'UTF8' TEMPLATE template0");
my $tables = q{
CREATE EXTENSION pg_purser;
CREATE TABLE posts (id int PRIMARY KEY, author int, word text);
INSERT INTO posts SELECT i, i % 50, 'word ' || i FROM generate_series(1, 3000) i;
VACUUM ANALYZE posts;
};

# A parent of long text, and its lookups; each character is at the cut in turn.
my $umlaut = "\xc3\xa4";
my $script = $node->basedir . '/long.sql';
for my $shift (0 .. 2)
{
    my $text = ('x' x $shift) . ("$umlaut\xe2\x82\xac" x 300);
    append_to_file($script, "SELECT purser.audit_reset();\nBEGIN;\n"
        . "SELECT id FROM posts WHERE author = 7 AND word <> '$text' \\g /dev/null\n");
    append_to_file($script, sprintf("SELECT word FROM posts WHERE id = %d;\n", 7 + 50 * $_)) for 0 .. 11;
    append_to_file($script, "COMMIT;\nSELECT query, evidence->>'parent_query' FROM purser.findings;\n");
}
for my $database ('postgres', 'utf8')
{
    $node->safe_psql($database, $tables);
    local $ENV{PGCLIENTENCODING} = 'UTF8';
    local $ENV{PGOPTIONS} = '-c purser.audit_notice=n_plus_one -c purser.audit_n_plus_one_window=0';
    my ($status, $out, $err) = (0, '', '');
    $status = $node->psql($database, undef, stdout => \$out, stderr => \$err, extra_params => [ '-f', $script ],
        on_error_stop => 0);
    unlike($err, qr/ERROR/, "no error, $database");
    is(scalar(() = $err =~ /Parent query: SELECT id FROM posts/g), 3, "told, $database");
    is(scalar(() = $out =~ /\|SELECT id FROM posts/g), 3, "found, $database");
}

# What is no character of the client's, at the end of a text that is cut and of one that is not.
$node->safe_psql('postgres', 'SELECT purser.audit_reset()');
for my $length (10, 958 .. 968)
{
    my $odd = sprintf q{
SET client_encoding = 'SQL_ASCII';
DO $f$
BEGIN
    EXECUTE $q$CREATE OR REPLACE FUNCTION odd() RETURNS bigint LANGUAGE plpgsql AS
        $b$BEGIN RETURN (SELECT count(*) FROM posts WHERE author = 7 AND word <> '$q$ || repeat('x', %d)
        || convert_from('\\xf0', 'SQL_ASCII') || $q$'); END$b$$q$;
END $f$;
SET client_encoding = 'UTF8';
SELECT odd();
SELECT odd();
}, $length;
    $node->safe_psql('postgres', $odd);
}
is($node->safe_psql('postgres', q{
SET client_encoding = 'SQL_ASCII';
SELECT count(*) > 0, bool_and(octet_length(query) < 1024) FROM purser.findings WHERE rule = 'missing_index'}),
    't|t', 'bytes that are no character');

$node->stop;
done_testing();
