# The ledger in a dump and on a standby, and in a session that outlives it.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION pg_purser;
	SELECT purser.add_revision('one', 'CREATE TABLE t (x int)', 'DROP TABLE t', 'one1', labels => '{shop}');
	SELECT purser.add_revision('two', 'ALTER TABLE t ADD y int', 'ALTER TABLE t DROP y', 'two2',
		verify => 'SELECT y FROM t');
	SELECT purser.add_revision('three', 'ALTER TABLE t ADD z int', NULL, 'three3');
	SELECT purser.upgrade('two2');
	SELECT purser.tag('v1', 'two revisions');
});
my $everything = q{
	SELECT t.* FROM purser.tag t ORDER BY name;
	SELECT r.* FROM purser.revision r ORDER BY ordinal;
	SELECT a.* FROM purser.applied a ORDER BY revision;
	SELECT e.* FROM purser.event e ORDER BY id};
my $source = $node->safe_psql('postgres', $everything);

# dump and restore: all of it comes along, and it goes on from there
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('postgres') ], 'dump');
$node->safe_psql('postgres', 'CREATE DATABASE copy');
$node->command_ok([ 'pg_restore', '-e', '-d', $node->connstr('copy'), $dump ], 'restore');
is($node->safe_psql('copy', $everything), $source, 'the copy is the same');
is($node->safe_psql('copy', 'SELECT * FROM purser.check_ledger()'), '', 'and sound');
is($node->safe_psql('copy', 'SELECT revision FROM purser.upgrade()'), 'three3',
	'the copy goes on');
is($node->safe_psql('copy', q{SELECT revision FROM purser.history('tag:v1:head')}), "three3\ntwo2",
	'the tag came along');
is($node->safe_psql('copy', q{SELECT purser.add_revision('four', '', '', 'four4')}),
	'four4', 'and takes revisions');
is($node->safe_psql('copy', q{
	SELECT string_agg(id || ' ' || revision, ', ' ORDER BY id),
		bool_and(previous_hash = before)
	FROM (SELECT *, lag(hash, 1, '') OVER (ORDER BY id) AS before FROM purser.event) e}),
	'1 one1, 2 two2, 3 three3|t', 'the history goes on too');

# standby: looking works, writing fails cleanly until it is promoted
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', $everything), $source, 'the standby is the same');
is($standby->safe_psql('postgres', 'SELECT revision FROM purser.current()'),
	'two2', 'current on a standby');
is($standby->safe_psql('postgres', q{SELECT revision, sql FROM purser.plan('upgrade', 'head')}),
	'three3|ALTER TABLE t ADD z int', 'plan on a standby');
is($standby->safe_psql('postgres', q{SELECT string_agg(revision, ' ') FROM purser.history()}),
	'three3 two2 one1', 'history on a standby');
is($standby->safe_psql('postgres', q{SELECT purser.export_revision('one1')}),
	$node->safe_psql('postgres', q{SELECT purser.export_revision('one1')}), 'export on a standby');
is($standby->safe_psql('postgres', 'SELECT * FROM purser.check_ledger()'), '', 'check_ledger on a standby');
is($standby->safe_psql('postgres', q{SELECT revision FROM purser.plan('downgrade', 'time:-infinity')}),
	"two2\none1", 'a time as a target on a standby');
$node->safe_psql('postgres', q{UPDATE purser.event SET role = 'somebody' WHERE id = 2;
	UPDATE purser.revision SET upgrade = 'SELECT 1' WHERE revision = 'one1'});
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', 'SELECT kind, subject FROM purser.check_ledger()'),
	"event_changed|2\nedited_script|one1", 'what was changed shows on a standby');
like($standby->safe_psql('postgres', q{SELECT purser.script('upgrade', 'head')}),
	qr/^ALTER TABLE t ADD z int;$/m, 'script on a standby');
for my $call (q{upgrade()}, q{downgrade('base')}, q{stamp('base')}, q{add_revision('x', '')},
	q{load_revision('')}, q{remove_revision('x')}, q{load_directory('/')}, q{accept('x')}, q{tag('x')},
	q{untag('x')}, q{merge_heads('x')}, q{squash('x', 'y', 'z')}, q{baseline()}, q{adopt()},
	q{record_step('upgrade', 'x')})
{
	my ($name) = $call =~ /^(\w+)/;
	my ($ret, $out, $err) = $standby->psql('postgres', "SELECT purser.$call");
	like($err, qr/cannot execute purser\.$name\(\) during recovery/, "$name on a standby");
}
my (undef, undef, $refused) = $standby->psql('postgres', 'CALL purser.migrate()');
like($refused, qr/cannot execute purser\.migrate\(\) during recovery/, 'migrate on a standby');
is($standby->safe_psql('postgres', q{SELECT (SELECT count(*) FROM purser.migrate_progress),
	(SELECT count(*) FROM purser.backfills), (SELECT count(*) FROM purser.branches())}), '0|0|0',
	'views of migrations on a standby');
for my $call (qw(pause resume cancel))
{
	my ($ret, $out, $err) = $standby->psql('postgres', "SELECT purser.${call}_backfill('one1')");
	like($err, qr/during recovery/, "${call}_backfill on a standby");
}
$standby->promote;
is($standby->safe_psql('postgres', q{SELECT purser.accept('one1'); SELECT revision FROM purser.upgrade()}),
	"one1\nthree3", 'upgrade once promoted');

# a session whose extension was dropped and made again goes on with the new one
is($node->safe_psql('copy', q{
	SELECT revision FROM purser.current() WHERE revision <> 'four4';
	DROP EXTENSION pg_purser;
	CREATE EXTENSION pg_purser;
	SELECT revision FROM purser.current();
	SELECT purser.add_revision('new', 'CREATE TABLE new ()', 'DROP TABLE new', 'new1');
	SELECT revision FROM purser.upgrade();
	SELECT revision FROM purser.current()}), "three3\nnew1\nnew1\nnew1", 'extension made anew');

# Who prepared the schema for us gets no rights by it: not while the extension is made (no function
# of theirs is called), and not afterwards.
$node->safe_psql('postgres', 'CREATE DATABASE prepared');
$node->safe_psql('prepared', q{
	CREATE ROLE regress_trapper;
	GRANT CREATE ON DATABASE prepared TO regress_trapper;
	SET ROLE regress_trapper;
	CREATE SCHEMA purser;
	CREATE FUNCTION purser.trap(text[], text[]) RETURNS boolean IMMUTABLE LANGUAGE plpgsql
		AS $$ BEGIN RAISE 'trap'; END $$;
	CREATE OPERATOR purser.<> (FUNCTION = purser.trap, LEFTARG = text[], RIGHTARG = text[]);
	CREATE FUNCTION purser.trap(text, text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql
		AS $$ BEGIN RAISE 'trap'; END $$;
	CREATE OPERATOR purser.= (FUNCTION = purser.trap, LEFTARG = text, RIGHTARG = text)});
$node->safe_psql('prepared', 'CREATE EXTENSION pg_purser');
my $add = q{SELECT purser.add_revision('one', '', '', 'one1', labels => '{shop}')};
my (undef, undef, $err) = $node->psql('prepared', $add);
like($err, qr/schema "purser" does not belong to the owner of extension.*"regress_trapper"/s,
	'a schema of somebody else');
my $owner = $node->safe_psql('prepared', 'SELECT current_user');
is($node->safe_psql('prepared', qq{
	ALTER SCHEMA purser OWNER TO "$owner"; $add; SELECT revision FROM purser.upgrade()}),
	"one1\none1", 'put right');

# An owner who is no superuser, and sets a trap on a table of ours, gets nothing from who calls
$node->safe_psql('prepared', qq{
	SELECT revision FROM purser.downgrade('base');
	CREATE ROLE regress_owner SUPERUSER;
	UPDATE pg_extension SET extowner = 'regress_owner'::regrole WHERE extname = 'pg_purser';
	ALTER SCHEMA purser OWNER TO regress_owner;
	ALTER TABLE purser.revision OWNER TO regress_owner;
	ALTER TABLE purser.applied OWNER TO regress_owner;
	ALTER TABLE purser.event OWNER TO regress_owner;
	ALTER TABLE purser.tag OWNER TO regress_owner;
	ALTER TABLE purser.underway OWNER TO regress_owner;
	ALTER TABLE purser.backfill OWNER TO regress_owner;
	ALTER ROLE regress_owner NOSUPERUSER;
	SET ROLE regress_owner;
	CREATE FUNCTION purser.spy() RETURNS trigger LANGUAGE plpgsql
		AS \$\$ BEGIN RAISE NOTICE 'as %', current_user; RETURN NULL; END \$\$;
	CREATE CONSTRAINT TRIGGER spy AFTER INSERT ON purser.applied DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW EXECUTE FUNCTION purser.spy()});
(undef, undef, $err) = $node->psql('prepared', 'SELECT revision FROM purser.upgrade()');
like($err, qr/cannot fire deferred trigger within security-restricted operation/,
	'no deferred trigger of the owner');

done_testing();
