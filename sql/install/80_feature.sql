-- feature: making, refreshing, changing and dropping feature sets.
--
-- A refresh is one statement: it runs the definition once, and changes of the table only what
-- differs, bit by bit.  So readers see the features before or after it, an incremental refresh ends
-- where a full one does, and what each changed can be counted.

CREATE OR REPLACE FUNCTION augur._define_query(query text, search_path text, OUT definition text,
	OUT is_volatile text, OUT reads_clock text, OUT bounded boolean)
AS 'MODULE_PATHNAME', 'augur_feature_define'
LANGUAGE C STABLE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION augur._define_query(text, text) IS
'Internal. Looks at the definition of a feature set without running it: a single SELECT, its text with all names resolved, what in it is volatile, what reads the clock, and whether it calls augur.refresh_since().';

CREATE OR REPLACE FUNCTION augur._equality(type regtype) RETURNS text
AS 'MODULE_PATHNAME', 'augur_feature_equality'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._equality(regtype) IS
'Internal. The operator by which a unique index tells values of a type apart, as it is written in a query.';

CREATE OR REPLACE FUNCTION augur.refresh_since() RETURNS timestamptz
AS 'MODULE_PATHNAME', 'augur_feature_since'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur.refresh_since() IS
'For definitions of feature sets: the time from which on an incremental refresh needs rows, "-infinity" for all of them. WHERE ordered_at >= augur.refresh_since() keeps a refresh from reading old rows; augur.create_feature_set must be told lookback then, the longest time that a feature looks back.';

CREATE OR REPLACE FUNCTION augur._feature_set(name text, own boolean DEFAULT true) RETURNS augur.feature_sets
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	s			augur.feature_sets;
BEGIN
	SELECT * INTO s FROM augur.feature_sets t WHERE t.name = _feature_set.name;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('feature set %s does not exist', coalesce('"' || _feature_set.name || '"', 'NULL')),
			HINT = 'SELECT name FROM augur.feature_sets lists the feature sets that you may see.';
	ELSIF own AND NOT pg_has_role(s.owner, 'USAGE') THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('permission denied for feature set "%s"', s.name),
			DETAIL = format('Its definition runs with the rights of the caller, so only members of its owner "%s" may do this.',
							pg_get_userbyid(s.owner));
	END IF;
	RETURN s;
END
$$;
COMMENT ON FUNCTION augur._feature_set(text, boolean) IS
'Internal. A feature set that the current user may see, or refresh and change; an error when there is none.';

-- Who has a set must have its table: else a row here could lead whoever trusts it to another's.
CREATE OR REPLACE FUNCTION augur._check_feature_owner(s augur.feature_sets, relation regclass) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	has			oid := (SELECT c.relowner FROM pg_class c WHERE c.oid = relation);
BEGIN
	IF NOT pg_has_role(s.owner, has, 'MEMBER') THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('%s of feature set "%s" belongs to "%s", not to the owner "%s" of the set', s.relation, s.name,
							 pg_get_userbyid(has), pg_get_userbyid(s.owner));
	END IF;
END
$$;
COMMENT ON FUNCTION augur._check_feature_owner(augur.feature_sets, regclass) IS
'Internal. Raises an error unless the owner of a feature set has the rights of the owner of its table.';

CREATE OR REPLACE FUNCTION augur._feature_relation(s augur.feature_sets) RETURNS regclass
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	relation	regclass := to_regclass(s.relation);
	absent		name;
BEGIN
	IF relation IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_table',
			MESSAGE = format('%s, the table of feature set "%s", does not exist', s.relation, s.name),
			HINT = 'Drop the feature set and create it again.';
	ELSIF (SELECT c.relkind <> ALL ('{r,p}'::"char"[]) FROM pg_class c WHERE c.oid = relation) THEN
		-- a view would run code as its reader
		RAISE EXCEPTION USING ERRCODE = 'wrong_object_type',
			MESSAGE = format('%s of feature set "%s" is not a table', s.relation, s.name);
	END IF;
	PERFORM augur._check_feature_owner(s, relation);
	SELECT c INTO absent FROM unnest(s.entity || s.event_time || s.available_at || s.features) c
	WHERE c IS NOT NULL AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = c
										AND a.attnum > 0 AND NOT a.attisdropped)
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_column',
			MESSAGE = format('column "%s" of feature set "%s" does not exist in its table %s', absent, s.name, s.relation),
			HINT = 'Drop the feature set and create it again.';
	END IF;
	RETURN relation;
END
$$;
COMMENT ON FUNCTION augur._feature_relation(augur.feature_sets) IS
'Internal. The table of a feature set, with all its columns; an error when there is none.';

-- The base type of a column: domains are looked through.
CREATE OR REPLACE FUNCTION augur._base_type(relation regclass, column_name name) RETURNS regtype
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	WITH RECURSIVE d AS (
		SELECT t.oid, t.typbasetype FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
		WHERE a.attrelid = relation AND a.attname = column_name AND a.attnum > 0 AND NOT a.attisdropped
		UNION ALL
		SELECT t.oid, t.typbasetype FROM d JOIN pg_type t ON t.oid = d.typbasetype)
	SELECT d.oid::regtype FROM d WHERE d.typbasetype = 0
$$;
COMMENT ON FUNCTION augur._base_type(regclass, name) IS
'Internal. The type of a column, that of a domain being what it is made of; NULL when there is no such column.';

-- What a definition says about itself must fit how it is refreshed.
CREATE OR REPLACE FUNCTION augur._check_definition(name text, d record, lateness interval, lookback interval)
RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF d.is_volatile IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('the definition of feature set "%s" calls %s, which is volatile', name, d.is_volatile),
			DETAIL = 'What is volatile can write, and gives other features at every refresh.',
			HINT = 'A function of your own that does neither can be marked STABLE or IMMUTABLE.';
	ELSIF lateness IS NOT NULL AND d.reads_clock IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('the definition of feature set "%s" reads %s, so it cannot be refreshed incrementally',
							 name, d.reads_clock),
			DETAIL = 'Rows that are not computed again would keep features of another day.',
			HINT = 'Measure from the event time, or leave "lateness" out: every refresh is then a full one.';
	ELSIF d.bounded AND lookback IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('the definition of feature set "%s" calls augur.refresh_since(), so it needs "lookback"', name),
			HINT = 'It is the longest time that a feature looks back before its event time.';
	ELSIF NOT d.bounded AND lookback IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('the definition of feature set "%s" does not call augur.refresh_since(), so "lookback" would have no effect', name),
			HINT = 'WHERE time >= augur.refresh_since() in the definition keeps a refresh from reading old rows.';
	ELSIF lookback IS NOT NULL AND lateness IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = '"lookback" is for incremental refreshes, so it needs "lateness"';
	ELSIF lateness < interval '0' OR lookback < interval '0' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('%s must not be negative', CASE WHEN lateness < interval '0' THEN 'lateness' ELSE 'lookback' END);
	END IF;
END
$$;
COMMENT ON FUNCTION augur._check_definition(text, record, interval, interval) IS
'Internal. Raises an error when a definition cannot be refreshed as it is to be.';

-- The columns that make a row of features one row.
CREATE OR REPLACE FUNCTION augur._feature_key(s augur.feature_sets) RETURNS name[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT array_remove(s.entity || s.event_time || s.available_at, NULL)
$$;
COMMENT ON FUNCTION augur._feature_key(augur.feature_sets) IS
'Internal. Entity, event time and, where there is one, time of availability.';

-- The table, from what the definition returns.
CREATE OR REPLACE FUNCTION augur._create_feature_table(INOUT s augur.feature_sets)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	relation	regclass;
	key			name[] := augur._feature_key(s);
	c			name;
	type		regtype;
BEGIN
	IF to_regclass(s.relation) IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'duplicate_table',
			MESSAGE = format('relation %s exists already', s.relation),
			HINT = 'Argument "table_name" gives the features another table.';
	END IF;
	EXECUTE format(E'CREATE TABLE %s AS SELECT * FROM (%s\n) q WITH NO DATA', s.relation, s.definition);
	relation := s.relation::regclass;
	IF (SELECT relpersistence = 't' FROM pg_class WHERE oid = relation) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_table_definition',
			MESSAGE = 'features must not lie in a temporary table';
	END IF;
	FOREACH c IN ARRAY key LOOP
		type := augur._base_type(relation, c);
		IF type IS NULL THEN
			RAISE EXCEPTION USING ERRCODE = 'undefined_column',
				MESSAGE = format('the definition of feature set "%s" returns no column "%s"', s.name, c),
				DETAIL = (SELECT format('It returns %s.', string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum))
						  FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum > 0);
		ELSIF c <> ALL (s.entity) AND type <> ALL ('{timestamptz,timestamp,date}'::regtype[]) THEN
			RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch',
				MESSAGE = format('column "%s" has type %s, not date, timestamp or timestamp with time zone', c, type);
		END IF;
	END LOOP;
	IF s.available_at IS NOT NULL
	   AND augur._base_type(relation, s.available_at) <> augur._base_type(relation, s.event_time)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch',
			MESSAGE = format('event time "%s" is %s, but availability "%s" is %s', s.event_time,
							 augur._base_type(relation, s.event_time), s.available_at,
							 augur._base_type(relation, s.available_at)),
			HINT = 'Cast one of them in the definition.';
	END IF;
	s.features := ARRAY(SELECT a.attname FROM pg_attribute a
						WHERE a.attrelid = relation AND a.attnum > 0 AND a.attname <> ALL (key) ORDER BY a.attnum);
	IF s.features = '{}' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('the definition of feature set "%s" returns no features beside its key', s.name);
	END IF;
	BEGIN
		EXECUTE format('ALTER TABLE %s ADD PRIMARY KEY (%s)', s.relation,
					   (SELECT string_agg(quote_ident(k), ', ' ORDER BY n) FROM unnest(key) WITH ORDINALITY u (k, n)));
	EXCEPTION WHEN undefined_object THEN
		RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch',
			MESSAGE = format('"entity" of feature set "%s" has a type without an order: %s', s.name, SQLERRM),
			HINT = 'Cast it in the definition, to text for instance.';
	END;
	-- what an incremental refresh replaces is found by time alone
	IF s.lateness IS NOT NULL THEN
		EXECUTE format('CREATE INDEX ON %s (%I)', s.relation, s.event_time);
	END IF;
	EXECUTE format('COMMENT ON TABLE %s IS %L', s.relation,
				   format('Features of set "%s", kept by augur.refresh_feature_set.', s.name));
END
$$;
COMMENT ON FUNCTION augur._create_feature_table(augur.feature_sets) IS
'Internal. Makes the empty table of a feature set, and tells its features.';

CREATE OR REPLACE FUNCTION augur.create_feature_set(name text, query text, entity name[], event_time name,
	available_at name DEFAULT NULL, lateness interval DEFAULT NULL, lookback interval DEFAULT NULL,
	max_age interval DEFAULT NULL, table_name text DEFAULT NULL, description text DEFAULT NULL,
	time_zone text DEFAULT current_setting('TimeZone'),
	search_path text DEFAULT current_setting('search_path')) RETURNS augur.feature_refreshes
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	s			augur.feature_sets;
	d			record;
	place		name;
	parts		text[];
	problem		text;
	zone		text := current_setting('TimeZone');
BEGIN
	problem := CASE
		WHEN name IS NULL OR char_length(name) NOT BETWEEN 1 AND 63 OR name ~ '[[:cntrl:]]' OR name <> btrim(name)
			THEN format('invalid name of a feature set %s', quote_nullable(name))
		WHEN query IS NULL THEN 'argument "query" must not be null'
		WHEN entity IS NULL OR cardinality(entity) = 0 OR array_position(entity, NULL) IS NOT NULL
			THEN 'argument "entity" must name at least one column'
		WHEN event_time IS NULL THEN 'argument "event_time" must name a column'
		WHEN (SELECT count(DISTINCT k) < count(k) FROM unnest(entity || event_time || available_at) k)
			THEN 'a column is named twice in "entity", "event_time" and "available_at"'
		WHEN max_age <= interval '0' THEN 'max_age must be positive'
		WHEN search_path IS NULL OR time_zone IS NULL THEN 'search_path and time_zone must not be null' END;
	IF problem IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = problem;
	ELSIF EXISTS (SELECT FROM augur.feature_sets t WHERE t.name = name) THEN
		RAISE EXCEPTION USING ERRCODE = 'duplicate_object',
			MESSAGE = format('feature set "%s" exists already', name),
			HINT = 'augur.alter_feature_set gives it another definition.';
	END IF;
	-- times without a zone in it are of the zone that it is run in
	PERFORM set_config('TimeZone', time_zone, true);
	d := augur._define_query(query, search_path);
	PERFORM set_config('TimeZone', zone, true);
	PERFORM augur._check_definition(name, d, lateness, lookback);
	parts := parse_ident(coalesce(table_name, quote_ident(name)));
	IF cardinality(parts) > 2 OR octet_length(parts[cardinality(parts)]) > 63 OR octet_length(parts[1]) > 63 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_name',
			MESSAGE = format('%s cannot be the name of a table', quote_literal(coalesce(table_name, name))),
			HINT = 'Argument "table_name" names it: features, or a schema and a table.';
	ELSIF cardinality(parts) = 1 THEN
		-- nothing is looked up while the caller's path holds
		PERFORM pg_catalog.set_config('search_path', search_path, true);
		place := pg_catalog.current_schema();
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, augur, pg_temp', true);
		IF place IS NULL THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_schema_name',
				MESSAGE = 'there is no schema to create the table in',
				HINT = 'Name one in "table_name", or set search_path.';
		END IF;
		parts := ARRAY[place, parts[1]];
	END IF;
	s.name := name;
	s.version := 1;
	s.relation := format('%I.%I', parts[1], parts[2]);
	s.entity := entity;
	s.event_time := event_time;
	s.available_at := available_at;
	s.query := query;
	s.definition := d.definition;
	s.lateness := lateness;
	s.lookback := lookback;
	s := augur._create_feature_table(s);
	INSERT INTO augur.feature_sets (name, relation, entity, event_time, available_at, features, query, definition,
		lateness, lookback, max_age, time_zone, description)
	VALUES (s.name, s.relation, s.entity, s.event_time, s.available_at, s.features, s.query, s.definition,
		s.lateness, s.lookback, max_age, time_zone, description)
	ON CONFLICT DO NOTHING;
	-- it can be another's, that one does not see
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'duplicate_object', MESSAGE = format('feature set "%s" exists already', name);
	END IF;
	RETURN augur.refresh_feature_set(name);
END
$$;
COMMENT ON FUNCTION augur.create_feature_set(text, text, name[], name, name, interval, interval, interval, text, text, text, text) IS
'Keeps the rows of a SELECT, one for each entity and event time, in a table for augur.as_of_join, and computes them. entity: columns that say what the features are of; event_time: from when on they hold (date, timestamp or timestamptz); available_at: since when they were known, where that is later. lateness: refreshes compute only what is newer than the latest event time less this; NULL: all. lookback: see augur.refresh_since. max_age: older features are not joined. table_name: where they lie, by default a table of the set''s name. The query runs with your rights in time_zone; names in it are looked up in search_path, yours by default. Example: SELECT * FROM augur.create_feature_set(''spending'', ''SELECT customer, day, sum(amount) AS spent FROM orders GROUP BY 1, 2'', ''{customer}'', ''day'', lateness => ''3 days'')';

-- ---- refreshing ----------------------------------------------------------------------------------

-- The one statement of a refresh, with F the first event time that is computed, NULL for all, and L
-- the one before which an incremental refresh would have changed nothing.
CREATE OR REPLACE FUNCTION augur._refresh_sql(s augur.feature_sets, f text, l text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	key			name[] := augur._feature_key(s);
	cols		text := (SELECT string_agg(quote_ident(c), ', ' ORDER BY n)
						 FROM unnest(key || s.features) WITH ORDINALITY u (c, n));
	key_list	text := (SELECT string_agg(quote_ident(c), ', ' ORDER BY n) FROM unnest(key) WITH ORDINALITY u (c, n));
	present		text := (SELECT string_agg(format('q.%I IS NOT NULL', c), ' AND ') FROM unnest(key) c);
	-- keys that are equal can still be written in two ways, so they are compared and set, too
	same_key	text := (SELECT string_agg(format('t.%I %s n.%I', c, augur._equality(a.atttypid), c), ' AND ' ORDER BY n)
						 FROM unnest(key) WITH ORDINALITY u (c, n)
							JOIN pg_attribute a ON a.attrelid = s.relation::regclass AND a.attname = c);
	old_row		text := (SELECT string_agg(format('t.%I', c), ', ' ORDER BY n) FROM unnest(key || s.features) WITH ORDINALITY u (c, n));
	new_row		text := (SELECT string_agg(format('n.%I', c), ', ' ORDER BY n) FROM unnest(key || s.features) WITH ORDINALITY u (c, n));
	assign		text := (SELECT string_agg(format('%I = n.%I', c, c), ', ' ORDER BY n)
						 FROM unnest(key || s.features) WITH ORDINALITY u (c, n));
	late		text := CASE WHEN l IS NULL THEN 'false' ELSE format('t.%I < %s', s.event_time, l) END;
BEGIN
	RETURN format($q$WITH q AS MATERIALIZED (SELECT %1$s FROM (%2$s
) q%3$s),
n AS NOT MATERIALIZED (SELECT %1$s FROM q WHERE %4$s),
twice AS MATERIALIZED (SELECT %5$s FROM n GROUP BY %5$s HAVING count(*) > 1 LIMIT 1),
gone AS (DELETE FROM %6$s t WHERE %7$s NOT EXISTS (SELECT FROM n WHERE %8$s) AND NOT EXISTS (SELECT FROM twice)
	RETURNING %9$s AS late),
changed AS (UPDATE %6$s t SET %10$s FROM n WHERE %8$s
	AND ROW(%11$s)::record OPERATOR(pg_catalog.*<>) ROW(%12$s)::record AND NOT EXISTS (SELECT FROM twice)
	RETURNING %9$s AS late),
added AS (INSERT INTO %6$s AS t (%1$s) SELECT %1$s FROM n WHERE NOT EXISTS (SELECT FROM %6$s t WHERE %8$s)
	AND NOT EXISTS (SELECT FROM twice)
	RETURNING %9$s AS late)
SELECT (SELECT count(*) FROM q) AS rows_read, (SELECT count(*) FROM q WHERE NOT (%4$s)) AS skipped,
	a.n AS inserted, c.n AS updated, g.n AS deleted, a.late + c.late + g.late AS late,
	(SELECT to_jsonb(t)::text FROM twice t) AS twice
FROM (SELECT count(*) AS n, count(*) FILTER (WHERE late) AS late FROM added) a,
	(SELECT count(*) AS n, count(*) FILTER (WHERE late) AS late FROM changed) c,
	(SELECT count(*) AS n, count(*) FILTER (WHERE late) AS late FROM gone) g$q$,
		cols, s.definition, CASE WHEN f IS NOT NULL THEN format(' WHERE q.%I >= %s', s.event_time, f) END, present,
		key_list, s.relation, CASE WHEN f IS NOT NULL THEN format('t.%I >= %s AND', s.event_time, f) END, same_key, late,
		assign, old_row, new_row);
END
$$;
COMMENT ON FUNCTION augur._refresh_sql(augur.feature_sets, text, text) IS
'Internal. The statement that makes the table of a feature set what its definition returns, from an event time on.';

-- How far a set has come.
CREATE OR REPLACE FUNCTION augur._feature_watermark(s augur.feature_sets) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	at			text;
	type		regtype := augur._base_type(s.relation::regclass, s.event_time);
BEGIN
	-- a time that lies ahead would keep everything before it from being computed again
	EXECUTE format('SELECT to_jsonb(least(x.m, now()::%s)) #>> ''{}'' FROM (SELECT max(t.%I)::%s AS m FROM %s t) x WHERE x.m IS NOT NULL',
				   type, s.event_time, type, s.relation) INTO at;
	RETURN at;
END
$$;
COMMENT ON FUNCTION augur._feature_watermark(augur.feature_sets) IS
'Internal. The latest event time of a set, or now if that is earlier; NULL when it is empty.';

CREATE OR REPLACE FUNCTION augur._refresh_features(INOUT s augur.feature_sets, full_refresh boolean,
	OUT r augur.feature_refreshes)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	started		timestamptz := clock_timestamp();
	zone		text := current_setting('TimeZone');
	type		regtype := augur._base_type(s.relation::regclass, s.event_time);
	incremental	boolean := NOT full_refresh AND s.lateness IS NOT NULL AND s.watermark IS NOT NULL;
	l			text := CASE WHEN s.lateness IS NOT NULL AND s.watermark IS NOT NULL
							 THEN format('(%L::%s - %L::interval)', s.watermark, type, s.lateness) END;
	since		text;
	got			record;
BEGIN
	PERFORM set_config('TimeZone', s.time_zone, true);
	IF incremental THEN
		EXECUTE format('SELECT to_jsonb(%s) #>> ''{}''', l) INTO r.since;
		IF s.lookback IS NOT NULL THEN
			-- where clocks are put forward an hour of local time does not exist, and what is computed
			-- with it does not keep its order: a little more is read
			EXECUTE format('SELECT to_jsonb((%s - %L::interval - %L::interval)::timestamptz) #>> ''{}''', l, s.lookback,
						   CASE type WHEN 'timestamptz'::regtype THEN interval '3 hours' ELSE '1 day' END) INTO since;
		END IF;
	END IF;
	PERFORM set_config('augur.refresh_since', coalesce(since, ''), true);
	EXECUTE augur._refresh_sql(s, CASE WHEN incremental THEN l END, CASE WHEN NOT incremental THEN l END) INTO got;
	PERFORM set_config('augur.refresh_since', '', true);
	IF got.twice IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'cardinality_violation',
			MESSAGE = format('the definition of feature set "%s" returns more than one row for an entity at a time', s.name),
			DETAIL = format('One of them is %s.', got.twice),
			HINT = 'Aggregate the rows, or take one with DISTINCT ON.';
	END IF;
	r.kind := CASE WHEN incremental THEN 'incremental' ELSE 'full' END;
	r.rows_read := got.rows_read;
	r.inserted := got.inserted;
	r.updated := got.updated;
	r.deleted := got.deleted;
	r.skipped := got.skipped;
	r.late := CASE WHEN NOT incremental AND l IS NOT NULL THEN got.late END;
	r.watermark_before := s.watermark;
	r.watermark := augur._feature_watermark(s);
	r.seconds := extract(epoch FROM clock_timestamp() - started);
	s.watermark := r.watermark;
	PERFORM set_config('TimeZone', zone, true);
END
$$;
COMMENT ON FUNCTION augur._refresh_features(augur.feature_sets, boolean) IS
'Internal. Brings the table of a feature set up to date, and counts what that changed.';

CREATE OR REPLACE FUNCTION augur.refresh_feature_set(name text, full_refresh boolean DEFAULT false)
RETURNS augur.feature_refreshes
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	s			augur.feature_sets := augur._feature_set(name);
	d			record;
	r			augur.feature_refreshes;
	got			record;
BEGIN
	IF full_refresh IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'full_refresh must be true or false';
	END IF;
	-- one refresh at a time; who waited goes on from where the other one ended
	SELECT * INTO s FROM augur.feature_sets t WHERE t.id = s.id FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('feature set "%s" was dropped in the meantime', name);
	END IF;
	BEGIN
		d := augur._define_query(s.definition, 'pg_catalog');
	EXCEPTION WHEN syntax_error_or_access_rule_violation THEN
		RAISE EXCEPTION USING ERRCODE = SQLSTATE,
			MESSAGE = format('the definition of feature set "%s" does not work any more: %s', s.name, SQLERRM),
			HINT = 'augur.alter_feature_set gives it another one. The features are as they were.';
	END;
	-- functions that it calls may have been replaced
	PERFORM augur._check_definition(s.name, d, s.lateness, s.lookback);
	PERFORM augur._feature_relation(s);
	BEGIN
		got := augur._refresh_features(s, full_refresh);
	EXCEPTION WHEN datatype_mismatch THEN
		RAISE EXCEPTION USING ERRCODE = SQLSTATE,
			MESSAGE = format('what the definition of feature set "%s" returns is not of the types of its table: %s', s.name, SQLERRM),
			HINT = 'Where a column that it reads has changed its type, augur.alter_feature_set with the query gives the table that type, too. The features are as they were.';
	END;
	r := got.r;
	UPDATE augur.feature_sets t SET watermark = (got.s).watermark WHERE t.id = s.id;
	INSERT INTO augur.feature_refreshes (set_id, feature_set, version, kind, since, rows_read, inserted, updated,
		deleted, skipped, late, watermark_before, watermark, seconds, owner)
	VALUES (s.id, s.name, s.version, r.kind, r.since, r.rows_read, r.inserted, r.updated, r.deleted, r.skipped,
		r.late, r.watermark_before, r.watermark, r.seconds, s.owner)
	RETURNING * INTO r;
	IF r.skipped > 0 THEN
		RAISE WARNING USING
			MESSAGE = format('%s rows of feature set "%s" were left out, as their entity or time is null', r.skipped, s.name);
	END IF;
	IF r.late > 0 THEN
		PERFORM augur._emit('features_late', 'warning', s.name,
			jsonb_build_object('feature_set', s.name, 'refresh', r.id, 'late', r.late, 'lateness', s.lateness::text));
	END IF;
	RETURN r;
END
$$;
COMMENT ON FUNCTION augur.refresh_feature_set(text, boolean) IS
'Brings the table of a feature set up to date, in one statement: readers see it before or after. Incremental where the set has a lateness: rows from the watermark less lateness on are computed again, older ones stay; full_refresh computes all, and tells in late how many changes an incremental refresh would have missed. Either way only rows that differ are written. What it did is returned and kept in augur.feature_refreshes; an error leaves everything as it was. For members of the owner, whose rights the definition runs with. Example: SELECT kind, inserted, updated, deleted FROM augur.refresh_feature_set(''spending'')';

CREATE OR REPLACE FUNCTION augur.check_feature_set(name text, OUT missing bigint, OUT surplus bigint,
	OUT different bigint, OUT late bigint)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	id			bigint := (augur._feature_set(name)).id;
	r			augur.feature_refreshes;
BEGIN
	-- a full refresh that is taken back
	BEGIN
		r := augur.refresh_feature_set(name, true);
		RAISE EXCEPTION USING ERRCODE = 'ZZFSC';
	EXCEPTION WHEN SQLSTATE 'ZZFSC' THEN
		missing := r.inserted;
		surplus := r.deleted;
		different := r.updated;
		late := r.late;
	END;
END
$$;
COMMENT ON FUNCTION augur.check_feature_set(text) IS
'How far a feature set is from a full recomputation, without keeping one: rows that are missing, surplus or different, and how many of them no incremental refresh would mend (late). All zero right after a refresh, unless rows came later than lateness. Costs a full refresh.';

-- ---- changing and dropping -----------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur.alter_feature_set(name text, query text DEFAULT NULL,
	lateness interval DEFAULT NULL, lookback interval DEFAULT NULL, max_age interval DEFAULT NULL,
	description text DEFAULT NULL, search_path text DEFAULT current_setting('search_path'))
RETURNS augur.feature_refreshes
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	s			augur.feature_sets := augur._feature_set(name);
	relation	regclass;
	d			record;
	key			name[];
	c			record;
	draft		text;
	zone		text := current_setting('TimeZone');
BEGIN
	SELECT * INTO s FROM augur.feature_sets t WHERE t.id = s.id FOR NO KEY UPDATE;
	relation := augur._feature_relation(s);
	key := augur._feature_key(s);
	IF max_age <= interval '0' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'max_age must be positive';
	END IF;
	IF lateness IS NOT NULL AND s.lateness IS NULL THEN
		EXECUTE format('CREATE INDEX ON %s (%I)', s.relation, s.event_time);
	END IF;
	s.lateness := coalesce(lateness, s.lateness);
	PERFORM set_config('TimeZone', s.time_zone, true);
	d := augur._define_query(coalesce(query, s.definition), CASE WHEN query IS NULL THEN 'pg_catalog' ELSE search_path END);
	PERFORM set_config('TimeZone', zone, true);
	-- a definition that has no bound needs no lookback
	s.lookback := coalesce(lookback, CASE WHEN d.bounded THEN s.lookback END);
	PERFORM augur._check_definition(s.name, d, s.lateness, s.lookback);
	IF query IS NOT NULL THEN
		s.query := query;
		s.definition := d.definition;
		s.version := s.version + 1;
		-- what it returns, as columns of a table that goes again
		draft := format('%s.%I', (SELECT relnamespace::regnamespace FROM pg_class WHERE oid = relation),
						'augur draft ' || s.id);
		EXECUTE format(E'CREATE TABLE %s AS SELECT * FROM (%s\n) q WITH NO DATA', draft, s.definition);
		FOR c IN SELECT k AS attname, format_type(a.atttypid, a.atttypmod) AS type,
					format_type(b.atttypid, b.atttypmod) AS new_type
				 FROM unnest(key) k JOIN pg_attribute a ON a.attrelid = relation AND a.attname = k
					LEFT JOIN pg_attribute b ON b.attrelid = draft::regclass AND b.attname = k AND b.attnum > 0
		LOOP
			IF c.type IS DISTINCT FROM c.new_type THEN
				RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch',
					MESSAGE = CASE WHEN c.new_type IS NULL THEN format('the new definition returns no column "%s"', c.attname)
							  ELSE format('column "%s" is %s, and %s in the new definition', c.attname, c.type, c.new_type) END,
					DETAIL = 'Entity and times stay what they are.',
					HINT = 'Create another feature set.';
			END IF;
		END LOOP;
		FOR c IN SELECT a.attname FROM unnest(s.features) f JOIN pg_attribute a ON a.attrelid = relation AND a.attname = f
			WHERE NOT EXISTS (SELECT FROM pg_attribute b WHERE b.attrelid = draft::regclass AND b.attname = f AND b.attnum > 0
							  AND (b.atttypid, b.atttypmod, b.attcollation) = (a.atttypid, a.atttypmod, a.attcollation))
		LOOP
			EXECUTE format('ALTER TABLE %s DROP COLUMN %I', s.relation, c.attname);
		END LOOP;
		s.features := ARRAY(SELECT b.attname FROM pg_attribute b WHERE b.attrelid = draft::regclass AND b.attnum > 0
							AND b.attname <> ALL (key) ORDER BY b.attnum);
		IF s.features = '{}' THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
				MESSAGE = format('the definition of feature set "%s" returns no features beside its key', s.name);
		END IF;
		FOR c IN SELECT b.attname, format_type(b.atttypid, b.atttypmod) AS type,
					CASE WHEN b.attcollation <> t.typcollation THEN b.attcollation::regcollation::text END AS collation
				 FROM pg_attribute b JOIN pg_type t ON t.oid = b.atttypid
				 WHERE b.attrelid = draft::regclass AND b.attname = ANY (s.features)
				 AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = b.attname
								 AND a.attnum > 0 AND NOT a.attisdropped) ORDER BY b.attnum
		LOOP
			EXECUTE format('ALTER TABLE %s ADD COLUMN %I %s %s', s.relation, c.attname, c.type, 'COLLATE ' || c.collation);
		END LOOP;
		EXECUTE format('DROP TABLE %s', draft);
	END IF;
	-- without a watermark: what changes now is not late
	UPDATE augur.feature_sets t SET watermark = NULL, query = s.query, definition = s.definition, version = s.version, features = s.features,
		lateness = s.lateness, lookback = s.lookback, max_age = coalesce(alter_feature_set.max_age, t.max_age),
		description = coalesce(alter_feature_set.description, t.description)
	WHERE t.id = s.id;
	RETURN augur.refresh_feature_set(s.name, true);
END
$$;
COMMENT ON FUNCTION augur.alter_feature_set(text, text, interval, interval, interval, text, text) IS
'Gives a feature set another definition, lateness, lookback, max_age or description (NULL: as it is), and refreshes it in full. Columns of its table that the new definition returns no more are dropped, new ones are added; entity and times stay. Example: SELECT augur.alter_feature_set(''spending'', lateness => ''7 days'')';

CREATE OR REPLACE FUNCTION augur.drop_feature_set(name text, keep_table boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	s			augur.feature_sets := augur._feature_set(name);
BEGIN
	DELETE FROM augur.feature_sets t WHERE t.id = s.id;
	IF NOT coalesce(keep_table, true) AND to_regclass(s.relation) IS NOT NULL THEN
		PERFORM augur._check_feature_owner(s, s.relation::regclass);
		EXECUTE format('DROP TABLE %s', s.relation);
	END IF;
END
$$;
COMMENT ON FUNCTION augur.drop_feature_set(text, boolean) IS
'Removes a feature set and its table, or, with keep_table, leaves the table as it is. What its refreshes did stays in augur.feature_refreshes.';

CREATE OR REPLACE TRIGGER feature_refreshes_fixed BEFORE UPDATE OR DELETE ON augur.feature_refreshes
FOR EACH ROW EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER feature_refreshes_kept BEFORE TRUNCATE ON augur.feature_refreshes
FOR EACH STATEMENT EXECUTE FUNCTION augur._guard_append_only();

-- ---- reading -----------------------------------------------------------------------------------

CREATE OR REPLACE VIEW augur.feature_set_status WITH (security_invoker = true) AS
	SELECT s.name, s.version, s.relation, s.entity, s.event_time, cardinality(s.features) AS features,
		s.lateness, s.watermark, r.at AS refreshed_at, r.kind, r.inserted, r.updated, r.deleted, r.seconds,
		f.at AS full_refresh_at, f.late, s.description, s.owner
	FROM augur.feature_sets s
		LEFT JOIN LATERAL (SELECT t.* FROM augur.feature_refreshes t WHERE t.set_id = s.id
						   ORDER BY t.id DESC LIMIT 1) r ON true
		LEFT JOIN LATERAL (SELECT t.* FROM augur.feature_refreshes t WHERE t.set_id = s.id AND t.kind = 'full'
						   ORDER BY t.id DESC LIMIT 1) f ON true
	ORDER BY s.name;
COMMENT ON VIEW augur.feature_set_status IS
'Feature sets with their last refresh, and the last full one.';
COMMENT ON COLUMN augur.feature_set_status.features IS 'how many features it has';
COMMENT ON COLUMN augur.feature_set_status.refreshed_at IS 'when it was last refreshed; kind, inserted, updated, deleted and seconds are of that';
COMMENT ON COLUMN augur.feature_set_status.full_refresh_at IS 'when it was last computed in full';
COMMENT ON COLUMN augur.feature_set_status.late IS 'how many changes that found which incremental refreshes had missed';
