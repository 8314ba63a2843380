-- timeline: from points in time to equally spaced values, seen through augur.forecast_full_agg.
SET augur.verbosity = 0;
SET timezone = 'America/New_York';
SET datestyle = ISO;
SET intervalstyle = postgres;

-- What a series became: its step, counts, and the next three points in time.
CREATE FUNCTION told(f record) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
	j jsonb := to_jsonb(f);
BEGIN
	RETURN format('step %s, season %s, n %s, observed %s, missing %s, filled %s, duplicates %s, irregular %s, '
		'left out %s, skipped %s, next %s, warning %s', j ->> 'step', j ->> 'season', j ->> 'n',
		j ->> 'observed', j ->> 'missing', j ->> 'filled', j ->> 'duplicates', j ->> 'irregular',
		j ->> 'left_out', j ->> 'skipped',
		(SELECT string_agg(p ->> 'ts', ' ' ORDER BY (p ->> 'step')::int)
		 FROM jsonb_array_elements(CASE WHEN j -> 'points' <> 'null' THEN j -> 'points' ELSE '[]' END) p), coalesce(j ->> 'warning', 'none'));
END $$;
-- The values as they were laid out: what was last seen at each place of a season as long as the series.
CREATE FUNCTION laid(f record) RETURNS float8[] LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT array_agg((p ->> 'forecast')::float8 ORDER BY (p ->> 'step')::int)
		FROM jsonb_array_elements(to_jsonb(f) -> 'points') p);
END $$;

-- ---- the step ------------------------------------------------------------------------------------

CREATE TABLE steps (name text, t timestamp);
INSERT INTO steps SELECT 'a second', timestamp '2024-01-01' + i * interval '1 second' FROM generate_series(0, 9) i;
INSERT INTO steps SELECT 'b quarter hour', timestamp '2024-01-01' + i * interval '15 min' FROM generate_series(0, 199) i;
INSERT INTO steps SELECT 'c hour', timestamp '2024-01-01' + i * interval '1 hour' FROM generate_series(0, 399) i;
INSERT INTO steps SELECT 'd eight hours', timestamp '2024-01-01 06:00' + i * interval '8 hours' FROM generate_series(0, 9) i;
INSERT INTO steps SELECT 'e day', timestamp '2023-01-01' + i * interval '1 day' FROM generate_series(0, 799) i;
INSERT INTO steps SELECT 'f week', timestamp '2023-01-01' + i * interval '1 week' FROM generate_series(0, 110) i;
INSERT INTO steps SELECT 'g month', timestamp '2022-01-15' + i * interval '1 month' FROM generate_series(0, 30) i;
INSERT INTO steps SELECT 'h month end', timestamp '2022-01-31' + i * interval '1 month' FROM generate_series(0, 12) i;
INSERT INTO steps SELECT 'i thirtieth', timestamp '2022-01-30' + i * interval '1 month' FROM generate_series(0, 12) i;
INSERT INTO steps SELECT 'j quarter end', (timestamp '2022-01-01' + (i + 1) * interval '3 month') - interval '1 day' FROM generate_series(0, 9) i;
INSERT INTO steps SELECT 'k year', timestamp '1990-07-01' + i * interval '1 year' FROM generate_series(0, 9) i;
INSERT INTO steps SELECT 'l leap day', timestamp '2024-02-29' + i * interval '1 year' FROM generate_series(0, 5) i;
INSERT INTO steps SELECT 'm first Monday', date_trunc('week', timestamp '2022-01-07' + i * interval '1 month') FROM generate_series(0, 20) i;
INSERT INTO steps SELECT 'n days with weekends off', t FROM generate_series(timestamp '2024-01-01', '2024-02-15', '1 day') t WHERE extract(isodow FROM t) < 6;
INSERT INTO steps SELECT 'o hours with jitter', timestamp '2024-01-01 00:07' + i * interval '1 hour' + CASE WHEN i % 5 = 0 THEN 2 ELSE 0 END * interval '1 min' FROM generate_series(1, 29) i;
INSERT INTO steps VALUES ('p one point', '2024-01-01 10:00'), ('q two points', '2024-01-01'), ('q two points', '2024-01-04');

SELECT name, told(augur.forecast_full_agg(t, 1, 3, '{"method": "naive"}')) FROM steps GROUP BY name ORDER BY name;
-- dates and timestamptz tell the same steps
SELECT name, told(augur.forecast_full_agg(t::date, 1, 3, '{"method": "naive"}')) FROM steps WHERE name >= 'e' AND name < 'o' GROUP BY name ORDER BY name;
SELECT name, told(augur.forecast_full_agg(t::timestamptz, 1, 3, '{"method": "naive"}')) FROM steps WHERE name >= 'b' AND name < 'o' GROUP BY name ORDER BY name;

-- ---- daylight saving ---------------------------------------------------------------------------------

-- hours go on through the night that has no 02:00, and the one that has it twice
SELECT told(augur.forecast_full_agg(t, 1, 5, '{"method": "naive"}')) FROM generate_series(timestamptz '2024-03-08 00:00', '2024-03-09 23:00', '1 hour') t;
SELECT told(augur.forecast_full_agg(t, 1, 5, '{"method": "naive"}')) FROM generate_series(timestamptz '2024-11-01 00:00', '2024-11-02 23:00', '1 hour') t;
-- days are days, with 23 or 25 hours, in the past and in the future
SELECT told(augur.forecast_full_agg(t::timestamptz, 1, 3, '{"method": "naive"}')) FROM generate_series(timestamp '2024-02-20', '2024-03-09', '1 day') t;
SELECT told(augur.forecast_full_agg(t::timestamptz, 1, 3, '{"method": "naive"}')) FROM generate_series(timestamp '2024-10-01', '2024-11-20', '1 day') t;
-- at a time that the night of the change leaves out
SELECT told(augur.forecast_full_agg((t + interval '2.5 hours')::timestamptz, 1, 3, '{"method": "naive"}')) FROM generate_series(timestamp '2024-03-01', '2024-03-08', '1 day') t;
-- another zone by option
SELECT told(augur.forecast_full_agg(t AT TIME ZONE 'Europe/Berlin', 1, 3, '{"method": "naive", "time_zone": "Europe/Berlin"}'))
FROM generate_series(timestamp '2024-03-20', '2024-04-10', '1 day') t;
SELECT told(augur.forecast_full_agg(t AT TIME ZONE 'Europe/Berlin', 1, 3, '{"method": "naive", "time_zone": "Europe/Berlin"}'))
FROM generate_series(timestamp '2023-10-01', '2024-10-01', '1 month') t;
-- midnights of UTC are days too, though the session lives elsewhere
SELECT told(augur.forecast_full_agg(t AT TIME ZONE 'UTC', 1, 3, '{"method": "naive"}')) FROM generate_series(timestamp '2024-02-20', '2024-03-20', '1 day') t;
SELECT told(augur.forecast_full_agg(t AT TIME ZONE 'UTC', 1, 3, '{"method": "naive"}')) FROM generate_series(timestamp '2022-02-01', '2024-03-01', '1 month') t;
-- without a zone there is no change of clocks
SELECT told(augur.forecast_full_agg(t, 1, 5, '{"method": "naive"}')) FROM generate_series(timestamp '2024-03-08 00:00', '2024-03-10 00:00', '1 hour') t;

-- ---- gaps ------------------------------------------------------------------------------------------------

CREATE TABLE gaps (d date, y float8);
INSERT INTO gaps VALUES ('2024-01-01', NULL), ('2024-01-02', 10), ('2024-01-03', 20), ('2024-01-06', 50), ('2024-01-07', 'NaN'), ('2024-01-08', 'Infinity');
SELECT rule, told(f), laid(f) FROM (
	SELECT rule, augur.forecast_full_agg(d, y, 8, jsonb_build_object('method', 'seasonal_naive', 'season', 8, 'gaps', rule)) AS f
	FROM gaps, unnest('{missing,interpolate,zero,carry}'::text[]) rule GROUP BY rule) r ORDER BY rule;
-- nothing to fill from
SELECT rule, laid(augur.forecast_full_agg(d, NULL, 2, jsonb_build_object('method', 'naive', 'gaps', rule)))
FROM gaps, unnest('{missing,interpolate,zero,carry}'::text[]) rule GROUP BY rule ORDER BY rule;

-- ---- duplicates ----------------------------------------------------------------------------------------------

CREATE TABLE twice (t timestamp, y float8);
INSERT INTO twice VALUES ('2024-01-01 08:00', 1), ('2024-01-01 20:00', 3), ('2024-01-02 08:00', 5), ('2024-01-02 09:00', 2), ('2024-01-02 09:00', NULL), ('2024-01-03', 7);
SELECT rule, told(f), laid(f) FROM (
	SELECT rule, augur.forecast_full_agg(t::date, y, 3, jsonb_build_object('method', 'seasonal_naive', 'season', 3, 'duplicates', rule)) AS f
	FROM twice, unnest('{mean,sum,last}'::text[]) rule GROUP BY rule) r ORDER BY rule;
-- under a frequency they lie in the same step; the later reading is the last
SELECT rule, told(f), laid(f) FROM (
	SELECT rule, augur.forecast_full_agg(t, y, 3, jsonb_build_object('method', 'seasonal_naive', 'season', 3, 'frequency', '1 day', 'duplicates', rule)) AS f
	FROM twice, unnest('{mean,sum,last}'::text[]) rule GROUP BY rule) r ORDER BY rule;
SELECT augur.forecast_full_agg(t::date, y, 3, '{"method": "naive", "duplicates": "error"}') FROM twice;
SELECT augur.forecast_full_agg(t, y, 3, '{"method": "naive", "frequency": "1 day", "duplicates": "error"}') FROM twice;
SELECT augur.forecast_full_agg(t::timestamptz, y, 3, '{"method": "naive", "frequency": "1 day", "duplicates": "error"}') FROM twice;
-- huge values: the mean exists, the sum does not
SELECT rule, laid(augur.forecast_full_agg(date '2024-01-01' + i / 2, 1.5e308, 1, jsonb_build_object('method', 'naive', 'duplicates', rule)))
FROM generate_series(0, 3) i, unnest('{mean,sum}'::text[]) rule GROUP BY rule ORDER BY rule;
-- averaging is told once unless it was asked for
SET augur.verbosity = 1;
SELECT t::date > '2024-01-02' AS g, augur.forecast_agg(t::date, y, 1, '{"method": "naive", "levels": []}') FROM twice GROUP BY 1 ORDER BY 1;
SELECT augur.forecast_agg(t::date, y, 1, '{"method": "naive", "duplicates": "mean", "levels": []}') FROM twice;
SET augur.verbosity = 0;

-- ---- frequency and season ------------------------------------------------------------------------------------

SELECT f, told(augur.forecast_full_agg(date '2024-01-03' + i, 1, 3, jsonb_build_object('method', 'naive', 'frequency', f, 'duplicates', 'sum')))
FROM generate_series(0, 99) i, unnest('{1 day,1 week,2 days,1 month,3 months,1 year}'::text[]) f GROUP BY f ORDER BY f;
-- on the grid that the rows have, not on Mondays
SELECT told(augur.forecast_full_agg(date '2024-01-03' + 7 * i, 1, 3, '{"method": "naive", "frequency": "7 days"}')) FROM generate_series(0, 9) i;
SELECT told(augur.forecast_full_agg(timestamptz '2024-01-01 00:10' + i * interval '7 min', 1, 3, '{"method": "naive", "frequency": "30 minutes", "duplicates": "mean"}')) FROM generate_series(0, 99) i;
SELECT s, told(augur.forecast_full_agg(date '2024-01-03' + i, 1, 1, jsonb_build_object('method', 'naive', 'season', s)))
FROM generate_series(0, 99) i, unnest('{"1","[]","12","[30, 7, 7]"}'::jsonb[]) s GROUP BY s ORDER BY s;
-- the longer seasons that a step suggests are offered where they show beside the first
SELECT week, (augur.forecast_full_agg(timestamp '2024-01-01' + i * interval '1 hour', i % 24 + week * (i % 168 / 24) + sin(i * i), 1, '{"method": "naive"}')).season
FROM generate_series(0, 799) i, generate_series(0, 5, 5) week GROUP BY week ORDER BY week;
SELECT (augur.forecast_full_agg(date '2024-01-01' + i, NULL, 1, '{"method": "naive"}')).season FROM generate_series(0, 799) i;
SELECT (augur.forecast_full_agg(date '2024-01-01' + i, 1e308 * (i % 2), 1, '{"method": "naive"}')).season FROM generate_series(0, 799) i;

-- ---- the ends of time ------------------------------------------------------------------------------------------

SELECT told(augur.forecast_full_agg(d, 1, 3, '{"method": "naive"}')) FROM (
	SELECT date '2024-01-01' + i AS d FROM generate_series(0, 29) i
	UNION ALL VALUES (date '9999-12-31'), ('infinity'), ('-infinity'), (NULL)) s;
SELECT told(augur.forecast_full_agg(date '9999-12-01' + i, 1, 3, '{"method": "naive"}')) FROM generate_series(0, 30) i;
SELECT told(augur.forecast_full_agg(timestamptz '9999-12-01' + i * interval '1 day', 1, 3, '{"method": "naive"}')) FROM generate_series(0, 30) i;
SELECT told(augur.forecast_full_agg(date '0044-03-15 BC' + i, 1, 3, '{"method": "naive"}')) FROM generate_series(0, 30) i;
SELECT told(augur.forecast_full_agg(date '5874897-12-01' + i, 1, 3, '{"method": "naive"}')) FROM generate_series(0, 9) i;
-- a step of a second, and centuries between: no more values than the rows allow
SELECT told(augur.forecast_full_agg(t, 1, 3, '{"method": "naive"}')) FROM (
	SELECT timestamp '2024-01-01' + i * interval '1 second' AS t FROM generate_series(0, 9) i
	UNION ALL SELECT timestamp '1624-01-01' + i * interval '1 second' FROM generate_series(0, 4) i) s;
SELECT told(augur.forecast_full_agg(date '2024-01-01' + 30 * i, 1, 3, '{"method": "naive", "frequency": "2 days"}')) FROM generate_series(0, 9) i;
SELECT told(augur.forecast_full_agg(timestamp '2024-01-01' + 30 * i * interval '1 day', 1, 3, '{"method": "naive", "frequency": "1 microsecond"}')) FROM generate_series(0, 9) i;
-- the future may end
SELECT (p).* FROM unnest((SELECT augur.forecast_agg(timestamp '140000-01-01' + i * interval '1000 years', 1, 3, '{"method": "naive", "frequency": "100000 years"}') FROM generate_series(0, 0) i)) p;

-- ---- errors ------------------------------------------------------------------------------------------------------

SELECT augur.forecast_agg(d, y, 3, '{"frequency": "1 month 3 days"}') FROM gaps;
SELECT augur.forecast_agg(d, y, 3, '{"frequency": "-1 day"}') FROM gaps;
SELECT augur.forecast_agg(d, y, 3, '{"frequency": "a while"}') FROM gaps;
SELECT augur.forecast_agg(d, y, 3, '{"frequency": "1 hour"}') FROM gaps;
SELECT augur.forecast_agg(d, y, 3, '{"frequency": 7}') FROM gaps;
SELECT augur.forecast_agg(d, y, 3, '{"gaps": "fill"}') FROM gaps;
SELECT augur.forecast_agg(d, y, 3, '{"duplicates": "first"}') FROM gaps;
SELECT augur.forecast_agg(d, y, 3, '{"season": 0}') FROM gaps;
SELECT augur.forecast_agg(d, y, 3, '{"season": 2.5}') FROM gaps;
SELECT augur.forecast_agg(d, y, 3, '{"season": "weekly"}') FROM gaps;
SELECT augur.forecast_agg(d, y, 3, '{"season": [2, 3, 4, 5, 6]}') FROM gaps;
SELECT augur.forecast_agg(d, y, 3, '{"time_zone": "Europe/Berlin"}') FROM gaps;
SELECT augur.forecast_agg(d::timestamptz, y, 3, '{"time_zone": "Mars/Olympus"}') FROM gaps;
