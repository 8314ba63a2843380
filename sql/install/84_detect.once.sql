-- detect: the state of a detector as a value, and what detectors tell.

CREATE TYPE augur.detector;

CREATE FUNCTION augur.detector_in(cstring) RETURNS augur.detector
	AS 'MODULE_PATHNAME', 'augur_detect_in'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION augur.detector_in(cstring) IS
'Reads the state of a detector from its text form, "\x" and hexadecimal digits; every byte is checked.';

CREATE FUNCTION augur.detector_out(augur.detector) RETURNS cstring
	AS 'MODULE_PATHNAME', 'augur_detect_out'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION augur.detector_out(augur.detector) IS
'Writes the state of a detector as "\x" and hexadecimal digits, without loss.';

CREATE FUNCTION augur.detector_recv(internal) RETURNS augur.detector
	AS 'MODULE_PATHNAME', 'augur_detect_recv'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION augur.detector_recv(internal) IS
'Reads the state of a detector from its bytes; every byte is checked.';

CREATE FUNCTION augur.detector_send(augur.detector) RETURNS bytea
	AS 'MODULE_PATHNAME', 'augur_detect_send'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION augur.detector_send(augur.detector) IS
'The bytes of a detector''s state, as they are stored and sent in binary format.';

CREATE TYPE augur.detector (
	INPUT = augur.detector_in,
	OUTPUT = augur.detector_out,
	RECEIVE = augur.detector_recv,
	SEND = augur.detector_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);
COMMENT ON TYPE augur.detector IS
'The state of a detector of change: made by augur.new_detector or by an aggregate such as augur.adwin, kept in a column, and given to augur.detector_update with what has come since.';

CREATE TYPE augur.detection AS (
	detector text,
	n bigint,
	detected boolean,
	n_changes bigint,
	changes bigint[],
	first_change bigint,
	last_change bigint,
	warning boolean,
	mean float8,
	width bigint,
	state augur.detector
);
COMMENT ON TYPE augur.detection IS
'What a detector of change has found in a stream of values.';
COMMENT ON COLUMN augur.detection.detector IS 'name of the detector';
COMMENT ON COLUMN augur.detection.n IS 'values read';
COMMENT ON COLUMN augur.detection.detected IS 'whether there was a change at all';
COMMENT ON COLUMN augur.detection.n_changes IS 'how many changes';
COMMENT ON COLUMN augur.detection.changes IS
'after which values a change was told, counted from 1; the latest 1,000';
COMMENT ON COLUMN augur.detection.first_change IS 'the first of them, NULL for none';
COMMENT ON COLUMN augur.detection.last_change IS 'the last of them, NULL for none';
COMMENT ON COLUMN augur.detection.warning IS
'whether the latest value left a detector with a warning zone in it';
COMMENT ON COLUMN augur.detection.mean IS 'mean of the values that the detector takes for the present ones';
COMMENT ON COLUMN augur.detection.width IS 'how many those are: since the last change, or the window of ADWIN';
COMMENT ON COLUMN augur.detection.state IS 'the state, to read on from with augur.detector_update';
