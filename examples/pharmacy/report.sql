-- A report to read with psql.

\set QUIET on
\pset footer off
\pset null '-'

\echo
\echo 'The groups'
SELECT drug_group, round(avg(units), 1) AS "units a day", round(100 * avg((units = 0)::int)) AS "% days without",
	   min(price) AS lowest_price, max(price) AS highest_price,
	   augur.sparkline(array_agg(units::float8 ORDER BY day), 40) AS "33 months"
FROM pharmacy.sales GROUP BY drug_group ORDER BY avg(units) DESC;

\echo
\echo 'Price sensitivity: what does one per cent more on the price do to demand, in per cent?'
SELECT drug_group, round(estimate::numeric, 2) AS elasticity, round(standard_error::numeric, 2) AS "std. error",
	   round(lower::numeric, 2) AS lower, round(upper::numeric, 2) AS upper,
	   CASE WHEN upper < -1 THEN 'a lower price brings more revenue'
			WHEN lower > -1 THEN 'a higher price brings more revenue'
			ELSE 'cannot be told' END AS "what follows"
FROM pharmacy.elasticity ORDER BY estimate;

\echo
\echo 'Four weeks ahead, five times: better than repeating last week?  (mase, errors by those of last week)'
SELECT drug_group, f.method, round(b.mase::numeric, 3) AS mase, round(b.naive_mase::numeric, 3) AS "mase of last week",
	   b.beats_naive AS better, round(100 * b.coverage::numeric, 1) AS "% in 90 % interval"
FROM pharmacy.backtest b JOIN pharmacy.forecasts f USING (drug_group)
WHERE f.step = 1 ORDER BY drug_group;

\echo
\echo 'The next four weeks: units by week'
SELECT drug_group, round(sum(forecast) FILTER (WHERE step <= 7)) AS "week 1",
	   round(sum(forecast) FILTER (WHERE step BETWEEN 8 AND 14)) AS "week 2",
	   round(sum(forecast) FILTER (WHERE step BETWEEN 15 AND 21)) AS "week 3",
	   round(sum(forecast) FILTER (WHERE step > 21)) AS "week 4",
	   round(max(upper)) AS "most on a day", augur.sparkline(array_agg(forecast ORDER BY day)) AS "day by day"
FROM pharmacy.forecasts GROUP BY drug_group ORDER BY sum(forecast) DESC;
\pset footer on
\pset null ''
