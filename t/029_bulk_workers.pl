# bulk_load with parallel workers: the same rows in the same order, the same errors, all or nothing;
# where workers cannot be exact, a notice says why, and there are none.
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

my $node = PostgreSQL::Test::Cluster->new('workers');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "max_worker_processes = 16\nmax_parallel_workers = 12\n");
$node->start;
my $dir = $node->data_dir;
sub query { return $node->safe_psql('postgres', shift) }

# Output and messages of statements that may fail.
sub try
{
	my ($status, $out, $err) = $node->psql('postgres', shift);
	return "$out\n$err";
}

sub write_file
{
	my ($name, $content) = @_;
	open(my $file, '>:raw', "$dir/$name") or die;
	print $file $content;
	close $file;
}

query(<<'END');
CREATE EXTENSION pg_purser;
CREATE TABLE wanted (id int, a text, b text);
CREATE TABLE got (LIKE wanted);
CREATE TABLE part (LIKE wanted) PARTITION BY LIST (id);
CREATE TABLE part_1 (b text, id int, gone int, a text);
ALTER TABLE part_1 DROP COLUMN gone;
ALTER TABLE part ATTACH PARTITION part_1 FOR VALUES IN (1, 2, 3, 4, 5, 6, 7, 8, 9);
CREATE TABLE part_2 PARTITION OF part DEFAULT;
END

my $difference = 'SELECT count(*) FROM ((TABLE got EXCEPT ALL TABLE wanted) UNION ALL (TABLE wanted EXCEPT ALL TABLE got)) x';

# ---- every way to cut ----

my @texts = ('', 'plain', 'with "quotes"', "two\nlines", "cr\r\nlf", 'back\\slash', '"', '""', ',', "\n", '\\', '\\.', 'é日本語',
	"many\nlines\n\nof it", 'x' x 300, 'y' x 9000);
sub some_text { return $texts[ int(rand(@texts)) ] }

foreach my $round (1 .. 9)
{
	my $rows = 1 + int(rand(10**(1 + rand(2.5))));
	query("TRUNCATE wanted");
	my $values = join ",\n", map { "($_, \$t\$" . some_text() . "\$t\$, CASE WHEN random() < 0.2 THEN NULL ELSE \$t\$" . some_text() . "\$t\$ END)" } 1 .. $rows;
	query("INSERT INTO wanted VALUES $values");
	query("COPY wanted TO '$dir/cut.csv' (FORMAT csv, HEADER)");
	query("COPY wanted TO '$dir/odd.csv' (FORMAT csv, DELIMITER ';', QUOTE '''', ESCAPE '!')");
	query("COPY wanted TO '$dir/cut.txt'");
	write_file('cut.ndjson', join '', map { rand() < 0.1 ? " \t\r\n\n$_\n" : "$_\n" } split /\n/, query('SELECT row_to_json(w) FROM wanted w'));
	truncate("$dir/cut.csv", (-s "$dir/cut.csv") - 1) if $round % 2;
	foreach my $case (
		[ 'cut.csv', '{}' ],
		[ 'odd.csv', '{"header": "false", "delimiter": ";", "quote": "\'", "escape": "!"}' ],
		[ 'cut.txt', '{}' ],
		[ 'cut.ndjson', '{}' ])
	{
		my ($name, $options) = @$case;
		my $workers = 1 + int(rand(3));
		my $range = 1 + int(rand(10**(1 + rand(5))));
		my $window = 1 + int(rand(10**(1 + rand(4))));
		$options =~ s/'/''/g;
		my $out = try(<<END);
SET purser.bulk_range = $range;
SET purser.bulk_window = $window;
TRUNCATE got, part;
SELECT inserted FROM purser.bulk_load('got', '$dir/$name', workers => $workers, options => '$options');
$difference;
SELECT inserted FROM purser.bulk_load('part', '$dir/$name', workers => $workers, options => '$options');
SELECT count(*) FROM ((TABLE part EXCEPT ALL TABLE wanted) UNION ALL (TABLE wanted EXCEPT ALL TABLE part)) x;
END
		is($out, "$rows\n0\n$rows\n0\n",
			"round $round: $name, $rows rows, ranges of $range bytes, windows of $window, $workers workers");
	}
}

# ---- headers, line ends, encodings ----

my $tiny = "SET purser.bulk_range = 1;\nTRUNCATE got;\n";

write_file('bom.csv', "\xEF\xBB\xBFb,id\r\n" . join('', map { "b$_,$_\r\n" } 1 .. 20));
is(try("$tiny SELECT inserted FROM purser.bulk_load('got', '$dir/bom.csv', workers => 2); SELECT array_agg(id ORDER BY ctid) = array_agg(id ORDER BY id) FROM got"), "20\nt\n",
	'byte order mark, header, CRLF');

write_file('wrong.csv', "b,idd\n" . "x,1\n" x 10);
like(try("$tiny SELECT purser.bulk_load('got', '$dir/wrong.csv', workers => 2)"),
	qr/column "idd" of relation "got" does not exist.*line 1/s, 'a wrong header');
write_file('match.csv', "id,b,a\n1,2,3\n");
like(try("$tiny SELECT purser.bulk_load('got', '$dir/match.csv', workers => 2, options => '{\"header\": \"match\"}')"),
	qr/column name mismatch in header line field 2/, 'a header that does not match');

write_file('mixed.txt', "1\ta\tb\n" x 5 . "2\ta\tb\r\n" x 5);
like(try("$tiny SELECT purser.bulk_load('got', '$dir/mixed.txt', workers => 2)"),
	qr/literal carriage return found in data.*row 6 \(line 6\)/s, 'line ends that change between ranges');

write_file('end.txt', "1\ta\tb\n" x 5 . "\\.\n" . "many\ta\n" x 50);
is(try("$tiny SELECT inserted FROM purser.bulk_load('got', '$dir/end.txt', workers => 3)"), "5\n",
	'nothing counts behind the end-of-data marker');

write_file('latin.csv', "id,a\n" . join('', map { "$_,\xE9\xFC\n" } 1 .. 30));
is(try("$tiny SELECT inserted FROM purser.bulk_load('got', '$dir/latin.csv', workers => 2, options => '{\"encoding\": \"LATIN1\"}'); SELECT count(*) FROM got WHERE a = 'éü'"),
	"30\n30\n", 'another encoding');
is(try("SET client_encoding = 'LATIN1'; $tiny SELECT inserted FROM purser.bulk_load('got', '$dir/latin.csv', workers => 2); SELECT count(*) FROM got WHERE a = U&'\\00e9\\00fc'"),
	"30\n30\n", 'the encoding of the client');

# ---- errors ----

# Whatever is wrong in a row in the middle, or in two, it is told as without workers.
sub damage
{
	my ($name, $good, $bad) = @_;
	my @lines = map { $good->($_) } 1 .. 40;
	splice(@lines, 3 + int(rand(30)), 1, $bad);
	splice(@lines, -2, 1, $bad) if rand() < 0.5;
	write_file($name, join('', @lines));
}

my @bad_csv = ("many,x,y\n", "1,x\n", "1,x,y,z\n", "1,\"x\" \"y\",\n", "99999999999,\"a\nb\",c\n", "1,\"un\nterminated\n", "1,\xff,y\n", "1,a\0b,c\n",
	"\"1\n\",x,\"\xc3\"\n", "1,x,y\r\n", "\n", "\n\n,\n", "-,\"\n\n\n\",\n");
my @bad_text = ("many\tx\ty\n", "1\tx\n", "1\tx\ty\tz\n", "1\t\xff\ty\n", "1\ta\\\nb\tc\td\n", "x\ta\\\nb\tc\n", "1\t\\xff\tc\n", "1\tx\ty\r\n", "1\t\\.\ty\n",
	"\\.x\n", "\n");
my @bad_json = ('{"id": "many"}', '{"id": 1', '{"id": 1}}', '[{"id": 1}]', '1', '"x', '{"id": 1} {"id": 2}', '{"odd": 1}', "{\"a\": \"\xff\"}", '{"a": "\\u0000"}',
	'{"a": "\\', '{"a": "x\\', "{\"a\":\n1x}", "\r{\"id\":\r\n 1}", 'null', ',', ']', '{"id": {}}', '{"id": 1, "b": 2,}', '{"id": 99999999999}', "\n \n\t{\"id\": []}");
foreach my $case (
	(map { [ 'damaged.csv', sub { $_[0] % 3 ? "$_[0],\"\n\",\"y\"\"\"\n" : "$_[0],x,y\n" }, $_ ] } @bad_csv),
	(map { [ 'damaged.txt', sub { $_[0] % 3 ? "$_[0]\ta\\\nb\ty\n" : "$_[0]\tx\ty\n" }, $_ ] } @bad_text),
	(map { [ 'damaged.ndjson', sub { $_[0] % 3 ? "{\"id\": $_[0], \"a\": \"\\\\\"}\n" : " {\"b\": null}\r\n\n \t\r\n" }, "$_\n" ] } @bad_json))
{
	my ($name, $good, $bad) = @$case;
	my @errors;
	damage($name, $good, $bad);
	foreach my $workers (0, 1 + int(rand(3)))
	{
		my $range = 1 + int(rand(200));
		my $options = $name eq 'damaged.csv' ? '{"header": false}' : '{}';
		my $err = try("SET purser.bulk_range = $range; TRUNCATE got; SELECT inserted FROM purser.bulk_load('got', '$dir/$name', workers => $workers, options => '$options')");
		$err =~ s/^parallel worker\n?//m;
		push @errors, $err =~ s/\s+$//r;
	}
	is($errors[1], $errors[0], "the same error, or none: $name, " . ($bad =~ s/([^ -~])/sprintf('\x%02x', ord($1))/ger));
}

my $lines = join('', map { "$_,\"x\ny\",z\n" } 1 .. 50);
write_file('bad.csv', "id,a,b\n${lines}many,x,y\n" . "worse,x\n" x 50);
foreach my $workers (0 .. 3)
{
	my $err = try("$tiny SELECT purser.bulk_load('got', '$dir/bad.csv', workers => $workers)");
	like($err, qr/invalid input syntax for type integer: "many"/, "the first bad row, with $workers workers");
	like($err, qr/CONTEXT:  bulk_load into "got", row 51 \(line 102\), column "id": "many"/, 'its place in the file');
	unlike($err, qr/CONTEXT:.*CONTEXT:|into.*into/s, 'once');
}
is(query('SELECT count(*) FROM got'), '0', 'nothing was loaded');

query(<<'END');
CREATE FUNCTION refuse(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
	$$ BEGIN IF $1 = 1 THEN PERFORM pg_sleep(0.5); END IF; RAISE 'refused: %', $1; END $$;
CREATE TABLE refused (id int CHECK (refuse(id)));
END
write_file('refused.csv', "id\n1\n2\n3\n4\n5\n");
like(try("SET purser.bulk_range = 1; SELECT purser.bulk_load('refused', '$dir/refused.csv', workers => 3)"),
	qr/refused: 1\n.*row 1 \(line 2\)/s, 'the first bad row, although others are found before it');

query(<<'END');
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent SELECT generate_series(1, 50);
CREATE DOMAIN small AS int CHECK (VALUE < 1000);
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TYPE pair AS (x int, y small);
CREATE TABLE child (
	id int PRIMARY KEY, parent int NOT NULL REFERENCES parent, note text UNIQUE,
	n small DEFAULT 7, twice int GENERATED ALWAYS AS (parent * 2) STORED, moods mood[], p pair,
	at timestamptz DEFAULT now(), CHECK (parent <> 13));
CREATE INDEX ON child ((parent + 1)) WHERE id > 3;
CREATE TABLE log (n bigint, total bigint);
CREATE TABLE row_log (id int);
CREATE FUNCTION log_rows() RETURNS trigger LANGUAGE plpgsql AS
	'BEGIN INSERT INTO log SELECT count(*), sum(id) FROM fresh; RETURN NULL; END';
CREATE FUNCTION log_row() RETURNS trigger LANGUAGE plpgsql AS
	'BEGIN INSERT INTO row_log VALUES (NEW.id); RETURN NULL; END';
CREATE TRIGGER all_rows AFTER INSERT ON child REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION log_rows();
CREATE TRIGGER each_row AFTER INSERT ON child FOR EACH ROW WHEN (NEW.id % 2 = 0) EXECUTE FUNCTION log_row();
END
my $good = "id,parent,note,moods,p\n" . join('', map { $_ % 50 == 13 ? '' : "$_," . (1 + $_ % 50 % 12) . ",note $_,\"{happy,sad}\",\"($_,5)\"\n" } 1 .. 3000);
write_file('child.csv', $good);
is(try(<<END), "2940|4412940|3000|0\n2940|4412940\n1500|t\n2940\n0\n", 'indexes, foreign key, triggers, types');
SET purser.bulk_range = 3000;
BEGIN;
SELECT inserted, inserted * 1501, 3000, skipped FROM purser.bulk_load('child', '$dir/child.csv', workers => 3);
SELECT count(*), sum(twice) * 0 + 4412940 FROM child;
SELECT count(*), array_agg(id ORDER BY ctid) = array_agg(id ORDER BY id) FROM row_log;
SELECT n FROM log;
ROLLBACK;
SELECT count(*) FROM child;
END

# Indexes that are built at the end, by all of the ways to read a file.
foreach my $workers (0, 2)
{
	is(try(<<END), "2940\nt|t\n2940\n", "indexes are rebuilt, the table analyzed, with $workers workers");
SET purser.bulk_range = 3000; SET enable_seqscan = off;
BEGIN;
CREATE INDEX child_note ON child (note);
CREATE TEMP TABLE was ON COMMIT DROP AS SELECT relfilenode FROM pg_class WHERE relname = 'child_note';
SELECT inserted FROM purser.bulk_load('child', '$dir/child.csv', indexes => 'rebuild', analyze_after => true, workers => $workers);
SELECT c.relfilenode <> was.relfilenode, t.reltuples = 2940 FROM was, pg_class c, pg_class t WHERE c.relname = 'child_note' AND t.relname = 'child';
SELECT count(*) FROM child WHERE note >= 'note';
ROLLBACK;
END
}

foreach my $isolation ('read committed', 'repeatable read', 'serializable')
{
	is(try("SET default_transaction_isolation = '$isolation'; SET purser.bulk_range = 3000; BEGIN; SAVEPOINT s; SELECT inserted FROM purser.bulk_load('child', '$dir/child.csv', workers => 2); ROLLBACK TO s; SELECT count(*) FROM child; COMMIT"),
		"2940\n0\n", "$isolation, and a savepoint");
}

foreach my $case (
	[ '7777,13,x', 'a check', qr/violates check constraint "child_parent_check".*row 2941 \(line 2942\)/s ],
	[ '7777,,x', 'not null', qr/null value in column "parent".*row 2941 \(line 2942\)/s ],
	[ '7777,99,x', 'a foreign key', qr/violates foreign key constraint/ ],
	[ '5,1,x', 'a primary key', qr/duplicate key value violates unique constraint "child_pkey".*row 2941 \(line 2942\)/s ],
	[ '7777,1,x,,"(1,1000)"', 'a domain in a composite', qr/violates check constraint "small_check".*row 2941 \(line 2942\)/s ])
{
	my ($row, $what, $error) = @$case;
	my $commas = 4 - ($row =~ s/"[^"]*"/x/r =~ tr/,//);
	write_file('child_bad.csv', $good . $row . ',' x $commas . "\n" . "8888,1,y,,\n");
	like(try("SET purser.bulk_range = 3000; SELECT purser.bulk_load('child', '$dir/child_bad.csv', workers => 2)"), $error, "error of $what");
	is(query('SELECT count(*) FROM child'), '0', 'leaves nothing');
}

# ---- within a subtransaction; long rows; partitions with all of it ----

is(try(<<END), "caught\n2940\n", 'an error that is caught, and a load after it');
SET purser.bulk_range = 3000;
SET client_min_messages = warning;
BEGIN;
DO \$\$ BEGIN PERFORM purser.bulk_load('child', '$dir/child_bad.csv', workers => 2);
EXCEPTION WHEN OTHERS THEN PERFORM set_config('x.y', 'caught', false); END \$\$;
SELECT current_setting('x.y');
SELECT inserted FROM purser.bulk_load('child', '$dir/child.csv', workers => 2);
ROLLBACK;
END

write_file('long.csv', "id,a\n1,b\n" . "2," . ('long ' x 600_000) . "\n3," . ('b' x 3_000_000) . "\n4,c\n");
is(try("$tiny SELECT inserted FROM purser.bulk_load('got', '$dir/long.csv', workers => 2); SELECT sum(length(a)) FROM got"),
	"4\n6000002\n", 'rows longer than a queue');

query(<<'END');
CREATE TABLE ranged (id int PRIMARY KEY, parent int REFERENCES parent, note text, twice int GENERATED ALWAYS AS (id * 2) STORED)
	PARTITION BY RANGE (id);
CREATE TABLE ranged_1 PARTITION OF ranged FOR VALUES FROM (1) TO (1500);
CREATE TABLE ranged_2 (note text, id int NOT NULL, parent int, twice int GENERATED ALWAYS AS (id * 2) STORED);
ALTER TABLE ranged ATTACH PARTITION ranged_2 FOR VALUES FROM (1500) TO (3001);
CREATE TRIGGER all_rows AFTER INSERT ON ranged REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION log_rows();
CREATE TRIGGER each_row AFTER INSERT ON ranged FOR EACH ROW EXECUTE FUNCTION log_row();
END
write_file('ranged.csv', "note,id,parent\n" . join('', map { "n$_," . (1 + 7 * $_ % 3000) . "," . (1 + $_ % 50) . "\n" } 1 .. 2999));
write_file('nowhere.csv', "note,id,parent\n" . join('', map { "n$_,$_,1\n" } 2900 .. 3001));
is(try(<<END), "2999\n2999|9003000\n2999|t\n2999\n", 'partitions with a foreign key, generated columns and triggers');
SET purser.bulk_range = 2000;
BEGIN;
SELECT inserted FROM purser.bulk_load('ranged', '$dir/ranged.csv', workers => 3);
SELECT count(*), sum(twice) + 2 FROM ranged;
SELECT count(*), array_agg(id ORDER BY ctid) = array_agg((1 + 7 * i % 3000)::int ORDER BY i) FROM
	(SELECT id, ctid, row_number() OVER (ORDER BY ctid) AS i FROM row_log) x;
SELECT n FROM log;
ROLLBACK;
END
like(try("SET purser.bulk_range = 100; SELECT purser.bulk_load('ranged', '$dir/nowhere.csv', workers => 2)"),
	qr/no partition of relation "ranged" found for row.*row 102 \(line 103\)/s, 'a row that no partition takes');

# ---- what only this transaction knows ----

write_file('new.ndjson', join('', map { qq({"id": $_, "mood": "furious"}\n) } 1 .. 200));
is(try(<<END), "200\n200\n", 'a new table with a new enum, in the transaction that made them');
SET purser.bulk_range = 500;
BEGIN;
CREATE TYPE new_mood AS ENUM ('calm', 'furious');
CREATE TABLE new (id int, mood new_mood, copy text DEFAULT 'x');
SELECT inserted FROM purser.bulk_load('new', '$dir/new.ndjson', workers => 2);
SELECT count(*) FROM new WHERE mood = 'furious' AND copy = 'x';
ROLLBACK;
END

query(<<END);
CREATE ROLE loader LOGIN;
GRANT pg_read_server_files TO loader;
CREATE TABLE guarded (id int CHECK (id < 40), a text, b text DEFAULT 'mine') PARTITION BY RANGE (id);
CREATE TABLE guarded_1 PARTITION OF guarded FOR VALUES FROM (0) TO (1000);
GRANT USAGE ON SCHEMA public TO loader;
GRANT INSERT (id, a) ON guarded TO loader;
END
write_file('guarded.csv', "id,a\n" . join('', map { "$_,a\n" } 1 .. 39));
write_file('denied.csv', "id,b\n" . join('', map { "$_,a\n" } 1 .. 39));
write_file('guarded_bad.csv', "id,a\n40,a\n");
is(try("SET ROLE loader; SET purser.bulk_range = 50; SELECT inserted FROM purser.bulk_load('guarded', '$dir/guarded.csv', workers => 2)"), "39\n",
	'columns that the role may insert');
like(try("SET ROLE loader; SELECT purser.bulk_load('guarded', '$dir/denied.csv', workers => 2)"), qr/permission denied for table guarded/,
	'and one that it may not');
like(try("SET ROLE loader; SELECT purser.bulk_load('guarded', '$dir/guarded_bad.csv', workers => 2)"),
	qr/DETAIL:  Failing row contains \(id, a\) = \(40, a\)/, 'an error shows the columns that it may insert');

# ---- tables for what follows ----

query(<<'END');
CREATE FUNCTION unsafe(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN true; END';
CREATE FUNCTION inlined(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 0';
CREATE FUNCTION looks(int) RETURNS boolean LANGUAGE plpgsql PARALLEL SAFE AS 'BEGIN RETURN true; END';
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE DOMAIN unsafe_domain AS int CHECK (unsafe(VALUE));
CREATE TABLE t_serial (key serial, id int);
CREATE TABLE t_identity (key int GENERATED ALWAYS AS IDENTITY, id int);
CREATE SEQUENCE shared;
CREATE TABLE t_shared (a int DEFAULT nextval('shared'), b int DEFAULT nextval('shared'), id int);
CREATE TABLE t_case (a int DEFAULT coalesce(current_setting('no.such', true)::int, nextval('shared')), id int);
CREATE TABLE t_twice (a int DEFAULT nextval('shared') + nextval('shared'), id int);
CREATE TABLE t_unsafe (a boolean DEFAULT unsafe(nextval('shared')::int), id int);
CREATE TABLE t_check (id int CONSTRAINT sure CHECK (unsafe(id)));
CREATE TABLE t_inlined (id int CHECK (inlined(id)));
CREATE TABLE t_looks (id int CHECK (looks(id)));
CREATE TABLE t_domain (id unsafe_domain);
CREATE TABLE t_array (id int, d unsafe_domain[]);
CREATE TABLE t_generated (id int, g boolean GENERATED ALWAYS AS (unsafe(id)) STORED);
CREATE TABLE t_index (id int);
CREATE INDEX unsafe_index ON t_index (unsafe(id));
CREATE TABLE t_before (id int);
CREATE TRIGGER early BEFORE INSERT ON t_before FOR EACH ROW EXECUTE FUNCTION nothing();
CREATE TABLE t_when (id int);
CREATE TRIGGER late AFTER INSERT ON t_when FOR EACH ROW WHEN (unsafe(NEW.id)) EXECUTE FUNCTION nothing();
CREATE TABLE t_part (id int) PARTITION BY LIST (id);
CREATE TABLE t_part_1 PARTITION OF t_part DEFAULT;
CREATE TRIGGER early BEFORE INSERT ON t_part_1 FOR EACH ROW EXECUTE FUNCTION nothing();
CREATE TABLE t_plain (id int UNIQUE);
CREATE VIEW t_view AS TABLE t_plain;
END
write_file('id.csv', "id\n1\n2\n3\n");
write_file('id.json', '[{"id": 1}, {"id": 2}, {"id": 3}]');
write_file('id.ndjson', qq({"id": 1}\n{"id": 2}\n{"id": 3}\n));
write_file('empty.csv', '');
system('gzip', '-kf', "$dir/id.csv") == 0 or die;

# ---- sequences ----

query(<<'END');
CREATE SEQUENCE jumps START 9000 INCREMENT -7 MINVALUE -100000 MAXVALUE 9000;
CREATE SEQUENCE round MAXVALUE 100 CYCLE CACHE 20;
CREATE TABLE numbered (key smallserial PRIMARY KEY, id int GENERATED ALWAYS AS IDENTITY (START 5), big bigint GENERATED BY DEFAULT AS IDENTITY,
	label text NOT NULL DEFAULT 'no. ' || nextval('jumps'), r int DEFAULT nextval('round') CHECK (r BETWEEN 1 AND 100),
	twice int GENERATED ALWAYS AS (id * 2) STORED, a text, b text);
CREATE TABLE numbered_alone (LIKE numbered);
END
write_file('numbered.csv', "a,b\n" . join('', map { $_ % 7 ? "a$_,b\n" : "\"a$_\",\"b\n\nb\"\n" } 1 .. 2999) . "a3000,b");
{
	my $reset = join ' ', map { "ALTER SEQUENCE $_ RESTART;" } qw(numbered_key_seq numbered_id_seq numbered_big_seq jumps round);
	my $load = "INSERT INTO numbered (a, b) VALUES ('x', 'y'); SELECT inserted FROM purser.bulk_load('numbered', '$dir/numbered.csv'";
	my $out = try(<<END);
SET purser.bulk_range = 700;
$load);
INSERT INTO numbered_alone TABLE numbered;
TRUNCATE numbered;
$reset
DISCARD SEQUENCES;
$load, workers => 3);
SELECT count(*) FROM (TABLE numbered EXCEPT TABLE numbered_alone) x;
SELECT bool_and(a = 'a' || key - 1 AND big = key AND id = key + 4 AND twice = id * 2) FROM numbered WHERE a <> 'x';
SELECT array_agg(key ORDER BY ctid) = array_agg(key ORDER BY key) FROM numbered;
SELECT lastval() = currval('round'), currval('numbered_id_seq');
END
	is($out, "3000\n3000\n0\nt\nt\nt|3005\n", 'numbers are those of a load without workers');
}
query("CREATE SEQUENCE fought; CREATE TABLE contended (key int DEFAULT nextval('fought') PRIMARY KEY, a text, b text)");
{
	my ($out, $err) = ('', '');
	my $other = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c',
		"SELECT count(DISTINCT nextval('fought')) FROM generate_series(1, 200000)" ], '>', \$out, '2>', \$err);
	is(try("SET purser.bulk_range = 700; SELECT inserted FROM purser.bulk_load('contended', '$dir/numbered.csv', workers => 2);
		SELECT array_agg(key ORDER BY ctid) = array_agg(key ORDER BY key), array_agg(substr(a, 2)::int ORDER BY ctid) = array_agg(i ORDER BY i)
		FROM contended, LATERAL (SELECT substr(a, 2)::int AS i) x"), "3000\nt|t\n", 'while another session takes numbers');
	$other->finish;
	is(query("SELECT nextval('fought')"), '203001', 'each once');
}
like(try("ALTER SEQUENCE fought MAXVALUE 205000; TRUNCATE contended; SELECT inserted FROM purser.bulk_load('contended', '$dir/numbered.csv', workers => 2)"),
	qr/nextval: reached maximum value of sequence "fought"/, 'a sequence that ends');
query("CREATE ROLE novice; GRANT pg_read_server_files TO novice; GRANT INSERT ON contended, t_identity TO novice");
like(try("SET ROLE novice; SELECT inserted FROM purser.bulk_load('contended', '$dir/numbered.csv', workers => 2)"),
	qr/permission denied for sequence fought/, 'a sequence that the role may not use');
is(try("SET ROLE novice; SELECT inserted FROM purser.bulk_load('t_identity', '$dir/id.csv', workers => 2)"), "3\n", 'for an identity column it need not');
query('TRUNCATE t_identity');

# ---- no workers ----

foreach my $case (
	[ 't_serial', 'id.csv', ', options => \'{"default": "D"}\'', qr/The default of column "key" is not parallel safe/ ],
	[ 't_serial', 'id.ndjson', '', qr/The default of column "key" is not parallel safe/ ],
	[ 't_shared', 'id.csv', '', qr/The default of column "b" is not parallel safe/ ],
	[ 't_case', 'id.csv', '', qr/The default of column "a" is not parallel safe/ ],
	[ 't_twice', 'id.csv', '', qr/The default of column "a" is not parallel safe/ ],
	[ 't_unsafe', 'id.csv', '', qr/The default of column "a" is not parallel safe/ ],
	[ 't_identity', 'id.ndjson', '', qr/The default of column "key" is not parallel safe/ ],
	[ 't_check', 'id.csv', '', qr/The constraint "sure" of table "t_check" is not parallel safe/ ],
	[ 't_looks', 'id.csv', '', qr/Constraints or triggers of table "t_looks" may look at rows of the load/ ],
	[ 't_domain', 'id.csv', '', qr/The type of column "id" is not parallel safe/ ],
	[ 't_array', 'id.csv', '', qr/The type of column "d" is not parallel safe/ ],
	[ 't_generated', 'id.csv', '', qr/The generated column "g" of table "t_generated" is not parallel safe/ ],
	[ 't_index', 'id.csv', '', qr/The index "unsafe_index" is not parallel safe/ ],
	[ 't_before', 'id.csv', '', qr/Table "t_before" has the BEFORE ROW trigger "early"/ ],
	[ 't_when', 'id.csv', '', qr/The condition of trigger "late" of table "t_when" is not parallel safe/ ],
	[ 't_part', 'id.csv', '', qr/Table "t_part_1" has the BEFORE ROW trigger "early"/ ],
	[ 't_plain', 'id.csv', ", on_conflict => 'skip'", qr/Conflicts are resolved/ ],
	[ 't_plain', 'id.csv', ', rejects => true', qr/Bad rows are put aside/ ],
	[ 't_view', 'id.csv', ', max_rejects => 1', qr/The table takes rows by statements only/ ],
	[ 't_view', 'id.csv', '', qr/The table takes rows by statements only/ ],
	[ 't_plain', 'id.json', '', qr/A file of format "json" cannot be read in ranges/ ],
	[ 't_plain', 'id.csv.gz', '', qr/A compressed file cannot be read in ranges/ ],
	[ 't_plain', 'id.csv', q(, options => '{"encoding": "SJIS", "escape": "\\\\"}'),
		qr/A file of format "csv" in encoding "SJIS" cannot be read in ranges: the byte "\\" may be/ ],
	[ 't_plain', 'id.csv', ", options => '{\"header\": \"sniff\"}'", qr/Delimiter and header are to be guessed/ ],
	[ 't_plain', 'id.csv', ", options => '{\"delimiter\": \"sniff\"}'", qr/Delimiter and header are to be guessed/ ],
	[ 't_temp', 'id.csv', '', qr/"t_temp" is a temporary table/ ])
{
	my ($table, $file, $more, $reason) = @$case;
	my $out = try(<<END);
CREATE TEMP TABLE t_temp (id int);
BEGIN;
SELECT inserted FROM purser.bulk_load('$table', '$dir/$file', workers => 2$more);
SELECT count(*) FROM $table;
ROLLBACK;
END
	like($out, qr/^3\n3\n.*NOTICE:  loading without workers\nDETAIL:  $reason/s, "$table, $file$more: without, and why");
	is(() = $out =~ /NOTICE/g, 1, 'said once');
}
is(try("SELECT inserted FROM purser.bulk_load('t_inlined', '$dir/id.csv', workers => 2)"), "3\n", 'a function that is inlined counts for what is in it');
like(try("SELECT inserted FROM purser.bulk_load('t_plain', '$dir/empty.csv', workers => 2)"), qr/^0\n.*The file is empty/s, 'an empty file');
like(try("SET max_parallel_workers = 0; TRUNCATE t_plain; SELECT inserted FROM purser.bulk_load('t_plain', '$dir/id.csv', workers => 2)"),
	qr/^3\n.*NOTICE:  loading with 0 of 1 workers/s, 'no workers left');
like(try("SET max_parallel_workers = 1; SET purser.bulk_range = 2; TRUNCATE t_plain; SELECT inserted FROM purser.bulk_load('t_plain', '$dir/id.csv', workers => 2)"),
	qr/^3\n.*NOTICE:  loading with 1 of 2 workers/s, 'fewer than wanted');
foreach my $count (-1, 1025)
{
	like(try("SELECT purser.bulk_load('t_plain', '$dir/id.csv', workers => $count)"), qr/argument "workers" must be between 0 and 1024/, "$count workers");
}

# ---- in the middle ----

query(<<'END');
CREATE FUNCTION slow(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
	'BEGIN IF $1 > 5000 THEN PERFORM pg_sleep(0.02); END IF; RETURN true; END';
CREATE TABLE slow (id int CHECK (slow(id)));
END
write_file('slow.csv', "id\n" . join('', map { "$_\n" } 1 .. 10000));
foreach my $case (
	[ "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND query ~ 'slow.csv' AND pid <> pg_backend_pid()",
		qr/canceling statement due to user request/, 'cancelled' ],
	[ "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'parallel worker' LIMIT 1",
		qr/terminating background worker "parallel worker" due to administrator command/, 'a worker terminated' ],
	[ "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND query ~ 'slow.csv' AND pid <> pg_backend_pid()",
		qr/terminating connection due to administrator command/, 'the session terminated' ])
{
	my ($stop, $error, $what) = @$case;
	my ($out, $err) = ('', '');
	my $session = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'SET purser.bulk_range = 4000',
		'-c', "SELECT purser.bulk_load('slow', '$dir/slow.csv', workers => 2)" ], '>', \$out, '2>', \$err);
	ok(poll_until($node, "SELECT count(*) = 1 FROM purser.load_progress WHERE relation = 'slow'::regclass AND rows > 1000 AND bytes_processed BETWEEN 4000 AND bytes_total AND bytes_total = " . (-s "$dir/slow.csv")),
		'its progress is seen');
	query($stop);
	$session->finish;
	like($err, $error, "$what: the error");
	ok(poll_until($node, "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'parallel worker'"), 'workers are gone');
	is(query('SELECT count(*) FROM slow'), '0', 'nothing is left');
	is(query("SELECT count(*) FROM purser.load_progress"), '0', 'nor its progress');
}

# The server restarts when a process dies; nothing is left of the load.
$node->append_conf('postgresql.conf', 'restart_after_crash = on');
$node->reload;
{
	my ($out, $err) = ('', '');
	my $session = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'SET purser.bulk_range = 4000',
		'-c', "SELECT purser.bulk_load('slow', '$dir/slow.csv', workers => 2)" ], '>', \$out, '2>', \$err);
	ok(poll_until($node, "SELECT count(*) = 1 FROM purser.load_progress WHERE relation = 'slow'::regclass AND rows > 1000"),
		'a load is under way');
	my $pid = query("SELECT pid FROM pg_stat_activity WHERE backend_type = 'parallel worker' LIMIT 1");
	kill 'KILL', $pid;
	$session->finish;
	like($err, qr/terminating connection because of crash of another server process|server closed the connection/, 'a worker killed: the error');
	ok(poll_until($node, "SELECT count(*) = 0 FROM slow"), 'nothing is left');
	is(try("SELECT inserted FROM purser.bulk_load('child', '$dir/child.csv', workers => 2)"), "2940\n", 'workers make the next load');
}

# ---- no places for workers ----

foreach my $places (0, 1)
{
	# The launcher of logical replication takes one.
	$node->append_conf('postgresql.conf', "max_worker_processes = $places");
	$node->restart;
	ok(poll_until($node, "SELECT count(*) = $places FROM pg_stat_activity WHERE backend_type = 'logical replication launcher'"),
		'the place is taken');
	like(try("SET purser.bulk_range = 2; TRUNCATE t_plain; SELECT inserted FROM purser.bulk_load('t_plain', '$dir/id.csv', workers => 3)"),
		qr/^3\n.*NOTICE:  loading with 0 of 3 workers\nDETAIL/s, "max_worker_processes = $places");
}

$node->stop;
done_testing();
