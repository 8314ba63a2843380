# A standby that is promoted while it scores (R17): every statement of a load answers from one
# version, with the numbers of that version, before the promotion, after it, and after the new
# primary has served and trained versions of its own.  And predict over rows that a role may not
# see: a view with security_barrier and row level security keep them from predict, from what stands
# in a WHERE around it, and from error messages.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('promoted_primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "augur.verbosity = 0\nfsync = off\nautovacuum = off");
$primary->start;
$primary->safe_psql('postgres', <<'SQL');
CREATE EXTENSION augur;
CREATE TABLE rows AS
SELECT i, i % 9 AS a, (ARRAY['u', 'v', NULL])[1 + i % 3] AS b, (i % 9) * 2.5 + i % 3 AS y
FROM generate_series(1, 2000) i;
SELECT augur.train('value', 'rows', 'y', exclude => '{i}', promote => 'always', params => '{"n_trees": 10}');
SELECT augur.train('value', 'rows', 'y', exclude => '{i}', promote => 'never', algorithm => 'baseline');
SQL
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('promoted_standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'max_standby_streaming_delay = -1');
$standby->start;
$primary->wait_for_catchup($standby);

# --- the load: division by zero if a statement mixes versions or a number is another version's ----
my $script = PostgreSQL::Test::Utils::tempdir() . '/load.sql';
append_to_file($script, <<'SQL');
\set first random(1, 1900)
SELECT 1 / (count(*) = 20 AND count(DISTINCT (f).version) = 1
			AND bool_and((f).value = augur.predict_pinned(v.id, r)))::int
FROM (SELECT r, augur.predict_full('value', r) AS f FROM rows r
	  WHERE i >= :first AND i < :first + 20 OFFSET 0) scored
	JOIN augur.models m ON m.name = 'value'
	JOIN augur.versions v ON v.model_id = m.id AND v.version = (f).version;
SQL
my ($out, $err);
my $load = IPC::Run::start(
	[ 'pgbench', '-n', '-M', 'prepared', '-c', '3', '-T', '3000', '-f', $script, $standby->connstr('postgres') ],
	'>', '/dev/null', '2>', "$script.err");

# Waits until each session of the load has begun a statement after now, and, having ended that, another one.
sub goes_on
{
	my ($what) = @_;
	foreach (1 .. 2)
	{
		my $now = $standby->safe_psql('postgres', 'SELECT clock_timestamp()');
		ok( $standby->poll_query_until('postgres', "SELECT count(*) = 3 FROM pg_stat_activity
				WHERE backend_type = 'client backend' AND query ~ 'predict_full' AND pid <> pg_backend_pid() AND query_start > '$now'"),
			"the load goes on: $what");
	}
	return;
}

sub serves
{
	my ($version, $what) = @_;
	is( $standby->safe_psql('postgres',
			q{SELECT DISTINCT (augur.predict_full('value', r)).version FROM rows r}),
		$version, $what);
	return;
}

goes_on('on a standby');
foreach my $version (2, 1, 2)
{
	$primary->safe_psql('postgres', "SELECT augur.promote('value', $version)");
	$primary->wait_for_catchup($standby);
	serves($version, "version $version is promoted on the primary and served by the standby");
	goes_on("version $version");
}

$primary->stop;
$standby->promote;
ok($standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()'), 'promoted');
serves(2, 'the new primary serves what the old one did');
goes_on('on the new primary');
$standby->safe_psql('postgres', q{SELECT augur.promote('value', 1)});
serves(1, 'a version that the new primary promotes is served');
goes_on('after a promotion of its own');
$standby->safe_psql('postgres', q{SELECT augur.train('value', 'rows', 'y', exclude => '{i}', promote => 'always',
	params => '{"n_trees": 7}')});
serves(3, 'so is one that it has trained');
goes_on('after a training');
$standby->safe_psql('postgres', q{SELECT augur.rollback('value')});
serves(1, 'and a rollback');
goes_on('after a rollback');

$load->signal('TERM');
eval { $load->finish };
is(slurp_file("$script.err") =~ s/^pgbench \(.*\)\n//r, '', 'no statement failed');
unlike(slurp_file($standby->logfile), qr/division by zero/, 'none mixed versions');

# --- rows that a role may not see -----------------------------------------------------------------
# Rows of others have an array that is too short, which predict raises an error for.  Cost 0.0001
# makes the planner call a function before cheaper-looking conditions, where it is free to.
my $sql = <<'SQL';
CREATE TABLE secrets AS
SELECT i AS id, CASE WHEN i % 4 = 0 THEN 'bob' ELSE 'ann' END AS person,
	   CASE WHEN i % 4 = 0 THEN ARRAY[i, i % 5, 1]::float8[] ELSE ARRAY[i]::float8[] END AS f
FROM generate_series(1, 400) i;
SELECT augur.train_query('secret', $q$SELECT f, f[1] AS y FROM secrets WHERE person = 'bob'$q$, 'y',
	promote => 'always', params => '{"n_trees": 5}');
CREATE ROLE bob LOGIN;
SELECT augur.grant_preset('bob', 'predictor');
SELECT augur.grant('secret', 'bob');
CREATE VIEW open AS SELECT id, f FROM secrets WHERE upper(person) = upper(current_user);
CREATE VIEW closed WITH (security_barrier) AS SELECT id, f FROM secrets WHERE upper(person) = upper(current_user);
CREATE TABLE guarded AS TABLE secrets;
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON guarded USING (upper(person) = upper(current_user));
GRANT SELECT ON open, closed, guarded TO bob;
CREATE FUNCTION tell(id int) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS
$f$BEGIN RAISE NOTICE 'row %', id; RETURN true; END$f$;
ALTER FUNCTION augur.predict(text, record) COST 0.0001;
ALTER FUNCTION augur.predict_full(text, record, float8) COST 0.0001;
ALTER FUNCTION augur.classify(text, record) COST 0.0001;
ALTER FUNCTION augur.predict_json(text, jsonb) COST 0.0001;
SQL
my $rc;
($rc, $out, $err) = $standby->psql('postgres', $sql, on_error_stop => 1);
is($rc, 0, 'rows of two people') or diag($err);

# Runs a query as bob; returns result and messages.
sub as_bob
{
	my ($query) = @_;
	my ($code, $answer, $messages) = $standby->psql('postgres', "SET SESSION AUTHORIZATION bob; $query");
	return ($answer, $messages);
}

my %seen = (closed => 'a view with security_barrier', guarded => 'a table with row level security');
my @calls = (
	q{augur.predict('secret', s) > 0},
	q{(augur.predict_full('secret', s)).value > 0},
	q{augur.predict_json('secret', jsonb_build_object('f', s.f)) IS NOT NULL});

# without a barrier all this fails: the test can
($out, $err) = as_bob(qq{SELECT count(*) FROM open s WHERE $calls[0]});
like($err, qr/array in column "f" has 1 element/, 'a plain view hands hidden rows to predict');
($out, $err) = as_bob(q{SELECT count(*) FROM open s WHERE tell(id)});
is(scalar(() = $err =~ /NOTICE/g), 400, 'and to other functions');

foreach my $relation (sort keys %seen)
{
	foreach my $call (@calls)
	{
		($out, $err) = as_bob("SELECT count(*) FROM $relation s WHERE $call");
		is("$out $err", '100 ', "$seen{$relation}: $call meets no hidden row");
	}
	($out, $err) = as_bob(
		qq{SELECT count(*) FROM $relation s WHERE tell(id) AND augur.predict('secret', s) > 0 AND tell(id)});
	is($out, '100', "$seen{$relation}: own rows are scored");
	is(scalar(() = $err =~ /NOTICE/g), 200, '... and a function beside predict is told of no other');
	($out, $err) = as_bob(
		qq{SELECT count(*) FROM (SELECT id, augur.predict('secret', s) AS p FROM $relation s) scored WHERE tell(id) AND p > 0});
	is($out . scalar(() = $err =~ /NOTICE/g), '100100', '... nor is one around it');
	($out, $err) = as_bob(qq{SELECT augur.predict('secret', row(f[1:1])) FROM $relation WHERE id = 1});
	is("$out$err", '', '... and no error tells of a row by its key');
}

# The policy itself, without predict.
($out, $err) = as_bob(q{SELECT max(cardinality(f)), count(*) FROM guarded});
is($out, '3|100', 'row level security holds for the role of this test');

$standby->stop;
done_testing();
