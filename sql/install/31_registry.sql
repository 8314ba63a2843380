-- registry: who may do what, how models are found, and what guards the tables.
--
-- Names with an underscore are internal.  Every function runs as its caller; whoever moves an
-- alias or writes a version first locks the row of the model, so two promotions of one model
-- come one after the other.

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

-- Intervals are compared with months of 30 days, so one of a million years and less a million years in
-- days is short.  Added to a time it is an error, and what one role set is added by others.
CREATE OR REPLACE FUNCTION augur._plain_span(span interval) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT least(extract(year FROM span), extract(month FROM span), extract(day FROM span), extract(hour FROM span),
				 extract(minute FROM span), extract(second FROM span)) >= 0
$$;
COMMENT ON FUNCTION augur._plain_span(interval) IS
'Internal. Whether an interval has no negative parts, so that each is as short as the whole.';

-- What the owner of a model chose to read may be a view, which runs code as its reader: so
-- that is for whoever is the owner anyway, unlike what admins and owners of tables may do.
CREATE OR REPLACE FUNCTION augur._check_own_source(m augur.models, hint text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF NOT coalesce(pg_has_role(m.owner, 'USAGE'), false) THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('permission denied for the relation of model "%s"', m.name),
			DETAIL = format('Its owner chose it, and a view can run code with the rights of its reader,'
							' so only members of "%s" read it without naming it.',
							pg_get_userbyid(m.owner)),
			HINT = _check_own_source.hint;
	END IF;
END
$$;
COMMENT ON FUNCTION augur._check_own_source(augur.models, text) IS
'Internal. Raises an error unless the current user is a member of the model''s owner, whose choice of a relation is about to be read; admins are not.';

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
			HINT = 'In a reference, "@" precedes an alias and "/" a version:'
				' churn@staging, churn/7.';
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
			MESSAGE = format('delete on augur.%I is not allowed', TG_TABLE_NAME),
			DETAIL = format('Version id %s still needs these rows.', OLD.version_id),
			HINT = 'Use augur.drop_version.';
	END IF;
	RETURN OLD;
END
$$;
COMMENT ON FUNCTION augur._guard_chunk() IS
'Internal. Trigger: what belongs to a version is deleted with it only.';

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
			MESSAGE = format('name, task, target and origin of model "%s" cannot be changed',
							 OLD.name);
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
		(OLD.id, OLD.model_id, OLD.version, OLD.run_id, OLD.algorithm, OLD.artifact_format,
		 OLD.size, OLD.sha256, OLD.signature, OLD.created_by, OLD.created_at)
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
		ELSIF EXISTS (SELECT FROM augur.rollouts r
					  WHERE r.model_id = OLD.model_id AND r.candidate_id = OLD.id AND r.ended_at IS NULL)
		THEN
			RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
				MESSAGE = format('version %s cannot move to %s while it is rolled out', OLD.version, NEW.status),
				HINT = 'Use augur.abort_rollout, or augur.deny_rollout before it is approved.';
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
				MESSAGE = format('alias "%s" cannot be deleted without a row in its history',
								 OLD.alias),
				HINT = 'Use augur.drop_alias.';
		END IF;
		RETURN OLD;
	END IF;
	IF TG_OP = 'UPDATE'
		AND ((NEW.model_id, NEW.alias) IS DISTINCT FROM (OLD.model_id, OLD.alias)
			 OR NEW.history_id <= OLD.history_id)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('alias "%s" cannot be moved without a new row in its history',
							 OLD.alias),
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
CREATE OR REPLACE TRIGGER version_series_guard BEFORE DELETE ON augur.version_series
FOR EACH ROW EXECUTE FUNCTION augur._guard_chunk();
CREATE OR REPLACE TRIGGER version_series_fixed BEFORE UPDATE ON augur.version_series
FOR EACH ROW EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER version_series_kept BEFORE TRUNCATE ON augur.version_series
FOR EACH STATEMENT EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER version_states_guard BEFORE DELETE ON augur.version_states
FOR EACH ROW EXECUTE FUNCTION augur._guard_chunk();
CREATE OR REPLACE TRIGGER version_states_fixed BEFORE UPDATE ON augur.version_states
FOR EACH ROW EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER version_states_kept BEFORE TRUNCATE ON augur.version_states
FOR EACH STATEMENT EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER forecasts_fixed BEFORE UPDATE ON augur.forecasts
FOR EACH ROW EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER alias_history_fixed BEFORE UPDATE OR DELETE ON augur.alias_history
FOR EACH ROW EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER alias_history_kept BEFORE TRUNCATE ON augur.alias_history
FOR EACH STATEMENT EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER aliases_guard BEFORE INSERT OR UPDATE OR DELETE ON augur.aliases
FOR EACH ROW EXECUTE FUNCTION augur._guard_alias();
CREATE OR REPLACE TRIGGER aliases_kept BEFORE TRUNCATE ON augur.aliases
FOR EACH STATEMENT EXECUTE FUNCTION augur._guard_append_only();
