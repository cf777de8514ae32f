# Random rows for the tables of BulkTables, and how they are written: as commands, and as csv, text or json.
#
# A case is a hash: columns (those that the input has), format, way (how the data is passed), options
# (how it is written), on_conflict and what belongs to it, damage (how often a row is bad). An entry
# is a row with what is wrong with it.
package BulkRows;
use strict;
use warnings;
use utf8;

use BulkTables qw(pick maybe quote ident json_string random_value bad_value);
use Exporter 'import';
our @EXPORT_OK = qw(random_row random_entry insert_command sql_value conflict_clause data random_options copy_options bulk_options);

# ---- rows ----

# What a row's values are: names to values, in the order in which they are written.
sub random_row
{
    my ($c) = @_;
    my %row;
    for my $column (@{ $c->{columns} })
    {
        next if $c->{sparse} && $column->{name} ne 'id' && !$column->{must} && maybe(0.2);
        my $value = random_value($column, $c->{encoding});
        # A column without a default is null then; COPY refuses it.
        $value = { dflt => 1 } if $c->{dflt} && $column->{name} ne 'id' && !$column->{must} && maybe(0.05)
            && ($c->{mode} ne 'copy' || ($column->{extra} // '') =~ /DEFAULT/);
        $row{ $column->{name} } = $value;
    }
    $row{n} = BulkTables::number(pick(0, 1, 3, 5, 6)) if $c->{tame} && $row{n};
    $row{code} = BulkTables::number(int rand 15) if $c->{tame} && $row{code};
    $row{p} = BulkTables::plain(pick('a', 'b')) if $c->{tame} && $row{p};
    $row{id} = BulkTables::number($c->{next}++) if $c->{tame} && $row{id} && !maybe($c->{tame_duplicates});
    return \%row;
}

# Something is wrong with it: { row, malformed => [ SQLSTATE, message ], ... }.
sub random_entry
{
    my ($c) = @_;
    my $entry = { row => random_row($c) };
    return $entry unless maybe($c->{damage});

    my @names = map { $_->{name} } @{ $c->{columns} };
    my $way = int rand 7;
    if ($way == 6 && $c->{way} =~ /bytes|file/ && $c->{file_encoding} eq 'UTF8' && $c->{encoding} eq 'UTF8')
    {
        $entry->{row}{p} = { text => "\x01", json => "\"\x01\"" };
        $entry->{malformed} = [ '22021', 'invalid byte sequence for encoding "UTF8": 0xff' ];
    }
    elsif ($way == 0 && $c->{format} eq 'csv' && @names > 1)
    {
        $entry->{drop} = 1;
        $entry->{malformed} = [ '22P04', qq(missing data for column "$names[-1]") ];
    }
    elsif ($way == 1 && $c->{format} =~ /csv|text/)
    {
        $entry->{add} = 1;
        $entry->{malformed} = [ '22P04', 'extra data after last expected column' ];
    }
    elsif ($way == 2 && $c->{format} =~ /json/)
    {
        $entry->{unknown} = 1;
        $entry->{malformed} = [ '42703', qq(column "nix" of relation "$c->{target}" does not exist) ];
    }
    elsif ($way == 3 && $c->{format} =~ /json/ && $c->{way} ne 'jsonb' && $c->{way} ne 'json')
    {
        $entry->{broken} = 1;
        $entry->{malformed} = [ '22P02', 'invalid input syntax for type json' ];
    }
    else
    {
        my $column = pick(@{ $c->{columns} });
        my $bad = bad_value($column) // return $entry;
        $entry->{row}{ $column->{name} } = $bad;
    }
    return $entry;
}

sub insert_command
{
    my ($c, $entry) = @_;
    return 'SELECT public.malformed(' . join(', ', map { quote($_) } @{ $entry->{malformed} }) . ')' if $entry->{malformed};

    my $row = $entry->{row};
    my @names = grep { $row->{$_} } map { $_->{name} } @{ $c->{columns} };
    my $into = @names
        ? '(' . join(', ', map { ident($_) } @names) . ') VALUES (' . join(', ', map { sql_value($row->{$_}) } @names) . ')'
        : 'DEFAULT VALUES';
    return "INSERT INTO $c->{target} $into" . conflict_clause($c, @names);
}

sub sql_value { my $v = shift; return $v->{null} ? 'NULL' : $v->{dflt} ? 'DEFAULT' : $v->{sql} }

sub conflict_clause
{
    my ($c, @names) = @_;
    return '' if $c->{on_conflict} eq 'error';

    my (undef, $arbiter, undef, @key) = @{ $c->{key} };
    my @set = $c->{update_columns} ? @{ $c->{update_columns} } : grep { my $n = $_; !grep { $n eq $_ } @key } @names;
    $arbiter = '' if $c->{all};
    return " ON CONFLICT $arbiter DO NOTHING" if $c->{on_conflict} eq 'skip' || !@set;
    return " ON CONFLICT $arbiter DO UPDATE SET " . join(', ', map { ident($_) . ' = excluded.' . ident($_) } @set)
        . ($c->{where} ? " WHERE $c->{where}" : '');
}

# ---- formats ----

sub csv_field
{
    my ($o, $text, $must) = @_;
    my ($q, $e, $end) = @{$o}{qw(quote escape end)};
    return $text if !$must && $text !~ /[\Q$q$e$o->{delimiter}\E\r\n]/ && $text ne $o->{null}
        && $text ne ($o->{default} // $o->{null}) && $text ne '\\.' && maybe(0.7);
    $text =~ s/([\Q$q$e\E])/$e$1/g;
    return $q . $text . $q;
}

sub text_field
{
    my ($o, $text) = @_;
    my %named = ("\n" => '\\n', "\r" => '\\r', "\t" => '\\t', '\\' => '\\\\');
    $text =~ s/([\\\n\r\t])/$named{$1}/g;
    $text =~ s/(\Q$o->{delimiter}\E)/\\$1/g unless $o->{delimiter} eq "\t";
    return $text;
}

sub delimited
{
    my ($c, $entry) = @_;
    my $o = $c->{options};
    my @fields = map {
        my $v = $entry->{row}{ $_->{name} };
        $v->{null} ? $o->{null} : $v->{dflt} ? $o->{default}
            : $c->{format} eq 'csv' ? csv_field($o, $v->{text}) : text_field($o, $v->{text})
    } @{ $c->{columns} };
    pop @fields if $entry->{drop};
    push @fields, 'more' if $entry->{add};
    return join($o->{delimiter}, @fields) . $o->{end};
}

sub object
{
    my ($c, $entry) = @_;
    my $space = sub { return $c->{format} eq 'ndjson' ? pick('', '', ' ', "\t") : pick('', '', ' ', "\n", "\r\n\t") };
    my $row = $entry->{row};
    my @members = map {
        (json_string($_) . $space->() . ': null') x maybe(0.02),
            json_string($_) . $space->() . ':' . $space->() . ($row->{$_}{null} ? 'null' : $row->{$_}{json})
    } BulkTables::shuffled(keys %$row);
    push @members, '"nix": [1, {"a": "]"}]' if $entry->{unknown};
    push @members, pick('"n": 01', '"n" 1', '"n": nul', '"n": 1 2', 'n: 1', '"n": "\\x"') if $entry->{broken};
    return '{' . $space->() . join(',' . $space->(), @members) . $space->() . '}';
}

sub data
{
    my ($c, @entries) = @_;
    my $o = $c->{options};

    return '[' . join(pick(',', ', ', ",\n"), map { object($c, $_) } @entries) . ']' if $c->{format} eq 'json';
    return join('', map { object($c, $_) . $o->{end} } @entries) if $c->{format} eq 'ndjson';
    my @names = map { $_->{name} } @{ $c->{columns} };
    my $header = $o->{header} eq 'none' ? ''
        : join($o->{delimiter}, map { $c->{format} eq 'csv' ? csv_field($o, $_, $_ eq $o->{null}) : text_field($o, $_) }
            $o->{header} eq 'skip' ? map { 'x' } @names : @names) . $o->{end};
    my $data = $header . join '', map { delimited($c, $_) } @entries;
    $data =~ s/\Q$o->{end}\E\z// if @names > 1 && maybe(0.2);
    return $data;
}

sub random_options
{
    my ($c) = @_;
    my $csv = $c->{format} eq 'csv';
    my %o = (delimiter => $csv ? pick(',', ',', ';', "\t", '|') : pick("\t", "\t", ',', '|'), end => pick("\n", "\n", "\r\n", "\r"));

    $o{end} = pick("\n", "\r\n") if $c->{format} =~ /json/;
    delete $o{delimiter} if $c->{format} =~ /json/;
    return \%o if $c->{format} =~ /json/;
    $o{null} = $csv ? pick('', '', 'NA', '\\N') : pick('\\N', '\\N', '\\NA');
    $o{quote} = $csv ? pick('"', '"', "'", '~') : undef;
    $o{escape} = $csv ? pick($o{quote}, $o{quote}, '\\', '!') : undef;
    $o{default} = $csv ? 'DFLT' : '\\D' if $c->{dflt};
    $o{header} = pick('names', 'names', 'none', 'skip', 'match');
    return \%o;
}

# The same as the options of COPY, and as ours.
sub copy_options
{
    my ($c) = @_;
    my $o = $c->{options};
    my @list = ("format $c->{format}", "encoding '$c->{file_encoding}'",
        'header ' . { names => 'true', none => 'false', skip => 'true', match => 'match' }->{ $o->{header} },
        map { "$_ " . quote($o->{$_}) } grep { defined $o->{$_} } qw(delimiter quote escape null default));
    return '(' . join(', ', @list) . ')';
}

sub bulk_options
{
    my ($c) = @_;
    my $o = $c->{options};
    my @list = map { "\"$_\": " . json_string($o->{$_}) } grep { defined $o->{$_} } qw(delimiter quote escape null default);
    push @list, '"encoding": ' . json_string($c->{file_encoding}) if $c->{way} =~ /bytes|file/;
    if ($c->{format} =~ /csv|text/)
    {
        push @list, '"header": ' . { names => 'true', none => 'false', skip => '"skip"', match => '"match"' }->{ $o->{header} };
        push @list, '"columns": [' . join(', ', map { json_string($_->{name}) } @{ $c->{columns} }) . ']'
            if $o->{header} ne 'names';
    }
    return '{' . join(', ', @list) . '}';
}

1;
