-- pipeline: what a kind of step does: the function that it calls, its arguments, its statement.
--
-- Names in a body are looked up as the step will look them up: with the search_path of the pipeline.
-- Functions that set it use no operator afterwards.  Nothing is executed here.

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
	SELECT a.name, a.type, a.input <= p.pronargs - p.pronargdefaults
	FROM pg_proc p, LATERAL (
		SELECT i, coalesce(p.proargnames[i], '') AS name, t AS type, row_number() OVER (ORDER BY i) AS input
		FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY u (t, i)
		WHERE coalesce(p.proargmodes[i], 'i') = ANY ('{i,b,v}'::"char"[])) a
	WHERE p.oid = fn
	ORDER BY a.i
$$;
COMMENT ON FUNCTION augur._function_arguments(regprocedure) IS
'Internal. The input arguments of a function.';

-- "character" and "bit" without more would be those of length 1; and a step has a search_path of its own.
CREATE OR REPLACE FUNCTION augur._type_name(type oid) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT CASE WHEN t.typnamespace = 'augur'::regnamespace THEN format('augur.%I', t.typname) ELSE format_type(type, -1) END
	FROM pg_type t WHERE t.oid = type
$$;
COMMENT ON FUNCTION augur._type_name(oid) IS
'Internal. How a type is written in a statement, whatever its search_path: of any length, with its schema unless it comes with the server.';

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
	IF name ~ E'\\)\\s*$' THEN
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
	SELECT string_agg(format('%s%I => %s', CASE WHEN p.provariadic <> 0 AND a.i = p.pronargs THEN 'VARIADIC ' END, a.name,
		CASE WHEN jsonb_typeof(args -> a.name) = 'null' THEN format('NULL::%s', augur._type_name(a.type))
		WHEN a.type = 'jsonb'::regtype THEN format('($1 OPERATOR(pg_catalog.->) %L)', a.name)
		WHEN a.type = 'json'::regtype THEN format('($1 OPERATOR(pg_catalog.->) %L)::json', a.name)
		WHEN jsonb_typeof(args -> a.name) = 'array'
			THEN format('ARRAY(SELECT e FROM pg_catalog.jsonb_array_elements_text($1 OPERATOR(pg_catalog.->) %L)'
						' WITH ORDINALITY u (e, i) ORDER BY i)::%s', a.name, augur._type_name(a.type))
		ELSE format('($1 OPERATOR(pg_catalog.->>) %L)::%s', a.name, augur._type_name(a.type)) END), ', ' ORDER BY a.i)
	INTO list
	FROM pg_proc p, augur._function_arguments(f.fn) WITH ORDINALITY a (name, type, needed, i)
	WHERE p.oid = f.fn AND args ? a.name;
	SELECT format(CASE kind WHEN 'score' THEN 'SELECT pg_catalog.count(*) AS rows FROM %I.%I(%s)'
				  ELSE 'SELECT * FROM %I.%I(%s)' END, n.nspname, p.proname, list)
	INTO sql
	FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = f.fn;
END
$$;
COMMENT ON FUNCTION augur._step_statement(text, jsonb) IS
'Internal. What a step executes, and its argument $1.';
