# The registry under fire: clients promote, roll back, archive, train and drop versions of one model at
# the same time, others read it. No unexpected error, and afterwards aliases, history and versions agree.
# (That no statement mixes versions meanwhile is shown by 021_predict_serving.pl.)
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{AUGUR_TEST_LONG} ? 60 : 8;
my $node = PostgreSQL::Test::Cluster->new('registry_load');
$node->init;
$node->append_conf('postgresql.conf', "augur.verbosity = 0\nfsync = off\nmax_connections = 40\n");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION augur;
CREATE ROLE team;
CREATE ROLE worker LOGIN IN ROLE team;
SELECT augur.grant_preset('team', 'trainer');
CREATE TABLE rows AS SELECT i * 0.37 AS a, i % 50 > 20 AS y FROM generate_series(1, 300) i;
GRANT SELECT ON rows TO team;
SET ROLE team;
SELECT augur.train('m', 'rows', 'y', algorithm => 'baseline', promote => 'always');
SELECT augur.train('m', 'rows', 'y', algorithm => 'baseline', promote => 'always');
SELECT augur.train('m', 'rows', 'y', algorithm => 'baseline', promote => 'never');
SQL

# What may be refused when another client was faster; everything else is an error of the test.
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION tolerate(query text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE query;
EXCEPTION WHEN object_not_in_prerequisite_state OR undefined_object OR foreign_key_violation OR restrict_violation THEN
	NULL;
END $$;
SQL
my $dir = PostgreSQL::Test::Utils::tempdir();
my %scripts = (
	promote => q{SELECT tolerate($$SELECT augur.promote('m', (SELECT version FROM augur.versions ORDER BY random() LIMIT 1))$$);},
	staging => q{SELECT tolerate($$SELECT augur.promote('m', (SELECT version FROM augur.versions ORDER BY random() LIMIT 1), 'staging')$$);},
	rollback => q{SELECT tolerate($$SELECT augur.rollback('m')$$);},
	archive => q{SELECT tolerate($$SELECT augur.set_status('m', version, CASE status WHEN 'ready' THEN 'archived' ELSE 'ready' END)
		FROM augur.versions ORDER BY random() LIMIT 1$$);},
	hand => q{SELECT tolerate($$UPDATE augur.versions SET status = 'archived' WHERE id =
		(SELECT id FROM augur.versions WHERE status = 'ready' ORDER BY random() LIMIT 1)$$);},
	train => q{SELECT augur.train('m', 'rows', 'y', algorithm => 'baseline', promote => 'if_better');},
	drop => q{SELECT tolerate($$SELECT augur.drop_version('m', version) FROM augur.versions WHERE version > 3 ORDER BY random() LIMIT 1$$);},
	undo => q{BEGIN; SELECT tolerate($$SELECT augur.promote('m', 1)$$); SELECT augur.train('m', 'rows', 'y', algorithm => 'baseline'); ROLLBACK;},
	read => q{SELECT 1 / (count(*) = 1)::int FROM augur.serving_now;
		SELECT 1 / (count(*) = 0)::int FROM augur.aliases a JOIN augur.versions v ON v.id = a.version_id WHERE v.status <> 'ready';});
append_to_file("$dir/$_.sql", "$scripts{$_}\n\\sleep 5 ms\n") foreach keys %scripts;

my $moves = 0;
# again where the machine is slow
for (my $i = 0; $i < 10 && $moves <= 20; $i++)
{
	$node->command_ok(
		[ 'pgbench', '-n', '-U', 'worker', '-c', '8', '-j', '2', '-T', $seconds,
			(map { ('-f', "$dir/$_.sql") } sort keys %scripts), 'postgres' ],
		"$seconds seconds of everything at once");
	$moves = $node->safe_psql('postgres', 'SELECT count(*) FROM augur.alias_history');
}

my $log = slurp_file($node->logfile);
my @errors = grep { !/ (55000|42704|23503|23001) / } grep { /ERROR:/ } split /\n/, $log;
is(join("\n", @errors), '', 'no error that was not expected');
cmp_ok($moves, '>', 20, "aliases were moved $moves times");

my %never = (
	'an alias on a version that is not ready' => q{SELECT a FROM augur.aliases a JOIN augur.versions v ON v.id = a.version_id WHERE v.status <> 'ready'},
	'an alias that is not where its last move put it' => q{SELECT a FROM augur.aliases a WHERE history_id <>
		(SELECT max(id) FROM augur.alias_history h WHERE h.model_id = a.model_id AND h.alias = a.alias)},
	'a gap in the history' => q{SELECT h FROM (SELECT *, lag(new_version) OVER (PARTITION BY alias ORDER BY id) AS before,
		row_number() OVER (PARTITION BY alias ORDER BY id) AS i FROM augur.alias_history) h
		WHERE old_version IS DISTINCT FROM before OR (i = 1) <> (old_version IS NULL)},
	'a time that goes back' => q{SELECT h FROM (SELECT *, lag(at) OVER (PARTITION BY model_id ORDER BY id) AS before
		FROM augur.alias_history) h WHERE at < before},
	'previous other than what production was' => q{SELECT 1 FROM augur.alias_history p, augur.aliases a
		WHERE p.id = (SELECT max(id) FROM augur.alias_history WHERE alias = 'production')
		AND a.alias = 'previous' AND a.version_id <> p.old_version_id},
	'overlapping or broken ranges' => q{SELECT 1 FROM (SELECT serving, lag(serving) OVER (ORDER BY lower(serving)) AS before
		FROM augur.model_history WHERE NOT isempty(serving)) r WHERE lower(serving) <> upper(before)},
	'a run that is still running' => q{SELECT r FROM augur.runs r WHERE status = 'running'},
	'a version without all of its bytes' => q{SELECT v.id FROM augur.versions v LEFT JOIN augur.version_chunks c ON c.version_id = v.id
		GROUP BY v.id HAVING v.size IS DISTINCT FROM sum(octet_length(c.bytes)) OR v.sha256 <> sha256(string_agg(c.bytes, '' ORDER BY seq))},
	'a number that was used twice, or not yet given' => q{SELECT 1 FROM augur.models m WHERE next_version <= (SELECT max(version) FROM augur.versions)},
	'a wrong actor' => q{SELECT h FROM augur.alias_history h WHERE actor NOT IN ('team', 'worker')});
foreach my $what (sort keys %never)
{
	is($node->safe_psql('postgres', "SELECT count(*) FROM ($never{$what}) x"), '0', "never $what");
}
$node->stop;
done_testing();
