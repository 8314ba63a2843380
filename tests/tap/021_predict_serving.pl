# Serving: one version per statement while aliases move (R14), sessions that see a move at once,
# memory of a long session (R9), the size of the cache, and damaged chunks.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{AUGUR_TEST_LONG} ? 60 : 6;
my $node = PostgreSQL::Test::Cluster->new('predict_serving');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
augur.verbosity = 0
fsync = off
max_worker_processes = 16
max_parallel_workers = 8
CONF
$node->start;

# Version n of model "steps" predicts 10 * n for every row.
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION augur;
CREATE TABLE rows AS
SELECT i, (i % 9)::float8 AS a, (i % 4)::float8 AS b, repeat('x', 100) AS filler
FROM generate_series(1, 2000) i;
ANALYZE rows;
DO $$
BEGIN
	FOR n IN 1 .. 4 LOOP
		PERFORM augur.train_query('steps', format('SELECT a, b, %s::float8 AS y FROM rows', 10 * n), 'y',
			algorithm => 'baseline', promote => CASE n WHEN 1 THEN 'always' ELSE 'never' END);
	END LOOP;
END
$$;
SELECT augur.train_query('busy', 'SELECT i, a, b, a * b + i % 3 AS y FROM rows', 'y',
	promote => 'always', params => '{"n_trees": 20}');
SQL

# --- promotions while clients score ---------------------------------------------------------
# Every statement compares what it scored, at two call sites and in parallel workers, with what
# its own snapshot says about the alias; a difference is a division by zero.
my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/score.sql", <<'SQL');
WITH truth AS (
	SELECT 10.0 * v.version AS y FROM augur.aliases a JOIN augur.versions v ON v.id = a.version_id
	WHERE a.alias = 'production' AND v.model_id = (SELECT id FROM augur.models WHERE name = 'steps'))
SELECT 1 / (count(*) = 0)::int FROM (
	SELECT augur.predict('steps', r) AS p, augur.predict('steps@production', r) AS q FROM rows r LIMIT 100) s, truth
WHERE p <> y OR q <> y;
SQL
append_to_file("$dir/parallel.sql", <<'SQL');
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SELECT 1 / (min(augur.predict('steps', r)) = max(augur.predict('steps', r))
			AND min(augur.predict('steps', r)) = 10.0 * (
				SELECT v.version FROM augur.aliases a JOIN augur.versions v ON v.id = a.version_id
				WHERE a.alias = 'production' AND v.model_id = (SELECT id FROM augur.models WHERE name = 'steps')))::int
FROM rows r;
SQL
append_to_file("$dir/repeatable.sql", <<'SQL');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT augur.predict('steps', r) AS first FROM rows r LIMIT 1 \gset
SELECT pg_sleep(0.02);
SELECT 1 / (count(*) = 0)::int FROM (SELECT augur.predict('steps', r) AS p FROM rows r LIMIT 50) s WHERE p <> :first;
COMMIT;
SQL
append_to_file("$dir/promote.sql", <<'SQL');
\set n random(1, 4)
SELECT augur.promote('steps', :n);
\sleep 20 ms
SQL
append_to_file("$dir/undone.sql", <<'SQL');
\set n random(1, 4)
BEGIN;
SELECT augur.promote('steps', :n);
SELECT 1 / (augur.predict('steps', r) = 10 * :n)::int FROM rows r LIMIT 1;
ROLLBACK;
\sleep 10 ms
SQL
my @load = (
	'pgbench', '-n', '-M', 'prepared', '-T', $seconds, '-c', '6', '-j', '2',
	'-f', "$dir/score.sql\@6", '-f', "$dir/parallel.sql\@1", '-f', "$dir/repeatable.sql\@2",
	'-f', "$dir/promote.sql\@2", '-f', "$dir/undone.sql\@1", 'postgres');
my $moves = 0;
# again where the machine is slow
for (my $i = 0; $i < 10 && $moves <= 20; $i++)
{
	$node->command_ok(\@load, 'promotions, rolled back ones and scoring together: no statement mixes versions');
	$moves = $node->safe_psql('postgres', 'SELECT count(*) FROM augur.alias_history');
}
cmp_ok($moves, '>', 20, "the alias moved $moves times meanwhile");

# --- a session that is in the middle of a PL/pgSQL function ------------------------------------
$node->safe_psql('postgres', q{SELECT augur.promote('steps', 1)});
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION wait_for_move() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	r rows;
	was float8;
	now float8;
BEGIN
	SELECT * INTO r FROM rows LIMIT 1;
	was := augur.predict('steps', r);
	PERFORM pg_advisory_lock(1);	-- the test moves the alias once this is held
	FOR i IN 1 .. 12000 LOOP
		now := augur.predict('steps', r);
		EXIT WHEN now <> was;
		PERFORM pg_sleep(0.01);
	END LOOP;
	RETURN was || ' to ' || now;
END
$$;
SQL
my ($out, $err) = ('', '');
my $waiting = IPC::Run::start(
	[ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'SELECT wait_for_move()' ],
	'>', \$out, '2>', \$err, IPC::Run::timeout(400));
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND granted}) or die 'does not wait';
$node->safe_psql('postgres', q{SELECT augur.promote('steps', 2)});
$waiting->finish;
is($out, "10 to 20\n", 'a running function sees a promotion of another session');

# --- two-phase commit ---------------------------------------------------------------------------
$node->append_conf('postgresql.conf', 'max_prepared_transactions = 2');
$node->restart;
is( $node->safe_psql('postgres', <<'SQL'), "30\n20\n30",
SET augur.notify = off;
BEGIN;
SELECT augur.promote('steps', 3) \g /dev/null
SELECT augur.predict('steps', r) FROM rows r LIMIT 1;
PREPARE TRANSACTION 'move';
SELECT augur.predict('steps', r) FROM rows r LIMIT 1;
COMMIT PREPARED 'move';
SELECT augur.predict('steps', r) FROM rows r LIMIT 1;
SQL
	'a prepared promotion counts when it is committed');

# --- memory of one session -----------------------------------------------------------------------
my @rss = split /\n/, $node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION rss() RETURNS int LANGUAGE sql AS $$
	SELECT (regexp_match(pg_read_file('/proc/self/status'), 'RssAnon:\s+(\d+)'))[1]::int $$;
CREATE FUNCTION many(n int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	r rows;
	x float8;
BEGIN
	SELECT * INTO r FROM rows LIMIT 1;
	FOR i IN 1 .. n LOOP
		x := augur.predict('busy', r);
	END LOOP;
	FOR i IN 1 .. n / 10 LOOP
		EXECUTE 'SELECT augur.predict($1, $2)' INTO x USING CASE i % 2 WHEN 0 THEN 'busy' ELSE 'steps' END, r;
		PERFORM augur.predict_json('busy', '{"a": 1}');
		PERFORM augur.predict_full('steps/2', r);
	END LOOP;
END
$$;
SET max_parallel_workers_per_gather = 0;
SET jit = off;	-- LLVM's own memory is not ours
SELECT many(5000) \g /dev/null
SELECT sum(augur.predict('busy', r)) FROM rows r, generate_series(1, 5) \g /dev/null
SELECT rss();
SELECT sum(augur.predict('busy', r)) FROM rows r, generate_series(1, 450) \g /dev/null
SELECT many(100000) \g /dev/null
SELECT rss();
SQL
my $growth = $rss[-1] - $rss[-2];
cmp_ok($growth, '<=', 2048, "one million predictions: $growth kB of growth");

# --- the cache's bound ------------------------------------------------------------------------------
my $caches = $node->safe_psql('postgres', <<'SQL');
SET augur.model_cache_size = '0';
SELECT sum(augur.predict('busy', r)) IS NOT NULL FROM rows r;
SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'augur model';
SET augur.model_cache_size = '64MB';
SELECT count(augur.predict('busy', r)), count(augur.predict('steps/1', r)), count(augur.predict('steps/2', r)) FROM rows r;
SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'augur model';
SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'augur call site';
SQL
is($caches, "t\n0\n2000|2000|2000\n3\n0", 'models are dropped above the limit, kept below it, and no call site outlives its statement');

# --- damaged storage ----------------------------------------------------------------------------------
sub damaged
{
	my ($sql) = @_;
	my ($rc, $stdout, $stderr) = $node->psql('postgres', <<SQL);
\\set VERBOSITY verbose
BEGIN;
SET LOCAL session_replication_role = replica;
$sql;
SELECT augur.predict('busy', r) FROM rows r LIMIT 1;
SQL
	return $stderr;
}
my $chunk = q{version_id = (SELECT v.id FROM augur.versions v JOIN augur.models m ON m.id = v.model_id WHERE m.name = 'busy') AND seq = 0};
like(damaged("UPDATE augur.version_chunks SET bytes = set_byte(bytes, 100, get_byte(bytes, 100) # 1) WHERE $chunk"),
	qr/ERROR:  XX001: stored artifact .* is damaged/, 'a flipped bit in a chunk is found');
like(damaged("UPDATE augur.version_chunks SET bytes = substr(bytes, 1, 50) WHERE $chunk"),
	qr/ERROR:  XX001: .*\n.*It has \d+ bytes instead of/s, 'a short chunk is found');
like(damaged("DELETE FROM augur.version_chunks WHERE $chunk"),
	qr/ERROR:  42501: permission denied to predict/, 'chunks that are not there are as good as not granted');

# --- extension dropped and made again in one session: ids start over, models must not -----------------------
is( $node->safe_psql('postgres', <<'SQL'), "20\n70",
SELECT augur.predict_pinned(2, r) FROM rows r LIMIT 1;
SET client_min_messages = error;
DROP EXTENSION augur CASCADE;
CREATE EXTENSION augur;
SELECT augur.train_query('steps', 'SELECT a, b, 60.0::float8 AS y FROM rows', 'y', algorithm => 'baseline') \g /dev/null
SELECT augur.train_query('steps', 'SELECT a, b, 70.0::float8 AS y FROM rows', 'y', algorithm => 'baseline') \g /dev/null
SELECT augur.predict_pinned(2, r) FROM rows r LIMIT 1;
SQL
	'a cached model does not survive its extension');

$node->stop;
done_testing();
