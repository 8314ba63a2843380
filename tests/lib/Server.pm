# Server.pm: what several tests ask of a server: whether it is back, and how late it answers a timeout.
#
#	up($node);								# waits until it takes connections
#	kill_process($node, $pid);				# and until it is back
#	my ($cancelled, $ms) = overshoot($node, 400, $query, @settings);
#	ok(gone($node), 'nothing runs any more');
#	at_rest($node);							# waits until no pipeline has anything to do
#
# Times are the server's own: what a client does between two statements, and how long a program of
# the test takes to begin, is not in them.
package Server;
use strict;
use warnings;
use Exporter qw(import);
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use Wire;

our @EXPORT_OK = qw(up kill_process connection overshoot late gone at_rest);
use constant { LATE => 250, PATIENCE => 180 };

# Not through its input: a psql that finds no server has gone before that could be written.
sub up
{
	my ($node) = @_;
	for (my $end = time + PATIENCE; time < $end; sleep 0.05)
	{
		return if IPC::Run::run([ 'psql', '-XqAt', '-d', $node->connstr('postgres'), '-c', 'SELECT 1' ],
			'<', '/dev/null', '>', '/dev/null', '2>', '/dev/null');
	}
	BAIL_OUT('the server does not come back');
}

# Kills one of the server's processes, and waits until the server has begun anew.  That it answers is not
# enough: it does so until it has noticed.  It has when the process is gone altogether, and then takes no
# connection before that.  Returns whether there was one to kill.
sub kill_process
{
	my ($node, $pid) = @_;
	kill 'KILL', $pid or return 0;
	my $end = time + PATIENCE;
	while (kill 0, $pid)
	{
		BAIL_OUT('the server does not notice that a process was killed') if time > $end;
		sleep 0.01;
	}
	up($node);
	return 1;
}

sub connection
{
	my ($node) = @_;
	return Wire->new($node->host, $node->port, scalar getpwuid($>), 'postgres');
}

# Runs a query with a statement_timeout in milliseconds; returns whether it was cancelled, and how much
# longer than that it took until the next statement could begin.
sub overshoot
{
	my ($node, $timeout, $query, @settings) = @_;
	my $now = 'SELECT extract(epoch FROM clock_timestamp())';
	my $wire = connection($node);
	# all at once; the end of the transaction takes the timeout back
	my @answers = $wire->script(@settings, 'BEGIN', $now, "SET LOCAL statement_timeout = $timeout", $query, 'ROLLBACK', $now);
	die $wire->{lost} if defined $wire->{lost};
	splice @answers, 0, @settings + 1;
	my ($began, $set, $answer, $undone, $ended) = @answers;
	die $answer->[1] if defined $answer->[0] && $answer->[0] ne '57014';
	return (defined $answer->[0], int(($ended->[1] - $began->[1]) * 1000 + 0.5) - $timeout);
}

# Milliseconds, as the code measures them that is given.  Who is late because others had the machine is not
# late when the same is tried again, and once more.
sub late
{
	my ($what, $measure) = @_;
	my $ms;
	foreach my $try (1 .. 3)
	{
		$ms = $measure->();
		return $ms if !defined $ms || $ms <= LATE;
		note "$what: $ms ms late";
	}
	return $ms;
}

# Whether parallel workers and progress are gone within a second, counted in naps of the server: when others
# have the machine, they have it all.
sub gone
{
	my ($node) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', <<'SQL');
DO $$
BEGIN
	FOR i IN 1 .. 100 LOOP
		PERFORM pg_stat_clear_snapshot();
		IF NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'parallel worker') AND NOT EXISTS (SELECT FROM augur.progress) THEN
			RETURN;
		END IF;
		PERFORM pg_sleep(0.01);
	END LOOP;
	RAISE EXCEPTION 'they are still there';
END
$$
SQL
	return $rc == 0;
}

# Waits until every run of a pipeline has ended, and every worker has gone: one that has ended its run looks
# for another, and would take what a test has just queued, and means to keep waiting.
sub at_rest
{
	my ($node) = @_;
	$node->poll_query_until('postgres', q{SELECT NOT EXISTS (SELECT FROM augur.pipeline_runs WHERE ended_at IS NULL)
		AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'augur pipeline')}) or die 'pipelines do not come to rest';
}

1;
