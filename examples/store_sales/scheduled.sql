-- The stores on a schedule.  Each Monday, at 5 in London, last week's sales are loaded and checked,
-- three forecasters are trained and compared, the best one serves, its forecast of two weeks is
-- kept, and the buyers are told, also of how good the last forecast was.  Nobody types anything.
--
--     psql -v ON_ERROR_STOP=1 -f examples/store_sales/scheduled.sql
--
-- Needs CREATE EXTENSION augur.  Part 5 moves the clock by hand, so that six weeks pass in
-- seconds; in production it is left out, and pg_cron calls augur.tick() every minute.
\set QUIET on
\pset footer off
\pset null ''
SET client_min_messages = warning;
\ir generate.sql
SET client_min_messages = warning;
SET augur.verbosity = 0;
\o /dev/null

-- 1. What the tills have sent by the end of July, and where a week's file arrives.
DROP SCHEMA IF EXISTS buying CASCADE;
CREATE SCHEMA buying;
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
SELECT augur.create_suite('week', 'buying.week', key => '{store,category,day}');
SELECT augur.expect('week', 'row_count', args => '{"min": 300, "max": 350}');
SELECT augur.expect('week', 'unique', columns => '{store,category,day}');
SELECT augur.expect('week', 'not_null', 'units');
SELECT augur.expect('week', 'in_range', 'units', '{"min": 0}', mostly => 0.97);

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
	retries => 1, delay => '0');
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
	SELECT round(sum(n * mae) / sum(n)) AS mae, sum(n) AS days FROM augur.forecast_accuracy('demand') $$, needs => '{forecast}');
SELECT augur.add_step('weekly demand', 'tell', 'notify', '{"kind": "forecast_ready", "subject": "demand of the next two weeks",
	"payload": {"method": {"result": "best.method"}, "version": {"result": "best.version"}, "mase": {"result": "best.mase"},
		"mean_error_so_far": {"result": "accuracy.mae"}}}', needs => '{accuracy}');

-- 4. When, and who is told.
SELECT augur.schedule('weekly demand', '0 5 * * mon', timezone => 'Europe/London', start => '2025-08-11 00:00+01', catchup => true);
SELECT augur.create_channel('buyers', 'file:slack', note => 'the buyers');
SELECT augur.create_route('weekly_runs', 'buyers', '{pipeline_failed,pipeline_recovered,validation_*}', subject => 'week*', digest => false);
SELECT augur.create_route('forecasts', 'buyers', '{forecast_ready}', digest => false);

-- 5. Six weeks in seconds.
CREATE PROCEDURE buying.deliver(week date) LANGUAGE sql AS $$
	INSERT INTO buying.post
	SELECT to_char(week, '"sales_"YYYY-MM-DD".csv"'),
		E'store,category,day,units\n' || string_agg(concat_ws(',', store, category, day, units), E'\n' ORDER BY store, category, day)
	FROM (SELECT DISTINCT ON (st.store, s.category, s.day) st.store, s.category, s.day, s.units
		  FROM retail.sales s JOIN retail.stores st USING (store_id)
		  WHERE s.day >= week AND s.day < week + 7 ORDER BY st.store, s.category, s.day, s.units DESC) one
$$;
-- ticks, and waits for what the tick has started in the background
CREATE PROCEDURE buying.tick(at timestamptz) LANGUAGE plpgsql AS $$
BEGIN
	CALL augur.tick(at);
	COMMIT;
	WHILE EXISTS (SELECT FROM augur.pipeline_runs WHERE status = 'queued' OR status = 'running' AND resume_at IS NULL) LOOP
		PERFORM pg_sleep(0.02);
	END LOOP;
END
$$;
\o
\echo 'Six Mondays, 5 in the morning in London.  On the third one the file is late:'
CALL buying.deliver('2025-08-04'); CALL buying.tick('2025-08-11 05:00+01');
CALL buying.deliver('2025-08-11'); CALL buying.tick('2025-08-18 05:00+01');
CALL buying.tick('2025-08-25 05:00+01');
SELECT step, attempt, message FROM augur.step_failures WHERE pipeline = 'weekly demand' ORDER BY attempt;
\echo 'At 9 it is there, and the run is repeated from the step that failed:'
CALL buying.deliver('2025-08-18');
SELECT augur.rerun(max(run)) > 0 AS repeated FROM augur.step_failures WHERE pipeline = 'weekly demand';
CALL buying.tick('2025-08-25 09:00+01');
CALL buying.deliver('2025-08-25'); CALL buying.tick('2025-09-01 05:00+01');
CALL buying.deliver('2025-09-01'); CALL buying.tick('2025-09-08 05:00+01');
CALL buying.deliver('2025-09-08'); CALL buying.tick('2025-09-15 05:00+01');
SELECT r.id AS run, (r.interval_start AT TIME ZONE 'Europe/London')::date AS week_from, r.trigger, r.status,
	b.result ->> 'method' AS method, b.result ->> 'mase' AS mase, a.result ->> 'mae' AS mean_error_so_far
FROM augur.pipeline_runs r
LEFT JOIN augur.step_runs b ON b.run_id = r.id AND b.step = 'best' AND b.status = 'success'
LEFT JOIN augur.step_runs a ON a.run_id = r.id AND a.step = 'accuracy' AND a.status = 'success'
WHERE r.pipeline = 'weekly demand' ORDER BY r.id;
\echo 'The last run: trainings side by side'
SELECT step, status, timeline FROM augur.pipeline_timeline WHERE pipeline = 'weekly demand'
AND run = (SELECT max(id) FROM augur.pipeline_runs WHERE pipeline = 'weekly demand');
\echo 'What the stores will need:'
SELECT series_key ->> 'store' AS store, round(sum(forecast)) AS next_two_weeks
FROM augur.forecast('demand') WHERE level = 0.8 GROUP BY 1 ORDER BY 1;

-- The clock is real again: nothing more to be started by it.
SELECT augur.unschedule('weekly demand') \g /dev/null

-- 6. Where no worker sends what was written (augur_notify in shared_preload_libraries), a job does.
SELECT coalesce(current_setting('augur.secret_directory', true), '') <> '' AND worker <> 'running' AS to_send
FROM augur.notification_status WHERE channel = 'buyers' \gset
\if :to_send
CALL augur.deliver_notifications();
\endif
SELECT kind, severity, subject FROM augur.notification_log WHERE channel = 'buyers' ORDER BY id;
