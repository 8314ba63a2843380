-- pipeline: the state machines, and the events of runs.
--
-- A run: queued, running, and an end, or an end without having started.  An attempt at a step:
-- pending, ready, running, an end; a further attempt is a row of its own, which waits in
-- retry_wait.  Nothing leads back, and what was run is never written over.

CREATE OR REPLACE FUNCTION augur._may_become(role regrole) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	-- since PostgreSQL 16 not every member may
	SELECT coalesce(pg_has_role(role, CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END), false)
$$;
COMMENT ON FUNCTION augur._may_become(regrole) IS
'Internal. Whether the current user may SET ROLE to a role.';

CREATE OR REPLACE FUNCTION augur._guard_pipeline() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	-- what operators may switch
	a			augur.pipelines := NEW;
	running		bigint;
BEGIN
	IF (NEW.id, NEW.created_by, NEW.created_at) IS DISTINCT FROM (OLD.id, OLD.created_by, OLD.created_at)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('the origin of pipeline "%s" cannot be changed', OLD.name);
	END IF;
	a.enabled := OLD.enabled;
	IF a IS DISTINCT FROM OLD AND row_security_active('augur.pipelines')
		AND OLD.owner <> quote_ident(current_user)::regrole
	THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('must be owner of pipeline "%s"', OLD.name),
			DETAIL = 'Its steps run with the rights of the owner, so nobody else may change it.';
	ELSIF NEW.owner <> OLD.owner THEN
		-- its steps will have the rights of the new owner: for whoever could take those anyway
		IF row_security_active('augur.pipelines') AND NOT augur._may_become(NEW.owner) THEN
			RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
				MESSAGE = format('must be able to SET ROLE "%s"', pg_get_userbyid(NEW.owner)),
				DETAIL = format('The steps of pipeline "%s" would run with the rights of that role.', OLD.name);
		END IF;
		-- the plan that it runs by is the old owner's
		SELECT r.id INTO running FROM augur.pipeline_runs r WHERE r.pipeline_id = OLD.id AND r.status = 'running' LIMIT 1;
		IF running IS NOT NULL THEN
			RAISE EXCEPTION USING ERRCODE = 'object_in_use',
				MESSAGE = format('run %s of pipeline "%s" is running', running, OLD.name),
				HINT = format('Wait for its end, or stop it: SELECT augur.cancel_run(%s).', running);
		END IF;
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION augur._guard_pipeline() IS
'Internal. Trigger: a pipeline is changed by its owner, who gives it to roles that he could be only; operators and admins only enable and disable it.';
CREATE OR REPLACE TRIGGER pipelines_guard BEFORE UPDATE ON augur.pipelines
FOR EACH ROW EXECUTE FUNCTION augur._guard_pipeline();

CREATE OR REPLACE FUNCTION augur._guard_pipeline_run() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF NOT (NEW.status = OLD.status AND OLD.ended_at IS NULL
			OR OLD.status = 'queued'
			AND NEW.status = ANY ('{running,skipped,cancelled,expired,failed}'::text[])
			OR OLD.status = 'running'
			AND NEW.status = ANY ('{success,failed,timed_out,cancelled,crashed}'::text[])
			-- name and owner follow those of the pipeline
			OR NEW.status = OLD.status AND (NEW.pipeline <> OLD.pipeline OR NEW.owner <> OLD.owner))
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('run %s of pipeline "%s" cannot change from %s to %s',
							 OLD.id, OLD.pipeline, OLD.status, NEW.status);
	ELSIF (NEW.id, NEW.pipeline_id, NEW.trigger, NEW.params, NEW.logical_date, NEW.interval_start,
		NEW.interval_end, NEW.parent_id, NEW.queued_at, NEW.queued_by)
		IS DISTINCT FROM
		(OLD.id, OLD.pipeline_id, OLD.trigger, OLD.params, OLD.logical_date, OLD.interval_start,
		 OLD.interval_end, OLD.parent_id, OLD.queued_at, OLD.queued_by)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('what run %s of pipeline "%s" was asked for cannot be changed', OLD.id, OLD.pipeline);
	ELSIF NEW.plan IS DISTINCT FROM OLD.plan
		AND (OLD.plan IS NOT NULL OR OLD.owner <> quote_ident(current_user)::regrole)
	THEN
		-- whoever could write it would run SQL as the owner
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('the plan of run %s is written once, by the owner of pipeline "%s"',
							 OLD.id, OLD.pipeline);
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION augur._guard_pipeline_run() IS
'Internal. Trigger: holds a run to its state machine, and its plan to the owner.';
CREATE OR REPLACE TRIGGER pipeline_runs_guard BEFORE UPDATE ON augur.pipeline_runs
FOR EACH ROW EXECUTE FUNCTION augur._guard_pipeline_run();

CREATE OR REPLACE FUNCTION augur._guard_step_run() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF NOT (CASE OLD.status
		WHEN 'pending' THEN NEW.status = ANY ('{ready,skipped,upstream_failed,cancelled}'::text[])
		WHEN 'retry_wait' THEN NEW.status = ANY ('{retry_wait,ready,skipped,cancelled}'::text[])
		WHEN 'ready' THEN NEW.status = ANY ('{running,skipped,cancelled}'::text[])
		WHEN 'running' THEN NEW.status
			= ANY ('{success,failed,timed_out,crashed,cancelled,skipped}'::text[])
		ELSE false END)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('attempt %s at step "%s" of run %s cannot change from %s to %s',
							 OLD.attempt, OLD.step, OLD.run_id, OLD.status, NEW.status);
	ELSIF (NEW.id, NEW.run_id, NEW.step, NEW.kind, NEW.attempt, NEW.pool)
		IS DISTINCT FROM (OLD.id, OLD.run_id, OLD.step, OLD.kind, OLD.attempt, OLD.pool)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('what attempt %s at step "%s" of run %s is cannot be changed',
							 OLD.attempt, OLD.step, OLD.run_id);
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION augur._guard_step_run() IS
'Internal. Trigger: holds an attempt at a step to its state machine.';
CREATE OR REPLACE TRIGGER step_runs_guard BEFORE UPDATE ON augur.step_runs
FOR EACH ROW EXECUTE FUNCTION augur._guard_step_run();

-- ---- the library's part -------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._execute(sql text, search_path text, run text, args jsonb,
	deadline timestamptz, OUT rows bigint, OUT first jsonb)
	AS 'MODULE_PATHNAME', 'augur_pipeline_execute'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION augur._execute(text, text, text, jsonb, timestamptz) IS
'Internal. Runs SQL of a step as the current user, $1 being args, and puts back every setting that it changes.';
CREATE OR REPLACE FUNCTION augur._timed_out() RETURNS boolean
	AS 'MODULE_PATHNAME', 'augur_pipeline_timed_out'
	LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION augur._timed_out() IS
'Internal. Whether the last augur._execute of this session was over its deadline.';
CREATE OR REPLACE FUNCTION augur._hold(of_step boolean, id bigint) RETURNS void
	AS 'MODULE_PATHNAME', 'augur_pipeline_hold'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION augur._hold(boolean, bigint) IS
'Internal. Says that this session works on a run, or on an attempt at a step, of the current user.';
CREATE OR REPLACE FUNCTION augur._release(of_step boolean, id bigint) RETURNS void
	AS 'MODULE_PATHNAME', 'augur_pipeline_release'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION augur._release(boolean, bigint) IS
'Internal. Says that this session works on it no longer.';
CREATE OR REPLACE FUNCTION augur._held(of_step boolean, id bigint) RETURNS boolean
	AS 'MODULE_PATHNAME', 'augur_pipeline_held'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION augur._held(boolean, bigint) IS
'Internal. Whether a session that is alive works on a run, or on an attempt at a step.';
CREATE OR REPLACE FUNCTION augur._tick_lock(take boolean) RETURNS boolean
	AS 'MODULE_PATHNAME', 'augur_pipeline_tick_lock'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION augur._tick_lock(boolean) IS
'Internal. Takes what one session at a time has that is in augur.tick (false: another one has it), or gives it back.';
CREATE OR REPLACE FUNCTION augur._upkeep_lock() RETURNS boolean
	AS 'MODULE_PATHNAME', 'augur_pipeline_upkeep_lock'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION augur._upkeep_lock() IS
'Internal. Whether no other session does the upkeep of the current user; none begins it until this transaction ends.';
CREATE OR REPLACE FUNCTION augur._written_here(writer xid) RETURNS boolean
	AS 'MODULE_PATHNAME', 'augur_pipeline_written_here'
	LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION augur._written_here(xid) IS
'Internal. Whether a row with that xmin was written by the transaction that asks.';
CREATE OR REPLACE FUNCTION augur._check_sql(sql text) RETURNS integer
	AS 'MODULE_PATHNAME', 'augur_pipeline_check_sql'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._check_sql(text) IS
'Internal. Raises the syntax errors of a text, returns the number of its statements.';
CREATE OR REPLACE FUNCTION augur._may_commit() RETURNS boolean
	AS 'MODULE_PATHNAME', 'augur_pipeline_may_commit'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION augur._may_commit() IS
'Internal. Whether the procedure that asks can end the transaction.';
CREATE OR REPLACE FUNCTION augur._own_session() RETURNS boolean
	AS 'MODULE_PATHNAME', 'augur_pipeline_own_session'
	LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION augur._own_session() IS
'Internal. Whether the current user is the one who logged in.';
CREATE OR REPLACE FUNCTION augur._launch(run bigint, workers integer DEFAULT 1) RETURNS boolean
	AS 'MODULE_PATHNAME', 'augur_pipeline_launch'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION augur._launch(bigint, integer) IS
'Internal. Starts background workers for a run, as its owner, when the transaction commits; false when no more can be asked for in one transaction, or it has ended.';
CREATE OR REPLACE FUNCTION augur._launch_upkeep(role oid) RETURNS void
	AS 'MODULE_PATHNAME', 'augur_pipeline_launch_upkeep'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION augur._launch_upkeep(oid) IS
'Internal. Starts a background worker that calls augur._upkeep as that role, when the transaction commits.';
CREATE OR REPLACE FUNCTION augur._not_launched() RETURNS bigint[]
	AS 'MODULE_PATHNAME', 'augur_pipeline_not_launched'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION augur._not_launched() IS
'Internal. The runs for which the last transaction of this session found no free worker slot.';
CREATE OR REPLACE FUNCTION augur._nearest(word text, words text[]) RETURNS text
	AS 'MODULE_PATHNAME', 'augur_pipeline_nearest'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._nearest(text, text[]) IS
'Internal. The word that may have been meant, NULL when none is near.';

-- ---- what a step can ask -------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._run_info() RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF coalesce(current_setting('augur.run', true), '') = '' THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = 'this is not a step of a pipeline',
			HINT = 'To try the SQL of a step: SET augur.run = ''{"params": {"days": 7}, "logical_date": "2026-01-01"}''.';
	END IF;
	RETURN current_setting('augur.run')::jsonb;
END
$$;
COMMENT ON FUNCTION augur._run_info() IS
'Internal. What the step that is running runs for.';

CREATE OR REPLACE FUNCTION augur.param(name text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	params		jsonb := coalesce(augur._run_info() -> 'params', '{}');
BEGIN
	IF NOT params ? name THEN
		PERFORM augur._fail('undefined_object', format('the pipeline has no parameter "%s"', name), NULL,
			'Perhaps you meant "' || augur._nearest(name, ARRAY(SELECT jsonb_object_keys(params))) || '".');
	END IF;
	RETURN params ->> name;
END
$$;
COMMENT ON FUNCTION augur.param(text) IS
'In the SQL of a step: a parameter of the run, as text: WHERE day >= current_date - augur.param(''days'')::integer';

CREATE OR REPLACE FUNCTION augur.logical_date() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT (augur._run_info() ->> 'logical_date')::timestamptz
$$;
COMMENT ON FUNCTION augur.logical_date() IS
'In the SQL of a step: the time that the run is for, which is the slot of a schedule or the date of a backfill, not the present.';

CREATE OR REPLACE FUNCTION augur.data_interval() RETURNS tstzrange
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT tstzrange((j ->> 'interval_start')::timestamptz, (j ->> 'interval_end')::timestamptz, '[)')
	FROM augur._run_info() j
$$;
COMMENT ON FUNCTION augur.data_interval() IS
'In the SQL of a step: the data that the run is for, without the end: WHERE augur.data_interval() @> at';

CREATE OR REPLACE FUNCTION augur.run_id() RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT (augur._run_info() ->> 'id')::bigint
$$;
COMMENT ON FUNCTION augur.run_id() IS
'In the SQL of a step: the number of the run, as in augur.pipeline_runs.';

CREATE OR REPLACE FUNCTION augur.step_result(step text) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	run			bigint := augur.run_id();
	found_result jsonb;
BEGIN
	SELECT s.result INTO found_result FROM augur.step_runs s
	WHERE s.run_id = run AND s.step = step_result.step ORDER BY s.attempt DESC LIMIT 1;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('run %s has no step "%s"', run, step);
	END IF;
	RETURN found_result;
END
$$;
COMMENT ON FUNCTION augur.step_result(text) IS
'In the SQL of a step or its condition: the first row that an earlier step returned, NULL when it did not: (augur.step_result(''train'') ->> ''version'')::integer';

-- ---- events ----------------------------------------------------------------------------------------

-- the owner's members see them, whoever's statement it was
CREATE OR REPLACE FUNCTION augur._pipeline_emit(owner regrole, kind text, severity text, subject text,
	payload jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	m			augur.models;
BEGIN
	m.owner := owner;
	RETURN augur._emit(kind, severity, subject, payload, m);
END
$$;
COMMENT ON FUNCTION augur._pipeline_emit(regrole, text, text, text, jsonb) IS
'Internal. Writes an event for the owner of a pipeline.';

CREATE OR REPLACE FUNCTION augur._run_payload(r augur.pipeline_runs) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT jsonb_build_object('pipeline', r.pipeline, 'run', r.id, 'status', r.status, 'trigger', r.trigger,
		'logical_date', r.logical_date, 'parent', r.parent_id, 'reason', r.reason,
		'seconds', round(extract(epoch FROM coalesce(r.ended_at, clock_timestamp()) - coalesce(r.started_at, r.queued_at)), 3),
		'usual_seconds', round(r.usual_seconds::numeric, 3))
	|| coalesce((SELECT jsonb_build_object('step', f.step, 'attempt', f.attempt, 'sqlstate', f.sqlstate,
			'message', left(f.message, 1000))
		FROM augur.step_runs f
		WHERE f.run_id = r.id AND f.status = ANY ('{failed,timed_out,crashed}'::text[])
		AND r.status <> ALL ('{queued,running,success}'::text[])
		-- not those that were tried again
		AND NOT EXISTS (SELECT FROM augur.step_runs n WHERE n.run_id = r.id AND n.step = f.step AND n.attempt > f.attempt)
		ORDER BY f.ended_at, f.id LIMIT 1), '{}')
$$;
COMMENT ON FUNCTION augur._run_payload(augur.pipeline_runs) IS
'Internal. What events tell of a run, with the first failure in it.';

-- AFTER UPDATE only: a restored dump inserts rows, and brings its events itself
CREATE OR REPLACE FUNCTION augur._event_of_pipeline_run() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	before		text;
	subject		text := format('%s/%s', NEW.pipeline, NEW.id);
BEGIN
	PERFORM augur._pipeline_emit(NEW.owner,
		CASE NEW.status WHEN 'success' THEN 'pipeline_succeeded' WHEN 'skipped' THEN 'pipeline_skipped'
		ELSE 'pipeline_failed' END,
		CASE NEW.status WHEN 'success' THEN 'info' WHEN 'skipped' THEN 'info' WHEN 'cancelled' THEN 'warning'
		ELSE 'error' END,
		subject, augur._run_payload(NEW));
	IF NEW.status = 'success' THEN
		SELECT r.status INTO before FROM augur.pipeline_runs r
		WHERE r.pipeline_id = NEW.pipeline_id AND r.id <> NEW.id
		AND r.status = ANY ('{success,failed,timed_out,crashed,expired}'::text[])
		ORDER BY r.ended_at DESC LIMIT 1;
		IF before <> 'success' THEN
			PERFORM augur._pipeline_emit(NEW.owner, 'pipeline_recovered', 'info', subject, augur._run_payload(NEW));
		END IF;
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION augur._event_of_pipeline_run() IS
'Internal. Trigger: every end of a run is an event; a success after a failure another one.';
CREATE OR REPLACE TRIGGER pipeline_runs_event AFTER UPDATE OF status ON augur.pipeline_runs
FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status AND NEW.ended_at IS NOT NULL)
EXECUTE FUNCTION augur._event_of_pipeline_run();
