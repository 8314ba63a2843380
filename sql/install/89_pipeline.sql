-- pipeline: the state machines, and the events of runs.
--
-- A run: queued, running, and an end, or an end without having started.  An attempt at a step:
-- pending, ready, running, an end; a further attempt is a row of its own, which waits in
-- retry_wait.  Nothing leads back, and what was run is never written over.

CREATE OR REPLACE FUNCTION augur._guard_pipeline() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	-- what operators may switch
	a			augur.pipelines := NEW;
BEGIN
	IF (NEW.id, NEW.created_by, NEW.created_at) IS DISTINCT FROM (OLD.id, OLD.created_by, OLD.created_at)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('the origin of pipeline "%s" cannot be changed', OLD.name);
	END IF;
	a.enabled := OLD.enabled;
	IF a IS DISTINCT FROM OLD AND row_security_active('augur.pipelines')
		AND (OLD.owner <> quote_ident(current_user)::regrole OR NEW.owner <> OLD.owner)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('must be owner of pipeline "%s"', OLD.name),
			DETAIL = 'Its steps run with the rights of the owner, so nobody else may change it.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION augur._guard_pipeline() IS
'Internal. Trigger: a pipeline is changed by its owner; operators and admins only enable and disable it.';
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
			-- the name follows a pipeline that is renamed
			OR NEW.status = OLD.status AND NEW.pipeline <> OLD.pipeline)
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
	IF NOT CASE OLD.status
		WHEN 'pending' THEN NEW.status = ANY ('{ready,skipped,upstream_failed,cancelled}'::text[])
		WHEN 'retry_wait' THEN NEW.status = ANY ('{retry_wait,ready,skipped,cancelled}'::text[])
		WHEN 'ready' THEN NEW.status = ANY ('{running,skipped,cancelled}'::text[])
		WHEN 'running' THEN NEW.status
			= ANY ('{success,failed,timed_out,crashed,cancelled,skipped}'::text[])
		ELSE false END
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('attempt %s at step "%s" of run %s cannot change from %s to %s',
							 OLD.attempt, OLD.step, OLD.run_id, OLD.status, NEW.status);
	ELSIF (NEW.id, NEW.run_id, NEW.step, NEW.kind, NEW.attempt)
		IS DISTINCT FROM (OLD.id, OLD.run_id, OLD.step, OLD.kind, OLD.attempt)
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
