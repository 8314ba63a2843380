-- registry: what guards the tables, how a training writes to them, and how people use them.
--
-- Names with an underscore are internal: train and predict call them (docs/architecture.md).
-- Every function runs as its caller; whoever moves an alias or writes a version first locks the
-- row of the model, so two promotions of one model come one after the other.

-- ---- who may ------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._owns(owner regrole) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT pg_has_role(owner, 'USAGE') OR NOT row_security_active('augur.models')
		OR EXISTS (SELECT FROM augur.preset_roles p
				   WHERE p.preset = 'admin' AND pg_has_role(p.role, 'USAGE'))
$$;
COMMENT ON FUNCTION augur._owns(regrole) IS
'Internal. Whether the current user is a member of the owner, or an admin.';

CREATE OR REPLACE FUNCTION augur._operates(owner regrole) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT augur._owns(owner)
		OR EXISTS (SELECT FROM augur.preset_roles p
				   WHERE p.preset = 'operator' AND pg_has_role(p.role, 'USAGE'))
$$;
COMMENT ON FUNCTION augur._operates(regrole) IS
'Internal. Whether the current user may move aliases of a model of this owner.';

CREATE OR REPLACE FUNCTION augur._role(role name) RETURNS regrole
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	found_role oid;
BEGIN
	IF lower(_role.role) = 'public' THEN
		RETURN 0::regrole;
	END IF;
	SELECT r.oid INTO found_role FROM pg_roles r WHERE r.rolname = _role.role;
	IF found_role IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('role "%s" does not exist', _role.role);
	END IF;
	RETURN found_role::regrole;
END
$$;
COMMENT ON FUNCTION augur._role(name) IS
'Internal. The role of a name; zero for public; an error when there is none.';

-- ---- finding models and versions ------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._check_model_name(name text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF name IS NULL OR name = '' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'model name must not be empty';
	ELSIF char_length(name) > 63 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('model name of %s characters is too long', char_length(name)),
			DETAIL = 'A model name has at most 63 characters.';
	ELSIF name ~ '[/@[:cntrl:]]' OR name <> btrim(name) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid model name %s', quote_literal(name)),
			DETAIL = 'A model name must not contain "/", "@" or control characters,'
				' nor begin or end with a space.',
			HINT = 'In a reference, "@" precedes an alias and "/" a version: churn@staging, churn/7.';
	END IF;
END
$$;
COMMENT ON FUNCTION augur._check_model_name(text) IS
'Internal. Raises an error unless the text can be the name of a model.';

CREATE OR REPLACE FUNCTION augur._check_alias(alias text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF alias IS NULL OR alias !~ '^[A-Za-z0-9_-]{1,63}$' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid alias %s', quote_nullable(alias)),
			DETAIL = 'An alias has 1 to 63 letters, digits, "_" and "-".';
	ELSIF lower(alias) ~ '^(latest|v[0-9]+)$' THEN
		RAISE EXCEPTION USING ERRCODE = 'reserved_name',
			MESSAGE = format('alias "%s" is reserved', alias),
			HINT = 'A single version is named as churn/7.';
	END IF;
END
$$;
COMMENT ON FUNCTION augur._check_alias(text) IS
'Internal. Raises an error unless the text can be the name of an alias.';

CREATE OR REPLACE FUNCTION augur._model(name text) RETURNS augur.models
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	m			augur.models;
BEGIN
	PERFORM augur._check_model_name(_model.name);
	SELECT * INTO m FROM augur.models t WHERE t.name = _model.name;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('model "%s" does not exist', _model.name),
			HINT = 'SELECT name FROM augur.models lists the models that you may see.';
	END IF;
	RETURN m;
END
$$;
COMMENT ON FUNCTION augur._model(text) IS
'Internal. The row of a model that the current user may see; an error when there is none.';

CREATE OR REPLACE FUNCTION augur._model_locked(name text, wanted text) RETURNS augur.models
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	m			augur.models := augur._model(name);
BEGIN
	IF NOT (CASE WHEN wanted = 'operate' THEN augur._operates(m.owner)
			  ELSE augur._owns(m.owner) END)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('permission denied for model "%s"', m.name),
			DETAIL = format('Only members of its owner "%s" may do this%s.',
							pg_get_userbyid(m.owner),
							CASE WHEN wanted = 'operate' THEN ', operators and admins'
								 ELSE ', and admins' END);
	END IF;
	PERFORM FROM augur.models t WHERE t.id = m.id FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('model "%s" was dropped in the meantime', m.name);
	END IF;
	-- what was read before the lock may be old
	SELECT * INTO m FROM augur.models t WHERE t.id = m.id;
	RETURN m;
END
$$;
COMMENT ON FUNCTION augur._model_locked(text, text) IS
'Internal. Checks that the current user owns (or operates) the model, and locks it until the transaction ends.';

CREATE OR REPLACE FUNCTION augur._production_version(model text) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT a.version_id FROM augur.models m JOIN augur.aliases a ON a.model_id = m.id
	WHERE m.name = model AND a.alias = 'production'
$$;
COMMENT ON FUNCTION augur._production_version(text) IS
'Internal. The version that alias production points at, NULL when there is none.';

-- ---- guards: what no privilege allows -------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._guard_append_only() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
		MESSAGE = format('%s on augur.%I is not allowed', lower(TG_OP), TG_TABLE_NAME),
		DETAIL = 'Its rows are never changed.';
END
$$;
COMMENT ON FUNCTION augur._guard_append_only() IS
'Internal. Trigger: refuses the statement.';

CREATE OR REPLACE FUNCTION augur._guard_run_part() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	-- rows go with their run only (ON DELETE CASCADE), when the run is gone already
	IF EXISTS (SELECT FROM augur.runs r WHERE r.id = OLD.run_id) THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('delete on augur.%I is not allowed', TG_TABLE_NAME),
			DETAIL = format('Run %s still has these rows.', OLD.run_id);
	END IF;
	RETURN OLD;
END
$$;
COMMENT ON FUNCTION augur._guard_run_part() IS
'Internal. Trigger: parameters and metrics are deleted with their run only.';

CREATE OR REPLACE FUNCTION augur._guard_chunk() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM augur.versions v WHERE v.id = OLD.version_id) THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = 'delete on augur.version_chunks is not allowed',
			DETAIL = format('Version id %s still needs these bytes.', OLD.version_id),
			HINT = 'Use augur.drop_version.';
	END IF;
	RETURN OLD;
END
$$;
COMMENT ON FUNCTION augur._guard_chunk() IS
'Internal. Trigger: bytes are deleted with their version only.';

CREATE OR REPLACE FUNCTION augur._guard_model() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF (NEW.id, NEW.name, NEW.task, NEW.target, NEW.created_by, NEW.created_at)
		IS DISTINCT FROM (OLD.id, OLD.name, OLD.task, OLD.target, OLD.created_by, OLD.created_at)
		OR NEW.next_version < OLD.next_version
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('name, task, target and origin of model "%s" cannot be changed', OLD.name);
	END IF;
	-- operators may lock the row, not change it
	IF NEW IS DISTINCT FROM OLD AND NOT augur._owns(OLD.owner) THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('must be a member of the owner of model "%s"', OLD.name);
	END IF;
	IF NEW.owner <> OLD.owner AND NOT pg_has_role(NEW.owner, 'USAGE')
		AND row_security_active('augur.models')
	THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('must be a member of role "%s"', pg_get_userbyid(NEW.owner)),
			DETAIL = 'A model can be handed only to a role that one is a member of.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION augur._guard_model() IS
'Internal. Trigger: identity of a model never changes; its owner only within one''s own roles.';

CREATE OR REPLACE FUNCTION augur._guard_run() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF OLD.status <> 'running' OR NEW.status = 'running' THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('run %s cannot change from %s to %s', OLD.id, OLD.status, NEW.status),
			DETAIL = 'A run is written when it starts and once more when it ends.';
	END IF;
	IF (NEW.id, NEW.model_id, NEW.algorithm, NEW.task, NEW.relation, NEW.query, NEW.target,
		NEW.config, NEW.seed, NEW.note, NEW.role, NEW.started_at, NEW.extension_version,
		NEW.server_version)
		IS DISTINCT FROM
		(OLD.id, OLD.model_id, OLD.algorithm, OLD.task, OLD.relation, OLD.query, OLD.target,
		 OLD.config, OLD.seed, OLD.note, OLD.role, OLD.started_at, OLD.extension_version,
		 OLD.server_version)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('what run %s started with cannot be changed', OLD.id);
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION augur._guard_run() IS
'Internal. Trigger: running to finished or failed, once; the rest never changes.';

CREATE OR REPLACE FUNCTION augur._guard_version() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	pointing	text;
BEGIN
	IF TG_OP = 'DELETE' THEN
		IF OLD.status = 'ready' THEN
			RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
				MESSAGE = format('version %s is ready and cannot be deleted', OLD.version),
				HINT = 'Use augur.drop_version, or archive it first.';
		END IF;
		RETURN OLD;
	END IF;
	IF (NEW.id, NEW.model_id, NEW.version, NEW.run_id, NEW.algorithm, NEW.artifact_format, NEW.size,
		NEW.sha256, NEW.signature, NEW.created_by, NEW.created_at)
		IS DISTINCT FROM
		(OLD.id, OLD.model_id, OLD.version, OLD.run_id, OLD.algorithm, OLD.artifact_format, OLD.size,
		 OLD.sha256, OLD.signature, OLD.created_by, OLD.created_at)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('version %s cannot be changed', OLD.version),
			DETAIL = 'Only the status of a version moves.';
	END IF;
	IF NOT (OLD.status || '>' || NEW.status = ANY
			('{pending>ready,pending>failed,ready>rejected,ready>archived,archived>ready}'::text[]))
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('version %s cannot move from %s to %s',
							 OLD.version, OLD.status, NEW.status),
			DETAIL = 'Legal moves: pending to ready or failed, ready to rejected or archived,'
				' archived to ready.';
	END IF;
	IF OLD.status = 'ready' THEN
		SELECT string_agg(a.alias, ', ' ORDER BY a.alias) INTO pointing
		FROM augur.aliases a WHERE a.version_id = OLD.id;
		IF pointing IS NOT NULL THEN
			RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
				MESSAGE = format('version %s cannot move to %s while an alias points at it',
								 OLD.version, NEW.status),
				DETAIL = format('Aliases: %s.', pointing),
				HINT = 'Promote another version, or use augur.drop_alias.';
		END IF;
	END IF;
	NEW.status_at := clock_timestamp();
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION augur._guard_version() IS
'Internal. Trigger: versions are written once, their status moves by the rules.';

CREATE OR REPLACE FUNCTION augur._guard_alias() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	v			augur.versions;
BEGIN
	IF TG_OP = 'DELETE' THEN
		IF NOT EXISTS (SELECT FROM augur.alias_history h
					   WHERE h.model_id = OLD.model_id AND h.alias = OLD.alias
					   AND h.id > OLD.history_id AND h.action = 'drop')
		THEN
			RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
				MESSAGE = format('alias "%s" cannot be deleted without a row in its history', OLD.alias),
				HINT = 'Use augur.drop_alias.';
		END IF;
		RETURN OLD;
	END IF;
	IF TG_OP = 'UPDATE'
		AND ((NEW.model_id, NEW.alias) IS DISTINCT FROM (OLD.model_id, OLD.alias)
			 OR NEW.history_id <= OLD.history_id)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('alias "%s" cannot be moved without a new row in its history', OLD.alias),
			HINT = 'Use augur.promote.';
	END IF;
	-- the lock makes a concurrent move of the version's status wait for us, or us for it
	SELECT * INTO v FROM augur.versions t WHERE t.id = NEW.version_id FOR SHARE;
	IF v.status IS DISTINCT FROM 'ready' THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('version %s is %s, not ready', v.version, v.status),
			HINT = 'An alias can only point at a version in status ready.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION augur._guard_alias() IS
'Internal. Trigger: an alias points at ready versions only, and every move is in the history.';

CREATE OR REPLACE TRIGGER models_guard BEFORE UPDATE ON augur.models
FOR EACH ROW EXECUTE FUNCTION augur._guard_model();
CREATE OR REPLACE TRIGGER runs_guard BEFORE UPDATE ON augur.runs
FOR EACH ROW EXECUTE FUNCTION augur._guard_run();
CREATE OR REPLACE TRIGGER params_guard BEFORE DELETE ON augur.params
FOR EACH ROW EXECUTE FUNCTION augur._guard_run_part();
CREATE OR REPLACE TRIGGER params_fixed BEFORE UPDATE ON augur.params
FOR EACH ROW EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER params_kept BEFORE TRUNCATE ON augur.params
FOR EACH STATEMENT EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER metrics_guard BEFORE DELETE ON augur.metrics
FOR EACH ROW EXECUTE FUNCTION augur._guard_run_part();
CREATE OR REPLACE TRIGGER metrics_fixed BEFORE UPDATE ON augur.metrics
FOR EACH ROW EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER metrics_kept BEFORE TRUNCATE ON augur.metrics
FOR EACH STATEMENT EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER versions_guard BEFORE UPDATE OR DELETE ON augur.versions
FOR EACH ROW EXECUTE FUNCTION augur._guard_version();
CREATE OR REPLACE TRIGGER versions_kept BEFORE TRUNCATE ON augur.versions
FOR EACH STATEMENT EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER version_chunks_guard BEFORE DELETE ON augur.version_chunks
FOR EACH ROW EXECUTE FUNCTION augur._guard_chunk();
CREATE OR REPLACE TRIGGER version_chunks_fixed BEFORE UPDATE ON augur.version_chunks
FOR EACH ROW EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER version_chunks_kept BEFORE TRUNCATE ON augur.version_chunks
FOR EACH STATEMENT EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER alias_history_fixed BEFORE UPDATE OR DELETE ON augur.alias_history
FOR EACH ROW EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER alias_history_kept BEFORE TRUNCATE ON augur.alias_history
FOR EACH STATEMENT EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER aliases_guard BEFORE INSERT OR UPDATE OR DELETE ON augur.aliases
FOR EACH ROW EXECUTE FUNCTION augur._guard_alias();
CREATE OR REPLACE TRIGGER aliases_kept BEFORE TRUNCATE ON augur.aliases
FOR EACH STATEMENT EXECUTE FUNCTION augur._guard_append_only();

-- ---- how a training writes ------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._run_start(model text, algorithm text, task text, relation text,
	query text, target text, config jsonb, params jsonb, seed bigint, note text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	m			augur.models;
	run			bigint;
BEGIN
	PERFORM augur._check_model_name(model);
	INSERT INTO augur.models (name, task, target)
	VALUES (model, _run_start.task, _run_start.target) ON CONFLICT DO NOTHING;
	SELECT * INTO m FROM augur.models t WHERE t.name = model;
	-- the name may be taken by a model that the caller cannot see
	IF NOT FOUND OR NOT augur._owns(m.owner) THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('permission denied for model "%s"', model),
			DETAIL = 'A model of this name belongs to another role.',
			HINT = 'Choose another name, or ask for membership in its owner.';
	END IF;
	IF m.task <> _run_start.task OR m.target <> _run_start.target THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('model "%s" does %s of "%s", not %s of "%s"',
							 model, m.task, m.target, _run_start.task, _run_start.target),
			DETAIL = 'All versions of a model have the same task and target.',
			HINT = 'Train under another name, or use augur.drop_model first.';
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
	SELECT CASE WHEN task = 'regression' THEN 'rmse'
				WHEN jsonb_array_length(signature -> 'classes') = 2 THEN 'auc'
				ELSE 'log_loss' END,
		task <> 'regression' AND jsonb_array_length(signature -> 'classes') = 2
$$;
COMMENT ON FUNCTION augur._leading_metric(text, jsonb) IS
'Internal. The metric that decides about promotion, and its direction.';

CREATE OR REPLACE FUNCTION augur._version_create(run_id bigint, artifact_format integer, size bigint,
	sha256 bytea, signature jsonb, OUT version_id bigint, OUT version integer)
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

-- ---- aliases ----------------------------------------------------------------------------------

-- The model's row must be locked.  to_version NULL drops the alias.
CREATE OR REPLACE FUNCTION augur._alias_move(m augur.models, to_alias text, to_version bigint,
	action text, reason text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	old_id		bigint;
	history		bigint;
BEGIN
	SELECT a.version_id INTO old_id FROM augur.aliases a
	WHERE a.model_id = m.id AND a.alias = to_alias;
	INSERT INTO augur.alias_history (model_id, model, alias, action, old_version_id, old_version,
									 new_version_id, new_version, reason)
	SELECT m.id, m.name, to_alias, _alias_move.action, old_id,
		(SELECT v.version FROM augur.versions v WHERE v.id = old_id), to_version,
		(SELECT v.version FROM augur.versions v WHERE v.id = to_version), _alias_move.reason
	RETURNING id INTO history;
	IF to_version IS NULL THEN
		DELETE FROM augur.aliases a WHERE a.model_id = m.id AND a.alias = to_alias;
	ELSIF old_id IS NULL THEN
		INSERT INTO augur.aliases (model_id, alias, version_id, history_id)
		VALUES (m.id, to_alias, to_version, history);
	ELSE
		UPDATE augur.aliases a SET version_id = to_version, history_id = history
		WHERE a.model_id = m.id AND a.alias = to_alias;
	END IF;
END
$$;
COMMENT ON FUNCTION augur._alias_move(augur.models, text, bigint, text, text) IS
'Internal. Moves or drops an alias and writes its history.';

CREATE OR REPLACE FUNCTION augur._promote(m augur.models, to_version bigint, to_alias text,
	action text, reason text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	old_id		bigint;
BEGIN
	SELECT a.version_id INTO old_id FROM augur.aliases a
	WHERE a.model_id = m.id AND a.alias = to_alias;
	PERFORM augur._alias_move(m, to_alias, to_version, _promote.action, _promote.reason);
	IF to_alias = 'production' AND old_id IS NOT NULL THEN
		PERFORM augur._alias_move(m, 'previous', old_id, 'set', _promote.reason);
	END IF;
END
$$;
COMMENT ON FUNCTION augur._promote(augur.models, bigint, text, text, text) IS
'Internal. Moves an alias; moving production keeps what it was in previous.';

CREATE OR REPLACE FUNCTION augur.promote(model text, version integer DEFAULT NULL,
	alias text DEFAULT 'production', reason text DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	m			augur.models;
	v			augur.versions;
	parts		text[] := regexp_match(model, '^(.*)/([0-9]{1,9})$');
BEGIN
	IF parts IS NOT NULL THEN
		IF version IS NOT NULL AND version <> parts[2]::integer THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
				MESSAGE = format('"%s" names another version than %s', model, version);
		END IF;
		version := parts[2]::integer;
		model := parts[1];
	END IF;
	PERFORM augur._check_alias(alias);
	IF alias = 'previous' THEN
		RAISE EXCEPTION USING ERRCODE = 'reserved_name',
			MESSAGE = 'alias "previous" cannot be set directly',
			DETAIL = 'It is moved whenever production is, to what production was.';
	END IF;
	m := augur._model_locked(model, 'operate');
	IF version IS NULL THEN
		SELECT * INTO v FROM augur.versions t
		WHERE t.model_id = m.id AND t.status = 'ready' ORDER BY t.version DESC LIMIT 1;
		IF NOT FOUND THEN
			RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
				MESSAGE = format('model "%s" has no version in status ready', m.name),
				HINT = 'Train it with augur.train.';
		END IF;
	ELSE
		SELECT * INTO v FROM augur.versions t WHERE t.model_id = m.id AND t.version = promote.version;
		IF NOT FOUND THEN
			RAISE EXCEPTION USING ERRCODE = 'undefined_object',
				MESSAGE = format('version %s of model "%s" does not exist', version, m.name),
				HINT = 'SELECT version, status FROM augur.versions lists the versions.';
		ELSIF v.status <> 'ready' THEN
			RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
				MESSAGE = format('version %s of model "%s" is %s, not ready',
								 version, m.name, v.status);
		END IF;
	END IF;
	IF EXISTS (SELECT FROM augur.aliases a
			   WHERE a.model_id = m.id AND a.alias = promote.alias AND a.version_id = v.id)
	THEN
		RAISE NOTICE 'alias "%" of model "%" points at version % already', alias, m.name, v.version;
		RETURN v.version;
	END IF;
	PERFORM augur._promote(m, v.id, alias, 'promote', reason);
	RETURN v.version;
END
$$;
COMMENT ON FUNCTION augur.promote(text, integer, text, text) IS
'Points an alias (production unless told otherwise) of a model at a version, the newest ready one by default, and returns its number: augur.promote(''churn'', 7, reason => ''better on June''). What production was stays in alias previous.';

CREATE OR REPLACE FUNCTION augur.rollback(model text, reason text DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	m			augur.models := augur._model_locked(model, 'operate');
	now_id		bigint;
	now_version	integer;
	last_action	text;
	back_id		bigint;
	back_version integer;
BEGIN
	SELECT a.version_id, h.action, h.new_version INTO now_id, last_action, now_version
	FROM augur.aliases a JOIN augur.alias_history h ON h.id = a.history_id
	WHERE a.model_id = m.id AND a.alias = 'production';
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('model "%s" has nothing in production', m.name),
			HINT = 'Use augur.promote.';
	END IF;
	SELECT a.version_id, h.new_version INTO back_id, back_version
	FROM augur.aliases a JOIN augur.alias_history h ON h.id = a.history_id
	WHERE a.model_id = m.id AND a.alias = 'previous';
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('model "%s" has no previous version to go back to', m.name);
	END IF;
	-- a second rollback would bring back what the first one removed
	IF last_action = 'rollback' THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('production of model "%s" was rolled back to version %s already',
							 m.name, now_version),
			HINT = 'Use augur.promote with the number of the wanted version.';
	END IF;
	PERFORM augur._promote(m, back_id, 'production', 'rollback', rollback.reason);
	RETURN back_version;
END
$$;
COMMENT ON FUNCTION augur.rollback(text, text) IS
'Puts back into production what was there before the last augur.promote, and returns its version number. A second rollback in a row is refused.';

CREATE OR REPLACE FUNCTION augur.drop_alias(model text, alias text, reason text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	m			augur.models := augur._model_locked(model, 'operate');
BEGIN
	IF NOT EXISTS (SELECT FROM augur.aliases a
				   WHERE a.model_id = m.id AND a.alias = drop_alias.alias)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('alias "%s" of model "%s" does not exist', drop_alias.alias, m.name);
	END IF;
	PERFORM augur._alias_move(m, drop_alias.alias, NULL, 'drop', drop_alias.reason);
END
$$;
COMMENT ON FUNCTION augur.drop_alias(text, text, text) IS
'Removes an alias; without production, a bare model name is no longer served. The history keeps it.';

CREATE OR REPLACE FUNCTION augur._promote_if(version_id bigint, promote text,
	compared_with bigint DEFAULT NULL, OUT promoted boolean, OUT production_value float8,
	OUT reason text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	v			augur.versions;
	m			augur.models;
	lead_metric		record;
	measured	text;
	value		float8;
	rival		float8;
	rival_name	text;
	now_id		bigint;
	now_version	integer;
BEGIN
	IF promote IS NULL OR NOT (promote = ANY ('{if_better,always,never}'::text[])) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid value for promote: %s', quote_nullable(promote)),
			HINT = 'Valid values are if_better, always and never.';
	END IF;
	SELECT * INTO v FROM augur.versions t WHERE t.id = _promote_if.version_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('version id %s does not exist', _promote_if.version_id);
	END IF;
	m := augur._model_locked((SELECT t.name FROM augur.models t WHERE t.id = v.model_id), 'own');
	lead_metric := augur._leading_metric(m.task, v.signature);
	SELECT t.value INTO production_value FROM augur.metrics t
	WHERE t.run_id = v.run_id AND t.split = 'production' AND t.name = lead_metric.metric AND t.class = '';
	promoted := false;
	IF promote = 'never' THEN
		reason := 'promotion was not asked for';
		RETURN;
	END IF;
	SELECT a.version_id, h.new_version INTO now_id, now_version
	FROM augur.aliases a JOIN augur.alias_history h ON h.id = a.history_id
	WHERE a.model_id = m.id AND a.alias = 'production';
	IF promote = 'always' THEN
		reason := 'promotion was asked for in any case';
	ELSE
		-- holdout before out of bag: production and baseline are scored on the holdout
		SELECT t.value, t.split INTO value, measured FROM augur.metrics t
		WHERE t.run_id = v.run_id AND t.split = ANY ('{holdout,oob}'::text[])
		AND t.name = lead_metric.metric AND t.class = ''
		ORDER BY t.split LIMIT 1;
		IF now_id IS NULL THEN
			rival_name := 'the baseline';
			SELECT t.value INTO rival FROM augur.metrics t
			WHERE t.run_id = v.run_id AND t.split = 'baseline' AND t.name = lead_metric.metric
			AND t.class = '';
		ELSIF now_id <> coalesce(compared_with, now_id) THEN
			reason := format('version %s went into production in the meantime', now_version);
			RETURN;
		ELSE
			rival_name := format('version %s in production', now_version);
			-- an out-of-bag value and a holdout value are of different rows
			rival := CASE WHEN measured = 'holdout' THEN production_value END;
		END IF;
		IF value IS NULL OR rival IS NULL OR value = 'NaN' OR rival = 'NaN' THEN
			reason := format('no %s on the same rows to compare with %s', lead_metric.metric, rival_name);
			RETURN;
		END IF;
		IF NOT (CASE WHEN lead_metric.higher_is_better THEN value > rival
					 ELSE value < rival END)
		THEN
			reason := format('%s %s is not better than %s of %s',
							 lead_metric.metric, round(value::numeric, 6), round(rival::numeric, 6),
							 rival_name);
			RETURN;
		END IF;
		reason := format('%s %s is better than %s of %s',
						 lead_metric.metric, round(value::numeric, 6), round(rival::numeric, 6),
						 rival_name);
	END IF;
	IF v.status <> 'ready' THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('version %s of model "%s" is %s, not ready', v.version, m.name, v.status);
	END IF;
	PERFORM augur._promote(m, v.id, 'production', 'promote', reason);
	promoted := true;
END
$$;
COMMENT ON FUNCTION augur._promote_if(bigint, text, bigint) IS
'Internal. Promotes a new version always, never, or if its leading metric is better than that of production (of the baseline, when there is none) on the same holdout. compared_with is the version that was scored for that.';

-- ---- versions and models ------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._version(m augur.models, version integer) RETURNS augur.versions
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	v			augur.versions;
BEGIN
	SELECT * INTO v FROM augur.versions t WHERE t.model_id = m.id AND t.version = _version.version;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('version %s of model "%s" does not exist', _version.version, m.name),
			HINT = 'SELECT version, status FROM augur.versions lists the versions.';
	END IF;
	RETURN v;
END
$$;
COMMENT ON FUNCTION augur._version(augur.models, integer) IS
'Internal. The row of a version; an error when there is none.';

CREATE OR REPLACE FUNCTION augur.set_status(model text, version integer, status text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	m			augur.models := augur._model_locked(model, 'operate');
	v			augur.versions := augur._version(m, version);
BEGIN
	IF set_status.status IS NULL
		OR NOT (set_status.status = ANY ('{ready,rejected,archived}'::text[]))
	THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid status %s', quote_nullable(set_status.status)),
			HINT = 'Valid values are ready, rejected and archived.';
	END IF;
	UPDATE augur.versions t SET status = set_status.status WHERE t.id = v.id;
END
$$;
COMMENT ON FUNCTION augur.set_status(text, integer, text) IS
'Archives or rejects a ready version that no alias points at, or makes an archived one ready again.';

CREATE OR REPLACE FUNCTION augur.drop_version(model text, version integer) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	m			augur.models := augur._model_locked(model, 'own');
	v			augur.versions := augur._version(m, version);
BEGIN
	IF v.status = 'ready' THEN
		UPDATE augur.versions t SET status = 'archived' WHERE t.id = v.id;
	END IF;
	DELETE FROM augur.versions t WHERE t.id = v.id;
END
$$;
COMMENT ON FUNCTION augur.drop_version(text, integer) IS
'Deletes a version that no alias points at, with its bytes. Its run and metrics stay; its number is not used again.';

CREATE OR REPLACE FUNCTION augur.drop_model(model text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	m			augur.models := augur._model_locked(model, 'own');
	dropped		text;
BEGIN
	-- production last, so that its history ends with the state of the others known
	FOR dropped IN
		SELECT a.alias FROM augur.aliases a WHERE a.model_id = m.id
		ORDER BY a.alias = 'production', a.alias
	LOOP
		PERFORM augur._alias_move(m, dropped, NULL, 'drop', 'model dropped');
	END LOOP;
	UPDATE augur.versions v SET status = 'archived' WHERE v.model_id = m.id AND v.status = 'ready';
	DELETE FROM augur.versions v WHERE v.model_id = m.id;
	DELETE FROM augur.runs r WHERE r.model_id = m.id;
	DELETE FROM augur.models t WHERE t.id = m.id;
END
$$;
COMMENT ON FUNCTION augur.drop_model(text) IS
'Deletes a model with its versions, runs and metrics. Only augur.alias_history remembers it.';

-- ---- whose -----------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur.grant(model text, role name, privilege text DEFAULT 'predict')
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	m			augur.models := augur._model_locked(model, 'own');
BEGIN
	IF $3 IS NULL OR NOT ($3 = ANY ('{read,predict}'::text[])) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid privilege %s', quote_nullable($3)),
			HINT = 'Valid values are read and predict.';
	END IF;
	INSERT INTO augur.model_grants (model_id, role, privilege, owner)
	VALUES (m.id, augur._role($2), $3, m.owner) ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION augur.grant(text, name, text) IS
'Lets a role (or public: everybody with a preset) use a model: read shows versions and metrics, predict also scores. The role needs a preset of augur.grant_preset as well.';

CREATE OR REPLACE FUNCTION augur.revoke(model text, role name, privilege text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	m			augur.models := augur._model_locked(model, 'own');
BEGIN
	IF NOT (coalesce($3, 'read') = ANY ('{read,predict}'::text[])) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid privilege %s', quote_nullable($3)),
			HINT = 'Valid values are read and predict; NULL takes both.';
	END IF;
	-- without read there is no predict
	DELETE FROM augur.model_grants g
	WHERE g.model_id = m.id AND g.role = augur._role($2)
	AND ($3 IS DISTINCT FROM 'predict' OR g.privilege = 'predict');
END
$$;
COMMENT ON FUNCTION augur.revoke(text, name, text) IS
'Takes back what augur.grant gave: predict, or everything (read or NULL).';

CREATE OR REPLACE FUNCTION augur.set_owner(model text, owner name) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	m			augur.models := augur._model_locked(model, 'own');
	to_role		regrole := augur._role($2);
BEGIN
	IF to_role = 0 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'public cannot own a model';
	END IF;
	-- grants first: afterwards the model may not be ours any more
	UPDATE augur.models t SET owner = to_role WHERE t.id = m.id;
	UPDATE augur.model_grants g SET owner = to_role WHERE g.model_id = m.id;
END
$$;
COMMENT ON FUNCTION augur.set_owner(text, name) IS
'Gives a model to another role, which the caller must be a member of (superusers and admins excepted).';
