-- metric: aggregates that measure predictions against what happened.
--
-- Arguments are (actual, predicted), rows with a NULL are skipped, and no rows give NULL.  All
-- have combine functions and are parallel safe.  States of sums are float8 arrays, which can be
-- stored and sent; rankings and pairs of labels have internal states with serialization.

-- ---- sums ---------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._squared_add(float8[], float8, float8) RETURNS float8[]
AS 'MODULE_PATHNAME', 'augur_metric_squared_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._squared_add(float8[], float8, float8) IS
'Internal. Transition of augur.rmse.';
CREATE OR REPLACE FUNCTION augur._absolute_add(float8[], float8, float8) RETURNS float8[]
AS 'MODULE_PATHNAME', 'augur_metric_absolute_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._absolute_add(float8[], float8, float8) IS
'Internal. Transition of augur.mae.';
CREATE OR REPLACE FUNCTION augur._relative_add(float8[], float8, float8) RETURNS float8[]
AS 'MODULE_PATHNAME', 'augur_metric_relative_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._relative_add(float8[], float8, float8) IS
'Internal. Transition of augur.mape.';
CREATE OR REPLACE FUNCTION augur._symmetric_add(float8[], float8, float8) RETURNS float8[]
AS 'MODULE_PATHNAME', 'augur_metric_symmetric_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._symmetric_add(float8[], float8, float8) IS
'Internal. Transition of augur.smape.';
CREATE OR REPLACE FUNCTION augur._pinball_add(float8[], float8, float8, float8) RETURNS float8[]
AS 'MODULE_PATHNAME', 'augur_metric_pinball_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._pinball_add(float8[], float8, float8, float8) IS
'Internal. Transition of augur.pinball.';
CREATE OR REPLACE FUNCTION augur._coverage_add(float8[], float8, float8, float8) RETURNS float8[]
AS 'MODULE_PATHNAME', 'augur_metric_coverage_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._coverage_add(float8[], float8, float8, float8) IS
'Internal. Transition of augur.coverage.';
CREATE OR REPLACE FUNCTION augur._log_loss_add(float8[], boolean, float8) RETURNS float8[]
AS 'MODULE_PATHNAME', 'augur_metric_log_loss_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._log_loss_add(float8[], boolean, float8) IS
'Internal. Transition of augur.log_loss.';
CREATE OR REPLACE FUNCTION augur._brier_add(float8[], boolean, float8) RETURNS float8[]
AS 'MODULE_PATHNAME', 'augur_metric_brier_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._brier_add(float8[], boolean, float8) IS
'Internal. Transition of augur.brier.';
CREATE OR REPLACE FUNCTION augur._equal_add(float8[], "any", "any") RETURNS float8[]
AS 'MODULE_PATHNAME', 'augur_metric_equal_add' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._equal_add(float8[], "any", "any") IS
'Internal. Transition of augur.accuracy.';
CREATE OR REPLACE FUNCTION augur._scaled_add(float8[], float8, float8, float8) RETURNS float8[]
AS 'MODULE_PATHNAME', 'augur_metric_scaled_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._scaled_add(float8[], float8, float8, float8) IS
'Internal. Transition of augur.mase.';
CREATE OR REPLACE FUNCTION augur._r2_add(float8[], float8, float8) RETURNS float8[]
AS 'MODULE_PATHNAME', 'augur_metric_r2_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._r2_add(float8[], float8, float8) IS
'Internal. Transition of augur.r2.';
CREATE OR REPLACE FUNCTION augur._sum_combine(float8[], float8[]) RETURNS float8[]
AS 'MODULE_PATHNAME', 'augur_metric_sum_combine' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._sum_combine(float8[], float8[]) IS
'Internal. Adds two states of sums.';
CREATE OR REPLACE FUNCTION augur._r2_combine(float8[], float8[]) RETURNS float8[]
AS 'MODULE_PATHNAME', 'augur_metric_r2_combine' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._r2_combine(float8[], float8[]) IS
'Internal. Adds two states of augur.r2.';
CREATE OR REPLACE FUNCTION augur._mean(float8[]) RETURNS float8
AS 'MODULE_PATHNAME', 'augur_metric_mean' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._mean(float8[]) IS
'Internal. Result of metrics that are means.';
CREATE OR REPLACE FUNCTION augur._root(float8[]) RETURNS float8
AS 'MODULE_PATHNAME', 'augur_metric_root' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._root(float8[]) IS
'Internal. Result of augur.rmse.';
CREATE OR REPLACE FUNCTION augur._scaled(float8[]) RETURNS float8
AS 'MODULE_PATHNAME', 'augur_metric_scaled' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._scaled(float8[]) IS
'Internal. Result of augur.mase.';
CREATE OR REPLACE FUNCTION augur._r2(float8[]) RETURNS float8
AS 'MODULE_PATHNAME', 'augur_metric_r2' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._r2(float8[]) IS
'Internal. Result of augur.r2.';
CREATE OR REPLACE FUNCTION augur._calibration_add(float8[], boolean, float8) RETURNS float8[]
AS 'MODULE_PATHNAME', 'augur_metric_calibration_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._calibration_add(float8[], boolean, float8) IS
'Internal. Transition of augur.calibration.';
CREATE OR REPLACE FUNCTION augur._calibration_add(float8[], boolean, float8, integer)
RETURNS float8[]
AS 'MODULE_PATHNAME', 'augur_metric_calibration_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._calibration_add(float8[], boolean, float8, integer) IS
'Internal. Transition of augur.calibration with a number of bins.';
CREATE OR REPLACE FUNCTION augur._calibration_combine(float8[], float8[]) RETURNS float8[]
AS 'MODULE_PATHNAME', 'augur_metric_calibration_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._calibration_combine(float8[], float8[]) IS
'Internal. Adds two states of augur.calibration.';
CREATE OR REPLACE FUNCTION augur._calibration(float8[]) RETURNS jsonb
AS 'MODULE_PATHNAME', 'augur_metric_calibration' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._calibration(float8[]) IS
'Internal. Result of augur.calibration.';

CREATE OR REPLACE AGGREGATE augur.rmse(actual float8, predicted float8) (
	SFUNC = augur._squared_add, STYPE = float8[], SSPACE = 48, INITCOND = '{0,0,0}',
	COMBINEFUNC = augur._sum_combine, FINALFUNC = augur._root, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.rmse(float8, float8) IS
'Root mean squared error of (actual, predicted).';
CREATE OR REPLACE AGGREGATE augur.mae(actual float8, predicted float8) (
	SFUNC = augur._absolute_add, STYPE = float8[], SSPACE = 48, INITCOND = '{0,0,0}',
	COMBINEFUNC = augur._sum_combine, FINALFUNC = augur._mean, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.mae(float8, float8) IS
'Mean absolute error of (actual, predicted).';
CREATE OR REPLACE AGGREGATE augur.mape(actual float8, predicted float8) (
	SFUNC = augur._relative_add, STYPE = float8[], SSPACE = 48, INITCOND = '{0,0,0}',
	COMBINEFUNC = augur._sum_combine, FINALFUNC = augur._mean, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.mape(float8, float8) IS
'Mean absolute error of (actual, predicted) relative to the actual value, as a share: 0.1 is 10 %. Rows whose actual value is 0 are left out.';
CREATE OR REPLACE AGGREGATE augur.smape(actual float8, predicted float8) (
	SFUNC = augur._symmetric_add, STYPE = float8[], SSPACE = 48, INITCOND = '{0,0,0}',
	COMBINEFUNC = augur._sum_combine, FINALFUNC = augur._mean, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.smape(float8, float8) IS
'Mean of 2 |error| / (|actual| + |predicted|), 0 where both are 0: a share from 0 to 2.';
CREATE OR REPLACE AGGREGATE augur.r2(actual float8, predicted float8) (
	SFUNC = augur._r2_add, STYPE = float8[], SSPACE = 64, INITCOND = '{0,0,0,0,0}',
	COMBINEFUNC = augur._r2_combine, FINALFUNC = augur._r2, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.r2(float8, float8) IS
'Share of the variance of actual that predicted explains: 1 is perfect, 0 as good as the mean, NULL when all actual values are the same.';
CREATE OR REPLACE AGGREGATE augur.mase(actual float8, predicted float8, naive float8) (
	SFUNC = augur._scaled_add, STYPE = float8[], SSPACE = 64, INITCOND = '{0,0,0,0,0}',
	COMBINEFUNC = augur._sum_combine, FINALFUNC = augur._scaled, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.mase(float8, float8, float8) IS
'Mean absolute error of (actual, predicted) divided by that of a naive forecast for the same rows, such as the value a season ago; below 1 is better than naive.';
CREATE OR REPLACE AGGREGATE augur.pinball(actual float8, predicted float8, quantile float8) (
	SFUNC = augur._pinball_add, STYPE = float8[], SSPACE = 48, INITCOND = '{0,0,0}',
	COMBINEFUNC = augur._sum_combine, FINALFUNC = augur._mean, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.pinball(float8, float8, float8) IS
'Mean quantile loss of (actual, predicted quantile, level): the true quantile of that level has the least.';
CREATE OR REPLACE AGGREGATE augur.coverage(actual float8, lower float8, upper float8) (
	SFUNC = augur._coverage_add, STYPE = float8[], SSPACE = 48, INITCOND = '{0,0,0}',
	COMBINEFUNC = augur._sum_combine, FINALFUNC = augur._mean, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.coverage(float8, float8, float8) IS
'Share of actual values that lie between lower and upper, ends included.';
CREATE OR REPLACE AGGREGATE augur.log_loss(label boolean, probability float8) (
	SFUNC = augur._log_loss_add, STYPE = float8[], SSPACE = 48, INITCOND = '{0,0,0}',
	COMBINEFUNC = augur._sum_combine, FINALFUNC = augur._mean, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.log_loss(boolean, float8) IS
'Mean of -ln(probability given to what happened), of (label, probability of true); ln(2) is a coin.';
CREATE OR REPLACE AGGREGATE augur.brier(label boolean, probability float8) (
	SFUNC = augur._brier_add, STYPE = float8[], SSPACE = 48, INITCOND = '{0,0,0}',
	COMBINEFUNC = augur._sum_combine, FINALFUNC = augur._mean, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.brier(boolean, float8) IS
'Mean squared error of probabilities, of (label, probability of true); 0 is perfect, 0.25 is a coin.';
CREATE OR REPLACE AGGREGATE augur.accuracy(actual "any", predicted "any") (
	SFUNC = augur._equal_add, STYPE = float8[], SSPACE = 48, INITCOND = '{0,0,0}',
	COMBINEFUNC = augur._sum_combine, FINALFUNC = augur._mean, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.accuracy("any", "any") IS
'Share of rows whose labels (actual, predicted) are the same. The types may differ: labels are compared as text, a boolean beside a text by its meaning.';
CREATE OR REPLACE AGGREGATE augur.calibration(label boolean, probability float8) (
	SFUNC = augur._calibration_add, STYPE = float8[], SSPACE = 264,
	COMBINEFUNC = augur._calibration_combine, FINALFUNC = augur._calibration, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.calibration(boolean, float8) IS
'How probabilities compare with what happened, in 10 bins: jsonb array of {lower, upper, n, predicted, actual}, for bins with rows.';
CREATE OR REPLACE AGGREGATE augur.calibration(label boolean, probability float8, bins integer) (
	SFUNC = augur._calibration_add, STYPE = float8[], SSPACE = 264,
	COMBINEFUNC = augur._calibration_combine, FINALFUNC = augur._calibration, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.calibration(boolean, float8, integer) IS
'How probabilities compare with what happened, in the given number of bins (2 to 1000).';

-- ---- rankings ----------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._rank_add(internal, boolean, float8) RETURNS internal
AS 'MODULE_PATHNAME', 'augur_metric_rank_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._rank_add(internal, boolean, float8) IS
'Internal. Transition of ranking metrics.';
CREATE OR REPLACE FUNCTION augur._rank_add(internal, boolean, float8, integer) RETURNS internal
AS 'MODULE_PATHNAME', 'augur_metric_rank_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._rank_add(internal, boolean, float8, integer) IS
'Internal. Transition of ranking metrics with a number of bins.';
CREATE OR REPLACE FUNCTION augur._rank_combine(internal, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'augur_metric_rank_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._rank_combine(internal, internal) IS
'Internal. Adds two states of ranking metrics.';
CREATE OR REPLACE FUNCTION augur._rank_serialize(internal) RETURNS bytea
AS 'MODULE_PATHNAME', 'augur_metric_rank_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._rank_serialize(internal) IS
'Internal. A state of ranking metrics as bytes.';
CREATE OR REPLACE FUNCTION augur._rank_deserialize(bytea, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'augur_metric_rank_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._rank_deserialize(bytea, internal) IS
'Internal. A state of ranking metrics from bytes.';
CREATE OR REPLACE FUNCTION augur._auc(internal) RETURNS float8
AS 'MODULE_PATHNAME', 'augur_metric_auc' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._auc(internal) IS
'Internal. Result of augur.auc.';
CREATE OR REPLACE FUNCTION augur._pr_auc(internal) RETURNS float8
AS 'MODULE_PATHNAME', 'augur_metric_pr_auc' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._pr_auc(internal) IS
'Internal. Result of augur.pr_auc.';
CREATE OR REPLACE FUNCTION augur._roc(internal) RETURNS jsonb
AS 'MODULE_PATHNAME', 'augur_metric_roc' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._roc(internal) IS
'Internal. Result of augur.roc.';
CREATE OR REPLACE FUNCTION augur._lift(internal) RETURNS jsonb
AS 'MODULE_PATHNAME', 'augur_metric_lift' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._lift(internal) IS
'Internal. Result of augur.lift.';

CREATE OR REPLACE AGGREGATE augur.auc(label boolean, score float8) (
	SFUNC = augur._rank_add, STYPE = internal, COMBINEFUNC = augur._rank_combine,
	SERIALFUNC = augur._rank_serialize, DESERIALFUNC = augur._rank_deserialize,
	FINALFUNC = augur._auc, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.auc(boolean, float8) IS
'Area under the ROC curve of (label, score): the chance that a true row scores above a false one; 0.5 is a coin. NULL when all labels are the same. Keeps 8 bytes a row.';
CREATE OR REPLACE AGGREGATE augur.pr_auc(label boolean, score float8) (
	SFUNC = augur._rank_add, STYPE = internal, COMBINEFUNC = augur._rank_combine,
	SERIALFUNC = augur._rank_serialize, DESERIALFUNC = augur._rank_deserialize,
	FINALFUNC = augur._pr_auc, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.pr_auc(boolean, float8) IS
'Average precision of (label, score), the area under the steps of the precision-recall curve. NULL without a true label.';
CREATE OR REPLACE AGGREGATE augur.roc(label boolean, score float8) (
	SFUNC = augur._rank_add, STYPE = internal, COMBINEFUNC = augur._rank_combine,
	SERIALFUNC = augur._rank_serialize, DESERIALFUNC = augur._rank_deserialize,
	FINALFUNC = augur._roc, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.roc(boolean, float8) IS
'ROC curve of (label, score): jsonb array of {threshold, fpr, tpr} from (0, 0) to (1, 1), of about 1,000 points at most.';
CREATE OR REPLACE AGGREGATE augur.lift(label boolean, score float8) (
	SFUNC = augur._rank_add, STYPE = internal, COMBINEFUNC = augur._rank_combine,
	SERIALFUNC = augur._rank_serialize, DESERIALFUNC = augur._rank_deserialize,
	FINALFUNC = augur._lift, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.lift(boolean, float8) IS
'Ten equal bins of rows, highest scores first: jsonb array of {bin, n, positives, lowest_score, rate, lift, gain}; lift is the rate over that of all rows, gain the share of positives down to here.';
CREATE OR REPLACE AGGREGATE augur.lift(label boolean, score float8, bins integer) (
	SFUNC = augur._rank_add, STYPE = internal, COMBINEFUNC = augur._rank_combine,
	SERIALFUNC = augur._rank_serialize, DESERIALFUNC = augur._rank_deserialize,
	FINALFUNC = augur._lift, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.lift(boolean, float8, integer) IS
'The same in the given number of bins (1 to 1000).';

-- ---- labels -------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._label_add(internal, "any", "any") RETURNS internal
AS 'MODULE_PATHNAME', 'augur_metric_label_add' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._label_add(internal, "any", "any") IS
'Internal. Transition of metrics of labels.';
CREATE OR REPLACE FUNCTION augur._label_add(internal, "any", "any", text) RETURNS internal
AS 'MODULE_PATHNAME', 'augur_metric_label_add' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._label_add(internal, "any", "any", text) IS
'Internal. Transition of metrics of one class.';
CREATE OR REPLACE FUNCTION augur._label_combine(internal, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'augur_metric_label_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._label_combine(internal, internal) IS
'Internal. Adds two states of metrics of labels.';
CREATE OR REPLACE FUNCTION augur._label_serialize(internal) RETURNS bytea
AS 'MODULE_PATHNAME', 'augur_metric_label_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._label_serialize(internal) IS
'Internal. A state of metrics of labels as bytes.';
CREATE OR REPLACE FUNCTION augur._label_deserialize(bytea, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'augur_metric_label_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._label_deserialize(bytea, internal) IS
'Internal. A state of metrics of labels from bytes.';
CREATE OR REPLACE FUNCTION augur._confusion(internal) RETURNS jsonb
AS 'MODULE_PATHNAME', 'augur_metric_confusion' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._confusion(internal) IS
'Internal. Result of augur.confusion.';
CREATE OR REPLACE FUNCTION augur._f1(internal) RETURNS float8
AS 'MODULE_PATHNAME', 'augur_metric_f1' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._f1(internal) IS
'Internal. Result of augur.f1.';
CREATE OR REPLACE FUNCTION augur._precision(internal) RETURNS float8
AS 'MODULE_PATHNAME', 'augur_metric_precision' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._precision(internal) IS
'Internal. Result of augur.precision.';
CREATE OR REPLACE FUNCTION augur._recall(internal) RETURNS float8
AS 'MODULE_PATHNAME', 'augur_metric_recall' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._recall(internal) IS
'Internal. Result of augur.recall.';
CREATE OR REPLACE FUNCTION augur._balanced_accuracy(internal) RETURNS float8
AS 'MODULE_PATHNAME', 'augur_metric_balanced_accuracy' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._balanced_accuracy(internal) IS
'Internal. Result of augur.balanced_accuracy.';
CREATE OR REPLACE FUNCTION augur._mcc(internal) RETURNS float8
AS 'MODULE_PATHNAME', 'augur_metric_mcc' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._mcc(internal) IS
'Internal. Result of augur.mcc.';

CREATE OR REPLACE AGGREGATE augur.confusion(actual "any", predicted "any") (
	SFUNC = augur._label_add, STYPE = internal, COMBINEFUNC = augur._label_combine,
	SERIALFUNC = augur._label_serialize, DESERIALFUNC = augur._label_deserialize,
	FINALFUNC = augur._confusion, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.confusion("any", "any") IS
'Confusion matrix of labels (actual, predicted): jsonb array of {actual, predicted, n}, for pairs that occur, at most 50,000.';
CREATE OR REPLACE AGGREGATE augur.f1(actual "any", predicted "any") (
	SFUNC = augur._label_add, STYPE = internal, COMBINEFUNC = augur._label_combine,
	SERIALFUNC = augur._label_serialize, DESERIALFUNC = augur._label_deserialize,
	FINALFUNC = augur._f1, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.f1("any", "any") IS
'Harmonic mean of precision and recall of labels (actual, predicted): of class true when actual is boolean, else the mean over the classes. A third argument names the class.';
CREATE OR REPLACE AGGREGATE augur.f1(actual "any", predicted "any", positive text) (
	SFUNC = augur._label_add, STYPE = internal, COMBINEFUNC = augur._label_combine,
	SERIALFUNC = augur._label_serialize, DESERIALFUNC = augur._label_deserialize,
	FINALFUNC = augur._f1, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.f1("any", "any", text) IS
'Harmonic mean of precision and recall of the class named by the third argument.';
CREATE OR REPLACE AGGREGATE augur.precision(actual "any", predicted "any") (
	SFUNC = augur._label_add, STYPE = internal, COMBINEFUNC = augur._label_combine,
	SERIALFUNC = augur._label_serialize, DESERIALFUNC = augur._label_deserialize,
	FINALFUNC = augur._precision, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.precision("any", "any") IS
'Share of rows predicted to be of a class that are: of class true when actual is boolean, else the mean over the classes. A third argument names the class. The name needs its schema, for SQL has the word too.';
CREATE OR REPLACE AGGREGATE augur.precision(actual "any", predicted "any", positive text) (
	SFUNC = augur._label_add, STYPE = internal, COMBINEFUNC = augur._label_combine,
	SERIALFUNC = augur._label_serialize, DESERIALFUNC = augur._label_deserialize,
	FINALFUNC = augur._precision, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.precision("any", "any", text) IS
'Share of rows predicted to be of the class named by the third argument that are.';
CREATE OR REPLACE AGGREGATE augur.recall(actual "any", predicted "any") (
	SFUNC = augur._label_add, STYPE = internal, COMBINEFUNC = augur._label_combine,
	SERIALFUNC = augur._label_serialize, DESERIALFUNC = augur._label_deserialize,
	FINALFUNC = augur._recall, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.recall("any", "any") IS
'Share of rows of a class that are predicted to be: of class true when actual is boolean, else the mean over the classes. A third argument names the class.';
CREATE OR REPLACE AGGREGATE augur.recall(actual "any", predicted "any", positive text) (
	SFUNC = augur._label_add, STYPE = internal, COMBINEFUNC = augur._label_combine,
	SERIALFUNC = augur._label_serialize, DESERIALFUNC = augur._label_deserialize,
	FINALFUNC = augur._recall, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.recall("any", "any", text) IS
'Share of rows of the class named by the third argument that are predicted to be.';
CREATE OR REPLACE AGGREGATE augur.balanced_accuracy(actual "any", predicted "any") (
	SFUNC = augur._label_add, STYPE = internal, COMBINEFUNC = augur._label_combine,
	SERIALFUNC = augur._label_serialize, DESERIALFUNC = augur._label_deserialize,
	FINALFUNC = augur._balanced_accuracy, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.balanced_accuracy("any", "any") IS
'Mean over the classes that occur of the share of their rows that are predicted right, of labels (actual, predicted).';
CREATE OR REPLACE AGGREGATE augur.mcc(actual "any", predicted "any") (
	SFUNC = augur._label_add, STYPE = internal, COMBINEFUNC = augur._label_combine,
	SERIALFUNC = augur._label_serialize, DESERIALFUNC = augur._label_deserialize,
	FINALFUNC = augur._mcc, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.mcc("any", "any") IS
'Correlation of labels (actual, predicted), of Matthews, and of Gorodkin for more than two classes: 1 is perfect, 0 is chance.';
