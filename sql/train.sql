-- train: augur.train and augur.train_query over every kind of source, and what they record.
CREATE SCHEMA train;
SET search_path = train, public;
SET augur.verbosity = 0;
\set SHOW_CONTEXT never

-- Other files may have left models: only those made from here on are looked at.
CREATE TABLE earlier AS
SELECT coalesce((SELECT max(id) FROM augur.models), 0) AS model,
	coalesce((SELECT max(id) FROM augur.versions), 0) AS version;
CREATE TABLE people (
	id int PRIMARY KEY, age int, income float8, region text, "Mixed Case" numeric,
	joined date, spent float8, weight float8, churned boolean);
INSERT INTO people
SELECT i, 20 + i % 50, 1000 + (i * 7919) % 4001, (ARRAY['north', 'south', 'east', NULL])[1 + i % 4],
	i % 13, DATE '2015-01-01' + (i * 31) % 2000, 10 * (i % 50) + (i * 7919) % 4001 / 100.0,
	1 + i % 3, (i % 50) > 25 OR i % 4 = 1
FROM generate_series(1, 2000) i;

-- The whole of a training, told: a target that two columns decide.
SET augur.verbosity = 1;
SELECT model, version, task, algorithm, rows_used, rows_skipped, metric, round(value::numeric, 2) AS value,
	production_value, promoted, seconds > 0 AS timed, warnings
FROM augur.train('churn', 'people', 'churned', features => '{age,region}', key => 'id',
	params => '{"n_trees": 20}');
SET augur.verbosity = 0;

-- What was recorded.
SELECT m.name, m.task, m.target, m.metric, r.algorithm, r.relation, r.query, r.config, r.seed, r.status,
	r.rows_used, r.rows_skipped
FROM augur.runs r JOIN augur.models m ON m.id = r.model_id WHERE m.name = 'churn';
SELECT info - '{memory,model_bytes,nodes,core,workers,workers_planned}'::text[] AS info,
	(info ->> 'memory')::bigint > 0 AS memory, (info ->> 'model_bytes')::bigint > 0 AS bytes
FROM augur.runs WHERE id = (SELECT max(id) FROM augur.runs);
SELECT name, value FROM augur.params WHERE name IN ('n_trees', 'max_depth', 'class_weight')
AND run_id = (SELECT max(id) FROM augur.runs) ORDER BY name;
SELECT split, name, class FROM augur.metrics
WHERE run_id = (SELECT max(id) FROM augur.runs) ORDER BY split, name COLLATE "C", class COLLATE "C";
SELECT jsonb_pretty(signature) FROM augur.versions WHERE id > (SELECT version FROM earlier);
SELECT v.size = sum(octet_length(c.bytes)) AS complete,
	v.sha256 = sha256(string_agg(c.bytes, NULL ORDER BY c.seq)) AS digest
FROM augur.versions v JOIN augur.version_chunks c ON c.version_id = v.id
WHERE v.id > (SELECT version FROM earlier) GROUP BY v.id;

-- Again: production is scored on the same holdout; the same model is not better than itself.
SELECT version, value = production_value AS same, promoted
FROM augur.train('churn', 'people', 'churned', features => '{age,region}', key => 'id',
	params => '{"n_trees": 20}');
SELECT version, promoted
FROM augur.train('churn', 'people', 'churned', features => '{age}', key => 'id', promote => 'always',
	params => '{"n_trees": 20}', note => 'without the region');
-- production knows less: the better model replaces it
SELECT version, value > production_value AS better, promoted
FROM augur.train('churn', 'people', 'churned', features => '{age,region}', key => 'id',
	params => '{"n_trees": 20}');
-- production needs a column that this training does not have
SELECT version, production_value, promoted, warnings
FROM augur.train('churn', 'people', 'churned', features => '{age}', key => 'id', params => '{"n_trees": 20}');
SELECT version, promoted
FROM augur.train('churn', 'people', 'churned', promote => 'never', key => 'id', params => '{"n_trees": 20}');
SELECT version, note, promoted FROM (
	SELECT v.version, r.note, EXISTS (SELECT FROM augur.aliases a WHERE a.version_id = v.id
		AND a.alias = 'production') AS promoted
	FROM augur.versions v JOIN augur.runs r ON r.id = v.run_id
	WHERE v.id > (SELECT version FROM earlier)) s ORDER BY version;
-- another target under the same name
SELECT augur.train('churn', 'people', 'spent');

-- Regression, weights, time, dates, names that need quotes.
SELECT task, metric, value < 60 AS good, rows_used
FROM augur.train('Spent "so far"', 'people', 'spent', exclude => '{churned,id}', weight => 'weight',
	time_column => 'joined', params => '{"n_trees": 20}');
SELECT config, info ->> 'split' AS split FROM augur.runs ORDER BY id DESC LIMIT 1;
SELECT f ->> 'name' AS name, f ->> 'column' AS "column", f ->> 'part' AS part, f ->> 'kind' AS kind
FROM augur.versions v, jsonb_array_elements(v.signature -> 'features') f
WHERE v.id = (SELECT max(id) FROM augur.versions) ORDER BY 1;
SELECT task FROM augur.train('parts', 'people', 'spent', features => '{joined,"Mixed Case"}',
	preprocess => '{"date_parts": ["year", "quarter"], "max_bins": 10}', params => '{"n_trees": 5}');
SELECT f ->> 'name' AS name
FROM augur.versions v, jsonb_array_elements(v.signature -> 'features') f
WHERE v.id = (SELECT max(id) FROM augur.versions) ORDER BY 1;

-- A numeric target asked for as classes; no holdout: out of bag decides.
SELECT task, metric, rows_used
FROM augur.train('classes', 'people', 'Mixed Case', features => '{age,income}', task => 'classification',
	params => '{"n_trees": 10}');
SELECT metric, value IS NOT NULL AS evaluated, promoted
FROM augur.train('oob', 'people', 'churned', features => '{age,region}', validation => '{"holdout": 0}',
	params => '{"n_trees": 20}');
SELECT split, name FROM augur.metrics m
WHERE run_id = (SELECT max(id) FROM augur.runs) AND class = '' AND name IN ('auc', 'error_rate')
ORDER BY 1, 2;
-- explicit class weights move the probabilities
SELECT rows_used FROM augur.train('weighted', 'people', 'churned', features => '{income}',
	params => '{"n_trees": 20, "class_weight": {"true": 9, "false": 1}}', promote => 'always');
SELECT value FROM augur.params WHERE name = 'class_weight' AND run_id = (SELECT max(id) FROM augur.runs);

-- Sources: views, materialized views, partitions, queries, filters.
CREATE TABLE three AS SELECT age, region, churned FROM people;
CREATE VIEW a_view AS TABLE three;
CREATE MATERIALIZED VIEW a_matview AS SELECT age, region, churned FROM people;
CREATE TABLE parts (age int, region text, churned boolean) PARTITION BY RANGE (age);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (40);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (40) TO (100);
INSERT INTO parts SELECT age, region, churned FROM people;
CREATE TABLE dropped (gone int, age int, also_gone text, region text, churned boolean);
ALTER TABLE dropped DROP COLUMN gone, DROP COLUMN also_gone;
INSERT INTO dropped SELECT age, region, churned FROM people;
CREATE TABLE digests (source text, digest bytea);
CREATE FUNCTION trained(source text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO digests SELECT source, v.sha256 FROM augur.versions v
	WHERE v.id = (SELECT max(id) FROM augur.versions) $$;
SELECT rows_used, trained('table') FROM augur.train('source', 'three', 'churned', features => '{age,region}', params => '{"n_trees": 10}');
SELECT rows_used, trained('view') FROM augur.train('source', 'a_view', 'churned', params => '{"n_trees": 10}');
SELECT rows_used, trained('matview') FROM augur.train('source', 'a_matview', 'churned', params => '{"n_trees": 10}');
SELECT rows_used, trained('partitioned') FROM augur.train('source', 'parts', 'churned', params => '{"n_trees": 10}');
SELECT rows_used, trained('dropped') FROM augur.train('source', 'dropped', 'churned', params => '{"n_trees": 10}');
SELECT rows_used, trained('query') FROM augur.train_query('source', 'SELECT age, region, churned FROM people', 'churned', params => '{"n_trees": 10}');
SELECT rows_used, trained('query') FROM augur.train_query('source', 'SELECT * FROM three;', 'churned', features => '{age,region}', filter => 'true -- all', params => '{"n_trees": 10}');
SELECT rows_used, trained('values') FROM augur.train_query('source', 'WITH p AS (TABLE three) SELECT churned, age, region FROM p', 'churned', features => '{age,region}', params => '{"n_trees": 10}');
-- the same rows and columns: the same model
SELECT count(*) AS trainings, count(DISTINCT digest) AS models FROM digests;
SELECT rows_used
FROM augur.train('source', 'people', 'churned', filter => 'age < 40', features => '{age}', promote => 'never', params => '{"n_trees": 10}');
SELECT query FROM augur.runs ORDER BY id DESC LIMIT 1;

-- Names that a careless query would trip over.
CREATE SCHEMA "s'che""ma";
CREATE TABLE "s'che""ma"."t;a""ble -- $$" AS
SELECT age AS "a""ge; DROP TABLE people", region AS "re'gion /*", churned AS "$$ ""churned""", id AS "SELECT" FROM people;
SELECT model, rows_used FROM augur.train('it''s "quoted" $$; --', '"s''che""ma"."t;a""ble -- $$"', '$$ "churned"',
	exclude => ARRAY['SELECT'], params => '{"n_trees": 10}', note => 'O''Brien "\x" $$ -- /*');
SELECT relation, query, note FROM augur.runs ORDER BY id DESC LIMIT 1;
SELECT round(augur.predict('it''s "quoted" $$; --', t)::numeric) AS predicted, "$$ ""churned""" AS churned, count(*) > 0 AS found
FROM "s'che""ma"."t;a""ble -- $$" t GROUP BY 1, 2 ORDER BY 1, 2;
-- a time column that is a feature as well; exclude from a query
SELECT rows_used FROM augur.train('timed', 'people', 'churned', features => '{age,joined}', time_column => 'joined', params => '{"n_trees": 5}');
SELECT rows_used FROM augur.train_query('excluded', 'SELECT * FROM people', 'churned', exclude => '{id,spent,"Mixed Case",joined,income,weight}', params => '{"n_trees": 5}');
SELECT m.name, string_agg(f ->> 'name', ', ' ORDER BY f ->> 'name' COLLATE "C") AS features
FROM augur.models m JOIN augur.versions v ON v.model_id = m.id, jsonb_array_elements(v.signature -> 'features') f
WHERE m.name IN ('timed', 'excluded') GROUP BY 1 ORDER BY 1;

-- Missing targets are skipped and counted.
SELECT rows_used, rows_skipped, warnings
FROM augur.train_query('skips', 'SELECT age, region, CASE WHEN id % 10 > 0 THEN churned END AS churned FROM people',
	'churned', params => '{"n_trees": 10}');

-- Privileges are the caller's: columns, row security, nothing more.
CREATE ROLE regress_augur_trainer;
SELECT augur.grant_preset('regress_augur_trainer', 'trainer');
GRANT USAGE, CREATE ON SCHEMA train TO regress_augur_trainer;
GRANT SELECT (age, region, churned) ON people TO regress_augur_trainer;
SET ROLE regress_augur_trainer;
SELECT augur.train('mine', 'people', 'churned', params => '{"n_trees": 5}');
SELECT rows_used FROM augur.train('mine', 'people', 'churned', features => '{age,region}', params => '{"n_trees": 5}');
SELECT augur.train('churn', 'people', 'churned', features => '{age,region}', params => '{"n_trees": 5}');
RESET ROLE;
ALTER TABLE people ENABLE ROW LEVEL SECURITY;
CREATE POLICY young ON people TO regress_augur_trainer USING (age < 30);
SET ROLE regress_augur_trainer;
SELECT rows_used FROM augur.train('mine', 'people', 'churned', features => '{age,region}', params => '{"n_trees": 5}');
RESET ROLE;
SELECT augur.drop_model('mine');
SELECT augur.revoke_preset('regress_augur_trainer');
DROP OWNED BY regress_augur_trainer;
DROP ROLE regress_augur_trainer;

-- In a transaction that fails nothing stays; in an exception block too.
BEGIN;
SELECT version FROM augur.train('undone', 'people', 'churned', features => '{age,region}', params => '{"n_trees": 5}');
ROLLBACK;
DO $$
BEGIN
	PERFORM augur.train('undone', 'people', 'churned', features => '{age,region}', params => '{"n_trees": 5}');
	RAISE EXCEPTION 'after the training';
EXCEPTION WHEN raise_exception THEN
	PERFORM augur.train('done', 'people', 'churned', features => '{age,region}', params => '{"n_trees": 5}');
END $$;
SELECT name FROM augur.models WHERE name IN ('done', 'undone') ORDER BY 1;
-- rows of the same transaction are seen
BEGIN;
CREATE TABLE fresh AS SELECT age, region, churned FROM people LIMIT 500;
SELECT rows_used FROM augur.train('fresh', 'fresh', 'churned', params => '{"n_trees": 5}');
ROLLBACK;

-- The plan over the budget: numbers, and the setting's name.
SET augur.training_memory = '150kB';
DO $$
DECLARE
	detail text;
	hint text;
BEGIN
	PERFORM augur.train('budget', 'people', 'churned', features => '{age,region}');
EXCEPTION WHEN configuration_limit_exceeded THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RAISE NOTICE '%', regexp_replace(SQLERRM || ' / ' || detail || ' / ' || hint, '\d+ [kM]B', 'N', 'g');
END $$;
RESET augur.training_memory;

-- Three classes without a holdout: judged, and promoted, by accuracy out of bag.
SELECT metric, value > 0.9 AS good, promoted FROM augur.train_query('three',
	$$SELECT (i % 7)::float8 + (i % 3) / 10.0 AS a,
		CASE WHEN i % 7 < 3 THEN 'x' WHEN i % 7 < 5 THEN 'y' ELSE 'z' END AS c
	FROM generate_series(1, 700) i$$, 'c', params => '{"n_trees": 20}', validation => '{"holdout": 0}');

-- The baseline is an algorithm like any other.
SELECT task, round(value::numeric, 3) AS value FROM augur.train('guess', 'people', 'churned', features => '{age}', algorithm => 'baseline');
-- what there is
SELECT algorithm, classification, regression FROM augur.algorithms ORDER BY 1;
SELECT name, type, default_value, minimum, maximum, choices FROM augur.hyperparameters('random_forest');
SELECT augur.version() = extversion AS same FROM pg_extension WHERE extname = 'augur';
SELECT count(*) FROM augur.progress;
SELECT name, setting, unit FROM pg_settings WHERE name LIKE 'augur.%' ORDER BY 1;

SET client_min_messages = warning;
SELECT count(augur.drop_model(name)) > 5 AS dropped FROM augur.models
WHERE id > (SELECT model FROM earlier);
DROP SCHEMA train, "s'che""ma" CASCADE;
