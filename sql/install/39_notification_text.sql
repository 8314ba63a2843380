-- notification: what a message says.
--
-- Each kind of event has a story: a headline, a sentence or two, numbers, and the query to look
-- further.  Texts of users (names, subjects, payloads) are cleaned of control and direction
-- characters, and in Slack's markup "&", "<" and ">" are escaped, so that no name can mention
-- somebody or pose as a link.  Every length that Slack limits is kept.

-- This file is ASCII, as it is read in the encoding of whatever database: signs are numbers.
CREATE OR REPLACE FUNCTION augur._message_sign(sign text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	code		integer;
BEGIN
	IF getdatabaseencoding() <> 'UTF8' THEN
		RETURN CASE sign WHEN 'cut' THEN '~' WHEN 'bullet' THEN '*' WHEN 'times' THEN 'x' WHEN 'dot' THEN '-' ELSE '' END;
	END IF;
	code := CASE sign WHEN 'info' THEN 8505 WHEN 'warning' THEN 9888 WHEN 'error' THEN 10060 WHEN 'critical' THEN 128680
		WHEN 'ok' THEN 9989 WHEN 'rocket' THEN 128640 WHEN 'back' THEN 9194 WHEN 'fallen' THEN 128201 WHEN 'risen' THEN 128200
		WHEN 'stop' THEN 128721 WHEN 'inbox' THEN 128229 WHEN 'late' THEN 9200 WHEN 'pause' THEN 9208 WHEN 'hand' THEN 9995
		WHEN 'hello' THEN 128075 WHEN 'hush' THEN 129323
		WHEN 'cut' THEN 8230 WHEN 'bullet' THEN 8226 WHEN 'times' THEN 215 WHEN 'dot' THEN 183 END;
	-- these are pictures only by the mark that asks for one
	RETURN chr(code) || CASE WHEN sign = ANY ('{info,warning,pause}'::text[]) THEN chr(65039) ELSE '' END;
END
$$;
COMMENT ON FUNCTION augur._message_sign(text) IS
'Internal. A sign by its name, or what stands for it in a database that is not UTF8: nothing, for pictures.';

-- As much of a text as any message shows: a user's may have hundreds of megabytes, of which a
-- regular expression would take four times as much.
CREATE OR REPLACE FUNCTION augur._message_clean(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT btrim(regexp_replace(CASE WHEN getdatabaseencoding() = 'UTF8'
			THEN regexp_replace(left(value, 4000), E'[\\u061C\\u200E\\u200F\\u202A-\\u202E\\u2066-\\u2069\\uFEFF]', '', 'g')
			ELSE left(value, 4000) END,
		'[[:cntrl:][:space:]]+', ' ', 'g'))
$$;
COMMENT ON FUNCTION augur._message_clean(text) IS
'Internal. The beginning of a text as one line without control characters and marks of direction.';

CREATE OR REPLACE FUNCTION augur._message_cut(value text, most integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT CASE WHEN length(value) <= most THEN value ELSE left(value, most - 1) || augur._message_sign('cut') END
$$;
COMMENT ON FUNCTION augur._message_cut(text, integer) IS
'Internal. A text of at most so many characters.';

CREATE OR REPLACE FUNCTION augur._slack_escape(value text, most integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	raw			text := augur._message_cut(value, most);
	escaped		text;
BEGIN
	LOOP
		escaped := replace(replace(replace(raw, '&', '&amp;'), '<', '&lt;'), '>', '&gt;');
		EXIT WHEN length(escaped) <= most;
		IF length(raw) <= 1 THEN
			RETURN '';
		END IF;
		-- by what is too much, a character of the raw text at least: entities are never cut
		raw := augur._message_cut(raw, greatest(1, length(raw) - greatest(1, (length(escaped) - most + 4) / 5)));
	END LOOP;
	RETURN escaped;
END
$$;
COMMENT ON FUNCTION augur._slack_escape(text, integer) IS
'Internal. A text for Slack, escaped, of at most so many characters.';

CREATE OR REPLACE FUNCTION augur._message_number(value numeric) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT CASE
		WHEN value IS NULL THEN NULL
		WHEN value = ANY ('{NaN,Infinity,-Infinity}'::numeric[]) THEN value::text
		WHEN value = 0 THEN '0'
		WHEN abs(value) >= 1e15 OR abs(value) < 1e-5 THEN btrim(to_char(value, '9.99EEEE'))
		WHEN value = trunc(value) THEN to_char(value, 'FM999,999,999,999,999')
		WHEN abs(value) >= 1000 THEN to_char(round(value, 1), 'FM999,999,999,999,990.0')
		ELSE trim_scale(round(value, greatest(0, 3 - floor(log(nullif(abs(value), 0)))::integer)))::text END
$$;
COMMENT ON FUNCTION augur._message_number(numeric) IS
'Internal. A number as people read it: four digits, thousands apart.';

CREATE OR REPLACE FUNCTION augur._message_value(value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT augur._message_cut(CASE jsonb_typeof(value)
		WHEN 'null' THEN NULL
		WHEN 'number' THEN CASE WHEN length(value #>> '{}') <= 60
			THEN augur._message_number((value #>> '{}')::numeric) ELSE value #>> '{}' END
		WHEN 'boolean' THEN CASE value WHEN 'true' THEN 'yes' ELSE 'no' END
		WHEN 'array' THEN (SELECT string_agg(augur._message_clean(a.v), ', ' ORDER BY a.n)
				|| CASE WHEN jsonb_array_length(value) > 10
				THEN ' and ' || jsonb_array_length(value) - 10 || ' more' ELSE '' END
			FROM (SELECT v, n FROM jsonb_array_elements_text(CASE jsonb_typeof(value)
					WHEN 'array' THEN value ELSE '[]' END) WITH ORDINALITY t (v, n)
				  ORDER BY n LIMIT 10) a)
		WHEN 'object' THEN (SELECT string_agg(augur._message_clean(left(o.k, 400) || ' ' || left(o.v, 400)), ', ' ORDER BY o.k)
			FROM (SELECT k, v FROM jsonb_each_text(CASE jsonb_typeof(value)
				WHEN 'object' THEN value ELSE '{}' END) t (k, v) ORDER BY k LIMIT 10) o)
		ELSE augur._message_clean(value #>> '{}') END, 400)
$$;
COMMENT ON FUNCTION augur._message_value(jsonb) IS
'Internal. A value of a payload as people read it.';

-- The generic story of kinds that are nobody's: the kind as words, and what is in the payload.
CREATE OR REPLACE FUNCTION augur._event_story(e augur.events, OUT icon text, OUT title text,
	OUT story text, OUT fields text[], OUT look text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	p			jsonb := e.payload;
	subject		text := augur._message_clean(e.subject);
	model		text := augur._message_clean(coalesce(e.model, e.payload ->> 'model'));
	words		text := replace(e.kind, '_', ' ');
	-- label and key of the payload; what is missing there is left out
	keys		text[] := '{}';
	pipeline	text := augur._message_clean(p ->> 'pipeline');
	suite		text := augur._message_clean(p ->> 'suite');
	run			text := CASE WHEN p ->> 'run' ~ '^[0-9]{1,18}$' THEN p ->> 'run' END;
	of_model	text := quote_literal(augur._event_object(e));
	version		text := CASE WHEN jsonb_typeof(p -> 'version') = 'number' THEN p ->> 'version' END;
	old			text := CASE WHEN jsonb_typeof(p -> 'old_version') = 'number' THEN p ->> 'old_version' END;
BEGIN
	icon := augur._message_sign(e.severity);
	look := format('SELECT * FROM augur.events WHERE id = %s', e.id);
	CASE
	WHEN e.kind = 'training_finished' THEN
		icon := CASE WHEN p @> '{"promoted": true}' THEN augur._message_sign('rocket') ELSE augur._message_sign('ok') END;
		title := format('%s is trained', subject);
		story := concat(augur._message_value(p -> 'algorithm'), ' on ' || augur._message_value(p -> 'rows') || ' rows, '
			|| augur._message_value(p -> 'seconds') || ' s. ', CASE WHEN p @> '{"promoted": true}'
			THEN 'It is in production.' ELSE 'It is not in production.' END);
		IF p ? 'metric' AND p ? 'value' THEN
			fields := ARRAY['On the holdout', concat_ws(' ', augur._message_value(p -> 'metric'), augur._message_value(p -> 'value'))];
		END IF;
		look := format('SELECT rank, version, value, lower, upper FROM augur.leaderboard WHERE model = %s', of_model);
	WHEN e.kind = 'training_failed' THEN
		title := format('Training of %s failed', coalesce(model, subject));
		story := coalesce(augur._message_value(p -> 'message'), 'It left no version; what served before still does.');
		keys := '{Algorithm,algorithm,Rows,rows,Seconds,seconds}';
		look := format('SELECT * FROM augur.runs_recent WHERE model = %s', of_model);
	WHEN e.kind = 'version_rejected' THEN
		title := format('%s did not pass its gate', subject);
		story := 'What is in production stays there.';
		keys := '{Reason,reason,Run,run}';
		look := format('SELECT version, status, value, baseline_value FROM augur.leaderboard WHERE model = %s', of_model);
	WHEN e.kind = 'version_failed' THEN
		title := format('%s failed', subject);
		keys := '{Run,run}';
		look := format('SELECT * FROM augur.runs_recent WHERE model = %s', of_model);
	WHEN e.kind = 'promoted' THEN
		icon := augur._message_sign('rocket');
		title := format('%s is in production', subject);
		story := concat_ws(' ', CASE WHEN old IS NULL THEN 'It is the first one there.'
			ELSE format('It takes the place of version %s.', old) END,
			'Back: SELECT augur.rollback(' || of_model || ').');
		keys := '{Reason,reason}';
		look := format('SELECT * FROM augur.serving_now WHERE model = %s', of_model);
	WHEN e.kind = 'rolled_back' THEN
		icon := augur._message_sign('back');
		title := CASE WHEN version IS NULL THEN format('%s was rolled back', model)
			ELSE format('%s is back on version %s', model, version) END;
		story := CASE WHEN old IS NOT NULL THEN format('Version %s is out of production.', old) END;
		keys := '{Reason,reason}';
		look := format('SELECT * FROM augur.model_history WHERE model = %s', of_model);
	WHEN e.kind IN ('alias_moved', 'alias_dropped') THEN
		title := CASE e.kind WHEN 'alias_moved' THEN format('%s points at version %s', subject, version)
			ELSE format('Alias %s is gone', subject) END;
		keys := '{Before,old_version,Reason,reason}';
		look := format('SELECT * FROM augur.alias_history WHERE model = %s', of_model);
	WHEN e.kind = 'owner_changed' THEN
		title := format('%s has another owner', coalesce(model, subject));
		keys := '{From,from,To,to}';
	WHEN e.kind = 'concept_drift' THEN
		icon := CASE e.severity WHEN 'info' THEN augur._message_sign('fallen') ELSE augur._message_sign('risen') END;
		title := format('Errors of %s have %s', subject, CASE p ->> 'direction' WHEN 'better' THEN 'fallen' ELSE 'risen' END);
		story := concat(format('The mean %s went from %s to %s', augur._message_value(p -> 'loss'),
			augur._message_value(p -> 'mean_before'), augur._message_value(p -> 'mean_after')),
			', says ' || augur._message_value(p -> 'detector'), '.');
		keys := '{Changed at,event_time,Changes,changes}';
		look := format('SELECT * FROM augur.performance(%s)', of_model);
	WHEN e.kind = 'drift_found' THEN
		title := format('The data of %s have drifted', coalesce(model, subject));
		story := coalesce('Most important first: ' || augur._message_value(p -> 'columns') || '.', augur._message_value(p -> 'detail'));
		keys := '{Monitor,monitor,Segment,segment,Share of columns,share,By importance,weighted_share,Compared with version,version,Until,window_end}';
		look := format('SELECT as_of, segment, verdict, share, columns FROM augur.drift_history WHERE model = %s ORDER BY as_of DESC LIMIT 14', of_model);
	WHEN e.kind = 'drift_resolved' THEN
		icon := augur._message_sign('ok');
		title := format('The data of %s are as they were', coalesce(model, subject));
		story := 'The alarm is over.';
		keys := '{Monitor,monitor,Segment,segment,Until,window_end}';
		look := format('SELECT as_of, segment, verdict, share, columns FROM augur.drift_history WHERE model = %s ORDER BY as_of DESC LIMIT 14', of_model);
	WHEN e.kind = 'monitor_failed' THEN
		title := format('A monitor of %s cannot look', coalesce(model, subject));
		story := augur._message_value(p -> 'detail');
		keys := '{Monitor,monitor,Segment,segment}';
		look := format('SELECT * FROM augur.drift_latest WHERE model = %s', of_model);
	WHEN e.kind IN ('validation_failed', 'validation_error', 'validation_recovered') THEN
		icon := CASE e.kind WHEN 'validation_recovered' THEN augur._message_sign('ok') ELSE icon END;
		title := format(CASE e.kind WHEN 'validation_failed' THEN 'Bad data: %s' WHEN 'validation_error' THEN 'Could not be checked: %s'
			ELSE 'Good data again: %s' END, subject);
		story := (SELECT string_agg(augur._message_sign('bullet') || ' ' || augur._message_cut(augur._message_clean(m.v), 250), E'\n' ORDER BY m.n)
			FROM (SELECT v, n FROM jsonb_array_elements_text(CASE jsonb_typeof(p -> 'messages') WHEN 'array'
				THEN p -> 'messages' ELSE '[]' END) WITH ORDINALITY t (v, n) ORDER BY n LIMIT 5) m);
		keys := '{Rows,rows,Failed,failed,Warned,warned,Errors,errors}';
		look := CASE WHEN run IS NOT NULL THEN
			format('SELECT kind, columns, outcome, message, rows_sql FROM augur.validation_results WHERE run_id = %s', run)
			ELSE look END;
	WHEN e.kind IN ('retrain_promoted', 'retrain_rejected', 'retrain_kept', 'retrain_failed') THEN
		icon := CASE e.kind WHEN 'retrain_promoted' THEN augur._message_sign('rocket') ELSE icon END;
		title := format(CASE e.kind WHEN 'retrain_promoted' THEN '%s was retrained and is in production'
			WHEN 'retrain_rejected' THEN '%s was retrained, and rejected'
			WHEN 'retrain_kept' THEN '%s was retrained, and not promoted' ELSE 'Retraining of %s failed' END, subject);
		story := augur._message_value(p -> 'reason');
		keys := '{Trigger,trigger,Version,version}';
		look := format('SELECT as_of, trigger, outcome, version, reason FROM augur.retrain_decisions WHERE model = %s ORDER BY id DESC LIMIT 10', of_model);
	WHEN e.kind = 'retrain_stopped' THEN
		icon := augur._message_sign('stop');
		title := format('%s is not retrained any more', coalesce(model, subject));
		story := concat(augur._message_value(p -> 'candidates'), ' candidates in a row did not make it. Setting its policy again starts anew.');
		look := format('SELECT as_of, trigger, outcome, version, reason FROM augur.retrain_decisions WHERE model = %s ORDER BY id DESC LIMIT 10', of_model);
	WHEN e.kind = 'data_loaded' THEN
		icon := CASE e.severity WHEN 'info' THEN augur._message_sign('inbox') ELSE icon END;
		title := CASE WHEN p ? 'rows_bad' AND p -> 'rows_bad' <> '0' THEN format('%s: %s rows refused', subject, augur._message_value(p -> 'rows_bad'))
			ELSE format('%s: %s rows loaded', subject, augur._message_value(p -> 'rows_ok')) END;
		keys := '{Read,rows_read,Loaded,rows_ok,Refused,rows_bad}';
		look := CASE WHEN p ->> 'batch' ~ '^[0-9]{1,18}$' THEN
			format('SELECT * FROM augur.quarantine WHERE batch_id = %s', p ->> 'batch') ELSE look END;
	WHEN e.kind = 'features_late' THEN
		title := format('Features %s: data came too late', subject);
		story := format('A full refresh changed %s rows that incremental ones had missed: they came later than the lateness of %s.',
			augur._message_value(p -> 'late'), augur._message_value(p -> 'lateness'));
		look := format('SELECT * FROM augur.feature_set_status WHERE name = %s', quote_literal(p ->> 'feature_set'));
	WHEN e.kind ~ '^pipeline_(succeeded|failed|recovered|late|missed)$' THEN
		icon := CASE e.kind WHEN 'pipeline_succeeded' THEN augur._message_sign('ok') WHEN 'pipeline_recovered' THEN augur._message_sign('ok') WHEN 'pipeline_late' THEN augur._message_sign('late')
			WHEN 'pipeline_missed' THEN augur._message_sign('late') ELSE icon END;
		title := format(CASE
			WHEN e.kind = 'pipeline_succeeded' THEN 'Pipeline %s succeeded'
			WHEN e.kind = 'pipeline_recovered' THEN 'Pipeline %s works again'
			WHEN e.kind = 'pipeline_late' THEN 'Pipeline %s is late'
			WHEN e.kind = 'pipeline_missed' THEN 'Pipeline %s missed a run'
			WHEN p ->> 'status' = 'timed_out' THEN 'Pipeline %s ran out of time'
			WHEN p ->> 'status' = 'crashed' THEN 'Pipeline %s crashed'
			WHEN p ->> 'status' = 'cancelled' THEN 'Pipeline %s was cancelled'
			ELSE 'Pipeline %s failed' END, coalesce(pipeline, subject));
		story := concat_ws(' ', CASE WHEN p ? 'step' AND e.kind = 'pipeline_failed' THEN format('Step %s%s:', augur._message_value(p -> 'step'),
			CASE WHEN p ->> 'attempt' <> '1' THEN format(', attempt %s', augur._message_value(p -> 'attempt')) END) END,
			augur._message_value(p -> 'message'));
		keys := '{Run,run,Started by,trigger,For,logical_date,Seconds,seconds,Usually,usual_seconds,SQLSTATE,sqlstate}';
		look := CASE
			WHEN run IS NULL THEN format('SELECT * FROM augur.pipeline_runs WHERE pipeline = %s ORDER BY id DESC LIMIT 10',
				quote_literal(augur._event_object(e)))
			WHEN e.kind = 'pipeline_failed' THEN
				format('SELECT step, attempt, status, sqlstate, message FROM augur.step_runs WHERE run_id = %s', run)
			ELSE format('SELECT * FROM augur.pipeline_runs WHERE id = %s', run) END;
	WHEN e.kind ~ '^rollout_(requested|approved|started|advanced|paused|resumed|promoted|rolled_back|aborted|denied|expired)$' THEN
		icon := CASE e.kind WHEN 'rollout_promoted' THEN augur._message_sign('rocket') WHEN 'rollout_rolled_back' THEN augur._message_sign('back') WHEN 'rollout_paused' THEN augur._message_sign('pause')
			WHEN 'rollout_requested' THEN augur._message_sign('hand') ELSE icon END;
		title := format(CASE e.kind WHEN 'rollout_requested' THEN '%s waits for approval' WHEN 'rollout_approved' THEN '%s is approved'
			WHEN 'rollout_started' THEN '%s is being rolled out' WHEN 'rollout_advanced' THEN '%s gets more of the traffic'
			WHEN 'rollout_paused' THEN 'The rollout of %s is paused' WHEN 'rollout_resumed' THEN 'The rollout of %s goes on'
			WHEN 'rollout_promoted' THEN '%s is rolled out' WHEN 'rollout_rolled_back' THEN '%s was taken back'
			WHEN 'rollout_aborted' THEN 'The rollout of %s was aborted' WHEN 'rollout_denied' THEN '%s was not approved'
			ELSE 'Nobody approved %s' END, coalesce(model || '/' || version, subject));
		story := augur._message_value(p -> 'reason');
		keys := '{Instead of version,champion,Mode,mode,Step,step,Of steps,steps,Percent of entities,weight,Verdict,verdict}';
		look := format('SELECT * FROM augur.rollout_history WHERE model = %s', of_model);
	WHEN e.kind = 'channel_disabled' THEN
		title := format('Channel %s does not take messages', subject);
		story := format('The receiver refused for good: %s. Correct its address, then call augur.channel_enable.', augur._message_value(p -> 'message'));
		look := 'SELECT * FROM augur.notification_status';
	WHEN e.kind = 'channel_failed' THEN
		title := format('Messages for channel %s do not get through', subject);
		story := format('The last failure: %s. They are tried again until they are too old.', augur._message_value(p -> 'message'));
		keys := '{Since,since,Waiting,waiting}';
		look := 'SELECT * FROM augur.notification_status';
	WHEN e.kind = 'channel_recovered' THEN
		icon := augur._message_sign('ok');
		title := format('Channel %s takes messages again', subject);
		look := 'SELECT * FROM augur.notification_status';
	WHEN e.kind = 'notifications_dead' THEN
		title := format('Messages for channel %s were given up', subject);
		story := concat(augur._message_value(p -> 'message'), '. augur.notification_retry sends those again that are dead; the events are in augur.events either way.');
		keys := '{Attempts,attempts,Messages,messages}';
		look := 'SELECT * FROM augur.notification_log WHERE status IN (''dead'', ''expired'')';
	ELSE
		title := concat(upper(left(words, 1)), substr(words, 2), ': ' || nullif(subject, e.kind));
		story := CASE WHEN jsonb_typeof(p -> 'message') = 'string' THEN augur._message_value(p -> 'message') END;
		SELECT array_agg(x ORDER BY f.n, i) INTO keys
		FROM (SELECT k, row_number() OVER (ORDER BY k) AS n FROM jsonb_object_keys(p) k
			  WHERE k <> 'message' ORDER BY k LIMIT 10) f,
			LATERAL (VALUES (1, concat(upper(left(replace(f.k, '_', ' '), 1)), substr(replace(f.k, '_', ' '), 2))), (2, f.k)) t (i, x);
	END CASE;
	fields := coalesce(fields, '{}') || coalesce((
		SELECT array_agg(x ORDER BY f.n, i)
		FROM (SELECT keys[2 * n - 1] AS label, augur._message_value(p -> keys[2 * n]) AS value, n
			  FROM generate_series(1, cardinality(keys) / 2) n) f,
			LATERAL (VALUES (1, augur._message_clean(f.label)), (2, f.value)) t (i, x)
		WHERE f.value <> ''), '{}');
	title := coalesce(title, words);
END
$$;
COMMENT ON FUNCTION augur._event_story(augur.events) IS
'Internal. What an event says to people: a sign, a headline, sentences, label and value of its numbers in turn, and the query to look further.';

CREATE OR REPLACE FUNCTION augur._message(n augur.notifications, c augur.channels, OUT icon text,
	OUT title text, OUT story text, OUT fields text[], OUT look text, OUT state text, OUT total bigint,
	OUT severity text, OUT events jsonb, OUT first_event bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	e			augur.events;
	s			record;
	kinds		text;
	shown		bigint;
	n_shown		bigint;
	levels		CONSTANT text[] := '{info,warning,error,critical}';
	kept_back	bigint;
BEGIN
	IF n.kind = 'test' THEN
		SELECT augur._message_sign('hello'), 'Hello from augur', format('Channel %s of database %s works.', c.name, current_database()),
			'{}', 'SELECT * FROM augur.notification_status', 'info', 1, 'info', '[]', NULL
		INTO icon, title, story, fields, look, state, total, severity, events, first_event;
		RETURN;
	ELSIF n.kind = 'notifications_suppressed' THEN
		SELECT augur._message_sign('hush'), format('%s events were kept back', n.events), format('Channel %s takes %s messages an hour. These were left out: ', c.name, c.per_hour)
				|| coalesce(string_agg(concat_ws(' ', k.n, augur._message_sign('times'), replace(k.kind, '_', ' ')), ', ' ORDER BY k.n DESC, k.kind), 'none') || '.',
			'{}', 'SELECT * FROM augur.notification_log WHERE status = ''suppressed''', 'firing', n.events, 'warning', '[]', NULL
		INTO icon, title, story, fields, look, state, total, severity, events, first_event
		FROM (SELECT t.kind, count(*) AS n FROM augur.notifications t
			  WHERE t.channel_id = c.id AND t.status = 'suppressed' AND t.reason ~ '^more messages'
			  AND t.ended_at > coalesce((SELECT max(p.ended_at) FROM augur.notifications p
				  WHERE p.channel_id = c.id AND p.kind = n.kind AND p.status = 'sent' AND p.id < n.id), '-infinity')
			  GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10) k;
		RETURN;
	END IF;

	SELECT count(*), min(t.event_id), (array_agg(t.severity ORDER BY array_position(levels, t.severity) DESC))[1],
		CASE WHEN bool_and(t.severity = 'info' AND NOT t.resolves) THEN 'info'
			-- the last word about each object
			WHEN NOT EXISTS (SELECT FROM (SELECT DISTINCT ON (l.object) l.resolves FROM augur.notifications l
				WHERE l.id = n.id OR l.parent_id = n.id ORDER BY l.object, l.id DESC) o WHERE NOT o.resolves) THEN 'resolved'
			ELSE 'firing' END
	INTO total, first_event, severity, state
	FROM augur.notifications t WHERE t.id = n.id OR t.parent_id = n.id;
	SELECT jsonb_agg(jsonb_build_object('id', x.id, 'at', to_char(x.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
			'kind', x.kind, 'severity', x.severity, 'subject', x.subject, 'model', x.model,
			'payload', CASE WHEN pg_column_size(x.payload) > 20000 THEN NULL
				WHEN octet_length(x.payload::text) <= 20000 THEN x.payload END) ORDER BY x.id)
	INTO events
	FROM (SELECT v.* FROM augur.notifications t JOIN augur.events v ON v.id = t.event_id
		  WHERE t.id = n.id OR t.parent_id = n.id ORDER BY v.id LIMIT 10) x;

	IF total = 1 THEN
		SELECT * INTO e FROM augur.events t WHERE t.id = n.event_id;
		IF e.id IS NULL THEN
			icon := '';
			title := concat_ws(': ', replace(n.kind, '_', ' '), augur._message_clean(n.subject));
			fields := '{}';
		ELSE
			s := augur._event_story(e);
			icon := s.icon; title := s.title; story := s.story; fields := s.fields; look := s.look;
			SELECT count(*) INTO kept_back FROM augur.notifications t
			WHERE t.route_id = n.route_id AND t.kind = n.kind AND t.subject = n.subject AND t.id < n.id
			AND t.status = 'suppressed' AND t.reason ~ '^repeats'
			AND t.id > coalesce((SELECT max(l.id) FROM augur.notifications l WHERE l.route_id = n.route_id
				AND l.object = n.object AND l.status = ANY ('{sent,grouped}'::text[]) AND l.id < n.id), 0);
			IF kept_back > 0 THEN
				fields := fields || ARRAY['Since the last message', format('%s more of the same', augur._message_number(kept_back))];
			END IF;
		END IF;
		RETURN;
	END IF;

	-- several events: what they are, ten lines, and how many more
	SELECT string_agg(concat_ws(' ', augur._message_number(k.n), augur._message_sign('times'), replace(k.kind, '_', ' ')), ', ' ORDER BY k.n DESC, k.kind)
	INTO kinds
	FROM (SELECT t.kind, count(*) AS n FROM augur.notifications t WHERE t.id = n.id OR t.parent_id = n.id
		  GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5) k;
	SELECT string_agg(format('%s %s%s', coalesce(nullif(z.icon, ''), augur._message_sign('bullet')), augur._message_cut(z.title, 160),
			CASE WHEN l.n > 1 THEN format(' (%s %s)', augur._message_number(l.n), augur._message_sign('times')) END), E'\n' ORDER BY l.level DESC, l.id),
		sum(l.n)
	INTO story, n_shown
	FROM (SELECT max(t.event_id) AS event_id, min(t.id) AS id, count(*) AS n, max(array_position(levels, t.severity)) AS level
		  FROM augur.notifications t WHERE t.id = n.id OR t.parent_id = n.id
		  GROUP BY t.kind, t.subject ORDER BY 4 DESC, 2 LIMIT 10) l
		JOIN augur.events v ON v.id = l.event_id
		CROSS JOIN LATERAL augur._event_story(v) z;
	IF total > coalesce(n_shown, 0) THEN
		story := concat_ws(E'\n', story, format('+%s more', augur._message_number(total - coalesce(n_shown, 0))));
	END IF;
	icon := augur._message_sign(CASE WHEN state = 'resolved' THEN 'ok' ELSE severity END);
	title := kinds;
	fields := '{}';
	look := (SELECT format('SELECT id, at, severity, kind, subject, payload FROM augur.events WHERE id BETWEEN %s AND %s AND kind = ANY (%L)',
			min(t.event_id), max(t.event_id), array_agg(DISTINCT t.kind))
		FROM augur.notifications t WHERE t.id = n.id OR t.parent_id = n.id);
END
$$;
COMMENT ON FUNCTION augur._message(augur.notifications, augur.channels) IS
'Internal. What the message of a notification says, before it is put into the form of its channel.';

CREATE OR REPLACE FUNCTION augur._notification_body(n augur.notifications, c augur.channels) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	m			record := augur._message(n, c);
	headline	text := augur._message_clean(concat_ws(' ', nullif(m.icon, ''), m.title));
	footer		text := concat_ws(' ' || augur._message_sign('dot') || ' ',
		CASE WHEN m.first_event IS NULL THEN 'notification ' || n.id
			WHEN m.total > 1 THEN format('events from %s on', m.first_event) ELSE 'event ' || m.first_event END,
		to_char(n.queued_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'),
		'database ' || augur._message_clean(current_database()),
		CASE WHEN n.attempts > 1 THEN 'attempt ' || n.attempts END);
	plain		text := concat_ws(E'\n', headline, m.story,
		(SELECT string_agg(format('%s: %s', m.fields[2 * i - 1], m.fields[2 * i]), E'\n' ORDER BY i)
		 FROM generate_series(1, least(10, cardinality(m.fields) / 2)) i), m.look, footer);
	blocks		jsonb;
BEGIN
	IF c.kind = 'webhook' THEN
		RETURN jsonb_build_object('format', 'augur.notification.1', 'notification', n.id, 'channel', c.name,
			'database', current_database(), 'at', to_char(n.queued_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
			'attempt', n.attempts, 'state', m.state, 'severity', m.severity, 'kind', n.kind, 'title', augur._message_clean(m.title),
			'text', augur._message_cut(coalesce(m.story, ''), 3000), 'query', m.look, 'count', m.total,
			'more', m.total - jsonb_array_length(coalesce(m.events, '[]')), 'events', coalesce(m.events, '[]'))::text;
	END IF;
	plain := augur._slack_escape(plain, 3500);
	IF n.plain THEN
		RETURN jsonb_build_object('text', plain)::text;
	END IF;
	blocks := jsonb_build_array(jsonb_build_object('type', 'header', 'text', jsonb_build_object('type', 'plain_text',
		'emoji', false, 'text', augur._slack_escape(headline, 150))));
	IF m.story <> '' THEN
		blocks := blocks || jsonb_build_object('type', 'section', 'text', jsonb_build_object('type', 'mrkdwn',
			'verbatim', true, 'text', augur._slack_escape(m.story, 3000)));
	END IF;
	IF m.fields <> '{}' THEN
		blocks := blocks || (SELECT jsonb_build_object('type', 'section', 'fields', jsonb_agg(jsonb_build_object(
				'type', 'mrkdwn', 'verbatim', true, 'text', format(E'*%s*\n%s', augur._slack_escape(m.fields[2 * i - 1], 200),
				augur._slack_escape(m.fields[2 * i], 1700))) ORDER BY i))
			FROM generate_series(1, least(10, cardinality(m.fields) / 2)) i);
	END IF;
	IF m.look IS NOT NULL THEN
		-- a backtick would end the code, and any other sign in its place could end a name in quotes,
		-- so that a name were a part of the query
		blocks := blocks || jsonb_build_object('type', 'section', 'text', CASE WHEN strpos(m.look, '`') > 0
			THEN jsonb_build_object('type', 'plain_text', 'emoji', false,
				'text', augur._slack_escape(augur._message_clean(m.look), 2900))
			ELSE jsonb_build_object('type', 'mrkdwn', 'verbatim', true,
				'text', '`' || augur._slack_escape(augur._message_clean(m.look), 2900) || '`') END);
	END IF;
	blocks := blocks || jsonb_build_object('type', 'context', 'elements', jsonb_build_array(
		jsonb_build_object('type', 'plain_text', 'emoji', false, 'text', augur._slack_escape(footer, 1000))));
	RETURN jsonb_build_object('text', plain, 'blocks', blocks)::text;
END
$$;
COMMENT ON FUNCTION augur._notification_body(augur.notifications, augur.channels) IS
'Internal. The body to send for a notification: Block Kit with its text, or the document of a webhook.';

-- Nothing in here can fail for what a user wrote.
CREATE OR REPLACE FUNCTION augur._notification_fallback(n augur.notifications, c augur.channels) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT CASE c.kind WHEN 'webhook' THEN jsonb_build_object('format', 'augur.notification.1', 'notification', n.id,
			'channel', c.name, 'database', current_database(), 'attempt', n.attempts, 'state', s.state, 'severity', n.severity,
			'kind', n.kind, 'title', s.title, 'text', s.note, 'query', s.look, 'count', n.events, 'more', n.events, 'events', '[]'::jsonb,
			'at', to_char(n.queued_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
		ELSE jsonb_build_object('text', augur._slack_escape(concat_ws(E'\n', s.title, s.note, s.look), 3500)) END::text
	FROM (SELECT regexp_replace(concat(replace(n.kind, '_', ' '), ': ', n.subject), '[^ -~]', '?', 'g') AS title,
			CASE WHEN n.resolves THEN 'resolved' WHEN n.severity = 'info' THEN 'info' ELSE 'firing' END AS state,
			format('The message could not be written, see the server''s log. It tells of %s events.', n.events) AS note,
			'SELECT * FROM augur.events WHERE id = ' || n.event_id AS look) s
$$;
COMMENT ON FUNCTION augur._notification_fallback(augur.notifications, augur.channels) IS
'Internal. The body to send when _notification_body fails: what is sure, in ASCII.';
