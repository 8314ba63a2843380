# Forecasting aggregates: the same bytes for any number of workers and order of rows, a cancel
# that takes effect at once, memory in proportion to the rows.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Server qw(late overshoot);
use Test::More;
use Time::HiRes qw(time);

# 1000000 shows the full size; it takes minutes
my $series = $ENV{AUGUR_SERIES} || 20000;
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "augur.verbosity = 0\ntimezone = 'Europe/Berlin'\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION augur;
	CREATE TABLE points AS
	SELECT s, timestamptz '2024-03-25' + i * interval '1 hour' AS t,
		CASE WHEN (s + i) % 13 > 0 THEN (s * 37 + i * i) % 101 + s / 7.0 END AS y
	FROM generate_series(1, 500) s, generate_series(0, 199) i
	WHERE (s * 7 + i) % 11 > 0;
	INSERT INTO points SELECT s, t, y + 1 FROM points WHERE s % 3 = 0 AND extract(hour FROM t) = 5;
	CREATE TABLE shuffled AS SELECT * FROM points ORDER BY md5(s::text || t::text || y::text);
	ALTER TABLE points SET (parallel_workers = 4);
	ALTER TABLE shuffled SET (parallel_workers = 4);
	ANALYZE;});

my $settings = q{
	SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
	SET enable_parallel_append = off; };
my $forecast = q{augur.forecast_full_agg(t, y, 30,
	'{"method": "seasonal_naive", "levels": [0.5, 0.9], "duplicates": "mean"}')};
my %seen;
for my $table ('points', 'shuffled')
{
	for my $workers (0, 1, 2, 4)
	{
		my $plan = $node->safe_psql('postgres', $settings
			  . "SET max_parallel_workers_per_gather = $workers;"
			  . "EXPLAIN SELECT s, $forecast FROM $table GROUP BY s");
		is($plan =~ /Partial/ ? 1 : 0, $workers > 0 ? 1 : 0,
			"$table, $workers workers: partial aggregation when there are workers");
		$seen{ $node->safe_psql('postgres', $settings
			  . "SET max_parallel_workers_per_gather = $workers;"
			  . "SELECT count(*), md5(string_agg(f::text, '' ORDER BY s)) "
			  . "FROM (SELECT s, $forecast AS f FROM $table GROUP BY s) x") }++;
	}
}
is(scalar keys %seen, 1, 'the same bytes for any number of workers and order of rows')
  or diag(join(', ', %seen));
like((keys %seen)[0], qr/^500\|/, 'of all series');

# A statement that runs out of time ends within 250 ms of it.
sub ends_in_time
{
	my ($what, $query, $may_end) = @_;
	my $cancelled;
	my $ms = late($what, sub { ($cancelled, my $ms) = overshoot($node, 400, $query); return $ms });
	ok($cancelled, "$what: it was cancelled") unless $may_end;
	cmp_ok($ms, '<=', 250, "$what: within 250 ms");
	return;
}
ends_in_time('many series', q{SELECT count(f) FROM (SELECT augur.forecast_agg(date '2024-01-01' + i, i % 7, 12) AS f
	FROM generate_series(1, 200000) s, generate_series(0, 49) i GROUP BY s) x});
$node->safe_psql('postgres', q{
	CREATE TABLE long AS SELECT timestamp '2000-01-01' + (i * 7919::bigint % 3000017)::int * interval '1 minute' AS t, i % 97 AS y
	FROM generate_series(1, 3000000) i});
ends_in_time('one long series', q{SELECT augur.forecast_agg(t, y, 12) IS NULL FROM long});
for my $method (split /\n/,
	$node->safe_psql('postgres', 'SELECT method FROM augur.forecast_methods ORDER BY method'))
{
	ends_in_time("$method, which may be done", qq{
		SELECT augur.forecast_agg(t, y, 12, '{"method": "$method", "season": [24, 168]}') IS NULL
		FROM (SELECT timestamp '2000-01-01' + i * interval '1 hour' AS t, sin(i * i) + i % 24 AS y
			FROM generate_series(1, 20000) i) s}, 1);
}

# Memory: 16 bytes a row, twice while a state doubles, and what the hash table holds.
SKIP:
{
	skip 'needs /proc/self/status', 2 unless -r '/proc/self/status';
	$node->safe_psql('postgres', q{
		CREATE FUNCTION peak() RETURNS bigint LANGUAGE sql VOLATILE AS $$
		SELECT substring(pg_read_file('/proc/self/status', 0, 100000) FROM 'VmHWM:\s+(\d+) kB')::bigint
			- substring(pg_read_file('/proc/self/status', 0, 100000) FROM 'RssShmem:\s+(\d+) kB')::bigint $$;});
	my $began = time;
	my $out = $node->safe_psql('postgres', qq{
		SET max_parallel_workers_per_gather = 0;
		SET work_mem = '64MB';
		SELECT peak() AS before \\gset
		SELECT count(*), count(f) FROM (
			SELECT s, augur.forecast_agg(timestamp '2024-01-01' + i * interval '1 hour', (s * i) % 97, 12,
				'{"method": "seasonal_naive"}') AS f
			FROM generate_series(0, 99) i, generate_series(1, $series) s GROUP BY s) x;
		SELECT peak() - :before;});
	my ($counts, $peak) = split /\n/, $out;
	note(sprintf('%d series of 100 points: %.1f s, %d kB at the peak', $series, time - $began, $peak));
	is($counts, "$series|$series", "$series series of 100 points in one statement");
	# what the hash table may hold, doubled while states grow, and the rows of generate_series
	cmp_ok($peak, '<', 400 * 1024, 'within what work_mem allows');
}
$node->stop;
done_testing();
