-- The stores on a schedule.  Each Monday, at 5 in London, last week's sales are loaded and checked,
-- three forecasters are trained and compared, the best one serves, its forecast of two weeks is
-- kept, and the buyers are told, also of how good the last forecast was.  Nobody types anything.
--
--     psql -v ON_ERROR_STOP=1 -f examples/store_sales/scheduled.sql
--
-- Needs CREATE EXTENSION augur.  Part 5 moves the clock by hand, so that eight weeks pass in
-- seconds; in production it is left out, and pg_cron calls augur.tick() every minute.
\set QUIET on
\pset footer off
\pset null ''
SET client_min_messages = warning;
\ir generate.sql

-- 1. What the tills have sent by the end of July, and where a week's file arrives.
CREATE SCHEMA IF NOT EXISTS buying;
CREATE TABLE buying.sales (store text, category text, day date, units integer,
	PRIMARY KEY (store, category, day));
INSERT INTO buying.sales
SELECT DISTINCT ON (st.store, s.category, s.day) st.store, s.category, s.day, s.units
FROM retail.sales s JOIN retail.stores st USING (store_id)
WHERE s.day < '2025-08-04' AND s.units >= 0 ORDER BY st.store, s.category, s.day;
CREATE TABLE buying.week (LIKE buying.sales);
CREATE TABLE buying.post (name text PRIMARY KEY, content text NOT NULL);
CREATE VIEW buying.daily AS SELECT store, day, sum(units)::float8 AS units FROM buying.sales GROUP BY store, day;

-- 2. What a week must be like.
SELECT augur.create_suite('week', 'buying.week', key => '{store,category,day}') > 0 AS suite,
	augur.expect('week', 'row_count', args => '{"min": 300, "max": 350}') > 0 AS complete,
	augur.expect('week', 'unique', columns => '{store,category,day}') > 0 AS once,
	augur.expect('week', 'not_null', 'units') > 0 AS told,
	augur.expect('week', 'in_range', 'units', '{"min": 0}', mostly => 0.97) > 0 AS units;

-- 3. The pipeline.  A step begins when those that it needs have succeeded; the three trainings run
-- side by side.
CREATE FUNCTION buying.fetch(week date, OUT name text, OUT content text) LANGUAGE plpgsql AS $$
BEGIN
	SELECT p.name, p.content INTO name, content FROM buying.post p WHERE p.name = to_char(week, '"sales_"YYYY-MM-DD".csv"');
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('the sales of the week from %s are not there yet', week);
	END IF;
END
$$;
SELECT augur.create_pipeline('weekly demand', description => 'what will each store need?', max_parallel => 3) > 0 AS pipeline;
SELECT augur.add_step('weekly demand', 'fetch', sql => $$
	TRUNCATE buying.week;
	SELECT * FROM buying.fetch((lower(augur.data_interval()) AT TIME ZONE 'Europe/London')::date) $$,
	retries => 5, delay => '1 hour');
SELECT augur.add_step('weekly demand', 'load', 'load', '{"format": "csv", "relation": "buying.week",
	"content": {"result": "fetch.content"}, "source": {"result": "fetch.name"}}', needs => '{fetch}');
SELECT augur.add_step('weekly demand', 'check', 'validate', '{"suite": "week"}', needs => '{load}');
SELECT augur.add_step('weekly demand', 'accept', sql => $$
	INSERT INTO buying.sales SELECT * FROM buying.week WHERE units >= 0 $$, needs => '{check}');
SELECT augur.add_step('weekly demand', method, 'train_forecast', jsonb_build_object('model', 'demand', 'relation', 'buying.daily',
	'time_column', 'day', 'target', 'units', 'series', '["store"]'::jsonb, 'method', method, 'frequency', '1 day', 'horizon', 14,
	'promote', 'never', 'params', '{"lower_bound": 0}'::jsonb), needs => '{accept}', timeout => '10 minutes', retries => 1)
FROM unnest('{seasonal_naive,theta,ets}'::text[]) method;
SELECT augur.add_step('weekly demand', 'best', sql => $$
	SELECT l.version, l.algorithm AS method, round(l.value::numeric, 3) AS mase
	FROM augur.leaderboard l
	WHERE l.model = 'demand' AND l.version = ANY (ARRAY[(augur.step_result('seasonal_naive') ->> 'version')::int,
		(augur.step_result('theta') ->> 'version')::int, (augur.step_result('ets') ->> 'version')::int])
	ORDER BY l.value LIMIT 1 $$, needs => '{seasonal_naive,theta,ets}');
SELECT augur.add_step('weekly demand', 'promote', 'promote', '{"model": "demand", "version": {"result": "best.version"}}',
	needs => '{best}', verify => false);
SELECT augur.add_step('weekly demand', 'forecast', sql => $$ SELECT augur.store_forecast('demand') AS rows $$, needs => '{promote}');
-- forecasts of before, for days that are known by now
SELECT augur.add_step('weekly demand', 'accuracy', sql => $$
	SELECT round(sum(n * mae) / sum(n)) AS mae, sum(n) AS days FROM augur.forecast_accuracy('demand') $$, needs => '{accept}',
	condition => $$ EXISTS (SELECT FROM augur.forecasts f JOIN augur.models m ON m.id = f.model_id WHERE m.name = 'demand') $$);
SELECT augur.add_step('weekly demand', 'tell', 'notify', '{"kind": "forecast_ready", "subject": "demand of the next two weeks",
	"payload": {"method": {"result": "best.method"}, "version": {"result": "best.version"}, "mase": {"result": "best.mase"},
		"mean_error_so_far": {"result": "accuracy.mae"}}}', needs => '{forecast,accuracy}');
