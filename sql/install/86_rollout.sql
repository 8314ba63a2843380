-- rollout: starting, routing and ending rollouts; 86_rollout_judge.sql judges them.
--
-- Whoever moves a rollout locks the row of its model first, as for moves of aliases.

-- ---- guards ---------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._guard_rollout() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF (NEW.id, NEW.model_id, NEW.model, NEW.champion_id, NEW.champion, NEW.candidate_id, NEW.candidate, NEW.mode, NEW.salt,
		NEW.weights, NEW.step_for, NEW.patience, NEW.min_samples, NEW.guard, NEW.approval, NEW.expires_at, NEW.note, NEW.owner,
		NEW.requested_by, NEW.requested_at)
		IS DISTINCT FROM
		(OLD.id, OLD.model_id, OLD.model, OLD.champion_id, OLD.champion, OLD.candidate_id, OLD.candidate, OLD.mode, OLD.salt,
		 OLD.weights, OLD.step_for, OLD.patience, OLD.min_samples, OLD.guard, OLD.approval, OLD.expires_at, OLD.note, OLD.owner,
		 OLD.requested_by, OLD.requested_at)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('what rollout %s started with cannot be changed', OLD.id);
	END IF;
	IF OLD.ended_at IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('rollout %s has ended (%s) and cannot be changed', OLD.id, OLD.state),
			HINT = 'Start another one with augur.start_rollout.';
	END IF;
	IF NOT (OLD.state || '>' || NEW.state = ANY ('{pending_approval>approved,pending_approval>denied,pending_approval>expired,'
			'approved>running,approved>aborted,running>paused,paused>running,running>promoted,running>rolled_back,'
			'running>aborted,paused>aborted,running>running,paused>paused}'::text[]))
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('rollout %s cannot move from %s to %s', OLD.id, OLD.state, NEW.state);
	END IF;
	IF NEW.state = 'approved' AND NOT EXISTS (SELECT FROM augur.approvals a
											  WHERE a.rollout_id = NEW.id AND a.decision = 'approve')
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('rollout %s has not been approved', OLD.id),
			HINT = 'Use augur.approve_rollout.';
	END IF;
	IF NEW.facts IS DISTINCT FROM OLD.facts THEN
		-- everybody's augur.rollout_status reads them
		BEGIN
			PERFORM (NEW.facts #>> '{champion,predictions}')::bigint, (NEW.facts #>> '{candidate,predictions}')::bigint,
				(NEW.facts #>> '{candidate,errors}')::bigint, (NEW.facts ->> 'champion_labelled')::bigint,
				(NEW.facts ->> 'candidate_labelled')::bigint, (NEW.facts ->> 'champion_loss')::float8,
				(NEW.facts ->> 'candidate_loss')::float8, (NEW.facts ->> 'drift')::float8;
		EXCEPTION WHEN data_exception THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
				MESSAGE = format('what was measured of rollout %s cannot be read: %s', OLD.id, SQLERRM),
				HINT = 'It is written by augur.check_rollouts.';
		END;
	END IF;
	-- an entity that the candidate has is not given back while the rollout is open
	IF NEW.ended_at IS NULL AND (NEW.step < OLD.step OR NEW.weight < OLD.weight) THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('rollout %s cannot go back', OLD.id),
			HINT = 'Use augur.abort_rollout.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION augur._guard_rollout() IS
'Internal. Trigger: a rollout moves by the rules, forwards, and nothing else of it changes.';
CREATE OR REPLACE TRIGGER rollouts_guard BEFORE UPDATE ON augur.rollouts
FOR EACH ROW EXECUTE FUNCTION augur._guard_rollout();
CREATE OR REPLACE TRIGGER rollouts_kept BEFORE TRUNCATE ON augur.rollouts
FOR EACH STATEMENT EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER rollout_events_fixed BEFORE UPDATE OR DELETE ON augur.rollout_events
FOR EACH ROW EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER rollout_events_kept BEFORE TRUNCATE ON augur.rollout_events
FOR EACH STATEMENT EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER approvals_fixed BEFORE UPDATE OR DELETE ON augur.approvals
FOR EACH ROW EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER approvals_kept BEFORE TRUNCATE ON augur.approvals
FOR EACH STATEMENT EXECUTE FUNCTION augur._guard_append_only();

-- ---- routing --------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._bucket(entity text, salt text) RETURNS integer
	AS 'MODULE_PATHNAME', 'augur_route_bucket'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._bucket(text, text) IS
'Internal. Where a rollout puts an entity, 0 to 9999: the candidate has those below its share of 10,000.';

CREATE OR REPLACE FUNCTION augur.route(model text, entity text) RETURNS text
	AS 'MODULE_PATHNAME', 'augur_route_entity'
	LANGUAGE C STABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION augur.route(text, text) IS
'The version that answers for an entity while a canary rollout of the model runs, as churn/7: the candidate for its share of entities, always the same ones, else the version in production. To be given to augur.predict and others, which by a bare name stay with production: SELECT augur.predict(augur.route(''churn'', c.id::text), c) FROM customers c. A model named with an alias or a number is not routed; nor is NULL.';

-- A subtransaction, so that the failure of a candidate is not the caller's.
CREATE OR REPLACE FUNCTION augur._answer_caught(pinned text, classes text[], "row" record, OUT value float8,
	OUT label text, OUT probability float8, OUT shares jsonb, OUT error text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	SELECT a.* INTO value, label, probability, shares FROM augur._answer(pinned, classes, "row") a;
EXCEPTION WHEN OTHERS THEN
	error := SQLSTATE || ': ' || SQLERRM;
END
$$;
COMMENT ON FUNCTION augur._answer_caught(text, text[], record) IS
'Internal. What a version answers for a row, or why it does not.';

CREATE OR REPLACE FUNCTION augur._rollout_answers(champion text, champion_classes text[], candidate text,
	candidate_classes text[], mode text, chosen boolean, "row" record, OUT value float8, OUT label text, OUT probability float8,
	OUT shares jsonb, OUT arm text, OUT asked boolean, OUT served boolean, OUT error text) RETURNS SETOF record
LANGUAGE plpgsql STABLE ROWS 1
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	arm := CASE WHEN mode = 'canary' OR chosen AND mode = 'shadow' THEN 'champion' END;
	served := true;
	IF chosen AND mode = 'canary' THEN
		SELECT a.* INTO value, label, probability, shares, error
		FROM augur._answer_caught(candidate, candidate_classes, "row") a;
		arm := 'candidate';
		asked := true;
		served := error IS NULL;
		RETURN NEXT;
		IF served THEN
			RETURN;
		END IF;
		arm := 'fallback';
		served := true;
	END IF;
	asked := false;
	error := NULL;
	SELECT a.* INTO value, label, probability, shares FROM augur._answer(champion, champion_classes, "row") a;
	RETURN NEXT;
	IF chosen AND mode = 'shadow' THEN
		SELECT a.* INTO value, label, probability, shares, error
		FROM augur._answer_caught(candidate, candidate_classes, "row") a;
		arm := 'shadow';
		asked := true;
		served := false;
		RETURN NEXT;
	END IF;
END
$$;
COMMENT ON FUNCTION augur._rollout_answers(text, text[], text, text[], text, boolean, record) IS
'Internal. The answers to log for a row while a rollout runs: asked tells that the candidate gave it, served that it is returned to the caller. mode NULL: production alone.';

-- ---- moves ----------------------------------------------------------------------------------------

-- The model's row must be locked.
CREATE OR REPLACE FUNCTION augur._rollout_move(r augur.rollouts, kind text, as_of timestamptz, reason text DEFAULT NULL,
	verdict text DEFAULT NULL, facts jsonb DEFAULT '{}') RETURNS augur.rollouts
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	m			augur.models;
	to_state	text := CASE kind WHEN 'started' THEN 'running' WHEN 'advanced' THEN 'running' WHEN 'resumed' THEN 'running'
						WHEN 'requested' THEN 'pending_approval' ELSE kind END;
	to_step		integer := r.step + (kind = ANY ('{started,advanced}') AND r.champion_id IS NOT NULL)::integer;
	ends		boolean := to_state = ANY ('{promoted,rolled_back,aborted,denied,expired}');
BEGIN
	IF kind <> 'requested' THEN
		UPDATE augur.rollouts t SET state = to_state, step = to_step,
			weight = CASE WHEN kind = 'promoted' THEN 100 WHEN ends THEN 0 WHEN to_step > r.step THEN r.weights[to_step] ELSE t.weight END,
			timer_from = CASE WHEN kind = ANY ('{started,advanced,resumed}') THEN as_of ELSE t.timer_from END,
			samples_since = CASE WHEN kind = ANY ('{started,advanced}') THEN now() ELSE t.samples_since END,
			verdict = verdict, reason = reason, facts = facts, looked_at = as_of, rests_until = NULL,
			ended_at = CASE WHEN ends THEN clock_timestamp() END
		WHERE t.id = r.id RETURNING t.* INTO r;
		IF NOT FOUND THEN
			RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
				MESSAGE = 'the rollout is not there any more';
		END IF;
	END IF;
	INSERT INTO augur.rollout_events (rollout_id, kind, state, step, weight, verdict, reason, facts, as_of)
	VALUES (r.id, kind, r.state, r.step, r.weight, verdict, reason, facts, as_of);
	SELECT * INTO m FROM augur.models t WHERE t.id = r.model_id;
	PERFORM augur._emit('rollout_' || kind,
		CASE WHEN kind = ANY ('{paused,rolled_back,aborted,denied,expired}') THEN 'warning' ELSE 'info' END,
		r.model || '/' || r.candidate,
		jsonb_build_object('rollout', r.id, 'version', r.candidate, 'champion', r.champion, 'mode', r.mode, 'step', r.step,
			'steps', cardinality(r.weights), 'weight', r.weight, 'verdict', verdict, 'reason', reason), m);
	RETURN r;
END
$$;
COMMENT ON FUNCTION augur._rollout_move(augur.rollouts, text, timestamptz, text, text, jsonb) IS
'Internal. Moves a rollout, keeps the move and writes its event.';

-- From approved, or at once: to the first step, or, where there is nothing to compare with, to the end.
CREATE OR REPLACE FUNCTION augur._rollout_begin(m augur.models, r augur.rollouts, as_of timestamptz) RETURNS augur.rollouts
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	r := augur._rollout_move(r, 'started', as_of);
	IF r.champion_id IS NULL THEN
		PERFORM augur._promote(m, r.candidate_id, 'production', 'promote', format('rollout %s: nothing was in production', r.id));
		r := augur._rollout_move(r, 'promoted', as_of, 'nothing was in production');
	END IF;
	RETURN r;
END
$$;
COMMENT ON FUNCTION augur._rollout_begin(augur.models, augur.rollouts, timestamptz) IS
'Internal. Starts a rollout; a first version is promoted at once.';

CREATE OR REPLACE FUNCTION augur._check_rollout_guard(m augur.models, guard jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	fit			text[] := CASE m.task WHEN 'regression' THEN '{squared_error,absolute_error}' ELSE '{error,log_loss}' END;
	k			text;
	v			jsonb;
	problem		text;
	hint		text;
BEGIN
	IF guard IS NULL OR jsonb_typeof(guard) <> 'object' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'guard must be a JSON object';
	END IF;
	FOR k, v IN SELECT * FROM jsonb_each(guard) LOOP
		IF k <> ALL ('{max_error_share,max_null_share,max_drift,metric,max_loss}') THEN
			problem := format('guard has no option "%s"', k);
			hint := 'Its options are max_error_share, max_null_share, max_drift, and metric with max_loss.';
		ELSIF k = 'metric' THEN
			IF NOT coalesce(jsonb_typeof(v) = 'string' AND v #>> '{}' = ANY (fit), false) THEN
				problem := format('invalid metric %s for a model of task %s', v, m.task);
				hint := format('Valid values are %s and %s.', fit[1], fit[2]);
			ELSIF NOT guard ? 'max_loss' THEN
				problem := 'metric needs max_loss';
				hint := 'It is how much more the candidate may lose on average, as 0.01.';
			END IF;
		ELSIF jsonb_typeof(v) <> 'number' THEN
			problem := format('%s of guard must be a number, not %s', k, v);
		ELSIF v < '0' OR (k ~ 'share$' AND v > '1') THEN
			problem := format('%s of guard must be %s', k, CASE WHEN k ~ 'share$' THEN 'between 0 and 1' ELSE 'at least 0' END);
		ELSIF v > '1e15' THEN
			problem := format('%s of guard is too large', k);
		ELSIF k = 'max_loss' AND NOT guard ? 'metric' THEN
			problem := 'max_loss needs metric';
			hint := format('It is one of %s and %s.', fit[1], fit[2]);
		END IF;
		IF hint IS NOT NULL THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = problem, HINT = hint;
		ELSIF problem IS NOT NULL THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = problem;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION augur._check_rollout_guard(augur.models, jsonb) IS
'Internal. An error unless that can be the guard of a rollout.';

-- The version to roll out, as augur.promote finds it.
CREATE OR REPLACE FUNCTION augur._rollout_candidate(m augur.models, version integer) RETURNS augur.versions
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	v			augur.versions;
BEGIN
	IF m.task = 'forecasting' THEN
		RAISE EXCEPTION USING ERRCODE = 'wrong_object_type',
			MESSAGE = format('model "%s" forecasts series, and there are no rows to route', m.name),
			HINT = 'Use augur.promote; augur.refresh_forecast has a gate of its own.';
	END IF;
	IF version IS NULL THEN
		SELECT * INTO v FROM augur.versions t WHERE t.model_id = m.id AND t.status = 'ready' ORDER BY t.version DESC LIMIT 1;
		IF NOT FOUND THEN
			RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
				MESSAGE = format('model "%s" has no version in status ready', m.name),
				HINT = 'Train it with augur.train.';
		END IF;
	ELSE
		v := augur._version(m, version);
	END IF;
	IF v.status <> 'ready' THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('version %s of model "%s" is %s, not ready', v.version, m.name, v.status);
	ELSIF v.id = augur._production_version(m.name) THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('version %s of model "%s" is in production already', v.version, m.name),
			HINT = 'Train another one, or name one.';
	END IF;
	RETURN v;
END
$$;
COMMENT ON FUNCTION augur._rollout_candidate(augur.models, integer) IS
'Internal. The version to roll out; an error when it cannot be.';

CREATE OR REPLACE FUNCTION augur.start_rollout(model text, version integer DEFAULT NULL, weights numeric[] DEFAULT NULL,
	step_for interval DEFAULT '1 day', mode text DEFAULT 'canary', min_samples integer DEFAULT 100,
	guard jsonb DEFAULT '{}', approval boolean DEFAULT false,
	salt text DEFAULT NULL, patience interval DEFAULT '3 days', expires_after interval DEFAULT '7 days',
	note text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	parts		text[] := regexp_match(model, '^(.*)/([0-9]{1,9})$');
	m			augur.models;
	v			augur.versions;
	champion	augur.versions;
	r			augur.rollouts;
	most		numeric;
	problem		text;
BEGIN
	IF parts IS NOT NULL THEN
		IF version IS NOT NULL AND version <> parts[2]::integer THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
				MESSAGE = format('"%s" names another version than %s', model, version);
		END IF;
		version := parts[2]::integer;
		model := parts[1];
	END IF;
	m := augur._model_locked(model, 'operate');
	IF mode IS NULL OR NOT (mode = ANY ('{canary,shadow}')) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid mode %s', quote_nullable(mode)),
			HINT = 'Valid values are canary and shadow.';
	END IF;
	most := CASE mode WHEN 'canary' THEN 99.99 ELSE 100 END;
	weights := coalesce(weights, CASE mode WHEN 'shadow' THEN '{100}' ELSE '{5,25,50}' END::numeric[]);
	IF array_ndims(weights) IS DISTINCT FROM 1 OR cardinality(weights) > 100
		OR EXISTS (SELECT FROM unnest(weights) WITH ORDINALITY w (x, i)
				   WHERE x IS NULL OR NOT x BETWEEN 0.01 AND most OR x <> round(x, 2)
				   OR x <= (SELECT b.x FROM unnest(weights) WITH ORDINALITY b (x, i) WHERE b.i = w.i - 1))
	THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid weights %s', weights),
			DETAIL = format('They are 1 to 100 percentages of at most two decimals, from 0.01 to %s, each greater than the one before.', most),
			HINT = 'After the last step the candidate is promoted.';
	END IF;
	problem := CASE
		WHEN step_for IS NULL OR step_for < interval '0' THEN 'step_for must not be negative'
		WHEN patience IS NULL OR patience < interval '0' THEN 'patience must not be negative'
		WHEN expires_after IS NULL OR expires_after < interval '0' THEN 'expires_after must not be negative'
		WHEN greatest(step_for, patience, expires_after) > interval '1000 years'
			THEN 'step_for, patience and expires_after must not be more than 1000 years'
		WHEN NOT (augur._plain_span(step_for) AND augur._plain_span(patience) AND augur._plain_span(expires_after))
			THEN 'step_for, patience and expires_after must not have negative parts'
		WHEN min_samples IS NULL OR min_samples < 2 THEN 'min_samples must be at least 2'
		WHEN approval IS NULL THEN 'approval must be true or false'
		WHEN char_length(salt) NOT BETWEEN 1 AND 200 THEN 'salt must have 1 to 200 characters' END;
	IF problem IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = problem;
	END IF;
	PERFORM augur._check_rollout_guard(m, guard);
	-- a metric says nothing about rows without an answer
	guard := '{"max_error_share": 0.01, "max_null_share": 0.01}' || guard;
	SELECT * INTO r FROM augur.rollouts t
	WHERE t.model_id = m.id AND t.state = ANY ('{pending_approval,approved,running,paused}');
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('model "%s" has a rollout already: version %s is %s', m.name, r.candidate, r.state),
			HINT = CASE r.state WHEN 'pending_approval' THEN 'Use augur.deny_rollout to take it back.'
				ELSE 'Let it end, or use augur.abort_rollout.' END;
	END IF;
	v := augur._rollout_candidate(m, version);
	SELECT * INTO champion FROM augur.versions t WHERE t.id = augur._production_version(m.name);
	INSERT INTO augur.rollouts (model_id, model, champion_id, champion, candidate_id, candidate, mode, salt, weights, step_for,
		patience, min_samples, guard, approval, expires_at, note, owner, state, timer_from, samples_since)
	VALUES (m.id, m.name, champion.id, champion.version, v.id, v.version, mode, coalesce(salt, m.name || '/' || v.version), weights,
		step_for, patience, min_samples, guard, approval, CASE WHEN approval THEN now() + expires_after END, note, m.owner,
		CASE WHEN approval THEN 'pending_approval' ELSE 'running' END, now(), now())
	RETURNING * INTO r;
	IF approval THEN
		PERFORM augur._rollout_move(r, 'requested', now());
	ELSE
		PERFORM augur._rollout_begin(m, r, now());
	END IF;
	RETURN r.id;
END
$$;
COMMENT ON FUNCTION augur.start_rollout(text, integer, numeric[], interval, text, integer, jsonb, boolean, text, interval, interval, text) IS
'Lets a version take over from production by steps, and returns the number of the rollout: augur.check_rollouts moves it on, into production, or takes it back. version: the newest ready one by default. weights: the share of entities at each step, in percent ({5,25,50}; in shadow {100}). step_for: how long a step lasts at least; patience: how much longer it may stay inconclusive before it is paused. mode: canary (the candidate answers its share) or shadow (it is asked beside production, and nobody sees the answer). min_samples: predictions at a step, without which there is no verdict. guard: max_error_share and max_null_share (0.01 each unless given), max_drift (PSI between the answers of both), metric (error, log_loss, squared_error or absolute_error) with max_loss (how much more the candidate may lose on average). approval: wait for augur.approve_rollout by somebody else, at most expires_after. salt: two rollouts of one salt take the same entities first. A model with nothing in production gets its first version at once. For the model''s owner, operators and admins. Example: SELECT augur.start_rollout(''churn'', 7, guard => ''{"metric": "log_loss", "max_loss": 0.02}'')';

-- The open rollout of a model whose row is locked.
CREATE OR REPLACE FUNCTION augur._rollout_of(m augur.models, states text[], verb text) RETURNS augur.rollouts
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	r			augur.rollouts;
BEGIN
	SELECT * INTO r FROM augur.rollouts t
	WHERE t.model_id = m.id AND t.state = ANY ('{pending_approval,approved,running,paused}');
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('model "%s" has no open rollout', m.name),
			HINT = 'augur.start_rollout starts one; augur.rollout_history shows those that have ended.';
	ELSIF NOT (r.state = ANY (states)) THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('the rollout of model "%s" is %s and cannot be %s', m.name, r.state, verb);
	END IF;
	RETURN r;
END
$$;
COMMENT ON FUNCTION augur._rollout_of(augur.models, text[], text) IS
'Internal. The open rollout of a model, if it is in one of these states.';

CREATE OR REPLACE FUNCTION augur._rollout_decide(model text, decision text, note text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	m			augur.models := augur._model_locked(model, 'operate');
	r			augur.rollouts := augur._rollout_of(m, '{pending_approval}',
											CASE decision WHEN 'approve' THEN 'approved' ELSE 'denied' END);
	now_id		bigint := augur._production_version(m.name);
BEGIN
	IF decision = 'approve' THEN
		IF r.requested_by = current_user AND row_security_active('augur.models')
			AND NOT EXISTS (SELECT FROM augur.preset_roles p WHERE p.preset = 'admin' AND pg_has_role(p.role, 'USAGE'))
		THEN
			RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
				MESSAGE = format('the rollout of model "%s" was started by you and must be approved by somebody else', m.name),
				DETAIL = 'Members of the owner, operators and admins may approve it; of those who have started it, only admins.';
		ELSIF r.expires_at <= now() THEN
			RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
				MESSAGE = format('the request to roll out version %s of model "%s" has expired', r.candidate, m.name),
				HINT = 'Deny it, or let augur.check_rollouts end it, and start another one.';
		ELSIF now_id IS DISTINCT FROM r.champion_id THEN
			RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
				MESSAGE = format('another version of model "%s" went into production since the rollout was asked for', m.name),
				HINT = 'Deny it, or let augur.check_rollouts end it, and start another one.';
		END IF;
	END IF;
	INSERT INTO augur.approvals (rollout_id, decision, note) VALUES (r.id, decision, note);
	IF decision = 'deny' THEN
		r := augur._rollout_move(r, 'denied', now(), note);
	ELSE
		r := augur._rollout_move(r, 'approved', now(), note);
		r := augur._rollout_begin(m, r, now());
	END IF;
	RETURN r.state;
END
$$;
COMMENT ON FUNCTION augur._rollout_decide(text, text, text) IS
'Internal. Approves or denies a rollout, and keeps who did.';

CREATE OR REPLACE FUNCTION augur.approve_rollout(model text, note text DEFAULT NULL) RETURNS text
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT augur._rollout_decide(model, 'approve', note)
$$;
COMMENT ON FUNCTION augur.approve_rollout(text, text) IS
'Approves the rollout of a model that waits for it, which starts it, and returns its state. For the model''s owner, operators and admins, but not for whoever started it: only admins and superusers approve their own. augur.approvals keeps who did.';

CREATE OR REPLACE FUNCTION augur.deny_rollout(model text, note text DEFAULT NULL) RETURNS text
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT augur._rollout_decide(model, 'deny', note)
$$;
COMMENT ON FUNCTION augur.deny_rollout(text, text) IS
'Denies the rollout of a model that waits for approval, which ends it. For the model''s owner, operators and admins; whoever started it may take it back so.';

CREATE OR REPLACE FUNCTION augur.pause_rollout(model text, reason text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	m			augur.models := augur._model_locked(model, 'operate');
	r			augur.rollouts := augur._rollout_of(m, '{running}', 'paused');
BEGIN
	RETURN (augur._rollout_move(r, 'paused', greatest(now(), r.looked_at), pause_rollout.reason)).state;
END
$$;
COMMENT ON FUNCTION augur.pause_rollout(text, text) IS
'Holds the rollout of a model where it is: its share of entities stays, and augur.check_rollouts does not judge it, until augur.resume_rollout or augur.abort_rollout. For the model''s owner, operators and admins.';

CREATE OR REPLACE FUNCTION augur.resume_rollout(model text, reason text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	m			augur.models := augur._model_locked(model, 'operate');
	r			augur.rollouts := augur._rollout_of(m, '{paused}', 'resumed');
BEGIN
	RETURN (augur._rollout_move(r, 'resumed', greatest(now(), r.looked_at), resume_rollout.reason)).state;
END
$$;
COMMENT ON FUNCTION augur.resume_rollout(text, text) IS
'Lets a paused rollout of a model go on: the time of its step is counted anew, its predictions are kept. For the model''s owner, operators and admins.';

CREATE OR REPLACE FUNCTION augur.abort_rollout(model text, reason text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	m			augur.models := augur._model_locked(model, 'operate');
	r			augur.rollouts := augur._rollout_of(m, '{approved,running,paused}', 'aborted');
BEGIN
	RETURN (augur._rollout_move(r, 'aborted', greatest(now(), r.looked_at), abort_rollout.reason)).state;
END
$$;
COMMENT ON FUNCTION augur.abort_rollout(text, text) IS
'Ends the rollout of a model: all entities go back to the version in production. For the model''s owner, operators and admins.';
