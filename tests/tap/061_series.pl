# augur._series_fit: the same bytes for any number of workers and order of rows, a cancel that takes
# effect at once in leader and workers, a worker's death as a clean error, progress.
use strict;
use warnings;
use FindBin;
use IPC::Run;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Server qw(gone late overshoot);
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'augur'
max_parallel_workers = 8
augur.verbosity = 0
timezone = 'Europe/Berlin'
});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION augur;
	CREATE TABLE points AS
	SELECT s, timestamptz '2024-03-25' + i * interval '1 hour' AS t,
		CASE WHEN (s + i) % 13 > 0 THEN (s * 37 + i * i) % 101 + s / 7.0 END AS y,
		CASE WHEN (s * i) % 5 > 0 THEN i % 3 END AS x
	FROM generate_series(1, 120) s, generate_series(0, 199) i
	WHERE (s * 7 + i) % 11 > 0;
	INSERT INTO points SELECT s, t, y + 1, x + 1 FROM points WHERE s % 3 = 0 AND extract(hour FROM t) = 5;
	CREATE TABLE shuffled AS SELECT * FROM points ORDER BY md5(s::text || t::text || y::text);
	ANALYZE;});

# ---- the same bytes, and forecasts from them
for my $with ([ 'without regressors', "'SELECT s, t, y::float8 FROM %s', '{s}', 30, '{}', '{\"levels\": [0.5, 0.9], \"folds\": 2, \"method\": \"ets\", \"ets_season\": \"none\"}'" ],
	[ 'with regressors', "'SELECT s, t, y::float8, ARRAY[x::float8] FROM %s WHERE s < 25', '{s}', 5, '{x}', '{\"folds\": 1, \"season\": 1}'" ])
{
	my ($what, $arguments) = @$with;
	my %seen;
	for my $table ('points', 'shuffled')
	{
		for my $workers (0, 1, 2)
		{
			# a forced worker does not wait for the leader to find out what a series takes
			my $force = $workers > 0 && $table eq 'points' ? $node->safe_psql('postgres',
				"SELECT 'SET ' || name || ' = on;' FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')") : '';
			my $call = sprintf($arguments, $table);
			$seen{ $node->safe_psql('postgres', "SET max_parallel_maintenance_workers = $workers; $force"
				  . "SELECT count(*), md5(string_agg(u::text, '' ORDER BY u.ordinality)) FROM augur._series_fit($call) WITH ORDINALITY u") }++;
		}
	}
	is(scalar keys %seen, 1, "$what: the same bytes for any number of workers and order of rows")
	  or diag(join(', ', %seen));
	like((keys %seen)[0], qr/^(120|24)\|/, "$what: of all series");
}

# ---- small batches are many of them
my $all = q{SELECT count(*), md5(string_agg(state::text, '' ORDER BY series)) FROM augur._series_fit(
	'SELECT i %% 4000, date ''2024-01-01'' + i / 4000, i %% 97 + 0.5::float8 FROM generate_series(0, 1199999) i', '{s}', 3, '{}',
	'{"method": "naive", "folds": 0}')};
$all =~ s/%%/%/g;
my $whole = $node->safe_psql('postgres', "SET augur.training_memory = '1GB'; $all");
is($node->safe_psql('postgres', "SET augur.training_memory = '16MB'; $all"), $whole, 'batches do not matter');
like($whole, qr/^4000\|/, 'all of them');
my ($rc, $out, $err) = $node->psql('postgres', q{SET augur.training_memory = '8MB';
	SELECT * FROM augur._series_fit('SELECT date ''2000-01-01'' + i, 1::float8 FROM generate_series(1, 1000000) i', '{}', 3, '{}', '{}')});
like($err, qr/rows of one series need more than 8192 kB of memory/, 'one series that is too large is told');

# ---- cancel: what no machine ends in the time that it gets
my $slow = q{SELECT count(*) FROM augur._series_fit(
	'SELECT s, timestamp ''2020-01-01'' + i * interval ''1 hour'', sin(s * i * i) + i %% 24 + 0.0
	 FROM generate_series(1, 60) s, generate_series(1, 5000) i', '{s}', 24, '{}', '{"method": "ets", "folds": 20}')};
$slow =~ s/%%/%/g;
sub check_gone
{
	my ($what) = @_;
	ok(gone($node), "$what: workers and progress are gone");
}
my @overshoot;
for my $workers (0, 1, 2)
{
	for my $timeout (30, 300, 700, 1300)
	{
		push @overshoot, late("$workers workers, $timeout ms", sub {
			my ($cancelled, $ms) = overshoot($node, $timeout, $slow, "SET max_parallel_maintenance_workers = $workers");
			ok($cancelled, "$workers workers, $timeout ms: it was cancelled");
			return $ms;
		});
	}
}
note("overshoot in ms: @overshoot");
cmp_ok((sort { $b <=> $a } @overshoot)[0], '<=', 250, 'a timeout is answered within 250 ms');
check_gone('timeouts');

# ---- progress, and a worker that is told to go
my ($session_out, $session_err) = ('', '');
my $session = IPC::Run::start(
	[ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'SET max_parallel_maintenance_workers = 2', '-c', $slow ],
	'<', '/dev/null', '>', \$session_out, '2>', \$session_err);
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'parallel worker'}),
	'workers came');
like($node->safe_psql('postgres', 'SELECT algorithm, phase, total FROM augur.progress'), qr/^ets\|training\|60$/,
	'progress tells method, phase and number of series');
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'parallel worker' LIMIT 1});
IPC::Run::finish($session);
is($session_out, '', 'a terminated worker ends the statement');
like($session_err, qr/terminating (connection|background worker "parallel worker") due to administrator command|lost connection to parallel worker/, 'with a clean error');
check_gone('a terminated worker');
unlike(slurp_file($node->logfile), qr/PANIC|server process .* was terminated/, 'nothing crashed');

$node->stop;
done_testing();
