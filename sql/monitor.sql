-- monitor: comparisons on a schedule, what they keep and tell; and the whole loop
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
CREATE SCHEMA "Mon ""itor";
SET search_path = "Mon ""itor", public;
-- 60 days of 400 rows; from day 21 on "X a" moves in the north
CREATE TABLE "Visits ""x" AS
SELECT d AS day, timestamptz '2026-01-01' + d * interval '1 day' + i * interval '2 minutes' AS at,
	(i * 7919 + d * 331) % 1000 / 1000.0 + CASE WHEN d >= 20 AND i % 2 = 0 THEN 0.6 ELSE 0 END AS "X a",
	(i * 104729 + d * 17) % 10 AS b, (ARRAY['x', 'y', 'z'])[(i * 31 + d) % 3 + 1] AS c,
	CASE i % 2 WHEN 0 THEN 'north' ELSE 'it''s south' END AS region
FROM generate_series(0, 59) d, generate_series(0, 399) i;
ALTER TABLE "Visits ""x" ADD y boolean;
UPDATE "Visits ""x" SET y = "X a" + b / 10.0 + hashint8(day * 1000 + b) % 100 / 300.0 > 0.9;
SELECT version, promoted FROM augur.train('visits', '"Visits ""x"', 'y', features => '{"X a",b,c}',
	filter => 'day < 14', time_column => 'at', params => '{"n_trees": 10}');
-- what does not make a monitor
SELECT augur.create_monitor('nix', '"Visits ""x"');
SELECT augur.create_monitor('visits', NULL);
SELECT augur.create_monitor('visits', '"Visits ""x"', every => '0');
SELECT augur.create_monitor('visits', '"Visits ""x"', width => '1 day');
SELECT augur.create_monitor('visits', '"Visits ""x"', time_column => 'b');
SELECT augur.create_monitor('visits', '"Visits ""x"', time_column => 'nix');
SELECT augur.create_monitor('visits', '"Visits ""x"', segments => '{nix}');
SELECT augur.create_monitor('visits', '"Visits ""x"', needed => 3, of_last => 2);
SELECT augur.create_monitor('visits', '"Visits ""x"', signal_first => true, filter => 'true');
SELECT augur.create_monitor('visits', '"Visits ""x"', alpha => 2);
SELECT augur.create_monitor('visits', '"Visits ""x"', name => '');
-- a window of a day, its segments apart; two of three looks raise the alarm
SELECT augur.create_monitor('visits', '"Visits ""x"', time_column => 'at', segments => '{region}', drift_share => 0.3,
	needed => 2, of_last => 3, start => '2026-01-16') > 0 AS made;
SELECT augur.create_monitor('visits', '"Visits ""x"');
SELECT count(*) FROM augur.check_monitors('2026-01-15 23:59');
SELECT monitor, segment, window_start, window_end, verdict, alarm FROM augur.check_monitors('2026-01-16');
-- not twice for the same time
SELECT count(*) FROM augur.check_monitors('2026-01-16 00:01');
-- what was missed is not made up for: the last slot alone
SELECT window_end, verdict FROM augur.check_monitors('2026-01-20 13:00') ORDER BY segment LIMIT 1;
SELECT next_at FROM augur.monitors;
SELECT count(*) FROM generate_series(0, 6) d, augur.check_monitors(timestamptz '2026-01-21' + d * interval '1 day');
SELECT segment, window_end, version, verdict, alarm, round(share::numeric, 2) AS share, weighted_share > share AS weighs_more,
	target, prediction, columns FROM augur.drift_history WHERE window_end >= '2026-01-21' ORDER BY run;
SELECT segment, window_end, verdict, alarm FROM augur.drift_latest ORDER BY segment;
SELECT kind, severity, subject, payload ->> 'monitor' AS monitor, payload -> 'segment' AS segment, payload -> 'columns' AS columns,
	payload ->> 'window_end' AS window_end FROM augur.events WHERE kind ~ 'drift|monitor' ORDER BY id;
-- all numbers that a verdict rests on
SELECT part, column_name, method, round(score::numeric, 3) AS score, effect_floor, adjusted_p <= 0.05 AS significant, n_current, verdict
FROM augur.drift_columns WHERE run_id = (SELECT max(run) FROM augur.drift_history WHERE segment = '{}') ORDER BY part, column_name;
SELECT options FROM augur.drift_runs WHERE id = (SELECT max(run) FROM augur.drift_history WHERE segment = '{}');
UPDATE augur.drift_runs SET verdict = 'ok';
UPDATE augur.drift_columns SET verdict = 'ok';
-- it ends: the alarm is over, once
UPDATE "Visits ""x" SET "X a" = "X a" - 0.6 WHERE day >= 28 AND region = 'north';
SELECT count(*) FROM generate_series(0, 5) d, augur.check_monitors(timestamptz '2026-01-29' + d * interval '1 day');
SELECT kind, severity, payload -> 'segment' AS segment, payload ->> 'window_end' AS window_end
FROM augur.events WHERE kind = 'drift_resolved' ORDER BY id;
-- a day without rows says nothing, and changes no alarm
DELETE FROM "Visits ""x" WHERE day = 34;
SELECT segment, verdict, alarm FROM augur.check_monitors('2026-02-05');
-- a look that fails is kept, told once, and keeps no other monitor from looking
SELECT augur.create_monitor('visits', '"Visits ""x"', name => 'other', filter => 'r.b <');
SELECT augur.create_monitor('visits', '"Visits ""x"', name => 'other', filter => 'r.b < 5 OR nix');
ALTER TABLE "Visits ""x" ADD nix boolean;
SELECT augur.create_monitor('visits', '"Visits ""x"', time_column => 'at', name => 'other', filter => 'r.b < 5 OR nix -- so far', start => '2026-02-06') > 0 AS made;
ALTER TABLE "Visits ""x" DROP nix;
SELECT monitor, verdict, alarm, detail FROM augur.check_monitors('2026-02-06') ORDER BY monitor, segment;
SELECT monitor, verdict FROM augur.check_monitors('2026-02-07') WHERE monitor = 'other';
SELECT kind, severity, payload ->> 'monitor' AS monitor, payload ->> 'detail' AS detail FROM augur.events WHERE kind = 'monitor_failed';
SELECT augur.enable_monitor('visits', 'other', false);
SELECT count(*) FILTER (WHERE monitor = 'other') FROM augur.check_monitors('2026-02-08');
SELECT augur.enable_monitor('visits', 'nix');
SELECT augur.drop_monitor('visits', 'other');
-- too many segments
SELECT augur.create_monitor('visits', '"Visits ""x"', time_column => 'at', name => 'many', segments => '{"X a"}', start => '2026-02-09') > 0 AS made;
SELECT verdict, detail FROM augur.check_monitors('2026-02-09', 'visits') WHERE monitor = 'many';
SELECT augur.drop_monitor('visits', 'many');
-- months are not of one length
SELECT augur.create_monitor('visits', '"Visits ""x"', '1 month', 'at', name => 'monthly', start => '2026-01-31') > 0 AS made;
SELECT window_start, window_end FROM augur.check_monitors('2026-04-30 12:00') WHERE monitor = 'monthly';
SELECT augur.drop_monitor('visits', 'monthly');
-- a day has 24 hours where the session's clock is put on or back, too: no hour falls out, or is looked at twice
SET TIME ZONE 'Europe/Berlin';
SELECT augur.create_monitor('visits', '"Visits ""x"', time_column => 'at', name => 'nightly', start => '2026-03-29 00:00+00') > 0 AS made;
SELECT window_start AT TIME ZONE 'UTC' AS window_start, window_end AT TIME ZONE 'UTC' AS window_end
FROM augur.check_monitors('2026-03-30 00:30+00') WHERE monitor = 'nightly';
SELECT window_start AT TIME ZONE 'UTC' AS window_start, window_end AT TIME ZONE 'UTC' AS window_end
FROM augur.check_monitors('2026-10-26 00:30+00') WHERE monitor = 'nightly';
SET TIME ZONE 'UTC';
SELECT augur.drop_monitor('visits', 'nightly');
SELECT augur.drop_monitor('visits');

-- ---- what would keep others from being looked at ----------------------------------------------
SELECT augur.create_monitor('visits', '"Visits ""x"', start => '-infinity');
SELECT augur.create_monitor('visits', '"Visits ""x"', every => '290000 years', start => '2026-01-01');
SELECT augur.create_monitor('visits', '"Visits ""x"', time_column => 'at', width => '290000 years');
SELECT augur.create_monitor('visits', '"Visits ""x"', every => '1 month -29 days');
\set VERBOSITY terse
INSERT INTO augur.monitors (model_id, name, relation, every, predictions, min_rows, alpha, effect_floor, drift_share, needed, of_last,
	signal_first, start_at, next_at)
SELECT m.id, 'by hand', '', '1 day', false, 1, 0.1, 1, 1, 1, 1, false, 'infinity', now() FROM augur.models m WHERE m.name = 'visits';
\set VERBOSITY default
CREATE TEMPORARY TABLE passing AS SELECT * FROM "Visits ""x" LIMIT 1;
SELECT augur.create_monitor('visits', 'passing');
SELECT augur.check_monitors('infinity');
-- no look ahead of its time, however long ago the first one was
SELECT augur.create_monitor('visits', '"Visits ""x"', '1 month', 'at', name => 'monthly', start => '1990-01-01', predictions => false) > 0 AS made;
SELECT window_start, window_end FROM augur.check_monitors('2026-02-10');
SELECT next_at FROM augur.monitors WHERE name = 'monthly';
SELECT augur.drop_monitor('visits', 'monthly');
-- a filter can fail in any way
CREATE FUNCTION asserting() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN ASSERT false, 'never'; RETURN true; END $$;
SELECT augur.create_monitor('visits', '"Visits ""x"', filter => '"Mon ""itor".asserting()', name => 'asserting', start => '2026-01-01') > 0 AS made;
SELECT verdict, detail FROM augur.check_monitors('2026-01-02');
SELECT augur.drop_monitor('visits', 'asserting');
-- names of zones are not unique: IST is Indian time here, and Israel's to who reads it
SET timezone = 'Asia/Kolkata';
SET datestyle = 'Postgres, MDY';
SELECT augur.create_monitor('visits', '"Visits ""x"', '1 day', 'at', name => 'zone', start => '2026-01-01 12:00+00', predictions => false) > 0 AS made;
SELECT verdict FROM augur.check_monitors('2026-01-01 12:00+00');
SELECT c.n_current FROM augur.drift_runs r JOIN augur.drift_columns c ON c.run_id = r.id WHERE r.monitor = 'zone' AND c.column_name = 'b';
SELECT augur.drop_monitor('visits', 'zone');
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
-- days are of UTC, whoever looks: else one window would be looked at twice
SELECT augur.create_monitor('visits', '"Visits ""x"', '1 day', 'at', name => 'days', start => '2026-01-01 00:00+00', predictions => false) AS days \gset
SELECT augur._monitor_slot(m, '2026-07-01 12:00+00') FROM augur.monitors m WHERE id = :days;
SET timezone = 'Europe/Berlin';
SELECT (s.slot, s.next_at) = ('2026-07-01 00:00+00'::timestamptz, '2026-07-02 00:00+00'::timestamptz) AS same
FROM augur.monitors m, augur._monitor_slot(m, '2026-07-01 12:00+00') s WHERE id = :days;
SET timezone = 'UTC';
SELECT augur.drop_monitor('visits', 'days');
-- what was kept for another model does not count, whatever it says
SELECT augur.create_monitor('visits', '"Visits ""x"', '1 day', 'at', name => 'forged', start => '2026-01-10', predictions => false) AS forged \gset
SELECT version FROM augur.train('another', '"Visits ""x"', 'y', features => '{b}', filter => 'day < 2', params => '{"n_trees": 2}');
INSERT INTO augur.drift_runs (model_id, monitor_id, relation, as_of, verdict, alarm, seconds)
SELECT m.id, :forged, '', now(), 'drift', true, 0 FROM augur.models m WHERE m.name = 'another';
SELECT verdict, alarm FROM augur.check_monitors('2026-01-10');
SELECT count(*) FROM augur.events WHERE kind = 'drift_resolved' AND payload ->> 'monitor' = 'forged';
SELECT augur.drop_monitor('visits', 'forged');

-- ---- whose SQL is run ---------------------------------------------------------------------------
CREATE ROLE regress_mon_trainer;
CREATE ROLE regress_mon_admin;
GRANT USAGE ON SCHEMA "Mon ""itor" TO regress_mon_trainer;
GRANT SELECT ON "Visits ""x" TO regress_mon_trainer;
SELECT augur.grant_preset('regress_mon_trainer', 'trainer'), augur.grant_preset('regress_mon_admin', 'admin');
SET ROLE regress_mon_trainer;
SELECT version FROM augur.train('theirs', '"Visits ""x"', 'y', features => '{b}', filter => 'day < 2', params => '{"n_trees": 2}', promote => 'always');
SELECT augur.create_monitor('theirs', '"Visits ""x"', start => '2026-01-10', predictions => false,
	filter => 'current_setting(''is_superuser'') = ''off'' OR 1 / (r.b - r.b) = 0') > 0 AS made;
-- a superuser is a member of every owner, and must not run what they wrote without knowing
RESET ROLE;
SELECT count(*) FROM augur.check_monitors('2026-01-10');
SET ROLE regress_mon_trainer;
SELECT verdict FROM augur.check_monitors('2026-01-10');
-- an admin is told that it may not
SET ROLE regress_mon_admin;
SELECT augur.drop_monitor('theirs');
SELECT augur.enable_monitor('theirs', enabled => false);
SET ROLE regress_mon_trainer;
SELECT augur.drop_monitor('theirs');
RESET ROLE;
SELECT augur.drop_model('theirs');
SELECT augur.revoke_preset('regress_mon_trainer'), augur.revoke_preset('regress_mon_admin');

-- ---- the planner's statistics as a first look ------------------------------------------------
CREATE TABLE now AS SELECT * FROM "Visits ""x" WHERE day < 14;
ALTER TABLE now SET (autovacuum_enabled = false);
SELECT column_name, gap, signal, detail FROM augur.drift_signal('visits', 'now');
ANALYZE now;
SELECT column_name, round(gap::numeric, 1) AS gap, null_gap, signal, detail FROM augur.drift_signal('visits', 'now');
SELECT augur.create_monitor('visits', 'now', signal_first => true, start => '2026-03-01') > 0 AS made;
SELECT verdict, detail FROM augur.check_monitors('2026-03-01');
UPDATE now SET "X a" = "X a" + 0.3, b = CASE WHEN b > 5 THEN b END, c = CASE c WHEN 'x' THEN 'w' ELSE c END;
SELECT verdict, detail IS NULL AS rows_read FROM augur.check_monitors('2026-03-02');
ANALYZE now;
SELECT column_name, round(gap::numeric, 1) AS gap, round(null_gap::numeric, 1) AS null_gap, signal FROM augur.drift_signal('visits', 'now');
SELECT verdict, detail IS NULL AS rows_read FROM augur.check_monitors('2026-03-03');
-- a type that is not compared by its statistics is no reason not to read
CREATE TABLE retyped AS SELECT "X a"::text AS "X a", b, c FROM now;
ANALYZE retyped;
SELECT column_name, signal, detail FROM augur.drift_signal('visits', 'retyped') WHERE gap IS NULL;
CREATE TABLE enormous AS SELECT CASE WHEN i % 10 = 0 THEN 1e400 WHEN i % 10 = 1 THEN 1e-400 WHEN i % 10 = 2 THEN 'NaN' ELSE i END AS "X a",
	CASE i % 2 WHEN 0 THEN 1e400 ELSE -1e400 END AS b, 'x'::text AS c FROM generate_series(1, 1000) i;
ANALYZE enormous;
SELECT column_name, round(gap::numeric, 1) AS gap, signal FROM augur.drift_signal('visits', 'enormous');
SELECT augur.drift_signal('visits', 'now', gap_floor => 0);
SELECT augur.drift_signal('visits', NULL);
SELECT augur.drop_monitor('visits');

-- ---- bars to look at ---------------------------------------------------------------------------
SELECT bin, round(reference_share::numeric, 2) AS reference, round(current_share::numeric, 2) AS current, reference_bar, current_bar
FROM augur.drift_histogram('visits', 'X a', 'now', bins => 4);
SELECT bin, round(reference_share::numeric, 2) AS reference, round(current_share::numeric, 2) AS current, reference_bar, current_bar
FROM augur.drift_histogram('visits', 'c', 'now', 'r.b > 6');
SELECT bin, reference_share, current_share FROM augur.profile_histograms((SELECT augur.profile(d) FROM unnest('{2026-01-01,2026-01-05}'::date[]) d),
	(SELECT augur.profile(d) FROM unnest('{2026-01-05,2026-01-11}'::date[]) d), 2);
SELECT count(*) FROM augur.drift_histogram('visits', 'c', 'now', 'false');
SELECT augur.drift_histogram('visits', 'nix', 'now');
SELECT augur.profile_histograms((SELECT augur.profile(1)), (SELECT augur.profile('a'::text)));
SELECT augur.profile_histograms((SELECT augur.profile(1)), (SELECT augur.profile(2)), 0);

-- ---- a forest as domain classifier --------------------------------------------------------------
-- alone each column is as it was; together they are not
CREATE TABLE apart AS SELECT i * 7919 % 1000 / 1000.0 AS u, i * 7919 % 1000 / 1000.0 + i * 31 % 7 / 100.0 AS v, 1 AS one FROM generate_series(1, 1000) i;
CREATE TABLE mixed AS SELECT i * 7919 % 1000 / 1000.0 AS u, i * 104729 % 1000 / 1000.0 + i * 31 % 7 / 100.0 AS v, 1 AS one FROM generate_series(1, 1000) i;
SELECT count(*) FILTER (WHERE verdict = 'drift') AS drifted FROM augur.drift_between('apart', 'mixed');
SELECT auc > 0.9 AS told_apart, verdict, n_reference, n_current, importances ? 'u' AS named FROM augur.domain_drift('apart', 'mixed');
SELECT a = b AS same_again FROM augur.domain_drift('apart', 'mixed') a, augur.domain_drift('apart', 'mixed') b;
CREATE TABLE same AS SELECT u + 0.0001 AS u, v + 0.0001 AS v, one FROM apart WHERE u * 1000 % 2 = 0;
CREATE TABLE other AS SELECT u, v, one FROM apart WHERE u * 1000 % 2 = 1;
SELECT auc < 0.65 AS not_told_apart, verdict FROM augur.domain_drift('other', 'same');
-- columns may be called as they like
CREATE VIEW named AS SELECT u AS s, v AS t, u AS r FROM apart;
CREATE VIEW named_now AS SELECT u AS s, v AS t, u AS r FROM mixed;
SELECT verdict FROM augur.domain_drift('named', 'named_now');
SELECT * FROM augur.domain_drift('apart', 'mixed', filter => 'r.u < 0.01');
SELECT augur.domain_drift('apart', 'mixed', '{nix}');
SELECT augur.domain_drift('apart', NULL);
SELECT augur.domain_drift('apart', 'mixed', rows => 1);
SELECT augur.domain_drift('apart', 'mixed', auc_floor => 0.5);

-- ---- the whole loop, on a clock of its own --------------------------------------------------------
-- On day 30 the world changes: prices rise, and are no longer what decides.  Three days of drift
-- raise the alarm, a candidate trained on the last ten days is promoted, its own alarm (most of
-- what it was trained on is of the old world) has to wait for the end of the cooldown, and the
-- next candidate knows the new world alone.  In the end the data breaks.
CREATE TABLE shop (day integer, at timestamptz, price float8, visits float8, bought boolean);
CREATE VIEW recent AS SELECT * FROM shop WHERE day > (SELECT max(day) FROM shop) - 10;
CREATE FUNCTION a_day(d integer) RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS $$
	INSERT INTO shop
	SELECT d, timestamptz '2030-01-01' + d * interval '1 day' + i * interval '3 minutes', p, v,
		CASE WHEN d < 30 THEN p < 0.5 ELSE v > 0.5 END
	FROM generate_series(0, 299) i,
	LATERAL (SELECT (i * 7919 + d * 331) % 997 / 997.0 + CASE WHEN d >= 30 THEN 1 ELSE 0 END AS p,
		(i * 104729 + d * 71) % 991 / 991.0 AS v) x
$$;
DO $$ BEGIN FOR d IN 0 .. 27 LOOP PERFORM a_day(d); END LOOP; END $$;
SELECT version, promoted FROM augur.train('shop', 'recent', 'bought', features => '{price,visits}',
	params => '{"n_trees": 10}');
SELECT augur.create_monitor('shop', 'shop', time_column => 'at', start => '2030-01-29', needed => 3, of_last => 3) > 0 AS watched;
SELECT augur.create_suite('shop data', 'recent') > 0 AS made;
SELECT augur.expect('shop data', 'in_range', 'price', '{"min": 0, "max": 4}') > 0 AS expected;
SELECT augur.set_retrain_policy('shop', on_events => '{drift_found}', cooldown => '10 days', suite => 'shop data',
	gate => '{"min_gain": 0}');
CREATE FUNCTION tick(d integer, OUT day integer, OUT verdict text, OUT alarm boolean, OUT fired boolean, OUT outcome text,
	OUT reason text, OUT serving integer)
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
	now timestamptz := timestamptz '2030-01-01' + d * interval '1 day';
BEGIN
	PERFORM a_day(d - 1);
	SELECT c.verdict, c.alarm INTO verdict, alarm FROM augur.check_monitors(now) c;
	SELECT r.fired, r.outcome, CASE WHEN NOT r.fired THEN split_part(r.reason, ':', 1) END INTO fired, outcome, reason
	FROM augur.check_retrain('shop', now) r;
	day := d;
	SELECT v.version INTO serving FROM augur.aliases a JOIN augur.versions v ON v.id = a.version_id
	JOIN augur.models m ON m.id = a.model_id WHERE m.name = 'shop' AND a.alias = 'production';
END
$$;
SELECT t.* FROM generate_series(29, 45) d, tick(d) t;
SELECT kind, count(*) FROM augur.events WHERE model = 'shop' AND kind ~ 'drift|retrain' GROUP BY kind ORDER BY kind;
UPDATE shop SET price = -1 WHERE day = 44;
SELECT fired, reason FROM augur.check_retrain('shop', '2030-03-01', by_hand => true);
SELECT augur.predict('shop', r) > 0.5 AS likely FROM (SELECT 1.5::float8 AS price, 0.9::float8 AS visits) r;
SET client_min_messages = error;
DROP SCHEMA "Mon ""itor" CASCADE;
DROP ROLE regress_mon_trainer;
DROP ROLE regress_mon_admin;
