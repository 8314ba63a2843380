-- drift: two relations compared column by column
CREATE SCHEMA "Dr ""ift";
\set SHOW_CONTEXT never
SET search_path = "Dr ""ift", public;
CREATE TABLE "Ref ""a" AS
SELECT i % 100 AS "X ""y", (i * 37 % 500)::float8 AS moved, (i * 37 % 500)::numeric AS emptied,
	(ARRAY['a', 'b', 'c'])[i % 3 + 1] AS label, (ARRAY['a', 'b', 'c'])[i % 3 + 1] AS shifted,
	i AS gone, i AS changed, 7 AS constant, now() AS at
FROM generate_series(1, 1000) i;
CREATE TABLE cur AS
SELECT i % 100 AS "X ""y", (i * 37 % 500)::float8 + 75 AS moved,
	CASE WHEN i % 2 = 0 THEN i * 37 % 500 END AS emptied, (ARRAY['a', 'b', 'c'])[i % 3 + 1] AS label,
	CASE WHEN i % 4 = 0 THEN 'new' ELSE 'a' END AS shifted, i::text AS changed, 8 AS constant
FROM generate_series(1, 500) i;
SELECT column_name, kind, method, round(score::numeric, 4) AS score, adjusted_p <= 0.05 AS moved,
	n_reference AS n, n_current AS m, null_current AS nulls, unseen_share AS unseen,
	out_of_range_share AS outside, verdict, detail
FROM augur.drift_between('"Ref ""a"', 'cur');
-- the scores are those of the aggregates
SELECT d.score = a.w / a.sd AS same_score, d.p_value = a.p AS same_p
FROM augur.drift_between('"Ref ""a"', 'cur', '{moved}') d,
	(SELECT augur.wasserstein(s, x) AS w, (augur.ks(s, x)).p_value AS p, stddev_pop(x) FILTER (WHERE NOT s) AS sd
	FROM (SELECT false, moved FROM "Ref ""a" UNION ALL SELECT true, moved FROM cur) r (s, x)) a;
SELECT verdict FROM augur.drift_between('"Ref ""a"', 'cur', '{moved}', effect_floor => 2);
SELECT column_name, verdict, p_value FROM augur.drift_between('"Ref ""a"', 'cur', min_rows => 501)
WHERE verdict <> 'error';
-- significant, but too small to matter: 0.03 standard deviations at 100,000 rows
CREATE TABLE big AS SELECT i::float8 AS x FROM generate_series(1, 100000) i;
CREATE TABLE big2 AS SELECT i + 900.0 AS x FROM generate_series(1, 100000) i;
SELECT round(score::numeric, 3) AS score, p_value < 0.05 AS significant, verdict FROM augur.drift_between('big', 'big2');
-- nothing there, and values that are no numbers
CREATE TABLE void (x float8, t text);
SELECT column_name, n_reference, n_current, verdict FROM augur.drift_between('void', 'void');
INSERT INTO void SELECT 'NaN', NULL FROM generate_series(1, 200);
SELECT column_name, n_reference, null_reference, verdict FROM augur.drift_between('void', 'void');
SELECT augur.drift_report('void', 'void') - 'drift_by_columns' AS report;
SELECT augur.drift_report('"Ref ""a"', 'cur') - 'drift_by_columns' AS report;
SELECT augur.drift_report('"Ref ""a"', 'cur', '{constant}') #- '{drift_by_columns,constant,adjusted_p}' AS report;
SELECT augur.drift_report('"Ref ""a"', 'cur', '{label}') ->> 'verdict' AS verdict;
-- no column that can be compared
CREATE TABLE stamps AS SELECT now() AS at;
SELECT augur.drift_report('stamps', 'stamps') AS report;
-- a column that no float8 can hold keeps no other from being compared
CREATE TABLE huge AS SELECT i * 1e200::float8 AS x, i * 1e400::numeric AS n, i::float8 AS y FROM generate_series(1, 200) i;
SELECT column_name, verdict, left(detail, 40) AS detail FROM augur.drift_between('huge', 'huge');
-- errors
SELECT augur.drift_between('"Ref ""a"', 'cur', '{nix}');
SELECT augur.drift_between('"Ref ""a"', 'cur', '{at}');
SELECT augur.drift_between(NULL, 'cur');
SELECT augur.drift_between('cur', 'cur', min_rows => 0);
SELECT augur.drift_between('cur', 'cur', alpha => 1);
SELECT augur.drift_between('cur', 'cur', effect_floor => 'NaN');
SELECT augur.drift_report('cur', 'cur', drift_share => 0);
SET client_min_messages = warning;
DROP SCHEMA "Dr ""ift" CASCADE;
