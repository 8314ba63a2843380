-- Gates: a new version goes into production only when it is surely better.
\set VERBOSITY default
\set SHOW_CONTEXT never
SET augur.verbosity = 0;
-- a signal in a, noise in b; y of two classes
CREATE TABLE rows AS
SELECT i AS id, (i * 7919 % 1009) / 1009.0 AS a, (i * 104729 % 997) / 997.0 AS b, (i * 31 % 1013) / 1013.0 AS noise,
	(i * 7919 % 1009) / 1009.0 + 0.8 * (i * 31 % 1013) / 1013.0 > 0.9 AS y, (i * 7919 % 1009) / 100.0 + (i * 31 % 1013) / 1013.0 AS v,
	(ARRAY['u', 'v', 'w'])[1 + (i * 7919 % 1009) / 337] AS c
FROM generate_series(1, 3000) i;
CREATE VIEW outcome AS SELECT v.version, v.status, r.info ->> 'promotion' AS promotion,
	(SELECT count(*) FROM augur.metrics t WHERE t.run_id = r.id AND t.split = 'gain') AS gains,
	(SELECT bool_and(lower <= value AND value <= upper) FROM augur.metrics t WHERE t.run_id = r.id AND t.split = 'gain') AS within
FROM augur.versions v JOIN augur.runs r ON r.id = v.run_id ORDER BY v.id DESC LIMIT 1;

-- the first version meets the floor alone
SELECT promoted FROM augur.train('g', 'rows', 'y', features => '{b}', exclude => '{}', key => 'id', params => '{"n_trees": 20, "max_depth": 3}', gate => '{"floor": 0.99}');
SELECT status, regexp_replace(promotion, '[0-9]\.[0-9]+ does', 'x does') AS promotion, gains FROM outcome;
SELECT promoted FROM augur.train('g', 'rows', 'y', features => '{a}', key => 'id', params => '{"n_trees": 20, "max_depth": 2}', gate => '{"floor": 0.7, "max_gap": 0.1}');
SELECT status FROM outcome;
-- another seed is no gain
SELECT promoted FROM augur.train('g', 'rows', 'y', features => '{a}', key => 'id', seed => 7, params => '{"n_trees": 20, "max_depth": 2}', gate => '{}');
SELECT promoted FROM augur.train('g', 'rows', 'y', features => '{a}', key => 'id', seed => 7, params => '{"n_trees": 20, "max_depth": 2}', gate => '{"min_gain": 0}');
SELECT status, left(promotion, 19) AS promotion, gains, within FROM outcome;
-- what explains the rest is
SELECT promoted FROM augur.train('g', 'rows', 'y', features => '{a,noise}', key => 'id', params => '{"n_trees": 50}', gate => '{"min_gain": 0.01, "floor": 0.8, "max_gap": 0.1}');
SELECT status, left(promotion, 3) AS promotion, gains, within FROM outcome;
-- but not by so much
SELECT promoted FROM augur.train('g', 'rows', 'y', features => '{a,noise,b}', key => 'id', params => '{"n_trees": 50}', gate => '{"min_gain": 0.5}');
SELECT status, left(promotion, 19) AS promotion FROM outcome;
SELECT kind, severity, subject FROM augur.events WHERE kind ~ 'rejected' ORDER BY id;
-- rejected ones cannot be promoted
SELECT augur.promote('g', 1);
SELECT version FROM augur.serving_now WHERE model = 'g';

-- regression, several classes, and the gap of boosting on training rows
SELECT promoted FROM augur.train('r', 'rows', 'v', features => '{b}', key => 'id', params => '{"n_trees": 20}', promote => 'always');
SELECT promoted FROM augur.train('r', 'rows', 'v', features => '{a,b}', key => 'id', params => '{"n_trees": 20}', gate => '{"min_gain": 0.5, "floor": 1, "max_gap": 0.3}');
SELECT status, gains, within FROM outcome;
SELECT promoted FROM augur.train('m', 'rows', 'c', features => '{b}', key => 'id', params => '{"n_trees": 20, "max_depth": 3}', promote => 'always');
SELECT promoted FROM augur.train('m', 'rows', 'c', features => '{a,b}', key => 'id', params => '{"n_trees": 20}', gate => '{"min_gain": 0.1, "max_gap": 0.05}');
SELECT status, gains, within FROM outcome;
SELECT promoted FROM augur.train('o', 'rows', 'y', features => '{b,noise}', key => 'id', algorithm => 'gradient_boosting', params => '{"n_trees": 200, "min_samples_leaf": 1, "max_leaf_nodes": 60}', gate => '{"max_gap": 0.05}');
SELECT status, regexp_replace(promotion, '0\.[0-9]+, ', 'x, ') AS promotion FROM outcome;
SELECT split, t.name FROM augur.metrics t JOIN augur.versions v ON v.run_id = t.run_id JOIN augur.models m ON m.id = v.model_id WHERE m.name = 'o' AND split = 'train';

-- a suite first
SELECT augur.expect('fit', 'in_range', 'a', '{"max": 0.5}') > 0 AS added;
SELECT augur.train('g', 'rows', 'y', features => '{a}', gate => '{"suite": "fit"}');
SELECT promoted FROM augur.train('g', 'rows', 'y', features => '{a}', filter => 'a <= 0.5', params => '{"n_trees": 5}', gate => '{"suite": "fit"}', promote => 'never');
SELECT config -> 'gate' AS gate FROM augur.runs ORDER BY id DESC LIMIT 1;

-- refused
SELECT augur.train('g', 'rows', 'y', gate => '{"suit": "fit"}');
SELECT augur.train('g', 'rows', 'y', gate => '{"suite": 3}');
SELECT augur.train('g', 'rows', 'y', gate => '{"suite": "none"}');
SELECT augur.train('g', 'rows', 'y', gate => '{"min_gain": -1}');
SELECT augur.train('g', 'rows', 'y', gate => '{"floor": "high"}');
SELECT augur.train('g', 'rows', 'y', gate => '[1]');
SELECT augur.train('g', 'rows', 'y', gate => '{"floor": 1}', promote => 'always');
SELECT augur.train('g', 'rows', 'y', gate => '{"floor": 1}', validation => '{"holdout": 0}');
SELECT augur.train_query('g', 'SELECT * FROM rows', 'y', gate => '{"suite": "fit"}');
