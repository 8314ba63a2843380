-- profile: what a column holds, as a value
CREATE SCHEMA pr;
\set SHOW_CONTEXT never
SET search_path = pr, public, augur;

-- ---- every kind of type ------------------------------------------------------------------------------

CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN code AS varchar(5);
CREATE TABLE kinds AS
SELECT i::int2 AS i2, i AS i4, (i * 10000000000)::int8 AS i8, (i / 4.0)::float4 AS f4, (i / 3.0)::float8 AS f8,
	(i / 10.0)::numeric AS num, (i * 1.5)::numeric::money AS cash, i % 4 = 0 AS yes,
	chr(96 + i) AS txt, chr(96 + i % 3)::varchar AS vc, chr(96 + i % 3)::char(4) AS padded,
	chr(96 + i % 5)::name AS nm, chr(96 + i % 5)::"char" AS one, (enum_range(NULL::mood))[1 + i % 3] AS md,
	i::positive AS dom, ('k' || i % 2)::code AS dcode,
	('00000000-0000-0000-0000-0000000000' || 10 + i % 2)::uuid AS id,
	date '2024-01-01' + i AS d, timestamp '2024-01-01 12:00' + i * interval '1 day' AS ts,
	timestamptz '2024-01-01 12:00+00' + i * interval '1 hour' AS tz,
	time '00:00' + i * interval '1 minute' AS tm, i * interval '90 minutes' AS iv,
	('10.0.0.' || i % 2)::inet AS ip, (i % 4)::bit(2) AS bits
FROM generate_series(1, 20) i;
SELECT p.column_name, s.kind, s.n, s.exact, s.distinct_values AS distinct, s.low, s.high, round(s.mean::numeric, 6) AS mean,
	s.labels
FROM augur.profile_relation('kinds') p, augur.profile_info(p.profile) s;
SELECT p.column_name, s.first_time, s.last_time
FROM augur.profile_relation('kinds', '{d,ts,tz}') p, augur.profile_info(p.profile) s;
-- the aggregate itself, where a type is not cast on the way
SELECT (augur.profile_info(augur.profile(i2))).high AS i2, (augur.profile_info(augur.profile(i8))).high AS i8,
	(augur.profile_info(augur.profile(num))).high AS num, (augur.profile_info(augur.profile(cash))).high AS cash,
	(augur.profile_info(augur.profile(dom))).high AS dom, (augur.profile_info(augur.profile(dcode::text))).labels AS dcode,
	(augur.profile_info(augur.profile(vc))).labels AS vc, (augur.profile_info(augur.profile(md))).kind AS md
FROM kinds;
-- char(n) without its blanks, labels of one count by bytes
SELECT l.* FROM augur.profile_labels((SELECT augur.profile(padded) FROM kinds)) l;
SELECT l.* FROM augur.profile_labels((SELECT augur.profile(yes) FROM kinds)) l;
SELECT l.* FROM augur.profile_labels((SELECT augur.profile(md) FROM kinds), 2) l;
-- literals, and NULL of a type
SELECT (augur.profile_info(augur.profile('x'::text))).kind AS text, (augur.profile_info(augur.profile(1.5))).kind AS number,
	(augur.profile_info(augur.profile(NULL::int))).nulls AS nulls;

-- ---- values that are none ----------------------------------------------------------------------------

SELECT s.* FROM (SELECT augur.profile(x) AS p FROM (VALUES ('NaN'::float8), ('Infinity'), ('-Infinity'), (NULL), ('1e200'), ('-0'), ('2')) v (x)) t,
	augur.profile_info(t.p) s \gx
SELECT s.kind, s.n, s.nans, s.infinite, s.high FROM (SELECT augur.profile(x) AS p FROM (VALUES ('NaN'::numeric), ('Infinity'), ('1e70'), ('3')) v (x)) t,
	augur.profile_info(t.p) s;
SELECT s.kind, s.n, s.infinite, s.first_time, s.last_time
FROM (SELECT augur.profile(x) AS p FROM (VALUES ('infinity'::date), ('-infinity'), ('2024-02-29')) v (x)) t, augur.profile_info(t.p) s;
SELECT s.n, s.nulls, s.exact, s.distinct_values, s.low, s.mean FROM (SELECT augur.profile(NULL::float8) AS p FROM generate_series(1, 3)) t,
	augur.profile_info(t.p) s;
SELECT augur.profile(x) IS NULL AS of_no_rows FROM (SELECT 1 AS x) t WHERE false;
SELECT p, augur.profile_info(p) IS NULL AS info, augur.profile_quantiles(p, '{0.5}') AS q, p + p AS sum
FROM (SELECT NULL::augur.profile AS p) t;
SELECT augur.profile_quantiles(p, '{0,0.5,1}') AS quantiles, augur.profile_rank(p, 1) AS rank,
	(SELECT count(*) FROM augur.profile_histogram(p)) AS bins, augur.profile_json(p) AS json
FROM (SELECT augur.profile(NULL::float8) AS p) t;
SELECT augur.profile_json(augur.profile(NULL::text)) AS json;
SELECT l.label = '' AS empty, l.count FROM augur.profile_labels((SELECT augur.profile(x) FROM (VALUES (''), (''), ('a')) v (x))) l;
-- what cannot be profiled
SELECT augur.profile('{}'::json);
SELECT augur.profile('{}'::jsonb);
SELECT augur.profile('{1}'::int[]);
SELECT augur.profile('\x00'::bytea);
SELECT augur.profile(k) FROM kinds k;

-- ---- asking -------------------------------------------------------------------------------------------

CREATE TABLE few AS SELECT (i * 37 % 1000)::float8 AS x FROM generate_series(0, 999) i;
SELECT s.* FROM augur.profile_info((SELECT augur.profile(x) FROM few)) s \gx
SELECT s.sd = t.sd OR abs(s.sd - t.sd) < 1e-12 * t.sd AS sd, abs(s.mean - t.mean) < 1e-12 * t.mean AS mean
FROM augur.profile_info((SELECT augur.profile(x) FROM few)) s, (SELECT stddev_samp(x) AS sd, avg(x) AS mean FROM few) t;
-- exact: as percentile_disc
SELECT augur.profile_quantiles(p, shares) = (SELECT percentile_disc(shares) WITHIN GROUP (ORDER BY x) FROM few) AS same,
	augur.profile_quantile(p, 0.5) AS median, augur.profile_quantiles(p, '{}') AS none, augur.profile_quantiles(p, '{NULL,0.1}') AS some
FROM (SELECT augur.profile(x) AS p FROM few) t, (SELECT '{0,0.001,0.01,0.1,0.25,0.3,0.5,0.75,0.999,1}'::float8[] AS shares) s;
SELECT v, augur.profile_rank(p, v) AS rank
FROM (SELECT augur.profile(x) AS p FROM few) t, unnest('{-1,0,499,499.5,999,1000,NaN,Infinity,-Infinity}'::float8[]) v;
SELECT h.* FROM augur.profile_histogram((SELECT augur.profile(x * x) FROM few), 5) h;
SELECT h.* FROM augur.profile_histogram((SELECT augur.profile(7) FROM few), 2) h;
SELECT augur.profile_json((SELECT augur.profile(x) FROM few)) AS numbers;
SELECT augur.profile_json((SELECT augur.profile(vc) FROM kinds)) AS labels;
-- labels of more than 100 bytes are told apart, and cut between characters
SELECT length(l.label), right(l.label, 4) AS "end", l.count, l.share
FROM augur.profile_labels((SELECT augur.profile(repeat('é', 60) || i % 2) FROM generate_series(1, 5) i)) l;
SELECT (augur.profile_info(augur.profile(repeat('x', 1000000) || i % 3))).distinct_values FROM generate_series(1, 9) i;
SELECT augur.profile_quantiles(augur.profile(1), '{1.5}');
SELECT augur.profile_quantiles(augur.profile(1), '{NaN}');
SELECT augur.profile_quantiles(augur.profile('a'::text), '{0.5}');
SELECT augur.profile_rank(augur.profile(true), 1);
SELECT augur.profile_histogram(augur.profile('a'::text));
SELECT augur.profile_histogram(augur.profile(1), 0);
SELECT augur.profile_labels(augur.profile('a'::text), 0);
SELECT count(*) FROM augur.profile_labels((SELECT augur.profile(x) FROM few));
SELECT count(*) FROM augur.profile_labels((SELECT augur.profile(NULL::text)));

-- ---- many values: within the bounds of augur_profile.h --------------------------------------------------

CREATE TABLE many AS SELECT i, (i * 7919::bigint % 200003)::float8 AS x, 'label ' || i % 5000 AS rare,
	CASE WHEN i % 3 = 0 THEN 'common' ELSE 'label ' || i % 5000 END AS mixed, i % 10 AS part FROM generate_series(1, 200002) i;
SELECT s.n, s.exact, s.low, s.high, s.mean = 100001.5 OR abs(s.mean - 100001.5) < 1e-6 AS mean, abs(s.distinct_values / 200002.0 - 1) < 0.1 AS distinct
FROM augur.profile_info((SELECT augur.profile(x) FROM many)) s;
-- x is a permutation of 1 .. 200002: the share up to a quantile is the quantile over 200003
SELECT bool_and(abs(augur.profile_quantile(p, k / 100.0) / 200002 - k / 100.0) <= 0.006) AS quantiles,
	bool_and(abs(augur.profile_rank(p, k * 2000.02) - k / 100.0) <= 0.006) AS ranks
FROM (SELECT augur.profile(x) AS p FROM many) t, generate_series(0, 100) k;
SELECT s.n, s.exact, s.labels <= 1000 AS kept, s.label_error <= 200002 / 1001 AS bound, abs(s.distinct_values / 5001.0 - 1) < 0.1 AS distinct,
	l.label, 66667 - l.count BETWEEN 0 AND s.label_error AS count
FROM (SELECT augur.profile(mixed) AS p FROM many) t, augur.profile_info(p) s, augur.profile_labels(p, 1) l;

-- ---- merging -----------------------------------------------------------------------------------------------

CREATE TABLE parts AS SELECT part, augur.profile(x) AS x, augur.profile(rare) AS rare, augur.profile(i % 7 = 0) AS bit, augur.profile(nullif(part, 3)) AS holes
FROM many GROUP BY part;
SELECT m.n = w.n AND m.nulls = w.nulls AND m.low = w.low AND m.high = w.high AND abs(m.mean / w.mean - 1) < 1e-12 AND abs(m.sd / w.sd - 1) < 1e-12
	AND abs(m.kurtosis / w.kurtosis - 1) < 1e-9 AND m.distinct_values = w.distinct_values AS same
FROM (SELECT (augur.profile_info(augur.merge_profiles(x))).* FROM parts) m, (SELECT (augur.profile_info(augur.profile(x))).* FROM many) w;
SELECT bool_and(abs(augur.profile_quantile(p, k / 100.0) / 200002 - k / 100.0) <= 0.006) AS quantiles
FROM (SELECT augur.merge_profiles(x) AS p FROM parts) t, generate_series(0, 100) k;
SELECT bool_and(augur.profile_info(m)::text = augur.profile_info(w)::text) AS bits
FROM (SELECT augur.merge_profiles(bit) FROM parts) m (m), (SELECT augur.profile(i % 7 = 0) FROM many) w (w);
SELECT (augur.profile_info(augur.merge_profiles(holes))).nulls, count(*) FILTER (WHERE part = 3) AS there
FROM parts, (SELECT 1) one GROUP BY () HAVING true;
SELECT augur.profile_info(a.x + b.x) = augur.profile_info(augur.profile_merge(b.x, a.x)) AS commutes,
	(augur.profile_info(a.x + b.x)).n FROM parts a, parts b WHERE (a.part, b.part) = (1, 2);
-- exact parts of an exact whole: the same, in any order
SELECT augur.profile_json(a.p + b.p) - '{mean,sd,skewness,kurtosis}'::text[] = augur.profile_json(w.p) - '{mean,sd,skewness,kurtosis}'::text[] AS same, augur.profile_quantiles(b.p + a.p, '{0.1,0.5,0.9}') = augur.profile_quantiles(w.p, '{0.1,0.5,0.9}') AS quantiles
FROM (SELECT augur.profile(x) AS p FROM few WHERE x < 300) a, (SELECT augur.profile(x) AS p FROM few WHERE x >= 300) b, (SELECT augur.profile(x) AS p FROM few) w;
SELECT augur.profile_json(p + NULL) IS NULL AS with_null, (augur.profile_info(p + (SELECT augur.profile(NULL::float8)))).nulls AS with_nulls FROM (SELECT augur.profile(x) AS p FROM few) t;
SELECT augur.merge_profiles(NULL) IS NULL AS of_none, (augur.profile_info(augur.merge_profiles(p))).n FROM (SELECT augur.profile(x) AS p FROM few UNION ALL SELECT NULL) t;
SELECT augur.profile(1) + augur.profile('a'::text);
SELECT augur.profile(1) + augur.profile(date '2024-01-01');
SELECT augur.merge_profiles(p) FROM (SELECT augur.profile(1) AS p UNION ALL SELECT augur.profile(true)) t;

-- ---- as an aggregate: groups, windows, filters, order -------------------------------------------------

SELECT i % 3 AS g, (augur.profile_info(augur.profile(x) FILTER (WHERE x < 100))).n, (augur.profile_info(augur.profile(DISTINCT part))).n AS parts,
	augur.profile(part ORDER BY x)::text = augur.profile(part ORDER BY x)::text AS ordered
FROM many WHERE i <= 1000 GROUP BY 1 ORDER BY 1;
SELECT part, (augur.profile_info(augur.profile(x))).n, (augur.profile_info(augur.profile(DISTINCT mixed))).distinct_values AS labels
FROM many WHERE i <= 1000 AND part < 2 GROUP BY CUBE (part) ORDER BY 1;
SELECT i, (augur.profile_info(augur.profile(x) OVER (ORDER BY i ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW))).n FROM many WHERE i <= 3 ORDER BY i;
-- running, and moving: a state goes on after it was asked
SELECT i, (augur.profile_info(augur.profile(x) OVER (ORDER BY i))).n AS running,
	augur.profile_quantiles(augur.profile(x) OVER (ORDER BY i ROWS BETWEEN 2 PRECEDING AND CURRENT ROW), '{0,1}') AS moving
FROM many WHERE i <= 5 ORDER BY i;
SELECT count(*), bool_and((augur.profile_info(running)).mean = mean OR abs((augur.profile_info(running)).mean - mean) < 1e-9 * abs(mean)) AS mean,
	bool_and((augur.profile_info(running)).distinct_values = i) AS distinct
FROM (SELECT i, augur.profile(x) OVER (ORDER BY i) AS running, avg(x) OVER (ORDER BY i) AS mean FROM many WHERE i <= 600) t;
SELECT bool_and((augur.profile_info(p)).n = i) AS running FROM (SELECT i, augur.profile(rare) OVER (ORDER BY i) AS p FROM many WHERE i <= 2500) t WHERE i % 500 = 0;
SELECT count(*), sum((augur.profile_info(p)).n) AS n FROM (SELECT augur.profile(x) AS p FROM many GROUP BY i / 20) t;
SELECT count(*), sum((augur.profile_info(p)).n) AS n FROM (SELECT augur.profile(rare) AS p FROM many GROUP BY i / 20) t;
-- no memory context a group: the server counts those at each new group of a hash table
SET enable_sort = off;
SET work_mem = '1GB';
SELECT count(p) AS groups, max((SELECT count(*) FROM pg_backend_memory_contexts)) < 1000 AS contexts
FROM (SELECT augur.profile(x) AS p FROM many GROUP BY i / 20 OFFSET 0) t;
SELECT count(p) AS groups, max((SELECT count(*) FROM pg_backend_memory_contexts)) < 1000 AS contexts
FROM (SELECT augur.ddm((i % 2)::float8) AS p FROM many GROUP BY i / 20 OFFSET 0) t;
RESET enable_sort;
RESET work_mem;

-- ---- in parallel -----------------------------------------------------------------------------------------

SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 4;
EXPLAIN (COSTS OFF) SELECT augur.profile(x), augur.profile(rare) FROM many;
CREATE TABLE together AS SELECT augur.profile(x) AS x, augur.profile(rare) AS rare, augur.profile(i % 7 = 0) AS bit, augur.profile(nullif(part, 3)) AS holes FROM many;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE alone AS SELECT augur.profile(x) AS x, augur.profile(rare) AS rare, augur.profile(i % 7 = 0) AS bit, augur.profile(nullif(part, 3)) AS holes FROM many;
SELECT s.n = t.n AND s.nulls = t.nulls AND s.low = t.low AND s.high = t.high AND s.distinct_values = t.distinct_values AND abs(s.mean / t.mean - 1) < 1e-12 AS x
FROM (SELECT (augur.profile_info(x)).* FROM together) s, (SELECT (augur.profile_info(x)).* FROM alone) t;
SELECT augur.profile_info(s.bit) = augur.profile_info(t.bit) AS bit, (augur.profile_info(s.holes)).nulls = (augur.profile_info(t.holes)).nulls AS holes,
	(augur.profile_info(s.rare)).n = (augur.profile_info(t.rare)).n AND (augur.profile_info(s.rare)).distinct_values = (augur.profile_info(t.rare)).distinct_values AS rare,
	augur.profile_json(s.bit) = augur.profile_json(t.bit) AS json
FROM together s, alone t;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- parts of a partitioned table, put together in one process
CREATE TABLE divided (part int, x float8, label text) PARTITION BY LIST (part);
CREATE TABLE divided_0 PARTITION OF divided FOR VALUES IN (0);
CREATE TABLE divided_1 PARTITION OF divided FOR VALUES IN (1);
INSERT INTO divided SELECT part, x, rare FROM many WHERE part < 2;
SET enable_partitionwise_aggregate = on;
SELECT (augur.profile_info(augur.profile(x))).n, (augur.profile_info(augur.profile(label))).n AS labels FROM divided;
RESET enable_partitionwise_aggregate;

-- ---- as bytes ----------------------------------------------------------------------------------------------

SELECT bool_and(x::text::augur.profile::text = x::text AND rare::text::augur.profile::text = rare::text AND bit::text::augur.profile::text = bit::text) AS same,
	bool_and(augur.profile_send(x) = x::text::bytea) AS send FROM parts;
SELECT augur.profile_send(augur.profile(1::int)) AS one;
-- bounded size
SELECT max(octet_length(augur.profile_send(x))) < 60000 AS numbers, max(octet_length(augur.profile_send(rare))) < 60000 AS labels FROM alone;
CREATE FUNCTION try(v text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM augur.profile_info(v::augur.profile);
	RETURN 'taken';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
SELECT 'x'::augur.profile;
SELECT '\x'::augur.profile;
SELECT '\x1'::augur.profile;
SELECT '\x00'::augur.profile;
SELECT left(augur.profile(1)::text, -2)::augur.profile;
SELECT (augur.new_detector('ddm')::text)::augur.profile;
-- each bit turned, each length
SELECT try('\x' || encode(set_bit(b, k, 1 - get_bit(b, k)), 'hex')) AS turned, count(*)
FROM (SELECT augur.profile_send(augur.profile(x)) AS b FROM few WHERE x < 20) t, generate_series(0, 8 * length(b) - 1) k GROUP BY 1 ORDER BY 1;
SELECT try('\x' || encode(substr(b, 1, k), 'hex')) AS shortened, count(*)
FROM (SELECT augur.profile_send(augur.profile(vc)) AS b FROM kinds) t, generate_series(0, length(b) - 1) k GROUP BY 1 ORDER BY 1;
SELECT try(p::text || '00') AS longer FROM (SELECT augur.profile(vc) AS p FROM kinds) t;
COPY (SELECT x, rare FROM parts WHERE part = 1) TO PROGRAM 'cat >/dev/null' (FORMAT binary);

-- ---- comparing ------------------------------------------------------------------------------------------

CREATE TABLE sides AS
SELECT i % 2 = 0 AS side, (i * 7919 % 2003 + CASE WHEN i % 2 = 0 THEN 150 ELSE 0 END)::float8 AS x,
	CASE WHEN i % 2 = 0 AND i % 3 = 0 THEN 'new' ELSE 'l' || i * i % 13 END AS label, i % 2 = 0 AND i % 5 < 3 OR i % 7 = 0 AS bit,
	CASE WHEN i % 2 = 0 OR i % 10 > 1 THEN i END AS holes
FROM generate_series(1, 3001) i;
CREATE VIEW both_sides AS
SELECT a.x AS rx, b.x AS cx, a.label AS rl, b.label AS cl, a.bit AS rb, b.bit AS cb, a.holes AS rh, b.holes AS ch
FROM (SELECT augur.profile(x) AS x, augur.profile(label) AS label, augur.profile(bit) AS bit, augur.profile(holes) AS holes FROM sides WHERE NOT side) a,
	(SELECT augur.profile(x) AS x, augur.profile(label) AS label, augur.profile(bit) AS bit, augur.profile(holes) AS holes FROM sides WHERE side) b;
CREATE FUNCTION near(a float8, b float8) RETURNS boolean LANGUAGE sql AS 'SELECT a = b OR abs(a - b) <= 1e-12 * greatest(abs(a), abs(b))';
-- below 2,048 values: the statistics of the values themselves
SELECT d.n_reference, d.n_current, near(d.wasserstein, r.w / r.sd) AS wasserstein, near(d.ks, (r.ks).statistic) AS ks, near(d.ks_p, (r.ks).p_value) AS ks_p,
	near(d.out_of_range_share, r.outside) AS outside
FROM both_sides b, augur.profile_difference(b.rx, b.cx) d,
	(SELECT augur.wasserstein(side, x) AS w, augur.ks(side, x) AS ks, stddev_pop(x) FILTER (WHERE NOT side) AS sd,
		count(*) FILTER (WHERE side AND (x > top.high OR x < top.low))::float8 / count(*) FILTER (WHERE side) AS outside
	FROM sides, (SELECT min(x) AS low, max(x) AS high FROM sides WHERE NOT side) top) r;
WITH cells AS (SELECT label, count(*) FILTER (WHERE NOT side)::float8 AS r, count(*) FILTER (WHERE side)::float8 AS c FROM sides GROUP BY label),
	arrays AS (SELECT array_agg(r ORDER BY label) AS r, array_agg(c ORDER BY label) AS c FROM cells)
SELECT near(d.js_distance, augur.distance('js_distance', r, c)) AS js, near(d.hellinger, augur.distance('hellinger', r, c)) AS hellinger,
	near(d.total_variation, augur.distance('total_variation', r, c)) AS tv, near(d.psi, augur.distance('psi', r, c)) AS psi,
	near(d.chi_square, t.statistic) AS chi, near(d.chi_square_p, t.p_value) AS chi_p,
	near(d.unseen_share, (SELECT count(*) FILTER (WHERE label = 'new')::float8 / count(*) FROM sides WHERE side)) AS unseen
FROM both_sides b, augur.profile_difference(b.rl, b.cl) d, arrays, augur.chi_square_test(r, c) t;
SELECT d.missing_reference, d.missing_current, d.null_reference, near(d.null_p, (augur.share_test(d.missing_reference, d.n_reference + d.missing_reference, d.missing_current,
	d.n_current + d.missing_current)).p_value) AS null_p
FROM both_sides b, augur.profile_difference(b.rh, b.ch) d;
SELECT d.wasserstein, d.ks, d.js_distance, d.psi, d.out_of_range_share FROM both_sides b, augur.profile_difference(b.rx, b.rx) d;
SELECT d.js_distance, d.chi_square, d.unseen_share, d.wasserstein IS NULL AS no_numbers FROM both_sides b, augur.profile_difference(b.rb, b.rb) d;
-- larger ones: near to them
SELECT abs(d.wasserstein - r.w / r.sd) < 0.01 AS wasserstein, abs(d.ks - (r.ks).statistic) < 0.012 AS ks, d.ks_p < 1e-6 AS significant, n.ks_p > 0.05 AS not_by_itself
FROM (SELECT augur.wasserstein(i % 2 = 0, x + 20000 * (i % 2)) AS w, augur.ks(i % 2 = 0, x + 20000 * (i % 2)) AS ks, stddev_pop(x) FILTER (WHERE i % 2 = 0) AS sd FROM many) r,
	(SELECT augur.profile(x) FILTER (WHERE i % 2 = 1) AS a, augur.profile(x) FILTER (WHERE i % 2 = 0) AS b, augur.profile(x + 20000) FILTER (WHERE i % 2 = 1) AS c FROM many) p,
	augur.profile_difference(p.b, p.c) d, augur.profile_difference(p.b, p.a) n;
-- constants, one side without values, dates with timestamps
SELECT d.wasserstein, d.ks, d.n_current FROM augur.profile_difference((SELECT augur.profile(7) FROM few), (SELECT augur.profile(8) FROM few)) d;
SELECT d.n_current, d.ks, d.psi, d.null_current FROM augur.profile_difference((SELECT augur.profile(x) FROM few), (SELECT augur.profile(NULL::int) FROM few)) d;
SELECT d.ks FROM augur.profile_difference((SELECT augur.profile(d) FROM kinds), (SELECT augur.profile(d::timestamp) FROM kinds)) d;
SELECT augur.profile_difference(augur.profile(1), augur.profile('a'::text));
SELECT augur.profile_difference(augur.profile(true), augur.profile('a'::text));
SELECT augur.profile_difference(augur.profile(1), augur.profile(date '2024-01-01'));

-- ---- a relation ---------------------------------------------------------------------------------------------

CREATE TABLE "Odd ""t" ("A ""b" int, r text, j jsonb, "null" float8);
INSERT INTO "Odd ""t" VALUES (1, 'x', '{}', NULL), (2, 'y', '{}', 1);
SELECT p.column_name, augur.profile_json(p.profile) - 'quantiles' AS json FROM augur.profile_relation('"Odd ""t"') p;
SELECT p.column_name, (augur.profile_info(p.profile)).n FROM augur.profile_relation('"Odd ""t"', '{r,"A \"b"}', '"A ""b" > 1 -- two') p;
SELECT count(*) FROM augur.profile_relation('"Odd ""t"', filter => 'false') p WHERE p.profile IS NULL;
SELECT augur.profile_relation('"Odd ""t"', '{nix}');
SELECT augur.profile_relation('"Odd ""t"', '{j}');
SELECT augur.profile_relation(NULL);

SET client_min_messages = warning;
DROP SCHEMA pr CASCADE;
