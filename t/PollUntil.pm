# Polls a server that may be down for the moment, since a test has killed one of its processes.
#
# poll_query_until() of PostgreSQL::Test::Cluster writes the query to psql's input; where psql could
# not connect and is gone before that, the test ends with a broken pipe. Here it is an argument.
package PollUntil;

use strict;
use warnings;

use Exporter 'import';
use File::Spec;
use IPC::Run;
use Test::More;
use Time::HiRes;

our @EXPORT_OK = qw(poll_until);

# Is the answer of the query the one that is expected ('t' if none is given) within three minutes?
sub poll_until
{
	my ($node, $query, $expected) = @_;
	my @psql = ('psql', '-XAt', '-d', $node->connstr('postgres'), '-c', $query);
	my ($answer, $error);

	for (1 .. 1800)
	{
		IPC::Run::run(\@psql, '<', File::Spec->devnull, '>', \$answer, '2>', \$error);
		chomp($answer, $error);
		return 1 if $error eq '' && $answer eq ($expected // 't');
		Time::HiRes::usleep(100_000);
	}
	diag("polled in vain: $query\nlast answer: $answer\n$error");
	return 0;
}

1;
