-- decompose: aggregates and functions that look at the past of a series.
SET augur.verbosity = 0;
SET timezone = 'UTC';
SET datestyle = ISO;
SET extra_float_digits = 0;

-- two stores: a week's season, a spike at step 40; the second one's level shifts at step 60
CREATE TABLE sales AS
SELECT store, date '2024-01-01' + i AS day,
	100 * store + (ARRAY[0, 5, 9, 4, -3, -8, -7])[1 + i % 7] + i * i * (17 + store) % 23 / 10.0
	+ CASE WHEN store = 2 AND i >= 60 THEN 30 ELSE 0 END + CASE WHEN i = 40 THEN 50 ELSE 0 END AS units
FROM generate_series(1, 2) store, generate_series(0, 139) i;

-- parts add up to the value, a row for each step
SELECT g.store, count(*), min(p.ts), max(p.ts), max(abs(p.value - p.trend - p.seasonal - p.remainder)) < 1e-9 AS adds_up,
	max(abs(p.seasonal - p.seasonals[1])) AS one_season, bool_and(p.value = s.units) AS same
FROM (SELECT store, augur.decompose_agg(day, units) AS d FROM sales GROUP BY store) g, unnest(g.d) p JOIN sales s ON s.day = p.ts
WHERE s.store = g.store GROUP BY g.store ORDER BY g.store;
SELECT p.ts, round(p.trend) AS trend, round(p.seasonal) AS seasonal FROM unnest((SELECT augur.decompose_agg(day, units) FROM sales WHERE store = 1)) p LIMIT 8;
SELECT augur.decompose_agg(day, units, '{"robust": false}') = augur.decompose_agg(day, units) AS same, augur.decompose_agg(day, units, '{"robust": true}') = augur.decompose_agg(day, units) AS default_same FROM sales WHERE store = 1;
-- seasons: none, two
SELECT bool_and(p.seasonal = 0), bool_and(p.seasonals = '{}') FROM unnest((SELECT augur.decompose_agg(day, units, '{"season": []}') FROM sales WHERE store = 1)) p;
SELECT bool_and(cardinality(p.seasonals) = 2 AND abs(p.seasonals[1] + p.seasonals[2] - p.seasonal) < 1e-9) FROM unnest((SELECT augur.decompose_agg(day, units, '{"season": [7, 28]}') FROM sales WHERE store = 1)) p;

-- the type of ts is that of the rows
SELECT pg_typeof(augur.decompose_agg(day, units)), pg_typeof(augur.decompose_agg(day::timestamp, units)), pg_typeof(augur.decompose_agg(day::timestamptz, units)) FROM sales WHERE store = 1;
SELECT pg_typeof(augur.detect_anomalies_agg(day, units)), pg_typeof(augur.detect_anomalies_agg(day::timestamp, units)), pg_typeof(augur.detect_anomalies_agg(day::timestamptz, units)) FROM sales WHERE store = 1;
SELECT pg_typeof(augur.changepoints_agg(day, units)), pg_typeof(augur.changepoints_agg(day::timestamp, units)), pg_typeof(augur.changepoints_agg(day::timestamptz, units)) FROM sales WHERE store = 1;
SELECT pg_typeof(augur.seasonality_agg(day, units)), augur.seasonality_agg(day, units) = augur.seasonality_agg(day::timestamptz, units) AS same FROM sales WHERE store = 1;

-- anomalies: the spike
SELECT a.ts, a.value, round(a.expected) AS expected, a.lower < a.expected AND a.expected < a.upper AS between, a.value > a.upper AS above, a.score > 10 AS far, a.anomaly
FROM unnest((SELECT augur.detect_anomalies_agg(day, units) FROM sales WHERE store = 1)) a WHERE a.anomaly;
SELECT count(*) FILTER (WHERE a.anomaly) > 10 AS more FROM unnest((SELECT augur.detect_anomalies_agg(day, units, '{"level": 0.5}') FROM sales WHERE store = 1)) a;

-- changes of level
SELECT store, c.ts, round(c.before) AS before, round(c.after) AS after, c.score > 10 AS far
FROM (SELECT store, augur.changepoints_agg(day, units) AS c FROM sales GROUP BY store) g, unnest(g.c) c ORDER BY store, ts;
SELECT augur.changepoints_agg(day, units) FROM sales WHERE store = 1;
SELECT augur.changepoints_agg(day, units, '{"penalty": 1000000}') FROM sales WHERE store = 2;
SELECT augur.changepoints_agg(day, units, '{"min_segment": 100}') FROM sales WHERE store = 2;

-- seasons: those of the step, given ones, found ones
SELECT s.period, s.accepted, round(s.strength::numeric, 1) AS strength, s.autocorrelation > 0.5 AS high, s.score > 3 AS sure, s.p_value < 0.001 AS significant
FROM unnest((SELECT augur.seasonality_agg(day, units) FROM sales WHERE store = 1)) s;
SELECT s.period, s.accepted FROM unnest((SELECT augur.seasonality_agg(day, units, '{"candidates": [12, 7, 3, 7]}') FROM sales WHERE store = 1)) s;
SELECT s.period, s.accepted FROM unnest((SELECT augur.seasonality_agg(day, units, '{"candidates": []}') FROM sales WHERE store = 1)) s;
SELECT s.period, s.accepted FROM unnest((SELECT augur.seasonality_agg(day, units, '{"season": 5}') FROM sales WHERE store = 1)) s;

-- by relation
SELECT series, count(*), min(ts), max(ts) FROM augur.decompose('sales', 'day', 'units', '{store}') GROUP BY series ORDER BY series;
SELECT series, ts, value, anomaly FROM augur.detect_anomalies('sales', 'day', 'units', '{store}', '{"level": 0.99999999}') WHERE anomaly AND series = '{"store": 1}';
SELECT series, ts, round(before) AS before, round(after) AS after FROM augur.changepoints('sales', 'day', 'units', group_by => '{store}');
SELECT series, period, accepted FROM augur.seasonality('sales', 'day', 'units', '{store}', '{"candidates": [5, 7]}');
-- one series for the whole relation: rows that share a day are averaged
SELECT series, count(*), round(min(value)) AS min FROM augur.decompose('sales', 'day', 'units', params => '{"duplicates": "mean"}') GROUP BY series;
-- hostile names, a view, a domain, a relation without rows
CREATE DOMAIN "Day" AS timestamp;
CREATE VIEW "My ""View""" AS SELECT store AS "The Store'", day::"Day" AS "the day", units::numeric AS "Units %" FROM sales;
SELECT series, period, accepted FROM augur.seasonality('"My ""View"""', 'the day', 'Units %', ARRAY['The Store''']) WHERE accepted;
CREATE TABLE empty (t timestamptz, y float8, k text);
SELECT * FROM augur.decompose('empty', 't', 'y');
SELECT * FROM augur.decompose('empty', 't', 'y', '{k}');

-- gaps: steps without a row or a value
CREATE TABLE gaps AS SELECT day, CASE WHEN extract(dow FROM day) = 3 AND day < '2024-02-01' THEN NULL ELSE units END AS units FROM sales WHERE store = 1 AND day NOT IN ('2024-03-10', '2024-03-11');
SELECT count(*), count(p.value) AS value, count(p.trend) AS trend, count(p.remainder) AS remainder FROM unnest((SELECT augur.decompose_agg(day, units) FROM gaps)) p;
SELECT a.ts, a.value, a.expected IS NOT NULL AS expected, a.score, a.anomaly FROM unnest((SELECT augur.detect_anomalies_agg(day, units) FROM gaps)) a WHERE a.ts = '2024-03-10';
SELECT count(p.value) AS value FROM unnest((SELECT augur.decompose_agg(day, units, '{"gaps": "interpolate"}') FROM gaps)) p;

-- the order of rows does not matter, nor do parallel workers
SELECT augur.decompose_agg(day, units ORDER BY day DESC) = augur.decompose_agg(day, units ORDER BY md5(day::text)) FROM sales WHERE store = 1;
CREATE TABLE many AS SELECT s, timestamp '2024-01-01' + i * interval '1 hour' AS t, (s * 37 + i * i) % 101 + 20 * sin(i * pi() / 12) AS y FROM generate_series(1, 100) s, generate_series(0, 99) i;
ANALYZE many;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE one AS SELECT s, augur.detect_anomalies_agg(t, y, '{"level": 0.9}') AS a, augur.seasonality_agg(t, y) AS f FROM many GROUP BY s;
SET max_parallel_workers_per_gather = 3;
SELECT count(*), bool_and(o.a = p.a AND o.f IS NOT DISTINCT FROM p.f) FROM one o JOIN (SELECT s, augur.detect_anomalies_agg(t, y, '{"level": 0.9}') AS a, augur.seasonality_agg(t, y) AS f FROM many GROUP BY s) p USING (s);
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- series that are no good do not stop the others
CREATE TABLE odd (name text, t date, y float8);
INSERT INTO odd SELECT 'constant', date '2024-01-01' + i, 5 FROM generate_series(0, 29) i;
INSERT INTO odd SELECT 'zero', date '2024-01-01' + i, 0 FROM generate_series(0, 29) i;
INSERT INTO odd SELECT 'null', date '2024-01-01' + i, NULL FROM generate_series(0, 29) i;
INSERT INTO odd SELECT 'no time', NULL, 1 FROM generate_series(0, 9) i;
INSERT INTO odd SELECT 'one', date '2024-01-01', 3;
INSERT INTO odd SELECT 'two', date '2024-01-01' + i, 3 + i FROM generate_series(0, 1) i;
INSERT INTO odd SELECT 'huge', date '2024-01-01' + i, 1.7e308 * (1 - 2 * (i % 2)) FROM generate_series(0, 29) i;
SELECT name, cardinality(augur.decompose_agg(t, y)) AS parts, (SELECT count(*) FROM unnest(augur.detect_anomalies_agg(t, y)) a WHERE a.anomaly) AS anomalies,
	augur.changepoints_agg(t, y) AS changes, (SELECT count(*) FROM unnest(augur.seasonality_agg(t, y)) s WHERE s.accepted) AS seasons
FROM odd GROUP BY name ORDER BY name;

-- what is refused
SELECT augur.decompose_agg(day, units, '{"robst": true}') FROM sales;
SELECT augur.decompose_agg(day, units, '{"level": 0.9}') FROM sales;
SELECT augur.decompose_agg(day, units, '{"robust": 1}') FROM sales;
SELECT augur.decompose_agg(day, units, '[]') FROM sales;
SELECT augur.decompose_agg(day, units, NULL) FROM sales;
SELECT augur.decompose_agg(day, units, jsonb_build_object('season', store)) FROM sales;
SELECT augur.detect_anomalies_agg(day, units, '{"level": 1}') FROM sales;
SELECT augur.detect_anomalies_agg(day, units, '{"level": "high"}') FROM sales;
SELECT augur.changepoints_agg(day, units, '{"min_segment": 2.5}') FROM sales;
SELECT augur.changepoints_agg(day, units, '{"min_segment": 0}') FROM sales;
SELECT augur.changepoints_agg(day, units, '{"penalty": -1}') FROM sales;
SELECT augur.seasonality_agg(day, units, '{"candidates": [1]}') FROM sales;
SELECT augur.seasonality_agg(day, units, '{"candidates": [2.5]}') FROM sales;
SELECT augur.seasonality_agg(day, units, '{"candidates": [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]}') FROM sales;
SELECT augur.decompose('sales', 'dya', 'units');
SELECT augur.decompose('sales', 'day', 'units', '{shop}');
SELECT augur.decompose('sales', 'units', 'units');
SELECT augur.decompose('sales', 'day', 'units', '{store,store}');
SELECT augur.decompose('sales', NULL, 'units');
-- domains are what they are made of
CREATE DOMAIN a_day AS date;
CREATE DOMAIN day_off AS a_day;
CREATE TABLE off AS SELECT store, 'store ' || store AS name, day::day_off, units FROM sales;
SELECT augur.decompose('off', 'day', 'name');
SELECT augur.decompose('off', 'name', 'units');
SELECT count(*) FROM augur.decompose('off', 'day', 'units', '{store}');
SELECT augur.decompose('nowhere', 'day', 'units');
