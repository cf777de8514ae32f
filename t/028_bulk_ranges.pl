# CALL purser.load: files cut into ranges of any size give the rows that COPY gives; whatever dies in
# between, going on brings each row in once.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PollUntil qw(poll_until);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $seed = $ENV{PURSER_SEED} // int(rand(2**31));
srand($seed);
note("PURSER_SEED=$seed");

my $node = PostgreSQL::Test::Cluster->new('ranges');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "max_worker_processes = 12\nrestart_after_crash = on\n");
$node->start;
my $dir = $node->data_dir;
sub query { return $node->safe_psql('postgres', shift) }

query(<<'END');
CREATE EXTENSION pg_purser;
CREATE TABLE wanted (id int, a text, b text);
CREATE TABLE got (LIKE wanted);
END

# ---- every way to cut ----

my @texts = ('', 'plain', 'with "quotes"', "two\nlines", "cr\r\nlf", 'back\\slash', '"', '""', ',', "\n", '\\', '\\.', 'é日本語',
	"many\nlines\n\nof it", 'x' x 300);
sub some_text { return $texts[ int(rand(@texts)) ] }

sub write_file
{
	my ($name, $content) = @_;
	open(my $file, '>:raw', "$dir/$name") or die;
	print $file $content;
	close $file;
}

foreach my $round (1 .. 12)
{
	my $rows = int(rand(200));
	my $ndjson = '';
	query("TRUNCATE wanted");
	my $values = join ",\n", map { "($_, \$t\$" . some_text() . "\$t\$, CASE WHEN random() < 0.2 THEN NULL ELSE \$t\$" . some_text() . "\$t\$ END)" } 1 .. $rows;
	query("INSERT INTO wanted VALUES $values") if $rows;
	query("COPY wanted TO '$dir/cut.csv' (FORMAT csv, HEADER)");
	query("COPY wanted TO '$dir/odd.csv' (FORMAT csv, HEADER, DELIMITER ';', QUOTE '''', ESCAPE '!')");
	query("COPY wanted TO '$dir/cut.txt'");
	write_file('cut.ndjson', join '', map { "$_\n" } split /\n/, query('SELECT row_to_json(w) FROM wanted w'));
	# The last line end may be missing.
	truncate("$dir/cut.csv", (-s "$dir/cut.csv") - 1) if $round % 2;
	foreach my $case (
		[ 'cut.csv', '{}' ],
		[ 'odd.csv', '{"delimiter": ";", "quote": "\'", "escape": "!"}' ],
		[ 'cut.txt', '{}' ],
		[ 'cut.ndjson', '{}' ])
	{
		my ($name, $options) = @$case;
		my $bytes = 1 + int(rand(10**(1 + rand(4))));
		my $workers = $round % 4 == 0 ? 2 : 0;
		my $window = 1 + int(rand(10**(1 + rand(4))));
		$options =~ s/'/''/g;
		query("TRUNCATE got");
		query("SET purser.bulk_window = $window;\n CALL purser.load('got', '$dir/$name', $workers, $bytes, options => '$options')");
		is(query("SELECT count(*) FROM ((TABLE got EXCEPT ALL TABLE wanted) UNION ALL (TABLE wanted EXCEPT ALL TABLE got)) x"), '0',
			"round $round: $name, $rows rows, ranges of $bytes bytes, windows of $window, $workers workers");
	}
}

# ---- errors tell where in the file they are ----

write_file('bad.csv', "id,a,b\n" . join('', map { "$_,\"x\ny\",z\n" } 1 .. 50) . "many,x,y\n");
my ($status, $out, $err) = $node->psql('postgres', "CALL purser.load('got', '$dir/bad.csv', 0, 100)");
like($err, qr/invalid input syntax for type integer: "many"/, 'an error in a range');
like($err, qr/row 51 \(line 102\), column "id": "many"/, 'with row and line of the file');
my $load = query('SELECT max(load_id) FROM purser.load_job');
like($err, qr/load $load of file/, 'and the load');
is(query("SELECT count(*) FROM purser.load_range WHERE load_id = $load AND finished IS NULL"), '1', 'what came before is in');

# Blank lines are lines, but no rows.
write_file('blank.ndjson', join('', map { "{\"id\": $_}\n" . (' ' x ($_ % 3)) . "\r\n" } 1 .. 50) . "{\"id\": true}\n");
($status, $out, $err) = $node->psql('postgres', "CALL purser.load('got', '$dir/blank.ndjson', 0, 100)");
like($err, qr/row 51 \(line 101\)/, 'rows and lines where there are blank lines');

# ---- names that the table does not have ----

query('TRUNCATE got');
write_file('more.csv', "x,id,y,a,z\n" . join('', map { "-,$_,,a$_,\n" } 1 .. 50));
($status, $out, $err) = $node->psql('postgres', "CALL purser.load('got', '$dir/more.csv', 0, 100)");
like($err, qr/column "x" of relation "got" does not exist/, 'an unknown name in the header');
is(query("CALL purser.load('got', '$dir/more.csv', 2, 100, options => '{\"unknown\": \"ignore\"}'); SELECT count(*), sum(id), max(a) FROM got"),
	(query('SELECT max(load_id) FROM purser.load_job')) . "|50|0|0|0\n50|1275|a9", 'unknown names are ignored on request');

# ---- a header that must match, and one that means nothing ----

foreach my $header ('match', 'skip')
{
	write_file('same.csv', "id,a,b\n" . join('', map { "$_,\"a\n$_\",b\n" } 1 .. 50));
	query("TRUNCATE got; CALL purser.load('got', '$dir/same.csv', 2, 100, options => '{\"header\": \"$header\"}')");
	is(query("SELECT count(*), sum(id), max(a) FROM got"), "50|1275|a\n9", "a header to $header");
}
query("TRUNCATE got; CALL purser.load('got', '$dir/more.csv', 0, 100, options => '{\"header\": \"match\", \"columns\": [\"x\", \"id\", \"y\", \"a\", \"z\"], \"unknown\": \"ignore\"}')");
is(query('SELECT count(*), sum(id), max(a) FROM got'), '50|1275|a9', 'columns that the header must match');
$load = query('SELECT max(load_id) FROM purser.load_job');
write_file('other.csv', "id,b,a\n1,b,a\n");
write_file('fewer.csv', "id,a\n1,a\n");
foreach my $case (
	[ 'other', qr/column name mismatch in header line field 2: got "b", expected "a".*load into "got", line 1/s ],
	[ 'fewer', qr/wrong number of fields in header line: got 2, expected 3/ ])
{
	my ($name, $error) = @$case;
	($status, $out, $err) = $node->psql('postgres', "CALL purser.load('got', '$dir/$name.csv', 0, options => '{\"header\": \"match\"}')");
	like($err, $error, "a header that does not match: $name");
}
is(query('SELECT max(load_id) FROM purser.load_job'), $load, 'and there is no load then');

# Long stretches without a quote or a backslash, and line ends that one of them hides far behind it.
foreach my $format ('csv', 'text')
{
	query("TRUNCATE got; COPY (SELECT i, CASE WHEN i % 4000 = 7 THEN repeat(E'long \\\\,\\n', 3000) ELSE 'a' || i END, '' FROM generate_series(1, 20000) i) TO '$dir/far.$format' (FORMAT $format)");
	query("CALL purser.load('got', '$dir/far.$format', 2, 1000, format => '$format', options => '{\"header\": \"false\"}')");
	is(query("CREATE TEMP TABLE want (LIKE got); COPY want FROM '$dir/far.$format' (FORMAT $format);
		SELECT count(*), (SELECT count(*) FROM (TABLE got EXCEPT TABLE want) d) FROM got"), '20000|0', "$format: line ends that are hidden");
	is(query("SELECT bool_and(first_row = rows) FROM (SELECT first_row, coalesce(sum(inserted) OVER (ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS rows
		FROM purser.load_range WHERE load_id = (SELECT max(load_id) FROM purser.load_job)) r"), 't', "$format: rows are counted as they come");
}
query('TRUNCATE got');

# ---- what dies in between ----

my $many = 100000;
query("COPY (SELECT i, 'a' || i, E'\"quoted\"\\n,' || i FROM generate_series(1, $many) i) TO '$dir/many.csv' (FORMAT csv)");
my $options = q({"header": "false"});

sub check_complete
{
	my $name = shift;
	is(query('SELECT count(*), count(DISTINCT id), max(id) FROM got'), "$many|$many|$many", "$name: each row is in, once");
}

sub resume
{
	my $load = query('SELECT max(load_id) FROM purser.load_job');
	query("CALL purser.load(load_id => $load)");
	is(query("SELECT finished IS NOT NULL FROM purser.load_job WHERE load_id = $load"), 't', 'the load is finished');
}

# A session that holds a key, so that the load waits for it when it comes to that row.
sub hold_key
{
	my $in = "BEGIN;\nINSERT INTO got (id) VALUES ($many - 20000);\n";
	my $session = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres') . ' application_name=holder' ], '<', \$in);
	$session->pump while length $in;
	poll_until($node, "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'holder' AND state = 'idle in transaction'")
	  or die 'the key is not held';
	return $session;
}

# Run a load in the background, and do something to it when some ranges are in.
sub interrupt
{
	my ($name, $workers, $act) = @_;
	query('TRUNCATE got');
	my $holder = hold_key();
	my $before = query('SELECT coalesce(max(load_id), 0) FROM purser.load_job');
	my $command = "CALL purser.load('got', '$dir/many.csv', $workers, 5000, options => '$options')";
	my ($out, $err) = ('', '');
	my $session = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres') . ' application_name=loader', '-c', $command ], '>', \$out, '2>', \$err);
	poll_until($node, "SELECT count(*) > 5 FROM purser.load_range WHERE load_id > $before AND finished IS NOT NULL")
	  or die 'no range came in';
	$act->();
	$session->finish;
	$holder->kill_kill;
	poll_until($node, 'SELECT true');
	# Workers may still be on their way out.
	poll_until($node, "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'pg_purser worker'");
	poll_until($node, "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'holder'");
	cmp_ok(query('SELECT count(*) FROM got'), '<', $many, "$name: interrupted");
	is(query('SELECT count(*) FROM got'), query('SELECT coalesce(sum(inserted), 0) FROM purser.load_range WHERE load_id = (SELECT max(load_id) FROM purser.load_job)'),
		"$name: what is in is what is written down");
	resume();
	check_complete($name);
	return $err;
}

my $pid_of = sub { query("SELECT pid FROM pg_stat_activity WHERE $_[0] LIMIT 1") };
query('TRUNCATE got; CREATE UNIQUE INDEX ON got (id)');
interrupt('cancelled', 2, sub { query(q(SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'loader' AND backend_type = 'client backend')) });
interrupt('terminated', 2, sub { query(q(SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'loader' AND backend_type = 'client backend')) });
interrupt('without workers, terminated', 0, sub { query(q(SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'loader')) });
# Either of them: the session waits for both.
like(interrupt('worker terminated', 2, sub { query(q(SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'pg_purser worker' ORDER BY backend_start LIMIT 1)) }),
	qr/terminat|ended unexpectedly/, 'the session says so');
interrupt('worker killed', 2, sub { kill 'KILL', $pid_of->(q(backend_type = 'pg_purser worker')) });
interrupt('session killed', 2, sub { kill 'KILL', $pid_of->(q(application_name = 'loader' AND backend_type = 'client backend')) });
interrupt('server stopped', 2, sub { $node->stop('immediate'); $node->start });

# ---- places for workers ----

query("ALTER SYSTEM SET max_worker_processes = 0");
$node->restart;
query('TRUNCATE got');
($status, $out, $err) = $node->psql('postgres', "CALL purser.load('got', '$dir/many.csv', 2, options => '$options')");
like($err, qr/NOTICE:  load \d+ has 0 of 2 background workers/, 'no place for workers: said');
check_complete('no place for workers');
query("ALTER SYSTEM RESET max_worker_processes");
$node->restart;

# ---- who may ----

query('CREATE ROLE reader LOGIN; CREATE ROLE other LOGIN; GRANT pg_read_server_files TO reader, other; GRANT INSERT ON got TO reader');
query('TRUNCATE got');
$node->safe_psql('postgres', "CALL purser.load('got', '$dir/many.csv', 2, options => '$options')", extra_params => [ '-U', 'reader' ]);
check_complete('without other privileges than INSERT');
$load = query('SELECT max(load_id) FROM purser.load_job');
($status, $out, $err) = $node->psql('postgres', "CALL purser.load(load_id => $load)", extra_params => [ '-U', 'other' ]);
like($err, qr/permission denied for load $load/, 'another role cannot go on with a load');
($status, $out, $err) = $node->psql('postgres', "CALL purser.load('got', '$dir/many.csv')", extra_params => [ '-U', 'other' ]);
like($err, qr/permission denied for table got/, 'nor load without INSERT');

# ---- bad rows ----

write_file('bad.csv', join '', "id,a\n", map { ($_ % 10 == 7 ? "x$_" : $_) . ",row $_\n" } 1 .. 400);
query('TRUNCATE got');
query("CALL purser.load('got', '$dir/bad.csv', 2, 300, rejects => true)");
$load = query('SELECT max(load_id) FROM purser.load_job');
is(query("SELECT sum(inserted) || ' ' || sum(rejected) FROM purser.load_range WHERE load_id = $load"), '360 40', 'bad rows do not stop a load in ranges');
is(query("SELECT count(*) FROM purser.reject WHERE load_id = $load AND raw = format('x%s,row %s', row_number, row_number) AND line_number = row_number + 1"),
	'40', 'they have the rows and lines of the file');
is(query("SELECT count(*) FROM purser.reject r WHERE load_id = $load AND substr(pg_read_file('$dir/bad.csv'), byte_offset::int + 1, length(raw)) = raw"),
	'40', 'and its bytes');
query("UPDATE purser.reject SET raw = substr(raw, 2) WHERE load_id = $load");
is(query("SELECT inserted || ' ' || rejected FROM purser.retry_rejects($load)"), '40 0', 'all of them can be loaded again at once');
is(query("SELECT count(*) || ' ' || count(DISTINCT id) FROM got"), '400 400', 'then all rows are there');
is(query("SELECT (purser.bulk_insert('got', 'id\nx', 'csv', rejects => true)).load_id > $load"), 't', 'loads of both kinds have ids of their own');
# Without any bad row there is nothing to go by for rejects.
write_file('good.csv', "id,a\n1001,one\n");
query("CALL purser.load('got', '$dir/good.csv', 0, rejects => true)");
is(query('SELECT count(*) FROM purser.load WHERE load_id = (SELECT max(load_id) FROM purser.load_job)'), '0', 'no bad rows, no rejects');

# ---- refused calls leave nothing behind ----

query('CREATE TABLE half (id int PRIMARY KEY, n int); CREATE MATERIALIZED VIEW seen AS SELECT 1 AS id; GRANT INSERT (id) ON half TO other; CREATE VIEW half_view AS SELECT * FROM half');
write_file('half.csv', "id,n\n1,2\n");
my $jobs = query('SELECT count(*) FROM purser.load_job');
foreach my $case (
	[ "'half', '$dir/half.csv', 2000", qr/argument "workers" must be between/ ],
	[ "'half', '$dir/half.csv', 2, 0", qr/argument "range_bytes" must be greater than zero/ ],
	[ "'half', '$dir/half.csv', on_conflict => 'update', update_where => 'nix > 1'", qr/column "nix" does not exist/ ],
	[ "'half', '$dir/half.csv', on_conflict => 'update', update_where => '(SELECT nix) > 1'", qr/column "nix" does not exist/ ],
	[ "'half_view', '$dir/half.csv', on_conflict => 'update', conflict_columns => '{n}'", qr/no unique or exclusion constraint/ ],
	[ "'half', '$dir/half.csv', on_conflict => 'update', conflict_columns => '{n}'", qr/there is no unique constraint/ ],
	[ "'seen', '$dir/half.csv'", qr/"seen"/ ],
	[ "'half', '$dir/half.csv', options => '{\"force_null\": [\"nix\"]}'", qr/column "nix" of relation "half" does not exist/ ],
	[ "'half', '$dir/half.csv', options => '{\"encoding\": \"SJIS\", \"quote\": \"|\"}'", qr/format "csv" in encoding "SJIS" cannot be loaded in ranges/ ],
	[ "'got', '$dir/half.csv'", qr/column "n" of relation "got" does not exist/ ],
	[ "'half', '$dir/half.csv'", qr/permission denied for table half/, 'other' ],
	[ "'got', '$dir/half.csv'", qr/permission denied for table got/, 'other' ])
{
	my ($arguments, $error, $role) = @$case;
	(undef, undef, $err) = $node->psql('postgres', "CALL purser.load($arguments)", extra_params => [ '-U', $role // getpwuid($<) ]);
	like($err, $error, "load($arguments) is refused");
}
(undef, undef, $err) = $node->psql('postgres', "CREATE TEMP TABLE mine (LIKE half); CALL purser.load('mine', '$dir/half.csv', 1)");
like($err, qr/background workers cannot load temporary table "mine"/, 'workers cannot load a temporary table');
is(query('SELECT count(*) FROM purser.load_job'), $jobs, 'refused calls leave no job');
is($node->safe_psql('postgres', "CREATE TEMP TABLE mine (LIKE half); CALL purser.load('mine', '$dir/half.csv', 0); TABLE mine") =~ s/.*\n//r, '1|2',
	'the session itself can');

# ---- progress ----

query('CREATE TABLE slow (id int, a text); CREATE TABLE gate (n int); GRANT INSERT ON slow TO reader; GRANT SELECT ON gate TO reader');
query(q{CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	IF NEW.id = 301 THEN PERFORM pg_advisory_xact_lock(7); ELSIF NEW.id = 302 THEN PERFORM 1 / (SELECT count(*) FROM gate); END IF; RETURN NEW; END $$;
	CREATE TRIGGER hold BEFORE INSERT ON slow FOR EACH ROW EXECUTE FUNCTION hold()});
write_file('slow.csv', join '', "id,a\n", map { sprintf "%03d,%s\n", $_, 'x' x 95 } 1 .. 400);
my $lines = -s "$dir/slow.csv";
my $holder = $node->background_psql('postgres');
foreach my $workers (2, 0)
{
	query('TRUNCATE slow, gate');
	$holder->query_safe('SELECT pg_advisory_lock(7)');
	my $begin = sub {
		my $session = $node->background_psql('postgres', on_error_stop => 0, extra_params => [ '-U', 'reader' ]);
		$session->query_until(qr/begun/, "\\echo begun\n$_[0];\n\\echo ended\n");
		return $session;
	};
	my $session = $begin->("CALL purser.load('slow', '$dir/slow.csv', $workers, 2000)");
	# All ranges but the one that is held, with two workers; those before it, without.
	my $left = $workers ? 1 : 5;
	ok($node->poll_query_until('postgres', "SELECT (SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)
			AND (SELECT count(*) = $left FROM purser.load_range WHERE finished IS NULL AND load_id = (SELECT max(load_id) FROM purser.load_job))"),
		"with $workers workers, ranges are in");
	my $load = query('SELECT max(load_id) FROM purser.load_job');
	my $rows = $workers ? 380 : 300;
	my $seen = "SELECT count(*) || ' ' || bool_and(load_id = $load AND relation = 'slow'::regclass AND bytes_total = $lines - 5 AND rows = $rows
		AND bytes_processed BETWEEN 100 * rows AND bytes_total AND rate > 0 AND started < clock_timestamp() AND rejects = 0 AND skipped = 0
		AND pid = (SELECT pid FROM pg_stat_activity WHERE usename = 'reader' AND backend_type = 'client backend')) FROM purser.load_progress";
	is(query($seen), '1 true', "with $workers workers, one line for the whole load");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM purser.load_progress', extra_params => [ '-U', 'other' ]), '0', 'another role does not see it');
	is($node->safe_psql('postgres', "SELECT load_id FROM purser.load_progress", extra_params => [ '-U', 'reader' ]), $load, 'the role itself does');
	$holder->query_safe('SELECT pg_advisory_unlock(7)');
	like($session->query_until(qr/ended/, ''), qr/ended/, 'it ends');
	$session->quit;
	is(query('SELECT count(*) FROM purser.load_progress'), '0', 'no progress behind an error');
	query('INSERT INTO gate VALUES (1)');
	$node->safe_psql('postgres', "CALL purser.load(load_id => $load, workers => $workers)", extra_params => [ '-U', 'reader' ]);
	is(query('SELECT count(*) FROM slow'), '400', 'and then it is all in');
	is(query('SELECT count(*) FROM purser.load_progress'), '0', 'no progress behind the end');
}
$holder->quit;

done_testing();
