# kill -9 at fifty random moments of a demo that runs: of a session that runs a step, of the process that
# sends notifications, and of the whole server, while two sessions call augur.tick.  At the end no run is
# stuck, no step is lost or was done twice, no event is missing, and every message came, twice only when
# its sender was killed before it could write that it had sent it.
#
# AUGUR_CRASH_SEED chooses other moments.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IPC::Run;
use JSON::PP;
use List::Util qw(shuffle sum0);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Server qw(up);
use Test::More;
use Time::HiRes qw(time sleep);

my $stub = abs_path(dirname(__FILE__) . '/../lib/https-stub.pl');
my $installed = `pg_config --pkglibdir`;
chomp $installed;
plan skip_all => 'augur_notify was not built' unless -e "$installed/augur_notify.so";
plan skip_all => 'needs IO::Socket::SSL (libio-socket-ssl-perl)' unless eval { require IO::Socket::SSL; 1 };

my $seed = $ENV{AUGUR_CRASH_SEED} || 5;
srand($seed);
note "seed $seed";

# ---- a receiver, and ten channels to it: a channel takes one message a second --------------------------

my $dir = PostgreSQL::Test::Utils::tempdir();
my $secrets = "$dir/secrets";
mkdir $secrets;
chmod 0700, $secrets;
# what it prints goes to a file: a pipe that nobody reads would stop it once it is full
my $server = IPC::Run::start([ $^X, $stub, $dir ], '>', "$dir/stub.out", '2>', "$dir/stub.err");
my $deadline = time + 60;
sleep 0.1 until -e "$dir/ports" || time > $deadline;
my %port = map { split ' ' } split /\n/, slurp_file("$dir/ports");
foreach my $n (0 .. 9)
{
	# the answer takes its time, so that some are killed while they wait for it
	append_to_file("$secrets/c$n", "https://localhost:$port{good}/late:0.1/c$n\n");
	chmod 0600, "$secrets/c$n";
}

my $node = PostgreSQL::Test::Cluster->new('crash'); # processes are killed here
$node->init;
$node->append_conf('postgresql.conf', <<"CONF");
shared_preload_libraries = 'augur,augur_notify'
restart_after_crash = on
augur.verbosity = 0
autovacuum = off
max_worker_processes = 32
max_parallel_workers = 0
augur.secret_directory = '$secrets'
augur.notify_hosts = 'localhost:$port{good}'
augur.notify_private_hosts = 'localhost:$port{good}'
augur.notify_ca_file = '$dir/ca.pem'
augur.notify_databases = 'postgres'
augur.notify_role = 'postman'
augur.notify_poll = 200ms
CONF
$node->start;
sub sql { return $node->safe_psql('postgres', @_); }
sub as { my ($role, $sql) = @_; return sql($sql, extra_params => [ '-U', $role ]); }

# ---- the demo --------------------------------------------------------------------------------------------

sql(<<'SQL');
CREATE EXTENSION augur;
CREATE ROLE bob LOGIN;
CREATE ROLE op LOGIN;
CREATE ROLE postman LOGIN;
SELECT augur.grant_preset('bob', 'trainer'), augur.grant_preset('op', 'operator'), augur.grant_preset('postman', 'notifier');
-- no key: what is done twice is to be seen
CREATE TABLE done (run bigint, step text, event bigint);
GRANT INSERT, SELECT ON done TO bob;
SELECT augur.create_channel('c' || n, 'file:c' || n, 'webhook', per_hour => 3600),
	augur.create_route('r' || n, 'c' || n, kinds => '{pipeline_succeeded,demo_done}', subject => '*' || n, digest => false)
FROM generate_series(0, 9) n;
-- The clock goes on: leases of deliverers that are gone have run out, and channels take the next message.
-- Returns how many leases those were.
CREATE FUNCTION later() RETURNS bigint LANGUAGE sql AS $$
	UPDATE augur.channel_states SET tried_at = NULL;
	UPDATE augur.notifications SET next_at = now() WHERE status = 'retry_wait' AND next_at > now();
	WITH cut AS (
		UPDATE augur.notifications n SET lease_until = now() - interval '1 s' WHERE status = 'sending'
		AND NOT EXISTS (SELECT FROM pg_stat_activity a
			WHERE a.backend_type = 'augur notify' AND a.pid::text = split_part(n.lease_owner, '.', 1))
		RETURNING 1)
	SELECT count(*) FROM cut;
$$;
-- Whom to kill, waiting for a second until there is one.
CREATE FUNCTION victim(what text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	pid			integer;
BEGIN
	FOR i IN 1 .. 200 LOOP
		PERFORM pg_stat_clear_snapshot();
		IF what = 'step' THEN
			SELECT a.pid INTO pid FROM pg_stat_activity a JOIN augur.step_runs s ON s.pid = a.pid AND s.status = 'running'
			WHERE a.backend_type = 'augur pipeline' ORDER BY random() LIMIT 1;
		ELSE
			SELECT a.pid INTO pid FROM pg_stat_activity a WHERE a.backend_type = what ORDER BY random() LIMIT 1;
		END IF;
		EXIT WHEN pid IS NOT NULL;
		PERFORM pg_sleep(0.005);
	END LOOP;
	RETURN pid;
END
$$;
SQL
as('bob', <<'SQL');
SELECT augur.create_pipeline('demo', max_parallel => 2, max_active => 8);
SELECT augur.add_step('demo', s, needs => n::text[], retries => 100, delay => '0',
	sql => format('INSERT INTO done VALUES (augur.run_id(), %L); SELECT pg_sleep(random() * 0.1)', s))
FROM (VALUES ('a', '{}'), ('b', '{a}'), ('c', '{a}')) v (s, n);
SELECT augur.add_step('demo', 'd', needs => '{b,c}', retries => 100, delay => '0',
	sql => $$INSERT INTO done VALUES (augur.run_id(), 'd', augur.emit('demo_done', subject => 'demo/' || augur.run_id(),
		payload => jsonb_build_object('by', augur.run_id()))); SELECT pg_sleep(random() * 0.1)$$);
SELECT augur.create_pipeline('after', '{"event": "integer"}', max_active => 8);
SELECT augur.add_step('after', 'only', retries => 100, delay => '0',
	sql => $$INSERT INTO done VALUES (augur.run_id(), 'only', augur.param('event')::bigint); SELECT pg_sleep(random() * 0.1)$$);
SELECT augur.on_event('after', 'demo_done', params_from => '{"event": "event"}');
SQL
my $ticks = "CALL augur.tick();\nSELECT pg_sleep(0.02);\n" x 500;
append_to_file("$dir/queue.sql", "SELECT 'run ' || augur.queue_run('demo');\n$ticks");
append_to_file("$dir/tick.sql", $ticks);

# ---- killing -----------------------------------------------------------------------------------------------

# All processes of a server that begins no others.  One that is left alone could wait for ever for a lock
# in shared memory of one that was killed, and keep the server from starting.
sub children
{
	my ($parent) = @_;
	return map { my ($pid, $ppid) = split; $ppid == $parent ? $pid : () } `ps -A -o pid= -o ppid=` unless -e '/proc/self/stat';
	return grep { (eval { slurp_file("/proc/$_/stat") } // '') =~ /.*\) \S (\d+) /s && $1 == $parent } map { m{(\d+)} } glob '/proc/[0-9]*';
}

sub kill_server
{
	my $postmaster = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];
	kill 'STOP', $postmaster;
	my @pids = children($postmaster);
	$node->kill9;
	kill 'KILL', @pids;
	# all are dead; until the system has buried the first one, its number there would count as alive
	unlink $node->data_dir . '/postmaster.pid';
	for (1 .. 100)
	{
		return 1 if $node->start(fail_ok => 1);
		$node->{_pid} = undef; # that of the killed one
		sleep 0.1;
	}
	BAIL_OUT('the server does not start again');
}

my @rounds = shuffle((('step') x 18), (('augur notify') x 13), (('augur notify launcher') x 4), (('server') x 15));
my (%killed, %in_step, %in_send, @promised, @kills);
foreach my $what (@rounds)
{
	my @sessions = map {
		my ($role, $file) = @$_;
		my $s = { out => '', err => '' };
		$s->{run} = IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('postgres') . " user=$role", '-f', "$dir/$file" ],
			'<', '/dev/null', '>', \$s->{out}, '2>', \$s->{err});
		$s;
	} ([ 'op', 'queue.sql' ], [ 'op', 'tick.sql' ]);
	sleep rand 0.4;
	my ($from, $hit) = (time, 0);
	if ($what eq 'server')
	{
		$hit = kill_server();
	}
	else
	{
		# one that has just ended cannot be killed: another one, of more work, and at last one that is always there
		foreach my $which (($what) x 10, 'augur notify launcher')
		{
			my $pid = sql("SELECT victim('$which')");
			sleep rand 0.06;
			$from = time;
			last if $hit = $pid ne '' && kill 'KILL', $pid;
			push @promised, as('op', q{SELECT augur.queue_run('demo')});
		}
	}
	IPC::Run::finish($_->{run}) foreach @sessions;
	up($node);
	push @kills, [ $from, time ];
	push @promised, map { $_->{out} =~ /^run (\d+)$/m } @sessions;
	$killed{$what} += $hit;
	my ($steps, $sends) = split /\|/, sql("SELECT count(*), later() FROM augur.step_runs WHERE status = 'running'");
	$in_step{$what} += $steps > 0;
	$in_send{$what} += $sends > 0;
}
note sprintf('%s: %d killed, %d while steps ran, %d while messages were under way', $_, $killed{$_}, $in_step{$_}, $in_send{$_})
  foreach sort keys %killed;
cmp_ok(sum0(values %killed), '>=', 40, 'processes were killed');
cmp_ok(sum0(values %in_step), '>=', 10, 'while steps ran');
cmp_ok(sum0(values %in_send), '>=', 3, 'and while messages were under way');

# ---- what it comes to -----------------------------------------------------------------------------------------

# Ticks until nothing is left to do.
my $open = "(SELECT count(*) FROM augur.pipeline_runs WHERE ended_at IS NULL), (SELECT count(*) FROM augur.step_runs WHERE ended_at IS NULL),
	(SELECT count(*) FROM augur.pipeline_signals), (SELECT count(*) FROM augur.notifications WHERE ended_at IS NULL)";
$deadline = time + 300;
my $left = '';
while (time < $deadline)
{
	as('op', 'CALL augur.tick()');
	$left = sql("SELECT $open, later()");
	last if $left =~ /^0\|0\|0\|0\|/;
	sleep 0.1;
}
like($left, qr/^0\|0\|0\|0\|/, 'no run, step, signal or message is stuck');

my $runs = sql('SELECT count(*) FROM augur.pipeline_runs');
note "$runs runs, " . sql(q{SELECT string_agg(format('%s %s', n, status), ', ' ORDER BY status) FROM (
	SELECT status, count(*) AS n FROM augur.step_runs GROUP BY 1) s}) . ' attempts';
# Nothing there may be: each line tells what is wrong.
sub none { my ($sql, $what) = @_; is(sql($sql), '', $what); }
none(sprintf('SELECT id FROM unnest(\'{%s}\'::bigint[]) id WHERE id NOT IN (SELECT id FROM augur.pipeline_runs)', join ',', @promised),
	@promised . ' runs whose numbers were returned are there');
none(q{SELECT id, pipeline, status, reason FROM augur.pipeline_runs WHERE status <> 'success'}, "all of $runs runs succeeded");
none(<<'SQL', 'a step that succeeded was done once, and what was done is the work of one that succeeded');
SELECT coalesce(s.run_id, d.run), coalesce(s.step, d.step), s.n, d.n
FROM (SELECT run_id, step, count(*) AS n FROM augur.step_runs WHERE status = 'success' GROUP BY 1, 2) s
FULL JOIN (SELECT run, step, count(*) AS n FROM done GROUP BY 1, 2) d ON d.run = s.run_id AND d.step = s.step
WHERE (s.n, d.n) IS DISTINCT FROM (1, 1)
SQL
none(<<'SQL', 'each run did all its steps');
SELECT r.id, string_agg(s.step, '' ORDER BY s.step) FROM augur.pipeline_runs r
LEFT JOIN augur.step_runs s ON s.run_id = r.id AND s.status = 'success'
GROUP BY 1, r.pipeline HAVING string_agg(s.step, '' ORDER BY s.step) IS DISTINCT FROM CASE r.pipeline WHEN 'demo' THEN 'abcd' ELSE 'only' END
SQL
none(<<'SQL', 'in their order');
SELECT s.run_id, s.step, p.step FROM augur.step_runs s
JOIN augur.pipeline_steps k ON k.step = s.step AND k.pipeline_id = (SELECT r.pipeline_id FROM augur.pipeline_runs r WHERE r.id = s.run_id)
JOIN augur.step_runs p ON p.run_id = s.run_id AND p.step = ANY (k.needs)
WHERE s.started_at < p.ended_at OR p.ended_at IS NULL
SQL
none(<<'SQL', 'each further attempt comes after one that is written down as crashed');
SELECT s.run_id, s.step, s.attempt, s.status, p.status FROM augur.step_runs s
LEFT JOIN augur.step_runs p ON p.run_id = s.run_id AND p.step = s.step AND p.attempt = s.attempt - 1
WHERE s.attempt > 1 AND (p.status IS DISTINCT FROM 'crashed' OR s.started_at < p.ended_at)
OR s.status = 'crashed' AND NOT EXISTS (SELECT FROM augur.step_runs n
	WHERE n.run_id = s.run_id AND n.step = s.step AND n.attempt = s.attempt + 1)
SQL
cmp_ok(sql(q{SELECT count(*) FROM augur.step_runs WHERE status = 'crashed'}), '>=', 10, 'there are such');
none(<<'SQL', 'each run has the one event of its end');
SELECT r.id, count(e.id) FROM augur.pipeline_runs r
FULL JOIN (SELECT * FROM augur.events WHERE kind ~ '^pipeline_(succeeded|failed)$') e ON (e.payload ->> 'run')::bigint = r.id
GROUP BY 1, r.pipeline, r.status
HAVING count(e.id) <> 1 OR min(e.payload ->> 'status') IS DISTINCT FROM r.status OR min(e.payload ->> 'pipeline') <> r.pipeline
SQL
none(<<'SQL', 'and each attempt that crashed has its own');
SELECT s.run_id, s.step, s.attempt, e.id
FROM (SELECT * FROM augur.step_runs WHERE status = 'crashed') s
FULL JOIN (SELECT * FROM augur.events WHERE kind = 'step_crashed') e ON (e.payload ->> 'run')::bigint = s.run_id
	AND e.payload ->> 'step' = s.step AND (e.payload ->> 'attempt')::integer = s.attempt
GROUP BY 1, 2, 3, 4 HAVING count(s.id) <> 1 OR count(e.id) <> 1
UNION ALL SELECT (payload ->> 'run')::bigint, payload ->> 'step', (payload ->> 'attempt')::integer, count(*) FROM augur.events
WHERE kind = 'step_crashed' GROUP BY 1, 2, 3 HAVING count(*) <> 1
SQL
none(q{SELECT kind, subject, payload FROM augur.events WHERE kind NOT IN ('pipeline_succeeded', 'demo_done', 'step_crashed')}, 'there are no others');
none(<<'SQL', 'each event of a step started one run, and no other run was started');
SELECT e.id, r.id, count(d.*) FROM (SELECT * FROM augur.events WHERE kind = 'demo_done') e
FULL JOIN (SELECT r.id, c.event_id, r.params FROM augur.pipeline_runs r LEFT JOIN augur.pipeline_causes c ON c.run_id = r.id
	WHERE r.pipeline = 'after') r ON r.event_id = e.id
LEFT JOIN done d ON d.run = r.id AND d.event = e.id
GROUP BY e.id, r.id, r.params HAVING e.id IS NULL OR r.id IS NULL OR count(d.*) <> 1 OR (r.params ->> 'event')::bigint <> e.id
UNION ALL SELECT event_id, NULL, count(*) FROM augur.pipeline_causes GROUP BY 1 HAVING count(*) <> 1
UNION ALL SELECT min(e.id), d.run, count(*) FROM done d LEFT JOIN augur.events e ON e.id = d.event AND e.payload ->> 'by' = d.run::text
WHERE d.step = 'd' GROUP BY 2 HAVING count(e.id) <> 1
SQL

# ---- messages ---------------------------------------------------------------------------------------------------

none(<<'SQL', 'each event has its message, which is sent');
SELECT e.id, e.kind, n.id, n.status, n.reason FROM (SELECT * FROM augur.events WHERE kind IN ('pipeline_succeeded', 'demo_done')) e
FULL JOIN augur.notifications n ON n.event_id = e.id WHERE e.id IS NULL OR n.status IS DISTINCT FROM 'sent'
UNION ALL SELECT event_id, NULL, NULL, NULL, count(*)::text FROM augur.notifications GROUP BY 1 HAVING count(*) <> 1
SQL
# what was received: event -> notification -> attempts with their times
my (%received, %requests, @wrong);
foreach my $request (sort { $a->{at} <=> $b->{at} } map { decode_json($_) } split /\n/, slurp_file("$dir/log"))
{
	my $body = decode_json($request->{body});
	$received{ $_->{id} }++ foreach @{ $body->{events} };
	push @{ $requests{ $body->{notification} } }, { attempt => $body->{attempt}, at => $request->{at} };
}
note 'attempts to send: ' . sql(q{SELECT string_agg(format('%s %s', n, outcome), ', ' ORDER BY outcome) FROM (
	SELECT outcome, count(*) AS n FROM augur.notification_attempts GROUP BY 1) a}) . ' written down, of '
	. sql('SELECT sum(attempts) FROM augur.notifications');
my @events = split /\n/, sql(q{SELECT id FROM augur.events WHERE kind IN ('pipeline_succeeded', 'demo_done') ORDER BY id});
is(join(' ', grep { !$received{$_} } @events), '', 'each of ' . @events . ' came');
is(join(' ', grep { my $id = $_; !grep { $_ == $id } @events } sort keys %received), '', 'and nothing else');
# outcomes that were written: notification/attempt -> sent...
my %written = map { split ' ' } split /\n/, sql(q{SELECT notification_id || '/' || attempt || ' ' || string_agg(outcome, ',') FROM augur.notification_attempts GROUP BY notification_id, attempt});
my $repeats = 0;
foreach my $n (sort keys %requests)
{
	my @r = @{ $requests{$n} };
	my $last = $written{"$n/$r[-1]{attempt}"} // 'nothing';
	push @wrong, "$n/$r[-1]{attempt} is written down as $last" unless $last eq 'sent';
	foreach my $i (0 .. $#r - 1)
	{
		my ($r, $next) = @r[ $i, $i + 1 ];
		my $outcome = $written{"$n/$r->{attempt}"};
		$repeats++;
		push @wrong, "$n/$r->{attempt} came twice" if $r->{attempt} == $next->{attempt};
		# on a busy machine an answer may come too late: that is written, and a reason to try again
		next if defined $outcome && $outcome eq 'retry_wait';
		push @wrong, "$n/$r->{attempt} was written down as $outcome, and sent again" if defined $outcome;
		push @wrong, "$n/$r->{attempt} was sent again, though nobody was killed"
		  unless grep { $r->{at} < $_->[1] && $next->{at} > $_->[0] } @kills;
	}
}
is(join(', ', @wrong), '', "a message came twice only when its sender was killed before it had written the answer ($repeats of them)");
cmp_ok(sum0(map { scalar @$_ } values %requests), '<=', sql('SELECT sum(attempts) FROM augur.notifications'), 'as often as was tried at most');

my $log = slurp_file($node->logfile);
unlike($log, qr/PANIC|TRAP:|XX000/, 'no trouble of the server itself');
is(join('', grep { !/terminating connection because of crash/ } $log =~ /^.*(?:ERROR|WARNING): .*$/mg), '', 'nor of ours');
$node->stop;
$server->kill_kill(grace => 2);
done_testing();
