-- The registry as a user meets it: two trainings, promotion and rollback, views, what errors say.
-- (Every legal and illegal move is in tests/pgtap/registry.sql, rights are in tests/pgtap/privileges.sql.)
\set SHOW_CONTEXT never
SET augur.verbosity = 0;
SET search_path = public, augur;
CREATE TABLE visits AS
SELECT i % 11 AS pages, (i * 37 % 101)::float8 AS seconds, ('{ad,mail,search}'::text[])[i % 3 + 1] AS source,
	(i % 11 + i * 37 % 5) > 7 AS bought
FROM generate_series(1, 500) i;

SELECT model, version, algorithm, rows_used, metric, promoted
FROM train('buyers', 'visits', 'bought', params => '{"n_trees": 10}', note => 'first try');
SELECT model, version, algorithm, rows_used, metric, value > production_value AS better, promoted
FROM train('buyers', 'visits', 'bought', features => '{source}', algorithm => 'baseline');

-- What is in the tables.
SELECT name, task, target, metric, higher_is_better, next_version FROM models;
SELECT r.id, m.name, r.algorithm, r.relation, r.target, r.seed, r.note, r.status, r.rows_used, r.rows_skipped,
	r.ended_at >= r.started_at AS ended, r.extension_version = augur.version() AS this_version
FROM runs r JOIN models m ON m.id = r.model_id ORDER BY r.id;
SELECT name, value FROM params WHERE run_id = 1 AND name IN ('n_trees', 'max_depth', 'bootstrap') ORDER BY name;
SELECT split, count(*) > 5 AS metrics, bool_and(n BETWEEN 95 AND 105) AS a_fifth
FROM metrics WHERE run_id = 2 GROUP BY split ORDER BY split;
SELECT v.version, v.status, v.algorithm, v.artifact_format, v.size = sum(octet_length(c.bytes)) AS size,
	v.sha256 = sha256(string_agg(c.bytes, '' ORDER BY c.seq)) AS digest,
	jsonb_array_length(v.signature -> 'features') AS features, v.signature -> 'classes' AS classes
FROM versions v JOIN version_chunks c ON c.version_id = v.id GROUP BY v.id ORDER BY v.version;
SELECT attname, attstorage FROM pg_attribute
WHERE attrelid = 'augur.version_chunks'::regclass AND attname = 'bytes';

-- Views.
SELECT model, rank, version, status, aliases, algorithm, metric, split, value > baseline_value AS gain, rows_used, note
FROM leaderboard ORDER BY model, version;
SELECT model, version, algorithm, action, metric, value > 0.5 AS good, lower < value AND value < upper AS interval,
	previous_version FROM serving_now;
SELECT model, version, status, algorithm, source, rows_used, warnings, note FROM runs_recent;
SELECT model, version, relation, features, rows_used, seed, params ->> 'n_trees' AS n_trees, role = current_user AS mine
FROM version_lineage ORDER BY version;
SELECT * FROM stages ORDER BY version;

-- Promotion and rollback.
SELECT promote('buyers', 2, reason => 'to see');
SELECT version, previous_version, reason FROM serving_now;
SELECT classify('buyers', v) AS majority, count(*) FROM visits v GROUP BY 1;
SELECT rollback('buyers', 'seen enough');
SELECT count(DISTINCT classify('buyers', v)) FROM visits v;
SELECT rollback('buyers');
SELECT promote('buyers');
SELECT promote('buyers');
SELECT promote('buyers', 1, 'staging');
SELECT predict('buyers@staging', v) = predict('buyers/1', v) AS same FROM visits v LIMIT 1;
SELECT drop_alias('buyers', 'staging', 'no longer needed');
SELECT id, alias, action, old_version, new_version, regexp_replace(reason, '0[.]\d+', 'N') AS reason
FROM alias_history ORDER BY id;
SELECT version, lower(serving) < coalesce(upper(serving), 'infinity') AS ordered, upper_inf(serving) AS now
FROM model_history ORDER BY serving;

-- Statuses and removal.
SELECT set_status('buyers', 2, 'archived');
SELECT set_status('buyers', 7, 'archived');
SELECT drop_version('buyers', 2);
SELECT promote('buyers', 1);
SELECT drop_alias('buyers', 'previous');
SELECT set_status('buyers', 2, 'archived');
SELECT promote('buyers', 2);
SELECT set_status('buyers', 2, 'ready');
SELECT set_status('buyers', 2, 'rejected');
SELECT set_status('buyers', 2, 'ready');
SELECT drop_version('buyers', 2);
SELECT drop_version('buyers', 2);

-- What cannot be done by hand.
UPDATE models SET target = 'pages';
UPDATE versions SET size = 1;
UPDATE version_chunks SET bytes = '';
DELETE FROM version_chunks;
DELETE FROM versions;
TRUNCATE alias_history CASCADE;
DELETE FROM alias_history;
UPDATE metrics SET value = 1;
UPDATE runs SET seed = 1;
DELETE FROM aliases;
INSERT INTO aliases VALUES (1, 'mine', 1, 1);

-- Names and references.
SELECT promote('nobody');
SELECT promote('buyers', 99);
SELECT promote('buyers/1', 2);
SELECT promote('buyers', 1, 'latest');
SELECT promote('buyers', 1, 'v12');
SELECT promote('buyers', 1, 'previous');
SELECT promote('buyers', 1, 'on call');
SELECT promote('buy/ers');
SELECT train('a@b', 'visits', 'bought');
SELECT train('', 'visits', 'bought');
SELECT train(repeat('x', 64), 'visits', 'bought');
SELECT train('buyers', 'visits', 'pages');
SELECT train('buyers', 'visits', 'bought', task => 'regression');
SELECT augur.grant('buyers', 'regress_nobody');
SELECT augur.grant('buyers', 'public', 'write');
SELECT grant_preset('regress_nobody', 'reader');
SELECT grant_preset('public', 'reader');
SELECT grant_preset(current_user, 'king');

-- A model value becomes a version.
CREATE TABLE value AS SELECT string_agg(bytes, '' ORDER BY seq) AS bytes FROM version_chunks WHERE version_id = 1;
CREATE TABLE kept AS SELECT ('\x' || encode(bytes, 'hex'))::augur.model AS model FROM value;
SELECT augur.register('copy', model, note => 'by value', promote => 'always') FROM kept;
SELECT augur.register('copy', model) FROM kept;
SELECT bool_and(predict('copy', v) = predict('buyers', v)) AS same FROM visits v;
SELECT version, status, aliases, metric, split, value > 0.5 AS good, baseline_value, note
FROM leaderboard WHERE model = 'copy' ORDER BY version;
SELECT config, seed, rows_used, info ->> 'trees' AS trees FROM runs JOIN models m ON m.id = model_id
WHERE m.name = 'copy' AND note IS NOT NULL;
SELECT augur.register('copy', model, promote => 'if_better') FROM kept;
SELECT augur.register('copy', NULL);
SELECT augur.register('buyers', model) IS NOT NULL AS next FROM kept;

SELECT drop_model('copy');
SELECT drop_model('copy');
SELECT drop_model('buyers');
SELECT (SELECT count(*) FROM models) AS models, (SELECT count(*) FROM versions) AS versions,
	(SELECT count(*) FROM version_chunks) AS chunks, (SELECT count(*) FROM runs) AS runs,
	(SELECT count(*) FROM metrics) AS metrics, (SELECT count(*) FROM params) AS params,
	(SELECT count(*) FROM aliases) AS aliases, (SELECT count(*) > 0 FROM alias_history) AS history;

-- An error leaves nothing behind.
SELECT train('late', 'visits', 'bought', params => '{"n_trees": 0}');
BEGIN;
SELECT version, promoted FROM train('late', 'visits', 'bought', params => '{"n_trees": 3}');
ROLLBACK;
SELECT count(*) FROM models WHERE name = 'late';
