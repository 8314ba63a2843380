-- Distances between two sets and tests whether they differ; numbers of tests/data/stats_golden.txt (SciPy).
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE TABLE two AS
SELECT false AS now, i * 7919 % 1009 / 10.0::float8 AS v, i * 31 % 7 AS k, i AS id FROM generate_series(0, 199) i
UNION ALL SELECT true, i * 104729 % 997 / 10.0::float8 + 3, i * 17 % 9, i FROM generate_series(0, 149) i;
SELECT round(augur.wasserstein(now, v)::numeric, 12) AS wasserstein FROM two;
SELECT round(statistic::numeric, 12) AS statistic, round(p_value::numeric, 12) AS p_value, df, n_reference, n_current
FROM (SELECT (augur.ks(now, v)).* FROM two) t;
-- order, workers and groups do not matter
SELECT count(DISTINCT t) FROM (SELECT augur.ks(now, v ORDER BY id) FROM two UNION ALL
	SELECT augur.ks(now, v ORDER BY id DESC) FROM two UNION ALL SELECT augur.ks(now, v ORDER BY v) FROM two) t (t);
CREATE TABLE many AS SELECT now, v + g AS v, chr(97 + (k * g) % 23) AS c FROM two, generate_series(1, 60) g;
SELECT augur.psi(now, v) AS psi, augur.js_distance(now, c) AS js, augur.wasserstein(now, v) AS w, (augur.chi_square(now, c)).p_value AS p,
	augur.total_variation(now, v, 7) AS tv, augur.hellinger(now, c) AS h INTO one FROM many;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT one = t AS same FROM one, (SELECT augur.psi(now, v) AS psi, augur.js_distance(now, c) AS js, augur.wasserstein(now, v) AS w,
	(augur.chi_square(now, c)).p_value AS p, augur.total_variation(now, v, 7) AS tv, augur.hellinger(now, c) AS h FROM many) t;
RESET max_parallel_workers_per_gather;
-- binned: the reference fills its bins evenly
SELECT round(augur.psi(now, v)::numeric, 9) AS psi, round(augur.psi(now, v, 5)::numeric, 9) AS psi5, round(augur.js_distance(now, v)::numeric, 9) AS js,
	round(augur.hellinger(now, v)::numeric, 9) AS hellinger, round(augur.total_variation(now, v)::numeric, 9) AS tv FROM two;
SELECT round(augur.psi(now, v)::numeric, 9) = (SELECT round(augur.distance('psi', array_agg(r ORDER BY b), array_agg(c ORDER BY b))::numeric, 9)
	FROM (SELECT b, count(*) FILTER (WHERE NOT now) AS r, count(*) FILTER (WHERE now) AS c
		FROM two, LATERAL (SELECT width_bucket(v, (SELECT array_agg(e) FROM (SELECT x::numeric AS e FROM
			(SELECT percentile_disc(ARRAY[.1, .2, .3, .4, .5, .6, .7, .8, .9]) WITHIN GROUP (ORDER BY v) FROM two WHERE NOT now) q (q), unnest(q) x) e)::float8[]) AS b0) w,
			LATERAL (SELECT CASE WHEN v = ANY ((SELECT percentile_disc(ARRAY[.1, .2, .3, .4, .5, .6, .7, .8, .9]) WITHIN GROUP (ORDER BY v) FROM two WHERE NOT now)::float8[])
				THEN b0 - 1 ELSE b0 END AS b) x GROUP BY b) t) AS as_counted
FROM two;
-- categories, of other types too
SELECT round(statistic::numeric, 9) AS statistic, round(p_value::numeric, 9) AS p_value, df FROM (SELECT (augur.chi_square(now, k)).* FROM two) t;
SELECT augur.chi_square(now, k) = augur.chi_square(now, k::text) AS same_text, augur.chi_square(now, k) = augur.chi_square(now, k::numeric(5, 2)) AS same_number FROM two;
SELECT round(augur.psi(now, k::text)::numeric, 9) AS psi, round(augur.total_variation(now, k::text)::numeric, 9) AS tv FROM two;
-- a category called as a side is, and one that only a side has
SELECT round(augur.total_variation(x, c)::numeric, 6) FROM (VALUES (false, 'current'), (false, 'reference'), (true, 'current'), (true, 'new')) t (x, c);
-- counts
SELECT d, round(augur.distance(d, '{10,20,30,0,5}', '{12,18,0,7,9}')::numeric, 12) FROM unnest('{psi,js_distance,hellinger,total_variation}'::text[]) d;
SELECT augur.distance('kl', '{10,20,30,0,5}', '{12,18,0,7,9}');
SELECT round(statistic::numeric, 9), round(p_value::numeric, 12), df, n_reference, n_current FROM augur.chi_square_test('{10,20,30,0,5}', '{12,18,0,7,9}');
SELECT round(statistic::numeric, 9), round(p_value::numeric, 9) FROM augur.share_test(5, 100, 15, 120);
SELECT augur.adjust_p_values('{0.01,0.04,NULL,0.03}'), augur.adjust_p_values('{}');
SELECT round(augur.null_quantile('psi', 200, 5000, 10)::numeric, 6), round(augur.null_quantile('js_distance', 500, 5000, 50, 0.01)::numeric, 6);
-- nothing to compare
SELECT augur.psi(true, v), augur.ks(true, v), augur.wasserstein(false, v), augur.psi(true, k::text), augur.chi_square(true, k) FROM two;
SELECT augur.psi(now, v), augur.ks(now, NULL), augur.psi(NULL, v), augur.chi_square(now, NULL::text) FROM two WHERE false;
SELECT (augur.ks(now, NULLIF(v, 3))).n_current AS nulls_are_skipped FROM two;
SELECT augur.distance('psi', '{0,0}', '{1,2}'), augur.distance('psi', '{}', '{}');
SELECT (augur.ks(now, CASE WHEN id = 0 THEN 'Infinity' ELSE v END)).statistic < 1 AS infinity_has_a_place FROM two;
-- refused
SELECT augur.psi(now, CASE WHEN id = 3 THEN 'NaN' ELSE v END) FROM two;
SELECT augur.wasserstein(now, CASE WHEN id = 3 THEN 'Infinity' ELSE v END) FROM two;
SELECT augur.psi(now, v, 0) FROM two;
SELECT augur.psi(now, v, id + 1) FROM two;
SELECT augur.distance('euclid', '{1}', '{1}');
SELECT augur.distance('psi', '{1,2}', '{1}');
SELECT augur.distance('psi', '{1,-2}', '{1,2}');
SELECT augur.distance('psi', '{1,2}', '{1,NULL}');
SELECT augur.share_test(5, 4, 1, 2);
SELECT augur.adjust_p_values('{0.5,1.5}');
SELECT augur.null_quantile('total_variation', 10, 10, 5);
SELECT augur.null_quantile('psi', 0, 10, 5);
