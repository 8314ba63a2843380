-- schedule: when pipelines are started: by the clock, and by what happens.
--
-- Follows the rules of 30_registry.once.sql.  A schedule or trigger holds data only (texts that
-- are read, JSON that is looked up), no SQL, so that augur.tick may act on those of all owners.
-- Signals are only ever added and deleted: writers never wait for each other.

CREATE TABLE augur.pipeline_schedules
(
	pipeline_id	bigint PRIMARY KEY REFERENCES augur.pipelines ON DELETE CASCADE,
	schedule	text NOT NULL CHECK (octet_length(schedule) <= 1000),
	timezone	text NOT NULL CHECK (octet_length(timezone) <= 255),
	start_at	timestamptz CHECK (isfinite(start_at)),
	params		jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(params) = 'object'),
	catchup		boolean NOT NULL DEFAULT false,
	max_catchup	integer NOT NULL DEFAULT 10 CHECK (max_catchup BETWEEN 1 AND 1000),
	enabled		boolean NOT NULL DEFAULT true,
	-- the moment before it is asked for: the very first that there is has none
	next_at		timestamptz CHECK (isfinite(next_at) AND next_at > '4000-01-01 00:00+00 BC'),
	last_slot	timestamptz,
	note		text,
	set_by		name NOT NULL DEFAULT current_user,
	set_at		timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX pipeline_schedules_next_at ON augur.pipeline_schedules (next_at) WHERE enabled;

CREATE TABLE augur.missed_slots
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	pipeline_id	bigint NOT NULL REFERENCES augur.pipelines ON DELETE CASCADE,
	schedule	text NOT NULL,
	timezone	text NOT NULL,
	start_at	timestamptz,
	first_slot	timestamptz NOT NULL,
	slots		bigint NOT NULL CHECK (slots >= 1),
	reason		text NOT NULL,
	found_at	timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX missed_slots_pipeline_id ON augur.missed_slots (pipeline_id, id);

CREATE TABLE augur.pipeline_triggers
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	pipeline_id	bigint NOT NULL REFERENCES augur.pipelines ON DELETE CASCADE,
	kind		text NOT NULL CHECK (kind = ANY ('{event,table,pipeline}'::text[])),
	event_kind	text,
	filter		jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(filter) = 'object'),
	model		text,
	relation	regclass,
	operations	text[],
	after_id	bigint REFERENCES augur.pipelines ON DELETE CASCADE,
	statuses	text[],
	debounce	interval NOT NULL CHECK (debounce >= interval '0' AND debounce <= interval '1000 days' AND augur._plain_span(debounce)),
	params		jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(params) = 'object'),
	params_from	jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(params_from) = 'object'),
	enabled		boolean NOT NULL DEFAULT true,
	note		text,
	set_by		name NOT NULL DEFAULT current_user,
	set_at		timestamptz NOT NULL DEFAULT clock_timestamp(),
	CHECK (CASE kind WHEN 'event' THEN event_kind IS NOT NULL
		   WHEN 'table' THEN relation IS NOT NULL AND operations IS NOT NULL
		   ELSE after_id IS NOT NULL AND statuses IS NOT NULL END)
);
CREATE INDEX pipeline_triggers_event_kind ON augur.pipeline_triggers (event_kind) WHERE kind = 'event';
CREATE INDEX pipeline_triggers_after_id ON augur.pipeline_triggers (after_id) WHERE kind = 'pipeline';
CREATE INDEX pipeline_triggers_pipeline_id ON augur.pipeline_triggers (pipeline_id, id);

-- no foreign key to the trigger: its check would be most of what a signal costs its writer
CREATE TABLE augur.pipeline_signals
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	trigger_id	bigint NOT NULL,
	at			timestamptz NOT NULL DEFAULT clock_timestamp(),
	event_id	bigint,
	params		jsonb NOT NULL DEFAULT '{}',
	depth		integer NOT NULL DEFAULT 0,
	logical_date timestamptz,
	interval_start timestamptz,
	interval_end timestamptz
);
CREATE INDEX pipeline_signals_trigger_id ON augur.pipeline_signals (trigger_id, id);

CREATE TABLE augur.pipeline_causes
(
	run_id		bigint PRIMARY KEY REFERENCES augur.pipeline_runs ON DELETE CASCADE,
	trigger_id	bigint NOT NULL,
	signals		bigint NOT NULL,
	event_id	bigint,
	depth		integer NOT NULL
);

-- one row, written by each tick
CREATE TABLE augur.tick_state
(
	one_row		boolean PRIMARY KEY DEFAULT true CHECK (one_row),
	at			timestamptz NOT NULL,
	queued		integer NOT NULL,
	by			name NOT NULL
);

SELECT pg_extension_config_dump('augur.pipeline_schedules', '');
SELECT pg_extension_config_dump('augur.missed_slots', '');
SELECT pg_extension_config_dump('augur.missed_slots_id_seq', '');
SELECT pg_extension_config_dump('augur.pipeline_triggers', '');
SELECT pg_extension_config_dump('augur.pipeline_triggers_id_seq', '');
SELECT pg_extension_config_dump('augur.pipeline_signals', '');
SELECT pg_extension_config_dump('augur.pipeline_signals_id_seq', '');
SELECT pg_extension_config_dump('augur.pipeline_causes', '');
SELECT pg_extension_config_dump('augur.tick_state', '');

ALTER TABLE augur.pipeline_schedules ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.missed_slots ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.pipeline_triggers ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.pipeline_signals ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.pipeline_causes ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.tick_state ENABLE ROW LEVEL SECURITY;

-- seen by whoever sees the pipeline; written by members of its owner and admins
CREATE POLICY seen ON augur.pipeline_schedules FOR SELECT
	USING (EXISTS (SELECT FROM augur.pipelines p WHERE p.id = pipeline_id));
CREATE POLICY written ON augur.pipeline_schedules FOR ALL
	USING (EXISTS (SELECT FROM augur.pipelines p
				   WHERE p.id = pipeline_id
				   AND (pg_has_role(p.owner, 'USAGE')
						OR EXISTS (SELECT FROM augur.preset_roles r
								   WHERE r.preset = 'admin' AND pg_has_role(r.role, 'USAGE')))));
CREATE POLICY seen ON augur.missed_slots FOR SELECT
	USING (EXISTS (SELECT FROM augur.pipelines p WHERE p.id = pipeline_id));
CREATE POLICY seen ON augur.pipeline_triggers FOR SELECT
	USING (EXISTS (SELECT FROM augur.pipelines p WHERE p.id = pipeline_id));
CREATE POLICY written ON augur.pipeline_triggers FOR ALL
	USING (EXISTS (SELECT FROM augur.pipelines p
				   WHERE p.id = pipeline_id
				   AND (pg_has_role(p.owner, 'USAGE')
						OR EXISTS (SELECT FROM augur.preset_roles r
								   WHERE r.preset = 'admin' AND pg_has_role(r.role, 'USAGE')))));
CREATE POLICY seen ON augur.pipeline_signals FOR SELECT
	USING (EXISTS (SELECT FROM augur.pipeline_triggers t WHERE t.id = trigger_id));
-- written by augur._queue_due, as the owner of the extension
CREATE POLICY seen ON augur.tick_state FOR SELECT USING (true);
CREATE POLICY seen ON augur.pipeline_causes FOR SELECT
	USING (EXISTS (SELECT FROM augur.pipeline_runs r WHERE r.id = run_id));

COMMENT ON TABLE augur.pipeline_schedules IS
'When pipelines are started by the clock, one row each, set by augur.schedule; augur.schedules shows them with their next slots and last runs.';
COMMENT ON COLUMN augur.pipeline_schedules.pipeline_id IS 'the pipeline';
COMMENT ON COLUMN augur.pipeline_schedules.schedule IS 'five fields as cron has them, @daily and the like, or every and an interval';
COMMENT ON COLUMN augur.pipeline_schedules.timezone IS 'time zone that the schedule is read in';
COMMENT ON COLUMN augur.pipeline_schedules.start_at IS 'no slot before it; where an every counts from; NULL: from when it was set';
COMMENT ON COLUMN augur.pipeline_schedules.params IS 'parameters of its runs';
COMMENT ON COLUMN augur.pipeline_schedules.catchup IS 'whether slots that went by without a tick are run later';
COMMENT ON COLUMN augur.pipeline_schedules.max_catchup IS 'so many of them, the newest, at most';
COMMENT ON COLUMN augur.pipeline_schedules.enabled IS 'false: its slots go by';
COMMENT ON COLUMN augur.pipeline_schedules.next_at IS 'the next slot; NULL: there is none';
COMMENT ON COLUMN augur.pipeline_schedules.last_slot IS 'the last slot that was due';
COMMENT ON COLUMN augur.pipeline_schedules.note IS 'what went wrong last';
COMMENT ON COLUMN augur.pipeline_schedules.set_by IS 'the user who set it last';
COMMENT ON COLUMN augur.pipeline_schedules.set_at IS 'when it was set last';
COMMENT ON TABLE augur.missed_slots IS
'Slots of schedules that went by without a run, in rows of slots that follow each other; augur.missed_runs shows each that has no run still.';
COMMENT ON COLUMN augur.missed_slots.id IS 'number of the row';
COMMENT ON COLUMN augur.missed_slots.pipeline_id IS 'the pipeline';
COMMENT ON COLUMN augur.missed_slots.schedule IS 'its schedule at that time';
COMMENT ON COLUMN augur.missed_slots.timezone IS 'time zone of the schedule';
COMMENT ON COLUMN augur.missed_slots.start_at IS 'start of the schedule';
COMMENT ON COLUMN augur.missed_slots.first_slot IS 'the first slot that was missed';
COMMENT ON COLUMN augur.missed_slots.slots IS 'how many, from that one on';
COMMENT ON COLUMN augur.missed_slots.reason IS 'why';
COMMENT ON COLUMN augur.missed_slots.found_at IS 'when it was found out';
COMMENT ON TABLE augur.pipeline_triggers IS
'What starts pipelines beside the clock: events, changes of tables, runs of other pipelines; made by augur.on_event, augur.on_table and augur.on_pipeline.';
COMMENT ON COLUMN augur.pipeline_triggers.id IS 'number of the trigger';
COMMENT ON COLUMN augur.pipeline_triggers.pipeline_id IS 'the pipeline that is started';
COMMENT ON COLUMN augur.pipeline_triggers.kind IS 'event, table or pipeline';
COMMENT ON COLUMN augur.pipeline_triggers.event_kind IS 'kind of event';
COMMENT ON COLUMN augur.pipeline_triggers.filter IS 'what the payload of the event must contain';
COMMENT ON COLUMN augur.pipeline_triggers.model IS 'model that the event must be about; NULL: any or none';
COMMENT ON COLUMN augur.pipeline_triggers.relation IS 'table that is changed';
COMMENT ON COLUMN augur.pipeline_triggers.operations IS 'statements that count: insert, update, delete, truncate';
COMMENT ON COLUMN augur.pipeline_triggers.after_id IS 'pipeline whose runs end';
COMMENT ON COLUMN augur.pipeline_triggers.statuses IS 'in one of these states';
COMMENT ON COLUMN augur.pipeline_triggers.debounce IS 'what happens so long after the first signal starts no further run; 0: each is a run';
COMMENT ON COLUMN augur.pipeline_triggers.params IS 'parameters of its runs';
COMMENT ON COLUMN augur.pipeline_triggers.params_from IS 'parameter -> key of the event''s payload that it is taken from';
COMMENT ON COLUMN augur.pipeline_triggers.enabled IS 'false: nothing is started';
COMMENT ON COLUMN augur.pipeline_triggers.note IS 'why it was switched off';
COMMENT ON COLUMN augur.pipeline_triggers.set_by IS 'the user who made it';
COMMENT ON COLUMN augur.pipeline_triggers.set_at IS 'when it was made';
COMMENT ON TABLE augur.pipeline_signals IS
'What happened and has not become a run yet, one row each; augur.tick folds those of a trigger into one run.';
COMMENT ON COLUMN augur.pipeline_signals.id IS 'number of the signal';
COMMENT ON COLUMN augur.pipeline_signals.trigger_id IS 'the trigger';
COMMENT ON COLUMN augur.pipeline_signals.at IS 'when it happened';
COMMENT ON COLUMN augur.pipeline_signals.event_id IS 'the event';
COMMENT ON COLUMN augur.pipeline_signals.params IS 'parameters of the run; those of the newest signal count';
COMMENT ON COLUMN augur.pipeline_signals.depth IS 'runs that started each other up to here';
COMMENT ON COLUMN augur.pipeline_signals.logical_date IS 'logical date of the run whose end it is';
COMMENT ON COLUMN augur.pipeline_signals.interval_start IS 'begin of that run''s data';
COMMENT ON COLUMN augur.pipeline_signals.interval_end IS 'end of that run''s data';
COMMENT ON TABLE augur.tick_state IS
'When augur.tick last looked for what is due, one row; augur.health tells whether that is long ago.';
COMMENT ON COLUMN augur.tick_state.one_row IS 'true';
COMMENT ON COLUMN augur.tick_state.at IS 'when';
COMMENT ON COLUMN augur.tick_state.queued IS 'runs that were due';
COMMENT ON COLUMN augur.tick_state.by IS 'session user who called it';
COMMENT ON TABLE augur.pipeline_causes IS
'Which trigger started a run, and how many runs before it started each other.';
COMMENT ON COLUMN augur.pipeline_causes.run_id IS 'the run';
COMMENT ON COLUMN augur.pipeline_causes.trigger_id IS 'the trigger';
COMMENT ON COLUMN augur.pipeline_causes.signals IS 'signals that were folded into it';
COMMENT ON COLUMN augur.pipeline_causes.event_id IS 'the newest event among them';
COMMENT ON COLUMN augur.pipeline_causes.depth IS 'length of the chain of runs that it is the end of';
