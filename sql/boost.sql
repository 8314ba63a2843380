-- boost: gradient boosting through training, scoring and aggregates.
\set SHOW_CONTEXT never
SET augur.verbosity = 0;
SET search_path = public, augur;
CREATE TABLE homes AS
	SELECT g AS home_id, ('{North,East,South,West,Centre}'::text[])[g % 5 + 1] AS region, 'street ' || (g * 7 % 300) AS street,
		CASE WHEN g % 11 > 0 THEN 30 + (g * 37) % 101 END AS area, 1 + g % 5 AS rooms, (g * 13 % 17)::real AS noise
	FROM generate_series(1, 3000) g;
ALTER TABLE homes ADD price float8, ADD dear bool, ADD size text, ADD visits int;
UPDATE homes SET price = 1000 * coalesce(area, 150) * CASE region WHEN 'North' THEN 1 WHEN 'East' THEN 1.5 WHEN 'West' THEN 0.8 ELSE 2 END
	+ 5000 * rooms + 100 * noise;
UPDATE homes SET dear = price > 150000, size = CASE WHEN price < 90000 THEN 'small' WHEN price < 180000 THEN 'middle' ELSE 'large' END,
	visits = (price / 40000)::int + home_id % 2;

-- what it is
SELECT algorithm, classification, regression FROM augur.algorithms WHERE algorithm = 'gradient_boosting';
SELECT name, type, default_value, choices FROM augur.hyperparameters('gradient_boosting');

-- regression, two classes, three classes
SELECT version, task, algorithm, rows_used, rows_skipped, metric, value < 4000 AS close, promoted
FROM augur.train('price', 'homes', 'price', exclude => '{dear,size,visits}', algorithm => 'gradient_boosting');
SELECT task, metric, value > 0.995 AS good FROM augur.train('dear', 'homes', 'dear', exclude => '{price,size,visits}', algorithm => 'gradient_boosting');
SELECT task, metric, value < 0.1 AS good FROM augur.train('size', 'homes', 'size', exclude => '{price,dear,visits}', algorithm => 'gradient_boosting');
SELECT sqrt(avg((predict('price', h) - price) ^ 2)) < 3000 AS price, avg((classify('dear', h) = dear::text)::int) > 0.99 AS dear,
	avg((classify('size', h) = size)::int) > 0.97 AS size,
	bool_and(predict('dear', h) BETWEEN 0 AND 1) AS probability,
	max(abs((SELECT sum(v::float8) FROM jsonb_each_text(probabilities('size', h)) AS p (k, v)) - 1)) < 1e-12 AS sums_to_one
FROM homes h WHERE home_id % 7 = 0;
SELECT string_agg(feature, ' ' ORDER BY importance DESC) AS features, sum(importance) > 0.99 AS most FROM augur.importance('price') WHERE importance > 0.001;
SELECT info -> 'trees' AS trees, info -> 'interval' AS interval, info ? 'validation_loss' AS validated FROM augur.model_info('price') AS info;
-- no interval without validation rows; missing and unseen values
SELECT value IS NOT NULL AS value, lower, upper, missing, unseen
FROM (SELECT predict_full('price', v) AS p FROM (SELECT 'Moon' AS region, 'street 1' AS street, NULL::int AS area, 2 AS rooms, 3::real AS noise) v) s, LATERAL (SELECT (p).*) t;
SELECT metric, round(value::numeric, 2) >= 0.99 AS good FROM augur.evaluate('dear', 'homes') WHERE metric = 'auc';

-- early stopping keeps the best round and gives intervals
SELECT metric FROM augur.train('stopped', 'homes', 'price', exclude => '{dear,size,visits}', algorithm => 'gradient_boosting',
	params => '{"n_trees": 3000, "learning_rate": 0.3, "early_stopping_rounds": 5}');
SELECT (info ->> 'trees')::int < 3000 AS stopped, (info ->> 'rounds_run')::int - (info ->> 'trees')::int AS patience,
	(info ->> 'validation_loss')::float8 > 0 AS loss, info -> 'interval' AS interval FROM augur.model_info('stopped') AS info;
SELECT info ? 'validation_loss' AS recorded FROM augur.runs r JOIN augur.models m ON m.id = r.model_id WHERE m.name = 'stopped';
SELECT avg((price BETWEEN (p).lower AND (p).upper)::int) > 0.8 AS covered, bool_and((p).lower <= (p).value AND (p).value <= (p).upper) AS ordered
FROM (SELECT price, predict_full('stopped', h, 0.9) AS p FROM homes h) s;

-- losses
SELECT loss, bool_and(v >= 0) AS positive, avg((v > visits)::int) > 0.7 AS high
FROM (VALUES ('poisson', '{}'::jsonb), ('tweedie', '{"tweedie_power": 1.3}'), ('absolute_error', '{}'), ('quantile', '{"quantile": 0.9}'), ('huber', '{}')) AS l (loss, more),
	LATERAL (SELECT augur.gradient_boosting_agg(visits, f, '{"n_trees": 60, "task": "regression"}'::jsonb || more || jsonb_build_object('loss', loss)) AS m
		FROM (SELECT visits, region, area, rooms FROM homes) f) a,
	LATERAL (SELECT visits, predict(m, h) AS v FROM homes h WHERE home_id % 5 = 0) p
GROUP BY loss ORDER BY loss;

-- the aggregate: the same model as augur.train_query makes, for any order of rows
SELECT version FROM augur.train_query('same', 'SELECT price, region, area, rooms FROM homes', 'price', algorithm => 'gradient_boosting',
	params => '{"n_trees": 20, "sample_fraction": 0.8, "max_features": 2}', validation => '{"holdout": 0}');
CREATE TABLE made AS
	SELECT augur.gradient_boosting_agg(price, f, '{"n_trees": 20, "sample_fraction": 0.8, "max_features": 2}' ORDER BY random()) AS m
	FROM (SELECT price, region, area, rooms FROM homes) f;
SELECT count(*) FILTER (WHERE predict(m, h) IS DISTINCT FROM predict('same/1', h)) AS different FROM homes h, made;
SELECT region, count(*), sqrt(avg((predict(m, h) - price) ^ 2)) < 8000 AS close
FROM homes h JOIN (SELECT region, augur.gradient_boosting_agg(price, f) AS m FROM (SELECT region, price, area, rooms FROM homes) f GROUP BY region) g USING (region)
GROUP BY region ORDER BY region;
SELECT augur.gradient_boosting_agg(price, f) IS NULL AS nothing FROM (SELECT price, area FROM homes WHERE false) f;

-- what it refuses
SELECT augur.train('bad', 'homes', 'price', algorithm => 'gradient_boosting', params => '{"n_tree": 5}');
SELECT augur.train('bad', 'homes', 'price', algorithm => 'gradient_boosting', params => '{"quantile": 0.2}');
SELECT augur.train('bad', 'homes', 'price', algorithm => 'gradient_boosting', params => '{"loss": "log_loss"}');
SELECT augur.train('bad', 'homes', 'price', algorithm => 'gradient_boosting', params => '{"validation_fraction": 0.2}');
SELECT augur.train('bad', 'homes', 'dear', algorithm => 'gradient_boosting', params => '{"learning_rate": 0}');
SELECT augur.train_query('bad', 'SELECT area, rooms, price - 100000 AS y FROM homes', 'y', algorithm => 'gradient_boosting', params => '{"loss": "poisson"}');
