-- feature: what is written by hand in every project: lags, windows, recency, calendar.
--
-- lag_features and rolling_features return SQL, to be read, joined or given to
-- augur.create_feature_set: windows are the server's own, and what leaks can be seen.

-- 7 days -> 7d, 1 mon -> 1mon, 12:00 -> 12h
CREATE OR REPLACE FUNCTION augur._span_label(span interval) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT coalesce(nullif(concat(
		nullif(extract(year FROM span), 0)::text || 'y', nullif(extract(month FROM span), 0)::text || 'mon',
		nullif(extract(day FROM span), 0)::text || 'd', nullif(extract(hour FROM span), 0)::text || 'h',
		nullif(extract(minute FROM span), 0)::text || 'min',
		replace(trim_scale(nullif(extract(second FROM span), 0))::text, '.', '_') || 's'), ''), '0')
$$;
COMMENT ON FUNCTION augur._span_label(interval) IS
'Internal. An interval as part of a name: 7d, 1mon, 12h.';

-- What both generators ask of their arguments; the type of the event time.
CREATE OR REPLACE FUNCTION augur._check_window_columns(relation regclass, entity name[], event_time name,
	columns name[]) RETURNS regtype
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	type		regtype;
BEGIN
	IF relation IS NULL OR event_time IS NULL OR cardinality(entity) IS DISTINCT FROM array_length(entity, 1)
		OR entity = '{}' OR columns IS NULL OR columns = '{}' OR entity IS NULL
		OR array_position(entity || columns, NULL) IS NOT NULL
	THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'relation, entity, event_time and columns must be given';
	END IF;
	PERFORM augur._column_type(relation, c) FROM unnest(entity || event_time || columns) c;
	type := augur._base_type(relation, event_time);
	IF type <> ALL ('{timestamptz,timestamp,date}'::regtype[]) THEN
		RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch',
			MESSAGE = format('column "%s" has type %s, not date, timestamp or timestamp with time zone', event_time, type);
	END IF;
	RETURN type;
END
$$;
COMMENT ON FUNCTION augur._check_window_columns(regclass, name[], name, name[]) IS
'Internal. Raises an error unless these are columns of a relation, and event_time is a time; returns its type.';

CREATE OR REPLACE FUNCTION augur._feature_query(source text, entity name[], event_time name, outputs text[],
	called text[], windows text, since boolean, one_row text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	keys		text := (SELECT string_agg(format('t.%I', k), ', ' ORDER BY n)
						 FROM unnest(entity || event_time) WITH ORDINALITY u (k, n));
	problem		text;
BEGIN
	SELECT c INTO problem FROM unnest(called || (entity || event_time)::text[]) c
	GROUP BY c HAVING count(*) > 1 OR octet_length(c) > 63 ORDER BY c LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = CASE WHEN octet_length(problem) > 63 THEN 'name_too_long' ELSE 'duplicate_column' END,
			MESSAGE = format('a feature would be called "%s"%s', problem,
							 CASE WHEN octet_length(problem) <= 63 THEN ', which is taken' END),
			HINT = 'Give the column another name in a view.';
	END IF;
	RETURN format(E'SELECT %s%s,\n\t%s\nFROM %s t%s\nWINDOW %s%s',
		CASE WHEN one_row IS NOT NULL THEN format('DISTINCT ON (%s) ', keys) END, keys,
		(SELECT string_agg(format('%s AS %I', outputs[i], called[i]), E',\n\t' ORDER BY i) FROM generate_subscripts(outputs, 1) i),
		source,
		CASE WHEN since THEN format(E'\nWHERE t.%I >= augur.refresh_since()', event_time) END, windows,
		E'\nORDER BY ' || keys || nullif(', ' || one_row, ', '));
END
$$;
COMMENT ON FUNCTION augur._feature_query(text, name[], name, text[], text[], text, boolean, text) IS
'Internal. A SELECT of features; with one_row one for each entity and time, the first by these columns, if any.';

-- The rows of a relation, and beside them a row without values for each entity at each regular
-- moment that an event could still be felt at.  Days and months begin by the clock, on Mondays and
-- on the first; shorter steps count from midnight UTC.
CREATE OR REPLACE FUNCTION augur._with_moments(relation regclass, entity name[], event_time name, type regtype,
	columns name[], every interval, reach interval, since boolean) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT format($q$(SELECT %1$s, r.%2$I, %3$s, false AS "augur moment" FROM %4$s r%5$s
	UNION ALL
	SELECT %6$s, m.at, %8$s, true
	FROM (SELECT %1$s, min(r.%2$I) AS "augur first", max(r.%2$I) AS "augur last" FROM %4$s r%5$s GROUP BY %1$s) e,
		(SELECT g.at::%7$s AS at
		 FROM (SELECT min(r.%2$I)::%11$s AS lo, max(r.%2$I)::%11$s AS hi FROM %4$s r WHERE isfinite(r.%2$I)) b,
			generate_series(%9$s, b.hi, %10$L::interval) g (at)
		 WHERE g.at > b.lo - interval '1 day') m
	WHERE m.at >= e."augur first" AND m.at <= e."augur last" + %12$L::interval)$q$,
		(SELECT string_agg(format('r.%I', k), ', ' ORDER BY n) FROM unnest(entity) WITH ORDINALITY u (k, n)), event_time,
		(SELECT string_agg(format('r.%I', c), ', ' ORDER BY n) FROM unnest(columns) WITH ORDINALITY u (c, n)),
		augur._qualified(relation),
		CASE WHEN since THEN format(' WHERE r.%I >= augur.refresh_since()', event_time) END,
		(SELECT string_agg(format('e.%I', k), ', ' ORDER BY n) FROM unnest(entity) WITH ORDINALITY u (k, n)), type,
		(SELECT string_agg('NULL', ', ') FROM unnest(columns)),
		CASE WHEN every < interval '1 day' THEN format('date_bin(%L::interval, b.lo, %s %L)', every, s.moment, '2000-01-01 00:00+00')
			 -- by the clock, not by the moments that it shows: those of 1900 were not whole minutes everywhere, and
			 -- a midnight that was skipped once would move all that follow
			 ELSE format('%s %L', s.moment, '1900-01-01') END,
		every, s.moment, reach)
	FROM (SELECT CASE WHEN type = 'timestamptz'::regtype AND every < interval '1 day' THEN 'timestamptz' ELSE 'timestamp' END) s (moment)
$$;
COMMENT ON FUNCTION augur._with_moments(regclass, name[], name, regtype, name[], interval, interval, boolean) IS
'Internal. The rows of a relation and, for each entity, regular moments: what rolling_features with every reads.';

CREATE OR REPLACE FUNCTION augur.rolling_features(relation regclass, entity name[], event_time name, columns name[],
	windows interval[], aggregates text[] DEFAULT '{sum,mean,count}', every interval DEFAULT NULL,
	inclusive boolean DEFAULT false, since boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	type		regtype := augur._check_window_columns(relation, entity, event_time, columns);
	wrong		text;
	outputs		text[] := '{}';
	called		text[] := '{}';
	spans		text[] := '{}';
	a			text;
	c			name;
	reach		interval;
BEGIN
	SELECT t INTO wrong FROM unnest(aggregates) t WHERE t IS NULL OR t <> ALL ('{sum,mean,count,min,max,stddev}'::text[]) LIMIT 1;
	IF FOUND OR aggregates IS NULL OR aggregates = '{}' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('unknown aggregate %s', quote_nullable(wrong)),
			HINT = 'Aggregates are sum, mean, count, min, max and stddev.';
	ELSIF windows IS NULL OR windows = '{}' OR array_position(windows, NULL) IS NOT NULL
		OR EXISTS (SELECT FROM unnest(windows) w WHERE w <= interval '0' OR type = 'date'::regtype AND w < interval '1 day')
	THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('windows must be positive%s', CASE WHEN type = 'date'::regtype THEN ', and at least a day for dates' END);
	ELSIF every <= interval '0' OR type = 'date'::regtype AND every < interval '1 day' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('every must be positive%s', CASE WHEN type = 'date'::regtype THEN ', and at least a day for dates' END);
	ELSIF inclusive IS NULL OR since IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = '"inclusive" and "since" must be true or false';
	END IF;
	-- a window ends before the row's own time, so that rows of the same moment are out of it, too
	FOR i IN 1 .. cardinality(windows) LOOP
		spans := spans || format(E'w%s AS (PARTITION BY %s ORDER BY t.%I RANGE BETWEEN %L::interval PRECEDING AND %s)', i,
			(SELECT string_agg(format('t.%I', k), ', ' ORDER BY n) FROM unnest(entity) WITH ORDINALITY u (k, n)),
			event_time, windows[i], CASE WHEN inclusive THEN 'CURRENT ROW' WHEN type = 'date'::regtype
				THEN 'interval ''1 day'' PRECEDING' ELSE 'interval ''1 microsecond'' PRECEDING' END);
		FOREACH c IN ARRAY columns LOOP
			FOREACH a IN ARRAY aggregates LOOP
				called := called || format('%s_%s_%s', c, a, augur._span_label(windows[i]));
				outputs := outputs || format(CASE a WHEN 'sum' THEN 'coalesce(sum(t.%I) OVER w%s, 0)' ELSE
					CASE a WHEN 'mean' THEN 'avg' WHEN 'stddev' THEN 'stddev_samp' ELSE a END || '(t.%I) OVER w%s' END, c, i);
			END LOOP;
		END LOOP;
	END LOOP;
	IF every IS NULL THEN
		RETURN augur._feature_query(augur._qualified(relation), entity, event_time, outputs, called,
									array_to_string(spans, E',\n\t'), since, '');
	END IF;
	-- a moment after the last event that any window holds features fall to nothing, and stay so
	reach := (SELECT w FROM unnest(windows) w ORDER BY w DESC, extract(month FROM w) DESC LIMIT 1) + every;
	spans := spans || format('wk AS (PARTITION BY %s ORDER BY t.%I RANGE BETWEEN %L::interval PRECEDING AND CURRENT ROW)',
		(SELECT string_agg(format('t.%I', k), ', ' ORDER BY n) FROM unnest(entity) WITH ORDINALITY u (k, n)), event_time, reach);
	RETURN format(E'SELECT %s\nFROM (%s) q\nWHERE q."augur moment" AND q."augur events" > 0',
		(SELECT string_agg(format('q.%I', u.name), ', ' ORDER BY u.n)
		 FROM unnest((entity || event_time)::text[] || called) WITH ORDINALITY u (name, n)),
		augur._feature_query(augur._with_moments(relation, entity, event_time, type, columns, every, reach, since),
			entity, event_time, outputs || ARRAY['t."augur moment"', 'count(*) FILTER (WHERE NOT t."augur moment") OVER wk'],
			called || '{augur moment,augur events}'::text[], array_to_string(spans, E',\n\t'), false, NULL));
END
$$;
COMMENT ON FUNCTION augur.rolling_features(regclass, name[], name, name[], interval[], text[], interval, boolean, boolean) IS
'Writes the SELECT of sum, mean, count, min, max or stddev of columns over the time before each row of an entity, as amount_sum_7d: definition of a feature set. Rows of the same time are left out, unless inclusive; a window reaches back to exactly its length. Nothing in it: sum and count are 0, the others NULL. every: a row at regular moments instead, as midnight with 1 day, from the first event to where nothing is left in the longest window; so what is joined later is never older than that, where a row of an event would stay for good. since: lets an incremental refresh read only what it needs, with lookback of augur.create_feature_set at least the longest window and every. Example: SELECT augur.rolling_features(''orders'', ''{customer}'', ''ordered_at'', ''{amount}'', ''{7 days,30 days}'', every => ''1 day'')';

CREATE OR REPLACE FUNCTION augur.lag_features(relation regclass, entity name[], event_time name, columns name[],
	lags integer[] DEFAULT '{1}', within interval DEFAULT NULL, order_by name DEFAULT NULL,
	since boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	type		regtype := augur._check_window_columns(relation, entity, event_time, columns);
	outputs		text[] := '{}';
	called		text[] := '{}';
	near		text;
	done		text := CASE WHEN within IS NOT NULL THEN ' END' ELSE '' END;
	c			name;
	k			integer;
	tie			text := CASE WHEN order_by IS NOT NULL THEN format('t.%I', order_by) END;
	keys		text := (SELECT string_agg(format('t.%I', e), ', ' ORDER BY n) FROM unnest(entity) WITH ORDINALITY u (e, n));
BEGIN
	PERFORM augur._column_type(relation, order_by) WHERE order_by IS NOT NULL;
	IF lags IS NULL OR lags = '{}' OR array_position(lags, NULL) IS NOT NULL OR EXISTS (SELECT FROM unnest(lags) l WHERE l < 1) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'lags must be positive';
	ELSIF within <= interval '0' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'within must be positive';
	ELSIF since IS NULL OR since AND within IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = CASE WHEN since IS NULL THEN 'since must be true or false' ELSE '"since" needs "within"' END,
			HINT = 'The row before may be any time ago: say how far a refresh has to look back.';
	END IF;
	FOREACH k IN ARRAY lags LOOP
		near := CASE WHEN within IS NOT NULL
				THEN format('CASE WHEN lag(t.%I, %s) OVER w >= t.%I - %L::interval THEN ', event_time, k, event_time, within)
				ELSE '' END;
		FOREACH c IN ARRAY columns LOOP
			called := called || format('%s_lag%s', c, k);
			outputs := outputs || (near || format('lag(t.%I, %s) OVER w', c, k) || done);
		END LOOP;
		called := called || format('days_since_lag%s', k);
		-- an infinite time is no number of days from any other
		outputs := outputs || (near || format('(CASE WHEN isfinite(t.%1$I) AND isfinite(lag(t.%1$I, %2$s) OVER w) THEN '
			|| CASE WHEN type = 'date'::regtype THEN 't.%1$I - lag(t.%1$I, %2$s) OVER w'
					ELSE 'extract(epoch FROM t.%1$I - lag(t.%1$I, %2$s) OVER w) / 86400' END || ' END)::float8', event_time, k) || done);
	END LOOP;
	-- of rows of one time the first is kept: what is before it is earlier
	RETURN augur._feature_query(augur._qualified(relation), entity, event_time, outputs, called,
		format('w AS (PARTITION BY %s ORDER BY t.%I%s)', keys, event_time, ', ' || tie), since, tie);
END
$$;
COMMENT ON FUNCTION augur.lag_features(regclass, name[], name, name[], integer[], interval, name, boolean) IS
'Writes the SELECT of what columns were one or more rows of the entity before (amount_lag1), and of how many days ago that was (days_since_lag1): definition of a feature set. Where rows of an entity have the same time, order_by must name a column that orders them: what was before all of them counts. within: what is longer ago is NULL; since, which needs it: lets an incremental refresh read only what it needs, with that much lookback of augur.create_feature_set. Example: SELECT augur.lag_features(''orders'', ''{customer}'', ''ordered_at'', ''{amount}'', ''{1,2}'')';

-- ---- recency, frequency, monetary value ----------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._rfm_step(state internal, event_time timestamptz, amount numeric, as_of timestamptz)
RETURNS internal
AS 'MODULE_PATHNAME', 'augur_feature_rfm_step'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._rfm_step(internal, timestamptz, numeric, timestamptz) IS 'Internal. Transition of augur.rfm.';

CREATE OR REPLACE FUNCTION augur._rfm_step(state internal, event_time timestamp, amount numeric, as_of timestamp)
RETURNS internal
AS 'MODULE_PATHNAME', 'augur_feature_rfm_step'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._rfm_step(internal, timestamp, numeric, timestamp) IS 'Internal. Transition of augur.rfm.';

CREATE OR REPLACE FUNCTION augur._rfm_final(state internal) RETURNS augur.rfm_value
AS 'MODULE_PATHNAME', 'augur_feature_rfm_final'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._rfm_final(internal) IS 'Internal. Result of augur.rfm.';

CREATE OR REPLACE AGGREGATE augur.rfm(event_time timestamptz, amount numeric, as_of timestamptz)
(
	SFUNC = augur._rfm_step,
	STYPE = internal,
	SSPACE = 128,
	FINALFUNC = augur._rfm_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.rfm(timestamptz, numeric, timestamptz) IS
'Recency (days since the last event), frequency (events) and monetary value (sum of amounts) as of a time; events after it, and those without a time, do not count. as_of must be the same within a group. Cast amounts that are float8 to numeric. Example: SELECT customer, (augur.rfm(ordered_at, amount, ''2024-01-01'')).* FROM orders GROUP BY customer';

CREATE OR REPLACE AGGREGATE augur.rfm(event_time timestamp, amount numeric, as_of timestamp)
(
	SFUNC = augur._rfm_step,
	STYPE = internal,
	SSPACE = 128,
	FINALFUNC = augur._rfm_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.rfm(timestamp, numeric, timestamp) IS
'The same for times without a zone, and for dates. Example: SELECT customer, d, (augur.rfm(day, amount, d)).* FROM orders, generate_series(timestamp ''2024-01-01'', ''2024-12-01'', ''1 month'') d GROUP BY customer, d';

-- ---- calendar --------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur.calendar(at timestamp) RETURNS augur.calendar_parts
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT ROW (CASE WHEN isfinite(at) THEN extract(epoch FROM at - timestamp '2000-01-01') / 86400 END,
		extract(year FROM at), extract(quarter FROM at), extract(month FROM at), extract(week FROM at), extract(day FROM at),
		extract(doy FROM at), extract(dow FROM at), extract(hour FROM at), extract(isodow FROM at) > 5)::augur.calendar_parts
	WHERE isfinite(at)
$$;
COMMENT ON FUNCTION augur.calendar(timestamp) IS
'Parts of a time as columns: age_days (days since 2000-01-01), year, quarter, month, week (ISO), day, day_of_year, day_of_week (0 Sunday), hour, is_weekend. Example: SELECT o.amount, c.month, c.is_weekend FROM orders o, augur.calendar(o.ordered_at) c';

CREATE OR REPLACE FUNCTION augur.calendar(at timestamptz, time_zone text) RETURNS augur.calendar_parts
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT augur.calendar(at AT TIME ZONE time_zone)
$$;
COMMENT ON FUNCTION augur.calendar(timestamptz, text) IS
'The same for a time with a zone, as the clocks of time_zone show it; the parts that augur.train makes are those of UTC. Example: SELECT c.hour FROM visits v, augur.calendar(v.at, ''Europe/Berlin'') c';

CREATE OR REPLACE FUNCTION augur.calendar(at date) RETURNS augur.calendar_parts
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT augur.calendar(at::timestamp)
$$;
COMMENT ON FUNCTION augur.calendar(date) IS
'The same for a date. Example: SELECT d, c.week FROM days, augur.calendar(d) c';
