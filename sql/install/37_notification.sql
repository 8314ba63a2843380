-- notification: channels, routes and silences, and what an event's writer does about them.
--
-- augur._emit calls augur._notify_event in the writer's transaction.  All it does is to add rows:
-- it waits for no lock, and what goes wrong in it is a warning.  Everything else is the deliverer's
-- (38_notification_deliver.sql).

-- ---- who may ------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._check_notification_right(presets text[], what text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF row_security_active('augur.channels')
		AND NOT EXISTS (SELECT FROM augur.preset_roles p
						WHERE p.preset = ANY (presets) AND pg_has_role(p.role, 'USAGE'))
	THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('permission denied to %s', what),
			HINT = format('This is for roles with preset %s.', array_to_string(presets, ' or '));
	END IF;
END
$$;
COMMENT ON FUNCTION augur._check_notification_right(text[], text) IS
'Internal. Raises an error unless the current user has one of the presets, or no row security.';

CREATE OR REPLACE FUNCTION augur._channel(channel text) RETURNS augur.channels
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	c			augur.channels;
BEGIN
	SELECT * INTO c FROM augur.channels t WHERE t.name = _channel.channel;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('channel %s does not exist', coalesce('"' || channel || '"', 'NULL')),
			HINT = 'Table augur.channels has them all.';
	END IF;
	RETURN c;
END
$$;
COMMENT ON FUNCTION augur._channel(text) IS
'Internal. The channel of a name; an error when there is none.';

-- ---- matching -----------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._like(value text, pattern text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT value LIKE translate(replace(replace(replace(pattern, E'\\', E'\\\\'), '%', E'\\%'), '_', E'\\_'),
								'*?', '%_')
$$;
COMMENT ON FUNCTION augur._like(text, text) IS
'Internal. Whether a text is like a pattern with * for any characters and ? for one.';

CREATE OR REPLACE FUNCTION augur._event_matches(kinds text[], model text, subject text,
	payload jsonb, e augur.events) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT (kinds = '{}' OR EXISTS (SELECT FROM unnest(kinds) k WHERE augur._like((e).kind, k)))
		AND ($2 IS NULL OR coalesce(augur._like((e).model, $2), false))
		AND ($3 IS NULL OR augur._like((e).subject, $3))
		AND ($4 = '{}' OR (e).payload @> $4)
$$;
COMMENT ON FUNCTION augur._event_matches(text[], text, text, jsonb, augur.events) IS
'Internal. Whether an event is one of those that a route or a silence is for, severity apart.';

-- drift_found and drift_resolved are about one thing, drift; so are users' own x_failed, x_recovered
CREATE OR REPLACE FUNCTION augur._event_topic(kind text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT regexp_replace(kind, '_(found|failed|error|late|missed|disabled|resolved|recovered)$', '')
$$;
COMMENT ON FUNCTION augur._event_topic(text) IS
'Internal. What a kind of event belongs to: its name without the ending that tells how it stands.';

CREATE OR REPLACE FUNCTION augur._event_object(e augur.events) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT left(coalesce((e).model, (e).payload ->> 'pipeline', (e).payload ->> 'suite',
						 (e).payload ->> 'feature_set', regexp_replace((e).subject, '/[0-9]+$', '')),
				200)
$$;
COMMENT ON FUNCTION augur._event_object(augur.events) IS
'Internal. What an event is about, without the number of a version or run.';

CREATE OR REPLACE FUNCTION augur._route_matches(r augur.routes, e augur.events,
	OUT matches boolean, OUT needs_told boolean)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	levels		CONSTANT text[] := '{info,warning,error,critical}';
BEGIN
	matches := augur._event_matches('{}', r.model, r.subject, r.payload, e);
	needs_told := false;
	IF NOT matches THEN
		RETURN;
	END IF;
	matches := augur._event_matches(r.kinds, NULL, NULL, '{}', e)
		AND array_position(levels, e.severity) >= array_position(levels, r.min_severity);
	-- who is told of a beginning is told of the end, whose severity is info and kind another
	IF NOT matches AND e.kind ~ '_(resolved|recovered)$' THEN
		matches := r.kinds = '{}' OR EXISTS (
			SELECT FROM unnest(r.kinds) k,
				unnest('{found,failed,error,late,missed,disabled,resolved,recovered}'::text[]) s
			WHERE augur._like(augur._event_topic(e.kind) || '_' || s, k));
		needs_told := matches;
	END IF;
END
$$;
COMMENT ON FUNCTION augur._route_matches(augur.routes, augur.events) IS
'Internal. Whether a route takes an event; needs_told: only if it took the beginning of what ends here.';

CREATE OR REPLACE FUNCTION augur._group_key(r augur.routes, e augur.events) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT CASE WHEN NOT (r).digest THEN 'event ' || (e).id
		WHEN length(k.key) > 300 THEN md5(k.key)
		ELSE k.key END
	FROM (SELECT CASE (e).severity WHEN 'critical' THEN 'critical ' ELSE '' END
		|| coalesce(string_agg(CASE g
			WHEN 'kind' THEN augur._event_topic((e).kind)
			WHEN 'severity' THEN (e).severity
			WHEN 'model' THEN coalesce((e).model, '')
			WHEN 'subject' THEN (e).subject
			WHEN 'object' THEN augur._event_object(e)
			ELSE coalesce((e).payload ->> substr(g, length('payload.') + 1), '') END, ' ' ORDER BY n), '')
		AS key FROM unnest((r).group_by) WITH ORDINALITY u (g, n)) k
$$;
COMMENT ON FUNCTION augur._group_key(augur.routes, augur.events) IS
'Internal. Events with the same key share the messages of a route. Critical ones are by themselves, as they do not wait.';

-- ---- what the writer of an event does -------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._notify_wake() RETURNS void
LANGUAGE c VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS 'MODULE_PATHNAME', 'augur_notify_wake';
COMMENT ON FUNCTION augur._notify_wake() IS
'Internal. Wakes the notification worker of this database when the transaction commits, if there is one.';

-- As the extension's owner: whoever writes an event need not see channels, nor the outbox.  It
-- reads tables and compares texts and JSON; nothing that a user wrote is run.  Rows are written
-- for fresh events only, and once, so calling it by hand repeats nothing.
CREATE OR REPLACE FUNCTION augur._notify_event(event bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	e			augur.events;
	r			augur.routes;
	m			record;
	queued		boolean := false;
BEGIN
	IF NOT EXISTS (SELECT FROM augur.routes) THEN
		RETURN;
	END IF;
	BEGIN
		SELECT * INTO e FROM augur.events t
		WHERE t.id = event AND augur._written_here(t.xmin);
		IF NOT FOUND THEN
			RETURN;
		END IF;
		FOR r IN
			SELECT t.* FROM augur.routes t JOIN augur.channels c ON c.id = t.channel_id
			WHERE c.enabled
			-- a channel is not told through itself that it does not work
			AND NOT (e.kind = ANY ('{channel_disabled,channel_failed}'::text[])
					 AND e.payload ->> 'channel' = c.name)
			ORDER BY t.priority, t.id
		LOOP
			m := augur._route_matches(r, e);
			CONTINUE WHEN NOT m.matches;
			INSERT INTO augur.notifications (event_id, channel_id, route_id, kind, severity, subject,
				object, topic, resolves, needs_told, group_key)
			VALUES (e.id, r.channel_id, r.id, e.kind, e.severity, e.subject,
				augur._event_object(e), augur._event_topic(e.kind), e.kind ~ '_(resolved|recovered)$',
				m.needs_told, augur._group_key(r, e))
			ON CONFLICT DO NOTHING;
			queued := true;
			EXIT WHEN NOT r.continues;
		END LOOP;
		IF queued THEN
			PERFORM augur._notify_wake();
		END IF;
	EXCEPTION WHEN OTHERS THEN
		RAISE WARNING USING MESSAGE = format('event %s is not notified', event), DETAIL = SQLERRM;
	END;
END
$$;
COMMENT ON FUNCTION augur._notify_event(bigint) IS
'Internal. Puts a new event into the outbox of each channel whose routes take it.';

-- ---- channels -------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._check_secret(secret text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF secret IS NULL OR secret !~ '^file:[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}$' THEN
		-- not repeated: it may be the address itself, and messages are logged
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'invalid reference to the address of a channel',
			DETAIL = concat_ws(' ', 'It must be "file:" and the name of a file of letters, digits, "_", "-" and ".".',
				CASE WHEN strpos(secret, '://') > 0 THEN
					'Statements that fail are logged: if this was a real URL, it is in the server''s log, and you should make a new one.' END),
			HINT = 'Write the URL into a file in the directory of setting augur.secret_directory, readable by the server alone, and give its name.';
	END IF;
END
$$;
COMMENT ON FUNCTION augur._check_secret(text) IS
'Internal. Raises an error unless the text can be a reference to a secret.';

CREATE OR REPLACE FUNCTION augur._check_word(what text, name text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF name IS NULL OR name !~ '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid name of a %s %s', what, quote_nullable(left(name, 100))),
			DETAIL = 'A name has 1 to 63 letters, digits, "_", "-" and ".".';
	END IF;
END
$$;
COMMENT ON FUNCTION augur._check_word(text, text) IS
'Internal. Raises an error unless the text can be the name of a channel or route.';

CREATE OR REPLACE FUNCTION augur.create_channel(name text, secret text, kind text DEFAULT 'slack',
	per_hour integer DEFAULT 60, max_age interval DEFAULT '24 hours', note text DEFAULT NULL)
	RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	new_id		bigint;
BEGIN
	PERFORM augur._check_notification_right('{admin}', 'create channels');
	PERFORM augur._check_word('channel', name);
	PERFORM augur._check_secret(secret);
	IF kind IS NULL OR NOT (kind = ANY ('{slack,webhook}'::text[])) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid kind of channel %s', quote_nullable(kind)),
			HINT = 'Valid values are slack and webhook.';
	ELSIF per_hour IS NULL OR per_hour NOT BETWEEN 1 AND 3600 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'per_hour must be between 1 and 3600';
	ELSIF max_age IS NULL OR max_age <= interval '0' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'max_age must be positive';
	END IF;
	INSERT INTO augur.channels AS c (name, kind, secret, per_hour, max_age, note)
	VALUES (name, kind, secret, per_hour, max_age, note)
	ON CONFLICT DO NOTHING RETURNING c.id INTO new_id;
	IF new_id IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'duplicate_object',
			MESSAGE = format('channel "%s" exists already', name),
			HINT = 'Change it with augur.alter_channel.';
	END IF;
	RETURN new_id;
END
$$;
COMMENT ON FUNCTION augur.create_channel(text, text, text, integer, interval, text) IS
'Makes a channel, where routes send messages to: SELECT augur.create_channel(''ml'', ''file:slack_ml''). secret: the file with the webhook''s URL, in the directory of setting augur.secret_directory; never the URL itself. kind: slack, or webhook for JSON documents. per_hour: messages an hour, max_age: what could not be sent so long is given up. For admins. Try it with augur.test_channel.';

CREATE OR REPLACE FUNCTION augur.alter_channel(name text, secret text DEFAULT NULL,
	per_hour integer DEFAULT NULL, max_age interval DEFAULT NULL, note text DEFAULT NULL,
	enabled boolean DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	c			augur.channels;
BEGIN
	PERFORM augur._check_notification_right('{admin}', 'change channels');
	c := augur._channel(name);
	IF secret IS NOT NULL THEN
		PERFORM augur._check_secret(secret);
	END IF;
	IF per_hour NOT BETWEEN 1 AND 3600 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'per_hour must be between 1 and 3600';
	ELSIF max_age <= interval '0' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'max_age must be positive';
	END IF;
	UPDATE augur.channels t SET secret = coalesce($2, t.secret), per_hour = coalesce($3, t.per_hour),
		max_age = coalesce($4, t.max_age), note = coalesce($5, t.note),
		enabled = coalesce($6, t.enabled)
	WHERE t.id = c.id;
END
$$;
COMMENT ON FUNCTION augur.alter_channel(text, text, integer, interval, text, boolean) IS
'Changes a channel; what is NULL stays. enabled => false: nothing is queued for it any more, and what waits stays until it is enabled or too old. For admins.';

CREATE OR REPLACE FUNCTION augur.drop_channel(name text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	c			augur.channels;
BEGIN
	PERFORM augur._check_notification_right('{admin}', 'drop channels');
	c := augur._channel(name);
	DELETE FROM augur.channels t WHERE t.id = c.id;
	UPDATE augur.notifications n SET status = CASE n.status WHEN 'queued' THEN 'expired' ELSE 'dead' END,
		reason = format('channel "%s" was dropped', c.name), ended_at = clock_timestamp()
	WHERE n.channel_id = c.id AND n.status = ANY ('{queued,sending,retry_wait}'::text[]);
END
$$;
COMMENT ON FUNCTION augur.drop_channel(text) IS
'Drops a channel with its routes. What waits for it is not sent. For admins.';

CREATE OR REPLACE FUNCTION augur.channel_enable(name text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	c			augur.channels;
BEGIN
	PERFORM augur._check_notification_right('{admin}', 'enable channels');
	c := augur._channel(name);
	UPDATE augur.channels t SET enabled = true WHERE t.id = c.id AND NOT t.enabled;
	UPDATE augur.channel_states s SET recovering = s.recovering OR s.circuit = 'open',
		circuit = 'closed', opened_at = NULL, paused_until = NULL
	WHERE s.channel_id = c.id;
	PERFORM augur._notify_wake();
END
$$;
COMMENT ON FUNCTION augur.channel_enable(text) IS
'Sends to a channel again after its circuit was opened, because the receiver refused for good, or after it was disabled. What has waited and is not too old is sent; what died meanwhile comes back with augur.notification_retry. For admins.';

CREATE OR REPLACE FUNCTION augur.test_channel(name text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	c			augur.channels;
	new_id		bigint;
BEGIN
	PERFORM augur._check_notification_right('{operator,admin}', 'test channels');
	c := augur._channel(name);
	INSERT INTO augur.notifications AS n (channel_id, kind, severity, subject, object, topic, group_key)
	VALUES (c.id, 'test', 'info', c.name, c.name, 'test', 'test')
	RETURNING n.id INTO new_id;
	IF NOT c.enabled OR EXISTS (SELECT FROM augur.channel_states s WHERE s.channel_id = c.id AND s.circuit = 'open') THEN
		RAISE NOTICE USING MESSAGE = format('channel "%s" is %s, so the message waits', c.name,
				CASE WHEN c.enabled THEN 'closed, as its receiver refused for good' ELSE 'disabled' END),
			HINT = 'Call augur.channel_enable.';
	END IF;
	PERFORM augur._notify_wake();
	RETURN new_id;
END
$$;
COMMENT ON FUNCTION augur.test_channel(text) IS
'Queues a test message for a channel and returns its number: see what became of it in augur.notification_log. Without the worker, CALL augur.deliver_notifications() sends it. For operators and admins.';

-- ---- routes ---------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._check_matcher(kinds text[], model text, subject text, payload jsonb)
	RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	k			text;
BEGIN
	IF kinds IS NULL OR array_ndims(kinds) > 1 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'kinds must be a list of kinds of events',
			HINT = 'An empty list stands for all kinds.';
	END IF;
	FOREACH k IN ARRAY kinds LOOP
		IF k IS NULL OR k !~ '^[a-z0-9_*?]{1,63}$' THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
				MESSAGE = format('invalid kind of event %s', quote_nullable(left(k, 100))),
				DETAIL = 'A kind has lower-case letters, digits and "_"; "*" and "?" stand for any characters and for one.';
		END IF;
	END LOOP;
	IF model = '' OR subject = '' OR length(model) > 200 OR length(subject) > 200 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('%s must have 1 to 200 characters',
							 CASE WHEN model = '' OR length(model) > 200 THEN 'model' ELSE 'subject' END),
			HINT = 'NULL stands for all.';
	ELSIF payload IS NULL OR jsonb_typeof(payload) <> 'object' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'payload must be a JSON object, which the payload of an event contains';
	END IF;
END
$$;
COMMENT ON FUNCTION augur._check_matcher(text[], text, text, jsonb) IS
'Internal. Raises an error unless these can tell which events a route or a silence is for.';

CREATE OR REPLACE FUNCTION augur.create_route(name text, channel text, kinds text[] DEFAULT '{}',
	min_severity text DEFAULT 'info', model text DEFAULT NULL, subject text DEFAULT NULL,
	payload jsonb DEFAULT '{}', group_by text[] DEFAULT '{kind}',
	group_wait interval DEFAULT '30 seconds', group_interval interval DEFAULT '5 minutes',
	repeat_interval interval DEFAULT '4 hours', digest boolean DEFAULT true,
	priority integer DEFAULT 100, continues boolean DEFAULT false) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	c			augur.channels;
	g			text;
	new_id		bigint;
BEGIN
	PERFORM augur._check_notification_right('{admin}', 'create routes');
	PERFORM augur._check_word('route', name);
	c := augur._channel(channel);
	PERFORM augur._check_matcher(kinds, model, subject, payload);
	IF min_severity IS NULL OR NOT (min_severity = ANY ('{info,warning,error,critical}'::text[])) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid severity %s', quote_nullable(min_severity)),
			HINT = 'Valid values are info, warning, error and critical.';
	END IF;
	FOREACH g IN ARRAY coalesce(group_by, '{NULL}') LOOP
		IF g IS NULL OR NOT (g = ANY ('{kind,severity,model,subject,object}'::text[]) OR g ~ E'^payload\\..') THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
				MESSAGE = format('cannot group by %s', quote_nullable(left(g, 100))),
				HINT = 'Valid values are kind, severity, model, subject, object and payload.KEY.';
		END IF;
	END LOOP;
	IF least(group_wait, group_interval, repeat_interval) < interval '0' OR group_wait IS NULL
		OR group_interval IS NULL OR repeat_interval IS NULL
	THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'group_wait, group_interval and repeat_interval must not be negative, nor NULL';
	ELSIF digest IS NULL OR priority IS NULL OR continues IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'digest, priority and continues must not be NULL';
	END IF;
	INSERT INTO augur.routes AS r (name, channel_id, priority, kinds, min_severity, model, subject,
		payload, group_by, group_wait, group_interval, repeat_interval, digest, continues)
	VALUES (name, c.id, priority, kinds, min_severity, model, subject,
		payload, group_by, group_wait, group_interval, repeat_interval, digest, continues)
	ON CONFLICT DO NOTHING RETURNING r.id INTO new_id;
	IF new_id IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'duplicate_object',
			MESSAGE = format('route "%s" exists already', name),
			HINT = 'Drop it with augur.drop_route first.';
	END IF;
	RETURN new_id;
END
$$;
COMMENT ON FUNCTION augur.create_route(text, text, text[], text, text, text, jsonb, text[], interval, interval, interval, boolean, integer, boolean) IS
'Sends events to a channel: SELECT augur.create_route(''trouble'', ''ml'', min_severity => ''warning''). kinds, model and subject may have * and ?; payload: what the event''s must contain. The first route by priority takes an event, unless it continues. The first event of a group (events alike in group_by) waits group_wait for others, later messages of the group are group_interval apart; critical events do not wait. A warning or error that repeats what was last said about its object is kept back for repeat_interval. digest => false: a message for each event, at once. Who is told of a failure is told of its end. For admins; it holds for events from then on.';

CREATE OR REPLACE FUNCTION augur.drop_route(name text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	PERFORM augur._check_notification_right('{admin}', 'drop routes');
	DELETE FROM augur.routes r WHERE r.name = drop_route.name;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('route %s does not exist', coalesce('"' || name || '"', 'NULL')),
			HINT = 'Table augur.routes has them all.';
	END IF;
END
$$;
COMMENT ON FUNCTION augur.drop_route(text) IS
'Drops a route. What it has queued is still sent. For admins.';

-- ---- silences -------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur.silence(duration interval DEFAULT '1 hour', kinds text[] DEFAULT '{}',
	model text DEFAULT NULL, subject text DEFAULT NULL, payload jsonb DEFAULT '{}',
	comment text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	new_id		bigint;
BEGIN
	PERFORM augur._check_notification_right('{operator,admin}', 'silence notifications');
	PERFORM augur._check_matcher(kinds, model, subject, payload);
	IF duration IS NULL OR duration <= interval '0' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'duration must be positive',
			HINT = 'End a silence with augur.unsilence.';
	END IF;
	INSERT INTO augur.silences AS s (kinds, model, subject, payload, starts_at, ends_at, comment)
	VALUES (kinds, model, subject, payload, clock_timestamp(), clock_timestamp() + duration, comment)
	RETURNING s.id INTO new_id;
	RETURN new_id;
END
$$;
COMMENT ON FUNCTION augur.silence(interval, text[], text, text, jsonb, text) IS
'Nobody is told of such events for a while: SELECT augur.silence(''2 hours'', model => ''churn'', comment => ''migration''); returns the number of the silence. kinds, model and subject may have * and ?. Events are kept in augur.events as ever. For operators and admins.';

CREATE OR REPLACE FUNCTION augur.unsilence(id bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	PERFORM augur._check_notification_right('{operator,admin}', 'end silences');
	UPDATE augur.silences s SET ends_at = greatest(s.starts_at, least(s.ends_at, clock_timestamp()))
	WHERE s.id = unsilence.id;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('silence %s does not exist', coalesce(id::text, 'NULL')),
			HINT = 'Table augur.silences has them all.';
	END IF;
END
$$;
COMMENT ON FUNCTION augur.unsilence(bigint) IS
'Ends a silence. Events from before stay untold. For operators and admins.';

-- ---- what is left to say --------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._guard_notification() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF (NEW.id, NEW.event_id, NEW.channel_id, NEW.kind, NEW.subject)
		IS DISTINCT FROM (OLD.id, OLD.event_id, OLD.channel_id, OLD.kind, OLD.subject)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('notification %s tells of another event than before', OLD.id);
	ELSIF NEW.status <> OLD.status AND NOT (NEW.status = ANY (CASE OLD.status
		WHEN 'queued' THEN '{sending,grouped,suppressed,expired}'::text[]
		WHEN 'sending' THEN '{sent,retry_wait,dead}'
		WHEN 'retry_wait' THEN '{sending,dead}'
		WHEN 'dead' THEN '{retry_wait}'
		ELSE '{}' END))
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('notification %s cannot go from %s to %s', OLD.id, OLD.status, NEW.status);
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION augur._guard_notification() IS
'Internal. Trigger: a notification moves only along its states.';
CREATE OR REPLACE TRIGGER notifications_guard BEFORE UPDATE ON augur.notifications
FOR EACH ROW EXECUTE FUNCTION augur._guard_notification();
CREATE OR REPLACE TRIGGER notification_attempts_fixed BEFORE UPDATE ON augur.notification_attempts
FOR EACH ROW EXECUTE FUNCTION augur._guard_append_only();

CREATE OR REPLACE FUNCTION augur.notification_retry(channel text DEFAULT NULL,
	since timestamptz DEFAULT NULL, notification bigint DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	c			augur.channels;
	n			integer;
BEGIN
	PERFORM augur._check_notification_right('{operator,admin}', 'requeue notifications');
	IF channel IS NOT NULL THEN
		c := augur._channel(channel);
	END IF;
	UPDATE augur.notifications t SET status = 'retry_wait', attempts = 0, plain = false,
		next_at = clock_timestamp(), queued_at = clock_timestamp(), ended_at = NULL
	WHERE t.status = 'dead' AND (c.id IS NULL OR t.channel_id = c.id)
	AND (since IS NULL OR t.ended_at >= since) AND (notification IS NULL OR t.id = notification)
	AND EXISTS (SELECT FROM augur.channels x WHERE x.id = t.channel_id);
	GET DIAGNOSTICS n = ROW_COUNT;
	PERFORM augur._notify_wake();
	RETURN n;
END
$$;
COMMENT ON FUNCTION augur.notification_retry(text, timestamptz, bigint) IS
'Queues messages again that were given up (status dead), and returns how many: of one channel, those that died since, or one by number; without arguments all. For operators and admins.';

-- As the extension's owner, so that the janitor may be any role: it deletes by fixed ages.
CREATE OR REPLACE FUNCTION augur._notification_retention(as_of timestamptz DEFAULT clock_timestamp())
	RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	n			integer;
BEGIN
	-- a time in the future would delete what is young
	as_of := least(as_of, clock_timestamp());
	-- of channels that are gone; others expire when their channel is looked at
	UPDATE augur.notifications t SET status = 'expired', ended_at = as_of, reason = 'its channel is gone'
	WHERE t.status = 'queued' AND NOT EXISTS (SELECT FROM augur.channels c WHERE c.id = t.channel_id);
	UPDATE augur.notifications t SET status = 'dead', ended_at = as_of, reason = 'its channel is gone'
	WHERE t.status = ANY ('{sending,retry_wait}'::text[]) AND coalesce(t.lease_until, as_of) <= as_of
	AND NOT EXISTS (SELECT FROM augur.channels c WHERE c.id = t.channel_id);
	WITH gone AS (
		DELETE FROM augur.notifications t
		WHERE t.ended_at < as_of - CASE t.status WHEN 'dead' THEN interval '90 days' ELSE interval '30 days' END
		AND t.ended_at < as_of - interval '30 days'
		AND (t.parent_id IS NULL OR NOT EXISTS (SELECT FROM augur.notifications p
			WHERE p.id = t.parent_id AND (p.status = 'dead' OR p.ended_at IS NULL)))
		RETURNING t.id),
	attempts AS (
		DELETE FROM augur.notification_attempts a USING gone WHERE a.notification_id = gone.id)
	SELECT count(*) INTO n FROM gone;
	DELETE FROM augur.silences s WHERE s.ends_at < as_of - interval '90 days';
	RETURN n;
END
$$;
COMMENT ON FUNCTION augur._notification_retention(timestamptz) IS
'Internal. Deletes notifications that ended 30 days ago (dead ones: 90), with their attempts, and silences that ended 90 days ago; returns how many notifications.';
