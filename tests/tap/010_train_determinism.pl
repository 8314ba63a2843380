# R13: same data and seed give the same model bytes, whatever the number of workers and
# the physical order of the rows.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# small buffers, so that sequential scans of the table synchronize
$node->append_conf('postgresql.conf', q{
shared_buffers = 1MB
max_worker_processes = 16
max_parallel_workers = 8
max_parallel_maintenance_workers = 2
augur.verbosity = 0
});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION augur;
	CREATE TABLE t AS
	SELECT i AS id,
		CASE WHEN i % 17 = 0 THEN NULL ELSE hashint4(i) % 1000 / 10.0::float8 END AS a,
		hashint4(i + 1) % 5000 AS b,
		(hashint4(i + 2) % 300)::numeric AS c,
		'level ' || abs(hashint4(i + 3)) % 40 AS d,
		DATE '2020-01-01' + abs(hashint4(i + 4)) % 700 AS e,
		hashint4(i + 5) % 2 = 0 AS f,
		(hashint4(i) % 1000 + hashint4(i + 1) % 500 + hashint4(i + 7) % 800) > 0 AS target
	FROM generate_series(1, 60000) i;
	ANALYZE t;});

# Trains with some settings; returns digest of the stored bytes and workers that came.
sub train
{
	my ($settings, $call) = @_;
	$call //= q{augur.train('m', 't', 'target', key => 'id', promote => 'never',
		params => '{"n_trees": 200, "max_depth": 12}')};
	my $result = $node->safe_psql('postgres', qq{
		$settings
		SELECT version FROM $call \\gset
		SELECT sha256(string_agg(c.bytes, NULL ORDER BY c.seq)), r.info ->> 'workers'
		FROM augur.versions v
			JOIN augur.models m ON m.id = v.model_id AND m.name = 'm'
			JOIN augur.version_chunks c ON c.version_id = v.id
			JOIN augur.runs r ON r.id = v.run_id
		WHERE v.version = :version
		GROUP BY r.id;});
	return split(/\|/, $result);
}

my ($expected, $workers) = train('SET max_parallel_maintenance_workers = 0;');
like($expected, qr/^\\x[0-9a-f]{64}$/, 'a model was stored');
is($workers, 0, 'without workers');

foreach my $n (1, 2, 4)
{
	my ($digest, $came) = train("SET max_parallel_maintenance_workers = $n;");
	is($came, $n, "$n workers came");
	is($digest, $expected, "same bytes with $n workers");
}

my ($again) = train('SET max_parallel_workers = 0;');
is($again, $expected, 'same bytes when the server has no worker to give');

my ($other) = train('', q{augur.train('m', 't', 'target', key => 'id', promote => 'never', seed => 43,
	params => '{"n_trees": 200, "max_depth": 12}')});
isnt($other, $expected, 'another seed gives other bytes');

# A table without hints on how to read it in parallel, then with.
my ($parallel_scan) = train(q{SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
	SET min_parallel_table_scan_size = 0;});
is($parallel_scan, $expected, 'same bytes when the rows are read by a parallel scan');

# Synchronized scans: a scan that stopped half-way lets the next one start there.
my $first = $node->safe_psql('postgres', q{
	SET synchronize_seqscans = off; SELECT id FROM t LIMIT 1;});
my $moved = $node->safe_psql('postgres', q{
	SELECT count(*) FROM (SELECT id FROM t OFFSET 0 LIMIT 30000) s \g /dev/null
	SELECT id FROM t LIMIT 1;});
isnt($moved, $first, 'a synchronized scan starts elsewhere');
my ($synchronized) = train(q{SET synchronize_seqscans = on; SET max_parallel_workers_per_gather = 0;
	SELECT count(*) FROM (SELECT id FROM t OFFSET 0 LIMIT 30000) s \g /dev/null
});
is($synchronized, $expected, 'same bytes with synchronized scans');
my ($unsynchronized) = train('SET synchronize_seqscans = off;');
is($unsynchronized, $expected, 'same bytes without synchronized scans');

# Physical order.
$node->safe_psql('postgres', q{
	UPDATE t SET b = b WHERE id % 3 = 0;
	DELETE FROM t WHERE id = 7;
	INSERT INTO t SELECT 7, hashint4(7) % 1000 / 10.0::float8, hashint4(8) % 5000,
		(hashint4(9) % 300)::numeric, 'level ' || abs(hashint4(10)) % 40,
		DATE '2020-01-01' + abs(hashint4(11)) % 700, hashint4(12) % 2 = 0,
		(hashint4(7) % 1000 + hashint4(8) % 500 + hashint4(14) % 800) > 0;
	VACUUM FULL t;});
my ($vacuumed) = train('');
is($vacuumed, $expected, 'same bytes after updates and VACUUM FULL');
$node->safe_psql('postgres', q{
	CREATE INDEX t_b ON t (b, d);
	CLUSTER t USING t_b;});
my ($clustered) = train('');
is($clustered, $expected, 'same bytes after CLUSTER');

# From a query in random order.
my ($query) = train('', q{augur.train_query('m', 'SELECT * FROM t ORDER BY random()', 'target',
	key => 'id', promote => 'never', params => '{"n_trees": 200, "max_depth": 12}')});
is($query, $expected, 'same bytes from a query in random order');

# Twenty repeats in one session, with workers, on fewer rows.
my @digests = split(/\n/, $node->safe_psql('postgres', q{
	DO $$ BEGIN
		FOR i IN 1 .. 20 LOOP
			PERFORM set_config('max_parallel_maintenance_workers', (i % 3)::text, false);
			PERFORM augur.train('repeat', 't', 'target', filter => 'id <= 5000', promote => 'never',
				params => '{"n_trees": 30}');
		END LOOP;
	END $$;
	SELECT DISTINCT v.sha256 FROM augur.versions v JOIN augur.models m ON m.id = v.model_id
	WHERE m.name = 'repeat';}));
is(scalar(@digests), 1, 'twenty repeats give one model');

$node->stop;
done_testing();
