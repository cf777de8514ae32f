# Random tables, and random rows for them, as t/022_bulk_tables_random.pl loads them.
#
# A value is a hash: text, as its type's input function takes it; sql, the same as an expression;
# json. Or it has null or dflt (the column's default) set. Texts are of characters; which ones
# there are depends on the encoding of the database.
package BulkTables;
use strict;
use warnings;
use utf8;

use Exporter 'import';
our @EXPORT_OK = qw(pick maybe quote ident json_string random_table random_value bad_value);

our $escape = 1; # non-ASCII characters in JSON, at times

sub pick { return $_[ int rand @_ ] }
sub maybe { return rand() < shift }
sub quote { return "'" . shift() =~ s/'/''/gr . "'" }
sub ident { return '"' . shift() =~ s/"/""/gr . '"' }

sub json_string
{
    my $text = shift;
    $text =~ s/(["\\])/\\$1/g;
    $text =~ s/([\x00-\x1f])/sprintf '\\u%04x', ord $1/ge;
    $text =~ s/([^\x00-\x7f])/$escape && maybe(0.2) && ord $1 < 0x10000 ? sprintf('\\u%04x', ord $1) : $1/ge;
    return qq{"$text"};
}

# ---- values ----

my %letters = (
    UTF8 => [ 'é', '日本', '😀', "\x{a0}" ],
    LATIN1 => [ 'é', 'ü', 'ß' ],
    EUC_JP => [ '日本', '語', 'カ' ],
    SQL_ASCII => ['é']);

sub text
{
    my ($encoding, $most) = @_;
    my @letters = $encoding eq 'SQL_ASCII' && $most < 100 ? () : @{ $letters{$encoding} }; # there, a limit is in bytes
    my $text = join '', map { pick('a', 'B', 'xyz', ' ', ',', ';', '"', "'", "\n", "\r\n", "\r", "\t", '\\',
            '\\N', '\\.', '{', '}', '(', ')', '|', 'NULL', 'y' x rand 80, @letters) }
        1 .. rand 6;
    $text = $text x (1 + rand 400) if $most > 10_000 && maybe(0.02);
    return substr $text, 0, $most;
}

sub array_literal { return '{' . join(',', map { defined $_ ? '"' . s/(["\\])/\\$1/gr . '"' : 'NULL' } @_) . '}' }
sub json_array { return '[' . join(', ', map { $_ // 'null' } @_) . ']' }
sub digits { return int rand 10**int(1 + rand shift) }

sub plain { my ($text, $json) = @_; return { text => $text, sql => quote($text), json => $json // json_string($text) } }
sub number { my $n = shift; return plain($n, maybe(0.7) && $n =~ /^-?(0|[1-9]\d*)(\.\d+)?$/ ? $n : undef) }
sub date { return sprintf '%04d-%02d-%02d', 1 + rand 2500, 1 + rand 12, 1 + rand 28 }
sub clock { return sprintf '%02d:%02d:%02d%s', rand 24, rand 60, rand 60, pick('', '.5', '.123456', '.9999999') }

sub element_array
{
    my ($good) = @_;
    my @elements = map { maybe(0.2) ? undef : $good->() } 1 .. rand 4;
    my $value = plain(array_literal(map { $_ && $_->{text} } @elements));
    $value->{json} = json_array(map { $_ && $_->{json} } @elements) if maybe(0.7);
    return $value;
}

sub composite
{
    my ($encoding) = @_;
    my ($a, $b) = (digits(4), text($encoding, 30));
    my $value = plain("($a,\"" . $b =~ s/(["\\])/$1$1/gr . '")');
    $value->{json} = '{"b": ' . json_string($b) . qq(, "a": $a}) if maybe(0.6);
    return $value;
}

# By type: a good value, and texts that are none.
my %types = (
    smallint => [ sub { number(digits(4) * pick(1, -1)) }, 'x', '40000', '1.5' ],
    int => [ sub { number(digits(9) * pick(1, -1)) }, 'zwei', '99999999999', '' ],
    bigint => [ sub { number(digits(15) * pick(1, -1)) }, '1e5', '99999999999999999999' ],
    real => [ sub { number(pick(digits(5), rand() * 1000, 'NaN', '-Infinity', '1e30')) }, '1e999', 'x' ],
    float8 => [ sub { number(pick(digits(5), rand(), 'inf', '5e-324', '1.5e300')) }, '1e999999', '--1' ],
    numeric => [ sub { number(pick(digits(9), digits(9) . '.' . digits(9), '1e50', 'NaN')) }, '1e999999', '1..2' ],
    'numeric(8,3)' => [ sub { number(digits(4) . '.' . digits(6)) }, '123456', 'x' ],
    boolean => [ sub { my $b = pick('true', 'false'); plain(pick($b, $b, substr $b, 0, 1), $b) }, 'maybe', '2' ],
    text => [ sub { plain(text(shift, 50_000)) } ],
    'varchar(9)' => [ sub { plain(text(shift, 9)) }, 'x' x 10 ],
    'char(6)' => [ sub { plain(text(shift, 6)) }, 'x' x 7 ],
    name => [ sub { plain(text(shift, 20)) } ],
    '"char"' => [ sub { plain(pick('a', 'b', '\\')) } ],
    bytea => [ sub { plain(pick('\\x', '\\x00ff', 'abc', 'a\\000b\\\\')) }, '\\xf', '\\1' ],
    date => [ sub { plain(pick(date(), date(), 'infinity', '1 Feb 2003')) }, '2001-02-30', 'soon' ],
    time => [ sub { plain(clock()) }, '25:00' ],
    timetz => [ sub { plain(clock() . pick('+02', '-11:30')) }, 'noonish' ],
    timestamp => [ sub { plain(date() . pick(' ', 'T') . clock()) }, '2001-01-01 25:00' ],
    'timestamp(2)' => [ sub { plain(date() . ' ' . clock()) }, 'x' ],
    timestamptz => [ sub { plain(date() . ' ' . clock() . pick('', 'Z', '+05', ' Europe/Paris')) }, '2001-01-01 Nowhere/None' ],
    interval => [ sub { plain(pick('1 day', '3 mons 2 days 04:05:06.789', 'P1Y2M', '-5 min')) }, 'a while' ],
    'interval day to second(2)' => [ sub { plain(pick('1 day 2.345 sec', '04:05:06.789')) }, 'x' ],
    uuid => [ sub { plain(join '-', map { join '', map { sprintf '%02x', rand 256 } 1 .. $_ } 4, 2, 2, 2, 6) }, '12-34' ],
    json => [ sub { my $doc = document(shift); plain($doc, $doc) }, undef ],
    jsonb => [ sub { my $doc = document(shift); plain($doc, $doc) }, undef ],
    'int[]' => [ sub { element_array(sub { number(digits(5)) }) }, '{1', '{x}', '{{1},{1,2}}' ],
    'text[]' => [ sub { my $e = shift; element_array(sub { plain(text($e, 20)) }) }, '{"a', 'a' ],
    'varchar(3)[]' => [ sub { my $e = shift; element_array(sub { plain(text($e, 3)) }) }, '{abcd}' ],
    mood => [ sub { plain(pick('sad', 'so so', 'hap"py')) }, 'happy' ],
    'mood[]' => [ sub { element_array(sub { plain(pick('sad', 'so so', 'hap"py')) }) }, '{glad}' ],
    positive => [ sub { number(1 + digits(5)) }, '0', 'x' ],
    small => [ sub { number(1 + digits(1)) }, '100', '-1', 'x' ],
    given => [ sub { plain(text(shift, 20)) }, undef ],
    few => [ sub { plain(array_literal(1 .. rand 3)) }, '{1,2,3,4}', '{' ],
    pair => [ sub { composite(shift) }, '(1)', '(x,y)', 'y' ],
    'pair[]' => [ sub { my $e = shift; element_array(sub { composite($e) }) }, '{"(1)"}' ],
    int4range => [ sub { my $n = digits(3); plain("[$n," . ($n + 5) . pick(')', ']')) }, '[5,1]', '[' ],
    int4multirange => [ sub { plain('{[1,3),[7,9]}') }, '{[5,1]}' ],
    tstzrange => [ sub { plain('[' . pick('2020-01-01', '') . ',2021-01-01)') }, '[x,)' ],
    inet => [ sub { plain(join('.', map { int rand 256 } 1 .. 4) . pick('', '/24', '/8')) }, '300.0.0.1' ],
    cidr => [ sub { plain('10.1.' . int(rand 256) . '.0/24') }, '10.0.0.1/8' ],
    macaddr => [ sub { plain('08:00:2b:01:02:03') }, '08:00' ],
    point => [ sub { plain('(' . digits(3) . ',' . digits(3) . ')') }, '(1' ],
    money => [ sub { plain(pick('$', '') . digits(5) . '.' . pick('25', '5')) }, '$x' ],
    xml => [ sub { plain(pick('<a/>', '<b c="1">d</b>', 'text')) }, '<a' ],
    tsvector => [ sub { plain(pick("'a':1 'b':2", 'cat dog')) }, "'a" ],
    'bit(4)' => [ sub { plain(join '', map { int rand 2 } 1 .. 4) }, '101', '2222' ],
    'bit varying(6)' => [ sub { plain('1' x rand 7) }, '1111111' ],
    oid => [ sub { number(digits(9)) }, '-x' ],
    regtype => [ sub { plain(pick('int4', 'text', '"char"')) }, 'nosuchtype' ],
    pg_lsn => [ sub { plain(digits(4) . '/0') }, 'G/0' ]);

our @type_names = sort keys %types;

# As json and jsonb write it: a string that is all of the document is written anew.
sub document
{
    my $string = '"' . text(shift, 30) =~ s/(["\\])/\\$1/gr =~ s/\n/\\n/gr =~ s/\r/\\r/gr =~ s/\t/\\t/gr . '"';
    return pick(digits(6), 'true', '[]', '[1, null, "x"]', $string, qq({"k": $string}), '[' x 40 . ']' x 40);
}

sub random_value
{
    my ($column, $encoding) = @_;
    return { null => 1 } if $column->{type} ne 'given' && maybe($column->{nulls});
    return $column->{good}->() if $column->{good};
    return $types{ $column->{type} }[0]->($encoding);
}

sub bad_value
{
    my $column = shift;
    my (undef, @bad) = @{ $types{ $column->{type} } };
    return { null => 1 } if $column->{type} eq 'given';
    return @bad && defined $bad[0] ? plain(pick(@bad)) : undef;
}

# ---- tables ----

my @odd_names = ('Mixed Case', 'with "quotes"', "new\nline", 'select', 'a,b', 'back\\slash', "it's", '$1', 'x' x 63);

sub columns_of
{
    my ($encoding, $xml, $virtual) = @_;
    my $id = pick('int', 'int', 'int', 'serial', 'identity', 'always');
    my @columns = ({
            name => 'id',
            type => 'int',
            nulls => $id eq 'int' ? 0.02 : 0,
            good => sub { number(1 + int rand 60 * 2**rand 6) },
            given => $id ne 'always',
            extra => $id eq 'int' ? '' : $id eq 'serial' ? "DEFAULT nextval('ids')" : 'NOT NULL',
            identity => $id eq 'identity' ? 'BY DEFAULT' : $id eq 'always' ? 'ALWAYS' : undef },
        { name => 'n', type => 'int', nulls => 0.1, good => sub { number(int rand 12) },
            extra => pick('', 'DEFAULT 4', 'NOT NULL DEFAULT 3') },
        { name => 'p', type => 'text', nulls => 0, good => sub { plain(pick('a', 'b', 'c')) }, extra => 'NOT NULL' },
        { name => 'code', type => 'int', nulls => 0.2, good => sub { number(int rand 20) } });

    for my $i (1 .. rand 7)
    {
        my $type = pick(@type_names);
        redo if $type eq 'xml' && !$xml || $type eq 'name' && $encoding eq 'SQL_ASCII';
        push @columns, { type => $type, nulls => 0.1, name => maybe(0.2) ? pick(@odd_names) . $i : "c$i",
            must => $type eq 'given', extra => maybe(0.1) ? 'NOT NULL' : $type eq 'int' ? pick('', 'DEFAULT random_default()') : '' };
        $columns[-1]{name} = substr $columns[-1]{name}, -63;
    }
    my ($first) = grep { $_->{type} eq 'text' && $_->{name} ne 'p' } @columns;
    push @columns, { name => 'doubled', type => 'int', generated => '100 / (n - 11)', nulls => 0 } if maybe(0.3);
    push @columns, { name => 'upped', type => 'text', generated => 'upper(' . ident($first->{name}) . ')', nulls => 0 }
        if $first && maybe(0.5);
    push @columns, { name => 'seen', type => 'int', generated => 'n + 1', virtual => 1, nulls => 0 }
        if $virtual && maybe(0.3);
    return @columns[ 0, 1 ], map { $_->[1] } sort { $a->[0] <=> $b->[0] } map { [ rand, $_ ] } @columns[ 2 .. $#columns ];
}

sub definition
{
    my ($column, $partition) = @_;
    my $text = ident($column->{name}) . " $column->{type} " . ($column->{extra} // '');
    $text .= " GENERATED $column->{identity} AS IDENTITY" if $column->{identity} && !$partition;
    $text .= " GENERATED ALWAYS AS ($column->{generated}) " . ($column->{virtual} ? 'VIRTUAL' : 'STORED')
        if $column->{generated};
    return $text;
}

sub shuffled { return map { $_->[1] } sort { $a->[0] <=> $b->[0] } map { [ rand, $_ ] } @_ }

sub partition
{
    my ($table, $parent, $name, $bound, $by) = @_;
    my @ddl = maybe(0.5)
        ? ("CREATE TABLE $name PARTITION OF $parent $bound $by")
        : ("CREATE TABLE $name (" . join(', ', 'gone int', map({ definition($_, 1) } shuffled(@{ $table->{columns} })),
                @{ $table->{checks} }) . ") $by", "ALTER TABLE $name DROP COLUMN gone",
            "ALTER TABLE $parent ATTACH PARTITION $name $bound");
    return @ddl;
}

sub partitions
{
    my $table = shift;
    my $kind = $table->{kind};
    my @ranges = map { my $to = $_ < 3 ? 50 * ($_ + 1) : 3000; 'FOR VALUES FROM (' . 50 * $_ . ") TO ($to)" } 0 .. 3;

    return map { partition($table, 't', "t_$_", "FOR VALUES WITH (MODULUS 3, REMAINDER $_)", '') } 0 .. 2 if $kind eq 'hash';
    return map { partition($table, 't', "t_$_", $ranges[$_], '') } 0 .. 3 if $kind eq 'range';
    my $by = $kind eq 'nested' ? 'PARTITION BY RANGE (id)' : '';
    my @ddl = map { partition($table, 't', "t_$_", "FOR VALUES IN ('$_')", $by) } 'a', 'b', maybe(0.7) ? 'c' : ();
    push @ddl, partition($table, 't', 't_rest', 'DEFAULT', '') if maybe(0.3);
    push @ddl, map { my $list = $_; map { partition($table, "t_$list", "t_$list$_", $ranges[$_], '') } 0 .. 3 }
        grep { my $name = $_; grep { /t_$name / } @ddl } 'a' .. 'c'
        if $by;
    return @ddl;
}

# Unique indexes: the columns, how ON CONFLICT names them, and arguments that mean them.
sub keys_of
{
    my $table = shift;
    my @with = $table->{kind} eq 'list' ? ('p') : $table->{kind} eq 'nested' ? ('p') : ();
    my $list = join ', ', 'id', @with;
    my @keys = ([ "ALTER TABLE t ADD CONSTRAINT t_id PRIMARY KEY ($list)", "($list)", "conflict_columns => '{$list}'", 'id', @with ],
        [ "CREATE UNIQUE INDEX t_id ON t ($list)", "($list)", "conflict_columns => '{$list}'", 'id', @with ]);
    push @keys,
        [ 'CREATE UNIQUE INDEX t_key ON t (n, id) NULLS NOT DISTINCT', '(id, n)', "conflict_index => 't_key'", 'id', 'n' ],
        [ 'CREATE UNIQUE INDEX t_key ON t (id) WHERE n > 3', '(id) WHERE n > 3', "conflict_index => 't_key'", 'id' ],
        [ 'CREATE UNIQUE INDEX t_key ON t (abs(id), p)', '(abs(id), p)', "conflict_index => 't_key'", 'p' ],
        [ 'CREATE UNIQUE INDEX t_key ON t (p, id DESC) INCLUDE (n)', '(p, id)', "conflict_columns => '{id,p}'", 'id', 'p' ]
        unless $table->{partitioned};
    return @keys;
}

sub triggers
{
    my $table = shift;
    my $row = 'FOR EACH ROW EXECUTE FUNCTION';
    my @all = ("CREATE TRIGGER change BEFORE INSERT OR UPDATE ON t $row change()",
        "CREATE TRIGGER refuse BEFORE INSERT ON t $row refuse('8')",
        "CREATE TRIGGER refuse_after AFTER INSERT OR UPDATE ON t $row refuse('9')",
        "CREATE TRIGGER log AFTER INSERT OR UPDATE ON t $row note()",
        "CREATE TRIGGER log_some AFTER INSERT ON t FOR EACH ROW WHEN (NEW.n > 5) EXECUTE FUNCTION note()",
        "CREATE TRIGGER log_of AFTER UPDATE OF n, code ON t $row note()",
        'CREATE TRIGGER before_all BEFORE INSERT OR UPDATE ON t EXECUTE FUNCTION note()',
        'CREATE TRIGGER after_all AFTER INSERT ON t REFERENCING NEW TABLE AS new_rows EXECUTE FUNCTION note_new()',
        'CREATE TRIGGER after_update AFTER UPDATE ON t REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows EXECUTE FUNCTION note_both()');
    my $leaf = { hash => 't_1', range => 't_1', list => 't_b', nested => 't_a1' }->{ $table->{kind} };
    push @all, "CREATE TRIGGER own BEFORE INSERT OR UPDATE ON $leaf $row change()", "CREATE TRIGGER own_log AFTER INSERT ON $leaf $row note()",
        "CREATE UNIQUE INDEX ${leaf}_own ON $leaf (code, n) WHERE code < 5", "ALTER TABLE $leaf ADD CHECK (n <> 1)",
        "ALTER TABLE $leaf ALTER n SET DEFAULT 9", "CREATE INDEX ON $leaf (n)"
        if $leaf;
    push @all, "CREATE TRIGGER see BEFORE INSERT ON t $row see()" unless $table->{partitioned};
    return grep { maybe(0.2) } @all;
}

# { kind, columns, ddl, key, target, ... }
sub random_table
{
    my ($encoding, $xml, $virtual) = @_;
    my $kind = pick('plain', 'plain', 'plain', 'unlogged', 'temp', 'hash', 'range', 'list', 'nested', 'child', 'parent', 'view',
        'instead', 'policy');
    my %table = (kind => $kind, target => 't', columns => [ columns_of($encoding, $xml, $virtual) ]);
    my $by = { hash => 'HASH (id)', range => 'RANGE (id)', list => 'LIST (p)', nested => 'LIST (p)' }->{$kind};
    my $persistence = { unlogged => 'UNLOGGED', temp => 'TEMP' }->{$kind} // '';
    $table{partitioned} = defined $by;
    $table{direct} = $kind !~ /^(view|instead|policy)$/;
    $table{checks} = [ ('CONSTRAINT odd CHECK (n <> 7)') x maybe(0.4), ('CONSTRAINT few_seen CHECK (code < 18)') x maybe(0.2),
        ('CONSTRAINT looks CHECK (looking(n))') x maybe(0.1) ];

    my @definitions = map { definition($_) } @{ $table{columns} };
    my @ddl = ('CREATE SEQUENCE ids');
    push @ddl, 'CREATE TABLE above (n int)' if $kind eq 'child';
    push @ddl, "CREATE $persistence TABLE t (" . join(', ', 'gone int', @definitions, @{ $table{checks} }) . ')'
        . ($kind eq 'child' ? ' INHERITS (above)' : '') . ($by ? " PARTITION BY $by" : '');
    push @ddl, 'ALTER TABLE t DROP COLUMN gone';
    push @ddl, partitions(\%table) if $by;
    push @ddl, 'CREATE TABLE below (more int) INHERITS (t)' if $kind eq 'parent';
    $table{key} = maybe(0.85) ? pick(keys_of(\%table)) : undef;
    push @ddl, $table{key}[0] if $table{key};
    push @ddl, 'CREATE INDEX ON t ((100 / (n - 10)))' if maybe(0.1);
    push @ddl, 'CREATE INDEX ON t (code)' if maybe(0.3);
    $table{second} = maybe(0.15) && !$by;
    push @ddl, 'CREATE UNIQUE INDEX t_second ON t (code, n) WHERE code < 5' if $table{second};
    $table{foreign} = maybe(0.4) && $kind ne 'temp';
    push @ddl, 'ALTER TABLE t ADD CONSTRAINT t_code_fkey FOREIGN KEY (code) REFERENCES port' if $table{foreign};
    $table{excluding} = maybe(0.1) && !$by;
    push @ddl, 'ALTER TABLE t ADD CONSTRAINT t_apart EXCLUDE USING gist (int4range(id, id + 2) WITH &&) WHERE (id > 200)'
        if $table{excluding};
    $table{triggers} = [ $kind eq 'instead' ? () : triggers(\%table) ];
    push @ddl, @{ $table{triggers} };
    if ($kind eq 'view' || $kind eq 'instead')
    {
        $table{target} = 'v';
        push @ddl, 'CREATE VIEW v AS SELECT * FROM t' . ($kind eq 'view' ? ' WHERE n IS DISTINCT FROM 2 WITH CHECK OPTION' : '');
        push @ddl, 'CREATE TRIGGER instead INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION instead()' if $kind eq 'instead';
    }
    push @ddl, 'ALTER TABLE t ENABLE ROW LEVEL SECURITY', 'ALTER TABLE t FORCE ROW LEVEL SECURITY',
        'CREATE POLICY most ON t USING (true) WITH CHECK (n IS DISTINCT FROM 2)'
        if $kind eq 'policy';
    $table{ddl} = join(";\n", @ddl) . ";\n";
    return \%table;
}

1;
