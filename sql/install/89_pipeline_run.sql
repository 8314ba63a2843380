-- pipeline: asking for runs, and running them.
--
-- A run is a row in status queued, written in the transaction of whoever asks.  Sessions of the
-- pipeline's owner work on it: background workers, or his own that calls augur.run_pipeline.  All
-- do the same, and no one leads: claim a step that is ready and commit; execute it and write what
-- came of it, in one transaction; look again.  Whoever finds nothing left ends the run.  A step's
-- work and the word that it is done are committed together, so that a step is done once or not.
--
-- Rows are locked in the order pipeline, run, step.  Nobody waits for a retry: when only retries
-- are left the sessions go, and augur.tick starts others when the time has come.

-- ---- asking for a run --------------------------------------------------------------------------

-- Called with the rights of whoever may queue: members of the owner, operators and admins; for
-- events and schedules by functions that run as the extension's owner.
CREATE OR REPLACE FUNCTION augur._queue_run(pipeline_id bigint, trigger text, params jsonb,
	logical_date timestamptz, interval_start timestamptz, interval_end timestamptz,
	parent_id bigint DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	p			augur.pipelines;
	made		bigint;
	busy		bigint;
	-- those that were asked for one by one are not given up because another one is there
	by_hand		boolean := trigger = ANY ('{manual,backfill,rerun}');
BEGIN
	-- not one that is being dropped, renamed or given away
	SELECT * INTO p FROM augur.pipelines t WHERE t.id = pipeline_id FOR KEY SHARE;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('pipeline %s does not exist', pipeline_id);
	END IF;
	IF NOT EXISTS (SELECT FROM augur.pipeline_steps t WHERE t.pipeline_id = p.id) THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('pipeline "%s" has no steps', p.name),
			HINT = 'augur.add_step adds them.';
	ELSIF NOT p.enabled AND NOT by_hand THEN
		RETURN NULL;
	END IF;
	logical_date := coalesce(logical_date, now());
	params := augur._run_params(p, coalesce(params, '{}'));
	IF p.concurrency = 'skip' AND trigger <> ALL ('{backfill,rerun}') THEN
		SELECT r.id INTO busy FROM augur.pipeline_runs r
		WHERE r.pipeline_id = p.id AND r.status = ANY ('{queued,running}'::text[]) ORDER BY r.id LIMIT 1;
	END IF;
	INSERT INTO augur.pipeline_runs AS t (pipeline_id, pipeline, owner, status, trigger, params, logical_date,
		interval_start, interval_end, parent_id, ended_at, reason, due_at)
	VALUES (p.id, p.name, p.owner, CASE WHEN busy IS NULL THEN 'queued' ELSE 'skipped' END, trigger, params,
		logical_date, coalesce(interval_start, logical_date), coalesce(interval_end, interval_start, logical_date),
		parent_id, CASE WHEN busy IS NOT NULL THEN clock_timestamp() END,
		CASE WHEN busy IS NOT NULL THEN format('run %s has not ended', busy) END,
		CASE WHEN busy IS NULL AND trigger <> 'backfill' THEN clock_timestamp() + coalesce(p.late_after, '15 minutes') END)
	-- a slot that somebody else found due
	ON CONFLICT DO NOTHING
	RETURNING t.id INTO made;
	IF made IS NOT NULL AND busy IS NOT NULL THEN
		PERFORM augur._pipeline_emit(p.owner, 'pipeline_skipped', 'info', format('%s/%s', p.name, made),
			(SELECT augur._run_payload(r) FROM augur.pipeline_runs r WHERE r.id = made));
		RETURN NULL;
	ELSIF made IS NOT NULL AND p.concurrency = 'replace' AND trigger <> ALL ('{backfill,rerun}') THEN
		PERFORM augur._stop_run(r.id, 'cancelled', format('replaced by run %s', made))
		FROM augur.pipeline_runs r
		WHERE r.pipeline_id = p.id AND r.id < made AND r.status = ANY ('{queued,running}'::text[])
		AND r.trigger <> ALL ('{backfill,rerun}')
		ORDER BY r.id;
	END IF;
	RETURN made;
END
$$;
COMMENT ON FUNCTION augur._queue_run(bigint, text, jsonb, timestamptz, timestamptz, timestamptz, bigint) IS
'Internal. Asks for a run, and returns its number; NULL when it is not wanted: another one has not ended (policy skip, kept as skipped), the pipeline is disabled, or the slot has a run.';

CREATE OR REPLACE FUNCTION augur.queue_run(name text, params jsonb DEFAULT '{}',
	logical_date timestamptz DEFAULT NULL, interval_start timestamptz DEFAULT NULL,
	interval_end timestamptz DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	p			augur.pipelines := augur._pipeline(name, 'operate');
	made		bigint;
BEGIN
	IF interval_end < interval_start THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'interval_end must not be before interval_start';
	ELSIF NOT isfinite(coalesce(logical_date, now())) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'logical_date must be finite';
	END IF;
	made := augur._queue_run(p.id, 'manual', params, logical_date, interval_start, interval_end);
	IF p.enabled THEN
		PERFORM augur._launch_queued(made);
	END IF;
	RETURN made;
END
$$;
COMMENT ON FUNCTION augur.queue_run(text, jsonb, timestamptz, timestamptz, timestamptz) IS
'Asks for a run of a pipeline and returns its number at once; a background worker runs it, as the pipeline''s owner, after the transaction commits (augur.tick, where none could be started). NULL when the pipeline skips runs while another one has not ended. logical_date: the time that it is for, now by default. Example: SELECT augur.queue_run(''nightly'', ''{"days": 30}'')';

-- A worker for a run that was just queued, unless it has to wait anyway.
CREATE OR REPLACE FUNCTION augur._launch_queued(run bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	r			augur.pipeline_runs;
BEGIN
	SELECT * INTO r FROM augur.pipeline_runs t WHERE t.id = run AND t.status = 'queued';
	IF FOUND AND augur._may_start(r) AND augur._unstartable(r.owner) IS NULL AND augur._launch(run) THEN
		UPDATE augur.pipeline_runs t SET launched_at = clock_timestamp(), launches = t.launches + 1 WHERE t.id = run;
	END IF;
END
$$;
COMMENT ON FUNCTION augur._launch_queued(bigint) IS
'Internal. Starts a worker for a queued run when its turn has come.';

CREATE OR REPLACE FUNCTION augur._may_start(r augur.pipeline_runs) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT count(*) < (SELECT p.max_active FROM augur.pipelines p WHERE p.id = r.pipeline_id)
	FROM augur.pipeline_runs o
	WHERE o.pipeline_id = r.pipeline_id AND o.id <> r.id
	AND (o.status = 'running' OR o.status = 'queued' AND o.id < r.id)
$$;
COMMENT ON FUNCTION augur._may_start(augur.pipeline_runs) IS
'Internal. Whether so few runs of the pipeline are running, or queued before it, that a run may start.';

-- Whether a worker that was started then may not have got so far as to be seen.  One of the future is
-- none: the clock was set back.
CREATE OR REPLACE FUNCTION augur._on_the_way(launched_at timestamptz) RETURNS boolean
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT launched_at > clock_timestamp() - interval '10 seconds' AND launched_at <= clock_timestamp()
$$;
COMMENT ON FUNCTION augur._on_the_way(timestamptz) IS
'Internal. Whether a background worker that was started at that time may still be about to begin.';

-- Why no worker can be started as a role; NULL when one can.
CREATE OR REPLACE FUNCTION augur._unstartable(owner regrole) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT CASE
		WHEN o.oid IS NULL THEN format('owner %s does not exist', owner)
		WHEN NOT o.rolcanlogin AND current_setting('server_version_num')::integer < 170000
			THEN format('owner "%s" may not log in, which background workers need before PostgreSQL 17: ALTER ROLE ... LOGIN', o.rolname)
		WHEN NOT has_database_privilege(o.oid, current_database(), 'CONNECT')
			THEN format('owner "%s" may not connect to database "%s"', o.rolname, current_database())
		WHEN NOT has_schema_privilege(o.oid, 'augur', 'USAGE')
			OR NOT has_function_privilege(o.oid, 'augur._work(bigint)', 'EXECUTE')
			THEN format('owner "%s" has no preset that runs pipelines: augur.grant_preset(..., ''trainer'')', o.rolname)
		END
	FROM (SELECT) one LEFT JOIN pg_roles o ON o.oid = owner
$$;
COMMENT ON FUNCTION augur._unstartable(regrole) IS
'Internal. Why no background worker can run pipelines of a role, NULL when one can.';

-- ---- stopping ----------------------------------------------------------------------------------

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

-- ---- the state of a run ------------------------------------------------------------------------

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

CREATE OR REPLACE FUNCTION augur._plan_step(r augur.pipeline_runs, step text) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT d FROM jsonb_array_elements(r.plan -> 'steps') d WHERE d ->> 'step' = step
$$;
COMMENT ON FUNCTION augur._plan_step(augur.pipeline_runs, text) IS
'Internal. A step as it was when the run started.';

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
	SELECT * INTO p FROM augur.pipelines t WHERE t.id = r.pipeline_id;
	IF r.status <> 'queued' OR NOT augur._may_start(r) THEN
		RETURN r.status;
	END IF;
	SELECT jsonb_build_object('search_path', p.search_path, 'max_parallel', p.max_parallel, 'run_timeout', p.run_timeout,
		'steps', jsonb_agg(to_jsonb(s) - 'pipeline_id' ORDER BY s.position))
	INTO the_plan FROM augur.pipeline_steps s WHERE s.pipeline_id = p.id;
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
'Internal. Starts a queued run if it may, with a copy of the steps as they are; returns its status.';

-- ---- working on a run --------------------------------------------------------------------------

-- The pool stays locked until the transaction ends, so that no slot is taken twice.  A step whose
-- session is gone holds none.
CREATE OR REPLACE FUNCTION augur._pool_free(pool text) RETURNS boolean
LANGUAGE plpgsql VOLATILE
-- as the owner of the extension: those that run may be anybody's
SECURITY DEFINER
SET search_path = pg_catalog, augur, pg_temp
-- others hold it for a moment only, and whoever holds it for longer keeps nobody
SET lock_timeout = '2s'
AS $$
#variable_conflict use_variable
DECLARE
	slots		integer;
BEGIN
	SELECT p.slots INTO slots FROM augur.pools p WHERE p.name = pool FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN true;
	END IF;
	RETURN slots > (SELECT count(*) FROM augur.step_runs s
					WHERE s.pool = pool AND s.status = 'running' AND augur._held(true, s.id));
EXCEPTION WHEN lock_not_available THEN
	RETURN false;
END
$$;
COMMENT ON FUNCTION augur._pool_free(text) IS
'Internal. Whether a pool has a slot for another step; it stays locked. As the owner of the extension, who sees the steps of all roles.';

CREATE OR REPLACE FUNCTION augur._wake_pool(pool text, but_run bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
-- as the owner of the extension: those that wait may be anybody's
SECURITY DEFINER
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	-- those that have waited for longest: one for a slot that is given back, some for new ones
	PERFORM augur._launch(w.run_id)
	FROM (SELECT s.run_id, min(s.id) AS first
		  FROM augur.step_runs s JOIN augur.pipeline_runs r ON r.id = s.run_id
		  WHERE s.pool = pool AND s.status = 'ready' AND r.status = 'running' AND r.stop IS NULL
		  AND r.id IS DISTINCT FROM but_run AND augur._unstartable(r.owner) IS NULL
		  GROUP BY s.run_id ORDER BY 2 LIMIT CASE WHEN but_run IS NULL THEN 16 ELSE 1 END) w;
END
$$;
COMMENT ON FUNCTION augur._wake_pool(text, bigint) IS
'Internal. Starts workers for runs that have waited longest for a slot of a pool. As the owner of the extension, who sees the runs of all roles.';

-- What a session is to do next: run a step, wait for other sessions, or go.
CREATE OR REPLACE FUNCTION augur._claim(run bigint, OUT action text, OUT step_run bigint)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	r			augur.pipeline_runs;
	ready		integer;
	active		integer;
	width		integer;
	pool		text;
	full_pools	text[] := '{}';
BEGIN
	SELECT * INTO r FROM augur.pipeline_runs t WHERE t.id = run;
	IF NOT FOUND THEN
		action := 'go';
		RETURN;
	ELSIF r.owner <> quote_ident(current_user)::regrole THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('run %s of pipeline "%s" belongs to another role', r.id, r.pipeline);
	ELSIF r.status = 'queued' AND augur._start_run(run) <> 'running' THEN
		action := 'go';
		RETURN;
	END IF;
	PERFORM FROM augur.pipeline_runs t WHERE t.id = run FOR NO KEY UPDATE;
	SELECT * INTO r FROM augur.pipeline_runs t WHERE t.id = run;
	IF r.status <> 'running' THEN
		action := 'go';
		RETURN;
	END IF;
	PERFORM augur._reap(r);
	IF r.stop IS NULL AND r.started_at + (r.plan ->> 'run_timeout')::interval <= clock_timestamp() THEN
		PERFORM augur._stop_run(run, 'timed_out', format('it took longer than %s', r.plan ->> 'run_timeout'));
		SELECT * INTO r FROM augur.pipeline_runs t WHERE t.id = run;
	END IF;
	IF r.status <> 'running' OR augur._end_if_stopped(r) THEN
		action := 'go';
		RETURN;
	END IF;
	UPDATE augur.step_runs s SET status = 'ready', next_at = NULL
	WHERE s.run_id = run AND s.status = 'retry_wait' AND s.next_at <= clock_timestamp() AND r.stop IS NULL;
	GET DIAGNOSTICS ready = ROW_COUNT;
	ready := ready + augur._settle(r);
	SELECT count(*) INTO active FROM augur.step_runs s WHERE s.run_id = run AND s.status = 'running';
	width := (r.plan ->> 'max_parallel')::integer - active;
	IF width > 0 THEN
		-- in the order of their names, so that no two sessions wait for each other
		FOR pool IN
			SELECT DISTINCT s.pool FROM augur.step_runs s WHERE s.run_id = run AND s.status = 'ready' AND s.pool IS NOT NULL ORDER BY 1
		LOOP
			IF NOT augur._pool_free(pool) THEN
				full_pools := full_pools || pool;
			END IF;
		END LOOP;
		SELECT s.id INTO step_run
		FROM augur.step_runs s
		WHERE s.run_id = run AND s.status = 'ready' AND coalesce(s.pool <> ALL (full_pools), true)
		ORDER BY (augur._plan_step(r, s.step) ->> 'position')::integer LIMIT 1;
	END IF;
	IF step_run IS NOT NULL THEN
		UPDATE augur.step_runs s SET status = 'running', started_at = clock_timestamp(), pid = pg_backend_pid()
		WHERE s.id = step_run;
		UPDATE augur.pipeline_runs t SET pid = pg_backend_pid(), launches = 0, resume_at = NULL
		WHERE t.id = run AND (t.pid IS DISTINCT FROM pg_backend_pid() OR t.launches > 0 OR t.resume_at IS NOT NULL);
		PERFORM augur._hold(true, step_run);
		-- one for each step that others could take up now, besides this session and those that are there
		IF least(ready, width) > 1 THEN
			PERFORM augur._launch(run, least(ready, width) - 1);
		END IF;
		action := 'run';
	ELSIF active > 0 THEN
		action := 'wait';
	ELSIF full_pools <> '{}' THEN
		-- whoever gives a slot back, or augur.tick, has it taken up again
		UPDATE augur.pipeline_runs t SET launches = 0 WHERE t.id = run AND t.launches > 0;
		action := 'wait';
	ELSIF EXISTS (SELECT FROM augur.step_runs s WHERE s.run_id = run AND s.status = 'retry_wait') THEN
		UPDATE augur.pipeline_runs t SET pid = NULL, launches = 0,
			resume_at = (SELECT min(s.next_at) FROM augur.step_runs s WHERE s.run_id = run AND s.status = 'retry_wait')
		WHERE t.id = run;
		action := 'go';
	ELSE
		PERFORM augur._finish_run(r);
		action := 'go';
	END IF;
END
$$;
COMMENT ON FUNCTION augur._claim(bigint) IS
'Internal. Takes the next step of a run for this session; action: run it, wait for other sessions, or go.';

-- What is wrong with a step that raised no error; NULL for nothing.
CREATE OR REPLACE FUNCTION augur._step_verdict(kind text, body jsonb, result jsonb) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT CASE
		WHEN kind = 'validate' AND result ->> 'status' <> 'passed'
			THEN format('suite "%s": %s of %s expectations failed, %s in error (validation run %s)', result ->> 'suite',
				result ->> 'failed', result ->> 'evaluated', result ->> 'errors', result ->> 'run')
		WHEN kind = 'drift' AND (body ->> 'fail_on' = 'drift' AND result ->> 'verdict' = ANY ('{drift,error}')
			OR body ->> 'fail_on' = 'warn' AND result ->> 'verdict' = ANY ('{warn,drift,error}'))
			THEN format('verdict %s: %s of %s columns have drifted (drift run %s)', result ->> 'verdict',
				result ->> 'drifted', result ->> 'judged', result ->> 'id')
		END
$$;
COMMENT ON FUNCTION augur._step_verdict(text, jsonb, jsonb) IS
'Internal. Why a step failed that ran to its end, NULL when it did not.';

CREATE OR REPLACE FUNCTION augur._run_context(r augur.pipeline_runs, s augur.step_runs) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT jsonb_build_object('id', r.id, 'pipeline', r.pipeline, 'step', s.step, 'attempt', s.attempt,
		'logical_date', r.logical_date, 'interval_start', r.interval_start, 'interval_end', r.interval_end)
$$;
COMMENT ON FUNCTION augur._run_context(augur.pipeline_runs, augur.step_runs) IS
'Internal. What {"run": ...} can stand for.';

CREATE OR REPLACE FUNCTION augur._run_step(step_run bigint) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	s			augur.step_runs;
	r			augur.pipeline_runs;
	d			jsonb;
	context		jsonb;
	body		jsonb;
	path		text;
	deadline	timestamptz;
	statement	record;
	got			record;
	e			augur.step_runs;
	tries		integer := 0;
BEGIN
	SELECT * INTO STRICT s FROM augur.step_runs t WHERE t.id = step_run;
	SELECT * INTO STRICT r FROM augur.pipeline_runs t WHERE t.id = s.run_id;
	IF r.owner <> quote_ident(current_user)::regrole OR NOT augur._own_session() THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = 'a step runs in a session of its owner only';
	END IF;
	d := augur._plan_step(r, s.step);
	path := r.plan ->> 'search_path';
	context := augur._run_context(r, s);
	deadline := clock_timestamp() + (d ->> 'timeout')::interval;
	BEGIN
		IF d ->> 'condition' IS NOT NULL THEN
			got := augur._execute(format(E'SELECT (%s\n)::boolean AS ok', d ->> 'condition'), path,
				(context || jsonb_build_object('params', r.params))::text, NULL, deadline);
			IF got.first ->> 'ok' IS DISTINCT FROM 'true' THEN
				e.status := 'skipped';
				e.message := 'the condition is ' || CASE WHEN got.first ->> 'ok' = 'false' THEN 'false' ELSE 'null' END;
			END IF;
		END IF;
		IF e.status IS NULL THEN
			body := CASE WHEN d ->> 'kind' = 'sql' THEN d -> 'body' ELSE augur._resolve(d -> 'body', jsonb_build_object(
				'params', r.params, 'run', context,
				'results', (SELECT coalesce(jsonb_object_agg(l.step, l.result ORDER BY l.attempt), '{}')
							FROM augur.step_runs l WHERE l.run_id = r.id AND l.ended_at IS NOT NULL))) END;
			statement := augur._step_statement(d ->> 'kind', body);
			got := augur._execute(statement.sql, path, (context || jsonb_build_object('params', r.params))::text,
								  statement.args, deadline);
			-- what it was about, where the one row that comes back tells so
			e.rows := coalesce((got.first ->> CASE d ->> 'kind' WHEN 'score' THEN 'rows' WHEN 'load' THEN 'rows_ok' END)::bigint, got.rows);
			e.result := got.first;
			e.message := augur._step_verdict(d ->> 'kind', body, got.first);
			e.status := CASE WHEN e.message IS NULL THEN 'success' ELSE 'failed' END;
		END IF;
	EXCEPTION WHEN query_canceled OR assert_failure OR OTHERS THEN
		GET STACKED DIAGNOSTICS e.sqlstate = RETURNED_SQLSTATE, e.message = MESSAGE_TEXT,
			e.detail = PG_EXCEPTION_DETAIL, e.hint = PG_EXCEPTION_HINT, e.context = PG_EXCEPTION_CONTEXT;
		-- without the lines that are about us
		e.context := rtrim(regexp_replace(e.context, '(SQL statement "SELECT augur\._execute|PL/pgSQL (function|assignment)[^\n]*_run_step).*$', ''), E'\n');
		e.rows := NULL;
		e.result := NULL;
		IF e.sqlstate <> '57014' THEN
			e.status := 'failed';
		ELSIF augur._timed_out() THEN
			e.status := 'timed_out';
			e.message := format('it took longer than %s', d ->> 'timeout');
		ELSE
			e.status := 'cancelled';
		END IF;
	END;
	-- What came of it is written down even if a cancel comes only now, from another step of the run or from
	-- somebody who asks twice: it must not end the session over it.
	LOOP
		BEGIN
			PERFORM FROM augur.pipeline_runs t WHERE t.id = r.id FOR NO KEY UPDATE;
			IF e.status = 'cancelled' THEN
				-- cancelled by whom, if not by augur.cancel_run: somebody at this session
				UPDATE augur.pipeline_runs t SET stop = 'cancelled', stop_by = session_user, reason = e.message
				WHERE t.id = r.id AND t.stop IS NULL;
				IF FOUND THEN
					PERFORM augur._cancel_sessions(r.id);
				END IF;
			END IF;
			SELECT * INTO r FROM augur.pipeline_runs t WHERE t.id = r.id;
			UPDATE augur.step_runs t SET status = e.status, ended_at = clock_timestamp(), rows = e.rows, result = e.result,
				sqlstate = e.sqlstate, message = left(e.message, 4000), detail = nullif(left(e.detail, 8000), ''),
				hint = nullif(left(e.hint, 2000), ''), context = nullif(left(e.context, 8000), '')
			WHERE t.id = step_run;
			IF e.status = ANY ('{failed,timed_out}') THEN
				PERFORM augur._retry(r, s);
			END IF;
			IF s.pool IS NOT NULL THEN
				PERFORM augur._wake_pool(s.pool, r.id);
			END IF;
			EXIT;
		EXCEPTION WHEN query_canceled THEN
			tries := tries + 1;
			-- somebody means it: augur.tick will find an attempt without a session
			IF tries >= 10 THEN
				RAISE;
			END IF;
		END;
	END LOOP;
	RETURN e.status;
END
$$;
COMMENT ON FUNCTION augur._run_step(bigint) IS
'Internal. Runs an attempt at a step that this session has claimed, and writes what came of it.';

-- For other sessions; who cancels the waiting cancels what is waited for.
CREATE OR REPLACE FUNCTION augur._wait(run bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	PERFORM pg_sleep(0.05);
EXCEPTION WHEN query_canceled THEN
	PERFORM augur._stop_run(run, 'cancelled', SQLERRM);
END
$$;
COMMENT ON FUNCTION augur._wait(bigint) IS
'Internal. Waits a moment for the other sessions of a run.';

-- The run of the same pipeline whose turn it is after that one; NULL when there is none.
CREATE OR REPLACE FUNCTION augur._next_run(run bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	r			augur.pipeline_runs;
	n			augur.pipeline_runs;
BEGIN
	SELECT * INTO r FROM augur.pipeline_runs t WHERE t.id = run AND t.ended_at IS NOT NULL;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	SELECT t.* INTO n FROM augur.pipeline_runs t JOIN augur.pipelines p ON p.id = t.pipeline_id AND p.enabled
	WHERE t.pipeline_id = r.pipeline_id AND t.status = 'queued' AND t.owner = r.owner ORDER BY t.id LIMIT 1;
	IF FOUND AND augur._may_start(n) THEN
		RETURN n.id;
	END IF;
	-- another pipeline's that no worker was started for; the others go past one that is being taken
	FOR n IN
		SELECT t.* FROM augur.pipeline_runs t JOIN augur.pipelines p ON p.id = t.pipeline_id AND p.enabled
		WHERE t.status = 'queued' AND t.owner = r.owner AND t.pipeline_id <> r.pipeline_id
		AND (t.launched_at IS NULL OR NOT augur._on_the_way(t.launched_at))
		ORDER BY t.id LIMIT 100 FOR NO KEY UPDATE OF t SKIP LOCKED
	LOOP
		IF augur._may_start(n) THEN
			UPDATE augur.pipeline_runs t SET launched_at = clock_timestamp(), launches = t.launches + 1 WHERE t.id = n.id;
			RETURN n.id;
		END IF;
	END LOOP;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION augur._next_run(bigint) IS
'Internal. The queued run whose turn it is now that a run has ended: of the same pipeline, else of another one of the same owner.';

-- Procedures that commit cannot have a search_path of their own, and COMMIT takes away what was set
-- for the transaction: it is set first thing in each, and until then no operator is used.
CREATE OR REPLACE PROCEDURE augur._drive(run bigint, wait boolean)
LANGUAGE plpgsql
AS $$
DECLARE
	job			pg_catalog.record;
BEGIN
	COMMIT;
	-- whatever the owner's default is: states are read as they are, not as they were
	SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE;
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, augur, pg_temp', true);
	PERFORM augur._hold(false, run);
	LOOP
		job := augur._claim(run);
		COMMIT;
		SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE;
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, augur, pg_temp', true);
		IF job.action = 'run' THEN
			PERFORM augur._run_step(job.step_run);
			COMMIT;
			SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE;
			PERFORM pg_catalog.set_config('search_path', 'pg_catalog, augur, pg_temp', true);
			PERFORM augur._release(true, job.step_run);
		ELSIF job.action = 'wait' AND wait THEN
			PERFORM augur._wait(run);
			COMMIT;
			SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE;
			PERFORM pg_catalog.set_config('search_path', 'pg_catalog, augur, pg_temp', true);
		ELSE
			EXIT;
		END IF;
	END LOOP;
	PERFORM augur._release(false, run);
	COMMIT;
END
$$;
COMMENT ON PROCEDURE augur._drive(bigint, boolean) IS
'Internal. Works on a run until there is nothing for this session to do; wait: until it has ended, or waits for a retry.';

CREATE OR REPLACE PROCEDURE augur._work(run bigint)
LANGUAGE plpgsql
AS $$
BEGIN
	WHILE run IS NOT NULL LOOP
		CALL augur._drive(run, false);
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, augur, pg_temp', true);
		run := augur._next_run(run);
		COMMIT;
	END LOOP;
END
$$;
COMMENT ON PROCEDURE augur._work(bigint) IS
'Internal. What a background worker does: works on a run, and then on those that waited for its end.';

CREATE OR REPLACE FUNCTION augur._check_may_commit(may boolean, what text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF NOT may THEN
		RAISE EXCEPTION USING ERRCODE = 'active_sql_transaction',
			MESSAGE = format('%s cannot be called inside a transaction block or a function', what),
			DETAIL = 'It commits after each step, so that progress is seen and survives.',
			HINT = 'Send the CALL as a statement of its own; augur.queue_run can be called anywhere.';
	END IF;
END
$$;
COMMENT ON FUNCTION augur._check_may_commit(boolean, text) IS
'Internal. Raises the error of a procedure that cannot commit.';

-- How a run is run for the user who calls: in his session when it is his, else by a worker.
CREATE OR REPLACE FUNCTION augur._runs_here(run bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	r			augur.pipeline_runs;
	why_not		text;
BEGIN
	SELECT * INTO r FROM augur.pipeline_runs t WHERE t.id = run;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('run %s does not exist', coalesce(run::text, 'NULL')),
			HINT = 'SELECT * FROM augur.pipeline_runs lists the runs that you may see.';
	ELSIF r.owner = quote_ident(current_user)::regrole AND augur._own_session() THEN
		RETURN true;
	ELSIF NOT augur._operates(r.owner) THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('permission denied for pipeline "%s"', r.pipeline);
	END IF;
	why_not := augur._unstartable(r.owner);
	IF why_not IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('no background worker can run pipeline "%s"', r.pipeline),
			DETAIL = upper(left(why_not, 1)) || substr(why_not, 2) || '.';
	END IF;
	UPDATE augur.pipeline_runs t SET launched_at = clock_timestamp(), launches = t.launches + 1 WHERE t.id = run;
	PERFORM augur._launch(run);
	RETURN false;
END
$$;
COMMENT ON FUNCTION augur._runs_here(bigint) IS
'Internal. Whether this session can work on a run; if not, a background worker is started when the transaction commits.';

-- Whether to go on waiting for a run that a worker runs.
CREATE OR REPLACE FUNCTION augur._still_running(run bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	r			augur.pipeline_runs;
BEGIN
	SELECT * INTO r FROM augur.pipeline_runs t WHERE t.id = run;
	IF r.ended_at IS NOT NULL OR r.resume_at IS NOT NULL THEN
		RETURN false;
	ELSIF r.status = 'queued' AND NOT augur._may_start(r) THEN
		RETURN false;
	END IF;
	-- one that nobody works on, and for which nobody can have been on the way for so long
	RETURN augur._held(false, run) OR augur._on_the_way(r.launched_at);
END
$$;
COMMENT ON FUNCTION augur._still_running(bigint) IS
'Internal. Whether a run has not ended, and somebody works on it or is about to.';

CREATE OR REPLACE FUNCTION augur._report_run(run bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	r			augur.pipeline_runs;
	s			augur.step_runs;
BEGIN
	SELECT * INTO r FROM augur.pipeline_runs t WHERE t.id = run;
	SELECT * INTO s FROM augur.step_runs t
	WHERE t.run_id = run AND t.status = ANY ('{failed,timed_out,crashed,cancelled}'::text[]) AND t.sqlstate IS NOT NULL
	ORDER BY t.ended_at LIMIT 1;
	IF r.status = 'queued' THEN
		RAISE NOTICE 'run % of pipeline "%" is queued', r.id, r.pipeline
			USING HINT = 'Other runs of it come first. augur.tick starts it.';
	ELSIF r.status = 'running' AND r.resume_at IS NOT NULL THEN
		RAISE NOTICE 'run % of pipeline "%" waits for the next attempt at a step', r.id, r.pipeline
			USING HINT = 'augur.tick goes on with it.';
	ELSIF r.status = 'running' THEN
		RAISE NOTICE 'run % of pipeline "%" has not ended', r.id, r.pipeline
			USING HINT = 'augur.tick goes on with it when no session works on it any more.';
	ELSIF r.status <> ALL ('{success,skipped}') THEN
		PERFORM augur._fail(
			coalesce(s.sqlstate, CASE r.status WHEN 'cancelled' THEN 'query_canceled' ELSE 'object_not_in_prerequisite_state' END),
			format('run %s of pipeline "%s" ended as %s: %s', r.id, r.pipeline, r.status, coalesce(r.reason, 'unknown')),
			s.detail,
			format('SELECT * FROM augur.step_failures WHERE run = %s tells more; SELECT augur.rerun(%s)'
						  ' repeats it from there.', r.id, r.id));
	END IF;
END
$$;
COMMENT ON FUNCTION augur._report_run(bigint) IS
'Internal. Tells who has waited for a run what came of it: an error unless it succeeded.';

CREATE OR REPLACE PROCEDURE augur.resume_run(run bigint)
LANGUAGE plpgsql
AS $$
DECLARE
	here		pg_catalog.bool;
BEGIN
	PERFORM augur._check_may_commit(augur._may_commit(), 'augur.resume_run');
	here := augur._runs_here(run);
	COMMIT;
	IF here THEN
		CALL augur._drive(run, true);
	ELSE
		WHILE augur._still_running(run) LOOP
			PERFORM pg_catalog.pg_sleep(0.05);
			COMMIT;
		END LOOP;
	END IF;
	PERFORM augur._launch_next(run);
	COMMIT;
	PERFORM augur._report_run(run);
END
$$;
COMMENT ON PROCEDURE augur.resume_run(bigint) IS
'Works on a run that is queued or was interrupted, and waits until it has ended: in this session when the pipeline is one''s own, else in a background worker as its owner. An error when it does not succeed. Not inside a transaction block, for it commits between steps.';

CREATE OR REPLACE FUNCTION augur._launch_next(run bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	PERFORM augur._launch_queued(n) FROM augur._next_run(run) n WHERE n IS NOT NULL;
END
$$;
COMMENT ON FUNCTION augur._launch_next(bigint) IS
'Internal. Starts a worker for the run whose turn it is after that one.';

CREATE OR REPLACE FUNCTION augur._queue_here(name text, params jsonb, logical_date timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	p			augur.pipelines := augur._pipeline(name, 'operate');
BEGIN
	RETURN augur._queue_run(p.id, 'manual', params, logical_date, NULL, NULL);
END
$$;
COMMENT ON FUNCTION augur._queue_here(text, jsonb, timestamptz) IS
'Internal. Asks for a run that the caller then runs.';

CREATE OR REPLACE PROCEDURE augur.run_pipeline(name text, params jsonb DEFAULT '{}',
	logical_date timestamptz DEFAULT NULL, INOUT run bigint DEFAULT NULL)
LANGUAGE plpgsql
AS $$
BEGIN
	PERFORM augur._check_may_commit(augur._may_commit(), 'augur.run_pipeline');
	run := augur._queue_here(name, params, logical_date);
	COMMIT;
	IF run IS NULL THEN
		RAISE NOTICE 'pipeline "%" is skipped: a run of it has not ended', name;
		RETURN;
	END IF;
	CALL augur.resume_run(run);
END
$$;
COMMENT ON PROCEDURE augur.run_pipeline(text, jsonb, timestamptz, bigint) IS
'Runs a pipeline and waits for its end; returns the number of the run. Its steps run in this session, several at a time with the help of background workers; the pipeline of another role in background workers as that role. Each step is a transaction of its own; an error at the end when the run does not succeed. Not inside a transaction block. Example: CALL augur.run_pipeline(''nightly'', ''{"days": 30}'')';
