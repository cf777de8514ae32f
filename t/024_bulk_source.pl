# Files of the server and bytes as sources of a load: windows of any size, compressed files, good and
# damaged ones, encodings, privileges, pipes, progress and cancelling.
use strict;
use warnings;

use File::Copy;
use IO::Socket::UNIX;
use IO::Compress::Gzip qw(gzip);
use MIME::Base64;
use POSIX qw(mkfifo);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('source');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir();
chmod 0755, $dir;

sub sql { my ($query, $db) = @_; return $node->safe_psql($db // 'postgres', $query); }

sub error_of
{
    my ($query, $db) = @_;
    my ($status, $out, $err) =
      $node->psql($db // 'postgres', "\\set VERBOSITY verbose\n$query", on_error_stop => 1);
    return $status ? $err : 'no error';
}

sub write_file
{
    my ($name, $bytes) = @_;
    open my $file, '>:raw', "$dir/$name" or die "$name: $!";
    print $file $bytes;
    close $file;
    return "$dir/$name";
}

# What the server reads from the socket: message by message, up to ReadyForQuery; errors are given back.
sub read_answer
{
    my ($socket) = @_;
    my $errors = '';
    while (read($socket, my $head, 5) == 5)
    {
        my ($kind, $length) = unpack('aN', $head);
        read($socket, my $body, $length - 4);
        $errors .= $body if $kind eq 'E';
        return $errors if $kind eq 'Z';
    }
    die 'the connection is gone';
}

# Calls the function of that signature as PQfn does, without SQL; undef is null.
sub call_function
{
    my ($signature, @arguments) = @_;
    my ($oid, $user) = split /\|/, sql("SELECT '$signature'::regprocedure::oid, current_user");
    my $socket = IO::Socket::UNIX->new(Peer => $node->host . '/.s.PGSQL.' . $node->port) or die $!;
    my $startup = pack('N', 196608) . "user\0$user\0database\0postgres\0\0";
    my $call = pack('Nnn', $oid, 0, scalar(@arguments)) .
      join('', map { defined $_ ? pack('N/a*', $_) : pack('N', 0xffffffff) } @arguments) . pack('n', 0);
    $socket->autoflush(1);
    print $socket pack('N', 4 + length($startup)) . $startup;
    read_answer($socket);
    print $socket 'F' . pack('N', 4 + length($call)) . $call;
    return read_answer($socket);
}

# Loads the file into an emptied table and returns what is there then.
sub load
{
    my ($path, $options, $db) = @_;
    $options = $options ? ", options => '$options'" : '';
    return sql("TRUNCATE t; SELECT FROM purser.bulk_load('t', '$path'$options);
        SELECT count(*), coalesce(md5(string_agg(t::text, '|' ORDER BY id)), '-') FROM t", $db);
}

sub gzipped { my ($bytes) = @_; my $gz; gzip(\$bytes => \$gz, -Minimal => 1); return $gz; }

# A zstd frame of blocks that are stored as they are, or of one byte repeated.
sub zstd_header { return pack('VCC', 0xFD2FB528, 0, 0x50); }    # a window of 1 MB

sub zstd_block
{
    my ($type, $bytes, $size, $last) = @_;
    return substr(pack('V', $last + 2 * $type + 8 * $size), 0, 3) . $bytes;
}

sub zstd
{
    my ($bytes) = @_;
    my @blocks = unpack('(a1000)*', $bytes);
    return zstd_header()
      . join('', map { zstd_block(0, $_, length $_, 0) } @blocks)
      . zstd_block(0, '', 0, 1);
}

sql('CREATE EXTENSION pg_purser; CREATE TABLE t (id int, name text, note text); CREATE TABLE blank (id text)');

# What the server says of a compressed file tells whether the library is there.
sub supports
{
    my ($path) = @_;
    my $error = error_of("SELECT FROM purser.bulk_load('t', '$path')");
    return 1 if $error !~ /was built without/;
    like($error, qr/ERROR:  0A000: cannot decompress file "\Q$path\E": pg_purser was built without (zlib|libzstd)/,
        'without the library');
    return 0;
}

# ---- windows ----

my $rows = join ', ', map { "($_, 'Zoë \"$_\"', " . ($_ % 3 ? "E'a\\nline, and $_'" : 'NULL') . ')' } 1 .. 300;
sql("INSERT INTO t VALUES $rows");
my $expected = sql("SELECT count(*), md5(string_agg(t::text, '|' ORDER BY id)) FROM t");
sql("COPY t TO '$dir/f.csv' (FORMAT csv, HEADER); COPY t TO '$dir/f.txt'");
write_file('f.json', sql("SELECT json_agg(t) FROM t"));
write_file('f.ndjson', sql("SELECT to_json(t) FROM t"));
my @files = map { "$dir/f.$_" } qw(csv txt json ndjson);
for my $path (@files)
{
    is(load($path), $expected, "$path is loaded");
    my @wrong = grep {
        sql("SET purser.bulk_window = $_; TRUNCATE t; SELECT FROM purser.bulk_load('t', '$path');
            SELECT count(*), md5(string_agg(t::text, '|' ORDER BY id)) FROM t") ne $expected
    } (1 .. 12, 63, 64, 65, 100);
    is("@wrong", '', "$path is loaded through windows of any size");
}
is(sql("TRUNCATE t; SELECT inserted FROM purser.bulk_insert('t', pg_read_binary_file('$dir/f.csv'), 'csv');
        SELECT count(*), md5(string_agg(t::text, '|' ORDER BY id)) FROM t"),
    "300\n$expected", 'bytea');
is(load(write_file('empty.csv', '')), '0|-', 'an empty file has no rows');
is(load(write_file('F.NDJSON', slurp_file("$dir/f.ndjson"))), $expected, 'format by the name, in any case');
is(sql("TRUNCATE t; SELECT inserted FROM purser.bulk_load('t', '$dir/f.txt', 'text')"), 300, 'format as given');
copy("$dir/f.csv", $node->data_dir . '/relative.csv');
is(load('relative.csv'), $expected, 'a relative path begins at the data directory');

# ---- compressed files ----

# The rows from 1,name 1 to 100,name 100 with a header, by zstd -19.
my $zstd_file = decode_base64(<<'END');
KLUv/QRo7QcAhpkzE6CXNAdEAcT/y9HS0iZSbqwezxAuAC0ALAB9pov0iN52soeGfsfNeBUn4jNchEfwlpM8BH632VUTPbPIEbcT
gBMYCBwEDBQEhwnznWwmV8lE8owsIkfIrUzKQYJ8F5vFVTFRPBOLxBFxG5NxiBDfdbNe1YkCz9QidUTd1mQdKtR3tBldRRPRM7QI
HUG3NEkHCvTdbDZXzUTzzCwyR8ztTE6HwO9us7vqJrpnbpE74m5v8g4X7jvbzK6yiewZW8SOsFubtIMF+642q6tqogpkqBAc2zng
lWUNEBLGx+JTUjMS4Y7KsDDCHpVhYUTwXnGChIEhILxxOySwU3ceDxI=
END

my $csv = slurp_file("$dir/f.csv");
utf8::encode($csv) if utf8::is_utf8($csv);
my ($head, $tail) = (substr($csv, 0, 1234), substr($csv, 1234));
my $half = substr($csv, 0, length($csv) / 2);
my %pack = (gz => [ 'gzip', \&gzipped ], zst => [ 'zstd', \&zstd ]);
for my $suffix (sort keys %pack)
{
    my ($name, $packed) = @{ $pack{$suffix} };
    my $good = $packed->($csv);
    my $path = write_file("f.csv.$suffix", $good);

  SKIP: {
        skip "$name is not supported", 13 if !supports($path);
        is(load($path), $expected, "$name file");
        is(sql("SELECT updated FROM purser.bulk_update('t', pg_read_binary_file('$path'), '{id}', 'csv')"),
            ($expected =~ /^(\d+)/)[0], "update by $name");
        my @wrong = grep {
            sql("SET purser.bulk_window = $_; TRUNCATE t; SELECT FROM purser.bulk_load('t', '$path');
                SELECT count(*), md5(string_agg(t::text, '|' ORDER BY id)) FROM t") ne $expected
        } (1, 2, 3, 7, 100);
        is("@wrong", '', "$name file through small windows");
        is(load(write_file("two.csv.$suffix", $packed->($head) . $packed->('') . $packed->($tail))),
            $expected, "$name file of several parts");
        is(load(write_file("plain.csv", $good)), $expected, "$name is known by the contents");
        is(load($path, qq({"compression": "$name"})), $expected, "$name as given");
        is(sql("TRUNCATE t; SELECT inserted FROM purser.bulk_insert('t', pg_read_binary_file('$path'), 'csv')"),
            300, "$name bytea");
        like(error_of("SELECT FROM purser.bulk_load('t', '$dir/f.csv', options => '{\"compression\": \"$name\"}')"),
            qr/ERROR:  XX001: could not decompress file ".*f.csv": .*\n.*before byte \d/, "what is not $name");

        my $no_error = 0;
        my $loaded = 0;
        for my $len (map { int($_ * length($good) / 20) } 1 .. 19)
        {
            write_file("cut.csv.$suffix", substr($good, 0, $len));
            my $error = error_of("TRUNCATE t; SELECT FROM purser.bulk_load('t', '$dir/cut.csv.$suffix')");
            $no_error++
              if $error !~ /ERROR:  XX001: could not decompress file ".*cut.csv.$suffix": unexpected end of data/
              || $error !~ /The compressed data is cut off after byte $len\./;
            $loaded += sql('SELECT count(*) FROM t');
        }
        is($no_error, 0, "$name file that is cut off");
        is($loaded, 0, 'and nothing of it is there');

        my $damaged = $good;
        substr($damaged, 10, 1) = chr(255) if $suffix eq 'gz';
        substr($damaged, 6, 1) = chr(255) if $suffix eq 'zst';
        like(error_of("SELECT FROM purser.bulk_load('t', '" . write_file("bad.csv.$suffix", $damaged) . "')"),
            qr/ERROR:  XX001: could not decompress file ".*bad.csv.$suffix": (?!unexpected)/, "damaged $name file");
        like(error_of("SELECT FROM purser.bulk_load('t', '" . write_file("behind.csv.$suffix", "${good}id,name") . "')"),
            qr/ERROR:  XX001: could not decompress file ".*behind.csv.$suffix"/, "$name file with something behind it");
        like(error_of("SELECT FROM purser.bulk_load('t', '" . write_file("empty.csv", '')
            . "', options => '{\"compression\": \"$name\"}')"), qr/XX001: .*unexpected end of data/, "no $name file at all");
    }
}
SKIP: {
    skip 'gzip is not supported', 2 if !supports("$dir/f.csv.gz");
    is(load(write_file('padded.csv.gz', gzipped($csv) . "\0" x 1000)), $expected, 'padding behind gzip');
    my $sum = gzipped($csv);
    substr($sum, -6, 1) ^= chr(1);
    like(error_of("SELECT FROM purser.bulk_load('t', '" . write_file('sum.csv.gz', $sum) . "')"),
        qr/XX001: .*incorrect data check/, 'a wrong checksum');
}
SKIP: {
    skip 'zstd is not supported', 2 if !supports("$dir/f.csv.zst");
    is(load(write_file('real.csv.zst', $zstd_file)), sql("SELECT 100, md5(string_agg(
        format('(%s,\"name %s\",)', i, i), '|' ORDER BY i)) FROM generate_series(1, 100) i"),
        'a file that zstd wrote');
    write_file('bomb.csv.zst', zstd_header() . zstd_block(0, "id\n", 3, 0)
        . zstd_block(1, "\n", 131072, 0) x 160 . zstd_block(0, '', 0, 1));
    is(sql("SELECT inserted FROM purser.bulk_load('blank', '$dir/bomb.csv.zst')"), 131072 * 160,
        '20 MB of line ends out of a kilobyte');
}

# ---- encodings ----

is(load(write_file('latin1.csv', "id,name,note\n1,Zo\xEB,caf\xE9\n"), '{"encoding": "LATIN1"}'),
    sql("SELECT 1, md5('(1,Zoë,café)')"), 'LATIN1 into UTF8');
# In SJIS the second byte of the first character is a backslash, that of the other one a |.
my $sjis = "1\t\x83\x5C\x81\x7C\t\x83\x5C\n" x 3;
my $of_sjis = "SELECT 3, md5(concat_ws('|', r, r, r)) FROM (SELECT '(1,'
    || convert_from('\\x835c817c', 'SJIS') || ',' || convert_from('\\x835c', 'SJIS') || ')' AS r) s";
my $sjis_rows = sql($of_sjis);
write_file('sjis.txt', $sjis);
is(load("$dir/sjis.txt", '{"encoding": "SJIS"}'), $sjis_rows, 'SJIS into UTF8');
my @wrong = grep {
    sql("SET purser.bulk_window = $_; TRUNCATE t;
        SELECT FROM purser.bulk_load('t', '$dir/sjis.txt', options => '{\"encoding\": \"SJIS\"}');
        SELECT count(*), md5(string_agg(t::text, '|' ORDER BY id)) FROM t") ne $sjis_rows
} 1 .. 9;
is("@wrong", '', 'SJIS through small windows');
is(sql("SET client_encoding = 'LATIN1'; TRUNCATE t; SELECT FROM purser.bulk_load('t', '$dir/latin1.csv');
        SELECT name = 'Zo' || chr(235) FROM t"), 't', 'without the option it is the client\'s, as for COPY');

write_file('bad.csv', "id,name\n1,ok\n2,b\xFFd\n3,ok\n");
like(error_of("SELECT FROM purser.bulk_load('t', '$dir/bad.csv')"),
    qr/ERROR:  22021: invalid byte sequence for encoding "UTF8": 0xff.*row 2 \(line 3\)/s, 'invalid bytes');
like(error_of("SELECT FROM purser.bulk_insert('t', pg_read_binary_file('$dir/bad.csv'), 'csv')"),
    qr/22021: invalid byte sequence for encoding "UTF8": 0xff.*row 2/s, 'also in a bytea');
write_file('gap.csv', "id,name\n1,ok\n2,b\x81d\n3,ok\n");
like(error_of("SELECT FROM purser.bulk_load('t', '$dir/gap.csv', options => '{\"encoding\": \"WIN1252\"}')"),
    qr/ERROR:  22P05: character with byte sequence 0x81 in encoding "WIN1252" has no equivalent in encoding "UTF8".*row 2/s,
    'a character without equivalent');
write_file('half.csv', "id,name\n1,ok\n2,\x83");
like(error_of("SELECT FROM purser.bulk_load('t', '$dir/half.csv', options => '{\"encoding\": \"SJIS\"}')"),
    qr/ERROR:  22021: invalid byte sequence for encoding "SJIS": 0x83/, 'half a character at the end');
like(error_of("SELECT FROM purser.bulk_insert('t', 'id', 'csv', options => '{\"encoding\": \"SJIS\"}')"),
    qr/ERROR:  22023: option "encoding" is not for data of type text/, 'text has no encoding of its own');

sql(q{CREATE DATABASE euc ENCODING 'EUC_JP' LOCALE 'C' TEMPLATE template0});
sql('CREATE EXTENSION pg_purser; CREATE TABLE t (id int, name text, note text)', 'euc');
is(load("$dir/sjis.txt", '{"encoding": "SJIS"}', 'euc'),
    sql($of_sjis, 'euc'), 'SJIS into EUC_JP');
like(error_of("SELECT FROM purser.bulk_load('t', '$dir/latin1.csv', options => '{\"encoding\": \"LATIN1\"}')", 'euc'),
    qr/ERROR:  42883: default conversion function for encoding "LATIN1" to "EUC_JP" does not exist/, 'no conversion');

# ---- what is no file, and who may read ----

like(error_of("SELECT FROM purser.bulk_load('t', '$dir/none.csv')"),
    qr/ERROR:  58P01: could not open file ".*none.csv" for reading: No such file.*\nHINT:/, 'no such file');
like(error_of("SELECT FROM purser.bulk_load('t', '$dir')"), qr/ERROR:  42809: ".*" is a directory/, 'a directory');
chmod 0, write_file('secret.csv', "id\n1\n");
like(error_of("SELECT FROM purser.bulk_load('t', '$dir/secret.csv')"),
    qr/ERROR:  42501: could not open file ".*secret.csv" for reading: Permission denied/, 'a file that the server may not read');
sql('CREATE ROLE regress_bulk_reader; CREATE ROLE regress_bulk_writer;
    GRANT pg_read_server_files TO regress_bulk_reader;
    GRANT USAGE ON SCHEMA purser TO PUBLIC; GRANT INSERT ON t TO regress_bulk_reader, regress_bulk_writer');
is(sql("SET ROLE regress_bulk_reader; SELECT inserted FROM purser.bulk_load('t', '$dir/f.csv')"), 300, 'who may read files');
like(error_of("SET ROLE regress_bulk_writer; SELECT FROM purser.bulk_load('t', '$dir/f.csv')"),
    qr/ERROR:  42501: permission denied for function bulk_load/, 'who may not');
sql('GRANT EXECUTE ON FUNCTION purser.bulk_load TO regress_bulk_writer');
like(error_of("SET ROLE regress_bulk_writer; SELECT FROM purser.bulk_load('t', '$dir/f.csv')"),
    qr/ERROR:  42501: permission denied to load from a file of the server/, 'also if the function was given away');
like(error_of("SET default_transaction_read_only = on; SELECT FROM purser.bulk_load('t', '$dir/f.csv')"),
    qr/ERROR:  25006: /, 'a read-only transaction');

# ---- pipes, progress, cancelling ----

sub follow
{
    my ($fifo) = @_;
    mkfifo($fifo, 0666) or die "mkfifo: $!";
    chmod 0666, $fifo;
    my $session = $node->background_psql('postgres', on_error_stop => 0);
    $session->query_until(qr/begun/, "\\echo begun\nSELECT inserted FROM purser.bulk_load('t', '$fifo', 'csv');\n\\echo ended\n");
    return $session;
}

sql('TRUNCATE t');
my $session = follow("$dir/pipe");
open my $pipe, '>', "$dir/pipe" or die "pipe: $!";
$pipe->autoflush(1);
print $pipe "id,name\n", map { "$_,name\n" } 1 .. 5000;
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM purser.load_progress
        WHERE relation = 't'::regclass AND rows BETWEEN 1000 AND 5000 AND rejects = 0 AND bytes_processed > 1000
            AND bytes_total IS NULL AND time_left IS NULL AND rate > 0 AND started < clock_timestamp()}),
    'progress of a load from a pipe');
is(sql(q{SELECT command, type, tuples_processed > 0 FROM pg_stat_progress_copy}), 'COPY FROM|FILE|t', 'as the server shows it');
print $pipe "5001,last\n";
close $pipe;
like($session->query_until(qr/ended/, ''), qr/^\s*5001/m, 'all rows of the pipe');
is(sql('SELECT count(*) FROM purser.load_progress'), 0, 'no progress behind the end');
$session->quit;

sql('TRUNCATE t');
$session = follow("$dir/pipe2");
open $pipe, '>', "$dir/pipe2" or die "pipe: $!";
$pipe->autoflush(1);
print $pipe "id,name\n", map { "$_,name\n" } 1 .. 5000;
ok($node->poll_query_until('postgres', 'SELECT rows > 1000 FROM purser.load_progress'), 'rows are there');
sql('SELECT pg_cancel_backend(pid) FROM purser.load_progress');
$session->query_until(qr/ended/, '');
is(sql('SELECT count(*) FROM t'), 0, 'a load that waits for a pipe is cancelled, and nothing is there');
is(sql('SELECT count(*) FROM pg_stat_progress_copy'), 0, 'nor its progress');
close $pipe;
$session->quit;

sql(q{CREATE FUNCTION nested() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM purser.bulk_insert('blank', '[{"id": 1}]'::text);
    ASSERT (SELECT relation = 't'::regclass FROM purser.load_progress WHERE pid = pg_backend_pid());
    RETURN NULL; END $$;
    CREATE TRIGGER nested AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION nested()});
is(sql("SELECT inserted FROM purser.bulk_load('t', '$dir/f.csv')"), 300,
    'a load within a load leaves the progress to the outer one');

# ---- clients that call functions without SQL ----

sql('CREATE TABLE called (id int, name text)');
my @types = map { "regclass,$_,text,text,text[],text[],boolean,bigint,text,text,jsonb,text,boolean" } qw(jsonb bytea);
my @rest = ('error', undef, undef, 'false', undef, undef, undef, undef, 'keep', 'false');
is(call_function("purser.bulk_insert($types[0])", 'called', '[{"id": 1, "name": "a"}]', 'json', @rest), '', 'jsonb');
like(call_function("purser.bulk_insert($types[1])", 'called', "id,name\n2,\\377\n", 'csv', @rest),
    qr/C22021.*invalid byte sequence/s, 'bytes are verified');
is(call_function("purser.bulk_insert($types[1])", 'called', "id,name\n2,b\n", 'csv', @rest), '', 'bytea');
is(sql("SELECT string_agg(id || name, ',' ORDER BY id) FROM called"), '1a,2b', 'their rows');

$node->stop;
done_testing();
