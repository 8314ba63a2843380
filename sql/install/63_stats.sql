-- stats: distances between two sets of values, and tests whether they differ.
--
-- The aggregates take (is_current, value): false is the reference, true the current set.

CREATE OR REPLACE FUNCTION augur._side_value(internal, boolean, float8)
	RETURNS internal
AS 'MODULE_PATHNAME', 'augur_metric_side_value' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._side_value(internal, boolean, float8) IS
'Internal. Transition of aggregates over two sets of numbers.';
CREATE OR REPLACE FUNCTION augur._side_value(internal, boolean, float8, integer)
	RETURNS internal
AS 'MODULE_PATHNAME', 'augur_metric_side_value' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._side_value(internal, boolean, float8, integer) IS
'Internal. Transition of aggregates over two sets of numbers, with a number of bins.';
CREATE OR REPLACE FUNCTION augur._side_label(internal, boolean, text)
	RETURNS internal
AS 'MODULE_PATHNAME', 'augur_metric_side_label' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._side_label(internal, boolean, text) IS
'Internal. Transition of aggregates over two sets of categories that are text.';
CREATE OR REPLACE FUNCTION augur._side_label(internal, boolean, "any")
	RETURNS internal
AS 'MODULE_PATHNAME', 'augur_metric_side_label' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._side_label(internal, boolean, "any") IS
'Internal. Transition of aggregates over two sets of categories.';
CREATE OR REPLACE FUNCTION augur._stats_ks(internal)
	RETURNS augur.test_result
AS 'MODULE_PATHNAME', 'augur_stats_ks' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._stats_ks(internal) IS
'Internal. Final function of an aggregate over two sets.';
CREATE OR REPLACE FUNCTION augur._stats_wasserstein(internal)
	RETURNS float8
AS 'MODULE_PATHNAME', 'augur_stats_wasserstein' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._stats_wasserstein(internal) IS
'Internal. Final function of an aggregate over two sets.';
CREATE OR REPLACE FUNCTION augur._stats_psi(internal)
	RETURNS float8
AS 'MODULE_PATHNAME', 'augur_stats_psi' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._stats_psi(internal) IS
'Internal. Final function of an aggregate over two sets.';
CREATE OR REPLACE FUNCTION augur._stats_js(internal)
	RETURNS float8
AS 'MODULE_PATHNAME', 'augur_stats_js' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._stats_js(internal) IS
'Internal. Final function of an aggregate over two sets.';
CREATE OR REPLACE FUNCTION augur._stats_hellinger(internal)
	RETURNS float8
AS 'MODULE_PATHNAME', 'augur_stats_hellinger' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._stats_hellinger(internal) IS
'Internal. Final function of an aggregate over two sets.';
CREATE OR REPLACE FUNCTION augur._stats_total_variation(internal)
	RETURNS float8
AS 'MODULE_PATHNAME', 'augur_stats_total_variation' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._stats_total_variation(internal) IS
'Internal. Final function of an aggregate over two sets.';
CREATE OR REPLACE FUNCTION augur._stats_cells_psi(internal)
	RETURNS float8
AS 'MODULE_PATHNAME', 'augur_stats_cells_psi' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._stats_cells_psi(internal) IS
'Internal. Final function of an aggregate over two sets.';
CREATE OR REPLACE FUNCTION augur._stats_cells_js(internal)
	RETURNS float8
AS 'MODULE_PATHNAME', 'augur_stats_cells_js' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._stats_cells_js(internal) IS
'Internal. Final function of an aggregate over two sets.';
CREATE OR REPLACE FUNCTION augur._stats_cells_hellinger(internal)
	RETURNS float8
AS 'MODULE_PATHNAME', 'augur_stats_cells_hellinger' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._stats_cells_hellinger(internal) IS
'Internal. Final function of an aggregate over two sets.';
CREATE OR REPLACE FUNCTION augur._stats_cells_total_variation(internal)
	RETURNS float8
AS 'MODULE_PATHNAME', 'augur_stats_cells_total_variation' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._stats_cells_total_variation(internal) IS
'Internal. Final function of an aggregate over two sets.';
CREATE OR REPLACE FUNCTION augur._stats_cells_chi_square(internal)
	RETURNS augur.test_result
AS 'MODULE_PATHNAME', 'augur_stats_cells_chi_square' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._stats_cells_chi_square(internal) IS
'Internal. Final function of an aggregate over two sets.';

-- ---- numbers ----------------------------------------------------------------------------------

CREATE OR REPLACE AGGREGATE augur.ks(is_current boolean, value float8) (
	SFUNC = augur._side_value, STYPE = internal, COMBINEFUNC = augur._rank_combine,
	SERIALFUNC = augur._rank_serialize, DESERIALFUNC = augur._rank_deserialize,
	FINALFUNC = augur._stats_ks, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.ks(boolean, float8) IS
'Test of Kolmogorov and Smirnov whether two sets of numbers have one distribution: statistic (the largest gap between the two distribution functions) and p value; exact up to about 10,000 rows on both sides, asymptotic above. Example: SELECT (augur.ks(month = 6, amount)).* FROM sales WHERE month IN (5, 6)';
CREATE OR REPLACE AGGREGATE augur.wasserstein(is_current boolean, value float8) (
	SFUNC = augur._side_value, STYPE = internal, COMBINEFUNC = augur._rank_combine,
	SERIALFUNC = augur._rank_serialize, DESERIALFUNC = augur._rank_deserialize,
	FINALFUNC = augur._stats_wasserstein, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.wasserstein(boolean, float8) IS
'How far two sets of numbers are apart, in their unit: the area between their distribution functions (earth mover''s distance). Divide it by stddev() of the reference to compare columns.';
CREATE OR REPLACE AGGREGATE augur.psi(is_current boolean, value float8) (
	SFUNC = augur._side_value, STYPE = internal, COMBINEFUNC = augur._rank_combine,
	SERIALFUNC = augur._rank_serialize, DESERIALFUNC = augur._rank_deserialize,
	FINALFUNC = augur._stats_psi, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.psi(boolean, float8) IS
'Population stability index of two sets of numbers, over ten bins of nearly equal counts of the reference. Below 0.1 is usually called stable and above 0.2 drift, but chance alone exceeds that in small sets: see augur.null_quantile.';
CREATE OR REPLACE AGGREGATE augur.psi(is_current boolean, value float8, bins integer) (
	SFUNC = augur._side_value, STYPE = internal, COMBINEFUNC = augur._rank_combine,
	SERIALFUNC = augur._rank_serialize, DESERIALFUNC = augur._rank_deserialize,
	FINALFUNC = augur._stats_psi, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.psi(boolean, float8, integer) IS
'Population stability index of two sets of numbers, over so many bins of nearly equal counts of the reference, 1 to 1000. Below 0.1 is usually called stable and above 0.2 drift, but chance alone exceeds that in small sets: see augur.null_quantile.';
CREATE OR REPLACE AGGREGATE augur.js_distance(is_current boolean, value float8) (
	SFUNC = augur._side_value, STYPE = internal, COMBINEFUNC = augur._rank_combine,
	SERIALFUNC = augur._rank_serialize, DESERIALFUNC = augur._rank_deserialize,
	FINALFUNC = augur._stats_js, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.js_distance(boolean, float8) IS
'Distance of Jensen and Shannon between two sets of numbers, from 0 to 0.83, over ten bins of nearly equal counts of the reference. Natural logarithm.';
CREATE OR REPLACE AGGREGATE augur.js_distance(is_current boolean, value float8, bins integer) (
	SFUNC = augur._side_value, STYPE = internal, COMBINEFUNC = augur._rank_combine,
	SERIALFUNC = augur._rank_serialize, DESERIALFUNC = augur._rank_deserialize,
	FINALFUNC = augur._stats_js, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.js_distance(boolean, float8, integer) IS
'Distance of Jensen and Shannon between two sets of numbers, from 0 to 0.83, over so many bins of nearly equal counts of the reference, 1 to 1000. Natural logarithm.';
CREATE OR REPLACE AGGREGATE augur.hellinger(is_current boolean, value float8) (
	SFUNC = augur._side_value, STYPE = internal, COMBINEFUNC = augur._rank_combine,
	SERIALFUNC = augur._rank_serialize, DESERIALFUNC = augur._rank_deserialize,
	FINALFUNC = augur._stats_hellinger, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.hellinger(boolean, float8) IS
'Hellinger distance between two sets of numbers, from 0 to 1, over ten bins of nearly equal counts of the reference.';
CREATE OR REPLACE AGGREGATE augur.hellinger(is_current boolean, value float8, bins integer) (
	SFUNC = augur._side_value, STYPE = internal, COMBINEFUNC = augur._rank_combine,
	SERIALFUNC = augur._rank_serialize, DESERIALFUNC = augur._rank_deserialize,
	FINALFUNC = augur._stats_hellinger, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.hellinger(boolean, float8, integer) IS
'Hellinger distance between two sets of numbers, from 0 to 1, over so many bins of nearly equal counts of the reference, 1 to 1000.';
CREATE OR REPLACE AGGREGATE augur.total_variation(is_current boolean, value float8) (
	SFUNC = augur._side_value, STYPE = internal, COMBINEFUNC = augur._rank_combine,
	SERIALFUNC = augur._rank_serialize, DESERIALFUNC = augur._rank_deserialize,
	FINALFUNC = augur._stats_total_variation, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.total_variation(boolean, float8) IS
'Total variation between two sets of numbers, from 0 to 1: the largest difference in the share of any group of bins, over ten bins of nearly equal counts of the reference.';
CREATE OR REPLACE AGGREGATE augur.total_variation(is_current boolean, value float8, bins integer) (
	SFUNC = augur._side_value, STYPE = internal, COMBINEFUNC = augur._rank_combine,
	SERIALFUNC = augur._rank_serialize, DESERIALFUNC = augur._rank_deserialize,
	FINALFUNC = augur._stats_total_variation, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.total_variation(boolean, float8, integer) IS
'Total variation between two sets of numbers, from 0 to 1: the largest difference in the share of any group of bins, over so many bins of nearly equal counts of the reference, 1 to 1000.';

-- ---- categories --------------------------------------------------------------------------------

CREATE OR REPLACE AGGREGATE augur.psi(is_current boolean, category text) (
	SFUNC = augur._side_label, STYPE = internal, COMBINEFUNC = augur._label_combine,
	SERIALFUNC = augur._label_serialize, DESERIALFUNC = augur._label_deserialize,
	FINALFUNC = augur._stats_cells_psi, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.psi(boolean, text) IS
'Population stability index of two sets of categories. Other types than text are cast. Categories that one side lacks count as a share of 0.0001. Below 0.1 is usually called stable and above 0.2 drift, but chance alone exceeds that in small sets: see augur.null_quantile.';
CREATE OR REPLACE AGGREGATE augur.js_distance(is_current boolean, category text) (
	SFUNC = augur._side_label, STYPE = internal, COMBINEFUNC = augur._label_combine,
	SERIALFUNC = augur._label_serialize, DESERIALFUNC = augur._label_deserialize,
	FINALFUNC = augur._stats_cells_js, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.js_distance(boolean, text) IS
'Distance of Jensen and Shannon between two sets of categories, from 0 to 0.83. Other types than text are cast. Natural logarithm.';
CREATE OR REPLACE AGGREGATE augur.hellinger(is_current boolean, category text) (
	SFUNC = augur._side_label, STYPE = internal, COMBINEFUNC = augur._label_combine,
	SERIALFUNC = augur._label_serialize, DESERIALFUNC = augur._label_deserialize,
	FINALFUNC = augur._stats_cells_hellinger, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.hellinger(boolean, text) IS
'Hellinger distance between two sets of categories, from 0 to 1. Other types than text are cast.';
CREATE OR REPLACE AGGREGATE augur.total_variation(is_current boolean, category text) (
	SFUNC = augur._side_label, STYPE = internal, COMBINEFUNC = augur._label_combine,
	SERIALFUNC = augur._label_serialize, DESERIALFUNC = augur._label_deserialize,
	FINALFUNC = augur._stats_cells_total_variation, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.total_variation(boolean, text) IS
'Total variation between two sets of categories, from 0 to 1: the largest difference in the share of any group of categories. Other types than text are cast.';
CREATE OR REPLACE AGGREGATE augur.chi_square(is_current boolean, category "any") (
	SFUNC = augur._side_label, STYPE = internal, COMBINEFUNC = augur._label_combine,
	SERIALFUNC = augur._label_serialize, DESERIALFUNC = augur._label_deserialize,
	FINALFUNC = augur._stats_cells_chi_square, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.chi_square(boolean, "any") IS
'Chi-square test whether two sets have the same shares of categories of any type: statistic, p value and degrees of freedom. Rare categories (fewer than five expected) make the p value too small.';

-- ---- counts ------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur.distance(name text, reference float8[], current float8[])
	RETURNS float8
AS 'MODULE_PATHNAME', 'augur_stats_array_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur.distance(text, float8[], float8[]) IS
'Distance between two sets that are given as counts of the same cells: psi, kl (Kullback-Leibler, of current from reference), js_distance, hellinger or total_variation. Example: SELECT augur.distance(''psi'', ''{10,20,30}'', ''{12,18,40}'')';
CREATE OR REPLACE FUNCTION augur.chi_square_test(reference float8[], current float8[])
	RETURNS augur.test_result
AS 'MODULE_PATHNAME', 'augur_stats_array_chi_square' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur.chi_square_test(float8[], float8[]) IS
'Chi-square test whether two sets, given as counts of the same cells, have the same shares.';
CREATE OR REPLACE FUNCTION augur.share_test(reference_hits bigint, reference_rows bigint, current_hits bigint, current_rows bigint)
	RETURNS augur.test_result
AS 'MODULE_PATHNAME', 'augur_stats_share_test' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur.share_test(bigint, bigint, bigint, bigint) IS
'Test (z, two-sided) whether a share has changed: of nulls, of clicks. Example: SELECT (augur.share_test(50, 1000, 80, 1000)).p_value';
CREATE OR REPLACE FUNCTION augur.adjust_p_values(p float8[])
	RETURNS float8[]
AS 'MODULE_PATHNAME', 'augur_stats_adjust_p' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur.adjust_p_values(float8[]) IS
'p values of many tests, adjusted by Benjamini and Hochberg: calling those of at most 0.05 different keeps the expected share of false calls among the calls at 5 %. NULL stays and is no test.';
CREATE OR REPLACE FUNCTION augur.null_quantile(distance text, reference_rows bigint, current_rows bigint, cells integer, alpha float8 DEFAULT 0.05)
	RETURNS float8
AS 'MODULE_PATHNAME', 'augur_stats_null_quantile' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur.null_quantile(text, bigint, bigint, integer, float8) IS
'The distance (psi, kl, js_distance or hellinger) that a share alpha of sets of these sizes exceeds by chance alone, when nothing has changed: a fixed threshold means drift only above it. Asymptotic: good when each cell is expected to hold at least five rows.';
