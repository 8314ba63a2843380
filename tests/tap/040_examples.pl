# The examples run, and what they say holds: the shape of the data, and floors of quality.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Copy;
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $tree = $ENV{AUGUR_SOURCE} // abs_path("$FindBin::Bin/../..");
my $node = PostgreSQL::Test::Cluster->new('examples');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION augur');

# psql in a directory where it may write, as a person would run it
my $work = PostgreSQL::Test::Utils::tempdir();
sub run_file
{
	my ($file, @options) = @_;
	chdir $work or die "chdir $work: $!";
	my ($out, $err) = ('', '');
	my $ok = IPC::Run::run(
		[ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', @options, '-d', $node->connstr('postgres'),
			'-f', $file ], '>', \$out, '2>', \$err);
	chdir $tree;
	ok($ok, "$file runs") or diag $err;
	return $out;
}
sub value { return $node->safe_psql('postgres', $_[0]) }

#
# Customers
#
my $out = run_file("$tree/examples/customers/run.sql");
like($out, qr/Ten customers to write to/, 'the report is there');
unlike($out, qr/\bNaN\b/, 'and has no NaN in it');
is(value('SELECT count(*) FROM shop.customers'), '20000', 'customers.csv was loaded');
my $n = value('SELECT count(*) FROM shop.transactions');
cmp_ok($n, '>', 250_000, 'transactions.json was loaded');
cmp_ok($n, '<', 350_000, 'and is no larger than it is said to be');

# The generator gives the same rows everywhere: amounts are rounded to cents, hashes are exact.
is( value('SELECT md5(string_agg(c::text, E\'\n\' ORDER BY customer_id)) FROM shop_source.customers c'),
	'1c60a22e4578469c1667e797eb3cfe1d', 'the same customers as ever');
is( value('SELECT md5(string_agg(t::text, E\'\n\' ORDER BY transaction_id)) FROM shop_source.transactions t'),
	'e2bc7d801919f9bcf36b494fe5201ade', 'the same transactions as ever');
is( value('SELECT count(*) FROM (TABLE shop_source.transactions EXCEPT TABLE shop.transactions) d'),
	'0', 'nothing was lost on the way through transactions.json');
is( value('SELECT count(*) FROM (TABLE shop_source.customers EXCEPT TABLE shop.customers) d'),
	'0', 'nor through customers.csv');

# Features are from strictly before the cut-off: what comes later does not change them.
is( value(q{
	BEGIN;
	DELETE FROM shop.transactions WHERE ts >= '2025-04-01';
	SELECT count(*) FROM (SELECT customer_id, age, region, loyalty_points, tenure_days, purchases,
			average_amount, latest_amount, largest_amount, days_since_purchase, purchases_last_90_days,
			spent_last_90_days, failed_share, usual_payment FROM shop.spring
		EXCEPT SELECT * FROM shop.features('2025-04-01')) d}),
	'0', 'features do not depend on what comes after the cut-off');
is( value(q{
	SELECT count(*) FROM shop.spring s WHERE s.large_purchase IS DISTINCT FROM
		((SELECT max(t.amount) > 300 FROM shop.transactions t
		 WHERE t.customer_id = s.customer_id AND t.status = 'completed'
			   AND t.ts >= '2025-04-01' AND t.ts < '2025-06-30') IS TRUE)}),
	'0', 'the label is a completed purchase above 300 in the 90 days from the cut-off on');

my $auc = value(q{SELECT value FROM augur.evaluate('high_value', 'shop.summer') WHERE metric = 'auc'});
cmp_ok($auc, '>', 0.86, "AUC on the later season: $auc");
cmp_ok($auc, '<', 0.95, 'which is not too good to be true');
my $lift = value(q{
	WITH s AS (SELECT large_purchase::int AS y,
					  ntile(10) OVER (ORDER BY augur.predict('high_value', s) DESC) AS tenth
			   FROM shop.summer s)
	SELECT avg(y) FILTER (WHERE tenth = 1) / avg(y) FROM s});
cmp_ok($lift, '>', 4.5, "lift of the best tenth: $lift");
cmp_ok(value(q{SELECT abs(avg(augur.predict('high_value', s)) - avg(s.large_purchase::int)) FROM shop.summer s}),
	'<', 0.02, 'the mean probability is close to the share that came true');

# A request with only some of the features.
my $request = '{"age": 35, "region": "East", "loyalty_points": 1200}';
my $p = value("SELECT augur.predict_json('high_value', '$request') ->> 'value'");
ok($p > 0 && $p < 1, "a partial request is answered: $p");
is(value("SELECT jsonb_array_length(augur.predict_json('high_value', '$request') -> 'missing')"),
	'10', 'and says which of the 13 features it lacks');
cmp_ok(value(q{SELECT count(*) FROM shop.autumn a WHERE augur.predict('high_value', a) BETWEEN 0 AND 1}),
	'==', value('SELECT count(*) FROM shop.autumn'), 'every customer gets a probability');
is(value(q{SELECT feature FROM augur.importance('high_value') ORDER BY importance DESC LIMIT 1}),
	'spent_last_90_days', 'what they spent lately matters most');

#
# Prices
#
copy("$tree/examples/prices/diamonds.csv", $work) or die "copy: $!";
$out = run_file("$tree/examples/prices/run.sql");
like($out, qr/look most underpriced/, 'the report is there');
is(value('SELECT count(*), sum(price) FROM gems.diamonds'), '53940|212135217', 'all diamonds are there');
my $rmse = value(q{SELECT value FROM augur.evaluate('diamond_price', 'gems.test') WHERE metric = 'rmse'});
cmp_ok($rmse, '<', 610, "RMSE on rows not seen: $rmse");
my $inside = value(q{
	SELECT avg((t.price BETWEEN p.lower AND p.upper)::int)
	FROM gems.test t, augur.predict_full('diamond_price', t, level => 0.9) p WHERE t.id % 10 = 0});
cmp_ok($inside, '>', 0.86, "share of prices inside their 90 % interval: $inside");
cmp_ok($inside, '<', 0.95, 'and the intervals are not too wide');
is(value('SELECT count(*) FROM gems.scored WHERE predicted IS NOT NULL'), '53940',
	'the whole table was scored');
is( value(q{
	SELECT count(*) FROM gems.scored s JOIN gems.diamonds d USING (id)
	WHERE s.predicted IS DISTINCT FROM augur.predict('diamond_price', d)}),
	'0', 'batch and single scores agree');

#
# Store sales
#
$out = run_file("$tree/examples/store_sales/run.sql");
like($out, qr/The next four weeks by the best method/, 'the report is there');
unlike($out, qr/\bNaN\b/, 'and has no NaN in it');
is(value(q{SELECT count(*), sum(units) FROM retail.sales}), '47490|3814740', 'the same sales as ever');
is( value(q{SELECT string_agg(found::text, ' ' ORDER BY no) FROM retail.validation}),
	'47490 85 43 20 50 1217 26 14 0', 'the faults are found');
is( value('SELECT count(*) FROM retail.clean GROUP BY store_id, category, day HAVING count(*) > 1'), '',
	'no row is left twice');
is(value('SELECT count(*) FROM retail.clean WHERE wanted < 0'), '0', 'and no demand is negative');
sub mase { return value("SELECT mase FROM retail.ranking WHERE method = '$_[0]'") }
my ($naive, $auto, $arima, $boosting, $mean) =
	map { mase($_) } ('seasonal_naive', 'auto', 'arima', 'boosting', 'mean of arima and boosting');
cmp_ok($auto, '<', $naive, "auto ($auto) beats the seasonal naive forecast ($naive)");
cmp_ok($arima, '<', 0.6 * $naive, "promotions known ahead halve the error: ARIMA $arima");
cmp_ok($boosting, '<', 0.55 * $naive, "boosting on lags: $boosting");
cmp_ok(mase('global_boosting'), '<', 0.6 * $naive, 'one model over all stores: ' . mase('global_boosting'));
cmp_ok($mean, '<=', $arima < $boosting ? $arima : $boosting, "their mean is better than both: $mean");
is(value(q{SELECT count(*) FROM (SELECT method, count(*) FROM retail.backtest GROUP BY method HAVING count(*) <> 840) m}),
	'0', 'all methods forecast the same days');
my $covered = value(q{SELECT coverage FROM retail.ranking WHERE method = 'mean of arima and boosting'});
ok($covered > 0.82 && $covered < 0.97, "share of days inside their 90 % interval: $covered");
is( value(q{SELECT count(*), count(DISTINCT store), min(day), max(day), bool_and(lower < forecast AND forecast < upper)
			FROM retail.forecasts}),
	'280|10|2025-10-01|2025-10-28|t', 'every store is forecast 28 days ahead, with intervals');
# a forecast for an origin does not know what comes after it
is( value(q{
	BEGIN;
	CREATE TEMP TABLE before AS SELECT * FROM retail.features WHERE day <= '2025-09-02';
	DELETE FROM retail.daily WHERE day > '2025-08-05';
	SELECT count(*) FROM before b WHERE day > '2025-08-05' AND (lag_28 IS DISTINCT FROM
		(SELECT d.units FROM retail.daily d WHERE d.store = b.store AND d.day = b.day - 28) / level)}),
	'0', 'features of a day are as old as 28 days');
like(PostgreSQL::Test::Utils::slurp_file("$work/store_sales.svg"), qr/^<svg .*<\/svg>\s*$/s, 'the picture is SVG');

#
# Pharmacy
#
$out = run_file("$tree/examples/pharmacy/run.sql");
like($out, qr/Price sensitivity/, 'the report is there');
is(value('SELECT count(*), sum(units) FROM pharmacy.sales'), '8008|283804', 'the same sales as ever');
is(value('SELECT count(*) FROM pharmacy.elasticity'), '6', 'groups without a week of nothing have an elasticity');
is( value(q{SELECT count(*) FROM pharmacy.elasticity e JOIN pharmacy_truth.groups g USING (drug_group)
			WHERE abs(e.estimate - g.elasticity) > 3 * e.standard_error}),
	'0', 'which is within three standard errors of the true one');
cmp_ok(value(q{SELECT count(*) FROM pharmacy.elasticity e JOIN pharmacy_truth.groups g USING (drug_group)
			WHERE g.elasticity BETWEEN e.lower AND e.upper}), '>=', 5, 'and mostly within its interval');
is(value('SELECT bool_and(beats_naive), count(*) FROM pharmacy.backtest'), 't|8',
	'auto beats the seasonal naive forecast in every group');
is( value(q{SELECT string_agg(DISTINCT drug_group, ', ' ORDER BY drug_group) FROM pharmacy.forecasts
			WHERE method LIKE '%TSB%'}),
	'eye drops, travel vaccines', 'groups asked for on few days get methods for them');
is(value('SELECT count(*), min(step), max(step) FROM pharmacy.forecasts'), '224|1|28', 'four weeks ahead');
is(value(q{SELECT count(*) FROM pharmacy.forecasts WHERE lower < 0 OR forecast IS NULL}), '0', 'nothing below 0');
is(value(q{SELECT production FROM (SELECT count(*) AS production FROM augur.serving_now
			WHERE model IN ('pharmacy_demand', 'store_sales', 'store_sales_boosting')) s}),
	'3', 'the models are in production');

# the loop: found once a version, promoted once, rejected once, broken data not trained on
$out = run_file("$tree/examples/loop/run.sql");
like($out, qr/33 \| drift *\| t *\| t *\| promoted *\| *\| *2$/m, 'drift of three days trains a candidate that is promoted');
like($out, qr/36 \| drift *\| t *\| f *\| *\| cooldown/, 'drift within the cooldown does not');
like($out, qr/43 \| drift *\| t *\| t *\| rejected/, 'a candidate that is no sure gain is rejected');
like($out, qr/does not pass suite "bazaar data"/, 'broken data does not train');
is($node->safe_psql('postgres', q{SELECT string_agg(kind, ' ' ORDER BY id) FROM augur.events WHERE model = 'bazaar' AND kind ~ '^(drift|retrain)_'}),
	'drift_found retrain_promoted drift_resolved drift_found retrain_rejected', 'one event for each change');

#
# The two systems that run by themselves, on a simulated clock.  Nothing is sent here: see 085_notify.pl.
#
$out = run_file("$tree/examples/customers/scheduled.sql");
is(value(q{SELECT string_agg(status, ' ' ORDER BY id) FROM augur.pipeline_runs WHERE pipeline = 'shop'}),
	'success success failed success', 'a month whose file is in cents fails, and is done again');
is(value(q{SELECT string_agg(s.step || ' ' || s.status, ', ' ORDER BY s.id) FROM augur.step_runs s JOIN augur.pipeline_runs r ON r.id = s.run_id
		WHERE r.pipeline = 'shop' AND r.status = 'failed' AND s.status NOT IN ('success', 'upstream_failed')}),
	'check failed', 'at the check, before anything learns from it');
is(value(q{SELECT count(*) FROM (SELECT * FROM shop_source.transactions WHERE ts < '2025-07-01' EXCEPT SELECT * FROM shop.transactions) d}),
	'0', 'every purchase is there in the end');
is(value(q{SELECT max(amount) < 50000 FROM shop.transactions}), 't', 'and none in cents');
cmp_ok(value(q{SELECT value FROM augur.leaderboard WHERE model = 'large_purchase' AND aliases ~ 'production'}), '>', 0.84,
	'what serves is good');
is(value(q{SELECT string_agg(kind, ' ' ORDER BY id) FROM augur.notification_log WHERE channel = 'shop' AND kind ~ '^(pipeline|validation)'}),
	'validation_failed pipeline_failed validation_recovered pipeline_recovered', 'the team is told of trouble and of its end');

$out = run_file("$tree/examples/store_sales/scheduled.sql");
is(value(q{SELECT string_agg(status || ' ' || trigger, ', ' ORDER BY id) FROM augur.pipeline_runs WHERE pipeline = 'weekly demand'}),
	'success schedule, success schedule, failed schedule, success rerun, success schedule, success schedule, success schedule',
	'six Mondays, one of which was repeated');
is(value(q{SELECT count(*) FROM augur.step_runs s JOIN augur.pipeline_runs r ON r.id = s.run_id
		WHERE r.pipeline = 'weekly demand' AND s.step IN ('theta', 'ets', 'seasonal_naive') AND s.status = 'success'}), '18',
	'three forecasters each');
is(value(q{SELECT count(DISTINCT origin) FROM augur.forecasts f JOIN augur.models m ON m.id = f.model_id WHERE m.name = 'demand'}), '6',
	'and a forecast that is kept');
is(value(q{SELECT bool_and(v.value <= o.value) FROM augur.pipeline_runs r
		JOIN augur.step_runs b ON b.run_id = r.id AND b.step = 'best' AND b.status = 'success'
		JOIN augur.step_runs s ON s.run_id = r.id AND s.step IN ('theta', 'ets', 'seasonal_naive') AND s.status = 'success'
		JOIN augur.leaderboard v ON v.model = 'demand' AND v.version = (b.result ->> 'version')::int
		JOIN augur.leaderboard o ON o.model = 'demand' AND o.version = (s.result ->> 'version')::int
		WHERE r.pipeline = 'weekly demand'}), 't', 'the best one serves');
is(value(q{SELECT count(*) FROM augur.notification_log WHERE channel = 'buyers' AND kind = 'forecast_ready'}), '6', 'and the buyers know');

$node->stop;
done_testing();
