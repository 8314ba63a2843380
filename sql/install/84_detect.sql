-- detect: where a stream of numbers changes: aggregates over ordered values, and a state that
-- can be kept in a row and read on.

CREATE OR REPLACE FUNCTION augur._detectors(OUT detector text, OUT title text, OUT reads text,
	OUT help text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'augur_detect_list'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 5;
COMMENT ON FUNCTION augur._detectors() IS
'Internal. The rows of augur.detectors.';

CREATE OR REPLACE VIEW augur.detectors AS
	SELECT detector, title, reads, help FROM augur._detectors();
COMMENT ON VIEW augur.detectors IS
'Detectors of change: the aggregates of these names, and what augur.new_detector and augur.check_concept take. augur.hyperparameters tells their options.';
COMMENT ON COLUMN augur.detectors.detector IS 'its name';
COMMENT ON COLUMN augur.detectors.title IS 'its name in full';
COMMENT ON COLUMN augur.detectors.reads IS 'what its values must be: numbers, or 0 and 1';
COMMENT ON COLUMN augur.detectors.help IS 'what it does and when to use it';

CREATE OR REPLACE FUNCTION augur.new_detector(method text, options jsonb DEFAULT '{}')
	RETURNS augur.detector
	AS 'MODULE_PATHNAME', 'augur_detect_new'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION augur.new_detector(text, jsonb) IS
'A detector that has read nothing, to keep in a column and to give to augur.detector_update. Example: UPDATE streams SET state = augur.detector_update(coalesce(state, augur.new_detector(''adwin'')), ''{0, 1, 0}'');';

CREATE OR REPLACE FUNCTION augur.detector_update(state augur.detector, "values" float8[])
	RETURNS augur.detector
	AS 'MODULE_PATHNAME', 'augur_detect_update'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION augur.detector_update(augur.detector, float8[]) IS
'Reads more values, in the order of the array; NULL elements are left out. A stream read in parts gives the same state as one read at once.';

CREATE OR REPLACE FUNCTION augur.detector_info(state augur.detector) RETURNS augur.detection
	AS 'MODULE_PATHNAME', 'augur_detect_info'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION augur.detector_info(augur.detector) IS
'What a detector has found so far.';

CREATE OR REPLACE FUNCTION augur._detect_final(internal) RETURNS augur.detection
	AS 'MODULE_PATHNAME', 'augur_detect_final'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION augur._detect_final(internal) IS
'Internal. What the detector of an aggregate has found.';

CREATE OR REPLACE FUNCTION augur._adwin_take(internal, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_detect_adwin'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._adwin_take(internal, float8) IS
'Internal. Takes a value into the state of augur.adwin.';

CREATE OR REPLACE AGGREGATE augur.adwin(value float8) (
	SFUNC = augur._adwin_take,
	STYPE = internal,
	SSPACE = 16384,
	FINALFUNC = augur._detect_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.adwin(float8) IS
'Finds where the mean of values changes, in their order, with few false alarms: augur.adwin(loss ORDER BY at). For losses and errors of any kind; {"standardize": true} for values that do not lie between 0 and 1.';

CREATE OR REPLACE FUNCTION augur._adwin_take(internal, float8, jsonb) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_detect_adwin'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._adwin_take(internal, float8, jsonb) IS
'Internal. Takes a value into the state of augur.adwin with options.';

CREATE OR REPLACE AGGREGATE augur.adwin(value float8, options jsonb) (
	SFUNC = augur._adwin_take,
	STYPE = internal,
	SSPACE = 16384,
	FINALFUNC = augur._detect_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.adwin(float8, jsonb) IS
'The same with options in one JSON object, see augur.hyperparameters(''adwin'').';

CREATE OR REPLACE FUNCTION augur._page_hinkley_take(internal, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_detect_page_hinkley'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._page_hinkley_take(internal, float8) IS
'Internal. Takes a value into the state of augur.page_hinkley.';

CREATE OR REPLACE AGGREGATE augur.page_hinkley(value float8) (
	SFUNC = augur._page_hinkley_take,
	STYPE = internal,
	SSPACE = 16384,
	FINALFUNC = augur._detect_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.page_hinkley(float8) IS
'Finds where the mean of values changes by the test of Page and Hinkley, on standardised values unless {"standardize": false} is given: augur.page_hinkley(loss ORDER BY at).';

CREATE OR REPLACE FUNCTION augur._page_hinkley_take(internal, float8, jsonb) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_detect_page_hinkley'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._page_hinkley_take(internal, float8, jsonb) IS
'Internal. Takes a value into the state of augur.page_hinkley with options.';

CREATE OR REPLACE AGGREGATE augur.page_hinkley(value float8, options jsonb) (
	SFUNC = augur._page_hinkley_take,
	STYPE = internal,
	SSPACE = 16384,
	FINALFUNC = augur._detect_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.page_hinkley(float8, jsonb) IS
'The same with options in one JSON object, see augur.hyperparameters(''page_hinkley'').';

CREATE OR REPLACE FUNCTION augur._ddm_take(internal, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_detect_ddm'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._ddm_take(internal, float8) IS
'Internal. Takes a value into the state of augur.ddm.';

CREATE OR REPLACE AGGREGATE augur.ddm(value float8) (
	SFUNC = augur._ddm_take,
	STYPE = internal,
	SSPACE = 16384,
	FINALFUNC = augur._detect_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.ddm(float8) IS
'Finds where the share of errors rises, in values that are 0 for right and 1 for wrong: augur.ddm(wrong::int ORDER BY at). Sudden changes soon, but false alarms in 20 to 80 % of streams of 5,000 rows; prefer augur.adwin.';

CREATE OR REPLACE FUNCTION augur._ddm_take(internal, float8, jsonb) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_detect_ddm'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._ddm_take(internal, float8, jsonb) IS
'Internal. Takes a value into the state of augur.ddm with options.';

CREATE OR REPLACE AGGREGATE augur.ddm(value float8, options jsonb) (
	SFUNC = augur._ddm_take,
	STYPE = internal,
	SSPACE = 16384,
	FINALFUNC = augur._detect_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.ddm(float8, jsonb) IS
'The same with options in one JSON object, see augur.hyperparameters(''ddm'').';

CREATE OR REPLACE FUNCTION augur._eddm_take(internal, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_detect_eddm'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._eddm_take(internal, float8) IS
'Internal. Takes a value into the state of augur.eddm.';

CREATE OR REPLACE AGGREGATE augur.eddm(value float8) (
	SFUNC = augur._eddm_take,
	STYPE = internal,
	SSPACE = 16384,
	FINALFUNC = augur._detect_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.eddm(float8) IS
'Finds where errors come more densely, in values that are 0 for right and 1 for wrong: augur.eddm(wrong::int ORDER BY at). For gradual changes; false alarms in nearly all long streams at its defaults.';

CREATE OR REPLACE FUNCTION augur._eddm_take(internal, float8, jsonb) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_detect_eddm'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._eddm_take(internal, float8, jsonb) IS
'Internal. Takes a value into the state of augur.eddm with options.';

CREATE OR REPLACE AGGREGATE augur.eddm(value float8, options jsonb) (
	SFUNC = augur._eddm_take,
	STYPE = internal,
	SSPACE = 16384,
	FINALFUNC = augur._detect_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.eddm(float8, jsonb) IS
'The same with options in one JSON object, see augur.hyperparameters(''eddm'').';

CREATE OR REPLACE FUNCTION augur._kswin_take(internal, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_detect_kswin'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._kswin_take(internal, float8) IS
'Internal. Takes a value into the state of augur.kswin.';

CREATE OR REPLACE AGGREGATE augur.kswin(value float8) (
	SFUNC = augur._kswin_take,
	STYPE = internal,
	SSPACE = 16384,
	FINALFUNC = augur._detect_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.kswin(float8) IS
'Finds where the distribution of values changes, also when the mean stays: augur.kswin(value ORDER BY at). Tests at every value, so false alarms are certain in long streams of numbers.';

CREATE OR REPLACE FUNCTION augur._kswin_take(internal, float8, jsonb) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_detect_kswin'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._kswin_take(internal, float8, jsonb) IS
'Internal. Takes a value into the state of augur.kswin with options.';

CREATE OR REPLACE AGGREGATE augur.kswin(value float8, options jsonb) (
	SFUNC = augur._kswin_take,
	STYPE = internal,
	SSPACE = 16384,
	FINALFUNC = augur._detect_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.kswin(float8, jsonb) IS
'The same with options in one JSON object, see augur.hyperparameters(''kswin'').';

