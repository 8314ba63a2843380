-- pipeline: asking for runs, and starting workers for those whose turn it is.
--
-- A run is a row in status queued, written in the transaction of whoever asks.  A worker is started
-- when that commits; where none can be, augur.tick starts it later.

-- ---- asking for a run ---------------------------------------------------------------------------

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
	interval_start := coalesce(interval_start, logical_date);
	interval_end := coalesce(interval_end, interval_start);
	IF NOT isfinite(logical_date) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'logical_date must be finite';
	ELSIF interval_end < interval_start THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'interval_end must not be before interval_start',
			HINT = 'Pass both: interval_start is logical_date unless it is given, which is now unless it is given.';
	END IF;
	params := augur._run_params(p, coalesce(params, '{}'));
	IF p.concurrency = 'skip' AND trigger <> ALL ('{backfill,rerun}') THEN
		SELECT min(r.id) INTO busy FROM augur.pipeline_runs r
		WHERE r.pipeline_id = p.id AND r.status = ANY ('{queued,running}'::text[]) HAVING count(*) >= p.max_active;
	END IF;
	INSERT INTO augur.pipeline_runs AS t (pipeline_id, pipeline, owner, status, trigger, params, logical_date,
		interval_start, interval_end, parent_id, ended_at, reason, due_at)
	VALUES (p.id, p.name, p.owner, CASE WHEN busy IS NULL THEN 'queued' ELSE 'skipped' END, trigger, params,
		logical_date, interval_start, interval_end, parent_id, CASE WHEN busy IS NOT NULL THEN clock_timestamp() END,
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
		-- the oldest, until it has a place
		PERFORM augur._stop_run(w.id, 'cancelled', format('replaced by run %s', made))
		FROM (SELECT r.id, row_number() OVER (ORDER BY r.id DESC) AS place
			  FROM augur.pipeline_runs r
			  WHERE r.pipeline_id = p.id AND r.id < made AND r.status = ANY ('{queued,running}'::text[])
			  AND r.trigger <> ALL ('{backfill,rerun}')) w
		WHERE w.place >= p.max_active
		ORDER BY w.id;
	END IF;
	RETURN made;
END
$$;
COMMENT ON FUNCTION augur._queue_run(bigint, text, jsonb, timestamptz, timestamptz, timestamptz, bigint) IS
'Internal. Asks for a run, and returns its number; NULL when it is not wanted: as many as may run have not ended (policy skip, kept as skipped), the pipeline is disabled, or the slot has a run.';

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
	made := augur._queue_run(p.id, 'manual', params, logical_date, interval_start, interval_end);
	IF p.enabled THEN
		PERFORM augur._launch_queued(made);
	END IF;
	RETURN made;
END
$$;
COMMENT ON FUNCTION augur.queue_run(text, jsonb, timestamptz, timestamptz, timestamptz) IS
'Asks for a run of a pipeline and returns its number at once; a background worker runs it, as the pipeline''s owner, after the transaction commits (augur.tick, where none could be started). NULL when the pipeline skips runs while max_active of them have not ended. logical_date: the time that it is for, now by default. Example: SELECT augur.queue_run(''nightly'', ''{"days": 30}'')';

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

-- ---- whose turn it is ---------------------------------------------------------------------------

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
