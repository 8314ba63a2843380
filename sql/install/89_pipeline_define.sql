-- pipeline: what a pipeline and its steps consist of, and checking it while it is defined.
--
-- Everything that can be known before the first run is an error here: names, types, cycles, syntax,
-- references to parameters and results, objects that do not exist.  augur.add_step looks at objects
-- with the eyes of the pipeline's search_path, which is the one that its steps will have.
--
-- References: an object {"param": name}, {"run": field}, {"result": "step.field"} anywhere in a
-- body stands for a value; {"literal": x} is x, whatever it looks like.  They are values of
-- arguments, never text of statements.

CREATE OR REPLACE FUNCTION augur._pipeline(name text, wanted text DEFAULT 'own') RETURNS augur.pipelines
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	p			augur.pipelines;
BEGIN
	SELECT * INTO p FROM augur.pipelines t WHERE t.name = _pipeline.name;
	IF NOT FOUND THEN
		PERFORM augur._fail('undefined_object',
			format('pipeline %s does not exist', coalesce('"' || _pipeline.name || '"', 'NULL')),
			NULL,
			coalesce('Perhaps you meant "'
				|| augur._nearest(_pipeline.name, ARRAY(SELECT t.name FROM augur.pipelines t)) || '".',
				'SELECT name FROM augur.pipelines lists the pipelines that you may see.'));
	ELSIF wanted = 'own' AND p.owner <> quote_ident(current_user)::regrole
		AND row_security_active('augur.pipelines')
	THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('must be owner of pipeline "%s"', p.name),
			DETAIL = format('Its steps run with the rights of "%s", so nobody else may change it.',
							pg_get_userbyid(p.owner));
	ELSIF wanted = 'operate' AND NOT augur._operates(p.owner) THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('permission denied for pipeline "%s"', p.name),
			DETAIL = format('Only members of its owner "%s", operators and admins may do this.',
							pg_get_userbyid(p.owner));
	END IF;
	RETURN p;
END
$$;
COMMENT ON FUNCTION augur._pipeline(text, text) IS
'Internal. A pipeline that the current user may change (own), operate, or see; an error when there is none.';

-- RAISE takes no NULL for what is not to be told
CREATE OR REPLACE FUNCTION augur._fail(code text, message text, detail text DEFAULT NULL,
	hint text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF detail IS NULL AND hint IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message;
	ELSIF detail IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message, HINT = hint;
	ELSIF hint IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message, DETAIL = detail;
	END IF;
	RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message, DETAIL = detail, HINT = hint;
END
$$;
COMMENT ON FUNCTION augur._fail(text, text, text, text) IS
'Internal. Raises an error; detail and hint may be NULL.';

-- ---- parameters --------------------------------------------------------------------------------

-- Types of the server itself only: casting to one of a user's would run code of that user, with
-- the rights of whoever asks for a run, of augur.tick as well.  So the type is looked at when it is
-- used, whatever was checked when it was written: owners can write augur.pipelines themselves.
CREATE OR REPLACE FUNCTION augur._own_type(type text) RETURNS regtype
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	found_type	regtype;
BEGIN
	BEGIN
		found_type := to_regtype(type);
	EXCEPTION WHEN syntax_error OR invalid_name THEN
		found_type := NULL;
	END;
	IF found_type IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('type %s does not exist', quote_nullable(type));
	ELSIF NOT EXISTS (SELECT FROM pg_type t WHERE t.oid = found_type AND t.typtype = 'b'
					  AND t.typnamespace = 'pg_catalog'::regnamespace)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
			MESSAGE = format('type %s does not come with PostgreSQL', found_type);
	END IF;
	RETURN found_type;
END
$$;
COMMENT ON FUNCTION augur._own_type(text) IS
'Internal. A base type that comes with the server, an error when it is none.';

CREATE OR REPLACE FUNCTION augur._cast_value(value jsonb, type text) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	kind		text := jsonb_typeof(value);
	cast_value	jsonb;
	cast_type	regtype := augur._own_type(type);
BEGIN
	IF value IS NULL OR kind = 'null' THEN
		RETURN 'null';
	ELSIF type = ANY ('{json,jsonb}') THEN
		RETURN value;
	ELSIF kind = 'object' OR kind = 'array' AND right(type, 2) <> '[]' THEN
		RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch',
			MESSAGE = format('expected %s, not JSON %s', type, kind);
	ELSIF kind = 'array' THEN
		EXECUTE format('SELECT to_jsonb(ARRAY(SELECT e FROM jsonb_array_elements_text($1) WITH ORDINALITY u (e, i)'
					   ' ORDER BY i)::%s)', cast_type)
		INTO cast_value USING value;
	ELSE
		EXECUTE format('SELECT to_jsonb(($1 #>> ''{}'')::%s)', cast_type) INTO cast_value USING value;
	END IF;
	RETURN cast_value;
END
$$;
COMMENT ON FUNCTION augur._cast_value(jsonb, text) IS
'Internal. A JSON value as one of a type of the server.';

CREATE OR REPLACE FUNCTION augur._cast_param(name text, value jsonb, type text, what text DEFAULT 'parameter')
	RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	RETURN augur._cast_value(value, type);
EXCEPTION WHEN data_exception OR datatype_mismatch OR undefined_object OR undefined_table
	OR undefined_function OR syntax_error OR invalid_name
THEN
	RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
		MESSAGE = format('%s "%s" must be of type %s, not %s', what, name, type, left(value::text, 200)),
		DETAIL = upper(left(SQLERRM, 1)) || substr(SQLERRM, 2) || '.';
END
$$;
COMMENT ON FUNCTION augur._cast_param(text, jsonb, text, text) IS
'Internal. The value of a parameter as one of its type.';

-- {"days": "integer"} or {"days": {"type": "integer", "default": 7}} to the long form
CREATE OR REPLACE FUNCTION augur._check_params(params jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	p			record;
	spec		jsonb;
	unknown		text;
	type		regtype;
	checked		jsonb := '{}';
BEGIN
	IF params IS NULL OR jsonb_typeof(params) <> 'object' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'params must be a JSON object',
			HINT = 'Example: {"days": {"type": "integer", "default": 7}}';
	END IF;
	FOR p IN SELECT * FROM jsonb_each(params) LOOP
		spec := CASE jsonb_typeof(p.value) WHEN 'string' THEN jsonb_build_object('type', p.value)
				WHEN 'object' THEN p.value END;
		IF p.key !~ '^[A-Za-z_][A-Za-z0-9_]{0,62}$' THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
				MESSAGE = format('invalid name of a parameter %s', quote_literal(p.key)),
				DETAIL = 'A name has at most 63 letters, digits and "_", and does not begin with a digit.';
		ELSIF spec IS NULL OR jsonb_typeof(spec -> 'type') IS DISTINCT FROM 'string' THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
				MESSAGE = format('parameter "%s" has no type', p.key),
				HINT = format('Example: {"%s": {"type": "integer", "default": 7}}', p.key);
		END IF;
		SELECT k INTO unknown FROM jsonb_object_keys(spec) k
		WHERE k <> ALL ('{type,default,required,description}') LIMIT 1;
		IF unknown IS NOT NULL THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
				MESSAGE = format('parameter "%s" has an unknown property "%s"', p.key, unknown),
				HINT = 'Valid properties are type, default, required and description.';
		END IF;
		BEGIN
			type := to_regtype(spec ->> 'type');
		EXCEPTION WHEN syntax_error OR invalid_name THEN
			type := NULL;
		END;
		IF type IS NULL OR NOT EXISTS (SELECT FROM pg_type t WHERE t.oid = type AND t.typtype = 'b'
									   AND t.typnamespace = 'pg_catalog'::regnamespace)
		THEN
			PERFORM augur._fail(CASE WHEN type IS NULL THEN 'undefined_object' ELSE 'feature_not_supported' END,
				CASE WHEN type IS NULL THEN format('type "%s" of parameter "%s" does not exist', spec ->> 'type', p.key)
						  ELSE format('parameter "%s" cannot be of type %s', p.key, type) END,
				'A parameter has one of the types that come with PostgreSQL, such as integer, text, date or text[].');
		ELSIF jsonb_typeof(coalesce(spec -> 'required', 'false')) <> 'boolean' THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
				MESSAGE = format('property required of parameter "%s" must be true or false', p.key);
		ELSIF (spec ->> 'required')::boolean AND spec ? 'default' THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
				MESSAGE = format('parameter "%s" is required, so it cannot have a default', p.key);
		END IF;
		spec := spec || jsonb_build_object('type', format_type(type, NULL));
		IF spec ? 'default' THEN
			spec := spec || jsonb_build_object('default', augur._cast_param(p.key, spec -> 'default', spec ->> 'type'));
		END IF;
		checked := checked || jsonb_build_object(p.key, spec);
	END LOOP;
	RETURN checked;
END
$$;
COMMENT ON FUNCTION augur._check_params(jsonb) IS
'Internal. The declaration of parameters in its long form; an error when there is something wrong with it.';

CREATE OR REPLACE FUNCTION augur._run_params(p augur.pipelines, params jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	d			record;
	unknown		text;
	filled		jsonb := '{}';
BEGIN
	IF params IS NULL OR jsonb_typeof(params) <> 'object' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'params must be a JSON object';
	END IF;
	SELECT k INTO unknown FROM jsonb_object_keys(params) k WHERE NOT p.params ? k LIMIT 1;
	IF unknown IS NOT NULL THEN
		PERFORM augur._fail('invalid_parameter_value',
			format('pipeline "%s" has no parameter "%s"', p.name, unknown),
			CASE WHEN p.params = '{}' THEN 'It has no parameters.'
				ELSE format('Its parameters are %s.', (SELECT string_agg(k, ', ' ORDER BY k) FROM jsonb_object_keys(p.params) k)) END,
			'Perhaps you meant "' || augur._nearest(unknown, ARRAY(SELECT jsonb_object_keys(p.params))) || '".');
	END IF;
	FOR d IN SELECT key, value AS spec FROM jsonb_each(p.params) ORDER BY key LOOP
		IF params ? d.key THEN
			filled := filled || jsonb_build_object(d.key, augur._cast_param(d.key, params -> d.key, d.spec ->> 'type'));
		ELSIF (d.spec ->> 'required')::boolean THEN
			PERFORM augur._fail('invalid_parameter_value',
				format('pipeline "%s" needs parameter "%s"', p.name, d.key),
				d.spec ->> 'description');
		ELSE
			filled := filled || jsonb_build_object(d.key, d.spec -> 'default');
		END IF;
	END LOOP;
	RETURN filled;
END
$$;
COMMENT ON FUNCTION augur._run_params(augur.pipelines, jsonb) IS
'Internal. The parameters of a run: those given, checked, and defaults.';

-- ---- references --------------------------------------------------------------------------------

-- known: {"params": {...}, "run": {...}, "results": {step: result}}
CREATE OR REPLACE FUNCTION augur._resolve(doc jsonb, known jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	k			text;
	v			jsonb;
	word		text;
	path		text[];
BEGIN
	IF jsonb_typeof(doc) = 'array' THEN
		RETURN coalesce((SELECT jsonb_agg(augur._resolve(e, known) ORDER BY i)
						 FROM jsonb_array_elements(doc) WITH ORDINALITY u (e, i)), '[]');
	ELSIF jsonb_typeof(doc) IS DISTINCT FROM 'object' THEN
		RETURN doc;
	END IF;
	SELECT e.key, e.value INTO k, v FROM jsonb_each(doc) e
	WHERE e.key = ANY ('{param,run,result,literal}') AND (SELECT count(*) FROM jsonb_object_keys(doc)) = 1;
	IF k = 'literal' THEN
		RETURN v;
	ELSIF k IS NULL OR jsonb_typeof(v) <> 'string' THEN
		RETURN coalesce((SELECT jsonb_object_agg(e.key, augur._resolve(e.value, known)) FROM jsonb_each(doc) e), '{}');
	END IF;
	word := v #>> '{}';
	IF k = 'param' THEN
		IF NOT known -> 'params' ? word THEN
			PERFORM augur._fail('undefined_object',
				format('the pipeline has no parameter "%s"', word),
				NULL,
				coalesce('Perhaps you meant "'
					|| augur._nearest(word, ARRAY(SELECT jsonb_object_keys(known -> 'params'))) || '".',
					'Parameters are declared by augur.create_pipeline and augur.alter_pipeline.'));
		END IF;
		RETURN known -> 'params' -> word;
	ELSIF k = 'run' THEN
		IF NOT known -> 'run' ? word THEN
			RAISE EXCEPTION USING ERRCODE = 'undefined_object',
				MESSAGE = format('a run has no "%s"', word),
				HINT = format('{"run": ...} can be one of %s.',
							  (SELECT string_agg(r, ', ' ORDER BY r) FROM jsonb_object_keys(known -> 'run') r));
		END IF;
		RETURN known -> 'run' -> word;
	END IF;
	IF known ? 'planned' THEN
		RETURN to_jsonb(format('<result of %s>', word));
	END IF;
	path := string_to_array(word, '.');
	IF NOT known -> 'results' ? path[1] THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('the result of step "%s" is not known here', path[1]),
			HINT = 'Only results of steps that a step needs, at once or through others, can be used.';
	END IF;
	RETURN coalesce(known -> 'results' #> path, 'null');
END
$$;
COMMENT ON FUNCTION augur._resolve(jsonb, jsonb) IS
'Internal. A body with its references replaced by values.';

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

-- ---- what a kind does ----------------------------------------------------------------------------

-- The function that a kind calls; what of its body are not arguments.
CREATE OR REPLACE FUNCTION augur._kind_function(kind text, body jsonb, OUT fn regprocedure, OUT options text[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	name		text;
BEGIN
	options := CASE kind WHEN 'load' THEN '{format}' WHEN 'drift' THEN '{fail_on}' ELSE '{}' END;
	name := CASE kind
		WHEN 'load' THEN 'load_' || (body ->> 'format')
		WHEN 'validate' THEN 'validate'
		WHEN 'refresh_features' THEN 'refresh_feature_set'
		WHEN 'train' THEN CASE WHEN body ? 'query' THEN 'train_query' ELSE 'train' END
		WHEN 'train_forecast' THEN 'train_forecast'
		WHEN 'score' THEN 'score'
		WHEN 'drift' THEN 'record_drift'
		WHEN 'promote' THEN 'promote'
		WHEN 'retrain' THEN 'check_retrain'
		WHEN 'notify' THEN 'emit' END;
	SELECT p.oid INTO fn FROM pg_proc p
	WHERE p.pronamespace = 'augur'::regnamespace AND p.proname = name;
END
$$;
COMMENT ON FUNCTION augur._kind_function(text, jsonb) IS
'Internal. The function that a kind of step calls with the body as arguments, and keys that are not arguments.';

CREATE OR REPLACE FUNCTION augur._function_arguments(fn regprocedure)
	RETURNS TABLE (name text, type oid, needed boolean)
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT (array_agg(a.name ORDER BY a.i))[1], a.type, a.input <= p.pronargs - p.pronargdefaults
	FROM pg_proc p, LATERAL (
		SELECT i, coalesce(p.proargnames[i], '') AS name, t AS type, row_number() OVER (ORDER BY i) AS input
		FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY u (t, i)
		WHERE coalesce(p.proargmodes[i], 'i') = ANY ('{i,b,v}'::"char"[])) a
	WHERE p.oid = fn
	GROUP BY a.i, a.type, a.input, p.pronargs, p.pronargdefaults
	ORDER BY a.i
$$;
COMMENT ON FUNCTION augur._function_arguments(regprocedure) IS
'Internal. The input arguments of a function.';

-- names are looked up as the step will look them up
CREATE OR REPLACE FUNCTION augur._find_relation(name text, path text) RETURNS regclass
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	found_relation regclass;
BEGIN
	-- no operator after this: they would be looked up there
	PERFORM pg_catalog.set_config('search_path', path, true);
	found_relation := pg_catalog.to_regclass(name);
	RETURN found_relation;
EXCEPTION WHEN syntax_error OR invalid_name OR feature_not_supported THEN
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION augur._find_relation(text, text) IS
'Internal. The relation that a name means with a search_path, NULL when there is none.';

CREATE OR REPLACE FUNCTION augur._path_schemas(path text) RETURNS name[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	PERFORM pg_catalog.set_config('search_path', path, true);
	RETURN pg_catalog.current_schemas(true);
END
$$;
COMMENT ON FUNCTION augur._path_schemas(text) IS
'Internal. The schemas of a search_path.';

CREATE OR REPLACE FUNCTION augur._find_function(name text, args jsonb, path text) RETURNS regprocedure
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	parts		text[];
	schemas		name[] := augur._path_schemas(path);
	found_functions oid[];
	fits		oid[];
	best		integer;
BEGIN
	-- the form with argument types, of overloaded functions
	IF name ~ '\)\s*$' THEN
		found_functions := ARRAY[to_regprocedure(name)::oid];
		IF found_functions = '{NULL}' THEN
			RAISE EXCEPTION USING ERRCODE = 'undefined_function',
				MESSAGE = format('function %s does not exist', name),
				HINT = 'With argument types, the schema has to be told: public.f(integer).';
		END IF;
	ELSE
		parts := parse_ident(name);
		IF cardinality(parts) > 2 THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_name', MESSAGE = format('invalid name of a function %s', quote_literal(name));
		END IF;
		SELECT array_agg(p.oid) INTO found_functions
		FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
		WHERE p.proname = parts[cardinality(parts)]
		AND CASE WHEN cardinality(parts) = 2 THEN n.nspname = parts[1] ELSE n.nspname = ANY (schemas) END;
		IF found_functions IS NULL THEN
			PERFORM augur._fail('undefined_function',
				format('function %s does not exist', name),
				CASE WHEN cardinality(parts) = 1 THEN format('It was looked for in %s.', array_to_string(schemas, ', ')) END);
		END IF;
	END IF;
	SELECT array_agg(f ORDER BY place), min(place) INTO fits, best
	FROM (SELECT f, array_position(schemas, n.nspname) AS place
		  FROM unnest(found_functions) f JOIN pg_proc p ON p.oid = f JOIN pg_namespace n ON n.oid = p.pronamespace
		  WHERE p.prokind = 'f'
		  AND NOT EXISTS (SELECT FROM jsonb_object_keys(args) k
						  WHERE k <> ALL (ARRAY(SELECT a.name FROM augur._function_arguments(f::regprocedure) a)))
		  AND NOT EXISTS (SELECT FROM augur._function_arguments(f::regprocedure) a WHERE a.needed AND NOT args ? a.name)) t;
	IF cardinality(fits) > 1 AND best IS NOT NULL THEN
		fits := ARRAY(SELECT f FROM unnest(fits) f JOIN pg_proc p ON p.oid = f JOIN pg_namespace n ON n.oid = p.pronamespace
					  WHERE n.nspname = schemas[best]);
	END IF;
	IF cardinality(fits) > 1 THEN
		RAISE EXCEPTION USING ERRCODE = 'ambiguous_function',
			MESSAGE = format('function %s is not unique', name),
			DETAIL = format('These take the arguments: %s.', (SELECT string_agg(f::regprocedure::text, ', ' ORDER BY f::regprocedure::text) FROM unnest(fits) f)),
			HINT = 'Tell the types of its arguments: "function": "schema.name(integer, text)".';
	ELSIF fits IS NULL AND cardinality(found_functions) = 1 THEN
		IF (SELECT p.prokind FROM pg_proc p WHERE p.oid = found_functions[1]) <> 'f' THEN
			RAISE EXCEPTION USING ERRCODE = 'wrong_object_type',
				MESSAGE = format('%s is not a function', found_functions[1]::regprocedure),
				HINT = 'A step of kind sql can CALL a procedure, if it does not commit.';
		END IF;
		-- whoever calls tells what is wrong with the arguments
		RETURN found_functions[1]::regprocedure;
	ELSIF fits IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_function',
			MESSAGE = format('no function %s takes these arguments', name),
			DETAIL = format('There are %s.', (SELECT string_agg(f::regprocedure::text, ', ' ORDER BY f::regprocedure::text) FROM unnest(found_functions) f));
	END IF;
	RETURN fits[1]::regprocedure;
END
$$;
COMMENT ON FUNCTION augur._find_function(text, jsonb, text) IS
'Internal. The function of that name that takes these named arguments; an error when there is not exactly one.';

CREATE OR REPLACE FUNCTION augur._check_arguments(fn regprocedure, keys text[], options text[], what text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	known		text[] := ARRAY(SELECT a.name FROM augur._function_arguments(fn) a WHERE a.name <> '') || options;
	bad			text;
BEGIN
	SELECT k INTO bad FROM unnest(keys) k WHERE k <> ALL (known) LIMIT 1;
	IF bad IS NOT NULL THEN
		PERFORM augur._fail('invalid_parameter_value',
			format('%s has no argument "%s"', what, bad),
			CASE WHEN known = '{}' THEN 'It has no arguments with a name.'
				ELSE format('Its arguments are %s.', array_to_string(known, ', ')) END,
			'Perhaps you meant "' || augur._nearest(bad, known) || '".');
	END IF;
	SELECT a.name INTO bad FROM augur._function_arguments(fn) a WHERE a.needed AND a.name <> ALL (keys) LIMIT 1;
	IF bad IS NOT NULL THEN
		PERFORM augur._fail('invalid_parameter_value',
			CASE WHEN bad = '' THEN format('%s needs an argument that has no name', what)
				ELSE format('%s needs argument "%s"', what, bad) END,
			NULL,
			CASE WHEN bad = '' THEN 'Arguments are given by name. Use a step of kind sql.' END);
	END IF;
	SELECT format('"%s" of %s', a.name, fn) INTO bad FROM augur._function_arguments(fn) a JOIN pg_type t ON t.oid = a.type
	WHERE t.typtype = 'p' AND a.name = ANY (keys) LIMIT 1;
	IF bad IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
			MESSAGE = format('argument %s takes any type', bad),
			HINT = 'Use a step of kind sql, where the type can be told.';
	END IF;
END
$$;
COMMENT ON FUNCTION augur._check_arguments(regprocedure, text[], text[], text) IS
'Internal. Raises an error unless a function can be called with these named arguments.';

-- The statement of a step whose references are resolved; arguments are $1, never part of the text.
CREATE OR REPLACE FUNCTION augur._step_statement(kind text, body jsonb, OUT sql text, OUT args jsonb)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	f			record;
	list		text;
BEGIN
	IF kind = 'sql' THEN
		sql := body ->> 'sql';
		RETURN;
	ELSIF kind = 'call' THEN
		args := coalesce(body -> 'args', '{}');
		SELECT (body ->> 'function')::regprocedure AS fn, '{}'::text[] AS options INTO f;
	ELSE
		f := augur._kind_function(kind, body);
		args := body - f.options;
	END IF;
	SELECT string_agg(format('%I => %s', a.name,
		CASE WHEN jsonb_typeof(args -> a.name) = 'null' THEN format('NULL::%s', format_type(a.type, NULL))
		WHEN a.type = 'jsonb'::regtype THEN format('($1 OPERATOR(pg_catalog.->) %L)', a.name)
		WHEN a.type = 'json'::regtype THEN format('($1 OPERATOR(pg_catalog.->) %L)::json', a.name)
		WHEN jsonb_typeof(args -> a.name) = 'array'
			THEN format('ARRAY(SELECT e FROM pg_catalog.jsonb_array_elements_text($1 OPERATOR(pg_catalog.->) %L)'
						' WITH ORDINALITY u (e, i) ORDER BY i)::%s', a.name, format_type(a.type, NULL))
		ELSE format('($1 OPERATOR(pg_catalog.->>) %L)::%s', a.name, format_type(a.type, NULL)) END), ', ')
	INTO list
	FROM augur._function_arguments(f.fn) a WHERE args ? a.name;
	SELECT format(CASE kind WHEN 'score' THEN 'SELECT pg_catalog.count(*) AS rows FROM %I.%I(%s)'
				  ELSE 'SELECT * FROM %I.%I(%s)' END, n.nspname, p.proname, list)
	INTO sql
	FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = f.fn;
END
$$;
COMMENT ON FUNCTION augur._step_statement(text, jsonb) IS
'Internal. What a step executes, and its argument $1.';

-- ---- checking a step ---------------------------------------------------------------------------

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
		ELSIF EXISTS (SELECT FROM pg_type t WHERE t.oid = a.type AND t.typtype = 'b'
					  AND t.typnamespace = 'pg_catalog'::regnamespace)
		THEN
			PERFORM augur._cast_param(a.name, value, format_type(a.type, NULL), 'argument');
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION augur._check_objects(augur.pipelines, augur.pipeline_steps, regprocedure, jsonb, jsonb, augur.pipeline_steps[]) IS
'Internal. Raises an error when an argument names something that does not exist, or is of the wrong type.';

CREATE OR REPLACE FUNCTION augur._check_references(s augur.pipeline_steps, known jsonb) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	text_of		text := concat_ws(E'\n', CASE s.kind WHEN 'sql' THEN s.body ->> 'sql' END, s.condition);
	word		text;
BEGIN
	PERFORM augur._resolve(s.body - 'sql', known);
	FOR word IN SELECT m[1] FROM regexp_matches(text_of, '\maugur\.param\(\s*''([^'']*)''\s*\)', 'g') m LOOP
		PERFORM augur._resolve(jsonb_build_object('param', word), known);
	END LOOP;
	FOR word IN SELECT m[1] FROM regexp_matches(text_of, '\maugur\.step_result\(\s*''([^'']*)''\s*\)', 'g') m LOOP
		PERFORM augur._resolve(jsonb_build_object('result', word), known);
	END LOOP;
END
$$;
COMMENT ON FUNCTION augur._check_references(augur.pipeline_steps, jsonb) IS
'Internal. Raises an error when a step uses a parameter or a result that is not there.';

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
				(SELECT string_agg(format_type(t, NULL), ',' ORDER BY i) FROM unnest(q.proargtypes::oid[]) WITH ORDINALITY u (t, i)))
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

-- ---- defining ------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur.create_pipeline(name text, params jsonb DEFAULT '{}',
	description text DEFAULT NULL, max_parallel integer DEFAULT 2, max_active integer DEFAULT 1,
	concurrency text DEFAULT 'queue', run_timeout interval DEFAULT NULL, late_after interval DEFAULT NULL,
	keep interval DEFAULT '90 days') RETURNS bigint
LANGUAGE plpgsql VOLATILE
-- the search_path of the caller is what it keeps, so it has none of its own
AS $$
DECLARE
	path		pg_catalog.text := pg_catalog.current_setting('search_path');
BEGIN
	RETURN augur._create_pipeline(name, params, description, max_parallel, max_active, concurrency,
								  run_timeout, late_after, keep, path);
END
$$;
COMMENT ON FUNCTION augur.create_pipeline(text, jsonb, text, integer, integer, text, interval, interval, interval) IS
'Makes a pipeline without steps, which augur.add_step adds; it belongs to the current user, whose rights and present search_path its steps will have. params: {"days": {"type": "integer", "default": 7, "required": false, "description": "..."}}, or {"days": "integer"}. max_parallel: steps of one run at the same time; max_active: runs at the same time; concurrency: what becomes of a run beyond that: queue, skip, or replace the running one. run_timeout: stops a run; late_after: reports a run (default: when it takes much longer than usual); keep: how long ended runs are kept. Example: SELECT augur.create_pipeline(''nightly'', ''{"days": {"type": "integer", "default": 7}}'')';

CREATE OR REPLACE FUNCTION augur._check_pipeline_options(name text, max_parallel integer, max_active integer,
	concurrency text, run_timeout interval, late_after interval, keep interval) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	problem		text;
BEGIN
	problem := CASE
		WHEN coalesce(name, '') = '' THEN 'name of a pipeline must not be empty'
		WHEN char_length(name) > 63 THEN 'name of a pipeline must not have more than 63 characters'
		WHEN name ~ '[/@[:cntrl:]]' OR name <> btrim(name)
			THEN format('invalid name of a pipeline %s: it must not contain "/", "@" or control characters, nor begin or end with a space', quote_literal(name))
		WHEN max_parallel IS NULL OR max_parallel NOT BETWEEN 1 AND 64 THEN 'max_parallel must be between 1 and 64'
		WHEN max_active IS NULL OR max_active NOT BETWEEN 1 AND 64 THEN 'max_active must be between 1 and 64'
		WHEN concurrency IS NULL OR concurrency <> ALL ('{skip,queue,replace}')
			THEN format('invalid concurrency %s: valid values are skip, queue and replace', quote_nullable(concurrency))
		WHEN run_timeout <= interval '0' THEN 'run_timeout must be positive'
		WHEN late_after <= interval '0' THEN 'late_after must be positive'
		WHEN keep IS NULL OR keep <= interval '0' THEN 'keep must be positive'
		WHEN run_timeout > interval '1000 years' THEN 'run_timeout must not be more than 1000 years'
		WHEN late_after > interval '1000 years' THEN 'late_after must not be more than 1000 years'
		WHEN keep > interval '1000 years' THEN 'keep must not be more than 1000 years' END;
	IF problem IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = problem;
	END IF;
END
$$;
COMMENT ON FUNCTION augur._check_pipeline_options(text, integer, integer, text, interval, interval, interval) IS
'Internal. Raises an error unless a pipeline can have these options.';

CREATE OR REPLACE FUNCTION augur._create_pipeline(name text, params jsonb, description text,
	max_parallel integer, max_active integer, concurrency text, run_timeout interval, late_after interval,
	keep interval, path text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	made		bigint;
BEGIN
	PERFORM augur._check_pipeline_options(name, max_parallel, max_active, concurrency, run_timeout, late_after, keep);
	params := augur._check_params(params);
	BEGIN
		INSERT INTO augur.pipelines AS t (name, params, description, max_parallel, max_active, concurrency,
			run_timeout, late_after, keep, search_path)
		VALUES (name, params, description, max_parallel, max_active, concurrency, run_timeout, late_after, keep, path)
		RETURNING t.id INTO made;
	EXCEPTION WHEN unique_violation THEN
		RAISE EXCEPTION USING ERRCODE = 'duplicate_object',
			MESSAGE = format('pipeline "%s" already exists', name);

	END;
	RETURN made;
END
$$;
COMMENT ON FUNCTION augur._create_pipeline(text, jsonb, text, integer, integer, text, interval, interval, interval, text) IS
'Internal. Writes a new pipeline.';

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
	p			augur.pipelines := augur._pipeline(pipeline);
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
	-- two sessions that add steps at the same time do it one after the other
	PERFORM FROM augur.pipelines t WHERE t.id = p.id FOR NO KEY UPDATE;
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

-- ---- pools ---------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._check_pool_right(name text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF row_security_active('augur.pools') AND NOT EXISTS (
		SELECT FROM augur.preset_roles p WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE'))
	THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('permission denied for pool %s', quote_nullable(name)),
			DETAIL = 'Pools limit the steps of every role: for operators, admins and the extension''s owner.';
	END IF;
END
$$;
COMMENT ON FUNCTION augur._check_pool_right(text) IS
'Internal. Raises an error unless the current user may make and change pools.';

CREATE OR REPLACE FUNCTION augur.set_pool(name text, slots integer, note text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	problem		text := CASE
		WHEN name IS NULL OR name !~ '^[A-Za-z0-9_-]{1,63}$'
			THEN format('invalid name of a pool %s: it has 1 to 63 letters, digits, "_" and "-"', quote_nullable(name))
		WHEN slots IS NULL OR slots NOT BETWEEN 0 AND 1000 THEN 'slots must be between 0 and 1000' END;
BEGIN
	PERFORM augur._check_pool_right(name);
	IF problem IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = problem;
	END IF;
	INSERT INTO augur.pools AS t (name, slots, note) VALUES (name, slots, note)
	ON CONFLICT ON CONSTRAINT pools_pkey DO UPDATE SET slots = excluded.slots, note = coalesce(excluded.note, t.note);
	PERFORM augur._wake_pool(name, NULL);
END
$$;
COMMENT ON FUNCTION augur.set_pool(text, integer, text) IS
'Makes a pool, or changes how many slots it has. Of all steps that name it in augur.add_step, of whatever pipeline and owner, so many run at the same time; the others wait. 0 lets none begin. Those that run go on. For operators and admins. Example: SELECT augur.set_pool(''training'', 1)';

CREATE OR REPLACE FUNCTION augur.drop_pool(name text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	PERFORM augur._check_pool_right(name);
	DELETE FROM augur.pools t WHERE t.name = name;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('pool %s does not exist', coalesce('"' || name || '"', 'NULL'));
	END IF;
EXCEPTION WHEN foreign_key_violation THEN
	PERFORM augur._fail('dependent_objects_still_exist', format('pool "%s" is named by steps', name),
		(SELECT format('Of pipelines %s.', string_agg(DISTINCT '"' || p.name || '"', ', '))
		 FROM augur.pipeline_steps s JOIN augur.pipelines p ON p.id = s.pipeline_id WHERE s.pool = name),
		'augur.add_step(..., replace => true) takes it from them.');
END
$$;
COMMENT ON FUNCTION augur.drop_pool(text) IS
'Removes a pool that no step names. For operators and admins.';

CREATE OR REPLACE FUNCTION augur.drop_step(pipeline text, step text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	p			augur.pipelines := augur._pipeline(pipeline);
	dependent	text;
BEGIN
	PERFORM FROM augur.pipelines t WHERE t.id = p.id FOR NO KEY UPDATE;
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

CREATE OR REPLACE FUNCTION augur.alter_pipeline(name text, params jsonb DEFAULT NULL,
	description text DEFAULT NULL, max_parallel integer DEFAULT NULL, max_active integer DEFAULT NULL,
	concurrency text DEFAULT NULL, run_timeout interval DEFAULT NULL, late_after interval DEFAULT NULL,
	keep interval DEFAULT NULL, search_path text DEFAULT NULL, new_name text DEFAULT NULL,
	owner name DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	p			augur.pipelines := augur._pipeline(name);
	s			augur.pipeline_steps;
	steps		augur.pipeline_steps[];
	to_role		regrole := CASE WHEN owner IS NOT NULL THEN augur._role(owner) END;
	why_not		text;
BEGIN
	IF to_role = 0 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'public cannot own a pipeline';
	END IF;
	-- a new owner waits for whoever is about to start a run
	PERFORM FROM augur.pipelines t WHERE t.id = p.id FOR NO KEY UPDATE;
	p.name := coalesce(new_name, p.name);
	p.description := CASE WHEN description = '' THEN NULL ELSE coalesce(description, p.description) END;
	p.max_parallel := coalesce(max_parallel, p.max_parallel);
	p.max_active := coalesce(max_active, p.max_active);
	p.concurrency := coalesce(concurrency, p.concurrency);
	p.run_timeout := CASE WHEN run_timeout = interval '0' THEN NULL ELSE coalesce(run_timeout, p.run_timeout) END;
	p.late_after := CASE WHEN late_after = interval '0' THEN NULL ELSE coalesce(late_after, p.late_after) END;
	p.keep := coalesce(keep, p.keep);
	p.search_path := coalesce(search_path, p.search_path);
	PERFORM augur._path_schemas(p.search_path);
	PERFORM augur._check_pipeline_options(p.name, p.max_parallel, p.max_active, p.concurrency, p.run_timeout,
										  p.late_after, p.keep);
	IF params IS NOT NULL THEN
		p.params := augur._check_params(params);
		steps := ARRAY(SELECT t FROM augur.pipeline_steps t WHERE t.pipeline_id = p.id ORDER BY t.position);
		FOREACH s IN ARRAY steps LOOP
			PERFORM augur._check_step(p, s, steps, false);
		END LOOP;
	END IF;
	IF p.name <> name AND EXISTS (SELECT FROM augur.pipelines t WHERE t.name = p.name) THEN
		RAISE EXCEPTION USING ERRCODE = 'duplicate_object',
			MESSAGE = format('pipeline "%s" already exists', p.name);
	END IF;
	UPDATE augur.pipelines t SET name = p.name, params = p.params, description = p.description,
		max_parallel = p.max_parallel, max_active = p.max_active, concurrency = p.concurrency,
		run_timeout = p.run_timeout, late_after = p.late_after, keep = p.keep, search_path = p.search_path
	WHERE t.id = p.id;
	-- last: from then on it is another one's
	IF to_role <> p.owner THEN
		PERFORM augur._pipeline_emit(p.owner, 'owner_changed', 'info', p.name,
			jsonb_build_object('pipeline', p.name, 'from', pg_get_userbyid(p.owner), 'to', owner));
		UPDATE augur.pipelines t SET owner = to_role WHERE t.id = p.id;
		why_not := augur._unstartable(to_role);
		IF why_not IS NOT NULL THEN
			RAISE WARNING USING MESSAGE = format('no background worker can run pipeline "%s" now', p.name),
				DETAIL = upper(left(why_not, 1)) || substr(why_not, 2) || '.';
		END IF;
	END IF;
END
$$;
COMMENT ON FUNCTION augur.alter_pipeline(text, jsonb, text, integer, integer, text, interval, interval, interval, text, text, name) IS
'Changes what is not NULL. params replaces all parameters, and fails when a step uses one that is gone; run_timeout or late_after ''0'' and description '''' take it away. Runs that have started keep what they started with. owner: whose it is from now on, and with whose rights its steps run: a role that one may SET ROLE to, superusers any; not while a run is running. Example: SELECT augur.alter_pipeline(''nightly'', max_parallel => 4)';

CREATE OR REPLACE FUNCTION augur.enable_pipeline(name text, enabled boolean DEFAULT true) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	p			augur.pipelines := augur._pipeline(name, 'operate');
BEGIN
	UPDATE augur.pipelines t SET enabled = coalesce(enable_pipeline.enabled, true) WHERE t.id = p.id;
END
$$;
COMMENT ON FUNCTION augur.enable_pipeline(text, boolean) IS
'Switches a pipeline on, or off (false): schedules, events and tables no longer start it, and queued runs wait. augur.run_pipeline still runs it.';

CREATE OR REPLACE FUNCTION augur.drop_pipeline(name text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	p			augur.pipelines := augur._pipeline(name, 'see');
	running		bigint;
BEGIN
	IF NOT augur._owns(p.owner) OR p.owner <> quote_ident(current_user)::regrole
		AND row_security_active('augur.pipelines')
		AND NOT EXISTS (SELECT FROM augur.preset_roles r WHERE r.preset = 'admin' AND pg_has_role(r.role, 'USAGE'))
	THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('must be owner of pipeline "%s"', p.name);
	END IF;
	PERFORM FROM augur.pipelines t WHERE t.id = p.id FOR UPDATE;
	SELECT r.id INTO running FROM augur.pipeline_runs r WHERE r.pipeline_id = p.id AND r.status = 'running' LIMIT 1;
	IF running IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'object_in_use',
			MESSAGE = format('run %s of pipeline "%s" is running', running, p.name),
			HINT = format('SELECT augur.cancel_run(%s) stops it.', running);
	END IF;
	DELETE FROM augur.pipelines t WHERE t.id = p.id;
END
$$;
COMMENT ON FUNCTION augur.drop_pipeline(text) IS
'Drops a pipeline with its steps and the history of its runs. Its events stay in augur.events.';
