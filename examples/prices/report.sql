-- A report to read with psql: how far off the prices are, with what certainty, and a batch of scores.

\set QUIET on
\pset footer off
\set model diamond_price
SET client_min_messages = warning;

\echo
\echo 'How good is it on the rows it has not seen?  (rmse and mae in dollars)'
SELECT metric, round(value::numeric, 3) AS value, round(lower::numeric, 3) AS lower,
	   round(upper::numeric, 3) AS upper, n
FROM augur.evaluate(:'model', 'gems.test');

\echo
\echo 'Five stones with their intervals: nine prices in ten should lie between lower and upper'
SELECT t.id, t.carat, t.cut, t.color, t.clarity, t.price, round(p.value::numeric) AS predicted,
	   round(p.lower::numeric) AS lower, round(p.upper::numeric) AS upper
FROM gems.test t, augur.predict_full(:'model', t, level => 0.9) p
WHERE t.id IN (5000, 15000, 25000, 35000, 45000) ORDER BY t.id;

\echo
\echo 'And do they?'
SELECT count(*) AS stones, round(100 * avg((t.price BETWEEN p.lower AND p.upper)::int), 1) AS "% inside",
	   round(percentile_cont(0.5) WITHIN GROUP (ORDER BY p.upper - p.lower)::numeric) AS "median width"
FROM gems.test t, augur.predict_full(:'model', t, level => 0.9) p
WHERE t.id % 25 = 0;

\echo
\echo 'Score the whole table and keep the scores'
DROP TABLE IF EXISTS gems.scored;
CREATE TABLE gems.scored AS
SELECT id, augur.predict(:'model', d) AS predicted FROM gems.diamonds d;

\echo
\echo 'Where it errs: by weight, on the rows it has not seen'
SELECT width_bucket(t.carat, ARRAY[0.5, 1, 1.5, 2]) AS class,
	   min(t.carat) AS from_carat, max(t.carat) AS to_carat, count(*) AS stones,
	   round(avg(t.price)) AS mean_price,
	   round(avg(s.predicted)::numeric) AS mean_predicted,
	   round(avg(abs(s.predicted - t.price))::numeric) AS mean_error
FROM gems.test t JOIN gems.scored s USING (id)
GROUP BY class ORDER BY class;

\echo
\echo 'The ten test stones that look most underpriced'
SELECT t.id, t.carat, t.cut, t.color, t.clarity, t.price, round(s.predicted::numeric) AS predicted
FROM gems.test t JOIN gems.scored s USING (id)
ORDER BY s.predicted - t.price DESC, t.id LIMIT 10;

\echo
\echo 'What does it look at?'
SELECT feature, round(importance::numeric, 3) AS importance,
	   repeat('#', greatest(0, round(60 * importance))::int) AS " "
FROM augur.importance(:'model') ORDER BY importance DESC, feature;

\pset footer on
