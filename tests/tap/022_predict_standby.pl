# A streaming standby (R17): scoring gives the primary's numbers, promotions arrive with replay,
# and whatever writes is refused with 25006.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('predict_primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "augur.verbosity = 0\nfsync = off");
$primary->start;
$primary->safe_psql('postgres', <<'SQL');
CREATE EXTENSION augur;
CREATE TABLE rows AS
SELECT i, i % 9 AS a, (ARRAY['u', 'v', NULL])[1 + i % 3] AS b, date '2024-01-01' + i % 99 AS c,
	   (i % 9) * 2.5 + i % 3 AS y, CASE WHEN i % 9 > 4 THEN 'yes' ELSE 'no' END AS k
FROM generate_series(1, 3000) i;
SELECT augur.train('value', 'rows', 'y', exclude => '{i,k}', promote => 'always', params => '{"n_trees": 10}');
SELECT augur.train('class', 'rows', 'k', exclude => '{i,y}', promote => 'always', params => '{"n_trees": 10}');
SELECT augur.train('value', 'rows', 'y', exclude => '{i,k}', promote => 'never', algorithm => 'baseline');
SQL
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('predict_standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);

my $all = <<'SQL';
SELECT md5(string_agg(concat_ws('|', i, augur.predict('value', r), augur.predict_full('value', r),
	augur.classify('class', r), augur.probabilities('class', r),
	augur.predict_json('class', to_jsonb(r) - 'b'), augur.predict_pinned(1, r)), ',' ORDER BY i)) FROM rows r
SQL
is($standby->safe_psql('postgres', $all), $primary->safe_psql('postgres', $all),
	'every scoring function gives the same on the standby');
my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;';
my $sum = q{SELECT sum(augur.predict('class', r)::numeric) FROM rows r};
like($standby->safe_psql('postgres', "$parallel EXPLAIN (COSTS off) $sum"), qr/Gather/, 'a parallel plan on the standby');
is($standby->safe_psql('postgres', "$parallel $sum"), $primary->safe_psql('postgres', $sum), 'with the same result');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM augur.importance('class', 'rows')}),
	'5', 'importance reads a relation on the standby');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM augur.features('value')}),
	$primary->safe_psql('postgres', q{SELECT count(*) FROM augur.features('value')}), 'features too');

foreach my $write (
	q{SELECT augur.promote('value', 2)},
	q{SELECT augur.train('value', 'rows', 'y', exclude => '{i,k}', algorithm => 'baseline')})
{
	my ($rc, $out, $err) = $standby->psql('postgres', "\\set VERBOSITY verbose\n$write");
	like($err, qr/ERROR:  25006:/, "refused: $write");
}

# A session of the standby that is busy sees a promotion of the primary arrive.
$standby->safe_psql('postgres', 'SELECT 1');
my ($out, $err) = ('', '');
my $waiting = IPC::Run::start(
	[ 'psql', '-XAtq', '-d', $standby->connstr('postgres'), '-c', <<'SQL' ],
DO $$
DECLARE
	r rows;
	was float8;
	now float8;
BEGIN
	SELECT * INTO r FROM rows WHERE i = 1;
	was := augur.predict('value', r);
	PERFORM pg_advisory_lock_shared(1);
	FOR i IN 1 .. 12000 LOOP
		now := augur.predict('value', r);
		IF now <> was THEN
			RAISE WARNING 'moved after % tries', i;
			RETURN;
		END IF;
		PERFORM pg_sleep(0.01);
	END LOOP;
END
$$
SQL
	'>', \$out, '2>', \$err, IPC::Run::timeout(400));
$standby->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND granted}) or die 'does not wait';
$primary->safe_psql('postgres', q{SELECT augur.promote('value', 2)});
$primary->wait_for_catchup($standby);
$waiting->finish;
like($err, qr/moved after/, 'a running session of the standby sees the promotion');
is($standby->safe_psql('postgres', $all), $primary->safe_psql('postgres', $all), 'and both agree again');

$standby->stop;
$primary->stop;
done_testing();
