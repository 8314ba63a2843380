-- registry: presets of rights for ordinary roles.
--
-- No role is made here: roles belong to the whole cluster.  augur.grant_preset gives an existing
-- role what it needs, and only by GRANT, so \dp, DROP OWNED and pg_dump know about it.  Rows are
-- then filtered by row level security.

CREATE OR REPLACE FUNCTION augur._preset_privileges(preset text,
	OUT relation regclass, OUT privilege text) RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	-- read: metadata, and the views over it; predict: what scoring reads
	SELECT c.oid::regclass, 'SELECT'
	FROM pg_class c
	WHERE c.relnamespace = 'augur'::regnamespace
	AND CASE $1
		WHEN 'reader' THEN c.relkind = 'v' OR c.relkind = 'r' AND c.relname <> ALL ('{version_chunks,version_states,version_profiles}')
		WHEN 'predictor' THEN c.relkind = ANY ('{r,p}'::"char"[])
			AND c.relname = ANY ('{preset_roles,models,model_grants,versions,version_chunks,version_series,version_states,aliases,predictions,actuals,feature_sets}')
		WHEN 'notifier' THEN c.relname = ANY ('{preset_roles,models,model_grants,events,channels,channel_states,routes,silences,notifications,notification_attempts,notification_status,notification_log}')
		ELSE c.relkind = ANY ('{r,v,p}'::"char"[]) END
	-- partitions are reached through their table, whose policies hold there
	AND NOT c.relispartition
	AND EXISTS (SELECT FROM pg_depend d
				WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
	UNION ALL
	-- write: only columns that are not facts about who and when, those are defaults
	SELECT t.relation::regclass, t.privilege
	FROM (VALUES
		('augur.models', 'INSERT (name, task, target)'),
		('augur.models', 'UPDATE (metric, higher_is_better, next_version, owner)'),
		('augur.models', 'DELETE'),
		('augur.model_grants', 'INSERT (model_id, role, privilege, owner)'),
		('augur.model_grants', 'DELETE'),
		('augur.runs', 'INSERT (model_id, algorithm, task, relation, query, target, config, seed, note,'
		 ' extension_version)'),
		('augur.runs', 'UPDATE (status, ended_at, rows_used, rows_skipped, seconds, warnings, info)'),
		('augur.runs', 'DELETE'),
		('augur.params', 'INSERT'),
		('augur.metrics', 'INSERT'),
		('augur.versions', 'INSERT (model_id, version, run_id, algorithm, artifact_format, size, sha256,'
		 ' signature)'),
		('augur.versions', 'UPDATE (status)'),
		('augur.versions', 'DELETE'),
		('augur.version_chunks', 'INSERT'),
		('augur.version_series', 'INSERT'),
		('augur.version_states', 'INSERT'),
		('augur.version_profiles', 'INSERT'),
		('augur.forecasts', 'INSERT (model_id, version_id, version, series, origin, ts, until, step_ahead,'
		 ' forecast, lower, upper, level, method)'),
		('augur.forecasts', 'DELETE'),
		('augur.events', 'INSERT (kind, severity, subject, model_id, model, payload, owner)'),
		('augur.monitors', 'INSERT (model_id, name, relation, time_column, every, width, segments, filter, predictions,'
		 ' min_rows, alpha, effect_floor, drift_share, needed, of_last, signal_first, start_at, next_at)'),
		('augur.monitors', 'UPDATE (enabled, next_at)'),
		('augur.monitors', 'DELETE'),
		('augur.pipeline_schedules', 'INSERT (pipeline_id, schedule, timezone, start_at, params, catchup, max_catchup,'
		 ' next_at)'),
		('augur.pipeline_schedules', 'UPDATE (enabled, next_at, note)'),
		('augur.pipeline_schedules', 'DELETE'),
		('augur.pipeline_triggers', 'INSERT (pipeline_id, kind, event_kind, filter, model, relation, operations,'
		 ' after_id, statuses, debounce, params, params_from)'),
		('augur.pipeline_triggers', 'UPDATE (enabled, note)'),
		('augur.pipeline_triggers', 'DELETE'),
		('augur.drift_runs', 'INSERT (model_id, monitor_id, monitor, version_id, version, relation, filter, segment,'
		 ' window_start, window_end, as_of, judged, drifted, share, weighted_share, target, prediction, verdict,'
		 ' alarm, detail, options, seconds)'),
		('augur.drift_runs', 'DELETE'),
		('augur.drift_columns', 'INSERT'),
		('augur.retrain_policies', 'INSERT (model_id, every, new_rows, on_events, events_needed, cooldown,'
		 ' most_per_day, min_new_rows, suite, gate, stop_after, frozen)'),
		('augur.retrain_policies', 'DELETE'),
		('augur.retrain_decisions', 'INSERT (model_id, model, as_of, fired, trigger, reason, outcome, version,'
		 ' facts, owner)'),
		('augur.rollouts', 'INSERT (model_id, model, champion_id, champion, candidate_id, candidate, mode, salt, weights,'
		 ' step_for, patience, min_samples, guard, approval, expires_at, note, owner, state, timer_from, samples_since)'),
		('augur.rollouts', 'UPDATE (state, step, weight, timer_from, samples_since, verdict, reason, facts, looked_at,'
		 ' rests_until, ended_at)'),
		('augur.rollout_events', 'INSERT (rollout_id, kind, state, step, weight, verdict, reason, facts, as_of)'),
		('augur.approvals', 'INSERT (rollout_id, decision, note)'),
		('augur.suites', 'INSERT (name, relation, key, note)'),
		('augur.suites', 'UPDATE (relation, key, note)'),
		('augur.suites', 'DELETE'),
		('augur.expectations', 'INSERT (suite_id, kind, columns, args, severity, mostly, note)'),
		('augur.expectations', 'DELETE'),
		('augur.validation_runs', 'INSERT (suite_id, suite, relation, filter, status, rows, evaluated, passed,'
		 ' failed, warned, errors, as_of, seconds, owner)'),
		('augur.validation_results', 'INSERT'),
		('augur.feature_sets', 'INSERT (name, relation, entity, event_time, available_at, features, query, definition,'
		 ' lateness, lookback, max_age, time_zone, description)'),
		('augur.feature_sets', 'UPDATE (version, features, query, definition, lateness, lookback, max_age, watermark,'
		 ' description)'),
		('augur.feature_sets', 'DELETE'),
		('augur.feature_refreshes', 'INSERT (set_id, feature_set, version, kind, since, rows_read, inserted, updated,'
		 ' deleted, skipped, late, watermark_before, watermark, seconds, owner)'),
		('augur.load_batches', 'INSERT (relation, kind, source, digest)'),
		('augur.load_batches', 'UPDATE (status, rows_read, rows_ok, rows_bad, seconds, warnings, ended_at)'),
		('augur.load_batches', 'DELETE'),
		('augur.quarantine', 'INSERT'),
		('augur.performance_windows', 'INSERT (version_id, window_start, window_end, metric, value, lower, upper, n,'
		 ' baseline, baseline_lower, baseline_upper, verdict, predictions, coverage, delay)'),
		('augur.performance_windows', 'UPDATE (value, lower, upper, n, baseline, baseline_lower, baseline_upper,'
		 ' verdict, predictions, coverage, delay, measured_at)'),
		('augur.detector_states', 'INSERT (version_id, detector, loss, options, lateness, state)'),
		('augur.detector_states', 'UPDATE (state, base, event, prediction_id, late, checked_at)'),
		('augur.detector_states', 'DELETE'),
		('augur.detector_changes', 'INSERT (version_id, detector, loss, position, prediction_id, event_time,'
		 ' mean_before, mean_after)'),
		('augur.pipelines', 'INSERT (name, params, description, max_parallel, max_active, concurrency, run_timeout,'
		 ' late_after, keep, search_path)'),
		('augur.pipelines', 'UPDATE (name, owner, params, description, max_parallel, max_active, concurrency, run_timeout,'
		 ' late_after, keep, search_path, enabled)'),
		('augur.pipelines', 'DELETE'),
		('augur.pools', 'INSERT (name, slots, note)'),
		('augur.pools', 'UPDATE (slots, note)'),
		('augur.pools', 'DELETE'),
		('augur.pipeline_steps', 'INSERT'),
		('augur.pipeline_steps', 'DELETE'),
		('augur.pipeline_runs', 'INSERT (pipeline_id, pipeline, owner, status, trigger, params, logical_date,'
		 ' interval_start, interval_end, parent_id, ended_at, reason, due_at)'),
		('augur.pipeline_runs', 'UPDATE (status, plan, launched_at, launches, started_at, resume_at, ended_at, stop,'
		 ' stop_by, due_at, late_at, usual_seconds, pid, reason)'),
		('augur.pipeline_runs', 'DELETE'),
		('augur.step_runs', 'INSERT (run_id, step, kind, pool, attempt, status, next_at, started_at, ended_at, rows, result,'
		 ' message)'),
		('augur.step_runs', 'UPDATE (status, next_at, started_at, ended_at, pid, passed_over, rows, result, sqlstate,'
		 ' message, detail, hint, context)'),
		('augur.alias_history', 'INSERT (model_id, model, alias, action, old_version_id, old_version,'
		 ' new_version_id, new_version, reason)'),
		('augur.aliases', 'INSERT'),
		('augur.aliases', 'UPDATE (version_id, history_id)'),
		('augur.aliases', 'DELETE')) t (relation, privilege)
	WHERE $1 = ANY ('{trainer,operator,admin}')
	UNION ALL
	-- notify: who may, the policies tell; rows of the outbox are never deleted but by age
	SELECT t.relation::regclass, t.privilege
	FROM (VALUES
		('{admin}'::text[], 'augur.channels', 'INSERT (name, kind, secret, per_hour, max_age, note)'),
		('{admin}', 'augur.channels', 'UPDATE (enabled, secret, per_hour, max_age, note)'),
		('{admin}', 'augur.channels', 'DELETE'),
		('{admin}', 'augur.routes', 'INSERT (name, channel_id, priority, kinds, min_severity, model, subject, payload,'
		 ' group_by, group_wait, group_interval, repeat_interval, digest, continues)'),
		('{admin}', 'augur.routes', 'DELETE'),
		('{operator,admin}', 'augur.silences', 'INSERT (kinds, model, subject, payload, starts_at, ends_at, comment)'),
		('{operator,admin}', 'augur.silences', 'UPDATE (ends_at)'),
		('{admin,notifier}', 'augur.channel_states', 'INSERT (channel_id)'),
		('{admin,notifier}', 'augur.channel_states', 'UPDATE (circuit, reason, opened_at, recovering, paused_until,'
		 ' tried_at, failing_since, dead_at)'),
		('{operator,admin,notifier}', 'augur.notifications', 'INSERT (channel_id, kind, severity, subject, object, topic,'
		 ' group_key, status, next_at)'),
		('{operator,admin,notifier}', 'augur.notifications', 'UPDATE (status, queued_at, attempts, next_at, lease_owner,'
		 ' lease_until, parent_id, events, plain, reason, ended_at)'),
		('{admin,notifier}', 'augur.notification_attempts', 'INSERT (notification_id, attempt, outcome, http, error,'
		 ' response, seconds, deliverer)'),
		('{notifier}', 'augur.events', 'INSERT (kind, severity, subject, model_id, model, payload, owner)'))
		t (presets, relation, privilege)
	WHERE $1 = ANY (t.presets)
	UNION ALL
	-- log: who predicts may keep what was answered, and tell what became of it
	SELECT t.relation::regclass, t.privilege
	FROM (VALUES
		('augur.predictions', 'INSERT (model_id, version_id, version, reference, entity, target_time, value, label,'
		 ' probabilities, features, rollout_id, arm, error)'),
		('augur.actuals', 'INSERT (model_id, prediction_id, entity, target_time, value, label, observed_at)'))
		t (relation, privilege)
	WHERE $1 = ANY ('{predictor,trainer,operator,admin}')
	UNION ALL
	-- route: what scoring needs of rollouts, and not how good the candidate is
	SELECT 'augur.rollouts'::regclass, 'SELECT (id, model_id, champion_id, candidate_id, candidate, mode, salt, weight, state)'
	WHERE $1 = 'predictor'
$$;
COMMENT ON FUNCTION augur._preset_privileges(text) IS
'Internal. The privileges on tables and views that a preset consists of.';

CREATE OR REPLACE FUNCTION augur._preset_functions(preset text) RETURNS SETOF regprocedure
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	-- readers and predictors get what writes nothing, which is told by the volatility, so that a
	-- new function is covered; predictors also what logs; notifiers what delivers
	SELECT f.oid::regprocedure
	FROM pg_proc f
	WHERE f.pronamespace = 'augur'::regnamespace
	AND f.proname <> ALL ('{grant_preset,revoke_preset,refresh_presets,_preset_drop}')
	AND (f.provolatile <> 'v' AND $1 <> 'notifier' OR $1 = ANY ('{trainer,operator,admin}')
		 OR $1 = 'notifier'
		 AND (f.proname ~ '^_(notification|notify|message|slack|event)_'
			  OR f.proname = ANY ('{_message,_emit,_like,_route_matches,_group_key,_pipeline_event,deliver_notifications,_check_notification_right,_owns,_operates}'))
		 OR $1 = 'predictor'
		 AND f.proname = ANY ('{predict_logged,score,_score_rollout,record_actual,_prepare_log,_may_log,_record_actual}'))
	AND EXISTS (SELECT FROM pg_depend d
				WHERE d.classid = 'pg_proc'::regclass AND d.objid = f.oid AND d.deptype = 'e')
$$;
COMMENT ON FUNCTION augur._preset_functions(text) IS
'Internal. The functions that a preset may execute.';

CREATE OR REPLACE FUNCTION augur._preset_drop(role regrole) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	object		text;
BEGIN
	IF NOT (SELECT pg_has_role(e.extowner, 'USAGE') FROM pg_extension e WHERE e.extname = 'augur')
	THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = 'must be superuser or owner of extension augur to change presets';
	END IF;
	FOR object IN
		SELECT c.oid::regclass::text FROM pg_class c
		WHERE c.relnamespace = 'augur'::regnamespace AND c.relkind = ANY ('{r,v,p}'::"char"[])
		AND NOT c.relispartition
	LOOP
		EXECUTE format('REVOKE ALL ON %s FROM %s', object, role);
	END LOOP;
	FOR object IN
		SELECT f.oid::regprocedure::text FROM pg_proc f WHERE f.pronamespace = 'augur'::regnamespace
	LOOP
		EXECUTE format('REVOKE ALL ON ROUTINE %s FROM %s', object, role);
	END LOOP;
	EXECUTE format('REVOKE ALL ON SCHEMA augur FROM %s', role);
	DELETE FROM augur.preset_roles p WHERE p.role = _preset_drop.role;
END
$$;
COMMENT ON FUNCTION augur._preset_drop(regrole) IS
'Internal. Takes from a role all rights in schema augur.';

CREATE OR REPLACE FUNCTION augur.grant_preset(role name, preset text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	to_role		regrole := augur._role(role);
	object		text;
	what		text;
BEGIN
	IF $2 IS NULL OR NOT ($2 = ANY ('{reader,predictor,trainer,operator,admin,notifier}'::text[])) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid preset %s', quote_nullable($2)),
			HINT = 'Valid values are reader, predictor, trainer, operator, admin and notifier.';
	ELSIF to_role = 0 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'a preset cannot be given to public',
			HINT = 'Give it to a role, and the role to its members.';
	END IF;
	PERFORM augur._preset_drop(to_role);
	EXECUTE format('GRANT USAGE ON SCHEMA augur TO %s', to_role);
	FOR object, what IN SELECT p.relation::text, p.privilege FROM augur._preset_privileges($2) p LOOP
		EXECUTE format('GRANT %s ON %s TO %s', what, object, to_role);
	END LOOP;
	FOR object IN SELECT f::text FROM augur._preset_functions($2) f LOOP
		EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %s', object, to_role);
	END LOOP;
	INSERT INTO augur.preset_roles (role, preset) VALUES (to_role, $2);
END
$$;
COMMENT ON FUNCTION augur.grant_preset(name, text) IS
'Gives a role its rights in augur, instead of those it had. reader: metadata of models it may see; predictor: scoring with models granted to it, and logging of that; trainer: both, and models of its own; operator: also promotes and rolls back everybody''s models; admin: also drops, grants and hands over everybody''s models, and has channels and routes of notifications; notifier: sends them, for the worker and for augur.deliver_notifications, and nothing else. Superuser or extension owner only.';

CREATE OR REPLACE FUNCTION augur.revoke_preset(role name) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT augur._preset_drop(augur._role(role))
$$;
COMMENT ON FUNCTION augur.revoke_preset(name) IS
'Takes from a role all its rights in schema augur. Models it owns stay its own.';

CREATE OR REPLACE FUNCTION augur.refresh_presets() RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	p			augur.preset_roles;
	n			integer := 0;
BEGIN
	FOR p IN SELECT * FROM augur.preset_roles t
		WHERE EXISTS (SELECT FROM pg_roles r WHERE r.oid = t.role)
	LOOP
		PERFORM augur.grant_preset(pg_get_userbyid(p.role), p.preset);
		n := n + 1;
	END LOOP;
	RETURN n;
END
$$;
COMMENT ON FUNCTION augur.refresh_presets() IS
'Gives every role its preset again, and returns how many: run it after ALTER EXTENSION augur UPDATE, so that presets cover what is new. Grants made by the update itself would be lost by pg_dump.';

-- Nobody executes anything unless a preset says so.  Only functions whose rights nobody has
-- touched: an update must not take back what an administrator gave.
DO $$
DECLARE
	f			regprocedure;
BEGIN
	FOR f IN
		SELECT p.oid::regprocedure FROM pg_proc p
		WHERE p.pronamespace = 'augur'::regnamespace AND p.proacl IS NULL
		AND EXISTS (SELECT FROM pg_depend d
					WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
	LOOP
		EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', f);
	END LOOP;
END
$$;
