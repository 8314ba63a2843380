# What roles could do to each other by pipelines: code of an owner in the session of whoever ticks, events
# that happen again, one run in the way of all others, a tick that never comes back; and whose pipelines are.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Server qw(at_rest);
use Test::More;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('rights');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "augur.verbosity = 0\nmax_worker_processes = 16\nmax_parallel_workers = 0\nautovacuum = off\n");
$node->start;
my $major = int($node->safe_psql('postgres', 'SHOW server_version_num') / 10000);
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION augur;
CREATE ROLE ann LOGIN;
CREATE ROLE bob LOGIN;
CREATE ROLE op LOGIN;
CREATE ROLE team LOGIN;
GRANT team TO ann;
SELECT augur.grant_preset(r, 'trainer') FROM unnest('{ann,bob,team}'::name[]) r;
SELECT augur.grant_preset('op', 'operator');
CREATE SCHEMA lair AUTHORIZATION ann;
GRANT USAGE ON SCHEMA lair TO PUBLIC;
CREATE TABLE done (run bigint, who name DEFAULT current_user, session name DEFAULT session_user);
GRANT INSERT, SELECT ON done TO ann, bob, team;
SQL

sub as { my ($role, $sql) = @_; return $node->safe_psql('postgres', $sql, extra_params => [ '-U', $role ]); }
sub fails { my ($role, $sql) = @_; my ($rc, $out, $err) = $node->psql('postgres', $sql, extra_params => [ '-U', $role ]); return $err; }
sub one { return $node->safe_psql('postgres', $_[0]); }
sub ended { my ($run) = @_;
	$node->poll_query_until('postgres', "SELECT ended_at IS NOT NULL FROM augur.pipeline_runs WHERE id = $run") or diag(one('TABLE augur.step_runs'));
	return one("SELECT status FROM augur.pipeline_runs WHERE id = $run"); }

# ---- types of parameters are the server's own, whatever an owner writes into his row ---------------------
as('ann', <<'SQL');
CREATE TABLE lair.caught (who name, how text);
GRANT ALL ON lair.caught TO PUBLIC;
CREATE FUNCTION lair.bait(text) RETURNS boolean LANGUAGE plpgsql AS
	$$BEGIN INSERT INTO lair.caught VALUES (current_user, 'bait'); RETURN true; END$$;
CREATE DOMAIN lair.trap AS text CHECK (lair.bait(value));
SELECT augur.create_pipeline('trap', '{"x": {"type": "text", "default": "1"}}');
SELECT augur.add_step('trap', 's', sql => 'SELECT 1');
SELECT augur.on_event('trap', 'bell', params => '{"x": "3"}');
SELECT augur.schedule('trap', '* * * * *', params => '{"x": "2"}');
UPDATE augur.pipelines SET params = '{"x": {"type": "lair.trap", "default": "1"}}' WHERE name = 'trap';
SQL
$node->psql('postgres', q{CALL augur.tick(now() + interval '2 minutes')});
$node->psql('postgres', q{SELECT augur.emit('bell')});
like(fails('op', q{SELECT augur.queue_run('trap', '{"x": "4"}')}), qr/type lair\.trap does not come with PostgreSQL/, 'a type of an owner is refused where it is used');
is(one('SELECT count(*) FROM lair.caught'), '0', 'and none of its code runs as whoever ticks, emits or asks');
like(one('SELECT note FROM augur.schedules'), qr/does not come with PostgreSQL/, 'the schedule says so');
as('ann', q{SELECT augur.drop_pipeline('trap')});

# ---- an event happens once --------------------------------------------------------------------------------
as('bob', <<'SQL');
SELECT augur.create_pipeline('heard');
SELECT augur.add_step('heard', 's', sql => 'INSERT INTO public.done SELECT augur.run_id()');
SELECT augur.on_event('heard', 'arrived');
SQL
my $event = as('bob', q{SELECT augur.emit('arrived')});
is(one(q{SELECT count(*) FROM augur.pipeline_runs WHERE pipeline = 'heard'}), '1', 'an event queues a run');
as('ann', "SELECT augur._pipeline_event($event)");
as('bob', "SELECT augur._pipeline_event($event)");
is(one(q{SELECT count(*) FROM augur.pipeline_runs WHERE pipeline = 'heard'}), '1', 'nobody has it happen again');
# written in a part of the transaction
as('bob', q{DO 'BEGIN BEGIN PERFORM augur.emit(''arrived''); EXCEPTION WHEN OTHERS THEN NULL; END; END'});
is(one(q{SELECT count(*) FROM augur.pipeline_runs WHERE pipeline = 'heard'}), '2', 'one of a subtransaction counts, too');
one('CALL augur.tick()');
is(ended(one('SELECT min(id) FROM augur.pipeline_runs')), 'success', 'and is run');

# ---- one run is in nobody's way ---------------------------------------------------------------------------
like(fails('ann', q{SELECT augur.create_pipeline('long', keep => '290000 years')}), qr/keep must not be more than 1000 years/, 'times that no clock has');
like(fails('ann', q{SELECT augur.create_pipeline('long', run_timeout => '290000 years')}), qr/run_timeout must not/, 'are refused');
as('ann', q{SELECT augur.create_pipeline('broken'); SELECT augur.add_step('broken', 's', sql => 'SELECT pg_sleep(600)')});
like(fails('ann', q{UPDATE augur.pipelines SET keep = '290000 years' WHERE name = 'broken'}), qr/pipelines_keep_check/, 'in the row, too');
like(fails('ann', q{SELECT augur.add_step('broken', 't', sql => 'SELECT 1', delay => '290000 years')}), qr/must not be more than 1000 years/, 'and of steps');
# a plan that cannot be read
as('ann', <<'SQL');
INSERT INTO augur.pipeline_runs (pipeline_id, pipeline, owner, status, logical_date, interval_start, interval_end)
	SELECT id, name, owner, 'queued', now(), now(), now() FROM augur.pipelines WHERE name = 'broken';
UPDATE augur.pipeline_runs SET status = 'running', started_at = now(), plan = '{"run_timeout": "soon", "steps": []}' WHERE pipeline = 'broken';
SQL
as('bob', <<'SQL');
SELECT augur.create_pipeline('again', max_parallel => 1);
SELECT augur.add_step('again', 's', sql => $$SELECT 1 / ((SELECT count(*) FROM augur.step_runs WHERE run_id = augur.run_id()) - 1)$$, retries => 1, delay => '1 hour');
SQL
my $run = as('bob', q{SELECT augur.queue_run('again')});
$node->poll_query_until('postgres', "SELECT resume_at IS NOT NULL FROM augur.pipeline_runs WHERE id = $run") or die 'does not wait';
like(fails('op', q{CALL augur.tick(now() + interval '2 hours')}), qr/WARNING:  augur.tick: part running, run \d+ failed/, 'a run that cannot be gone on with');
is(ended($run), 'success', 'keeps no other from getting on');
is(one(q{SELECT status FROM augur.health() WHERE component = 'tick'}), 'warning', 'and health tells');
as('ann', q{UPDATE augur.pipeline_runs SET status = 'cancelled', ended_at = now() WHERE pipeline = 'broken'});

# more attempts than a power of two fits into an interval
is(one(q{SELECT augur._retry_at('{"delay": "3 days", "max_delay": "4 days"}', 99) <= now() + interval '96 hours 1 minute'}), 't', 'a delay after many attempts');

# ---- rows that somebody does not let go of ------------------------------------------------------------------
my $hog;
sub holds
{
	my ($role, $sql) = @_;
	$hog = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-U', $role,
		'-c', "BEGIN; $sql; SELECT pg_sleep(600)" ], '<', '/dev/null', '>', \my $o, '2>', \my $e);
	$node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM pg_stat_activity WHERE query ~ 'pg_sleep\(600\)$' AND wait_event = 'PgSleep'
		AND pid <> pg_backend_pid()}) or die 'does not hold';
}
sub lets_go { one(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ 'pg_sleep\(600\)$' AND wait_event = 'PgSleep'}); $hog->finish; }
my $soon = q{SET statement_timeout = '15 s'};
at_rest($node);
foreach my $role ('ann', 'bob')
{
	as($role, qq{SELECT augur.create_pipeline('held_$role', max_active => 9);
		SELECT augur.add_step('held_$role', 's', sql => 'INSERT INTO public.done SELECT augur.run_id()');
		SELECT augur.enable_pipeline('held_$role', false); SELECT augur.queue_run('held_$role');
		UPDATE augur.pipeline_runs SET due_at = now() - interval '1 s' WHERE pipeline = 'held_$role';
		SELECT augur.enable_pipeline('held_$role')});
}
holds('ann', q{SELECT id FROM augur.pipeline_runs WHERE pipeline = 'held_ann' FOR UPDATE});
is(fails('op', "$soon; CALL augur.tick()"), '', 'a tick goes past a run that is held');
is(ended(one(q{SELECT id FROM augur.pipeline_runs WHERE pipeline = 'held_bob'})), 'success', 'to those of others');
lets_go();
as('op', 'CALL augur.tick()');
is(ended(one(q{SELECT id FROM augur.pipeline_runs WHERE pipeline = 'held_ann'})), 'success', 'and comes back to it');
# old ones, too
as($_, qq{UPDATE augur.pipelines SET keep = '1 s' WHERE name = 'held_$_'}) foreach ('ann', 'bob');
holds('ann', q{SELECT id FROM augur.pipeline_runs WHERE pipeline = 'held_ann' FOR UPDATE});
usleep(1_100_000);
is(fails('op', "$soon; CALL augur.tick()"), '', 'a tick goes past an old run that is held');
is(one(q{SELECT string_agg(pipeline, ' ') FROM augur.pipeline_runs WHERE pipeline ~ '^held'}), 'held_ann', 'and deletes those of others');
lets_go();
# what is due: of two ways to queue it, a pipeline with parameters takes the long one
foreach my $params ('{}', '{"x": {"type": "integer", "default": 1}}')
{
	as($_, qq{UPDATE augur.pipelines SET keep = '1 day' WHERE name = 'held_$_'; SELECT augur.alter_pipeline('held_$_', params => '$params');
		SELECT augur.enable_pipeline('held_$_', false); SELECT augur.schedule('held_$_', '* * * * *', start => now())}) foreach ('ann', 'bob');
	one(q{UPDATE augur.pipelines SET enabled = true WHERE name ~ '^held'});
	holds('ann', q{SELECT id FROM augur.pipelines WHERE name = 'held_ann' FOR UPDATE});
	is(fails('op', "$soon; CALL augur.tick(now() + interval '2 minutes')"), '', 'a tick goes past a pipeline that is held');
	lets_go();
	is(one(q{SELECT string_agg(DISTINCT pipeline, ' ') FROM augur.pipeline_runs WHERE pipeline ~ '^held' AND trigger = 'schedule'}), 'held_bob', 'and queues the others');
	as('op', q{CALL augur.tick(now() + interval '2 minutes')});
	is(one(q{SELECT string_agg(DISTINCT pipeline, ' ' ORDER BY pipeline) FROM augur.pipeline_runs WHERE pipeline ~ '^held' AND trigger = 'schedule'}),
		'held_ann held_bob', 'which is queued when it is let go of');
	as($_, qq{SELECT augur.unschedule('held_$_')}) foreach ('ann', 'bob');
	at_rest($node);
	one(q{DELETE FROM augur.pipeline_runs WHERE pipeline ~ '^held'});
}
# events of others: whoever writes one does not wait for those whom it starts
as('ann', q{SELECT augur.on_event('held_ann', 'knock')});
holds('ann', q{SELECT id FROM augur.pipelines WHERE name = 'held_ann' FOR UPDATE});
is(fails('team', "$soon; SELECT augur.emit('knock')"), '', 'an event goes past a pipeline that is held');
lets_go();
as('op', q{CALL augur.tick()});
is(one(q{SELECT count(*), min(trigger) FROM augur.pipeline_runs WHERE pipeline = 'held_ann'}), '1|event knock', 'which it starts nevertheless');
at_rest($node);
as('ann', q{SELECT augur.alter_pipeline('held_ann', concurrency => 'replace', max_active => 1); SELECT augur.enable_pipeline('held_ann', false);
	SELECT augur.queue_run('held_ann'); SELECT augur.enable_pipeline('held_ann')});
holds('ann', q{SELECT id FROM augur.pipeline_runs WHERE pipeline = 'held_ann' FOR UPDATE});
is(fails('team', "$soon; SELECT augur.emit('knock')"), '', 'and past a run that it would replace');
lets_go();
as('op', q{CALL augur.tick()});
is(one(q{SELECT string_agg(status, ' ' ORDER BY id) FROM augur.pipeline_runs WHERE pipeline = 'held_ann' AND id > (SELECT min(id) FROM augur.pipeline_runs WHERE pipeline = 'held_ann')
	AND status = 'cancelled'}), 'cancelled', 'which it replaces nevertheless');
at_rest($node);
as($_, qq{SELECT augur.drop_pipeline('held_$_')}) foreach ('ann', 'bob');

# ---- ticks --------------------------------------------------------------------------------------------------
foreach my $at ('infinity', '-infinity')
{
	like(fails('op', "CALL augur.tick('$at')"), qr/as_of must be a finite time/, "there is no tick at $at");
}
cmp_ok(one('SELECT count(*) FROM augur.pipeline_runs'), '>', 1, 'and no history is deleted by it');
like(fails('ann', 'SELECT augur._tick_lock(true)'), qr/permission denied/, 'ordinary roles do not keep others from ticking');
# with what an advisory lock would be
my ($in, $out, $err) = ('', '', '');
my $session = IPC::Run::start([ 'psql', '-X', '-q', '-A', '-t', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$err);
sub say_in { $in .= "$_[0]\n\\echo told\n"; $out = '';
	for (1 .. 3600) { $session->pump_nb; return $out if $out =~ /told/; usleep(50_000); }
	die "no answer to $_[0]"; }
say_in(q{SELECT pg_advisory_lock(hashtext('augur.tick'), 0);});
my $before = one('SELECT clock_timestamp()');
as('op', 'CALL augur.tick()');
is(one("SELECT at > '$before' FROM augur.tick_state"), 't', 'a lock that anybody can take does not stop the clock');
# a tick that is cancelled leaves nothing behind in its session
my $other = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'),
	'-c', q{BEGIN; LOCK TABLE augur.pipeline_schedules; SELECT pg_sleep(600); COMMIT} ], '<', '/dev/null', '>', \my $o, '2>', \my $e);
$node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM pg_locks WHERE relation = 'augur.pipeline_schedules'::regclass AND mode = 'AccessExclusiveLock' AND granted}) or die 'the table is not locked';
say_in(q{SET statement_timeout = '300 ms'; CALL augur.tick();});
like($err, qr/statement timeout/, 'a tick is cancelled');
one(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '^BEGIN; LOCK TABLE'});
IPC::Run::finish($other);
$before = one('SELECT clock_timestamp()');
as('op', 'CALL augur.tick()');
is(one("SELECT at > '$before' FROM augur.tick_state"), 't', 'and its session, which goes on, is in nobody\'s way');
# two at a time
say_in(q{RESET statement_timeout; BEGIN; SELECT augur._tick_lock(true);});
my $at = one('SELECT at FROM augur.tick_state');
as('op', 'CALL augur.tick()');
is(one('SELECT at FROM augur.tick_state'), $at, 'a second one returns at once, and does nothing');
say_in('ROLLBACK;');
$in .= "\\q\n";
IPC::Run::finish($session);
# defaults of a database
one(q{ALTER DATABASE postgres SET default_transaction_isolation = 'repeatable read'; ALTER DATABASE postgres SET default_transaction_read_only = on});
is(fails('op', 'CALL augur.tick()'), '', 'a database whose transactions are read-only and see the past is ticked, too');
one(q{BEGIN READ WRITE; ALTER DATABASE postgres RESET ALL; COMMIT});

# ---- clocks that are set back --------------------------------------------------------------------------------
$run = as('bob', q{SELECT augur.enable_pipeline('heard', false); SELECT augur.queue_run('heard')});
($run) = $run =~ /(\d+)/;
one("UPDATE augur.pipeline_runs SET launched_at = now() + interval '1 day', launches = 1 WHERE id = $run");
as('bob', q{SELECT augur.enable_pipeline('heard')});
as('op', 'CALL augur.tick()');
is(ended($run), 'success', 'a worker of tomorrow is not waited for');

# ---- switched off ----------------------------------------------------------------------------------------------
as('bob', q{SELECT augur.create_pipeline('off', max_parallel => 1); SELECT augur.add_step('off', 's', sql => 'SELECT 1 / 0')});
fails('bob', q{CALL augur.run_pipeline('off')});
as('bob', q{SELECT augur.add_step('off', 's', sql => 'SELECT 1', replace => true); SELECT augur.enable_pipeline('off', false)});
$run = as('bob', q{SELECT augur.rerun(max(id)) FROM augur.pipeline_runs WHERE pipeline = 'off'});
as('op', 'CALL augur.tick()');
usleep(500_000);
is(one("SELECT status, launches FROM augur.pipeline_runs WHERE id = $run"), 'queued|0', 'a rerun of a pipeline that is off waits');
as('bob', q{SELECT augur.enable_pipeline('off')});
as('op', 'CALL augur.tick()');
is(ended($run), 'success', 'until it is on');

# ---- an owner whose transactions are read-only --------------------------------------------------------------------
as('bob', q{SELECT augur.create_pipeline(n), augur.add_step(n, 's', sql => 'SELECT 1') FROM unnest('{ro_first,ro_next}'::text[]) n;
	SELECT augur.enable_pipeline('ro_next', false); SELECT augur.queue_run('ro_next'); SELECT augur.enable_pipeline('ro_next')});
one(q{ALTER ROLE bob SET default_transaction_read_only = on});
as('bob', q{BEGIN READ WRITE; SELECT augur.queue_run('ro_first'); COMMIT});
is(ended(one(q{SELECT id FROM augur.pipeline_runs WHERE pipeline = 'ro_next'})), 'success', 'his worker goes on with what waits');
one(q{ALTER ROLE bob RESET default_transaction_read_only});

# ---- a new schedule, whose slot begins when one of the old did ---------------------------------------------------
as('bob', q{SELECT augur.schedule('off', '0 6,18 * * *', start => '2030-01-01 07:00+00')});
one(q{SELECT augur._queue_due('2030-01-02 18:00+00')});
as('bob', q{SELECT augur.schedule('off', '0 6 * * *', start => '2030-01-02 19:00+00')});
one(q{SELECT augur._queue_due('2030-01-03 06:00+00')});
is(one(q{SET timezone = 'UTC'; SELECT logical_date, interval_end FROM augur.pipeline_runs WHERE trigger = 'schedule' AND pipeline = 'off' ORDER BY id DESC LIMIT 2}),
	"2030-01-02 06:00:00+00|2030-01-03 06:00:00+00\n2030-01-02 06:00:00+00|2030-01-02 18:00:00+00", 'is not lost');
one(q{SELECT augur._queue_due('2030-01-03 06:00+00')});
is(one(q{SELECT count(*) FROM augur.pipeline_runs WHERE interval_end = '2030-01-03 06:00+00'}), '1', 'and comes once');
as('bob', q{SELECT count(augur.cancel_run(id)) FROM augur.pipeline_runs WHERE pipeline = 'off' AND ended_at IS NULL});

# ---- what can be no step, written by hand ------------------------------------------------------------------------
as('bob', q{SELECT augur.create_pipeline('hand'); INSERT INTO augur.pipeline_steps (pipeline_id, step, position, kind, body)
	SELECT id, 's', 1, 'sql', '{"sql": "COMMIT"}' FROM augur.pipelines WHERE name = 'hand'});
like(fails('bob', q{CALL augur.run_pipeline('hand')}), qr/cannot be part of a step/, 'is an error, and not done without having been');

# ---- whose it is ---------------------------------------------------------------------------------------------------
as('ann', q{SELECT augur.create_pipeline('mine'); SELECT augur.add_step('mine', 's', sql => 'INSERT INTO public.done SELECT augur.run_id()')});
as('ann', q{CALL augur.run_pipeline('mine')});
like(fails('ann', q{SELECT augur.alter_pipeline('mine', owner => 'bob')}), qr/must be able to SET ROLE "bob"/, 'not given to somebody whose rights one has not');
like(fails('ann', q{UPDATE augur.pipelines SET owner = 'bob' WHERE name = 'mine'}), qr/must be able to SET ROLE "bob"/, 'nor by hand');
like(fails('op', q{SELECT augur.alter_pipeline('mine', owner => 'op')}), qr/must be owner of pipeline "mine"/, 'nor taken by an operator');
like(fails('op', q{UPDATE augur.pipelines SET owner = 'op' WHERE name = 'mine'}), qr/must be owner of pipeline "mine"/, 'nor by hand');
like(fails('ann', q{UPDATE augur.pipeline_runs SET owner = 'bob'}), qr/permission denied/, 'nor its runs');
like(fails('ann', q{SELECT augur.alter_pipeline('mine', owner => 'nobody')}), qr/role "nobody" does not exist/, 'nor to nobody');
like(fails('ann', q{SELECT augur.alter_pipeline('mine', owner => 'public')}), qr/public cannot own a pipeline/, 'nor to everybody');
if ($major >= 16)
{
	one('GRANT bob TO ann WITH SET FALSE, INHERIT TRUE');
	like(fails('ann', q{SELECT augur.alter_pipeline('mine', owner => 'bob')}), qr/must be able to SET ROLE "bob"/, 'nor without SET');
	one('REVOKE bob FROM ann');
}
as('ann', q{SELECT augur.schedule('mine', '@daily')});
my $queued = as('ann', q{SELECT augur.enable_pipeline('mine', false); SELECT augur.queue_run('mine'); SELECT augur.enable_pipeline('mine')});
($queued) = $queued =~ /(\d+)/;
as('ann', q{SELECT augur.alter_pipeline('mine', owner => 'team')});
is(one(q{SELECT p.owner, count(DISTINCT r.owner), min(r.owner::text) FROM augur.pipelines p JOIN augur.pipeline_runs r ON r.pipeline_id = p.id WHERE p.name = 'mine' GROUP BY 1}),
	'team|1|team', 'given to a role that one is a member of, with its history');
is(one(q{SELECT subject, owner, payload ->> 'from', payload ->> 'to' FROM augur.events WHERE kind = 'owner_changed'}), 'mine|ann|ann|team', 'which is an event');
like(fails('ann', q{SELECT augur.add_step('mine', 't', sql => 'SELECT 1')}), qr/must be owner of pipeline "mine"/, 'from then on it is the other one\'s');
as('op', 'CALL augur.tick()');
is(ended($queued), 'success', 'what was queued runs');
is(one("SELECT who, session FROM done WHERE run = $queued"), 'team|team', 'as the new owner');
as('team', q{SELECT augur.add_step('mine', 't', sql => 'SELECT pg_sleep(600)')});
$run = as('team', q{SELECT augur.queue_run('mine')});
# a cancel before that ends the worker between two steps, and leaves the rest to the next tick
$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM augur.step_runs s JOIN pg_stat_activity a USING (pid)
	WHERE s.run_id = $run AND s.step = 't' AND s.status = 'running' AND a.wait_event = 'PgSleep'") or die 'does not sleep';
my ($rc, $none, $busy) = $node->psql('postgres', q{SELECT augur.alter_pipeline('mine', owner => 'ann')});
like($busy, qr/run $run of pipeline "mine" is running/, 'not while it is running');
as('team', "SELECT augur.cancel_run($run)");
is(ended($run), 'cancelled', 'which can be stopped');
# an owner who is dropped: a superuser gives what he left to somebody
one(q{SELECT augur.revoke_preset('team')});
one(q{DROP OWNED BY team; DROP ROLE team});
is(one(q{SELECT status FROM augur.health() WHERE component = 'owners'}), 'warning', 'health knows of an owner who is gone');
one(q{SELECT augur.alter_pipeline('mine', owner => 'ann')});
as('ann', q{SELECT augur.drop_step('mine', 't')});
$run = as('ann', q{SELECT augur.queue_run('mine')});
is(ended($run), 'success', 'and what he left can be given to another one');
is(one(q{SELECT status FROM augur.health() WHERE component = 'owners'}), 'ok', 'then all is well');

# ---- pools: so many steps at a time, whosever they are ------------------------------------------------------------
like(fails('ann', q{SELECT augur.set_pool('gpu', 2)}), qr/permission denied for pool 'gpu'/, 'ordinary roles make no pool');
like(fails('ann', q{INSERT INTO augur.pools (name, slots) VALUES ('gpu', 2)}), qr/row-level security/, 'nor a row');
like(fails('op', q{SELECT augur.set_pool('a b', 2)}), qr/invalid name of a pool/, 'a name');
like(fails('op', q{SELECT augur.set_pool('gpu', -1)}), qr/slots must be between 0 and 1000/, 'a number');
as('op', q{SELECT augur.set_pool('gpu', 2, 'two cards')});
one(q{CREATE TABLE busy (during tstzrange, who name DEFAULT current_user); GRANT ALL ON busy TO ann, bob});
like(fails('ann', q{SELECT augur.add_step('mine', 'g', sql => 'SELECT 1', pool => 'gpv')}), qr/pool "gpv" does not exist.*Perhaps you meant "gpu"/s, 'a pool that is none');
foreach my $role ('ann', 'bob')
{
	as($role, qq{SELECT augur.create_pipeline('gpu_$role', max_active => 8, max_parallel => 4);
		SELECT augur.add_step('gpu_$role', s, pool => 'gpu', sql => 'WITH t AS MATERIALIZED (SELECT clock_timestamp() AS b, pg_sleep(0.4))
			INSERT INTO public.busy SELECT tstzrange(b, clock_timestamp()) FROM t') FROM unnest('{x,y}'::text[]) s;
		SELECT augur.queue_run('gpu_$role') FROM generate_series(1, 4)});
}
for (1 .. 900)
{
	last if one(q{SELECT count(*) FROM augur.pipeline_runs WHERE pipeline ~ '^gpu' AND ended_at IS NULL}) eq '0';
	as('op', 'CALL augur.tick()');
	usleep(100_000);
}
is(one(q{SELECT string_agg(DISTINCT status, ' '), count(*) FROM augur.pipeline_runs WHERE pipeline ~ '^gpu'}), 'success|8', 'all have had their turn');
is(one(q{SELECT count(*) FROM busy}), '16', 'each step once');
is(one(q{SELECT max((SELECT count(*) FROM busy o WHERE o.during @> lower(b.during))) FROM busy b}), '2', 'never more than two at the same time, and two');
like(fails('op', q{SELECT augur.drop_pool('gpu')}), qr/pool "gpu" is named by steps.*gpu_ann.*gpu_bob/s, 'a pool in use stays');
# none at all; then a slot is taken up at once; one whose session is gone gives it back
as('op', q{SELECT augur.set_pool('gpu', 0)});
as('ann', q{SELECT augur.add_step('gpu_ann', 'x', pool => 'gpu', replace => true, retries => 1, delay => '0',
	sql => 'SELECT pg_sleep(600) WHERE (SELECT max(attempt) FROM augur.step_runs WHERE run_id = augur.run_id() AND step = ''x'') = 1');
	SELECT augur.drop_step('gpu_ann', 'y')});
$run = as('ann', q{SELECT augur.queue_run('gpu_ann')});
$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM augur.step_runs WHERE run_id = $run AND status = 'ready'") or die 'does not wait';
for (1 .. 7) { one("UPDATE augur.pipeline_runs SET launched_at = launched_at - interval '11 s' WHERE id = $run"); as('op', 'CALL augur.tick()'); usleep(150_000); }
is(one("SELECT r.status, s.status FROM augur.pipeline_runs r JOIN augur.step_runs s ON s.run_id = r.id WHERE r.id = $run"), 'running|ready',
	'a run waits for a pool as long as it takes');
is(one(q{SELECT slots, running, waiting FROM augur.pool_status}), '0|0|1', 'which can be seen');
as('op', q{SELECT augur.set_pool('gpu', 1)});
$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM augur.step_runs WHERE run_id = $run AND status = 'running'") or die 'does not begin';
my $waits = as('bob', q{SELECT augur.queue_run('gpu_bob')});
$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM augur.step_runs WHERE run_id = $waits AND status = 'ready'") or die 'does not wait';
one("SELECT pg_terminate_backend(pid) FROM augur.step_runs WHERE run_id = $run AND status = 'running'");
for (1 .. 900) { last if one("SELECT count(*) FROM augur.pipeline_runs WHERE id IN ($run, $waits) AND ended_at IS NULL") eq '0'; as('op', q{CALL augur.tick(now() + interval '1 minute')}); usleep(100_000); }
is(one("SELECT string_agg(status, ' ' ORDER BY id) FROM augur.pipeline_runs WHERE id IN ($run, $waits)"), 'success success', 'a dead session holds no slot');

# ---- more runs without a session than workers can be asked for in one transaction ---------------------------------
as('bob', q{SELECT augur.create_pipeline('orphans', max_active => 64); SELECT augur.add_step('orphans', 's', sql => 'SELECT 1');
	SELECT augur.enable_pipeline('orphans', false); SELECT count(augur.queue_run('orphans')) FROM generate_series(1, 200);
	UPDATE augur.pipeline_runs SET status = 'running', started_at = now(), plan = jsonb_build_object('search_path', '', 'max_parallel', 1,
		'steps', (SELECT jsonb_agg(to_jsonb(s)) FROM augur.pipeline_steps s JOIN augur.pipelines p ON p.id = s.pipeline_id WHERE p.name = 'orphans'))
		WHERE pipeline = 'orphans';
	INSERT INTO augur.step_runs (run_id, step, kind) SELECT id, 's', 'sql' FROM augur.pipeline_runs WHERE pipeline = 'orphans'});
for (1 .. 600)
{
	last if one(q{SELECT count(*) FROM augur.pipeline_runs WHERE pipeline = 'orphans' AND ended_at IS NULL}) eq '0';
	one(q{UPDATE augur.pipeline_runs SET launched_at = launched_at - interval '11 s' WHERE pipeline = 'orphans' AND ended_at IS NULL});
	as('op', 'CALL augur.tick()');
	usleep(200_000);
}
is(one(q{SELECT status, count(*) FROM augur.pipeline_runs WHERE pipeline = 'orphans' GROUP BY 1}), 'success|200', 'all are gone on with, and none is given up');

# ---- on a standby ----------------------------------------------------------------------------------------------------
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('rights_standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
($rc, $out, $err) = $standby->psql('postgres', 'CALL augur.tick()');
like($err, qr/ERROR:  augur.tick cannot be called on a standby/, 'a standby says that it cannot tick');
is($standby->safe_psql('postgres', q{SELECT count(*) > 9, count(*) FILTER (WHERE component = 'server') FROM augur.health()}), 't|0', 'and tells its health');
is($standby->safe_psql('postgres', q{SELECT count(*) > 0 FROM augur.pipeline_status}), 't', 'and what was');
$standby->stop;
# ---- retraining -----------------------------------------------------------------------------------------------
# what a policy reads is the owner's: the tick of an operator has it looked at in a session of the owner
as('ann', <<'SQL');
CREATE TABLE lair.visits AS SELECT i AS id, i % 10 AS a, i % 7 AS b, i % 10 > 5 AS y, current_user AS who FROM generate_series(1, 600) i;
SELECT (augur.train(m, 'lair.visits', 'y', features => '{a,b}', params => '{"n_trees": 3}', promote => 'always')).version FROM unnest('{first,second}'::text[]) m;
SELECT augur.set_retrain_policy(m, new_rows => 100, cooldown => '0') FROM unnest('{first,second}'::text[]) m;
INSERT INTO lair.visits SELECT i, i % 10, i % 7, i % 10 > 5 FROM generate_series(601, 800) i;
SQL
as('op', 'CALL augur.tick()');
ok($node->poll_query_until('postgres', 'SELECT count(*) = 2 FROM augur.retrain_decisions'), 'a tick has retrain policies looked at');
is(one(q{SELECT string_agg(format('%s %s %s %s', d.model, d.trigger, d.version, e.actor), ', ' ORDER BY d.model)
	FROM augur.retrain_decisions d JOIN augur.events e ON e.kind = 'retrain_' || d.outcome AND e.payload ->> 'decision' = d.id::text}),
	'first new_rows 2 ann, second new_rows 2 ann', 'and trained by, as their owner');

$node->stop;
done_testing();
