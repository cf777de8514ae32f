# The library loads with and without preload, and the extension drops without a trace.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;

$node->safe_psql('postgres', q{CREATE EXTENSION pg_purser});
my ($status, $out, $err) =
  $node->psql('postgres', q{LOAD 'pg_purser'; SET purser.no_such_setting = 1});
isnt($status, 0, 'a misspelt setting is refused once the library is loaded');
like($err, qr/invalid configuration parameter name "purser.no_such_setting"/, 'and named');

$node->append_conf('postgresql.conf', q{shared_preload_libraries = 'pg_purser'});
$node->restart;
is( $node->safe_psql('postgres', q{SELECT count(*) FROM pg_extension WHERE extname = 'pg_purser'}),
	'1',
	'the extension is there after a restart with the library preloaded');
is($node->safe_psql('template1', 'SELECT 1'), '1', 'a database without the extension works');

$node->safe_psql('postgres', q{DROP EXTENSION pg_purser});
is( $node->safe_psql('postgres', q{
		SELECT (SELECT count(*) FROM pg_proc WHERE pronamespace = 'purser'::regnamespace)
			+ (SELECT count(*) FROM pg_class WHERE relnamespace = 'purser'::regnamespace)
			+ (SELECT count(*) FROM pg_type WHERE typnamespace = 'purser'::regnamespace)}),
	'0',
	'a dropped extension leaves an empty schema');

$node->stop;
done_testing();
