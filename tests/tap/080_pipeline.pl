# Pipelines in background workers: who runs what, several at a time, stopping, and what a killed
# session, worker or server leaves behind: nothing that augur.tick does not go on with.
use strict;
use warnings;
use FindBin;
use IPC::Run;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Server qw(at_rest kill_process);
use Test::More;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('crash'); # processes are killed here
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
augur.verbosity = 0
restart_after_crash = on
max_worker_processes = 12
autovacuum = off
max_parallel_workers = 0
CONF
$node->start;
my $major = $node->safe_psql('postgres', 'SHOW server_version_num') / 10000;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION augur;
CREATE ROLE bob LOGIN;
CREATE ROLE eve LOGIN;
CREATE ROLE op LOGIN;
CREATE ROLE nobody_else LOGIN;
SELECT augur.grant_preset('bob', 'trainer');
SELECT augur.grant_preset('eve', 'trainer');
SELECT augur.grant_preset('op', 'operator');
CREATE TABLE done (id bigint GENERATED ALWAYS AS IDENTITY, run bigint, step text, who name DEFAULT current_user,
	session name DEFAULT session_user, pid integer DEFAULT pg_backend_pid(), note text);
GRANT INSERT, SELECT ON done TO bob, eve, op;
CREATE SEQUENCE arrived;
GRANT ALL ON SEQUENCE arrived TO bob;
-- what a step does: its name into done, once
CREATE FUNCTION mark(note text DEFAULT NULL) RETURNS void LANGUAGE sql AS
	$$INSERT INTO public.done (run, step, note) SELECT augur.run_id(), augur._run_info() ->> 'step', note$$;
SQL

sub as { my ($role, $sql) = @_; return $node->safe_psql('postgres', $sql, extra_params => [ '-U', $role ]); }
sub fails { my ($role, $sql) = @_; my ($rc, $out, $err) = $node->psql('postgres', $sql, extra_params => [ '-U', $role ]); return $err; }
sub tick { return as('op', 'CALL augur.tick(' . ($_[0] // '') . ')'); }
sub status { return $node->safe_psql('postgres', "SELECT status FROM augur.pipeline_runs WHERE id = $_[0]"); }
sub ended { my ($run, $what) = @_;
	$node->poll_query_until('postgres', "SELECT ended_at IS NOT NULL FROM augur.pipeline_runs WHERE id = $run")
		or diag($node->safe_psql('postgres', "SELECT * FROM augur.pipeline_runs WHERE id = $run; SELECT * FROM augur.step_runs WHERE run_id = $run"));
	return status($run); }
sub done_within { my ($handle) = @_;
	for (1 .. 1200) { return IPC::Run::finish($handle) unless $handle->pumpable; usleep(100_000); $handle->pump_nb; }
	$handle->kill_kill; die 'a session does not end'; }
# Until a step of the run is running; returns its process.
sub begun { my ($run, $step) = @_;
	$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM augur.step_runs WHERE run_id = $run AND step = '$step' AND status = 'running'")
		or die "step $step of run $run does not begin";
	return $node->safe_psql('postgres', "SELECT pid FROM augur.step_runs WHERE run_id = $run AND step = '$step' AND status = 'running'"); }
# Until so many steps of the run sleep.  A cancel before that ends the worker between two steps, and leaves the
# rest to the next tick.
sub asleep { my ($run, $n) = @_;
	$node->poll_query_until('postgres', "SELECT count(*) = $n FROM augur.step_runs s JOIN pg_stat_activity a USING (pid)
		WHERE s.run_id = $run AND s.status = 'running' AND a.wait_event = 'PgSleep'") or die "steps of run $run do not sleep"; }
# Ticks until the run has ended: a worker just started is given its time.
sub drive { my ($run) = @_;
	for (1 .. 600)
	{
		return status($run) if $node->safe_psql('postgres', "SELECT ended_at IS NOT NULL FROM augur.pipeline_runs WHERE id = $run") eq 't';
		tick(q{now() + interval '1 hour'}) if $_ % 5 == 1;
		usleep(100_000);
	}
	return status($run) . ' for ever'; }

# ---- several at a time, as the owner ---------------------------------------------------------------
# each of the four steps waits until all four are there: one after the other they would never end
as('bob', <<'SQL');
SELECT augur.create_pipeline('four', max_parallel => 4);
SELECT augur.add_step('four', s, timeout => '60 s', sql => $$SELECT mark();
	DO 'DECLARE mine bigint := nextval(''public.arrived''); BEGIN WHILE (SELECT last_value < (mine + 3) / 4 * 4 FROM public.arrived) LOOP
		PERFORM pg_sleep(0.01); END LOOP; END'$$) FROM unnest('{w,x,y,z}'::text[]) s;
SELECT augur.add_step('four', 'end', sql => 'SELECT mark()', needs => '{w,x,y,z}');
SQL
my $run = as('bob', q{SELECT augur.queue_run('four')});
is(ended($run), 'success', 'four steps at the same time');
is($node->safe_psql('postgres', "SELECT count(*), count(DISTINCT pid) >= 4, min(who), max(who), min(session), max(session) FROM done WHERE run = $run"),
	'5|t|bob|bob|bob|bob', 'in sessions of the owner');
is($node->safe_psql('postgres', "SELECT step FROM done WHERE run = $run ORDER BY id DESC LIMIT 1"), 'end', 'and the last one last');
# an operator, a superuser, a superuser who looks like the owner: all in sessions of the owner; each when the
# workers of the one before have gone, as it needs four
at_rest($node);
as('op', q{CALL augur.run_pipeline('four')});
at_rest($node);
as('postgres', q{CALL augur.run_pipeline('four')}) if $node->safe_psql('postgres', q{SELECT 1 FROM pg_roles WHERE rolname = 'postgres'});
at_rest($node);
$node->safe_psql('postgres', q{CALL augur.run_pipeline('four')});
at_rest($node);
$node->safe_psql('postgres', qq{SET SESSION AUTHORIZATION bob;\nCALL augur.run_pipeline('four')});
is($node->safe_psql('postgres', "SELECT string_agg(DISTINCT who || ' ' || session, ', ') FROM done"), 'bob bob', 'whoever asks');
as('bob', <<'SQL');
SELECT augur.create_pipeline('climb', max_parallel => 1);
SELECT augur.add_step('climb', 'reset', sql => 'RESET SESSION AUTHORIZATION; RESET ROLE; SELECT mark(current_setting(''is_superuser''))');
SQL
$node->safe_psql('postgres', qq{SET SESSION AUTHORIZATION bob;\nCALL augur.run_pipeline('climb')});
$node->safe_psql('postgres', qq{SET ROLE bob;\nCALL augur.run_pipeline('climb')});
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT who || ' ' || note, ', ') FROM done WHERE step = 'reset'}), 'bob off',
	'a step does not climb to the rights of who asked');

# ---- who may what ------------------------------------------------------------------------------------
like(fails('eve', q{CALL augur.run_pipeline('four')}), qr/pipeline "four" does not exist/, 'another trainer does not see it');
like(fails('nobody_else', q{CALL augur.run_pipeline('four')}), qr/permission denied/, 'nor does anybody');
like(fails('op', q{SELECT augur.add_step('four', 'mine', sql => 'SELECT 1')}), qr/must be owner of pipeline "four"/, 'an operator adds no step');
like(fails('op', q{INSERT INTO augur.pipeline_steps SELECT pipeline_id, 'mine', 9, kind, body FROM augur.pipeline_steps LIMIT 1}),
	qr/row-level security/, 'nor a row');
like(fails('op', q{UPDATE augur.pipelines SET search_path = 'mine'}), qr/must be owner/, 'nor changes where steps look');
like(fails('eve', q{SELECT augur.cancel_run(1)}), qr/run 1 does not exist/, 'another trainer cancels nothing');
like(fails('eve', q{SELECT augur._hold(false, 1)}), qr/must be the owner/, 'nor looks alive for it');
like(fails('eve', q{CALL augur.tick()}), qr/permission denied for augur.tick/, 'nor ticks');
like(fails('eve', q{CALL augur._drive(1, false)}), qr/must be the owner/, 'nor works on it');
my $held = as('bob', q{SELECT augur.enable_pipeline('climb', false); SELECT augur.queue_run('climb')});
($held) = $held =~ /(\d+)/;
like(fails('op', qq{UPDATE augur.pipeline_runs SET status = 'running', plan = '{"steps": []}' WHERE id = $held}),
	qr/written once, by the owner/, 'an operator does not write what the owner runs');
like(fails('op', qq{INSERT INTO augur.pipeline_runs (pipeline_id, pipeline, owner, status, logical_date, interval_start, interval_end)
	SELECT id, name, 'op'::regrole, 'queued', now(), now(), now() FROM augur.pipelines WHERE name = 'climb'}), qr/foreign key/, 'nor whose it is');
as('op', "SELECT augur.cancel_run($held)");
as('op', q{SELECT augur.enable_pipeline('climb')});

# ---- stopping ------------------------------------------------------------------------------------------
as('bob', <<'SQL');
SELECT augur.create_pipeline('long', max_parallel => 2);
SELECT augur.add_step('long', 'sleep', sql => 'SELECT mark(), pg_sleep(600)', retries => 3, delay => '0');
SELECT augur.add_step('long', 'sleep2', sql => 'SELECT mark(), pg_sleep(600)');
SELECT augur.add_step('long', 'after', sql => 'SELECT mark()', needs => '{sleep}');
SELECT augur.create_pipeline('limit', max_parallel => 1);
SELECT augur.add_step('limit', 'stubborn', timeout => '200 ms', sql => $$SELECT mark();
	DO 'BEGIN FOR i IN 1 .. 2 LOOP BEGIN PERFORM pg_sleep(600); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; PERFORM pg_sleep(600); END'$$);
SELECT augur.create_pipeline('limited', run_timeout => '30 minutes', max_parallel => 1);
SELECT augur.add_step('limited', 'sleep', sql => 'SELECT pg_sleep(600)');
SQL
$run = as('bob', q{SELECT augur.queue_run('long')});
asleep($run, 2);
is(as('op', "SELECT augur.cancel_run($run)"), 'running', 'a running run is cancelled');
is(ended($run), 'cancelled', 'and ends');
is($node->safe_psql('postgres', "SELECT string_agg(step || ' ' || attempt || ' ' || status, ', ' ORDER BY step) FROM augur.step_runs WHERE run_id = $run"),
	'after 1 cancelled, sleep 1 cancelled, sleep2 1 cancelled', 'with all its steps, and no retry');
is($node->safe_psql('postgres', "SELECT count(*) FROM done WHERE run = $run"), '0', 'what they wrote is gone');
is($node->safe_psql('postgres', "SELECT severity, payload ->> 'status' FROM augur.events WHERE kind = 'pipeline_failed' AND payload ->> 'run' = '$run'"),
	'warning|cancelled', 'and it is an event');
# the second cancel meets sessions that write down what the first one did, and wait for its lock
$run = as('bob', q{SELECT augur.queue_run('long')});
asleep($run, 2);
my $waiting = "DO 'BEGIN WHILE (SELECT count(*) FILTER (WHERE a.wait_event_type = ''Lock'') < 2 FROM augur.step_runs s JOIN pg_stat_activity a USING (pid)
	WHERE s.run_id = $run AND s.status = ''running'') LOOP PERFORM pg_sleep(0.01), pg_stat_clear_snapshot(); END LOOP; END'";
$node->safe_psql('postgres', "SET statement_timeout = '170 s'; BEGIN; SELECT augur.cancel_run($run); $waiting; SELECT augur.cancel_run($run); SELECT pg_sleep(0.5); COMMIT");
is(ended($run), 'cancelled', 'a run that is cancelled twice ends');
is($node->safe_psql('postgres', "SELECT string_agg(step || ' ' || attempt || ' ' || status, ', ' ORDER BY step) FROM augur.step_runs WHERE run_id = $run"),
	'after 1 cancelled, sleep 1 cancelled, sleep2 1 cancelled', 'with all its steps');
$run = as('bob', q{SELECT augur.queue_run('limit')});
is(ended($run), 'failed', 'a step over its time fails, even one that catches the cancel');
is($node->safe_psql('postgres', "SELECT status, message FROM augur.step_runs WHERE run_id = $run"), 'timed_out|it took longer than 00:00:00.2', 'as timed out');
$run = as('bob', q{SELECT augur.queue_run('limited')});
asleep($run, 1);
tick();
is(status($run), 'running', 'a tick leaves a run within its time alone');
tick(q{now() + interval '1 hour'});
is(ended($run), 'timed_out', 'and stops one over it');
# at the session itself
my ($out, $err) = ('', '');
my $psql = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres') . ' user=bob', '-c', q{CALL augur.run_pipeline('long')} ],
	'<', '/dev/null', '>', \$out, '2>', \$err);
$node->poll_query_until('postgres', q{SELECT count(*) = 2 FROM augur.step_runs s JOIN augur.pipeline_runs r ON r.id = run_id
	WHERE pipeline = 'long' AND s.status = 'running'}) or die 'does not begin';
$run = $node->safe_psql('postgres', q{SELECT max(id) FROM augur.pipeline_runs});
asleep($run, 2);
$node->safe_psql('postgres', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query ~ '^CALL augur.run_pipeline' AND usename = 'bob'});
done_within($psql);
is(ended($run), 'cancelled', 'a cancel of the session cancels its run');
like($err, qr/ended as cancelled/, 'which says so');

# ---- sessions that end ---------------------------------------------------------------------------------
as('bob', <<'SQL');
SELECT augur.create_pipeline('once', max_parallel => 2);
SELECT augur.add_step('once', 'first', sql => 'SELECT mark()');
SELECT augur.add_step('once', 'dies', sql => $$SELECT mark(); SELECT pg_sleep(600) WHERE (SELECT attempt FROM augur.step_runs
	WHERE run_id = augur.run_id() AND step = 'dies' ORDER BY attempt DESC LIMIT 1) = 1$$, needs => '{first}', retries => 1, delay => '1 s');
SELECT augur.add_step('once', 'other', sql => 'SELECT mark()', needs => '{first}');
SELECT augur.add_step('once', 'last', sql => 'SELECT mark()', needs => '{dies,other}');
SELECT augur.create_pipeline('suicide', max_parallel => 1);
SELECT augur.add_step('suicide', 'self', sql => 'SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(60)', retries => 1, delay => '0');
SELECT augur.add_step('suicide', 'alarm', sql => 'SELECT mark()', needs => '{self}', trigger_rule => 'one_failed');
SQL
my $all = q{first 1 success, dies 1 crashed, other 1 success, last 1 success, dies 2 success};
my $steps = q{SELECT string_agg(step || ' ' || attempt || ' ' || status, ', ' ORDER BY id) FROM augur.step_runs WHERE run_id = };
my $marks = q{SELECT string_agg(step, ' ' ORDER BY step) FROM done WHERE run = };
# kind: what is done to the process
my %deeds = (
	'terminated worker' => sub { $node->safe_psql('postgres', "SELECT pg_terminate_backend($_[0])") },
	'killed worker' => sub { kill_process($node, $_[0]) },
	'killed server' => sub { $node->stop('immediate'); $node->start });
foreach my $deed (sort keys %deeds)
{
	$run = as('bob', q{SELECT augur.queue_run('once')});
	my $pid = begun($run, 'dies');
	# the other one has no further attempt
	$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM augur.step_runs WHERE run_id = $run AND step = 'other' AND status = 'success'") or die;
	$deeds{$deed}->($pid);
	is(drive($run), 'success', "$deed: the run goes on");
	is($node->safe_psql('postgres', $steps . $run), $all, "$deed: the attempt has crashed, and there is another one");
	is($node->safe_psql('postgres', $marks . $run), 'dies first last other', "$deed: each step was done once");
	is($node->safe_psql('postgres', "SELECT count(*) FROM augur.events WHERE kind IN ('step_crashed', 'pipeline_succeeded') AND payload ->> 'run' = '$run'"),
		'2', "$deed: both are events");
}
$run = as('bob', q{SELECT augur.queue_run('suicide')});
is(drive($run), 'crashed', 'a step that ends its session again and again');
is($node->safe_psql('postgres', $steps . $run), 'self 1 crashed, alarm 1 success, self 2 crashed', 'has crashed, and what waits for a failure runs');
# the session that called
($out, $err) = ('', '');
$psql = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres') . ' user=bob', '-c', q{CALL augur.run_pipeline('once')} ],
	'<', '/dev/null', '>', \$out, '2>', \$err);
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM augur.step_runs WHERE step = 'dies' AND status = 'running'}) or die 'does not begin';
$run = $node->safe_psql('postgres', q{SELECT max(id) FROM augur.pipeline_runs});
$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM augur.step_runs WHERE run_id = $run AND step = 'other' AND status = 'success'") or die;
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM augur.step_runs WHERE step = 'dies' AND status = 'running'});
done_within($psql);
is(drive($run), 'success', 'a terminated session that called');
is($node->safe_psql('postgres', $marks . $run), 'dies first last other', 'each step was done once');
# one that gives up all advisory locks is alive all the same
as('bob', <<'SQL');
SELECT augur.create_pipeline('unlock', max_parallel => 1);
SELECT augur.add_step('unlock', 'u', timeout => '2 hours', sql => $$SELECT pg_advisory_unlock_all(), mark();
	DO 'BEGIN WHILE (SELECT last_value < 1000 FROM public.arrived) LOOP PERFORM pg_sleep(0.1); END LOOP; END'$$);
SQL
$run = as('bob', q{SELECT augur.queue_run('unlock')});
asleep($run, 1);
tick(q{now() + interval '1 hour'}) for 1 .. 3;
$node->safe_psql('postgres', q{SELECT setval('arrived', 1000)});
is(ended($run), 'success', 'a step cannot look dead');
is($node->safe_psql('postgres', $steps . $run), 'u 1 success', 'and is not run twice');

# ---- owners who cannot, slots that are not there --------------------------------------------------------
as('eve', <<'SQL');
SELECT augur.create_pipeline('eves', max_parallel => 1);
SELECT augur.add_step('eves', 's', sql => 'SELECT mark()');
SELECT augur.enable_pipeline('eves', false);
SQL
# queued while none could be started, and then it turns out
my $one = q{INSERT INTO augur.pipeline_runs (pipeline_id, pipeline, owner, status, logical_date, interval_start, interval_end)
	SELECT id, name, owner, 'queued', now(), now(), now() FROM augur.pipelines WHERE name = 'eves'};
$run = as('eve', q{SELECT augur.queue_run('eves')});
$node->safe_psql('postgres', q{REVOKE CONNECT ON DATABASE postgres FROM PUBLIC; GRANT CONNECT ON DATABASE postgres TO bob, op});
as('op', q{SELECT augur.enable_pipeline('eves')});
tick();
is(status($run), 'failed', 'an owner who may not connect');
like($node->safe_psql('postgres', "SELECT reason FROM augur.pipeline_runs WHERE id = $run"), qr/owner "eve" may not connect/, 'and why');
$node->safe_psql('postgres', "GRANT CONNECT ON DATABASE postgres TO PUBLIC; ALTER ROLE eve NOLOGIN; $one");
$run = $node->safe_psql('postgres', 'SELECT max(id) FROM augur.pipeline_runs');
if ($major >= 17)
{
	is(drive($run), 'success', 'an owner who may not log in');
}
else
{
	is(drive($run), 'failed', 'an owner who may not log in');
	like($node->safe_psql('postgres', "SELECT reason FROM augur.pipeline_runs WHERE id = $run"), qr/may not log in/, 'and why');
}
$node->safe_psql('postgres', "ALTER ROLE eve LOGIN; SELECT augur.revoke_preset('eve'); $one");
$run = $node->safe_psql('postgres', 'SELECT max(id) FROM augur.pipeline_runs');
is(drive($run), 'failed', 'an owner without rights');
like($node->safe_psql('postgres', "SELECT reason FROM augur.pipeline_runs WHERE id = $run"), qr/no preset/, 'and why');
$node->safe_psql('postgres', "$one; DROP OWNED BY eve; DROP ROLE eve");
$run = $node->safe_psql('postgres', 'SELECT max(id) FROM augur.pipeline_runs');
is(drive($run), 'failed', 'an owner who was dropped');
like($node->safe_psql('postgres', "SELECT reason FROM augur.pipeline_runs WHERE id = $run"), qr/does not exist/, 'and why');
$node->safe_psql('postgres', q{SELECT augur.drop_pipeline('eves')});

# all slots taken: it waits, says why, and runs when there is one
as('bob', <<'SQL');
SELECT augur.create_pipeline('fill', max_parallel => 1, max_active => 64);
SELECT augur.add_step('fill', 'sleep', sql => 'SELECT pg_sleep(600)');
SQL
as('bob', q{SELECT augur.queue_run('fill')}) for 1 .. 16;
$node->poll_query_until('postgres', q{SELECT count(*) >= 8 FROM augur.pipeline_runs WHERE pipeline = 'fill' AND status = 'running'}) or die 'slots are not taken';
$run = as('bob', q{SELECT augur.queue_run('climb')});
$node->safe_psql('postgres', "UPDATE augur.pipeline_runs SET launched_at = now() - interval '1 minute' WHERE status = 'queued'");
tick();
is($node->safe_psql('postgres', "SELECT status, launches < 5, reason FROM augur.pipeline_runs WHERE id = $run"),
	'queued|t|no background worker slot was free', 'without a slot a run waits');
is($node->safe_psql('postgres', q{SELECT queued, reason FROM augur.queue_depth WHERE pipeline = 'climb'}), '1|no background worker slot was free', 'and says why');
as('op', q{SELECT count(augur.cancel_run(id)) FROM augur.pipeline_runs WHERE pipeline = 'fill' AND ended_at IS NULL});
is(drive($_), 'cancelled', "run $_ gives up its slot") foreach split /\n/, $node->safe_psql('postgres', q{SELECT id FROM augur.pipeline_runs WHERE pipeline = 'fill' ORDER BY id});
is(drive($run), 'success', 'and runs later');

# ---- several ticks at a time -----------------------------------------------------------------------------
as('bob', <<'SQL');
SELECT augur.create_pipeline('many', max_parallel => 2, max_active => 4);
SELECT augur.add_step('many', s, sql => 'SELECT mark()') FROM unnest('{a,b}'::text[]) s;
SELECT augur.add_step('many', 'c', sql => 'SELECT mark()', needs => '{a,b}');
SELECT count(*) FROM augur.backfill('many', '2026-01-01', '2026-02-01');
SQL
my @ticks = map { IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres') . ' user=op', map { ('-c', 'CALL augur.tick()') } 1 .. 20 ],
	'<', '/dev/null', '>', \my $o, '2>', \my $e) } 1 .. 4;
done_within($_) for @ticks;
$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM augur.pipeline_runs WHERE pipeline = 'many' AND ended_at IS NULL}) or die 'do not end';
is($node->safe_psql('postgres', q{SELECT count(*), min(status), max(status) FROM augur.pipeline_runs WHERE pipeline = 'many'}), '31|success|success', 'a month of runs');
is($node->safe_psql('postgres', q{SELECT count(*), count(DISTINCT (run, step)) FROM done WHERE run IN (SELECT id FROM augur.pipeline_runs WHERE pipeline = 'many')}),
	'93|93', 'each step once');

# ---- killed at any moment --------------------------------------------------------------------------------
as('bob', q{SELECT augur.add_step('many', s, sql => 'SELECT mark(), pg_sleep(0.05)', retries => 20, delay => '0', replace => true) FROM unnest('{a,b}'::text[]) s});
as('bob', q{SELECT augur.add_step('many', 'c', sql => 'SELECT mark(), pg_sleep(0.05)', retries => 20, delay => '0', needs => '{a,b}', replace => true)});
srand(11);
my $rounds = 12;
my $first = $node->safe_psql('postgres', 'SELECT max(id) + 1 FROM augur.pipeline_runs');
foreach my $round (1 .. $rounds)
{
	as('bob', qq{SELECT count(*) FROM augur.backfill('many', '2025-01-01'::timestamptz + interval '5 days' * $round, '2025-01-06'::timestamptz + interval '5 days' * $round)});
	usleep(int(rand(500_000)));
	my $pids = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'augur pipeline' ORDER BY random() LIMIT 1});
	if ($round % 3 == 0) { $node->stop('immediate'); $node->start; }
	elsif ($pids && $round % 3 == 1) { kill_process($node, $pids); }
	elsif ($pids) { $node->safe_psql('postgres', "SELECT pg_terminate_backend($pids)"); }
	tick();
}
for (1 .. 600)
{
	last if $node->safe_psql('postgres', q{SELECT count(*) FROM augur.pipeline_runs WHERE ended_at IS NULL}) == 0;
	tick(q{now() + interval '1 hour'});
	usleep(200_000);
}
is($node->safe_psql('postgres', "SELECT status, count(*) FROM augur.pipeline_runs WHERE id >= $first GROUP BY status"), 'success|' . 5 * $rounds, 'all runs ended well');
is($node->safe_psql('postgres', "SELECT count(*), count(DISTINCT (run, step)) FROM done WHERE run >= $first"), (15 * $rounds) . '|' . (15 * $rounds),
	'no step was lost or done twice');
is($node->safe_psql('postgres', "SELECT count(*) FROM augur.step_runs s WHERE run_id >= $first AND attempt > 1 AND NOT EXISTS
	(SELECT FROM augur.step_runs b WHERE b.run_id = s.run_id AND b.step = s.step AND b.attempt = s.attempt - 1 AND b.status = 'crashed')"), '0',
	'none was tried again without a crash that is told');
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM augur.step_runs WHERE run_id >= $first AND status = 'crashed'"), '>', 0, 'some had crashed');
is($node->safe_psql('postgres', "SELECT count(*) FROM augur.pipeline_runs r WHERE id >= $first
	AND (SELECT count(*) FROM augur.events e WHERE e.kind = 'pipeline_succeeded' AND (e.payload ->> 'run')::bigint = r.id) <> 1"), '0', 'each end is one event');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'augur pipeline'}), 'no worker is left');

$node->stop;
done_testing();
