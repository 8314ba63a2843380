-- Learn from the spring of 2025, be judged on the summer, and be used for the autumn.  The
-- training rows' outcomes end before the test rows' cut-off.
CREATE TABLE shop.spring AS
SELECT f.*, shop.large_purchase(f.customer_id, '2025-04-01') AS large_purchase
FROM shop.features('2025-04-01') f;

CREATE TABLE shop.summer AS
SELECT f.*, shop.large_purchase(f.customer_id, '2025-07-01') AS large_purchase
FROM shop.features('2025-07-01') f;

CREATE TABLE shop.autumn AS
SELECT * FROM shop.features('2025-10-01');

ANALYZE shop.spring, shop.summer, shop.autumn;
