-- pipeline: working on a run.
--
-- Sessions of the pipeline's owner work on it: background workers, or his own that calls
-- augur.run_pipeline.  All do the same, and no one leads: claim a step that is ready and commit;
-- execute it and write what came of it, in one transaction; look again.  Whoever finds nothing left
-- ends the run.  A step's work and the word that it is done are committed together, so that a step
-- is done once or not.

-- ---- one step -----------------------------------------------------------------------------------

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
			body := CASE WHEN d ->> 'kind' = 'sql' THEN d -> 'body' ELSE augur._resolve_body(d ->> 'kind', d -> 'body', jsonb_build_object(
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
		e.context := rtrim(regexp_replace(e.context, E'(SQL statement "SELECT augur\\._execute|PL/pgSQL (function|assignment)[^\\n]*_run_step).*$', ''), E'\n');
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

-- ---- one after the other ------------------------------------------------------------------------

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
		SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE;
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, augur, pg_temp', true);
		run := augur._next_run(run);
		COMMIT;
	END LOOP;
END
$$;
COMMENT ON PROCEDURE augur._work(bigint) IS
'Internal. What a background worker does: works on a run, and then on those that waited for its end.';
