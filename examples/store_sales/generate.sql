-- A chain of stores and its daily sales by category, made up but reproducible.
--
-- Every number comes from a hash of (what it is about, what for), so the same rows appear on
-- every PostgreSQL version, in any order and with any plan.  The result is schema retail, as the
-- tills, the door counters, the warehouse and the marketing department would fill it.
--
-- What is in the data, so that a forecaster has something to find, and to be wrong about:
--   * ten stores of three regions, five categories: levels of their own, slow growth or decline;
--   * a week (Friday and Saturday are best), a year (each category its own season), Christmas;
--   * promotions of one to two weeks, planned four weeks ahead, with a lift that differs by category,
--     and a dip in the week after; prices that change now and then;
--   * good and bad days of a whole store (weather, traffic), and noise of each category;
--   * stock-outs: deliveries fall short on some days, and then sales are no more than the stock;
--   * one store that opened late, and one that was closed for a fortnight;
--   * faults: rows sent twice, returns booked as negative sales, days lost on the way, prices of
--     0, a till that added a digit.

SET client_min_messages = warning;
DROP SCHEMA IF EXISTS retail CASCADE;
RESET client_min_messages;
CREATE SCHEMA retail;
SET search_path = retail;

-- A number strictly between 0 and 1 for a key and a purpose, and a standard normal one
-- (Box, Muller 1958).
CREATE FUNCTION uniform(key bigint, purpose bigint) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT ((hashint8extended(hashint8extended(key, purpose), 104729) & 4294967295) + 0.5)
		  / 4294967296.0::float8 $$;

CREATE FUNCTION normal(key bigint, purpose bigint) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT sqrt(-2 * ln(uniform(key, 2 * purpose + 1000))) * cos(2 * pi() * uniform(key, 2 * purpose + 1001)) $$;

CREATE TABLE stores AS
SELECT s AS store_id,
	   (ARRAY['Ashford', 'Birkdale', 'Cobham', 'Dunmore', 'Elmswell', 'Farley', 'Granton', 'Hexley',
			  'Ilford', 'Jarrow'])[s] AS store,
	   (ARRAY['north', 'north', 'north', 'south', 'south', 'south', 'south', 'west', 'west', 'west'])[s] AS region,
	   CASE s WHEN 8 THEN date '2024-06-03' ELSE date '2022-12-01' END AS opened
FROM generate_series(1, 10) AS s;

CREATE TEMP TABLE category AS
SELECT * FROM (VALUES
	(1, 'bakery',     120.0,  3.20, 0.05,   0, 0.45),
	(2, 'drinks',      80.0,  1.90, 0.30, 190, 0.90),
	(3, 'household',   45.0,  4.50, 0.06, 100, 0.70),
	(4, 'snacks',      70.0,  2.40, 0.08, 330, 1.10),
	(5, 'soup',        35.0,  2.90, 0.35,  15, 0.80))
	AS c (category_id, category, level, price, season, peak, lift);

-- Promotions: about one in three weeks for each store and category, planned until four weeks
-- after the last day of sales.
CREATE TABLE promotions AS
SELECT s.store_id, c.category_id, c.category, first_day,
	   first_day + CASE WHEN uniform(key, 3) < 0.5 THEN 6 ELSE 13 END AS last_day,
	   (ARRAY[0.10, 0.20, 0.30])[1 + floor(3 * uniform(key, 4))::int] AS discount
FROM stores s, category c, generate_series(0, 51) AS p,
	 LATERAL (SELECT (s.store_id * 10 + c.category_id) * 1000 + p AS key) k,
	 LATERAL (SELECT date '2023-01-02' + p * 21 + 7 * floor(2 * uniform(key, 1))::int AS first_day) d
WHERE uniform(key, 2) < 0.62 AND first_day <= date '2025-10-28';

-- Days of promotions, and of the week after each.
CREATE TEMP TABLE promoted AS
SELECT store_id, category_id, p.first_day + d AS day,
	   max(p.discount) FILTER (WHERE p.first_day + d <= p.last_day)::float8 AS discount,
	   bool_or(p.first_day + d > p.last_day) AS after
FROM promotions p, generate_series(0, 20) AS d
WHERE p.first_day + d <= p.last_day + 7
GROUP BY store_id, category_id, p.first_day + d;
ANALYZE promoted;

-- The hidden side: what customers want of each category on each day.
CREATE TEMP TABLE demand AS
SELECT s.store_id, c.category_id, c.category, day, key, p.discount,
	   round((c.price * (1 + 0.04 * floor((day - date '2023-01-01') / 180.0))
			  * (1 - coalesce(p.discount, 0)))::numeric, 2) AS price,
	   c.level * exp(
		   0.35 * normal(s.store_id, 1) + 0.15 * normal(s.store_id * 10 + c.category_id, 2)
		   + 0.10 * normal(s.store_id, 3) * (day - date '2024-06-01') / 365.25
		   + (ARRAY[-0.30, -0.12, -0.10, -0.05, 0.02, 0.28, 0.22])[1 + extract(dow FROM day)::int]
		   + c.season * cos(2 * pi() * (extract(doy FROM day)::float8 - c.peak) / 365.25)
		   + CASE WHEN extract(month FROM day) = 12 AND extract(day FROM day) BETWEEN 15 AND 24
				  THEN 0.25 ELSE 0 END
		   + CASE WHEN p.discount IS NOT NULL THEN c.lift * (0.3 + 1.2 * p.discount)
				  WHEN p.after THEN -0.08 ELSE 0 END
		   -- good and bad days of the store last for a while
		   + 0.05 * normal(s.store_id * 100000 + (day - date '2022-01-01'), 4)
		   + 0.04 * normal(s.store_id * 100000 + (day - date '2022-01-01') / 9, 5)
		   + 0.12 * normal(key, 6)) AS wanted
FROM stores s CROSS JOIN category c CROSS JOIN generate_series(0, 1003) AS d
	 CROSS JOIN LATERAL (SELECT date '2023-01-01' + d AS day,
					 (s.store_id * 10 + c.category_id) * 100000 + d::bigint AS key) k
	 LEFT JOIN promoted p USING (store_id, category_id, day)
WHERE day >= s.opened AND NOT (s.store_id = 3 AND day BETWEEN '2024-02-05' AND '2024-02-18');

-- What was in stock in the morning.  One delivery in forty falls short.
CREATE TABLE inventory AS
SELECT store_id, category, day,
	   round(CASE WHEN uniform(key, 7) < 0.025 THEN wanted * (0.25 + 0.6 * uniform(key, 8))
				  ELSE wanted * 1.3 + 20 END)::int AS stock
FROM demand;

CREATE TABLE sales AS
SELECT d.store_id, d.category, d.day, least(round(d.wanted)::int, i.stock) AS units, d.price,
	   d.discount IS NOT NULL AS promotion
FROM demand d JOIN inventory i USING (store_id, category, day);

-- Visitors, as the counter at the door sees them.
CREATE TABLE traffic AS
SELECT store_id, day,
	   round(sum(wanted) * 0.55 * exp(0.06 * normal(store_id * 100000 + (day - date '2022-01-01'), 9)))::int AS visitors
FROM demand GROUP BY store_id, day;

-- Faults.
INSERT INTO sales					-- sent twice
SELECT * FROM sales WHERE uniform(store_id * 100000 + (day - date '2023-01-01'), 10) < 0.002;
UPDATE sales SET units = -units		-- returns booked as sales
WHERE uniform((store_id * 10 + length(category)) * 100000 + (day - date '2023-01-01'), 11) < 0.0006;
UPDATE sales SET price = 0			-- the price was not sent
WHERE uniform((store_id * 10 + length(category)) * 100000 + (day - date '2023-01-01'), 12) < 0.001;
DELETE FROM sales					-- lost on the way
WHERE uniform(store_id * 100000 + (day - date '2023-01-01'), 13) < 0.0025;
UPDATE sales SET units = units * 10 -- a digit too many
WHERE uniform((store_id * 10 + length(category)) * 100000 + (day - date '2023-01-01'), 14) < 0.0002;

DROP TABLE demand, promoted, category;
ANALYZE stores, promotions, inventory, sales, traffic;
RESET search_path;
