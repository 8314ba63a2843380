-- The prediction log, what came true, and what is made of both.
SET augur.verbosity = 0;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
-- one row in ten is wrong, four in ten after the 1,200th; z is 10 higher then
CREATE TABLE past AS
SELECT i AS id, i % 5 AS a, (ARRAY['u', 'v'])[1 + i % 2] AS b, (i % 5 > 2) <> (i * 7919 % 10 < 1) AS y, i * 31 % 3 AS c,
	   (i % 5) * 1.5 + i * 7919 % 11 AS z
FROM generate_series(1, 400) i;
CREATE TABLE "Weird ""Rows" AS
SELECT i AS "The Key", timestamptz '2026-01-01' + i * interval '1 hour' AS "the ""time", i % 5 AS a,
	   (ARRAY['u', 'v'])[1 + i % 2] AS b, (i % 5 > 2) <> (i * 7919 % 10 < CASE WHEN i > 1200 THEN 4 ELSE 1 END) AS "Y",
	   (i % 5) * 1.5 + i * 7919 % 11 + CASE WHEN i > 1200 THEN 10 ELSE 0 END AS z
FROM generate_series(1, 2400) i;
SELECT (augur.train('pm', 'past', 'y', features => '{a,b}', params => '{"n_trees": 15, "min_samples_leaf": 30}', promote => 'always')).version,
	   (augur.train('pc', 'past', 'c', features => '{a,b}', task => 'classification', params => '{"n_trees": 5}', promote => 'always')).version,
	   (augur.train('pr', 'past', 'z', features => '{a,b}', params => '{"n_trees": 15}', promote => 'always')).version;

-- ---- logging
SELECT p.prediction_id, p.label, round(p.value::numeric, 2) AS value, round(p.probability::numeric, 2) AS probability, p.version
FROM past r, augur.predict_logged('pm', r, r.id::text) p WHERE id <= 3 ORDER BY id;
SELECT p.prediction_id, p.value, p.version FROM (SELECT 3 AS a, 'u' AS b) r, augur.predict_logged('pc/1', r, 'x', '2026-02-03', true) p;
SELECT p.value IS NOT NULL AS value, p.label FROM past r, augur.predict_logged('pr@production', r) p WHERE id = 1;
SELECT id, reference, version, entity, target_time, label, probabilities IS NULL AS plain, features, at = now() AS now,
	   made_by = current_user AS mine
FROM augur.predictions ORDER BY id;
SELECT (SELECT round(sum(value::numeric), 6) FROM jsonb_each_text(probabilities)) AS sum, jsonb_object_keys(probabilities) AS class
FROM augur.predictions WHERE id IN (1, 4) ORDER BY id, 2;
-- a value logged is the value scored
SELECT bool_and(p.value = augur.predict('pm', r)) FROM past r JOIN augur.predictions p ON p.entity = r.id::text;
SELECT count(*), count(DISTINCT prediction_id), min(version) FROM augur.score('pm', '"Weird ""Rows"', 'The Key', 'the "time');
SELECT count(*) FROM augur.score('pr', '"Weird ""Rows"', key => 'The Key', target_time => 'the "time', filter => 'true -- all');
SELECT entity, target_time, label IS NULL AS no_label FROM augur.score('pr', '"Weird ""Rows"', filter => '"The Key" = 7');
SELECT sum(n) FROM (SELECT count(*) AS n FROM augur.predictions GROUP BY tableoid) s;

-- read-only: scored, not logged, told once
BEGIN READ ONLY;
SELECT p.prediction_id, p.label FROM past r, augur.predict_logged('pm', r) p WHERE id <= 2 ORDER BY id;
SELECT prediction_id, version FROM augur.score('pm', 'past', filter => 'id <= 2');
COMMIT;

-- refusals
SELECT augur.predict_logged('nothing', r) FROM past r LIMIT 1;
SELECT augur.predict_logged('pm', r) FROM (SELECT 1 AS a) r;
SELECT augur.score('pm', NULL);
SELECT augur.score('pm', 'past', key => 'no');
SELECT augur.score('pm', 'past', target_time => 'a');
SELECT augur.score('pm/9', 'past');
UPDATE augur.predictions SET value = 1;

-- ---- what came true
SELECT augur.record_actual('pm', '1', NULL, 'true'), augur.record_actual('pm', '2', NULL, false),
	   augur.record_actual('pm', '2', NULL, true), augur.record_actual(4, 1), augur.record_actual(5, '2.5');
SELECT prediction_id, entity, actual, actual_label, error, round(log_loss::numeric, 2) AS log_loss
FROM augur.losses('pm') WHERE target_time IS NULL ORDER BY prediction_id;
SELECT prediction_id, entity, target_time, actual_label, error FROM augur.losses('pc') ORDER BY 1;
SELECT prediction_id, actual, round((squared_error - absolute_error ^ 2)::numeric, 9) AS zero FROM augur.losses('pr') WHERE actual IS NOT NULL;
-- a class that the model does not know is wrong, and its loss finite
SELECT augur.record_actual(4, 'new') AS id \gset
SELECT actual_label, error, round(log_loss::numeric, 3) AS log_loss FROM augur.losses('pc/1');
SELECT * FROM augur.record_actuals('pm', '"Weird ""Rows"', 'Y', entity => 'The Key', target_time => 'the "time', filter => '"The Key" <= 2000');
SELECT * FROM augur.record_actuals('pr', '"Weird ""Rows"', 'z', entity => 'The Key', target_time => 'the "time', filter => '"The Key" <= 2000');
CREATE TABLE answers AS SELECT * FROM (VALUES (1::bigint, 'false'), (2, NULL), (NULL, 'true'), (1000000, 'true')) v (prediction, y);
SELECT * FROM augur.record_actuals('pm', 'answers', 'y', prediction => 'prediction');
SELECT actual_label FROM augur.losses('pm') WHERE prediction_id = 1;
SELECT augur.record_actual('pm', NULL, NULL, 'true');
SELECT augur.record_actual('pm', '1', NULL, NULL::text);
SELECT augur.record_actual('pr', '1', NULL, 'many');
-- booleans in any spelling, and nothing else; classes that nobody knows are told
SELECT augur.record_actual('pm', '1', NULL, 'maybe');
BEGIN;
CREATE TABLE spelt AS SELECT * FROM (VALUES ('1', 0, 'no', 'w'), ('2', 1, 'T', 'v'), ('3', NULL, NULL, 'w')) v (id, i, t, b);
SELECT * FROM augur.record_actuals('pm', 'spelt', 'i', entity => 'id');
SELECT entity, actual_label, error = (label <> actual_label)::int AS right FROM augur.losses('pm')
WHERE target_time IS NULL AND entity IN ('1', '2') ORDER BY 1;
SELECT * FROM augur.record_actuals('pm', 'spelt', 't', entity => 'id');
SELECT augur.record_actual('pm', '1', NULL, ' On ') > 0 AS recorded, augur.record_actual('pm', '2', NULL, 0) > 0 AS recorded;
SELECT entity, actual_label FROM augur.losses('pm') WHERE target_time IS NULL AND entity IN ('1', '2') ORDER BY 1;
SELECT * FROM augur.record_actuals('pc', 'spelt', 'b', entity => 'id');
SELECT * FROM augur.record_actuals('pm', 'spelt', 'b', entity => 'id');
ROLLBACK;
SELECT augur.record_actual('pr', '1', NULL, 'NaN'::float8);
SELECT augur.record_actual(99999999, 1);
SELECT augur.record_actuals('pr', 'past', 'z');
SELECT augur.record_actuals('pr', 'past', 'b', entity => 'id');
SELECT augur.record_actuals('pr', 'past', 'z', prediction => 'id', target_time => 'a');
UPDATE augur.actuals SET value = 1;
TRUNCATE augur.actuals;

-- ---- performance
SELECT version, window_start, metric, round(value::numeric, 3) AS value, round(lower::numeric, 3) AS lower,
	   round(upper::numeric, 3) AS upper, n, round(baseline::numeric, 3) AS baseline, verdict, predictions,
	   round(coverage::numeric, 3) AS coverage, delay > interval '0' AS delay
FROM augur.performance('pm', '20 days', until => '2026-06-01');
SELECT window_start, metric, round(value::numeric, 3) AS value, round(lower::numeric, 3) AS lower,
	   round(upper::numeric, 3) AS upper, n, round(baseline::numeric, 3) AS baseline, verdict
FROM augur.performance('pr/1', '30 days', since => '2026-01-01', until => '2026-06-01', min_rows => 600);
SELECT DISTINCT metric, verdict FROM augur.performance('pc', '20 days');
-- the same numbers as those of augur.evaluate on the same rows
CREATE VIEW known AS SELECT "The Key", a, b, "Y" AS y FROM "Weird ""Rows" WHERE "The Key" BETWEEN 600 AND 1500;
SELECT p.metric, round(p.value::numeric, 9) = round(e.value::numeric, 9) AS same,
	   round(p.lower::numeric, 6) = round(e.lower::numeric, 6) AS lower, round(p.upper::numeric, 6) = round(e.upper::numeric, 6) AS upper
FROM augur.performance('pm', '3000 days', since => '2026-01-26 00:00+00', until => '2026-03-04 12:30+00') p
JOIN augur.evaluate('pm', 'known') e ON e.metric = p.metric AND e.class IS NULL ORDER BY 1;
CREATE VIEW known_z AS SELECT a, b, z FROM "Weird ""Rows" WHERE "The Key" BETWEEN 600 AND 1500;
SELECT p.metric, round(p.value::numeric, 9) = round(e.value::numeric, 9) AS same,
	   round(p.lower::numeric, 6) = round(e.lower::numeric, 6) AS lower, round(p.upper::numeric, 6) = round(e.upper::numeric, 6) AS upper
FROM augur.performance('pr', '3000 days', since => '2026-01-26 00:00+00', until => '2026-03-04 12:30+00') p
JOIN augur.evaluate('pr', 'known_z') e ON e.metric = p.metric AND e.class IS NULL ORDER BY 1;
SELECT augur.store_performance('pm', '20 days', until => '2026-06-01'), augur.store_performance('pm', '20 days', until => '2026-06-01');
SELECT count(*), count(DISTINCT window_start), min(verdict), max(verdict) FROM augur.performance_windows;
SELECT augur.performance('pm', '1 month');
SELECT augur.performance('pm', '-1 day');
SELECT augur.performance('no');

-- where there is no interval there is no error either, whatever the planner computes beforehand
SELECT n, share, round(w.lower::numeric, 3) AS lower, round(w.upper::numeric, 3) AS upper
FROM (VALUES (1, NULL::float8, 0), (2, 0.5, 0), (3, 0.5, NULL), (4, 0.5, 10), (5, 1, 10)) v (i, share, n), augur._wilson(share, n) w ORDER BY i;
SELECT auc, error, round(w.lower::numeric, 3) AS lower, round(w.upper::numeric, 3) AS upper
FROM (VALUES (1, NULL::float8, 0.1::float8), (2, 0, 0.1), (3, 1, 0.1), (4, 0.8, NULL), (5, 0.8, 0), (6, 0.8, 0.1)) v (i, auc, error),
	augur._auc_interval(auc, error) w ORDER BY i;
SELECT augur._wilson(NULL, 0), augur._wilson(0.5, 0), augur._auc_interval(1, 0.1), augur._auc_interval(0, 0);
-- the scale of logits has no end
SELECT auc < 1 AS below_1, round(w.lower::numeric, 3) AS lower, round(w.upper::numeric, 3) AS upper
FROM (VALUES (1 - 2e-16::float8)) v (auc), augur._auc_interval(auc, 1e-10) w;

-- ---- estimates: as good as what was measured while nothing has changed, blind after
SELECT metric, round(estimate::numeric, 2) AS estimate, n, calibration_rows, calibrated, note
FROM augur.estimated_performance('pm', 'past');
SELECT metric, round(estimate::numeric, 2) AS estimate, lower < estimate AND estimate < upper AS between, n,
	   round(calibration_error::numeric, 2) AS calibration_error, calibration_rows, calibrated
FROM augur.estimated_performance('pm', since => '2026-02-20 00:00+00', until => '2026-06-01');
SELECT metric, round(value::numeric, 2) AS measured FROM augur.performance('pm', '3000 days', since => '2026-02-20 00:00+00', until => '2026-06-01');
SELECT metric, n, calibration_rows, calibrated FROM augur.estimated_performance('pm', 'past', 'id <= 100', calibrate => false);
SELECT metric FROM augur.estimated_performance('pc');
SELECT augur.estimated_performance('pr');
SELECT augur.estimated_performance('pm', filter => 'true');
SELECT augur.estimated_performance('pm', 'past', since => now());

-- ---- concept drift
SELECT version, detector, loss, read, total, late, detected, changed_at, direction, warning, round(mean::numeric, 2) AS mean,
	   round(baseline::numeric, 2) AS baseline
FROM augur.check_concept('pm');
SELECT read, total, detected FROM augur.check_concept('pm');
SELECT loss, read, detected, changed_at, direction, round(mean::numeric, 1) AS mean, round(baseline::numeric, 1) AS baseline
FROM augur.check_concept('pr');
SELECT detector, loss, detected, changed_at, round(mean::numeric, 1) AS mean
FROM augur.check_concept('pr', 'page_hinkley', 'squared_error', '{"mode": "up"}');
SELECT detector, loss, detected FROM augur.check_concept('pm', 'ddm');
SELECT detector, loss, options, (augur.detector_info(state)).n FROM augur.detector_states ORDER BY 1, 2;
SELECT detector, loss, position, event_time, round(mean_before::numeric, 2) AS before, round(mean_after::numeric, 2) AS after
FROM augur.detector_changes ORDER BY id;
SELECT kind, severity, subject, payload ->> 'direction' AS direction FROM augur.events WHERE kind = 'concept_drift' ORDER BY id;
UPDATE augur.detector_changes SET position = 1;
-- options are those of the first call
SELECT augur.check_concept('pr', 'page_hinkley', 'squared_error', '{"mode": "down"}');
SELECT read FROM augur.check_concept('pr', 'page_hinkley', 'squared_error');
SELECT augur.reset_detector('pr', 'page_hinkley', 'squared_error'), augur.reset_detector('pr', 'page_hinkley', 'squared_error');
SELECT read FROM augur.check_concept('pr', 'page_hinkley', 'squared_error', '{"mode": "down"}');
SELECT augur.check_concept('pm', 'adwim');
SELECT augur.check_concept('pm', NULL);
SELECT augur.check_concept('pm', loss => 'absolute_error');
SELECT augur.check_concept('pr', 'ddm');
SELECT augur.check_concept('pm', 'ddm', 'log_loss');
SELECT augur.check_concept('pm', lateness => '-1 day');
SELECT augur.check_concept('pm', 'kswin', options => '{"windows": 3}');

-- Once an hour or once a day: predictions made a while ago, labels that come in any order and
-- some too late.  A lateness of two days, and the same model in two versions of the same answers.
SELECT (augur.train('ps', 'past', 'y', features => '{a,b}', params => '{"n_trees": 15}', promote => 'always')).version,
	   (augur.train('ps', 'past', 'y', features => '{a,b}', params => '{"n_trees": 15}', promote => 'never')).version;
INSERT INTO augur.predictions (at, model_id, version_id, version, reference, entity, target_time, value, label, probabilities)
SELECT timestamptz '2025-01-01 00:00+00' + i * interval '10 minutes', v.model_id, v.id, v.version, 'ps', i::text,
	   CASE WHEN i % 3 > 0 THEN timestamptz '2025-01-01 00:00+00' + (i + i * 37 % 50) * interval '10 minutes' END, 1, 'true',
	   '{"false": 0, "true": 1}'
FROM augur.versions v JOIN augur.models m ON m.id = v.model_id, generate_series(1, 3000) i WHERE m.name = 'ps';
INSERT INTO augur.actuals (model_id, entity, target_time, label, recorded_at)
SELECT m.id, p.entity, p.target_time, CASE WHEN p.entity::int * 7919 % 10 < CASE WHEN p.entity::int > 1700 THEN 4 ELSE 1 END THEN 'false' ELSE 'true' END,
	   greatest(p.target_time, p.at) + (p.entity::int * 101 % 50) * interval '1 hour'
FROM augur.models m JOIN augur.predictions p ON p.model_id = m.id WHERE m.name = 'ps' AND p.version = 1 AND p.entity::int % 20 > 0;
-- a correction in time, and one that is late
INSERT INTO augur.actuals (model_id, entity, target_time, label, recorded_at)
SELECT m.id, p.entity, p.target_time, 'false', greatest(p.target_time, p.at) + interval '47 hours'
FROM augur.models m JOIN augur.predictions p ON p.model_id = m.id WHERE m.name = 'ps' AND p.version = 1 AND p.entity = '61';
SELECT count(r.read) AS calls, sum(r.read) AS read, max(r.late) AS late, count(*) FILTER (WHERE r.detected) AS found, sum(r.predictions) AS predictions
FROM (SELECT t FROM generate_series(timestamptz '2025-01-01 00:00+00', '2025-02-01', '1 hour') t ORDER BY t) h,
	LATERAL augur.check_concept('ps/1', lateness => '2 days', as_of => t) r;
SELECT count(r.read) AS calls, sum(r.read) AS read, max(r.late) AS late, count(*) FILTER (WHERE r.detected) AS found, sum(r.predictions) AS predictions
FROM (SELECT t FROM generate_series(timestamptz '2025-01-02 00:00+00', '2025-02-01', '1 day') t ORDER BY t) d,
	LATERAL augur.check_concept('ps/2', lateness => '2 days', as_of => t) r;
SELECT count(*), count(DISTINCT state::text) AS states, count(DISTINCT late) AS late FROM augur.detector_states s
WHERE s.version_id IN (SELECT v.id FROM augur.versions v JOIN augur.models m ON m.id = v.model_id WHERE m.name = 'ps');
SELECT DISTINCT position, event_time FROM augur.detector_changes c
WHERE c.version_id IN (SELECT v.id FROM augur.versions v JOIN augur.models m ON m.id = v.model_id WHERE m.name = 'ps') ORDER BY 1;
SELECT augur.check_concept('ps/1', as_of => '2025-01-31 12:00+00');
-- without lateness, what comes for earlier times afterwards is late
SELECT read, total, late FROM augur.check_concept('ps/1', 'page_hinkley', as_of => '2025-01-10 00:00+00');
SELECT read > 0 AS read, late > 0 AS late FROM augur.check_concept('ps/1', 'page_hinkley', as_of => '2025-02-10 00:00+00');

-- ---- what no sum can hold keeps nobody from the other rows
SELECT m.id AS m, v.id AS v FROM augur.models m JOIN augur.versions v ON v.model_id = m.id WHERE m.name = 'pr' \gset
BEGIN;
SELECT prediction_id AS p FROM augur.score('pr', 'past', 'id', filter => 'id = 1') \gset
SELECT augur.record_actual(:p, 1e200) > 0 AS recorded;
INSERT INTO augur.predictions (model_id, version_id, version, reference, entity, value) VALUES (:m, :v, 1, 'pr', 'inf', 'Infinity'), (:m, :v, 1, 'pr', 'nan', 'NaN');
SELECT augur.record_actual('pr', 'inf', NULL, 1) > 0, augur.record_actual('pr', 'nan', NULL, -1e300) > 0;
SELECT absolute_error, squared_error FROM augur.losses('pr') WHERE absolute_error > 1e6 ORDER BY prediction_id;
SELECT metric, value > 1e60 AS high, lower >= 0 AS lower, upper > value AS upper, verdict FROM augur.performance('pr', '3000 days', now() - interval '1 day', min_rows => 3) ORDER BY 1;
SELECT read > 0 AS read, mean > 1e60 AS high FROM augur.check_concept('pr', 'page_hinkley', 'absolute_error');
ROLLBACK;
BEGIN;
SELECT m.id AS m, v.id AS v FROM augur.models m JOIN augur.versions v ON v.model_id = m.id WHERE m.name = 'pm' \gset
INSERT INTO augur.predictions (model_id, version_id, version, reference, entity, value, label, probabilities)
VALUES (:m, :v, 1, 'pm', 'odd 1', 0.5, 'true', '{"true": "abc"}'), (:m, :v, 1, 'pm', 'odd 2', 0.5, 'true', '{"true": 1e400}'), (:m, :v, 1, 'pm', 'odd 3', 0.5, 'true', '{"true": -1}');
SELECT augur.record_actual('pm', 'odd ' || i, NULL, true) > 0 AS recorded FROM generate_series(1, 3) i;
SELECT entity, error, round(log_loss::numeric, 3) AS log_loss FROM augur.losses('pm') WHERE entity ~ 'odd' ORDER BY 1;
SELECT count(*) FROM augur.estimated_performance('pm', since => now() - interval '1 second', calibrate => false);
ROLLBACK;
SELECT augur.check_concept('pm', as_of => 'infinity');

-- ---- an AUC of one positive row tells nearly nothing, and one of 0 or 1 not all
BEGIN;
SELECT m.id AS m, v.id AS v FROM augur.models m JOIN augur.versions v ON v.model_id = m.id WHERE m.name = 'pm' \gset
INSERT INTO augur.predictions (model_id, version_id, version, reference, entity, target_time, value, label, probabilities)
SELECT :m, :v, 1, 'pm', 'auc' || i, '2030-01-01'::timestamptz + w * interval '1 day', i / 100.0, 'false', '{}' FROM generate_series(1, 99) i, generate_series(0, 3) w;
INSERT INTO augur.actuals (model_id, entity, target_time, label)
SELECT :m, 'auc' || i, '2030-01-01'::timestamptz + w * interval '1 day', (CASE w WHEN 0 THEN i = 70 WHEN 1 THEN i > 79 WHEN 2 THEN i < 21 ELSE false END)::text FROM generate_series(1, 99) i, generate_series(0, 3) w;
SELECT window_start, round(value::numeric, 4) AS auc, round(lower::numeric, 4) AS lower, round(upper::numeric, 4) AS upper, verdict
FROM augur.performance('pm/1', since => '2030-01-01') WHERE metric = 'auc' ORDER BY 1;
ROLLBACK;

-- ---- windows are kept as a whole, whatever since and until cut off
SELECT augur.store_performance('pm', '20 days', until => '2026-06-01') AS windows;
CREATE TEMPORARY TABLE whole AS SELECT v.version, w.* FROM augur.performance_windows w JOIN augur.versions v ON v.id = w.version_id;
SELECT augur.store_performance('pm', '20 days', since => '2026-02-05 11:00+00', until => '2026-02-09 13:00+00') AS windows;
SELECT count(*), count(*) FILTER (WHERE w.n = o.n AND w.predictions = o.predictions AND round(w.value::numeric, 9) IS NOT DISTINCT FROM round(o.value::numeric, 9)) AS same
FROM whole o JOIN augur.performance_windows w USING (version_id, metric, window_start, window_end);
SELECT augur.store_performance('pm', '1 month', since => '2026-02-05 11:00+00');

-- ---- months are of UTC, whatever a zone is called: IST is Indian time here, and Israel's to who reads it
BEGIN;
SET LOCAL timezone = 'Asia/Kolkata';
SET LOCAL datestyle = 'SQL, DMY';
SELECT augur.partition_predictions() > 0 AS made;
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO, MDY';
SELECT pg_get_expr(c.relpartbound, c.oid) AS bounds FROM pg_class c WHERE c.oid = 'augur.predictions_2025_01'::regclass;
ROLLBACK;

-- ---- partitions and retention
SELECT augur.partition_predictions() BETWEEN 1 AND 3 AS made;
SELECT count(*) FROM augur.predictions_default;
SELECT augur.partition_predictions();
SELECT count(*) FROM augur.predictions_2025_01;
SELECT * FROM augur.drop_predictions('2025-01-15');
SELECT * FROM augur.drop_predictions('2025-02-15');
SELECT to_regclass('augur.predictions_2025_01');
-- metrics that were measured, and what was found, stay until their version goes
SELECT augur.drop_model('pm');
SELECT count(*) FROM augur.performance_windows;
SELECT count(*) FROM augur.actuals a WHERE NOT EXISTS (SELECT FROM augur.models m WHERE m.id = a.model_id);
SELECT augur.drop_model('ps');
-- nothing is left behind in the schema
DROP EXTENSION augur;
SELECT to_regnamespace('augur');
