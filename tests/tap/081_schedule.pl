# Pipelines that a real pg_cron starts, in both of its modes; and no job is left when augur goes.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $libdir = `$ENV{PG_CONFIG} --pkglibdir` || `pg_config --pkglibdir`;
chomp $libdir;
plan skip_all => 'pg_cron is not installed' unless -e "$libdir/pg_cron.so";

my $jobs = q{SELECT count(*) FROM cron.job WHERE command ~ 'augur'};
# libpq: it connects to the server; workers: it starts background workers
my %nodes;
foreach my $mode ('libpq', 'workers')
{
	my $node = $nodes{$mode} = PostgreSQL::Test::Cluster->new($mode);
	$node->init;
	$node->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = 'pg_cron'", "cron.database_name = 'postgres'",
		'cron.use_background_workers = ' . ($mode eq 'workers' ? 'on' : 'off'), "cron.host = '" . $node->host . "'",
		'max_worker_processes = 20', 'fsync = off'));
	$node->start;
	$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION augur;
CREATE ROLE ann LOGIN;
SELECT augur.grant_preset('ann', 'trainer');
CREATE TABLE public.done (at timestamptz DEFAULT clock_timestamp(), who name DEFAULT session_user);
GRANT ALL ON public.done TO ann;
SQL
	my $make = <<'SQL';
SELECT augur.create_pipeline('quick'), augur.create_pipeline('slow');
SELECT augur.add_step('quick', 'one', body => '{"sql": "INSERT INTO public.done DEFAULT VALUES"}'),
	augur.add_step('slow', 'one', body => '{"sql": "SELECT pg_sleep(600)"}');
SELECT augur.schedule('quick', '* * * * *');
SQL
	my ($rc, $out, $err) = $node->psql('postgres', $make, connstr => $node->connstr('postgres') . ' user=ann');
	like($err, qr/NOTICE:.*nothing calls augur\.tick.*not installed.*HINT:.*CREATE EXTENSION pg_cron/s, "$mode: the notice tells what is missing");
	is($node->safe_psql('postgres', q{SELECT status FROM augur.health() WHERE component = 'pg_cron'}), 'warning', 'and so does health');
	$node->safe_psql('postgres', 'CREATE EXTENSION pg_cron');
	($rc, $out, $err) = $node->psql('postgres', q{SELECT augur.schedule('quick', '* * * * *'); SELECT augur.schedule('slow', '* * * * *')},
		connstr => $node->connstr('postgres') . ' user=ann');
	is($err, '', 'nothing is missing any more');
	is($node->safe_psql('postgres', 'SELECT count(*), max(schedule), max(command), max(database) FROM cron.job'),
		'1|* * * * *|CALL augur.tick()|postgres', 'one job, whatever is scheduled');
	is($node->safe_psql('postgres', 'SELECT augur.install_tick() = max(jobid) FROM cron.job'), 't', 'and not another one');
	is($node->safe_psql('postgres', q{SELECT status FROM augur.health() WHERE component = 'tick job'}), 'ok', 'which health knows of');
	# both are due at once
	$node->safe_psql('postgres', q{UPDATE augur.pipeline_schedules SET next_at = date_trunc('minute', now())});
}

# This waits for the next minute, once for both.
foreach my $mode (sort keys %nodes)
{
	my $node = $nodes{$mode};
	ok($node->poll_query_until('postgres', 'SELECT count(*) > 0 FROM public.done'), "$mode: pg_cron ticks, and the pipeline runs")
	  or diag($node->safe_psql('postgres', 'SELECT * FROM cron.job_run_details; SELECT * FROM augur.health(); SELECT * FROM augur.pipeline_runs'));
	is($node->safe_psql('postgres', 'SELECT DISTINCT who FROM public.done'), 'ann', 'as its owner');
	ok($node->poll_query_until('postgres', q{SELECT status = 'success' FROM augur.pipeline_runs WHERE pipeline = 'quick' ORDER BY id LIMIT 1}), 'to its end');
	ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM augur.pipeline_runs WHERE pipeline = 'slow' AND status = 'running'}),
		'while another one takes long');
	# the job itself has ended
	ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM cron.job_run_details WHERE status = 'succeeded' AND command ~ 'augur'}),
		'and the job of pg_cron does not wait for it');
	is($node->safe_psql('postgres', q{SELECT status FROM augur.health() WHERE component = 'tick'}), 'ok', 'health has seen the tick');
	my $numbers = join '.', (split /[.-]/, $node->safe_psql('postgres', q{SELECT extversion FROM pg_extension WHERE extname = 'pg_cron'}))[0, 1];
	is($node->safe_psql('postgres', q{SELECT status FROM augur.health() WHERE component = 'pg_cron'}),
		$mode eq 'workers' && $numbers eq '1.4' ? 'warning' : 'ok', "health of pg_cron $numbers");
	$node->safe_psql('postgres', q{SELECT augur.unschedule('slow'), augur.unschedule('quick')});
	$node->safe_psql('postgres', q{SELECT augur.cancel_run(id) FROM augur.pipeline_runs WHERE status IN ('queued', 'running') ORDER BY id DESC});
	ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM augur.pipeline_runs WHERE ended_at IS NULL}), 'all have ended');
}

# What is in a dump: pg_cron's jobs are its own to keep, and docs/operations.md warns of it.
{
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'pg_dump', '-d', $nodes{libpq}->connstr('postgres') ], '>', \$out, '2>', \$err);
	my ($cron) = $out =~ /^COPY cron\.job \([^\n]*\n(.*?)^\\\.$/ms;
	like($cron // '', qr/CALL augur\.tick\(\)/, 'the job is in a dump of the database of pg_cron');
}

# What is left when the extension goes.
foreach my $mode (sort keys %nodes)
{
	my $node = $nodes{$mode};
	$node->safe_psql('postgres', 'BEGIN; DROP EXTENSION augur; ROLLBACK');
	is($node->safe_psql('postgres', $jobs), '1', "$mode: a drop that is rolled back keeps the job");
	$node->safe_psql('postgres', 'DROP EXTENSION IF EXISTS no_such_extension; CREATE ROLE nobody; DROP OWNED BY nobody');
	is($node->safe_psql('postgres', $jobs), '1', 'dropping other things, too');
	my ($rc, $out, $err) = $node->psql('postgres', 'DROP EXTENSION augur');
	is($err, '', 'the extension is dropped');
	is($node->safe_psql('postgres', $jobs), '0', 'and the job with it');
	is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_event_trigger'), '0', 'and the event trigger');
	$node->safe_psql('postgres', 'CREATE ROLE boss SUPERUSER LOGIN; SET ROLE boss; CREATE EXTENSION augur; SELECT augur.install_tick()');
	is($node->safe_psql('postgres', $jobs . q{ AND username = 'boss'}), '1', 'a job of the owner of the extension');
	$node->safe_psql('postgres', 'DROP OWNED BY boss');
	is($node->safe_psql('postgres', $jobs), '0', 'DROP OWNED takes it along');
	$node->safe_psql('postgres', 'CREATE EXTENSION augur; SELECT augur.install_tick()');
	is($node->safe_psql('postgres', 'SELECT augur.remove_tick(), augur.remove_tick()'), '1|0', 'and it can be removed by hand');
	# pg_cron goes first
	$node->safe_psql('postgres', 'SELECT augur.install_tick(); DROP EXTENSION pg_cron');
	is($node->safe_psql('postgres', q{SELECT status FROM augur.health() WHERE component = 'pg_cron'}), 'warning', 'health without the extension pg_cron');
	($rc, $out, $err) = $node->psql('postgres', 'DROP EXTENSION augur');
	is($err, '', 'and augur can be dropped');
}

# Another database than the one of pg_cron.
my $node = $nodes{workers};
$node->safe_psql('postgres', 'CREATE EXTENSION pg_cron; CREATE DATABASE elsewhere');
$node->safe_psql('elsewhere', 'CREATE EXTENSION augur');
my ($rc, $out, $err) = $node->psql('elsewhere', q{SELECT augur.create_pipeline('p'); SELECT augur.schedule('p', '@daily')});
my ($hint) = $err =~ /run as a superuser: (SELECT cron\.schedule_in_database\(.*\))\./;
ok($hint, 'a notice has the statement for the database of pg_cron') or diag($err);
like($node->safe_psql('elsewhere', q{SELECT status, detail FROM augur.health() WHERE component = 'pg_cron'}), qr/^warning\|.*"postgres"/, 'health, too');
$node->safe_psql('postgres', $hint);
is($node->safe_psql('postgres', 'SELECT database, command FROM cron.job'), 'elsewhere|CALL augur.tick()', 'which makes the job');
($rc, $out, $err) = $node->psql('elsewhere', 'SELECT augur.install_tick()');
like($err, qr/cannot be used from this database/, 'from here it cannot be made');
($rc, $out, $err) = $node->psql('elsewhere', 'DROP EXTENSION augur');
like($err, qr/WARNING:.*jobs in database "postgres"/, 'nor removed, which the drop tells');
is($rc, 0, 'and does');
($hint) = $err =~ /run as a superuser: (SELECT cron\.unschedule\(.*)\.$/m;
ok($hint, 'with the statement for the database of pg_cron') or diag($err);
$node->safe_psql('postgres', $hint);
is($node->safe_psql('postgres', 'SELECT count(*) FROM cron.job'), '0', 'which removes the job');

$_->stop foreach values %nodes;
done_testing();
