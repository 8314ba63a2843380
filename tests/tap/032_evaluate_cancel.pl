# R7: evaluation and the metric aggregates answer statement_timeout within 250 ms, while they read,
# score, sort and write their results; and evaluations leave no memory behind (R9).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Server qw(late overshoot);
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('evaluate_cancel');
$node->init;
$node->append_conf('postgresql.conf', q{
augur.verbosity = 0
augur.training_memory = '1GB'
fsync = off
max_parallel_workers_per_gather = 0
});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION augur;
	CREATE TABLE small AS SELECT i % 97 AS a, hashint4(i)::float8 AS b, i % 97 + hashint4(i * 3) % 40 > 48 AS y,
		'class ' || (i * 7 + i % 3) % 40 AS c FROM generate_series(1, 4000) i;
	SELECT augur.train('two', 'small', 'y', exclude => '{c}', promote => 'always', params => '{"n_trees": 20}');
	SELECT augur.train('many', 'small', 'c', exclude => '{y}', promote => 'always', params => '{"n_trees": 5, "max_depth": 6}');
	CREATE TABLE big AS SELECT i % 97 AS a, hashint4(i)::float8 AS b, i % 97 + hashint4(i * 3) % 40 > 48 AS y,
		'class ' || (i * 7 + i % 3) % 40 AS c FROM generate_series(1, 400000) i;
	ANALYZE big;});

my %queries = (
	'evaluate, two classes' => q{SELECT count(*) FROM augur.evaluate('two', 'big')},
	'evaluate, forty classes' => q{SELECT count(*) FROM augur.evaluate('many', 'big')},
	'auc' => q{SELECT augur.auc(y, b) FROM big, generate_series(1, 6)},
	'roc' => q{SELECT length(augur.roc(y, b)::text) FROM big, generate_series(1, 6)},
	'f1 of many labels' => q{SELECT augur.f1(b, a) FROM big},
	'confusion' => q{SELECT length(augur.confusion(a, (a * 31 + i) % 400)::text)
		FROM big, generate_series(1, 3) i});
srand(11);
foreach my $name (sort keys %queries)
{
	# where the work ends, so that the timeouts fall into all of it: a run that ends before its timeout tells
	my $whole = 1_000_000;
	(undef, my $late) = overshoot($node, $whole, $queries{$name});
	$whole += $late;
	my @overshoot;
	foreach my $try (1 .. 20)
	{
		my $timeout = 5 + int($whole * ($try % 8 + 1 - rand()) / 9);
		my $cancelled;
		my $ms = late("$name, timeout of $timeout ms", sub { ($cancelled, my $ms) = overshoot($node, $timeout, $queries{$name}); return $ms });
		if ($cancelled) { push @overshoot, $ms }
		else { $whole = $timeout + $ms if $whole > $timeout + $ms }
		last if @overshoot == 8;
	}
	my $max = (sort { $b <=> $a } @overshoot)[0] // 0;
	note("$name: $whole ms, overshoot in ms: @overshoot");
	cmp_ok(scalar(@overshoot), '>=', 4, "$name: cancelled at several moments");
	cmp_ok($max, '<=', 250, "$name: statement_timeout is answered within 250 ms");
}

# memory of one session
my $session = $node->background_psql('postgres');
my $memory = q{SELECT sum(total_bytes) FROM pg_backend_memory_contexts};
$session->query_safe(q{SELECT count(*) FROM augur.evaluate('two', 'small')}) foreach 1 .. 5;
my $before = $session->query_safe($memory);
$session->query_safe(
	q{DO $$ BEGIN FOR i IN 1 .. 300 LOOP PERFORM count(*) FROM augur.evaluate('two', 'small'); END LOOP; END $$});
my $after = $session->query_safe($memory);
cmp_ok($after - $before, '<', 512 * 1024, 'three hundred evaluations leave no memory behind');
$session->quit;
$node->stop;
done_testing();
