# Real Alembic and real Django migrate a database; the ledger adopts it and goes on from there.
use strict;
use warnings;

use File::Path qw(make_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $python = '/usr/bin/python3';
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;

my $dir = PostgreSQL::Test::Utils::tempdir();
$ENV{PYTHONDONTWRITEBYTECODE} = 1;
# Where the tools find the server
@ENV{qw(PGHOST PGPORT)} = ($node->host, $node->port);

sub has_modules
{
	my (@modules) = @_;
	return -x $python && system("$python -c 'import " . join(', ', @modules) . "' 2>/dev/null") == 0;
}

sub put
{
	my ($name, $content) = @_;
	make_path("$dir/$1") if $name =~ m{^(.*)/};
	open(my $file, '>', "$dir/$name") or die "$name: $!";
	print $file $content;
	close $file;
	return;
}

# Standard output of a tool; it must do well.
sub tool
{
	my (@command) = @_;
	my ($out, $err) = run_command([ $python, @command ]);
	is($?, 0, join ' ', grep { !m{[/;]|^-c$} } @command) or diag("$out\n$err");
	return $out;
}

sub database
{
	my ($name) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, 'CREATE EXTENSION pg_purser');
	return $name;
}

sub purser
{
	my ($database, $call) = @_;
	return $node->safe_psql($database, "SELECT $call");
}

# Tables, columns and indexes of the application.
sub schema
{
	my ($database) = @_;
	return $node->safe_psql($database, q{
		SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
		WHERE table_schema = 'public' AND table_name <> 'alembic_version'
		UNION ALL SELECT tablename, indexname, indexdef, '' FROM pg_indexes
		WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1, 2});
}

SKIP:
{
	skip 'python3-alembic or python3-psycopg2 is missing', 1 unless has_modules('alembic', 'psycopg2');

	my %follows = (a1 => undef, b2 => 'a1', c3 => 'b2', d3 => 'b2', e4 => [ 'c3', 'd3' ]);
	my %up = (
		a1 => q{op.create_table('users', sa.Column('id', sa.Integer, primary_key=True), sa.Column('mail', sa.Text))},
		b2 => q{op.add_column('users', sa.Column('born', sa.Date))},
		c3 => q{op.create_index('users_mail', 'users', ['mail'], unique=True)},
		d3 => q{op.create_table('tags', sa.Column('name', sa.String(40), nullable=False))},
		e4 => 'pass');
	my %down = (a1 => q{op.drop_table('users')}, b2 => q{op.drop_column('users', 'born')},
		c3 => q{op.drop_index('users_mail')}, d3 => q{op.drop_table('tags')}, e4 => 'pass');

	put('alembic/env.py', <<'PY');
import os
from alembic import context
from sqlalchemy import create_engine
if context.is_offline_mode():
    context.configure(dialect_name='postgresql')
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine('postgresql+psycopg2://', connect_args={'dbname': os.environ['DATABASE']}).connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
PY
	put('alembic.ini', "[alembic]\nscript_location = $dir/alembic\n");
	for my $id (sort keys %up)
	{
		my $parents = ref $follows{$id} ? "('" . join("', '", @{ $follows{$id} }) . "')" : defined $follows{$id} ? "'$follows{$id}'" : 'None';
		put("alembic/versions/$id.py", qq{"""revision $id"""\nfrom alembic import op\nimport sqlalchemy as sa\n}
			. "revision = '$id'\ndown_revision = $parents\nbranch_labels = None\ndepends_on = None\n"
			. "def upgrade():\n    $up{$id}\ndef downgrade():\n    $down{$id}\n");
	}
	my @alembic = ('-c', 'from alembic.config import main; main()', '-c', "$dir/alembic.ini");
	my $current = sub {
		return join "\n", sort map { /^(\w+)/ ? $1 : () } split /\n/, tool(@alembic, 'current');
	};

	# What one of its revisions runs, without its own bookkeeping.
	my $script = sub {
		my ($verb, $range) = @_;
		my $sql = tool(@alembic, $verb, $range, '--sql');
		$sql =~ s/^(BEGIN|COMMIT);$//mg;
		$sql =~ s/^(CREATE TABLE|DROP TABLE|INSERT INTO|UPDATE|DELETE FROM) alembic_version\b.*?;\n//msg;
		return $sql;
	};
	my $load = sub {
		my ($database, $id) = @_;
		my @parents = ref $follows{$id} ? @{ $follows{$id} } : $follows{$id} // ();
		my $from = @parents > 1 ? 'merge' : $parents[0] // 'base';
		my ($upgrade, $downgrade) = $from eq 'merge' ? ('', '') :
			($script->('upgrade', "$from:$id"), $script->('downgrade', "$id:$from"));
		$node->safe_psql($database, "SELECT purser.add_revision('$id', \$s\$$upgrade\$s\$, \$s\$$downgrade\$s\$, "
			. "'$id', '{" . join(',', @parents) . "}')");
		return;
	};

	# Nothing was loaded: a placeholder for each head, which moves as Alembic moves.
	$ENV{DATABASE} = database('alembic_only');
	tool(@alembic, 'upgrade', 'b2');
	is(purser('alembic_only', 'action, revision FROM purser.adopt()'), 'add|b2', 'Alembic: one head');
	tool(@alembic, 'upgrade', 'c3');
	is(purser('alembic_only', 'action, revision FROM purser.adopt()'), 'add|c3', 'Alembic: the head moved');
	is(purser('alembic_only', 'revision FROM purser.current()'), $current->(), 'Alembic: the same head');
	tool(@alembic, 'downgrade', 'b2');
	is(purser('alembic_only', 'action, revision FROM purser.adopt()'), 'unstamp|c3', 'Alembic: and moved back');
	is(purser('alembic_only', 'revision FROM purser.current()'), $current->(), 'Alembic: the same again');
	purser('alembic_only', q{purser.add_revision('notes', 'CREATE TABLE notes ()', 'DROP TABLE notes', 'notes')});
	is(purser('alembic_only', 'revision FROM purser.upgrade()'), 'notes', 'Alembic: our own comes after it');

	# The scripts were loaded first: heads imply what they need, and the rest is run here.
	$ENV{DATABASE} = database('alembic_all');
	tool(@alembic, 'upgrade', 'head');
	$ENV{DATABASE} = database('alembic_loaded');
	$load->('alembic_loaded', $_) for sort keys %up;
	tool(@alembic, 'upgrade', 'c3');
	tool(@alembic, 'upgrade', 'd3');
	is(purser('alembic_loaded', 'action, revision FROM purser.adopt()'), "stamp|a1\nstamp|b2\nstamp|c3\nstamp|d3",
		'Alembic: two heads and all they need');
	is(purser('alembic_loaded', 'revision FROM purser.current() ORDER BY 1'), $current->(), 'Alembic: the same heads');
	is(purser('alembic_loaded', 'revision FROM purser.upgrade()'), 'e4', 'Alembic: upgrade goes on');
	is(schema('alembic_loaded'), schema('alembic_all'), 'Alembic: to the same schema');
	is(purser('alembic_loaded', q{count(*) FROM purser.downgrade('base')}), '5', 'Alembic: and all the way back');
	is(schema('alembic_loaded'), '', 'Alembic: to nothing');
	my ($ret, $out, $err) = $node->psql('alembic_loaded', "\\set VERBOSITY verbose\nSELECT purser.adopt()");
	like($err, qr/ERROR:  55000: revision "\w+" was undone by the ledger/, 'Alembic: what was undone here stays undone');
	is(purser('alembic_loaded', 'count(*) FROM purser.upgrade()'), '5', 'Alembic: and up again');
	is(schema('alembic_loaded'), schema('alembic_all'), 'Alembic: to the same schema again');
}

SKIP:
{
	skip 'python3-django or python3-psycopg2 is missing', 1 unless has_modules('django', 'psycopg2');

	put('site/manage.py', <<'PY');
import os, sys
from django.conf import settings
from django.core.management import execute_from_command_line
settings.configure(
    INSTALLED_APPS=['django.contrib.contenttypes', 'django.contrib.auth', 'shop'],
    DATABASES={'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': os.environ['DATABASE']}},
    USE_TZ=True, DEFAULT_AUTO_FIELD='django.db.models.BigAutoField')
execute_from_command_line(sys.argv)
PY
	put('site/shop/__init__.py', '');
	put('site/shop/migrations/__init__.py', '');
	my $django = sub {
		my ($name, $needs, $operation) = @_;
		put("site/shop/migrations/$name.py", "from django.db import migrations, models\nclass Migration(migrations.Migration):\n"
			. "    dependencies = [$needs]\n    operations = [$operation]\n");
	};
	$django->('0001_initial', q{('auth', '0001_initial')},
		q{migrations.CreateModel('Order', [('id', models.BigAutoField(primary_key=True)), ('note', models.TextField())])});
	$django->('0002_gift', q{('shop', '0001_initial')}, q{migrations.AddField('Order', 'gift', models.BooleanField(default=False))});

	my $manage = "$dir/site/manage.py";
	my $rows = q{app || '.' || name FROM django_migrations};
	$ENV{DATABASE} = database('django');
	tool($manage, 'migrate', '-v', '0');
	my $applied = purser('django', "$rows ORDER BY 1");
	is(purser('django', q{revision FROM purser.adopt() WHERE action = 'add' ORDER BY 1}), $applied,
		'Django: each row is a revision');
	is(purser('django', 'revision FROM purser.applied ORDER BY 1'), $applied, 'Django: and applied');
	is(purser('django', 'revision FROM purser.current() ORDER BY 1'),
		purser('django', q{max(app || '.' || name) FROM django_migrations GROUP BY app ORDER BY 1}),
		'Django: the last of each app is current');
	is(purser('django', q{revision FROM purser.revision WHERE labels = '{shop}'}), 'shop.0001_initial', 'Django: an app is a label');

	# It goes on, and back; then the next one is run here.
	$django->('0003_total', q{('shop', '0002_gift')}, q{migrations.AddField('Order', 'total', models.IntegerField(null=True))});
	tool($manage, 'migrate', '-v', '0');
	is(purser('django', 'action, revision FROM purser.adopt()'), 'add|shop.0003_total', 'Django: one more');
	tool($manage, 'migrate', '-v', '0', 'shop', '0002');
	is(purser('django', 'action, revision FROM purser.adopt()'), 'unstamp|shop.0003_total', 'Django: one less');

	my $sql = tool($manage, 'sqlmigrate', 'shop', '0003');
	$sql =~ s/^(BEGIN|COMMIT);$//mg;
	purser('django', "purser.add_revision('total', \$s\$$sql\$s\$, 'ALTER TABLE shop_order DROP total', "
		. q{'shop.0003_total', '{shop.0002_gift}')});
	is(purser('django', 'revision FROM purser.upgrade()'), 'shop.0003_total', 'Django: upgrade goes on');
	is(purser('django', q{count(*) FROM information_schema.columns WHERE table_name = 'shop_order' AND column_name = 'total'}), '1',
		'Django: and its column is there');
	is(purser('django', 'count(*) FROM purser.adopt()'), '0', 'Django: what was applied here stays');
}

# A tool that is in the middle of a migration is waited for.
{
	database('race');
	$node->safe_psql('race', q{CREATE TABLE alembic_version (version_num varchar(32) NOT NULL);
		INSERT INTO alembic_version VALUES ('a1')});
	my $migrating = $node->background_psql('race');
	$migrating->query_safe(q{BEGIN; UPDATE alembic_version SET version_num = 'b2'});
	my ($ret, $out, $err) = $node->psql('race', "SET lock_timeout = '100ms';\n\\set VERBOSITY verbose\nSELECT purser.adopt()");
	like($err, qr/ERROR:  55P03: /, 'lock_timeout limits the wait');
	# but not by whom may not read it: he cannot queue up before the tool's next statement
	$node->safe_psql('race', q{CREATE ROLE stranger;
		GRANT USAGE ON SCHEMA purser TO stranger; GRANT EXECUTE ON FUNCTION purser.adopt TO stranger});
	($ret, $out, $err) = $node->psql('race', "SET ROLE stranger; SET lock_timeout = '10s';\n\\set VERBOSITY verbose\nSELECT purser.adopt()");
	like($err, qr/ERROR:  42501: /, 'who may not read it does not lock it');
	my $adopting = $node->background_psql('race');
	$adopting->query_until(qr/waits/, "\\echo waits\nSELECT revision FROM purser.adopt();\n");
	$node->poll_query_until('race', q{SELECT count(*) > 0 FROM pg_locks WHERE mode = 'ShareLock' AND NOT granted});
	$migrating->query_safe('COMMIT');
	$migrating->quit;
	$adopting->quit;
	is(purser('race', 'revision FROM purser.applied'), 'b2', 'what the tool committed meanwhile is adopted');
}

$node->stop;
done_testing();
