-- schedule: what is to come, what was missed, and whether anything keeps it from happening.

-- A schedule that cannot be read any more (a time zone that is gone) is its owner's affair: it must
-- not keep everybody from looking at the others.
CREATE OR REPLACE FUNCTION augur._readable_slots(schedule text, timezone text, after timestamptz, n integer,
	start timestamptz) RETURNS SETOF timestamptz
LANGUAGE plpgsql STABLE ROWS 10
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	RETURN QUERY SELECT s FROM augur.next_slots(schedule, timezone, after, n, start) s;
EXCEPTION WHEN OTHERS THEN
	RETURN;
END
$$;
COMMENT ON FUNCTION augur._readable_slots(text, text, timestamptz, integer, timestamptz) IS
'Internal. augur.next_slots, and none of a schedule that cannot be read.';

CREATE OR REPLACE VIEW augur.schedules WITH (security_invoker = true) AS
SELECT p.name AS pipeline, s.schedule, s.timezone, s.enabled AND p.enabled AS enabled, s.next_at AS next_slot,
	CASE WHEN s.enabled AND p.enabled AND s.next_at IS NOT NULL THEN
		ARRAY(SELECT n FROM augur._readable_slots(s.schedule, s.timezone, s.next_at, 4, s.start_at) n) END AS following,
	s.last_slot, r.id AS last_run, r.status AS last_status, r.started_at AS last_started, r.ended_at AS last_ended,
	s.start_at, s.params, s.catchup, s.max_catchup, p.owner, s.set_by, s.set_at, s.note
FROM augur.pipeline_schedules s
	JOIN augur.pipelines p ON p.id = s.pipeline_id
	LEFT JOIN LATERAL (SELECT t.* FROM augur.pipeline_runs t
					   WHERE t.pipeline_id = p.id AND t.trigger = 'schedule'
					   ORDER BY t.logical_date DESC LIMIT 1) r ON true;
COMMENT ON VIEW augur.schedules IS
'Pipelines that the clock starts: the next slots, and what became of the last one. Set with augur.schedule.';
COMMENT ON COLUMN augur.schedules.enabled IS 'whether schedule and pipeline are on';
COMMENT ON COLUMN augur.schedules.next_slot IS 'when it is started next; a time that has passed: augur.tick was not called';
COMMENT ON COLUMN augur.schedules.following IS 'the four slots after that';
COMMENT ON COLUMN augur.schedules.last_slot IS 'the last slot that was due';
COMMENT ON COLUMN augur.schedules.last_run IS 'number of the newest run that the schedule started';
COMMENT ON COLUMN augur.schedules.note IS 'what went wrong last';

CREATE OR REPLACE VIEW augur.triggers WITH (security_invoker = true) AS
SELECT t.id, p.name AS pipeline, t.kind,
	CASE t.kind WHEN 'event' THEN t.event_kind WHEN 'table' THEN t.relation::text ELSE a.name END AS of,
	t.model, t.filter, t.operations, t.statuses, t.debounce, t.enabled AND p.enabled AS enabled,
	(SELECT count(*) FROM augur.pipeline_signals s WHERE s.trigger_id = t.id) AS waiting,
	t.params, t.params_from, p.owner, t.set_by, t.set_at, t.note
FROM augur.pipeline_triggers t
	JOIN augur.pipelines p ON p.id = t.pipeline_id
	LEFT JOIN augur.pipelines a ON a.id = t.after_id;
COMMENT ON VIEW augur.triggers IS
'What starts pipelines beside the clock: augur.on_event, augur.on_table and augur.on_pipeline.';
COMMENT ON COLUMN augur.triggers.of IS 'kind of event, table or pipeline';
COMMENT ON COLUMN augur.triggers.enabled IS 'whether trigger and pipeline are on';
COMMENT ON COLUMN augur.triggers.waiting IS 'signals that are not a run yet';
COMMENT ON COLUMN augur.triggers.note IS 'why it was switched off';

CREATE OR REPLACE VIEW augur.missed_runs WITH (security_invoker = true) AS
SELECT p.name AS pipeline, e.slot, e.begins AS interval_start, e.reason, e.found_at, e.schedule, e.timezone, p.owner
FROM (
	SELECT m.pipeline_id, m.schedule, m.timezone, m.reason, m.found_at, coalesce(n.slot, m.first_slot) AS slot,
		coalesce(lag(n.slot) OVER (PARTITION BY m.id ORDER BY n.slot), CASE WHEN n.slot IS NOT NULL THEN
			augur._slot_before(m.schedule, m.timezone, m.start_at, n.slot) END) AS begins
	FROM augur.missed_slots m
	LEFT JOIN LATERAL augur._readable_slots(m.schedule, m.timezone, m.first_slot - interval '1 microsecond',
			least(m.slots, 10000)::integer, m.start_at) n (slot) ON true
	UNION ALL
	-- due, and nothing has looked
	SELECT s.pipeline_id, s.schedule, s.timezone, 'augur.tick() has not been called since', NULL, n.slot,
		augur._slot_before(s.schedule, s.timezone, s.start_at, n.slot)
	FROM augur.pipeline_schedules s,
		augur._readable_slots(s.schedule, s.timezone, s.next_at - interval '1 microsecond', 1000, s.start_at) n (slot)
	WHERE s.enabled AND s.next_at < now() - interval '2 minutes' AND n.slot < now() - interval '2 minutes') e
	JOIN augur.pipelines p ON p.id = e.pipeline_id
WHERE NOT EXISTS (SELECT FROM augur.pipeline_runs r
				  WHERE r.pipeline_id = e.pipeline_id AND r.logical_date = coalesce(e.begins, e.slot)
				  -- one of another schedule that began at that time is another one
				  AND (r.trigger <> 'schedule' OR r.interval_end = e.slot));
COMMENT ON VIEW augur.missed_runs IS
'Slots that came and have no run: those that augur.tick found too late, and those that are due while nothing calls it. augur.backfill makes up for them, and they are gone from here.';
COMMENT ON COLUMN augur.missed_runs.slot IS 'when it should have been started';
COMMENT ON COLUMN augur.missed_runs.interval_start IS 'begin of its data, and its logical date';
COMMENT ON COLUMN augur.missed_runs.reason IS 'why there is none';
COMMENT ON COLUMN augur.missed_runs.found_at IS 'when augur.tick found out; NULL: it has not';

-- ---- health ----------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._health_server() RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT jsonb_build_object(
		'preloaded', 'augur' = ANY (regexp_split_to_array(replace(current_setting('shared_preload_libraries'), '"', ''), E'\\s*,\\s*')),
		'slots', current_setting('max_worker_processes')::integer,
		'used', (SELECT count(*) FROM pg_stat_activity a
			WHERE a.backend_type <> ALL ('{client backend,autovacuum launcher,autovacuum worker,background writer,checkpointer,archiver,startup,walreceiver,walsender,walwriter,walsummarizer,slotsync worker,io worker}')),
		'queued', (SELECT count(*) FROM augur.pipeline_runs r
			WHERE r.status = 'queued' AND r.queued_at < now() - interval '3 minutes'
			-- that is what a pipeline is switched off for, and behind another run of it is where it belongs
			AND EXISTS (SELECT FROM augur.pipelines p WHERE p.id = r.pipeline_id AND p.enabled)
			AND NOT EXISTS (SELECT FROM augur.pipeline_runs o WHERE o.pipeline_id = r.pipeline_id AND o.status = 'running')),
		'overdue', (SELECT count(*) FROM augur.pipeline_schedules s
			WHERE s.enabled AND s.next_at < now() - interval '3 minutes'),
		'work', EXISTS (SELECT FROM augur.pipeline_schedules s WHERE s.enabled)
			OR EXISTS (SELECT FROM augur.pipeline_triggers t WHERE t.enabled),
		'late', (SELECT count(*) FROM augur.pipeline_runs r WHERE r.status = 'running' AND r.late_at IS NOT NULL),
		-- what waits for its next attempt comes back by a tick
		'stuck', (SELECT count(*) FROM augur.pipeline_runs r
			WHERE r.status = 'running' AND r.resume_at < now() - interval '5 minutes'),
		'failed_parts', (SELECT string_agg(DISTINCT e.subject, ', ') FROM augur.events e
			WHERE e.kind = 'tick_failed' AND e.at > now() - interval '65 minutes'),
		'monitors', (SELECT count(*) FROM augur.monitors t WHERE t.enabled),
		'monitors_overdue', (SELECT count(*) FROM augur.monitors t WHERE t.enabled AND t.next_at < now() - interval '1 hour'),
		'rollouts', (SELECT count(*) FROM augur.rollouts r
			WHERE r.state = ANY ('{pending_approval,approved,running,paused}'::text[])),
		-- as augur.tick looks at them every minute
		'rollouts_unseen', (SELECT count(*) FROM augur.rollouts r
			WHERE r.state = 'running' AND coalesce(r.looked_at, r.timer_from) < now() - interval '1 hour'
			OR r.state = 'pending_approval' AND r.expires_at < now() - interval '1 hour'),
		-- a training may take hours, and its decision is written at the end
		'policies_unseen', (SELECT count(*) FROM augur.retrain_policies p
			WHERE NOT p.frozen AND p.set_at < now() - interval '1 day' AND (augur._last_training(p.model_id)).id IS NOT NULL
			AND coalesce((SELECT d.at FROM augur.retrain_decisions d WHERE d.model_id = p.model_id ORDER BY d.id DESC LIMIT 1)
				< now() - interval '1 day', true)),
		'trigger', (SELECT e.evtenabled FROM pg_event_trigger e WHERE e.evtname = 'augur_drop'))
$$;
COMMENT ON FUNCTION augur._health_server() IS
'Internal. Numbers about the server and the queue that ordinary roles could not read. As the owner of the extension.';

CREATE OR REPLACE FUNCTION augur._health_own(server jsonb)
	RETURNS TABLE (component text, status text, detail text, hint text)
LANGUAGE plpgsql STABLE ROWS 5
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	r			record;
BEGIN
	component := 'schedules';
	SELECT count(*) AS n, count(*) FILTER (WHERE s.note IS NOT NULL) AS noted, count(*) FILTER (WHERE NOT s.enabled) AS off
	INTO r FROM augur.pipeline_schedules s;
	status := CASE WHEN (server ->> 'overdue')::bigint > 0 OR r.noted > 0 THEN 'warning' WHEN r.n = 0 THEN 'off' ELSE 'ok' END;
	detail := format('%s schedules, %s switched off, %s with a problem; %s due and not started', r.n, r.off, r.noted,
		coalesce(server ->> 'overdue', '?'));
	hint := CASE WHEN status = 'warning' THEN 'See next_slot and note in augur.schedules.' END;
	RETURN NEXT;

	component := 'triggers';
	SELECT count(*) AS n, count(*) FILTER (WHERE t.note IS NOT NULL AND NOT t.enabled) AS braked,
		count(*) FILTER (WHERE t.kind = 'table' AND NOT EXISTS (SELECT FROM pg_trigger o WHERE o.tgrelid = t.relation
			AND o.tgname = 'augur_pipeline_' || t.id)) AS gone
	INTO r FROM augur.pipeline_triggers t;
	status := CASE WHEN r.braked + r.gone > 0 THEN 'warning' WHEN r.n = 0 THEN 'off' ELSE 'ok' END;
	detail := format('%s triggers, %s switched off because runs started each other', r.n, r.braked)
		|| CASE WHEN r.gone > 0 THEN format(', %s whose table or the trigger on it is gone', r.gone) ELSE '' END;
	hint := CASE WHEN r.gone > 0 THEN 'See augur.triggers; augur.drop_trigger takes away what is no longer needed.'
		WHEN r.braked > 0 THEN 'See note in augur.triggers; switch it on with augur.enable_trigger when the loop is gone.' END;
	RETURN NEXT;

	component := 'rollouts';
	SELECT count(*) FILTER (WHERE t.state = 'paused') AS paused, count(*) FILTER (WHERE t.state = 'pending_approval') AS pending,
		string_agg(format('"%s"', t.model), ', ' ORDER BY t.model) FILTER (WHERE t.state = 'paused') AS names
	INTO r FROM augur.rollouts t WHERE t.state = ANY ('{pending_approval,paused}');
	status := CASE WHEN r.paused > 0 OR (server ->> 'rollouts_unseen')::bigint > 0 THEN 'warning'
		WHEN NOT server ? 'rollouts' THEN 'error' WHEN server ->> 'rollouts' = '0' THEN 'off' ELSE 'ok' END;
	detail := format('%s open, %s wait for approval, %s paused%s; %s not looked at for an hour', coalesce(server ->> 'rollouts', '?'),
		r.pending, r.paused, coalesce(' (' || left(r.names, 200) || ')', ''), coalesce(server ->> 'rollouts_unseen', '?'));
	hint := CASE WHEN r.paused > 0 THEN 'See reason in augur.rollout_status; then augur.resume_rollout or augur.abort_rollout.'
		WHEN status = 'warning' THEN 'augur.tick() or augur.check_rollouts() looks at them.'
		WHEN r.pending > 0 THEN 'augur.approve_rollout or augur.deny_rollout decides.' END;
	RETURN NEXT;

	component := 'retraining';
	SELECT count(*) AS n, count(*) FILTER (WHERE d.reason ~ '^stopped: ') AS stopped, count(*) FILTER (WHERE d.facts ? 'error') AS failed,
		string_agg(format('"%s"', m.name), ', ' ORDER BY m.name) FILTER (WHERE d.reason ~ '^stopped: ' OR d.facts ? 'error') AS names
	INTO r FROM augur.retrain_policies p JOIN augur.models m ON m.id = p.model_id
	LEFT JOIN LATERAL (SELECT t.reason, t.facts FROM augur.retrain_decisions t WHERE t.model_id = p.model_id AND t.at >= p.set_at
					   ORDER BY t.id DESC LIMIT 1) d ON true
	WHERE NOT p.frozen;
	status := CASE WHEN r.stopped + r.failed > 0 OR (server ->> 'policies_unseen')::bigint > 0 THEN 'warning' WHEN r.n = 0 THEN 'off' ELSE 'ok' END;
	detail := format('%s policies, %s stopped, %s whose last look failed%s; %s not looked at for a day', r.n, r.stopped, r.failed, coalesce(' (' || left(r.names, 200) || ')', ''),
		coalesce(server ->> 'policies_unseen', '?'));
	hint := CASE WHEN r.stopped > 0 THEN 'Candidates in a row were not promoted: see augur.retrain_decisions, then augur.set_retrain_policy again.'
		WHEN r.failed > 0 THEN 'See reason in augur.retrain_decisions.'
		WHEN status = 'warning' THEN 'augur.tick() has them looked at in workers as the owners of their models, who need what owners of pipelines need, see the server''s log; augur.check_retrain does it here.' END;
	RETURN NEXT;

	component := 'owners';
	SELECT count(*) AS n, left(string_agg(DISTINCT p.owner::text, ', '), 200) AS names, min(augur._unstartable(p.owner)) AS why INTO r
	FROM augur.pipelines p
	WHERE p.enabled AND augur._unstartable(p.owner) IS NOT NULL;
	status := CASE WHEN r.n > 0 THEN 'warning' ELSE 'ok' END;
	detail := CASE WHEN r.n > 0 THEN format('%s pipelines belong to roles that no background worker can run as: %s; %s', r.n, r.names, r.why)
		ELSE 'all owners of pipelines can be worked for' END;
	hint := CASE WHEN r.n > 0 THEN 'Give the role what is missing, or its pipelines to another one: augur.alter_pipeline(..., owner => ...).' END;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION augur._health_own(jsonb) IS
'Internal. What augur.health tells of what the caller may see.';

CREATE OR REPLACE FUNCTION augur.health()
	RETURNS TABLE (component text, status text, detail text, hint text)
LANGUAGE plpgsql STABLE ROWS 10
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	cron		jsonb := augur._cron();
	server		jsonb := '{}';
	ticked		timestamptz;
	work		boolean := false;
BEGIN
	-- one part that cannot be looked at keeps no other from it
	BEGIN
		server := augur._health_server();
		ticked := augur._last_tick();
		work := (server ->> 'work')::boolean;
	EXCEPTION WHEN OTHERS THEN
		RETURN QUERY VALUES ('server', 'error', SQLERRM, NULL);
	END;

	component := 'pg_cron';
	SELECT x.s, x.d, x.h INTO status, detail, hint FROM (SELECT CASE
		WHEN cron ? 'problem' THEN ARRAY['error', cron ->> 'problem', NULL]
		WHEN cron ->> 'database' IS NULL THEN ARRAY['off', 'pg_cron is not loaded', augur._cron_hint(cron)]
		WHEN cron ->> 'database' <> current_database() THEN
			ARRAY['warning', format('pg_cron reads its jobs in database "%s", not in this one', cron ->> 'database'), augur._cron_hint(cron)]
		WHEN cron ->> 'version' IS NULL THEN ARRAY['warning', 'pg_cron is loaded, and its extension is not installed here', augur._cron_hint(cron)]
		WHEN (cron ->> 'blocks')::boolean AND cron ->> 'workers' = 'on' THEN
			ARRAY['warning', format('pg_cron %s in background workers: any job of it that takes long holds back all others', cron ->> 'version'),
				'augur.tick() is short, but other jobs may not be: upgrade pg_cron to 1.5, or set cron.use_background_workers = off.']
		ELSE ARRAY['ok', format('pg_cron %s; its own schedules are in %s, those of augur in their time zones', cron ->> 'version',
			coalesce(cron ->> 'timezone', 'GMT')), NULL] END) v (a), LATERAL (SELECT a[1], a[2], a[3]) x (s, d, h);
	RETURN NEXT;

	component := 'tick job';
	SELECT x.s, x.d, x.h INTO status, detail, hint FROM (SELECT CASE
		WHEN NOT cron ? 'job' THEN ARRAY[CASE WHEN work AND coalesce(ticked < now() - interval '5 minutes', true) THEN 'warning' ELSE 'off' END,
			'no job of pg_cron in this database calls augur.tick()', augur._cron_hint(cron)]
		WHEN NOT (cron ->> 'active')::boolean THEN ARRAY['warning', format('job %s is not active', cron ->> 'job'),
			format('SELECT cron.alter_job(%s, active => true);', cron ->> 'job')]
		WHEN cron ->> 'status' = 'failed' THEN ARRAY['error', format('job %s failed at %s: %s', cron ->> 'job', cron ->> 'at', cron ->> 'message'),
			CASE WHEN cron ->> 'workers' = 'on' THEN 'See cron.job_run_details.'
			ELSE format('pg_cron connects to host cron.host as "%s": pg_hba.conf must let it in without a password, or .pgpass have one; or set cron.use_background_workers = on.', cron ->> 'username') END]
		ELSE ARRAY['ok', format('job %s of "%s"', cron ->> 'job', cron ->> 'username'), NULL] END) v (a),
		LATERAL (SELECT a[1], a[2], a[3]) x (s, d, h);
	RETURN NEXT;

	component := 'tick';
	status := CASE WHEN server ->> 'failed_parts' <> '' THEN 'warning'
		-- one of the future: the clock was set back
		WHEN ticked BETWEEN now() - interval '5 minutes' AND now() + interval '5 minutes' THEN 'ok' WHEN work THEN 'error' ELSE 'off' END;
	detail := coalesce('augur.tick() was last called at ' || ticked, 'augur.tick() was never called')
		|| coalesce('; within the hour failed: ' || (server ->> 'failed_parts'), '');
	hint := CASE WHEN status = 'warning' THEN 'See events of kind tick_failed in augur.events.'
		WHEN status <> 'ok' THEN 'Schedules, triggers, retries and monitors need it every minute: augur.install_tick(), or CALL augur.tick() from outside.' END;
	RETURN NEXT;

	-- predictors see none of it
	IF has_table_privilege('augur.pipelines', 'SELECT') THEN
		BEGIN
			RETURN QUERY SELECT o.component, o.status, o.detail, o.hint FROM augur._health_own(server) o;
		EXCEPTION WHEN OTHERS THEN
			RETURN QUERY VALUES ('own', 'error', SQLERRM, NULL);
		END;
	END IF;

	component := 'queue';
	status := CASE WHEN (server ->> 'queued')::bigint > 0 THEN 'warning' WHEN server ? 'queued' THEN 'ok' ELSE 'error' END;
	detail := format('%s runs wait for more than 3 minutes', coalesce(server ->> 'queued', '?'));
	hint := CASE WHEN status = 'warning' THEN 'augur.tick() starts them in background workers; see tick and workers.' END;
	RETURN NEXT;

	component := 'runs';
	status := CASE WHEN (server ->> 'late')::bigint > 0 OR (server ->> 'stuck')::bigint > 0 THEN 'warning' WHEN server ? 'late' THEN 'ok' ELSE 'error' END;
	detail := format('%s running runs are late; %s should have been tried again', coalesce(server ->> 'late', '?'), coalesce(server ->> 'stuck', '?'));
	hint := CASE WHEN status = 'warning' THEN 'See augur.pipeline_durations and augur.pipeline_timeline; augur.cancel_run stops a run.' END;
	RETURN NEXT;

	component := 'monitors';
	status := CASE WHEN (server ->> 'monitors_overdue')::bigint > 0 THEN 'warning' WHEN NOT server ? 'monitors' THEN 'error'
		WHEN server ->> 'monitors' = '0' THEN 'off' ELSE 'ok' END;
	detail := format('%s monitors, %s due for more than an hour', coalesce(server ->> 'monitors', '?'), coalesce(server ->> 'monitors_overdue', '?'));
	hint := CASE WHEN status = 'warning' THEN 'augur.tick() has them looked at in workers as their owners, see owners and the server''s log; augur.check_monitors() does it here.' END;
	RETURN NEXT;

	component := 'workers';
	status := CASE WHEN (server ->> 'used')::integer >= (server ->> 'slots')::integer THEN 'warning' WHEN server ? 'slots' THEN 'ok' ELSE 'error' END;
	detail := format('%s of %s background workers are in use', server ->> 'used', server ->> 'slots');
	hint := CASE WHEN status = 'warning' THEN 'Runs stay queued until one is free: raise max_worker_processes.' END;
	RETURN NEXT;

	component := 'library';
	status := CASE WHEN (server ->> 'preloaded')::boolean THEN 'ok' ELSE 'off' END;
	detail := CASE WHEN (server ->> 'preloaded')::boolean THEN 'augur is preloaded' ELSE 'augur is loaded by each session that uses it' END;
	hint := CASE WHEN status = 'off' THEN 'Nothing needs it; session_preload_libraries or shared_preload_libraries saves a session some milliseconds.' END;
	RETURN NEXT;

	component := 'drop trigger';
	status := CASE WHEN coalesce(server ->> 'trigger', 'D') = 'D' THEN 'warning' ELSE 'ok' END;
	detail := CASE WHEN status = 'ok' THEN 'DROP EXTENSION augur removes the tick job'
		ELSE 'event trigger augur_drop is missing or disabled: DROP EXTENSION augur would leave the tick job' END;
	hint := CASE WHEN status <> 'ok' THEN 'ALTER EVENT TRIGGER augur_drop ENABLE, or run augur.remove_tick() first.' END;
	RETURN NEXT;

	IF to_regprocedure('augur._health_notifications()') IS NOT NULL AND has_table_privilege('augur.channels', 'SELECT') THEN
		BEGIN
			RETURN QUERY EXECUTE 'SELECT n.component, n.status, n.detail, n.hint FROM augur._health_notifications() n';
		EXCEPTION WHEN OTHERS THEN
			RETURN QUERY VALUES ('notifications', 'error', SQLERRM, NULL);
		END;
	END IF;
END
$$;
COMMENT ON FUNCTION augur.health() IS
'What keeps the platform running, one row each: pg_cron, the job and last call of augur.tick(), schedules, triggers, the queue, runs, rollouts, monitors, retraining, background workers, owners, notifications. status: ok, warning, error, or off (not there and not needed so far); hint: what to do. Cheap, never an error; a role that may not see schedules or channels is told the rest. Example: SELECT * FROM augur.health() WHERE status <> ''ok''';
