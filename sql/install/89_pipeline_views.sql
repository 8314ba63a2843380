-- pipeline: what people look at in psql.  security_invoker: the reader's own rights decide.

CREATE OR REPLACE VIEW augur.pipeline_status WITH (security_invoker = true) AS
SELECT p.name AS pipeline, p.owner, p.enabled, l.id AS run, l.status, l.trigger, l.logical_date, l.started_at,
	round(extract(epoch FROM coalesce(l.ended_at, clock_timestamp()) - l.started_at), 1) AS seconds,
	round(l.usual_seconds::numeric, 1) AS usual_seconds, l.reason, s.streak, s.last_success,
	o.running, o.queued
FROM augur.pipelines p
LEFT JOIN LATERAL (
	SELECT r.* FROM augur.pipeline_runs r WHERE r.pipeline_id = p.id AND r.started_at IS NOT NULL
	ORDER BY r.id DESC LIMIT 1) l ON true
CROSS JOIN LATERAL (
	SELECT count(*) FILTER (WHERE r.status = 'running') AS running, count(*) FILTER (WHERE r.status = 'queued') AS queued
	FROM augur.pipeline_runs r WHERE r.pipeline_id = p.id AND r.status = ANY ('{queued,running}'::text[])) o
CROSS JOIN LATERAL (
	-- so many of the last ended runs in a row are like the last one
	SELECT count(*) FILTER (WHERE e.changes = 0) AS streak, max(e.ended_at) FILTER (WHERE e.good) AS last_success
	FROM (SELECT d.ended_at, d.good,
			  count(*) FILTER (WHERE d.good IS DISTINCT FROM d.newer) OVER (ORDER BY d.id DESC) AS changes
		  FROM (SELECT r.id, r.ended_at, r.status = 'success' AS good,
					lag(r.status = 'success', 1, r.status = 'success') OVER (ORDER BY r.id DESC) AS newer
				FROM augur.pipeline_runs r
				WHERE r.pipeline_id = p.id AND r.status = ANY ('{success,failed,timed_out,crashed}'::text[])) d) e) s;
COMMENT ON VIEW augur.pipeline_status IS
'Each pipeline with the last run that started: how it went, how long it took beside what is usual, and what waits.';
COMMENT ON COLUMN augur.pipeline_status.run IS 'the last run that started';
COMMENT ON COLUMN augur.pipeline_status.usual_seconds IS 'median of the successes before it';
COMMENT ON COLUMN augur.pipeline_status.streak IS 'so many ended runs in a row went the same way, well or not';
COMMENT ON COLUMN augur.pipeline_status.last_success IS 'when a run last ended well';
COMMENT ON COLUMN augur.pipeline_status.running IS 'runs that are running, or wait for a retry';
COMMENT ON COLUMN augur.pipeline_status.queued IS 'runs that have not started';

CREATE OR REPLACE VIEW augur.pipeline_timeline WITH (security_invoker = true) AS
SELECT t.pipeline, t.run, t.step, t.attempt, t.status, t.started_at,
	round(extract(epoch FROM t.until - t.started_at), 2) AS seconds,
	CASE WHEN t.started_at IS NULL THEN ''
		ELSE repeat(' ', t.skip) || repeat(CASE t.status WHEN 'success' THEN '#' WHEN 'running' THEN '>' WHEN 'skipped' THEN '-' ELSE 'x' END,
			greatest(1, least(40 - t.skip, round(40 * extract(epoch FROM t.until - t.started_at) / t.span)::integer))) END AS timeline,
	t.message
FROM (
	SELECT r.pipeline, r.id AS run, s.id, s.step, s.attempt, s.status, s.started_at, coalesce(s.ended_at, clock_timestamp()) AS until,
		greatest(extract(epoch FROM coalesce(r.ended_at, clock_timestamp()) - r.started_at), 0.001) AS span,
		least(39, greatest(0, floor(40 * extract(epoch FROM s.started_at - r.started_at)
			/ greatest(extract(epoch FROM coalesce(r.ended_at, clock_timestamp()) - r.started_at), 0.001))))::integer AS skip,
		left(split_part(s.message, E'\n', 1), 60) AS message
	FROM augur.pipeline_runs r JOIN augur.step_runs s ON s.run_id = r.id) t
ORDER BY t.run DESC, t.started_at NULLS LAST, t.id;
COMMENT ON VIEW augur.pipeline_timeline IS
'The attempts at steps of each run as bars over the time of the run: SELECT * FROM augur.pipeline_timeline WHERE run = 7. # success, > running, - skipped, x anything else.';
COMMENT ON COLUMN augur.pipeline_timeline.timeline IS '40 characters are the whole run';
COMMENT ON COLUMN augur.pipeline_timeline.message IS 'begin of the error, or why it was skipped';

CREATE OR REPLACE VIEW augur.step_failures WITH (security_invoker = true) AS
SELECT s.ended_at AS at, r.pipeline, s.run_id AS run, r.logical_date, s.step, s.kind, s.attempt, s.status,
	EXISTS (SELECT FROM augur.step_runs n WHERE n.run_id = s.run_id AND n.step = s.step AND n.attempt > s.attempt) AS retried,
	s.sqlstate, s.message, s.detail, s.hint, s.context
FROM augur.step_runs s JOIN augur.pipeline_runs r ON r.id = s.run_id
WHERE s.status = ANY ('{failed,timed_out,crashed,cancelled}'::text[]) AND s.started_at IS NOT NULL
ORDER BY s.ended_at DESC, s.id DESC;
COMMENT ON VIEW augur.step_failures IS
'Every attempt at a step that did not succeed, the newest first, with its error as the server told it.';
COMMENT ON COLUMN augur.step_failures.retried IS 'whether there was another attempt';
COMMENT ON COLUMN augur.step_failures.context IS 'where it was raised: statement and functions';

CREATE OR REPLACE VIEW augur.queue_depth WITH (security_invoker = true) AS
SELECT r.pipeline, r.owner, count(*) FILTER (WHERE r.status = 'queued') AS queued,
	count(*) FILTER (WHERE r.status = 'running' AND r.resume_at IS NULL) AS running,
	count(*) FILTER (WHERE r.resume_at IS NOT NULL) AS waiting,
	min(r.queued_at) FILTER (WHERE r.status = 'queued') AS oldest,
	date_trunc('second', clock_timestamp() - min(r.queued_at) FILTER (WHERE r.status = 'queued')) AS age,
	coalesce(CASE WHEN count(*) FILTER (WHERE r.status = 'queued' AND NOT p.enabled) > 0 THEN 'the pipeline is switched off' END,
		min(r.reason) FILTER (WHERE r.status = 'queued')) AS reason
FROM augur.pipeline_runs r LEFT JOIN augur.pipelines p ON p.id = r.pipeline_id
WHERE r.status = ANY ('{queued,running}'::text[])
GROUP BY r.pipeline, r.owner;
COMMENT ON VIEW augur.queue_depth IS
'Pipelines with runs that have not ended: how many wait to start, since when, and how many are running.';
COMMENT ON COLUMN augur.queue_depth.waiting IS 'runs that wait for the next attempt at a step';
COMMENT ON COLUMN augur.queue_depth.oldest IS 'when the first that has not started was asked for';
COMMENT ON COLUMN augur.queue_depth.reason IS 'why it is not started: the pipeline is switched off, or what came of trying';

CREATE OR REPLACE VIEW augur.pool_status WITH (security_invoker = true) AS
SELECT p.name AS pool, p.slots, count(s.id) FILTER (WHERE s.status = 'running') AS running,
	count(s.id) FILTER (WHERE s.status = 'ready') AS waiting, p.note
FROM augur.pools p
LEFT JOIN augur.step_runs s ON s.pool = p.name AND s.status = ANY ('{ready,running}'::text[])
GROUP BY p.name;
COMMENT ON VIEW augur.pool_status IS
'Each pool with the steps that have a slot of it and those that wait for one, as far as the reader sees them.';
COMMENT ON COLUMN augur.pool_status.running IS 'steps that have a slot';
COMMENT ON COLUMN augur.pool_status.waiting IS 'steps that could run, had the pool and their run room for them';

CREATE OR REPLACE VIEW augur.pipeline_durations WITH (security_invoker = true) AS
SELECT r.pipeline, r.id AS run, r.status, r.logical_date, r.started_at,
	round(extract(epoch FROM coalesce(r.ended_at, clock_timestamp()) - r.started_at), 2) AS seconds,
	round(r.usual_seconds::numeric, 2) AS usual_seconds,
	round((extract(epoch FROM coalesce(r.ended_at, clock_timestamp()) - r.started_at)
		/ nullif(r.usual_seconds, 0)::numeric), 2) AS times_usual,
	r.due_at, r.late_at
FROM augur.pipeline_runs r
WHERE r.started_at IS NOT NULL
ORDER BY r.id DESC;
COMMENT ON VIEW augur.pipeline_durations IS
'How long runs took beside what was usual when they started, the newest first.';
COMMENT ON COLUMN augur.pipeline_durations.usual_seconds IS 'median of the last 20 successes before it';
COMMENT ON COLUMN augur.pipeline_durations.times_usual IS 'so many times as long as usual';
COMMENT ON COLUMN augur.pipeline_durations.due_at IS 'later than that, it is reported as pipeline_late';
COMMENT ON COLUMN augur.pipeline_durations.late_at IS 'when it was';
