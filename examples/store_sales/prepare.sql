-- From rows by category to demand by store and day, and to what is known of a day in advance.

-- Clean: one row each; what cannot be true is unknown; a sold-out shelf hides demand, so that at
-- least the usual was wanted: the mean of the last four such weekdays, in or out of promotion.
CREATE TABLE retail.clean AS
WITH single AS (
	SELECT DISTINCT ON (s.store_id, s.category, s.day) s.*, s.units >= i.stock AS sold_out, u.usual
	FROM retail.sales s
	JOIN retail.inventory i USING (store_id, category, day)
	JOIN (SELECT store_id, category, promotion, percentile_cont(0.5) WITHIN GROUP (ORDER BY units) AS usual
		  FROM retail.sales GROUP BY store_id, category, promotion) u USING (store_id, category, promotion)
	ORDER BY s.store_id, s.category, s.day),
known AS (
	SELECT *, CASE WHEN units >= 0 AND NOT (units > 6 * usual AND units > 100) THEN units END AS sold
	FROM single),
recent AS (
	SELECT *, avg(sold) FILTER (WHERE NOT sold_out)
		   OVER (PARTITION BY store_id, category, promotion, extract(isodow FROM day)
				 ORDER BY day ROWS BETWEEN 4 PRECEDING AND 1 PRECEDING)::float8 AS lately
	FROM known)
SELECT store_id, category, day, units, sold_out, promotion,
	   CASE WHEN sold IS NULL THEN lately
			WHEN sold_out THEN greatest(sold, lately)
			ELSE sold END AS wanted
FROM recent;

-- What is forecast: demand by store and day.
CREATE TABLE retail.daily AS
SELECT store_id, store, region, day, sum(wanted) AS units, count(*) FILTER (WHERE sold_out) AS sold_out
FROM retail.clean JOIN retail.stores USING (store_id)
GROUP BY store_id, store, region, day;
ALTER TABLE retail.daily ADD PRIMARY KEY (store, day);

-- What is known in advance, four weeks beyond the last day: the calendar and the promotions.
CREATE TABLE retail.plan AS
SELECT s.store_id, s.store, s.region, c.day::date AS day,
	   extract(isodow FROM c.day)::int AS weekday, extract(doy FROM c.day)::int AS day_of_year,
	   coalesce(p.bakery, 0) AS bakery, coalesce(p.drinks, 0) AS drinks, coalesce(p.household, 0) AS household,
	   coalesce(p.snacks, 0) AS snacks, coalesce(p.soup, 0) AS soup, coalesce(p.weeks_after, 0) AS weeks_after
FROM retail.stores s
CROSS JOIN generate_series(date '2023-01-01', (SELECT max(day) + 28 FROM retail.daily), interval '1 day') AS c (day)
LEFT JOIN (
	SELECT p.store_id, p.first_day + d AS day,
		   max(discount) FILTER (WHERE running AND category = 'bakery')::float8 AS bakery,
		   max(discount) FILTER (WHERE running AND category = 'drinks')::float8 AS drinks,
		   max(discount) FILTER (WHERE running AND category = 'household')::float8 AS household,
		   max(discount) FILTER (WHERE running AND category = 'snacks')::float8 AS snacks,
		   max(discount) FILTER (WHERE running AND category = 'soup')::float8 AS soup,
		   count(*) FILTER (WHERE NOT running) AS weeks_after
	FROM retail.promotions p, generate_series(0, 20) AS d,
		 LATERAL (SELECT p.first_day + d <= p.last_day AS running) r
	WHERE p.first_day + d <= p.last_day + 7
	GROUP BY p.store_id, p.first_day + d) p ON p.store_id = s.store_id AND p.day = c.day::date;
ALTER TABLE retail.plan ADD PRIMARY KEY (store, day);

-- Features of a day as known 28 days before it: lags of four weeks and more, and the plan.  The
-- target is the day's demand as a multiple of the store's level then, since trees cannot
-- extrapolate, and since stores of all sizes can learn from each other that way.
CREATE TABLE retail.features AS
WITH lagged AS (
	SELECT p.*, d.units, d.day IS NOT NULL AS known,
		   p.bakery + p.drinks + p.household + p.snacks + p.soup AS promoted,
		   avg(d.units) OVER (w ROWS BETWEEN 55 PRECEDING AND 28 PRECEDING) AS level,
		   lag(d.units, 28) OVER w AS lag_28, lag(d.units, 35) OVER w AS lag_35, lag(d.units, 364) OVER w AS lag_364,
		   avg(d.units) OVER (w ROWS BETWEEN 377 PRECEDING AND 351 PRECEDING) AS level_364
	FROM retail.plan p LEFT JOIN retail.daily d USING (store, day)
	WINDOW w AS (PARTITION BY p.store ORDER BY p.day))
SELECT store, region, day, weekday, day_of_year, bakery, drinks, household, snacks, soup, weeks_after,
	   lag_28 / level AS lag_28, lag_35 / level AS lag_35, lag_364 / level_364 AS lag_364,
	   avg(promoted) OVER (PARTITION BY store ORDER BY day ROWS BETWEEN 55 PRECEDING AND 28 PRECEDING) AS promoted_lately,
	   lag(promoted, 28) OVER (PARTITION BY store ORDER BY day) AS promoted_28,
	   level, units, units / level AS multiple
FROM lagged;
ALTER TABLE retail.features ADD PRIMARY KEY (store, day);
ANALYZE retail.clean, retail.daily, retail.plan, retail.features;
