# A server that is killed at any moment of a retraining leaves neither half a decision nor a candidate without one.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "augur.verbosity = 0\nrestart_after_crash = on");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION augur;
CREATE TABLE rows AS SELECT i AS id, (i * 7919 % 1009) / 1009.0 AS a, (i * 104729 % 997) / 997.0 AS b,
	(i * 7919 % 1009) / 1009.0 + 0.5 * (i * 31 % 1013) / 1013.0 > 0.7 AS y FROM generate_series(1, 4000) i;
SELECT augur.train('m', 'rows', 'y', features => '{a,b}', key => 'id', params => '{"n_trees": 40}', promote => 'always');
SELECT augur.expect('s', 'not_null', 'a');
SELECT augur.set_retrain_policy('m', suite => 's', stop_after => 1000000);
SQL

my $script = PostgreSQL::Test::Utils::tempdir() . '/looks.sql';
append_to_file($script, "SELECT augur.check_retrain('m', by_hand => true);\n" x 1000);

srand(7);
my $rounds = 20;
my $looked = 0;
my $cut = 0;
foreach my $round (1 .. $rounds)
{
	my $looks = 'SELECT count(*) FROM augur.retrain_decisions';
	my $before = $node->safe_psql('postgres', $looks);
	my $psql = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres') . " application_name='looks'", '-f', $script ],
		'<', '/dev/null', '>', '/dev/null', '2>', "$script.err");
	my $of_looks = "FROM pg_stat_activity WHERE application_name = 'looks' AND query ~ 'check_retrain'";
	$node->poll_query_until('postgres', "SELECT count(*) > 0 $of_looks") or die "no look began: " . slurp_file("$script.err");
	my $pid = $node->safe_psql('postgres', "SELECT pid $of_looks");
	# at any moment; in every other round one look, at least, has ended before
	$node->poll_query_until('postgres', "SELECT ($looks) > $before") or die "no look ended: " . slurp_file("$script.err") if $round % 2 == 0;
	usleep(int(rand(600_000)));
	# both: without a postmaster a backend finishes its statement before it ends
	kill 'KILL', $pid;
	$node->kill9;
	$cut += !IPC::Run::finish($psql);
	# backends of the killed server need a moment to notice
	my $started = 0;
	for (1 .. 100)
	{
		last if $started = $node->start(fail_ok => 1);
		$node->{_pid} = undef; # that of the killed one
		usleep(100_000);
	}
	BAIL_OUT('the server does not start again') unless $started;
	$looked += $node->safe_psql('postgres', $looks) > $before;

	is($node->safe_psql('postgres', <<'SQL'), 't|t|t|t|0', "round $round: decisions, candidates, runs and events agree");
SELECT bool_and(d.version IS NOT NULL AND EXISTS (SELECT FROM augur.versions v WHERE v.model_id = d.model_id AND v.version = d.version))
		IS NOT FALSE,
	(SELECT count(*) - 1 FROM augur.versions) = count(*), (SELECT count(*) - 1 FROM augur.runs WHERE status = 'finished') = count(*),
	(SELECT count(*) FROM augur.events WHERE kind ~ '^retrain_(promoted|rejected|kept)$') = count(*),
	(SELECT count(*) FROM augur.runs WHERE status = 'running')
FROM augur.retrain_decisions d;
SQL
}
cmp_ok($looked, '>=', $rounds / 2, 'looks were finished before the kill');
is($cut, $rounds, 'and more were to come');
like($node->safe_psql('postgres', q{SELECT fired, outcome FROM augur.check_retrain('m', by_hand => true)}), qr/^t\|/,
	'and retraining goes on');
$node->stop;
done_testing();
