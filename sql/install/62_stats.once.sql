-- stats: what tests return.

CREATE TYPE augur.test_result AS
(
	statistic	float8,
	p_value		float8,
	df			float8,
	n_reference	float8,
	n_current	float8
);
COMMENT ON TYPE augur.test_result IS 'Result of a test whether two sets differ.';
COMMENT ON COLUMN augur.test_result.statistic IS 'the measure of the difference that the test is about';
COMMENT ON COLUMN augur.test_result.p_value IS 'chance of a statistic as large when there is no difference';
COMMENT ON COLUMN augur.test_result.df IS 'degrees of freedom, NULL when the test has none';
COMMENT ON COLUMN augur.test_result.n_reference IS 'rows (or sum of counts) of the reference';
COMMENT ON COLUMN augur.test_result.n_current IS 'rows (or sum of counts) of the current set';
