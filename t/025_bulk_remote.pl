# A partition that is a table of another server (here the same one): rows go there in the wrapper's
# batches, with its triggers, and errors of the other side come back.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('remote');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;
sub query { return $node->safe_psql('postgres', shift) }

my ($host, $port) = ($node->host, $node->port);
query(<<"END");
CREATE EXTENSION pg_purser;
CREATE EXTENSION postgres_fdw;
CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres', batch_size '100');
CREATE USER MAPPING FOR CURRENT_USER SERVER other;
CREATE TABLE far (v text, id int CHECK (id < 100000));
CREATE TABLE p (id int, v text) PARTITION BY LIST ((id % 2));
CREATE TABLE even PARTITION OF p FOR VALUES IN (0);
CREATE FOREIGN TABLE odd (v text, id int) SERVER other OPTIONS (table_name 'far');
ALTER TABLE p ATTACH PARTITION odd FOR VALUES IN (1);
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS \$\$
BEGIN
    RAISE NOTICE '% % %', TG_WHEN, TG_RELNAME, NEW;
    RETURN NEW;
END \$\$;
END

is( query(q{SELECT inserted FROM purser.bulk_insert('p', (SELECT 'id,v' || string_agg(format(E'\n%s,v%s', i, i), '') FROM generate_series(1, 5000) i), 'csv')}),
    5000, 'rows of both kinds are taken');
is( query(q{SELECT tableoid::regclass, count(*), count(*) FILTER (WHERE v <> 'v' || id) FROM p GROUP BY tableoid ORDER BY tableoid::regclass::text}),
    "even|2500|0\nodd|2500|0", 'each is where it belongs');

my (undef, undef, $error) = $node->psql('postgres',
    q{SELECT purser.bulk_insert('p', E'id,v\n1,a\n100001,b\n2,c\n', 'csv')});
like($error, qr/violates check constraint "far_id_check".*bulk_insert into "p", rows 1 to 2/s,
    'an error of the other side tells the rows of its batch');
is(query('SELECT count(*) FROM p'), 5000, 'and leaves nothing');

query('CREATE TRIGGER a AFTER INSERT ON odd FOR EACH ROW EXECUTE FUNCTION tell();'
        . 'CREATE TRIGGER b BEFORE INSERT ON odd FOR EACH ROW EXECUTE FUNCTION tell()');
my (undef, undef, $notices) = $node->psql('postgres',
    q{SELECT inserted FROM purser.bulk_insert('p', E'id,v\n7,a\n8,b\n9,c\n', 'csv')});
is(join(' ', $notices =~ /NOTICE:  (\w+ odd \(\w,\d\))/g),
    'BEFORE odd (a,7) BEFORE odd (c,9) AFTER odd (a,7) AFTER odd (c,9)', 'triggers fire');

(undef, undef, $error) = $node->psql('postgres',
    q{SELECT purser.bulk_insert('p', E'id,v\n8,b\n9,c\n', 'csv', 'skip')});
like($error, qr/cannot resolve conflicts in foreign table "odd"/, 'conflicts there are refused');

$node->stop;
done_testing();
