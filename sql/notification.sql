-- Notifications: routing, grouping, silences, repetition, the limit an hour, states, and what
-- messages say.  Times are given (as_of), nothing is sent.
\set VERBOSITY default
\set SHOW_CONTEXT never
SET timezone = 'UTC';

-- rows are queued at the real time; T is a time after all of that
CREATE FUNCTION t(seconds float8) RETURNS timestamptz LANGUAGE sql STABLE AS $$
	SELECT coalesce(max(queued_at), now()) + make_interval(secs => seconds) FROM augur.notifications $$;
-- what a deliverer would send at that time, and that it did
CREATE FUNCTION send(seconds float8, http int DEFAULT 200) RETURNS TABLE (channel text, said text, events int, outcome text)
LANGUAGE plpgsql AS $$
DECLARE
	r			record;
	base		timestamptz := t(seconds);
BEGIN
	FOR i IN 0 .. 20 LOOP
		FOR r IN SELECT * FROM augur._notification_claim('me', base + i * interval '1 s') LOOP
			SELECT c.name, n.events INTO channel, events FROM augur.notifications n JOIN augur.channels c ON c.id = n.channel_id
			WHERE n.id = r.notification;
			said := coalesce(r.body::jsonb #>> '{blocks,0,text,text}', r.body::jsonb ->> 'title', r.body::jsonb ->> 'text');
			outcome := augur._notification_record(r.notification, r.attempt, 'me', http, NULL, NULL, NULL, 0.1, base + i * interval '1 s');
			RETURN NEXT;
		END LOOP;
	END LOOP;
END
$$;
CREATE VIEW box AS SELECT kind, subject, status, reason FROM augur.notifications ORDER BY id;
CREATE FUNCTION clear() RETURNS void LANGUAGE sql AS $$
	TRUNCATE augur.notifications, augur.notification_attempts RESTART IDENTITY; DELETE FROM augur.channels; DELETE FROM augur.silences $$;

-- ---- what there is and is not -----------------------------------------------------------------------

SELECT augur.create_channel('ml', 'file:slack_ml') > 0 AS made;
SELECT augur.create_channel('ml', 'file:other');
SELECT augur.create_channel('a b', 'file:x');
SELECT augur.create_channel('x', 'https://hooks.slack.com/services/T0/B0/secret');
SELECT augur.create_channel('x', 'file:../etc/passwd');
SELECT augur.create_channel('x', 'file:.hidden');
SELECT augur.create_channel('x', 'file:x', 'pager');
SELECT augur.create_channel('x', 'file:x', per_hour => 0);
SELECT augur.create_channel('x', 'file:x', max_age => '-1 s');
SELECT augur.alter_channel('nobody');
SELECT augur.alter_channel('ml', note => 'the team', per_hour => 10);
SELECT name, kind, secret, per_hour, max_age, note, enabled FROM augur.channels;
SELECT augur.create_route('r', 'nobody');
SELECT augur.create_route('r', 'ml', kinds => '{Drift}');
SELECT augur.create_route('r', 'ml', min_severity => 'loud');
SELECT augur.create_route('r', 'ml', group_by => '{kind,colour}');
SELECT augur.create_route('r', 'ml', payload => '[1]');
SELECT augur.create_route('r', 'ml', group_wait => '-1 s');
SELECT augur.create_route('r', 'ml', model => '');
SELECT augur.drop_route('r');
-- a session whose strings are read as they once were tells, too
BEGIN;
SET LOCAL standard_conforming_strings = off;
SELECT augur.create_route('old', 'ml', subject => 'a_%*') > 0 AS made;
SELECT augur.emit('k', 'warning', s) > 0 AS written FROM unnest('{a_%z,abcd}'::text[]) s;
SELECT subject FROM augur.notifications;
ROLLBACK;
SELECT augur.silence('0 s');
SELECT augur.unsilence(7);
SELECT augur.test_channel('nobody');
SELECT augur.channel_enable(NULL);
BEGIN;
CALL augur.deliver_notifications();
ROLLBACK;
CALL augur.deliver_notifications(0);
SELECT channel, kind, state, waiting FROM augur.notification_status;

-- ---- routes -------------------------------------------------------------------------------------------

-- no route: nothing is queued
SELECT augur.emit('training_failed', 'error', 'churn/7') > 0 AS emitted;
SELECT count(*) FROM box;
SELECT augur.create_channel('hook', 'file:hook', 'webhook') > 0 AS made;
SELECT augur.create_route('first', 'ml', kinds => '{training_*,pipeline_?ailed}', priority => 1) > 0 AS made;
SELECT augur.create_route('paid', 'hook', payload => '{"team": "paid"}', priority => 2, continues => true) > 0 AS made;
SELECT augur.create_route('rest', 'ml', min_severity => 'error', subject => 'cust*') > 0 AS made;
SELECT augur.emit(k, s, u, p) > 0 AS emitted FROM (VALUES
	('training_failed', 'error', 'churn/7', '{}'::jsonb), ('training', 'info', 'x', '{}'), ('pipeline_failed', 'info', 'p/1', '{"team": "paid"}'),
	('other', 'error', 'customers', '{"team": "paid"}'), ('other', 'warning', 'customers', '{"team": "paid", "n": 1}'), ('other', 'error', 'clients', '{}'),
	('other', 'critical', 'cust_%', '{"team": "free"}')) v (k, s, u, p);
SELECT c.name AS channel, r.name AS route, n.kind, n.severity, n.subject, n.object, n.topic, n.group_key
FROM augur.notifications n JOIN augur.routes r ON r.id = n.route_id JOIN augur.channels c ON c.id = n.channel_id ORDER BY n.id;
-- a rollback takes them with the event; calling by hand repeats nothing
BEGIN;
SELECT augur.emit('training_failed', 'error', 'undone') > 0 AS emitted;
ROLLBACK;
SELECT augur._notify_event(max(id)) FROM augur.events WHERE subject = 'churn/7';
SELECT count(*) FROM box WHERE subject IN ('undone', 'churn/7');
-- critical first, then in the order of numbers; a second between two of a channel
SELECT * FROM send(31);
SELECT clear();

-- ---- groups ---------------------------------------------------------------------------------------------

SELECT augur.create_channel('ml', 'file:x') > 0 AND augur.create_route('all', 'ml') > 0 AS made;
SELECT count(augur.emit('pipeline_failed', 'error', 'daily/' || i, jsonb_build_object('pipeline', 'daily', 'run', i, 'step', 'load', 'attempt', 1, 'message', 'no file')))
FROM generate_series(1, 500) i;
SELECT * FROM send(-10);
SELECT * FROM send(30);
SELECT status, count(*) FROM box GROUP BY 1 ORDER BY 1;
-- more of the group: not before group_interval, and none of its own
SELECT augur.emit('pipeline_failed', 'error', 'daily/501', '{"pipeline": "daily", "run": 501}') > 0 AS emitted;
SELECT * FROM send(31);
SELECT * FROM send(400);
-- its end is told, once, and only where its beginning was
SELECT augur.emit('pipeline_recovered', 'info', 'daily/502', '{"pipeline": "daily", "run": 502}') > 0 AS emitted;
SELECT * FROM send(800);
SELECT augur.drop_route('all');
SELECT augur.create_route('trouble', 'ml', min_severity => 'warning', group_by => '{kind,object}') > 0 AS made;
SELECT augur.emit('drift_resolved', 'info', 'churn') > 0 AS emitted;
SELECT augur.emit('drift_found', 'warning', 'sales', '{"columns": ["price", "region"]}') > 0 AS emitted;
SELECT augur.emit('promoted', 'info', 'sales/2') > 0 AS emitted;
SELECT * FROM send(40);
SELECT augur.emit('drift_resolved', 'info', 'sales') > 0 AS emitted;
SELECT * FROM send(400);
SELECT kind, subject, status, reason FROM box WHERE kind ~ 'drift' ORDER BY 2, 1;
-- what repeats the last word about its object is kept back, for a while
SELECT augur.emit('monitor_failed', 'error', 'sales') > 0 AS emitted;
SELECT * FROM send(40);
SELECT count(augur.emit('monitor_failed', 'error', 'sales')) FROM generate_series(1, 3) i;
SELECT * FROM send(400);
SELECT augur.emit('monitor_failed', 'error', 'sales') > 0 AS emitted;
SELECT channel, said FROM send(5 * 3600);
SELECT regexp_replace(reason, '[0-9]+', 'N') AS reason, count(*) FROM box WHERE status = 'suppressed' GROUP BY 1 ORDER BY 1;
SELECT clear();
-- a message for each event
SELECT augur.create_channel('ml', 'file:x') > 0 AND augur.create_route('each', 'ml', digest => false) > 0 AS made;
SELECT count(augur.emit('data_loaded', 'info', 'orders', jsonb_build_object('rows_ok', i, 'rows_bad', 0))) FROM generate_series(1, 3) i;
SELECT said, events FROM send(0);
SELECT clear();

-- ---- silences ---------------------------------------------------------------------------------------------

SELECT augur.create_channel('ml', 'file:x') > 0 AND augur.create_route('all', 'ml') > 0 AS made;
SELECT augur.silence('1 hour', kinds => '{drift_*}', subject => 'ch?rn', comment => 'migration') > 0 AS silent;
SELECT augur.emit('drift_found', 'warning', 'churn') > 0 AS emitted;
SELECT augur.emit('drift_found', 'warning', 'sales') > 0 AS emitted;
SELECT said, events FROM send(40);
SELECT augur.unsilence(id) FROM augur.silences;
SELECT augur.emit('drift_found', 'warning', 'churn') > 0 AS emitted;
SELECT said, events FROM send(400);
SELECT kind, subject, status, regexp_replace(reason, '[0-9]+', 'N') AS reason FROM box;
SELECT clear();

-- ---- too many an hour -----------------------------------------------------------------------------------------

SELECT augur.create_channel('ml', 'file:x', per_hour => 2) > 0 AND augur.create_route('all', 'ml', group_by => '{subject}') > 0 AS made;
SELECT count(augur.emit('kind_' || i % 2, 'error', 's' || i)) FROM generate_series(1, 9) i;
SELECT augur.emit('worst', 'critical', 's') > 0 AS emitted;
SELECT said FROM send(40);
SELECT status, reason, count(*) FROM box GROUP BY 1, 2 ORDER BY 1, 2;
SELECT said, events FROM send(3700);
SELECT said, events FROM send(7400);
SELECT clear();

-- ---- states -----------------------------------------------------------------------------------------------------

SELECT augur.create_channel('ml', 'file:x', max_age => '1 hour') > 0 AS made;
SELECT augur.test_channel('ml') > 0 AS queued;
SELECT notification AS n FROM augur._notification_claim('me', t(0)) \gset
-- one at a time, and nobody else's
SELECT count(*) FROM augur._notification_claim('you', t(2));
SELECT augur._notification_record(:n, 1, 'you', 200, NULL, NULL, NULL, 0);
SELECT augur._notification_record(:n, 2, 'me', 200, NULL, NULL, NULL, 0);
UPDATE augur.notifications SET status = 'queued';
UPDATE augur.notifications SET subject = 'other';
-- the lease runs out: again, and who had it is too late
SELECT attempt FROM augur._notification_claim('you', t(61));
SELECT augur._notification_record(:n, 1, 'me', 200, NULL, NULL, NULL, 0, t(62));
SELECT augur._notification_record(:n, 2, 'you', 500, NULL, NULL, 'sorry', 0, t(62));
SELECT status, attempts, reason, next_at - t(62) <= interval '10 s' AS soon FROM augur.notifications;
SELECT attempt, outcome, http, error, response FROM augur.notification_attempts ORDER BY id;
-- 429 pauses the channel and does not count
SELECT attempt FROM augur._notification_claim('me', t(80));
SELECT augur._notification_record(:n, 3, 'me', 429, 7, NULL, NULL, 0, t(80));
SELECT status, attempts, next_at = t(87) AS then, reason FROM augur.notifications;
SELECT count(*) FROM augur._notification_claim('me', t(86));
SELECT attempt FROM augur._notification_claim('me', t(88));
SELECT augur._notification_record(:n, 3, 'me', 429, NULL, NULL, NULL, 0, t(88));
SELECT paused_until = t(118) AS half_a_minute FROM augur.channel_states;
SELECT attempt FROM augur._notification_claim('me', t(120));
SELECT augur._notification_record(:n, 3, 'me', 429, 999999, NULL, NULL, 0, t(120));
SELECT paused_until = t(3720) AS an_hour FROM augur.channel_states;
-- a clock that was set back stops nothing
SELECT attempt FROM augur._notification_claim('me', t(-7200));
SELECT augur._notification_record(:n, 3, 'me', 0, NULL, 'Timeout was reached', NULL, 10, t(-7200));
-- killed deliverers do not count, the eighth failure does
UPDATE augur.notifications SET attempts = 20;
SELECT attempt FROM augur._notification_claim('me', t(1100));
SELECT augur._notification_record(:n, 21, 'me', 503, NULL, NULL, NULL, 0, t(1100));
INSERT INTO augur.notification_attempts (notification_id, attempt, outcome) SELECT :n, a, 'retry_wait' FROM generate_series(22, 25) a;
SELECT attempt FROM augur._notification_claim('me', t(1200));
SELECT augur._notification_record(:n, 22, 'me', 503, NULL, NULL, NULL, 0, t(1200));
SELECT augur.notification_retry('ml', notification => :n), augur.notification_retry(since => 'infinity');
-- too old
SELECT count(*) FROM augur._notification_claim('me', t(3601));
SELECT status, reason FROM augur.notifications WHERE id = :n;
-- 400: once more as plain text; 404: dead, and the channel with it
SELECT augur.test_channel('ml') > 0 AS queued;
SELECT max(id) AS n FROM augur.notifications \gset
SELECT body::jsonb ? 'blocks' AS blocks FROM augur._notification_claim('me', t(0));
SELECT augur._notification_record(:n, 1, 'me', 400, NULL, NULL, 'invalid_blocks', 0, t(0));
SELECT attempt, body::jsonb ? 'blocks' AS blocks, body::jsonb ? 'text' AS text FROM augur._notification_claim('me', t(2));
SELECT augur._notification_record(:n, 2, 'me', 400, NULL, NULL, 'no_text', 0, t(2));
SELECT augur.test_channel('ml') > 0 AS queued;
SELECT max(id) AS n FROM augur.notifications \gset
SELECT attempt FROM augur._notification_claim('me', t(4));
SELECT augur._notification_record(:n, 1, 'me', 404, NULL, NULL, 'no_service', 0, t(4));
SELECT channel, state, reason FROM augur.notification_status;
SELECT * FROM augur._health_notifications() WHERE component <> 'notifications';
SELECT augur.test_channel('ml') > 0 AS queued;
SELECT count(*) FROM augur._notification_claim('me', t(10));
SELECT augur.channel_enable('ml');
SELECT said, outcome FROM send(20);
SELECT kind, severity, subject, payload - 'notification' AS payload FROM augur.events WHERE kind ~ 'channel|notif' ORDER BY id;
SELECT state, waiting, sent_24h, dead_24h FROM augur.notification_status;
-- disabled: not queued
SELECT augur.create_route('all', 'ml') > 0 AS made;
SELECT augur.alter_channel('ml', enabled => false);
SELECT augur.emit('x') > 0 AS emitted;
SELECT count(*) FROM augur.notifications WHERE kind = 'x';
-- retention by age
SELECT augur._notification_retention();
ALTER TABLE augur.notifications DISABLE TRIGGER notifications_guard;
UPDATE augur.notifications SET ended_at = now() - interval '31 days';
SELECT augur._notification_retention('infinity');
SELECT status, count(*) FROM augur.notifications GROUP BY 1;
UPDATE augur.notifications SET ended_at = now() - interval '91 days';
SELECT augur._notification_retention() > 0 AS gone;
SELECT count(*) FROM augur.notification_attempts;
ALTER TABLE augur.notifications ENABLE TRIGGER notifications_guard;
SELECT augur.drop_channel('ml');
SELECT count(*) FROM augur.routes;
-- full jitter, doubled, bounded
SELECT n, augur._notification_delay(n, 1) AS most, augur._notification_delay(n, 0) AS least FROM generate_series(1, 10) n;
SELECT clear();

-- ---- what must not be lost, nor told wrongly ---------------------------------------------------------------

-- the end waits for a beginning that has to be tried again, also where they are in different groups
SELECT augur.create_channel('ml', 'file:x') > 0 AND augur.create_route('each', 'ml', min_severity => 'warning', digest => false) > 0 AS made;
SELECT augur.emit('drift_found', 'critical', 'churn') > 0 AS emitted;
SELECT said, outcome FROM (SELECT augur._notification_record(c.notification, 1, 'me', 503, 100, NULL, NULL, 0, t(1)) AS outcome,
	c.body::jsonb #>> '{blocks,0,text,text}' AS said FROM augur._notification_claim('me', t(1)) c) x;
-- who asks to come back later is asked later, though not with a pause of the channel
SELECT next_at >= t(101) AS later, paused_until FROM augur.notifications, augur.channel_states;
UPDATE augur.notifications SET next_at = t(200);
SELECT augur.emit('drift_resolved', 'info', 'churn') > 0 AS emitted;
SELECT said FROM send(100);
SELECT kind, status, reason FROM box WHERE kind = 'drift_resolved';
SELECT said FROM send(200);
SELECT kind, status FROM box WHERE kind ~ 'drift' ORDER BY 1;
-- groups that wait for each other's ends do so for an hour
SELECT augur.drop_route('each'), augur.create_route('team', 'ml', group_by => '{payload.team}') > 0 AS made;
SELECT count(augur.emit(k, s, o, jsonb_build_object('team', g))) FROM (VALUES ('a_failed', 'error', 'a', 1), ('b_failed', 'error', 'b', 2),
	('b_recovered', 'info', 'b', 1), ('a_recovered', 'info', 'a', 2)) v (k, s, o, g);
SELECT said FROM send(300);
SELECT said FROM send(3800);
SELECT clear();

-- messages that are given up without an answer are an event, too, and bad health
SELECT augur.create_channel('ml', 'file:x', max_age => '3 hours') > 0 AND augur.create_route('all', 'ml', kinds => '{a,b,c,d}', digest => false) > 0 AS made;
SELECT max(id) AS before FROM augur.events \gset
SELECT augur.emit(k) > 0 AS emitted FROM unnest('{a,b,c,d}'::text[]) k;
SELECT count(*) FROM augur._notification_claim('me', t(0));
UPDATE augur.notifications SET attempts = 30 WHERE status = 'sending';
SELECT count(*) FROM augur._notification_claim('me', t(61));
SELECT kind, severity, subject, payload - 'notification' AS payload FROM augur.events WHERE kind = 'notifications_dead' AND id > :before;
-- once an hour; of those that waited, and of those that never came to their turn
UPDATE augur.notifications SET attempts = 30 WHERE status = 'sending';
SELECT count(*) FROM augur._notification_claim('me', t(125));
SELECT count(*) FROM augur._notification_claim('me', t(10801));
SELECT kind, status, reason FROM box;
SELECT payload - 'notification' AS payload FROM augur.events WHERE kind = 'notifications_dead' AND id > :before ORDER BY id;
SELECT component, status, detail FROM augur._health_notifications() ORDER BY 1;
SELECT clear();

-- a receiver that is down for hours costs no message; that it is down is told elsewhere; when it is back, all goes out at once
SELECT augur.create_channel('down', 'file:x') > 0 AND augur.create_channel('up', 'file:x') > 0 AS made;
SELECT augur.create_route('all', 'down', kinds => '{a,b,channel_*}', continues => true, digest => false) > 0
	AND augur.create_route('up', 'up', kinds => '{channel_*}', digest => false) > 0 AS made;
SELECT augur.emit('a') > 0 AND augur.emit('b') > 0 AS emitted;
CREATE FUNCTION fail(most int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	r			record;
	outcomes	text[];
BEGIN
	FOR i IN 1 .. most LOOP
		SELECT * INTO r FROM augur._notification_claim('me', t(i * 1000), 1);
		outcomes := outcomes || augur._notification_record(r.notification, r.attempt, 'me', 0, NULL, 'Could not connect', NULL, 1, t(i * 1000));
	END LOOP;
	RETURN array_to_string(outcomes, ' ');
END
$$;
SELECT fail(15);
SELECT kind, severity, subject, payload - 'since' AS payload FROM augur.events WHERE kind ~ '^channel' AND id > :before;
SELECT n.kind, c.name, n.status FROM augur.notifications n JOIN augur.channels c ON c.id = n.channel_id WHERE n.kind ~ '^channel';
SELECT channel, state, reason FROM augur.notification_status ORDER BY 1;
SELECT fail(3);
UPDATE augur.notifications SET next_at = t(30000) WHERE status = 'retry_wait';
UPDATE augur.notifications SET next_at = t(29000) WHERE kind = 'a';
SELECT channel, said, outcome FROM send(29000) ORDER BY channel DESC, said;
SELECT kind, count(*) FROM augur.events WHERE kind ~ '^channel' AND id > :before GROUP BY 1 ORDER BY 1;
-- one that fails while others go through is given up
SELECT augur.drop_channel('up');
TRUNCATE augur.notifications, augur.notification_attempts;
SELECT augur.emit('a') > 0 AS emitted;
SELECT fail(7);
SELECT augur.emit('b', 'critical') > 0 AS emitted;
SELECT augur._notification_record(notification, 1, 'me', 200, NULL, NULL, NULL, 0, t(7500)) FROM augur._notification_claim('me', t(7500));
SELECT augur._notification_record(notification, 8, 'me', 500, NULL, NULL, NULL, 0, t(8500)) FROM augur._notification_claim('me', t(8500));
SELECT kind, status FROM box;
DROP FUNCTION fail(int);
SELECT clear();

-- nobody's event of the same name keeps another's back
SELECT augur.create_channel('ml', 'file:x') > 0 AND augur.create_route('all', 'ml') > 0 AS made;
CREATE ROLE regress_augur_stranger;
SELECT augur.grant_preset('regress_augur_stranger', 'trainer');
SET ROLE regress_augur_stranger;
SELECT augur.emit('monitor_failed', 'error', 'sales') > 0 AS emitted;
RESET ROLE;
SELECT said FROM send(40);
SELECT augur.emit('monitor_failed', 'error', 'sales') > 0 AS emitted;
SELECT said FROM send(400);
SELECT clear();
DROP OWNED BY regress_augur_stranger;
DROP ROLE regress_augur_stranger;

-- a dropped route's events are silenced as others; a silence that ended days ago counts for what waits since then
SELECT augur.create_channel('ml', 'file:x', max_age => '30 days') > 0 AND augur.create_route('all', 'ml') > 0 AS made;
SELECT augur.emit('a', 'error') > 0 AND augur.silence(kinds => '{a}') > 0 AS silent;
SELECT augur.drop_route('all');
SELECT said FROM send(40);
SELECT kind, status FROM box;
SELECT augur.create_route('all', 'ml') > 0 AND augur.emit('a', 'error') > 0 AS emitted;
SELECT said FROM send(86400 * 4);
SELECT kind, status FROM box;
SELECT clear();

-- what waits for its time is not late
SELECT augur.create_channel('ml', 'file:x', per_hour => 1) > 0 AND augur.create_route('all', 'ml', digest => false) > 0 AS made;
SELECT augur.emit('a') > 0 AND augur.emit('b') > 0 AS emitted;
SELECT said FROM send(0);
UPDATE augur.notifications SET queued_at = now() - interval '20 minutes' WHERE status = 'retry_wait';
SELECT component, status FROM augur._health_notifications();
UPDATE augur.notifications SET next_at = now() - interval '16 minutes' WHERE status = 'retry_wait';
SELECT component, status FROM augur._health_notifications();
-- nor is anything left of a channel that is gone
DELETE FROM augur.channels;
SELECT augur._notification_retention();
SELECT kind, status, reason FROM box;
SELECT clear();

-- a message that cannot be written goes out without its details, and holds up no other
SELECT augur.create_channel('ml', 'file:x') > 0 AND augur.create_channel('hook', 'file:y', 'webhook') > 0 AS made;
SELECT augur.create_route('all', 'ml', continues => true, digest => false) > 0 AND augur.create_route('hook', 'hook', digest => false) > 0 AS made;
SELECT augur.emit('a_failed', 'error', '<!channel>') > 0 AS emitted;
BEGIN;
CREATE OR REPLACE FUNCTION augur._event_story(e augur.events, OUT icon text, OUT title text, OUT story text, OUT fields text[], OUT look text)
LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE EXCEPTION 'no story'; END $$;
SELECT regexp_replace(replace(body, current_database(), 'DB'), '20[0-9-]+T[0-9:.]+Z|(id =|"notification":) *[0-9]+', '\1 N', 'g') AS body
FROM augur._notification_claim('me', t(1)) ORDER BY notification;
ROLLBACK;
SELECT length(augur._message_clean(repeat('x', 1000000)));
SELECT clear();

-- ---- what messages say --------------------------------------------------------------------------------------------

SELECT augur.create_channel('slack', 'file:x') > 0 AND augur.create_channel('hook', 'file:y', 'webhook') > 0 AS made;
CREATE FUNCTION story(kind text, severity text, subject text, payload jsonb, model text DEFAULT NULL) RETURNS TABLE (title text, story text, fields text, look text)
LANGUAGE sql AS $$
	SELECT s.icon || ' ' || s.title, s.story, array_to_string(s.fields, ' | '), s.look FROM augur._event_story(ROW (7, '2026-06-01 12:00+00', kind, severity, subject,
		CASE WHEN model IS NOT NULL THEN 1 END, model, payload, 'pg_monitor'::regrole, 'ann')::augur.events) s $$;
\x on
SELECT s.* FROM (VALUES
	(1, 'training_finished', 'info', 'churn/7', '{"run": 9, "version": 7, "algorithm": "random_forest", "rows": 12345, "seconds": 3.456, "metric": "auc", "value": 0.91234567, "promoted": true}'::jsonb, 'churn'),
	(2, 'training_failed', 'error', 'churn', '{"run": 9, "algorithm": "random_forest"}', 'churn'),
	(3, 'version_rejected', 'warning', 'churn/7', '{"version": 7, "from": "pending", "run": 9}', 'churn'),
	(4, 'promoted', 'info', 'churn/7', '{"version": 7, "old_version": 6, "alias": "production", "reason": "better"}', 'churn'),
	(5, 'rolled_back', 'warning', 'churn/6', '{"version": 6, "old_version": 7, "reason": "June"}', 'churn'),
	(6, 'alias_moved', 'info', 'churn@canary', '{"alias": "canary", "version": 7, "old_version": 6}', 'churn'),
	(7, 'concept_drift', 'warning', 'churn/7', '{"version": 7, "detector": "adwin", "loss": "error", "direction": "worse", "mean_before": 0.1, "mean_after": 0.25, "changes": 1}', 'churn'),
	(8, 'drift_found', 'warning', 'churn', '{"monitor": "churn", "run": 4, "version": 7, "verdict": "drift", "share": 0.25, "weighted_share": 0.61803, "columns": ["age", "region"]}', 'churn'),
	(9, 'drift_resolved', 'info', 'churn', '{"monitor": "churn"}', 'churn'),
	(10, 'monitor_failed', 'error', 'churn', '{"monitor": "churn", "detail": "column \"age\" does not exist"}', 'churn'),
	(11, 'validation_failed', 'error', 'fit on visits', '{"suite": "fit", "relation": "public.visits", "run": 3, "rows": 8000, "failed": 2, "errors": 0, "warned": 1, "messages": ["a is null in 3 rows", "b"]}', NULL),
	(12, 'validation_recovered', 'info', 'fit on visits', '{"suite": "fit", "run": 4, "rows": 8000, "failed": 0}', NULL),
	(13, 'retrain_rejected', 'warning', 'churn/8', '{"decision": 5, "trigger": "schedule", "version": 8, "reason": "the gain is not above 0"}', 'churn'),
	(14, 'retrain_stopped', 'error', 'churn', '{"decision": 5, "candidates": 2}', 'churn'),
	(15, 'data_loaded', 'warning', 'orders', '{"batch": 3, "rows_read": 100, "rows_ok": 98, "rows_bad": 2}', NULL),
	(16, 'features_late', 'warning', 'spending', '{"feature_set": "spending", "refresh": 3, "late": 17, "lateness": "2 days"}', NULL),
	(17, 'pipeline_failed', 'error', 'daily/12', '{"pipeline": "daily", "run": 12, "status": "failed", "trigger": "schedule", "logical_date": "2026-06-01", "seconds": 12.5, "step": "load", "attempt": 2, "sqlstate": "58P01", "message": "no file"}', NULL),
	(18, 'pipeline_failed', 'error', 'daily/12', '{"pipeline": "daily", "run": 12, "status": "timed_out"}', NULL),
	(19, 'pipeline_late', 'warning', 'daily', '{"pipeline": "daily", "run": 12, "seconds": 900, "usual_seconds": 60}', NULL),
	(20, 'pipeline_missed', 'warning', 'daily', '{"pipeline": "daily"}', NULL),
	(21, 'pipeline_succeeded', 'info', 'daily/12', '{"pipeline": "daily", "run": 12, "seconds": 61.2}', NULL),
	(22, 'channel_disabled', 'error', 'ml', '{"channel": "ml", "http": 404, "message": "HTTP status 404"}', NULL),
	(23, 'label_delay', 'critical', 'labels of May', '{"days": 12, "tables": ["a", "b"], "big": 1234567.891, "tiny": 0.00000123, "ok": false, "nothing": null}', NULL)) v (n, k, s, u, p, m),
	LATERAL story(k, s, u, p, m) s ORDER BY n;

-- the queries work
\x off
CREATE FUNCTION runs(query text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'EXPLAIN ' || query; RETURN true; END $$;
SELECT kind, runs(look) FROM unnest('{training_finished,training_failed,version_rejected,version_failed,promoted,rolled_back,alias_moved,owner_changed,
concept_drift,drift_found,drift_resolved,monitor_failed,validation_failed,retrain_kept,retrain_stopped,data_loaded,features_late,channel_disabled,notifications_dead,other}'::text[])
	k (kind), LATERAL story(kind, 'info', 'm/1', '{"run": 1, "batch": 1, "feature_set": "f"}', 'it''s');
\x on
-- names that want to be more than names
SELECT augur.create_route('all', 'slack', continues => true) > 0 AND augur.create_route('hook', 'hook') > 0 AS made;
SELECT augur.emit('promoted', 'info', E'<!channel> & <https://x.example|click>\n\u202e*bold* `code`', jsonb_build_object('reason', '<@U123> ' || repeat('&', 3000))) > 0 AS emitted;
SELECT jsonb_pretty(jsonb_set(jsonb_set(body::jsonb, '{text}', to_jsonb(regexp_replace(body::jsonb ->> 'text', '(&amp;){10,}', '(many)'))), '{blocks,2}', to_jsonb(length(body::jsonb #>> '{blocks,2,fields,0,text}')))) ~ '[<>]' AS raw,
	body::jsonb #>> '{blocks,0,text,text}' AS header, length(body::jsonb ->> 'text') < 4000 AS short, length(body::jsonb #>> '{blocks,2,fields,0,text}') <= 2000 AS fits
FROM augur._notification_claim('me', t(40)) WHERE body::jsonb ? 'blocks';
\x off
SELECT clear();
SELECT augur._slack_escape(repeat('&', 100), 12), augur._slack_escape('a<b', 6), augur._slack_escape('<<<<', 6), length(augur._slack_escape(repeat('<', 500), 150));
SELECT augur._message_number(v) FROM unnest('{0,1,-1,1000,1234567,0.5,0.123456,12.3456,1234.56,99999.95,1e15,1e-7,NaN,Infinity}'::numeric[]) v;

-- a query that is shown may be copied, so what looks like a quote must be none
SELECT augur.create_channel('slack', 'file:x') > 0 AND augur.create_route('all', 'slack') > 0 AS made;
SELECT augur.emit('training_failed', 'error', 'x`; DROP TABLE t; --') > 0 AS emitted;
SELECT body::jsonb #> '{blocks,2,text}' AS query FROM augur._notification_claim('me', t(1000)) WHERE body::jsonb ? 'blocks';
SELECT clear();

-- the whole of a message of each kind of channel
SELECT augur.create_channel('slack', 'file:x') > 0 AND augur.create_channel('hook', 'file:y', 'webhook') > 0 AS made;
SELECT augur.create_route('all', 'slack', continues => true) > 0 AND augur.create_route('hook', 'hook') > 0 AS made;
SELECT augur.emit('drift_found', 'warning', 'sales', '{"monitor": "sales", "share": 0.5, "columns": ["price"]}') > 0 AS emitted;
SELECT regexp_replace(replace(jsonb_pretty(body::jsonb), current_database(), 'DB'), '20[0-9-]+[ T][0-9:.]+|(event|id =|"id":|"notification":) *[0-9]+', '\1 N', 'g') AS body FROM augur._notification_claim('me', t(40));
SELECT count(augur.emit('drift_found', 'warning', 'm' || i % 12, '{"columns": ["price"]}')) FROM generate_series(1, 30) i;
UPDATE augur.channel_states SET tried_at = NULL;
SELECT count(augur._notification_record(id, 1, 'me', 200, NULL, NULL, NULL, 0, t(0))) FROM augur.notifications WHERE status = 'sending';
SELECT regexp_replace(replace(body::jsonb ->> 'text', current_database(), 'DB'), '20[0-9-]+ [0-9:.]+|from [0-9]+|BETWEEN [0-9]+ AND [0-9]+', 'N', 'g') AS text,
	body::jsonb ->> 'count' AS count, body::jsonb ->> 'more' AS more FROM augur._notification_claim('me', t(400)) ORDER BY 2 NULLS FIRST;
SELECT clear();
