-- A pharmacy's daily sales of eight groups of medicines, made up but reproducible.
--
-- Every number comes from a hash of (what it is about, what for), so the same rows appear on
-- every PostgreSQL version, in any order and with any plan.
--
-- What is in the data:
--   * groups with a season (colds in winter, allergies in spring), groups without, and two that
--     are asked for on few days only;
--   * a week: less on Saturdays, little on Sundays, when the pharmacy is open on duty alone;
--   * prices that change now and then, on Mondays; demand follows them with an elasticity of each
--     group, which schema pharmacy_truth tells (a real pharmacy has no such schema);
--   * good and bad weeks, and counts that scatter as counts do.

SET client_min_messages = warning;
DROP SCHEMA IF EXISTS pharmacy, pharmacy_truth CASCADE;
RESET client_min_messages;
CREATE SCHEMA pharmacy;
CREATE SCHEMA pharmacy_truth;
SET search_path = pharmacy;

-- A number strictly between 0 and 1 for a key and a purpose, and a standard normal one
-- (Box, Muller 1958).
CREATE FUNCTION uniform(key bigint, purpose bigint) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT ((hashint8extended(hashint8extended(key, purpose), 104729) & 4294967295) + 0.5)
		  / 4294967296.0::float8 $$;

CREATE FUNCTION normal(key bigint, purpose bigint) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT sqrt(-2 * ln(uniform(key, 2 * purpose + 1000))) * cos(2 * pi() * uniform(key, 2 * purpose + 1001)) $$;

-- chance: of a day on which the group is asked for at all
CREATE TABLE pharmacy_truth.groups AS
SELECT * FROM (VALUES
	(1, 'pain relief',      62.0,  4.80, -1.2, 0.05,  20, 1.00),
	(2, 'cold and flu',     40.0,  7.50, -0.7, 0.75,  25, 1.00),
	(3, 'allergy',          28.0,  9.20, -0.9, 0.70, 130, 1.00),
	(4, 'antibiotics',      35.0, 11.00, -0.2, 0.30,  30, 1.00),
	(5, 'heart',            80.0, 14.50, -0.1, 0.02, 200, 1.00),
	(6, 'vitamins',         45.0,  6.30, -1.8, 0.15, 350, 1.00),
	(7, 'eye drops',         2.6, 12.40, -0.5, 0.00,   1, 0.22),
	(8, 'travel vaccines',   3.5, 48.00, -0.5, 0.00,   1, 0.10))
	AS g (group_id, drug_group, level, price, elasticity, season, peak, chance);

CREATE TABLE sales AS
WITH days AS (
	SELECT g.*, date '2023-01-02' + d AS day, d / 7 AS week, g.group_id * 100000 + d::bigint AS key
	FROM pharmacy_truth.groups g, generate_series(0, 1000) AS d),
-- a new price about every fifth week
priced AS (
	SELECT *, round((price * exp(0.13 * normal(group_id * 1000 + week / 5, 1)))::numeric, 2) AS paid FROM days),
expected AS (
	SELECT *, level * exp(elasticity * ln(paid::float8 / price)
			+ (ARRAY[-1.10, 0.20, 0.05, 0.00, 0.02, 0.10, -0.35])[1 + extract(dow FROM day)::int]
			+ season * cos(2 * pi() * (extract(doy FROM day)::float8 - peak) / 365.25)
			+ 0.06 * normal(group_id * 1000 + week, 2)) AS mean
	FROM priced)
SELECT drug_group, day, paid AS price,
	   CASE WHEN chance = 1 THEN greatest(0, round(mean + sqrt(mean) * normal(key, 3)))
			WHEN uniform(key, 4) < chance THEN 1 + floor(-ln(uniform(key, 5)) * (level - 1))
			ELSE 0 END::int AS units
FROM expected;
ALTER TABLE sales ADD PRIMARY KEY (drug_group, day);
ANALYZE sales;
RESET search_path;
