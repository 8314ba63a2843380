-- Pipelines: definitions and their errors, order, retries, conditions, backfill, policies, tick.
\set VERBOSITY default
\set SHOW_CONTEXT never
SET augur.verbosity = 0;
CREATE TABLE trail (id integer GENERATED ALWAYS AS IDENTITY, what text, run bigint DEFAULT augur.run_id());
-- what the last run did, and how each of its steps ended
CREATE VIEW last_run AS SELECT * FROM augur.pipeline_runs ORDER BY id DESC LIMIT 1;
CREATE VIEW last_trail AS SELECT string_agg(what, ' ' ORDER BY id) AS trail FROM trail WHERE run = (SELECT id FROM last_run);
CREATE VIEW last_steps AS SELECT step, attempt, status, sqlstate, regexp_replace(message, 'run \d+', 'run N') AS message
FROM augur.step_runs WHERE run_id = (SELECT id FROM last_run) ORDER BY id;
-- background workers do the work: until nothing is queued or running
CREATE PROCEDURE settled(seconds integer DEFAULT 60) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. seconds * 20 LOOP
		COMMIT;
		EXIT WHEN NOT EXISTS (SELECT FROM augur.pipeline_runs WHERE status = 'queued' OR status = 'running' AND resume_at IS NULL);
		PERFORM pg_sleep(0.05);
	END LOOP;
END
$$;

-- ---- definitions -------------------------------------------------------------------------------
SELECT augur.create_pipeline('d', '{"days": {"type": "int", "default": "7", "description": "back"}, "region": "text",
	"tags": {"type": "text[]", "default": ["a", "b"]}}', 'a diamond', max_parallel => 1) > 0 AS made;
SELECT jsonb_pretty(params) FROM augur.pipelines;
SELECT augur.create_pipeline('d');
SELECT augur.create_pipeline('');
SELECT augur.create_pipeline('a/b');
SELECT augur.create_pipeline('p', max_parallel => 0);
SELECT augur.create_pipeline('p', concurrency => 'wait');
SELECT augur.create_pipeline('p', run_timeout => '-1 s');
SELECT augur.create_pipeline('p', '[]');
SELECT augur.create_pipeline('p', '{"1x": "int"}');
SELECT augur.create_pipeline('p', '{"x": {"default": 1}}');
SELECT augur.create_pipeline('p', '{"x": {"type": "int", "defualt": 1}}');
SELECT augur.create_pipeline('p', '{"x": "integr"}');
SELECT augur.create_pipeline('p', '{"x": "int; DROP TABLE trail"}');
SELECT augur.create_pipeline('p', '{"x": "anyelement"}');
SELECT augur.create_pipeline('p', '{"x": {"type": "int", "default": "seven"}}');
SELECT augur.create_pipeline('p', '{"x": {"type": "int", "default": 1, "required": true}}');
CREATE DOMAIN mine AS integer;
SELECT augur.create_pipeline('p', '{"x": "mine"}');

SELECT augur.queue_run('d');
SELECT augur.add_step('d', 'a', sql => $$INSERT INTO trail (what) VALUES ('a' || augur.param('days')); SELECT 42 AS answer, 'x' AS text$$);
SELECT augur.add_step('d', 'b', sql => $$INSERT INTO trail (what) VALUES ('b')$$, needs => '{a}');
SELECT augur.add_step('d', 'c', sql => $$INSERT INTO trail (what) VALUES ('c'); SELECT 1 / 0$$, needs => '{a}');
SELECT augur.add_step('d', 'e', sql => $$INSERT INTO trail (what) VALUES ('e')$$, needs => '{b,c}');
SELECT augur.add_step('d', 'alarm', sql => $$INSERT INTO trail (what) VALUES ('alarm')$$, needs => '{b,c}', trigger_rule => 'one_failed');
SELECT augur.add_step('d', 'tidy', sql => $$INSERT INTO trail (what) VALUES ('tidy')$$, needs => '{e}', trigger_rule => 'all_done');
SELECT augur.add_step('d', 'rare', sql => $$INSERT INTO trail (what) VALUES ('rare')$$, needs => '{b}',
	condition => $$(augur.step_result('a') ->> 'answer')::integer > 50 -- seldom$$);
SELECT augur.add_step('d', 'after_rare', sql => $$INSERT INTO trail (what) VALUES ('after_rare')$$, needs => '{rare}');

-- each of these is refused
SELECT augur.add_step('nobody', 'x', sql => 'SELECT 1');
SELECT augur.add_step('d', 'x y', sql => 'SELECT 1');
SELECT augur.add_step('d', 'a', sql => 'SELECT 1');
SELECT augur.add_step('d', 'x', 'trian');
SELECT augur.add_step('d', 'x');
SELECT augur.add_step('d', 'x', body => '{"sql": "SELECT 1", "timeout": 1}');
SELECT augur.add_step('d', 'x', 'notify', '{"kind": "k"}', sql => 'SELECT 1');
SELECT augur.add_step('d', 'x', sql => 'SELEC 1');
SELECT augur.add_step('d', 'x', sql => ' -- nothing');
SELECT augur.add_step('d', 'x', sql => 'SELECT 1; COMMIT');
SELECT augur.add_step('d', 'x', sql => 'VACUUM trail');
SELECT augur.add_step('d', 'x', sql => 'COPY trail FROM STDIN');
SELECT augur.add_step('d', 'x', sql => 'SELECT 1', needs => '{alrm}');
SELECT augur.add_step('d', 'a', sql => 'SELECT 1', needs => '{tidy}', replace => true);
SELECT augur.add_step('d', 'x', sql => 'SELECT 1', retries => -1);
SELECT augur.add_step('d', 'x', sql => 'SELECT 1', delay => '-1 s');
SELECT augur.add_step('d', 'x', sql => 'SELECT 1', timeout => '0');
SELECT augur.add_step('d', 'x', sql => 'SELECT 1', trigger_rule => 'any');
SELECT augur.add_step('d', 'x', sql => 'SELECT 1', trigger_rule => 'one_failed');
SELECT augur.add_step('d', 'x', sql => 'SELECT 1', condition => '1 = ');
SELECT augur.add_step('d', 'x', sql => 'SELECT 1', condition => '1 = 1); SELECT (2');
SELECT augur.add_step('d', 'x', sql => $$SELECT augur.param('dys')$$);
SELECT augur.add_step('d', 'x', sql => $$SELECT augur.step_result('a')$$);
SELECT augur.add_step('d', 'x', 'notify', '{"kind": "k", "payload": {"deep": [{"param": "dya"}]}}');
SELECT augur.add_step('d', 'x', 'notify', '{"kind": "k", "payload": {"run": "number"}}');
SELECT augur.add_step('d', 'x', 'notify', '{"kind": "k", "payload": {"of": {"result": "c.answer"}}}', needs => '{a}');
SELECT augur.add_step('d', 'x', 'notify', '{"kidn": "k"}');
SELECT augur.add_step('d', 'x', 'notify', '{}');
SELECT augur.add_step('d', 'x', 'load', '{"relation": "trail"}');
SELECT augur.add_step('d', 'x', 'load', '{"format": "csv", "relation": "no_such"}');
SELECT augur.add_step('d', 'x', 'validate', '{"suite": "no_such"}');
SELECT augur.add_step('d', 'x', 'refresh_features', '{"name": "no_such"}');
SELECT augur.add_step('d', 'x', 'score', '{"model": "no_such", "relation": "trail"}');
SELECT augur.add_step('d', 'x', 'train', '{"model": "m", "relation": "trail", "target": "what", "seed": "first"}');
SELECT augur.add_step('d', 'x', 'drift', '{"model": "m", "relation": "trail", "fail_on": "always"}');
SELECT augur.add_step('d', 'x', 'call', '{"args": {}}');
SELECT augur.add_step('d', 'x', 'call', '{"function": "no_such"}');
SELECT augur.add_step('d', 'x', 'call', '{"function": "make_interval", "args": {"dys": 1}}');
SELECT augur.add_step('d', 'x', 'call', '{"function": "settled"}');
SELECT augur.add_step('d', 'x', 'call', '{"function": "pg_sleep"}');
CREATE FUNCTION twice(n integer) RETURNS integer LANGUAGE sql AS 'SELECT 2 * n';
CREATE FUNCTION twice(n bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 2 * n';
SELECT augur.add_step('d', 'x', 'call', '{"function": "twice", "args": {"n": 1}}');
SELECT augur.drop_step('d', 'a');
SELECT augur.drop_step('d', 'x');
SELECT augur.alter_pipeline('d', params => '{}');
SELECT count(*) FROM augur.pipeline_steps;

-- ---- a run -------------------------------------------------------------------------------------
BEGIN;
CALL augur.run_pipeline('d');
ROLLBACK;
CREATE FUNCTION inside() RETURNS void LANGUAGE plpgsql AS $$
DECLARE n bigint; BEGIN CALL augur.run_pipeline('d', run => n); END$$;
SELECT inside();
CALL augur.run_pipeline('d', '{"dayz": 1}');
CALL augur.run_pipeline('d', '{"days": "many"}');
CALL augur.run_pipeline('d', '{"days": [1]}');
SELECT count(*) FROM augur.pipeline_runs;
\set VERBOSITY terse
CALL augur.run_pipeline('d', '{"days": 3, "region": "north"}');
\set VERBOSITY default
SELECT status, trigger, params, pid, reason FROM last_run;
SELECT * FROM last_trail;
SELECT * FROM last_steps;
SELECT rows, result FROM augur.step_runs WHERE step = 'a';
SELECT step, kind, attempt, status, retried, sqlstate, message, context FROM augur.step_failures;
SELECT kind, severity, payload - '{run,seconds,logical_date}'::text[] AS payload FROM augur.events ORDER BY id;

-- from the failed step on, with the steps as they are now: what succeeded is kept
SELECT augur.add_step('d', 'c', sql => $$INSERT INTO trail (what) VALUES ('c')$$, needs => '{a}', replace => true);
SELECT augur.rerun(id) > id AS made FROM last_run;
CALL settled();
SELECT status, trigger, parent_id IS NOT NULL AS has_parent FROM last_run;
SELECT * FROM last_trail;
SELECT * FROM last_steps;
SELECT kind, severity, payload ->> 'status' AS status FROM augur.events ORDER BY id DESC LIMIT 2;
SELECT pipeline, status, streak, running, queued FROM augur.pipeline_status;
SELECT augur.rerun(id) FROM last_run;
SELECT augur.rerun(0);

-- ---- arguments, references, results ------------------------------------------------------------
CREATE TABLE things AS SELECT i AS id, i % 5 AS a, i % 3 AS b, i % 7 > 3 AS y FROM generate_series(1, 60) i;
SELECT augur.create_suite('things', 'things');
SELECT augur.expect('things', 'not_null', 'a') > 0 AS made;
SELECT augur.create_pipeline('ml', '{"trees": {"type": "integer", "default": 2}}', max_parallel => 1) > 0 AS made;
SELECT augur.add_step('ml', 'check', 'validate', '{"suite": "things"}');
SELECT augur.add_step('ml', 'train', 'train', '{"model": "ml", "relation": "things", "target": "y", "exclude": ["id"],
	"params": {"n_trees": {"param": "trees"}}, "promote": "never", "note": {"literal": "as is"}}', needs => '{check}');
SELECT augur.add_step('ml', 'promote', 'promote', '{"model": "ml", "version": {"result": "train.version"}, "reason": {"run": "step"}}',
	needs => '{train}', condition => $$(augur.step_result('train') ->> 'rows_used')::bigint > 10$$);
SELECT augur.add_step('ml', 'score', 'score', '{"model": "ml", "relation": "things", "key": "id"}', needs => '{promote}');
SELECT augur.add_step('ml', 'drift', 'drift', '{"model": "ml", "relation": "things", "min_rows": 10, "fail_on": "drift"}', needs => '{score}');
SELECT augur.add_step('ml', 'tell', 'notify', '{"kind": "ml_done", "payload": {"version": {"result": "train.version"}, "trees": {"param": "trees"}}}',
	needs => '{drift}');
SELECT augur.add_step('ml', 'call', 'call', '{"function": "twice(integer)", "args": {"n": {"param": "trees"}}}');
SELECT augur.add_step('ml', 'call', 'call', '{"function": "public.twice(integer)", "args": {"n": {"param": "trees"}}}');
SELECT wave, step, kind, needs, runs_if, does, statement FROM augur.plan_pipeline('ml', '{"trees": 3}');
CALL augur.run_pipeline('ml', '{"trees": 3}', '2026-01-01');
SELECT * FROM last_steps;
SELECT step, rows, CASE step WHEN 'train' THEN jsonb_build_object('version', result -> 'version') WHEN 'check' THEN result - '{run,seconds}'::text[]
	WHEN 'drift' THEN jsonb_build_object('verdict', result -> 'verdict') WHEN 'tell' THEN NULL ELSE result END AS result
FROM augur.step_runs WHERE run_id = (SELECT id FROM last_run) ORDER BY id;
SELECT m.name, v.version, p.value FROM augur.models m JOIN augur.aliases a ON a.model_id = m.id JOIN augur.versions v ON v.id = a.version_id
	JOIN augur.params p ON p.run_id = v.run_id AND p.name = 'n_trees' WHERE m.name = 'ml' AND a.alias = 'production';
SELECT reason FROM augur.alias_history WHERE model = 'ml';
SELECT payload FROM augur.events WHERE kind = 'ml_done';
-- a suite that fails fails its step, and keeps what it found
UPDATE things SET a = NULL WHERE id = 1;
\set VERBOSITY terse
CALL augur.run_pipeline('ml');
\set VERBOSITY default
SELECT step, status, sqlstate, regexp_replace(message, 'run \d+', 'run N') AS message FROM last_steps;
SELECT status, failed FROM augur.validation_runs ORDER BY id DESC LIMIT 1;

-- ---- dates: thirty runs, one after the other ---------------------------------------------------
SET TIME ZONE 'UTC';
SELECT augur.create_pipeline('daily', max_parallel => 1) > 0 AS made;
SELECT augur.add_step('daily', 'day', sql => $$INSERT INTO trail (what) SELECT to_char(augur.logical_date() AT TIME ZONE 'UTC', 'MM-DD')
	WHERE augur.logical_date() = lower(augur.data_interval()) AND upper(augur.data_interval()) = augur.logical_date() + interval '1 day'$$);
SELECT action, count(*), min(logical_date), max(logical_date) FROM augur.backfill('daily', '2026-06-01', '2026-07-01') GROUP BY action;
CALL settled();
SELECT status, count(*), bool_and(started_at >= previous) AS in_turn FROM (SELECT r.*, lag(ended_at, 1, started_at) OVER (ORDER BY logical_date) AS previous
	FROM augur.pipeline_runs r WHERE pipeline = 'daily') t GROUP BY status;
SELECT count(*), min(what), max(what), bool_and(in_order) AS in_order FROM (SELECT what, what > lag(what, 1, '') OVER (ORDER BY id) AS in_order
	FROM trail WHERE what LIKE '06-%') t;
SELECT action, count(*) FROM augur.backfill('daily', '2026-06-29', '2026-07-02', dry_run => true) GROUP BY action ORDER BY action;
SELECT action, count(*) FROM augur.backfill('daily', '2026-06-29', '2026-07-02', reprocess => 'completed', dry_run => true) GROUP BY action ORDER BY action;
SELECT action, count(*) FROM augur.backfill('daily', '2026-06-29', '2026-07-02', reprocess => 'failed', dry_run => true) GROUP BY action ORDER BY action;
SELECT * FROM augur.backfill('daily', '2026-01-01', '2027-01-01', max_runs => 30);
SET statement_timeout = '60 s';
SELECT * FROM augur.backfill('daily', '2026-01-01', '2027-01-01', '1 microsecond');
RESET statement_timeout;
SELECT * FROM augur.backfill('daily', '2026-01-01', '2027-01-01', '0');
-- a time that cannot be reckoned with would be an error of everybody's views
\set VERBOSITY terse
INSERT INTO augur.pipeline_runs (pipeline_id, pipeline, owner, logical_date, interval_start, interval_end, due_at)
SELECT id, name, owner, now(), now(), now(), 'infinity' FROM augur.pipelines WHERE name = 'daily';
INSERT INTO augur.pipeline_runs (pipeline_id, pipeline, owner, status, logical_date, interval_start, interval_end, started_at)
SELECT id, name, owner, 'running', now(), now(), now(), '-infinity' FROM augur.pipelines WHERE name = 'daily';
INSERT INTO augur.pipeline_runs (pipeline_id, pipeline, owner, status, logical_date, interval_start, interval_end, started_at)
SELECT id, name, owner, 'running', now(), now(), now(), '200000-01-01' FROM augur.pipelines WHERE name = 'daily';
INSERT INTO augur.step_runs (run_id, step, kind, started_at) SELECT min(id), 'odd', 'sql', 'infinity' FROM augur.pipeline_runs;
\set VERBOSITY default
SELECT count(*) > 0 AS seen FROM augur.pipeline_status s, augur.pipeline_durations d;
SELECT * FROM augur.backfill('daily', '2026-01-01', 'infinity');
SELECT * FROM augur.backfill('daily', '2026-01-01', '2027-01-01', reprocess => 'all');

-- ---- what becomes of a run while another one has not ended ---------------------------------------
-- rows only: nothing starts them, the pipelines are disabled
SELECT augur.create_pipeline(c, concurrency => c) > 0 AS made, augur.add_step(c, 's', sql => 'SELECT 1'), augur.enable_pipeline(c, false)
FROM unnest('{skip,queue,replace}'::text[]) c;
SELECT pipeline, n, augur.queue_run(pipeline) IS NULL AS refused FROM unnest('{skip,queue,replace}'::text[]) pipeline, generate_series(1, 3) n ORDER BY 1, 2;
SELECT pipeline, status, count(*), min(regexp_replace(reason, '\d+', 'N')) AS reason FROM augur.pipeline_runs
WHERE pipeline IN ('skip', 'queue', 'replace') GROUP BY 1, 2 ORDER BY 1, 2;
SELECT pipeline, queued, running, waiting, reason FROM augur.queue_depth ORDER BY 1;
-- those who may not be asked: not by hand, and disabled
SELECT augur._queue_run(id, 'event', '{}', now(), NULL, NULL) IS NULL AS refused FROM augur.pipelines WHERE name = 'queue';
SELECT augur.cancel_run(id) FROM augur.pipeline_runs WHERE status = 'queued' ORDER BY id;
SELECT augur.drop_pipeline(c) FROM unnest('{skip,queue,replace}'::text[]) c;
SELECT count(*) FROM augur.pipeline_runs WHERE pipeline IN ('skip', 'queue', 'replace');

-- ---- retries, by the clock of tick ---------------------------------------------------------------
SELECT augur.create_pipeline('again', max_parallel => 1) > 0 AS made;
SELECT augur.add_step('again', 'twice', sql => $$INSERT INTO trail (what) VALUES ('never'); SELECT 1 / 0$$, retries => 2, delay => '10 minutes', max_delay => '15 minutes');
SELECT augur.add_step('again', 'slow', sql => 'SELECT pg_sleep(600)', timeout => '50 ms', retries => 1, delay => '0', needs => '{twice}');
CALL augur.run_pipeline('again');
SELECT * FROM last_steps;
SELECT status, resume_at BETWEEN started_at AND started_at + interval '10 minutes' AS soon FROM last_run;
-- runs of the pipeline come one after the other
CALL augur.run_pipeline('again');
SELECT augur.skip_step(id, 'twice') FROM last_run;
SELECT augur.cancel_run(id) FROM last_run;
DELETE FROM augur.pipeline_runs WHERE id = (SELECT id FROM last_run);
-- not due: nothing happens
SELECT resume_at, resume_at - interval '1 ms' AS before FROM last_run \gset
CALL augur.tick(:'before');
SELECT status, resume_at IS NOT NULL AS waits FROM last_run;
CALL augur.tick(:'resume_at');
CALL settled();
SELECT step, attempt, status FROM last_steps;
SELECT status, resume_at IS NOT NULL AS waits FROM last_run;
CALL augur.tick(now() + interval '1 hour');
CALL settled();
SELECT * FROM last_steps;
SELECT status, reason FROM last_run;
-- passed over, what needs it goes on
SELECT augur.add_step('again', 'slow', sql => $$INSERT INTO trail (what) VALUES ('went on')$$, needs => '{twice}', replace => true);
CALL augur.run_pipeline('again');
SELECT augur.skip_step(id, 'slwo') FROM last_run;
SELECT augur.skip_step(id, 'twice') FROM last_run;
CALL augur.tick();
CALL settled();
SELECT step, attempt, status, message = 'skipped by ' || session_user AS by_hand FROM last_steps;
SELECT * FROM last_trail;
SELECT status FROM last_run;
SELECT augur.skip_step(id, 'slow') FROM last_run;
SELECT augur.cancel_run(id) FROM last_run;
SELECT augur.cancel_run(0);

-- ---- a step leaves nothing behind but what it wrote ------------------------------------------------
SELECT augur.create_pipeline('clean', max_parallel => 1) > 0 AS made;
CREATE TABLE parent (id integer PRIMARY KEY);
CREATE TABLE child (id integer REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
CREATE ROLE regress_pipeline_other;
SELECT augur.add_step('clean', 'settings', sql => $$SET ROLE regress_pipeline_other; SET search_path = nowhere; SET work_mem = '5MB'; SET statement_timeout = 1$$);
SELECT augur.add_step('clean', 'see', sql => $$SELECT current_user = session_user AS owner, current_setting('search_path') AS path,
	current_setting('statement_timeout') AS timeout$$, needs => '{settings}');
SELECT augur.add_step('clean', 'deferred', sql => 'INSERT INTO child VALUES (1)', needs => '{see}', trigger_rule => 'all_done');
SELECT augur.add_step('clean', 'ends', sql => $$DO 'BEGIN COMMIT; END'$$, trigger_rule => 'all_done', needs => '{deferred}');
SELECT augur.add_step('clean', 'long', sql => $$DO 'BEGIN RAISE EXCEPTION ''%'', repeat(''x'', 100000); END'$$, trigger_rule => 'all_done', needs => '{ends}');
SELECT augur.add_step('clean', 'huge', sql => $$SELECT repeat('x', 2000000) AS x$$, trigger_rule => 'all_done', needs => '{long}');
SELECT augur.add_step('clean', 'none', sql => 'DO ''BEGIN END''', trigger_rule => 'all_done', needs => '{huge}');
SELECT augur.add_step('clean', 'assert', sql => $$DO 'BEGIN ASSERT false; END'$$, trigger_rule => 'all_done', needs => '{none}');
SET default_transaction_isolation = 'serializable';
\set VERBOSITY terse
CALL augur.run_pipeline('clean');
\set VERBOSITY default
RESET default_transaction_isolation;
SHOW search_path;
SHOW statement_timeout;
SELECT step, status, sqlstate, left(message, 80) AS message, length(message) AS length FROM last_steps;
SELECT step, rows, result FROM augur.step_runs WHERE run_id = (SELECT id FROM last_run) AND step IN ('see', 'huge', 'none') ORDER BY id;
DROP ROLE regress_pipeline_other;
-- outside of a step there is nothing to ask
SELECT augur.param('days');
SET augur.run = '{"params": {"days": 3}, "logical_date": "2026-01-01 00:00+00"}';
SELECT augur.param('days'), augur.logical_date() AT TIME ZONE 'UTC' AS at;
SELECT augur.param('dyas');
RESET augur.run;

-- ---- states are held to their machines ---------------------------------------------------------------
UPDATE augur.pipeline_runs SET status = 'running' WHERE id = (SELECT id FROM last_run);
UPDATE augur.step_runs SET status = 'ready' WHERE run_id = (SELECT id FROM last_run) AND step = 'see';
UPDATE augur.pipeline_runs SET params = '{"x": 1}' WHERE id = (SELECT id FROM last_run);
UPDATE augur.pipeline_runs SET ended_at = NULL, plan = '{}', status = status WHERE id = (SELECT id FROM last_run);
UPDATE augur.pipelines SET created_by = 'x';

-- ---- changing, late, old ----------------------------------------------------------------------------
SELECT augur.alter_pipeline('clean', new_name => 'd');
SELECT augur.alter_pipeline('clean', new_name => 'neat', max_parallel => 3, run_timeout => '1 h', description => 'x');
SELECT augur.alter_pipeline('neat', run_timeout => '0', description => '');
SELECT name, max_parallel, run_timeout, description FROM augur.pipelines WHERE name IN ('clean', 'neat');
SELECT DISTINCT pipeline FROM augur.pipeline_runs WHERE pipeline IN ('clean', 'neat');
SELECT augur.alter_pipeline('neat', max_active => 0);
-- queued, and not started in time
SELECT augur.enable_pipeline('neat', false);
SELECT augur.queue_run('neat') > 0 AS made;
CALL augur.tick(now() + interval '10 minutes');
CALL augur.tick(now() + interval '16 minutes');
CALL augur.tick(now() + interval '17 minutes');
SELECT kind, severity, payload ->> 'status' AS status FROM augur.events WHERE kind = 'pipeline_late';
SELECT augur.cancel_run(id) FROM last_run;
-- ended longer ago than it is kept
SELECT count(*) > 30 AS there FROM augur.pipeline_runs;
CALL augur.tick(now() + interval '89 days');
SELECT count(*) > 30 AS there FROM augur.pipeline_runs;
CALL augur.tick(now() + interval '91 days');
SELECT count(*) FROM augur.pipeline_runs;
SELECT count(*) FROM augur.step_runs;
-- a part that fails is told, and the others go on
ALTER FUNCTION augur._tick_queued(timestamptz) RENAME TO _tick_queued_away;
\set VERBOSITY terse
CALL augur.tick();
CALL augur.tick();
\set VERBOSITY default
ALTER FUNCTION augur._tick_queued_away(timestamptz) RENAME TO _tick_queued;
SELECT kind, severity, subject FROM augur.events WHERE kind = 'tick_failed';
BEGIN;
CALL augur.tick();
ROLLBACK;
SELECT augur.drop_pipeline(name) FROM augur.pipelines;
SELECT count(*) FROM augur.pipeline_steps;
