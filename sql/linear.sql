-- linear: least squares on the numbers themselves, and what it says about them.
SET search_path = public, augur;
SET augur.verbosity = 0;

-- exact: y = 1 + 2a + effect of b
CREATE TABLE exact AS
SELECT i AS a, (ARRAY['u', 'v', 'w'])[1 + i % 3] AS b, 1 + 2 * i + (ARRAY[0, 3, -1])[1 + i % 3] AS y
FROM generate_series(1, 300) i;
SELECT task, algorithm, metric, round(value::numeric, 6) AS value, promoted
FROM train('lin', 'exact', 'y', features => '{a,b}', algorithm => 'linear_regression', task => 'regression');
SELECT feature, level_value, round(estimate::numeric, 6) AS estimate, standard_error < 1e-9 AS exact
FROM coefficients('lin');
SELECT round(predict('lin', r)::numeric, 6) FROM (VALUES (1000, 'v'), (0, 'w')) r (a, b);
-- far outside of what training saw, unlike a tree; an unseen level and NULL are the mean
SELECT round(predict('lin', r)::numeric, 3) FROM (VALUES (1000000, 'u'), (NULL, 'u'), (0, 'x')) r (a, b);

-- intervals widen away from the data; errors by the book (R: lm(y ~ a), predict)
CREATE TABLE noisy AS SELECT a, y FROM (VALUES (1, 2.1), (2, 3.9), (3, 6.2), (4, 7.8), (5, 10.1), (6, 12.2)) v (a, y);
SELECT promoted FROM train('noisy', 'noisy', 'y', algorithm => 'linear_regression',
	validation => '{"holdout": 0}', promote => 'always');
SELECT feature, round(estimate::numeric, 8) AS estimate, round(standard_error::numeric, 8) AS error,
	round(t::numeric, 6) AS t, round(p_value::numeric, 10) AS p, round(lower::numeric, 6) AS lower,
	round(upper::numeric, 6) AS upper FROM coefficients('noisy', 0.9);
SELECT round(p.value::numeric, 6) AS value, round(p.lower::numeric, 6) AS lower, round(p.upper::numeric, 6) AS upper
FROM (VALUES (3), (30)) r (a), predict_full('noisy', r, 0.95) p;

-- dates are numbers by their parts, a year keeps its digits, a copy of a column is left out
CREATE TABLE dated AS
SELECT 2000000 + i AS a, 2 * (2000000 + i) AS twice, date '2024-01-01' + i AS d, 0.5 * i AS y
FROM generate_series(1, 200) i;
SELECT promoted FROM train('dated', 'dated', 'y', features => '{a,twice}', algorithm => 'linear_regression');
SELECT feature, round(estimate::numeric, 6) AS estimate FROM coefficients('dated');

-- refusals
SELECT train('lin_b', 'exact', 'b', algorithm => 'linear_regression');
SELECT * FROM coefficients('lin', 1);
SELECT promoted FROM train('tree', 'exact', 'y', features => '{a,b}', params => '{"n_trees": 2}');
SELECT * FROM coefficients('tree');
SELECT * FROM coefficients('nobody');
CREATE TABLE holes AS SELECT nullif(i % 2, 0) AS a, nullif(i % 2, 1) AS b, i * 0.5 AS y FROM generate_series(1, 100) i;
SELECT train('holes', 'holes', 'y', algorithm => 'linear_regression', params => '{"missing": "omit"}');
SELECT train('holes', 'holes', 'y', algorithm => 'linear_regression', params => '{"missing": "median"}');
CREATE TABLE wide AS SELECT 'level ' || i % 2500 AS a, i * 0.5 AS y FROM generate_series(1, 5000) i;
SELECT train('wide', 'wide', 'y', algorithm => 'linear_regression');

-- as an aggregate: price sensitivity by group, log on log; registered and scored
CREATE TABLE demand AS
SELECT drug, (5 + i % 40) * 0.25 AS price,
	round((exp(6 - drug * ln((5 + i % 40) * 0.25)) * (1 + 0.001 * (i % 7 - 3)))::numeric, 6)::float8 AS qty
FROM generate_series(1, 3) drug, generate_series(1, 200) i;
CREATE TABLE sensitivity AS
SELECT drug, linear_agg(ln(qty), f, '{"features": ["log_price"]}') AS m
FROM (SELECT drug, qty, ln(price) AS log_price FROM demand) f GROUP BY drug;
SELECT s.drug, c.feature, round(c.estimate::numeric, 2) AS estimate, c.standard_error < 0.001 AS sure
FROM sensitivity s, coefficients(s.m) c ORDER BY 1, 2;
SELECT drug, round(exp(predict(m, r))::numeric) AS qty
FROM sensitivity, (SELECT ln(2.0) AS log_price) r ORDER BY 1;
SELECT linear_agg(a, r ORDER BY random())::text = linear_agg(a, r)::text AS order_free FROM exact r;
SELECT linear_agg(b, r) FROM exact r;
SELECT linear_agg(y, r, '{"n_trees": 3}') FROM exact r;
SELECT linear_agg(y, r) IS NULL AS nothing FROM exact r WHERE false;
