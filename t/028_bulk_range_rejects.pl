# CALL purser.load: max_rejects counts the rows of all ranges; rejects may be loaded again at any time.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('range_rejects');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "max_worker_processes = 12\n");
$node->start;
my $dir = $node->data_dir;
sub query { return $node->safe_psql('postgres', shift) }

sub error_of
{
	my (undef, undef, $error) = $node->psql('postgres', "\\set VERBOSITY verbose\n" . shift);
	return $error;
}

# 1000 rows of which every 50th is bad, in ranges of some 30 rows.
query(<<"END");
CREATE EXTENSION pg_purser;
CREATE TABLE got (id int PRIMARY KEY, a text);
COPY (SELECT CASE WHEN i % 50 = 0 THEN 'x' || i ELSE i::text END AS id, 'row ' || i AS a FROM generate_series(1, 1000) i) TO '$dir/bad.csv' (FORMAT csv, HEADER);
END
sub counts { return query("SELECT (SELECT count(*) FROM got) || ' ' || (SELECT count(*) FROM purser.reject) || ' ' || (SELECT count(*) FROM purser.load)") }
sub clean { query('TRUNCATE got, purser.reject, purser.load, purser.load_job, purser.load_range') }

# ---- one range: exactly ----

query("CALL purser.load('got', '$dir/bad.csv', 0, max_rejects => 20)");
is(counts(), '980 20 1', 'as many as are allowed, in one range');
clean();
my $error = error_of("CALL purser.load('got', '$dir/bad.csv', 0, max_rejects => 19);");
like($error, qr/54000: more rows were rejected than max_rejects \(19\) allows/, 'one more, in one range');
is(counts(), '0 0 0', 'nothing is in');
clean();

# ---- several: over all of them ----

query("CALL purser.load('got', '$dir/bad.csv', 0, 300, max_rejects => 20)");
is(counts(), '980 20 1', 'as many as are allowed, in many ranges');
clean();
$error = error_of("CALL purser.load('got', '$dir/bad.csv', 0, 300, max_rejects => 5);");
like($error, qr/54000: more rows were rejected than max_rejects \(5\) allows/, 'one more than all ranges may have');
like($error, qr/DETAIL: *The last one: invalid input syntax for type integer: "x300"/, 'it is the sixth of the file');
my $load = query('SELECT max(load_id) FROM purser.load_job');
like($error, qr/HINT: .*CALL purser\.load\(load_id => $load, max_rejects => \.\.\.\)/, 'how to go on is said');
is(query("SELECT count(*) || ' ' || max(row_number) FROM purser.reject"), '5 250', 'the ranges before are in');
is(query("SELECT count(*) = 5 AND sum(rejected) = 5 FROM purser.load_range WHERE rejected > 0"), 't', 'and counted');
like(error_of("CALL purser.load(load_id => $load, workers => 0);"), qr/54000/, 'the limit stays');
like(error_of("CALL purser.load(load_id => $load, workers => 0, max_rejects => -1);"), qr/22023/, 'a limit is not negative');

# ---- loaded again before the load is finished ----

query("UPDATE purser.reject SET raw = substr(raw, 2) WHERE row_number <> 150");
is(query("SELECT inserted || ' ' || rejected FROM purser.retry_rejects($load)"), '4 1', 'rejects of an unfinished load, loaded again');
is(query("SELECT row_number || ' ' || number || ' ' || raw FROM purser.reject"), '150 150 x150,row 150', 'who is bad again keeps its place');
like(error_of("CALL purser.load(load_id => $load, workers => 0, max_rejects => 9);"), qr/54000.*\(9\)/s, 'what was loaded again has counted');
query("UPDATE purser.reject SET raw = ltrim(raw, 'x')");
is(query("SELECT rejected FROM purser.retry_rejects($load)"), '0', 'the rest of them');
is(query('SELECT count(*) FROM purser.load'), '1', 'more may come');
query("CALL purser.load(load_id => $load, workers => 2, max_rejects => 1000)");
is(query("SELECT count(*) || ' ' || min(row_number) FROM purser.reject"), '11 500', 'a higher limit lets the load go on');
is(query("SELECT finished IS NOT NULL FROM purser.load_job"), 't', 'to its end');
query("UPDATE purser.reject SET raw = ltrim(raw, 'x')");
query("SELECT purser.retry_rejects($load)");
is(counts(), '1000 0 0', 'all rows are in');
clean();

# All rejects are gone before the last range comes.
error_of("CALL purser.load('got', '$dir/bad.csv', 0, 300, max_rejects => 19);");
$load = query('SELECT max(load_id) FROM purser.load_job');
query("UPDATE purser.reject SET raw = ltrim(raw, 'x')");
query("SELECT purser.retry_rejects($load)");
system("sed -i 's/^x1000/ 1000/' $dir/bad.csv");
query("CALL purser.load(load_id => $load, workers => 0)");
is(counts(), '1000 0 0', 'nothing is left of the load');
system("sed -i 's/^ 1000/x1000/' $dir/bad.csv");
clean();

# ---- ranges at the same time ----

foreach my $round (1 .. 5)
{
	$error = error_of("CALL purser.load('got', '$dir/bad.csv', 4, 300, max_rejects => 7);");
	like($error, qr/54000: more rows were rejected than max_rejects \(7\) allows/, "by workers, round $round");
	is(query('SELECT count(*) <= 7 FROM purser.reject'), 't', 'never more than that');
	clean();
}
query("CALL purser.load('got', '$dir/bad.csv', 4, 300, max_rejects => 20)");
is(counts(), '980 20 1', 'by workers, no more than are allowed');

$node->stop;
done_testing();
