# Exactly the bad rows are rejected, and the others are loaded: random rows with known faults at random
# places, into tables of several kinds, against a model that inserts each row by itself.
# Then: a load that is cancelled or killed leaves neither rows nor rejects.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PollUntil qw(poll_until);
use PostgreSQL::Test::Cluster;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('bulk_rejects');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "autovacuum = off\nrestart_after_crash = on\n");
$node->start;

sub query { return $node->safe_psql('postgres', shift) }

query(<<'END');
CREATE EXTENSION pg_purser;
CREATE DOMAIN short AS text CHECK (length(VALUE) < 20);
CREATE TABLE port (code text PRIMARY KEY);
INSERT INTO port SELECT 'port' || i FROM generate_series(0, 40) i;

-- What the triggers of all kinds do.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.amount = 13 AND TG_NARGS = 0 OR NEW.amount = TG_ARGV[0]::int THEN
        RAISE EXCEPTION 'refused %', NEW.id USING ERRCODE = 'PU013';
    END IF;
    IF NEW.amount = 14 AND TG_WHEN = 'BEFORE' THEN RETURN NULL; END IF;
    RETURN NEW;
END $$;
-- A check that sees the rows before its own.
CREATE FUNCTION few(wanted text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
    RETURN (SELECT count(*) < 12 FROM kept WHERE name = wanted);
END $$;
CREATE FUNCTION make(name text, kind text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    columns text := 'id int PRIMARY KEY, name short NOT NULL DEFAULT ''x'', port text, amount int CHECK (amount <> 12),
        parent int, slot int4range, half int GENERATED ALWAYS AS (100 / (amount - 15)) STORED';
BEGIN
    EXECUTE format('DROP TABLE IF EXISTS %I CASCADE', name);
    IF kind = 'partition' THEN
        EXECUTE format('DROP TABLE IF EXISTS %I', name || '_all');
        EXECUTE format('CREATE TABLE %I (%s) PARTITION BY RANGE (id)', name || '_all', columns);
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (0) TO (4900)', name, name || '_all');
    ELSE
        EXECUTE format('CREATE TABLE %I (%s)', name, columns);
    END IF;
    EXECUTE CASE kind
        WHEN 'foreign' THEN format('ALTER TABLE %I ADD FOREIGN KEY (port) REFERENCES port', name)
        WHEN 'self' THEN format('ALTER TABLE %1$I ADD FOREIGN KEY (parent) REFERENCES %1$I', name)
        WHEN 'two keys' THEN format('CREATE UNIQUE INDEX ON %1$I (lower(name), port) WHERE amount > 3;
            ALTER TABLE %1$I ADD FOREIGN KEY (port) REFERENCES port', name)
        WHEN 'plain keys' THEN format('CREATE UNIQUE INDEX ON %1$I (name, amount); CREATE UNIQUE INDEX ON %1$I (parent);
            ALTER TABLE %1$I ADD FOREIGN KEY (port) REFERENCES port', name)
        WHEN 'excluding' THEN format('ALTER TABLE %I ADD EXCLUDE USING gist (slot WITH &&)', name)
        WHEN 'expression' THEN format('CREATE INDEX ON %I ((100 / (amount - 17)))', name)
        WHEN 'before' THEN format('CREATE TRIGGER refuse BEFORE INSERT ON %I FOR EACH ROW EXECUTE FUNCTION refuse()', name)
        WHEN 'after' THEN format('CREATE TRIGGER refuse AFTER INSERT ON %I FOR EACH ROW EXECUTE FUNCTION refuse()', name)
        WHEN 'both' THEN format('CREATE TRIGGER refuse BEFORE INSERT ON %1$I FOR EACH ROW EXECUTE FUNCTION refuse();
            CREATE TRIGGER refuse_after AFTER INSERT ON %1$I FOR EACH ROW EXECUTE FUNCTION refuse(''18'');
            ALTER TABLE %1$I ADD FOREIGN KEY (port) REFERENCES port', name)
        WHEN 'all' THEN format('CREATE TRIGGER refuse AFTER INSERT ON %1$I FOR EACH ROW EXECUTE FUNCTION refuse();
            ALTER TABLE %1$I ADD EXCLUDE USING gist (slot WITH &&), ADD FOREIGN KEY (port) REFERENCES port,
            ADD FOREIGN KEY (parent) REFERENCES %1$I', name)
        WHEN 'seeing' THEN format('ALTER TABLE %1$I ADD CHECK (few(name))', name)
        ELSE 'SELECT' END;
END $$;

-- fault: how often, of 1000 rows.
CREATE TABLE input (row bigint, fields text[]);
CREATE FUNCTION fill(rows int, fault int) RETURNS void LANGUAGE sql AS $$
    TRUNCATE input;
    INSERT INTO input
    SELECT i, CASE WHEN f < 30 THEN v[1:4] ELSE v END
    FROM generate_series(1, rows) i,
        LATERAL (SELECT CASE WHEN random() * 1000 < fault THEN (random() * 300)::int ELSE 1000 END + i * 0 AS f) AS r,
        LATERAL (SELECT ARRAY[
            CASE WHEN f BETWEEN 30 AND 50 THEN 'one' WHEN f BETWEEN 51 AND 100 THEN ((random() * i)::int)::text ELSE i::text END,
            CASE WHEN f BETWEEN 101 AND 110 THEN '' WHEN f BETWEEN 111 AND 120 THEN repeat('long', 9)
                ELSE 'name' || (random() * rows * (1 + i * 0))::int END,
            CASE WHEN f BETWEEN 121 AND 150 THEN 'nowhere' ELSE 'port' || i % 41 END,
            CASE WHEN f BETWEEN 151 AND 230 THEN (11 + (f - 151) / 10)::text ELSE (i % 10)::text END,
            CASE WHEN f BETWEEN 231 AND 250 THEN '900000' ELSE (i - i % 7 - CASE i % 7 WHEN 0 THEN 1 ELSE 0 END)::text END,
            CASE WHEN f BETWEEN 251 AND 300 THEN 'x' || f ELSE i::text END] AS v) AS w;
    UPDATE input SET fields[5] = '' WHERE fields[5]::int < 1;
    UPDATE input SET fields[6] = CASE WHEN fields[6] LIKE 'x%' THEN '[' || row || ',' || row + 2 || ')'
        ELSE '[' || row || ',' || row + 1 || ')' END WHERE cardinality(fields) = 6;
$$;
CREATE FUNCTION as_csv() RETURNS text LANGUAGE sql AS $$
    SELECT E'id,name,port,amount,parent,slot\n' || string_agg(array_to_string(fields[1:5], ',')
        || COALESCE(',"' || fields[6] || '"', ''), E'\n' ORDER BY row) FROM input
$$;
CREATE FUNCTION as_json() RETURNS text LANGUAGE sql AS $$
    SELECT json_agg(json_strip_nulls(json_build_object('id', fields[1], 'name', NULLIF(fields[2], ''), 'port', fields[3],
        'amount', fields[4]::int, 'parent', NULLIF(fields[5], '')::int, 'slot', fields[6])) ORDER BY row)::text FROM input
$$;

-- The truth: one statement for each row.
CREATE TABLE expected (row bigint, sqlstate text);
CREATE FUNCTION insert_each(is_csv boolean, conflict text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    i input;
BEGIN
    TRUNCATE expected;
    FOR i IN SELECT * FROM input ORDER BY row LOOP
        BEGIN
            IF is_csv AND cardinality(i.fields) < 6 THEN
                RAISE EXCEPTION 'too few' USING ERRCODE = '22P04';
            ELSIF NOT is_csv AND i.fields[2] = '' THEN
                EXECUTE 'INSERT INTO kept (id, port, amount, parent, slot) VALUES ($1::int, $2, $3::int, $4::int, $5::int4range)' || conflict
                    USING i.fields[1], i.fields[3], i.fields[4], NULLIF(i.fields[5], ''), i.fields[6];
            ELSE
                EXECUTE 'INSERT INTO kept (id, name, port, amount, parent, slot) VALUES ($1::int, $2, $3, $4::int, $5::int, $6::int4range)'
                    || replace(conflict, 'SET', 'SET name = excluded.name,')
                    USING i.fields[1], NULLIF(i.fields[2], ''), i.fields[3], i.fields[4], NULLIF(i.fields[5], ''), i.fields[6];
            END IF;
        EXCEPTION WHEN OTHERS THEN
            INSERT INTO expected VALUES (i.row, SQLSTATE);
        END;
    END LOOP;
END $$;
CREATE FUNCTION check_both(kind text, format text, conflict text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    data text := CASE format WHEN 'csv' THEN as_csv() ELSE as_json() END;
    got purser.bulk_result;
    wrong text;
BEGIN
    DELETE FROM purser.reject;
    PERFORM make('kept', kind);
    IF format = 'jsonb' THEN
        got := purser.bulk_insert('kept', data::jsonb, on_conflict => conflict, rejects => true);
    ELSE
        got := purser.bulk_insert('kept', data, format, conflict, rejects => true);
    END IF;
    DROP TABLE IF EXISTS loaded;
    CREATE TABLE loaded AS SELECT * FROM kept;
    PERFORM make('kept', kind);
    PERFORM insert_each(format = 'csv', CASE conflict WHEN 'skip' THEN ' ON CONFLICT DO NOTHING'
        WHEN 'update' THEN ' ON CONFLICT (id) DO UPDATE SET port = excluded.port, amount = excluded.amount,
            parent = excluded.parent, slot = excluded.slot' ELSE '' END);
    SELECT string_agg(format('%s %s %s', what, row, sqlstate), '; ') INTO wrong FROM (
        (SELECT 'not rejected', * FROM (TABLE expected EXCEPT SELECT row_number, r.sqlstate FROM purser.reject r) m LIMIT 3)
        UNION ALL
        (SELECT 'rejected', * FROM (SELECT row_number, r.sqlstate FROM purser.reject r EXCEPT TABLE expected) m LIMIT 3)
        UNION ALL (SELECT 'missing', id, NULL FROM (TABLE kept EXCEPT TABLE loaded) m LIMIT 3)
        UNION ALL (SELECT 'too many', id, NULL FROM (TABLE loaded EXCEPT TABLE kept) m LIMIT 3)) AS w (what, row, sqlstate);
    RETURN COALESCE(wrong, CASE WHEN (SELECT count(*) FROM loaded) <> got.inserted THEN 'wrong count of inserted'
        WHEN (SELECT count(*) FROM expected) <> got.rejected THEN 'wrong count of rejected'
        WHEN (SELECT count(*) FROM purser.reject) <> got.rejected THEN 'wrong number of rejects'
        ELSE 'same' END);
END $$;
END

my $seed = $ENV{PURSER_SEED} // int(rand(1000000));
note("seed $seed (set PURSER_SEED to repeat, PURSER_ROUNDS for more)");
srand($seed);
query('SELECT setseed(' . rand() . ')');
for my $round (1 .. $ENV{PURSER_ROUNDS} // 1)
{
    for my $kind ('plain', 'foreign', 'self', 'two keys', 'plain keys', 'excluding', 'expression', 'before', 'after', 'both', 'all',
        'partition', 'seeing')
    {
        for my $format ('csv', 'jsonb')
        {
            my $rows = (1, 50, 999, 1000, 2500, 5000)[ rand 6 ];
            my $fault = (0, 1, 10, 30, 300, 1000)[ 1 + rand 5 ];
            my $conflict = ('error', 'error', 'skip', 'update')[ rand 4 ];
            my $setting = 'SELECT setseed(' . rand() . "); SELECT fill($rows, $fault)";
            query($setting);
            # A row that takes the key of a rejected one would be a parent that comes after its children.
            query("UPDATE input SET fields[1] = row WHERE fields[1] <> 'one'") if $kind =~ /^(self|all)$/;
            is(query("SELECT check_both('$kind', '$format', '$conflict')"), 'same',
                "$kind: $rows rows of $format, $fault of 1000 bad, on conflict $conflict");
        }
    }
}

# Bad rows only; more than one batch of them.
query('TRUNCATE input; INSERT INTO input SELECT i, ARRAY[\'x\'] FROM generate_series(1, 12000) i');
query('SELECT fill(10000, 0); UPDATE input SET fields[4] = \'12\'');
is(query("SELECT check_both('foreign', 'csv', 'error')"), 'same', 'nothing but bad rows');

# Subtransactions: one per 1000 good rows, and none of them takes a transaction id for nothing.
query('SELECT fill(20000, 0)');
query("SELECT make('kept', 'foreign')");
my $ids = sub { return query('SELECT pg_current_xact_id()') };
my $before = $ids->();
query("SELECT purser.bulk_insert('kept', as_csv(), 'csv', rejects => true)");
my $used = $ids->() - $before;
cmp_ok($used, '<=', 22, "20,000 good rows took $used transaction ids");

# Ended in the middle: nothing is there.
query("SELECT fill(20000, 10)");
query("SELECT make('kept', 'before')");
query('DELETE FROM purser.reject');
query('DELETE FROM purser.load');
query(<<'END');
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.id = 15000 THEN
        PERFORM pg_advisory_xact_lock_shared(1);
        PERFORM pg_sleep(600);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER wait BEFORE INSERT ON kept FOR EACH ROW EXECUTE FUNCTION wait();
END
my $nothing = q{SELECT (SELECT count(*) FROM kept), (SELECT count(*) FROM purser.reject), (SELECT count(*) FROM purser.load)};
my @psql = ('psql', '-XAtq', '-d', $node->connstr('postgres'));
for my $end ('pg_cancel_backend', 'pg_terminate_backend', 'kill')
{
    my $load = IPC::Run::start([ @psql, '-c', "SELECT purser.bulk_insert('kept', as_csv(), 'csv', rejects => true)" ],
        '>', \my $out, '2>', \my $err, IPC::Run::timeout(300));
    my $holds = "FROM pg_locks WHERE locktype = 'advisory' AND granted";
    poll_until($node, "SELECT EXISTS (SELECT $holds)") or die 'the load does not get there';
    my $pid = query("SELECT pid $holds");
    $end eq 'kill' ? kill('KILL', $pid) : query("SELECT $end($pid)");
    $load->finish;
    isnt($load->result(0), 0, "the load is ended by $end");
    poll_until($node, "SELECT NOT EXISTS (SELECT $holds)");
    is(query($nothing), '0|0|0', 'and leaves nothing');
}
is($node->psql('postgres', "SET statement_timeout = '2s'; SELECT purser.bulk_insert('kept', as_csv(), 'csv', rejects => true)"),
    3, 'a statement that takes too long is ended');
is(query($nothing), '0|0|0', 'and leaves nothing');

# Rejects go with a dump, and numbers go on behind them.
query('DROP TRIGGER wait ON kept');
query("SELECT purser.bulk_insert('kept', as_csv(), 'csv', rejects => true)");
my $count = query('SELECT count(*) FROM purser.reject');
query('CREATE DATABASE copy');
my $dump = $node->basedir . '/dump.sql';
command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'dumped');
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('copy') ], 'restored');
is($node->safe_psql('copy', 'SELECT count(*) FROM purser.reject'), $count, 'the rejects are there');
is($node->safe_psql('copy', q{SELECT load_id > (SELECT max(load_id) FROM purser.load) FROM purser.bulk_insert('kept', E'id\nx\n', 'csv', rejects => true)}),
    't', 'a new load has a new number');

$node->stop;
done_testing();
