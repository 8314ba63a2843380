-- augur._series_fit: many series in one statement, and forecasts from the state of each.

SET datestyle = ISO;
SET intervalstyle = postgres;
SET augur.verbosity = 0;
CREATE VIEW days AS
SELECT t, timestamp '2024-01-01' + t * interval '1 day' AS at FROM generate_series(0, 199) t;

-- all kinds at once; keys are a text and a number, either may be NULL
CREATE TABLE kinds (k text, part numeric, at timestamp, y float8);
INSERT INTO kinds SELECT 'constant', 1, at, 5 FROM days WHERE t < 30;
INSERT INTO kinds SELECT 'zero', 1, at, 0 FROM days WHERE t < 30;
INSERT INTO kinds SELECT 'all null', 1, at, NULL FROM days WHERE t < 30;
INSERT INTO kinds SELECT 'one', 1, at, 1 FROM days WHERE t < 1;
INSERT INTO kinds SELECT 'two', 1, at, t FROM days WHERE t < 2;
INSERT INTO kinds SELECT 'negative', 1, at, -t FROM days WHERE t < 21;
INSERT INTO kinds SELECT 'huge', 1, at, 1e306 * t FROM days WHERE t < 21;
INSERT INTO kinds SELECT 'tiny', 1, at, 1e-306 * t FROM days WHERE t < 21;
INSERT INTO kinds SELECT 'gaps', 1, at, t FROM days WHERE t < 40 AND t % 5 > 0;
INSERT INTO kinds SELECT 'twice', 1, at, t + i FROM days, generate_series(0, 1) i WHERE t < 21;
INSERT INTO kinds SELECT 'no time', 1, NULL, t FROM days WHERE t < 3;
INSERT INTO kinds VALUES ('infinite', 1, 'infinity', 1), ('infinite', 1, '-infinity', 1);
INSERT INTO kinds SELECT 'year 9999', 1, CASE WHEN t = 20 THEN '9999-12-31' ELSE at END, t FROM days WHERE t <= 20;
INSERT INTO kinds SELECT 'late', 1, timestamp '9999-12-01' + t * interval '1 day', t FROM days WHERE t < 31;
INSERT INTO kinds SELECT NULL, 1, at, t FROM days WHERE t < 21;
INSERT INTO kinds SELECT NULL, NULL, at, t FROM days WHERE t < 21;
INSERT INTO kinds SELECT 'it''s "quoted"', -0.50, at, t FROM days WHERE t < 21;
CREATE TABLE fitted AS
SELECT * FROM augur._series_fit('SELECT k, part, at, y FROM kinds ORDER BY md5(y::text)', '{key,part}', 3, '{}',
	'{"method": "ses", "levels": [0.8, 0.95], "folds": 2}');
SELECT series, n, observed, filled, missing, duplicates AS dup, left_out AS "left", skipped AS skip, folds, tested,
	state IS NOT NULL AS state
FROM fitted;
SELECT series, first_ts AT TIME ZONE 'UTC' AS first, last_ts AT TIME ZONE 'UTC' AS last, step, season, method
FROM fitted;
SELECT series, reason, fallback, warning FROM fitted WHERE coalesce(reason, fallback, warning) IS NOT NULL;
-- names are what jsonb_build_object makes of the columns
SELECT count(*), count(*) FILTER (WHERE f.series IS NOT NULL)
FROM (SELECT DISTINCT k, part FROM kinds) g LEFT JOIN fitted f ON f.series = jsonb_build_object('key', g.k, 'part', g.part);
-- equal keys that are written differently have one name, whatever order their rows come in
SELECT a.series, a.n, a.state = b.state AS same FROM augur._series_fit(
	'SELECT CASE t % 2 WHEN 0 THEN 1 ELSE 1.00 END, at, t::float8 FROM days WHERE t < 9 ORDER BY t', '{part}', 1, '{}', '{"method": "naive"}') a,
	augur._series_fit(
	'SELECT CASE t % 2 WHEN 0 THEN 1 ELSE 1.00 END, at, t::float8 FROM days WHERE t < 9 ORDER BY t DESC', '{part}', 1, '{}',
	'{"method": "naive"}') b WHERE a.series::text = b.series::text;
SELECT a.series, a.n, a.series::text = b.series::text AS same FROM augur._series_fit(
	'SELECT (CASE t % 2 WHEN 0 THEN ''1 day'' ELSE ''24 hours'' END)::interval, at, t::float8 FROM days WHERE t < 9 ORDER BY t', '{part}', 1, '{}', '{"method": "naive"}') a,
	augur._series_fit(
	'SELECT (CASE t % 2 WHEN 0 THEN ''1 day'' ELSE ''24 hours'' END)::interval, at, t::float8 FROM days WHERE t < 9 ORDER BY t DESC', '{part}', 1, '{}',
	'{"method": "naive"}') b;
-- the errors are those of augur.backtest_summary, which counts folds of nothing, too
SELECT count(*), count(*) FILTER (WHERE (f.folds, f.tested, f.smape, f.mape, f.mase, f.rmsse, f.mae, f.rmse, f.bias,
	f.coverage, f.msis, f.naive_smape, f.naive_mase, f.naive_mae) IS NOT DISTINCT FROM (b.folds_made, b.n, b.smape,
	b.mape, b.mase, b.rmsse, b.mae, b.rmse, b.bias, b.coverage, b.msis, b.naive_smape, b.naive_mase, b.naive_mae)) AS same
FROM fitted f JOIN augur.backtest_summary('kinds', 'at', 'y', 3, '{k,part}', folds => 2, method => 'ses',
	levels => '{0.8,0.95}') b
	ON f.series = jsonb_build_object('key', b.series_key -> 'k', 'part', b.series_key -> 'part') AND b.level = 0.95
WHERE f.observed > 0;
-- no keys, no rows, no folds
SELECT series, n, method, folds, mase FROM augur._series_fit('SELECT at, t::float8 FROM days', '{}', 3, '{}',
	'{"method": "drift", "folds": 0}');
SELECT count(*) FROM augur._series_fit('SELECT at, t::float8 FROM days WHERE false', '{}', 3, '{}', NULL);
SELECT count(*) FROM augur._series_fit('SELECT k, at, y FROM kinds WHERE false -- none;', '{k}', 3, '{}', '{}');

-- forecasts: what was stored and what is made anew are the same, and those of augur.forecast_agg
CREATE VIEW stored AS
SELECT f.series, x.* FROM fitted f, augur._series_forecast(f.state, NULL, NULL) x;
SELECT count(*), count(*) FILTER (WHERE (s.*) IS NOT DISTINCT FROM (a.series, a.ts, a.step, a.forecast, a.lower, a.upper,
	a.level, a.method)) AS same
FROM stored s JOIN (SELECT f.series, x.* FROM fitted f, augur._series_forecast(f.state, 3, '{0.5,0.8,0.95}') x) a
	USING (series, step, level);
SELECT count(*), count(*) FILTER (WHERE s.forecast IS NOT DISTINCT FROM a.forecast
	AND s.lower IS NOT DISTINCT FROM a.lower AND s.upper IS NOT DISTINCT FROM a.upper
	AND s.ts AT TIME ZONE 'UTC' = a.ts) AS same
FROM stored s JOIN (SELECT jsonb_build_object('key', k, 'part', part) AS series, x.* FROM
	(SELECT k, part, augur.forecast_agg(at, y, 3, '{"method": "ses", "levels": [0.8, 0.95]}') AS f
	 FROM kinds GROUP BY k, part) g, unnest(g.f) x) a USING (series, step, level);
SELECT ts, step, forecast, lower, upper, level, method FROM stored WHERE series ->> 'key' = 'constant';
SELECT f.series ->> 'key' AS key, x.step, x.ts, x.forecast, x.level
FROM fitted f, augur._series_forecast(f.state, 5, '{}') x
WHERE f.series ->> 'key' IN ('all null', 'constant', 'no time') AND x.step > 3;
SELECT h.* FROM fitted f, augur._series_history(f.state) h WHERE f.series ->> 'key' = 'gaps' LIMIT 6;
SELECT augur._series_forecast(NULL, 1, NULL);
SELECT augur._series_history(NULL);

-- months of dates, hours over a change of the clock, the last day of a month
CREATE TABLE clocks AS
SELECT 'month' AS k, i, (date '2020-01-31' + make_interval(months => i))::timestamptz AS at FROM generate_series(0, 29) i;
SET timezone = 'Europe/Berlin';
SELECT f.first_ts AT TIME ZONE 'UTC' AS first, f.step, f.season, (x.ts AT TIME ZONE 'UTC')::date AS day, x.forecast
FROM augur._series_fit('SELECT (date ''2020-01-31'' + make_interval(months => i))::date, i::float8 FROM clocks', '{}', 2,
	'{}', '{"method": "seasonal_naive"}') f, augur._series_forecast(f.state, NULL, '{}') x;
SELECT f.step, x.ts, x.forecast
FROM augur._series_fit('SELECT timestamptz ''2024-03-20 12:00'' + i * interval ''1 day'', i::float8 FROM generate_series(1, 9) i',
	'{}', 3, '{}', '{"method": "naive"}') f, augur._series_forecast(f.state, NULL, '{}') x;
SELECT f.step, x.ts, x.forecast
FROM augur._series_fit('SELECT timestamptz ''2024-03-31 00:00 UTC'' + i * interval ''1 hour'', i::float8 FROM generate_series(-3, -1) i',
	'{}', 3, '{}', '{"method": "naive"}') f, augur._series_forecast(f.state, NULL, '{}') x;
-- a state keeps its own clock
CREATE TABLE berlin AS SELECT state FROM augur._series_fit(
	'SELECT timestamptz ''2024-03-20 12:00'' + i * interval ''1 day'', i::float8 FROM generate_series(1, 9) i', '{}', 3, '{}',
	'{"method": "naive"}');
SET timezone = 'UTC';
SELECT x.ts FROM berlin, augur._series_forecast(state, NULL, '{}') x;

-- regressors: y is 10, and 7 more on days of a promotion
CREATE TABLE sales AS
SELECT s, t, at, 10 + s + CASE WHEN t % 5 = 0 THEN 7 ELSE 0 END + sin(t * t) / 4 AS y,
	(t % 5 = 0)::int::float8 AS promo, CASE WHEN s = 3 THEN NULL ELSE cos(t) END AS price
FROM days, generate_series(1, 3) s WHERE t < 60;
DELETE FROM sales WHERE t = 31;
UPDATE sales SET promo = NULL WHERE t = 33 AND s = 1;
UPDATE sales SET promo = 'NaN' WHERE t = 0 AND s = 2;
CREATE TABLE promoted AS
SELECT * FROM augur._series_fit('SELECT s, at, y, ARRAY[promo, price] FROM sales', '{s}', 4, '{promo,price}',
	'{"folds": 2}');
SELECT series, n, method LIKE '%regressors' AS used, fallback, warning, folds, round(mase::numeric, 2) AS mase
FROM promoted;
SELECT series ->> 's' AS s, x.step, x.ts::date AS day, round(x.forecast::numeric, 1) AS forecast
FROM promoted p, augur._series_forecast(p.state, NULL, '{}',
	'{2024-03-01,2024-03-02,2024-03-03,2024-03-04,2024-12-24}', '{1,0.5,0,0.5,0,0.5,0,0.5,0,0}') x
WHERE series ->> 's' < '3';
-- what is not known ahead is named; rows that share a step are put together; more rows do not matter
SELECT x.* FROM promoted p, augur._series_forecast(p.state, NULL, NULL) x WHERE series ->> 's' = '1';
SELECT x.* FROM promoted p, augur._series_forecast(p.state, NULL, NULL, '{2024-03-01,2024-03-02,2024-03-03}',
	'{1,0.5,0,NULL,0,0.5}') x WHERE series ->> 's' = '1';
SELECT x.step FROM promoted p, augur._series_forecast(p.state, 1, NULL, '{2024-03-01,2024-03-01}', '{1,0.5,NULL,0.5}') x
WHERE series ->> 's' = '1';
SELECT x.* FROM promoted p, augur._series_forecast(p.state, 1, NULL, '{2024-03-01}', '{1}') x WHERE series ->> 's' = '1';
-- the series that was fitted without them does not ask for them
SELECT count(*) FROM promoted p, augur._series_forecast(p.state, 2, NULL) x WHERE series ->> 's' = '3';

-- what cannot be done is told
SELECT augur._series_fit(NULL, '{}', 1, '{}', '{}');
SELECT augur._series_fit('SELECT at, t::float8 FROM days', '{}', 0, '{}', '{}');
SELECT augur._series_fit('SELECT at, t::float8 FROM days', '{a,NULL}', 1, '{}', '{}');
SELECT augur._series_fit('SELECT at, t::float8 FROM days', '{a}', 1, '{}', '{}');
SELECT augur._series_fit('SELECT at, t FROM days', '{}', 1, '{}', '{}');
SELECT augur._series_fit('SELECT at::text, t::float8 FROM days', '{}', 1, '{}', '{}');
SELECT augur._series_fit('SELECT point(1, 2), at, t::float8 FROM days', '{p}', 1, '{}', '{}');
SELECT augur._series_fit('SELECT at, t::float8, ARRAY[1, 2]::float8[] FROM days', '{}', 1, '{p}', '{}');
SELECT augur._series_fit('SELECT at, t::float8, ARRAY[1]::float8[] FROM days', '{}', 1, '{p}', '{"method": "ets"}');
SELECT augur._series_fit('SELECT at, t::float8 FROM days', '{}', 1, '{}', '{"metod": "ets"}');
SELECT augur._series_fit('SELECT at, t::float8 FROM days', '{}', 1, '{}', '{"folds": -1}');
SELECT augur._series_fit('SELECT at, t::float8 FROM days', '{}', 1, '{}', '{"method": "naive", "ets_trend": "none"}');
SELECT augur._series_fit('SELECT k, at, y FROM kinds WHERE k IS NOT NULL', '{k}', 1, '{}', '{"duplicates": "error"}');
SELECT augur._series_forecast('\x', 1, NULL);
SELECT augur._series_forecast(substr(state, 1, 100), 1, NULL) FROM berlin;
SELECT augur._series_forecast(set_byte(state, 60, get_byte(state, 60) # 1), 1, NULL) FROM berlin;
SELECT augur._series_forecast(state, 0, NULL) FROM berlin;
SELECT augur._series_forecast(state, 1, '{95}') FROM berlin;
DROP VIEW stored, days CASCADE;
DROP TABLE kinds, fitted, clocks, berlin, sales, promoted;
