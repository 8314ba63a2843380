-- pipeline: the steps of a pipeline, and checking them while they are defined.
--
-- Everything that can be known before the first run is an error here: names, types, cycles, syntax,
-- references to parameters and results, objects that do not exist.  augur.add_step looks at objects
-- with the eyes of the pipeline's search_path, which is the one that its steps will have.

-- ---- checking a step ----------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._ancestors(steps augur.pipeline_steps[], needs text[]) RETURNS text[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	WITH RECURSIVE a (step) AS (
		SELECT unnest(needs)
		UNION
		SELECT unnest(s.needs) FROM a JOIN unnest(steps) s ON s.step = a.step)
	SELECT coalesce(array_agg(step ORDER BY step), '{}') FROM a
$$;
COMMENT ON FUNCTION augur._ancestors(augur.pipeline_steps[], text[]) IS
'Internal. The steps that a step comes after.';

CREATE OR REPLACE FUNCTION augur._known_at_definition(p augur.pipelines, before text[]) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT jsonb_build_object(
		'params', coalesce((SELECT jsonb_object_agg(k, NULL) FROM jsonb_object_keys(p.params) k), '{}'),
		'run', '{"id": null, "pipeline": null, "step": null, "attempt": null, "logical_date": null, "interval_start": null, "interval_end": null}'::jsonb,
		'results', coalesce((SELECT jsonb_object_agg(b, NULL) FROM unnest(before) b), '{}'))
$$;
COMMENT ON FUNCTION augur._known_at_definition(augur.pipelines, text[]) IS
'Internal. What references of a step may name.';

CREATE OR REPLACE FUNCTION augur._check_references(s augur.pipeline_steps, known jsonb) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	text_of		text := concat_ws(E'\n', CASE s.kind WHEN 'sql' THEN s.body ->> 'sql' END, s.condition);
	word		text;
BEGIN
	PERFORM augur._resolve_body(s.kind, s.body - 'sql', known);
	FOR word IN SELECT m[1] FROM regexp_matches(text_of, E'\\maugur\\.param\\(\\s*''([^'']*)''\\s*\\)', 'g') m LOOP
		PERFORM augur._resolve(jsonb_build_object('param', word), known);
	END LOOP;
	FOR word IN SELECT m[1] FROM regexp_matches(text_of, E'\\maugur\\.step_result\\(\\s*''([^'']*)''\\s*\\)', 'g') m LOOP
		PERFORM augur._resolve(jsonb_build_object('result', word), known);
	END LOOP;
END
$$;
COMMENT ON FUNCTION augur._check_references(augur.pipeline_steps, jsonb) IS
'Internal. Raises an error when a step uses a parameter or a result that is not there.';

CREATE OR REPLACE FUNCTION augur._check_objects(p augur.pipelines, s augur.pipeline_steps,
	fn regprocedure, args jsonb, known jsonb, earlier augur.pipeline_steps[]) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	a			record;
	value		jsonb;
	-- a step before it may make what is not there yet
	makes		boolean := EXISTS (SELECT FROM unnest(earlier) e WHERE e.kind = ANY ('{sql,call}'));
BEGIN
	FOR a IN SELECT * FROM augur._function_arguments(fn) f WHERE args ? f.name LOOP
		value := args -> a.name;
		CONTINUE WHEN jsonb_typeof(value) = 'null' OR augur._resolve(value, known) <> value;
		IF a.type = 'regclass'::regtype THEN
			IF NOT makes AND augur._find_relation(value #>> '{}', p.search_path) IS NULL THEN
				RAISE EXCEPTION USING ERRCODE = 'undefined_table',
					MESSAGE = format('relation %s does not exist', value),
					HINT = 'Create it first, or pass verify => false when it will be there by then.';
			END IF;
		ELSIF s.kind = 'validate' AND a.name = 'suite' THEN
			PERFORM augur._suite(value #>> '{}');
		ELSIF s.kind = 'refresh_features' AND a.name = 'name' THEN
			PERFORM augur._feature_set(value #>> '{}');
		ELSIF a.name = 'model' AND s.kind = ANY ('{score,drift,promote,retrain,notify}')
			AND NOT EXISTS (SELECT FROM unnest(earlier) e WHERE e.kind = ANY ('{train,train_forecast,sql,call}')
							AND coalesce(e.body -> 'model' = value OR jsonb_typeof(e.body -> 'model') = 'object', true))
		THEN
			PERFORM augur._model(regexp_replace(value #>> '{}', '[/@].*$', ''));
		ELSIF augur._from_server(a.type) THEN
			PERFORM augur._cast_param(a.name, value, augur._type_name(a.type), 'argument');
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION augur._check_objects(augur.pipelines, augur.pipeline_steps, regprocedure, jsonb, jsonb, augur.pipeline_steps[]) IS
'Internal. Raises an error when an argument names something that does not exist, or is of the wrong type.';

-- Returns the body as it is kept: with the function that a call means written out.
CREATE OR REPLACE FUNCTION augur._check_step(p augur.pipelines, s augur.pipeline_steps,
	steps augur.pipeline_steps[], verify boolean) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	before		text[] := augur._ancestors(steps, s.needs);
	known		jsonb := augur._known_at_definition(p, before);
	earlier		augur.pipeline_steps[] := ARRAY(SELECT e FROM unnest(steps) e WHERE e.step = ANY (before));
	kinds		text[] := '{sql,call,load,validate,refresh_features,train,train_forecast,score,drift,promote,retrain,notify}';
	f			record;
	args		jsonb := s.body;
	body		jsonb := s.body;
	word		text;
BEGIN
	IF s.kind IS NULL OR s.kind <> ALL (kinds) THEN
		PERFORM augur._fail('invalid_parameter_value',
			format('unknown kind of step %s', coalesce('"' || s.kind || '"', 'NULL')),
			format('Known are %s.', array_to_string(kinds, ', ')),
			'Perhaps you meant "' || augur._nearest(s.kind, kinds) || '".');
	END IF;
	SELECT n INTO word FROM unnest(s.needs) n WHERE NOT EXISTS (SELECT FROM unnest(steps) t WHERE t.step = n) LIMIT 1;
	IF FOUND THEN
		PERFORM augur._fail('undefined_object',
			format('step "%s" needs step %s, which does not exist', s.step, coalesce('"' || word || '"', 'NULL')),
			NULL,
			coalesce('Perhaps you meant "' || augur._nearest(word, ARRAY(SELECT t.step FROM unnest(steps) t)) || '".',
							'Steps are added after those that they need.'));
	ELSIF s.step = ANY (before) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('step "%s" would need itself', s.step),
			DETAIL = format('It would come after %s.', array_to_string(before, ', '));
	END IF;
	IF s.condition IS NOT NULL AND augur._check_sql(format(E'SELECT (%s\n)', s.condition)) <> 1 THEN
		RAISE EXCEPTION USING ERRCODE = 'syntax_error', MESSAGE = 'a condition is one SQL expression';
	END IF;
	IF s.kind = 'sql' THEN
		SELECT k INTO word FROM jsonb_object_keys(s.body) k WHERE k <> 'sql' LIMIT 1;
		IF word IS NOT NULL OR jsonb_typeof(s.body -> 'sql') IS DISTINCT FROM 'string' THEN
			PERFORM augur._fail('invalid_parameter_value',
				CASE WHEN word IS NULL THEN format('step "%s" has no SQL', s.step)
						  ELSE format('a step of kind sql has no argument "%s"', word) END,
				NULL,
				'Pass sql => ''...'', or the body {"sql": "..."}.');
		ELSIF augur._check_sql(s.body ->> 'sql') = 0 THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
				MESSAGE = format('step "%s" has no SQL', s.step);
		END IF;
	ELSIF s.kind = 'call' THEN
		SELECT k INTO word FROM jsonb_object_keys(s.body) k WHERE k <> ALL ('{function,args}') LIMIT 1;
		IF word IS NOT NULL OR jsonb_typeof(s.body -> 'function') IS DISTINCT FROM 'string'
			OR jsonb_typeof(coalesce(s.body -> 'args', '{}')) <> 'object'
		THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
				MESSAGE = format('the body of step "%s" must be {"function": name, "args": {name: value}}', s.step);
		END IF;
		args := coalesce(s.body -> 'args', '{}');
		SELECT augur._find_function(s.body ->> 'function', args, p.search_path) AS fn, '{}'::text[] AS options INTO f;
		-- as regprocedure reads it: types without names
		body := s.body || jsonb_build_object('function', (
			SELECT format('%I.%I(%s)', n.nspname, q.proname,
				(SELECT string_agg(augur._type_name(t), ',' ORDER BY i) FROM unnest(q.proargtypes::oid[]) WITH ORDINALITY u (t, i)))
			FROM pg_proc q JOIN pg_namespace n ON n.oid = q.pronamespace WHERE q.oid = f.fn));
	ELSE
		IF s.kind = 'load' AND coalesce(s.body ->> 'format', '') <> ALL ('{csv,json}') THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
				MESSAGE = format('step "%s" does not tell the format of what is loaded', s.step),
				HINT = '"format" is "csv" or "json".';
		ELSIF s.kind = 'drift' AND coalesce(s.body ->> 'fail_on', 'never') <> ALL ('{never,warn,drift}') THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
				MESSAGE = format('invalid fail_on %s of step "%s"', s.body -> 'fail_on', s.step),
				HINT = 'Valid values are never, warn and drift.';
		END IF;
		f := augur._kind_function(s.kind, s.body);
		args := s.body - f.options;
	END IF;
	PERFORM augur._check_references(s, known);
	IF s.kind <> 'sql' THEN
		PERFORM augur._check_arguments(f.fn, ARRAY(SELECT jsonb_object_keys(args)), f.options,
			CASE s.kind WHEN 'call' THEN format('function %s', f.fn) ELSE format('a step of kind %s', s.kind) END);
		IF verify THEN
			PERFORM augur._check_objects(p, s, f.fn, args, known, earlier);
		END IF;
	END IF;
	RETURN body;
END
$$;
COMMENT ON FUNCTION augur._check_step(augur.pipelines, augur.pipeline_steps, augur.pipeline_steps[], boolean) IS
'Internal. Checks a step against the others of its pipeline; returns its body as it is kept.';

-- ---- adding and dropping ------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur.add_step(pipeline text, step text, kind text DEFAULT 'sql',
	body jsonb DEFAULT '{}', needs text[] DEFAULT '{}', condition text DEFAULT NULL,
	retries integer DEFAULT 0, delay interval DEFAULT '30 seconds', max_delay interval DEFAULT '1 hour',
	timeout interval DEFAULT NULL, trigger_rule text DEFAULT 'all_success', sql text DEFAULT NULL,
	verify boolean DEFAULT true, replace boolean DEFAULT false, pool text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	p			augur.pipelines := augur._lock_pipeline(pipeline);
	s			augur.pipeline_steps;
	steps		augur.pipeline_steps[];
	problem		text;
	other		augur.pipeline_steps;
BEGIN
	problem := CASE
		WHEN step IS NULL OR step !~ '^[A-Za-z0-9_-]{1,63}$'
			THEN format('invalid name of a step %s: it has 1 to 63 letters, digits, "_" and "-"', quote_nullable(step))
		WHEN retries IS NULL OR retries NOT BETWEEN 0 AND 100 THEN 'retries must be between 0 and 100'
		WHEN delay IS NULL OR delay < interval '0' THEN 'delay must not be negative'
		WHEN max_delay IS NULL OR max_delay < interval '0' THEN 'max_delay must not be negative'
		WHEN timeout <= interval '0' THEN 'timeout must be positive'
		WHEN greatest(delay, max_delay, timeout) > interval '1000 years'
			THEN 'delay, max_delay and timeout must not be more than 1000 years'
		WHEN NOT (augur._plain_span(delay) AND augur._plain_span(max_delay) AND coalesce(augur._plain_span(timeout), true))
			THEN 'delay, max_delay and timeout must not have negative parts'
		WHEN trigger_rule IS NULL OR trigger_rule <> ALL ('{all_success,all_done,one_failed}')
			THEN format('invalid trigger_rule %s: valid values are all_success, all_done and one_failed', quote_nullable(trigger_rule))
		WHEN trigger_rule = 'one_failed' AND coalesce(needs, '{}') = '{}' THEN 'a step with trigger_rule one_failed must need other steps'
		WHEN body IS NULL OR jsonb_typeof(body) <> 'object' THEN 'body must be a JSON object'
		WHEN sql IS NOT NULL AND (kind IS DISTINCT FROM 'sql' OR body <> '{}') THEN 'sql is for steps of kind sql, in place of a body' END;
	IF problem IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = problem;
	END IF;
	IF NOT EXISTS (SELECT FROM augur.pools t WHERE t.name = pool) AND pool IS NOT NULL THEN
		PERFORM augur._fail('undefined_object', format('pool "%s" does not exist', pool), NULL,
			coalesce('Perhaps you meant "' || augur._nearest(pool, ARRAY(SELECT t.name FROM augur.pools t)) || '".',
				'Operators and admins make it: SELECT augur.set_pool(' || quote_literal(pool) || ', 2).'));
	END IF;
	steps := ARRAY(SELECT t FROM augur.pipeline_steps t WHERE t.pipeline_id = p.id AND t.step <> step);
	SELECT * INTO other FROM augur.pipeline_steps t WHERE t.pipeline_id = p.id AND t.step = step;
	IF FOUND AND NOT coalesce(replace, false) THEN
		RAISE EXCEPTION USING ERRCODE = 'duplicate_object',
			MESSAGE = format('pipeline "%s" already has a step "%s"', p.name, step),
			HINT = 'Pass replace => true to replace it.';
	ELSIF cardinality(steps) >= 1000 THEN
		RAISE EXCEPTION USING ERRCODE = 'program_limit_exceeded',
			MESSAGE = 'a pipeline has at most 1000 steps';
	END IF;
	s.pipeline_id := p.id;
	s.step := step;
	s.position := coalesce(other.position, (SELECT coalesce(max(t.position), 0) + 1 FROM unnest(steps) t));
	s.kind := kind;
	s.body := CASE WHEN sql IS NULL THEN body ELSE jsonb_build_object('sql', sql) END;
	s.needs := ARRAY(SELECT DISTINCT n FROM unnest(coalesce(needs, '{}')) n ORDER BY n);
	s.condition := nullif(condition, '');
	s.retries := retries;
	s.delay := delay;
	s.max_delay := max_delay;
	s.timeout := timeout;
	s.trigger_rule := trigger_rule;
	s.pool := pool;
	s.body := augur._check_step(p, s, steps || CASE WHEN other.step IS NULL THEN '{}' ELSE ARRAY[s] END, coalesce(verify, true));
	DELETE FROM augur.pipeline_steps t WHERE t.pipeline_id = p.id AND t.step = step;
	INSERT INTO augur.pipeline_steps SELECT (s).*;
	-- what others took from the steps that they came after may no longer be theirs
	IF other.step IS NOT NULL THEN
		FOR s IN SELECT * FROM augur.pipeline_steps t WHERE t.pipeline_id = p.id ORDER BY t.position LOOP
			PERFORM augur._check_step(p, s, ARRAY(SELECT t FROM augur.pipeline_steps t WHERE t.pipeline_id = p.id), false);
		END LOOP;
	END IF;
END
$$;
COMMENT ON FUNCTION augur.add_step(text, text, text, jsonb, text[], text, integer, interval, interval, interval, text, text, boolean, boolean, text) IS
'Adds a step to a pipeline, or replaces one (replace => true). kind: sql (SQL statements), call (a function), load, validate, refresh_features, train, train_forecast, score, drift, promote, retrain, notify: body holds the arguments of augur''s function by name. {"param": name}, {"run": "logical_date"} and {"result": "step.field"} stand for values; SQL asks augur.param(name), augur.logical_date(), augur.data_interval() and augur.step_result(step). needs: steps that come before. condition: SQL, the step is skipped unless it is true. retries, delay (doubles, up to max_delay), timeout: of one attempt. trigger_rule: all_success, all_done or one_failed. verify => false: objects that the body names need not exist yet. pool: of augur.set_pool, so many steps of which run at the same time in all pipelines. Example: SELECT augur.add_step(''nightly'', ''train'', ''train'', ''{"model": "churn", "relation": "customers", "target": "churned"}'', needs => ''{validate}'', retries => 2)';

CREATE OR REPLACE FUNCTION augur.drop_step(pipeline text, step text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	p			augur.pipelines := augur._lock_pipeline(pipeline);
	dependent	text;
BEGIN
	SELECT string_agg('"' || t.step || '"', ', ' ORDER BY t.position) INTO dependent
	FROM augur.pipeline_steps t WHERE t.pipeline_id = p.id AND step = ANY (t.needs);
	IF dependent IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'dependent_objects_still_exist',
			MESSAGE = format('step "%s" is needed by %s', step, dependent);
	END IF;
	DELETE FROM augur.pipeline_steps t WHERE t.pipeline_id = p.id AND t.step = step;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('pipeline "%s" has no step %s', p.name, coalesce('"' || step || '"', 'NULL'));
	END IF;
END
$$;
COMMENT ON FUNCTION augur.drop_step(text, text) IS
'Removes a step that no other step needs. Runs that have started keep the steps that they started with.';
