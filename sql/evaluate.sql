-- augur.evaluate: all metrics of a model on the rows of a relation.
\set SHOW_CONTEXT never
SET augur.verbosity = 0;
SET search_path = public, augur;
CREATE TABLE parcels AS
SELECT i AS "Parcel Id", i % 13 AS weight, (i * 37 % 101)::float8 / 10 AS distance,
	('{air,road,sea}'::text[])[i * 7 % 3 + 1] AS "Way",
	(i % 13 + i * 37 % 7) > 8 AS late, i % 13 * 2.5 + i * 41 % 10 AS price,
	CASE WHEN i % 13 > 8 THEN 3 WHEN i % 13 > 4 THEN 2 ELSE 1 END AS band
FROM generate_series(1, 600) i;
SELECT model, task, metric, promoted FROM train('late', 'parcels', 'late', exclude => '{price,band}', params => '{"n_trees": 20}');
SELECT model, task, metric, promoted FROM train('price', 'parcels', 'price', exclude => '{late,band}', params => '{"n_trees": 20}');
SELECT model, task, metric, promoted FROM train('band', 'parcels', 'band', task => 'classification',
	features => '{distance,weight}', params => '{"n_trees": 20, "max_depth": 3}');

-- What comes back, in order.
SELECT ordinality, metric, class, value BETWEEN 0 AND 1 AS in_range, lower <= value AND value <= upper AS interval, n
FROM evaluate('late', 'parcels') WITH ORDINALITY ORDER BY ordinality;
SELECT ordinality, metric, class, value IS NOT NULL AS value, lower <= value AND value <= upper AS interval, n
FROM evaluate('price', 'parcels') WITH ORDINALITY ORDER BY ordinality;
SELECT ordinality, metric, class, value IS NOT NULL AS value, n
FROM evaluate('band', 'parcels') WITH ORDINALITY ORDER BY ordinality;

-- The same as the aggregates over predict and classify.
WITH direct AS (
	SELECT auc(late, predict('late', p)), pr_auc(late, predict('late', p)), log_loss(late, predict('late', p)),
		brier(late, predict('late', p)), accuracy(late, classify('late', p)), mcc(late, classify('late', p)),
		f1(late, classify('late', p)), augur.precision(late, classify('late', p)), recall(late, classify('late', p)),
		balanced_accuracy(late, classify('late', p)) FROM parcels p
), d AS (SELECT key, value::float8 FROM direct, jsonb_each_text(to_jsonb(direct)))
SELECT e.metric, abs(e.value - d.value) < 1e-12 AS same
FROM evaluate('late', 'parcels') e JOIN d ON d.key = e.metric WHERE e.class IS NULL ORDER BY e.metric COLLATE "C";
WITH direct AS (
	SELECT rmse(price, predict('price', p)), mae(price, predict('price', p)), mape(price, predict('price', p)),
		smape(price, predict('price', p)), r2(price, predict('price', p)) FROM parcels p
), d AS (SELECT key, value::float8 FROM direct, jsonb_each_text(to_jsonb(direct)))
SELECT e.metric, abs(e.value - d.value) < 1e-12 * greatest(1, abs(d.value)) AS same
FROM evaluate('price', 'parcels') e JOIN d ON d.key = e.metric ORDER BY e.metric COLLATE "C";
WITH direct AS (
	SELECT accuracy(band, classify('band', p)), mcc(band, classify('band', p)), f1(band, classify('band', p)),
		balanced_accuracy(band, classify('band', p)), augur.precision(band, classify('band', p)) FROM parcels p
), d AS (SELECT key, value::float8 FROM direct, jsonb_each_text(to_jsonb(direct)))
SELECT e.metric, abs(e.value - d.value) < 1e-12 AS same
FROM evaluate('band', 'parcels') e JOIN d ON d.key = e.metric WHERE e.class IS NULL ORDER BY e.metric COLLATE "C";
SELECT e.class, abs(e.value - (SELECT f1(band, classify('band', p), e.class) FROM parcels p)) < 1e-12 AS same_f1
FROM evaluate('band', 'parcels') e WHERE e.metric = 'f1' AND e.class IS NOT NULL ORDER BY e.class;

-- Versions, aliases, views, other targets and types of the same values.
SELECT promote('late', 1, 'staging');
SELECT count(*) FROM evaluate('late@staging', 'parcels') a JOIN evaluate('late/1', 'parcels') b
	ON (a.metric, a.value, coalesce(a.class, '')) = (b.metric, b.value, coalesce(b.class, ''));
CREATE VIEW june AS SELECT weight, distance, "Way", late::text AS outcome, band::numeric(4, 2) AS band_number,
	band::float4 AS band_real, band::text AS band_text, late FROM parcels WHERE weight > 3;
SELECT round(value::numeric, 6) = (SELECT round(accuracy(late, classify('late', j))::numeric, 6) FROM june j) AS same, n
FROM evaluate('late', 'june', 'outcome') WHERE metric = 'accuracy';
SELECT count(DISTINCT value) AS values, count(*) FROM (
	SELECT value FROM evaluate('band', 'june', 'band_number') WHERE metric = 'mcc' UNION ALL
	SELECT value FROM evaluate('band', 'june', 'band_real') WHERE metric = 'mcc' UNION ALL
	SELECT value FROM evaluate('band', 'june', 'band_text') WHERE metric = 'mcc') s;
CREATE TABLE parts (LIKE parcels) PARTITION BY LIST (weight);
CREATE TABLE parts_rest PARTITION OF parts DEFAULT;
INSERT INTO parts SELECT * FROM parcels;
SELECT (SELECT value FROM evaluate('late', 'parts') WHERE metric = 'auc') =
	(SELECT value FROM evaluate('late', 'parcels') WHERE metric = 'auc') AS partitioned;

-- Rows without a target, of an unknown class, one class only.
CREATE VIEW holes AS SELECT weight, distance, "Way", nullif(late, weight = 3) AS late,
	CASE WHEN weight < 2 THEN 9 ELSE band END AS band,
	CASE weight WHEN 1 THEN 'NaN' WHEN 2 THEN 'Infinity' WHEN 3 THEN NULL ELSE price::float8 END AS price FROM parcels;
SELECT n FROM evaluate('late', 'holes') WHERE metric = 'auc';
SELECT n FROM evaluate('band', 'holes') WHERE metric = 'accuracy';
SELECT n FROM evaluate('price', 'holes') WHERE metric = 'rmse';
CREATE VIEW punctual AS SELECT * FROM parcels WHERE NOT late;
SELECT metric, class, value IS NULL AS undefined FROM evaluate('late', 'punctual') WHERE metric IN ('auc', 'recall');
CREATE VIEW one AS SELECT * FROM parcels LIMIT 1;
SELECT metric, value IS NULL AS undefined, lower IS NULL AS no_interval FROM evaluate('price', 'one');

-- Missing and NULL features are scored as predict does.
CREATE VIEW nulls AS SELECT NULL::int AS weight, NULL::float8 AS distance, NULL::text AS "Way", late FROM parcels;
SELECT value = 0.5 AS auc FROM evaluate('late', 'nulls') WHERE metric = 'auc';

-- Errors.
SELECT * FROM evaluate('late', 'parcels', 'punctuality');
SELECT * FROM evaluate('late', 'pg_class');
SELECT * FROM evaluate('price', 'parcels', 'Way');
SELECT * FROM evaluate('band', 'parcels', 'Way');
CREATE VIEW narrow AS SELECT distance, late FROM parcels;
SELECT * FROM evaluate('late', 'narrow');
CREATE VIEW empty AS SELECT * FROM parcels WHERE false;
SELECT * FROM evaluate('late', 'empty');
SELECT * FROM evaluate('nothing', 'parcels');
SELECT * FROM evaluate('late', 'nothing');
SELECT * FROM evaluate('late/9', 'parcels');
SELECT * FROM evaluate(NULL, 'parcels');
SET statement_timeout = '100ms';
CREATE VIEW slow AS SELECT p.* FROM parcels p, generate_series(1, 100000);
SELECT * FROM evaluate('late', 'slow');
RESET statement_timeout;
SET augur.training_memory = '1MB';
SELECT n > 0 FROM evaluate('late', 'slow');
RESET augur.training_memory;

-- Columns that are not needed need no privilege; those that are, do.
CREATE ROLE regress_evaluator;
SELECT grant_preset('regress_evaluator', 'predictor'), augur.grant('late', 'regress_evaluator');
GRANT SELECT (weight, distance, "Way") ON parcels TO regress_evaluator;
SET ROLE regress_evaluator;
SELECT count(*) > 0 AS evaluated FROM evaluate('late', 'parcels');
RESET ROLE;
GRANT SELECT (late, "Parcel Id") ON parcels TO regress_evaluator;
SET ROLE regress_evaluator;
SELECT count(*) > 0 AS evaluated FROM evaluate('late', 'parcels');
RESET ROLE;
-- row level security of the relation counts
ALTER TABLE parcels ENABLE ROW LEVEL SECURITY;
CREATE POLICY light ON parcels USING (weight < 10);
SET ROLE regress_evaluator;
SELECT n = (SELECT count(late) FROM parcels) AS own_rows FROM evaluate('late', 'parcels') WHERE metric = 'auc';
RESET ROLE;
SELECT n FROM evaluate('late', 'parcels') WHERE metric = 'auc';
REVOKE ALL ON parcels FROM regress_evaluator;
SELECT revoke_preset('regress_evaluator');
SELECT augur.revoke('late', 'regress_evaluator');
DROP ROLE regress_evaluator;
SELECT drop_model(name) FROM augur.models ORDER BY name;
