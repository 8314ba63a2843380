# A dump carries the whole registry (R15): restored into a fresh cluster, tables, rights and
# predictions are equal, the next inserts work, and promotion goes on.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Server qw(at_rest);
use Test::More;

my $from = PostgreSQL::Test::Cluster->new('dump_from');
$from->init;
$from->append_conf('postgresql.conf', "augur.verbosity = 0\nfsync = off\n");
$from->start;

# A registry with all that there is: models of two owners, one with a hostile name; versions in all
# statuses; aliases moved and dropped; a dropped model; grants; presets; a model of several chunks.
$from->safe_psql('postgres', <<'SQL');
CREATE EXTENSION augur;
CREATE ROLE ann LOGIN;
CREATE ROLE "O'Bri""en" LOGIN;
CREATE ROLE watcher LOGIN;
SELECT augur.grant_preset('ann', 'trainer'), augur.grant_preset('O''Bri"en', 'trainer'),
	augur.grant_preset('watcher', 'predictor');
CREATE TABLE visits AS
SELECT i % 11 AS pages, (i * 37 % 1009)::float8 AS seconds, ('{ad,mail,search,NULL}'::text[])[i % 4 + 1] AS source,
	(i % 11 + i * 37 % 5) > 7 AS bought, sqrt(i * 7919 % 10007) AS spent, date '2026-01-01' + i % 90 AS day
FROM generate_series(1, 8000) i;
GRANT SELECT ON visits TO PUBLIC;
CREATE TABLE daily AS SELECT day, source, count(*) + sum(pages) / 50.0 AS n FROM visits GROUP BY 1, 2;
GRANT SELECT ON daily TO PUBLIC;
CREATE SCHEMA "ann's" AUTHORIZATION ann;
SET ROLE ann;
SELECT augur.train('buyers', 'visits', 'bought', params => '{"n_trees": 10}', note => E'tab\tand\nline');
SELECT augur.train('buyers', 'visits', 'bought', params => '{"n_trees": 5}', promote => 'always');
SELECT augur.train('buyers', 'visits', 'bought', algorithm => 'baseline', promote => 'never');
SELECT augur.set_status('buyers', 3, 'archived');
SELECT augur.rollback('buyers', 'again');
SELECT augur.promote('buyers', 2, 'staging');
SELECT augur.drop_alias('buyers', 'staging');
SELECT augur.grant('buyers', 'watcher');
SELECT augur.train_forecast('days', 'daily', 'day', 'n', series => '{source}', method => 'ets', horizon => 5, promote => 'always');
SELECT augur.store_forecast('days', 3);
SELECT augur.create_suite('fit', 'visits', '{day}');
SELECT augur.expect('fit', 'in_set', 'source', '{"values": ["ad", "it''s"]}', severity => 'warn'), augur.expect('fit', 'not_null', 'pages');
SELECT augur.validate('fit');
SELECT augur.set_retrain_policy('buyers', every => '1 day', suite => 'fit', on_events => '{drift_found}');
SELECT augur.check_retrain('buyers');
SELECT augur.start_rollout('buyers', 2, '{50}', approval => true, note => 'once more');
SELECT augur.deny_rollout('buyers', 'not now');
SELECT augur.start_rollout('buyers', 2, '{25.5}', salt => 'it''s');
SELECT count(*) FROM augur.score('buyers', 'visits');
SELECT augur.check_rollouts();
RESET ROLE;
SELECT augur.create_channel('ml', 'file:slack', note => 'it''s "ours"'), augur.create_route('r', 'ml', kinds => '{drift_*}', model => 'b*', payload => '{"a": [1]}');
SELECT augur.silence('100 years', subject => 'x');
SET ROLE ann;
SELECT augur.create_feature_set('seen by source', 'SELECT source, day, sum(pages) AS pages FROM public.visits WHERE source IS NOT NULL GROUP BY 1, 2',
	'{source}', 'day', lateness => '1 day', max_age => '20 days', table_name => '"ann''s".seen');
SELECT augur.train('gone', 'visits', 'bought', algorithm => 'baseline', promote => 'always');
SELECT augur.drop_model('gone');
RESET ROLE;
SET SESSION AUTHORIZATION "O'Bri""en";
SELECT augur.train('it''s "quoted" \ 名前', 'visits', 'spent', exclude => '{bought}', promote => 'always');
RESET SESSION AUTHORIZATION;
SELECT augur.create_pipeline('daily');
SELECT augur.add_step('daily', 'one', body => '{"sql": "SELECT 1"}');
SELECT augur.schedule('daily', '@daily', 'Europe/Berlin', start => '2026-01-01', catchup => true, max_catchup => 2);
SELECT augur._queue_due('2026-01-05');
SELECT augur.on_event('daily', 'loaded'), augur.on_event('daily', 'waits', debounce => '1 day'), augur.on_table('daily', 'visits', '1 day');
SELECT augur.emit('loaded'), augur.emit('waits');
SELECT augur.create_pipeline('nightly', '{"days": "integer"}', max_parallel => 1);
SELECT augur.add_step('nightly', 'one', sql => 'SELECT 1 AS one');
CALL augur.run_pipeline('nightly');
-- not dumped
DELETE FROM augur.tick_state;
SELECT augur.train('big', 'visits', 'spent', params => '{"n_trees": 60}', promote => 'always', seed => -7);
CREATE TABLE kept AS SELECT ('\x' || encode(string_agg(bytes, '' ORDER BY seq), 'hex'))::augur.model AS model
FROM augur.version_chunks WHERE version_id = 1;
SQL
at_rest($from);
cmp_ok($from->safe_psql('postgres', 'SELECT max(seq) FROM augur.version_chunks'), '>=', 1,
	'a model has more than one chunk');

my @tables = qw(preset_roles models model_grants runs params metrics versions version_chunks
  version_series version_states version_profiles forecasts alias_history aliases events suites expectations validation_runs
  validation_results retrain_policies retrain_decisions load_batches quarantine predictions_default actuals
  performance_windows detector_states detector_changes feature_sets feature_refreshes monitors drift_runs drift_columns rollouts
  rollout_events approvals channels routes silences pools pipelines pipeline_steps pipeline_runs step_runs pipeline_schedules missed_slots
  pipeline_triggers pipeline_signals pipeline_causes tick_state);
# not dumped: what waits to be sent (tests/tap/085_notify.pl)
my @queue = qw(channel_states notifications notification_attempts);
is( $from->safe_psql(
		'postgres', q{SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class
			WHERE relnamespace = 'augur'::regnamespace AND relkind = 'r'}),
	join(' ', sort @tables, @queue),
	'this test knows all tables of the registry');

# Everything that must be equal on the other side.
my %questions = (
	(map { ("table $_" => "SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text)), count(*) FROM augur.$_ t") } @tables),
	'rights on tables' => q{SELECT string_agg(format('%s %s', c.relname, a), E'\n' ORDER BY format('%s %s', c.relname, a)) FROM pg_class c,
		LATERAL (SELECT grantee::regrole || ' ' || privilege_type AS a FROM aclexplode(c.relacl)
			WHERE grantee::regrole::text <> current_user) s
		WHERE c.relnamespace = 'augur'::regnamespace},
	'rights on columns' => q{SELECT string_agg(format('%s.%s %s', c.relname, t.attname, a), E'\n' ORDER BY format('%s.%s %s', c.relname, t.attname, a))
		FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid,
		LATERAL (SELECT grantee::regrole || ' ' || privilege_type AS a FROM aclexplode(t.attacl)) s
		WHERE c.relnamespace = 'augur'::regnamespace},
	'rights on functions' => q{SELECT string_agg(format('%s %s', f.oid::regprocedure, a), E'\n' ORDER BY format('%s %s', f.oid::regprocedure, a)) FROM pg_proc f,
		LATERAL (SELECT CASE grantee WHEN 0 THEN 'public' ELSE grantee::regrole::text END || ' ' || privilege_type AS a
			FROM aclexplode(f.proacl) WHERE grantee = 0 OR grantee::regrole::text <> current_user) s
		WHERE f.pronamespace = 'augur'::regnamespace},
	'rights on the schema' => q{SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM (
		SELECT grantee::regrole, privilege_type FROM pg_namespace, aclexplode(nspacl) WHERE nspname = 'augur') a
		WHERE grantee::text <> current_user},
	'policies' => q{SELECT count(*), md5(string_agg(concat(polname, polrelid::regclass, pg_get_expr(polqual, polrelid)), ' '
		ORDER BY polname, polrelid::regclass::text)) FROM pg_policy},
	'triggers' => q{SELECT string_agg(concat(tgrelid::regclass, tgname, tgenabled), ' ' ORDER BY tgrelid::regclass::text, tgname)
		FROM pg_trigger WHERE NOT tgisinternal},
	'members of the extension' => q{SELECT string_agg(pg_describe_object(classid, objid, objsubid), E'\n'
		ORDER BY pg_describe_object(classid, objid, objsubid)) FROM pg_depend WHERE deptype = 'e'
		AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'augur')},
	'predictions of a forest' => q{SELECT md5(string_agg(augur.predict('buyers', v)::text, ' ' ORDER BY ctid)) FROM visits v},
	'predictions of an older version' => q{SELECT md5(string_agg(augur.predict('buyers/2', v)::text, ' ' ORDER BY ctid)) FROM visits v},
	'predictions of many chunks' => q{SELECT md5(string_agg(augur.predict('big', v)::text, ' ' ORDER BY ctid)) FROM visits v},
	'predictions under a hostile name' => q{SELECT md5(string_agg(augur.predict(E'it\'s "quoted" \\\\ 名前', v)::text, ' ' ORDER BY ctid)) FROM visits v},
	'predictions of a value' => q{SELECT md5(string_agg(augur.predict(model, v)::text, ' ' ORDER BY v.ctid)) FROM visits v, kept},
	'forecasts' => q{SELECT md5(string_agg(f::text, ' ' ORDER BY f::text)), count(*) FROM augur.forecast('days') f},
	'forecasts further ahead' => q{SELECT md5(string_agg(f::text, ' ' ORDER BY f::text)), count(*) FROM augur.forecast('days', 9, '{0.5}') f},
	'routes' => q{SELECT md5(string_agg(augur.route('buyers', i::text), ' ' ORDER BY i)) FROM generate_series(1, 1000) i},
	'features' => q{SELECT augur.features_at('{seen by source}', '{"source": "ad"}', '2026-02-01'), (SELECT count(*) FROM "ann's".seen)},
	'what is served' => q{SELECT string_agg(s::text, ' ' ORDER BY s::text) FROM augur.serving_now s},
	'ranges' => q{SELECT string_agg(s::text, ' ' ORDER BY s::text) FROM augur.model_history s},
	'sequences' => q{SELECT string_agg(concat(sequencename, ' ', last_value), ' ' ORDER BY sequencename) FROM pg_sequences
		WHERE schemaname = 'augur'});

sub answers
{
	my ($node, $db) = @_;
	return { map { $_ => $node->safe_psql($db, "SET extra_float_digits = 3; SET timezone = 'UTC'; $questions{$_}") }
		  keys %questions };
}
my $expected = answers($from, 'postgres');
isnt($expected->{$_}, '', "there is something to compare: $_") foreach sort keys %questions;

sub check_restored
{
	my ($node, $db, $how) = @_;
	my $found = answers($node, $db);
	is($found->{$_}, $expected->{$_}, "$how: $_") foreach sort keys %questions;

	# as the owner, not as superuser: rights must work, not only look equal
	$node->safe_psql($db, 'GRANT ann TO CURRENT_USER');
	is( $node->safe_psql($db,
			q{SET ROLE ann; SELECT version FROM augur.train('buyers', 'visits', 'bought', params => '{"n_trees": 3}', promote => 'never')}),
		'4', "$how: the next training makes the next version");
	is($node->safe_psql($db, q{SET ROLE ann; SELECT augur.promote('buyers', 4)}), '4', "$how: it is promoted");
	is($node->safe_psql($db, q{SET ROLE ann; SELECT version, previous_version FROM augur.serving_now WHERE model = 'buyers'}),
		'4|1', "$how: and what was there is previous");
	is($node->safe_psql($db, q{SET ROLE ann; SELECT augur.rollback('buyers')}), '1', "$how: rolled back");
	is($node->safe_psql($db, q{SET ROLE ann; SELECT version FROM augur.train('new', 'visits', 'bought', algorithm => 'baseline')}),
		'1', "$how: a new model");
	is( $node->safe_psql($db, q{SET ROLE ann; SELECT kind, rows_read > 0, inserted, updated, deleted FROM augur.refresh_feature_set('seen by source')}),
		'incremental|t|0|0|0', "$how: features are refreshed from where they were");
	is($node->safe_psql($db, q{SET ROLE watcher; SELECT count(*) FROM augur.feature_sets}), '0', "$how: and seen by nobody else");
	is($node->safe_psql($db, q{SET ROLE watcher; SELECT count(*) FROM augur.models}), '1', "$how: a grantee sees its model");
	cmp_ok($node->safe_psql($db, q{SET ROLE watcher; SELECT augur.predict('buyers', v) FROM visits v LIMIT 1}),
		'>=', 0, "$how: and predicts with it");
	my ($rc, $out, $err) = $node->psql($db, q{UPDATE augur.version_chunks SET bytes = '\x00'});
	like($err, qr/not allowed/, "$how: versions are still write-once");
	($rc, $out, $err) = $node->psql($db, q{SET ROLE watcher; SELECT augur.promote('buyers', 1)});
	like($err, qr/permission denied/, "$how: rights still end");
}

# plain and parallel custom format, into a fresh cluster of its own
my $dir = PostgreSQL::Test::Utils::tempdir();
$from->command_ok([ 'pg_dumpall', '--globals-only', '-f', "$dir/roles.sql" ], 'roles are dumped');
$from->command_ok([ 'pg_dump', '-f', "$dir/plain.sql", 'postgres' ], 'pg_dump');
$from->command_ok([ 'pg_dump', '-Fc', '-f', "$dir/custom", 'postgres' ], 'pg_dump in custom format');
my $dump = slurp_file("$dir/plain.sql");
unlike($dump, qr/CREATE TABLE augur\./, 'the dump has the rows, not the tables');

my $to = PostgreSQL::Test::Cluster->new('dump_to');
$to->init;
$to->append_conf('postgresql.conf', "augur.verbosity = 0\nfsync = off\n");
$to->start;
# of the bootstrap superuser's own lines the role exists already
$to->psql('postgres', slurp_file("$dir/roles.sql"), on_error_stop => 0);
$to->safe_psql('postgres', 'CREATE DATABASE plain TEMPLATE template0; CREATE DATABASE custom TEMPLATE template0');
$to->command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-d', 'plain', '-f', "$dir/plain.sql" ], 'restored without an error');
check_restored($to, 'plain', 'plain');
# Jobs do not know that rows of an extension's tables refer to each other (pg_dump keeps that order for
# a serial restore only), so the rows go alone and the rest may be parallel.
foreach my $section ([ 'pre-data', 2 ], [ 'data', 1 ], [ 'post-data', 2 ])
{
	$to->command_ok(
		[ 'pg_restore', '--exit-on-error', "--section=$section->[0]", '-j', $section->[1], '-d', 'custom', "$dir/custom" ],
		"restored by sections: $section->[0]");
}
check_restored($to, 'custom', 'custom');

# A role that is missing is named, and nothing is given to somebody else instead.
my $bare = PostgreSQL::Test::Cluster->new('dump_bare');
$bare->init;
$bare->start;
my ($rc, $out, $err) = $bare->psql('postgres', slurp_file("$dir/plain.sql"), on_error_stop => 0);
like($err, qr/role "ann" does not exist/, 'without the roles the restore says which one is missing');
is($bare->safe_psql('postgres', 'SELECT count(*) FROM augur.models'), '0', 'and makes nobody else the owner');

$_->stop foreach ($from, $to, $bare);
done_testing();
