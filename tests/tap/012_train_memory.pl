# R9, R10: trainings leave no memory behind; running out of memory is an error, not a crash.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'needs /proc/self/smaps_rollup' unless -r '/proc/self/smaps_rollup';

my $trainings = $ENV{AUGUR_TRAININGS} || 200;
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "augur.verbosity = 0\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION augur;
	CREATE TABLE small AS
	SELECT i AS id, hashint4(i) % 100 AS a, hashint4(i + 1)::float8 AS b,
		'level ' || i % 7 AS c, hashint4(i) % 100 + i % 13 > 0 AS target
	FROM generate_series(1, 500) i;
	CREATE TABLE large AS
	SELECT } . join(', ', map { "hashint4(i * 31 + $_) AS x$_" } 1 .. 20) . q{, i % 2 = 0 AS target
	FROM generate_series(1, 200000) i;
	CREATE FUNCTION anonymous() RETURNS bigint LANGUAGE sql VOLATILE AS $$
		SELECT substring(pg_read_file('/proc/self/smaps_rollup', 0, 100000)
			FROM 'Anonymous: +(\d+) kB')::bigint $$;});

# One session: kB of private memory before and after many trainings.
my $one = q{SELECT 1 FROM augur.train('m', 'small', 'target', promote => 'never',
	params => '{"n_trees": 10}');} . "\n";
my $warm = int($trainings / 4);
my $half = int($trainings / 2);
my $failing = q{SELECT augur.train('m', 'small', 'target', params => '{"n_trees": -1}');} . "\n";
my ($rc, $out, $err) = $node->psql('postgres',
	"\\o /dev/null\n" . $one x $warm . "\\o\nSELECT anonymous();\n"
	  . "\\o /dev/null\n" . $one x $half . $failing x 20 . "\\o\n"
	  . qq{DO \$\$ BEGIN FOR i IN 1 .. $half LOOP
		PERFORM augur.train('m', 'small', 'target', promote => 'never', params => '{"n_trees": 10}');
	END LOOP; END \$\$;
	SELECT anonymous();},
	on_error_stop => 0);
my ($before, $after) = split(/\n/, $out);
note("kB before $before, after $after");
cmp_ok($after - $before, '<=', 5 * 1024, "$trainings trainings grow the session by at most 5 MB");
is($node->safe_psql('postgres', 'SELECT count(*) FROM augur.versions'), $warm + 2 * $half,
	'all of them trained');

# The budget bounds what is allocated: peak of private memory of a training without workers.
$out = $node->safe_psql('postgres', q{
	SET max_parallel_maintenance_workers = 0;
	SET augur.training_memory = '256MB';
	SELECT anonymous() AS before \gset
	SELECT 1 FROM augur.train('peak', 'large', 'target', params => '{"n_trees": 20, "max_depth": 12}') \g /dev/null
	SELECT substring(pg_read_file('/proc/self/status', 0, 100000) FROM 'VmHWM:\s+(\d+) kB')::bigint
		- substring(pg_read_file('/proc/self/status', 0, 100000) FROM 'RssShmem:\s+(\d+) kB')::bigint
		- :before;});
note("kB at the peak: $out");
cmp_ok($out, '<=', 256 * 1024 * 1.1, 'the peak is within the budget and a tenth');

# A backend that may not grow: 53200, and the session goes on.
SKIP:
{
	skip 'needs prlimit', 4 if system('prlimit --version >/dev/null 2>&1') != 0;
	my $limited = sub {
		my ($megabytes) = @_;
		return $node->psql('postgres', qq{
			\\set VERBOSITY verbose
			SET max_parallel_maintenance_workers = 0;
			SELECT count(*) FROM augur.algorithms \\g /dev/null
			COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; pages=\$(cut -d" " -f1 /proc/\$PPID/statm); prlimit --pid \$PPID --as=\$((pages * 4096 + $megabytes * 1048576))';
			SELECT 1 FROM augur.train('limited', 'large', 'target', params => '{"n_trees": 20}');
			SELECT 'still here';},
			on_error_stop => 0);
	};
	foreach my $megabytes (1, 8, 24)
	{
		($rc, $out, $err) = $limited->($megabytes);
		like($err, qr/ERROR:  53200: /, "with $megabytes MB more: out of memory");
		like($out, qr/still here/, "with $megabytes MB more: the session goes on");
	}
	($rc, $out, $err) = $limited->(2000);
	unlike($err, qr/ERROR/, 'with 2 GB more it trains');
}
is($node->safe_psql('postgres', q{SELECT count(*) FROM augur.runs WHERE status = 'running'}), 0,
	'no run is left behind');

$node->stop;
done_testing();
