-- source: from the types of PostgreSQL to numbers, levels and parts of dates.
-- Two queries with the same digest are the same to a training.
SET client_min_messages = warning;
\set SHOW_CONTEXT never

CREATE FUNCTION pg_temp.digest(query text, target text DEFAULT 'y', options jsonb DEFAULT '{"holdout": 0}') RETURNS text
	LANGUAGE sql AS $$ SELECT augur._ingest_report(query, target, options) ->> 'digest' $$;
CREATE FUNCTION pg_temp.features(query text, target text DEFAULT 'y', options jsonb DEFAULT '{"holdout": 0}')
	RETURNS TABLE (name text, type text, kind text, size int)
	LANGUAGE sql AS $$
	SELECT f ->> 'name', f ->> 'type', f ->> 'kind', coalesce(f ->> 'cuts', f ->> 'levels')::int
	FROM jsonb_array_elements(augur._ingest_report(query, target, options) -> 'features') WITH ORDINALITY AS e (f, i)
	ORDER BY i $$;

-- the digests of the features alone: of their values beside the target
CREATE FUNCTION pg_temp.values(query text, target text DEFAULT 'y', options jsonb DEFAULT '{"holdout": 0}') RETURNS text[]
	LANGUAGE sql AS $$
	SELECT array_agg(f ->> 'digest' ORDER BY i)
	FROM jsonb_array_elements(augur._ingest_report(query, target, options) -> 'features') WITH ORDINALITY AS e (f, i) $$;

-- numbers of every type: the same numbers
CREATE TABLE numbers AS
	SELECT g % 7 + 0.5 AS y, (g * 37) % 101 - 50 AS x FROM generate_series(1, 300) g;
SELECT t AS type,
	   pg_temp.digest(format('SELECT y, x::%s AS x FROM numbers', t))
	   = pg_temp.digest('SELECT y, x::float8 AS x FROM numbers') AS same
FROM unnest('{smallint,integer,bigint,real,numeric,"numeric(10,2)",money}'::text[]) WITH ORDINALITY AS u (t, i)
ORDER BY i;

-- numeric is the nearest double, whichever way it is read
CREATE TABLE numerics AS
	SELECT g % 3 + 0.5 AS y,
		   (CASE g % 8
				WHEN 0 THEN (g * 7919 % 100000)::numeric / 100
				WHEN 1 THEN -(g::numeric ^ 5) / 7
				WHEN 2 THEN (g * 123456789.0 + 0.000001 * g) * 1000
				WHEN 3 THEN g::numeric / 3 * (10::numeric ^ -(g % 25))
				WHEN 4 THEN g::numeric * (10::numeric ^ (g % 30))
				WHEN 5 THEN 9007199254740993 - g
				WHEN 6 THEN ((g * 48271 % 65536) || '.' || (g * 7 % 1000))::numeric
				ELSE -0.0001 * g END) AS x
	FROM generate_series(1, 4000) g;
SELECT pg_temp.digest('SELECT y, x FROM numerics') = pg_temp.digest('SELECT y, x::float8 AS x FROM numerics') AS same;
-- beyond the range of doubles: infinite, not an error
CREATE TABLE extremes (y float8, x numeric, d float8);
INSERT INTO extremes VALUES (1, '1e400', 'Infinity'), (2, '-1e400', '-Infinity'), (3, 'NaN', NULL), (4, NULL, 'NaN'),
	(5, '1e-400', 0), (6, 0, '-0'), (7, 1, 1), (8, 2, 2);
SELECT pg_temp.digest('SELECT y, x FROM extremes') = pg_temp.digest('SELECT y, d AS x FROM extremes') AS same;
SELECT pg_temp.digest('SELECT y, x FROM (VALUES (1.5, ''Infinity''::numeric), (2.5, ''-Infinity''), (3.5, 1)) v (y, x)')
	 = pg_temp.digest('SELECT y, x FROM (VALUES (1.5, ''Infinity''::float8), (2.5, ''-Infinity''), (3.5, 1)) v (y, x)') AS same;
-- +-Infinity are the ends of the order: three values, two cuts
SELECT * FROM pg_temp.features('SELECT y, d FROM extremes WHERE y IN (1, 2, 7)');

-- integers wider than the first ones: the cells grow with them
SELECT pg_temp.digest('SELECT g % 5 + 0.5 AS y, g * 10000000::bigint AS x FROM generate_series(1, 5000) g')
	 = pg_temp.digest('SELECT g % 5 + 0.5 AS y, g * 10000000::float8 AS x FROM generate_series(5000, 1, -1) g') AS same;
SELECT pg_temp.digest('SELECT y, x FROM (VALUES (1.5, -2147483648), (2.5, -2147483647), (3.5, 2147483647), (4.5, NULL)) v (y, x)')
	 = pg_temp.digest('SELECT y, x FROM (VALUES (1.5, -2147483648::float8), (2.5, -2147483647), (3.5, 2147483647), (4.5, NULL)) v (y, x)') AS same;

-- booleans are 0 and 1
SELECT pg_temp.digest('SELECT y, x > 0 AS x FROM numbers') = pg_temp.digest('SELECT y, (x > 0)::int AS x FROM numbers') AS same;

-- time of day and interval are seconds
SELECT pg_temp.digest('SELECT y, time ''12:00'' + x * interval ''1 s'' AS x FROM numbers')
	 = pg_temp.digest('SELECT y, 43200 + x AS x FROM numbers') AS time,
	   pg_temp.digest('SELECT y, x * interval ''1 month 2 days 3.5 s'' AS x FROM numbers')
	 = pg_temp.digest('SELECT y, extract(epoch FROM x * interval ''1 month 2 days 3.5 s'')::float8 AS x FROM numbers') AS interval,
	   pg_temp.digest('SELECT y, ((time ''12:00'' + x * interval ''1 s'')::text || ''+03'')::timetz AS x FROM numbers')
	 = pg_temp.digest('SELECT y, 43200 - 3 * 3600 + x AS x FROM numbers') AS timetz;

-- texts of every type: the same levels
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN short_text AS text CHECK (length(value) < 10);
CREATE DOMAIN shorter_text AS short_text;
CREATE TABLE texts AS
	SELECT g % 7 + 0.5 AS y, ('{sad,ok,happy}'::text[])[g % 3 + 1] AS x FROM generate_series(1, 60) g;
SELECT t AS type, pg_temp.digest(format('SELECT y, x::%s AS x FROM texts', t))
	 = pg_temp.digest('SELECT y, x FROM texts') AS same
FROM unnest('{varchar,varchar(9),char(9),name,mood,short_text,shorter_text}'::text[]) WITH ORDINALITY AS u (t, i)
ORDER BY i;
SELECT * FROM pg_temp.features('SELECT y, x::mood AS "Mood, today" FROM texts');
-- empty text is a level, NULL is missing
SELECT * FROM pg_temp.features('SELECT y, CASE x WHEN ''sad'' THEN '''' WHEN ''ok'' THEN ''ok'' END AS x FROM texts');
-- other types that are levels
SELECT * FROM pg_temp.features($$SELECT y, ('10.0.0.' || length(x))::inet AS ip, B'101' << length(x) AS bits,
	left(x, 1)::"char" AS initial, ('00000000-0000-0000-0000-00000000000' || length(x))::uuid AS code FROM texts$$,
	'y', '{"holdout": 0, "features": ["ip", "bits", "initial", "code"]}');

-- parts of dates and timestamps
CREATE TABLE dates AS
	SELECT g % 7 + 0.5 AS y, g + 0.5 AS n, timestamp '1999-11-28 22:30' + g * interval '1 day 5 hours' AS ts FROM generate_series(0, 800) g;
SELECT * FROM pg_temp.features('SELECT y, ts, ts::date AS day FROM dates');
SELECT * FROM pg_temp.features('SELECT y, ts, ts::date AS day FROM dates', 'y',
	'{"holdout": 0, "date_parts": ["year", "quarter", "day", "hour"]}');
-- each part is what extract says
SELECT part, pg_temp.values('SELECT n AS y, ts FROM dates', 'y', jsonb_build_object('holdout', 0, 'date_parts', jsonb_build_array(part)))
	 = pg_temp.values(format('SELECT n AS y, %s AS "ts.%s" FROM dates', expression, part)) AS same
FROM (VALUES ('age_days', 'extract(epoch FROM ts - timestamp ''2000-01-01'')::float8 / 86400'),
	('month', 'extract(month FROM ts)'), ('day_of_week', 'extract(dow FROM ts)'), ('hour', 'extract(hour FROM ts)'),
	('day', 'extract(day FROM ts)'), ('quarter', 'extract(quarter FROM ts)'), ('year', 'extract(year FROM ts)')) v (part, expression);
SELECT part, pg_temp.values('SELECT n AS y, ts::date AS ts FROM dates', 'y', jsonb_build_object('holdout', 0, 'date_parts', jsonb_build_array(part)))
	 = pg_temp.values(format('SELECT n AS y, %s AS "ts.%s" FROM dates', expression, part)) AS same
FROM (VALUES ('age_days', 'ts::date - date ''2000-01-01'''),
	('month', 'extract(month FROM ts)'), ('day_of_week', 'extract(dow FROM ts)'),
	('day', 'extract(day FROM ts)'), ('quarter', 'extract(quarter FROM ts)'), ('year', 'extract(year FROM ts)')) v (part, expression);
-- timestamptz: in UTC whatever the session's time zone
SET timezone = 'America/St_Johns';
SELECT pg_temp.digest('SELECT y, ts AT TIME ZONE ''UTC'' AS ts FROM dates') = pg_temp.digest('SELECT y, ts FROM dates') AS same;
SET timezone = 'UTC';
-- infinite dates: age is infinite, the rest is missing
SELECT * FROM pg_temp.features($$SELECT y, ts FROM (VALUES (1.5, date '-infinity'), (2.5, 'infinity'), (3.5, '2020-02-03'), (4.5, NULL)) v (y, ts)$$);
-- unknown parts name the nearest
SELECT pg_temp.digest('SELECT y, ts FROM dates', 'y', '{"date_parts": ["day_of_weak"]}');
SELECT pg_temp.digest('SELECT y, ts FROM dates', 'y', '{"date_parts": []}');

-- arrays are blocks of elements; NULL arrays and elements are missing
CREATE TABLE arrays AS SELECT g + 0.5 AS y, nullif(g * 17 % 23, 5) AS a, CASE WHEN g % 5 > 0 THEN g * 3 % 11 END AS b FROM generate_series(1, 200) g;
SELECT t AS type, pg_temp.values(format('SELECT y, CASE WHEN a IS NOT NULL THEN array[a, b]::%s[] END AS x FROM arrays', t))
	 = pg_temp.values('SELECT y, a AS "x[1]", CASE WHEN a IS NOT NULL THEN b END AS "x[2]" FROM arrays') AS same
FROM unnest('{smallint,integer,bigint,real,"double precision",numeric}'::text[]) WITH ORDINALITY AS u (t, i)
ORDER BY i;
SELECT pg_temp.digest('SELECT y, array[a, b] AS x FROM arrays UNION ALL SELECT 9, NULL FROM generate_series(1, 3)')
	 = pg_temp.digest('SELECT 9 AS y, NULL::int[] AS x FROM generate_series(1, 3) UNION ALL SELECT y, array[a, b] FROM arrays') AS same;
SELECT * FROM pg_temp.features('SELECT y, array[[a, b], [b, a]] AS "Grid" FROM arrays');
SELECT pg_temp.digest('SELECT g + 0.5 AS y, CASE WHEN g < 4 THEN array[g, 1] ELSE array[g] END AS embedding FROM generate_series(1, 10) g');
-- a toasted array
SELECT count(*), max(size) FROM pg_temp.features('SELECT g % 7 + 0.5 AS y, (SELECT array_agg(g * i % 97) FROM generate_series(1, 3000) i) AS x FROM generate_series(1, 100) g');

-- types that cannot be features: left out, or an error when asked for
CREATE TABLE others (y float8, x int, j jsonb, b bytea, r numbers, xm xml, ts tsvector, p point, ta text[], rng int4range);
INSERT INTO others (y, x) SELECT g % 7 + 0.5, g * 7 % 5 FROM generate_series(1, 30) g;
SELECT jsonb_array_elements_text(augur._ingest_report('SELECT * FROM others', 'y') -> 'left_out');
SELECT pg_temp.digest('SELECT * FROM others', 'y', '{"features": ["x", "j"]}');
