# R7: a training answers cancel and statement_timeout within 250 ms, in every phase, and its
# workers are gone within a second.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Server qw(connection gone late overshoot);
use Test::More;
use Time::HiRes qw(sleep time);

my $rows = $ENV{AUGUR_CANCEL_ROWS} || 300_000;
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'augur'
shared_buffers = 256MB
max_parallel_workers = 8
max_parallel_maintenance_workers = 1
augur.training_memory = '2GB'
augur.verbosity = 0
});
$node->start;
my $columns = join(', ', map { "hashint4(i * 31 + $_)::float8 / 1e6 AS x$_" } 1 .. 27);
$node->safe_psql('postgres', qq{
	CREATE EXTENSION augur;
	CREATE TABLE big AS SELECT $columns, 'level ' || abs(hashint4(i)) % 300 AS x28,
		hashint4(i * 31 + 1)::int8 + hashint4(i * 31 + 2) + hashint4(i + 5) / 2 > 0 AS target
	FROM generate_series(1, $rows) i;
	ANALYZE big;});

# A training that ends by itself (it is seen while evaluating), and one that no machine ends in the time that
# the test gives it.
my $train = q{SELECT 1 FROM augur.train('m', 'big', 'target', params => '{"n_trees": %d, "max_depth": 12}')};
my ($short, $long) = map { sprintf $train, $_ } 100, 5000;

sub check_gone
{
	my ($name) = @_;
	ok(gone($node), "$name: workers and progress are gone");
}

# statement_timeout at random moments.
my @overshoot;
srand(7);
foreach my $try (1 .. 20)
{
	my $timeout = 20 + int(rand(4000));
	push @overshoot, late("timeout of $timeout ms", sub {
		my ($cancelled, $ms) = overshoot($node, $timeout, $long);
		ok($cancelled, "timeout of $timeout ms");
		return $ms;
	});
}
my $max = (sort { $b <=> $a } @overshoot)[0];
note("overshoot in ms: @overshoot");
cmp_ok($max, '<=', 250, 'statement_timeout is answered within 250 ms');
check_gone('timeouts');

# The process that trains, once it is in a phase, asked for by the server itself: a phase may be over before a
# program of the test has begun.  NULL when it is over already.
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION in_phase(wanted text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	phases		text[] := '{loading,binning,training,evaluating,storing}';
	p			record;
BEGIN
	FOR i IN 1 .. 180000 LOOP
		PERFORM pg_stat_clear_snapshot();
		SELECT * INTO p FROM augur.progress;
		IF p.phase = wanted THEN
			RETURN p.pid;
		ELSIF array_position(phases, p.phase) > array_position(phases, wanted) THEN
			RETURN NULL;
		END IF;
		PERFORM pg_sleep(0.001);
	END LOOP;
	RAISE EXCEPTION 'no training was seen while %', wanted;
END
$$;
CREATE FUNCTION cancel_in(wanted text, share float8, OUT pid integer, OUT asked float8) LANGUAGE plpgsql AS $$
BEGIN
	pid := in_phase(wanted);
	IF pid IS NULL THEN
		-- too late: this one is given up
		PERFORM pg_cancel_backend(p.pid) FROM augur.progress p;
	ELSE
		PERFORM pg_sleep(share);
		asked := extract(epoch FROM clock_timestamp());
		PERFORM pg_cancel_backend(pid);
	END IF;
END
$$;
SQL

# A cancel in a phase: waits until the progress shows it, and for a share of it.  A training that ended before the
# cancel came, or whose phase was over, is repeated.  Returns milliseconds until the session could go on.
sub cancel_in
{
	my ($phase, $after) = @_;
	my ($train, $clock, $pid, $asked);
	foreach my $try (1 .. 10)
	{
		my $session = connection($node);
		$session->send($phase eq 'evaluating' ? $short : $long, 'SELECT extract(epoch FROM clock_timestamp())');
		($pid, $asked) = split /\|/, $node->safe_psql('postgres', "SELECT * FROM cancel_in('$phase', " . $after / $try . ')');
		($train, $clock) = $session->answers(2);
		last if $pid && defined $train->[0];
	}
	is($train->[0], '57014', "cancelled while $phase");
	ok($pid, "which was seen while $phase");
	return int(($clock->[1] - $asked) * 1000 + 0.5);
}

my @answers;
foreach my $phase (qw(loading loading binning training training training evaluating))
{
	my $after = $phase eq 'training' ? rand(1.5) : rand(0.05);
	my $answer = late("cancel while $phase", sub { cancel_in($phase, $after) });
	push @answers, sprintf('%s %d', $phase, $answer);
	cmp_ok($answer, '<=', 250, "cancel while $phase is answered within 250 ms");
	check_gone("cancel while $phase");
}
note("answers in ms: @answers");

# A cancel that is caught leaves a session that can train.
my ($rc, $out, $err) = $node->psql('postgres', q{
	SET statement_timeout = 0;
	DO $$ BEGIN
		SET LOCAL augur.training_memory = '1kB';
		PERFORM augur.train('m', 'big', 'target');
	EXCEPTION WHEN configuration_limit_exceeded THEN
		RAISE NOTICE 'caught %', SQLSTATE;
	END $$;
	SELECT rows_used FROM augur.train('m', 'big', 'target', filter => 'x1 > 2000',
		params => '{"n_trees": 10, "max_depth": 4}');});
like($err, qr/caught 53400/, 'a failed training can be caught');
cmp_ok($out, '>', 0, 'and the session trains afterwards');
is($node->safe_psql('postgres', q{SELECT count(*) FROM augur.runs WHERE status = 'running'}), 0,
	'no run is left behind');

# A cancel that is caught while workers run: they are gone, and the same transaction
# trains again, with workers.
($rc, $out, $err) = $node->psql('postgres', q{
	SET statement_timeout = '4s';
	DO $$ BEGIN
		BEGIN
			PERFORM augur.train('long', 'big', 'target', params => '{"n_trees": 5000, "max_depth": 12}');
		EXCEPTION WHEN query_canceled THEN
			RAISE NOTICE 'workers left: %',
				(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker');
		END;
		PERFORM augur.train('again', 'big', 'target', filter => 'x1 > 0',
			params => '{"n_trees": 100, "max_depth": 12}');
		RAISE NOTICE 'workers: %', (SELECT info ->> 'workers' FROM augur.runs ORDER BY id DESC LIMIT 1);
	END $$;
	SELECT name FROM augur.models WHERE name IN ('long', 'again');});
like($err, qr/workers left: 0/, 'a caught cancel has ended the workers');
like($err, qr/workers: 1/, 'and the same transaction trains with workers again');
is($out, 'again', 'only the second training is there');
unlike(slurp_file($node->logfile), qr/WARNING:.*(leak|not closed)/, 'nothing leaked');

# The end of the session in the middle of a training frees its slot.
{
	my $session = connection($node);
	$session->send($long);
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(in_phase('training'))});
	$session->answers(1);
	like($session->{lost}, qr/57P01/, 'terminated while training');
	check_gone('terminated');
}

$node->stop;
done_testing();
