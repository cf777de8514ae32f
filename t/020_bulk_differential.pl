# The same data through COPY, INSERT and bulk_insert gives the same rows.
#
# A table of many types is filled from a seeded generator in SQL, with nulls, empty strings, quotes,
# line ends and characters of several bytes. It is written out as CSV and as JSON, loaded again in
# each way, and compared with EXCEPT ALL both ways. Damaged input is taken or refused alike.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('bulk');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "timezone = 'Europe/Paris'\ndatestyle = 'ISO, MDY'\n");
$node->start;
my $dir = $node->data_dir;

sub query { return $node->safe_psql('postgres', shift) }

my $columns = <<'END';
    i2 smallint, i4 int, i8 bigint, f4 real, f8 double precision, n numeric, n2 numeric(12, 3),
    b boolean, t text, v varchar(40), c char(6), by bytea, d date, ti time, ts timestamp,
    tz timestamptz, iv interval, u uuid, j json, jb jsonb, ia int[], ta text[], r int4range,
    ip inet, p point, bt bit varying, e color, dom positive, pr pair, m money
END
query(<<"END");
CREATE EXTENSION pg_purser;
CREATE TYPE color AS ENUM ('red', 'light green', 'bl"ue');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TYPE pair AS (a int, b text);
CREATE TABLE source ($columns);
CREATE TABLE by_copy (LIKE source);
CREATE TABLE by_insert (LIKE source);
CREATE TABLE by_bulk (LIKE source);
CREATE FUNCTION odd_text(r float8) RETURNS text LANGUAGE sql IMMUTABLE AS \$\$
    SELECT (ARRAY['', ' ', 'plain', 'a,b', 'say "x"', '"', E'two\\nlines', E'cr\\r\\nlf', E'tab\\t', '\\.',
        '\\N', 'NULL', 'null', 'é, ü', '日本語', '{', '}', '\\', 'back\\slash\\"', '''', ' padded ',
        repeat('long "q" ', 300), '[1,2]', 'true', '😀', E'\\u00a0'])[1 + floor(r * 26)]
\$\$;
SELECT setseed(0.42);
INSERT INTO source
SELECT random() * 65535 - 32768, random() * 4e9 - 2e9, random() * 1.8e19 - 9e18, random() * 1e6,
    CASE WHEN random() < 0.05 THEN 'NaN' WHEN random() < 0.05 THEN '-Infinity' ELSE random() * 1e-9 END,
    (random() * 1e9)::numeric ^ 3, random() * 1e6, random() < 0.5, odd_text(random()),
    left(odd_text(random()), 40), left(odd_text(random()), 6), decode(md5(random()::text), 'hex'),
    date '0001-01-01' + (random() * 2e6)::int, time '00:00' + random() * interval '1 day',
    timestamp 'epoch' + random() * interval '9000 years',
    timestamptz 'epoch' + random() * interval '60 years', random() * interval '900 days',
    md5(random()::text)::uuid,
    json_build_object('k', odd_text(random()), 'l', json_build_array(1, NULL, odd_text(random()))),
    jsonb_build_object('k', odd_text(random()), 'n', random()), ARRAY[1, NULL, (random() * 9)::int],
    ARRAY[odd_text(random()), NULL, odd_text(random())],
    int4range((random() * 9)::int, 10 + (random() * 9)::int),
    ('10.0.' || floor(random() * 255) || '.0/24')::inet, point(random(), random()),
    (random() * 1000)::int::bit(12),
    (ARRAY['red', 'light green', 'bl"ue'])[1 + floor(random() * 3)]::color, 1 + floor(random() * 99),
    ROW((random() * 9)::int, odd_text(random()))::pair, (random() * 1e6)::numeric::money
FROM generate_series(1, 2000);
END

# Make a tenth of all values null.
my @names = split /,/, query("SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute "
        . "WHERE attrelid = 'source'::regclass AND attnum > 0");
query(join ';', 'SELECT setseed(0.1)',
    map { "UPDATE source SET $_ = NULL WHERE random() < 0.1" } @names);
query("COPY source TO '$dir/lf.csv' CSV HEADER");

# Number of rows that one of two tables has and the other has not.
sub differences
{
    my ($one, $two) = map { "(SELECT ($_)::text FROM $_)" } @_;
    return query("SELECT count(*) FROM (($one EXCEPT ALL $two) UNION ALL ($two EXCEPT ALL $one)) x");
}

# Only the ends of records change their style: those are the newlines outside quotes.
my $quoted = 0;
my $csv = slurp_file("$dir/lf.csv");
$csv =~ s/("|\n)/$1 eq '"' ? do { $quoted = !$quoted; '"' } : $quoted ? "\n" : "\r\n"/ge;
append_to_file("$dir/crlf.csv", $csv);

for my $style ('lf', 'crlf')
{
    query("TRUNCATE by_copy, by_bulk; COPY by_copy FROM '$dir/$style.csv' CSV HEADER");
    is(query("SELECT inserted FROM purser.bulk_insert('by_bulk', pg_read_file('$style.csv'), 'csv')"),
        2000, "csv with $style is loaded");
    is(differences('by_copy', 'by_bulk'), 0, "csv with $style gives the rows of COPY");
    is(differences('source', 'by_bulk'), 0, "csv with $style gives the rows of the source");
}

for my $type ('text', 'json', 'jsonb')
{
    my $cast = $type eq 'text' ? 'json' : $type;
    my $data = "(SELECT ${cast}_agg(source) FROM source)";
    query("TRUNCATE by_insert, by_bulk;"
            . "INSERT INTO by_insert SELECT * FROM ${cast}_to_recordset($data) AS r ($columns)");
    is(query("SELECT inserted FROM purser.bulk_insert('by_bulk', $data\::$type)"),
        2000, "$type is loaded");
    is(differences('by_insert', 'by_bulk'), 0, "$type gives the rows of ${cast}_to_recordset");
}

# Indexes, defaults and a generated column: in batches, and row by row for a trigger.
my $list = join ', ', @names;
for my $trigger (0, 1)
{
    for my $table ('full_copy', 'full_bulk')
    {
        query(<<"END");
SET client_min_messages = warning;
DROP TABLE IF EXISTS $table;
CREATE TABLE $table ($columns, id serial PRIMARY KEY, note text DEFAULT 'n',
    up text GENERATED ALWAYS AS (upper(t)) STORED);
CREATE INDEX ON $table (i4);
CREATE OR REPLACE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.note := NEW.i4; RETURN NEW; END';
END
        query("CREATE TRIGGER note BEFORE INSERT ON $table FOR EACH ROW EXECUTE FUNCTION note()")
            if $trigger;
    }
    query("COPY full_copy ($list) FROM '$dir/lf.csv' CSV HEADER;"
            . "SELECT purser.bulk_insert('full_bulk', pg_read_file('lf.csv'), 'csv')");
    is(differences('full_copy', 'full_bulk'),
        0, 'indexes, defaults, generated column' . ($trigger ? ' and trigger' : ''));
    is( query("SET enable_seqscan = off; SELECT count(*) FROM full_bulk WHERE i4 < 0"),
        query("SELECT count(*) FROM source WHERE i4 < 0"),
        'the index has every row');
}

# What newer servers add to tables.
SKIP:
{
    skip 'no virtual columns and no keys over periods before 18', 3
        if $node->pg_version->major < 18;
    query(<<'END');
CREATE TABLE news (n int, key int4range, during daterange, at uuid DEFAULT uuidv7(),
    twice int GENERATED ALWAYS AS (n * 2) VIRTUAL NOT NULL CHECK (twice < 100),
    PRIMARY KEY (key, during WITHOUT OVERLAPS));
END
    my ($one, $two, $later) = map { qq{"key": "[$_,$_]", "during": } } 1, 2, 3;
    query(qq{SELECT purser.bulk_insert('news', '[{"n": 1, $one "[2024-01-01,2024-02-01)"},
        {"n": 2, $two "[2024-01-01,2024-02-01)"}]')});
    is(query('SELECT sum(twice), count(DISTINCT at) FROM news'), '6|2', 'virtual column and uuidv7');
    is(query(qq{SELECT inserted, skipped FROM purser.bulk_insert('news',
        '[{"n": 3, $one "[2024-01-15,2024-03-01)"}, {"n": 3, $one "[2024-02-01,2024-03-01)"}]',
        on_conflict => 'skip')}), '1|1', 'period key, skip');
    my $refused = '';
    for my $row (qq{"n": 1, $later "empty"}, qq{"n": 70, $later "[2024-01-01,)"}, qq{$later null},
        qq{"twice": 1})
    {
        my ($ret, $out, $err) =
            $node->psql('postgres', "SELECT purser.bulk_insert('news', '[{$row}]')");
        $refused .= $1 if $err =~ /ERROR:  (.*\n)/;
    }
    is($refused, <<'END', 'refusals');
empty WITHOUT OVERLAPS value found in column "during" in relation "news"
new row for relation "news" violates check constraint "news_twice_check"
null value in column "during" of relation "news" violates not-null constraint
cannot insert a non-DEFAULT value into column "twice"
END
}

# Damage: each piece of CSV is taken or refused by both, with the same rows or SQLSTATE.
query(<<'END');
CREATE TABLE small_copy (a text, b text, c text);
CREATE TABLE small_bulk (LIKE small_copy);
CREATE FUNCTION attempt(command text, result regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE command;
    EXECUTE format('WITH gone AS (DELETE FROM %s t RETURNING t::text) SELECT string_agg(t, ''|'') FROM gone', result)
        INTO answer;
    RETURN coalesce(answer, 'no rows');
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
CREATE FUNCTION compare(name text, directory text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    copied text := attempt(format('COPY small_copy FROM %L CSV HEADER', directory || '/' || name), 'small_copy');
    bulked text := attempt(format('SELECT purser.bulk_insert(%L, pg_read_file(%L), %L)', 'small_bulk', name, 'csv'), 'small_bulk');
BEGIN
    RETURN CASE WHEN copied = bulked THEN 'same ' || left(copied, 5) ELSE format('%s: COPY %s, bulk_insert %s', name, copied, bulked) END;
END $$;
END
srand(7);
my @pieces = ('"', '""', ',', "\n", "\r\n", "\r", '1', 'x', ' ', '"a"', '1,b,c', "\n2,y,z\n", 'é',
    '\\', '"q,""r"","', "3,,\n");
my $tries = 500;
for my $i (1 .. $tries)
{
    my $end = $i % 3 ? "\n" : "\r\n";
    append_to_file("$dir/damaged$i.csv", join '',
        "a,b,c$end", $i % 2 ? '' : "1,x,y$end",
        map { $pieces[ int rand @pieces ] } 1 .. 1 + int(rand 6));
}
my @answers = split /\n/, query("SELECT compare('damaged' || i || '.csv', '$dir') FROM generate_series(1, $tries) i");
is(scalar @answers, $tries, "$tries damaged inputs are tried");
my ($unlike) = grep { !/^same/ } @answers;
is($unlike, undef, 'they are treated alike');
my %kinds = map { $_ => 1 } @answers;
cmp_ok(scalar keys %kinds, '>', 5, 'some are refused and some are not');

$node->stop;
done_testing();
