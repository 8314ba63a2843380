-- retrain: looking at the rules, and training when they say so.

CREATE OR REPLACE FUNCTION augur.set_retrain_policy(model text, every interval DEFAULT NULL,
	new_rows bigint DEFAULT NULL, on_events text[] DEFAULT '{}', events_needed integer DEFAULT 1,
	cooldown interval DEFAULT '1 day', most_per_day integer DEFAULT 3, min_new_rows bigint DEFAULT 0,
	suite text DEFAULT NULL, gate jsonb DEFAULT '{}', stop_after integer DEFAULT 2,
	frozen boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	m			augur.models := augur._model_locked(model, 'own');
	problem		text;
BEGIN
	problem := CASE
		WHEN every <= interval '0' THEN 'every must be positive'
		WHEN new_rows < 1 THEN 'new_rows must be positive'
		WHEN events_needed IS NULL OR events_needed < 1 THEN 'events_needed must be at least 1'
		WHEN cooldown IS NULL OR cooldown < interval '0' THEN 'cooldown must not be negative'
		WHEN most_per_day IS NULL OR most_per_day < 1 THEN 'most_per_day must be at least 1'
		WHEN min_new_rows IS NULL OR min_new_rows < 0 THEN 'min_new_rows must not be negative'
		WHEN stop_after IS NULL OR stop_after < 1 THEN 'stop_after must be at least 1'
		WHEN frozen IS NULL THEN 'frozen must be true or false'
		WHEN jsonb_typeof(coalesce(gate, '{}')) <> 'object' THEN 'gate must be a JSON object'
		WHEN gate ? 'suite' THEN 'the suite is an argument of its own, not part of gate'
		WHEN m.task = 'forecasting' AND coalesce(gate, '{}') <> '{}' THEN 'forecasters have a gate of their own, and take none'
		WHEN m.task <> 'forecasting' AND (augur._last_training(m.id)).config -> 'holdout' = '0'
			THEN 'the last training kept no holdout, by which the gate judges a candidate'
		WHEN coalesce(on_events, '{}') && '{training_finished,version_ready,promoted,version_rejected}'
			THEN 'a training would trigger the next one' END;
	IF problem IS NULL THEN
		SELECT format('gate has no option "%s"', k) INTO problem FROM jsonb_object_keys(coalesce(gate, '{}')) k
		WHERE k <> ALL ('{min_gain,floor,max_gap}') LIMIT 1;
	END IF;
	IF problem IS NULL THEN
		-- as augur.train would say at each training
		SELECT format('option "%s" of gate must be a number from %s to 1e+300', k, CASE k WHEN 'floor' THEN '-1e+300' ELSE '0' END) INTO problem
		FROM jsonb_each(coalesce(gate, '{}')) e (k, v)
		WHERE CASE WHEN jsonb_typeof(v) = 'number' THEN (v)::numeric NOT BETWEEN CASE k WHEN 'floor' THEN -1e300 ELSE 0 END AND 1e300 ELSE true END
		ORDER BY k LIMIT 1;
	END IF;
	IF problem IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = problem;
	END IF;
	IF suite IS NOT NULL THEN
		PERFORM augur._suite(suite);
	END IF;
	DELETE FROM augur.retrain_policies p WHERE p.model_id = m.id;
	INSERT INTO augur.retrain_policies (model_id, every, new_rows, on_events, events_needed, cooldown,
		most_per_day, min_new_rows, suite, gate, stop_after, frozen)
	VALUES (m.id, every, new_rows, coalesce(on_events, '{}'), events_needed, cooldown, most_per_day,
		min_new_rows, suite, coalesce(gate, '{}'), stop_after, frozen);
END
$$;
COMMENT ON FUNCTION augur.set_retrain_policy(text, interval, bigint, text[], integer, interval, integer, bigint, text, jsonb, integer, boolean) IS
'Says when augur.check_retrain trains a model anew, instead of what was said before. Triggers: every (time since the last training), new_rows (more rows with a target), on_events (kinds of augur.events about the model, so many as events_needed). Brakes: cooldown, most_per_day, min_new_rows, suite (validation that the data must pass), stop_after (so many candidates in a row that are not promoted stop it until the policy is set again), frozen. gate: what a candidate must show, as gate of augur.train; {} asks for a sure gain. Example: SELECT augur.set_retrain_policy(''churn'', every => ''7 days'', on_events => ''{drift_found}'', suite => ''customers'')';

CREATE OR REPLACE FUNCTION augur.drop_retrain_policy(model text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	m			augur.models := augur._model_locked(model, 'own');
BEGIN
	DELETE FROM augur.retrain_policies p WHERE p.model_id = m.id;
END
$$;
COMMENT ON FUNCTION augur.drop_retrain_policy(text) IS
'Takes the retrain policy of a model away; its decisions stay in augur.retrain_decisions.';

-- The training that is repeated: the last one of the model from a relation or a query.
CREATE OR REPLACE FUNCTION augur._last_training(model_id bigint) RETURNS augur.runs
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT r FROM augur.runs r
	WHERE r.model_id = $1 AND r.status = 'finished' AND coalesce(r.relation, r.query) IS NOT NULL
	ORDER BY r.id DESC LIMIT 1
$$;
COMMENT ON FUNCTION augur._last_training(bigint) IS
'Internal. The last finished training of a model, which a retraining repeats.';

-- Rows with a target that a training would see now.
CREATE OR REPLACE FUNCTION augur._labelled_rows(r augur.runs) RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	n			bigint;
	source		text := coalesce(to_regclass(r.relation)::text, E'(' || r.query || E'\n)');
BEGIN
	PERFORM augur._check_own_source((SELECT m FROM augur.models m WHERE m.id = r.model_id),
									'A member of the owner can look at it.');
	IF source IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_table',
			MESSAGE = format('%s, which the last training read, does not exist', r.relation),
			HINT = 'Train anew with augur.train.';
	END IF;
	FOR n IN EXECUTE format('SELECT count(t.%I) FROM %s t%s', r.target, source,
							E' WHERE (' || (r.config ->> 'filter') || E'\n)')
	LOOP
		EXIT;
	END LOOP;
	RETURN n;
END
$$;
COMMENT ON FUNCTION augur._labelled_rows(augur.runs) IS
'Internal. How many rows with a target the source of a training has now.';

-- Trains as the last time, on what the source has now.
CREATE OR REPLACE FUNCTION augur._train_again(r augur.runs, model text, gate jsonb, note text)
RETURNS augur.train_result
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	c			jsonb := r.config;
	result		augur.train_result;
	names		name[] := ARRAY(SELECT jsonb_array_elements_text(c -> 'features'));
BEGIN
	IF r.task = 'forecasting' THEN
		RETURN augur.refresh_forecast(model, note => note);
	END IF;
	EXECUTE format('SELECT (t).* FROM augur.%s($1, $2%s, $3, features => $4, exclude => $5, algorithm => $6, task => $7,'
		' key => $8, time_column => $9, weight => $10, filter => $11, params => $12, preprocess => $13,'
		' validation => $14, gate => $15, seed => $16, note => $17) t',
		CASE WHEN r.relation IS NULL THEN 'train_query' ELSE 'train' END,
		CASE WHEN r.relation IS NULL THEN '' ELSE '::regclass' END)
	INTO result
	USING model, coalesce(r.relation, r.query), r.target::name, nullif(names, '{}'),
		ARRAY(SELECT jsonb_array_elements_text(c -> 'exclude'))::name[], r.algorithm, r.task,
		(c ->> 'key')::name, (c ->> 'time_column')::name, (c ->> 'weight')::name, c ->> 'filter',
		(SELECT coalesce(jsonb_object_agg(p.name, p.value), '{}') FROM augur.params p WHERE p.run_id = r.id),
		jsonb_strip_nulls(jsonb_build_object('max_bins', c -> 'max_bins', 'date_parts', c -> 'date_parts')),
		jsonb_build_object('holdout', c -> 'holdout'), gate, r.seed, note;
	RETURN result;
END
$$;
COMMENT ON FUNCTION augur._train_again(augur.runs, text, jsonb, text) IS
'Internal. Repeats a training with a gate.';

-- What speaks for a training, and what against it: facts first.
CREATE OR REPLACE FUNCTION augur._retrain_facts(m augur.models, p augur.retrain_policies, r augur.runs,
	as_of timestamptz) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	last		augur.retrain_decisions;
	in_a_row	bigint;
	events		bigint := 0;
	fresh		bigint;
BEGIN
	SELECT * INTO last FROM augur.retrain_decisions d WHERE d.model_id = m.id AND d.fired
	ORDER BY d.id DESC LIMIT 1;
	-- of the fired ones since the policy was set, how many of the last ones did not make it
	SELECT count(*) INTO in_a_row FROM augur.retrain_decisions d
	WHERE d.model_id = m.id AND d.fired AND d.at >= p.set_at
	AND NOT EXISTS (SELECT FROM augur.retrain_decisions l
					WHERE l.model_id = m.id AND l.fired AND l.outcome = 'promoted' AND l.id >= d.id);
	IF p.on_events <> '{}' THEN
		SELECT count(*) INTO events FROM augur.events e
		WHERE e.model_id = m.id AND e.kind = ANY (p.on_events) AND e.at > coalesce(last.at, r.ended_at);
	END IF;
	IF p.new_rows IS NOT NULL OR p.min_new_rows > 0 THEN
		fresh := greatest(augur._labelled_rows(r) - r.rows_used, 0);
	END IF;
	RETURN jsonb_strip_nulls(jsonb_build_object('last_training', coalesce(last.as_of, r.ended_at),
		'new_rows', fresh, 'events', events, 'not_promoted_in_a_row', in_a_row,
		'trainings_within_a_day', (SELECT count(*) FROM augur.retrain_decisions d
			WHERE d.model_id = m.id AND d.fired AND d.as_of > _retrain_facts.as_of - interval '1 day'
			AND d.as_of <= _retrain_facts.as_of)));
END
$$;
COMMENT ON FUNCTION augur._retrain_facts(augur.models, augur.retrain_policies, augur.runs, timestamptz) IS
'Internal. What a retrain policy is measured by.';

CREATE OR REPLACE FUNCTION augur._retrain_trigger(p augur.retrain_policies, facts jsonb, as_of timestamptz)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT CASE
		WHEN p.on_events <> '{}' AND (facts ->> 'events')::bigint >= p.events_needed THEN 'events'
		WHEN (facts ->> 'new_rows')::bigint >= p.new_rows THEN 'new_rows'
		WHEN as_of - (facts ->> 'last_training')::timestamptz >= p.every THEN 'schedule' END
$$;
COMMENT ON FUNCTION augur._retrain_trigger(augur.retrain_policies, jsonb, timestamptz) IS
'Internal. Which trigger of a policy is met, NULL for none.';

CREATE OR REPLACE FUNCTION augur._retrain_brake(p augur.retrain_policies, facts jsonb, as_of timestamptz)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT CASE
		WHEN p.frozen THEN 'the policy is frozen'
		WHEN (facts ->> 'not_promoted_in_a_row')::bigint >= p.stop_after
			THEN format('stopped: %s candidates in a row were not promoted; set the policy again to go on',
						facts ->> 'not_promoted_in_a_row')
		WHEN as_of - (facts ->> 'last_training')::timestamptz < p.cooldown
			THEN format('cooldown: the last training was at %s', facts ->> 'last_training')
		WHEN (facts ->> 'trainings_within_a_day')::bigint >= p.most_per_day
			THEN format('%s trainings within a day are the most allowed', p.most_per_day)
		WHEN (facts ->> 'new_rows')::bigint < p.min_new_rows
			THEN format('%s new rows, of %s that are needed', facts ->> 'new_rows', p.min_new_rows) END
$$;
COMMENT ON FUNCTION augur._retrain_brake(augur.retrain_policies, jsonb, timestamptz) IS
'Internal. What keeps a policy from training, NULL for nothing.';

-- A candidate, in a subtransaction: when it fails, the decision stays.
CREATE OR REPLACE FUNCTION augur._retrain(m augur.models, p augur.retrain_policies, r augur.runs,
	why text, OUT outcome text, OUT version integer, OUT reason text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	result		augur.train_result;
	status		text;
BEGIN
	BEGIN
		result := augur._train_again(r, m.name, p.gate, 'retrained: ' || why);
	EXCEPTION WHEN OTHERS THEN
		outcome := 'failed';
		reason := SQLERRM;
		RETURN;
	END;
	version := result.version;
	SELECT v.status, t.info ->> 'promotion' INTO status, reason
	FROM augur.versions v JOIN augur.runs t ON t.id = v.run_id
	WHERE v.model_id = m.id AND v.version = _retrain.version;
	outcome := CASE WHEN result.promoted THEN 'promoted' WHEN status = 'rejected' THEN 'rejected' ELSE 'kept' END;
END
$$;
COMMENT ON FUNCTION augur._retrain(augur.models, augur.retrain_policies, augur.runs, text) IS
'Internal. Trains a candidate, and tells what became of it.';

CREATE OR REPLACE FUNCTION augur.check_retrain(model text, as_of timestamptz DEFAULT now(),
	by_hand boolean DEFAULT false) RETURNS augur.retrain_decisions
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	m			augur.models := augur._model(model);
	p			augur.retrain_policies;
	r			augur.runs;
	d			augur.retrain_decisions;
	v			augur.validation_summary;
	facts		jsonb;
	brake		text;
	got			record;
BEGIN
	-- before anything of the owner's choice is read
	PERFORM augur._check_own_source(m, 'A member of the owner can look at it.');
	IF NOT isfinite(as_of) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'as_of must be finite';
	END IF;
	IF NOT pg_try_advisory_xact_lock(hashtext('augur.check_retrain'), hashint8(m.id)) THEN
		RAISE EXCEPTION USING ERRCODE = 'lock_not_available',
			MESSAGE = format('the retrain policy of model "%s" is being looked at by another session', m.name);
	END IF;
	SELECT * INTO p FROM augur.retrain_policies t WHERE t.model_id = m.id;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('model "%s" has no retrain policy', m.name),
			HINT = 'augur.set_retrain_policy sets one.';
	END IF;
	r := augur._last_training(m.id);
	IF r.id IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('model "%s" has no training that could be repeated', m.name),
			HINT = 'Train it once with augur.train.';
	END IF;
	as_of := coalesce(as_of, now());
	facts := augur._retrain_facts(m, p, r, as_of);
	d.fired := false;
	d.trigger := CASE WHEN by_hand THEN 'manual' ELSE augur._retrain_trigger(p, facts, as_of) END;
	brake := CASE WHEN NOT by_hand THEN augur._retrain_brake(p, facts, as_of) END;
	IF d.trigger IS NULL OR brake IS NOT NULL THEN
		d.reason := CASE WHEN d.trigger IS NULL THEN 'no trigger' ELSE brake END;
	ELSE
		IF p.suite IS NOT NULL THEN
			v := augur.validate(p.suite, r.relation::regclass, r.config ->> 'filter', as_of);
			facts := facts || jsonb_build_object('validation_run', v.run, 'validation', v.status);
		END IF;
		IF v.status <> 'passed' THEN
			d.reason := format('the data does not pass suite "%s": %s', v.suite, v.status);
		ELSE
			got := augur._retrain(m, p, r, d.trigger);
			d.fired := true;
			d.outcome := got.outcome;
			d.version := got.version;
			d.reason := got.reason;
		END IF;
	END IF;
	INSERT INTO augur.retrain_decisions (model_id, model, as_of, fired, trigger, reason, outcome, version, facts, owner)
	VALUES (m.id, m.name, as_of, d.fired, d.trigger, coalesce(d.reason, 'trained'), d.outcome, d.version, facts, m.owner)
	RETURNING * INTO d;
	IF d.fired THEN
		PERFORM augur._emit('retrain_' || d.outcome,
			CASE d.outcome WHEN 'promoted' THEN 'info' WHEN 'failed' THEN 'error' ELSE 'warning' END,
			coalesce(m.name || '/' || d.version, m.name),
			jsonb_build_object('decision', d.id, 'trigger', d.trigger, 'version', d.version, 'reason', d.reason), m);
		IF d.outcome <> 'promoted' AND (facts ->> 'not_promoted_in_a_row')::bigint + 1 = p.stop_after THEN
			PERFORM augur._emit('retrain_stopped', 'error', m.name,
				jsonb_build_object('decision', d.id, 'candidates', p.stop_after), m);
		END IF;
	END IF;
	RETURN d;
END
$$;
COMMENT ON FUNCTION augur.check_retrain(text, timestamptz, boolean) IS
'Looks at the retrain policy of a model, trains a candidate when a trigger is met and no brake holds, promotes it when it passes the gate, and returns the decision, which is kept in augur.retrain_decisions either way. The candidate repeats the last training on what its table has now. as_of: the time to measure against, for simulations. by_hand: train now, whatever triggers and brakes say; the suite and the gate still hold. For members of the model''s owner, as what it was trained on is read with your rights and may run code (SECURITY.md): superusers leave others'' models to sessions of their owners. augur.tick does it about every ten minutes, as the owner; without that: SELECT cron.schedule(''churn'', ''*/10 * * * *'', ''SELECT augur.check_retrain(''''churn'''')'')';

CREATE OR REPLACE TRIGGER retrain_decisions_fixed BEFORE UPDATE OR DELETE ON augur.retrain_decisions
FOR EACH ROW EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER retrain_decisions_kept BEFORE TRUNCATE ON augur.retrain_decisions
FOR EACH STATEMENT EXECUTE FUNCTION augur._guard_append_only();
