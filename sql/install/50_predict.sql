-- predict: scoring in SQL.  All of it is read only, parallel safe, and works on a standby.
-- COST: a forest of 100 trees takes about as long as 200 simple operators and more, so cheap
-- conditions run first and large scans go parallel.

CREATE OR REPLACE FUNCTION augur.predict(model text, "row" record) RETURNS float8
	AS 'MODULE_PATHNAME', 'augur_predict_row'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 500;
COMMENT ON FUNCTION augur.predict(text, record) IS
'The prediction for one row: the value for a regression, the probability of the positive class for two classes. Columns are matched by name, extra ones are ignored, NULL is a missing value. The model is a name (its production version), name@alias or name/version. Example: SELECT augur.predict(''churn'', c) FROM customers c.';

CREATE OR REPLACE FUNCTION augur.predict(model augur.model, "row" record) RETURNS float8
	AS 'MODULE_PATHNAME', 'augur_predict_value'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 500;
COMMENT ON FUNCTION augur.predict(augur.model, record) IS
'The prediction for one row by a model that is a value, as augur.random_forest_agg returns it.';

CREATE OR REPLACE FUNCTION augur.predict_pinned(version_id bigint, "row" record) RETURNS float8
	AS 'MODULE_PATHNAME', 'augur_predict_pinned'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 500;
COMMENT ON FUNCTION augur.predict_pinned(bigint, record) IS
'The prediction of one version for ever, by its id in augur.versions: a version never changes, so this may be used in an index on an expression or a generated report.';

CREATE OR REPLACE FUNCTION augur.predict_array(model text, features float8[]) RETURNS float8
	AS 'MODULE_PATHNAME', 'augur_predict_array'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 500;
COMMENT ON FUNCTION augur.predict_array(text, float8[]) IS
'The prediction for features given by position, in the order that augur.features lists; NULL and NaN are missing values. Text columns can only be given as NULL.';

CREATE OR REPLACE FUNCTION augur.classify(model text, "row" record) RETURNS text
	AS 'MODULE_PATHNAME', 'augur_predict_classify'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 500;
COMMENT ON FUNCTION augur.classify(text, record) IS
'The most probable class of one row, as the label that training saw; of equally probable ones the first in the order of labels.';

CREATE OR REPLACE FUNCTION augur.classify(model augur.model, "row" record) RETURNS text
	AS 'MODULE_PATHNAME', 'augur_predict_classify_value'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 500;
COMMENT ON FUNCTION augur.classify(augur.model, record) IS
'The most probable class of one row by a model that is a value.';

CREATE OR REPLACE FUNCTION augur.probabilities(model text, "row" record) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'augur_predict_probabilities'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 500;
COMMENT ON FUNCTION augur.probabilities(text, record) IS
'The probability of every class of one row, as an object from label to probability.';

CREATE OR REPLACE FUNCTION augur.probabilities(model augur.model, "row" record) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'augur_predict_probabilities_value'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 500;
COMMENT ON FUNCTION augur.probabilities(augur.model, record) IS
'The probability of every class of one row by a model that is a value.';

CREATE OR REPLACE FUNCTION augur.predict_full(model text, "row" record, level float8 DEFAULT 0.9)
	RETURNS augur.prediction
	AS 'MODULE_PATHNAME', 'augur_predict_full'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION augur.predict_full(text, record, float8) IS
'All there is to say about one row: value or label with its probability, for a regression the interval that covers new values with probability level, the version that answered, and the columns that were missing or held a category that training did not see. Example: SELECT c.id, p.* FROM customers c, augur.predict_full(''churn'', c) p.';

CREATE OR REPLACE FUNCTION augur.predict_full(model augur.model, "row" record, level float8 DEFAULT 0.9)
	RETURNS augur.prediction
	AS 'MODULE_PATHNAME', 'augur_predict_full_value'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION augur.predict_full(augur.model, record, float8) IS
'All there is to say about one row by a model that is a value; version is NULL.';

CREATE OR REPLACE FUNCTION augur.predict_json(model text, features jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'augur_predict_json'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 2000;
COMMENT ON FUNCTION augur.predict_json(text, jsonb) IS
'Scores a request: an object from column name to value, of which a part is enough. The answer has model, version, value, label, probability and probabilities (or value, lower, upper and level), and lists the columns that were missing or unseen and the keys that are unknown. Example: SELECT augur.predict_json(''churn'', ''{"age": 35, "region": "East"}'').';

CREATE OR REPLACE FUNCTION augur.importance(model text, relation regclass DEFAULT NULL, max_rows int DEFAULT 10000)
	RETURNS TABLE (feature text, importance float8, permutation float8)
	AS 'MODULE_PATHNAME', 'augur_importance_rows'
	LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 30;
COMMENT ON FUNCTION augur.importance(text, regclass, int) IS
'What each feature is worth to the model, most first. importance: its share of the gain of all splits, from training. permutation: what shuffling it costs, out of bag from training if asked for there; with a relation, measured on a sample of at most max_rows of its rows, read as the caller (the loss of accuracy, or the growth of the mean squared error).';

CREATE OR REPLACE FUNCTION augur.features(model text)
	RETURNS TABLE ("position" int, feature text, source text, type text, part text, kind text, levels int)
	AS 'MODULE_PATHNAME', 'augur_about_features'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 ROWS 30;
COMMENT ON FUNCTION augur.features(text) IS
'The features of a model in order: name, source column and its type, which part of the value it takes, numeric or categorical, and the number of known levels.';

CREATE OR REPLACE FUNCTION augur.model_info(model text) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'augur_about_model'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION augur.model_info(text) IS
'What a model was made of and how it fitted: algorithm, target, hyperparameters, seed, rows, trees, out-of-bag error, memory.';

CREATE OR REPLACE FUNCTION augur.model_info(model augur.model) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'augur_about_value'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION augur.model_info(augur.model) IS
'What a model that is a value was made of and how it fitted.';

CREATE OR REPLACE FUNCTION augur._cache_invalidate() RETURNS trigger
	AS 'MODULE_PATHNAME', 'augur_moment_invalidate'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION augur._cache_invalidate() IS
'Internal. Tells every session, when the change commits, that names may mean other versions now.';

-- Row triggers that fire always: logical replication applies rows and fires only those.
CREATE OR REPLACE TRIGGER aliases_moved AFTER INSERT OR UPDATE OR DELETE ON augur.aliases
	FOR EACH ROW EXECUTE FUNCTION augur._cache_invalidate();
ALTER TABLE augur.aliases ENABLE ALWAYS TRIGGER aliases_moved;

CREATE OR REPLACE TRIGGER versions_moved AFTER UPDATE OR DELETE ON augur.versions
	FOR EACH ROW EXECUTE FUNCTION augur._cache_invalidate();
ALTER TABLE augur.versions ENABLE ALWAYS TRIGGER versions_moved;

CREATE OR REPLACE TRIGGER model_grants_moved AFTER INSERT OR UPDATE OR DELETE ON augur.model_grants
	FOR EACH ROW EXECUTE FUNCTION augur._cache_invalidate();
ALTER TABLE augur.model_grants ENABLE ALWAYS TRIGGER model_grants_moved;

CREATE OR REPLACE TRIGGER models_moved AFTER UPDATE OR DELETE ON augur.models
	FOR EACH ROW EXECUTE FUNCTION augur._cache_invalidate();
ALTER TABLE augur.models ENABLE ALWAYS TRIGGER models_moved;

CREATE OR REPLACE TRIGGER preset_roles_moved AFTER INSERT OR UPDATE OR DELETE ON augur.preset_roles
	FOR EACH ROW EXECUTE FUNCTION augur._cache_invalidate();
ALTER TABLE augur.preset_roles ENABLE ALWAYS TRIGGER preset_roles_moved;
