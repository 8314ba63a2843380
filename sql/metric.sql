-- Metric aggregates: values against scikit-learn, any split of the rows, edges, errors.
SET search_path = public, augur;

CREATE TABLE measured AS
SELECT i, (i * 7919 % 1009) / 100.0::float8 - 3 AS actual,
	(i * 7919 % 1009) / 100.0::float8 - 3 + (i * 104729 % 211) / 50.0::float8 - 2 AS predicted,
	(i * 7919 % 97) / 97.0::float8 AS score,
	(i * 31337 % 101) / 101.0::float8 < 0.2 + 0.6 * ((i * 7919 % 97) / 97.0::float8) AS label,
	('{red,green,blue,grey}'::text[])[(i * 17 % 23) % 4 + 1] AS color,
	CASE WHEN i * 13 % 7 < 4 THEN ('{red,green,blue,grey}'::text[])[(i * 17 % 23) % 4 + 1]
		 ELSE ('{red,green,blue,grey}'::text[])[i % 3 + 1] END::varchar AS seen,
	(i * 7919 % 1009) / 100.0::float8 - 3 + (i * 3 % 11) / 10.0::float8 - 0.3 AS naive
FROM generate_series(1, 1000) i;

-- From tests/data/metric_golden.py.
CREATE TABLE golden (metric text PRIMARY KEY, value float8);
INSERT INTO golden VALUES
	('rmse', 1.2223619758483981),
	('mae', 1.05728),
	('mape', 1.2975849211432786),
	('smape', 0.61854329315092271),
	('r2', 0.82349686796113075),
	('mase', 3.4205111614364281),
	('pinball', 0.48672000000000004),
	('coverage', 0.47699999999999998),
	('auc', 0.701322),
	('pr_auc', 0.6745982643663615),
	('log_loss', 0.69413787087016221),
	('brier', 0.23264874056754173),
	('accuracy', 0.68400000000000005),
	('accuracy_bool', 0.65400000000000003),
	('f1', 0.65261044176706828),
	('f1_macro', 0.68825002286471626),
	('f1_red', 0.67631103074141052),
	('precision', 0.655241935483871),
	('precision_macro', 0.72914771692184666),
	('precision_red', 0.63822525597269619),
	('recall', 0.65000000000000002),
	('recall_macro', 0.67948338603759151),
	('recall_red', 0.71923076923076923),
	('balanced_accuracy', 0.67948338603759151),
	('mcc', 0.30800985647311324),
	('mcc_multi', 0.58019887682894722);

CREATE VIEW measured_now AS
SELECT m.* FROM (
	SELECT rmse(actual, predicted), mae(actual, predicted), mape(actual, predicted),
		smape(actual, predicted), r2(actual, predicted), mase(actual, predicted, naive),
		pinball(actual, predicted, 0.9), coverage(actual, predicted - 1, predicted + 1),
		auc(label, score), pr_auc(label, score), log_loss(label, score), brier(label, score),
		accuracy(color, seen), accuracy(label, score > 0.5) AS accuracy_bool,
		f1(label, score > 0.5), f1(color, seen) AS f1_macro, f1(color, seen, 'red') AS f1_red,
		augur.precision(label, score > 0.5), augur.precision(color, seen) AS precision_macro,
		augur.precision(color, seen, 'red') AS precision_red,
		recall(label, score > 0.5), recall(color, seen) AS recall_macro,
		recall(color, seen, 'red') AS recall_red,
		balanced_accuracy(color, seen), mcc(label, score > 0.5), mcc(color, seen) AS mcc_multi
	FROM measured) r,
	LATERAL (SELECT key AS metric, value::float8 FROM jsonb_each_text(to_jsonb(r))) m;

SELECT metric, round(m.value::numeric, 6) AS value,
	abs(m.value - g.value) <= 1e-12 * abs(g.value) AS as_scikit_learn
FROM golden g LEFT JOIN measured_now m USING (metric) ORDER BY metric COLLATE "C";

-- Results as jsonb.
SELECT confusion(color, seen) FROM measured WHERE color IN ('red', 'blue');
SELECT l->>'bin' AS bin, l->>'n' AS n, round((l->>'positives')::numeric, 4) AS positives,
	round((l->>'lift')::numeric, 4) AS lift, round((l->>'gain')::numeric, 4) AS gain,
	round((l->>'lowest_score')::numeric, 4) AS lowest_score
FROM (SELECT jsonb_array_elements(lift(label, score, 4)) AS l FROM measured) s;
SELECT c->>'n' AS n, round((c->>'lower')::numeric, 4) AS lower, round((c->>'upper')::numeric, 4) AS upper,
	round((c->>'predicted')::numeric, 4) AS predicted, round((c->>'actual')::numeric, 4) AS actual
FROM (SELECT jsonb_array_elements(calibration(label, score, 4)) AS c FROM measured) s;
-- The curve ends in (1, 1), never goes back, and has the area of auc.
WITH p AS (
	SELECT ordinality AS i, (point->>'fpr')::float8 AS fpr, (point->>'tpr')::float8 AS tpr,
		point->'threshold' AS threshold
	FROM (SELECT roc(label, score) AS points FROM measured) r,
		jsonb_array_elements(points) WITH ORDINALITY AS t (point, ordinality)
), s AS (
	SELECT *, lag(fpr) OVER w AS fpr0, lag(tpr) OVER w AS tpr0 FROM p WINDOW w AS (ORDER BY i)
)
SELECT count(*) AS points, bool_and(fpr >= fpr0 AND tpr >= tpr0) AS rising,
	max(fpr) AS fpr, max(tpr) AS tpr, min(threshold::text) FILTER (WHERE i = 1) AS first_threshold,
	abs(sum((fpr - fpr0) * (tpr + tpr0) / 2) - (SELECT auc(label, score) FROM measured)) < 1e-12 AS area
FROM s;
-- Of many different scores about a thousand points are kept.
SELECT jsonb_array_length(roc(i % 3 = 0, i * 7919 % 50021)) BETWEEN 900 AND 1002 AS thinned
FROM generate_series(1, 50000) i;

-- Parallel plans give the same numbers, and are really used.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF)
SELECT rmse(actual, predicted), r2(actual, predicted), auc(label, score), f1(color, seen),
	calibration(label, score), lift(label, score, 3), confusion(color, seen) FROM measured;
CREATE TEMP TABLE parallel_now AS SELECT * FROM measured_now;
SET max_parallel_workers_per_gather = 0;
SELECT count(*) AS same FROM parallel_now p JOIN measured_now m USING (metric)
WHERE abs(p.value - m.value) <= 1e-12 * abs(m.value);

-- Any split: partitions, combined by partition-wise aggregation.
CREATE TABLE split (LIKE measured) PARTITION BY HASH (i);
CREATE TABLE split_0 PARTITION OF split FOR VALUES WITH (MODULUS 4, REMAINDER 0);
CREATE TABLE split_1 PARTITION OF split FOR VALUES WITH (MODULUS 4, REMAINDER 1);
CREATE TABLE split_2 PARTITION OF split FOR VALUES WITH (MODULUS 4, REMAINDER 2);
CREATE TABLE split_3 PARTITION OF split FOR VALUES WITH (MODULUS 4, REMAINDER 3);
INSERT INTO split SELECT * FROM measured;
SET enable_partitionwise_aggregate = on;
CREATE FUNCTION partial_aggregates(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE line text; n bigint := 0;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		n := n + (line ~ 'Partial Aggregate')::int;
	END LOOP;
	RETURN n;
END $$;
SELECT partial_aggregates('SELECT r2(actual, predicted), auc(label, score), mcc(color, seen) FROM split');
SELECT abs(a.r2 - b.r2) < 1e-13 AS r2, a.auc = b.auc AS auc, a.pr_auc = b.pr_auc AS pr_auc,
	a.roc = b.roc AS roc, a.lift = b.lift AS lift, a.f1 = b.f1 AS f1, a.confusion = b.confusion AS confusion,
	a.accuracy = b.accuracy AS accuracy, abs(a.rmse - b.rmse) < 1e-14 AS rmse
FROM (SELECT r2(actual, predicted), auc(label, score), pr_auc(label, score), roc(label, score),
		lift(label, score, 7), f1(color, seen, 'blue'), confusion(color, seen), accuracy(color, seen),
		rmse(actual, predicted) FROM split) a,
	(SELECT r2(actual, predicted), auc(label, score), pr_auc(label, score), roc(label, score),
		lift(label, score, 7), f1(color, seen, 'blue'), confusion(color, seen), accuracy(color, seen),
		rmse(actual, predicted) FROM measured) b;

-- States of sums can be stored by hour and merged later; combining leaves the stored ones alone.
CREATE AGGREGATE r2_state(float8, float8) (
	SFUNC = augur._r2_add, STYPE = float8[], INITCOND = '{0,0,0,0,0}', COMBINEFUNC = augur._r2_combine);
CREATE AGGREGATE r2_merge(float8[]) (
	SFUNC = augur._r2_combine, STYPE = float8[], INITCOND = '{0,0,0,0,0}', FINALFUNC = augur._r2);
CREATE TABLE hourly AS SELECT i % 24 AS hour, r2_state(actual, predicted) AS state FROM measured GROUP BY 1;
CREATE TEMP TABLE before AS TABLE hourly;
SELECT abs(r2_merge(state) - (SELECT r2(actual, predicted) FROM measured)) < 1e-13 AS merged FROM hourly;
SELECT abs(r2_merge(state::text::float8[]) - (SELECT r2(actual, predicted) FROM measured)) < 1e-13 AS as_text
FROM hourly;
SELECT count(*) AS changed FROM hourly h JOIN before b USING (hour) WHERE h.state <> b.state;

-- Moving frames call the result more than once on one state.
SELECT i, round((auc(label, score) OVER w)::numeric, 6) AS auc,
	round((f1(color, seen) OVER w)::numeric, 6) AS f1, round((mae(actual, predicted) OVER w)::numeric, 6) AS mae
FROM measured WHERE i <= 6 WINDOW w AS (ORDER BY i) ORDER BY i;

-- No rows, NULLs, one class only, constants.
SELECT rmse(actual, predicted), r2(actual, predicted), auc(label, score), f1(color, seen),
	confusion(color, seen), calibration(label, score), lift(label, score) FROM measured WHERE false;
SELECT rmse(a, p), count(*) FROM (VALUES (1, 2), (NULL, 5), (3, NULL), (4, 4)) v (a, p);
SELECT auc(l, s), accuracy(l, s > 0), f1(l, s > 0) FROM (VALUES (true, 1), (NULL, 2), (false, NULL)) v (l, s);
SELECT auc(true, i), pr_auc(true, i), pr_auc(false, i), roc(true, i), lift(true, i, 2),
	augur.precision(false, false), recall(false, true), f1(false, false), mcc(true, true),
	r2(1, i) FROM generate_series(1, 4) i;
SELECT mape(0, 1), smape(0, 0), smape(1e308, -1e308), r2(2, 3), mase(1, 2, 1);
SELECT rmse('infinity', 1), mae('nan', 1), mae(1e308, -1e308), coverage('nan', 1, 2),
	auc(i > 1, CASE i WHEN 1 THEN '-infinity' ELSE 'infinity' END::float8) FROM generate_series(1, 2) i;
-- Large offsets: the deviation keeps its digits.
SELECT round(r2(1e9 + actual, 1e9 + predicted)::numeric, 5) AS r2 FROM measured;

-- Labels of different types; char(n) without its padding; domains; enums; quotes.
CREATE DOMAIN answer AS boolean;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s "fine"');
SELECT accuracy(l, t), accuracy(t, l), f1(l, t), mcc(l, t)
FROM (VALUES (true, 'true'), (false, 'f'), (true, 'no'), (false, 'off')) v (l, t);
SELECT accuracy(l::answer, t::char(5)), f1(l::answer, t::char(5))
FROM (VALUES (true, 't'), (false, 'false'), (true, 'f')) v (l, t);
SELECT accuracy(1, '1'), accuracy('a'::char(3), 'a'), accuracy(2.0, 2), accuracy(2::float4, 2.50),
	accuracy(1.10, 1.1), confusion('it''s "fine"'::mood, 'sad');

-- Errors.
SELECT log_loss(true, 1.5);
SELECT brier(true, 'nan');
SELECT pinball(1, 2, 1);
SELECT auc(true, 'nan');
SELECT calibration(true, 0.5, 1);
SELECT lift(true, 0.5, 0);
SELECT lift(i > 1, i, i) FROM generate_series(1, 3) i;
SELECT f1('a'::text, 'b'::text, i::text) FROM generate_series(1, 3) i;
SELECT confusion(i, i) FROM generate_series(1, 50001) i;
SELECT augur._squared_add('{1,2}', 1, 2);
SELECT augur._sum_combine('{1,2}', '{1,2}');
-- A state is never changed by a plain call.
SELECT s, augur._squared_add(s, 1, 3) AS added FROM (VALUES ('{1,2,0}'::float8[])) v (s);
