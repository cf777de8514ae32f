# Every value that bulk_insert stores is, byte for byte, the one that COPY stores, and what COPY
# refuses it refuses with the same error.
#
# For each type a seeded generator writes strings: valid ones, such at the borders of what the type
# takes or of what our own parsers take, and damaged ones. A string that is in error by itself is
# tried by itself. The others are loaded from one file by both, and rows compared as images. Times are read
# under many time zones, around the changes of their clocks, and under each DateStyle.
#
# PURSER_VALUES: strings for each type (default 2000); PURSER_SEED: the seed; PURSER_ZONES: how many time zones.
use strict;
use warnings;
use utf8;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $count = $ENV{PURSER_VALUES} // 2000;
my $seed = $ENV{PURSER_SEED} // time;
my $max_zones = $ENV{PURSER_ZONES} // 20;
srand($seed);
note "PURSER_SEED=$seed PURSER_VALUES=$count";

my $node = PostgreSQL::Test::Cluster->new('values');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "fsync = off\nautovacuum = off\nmax_wal_size = 8GB\n");
$node->start;
my $dir = $node->data_dir;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_purser');

sub pick { return $_[ int rand @_ ] }
sub between { my ($low, $high) = @_; return $low + int rand($high - $low + 1) }
sub digits { my ($n) = @_; return join '', map { int rand 10 } 1 .. $n }
sub sign { return pick('', '', '', '-', '+') }

my @edges = map { my $e = $_; map { sprintf '%s', $_ } ($e - 1, $e, $e + 1) }
    0, 1, 10, 127, 128, 255, 9999, 10000, 32767, 32768, 65535, 99999999, 100000000,
    2147483647, 2147483648, 4294967295, 4294967296, 9007199254740992, 16777216;
push @edges, qw(9223372036854775806 9223372036854775807 9223372036854775808 18446744073709551615
    18446744073709551616 9999999999999999999 10000000000000000000 99999999999999999999);

sub integer
{
    return sign() . pick('', '', '', '0', '00000', '0' x 20) . pick(@edges) if rand() < 0.3;
    return sign() . digits(between(1, pick(3, 6, 10, 12, 22)));
}

# A number halfway between two of the type with so many bits.
sub halfway
{
    my ($bits, $most) = @_;
    my $n = 2**$bits + 2 * int(rand(2**($bits - 1))) + 1;
    my $halvings = between(0, $most);
    my $text = sprintf '%d', $n * 5**$halvings;
    substr($text, length($text) - $halvings, 0, '.') if $halvings > 0;
    return $text . pick('', '', 'e' . between(-8, 8));
}

sub decimal
{
    my $way = rand();
    return halfway(24, 8) if $way < 0.1;
    return halfway(53, 3) if $way < 0.2;
    return sprintf '%.' . between(1, 21) . 'g', unpack('d', pack('Q', int rand 2**64)) if $way < 0.3;
    return sprintf '%.' . between(6, 18) . 'g', (rand() - 0.5) * 10**between(-30, 30) if $way < 0.5;
    return sign() . pick(qw(0.5 0.05 0.005 0.045 999.995 9999.99 9999999.995 99999999.99 99999999.995
        0.00000000000000000005 12345678901234567.89 1.7976931348623157e308 1.7976931348623159e308
        2.2250738585072014e-308 4.9e-324 2e-324 3.4028235e38 3.4028236e38 1.1754944e-38 1e-45 1e-46
        1e22 1e23 9007199254740993e22 8.5e-27 1e-27 1e-28 1e27 1e28 0e0 0e400 0.0 0.000 1e400)) if $way < 0.6;
    my $text = sign() . digits(between(0, pick(2, 5, 12, 62)));
    $text .= '.' . digits(between(0, pick(2, 6, 20, 63))) if rand() < 0.7;
    $text .= pick('e', 'E') . sign() . digits(between(0, 2)) if rand() < 0.2;
    $text =~ s/\.(\d*)/'.' . '0' x length($1)/e if rand() < 0.05;
    return $text;
}

sub odd_number
{
    return pick('NaN', 'nan', 'Infinity', '-Infinity', 'inf', '+inf', '-nan', '', ' ', '-', '+', '.', '1_000',
        '0x1F', '0b11', '0o17', '010', '1e', '1e+', 'e5', '.5', '5.', '-.5', '1.e5', '1..2', '--1', '+-1', '1 2',
        "\t7", '7 ', ' 7', "7\n", '１', '1,5', '0x', '1f', '1d', '-0', '-0.0', '+0', '0e', '1e1e1');
}

sub number
{
    my ($form) = @_;
    return odd_number() if rand() < 0.08;
    return rand() < $form ? integer() : decimal();
}

my @letters = ('a' .. 'e', ' ', ' ', 'é', '日', '😀', '\\', '"', ',', "\n", "\t", '%');
sub string { return join '', map { pick(@letters) } 1 .. between(0, pick(3, 6, 8, 40)) }
sub blank_string { return string() . ' ' x between(0, 8) }

sub boolean
{
    my $word = pick(qw(t f true false y n yes no on off 1 0 o of tr TRUE False tRuE 2 10 tru falsee yess), '', ' t', 'f ');
    return rand() < 0.2 ? uc $word : $word;
}

sub hexadecimal { my ($n) = @_; return join '', map { pick(0 .. 9, 'a' .. 'f', 'A' .. 'F') } 1 .. $n }
sub bytes
{
    return pick('\\x', '\\X', '', '\\\\', '\\', '\\000', '\\101\\\\', 'x41', '\\xg0', '\\x 41', '\\x4 1', "\\x41\n42") if rand() < 0.1;
    return string() if rand() < 0.2;
    return '\\x' . hexadecimal(2 * between(0, 40) + (rand() < 0.05));
}

sub uuid
{
    my $h = hexadecimal(32);
    my $way = rand();
    return $h if $way < 0.2;
    return join '-', unpack 'a4' x 8, $h if $way < 0.3;
    $h =~ s/(.{8})(.{4})(.{4})(.{4})(.{12})/$1-$2-$3-$4-$5/;
    return "{$h}" if $way < 0.4;
    substr($h, int rand length $h, 1) = pick('g', '-', ' ', '') if $way < 0.5;
    return $h;
}

sub year { return pick(qw(0001 0004 0100 1582 1883 1899 1900 1911 1945 1969 1970 1999 2000 2001 2011 2023 2024 2024 2037 2038 2100 2400 9999), sprintf('%04d', between(1800, 2500)), sprintf('%04d', between(1, 9999))) }

sub date
{
    my $way = rand();
    return pick(qw(0000-01-01 1-2-3 2024-1-1 24-01-01 10000-01-01 294276-12-31 294277-01-01 20240101 2024-366 2024.001
        J2451187 infinity -infinity epoch 01/02/2003 13/02/2003 2003/02/01 2003.02.01 01-02-2003 1.2.2003
        2024-01-01BC 2024-13-01 2024-00-10 2024-02-30 1900-02-29 2000-02-29 2023-02-29 2024-04-31), '', ' ', 'Jan 5, 2024',
        '2024-01-01 BC', '5-Jan-2024', '2024-01-', '2024-01', '2024-01-01 ', ' 2024-01-01') if $way < 0.06;
    return sprintf '%s-%02d-%02d', year(), between(1, 12), between(27, 32) if $way < 0.2;
    # When clocks change.
    return sprintf '%s-%02d-%02d', between(1960, 2060), pick(2, 3, 4, 9, 10, 11), between(1, 31) if $way < 0.7;
    return sprintf '%s-%02d-%02d', year(), between(1, 12), between(1, 28);
}

sub clock
{
    my $way = rand();
    return pick('24:00:00', '24:00', '23:59:60', '12:60', '25:00', '1:02', '01:2', '01:02:3', '010203', '0102',
        '01:02.5', '01:02:03.', '01:02:03,5', '12:30 PM', '12:30 am', '00:00:00.0000005', '23:59:59.9999999',
        '23:59:59.9999995', '01:02:03.1234567890', 'allballs', '', '-01:00') if $way < 0.06;
    my $text = sprintf '%02d:%02d', pick(0 .. 4, between(0, 23)), pick(0, 0, 1, 29, 30, 59, between(0, 59));
    $text .= sprintf ':%02d', pick(0, 59, between(0, 59)) if rand() < 0.85;
    $text .= '.' . digits(between(0, pick(3, 6, 6, 10))) if length $text > 5 && rand() < 0.4;
    $text .= pick('.5', '.25', '.4999995', '.995', '.9999995') if $text =~ /:..:..$/ && rand() < 0.05;
    return $text;
}

sub zone
{
    return pick('', '', '', '', 'Z', '+00', '-00', '+02', '-0330', '+05:45', '-11:30', '+15', '+15:59', '-15:59:59', '+02:00:01',
        '+16', '+1', '+123', '+12345', '+02:', '+02:60', ' +02', ' Z', ' UTC', 'z', ' PST', ' Europe/Paris', ' America/New_York', '+-1', 'T', ' BC', ' AD')
        if rand() < 0.5;
    return '';
}

sub moment
{
    return date() if rand() < 0.1;
    return date() . pick(' ', ' ', ' ', 'T', 'T', 't', '  ', '', '_', ' T') . clock() . zone() if rand() < 0.3;
    return date() . ' ' . clock();
}

# A character more, less or another one.
sub damage
{
    my ($text) = @_;
    my $at = int rand(1 + length $text);
    my $char = pick(' ', '-', '+', '.', ':', 'e', '0', '9', '5', 'T', 'Z', 'x', '\\', '_', '/', "\t", 'é');
    return $text if $at > length $text;
    substr($text, $at, pick(0, 1, 1), pick($char, $char, ''));
    return $text;
}

sub csv { my ($text) = @_; $text =~ s/"/""/g; return qq{"$text"} }

# The strings of a type, in a file, with a number each.
sub write_strings
{
    my ($file, $generate, $how_many) = @_;
    my $rows = '';
    for my $id (1 .. $how_many)
    {
        my $text = $generate->();
        $text = damage($text) if rand() < 0.12;
        $rows .= "$id," . csv($text) . "\n";
    }
    unlink $file;
    utf8::encode($rows);
    append_to_file($file, $rows);
}

# Loads the file's strings both ways under the settings; returns what differs, and counts.
sub compare
{
    my ($type, $settings, $file) = @_;
    return $node->safe_psql('postgres', <<"END");
SET client_min_messages = warning;
$settings
DROP TABLE IF EXISTS strings, good, by_copy, by_bulk, lone;
CREATE UNLOGGED TABLE strings (id int, s text);
CREATE UNLOGGED TABLE by_copy (id int, v $type);
CREATE UNLOGGED TABLE by_bulk (id int, v $type);
CREATE UNLOGGED TABLE lone (v $type);
COPY strings FROM '$file' (FORMAT csv);
-- What the input function says to a string by itself, and what bulk_insert does; empty if it is taken.
CREATE OR REPLACE FUNCTION said_by_input(s text) RETURNS text LANGUAGE plpgsql AS \$\$
DECLARE v $type;
BEGIN
    SELECT r.v INTO v FROM json_to_record(json_build_object('v', s)) AS r(v $type);
    RETURN '';
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM; END \$\$;
CREATE OR REPLACE FUNCTION said_by_bulk(s text) RETURNS text LANGUAGE plpgsql AS \$\$
BEGIN
    PERFORM purser.bulk_insert('lone', E'v\\n"' || replace(s, '"', '""') || '"', 'csv');
    RETURN '';
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM; END \$\$;
ALTER TABLE strings ADD said text;
UPDATE strings SET said = said_by_input(s);
SELECT 'refused by one: ' || quote_literal(s) || ': ' || said || ' / ' || said_by_bulk(s)
FROM strings WHERE said <> '' AND said <> said_by_bulk(s) LIMIT 5;
COPY (SELECT id, s FROM strings WHERE said = '') TO '$file.good' (FORMAT csv, HEADER, FORCE_QUOTE (s));
COPY by_copy FROM '$file.good' (FORMAT csv, HEADER);
SELECT FROM purser.bulk_insert('by_bulk', replace(pg_read_file('$file.good'), 'id,s', 'id,v'), 'csv');
ANALYZE strings, by_copy, by_bulk;
SELECT 'differs: ' || quote_literal(s) || ': ' || coalesce(c.v::text, 'null') || ' / ' || coalesce(b.v::text, 'null')
FROM by_copy c JOIN by_bulk b USING (id) JOIN strings USING (id) WHERE (c.*) *<> (b.*) LIMIT 5;
SELECT 'rows ' || count(b.id) || ' refused ' || count(*) FILTER (WHERE said <> '')
FROM strings LEFT JOIN by_bulk b USING (id)
HAVING count(b.id) = (SELECT count(*) FROM by_copy) AND count(b.id) = count(*) FILTER (WHERE said = '');
END
}

sub check
{
    my ($type, $settings, $file, $name) = @_;
    my $answer = compare($type, $settings, $file);
    like($answer, qr/\Arows [1-9]\d* refused \d+\z/, "$type: $name");
    return $answer;
}

my %generators = (
    (map { $_ => sub { number(0.8) } } qw(int2 int4 int8 oid)),
    (map { $_ => sub { number(0.2) } } 'float4', 'float8', 'numeric', 'numeric(10,2)', 'numeric(38,20)',
        'numeric(3,5)', 'numeric(6,-2)', 'numeric(1000,60)'),
    (map { $_ => \&blank_string } 'text', 'varchar', 'varchar(5)', 'char(5)', 'bpchar', 'char'),
    bool => \&boolean, bytea => \&bytes, uuid => \&uuid);

for my $type (sort keys %generators)
{
    my $file = "$dir/strings.csv";
    write_strings($file, $generators{$type}, $count);
    note "$type: " . check($type, '', $file, 'as by COPY');
}

my %times = (
    date => \&date, time => \&clock, 'time(2)' => \&clock, timestamp => \&moment, 'timestamp(0)' => \&moment,
    timestamptz => \&moment, 'timestamptz(2)' => \&moment);
my @styles = ('ISO, MDY', 'ISO, DMY', 'ISO, YMD', 'SQL, DMY', 'German', 'Postgres, MDY');
for my $type (sort keys %times)
{
    my $file = "$dir/times.csv";
    write_strings($file, $times{$type}, $count);
    for my $style ($count > 10000 ? @styles : (pick(@styles), $styles[0]))
    {
        note "$type: " . check($type, "SET DateStyle = '$style'; SET IntervalStyle = 'iso_8601'; SET TimeZone = 'Europe/Paris';",
            $file, "DateStyle $style");
    }
}

# Times without a zone, mostly. Some zones have strange rules; others are taken by chance.
my @zones = ('UTC', 'Europe/Dublin', 'America/New_York', 'America/St_Johns', 'Australia/Lord_Howe', 'Africa/Casablanca',
    'Pacific/Apia', 'Asia/Tehran', 'Europe/Moscow', 'Antarctica/Troll', 'America/Caracas', 'EST5EDT', '<+0330>-3:30',
    'FOO5BAR,J60/2,J300/2', '-3.5', 'Africa/Monrovia');
# The view wants all of the machine's files of zones to be readable.
my ($failed, $names) = $node->psql('postgres', 'SELECT name FROM pg_timezone_names ORDER BY name');
my @others = $failed ? () : split /\n/, $names;
push @zones, splice(@others, int rand @others, 1) while @zones < $max_zones && @others;
write_strings("$dir/zones.csv", \&moment, int($count / 2));
for my $zone (@zones)
{
    check('timestamptz', "SET TimeZone = '$zone';", "$dir/zones.csv", "TimeZone $zone");
}

# The zone changes in the middle of a load, and abbreviations of zones are not what they were.
check('timestamptz', "SET TimeZone = 'Asia/Tokyo'; SET timezone_abbreviations = 'Australia';", "$dir/zones.csv",
    'other abbreviations');
$node->safe_psql('postgres', <<'END');
CREATE TABLE changing (id int, at timestamptz, said text);
CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('TimeZone', CASE WHEN NEW.id % 2 = 0 THEN 'Asia/Tokyo' ELSE 'America/Lima' END, false);
    NEW.said := NEW.at::timestamptz AT TIME ZONE 'UTC';
    RETURN NEW;
END $$;
CREATE TRIGGER change BEFORE INSERT ON changing FOR EACH ROW EXECUTE FUNCTION change();
END
is($node->safe_psql('postgres', <<'END'), "1|2024-01-01 00:00:00\n2|2024-01-01 05:00:00\n3|2023-12-31 15:00:00",
SET TimeZone = 'UTC';
SELECT FROM purser.bulk_insert('changing', E'id,at\n1,2024-01-01 00:00\n2,2024-01-01 00:00\n3,2024-01-01 00:00\n', 'csv');
SELECT id, said FROM changing ORDER BY id;
END
    'a trigger sets the time zone');

$node->stop;
done_testing();
