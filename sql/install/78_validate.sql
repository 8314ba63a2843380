-- validate: writing suites of expectations.

CREATE OR REPLACE FUNCTION augur._expectation_kinds(OUT kind text, OUT about text,
	OUT required text[], OUT optional text[], OUT help text) RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 20
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT * FROM (VALUES
		('column_exists', 'one column', '{}'::text[], '{type}'::text[],
		 'The column exists; with type: and has that type.'),
		('columns', 'columns', '{}', '{exact}',
		 'The columns exist, in any order; with exact true: and no others.'),
		('row_count', 'no column', '{}', '{min,max}',
		 'There are at least min and at most max rows.'),
		('row_count_change', 'no column', '{}', '{max_drop,max_rise,runs}',
		 'Rows are not fewer than 1 - max_drop (0.5) and not more than 1 + max_rise (1) times the median of the last passed runs (10) over the same relation and filter; holds while there was none.'),
		('freshness', 'one column', '{max_age}', '{}',
		 'The latest date or timestamp is at most max_age old: {"max_age": "1 day"}.'),
		('not_null', 'one column', '{}', '{}', 'The column is not null.'),
		('unique', 'columns', '{}', '{}',
		 'No two rows have the same values; failing counts the rows after the first of each. Rows with a null are not checked.'),
		('in_range', 'one column', '{}', '{min,max,above,below}',
		 'The value is at least min, at most max, more than above, less than below.'),
		('in_set', 'one column', '{values}', '{}', 'The value is one of values, an array.'),
		('matches', 'one column', '{pattern}', '{}',
		 'The text matches pattern, a regular expression of PostgreSQL; ^ and $ make it the whole text.'),
		('length', 'one column', '{}', '{min,max}', 'The text has at least min and at most max characters.'),
		('castable', 'one column', '{type}', '{}',
		 'The text is valid input of type. Before PostgreSQL 16 this costs a subtransaction for each row.'),
		('foreign_key', 'columns', '{references}', '{to}',
		 'The values exist in another relation, given as refers_to of augur.expect; to names its columns where they have other names. Rows with a null are not checked.'),
		('monotonic', 'one column', '{order_by}', '{by,strict}',
		 'The value never falls (with strict true: always rises) in the order of column order_by, within each group of the columns by.'),
		('distribution', 'one column', '{references}', '{column,effect_floor,alpha,min_rows}',
		 'The values are distributed as in another relation, given as refers_to of augur.expect (column: where it has another name): not both a score of at least effect_floor (0.1) and a p value of at most alpha (0.05), as of augur.drift_between. Holds with fewer than min_rows (100) values on one side.'),
		('expression', 'no column', '{expression}', '{}',
		 'A condition on a row, in SQL; null is not checked: {"expression": "price >= cost"}. Functions of your own are named with their schema.')
	) t (kind, about, required, optional, help)
$$;
COMMENT ON FUNCTION augur._expectation_kinds() IS
'Internal. The rows of augur.expectation_kinds.';

CREATE OR REPLACE VIEW augur.expectation_kinds AS
	SELECT k.kind, k.about, k.required, k.optional, k.help FROM augur._expectation_kinds() k;
COMMENT ON VIEW augur.expectation_kinds IS 'What augur.expect can expect: kinds, and their arguments.';
COMMENT ON COLUMN augur.expectation_kinds.kind IS 'the kind, as augur.expect takes it';
COMMENT ON COLUMN augur.expectation_kinds.about IS 'what it is about: no column, one column, or columns';
COMMENT ON COLUMN augur.expectation_kinds.required IS 'keys of args that it needs';
COMMENT ON COLUMN augur.expectation_kinds.optional IS 'keys of args that it takes';
COMMENT ON COLUMN augur.expectation_kinds.help IS 'what it means';

-- ---- suites ------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._suite(name text) RETURNS augur.suites
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	s			augur.suites;
BEGIN
	SELECT * INTO s FROM augur.suites t WHERE t.name = _suite.name;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('suite %s does not exist', coalesce('"' || _suite.name || '"', 'NULL')),
			HINT = 'SELECT name FROM augur.suites lists the suites that you may see.';
	ELSIF NOT pg_has_role(s.owner, 'USAGE') THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('permission denied for suite "%s"', s.name),
			DETAIL = format('Its SQL runs with the rights of the caller, so only members of its owner "%s" may use it.',
							pg_get_userbyid(s.owner));
	END IF;
	RETURN s;
END
$$;
COMMENT ON FUNCTION augur._suite(text) IS
'Internal. A suite that the current user may change and run; an error when there is none.';

CREATE OR REPLACE FUNCTION augur.create_suite(name text, relation regclass DEFAULT NULL,
	key name[] DEFAULT '{}', note text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	made		bigint;
	absent		name;
BEGIN
	IF name IS NULL OR char_length(name) NOT BETWEEN 1 AND 63 OR name ~ '[[:cntrl:]]'
		OR name <> btrim(name)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid name of a suite %s', quote_nullable(name)),
			DETAIL = 'It has 1 to 63 characters, none of them a control character, and neither begins nor ends with a space.';
	END IF;
	IF relation IS NOT NULL THEN
		SELECT k INTO absent FROM unnest(key) k
		WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = k
						  AND a.attnum > 0 AND NOT a.attisdropped)
		LIMIT 1;
		IF FOUND THEN
			RAISE EXCEPTION USING ERRCODE = 'undefined_column',
				MESSAGE = format('column "%s", named in "key", does not exist in %s', absent, relation);
		END IF;
	END IF;
	INSERT INTO augur.suites (name, relation, key, note)
	VALUES (create_suite.name, augur._qualified(relation), coalesce(create_suite.key, '{}'), create_suite.note)
	ON CONFLICT DO NOTHING
	RETURNING id INTO made;
	IF made IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'duplicate_object',
			MESSAGE = format('suite "%s" exists already', name),
			HINT = CASE WHEN EXISTS (SELECT FROM augur.suites s WHERE s.name = create_suite.name)
				THEN 'augur.drop_suite takes it away.'
				ELSE 'It belongs to a role that you are no member of: choose another name.' END;
	END IF;
	RETURN made;
END
$$;
COMMENT ON FUNCTION augur.create_suite(text, regclass, name[], text) IS
'Makes an empty suite of expectations. relation: what augur.validate checks by default; key: columns that name a row in samples of failing rows. augur.expect makes a suite by itself, too. Example: SELECT augur.create_suite(''orders'', ''orders'', ''{order_id}'')';

CREATE OR REPLACE FUNCTION augur.drop_suite(name text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	s			augur.suites := augur._suite(name);
BEGIN
	DELETE FROM augur.suites t WHERE t.id = s.id;
END
$$;
COMMENT ON FUNCTION augur.drop_suite(text) IS
'Removes a suite with its expectations. What its runs found stays in augur.validation_runs and augur.validation_results.';

-- ---- expectations ------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._check_expectation(kind text, columns name[], args jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	k			record;
	n			integer := cardinality(columns);
	problem		text;
BEGIN
	SELECT * INTO k FROM augur._expectation_kinds() t WHERE t.kind = $1;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('there is no kind of expectation %s', quote_nullable(kind)),
			HINT = format('Kinds are %s.', (SELECT string_agg(t.kind, ', ') FROM augur._expectation_kinds() t));
	ELSIF array_position(columns, NULL) IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'a column of an expectation must not be null';
	ELSIF NOT (CASE k.about WHEN 'no column' THEN n = 0 WHEN 'one column' THEN n = 1 ELSE n > 0 END) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('an expectation of kind "%s" is about %s, not %s', kind, k.about, n);
	ELSIF jsonb_typeof(args) <> 'object' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'argument "args" must be a JSON object';
	END IF;
	SELECT a INTO problem FROM jsonb_object_keys(args) a WHERE a <> ALL (k.required || k.optional) LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('expectation "%s" has no argument "%s"', kind, problem),
			HINT = CASE WHEN k.required || k.optional = '{}' THEN 'It takes none.'
				   ELSE format('It takes %s.', array_to_string(k.required || k.optional, ', ')) END;
	END IF;
	SELECT r INTO problem FROM unnest(k.required) r WHERE args -> r IS NULL OR args -> r = 'null' LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('expectation "%s" needs argument "%s"', kind, problem), HINT = k.help;
	ELSIF kind = ANY ('{row_count,in_range,length}') AND args = '{}' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('expectation "%s" needs a bound', kind), HINT = k.help;
	END IF;
	-- types of arguments that do not depend on a relation
	SELECT format('argument "%s" of expectation "%s" must be %s', t.name, kind, t.wanted) INTO problem
	FROM (VALUES ('values', 'array', 'an array'), ('by', 'array', 'an array of column names'),
		('to', 'array', 'an array of column names'), ('exact', 'boolean', 'true or false'),
		('strict', 'boolean', 'true or false'), ('max_drop', 'number', 'a number'),
		('max_rise', 'number', 'a number'), ('runs', 'number', 'a number'),
		('pattern', 'string', 'a text'), ('type', 'string', 'the name of a type'),
		('expression', 'string', 'a text'), ('order_by', 'string', 'the name of a column'),
		('effect_floor', 'number', 'a number'), ('alpha', 'number', 'a number'),
		('min_rows', 'number', 'a number'), ('column', 'string', 'the name of a column'),
		('max_age', 'string', 'an interval as text'), ('references', 'string', 'a relation')) t (name, type, wanted)
	WHERE args ? t.name AND jsonb_typeof(args -> t.name) <> t.type LIMIT 1;
	IF NOT FOUND AND kind = ANY ('{row_count,length}') THEN
		SELECT format('argument "%s" of expectation "%s" must be a number', e.key, kind) INTO problem
		FROM jsonb_each(args) e WHERE jsonb_typeof(e.value) <> 'number' LIMIT 1;
	END IF;
	IF problem IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = problem;
	END IF;
	-- what can be read now is: an error shall come here, not at night
	IF kind = 'freshness' THEN
		PERFORM (args ->> 'max_age')::interval;
	ELSIF kind = 'matches' THEN
		PERFORM '' ~ (args ->> 'pattern');
	ELSIF kind = 'castable' AND to_regtype(args ->> 'type') IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('type "%s" does not exist', args ->> 'type');
	ELSIF kind = 'distribution' THEN
		PERFORM augur._check_drift_options(coalesce((args ->> 'min_rows')::bigint, 100),
			coalesce((args ->> 'alpha')::float8, 0.05), coalesce((args ->> 'effect_floor')::float8, 0.1));
	ELSIF kind = 'foreign_key' AND args ? 'to' AND jsonb_array_length(args -> 'to') <> n THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('%s columns refer to %s', n, jsonb_array_length(args -> 'to'));
	END IF;
END
$$;
COMMENT ON FUNCTION augur._check_expectation(text, name[], jsonb) IS
'Internal. Raises an error unless kind, columns and arguments of an expectation go together.';

CREATE OR REPLACE FUNCTION augur.expect(suite text, kind text, column_name name DEFAULT NULL,
	args jsonb DEFAULT '{}', columns name[] DEFAULT NULL, refers_to regclass DEFAULT NULL,
	severity text DEFAULT 'error', mostly float8 DEFAULT 1, note text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	s			augur.suites;
	e			augur.expectations;
	whole		jsonb := coalesce(args, '{}');
	about		name[] := array_remove(ARRAY[column_name], NULL) || coalesce(columns, '{}');
	made		bigint;
BEGIN
	IF refers_to IS NOT NULL THEN
		whole := whole || jsonb_build_object('references', augur._qualified(refers_to));
	END IF;
	PERFORM augur._check_expectation(kind, about, whole);
	IF severity IS NULL OR NOT (severity = ANY ('{error,warn,info}'::text[])) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid severity %s', quote_nullable(severity)),
			HINT = 'Valid values are error, warn and info.';
	ELSIF mostly IS NULL OR NOT (mostly >= 0 AND mostly <= 1) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('mostly is a share of rows, from 0 to 1, not %s', coalesce(mostly::text, 'NULL'));
	END IF;
	IF NOT EXISTS (SELECT FROM augur.suites t WHERE t.name = suite) THEN
		PERFORM augur.create_suite(suite);
	END IF;
	s := augur._suite(suite);
	e := ROW (NULL, s.id, kind, about, whole, severity, mostly, note, NULL, NULL)::augur.expectations;
	IF to_regclass(s.relation) IS NOT NULL THEN
		PERFORM augur._try_expectation(e, to_regclass(s.relation));
	END IF;
	INSERT INTO augur.expectations (suite_id, kind, columns, args, severity, mostly, note)
	VALUES (s.id, kind, about, whole, severity, mostly, note)
	RETURNING id INTO made;
	RETURN made;
END
$$;
COMMENT ON FUNCTION augur.expect(text, text, name, jsonb, name[], regclass, text, float8, text) IS
'Adds an expectation to a suite, which is made when it is new, and returns its number. kind and args: see augur.expectation_kinds. columns: where there are several; refers_to: the relation of a foreign_key or a distribution. severity: error (the run fails), warn or info. mostly: the share of rows that must be right. Where the suite has a relation, the expectation is tried on it at once. Examples: SELECT augur.expect(''orders'', ''not_null'', ''customer''); SELECT augur.expect(''orders'', ''in_range'', ''amount'', ''{"min": 0}'', mostly => 0.99)';

CREATE OR REPLACE FUNCTION augur.drop_expectation(id bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	name		text;
BEGIN
	SELECT s.name INTO name FROM augur.expectations e JOIN augur.suites s ON s.id = e.suite_id
	WHERE e.id = drop_expectation.id;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('expectation %s does not exist', coalesce(drop_expectation.id::text, 'NULL')),
			HINT = 'SELECT id, kind, columns FROM augur.expectations lists them.';
	END IF;
	PERFORM augur._suite(name);
	DELETE FROM augur.expectations e WHERE e.id = drop_expectation.id;
END
$$;
COMMENT ON FUNCTION augur.drop_expectation(bigint) IS
'Removes an expectation, by the number that augur.expect returned.';

-- ---- suggestions -------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._suggestions(relation regclass, OUT kind text, OUT columns name[],
	OUT args jsonb, OUT severity text, OUT reason text) RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	a			record;
	seen		jsonb[];
	n			bigint;
	c			jsonb;
	few			text[];
	span		float8;
	scan		text;
BEGIN
	-- one scan for all columns: how many values, the extremes of what has a range
	SELECT format('SELECT count(*), ARRAY[%s] FROM %s t', string_agg(
		format('jsonb_build_array(count(t.%1$I)%2$s)', x.attname,
			CASE WHEN x.ranged THEN format(', min(t.%1$I), max(t.%1$I)', x.attname) ELSE '' END), ', '
		ORDER BY x.attnum), relation)
	INTO scan
	FROM (SELECT t.attname, t.attnum, y.typcategory = ANY ('{N,D}') AND t.atttypid <> 'money'::regtype AS ranged
		  FROM pg_attribute t JOIN pg_type y ON y.oid = t.atttypid
		  WHERE t.attrelid = relation AND t.attnum > 0 AND NOT t.attisdropped) x;
	FOR n, seen IN EXECUTE scan LOOP
		EXIT;
	END LOOP;
	kind := 'columns';
	severity := 'error';
	columns := ARRAY(SELECT t.attname FROM pg_attribute t WHERE t.attrelid = relation AND t.attnum > 0
					 AND NOT t.attisdropped ORDER BY t.attnum);
	args := '{}';
	reason := 'the relation has them';
	RETURN NEXT;
	IF n = 0 THEN
		RETURN;
	END IF;
	kind := 'row_count';
	columns := '{}';
	args := '{"min": 1}';
	reason := format('there are %s rows', n);
	RETURN NEXT;
	kind := 'row_count_change';
	severity := 'warn';
	args := '{}';
	RETURN NEXT;
	FOR a IN
		SELECT t.attname, format_type(t.atttypid, t.atttypmod) AS type, y.typcategory AS category,
			row_number() OVER (ORDER BY t.attnum) AS i,
			t.atttypid = ANY ('{timestamp,timestamptz,date}'::regtype[]) AS clock,
			t.atttypid = ANY ('{float4,float8,numeric}'::regtype[]) AS fraction,
			EXISTS (SELECT FROM pg_index x WHERE x.indrelid = relation AND x.indisunique AND x.indisvalid
					AND x.indpred IS NULL AND x.indnkeyatts = 1 AND x.indkey[0] = t.attnum) AS is_key
		FROM pg_attribute t JOIN pg_type y ON y.oid = t.atttypid
		WHERE t.attrelid = relation AND t.attnum > 0 AND NOT t.attisdropped
		ORDER BY t.attnum
	LOOP
		columns := ARRAY[a.attname];
		c := seen[a.i];
		severity := 'error';
		args := jsonb_build_object('type', a.type);
		kind := 'column_exists';
		reason := 'that is its type';
		RETURN NEXT;
		CONTINUE WHEN (c ->> 0)::bigint = 0;
		args := '{}';
		IF (c ->> 0)::bigint = n THEN
			kind := 'not_null';
			reason := format('none of %s rows is null', n);
			RETURN NEXT;
		END IF;
		IF a.is_key THEN
			kind := 'unique';
			reason := 'there is a unique index';
			RETURN NEXT;
		ELSIF a.clock THEN
			kind := 'in_range';
			severity := 'warn';
			args := jsonb_build_object('min', c -> 1);
			reason := 'the earliest seen';
			RETURN NEXT;
		ELSIF a.category = 'N' AND jsonb_typeof(c -> 1) = 'number' AND jsonb_typeof(c -> 2) = 'number' THEN
			kind := 'in_range';
			severity := 'warn';
			span := (c ->> 2)::float8 - (c ->> 1)::float8;
			-- a tenth of the span more on both sides, but no sign that was never seen
			args := jsonb_build_object(
				'min', CASE WHEN (c ->> 1)::float8 >= 0 AND (c ->> 1)::float8 < span / 10 THEN 0
					   ELSE floor((c ->> 1)::float8 - span / 10) END,
				'max', CASE WHEN (c ->> 2)::float8 <= 0 AND (c ->> 2)::float8 > -span / 10 THEN 0
					   ELSE ceil((c ->> 2)::float8 + span / 10) END);
			reason := format('seen from %s to %s', c ->> 1, c ->> 2);
			RETURN NEXT;
		ELSIF a.category = ANY ('{S,E,B}') THEN
			-- as many as tell a set from a text; a scan of its own
			FOR few IN EXECUTE format('SELECT array_agg(v ORDER BY v) FROM (SELECT DISTINCT t.%I::text COLLATE "C" AS v'
				' FROM %s t WHERE t.%I IS NOT NULL LIMIT 31) t', a.attname, relation, a.attname)
			LOOP
				IF cardinality(few) <= 30 AND cardinality(few) * 5 <= (c ->> 0)::bigint AND a.category <> 'B' THEN
					kind := 'in_set';
					severity := 'warn';
					args := jsonb_build_object('values', to_jsonb(few));
					reason := format('%s different values', cardinality(few));
					RETURN NEXT;
				END IF;
			END LOOP;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION augur._suggestions(regclass) IS
'Internal. What augur.suggest_expectations writes.';

CREATE OR REPLACE FUNCTION augur.suggest_expectations(relation regclass, suite text DEFAULT NULL)
RETURNS TABLE (id bigint, kind text, columns name[], args jsonb, severity text, reason text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	name		text;
	keys		name[];
BEGIN
	IF relation IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'relation must not be null';
	END IF;
	name := coalesce(suite, (SELECT c.relname FROM pg_class c WHERE c.oid = relation));
	IF NOT EXISTS (SELECT FROM augur.suites t WHERE t.name = name) THEN
		SELECT ARRAY(SELECT a.attname FROM unnest(x.indkey) k JOIN pg_attribute a
					 ON a.attrelid = relation AND a.attnum = k)
		INTO keys FROM pg_index x WHERE x.indrelid = relation AND x.indisprimary;
		PERFORM augur.create_suite(name, relation, coalesce(keys, '{}'), 'suggested from the data');
	END IF;
	FOR kind, columns, args, severity, reason IN SELECT * FROM augur._suggestions(relation) LOOP
		id := augur.expect(name, kind, args => args, columns => columns, severity => severity, note => reason);
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION augur.suggest_expectations(regclass, text) IS
'Writes a first suite from what a table has now, to be read and mended: columns and types, nulls, unique keys, ranges, sets, row counts. suite: its name, by default the table''s. Returns what it wrote, and why; augur.drop_expectation(id) takes one back. Reads the table once, and once more for each text column. Example: SELECT * FROM augur.suggest_expectations(''orders'')';
