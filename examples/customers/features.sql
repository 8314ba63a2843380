-- What was known about each customer on a day, and what happened in the 90 days that followed.
-- Both take the day as an argument, so that training, testing and scoring cannot differ.

-- Features come from strictly before the cut-off.  Only completed purchases count, but the share
-- of failed payments is a feature of its own.  Impossible ages become NULL, which a forest can use.
CREATE FUNCTION shop.features(cutoff date)
RETURNS TABLE (customer_id integer, age integer, region text, loyalty_points integer,
			   tenure_days integer, purchases bigint, average_amount float8,
			   latest_amount float8, largest_amount float8, days_since_purchase integer,
			   purchases_last_90_days bigint, spent_last_90_days float8,
			   failed_share float8, usual_payment text)
LANGUAGE sql STABLE AS $$
	SELECT c.customer_id,
		   CASE WHEN c.age BETWEEN 16 AND 110 THEN c.age END,
		   c.region,
		   c.loyalty_points,
		   cutoff - c.signup_date,
		   coalesce(t.purchases, 0),
		   t.average_amount,
		   t.latest_amount,
		   t.largest_amount,
		   cutoff - t.latest_day,
		   coalesce(t.purchases_90, 0),
		   coalesce(t.spent_90, 0),
		   t.failed_share,
		   t.usual_payment
	FROM shop.customers c
	LEFT JOIN (
		SELECT t.customer_id,
			   count(*) FILTER (WHERE done) AS purchases,
			   avg(amount) FILTER (WHERE done)::float8 AS average_amount,
			   (array_agg(amount ORDER BY ts DESC) FILTER (WHERE done))[1]::float8 AS latest_amount,
			   max(amount) FILTER (WHERE done)::float8 AS largest_amount,
			   max(ts) FILTER (WHERE done)::date AS latest_day,
			   count(*) FILTER (WHERE done AND ts >= cutoff - 90) AS purchases_90,
			   sum(amount) FILTER (WHERE done AND ts >= cutoff - 90)::float8 AS spent_90,
			   avg((status = 'failed')::int)::float8 AS failed_share,
			   mode() WITHIN GROUP (ORDER BY payment_method) AS usual_payment
		FROM shop.transactions t, LATERAL (SELECT t.status = 'completed' AS done) s
		WHERE t.ts < cutoff
		GROUP BY t.customer_id) t ON t.customer_id = c.customer_id
	WHERE c.signup_date < cutoff
$$;

-- Did the customer complete a purchase above 300 within the 90 days from the cut-off on?
CREATE FUNCTION shop.large_purchase(customer integer, cutoff date) RETURNS boolean
LANGUAGE sql STABLE AS $$
	SELECT EXISTS (SELECT FROM shop.transactions t
				   WHERE t.customer_id = customer AND t.status = 'completed' AND t.amount > 300
						 AND t.ts >= cutoff AND t.ts < cutoff + 90)
$$;
