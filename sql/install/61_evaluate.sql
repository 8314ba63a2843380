-- metric: a model on the rows of a relation.

CREATE OR REPLACE FUNCTION augur.evaluate(model text, relation regclass, target name DEFAULT NULL)
	RETURNS TABLE (metric text, class text, value float8, lower float8, upper float8, n bigint)
	AS 'MODULE_PATHNAME', 'augur_evaluate_rows'
	LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 20;
COMMENT ON FUNCTION augur.evaluate(text, regclass, name) IS
'All metrics of a model on the rows of a table or view, read as the caller: with 95 % intervals where there are any, per class for classes. The actual values are in the column that the model predicts unless target names another. Rows without one are left out. Example: SELECT * FROM augur.evaluate(''churn@staging'', ''customers_june'').';
