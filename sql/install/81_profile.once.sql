-- profile: what a column holds, as a value.

CREATE TYPE augur.profile;

CREATE FUNCTION augur.profile_in(cstring) RETURNS augur.profile
	AS 'MODULE_PATHNAME', 'augur_profile_in'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION augur.profile_in(cstring) IS
'Reads a profile from its text form, "\x" and hexadecimal digits; every byte is checked.';

CREATE FUNCTION augur.profile_out(augur.profile) RETURNS cstring
	AS 'MODULE_PATHNAME', 'augur_profile_out'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION augur.profile_out(augur.profile) IS
'Writes a profile as "\x" and hexadecimal digits, without loss; augur.profile_info is for reading.';

CREATE FUNCTION augur.profile_recv(internal) RETURNS augur.profile
	AS 'MODULE_PATHNAME', 'augur_profile_recv'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION augur.profile_recv(internal) IS
'Reads a profile from its bytes; every byte is checked.';

CREATE FUNCTION augur.profile_send(augur.profile) RETURNS bytea
	AS 'MODULE_PATHNAME', 'augur_profile_send'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION augur.profile_send(augur.profile) IS
'The bytes of a profile, as they are stored and sent in binary format.';

CREATE TYPE augur.profile (
	INPUT = augur.profile_in,
	OUTPUT = augur.profile_out,
	RECEIVE = augur.profile_recv,
	SEND = augur.profile_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);
COMMENT ON TYPE augur.profile IS
'What a column holds, in bounded size: counts, extremes, moments, quantiles or frequent values. Made by the aggregate augur.profile, put together by + and augur.merge_profiles, read by augur.profile_info.';

CREATE TYPE augur.profile_summary AS (
	kind text,
	n bigint,
	nulls bigint,
	nans bigint,
	infinite bigint,
	exact boolean,
	distinct_values bigint,
	low float8,
	high float8,
	mean float8,
	sd float8,
	skewness float8,
	kurtosis float8,
	first_time timestamp,
	last_time timestamp,
	labels bigint,
	other bigint,
	label_error bigint
);
COMMENT ON TYPE augur.profile_summary IS 'What a profile knows, but for quantiles and labels.';
COMMENT ON COLUMN augur.profile_summary.kind IS
'what the values are: number, boolean, date, timestamp, duration or text';
COMMENT ON COLUMN augur.profile_summary.n IS 'values: neither null nor NaN nor infinite';
COMMENT ON COLUMN augur.profile_summary.nulls IS 'rows without a value';
COMMENT ON COLUMN augur.profile_summary.nans IS 'numbers that are NaN';
COMMENT ON COLUMN augur.profile_summary.infinite IS 'infinite numbers and dates, and numbers beyond 1e60';
COMMENT ON COLUMN augur.profile_summary.exact IS 'whether everything is exact: up to 2,048 numbers or 1,000 distinct labels';
COMMENT ON COLUMN augur.profile_summary.distinct_values IS 'distinct values; an estimate with a standard error of 2.3 % unless exact';
COMMENT ON COLUMN augur.profile_summary.low IS 'least number; dates in days since 2000-01-01, durations in seconds';
COMMENT ON COLUMN augur.profile_summary.high IS 'greatest number, likewise';
COMMENT ON COLUMN augur.profile_summary.mean IS 'mean, likewise';
COMMENT ON COLUMN augur.profile_summary.sd IS 'standard deviation of the sample, likewise';
COMMENT ON COLUMN augur.profile_summary.skewness IS 'third standardised moment, of the population';
COMMENT ON COLUMN augur.profile_summary.kurtosis IS 'fourth standardised moment less 3, of the population';
COMMENT ON COLUMN augur.profile_summary.first_time IS 'earliest date or timestamp, in UTC';
COMMENT ON COLUMN augur.profile_summary.last_time IS 'latest date or timestamp, in UTC';
COMMENT ON COLUMN augur.profile_summary.labels IS 'labels whose counts are kept';
COMMENT ON COLUMN augur.profile_summary.other IS 'values whose label was not kept';
COMMENT ON COLUMN augur.profile_summary.label_error IS 'by so much at most each count is too small';

CREATE TYPE augur.profile_distance AS (
	n_reference bigint,
	n_current bigint,
	psi float8,
	kl float8,
	js_distance float8,
	hellinger float8,
	total_variation float8,
	wasserstein float8,
	ks float8,
	ks_p float8,
	chi_square float8,
	chi_square_p float8,
	out_of_range_share float8,
	unseen_share float8,
	missing_reference bigint,
	missing_current bigint,
	null_reference float8,
	null_current float8,
	null_p float8
);
COMMENT ON TYPE augur.profile_distance IS
'How the column of one profile differs from that of another. Distances over cells are over tenths of the reference for numbers, and over labels, rare ones put together, for text.';
COMMENT ON COLUMN augur.profile_distance.n_reference IS 'values of the reference';
COMMENT ON COLUMN augur.profile_distance.n_current IS 'values of the current profile';
COMMENT ON COLUMN augur.profile_distance.psi IS 'population stability index';
COMMENT ON COLUMN augur.profile_distance.kl IS 'divergence of Kullback and Leibler, of current from reference';
COMMENT ON COLUMN augur.profile_distance.js_distance IS 'distance of Jensen and Shannon, natural logarithm';
COMMENT ON COLUMN augur.profile_distance.hellinger IS 'distance of Hellinger';
COMMENT ON COLUMN augur.profile_distance.total_variation IS 'total variation distance';
COMMENT ON COLUMN augur.profile_distance.wasserstein IS 'area between the distribution functions, in standard deviations of the reference; numbers only';
COMMENT ON COLUMN augur.profile_distance.ks IS 'largest gap between the distribution functions; numbers only';
COMMENT ON COLUMN augur.profile_distance.ks_p IS 'chance of such a gap without drift, which allows for the error of profiles that are not exact';
COMMENT ON COLUMN augur.profile_distance.chi_square IS 'chi-square statistic of homogeneity; labels only';
COMMENT ON COLUMN augur.profile_distance.chi_square_p IS 'its p value';
COMMENT ON COLUMN augur.profile_distance.out_of_range_share IS 'share of current numbers outside the range of the reference';
COMMENT ON COLUMN augur.profile_distance.unseen_share IS 'share of current values whose label the reference lacks; null when it does not know all of its labels';
COMMENT ON COLUMN augur.profile_distance.missing_reference IS 'rows of the reference without a value';
COMMENT ON COLUMN augur.profile_distance.missing_current IS 'rows of the current profile without a value';
COMMENT ON COLUMN augur.profile_distance.null_reference IS 'share of rows of the reference without a value';
COMMENT ON COLUMN augur.profile_distance.null_current IS 'share of rows of the current profile without a value';
COMMENT ON COLUMN augur.profile_distance.null_p IS 'p value of the difference of the two shares';

CREATE FUNCTION augur.profile_merge(a augur.profile, b augur.profile)
	RETURNS augur.profile
	AS 'MODULE_PATHNAME', 'augur_profile_merge'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION augur.profile_merge(augur.profile, augur.profile) IS
'The profile of the rows of both, also written a + b.';

CREATE OPERATOR augur.+ (
	LEFTARG = augur.profile,
	RIGHTARG = augur.profile,
	FUNCTION = augur.profile_merge,
	COMMUTATOR = OPERATOR(augur.+)
);
COMMENT ON OPERATOR augur.+ (augur.profile, augur.profile) IS
'The profile of the rows of both.';
