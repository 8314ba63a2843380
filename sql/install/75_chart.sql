-- chart: pictures of series as text, without a drawing library.

CREATE OR REPLACE FUNCTION augur.chart(ts timestamptz[], y float8[],
	forecast_ts timestamptz[] DEFAULT NULL, forecast float8[] DEFAULT NULL,
	lower float8[] DEFAULT NULL, upper float8[] DEFAULT NULL, title text DEFAULT NULL,
	width int DEFAULT 800, height int DEFAULT 320, time_zone text DEFAULT 'UTC') RETURNS text
AS 'MODULE_PATHNAME', 'augur_chart_svg' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION augur.chart(timestamptz[], float8[], timestamptz[], float8[], float8[], float8[],
	text, int, int, text) IS
'An SVG picture of a series: history as a line, a forecast as a dashed one, prediction intervals as bands. lower and upper hold one value for each step of the forecast, or an array of such arrays, one for each level. NULL is a gap. In psql: \o chart.svg, SELECT augur.chart(...), \o, with \pset tuples_only and \pset format unaligned.';

CREATE OR REPLACE FUNCTION augur.sparkline(y float8[], width int DEFAULT NULL) RETURNS text
AS 'MODULE_PATHNAME', 'augur_chart_sparkline' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION augur.sparkline(float8[], int) IS
'A series as one line of text, for psql and logs: a block for each value, as high as the value is between the lowest and the highest; a blank for NULL. With width, neighbouring values are averaged into at most so many blocks. Digits 0 to 7 where the database''s encoding is not UTF8.';
