-- A shop's customers and their purchases, made up but reproducible.
--
-- Every number comes from a hash of (who, what for), so the same rows appear on every
-- PostgreSQL version, in any order and with any plan; setseed() and random() promise none of
-- that.  The result is two tables in schema shop_source, as a shop's other systems would hold them.
--
-- What is in the data, so that a model has something to find, and to be wrong about:
--   * three kinds of customers (household, enthusiast, small business) that no column names;
--   * each has an own rate of buying and an own level of spending; some leave for good;
--   * more purchases in November and December, fewer in July and August;
--   * young and old spend less than the middle-aged; regions differ a little;
--   * loyalty points follow the spending up to 31 December 2024, when they are credited, with
--     much noise, because points are also given away and used up;
--   * ages and regions are missing for some, a few ages are typing errors;
--   * payments fail, goods are returned, the newest payments are pending.
--
-- psql -v customers=20000 -f generate.sql      (20,000 is the default)

\if :{?customers} \else \set customers 20000 \endif
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS shop_source CASCADE;
RESET client_min_messages;
CREATE SCHEMA shop_source;
SET search_path = shop_source;

-- A number strictly between 0 and 1 for a key and a purpose: the better mixed 32 bits of a hash
-- of a hash (one round leaves neighbouring keys correlated).
CREATE FUNCTION uniform(key bigint, purpose bigint) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT ((hashint8extended(hashint8extended(key, purpose), 104729) & 4294967295) + 0.5)
		  / 4294967296.0::float8 $$;

-- A standard normal number by Box and Muller (1958), from two uniform ones.
CREATE FUNCTION normal(key bigint, purpose bigint) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT sqrt(-2 * ln(uniform(key, 2 * purpose + 1000))) * cos(2 * pi() * uniform(key, 2 * purpose + 1001)) $$;

-- The hidden side of each customer: nothing of this leaves the generator.
CREATE TEMP TABLE persona AS
WITH kind AS MATERIALIZED (
	SELECT id,
		   CASE WHEN uniform(id, 1) < 0.62 THEN 'household'
				WHEN uniform(id, 1) < 0.88 THEN 'enthusiast' ELSE 'business' END AS kind,
		   (ARRAY['North', 'East', 'South', 'West', 'Central'])
			   [1 + (uniform(id, 2) > 0.28)::int + (uniform(id, 2) > 0.50)::int
				  + (uniform(id, 2) > 0.70)::int + (uniform(id, 2) > 0.86)::int] AS region,
		   -- the shop grows: more have joined lately than long ago
		   date '2021-01-01' + floor(1672 * power(uniform(id, 3), 0.7))::int AS signup_date
	FROM generate_series(1, :customers::bigint) AS id),
aged AS (
	SELECT *, least(greatest(round(CASE kind WHEN 'household' THEN 44 + 16 * normal(id, 1)
											 WHEN 'enthusiast' THEN 36 + 11 * normal(id, 1)
											 ELSE 46 + 9 * normal(id, 1) END), 18), 92)::int AS age
	FROM kind)
SELECT *,
	   -- purchases a month
	   CASE kind WHEN 'household' THEN 0.55 WHEN 'enthusiast' THEN 1.15 ELSE 1.5 END
		   * exp(0.5 * normal(id, 2)) AS monthly,
	   -- logarithm of a typical amount
	   CASE kind WHEN 'household' THEN 3.95 WHEN 'enthusiast' THEN 4.4 ELSE 4.85 END
		   + 0.4 * normal(id, 3)
		   - 0.35 * power((age - 48) / 30.0, 2)
		   + CASE region WHEN 'East' THEN 0.16 WHEN 'South' THEN -0.12 WHEN 'Central' THEN 0.05 ELSE 0 END
		   AS spend,
	   -- the last day on which they buy: lost at 1.8 % a month
	   signup_date + round(-ln(uniform(id, 4)) / 0.018 * 30.44)::int AS lost_on
FROM aged;

-- Candidate moments of purchase: exponential gaps at the fastest rate of the year, from the
-- signup or the start of the records, thinned to the season below.
CREATE TEMP TABLE moment AS
WITH gap AS (
	SELECT p.id, k, greatest(p.signup_date, date '2023-01-01') AS first_day, p.lost_on,
		   sum(-ln(uniform(p.id * 1000 + k, 11)) * 30.44 / (1.6 * p.monthly))
			   OVER (PARTITION BY p.id ORDER BY k) AS days
	FROM persona p, generate_series(1, least(999, 20 + ceil(1.6 * p.monthly * 45)::int)) AS k)
SELECT id, id * 1000 + k AS key,
	   (first_day + make_interval(secs => floor(days * 86400)))::timestamp(0) AS at
FROM gap
WHERE days < least(lost_on, date '2025-10-01') - first_day;

CREATE TABLE transactions AS
WITH kept AS (
	SELECT m.*, p.kind, p.spend,
		   CASE WHEN extract(month FROM at) IN (11, 12) THEN 1.6
				WHEN extract(month FROM at) IN (7, 8) THEN 0.85 ELSE 1.0 END AS season
	FROM moment m JOIN persona p USING (id)),
priced AS (
	SELECT *,
		   -- now and then something big; more often for enthusiasts and businesses
		   exp(spend + 0.75 * normal(key, 4) + 0.10 * (season - 1)
			   + CASE WHEN uniform(key, 13) < CASE kind WHEN 'household' THEN 0.018
													   WHEN 'enthusiast' THEN 0.04 ELSE 0.05 END
					  THEN 1.3 + 0.3 * normal(key, 5) ELSE 0 END) AS amount
	FROM kept
	WHERE uniform(key, 12) < season / 1.6)
SELECT row_number() OVER (ORDER BY at, key)::int AS transaction_id,
	   id::int AS customer_id,
	   round(greatest(amount, 1.5)::numeric, 2) AS amount,
	   at AS ts,
	   CASE WHEN uniform(key, 14) < 0.01 THEN NULL
			WHEN kind = 'business' AND uniform(key, 15) < 0.6 THEN 'invoice'
			WHEN uniform(key, 15) < 0.45 THEN 'card'
			WHEN uniform(key, 15) < 0.75 THEN 'wallet'
			WHEN uniform(key, 15) < 0.92 THEN 'bank transfer'
			ELSE 'cash on delivery' END AS payment_method,
	   CASE WHEN uniform(key, 16) < 0.025 + 0.02 * least(amount / 500, 1) THEN 'failed'
			WHEN uniform(key, 16) > 0.965 THEN 'refunded'
			WHEN at > timestamp '2025-09-28' AND uniform(key, 17) < 0.5 THEN 'pending'
			ELSE 'completed' END AS status
FROM priced;

CREATE TABLE customers AS
SELECT p.id::int AS customer_id,
	   CASE WHEN uniform(p.id, 21) < 0.06 THEN NULL
			WHEN uniform(p.id, 21) > 0.997 THEN CASE WHEN uniform(p.id, 22) < 0.5 THEN 0 ELSE 199 END
			ELSE p.age END AS age,
	   CASE WHEN uniform(p.id, 23) < 0.04 THEN NULL ELSE p.region END AS region,
	   p.signup_date,
	   CASE WHEN p.signup_date > date '2024-12-31' THEN 100	-- the welcome gift
			ELSE round((100 + 0.8 * coalesce(t.spent, 0) * exp(0.5 * normal(p.id, 6))
						+ 150 * abs(normal(p.id, 7)))
					   * CASE WHEN uniform(p.id, 24) < 0.25 THEN uniform(p.id, 25) ELSE 1 END)
	   END::int AS loyalty_points
FROM persona p
LEFT JOIN (SELECT customer_id, sum(amount) AS spent FROM transactions
		   WHERE status = 'completed' AND ts < timestamp '2025-01-01'
		   GROUP BY customer_id) t ON t.customer_id = p.id;

DROP TABLE moment, persona;
RESET search_path;
