-- How demand follows the price: log-log least squares by week and group.  The coefficient of the
-- logarithm of the price is the elasticity: by how many per cent demand changes when the price
-- goes up by one per cent.  Two pairs of sine and cosine take the year out, which moves demand, too.

CREATE VIEW pharmacy.weekly AS
SELECT drug_group, date_trunc('week', day)::date AS week, sum(units) AS units, avg(price)::float8 AS price,
	   count(*) FILTER (WHERE units = 0) AS days_without
FROM pharmacy.sales GROUP BY drug_group, date_trunc('week', day)
HAVING count(*) = 7;

-- Groups with weeks of nothing have no logarithm to speak of: they are left out, not bent.
CREATE TABLE pharmacy.elasticity AS
WITH regular AS (
	SELECT drug_group FROM pharmacy.weekly GROUP BY drug_group HAVING min(units) > 0),
fits AS (
	SELECT f.drug_group, augur.linear_agg(f.log_units, (SELECT x FROM (SELECT f.log_price, f.s1, f.c1, f.s2, f.c2) x)) AS model
	FROM (SELECT drug_group, ln(units) AS log_units, ln(price) AS log_price,
				 sin(year) AS s1, cos(year) AS c1, sin(2 * year) AS s2, cos(2 * year) AS c2
		  FROM pharmacy.weekly JOIN regular USING (drug_group),
			   LATERAL (SELECT 2 * pi() * extract(doy FROM week)::float8 / 365.25 AS year) y) f
	GROUP BY f.drug_group)
SELECT drug_group, c.estimate, c.standard_error, c.lower, c.upper, c.p_value
FROM fits, augur.coefficients(fits.model) c
WHERE c.feature = 'log_price';
