-- Types: what a training returns.

CREATE TYPE augur.train_result AS (
	model text,
	version int,
	task text,
	algorithm text,
	rows_used bigint,
	rows_skipped bigint,
	metric text,
	value float8,
	production_value float8,
	promoted boolean,
	seconds float8,
	warnings text[]
);
COMMENT ON TYPE augur.train_result IS
	'What augur.train, augur.train_query and augur.train_forecast return: the new version and how good it is.';
COMMENT ON COLUMN augur.train_result.model IS 'Name of the model.';
COMMENT ON COLUMN augur.train_result.version IS
	'Number of the new version; ''name/number'' refers to it.';
COMMENT ON COLUMN augur.train_result.task IS 'classification, regression or forecasting.';
COMMENT ON COLUMN augur.train_result.algorithm IS 'Name of the algorithm, see augur.algorithms, or of the method, see augur.forecast_methods.';
COMMENT ON COLUMN augur.train_result.rows_used IS
	'Rows with a target: those trained on and those held out.';
COMMENT ON COLUMN augur.train_result.rows_skipped IS
	'Rows whose target, weight or time was missing or not finite.';
COMMENT ON COLUMN augur.train_result.metric IS
	'The leading metric: auc for two classes, log_loss for more, rmse for regression, mase for forecasting.';
COMMENT ON COLUMN augur.train_result.value IS
	'Its value on the holdout, or out of bag when there is no holdout.';
COMMENT ON COLUMN augur.train_result.production_value IS
	'The value of the version that was in production, if there was one.';
COMMENT ON COLUMN augur.train_result.promoted IS
	'Whether alias production points at the new version now.';
COMMENT ON COLUMN augur.train_result.seconds IS 'Wall-clock time of the whole training.';
COMMENT ON COLUMN augur.train_result.warnings IS
	'What should be looked at: skipped rows, constant columns and the like.';
