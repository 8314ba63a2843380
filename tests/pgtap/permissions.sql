-- The permission matrix (R19): every function of the extension, and who may execute it. A function that
-- has no row here fails the test: decide about its rights, then add the row.
--   read	writes nothing: every preset
--   write	trainers, operators, admins
--   admin	superusers and the extension's owner only
\set QUIET on
BEGIN;
SET LOCAL client_min_messages = error;
SELECT no_plan();

CREATE TEMP TABLE expected (signature text PRIMARY KEY, class text NOT NULL);
INSERT INTO expected VALUES
	('augur."grant"(text,name,text)', 'write'),
	('augur."precision"("any","any")', 'read'),
	('augur."precision"("any","any",text)', 'read'),
	('augur._absolute_add(double precision[],double precision,double precision)', 'read'),
	('augur._algorithms()', 'read'),
	('augur._alias_move(augur.models,text,bigint,text,text)', 'write'),
	('augur._auc(internal)', 'read'),
	('augur._balanced_accuracy(internal)', 'read'),
	('augur._brier_add(double precision[],boolean,double precision)', 'read'),
	('augur._cache_invalidate()', 'write'),
	('augur._calibration(double precision[])', 'read'),
	('augur._calibration_add(double precision[],boolean,double precision)', 'read'),
	('augur._calibration_add(double precision[],boolean,double precision,integer)', 'read'),
	('augur._calibration_combine(double precision[],double precision[])', 'read'),
	('augur._check_alias(text)', 'read'),
	('augur._check_model_name(text)', 'read'),
	('augur._confusion(internal)', 'read'),
	('augur._coverage_add(double precision[],double precision,double precision,double precision)', 'read'),
	('augur._equal_add(double precision[],"any","any")', 'read'),
	('augur._f1(internal)', 'read'),
	('augur._guard_alias()', 'write'),
	('augur._guard_append_only()', 'write'),
	('augur._guard_chunk()', 'write'),
	('augur._guard_model()', 'write'),
	('augur._guard_run()', 'write'),
	('augur._guard_run_part()', 'write'),
	('augur._guard_version()', 'write'),
	('augur._ingest_report(text,text,jsonb)', 'write'),
	('augur._label_add(internal,"any","any")', 'read'),
	('augur._label_add(internal,"any","any",text)', 'read'),
	('augur._label_combine(internal,internal)', 'read'),
	('augur._label_deserialize(bytea,internal)', 'read'),
	('augur._label_serialize(internal)', 'read'),
	('augur._leading_metric(text,jsonb)', 'read'),
	('augur._lift(internal)', 'read'),
	('augur._log_loss_add(double precision[],boolean,double precision)', 'read'),
	('augur._mcc(internal)', 'read'),
	('augur._mean(double precision[])', 'read'),
	('augur._metric_set(bigint,text,text,text,double precision,double precision,double precision,bigint)', 'write'),
	('augur._model(text)', 'read'),
	('augur._model_locked(text,text)', 'write'),
	('augur._operates(regrole)', 'read'),
	('augur._owns(regrole)', 'read'),
	('augur._pinball_add(double precision[],double precision,double precision,double precision)', 'read'),
	('augur._pr_auc(internal)', 'read'),
	('augur._precision(internal)', 'read'),
	('augur._preset_drop(regrole)', 'admin'),
	('augur._preset_functions(text)', 'read'),
	('augur._preset_privileges(text)', 'read'),
	('augur._production_version(text)', 'read'),
	('augur._progress()', 'read'),
	('augur._promote(augur.models,bigint,text,text,text)', 'write'),
	('augur._promote_if(bigint,text,bigint)', 'write'),
	('augur._r2(double precision[])', 'read'),
	('augur._r2_add(double precision[],double precision,double precision)', 'read'),
	('augur._r2_combine(double precision[],double precision[])', 'read'),
	('augur._random_forest_collect(internal,anyelement,record)', 'read'),
	('augur._random_forest_collect(internal,anyelement,record,jsonb)', 'read'),
	('augur._random_forest_train(internal)', 'read'),
	('augur._rank_add(internal,boolean,double precision)', 'read'),
	('augur._rank_add(internal,boolean,double precision,integer)', 'read'),
	('augur._rank_combine(internal,internal)', 'read'),
	('augur._rank_deserialize(bytea,internal)', 'read'),
	('augur._rank_serialize(internal)', 'read'),
	('augur._recall(internal)', 'read'),
	('augur._relative_add(double precision[],double precision,double precision)', 'read'),
	('augur._roc(internal)', 'read'),
	('augur._role(name)', 'read'),
	('augur._root(double precision[])', 'read'),
	('augur._run_finish(bigint,text,bigint,bigint,double precision,text[],jsonb)', 'write'),
	('augur._run_start(text,text,text,text,text,text,jsonb,jsonb,bigint,text)', 'write'),
	('augur._scaled(double precision[])', 'read'),
	('augur._scaled_add(double precision[],double precision,double precision,double precision)', 'read'),
	('augur._squared_add(double precision[],double precision,double precision)', 'read'),
	('augur._sum_combine(double precision[],double precision[])', 'read'),
	('augur._symmetric_add(double precision[],double precision,double precision)', 'read'),
	('augur._version(augur.models,integer)', 'read'),
	('augur._version_create(bigint,integer,bigint,bytea,jsonb)', 'write'),
	('augur._version_ready(bigint)', 'write'),
	('augur._version_store(bigint,augur.model)', 'write'),
	('augur.accuracy("any","any")', 'read'),
	('augur.auc(boolean,double precision)', 'read'),
	('augur.balanced_accuracy("any","any")', 'read'),
	('augur.brier(boolean,double precision)', 'read'),
	('augur.calibration(boolean,double precision)', 'read'),
	('augur.calibration(boolean,double precision,integer)', 'read'),
	('augur.classify(augur.model,record)', 'read'),
	('augur.classify(text,record)', 'read'),
	('augur.confusion("any","any")', 'read'),
	('augur.coverage(double precision,double precision,double precision)', 'read'),
	('augur.drop_alias(text,text,text)', 'write'),
	('augur.drop_model(text)', 'write'),
	('augur.drop_version(text,integer)', 'write'),
	('augur.evaluate(text,regclass,name)', 'read'),
	('augur.f1("any","any")', 'read'),
	('augur.f1("any","any",text)', 'read'),
	('augur.features(text)', 'read'),
	('augur.grant_preset(name,text)', 'admin'),
	('augur.hyperparameters(text)', 'read'),
	('augur.importance(text,regclass,integer)', 'read'),
	('augur.lift(boolean,double precision)', 'read'),
	('augur.lift(boolean,double precision,integer)', 'read'),
	('augur.log_loss(boolean,double precision)', 'read'),
	('augur.mae(double precision,double precision)', 'read'),
	('augur.mape(double precision,double precision)', 'read'),
	('augur.mase(double precision,double precision,double precision)', 'read'),
	('augur.mcc("any","any")', 'read'),
	('augur.model_in(cstring)', 'read'),
	('augur.model_info(augur.model)', 'read'),
	('augur.model_info(text)', 'read'),
	('augur.model_out(augur.model)', 'read'),
	('augur.model_recv(internal)', 'read'),
	('augur.model_send(augur.model)', 'read'),
	('augur.pinball(double precision,double precision,double precision)', 'read'),
	('augur.pr_auc(boolean,double precision)', 'read'),
	('augur.predict(augur.model,record)', 'read'),
	('augur.predict(text,record)', 'read'),
	('augur.predict_array(text,double precision[])', 'read'),
	('augur.predict_full(augur.model,record,double precision)', 'read'),
	('augur.predict_full(text,record,double precision)', 'read'),
	('augur.predict_json(text,jsonb)', 'read'),
	('augur.predict_pinned(bigint,record)', 'read'),
	('augur.probabilities(augur.model,record)', 'read'),
	('augur.probabilities(text,record)', 'read'),
	('augur.promote(text,integer,text,text)', 'write'),
	('augur.r2(double precision,double precision)', 'read'),
	('augur.random_forest_agg(anyelement,record)', 'read'),
	('augur.random_forest_agg(anyelement,record,jsonb)', 'read'),
	('augur.recall("any","any")', 'read'),
	('augur.recall("any","any",text)', 'read'),
	('augur.refresh_presets()', 'admin'),
	('augur.register(text,augur.model,text,text)', 'write'),
	('augur.revoke(text,name,text)', 'write'),
	('augur.revoke_preset(name)', 'admin'),
	('augur.rmse(double precision,double precision)', 'read'),
	('augur.roc(boolean,double precision)', 'read'),
	('augur.rollback(text,text)', 'write'),
	('augur.set_owner(text,name)', 'write'),
	('augur.set_status(text,integer,text)', 'write'),
	('augur.smape(double precision,double precision)', 'read'),
	('augur.train(text,regclass,name,name[],name[],text,text,name,name,name,name[],text,jsonb,jsonb,text,jsonb,jsonb,jsonb,text,bigint,text)', 'write'),
	('augur.train_query(text,text,name,name[],name[],text,text,name,name,name,name[],text,jsonb,jsonb,text,jsonb,jsonb,jsonb,text,bigint,text)', 'write'),
	('augur.version()', 'read');

CREATE TEMP VIEW present AS
SELECT f.oid, f.oid::regprocedure::text AS signature FROM pg_proc f
WHERE f.pronamespace = 'augur'::regnamespace
AND EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'augur'
			WHERE d.classid = 'pg_proc'::regclass AND d.objid = f.oid AND d.deptype = 'e');
SELECT is((SELECT array_agg(signature ORDER BY signature) FROM present
		   WHERE signature NOT IN (SELECT signature FROM expected)), NULL, 'every function has a row');
SELECT is((SELECT array_agg(signature ORDER BY signature) FROM expected
		   WHERE signature NOT IN (SELECT signature FROM present)), NULL, 'every row is a function');

CREATE ROLE mx_reader;
CREATE ROLE mx_predictor;
CREATE ROLE mx_trainer;
CREATE ROLE mx_operator;
CREATE ROLE mx_admin;
CREATE ROLE mx_stranger;
CREATE ROLE mx_super SUPERUSER;
SELECT augur.grant_preset(('mx_' || p)::name, p)
FROM unnest('{reader,predictor,trainer,operator,admin}'::text[]) p;
CREATE TEMP TABLE roles AS
SELECT role, ('mx_' || role)::name AS name
FROM unnest('{reader,predictor,trainer,operator,admin,stranger,super}'::text[]) AS r (role);

CREATE TEMP VIEW matrix AS
SELECT r.role, e.class, e.signature, has_function_privilege(r.name, p.oid, 'EXECUTE') AS may,
	CASE r.role WHEN 'super' THEN true WHEN 'stranger' THEN false
		WHEN 'reader' THEN e.class = 'read' WHEN 'predictor' THEN e.class = 'read'
		ELSE e.class <> 'admin' END AS should
FROM expected e JOIN present p USING (signature), roles r;
SELECT is((SELECT array_agg(signature ORDER BY signature) FROM matrix m
		   WHERE m.role = r.role AND may <> should),
		  NULL, format('%s: rights on %s functions', r.role, (SELECT count(*) FROM expected)))
FROM roles r;
SELECT is(has_schema_privilege(name, 'augur', 'USAGE'), role <> 'stranger', role || ': the schema')
FROM roles;
SELECT is(has_schema_privilege(name, 'augur', 'CREATE'), role = 'super', role || ': nothing new in it')
FROM roles;

-- The same for tables: s select, i insert, u update (of some column), d delete.
CREATE TEMP TABLE expected_tables (name text PRIMARY KEY, reader text, predictor text, trainer text);
INSERT INTO expected_tables VALUES
	('preset_roles', 's', 's', 's'), ('models', 's', 's', 'siud'), ('model_grants', 's', 's', 'sid'),
	('runs', 's', '', 'siud'), ('params', 's', '', 'si'), ('metrics', 's', '', 'si'),
	('versions', 's', 's', 'siud'), ('version_chunks', '', 's', 'si'),
	('alias_history', 's', '', 'si'), ('aliases', 's', 's', 'siud');
SELECT is((SELECT array_agg(relname::text ORDER BY relname) FROM pg_class
		   WHERE relnamespace = 'augur'::regnamespace AND relkind = 'r'
		   AND relname::text NOT IN (SELECT name FROM expected_tables)),
		  NULL, 'every table has a row');
CREATE FUNCTION pg_temp.rights(role name, t text) RETURNS text LANGUAGE sql AS $$
	SELECT concat(CASE WHEN has_table_privilege(role, t, 'SELECT') THEN 's' END,
		CASE WHEN has_any_column_privilege(role, t, 'INSERT') THEN 'i' END,
		CASE WHEN has_any_column_privilege(role, t, 'UPDATE') THEN 'u' END,
		CASE WHEN has_table_privilege(role, t, 'DELETE') THEN 'd' END,
		CASE WHEN has_table_privilege(role, t, 'TRUNCATE') THEN 't' END,
		CASE WHEN has_table_privilege(role, t, 'TRIGGER') THEN 'T' END,
		CASE WHEN has_table_privilege(role, t, 'REFERENCES') THEN 'R' END)
$$;
SELECT is(pg_temp.rights(r.name, 'augur.' || e.name),
		  CASE role WHEN 'reader' THEN reader WHEN 'predictor' THEN predictor
			  WHEN 'stranger' THEN '' ELSE trainer END,
		  format('%s: %s', role, e.name))
FROM expected_tables e, roles r WHERE role <> 'super';
-- who and when are never the writer's to choose
SELECT is((SELECT array_agg(format('%s.%s', c.relname, a.attname))
		   FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		   WHERE c.relnamespace = 'augur'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
		   AND (c.relname, a.attname) <> ('model_grants', 'role')
		   AND a.attname = ANY ('{id,created_by,created_at,actor,at,granted_by,granted_at,started_at,role,status_at}')
		   AND (has_column_privilege('mx_admin', c.oid, a.attnum, 'INSERT')
				OR has_column_privilege('mx_admin', c.oid, a.attnum, 'UPDATE'))),
		  NULL, 'nobody writes who did it and when');
SELECT is((SELECT array_agg(relname::text) FROM pg_class
		   WHERE relnamespace = 'augur'::regnamespace AND relkind = 'v'
		   AND (has_table_privilege('mx_stranger', oid, 'SELECT')
				OR NOT has_table_privilege('mx_reader', oid, 'SELECT')
				OR has_table_privilege('mx_admin', oid, 'INSERT, UPDATE, DELETE'))),
		  NULL, 'views are for readers, and only read');

SELECT * FROM finish();
ROLLBACK;
