-- schedule: the one job of pg_cron that calls augur.tick(), as far as there is a pg_cron.
--
-- pg_cron is looked up when it is used: it may be missing, old, or in another database, and
-- nothing but the schedule of ticks depends on it.  The job belongs to the owner of the
-- extension, who may tick for everybody.

CREATE OR REPLACE FUNCTION augur._cron() RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	version		text;
	numbers		integer[];
	job			jsonb;
BEGIN
	-- its own tables, not ones that are called so
	SELECT e.extversion INTO version FROM pg_extension e
	WHERE e.extname = 'pg_cron'
	AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = to_regclass('cron.job')
				AND d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e');
	numbers := ARRAY[substring(version, '^([0-9]{1,4})'), substring(version, E'^[0-9]+\\.([0-9]{1,4})')];
	IF version IS NOT NULL THEN
		EXECUTE $sql$
			SELECT jsonb_build_object('job', j.jobid, 'username', j.username, 'active', j.active,
				'status', d.status, 'message', d.return_message, 'at', d.start_time)
			FROM cron.job j
			LEFT JOIN LATERAL (SELECT * FROM cron.job_run_details r WHERE r.jobid = j.jobid
							   ORDER BY r.runid DESC LIMIT 1) d ON true
			WHERE j.database = current_database() AND j.command ~* E'^\\s*call\\s+augur\\.tick\\s*\\('
			ORDER BY j.active DESC, j.jobid LIMIT 1 $sql$ INTO job;
	END IF;
	RETURN jsonb_strip_nulls(jsonb_build_object(
		'database', nullif(current_setting('cron.database_name', true), ''),
		'workers', current_setting('cron.use_background_workers', true),
		'version', version, 'blocks', numbers < '{1,5}'::integer[],
		'timezone', current_setting('cron.timezone', true)))
		|| coalesce(job, '{}');
EXCEPTION WHEN OTHERS THEN
	RETURN jsonb_build_object('problem', SQLERRM);
END
$$;
COMMENT ON FUNCTION augur._cron() IS
'Internal. What is known of pg_cron here: its database, version, how it runs jobs, and the job that calls augur.tick(). As the owner of the extension: ordinary roles may not read its settings and jobs.';

CREATE OR REPLACE FUNCTION augur._cron_hint(cron jsonb) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT CASE
		WHEN cron ->> 'database' IS NULL THEN
			'Add pg_cron to shared_preload_libraries, restart, CREATE EXTENSION pg_cron and SELECT augur.install_tick(); or have something else CALL augur.tick() every minute.'
		WHEN cron ->> 'database' <> current_database() THEN
			format('In database "%s" run as a superuser: SELECT cron.schedule_in_database(%L, ''* * * * *'', ''CALL augur.tick()'', %L).',
				cron ->> 'database', 'augur_tick_' || current_database(), current_database())
		WHEN cron ->> 'version' IS NULL THEN 'CREATE EXTENSION pg_cron, and then SELECT augur.install_tick().'
		ELSE 'An administrator runs: SELECT augur.install_tick().' END
$$;
COMMENT ON FUNCTION augur._cron_hint(jsonb) IS
'Internal. What to do so that pg_cron calls augur.tick().';

CREATE OR REPLACE FUNCTION augur._last_tick() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT t.at FROM augur.tick_state t
$$;
COMMENT ON FUNCTION augur._last_tick() IS
'Internal. When augur.tick last looked for what is due; NULL: never.';

CREATE OR REPLACE FUNCTION augur._administers() RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'augur' AND pg_has_role(e.extowner, 'USAGE'))
$$;
COMMENT ON FUNCTION augur._administers() IS
'Internal. Whether the current user is a member of the owner of the extension.';

-- The command is fixed, and what augur.tick runs for others is augur's own.
CREATE OR REPLACE FUNCTION augur._make_tick_job() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	cron		jsonb := augur._cron();
	job			bigint := (cron ->> 'job')::bigint;
BEGIN
	IF cron ->> 'version' IS NULL OR cron ->> 'database' IS DISTINCT FROM current_database() THEN
		RETURN NULL;
	ELSIF job IS NULL THEN
		EXECUTE $sql$SELECT cron.schedule('augur_tick', '* * * * *', 'CALL augur.tick()')$sql$ INTO job;
	END IF;
	RETURN job;
END
$$;
COMMENT ON FUNCTION augur._make_tick_job() IS
'Internal. Makes the job of pg_cron that calls augur.tick(), unless there is one; NULL when that cannot be here. As the owner of the extension, whose job it is.';

CREATE OR REPLACE FUNCTION augur._ensure_tick() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	cron		jsonb := augur._cron();
BEGIN
	-- something else may call it
	IF coalesce((cron ->> 'active')::boolean, false) OR augur._last_tick() > now() - interval '5 minutes' THEN
		RETURN;
	ELSIF cron ? 'active' THEN
		RAISE NOTICE USING MESSAGE = format('job %s of pg_cron, which calls augur.tick(), is not active', cron ->> 'job'),
			HINT = format('Start it with SELECT cron.alter_job(%s, active => true).', cron ->> 'job');
		RETURN;
	END IF;
	BEGIN
		IF augur._make_tick_job() IS NOT NULL THEN
			RETURN;
		END IF;
	EXCEPTION WHEN OTHERS THEN
		cron := cron || jsonb_build_object('problem', SQLERRM);
	END;
	RAISE NOTICE USING MESSAGE = 'nothing calls augur.tick(), so nothing will be started yet',
		DETAIL = coalesce(cron ->> 'problem', CASE
			WHEN cron ->> 'database' IS NULL THEN 'pg_cron is not loaded.'
			WHEN cron ->> 'database' <> current_database() THEN format('pg_cron reads its jobs in database "%s".', cron ->> 'database')
			ELSE 'Extension pg_cron is not installed in this database.' END),
		HINT = augur._cron_hint(cron);
END
$$;
COMMENT ON FUNCTION augur._ensure_tick() IS
'Internal. Has augur.tick() called every minute, or tells by a notice what is missing for that.';

CREATE OR REPLACE FUNCTION augur.install_tick() RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	cron		jsonb := augur._cron();
	job			bigint;
BEGIN
	IF NOT augur._administers() THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = 'must be superuser or owner of extension augur to install the tick';
	END IF;
	job := augur._make_tick_job();
	IF job IS NULL THEN
		PERFORM augur._fail('object_not_in_prerequisite_state', 'pg_cron cannot be used from this database',
			cron ->> 'problem', augur._cron_hint(cron));
	END IF;
	RETURN job;
END
$$;
COMMENT ON FUNCTION augur.install_tick() IS
'Makes the job of pg_cron that calls augur.tick() every minute, as the owner of the extension, unless there is one; returns its number. augur.schedule does so by itself. Superuser or extension owner only.';

CREATE OR REPLACE FUNCTION augur._drop_tick_jobs() RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	cron		jsonb;
	job			bigint;
	n			integer := 0;
BEGIN
	IF NOT augur._administers() THEN
		RETURN 0;
	END IF;
	LOOP
		cron := augur._cron();
		EXIT WHEN cron ->> 'job' IS NULL OR (cron ->> 'job')::bigint = job;
		job := cron ->> 'job';
		EXECUTE 'SELECT cron.unschedule($1)' USING job;
		n := n + 1;
	END LOOP;
	IF n = 0 AND cron ->> 'database' <> current_database() THEN
		-- a job that goes on would fail every minute
		RAISE WARNING USING MESSAGE = format('a job of pg_cron that calls augur.tick() here cannot be removed from here, as pg_cron reads its jobs in database "%s"',
				cron ->> 'database'),
			DETAIL = format('augur.tick() was %scalled within the last five minutes.',
				CASE WHEN augur._last_tick() > now() - interval '5 minutes' THEN '' ELSE 'not ' END),
			HINT = format(E'If there is one: in database "%s" run as a superuser: SELECT cron.unschedule(jobid) FROM cron.job WHERE database = %L AND command ~ ''augur\\.tick''.',
				cron ->> 'database', current_database());
	END IF;
	RETURN n;
EXCEPTION WHEN OTHERS THEN
	RAISE WARNING USING MESSAGE = format('the job of pg_cron that calls augur.tick() could not be removed: %s', SQLERRM),
		HINT = 'Remove it with cron.unschedule.';
	RETURN 0;
END
$$;
COMMENT ON FUNCTION augur._drop_tick_jobs() IS
'Internal. Removes all jobs of pg_cron that call augur.tick() in this database; returns how many. Never fails: DROP EXTENSION calls it.';

CREATE OR REPLACE FUNCTION augur.remove_tick() RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF NOT augur._administers() THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = 'must be superuser or owner of extension augur to remove the tick';
	END IF;
	RETURN augur._drop_tick_jobs();
END
$$;
COMMENT ON FUNCTION augur.remove_tick() IS
'Removes the job of pg_cron that calls augur.tick() in this database; returns how many there were. The next augur.schedule makes it again, unless something else ticks. Superuser or extension owner only.';

CREATE OR REPLACE FUNCTION augur._extension_drop() RETURNS event_trigger
	AS 'MODULE_PATHNAME', 'augur_schedule_drop'
	LANGUAGE C;
COMMENT ON FUNCTION augur._extension_drop() IS
'Internal. Event trigger: DROP EXTENSION augur, or DROP OWNED by its owner, removes the job of pg_cron in the same transaction.';
