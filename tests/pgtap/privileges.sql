-- Who may do what: presets, grants on models, row level security, and rules that every object keeps.
\set QUIET on
BEGIN;
SET LOCAL client_min_messages = error;
SELECT no_plan();

CREATE ROLE reg_ann;
CREATE ROLE reg_mate IN ROLE reg_ann;
CREATE ROLE reg_peer;
CREATE ROLE reg_bob;
CREATE ROLE reg_eve;
CREATE ROLE reg_op;
CREATE ROLE reg_adm;
CREATE ROLE reg_stranger;
CREATE ROLE "reg_o'dd ""one";
SELECT augur.grant_preset(r, p) FROM (VALUES ('reg_ann'::name, 'trainer'), ('reg_peer', 'trainer'),
	('reg_bob', 'predictor'), ('reg_eve', 'reader'), ('reg_op', 'operator'), ('reg_adm', 'admin'),
	('reg_o''dd "one', 'trainer')) t (r, p);
GRANT USAGE ON SCHEMA public TO PUBLIC;

CREATE TABLE own_rows AS
SELECT i % 7 AS a, (i * 37 % 101)::float8 AS b, (i % 7 + i * 37 % 5) > 4 AS y FROM generate_series(1, 400) i;
ALTER TABLE own_rows OWNER TO reg_ann;
GRANT SELECT ON own_rows TO reg_bob, reg_eve, reg_op, reg_adm, reg_stranger;

-- ---- a trainer trains on its own tables, promotes, predicts, evaluates ---------------------------------

SET ROLE reg_ann;
SELECT is((t.t).promoted, true, 'a trainer trains and promotes')
FROM (SELECT augur.train('secret', 'own_rows', 'y', promote => 'always') AS t) t;
SELECT is((t.t).version, 2, 'and again')
FROM (SELECT augur.train('secret', 'own_rows', 'y', promote => 'never', params => '{"n_trees": 5}') AS t) t;
SELECT is(augur.promote('secret', 2), 2, 'promotes by hand');
SELECT is(augur.rollback('secret'), 1, 'rolls back');
SELECT ok(min(augur.predict('secret', o)) >= 0, 'predicts') FROM own_rows o;
SELECT cmp_ok((SELECT count(*) FROM augur.evaluate('secret', 'own_rows')), '>', 5::bigint, 'evaluates');
SELECT is((SELECT owner::text FROM augur.models WHERE name = 'secret'), 'reg_ann', 'and owns the model');
SELECT is((SELECT count(*) FROM augur.leaderboard), 2::bigint, 'sees the leaderboard');
SELECT is((SELECT count(*) FROM augur.drift('secret', 'own_rows')), 4::bigint, 'compares with what it was trained on');
SELECT is((SELECT count(*) FROM augur.version_profiles), 8::bigint, 'and sees that');
SELECT throws_ok($$INSERT INTO augur.version_profiles SELECT version_id, part, 'x', NULL, profile FROM augur.version_profiles LIMIT 1$$, '42501', NULL, 'but does not add to it');
SET ROLE reg_mate;
SELECT is(augur.promote('secret', 2), 2, 'so does a member of the owner');
SELECT is((SELECT actor::text FROM augur.serving_now), 'reg_mate', 'under its own name');
RESET ROLE;

-- ---- events: seen with the model, written in nobody else's name ----------------------------------------

SELECT is((SELECT string_agg(kind, ' ' ORDER BY id) FROM augur.events WHERE kind ~ 'promoted|rolled'),
		  'promoted promoted rolled_back promoted', 'every move of production is an event');
SET ROLE reg_ann;
SELECT ok(augur.emit('checked', model => 'secret') > 0, 'an owner emits events of the model');
SET ROLE reg_op;
SELECT ok(augur.emit('checked', model => 'secret') > 0, 'so does an operator');
SELECT is((SELECT owner::text || ' ' || actor FROM augur.events ORDER BY id DESC LIMIT 1), 'reg_ann reg_op',
		  'in the name of the owner');
SET ROLE reg_peer;
SELECT is((SELECT count(*) FROM augur.events), 0::bigint, 'another trainer sees none of them');
SELECT throws_ok($$INSERT INTO augur.events (kind, severity, subject, model_id, model, owner)
				 SELECT 'promoted', 'info', 'secret/9', 1, 'secret', 'reg_ann'$$, '42501', NULL,
				 'and writes none about the model');
SELECT throws_ok($$INSERT INTO augur.events (kind, severity, subject, owner) VALUES ('x', 'info', 'x', 'reg_ann')$$,
				 '42501', NULL, 'nor in the name of its owner');
SELECT throws_ok($$INSERT INTO augur.events (kind, severity, subject, actor) VALUES ('x', 'info', 'x', 'reg_ann')$$,
				 '42501', NULL, 'nor with another actor');
SELECT ok(augur.emit('mine') > 0, 'its own it does');
SET ROLE reg_ann;
SELECT is((SELECT count(*) FROM augur.events WHERE kind = 'mine'), 0::bigint, 'which others do not see');
RESET ROLE;

-- ---- what everybody sees of it -----------------------------------------------------------------------------

CREATE FUNCTION seen() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	t text;
	n bigint;
	out text[];
BEGIN
	FOREACH t IN ARRAY '{models,versions,version_chunks,aliases,alias_history,runs,params,metrics}'::text[] LOOP
		BEGIN
			EXECUTE format('SELECT count(*) FROM augur.%I', t) INTO n;
			out := out || (CASE WHEN n > 0 THEN 'rows' ELSE 'none' END);
		EXCEPTION WHEN insufficient_privilege THEN
			out := out || 'denied'::text;
		END;
	END LOOP;
	RETURN array_to_string(out, ' ');
END $$;
CREATE FUNCTION attempt(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE query;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
GRANT EXECUTE ON FUNCTION seen(), attempt(text) TO PUBLIC;

SET ROLE reg_peer;
SELECT is(seen(), 'none none none none none none none none', 'another trainer sees nothing');
SELECT is(attempt(q), code, 'another trainer: ' || q) FROM (VALUES
	($$SELECT augur.predict('secret', r) FROM (VALUES (1, 2.0)) r (a, b)$$, '42704'),
	($$SELECT augur.predict('secret/1', r) FROM (VALUES (1, 2.0)) r (a, b)$$, '42704'),
	($$SELECT augur.predict_pinned(1, r) FROM (VALUES (1, 2.0)) r (a, b)$$, '42704'),
	($$SELECT augur.promote('secret', 1)$$, '42704'),
	($$SELECT augur.rollback('secret')$$, '42704'),
	($$SELECT augur.drop_model('secret')$$, '42704'),
	($$SELECT augur.grant('secret', 'reg_peer')$$, '42704'),
	($$SELECT augur.set_owner('secret', 'reg_peer')$$, '42704'),
	($$SELECT augur._run_start('secret', 'a', 'classification', 't', NULL, 'y', '{}', '{}', 1, NULL)$$, '42501'),
	($$INSERT INTO augur.models (name, task, target, owner) VALUES ('x', 'regression', 'y', 'reg_ann')$$, '42501'),
	($$INSERT INTO augur.version_chunks VALUES (1, 99, 'x')$$, '42501'),
	($$INSERT INTO augur.alias_history (model_id, model, alias, action) VALUES (1, 'secret', 'x', 'drop')$$, '42501'),
	($$INSERT INTO augur.model_grants (model_id, role, privilege, owner) VALUES (1, 'reg_peer', 'predict', 'reg_peer')$$, '23503'),
	($$INSERT INTO augur.preset_roles VALUES ('reg_peer', 'admin')$$, '42501'),
	($$UPDATE augur.preset_roles SET preset = 'admin'$$, '42501'),
	($$SELECT augur.grant_preset('reg_peer', 'admin')$$, '42501'),
	($$SELECT augur.revoke_preset('reg_ann')$$, '42501'),
	($$SELECT augur._preset_drop('reg_ann')$$, '42501'),
	($$SELECT augur.refresh_presets()$$, '42501'),
	($$TRUNCATE augur.models CASCADE$$, '42501'),
	($$ALTER TABLE augur.versions DISABLE TRIGGER USER$$, '42501'),
	($$DROP TABLE augur.aliases$$, '42501'),
	($$SELECT augur.drift('secret', 'own_rows')$$, '42704'),
	($$INSERT INTO augur.version_profiles SELECT 1, 'feature', 'x', NULL, augur.profile(1)$$, '42501'),
	($$SELECT augur._model_locked('secret', 'own')$$, '42704')) t (q, code);
SELECT is((SELECT count(*) FROM augur.version_profiles), 0::bigint, 'nor what it was trained on');
SELECT is(attempt(q), 'done', 'no effect on rows unseen: ' || q) FROM (VALUES
	('UPDATE augur.models SET owner = ''reg_peer'''), ('DELETE FROM augur.models'), ('DELETE FROM augur.runs'),
	('UPDATE augur.versions SET status = ''archived'''), ('DELETE FROM augur.aliases'),
	('UPDATE augur.runs SET status = ''failed''')) t (q);
RESET ROLE;
SELECT is((SELECT count(*) FROM augur.models WHERE owner = 'reg_ann'::regrole), 1::bigint, 'nothing happened');
SELECT is((SELECT count(*) FROM augur.versions WHERE status = 'ready'), 2::bigint, 'to versions neither');

SET ROLE reg_bob;
SELECT is(seen(), 'none none none none denied denied denied denied', 'a predictor without a grant');
SELECT is(attempt($$SELECT augur.predict('secret', o) FROM own_rows o$$), '42704', 'cannot predict');
SET ROLE reg_eve;
SELECT is(seen(), 'none none denied none none none none none', 'a reader without a grant');
SET ROLE reg_stranger;
SELECT is(seen(), 'denied denied denied denied denied denied denied denied', 'a stranger sees nothing');
SELECT is(attempt($$SELECT augur.predict('secret', o) FROM own_rows o$$), '42501', 'and can call nothing');
SELECT is(attempt($$SELECT augur.version()$$), '42501', 'nothing at all');

-- ---- grants on the model ---------------------------------------------------------------------------------------

SET ROLE reg_ann;
SELECT lives_ok($$SELECT augur.grant('secret', 'reg_bob'), augur.grant('secret', 'reg_bob'), augur.grant('secret', 'reg_eve', 'read')$$, 'grants, and the same again');
SELECT is(attempt(q), code, q) FROM (VALUES
	($$SELECT augur.grant('secret', 'reg_nobody')$$, '42704'),
	($$SELECT augur.grant('secret', 'reg_bob', 'train')$$, '22023'),
	($$SELECT augur.grant('secret', 'reg_bob', NULL)$$, '22023'),
	($$SELECT augur.revoke('secret', 'reg_bob', 'train')$$, '22023'),
	($$SELECT augur.set_owner('secret', 'reg_bob')$$, '42501'),
	($$SELECT augur.set_owner('secret', 'public')$$, '22023'),
	($$UPDATE augur.models SET name = 'x'$$, '42501'),
	($$UPDATE augur.versions SET sha256 = sha256('x')$$, '42501'),
	($$UPDATE augur.version_chunks SET bytes = 'x'$$, '42501'),
	($$DELETE FROM augur.version_chunks$$, '42501'),
	($$UPDATE augur.alias_history SET reason = 'x'$$, '42501'),
	($$DELETE FROM augur.alias_history$$, '42501'),
	($$INSERT INTO augur.alias_history (model_id, model, alias, action, actor) VALUES (1, 'secret', 'x', 'drop', 'reg_bob')$$, '42501'),
	($$INSERT INTO augur.alias_history (model_id, model, alias, action, at) VALUES (1, 'secret', 'x', 'drop', now())$$, '42501'),
	($$UPDATE augur.metrics SET value = 1$$, '42501'),
	($$DELETE FROM augur.metrics$$, '42501'),
	($$INSERT INTO augur.metrics SELECT id, 'holdout', 'fake', '', 1 FROM augur.runs LIMIT 1$$, '42501'),
	($$INSERT INTO augur.params SELECT id, 'fake', '1' FROM augur.runs LIMIT 1$$, '42501'),
	($$INSERT INTO augur.version_chunks SELECT id, 99, 'x' FROM augur.versions LIMIT 1$$, '42501'),
	($$INSERT INTO augur.models (name, task, target, created_by) VALUES ('x', 'regression', 'y', 'reg_bob')$$, '42501')) t (q, code);
SET ROLE reg_bob;
SELECT is(seen(), 'rows rows rows rows denied denied denied denied', 'a predictor with a grant sees what it needs');
SELECT is(attempt($$SELECT augur.predict('secret', o) FROM own_rows o$$), 'done', 'and predicts');
SELECT is(attempt(q), code, 'predictor: ' || q) FROM (VALUES
	($$SELECT augur.promote('secret', 1)$$, '42501'),
	($$SELECT augur.train('mine', 'own_rows', 'y')$$, '42501'),
	($$SELECT augur.drop_model('secret')$$, '42501'),
	($$DELETE FROM augur.models$$, '42501'),
	($$SELECT * FROM augur.leaderboard$$, '42501'),
	($$SELECT * FROM augur.version_profiles$$, '42501'),
	($$SELECT * FROM augur.drift('secret', 'own_rows')$$, '42501'),
	($$SELECT * FROM augur.drift_profiles('secret', '{}', '{}')$$, '42501'),
	($$SELECT augur.model_drift_report('secret', 'own_rows')$$, '42501'),
	($$SELECT * FROM augur.evaluate('secret', 'own_rows')$$, 'done'),
	($$SELECT augur.auc(y, augur.predict('secret', o)) FROM own_rows o$$, 'done')) t (q, code);
SET ROLE reg_eve;
SELECT is(seen(), 'rows rows denied rows rows rows rows rows', 'a reader with a grant sees metadata');
SELECT is(attempt($$SELECT augur.predict('secret/1', o) FROM own_rows o$$), '42501', 'and cannot predict');
SELECT is(attempt(q), '42501', 'what it was trained on is not metadata: ' || q) FROM (VALUES
	($$SELECT * FROM augur.version_profiles$$),
	($$SELECT * FROM augur.drift('secret', 'own_rows')$$),
	($$SELECT * FROM augur.drift_profiles('secret', '{}', '{}')$$),
	($$SELECT augur.model_drift_report('secret', 'own_rows')$$)) t (q);
SELECT is((SELECT count(*) FROM augur.serving_now), 1::bigint, 'serving_now');
SELECT is((SELECT count(*) FROM augur.version_lineage), 2::bigint, 'version_lineage');
-- a grant to read alone does not let a role with the right preset predict
SET ROLE reg_ann;
SELECT lives_ok($$SELECT augur.revoke('secret', 'reg_bob'), augur.grant('secret', 'reg_bob', 'read')$$, 'take back, give read');
SET ROLE reg_bob;
SELECT is(seen(), 'rows rows none rows denied denied denied denied', 'read shows no bytes');
SELECT isnt(attempt($$SELECT augur.predict('secret/2', o) FROM own_rows o$$), 'done', 'and the cache of this session does not help');
SET ROLE reg_ann;
SELECT lives_ok($$SELECT augur.revoke('secret', 'reg_bob'), augur.grant('secret', 'public')$$, 'to everybody');
SET ROLE reg_bob;
SELECT is(attempt($$SELECT augur.predict('secret', o) FROM own_rows o$$), 'done', 'a predictor uses a public model');
SET ROLE reg_ann;
SELECT lives_ok($$SELECT augur.revoke('secret', 'public', 'predict')$$, 'predict alone');
SELECT is((SELECT count(*) FROM augur.model_grants), 1::bigint, 'leaves the reader''s grant');

-- ---- operators and admins ---------------------------------------------------------------------------------------

SET ROLE reg_op;
SELECT is(seen(), 'rows rows rows rows rows rows rows rows', 'an operator sees every model');
SELECT is((SELECT count(DISTINCT version_id) FROM augur.version_profiles), 2::bigint, 'and what it was trained on');
SELECT is(attempt(q), code, 'operator: ' || q) FROM (VALUES
	($$SELECT * FROM augur.drift('secret', 'own_rows')$$, 'done'),
	($$SELECT augur.model_drift_report('secret', 'own_rows')$$, 'done'),
	($$INSERT INTO augur.version_profiles SELECT version_id, part, 'x', NULL, profile FROM augur.version_profiles LIMIT 1$$, '42501'),
	($$DELETE FROM augur.version_profiles$$, '42501'),
	($$UPDATE augur.version_profiles SET importance = 1$$, '42501'),
	($$SELECT augur.promote('secret', 1)$$, 'done'),
	($$SELECT augur.promote('secret', 1, 'canary')$$, 'done'),
	($$SELECT augur.rollback('secret')$$, 'done'),
	($$SELECT augur.drop_alias('secret', 'canary')$$, 'done'),
	($$SELECT augur.predict('secret', o) FROM own_rows o$$, 'done'),
	($$SELECT augur.drop_version('secret', 1)$$, '42501'),
	($$SELECT augur.drop_model('secret')$$, '42501'),
	($$SELECT augur.grant('secret', 'reg_op')$$, '42501'),
	($$SELECT augur.set_owner('secret', 'reg_op')$$, '42501'),
	($$UPDATE augur.models SET owner = 'reg_op'$$, '42501'),
	($$UPDATE augur.models SET metric = 'rmse'$$, '42501'),
	($$SELECT augur.train('secret', 'own_rows', 'y')$$, '42501')) t (q, code);
SET ROLE reg_adm;
SELECT is(attempt(q), code, 'admin: ' || q) FROM (VALUES
	($$SELECT * FROM augur.drift('secret', 'own_rows')$$, 'done'),
	($$SELECT augur.promote('secret', 1)$$, 'done'),
	($$SELECT augur.grant('secret', 'reg_bob')$$, 'done'),
	($$SELECT augur.revoke('secret', 'reg_bob')$$, 'done'),
	($$SELECT augur.set_owner('secret', 'reg_peer')$$, '42501'),
	($$SELECT augur.grant_preset('reg_adm', 'admin')$$, '42501')) t (q, code);
RESET ROLE;
GRANT reg_peer TO reg_ann;
SET ROLE reg_ann;
SELECT lives_ok($$SELECT augur.set_owner('secret', 'reg_peer')$$, 'an owner hands over to a role of its own');
RESET ROLE;
REVOKE reg_peer FROM reg_ann;
SELECT is((SELECT count(*) FROM augur.model_grants WHERE owner = 'reg_peer'::regrole), 1::bigint, 'grants follow the owner');
SET ROLE reg_ann;
SELECT is(seen(), 'none none none none none none none none', 'and it is gone for the former owner');
SET ROLE reg_adm;
SELECT is(attempt($$SELECT augur.drop_model('secret')$$), 'done', 'an admin drops any model');
SELECT cmp_ok((SELECT count(*) FROM augur.model_history), '>', 0::bigint, 'and still sees its history');
SET ROLE reg_peer;
SELECT is((SELECT count(*) FROM augur.model_history), 0::bigint, 'others do not');
RESET ROLE;

-- ---- what an owner trained on may be a view that is code: others do not run it ----------------------------

GRANT CREATE ON SCHEMA public TO reg_ann;
SET ROLE reg_ann;
CREATE TABLE own_days AS SELECT date '2024-01-01' + i AS t, i AS y FROM generate_series(1, 20) i;
SELECT ok((augur.train_forecast('trap', 'own_days', 't', 'y', method => 'drift', promote => 'always')).version = 1,
		  'a forecaster is trained');
SELECT cmp_ok((SELECT count(*) FROM augur.store_forecast('trap', 2)), '>', 0::bigint, 'and its forecast kept');
SELECT augur.set_retrain_policy('trap', new_rows => 1);
ALTER TABLE own_days RENAME TO true_days;
CREATE FUNCTION trap(date) RETURNS date LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION USING ERRCODE = 'XX001', MESSAGE = 'ran as ' || current_user; END$$;
CREATE VIEW own_days WITH (security_invoker = true) AS SELECT trap(t) AS t, y FROM true_days;
GRANT SELECT ON own_days, true_days TO PUBLIC;
GRANT EXECUTE ON FUNCTION trap(date) TO PUBLIC;
SET ROLE reg_op;
SELECT throws_ok($$SELECT augur.forecast_accuracy('trap')$$, '42501', NULL, 'accuracy without a relation is the owner''s');
SELECT throws_ok($$SELECT augur.refresh_forecast('trap')$$, '42501', NULL, 'so is refreshing');
SELECT lives_ok($$SELECT augur.forecast_accuracy('trap', 'true_days')$$, 'with a relation it is everybody''s who may see it');
-- powers over the registry are none over its owners' code
RESET ROLE;
CREATE ROLE reg_bypass BYPASSRLS;
SELECT augur.grant_preset('reg_bypass', 'operator');
SET ROLE reg_bypass;
SELECT throws_ok(format('SELECT augur.%s(%L)', f, 'trap'), '42501', 'permission denied for the relation of model "trap"',
				 f || ' is not for ' || current_user)
FROM unnest('{forecast_accuracy,refresh_forecast,check_retrain}'::text[]) f;
SET ROLE reg_adm;
SELECT throws_ok(format('SELECT augur.%s(%L)', f, 'trap'), '42501', 'permission denied for the relation of model "trap"',
				 f || ' is not for ' || current_user)
FROM unnest('{forecast_accuracy,refresh_forecast,check_retrain}'::text[]) f;
SELECT lives_ok($$SELECT augur.forecast_accuracy('trap', 'true_days')$$, 'who name the relation');
SELECT throws_ok($$SELECT augur.train_forecast('trap', 'true_days', 't', 'y', method => 'drift')$$, '42501',
				 'permission denied for model "trap"', 'an admin trains nobody''s models');
SELECT throws_ok($$SELECT augur._labelled_rows(r) FROM augur.runs r$$, '42501',
				 'permission denied for the relation of model "trap"', 'nor counts their rows');
SELECT augur.set_retrain_policy('trap', frozen => true);
SELECT is((SELECT frozen FROM augur.retrain_policies), true, 'but stops retraining');
SELECT augur.drop_retrain_policy('trap');
SELECT is((SELECT count(*) FROM augur.retrain_policies), 0::bigint, 'and takes it away');
SET ROLE reg_mate;
SELECT throws_ok($$SELECT augur.refresh_forecast('trap')$$, 'XX001', 'ran as reg_mate', 'a member of the owner trusts it');
SET ROLE reg_ann;
SELECT throws_ok($$SELECT augur.forecast_accuracy('trap')$$, 'XX001', 'ran as reg_ann', 'the owner runs its own code');
RESET ROLE;
SELECT augur.revoke_preset('reg_bypass');

-- ---- suites: their SQL runs with the rights of the caller, so it is run by members of the owner only -------

SET ROLE reg_ann;
SELECT ok(augur.create_suite('guard', 'true_days') > 0, 'a trainer makes a suite');
SELECT ok(augur.expect('guard', 'expression', args => '{"expression": "public.trap(t) IS NOT NULL"}') > 0,
		  'an expression is not run when it is written');
SET ROLE reg_op;
SELECT is((SELECT count(*) FROM augur.suites), 1::bigint, 'an operator sees the suite');
SELECT throws_ok($$SELECT augur.validate('guard')$$, '42501', NULL, 'and may not run it');
SELECT throws_ok($$SELECT augur.validation_sql('guard')$$, '42501', NULL, 'nor have it compiled');
SELECT throws_ok($$SELECT augur.expect('guard', 'not_null', 't')$$, '42501', NULL, 'nor change it');
SELECT throws_ok($$INSERT INTO augur.expectations (suite_id, kind, columns) SELECT id, 'not_null', '{t}' FROM augur.suites$$,
				 '42501', NULL, 'nor write into its table');
SET ROLE reg_peer;
SELECT is((SELECT count(*) FROM augur.suites), 0::bigint, 'another trainer does not see it');
SELECT throws_ok($$SELECT augur.validate('guard')$$, '42704', NULL, 'or run it');
SET ROLE reg_mate;
SELECT is((augur.validate('guard')).status, 'error', 'a member of the owner runs it');
SELECT is((SELECT message FROM augur.validation_latest), 'ran as reg_mate', 'with its own rights');
RESET ROLE;

-- ---- presets as such -----------------------------------------------------------------------------------------------

SELECT is(attempt(q), code, q) FROM (VALUES
	($$SELECT augur.grant_preset('reg_bob', 'god')$$, '22023'),
	($$SELECT augur.grant_preset('reg_bob', NULL)$$, '22023'),
	($$SELECT augur.grant_preset('public', 'reader')$$, '22023'),
	($$SELECT augur.grant_preset('reg_nobody', 'reader')$$, '42704')) t (q, code);
CREATE FUNCTION rights(role regrole) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(what, E'\n' ORDER BY what) FROM (
		SELECT format('%s %s %s', c.oid::regclass, a.privilege_type, at.attname) AS what
		FROM pg_class c LEFT JOIN pg_attribute at ON at.attrelid = c.oid AND at.attacl IS NOT NULL,
			LATERAL aclexplode(coalesce(at.attacl, c.relacl)) a
		WHERE c.relnamespace = 'augur'::regnamespace AND a.grantee = role
		UNION ALL SELECT format('%s %s', c.oid::regclass, a.privilege_type)
		FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = 'augur'::regnamespace AND a.grantee = role
		UNION ALL SELECT f.oid::regprocedure::text
		FROM pg_proc f, aclexplode(f.proacl) a WHERE f.pronamespace = 'augur'::regnamespace AND a.grantee = role
		UNION ALL SELECT n.nspname FROM pg_namespace n, aclexplode(n.nspacl) a
		WHERE n.nspname = 'augur' AND a.grantee = role) r
$$;
SELECT augur.grant_preset('reg_bob', 'predictor');
SELECT rights('reg_bob') AS once \gset
SELECT augur.grant_preset('reg_bob', 'predictor');
SELECT is(rights('reg_bob'), :'once', 'the same preset twice is the same');
SELECT augur.grant_preset('reg_bob', 'admin');
SELECT isnt(rights('reg_bob'), :'once', 'another one replaces it');
SELECT augur.grant_preset('reg_bob', 'predictor');
SELECT is(rights('reg_bob'), :'once', 'and leaves nothing behind');
SELECT is(augur.refresh_presets(), 7, 'all presets are given again');
SELECT is(rights('reg_bob'), :'once', 'unchanged');
SELECT lives_ok($$SELECT augur.revoke_preset('reg_bob')$$, 'revoke a preset');
SELECT is(rights('reg_bob'), NULL, 'takes all');
REVOKE ALL ON own_rows FROM reg_bob;
SELECT lives_ok('DROP ROLE reg_bob', 'the role can be dropped');
SELECT isnt(attempt('DROP ROLE reg_eve'), 'done', 'one with a preset cannot');
SELECT is((SELECT array_agg(DISTINCT a.privilege_type::text) FROM pg_class c, aclexplode(c.relacl) a
		   WHERE c.relnamespace = 'augur'::regnamespace AND a.grantee = 'reg_eve'::regrole), '{SELECT}', 'readers only read');
SELECT is((SELECT count(*) FROM pg_proc f, aclexplode(f.proacl) a
		   WHERE f.pronamespace = 'augur'::regnamespace AND a.grantee = 'reg_eve'::regrole AND f.provolatile = 'v'),
		  0::bigint, 'and call nothing that writes');

-- ---- rules for every object of the extension ------------------------------------------------------------------------

CREATE TEMP VIEW members AS
SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'augur';
CREATE TEMP VIEW functions AS
SELECT f.*, f.oid::regprocedure::text AS signature, l.lanname FROM pg_proc f JOIN pg_language l ON l.oid = f.prolang
WHERE (f.tableoid, f.oid) IN (SELECT * FROM members);
-- These run nothing that a user wrote, and each says in its comment why: writers of events and the
-- janitor act on rows of others; sessions are cancelled only for runs that somebody may stop.
SELECT is((SELECT array_agg(signature) FROM functions WHERE prosecdef
		   AND proname <> ALL ('{_notification_counts,_notification_retention,_notify_event,_cancel_sessions,_chain_depth,_cron,_health_server,_last_tick,_make_tick_job,_may_tick,_pipeline_event,_pool_free,_queue_due,_table_changed,_wake_pool}')),
		  NULL, 'no other function runs as its owner');
SELECT is((SELECT array_agg(signature) FROM functions, aclexplode(coalesce(proacl, acldefault('f', proowner))) a
		   WHERE a.grantee = 0), NULL, 'no function is PUBLIC''s');
SELECT is((SELECT array_agg(c.oid::regclass::text) FROM pg_class c, aclexplode(c.relacl) a
		   WHERE (c.tableoid, c.oid) IN (SELECT * FROM members) AND a.grantee = 0), NULL, 'no table is');
SELECT is((SELECT array_agg(signature) FROM functions WHERE lanname IN ('sql', 'plpgsql')
		   -- procedures that commit cannot, and set it themselves; one keeps the caller's for the steps
		   AND prokind <> 'p' AND proname <> 'create_pipeline'
		   AND NOT coalesce(proconfig, '{}') @> '{"search_path=pg_catalog, augur, pg_temp"}'), NULL,
		  'every SQL and PL/pgSQL function fixes its search_path');
SELECT is((SELECT array_agg(signature) FROM functions WHERE proparallel = 's' AND provolatile = 'v'), NULL,
		  'nothing volatile is parallel safe');
SELECT is((SELECT array_agg(signature) FROM functions WHERE coalesce(obj_description(oid, 'pg_proc'), '') = ''), NULL,
		  'every function has a comment');
SELECT is((SELECT array_agg(c.oid::regclass::text) FROM pg_class c WHERE (c.tableoid, c.oid) IN (SELECT * FROM members)
		   AND c.relkind IN ('r', 'v') AND coalesce(obj_description(c.oid, 'pg_class'), '') = ''), NULL,
		  'every table and view has a comment');
SELECT is((SELECT array_agg(c.oid::regclass::text) FROM pg_class c WHERE (c.tableoid, c.oid) IN (SELECT * FROM members)
		   AND c.relkind = 'r' AND NOT c.relrowsecurity), NULL, 'every table has row level security');
SELECT is((SELECT array_agg(c.oid::regclass::text) FROM pg_class c WHERE (c.tableoid, c.oid) IN (SELECT * FROM members)
		   AND c.relkind = 'v'
		   AND EXISTS (SELECT FROM pg_rewrite w JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
					   JOIN pg_class t ON d.refclassid = 'pg_class'::regclass AND t.oid = d.refobjid AND t.relkind = 'r'
					   WHERE w.ev_class = c.oid)
		   AND NOT coalesce(c.reloptions, '{}') && '{security_invoker=true,security_invoker=on}'), NULL,
		  'every view of tables asks its reader''s rights');
SELECT is((SELECT array_agg(c.oid::regclass::text) FROM pg_class c, pg_extension e
		   WHERE (c.tableoid, c.oid) IN (SELECT * FROM members) AND c.relkind IN ('r', 'S') AND e.extname = 'augur'
		   AND c.oid <> ALL (e.extconfig)
		   -- what waits to be sent, and what deliverers found out: a restored database tells nothing old
		   AND c.relname !~ '^(notifications|notification_attempts)(_id_seq)?$|^channel_states$'), NULL,
		  'every table and every sequence is dumped');

SELECT * FROM finish();
ROLLBACK;
