-- Four weeks ahead for each group.  The automatic choice looks at zeros, seasons and length: groups
-- that are asked for on few days get methods for such demand.

-- Would it have been better than repeating last week?  Five origins, 28 days apart.
CREATE TABLE pharmacy.backtest AS
SELECT series_key ->> 'drug_group' AS drug_group, e.*
FROM augur.backtest_summary('pharmacy.sales', 'day', 'units', 28, series => '{drug_group}', folds => 5,
							levels => '{0.9}', params => '{"lower_bound": 0}') e;

SELECT model, version, metric, round(value::numeric, 3) AS value, promoted
FROM augur.train_forecast('pharmacy_demand', 'pharmacy.sales', 'day', 'units', series => '{drug_group}', horizon => 28,
						  levels => '{0.9}', params => '{"lower_bound": 0, "folds": 5}', note => 'units a day by drug group');

CREATE TABLE pharmacy.forecasts AS
SELECT series_key ->> 'drug_group' AS drug_group, ts::date AS day, step, forecast, lower, upper, method
FROM augur.forecast('pharmacy_demand');
