-- linear: what linear models say about their features.

CREATE OR REPLACE FUNCTION augur.coefficients(model text, level float8 DEFAULT 0.95)
	RETURNS TABLE (feature text, level_value text, estimate float8, standard_error float8,
		t float8, p_value float8, lower float8, upper float8)
	AS 'MODULE_PATHNAME', 'augur_coefficients_model'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 ROWS 20;
COMMENT ON FUNCTION augur.coefficients(text, float8) IS
'The coefficients of a linear model: one row for the intercept, for each number and for each level of a category but its first (whose effect is in the intercept), with standard error, t, two-sided p value and confidence interval. NULL: the term is a combination of others. Errors are those of ordinary least squares: they hold for independent rows of equal variance.';

CREATE OR REPLACE FUNCTION augur.coefficients(model augur.model, level float8 DEFAULT 0.95)
	RETURNS TABLE (feature text, level_value text, estimate float8, standard_error float8,
		t float8, p_value float8, lower float8, upper float8)
	AS 'MODULE_PATHNAME', 'augur_coefficients_value'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 20;
COMMENT ON FUNCTION augur.coefficients(augur.model, float8) IS
'The coefficients of a linear model that is a value, such as augur.linear_agg returns. Example: SELECT g.region, c.* FROM (SELECT region, augur.linear_agg(sales, f) AS m FROM (SELECT region, sales, price FROM shops) f GROUP BY region) g, augur.coefficients(g.m) c;';
