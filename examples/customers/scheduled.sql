-- The shop on a schedule.  On the first of each month, at 6 in Berlin, last month's file is loaded
-- and checked, features are made, a forest is trained and has to beat the one that serves,
-- customers are scored, and the team reads about it in Slack.  Nobody types anything.
--
--     psql -v ON_ERROR_STOP=1 -f examples/customers/scheduled.sql
--
-- Needs CREATE EXTENSION augur, and a server that may read and write files in the directory that
-- psql runs in.  Part 5 moves the clock by hand, so that a quarter passes in seconds; in
-- production it is left out, and pg_cron calls augur.tick() every minute.
\set QUIET on
\pset footer off
\pset null ''
SET client_min_messages = warning;
SET augur.verbosity = 0;
\set inbox `pwd`
SELECT to_regclass('shop_source.transactions') IS NULL AS no_source \gset
\if :no_source
\ir generate.sql
\endif
SET client_min_messages = warning;
\o /dev/null

-- 1. The shop's tables: everybody who has signed up, and purchases up to the end of March.
DROP SCHEMA IF EXISTS shop CASCADE;
CREATE SCHEMA shop;
CREATE TABLE shop.customers (
	customer_id integer PRIMARY KEY, age integer, region text, signup_date date NOT NULL, loyalty_points integer);
INSERT INTO shop.customers SELECT * FROM shop_source.customers;
CREATE TABLE shop.transactions (
	transaction_id integer PRIMARY KEY, customer_id integer NOT NULL REFERENCES shop.customers,
	amount numeric NOT NULL, ts timestamp NOT NULL, payment_method text, status text NOT NULL);
INSERT INTO shop.transactions SELECT * FROM shop_source.transactions WHERE ts < '2025-04-01';
CREATE INDEX ON shop.transactions (customer_id, ts);
-- a month's file goes here first, and to the others only when it is found to be good
CREATE TABLE shop.arrived (LIKE shop.transactions);
ANALYZE shop.customers, shop.transactions;
\ir features.sql
-- the newest rows whose 90 days are over are what can be learnt from
CREATE FUNCTION shop.make_features(today date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	ANALYZE shop.transactions;
	DROP TABLE IF EXISTS shop.training, shop.today;
	CREATE TABLE shop.training AS
	SELECT f.*, shop.large_purchase(f.customer_id, today - 90) AS large_purchase FROM shop.features(today - 90) f;
	CREATE TABLE shop.today AS SELECT * FROM shop.features(today);
END
$$;

-- 2. What a month's file must be like, before anything learns from it.
SELECT augur.create_suite('shop file', 'shop.arrived', key => '{transaction_id}') > 0 AS suite,
	augur.expect('shop file', 'unique', 'transaction_id') > 0 AS unique_ids,
	augur.expect('shop file', 'row_count', args => '{"min": 1000}') > 0 AS rows,
	augur.expect('shop file', 'in_range', 'amount', '{"min": 0, "max": 50000}') > 0 AS amounts,
	-- cents instead of euros, or a currency of elsewhere
	augur.expect('shop file', 'distribution', 'amount', '{"effect_floor": 0.3}', refers_to => 'shop.transactions') > 0 AS as_ever;

-- 3. The pipeline.
SELECT augur.create_pipeline('shop', '{"inbox": {"type": "text", "required": true}}',
	description => 'monthly: who will make a large purchase?') > 0 AS pipeline;
SELECT augur.add_step('shop', 'empty', sql => $$
	TRUNCATE shop.arrived;
	SELECT augur.param('inbox') || to_char(lower(augur.data_interval()) AT TIME ZONE 'Europe/Berlin',
		'"/transactions_"YYYY-MM".json"') AS file,
		(upper(augur.data_interval()) AT TIME ZONE 'Europe/Berlin')::date AS today $$);
SELECT augur.add_step('shop', 'load', 'load',
	'{"format": "json", "relation": "shop.arrived", "file": {"result": "empty.file"}}', needs => '{empty}');
SELECT augur.add_step('shop', 'check', 'validate', '{"suite": "shop file"}', needs => '{load}');
SELECT augur.add_step('shop', 'accept', sql => $$ INSERT INTO shop.transactions TABLE shop.arrived $$, needs => '{check}');
SELECT augur.add_step('shop', 'features', 'call',
	'{"function": "shop.make_features", "args": {"today": {"result": "empty.today"}}}', needs => '{accept}');
SELECT augur.add_step('shop', 'train', 'train', '{"model": "large_purchase", "relation": "shop.training",
	"target": "large_purchase", "key": "customer_id", "params": {"n_trees": 100, "min_samples_leaf": 5}}', needs => '{features}', timeout => '10 minutes', retries => 1);
SELECT augur.add_step('shop', 'drift', 'drift', '{"model": "large_purchase", "relation": "shop.today"}', needs => '{train}');
SELECT augur.add_step('shop', 'score', sql => $$
	SELECT count(*) FILTER (WHERE augur.predict('large_purchase', t) > 0.5) AS likely, count(*) AS customers
	FROM shop.today t $$, needs => '{train}');
SELECT augur.add_step('shop', 'tell', 'notify', '{"kind": "campaign_ready", "subject": "customers to write to",
	"payload": {"likely": {"result": "score.likely"}, "customers": {"result": "score.customers"}}}', needs => '{score}');

-- 4. When, and who is told.
SELECT augur.schedule('shop', '0 6 1 * *', timezone => 'Europe/Berlin',
	params => jsonb_build_object('inbox', :'inbox'), start => '2025-05-01 00:00+02', catchup => true);
SELECT augur.create_channel('shop', 'file:slack', note => 'the team of the shop');
SELECT augur.create_route('shop_runs', 'shop', '{pipeline_failed,pipeline_recovered,validation_*}', subject => 'shop*', digest => false);
SELECT augur.create_route('shop_model', 'shop', '{promoted,rolled_back,drift_*}', model => 'large_purchase', digest => false);
SELECT augur.create_route('campaigns', 'shop', '{campaign_ready}', digest => false);

-- 5. A quarter in seconds.  Files arrive; June's is in cents, and comes again the next day.
CREATE PROCEDURE shop_source.deliver(month date, inbox text, factor numeric DEFAULT 1) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format($f$ COPY (SELECT to_jsonb(t) || jsonb_build_object('amount', t.amount * %s)
			FROM shop_source.transactions t WHERE ts >= %L AND ts < %L ORDER BY transaction_id)
		TO %L WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02') $f$,
		factor, month, month + interval '1 month', inbox || to_char(month, '"/transactions_"YYYY-MM".json"'));
END
$$;
-- ticks, and waits for what the tick has started in the background
CREATE PROCEDURE shop_source.tick(at timestamptz) LANGUAGE plpgsql AS $$
BEGIN
	CALL augur.tick(at);
	COMMIT;
	WHILE EXISTS (SELECT FROM augur.pipeline_runs WHERE status = 'queued' OR status = 'running' AND resume_at IS NULL) LOOP
		PERFORM pg_sleep(0.02);
	END LOOP;
END
$$;
\o
\echo 'The first of each month, 6 in the morning in Berlin:'
CALL shop_source.deliver('2025-04-01', :'inbox'); CALL shop_source.tick('2025-05-01 06:00+02');
CALL shop_source.deliver('2025-05-01', :'inbox'); CALL shop_source.tick('2025-06-01 06:00+02');
CALL shop_source.deliver('2025-06-01', :'inbox', 100); CALL shop_source.tick('2025-07-01 06:00+02');
SELECT logical_date AT TIME ZONE 'Europe/Berlin' AS file_from, trigger, status, reason FROM augur.pipeline_runs
WHERE pipeline = 'shop' ORDER BY id;
\echo 'The run that failed, step by step:'
SELECT step, status, timeline, message FROM augur.pipeline_timeline WHERE pipeline = 'shop'
AND run = (SELECT max(run) FROM augur.step_failures WHERE pipeline = 'shop');
\echo 'The file comes again, in euros, and the month is done once more:'
CALL shop_source.deliver('2025-06-01', :'inbox');
SELECT action FROM augur.backfill('shop', '2025-06-01 06:00+02', '2025-06-30 00:00+02', '1 month',
	jsonb_build_object('inbox', :'inbox'), reprocess => 'failed');
CALL shop_source.tick('2025-07-01 09:00+02');
SELECT l.version, l.aliases, round(l.value::numeric, 3) AS auc, round(l.lower::numeric, 3) AS lower, round(l.upper::numeric, 3) AS upper
FROM augur.leaderboard l WHERE l.model = 'large_purchase' ORDER BY l.version;
SELECT s.run_id AS run, (s.result ->> 'customers')::int AS customers, (s.result ->> 'likely')::int AS to_write_to
FROM augur.step_runs s JOIN augur.pipeline_runs r ON r.id = s.run_id
WHERE r.pipeline = 'shop' AND s.step = 'score' AND s.status = 'success' ORDER BY s.id;

-- The clock is real again: nothing more to be started by it.
SELECT augur.unschedule('shop') \g /dev/null

-- 6. Where no worker sends what was written (augur_notify in shared_preload_libraries), a job does.
SELECT coalesce(current_setting('augur.secret_directory', true), '') <> '' AND worker <> 'running' AS to_send
FROM augur.notification_status WHERE channel = 'shop' \gset
\if :to_send
CALL augur.deliver_notifications();
\endif
SELECT kind, severity, subject FROM augur.notification_log WHERE channel = 'shop' ORDER BY id;
