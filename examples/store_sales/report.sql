-- A report to read with psql, and a picture.  It goes to the directory psql runs in.

\set QUIET on
\pset footer off
\pset null '-'
SET client_min_messages = warning;

\echo
\echo 'What is wrong with the rows?'
SELECT what, found, then_what AS "what is done" FROM retail.validation ORDER BY no;

\echo
\echo 'The stores, and their last eight weeks'
SELECT store, region, min(day) AS first_day, count(units) AS days, round(avg(units)) AS "units a day",
	   augur.sparkline(array_agg(units ORDER BY day) FILTER (WHERE day > '2025-08-05')) AS "day by day"
FROM retail.daily GROUP BY store, region ORDER BY store;

\echo
\echo 'Four weeks ahead, three times: which method is best?  (mase: 1 is the error of last week in sample)'
SELECT method, forecasts, round(100 * smape::numeric, 1) AS "smape %", round(mase::numeric, 3) AS mase,
	   round(mae::numeric, 1) AS mae, round((100 * (1 - mae / naive_mae))::numeric, 1) AS "% better than naive",
	   round(100 * coverage, 1) AS "% in 90 % interval"
FROM retail.ranking ORDER BY mase;

\echo
\echo 'Is it best in every store?  (mase)'
SELECT store,
	   round(avg(abs(actual - forecast) / scale) FILTER (WHERE method = 'seasonal_naive')::numeric, 2) AS seasonal_naive,
	   round(avg(abs(actual - forecast) / scale) FILTER (WHERE method = 'arima')::numeric, 2) AS arima,
	   round(avg(abs(actual - forecast) / scale) FILTER (WHERE method = 'auto')::numeric, 2) AS auto,
	   round(avg(abs(actual - forecast) / scale) FILTER (WHERE method = 'boosting')::numeric, 2) AS boosting
FROM retail.backtest GROUP BY store ORDER BY store;

\echo
\echo 'What do the trees look at?'
SELECT feature, round(importance::numeric, 3) AS importance,
	   repeat('#', greatest(0, round(60 * importance))::int) AS " "
FROM augur.importance('store_sales_boosting') ORDER BY importance DESC, feature LIMIT 12;

\echo
\echo 'The next four weeks by the best method'
SELECT store, method, round(sum(forecast)) AS units, round(min(lower)) AS "lowest day", round(max(upper)) AS "highest day",
	   augur.sparkline(array_agg(forecast ORDER BY day)) AS "day by day"
FROM retail.forecasts GROUP BY store, method ORDER BY store;

\echo
\echo 'One store, the first week'
SELECT f.day, to_char(f.day, 'Dy') AS weekday, round(f.forecast) AS forecast, round(f.lower) AS lower, round(f.upper) AS upper,
	   concat_ws(', ', CASE WHEN bakery > 0 THEN 'bakery' END, CASE WHEN drinks > 0 THEN 'drinks' END,
				 CASE WHEN household > 0 THEN 'household' END, CASE WHEN snacks > 0 THEN 'snacks' END,
				 CASE WHEN soup > 0 THEN 'soup' END) AS promotions
FROM retail.forecasts f JOIN retail.plan p USING (store, day)
WHERE f.store = 'Elmswell' ORDER BY f.day LIMIT 7;

\echo
\echo 'Stores, regions and the chain that add up: four weeks by each store''s own past, MinT'
WITH h AS (
	SELECT * FROM augur.forecast_hierarchy('retail.daily', 'day', 'units', 28, '{region,store}', method => 'dotm',
										   frequency => '1 day', levels => '{0.9}'))
SELECT coalesce(h.series_key ->> 'region', 'all') AS region, round(sum(base)) AS "on its own",
	   round(sum(forecast)) AS reconciled,
	   round((SELECT sum(l.forecast) FROM h l WHERE l.depth = 2 AND l.series_key @> h.series_key)) AS "its stores"
FROM h WHERE depth < 2 GROUP BY h.series_key, depth ORDER BY depth, region;

-- SVG, for a browser: history, forecast, and the band of nine days in ten.
\pset tuples_only on
\pset format unaligned
\o store_sales.svg
SELECT augur.chart(h.ts, h.y, f.ts, f.forecast, f.lower, f.upper, title => 'Elmswell: units a day')
FROM (SELECT array_agg(day::timestamptz ORDER BY day) AS ts, array_agg(units ORDER BY day) AS y
	  FROM retail.daily WHERE store = 'Elmswell' AND day > '2025-06-30') h,
	 (SELECT array_agg(day::timestamptz ORDER BY day) AS ts, array_agg(forecast ORDER BY day) AS forecast,
			 array_agg(lower ORDER BY day) AS lower, array_agg(upper ORDER BY day) AS upper
	  FROM retail.forecasts WHERE store = 'Elmswell') f;
\o
\pset tuples_only off
\pset format aligned
\echo
\echo 'A picture of one store is in store_sales.svg.'
\pset footer on
\pset null ''
