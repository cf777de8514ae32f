# Random CSV and COPY text, with random options and damage: COPY FROM and bulk_insert take the same
# rows, or refuse with the same SQLSTATE, whatever instructions find the ends of fields.
#
# PURSER_SEED repeats a run; the seed is in the log of a run that fails. Left out is what is
# documented to differ: \. in CSV before 18, and in text behind data. Of a row that is malformed
# and has invalid characters too, either may be what is told.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{PURSER_SEED} // (time ^ $$);
srand $seed;
note "PURSER_SEED=$seed";

my $node = PostgreSQL::Test::Cluster->new('csv_random');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;
my $dir = $node->data_dir;
my $tries = 1500;

sub query { return $node->safe_psql('postgres', shift) }

sub one_of { return $_[ int rand @_ ] }
sub maybe { return rand() < shift }

query(<<'END');
CREATE EXTENSION pg_purser;
CREATE TABLE copied (a text DEFAULT 'd1', b text DEFAULT 'd2', c text DEFAULT 'd3');
CREATE TABLE bulked (LIKE copied INCLUDING DEFAULTS);
CREATE TABLE tries (try int, copy_options text, bulk_format text, bulk_options jsonb);
CREATE TABLE answers (try int, way text, answer text);

-- The rows that the command loads, or the SQLSTATE with which it is refused.
CREATE FUNCTION attempt(command text, result regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE command;
    EXECUTE format('WITH gone AS (DELETE FROM %s t RETURNING t::text) SELECT string_agg(t, ''|'' ORDER BY t) FROM gone', result)
        INTO answer;
    RETURN coalesce(answer, 'no rows');
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;

CREATE FUNCTION try_all(directory text, scans text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    t tries;
    scan text;
BEGIN
    FOR t IN SELECT * FROM tries LOOP
        INSERT INTO answers VALUES (t.try, 'copy',
            attempt(format('COPY copied FROM %L (%s)', directory || '/' || t.try, t.copy_options), 'copied'));
        FOREACH scan IN ARRAY scans LOOP
            PERFORM set_config('purser.bulk_scan', scan, false);
            INSERT INTO answers VALUES (t.try, scan, attempt(format(
                'SELECT purser.bulk_insert(%L, convert_from(pg_read_binary_file(%L), ''UTF8''), %L, options => %L)',
                'bulked', t.try, t.bulk_format, t.bulk_options), 'bulked'));
        END LOOP;
    END LOOP;
END $$;
END

# The scans that this processor has.
my @scans = grep {
	my ($failed) = $node->psql('postgres', "LOAD 'pg_purser'; SET purser.bulk_scan = $_");
	!$failed
} qw(auto scalar sse2 avx2 neon);
note "scans: @scans";
cmp_ok(scalar @scans, '>', 1, 'there is more than one scan to compare');

# ---- what to try ----

# How the data is written: a hash of COPY's options, and of those that mean the same here.
sub options_for
{
	my $csv = shift;
	my %o = (delimiter => $csv ? one_of(',', ',', ';', "\t", ' ', 'x') : one_of("\t", "\t", ',', '|', 'X'));

	$o{quote} = one_of('"', '"', "'", 'q') if $csv;
	$o{escape} = one_of($o{quote}, $o{quote}, '\\', 'e', $o{delimiter}) if $csv;
	$o{null} = $csv ? one_of('', '', 'NA', '\\N', 'a') : one_of('\\N', '\\N', '', 'NA', 'a');
	$o{default} = one_of('D', '\\D', 'ab')
		if maybe(0.2) && $node->pg_version->major >= 16;
	if ($csv && maybe(0.3))
	{
		$o{force_null} = [ grep { maybe(0.5) } qw(a b c) ];
		$o{force_not_null} = [ grep { maybe(0.5) } qw(a b c) ];
	}
	$o{header} = one_of('none', 'none', 'names', 'skip', 'match');
	delete $o{$_} for grep { ref $o{$_} && !@{ $o{$_} } } keys %o;
	return \%o;
}

sub copy_options
{
	my ($csv, $o) = @_;
	my @list = 'format ' . ($csv ? 'csv' : 'text');

	for my $name (sort keys %$o)
	{
		my $value = $o->{$name};
		if ($name eq 'header')
		{
			push @list, 'header ' . ($value eq 'none' ? 'false' : $value eq 'match' ? 'match' : 'true');
		}
		elsif (ref $value)
		{
			push @list, "$name (" . join(', ', @$value) . ')';
		}
		else
		{
			push @list, "$name '" . $value =~ s/'/''/gr . "'";
		}
	}
	return join ', ', @list;
}

sub json_string
{
	my $text = shift;
	$text =~ s/(["\\])/\\$1/g;
	$text =~ s/\t/\\t/g;
	return qq{"$text"};
}

sub bulk_options
{
	my $o = shift;
	my %header = (none => 'false', names => 'true', skip => '"skip"', match => '"match"');

	return '{' . join(', ', map {
		my $value = $o->{$_};
		qq{"$_": } . ($_ eq 'header' ? $header{$value}
			: ref $value ? '[' . join(', ', map { json_string($_) } @$value) . ']'
			: json_string($value))
	} sort keys %$o) . '}';
}

# A field as it is written, mostly well.
sub csv_field
{
	my $o = shift;
	my ($q, $e) = @{$o}{qw(quote escape)};
	my $text = join '', map { one_of('', 'a', 'b', 'é', '日本', ' ', $q, $e, $o->{delimiter},
			"\n", "\r\n", 'y' x rand 70, '\\', $o->{null}, $o->{default} // '') } 1 .. rand 5;

	return $o->{null} if maybe(0.1);
	return one_of($q . $q, '', $q . $o->{null} . $q, $o->{default} // '') if maybe(0.1);
	if (maybe(0.6))
	{
		$text =~ s/([\Q$q$e\E])/$e$1/g;
		return maybe(0.1) ? 'a' . $q . $text . $q . 'b' : $q . $text . $q;
	}
	$text =~ s/[\r\n\Q$q$o->{delimiter}\E]//g;
	return $text;
}

sub text_field
{
	my $o = shift;
	my $text = join '', map { one_of('', 'a', 'é', '日本', ' ', '"', '\\\\', '\\n', '\\x4', '\\101', '\\xe9',
			'\\é', '\\xC3\\251', "\\\n", '\\' . $o->{delimiter}, 'y' x rand 70, '\\N') } 1 .. rand 5;

	$text =~ s/\\xe9// unless maybe(0.1);
	return $o->{null} if maybe(0.1);
	return $o->{default} // '' if maybe(0.1);
	return $text;
}

sub data_for
{
	my ($csv, $o) = @_;
	my $end = one_of("\n", "\n", "\r\n", "\r");
	my $data = '';

	for (1 .. 1 + rand 6)
	{
		my $fields = maybe(0.97) ? 3 : one_of(0, 1, 2, 4);
		$data .= join($o->{delimiter}, map { $csv ? csv_field($o) : text_field($o) } 1 .. $fields) . $end;
	}
	if (maybe(0.4))
	{
		my $damage = one_of($o->{quote} // '\\', $o->{escape} // '\\', $o->{delimiter}, "\n", "\r", "\r\n",
			'\\', $o->{null}, $end . $end, 'é');
		# Not within a character: what is no UTF-8 never gets to bulk_insert.
		my @characters = $data =~ /[\x00-\x7f]|[\xc0-\xff][\x80-\xbf]+/g;
		splice @characters, rand @characters, one_of(0, 0, 1), $damage;
		$data = join '', @characters;
	}
	$data =~ s/[\r\n]+\z// if maybe(0.2);
	$data =~ s/\\\./\\,/g;
	$data .= "\\.$end" . 'more' if !$csv && maybe(0.1) && $data =~ /[^\\][\r\n]\z/;
	return ($o->{header} eq 'none' ? '' : join($o->{delimiter}, qw(a b c)) . $end) . $data;
}

# A header whose names the options turn into something else is no use.
sub fits_header
{
	my $o = shift;
	return $o->{header} eq 'none'
		|| join('', map { ref $_ ? () : $_ } @{$o}{grep { $_ ne 'header' } keys %$o}) !~ /[abc]/;
}

my $script = '';
for my $try (1 .. $tries)
{
	my $csv = maybe(0.65);
	my $o = options_for($csv);
	redo unless fits_header($o);
	append_to_file("$dir/$try", data_for($csv, $o));
	$script .= sprintf "INSERT INTO tries VALUES (%d, \$o\$%s\$o\$, '%s', \$o\$%s\$o\$);\n",
		$try, copy_options($csv, $o), $csv ? 'csv' : 'text', bulk_options($o);
}
query($script);
query("SELECT try_all('$dir', ARRAY['" . join("','", @scans) . "'])");

# ---- what came of it ----

my $unlike = query(<<'END');
SELECT t.try, t.copy_options, t.bulk_options, b.way, 'COPY', c.answer, 'bulk_insert', b.answer
FROM tries t JOIN answers c ON (c.try, c.way) = (t.try, 'copy') JOIN answers b ON b.try = t.try AND b.way <> 'copy'
WHERE replace(c.answer, '22021', '22P04') <> replace(b.answer, '22021', '22P04') ORDER BY t.try LIMIT 3
END
is($unlike, '', 'all are taken or refused alike')
	or diag "PURSER_SEED=$seed\n" . join '', map { "$_: " . slurp_file("$dir/$_") . "|\n" } $unlike =~ /^(\d+)/mg;
is(query('SELECT count(*) FROM answers'), $tries * (1 + @scans), 'each input is tried in each way');
my $taken = query("SELECT count(*) FROM answers WHERE way = 'copy' AND answer LIKE '(%'");
cmp_ok($taken, '>', $tries / 4, "many are taken: $taken");
cmp_ok($taken, '<', $tries * 0.95, 'and some are refused');

$node->stop;
done_testing();
