-- pipeline: running a pipeline and waiting for its end.
--
-- augur.run_pipeline and augur.resume_run work on a run in the session of the owner, and else have a
-- worker do it.  They commit between steps, and raise an error at the end unless the run succeeded.

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
	r			augur.pipeline_runs := augur._run_operated(run);
	why_not		text;
BEGIN
	IF r.owner = quote_ident(current_user)::regrole AND augur._own_session() THEN
		RETURN true;
	ELSIF r.ended_at IS NOT NULL THEN
		RETURN false;
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
	-- not of one that was tried again
	SELECT * INTO s FROM (
		SELECT DISTINCT ON (l.step) l.* FROM augur.step_runs l WHERE l.run_id = run ORDER BY l.step, l.attempt DESC) t
	WHERE t.status = ANY ('{failed,timed_out,crashed,cancelled}'::text[]) AND t.sqlstate IS NOT NULL
	ORDER BY t.ended_at, t.id LIMIT 1;
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
		-- it has committed; whatever the default is
		SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE;
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
