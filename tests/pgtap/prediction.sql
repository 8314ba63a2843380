-- Who sees, writes and changes what in the log of predictions and in what came true.
\set QUIET on
BEGIN;
SET LOCAL client_min_messages = error;
SELECT no_plan();

CREATE ROLE pl_owner;
CREATE ROLE pl_app;
CREATE ROLE pl_other;
CREATE ROLE pl_peer;
CREATE ROLE pl_operator;
SELECT augur.grant_preset(r, p) FROM (VALUES ('pl_owner'::name, 'trainer'), ('pl_app', 'predictor'),
	('pl_other', 'predictor'), ('pl_peer', 'trainer'), ('pl_operator', 'operator')) t (r, p);
CREATE TABLE pl_rows AS SELECT i AS id, i % 5 AS a, i % 5 > 2 AS y FROM generate_series(1, 60) i;
GRANT SELECT ON pl_rows TO PUBLIC;
SET LOCAL ROLE pl_owner;
SELECT (augur.train('pl', 'pl_rows', 'y', features => '{a}', params => '{"n_trees": 2}', promote => 'always')).version;
SELECT augur.grant('pl', 'pl_app'), augur.grant('pl', 'pl_other');
SET LOCAL ROLE pl_peer;
SELECT (augur.train('pl_peer', 'pl_rows', 'y', features => '{a}', params => '{"n_trees": 2}', promote => 'always')).version;

SET LOCAL ROLE pl_app;
SELECT is((SELECT count(*) FROM augur.score('pl', 'pl_rows', 'id')), 60::bigint, 'a predictor scores and logs');
SELECT is((SELECT count(*) FROM augur.predictions), 60::bigint, 'and sees what it logged');
SELECT prediction_id AS mine FROM pl_rows r, augur.predict_logged('pl', r, 'one') WHERE r.id = 1 \gset
SELECT lives_ok(format('SELECT augur.record_actual(%s, true)', :mine), 'and tells what came true of it');
SELECT is((SELECT count(*) FROM augur.actuals), 1::bigint, 'and sees that');
SELECT throws_ok($$SELECT augur.record_actual('pl', 'one', NULL, true)$$, '42501', NULL, 'but not of all predictions for something');
SELECT throws_ok($$SELECT augur.performance('pl')$$, '42501', NULL, 'and measures nothing');
SELECT throws_ok($$INSERT INTO augur.predictions (model_id, version_id, version, reference, at)
	SELECT model_id, version_id, version, reference, now() - interval '1 year' FROM augur.predictions LIMIT 1$$,
	'42501', NULL, 'when it was predicted cannot be forged');
SELECT throws_ok($$INSERT INTO augur.predictions (model_id, version_id, version, reference, made_by)
	SELECT model_id, version_id, version, reference, 'pl_other' FROM augur.predictions LIMIT 1$$,
	'42501', NULL, 'nor by whom');
SELECT throws_ok($$UPDATE augur.predictions SET value = 1$$, '42501', NULL, 'nothing is changed');
SELECT throws_ok($$DELETE FROM augur.predictions$$, '42501', NULL, 'or deleted');
SELECT throws_ok($$SELECT FROM augur.predictions_default$$, '42501', NULL, 'partitions are not for others');
SELECT throws_ok($$SELECT augur.drop_predictions(now())$$, '42501', NULL, 'retention is the owner''s of the extension');

SET LOCAL ROLE pl_other;
SELECT is((SELECT count(*) FROM augur.predictions), 0::bigint, 'another predictor sees nothing of it');
SELECT is((SELECT count(*) FROM augur.actuals), 0::bigint, 'nor of what came true');
SELECT throws_ok(format('SELECT augur.record_actual(%s, false)', :mine), '42704', NULL, 'and says nothing about it');
SELECT throws_ok(format('INSERT INTO augur.actuals (model_id, prediction_id, label) SELECT id, %s, ''false'' FROM augur.models', :mine),
	'42501', NULL, 'also not directly');

SET LOCAL ROLE pl_peer;
SELECT is((SELECT count(*) FROM augur.predictions), 0::bigint, 'another trainer sees nothing');
SELECT throws_ok($$SELECT augur.score('pl', 'pl_rows')$$, '42704', NULL, 'and scores with nothing that is not shown to it');
RESET ROLE;
SELECT v.model_id AS strange_model, v.id AS strange_version FROM augur.versions v JOIN augur.models m ON m.id = v.model_id
WHERE m.name = 'pl' \gset
SET LOCAL ROLE pl_peer;
SELECT throws_ok(format('INSERT INTO augur.predictions (model_id, version_id, version, reference) VALUES (%s, %s, 1, ''x'')',
	:strange_model, :strange_version), '42501', NULL, 'also not directly');
SELECT throws_ok(format('INSERT INTO augur.predictions (model_id, version_id, version, reference) '
	'SELECT id, %s, 1, ''x'' FROM augur.models', :strange_version), '42501', NULL, 'nor under a model of its own');

SET LOCAL ROLE pl_owner;
SELECT is((SELECT count(*) FROM augur.predictions), 61::bigint, 'the model''s owner sees all');
SELECT is((SELECT count(*) FROM augur.losses('pl') WHERE error IS NOT NULL), 1::bigint, 'with what came true');
SELECT lives_ok($$SELECT augur.record_actuals('pl', 'pl_rows', 'y', entity => 'id')$$, 'and records that');
SELECT is((SELECT read FROM augur.check_concept('pl')), 61::bigint, 'and watches it');
SELECT throws_ok($$UPDATE augur.detector_states SET checked_by = 'pl_app'$$, '42501', NULL, 'who set a detector up stays');
SET LOCAL ROLE pl_operator;
SELECT is((SELECT read FROM augur.check_concept('pl')), 0::bigint, 'an operator goes on where it was');
SELECT cmp_ok((SELECT augur.store_performance('pl')), '>', 0::bigint, 'and keeps measurements');
SET LOCAL ROLE pl_app;
SELECT cmp_ok((SELECT count(*) FROM augur.versions), '=', 1::bigint, 'a predictor sees the version');
SELECT throws_ok($$SELECT FROM augur.performance_windows$$, '42501', NULL, 'and not how good it is');

RESET ROLE;
SELECT throws_ok($$UPDATE augur.predictions SET value = 1$$, '55000', NULL, 'not even a superuser changes a prediction');
SELECT throws_ok($$UPDATE augur.actuals SET label = 'x'$$, '55000', NULL, 'nor an actual');
SELECT throws_ok($$TRUNCATE augur.actuals$$, '55000', NULL, 'nor empties them');
SELECT throws_ok($$UPDATE augur.detector_changes SET position = 1 WHERE true$$, NULL, NULL, 'nor what was found')
WHERE EXISTS (SELECT FROM augur.detector_changes);
SELECT is((SELECT count(*) FROM pg_class c WHERE c.relispartition AND c.relnamespace = 'augur'::regnamespace AND c.relkind = 'r'
		   AND (NOT c.relrowsecurity OR c.relowner <> (SELECT extowner FROM pg_extension WHERE extname = 'augur')
				OR EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner))), 0::bigint, 'partitions are closed to all but their owner');
SELECT is((SELECT array_agg(c.relname) FROM pg_class c WHERE c.relispartition AND c.relnamespace = 'augur'::regnamespace
		   AND c.relkind = 'r' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)), NULL,
		  'each has its own key');

SELECT * FROM finish();
ROLLBACK;
