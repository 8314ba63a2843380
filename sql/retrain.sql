-- Retraining by rule, on a simulated clock: drift fires once, brakes hold, bad data and worse candidates do not pass.
\set VERBOSITY default
\set SHOW_CONTEXT never
SET augur.verbosity = 0;
-- y follows a, until the world moves and it follows b
CREATE TABLE world AS SELECT i AS id, (i * 7919 % 1009) / 1009.0 AS a, (i * 104729 % 997) / 997.0 AS b,
	(i * 7919 % 1009) / 1009.0 + 0.3 * (i * 31 % 1013) / 1013.0 > 0.65 AS y, true AS fresh FROM generate_series(1, 2000) i;
SELECT promoted FROM augur.train('churn', 'world', 'y', features => '{a,b}', key => 'id', params => '{"n_trees": 30, "max_depth": 6}');
SELECT augur.expect('world', 'in_range', 'a', '{"min": 0, "max": 1}') > 0 AS added, augur.expect('world', 'not_null', 'b') > 0 AS added;

SELECT augur.check_retrain('churn');
SELECT augur.set_retrain_policy('churn', every => '30 days', new_rows => 5000, on_events => '{drift_found}', cooldown => '2 days', suite => 'world',
	gate => '{"min_gain": 0, "floor": 0.6}', stop_after => 2);
CREATE FUNCTION look(days float8, by_hand boolean DEFAULT false) RETURNS TABLE (fired boolean, trigger text, outcome text, version int, reason text)
LANGUAGE sql AS $$
	SELECT d.fired, d.trigger, d.outcome, d.version,
		regexp_replace(regexp_replace(d.reason, '-?[0-9]+\.[0-9]+', 'x', 'g'), 'was at .*', 'was at some time')
	FROM augur.check_retrain('churn', now() + days * interval '1 day', by_hand) d $$;
-- nothing happened yet
SELECT * FROM look(3);
-- the world moves; a monitor says so; a candidate is trained, passes and goes into production
INSERT INTO world SELECT i, (i * 7919 % 1009) / 1009.0, (i * 104729 % 997) / 997.0, (i * 104729 % 997) / 997.0 + 0.3 * (i * 31 % 1013) / 1013.0 > 0.65
FROM generate_series(2001, 6000) i;
SELECT augur.emit('drift_found', 'warning', model => 'churn') > 0 AS emitted;
SELECT * FROM look(4);
SELECT version FROM augur.serving_now WHERE model = 'churn';
-- once
SELECT * FROM look(4.1);
-- a second drift within the cooldown
SELECT augur.emit('drift_found', 'warning', model => 'churn') > 0 AS emitted;
SELECT * FROM look(5);
-- broken data alarms and is not trained on
UPDATE world SET a = 7 WHERE id = 17;
SELECT * FROM look(7);
SELECT kind, severity FROM augur.events WHERE kind ~ 'validation' ORDER BY id;
UPDATE world SET a = (17 * 7919 % 1009) / 1009.0 WHERE id = 17;
-- no more to learn: the candidate is rejected, production stays
SELECT * FROM look(8);
SELECT version FROM augur.serving_now WHERE model = 'churn';
SELECT status FROM augur.versions v JOIN augur.models m ON m.id = v.model_id WHERE m.name = 'churn' ORDER BY v.version DESC LIMIT 1;
-- a second one in a row stops it, and tells
SELECT augur.emit('drift_found', 'warning', model => 'churn') > 0 AS emitted;
SELECT * FROM look(11);
SELECT augur.emit('drift_found', 'warning', model => 'churn') > 0 AS emitted;
SELECT * FROM look(14);
SELECT kind, severity, subject FROM augur.events WHERE kind ~ 'retrain' ORDER BY id;
-- by hand it still goes; setting the policy again lets it go on
SELECT * FROM look(15, true);
SELECT augur.set_retrain_policy('churn', every => '10 days', most_per_day => 1, cooldown => '0', gate => '{"floor": 0.5}');
SELECT * FROM look(16);
SELECT * FROM look(26);
SELECT * FROM look(26.5);
SELECT augur.set_retrain_policy('churn', new_rows => 3000, min_new_rows => 10, cooldown => '0');
SELECT * FROM look(40);
INSERT INTO world SELECT i, (i * 7919 % 1009) / 1009.0, (i * 104729 % 997) / 997.0, NULL FROM generate_series(6001, 12000) i;
SELECT * FROM look(41);
UPDATE world SET y = b > 0.5 WHERE id BETWEEN 6001 AND 9500;
SELECT fired, trigger, outcome = 'failed' AS failed FROM look(42);
SELECT augur.set_retrain_policy('churn', new_rows => 1, frozen => true, cooldown => '0');
INSERT INTO world SELECT i, 0.5, 0.5, true FROM generate_series(12001, 12100) i;
SELECT * FROM look(43);
-- every look is kept
SELECT count(*), count(*) FILTER (WHERE fired) AS fired FROM augur.retrain_decisions WHERE model = 'churn';
SELECT facts - 'last_training' - 'validation_run' AS facts FROM augur.retrain_decisions ORDER BY id DESC LIMIT 2;
DELETE FROM augur.retrain_decisions;

-- a training that fails is a decision too
SELECT augur.set_retrain_policy('churn', new_rows => 1, cooldown => '0');
ALTER TABLE world RENAME b TO gone;
SELECT * FROM look(44);
ALTER TABLE world RENAME gone TO b;
-- a forecaster is refreshed
CREATE TABLE days AS SELECT date '2024-01-01' + i AS day, 10 + i % 7 + i * 0.1 AS v FROM generate_series(1, 60) i;
SELECT (augur.train_forecast('fc', 'days', 'day', 'v', method => 'ets', promote => 'always')).version;
SELECT augur.set_retrain_policy('fc', every => '7 days', cooldown => '1 day', gate => '{"floor": 1}');
SELECT augur.set_retrain_policy('fc', every => '7 days', cooldown => '1 day');
INSERT INTO days SELECT date '2024-01-01' + i, 10 + i % 7 + i * 0.1 FROM generate_series(61, 70) i;
SELECT fired, trigger, version FROM augur.check_retrain('fc', now() + interval '8 days');

-- augur.tick finds a policy that is due, and a worker looks at it
SELECT (augur.train_forecast('due', 'days', 'day', 'v', method => 'ets', promote => 'always')).version;
SELECT augur.set_retrain_policy('due', every => '7 days', cooldown => '1 day');
SELECT augur._retrain_due(m.id, now()) AS due, augur._retrain_due(m.id, now() - interval '1 day') AS then FROM augur.models m WHERE m.name = 'due';
CALL augur.tick();
DO $$
BEGIN
	FOR i IN 1 .. 600 LOOP
		EXIT WHEN EXISTS (SELECT FROM augur.retrain_decisions d WHERE d.model = 'due');
		PERFORM pg_sleep(0.1);
	END LOOP;
END
$$;
SELECT fired, reason FROM augur.retrain_decisions WHERE model = 'due';
SELECT augur._retrain_due(m.id, now()) AS due FROM augur.models m WHERE m.name = 'due';
-- what nothing looks at is told by health
SELECT status, detail FROM augur.health() WHERE component = 'retraining';
BEGIN;
ALTER TABLE augur.retrain_decisions DISABLE TRIGGER USER;
UPDATE augur.retrain_policies p SET set_at = now() - interval '2 days' FROM augur.models m WHERE m.id = p.model_id AND m.name = 'due';
UPDATE augur.retrain_decisions SET at = now() - interval '25 hours' WHERE model = 'due';
SELECT status, detail, hint IS NOT NULL AS hint FROM augur.health() WHERE component = 'retraining';
ROLLBACK;
SELECT augur.drop_retrain_policy('due');
-- a look that fails is kept, so that the next one is ten minutes later; told once; the models after it have theirs
CREATE TABLE lost AS SELECT * FROM days;
SELECT (augur.train_forecast(n, r, 'day', 'v', method => 'ets', promote => 'always')).version FROM (VALUES ('due 1', 'lost'), ('due 2', 'days')) v (n, r);
SELECT augur.set_retrain_policy(n, new_rows => 1000, cooldown => '1 day') FROM unnest('{due 1,due 2}'::text[]) n;
DROP TABLE lost;
SELECT m.name FROM augur.retrain_policies p JOIN augur.models m ON m.id = p.model_id WHERE augur._retrain_due(m.id, now()) ORDER BY m.id;
CALL augur._upkeep();
SELECT model, fired, reason, facts ->> 'error' AS error FROM augur.retrain_decisions WHERE model IN ('due 1', 'due 2') ORDER BY id;
SELECT count(*) FROM augur.retrain_policies p WHERE augur._retrain_due(p.model_id, now());
SELECT augur._upkeep_retrain(0);
ALTER TABLE augur.retrain_decisions DISABLE TRIGGER retrain_decisions_fixed;
UPDATE augur.retrain_decisions SET as_of = as_of - interval '1 hour' WHERE model = 'due 1';
ALTER TABLE augur.retrain_decisions ENABLE TRIGGER retrain_decisions_fixed;
CALL augur._upkeep();
SELECT count(*) FROM augur.retrain_decisions WHERE model = 'due 1';
SELECT kind, severity, subject, payload ->> 'reason' AS reason FROM augur.events WHERE subject = 'due 1' AND kind ~ 'retrain';
SELECT status, detail, hint FROM augur.health() WHERE component = 'retraining';
SELECT augur.drop_retrain_policy(n) FROM unnest('{due 1,due 2}'::text[]) n;

-- a decision of that time would be the last one for ever
SELECT augur.check_retrain('fc', 'infinity', true);

-- refused
SELECT augur.set_retrain_policy('none');
SELECT augur.set_retrain_policy('churn', every => '-1 day');
SELECT augur.set_retrain_policy('churn', stop_after => 0);
SELECT augur.set_retrain_policy('churn', gate => '{"gain": 1}');
SELECT augur.set_retrain_policy('churn', gate => '{"min_gain": -0.1}');
SELECT augur.set_retrain_policy('churn', gate => '{"floor": "0.5"}');
SELECT augur.set_retrain_policy('churn', gate => '{"suite": "world"}');
SELECT (augur.train('all', 'world', 'y', features => '{a}', validation => '{"holdout": 0}', params => '{"n_trees": 2}', promote => 'always')).version;
SELECT augur.set_retrain_policy('all', every => '1 day');
SELECT augur.drop_model('all');
SELECT augur.set_retrain_policy('churn', suite => 'none');
SELECT augur.set_retrain_policy('churn', on_events => '{promoted}');
SELECT augur.drop_retrain_policy('churn');
SELECT augur.check_retrain('churn');
