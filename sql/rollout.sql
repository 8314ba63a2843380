-- Rollouts: a candidate takes over by steps, is taken back, waits; on a simulated clock.
\set VERBOSITY default
\set SHOW_CONTEXT never
SET augur.verbosity = 0;
SET timezone = 'UTC';
SET intervalstyle = 'postgres';
-- y follows a, and one row in ten is wrong; noise tells nothing
CREATE TABLE rows AS
SELECT i AS id, i % 10 AS a, i * 31 % 7 AS noise, (i % 10 > 4) <> (i * 7919 % 10 < 1) AS y, (i % 10) * 2.0 + i * 7919 % 3 AS z
FROM generate_series(1, 4000) i;
CREATE VIEW moves AS SELECT rollout, kind, state, step, weight, verdict, reason FROM augur.rollout_history ORDER BY event;
CREATE VIEW told AS SELECT kind, severity, subject, payload FROM augur.events WHERE kind ~ '^rollout' ORDER BY id;
CREATE VIEW looks AS SELECT state, step, weight, verdict, reason FROM augur.rollout_status;

-- ---- the first version needs no rollout
SELECT (augur.train('m', 'rows', 'y', features => '{noise}', params => '{"n_trees": 5}', promote => 'never')).version;
SELECT augur.route('m', '1');
SELECT augur.start_rollout('m');
SELECT * FROM moves;
SELECT augur.route('m', '1'), augur.route('m', NULL), augur.route('m@production', '1'), augur.route('m/1', '1'), augur.route(NULL, '1');
SELECT augur.start_rollout('m');

-- ---- a better one: 5, 25, 50, production
SELECT (augur.train('m', 'rows', 'y', features => '{a}', params => '{"n_trees": 10, "max_depth": 4}', promote => 'never')).version;
SELECT augur.start_rollout('m', guard => '{"max_error_share": 0.01, "max_null_share": 0, "metric": "log_loss", "max_loss": 0.01}', note => 'June') AS rollout;
SELECT candidate, champion, mode, state, step, steps, weight, min_samples, metric FROM augur.rollout_status;
SELECT * FROM told WHERE subject = 'm/2';
SELECT augur.start_rollout('m', 2);
SELECT augur.set_status('m', 2, 'archived');
SELECT augur.drop_version('m', 2);
-- plain predict stays with production; route and what logs take part
CREATE TABLE routed AS SELECT i AS id, 5 AS weight, augur.route('m', i::text) AS version FROM generate_series(1, 10000) i;
SELECT count(*) FILTER (WHERE augur.predict('m', r) = augur.predict('m/1', r)) AS production,
	   count(*) FILTER (WHERE augur.predict(augur.route('m', id::text), r)
						= CASE WHEN augur._bucket(id::text, 'm/2') < 500 THEN augur.predict('m/2', r) ELSE augur.predict('m/1', r) END) AS routed
FROM rows r;
SELECT p.version, p.value = augur.predict(augur.route('m', id::text), r) AS as_routed, count(*)
FROM rows r, augur.predict_logged('m', r, r.id::text) p WHERE id <= 100 GROUP BY 1, 2 ORDER BY 1;
SELECT s.version, s.version = substr(augur.route('m', s.entity), 3)::int AS as_routed, s.value = augur.predict('m/' || s.version, r) AS as_scored, count(*)
FROM augur.score('m', 'rows', 'id', filter => 'id > 100') s JOIN rows r ON r.id::text = s.entity GROUP BY 1, 2, 3 ORDER BY 1;
SELECT arm, version, count(*), count(error) AS errors, count(DISTINCT rollout_id) AS rollouts FROM augur.predictions GROUP BY 1, 2 ORDER BY 1;
-- an alias and a number are what they say
SELECT p.version, count(p.prediction_id) FROM rows r, augur.predict_logged('m@production', r, r.id::text) p WHERE id <= 200 GROUP BY 1;
SELECT version, count(*) FROM augur.score('m/1', 'rows', 'id', filter => 'id <= 200') GROUP BY 1;
SELECT arm, count(*) FROM augur.predictions GROUP BY 1 ORDER BY 1;
-- too early; then without labels; then with them
SELECT state, step, verdict, reason FROM augur.check_rollouts();
SELECT state, step, verdict, reason FROM augur.check_rollouts(now() + '1 day');
SELECT * FROM augur.record_actuals('m', 'rows', 'y', entity => 'id');
SELECT state, step, verdict, reason FROM augur.check_rollouts(now() + '1 hour');
SELECT state, step, weight, verdict, reason FROM augur.check_rollouts(now() + '1 day');
INSERT INTO routed SELECT i, 25, augur.route('m', i::text) FROM generate_series(1, 10000) i;
-- samples of the step before do not count
SELECT state, step, verdict, reason FROM augur.check_rollouts(now() + '2 days');
SELECT count(*) FROM augur.score('m', 'rows', 'id');
SELECT state, step, weight, verdict, reason FROM augur.check_rollouts(now() + '1 day 23:00');
SELECT state, step, weight, verdict, reason FROM augur.check_rollouts(now() + '2 days 00:01');
INSERT INTO routed SELECT i, 50, augur.route('m', i::text) FROM generate_series(1, 10000) i;
SELECT count(*) FROM augur.score('m', 'rows', 'id');
SELECT state, step, weight, verdict, reason FROM augur.check_rollouts(now() + '3 days 00:02', 'm');
INSERT INTO routed SELECT i, 100, augur.route('m', i::text) FROM generate_series(1, 10000) i;
SELECT version, previous_version, action, reason FROM augur.serving_now;
SELECT * FROM moves WHERE rollout = 2;
SELECT * FROM told WHERE subject = 'm/2';
SELECT state, step, weight, champion_samples, candidate_samples, round(champion_loss::numeric, 3) AS champion_loss, round(candidate_loss::numeric, 3) AS candidate_loss
FROM augur.rollout_status;
SELECT * FROM augur.check_rollouts();
-- sticky and monotone: whom the candidate has it keeps, and nobody comes or goes by another way
SELECT weight, count(*) FILTER (WHERE version = 'm/2') AS candidate,
	   -- four standard errors
	   abs(count(*) FILTER (WHERE version = 'm/2') - 100 * weight) <= 4 * sqrt(weight * (100 - weight)) AS as_asked
FROM routed GROUP BY 1 ORDER BY 1;
SELECT count(*) AS moved_back FROM routed a JOIN routed b ON a.id = b.id AND a.weight < b.weight AND a.version = 'm/2' AND b.version = 'm/1';
SELECT min(b), max(b), count(DISTINCT b) > 6000 AS many, abs(avg(b) - 4999.5) < 4 * 2886.75 / sqrt(10000) AS even
FROM (SELECT augur._bucket(i::text, 'salt') AS b FROM generate_series(1, 10000) i) s;
SELECT abs(corr(augur._bucket(i::text, 'one'), augur._bucket(i::text, 'two'))) < 0.04 AS unlike FROM generate_series(1, 10000) i;
-- the same on every machine and in every version
SELECT augur._bucket('42', 'm/2'), augur._bucket('', ''), augur._bucket(U&'\00FCn\00EFc\00F6d\00E9', 's');

-- ---- a worse one is taken back
SELECT (augur.train('m', 'rows', 'y', features => '{noise}', seed => 5, params => '{"n_trees": 5}', promote => 'never')).version;
SELECT augur.start_rollout('m/3', weights => '{10, 20.5}', step_for => '2 days', guard => '{"metric": "error", "max_loss": 0.05}', salt => 'x');
SELECT count(*) FROM augur.score('m', 'rows', 'id');
-- surely bad is bad enough before the time is over
SELECT state, step, weight, verdict, reason FROM augur.check_rollouts(now() + '1 minute');
SELECT version FROM augur.serving_now;
SELECT DISTINCT augur.route('m', i::text) FROM generate_series(1, 1000) i;
SELECT * FROM moves WHERE rollout = 3;
SELECT * FROM told WHERE subject = 'm/3';
-- failures are guarded against in any case
SELECT guard FROM augur.rollouts WHERE id = 3;

-- ---- too few: waits, pauses, goes on, is paused by hand, is aborted
SELECT augur.start_rollout('m', weights => '{1, 99.99}', patience => '2 days');
SELECT count(*) FROM augur.score('m', 'rows', 'id');
SELECT state, verdict, reason FROM augur.check_rollouts(now() + '1 day');
SELECT state, verdict, reason FROM augur.check_rollouts(now() + '2 days');
SELECT state, verdict, reason FROM augur.check_rollouts(now() + '3 days');
-- paused: the share stays, and time passes
SELECT count(*) BETWEEN 60 AND 140 AS share_stays FROM (SELECT augur.route('m', i::text) FROM generate_series(1, 10000) i) s (v) WHERE v = 'm/3';
SELECT count(*) FROM augur.score('m', 'rows', 'id');
SELECT count(*) FROM augur.score('m', 'rows', 'id');
SELECT state, verdict FROM augur.check_rollouts(now() + '9 days');
SELECT augur.pause_rollout('m');
SELECT augur.resume_rollout('m', 'enough by now');
SELECT augur.resume_rollout('m');
SELECT state, verdict, reason FROM augur.check_rollouts(now() + '9 days');
SELECT state, step, weight, verdict, reason FROM augur.check_rollouts(now() + '10 days 01:00');
SELECT augur.pause_rollout('m', 'holiday');
SELECT augur.abort_rollout('m', 'not needed');
SELECT augur.abort_rollout('m');
SELECT * FROM moves WHERE rollout = 4;
SELECT kind, severity, payload ->> 'reason' AS reason FROM told WHERE (payload ->> 'rollout')::int = 4;

-- ---- a candidate that fails: nobody notices, but the rollout
CREATE VIEW narrow AS SELECT id, a, y FROM rows;
SELECT augur.start_rollout('m', 3, weights => '{50}', min_samples => 30);
SELECT version, count(*), count(value) AS answers FROM augur.score('m', 'narrow', 'id', filter => 'id <= 200') GROUP BY 1;
SELECT p.version, count(*), count(p.prediction_id) AS logged, count(p.label) AS answers
FROM narrow r, augur.predict_logged('m', r, r.id::text) p WHERE id <= 100 GROUP BY 1;
SELECT arm, version, count(*) > 20 AS many, count(label) = count(*) AS answers, min(error) AS error
FROM augur.predictions WHERE rollout_id = 5 GROUP BY 1, 2 ORDER BY 1;
SELECT state, verdict, reason FROM augur.check_rollouts(now() + '1 second');
-- too few of a guard to be sure
SELECT augur.start_rollout('m', 3, weights => '{50}', min_samples => 30);
SELECT count(*) FROM augur.score('m', 'rows', 'id', filter => 'id <= 300');
SELECT count(*) FROM augur.score('m', 'narrow', 'id', filter => 'id <= 4');
SELECT state, verdict, regexp_replace(reason, '[0-9]+ of [0-9]+', 'n of m') AS reason FROM augur.check_rollouts(now() + '1 day');
SELECT augur.abort_rollout('m');
-- read-only: routed, not logged
SELECT augur.start_rollout('m', 3, weights => '{50}');
BEGIN READ ONLY;
SELECT version, count(*) BETWEEN 1800 AND 2200 AS half, count(prediction_id) FROM augur.score('m', 'rows', 'id') GROUP BY 1 ORDER BY 1;
SELECT p.version = substr(augur.route('m', id::text), 3)::int AS as_routed, p.prediction_id FROM rows r, augur.predict_logged('m', r, r.id::text) p WHERE id <= 2;
COMMIT;
-- no entity: a draw for each call, and production by route
SELECT count(*) FILTER (WHERE p.version = 3) BETWEEN 120 AND 280 AS half FROM rows r, augur.predict_logged('m', r) p WHERE id <= 400;
SELECT count(*) FILTER (WHERE version = 3) BETWEEN 120 AND 280 AS half FROM augur.score('m', 'rows', filter => 'id <= 400');
SELECT DISTINCT augur.route('m', NULL) FROM generate_series(1, 100);
SELECT augur.abort_rollout('m');

-- ---- drift between the answers
SELECT augur.start_rollout('m', 3, weights => '{50}', guard => '{"max_drift": 0.2}');
SELECT count(*) FROM augur.score('m', 'rows', 'id');
SELECT state, verdict, regexp_replace(reason, 'PSI of [0-9.]+', 'PSI of x') AS reason FROM augur.check_rollouts(now() + '1 day');

-- ---- shadow: both are asked, production answers, losses are compared in pairs
SELECT (augur.train('r', 'rows', 'z', features => '{noise}', params => '{"n_trees": 5}', promote => 'always')).version;
SELECT (augur.train('r', 'rows', 'z', features => '{a}', params => '{"n_trees": 10}', promote => 'never')).version;
SELECT augur.start_rollout('r', 2, mode => 'shadow', weights => '{25, 100}', guard => '{"metric": "squared_error", "max_loss": 0}');
SELECT DISTINCT augur.route('r', i::text) FROM generate_series(1, 1000) i;
SELECT p.version, p.value = augur.predict('r', r) AS champions, count(*) FROM rows r, augur.predict_logged('r', r, r.id::text, '2026-03-01') p
WHERE id <= 1000 GROUP BY 1, 2;
SELECT version, count(*) FROM augur.score('r', 'rows', 'id', filter => 'id > 1000') GROUP BY 1;
-- twice in a transaction, for nothing: pairs are those logged together
BEGIN;
SELECT count(augur.predict_logged('r', r)) FROM rows r WHERE id <= 3;
SELECT count(augur.predict_logged('r', r)) FROM rows r WHERE id <= 3;
COMMIT;
SELECT arm IS NULL AS plain, count(*) > 3000 AS many FROM augur.predictions WHERE reference = 'r' AND coalesce(arm, '') <> 'shadow' GROUP BY 1 ORDER BY 1;
SELECT arm, version, count(*) = (SELECT count(*) FROM augur.predictions WHERE arm = 'shadow') AS pairs FROM augur.predictions
WHERE reference = 'r' AND arm IS NOT NULL GROUP BY 1, 2 ORDER BY 1;
SELECT augur.record_actuals('r', 'rows', 'z', entity => 'id');
CREATE VIEW later AS SELECT id, timestamptz '2026-03-01' AS t, z FROM rows WHERE id <= 1000;
SELECT augur.record_actuals('r', 'later', 'z', entity => 'id', target_time => 't');
-- the same as computed from the rows
SELECT l.champion = l.candidate AS pairs, l.champion = count(*) AS all_known, round(l.champion_loss::numeric, 9) = round(avg((augur.predict('r/1', r) - z) ^ 2)::numeric, 9) AS champion,
	   round(l.candidate_loss::numeric, 9) = round(avg((augur.predict('r/2', r) - z) ^ 2)::numeric, 9) AS candidate,
	   round(l.error::numeric, 9) = round((stddev_samp((augur.predict('r/2', r) - z) ^ 2 - (augur.predict('r/1', r) - z) ^ 2) / sqrt(count(*)))::numeric, 9) AS error
FROM rows r, augur.rollouts o, augur._rollout_losses(o, 'squared_error') l
WHERE o.model = 'r' AND o.state = 'running' AND augur._bucket(r.id::text, o.salt) < 2500 GROUP BY l.champion, l.candidate, l.champion_loss, l.candidate_loss, l.error;
SELECT state, step, weight, verdict FROM augur.check_rollouts(now() + '1 day');
SELECT count(*) FROM augur.score('r', 'rows', 'id');
BEGIN READ ONLY;
SELECT version, count(*), count(prediction_id) FROM augur.score('r', 'rows', 'id') GROUP BY 1;
SELECT p.version FROM rows r, augur.predict_logged('r', r, 'x') p WHERE id = 1;
COMMIT;
SELECT state, step, weight, verdict FROM augur.check_rollouts(now() + '2 days');
SELECT version, previous_version FROM augur.serving_now WHERE model = 'r';
-- a shadow that fails is no trouble either
SELECT augur.start_rollout('r', 1, mode => 'shadow', min_samples => 20);
SELECT version, count(value) FROM augur.score('r', 'narrow', 'id', filter => 'id <= 50') GROUP BY 1;
SELECT state, weight, verdict, reason FROM augur.check_rollouts(now() + '1 second', 'r');

-- ---- several classes, of which the versions do not know the same
CREATE TABLE kinds AS SELECT i AS id, i % 6 AS a, (ARRAY['x', 'y', 'z'])[1 + i % 6 / 2] AS c FROM generate_series(1, 600) i;
SELECT (augur.train('k', 'kinds', 'c', params => '{"n_trees": 5}', features => '{a}', filter => 'c <> ''z''', promote => 'always')).version;
SELECT (augur.train('k', 'kinds', 'c', params => '{"n_trees": 5}', features => '{a}', promote => 'never')).version;
SELECT augur.start_rollout('k', 2, '{50}', min_samples => 50, guard => '{"metric": "log_loss", "max_loss": 0, "max_drift": 5}');
SELECT version, count(value) = count(*) AS has_value, count(DISTINCT label) AS labels FROM augur.score('k', 'kinds', 'id') GROUP BY 1 ORDER BY 1;
SELECT version, array_agg(DISTINCT (SELECT count(*) FROM jsonb_object_keys(probabilities))) AS classes FROM augur.predictions WHERE reference = 'k' GROUP BY 1 ORDER BY 1;
SELECT augur.record_actuals('k', 'kinds', 'c', entity => 'id');
SELECT state, verdict FROM augur.check_rollouts(now() + '1 day', 'k');

-- ---- production moves meanwhile
SELECT augur.start_rollout('m', 3);
SELECT augur.promote('m', 1, reason => 'by hand');
SELECT DISTINCT augur.route('m', i::text) FROM generate_series(1, 1000) i;
SELECT count(*), min(version), max(version) FROM augur.score('m', 'rows', 'id');
SELECT count(*) FROM augur.predictions WHERE rollout_id = 12;
SELECT state, reason FROM augur.check_rollouts();

-- ---- approval
SELECT augur.start_rollout('m', 2, approval => true, expires_after => '3 days', note => 'please');
SELECT DISTINCT augur.route('m', i::text) FROM generate_series(1, 1000) i;
SELECT state, due_at - requested_at BETWEEN interval '2 days' AND '3 days' AS due FROM augur.rollout_status WHERE model = 'm';
SELECT state, reason FROM augur.check_rollouts(now() + '1 day');
SELECT augur.pause_rollout('m');
SELECT augur.approve_rollout('m', 'looks good');
SELECT augur.approve_rollout('m');
SELECT decision, note, decided_by = current_user AS me FROM augur.approvals;
SELECT augur.abort_rollout('m');
SELECT augur.start_rollout('m', 2, approval => true);
SELECT augur.deny_rollout('m', 'not in June');
SELECT augur.start_rollout('m', 2, approval => true);
SELECT state, reason FROM augur.check_rollouts(now() + '8 days');
SELECT augur.start_rollout('m', 2, approval => true);
SELECT augur.promote('m', 3);
SELECT augur.approve_rollout('m');
SELECT state, reason FROM augur.check_rollouts();
SELECT kind, state, step, reason, decision_note FROM augur.rollout_history WHERE kind ~ '^(req|app|den|exp)' ORDER BY event;
SELECT kind, severity FROM told WHERE kind ~ '(requested|approved|denied|expired)' ORDER BY 1;

-- ---- the rules of the machine
SELECT augur.start_rollout('m', 2, approval => true);
UPDATE augur.rollouts SET state = 'approved' WHERE ended_at IS NULL;
UPDATE augur.rollouts SET state = 'running' WHERE ended_at IS NULL;
UPDATE augur.rollouts SET state = 'promoted', ended_at = now() WHERE ended_at IS NULL;
SELECT augur.approve_rollout('m');
UPDATE augur.rollouts SET state = 'pending_approval' WHERE ended_at IS NULL;
UPDATE augur.rollouts SET weight = 1 WHERE ended_at IS NULL;
UPDATE augur.rollouts SET step = 0 WHERE ended_at IS NULL;
UPDATE augur.rollouts SET candidate_id = 1 WHERE ended_at IS NULL;
UPDATE augur.rollouts SET guard = '{}' WHERE id = 1;
UPDATE augur.rollouts SET weight = 1 WHERE id = 1;
UPDATE augur.rollout_events SET reason = 'x';
DELETE FROM augur.rollout_events;
UPDATE augur.approvals SET decided_by = 'x';
TRUNCATE augur.rollouts CASCADE;
INSERT INTO augur.rollouts (model_id, model, candidate_id, candidate, mode, salt, weights, step_for, patience, min_samples, guard, approval, owner, state, timer_from, samples_since)
SELECT model_id, model, candidate_id, candidate, mode, salt, weights, step_for, patience, min_samples, guard, approval, owner, 'running', now(), now()
FROM augur.rollouts WHERE ended_at IS NULL;
-- one that cannot be judged does not keep the others from it
SELECT augur.start_rollout('k', 1);
BEGIN;
ALTER TABLE augur.rollouts DISABLE TRIGGER rollouts_guard;
UPDATE augur.rollouts SET guard = '{"max_error_share": "x", "metric": "error"}' WHERE model = 'm' AND ended_at IS NULL;
ALTER TABLE augur.rollouts ENABLE TRIGGER rollouts_guard;
SELECT count(*) FROM augur.score('m', 'rows', 'id');
SELECT model, state, reason FROM augur.check_rollouts(now() + '1 day');
ROLLBACK;
-- ---- rows of an entity are told by the entity: ten times the same rows tell no more
SELECT (augur.train('e', 'rows', 'z', features => '{noise}', params => '{"n_trees": 5}', promote => 'always')).version;
SELECT (augur.train('e', 'rows', 'z', features => '{a}', params => '{"n_trees": 10}', promote => 'never')).version;
CREATE VIEW ten AS SELECT r.* FROM rows r, generate_series(1, 10) WHERE id <= 300;
CREATE FUNCTION told_by(mode text, what text, OUT n bigint, OUT loss numeric, OUT error numeric, OUT freedom bigint) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM augur.start_rollout('e', 2, mode => mode, weights => '{40}', guard => '{"metric": "squared_error", "max_loss": 0}');
	PERFORM count(*) FROM augur.score('e', what::regclass, 'id', filter => 'id <= 300');
	PERFORM augur.record_actuals('e', 'rows', 'z', entity => 'id', filter => 'id <= 300');
	SELECT l.candidate, round(l.candidate_loss::numeric, 9), round(l.error::numeric, 9), l.freedom INTO n, loss, error, freedom
	FROM augur.rollouts o, augur._rollout_losses(o, 'squared_error') l WHERE o.model = 'e' AND o.state = 'running';
	RAISE EXCEPTION USING ERRCODE = 'ZZZZZ';
EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
	NULL;
END
$$;
SELECT m AS mode, b.n = 10 * a.n AS ten_times, b.loss = a.loss AS loss, b.error = a.error AS error, b.freedom = a.freedom AS freedom
FROM unnest('{canary,shadow}'::text[]) m, told_by(m, 'rows') a, told_by(m, 'ten') b;
-- for one row of each: two means, as everywhere
BEGIN;
SELECT augur.start_rollout('e', 2, weights => '{40}', guard => '{"metric": "squared_error", "max_loss": 0}') > 0 AS started;
SELECT count(*) FROM augur.score('e', 'rows', 'id');
SELECT augur.record_actuals('e', 'rows', 'z', entity => 'id');
SELECT round(l.error::numeric, 9) = round(sqrt(var_samp(x.squared_error) FILTER (WHERE p.arm = 'champion') / count(*) FILTER (WHERE p.arm = 'champion')
		+ var_samp(x.squared_error) FILTER (WHERE p.arm = 'candidate') / count(*) FILTER (WHERE p.arm = 'candidate'))::numeric, 9) AS error
FROM augur.rollouts o, augur._rollout_losses(o, 'squared_error') l, augur.losses('e') x JOIN augur.predictions p ON p.id = x.prediction_id
WHERE o.model = 'e' AND o.state = 'running' GROUP BY l.error;
ROLLBACK;
-- two entities with many rows each are two, and one is none
CREATE TABLE shops AS SELECT i % 2 AS shop, i % 10 AS a, i % 7 AS noise, i * 1.0 AS z FROM generate_series(1, 2000) i;
BEGIN;
SELECT augur.start_rollout('e', 2, mode => 'shadow', guard => '{"metric": "absolute_error", "max_loss": 1000}') > 0 AS started;
SELECT count(*) FROM augur.score('e', 'shops', 'shop', filter => 'shop = 1');
SELECT augur.record_actual('e', '1', NULL, 7) > 0 AS told;
SELECT state, verdict, reason FROM augur.check_rollouts(now() + '1 day', 'e');
ROLLBACK;

-- ---- looks after the end of a step are many, too: the first that has enough rows decides at 95 %, others must be surer
BEGIN;
-- worse by 1, give or take 8: by two and a half standard errors of 400 rows
CREATE TABLE worse AS SELECT i AS id, 5 AS a, 3 AS noise, 0.0 AS z FROM generate_series(1, 400) i;
SELECT augur.start_rollout('e', 2, mode => 'shadow', step_for => '1 day', guard => '{"metric": "absolute_error", "max_loss": 0}') AS o \gset
INSERT INTO augur.predictions (model_id, version_id, version, reference, entity, value, rollout_id, arm)
SELECT o.model_id, CASE arm WHEN 'shadow' THEN o.candidate_id ELSE o.champion_id END, CASE arm WHEN 'shadow' THEN 2 ELSE 1 END, 'e', i::text,
	CASE arm WHEN 'shadow' THEN 101 + CASE WHEN i % 2 = 0 THEN 8 ELSE -8 END ELSE 100 END, o.id, arm
FROM generate_series(1, 400) i, unnest('{champion,shadow}'::text[]) arm, augur.rollouts o WHERE o.id = :o;
SELECT augur.record_actuals('e', 'worse', 'z', entity => 'id');
SELECT round((l.candidate_loss - l.champion_loss)::numeric / l.error::numeric, 2) AS errors_worse FROM augur.rollouts o, augur._rollout_losses(o, 'absolute_error') l WHERE o.id = :o;
SAVEPOINT first;
SELECT state, verdict FROM augur.check_rollouts(now() + '1 hour', 'e');
SELECT state, verdict FROM augur.check_rollouts(now() + '1 day', 'e');
ROLLBACK TO first;
-- it could not tell before
UPDATE augur.rollouts SET verdict = 'inconclusive', looked_at = now() + '1 day',
	facts = '{"candidate": {"predictions": 400}, "champion_labelled": 400, "candidate_labelled": 400}' WHERE id = :o;
SELECT state, verdict FROM augur.check_rollouts(now() + '1 day 1 minute', 'e');
ROLLBACK TO first;
-- that had too few rows
UPDATE augur.rollouts SET verdict = 'inconclusive', looked_at = now() + '1 day',
	facts = '{"candidate": {"predictions": 400}, "champion_labelled": 40, "candidate_labelled": 40}' WHERE id = :o;
SELECT state, verdict FROM augur.check_rollouts(now() + '1 day 1 minute', 'e');
ROLLBACK;

-- ---- failures are counted by max_error_share, and are no losses beside
CREATE VIEW other AS SELECT id, noise, y FROM rows;
BEGIN;
SELECT augur.abort_rollout('m');
SELECT augur.start_rollout('m', 2, weights => '{50}', guard => '{"max_error_share": 0.2, "metric": "log_loss", "max_loss": 10}') > 0 AS started;
SELECT count(*) FROM augur.score('m', 'rows', 'id', filter => 'id > 100');
SELECT count(*) FROM augur.score('m', 'other', 'id', filter => 'id <= 100');
SELECT (augur.record_actuals('m', 'rows', 'y', entity => 'id')).recorded;
SELECT count(*) > 30 AS failed FROM augur.predictions WHERE rollout_id = (SELECT max(id) FROM augur.rollouts) AND error IS NOT NULL;
SELECT (l.candidate_loss < 1) AS no_failures FROM augur.rollouts o, augur._rollout_losses(o, 'log_loss') l WHERE o.model = 'm' AND o.state = 'running';
SELECT count(*) FROM augur.losses('m') l JOIN augur.predictions p ON p.id = l.prediction_id WHERE p.error IS NOT NULL;
ROLLBACK;

-- ---- time has no end, and a rollout would stay in it
SELECT augur.check_rollouts('infinity');
SELECT augur.check_rollouts('-infinity', 'e');

-- all of it goes with the model, and stays in the history
SELECT augur.drop_model('m');
SELECT state, reason, candidate FROM augur.rollout_history WHERE model = 'm' LIMIT 1;
SELECT count(*) FROM augur.rollouts WHERE model = 'm' AND ended_at IS NULL;

-- ---- refusals
SELECT augur.start_rollout('no');
SELECT augur.start_rollout(NULL);
SELECT augur.start_rollout('r@staging');
SELECT augur.start_rollout('r', 9);
SELECT augur.start_rollout('r/1', 2);
SELECT augur.start_rollout('r', mode => 'blue');
SELECT augur.start_rollout('r', 1, weights => '{}');
SELECT augur.start_rollout('r', 1, weights => '{50, 5}');
SELECT augur.start_rollout('r', 1, weights => '{5, 100}');
SELECT augur.start_rollout('r', 1, weights => '{0.001}');
SELECT augur.start_rollout('r', 1, weights => '{NaN}');
SELECT augur.start_rollout('r', 1, weights => '{{5,6}}');
SELECT augur.start_rollout('r', 1, weights => '{NULL}');
SELECT augur.start_rollout('r', 1, step_for => '-1 day');
SELECT augur.start_rollout('r', 1, step_for => '290000 years');
SELECT augur.start_rollout('r', 1, step_for => '5900000 years -2123999000 days');
SELECT augur.start_rollout('r', 1, patience => NULL);
SELECT augur.start_rollout('r', 1, min_samples => 1);
SELECT augur.start_rollout('r', 1, salt => '');
SELECT augur.start_rollout('r', 1, guard => NULL);
SELECT augur.start_rollout('r', 1, guard => '[]');
SELECT augur.start_rollout('r', 1, guard => '{"max_eror_share": 1}');
SELECT augur.start_rollout('r', 1, guard => '{"max_error_share": 2}');
SELECT augur.start_rollout('r', 1, guard => '{"max_error_share": "much"}');
SELECT augur.start_rollout('r', 1, guard => '{"metric": "log_loss", "max_loss": 1}');
SELECT augur.start_rollout('r', 1, guard => '{"metric": "squared_error"}');
SELECT augur.start_rollout('r', 1, guard => '{"max_loss": 0.1}');
SELECT augur.start_rollout('r', 1, guard => '{"max_drift": 1e300}');
SELECT augur.check_rollouts(model => 'no');
SELECT augur.route('no', 'x');
SELECT augur.route('', 'x');
SELECT augur.pause_rollout('r');
CREATE TABLE days AS SELECT date '2026-01-01' + i AS t, i AS y FROM generate_series(1, 20) i;
SELECT (augur.train_forecast('f', 'days', 't', 'y', method => 'drift', promote => 'always')).version;
SELECT augur.start_rollout('f');
SELECT augur.route('f', 'x');
-- names are never run
SELECT (augur.train('it''s "m" %s', 'kinds', 'a', params => '{"n_trees": 2}', features => '{id}', task => 'regression', promote => 'always')).version,
	   (augur.train('it''s "m" %s', 'kinds', 'a', params => '{"n_trees": 3}', features => '{id}', task => 'regression', promote => 'never')).version;
SELECT augur.start_rollout('it''s "m" %s', 2, '{50}', salt => ''');DROP TABLE kinds;--%s');
CREATE VIEW "odd ""%s" AS SELECT id AS "the ""key' %s", id FROM kinds;
SELECT version, count(*) BETWEEN 240 AND 360 AS half FROM augur.score('it''s "m" %s', '"odd ""%s"', 'the "key'' %s') GROUP BY 1 ORDER BY 1;
SELECT state, verdict, reason FROM augur.check_rollouts(now() + '1 day', 'it''s "m" %s');
