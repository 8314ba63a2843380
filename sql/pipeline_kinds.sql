-- Each kind of step of a pipeline, run to its end and failing, with what it leaves as its result.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET augur.verbosity = 0;
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE TABLE kind_rows AS SELECT i AS id, i % 5 AS a, i % 3 AS b, i % 7 > 3 AS y FROM generate_series(1, 600) i;
CREATE TABLE kind_other AS SELECT id, a + 100 AS a, b, y FROM kind_rows;
CREATE TABLE kind_loaded (id integer PRIMARY KEY, v numeric, at date);
CREATE TABLE kind_days AS SELECT date '2024-01-01' + i AS t, 10 + i % 7 AS v, 'north' AS shop FROM generate_series(0, 55) i;
CREATE FUNCTION kind_add(n integer, m integer DEFAULT 1) RETURNS integer LANGUAGE sql AS 'SELECT n + m';
SELECT augur.create_suite('kind_rows', 'kind_rows'), augur.create_suite('kind_empty', 'kind_rows');
SELECT augur.expect('kind_rows', 'not_null', 'a') > 0, augur.expect('kind_empty', 'row_count', args => '{"max": 10}') > 0;
SELECT kind FROM augur.create_feature_set('kind_features', 'SELECT shop, t, sum(v) AS v FROM public.kind_days GROUP BY shop, t', '{shop}', 't');
INSERT INTO kind_days VALUES ('2024-02-26', 3, 'north');

SELECT augur.create_pipeline('kinds', '{"n": {"type": "integer", "default": 2}}', max_parallel => 1) > 0 AS made;
SELECT augur.add_step('kinds', 'sql', sql => $$CREATE TABLE kind_made AS SELECT augur.param('n')::integer AS n; SELECT n, n * 2 AS twice FROM kind_made$$);
SELECT augur.add_step('kinds', 'call', 'call', '{"function": "kind_add", "args": {"n": {"result": "sql.twice"}}}', needs => '{sql}');
SELECT augur.add_step('kinds', 'load_csv', 'load', '{"format": "csv", "relation": "kind_loaded", "content": "id,v,at\n1,2.5,2024-01-01\n2,,2024-01-02\n3,x,2024-01-03\n", "max_bad_share": 0.5}');
SELECT augur.add_step('kinds', 'load_json', 'load', '{"format": "json", "relation": "kind_loaded", "content": "[{\"id\": 7, \"w\": {\"v\": 1}}]", "paths": {"v": "$.w.v"}, "on_missing": "ignore"}', needs => '{load_csv}');
SELECT augur.add_step('kinds', 'validate', 'validate', '{"suite": "kind_rows"}');
SELECT augur.add_step('kinds', 'features', 'refresh_features', '{"name": "kind_features"}');
SELECT augur.add_step('kinds', 'train', 'train', '{"model": "kind", "relation": "kind_rows", "target": "y", "exclude": ["id"], "params": {"n_trees": {"param": "n"}}, "promote": "never"}',
	needs => '{validate}');
SELECT augur.add_step('kinds', 'train_query', 'train', '{"model": "kind", "query": "SELECT a, b, y FROM kind_rows", "target": "y", "params": {"n_trees": 3}, "promote": "never"}',
	needs => '{train}');
SELECT augur.add_step('kinds', 'train_forecast', 'train_forecast', '{"model": "kind_sales", "relation": "kind_days", "time_column": "t", "target": "v", "series": ["shop"],
	"method": "drift", "horizon": 7, "promote": "always"}', verify => false);
SELECT augur.add_step('kinds', 'promote', 'promote', '{"model": "kind", "version": {"result": "train.version"}}', needs => '{train_query}');
SELECT augur.add_step('kinds', 'score', 'score', '{"model": "kind", "relation": "kind_rows", "key": "id"}', needs => '{promote}');
SELECT augur.add_step('kinds', 'drift', 'drift', '{"model": "kind", "relation": "kind_rows", "fail_on": "drift"}', needs => '{promote}');
SELECT augur.add_step('kinds', 'policy', sql => $$SELECT augur.set_retrain_policy('kind', every => '1 day')$$, needs => '{promote}');
SELECT augur.add_step('kinds', 'retrain', 'retrain', '{"model": "kind"}', needs => '{policy}');
SELECT augur.add_step('kinds', 'notify', 'notify', '{"kind": "kinds_done", "severity": "info", "subject": {"run": "pipeline"}, "payload": {"rows": {"result": "score.rows"}}}',
	needs => '{score}');
-- each kind is there
SELECT count(DISTINCT kind) FROM augur.pipeline_steps s JOIN augur.pipelines p ON p.id = s.pipeline_id WHERE p.name = 'kinds';
CALL augur.run_pipeline('kinds');
CREATE VIEW kind_run AS SELECT s.* FROM augur.step_runs s WHERE s.run_id = (SELECT max(id) FROM augur.pipeline_runs);
SELECT step, kind, status, rows, sqlstate, message, result IS NOT NULL AS has_result FROM kind_run ORDER BY id;
SELECT step, CASE kind
	WHEN 'load' THEN (SELECT jsonb_object_agg(k, v) FROM jsonb_each(result) e (k, v) WHERE k = ANY ('{status,rows_read,rows_ok,rows_bad}'))
	WHEN 'validate' THEN result - '{run,seconds}'::text[]
	WHEN 'refresh_features' THEN (SELECT jsonb_object_agg(k, v) FROM jsonb_each(result) e (k, v) WHERE k = ANY ('{kind,inserted,updated,deleted}'))
	WHEN 'train' THEN (SELECT jsonb_object_agg(k, v) FROM jsonb_each(result) e (k, v) WHERE k = ANY ('{model,version,rows_used,promoted}'))
	WHEN 'train_forecast' THEN (SELECT jsonb_object_agg(k, v) FROM jsonb_each(result) e (k, v) WHERE k = ANY ('{model,version,rows_used,promoted}'))
	WHEN 'drift' THEN jsonb_build_object('verdict', result -> 'verdict')
	WHEN 'retrain' THEN jsonb_build_object('fired', result -> 'fired', 'reason', result -> 'reason')
	WHEN 'notify' THEN jsonb_build_object('is_number', jsonb_typeof(result -> 'emit'))
	ELSE result END AS result
FROM kind_run ORDER BY id;
-- and did what it does
SELECT n FROM kind_made;
SELECT * FROM kind_loaded ORDER BY id;
SELECT count(*) FROM augur.quarantine;
SELECT count(*) FROM augur.predictions WHERE model_id = (SELECT id FROM augur.models WHERE name = 'kind');
SELECT version FROM augur.serving_now WHERE model IN ('kind', 'kind_sales') ORDER BY model;
SELECT subject, payload FROM augur.events WHERE kind = 'kinds_done';

-- each of them fails, says why, and is in nobody's way
SELECT augur.create_pipeline('bad_kinds', '{"no": {"type": "text", "default": "no_such"}}', max_parallel => 1) > 0 AS made;
SELECT augur.add_step('bad_kinds', step, kind, body, verify => false) FROM (VALUES
	(1, 'sql', 'sql', '{"sql": "SELECT * FROM no_such"}'::jsonb),
	(2, 'call', 'call', '{"function": "kind_add", "args": {"n": {"param": "no"}}}'),
	(3, 'load_none', 'load', '{"format": "csv", "relation": "no_such", "content": "a\n1\n"}'),
	(4, 'load_bad', 'load', '{"format": "csv", "relation": "kind_loaded", "content": "id,v,at\n11,x,2024-01-01\n12,y,2024-01-02\n"}'),
	(5, 'validate_none', 'validate', '{"suite": {"param": "no"}}'),
	(6, 'validate', 'validate', '{"suite": "kind_empty"}'),
	(7, 'features', 'refresh_features', '{"name": {"param": "no"}}'),
	(8, 'train', 'train', '{"model": "kind", "relation": "kind_rows", "target": "z"}'),
	(9, 'train_forecast', 'train_forecast', '{"model": "kind_sales", "relation": "kind_days", "time_column": "t", "target": "no_such"}'),
	(10, 'score', 'score', '{"model": "kind", "relation": "kind_days"}'),
	(11, 'drift', 'drift', '{"model": "kind", "relation": "kind_other", "fail_on": "drift"}'),
	(12, 'drift_never', 'drift', '{"model": "kind", "relation": "kind_other"}'),
	(13, 'promote', 'promote', '{"model": "kind", "version": 99}'),
	(14, 'retrain', 'retrain', '{"model": "kind_sales"}'),
	(15, 'notify', 'notify', '{"kind": "k", "severity": {"param": "no"}}')) v (n, step, kind, body) ORDER BY n;
CALL augur.run_pipeline('bad_kinds');
SELECT step, kind, status, rows, sqlstate, regexp_replace(message, 'run \d+', 'run N') AS message, result IS NOT NULL AS has_result FROM kind_run ORDER BY id;
-- what failed without an error keeps what it found
SELECT status, failed FROM augur.validation_runs WHERE suite = 'kind_empty';
SELECT verdict FROM augur.drift_runs ORDER BY id DESC LIMIT 2;
SELECT count(*) FROM kind_loaded;
SELECT augur.drop_pipeline(name) FROM augur.pipelines WHERE name ~ 'kinds';
