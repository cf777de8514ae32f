# Random JSON, right and damaged, is read as the server's own functions read it.
#
# Documents from a seeded generator are written to files. Each is loaded as text, and as a file over
# windows of a few bytes, with vectors and without; and read by json_populate_recordset (line by line
# by json_populate_record). Either the rows are the same, or both refuse it with the same SQLSTATE,
# message and detail. Where several things are wrong it depends on the order which of them is told;
# so a document is damaged in one place, and only the refusal counts when it is no array of objects.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use constant DOCUMENTS => $ENV{DOCUMENTS} // 400;

my $node = PostgreSQL::Test::Cluster->new('json');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;
my $dir = $node->data_dir;
mkdir "$dir/docs" or die $!;

my $seed = $ENV{SEED} // 20;
srand $seed;

sub pick { return $_[ rand @_ ] }

# ---- the generator; in a document of lines, white space has no line ends ----

my $lines;

sub space { return pick('', '', '', ' ', "\t", '  ', $lines ? ' ' : ("\n", "\r\n", " \n  ")) }

sub string
{
    my $length = pick(0, 1, 2, 3, 5, 10, 40);
    return '"' . join('', map { pick('x', 'plain text', '0123456789abcdef', '\\n', '\\"', '\\\\', '\\/',
            '\\u0041', '\\u00e9', '\\ud83d\\ude00', "\xc3\xa9", "\xf0\x9f\x98\x80", ' ', ',', '}', ']', '{') }
            1 .. $length) . '"';
}

sub number
{
    return pick(qw(0 1 -1 12345 -0 1.5 0.3333333333333333 1e5 -1.5E-10 9e+2), '12345678901234567890',
        '1234567890123456', '123456789012345.6');
}

sub scalar_value { return pick(\&string, \&string, \&number, \&number, sub { pick(qw(true false null)) })->() }

sub joined { return join(',', map { space() . $_ . space() } @_) }

sub value
{
    my ($depth) = @_;
    my $kind = $depth > 3 ? 0 : int rand 8;
    return '[' . joined(map { value($depth + 1) } 1 .. rand 4) . space() . ']' if $kind == 6;
    return object($depth + 1, map { string() } 1 .. rand 4) if $kind == 7;
    return scalar_value();
}

sub object
{
    my ($depth, @keys) = @_;
    return '{' . joined(map { $_ . space() . ':' . space() . value($depth) } @keys) . space() . '}';
}

sub row
{
    my @all = ('"a"', '"b"', '"c"', '"d"', '"unknown"', '"a key of more than 16 bytes"');
    my @keys = rand() < 0.7 ? @all[ 0 .. rand @all ] : map { pick(@all, '"\\u0061"') } 1 .. rand 8;
    return object(1, @keys);
}

sub document
{
    my @rows = map { rand() < 0.02 ? value(0) : row() } 1 .. rand 9;
    return join('', map { space() . $_ . space() . pick("\n", "\r\n", "\n\n") } @rows) if $lines;
    return space() . '[' . joined(@rows) . space() . ']' . space();
}

sub damage
{
    my ($text) = @_;
    my $at = int rand length $text;
    my $byte = pick('{', '}', '[', ']', ',', ':', '"', '\\', ' ', '0', '1', '-', '.', 'e', 't', "\n", "\x01",
        "\xc3", '\\u0000', '\\ud800');
    return substr($text, 0, $at) if rand() < 0.1;
    substr($text, $at, pick(0, 1, 1, int rand 20)) = rand() < 0.6 ? $byte : '';
    return $text;
}

for my $n (1 .. DOCUMENTS)
{
    $lines = $n % 3 == 0;
    my $text = document();
    $text = damage($text) if length $text && rand() < 0.6;
    open my $file, '>:raw', "$dir/docs/$n" or die $!;
    print $file $text;
    close $file or die $!;
}

# ---- the comparison ----

$node->safe_psql('postgres', <<'END');
CREATE EXTENSION pg_purser;
CREATE TABLE expected (a text, b text, c json, d jsonb, "a key of more than 16 bytes" text);
CREATE TABLE loaded (LIKE expected);
CREATE TABLE outcome (n int, way text, failure text[]);

-- The rows of the file in "expected"; null, or what the server said against it.
CREATE FUNCTION read_by_server(path text, lines bool) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    doc text;
    code text;
    message text;
    detail text;
BEGIN
    DELETE FROM expected;
    doc := convert_from(pg_read_binary_file(path), 'UTF8');
    IF lines THEN
        INSERT INTO expected SELECT (json_populate_record(NULL::expected, line::json)).*
        FROM string_to_table(doc, E'\n') line WHERE line ~ '[^ \t\r]';
    ELSE
        INSERT INTO expected SELECT * FROM json_populate_recordset(NULL::expected, doc::json);
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
        detail = PG_EXCEPTION_DETAIL;
    RETURN ARRAY[code, message, detail];
END $$;

-- The same by the extension, into "loaded".
CREATE FUNCTION read_by_us(path text, format text, by_file bool) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    code text;
    message text;
    detail text;
BEGIN
    DELETE FROM loaded;
    IF by_file THEN
        PERFORM purser.bulk_load('loaded', path, format, options => '{"unknown": "ignore", "encoding": "UTF8"}');
    ELSE
        PERFORM purser.bulk_insert('loaded', convert_from(pg_read_binary_file(path), 'UTF8'), format,
            options => '{"unknown": "ignore"}');
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
        detail = PG_EXCEPTION_DETAIL;
    RETURN ARRAY[code, message, detail];
END $$;

CREATE FUNCTION same_rows() RETURNS bool LANGUAGE sql AS $$
    SELECT array_agg(e::text ORDER BY ctid) IS NOT DISTINCT FROM (SELECT array_agg(l::text ORDER BY ctid) FROM loaded l)
    FROM expected e
$$;

-- That it is no array of objects, or malformed, is told as it is met, not when all of it was read.
CREATE FUNCTION same_failure(server text[], us text[]) RETURNS bool LANGUAGE sql AS $$
    SELECT CASE WHEN us[1] = '22023' THEN server[1] IN ('22023', '22P02', '22P05', '22021')
        WHEN server[1] = '22021' THEN us[1] IN ('22021', '22P02')
        WHEN us[1] = '22P05' OR us[3] ~ '^Unicode' THEN server[1] IN ('22P02', '22P05')
        ELSE us IS NOT DISTINCT FROM server END
$$;

CREATE PROCEDURE compare(documents int) LANGUAGE plpgsql AS $$
DECLARE
    path text;
    lines bool;
    server text[];
    us text[];
    way record;
BEGIN
    FOR n IN 1 .. documents LOOP
        COMMIT;
        TRUNCATE expected, loaded;
        path := 'docs/' || n;
        lines := n % 3 = 0;
        server := read_by_server(path, lines);
        FOR way IN SELECT scan, bytes FROM unnest(ARRAY['auto', 'scalar']) scan, unnest(ARRAY[0, 1, 7, 64, 1000]) bytes LOOP
            PERFORM set_config('purser.bulk_scan', way.scan, false),
                set_config('purser.bulk_window', greatest(way.bytes, 1) || 'B', false);
            us := read_by_us(path, CASE WHEN lines THEN 'ndjson' ELSE 'json' END, way.bytes > 0);
            INSERT INTO outcome VALUES (n, way::text, us);
            IF NOT same_failure(server, us) THEN
                RAISE 'document %, %: % instead of %', n, way, us, server;
            ELSIF us IS NULL AND NOT same_rows() THEN
                RAISE 'document %, %: other rows', n, way;
            END IF;
        END LOOP;
    END LOOP;
END $$;
END

my ($ret, $out, $err) = $node->psql('postgres', 'CALL compare(' . DOCUMENTS . ')');
is($err, '', "rows and refusals are those of the server (seed $seed)");
cmp_ok($node->safe_psql('postgres', 'SELECT count(DISTINCT n) FROM outcome WHERE failure IS NULL'),
    '>', DOCUMENTS / 4, 'many documents are loaded');
cmp_ok($node->safe_psql('postgres', 'SELECT count(DISTINCT failure[2:3]) FROM outcome'),
    '>', 40, 'and refused for many reasons');

$node->stop;
done_testing();
