-- Three made-up sets for the accuracy floors, the same on every PostgreSQL version: every number is
-- a hash of (row, purpose).  peers.json holds what scikit-learn and ranger reach on them.
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS synthetic CASCADE;
RESET client_min_messages;
CREATE SCHEMA synthetic;

CREATE FUNCTION synthetic.u(id bigint, purpose bigint) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT ((hashint8extended(hashint8extended(id, purpose), 104729) & 4294967295) + 0.5)
		  / 4294967296.0::float8 $$;

CREATE FUNCTION synthetic.z(id bigint, purpose bigint) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT sqrt(-2 * ln(synthetic.u(id, 2 * purpose + 1000)))
		  * cos(2 * pi() * synthetic.u(id, 2 * purpose + 1001)) $$;

-- Friedman's first function (1991) with noise of standard deviation 1, five useless columns.
CREATE TABLE synthetic.regression_rows AS
SELECT i AS id, x1, x2, x3, x4, x5, synthetic.u(i, 6) AS x6, synthetic.u(i, 7) AS x7,
	   synthetic.u(i, 8) AS x8, synthetic.u(i, 9) AS x9, synthetic.u(i, 10) AS x10,
	   10 * sin(pi() * x1 * x2) + 20 * power(x3 - 0.5, 2) + 10 * x4 + 5 * x5 + synthetic.z(i, 1) AS y
FROM (SELECT i, synthetic.u(i, 1) AS x1, synthetic.u(i, 2) AS x2, synthetic.u(i, 3) AS x3,
			 synthetic.u(i, 4) AS x4, synthetic.u(i, 5) AS x5
	  FROM generate_series(1, 10000) AS i) r;

-- A yes or no from numbers, some missing, and from text columns of 6, 40 and 150 levels, each level
-- with an effect of its own that its name does not tell.
CREATE TABLE synthetic.binary_rows AS
SELECT i AS id,
	   CASE WHEN synthetic.u(i, 31) >= 0.1 THEN round(amount::numeric, 2)::float8 END AS amount,
	   CASE WHEN synthetic.u(i, 32) >= 0.05 THEN age END AS age,
	   ratio,
	   'channel ' || channel AS channel,
	   CASE WHEN synthetic.u(i, 33) >= 0.03 THEN 'product ' || product END AS product,
	   'town ' || town AS town,
	   member,
	   synthetic.u(i, 30) < 1 / (1 + exp(-(0.6 * ln(amount) - 0.03 * (age - 40) + 1.2 * (ratio > 0.7 AND member)::int
			+ 0.5 * synthetic.z(channel, 50) + 0.8 * synthetic.z(product, 51)
			+ 0.6 * synthetic.z(town, 52) - 3))) AS y
FROM (SELECT i, exp(3 + synthetic.z(i, 3)) AS amount, round(40 + 12 * synthetic.z(i, 4))::int AS age,
			 synthetic.u(i, 21) AS ratio, floor(6 * synthetic.u(i, 22))::int AS channel,
			 floor(40 * power(synthetic.u(i, 23), 1.5))::int AS product,
			 floor(150 * power(synthetic.u(i, 24), 1.5))::int AS town,
			 synthetic.u(i, 25) < 0.4 AS member
	  FROM generate_series(1, 12000) AS i) r;

-- Five classes: the nearest of five centres in six dimensions, with noise, and a text column whose
-- 30 levels lean to one class each.
CREATE TABLE synthetic.multiclass_rows AS
SELECT i AS id, x1, x2, x3, x4, x5, x6,
	   'code ' || (CASE WHEN synthetic.u(i, 40) < 0.35 THEN c + 5 * floor(6 * synthetic.u(i, 41))::int
						ELSE floor(30 * synthetic.u(i, 41))::int END) AS code,
	   (ARRAY['ash', 'beech', 'cedar', 'elm', 'fir'])[c + 1] AS y
FROM (SELECT i, c, synthetic.z(c, 60) + 1.1 * synthetic.z(i, 70) AS x1,
			 synthetic.z(c, 61) + 1.1 * synthetic.z(i, 71) AS x2,
			 synthetic.z(c, 62) + 1.1 * synthetic.z(i, 72) AS x3,
			 synthetic.z(c, 63) + 1.1 * synthetic.z(i, 73) AS x4,
			 synthetic.z(i, 74) * (1 + 0.3 * c) AS x5, synthetic.u(i, 75) AS x6
	  FROM (SELECT i, floor(5 * synthetic.u(i, 39))::int AS c FROM generate_series(1, 8000) AS i) r) s;

ANALYZE synthetic.regression_rows, synthetic.binary_rows, synthetic.multiclass_rows;
