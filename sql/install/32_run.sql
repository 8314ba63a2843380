-- registry: how a training writes its run, version and metrics (docs/architecture.md).
--
-- All of it happens in the transaction of the training: an error leaves nothing behind.

CREATE OR REPLACE FUNCTION augur._may_train(model text, task text, target text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	m			augur.models;
BEGIN
	PERFORM augur._check_model_name(model);
	SELECT * INTO m FROM augur.models t WHERE t.name = model;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	-- unlike other things that owners do, no admin does this for them: versions are their work
	IF NOT pg_has_role(m.owner, 'USAGE') AND row_security_active('augur.runs') THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('permission denied for model "%s"', model),
			DETAIL = 'A model of this name belongs to another role.',
			HINT = 'Choose another name, or ask for membership in its owner.';
	END IF;
	IF m.task <> _may_train.task OR m.target <> _may_train.target THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('model "%s" does %s of "%s", not %s of "%s"', model, m.task, m.target,
							 coalesce(_may_train.task, 'a prediction'), _may_train.target),
			DETAIL = 'All versions of a model have the same task and target.',
			HINT = 'Train under another name, or use augur.drop_model first.';
	END IF;
END
$$;
COMMENT ON FUNCTION augur._may_train(text, text, text) IS
'Internal. Raises an error unless the caller may train a model of that name for the task (NULL: not
known yet) and target; a model that the caller cannot see passes.';

CREATE OR REPLACE FUNCTION augur._run_start(model text, algorithm text, task text, relation text,
	query text, target text, config jsonb, params jsonb, seed bigint, note text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	m			augur.models;
	run			bigint;
BEGIN
	PERFORM augur._may_train(model, task, target);
	-- looked for first: an insert would wait for whoever is changing the row
	SELECT * INTO m FROM augur.models t WHERE t.name = model;
	IF NOT FOUND THEN
		INSERT INTO augur.models (name, task, target)
		VALUES (model, _run_start.task, _run_start.target) ON CONFLICT DO NOTHING;
		-- by somebody else meanwhile, perhaps
		PERFORM augur._may_train(model, task, target);
		SELECT * INTO m FROM augur.models t WHERE t.name = model;
	END IF;
	-- the name may be taken by a model that the caller cannot see
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('permission denied for model "%s"', model),
			DETAIL = 'A model of this name belongs to another role.',
			HINT = 'Choose another name, or ask for membership in its owner.';
	END IF;
	INSERT INTO augur.runs (model_id, algorithm, task, relation, query, target, config, seed, note,
							extension_version)
	SELECT m.id, _run_start.algorithm, _run_start.task, _run_start.relation, _run_start.query,
		_run_start.target, coalesce(_run_start.config, '{}'), _run_start.seed, _run_start.note,
		e.extversion
	FROM pg_extension e WHERE e.extname = 'augur'
	RETURNING id INTO run;
	INSERT INTO augur.params (run_id, name, value)
	SELECT run, p.key, p.value FROM jsonb_each(coalesce(_run_start.params, '{}')) p;
	RETURN run;
END
$$;
COMMENT ON FUNCTION augur._run_start(text, text, text, text, text, text, jsonb, jsonb, bigint, text) IS
'Internal. Opens a run, and makes the model when it is new; returns the id of the run.';

CREATE OR REPLACE FUNCTION augur._leading_metric(task text, signature jsonb,
	OUT metric text, OUT higher_is_better boolean)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT CASE WHEN task = 'regression' THEN 'rmse' WHEN task = 'forecasting' THEN 'mase'
				WHEN c.n = 2 THEN 'auc' ELSE 'log_loss' END,
		task = 'classification' AND c.n = 2
	FROM (SELECT coalesce(jsonb_array_length(signature -> 'classes'), 0) AS n) c
$$;
COMMENT ON FUNCTION augur._leading_metric(text, jsonb) IS
'Internal. The metric that decides about promotion, and its direction.';

CREATE OR REPLACE FUNCTION augur._version_create(run_id bigint, artifact_format integer,
	size bigint, sha256 bytea, signature jsonb, OUT version_id bigint, OUT version integer)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	r			augur.runs;
	lead_metric		record;
BEGIN
	SELECT * INTO r FROM augur.runs t WHERE t.id = _version_create.run_id;
	IF NOT FOUND OR r.status <> 'running' THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('run %s is not running', _version_create.run_id);
	END IF;
	lead_metric := augur._leading_metric(r.task, _version_create.signature);
	UPDATE augur.models m
	SET next_version = m.next_version + 1, metric = lead_metric.metric,
		higher_is_better = lead_metric.higher_is_better
	WHERE m.id = r.model_id
	RETURNING m.next_version - 1 INTO version;
	INSERT INTO augur.versions (model_id, version, run_id, algorithm, artifact_format, size, sha256,
								signature)
	VALUES (r.model_id, _version_create.version, r.id, r.algorithm, _version_create.artifact_format,
			_version_create.size, _version_create.sha256, _version_create.signature)
	RETURNING id INTO version_id;
END
$$;
COMMENT ON FUNCTION augur._version_create(bigint, integer, bigint, bytea, jsonb) IS
'Internal. Makes the next version of the run''s model, in status pending.';

CREATE OR REPLACE FUNCTION augur._metric_set(run_id bigint, split text, name text, class text,
	value float8, lower float8, upper float8, n bigint) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	INSERT INTO augur.metrics (run_id, split, name, class, value, lower, upper, n)
	VALUES (_metric_set.run_id, _metric_set.split, _metric_set.name,
			coalesce(_metric_set.class, ''), nullif(_metric_set.value, 'NaN'),
			nullif(_metric_set.lower, 'NaN'), nullif(_metric_set.upper, 'NaN'), _metric_set.n)
$$;
COMMENT ON FUNCTION augur._metric_set(bigint, text, text, text, float8, float8, float8, bigint) IS
'Internal. Records one metric of a running run; NaN is stored as NULL.';

CREATE OR REPLACE FUNCTION augur._version_ready(version_id bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	v			augur.versions;
	c			record;
BEGIN
	SELECT * INTO v FROM augur.versions t WHERE t.id = _version_ready.version_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('version id %s does not exist', _version_ready.version_id);
	END IF;
	SELECT count(*) AS n, max(t.seq) AS last, coalesce(sum(octet_length(t.bytes)), 0) AS size
	INTO c FROM augur.version_chunks t WHERE t.version_id = v.id;
	IF c.size <> v.size OR c.last <> c.n - 1 THEN
		RAISE EXCEPTION USING ERRCODE = 'data_corrupted',
			MESSAGE = format('version %s has %s bytes in %s pieces instead of %s bytes',
							 v.version, c.size, c.n, v.size);
	END IF;
	UPDATE augur.versions t SET status = 'ready' WHERE t.id = v.id;
END
$$;
COMMENT ON FUNCTION augur._version_ready(bigint) IS
'Internal. Moves a version from pending to ready when all of its bytes are there.';

CREATE OR REPLACE FUNCTION augur._run_finish(run_id bigint, status text, rows_used bigint,
	rows_skipped bigint, seconds float8, warnings text[], info jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	UPDATE augur.runs r
	SET status = _run_finish.status, ended_at = clock_timestamp(),
		rows_used = _run_finish.rows_used, rows_skipped = _run_finish.rows_skipped,
		seconds = _run_finish.seconds, warnings = coalesce(_run_finish.warnings, '{}'),
		info = coalesce(_run_finish.info, '{}')
	WHERE r.id = _run_finish.run_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('run %s does not exist', _run_finish.run_id);
	END IF;
END
$$;
COMMENT ON FUNCTION augur._run_finish(bigint, text, bigint, bigint, float8, text[], jsonb) IS
'Internal. Closes a run as finished or failed.';
