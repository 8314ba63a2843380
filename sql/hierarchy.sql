-- Forecasts of series that nest.
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';
SET datestyle = ISO;
CREATE SCHEMA chain;
SET search_path = chain, public, augur;

-- Sales of nine weeks in 2 regions with 3 and 2 stores: a weekly season, noise from a hash.
CREATE TABLE sales AS
SELECT region, store, date '2024-01-01' + d AS day,
	(20 + 5 * s + 6 * ((d + s) % 7 IN (4, 5))::int + d / 10
	 + (hashint4extended(100 * s + d, 7) % 7 + 7) % 7)::int AS units
FROM (VALUES ('north', 'a', 1), ('north', 'b', 2), ('north', 'c', 3), ('south', 'a', 4), ('south', 'd', 5))
	v (region, store, s), generate_series(0, 62) d;

-- Does every node equal the sum of what is below it?
CREATE FUNCTION off(way text, options jsonb DEFAULT '{}', OUT nodes bigint, OUT adds_up boolean)
LANGUAGE sql AS $$
	WITH f AS (SELECT * FROM forecast_hierarchy('sales', 'day', 'units', 14, '{region,store}',
												reconcile => way, params => options))
	SELECT count(DISTINCT p.series_key), bool_and(abs(p.forecast - c.below) <= 1e-12 * abs(p.forecast))
	FROM f p JOIN LATERAL (SELECT sum(c.forecast) AS below FROM f c WHERE c.ts = p.ts AND c.level = p.level
			AND c.depth = p.depth + 1 AND c.series_key @> p.series_key) c ON p.depth < 2 $$;
SELECT way, off.* FROM unnest('{bottom_up,top_down,mint_diagonal,mint_shrink,none}'::text[]) way, off(way);

-- The rows: all nodes, all steps, all levels.
SELECT series_key, depth, count(*), min(ts), max(ts), count(DISTINCT step_ahead) AS steps, array_agg(DISTINCT level) AS levels,
	bool_and(lower < forecast AND forecast < upper) AS inside
FROM forecast_hierarchy('sales', 'day', 'units', 14, '{region,store}', levels => '{0.95,0.5}')
GROUP BY 1, 2 ORDER BY 2, 1;

-- By hand: naive forecasts with a drift.
SELECT series_key, step_ahead, round(base::numeric, 4) AS base, round(forecast::numeric, 4) AS forecast,
	round(lower::numeric, 2) AS lower, round(upper::numeric, 2) AS upper, used_method
FROM forecast_hierarchy('sales', 'day', 'units', 2, '{region,store}', reconcile => 'none', method => 'drift', season => '{1}')
ORDER BY depth, series_key, step_ahead;

-- From rows to totals as hierarchicalforecast has them (tests/data/make_hierarchy_sql_golden.py).
\getenv abs_srcdir PG_ABS_SRCDIR
\set golden :abs_srcdir/tests/data/hierarchy_sql_golden.csv
CREATE TEMP TABLE golden (reconcile text, region text, store text, forecast float8);
COPY golden FROM :'golden' (FORMAT csv);
CREATE TABLE demand AS
SELECT region, store, date '2024-01-01' + d AS day,
	CASE WHEN (d * k + d * d / 3) % 3 = 0 THEN (7 * k + 3 * d * d + k * d) % 11 ELSE 0 END AS units
FROM (VALUES ('east', 'a', 1), ('east', 'b', 2), ('west', 'c', 3), ('west', 'd', 4), ('west', 'e', 5)) v (region, store, k),
	generate_series(0, 59) d;
SELECT g.reconcile, count(*), bool_and(abs(f.forecast - g.forecast) < 1e-6) AS equal
FROM golden g, LATERAL (SELECT f.forecast FROM forecast_hierarchy('demand', 'day', 'units', 1, '{region,store}', g.reconcile,
		method => 'croston', params => '{"intervals": "model"}') f
	WHERE f.series_key = jsonb_strip_nulls(jsonb_build_object('region', g.region, 'store', g.store))) f
GROUP BY g.reconcile ORDER BY g.reconcile;

-- What has no rows of its own is not reconciled away: bottom-up keeps the leaves, top-down the total.
SELECT bool_and(forecast = base) FILTER (WHERE depth = 2) AS leaves_kept FROM forecast_hierarchy('sales', 'day', 'units', 3, '{region,store}', 'bottom_up');
SELECT bool_and(abs(forecast - base) < 1e-9) FILTER (WHERE depth = 0) AS total_kept FROM forecast_hierarchy('sales', 'day', 'units', 3, '{region,store}', 'top_down');

-- MinT makes intervals narrower, the others leave their width.
SELECT way, bool_and(abs((f.upper - f.lower) / (n.upper - n.lower) - 1) < 1e-9) AS same_width,
	bool_and((f.upper - f.lower) / (n.upper - n.lower) < 1) AS narrower
FROM unnest('{bottom_up,top_down,mint_diagonal,mint_shrink}'::text[]) way,
	forecast_hierarchy('sales', 'day', 'units', 3, '{region,store}', way) f
	JOIN forecast_hierarchy('sales', 'day', 'units', 3, '{region,store}', 'none') n USING (series_key, ts)
GROUP BY way ORDER BY way;

-- The order of rows does not matter.
CREATE TABLE shuffled AS SELECT * FROM sales ORDER BY hashint4extended(units + (day - date '2024-01-01') * 100, 3);
SELECT count(*) FROM (SELECT * FROM forecast_hierarchy('sales', 'day', 'units', 3, '{region,store}')
	EXCEPT SELECT * FROM forecast_hierarchy('shuffled', 'day', 'units', 3, '{region,store}')) d;

-- One column, three columns, odd names, NULL as a key, timestamps with a step of an hour.
CREATE TABLE "Odd" AS
SELECT NULLIF(region, 'south') AS "Re gion", store AS "st""ore", day::timestamptz + (day - date '2024-01-01') * interval '-23 hours' AS "T",
	units::numeric AS "Y", 1 AS three FROM sales;
SELECT series_key, count(*), min(ts), max(ts)
FROM forecast_hierarchy('"Odd"', 'T', 'Y', 4, '{three,"Re gion","st\"ore"}', 'mint_diagonal', method => 'naive')
GROUP BY series_key, depth ORDER BY depth, series_key;
SELECT count(DISTINCT series_key) FROM forecast_hierarchy('"Odd"', 'T', 'Y', 4, '{"st\"ore"}', 'bottom_up', method => 'naive', frequency => '1 day', params => '{"duplicates": "sum"}');

-- Bounds and rounding belong to the leaves.
CREATE TABLE falling AS SELECT k AS part, date '2024-01-01' + d AS day, (3.5 * k - 0.11 * k * d)::float8 AS y
FROM generate_series(1, 3) k, generate_series(0, 29) d;
SELECT series_key, step_ahead, base < 0 AS base_negative, forecast, lower >= 0 AS bounded
FROM forecast_hierarchy('falling', 'day', 'y', 8, '{part}', 'mint_diagonal', method => 'drift', params => '{"lower_bound": 0, "integer": true}')
WHERE step_ahead IN (1, 8) ORDER BY depth, series_key, step_ahead;
SELECT off.* FROM off('mint_shrink', '{"lower_bound": 0, "integer": true}');
-- of whole numbers the bounds are whole, and rounding never steps over them
SELECT depth, bool_and(forecast = round(forecast)) AS whole, min(lower) AS lowest, max(upper) AS highest
FROM forecast_hierarchy('falling', 'day', 'y', 8, '{part}', 'none', method => 'drift', params => '{"lower_bound": 0.5, "upper_bound": 7.4, "integer": true}')
GROUP BY depth ORDER BY depth;
SELECT * FROM forecast_hierarchy('falling', 'day', 'y', 8, '{part}', method => 'drift', params => '{"lower_bound": 3, "upper_bound": 2}');
SELECT * FROM forecast_hierarchy('falling', 'day', 'y', 8, '{part}', method => 'drift', params => '{"lower_bound": 1.2, "upper_bound": 1.8, "integer": true}');

-- Missing: a total lacks what a part lacks; a part that has not begun is nothing.
CREATE TABLE holes AS SELECT * FROM sales WHERE NOT (store = 'd' AND day IN ('2024-01-10', '2024-03-03')) AND NOT (store = 'b' AND day < '2024-02-01');
SELECT bool_and(base > 0) FROM forecast_hierarchy('holes', 'day', 'units', 2, '{region,store}', method => 'ses');
SELECT bool_and(base > 0) FROM forecast_hierarchy('holes', 'day', 'units', 2, '{region,store}', method => 'ses', params => '{"gaps": "zero"}');
-- a total's last value is that of the last step at which it has one: 2024-03-02
SELECT h.base = (SELECT sum(units) FROM holes WHERE day = '2024-03-02') AS before_the_gap
FROM forecast_hierarchy('holes', 'day', 'units', 1, '{region,store}', 'none', method => 'naive') h WHERE depth = 0;
SELECT h.base = (SELECT sum(units) FROM holes WHERE day = '2024-03-03') AS gap_is_zero
FROM forecast_hierarchy('holes', 'day', 'units', 1, '{region,store}', 'none', method => 'naive', params => '{"gaps": "zero"}') h WHERE depth = 0;
-- a part without any value, rows without a time
INSERT INTO holes VALUES ('south', 'z', '2024-01-05', NULL), ('east', 'y', '2024-01-05', NULL), ('north', 'a', NULL, 7), ('north', 'a', 'infinity', 7);
SELECT count(DISTINCT series_key) FROM forecast_hierarchy('holes', 'day', 'units', 2, '{region,store}', method => 'ses');
-- parts that never have a value at the same time
CREATE TABLE never AS SELECT d % 2 AS part, date '2024-01-01' + d AS day, d AS y FROM generate_series(0, 9) d;
SELECT * FROM forecast_hierarchy('never', 'day', 'y', 2, '{part}');
SELECT count(*) FROM forecast_hierarchy('never', 'day', 'y', 2, '{part}', params => '{"gaps": "interpolate"}');

-- A young series has no errors to speak of, and does not stop the others.
CREATE TABLE young AS SELECT * FROM sales UNION ALL SELECT 'south', 'new', '2024-03-02'::date + d, 5 FROM generate_series(0, 1) d;
SELECT count(DISTINCT series_key) FROM forecast_hierarchy('young', 'day', 'units', 2, '{region,store}');
SELECT * FROM forecast_hierarchy('young', 'day', 'units', 2, '{region,store}', reconcile => 'bottom_up', method => 'naive') WHERE false;
CREATE TABLE tiny AS SELECT * FROM sales WHERE day < '2024-01-03';
SELECT * FROM forecast_hierarchy('tiny', 'day', 'units', 2, '{region,store}');
SELECT count(*) FROM forecast_hierarchy('tiny', 'day', 'units', 2, '{region,store}', 'bottom_up');
-- no step at which all have an error
CREATE TABLE relay AS SELECT d / 10 AS part, date '2024-01-01' + d AS day, d * d % 7 AS y FROM generate_series(0, 29) d;
SELECT * FROM forecast_hierarchy('relay', 'day', 'y', 2, '{part}', method => 'naive', season => '{1}');

-- Constant, huge, and all-zero series.
CREATE TABLE wild AS SELECT k, date '2024-01-01' + d AS day, CASE k WHEN 1 THEN 0 WHEN 2 THEN 7 ELSE 1e300 * (1 + d % 2) END AS y
FROM generate_series(1, 2) k, generate_series(0, 29) d;
SELECT DISTINCT series_key, forecast, lower, upper FROM forecast_hierarchy('wild', 'day', 'y', 2, '{k}') ORDER BY 1;
INSERT INTO wild SELECT 3, date '2024-01-01' + d, 1e200 * (1 + d % 2) FROM generate_series(0, 29) d;
SELECT count(*) FROM forecast_hierarchy('wild', 'day', 'y', 2, '{k}', 'bottom_up');
SELECT count(*) FROM forecast_hierarchy('wild', 'day', 'y', 2, '{k}');

CREATE TABLE over AS SELECT k, date '2024-01-01' + d AS day, 1.7e308 AS y FROM generate_series(1, 2) k, generate_series(0, 9) d;
SELECT * FROM forecast_hierarchy('over', 'day', 'y', 2, '{k}');

-- Limits: shrunk covariances are for 5000 nodes.
CREATE TABLE many AS SELECT k, date '2024-01-01' + d AS day, (k * 7 + d * d) % 11 AS y FROM generate_series(1, 5000) k, generate_series(0, 4) d;
SELECT * FROM forecast_hierarchy('many', 'day', 'y', 1, '{k}', method => 'naive', levels => '{}');
SELECT count(*), bool_and(lower IS NULL AND upper IS NULL AND level IS NULL) AS no_intervals
FROM forecast_hierarchy('many', 'day', 'y', 1, '{k}', reconcile => 'mint_diagonal', method => 'naive', levels => '{}');

-- Errors.
SELECT * FROM forecast_hierarchy('sales', 'day', 'units', 2, '{}');
SELECT * FROM forecast_hierarchy('sales', 'day', 'units', 2, NULL);
SELECT * FROM forecast_hierarchy('sales', 'day', 'units', 2, '{region,NULL}');
SELECT * FROM forecast_hierarchy('sales', 'day', 'units', 2, '{region,region}');
SELECT * FROM forecast_hierarchy('sales', 'day', 'units', 2, '{region,shop}');
SELECT * FROM forecast_hierarchy('sales', 'store', 'units', 2, '{region}');
SELECT * FROM forecast_hierarchy('sales', 'day', 'units', 2, '{region,store}', 'mint');
SELECT * FROM forecast_hierarchy('sales', 'day', 'units', 2, '{region,store}', NULL);
SELECT * FROM forecast_hierarchy('sales', 'day', 'units', 0, '{region,store}');
SELECT * FROM forecast_hierarchy('sales', 'day', 'units', 2, '{region,store}', method => 'best');
SELECT * FROM forecast_hierarchy('sales', 'day', 'units', 2, '{region,store}', params => '{"lower_bund": 0}');
SELECT * FROM forecast_hierarchy('sales', 'day', 'units', 2, '{region,store}', params => '[]');
SELECT * FROM forecast_hierarchy('sales', 'day', 'units', 2, '{region,store}', levels => '{95}');
SELECT * FROM forecast_hierarchy('sales', 'day', 'units', 2, '{region}', params => '{"duplicates": "error"}');
CREATE TABLE nothing (day date, k int, y float8);
SELECT * FROM forecast_hierarchy('nothing', 'day', 'y', 2, '{k}');
INSERT INTO nothing VALUES (NULL, 1, 1), ('2024-01-01', 2, NULL);
SELECT * FROM forecast_hierarchy('nothing', 'day', 'y', 2, '{k}');

-- The internal function takes any query: what it returns is checked.
SELECT * FROM _hierarchy('SELECT 1', 'date', 1, 'none', '{}');
SELECT * FROM _hierarchy('SELECT ARRAY[1::bigint], ARRAY[''{}''::jsonb], ''\x00''::bytea', 'date', 1, 'none', '{}');
SELECT * FROM _hierarchy('SELECT ARRAY[1::bigint], ARRAY[''{}''::jsonb], decode(repeat(''7f'', 44), ''hex'')', 'date', 1, 'none', '{}');
SELECT * FROM _hierarchy('SELECT ''{}''::bigint[], ''{}''::jsonb[], ''\x''::bytea', 'date', 1, 'none', '{}');
SELECT * FROM _hierarchy('SELECT ARRAY[1::bigint], ARRAY[NULL::jsonb], ''\x''::bytea', 'date', 1, 'none', '{}');
SELECT * FROM _hierarchy('SELECT NULL::bigint[], NULL::jsonb[], NULL::bytea', 'date', 1, 'none', '{}');
SELECT * FROM _hierarchy('SELECT ARRAY[1::bigint], ARRAY[''{}''::jsonb], _series_points_agg(date ''2024-01-01'', 1) FROM generate_series(1, 2) k GROUP BY k', 'date', 1, 'none', '{}');
SELECT * FROM _hierarchy('SELECT ARRAY[1::bigint], ARRAY[''{}''::jsonb], _series_points_agg(timestamp ''2024-01-01'', 1)', 'date', 1, 'none', '{}');
SELECT * FROM _hierarchy('SELECT ARRAY[1::bigint], ARRAY[''{}''::jsonb], _series_points_agg(date ''2024-01-01'', 1)', 'text', 1, 'none', '{}');
SELECT series_key, depth, forecast FROM _hierarchy('SELECT ARRAY[1::bigint], ARRAY[''{"a": 1}''::jsonb], _series_points_agg(date ''2024-01-01'', 1)', 'date', 1, 'none', '{}');

DROP SCHEMA chain CASCADE;
