-- drift: what a comparison of two relations returns, one row per column.

CREATE TYPE augur.drift_column AS
(
	part				text,
	column_name			name,
	kind				text,
	method				text,
	score				float8,
	effect_floor		float8,
	p_value				float8,
	adjusted_p			float8,
	n_reference			bigint,
	n_current			bigint,
	null_reference		float8,
	null_current		float8,
	null_adjusted_p		float8,
	unseen_share		float8,
	out_of_range_share	float8,
	verdict				text,
	detail				text,
	importance			float8
);
COMMENT ON TYPE augur.drift_column IS
'How one column of a current relation differs from a reference.';
COMMENT ON COLUMN augur.drift_column.part IS 'feature, target or prediction of a model; null where two relations are compared';
COMMENT ON COLUMN augur.drift_column.column_name IS 'the column that was compared';
COMMENT ON COLUMN augur.drift_column.kind IS 'numeric or categorical';
COMMENT ON COLUMN augur.drift_column.method IS 'what the score is: wasserstein (in standard deviations of the reference) or js_distance';
COMMENT ON COLUMN augur.drift_column.score IS 'how far the column has moved';
COMMENT ON COLUMN augur.drift_column.effect_floor IS 'the score below which a difference is too small to matter';
COMMENT ON COLUMN augur.drift_column.p_value IS 'chance of such a difference without drift: Kolmogorov-Smirnov or chi-square test';
COMMENT ON COLUMN augur.drift_column.adjusted_p IS 'p_value adjusted for the number of tests (Benjamini and Hochberg)';
COMMENT ON COLUMN augur.drift_column.n_reference IS 'values in the reference that are neither null nor NaN nor infinite';
COMMENT ON COLUMN augur.drift_column.n_current IS 'values in the current relation that are neither null nor NaN nor infinite';
COMMENT ON COLUMN augur.drift_column.null_reference IS 'share of rows of the reference without a value';
COMMENT ON COLUMN augur.drift_column.null_current IS 'share of rows of the current relation without a value';
COMMENT ON COLUMN augur.drift_column.null_adjusted_p IS 'adjusted p value of the change of the share without a value';
COMMENT ON COLUMN augur.drift_column.unseen_share IS 'share of current values that are categories the reference lacks';
COMMENT ON COLUMN augur.drift_column.out_of_range_share IS 'share of current values below the least or above the greatest of the reference';
COMMENT ON COLUMN augur.drift_column.verdict IS 'ok, warn, drift, insufficient (too few rows to say) or error (not comparable)';
COMMENT ON COLUMN augur.drift_column.detail IS 'why, in words, when the verdict is not ok';
COMMENT ON COLUMN augur.drift_column.importance IS 'share of the model''s importance that is the column''s, where the model tells one';
