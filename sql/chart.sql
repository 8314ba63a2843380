-- chart: pictures as text.
SET search_path = public, augur;
\pset format unaligned
\pset tuples_only on

-- one line of text
SELECT sparkline(array_agg(i ORDER BY i)) FROM generate_series(1, 8) i;
SELECT sparkline(ARRAY[1, NULL, 3, 'NaN', 'infinity', 2]::float8[]) || '|';
SELECT sparkline(ARRAY[5, 5, 5]::float8[]), sparkline('{}') = '', sparkline(NULL) IS NULL;
SELECT sparkline(array_agg(sin(i / 20.0) ORDER BY i), 40) FROM generate_series(1, 1000) i;
SELECT sparkline(ARRAY[-1.7e308, 0, 1.7e308]);
SELECT sparkline(ARRAY[1, 2], 0);
SELECT sparkline(ARRAY[1, 2], 10001);

-- a whole picture
SELECT chart(array_agg(d ORDER BY d), array_agg(extract(day FROM d)::float8 ORDER BY d),
	(SELECT array_agg(f ORDER BY f) FROM generate_series('2024-01-08'::timestamptz, '2024-01-10', '1 day') f),
	'{8, 9, 10}', '{{7, 7.5, 8}, {6, 6, 6}}', '{{9, 10.5, 12}, {10, 12, 14}}',
	E'Sales <of> "A" & \'B\'\n', 400, 200)
FROM generate_series('2024-01-01'::timestamptz, '2024-01-07', '1 day') d;
-- nothing, one point, gaps and dots
SELECT chart('{}', '{}', width => 200, height => 100);
SELECT chart('{2024-02-29}', '{7}', width => 200, height => 100);
SELECT chart('{2024-01-01,2024-01-02,2024-01-03,2024-01-04,infinity}', '{1,NULL,3,4,5}',
	width => 200, height => 100);
-- many points: no more than four for each column of pixels
SELECT length(chart(array_agg('2024-01-01'::timestamptz + i * interval '1 minute' ORDER BY i),
	array_agg(i % 7 ORDER BY i), width => 200)) < 20000 FROM generate_series(1, 50000) i;
-- marks follow the calendar of the time zone
SELECT array_to_string(ARRAY(SELECT m[1] FROM regexp_matches(chart(ARRAY[a, b]::timestamptz[], '{0, 1}',
	time_zone => z), '"middle">([^<]*)<', 'g') m), ' ')
FROM (VALUES ('2024-03-30 00:00+00', '2024-04-01 00:00+00', 'Europe/Berlin'),
	('2024-03-30 00:00+00', '2024-04-01 00:00+00', 'UTC'),
	('2024-01-31 00:00+00', '2025-01-31 00:00+00', 'UTC'),
	('0100-01-31 00:00+00 BC', '2025-01-31 00:00+00', 'UTC'),
	('2024-01-01 00:00:00+00', '2024-01-01 00:00:20+00', 'UTC'),
	('2024-01-01 00:00+00', '2024-03-01 00:00+00', 'America/New_York'),
	('9999-12-01 00:00+00', '9999-12-31 00:00+00', 'UTC')) v (a, b, z);
-- marks of numbers
SELECT array_to_string(ARRAY(SELECT m[1] FROM regexp_matches(chart('{2024-01-01,2024-01-02}',
	ARRAY[a, b]::float8[]), '"end">([^<]*)<', 'g') m), ' ')
FROM (VALUES ('0', '1'), ('-3', '17'), ('0.001', '0.002'), ('1e12', '3e12'), ('-1.7e308', '1.7e308'),
	('1e-300', '2e-300'), ('5', '5'), ('0', '0')) v (a, b);
-- refusals
SELECT chart('{2024-01-01}', '{1,2}');
SELECT chart('{2024-01-01}', '{1}', '{2024-01-02}', '{1,2}');
SELECT chart('{2024-01-01}', '{1}', '{2024-01-02}', '{1}', '{1,2}', '{1}');
SELECT chart('{2024-01-01}', '{1}', '{2024-01-02,2024-01-03}', '{1,1}', '{1,2,3}', '{1,2,3}');
SELECT chart('{2024-01-01}', '{1}', width => 99);
SELECT chart('{2024-01-01}', '{1}', height => NULL);
SELECT chart('{2024-01-01}', '{1}', time_zone => 'Mars/Olympus');
