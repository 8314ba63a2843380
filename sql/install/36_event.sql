-- event: writing events, and telling listeners that there is one.

CREATE OR REPLACE FUNCTION augur._emit(kind text, severity text, subject text, payload jsonb,
	m augur.models DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	event		bigint;
BEGIN
	INSERT INTO augur.events (kind, severity, subject, model_id, model, payload, owner)
	VALUES (_emit.kind, _emit.severity, left(_emit.subject, 200), m.id, m.name,
			jsonb_strip_nulls(coalesce(_emit.payload, '{}')),
			coalesce(m.owner, quote_ident(current_user)::regrole))
	RETURNING id INTO event;
	-- ids and names only: the payload of a notification is limited, and everybody can listen;
	-- until the library is loaded the setting may be unknown, or empty after a SET LOCAL
	IF coalesce(nullif(current_setting('augur.notify', true), ''), 'on')::boolean THEN
		PERFORM pg_notify('augur', jsonb_strip_nulls(jsonb_build_object('event', event,
			'kind', _emit.kind, 'severity', _emit.severity, 'model', m.name,
			'version', _emit.payload -> 'version'))::text);
	END IF;
	-- what it starts is queued in the same transaction
	PERFORM augur._pipeline_event(event);
	PERFORM augur._notify_event(event);
	RETURN event;
END
$$;
COMMENT ON FUNCTION augur._emit(text, text, text, jsonb, augur.models) IS
'Internal. Writes an event, about a model or none, notifies channel augur and queues messages for channels of augur.channels; returns its number.';

CREATE OR REPLACE FUNCTION augur.emit(kind text, severity text DEFAULT 'info',
	subject text DEFAULT NULL, payload jsonb DEFAULT '{}', model text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	m			augur.models;
BEGIN
	IF kind IS NULL OR kind !~ '^[a-z][a-z0-9_]{0,62}$' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid kind of event %s', quote_nullable(kind)),
			DETAIL = 'A kind has 1 to 63 lower-case letters, digits and "_", and begins with a letter.';
	ELSIF severity IS NULL OR NOT (severity = ANY ('{info,warning,error,critical}'::text[])) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid severity %s', quote_nullable(severity)),
			HINT = 'Valid values are info, warning, error and critical.';
	ELSIF jsonb_typeof(payload) <> 'object' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('the payload of an event must be a JSON object, not %s',
							 CASE jsonb_typeof(payload) WHEN 'array' THEN 'an array'
							 ELSE 'a ' || jsonb_typeof(payload) END);
	ELSIF char_length(subject) > 200 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('subject of %s characters is too long', char_length(subject)),
			DETAIL = 'The subject of an event has at most 200 characters.',
			HINT = 'Put the rest into payload.';
	ELSIF pg_column_size(payload) > 1048576 THEN
		RAISE EXCEPTION USING ERRCODE = 'program_limit_exceeded',
			MESSAGE = format('payload of %s is too large', pg_size_pretty(pg_column_size(payload)::bigint)),
			DETAIL = 'The payload of an event has at most 1 MB.',
			HINT = 'Put it into a table, and its key into payload.';
	END IF;
	IF model IS NOT NULL THEN
		m := augur._model(model);
		IF NOT augur._operates(m.owner) THEN
			RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
				MESSAGE = format('permission denied for model "%s"', m.name),
				DETAIL = 'Events of a model are written by members of its owner, operators and admins.';
		END IF;
	END IF;
	RETURN augur._emit(kind, severity, coalesce(nullif(subject, ''), model, kind), payload, m);
END
$$;
COMMENT ON FUNCTION augur.emit(text, text, text, jsonb, text) IS
'Writes an event of your own into augur.events and tells listeners of channel augur, both when the transaction commits; returns its number: augur.emit(''prices_loaded'', subject => ''June'', payload => ''{"rows": 1200}''). severity: info, warning, error or critical; payload: at most 1 MB; model: the model it is about.';

-- AFTER UPDATE only: a restored dump inserts rows, and brings its events itself
CREATE OR REPLACE FUNCTION augur._event_of_version() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	m			augur.models;
BEGIN
	SELECT * INTO m FROM augur.models t WHERE t.id = NEW.model_id;
	PERFORM augur._emit('version_' || NEW.status,
		CASE NEW.status WHEN 'rejected' THEN 'warning' WHEN 'failed' THEN 'error' ELSE 'info' END,
		m.name || '/' || NEW.version,
		jsonb_build_object('version', NEW.version, 'from', OLD.status, 'run', NEW.run_id), m);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION augur._event_of_version() IS
'Internal. Trigger: every move of a version''s status is an event.';
CREATE OR REPLACE TRIGGER versions_event AFTER UPDATE OF status ON augur.versions
FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
EXECUTE FUNCTION augur._event_of_version();

CREATE OR REPLACE FUNCTION augur._event_of_run() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	m			augur.models;
	v			augur.versions;
BEGIN
	SELECT * INTO m FROM augur.models t WHERE t.id = NEW.model_id;
	SELECT * INTO v FROM augur.versions t WHERE t.run_id = NEW.id ORDER BY t.id DESC LIMIT 1;
	PERFORM augur._emit('training_' || NEW.status,
		CASE NEW.status WHEN 'failed' THEN 'error' ELSE 'info' END,
		coalesce(m.name || '/' || v.version, m.name),
		jsonb_build_object('run', NEW.id, 'version', v.version, 'algorithm', NEW.algorithm,
			'rows', NEW.rows_used, 'seconds', round(NEW.seconds::numeric, 3), 'metric', m.metric,
			'value', (SELECT t.value FROM augur.metrics t
					  WHERE t.run_id = NEW.id AND t.split = 'holdout' AND t.name = m.metric
					  AND t.class = ''),
			'promoted', EXISTS (SELECT FROM augur.aliases a
								WHERE a.model_id = m.id AND a.alias = 'production'
								AND a.version_id = v.id)), m);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION augur._event_of_run() IS
'Internal. Trigger: every end of a training is an event.';
CREATE OR REPLACE TRIGGER runs_event AFTER UPDATE OF status ON augur.runs
FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
EXECUTE FUNCTION augur._event_of_run();

CREATE OR REPLACE TRIGGER events_fixed BEFORE UPDATE OR DELETE ON augur.events
FOR EACH ROW EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER events_kept BEFORE TRUNCATE ON augur.events
FOR EACH STATEMENT EXECUTE FUNCTION augur._guard_append_only();
