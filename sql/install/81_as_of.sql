-- feature: joins that never see the future.
--
-- For each row of the spine the latest row of a set at or before its time, by LATERAL ... ORDER BY
-- ... LIMIT 1: one descent of the set's primary key for each row of the spine, which stays one row.

-- Both sides of a comparison must be of one type: a date against a timestamp, or a local time
-- against one with a zone, would be compared at an hour that nobody chose.
CREATE OR REPLACE FUNCTION augur._check_spine_column(spine regclass, column_name name, s augur.feature_sets,
	feature_column name) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	here		regtype := augur._base_type(spine, column_name);
	there		regtype := augur._base_type(s.relation::regclass, feature_column);
	at			boolean := feature_column = s.event_time;
BEGIN
	IF here IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_column',
			MESSAGE = format('column "%s" does not exist in %s', column_name, spine),
			HINT = CASE WHEN at THEN 'Argument "at" names the column that has the time of each row.' ELSE format('"keys" says where it has "%s" of feature set "%s": {"%s": "column"}.',
												feature_column, s.name, feature_column) END;
	ELSIF here <> there
		AND (at OR NOT (here = ANY ('{smallint,integer,bigint}'::regtype[]) AND there = ANY ('{smallint,integer,bigint}'::regtype[])
						OR here = ANY ('{text,varchar}'::regtype[]) AND there = ANY ('{text,varchar}'::regtype[])))
	THEN
		RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch',
			MESSAGE = format('column "%s" of %s is %s, but "%s" of feature set "%s" is %s', column_name, spine, here,
							 feature_column, s.name, there),
			HINT = CASE WHEN at THEN 'Cast it in a view of the spine, or in the definition of the set: only you know which hour, and in which time zone, is meant.'
				   ELSE 'Cast it in a view of the spine, or in the definition of the set.' END;
	END IF;
END
$$;
COMMENT ON FUNCTION augur._check_spine_column(regclass, name, augur.feature_sets, name) IS
'Internal. Raises an error unless a column of a spine can be compared with one of a feature set.';

-- The sets of a join, in the order given.
CREATE OR REPLACE FUNCTION augur._joined_sets(sets text[]) RETURNS augur.feature_sets[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	twice		text;
	result		augur.feature_sets[];
BEGIN
	IF sets IS NULL OR cardinality(sets) = 0 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'argument "sets" must name at least one feature set';
	END IF;
	SELECT t INTO twice FROM unnest(sets) t GROUP BY t HAVING count(*) > 1 ORDER BY t LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('feature set "%s" is named twice', twice);
	END IF;
	result := ARRAY(SELECT augur._feature_set(t, false) FROM unnest(sets) WITH ORDINALITY u (t, n) ORDER BY n);
	PERFORM augur._feature_relation(s) FROM unnest(result) s;
	RETURN result;
END
$$;
COMMENT ON FUNCTION augur._joined_sets(text[]) IS
'Internal. The feature sets of these names that the current user may see.';

-- What each feature is called: its own name, or with that of its set where others have it, too.
CREATE OR REPLACE FUNCTION augur._joined_columns(sets augur.feature_sets[], taken name[],
	OUT n integer, OUT feature name, OUT called name) RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	problem		text;
BEGIN
	SELECT c.want INTO problem FROM (
		SELECT w.want, count(*) OVER (PARTITION BY w.want) AS times FROM augur._wanted_names(sets, taken) w) c
	WHERE c.times > 1 OR c.want = ANY (taken::text[]) OR octet_length(c.want) > 63
	ORDER BY c.want LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'duplicate_column',
			MESSAGE = format('no name is left for the feature that would be "%s"', problem),
			HINT = 'Give it another name in the definition of its feature set, or in a view of the spine.';
	END IF;
	RETURN QUERY SELECT w.n, w.own, w.want::name FROM augur._wanted_names(sets, taken) w ORDER BY w.n, w.i;
END
$$;
COMMENT ON FUNCTION augur._joined_columns(augur.feature_sets[], name[]) IS
'Internal. The features of sets, and the columns that they become beside those that are taken.';

CREATE OR REPLACE FUNCTION augur._wanted_names(sets augur.feature_sets[], taken name[],
	OUT n integer, OUT i bigint, OUT own name, OUT want text) RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	WITH f AS (
		SELECT s.ordinality::integer AS n, c.i, c.own, (sets[s.ordinality]).name AS set_name
		FROM unnest(sets) WITH ORDINALITY s, LATERAL unnest((sets[s.ordinality]).features) WITH ORDINALITY c (own, i))
	SELECT f.n, f.i, f.own, CASE WHEN f.own = ANY (taken) OR count(*) OVER (PARTITION BY f.own) > 1
								 THEN f.set_name || '_' || f.own ELSE f.own::text END
	FROM f
$$;
COMMENT ON FUNCTION augur._wanted_names(augur.feature_sets[], name[]) IS
'Internal. The features of sets under the names that they should have.';

-- The latest row of a set that was there at a time: the inner side of the join.  at is an expression
-- of the type of the event time; equal are the conditions on the entity.
CREATE OR REPLACE FUNCTION augur._as_of_sql(s augur.feature_sets, list text, equal text, at text, max_age interval,
	strict boolean) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT format('SELECT %s FROM %s f WHERE %s AND f.%I %s %s%s%s ORDER BY f.%I DESC%s LIMIT 1',
		list, s.relation, equal, s.event_time, o.op, at,
		CASE WHEN coalesce(max_age, s.max_age) IS NOT NULL
			 THEN format(' AND f.%I >= %s - %L::interval', s.event_time, at, coalesce(max_age, s.max_age)) END,
		CASE WHEN s.available_at IS NOT NULL THEN format(' AND f.%I %s %s', s.available_at, o.op, at) END,
		s.event_time, CASE WHEN s.available_at IS NOT NULL THEN format(', f.%I DESC', s.available_at) END)
	FROM (SELECT CASE WHEN strict THEN '<' ELSE '<=' END) o (op)
$$;
COMMENT ON FUNCTION augur._as_of_sql(augur.feature_sets, text, text, text, interval, boolean) IS
'Internal. The query of the latest features of an entity at a time.';

CREATE OR REPLACE FUNCTION augur.as_of_join_sql(spine regclass, sets text[], at name, keys jsonb DEFAULT '{}',
	max_age interval DEFAULT NULL, strict boolean DEFAULT false, event_times boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	joined		augur.feature_sets[] := augur._joined_sets(sets);
	s			augur.feature_sets;
	taken		name[] := ARRAY(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = spine AND a.attnum > 0
								AND NOT a.attisdropped ORDER BY a.attnum);
	columns		text[] := ARRAY(SELECT format('s.%I', c) FROM unnest(taken) WITH ORDINALITY u (c, n) ORDER BY n);
	joins		text := '';
	list		text;
	equal		text[];
	k			name;
	col			name;
	stamp		text;
	absent		text;
BEGIN
	IF spine IS NULL OR at IS NULL OR strict IS NULL OR event_times IS NULL OR jsonb_typeof(coalesce(keys, '{}')) <> 'object' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = CASE WHEN spine IS NULL THEN 'argument "spine" must name a table or view'
				WHEN at IS NULL THEN 'argument "at" must name a column' WHEN strict IS NULL OR event_times IS NULL
				THEN '"strict" and "event_times" must be true or false'
				ELSE '"keys" must be a JSON object, {"entity column of the set": "column of the spine"}' END;
	ELSIF max_age <= interval '0' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'max_age must be positive';
	END IF;
	SELECT t INTO absent FROM jsonb_object_keys(coalesce(keys, '{}')) t
	WHERE NOT EXISTS (SELECT FROM unnest(joined) f WHERE t = ANY (f.entity::text[])) ORDER BY t LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_column',
			MESSAGE = format('no feature set of the join has entity column "%s", named in "keys"', absent);
	END IF;
	FOR i IN 1 .. cardinality(joined) LOOP
		s := joined[i];
		equal := '{}';
		FOREACH k IN ARRAY s.entity LOOP
			col := coalesce(keys ->> k, k);
			PERFORM augur._check_spine_column(spine, col, s, k);
			equal := equal || format('f.%I %s s.%I%s', k, augur._equality(augur._base_type(s.relation::regclass, k)), col,
									 augur._collate_like(s.relation::regclass, k));
		END LOOP;
		PERFORM augur._check_spine_column(spine, at, s, s.event_time);
		SELECT string_agg(format('f.%I', j.feature), ', '), columns || array_agg(format('j%s.%I%s', i, j.feature,
				CASE WHEN j.feature <> j.called THEN format(' AS %I', j.called) END))
		INTO list, columns FROM augur._joined_columns(joined, taken) j WHERE j.n = i;
		IF event_times THEN
			stamp := s.name || '_' || s.event_time;
			IF octet_length(stamp) > 63 OR stamp = ANY (taken::text[])
				OR EXISTS (SELECT FROM augur._joined_columns(joined, taken) j WHERE j.called::text = stamp)
			THEN
				RAISE EXCEPTION USING ERRCODE = 'duplicate_column',
					MESSAGE = format('no name is left for the event time that would be "%s"', stamp);
			END IF;
			list := list || format(', f.%I', s.event_time);
			columns := columns || format('j%s.%I AS %I', i, s.event_time, stamp);
		END IF;
		joins := joins || format(E'\nLEFT JOIN LATERAL (%s) j%s ON true',
			augur._as_of_sql(s, list, array_to_string(equal, ' AND '), format('s.%I', at), max_age, strict), i);
	END LOOP;
	RETURN format(E'SELECT %s\nFROM %s s%s', array_to_string(columns, ', '), augur._qualified(spine), joins);
END
$$;
COMMENT ON FUNCTION augur.as_of_join_sql(regclass, text[], name, jsonb, interval, boolean, boolean) IS
'The SELECT of augur.as_of_join: to train on (augur.train_query), to put into a view, or to look at with EXPLAIN. Example: SELECT * FROM augur.train_query(''churn'', augur.as_of_join_sql(''labels'', ''{spending}'', ''asked_at''), ''churned'')';

-- Columns with other collations than the set's cannot be compared without saying which holds.
CREATE OR REPLACE FUNCTION augur._collate_like(relation regclass, column_name name) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT CASE WHEN a.attcollation <> 0 AND a.attcollation <> 'pg_catalog.default'::regcollation
		   THEN format(' COLLATE %I.%I', n.nspname, c.collname) ELSE '' END
	FROM pg_attribute a LEFT JOIN pg_collation c ON c.oid = a.attcollation
		LEFT JOIN pg_namespace n ON n.oid = c.collnamespace
	WHERE a.attrelid = relation AND a.attname = column_name AND a.attnum > 0 AND NOT a.attisdropped
$$;
COMMENT ON FUNCTION augur._collate_like(regclass, name) IS
'Internal. The collation of a column as a clause, when it is not the default one.';

CREATE OR REPLACE FUNCTION augur.as_of_join(spine regclass, sets text[], at name, into_table text,
	keys jsonb DEFAULT '{}', max_age interval DEFAULT NULL, strict boolean DEFAULT false,
	event_times boolean DEFAULT false, as_view boolean DEFAULT false,
	in_schema name DEFAULT current_schema()) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	query		text := augur.as_of_join_sql(spine, sets, at, keys, max_age, strict, event_times);
	parts		text[];
	n			bigint;
BEGIN
	parts := parse_ident(into_table);
	IF cardinality(parts) = 1 THEN
		parts := ARRAY[in_schema::text, parts[1]];
	END IF;
	IF into_table IS NULL OR cardinality(parts) <> 2 OR parts[1] IS NULL OR octet_length(parts[2]) > 63 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_name',
			MESSAGE = format('%s cannot be the name of a table', quote_nullable(into_table)),
			HINT = 'Name the table to make in "into_table": training, or a schema and a table.';
	ELSIF as_view THEN
		EXECUTE format('CREATE VIEW %I.%I WITH (security_invoker = true) AS %s', parts[1], parts[2], query);
		RETURN NULL;
	END IF;
	EXECUTE format('CREATE TABLE %I.%I AS %s', parts[1], parts[2], query);
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END
$$;
COMMENT ON FUNCTION augur.as_of_join(regclass, text[], name, text, jsonb, interval, boolean, boolean, boolean, name) IS
'Makes a table (or with as_view a view) of the rows of spine, each exactly once, with the features of sets as they were known at its time in column at: of each set the latest row with that entity at or before it (strict: before it), available by then, not older than max_age; NULL where there is none. keys: where the spine has an entity under another name, {"customer": "client"}. Features whose name is taken get that of their set in front; event_times adds when those joined are from. Returns the number of rows. Example: SELECT augur.as_of_join(''labels'', ''{spending,visits}'', ''asked_at'', ''training'')';

CREATE OR REPLACE FUNCTION augur.as_of_rows(spine regclass, sets text[], at name, keys jsonb DEFAULT '{}',
	max_age interval DEFAULT NULL, strict boolean DEFAULT false, event_times boolean DEFAULT false)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE augur.as_of_join_sql(spine, sets, at, keys, max_age, strict, event_times);
END
$$;
COMMENT ON FUNCTION augur.as_of_rows(regclass, text[], name, jsonb, interval, boolean, boolean) IS
'The rows of augur.as_of_join without a table; the caller names columns and types. Example: SELECT * FROM augur.as_of_rows(''labels'', ''{spending}'', ''asked_at'') AS t (customer integer, asked_at timestamptz, churned boolean, spent numeric)';

CREATE OR REPLACE FUNCTION augur.features_at(sets text[], entity jsonb, at timestamptz DEFAULT now(),
	max_age interval DEFAULT NULL, strict boolean DEFAULT false) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	joined		augur.feature_sets[] := augur._joined_sets(sets);
	s			augur.feature_sets;
	result		jsonb := '{}';
	part		jsonb;
	relation	regclass;
	absent		name;
BEGIN
	IF jsonb_typeof(entity) IS DISTINCT FROM 'object' OR at IS NULL OR strict IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = CASE WHEN at IS NULL THEN 'argument "at" must not be null' WHEN strict IS NULL THEN 'strict must be true or false'
					  ELSE 'argument "entity" must be a JSON object, {"customer": 7}' END;
	ELSIF max_age <= interval '0' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'max_age must be positive';
	END IF;
	FOR i IN 1 .. cardinality(joined) LOOP
		s := joined[i];
		relation := s.relation::regclass;
		SELECT k INTO absent FROM unnest(s.entity) k WHERE NOT entity ? k::text LIMIT 1;
		IF FOUND THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
				MESSAGE = format('argument "entity" lacks "%s" of feature set "%s"', absent, s.name);
		END IF;
		-- an entity without features has them as nulls, as in a join
		EXECUTE format('SELECT to_jsonb(x) FROM (SELECT j.* FROM (SELECT) one LEFT JOIN LATERAL (%s) j ON true) x',
			augur._as_of_sql(s, (SELECT string_agg(format('f.%I AS %I', c.feature, c.called), ', ')
								 FROM augur._joined_columns(joined, '{}') c WHERE c.n = i),
				-- character and bit alone would be of length 1
				(SELECT string_agg(format('f.%I %s %L::%s', k, augur._equality(augur._base_type(relation, k)), entity ->> k,
										  format_type(augur._base_type(relation, k), -1)), ' AND ')
				 FROM unnest(s.entity) k),
				-- with its offset, as names of zones (IST) may be read as those of others
				format('%L::timestamptz::%s', to_jsonb(at) #>> '{}', augur._base_type(relation, s.event_time)), max_age, strict))
		INTO part;
		result := result || part;
	END LOOP;
	RETURN result;
END
$$;
COMMENT ON FUNCTION augur.features_at(text[], jsonb, timestamptz, interval, boolean) IS
'The features of one entity as they were known at a time, now by default, as one JSON object under the names that they have in augur.as_of_join: what augur.predict_json takes. Where event times have no time zone, at is taken in that of the session. Example: SELECT augur.predict_json(''churn'', augur.features_at(''{spending,visits}'', ''{"customer": 7}''))';
