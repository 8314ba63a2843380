-- schedule: what starts pipelines beside the clock.

CREATE OR REPLACE FUNCTION augur._add_trigger(t augur.pipeline_triggers) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	made		bigint;
BEGIN
	IF t.debounce IS NULL OR NOT (t.debounce >= interval '0' AND t.debounce <= interval '1000 days') THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'debounce must be between 0 and 1000 days';
	ELSIF NOT augur._plain_span(t.debounce) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'debounce must not have negative parts';
	END IF;
	INSERT INTO augur.pipeline_triggers (pipeline_id, kind, event_kind, filter, model, relation, operations,
		after_id, statuses, debounce, params, params_from)
	VALUES (t.pipeline_id, t.kind, t.event_kind, coalesce(t.filter, '{}'), t.model, t.relation, t.operations,
		t.after_id, t.statuses, t.debounce, coalesce(t.params, '{}'), coalesce(t.params_from, '{}'))
	RETURNING id INTO made;
	PERFORM augur._ensure_tick();
	RETURN made;
END
$$;
COMMENT ON FUNCTION augur._add_trigger(augur.pipeline_triggers) IS
'Internal. Writes a trigger; returns its number.';

CREATE OR REPLACE FUNCTION augur.on_event(pipeline text, kind text, filter jsonb DEFAULT '{}',
	model text DEFAULT NULL, debounce interval DEFAULT '0', params jsonb DEFAULT '{}',
	params_from jsonb DEFAULT '{}') RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	p			augur.pipelines := augur._started_pipeline(pipeline);
	t			augur.pipeline_triggers;
BEGIN
	IF kind IS NULL OR kind !~ '^[a-z][a-z0-9_]{0,62}$' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid kind of event %s', quote_nullable(kind)),
			DETAIL = 'A kind has 1 to 63 lower-case letters, digits and "_", and begins with a letter.';
	ELSIF filter IS NOT NULL AND jsonb_typeof(filter) <> 'object' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'filter must be a JSON object, which the payload of the event must contain';
	END IF;
	PERFORM augur._check_start_params(p, params, params_from);
	t.pipeline_id := p.id;
	t.kind := 'event';
	t.event_kind := kind;
	t.filter := filter;
	IF model IS NOT NULL THEN
		t.model := (augur._model(model)).name;
	END IF;
	t.debounce := debounce;
	t.params := params;
	t.params_from := params_from;
	RETURN augur._add_trigger(t);
END
$$;
COMMENT ON FUNCTION augur.on_event(text, text, jsonb, text, interval, jsonb, jsonb) IS
'Has a pipeline started by events of a kind that its owner may see, in the transaction that writes them; returns the number of the trigger. filter: what the payload must contain; model: only events about it. debounce 0: each event queues a run; longer: augur.tick queues one run for all that came within it, counted from the first. params_from takes parameters from keys of the payload, or event, kind, subject, model, at; of several events the newest counts. Example: SELECT augur.on_event(''score'', ''promoted'', model => ''churn'', params_from => ''{"version": "version"}'')';

CREATE OR REPLACE FUNCTION augur.on_pipeline(pipeline text, after text, statuses text[] DEFAULT '{success}',
	debounce interval DEFAULT '0', params jsonb DEFAULT '{}') RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	p			augur.pipelines := augur._started_pipeline(pipeline);
	a			augur.pipelines;
	t			augur.pipeline_triggers;
	loop_of		text;
	bad			text;
BEGIN
	SELECT * INTO a FROM augur.pipelines o WHERE o.name = after;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('pipeline %s does not exist', coalesce('"' || after || '"', 'NULL')),
			HINT = 'augur.pipelines lists the pipelines you may see.';
	END IF;
	SELECT min(coalesce(x, 'NULL')) INTO bad FROM unnest(statuses) x
	WHERE x IS NULL OR x <> ALL ('{success,failed,timed_out,cancelled,crashed}'::text[]);
	IF coalesce(cardinality(statuses), 0) = 0 OR bad IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = coalesce(format('unknown status "%s"', bad), 'statuses must name at least one'),
			HINT = 'Valid values are success, failed, timed_out, cancelled and crashed.';
	END IF;
	-- a run that starts its like for ever
	WITH RECURSIVE starts AS (
		SELECT p.id, p.name::text AS path
		UNION ALL
		SELECT o.pipeline_id, s.path || ' -> ' || q.name
		FROM starts s JOIN augur.pipeline_triggers o ON o.kind = 'pipeline' AND o.after_id = s.id
			JOIN augur.pipelines q ON q.id = o.pipeline_id
		WHERE s.id <> a.id) CYCLE id SET around USING visited
	SELECT a.name || ' -> ' || s.path INTO loop_of FROM starts s WHERE s.id = a.id LIMIT 1;
	IF loop_of IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_object_definition',
			MESSAGE = format('pipelines would start each other for ever: %s', loop_of);
	END IF;
	PERFORM augur._check_start_params(p, params);
	t.pipeline_id := p.id;
	t.kind := 'pipeline';
	t.after_id := a.id;
	t.statuses := statuses;
	t.debounce := debounce;
	t.params := params;
	RETURN augur._add_trigger(t);
END
$$;
COMMENT ON FUNCTION augur.on_pipeline(text, text, text[], interval, jsonb) IS
'Has a pipeline started when a run of another one ends in one of the statuses (success, failed, timed_out, cancelled, crashed), with the logical date and data interval of that run; returns the number of the trigger. The owner must be allowed to see the other pipeline. Example: SELECT augur.on_pipeline(''report'', after => ''nightly'')';

CREATE OR REPLACE FUNCTION augur.on_table(pipeline text, relation regclass, debounce interval DEFAULT '1 minute',
	operations text[] DEFAULT '{insert,update,delete,truncate}', params jsonb DEFAULT '{}') RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	p			augur.pipelines := augur._started_pipeline(pipeline);
	t			augur.pipeline_triggers;
	c			pg_class;
	bad			text;
	made		bigint;
BEGIN
	SELECT * INTO c FROM pg_class o WHERE o.oid = relation;
	SELECT min(coalesce(x, 'NULL')) INTO bad FROM unnest(operations) x
	WHERE x IS NULL OR x <> ALL ('{insert,update,delete,truncate}'::text[]);
	IF c.oid IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'relation must not be null';
	ELSIF c.relkind <> ALL ('{r,p}'::"char"[]) OR c.relpersistence = 't'
		OR c.relnamespace = ANY (ARRAY['augur', 'pg_catalog', 'information_schema']::regnamespace[])
	THEN
		RAISE EXCEPTION USING ERRCODE = 'wrong_object_type',
			MESSAGE = format('%s is not a table whose changes can start a pipeline', relation),
			DETAIL = 'It must be a table, partitioned or not, neither temporary nor of schema augur or the system.';
	ELSIF coalesce(cardinality(operations), 0) = 0 OR bad IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = coalesce(format('unknown operation "%s"', bad), 'operations must name at least one'),
			HINT = 'Valid values are insert, update, delete and truncate.';
	END IF;
	PERFORM augur._check_start_params(p, params);
	t.pipeline_id := p.id;
	t.kind := 'table';
	t.relation := relation;
	t.operations := ARRAY(SELECT DISTINCT x FROM unnest(operations) x ORDER BY x);
	t.debounce := debounce;
	t.params := params;
	made := augur._add_trigger(t);
	-- the server says who may
	EXECUTE format('CREATE TRIGGER %I AFTER %s ON %s FOR EACH STATEMENT EXECUTE FUNCTION augur._table_changed(%L)',
		'augur_pipeline_' || made, upper(array_to_string(t.operations, ' OR ')), relation, made);
	RETURN made;
END
$$;
COMMENT ON FUNCTION augur.on_table(text, regclass, interval, text[], jsonb) IS
'Has a pipeline started by statements that change a table (insert, update, delete, truncate; one that changes no row counts, too); returns the number of the trigger. All that happens within debounce after the first change is one run, which augur.tick queues. Makes a statement trigger, so it needs the privilege TRIGGER on the table; of a partitioned table, changes made through it count. DROP EXTENSION augur then needs CASCADE, which drops these triggers. Example: SELECT augur.on_table(''refresh'', ''orders'', ''5 minutes'')';

CREATE OR REPLACE FUNCTION augur._trigger_gone() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	made		name := 'augur_pipeline_' || OLD.id;
BEGIN
	IF EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = OLD.relation AND t.tgname = made
			   AND t.tgfoid = 'augur._table_changed'::regproc)
	THEN
		BEGIN
			EXECUTE format('DROP TRIGGER %I ON %s', made, OLD.relation);
		EXCEPTION WHEN insufficient_privilege THEN
			RAISE NOTICE USING MESSAGE = format('trigger "%s" stays on table %s, and does nothing', made, OLD.relation),
				HINT = 'Its owner may drop it.';
		END;
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION augur._trigger_gone() IS
'Internal. Trigger: what starts a pipeline by changes of a table takes its trigger on it along, where the user may drop that.';
CREATE OR REPLACE TRIGGER pipeline_triggers_gone AFTER DELETE ON augur.pipeline_triggers
FOR EACH ROW WHEN (OLD.kind = 'table') EXECUTE FUNCTION augur._trigger_gone();

CREATE OR REPLACE FUNCTION augur._trigger(id bigint) RETURNS augur.pipeline_triggers
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	t			augur.pipeline_triggers;
BEGIN
	SELECT * INTO t FROM augur.pipeline_triggers o WHERE o.id = id;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('trigger %s does not exist', coalesce(id::text, 'NULL')),
			HINT = 'augur.triggers lists those you may see.';
	END IF;
	PERFORM augur._started_pipeline((SELECT p.name FROM augur.pipelines p WHERE p.id = t.pipeline_id));
	RETURN t;
END
$$;
COMMENT ON FUNCTION augur._trigger(bigint) IS
'Internal. A trigger that the current user may change; an error when there is none.';

CREATE OR REPLACE FUNCTION augur.drop_trigger(id bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	t			augur.pipeline_triggers := augur._trigger(id);
BEGIN
	DELETE FROM augur.pipeline_triggers o WHERE o.id = t.id;
END
$$;
COMMENT ON FUNCTION augur.drop_trigger(bigint) IS
'Takes a trigger away, of augur.triggers; signals that wait start nothing any more.';

CREATE OR REPLACE FUNCTION augur.enable_trigger(id bigint, enabled boolean DEFAULT true) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	t			augur.pipeline_triggers := augur._trigger(id);
BEGIN
	IF enabled IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'enabled must not be null';
	END IF;
	UPDATE augur.pipeline_triggers o SET enabled = enabled, note = NULL WHERE o.id = t.id;
END
$$;
COMMENT ON FUNCTION augur.enable_trigger(bigint, boolean) IS
'Switches a trigger on or off: one that was part of a loop was switched off by itself, and note tells so.';
