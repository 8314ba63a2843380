-- validate: checking a suite in one scan, and reading what came of it.
--
-- Each expectation is compiled to aggregates over the rows of one SELECT: how many rows were
-- checked, how many are wrong, and what was seen.  When that SELECT fails, each expectation is
-- tried by a SELECT of its own, so that one that cannot be checked does not keep the others
-- from being judged.  Statements run through cursors: those take a single SELECT, so that
-- nothing can be smuggled in after an expression.

CREATE OR REPLACE FUNCTION augur._column_type(relation regclass, column_name name) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	type		text;
BEGIN
	SELECT a.atttypid::regtype INTO type FROM pg_attribute a
	WHERE a.attrelid = relation AND a.attname = column_name AND a.attnum > 0 AND NOT a.attisdropped;
	IF type IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_column',
			MESSAGE = format('column "%s" does not exist in %s', column_name, relation);
	END IF;
	RETURN type;
END
$$;
COMMENT ON FUNCTION augur._column_type(regclass, name) IS
'Internal. The type of a column, without its modifier; an error when there is no such column.';

CREATE OR REPLACE FUNCTION augur._castable(value text, type text) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	EXECUTE format('SELECT %L::%s', value, to_regtype(type));
	RETURN true;
EXCEPTION WHEN data_exception OR invalid_text_representation THEN
	RETURN false;
END
$$;
COMMENT ON FUNCTION augur._castable(text, text) IS
'Internal. Whether a text is valid input of a type; for servers without pg_input_is_valid.';

-- Conditions on a row t that hold where it is right, and are null where it is not judged.
CREATE OR REPLACE FUNCTION augur._row_condition(e augur.expectations, relation regclass) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	col			text := 't.' || quote_ident(e.columns[1]);
	-- whether there is a column is what some ask
	type		text := CASE WHEN cardinality(e.columns) > 0 AND e.kind <> ALL ('{column_exists,columns}') THEN augur._column_type(relation, e.columns[1]) END;
	present		text := (SELECT string_agg(format('t.%I IS NOT NULL', c), ' AND ') FROM unnest(e.columns) c);
	others		name[];
BEGIN
	CASE e.kind
	WHEN 'not_null' THEN
		RETURN col || ' IS NOT NULL';
	WHEN 'in_range' THEN
		RETURN (SELECT string_agg(format('%s %s %L::%s', col, o.op, e.args ->> o.name, type), ' AND ')
				FROM (VALUES ('min', '>='), ('max', '<='), ('above', '>'), ('below', '<')) o (name, op)
				WHERE e.args ? o.name);
	WHEN 'in_set' THEN
		RETURN format('%s = ANY (%L::%s[])', col,
					  ARRAY(SELECT jsonb_array_elements_text(e.args -> 'values'))::text, type);
	WHEN 'matches' THEN
		RETURN format('%s::text ~ %L', col, e.args ->> 'pattern');
	WHEN 'length' THEN
		RETURN (SELECT string_agg(format('char_length(%s::text) %s %L::integer', col, o.op, e.args ->> o.name), ' AND ')
				FROM (VALUES ('min', '>='), ('max', '<=')) o (name, op) WHERE e.args ? o.name);
	WHEN 'castable' THEN
		RETURN format('CASE WHEN %s IS NOT NULL THEN %s(%s::text, %L) END', col,
			CASE WHEN current_setting('server_version_num')::integer >= 160000
				 THEN 'pg_input_is_valid' ELSE 'augur._castable' END, col, e.args ->> 'type');
	WHEN 'foreign_key' THEN
		IF to_regclass(e.args ->> 'references') IS NULL THEN
			RAISE EXCEPTION USING ERRCODE = 'undefined_table',
				MESSAGE = format('%s, which is referred to, does not exist', e.args ->> 'references');
		END IF;
		others := CASE WHEN e.args ? 'to' THEN ARRAY(SELECT jsonb_array_elements_text(e.args -> 'to'))::name[]
				  ELSE e.columns END;
		PERFORM augur._column_type(relation, c) FROM unnest(e.columns) c;
		PERFORM augur._column_type(to_regclass(e.args ->> 'references'), c) FROM unnest(others) c;
		RETURN format('CASE WHEN %s THEN (%s) IN (SELECT %s FROM %s r WHERE %s) END', present,
			(SELECT string_agg(format('t.%I', c), ', ' ORDER BY n) FROM unnest(e.columns) WITH ORDINALITY u (c, n)),
			(SELECT string_agg(format('r.%I', c), ', ' ORDER BY n) FROM unnest(others) WITH ORDINALITY u (c, n)),
			to_regclass(e.args ->> 'references'),
			(SELECT string_agg(format('r.%I IS NOT NULL', c), ' AND ') FROM unnest(others) c));
	WHEN 'monotonic' THEN
		RETURN format('CASE WHEN t.%I IS NOT NULL THEN %s %s t.%I END', 'augur before ' || e.id, col,
					  CASE WHEN (e.args ->> 'strict')::boolean THEN '>' ELSE '>=' END, 'augur before ' || e.id);
	WHEN 'expression' THEN
		-- the line feed ends a comment
		RETURN format(E'((%s\n)::boolean)', e.args ->> 'expression');
	ELSE
		RETURN NULL;
	END CASE;
END
$$;
COMMENT ON FUNCTION augur._row_condition(augur.expectations, regclass) IS
'Internal. The condition of an expectation about single rows, NULL for others.';

-- The value of the row before, for monotonic: a column of the rows that are checked.
CREATE OR REPLACE FUNCTION augur._before_column(e augur.expectations, relation regclass) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	groups		text;
BEGIN
	IF e.kind <> 'monotonic' THEN
		RETURN NULL;
	END IF;
	PERFORM augur._column_type(relation, (e.args ->> 'order_by')::name);
	SELECT string_agg(format('s.%I', c), ', ' ORDER BY n) INTO groups
	FROM jsonb_array_elements_text(e.args -> 'by') WITH ORDINALITY u (c, n);
	RETURN format('lag(s.%I) OVER (%sORDER BY s.%I) AS %I', e.columns[1],
		coalesce('PARTITION BY ' || groups || ' ', ''), e.args ->> 'order_by', 'augur before ' || e.id);
END
$$;
COMMENT ON FUNCTION augur._before_column(augur.expectations, regclass) IS
'Internal. The window column that an expectation of kind monotonic needs, NULL for others.';

CREATE OR REPLACE FUNCTION augur._expectation_sql(e augur.expectations, relation regclass,
	filter text, as_of timestamptz, suite_id bigint, OUT cells text, OUT rows_sql text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	rows_of		text := augur._checked_rows(relation, filter, ARRAY[augur._before_column(e, relation)]);
	cond		text := augur._row_condition(e, relation);
	col			text := 't.' || quote_ident(e.columns[1]);
	checked		text := 'NULL::bigint';
	failing		text := 'NULL::bigint';
	holds		text := 'NULL::boolean';
	observed	text := 'NULL::jsonb';
	list		text;
	usual		float8;
	found_type	text;
	absent		name[];
	extra		name[];
BEGIN
	IF cond IS NOT NULL THEN
		checked := format('count((%s))', cond);
		failing := format('count(*) FILTER (WHERE NOT (%s))', cond);
		IF e.kind = 'in_range' THEN
			observed := format('jsonb_build_object(''min'', min(%s), ''max'', max(%s))', col, col);
		ELSIF e.kind = 'length' THEN
			observed := format('jsonb_build_object(''min'', min(char_length(%s::text)), ''max'', max(char_length(%s::text)))', col, col);
		END IF;
		rows_sql := format('SELECT t.* FROM %s t WHERE NOT (%s)', rows_of, cond);
	ELSIF e.kind = 'unique' THEN
		PERFORM augur._column_type(relation, c) FROM unnest(e.columns) c;
		SELECT string_agg(format('t.%I', c), ', ' ORDER BY n), string_agg(format('t.%I IS NOT NULL', c), ' AND ')
		INTO list, cond FROM unnest(e.columns) WITH ORDINALITY u (c, n);
		checked := format('count(*) FILTER (WHERE %s)', cond);
		failing := format('count(*) FILTER (WHERE %s) - count(DISTINCT (%s)) FILTER (WHERE %s)', cond, list, cond);
		rows_sql := format('SELECT t.* FROM %s t WHERE (%s) IN (SELECT %s FROM %s t GROUP BY %s HAVING count(*) > 1)',
						   rows_of, list, list, rows_of, list);
	ELSIF e.kind = 'row_count' THEN
		holds := format('count(*) BETWEEN %L::numeric AND %L::numeric', coalesce(e.args ->> 'min', '0'),
						coalesce(e.args ->> 'max', 'Infinity'));
		observed := 'to_jsonb(count(*))';
	ELSIF e.kind = 'row_count_change' THEN
		SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY r.rows) INTO usual
		FROM (SELECT r.rows FROM augur.validation_runs r
			  WHERE r.suite_id = _expectation_sql.suite_id AND r.relation = augur._qualified(_expectation_sql.relation)
			  AND r.filter IS NOT DISTINCT FROM _expectation_sql.filter AND r.status = 'passed'
			  ORDER BY r.id DESC LIMIT coalesce((e.args ->> 'runs')::integer, 10)) r;
		holds := CASE WHEN usual IS NULL THEN 'true' ELSE
			format('count(*) BETWEEN %L::float8 AND %L::float8',
				   usual * (1 - coalesce((e.args ->> 'max_drop')::float8, 0.5)),
				   usual * (1 + coalesce((e.args ->> 'max_rise')::float8, 1))) END;
		observed := format('jsonb_build_object(''rows'', count(*), ''usual'', %L::float8)', usual);
	ELSIF e.kind = 'freshness' THEN
		PERFORM augur._column_type(relation, e.columns[1]);
		-- with its offset, as names of zones (IST) may be read as those of others
		holds := format('coalesce(%L::timestamptz - max(%s)::timestamptz <= %L::interval, false)', to_jsonb(as_of) #>> '{}', col,
						e.args ->> 'max_age');
		observed := format('jsonb_build_object(''latest'', max(%s), ''age'', (%L::timestamptz - max(%s)::timestamptz)::text)',
						   col, to_jsonb(as_of) #>> '{}', col);
	ELSIF e.kind = 'distribution' THEN
		list := format('augur._distribution(%s, (SELECT %s FROM %s r), %L, %L, %L)',
			replace(augur._profile_call(e.columns[1], augur._column_type(relation, e.columns[1])::regtype), '(r.', '(t.'),
			augur._profile_call(coalesce(e.args ->> 'column', e.columns[1])::name,
				augur._column_type((e.args ->> 'references')::regclass, coalesce(e.args ->> 'column', e.columns[1])::name)::regtype),
			(e.args ->> 'references')::regclass, coalesce(e.args ->> 'min_rows', '100'),
			coalesce(e.args ->> 'effect_floor', '0.1'), coalesce(e.args ->> 'alpha', '0.05'));
		holds := format('(%s ->> ''holds'')::boolean', list);
		observed := format('%s - ''holds''', list);
	ELSIF e.kind = 'column_exists' THEN
		SELECT format_type(a.atttypid, a.atttypmod) INTO found_type FROM pg_attribute a
		WHERE a.attrelid = relation AND a.attname = e.columns[1] AND a.attnum > 0 AND NOT a.attisdropped
		AND (NOT e.args ? 'type' OR format_type(a.atttypid, a.atttypmod) = e.args ->> 'type'
			 OR a.atttypid = to_regtype(e.args ->> 'type'));
		holds := (found_type IS NOT NULL)::text;
		SELECT format('jsonb_build_object(''type'', %L)', (SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
			WHERE a.attrelid = relation AND a.attname = e.columns[1] AND a.attnum > 0 AND NOT a.attisdropped))
		INTO observed;
	ELSE
		absent := ARRAY(SELECT c FROM unnest(e.columns) c WHERE NOT EXISTS (SELECT FROM pg_attribute a
			WHERE a.attrelid = relation AND a.attname = c AND a.attnum > 0 AND NOT a.attisdropped));
		extra := ARRAY(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum > 0
			AND NOT a.attisdropped AND a.attname <> ALL (e.columns) ORDER BY a.attnum);
		holds := (absent = '{}' AND NOT (coalesce((e.args ->> 'exact')::boolean, false) AND extra <> '{}'))::text;
		observed := format('%L::jsonb', jsonb_build_object('missing', absent, 'unexpected', extra));
	END IF;
	cells := format('jsonb_build_array(%s, %s, %s, %s)', checked, failing, holds, observed);
END
$$;
COMMENT ON FUNCTION augur._expectation_sql(augur.expectations, regclass, text, timestamptz, bigint) IS
'Internal. An expectation as an aggregate over rows t: checked, failing, whether it holds, what was seen; and the query of the failing rows.';

CREATE OR REPLACE FUNCTION augur._checked_rows(relation regclass, filter text, before text[]) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT CASE WHEN filter IS NULL AND b.list IS NULL THEN relation::text
		   ELSE format(E'(SELECT s.*%s FROM %s s%s)', ', ' || b.list, relation,
					   E' WHERE (' || filter || E'\n)') END
	FROM (SELECT string_agg(c, ', ' ORDER BY n) AS list FROM unnest(before) WITH ORDINALITY u (c, n)) b
$$;
COMMENT ON FUNCTION augur._checked_rows(regclass, text, text[]) IS
'Internal. What a suite is checked over: the relation, its rows of a filter, with the window columns that are needed.';

CREATE OR REPLACE FUNCTION augur._validate_cells(query text, OUT rows bigint, OUT cells jsonb[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	FOR rows, cells IN EXECUTE query LOOP
		RETURN;
	END LOOP;
END
$$;
COMMENT ON FUNCTION augur._validate_cells(text) IS
'Internal. Runs the SELECT of a validation; a cursor takes one statement only.';

CREATE OR REPLACE FUNCTION augur._try_expectation(e augur.expectations, relation regclass) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	s			record;
BEGIN
	-- what a table lacks is for validation to tell, not a mistake in the suite
	IF e.kind <> ALL ('{column_exists,columns}') THEN
		e.id := 0;
		s := augur._expectation_sql(e, relation, 'false', now(), e.suite_id);
		PERFORM augur._validate_cells(format('SELECT count(*), ARRAY[%s] FROM %s t', s.cells,
			augur._checked_rows(relation, 'false', ARRAY[augur._before_column(e, relation)])));
	END IF;
END
$$;
COMMENT ON FUNCTION augur._try_expectation(augur.expectations, regclass) IS
'Internal. Raises an error when an expectation cannot be checked on a relation; reads no row.';

-- What is wrong, in words.
CREATE OR REPLACE FUNCTION augur._expectation_message(e augur.expectations, failing bigint, checked bigint,
	observed jsonb) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT CASE e.kind
		WHEN 'column_exists' THEN CASE WHEN observed ->> 'type' IS NULL THEN format('column "%s" is missing', e.columns[1])
			ELSE format('column "%s" has type %s, not %s', e.columns[1], observed ->> 'type', e.args ->> 'type') END
		WHEN 'columns' THEN concat_ws('; ',
			'missing: ' || (SELECT string_agg(c, ', ') FROM jsonb_array_elements_text(observed -> 'missing') c),
			'unexpected: ' || (SELECT string_agg(c, ', ') FROM jsonb_array_elements_text(observed -> 'unexpected') c
							   WHERE (e.args ->> 'exact')::boolean))
		WHEN 'distribution' THEN format('"%s" is not distributed as in %s: %s %s', e.columns[1], e.args ->> 'references',
			observed ->> 'method', round((observed ->> 'score')::numeric, 4))
		WHEN 'row_count' THEN format('%s rows', observed)
		WHEN 'row_count_change' THEN format('%s rows, usually %s', observed ->> 'rows', observed ->> 'usual')
		WHEN 'freshness' THEN CASE WHEN observed ->> 'latest' IS NULL THEN format('there is no "%s"', e.columns[1])
			ELSE format('the latest "%s" is %s old', e.columns[1], observed ->> 'age') END
		ELSE format('%s of %s rows: %s', failing, checked, CASE e.kind
			WHEN 'not_null' THEN format('"%s" is null', e.columns[1])
			WHEN 'unique' THEN format('the same "%s" again', array_to_string(e.columns, '", "'))
			WHEN 'in_range' THEN format('"%s" out of range, from %s to %s', e.columns[1], observed ->> 'min', observed ->> 'max')
			WHEN 'in_set' THEN format('"%s" is none of the values', e.columns[1])
			WHEN 'matches' THEN format('"%s" does not match %s', e.columns[1], e.args ->> 'pattern')
			WHEN 'length' THEN format('"%s" is too short or too long, from %s to %s', e.columns[1], observed ->> 'min', observed ->> 'max')
			WHEN 'castable' THEN format('"%s" is no %s', e.columns[1], e.args ->> 'type')
			WHEN 'foreign_key' THEN format('"%s" not in %s', array_to_string(e.columns, '", "'), e.args ->> 'references')
			WHEN 'monotonic' THEN format('"%s" does not ascend with "%s"', e.columns[1], e.args ->> 'order_by')
			ELSE format('not so: %s', e.args ->> 'expression') END) END
$$;
COMMENT ON FUNCTION augur._expectation_message(augur.expectations, bigint, bigint, jsonb) IS
'Internal. What is wrong, in words.';

CREATE OR REPLACE FUNCTION augur._failing_samples(query text, key name[], n integer) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	samples		jsonb;
BEGIN
	FOR samples IN EXECUTE format('SELECT jsonb_agg(s.j) FROM (SELECT %s AS j FROM (%s) t ORDER BY 1 LIMIT %s) s',
		CASE WHEN key = '{}' THEN 'to_jsonb(t)' ELSE (SELECT format('jsonb_build_object(%s)',
			string_agg(format('%L, t.%I', k, k), ', ' ORDER BY i)) FROM unnest(key) WITH ORDINALITY u (k, i)) END,
		query, n)
	LOOP
		EXIT;
	END LOOP;
	RETURN samples;
END
$$;
COMMENT ON FUNCTION augur._failing_samples(text, name[], integer) IS
'Internal. The first failing rows, by their keys.';

-- Cells of all expectations that can be compiled; what keeps the others from it in problems.
CREATE OR REPLACE FUNCTION augur._validate_scan(es augur.expectations[], relation regclass, filter text,
	as_of timestamptz, suite_id bigint, OUT rows bigint, OUT cells jsonb[], OUT queries text[],
	OUT problems text[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	compiled	record;
	lists		text[] := '{}';
	before		text[] := '{}';
	at			integer[] := '{}';
	got			jsonb[];
	single		jsonb[];
BEGIN
	cells := array_fill(NULL::jsonb, ARRAY[cardinality(es)]);
	queries := array_fill(NULL::text, ARRAY[cardinality(es)]);
	problems := queries;
	FOR i IN 1 .. cardinality(es) LOOP
		BEGIN
			compiled := augur._expectation_sql(es[i], relation, filter, as_of, suite_id);
			before := array_append(before, augur._before_column(es[i], relation));
			lists := array_append(lists, compiled.cells);
			at := array_append(at, i);
			queries[i] := compiled.rows_sql;
		EXCEPTION WHEN OTHERS THEN
			problems[i] := SQLERRM;
		END;
	END LOOP;
	BEGIN
		SELECT c.rows, c.cells INTO rows, got FROM augur._validate_cells(augur._validate_sql(
			relation, filter, lists, before)) c;
		FOR i IN 1 .. cardinality(at) LOOP
			cells[at[i]] := got[i];
		END LOOP;
	EXCEPTION WHEN OTHERS THEN
		-- one by one, to find which
		FOR i IN 1 .. cardinality(at) LOOP
			BEGIN
				SELECT c.rows, c.cells INTO rows, single FROM augur._validate_cells(augur._validate_sql(
					relation, filter, lists[i:i], before[i:i])) c;
				cells[at[i]] := single[1];
			EXCEPTION WHEN OTHERS THEN
				problems[at[i]] := SQLERRM;
			END;
		END LOOP;
	END;
END
$$;
COMMENT ON FUNCTION augur._validate_scan(augur.expectations[], regclass, text, timestamptz, bigint) IS
'Internal. Checks expectations in one scan, or, when that fails, in one each: rows, [checked, failing, holds, observed] of each, queries of failing rows, and what kept one from being checked.';

CREATE OR REPLACE FUNCTION augur._validate_sql(relation regclass, filter text, lists text[], before text[])
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT format('SELECT count(*), ARRAY[%s]::jsonb[] FROM %s t', array_to_string(lists, ', '),
				  augur._checked_rows(relation, filter, array_remove(before, NULL)))
$$;
COMMENT ON FUNCTION augur._validate_sql(regclass, text, text[], text[]) IS
'Internal. The one SELECT of a validation.';

CREATE OR REPLACE FUNCTION augur.validation_sql(suite text, relation regclass DEFAULT NULL,
	filter text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	s			augur.suites := augur._suite(suite);
	source		regclass := augur._suite_relation(s, relation);
	lists		text[];
	before		text[];
BEGIN
	SELECT array_agg(c.cells ORDER BY e.id), array_agg(augur._before_column(e, source) ORDER BY e.id)
	INTO lists, before
	FROM augur.expectations e, augur._expectation_sql(e, source, filter, now(), s.id) c
	WHERE e.suite_id = s.id;
	RETURN augur._validate_sql(source, filter, coalesce(lists, '{}'), coalesce(before, '{}'));
END
$$;
COMMENT ON FUNCTION augur.validation_sql(text, regclass, text) IS
'The SELECT that augur.validate would run: to read, or to look at with EXPLAIN.';

CREATE OR REPLACE FUNCTION augur._suite_relation(s augur.suites, relation regclass) RETURNS regclass
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF relation IS NULL AND to_regclass(s.relation) IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = CASE WHEN s.relation IS NULL THEN 'invalid_parameter_value'
										ELSE 'undefined_table' END,
			MESSAGE = CASE WHEN s.relation IS NULL THEN format('suite "%s" is about no relation', s.name)
					  ELSE format('%s, which suite "%s" is about, does not exist', s.relation, s.name) END,
			HINT = 'Name the relation to check.';
	END IF;
	RETURN coalesce(relation, to_regclass(s.relation));
END
$$;
COMMENT ON FUNCTION augur._suite_relation(augur.suites, regclass) IS
'Internal. The relation given, or the suite''s own.';

-- What came of one expectation.
CREATE OR REPLACE FUNCTION augur._validation_result(run bigint, e augur.expectations, cell jsonb,
	problem text, query text, key name[], samples integer) RETURNS augur.validation_results
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	r			augur.validation_results;
	fine		boolean;
BEGIN
	r.run_id := run;
	r.expectation_id := e.id;
	r.kind := e.kind;
	r.columns := e.columns;
	r.args := e.args;
	r.severity := e.severity;
	r.mostly := e.mostly;
	IF cell IS NULL THEN
		r.outcome := 'error';
		r.message := problem;
		RETURN r;
	END IF;
	r.checked := (cell ->> 0)::bigint;
	r.failing := (cell ->> 1)::bigint;
	r.observed := nullif(cell -> 3, 'null');
	r.share := r.failing::float8 / nullif(r.checked, 0);
	fine := coalesce((cell ->> 2)::boolean, r.failing = 0 OR 1 - r.share >= e.mostly);
	r.outcome := CASE WHEN fine THEN 'passed' ELSE 'failed' END;
	IF r.failing > 0 THEN
		r.rows_sql := query;
	END IF;
	IF fine THEN
		RETURN r;
	END IF;
	r.message := augur._expectation_message(e, r.failing, r.checked, r.observed);
	IF r.rows_sql IS NOT NULL AND samples > 0 THEN
		BEGIN
			r.samples := augur._failing_samples(query, CASE WHEN key <> '{}' THEN key ELSE e.columns END, samples);
		EXCEPTION WHEN OTHERS THEN
			r.message := r.message || format(' (no samples: %s)', SQLERRM);
		END;
	END IF;
	RETURN r;
END
$$;
COMMENT ON FUNCTION augur._validation_result(bigint, augur.expectations, jsonb, text, text, name[], integer) IS
'Internal. What came of one expectation.';

CREATE OR REPLACE FUNCTION augur.validate(suite text, relation regclass DEFAULT NULL,
	filter text DEFAULT NULL, as_of timestamptz DEFAULT now(), samples integer DEFAULT 5)
RETURNS augur.validation_summary
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	started		timestamptz := clock_timestamp();
	s			augur.suites := augur._suite(suite);
	source		regclass := augur._suite_relation(s, relation);
	result		augur.validation_summary;
	es			augur.expectations[];
	scan		record;
	results		augur.validation_results[];
	earlier		text;
BEGIN
	IF samples IS NULL OR samples NOT BETWEEN 0 AND 1000 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'samples must be between 0 and 1000';
	END IF;
	es := ARRAY(SELECT t FROM augur.expectations t WHERE t.suite_id = s.id ORDER BY t.id);
	IF es = '{}' THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('suite "%s" expects nothing', s.name), HINT = 'augur.expect adds to it.';
	END IF;
	-- a mistake in the filter is the caller's, not the data's
	PERFORM augur._validate_cells(augur._validate_sql(source, E'(' || filter || E'\n)::boolean AND false', '{}', '{}'));
	scan := augur._validate_scan(es, source, filter, coalesce(as_of, now()), s.id);
	results := ARRAY(SELECT augur._validation_result(NULL, e, scan.cells[i], scan.problems[i], scan.queries[i],
													 s.key, samples)
					 FROM unnest(es) WITH ORDINALITY u, LATERAL (SELECT u.ordinality AS i, es[u.ordinality] AS e) x
					 ORDER BY i);
	SELECT count(*), count(*) FILTER (WHERE r.outcome = 'passed'),
		count(*) FILTER (WHERE r.outcome = 'failed' AND r.severity = 'error'),
		count(*) FILTER (WHERE r.outcome = 'failed' AND r.severity <> 'error'),
		count(*) FILTER (WHERE r.outcome = 'error')
	INTO result.evaluated, result.passed, result.failed, result.warned, result.errors
	FROM unnest(results) r;
	result.suite := s.name;
	result.rows := scan.rows;
	result.status := CASE WHEN result.failed > 0 THEN 'failed' WHEN result.errors > 0 THEN 'error' ELSE 'passed' END;
	result.seconds := extract(epoch FROM clock_timestamp() - started);
	SELECT v.status INTO earlier FROM augur.validation_runs v
	WHERE v.suite_id = s.id AND v.relation = augur._qualified(source) ORDER BY v.id DESC LIMIT 1;
	INSERT INTO augur.validation_runs (suite_id, suite, relation, filter, status, rows, evaluated, passed,
		failed, warned, errors, as_of, seconds, owner)
	VALUES (s.id, s.name, augur._qualified(source), filter, result.status, result.rows, result.evaluated,
		result.passed, result.failed, result.warned, result.errors, coalesce(as_of, now()), result.seconds, s.owner)
	RETURNING id INTO result.run;
	INSERT INTO augur.validation_results (run_id, expectation_id, kind, columns, args, severity, mostly, outcome,
		checked, failing, share, observed, message, samples, rows_sql)
	SELECT result.run, r.expectation_id, r.kind, r.columns, r.args, r.severity, r.mostly, r.outcome, r.checked,
		r.failing, r.share, r.observed, r.message, r.samples, r.rows_sql
	FROM unnest(results) r;
	IF result.status <> 'passed' OR earlier <> 'passed' THEN
		PERFORM augur._emit(CASE result.status WHEN 'passed' THEN 'validation_recovered'
				WHEN 'failed' THEN 'validation_failed' ELSE 'validation_error' END,
			CASE result.status WHEN 'passed' THEN 'info' ELSE 'error' END, s.name || ' on ' || source::text,
			jsonb_build_object('suite', s.name, 'relation', augur._qualified(source), 'run', result.run,
				'rows', result.rows, 'failed', result.failed, 'errors', result.errors, 'warned', result.warned,
				'messages', (SELECT jsonb_agg(m.message ORDER BY m.n) FROM (
					SELECT r.message, n FROM unnest(results) WITH ORDINALITY
						r (run_id, expectation_id, kind, columns, args, severity, mostly, outcome, checked, failing,
						   share, observed, message, samples, rows_sql, n)
					WHERE r.outcome <> 'passed' AND (r.severity = 'error' OR r.outcome = 'error')
					ORDER BY n LIMIT 5) m)));
	END IF;
	RETURN result;
END
$$;
COMMENT ON FUNCTION augur.validate(text, regclass, text, timestamptz, integer) IS
'Checks all expectations of a suite in one scan of its relation, or of another one, and keeps what came of it. filter: a condition on the rows to check, in SQL; as_of: the time that freshness is measured against; samples: how many failing rows are kept of each. Status passed, failed (the data is bad) or error (something could not be checked). The suite''s SQL and the filter run with your rights. Example: SELECT * FROM augur.validate(''orders''); then: SELECT * FROM augur.validation_latest';

-- What gate => '{"suite": ...}' of a training asks for.
CREATE OR REPLACE FUNCTION augur._gate_suite(suite text, relation regclass, filter text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	s			augur.validation_summary := augur.validate(suite, relation, filter);
BEGIN
	IF s.status <> 'passed' THEN
		RAISE EXCEPTION USING ERRCODE = 'data_exception',
			MESSAGE = format('%s does not pass suite "%s": %s of %s expectations fail, %s cannot be checked', relation,
							 s.suite, s.failed, s.evaluated, s.errors),
			DETAIL = (SELECT string_agg(r.message, E'\n' ORDER BY r.expectation_id) FROM augur.validation_results r
					  WHERE r.run_id = s.run AND r.outcome <> 'passed' AND (r.severity = 'error' OR r.outcome = 'error')),
			HINT = format('SELECT * FROM augur.validate(%L, %L) keeps what was found.', s.suite, relation);
	END IF;
END
$$;
COMMENT ON FUNCTION augur._gate_suite(text, regclass, text) IS
'Internal. Raises an error unless a relation passes a suite.';

-- ---- reading -----------------------------------------------------------------------------------

CREATE OR REPLACE VIEW augur.validation_latest WITH (security_invoker = true) AS
	SELECT r.suite, r.relation, r.filter, r.id AS run, r.at, r.status, v.expectation_id, v.kind, v.columns, v.severity, v.outcome,
		v.checked, v.failing, v.share, v.message, v.samples, v.rows_sql
	FROM (SELECT DISTINCT ON (t.suite_id, t.relation, t.filter) t.* FROM augur.validation_runs t
		  ORDER BY t.suite_id, t.relation, t.filter, t.id DESC) r
		JOIN augur.validation_results v ON v.run_id = r.id
	ORDER BY r.suite, r.relation, r.id, array_position('{error,failed,passed}'::text[], v.outcome),
		array_position('{error,warn,info}'::text[], v.severity), v.expectation_id;
COMMENT ON VIEW augur.validation_latest IS
'What came of each expectation when its suite was last checked on a relation, the worst first.';
COMMENT ON COLUMN augur.validation_latest.run IS 'the run, for augur.validation_json';
COMMENT ON COLUMN augur.validation_latest.rows_sql IS 'the query that returns all failing rows';

CREATE OR REPLACE FUNCTION augur.validation_json(run bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	r			augur.validation_runs;
BEGIN
	SELECT * INTO r FROM augur.validation_runs t WHERE t.id = run;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('validation run %s does not exist', coalesce(run::text, 'NULL')),
			HINT = 'SELECT id, suite, status FROM augur.validation_runs lists them.';
	END IF;
	RETURN jsonb_build_object(
		'suite', r.suite, 'relation', r.relation, 'filter', r.filter, 'run', r.id, 'at', r.at,
		'success', r.status = 'passed', 'status', r.status, 'rows', r.rows,
		'statistics', jsonb_build_object('evaluated_expectations', r.evaluated, 'successful_expectations', r.passed,
			'unsuccessful_expectations', r.evaluated - r.passed,
			'success_percent', round(100.0 * r.passed / nullif(r.evaluated, 0), 2)),
		'results', (SELECT jsonb_agg(jsonb_build_object('expectation', v.expectation_id, 'kind', v.kind,
				'columns', v.columns, 'args', v.args, 'severity', v.severity, 'mostly', v.mostly,
				'success', v.outcome = 'passed', 'outcome', v.outcome, 'checked', v.checked, 'failing', v.failing,
				'share', v.share, 'observed', v.observed, 'message', v.message, 'samples', v.samples,
				'rows_sql', v.rows_sql) ORDER BY v.expectation_id)
			FROM augur.validation_results v WHERE v.run_id = r.id));
END
$$;
COMMENT ON FUNCTION augur.validation_json(bigint) IS
'A validation as one JSON document: success, statistics, and the result of each expectation.';

CREATE OR REPLACE TRIGGER validation_runs_fixed BEFORE UPDATE OR DELETE ON augur.validation_runs
FOR EACH ROW EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER validation_runs_kept BEFORE TRUNCATE ON augur.validation_runs
FOR EACH STATEMENT EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER validation_results_fixed BEFORE UPDATE OR DELETE ON augur.validation_results
FOR EACH ROW EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER validation_results_kept BEFORE TRUNCATE ON augur.validation_results
FOR EACH STATEMENT EXECUTE FUNCTION augur._guard_append_only();
