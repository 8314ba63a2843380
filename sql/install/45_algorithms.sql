-- Algorithms: what can be trained, with which hyperparameters.

CREATE OR REPLACE FUNCTION augur._algorithms(
	OUT algorithm text,
	OUT title text,
	OUT classification boolean,
	OUT regression boolean,
	OUT help text
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'augur_algorithms_list'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 10;
COMMENT ON FUNCTION augur._algorithms() IS
	'Internal. The rows of augur.algorithms.';

CREATE OR REPLACE VIEW augur.algorithms AS
	SELECT algorithm, title, classification, regression, help
	FROM augur._algorithms();
COMMENT ON VIEW augur.algorithms IS
	'What can be given as algorithm to augur.train.';
COMMENT ON COLUMN augur.algorithms.algorithm IS 'The name to give.';
COMMENT ON COLUMN augur.algorithms.title IS 'The name in full.';
COMMENT ON COLUMN augur.algorithms.classification IS 'Whether it can predict classes.';
COMMENT ON COLUMN augur.algorithms.regression IS 'Whether it can predict numbers.';
COMMENT ON COLUMN augur.algorithms.help IS 'What it does and when to use it.';

CREATE OR REPLACE FUNCTION augur.hyperparameters(
	algorithm text DEFAULT NULL
) RETURNS TABLE (
	for_algorithm text,
	name text,
	type text,
	default_value text,
	minimum float8,
	maximum float8,
	choices text[],
	help text
)
	AS 'MODULE_PATHNAME', 'augur_algorithms_params'
	LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION augur.hyperparameters(text) IS
	'The hyperparameters of an algorithm, of ''forecast'', of a detector such as ''adwin'', or of all: '
	'what can be given in params to augur.train and as options to augur.forecast_agg and augur.adwin. '
	'Example: SELECT * FROM augur.hyperparameters(''random_forest'')';

CREATE OR REPLACE FUNCTION augur.version() RETURNS text
	AS 'MODULE_PATHNAME', 'augur_algorithms_version'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur.version() IS
	'Version of augur''s library. \dx shows that of the SQL objects; after an upgrade of the '
	'package ALTER EXTENSION augur UPDATE brings them together.';
