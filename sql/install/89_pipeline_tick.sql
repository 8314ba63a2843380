-- pipeline: what people do to runs, and augur.tick, which keeps everything going.
--
-- augur.tick is called each minute by pg_cron or by anybody from outside.  It never runs SQL of a
-- pipeline: it moves rows, and starts background workers as the owners.  Its parts are transactions
-- of their own, and one that fails keeps no other from being done.

-- ---- by hand -----------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._run_operated(run bigint) RETURNS augur.pipeline_runs
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	r			augur.pipeline_runs;
BEGIN
	SELECT * INTO r FROM augur.pipeline_runs t WHERE t.id = run;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('run %s does not exist', coalesce(run::text, 'NULL')),
			HINT = 'SELECT * FROM augur.pipeline_runs lists the runs that you may see.';
	ELSIF NOT augur._operates(r.owner) THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('permission denied for pipeline "%s"', r.pipeline),
			DETAIL = format('Only members of its owner "%s", operators and admins may do this.',
							pg_get_userbyid(r.owner));
	END IF;
	RETURN r;
END
$$;
COMMENT ON FUNCTION augur._run_operated(bigint) IS
'Internal. A run that the current user may work on or stop; an error when there is none.';

CREATE OR REPLACE FUNCTION augur.cancel_run(run bigint) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	r			augur.pipeline_runs := augur._run_operated(run);
BEGIN
	RETURN augur._stop_run(run, 'cancelled', format('cancelled by %s', session_user));
END
$$;
COMMENT ON FUNCTION augur.cancel_run(bigint) IS
'Stops a run: its sessions get a cancel, steps that have not begun are given up. Returns the status of the run: running for the moment that its sessions need, then cancelled.';

CREATE OR REPLACE FUNCTION augur.skip_step(run bigint, step text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	r			augur.pipeline_runs := augur._run_operated(run);
	s			augur.step_runs;
BEGIN
	PERFORM FROM augur.pipeline_runs t WHERE t.id = run FOR NO KEY UPDATE;
	SELECT * INTO s FROM augur.step_runs t WHERE t.run_id = run AND t.step = step ORDER BY t.attempt DESC LIMIT 1;
	IF NOT FOUND THEN
		PERFORM augur._fail('undefined_object',
			format('run %s has no step %s', run, coalesce('"' || step || '"', 'NULL')), NULL,
			CASE WHEN r.status = 'queued' THEN 'It has not started.' ELSE
				'Perhaps you meant "' || augur._nearest(step, ARRAY(SELECT t.step FROM augur.step_runs t WHERE t.run_id = run)) || '".' END);
	ELSIF s.status <> ALL ('{pending,ready,retry_wait}') THEN
		PERFORM augur._fail('object_not_in_prerequisite_state',
			format('step "%s" of run %s is %s', step, run, s.status), 'Only a step that has not begun can be skipped.',
			CASE WHEN s.status = 'running' THEN format('SELECT augur.cancel_run(%s) stops the run.', run) END);
	END IF;
	UPDATE augur.step_runs t SET status = 'skipped', passed_over = true, next_at = NULL, ended_at = clock_timestamp(),
		message = format('skipped by %s', session_user)
	WHERE t.id = s.id;
	-- whoever works on it sees it; nobody does when only this step was waited for
	UPDATE augur.pipeline_runs t SET resume_at = (
		SELECT coalesce(min(o.next_at), clock_timestamp()) FROM augur.step_runs o WHERE o.run_id = run AND o.status = 'retry_wait')
	WHERE t.id = run AND t.resume_at IS NOT NULL;
END
$$;
COMMENT ON FUNCTION augur.skip_step(bigint, text) IS
'Passes over a step of a run that has not begun, or waits for its next attempt; steps that need it go on as if it had succeeded.';

CREATE OR REPLACE FUNCTION augur.rerun(run bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	r			augur.pipeline_runs := augur._run_operated(run);
	p			augur.pipelines;
	made		bigint;
	other		bigint;
BEGIN
	IF r.ended_at IS NULL OR r.status = 'success' THEN
		PERFORM augur._fail('object_not_in_prerequisite_state', format('run %s is %s', run, r.status),
			'A run is repeated from the steps on that did not succeed.',
			CASE WHEN r.status = 'success' THEN 'augur.queue_run starts a new one.' END);
	END IF;
	SELECT * INTO p FROM augur.pipelines t WHERE t.id = r.pipeline_id;
	PERFORM FROM augur.pipelines t WHERE t.id = p.id FOR NO KEY UPDATE;
	SELECT t.id INTO other FROM augur.pipeline_runs t
	WHERE t.parent_id = run AND t.status = ANY ('{queued,running,success}') LIMIT 1;
	IF other IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('run %s is repeated by run %s', run, other);
	END IF;
	-- parameters that the pipeline no longer has are not asked for
	made := augur._queue_run(p.id, 'rerun',
		(SELECT coalesce(jsonb_object_agg(e.key, e.value), '{}') FROM jsonb_each(r.params) e WHERE p.params ? e.key),
		r.logical_date, r.interval_start, r.interval_end, run);
	IF p.enabled THEN
		PERFORM augur._launch_queued(made);
	END IF;
	RETURN made;
END
$$;
COMMENT ON FUNCTION augur.rerun(bigint) IS
'Repeats a run that did not succeed: a new run with the same parameters and dates, that keeps what succeeded and begins where it did not, with the steps as they are defined now. Returns its number; a background worker runs it.';

CREATE OR REPLACE FUNCTION augur.plan_pipeline(name text, params jsonb DEFAULT '{}',
	logical_date timestamptz DEFAULT NULL)
	RETURNS TABLE (wave integer, step text, kind text, needs text[], runs_if text, does jsonb, statement text,
		retries integer, timeout interval)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	p			augur.pipelines := augur._pipeline(plan_pipeline.name, 'see');
	given		jsonb := augur._run_params(p, coalesce(plan_pipeline.params, '{}'));
	at			timestamptz := coalesce(plan_pipeline.logical_date, now());
	steps		augur.pipeline_steps[] := ARRAY(SELECT t FROM augur.pipeline_steps t WHERE t.pipeline_id = p.id);
	c			record;
	s			augur.pipeline_steps;
BEGIN
	FOR c IN
		WITH RECURSIVE depth (step, wave) AS (
			SELECT t.step, 1 FROM unnest(steps) t
			UNION
			SELECT t.step, d.wave + 1 FROM depth d JOIN unnest(steps) t ON d.step = ANY (t.needs))
		SELECT max(d.wave) AS wave, t.step FROM depth d JOIN unnest(steps) t ON t.step = d.step
		GROUP BY t.step, t.position ORDER BY 1, t.position
	LOOP
		SELECT * INTO s FROM unnest(steps) t WHERE t.step = c.step;
		wave := c.wave;
		step := s.step;
		kind := s.kind;
		needs := s.needs;
		runs_if := nullif(concat_ws(' AND ', nullif(s.trigger_rule, 'all_success'), s.condition), '');
		retries := s.retries;
		timeout := s.timeout;
		-- results are not there yet
		does := CASE WHEN s.kind = 'sql' THEN NULL ELSE augur._resolve_body(s.kind, s.body, jsonb_build_object('params', given,
			'run', jsonb_build_object('id', NULL, 'pipeline', p.name, 'step', s.step, 'attempt', 1, 'logical_date', at,
				'interval_start', at, 'interval_end', at),
			'planned', true)) END;
		statement := (augur._step_statement(s.kind, coalesce(does, s.body))).sql;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION augur.plan_pipeline(text, jsonb, timestamptz) IS
'Tells what augur.run_pipeline would do, without doing it: steps of the same wave can run at the same time; does are the arguments with parameters filled in, statement is what is executed.';

CREATE OR REPLACE FUNCTION augur.backfill(name text, from_date timestamptz, until_date timestamptz,
	step interval DEFAULT NULL, params jsonb DEFAULT '{}', reprocess text DEFAULT 'none',
	max_runs integer DEFAULT 1000, dry_run boolean DEFAULT false)
	RETURNS TABLE (logical_date timestamptz, run bigint, action text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	p			augur.pipelines := augur._pipeline(name, 'operate');
	s			augur.pipeline_schedules;
	d			record;
	n			bigint;
	first		bigint;
BEGIN
	IF from_date IS NULL OR until_date IS NULL OR NOT isfinite(from_date) OR NOT isfinite(until_date) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'from_date and until_date must be finite';
	ELSIF step <= interval '0' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'step must be positive';
	ELSIF reprocess IS NULL OR reprocess <> ALL ('{none,failed,completed}') THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid reprocess %s', quote_nullable(reprocess)),
			HINT = 'Valid values are none, failed and completed.';
	END IF;
	-- two that ask at the same time do not both queue the same dates
	PERFORM FROM augur.pipelines t WHERE t.id = p.id FOR NO KEY UPDATE;
	IF step IS NULL THEN
		SELECT * INTO s FROM augur.pipeline_schedules t WHERE t.pipeline_id = p.id;
		IF NOT FOUND THEN
			step := interval '1 day';
		END IF;
	END IF;
	IF step IS NULL THEN
		n := (SELECT u.slots FROM augur.next_slots(s.schedule, s.timezone, from_date - interval '1 microsecond', 1, s.start_at) f,
				  augur._slots_due(s.schedule, s.timezone, s.start_at, f, until_date - interval '1 microsecond') u
			  WHERE f < until_date);
	ELSE
		-- in the list, where it makes no more of them than are wanted
		SELECT count(*) INTO n FROM (SELECT generate_series(from_date, until_date, step) AS at LIMIT max_runs::bigint + 2) t
		WHERE t.at < until_date;
	END IF;
	IF n > max_runs THEN
		RAISE EXCEPTION USING ERRCODE = 'program_limit_exceeded',
			MESSAGE = format('there are more than %s dates', max_runs),
			HINT = 'Raise max_runs, or choose a shorter range or a longer step.';
	END IF;
	FOR d IN
		SELECT t.at, t.until, l.id, l.status
		FROM (SELECT u.at, lead(u.at, 1, u.at + step) OVER (ORDER BY u.at) AS until
			  FROM (SELECT g FROM generate_series(from_date, until_date, step) g
					UNION ALL
					-- none without a schedule; one more than there are dates, where the last interval ends
					SELECT f FROM augur.next_slots(CASE WHEN step IS NULL THEN s.schedule END, s.timezone,
						from_date - interval '1 microsecond', n::integer + 1, s.start_at) f) u (at)) t
		LEFT JOIN LATERAL (
			SELECT r.id, r.status FROM augur.pipeline_runs r
			WHERE r.pipeline_id = p.id AND r.logical_date = t.at AND r.status <> ALL ('{skipped,expired}'::text[])
			ORDER BY r.id DESC LIMIT 1) l ON true
		WHERE t.at < until_date
		ORDER BY t.at
	LOOP
		logical_date := d.at;
		run := d.id;
		action := CASE WHEN d.status IS NULL THEN 'queued'
			WHEN d.status = ANY ('{queued,running}') THEN 'open'
			WHEN d.status = 'success' AND reprocess = 'completed' THEN 'queued again'
			WHEN d.status <> 'success' AND reprocess <> 'none' THEN 'queued again'
			ELSE 'kept: ' || d.status END;
		IF action LIKE 'queued%' AND NOT coalesce(dry_run, false) THEN
			run := augur._queue_run(p.id, 'backfill', params, d.at, d.at, d.until);
			first := coalesce(first, run);
		END IF;
		RETURN NEXT;
	END LOOP;
	IF first IS NOT NULL AND p.enabled THEN
		PERFORM augur._launch_queued(first);
	END IF;
END
$$;
COMMENT ON FUNCTION augur.backfill(text, timestamptz, timestamptz, interval, jsonb, text, integer, boolean) IS
'Queues a run for each date from from_date to until_date, which is not included; the data interval of each ends where the next begins. The dates are the slots of the pipeline''s schedule, so that they are those of its runs; without one, or with a step, they are from_date and each step after it, in the session''s time zone. Dates that have a run are left alone: reprocess => ''failed'' repeats those that did not succeed, ''completed'' all. They run one after the other, or as many at a time as max_active of the pipeline says. dry_run: only tells. Example: SELECT * FROM augur.backfill(''nightly'', ''2026-06-01'', ''2026-07-01'')';

-- ---- the parts of a tick -----------------------------------------------------------------------

-- Runs without a living session, in status running: dead attempts, retries that are due, time limits.
CREATE OR REPLACE FUNCTION augur._tick_running(as_of timestamptz) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	run			bigint;
	n			integer := 0;
BEGIN
	FOR run IN SELECT t.id FROM augur.pipeline_runs t WHERE t.status = 'running' ORDER BY t.id LOOP
		-- one that nothing can be done with keeps no other from getting on
		BEGIN
			n := n + augur._tick_run(run, as_of)::integer;
		EXCEPTION WHEN OTHERS THEN
			PERFORM augur._tick_failed('running', SQLERRM, run);
		END;
	END LOOP;
	RETURN n;
END
$$;
COMMENT ON FUNCTION augur._tick_running(timestamptz) IS
'Internal. Goes on with running runs that nobody works on, stops those over their time limit, reports late ones.';

CREATE OR REPLACE FUNCTION augur._tick_run(run bigint, as_of timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	r			augur.pipeline_runs;
	why_not		text;
BEGIN
	-- a session that just writes is alive
	SELECT * INTO r FROM augur.pipeline_runs t WHERE t.id = run AND t.status = 'running'
	FOR NO KEY UPDATE SKIP LOCKED;
	IF NOT FOUND OR NOT augur._operates(r.owner) THEN
		RETURN false;
	END IF;
	PERFORM augur._reap(r);
	IF r.stop IS NULL AND r.started_at + (r.plan ->> 'run_timeout')::interval <= as_of THEN
		PERFORM augur._stop_run(r.id, 'timed_out', format('it took longer than %s', r.plan ->> 'run_timeout'));
		SELECT * INTO r FROM augur.pipeline_runs t WHERE t.id = run;
	ELSIF r.stop IS NOT NULL THEN
		-- a cancel that came a moment too early or too late
		PERFORM augur._cancel_sessions(r.id);
	END IF;
	IF r.status <> 'running' OR augur._end_if_stopped(r) THEN
		RETURN false;
	END IF;
	IF r.due_at <= as_of AND r.late_at IS NULL THEN
		UPDATE augur.pipeline_runs t SET late_at = as_of WHERE t.id = r.id;
		PERFORM augur._pipeline_emit(r.owner, 'pipeline_late', 'warning', format('%s/%s', r.pipeline, r.id),
			augur._run_payload(r));
	END IF;
	UPDATE augur.step_runs s SET status = 'ready', next_at = NULL
	WHERE s.run_id = r.id AND s.status = 'retry_wait' AND s.next_at <= as_of;
	IF augur._held(false, r.id) THEN
		-- helpers for which no slot was free when they were wanted
		PERFORM augur._launch(r.id, least(w.ready, w.width))
		FROM (SELECT count(*) FILTER (WHERE s.status = 'ready')::integer AS ready,
				  (r.plan ->> 'max_parallel')::integer - count(*) FILTER (WHERE s.status = 'running')::integer AS width
			  FROM augur.step_runs s WHERE s.run_id = r.id AND s.status = ANY ('{ready,running}'::text[])) w
		WHERE least(w.ready, w.width) > 0;
		RETURN false;
	END IF;
	IF NOT EXISTS (SELECT FROM augur.step_runs s WHERE s.run_id = r.id AND s.status = ANY ('{pending,ready}'::text[]))
		AND EXISTS (SELECT FROM augur.step_runs s WHERE s.run_id = r.id AND s.status = 'retry_wait')
		-- what is pending waits for those
		OR NOT EXISTS (SELECT FROM augur.step_runs s WHERE s.run_id = r.id AND s.status = 'ready')
		AND r.resume_at > as_of THEN
		RETURN false;
	END IF;
	-- one that was started a moment ago has not got so far
	IF augur._on_the_way(r.launched_at) AND r.launches > 0 THEN
		RETURN false;
	END IF;
	why_not := CASE WHEN r.launches >= 5 THEN format('%s background workers were started for it and ended', r.launches)
		ELSE augur._unstartable(r.owner) END;
	IF why_not IS NULL THEN
		-- no more can be asked for in one transaction: that is not to count as an attempt
		IF NOT augur._launch(r.id) THEN
			RETURN false;
		END IF;
		UPDATE augur.pipeline_runs t SET launched_at = clock_timestamp(), launches = t.launches + 1, resume_at = NULL
		WHERE t.id = r.id;
	ELSE
		UPDATE augur.pipeline_runs t SET stop = 'cancelled', stop_by = session_user WHERE t.id = r.id RETURNING * INTO r;
		r.reason := why_not;
		UPDATE augur.step_runs s SET status = 'cancelled', next_at = NULL, ended_at = clock_timestamp(), message = why_not
		WHERE s.run_id = r.id AND s.status = ANY ('{pending,ready,retry_wait}'::text[]);
		UPDATE augur.pipeline_runs t SET status = 'crashed', ended_at = clock_timestamp(), resume_at = NULL, pid = NULL,
			reason = why_not
		WHERE t.id = r.id;
	END IF;
	RETURN true;
END
$$;
COMMENT ON FUNCTION augur._tick_run(bigint, timestamptz) IS
'Internal. What augur.tick does for a running run; whether it had to be taken up, or given up.';

CREATE OR REPLACE FUNCTION augur._tick_queued(as_of timestamptz) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	r			augur.pipeline_runs;
	n			integer := 0;
	why_not		text;
BEGIN
	FOR r IN
		SELECT t.* FROM augur.pipeline_runs t
		WHERE t.status = 'queued' AND t.due_at <= as_of AND t.late_at IS NULL ORDER BY t.id
		-- whoever holds one is in nobody's way
		FOR NO KEY UPDATE SKIP LOCKED
	LOOP
		CONTINUE WHEN NOT augur._operates(r.owner);
		UPDATE augur.pipeline_runs t SET late_at = as_of WHERE t.id = r.id AND t.status = 'queued';
		PERFORM augur._pipeline_emit(r.owner, 'pipeline_late', 'warning', format('%s/%s', r.pipeline, r.id),
			augur._run_payload(r));
	END LOOP;
	-- those whose turn it can be: as many of each pipeline as may run
	FOR r IN
		SELECT t.* FROM (
			SELECT q.id, row_number() OVER (PARTITION BY q.pipeline_id ORDER BY q.id) AS place, p.max_active
			FROM augur.pipeline_runs q JOIN augur.pipelines p ON p.id = q.pipeline_id
			WHERE q.status = 'queued' AND p.enabled) w
		JOIN augur.pipeline_runs t ON t.id = w.id
		WHERE w.place <= w.max_active
		AND (t.launched_at IS NULL OR t.launches = 0 OR NOT augur._on_the_way(t.launched_at))
		ORDER BY t.id FOR NO KEY UPDATE OF t SKIP LOCKED
	LOOP
		CONTINUE WHEN NOT augur._operates(r.owner) OR NOT augur._may_start(r);
		why_not := CASE WHEN r.launches >= 5 THEN format('%s background workers were started for it and ended', r.launches)
			ELSE augur._unstartable(r.owner) END;
		IF why_not IS NULL THEN
			-- no more can be asked for in one transaction (pipeline_worker.c); workers take on the rest
			EXIT WHEN NOT augur._launch(r.id);
			UPDATE augur.pipeline_runs t SET launched_at = clock_timestamp(), launches = t.launches + 1
			WHERE t.id = r.id AND t.status = 'queued';
		ELSE
			UPDATE augur.pipeline_runs t SET status = 'failed', ended_at = clock_timestamp(), reason = why_not
			WHERE t.id = r.id AND t.status = 'queued';
		END IF;
		n := n + 1;
	END LOOP;
	RETURN n;
END
$$;
COMMENT ON FUNCTION augur._tick_queued(timestamptz) IS
'Internal. Starts workers for queued runs whose turn it is; fails those for which none can be started.';

-- No slot was free: that is no fault of the run.
CREATE OR REPLACE FUNCTION augur._tick_not_launched() RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	missed		bigint[] := augur._not_launched();
BEGIN
	IF missed = '{}' THEN
		RETURN 0;
	END IF;
	UPDATE augur.pipeline_runs t SET launched_at = NULL, launches = greatest(t.launches - 1, 0),
		reason = 'no background worker slot was free'
	WHERE t.id IN (SELECT o.id FROM augur.pipeline_runs o WHERE o.id = ANY (missed) FOR NO KEY UPDATE SKIP LOCKED)
	AND t.ended_at IS NULL AND t.launched_at IS NOT NULL;
	RETURN cardinality(missed);
END
$$;
COMMENT ON FUNCTION augur._tick_not_launched() IS
'Internal. Lets runs for which no worker slot was free be tried again at the next tick.';

-- Owners with monitors or retrain policies that are due: their SQL runs in a worker as them.
CREATE OR REPLACE FUNCTION augur._tick_upkeep(as_of timestamptz) RETURNS integer
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT count(augur._launch_upkeep(o.owner))::integer
	FROM (SELECT m.owner FROM augur.monitors t JOIN augur.models m ON m.id = t.model_id
		  WHERE t.enabled AND t.next_at <= as_of
		  UNION
		  SELECT m.owner FROM augur.retrain_policies t JOIN augur.models m ON m.id = t.model_id
		  WHERE NOT t.frozen AND augur._retrain_due(m.id, as_of)) o
	WHERE augur._operates(o.owner) AND augur._unstartable(o.owner) IS NULL
$$;
COMMENT ON FUNCTION augur._tick_upkeep(timestamptz) IS
'Internal. Starts workers for owners of models whose monitors or retrain policies are due.';

-- each look is kept, so not every minute
CREATE OR REPLACE FUNCTION augur._retrain_due(model_id bigint, as_of timestamptz) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	-- a row with a column that is NULL is not "IS NOT NULL"
	SELECT (augur._last_training(model_id)).id IS NOT NULL
		AND NOT EXISTS (SELECT FROM augur.retrain_decisions d
						WHERE d.model_id = $1 AND d.as_of > $2 - interval '10 minutes')
$$;
COMMENT ON FUNCTION augur._retrain_due(bigint, timestamptz) IS
'Internal. Whether a retrain policy was not looked at for ten minutes.';

CREATE OR REPLACE FUNCTION augur._tick_retention(as_of timestamptz) RETURNS integer
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	WITH old AS (
		SELECT r.id FROM augur.pipelines p JOIN augur.pipeline_runs r ON r.pipeline_id = p.id
		WHERE r.ended_at < as_of - (SELECT min(m.keep) FROM augur.pipelines m) AND r.ended_at < as_of - p.keep
		AND augur._operates(p.owner)
		ORDER BY r.ended_at LIMIT 1000 FOR UPDATE OF r SKIP LOCKED),
	gone AS (DELETE FROM augur.pipeline_runs r USING old WHERE r.id = old.id RETURNING 1)
	SELECT count(*)::integer FROM gone
$$;
COMMENT ON FUNCTION augur._tick_retention(timestamptz) IS
'Internal. Deletes runs that ended longer ago than their pipeline keeps them; returns how many.';

CREATE OR REPLACE FUNCTION augur._tick_failed(part text, problem text, run bigint DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	RAISE WARNING 'augur.tick: part % failed: %', concat_ws(', run ', part, run::text), problem;
	-- said once an hour
	IF NOT EXISTS (SELECT FROM augur.events e WHERE e.kind = 'tick_failed' AND e.subject = part
				   AND e.at > clock_timestamp() - interval '1 hour' AND e.payload ->> 'run' IS NOT DISTINCT FROM run::text)
	THEN
		PERFORM augur._emit('tick_failed', 'error', part,
			jsonb_build_object('part', part, 'run', run, 'message', left(problem, 1000)));
	END IF;
END
$$;
COMMENT ON FUNCTION augur._tick_failed(text, text, bigint) IS
'Internal. Tells that a part of augur.tick failed, or a run in it: a warning, and once an hour an event.';

CREATE OR REPLACE FUNCTION augur._tick_part(part text, as_of timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
-- rows that somebody holds are gone past; where that cannot be told beforehand, the clock goes on all the same
SET lock_timeout = '2s'
AS $$
BEGIN
	IF part = 'due' THEN
		PERFORM augur._queue_due(as_of);
	ELSIF part = 'running' THEN
		PERFORM augur._tick_running(as_of);
	ELSIF part = 'queued' THEN
		PERFORM augur._tick_queued(as_of);
	ELSIF part = 'not_launched' THEN
		PERFORM augur._tick_not_launched();
	ELSIF part = 'upkeep' THEN
		PERFORM augur._tick_upkeep(as_of);
	ELSIF part = 'rollouts' THEN
		PERFORM count(*) FROM augur.check_rollouts(as_of);
	ELSIF part = 'retention' THEN
		PERFORM augur._tick_retention(as_of);
		PERFORM augur._notification_retention();
	END IF;
EXCEPTION WHEN OTHERS THEN
	PERFORM augur._tick_failed(part, SQLERRM);
END
$$;
COMMENT ON FUNCTION augur._tick_part(text, timestamptz) IS
'Internal. A part of augur.tick, whose error is a warning and an event.';

CREATE OR REPLACE FUNCTION augur._tick_begin(as_of timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF row_security_active('augur.pipelines') AND NOT EXISTS (
		SELECT FROM augur.preset_roles p WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE'))
	THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = 'permission denied for augur.tick',
			DETAIL = 'It goes on with the runs of every role: for operators, admins and the extension''s owner.';
	END IF;
	IF pg_is_in_recovery() THEN
		RAISE EXCEPTION USING ERRCODE = 'read_only_sql_transaction',
			MESSAGE = 'augur.tick cannot be called on a standby',
			HINT = 'Call it on the primary server.';
	ELSIF NOT isfinite(as_of) THEN
		-- all would be late, over its time limit, and old enough to be deleted
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'as_of must be a finite time';
	END IF;
	RETURN augur._tick_lock(true);
END
$$;
COMMENT ON FUNCTION augur._tick_begin(timestamptz) IS
'Internal. Whether no other session is in augur.tick; an error when it cannot be called here, or for that time.';

-- Procedures that commit cannot have a search_path of their own; here everything is qualified, and
-- no operator is used.
CREATE OR REPLACE PROCEDURE augur.tick(as_of timestamptz DEFAULT now())
LANGUAGE plpgsql
AS $$
DECLARE
	part		pg_catalog.text;
BEGIN
	PERFORM augur._check_may_commit(augur._may_commit(), 'augur.tick');
	IF as_of IS NULL THEN
		as_of := pg_catalog.now();
	END IF;
	-- a tick that found the last one still going would only wait behind it
	IF augur._tick_begin(as_of) THEN
		FOREACH part IN ARRAY '{due,running,not_launched,queued,not_launched,upkeep,rollouts,retention}'::pg_catalog.text[] LOOP
			COMMIT;
			-- whatever the default is: states are read as they are, not as they were
			SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE;
			PERFORM augur._tick_part(part, as_of);
		END LOOP;
		COMMIT;
		PERFORM augur._tick_lock(false);
	END IF;
END
$$;
COMMENT ON PROCEDURE augur.tick(timestamptz) IS
'Keeps everything going, once a minute: starts runs that are due, goes on with those that wait for a retry or whose session is gone, stops those over their time limit, looks at monitors, retrain policies and rollouts that are due, deletes old history. Steps run in background workers as the owners of pipelines; it returns at once. For operators and admins, as a statement of its own: by pg_cron, or from outside every minute: psql -c ''CALL augur.tick()''. as_of: the time to take instead of the present, to simulate; what is then too old is deleted, while monitors and retrain policies are looked at as of now.';

CREATE OR REPLACE PROCEDURE augur._upkeep()
LANGUAGE plpgsql
AS $$
DECLARE
	model		pg_catalog.int8 := 0;
BEGIN
	COMMIT;
	SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE;
	PERFORM augur._upkeep_monitors();
	-- a transaction for each model: what one has trained is there while the next one trains
	WHILE model IS NOT NULL LOOP
		COMMIT;
		SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE;
		model := augur._upkeep_retrain(model);
	END LOOP;
	COMMIT;
END
$$;
COMMENT ON PROCEDURE augur._upkeep() IS
'Internal. What a background worker does for the models of its role: monitors and retrain policies that are due.';

CREATE OR REPLACE FUNCTION augur._upkeep_monitors() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	-- another upkeep of the same role is at it
	IF augur._upkeep_lock() THEN
		PERFORM augur.check_monitors(model => m.name)
		FROM augur.models m
		WHERE m.owner = quote_ident(current_user)::regrole
		AND EXISTS (SELECT FROM augur.monitors t WHERE t.model_id = m.id AND t.enabled AND t.next_at <= now());
	END IF;
EXCEPTION WHEN OTHERS THEN
	RAISE WARNING 'augur upkeep: monitors: %', SQLERRM;
END
$$;
COMMENT ON FUNCTION augur._upkeep_monitors() IS
'Internal. Looks at the monitors that are due of models of the current user.';

-- A look that fails is kept, too, or it would be due again at once; it is told when the one before was none.
CREATE OR REPLACE FUNCTION augur._upkeep_retrain(after bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	m			augur.models;
	told		boolean;
	d			bigint;
BEGIN
	IF NOT augur._upkeep_lock() THEN
		RETURN NULL;
	END IF;
	SELECT t.* INTO m FROM augur.models t JOIN augur.retrain_policies p ON p.model_id = t.id
	WHERE t.owner = quote_ident(current_user)::regrole AND t.id > after AND NOT p.frozen AND augur._retrain_due(t.id, now())
	ORDER BY t.id LIMIT 1;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	BEGIN
		PERFORM augur.check_retrain(m.name);
	EXCEPTION
		WHEN lock_not_available THEN
			-- most often somebody is at it: that is no failure to keep
			RAISE WARNING 'augur upkeep: model "%": %', m.name, SQLERRM;
		WHEN OTHERS THEN
			RAISE WARNING 'augur upkeep: model "%": %', m.name, SQLERRM;
			told := (SELECT o.facts ? 'error' FROM augur.retrain_decisions o WHERE o.model_id = m.id ORDER BY o.id DESC LIMIT 1);
			INSERT INTO augur.retrain_decisions (model_id, model, as_of, fired, reason, facts, owner)
			VALUES (m.id, m.name, now(), false, 'the look failed: ' || left(SQLERRM, 1000),
					jsonb_build_object('error', SQLSTATE), m.owner)
			RETURNING id INTO d;
			IF told IS NOT TRUE THEN
				PERFORM augur._emit('retrain_failed', 'error', m.name,
					jsonb_build_object('decision', d, 'reason', 'the look failed: ' || left(SQLERRM, 1000)), m);
			END IF;
	END;
	RETURN m.id;
END
$$;
COMMENT ON FUNCTION augur._upkeep_retrain(bigint) IS
'Internal. Looks at the retrain policy of the next model of the current user whose policy is due, and returns the model''s number; NULL when there is none.';
