-- notification: what deliverers do, the worker and augur.deliver_notifications alike.
--
-- A deliverer claims messages in a short transaction (a lease of 60 s, at most one message of a
-- channel at a time), sends them with no transaction's work pending, and records the results in
-- another one, if the lease is still its own.  All that decides takes the time as as_of.  A clock
-- that was set back must not stop a channel: times too far ahead count as passed.
--
-- Locks: the row of augur.channel_states first, then rows of augur.notifications.

CREATE OR REPLACE FUNCTION augur._notification_delay(attempts integer, random float8)
	RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	-- 5 s, doubled by each attempt, 15 minutes at most; all of it is jitter
	SELECT make_interval(secs => random * least(900, 5 * 2 ^ least(attempts - 1, 20)))
$$;
COMMENT ON FUNCTION augur._notification_delay(integer, float8) IS
'Internal. How long to wait after so many attempts; random lies in [0, 1).';

-- Takes rows of a group out of the queue that nobody needs to hear; those left are a message.
CREATE OR REPLACE FUNCTION augur._notification_sift(channel_id bigint, r augur.routes,
	group_key text, as_of timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	-- a silence counts that held at any time between the event and now
	IF EXISTS (SELECT FROM augur.silences s WHERE s.starts_at <= as_of AND s.ends_at > (
		SELECT min(q.queued_at) FROM augur.notifications q
		WHERE q.channel_id = _notification_sift.channel_id AND q.status = 'queued'
		AND q.route_id = r.id AND q.group_key = _notification_sift.group_key))
	THEN
		UPDATE augur.notifications n SET status = 'suppressed', ended_at = as_of,
			reason = format('silence %s', f.silence)
		FROM (SELECT q.id, min(s.id) AS silence
			  FROM augur.notifications q
				  JOIN augur.events e ON e.id = q.event_id
				  JOIN augur.silences s ON s.starts_at <= as_of AND s.ends_at > q.queued_at
					  AND augur._event_matches(s.kinds, s.model, s.subject, s.payload, e)
			  WHERE q.channel_id = _notification_sift.channel_id AND q.status = 'queued'
			  AND q.route_id = r.id AND q.group_key = _notification_sift.group_key
			  GROUP BY q.id) f
		WHERE n.id = f.id;
	END IF;

	-- the end of something that nobody was told of
	UPDATE augur.notifications n SET status = 'suppressed', ended_at = as_of,
		reason = 'its beginning was not told'
	WHERE n.channel_id = _notification_sift.channel_id AND n.status = 'queued'
	AND n.route_id = r.id AND n.group_key = _notification_sift.group_key AND n.needs_told
	AND NOT EXISTS (SELECT FROM augur.notifications b
		WHERE b.channel_id = _notification_sift.channel_id AND b.status = 'queued' AND b.route_id = r.id
		AND b.group_key = _notification_sift.group_key AND b.object = n.object AND b.id < n.id
		AND NOT b.resolves)
	AND NOT coalesce((SELECT NOT t.resolves FROM augur.notifications t
		WHERE t.route_id = n.route_id AND t.object = n.object AND t.topic = n.topic
		AND t.status = ANY ('{sent,grouped}'::text[]) ORDER BY t.id DESC LIMIT 1), false);

	-- trouble that repeats the last word about its object; of the same owner, as everybody may write
	-- events under any name, and nobody is to silence another's by that
	UPDATE augur.notifications n SET status = 'suppressed', ended_at = as_of,
		reason = format('repeats notification %s', d.told)
	FROM (SELECT o.object, t.id AS told
		  FROM (SELECT q.object, min(q.kind) AS kind, min(q.subject) AS subject,
					min(e.owner::oid) AS owner, min(e.model_id) AS model_id
				FROM augur.notifications q JOIN augur.events e ON e.id = q.event_id
				WHERE q.channel_id = _notification_sift.channel_id AND q.status = 'queued'
				AND q.route_id = r.id AND q.group_key = _notification_sift.group_key
				GROUP BY q.object
				HAVING min(q.kind) = max(q.kind) AND min(q.subject) = max(q.subject)
				AND min(e.owner::oid) = max(e.owner::oid)
				AND count(DISTINCT coalesce(e.model_id, 0)) = 1
				AND NOT bool_or(q.resolves OR q.severity = 'info')) o
			  CROSS JOIN LATERAL (SELECT s.* FROM augur.notifications s
				  WHERE s.route_id = r.id AND s.object = o.object
				  AND s.status = ANY ('{sent,grouped}'::text[])
				  ORDER BY s.id DESC LIMIT 1) t
			  JOIN augur.events e ON e.id = t.event_id AND e.owner = o.owner
				  AND e.model_id IS NOT DISTINCT FROM o.model_id
			  LEFT JOIN augur.notifications p ON p.id = t.parent_id
		  WHERE t.kind = o.kind AND t.subject = o.subject AND coalesce(p.status, t.status) = 'sent'
		  AND coalesce(p.ended_at, t.ended_at) > as_of - r.repeat_interval
		  AND coalesce(p.ended_at, t.ended_at) <= as_of + interval '1 minute') d
	WHERE n.channel_id = _notification_sift.channel_id AND n.status = 'queued'
	AND n.route_id = r.id AND n.group_key = _notification_sift.group_key AND n.object = d.object;
END
$$;
COMMENT ON FUNCTION augur._notification_sift(bigint, augur.routes, text, timestamptz) IS
'Internal. Suppresses queued rows of a group that are silenced, repeat what was told, or end what was not.';

CREATE OR REPLACE FUNCTION augur._notification_pick(c augur.channels, owner text, as_of timestamptz)
	RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	limit_reason CONSTANT text := 'more messages than the channel takes in an hour';
	sent		bigint;
	g			record;
	r			augur.routes;
	last		record;
	lead_id		bigint;
	n			integer;
	sifted		integer := 0;
BEGIN
	SELECT count(*) INTO sent FROM augur.notifications t
	WHERE t.channel_id = c.id AND t.status = 'sent'
	AND t.ended_at > as_of - interval '1 hour' AND t.ended_at <= as_of + interval '1 minute';
	FOR g IN
		SELECT * FROM (
			SELECT t.id AS lead, t.severity = 'critical' AS critical, true AS again, t.kind,
				NULL::bigint AS route_id, NULL::text AS group_key, NULL::timestamptz AS first_at,
				false AS resolves
			FROM augur.notifications t
			WHERE t.channel_id = c.id AND t.status = 'retry_wait'
			AND (t.next_at <= as_of OR t.next_at > as_of + interval '2 hours')
			UNION ALL
			SELECT min(t.id), bool_or(t.severity = 'critical'), false, min(t.kind),
				t.route_id, t.group_key, min(t.queued_at), bool_or(t.resolves)
			FROM augur.notifications t
			WHERE t.channel_id = c.id AND t.status = 'queued'
			GROUP BY t.route_id, t.group_key) u
		ORDER BY u.critical DESC, u.lead
	LOOP
		IF g.again THEN
			lead_id := g.lead;
			IF g.kind = 'notifications_suppressed' THEN
				-- all that was kept back since the last message of this kind
				UPDATE augur.notifications t SET events = (
					SELECT count(*) FROM augur.notifications s
					WHERE s.channel_id = c.id AND s.status = 'suppressed' AND s.reason = limit_reason
					AND s.ended_at > coalesce((SELECT max(p.ended_at) FROM augur.notifications p
						WHERE p.channel_id = c.id AND p.kind = 'notifications_suppressed'
						AND p.status = 'sent'), '-infinity'))
				WHERE t.id = lead_id;
			END IF;
			EXIT;
		END IF;
		r := NULL;
		SELECT * INTO r FROM augur.routes t WHERE t.id = g.route_id;
		IF r.id IS NOT NULL AND r.digest THEN
			CONTINUE WHEN NOT g.critical AND g.first_at + r.group_wait > as_of
				AND g.first_at <= as_of + interval '1 minute';
			SELECT max(t.ended_at) AS at, bool_or(t.status <> 'sent') AS open INTO last
			FROM augur.notifications t
			WHERE t.route_id = g.route_id AND t.group_key = g.group_key
			AND t.status = ANY ('{sending,retry_wait,sent}'::text[]);
			CONTINUE WHEN last.open OR last.at <= as_of + interval '1 minute' AND last.at > as_of
				- CASE WHEN g.critical THEN least(r.group_wait, r.group_interval) ELSE r.group_interval END;
		END IF;
		-- the end of something is not told before its beginning; where that is held up by a group
		-- that waits in turn for an end, an hour is enough
		CONTINUE WHEN g.resolves AND EXISTS (
			SELECT FROM augur.notifications n
				JOIN augur.notifications b ON b.channel_id = n.channel_id AND b.route_id = n.route_id
					AND b.object = n.object AND b.topic = n.topic AND b.id < n.id AND NOT b.resolves
					AND b.group_key <> n.group_key
			WHERE n.channel_id = c.id AND n.status = 'queued' AND n.resolves
			AND n.route_id = g.route_id AND n.group_key = g.group_key
			AND (b.status = ANY ('{sending,retry_wait}'::text[])
				 OR b.status = 'queued' AND n.queued_at > as_of - interval '1 hour'
				 AND n.queued_at <= as_of + interval '1 minute'));
		IF g.route_id IS NOT NULL THEN
			-- also when the route was dropped: silences hold for what it has queued
			r.id := g.route_id;
			PERFORM augur._notification_sift(c.id, r, g.group_key, as_of);
		END IF;
		SELECT min(t.id), count(*) INTO lead_id, n FROM augur.notifications t
		WHERE t.channel_id = c.id AND t.status = 'queued'
		AND t.route_id IS NOT DISTINCT FROM g.route_id AND t.group_key = g.group_key;
		IF lead_id IS NOT NULL AND g.kind <> 'test'
			AND sent >= (CASE WHEN g.critical THEN 2 ELSE 1 END) * c.per_hour
		THEN
			UPDATE augur.notifications t SET status = 'suppressed', reason = limit_reason, ended_at = as_of
			WHERE t.channel_id = c.id AND t.status = 'queued'
			AND t.route_id IS NOT DISTINCT FROM g.route_id AND t.group_key = g.group_key;
			IF NOT EXISTS (SELECT FROM augur.notifications t WHERE t.channel_id = c.id
				AND t.status = ANY ('{sending,retry_wait}'::text[]) AND t.kind = 'notifications_suppressed')
			THEN
				INSERT INTO augur.notifications (channel_id, kind, severity, subject, object, topic,
					group_key, status, next_at)
				SELECT c.id, 'notifications_suppressed', 'warning', c.name, c.name,
					'notifications_suppressed', 'notifications_suppressed', 'retry_wait',
					interval '1 hour' + min(t.ended_at)
				FROM augur.notifications t
				WHERE t.channel_id = c.id AND t.status = 'sent'
				AND t.ended_at > as_of - interval '1 hour' AND t.ended_at <= as_of + interval '1 minute';
			END IF;
			lead_id := NULL;
		END IF;
		EXIT WHEN lead_id IS NOT NULL;
		-- the transaction stays short, the next one goes on here
		sifted := sifted + 1;
		EXIT WHEN sifted >= 5000;
	END LOOP;
	IF lead_id IS NULL THEN
		RETURN NULL;
	END IF;
	IF NOT g.again THEN
		UPDATE augur.notifications t SET status = 'grouped', parent_id = lead_id, ended_at = as_of
		WHERE t.channel_id = c.id AND t.status = 'queued' AND t.id <> lead_id
		AND t.route_id IS NOT DISTINCT FROM g.route_id AND t.group_key = g.group_key;
	END IF;
	UPDATE augur.notifications t SET status = 'sending', attempts = t.attempts + 1, next_at = NULL,
		lease_owner = _notification_pick.owner, lease_until = as_of + interval '60 seconds',
		events = CASE WHEN g.again THEN t.events ELSE n END
	WHERE t.id = lead_id;
	RETURN lead_id;
END
$$;
COMMENT ON FUNCTION augur._notification_pick(augur.channels, text, timestamptz) IS
'Internal. The next message of a channel that is due, claimed: critical ones first, then by number; NULL when there is none.';

CREATE OR REPLACE FUNCTION augur._notification_given_up(c augur.channels, as_of timestamptz,
	notification bigint, attempts integer, messages bigint, message text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	UPDATE augur.channel_states s SET dead_at = as_of
	WHERE s.channel_id = c.id AND (s.dead_at IS NULL OR s.dead_at <= as_of - interval '1 hour'
		OR s.dead_at > as_of + interval '1 minute');
	IF FOUND THEN
		PERFORM augur._emit('notifications_dead', 'error', c.name, jsonb_build_object('channel', c.name,
			'notification', notification, 'attempts', attempts, 'messages', messages, 'message', message));
	END IF;
EXCEPTION WHEN OTHERS THEN
	RAISE WARNING USING MESSAGE = 'no event was written about notifications that were given up', DETAIL = SQLERRM;
END
$$;
COMMENT ON FUNCTION augur._notification_given_up(augur.channels, timestamptz, bigint, integer, bigint, text) IS
'Internal. Writes an event about messages of a channel that will not be sent, once an hour.';

-- The body to send.  Whatever goes wrong with one, the others must go out.
CREATE OR REPLACE FUNCTION augur._notification_safe_body(n augur.notifications, c augur.channels)
	RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	body		text;
BEGIN
	body := augur._notification_body(n, c);
	-- every byte of some encodings is a character, but not every one is a character of others
	IF NOT (getdatabaseencoding() = ANY ('{UTF8,SQL_ASCII}'::name[])) THEN
		PERFORM convert_to(body, 'UTF8');
	END IF;
	RETURN body;
EXCEPTION WHEN OTHERS THEN
	RAISE WARNING USING MESSAGE = format('the message of notification %s cannot be written', n.id),
		DETAIL = SQLERRM, HINT = 'It is sent without its details.';
	RETURN augur._notification_fallback(n, c);
END
$$;
COMMENT ON FUNCTION augur._notification_safe_body(augur.notifications, augur.channels) IS
'Internal. The body to send for a notification, in any case.';

CREATE OR REPLACE FUNCTION augur._notification_claim(owner text,
	as_of timestamptz DEFAULT clock_timestamp(), most integer DEFAULT 16)
	RETURNS TABLE (notification bigint, attempt integer, secret text, body text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	c			augur.channels;
	lead_id		bigint;
	n			integer := 0;
	ended		integer;
	gone		record;
BEGIN
	PERFORM augur._check_notification_right('{notifier,admin}', 'deliver notifications');
	INSERT INTO augur.channel_states (channel_id)
	SELECT t.id FROM augur.channels t
	WHERE NOT EXISTS (SELECT FROM augur.channel_states s WHERE s.channel_id = t.id)
	ON CONFLICT DO NOTHING;
	FOR c IN
		SELECT t.* FROM augur.channel_states s JOIN augur.channels t ON t.id = s.channel_id
		WHERE EXISTS (SELECT FROM augur.notifications q WHERE q.channel_id = t.id
			AND (q.status = 'queued' OR q.status = ANY ('{sending,retry_wait}'::text[])))
		ORDER BY s.tried_at NULLS FIRST, s.channel_id
		FOR NO KEY UPDATE OF s SKIP LOCKED
	LOOP
		-- a deliverer that died, or a message that has waited for too long; who kills deliverers is
		-- hardly the message, so it is given up for that only after many times
		UPDATE augur.notifications q
		SET status = CASE WHEN q.attempts >= 30 THEN 'dead' ELSE 'retry_wait' END, next_at = as_of,
			lease_owner = NULL, lease_until = NULL, reason = 'its deliverer did not come back',
			ended_at = CASE WHEN q.attempts >= 30 THEN as_of END
		WHERE q.channel_id = c.id AND q.status = 'sending'
		AND (q.lease_until < as_of OR q.lease_until > as_of + interval '2 minutes');
		GET DIAGNOSTICS ended = ROW_COUNT;
		UPDATE augur.notifications q SET status = 'dead', ended_at = as_of,
			reason = concat_ws(': ', 'older than max_age of the channel', q.reason)
		WHERE q.channel_id = c.id AND q.status = 'retry_wait' AND q.queued_at < as_of - c.max_age;
		ended := ended + FOUND::integer;
		UPDATE augur.notifications q SET status = 'expired', ended_at = as_of,
			reason = 'older than max_age of the channel'
		WHERE q.channel_id = c.id AND q.status = 'queued' AND q.queued_at < as_of - c.max_age;
		ended := ended + FOUND::integer;
		IF ended > 0 AND c.enabled THEN
			SELECT count(*) AS messages, min(q.id) AS id, max(q.attempts) AS attempts, min(q.reason) AS reason
			INTO gone FROM augur.notifications q
			WHERE q.channel_id = c.id AND q.ended_at = as_of AND q.status = ANY ('{dead,expired}'::text[])
			AND q.kind <> 'notifications_dead';
			IF gone.messages > 0 THEN
				PERFORM augur._notification_given_up(c, as_of, gone.id, gone.attempts, gone.messages, gone.reason);
			END IF;
		END IF;
		CONTINUE WHEN NOT c.enabled
			OR EXISTS (SELECT FROM augur.notifications q WHERE q.channel_id = c.id AND q.status = 'sending')
			OR EXISTS (SELECT FROM augur.channel_states s WHERE s.channel_id = c.id
				AND (s.circuit = 'open'
					 OR s.paused_until > as_of AND s.paused_until <= as_of + interval '61 minutes'
					 OR s.tried_at > as_of - interval '1 second' AND s.tried_at <= as_of));
		lead_id := augur._notification_pick(c, owner, as_of);
		CONTINUE WHEN lead_id IS NULL;
		UPDATE augur.channel_states s SET tried_at = as_of WHERE s.channel_id = c.id;
		RETURN QUERY SELECT t.id, t.attempts, c.secret, augur._notification_safe_body(t, c)
		FROM augur.notifications t WHERE t.id = lead_id;
		n := n + 1;
		EXIT WHEN n >= most;
	END LOOP;
END
$$;
COMMENT ON FUNCTION augur._notification_claim(text, timestamptz, integer) IS
'Internal. Claims for a deliverer the next message of each channel that may send, and returns it with the reference to its address.';

CREATE OR REPLACE FUNCTION augur._notification_wait(as_of timestamptz DEFAULT clock_timestamp())
	RETURNS float8
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT extract(epoch FROM min(CASE WHEN greatest(w.ready, w.at) > as_of THEN greatest(w.ready, w.at)
			-- due, but a claim just found otherwise: its group's interval holds it, or another deliverer
			ELSE as_of + interval '5 seconds' END) - as_of)::float8
	FROM (SELECT greatest(s.paused_until, s.tried_at + interval '1 second') AS ready,
			  least((SELECT min(CASE q.status WHEN 'sending' THEN q.lease_until ELSE q.next_at END)
					 FROM augur.notifications q
					 WHERE q.channel_id = c.id AND q.status = ANY ('{sending,retry_wait}'::text[])),
					(SELECT CASE WHEN q.severity = 'critical' OR r.digest IS NOT TRUE THEN q.queued_at
							ELSE q.queued_at + r.group_wait END
					 FROM augur.notifications q LEFT JOIN augur.routes r ON r.id = q.route_id
					 WHERE q.channel_id = c.id AND q.status = 'queued'
					 ORDER BY q.id LIMIT 1)) AS at
		  FROM augur.channels c LEFT JOIN augur.channel_states s ON s.channel_id = c.id
		  WHERE c.enabled AND s.circuit IS DISTINCT FROM 'open') w
	WHERE w.at IS NOT NULL
$$;
COMMENT ON FUNCTION augur._notification_wait(timestamptz) IS
'Internal. Seconds until something in the outbox may be due; NULL when it is empty.';

CREATE OR REPLACE FUNCTION augur._notification_record(notification bigint, attempt integer,
	owner text, http integer, retry_after integer, error text, response text, seconds float8,
	as_of timestamptz DEFAULT clock_timestamp()) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	q			augur.notifications;
	c			augur.channels;
	s			augur.channel_states;
	outcome		text;
	what		text := coalesce(error, 'HTTP status ' || http);
	until		timestamptz;
	failures	integer;
	first_id	bigint;
	given_up	boolean := false;
	stuck		boolean := false;
	refused		boolean := coalesce(http = ANY ('{403,404,410}'::int[]), false);
BEGIN
	PERFORM augur._check_notification_right('{notifier,admin}', 'deliver notifications');
	SELECT t.channel_id INTO q.channel_id FROM augur.notifications t WHERE t.id = notification;
	SELECT * INTO s FROM augur.channel_states t WHERE t.channel_id = q.channel_id FOR NO KEY UPDATE;
	SELECT * INTO c FROM augur.channels t WHERE t.id = q.channel_id;
	SELECT * INTO q FROM augur.notifications t
	WHERE t.id = notification AND t.status = 'sending' AND t.lease_owner = owner
	AND t.attempts = attempt
	FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		INSERT INTO augur.notification_attempts (notification_id, attempt, outcome, http, error, response,
			seconds, deliverer)
		VALUES (notification, attempt, 'lease lost', nullif(http, 0), error, response, seconds, owner);
		RETURN 'lease lost';
	END IF;

	-- what was written: attempts of deliverers that were killed say nothing of the receiver
	SELECT count(*) + 1, min(a.id) INTO failures, first_id FROM augur.notification_attempts a
	WHERE a.notification_id = q.id AND a.outcome = 'retry_wait' AND a.http IS DISTINCT FROM 429
	AND a.at >= q.queued_at;
	-- what fails while others go through is given up; while nothing goes through, it is the
	-- receiver that fails, and whoever is to be told of it is told by another channel
	IF failures >= 8 THEN
		given_up := q.kind = 'test' OR EXISTS (
			SELECT FROM augur.notification_attempts a JOIN augur.notifications t ON t.id = a.notification_id
			WHERE a.id > first_id AND a.outcome = 'sent' AND t.channel_id = q.channel_id);
	END IF;
	outcome := CASE
		WHEN http BETWEEN 200 AND 299 THEN 'sent'
		WHEN http = 429 THEN 'retry_wait'
		WHEN http = 400 AND NOT q.plain AND c.kind = 'slack' THEN 'retry_wait'
		WHEN coalesce(http, 0) = 0 OR http = 408 OR http BETWEEN 500 AND 599 THEN
			CASE WHEN given_up THEN 'dead' ELSE 'retry_wait' END
		ELSE 'dead' END;
	until := as_of + CASE WHEN http = 429 THEN
			make_interval(secs => least(3600, greatest(1, coalesce(retry_after, 30))))
		WHEN http = 400 THEN interval '0'
		ELSE greatest(augur._notification_delay(failures, random()),
			make_interval(secs => least(3600, coalesce(retry_after, 0)))) END;
	stuck := failures >= 8 AND outcome = 'retry_wait' AND http IS DISTINCT FROM 429
		AND http IS DISTINCT FROM 400 AND NOT s.recovering;
	UPDATE augur.notifications t SET status = outcome, lease_owner = NULL, lease_until = NULL,
		attempts = t.attempts - CASE WHEN http = 429 THEN 1 ELSE 0 END,
		plain = t.plain OR outcome = 'retry_wait' AND coalesce(http = 400, false),
		next_at = CASE WHEN outcome = 'retry_wait' THEN until END,
		ended_at = CASE WHEN outcome <> 'retry_wait' THEN as_of END,
		reason = CASE WHEN outcome <> 'sent' THEN left(what, 300) END
	WHERE t.id = q.id;
	INSERT INTO augur.notification_attempts (notification_id, attempt, outcome, http, error, response,
		seconds, deliverer)
	VALUES (q.id, q.attempts, outcome, nullif(http, 0), error, response, seconds, owner);

	UPDATE augur.channel_states t SET
		reason = CASE WHEN outcome <> 'sent' THEN left(what, 300) END,
		failing_since = CASE WHEN outcome <> 'sent' THEN
			CASE WHEN http = 429 THEN t.failing_since ELSE coalesce(t.failing_since, as_of) END END,
		recovering = (t.recovering OR stuck) AND outcome <> 'sent',
		paused_until = CASE WHEN http = 429 THEN until END,
		circuit = CASE WHEN refused THEN 'open' ELSE t.circuit END,
		opened_at = CASE WHEN refused THEN coalesce(t.opened_at, as_of) ELSE t.opened_at END
	WHERE t.channel_id = q.channel_id;
	IF refused AND s.circuit = 'closed' THEN
		RAISE WARNING USING MESSAGE = format('notification channel "%s" is disabled: %s', c.name, what),
			HINT = 'Correct its address, then call augur.channel_enable.';
	END IF;
	IF outcome = 'sent' AND s.recovering THEN
		-- what failed with the receiver need not wait for its turn
		UPDATE augur.notifications t SET next_at = as_of
		WHERE t.channel_id = q.channel_id AND t.status = 'retry_wait' AND t.next_at > as_of
		AND t.kind <> 'notifications_suppressed';
	END IF;
	-- what was sent must be written, whatever becomes of the events
	BEGIN
		IF outcome = 'sent' AND s.recovering THEN
			PERFORM augur._emit('channel_recovered', 'info', c.name, jsonb_build_object('channel', c.name));
		ELSIF refused AND s.circuit = 'closed' THEN
			PERFORM augur._emit('channel_disabled', 'error', c.name,
				jsonb_build_object('channel', c.name, 'http', http, 'message', what));
		ELSIF stuck THEN
			PERFORM augur._emit('channel_failed', 'error', c.name, jsonb_build_object('channel', c.name,
				'since', coalesce(s.failing_since, as_of), 'message', what, 'waiting', (
					SELECT count(*) FROM augur.notifications t WHERE t.channel_id = q.channel_id
					AND (t.status = 'queued' OR t.status = ANY ('{sending,retry_wait}'::text[])))));
		ELSIF outcome = 'dead' AND q.kind <> 'notifications_dead' THEN
			PERFORM augur._notification_given_up(c, as_of, q.id, q.attempts, 1, what);
		END IF;
	EXCEPTION WHEN OTHERS THEN
		RAISE WARNING USING MESSAGE = 'no event was written about a notification', DETAIL = SQLERRM;
	END;
	RETURN outcome;
END
$$;
COMMENT ON FUNCTION augur._notification_record(bigint, integer, text, integer, integer, text, text, float8, timestamptz) IS
'Internal. Writes what became of an attempt, if the lease is still the deliverer''s; returns the new status.';

CREATE OR REPLACE PROCEDURE augur.deliver_notifications("limit" integer DEFAULT 100)
LANGUAGE c
AS 'MODULE_PATHNAME', 'augur_notify_deliver';
COMMENT ON PROCEDURE augur.deliver_notifications(integer) IS
'Sends what is due in the outbox, at most so many messages, and one a second for each channel: for hosts where the worker of library augur_notify cannot be loaded, from pg_cron or psql: CALL augur.deliver_notifications(). Commits between, so not inside a transaction block. It may run beside the worker and beside itself. For presets notifier and admin.';

-- ---- what is going on -----------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._notify_worker(OUT state text, OUT pid integer, OUT at timestamptz)
LANGUAGE c STABLE
SET search_path = pg_catalog, augur, pg_temp
AS 'MODULE_PATHNAME', 'augur_notify_worker_state';
COMMENT ON FUNCTION augur._notify_worker() IS
'Internal. The notification worker of this database: "not loaded" (library augur_notify is not preloaded), "not listed" (augur.notify_databases), "running", or why not; when it last looked.';

-- As the extension's owner: numbers of messages are for everybody with a preset, their texts not.
CREATE OR REPLACE FUNCTION augur._notification_counts(OUT channel_id bigint, OUT status text,
	OUT n bigint, OUT oldest timestamptz, OUT due timestamptz) RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT t.channel_id, t.status, count(*), min(t.queued_at),
		-- when it could have been sent; the interval of its group may hold it
		min(CASE t.status WHEN 'queued' THEN t.queued_at + coalesce(r.group_wait + r.group_interval, '0')
			WHEN 'sending' THEN t.lease_until ELSE t.next_at END)
	FROM augur.notifications t LEFT JOIN augur.routes r ON r.id = t.route_id
	WHERE t.status = 'queued' OR t.status = ANY ('{sending,retry_wait}'::text[])
	GROUP BY 1, 2
	UNION ALL
	SELECT t.channel_id, t.status, count(*), min(t.ended_at), NULL FROM augur.notifications t
	WHERE t.ended_at > clock_timestamp() - interval '24 hours' AND t.status = ANY ('{sent,dead,expired}'::text[])
	GROUP BY 1, 2
$$;
COMMENT ON FUNCTION augur._notification_counts() IS
'Internal. Messages of each channel by status: waiting ones, and those that ended within 24 hours.';

CREATE OR REPLACE VIEW augur.notification_status WITH (security_invoker = true) AS
SELECT c.name AS channel, c.kind,
	CASE WHEN NOT c.enabled THEN 'disabled' WHEN s.circuit = 'open' THEN 'refused'
		WHEN s.paused_until > now() THEN 'paused' WHEN s.failing_since IS NOT NULL THEN 'failing'
		ELSE 'ok' END AS state,
	coalesce(n.waiting, 0) AS waiting, n.oldest, coalesce(n.sent, 0) AS sent_24h, coalesce(n.dead, 0) AS dead_24h,
	coalesce(n.expired, 0) AS expired_24h, s.circuit, s.paused_until, s.failing_since, s.reason,
	w.state AS worker, w.at AS worker_at
FROM augur.channels c
	CROSS JOIN augur._notify_worker() w
	LEFT JOIN augur.channel_states s ON s.channel_id = c.id
	LEFT JOIN (SELECT t.channel_id,
			sum(t.n) FILTER (WHERE t.status = ANY ('{queued,sending,retry_wait}'::text[]))::bigint AS waiting,
			min(t.oldest) FILTER (WHERE t.status = ANY ('{queued,sending,retry_wait}'::text[])) AS oldest,
			sum(t.n) FILTER (WHERE t.status = 'sent')::bigint AS sent,
			sum(t.n) FILTER (WHERE t.status = 'dead')::bigint AS dead,
			sum(t.n) FILTER (WHERE t.status = 'expired')::bigint AS expired
		FROM augur._notification_counts() t GROUP BY 1) n ON n.channel_id = c.id;
COMMENT ON VIEW augur.notification_status IS
'Each channel: how it stands, what waits and since when, and whether the worker is running.';
COMMENT ON COLUMN augur.notification_status.state IS
'ok; failing (attempts go on); paused (the receiver asked for it); refused (403, 404 or 410: see augur.channel_enable); disabled';
COMMENT ON COLUMN augur.notification_status.waiting IS 'rows of the outbox that are not sent yet';
COMMENT ON COLUMN augur.notification_status.oldest IS 'since when the oldest of them waits';
COMMENT ON COLUMN augur.notification_status.reason IS 'the last failure';
COMMENT ON COLUMN augur.notification_status.worker IS
'running; not loaded: library augur_notify is not in shared_preload_libraries; not listed: the database is not in augur.notify_databases; or what keeps it';
COMMENT ON COLUMN augur.notification_status.worker_at IS 'when the worker last looked into this database';

CREATE OR REPLACE VIEW augur.notification_log WITH (security_invoker = true) AS
SELECT n.id, n.queued_at, c.name AS channel, r.name AS route, n.status, n.severity, n.kind, n.subject,
	n.events, n.attempts, n.next_at, n.ended_at, n.reason, a.http, a.response, n.event_id, n.parent_id
FROM augur.notifications n
	LEFT JOIN augur.channels c ON c.id = n.channel_id
	LEFT JOIN augur.routes r ON r.id = n.route_id
	LEFT JOIN LATERAL (SELECT t.http, t.response FROM augur.notification_attempts t
					   WHERE t.notification_id = n.id ORDER BY t.id DESC LIMIT 1) a ON true;
COMMENT ON VIEW augur.notification_log IS
'What became of each notification: SELECT * FROM augur.notification_log ORDER BY id DESC LIMIT 20. Operators and admins see it.';
COMMENT ON COLUMN augur.notification_log.http IS 'the last answer of the receiver';
COMMENT ON COLUMN augur.notification_log.response IS 'the beginning of its body';

CREATE OR REPLACE FUNCTION augur._health_notifications()
	RETURNS TABLE (component text, status text, detail text, hint text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	w			record;
	s			record;
	late		boolean := false;
BEGIN
	IF NOT EXISTS (SELECT FROM augur.channels) THEN
		RETURN QUERY SELECT 'notifications', 'off', 'there is no channel',
			'Make one with augur.create_channel, see docs/notifications.md.';
		RETURN;
	END IF;
	FOR s IN SELECT * FROM augur.notification_status t ORDER BY t.channel LOOP
		late := late OR s.state = ANY ('{ok,failing}') AND EXISTS (
			SELECT FROM augur._notification_counts() t JOIN augur.channels c ON c.id = t.channel_id
			WHERE c.name = s.channel AND t.due < now() - interval '15 minutes');
		CONTINUE WHEN s.state = ANY ('{ok,paused}') AND s.dead_24h + s.expired_24h = 0;
		RETURN QUERY SELECT 'channel ' || s.channel,
			CASE s.state WHEN 'refused' THEN 'error' WHEN 'disabled' THEN 'off' ELSE 'warning' END,
			concat_ws('; ', CASE WHEN s.state <> ALL ('{ok,paused}') THEN s.state END, s.reason,
				CASE WHEN s.dead_24h > 0 THEN s.dead_24h || ' given up within 24 hours' END,
				CASE WHEN s.expired_24h > 0 THEN s.expired_24h || ' too old to be sent within 24 hours' END,
				CASE WHEN s.waiting > 0 THEN s.waiting || ' waiting' END),
			CASE s.state WHEN 'refused' THEN 'Correct its address, then call augur.channel_enable and augur.notification_retry.'
				WHEN 'disabled' THEN 'Call augur.channel_enable to use it.'
				ELSE 'See augur.notification_log; augur.notification_retry sends what was given up again.' END;
	END LOOP;
	SELECT * INTO w FROM augur._notify_worker();
	RETURN QUERY SELECT 'notifications',
		-- where no worker is asked for, others may deliver; where one is, something keeps it from its work
		CASE WHEN late OR w.state <> ALL ('{running,starting,not loaded,not listed,waiting for the end of recovery}') THEN 'warning' ELSE 'ok' END,
		concat_ws('; ', 'worker ' || w.state, CASE WHEN late THEN 'messages are due for more than 15 minutes' END),
		CASE WHEN w.state = 'running' AND NOT late THEN NULL
			WHEN w.state = 'running' THEN 'See augur.notification_status.'
			WHEN w.state = 'not loaded' THEN
				'Put augur_notify into shared_preload_libraries, or call augur.deliver_notifications from pg_cron.'
			ELSE 'See docs/notifications.md, "The worker".' END;
END
$$;
COMMENT ON FUNCTION augur._health_notifications() IS
'Internal. What augur.health tells about notifications.';
