-- Feature sets: definitions, full and incremental refreshes that end in the same place, joins that never
-- see the future, helpers.
\set VERBOSITY default
\set SHOW_CONTEXT never
SET timezone = 'PST8PDT';
CREATE TABLE visits (id int PRIMARY KEY, customer int, at timestamptz, amount numeric, pages int);
INSERT INTO visits
SELECT i, 1 + i * 7 % 20, timestamptz '2024-01-01 00:00+00' + i * interval '97 minutes', (i * 37 % 101)::numeric / 4, i % 5
FROM generate_series(1, 1000) i;
CREATE INDEX ON visits (at);
-- what a refresh must lead to: the rows of the definition, bit by bit
CREATE FUNCTION same(feature_set text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	s	augur.feature_sets;
	n	bigint;
	m	bigint;
BEGIN
	SELECT * INTO s FROM augur.feature_sets WHERE name = feature_set;
	EXECUTE format('SELECT count(*) FROM (SELECT to_jsonb(t)::text FROM %s t EXCEPT ALL SELECT to_jsonb(q)::text FROM (%s) q) x',
		s.relation, s.definition) INTO n;
	EXECUTE format('SELECT count(*) FROM (SELECT to_jsonb(q)::text FROM (%s) q EXCEPT ALL SELECT to_jsonb(t)::text FROM %s t) x',
		s.definition, s.relation) INTO m;
	RETURN CASE WHEN n + m = 0 THEN 'equal' ELSE format('%s too many, %s missing', n, m) END;
END $$;
\set refreshed kind, since, rows_read, inserted, updated, deleted, skipped, late, watermark_before, watermark

-- ---- a first set, refreshed in full ----------------------------------------------------------------
SELECT :refreshed FROM augur.create_feature_set('daily',
	'SELECT customer, at::date AS day, sum(amount) AS spent, count(*) AS visits FROM visits GROUP BY 1, 2',
	'{customer}', 'day', description => 'what a customer did that day');
SELECT same('daily');
\d daily
SELECT name, version, relation, entity, event_time, features, definition LIKE '%FROM public.visits%' AS resolved, time_zone, watermark, description, owner FROM augur.feature_sets;
-- nothing is written where nothing differs
SELECT :refreshed FROM augur.refresh_feature_set('daily');
UPDATE visits SET amount = amount + 1 WHERE id = 500;
DELETE FROM visits WHERE at::date = '2024-02-01' AND customer = 3;
INSERT INTO visits VALUES (2000, 77, '2023-12-24 12:00', 5, 1), (2001, NULL, '2024-01-01 12:00', 5, 1), (2002, 5, NULL, 5, 1);
SELECT :refreshed FROM augur.refresh_feature_set('daily', true);
SELECT * FROM augur.check_feature_set('daily');
DELETE FROM visits WHERE customer IS NULL OR at IS NULL;

-- ---- incremental: late rows, updates and deletes within lateness -----------------------------------
-- one that the refresh filters, and one that reads no more than it needs
SELECT :refreshed FROM augur.create_feature_set('wrapped',
	augur.rolling_features('visits', '{customer}', 'at', '{amount,pages}', '{6 hours,3 days}', '{sum,mean,count,min,max,stddev}'),
	'{customer}', 'at', lateness => '2 days');
SELECT :refreshed FROM augur.create_feature_set('bounded',
	augur.rolling_features('visits', '{customer}', 'at', '{amount,pages}', '{6 hours,3 days}', '{sum,mean,count,min,max,stddev}', since => true),
	'{customer}', 'at', lateness => '2 days', lookback => '3 days');
-- the same, to be refreshed in full beside them
SELECT :refreshed FROM augur.create_feature_set('whole', (SELECT query FROM augur.feature_sets WHERE name = 'wrapped'), '{customer}', 'at');
SELECT max(at) AS last FROM visits \gset
INSERT INTO visits SELECT 3000 + i, 1 + i * 3 % 20, timestamptz :'last' + i * interval '61 minutes', i * 1.25, i % 5 FROM generate_series(1, 100) i;
INSERT INTO visits SELECT 4000 + i, 1 + i * 3 % 20, timestamptz :'last' - i * interval '83 minutes', i * 2.5, i % 5 FROM generate_series(1, 30) i;
UPDATE visits SET amount = 999 WHERE at BETWEEN timestamptz :'last' - interval '30 hours' AND timestamptz :'last' AND id % 3 = 0;
DELETE FROM visits WHERE at BETWEEN timestamptz :'last' - interval '40 hours' AND timestamptz :'last' AND id % 3 = 1;
SELECT :refreshed FROM augur.refresh_feature_set('wrapped');
SELECT :refreshed FROM augur.refresh_feature_set('bounded');
SELECT :refreshed FROM augur.refresh_feature_set('whole');
SELECT same('wrapped'), same('bounded'), same('whole');
SELECT count(*) AS rows, count(*) FILTER (WHERE b IS NULL OR w IS NULL OR b::text <> w::text OR x::text <> w::text) AS differ
FROM whole w FULL JOIN bounded b USING (customer, at) FULL JOIN wrapped x USING (customer, at);
SELECT * FROM augur.check_feature_set('bounded');
-- a bound is used: the input is read by its index
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_indexonlyscan = off;
SET augur.refresh_since = '2024-03-08 00:00+00';
SELECT 'EXPLAIN (COSTS OFF) SELECT count(*) FROM visits WHERE at >= augur.refresh_since()' \gexec
SELECT count(*) < (SELECT count(*) FROM visits) AS fewer FROM visits WHERE at >= augur.refresh_since();
RESET augur.refresh_since;
RESET enable_seqscan;
RESET enable_bitmapscan;
RESET enable_indexonlyscan;
SELECT augur.refresh_since();
-- a session's own bound does not reach a refresh
SET augur.refresh_since = '2024-03-08 00:00+00';
SELECT deleted FROM augur.refresh_feature_set('bounded', true);
SHOW augur.refresh_since;
RESET augur.refresh_since;
SET augur.refresh_since = 'soon';
SELECT augur.refresh_since();
RESET augur.refresh_since;

-- later than lateness: an incremental refresh does not see it, a full one counts it and says so
INSERT INTO visits VALUES (5000, 4, timestamptz :'last' - interval '20 days', 123, 4);
SELECT inserted, updated, deleted FROM augur.refresh_feature_set('bounded');
SELECT same('bounded') AS bounded;
SELECT * FROM augur.check_feature_set('bounded');
SELECT kind, inserted, updated > 0 AS updated, deleted, late = inserted + updated + deleted AS all_late FROM augur.refresh_feature_set('bounded', true);
SELECT same('bounded') AS bounded;
SELECT kind, severity, subject, payload - 'refresh' AS payload FROM augur.events ORDER BY id DESC LIMIT 1;
SELECT name, version, features, lateness, watermark, kind, inserted, late, refreshed_at = full_refresh_at AS was_full FROM augur.feature_set_status;
-- a time far ahead does not keep the present from being computed
INSERT INTO visits VALUES (5001, 4, '2999-01-01', 1, 1);
SELECT watermark < '2999' AS sane FROM augur.refresh_feature_set('bounded');
INSERT INTO visits VALUES (5002, 4, clock_timestamp(), 1, 1);
SELECT inserted FROM augur.refresh_feature_set('bounded');
DELETE FROM visits WHERE id IN (5001, 5002);
SELECT deleted FROM augur.refresh_feature_set('bounded');
SELECT same('bounded') AS bounded;
-- another time zone of the session changes nothing
SET timezone = 'Asia/Tokyo';
SELECT inserted, updated, deleted FROM augur.refresh_feature_set('daily');
SELECT inserted, updated, deleted FROM augur.refresh_feature_set('daily');
SHOW timezone;
SET timezone = 'PST8PDT';
SELECT same('daily');
-- all gone, and come again
CREATE TABLE kept AS TABLE visits;
TRUNCATE visits;
SELECT deleted > 1000 AS deleted, watermark FROM augur.refresh_feature_set('wrapped', true);
SELECT rows_read, kind FROM augur.refresh_feature_set('wrapped');
INSERT INTO visits SELECT * FROM kept;
SELECT kind, inserted > 1000 AS inserted FROM augur.refresh_feature_set('wrapped');
SELECT same('wrapped');

-- local times and dates, with lags
CREATE VIEW local_visits AS SELECT customer, at::timestamp AS at, at::date AS day, amount, id FROM visits;
SELECT kind FROM augur.create_feature_set('lags',
	augur.lag_features('local_visits', '{customer}', 'at', '{amount,id}', '{1,2}', within => '4 days', order_by => 'id', since => true),
	'{customer}', 'at', lateness => '1 day', lookback => '4 days');
SELECT kind FROM augur.create_feature_set('day_lags',
	augur.lag_features('local_visits', '{customer}', 'day', '{amount}', order_by => 'id'), '{customer}', 'day', lateness => '1 day');
INSERT INTO visits SELECT 6000 + i, 1 + i * 3 % 20, (SELECT max(at) FROM visits) + (i / 2 - 10) * interval '61 minutes', i * 1.25, i % 5 FROM generate_series(1, 100) i;
SELECT kind, inserted > 0 AS inserted FROM augur.refresh_feature_set('lags');
SELECT kind, inserted > 0 AS inserted FROM augur.refresh_feature_set('day_lags');
SELECT same('lags'), same('day_lags');
-- against a query by hand
SELECT count(*) AS rows, count(*) FILTER (WHERE l.amount_lag1 IS DISTINCT FROM p.amount OR round(l.days_since_lag1::numeric, 6)
		IS DISTINCT FROM round((extract(epoch FROM l.at - p.at) / 86400), 6)) AS wrong, count(p.at) > 500 AS many
FROM lags l LEFT JOIN LATERAL (SELECT v.amount, v.at FROM local_visits v WHERE v.customer = l.customer AND v.at < l.at
	AND v.at >= l.at - interval '4 days' ORDER BY v.at DESC, v.id DESC LIMIT 1) p ON true;
SELECT count(*) AS rows, count(*) FILTER (WHERE (w.amount_sum_3d, w.amount_count_3d, w.amount_max_3d)
		IS DISTINCT FROM (h.s, h.n, h.m)) AS wrong, count(*) FILTER (WHERE w.amount_count_3d > 1) > 500 AS many
FROM wrapped w, LATERAL (SELECT coalesce(sum(v.amount), 0) AS s, count(*) AS n, max(v.amount) AS m FROM visits v
	WHERE v.customer = w.customer AND v.at < w.at AND v.at >= w.at - interval '3 days') h
WHERE w.at < timestamptz :'last';

-- rows at regular moments: the windows are of then, whatever happened since
SELECT augur.rolling_features('visits', '{customer}', 'at', '{amount}', '{3 days}', '{sum}', every => '1 day', since => true);
SELECT x.name, (augur.create_feature_set(x.name, x.query, '{customer}', x.at, lateness => '2 days', lookback => x.back)).kind
FROM (VALUES ('daily_sums', augur.rolling_features('visits', '{customer}', 'at', '{amount}', '{3 days,1 hour}', every => '1 day', since => true), 'at'::name, interval '4 days'),
	('hourly_sums', augur.rolling_features('visits', '{customer}', 'at', '{amount}', '{3 days,1 hour}', every => '6 hours', since => true), 'at', '4 days'),
	('weekly_sums', augur.rolling_features('local_visits', '{customer}', 'day', '{amount}', '{3 days}', every => '7 days', since => true), 'day', '10 days'),
	('monthly_sums', augur.rolling_features('local_visits', '{customer}', 'at', '{amount}', '{3 days,1 month}', every => '1 month', since => true), 'at', '2 months'))
	x (name, query, at, back);
SELECT * FROM monthly_sums WHERE customer = 77 ORDER BY at;
SELECT DISTINCT extract(isodow FROM day) AS weekday FROM weekly_sums;
SELECT count(*) > 1000 AS many, count(*) FILTER (WHERE (d.amount_sum_3d, d.amount_count_1h) IS DISTINCT FROM (x.s, x.n)) AS wrong
FROM daily_sums d, LATERAL (SELECT coalesce(sum(v.amount) FILTER (WHERE v.at >= d.at - interval '3 days'), 0) AS s,
	count(*) FILTER (WHERE v.at >= d.at - interval '1 hour') AS n FROM visits v WHERE v.customer = d.customer AND v.at < d.at) x;
SELECT max(at) AS last FROM visits \gset
INSERT INTO visits SELECT 7000 + i, 1 + i * 3 % 25, timestamptz :'last' + i * interval '61 minutes', i * 1.25, i % 5 FROM generate_series(1, 100) i;
DELETE FROM visits WHERE at BETWEEN timestamptz :'last' - interval '40 hours' AND timestamptz :'last' AND id % 3 = 1;
SELECT x, r.kind, r.inserted > 0 AS inserted FROM unnest('{daily_sums,hourly_sums,weekly_sums,monthly_sums}'::text[]) x, augur.refresh_feature_set(x) r;
SELECT x, c.* FROM unnest('{daily_sums,hourly_sums,weekly_sums,monthly_sums}'::text[]) x, augur.check_feature_set(x) c;

-- many rounds of new, late, changed and deleted rows: never a difference
CREATE TABLE stream (id int, customer int, at timestamp, v numeric);
INSERT INTO stream SELECT i, i % 5, timestamp '2024-03-09' + i * interval '7 minutes', i FROM generate_series(1, 100) i;
SELECT x.name, (augur.create_feature_set(x.name, x.query, '{customer}', 'at', lateness => '4 hours', lookback => x.back)).kind
FROM (VALUES ('s events', augur.rolling_features('stream', '{customer}', 'at', '{v}', '{5 hours,30 minutes}', '{sum,count,max}', since => true), interval '5 hours'),
	('s moments', augur.rolling_features('stream', '{customer}', 'at', '{v}', '{5 hours}', '{sum,min}', every => '1 hour', inclusive => true, since => true), '6 hours'),
	('s lags', augur.lag_features('stream', '{customer}', 'at', '{v}', '{1,3}', within => '6 hours', order_by => 'id', since => true), '6 hours')) x (name, query, back);
DO $$
DECLARE
	last	timestamp;
	s		text;
	r		augur.feature_refreshes;
	c		record;
	n		int[] := '{0,0,0}';
BEGIN
	FOR i IN 1 .. 12 LOOP
		SELECT max(at) INTO last FROM stream;
		INSERT INTO stream SELECT i * 1000 + j, abs(hashint4(i * 100 + j) % 7), last - interval '3 hours'
			+ abs(hashint4(i * 100 + j + 50) % 300) * interval '1 minute', j FROM generate_series(1, 25) j;
		UPDATE stream SET v = v + i, customer = (customer + 1) % 6 WHERE at >= last - interval '3 hours' AND hashint4(id + i) % 4 = 0;
		DELETE FROM stream WHERE at >= last - interval '3 hours' AND hashint4(id + i) % 5 = 0;
		FOREACH s IN ARRAY '{s events,s moments,s lags}'::text[] LOOP
			r := augur.refresh_feature_set(s);
			n := ARRAY[n[1] + r.inserted, n[2] + r.updated, n[3] + r.deleted];
			c := augur.check_feature_set(s);
			IF r.kind <> 'incremental' OR c.missing + c.surplus + c.different > 0 THEN
				RAISE EXCEPTION 'round %, set %: %', i, s, c;
			END IF;
		END LOOP;
	END LOOP;
	RAISE NOTICE 'equal; there was something to do: %', n[1] > 100 AND n[2] > 100 AND n[3] > 20;
END $$;

-- ---- joins as of a time ----------------------------------------------------------------------------
-- labels of a coin; the future knows them, the past does not
CREATE TABLE labels AS
SELECT i AS id, i % 400 AS customer, timestamptz '2024-03-01 00:00+00' + (i / 400) * interval '1 day' AS at,
	hashint4(i) % 2 = 0 AS y FROM generate_series(0, 3999) i;
CREATE TABLE facts AS
SELECT customer, at + interval '1 second' AS at, y::int AS leak, hashint4(id + 1) % 7 AS noise FROM labels
UNION ALL SELECT c, timestamptz '2024-02-29 12:00+00', c % 2, c % 5 FROM generate_series(0, 399) c;
SELECT kind, inserted FROM augur.create_feature_set('oracle', 'SELECT * FROM facts', '{customer}', 'at', lateness => '0');
ANALYZE labels;
ANALYZE oracle;
SELECT augur.as_of_join_sql('labels', '{oracle}', 'at', event_times => true);
SET enable_memoize = off;
SELECT 'EXPLAIN (COSTS OFF) ' || augur.as_of_join_sql('labels', '{oracle}', 'at') \gexec
RESET enable_memoize;
SELECT augur.as_of_join('labels', '{oracle}', 'at', 'honest', event_times => true);
SELECT count(*) AS rows, count(DISTINCT id) AS ids, count(*) FILTER (WHERE oracle_at > at) AS from_the_future,
	count(*) FILTER (WHERE oracle_at IS NULL) AS unknown, min(at - oracle_at) AS youngest FROM honest;
-- what everybody writes first: the latest features there are
CREATE TABLE naive AS
SELECT l.*, f.leak, f.noise FROM labels l LEFT JOIN LATERAL (SELECT * FROM oracle o WHERE o.customer = l.customer
	AND o.at <= l.at + interval '1 day' - interval '1 second' ORDER BY o.at DESC LIMIT 1) f ON true;
SET augur.verbosity = 0;
SELECT abs((augur.train('honest', 'honest', 'y', features => '{leak,noise}', params => '{"n_trees": 50, "min_samples_leaf": 20}', promote => 'never')).value - 0.5) < 0.06 AS chance;
SELECT (augur.train('naive', 'naive', 'y', features => '{leak,noise}', params => '{"n_trees": 50, "min_samples_leaf": 20}', promote => 'never')).value AS auc;
-- a training on the query itself says where its rows came from
SELECT version FROM augur.train_query('honest', augur.as_of_join_sql('labels', '{oracle}', 'at'), 'y', features => '{leak,noise}', params => '{"n_trees": 5}', promote => 'never');
SELECT query = augur.as_of_join_sql('labels', '{oracle}', 'at') AS recorded FROM augur.version_lineage WHERE model = 'honest' AND version = 2;
-- more rows of the future change no past feature
CREATE TABLE before AS TABLE honest;
INSERT INTO facts SELECT customer, timestamptz '2024-03-15' + customer * interval '1 minute', 9, 9 FROM labels WHERE id < 400;
SELECT inserted FROM augur.refresh_feature_set('oracle');
DROP TABLE honest;
SELECT augur.as_of_join('labels', '{oracle}', 'at', 'honest', event_times => true);
SELECT count(*) AS differ FROM (TABLE honest EXCEPT TABLE before) x;

-- at the same time, before it, not too old; nulls; no rows; entities by another name; several keys
CREATE TABLE prices (shop int, item text, from_day date, price numeric);
INSERT INTO prices VALUES (1, 'a', '2024-01-01', 10), (1, 'a', '2024-01-05', 11), (1, 'b', '2024-01-01', 20), (2, 'a', '2024-01-03', 12);
SELECT kind FROM augur.create_feature_set('price', 'SELECT item, shop, from_day, price FROM prices', '{item,shop}', 'from_day', max_age => '10 days');
CREATE TABLE sales (n int, store bigint, item text, day date, price text);
INSERT INTO sales VALUES (1, 1, 'a', '2024-01-05', 'x'), (2, 1, 'a', '2024-01-05', 'x'), (3, 1, 'a', '2024-01-04', 'x'),
	(4, 2, 'a', '2024-01-02', 'x'), (5, 1, 'b', '2024-01-11', 'x'), (6, 1, 'b', '2024-01-12', 'x'), (7, 3, 'a', '2024-01-05', 'x'),
	(8, NULL, 'a', '2024-01-05', 'x'), (9, 1, NULL, '2024-01-05', 'x'), (10, 1, 'a', NULL, 'x'), (11, 1, 'a', 'infinity', 'x'), (12, 1, 'a', '-infinity', 'x');
SELECT augur.as_of_join('sales', '{price}', 'day', 'joined', keys => '{"shop": "store"}', event_times => true);
SELECT * FROM joined ORDER BY n;
SELECT n, price_price FROM augur.as_of_rows('sales', '{price}', 'day', keys => '{"shop": "store"}', strict => true, max_age => '3 days')
	AS t (n int, store bigint, item text, day date, price text, price_price numeric) ORDER BY n;
CREATE TABLE nothing (LIKE sales);
SELECT augur.as_of_join('nothing', '{price}', 'day', 'none', keys => '{"shop": "store"}');
SELECT augur.as_of_join('sales', '{price}', 'day', 'joined_view', keys => '{"shop": "store"}', as_view => true);
SELECT reloptions FROM pg_class WHERE relname = 'joined_view';
SELECT count(*), count(price_price) FROM joined_view;
-- with dates, and with times of availability: corrections count from when they were made
CREATE TABLE scores (customer int, at timestamptz, known timestamptz, score int);
INSERT INTO scores VALUES (1, '2024-01-01', '2024-01-02', 10), (1, '2024-01-01', '2024-01-05', 11), (1, '2024-01-03', '2024-01-10', 12), (1, '2024-01-04', NULL, 13);
SELECT kind, inserted, skipped FROM augur.create_feature_set('score', 'SELECT customer, at, known, score FROM scores', '{customer}', 'at', available_at => 'known');
\d score
CREATE TABLE asked AS SELECT 1 AS customer, timestamptz '2024-01-01' + i * interval '1 day' AS at FROM generate_series(0, 10) i;
SELECT augur.as_of_join_sql('asked', '{score}', 'at', strict => true);
SELECT * FROM augur.as_of_rows('asked', '{score}', 'at') AS t (customer int, at timestamptz, score int) ORDER BY at;
SELECT augur.features_at('{score}', '{"customer": 1}', '2024-01-06');
SELECT augur.features_at('{score}', '{"customer": 1}'), augur.features_at('{score}', '{"customer": 2}');
-- by another rule: of what could be known, nothing is later
CREATE TABLE ratings AS
SELECT DISTINCT ON (customer, at, known) customer, at, known, i AS rating FROM (
	SELECT i, i % 20 AS customer, timestamptz '2024-01-01' + hashint4(i) % 200 * interval '1 hour' AS at,
		timestamptz '2024-01-01' + (hashint4(i) % 200 + abs(hashint4(-i) % 30)) * interval '1 hour' AS known FROM generate_series(1, 2000) i) r
ORDER BY customer, at, known, i;
SELECT kind FROM augur.create_feature_set('rating', 'SELECT * FROM ratings', '{customer}', 'at', available_at => 'known');
CREATE TABLE rated AS SELECT i AS id, i % 22 AS customer, timestamptz '2024-01-01' + hashint4(i + 5) % 210 * interval '1 hour' AS at FROM generate_series(1, 500) i;
SELECT strict, max_age, count(*) AS rows, count(j.rating) AS known, count(*) FILTER (WHERE j.rating IS DISTINCT FROM e.rating) AS wrong
FROM (VALUES (false, NULL::interval), (true, NULL), (false, '20 hours'), (true, '5 hours')) o (strict, max_age),
	augur.as_of_rows('rated', '{rating}', 'at', max_age => o.max_age, strict => o.strict) j (id int, customer int, at timestamptz, rating int),
	LATERAL (SELECT max(f.rating) AS rating FROM ratings f WHERE f.customer = j.customer
		AND CASE WHEN strict THEN greatest(f.at, f.known) < j.at ELSE greatest(f.at, f.known) <= j.at END AND f.at >= j.at - coalesce(max_age, '1 year')
		AND NOT EXISTS (SELECT FROM ratings g WHERE g.customer = j.customer AND (g.at, g.known) > (f.at, f.known)
			AND CASE WHEN strict THEN greatest(g.at, g.known) < j.at ELSE greatest(g.at, g.known) <= j.at END)) e
GROUP BY strict, max_age ORDER BY strict, max_age;
-- names that collide get that of their set, several sets at once
SELECT kind FROM augur.create_feature_set('score two', 'SELECT customer, at, score * 2 AS score, ''x'' AS extra FROM scores WHERE known < ''2024-01-05''', '{customer}', 'at', table_name => '"Score ""two"""');
SELECT relation FROM augur.feature_sets WHERE name = 'score two';
SELECT augur.as_of_join('asked', '{score,score two}', 'at', 'two');
SELECT * FROM two ORDER BY at LIMIT 3;
SELECT augur.features_at('{score,score two}', '{"customer": 1}', '2024-01-06');

-- mistakes
SELECT augur.as_of_join_sql('asked', '{}', 'at');
SELECT augur.as_of_join_sql('asked', '{score,nope}', 'at');
SELECT augur.as_of_join_sql('asked', '{score,score}', 'at');
SELECT augur.as_of_join_sql('asked', '{score}', 'when');
SELECT augur.as_of_join_sql('asked', '{price}', 'at');
SELECT augur.as_of_join_sql('sales', '{price}', 'day');
SELECT augur.as_of_join_sql('sales', '{price}', 'day', keys => '{"shop": "price"}');
SELECT augur.as_of_join_sql('sales', '{price}', 'day', keys => '{"store": "shop"}');
SELECT augur.as_of_join_sql('sales', '{price}', 'day', keys => '["shop"]');
SELECT augur.as_of_join_sql('sales', '{price}', 'day', keys => '{"shop": "store"}', max_age => '0');
SELECT augur.as_of_join_sql('local_visits', '{bounded}', 'at');
SELECT augur.as_of_join_sql('local_visits', '{bounded}', 'day');
SELECT augur.as_of_join('asked', '{score}', 'at', NULL);
SELECT augur.as_of_join('asked', '{score}', 'at', 'two');
SELECT augur.as_of_join('asked', '{score}', 'at', 'a.b.c');
SELECT augur.features_at('{score}', '{"client": 1}');
SELECT augur.features_at('{score}', '[1]');
SELECT augur.features_at('{score}', '{"customer": "x"}', '2024-01-06');

-- ---- helpers -----------------------------------------------------------------------------------------
SELECT kind FROM augur.create_feature_set('rfm',
	'SELECT customer, d AS asked, (augur.rfm(at, amount, d)).* FROM visits, generate_series(timestamptz ''2024-02-01'', ''2024-03-01'', ''10 days'') d GROUP BY customer, d',
	'{customer}', 'asked');
SELECT count(*) AS rows, count(*) FILTER (WHERE (r.frequency, r.monetary) IS DISTINCT FROM (h.f, h.m)
	OR round(r.recency::numeric, 6) IS DISTINCT FROM round(h.r, 6)) AS wrong, count(*) FILTER (WHERE h.f > 10) > 20 AS many
FROM rfm r, LATERAL (SELECT extract(epoch FROM r.asked - max(v.at)) / 86400 AS r, count(*) AS f, coalesce(sum(v.amount), 0) AS m
	FROM visits v WHERE v.customer = r.customer AND v.at <= r.asked) h;
SELECT augur.rfm(at::date, amount, '2024-01-02') AS as_of_a_date FROM visits WHERE customer = 1;
SELECT augur.rfm(at, amount, '2024-01-01') AS none, augur.rfm(NULL::timestamptz, 1, '2024-01-01') AS no_time,
	augur.rfm('2024-01-01'::timestamptz, NULL, '2024-01-02') AS no_amount FROM visits WHERE customer = 3;
SELECT augur.rfm(at, amount, '2024-01-01') IS NULL AS no_rows FROM visits WHERE false;
SELECT augur.rfm(at, amount, at) FROM visits;
SELECT augur.rfm(at, amount, NULL::timestamptz) FROM visits;
SELECT * FROM augur.calendar(timestamp '2024-02-29 13:14:15');
SELECT * FROM augur.calendar(date '2023-12-31');
SELECT (augur.calendar(timestamptz '2024-06-30 23:00+00', 'Europe/Berlin')).*;
SELECT augur.calendar('infinity'::timestamp) IS NULL AS infinite, augur.calendar(NULL::date) IS NULL AS missing;
-- the parts are those that a training makes
SELECT count(*) AS wrong FROM generate_series(timestamp '2023-12-30', '2024-03-02', '7 hours') t, augur.calendar(t) c
WHERE (c.year, c.quarter, c.month, c.day, c.hour, c.day_of_week) IS DISTINCT FROM (extract(year FROM t)::int, extract(quarter FROM t)::int,
	extract(month FROM t)::int, extract(day FROM t)::int, extract(hour FROM t)::int, extract(dow FROM t)::int);
SELECT augur.rolling_features('visits', '{customer}', 'at', '{amount}', '{0 days}');
SELECT augur.rolling_features('visits', '{customer}', 'at', '{amount}', '{1 day}', '{median}');
SELECT augur.rolling_features('visits', '{customer}', 'at', '{nope}', '{1 day}');
SELECT augur.rolling_features('visits', '{customer}', 'amount', '{amount}', '{1 day}');
SELECT augur.rolling_features('visits', '{}', 'at', '{amount}', '{1 day}');
SELECT augur.rolling_features('local_visits', '{customer}', 'day', '{amount}', '{1 hour}');
SELECT augur.rolling_features('visits', '{customer}', 'at', '{amount}', '{24 hours,1 day,1 day}');
SELECT augur.lag_features('visits', '{customer}', 'at', '{amount}', '{0}');
SELECT augur.lag_features('visits', '{customer}', 'at', '{amount}', since => true);

-- ---- what a definition may be ------------------------------------------------------------------------
CREATE FUNCTION make(query text, at name DEFAULT 'at', entity name[] DEFAULT '{customer}', lateness interval DEFAULT NULL) RETURNS void
LANGUAGE sql AS $$ SELECT augur.create_feature_set('x', query, entity, at, lateness => lateness) $$;
CREATE TABLE canary (n int);
CREATE TEMP TABLE passing AS SELECT 1 AS customer, now() AS at, 1 AS f;
CREATE FUNCTION writes() RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO canary VALUES (1); RETURN 1; END $$;
CREATE FUNCTION pretends() RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN INSERT INTO public.canary VALUES (1); RETURN 1; END $$;
CREATE VIEW hides AS SELECT customer, at, writes() AS f FROM scores;
SELECT make('INSERT INTO canary VALUES (1) RETURNING n AS customer');
SELECT make('WITH w AS (INSERT INTO canary VALUES (1) RETURNING n) SELECT n AS customer, now() AS at, 1 AS f FROM w');
SELECT make('SELECT 1 AS customer, now() AS at, 1 AS f; DROP TABLE canary');
SELECT make('SELECT 1 AS customer, now() AS at, 1 AS f) q; DROP TABLE canary; SELECT (1');
SELECT make('SELECT customer, at, score AS f INTO gone FROM scores');
SELECT make('SELECT customer, at, score AS f FROM scores FOR UPDATE');
SELECT make('TRUNCATE canary');
SELECT make('');
SELECT make('SELECT customer, at, $1 AS f FROM scores');
SELECT make('SELECT customer, at, writes() AS f FROM scores');
SELECT make('SELECT customer, at, (SELECT max(writes()) FROM scores) AS f FROM scores');
-- in what an aggregate is made of, and in the checks of a domain
CREATE FUNCTION adds(sum int, n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO canary VALUES (n); RETURN sum + n; END $$;
CREATE AGGREGATE adding(int) (SFUNC = adds, STYPE = int, INITCOND = '0');
SELECT make('SELECT customer, at, adding(1) AS f FROM scores GROUP BY 1, 2');
SELECT make('SELECT customer, at, adding(1) OVER (PARTITION BY customer ORDER BY at) AS f FROM scores');
CREATE DOMAIN writing AS int CHECK (VALUE = 0 OR writes() = 1);
SELECT make('SELECT customer, at, 1::writing AS f FROM scores');
SELECT make('SELECT customer, at, CAST(NULL AS writing) AS f FROM scores');
DROP DOMAIN writing;
DROP AGGREGATE adding(int);
DROP FUNCTION adds;
SELECT make('SELECT * FROM hides');
SELECT make('SELECT customer, at, pretends() AS f FROM scores');
SELECT make('SELECT customer, at, random() AS f FROM scores');
SELECT make('SELECT customer, at, score AS f FROM scores TABLESAMPLE BERNOULLI (50)');
SELECT make('SELECT customer, at, f FROM passing');
SELECT make('SELECT customer, at, now() - at AS f FROM scores', lateness => '1 day');
SELECT make('SELECT customer, at, current_date AS f FROM scores', lateness => '1 day');
SELECT make('SELECT customer, at, score AS f FROM scores WHERE at > augur.refresh_since()');
SELECT count(*) FROM canary;
SELECT make('SELECT customer, at FROM scores');
SELECT make('SELECT customer, at, score AS f FROM scores', at => 'when');
SELECT make('SELECT customer, at, score AS f FROM scores', at => 'f');
SELECT make('SELECT customer, at, score AS f FROM scores', at => 'customer');
SELECT make('SELECT ''{}''::json AS customer, at, score AS f FROM scores');
SELECT make('SELECT customer, at, score AS f FROM scores', entity => '{}');
SELECT make('SELECT customer, at, score AS f FROM scores');
SELECT make('SELECT customer, at, nope AS f FROM scores');
SELECT make('SELECT customer, at, score AS f FROM scores', lateness => '-1 day');
SELECT augur.create_feature_set(' x', 'SELECT 1', '{a}', 'b');
SELECT augur.create_feature_set('daily', 'SELECT 1', '{a}', 'b');
SELECT augur.create_feature_set('x', 'SELECT customer, at, id FROM visits', '{customer}', 'at', table_name => 'visits');
SELECT augur.create_feature_set('x', 'SELECT customer, at, id FROM visits', '{customer}', 'at', table_name => 'pg_temp.x');
SELECT augur.create_feature_set('x', 'SELECT customer, at, id FROM visits', '{customer}', 'at', lookback => '1 day');
SELECT augur.create_feature_set('x', 'SELECT customer, at, id FROM visits', '{customer}', 'at', max_age => '-1 day');
SELECT augur.create_feature_set('x', 'SELECT customer, at, id FROM visits', '{customer}', 'at', search_path => 'nowhere');
SELECT augur.refresh_feature_set('nope');
SELECT count(*) FROM augur.feature_sets WHERE name = 'x';
SELECT to_regclass('x');

-- a definition is what it was: neither a path nor a planted object changes it
CREATE SCHEMA "Shop 'n' ""Co""";
CREATE TABLE "Shop 'n' ""Co"""."Käufe" ("Kunde" text COLLATE "C", "am" timestamp, "Wert €" float8, doc json);
INSERT INTO "Shop 'n' ""Co"""."Käufe" SELECT 'k' || i % 5, timestamp '2024-01-01' + i * interval '1 hour', i / 4.0, '{"a":1}' FROM generate_series(1, 50) i;
SET search_path = "Shop 'n' ""Co""", public;
SELECT kind, inserted FROM augur.create_feature_set('Käufe "1"; --', 'SELECT k."Kunde", am, "Wert €", "Wert €" || ''%s %I $q$'' AS "f''s ""%", doc FROM "Käufe" k -- all of them',
	'{Kunde}', 'am', lateness => '1 hour');
RESET search_path;
CREATE SCHEMA evil;
CREATE TABLE evil."Käufe" ("Kunde" text, am timestamp, "Wert €" float8, doc json);
CREATE FUNCTION evil.textcat(float8, text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'evil' $$;
CREATE OPERATOR evil.|| (LEFTARG = float8, RIGHTARG = text, FUNCTION = evil.textcat);
SET search_path = evil, pg_catalog;
UPDATE "Shop 'n' ""Co"""."Käufe" SET "Wert €" = -1 WHERE am = '2024-01-03 02:00';
SELECT kind, rows_read, inserted, updated, deleted FROM augur.refresh_feature_set('Käufe "1"; --');
RESET search_path;
SELECT relation, features FROM augur.feature_sets WHERE name = 'Käufe "1"; --';
CREATE TABLE kunden AS SELECT 'k1' COLLATE "POSIX" AS "Kunde", timestamp '2024-01-02' AS "Am";
SELECT augur.as_of_join('kunden', ARRAY['Käufe "1"; --'], 'Am', '"Shop ''n'' ""Co"""."join ""1"""');
SELECT * FROM "Shop 'n' ""Co"""."join ""1""";
SELECT augur.features_at(ARRAY['Käufe "1"; --'], '{"Kunde": "k1''; --"}', '2024-01-02');

-- keys of any type with an order
CREATE DOMAIN code AS text COLLATE "C";
CREATE TYPE mood AS ENUM ('low', 'high');
CREATE SCHEMA odd;
CREATE TYPE odd.pair AS (a int, b text);
CREATE TABLE keyed AS SELECT ('c' || i % 3)::code AS c, (ARRAY['low', 'high'])[1 + i % 2]::mood AS m, ROW (i % 2, 'x')::odd.pair AS p,
	ARRAY[i % 2] AS l, i::numeric / 2 AS n, int4range(i % 2, 9) AS r, date '2024-01-01' + i AS d, i AS f FROM generate_series(1, 20) i;
SELECT kind, inserted FROM augur.create_feature_set('by_key', 'SELECT * FROM keyed', '{c,m,p,l,n,r}', 'd', lateness => '3 days');
UPDATE keyed SET f = -f WHERE f > 18;
UPDATE keyed SET n = 9.50 WHERE f = -19;
SELECT inserted, updated, deleted FROM augur.refresh_feature_set('by_key');
SELECT same('by_key');
CREATE TABLE keyed_spine AS SELECT c, m, p, l, n, r, d + 1 AS d FROM keyed WHERE f < 0;
SELECT count(f) FROM augur.as_of_rows('keyed_spine', '{by_key}', 'd') AS t (c code, m mood, p odd.pair, l int[], n numeric, r int4range, d date, f int);

-- ---- changing, dropping ---------------------------------------------------------------------------------
GRANT SELECT ON daily TO PUBLIC;
SELECT version, kind, inserted, updated, late FROM augur.alter_feature_set('daily',
	'SELECT customer, at::date AS day, sum(amount)::float8 AS spent, max(amount) AS most FROM visits GROUP BY 1, 2', lateness => '5 days');
SELECT same('daily'), (SELECT relacl IS NOT NULL FROM pg_class WHERE oid = 'daily'::regclass) AS granted;
\d daily
SELECT kind FROM augur.refresh_feature_set('daily');
SELECT augur.alter_feature_set('daily', 'SELECT customer, at AS day, 1 AS f FROM visits');
SELECT augur.alter_feature_set('daily', 'SELECT customer, at::date AS day FROM visits GROUP BY 1, 2');
SELECT augur.alter_feature_set('daily', 'SELECT customer, 1 AS f FROM visits');
SELECT augur.alter_feature_set('daily', 'DELETE FROM visits RETURNING customer');
SELECT augur.alter_feature_set('daily', max_age => '-1 day');
SELECT kind, late FROM augur.alter_feature_set('daily', max_age => '9 days', lateness => '6 days', description => 'more');
SELECT version, features, lateness, max_age, description FROM augur.feature_sets WHERE name = 'daily';
-- a refresh that is cancelled leaves everything as it was
SELECT md5(string_agg(d::text, ',' ORDER BY customer, day)) AS before FROM daily d \gset
SET statement_timeout = '100ms';
SELECT augur.alter_feature_set('daily', 'SELECT customer, at::date AS day, sum(n) AS spent FROM visits, generate_series(1, 1000000) n GROUP BY 1, 2');
RESET statement_timeout;
SELECT version, features, md5(string_agg(d::text, ',' ORDER BY customer, day)) = :'before' AS same FROM daily d, augur.feature_sets s
WHERE name = 'daily' GROUP BY 1, 2;
-- a source that changes: told, and nothing is lost
ALTER TABLE visits RENAME amount TO cost;
SELECT augur.refresh_feature_set('daily');
SELECT count(*) > 1000 AS kept FROM daily;
ALTER TABLE visits RENAME cost TO amount;
SELECT kind FROM augur.create_feature_set('growing', 'SELECT id, at, pages FROM visits', '{id}', 'at');
ALTER TABLE visits ALTER pages TYPE bigint;
SELECT augur.refresh_feature_set('growing');
SELECT inserted FROM augur.alter_feature_set('growing', 'SELECT id, at, pages FROM visits');
SELECT augur.drop_feature_set('growing');
ALTER TABLE visits ALTER pages TYPE integer;
ALTER TABLE daily DROP COLUMN most;
SELECT augur.refresh_feature_set('daily');
SELECT augur.as_of_join_sql('local_visits', '{daily}', 'day');
DROP TABLE daily;
SELECT augur.refresh_feature_set('daily');
CREATE VIEW daily AS SELECT 1 AS customer, date '2024-01-01' AS day, 1 AS spent, 1 AS most;
SELECT augur.features_at('{daily}', '{"customer": 1}');
DROP VIEW daily;
SELECT augur.drop_feature_set('daily');
SELECT augur.drop_feature_set('daily');
SELECT augur.drop_feature_set('whole', keep_table => true), augur.drop_feature_set('wrapped');
SELECT to_regclass('whole'), to_regclass('wrapped');
SELECT count(*) > 5 AS kept FROM augur.feature_refreshes WHERE feature_set = 'daily';
UPDATE augur.feature_refreshes SET inserted = 0;

-- ---- whatever the session's formats are ----------------------------------------------------------
-- dates and intervals in a definition mean what they meant to who made it
CREATE TABLE paid (who int, code char(3), mask bit(3), day date, at timestamptz, amount numeric);
INSERT INTO paid SELECT i % 2, (ARRAY['abc', 'ab'])[1 + i % 2], (ARRAY[B'101', B'111'])[1 + i % 2], date '2024-01-01' + i,
	(timestamp '2024-01-01' + i * interval '1 day') AT TIME ZONE 'UTC', i FROM generate_series(0, 9) i;
SET datestyle = 'SQL, DMY';
SET intervalstyle = sql_standard;
SELECT kind, inserted FROM augur.create_feature_set('paid_sums',
	'SELECT code, day, sum(amount) AS s, ''-1 day -02:00''::interval AS before FROM paid WHERE day >= ''03/01/2024'' GROUP BY 1, 2', '{code}', 'day');
SET datestyle = 'Postgres, MDY';
SET intervalstyle = postgres_verbose;
SELECT definition ~ '2024-01-03' AS date, definition ~ '''-1 days -02:00:00''' AS span FROM augur.feature_sets WHERE name = 'paid_sums';
SELECT inserted, updated, deleted FROM augur.refresh_feature_set('paid_sums');
-- times in it are of the zone that it is run in, whoever alters it
SELECT inserted FROM augur.create_feature_set('paid_zone', 'SELECT who, day, amount FROM paid WHERE at < ''2024-01-05''', '{who}', 'day',
	time_zone => 'UTC');
SELECT inserted, deleted FROM augur.alter_feature_set('paid_zone', 'SELECT who, day, amount FROM paid WHERE at < ''2024-01-04''');
SELECT current_setting('TimeZone'), count(*) FROM paid_zone;
SELECT augur.drop_feature_set('paid_zone');
-- types that have a length
SELECT augur.features_at('{paid_sums}', '{"code": "abc"}', '2024-02-01') -> 's' AS s;
SELECT kind FROM augur.create_feature_set('paid_bits', 'SELECT mask, day, amount FROM paid', '{mask}', 'day');
SELECT augur.features_at('{paid_bits}', '{"mask": "101"}', '2024-02-01');
-- names of zones are not unique: IST is Indian time here, and Israel's, three hours and a half later, to who reads it
SELECT kind FROM augur.create_feature_set('paid_at', 'SELECT who, at, amount FROM paid', '{who}', 'at');
SET timezone = 'Asia/Kolkata';
SELECT augur.features_at('{paid_at}', '{"who": 0}', timestamptz '2024-01-05 00:00+00') -> 'amount' AS then,
	augur.features_at('{paid_at}', '{"who": 0}', timestamptz '2024-01-04 23:59+00') -> 'amount' AS minute_before;
SET timezone = 'PST8PDT';
-- a sum takes no memory for each amount
SELECT (augur.rfm(p.at, p.amount, '2024-02-01')).frequency, (SELECT sum(used_bytes) < 16000000 FROM pg_backend_memory_contexts) AS small
FROM paid p, generate_series(1, 1000000) WHERE p.day = '2024-01-08';
SELECT augur.drop_feature_set('paid_sums'), augur.drop_feature_set('paid_bits'), augur.drop_feature_set('paid_at');
DROP TABLE paid;

-- ---- moments by the clock, and odd times and names ---------------------------------------------------
-- there the clocks of 1900 were not on whole minutes, and a midnight is skipped
SET timezone = 'America/Sao_Paulo';
CREATE TABLE odd_days AS SELECT 'a'::text AS c, timestamptz '2018-11-01 12:00' + i * interval '1 day' AS at, i AS v FROM generate_series(0, 6) i;
SELECT augur.rolling_features('odd_days', '{c}', 'at', '{v}', '{2 days}', '{sum}', every => '1 day') AS query \gset
:query ORDER BY at;
SELECT augur.rolling_features('odd_days', '{c}', 'at', '{v}', '{2 days}', '{sum}', every => '1 month') AS query \gset
INSERT INTO odd_days VALUES ('a', '2018-10-31 12:00', -1);
:query ORDER BY at;
RESET timezone;
INSERT INTO odd_days VALUES ('b', '2018-11-01 12:00', 1), ('b', 'infinity', 2), ('c', '-infinity', 1), ('c', '2018-11-01 12:00', 2), ('c', 'infinity', 3);
SELECT augur.lag_features('odd_days', '{c}', 'at', '{v}') AS query \gset
SELECT c, isfinite(at) AS finite, v_lag1, days_since_lag1 FROM (:query) q WHERE c > 'a' ORDER BY c, at;
ALTER TABLE odd_days ALTER at TYPE date;
SELECT augur.lag_features('odd_days', '{c}', 'at', '{v}', within => '3 days') AS query \gset
SELECT c, isfinite(at) AS finite, v_lag1, days_since_lag1 FROM (:query) q WHERE c > 'a' ORDER BY c, at;
ALTER TABLE odd_days RENAME at TO "at %s %";
SELECT augur.lag_features('odd_days', '{c}', 'at %s %', '{v}', within => '3 days') AS query \gset
SELECT c, v_lag1, days_since_lag1 FROM (:query) q WHERE c = 'a' ORDER BY "at %s %" LIMIT 2;
DROP TABLE odd_days;
