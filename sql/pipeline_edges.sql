-- Pipelines: names and dates at their limits, types as they are written, references that are none, runs that cannot begin.
\set VERBOSITY default
\set SHOW_CONTEXT never
SET augur.verbosity = 0;

-- ---- a name that a pipeline of somebody else has --------------------------------------------------
CREATE ROLE regress_edges LOGIN;
SELECT augur.grant_preset('regress_edges', 'trainer');
SELECT augur.create_pipeline('taken') > 0 AS made;
SET ROLE regress_edges;
SELECT augur.create_pipeline('theirs') > 0 AS made;
\set VERBOSITY sqlstate
SELECT augur.alter_pipeline('theirs', new_name => 'taken');
\set VERBOSITY default
SELECT augur.alter_pipeline('theirs', new_name => 'taken');
RESET ROLE;

-- ---- dates that no run can be for ------------------------------------------------------------------
SELECT augur.add_step('taken', 's', sql => 'SELECT 1');
CALL augur.run_pipeline('taken', logical_date => 'infinity');
SELECT augur.queue_run('taken', logical_date => '-infinity');
SELECT augur.queue_run('taken', interval_start => '2026-01-02', interval_end => '2026-01-01');
-- it begins at the logical date, which is now
SELECT augur.queue_run('taken', interval_end => '2026-01-01');
SELECT count(*) FROM augur.pipeline_runs;

-- ---- a result of no step ----------------------------------------------------------------------------
SELECT augur.add_step('taken', 'r', 'notify', '{"kind": "k", "payload": {"of": {"result": ""}}}', needs => '{s}');
SELECT augur.add_step('taken', 'r', sql => $$SELECT augur.step_result('')$$, needs => '{s}');

-- ---- types are those that were named, of any length, with any search_path -----------------------------
SELECT augur.create_pipeline('types', '{"code": {"type": "char", "default": "abc"}, "mask": {"type": "bit", "default": "101"}}', max_parallel => 1) > 0 AS made;
SELECT params FROM augur.pipelines WHERE name = 'types';
CREATE FUNCTION codes(code char, mask bit) RETURNS text LANGUAGE sql AS $$SELECT code || ' ' || mask$$;
SELECT augur.add_step('types', 'codes', 'call', '{"function": "codes", "args": {"code": {"param": "code"}, "mask": "0110"}}');
CREATE FUNCTION takes(m augur.model) RETURNS boolean LANGUAGE sql AS 'SELECT m IS NULL';
SELECT augur.add_step('types', 'takes', 'call', '{"function": "takes", "args": {"m": null}}', needs => '{codes}', trigger_rule => 'all_done');
SELECT step, body ->> 'function' AS function FROM augur.pipeline_steps WHERE step IN ('codes', 'takes');
CALL augur.run_pipeline('types');
SELECT step, status, result, message FROM augur.step_runs ORDER BY id;

-- ---- arguments of functions: VARIADIC, and names that look like references ------------------------------
SELECT augur.create_pipeline('calls', max_parallel => 1) > 0 AS made;
SELECT augur.add_step('calls', 'path', 'call', '{"function": "jsonb_extract_path_text", "args": {"from_json": {"a": {"b": 7}}, "path_elems": ["a", "b"]}}');
SELECT statement FROM augur.plan_pipeline('calls');
CALL augur.run_pipeline('calls');
SELECT step, status, result, message FROM augur.step_runs WHERE step = 'path';

CREATE FUNCTION tells(result text) RETURNS text LANGUAGE sql AS 'SELECT result';
CREATE FUNCTION asks(run text) RETURNS text LANGUAGE sql AS 'SELECT run';
SELECT augur.add_step('calls', 'tells', 'call', '{"function": "tells", "args": {"result": "fine"}}', needs => '{path}', trigger_rule => 'all_done');
SELECT augur.add_step('calls', 'asks', 'call', '{"function": "asks", "args": {"run": "id"}}', needs => '{path}', trigger_rule => 'all_done');
SELECT augur.add_step('calls', 'refers', 'call', '{"function": "asks", "args": {"run": {"run": "step"}}}', needs => '{path}', trigger_rule => 'all_done');
SELECT step, does -> 'args' AS args FROM augur.plan_pipeline('calls') WHERE step <> 'path';
CALL augur.run_pipeline('calls');
SELECT step, status, result, message FROM augur.step_runs WHERE run_id = (SELECT max(id) FROM augur.pipeline_runs) AND step <> 'path' ORDER BY step;

-- ---- a run whose steps were dropped before it began ---------------------------------------------------
SELECT augur.create_pipeline('bare') > 0 AS made;
SELECT augur.add_step('bare', 's', sql => 'SELECT 1');
SELECT augur.enable_pipeline('bare', false);
SELECT augur.queue_run('bare') AS run \gset
SELECT augur.drop_step('bare', 's');
CALL augur.resume_run(:run);
SELECT status, reason, (SELECT kind FROM augur.events ORDER BY id DESC LIMIT 1) AS event FROM augur.pipeline_runs WHERE id = :run;

-- ---- a run that has ended, asked for by somebody else ---------------------------------------------------
SET ROLE regress_edges;
SELECT augur.add_step('theirs', 's', sql => 'SELECT 1');
SELECT augur.enable_pipeline('theirs', false);
SELECT augur.queue_run('theirs') AS run \gset
SELECT augur.cancel_run(:run);
RESET ROLE;
\set VERBOSITY sqlstate
CALL augur.resume_run(:run);
\set VERBOSITY default
SELECT launches, launched_at IS NULL AS never FROM augur.pipeline_runs WHERE id = :run;

-- ---- the error of a run is that of the attempt which it failed for ----------------------------------------
SELECT augur.create_pipeline('second', max_parallel => 1) > 0 AS made;
SELECT augur.add_step('second', 'again', retries => 1, delay => '0',
	sql => $$SELECT 1 / ((SELECT count(*) FROM augur.step_runs WHERE run_id = augur.run_id() AND step = 'again') - 1)$$);
CREATE TABLE none AS SELECT NULL::integer AS a;
SELECT augur.create_suite('none', 'none');
SELECT augur.expect('none', 'not_null', 'a') > 0 AS made;
SELECT augur.add_step('second', 'check', 'validate', '{"suite": "none"}', needs => '{again}');
\set VERBOSITY sqlstate
CALL augur.run_pipeline('second');
\set VERBOSITY default
SELECT step, attempt, status, sqlstate FROM augur.step_runs WHERE run_id = (SELECT max(id) FROM augur.pipeline_runs) ORDER BY id;

-- ---- as many runs as may run at the same time are not too many ---------------------------------------------
SELECT augur.create_pipeline(c, max_active => 2, concurrency => c) > 0 AS made, augur.add_step(c, 's', sql => 'SELECT 1'), augur.enable_pipeline(c, false)
FROM unnest('{skip,replace}'::text[]) c;
SELECT c, n, augur.queue_run(c) IS NULL AS refused FROM unnest('{skip,replace}'::text[]) c, generate_series(1, 4) n ORDER BY 1, 2;
SELECT pipeline, row_number() OVER (PARTITION BY pipeline ORDER BY id) AS n, status, regexp_replace(reason, '\d+', 'N') AS reason
FROM augur.pipeline_runs WHERE pipeline IN ('skip', 'replace') ORDER BY id;

-- ---- runs that wait because their pipeline is switched off are not stuck -------------------------------------------
BEGIN;
ALTER TABLE augur.pipeline_runs DISABLE TRIGGER USER;
UPDATE augur.pipeline_runs SET queued_at = now() - interval '1 hour' WHERE pipeline = 'skip' AND status = 'queued';
SELECT status, detail FROM augur.health() WHERE component = 'queue';
UPDATE augur.pipelines SET enabled = true WHERE name = 'skip';
SELECT status, detail FROM augur.health() WHERE component = 'queue';
ROLLBACK;

-- ---- health is for every role that may call it, and never an error -------------------------------------------------
SELECT augur.grant_preset('regress_edges', 'predictor');
SET ROLE regress_edges;
SELECT count(*) AS rows, count(*) FILTER (WHERE status = 'error') AS errors FROM augur.health() WHERE component <> 'tick';
RESET ROLE;

-- ---- what a type cannot say, and values that are none of it ----------------------------------------------
SELECT augur.create_pipeline('p', '{"x": {"type": "numeric(5,2)", "default": 1.23456}}');
SELECT augur.create_pipeline('p', '{"x": "interval day"}');
SELECT augur.create_pipeline('p', '{"x": {"type": "regnamespace", "default": "no_such"}}');
SELECT augur.create_pipeline('p', '{"x": {"type": "regproc", "default": "length"}}');

-- ---- whoever sends notifications writes events, which may start pipelines ------------------------------------
SELECT augur.grant_preset('regress_edges', 'notifier');
SET ROLE regress_edges;
SELECT augur._emit('notifications_dead', 'error', 'chat', '{}') > 0 AS written;
RESET ROLE;

-- ---- times that add up to a short one of parts that no clock has ---------------------------------------------------
-- a tick adds the times of all pipelines to the present: one would be an error for all
SELECT augur.create_pipeline('p', keep => '5900000 years -2123999000 days');
SELECT augur.create_pipeline('p', run_timeout => '1 mon -1 day');
SELECT augur.create_pipeline('p', late_after => '1 day -1 hour');
SELECT augur.add_step('calls', 'x', sql => 'SELECT 1', delay => '5900000 years -2124000000 days');
SELECT augur.on_event('calls', 'k', debounce => '5900000 years -2123999990 days');
\set VERBOSITY sqlstate
INSERT INTO augur.pipelines (name, search_path, keep) VALUES ('p', 'public', '5900000 years -2123999000 days');
INSERT INTO augur.pipeline_triggers (pipeline_id, kind, event_kind, debounce) SELECT id, 'event', 'k', '5900000 years -2123999990 days' FROM augur.pipelines WHERE name = 'calls';
\set VERBOSITY default

-- ---- a session whose strings are read as they once were --------------------------------------------------------------
SET standard_conforming_strings = off;
SELECT augur.create_pipeline('old', '{"n": {"type": "integer", "default": 1}}') > 0 AS made;
SELECT augur.create_pipeline('older', '{"x": "interval day"}');
SELECT augur.add_step('old', 's', sql => 'SELECT augur.param(''m'')');
SELECT augur.add_step('old', 's', 'call', '{"function": "pg_catalog.length(text)", "args": {"s": "a"}}');
RESET standard_conforming_strings;

-- ---- nothing stays behind ---------------------------------------------------------------------------
SELECT augur.revoke_preset('regress_edges');
DROP ROLE regress_edges;
