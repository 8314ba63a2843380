-- Load diamonds.csv from the directory that psql runs in into schema gems.

SET client_min_messages = warning;
DROP SCHEMA IF EXISTS gems CASCADE;
RESET client_min_messages;
CREATE SCHEMA gems;

CREATE TABLE gems.diamonds (
	id			integer PRIMARY KEY,
	carat		float8,
	cut			text,		-- Fair, Good, Very Good, Premium, Ideal
	color		text,		-- D (best) to J
	clarity		text,		-- I1 (worst), SI2, SI1, VS2, VS1, VVS2, VVS1, IF
	depth_pct	float8,
	table_pct	float8,
	price		integer,	-- dollars
	x			float8,		-- mm; some x, y, z are 0, a wrong measure
	y			float8,
	z			float8
);
\copy gems.diamonds FROM 'diamonds.csv' WITH (FORMAT csv, HEADER)

-- One row in five is put aside for the judgement.
CREATE VIEW gems.training AS SELECT * FROM gems.diamonds WHERE id % 5 <> 0;
CREATE VIEW gems.test AS SELECT * FROM gems.diamonds WHERE id % 5 = 0;
ANALYZE gems.diamonds;
