-- agg: aggregates that return a model as a value.

CREATE OR REPLACE FUNCTION augur._random_forest_collect(internal, anyelement, record) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_agg_collect'
	LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION augur._random_forest_collect(internal, anyelement, record) IS
'Internal. Takes a row into the state of augur.random_forest_agg.';

CREATE OR REPLACE FUNCTION augur._random_forest_collect(internal, anyelement, record, jsonb) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_agg_collect'
	LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION augur._random_forest_collect(internal, anyelement, record, jsonb) IS
'Internal. Takes a row into the state of augur.random_forest_agg with options.';

CREATE OR REPLACE FUNCTION augur._random_forest_train(internal) RETURNS augur.model
	AS 'MODULE_PATHNAME', 'augur_agg_train'
	LANGUAGE C STABLE PARALLEL SAFE COST 1000000;
COMMENT ON FUNCTION augur._random_forest_train(internal) IS
'Internal. Trains the forest of augur.random_forest_agg on the rows of its state.';

CREATE OR REPLACE AGGREGATE augur.random_forest_agg(target anyelement, features record) (
	SFUNC = augur._random_forest_collect,
	STYPE = internal,
	SSPACE = 1048576,
	FINALFUNC = augur._random_forest_train,
	FINALFUNC_MODIFY = READ_WRITE,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.random_forest_agg(anyelement, record) IS
'Trains a random forest on the rows of a group and returns it as an augur.model, to score with augur.predict or to keep with augur.register. The features are the columns of the record by name: a subquery''s alias, a whole row, or ROW(...) for f1, f2... The row order does not matter; a column that equals the target, and columns like keys, are left out with a notice. Example: SELECT region, augur.random_forest_agg(churned, f) FROM (SELECT region, churned, age, spend FROM customers) f GROUP BY region;';

CREATE OR REPLACE AGGREGATE augur.random_forest_agg(target anyelement, features record, options jsonb) (
	SFUNC = augur._random_forest_collect,
	STYPE = internal,
	SSPACE = 1048576,
	FINALFUNC = augur._random_forest_train,
	FINALFUNC_MODIFY = READ_WRITE,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.random_forest_agg(anyelement, record, jsonb) IS
'The same with options in one JSON object: hyperparameters of random_forest (see augur.hyperparameters), and task, seed, weight, features, exclude, date_parts, max_bins. Example: SELECT augur.random_forest_agg(price, f, ''{"n_trees": 200, "exclude": ["id"]}'') FROM flats f;';

CREATE OR REPLACE FUNCTION augur._gradient_boosting_collect(internal, anyelement, record) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_agg_collect_boosting'
	LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION augur._gradient_boosting_collect(internal, anyelement, record) IS
'Internal. Takes a row into the state of augur.gradient_boosting_agg.';

CREATE OR REPLACE FUNCTION augur._gradient_boosting_collect(internal, anyelement, record, jsonb) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_agg_collect_boosting'
	LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION augur._gradient_boosting_collect(internal, anyelement, record, jsonb) IS
'Internal. Takes a row into the state of augur.gradient_boosting_agg with options.';

CREATE OR REPLACE FUNCTION augur._gradient_boosting_train(internal) RETURNS augur.model
	AS 'MODULE_PATHNAME', 'augur_agg_train'
	LANGUAGE C STABLE PARALLEL SAFE COST 1000000;
COMMENT ON FUNCTION augur._gradient_boosting_train(internal) IS
'Internal. Trains the model of augur.gradient_boosting_agg on the rows of its state.';

CREATE OR REPLACE AGGREGATE augur.gradient_boosting_agg(target anyelement, features record) (
	SFUNC = augur._gradient_boosting_collect,
	STYPE = internal,
	SSPACE = 1048576,
	FINALFUNC = augur._gradient_boosting_train,
	FINALFUNC_MODIFY = READ_WRITE,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.gradient_boosting_agg(anyelement, record) IS
'Trains boosted trees on the rows of a group and returns it as an augur.model, to score with augur.predict or to keep with augur.register. The features are the columns of the record by name: a subquery''s alias, a whole row, or ROW(...) for f1, f2... The row order does not matter; a column that equals the target, and columns like keys, are left out with a notice. Example: SELECT region, augur.gradient_boosting_agg(churned, f) FROM (SELECT region, churned, age, spend FROM customers) f GROUP BY region;';

CREATE OR REPLACE AGGREGATE augur.gradient_boosting_agg(target anyelement, features record, options jsonb) (
	SFUNC = augur._gradient_boosting_collect,
	STYPE = internal,
	SSPACE = 1048576,
	FINALFUNC = augur._gradient_boosting_train,
	FINALFUNC_MODIFY = READ_WRITE,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.gradient_boosting_agg(anyelement, record, jsonb) IS
'The same with options in one JSON object: hyperparameters of gradient_boosting (see augur.hyperparameters), and task, seed, weight, features, exclude, date_parts, max_bins. Example: SELECT augur.gradient_boosting_agg(price, f, ''{"learning_rate": 0.05, "n_trees": 300, "exclude": ["id"]}'') FROM flats f;';

CREATE OR REPLACE FUNCTION augur._linear_collect(internal, anyelement, record) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_agg_collect_linear'
	LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION augur._linear_collect(internal, anyelement, record) IS
'Internal. Takes a row into the state of augur.linear_agg.';

CREATE OR REPLACE FUNCTION augur._linear_collect(internal, anyelement, record, jsonb) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_agg_collect_linear'
	LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION augur._linear_collect(internal, anyelement, record, jsonb) IS
'Internal. Takes a row into the state of augur.linear_agg with options.';

CREATE OR REPLACE FUNCTION augur._linear_train(internal) RETURNS augur.model
	AS 'MODULE_PATHNAME', 'augur_agg_train'
	LANGUAGE C STABLE PARALLEL SAFE COST 1000000;
COMMENT ON FUNCTION augur._linear_train(internal) IS
'Internal. Trains the model of augur.linear_agg on the rows of its state.';

CREATE OR REPLACE AGGREGATE augur.linear_agg(target anyelement, features record) (
	SFUNC = augur._linear_collect,
	STYPE = internal,
	SSPACE = 1048576,
	FINALFUNC = augur._linear_train,
	FINALFUNC_MODIFY = READ_WRITE,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.linear_agg(anyelement, record) IS
'Fits a linear regression by least squares to the rows of a group and returns it as an augur.model: augur.coefficients tells its coefficients with standard errors, augur.predict scores with it, augur.register keeps it. The features are the columns of the record by name: a subquery''s alias, a whole row, or ROW(...) for f1, f2... The row order does not matter; a column that equals the target, and columns like keys, are left out with a notice. Example: SELECT g.drug, c.estimate, c.standard_error FROM (SELECT drug, augur.linear_agg(ln(qty), f, ''{"features": ["log_price"]}'') AS m FROM (SELECT drug, qty, ln(price) AS log_price FROM sales) f GROUP BY drug) g, augur.coefficients(g.m) c WHERE c.feature = ''log_price'';';

CREATE OR REPLACE AGGREGATE augur.linear_agg(target anyelement, features record, options jsonb) (
	SFUNC = augur._linear_collect,
	STYPE = internal,
	SSPACE = 1048576,
	FINALFUNC = augur._linear_train,
	FINALFUNC_MODIFY = READ_WRITE,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.linear_agg(anyelement, record, jsonb) IS
'The same with options in one JSON object: hyperparameters of linear_regression (see augur.hyperparameters), and task, seed, weight, features, exclude, date_parts, max_bins. Example: SELECT augur.linear_agg(price, f, ''{"missing": "omit", "exclude": ["id"]}'') FROM flats f;';
