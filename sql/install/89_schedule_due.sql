-- schedule: from slots that are due and signals that have waited long enough to queued runs.
--
-- These functions act on schedules and triggers of all owners, so they run as the owner of the
-- extension.  They run no SQL of anybody: schedules are read by C, filters and parameters are
-- looked up in JSON.  What a run does, its owner does.

CREATE OR REPLACE FUNCTION augur._may_tick() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	-- the setting is the role that the session has set, whoever's function this is called from
	caller		name := coalesce(nullif(current_setting('role'), 'none'), session_user);
BEGIN
	RETURN EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'augur' AND pg_has_role(caller, e.extowner, 'USAGE'))
		OR EXISTS (SELECT FROM augur.preset_roles p
				   WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(caller, p.role, 'USAGE'));
END
$$;
COMMENT ON FUNCTION augur._may_tick() IS
'Internal. Whether the role of this session may start what is due for others: superusers, members of the extension''s owner, operators and admins.';

-- ---- chains of runs --------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._run_of_session() RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	-- as augur.run_id(), but never an error: anybody may set it
	SELECT substring(current_setting('augur.run', true), E'^\\{"id": ([0-9]{1,18})[,}]')::bigint
$$;
COMMENT ON FUNCTION augur._run_of_session() IS
'Internal. The run of a pipeline that a step of is running in this session; NULL: none.';

CREATE OR REPLACE FUNCTION augur._chain_depth(run bigint) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT CASE WHEN run IS NULL THEN 0
		ELSE 1 + coalesce((SELECT c.depth FROM augur.pipeline_causes c WHERE c.run_id = run), 0) END
$$;
COMMENT ON FUNCTION augur._chain_depth(bigint) IS
'Internal. How many runs started each other, up to and with a run.';

CREATE OR REPLACE FUNCTION augur._brake_trigger(t augur.pipeline_triggers, p augur.pipelines, depth integer)
	RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	why			text := format('%s runs have started each other; the trigger is switched off', depth);
BEGIN
	UPDATE augur.pipeline_triggers o SET enabled = false, note = why WHERE o.id = t.id AND o.enabled;
	IF FOUND THEN
		PERFORM augur._pipeline_emit(p.owner, 'pipeline_missed', 'warning', p.name,
			jsonb_build_object('pipeline', p.name, 'trigger', t.id, 'message', why));
	END IF;
END
$$;
COMMENT ON FUNCTION augur._brake_trigger(augur.pipeline_triggers, augur.pipelines, integer) IS
'Internal. Switches a trigger off that is part of a loop, and says so.';

-- What a run is given: fixed parameters, then those that the event tells.
CREATE OR REPLACE FUNCTION augur._signal_params(t augur.pipeline_triggers, e augur.events) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT CASE WHEN t.params_from = '{}' THEN t.params
		ELSE t.params || coalesce((
			SELECT jsonb_object_agg(k, s.source -> f)
			FROM jsonb_each_text(t.params_from) m (k, f),
				(SELECT jsonb_build_object('event', e.id, 'kind', e.kind, 'subject', e.subject, 'model', e.model,
					'at', e.at) || e.payload) s (source)
			WHERE s.source ? f), '{}') END
$$;
COMMENT ON FUNCTION augur._signal_params(augur.pipeline_triggers, augur.events) IS
'Internal. Parameters of the run that a trigger makes of an event.';

CREATE OR REPLACE FUNCTION augur._queue_triggered(t augur.pipeline_triggers, p augur.pipelines,
	s augur.pipeline_signals, signals bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
-- in the transaction of an event of somebody else: not for a run that is to be replaced and is held
SET lock_timeout = '1s'
AS $$
DECLARE
	run			bigint;
BEGIN
	IF s.depth > 16 THEN
		PERFORM augur._brake_trigger(t, p, s.depth);
		RETURN NULL;
	END IF;
	run := augur._queue_run(p.id,
		left(CASE t.kind WHEN 'event' THEN 'event ' || t.event_kind WHEN 'table' THEN 'table ' || t.relation::text
			ELSE 'pipeline ' || (SELECT a.name FROM augur.pipelines a WHERE a.id = t.after_id) END, 200),
		s.params, coalesce(s.logical_date, s.at), coalesce(s.interval_start, s.at), coalesce(s.interval_end, s.at));
	IF run IS NOT NULL THEN
		INSERT INTO augur.pipeline_causes (run_id, trigger_id, signals, event_id, depth)
		VALUES (run, t.id, signals, s.event_id, s.depth);
	END IF;
	RETURN run;
END
$$;
COMMENT ON FUNCTION augur._queue_triggered(augur.pipeline_triggers, augur.pipelines, augur.pipeline_signals, bigint) IS
'Internal. Queues the run that signals of a trigger come to.';

-- ---- events -------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._event_reaches(role regrole, e augur.events) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT pg_has_role(role, e.owner, 'USAGE')
		OR EXISTS (SELECT FROM augur.preset_roles p
				   WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(role, p.role, 'USAGE'))
		OR EXISTS (SELECT FROM augur.model_grants g
				   WHERE g.model_id = e.model_id AND (g.role = 0 OR pg_has_role(role, g.role, 'USAGE')))
$$;
COMMENT ON FUNCTION augur._event_reaches(regrole, augur.events) IS
'Internal. Whether a role may see an event: what it may not see starts none of its pipelines.';

-- Called for every event that is written, in the transaction that writes it, which it must not
-- fail, nor keep: what goes wrong becomes a signal, and then augur.tick's to report.
CREATE OR REPLACE FUNCTION augur._pipeline_event(event bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	e			augur.events;
	r			augur.pipeline_runs;
	t			augur.pipeline_triggers;
	p			augur.pipelines;
	s			augur.pipeline_signals;
BEGIN
	-- whoever calls this has written it: nobody can have it happen again
	SELECT * INTO e FROM augur.events o WHERE o.id = event AND augur._written_here(o.xmin);
	IF NOT FOUND THEN
		RETURN;
	END IF;
	IF e.kind = ANY ('{pipeline_succeeded,pipeline_failed}'::text[])
		AND jsonb_typeof(e.payload -> 'run') = 'number'
	THEN
		-- what an event says anybody may write; the run is what counts
		SELECT * INTO r FROM augur.pipeline_runs o
		WHERE o.id = substring(e.payload ->> 'run', '^[0-9]{1,18}$')::bigint AND o.ended_at IS NOT NULL;
	END IF;
	FOR t IN
		SELECT o.* FROM augur.pipeline_triggers o
		WHERE o.kind = 'event' AND o.event_kind = e.kind AND o.enabled AND (o.model IS NULL OR o.model = e.model)
		AND e.payload @> o.filter
		UNION ALL
		SELECT o.* FROM augur.pipeline_triggers o
		WHERE o.kind = 'pipeline' AND o.after_id = r.pipeline_id AND o.enabled AND r.status = ANY (o.statuses)
		ORDER BY id
	LOOP
		SELECT * INTO p FROM augur.pipelines o WHERE o.id = t.pipeline_id;
		CONTINUE WHEN NOT p.enabled OR NOT augur._event_reaches(p.owner, e);
		s := NULL;
		s.trigger_id := t.id;
		s.at := e.at;
		s.event_id := e.id;
		s.depth := augur._chain_depth(coalesce(r.id, augur._run_of_session()));
		s.params := augur._signal_params(t, e);
		IF t.kind = 'pipeline' THEN
			s.logical_date := r.logical_date;
			s.interval_start := r.interval_start;
			s.interval_end := r.interval_end;
		END IF;
		IF t.debounce = interval '0' THEN
			-- who writes the event waits for nobody who holds his pipeline
			PERFORM FROM augur.pipelines o WHERE o.id = p.id FOR KEY SHARE SKIP LOCKED;
			IF FOUND THEN
				BEGIN
					PERFORM augur._queue_triggered(t, p, s, 1);
					CONTINUE;
				EXCEPTION WHEN OTHERS THEN
					NULL;
				END;
			END IF;
		END IF;
		INSERT INTO augur.pipeline_signals (trigger_id, at, event_id, params, depth, logical_date, interval_start,
			interval_end)
		VALUES (s.trigger_id, s.at, s.event_id, s.params, s.depth, s.logical_date, s.interval_start, s.interval_end);
	END LOOP;
END
$$;
COMMENT ON FUNCTION augur._pipeline_event(bigint) IS
'Internal. Queues the runs that an event starts, or signals for them, in the transaction of the event. As the owner of the extension: the pipelines are others''.';

-- ---- tables -------------------------------------------------------------------------------------

-- The argument says which trigger; that it is of this table is checked, for everybody can make a
-- trigger that calls this.
CREATE OR REPLACE FUNCTION augur._table_changed() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	INSERT INTO augur.pipeline_signals (trigger_id, params, depth)
	SELECT t.id, t.params, augur._chain_depth(augur._run_of_session())
	FROM augur.pipeline_triggers t JOIN augur.pipelines p ON p.id = t.pipeline_id
	WHERE t.id = substring(TG_ARGV[0], '^[0-9]{1,18}$')::bigint AND t.relation = TG_RELID AND t.enabled AND p.enabled;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION augur._table_changed() IS
'Internal. Trigger on tables of users: a statement that changes the table is a signal. As the owner of the extension: who writes the table has no business with pipelines.';

-- ---- what is due --------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._late_reason() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT 'nothing called augur.tick() in time'
$$;
COMMENT ON FUNCTION augur._late_reason() IS
'Internal. Why slots are missed mostly.';

CREATE OR REPLACE FUNCTION augur._missed_payload(pipeline text, slots bigint, first_slot timestamptz,
	last_slot timestamptz, schedule text, timezone text, reason text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT jsonb_build_object('pipeline', pipeline, 'slots', slots, 'first', first_slot, 'last', last_slot,
		'schedule', schedule, 'timezone', timezone, 'message', reason)
$$;
COMMENT ON FUNCTION augur._missed_payload(text, bigint, timestamptz, timestamptz, text, text, text) IS
'Internal. What event pipeline_missed tells.';

CREATE OR REPLACE FUNCTION augur._missed(p augur.pipelines, s augur.pipeline_schedules, first_slot timestamptz,
	slots bigint, last_slot timestamptz, reason text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	-- kept as long as runs
	DELETE FROM augur.missed_slots m WHERE m.pipeline_id = p.id AND m.found_at < clock_timestamp() - p.keep;
	INSERT INTO augur.missed_slots (pipeline_id, schedule, timezone, start_at, first_slot, slots, reason)
	VALUES (p.id, s.schedule, s.timezone, s.start_at, first_slot, slots, reason);
	PERFORM augur._pipeline_emit(p.owner, 'pipeline_missed', 'warning', p.name,
		augur._missed_payload(p.name, slots, first_slot, last_slot, s.schedule, s.timezone, reason));
END
$$;
COMMENT ON FUNCTION augur._missed(augur.pipelines, augur.pipeline_schedules, timestamptz, bigint, timestamptz, text) IS
'Internal. Keeps and reports slots that went by without a run.';

CREATE OR REPLACE FUNCTION augur._queue_slots(p augur.pipelines, s augur.pipeline_schedules, as_of timestamptz)
	RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	d			record;
	wanted		bigint;
	begins		timestamptz[];
	slot		timestamptz;
	ends		timestamptz;
	n			integer := 0;
BEGIN
	d := augur._slots_due(s.schedule, s.timezone, s.start_at, s.next_at, as_of);
	UPDATE augur.pipeline_schedules t SET next_at = d.next, last_slot = d.last WHERE t.pipeline_id = p.id;
	IF NOT p.enabled OR d.slots = 0 THEN
		RETURN 0;
	END IF;
	wanted := CASE WHEN s.catchup THEN least(d.slots, s.max_catchup) ELSE 1 END;
	-- the newest, in their order: begins are those of their data, the last element is the last slot
	begins := ARRAY[d.before_last, d.last];
	FOR i IN 2 .. wanted LOOP
		begins := augur._slot_before(s.schedule, s.timezone, s.start_at, begins[1]) || begins;
	END LOOP;
	IF d.slots > wanted THEN
		PERFORM augur._missed(p, s, s.next_at, d.slots - wanted, begins[1],
			CASE WHEN s.catchup THEN format('more than max_catchup %s slots were due at once', s.max_catchup)
			ELSE augur._late_reason() END);
	END IF;
	FOR i IN 1 .. wanted LOOP
		-- the very first slot of all has no begin: it is for no time at all
		IF augur._queue_run(p.id, 'schedule', s.params, coalesce(begins[i], begins[i + 1]),
			coalesce(begins[i], begins[i + 1]), begins[i + 1]) IS NOT NULL
		THEN
			n := n + 1;
		END IF;
	END LOOP;
	RETURN n;
END
$$;
COMMENT ON FUNCTION augur._queue_slots(augur.pipelines, augur.pipeline_schedules, timestamptz) IS
'Internal. Queues runs for the slots of a schedule that have come, and moves it on.';

-- What augur._queue_slots does, for all at once of which one run is wanted and whose pipelines need
-- no second look: thousands are due at the full hour, or after a server was down.
CREATE OR REPLACE FUNCTION augur._queue_plain_slots(as_of timestamptz) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	n			integer;
	events		integer;
	late		text := augur._late_reason();
BEGIN
	WITH due AS MATERIALIZED (
		SELECT s.pipeline_id, p.name, p.owner, p.late_after, s.schedule, s.timezone, s.start_at, s.next_at, s.catchup
		FROM augur.pipeline_schedules s JOIN augur.pipelines p ON p.id = s.pipeline_id
		WHERE s.enabled AND s.next_at <= as_of AND s.params = '{}'
		AND p.enabled AND p.params = '{}' AND p.concurrency = 'queue'
		AND EXISTS (SELECT FROM augur.pipeline_steps o WHERE o.pipeline_id = p.id)
		FOR UPDATE OF s SKIP LOCKED FOR KEY SHARE OF p SKIP LOCKED),
	slots AS MATERIALIZED (
		SELECT u.*, d.slots, d.last, d.before_last, d.next
		FROM due u, LATERAL augur._slots_due(u.schedule, u.timezone, u.start_at, u.next_at, as_of) d
		WHERE (d.slots = 1 OR NOT u.catchup) AND d.before_last IS NOT NULL),
	moved AS (
		UPDATE augur.pipeline_schedules s SET next_at = d.next, last_slot = d.last
		FROM slots d WHERE s.pipeline_id = d.pipeline_id),
	missed AS (
		INSERT INTO augur.missed_slots (pipeline_id, schedule, timezone, start_at, first_slot, slots, reason)
		SELECT d.pipeline_id, d.schedule, d.timezone, d.start_at, d.next_at, d.slots - 1, late
		FROM slots d WHERE d.slots > 1),
	made AS (
		INSERT INTO augur.pipeline_runs (pipeline_id, pipeline, owner, trigger, logical_date, interval_start,
			interval_end, due_at)
		SELECT d.pipeline_id, d.name, d.owner, 'schedule', d.before_last, d.before_last, d.last,
			clock_timestamp() + coalesce(d.late_after, '15 minutes')
		FROM slots d ORDER BY d.next_at, d.pipeline_id
		ON CONFLICT DO NOTHING
		RETURNING 1),
	told AS (
		SELECT augur._pipeline_emit(d.owner, 'pipeline_missed', 'warning', d.name, augur._missed_payload(d.name,
			d.slots - 1, d.next_at, d.before_last, d.schedule, d.timezone, late))
		FROM slots d WHERE d.slots > 1)
	SELECT count(*), (SELECT count(*) FROM told) INTO n, events FROM made;
	RETURN n;
EXCEPTION WHEN OTHERS THEN
	-- one by one it is seen which one cannot be started
	RETURN 0;
END
$$;
COMMENT ON FUNCTION augur._queue_plain_slots(timestamptz) IS
'Internal. Queues runs for schedules of which one slot is due and whose pipelines have no parameters and queue.';

CREATE OR REPLACE FUNCTION augur._queue_due(as_of timestamptz DEFAULT now()) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	s			augur.pipeline_schedules;
	p			augur.pipelines;
	t			augur.pipeline_triggers;
	waiting		bigint := 0;
	folded		augur.pipeline_signals;
	signals		bigint;
	n			integer := 0;
	why			text;
	following	timestamptz;
BEGIN
	IF NOT augur._may_tick() THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = 'permission denied to start what is due',
			DETAIL = 'Superusers, members of the owner of extension augur, operators and admins may.';
	ELSIF as_of IS NULL OR NOT isfinite(as_of) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'as_of must be a finite time';
	END IF;
	-- Mostly nothing is due.  By order, not by condition: a plan for any as_of would read the table.
	IF (SELECT o.next_at FROM augur.pipeline_schedules o WHERE o.enabled ORDER BY o.next_at LIMIT 1) <= as_of THEN
		n := augur._queue_plain_slots(as_of);
	END IF;
	FOR s IN
		SELECT * FROM augur.pipeline_schedules o WHERE o.enabled AND o.next_at <= as_of
		ORDER BY o.next_at FOR UPDATE SKIP LOCKED
	LOOP
		-- one that is being renamed, given away or just held stays due
		SELECT * INTO p FROM augur.pipelines o WHERE o.id = s.pipeline_id FOR KEY SHARE SKIP LOCKED;
		CONTINUE WHEN NOT FOUND;
		BEGIN
			n := n + augur._queue_slots(p, s, as_of);
		EXCEPTION WHEN OTHERS THEN
			-- one that cannot be started keeps no other from it, and does not come back every minute
			GET STACKED DIAGNOSTICS why = MESSAGE_TEXT;
			BEGIN
				following := (SELECT f FROM augur.next_slots(s.schedule, s.timezone, as_of, 1, s.start_at) f);
			EXCEPTION WHEN OTHERS THEN
				following := NULL;
			END;
			UPDATE augur.pipeline_schedules o
			SET next_at = following, note = why, enabled = following IS NOT NULL WHERE o.pipeline_id = p.id;
			PERFORM augur._missed(p, s, s.next_at, 1, s.next_at, why);
		END;
	END LOOP;
	-- From trigger to trigger by index, however many signals each has.  Signals are of the real
	-- clock, whatever time as_of plays.
	LOOP
		SELECT o.trigger_id INTO waiting FROM augur.pipeline_signals o
		WHERE o.trigger_id > waiting ORDER BY o.trigger_id LIMIT 1;
		EXIT WHEN NOT FOUND;
		SELECT * INTO t FROM augur.pipeline_triggers o WHERE o.id = waiting;
		IF FOUND THEN
			CONTINUE WHEN (SELECT o.at FROM augur.pipeline_signals o WHERE o.trigger_id = waiting ORDER BY o.id LIMIT 1)
				+ t.debounce > greatest(as_of, clock_timestamp());
			SELECT * INTO p FROM augur.pipelines o WHERE o.id = t.pipeline_id FOR KEY SHARE SKIP LOCKED;
			CONTINUE WHEN NOT FOUND;
		END IF;
		WITH gone AS (DELETE FROM augur.pipeline_signals o WHERE o.trigger_id = waiting RETURNING *)
		SELECT count(*), min(at), max(depth), min(logical_date), min(interval_start), max(interval_end),
			(array_agg(params ORDER BY id DESC))[1], max(event_id)
		INTO signals, folded.at, folded.depth, folded.logical_date, folded.interval_start, folded.interval_end,
			folded.params, folded.event_id
		FROM gone;
		CONTINUE WHEN signals = 0 OR t.id IS NULL OR NOT t.enabled OR NOT p.enabled;
		BEGIN
			IF augur._queue_triggered(t, p, folded, signals) IS NOT NULL THEN
				n := n + 1;
			END IF;
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS why = MESSAGE_TEXT;
			PERFORM augur._pipeline_emit(p.owner, 'pipeline_missed', 'warning', p.name,
				jsonb_build_object('pipeline', p.name, 'trigger', t.id, 'signals', signals, 'message', why));
		END;
	END LOOP;
	INSERT INTO augur.tick_state AS o (at, queued, by) VALUES (clock_timestamp(), n, session_user)
	ON CONFLICT (one_row) DO UPDATE SET at = excluded.at, queued = excluded.queued, by = excluded.by;
	RETURN n;
END
$$;
COMMENT ON FUNCTION augur._queue_due(timestamptz) IS
'Internal. Queues runs for all slots that have come and all signals that have waited as long as their triggers say; returns how many. As the owner of the extension: the pipelines are others''.';
