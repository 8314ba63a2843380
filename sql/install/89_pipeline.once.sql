-- pipeline: what is done in which order, each time it was done, and each attempt at a step.
--
-- Follows the rules of 30_registry.once.sql.  A step is SQL of the pipeline's owner and is run in
-- sessions of the owner only.  So what is run (pipelines, pipeline_steps, and pipeline_runs.plan,
-- the copy that a run was started with) is written by the owner himself and by nobody else, not
-- even by members of the owner: they may be allowed less than he is.  Operators and admins start,
-- cancel and skip; they write states, which trigger pipeline_runs_guard and step_runs_guard of
-- 89_pipeline.sql hold to the state machines.
--
-- A pool limits steps of all owners together; operators and admins make it, and its owner names it
-- in a step.
--
-- The order of tables is that of foreign keys; runs and their steps go with the pipeline, events
-- stay.  There is one row in step_runs for each attempt: what was tried is never written over.

CREATE TABLE augur.pipelines
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name		text NOT NULL UNIQUE
				CHECK (char_length(name) BETWEEN 1 AND 63
					   AND name !~ '[/@[:cntrl:]]' AND name = btrim(name)),
	owner		regrole NOT NULL DEFAULT quote_ident(current_user)::regrole,
	description text,
	params		jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(params) = 'object'),
	max_parallel integer NOT NULL DEFAULT 2 CHECK (max_parallel BETWEEN 1 AND 64),
	max_active	integer NOT NULL DEFAULT 1 CHECK (max_active BETWEEN 1 AND 64),
	concurrency text NOT NULL DEFAULT 'queue'
				CHECK (concurrency = ANY ('{skip,queue,replace}'::text[])),
	run_timeout interval CHECK (run_timeout > interval '0' AND run_timeout <= interval '1000 years' AND augur._plain_span(run_timeout)),
	late_after	interval CHECK (late_after > interval '0' AND late_after <= interval '1000 years' AND augur._plain_span(late_after)),
	keep		interval NOT NULL DEFAULT '90 days' CHECK (keep > interval '0' AND keep <= interval '1000 years' AND augur._plain_span(keep)),
	search_path text NOT NULL,
	enabled		boolean NOT NULL DEFAULT true,
	created_by	name NOT NULL DEFAULT current_user,
	created_at	timestamptz NOT NULL DEFAULT clock_timestamp(),
	UNIQUE (id, name, owner)
);

CREATE TABLE augur.pools
(
	name		text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9_-]{1,63}$'),
	slots		integer NOT NULL CHECK (slots BETWEEN 0 AND 1000),
	note		text,
	set_by		name NOT NULL DEFAULT current_user,
	set_at		timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE augur.pipeline_steps
(
	pipeline_id	bigint NOT NULL REFERENCES augur.pipelines ON DELETE CASCADE,
	step		text NOT NULL CHECK (step ~ '^[A-Za-z0-9_-]{1,63}$'),
	position	integer NOT NULL CHECK (position >= 1),
	kind		text NOT NULL
				CHECK (kind = ANY ('{sql,call,load,validate,refresh_features,train,train_forecast,score,drift,promote,retrain,notify}'::text[])),
	body		jsonb NOT NULL CHECK (jsonb_typeof(body) = 'object'),
	needs		text[] NOT NULL DEFAULT '{}',
	condition	text,
	retries		integer NOT NULL DEFAULT 0 CHECK (retries BETWEEN 0 AND 100),
	delay		interval NOT NULL DEFAULT '30 seconds' CHECK (delay >= interval '0' AND delay <= interval '1000 years' AND augur._plain_span(delay)),
	max_delay	interval NOT NULL DEFAULT '1 hour' CHECK (max_delay >= interval '0' AND max_delay <= interval '1000 years' AND augur._plain_span(max_delay)),
	timeout		interval CHECK (timeout > interval '0' AND timeout <= interval '1000 years' AND augur._plain_span(timeout)),
	trigger_rule text NOT NULL DEFAULT 'all_success'
				CHECK (trigger_rule = ANY ('{all_success,all_done,one_failed}'::text[])),
	pool		text REFERENCES augur.pools,
	PRIMARY KEY (pipeline_id, step)
);

CREATE TABLE augur.pipeline_runs
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	pipeline_id bigint NOT NULL,
	pipeline	text NOT NULL,
	owner		regrole NOT NULL,
	status		text NOT NULL DEFAULT 'queued'
				CHECK (status = ANY ('{queued,running,success,failed,timed_out,cancelled,crashed,skipped,expired}'::text[])),
	trigger		text NOT NULL DEFAULT 'manual' CHECK (char_length(trigger) BETWEEN 1 AND 200),
	params		jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(params) = 'object'),
	logical_date timestamptz NOT NULL CHECK (isfinite(logical_date)),
	interval_start timestamptz NOT NULL,
	interval_end timestamptz NOT NULL,
	parent_id	bigint,
	plan		jsonb,
	queued_at	timestamptz NOT NULL DEFAULT clock_timestamp(),
	queued_by	name NOT NULL DEFAULT session_user,
	launched_at timestamptz,
	launches	integer NOT NULL DEFAULT 0 CHECK (launches >= 0),
	started_at	timestamptz,
	resume_at	timestamptz,
	ended_at	timestamptz,
	stop		text CHECK (stop = ANY ('{cancelled,timed_out}'::text[])),
	stop_by		name,
	due_at		timestamptz,
	late_at		timestamptz,
	usual_seconds float8,
	pid			integer,
	reason		text,
	CHECK (interval_start <= interval_end),
	-- views subtract them, also those of other roles: an owner's odd time must not be an error there
	CONSTRAINT pipeline_runs_finite CHECK (
		isfinite(greatest(launched_at, started_at, resume_at, ended_at, due_at, late_at))
		AND isfinite(least(launched_at, started_at, resume_at, ended_at, due_at, late_at))
		AND greatest(launched_at, started_at, resume_at, ended_at, due_at, late_at) < '100000-01-01 00:00+00'),
	CHECK ((ended_at IS NULL) = (status = ANY ('{queued,running}'::text[]))),
	FOREIGN KEY (pipeline_id, pipeline, owner) REFERENCES augur.pipelines (id, name, owner)
		ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX pipeline_runs_pipeline_id ON augur.pipeline_runs (pipeline_id, id);
CREATE INDEX pipeline_runs_open ON augur.pipeline_runs (pipeline_id, status, id)
	WHERE status = ANY ('{queued,running}'::text[]);
CREATE INDEX pipeline_runs_ended_at ON augur.pipeline_runs (ended_at);
-- one run for each slot of a schedule, whoever finds it due; slots of two schedules that a pipeline
-- had can begin at the same time
CREATE UNIQUE INDEX pipeline_runs_slot ON augur.pipeline_runs (pipeline_id, logical_date, interval_end)
	WHERE trigger = 'schedule';

CREATE TABLE augur.step_runs
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	run_id		bigint NOT NULL REFERENCES augur.pipeline_runs ON DELETE CASCADE,
	step		text NOT NULL,
	kind		text NOT NULL,
	attempt		integer NOT NULL DEFAULT 1 CHECK (attempt >= 1),
	status		text NOT NULL DEFAULT 'pending'
				CHECK (status = ANY ('{pending,ready,running,retry_wait,success,failed,timed_out,crashed,cancelled,skipped,upstream_failed}'::text[])),
	next_at		timestamptz,
	started_at	timestamptz,
	ended_at	timestamptz,
	pid			integer,
	passed_over	boolean NOT NULL DEFAULT false,
	pool		text,
	rows		bigint,
	result		jsonb,
	sqlstate	text,
	message		text,
	detail		text,
	hint		text,
	context		text,
	UNIQUE (run_id, step, attempt),
	CONSTRAINT step_runs_finite CHECK (
		isfinite(greatest(next_at, started_at, ended_at)) AND isfinite(least(next_at, started_at, ended_at))
		AND greatest(next_at, started_at, ended_at) < '100000-01-01 00:00+00'),
	CHECK ((ended_at IS NULL) = (status = ANY ('{pending,ready,running,retry_wait}'::text[]))),
	CHECK ((status = 'retry_wait') = (next_at IS NOT NULL))
);
CREATE INDEX step_runs_open ON augur.step_runs (run_id)
	WHERE status = ANY ('{pending,ready,running,retry_wait}'::text[]);

CREATE INDEX step_runs_pool ON augur.step_runs (pool, id)
	WHERE pool IS NOT NULL AND status = ANY ('{ready,running}'::text[]);

SELECT pg_extension_config_dump('augur.pools', '');
SELECT pg_extension_config_dump('augur.pipelines', '');
SELECT pg_extension_config_dump('augur.pipelines_id_seq', '');
SELECT pg_extension_config_dump('augur.pipeline_steps', '');
SELECT pg_extension_config_dump('augur.pipeline_runs', '');
SELECT pg_extension_config_dump('augur.pipeline_runs_id_seq', '');
SELECT pg_extension_config_dump('augur.step_runs', '');
SELECT pg_extension_config_dump('augur.step_runs_id_seq', '');

ALTER TABLE augur.pools ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.pipelines ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.pipeline_steps ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.pipeline_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.step_runs ENABLE ROW LEVEL SECURITY;

CREATE POLICY seen ON augur.pools FOR SELECT USING (true);
CREATE POLICY written ON augur.pools FOR ALL
	USING (EXISTS (SELECT FROM augur.preset_roles p
				   WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE')));

-- pipelines: seen by members of the owner, operators and admins; written by the owner alone
CREATE POLICY seen ON augur.pipelines FOR SELECT
	USING (pg_has_role(owner, 'USAGE')
		   OR EXISTS (SELECT FROM augur.preset_roles p
					  WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE')));
CREATE POLICY added ON augur.pipelines FOR INSERT
	WITH CHECK (owner = quote_ident(current_user)::regrole);
-- operators lock the row to queue a run, and switch it; trigger pipelines_guard tells what else
CREATE POLICY changed ON augur.pipelines FOR UPDATE
	USING (pg_has_role(owner, 'USAGE')
		   OR EXISTS (SELECT FROM augur.preset_roles p
					  WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE')))
	WITH CHECK (true);
CREATE POLICY removed ON augur.pipelines FOR DELETE
	USING (owner = quote_ident(current_user)::regrole
		   OR EXISTS (SELECT FROM augur.preset_roles p
					  WHERE p.preset = 'admin' AND pg_has_role(p.role, 'USAGE')));

CREATE POLICY seen ON augur.pipeline_steps FOR SELECT
	USING (EXISTS (SELECT FROM augur.pipelines p WHERE p.id = pipeline_id));
CREATE POLICY written ON augur.pipeline_steps FOR ALL
	USING (EXISTS (SELECT FROM augur.pipelines p
				   WHERE p.id = pipeline_id AND p.owner = quote_ident(current_user)::regrole));

-- pipeline_runs: queued and moved by members of the owner, operators and admins
CREATE POLICY seen ON augur.pipeline_runs FOR SELECT
	USING (pg_has_role(owner, 'USAGE')
		   OR EXISTS (SELECT FROM augur.preset_roles p
					  WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE')));
CREATE POLICY added ON augur.pipeline_runs FOR INSERT
	WITH CHECK (status = ANY ('{queued,skipped}') AND plan IS NULL
				AND (pg_has_role(owner, 'USAGE')
					 OR EXISTS (SELECT FROM augur.preset_roles p
								WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE'))));
CREATE POLICY changed ON augur.pipeline_runs FOR UPDATE
	USING (pg_has_role(owner, 'USAGE')
		   OR EXISTS (SELECT FROM augur.preset_roles p
					  WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE')));
CREATE POLICY removed ON augur.pipeline_runs FOR DELETE
	USING (pg_has_role(owner, 'USAGE')
		   OR EXISTS (SELECT FROM augur.preset_roles p
					  WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE')));

CREATE POLICY seen ON augur.step_runs FOR SELECT
	USING (EXISTS (SELECT FROM augur.pipeline_runs r WHERE r.id = run_id));
CREATE POLICY written ON augur.step_runs FOR ALL
	USING (EXISTS (SELECT FROM augur.pipeline_runs r
				   WHERE r.id = run_id
				   AND (pg_has_role(r.owner, 'USAGE')
						OR EXISTS (SELECT FROM augur.preset_roles p
								   WHERE p.preset = ANY ('{operator,admin}')
								   AND pg_has_role(p.role, 'USAGE')))));

COMMENT ON TABLE augur.pipelines IS
'Steps that are run in order, made by augur.create_pipeline and augur.add_step.';
COMMENT ON COLUMN augur.pipelines.id IS 'number of the pipeline, never used again';
COMMENT ON COLUMN augur.pipelines.name IS 'its name';
COMMENT ON COLUMN augur.pipelines.owner IS 'role that made it; its steps run in sessions of this role only';
COMMENT ON COLUMN augur.pipelines.description IS 'what it is for';
COMMENT ON COLUMN augur.pipelines.params IS 'name -> {type, default, required, description}';
COMMENT ON COLUMN augur.pipelines.max_parallel IS 'steps of one run that may run at the same time';
COMMENT ON COLUMN augur.pipelines.max_active IS 'runs of it that may run at the same time';
COMMENT ON COLUMN augur.pipelines.concurrency IS 'when so many are running: queue the next one, skip it, or replace the running ones';
COMMENT ON COLUMN augur.pipelines.run_timeout IS 'a run that takes longer is stopped';
COMMENT ON COLUMN augur.pipelines.late_after IS 'a run that takes longer is reported; NULL: when it takes much longer than usual';
COMMENT ON COLUMN augur.pipelines.keep IS 'how long ended runs are kept';
COMMENT ON COLUMN augur.pipelines.search_path IS 'search_path that steps run with: the one of the session that made it';
COMMENT ON COLUMN augur.pipelines.enabled IS 'false: nothing starts it but augur.run_pipeline';
COMMENT ON COLUMN augur.pipelines.created_by IS 'the user who made it';
COMMENT ON COLUMN augur.pipelines.created_at IS 'when it was made';
COMMENT ON TABLE augur.pools IS
'How many steps that name a pool may run at the same time, of all pipelines and owners together; set by augur.set_pool.';
COMMENT ON COLUMN augur.pools.name IS 'what steps name';
COMMENT ON COLUMN augur.pools.slots IS 'steps that may run at the same time; 0: none';
COMMENT ON COLUMN augur.pools.note IS 'what it is for';
COMMENT ON COLUMN augur.pools.set_by IS 'the user who made it';
COMMENT ON COLUMN augur.pools.set_at IS 'when it was made';
COMMENT ON TABLE augur.pipeline_steps IS
'The steps of a pipeline, made by augur.add_step.';
COMMENT ON COLUMN augur.pipeline_steps.pipeline_id IS 'the pipeline';
COMMENT ON COLUMN augur.pipeline_steps.step IS 'name of the step in it';
COMMENT ON COLUMN augur.pipeline_steps.position IS 'order of definition; of steps that are ready, the first is started first';
COMMENT ON COLUMN augur.pipeline_steps.kind IS 'what it does (docs/pipelines.md)';
COMMENT ON COLUMN augur.pipeline_steps.body IS 'arguments by name, or the SQL of a step of kind sql';
COMMENT ON COLUMN augur.pipeline_steps.needs IS 'steps that must have ended before';
COMMENT ON COLUMN augur.pipeline_steps.condition IS 'SQL expression; the step is skipped unless it is true';
COMMENT ON COLUMN augur.pipeline_steps.retries IS 'attempts after the first one fails';
COMMENT ON COLUMN augur.pipeline_steps.delay IS 'before the first of them; doubles each time, and chance makes it shorter';
COMMENT ON COLUMN augur.pipeline_steps.max_delay IS 'the longest delay';
COMMENT ON COLUMN augur.pipeline_steps.timeout IS 'an attempt that takes longer is stopped';
COMMENT ON COLUMN augur.pipeline_steps.trigger_rule IS
'all_success: when all it needs succeeded or were skipped; all_done: when all ended, however; one_failed: when all ended and one failed';
COMMENT ON COLUMN augur.pipeline_steps.pool IS 'the pool that it takes a slot of while it runs, of augur.pools';
COMMENT ON TABLE augur.pipeline_runs IS
'One row for each run of a pipeline, from the moment it is asked for.';
COMMENT ON COLUMN augur.pipeline_runs.id IS 'number of the run';
COMMENT ON COLUMN augur.pipeline_runs.pipeline_id IS 'the pipeline';
COMMENT ON COLUMN augur.pipeline_runs.pipeline IS 'its name';
COMMENT ON COLUMN augur.pipeline_runs.owner IS 'its owner, who runs the steps';
COMMENT ON COLUMN augur.pipeline_runs.status IS
'queued, running, and then success, failed, timed_out, cancelled, crashed; skipped or expired without having started';
COMMENT ON COLUMN augur.pipeline_runs.trigger IS 'why it was asked for: manual, backfill, rerun, schedule, an event...';
COMMENT ON COLUMN augur.pipeline_runs.params IS 'all parameters, defaults filled in';
COMMENT ON COLUMN augur.pipeline_runs.logical_date IS 'the time that it is for: the slot of a schedule, not the time it ran';
COMMENT ON COLUMN augur.pipeline_runs.interval_start IS 'begin of the data it is for';
COMMENT ON COLUMN augur.pipeline_runs.interval_end IS 'end of it, not included';
COMMENT ON COLUMN augur.pipeline_runs.parent_id IS 'the run that it repeats from the failed step on';
COMMENT ON COLUMN augur.pipeline_runs.plan IS 'the steps as they were when it started';
COMMENT ON COLUMN augur.pipeline_runs.queued_at IS 'when it was asked for';
COMMENT ON COLUMN augur.pipeline_runs.queued_by IS 'session user who asked';
COMMENT ON COLUMN augur.pipeline_runs.launched_at IS 'when a background worker was last started for it';
COMMENT ON COLUMN augur.pipeline_runs.launches IS 'how often one was started since it got on';
COMMENT ON COLUMN augur.pipeline_runs.started_at IS 'when the first session took it up';
COMMENT ON COLUMN augur.pipeline_runs.resume_at IS 'when augur.tick goes on with it: a step waits for its next attempt';
COMMENT ON COLUMN augur.pipeline_runs.ended_at IS 'when it ended';
COMMENT ON COLUMN augur.pipeline_runs.stop IS 'it is to end so: cancelled or timed_out';
COMMENT ON COLUMN augur.pipeline_runs.stop_by IS 'the user who cancelled it';
COMMENT ON COLUMN augur.pipeline_runs.due_at IS 'when it counts as late, unless it has started (while queued) or ended';
COMMENT ON COLUMN augur.pipeline_runs.late_at IS 'when it was found to be late';
COMMENT ON COLUMN augur.pipeline_runs.usual_seconds IS 'median of the last successes when it started';
COMMENT ON COLUMN augur.pipeline_runs.pid IS 'process that took it up last';
COMMENT ON COLUMN augur.pipeline_runs.reason IS 'why it ended as it did';
COMMENT ON TABLE augur.step_runs IS
'One row for each attempt at a step of a run; the one with the highest attempt tells where the step is.';
COMMENT ON COLUMN augur.step_runs.id IS 'number of the attempt in the whole database';
COMMENT ON COLUMN augur.step_runs.run_id IS 'the run';
COMMENT ON COLUMN augur.step_runs.step IS 'the step';
COMMENT ON COLUMN augur.step_runs.kind IS 'its kind';
COMMENT ON COLUMN augur.step_runs.attempt IS 'number of the attempt, from 1';
COMMENT ON COLUMN augur.step_runs.status IS
'pending, ready, retry_wait, running, and then success, failed, timed_out, crashed, cancelled, skipped or upstream_failed';
COMMENT ON COLUMN augur.step_runs.next_at IS 'when the attempt may begin, of retry_wait';
COMMENT ON COLUMN augur.step_runs.started_at IS 'when it began';
COMMENT ON COLUMN augur.step_runs.ended_at IS 'when it ended';
COMMENT ON COLUMN augur.step_runs.pid IS 'process that ran it';
COMMENT ON COLUMN augur.step_runs.passed_over IS 'skipped by augur.skip_step: what needs it goes on as after a success';
COMMENT ON COLUMN augur.step_runs.pool IS 'the pool that it takes a slot of while it runs';
COMMENT ON COLUMN augur.step_runs.rows IS 'rows that its statement returned or changed, that were scored, or loaded';
COMMENT ON COLUMN augur.step_runs.result IS 'first row that it returned, for augur.step_result';
COMMENT ON COLUMN augur.step_runs.sqlstate IS 'SQLSTATE of its error';
COMMENT ON COLUMN augur.step_runs.message IS 'its message, or why it was skipped';
COMMENT ON COLUMN augur.step_runs.detail IS 'the detail';
COMMENT ON COLUMN augur.step_runs.hint IS 'the hint';
COMMENT ON COLUMN augur.step_runs.context IS 'where it was raised';
