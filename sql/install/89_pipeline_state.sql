-- pipeline: from queued to an end: starting a run, moving its steps, stopping and ending it.
--
-- Callers hold the row of the run, except where a function locks it.  Rows are locked in the order
-- pipeline, run, step.  Nobody waits for a retry: when only retries are left the sessions go, and
-- augur.tick starts others when the time has come.

-- ---- starting -----------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._usual_seconds(pipeline_id bigint, OUT median float8, OUT late float8)
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	-- twice what nearly all took, and a minute of grace, once there is something to go by
	SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY s.seconds),
		CASE WHEN count(*) >= 5 THEN 60 + 2 * percentile_cont(0.95) WITHIN GROUP (ORDER BY s.seconds) END
	FROM (SELECT extract(epoch FROM r.ended_at - r.started_at)::float8 AS seconds
		  FROM augur.pipeline_runs r
		  WHERE r.pipeline_id = $1 AND r.status = 'success' ORDER BY r.id DESC LIMIT 20) s
$$;
COMMENT ON FUNCTION augur._usual_seconds(bigint) IS
'Internal. How long the last successes of a pipeline took, and how long is late.';

-- Of the parent of a rerun: what succeeded, and did not come after what did not.
CREATE OR REPLACE FUNCTION augur._kept_steps(parent bigint, plan jsonb) RETURNS SETOF augur.step_runs
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	WITH RECURSIVE latest AS (
		SELECT DISTINCT ON (s.step) s.* FROM augur.step_runs s WHERE s.run_id = parent ORDER BY s.step, s.attempt DESC),
	again (step) AS (
		SELECT d ->> 'step' FROM jsonb_array_elements(plan -> 'steps') d
		WHERE NOT EXISTS (SELECT FROM latest l WHERE l.step = d ->> 'step' AND l.status = 'success')
		UNION
		SELECT d ->> 'step' FROM again a JOIN jsonb_array_elements(plan -> 'steps') d ON d -> 'needs' ? a.step)
	SELECT l.* FROM latest l
	WHERE l.step NOT IN (SELECT a.step FROM again a)
	AND EXISTS (SELECT FROM jsonb_array_elements(plan -> 'steps') d WHERE d ->> 'step' = l.step)
$$;
COMMENT ON FUNCTION augur._kept_steps(bigint, jsonb) IS
'Internal. The attempts of a run that its rerun need not repeat.';

-- From queued to running, when the pipeline's other runs allow it: tells what it is then.
CREATE OR REPLACE FUNCTION augur._start_run(run bigint) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	r			augur.pipeline_runs;
	p			augur.pipelines;
	usual		record;
	the_plan	jsonb;
BEGIN
	SELECT * INTO r FROM augur.pipeline_runs t WHERE t.id = run;
	PERFORM FROM augur.pipelines t WHERE t.id = r.pipeline_id FOR NO KEY UPDATE;
	PERFORM FROM augur.pipeline_runs t WHERE t.id = run FOR NO KEY UPDATE;
	SELECT * INTO r FROM augur.pipeline_runs t WHERE t.id = run;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = format('run %s does not exist', coalesce(run::text, 'NULL'));
	END IF;
	SELECT * INTO p FROM augur.pipelines t WHERE t.id = r.pipeline_id;
	IF r.status <> 'queued' OR NOT augur._may_start(r) THEN
		RETURN r.status;
	END IF;
	SELECT jsonb_build_object('search_path', p.search_path, 'max_parallel', p.max_parallel, 'run_timeout', p.run_timeout,
		'steps', jsonb_agg(to_jsonb(s) - 'pipeline_id' ORDER BY s.position))
	INTO the_plan FROM augur.pipeline_steps s WHERE s.pipeline_id = p.id;
	-- dropped since it was asked for
	IF the_plan -> 'steps' = 'null' THEN
		UPDATE augur.pipeline_runs t SET status = 'failed', ended_at = clock_timestamp(), reason = 'the pipeline has no steps'
		WHERE t.id = run;
		RETURN 'failed';
	END IF;
	usual := augur._usual_seconds(p.id);
	UPDATE augur.pipeline_runs t SET status = 'running', started_at = clock_timestamp(), pid = pg_backend_pid(),
		plan = the_plan, usual_seconds = usual.median, late_at = NULL,
		due_at = clock_timestamp() + coalesce(p.late_after, make_interval(secs => usual.late))
	WHERE t.id = run;
	INSERT INTO augur.step_runs (run_id, step, kind, pool)
	SELECT run, d ->> 'step', d ->> 'kind', d ->> 'pool' FROM jsonb_array_elements(the_plan -> 'steps') WITH ORDINALITY u (d, i)
	WHERE NOT EXISTS (SELECT FROM augur._kept_steps(r.parent_id, the_plan) k WHERE k.step = d ->> 'step')
	ORDER BY i;
	INSERT INTO augur.step_runs (run_id, step, kind, status, started_at, ended_at, rows, result, message)
	SELECT run, k.step, k.kind, 'success', k.started_at, k.ended_at, k.rows, k.result, format('kept from run %s', k.run_id)
	FROM augur._kept_steps(r.parent_id, the_plan) k;
	RETURN 'running';
END
$$;
COMMENT ON FUNCTION augur._start_run(bigint) IS
'Internal. Starts a queued run if it may, with a copy of the steps as they are, or fails it when there are none; returns its status.';

-- ---- steps --------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._plan_step(r augur.pipeline_runs, step text) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT d FROM jsonb_array_elements(r.plan -> 'steps') d WHERE d ->> 'step' = step
$$;
COMMENT ON FUNCTION augur._plan_step(augur.pipeline_runs, text) IS
'Internal. A step as it was when the run started.';

CREATE OR REPLACE FUNCTION augur._retry_at(d jsonb, attempt integer) RETURNS timestamptz
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	-- full jitter: those that failed together do not come back together
	SELECT clock_timestamp() + make_interval(secs => random() * least(
		extract(epoch FROM (d ->> 'max_delay')::interval)::float8,
		extract(epoch FROM (d ->> 'delay')::interval)::float8 * power(2, attempt - 1)))
$$;
COMMENT ON FUNCTION augur._retry_at(jsonb, integer) IS
'Internal. When a step is tried again after so many attempts.';

-- A further attempt after one that failed, when there are any left.
CREATE OR REPLACE FUNCTION augur._retry(r augur.pipeline_runs, s augur.step_runs) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	d			jsonb := augur._plan_step(r, s.step);
	at_once		boolean := (d ->> 'delay')::interval = interval '0';
BEGIN
	IF s.attempt > (d ->> 'retries')::integer OR r.stop IS NOT NULL THEN
		RETURN false;
	END IF;
	INSERT INTO augur.step_runs (run_id, step, kind, pool, attempt, status, next_at)
	VALUES (s.run_id, s.step, s.kind, s.pool, s.attempt + 1, CASE WHEN at_once THEN 'ready' ELSE 'retry_wait' END,
			CASE WHEN NOT at_once THEN augur._retry_at(d, s.attempt) END);
	RETURN true;
END
$$;
COMMENT ON FUNCTION augur._retry(augur.pipeline_runs, augur.step_runs) IS
'Internal. Writes the next attempt at a step, unless there are none left; tells whether it did.';

-- Attempts whose session is gone.  The row of the run is locked by the caller.
CREATE OR REPLACE FUNCTION augur._reap(r augur.pipeline_runs) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	s			augur.step_runs;
	n			integer := 0;
BEGIN
	FOR s IN SELECT * FROM augur.step_runs t WHERE t.run_id = r.id AND t.status = 'running' ORDER BY t.id LOOP
		CONTINUE WHEN augur._held(true, s.id);
		UPDATE augur.step_runs t SET status = CASE WHEN r.stop IS NULL THEN 'crashed' ELSE 'cancelled' END,
			ended_at = clock_timestamp(),
			message = CASE WHEN r.stop IS NULL THEN format('the session (process %s) ended before the step did', s.pid)
				ELSE coalesce(r.reason, 'the run was cancelled') END
		WHERE t.id = s.id;
		IF r.stop IS NULL THEN
			PERFORM augur._pipeline_emit(r.owner, 'step_crashed', 'warning', format('%s/%s', r.pipeline, r.id),
				jsonb_build_object('pipeline', r.pipeline, 'run', r.id, 'step', s.step, 'attempt', s.attempt,
					'again', augur._retry(r, s)));
		END IF;
		n := n + 1;
	END LOOP;
	RETURN n;
END
$$;
COMMENT ON FUNCTION augur._reap(augur.pipeline_runs) IS
'Internal. Marks attempts whose session is gone as crashed, and writes the next ones; returns how many.';

-- Steps whose predecessors tell what becomes of them; returns how many got ready.
CREATE OR REPLACE FUNCTION augur._settle(r augur.pipeline_runs) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	c			record;
	moved		boolean := true;
	fate		text;
	n			integer := 0;
BEGIN
	WHILE moved LOOP
		moved := false;
		FOR c IN
			WITH latest AS MATERIALIZED (
				SELECT DISTINCT ON (s.step) s.id, s.step, s.status, s.ended_at, s.passed_over
				FROM augur.step_runs s WHERE s.run_id = r.id ORDER BY s.step, s.attempt DESC)
			SELECT l.id, l.step, d.value ->> 'trigger_rule' AS rule, n.*
			FROM latest l
			JOIN jsonb_array_elements(r.plan -> 'steps') d ON d.value ->> 'step' = l.step
			CROSS JOIN LATERAL (
				SELECT count(*) FILTER (WHERE u.ended_at IS NULL) AS open,
					string_agg('"' || u.step || '"', ', ' ORDER BY u.step)
						FILTER (WHERE u.ended_at IS NOT NULL AND u.status <> ALL ('{success,skipped}'::text[])) AS bad,
					string_agg('"' || u.step || '"', ', ' ORDER BY u.step)
						FILTER (WHERE u.status = 'skipped' AND NOT u.passed_over) AS skipped
				FROM latest u WHERE d.value -> 'needs' ? u.step) n
			WHERE l.status = 'pending'
		LOOP
			fate := CASE
				WHEN c.rule = 'all_success' AND c.bad IS NOT NULL THEN 'upstream_failed'
				WHEN c.open > 0 THEN NULL
				WHEN c.rule = 'all_success' AND c.skipped IS NOT NULL THEN 'skipped'
				WHEN c.rule = 'one_failed' AND c.bad IS NULL THEN 'skipped'
				ELSE 'ready' END;
			CONTINUE WHEN fate IS NULL;
			UPDATE augur.step_runs s SET status = fate,
				ended_at = CASE WHEN fate <> 'ready' THEN clock_timestamp() END,
				message = CASE fate WHEN 'upstream_failed' THEN format('%s did not succeed', c.bad)
					WHEN 'skipped' THEN CASE WHEN c.rule = 'one_failed' THEN 'nothing failed'
						ELSE format('%s was skipped', c.skipped) END END
			WHERE s.id = c.id;
			moved := true;
			n := n + (fate = 'ready')::integer;
		END LOOP;
	END LOOP;
	RETURN n;
END
$$;
COMMENT ON FUNCTION augur._settle(augur.pipeline_runs) IS
'Internal. Moves the steps of a run that wait for others to ready, skipped or upstream_failed.';

CREATE OR REPLACE FUNCTION augur._finish_run(r augur.pipeline_runs) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	outcome		text;
	why			text;
BEGIN
	WITH latest AS (
		SELECT DISTINCT ON (s.step) s.* FROM augur.step_runs s WHERE s.run_id = r.id ORDER BY s.step, s.attempt DESC)
	SELECT CASE WHEN bool_or(l.status = 'crashed') THEN 'crashed'
			WHEN bool_or(l.status = ANY ('{failed,timed_out,upstream_failed}'::text[])) THEN 'failed'
			WHEN bool_or(l.status = 'cancelled') THEN 'cancelled'
			ELSE 'success' END,
		(array_agg(format('step "%s": %s', l.step, left(l.message, 500)) ORDER BY l.ended_at, l.id)
			FILTER (WHERE l.status = ANY ('{failed,timed_out,crashed,cancelled}'::text[])))[1]
	INTO outcome, why FROM latest l;
	UPDATE augur.pipeline_runs t SET status = outcome, ended_at = clock_timestamp(), reason = why, resume_at = NULL, pid = NULL
	WHERE t.id = r.id;
	RETURN outcome;
END
$$;
COMMENT ON FUNCTION augur._finish_run(augur.pipeline_runs) IS
'Internal. Ends a run all of whose steps have ended, and returns its status.';

-- ---- stopping -----------------------------------------------------------------------------------

-- Only sessions of runs that are to stop, so that it does not matter who asks.
CREATE OR REPLACE FUNCTION augur._cancel_sessions(run bigint) RETURNS integer
LANGUAGE sql VOLATILE
-- as the owner of the extension: operators may not signal sessions of others
SECURITY DEFINER
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT count(pg_cancel_backend(l.pid))::integer
	FROM augur.pipeline_runs r
	JOIN augur.step_runs s ON s.run_id = r.id AND s.status = 'running'
	JOIN pg_locks l ON l.locktype = 'object' AND l.classid = 'augur.step_runs'::regclass
		AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
		AND l.objid = (s.id & 4294967295)::oid AND l.objsubid = ((s.id >> 32) & 65535)::smallint
		AND l.mode = 'ShareLock' AND l.granted
	WHERE r.id = $1 AND r.status = 'running' AND r.stop IS NOT NULL
	AND l.pid <> pg_backend_pid()
$$;
COMMENT ON FUNCTION augur._cancel_sessions(bigint) IS
'Internal. Cancels what sessions do for a run that is to stop; returns how many.';

CREATE OR REPLACE FUNCTION augur._stop_run(run bigint, stop text, reason text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	r			augur.pipeline_runs;
BEGIN
	PERFORM FROM augur.pipeline_runs t WHERE t.id = run FOR NO KEY UPDATE;
	SELECT * INTO r FROM augur.pipeline_runs t WHERE t.id = run;
	IF r.ended_at IS NOT NULL THEN
		RETURN r.status;
	ELSIF r.status = 'queued' THEN
		UPDATE augur.pipeline_runs t SET status = 'cancelled', stop = 'cancelled', stop_by = session_user,
			ended_at = clock_timestamp(), reason = reason WHERE t.id = run;
		RETURN 'cancelled';
	END IF;
	UPDATE augur.pipeline_runs t SET stop = stop, stop_by = session_user, reason = reason
	WHERE t.id = run AND t.stop IS NULL;
	IF augur._cancel_sessions(run) = 0 THEN
		-- nobody works on it, or somebody who is about to look
		SELECT * INTO r FROM augur.pipeline_runs t WHERE t.id = run;
		PERFORM augur._reap(r);
		PERFORM augur._end_if_stopped(r);
	END IF;
	RETURN (SELECT t.status FROM augur.pipeline_runs t WHERE t.id = run);
END
$$;
COMMENT ON FUNCTION augur._stop_run(bigint, text, text) IS
'Internal. Stops a run, as cancelled or timed_out; returns its status, which is running until its sessions have stopped.';

CREATE OR REPLACE FUNCTION augur._end_if_stopped(r augur.pipeline_runs) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF r.stop IS NULL THEN
		RETURN false;
	END IF;
	UPDATE augur.step_runs s SET status = 'cancelled', next_at = NULL, ended_at = clock_timestamp(),
		message = coalesce(r.reason, 'the run was cancelled')
	WHERE s.run_id = r.id AND s.status = ANY ('{pending,ready,retry_wait}'::text[]);
	IF EXISTS (SELECT FROM augur.step_runs s WHERE s.run_id = r.id AND s.status = 'running') THEN
		RETURN false;
	END IF;
	UPDATE augur.pipeline_runs t SET status = r.stop, ended_at = clock_timestamp(), resume_at = NULL, pid = NULL,
		reason = coalesce(t.reason, format('%s by %s', r.stop, r.stop_by))
	WHERE t.id = r.id;
	RETURN true;
END
$$;
COMMENT ON FUNCTION augur._end_if_stopped(augur.pipeline_runs) IS
'Internal. Gives up the steps of a run that is to stop, and ends it when none is running.';
