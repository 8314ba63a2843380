# What a running training tells, who may see it, and trainings side by side.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'augur'
max_parallel_workers = 8
max_parallel_maintenance_workers = 1
});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION augur;
	CREATE ROLE stranger; CREATE ROLE watcher IN ROLE pg_read_all_stats;
	SELECT augur.grant_preset('stranger', 'reader'), augur.grant_preset('watcher', 'reader');
	CREATE TABLE t AS SELECT } . join(', ', map { "hashint4(i * 31 + $_) AS x$_" } 1 .. 12) . q{,
		hashint4(i * 31 + 1)::int8 + hashint4(i * 31 + 2) + hashint4(i) > 0 AS target
	FROM generate_series(1, 150000) i;});

my $long = q{SELECT 1 FROM augur.train('m', 't', 'target', params => '{"n_trees": 5000, "max_depth": 10}')};

sub background
{
	my ($out, $err, @commands) = @_;
	return IPC::Run::start(
		[ 'psql', '-XAtq', '-d', $node->connstr('postgres'), map { ('-c', $_) } @commands ],
		'<', '/dev/null', '>', $out, '2>', $err);
}

my ($out, $err) = ('', '');
my $session = background(\$out, \$err, $long);
my $row = '';
my $end = time() + 180;
while ($row eq '' && time() < $end)
{
	$row = $node->safe_psql('postgres', q{
		SELECT datname, usename, model, algorithm, phase, done BETWEEN 1 AND 4999, total, rows,
			started_at < clock_timestamp(), eta_seconds > 0, memory > 1000000, workers
		FROM augur.progress WHERE phase = 'training' AND done > 0});
}
like($row, qr/^postgres\|\w+\|m\|random_forest\|training\|t\|5000\|150000\|t\|t\|t\|1$/,
	'progress tells all about a running training');
my $seen = 'SELECT pid IS NOT NULL, usename IS NOT NULL, model, phase FROM augur.progress';
is($node->safe_psql('postgres', "SET ROLE stranger; $seen"), 't|t||',
	'a stranger sees that something runs, and no more');
is($node->safe_psql('postgres', "SET ROLE watcher; $seen"), 't|t|m|training',
	'a member of pg_read_all_stats sees it all');
$node->safe_psql('postgres', 'SELECT pg_cancel_backend(pid) FROM augur.progress');
$session->finish;

# Notices, with and without the shared memory of a preloaded library.
sub check_notices
{
	my ($name) = @_;
	my ($stdout, $stderr) = ('', '');
	my $began = time();
	my $told = background(\$stdout, \$stderr, 'SET augur.verbosity = 2', $long);
	my @told;
	$told->pump
	  until (@told = $stderr =~ /NOTICE:  training: (\d+) of 5000 done/g) >= 2 || time() > $began + 180 || !$told->pumpable;
	my $seconds = time() - $began;
	$told->signal('INT');
	$told->finish;
	cmp_ok(scalar(@told), '>=', 2, "$name: notices tell the progress at verbosity 2");
	is_deeply(\@told, [ sort { $a <=> $b } @told ], "$name: and it goes forward");
	(my $rc, $stdout, $stderr) = $node->psql('postgres',
		"SET augur.verbosity = 0; SET statement_timeout = '${\ int($seconds * 1000)} ms'; $long", on_error_stop => 0);
	unlike($stderr, qr/NOTICE/, "$name: silent at verbosity 0");
	like($stderr, qr/statement timeout/, "$name: as long as it took");
}
check_notices('preloaded');
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$node->restart;
check_notices('not preloaded');
is($node->safe_psql('postgres', 'SELECT count(*) FROM augur.progress'), 0,
	'progress is empty when not preloaded');

# Two first trainings of one model at once: two versions.
my $short = q{SET augur.verbosity = 0; SELECT version FROM augur.train('both', 't', 'target',
	params => '{"n_trees": 50, "max_depth": 6}')};
my @outs = ('', '');
my @errs = ('', '');
my @sessions = map { background(\$outs[$_], \$errs[$_], split(/; /, $short)) } 0 .. 1;
$_->finish foreach @sessions;
is(join('', @errs), '', 'two trainings of one model at once');
is(join('', sort @outs), "1\n2\n", 'make two versions');

# A library newer than the SQL objects.
$node->safe_psql('postgres', q{UPDATE pg_extension SET extversion = '0.0' WHERE extname = 'augur'});
my ($rc, $stdout, $stderr) = $node->psql('postgres', q{SET augur.verbosity = 0;
	SELECT version FROM augur.train('old', 't', 'target', filter => 'x1 > 2000000000', params => '{"n_trees": 5}');
	SELECT version FROM augur.train('old', 't', 'target', filter => 'x1 > 2000000000', params => '{"n_trees": 5}')});
my @warnings = $stderr =~ /(WARNING:  augur's library is version)/g;
is(scalar(@warnings), 1, 'a library newer than the SQL objects warns once per connection');
like($stderr, qr/HINT:  Run ALTER EXTENSION augur UPDATE/, 'and says what to do');

$node->stop;
done_testing();
