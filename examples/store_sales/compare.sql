-- Rolling origin: three times, 28 days are forecast from what was known before them, by each
-- method, and compared with what came.

CREATE TABLE retail.backtest (method text, store text, fold int, step int, day date, actual float8,
	forecast float8, naive float8, lower float8, upper float8, scale float8);

-- Methods that look at each store's own past.  Further methods of augur.forecast_methods are one
-- more name in the list.
INSERT INTO retail.backtest
SELECT m.method, b.series_key ->> 'store', b.fold, b.step_ahead, b.ts::date, b.actual, b.forecast, b.naive,
	   b.lower, b.upper, b.scale_absolute
FROM unnest(ARRAY['seasonal_naive', 'ets', 'auto']) AS m (method),
	 augur.backtest('retail.daily', 'day', 'units', 28, series => '{store}', folds => 3,
					method => m.method, frequency => '1 day', levels => '{0.9}', params => '{"lower_bound": 0}') b;

-- Gradient boosting over all stores, on lags, calendar and planned promotions: for each origin a
-- model of its own, which has not seen what it is asked for.
CREATE FUNCTION retail.boosting(until date) RETURNS augur.model LANGUAGE sql STABLE AS $$
	SELECT augur.gradient_boosting_agg(f.multiple, f,
		'{"n_trees": 400, "learning_rate": 0.05, "max_leaf_nodes": 15, "early_stopping_rounds": 30,
		  "exclude": ["day", "level", "units", "multiple"]}')
	FROM retail.features f WHERE f.day <= until AND f.level > 0 AND f.units IS NOT NULL $$;

CREATE TEMP TABLE origin AS
SELECT fold, min(day) - 1 AS day, retail.boosting(min(day) - 1) AS model FROM retail.backtest GROUP BY fold;

INSERT INTO retail.backtest
SELECT 'boosting', b.store, b.fold, b.step, b.day, b.actual, p.value * f.level, b.naive,
	   p.lower * f.level, p.upper * f.level, b.scale
FROM origin o
JOIN retail.backtest b ON b.fold = o.fold AND b.method = 'seasonal_naive'
JOIN retail.features f ON f.store = b.store AND f.day = b.day
CROSS JOIN LATERAL augur.predict_full(o.model, f, level => 0.9) p;
DROP TABLE origin;

-- ARIMA of each store with the planned promotions as regressors: orders given, since a search would
-- take most of the example's time.  The view ends where each training may look no further.
CREATE TABLE retail.origin (day date);
INSERT INTO retail.origin SELECT max(day) FROM retail.daily;
CREATE VIEW retail.history AS
SELECT d.*, p.bakery, p.drinks, p.household, p.snacks, p.soup
FROM retail.daily d JOIN retail.plan p USING (store, day)
WHERE day BETWEEN '2024-01-01' AND (SELECT o.day FROM retail.origin o);
CREATE VIEW retail.coming AS
SELECT p.* FROM retail.plan p WHERE day > (SELECT o.day FROM retail.origin o);

-- arima has its orders given, because the search takes longer than all the rest of the example.
CREATE FUNCTION retail.train(model text, method text) RETURNS augur.train_result LANGUAGE sql AS $$
	SELECT augur.train_forecast(model, 'retail.history', 'day', 'units', series => '{store}',
		regressors => '{bakery,drinks,household,snacks,soup}', method => method, frequency => '1 day',
		horizon => 28, levels => '{0.9}', promote => 'always', note => 'demand by store and day, promotions known',
		params => CASE method WHEN 'arima' THEN
			'{"arima_p": 1, "arima_d": 0, "arima_q": 1, "arima_seasonal_p": 0, "arima_seasonal_d": 1,
			  "arima_seasonal_q": 1, "lower_bound": 0}'::jsonb
			ELSE '{"lower_bound": 0, "max_rows": 15000}' END) $$;

SET client_min_messages = warning;
DO $$
DECLARE
	o	record;
BEGIN
	FOR o IN
		SELECT b.fold, min(b.day) - 1 AS day, m.method
		FROM retail.backtest b, unnest('{arima,global_boosting}'::text[]) m (method)
		GROUP BY b.fold, m.method ORDER BY b.fold, m.method
	LOOP
		UPDATE retail.origin SET day = o.day;
		PERFORM retail.train('store_sales_trial', o.method);
		INSERT INTO retail.backtest
		SELECT o.method, b.store, b.fold, b.step, b.day, b.actual, f.forecast, b.naive, f.lower, f.upper, b.scale
		FROM augur.forecast('store_sales_trial', 28, future => 'retail.coming') f
		JOIN retail.backtest b ON b.store = f.series_key ->> 'store' AND b.day = f.ts::date
		WHERE b.method = 'seasonal_naive' AND b.fold = o.fold;
	END LOOP;
	UPDATE retail.origin SET day = (SELECT max(d.day) FROM retail.daily d);
	PERFORM augur.drop_model('store_sales_trial');
END
$$;
RESET client_min_messages;

-- The mean of two methods that err in different ways.
INSERT INTO retail.backtest
SELECT 'mean of arima and boosting', a.store, a.fold, a.step, a.day, a.actual, (a.forecast + b.forecast) / 2,
	   a.naive, (a.lower + b.lower) / 2, (a.upper + b.upper) / 2, a.scale
FROM retail.backtest a JOIN retail.backtest b USING (store, fold, day)
WHERE a.method = 'arima' AND b.method = 'boosting';

CREATE VIEW retail.ranking AS
SELECT method, count(DISTINCT (store, fold)) AS forecasts,
	   augur.smape(actual, forecast) AS smape, avg(abs(actual - forecast) / scale) AS mase,
	   augur.mae(actual, forecast) AS mae, augur.mae(actual, naive) AS naive_mae,
	   avg((actual BETWEEN lower AND upper)::int) FILTER (WHERE actual IS NOT NULL) AS coverage
FROM retail.backtest GROUP BY method;
