-- backtest: what forecasts would have been worth, by rolling origin.
SET augur.verbosity = 0;
SET timezone = 'UTC';
SET datestyle = ISO;

CREATE TABLE sales (store text, line int, day date, units numeric);
INSERT INTO sales SELECT s, l, date '2024-01-01' + i, 10 * l + i % 7 + i / 10
FROM unnest('{a,bb}'::text[]) s, generate_series(1, 2) l, generate_series(0, 69) i;

-- a row for each fold, step and level
SELECT p.* FROM unnest((SELECT augur.backtest_agg(day, units, 2) FROM sales WHERE store = 'a' AND line = 1)) p LIMIT 0;
SELECT p.fold, p.origin, p.step, p.ts, p.actual, p.forecast, p.naive, round(p.lower::numeric, 4) AS lower, round(p.upper::numeric, 4) AS upper,
	p.level, p.method, round(p.scale_absolute::numeric, 4) AS scale_absolute, round(p.scale_squared::numeric, 4) AS scale_squared
FROM unnest((SELECT augur.backtest_agg(day, units, 3, '{"method": "naive", "folds": 2, "levels": [0.5, 0.9]}') FROM sales WHERE store = 'a' AND line = 1)) p;
-- origins one step apart overlap
SELECT p.fold, min(p.origin), min(p.ts), max(p.ts), count(*) FROM unnest((SELECT augur.backtest_agg(day, units, 3, '{"method": "naive", "folds": 4, "step": 1}') FROM sales WHERE store = 'a' AND line = 1)) p GROUP BY p.fold ORDER BY p.fold;

-- a fold knows nothing of what comes after its origin: it forecasts as the rows before it do alone
CREATE TABLE gappy AS SELECT day, units FROM sales WHERE store = 'a' AND line = 1 AND day NOT BETWEEN '2024-02-20' AND '2024-02-27';
SELECT m.method, bool_and(b.forecast IS NOT DISTINCT FROM f.forecast AND b.lower IS NOT DISTINCT FROM f.lower
	AND b.ts = f.ts AND b.method = f.method) AS same, count(*), count(DISTINCT b.fold) AS folds
FROM (SELECT method FROM augur.forecast_methods WHERE method IN ('naive', 'seasonal_naive', 'drift', 'mean', 'naive2')) m,
	unnest('{missing,interpolate,zero,carry}'::text[]) g (gaps),
	LATERAL (SELECT p.* FROM unnest((SELECT augur.backtest_agg(day, units, 4, jsonb_build_object('method', m.method, 'gaps', g.gaps, 'season', 7, 'folds', 3)) FROM gappy)) p) b,
	LATERAL (SELECT p.* FROM unnest((SELECT augur.forecast_agg(day, units, 4, jsonb_build_object('method', m.method, 'gaps', g.gaps, 'season', 7, 'frequency', '1 day'))
		FROM (SELECT day, units FROM gappy WHERE day <= b.origin UNION ALL VALUES (b.origin, NULL::numeric)) known)) p) f
WHERE f.step = b.step
GROUP BY 1 ORDER BY 1;

-- over a table: series by columns
SELECT series_key, fold, origin, step_ahead, ts, actual, forecast, naive, level, used_method
FROM augur.backtest('sales', 'day', 'units', 2, series => '{store,line}', method => 'seasonal_naive', folds => 2) ORDER BY series_key, ts;
SELECT series_key, level, folds_made, n, round(smape::numeric, 4) AS smape, round(mape::numeric, 4) AS mape, round(mase::numeric, 4) AS mase, round(rmsse::numeric, 4) AS rmsse,
	round(mae::numeric, 4) AS mae, round(rmse::numeric, 4) AS rmse, round(bias::numeric, 4) AS bias, coverage, round(msis::numeric, 4) AS msis,
	round(naive_smape::numeric, 4) AS naive_smape, round(naive_mase::numeric, 4) AS naive_mase, beats_naive
FROM augur.backtest_summary('sales', 'day', 'units', 7, series => '{store,line}', method => 'drift', folds => 3, levels => '{0.5,0.95}') ORDER BY series_key, level;
-- the same errors by other means: the metric aggregates, and the definitions in SQL
SELECT bool_and(abs(s.smape / 100 - x.smape) < 1e-12 AND abs(s.mae - x.mae) < 1e-12 AND abs(s.rmse - x.rmse) < 1e-12
	AND abs(s.coverage - x.coverage) < 1e-12 AND abs(s.mape / 100 - x.mape) < 1e-12 AND abs(s.mase - x.mase) < 1e-12
	AND abs(s.rmsse - x.rmsse) < 1e-12 AND abs(s.msis - x.msis) < 1e-9 AND abs(s.naive_mae - x.naive_mae) < 1e-12) AS equal, count(*)
FROM augur.backtest_summary('sales', 'day', 'units', 7, series => '{store,line}', method => 'drift', folds => 3, levels => '{0.5,0.95}') s
JOIN (SELECT series_key, level, augur.smape(actual, forecast), augur.mae(actual, forecast), augur.rmse(actual, forecast), augur.mape(actual, forecast),
		augur.coverage(actual, lower, upper), avg(abs(actual - forecast) / scale_absolute) AS mase, sqrt(avg((actual - forecast) ^ 2 / scale_squared)) AS rmsse,
		avg((upper - lower + 2 / (1 - level) * (CASE WHEN actual < lower THEN lower - actual WHEN actual > upper THEN actual - upper ELSE 0 END)) / scale_absolute) AS msis,
		augur.mae(actual, naive) AS naive_mae
	FROM augur.backtest('sales', 'day', 'units', 7, series => '{store,line}', method => 'drift', folds => 3, levels => '{0.5,0.95}') GROUP BY 1, 2) x
	USING (series_key, level);
-- one series without a key; a time column with a zone; quoted names
CREATE SCHEMA "Odd";
CREATE TABLE "Odd"."Table" ("At" timestamptz, "Y y" real, "key" text);
INSERT INTO "Odd"."Table" SELECT timestamptz '2024-03-30' + i * interval '1 day', i, NULL FROM generate_series(0, 9) i;
SELECT series_key, origin, ts, actual, forecast FROM augur.backtest('"Odd"."Table"', 'At', 'Y y', 2, method => 'naive');
SELECT series_key, origin, ts, actual, forecast FROM augur.backtest('"Odd"."Table"', 'At', 'Y y', 2, series => '{key}', method => 'drift', params => '{"time_zone": "Europe/Berlin"}');
SELECT series_key, ts, actual, forecast FROM augur.backtest('"Odd"."Table"', 'At', 'Y y', 1, method => 'naive', frequency => '2 days', params => '{"duplicates": "sum"}');

-- series that are too short or odd do not stop the others
CREATE TABLE odd AS SELECT 'constant' AS name, date '2024-01-01' + i AS t, 5::float8 AS y FROM generate_series(0, 19) i
UNION ALL SELECT 'huge', date '2024-01-01' + i, 1.7e308 * (i % 2 * 2 - 1) FROM generate_series(0, 19) i
UNION ALL SELECT 'tiny', date '2024-01-01' + i, 1e-310 * (i % 3) FROM generate_series(0, 19) i
UNION ALL SELECT 'zero', date '2024-01-01' + i, 0 FROM generate_series(0, 19) i
UNION ALL SELECT 'null', date '2024-01-01' + i, NULL FROM generate_series(0, 19) i
UNION ALL SELECT 'short', date '2024-01-01' + i, i FROM generate_series(0, 4) i
UNION ALL SELECT 'four', date '2024-01-01' + i, i FROM generate_series(0, 3) i
UNION ALL SELECT 'no time', NULL, 3
UNION ALL SELECT 'null at the end', date '2024-01-01' + i, CASE WHEN i < 16 THEN i END FROM generate_series(0, 19) i;
SELECT name, count(p.*) AS rows, count(DISTINCT p.fold) AS folds, count(p.forecast) AS forecasts, count(p.actual) AS actuals
FROM (SELECT name, augur.backtest_agg(t, y, 3, '{"method": "naive", "folds": 2}') AS b FROM odd GROUP BY name) s LEFT JOIN unnest(s.b) p ON true GROUP BY name ORDER BY name;
SELECT series_key ->> 'name' AS name, folds_made, n, smape, mape, mase, rmsse, mae, bias, coverage, naive_mase, beats_naive
FROM augur.backtest_summary('odd', 't', 'y', 3, series => '{name}', method => 'naive', folds => 2) ORDER BY 1;

-- partial states of a parallel plan give the same
ANALYZE sales;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT store, augur.backtest_agg(day, units, 3, '{"method": "naive", "folds": 2, "duplicates": "sum"}') FROM sales GROUP BY store;
CREATE TABLE parallel AS SELECT store, augur.backtest_agg(day, units, 3, '{"method": "naive", "folds": 2, "duplicates": "sum"}') AS b FROM sales GROUP BY store;
SET max_parallel_workers_per_gather = 0;
SELECT count(*), bool_and(p.b = s.b) AS same FROM parallel p JOIN (SELECT store, augur.backtest_agg(day, units, 3, '{"method": "naive", "folds": 2, "duplicates": "sum"}' ORDER BY day DESC) AS b FROM sales GROUP BY store) s USING (store);
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- errors
SELECT augur.backtest_agg(day, units, 0) FROM sales;
SELECT augur.backtest_agg(day, units, 2, '{"folds": 0}') FROM sales;
\set VERBOSITY terse
SELECT augur.backtest_agg(day, units, 2, '{"fold": 2}') FROM sales;
SELECT augur.forecast_agg(day, units, 2, '{"folds": 2}') FROM sales;
\set VERBOSITY default
SELECT augur.backtest_agg(day, units, 2, '{"step": 0}') FROM sales;
\set VERBOSITY terse
SELECT * FROM augur.backtest('sales', 'nothing', 'units', 2);
SELECT * FROM augur.backtest('sales', 'store', 'units', 2);
SELECT * FROM augur.backtest('sales', 'day', 'nothing', 2);
SELECT * FROM augur.backtest('sales', 'day', 'units', 2, series => '{nothing}');
SELECT * FROM augur.backtest('sales', 'day', 'units', NULL);
SELECT * FROM augur.backtest('sales', 'day', 'units', 2, params => '[]');
SELECT * FROM augur.backtest('sales', 'day', 'units', 2, levels => '{95}');
SELECT augur._backtest_errors('{1}', '{1,2}', '{1}', '{1}', '{1}', '{1}', '{1}', 0.5);
