-- A report to read with psql: what the model is worth, whom to call, what it looks at.

\set QUIET on
\pset null '-'
\pset footer off
\set model high_value

\echo
\echo 'How often does a large purchase happen?'
SELECT 'spring (training)' AS season, count(*) AS customers,
	   round(100 * avg(large_purchase::int), 1) AS "% with a large purchase"
FROM shop.spring
UNION ALL
SELECT 'summer (test)', count(*), round(100 * avg(large_purchase::int), 1)
FROM shop.summer;

\echo
\echo 'How good is the model on the summer, which it has not seen?'
SELECT metric, class, round(value::numeric, 3) AS value, round(lower::numeric, 3) AS lower,
	   round(upper::numeric, 3) AS upper, n
FROM augur.evaluate(:'model', 'shop.summer');

\echo
\echo 'The customers of the summer in ten groups, by score: did the best-scored buy?'
WITH scored AS (
	SELECT large_purchase::int AS bought, augur.predict(:'model', s) AS score
	FROM shop.summer s),
tenths AS (
	SELECT *, ntile(10) OVER (ORDER BY score DESC) AS tenth FROM scored)
SELECT tenth, count(*) AS customers, round(100 * avg(score)::numeric, 1) AS "% expected",
	   round(100 * avg(bought), 1) AS "% bought",
	   round(avg(bought) / (SELECT avg(bought) FROM scored), 1) AS lift,
	   repeat('#', round(50 * avg(bought))::int) AS " "
FROM tenths GROUP BY tenth ORDER BY tenth;

\echo
\echo 'What does it look at?'
SELECT feature, round(importance::numeric, 3) AS importance,
	   repeat('#', greatest(0, round(100 * importance))::int) AS " "
FROM augur.importance(:'model') ORDER BY importance DESC, feature;

\echo
\echo 'Ten customers to write to this autumn'
SELECT customer_id, age, region, purchases, round(average_amount::numeric) AS average_amount,
	   days_since_purchase AS days_since, loyalty_points,
	   round(augur.predict(:'model', a)::numeric, 2) AS probability
FROM shop.autumn a ORDER BY augur.predict(:'model', a) DESC, customer_id LIMIT 10;

\echo
\echo 'Somebody of whom little is known'
SELECT jsonb_pretty(augur.predict_json(:'model', '{"age": 35, "region": "East", "loyalty_points": 1200}'))
	   AS "predict_json";

\echo
\echo 'The model in the registry'
SELECT model, version, task, target, metric, round(value::numeric, 3) AS value, actor, reason
FROM augur.serving_now WHERE model = :'model';

\pset footer on
\pset null ''
