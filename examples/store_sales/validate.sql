-- Look before learning: what is wrong with the rows, and how much of it.  The view says what is
-- done about each; prepare.sql does it.

CREATE VIEW retail.validation AS
WITH dated AS (
	SELECT s.*, count(*) OVER (PARTITION BY store_id, category, day) AS copies,
		   u.usual
	FROM retail.sales s
	JOIN (SELECT store_id, category, promotion, percentile_cont(0.5) WITHIN GROUP (ORDER BY units) AS usual
		  FROM retail.sales GROUP BY store_id, category, promotion) u USING (store_id, category, promotion)),
days AS (
	SELECT store_id, day FROM retail.sales GROUP BY store_id, day),
gaps AS (
	SELECT store_id, day, lead(day) OVER (PARTITION BY store_id ORDER BY day) - day - 1 AS missing
	FROM days)
SELECT 1 AS no, 'rows' AS what, count(*) AS found, '' AS then_what FROM retail.sales
UNION ALL
SELECT 2, 'rows sent twice', count(*) - count(DISTINCT (store_id, category, day)), 'one is kept' FROM retail.sales
UNION ALL
SELECT 3, 'negative units', count(*), 'unknown' FROM dated WHERE units < 0
UNION ALL
SELECT 4, 'more than six times the usual', count(*), 'unknown' FROM dated WHERE units > 6 * usual AND units > 100
UNION ALL
SELECT 5, 'price is 0', count(*), 'not used' FROM dated WHERE price <= 0
UNION ALL
SELECT 6, 'sold out', count(*), 'at least the usual was wanted'
FROM retail.sales JOIN retail.inventory i USING (store_id, category, day) WHERE units >= i.stock
UNION ALL
SELECT 7, 'store days lost', sum(missing)::bigint, 'missing' FROM gaps WHERE missing BETWEEN 1 AND 3
UNION ALL
SELECT 8, 'store closed for longer (days)', sum(missing)::bigint, 'missing' FROM gaps WHERE missing > 3
UNION ALL
SELECT 9, 'sales in a promotion that is not planned', count(*), 'not used'
FROM retail.sales s WHERE s.promotion AND NOT EXISTS (
	SELECT FROM retail.promotions p WHERE p.store_id = s.store_id AND p.category = s.category
		   AND s.day BETWEEN p.first_day AND p.last_day);
