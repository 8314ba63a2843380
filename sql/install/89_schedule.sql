-- schedule: the slots of a schedule, a text as cron has it or an interval, in a time zone.
--
-- After 89_pipeline in name order.

CREATE OR REPLACE FUNCTION augur.next_slots(schedule text, timezone text DEFAULT 'UTC',
	after timestamptz DEFAULT now(), n integer DEFAULT 10, start timestamptz DEFAULT NULL)
	RETURNS SETOF timestamptz
	AS 'MODULE_PATHNAME', 'augur_schedule_next'
	LANGUAGE C STABLE PARALLEL SAFE ROWS 10 COST 100;
COMMENT ON FUNCTION augur.next_slots(text, text, timestamptz, integer, timestamptz) IS
'The next n times of a schedule after a point in time. schedule: five fields (minute, hour, day of month, month, day of week) with names, lists, ranges, steps, L for the last day of the month, fri#2 and friL; @hourly, @daily, @weekly, @monthly, @yearly; or every with months, days or time, as every 90 minutes, counted from start, else from midnight of Monday 2000-01-03. Clocks that change: when minute or hour begins with a star, slots are wherever the clock shows such a time; otherwise a time that is skipped comes once, right after the gap, and one that is repeated comes the first time only. Example: SELECT augur.next_slots(''30 6 * * mon-fri'', ''Europe/Berlin'', n => 5)';

CREATE OR REPLACE FUNCTION augur._slot_before(schedule text, timezone text, start timestamptz,
	at timestamptz) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'augur_schedule_before'
	LANGUAGE C STABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION augur._slot_before(text, text, timestamptz, timestamptz) IS
'Internal. The last slot before a point in time, where the data interval of a slot begins.';

CREATE OR REPLACE FUNCTION augur._slots_due(schedule text, timezone text, start timestamptz,
	first timestamptz, as_of timestamptz, OUT slots bigint, OUT last timestamptz,
	OUT before_last timestamptz, OUT next timestamptz) RETURNS record
	AS 'MODULE_PATHNAME', 'augur_schedule_due'
	LANGUAGE C STABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION augur._slots_due(text, text, timestamptz, timestamptz, timestamptz) IS
'Internal. Of the slots from first on that have come by as_of their number (at most 5,000,000), the last, the one before it, and the next to come.';

-- ---- schedules ------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._started_pipeline(pipeline text) RETURNS augur.pipelines
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	p			augur.pipelines := augur._pipeline(pipeline, 'see');
BEGIN
	IF NOT augur._owns(p.owner) THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('permission denied for pipeline "%s"', p.name),
			DETAIL = format('Only members of its owner "%s" and admins may say when it is started.',
							pg_get_userbyid(p.owner));
	END IF;
	RETURN p;
END
$$;
COMMENT ON FUNCTION augur._started_pipeline(text) IS
'Internal. The pipeline of a name, whose schedule and triggers the current user may change.';

CREATE OR REPLACE FUNCTION augur.schedule(pipeline text, schedule text,
	timezone text DEFAULT 'UTC', params jsonb DEFAULT '{}', start timestamptz DEFAULT NULL,
	catchup boolean DEFAULT false, max_catchup integer DEFAULT 10) RETURNS timestamptz
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	p			augur.pipelines := augur._started_pipeline(pipeline);
	first_slot	timestamptz;
BEGIN
	IF schedule IS NULL OR timezone IS NULL OR catchup IS NULL OR max_catchup IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'schedule, timezone, catchup and max_catchup must not be null';
	ELSIF max_catchup NOT BETWEEN 1 AND 1000 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'max_catchup must be between 1 and 1000';
	END IF;
	PERFORM augur._check_start_params(p, params);
	-- what lies before now is made up for only if that is asked for
	SELECT s INTO first_slot
	FROM augur.next_slots(schedule, timezone,
		CASE WHEN catchup THEN coalesce(start, now()) ELSE greatest(start, now()) END
			- interval '1 microsecond', 1, start) s;
	IF first_slot IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('schedule "%s" has no slot', schedule);
	END IF;
	-- anew, so that who and when are the defaults of a new row; after whoever does so at the same time
	PERFORM FROM augur.pipelines t WHERE t.id = p.id FOR NO KEY UPDATE;
	DELETE FROM augur.pipeline_schedules t WHERE t.pipeline_id = p.id;
	INSERT INTO augur.pipeline_schedules (pipeline_id, schedule, timezone, start_at, params, catchup,
		max_catchup, next_at)
	VALUES (p.id, btrim(schedule), timezone, start, coalesce(params, '{}'), catchup, max_catchup, first_slot);
	PERFORM augur._ensure_tick();
	RETURN first_slot;
END
$$;
COMMENT ON FUNCTION augur.schedule(text, text, text, jsonb, timestamptz, boolean, integer) IS
'Has a pipeline started by the clock, instead of the schedule it had; returns the first slot. schedule: as in augur.next_slots, read in timezone. A run is for the data from the slot before to its slot: lower(augur.data_interval()) and upper(augur.data_interval()); the logical date is the begin of that. start: no slot before it, and where an every counts from. Slots that go by because nothing calls augur.tick: the newest is run when it is called again and the others are listed in augur.missed_runs; with catchup the newest max_catchup are run, from start on. Needs augur.tick() to be called every minute: where pg_cron is installed the job is made, otherwise a notice tells what to do. For members of the pipeline''s owner and admins. Example: SELECT augur.schedule(''nightly'', ''30 6 * * mon-fri'', ''Europe/Berlin'')';

CREATE OR REPLACE FUNCTION augur.unschedule(pipeline text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	p			augur.pipelines := augur._started_pipeline(pipeline);
BEGIN
	DELETE FROM augur.pipeline_schedules t WHERE t.pipeline_id = p.id;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('pipeline "%s" has no schedule', p.name);
	END IF;
END
$$;
COMMENT ON FUNCTION augur.unschedule(text) IS
'Takes the schedule of a pipeline away. Runs that are queued or running go on.';

CREATE OR REPLACE FUNCTION augur.enable_schedule(pipeline text, enabled boolean DEFAULT true)
	RETURNS timestamptz
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	p			augur.pipelines := augur._started_pipeline(pipeline);
	s			augur.pipeline_schedules;
BEGIN
	IF enabled IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'enabled must not be null';
	END IF;
	SELECT * INTO s FROM augur.pipeline_schedules t WHERE t.pipeline_id = p.id;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('pipeline "%s" has no schedule', p.name),
			HINT = 'augur.schedule gives it one.';
	END IF;
	-- slots that went by while it was off are not missed
	IF enabled AND NOT s.enabled THEN
		s.next_at := (SELECT n FROM augur.next_slots(s.schedule, s.timezone, greatest(s.start_at, now())
			- interval '1 microsecond', 1, s.start_at) n);
		s.note := NULL;
	END IF;
	UPDATE augur.pipeline_schedules t SET enabled = enabled, next_at = s.next_at, note = s.note
	WHERE t.pipeline_id = p.id;
	RETURN CASE WHEN enabled THEN s.next_at END;
END
$$;
COMMENT ON FUNCTION augur.enable_schedule(text, boolean) IS
'Switches the schedule of a pipeline on or off; returns the next slot. Slots that go by while it is off are not missed.';

CREATE OR REPLACE FUNCTION augur._check_start_params(p augur.pipelines, params jsonb,
	params_from jsonb DEFAULT '{}') RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	bad			text;
BEGIN
	IF params IS NOT NULL AND jsonb_typeof(params) <> 'object'
		OR params_from IS NOT NULL AND jsonb_typeof(params_from) <> 'object'
	THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'parameters must be given as a JSON object';
	END IF;
	-- those that are taken from somewhere have no value yet
	PERFORM augur._run_params(p, coalesce(params, '{}')
		|| coalesce((SELECT jsonb_object_agg(k, p.params -> k -> 'default') FROM jsonb_object_keys(params_from) k), '{}'));
	SELECT min(k) INTO bad FROM jsonb_each(params_from) e (k, v) WHERE jsonb_typeof(v) <> 'string';
	IF bad IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('parameter "%s" must be taken from a key, which is a string', bad),
			HINT = 'Example: {"batch": "id"} takes parameter batch from key id of the payload.';
	END IF;
END
$$;
COMMENT ON FUNCTION augur._check_start_params(augur.pipelines, jsonb, jsonb) IS
'Internal. An error unless a pipeline has all of the parameters that its runs are to be given.';
