# on_conflict 'update' and 'skip' against INSERT ... ON CONFLICT, row by row, on random tables and
# input: same rows in the table, same outcome of each row.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{PURSER_SEED} // int(rand(1_000_000));
srand($seed);
diag("PURSER_SEED=$seed");

my $node = PostgreSQL::Test::Cluster->new('upsert');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;
$node->safe_psql('postgres', <<'END');
CREATE EXTENSION pg_purser;
-- What INSERT does with one row after another: the statement has the columns and values of the row.
CREATE FUNCTION one_by_one(target text, rows json, clause text, chosen text[], condition text)
RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    r json;
    names text;
    settings text;
    outcome text;
    action text;
BEGIN
    FOR r IN SELECT * FROM json_array_elements(rows) LOOP
        SELECT string_agg(quote_ident(k), ', ') INTO names FROM json_object_keys(r) k;
        SELECT string_agg(format('%1$I = excluded.%1$I', k), ', ') INTO settings
        FROM unnest(coalesce(chosen, ARRAY(SELECT * FROM json_object_keys(r)))) k
        WHERE chosen IS NOT NULL OR position('(' || k || ')' IN clause) = 0 AND position('(' || k || ',' IN clause) = 0 AND position(', ' || k || ')' IN clause) = 0;
        action := CASE WHEN clause LIKE '%NOTHING' THEN clause
            WHEN settings IS NULL THEN clause || ' DO NOTHING'
            ELSE clause || ' DO UPDATE SET ' || settings || coalesce(' WHERE ' || condition, '') END;
        outcome := NULL;
        EXECUTE format('INSERT INTO %1$s AS t (%2$s) SELECT %2$s FROM json_populate_record(NULL::%1$s, $1) %3$s
            RETURNING CASE WHEN xmax = 0 THEN ''inserted'' ELSE ''updated'' END', target, names, action) INTO outcome USING r;
        RETURN NEXT coalesce(outcome, CASE WHEN action LIKE '%DO NOTHING' AND clause LIKE '%NOTHING' THEN 'skipped' ELSE 'unchanged' END);
    END LOOP;
END $$;
END

sub pick { return $_[ rand @_ ] }

# Definitions of the table; arguments of bulk_insert; the same for ON CONFLICT.
my @shapes = (
    [ 'k int PRIMARY KEY', 'NULL, NULL', '(k)' ],
    [ 'k int, UNIQUE (k, c)', "'{c,k}', NULL", '(k, c)' ],
    [ 'k int UNIQUE NULLS NOT DISTINCT', "'{k}', NULL", '(k)' ],
);
my %types = (
    a => sub { return pick('null', int(rand(1000)) - 500) },
    b => sub { return pick('null', '""', '"x"', '"' . ('y' x rand(200)) . '"') },
    c => sub { return pick('null', int(rand(3)) . '.5', int(rand(3)) . '.50') },
    d => sub { return pick('true', 'false') });

for my $round (1 .. 60)
{
    my ($definition, $arguments, $arbiter) = @{ $shapes[ $round % @shapes ] };
    my $update = rand() < 0.7;
    my $range = pick(5, 100, 3000);
    my $rows = pick(3, 200, 2500);
    my $columns = "$definition, a int DEFAULT 7, b text DEFAULT 'd', c numeric DEFAULT 1.5, d bool,"
      . ' g text GENERATED ALWAYS AS (b || a) STORED' . (rand() < 0.3 ? ', CHECK (a < 6000)' : '');
    $node->safe_psql('postgres', <<"END");
DROP TABLE IF EXISTS one, two, input;
CREATE TABLE one ($columns);
CREATE TABLE two ($columns) WITH (fillfactor = @{[ pick(20, 100) ]});
INSERT INTO one (k, a, b) SELECT i, i, 'old' FROM generate_series(1, 3000, @{[ pick(1, 2, 50) ]}) i;
INSERT INTO two (k, a, b) SELECT k, a, b FROM one ORDER BY random();
@{[ rand() < 0.3 ? 'CREATE INDEX ON two (a); CREATE INDEX ON two (b, c);' : '' ]}
END
    my @input;
    for (1 .. $rows)
    {
        my %row = ('k' => rand() < 0.02 && $round % 3 ? 'null' : int(rand($range)));
        for my $column (keys %types)
        {
            $row{$column} = $types{$column}->() if $round % 5 == 0 || rand() < 0.6;
        }
        push @input, '{' . join(', ', map { qq("$_": $row{$_}) } sort keys %row) . '}';
    }
    my $data = '[' . join(",\n", @input) . ']';
    my $chosen = $update && rand() < 0.3 ? "'{" . join(',', pick('a', 'b', 'a,b', 'd,c')) . "}'" : 'NULL';
    $chosen = 'NULL' if $arbiter =~ /c/ && $chosen =~ /c/;
    my $condition = $update && rand() < 0.3
      ? pick("'excluded.a > t.a OR t.a IS NULL'", "'excluded.b IS DISTINCT FROM t.b'", "'false'", "'NULL'") : 'NULL';
    (my $own_condition = $condition) =~ s/\bt\./two./g;
    my $clause = "ON CONFLICT $arbiter" . ($update ? '' : ' DO NOTHING');
    my $on_conflict = $update ? 'update' : 'skip';
    my $isolation = pick('READ COMMITTED', 'REPEATABLE READ');
    my $parts = pick(1, 1, 3); # several loads in one transaction

    my $result = $node->safe_psql('postgres', <<"END");
CREATE TABLE input AS SELECT \$data\$$data\$data\$::json AS data;
BEGIN ISOLATION LEVEL $isolation;
CREATE TEMP TABLE expected AS SELECT ROW_NUMBER() OVER () AS n, o AS outcome
FROM one_by_one('one', (SELECT data FROM input), '$clause', $chosen, $condition) o;
CREATE TEMP TABLE got AS
SELECT ROW_NUMBER() OVER () AS n, o.outcome, o.key FROM generate_series(0, $parts - 1) p,
    purser.bulk_insert_outcomes('two', (SELECT json_agg(e ORDER BY n) FROM json_array_elements((SELECT data FROM input)) WITH ORDINALITY x (e, n)
        WHERE (n - 1) * $parts / $rows = p), conflict_columns => (ARRAY[$arguments])[1]::text[],
        on_conflict => '$on_conflict', update_columns => $chosen, update_where => $own_condition) o;
COMMIT;
SELECT count(*) FROM expected FULL JOIN got USING (n) WHERE expected.outcome IS DISTINCT FROM got.outcome;
SELECT count(*) FROM ((SELECT one::text FROM one EXCEPT ALL SELECT two::text FROM two)
    UNION ALL (SELECT two::text FROM two EXCEPT ALL SELECT one::text FROM one)) x;
SET enable_seqscan = off;
SELECT count(*) FROM two WHERE k IS NOT NULL AND NOT EXISTS (SELECT FROM two x WHERE x.k = two.k AND x.c IS NOT DISTINCT FROM two.c);
END
    is($result, "0\n0\n0", "round $round: $on_conflict of $rows rows, arbiter $arbiter, set $chosen, where $condition")
      or last;
}

$node->stop;
done_testing();
