# Loading directories of migration files: what is read, what is refused, and that refusing changes
# nothing.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use POSIX qw(mkfifo);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_purser');

my $dir = PostgreSQL::Test::Utils::tempdir();
my $head = "-- purser: parents none\n-- purser: message m\n-- purser: upgrade\n";

sub put
{
	my ($name, $content, $where) = @_;
	open(my $file, '>:raw', ($where // $dir) . "/$name") or die "$name: $!";
	print $file $content;
	close $file;
	return;
}

sub load
{
	my ($path) = @_;
	$path =~ s/'/''/g;
	return $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT purser.load_directory('$path')");
}

sub loads
{
	my ($expected, $name) = @_;
	my ($ret, $out, $err) = load($dir);
	is($err, '', "$name: no error");
	is(join(' ', split /\n/, $out), $expected, $name);
	return;
}

# A migration file without a script, to which one may be added.
sub migration
{
	my ($id, $parents, $message) = @_;
	return "-- purser: revision $id\n-- purser: parents $parents\n-- purser: message $message\n"
		. "-- purser: upgrade\n";
}

# The load fails like this, names the file, and leaves the ledger as it was; the file goes away.
sub refuses
{
	my ($file, $state, $pattern, $name) = @_;
	my $content = 'SELECT r.* FROM purser.revision r ORDER BY ordinal';
	my $before = $node->safe_psql('postgres', $content);
	my ($ret, $out, $err) = load($dir);
	like($err, qr/ERROR:  $state: /, "$name: $state");
	like($err, $pattern, "$name: the message");
	like($err, qr/\Q$dir\/$file\E/, "$name: the file is named") if $file ne '';
	is($node->safe_psql('postgres', $content), $before, "$name: nothing changed");
	system('rm', '-rf', "$dir/$file") if $file ne '';
	return;
}

# An empty directory, none, one that may not be read, and a file
loads('', 'empty directory');
my ($ret, $out, $err) = load("$dir/nowhere");
like($err, qr/ERROR:  58P01: could not open directory "\Q$dir\E\/nowhere"/, 'no such directory');
like($err, qr/HINT: .*on the server/, 'no such directory: hint');
SKIP:
{
	skip 'root reads everything', 1 if $> == 0;
	mkdir "$dir/locked";
	chmod 0, "$dir/locked";
	($ret, $out, $err) = load("$dir/locked");
	like($err, qr/ERROR:  42501: could not open directory/, 'directory that may not be read');
	rmdir "$dir/locked";
}

# Parents in later files, a hidden file, a link, CRLF and a byte order mark
my $third = migration('third', 'second', '3');
put('1.sql', $third);
my $windows = migration('first', 'none', "\xC3\xA9t\xC3\xA9")
	. "CREATE TABLE first ();\n-- purser: downgrade\nDROP TABLE first;\n";
put('2.sql', "\xEF\xBB\xBF" . $windows =~ s/\n/\r\n/gr);
put('.hidden', 'not a migration');
my $elsewhere = PostgreSQL::Test::Utils::tempdir();
put('3', migration('second', 'first', '2'), $elsewhere);
symlink "$elsewhere/3", "$dir/we'ird \"näme.sql" or die $!;
loads('first second third', 'parents first');
is($node->safe_psql('postgres',
	"SELECT message || ' ' || (upgrade = 'CREATE TABLE first ();') FROM purser.show('first')"),
	"\xC3\xA9t\xC3\xA9 true", 'text is as it was meant');
loads('', 'nothing new');
is($node->safe_psql('postgres', q{SELECT string_agg(revision, ' ' ORDER BY step) FROM purser.upgrade()}),
	'first second third', 'upgrade');
loads('', 'nothing new after the upgrade');

# A change of what is not applied, and of what is
put('4.sql', migration('fourth', 'third', '4'));
loads('fourth', 'one more');
put('4.sql', migration('fourth', 'third first', 'four'));
loads('fourth', 'a change');
put('5.sql', $third);
refuses('5.sql', '42710', qr/two files hold revision "third".*1\.sql/s, 'two files with one id');
rename "$dir/1.sql", "$elsewhere/1.sql";
put('1.sql', "${third}SELECT 1");
refuses('1.sql', '55000', qr/revision "third" is applied and cannot be replaced/, 'changed after it was applied');

# What is no migration
put('README.md', "# Migrations\n");
refuses('README.md', '22P02', qr/not a migration.*line 1 of/s, 'another file');
put('z.sql', '');
refuses('z.sql', '22P02', qr/not a migration/, 'empty file');
put('z.sql', "-- purser: revision z\n-- purser: sometimes\n");
refuses('z.sql', '0A000', qr/key "sometimes" is not supported.*line 2 of/s, 'unknown key');
put('z.sql', "-- purser: revision no-good\n$head");
refuses('z.sql', '22023', qr/invalid revision id "no-good"/, 'bad id');
put('z.sql', "-- purser: revision z\n${head}SELECT '\xE9';\n");
refuses('z.sql', '22021', qr/invalid byte sequence .* 0xe9/, 'not UTF-8');
put('z.sql', "-- purser: revision z\n${head}SELECT '\0';\n");
refuses('z.sql', '22021', qr/0x00/, 'zero byte');
mkdir "$dir/sub";
refuses('sub', '42809', qr/not a regular file/, 'folder');
mkfifo("$dir/pipe", 0700) or die $!;
refuses('pipe', '42809', qr/not a regular file/, 'pipe');
symlink "$dir/nowhere", "$dir/dangling";
refuses('dangling', '58P01', qr/could not stat file/, 'link to nothing');
put('z.sql', '');
truncate "$dir/z.sql", 64 * 1024 * 1024 + 1;
refuses('z.sql', '54000', qr/too large.*64 MB/s, 'huge file');
put('z.sql', migration('zzzz', 'nobody', 'm'));
refuses('z.sql', '42704', qr/"zzzz" needs revision "nobody", which does not exist/,
	'missing parent');
put('y.sql', migration('yyyy', 'zzzz', 'm'));
put('z.sql', "-- purser: depends yyyy\n" . migration('zzzz', 'none', 'm'));
refuses('', '42P17', qr/revisions form a cycle.*"yyyy".*"zzzz"/s, 'cycle');
put('z.sql', "-- purser: labels yyyy\n" . migration('zzzz', 'none', 'm'));
refuses('', '42710', qr/is taken by revision/, 'label that is an id');
# labels may change hands, whichever of the files comes first
put('y.sql', "-- purser: labels shop\n" . migration('yyyy', 'none', 'm'));
put('z.sql', "-- purser: labels stock\n" . migration('zzzz', 'yyyy', 'm'));
loads('yyyy zzzz', 'labels');
put('y.sql', "-- purser: labels stock\n" . migration('yyyy', 'none', 'm'));
put('z.sql', "-- purser: labels shop\n" . migration('zzzz', 'yyyy', 'm'));
loads('yyyy zzzz', 'labels that change places');
put('z.sql', "-- purser: labels stock\n" . migration('zzzz', 'yyyy', 'm'));
refuses('z.sql', '42710', qr/is taken by revision/, 'label that two have');
unlink "$dir/y.sql";
SKIP:
{
	skip 'root reads everything', 4 if $> == 0;
	put('z.sql', "-- purser: revision z\n$head");
	chmod 0, "$dir/z.sql";
	refuses('z.sql', '42501', qr/could not open file/, 'file that may not be read');
}

# Who may
$node->safe_psql('postgres', q{CREATE ROLE regress_loader;
	GRANT EXECUTE ON FUNCTION purser.load_directory TO regress_loader});
put('5.sql', "-- purser: revision fifth\n$head");
my $as_loader = "SET ROLE regress_loader; SELECT purser.load_directory('$dir')";
($ret, $out, $err) = $node->psql('postgres', $as_loader);
like($err, qr/permission denied to load a directory/, 'not without pg_read_server_files');
$node->safe_psql('postgres', 'GRANT pg_read_server_files TO regress_loader');
is($node->safe_psql('postgres', $as_loader), 'fifth', 'with it');

# The demo's directory, in a database whose encoding is another
$node->safe_psql('postgres',
	q{CREATE DATABASE shop TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'});
my $demo = abs_path(dirname(__FILE__) . '/../demo/migrations');
my $files = () = glob "$demo/*.sql";
$node->safe_psql('shop', 'CREATE EXTENSION pg_purser');
is($node->safe_psql('shop', "SELECT count(*) FROM purser.load_directory('$demo')"), $files,
	'demo loads');
for my $target ('head', '-1', '+1', 'base', 'head')
{
	my $call = $target =~ /^(-1|base)$/ ? 'downgrade' : 'upgrade';
	$node->safe_psql('shop', "SELECT purser.$call('$target')");
}
is($node->safe_psql('shop', 'SELECT count(*) FROM purser.applied'), $files,
	'demo goes up, down and up');
put('6.sql', "-- purser: revision sixth\n$head-- \xC3\xA9\n");
put('7.sql', "-- purser: revision seventh\n$head-- \xE2\x82\xAC\n");
($ret, $out, $err) =
	$node->psql('shop', "\\set VERBOSITY verbose\nSELECT purser.load_directory('$dir')");
like($err, qr/22P05: character .* has no equivalent in encoding "LATIN1".*7\.sql/s,
	'character that the database lacks');


# A database without an encoding: bytes of any kind, in scripts and in the names of roles
$node->safe_psql('postgres',
	q{CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'});
is($node->safe_psql('bytes', qq{
	CREATE EXTENSION pg_purser;
	CREATE ROLE "regress_r\xE9" SUPERUSER;
	SET ROLE "regress_r\xE9";
	SELECT purser.add_revision('m', 'SELECT ''\xE9''', '', 'byte1');
	SELECT revision FROM purser.upgrade();
	SELECT purser.load_revision(purser.export_revision('byte1'));
	SELECT checksum = sha256('SELECT ''\\351''') FROM purser.applied}),
	"byte1\nbyte1\nbyte1\nt", 'database without an encoding');

done_testing();
