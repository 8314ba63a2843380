-- pipeline: parameters of a pipeline and of its runs, and the references that stand for values.
--
-- A parameter has a type of the server, and a run has a value of that type for each.
--
-- References: an object {"param": name}, {"run": field}, {"result": "step.field"} anywhere in a
-- body stands for a value; {"literal": x} is x, whatever it looks like.  They are values of
-- arguments, never text of statements.

-- ---- parameters ---------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._find_type(type text) RETURNS regtype
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	RETURN to_regtype(type);
EXCEPTION WHEN syntax_error OR invalid_name THEN
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION augur._find_type(text) IS
'Internal. The type of that name, NULL when there is none.';

CREATE OR REPLACE FUNCTION augur._from_server(type oid) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT EXISTS (SELECT FROM pg_type t
				   WHERE t.oid = type AND t.typtype = 'b' AND t.typnamespace = 'pg_catalog'::regnamespace)
$$;
COMMENT ON FUNCTION augur._from_server(oid) IS
'Internal. Whether a type is a base type, or an array of one, that comes with the server.';

-- Types of the server itself only: casting to one of a user's would run code of that user, with
-- the rights of whoever asks for a run, of augur.tick as well.  So the type is looked at when it is
-- used, whatever was checked when it was written: owners can write augur.pipelines themselves.
CREATE OR REPLACE FUNCTION augur._own_type(type text) RETURNS regtype
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	found_type	regtype := augur._find_type(type);
BEGIN
	IF found_type IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('type %s does not exist', quote_nullable(type));
	ELSIF NOT augur._from_server(found_type) THEN
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
					   ' ORDER BY i)::%s)', augur._type_name(cast_type))
		INTO cast_value USING value;
	ELSE
		EXECUTE format('SELECT to_jsonb(($1 #>> ''{}'')::%s)', augur._type_name(cast_type)) INTO cast_value USING value;
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
	OR undefined_function OR ambiguous_function OR invalid_schema_name OR syntax_error OR invalid_name
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
		type := augur._find_type(spec ->> 'type');
		IF type IS NULL OR NOT augur._from_server(type) THEN
			PERFORM augur._fail(CASE WHEN type IS NULL THEN 'undefined_object' ELSE 'feature_not_supported' END,
				CASE WHEN type IS NULL THEN format('type "%s" of parameter "%s" does not exist', spec ->> 'type', p.key)
						  ELSE format('parameter "%s" cannot be of type %s', p.key, type) END,
				'A parameter has one of the types that come with PostgreSQL, such as integer, text, date or text[].');
		ELSIF spec ->> 'type' ~* E'\\(|^\\s*interval\\s+[a-z]' THEN
			RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
				MESSAGE = format('type "%s" of parameter "%s" has a modifier', spec ->> 'type', p.key),
				DETAIL = 'Values are not rounded or cut to it.',
				HINT = format('Name the type alone: %s.', type);
		ELSIF jsonb_typeof(coalesce(spec -> 'required', 'false')) <> 'boolean' THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
				MESSAGE = format('property required of parameter "%s" must be true or false', p.key);
		ELSIF (spec ->> 'required')::boolean AND spec ? 'default' THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
				MESSAGE = format('parameter "%s" is required, so it cannot have a default', p.key);
		END IF;
		spec := spec || jsonb_build_object('type', augur._type_name(type));
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

-- ---- references ---------------------------------------------------------------------------------

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
	-- of '' there is none
	IF NOT coalesce(known -> 'results' ? path[1], false) THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('the result of step "%s" is not known here', path[1]),
			HINT = 'Only results of steps that a step needs, at once or through others, can be used.';
	END IF;
	RETURN coalesce(known -> 'results' #> path, 'null');
END
$$;
COMMENT ON FUNCTION augur._resolve(jsonb, jsonb) IS
'Internal. A value in a body with its references replaced by values.';

-- What is at the top are names of arguments, whatever they look like.
CREATE OR REPLACE FUNCTION augur._resolve_body(kind text, body jsonb, known jsonb) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT coalesce(jsonb_object_agg(e.key, CASE WHEN kind = 'call' AND e.key = 'args'
		THEN (SELECT coalesce(jsonb_object_agg(a.key, augur._resolve(a.value, known)), '{}') FROM jsonb_each(e.value) a)
		ELSE augur._resolve(e.value, known) END), '{}')
	FROM jsonb_each(body) e
$$;
COMMENT ON FUNCTION augur._resolve_body(text, jsonb, jsonb) IS
'Internal. The body of a step of that kind with the references in its arguments replaced by values.';
