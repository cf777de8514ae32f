# Random tables of all kinds, with random rows in random formats, are loaded as COPY or INSERT load
# them: the same rows in the same order, the same refusal of each bad row, the same triggers fired.
#
# Each round makes one table twice, in the schemas a and b, and puts the same rows into both, into a
# by the server's own statements. Rounds go on for PURSER_SOAK seconds (30 if not set), in databases
# of several encodings. PURSER_SEED repeats a round: it is the seed of the first one.
use strict;
use warnings;
use utf8;

use FindBin;
use lib $FindBin::RealBin;
use BulkRows qw(random_row random_entry insert_command sql_value conflict_clause data random_options copy_options bulk_options);
use BulkTables qw(pick maybe quote ident bad_value random_table);
use Encode qw(encode);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes;

my $first_seed = $ENV{PURSER_SEED} // int(rand 1_000_000_000);
my $seconds = $ENV{PURSER_SOAK} // 30;
my $rounds = $ENV{PURSER_ROUNDS} // 1_000_000;
diag("PURSER_SEED=$first_seed");

my $node = PostgreSQL::Test::Cluster->new('tables');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "fsync = off\nautovacuum = off\nmax_wal_size = 4GB\nlc_messages = 'C'\n");
$node->start;
my $dir = $node->data_dir;
my $virtual = $node->pg_version->major >= 18;
my $copy_default = $node->pg_version->major >= 16;

# What the rounds need in each database.
my $support = <<'END';
CREATE EXTENSION pg_purser;
CREATE EXTENSION amcheck;
CREATE TYPE mood AS ENUM ('sad', 'so so', 'hap"py');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN small AS positive CHECK (VALUE < 50);
CREATE DOMAIN given AS text NOT NULL;
CREATE DOMAIN few AS int[] CHECK (cardinality(VALUE) < 4);
CREATE FUNCTION random_default() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 6; END';
CREATE TABLE input (n int, command text);
CREATE TABLE expected (n int, outcome text, sqlstate text, message text);
CREATE TABLE result (inserted bigint, updated bigint, skipped bigint, rejected bigint, load_id bigint, failure text);
CREATE TABLE outcomes (ordinal bigint, outcome text);
CREATE TABLE returned (side text, n bigint, r text);

CREATE FUNCTION malformed(code text, message text) RETURNS void LANGUAGE plpgsql AS
    'BEGIN RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message; END';

-- Each command by itself, those that fail undone.
CREATE FUNCTION run_each() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    i record;
    rows bigint;
    before bigint;
    now bigint := 0;
    code text;
BEGIN
    EXECUTE 'SELECT count(*) FROM t' INTO now;
    FOR i IN SELECT * FROM public.input ORDER BY n LOOP
        before := now;
        BEGIN
            EXECUTE i.command;
            GET DIAGNOSTICS rows = ROW_COUNT;
            EXECUTE 'SELECT count(*) FROM t' INTO now;
            INSERT INTO public.expected VALUES (i.n, CASE WHEN now > before THEN 'inserted' WHEN rows > 0 THEN 'updated' ELSE 'skipped' END);
        EXCEPTION WHEN OTHERS THEN
            INSERT INTO public.expected VALUES (i.n, 'rejected', SQLSTATE, SQLERRM);
        END;
    END LOOP;
END $$;

-- All of it, or the error.
CREATE FUNCTION run_all(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

CREATE FUNCTION rows_of(ordered bool, way text) RETURNS TABLE (place bigint, rel name, r text) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT CASE WHEN $1 THEN row_number() OVER (PARTITION BY tableoid ORDER BY ctid) END,
        (SELECT relname FROM pg_class c WHERE c.oid = t.tableoid), t::text FROM %s t', way) USING ordered;
END $$;
END

# What each of the two schemas has.
my $furniture = <<'END';
CREATE TABLE port (code int PRIMARY KEY);
INSERT INTO port SELECT generate_series(0, 15);
CREATE TABLE log (n serial, level text, what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO log (level, what) VALUES (TG_LEVEL, concat_ws(' ', TG_NAME, TG_WHEN, TG_OP, TG_TABLE_NAME,
        CASE WHEN TG_LEVEL = 'ROW' THEN NEW::text END, CASE WHEN TG_LEVEL = 'ROW' AND TG_OP = 'UPDATE' THEN OLD::text END));
    RETURN NEW;
END $$;
CREATE FUNCTION note_new() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO log (level, what) SELECT 'TRANSITION', TG_NAME || r::text FROM new_rows r; RETURN NULL;
END $$;
CREATE FUNCTION note_both() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO log (level, what) SELECT 'TRANSITION', TG_NAME || r::text FROM new_rows r
        UNION ALL SELECT 'TRANSITION', 'old' || r::text FROM old_rows r;
    RETURN NULL;
END $$;
CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.n = 5 THEN NEW.n := 6; ELSIF NEW.n = 4 AND TG_OP = 'INSERT' THEN RETURN NULL; END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.n = TG_ARGV[0]::int THEN RAISE EXCEPTION 'refused %', NEW.n USING ERRCODE = 'PU013'; END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    NEW.code := (SELECT count(*) % 10 FROM t); RETURN NEW;
END $$;
CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO t (id, n, p, code) VALUES (NEW.id, NEW.n, NEW.p, NEW.code); RETURN NEW;
END $$;
CREATE FUNCTION looking(n int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
    RETURN n IS NULL OR (SELECT count(*) < 25 FROM t WHERE t.n = looking.n);
END $$;
END

my %databases = (postgres => 'UTF8', latin => 'LATIN1', japanese => 'EUC_JP', ascii => 'SQL_ASCII');
$node->safe_psql('postgres', 'CREATE ROLE soak IN ROLE pg_read_server_files, pg_write_all_data');
for my $database (sort keys %databases)
{
    $node->safe_psql('postgres', "CREATE DATABASE $database ENCODING '$databases{$database}' LOCALE 'C' TEMPLATE template0")
        if $database ne 'postgres';
    $node->safe_psql($database, "$support GRANT ALL ON ALL TABLES IN SCHEMA public TO soak;
        GRANT CREATE ON DATABASE $database TO soak; GRANT EXECUTE ON FUNCTION pg_read_binary_file(text) TO soak");
}
my ($no_xml) = $node->psql('postgres', "SELECT '<a/>'::xml");
my @scans = grep { my ($failed) = $node->psql('postgres', "LOAD 'pg_purser'; SET purser.bulk_scan = $_"); !$failed }
    qw(auto scalar sse2 avx2 neon);

# ---- one round ----

my %perl_encoding = (UTF8 => 'UTF-8', LATIN1 => 'latin1', EUC_JP => 'euc-jp', SJIS => 'shiftjis', SQL_ASCII => 'UTF-8');

sub write_data
{
    my ($c, @entries) = @_;
    my $data = encode($perl_encoding{ $c->{file_encoding} }, data($c, @entries), Encode::FB_CROAK);
    $data =~ s/\x01/\xff/g; # no character
    open my $file, '>:raw', "$dir/$c->{file}" or die $!;
    print $file $data;
    close $file or die $!;
}

sub call
{
    my ($c, $function) = @_;
    my $bytes = 'pg_read_binary_file(' . quote($c->{file}) . ')';
    my $text = "convert_from($bytes, '$c->{file_encoding}')";
    my %data = (text => $text, json => "$text\::json", jsonb => "$text\::jsonb", bytes => $bytes,
        file => quote("$dir/$c->{file}"));
    my @arguments = ("'$c->{target}'", $data{ $c->{way} }, "format => '$c->{format}'", 'options => ' . quote(bulk_options($c)),
        "on_conflict => '$c->{on_conflict}'");
    pop @arguments if $function =~ /update|delete/;
    push @arguments, 'key_columns => ' . quote('{' . join(',', @{ $c->{by} }) . '}') if $c->{by};
    push @arguments, "indexes => 'rebuild'" if $c->{rebuild} && $c->{way} =~ /text|json/ && $function eq 'bulk_insert';
    $arguments[0] = "NULL::$c->{target}" if $function eq 'bulk_insert_returning';
    $function = 'bulk_load' if $c->{way} eq 'file';
    push @arguments, pick('rejects => true', 'max_rejects => 1000000') if $c->{rejects};
    if ($c->{on_conflict} ne 'error')
    {
        push @arguments, $c->{key}[2] unless $c->{all};
        push @arguments, 'update_columns => ARRAY[' . join(', ', map { quote($_) } @{ $c->{update_columns} }) . ']' if $c->{update_columns};
        push @arguments, 'update_where => ' . quote($c->{where}) if $c->{where};
    }
    return "purser.$function(" . join(', ', @arguments) . ')';
}

# What becomes of rows whose key is taken. One statement takes no key twice.
sub choose_conflict
{
    my ($c) = @_;
    my $once = $c->{mode} =~ /whole|returning/;
    my (undef, undef, undef, @key) = @{ $c->{key} };
    my @names = map { $_->{name} } @{ $c->{columns} };
    my @others = grep { my $name = $_; !grep { $name eq $_ } @key } @names;
    my @may = grep { $_ ne 'id' && $_ ne 'p' } @names;
    my $generated = grep { $_->{name} eq 'id' && !($_->{given} // 1) } @{ $c->{table_columns} };

    # By statement, rows with other keys come later, and see others.
    my $sees = $c->{sparse} && $c->{ddl} =~ /looking\(n\)|EXECUTE FUNCTION see/;
    my $update = @others && !$c->{second} && !($sees && ($once || !$c->{direct})) && !($once && (!$c->{tame} || $generated));
    $c->{on_conflict} = $update ? pick('skip', 'update', 'update') : 'skip';
    $c->{tame_duplicates} = 0 if $once;
    if ($c->{on_conflict} eq 'skip')
    {
        $c->{all} = maybe(0.3);
        return;
    }
    $c->{update_columns} = [ pick(@may) ] if @may && maybe(0.3);
    $c->{where} = pick("$c->{target}.n < excluded.n", "excluded.n IS DISTINCT FROM $c->{target}.n", 'false') if maybe(0.3);
}

# A table, and how it is to be loaded; nothing if they do not go together.
sub random_case
{
    my ($database) = @_;
    my $encoding = $databases{$database};
    my $table = random_table($encoding, !$no_xml, $virtual);
    my %c = (%$table, table_columns => $table->{columns}, encoding => $encoding, on_conflict => 'error', next => 1,
        tame_duplicates => maybe(0.2) ? 0.02 : 0);

    $c{mode} = $c{direct} ? pick('each', 'each', 'each', 'whole', 'copy', 'outcomes', 'returning', 'arrays', 'update', 'delete')
        : pick('each', 'each', 'whole', 'outcomes', 'returning', 'update', 'delete');
    $c{mode} = pick('whole', 'each') if $c{kind} eq 'instead';
    $c{mode} = 'whole' if $c{mode} eq 'update' && $c{ddl} =~ /looking/;
    $c{by_row} = $c{mode} =~ /each|outcomes/;
    $c{changes} = $c{mode} =~ /update|delete/;
    $c{rejects} = $c{mode} eq 'each' || $c{by_row} && !$c{direct} || ($c{by_row} || $c{changes}) && maybe(0.6);
    $c{tame} = !($c{by_row} && $c{rejects}) && !maybe(0.1);
    $c{format} = $c{mode} eq 'copy' ? pick('csv', 'text') : pick('csv', 'csv', 'text', 'json', 'ndjson');
    $c{way} = pick('text', 'bytes', 'file', $c{format} eq 'json' ? ('json', 'jsonb') : ());
    $c{way} = 'text'
        if $c{way} eq 'file' && $c{mode} =~ /returning|update|delete/ || $c{way} =~ /bytes|file/ && $c{mode} eq 'outcomes';
    $c{file_encoding} = { UTF8 => 'UTF8', LATIN1 => pick('LATIN1', 'UTF8'),
        EUC_JP => pick('EUC_JP', 'SJIS', 'UTF8'), SQL_ASCII => 'SQL_ASCII' }->{$encoding};
    $c{dflt} = $c{format} =~ /csv|text/ && maybe(0.2) && ($c{mode} ne 'copy' || $copy_default);
    $c{dflt} = 0 if $c{mode} =~ /update|delete|arrays/;
    $c{sparse} = $c{format} =~ /json/ && $c{mode} !~ /arrays|delete/ && maybe(0.5);
    $c{damage} = $c{rejects} ? pick(0, 0.02, 0.3, 1) : 0;
    $c{options} = random_options(\%c);

    # Row by row, identities that were given to rows that failed are gone.
    my @columns = grep { !$_->{generated} && ($_->{given} // 1) } @{ $table->{columns} };
    return if $c{mode} =~ /each|outcomes|update|delete/ && !grep { $_->{name} eq 'id' } @columns;
    my @all = @columns;
    @columns = grep { my $n = $_->{name}; maybe(0.85) || $n =~ /^(id|n|p)$/ || $_->{must} } @columns if maybe(0.5);
    @columns = BulkTables::shuffled(@columns) if maybe(0.7);
    my %there = map { $_->{name} => 1 } @columns;
    return if grep { ($_->{extra} // '') =~ /NOT NULL$/ && !$there{ $_->{name} } } @all;
    $c{columns} = \@columns;
    $_->{nulls} = 0 for grep { $c{tame} && (($_->{extra} // '') =~ /NOT NULL/ || $_->{name} eq 'id') } @columns;

    choose_conflict(\%c)
        if $c{key} && $c{kind} ne 'instead' && $c{mode} =~ /each|outcomes|whole|returning/ && maybe(0.6)
        && !($c{kind} eq 'view' && $c{key}[2] =~ /conflict_index/);
    $c{rebuild} = $c{direct} && !$c{partitioned} && maybe(0.1);
    $c{by} = pick([ 'id' ], [ 'id', 'p' ], $there{code} ? [ 'code' ] : [ 'id' ]) if $c{changes};
    return \%c;
}

# UPDATE or DELETE of the last row of each key; with rejects, of each row.
sub change_commands
{
    my ($c, @entries) = @_;
    my %last;
    for my $n (0 .. $#entries)
    {
        my $row = $entries[$n]{row};
        my $key = $c->{rejects} ? $n : join '|', map { $_->{null} ? 'NULL' : $_->{text} } @{$row}{ @{ $c->{by} } };
        $last{$key} = $n;
    }
    return map {
        my $row = $entries[$_]{row};
        my @set = map { ident($_) . ' = ' . sql_value($row->{$_}) } grep { my $name = $_; !grep { $_ eq $name } @{ $c->{by} } } sort keys %$row;
        my $where = ' WHERE ' . join(' AND ', map { ident($_) . ' = ' . sql_value($row->{$_}) } @{ $c->{by} });
        $c->{mode} eq 'delete' ? "DELETE FROM $c->{target}$where"
            : @set ? "UPDATE $c->{target} SET " . join(', ', @set) . $where
            : $c->{rejects} ? "SELECT FROM $c->{target}$where" : ()
    } sort { $a <=> $b } values %last;
}

# Each column's values as an array; for arrays, as texts.
sub arrays_call
{
    my ($c, @entries) = @_;
    my @arrays = map {
        my $column = $_;
        my $type = $column->{type} =~ /\[\]|^(few|given)$/ ? 'text' : $column->{type};
        'ARRAY[' . join(', ', map { sql_value($_->{row}{ $column->{name} }) } @entries) . "]::${type}[]"
    } @{ $c->{columns} };
    return "purser.bulk_insert_arrays('$c->{target}', ARRAY[" . join(', ', map { quote($_->{name}) } @{ $c->{columns} })
        . ']::text[], ' . join(', ', @arrays) . ')';
}

# Rows that name some keys of the table again, with other values, and only with the columns that count.
sub random_changes
{
    my ($c) = @_;
    my @by = @{ $c->{by} };
    my @rows = map { random_row({ %$c, tame => 0 }) } 1 .. 20;

    for my $row (@rows)
    {
        $row->{id} = BulkTables::number(1 + int rand 30);
        $row->{$_} //= BulkTables::plain('5') for @by;
        $row->{p} = BulkTables::plain(pick('a', 'b')) if $row->{p};
        my %keep = map { $_ => 1 } @by;
        $keep{$_} ||= $c->{mode} eq 'update' && ($c->{format} !~ /json/ || maybe(0.5)) for keys %$row;
        delete @{$row}{ grep { !$keep{$_} } keys %$row };
        # A domain's check in a command needs a row that matches.
        my ($column) = grep { $row->{ $_->{name} } && $_->{type} !~ /^(positive|small|given|few)$/ && maybe(0.3) } @{ $c->{columns} };
        my $bad = $column && maybe($c->{damage}) ? bad_value($column) : undef;
        $row->{ $column->{name} } = $bad if $bad;
    }
    return map { { row => $_ } } @rows;
}

# All rows by one command of the server's.
sub whole_command
{
    my ($c, @entries) = @_;
    my @names = map { $_->{name} } @{ $c->{columns} };
    my $list = '(' . join(', ', map { ident($_) } @names) . ')';

    return "COPY t $list FROM " . quote("$dir/$c->{file}") . ' ' . copy_options($c) if $c->{mode} eq 'copy';
    return 'DO $$ DECLARE i record; BEGIN FOR i IN SELECT * FROM public.input ORDER BY n LOOP EXECUTE i.command; END LOOP; END $$'
        if $c->{sparse};
    my @rows = map { my $row = $_->{row}; '(' . join(', ', map { sql_value($row->{$_}) } @names) . ')' } @entries;
    my $insert = "INSERT INTO $c->{target} $list VALUES " . join(', ', @rows) . conflict_clause($c, @names);
    return $insert if $c->{mode} ne 'returning';
    return "WITH r AS ($insert RETURNING *) INSERT INTO returned SELECT 'a', row_number() OVER (), r::text FROM r";
}

sub bulk_command
{
    my ($c, @entries) = @_;
    my $mode = $c->{mode};

    return 'INSERT INTO outcomes SELECT ordinal, outcome FROM ' . call($c, 'bulk_insert_outcomes') if $mode eq 'outcomes';
    return "INSERT INTO returned SELECT 'b', row_number() OVER (), r::text FROM " . call($c, 'bulk_insert_returning') . ' r'
        if $mode eq 'returning';
    return 'INSERT INTO result SELECT * FROM ' . arrays_call($c, @entries) if $mode eq 'arrays';
    return 'SELECT * FROM ' . call($c, "bulk_$mode") if $c->{by};
    return 'INSERT INTO result SELECT * FROM ' . call($c, 'bulk_insert');
}

# The two schemas, each with the table; in b it may be temporary.
sub setup_script
{
    my ($c) = @_;
    my $setup = 'DROP SCHEMA IF EXISTS a CASCADE; DROP SCHEMA IF EXISTS b CASCADE; '
        . "TRUNCATE input, expected, result, outcomes, returned;\n"
        . "SET ROLE soak; DELETE FROM purser.reject; DELETE FROM purser.load;\n";

    for my $schema ('a', 'b')
    {
        my $ddl = $c->{ddl};
        $ddl =~ s/CREATE TEMP TABLE/CREATE TABLE/ if $schema eq 'a';
        $setup .= "CREATE SCHEMA $schema; SET search_path = $schema, public, pg_temp;\n$furniture$ddl";
    }
    return $setup;
}

# The session up to what is compared.
sub script
{
    my ($c, @entries) = @_;
    my $whole = whole_command($c, @entries);
    my $before = 'SELECT run_all('
        . quote($c->{on_conflict} eq 'error' ? 'SELECT' : q{INSERT INTO t (id, n, p) SELECT i, i % 2, 'a' FROM generate_series(1, 40, 3) i})
        . ");\n";

    if ($c->{by})
    {
        $before = 'SELECT run_all(' . quote($c->{sparse} ? 'SELECT' : $whole) . ");\n";
        @entries = random_changes($c);
        my %by = map { $_ => 1 } @{ $c->{by} };
        $c->{columns} = [ grep { $by{ $_->{name} } } @{ $c->{columns} } ] if $c->{mode} eq 'delete';
        write_data($c, @entries);
    }
    my @commands = $c->{by} ? change_commands($c, @entries) : map { insert_command($c, $_) } @entries;
    my $n = 0;
    @commands = map { "WITH r AS ($_ RETURNING *) INSERT INTO returned SELECT 'a', " . ++$n . ', r::text FROM r' } @commands
        if $c->{mode} eq 'returning';
    $n = 0;
    my $input = join ",\n", map { '(' . ++$n . ', ' . quote($_) . ')' } @commands ? @commands : 'SELECT';
    my $each = $c->{by_row} || $c->{by};
    my $expect = $each ? "SELECT run_each();\n" : 'INSERT INTO result (failure) VALUES (coalesce(run_all(' . quote($whole) . "), ''));\n";
    $expect .= "INSERT INTO result (failure) SELECT sqlstate || ' ' || message FROM expected WHERE outcome = 'rejected' ORDER BY n LIMIT 1;\n"
        if $each && !$c->{rejects};

    return setup_script($c) . ($each || $c->{sparse} ? "INSERT INTO input VALUES $input;\n" : '')
        . "BEGIN; SET search_path = a, public, pg_temp;\n$before$expect"
        . 'SET search_path = ' . ($c->{kind} eq 'temp' ? 'pg_temp, ' : '') . "b, public;\n$before"
        . "SET purser.bulk_scan = '" . pick(@scans) . "'; SET purser.bulk_window = '" . pick(1, 7, 64, 500, 4096, 262144) . "B';\n"
        . "SELECT 'failure ' || f FROM run_all(" . quote(bulk_command($c, @entries)) . ") f;\nCOMMIT;\nRESET ROLE;\n";
}

# What the triggers did. In which order is up to the server in COPY, and up to us in an upsert.
sub log_query
{
    my ($c, $schema) = @_;
    my $levels = $c->{by_row} || $c->{sparse} || $c->{by} ? "level = 'ROW'" : "level <> 'TRANSITION'";
    my $order = $c->{on_conflict} eq 'update' || $c->{mode} eq 'copy' || $c->{by} ? '1'
        : $c->{on_conflict} eq 'error' && !$c->{by_row} ? 'row_number() OVER (ORDER BY n)'
        : q{row_number() OVER (PARTITION BY split_part(what, ' ', 1) ORDER BY n)};

    return "SELECT $order, what FROM $schema.log WHERE $levels";
}

sub differ
{
    my ($what, $one, $two) = @_;
    return "(SELECT '$what: only expected', x::text FROM ($one EXCEPT ALL $two) x LIMIT 3)\nUNION ALL "
        . "(SELECT '$what: only loaded', x::text FROM ($two EXCEPT ALL $one) x LIMIT 3)";
}

# What is unlike, one line each. Rows that were rolled back, and many rows at once, leave other room in pages, which later rows take.
sub comparison
{
    my ($c) = @_;
    my $ordered = $c->{on_conflict} eq 'error' && !$c->{by} && !$c->{by_row} && $c->{count} <= 60 ? 'true' : 'false';
    my $b = $c->{kind} eq 'temp' ? 'pg_temp' : 'b';
    my @parts = (
        differ('row', "SELECT * FROM rows_of($ordered, 'a.t')", "SELECT * FROM rows_of($ordered, '$b.t')"),
        differ('log', log_query($c, 'a'), log_query($c, 'b')));

    # The server leaves out generated columns where it routes a row.
    push @parts, differ('transition', map { "SELECT what FROM $_.log WHERE level = 'TRANSITION'" } 'a', 'b')
        unless $c->{partitioned} && grep { $_->{generated} } @{ $c->{table_columns} };
    push @parts, differ('reject', "SELECT n::bigint, sqlstate, message FROM expected WHERE outcome = 'rejected'",
        'SELECT row_number, sqlstate, message FROM purser.reject')
        if $c->{rejects};
    push @parts, differ('returned', map { "SELECT row_number() OVER (ORDER BY n), r FROM returned WHERE side = '$_'" } 'a', 'b')
        if $c->{mode} eq 'returning';
    push @parts, differ('count', q{SELECT count(*) FILTER (WHERE outcome = 'inserted'), count(*) FILTER (WHERE outcome = 'updated'),
            count(*) FILTER (WHERE outcome = 'rejected') FROM expected},
        'SELECT inserted, updated, rejected FROM result')
        if $c->{mode} eq 'each';
    push @parts, differ('outcome', "SELECT n::bigint, outcome FROM expected",
        "SELECT ordinal, CASE WHEN outcome IN ('unchanged', 'suppressed') THEN 'skipped' ELSE outcome END FROM outcomes")
        if $c->{mode} eq 'outcomes';
    return q{SET search_path = public; SELECT format('difference in %s: %s', what, x) FROM (}
        . join("\nUNION ALL ", @parts) . ") d (what, x);\n"
        . q{SELECT 'statistics ' || (SELECT count(*) FROM purser.reject) || ' rejects, '
            || (SELECT count(*) FROM expected WHERE outcome = 'updated') || ' updates'
            || coalesce((SELECT ' refused: ' || failure FROM result WHERE failure <> ''), '');}
        . q{SELECT count(bt_index_check(c.oid, true)) FROM pg_class c JOIN pg_am m ON m.oid = relam
            WHERE amname = 'btree' AND c.relkind = 'i' AND c.relnamespace = }
        . ($c->{kind} eq 'temp' ? 'pg_my_temp_schema()' : "'b'::regnamespace") . ";\n";
}

# For a round that went wrong: its session and its data, in the folder PURSER_KEEP.
sub keep
{
    my ($seed, $c, $script) = @_;
    my $kept = ($ENV{PURSER_KEEP} // return) . "/round_$seed";

    append_to_file("$kept.sql", encode('UTF-8', $script));
    append_to_file("$kept.data", slurp_file("$dir/$c->{file}"));
}

my %seen;

sub try_round
{
    my ($seed) = @_;
    srand $seed;
    my $database = pick('postgres', 'postgres', 'postgres', sort keys %databases);
    $BulkTables::escape = $databases{$database} ne 'SQL_ASCII';
    my $c;
    $c = random_case($database) until $c;
    $c->{file} = "input_$seed";
    $c->{count} = pick(1, 5, 20, 20, 60, 60, $c->{direct} && !$c->{sparse} ? 1600 : 30);
    my @entries = map { random_entry($c) } 1 .. $c->{count};
    write_data($c, @entries);

    my $client = $c->{encoding} eq 'SQL_ASCII' ? 'SQL_ASCII' : 'UTF8';
    my $script = "SET client_min_messages = error;\nSET client_encoding = $client;\n" . script($c, @entries) . comparison($c);
    my ($status, $out, $err) = $node->psql($database, encode('UTF-8', $script));
    my ($refused) = $out =~ /refused: (.*)/;
    my ($failure) = $out =~ /^failure (.*)/m;
    my @wrong = defined $refused && defined $failure ? () : $out =~ /^(difference in .*)/mg;
    push @wrong, "expected: $refused" if defined $refused && !defined $failure;
    push @wrong, "failed: $failure" if defined $failure && !defined $refused;
    push @wrong, "error: $err" if $status || $err ne '';
    $seen{"$c->{mode} " . (defined $refused ? 'refused' : 'loaded')}++;
    $seen{"kind $c->{kind}"}++;
    $seen{rejects} += $1, $seen{updates} += $2 if $out =~ /^statistics (\d+) rejects, (\d+) updates/m;
    $seen{'other messages'}++ if defined $refused && defined $failure && $refused ne $failure;
    if (@wrong)
    {
        keep($seed, $c, $script);
        diag("PURSER_SEED=$seed PURSER_ROUNDS=1: $database $c->{kind} $c->{mode} $c->{format} $c->{way} "
            . "$c->{on_conflict} of $c->{count} rows\n" . substr(join("\n", @wrong), 0, 3000));
    }
    unlink "$dir/$c->{file}";
    return !@wrong;
}

my $end = Time::HiRes::time() + $seconds;
my $failed = 0;
my $round = 0;
while ($round < $rounds && $failed < ($ENV{PURSER_FAILURES} // 5) && Time::HiRes::time() < $end)
{
    $failed++ unless try_round($first_seed + $round++);
}
is($failed, 0, "$round rounds give the same rows and refusals");
note(join ', ', map { "$_: $seen{$_}" } sort keys %seen);
cmp_ok($seen{rejects}, '>', 0, 'some rows were rejected') if $round > 50;
cmp_ok($seen{updates}, '>', 0, 'some rows were updated') if $round > 50;

$node->stop;
done_testing();
