# Accuracy floors: augur's forest and boosting against their peers.  The forest: against what scikit-learn's and ranger's reach at the same
# parameters, on the same rows (tests/data/peers.json, made by tests/bench/accuracy --golden).
#
# RMSE may be 1 % above, AUC and accuracy 0.002 below the better peer; on sets with text columns
# that is ranger with ordered factors.  Mean of three seeds, 300 trees.  The sets of the shared
# data folder (AUGUR_SHARED_DATA or ../shared/data) are tested when they are there.
# Boosting: against LightGBM and XGBoost (tests/bench/accuracy --boosting --golden), 100 rounds on 80 %
# of the rows each, the defaults that all share, mean of three seeds; engines differ by
# chance as seeds do, so two standard errors of that mean are forgiven.
use strict;
use warnings;
use Cwd qw(abs_path);
use FindBin;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $tree = $ENV{AUGUR_SOURCE} // abs_path("$FindBin::Bin/../..");
my $peers = decode_json(slurp_file("$tree/tests/data/peers.json"));
my ($shared) = grep { -e "$_/diamonds.csv" }
  grep { defined && length } ($ENV{AUGUR_SHARED_DATA}, "$tree/../shared/data");

# set => [table, key, target, task, columns left out, condition of the test rows]
my %sets = (
	shipped_diamonds => [ 'gems.diamonds', 'id', 'price', 'regression', '' ],
	synthetic_binary => [ 'synthetic.binary_rows', 'id', 'y', 'binary', '' ],
	synthetic_regression => [ 'synthetic.regression_rows', 'id', 'y', 'regression', '' ],
	synthetic_multiclass => [ 'synthetic.multiclass_rows', 'id', 'y', 'multiclass', '' ],
	diamonds => [ 'shared.diamonds', 'row_id', 'price', 'regression', '', 'row_id % 25 IN (1, 3)' ],
	california_housing => [ 'shared.california_housing', 'row_id', 'median_house_value', 'regression', '' ],
	bike_sharing_hourly => [ 'shared.bike_sharing_hourly', 'row_id', 'cnt', 'regression',
		'ride_date,casual,registered' ],
	telco_churn => [ 'shared.telco_churn', 'customer_id', 'churn', 'binary', '' ],
	hypothyroid => [ 'shared.hypothyroid', 'row_id', 'hypothyroid', 'binary', 'diagnosis' ],
	phishing_websites => [ 'shared.phishing_websites', 'row_id', 'phishing', 'binary', '' ],
	satellite_landcover => [ 'shared.satellite_landcover', 'row_id', 'land_cover', 'multiclass', '' ]);

my $node = PostgreSQL::Test::Cluster->new('accuracy');
$node->init;
$node->append_conf('postgresql.conf', "shared_buffers = '256MB'\nfsync = off\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION augur');

sub load_csv
{
	my ($table, $file) = @_;
	$node->safe_psql('postgres', "\\copy $table FROM '$file' WITH (FORMAT csv, HEADER)");
}

my $load = slurp_file("$tree/examples/prices/load.sql");
my ($create) = $load =~ /(CREATE TABLE gems\.diamonds.*?\);)/s;
$node->safe_psql('postgres', "CREATE SCHEMA gems; $create");
load_csv('gems.diamonds', "$tree/examples/prices/diamonds.csv");
$node->safe_psql('postgres', slurp_file("$tree/tests/data/synthetic.sql"));
$node->safe_psql('postgres', 'CREATE SCHEMA shared');

# Trains on the rows that are not test rows and returns the score on those that are.
sub score
{
	my ($set, $seed, $algorithm, $params) = @_;
	my ($table, $key, $target, $task, $drop, $test) = @{ $sets{$set} };
	$test //= "$key % 5 = 0";
	my $kind = $task eq 'regression' ? 'regression' : 'classification';
	my $metric = {
		regression => "augur.rmse(t.$target, augur.predict('m', t))",
		binary => "augur.auc((t.$target)::text IN ('true', 'Yes'), augur.predict('m', t))",
		multiclass => "augur.accuracy((t.$target)::text, augur.classify('m', t))" }->{$task};
	return $node->safe_psql('postgres', qq{
		SET client_min_messages = warning;
		-- a model has one task and one target: each set starts anew
		SELECT augur.drop_model(name) FROM augur.models;
		CREATE TEMP TABLE r AS SELECT * FROM augur.train_query('m',
			'SELECT * FROM $table WHERE NOT ($test)', '$target', key => '$key',
			exclude => '{$drop}', task => '$kind', seed => $seed, promote => 'always',
			algorithm => '$algorithm', params => '$params',
			validation => '{"holdout": 0}');
		SELECT $metric FROM $table t WHERE $test;}) =~ s/^\n+//r;
}

# A score against the better of two peers'; chance: what is forgiven beyond the margin.
sub compare
{
	my ($metric, $score, $names, $chance, @peers) = @_;
	my ($low, $high) = sort { $a <=> $b } @peers;
	my $what = sprintf("%s: %s %.5g, %s %.5g, %s %.5g", $names->[0], $metric, $score,
		$names->[1], $peers[0], $names->[2], $peers[1]);
	note $what;
	return cmp_ok($score, '<=', $low * 1.01 + $chance, $what) if $metric eq 'rmse';
	return cmp_ok($score, '>=', $high - 0.002 - $chance, $what);
}

foreach my $set (sort keys %sets)
{
	my $table = $sets{$set}[0];
  SKIP:
	{
		if ($table =~ /^shared\.(.*)/)
		{
			skip "$set: the shared data folder is not there (AUGUR_SHARED_DATA)", 2 unless $shared;
			my ($name, $readme) = ($1, slurp_file("$shared/README.md"));
			my ($statement) = $readme =~ /create table \Q$name\E (\(.*?\n    \);)/s
			  or die "no CREATE TABLE for $name in the README of $shared";
			$node->safe_psql('postgres', "CREATE TABLE shared.$name $statement");
			load_csv($table, "$shared/$name.csv");
		}
		my $golden = $peers->{sets}{$set} or die "tests/data/peers.json has no $set";
		my $params = qq({"n_trees": 300, "max_features": $golden->{mtry}, "min_samples_leaf": 1});
		my @scores = map { score($set, $_, 'random_forest', $params) } 1 .. 3;
		compare($golden->{metric}, ($scores[0] + $scores[1] + $scores[2]) / 3,
			[ $set, 'scikit-learn', 'ranger' ], 0, $golden->{sklearn}, $golden->{ranger});
		my $boosting = $peers->{boosting}{sets}{$set} or die "tests/data/peers.json has no boosting of $set";
		@scores = map { score($set, $_, 'gradient_boosting', '{"sample_fraction": 0.8}') } 1 .. 3;
		my $mean = ($scores[0] + $scores[1] + $scores[2]) / 3;
		my $variance = 0;
		$variance += ($_ - $mean)**2 / 2 foreach @scores;
		compare($boosting->{metric}, $mean, [ "$set, boosting", 'LightGBM', 'XGBoost' ],
			2 * sqrt($variance / 3), $boosting->{lightgbm}, $boosting->{xgboost});
	}
}

$node->stop;
done_testing();
