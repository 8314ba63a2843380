# The prediction log: partitions in dump and restore, a standby, and sessions at once.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Partitions of this month and the next, in UTC, are counted: in the last minutes of a month it waits for the next one.
sleep 1 while (gmtime)[4] != (gmtime(time + 300))[4];

my $from = PostgreSQL::Test::Cluster->new('predictions');
$from->init(allows_streaming => 1);
$from->append_conf('postgresql.conf', "augur.verbosity = 0\nfsync = off\ntimezone = 'UTC'\n");
$from->start;
$from->safe_psql('postgres', <<'SQL');
CREATE EXTENSION augur;
CREATE ROLE app LOGIN;
SELECT augur.grant_preset('app', 'predictor');
CREATE TABLE visits AS SELECT i AS id, i % 7 AS pages, i % 7 > 3 AS bought FROM generate_series(1, 500) i;
GRANT SELECT ON visits TO app;
SELECT augur.train('buyers', 'visits', 'bought', features => '{pages}', params => '{"n_trees": 5}', promote => 'always');
SELECT augur.grant('buyers', 'app');
SQL

# ---- who may not make partitions logs all the same
my $app = $from->connstr('postgres') . ' user=app';
is($from->safe_psql('postgres', q{SELECT count(*) FROM augur.score('buyers', 'visits', 'id', filter => 'id <= 100')}, connstr => $app),
	'100', 'a predictor logs before there is any partition');
is($from->safe_psql('postgres', 'SELECT count(*), min(tableoid::regclass::text) FROM augur.predictions'),
	'100|augur.predictions_default', 'into the default partition');
is($from->safe_psql('postgres', q{SELECT count(*) FROM augur.score('buyers', 'visits', 'id', filter => 'id <= 50')}), '50',
	'the owner of the extension logs');
is($from->safe_psql('postgres', 'SELECT count(DISTINCT tableoid) FROM augur.predictions'), '1',
	'and moves no rows while doing so');
is($from->safe_psql('postgres', 'SELECT augur.partition_predictions()'), '2', 'partitions for this month and the next');
is($from->safe_psql('postgres', 'SELECT count(*) FROM augur.predictions_default'), '0', 'take the rows');
# months back, through the table as a superuser may
$from->safe_psql('postgres', <<'SQL');
INSERT INTO augur.predictions (at, model_id, version_id, version, reference, entity, value, label, probabilities)
SELECT timestamptz '2025-01-15 00:00+00' + (i || ' days')::interval, p.model_id, p.version_id, p.version, 'buyers', 'old' || i, 0.2, 'false',
	'{"false": 0.8, "true": 0.2}'
FROM generate_series(0, 89) i, (SELECT * FROM augur.predictions LIMIT 1) p;
SELECT augur.record_actuals('buyers', 'visits', 'bought', entity => 'id');
SELECT augur.check_concept('buyers');
SELECT augur.store_performance('buyers');
SQL
is($from->safe_psql('postgres', 'SELECT augur.partition_predictions()'), '4', 'partitions for months back');
# one row that has no partition when the dump is taken
$from->safe_psql('postgres', <<'SQL');
INSERT INTO augur.predictions (at, model_id, version_id, version, reference, entity)
SELECT '2024-02-29 12:00+00', model_id, version_id, version, 'buyers', 'leap' FROM augur.predictions LIMIT 1;
SQL

# ---- dump and restore
my %questions = (
	'predictions' => q{SELECT count(*), md5(string_agg(concat(tableoid::regclass, p::text), E'\n' ORDER BY id)) FROM augur.predictions p},
	(map { ($_ => "SELECT count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM augur.$_ t") }
		  qw(actuals detector_states detector_changes performance_windows)),
	'partitions' => q{SELECT string_agg(concat(c.relname, ' ', pg_get_expr(c.relpartbound, c.oid), ' ', c.relrowsecurity), E'\n' ORDER BY c.relname)
		FROM pg_class c WHERE c.relispartition AND c.relkind = 'r'},
	'indexes' => q{SELECT string_agg(pg_get_indexdef(i.indexrelid), E'\n' ORDER BY pg_get_indexdef(i.indexrelid)) FROM pg_index i
		WHERE i.indrelid::regclass::text LIKE 'augur.predictions%'},
	'constraints' => q{SELECT string_agg(concat(c.conrelid::regclass, ' ', pg_get_constraintdef(c.oid)), E'\n'
		ORDER BY concat(c.conrelid::regclass, ' ', pg_get_constraintdef(c.oid))) FROM pg_constraint c
		WHERE c.conrelid::regclass::text LIKE 'augur.predictions%'},
	'triggers' => q{SELECT count(*) FROM pg_trigger WHERE tgrelid::regclass::text LIKE 'augur.predictions%'},
	'members' => q{SELECT string_agg(objid::regclass::text, ' ' ORDER BY objid::regclass::text) FROM pg_depend
		WHERE classid = 'pg_class'::regclass AND deptype = 'e' AND objid::regclass::text LIKE 'augur.predictions%'},
	'losses' => q{SELECT count(*), sum(error), round(sum(log_loss)::numeric, 6) FROM augur.losses('buyers')});

my $dump = $from->backup_dir . '/predictions';
foreach my $format ('plain', 'custom')
{
	my $to = PostgreSQL::Test::Cluster->new("restored_$format");
	$to->init;
	$to->append_conf('postgresql.conf', "augur.verbosity = 0\nfsync = off\ntimezone = 'UTC'\n");
	$to->start;
	$to->safe_psql('postgres', 'CREATE ROLE app LOGIN');
	mkdir $from->backup_dir;
	command_ok([ 'pg_dump', '-F', $format, '-f', "$dump.$format", $from->connstr('postgres') ], "pg_dump -F $format");
	if ($format eq 'plain')
	{
		command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-f', "$dump.$format", '-o', "$dump.out", '-d', $to->connstr('postgres') ],
			'restores without an error');
	}
	else
	{
		command_ok([ 'pg_restore', '--exit-on-error', '-d', $to->connstr('postgres'), "$dump.$format" ], 'restores without an error');
	}
	foreach my $what (sort keys %questions)
	{
		is($to->safe_psql('postgres', $questions{$what}), $from->safe_psql('postgres', $questions{$what}), "$format: $what");
	}
	# and it goes on
	is($to->safe_psql('postgres', q{SELECT prediction_id > (SELECT max(id) FROM augur.predictions) FROM visits r, augur.predict_logged('buyers', r) WHERE id = 1}),
		't', 'the next prediction has the next number');
	is($to->safe_psql('postgres', q{SELECT read FROM augur.check_concept('buyers')}), '0', 'the detector knows what it has read');
	is($to->safe_psql('postgres', 'SELECT augur.partition_predictions()'), '1', 'a partition more');
	is($to->safe_psql('postgres', q{SELECT partitions FROM augur.drop_predictions('2025-03-01')}), '3', 'and three less');
	is($to->safe_psql('postgres', q{DROP EXTENSION augur; SELECT to_regclass('augur.predictions_default') IS NULL}), 't',
		'partitions go with the extension');
	$to->stop;
}

# ---- a standby scores and does not log
$from->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('predictions_standby');
$standby->init_from_backup($from, 'base', has_streaming => 1);
$standby->start;
$from->wait_for_catchup($standby);
my ($rc, $out, $err) = $standby->psql('postgres', <<'SQL');
SELECT p.prediction_id IS NULL, p.label FROM visits r, augur.predict_logged('buyers', r) p WHERE id IN (3, 4) ORDER BY id;
SELECT count(*), count(prediction_id) FROM augur.score('buyers', 'visits', 'id');
BEGIN; SELECT count(*) FROM augur.score('buyers', 'visits'); SELECT count(*) FROM augur.score('buyers', 'visits'); COMMIT;
SQL
is($rc, 0, 'scoring with a log works on a standby');
is($out, "t|false\nt|true\n500|0\n500\n500", 'it scores');
is(scalar(() = $err =~ /not logged in a read-only transaction/g), 3, 'and tells once a transaction that it does not log');
is($standby->safe_psql('postgres', $questions{'losses'}), $from->safe_psql('postgres', $questions{'losses'}), 'losses are read there');
is($standby->safe_psql('postgres', q{SELECT count(*) > 0 FROM augur.performance('buyers', '30 days')}), 't', 'performance too');
($rc, $out, $err) = $standby->psql('postgres', q{SELECT augur.check_concept('buyers')});
like($err, qr/cannot execute INSERT in a read-only transaction/, 'a detector has to write');
$standby->stop;

# ---- sessions at once
# While one transaction has logged into the default partition, others log and nobody waits.
$from->safe_psql('postgres', q{SELECT augur.drop_predictions('2100-01-01')});
is($from->safe_psql('postgres', q{SELECT count(*) FROM pg_class WHERE relispartition AND relkind = 'r'}), '1', 'only the default partition is left');
my $first = $from->background_psql('postgres', on_error_stop => 1, extra_params => [ '-U', 'app' ]);
$first->query_safe('BEGIN');
is($first->query_safe(q{SELECT count(*) FROM augur.score('buyers', 'visits', filter => 'id = 1')}), '1', 'one session logs and stays open');
is( $from->safe_psql('postgres', q{SET lock_timeout = '2s'; SELECT count(*) FROM augur.score('buyers', 'visits', filter => 'id = 2')}),
	'1', 'the owner logs without waiting for it');
is($from->safe_psql('postgres', q{SELECT count(*) FROM pg_class WHERE relispartition AND relkind = 'r'}), '1', 'and leaves partitions for later');
my $second = $from->background_psql('postgres', on_error_stop => 1);
$second->query_until(qr/started/, "\\echo started\nSELECT augur.partition_predictions();\n");
ok( $from->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%partition_predictions()%')}),
	'making partitions waits for it');
$first->query_safe('COMMIT');
$first->quit;
$second->query_safe('SELECT 1');
$second->quit;
is($from->safe_psql('postgres', 'SELECT count(*), min(tableoid::regclass::text) <> $$augur.predictions_default$$ FROM augur.predictions'),
	'2|t', 'then all rows are in it');

# Many sessions at once: log, make partitions, drop them; nothing is lost, nothing deadlocks.
$from->safe_psql('postgres', q{SELECT augur.drop_predictions('2100-01-01')});
my $script = PostgreSQL::Test::Utils::tempdir() . '/load.sql';
append_to_file($script, <<'SQL');
SELECT count(*) FROM augur.score('buyers', 'visits', 'id', filter => 'id <= 20');
SELECT augur.partition_predictions();
SELECT augur.drop_predictions('2020-01-01');
SQL
$from->command_ok([ 'pgbench', '-n', '-c', '6', '-j', '2', '-t', '15', '-f', $script, 'postgres' ], 'six sessions log and make partitions at once');
is($from->safe_psql('postgres', 'SELECT count(*), count(DISTINCT id) FROM augur.predictions'), '1800|1800', 'each prediction is there once');
is($from->safe_psql('postgres', q{SELECT count(*) FROM pg_class WHERE relispartition AND relkind = 'r'}), '3', 'each partition was made once');

# Two checks of one detector at once read each loss once.
$from->safe_psql('postgres', q{SELECT augur.record_actuals('buyers', 'visits', 'bought', entity => 'id')});
$from->safe_psql('postgres', q{SELECT augur.reset_detector('buyers')});
append_to_file("$script.check", "SELECT augur.check_concept('buyers');\n");
$from->command_ok([ 'pgbench', '-n', '-c', '4', '-t', '5', '-f', "$script.check", 'postgres' ], 'four sessions check at once');
is($from->safe_psql('postgres', q{SELECT (augur.detector_info(state)).n FROM augur.detector_states}), '1800', 'every loss was read once');

# A check that is cancelled leaves the detector as it was.
$from->safe_psql('postgres', <<'SQL');
INSERT INTO augur.predictions (model_id, version_id, version, reference, entity, value, label, probabilities)
SELECT p.model_id, p.version_id, p.version, 'buyers', 'many' || i, 0.2, 'false', '{"false": 0.8, "true": 0.2}'
FROM generate_series(1, 200000) i, (SELECT * FROM augur.predictions LIMIT 1) p;
INSERT INTO augur.actuals (model_id, entity, label)
SELECT (SELECT id FROM augur.models WHERE name = 'buyers'), 'many' || i, 'false' FROM generate_series(1, 200000) i;
SQL
($rc, $out, $err) = $from->psql('postgres', q{SET statement_timeout = '100ms'; SELECT augur.check_concept('buyers', 'kswin', options => '{"window_size": 10000, "stat_size": 5000}')});
like($err, qr/statement timeout/, 'a check is cancelled');
is($from->safe_psql('postgres', q{SELECT count(*) FROM augur.detector_states WHERE detector = 'kswin'}), '0', 'and has left nothing');
is($from->safe_psql('postgres', q{SELECT read FROM augur.check_concept('buyers')}), '200000', 'the other one goes on');

# ---- one entity with many predictions: not once for each pair of them, which would take many minutes
$from->safe_psql('postgres', <<'SQL');
INSERT INTO augur.predictions (model_id, version_id, version, reference, entity, target_time, value, label, probabilities)
SELECT p.model_id, p.version_id, p.version, 'buyers', 'shop', timestamptz '2020-01-01 00:00+00' + i * interval '1 minute', 0.2, 'false',
	'{"false": 0.8, "true": 0.2}'
FROM generate_series(1, 60000) i, (SELECT * FROM augur.predictions LIMIT 1) p;
CREATE TABLE shop AS SELECT 'shop' AS entity, timestamptz '2020-01-01 00:00+00' + i * interval '1 minute' AS t, i % 5 = 0 AS y FROM generate_series(1, 60000) i;
ANALYZE augur.predictions, shop;
SQL
is($from->safe_psql('postgres', q{SET statement_timeout = '120s'; SELECT recorded, matched FROM augur.record_actuals('buyers', 'shop', 'y', entity => 'entity', target_time => 't')}),
	'60000|60000', 'what came true is recorded');
$from->safe_psql('postgres', 'ANALYZE augur.actuals');
is($from->safe_psql('postgres', q{SET statement_timeout = '120s'; SELECT read, late FROM augur.check_concept('buyers', 'page_hinkley')}), '261800|0', 'and read');
is($from->safe_psql('postgres', q{SET statement_timeout = '120s'; SELECT count(error) FROM augur.losses('buyers')}), '261800', 'and shown');

# ---- a rollout whose look took more than five seconds rests twenty times as long: here it waits for a lock
$from->safe_psql('postgres', q{SELECT (augur.train('buyers', 'visits', 'bought', params => '{"n_trees": 2}', promote => 'never')).version});
$from->safe_psql('postgres', q{SELECT augur.start_rollout('buyers')});
$from->safe_psql('postgres', q{SELECT augur.check_rollouts()});
is($from->safe_psql('postgres', q{SELECT rests_until FROM augur.rollouts WHERE state = 'running'}), '', 'a short look has no rest');
my ($held, $hin, $hout, $herr) = (undef, '', '', '');
$held = IPC::Run::start([ 'psql', '-XqAt', '-d', $from->connstr('postgres') ], '<', \$hin, '>', \$hout, '2>', \$herr);
$hin = "BEGIN; LOCK TABLE augur.predictions; SELECT 'locked';\n";
$held->pump until $hout =~ /locked/ || $herr;
my $look = IPC::Run::start([ 'psql', '-XqAt', '-d', $from->connstr('postgres'), '-c', 'SELECT augur.check_rollouts()' ], '<', '/dev/null', '>', \my $lout, '2>', \my $lerr);
$from->poll_query_until('postgres', q{SELECT count(*) > 0 FROM pg_stat_activity WHERE query ~ '^SELECT augur.check_rollouts' AND wait_event_type = 'Lock'
	AND clock_timestamp() > query_start + interval '5.5 seconds'}) or die 'does not wait';
$hin .= "ROLLBACK;\n\\q\n";
$held->finish;
$look->finish;
is($from->safe_psql('postgres', q{SELECT rests_until > clock_timestamp() + interval '30 seconds' AND rests_until < clock_timestamp() + interval '31 minutes'
	FROM augur.rollouts WHERE state = 'running'}), 't', 'a long one has');
my $seen = $from->safe_psql('postgres', q{SELECT looked_at FROM augur.rollouts WHERE state = 'running'});
is($from->safe_psql('postgres', q{SELECT state FROM augur.check_rollouts(now() + interval '1 minute')}), 'running', 'the next look shows it');
is($from->safe_psql('postgres', q{SELECT looked_at FROM augur.rollouts WHERE state = 'running'}), $seen, 'as it was');

$from->stop;
done_testing();
