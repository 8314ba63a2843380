-- Keep what is worth keeping, each with the rows up to the last day: the boosted trees as a model
-- of augur.predict, and ARIMA of each store as a forecaster of augur.forecast.  Then forecast
-- the next 28 days with both and with their mean, and let the comparison decide which is used.

SELECT augur.register('store_sales_boosting', retail.boosting((SELECT max(day) FROM retail.daily)),
					  note => 'multiple of the level of four to eight weeks ago, promotions known',
					  promote => 'always') AS "version of store_sales_boosting";

SELECT model, version, metric, round(value::numeric, 3) AS value, promoted FROM retail.train('store_sales', 'arima');

CREATE TABLE retail.ahead AS
SELECT 'boosting' AS method, f.store, f.day, p.value * f.level AS forecast, p.lower * f.level AS lower,
	   p.upper * f.level AS upper
FROM retail.features f, augur.predict_full('store_sales_boosting', f, level => 0.9) p
WHERE f.day > (SELECT max(day) FROM retail.daily)
UNION ALL
SELECT 'arima', f.series_key ->> 'store', f.ts::date, f.forecast, f.lower, f.upper
FROM augur.forecast('store_sales', future => 'retail.coming') f;

INSERT INTO retail.ahead
SELECT 'mean of arima and boosting', a.store, a.day, (a.forecast + b.forecast) / 2, (a.lower + b.lower) / 2,
	   (a.upper + b.upper) / 2
FROM retail.ahead a JOIN retail.ahead b USING (store, day)
WHERE a.method = 'arima' AND b.method = 'boosting';

-- The best of these in the comparison.
CREATE TABLE retail.forecasts AS
SELECT a.* FROM retail.ahead a
WHERE a.method = (SELECT r.method FROM retail.ranking r WHERE r.method IN (SELECT method FROM retail.ahead)
				  ORDER BY r.mase LIMIT 1);
