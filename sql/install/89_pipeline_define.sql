-- pipeline: making, changing and dropping pipelines, and finding one with the right to it.
--
-- Only the owner changes a pipeline, for its steps have his rights; operators and admins switch it.
-- Whoever changes one holds its row until he commits, so that steps and parameters are checked
-- against each other and not against what somebody else is writing.

CREATE OR REPLACE FUNCTION augur._pipeline(name text, wanted text DEFAULT 'own') RETURNS augur.pipelines
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	p			augur.pipelines;
BEGIN
	SELECT * INTO p FROM augur.pipelines t WHERE t.name = _pipeline.name;
	IF NOT FOUND THEN
		PERFORM augur._fail('undefined_object',
			format('pipeline %s does not exist', coalesce('"' || _pipeline.name || '"', 'NULL')),
			NULL,
			coalesce('Perhaps you meant "'
				|| augur._nearest(_pipeline.name, ARRAY(SELECT t.name FROM augur.pipelines t)) || '".',
				'SELECT name FROM augur.pipelines lists the pipelines that you may see.'));
	ELSIF wanted = 'own' AND p.owner <> quote_ident(current_user)::regrole
		AND row_security_active('augur.pipelines')
	THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('must be owner of pipeline "%s"', p.name),
			DETAIL = format('Its steps run with the rights of "%s", so nobody else may change it.',
							pg_get_userbyid(p.owner));
	ELSIF wanted = 'operate' AND NOT augur._operates(p.owner) THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('permission denied for pipeline "%s"', p.name),
			DETAIL = format('Only members of its owner "%s", operators and admins may do this.',
							pg_get_userbyid(p.owner));
	END IF;
	RETURN p;
END
$$;
COMMENT ON FUNCTION augur._pipeline(text, text) IS
'Internal. A pipeline that the current user may change (own), operate, or see; an error when there is none.';

-- Whoever comes second waits, and then finds what the first one left.  A new owner waits for whoever is
-- about to start a run.
CREATE OR REPLACE FUNCTION augur._lock_pipeline(name text) RETURNS augur.pipelines
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	PERFORM FROM augur.pipelines t WHERE t.name = _lock_pipeline.name FOR NO KEY UPDATE;
	RETURN augur._pipeline(name);
END
$$;
COMMENT ON FUNCTION augur._lock_pipeline(text) IS
'Internal. A pipeline that the current user may change, as it is once no other session changes it.';

-- RAISE takes no NULL for what is not to be told
CREATE OR REPLACE FUNCTION augur._fail(code text, message text, detail text DEFAULT NULL,
	hint text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF detail IS NULL AND hint IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message;
	ELSIF detail IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message, HINT = hint;
	ELSIF hint IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message, DETAIL = detail;
	END IF;
	RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message, DETAIL = detail, HINT = hint;
END
$$;
COMMENT ON FUNCTION augur._fail(text, text, text, text) IS
'Internal. Raises an error; detail and hint may be NULL.';

-- ---- defining -----------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur.create_pipeline(name text, params jsonb DEFAULT '{}',
	description text DEFAULT NULL, max_parallel integer DEFAULT 2, max_active integer DEFAULT 1,
	concurrency text DEFAULT 'queue', run_timeout interval DEFAULT NULL, late_after interval DEFAULT NULL,
	keep interval DEFAULT '90 days') RETURNS bigint
LANGUAGE plpgsql VOLATILE
-- the search_path of the caller is what it keeps, so it has none of its own
AS $$
DECLARE
	path		pg_catalog.text := pg_catalog.current_setting('search_path');
BEGIN
	RETURN augur._create_pipeline(name, params, description, max_parallel, max_active, concurrency,
								  run_timeout, late_after, keep, path);
END
$$;
COMMENT ON FUNCTION augur.create_pipeline(text, jsonb, text, integer, integer, text, interval, interval, interval) IS
'Makes a pipeline without steps, which augur.add_step adds; it belongs to the current user, whose rights and present search_path its steps will have. params: {"days": {"type": "integer", "default": 7, "required": false, "description": "..."}}, or {"days": "integer"}. max_parallel: steps of one run at the same time; max_active: runs at the same time; concurrency: what becomes of a run beyond that: queue, skip, or replace the running one. run_timeout: stops a run; late_after: reports a run (default: when it takes much longer than usual); keep: how long ended runs are kept. Example: SELECT augur.create_pipeline(''nightly'', ''{"days": {"type": "integer", "default": 7}}'')';

CREATE OR REPLACE FUNCTION augur._check_pipeline_options(name text, max_parallel integer, max_active integer,
	concurrency text, run_timeout interval, late_after interval, keep interval) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	problem		text;
BEGIN
	problem := CASE
		WHEN coalesce(name, '') = '' THEN 'name of a pipeline must not be empty'
		WHEN char_length(name) > 63 THEN 'name of a pipeline must not have more than 63 characters'
		WHEN name ~ '[/@[:cntrl:]]' OR name <> btrim(name)
			THEN format('invalid name of a pipeline %s: it must not contain "/", "@" or control characters, nor begin or end with a space', quote_literal(name))
		WHEN max_parallel IS NULL OR max_parallel NOT BETWEEN 1 AND 64 THEN 'max_parallel must be between 1 and 64'
		WHEN max_active IS NULL OR max_active NOT BETWEEN 1 AND 64 THEN 'max_active must be between 1 and 64'
		WHEN concurrency IS NULL OR concurrency <> ALL ('{skip,queue,replace}')
			THEN format('invalid concurrency %s: valid values are skip, queue and replace', quote_nullable(concurrency))
		WHEN run_timeout <= interval '0' THEN 'run_timeout must be positive'
		WHEN late_after <= interval '0' THEN 'late_after must be positive'
		WHEN keep IS NULL OR keep <= interval '0' THEN 'keep must be positive'
		WHEN run_timeout > interval '1000 years' THEN 'run_timeout must not be more than 1000 years'
		WHEN late_after > interval '1000 years' THEN 'late_after must not be more than 1000 years'
		WHEN keep > interval '1000 years' THEN 'keep must not be more than 1000 years'
		WHEN NOT augur._plain_span(run_timeout) THEN 'run_timeout must not have negative parts'
		WHEN NOT augur._plain_span(late_after) THEN 'late_after must not have negative parts'
		WHEN NOT augur._plain_span(keep) THEN 'keep must not have negative parts' END;
	IF problem IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = problem;
	END IF;
END
$$;
COMMENT ON FUNCTION augur._check_pipeline_options(text, integer, integer, text, interval, interval, interval) IS
'Internal. Raises an error unless a pipeline can have these options.';

CREATE OR REPLACE FUNCTION augur._create_pipeline(name text, params jsonb, description text,
	max_parallel integer, max_active integer, concurrency text, run_timeout interval, late_after interval,
	keep interval, path text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	made		bigint;
BEGIN
	PERFORM augur._check_pipeline_options(name, max_parallel, max_active, concurrency, run_timeout, late_after, keep);
	params := augur._check_params(params);
	BEGIN
		INSERT INTO augur.pipelines AS t (name, params, description, max_parallel, max_active, concurrency,
			run_timeout, late_after, keep, search_path)
		VALUES (name, params, description, max_parallel, max_active, concurrency, run_timeout, late_after, keep, path)
		RETURNING t.id INTO made;
	EXCEPTION WHEN unique_violation THEN
		RAISE EXCEPTION USING ERRCODE = 'duplicate_object',
			MESSAGE = format('pipeline "%s" already exists', name);
	END;
	RETURN made;
END
$$;
COMMENT ON FUNCTION augur._create_pipeline(text, jsonb, text, integer, integer, text, interval, interval, interval, text) IS
'Internal. Writes a new pipeline.';

CREATE OR REPLACE FUNCTION augur.alter_pipeline(name text, params jsonb DEFAULT NULL,
	description text DEFAULT NULL, max_parallel integer DEFAULT NULL, max_active integer DEFAULT NULL,
	concurrency text DEFAULT NULL, run_timeout interval DEFAULT NULL, late_after interval DEFAULT NULL,
	keep interval DEFAULT NULL, search_path text DEFAULT NULL, new_name text DEFAULT NULL,
	owner name DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	p			augur.pipelines := augur._lock_pipeline(name);
	s			augur.pipeline_steps;
	steps		augur.pipeline_steps[];
	to_role		regrole := CASE WHEN owner IS NOT NULL THEN augur._role(owner) END;
	why_not		text;
BEGIN
	IF to_role = 0 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'public cannot own a pipeline';
	END IF;
	p.name := coalesce(new_name, p.name);
	p.description := CASE WHEN description = '' THEN NULL ELSE coalesce(description, p.description) END;
	p.max_parallel := coalesce(max_parallel, p.max_parallel);
	p.max_active := coalesce(max_active, p.max_active);
	p.concurrency := coalesce(concurrency, p.concurrency);
	p.run_timeout := CASE WHEN run_timeout = interval '0' THEN NULL ELSE coalesce(run_timeout, p.run_timeout) END;
	p.late_after := CASE WHEN late_after = interval '0' THEN NULL ELSE coalesce(late_after, p.late_after) END;
	p.keep := coalesce(keep, p.keep);
	p.search_path := coalesce(search_path, p.search_path);
	PERFORM augur._path_schemas(p.search_path);
	PERFORM augur._check_pipeline_options(p.name, p.max_parallel, p.max_active, p.concurrency, p.run_timeout,
										  p.late_after, p.keep);
	IF params IS NOT NULL THEN
		p.params := augur._check_params(params);
		steps := ARRAY(SELECT t FROM augur.pipeline_steps t WHERE t.pipeline_id = p.id ORDER BY t.position);
		FOREACH s IN ARRAY steps LOOP
			PERFORM augur._check_step(p, s, steps, false);
		END LOOP;
	END IF;
	BEGIN
		UPDATE augur.pipelines t SET name = p.name, params = p.params, description = p.description,
			max_parallel = p.max_parallel, max_active = p.max_active, concurrency = p.concurrency,
			run_timeout = p.run_timeout, late_after = p.late_after, keep = p.keep, search_path = p.search_path
		WHERE t.id = p.id;
	-- it may be one that the current user does not see
	EXCEPTION WHEN unique_violation THEN
		RAISE EXCEPTION USING ERRCODE = 'duplicate_object',
			MESSAGE = format('pipeline "%s" already exists', p.name);
	END;
	-- last: from then on it is another one's
	IF to_role <> p.owner THEN
		PERFORM augur._pipeline_emit(p.owner, 'owner_changed', 'info', p.name,
			jsonb_build_object('pipeline', p.name, 'from', pg_get_userbyid(p.owner), 'to', owner));
		UPDATE augur.pipelines t SET owner = to_role WHERE t.id = p.id;
		why_not := augur._unstartable(to_role);
		IF why_not IS NOT NULL THEN
			RAISE WARNING USING MESSAGE = format('no background worker can run pipeline "%s" now', p.name),
				DETAIL = upper(left(why_not, 1)) || substr(why_not, 2) || '.';
		END IF;
	END IF;
END
$$;
COMMENT ON FUNCTION augur.alter_pipeline(text, jsonb, text, integer, integer, text, interval, interval, interval, text, text, name) IS
'Changes what is not NULL. params replaces all parameters, and fails when a step uses one that is gone; run_timeout or late_after ''0'' and description '''' take it away. Runs that have started keep what they started with. owner: whose it is from now on, and with whose rights its steps run: a role that one may SET ROLE to, superusers any; not while a run is running. Example: SELECT augur.alter_pipeline(''nightly'', max_parallel => 4)';

CREATE OR REPLACE FUNCTION augur.enable_pipeline(name text, enabled boolean DEFAULT true) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	p			augur.pipelines := augur._pipeline(name, 'operate');
BEGIN
	UPDATE augur.pipelines t SET enabled = coalesce(enable_pipeline.enabled, true) WHERE t.id = p.id;
END
$$;
COMMENT ON FUNCTION augur.enable_pipeline(text, boolean) IS
'Switches a pipeline on, or off (false): schedules, events and tables no longer start it, and queued runs wait. augur.run_pipeline still runs it.';

CREATE OR REPLACE FUNCTION augur.drop_pipeline(name text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	p			augur.pipelines := augur._pipeline(name, 'see');
	running		bigint;
BEGIN
	IF p.owner <> quote_ident(current_user)::regrole
		AND row_security_active('augur.pipelines')
		AND NOT EXISTS (SELECT FROM augur.preset_roles r WHERE r.preset = 'admin' AND pg_has_role(r.role, 'USAGE'))
	THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('must be owner of pipeline "%s"', p.name);
	END IF;
	PERFORM FROM augur.pipelines t WHERE t.id = p.id FOR UPDATE;
	SELECT r.id INTO running FROM augur.pipeline_runs r WHERE r.pipeline_id = p.id AND r.status = 'running' LIMIT 1;
	IF running IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'object_in_use',
			MESSAGE = format('run %s of pipeline "%s" is running', running, p.name),
			HINT = format('SELECT augur.cancel_run(%s) stops it.', running);
	END IF;
	DELETE FROM augur.pipelines t WHERE t.id = p.id;
END
$$;
COMMENT ON FUNCTION augur.drop_pipeline(text) IS
'Drops a pipeline with its steps and the history of its runs. Its events stay in augur.events.';
