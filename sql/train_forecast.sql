-- train_forecast: forecasters in the registry.
\set SHOW_CONTEXT never
SET augur.verbosity = 0;
SET timezone = 'UTC';
SET datestyle = ISO;
SET intervalstyle = postgres;
SET search_path = public, augur;

CREATE TABLE sales (store text, "Item" int, day date, units numeric, promo boolean, price numeric);
INSERT INTO sales SELECT s, 1, date '2024-01-01' + i, 10 * length(s) + i % 7 + i / 7 * 0.5 + (i * 7919 % 13) * 0.1 + CASE WHEN i % 9 = 0 THEN 4 ELSE 0 END, i % 9 = 0, 5 - (i % 5) * 0.1
FROM unnest('{a,bb,ccc}'::text[]) s, generate_series(0, 83) i;

-- ten lines to the first forecast
SELECT model, version, task, algorithm, rows_used, rows_skipped, metric, value < 1 AS better, production_value, promoted, warnings
FROM train_forecast('sales', 'sales', 'day', 'units', series => '{store}', horizon => 7);
SELECT series_key ->> 'store' AS store, ts::date, step, round(forecast::numeric, 2) AS forecast, lower < forecast AND forecast < upper AS inside, level, method
FROM forecast('sales', 2);
SELECT count(*), count(DISTINCT level), max(step), min(ts) FROM forecast('sales');
SELECT count(*), min(series_key::text), max(level) FROM forecast('sales', 3, '{0.5}', series => '{"store": "bb"}');
-- levels that were not stored are made from the same fit
SELECT bool_and(abs(a.forecast - b.forecast) < 1e-9 * abs(a.forecast) AND abs(a.lower - b.lower) < 1e-9 * abs(a.lower)), count(*)
FROM forecast('sales') a JOIN forecast('sales', 7, '{0.6,0.8,0.95}') b USING (series_key, step, level);
-- so are steps further ahead
SELECT bool_and(abs(a.forecast - b.forecast) < 1e-9 * abs(a.forecast)), count(*)
FROM forecast('sales', 7, '{}') a JOIN forecast('sales', 14, '{}') b USING (series_key, step);
SELECT series_key ->> 'store' AS store, step, quantile, value IS NOT NULL AS known FROM forecast_quantiles('sales', '{0.9,0.1,0.5}', 1, series => '{"store": "a"}');
SELECT bool_and(q.value = CASE q.quantile WHEN 0.1 THEN f.lower WHEN 0.9 THEN f.upper ELSE f.forecast END), count(*)
FROM forecast_quantiles('sales', '{0.1,0.5,0.9}') q JOIN forecast('sales', levels => '{0.8}') f USING (series_key, step);
SELECT model, version, in_production, series, n, observed, filled, missing, first_ts, last_ts, step, season, folds, beats_naive, fallback, warning
FROM series_status WHERE model = 'sales';
SELECT model, version, aliases, algorithm, metric, value < baseline_value AS better FROM leaderboard WHERE model = 'sales';
SELECT m.split, m.name, m.value IS NOT NULL AS value, m.lower < m.value AS lower, m.n FROM metrics m JOIN runs r ON r.id = m.run_id JOIN models o ON o.id = r.model_id WHERE o.name = 'sales' ORDER BY 1, 2;
SELECT left(forecast_chart('sales', '{"store": "a"}', 3), 90) AS svg, (length(forecast_chart('sales', '{"store": "a"}', levels => '{}')) > 500) AS whole;
SELECT forecast_chart('sales');

-- days are days in every time zone
SET timezone = 'America/Los_Angeles';
SELECT min(ts::date), min(ts) FROM forecast('sales');
SET timezone = 'Asia/Tokyo';
SELECT min(ts::date), min(ts) FROM forecast('sales');
SET timezone = 'UTC';

-- what was kept, and what came true
SELECT store_forecast('sales');
SELECT count(*) FROM forecast_accuracy('sales');
SELECT version, origin, ts, until, step_ahead, level FROM forecasts ORDER BY id LIMIT 2;
INSERT INTO sales SELECT s, 1, date '2024-01-01' + i, 10 * length(s) + i % 7 + i / 7 * 0.5 + (i * 7919 % 13) * 0.1 + CASE WHEN i % 9 = 0 THEN 4 ELSE 0 END, i % 9 = 0, 5 - (i % 5) * 0.1
FROM unnest('{a,bb,ccc}'::text[]) s, generate_series(84, 88) i;
SELECT series_key, version, level, n, mae < 3 AS near, coverage BETWEEN 0 AND 1 AS covered, backtest_mae > 0 AS expected FROM forecast_accuracy('sales');
SELECT count(*) FROM forecast_accuracy('sales/1', since => '2024-03-28');
UPDATE forecasts SET forecast = 0;
CREATE TABLE other (id int, "Some""thing" text);
SELECT * FROM forecast_accuracy('sales', 'other');

-- new rows without a search; a method that is worse; one that is not better than naive
SELECT version, rows_used, value = production_value AS same_method, promoted, warnings FROM refresh_forecast('sales');
SELECT p.series, p.method = n.method AS kept, n.n - p.n AS more FROM version_series p JOIN version_series n USING (series)
WHERE p.version_id = (SELECT id FROM versions WHERE version = 1 AND model_id = (SELECT id FROM models WHERE name = 'sales'))
AND n.version_id = (SELECT id FROM versions WHERE version = 2 AND model_id = (SELECT id FROM models WHERE name = 'sales')) ORDER BY p.series_no;
SELECT version, algorithm, value > production_value AS worse, promoted, warnings[1] ~ '^not promoted: mase .* is not better than .* of the seasonal naive forecast$' AS told
FROM train_forecast('sales', 'sales', 'day', 'units', series => '{store}', method => 'drift', season => '{7}', horizon => 7, params => '{"folds": 3}');
SELECT promoted, warnings FROM train_forecast('flat', 'sales', 'day', 'units', series => '{store}', method => 'seasonal_naive', season => '{7}', horizon => 7);
SELECT forecast FROM forecast('flat') LIMIT 1;
SELECT count(*) FROM forecast('flat/1');
SELECT promote('flat', 1);
SELECT count(*) FROM forecast('flat');
SELECT version, promoted FROM train_forecast('flat', 'sales', 'day', 'units', series => '{store}', method => 'mean', promote => 'always');
SELECT count(*) FROM forecast('flat@previous');
-- grown by a quarter since the search
INSERT INTO sales SELECT 'a', 1, date '2024-01-01' + i, 10 + i % 7 + i / 7 * 0.5 + (i * 7919 % 13) * 0.1 FROM generate_series(89, 200) i;
SELECT version, warnings FROM refresh_forecast('sales');
-- a new series is searched in full, an old one stays
INSERT INTO sales SELECT 'dddd', 1, date '2024-05-01' + i, 30 + i % 7 FROM generate_series(0, 60) i;
SELECT rows_used FROM refresh_forecast('sales', 'never', 'one store more');
SELECT series, n, warning FROM series_status WHERE model = 'sales' AND version = 5 ORDER BY series;

-- regressors known ahead
CREATE TABLE plan AS SELECT s AS store, date '2024-03-30' + i AS day, i = 3 AS promo, 4.8 AS price FROM unnest('{a,bb,ccc}'::text[]) s, generate_series(0, 9) i;
CREATE VIEW early AS SELECT * FROM sales WHERE day < '2024-03-30' AND store <> 'dddd';
SELECT value < 1 AS better, promoted, warnings FROM train_forecast('promo', 'early', 'day', 'units', series => '{store}', regressors => '{promo,price}', horizon => 5);
SELECT method ~ 'regressors' AS regressors, reason, count(*) FROM series_status WHERE model = 'promo' GROUP BY 1, 2;
SELECT series_key ->> 'store' AS store, ts::date, forecast > lag(forecast) OVER (PARTITION BY series_key ORDER BY step) + 2 AS lifted FROM forecast('promo', 4, future => 'plan', levels => '{}') ORDER BY 1, 2;
SELECT count(*) FROM forecast('promo');
SELECT count(*) FROM forecast('promo', 11, future => 'plan');
UPDATE plan SET price = NULL WHERE store = 'bb' AND day IN ('2024-03-31', '2024-04-01');
SELECT count(*) FROM forecast('promo', future => 'plan');
SELECT count(*) FROM forecast('promo', future => 'plan', series => '{"store": "a"}');
DELETE FROM plan WHERE store = 'bb';
SELECT count(*) FROM forecast('promo', future => 'plan');
SELECT count(*) FROM forecast('promo', future => 'sales', series => '{"store": "nowhere"}');
SELECT count(*) FROM forecast('promo', future => 'other');
SELECT count(*) FROM forecast('sales', future => 'plan');
SELECT version, promoted FROM refresh_forecast('promo');
-- production needs columns that the relation lacks, or has otherwise
CREATE VIEW told AS SELECT store, day, units, CASE WHEN promo THEN 'yes' ELSE 'no' END AS promo, price FROM early;
SELECT version, promoted, warnings FROM train_forecast('promo', 'told', 'day', 'units', series => '{store}', method => 'drift', horizon => 5);
CREATE VIEW untold AS SELECT store, day, units FROM early;
SELECT version, promoted, warnings FROM train_forecast('promo', 'untold', 'day', 'units', series => '{store}', method => 'drift', horizon => 5);

-- holidays of a table: their future is in it
CREATE TABLE holidays (day date, name text);
INSERT INTO holidays SELECT d::date, 'market day' FROM generate_series(date '2024-01-05', '2024-05-01', interval '10 days') d;
INSERT INTO holidays VALUES ('2024-02-14', 'valentine');
CREATE VIEW markets AS SELECT store, day, units + CASE WHEN day IN (SELECT h.day FROM holidays h) THEN 20 ELSE 0 END AS units FROM early;
SELECT promoted FROM train_forecast('market', 'markets', 'day', 'units', series => '{store}', method => 'arima', horizon => 10, holidays => 'holidays', promote => 'always');
SELECT ts::date, forecast > 25 AS market_day FROM forecast('market', series => '{"store": "a"}', levels => '{}') ORDER BY 1;
SELECT warnings[1] ~ 'is worse than .* of the version in production' AS told FROM train_forecast('market', 'markets', 'day', 'units', series => '{store}');
SELECT train_forecast('market', 'markets', 'day', 'units', series => '{store}', holidays => 'pg_class');
CREATE TABLE months AS SELECT date '2020-01-01' + i * interval '1 month' AS m, 50 + (SELECT count(*) FROM generate_series(1, 3) k WHERE (i + k) % 7 = 0) * 9 + i * 0.3 AS y, i FROM generate_series(0, 59) i;
ALTER TABLE months ALTER m TYPE date;
CREATE TABLE closings AS SELECT m + k AS day, 'closed'::text AS name FROM months, generate_series(1, 3) k WHERE (i + k) % 7 = 0;
SELECT warnings FROM train_forecast('months', 'months', 'm', 'y', method => 'arima', frequency => '1 month', horizon => 3, holidays => 'closings', promote => 'always');
SELECT ts::date, round(forecast::numeric) AS forecast FROM forecast('months', levels => '{}');
-- whatever the columns are called
CREATE TABLE letters AS SELECT store AS s, day AS k, units AS i FROM markets;
SELECT promoted FROM train_forecast('letters', 'letters', 'k', 'i', series => '{s}', method => 'arima', horizon => 10, holidays => 'holidays', promote => 'always');
SELECT ts::date, forecast > 25 AS market_day FROM forecast('letters', 7, series => '{"s": "a"}', levels => '{}') ORDER BY 1;

-- times with a zone: 24 steps a day, 23 on the day the clocks change
CREATE TABLE hours AS SELECT timestamptz '2024-03-01 00:00 Europe/Berlin' + i * interval '1 hour' AS t, 10 + i % 24 AS y FROM generate_series(0, 700) i;
SELECT warnings FROM train_forecast('hours', 'hours', 't', 'y', season => '{24}', method => 'seasonal_naive', horizon => 30, params => '{"time_zone": "Europe/Berlin"}', promote => 'always');
SELECT min(ts), max(ts), count(*) FROM forecast('hours', levels => '{}');

-- series of all kinds in one statement
CREATE TABLE odd (k text, t timestamp, y float8);
INSERT INTO odd VALUES ('nothing', NULL, 1), ('no value', '2024-01-01', NULL), ('one', '2024-01-01', 5), ('two', '2024-01-01', 5), ('two', '2024-01-02', 6),
	('nan', '2024-01-01', 'NaN'), (NULL, '2024-01-01', 1), (NULL, '2024-01-02', 2), (NULL, '2024-01-04', 3), ('infinite', 'infinity', 3), ('infinite', '2024-01-01', 'infinity');
INSERT INTO odd SELECT 'constant', timestamp '2024-01-01' + i * interval '1 day', 3 FROM generate_series(0, 40) i;
INSERT INTO odd SELECT 'zero', timestamp '2024-01-01' + i * interval '1 day', 0 FROM generate_series(0, 40) i;
INSERT INTO odd SELECT 'huge', timestamp '2024-01-01' + i * interval '1 day', 1e300 * (i % 5) FROM generate_series(0, 40) i;
INSERT INTO odd SELECT 'twice', timestamp '2024-01-01' + i / 2 * interval '1 day', i FROM generate_series(0, 40) i;
INSERT INTO odd SELECT 'far', timestamp '9999-12-01' + i * interval '1 day', i FROM generate_series(0, 40) i;
SELECT rows_used, rows_skipped, promoted, warnings FROM train_forecast('odd', 'odd', 't', 'y', series => '{k}', horizon => 3, promote => 'always');
SELECT series ->> 'k' AS k, method, n, observed, missing, duplicates, skipped, folds, fallback IS NOT NULL AS fallback, warning FROM series_status WHERE model = 'odd' ORDER BY series ->> 'k' COLLATE "C" NULLS LAST;
SELECT series_key ->> 'k' AS k, count(*), min(ts) FROM forecast('odd', 1, '{}') GROUP BY 1 ORDER BY (series_key ->> 'k') COLLATE "C" NULLS LAST;
SELECT promoted, warnings FROM train_forecast('short', 'odd', 't', 'y', series => '{k}', horizon => 1000);

-- errors
SELECT train_forecast('e', 'sales', 'day', 'store');
SELECT train_forecast('e', 'sales', 'store', 'units');
SELECT train_forecast('e', 'sales', 'nowhere', 'units');
SELECT train_forecast('e', 'sales', 'day', 'units', series => '{day}');
SELECT train_forecast('e', 'sales', 'day', 'units', series => '{store,NULL}');
SELECT train_forecast('e', 'sales', 'day', 'units', regressors => '{store}');
SELECT train_forecast('e', 'sales', 'day', 'units', regressors => '{price}', method => 'ets');
SELECT train_forecast('e', 'sales', 'day', 'units', series => '{store}', params => '{"season": 3}');
SELECT train_forecast('e', 'sales', 'day', 'units', series => '{store}', params => '{"seasons": 3}');
SELECT train_forecast('e', 'sales', 'day', 'units', series => '{store}', method => 'etss');
SELECT train_forecast('e', 'sales', 'day', 'units', series => '{store}', horizon => 0);
SELECT train_forecast('e', 'sales', 'day', 'units', series => '{store}', levels => '{95}');
SELECT train_forecast('e', 'sales', 'day', 'units', series => '{store}', promote => 'maybe');
SELECT train_forecast('e', 'sales', 'day', NULL);
SELECT train_forecast('e/1', 'sales', 'day', 'units');
SELECT train_forecast('e', 'odd', 't', 'y', series => '{k}', horizon => 3, params => '{"duplicates": "error"}');
CREATE TABLE empty (t date, y int);
SELECT train_forecast('e', 'empty', 't', 'y');
INSERT INTO empty VALUES (NULL, 1);
SELECT train_forecast('e', 'empty', 't', 'y');
SELECT name FROM models WHERE name = 'e';
SELECT forecast('nowhere');
SELECT forecast('sales/77');
SELECT forecast('sales@staging');
SELECT forecast('sales', series => '[1]');
SELECT forecast('sales', series => '{"store": "zz"}');
SELECT forecast('sales', 0);
SELECT forecast('sales', levels => '{0.5,95}');
SELECT forecast_quantiles('sales', '{1.5}');
SELECT forecast_quantiles('sales', '{}');
SELECT predict('sales', s) FROM sales s LIMIT 1;
SELECT promoted FROM train('tabular', 'sales', 'units', algorithm => 'baseline', promote => 'always');
SELECT forecast('tabular');
SELECT train_forecast('tabular', 'sales', 'day', 'units', series => '{store}');
SELECT train('sales', 'sales', 'units', algorithm => 'baseline');
SELECT forecast_accuracy('hours');
DROP TABLE hours;
SELECT refresh_forecast('hours');
-- stored bytes that were damaged
SELECT _series_forecast(set_byte(state, 60, get_byte(state, 60) # 1), 1, NULL) FROM version_states LIMIT 1;
SELECT _series_forecast(substr(state, 1, 40), 1, NULL) FROM version_states LIMIT 1;
SELECT _series_forecast('\x', 1, NULL);
SELECT drop_model('sales');
SELECT count(*) FROM forecasts;
