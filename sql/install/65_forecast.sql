-- forecast: the forecast of a series as the value of an aggregate.

-- ---- the state: rows in any order -------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._forecast_add(internal, timestamptz, float8, int) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_forecast_add_timestamptz'
	LANGUAGE C STABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION augur._forecast_add(internal, timestamptz, float8, int) IS
'Internal. Takes a row into the state of augur.forecast_agg.';

CREATE OR REPLACE FUNCTION augur._forecast_add(internal, timestamptz, float8, int, jsonb) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_forecast_add_timestamptz'
	LANGUAGE C STABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION augur._forecast_add(internal, timestamptz, float8, int, jsonb) IS
'Internal. Takes a row into the state of augur.forecast_agg with options.';

CREATE OR REPLACE FUNCTION augur._forecast_add(internal, timestamp, float8, int) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_forecast_add_timestamp'
	LANGUAGE C STABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION augur._forecast_add(internal, timestamp, float8, int) IS
'Internal. Takes a row into the state of augur.forecast_agg.';

CREATE OR REPLACE FUNCTION augur._forecast_add(internal, timestamp, float8, int, jsonb) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_forecast_add_timestamp'
	LANGUAGE C STABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION augur._forecast_add(internal, timestamp, float8, int, jsonb) IS
'Internal. Takes a row into the state of augur.forecast_agg with options.';

CREATE OR REPLACE FUNCTION augur._forecast_add(internal, date, float8, int) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_forecast_add_date'
	LANGUAGE C STABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION augur._forecast_add(internal, date, float8, int) IS
'Internal. Takes a row into the state of augur.forecast_agg.';

CREATE OR REPLACE FUNCTION augur._forecast_add(internal, date, float8, int, jsonb) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_forecast_add_date'
	LANGUAGE C STABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION augur._forecast_add(internal, date, float8, int, jsonb) IS
'Internal. Takes a row into the state of augur.forecast_agg with options.';

CREATE OR REPLACE FUNCTION augur._forecast_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_forecast_combine'
	LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._forecast_combine(internal, internal) IS
'Internal. Puts two states of augur.forecast_agg together.';

CREATE OR REPLACE FUNCTION augur._forecast_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'augur_forecast_serialize'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._forecast_serialize(internal) IS
'Internal. A state of augur.forecast_agg as bytes.';

CREATE OR REPLACE FUNCTION augur._forecast_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_forecast_deserialize'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._forecast_deserialize(bytea, internal) IS
'Internal. A state of augur.forecast_agg from bytes.';

CREATE OR REPLACE FUNCTION augur._forecast_points(internal) RETURNS augur.forecast_point[]
	AS 'MODULE_PATHNAME', 'augur_forecast_points'
	LANGUAGE C STABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION augur._forecast_points(internal) IS
'Internal. Forecasts the rows of a state of augur.forecast_agg.';

CREATE OR REPLACE FUNCTION augur._forecast_full(internal) RETURNS augur.forecast_full
	AS 'MODULE_PATHNAME', 'augur_forecast_full'
	LANGUAGE C STABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION augur._forecast_full(internal) IS
'Internal. Forecasts the rows of a state of augur.forecast_full_agg.';

CREATE OR REPLACE FUNCTION augur._forecast_points_timestamp(internal) RETURNS augur.forecast_point_timestamp[]
	AS 'MODULE_PATHNAME', 'augur_forecast_points'
	LANGUAGE C STABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION augur._forecast_points_timestamp(internal) IS
'Internal. Forecasts the rows of a state of augur.forecast_agg.';

CREATE OR REPLACE FUNCTION augur._forecast_full_timestamp(internal) RETURNS augur.forecast_full_timestamp
	AS 'MODULE_PATHNAME', 'augur_forecast_full'
	LANGUAGE C STABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION augur._forecast_full_timestamp(internal) IS
'Internal. Forecasts the rows of a state of augur.forecast_full_agg.';

CREATE OR REPLACE FUNCTION augur._forecast_points_date(internal) RETURNS augur.forecast_point_date[]
	AS 'MODULE_PATHNAME', 'augur_forecast_points'
	LANGUAGE C STABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION augur._forecast_points_date(internal) IS
'Internal. Forecasts the rows of a state of augur.forecast_agg.';

CREATE OR REPLACE FUNCTION augur._forecast_full_date(internal) RETURNS augur.forecast_full_date
	AS 'MODULE_PATHNAME', 'augur_forecast_full'
	LANGUAGE C STABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION augur._forecast_full_date(internal) IS
'Internal. Forecasts the rows of a state of augur.forecast_full_agg.';

-- ---- the aggregates ---------------------------------------------------------------------------

CREATE OR REPLACE AGGREGATE augur.forecast_agg(ts timestamptz, y float8, horizon int) (
	SFUNC = augur._forecast_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._forecast_points, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.forecast_agg(timestamptz, float8, int) IS
'Forecasts a series horizon steps ahead from rows (ts, y) in any order, and returns an array with a row for each step and level. The step is inferred and calendar-aware, gaps are left missing, rows of one step are averaged with a notice. Example: SELECT store, f.* FROM (SELECT store, augur.forecast_agg(day, sales, 28) AS f FROM sales GROUP BY store) s, unnest(s.f) f;';

CREATE OR REPLACE AGGREGATE augur.forecast_agg(ts timestamptz, y float8, horizon int, options jsonb) (
	SFUNC = augur._forecast_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._forecast_points, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.forecast_agg(timestamptz, float8, int, jsonb) IS
'The same with options in one JSON object: those of augur.hyperparameters(''forecast''), method first, and frequency ("7 days"), season (12, [24, 168]; 1 for none), gaps (missing, interpolate, zero, carry), duplicates (mean, sum, last, error), levels ([0.8, 0.95]), seed, time_zone. Example: augur.forecast_agg(day, sales, 28, ''{"gaps": "zero", "lower_bound": 0}'').';

CREATE OR REPLACE AGGREGATE augur.forecast_agg(ts timestamp, y float8, horizon int) (
	SFUNC = augur._forecast_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._forecast_points_timestamp, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.forecast_agg(timestamp, float8, int) IS
'Forecasts a series horizon steps ahead from rows (ts, y) in any order, and returns an array with a row for each step and level. The step is inferred and calendar-aware, gaps are left missing, rows of one step are averaged with a notice. Example: SELECT store, f.* FROM (SELECT store, augur.forecast_agg(day, sales, 28) AS f FROM sales GROUP BY store) s, unnest(s.f) f;';

CREATE OR REPLACE AGGREGATE augur.forecast_agg(ts timestamp, y float8, horizon int, options jsonb) (
	SFUNC = augur._forecast_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._forecast_points_timestamp, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.forecast_agg(timestamp, float8, int, jsonb) IS
'The same with options in one JSON object: those of augur.hyperparameters(''forecast''), method first, and frequency ("7 days"), season (12, [24, 168]; 1 for none), gaps (missing, interpolate, zero, carry), duplicates (mean, sum, last, error), levels ([0.8, 0.95]), seed. Example: augur.forecast_agg(day, sales, 28, ''{"gaps": "zero", "lower_bound": 0}'').';

CREATE OR REPLACE AGGREGATE augur.forecast_agg(ts date, y float8, horizon int) (
	SFUNC = augur._forecast_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._forecast_points_date, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.forecast_agg(date, float8, int) IS
'Forecasts a series horizon steps ahead from rows (ts, y) in any order, and returns an array with a row for each step and level. The step is inferred and calendar-aware, gaps are left missing, rows of one step are averaged with a notice. Example: SELECT store, f.* FROM (SELECT store, augur.forecast_agg(day, sales, 28) AS f FROM sales GROUP BY store) s, unnest(s.f) f;';

CREATE OR REPLACE AGGREGATE augur.forecast_agg(ts date, y float8, horizon int, options jsonb) (
	SFUNC = augur._forecast_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._forecast_points_date, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.forecast_agg(date, float8, int, jsonb) IS
'The same with options in one JSON object: those of augur.hyperparameters(''forecast''), method first, and frequency ("7 days"), season (12, [24, 168]; 1 for none), gaps (missing, interpolate, zero, carry), duplicates (mean, sum, last, error), levels ([0.8, 0.95]), seed. Example: augur.forecast_agg(day, sales, 28, ''{"gaps": "zero", "lower_bound": 0}'').';

CREATE OR REPLACE AGGREGATE augur.forecast_full_agg(ts timestamptz, y float8, horizon int) (
	SFUNC = augur._forecast_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._forecast_full, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.forecast_full_agg(timestamptz, float8, int) IS
'As augur.forecast_agg, and tells how the forecast came about: method, step, season, counts of missing, filled, duplicate, irregular and skipped rows, fallback, warning. The forecast itself is in points. Example: SELECT store, (f).method, (f).warning FROM (SELECT store, augur.forecast_full_agg(day, sales, 28) AS f FROM sales GROUP BY store) s;';

CREATE OR REPLACE AGGREGATE augur.forecast_full_agg(ts timestamptz, y float8, horizon int, options jsonb) (
	SFUNC = augur._forecast_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._forecast_full, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.forecast_full_agg(timestamptz, float8, int, jsonb) IS
'The same with options, as augur.forecast_agg has them.';

CREATE OR REPLACE AGGREGATE augur.forecast_full_agg(ts timestamp, y float8, horizon int) (
	SFUNC = augur._forecast_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._forecast_full_timestamp, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.forecast_full_agg(timestamp, float8, int) IS
'As augur.forecast_agg, and tells how the forecast came about: method, step, season, counts of missing, filled, duplicate, irregular and skipped rows, fallback, warning. The forecast itself is in points. Example: SELECT store, (f).method, (f).warning FROM (SELECT store, augur.forecast_full_agg(day, sales, 28) AS f FROM sales GROUP BY store) s;';

CREATE OR REPLACE AGGREGATE augur.forecast_full_agg(ts timestamp, y float8, horizon int, options jsonb) (
	SFUNC = augur._forecast_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._forecast_full_timestamp, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.forecast_full_agg(timestamp, float8, int, jsonb) IS
'The same with options, as augur.forecast_agg has them.';

CREATE OR REPLACE AGGREGATE augur.forecast_full_agg(ts date, y float8, horizon int) (
	SFUNC = augur._forecast_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._forecast_full_date, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.forecast_full_agg(date, float8, int) IS
'As augur.forecast_agg, and tells how the forecast came about: method, step, season, counts of missing, filled, duplicate, irregular and skipped rows, fallback, warning. The forecast itself is in points. Example: SELECT store, (f).method, (f).warning FROM (SELECT store, augur.forecast_full_agg(day, sales, 28) AS f FROM sales GROUP BY store) s;';

CREATE OR REPLACE AGGREGATE augur.forecast_full_agg(ts date, y float8, horizon int, options jsonb) (
	SFUNC = augur._forecast_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._forecast_full_date, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.forecast_full_agg(date, float8, int, jsonb) IS
'The same with options, as augur.forecast_agg has them.';

-- ---- what there is ----------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._forecast_methods(
	OUT method text, OUT title text, OUT seasonal boolean, OUT regressors boolean, OUT help text,
	OUT reference text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'augur_forecast_methods'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION augur._forecast_methods() IS
'Internal. The rows of augur.forecast_methods.';

CREATE OR REPLACE VIEW augur.forecast_methods AS
SELECT m.method, m.title, m.seasonal, m.regressors, m.help, m.reference
FROM augur._forecast_methods() m;
COMMENT ON VIEW augur.forecast_methods IS
'The forecasting methods that option method can name.';
COMMENT ON COLUMN augur.forecast_methods.method IS 'Its name.';
COMMENT ON COLUMN augur.forecast_methods.title IS 'What it is called in books.';
COMMENT ON COLUMN augur.forecast_methods.seasonal IS 'Whether it can model a season.';
COMMENT ON COLUMN augur.forecast_methods.regressors IS 'Whether it can use known regressors.';
COMMENT ON COLUMN augur.forecast_methods.help IS 'What it is good for.';
COMMENT ON COLUMN augur.forecast_methods.reference IS 'The paper or book that describes it.';
