# scripts/setup takes a server only with its headers: Debian's client package alone has PGXS and
# pg_config, so a machine with server and client but without the development files looks complete.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'not in a checkout' unless -x 'scripts/setup';

my $dir = PostgreSQL::Test::Utils::tempdir();
my $real = $ENV{PG_CONFIG} || 'pg_config';
chomp(my $includes = `$real --includedir-server`);

sub write_program
{
	my ($name, $text) = @_;
	append_to_file("$dir/$name", "#!/bin/sh\n$text\n");
	chmod 0755, "$dir/$name";
	return "$dir/$name";
}

sub setup_with
{
	my ($pg_config) = @_;
	local $ENV{PG_CONFIG} = $pg_config;
	local $ENV{PATH} = "$dir:$ENV{PATH}";
	IPC::Run::run([ 'scripts/setup' ], '>', \my $out, '2>', \my $err);
	return ($out, $err);
}

write_program('sudo', 'exit 1');    # nothing may be installed by a test
mkdir "$dir/empty";
my $whole = write_program('whole_pg_config', qq{exec "$real" "\$@"});
my $bare = write_program('bare_pg_config',
	qq{[ "\$1" = --includedir-server ] && { echo "$dir/empty"; exit; }\nexec "$real" "\$@"});

is((setup_with($whole))[0], "$whole\n", 'a server with its headers is taken');
my ($out, $err) = setup_with($bare);
is($out, '', 'one without headers is not');
like($err, qr/missing.*postgresql-server-dev-\d+/s, 'and what is missing is named');

delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};
my $result = `make -n PG_CONFIG=$bare 2>&1`;
like($result, qr/does not lead to a PostgreSQL server with its development files/,
	'make says so too');

done_testing();
