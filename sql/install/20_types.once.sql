-- Types: the model as a value, and the composite that predict_full returns.

CREATE TYPE augur.model;

CREATE FUNCTION augur.model_in(cstring) RETURNS augur.model
	AS 'MODULE_PATHNAME', 'augur_model_in'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION augur.model_in(cstring) IS
	'Reads a model from its text form, "\x" and hexadecimal digits; every byte is checked.';

CREATE FUNCTION augur.model_out(augur.model) RETURNS cstring
	AS 'MODULE_PATHNAME', 'augur_model_out'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION augur.model_out(augur.model) IS
	'Writes a model as "\x" and hexadecimal digits, without loss.';

CREATE FUNCTION augur.model_recv(internal) RETURNS augur.model
	AS 'MODULE_PATHNAME', 'augur_model_recv'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION augur.model_recv(internal) IS
	'Reads a model from the bytes of its artifact; every byte is checked.';

CREATE FUNCTION augur.model_send(augur.model) RETURNS bytea
	AS 'MODULE_PATHNAME', 'augur_model_send'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION augur.model_send(augur.model) IS
	'The bytes of a model''s artifact, as they are stored and sent in binary format.';

CREATE TYPE augur.model (
	INPUT = augur.model_in,
	OUTPUT = augur.model_out,
	RECEIVE = augur.model_recv,
	SEND = augur.model_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = external
);
COMMENT ON TYPE augur.model IS
	'A trained model as a value: what augur.random_forest_agg returns, and what augur.predict, '
	'augur.classify, augur.probabilities and augur.predict_full score with. '
	'augur.register stores one in the registry.';

CREATE TYPE augur.prediction AS (
	value float8,
	label text,
	probability float8,
	lower float8,
	upper float8,
	version int,
	missing text[],
	unseen text[]
);
COMMENT ON TYPE augur.prediction IS
	'What augur.predict_full tells about one row.';
COMMENT ON COLUMN augur.prediction.value IS
	'The predicted value, or the probability of the positive class; NULL for more than two classes.';
COMMENT ON COLUMN augur.prediction.label IS
	'The most probable class; NULL for regression.';
COMMENT ON COLUMN augur.prediction.probability IS
	'The probability of that class; NULL for regression.';
COMMENT ON COLUMN augur.prediction.lower IS
	'Lower end of the interval that covers the true value at the asked level; NULL for classification.';
COMMENT ON COLUMN augur.prediction.upper IS
	'Upper end of the interval that covers the true value at the asked level; NULL for classification.';
COMMENT ON COLUMN augur.prediction.version IS
	'The version that answered; NULL for a model that is a value.';
COMMENT ON COLUMN augur.prediction.missing IS
	'Columns whose value is missing (NULL, NaN, or absent from a jsonb object).';
COMMENT ON COLUMN augur.prediction.unseen IS
	'Text columns whose value did not occur in training.';
