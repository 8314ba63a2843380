-- pipeline: pools, which limit the steps of all owners together.
--
-- Operators and admins make them; a step that names one takes a slot while it runs.  Slots are
-- counted while the row of the pool is locked, among steps whose session is alive.

-- ---- making them --------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._check_pool_right(name text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF row_security_active('augur.pools') AND NOT EXISTS (
		SELECT FROM augur.preset_roles p WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE'))
	THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('permission denied for pool %s', quote_nullable(name)),
			DETAIL = 'Pools limit the steps of every role: for operators, admins and the extension''s owner.';
	END IF;
END
$$;
COMMENT ON FUNCTION augur._check_pool_right(text) IS
'Internal. Raises an error unless the current user may make and change pools.';

CREATE OR REPLACE FUNCTION augur.set_pool(name text, slots integer, note text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	problem		text := CASE
		WHEN name IS NULL OR name !~ '^[A-Za-z0-9_-]{1,63}$'
			THEN format('invalid name of a pool %s: it has 1 to 63 letters, digits, "_" and "-"', quote_nullable(name))
		WHEN slots IS NULL OR slots NOT BETWEEN 0 AND 1000 THEN 'slots must be between 0 and 1000' END;
BEGIN
	PERFORM augur._check_pool_right(name);
	IF problem IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = problem;
	END IF;
	INSERT INTO augur.pools AS t (name, slots, note) VALUES (name, slots, note)
	ON CONFLICT ON CONSTRAINT pools_pkey DO UPDATE SET slots = excluded.slots, note = coalesce(excluded.note, t.note);
	PERFORM augur._wake_pool(name, NULL);
END
$$;
COMMENT ON FUNCTION augur.set_pool(text, integer, text) IS
'Makes a pool, or changes how many slots it has. Of all steps that name it in augur.add_step, of whatever pipeline and owner, so many run at the same time; the others wait. 0 lets none begin. Those that run go on. For operators and admins. Example: SELECT augur.set_pool(''training'', 1)';

CREATE OR REPLACE FUNCTION augur.drop_pool(name text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	PERFORM augur._check_pool_right(name);
	DELETE FROM augur.pools t WHERE t.name = name;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('pool %s does not exist', coalesce('"' || name || '"', 'NULL'));
	END IF;
EXCEPTION WHEN foreign_key_violation THEN
	PERFORM augur._fail('dependent_objects_still_exist', format('pool "%s" is named by steps', name),
		(SELECT format('Of pipelines %s.', string_agg(DISTINCT '"' || p.name || '"', ', '))
		 FROM augur.pipeline_steps s JOIN augur.pipelines p ON p.id = s.pipeline_id WHERE s.pool = name),
		'augur.add_step(..., replace => true) takes it from them.');
END
$$;
COMMENT ON FUNCTION augur.drop_pool(text) IS
'Removes a pool that no step names. For operators and admins.';

-- ---- slots --------------------------------------------------------------------------------------

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
