-- drift_model: relations and daily profiles against what a version was trained on
CREATE SCHEMA "Dm ""s";
\set SHOW_CONTEXT never
SET search_path = "Dm ""s", public;
CREATE FUNCTION noise(i bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS
	$$ SELECT (hashint8extended(i, 42) & 65535) / 65536.0::float8 $$;
CREATE TABLE base AS
SELECT i, (noise(i) * 60 + 18)::int AS "Age ""y", CASE WHEN i % 9 > 0 THEN round((noise(i + 10000) * 1000)::numeric, 2) END AS income,
	(ARRAY['north', 'south', 'east', 'O''West'])[1 + (noise(i + 20000) * 4)::int % 4] AS "City", noise(i + 30000) < 0.3 AS member,
	date '2024-01-01' + (noise(i + 40000) * 300)::int AS since, (timestamptz '2024-01-01 00:00+00' + noise(i + 50000) * interval '300 days') AS seen,
	noise(i + 60000)::real AS r
FROM generate_series(1, 6000) i;
CREATE VIEW labelled AS
SELECT *, "Age ""y" + noise(i + 70000) * 10 > 45 AS churned, "Age ""y" * 2 + noise(i + 80000) * 10 AS spend,
	CASE WHEN "Age ""y" < 35 THEN 'young' WHEN member THEN 'mid' ELSE 'old' END AS "Class"
FROM base;
CREATE TABLE trained AS SELECT * FROM labelled WHERE i <= 4000;
CREATE TABLE later AS SELECT * FROM labelled WHERE i > 4000;
ALTER TABLE trained DROP COLUMN i;
ALTER TABLE later DROP COLUMN i;
SET client_min_messages = warning;
SELECT version, promoted FROM augur.train('churn', 'trained', 'churned', exclude => '{spend,Class}', params => '{"n_trees": 20}', seed => 1, promote => 'always');
SELECT version, promoted FROM augur.train('spend', 'trained', 'spend', exclude => '{churned,Class}', algorithm => 'gradient_boosting', params => '{"n_trees": 30}', seed => 1, promote => 'always');
SELECT version, promoted FROM augur.train('class', 'trained', 'Class', exclude => '{churned,spend}', params => '{"n_trees": 10}', seed => 1, promote => 'always');

-- ---- what is stored ------------------------------------------------------------------------------------

CREATE VIEW stored AS
SELECT m.name, v.version, p.part, p.column_name, p.importance, p.profile, s.kind, s.n, s.nulls, s.low, s.high, s.labels
FROM augur.version_profiles p JOIN augur.versions v ON v.id = p.version_id JOIN augur.models m ON m.id = v.model_id, augur.profile_info(p.profile) s;
SELECT part, column_name, kind, n, nulls, round(low::numeric, 2) AS low, round(high::numeric, 2) AS high, labels, importance IS NOT NULL AS important
FROM stored WHERE name = 'churn' ORDER BY part, column_name;
SELECT name, round(sum(importance)::numeric, 6) AS importance FROM stored WHERE part = 'feature' GROUP BY 1 ORDER BY 1;
SELECT name, part, column_name, kind, n, labels FROM stored WHERE part <> 'feature' ORDER BY name, part;
-- rows of the training side and of the holdout are all rows there were
SELECT s.name, s.n + p.n AS rows FROM stored s JOIN stored p USING (name) WHERE s.part = 'target' AND p.part = 'prediction' ORDER BY 1;
-- without a holdout there are no scores
SELECT version FROM augur.train('whole', 'trained', 'churned', exclude => '{spend,Class}', params => '{"n_trees": 2}', seed => 1, validation => '{"holdout": 0}');
SELECT part, count(*) FROM stored WHERE name = 'whole' GROUP BY 1 ORDER BY 1;
-- then they are those that the aggregate makes, but for the rounding of moments
SELECT s.part, s.column_name, augur.profile_json(s.profile) - '{mean,sd,skewness,kurtosis}'::text[] = augur.profile_json(p.profile) - '{mean,sd,skewness,kurtosis}'::text[] AS same,
	abs((augur.profile_info(s.profile)).mean / (augur.profile_info(p.profile)).mean - 1) < 1e-12 AS mean,
	abs((augur.profile_info(s.profile)).sd / (augur.profile_info(p.profile)).sd - 1) < 1e-12 AS sd
FROM stored s LEFT JOIN augur.profile_relation('trained') p USING (column_name) WHERE s.name = 'whole' ORDER BY 1, 2;
-- of every kind of type, with values that are none
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE kinds AS
SELECT (i % 100)::int2 AS i2, (i % 77 * 10000000000)::int8 AS i8, (i % 63 / 4.0)::float4 AS f4,
	CASE WHEN i % 11 = 0 THEN 'NaN' WHEN i % 13 = 0 THEN 'Infinity' ELSE (i % 51 / 3.0)::float8 END AS f8,
	CASE WHEN i % 17 = 0 THEN 'NaN' ELSE (i % 71 / 10.0)::numeric END AS num, (i % 13 * 1.5)::numeric::money AS cash,
	CASE WHEN i % 6 = 0 THEN '' ELSE repeat('é', 70) || i % 5 END AS txt, chr(97 + i % 3)::char(4) AS padded, chr(97 + i % 5)::name AS nm,
	chr(97 + i % 5)::"char" AS one, (enum_range(NULL::mood))[1 + i % 3] AS md,
	CASE WHEN i % 29 = 0 THEN 'infinity' ELSE date '2024-01-01' + i % 200 END AS d,
	CASE WHEN i % 31 = 0 THEN '-infinity' ELSE timestamp '2024-01-01 12:00' + i % 300 * interval '1 day' END AS ts,
	CASE WHEN i % 5 > 0 THEN time '00:00' + i % 500 * interval '1 minute' END AS tm, i % 70 * interval '90 minutes' AS iv,
	('10.0.0.' || i % 2)::inet AS ip, ARRAY[i % 4, i % 5]::float8[] AS arr, (i * 31 % 1000 / 10.0 + i % 100)::float8 AS target
FROM generate_series(1, 1500) i;
SELECT version FROM augur.train('kinds', 'kinds', 'target', params => '{"n_trees": 2}', seed => 1, validation => '{"holdout": 0}', promote => 'always');
SELECT column_name, s.kind, s.n, (augur.profile_info(s.profile)).infinite, (augur.profile_info(p.profile)).n + (augur.profile_info(p.profile)).infinite AS aggregate,
	augur.profile_json(s.profile) - '{mean,sd,skewness,kurtosis,nans,nulls}'::text[] = augur.profile_json(p.profile) - '{mean,sd,skewness,kurtosis,nans,nulls}'::text[] AS same
FROM stored s LEFT JOIN augur.profile_relation('kinds') p USING (column_name) WHERE s.name = 'kinds' ORDER BY 1;
SELECT column_name, verdict, score, null_reference, null_current FROM augur.drift('kinds', 'kinds') WHERE verdict <> 'ok' OR score <> 0 OR null_reference <> null_current;
-- profiles change nothing about the model: its bytes are the same where there was no memory for them
SET augur.training_memory = '3MB';
SELECT version, warnings FROM augur.train('plain', 'trained', 'churned', exclude => '{spend,Class}', params => '{"n_trees": 20}', seed => 1, promote => 'always');
RESET augur.training_memory;
SELECT count(DISTINCT v.sha256) AS models, count(*) AS versions FROM augur.versions v JOIN augur.models m ON m.id = v.model_id WHERE m.name IN ('churn', 'plain');
SELECT count(*) AS profiles FROM stored WHERE name = 'plain';
-- of a query, an integer of classes, a domain, names that need care
CREATE DOMAIN code AS varchar(20) CHECK (VALUE <> '');
SELECT version FROM augur.train_query('query', $$SELECT churned::int AS "T ""arget", ('k' || floor(noise(floor(income)::int) * 6))::code AS few, "Age ""y", '{1,2}'::float8[] AS list
	FROM trained$$, 'T "arget', task => 'classification', params => '{"n_trees": 2}', seed => 1, promote => 'always');
SELECT part, column_name, kind, n, nulls, labels FROM stored WHERE name = 'query' ORDER BY 1, 2;
CREATE VIEW again AS SELECT churned::int AS "T ""arget", ('k' || floor(noise(floor(income)::int) * 6))::code AS few, "Age ""y", '{1,2}'::float8[] AS list FROM later;
SELECT part, column_name, verdict, detail FROM augur.drift('query', 'again') ORDER BY 1, 2;
-- a text of more values than a profile keeps
CREATE VIEW coded AS SELECT spend, 'k' || "Age ""y" * 100 + floor(income / 10) AS code FROM trained;
SELECT version FROM augur.train('coded', 'coded', 'spend', params => '{"n_trees": 2}', seed => 1, promote => 'always');
SELECT s.n, s.nulls, s.exact, s.labels BETWEEN 1 AND 1000 AS kept, s.label_error BETWEEN 1 AND 3 AS error
FROM stored t, augur.profile_info(t.profile) s WHERE t.name = 'coded' AND part = 'feature';
SELECT column_name, unseen_share, verdict FROM augur.drift('coded', 'coded', predictions => false) WHERE part = 'feature';

-- ---- relations --------------------------------------------------------------------------------------------

-- later rows like those of the training: nothing; target and predictions included
SELECT part, column_name, kind, method, n_current, verdict, detail FROM augur.drift('churn', 'later');
SELECT part, column_name, verdict FROM augur.drift('spend', 'later') WHERE verdict <> 'ok' OR part <> 'feature';
SELECT part, column_name, kind, verdict FROM augur.drift('class', 'later') WHERE verdict <> 'ok' OR part <> 'feature';
SELECT DISTINCT verdict FROM augur.drift('churn/1', 'later', predictions => false) ORDER BY 1;
SELECT DISTINCT verdict FROM augur.drift('churn@production', 'later', predictions => false) ORDER BY 1;
-- moved, emptied, new categories; the target is not there yet
CREATE VIEW moved AS
SELECT "Age ""y" + 15 AS "Age ""y", CASE WHEN noise("Age ""y" * 1000 + (income * 7)::int) < 0.6 THEN income END AS income,
	CASE WHEN noise(floor(income)::int) < 0.4 THEN 'mars' ELSE "City" END AS "City", member, since + 200 AS since, seen + interval '1000 days' AS seen, r FROM later;
SELECT part, column_name, verdict, detail, round(score::numeric, 2) AS score, unseen_share > 0.2 AS unseen, round(out_of_range_share::numeric, 2) AS outside,
	null_current > 0.4 AS emptied
FROM augur.drift('churn', 'moved');
SELECT DISTINCT verdict FROM augur.drift('churn', 'moved', effect_floor => 20) ORDER BY 1;
-- only some columns: neither scores nor others
SELECT part, column_name, verdict FROM augur.drift('churn', 'moved', columns => '{income,"Age \"y"}');
SELECT part, column_name, verdict FROM augur.drift('churn', 'later', columns => '{member}');
-- a window
SELECT part, column_name, n_current, verdict FROM augur.drift('churn', 'later', '"Age ""y" < 30 -- the young') WHERE column_name IN ('Age "y', 'member', 'churned');
-- columns that have gone or are of another type: no scores then
CREATE VIEW changed AS SELECT "Age ""y"::text AS "Age ""y", "City", member, since::timestamp AS since, seen::date AS seen, '{}'::jsonb AS r FROM later;
SELECT part, column_name, kind, verdict, detail FROM augur.drift('churn', 'changed');
-- few rows, and none
SELECT part, column_name, n_current, verdict, detail FROM augur.drift('churn', 'later', 'member AND "Age ""y" BETWEEN 20 AND 21');
SELECT part, column_name, n_current, verdict, detail FROM augur.drift('churn', 'later', 'false') WHERE part <> 'feature';
SELECT DISTINCT verdict FROM augur.drift('churn', 'later', 'member AND "Age ""y" BETWEEN 20 AND 21', min_rows => 1) ORDER BY 1;
-- one that has no values at all
CREATE VIEW emptied AS SELECT "Age ""y", NULL::numeric AS income, "City", member, since, seen, r FROM later;
SELECT part, column_name, n_current, null_current, verdict, detail FROM augur.drift('churn', 'emptied', predictions => false) WHERE column_name = 'income';

-- ---- reports -----------------------------------------------------------------------------------------------

SELECT augur.model_drift_report('churn', 'later') - '{drift_by_columns,target_drift,prediction_drift}'::text[] AS report;
SELECT r ->> 'verdict' AS verdict, r ->> 'number_of_columns' AS columns, r -> 'target_drift' AS target, r #>> '{prediction_drift,verdict}' AS prediction,
	(SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(r) k) AS keys, (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(r -> 'drift_by_columns') k) AS names
FROM augur.model_drift_report('churn', 'moved') r;
-- one column of seven, but the one the model looks at
CREATE VIEW older AS SELECT "Age ""y" + 15 AS "Age ""y", income, "City", member, since, seen, r FROM later;
SELECT r ->> 'verdict' AS verdict, r ->> 'number_of_drifted_columns' AS drifted, round((r ->> 'share_of_drifted_columns')::numeric, 2) AS share,
	(r ->> 'weighted_share_of_drifted_columns')::numeric > 0.5 AS weighted, r ->> 'dataset_drift' AS dataset
FROM augur.model_drift_report('churn', 'older', predictions => false) r;
SELECT augur.model_drift_report('churn', 'later', 'false') ->> 'verdict' AS of_none;

-- ---- from daily profiles -----------------------------------------------------------------------------------

CREATE TABLE daily (day int, column_name name, profile augur.profile);
INSERT INTO daily SELECT d, p.* FROM generate_series(0, 4) d, augur.profile_relation('later', filter => format('"Age ""y" %% 5 = %s', d)) p;
CREATE TABLE month AS SELECT array_agg(column_name ORDER BY column_name) AS c, array_agg(p ORDER BY column_name) AS p
FROM (SELECT column_name, augur.merge_profiles(profile) AS p FROM daily WHERE column_name NOT IN ('spend', 'Class') GROUP BY 1) m;
SELECT d.part, d.column_name, d.n_current, d.verdict, d.score = r.score AND d.p_value = r.p_value AS same
FROM month, augur.drift_profiles('churn', c, p) d JOIN augur.drift('churn', 'later', predictions => false) r USING (part, column_name) ORDER BY 1, 2;
SELECT column_name, verdict, detail FROM augur.drift_profiles('churn', '{income}', ARRAY[NULL]::augur.profile[]);
SELECT count(*) FROM augur.drift_profiles('churn', '{}', '{}');

-- ---- errors --------------------------------------------------------------------------------------------------

SELECT augur.drift('nix', 'later');
SELECT augur.drift('churn/9', 'later');
SELECT augur.drift('plain', 'later');
SELECT augur.drift('churn', 'nix');
SELECT augur.drift('churn', NULL::regclass);
SELECT augur.drift(NULL, 'later');
SELECT augur.drift('churn', 'later', columns => '{nix}');
SELECT augur.drift('churn', 'later', columns => '{churned}');
SELECT augur.drift('churn', 'later', min_rows => 0);
SELECT augur.drift('churn', 'later', alpha => NULL);
SELECT augur.drift('churn', 'later', effect_floor => -1);
SELECT augur.drift('churn', 'later', 'nix > 1');
SELECT count(*) FROM augur.drift('churn', 'later', 'true) OR (true');
SELECT augur.model_drift_report('churn', 'later', drift_share => 2);
SELECT augur.drift_profiles('churn', '{income}', '{}');
SELECT augur.drift_profiles('churn', '{nix}', ARRAY[NULL]::augur.profile[]);
SELECT d.verdict, d.detail FROM augur.drift_profiles('churn', '{income}', ARRAY[(SELECT augur.profile("City") FROM later)]) d;
SELECT augur.register('given', m) FROM (SELECT augur.random_forest_agg(churned, t, '{"n_trees": 2}') AS m FROM (SELECT churned, income FROM trained) t) t;
SELECT augur.drift('given/1', 'later');
SELECT version FROM augur.train_forecast('days', 'trained', 'since', 'income', method => 'drift');
-- nobody changes them
UPDATE augur.version_profiles SET importance = 0;
DELETE FROM augur.version_profiles;
TRUNCATE augur.version_profiles;
SELECT augur.drop_model('class');
SELECT count(*) FROM stored WHERE name = 'class';
DROP SCHEMA "Dm ""s" CASCADE;
