-- Schedules, triggers, and what augur.tick makes of them.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET search_path = public, augur;
SET timezone = 'UTC';

-- ---- slots ------------------------------------------------------------------------------------
-- as cronsim and a walk over every minute have them (tests/data/make_schedule_golden.py)
\getenv abs_srcdir PG_ABS_SRCDIR
\set golden :abs_srcdir/tests/data/schedule_golden.csv
CREATE TEMP TABLE golden (schedule text, zone text, after timestamptz, slots timestamptz[]);
COPY golden FROM :'golden' (FORMAT csv);
SELECT count(*), count(DISTINCT zone) AS zones FROM golden;
SELECT * FROM golden g
WHERE g.slots <> ARRAY(SELECT s FROM next_slots(g.schedule, g.zone, g.after, cardinality(g.slots)) s);
-- and backwards
SELECT * FROM golden g, generate_series(2, cardinality(g.slots)) i
WHERE _slot_before(g.schedule, g.zone, NULL, g.slots[i]) IS DISTINCT FROM g.slots[i - 1];
-- and counted: of the slots of two years all but the last lie before the next year
SELECT g.schedule, g.zone FROM (SELECT DISTINCT schedule, zone FROM golden) g,
	_slots_due(g.schedule, g.zone, NULL, (SELECT s FROM next_slots(g.schedule, g.zone, '2022-12-31', 1) s), '2025-01-01') d
WHERE (d.slots, d.last, d.next) IS DISTINCT FROM
	(SELECT (count(*) FILTER (WHERE s <= '2025-01-01'), max(s) FILTER (WHERE s <= '2025-01-01'), max(s))
	 FROM next_slots(g.schedule, g.zone, '2022-12-31', d.slots::integer + 1) s);

-- more than anybody counts
SET statement_timeout = '60 s';
SELECT * FROM _slots_due('* * * * *', 'UTC', NULL, '0001-01-01', '2026-01-01');
RESET statement_timeout;

-- a time that is skipped comes right after the gap, one that is repeated once
SELECT s AT TIME ZONE 'Europe/Berlin' AS local, s FROM next_slots('30 2 * * *', 'Europe/Berlin', '2024-03-29 12:00', 3) s;
SELECT s AT TIME ZONE 'Europe/Berlin' AS local, s FROM next_slots('30 2 * * *', 'Europe/Berlin', '2024-10-25 12:00', 3) s;
-- by time elapsed
SELECT s AT TIME ZONE 'America/New_York' AS local, s FROM next_slots('30 * * * *', 'America/New_York', '2024-11-03 04:00', 4) s;
-- a clock that moves by half an hour
SELECT s AT TIME ZONE 'Australia/Lord_Howe' AS local, s FROM next_slots('15 2 * * *', 'Australia/Lord_Howe', '2024-10-04 12:00', 3) s;
SELECT s AT TIME ZONE 'Australia/Lord_Howe' AS local, s FROM next_slots('45 1 * * *', 'Australia/Lord_Howe', '2024-04-05 12:00', 3) s;

SELECT next_slots('@daily', 'UTC', '2024-02-28 12:00', 2);
SELECT next_slots('0 0 L * *', 'UTC', '2024-01-31 00:00', 3);
SELECT next_slots('0 0 * * fri#2', 'UTC', '2024-01-01', 2);
SELECT next_slots('every 90 minutes', 'UTC', '2024-01-01', 3);
SELECT next_slots('every 1 month', 'UTC', '2024-01-31', 3, '2023-12-31 06:00');
SELECT s AT TIME ZONE 'Europe/Berlin' AS local, s FROM next_slots('every 1 day', 'Europe/Berlin', '2024-03-30', 3, '2024-03-01 02:30 Europe/Berlin') s;
SELECT next_slots('@daily', 'UTC', '2024-01-01', 0);
SELECT next_slots(NULL, 'UTC', '2024-01-01', 3);
SELECT next_slots('@daily', 'UTC', 'infinity', 3);
SELECT next_slots('0 0 29 2 *', 'UTC', '2096-03-01', 1);

\set VERBOSITY default
SELECT next_slots('61 * * * *');
SELECT next_slots('* 24 * * *');
SELECT next_slots('* * 0 * *');
SELECT next_slots('* * * foo *');
SELECT next_slots('* * * * 8');
SELECT next_slots('* * * * fri-mon');
SELECT next_slots('* * * * fri#6');
SELECT next_slots('1,,2 * * * *');
SELECT next_slots('5/15 * * * *');
SELECT next_slots('*/0 * * * *');
SELECT next_slots('0 0 30 2 *');
SELECT next_slots('* * * * * *');
SELECT next_slots('@reboot');
SELECT next_slots('every 30 seconds');
SELECT next_slots('every 1 day 12 hours');
SELECT next_slots('every -1 hours');
SELECT next_slots('every so often');
SELECT next_slots('@daily', 'Europe/Berln');
SELECT next_slots('@daily', 'UTC+2');
SELECT next_slots('@daily', n => -1);
\set VERBOSITY terse

-- ---- schedules ----------------------------------------------------------------------------------
SET client_min_messages = warning;
SELECT create_pipeline('nightly', '{"day": {"type": "date"}, "n": {"type": "integer"}}') > 0 AS made;
SELECT create_pipeline('after') > 0 AS made;
SELECT create_pipeline('third') > 0 AS made;
SELECT count(add_step(p, 'one', body => '{"sql": "SELECT 1"}')) FROM unnest('{nightly,after,third}'::text[]) p;
CREATE VIEW runs AS
SELECT r.pipeline, r.trigger, r.status, r.params, r.logical_date, r.interval_start, r.interval_end FROM augur.pipeline_runs r ORDER BY r.id;
SELECT schedule('nightly', '30 6 * * mon-fri', 'Europe/Berlin', '{"n": 3}', '2030-03-29 12:00');
SELECT pipeline, schedule, timezone, enabled, next_slot, following, last_run, params, catchup, max_catchup FROM schedules;
SELECT _queue_due('2030-04-01 04:29');
SELECT _queue_due('2030-04-01 04:30');
SELECT _queue_due('2030-04-01 04:30');
SELECT * FROM runs;
-- three days without a tick: the newest is run, the others are told
SELECT _queue_due('2030-04-04 05:00');
SELECT pipeline, logical_date, interval_end FROM runs;
SELECT pipeline, slot, interval_start, reason FROM missed_runs;
SELECT kind, severity, subject, payload - 'message' AS payload FROM events WHERE kind = 'pipeline_missed';
SELECT pipeline, next_slot, last_slot, last_status FROM schedules;
-- with catchup, up to so many
DELETE FROM missed_slots;
SELECT schedule('nightly', '@hourly', start => '2020-01-01 00:30', catchup => true, max_catchup => 3);
SELECT _queue_due('2020-01-01 06:10');
SELECT pipeline, logical_date, interval_start, interval_end FROM runs WHERE interval_end < '2021-01-01';
SELECT pipeline, slot, interval_start, reason FROM missed_runs WHERE found_at IS NOT NULL;
SELECT count(*), max(reason) FROM missed_runs WHERE found_at IS NULL;
-- off
SELECT enable_schedule('nightly', false);
SELECT _queue_due('2020-01-02');
SELECT enable_schedule('nightly') > now() AS ahead;
SELECT unschedule('nightly');
SELECT count(*) FROM schedules;
\set VERBOSITY default
SELECT unschedule('nightly');
SELECT enable_schedule('nightly');
SELECT schedule('nope', '@daily');
SELECT schedule('nightly', '* * * *');
SELECT schedule('nightly', '@daily', 'Mars/Olympus');
SELECT schedule('nightly', '@daily', params => '{"m": 1}');
SELECT schedule('nightly', '@daily', params => '[]');
SELECT schedule('nightly', '@daily', max_catchup => 0);
SELECT schedule('nightly', NULL);
SELECT schedule('nightly', '@daily', start => 'infinity');
SELECT _queue_due('infinity');
\set VERBOSITY terse
-- one that cannot be started keeps no other from it
SELECT schedule('nightly', '@daily', start => '2031-01-01'), schedule('after', '@daily', start => '2031-01-01');
UPDATE pipeline_schedules SET timezone = 'gone/zone' WHERE pipeline_id = (SELECT id FROM pipelines WHERE name = 'nightly');
SELECT _queue_due('2031-01-01 01:00');
SELECT pipeline, interval_end FROM runs WHERE interval_end > '2030-12-31';
SELECT s.enabled, s.next_at, s.note FROM pipeline_schedules s JOIN pipelines p ON p.id = s.pipeline_id ORDER BY p.name;
-- and keeps nobody from looking
SELECT pipeline, enabled, following IS NOT NULL AS follows FROM schedules ORDER BY 1;
SELECT pipeline, slot, timezone FROM missed_runs WHERE timezone = 'gone/zone';
BEGIN;
UPDATE pipeline_schedules SET enabled = true, next_at = now() - interval '1 hour' WHERE timezone = 'gone/zone';
SELECT pipeline, enabled, following FROM schedules WHERE timezone = 'gone/zone';
SELECT count(*) FROM missed_runs WHERE timezone = 'gone/zone';
ROLLBACK;
-- nor does a slot at the first moment that there is
\set VERBOSITY sqlstate
UPDATE pipeline_schedules SET enabled = true, next_at = '4714-11-24 00:00:00+00 BC' WHERE timezone = 'gone/zone';
\set VERBOSITY default
SELECT count(*) FROM missed_runs WHERE timezone = 'gone/zone';
SELECT component, status, detail FROM health() WHERE component = 'schedules';
DELETE FROM missed_slots;
SELECT unschedule('nightly'), unschedule('after');
-- a pipeline that is off: its slots go by
SELECT schedule('after', '@daily', start => '2032-01-01');
UPDATE pipelines SET enabled = false WHERE name = 'after';
SELECT _queue_due('2032-01-05');
SELECT count(*) FROM missed_slots;
UPDATE pipelines SET enabled = true WHERE name = 'after';
SELECT unschedule('after');

-- many at once go another way, to the same end
SELECT schedule('third', '@hourly', start => '2033-01-01 00:30');
SELECT _queue_due('2033-01-01 03:10');
SELECT pipeline, logical_date, interval_end FROM runs WHERE pipeline = 'third';
SELECT pipeline, slot, interval_start, reason FROM missed_runs WHERE pipeline = 'third';
SELECT subject, payload FROM events WHERE kind = 'pipeline_missed' AND subject = 'third';
SELECT unschedule('third');

-- ---- events ---------------------------------------------------------------------------------------
DELETE FROM pipeline_runs;
SELECT on_event('nightly', 'loaded', '{"source": "shop"}', debounce => '1 hour', params => '{"n": 1}', params_from => '{"day": "day"}') AS hourly \gset
SELECT on_event('after', 'loaded') AS direct \gset
SELECT emit('loaded', payload => '{"source": "elsewhere"}') > 0 AS emitted;
SELECT pipeline, trigger, params FROM runs;
-- a rollback takes all of it
BEGIN;
SELECT emit('loaded', payload => '{"source": "shop"}') > 0 AS emitted;
ROLLBACK;
SELECT count(*) FROM runs;
SELECT count(*) FROM pipeline_signals;
UPDATE pipeline_triggers SET enabled = false WHERE id = :direct;
-- a thousand events in a window are one run, of the newest parameters
SELECT count(emit('loaded', payload => jsonb_build_object('source', 'shop', 'day', date '2024-01-01' + i))) FROM generate_series(0, 999) i;
SELECT id = :hourly AS hourly, kind, of, filter, debounce, enabled, waiting FROM triggers ORDER BY id;
SELECT _queue_due(now());
SELECT _queue_due(now() + interval '61 minutes');
SELECT pipeline, trigger, params FROM runs ORDER BY pipeline;
SELECT signals, depth FROM pipeline_causes ORDER BY run_id;
SELECT count(*) FROM pipeline_signals;
SELECT drop_trigger(:hourly), drop_trigger(:direct);

-- ---- tables -------------------------------------------------------------------------------------
DELETE FROM pipeline_runs;
CREATE TABLE orders (i int);
SELECT on_table('nightly', 'orders', '1 minute', '{insert,truncate}') AS changed \gset
INSERT INTO orders VALUES (1);
INSERT INTO orders VALUES (2);
UPDATE orders SET i = i;
TRUNCATE orders;
SELECT of, operations, waiting FROM triggers;
SELECT _queue_due(now() + interval '2 minutes');
SELECT pipeline, trigger FROM runs;
-- a trigger of one's own that calls it says nothing of other tables
CREATE TABLE other (i int);
SELECT format('CREATE TRIGGER mine AFTER INSERT ON other FOR EACH STATEMENT EXECUTE FUNCTION augur._table_changed(%L)', :changed) \gexec
INSERT INTO other VALUES (1);
SELECT waiting FROM triggers;
DROP TABLE other;
SELECT drop_trigger(:changed);
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'orders'::regclass;
SELECT on_table('nightly', 'orders') AS changed \gset
SELECT drop_pipeline('third');
\set VERBOSITY default
SELECT on_table('nightly', 'runs');
SELECT on_table('nightly', 'augur.pipeline_signals');
SELECT on_table('nightly', 'orders', operations => '{select}');
SELECT on_table('nightly', NULL);
SELECT on_table('nightly', 'orders', '-1 s');
SELECT on_event('nightly', 'Not a kind');
SELECT on_event('nightly', 'loaded', '[]');
SELECT on_event('nightly', 'loaded', params_from => '{"day": 1}');
SELECT on_event('nightly', 'loaded', params_from => '{"nay": "day"}');
SELECT on_pipeline('nightly', 'nightly');
SELECT on_pipeline('nightly', 'nope');
SELECT on_pipeline('nightly', 'after', '{great}');
SELECT drop_trigger(0), enable_trigger(0);
\set VERBOSITY terse

-- a table that is dropped leaves a trigger that does nothing, and health tells
BEGIN;
CREATE TABLE gone (i integer);
SELECT on_table('after', 'gone') > 0 AS made;
SELECT detail FROM health() WHERE component = 'triggers';
DROP TABLE gone;
SELECT status, detail FROM health() WHERE component = 'triggers';
ROLLBACK;

-- ---- pipelines that start each other -------------------------------------------------------------
DELETE FROM pipeline_triggers;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'orders'::regclass;
SELECT on_pipeline('after', 'nightly') > 0 AS made;
\set VERBOSITY default
SELECT on_pipeline('nightly', 'after');
\set VERBOSITY terse
-- nobody can say that a run has ended that has not
SELECT emit('pipeline_succeeded', payload => '{"run": 0, "pipeline": "nightly", "status": "success"}') > 0 AS emitted;
SELECT count(*) FROM runs WHERE trigger LIKE 'pipeline %';

-- a loop by events is braked
DELETE FROM pipeline_triggers;
DELETE FROM pipeline_runs;
SELECT on_event('nightly', 'again') AS again \gset
DO $$
DECLARE
	run			bigint;
BEGIN
	FOR i IN 1 .. 20 LOOP
		SELECT max(r.id) INTO run FROM augur.pipeline_runs r;
		PERFORM set_config('augur.run', coalesce(jsonb_build_object('id', run)::text, ''), true);
		PERFORM augur.emit('again');
	END LOOP;
END
$$;
SELECT max(depth) FROM pipeline_causes;
SELECT enabled, note FROM triggers;
SELECT component, status, detail FROM health() WHERE component = 'triggers';
SELECT enable_trigger(:again);
SELECT enabled, note FROM triggers;

-- ---- backfill: the dates are those of the schedule's runs, whatever the session's zone ---------------
SELECT create_pipeline('early') > 0 AS made;
SELECT count(add_step('early', 'one', sql => 'SELECT 1'));
SELECT enable_pipeline('early', false);
SELECT count(*), min(logical_date), max(logical_date) FROM backfill('early', '2040-03-23', '2040-03-28', dry_run => true);
SELECT schedule('early', '30 2 * * *', 'Europe/Berlin', start => '2040-01-01');
-- clocks are put on on the 25th
SELECT logical_date, action FROM backfill('early', '2040-03-23', '2040-03-28');
SELECT logical_date, interval_start = logical_date AS same, interval_end, interval_end - interval_start AS long, trigger
FROM pipeline_runs WHERE pipeline = 'early' ORDER BY id;
SELECT b.logical_date IN (SELECT r.logical_date FROM pipeline_runs r WHERE r.pipeline = 'early') AS same, action
FROM backfill('early', '2040-03-24', '2040-03-26', dry_run => true) b;
SELECT logical_date, action FROM backfill('early', '2040-03-23', '2040-03-25', '1 day', dry_run => true);
-- from_date is included, until_date is not
SELECT logical_date FROM backfill('early', '2040-10-27 00:30+00', '2040-10-29 01:30+00', dry_run => true);
SELECT count(*) FROM backfill('early', '2040-03-23', '2040-03-23 01:30', dry_run => true);
SELECT count(*) FROM backfill('early', '2040-03-23', '2040-03-22', dry_run => true);
SELECT count(*) FROM backfill('early', '2040-03-23', '2040-03-28', max_runs => 5, dry_run => true);
SELECT count(*) FROM backfill('early', '2040-03-23', '2040-03-28', max_runs => 4, dry_run => true);
-- days on which it does not run, and dates before the start
SELECT schedule('early', '30 6 * * mon-fri', 'Europe/Berlin', start => '2040-01-01');
SELECT logical_date FROM backfill('early', '2039-12-30', '2040-01-04', dry_run => true);
SELECT schedule('early', 'every 90 minutes', start => '2040-01-01 00:10');
SELECT count(*), min(logical_date), max(logical_date) FROM backfill('early', '2039-12-31 21:00', '2040-01-01 03:00', dry_run => true);
SELECT drop_pipeline('early');

-- ---- rights ---------------------------------------------------------------------------------------
CREATE ROLE regress_schedule_a;
CREATE ROLE regress_schedule_b;
SELECT grant_preset('regress_schedule_a', 'trainer'), grant_preset('regress_schedule_b', 'trainer');
SET ROLE regress_schedule_a;
SELECT create_pipeline('mine') > 0 AS made;
SELECT count(add_step('mine', 'one', body => '{"sql": "SELECT 1"}'));
SELECT schedule('mine', '@daily', start => '2040-01-01');
SELECT on_event('mine', 'loaded') > 0 AS made;
SELECT schedule('nightly', '@daily');
SELECT on_table('mine', 'orders');
SELECT _queue_due('2041-01-01');
SELECT install_tick();
SELECT remove_tick();
RESET ROLE;
SET ROLE regress_schedule_b;
SELECT schedule('mine', '@hourly');
SELECT count(*) FROM schedules;
SELECT count(*) FROM triggers;
-- an event that the owner may not see starts nothing
SELECT emit('loaded') > 0 AS emitted;
RESET ROLE;
SELECT count(*) FROM runs WHERE pipeline = 'mine';
SET ROLE regress_schedule_a;
SELECT emit('loaded') > 0 AS emitted;
RESET ROLE;
SELECT pipeline, trigger, status FROM runs WHERE pipeline = 'mine';

-- ---- without pg_cron ------------------------------------------------------------------------------
RESET client_min_messages;
DELETE FROM tick_state;
SELECT component, status FROM health() WHERE component IN ('tick', 'drop trigger', 'triggers') ORDER BY 1;
SELECT _queue_due('2020-01-01') IS NULL;
SELECT component, status FROM health() WHERE component = 'tick';
SELECT remove_tick();
DROP TABLE orders;
DELETE FROM pipelines;
SELECT revoke_preset('regress_schedule_a'), revoke_preset('regress_schedule_b');
DROP ROLE regress_schedule_a, regress_schedule_b;
