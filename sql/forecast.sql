-- forecast: the forecast of a series as the value of an aggregate.
SET augur.verbosity = 0;
SET timezone = 'UTC';
SET datestyle = ISO;
SET intervalstyle = postgres;

CREATE TABLE sales (store text, day date, units numeric);
INSERT INTO sales SELECT s, date '2024-01-01' + i, 10 * length(s) + i % 7 + i / 7 * 0.5 FROM unnest('{a,bb,ccc}'::text[]) s, generate_series(0, 69) i;

-- one row for each step, joined beside its group
SELECT store, f.ts, f.step, f.forecast, round(f.lower::numeric, 6) AS lower, round(f.upper::numeric, 6) AS upper, f.level, f.method
FROM (SELECT store, augur.forecast_agg(day, units, 3, '{"method": "seasonal_naive"}') AS f FROM sales GROUP BY store) s, unnest(s.f) f
ORDER BY store, step;
-- one for each level; none at all
SELECT p.ts, p.step, p.forecast, round(p.lower::numeric, 6) AS lower, round(p.upper::numeric, 6) AS upper, p.level, p.method
FROM unnest((SELECT augur.forecast_agg(day, units, 2, '{"method": "drift", "levels": [0.95, 0.5, 0.8, 0.5]}') FROM sales WHERE store = 'a')) p;
SELECT p.* FROM unnest((SELECT augur.forecast_agg(day, units, 2, '{"method": "naive", "levels": []}') FROM sales WHERE store = 'a')) p;
SELECT p.step, p.level FROM unnest((SELECT augur.forecast_agg(day, units, 2, '{"method": "naive", "levels": 0.9}') FROM sales WHERE store = 'a')) p;
-- the type of ts is that of the rows
SELECT pg_typeof(p.ts) FROM unnest((SELECT augur.forecast_agg(day, units, 1, '{"method": "naive"}') FROM sales)) p;
SELECT pg_typeof(p.ts) FROM unnest((SELECT augur.forecast_agg(day::timestamp, units, 1, '{"method": "naive"}') FROM sales)) p;
SELECT pg_typeof(p.ts) FROM unnest((SELECT augur.forecast_agg(day::timestamptz, units, 1, '{"method": "naive"}') FROM sales)) p;
-- without options: the default method and level
SELECT p.step, p.forecast IS NOT NULL AS forecast, p.lower <= p.forecast AND p.forecast <= p.upper AS within, p.level
FROM unnest((SELECT augur.forecast_agg(day, units, 2) FROM sales WHERE store = 'a')) p;

-- how it came about
SELECT store, (f).method, (f).reason, (f).step, (f).season, (f).n, (f).observed, (f).fallback, (f).warning, cardinality((f).points)
FROM (SELECT store, augur.forecast_full_agg(day, units, 3, '{"method": "seasonal_naive"}') AS f FROM sales GROUP BY store) s ORDER BY store;
-- both share one state
EXPLAIN (COSTS OFF, VERBOSE) SELECT augur.forecast_agg(day, units, 3), augur.forecast_full_agg(day, units, 3) FROM sales;
-- options of the method
SELECT p.forecast, p.lower, p.upper FROM unnest((SELECT augur.forecast_agg(day, units, 2, '{"method": "drift", "lower_bound": 12, "upper_bound": 15, "integer": true}') FROM sales WHERE store = 'a')) p;
SELECT name, type, default_value FROM augur.hyperparameters('forecast') WHERE name IN ('method', 'lower_bound', 'integer') ORDER BY name;
SELECT method, seasonal, regressors, length(help) > 20 AS help, length(reference) > 10 AS reference FROM augur.forecast_methods WHERE method LIKE '%naive' ORDER BY method;

-- input order, window frames, DISTINCT and FILTER do not matter
CREATE TABLE forecasts AS SELECT store, augur.forecast_agg(day, units, 5, '{"method": "drift"}') AS f FROM sales GROUP BY store;
SELECT bool_and(f.f = s.f) FROM forecasts f JOIN (SELECT store, augur.forecast_agg(day, units, 5, '{"method": "drift"}' ORDER BY md5(day::text)) AS f FROM sales GROUP BY store) s USING (store);
SELECT bool_and(f.f = s.f) FROM forecasts f JOIN (SELECT store, augur.forecast_agg(day, units, 5, '{"method": "drift"}' ORDER BY day DESC) AS f FROM sales GROUP BY store) s USING (store);
SELECT f.f = (SELECT augur.forecast_agg(day, units, 5, '{"method": "drift"}') FILTER (WHERE store = 'bb') FROM sales) FROM forecasts f WHERE store = 'bb';
SELECT day, p.forecast FROM (SELECT day, augur.forecast_agg(day, units, 1, '{"method": "naive"}') OVER (PARTITION BY store ORDER BY day) AS f FROM sales WHERE store = 'a') s, unnest(s.f) p
ORDER BY day LIMIT 3;

-- parallel plans combine partial states
CREATE TABLE many AS SELECT s, timestamp '2024-01-01' + i * interval '1 hour' AS t, (s * 37 + i * i) % 101 AS y FROM generate_series(1, 200) s, generate_series(0, 99) i;
ANALYZE many;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE one AS SELECT s, augur.forecast_full_agg(t, y, 4, '{"method": "seasonal_naive", "levels": [0.5, 0.9]}')::text AS f FROM many GROUP BY s;
SET max_parallel_workers_per_gather = 3;
EXPLAIN (COSTS OFF) SELECT s, augur.forecast_full_agg(t, y, 4, '{"method": "seasonal_naive", "levels": [0.5, 0.9]}') FROM many GROUP BY s;
SELECT count(*), bool_and(o.f = p.f::text) FROM one o JOIN (SELECT s, augur.forecast_full_agg(t, y, 4, '{"method": "seasonal_naive", "levels": [0.5, 0.9]}') AS f FROM many GROUP BY s) p USING (s);
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- series that are no good do not stop the others
CREATE TABLE odd (name text, t date, y float8);
INSERT INTO odd SELECT 'constant', date '2024-01-01' + i, 5 FROM generate_series(0, 29) i;
INSERT INTO odd SELECT 'all zero', date '2024-01-01' + i, 0 FROM generate_series(0, 29) i;
INSERT INTO odd SELECT 'all null', date '2024-01-01' + i, NULL FROM generate_series(0, 29) i;
INSERT INTO odd SELECT 'all nan', date '2024-01-01' + i, 'NaN' FROM generate_series(0, 29) i;
INSERT INTO odd SELECT 'negative', date '2024-01-01' + i, -i - 1 FROM generate_series(0, 29) i;
INSERT INTO odd SELECT 'huge', date '2024-01-01' + i, 1e307 * (1 + i % 7) FROM generate_series(0, 29) i;
INSERT INTO odd SELECT 'tiny', date '2024-01-01' + i, 1e-310 * (1 + i % 7) FROM generate_series(0, 29) i;
INSERT INTO odd VALUES ('one point', '2024-01-01', 3), ('two points', '2024-01-01', 3), ('two points', '2024-01-02', 4);
INSERT INTO odd VALUES ('no time', NULL, 3), ('no time', 'infinity', 3);
INSERT INTO odd SELECT 'year 9999', date '9999-12-01' + i, i FROM generate_series(0, 30) i;
INSERT INTO odd SELECT 'leap day', date '2024-02-01' + i, i FROM generate_series(0, 28) i;
SELECT name, m.method AS asked, (f).method, (f).n, (f).observed, (f).skipped, (f).fallback IS NOT NULL AS fallback, (f).warning,
	(SELECT string_agg(format('%s %s', p.ts, p.forecast), ', ' ORDER BY p.step) FROM unnest((f).points) p) AS points
FROM (SELECT name, method, augur.forecast_full_agg(t, y, 2, jsonb_build_object('method', method)) AS f
	FROM odd, unnest('{naive,seasonal_naive,drift,mean}'::text[]) method GROUP BY name, method) m ORDER BY name, asked;
-- every method that there is gives all series an answer, of finite numbers where there are values
SELECT m.method, count(*) FROM augur.forecast_methods m, LATERAL (
	SELECT name, augur.forecast_full_agg(t, y, 2, jsonb_build_object('method', m.method)) AS f FROM odd GROUP BY name) s
WHERE (f).observed > 0 AND NOT (SELECT bool_and(p.forecast BETWEEN -1.7e308 AND 1.7e308) FROM unnest((f).points) p) GROUP BY 1;

-- nothing in, nothing out
SELECT augur.forecast_agg(day, units, 3) FROM sales WHERE false;
SELECT augur.forecast_agg(NULL::date, units, 3, '{"method": "naive"}') FROM sales;
SELECT store, count(p.*) FROM (SELECT store, augur.forecast_agg(day, units, 3, '{"method": "naive"}') FILTER (WHERE store <> 'a') AS f FROM sales GROUP BY store) s LEFT JOIN unnest(s.f) p ON true GROUP BY store ORDER BY store;

-- errors
SELECT augur.forecast_agg(day, units, 0) FROM sales;
SELECT augur.forecast_agg(day, units, 100001) FROM sales;
SELECT augur.forecast_agg(day, units, NULL) FROM sales;
SELECT augur.forecast_agg(day, units, 3, NULL) FROM sales;
SELECT augur.forecast_agg(day, units, length(store)) FROM sales;
SELECT augur.forecast_agg(day, units, 3, jsonb_build_object('seed', length(store))) FROM sales;
SELECT augur.forecast_agg(day, units, 3, '[]') FROM sales;
\set VERBOSITY terse
SELECT augur.forecast_agg(day, units, 3, '{"methode": "naive"}') FROM sales;
\set VERBOSITY default
SELECT augur.forecast_agg(day, units, 3, '{"levels": 95}') FROM sales;
SELECT augur.forecast_agg(day, units, 3, '{"levels": ["high"]}') FROM sales;
SELECT augur.forecast_agg(day, units, 3, '{"seed": 1.5}') FROM sales;
SELECT augur.forecast_agg(day, units, 3, '{"method": "naive", "ets_error": "additive"}') FROM sales;
