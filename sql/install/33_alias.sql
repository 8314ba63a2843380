-- registry: promotion and rollback, versions and models, and whose they are.

-- ---- aliases ----------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._event_of_alias(m augur.models, h augur.alias_history) RETURNS bigint
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT augur._emit(
		CASE WHEN h.action = 'rollback' THEN 'rolled_back' WHEN h.action = 'drop' THEN 'alias_dropped'
			 WHEN h.alias = 'production' THEN 'promoted' ELSE 'alias_moved' END,
		CASE WHEN h.action = 'rollback' THEN 'warning' ELSE 'info' END,
		CASE WHEN h.action = 'drop' OR h.alias <> 'production' THEN m.name || '@' || h.alias
			 ELSE m.name || '/' || h.new_version END,
		jsonb_build_object('alias', h.alias, 'version', h.new_version, 'old_version', h.old_version,
						   'reason', h.reason), m)
$$;
COMMENT ON FUNCTION augur._event_of_alias(augur.models, augur.alias_history) IS
'Internal. Writes the event of a move of an alias.';

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
	-- 'set' is part of a promotion or rollback, which tells of itself
	IF _alias_move.action <> 'set' THEN
		PERFORM augur._event_of_alias(m, h) FROM augur.alias_history h WHERE h.id = history;
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
		SELECT * INTO v FROM augur.versions t
		WHERE t.model_id = m.id AND t.version = promote.version;
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

CREATE OR REPLACE FUNCTION augur._check_promote(promote text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF promote IS NULL OR NOT (promote = ANY ('{if_better,always,never}'::text[])) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid value for promote: %s', quote_nullable(promote)),
			HINT = 'Valid values are if_better, always and never.';
	END IF;
END
$$;
COMMENT ON FUNCTION augur._check_promote(text) IS
'Internal. Raises an error unless the text says when to promote.';

-- What a gate finds wanting, in words; NULL when nothing is.
CREATE OR REPLACE FUNCTION augur._gate_failures(run_id bigint, gate jsonb, metric text,
	higher_is_better boolean, value float8, against_production boolean) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	failures	text[] := '{}';
	min_gain	float8 := coalesce((gate ->> 'min_gain')::float8, 0);
	floor		float8 := (gate ->> 'floor')::float8;
	max_gap		float8 := (gate ->> 'max_gap')::float8;
	gain		augur.metrics;
	seen		record;
	gap			float8;
BEGIN
	IF against_production THEN
		SELECT * INTO gain FROM augur.metrics t
		WHERE t.run_id = _gate_failures.run_id AND t.split = 'gain' AND t.name = metric;
		IF gain.lower IS NULL THEN
			failures := failures || 'the gain over production has no interval'::text;
		ELSIF NOT gain.lower > min_gain THEN
			failures := failures || format('the gain of %s %s over production is surely at least %s only, not above %s',
				metric, round(gain.value::numeric, 6), round(gain.lower::numeric, 6), min_gain);
		END IF;
	END IF;
	IF floor IS NOT NULL AND NOT coalesce(CASE WHEN higher_is_better THEN value >= floor ELSE value <= floor END, false) THEN
		failures := failures || format('%s %s does not reach the floor %s', metric, round(value::numeric, 6), floor);
	END IF;
	IF max_gap IS NOT NULL THEN
		-- out of bag where there is a metric in common, else on training rows
		SELECT t.name, t.value AS training, h.value AS holdout,
			t.name = ANY ('{auc,accuracy}') AS higher
		INTO seen
		FROM augur.metrics t JOIN augur.metrics h ON h.run_id = t.run_id AND h.split = 'holdout'
			AND h.name = t.name AND h.class = '' AND t.class = ''
		WHERE t.run_id = _gate_failures.run_id AND t.split = ANY ('{oob,train}')
		AND t.name = ANY ('{auc,accuracy,rmse,log_loss}')
		ORDER BY t.split = 'oob' DESC, t.name = metric DESC, t.name LIMIT 1;
		gap := CASE WHEN seen.higher THEN seen.training - seen.holdout
			   WHEN seen.name = 'rmse' THEN (seen.holdout - seen.training) / nullif(seen.holdout, 0)
			   ELSE seen.holdout - seen.training END;
		IF gap IS NULL THEN
			failures := failures || 'nothing tells how well it does on training rows'::text;
		ELSIF gap > max_gap THEN
			failures := failures || format('%s is worse on the holdout than on training rows by %s, more than %s',
				seen.name, round(gap::numeric, 6), max_gap);
		END IF;
	END IF;
	RETURN nullif(array_to_string(failures, '; '), '');
END
$$;
COMMENT ON FUNCTION augur._gate_failures(bigint, jsonb, text, boolean, float8, boolean) IS
'Internal. Which demands of a gate the metrics of a run do not meet, NULL for none.';

CREATE OR REPLACE FUNCTION augur._promote_if(version_id bigint, promote text,
	compared_with bigint DEFAULT NULL, gate jsonb DEFAULT NULL, OUT promoted boolean, OUT production_value float8,
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
	PERFORM augur._check_promote(promote);
	SELECT * INTO v FROM augur.versions t WHERE t.id = _promote_if.version_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('version id %s does not exist', _promote_if.version_id);
	END IF;
	m := augur._model_locked((SELECT t.name FROM augur.models t WHERE t.id = v.model_id), 'own');
	lead_metric := augur._leading_metric(m.task, v.signature);
	SELECT t.value INTO production_value FROM augur.metrics t
	WHERE t.run_id = v.run_id AND t.split = 'production' AND t.name = lead_metric.metric
	AND t.class = '';
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
		IF measured IS NULL AND now_id IS NULL AND lead_metric.metric = 'log_loss' THEN
			-- several classes without a holdout: accuracy is what is known out of bag
			lead_metric.metric := 'accuracy';
			lead_metric.higher_is_better := true;
			SELECT t.value INTO value FROM augur.metrics t
			WHERE t.run_id = v.run_id AND t.split = 'oob' AND t.name = 'accuracy' AND t.class = '';
		END IF;
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
			reason := format('no %s on the same rows to compare with %s', lead_metric.metric,
							 rival_name);
			RETURN;
		END IF;
		IF gate IS NOT NULL THEN
			reason := augur._gate_failures(v.run_id, gate, lead_metric.metric, lead_metric.higher_is_better,
										   value, now_id IS NOT NULL);
			IF reason IS NOT NULL THEN
				UPDATE augur.versions t SET status = 'rejected' WHERE t.id = v.id;
				RETURN;
			END IF;
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
			MESSAGE = format('version %s of model "%s" is %s, not ready',
							 v.version, m.name, v.status);
	END IF;
	PERFORM augur._promote(m, v.id, 'production', 'promote', reason);
	promoted := true;
END
$$;
COMMENT ON FUNCTION augur._promote_if(bigint, text, bigint, jsonb) IS
'Internal. Promotes a new version always, never, or if its leading metric is better than that of production (of the baseline, when there is none) on the same holdout. compared_with is the version that was scored for that; a version that does not meet the gate is rejected.';

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
	PERFORM augur._emit('version_dropped', 'info', m.name || '/' || v.version,
		jsonb_build_object('version', v.version, 'run', v.run_id), m);
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
	PERFORM augur._rollout_move(r, CASE r.state WHEN 'pending_approval' THEN 'expired' ELSE 'aborted' END,
								now(), 'model dropped')
	FROM augur.rollouts r WHERE r.model_id = m.id AND r.ended_at IS NULL;
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
	PERFORM augur._emit('model_dropped', 'info', m.name, '{}', m);
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
	UPDATE augur.models t SET owner = to_role WHERE t.id = m.id;
	-- the story of a model is seen by whoever sees the model, so past events need no new owner
	PERFORM augur._emit('owner_changed', 'info', m.name,
		jsonb_build_object('from', pg_get_userbyid(m.owner), 'to', $2), t)
	FROM augur.models t WHERE t.id = m.id;
END
$$;
COMMENT ON FUNCTION augur.set_owner(text, name) IS
'Gives a model to another role, which the caller must be a member of (superusers and admins excepted).';
