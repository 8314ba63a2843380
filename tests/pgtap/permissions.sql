-- The permission matrix (R19): every function of the extension as every kind of role.
--
-- Functions come from the catalog; one without a row here fails.  A row has the call, and what
-- comes of it as: superuser, owner (a trainer whose model it is), grantee (a predictor with a grant),
-- reader (with a grant to read), peer (another trainer), operator, stranger (no preset at all).
-- Outcomes are "ok" or an SQLSTATE; each call is rolled back.  Functions that SQL cannot call
-- (internal arguments, triggers) have no call, and their privileges are looked at instead.
\set QUIET on
BEGIN;
SET LOCAL client_min_messages = error;
SELECT no_plan();

CREATE ROLE pm_owner;
CREATE ROLE pm_grantee;
CREATE ROLE pm_reader;
CREATE ROLE pm_peer;
CREATE ROLE pm_operator;
CREATE ROLE pm_stranger;
CREATE ROLE pm_other;
SELECT augur.grant_preset(r, p) FROM (VALUES ('pm_owner'::name, 'trainer'), ('pm_grantee', 'predictor'),
	('pm_reader', 'reader'), ('pm_peer', 'trainer'), ('pm_operator', 'operator')) t (r, p);
CREATE TABLE pm_rows AS
SELECT i % 5 AS a, (ARRAY['u', 'v'])[1 + i % 2] AS b, i % 7 > 3 AS y FROM generate_series(1, 40) i;
GRANT SELECT ON pm_rows TO PUBLIC;
CREATE TABLE pm_days AS SELECT date '2024-01-01' + i AS t, i AS y, i % 2 AS k FROM generate_series(1, 20) i;
GRANT SELECT ON pm_days TO PUBLIC;
CREATE TABLE pm_value AS SELECT augur.random_forest_agg(y, r, '{"n_trees": 2}') AS m FROM pm_rows r;
GRANT SELECT ON pm_value TO PUBLIC;
CREATE TABLE pm_loaded (v text);
GRANT INSERT ON pm_loaded TO PUBLIC;
SET ROLE pm_owner;
SELECT (augur.train('pm', 'pm_rows', 'y', params => '{"n_trees": 2}', promote => 'always')).version;
SELECT (augur.train('pm', 'pm_rows', 'y', params => '{"n_trees": 3}', promote => 'always')).version;
SELECT (augur.train('pm', 'pm_rows', 'y', params => '{"n_trees": 4}', promote => 'never')).version;
SELECT (augur.train('pm', 'pm_rows', 'y', params => '{"n_trees": 5}', promote => 'never')).version;
SELECT augur.grant('pm', 'pm_grantee'), augur.grant('pm', 'pm_reader', 'read');
SELECT augur.promote('pm', 3, 'canary');
SELECT (augur.train_forecast('pmf', 'pm_days', 't', 'y', method => 'drift', promote => 'always')).version;
SELECT augur.grant('pmf', 'pm_grantee'), augur.grant('pmf', 'pm_reader', 'read');
SELECT augur.store_forecast('pmf', 3);
SELECT augur.create_suite('pms', 'pm_days'), augur.expect('pms', 'not_null', 't');
SELECT augur.validate('pms');
SELECT augur.set_retrain_policy('pm');
SELECT (augur.load_csv('pm_loaded', content => E'v\n0')).rows_ok;
RESET ROLE;
SELECT v.id AS version, v.run_id AS run FROM augur.versions v JOIN augur.models m ON m.id = v.model_id
WHERE m.name = 'pm' AND v.version = 1 \gset
CREATE TABLE pm_state AS SELECT state FROM augur.version_states;
GRANT SELECT ON pm_state TO PUBLIC;

CREATE FUNCTION pm_try(role name, call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		IF role <> 'superuser' THEN
			EXECUTE format('SET LOCAL ROLE %I', role);
		END IF;
		EXECUTE 'SELECT ' || call;
		RAISE EXCEPTION USING ERRCODE = '00YES';
	EXCEPTION WHEN OTHERS THEN
		RETURN CASE WHEN SQLSTATE = '00YES' THEN 'ok' ELSE SQLSTATE END;
	END;
END
$$;
CREATE TEMP TABLE pm_roles (n int, role name);
INSERT INTO pm_roles VALUES (1, 'superuser'), (2, 'pm_owner'), (3, 'pm_grantee'), (4, 'pm_reader'), (5, 'pm_peer'),
	(6, 'pm_operator'), (7, 'pm_stranger');

CREATE TEMP TABLE pm_matrix (f text, call text, outcome text);
\set model '(SELECT m FROM public.pm_value)'
\set row '(SELECT r FROM public.pm_rows r LIMIT 1)'
\set forecaster '(SELECT v FROM augur.versions v JOIN augur.models m ON m.id = v.model_id WHERE m.name = ''pmf'' LIMIT 1)'
\set config '(SELECT v.signature -> ''forecast'' FROM augur.versions v JOIN augur.models m ON m.id = v.model_id WHERE m.name = ''pmf'' LIMIT 1)'
\set expectation 'ROW (1, 1, ''not_null'', ''{y}'', ''{}'', ''error'', 1, NULL, NULL, NULL)::augur.expectations'
\set state '(SELECT state FROM public.pm_state)'
\set registered '(SELECT x FROM augur.models x WHERE x.name = ''pm'')'
INSERT INTO pm_matrix VALUES
('augur._config_columns(regclass,jsonb)', $$augur._config_columns('public.pm_days', '{"time_column": "t", "target": "y"}')$$, 'ok ok ok ok ok ok 42501'),
('augur._check_own_source(augur.models,text)', $$augur._check_own_source(:registered, 'x')$$, 'ok ok 42501 42501 42501 42501 42501'),
('augur._check_promote(text)', $$augur._check_promote('never')$$, 'ok ok ok ok ok ok 42501'),
('augur._before_column(augur.expectations,regclass)', $$augur._before_column(:expectation, 'public.pm_days')$$, 'ok ok ok ok ok ok 42501'),
('augur._castable(text,text)', $$augur._castable('x', 'integer')$$, 'ok ok ok ok ok ok 42501'),
('augur._guard_load_batch()', NULL, 'ok ok 42501 42501 ok ok 42501'),
('augur.forget_batch(bigint)', $$augur.forget_batch((SELECT min(id) FROM augur.load_batches))$$, 'ok ok 42501 42501 42704 42704 42501'),
('augur.load_csv(regclass,text,text,regclass,name[],text,bigint,double precision,text,text,text,text,text,boolean,text)', $$augur.load_csv('public.pm_loaded', content => 'v')$$, 'ok ok 42501 42501 ok ok 42501'),
('augur.load_json(regclass,text,text,regclass,name[],text,bigint,double precision,text,text,jsonb,text,text)', $$augur.load_json('public.pm_loaded', content => '{"v": "1"}')$$, 'ok ok 42501 42501 ok ok 42501'),
('augur._check_expectation(text,name[],jsonb)', $$augur._check_expectation('not_null', '{y}', '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur._checked_rows(regclass,text,text[])', $$augur._checked_rows('public.pm_days', NULL, NULL)$$, 'ok ok ok ok ok ok 42501'),
('augur._column_type(regclass,name)', $$augur._column_type('public.pm_days', 'y')$$, 'ok ok ok ok ok ok 42501'),
('augur._expectation_kinds()', $$augur._expectation_kinds()$$, 'ok ok ok ok ok ok 42501'),
('augur._expectation_message(augur.expectations,bigint,bigint,jsonb)', $$augur._expectation_message(:expectation, 1, 2, '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur._expectation_sql(augur.expectations,regclass,text,timestamp with time zone,bigint)', $$augur._expectation_sql(:expectation, 'public.pm_days', NULL, now(), 1)$$, 'ok ok ok ok ok ok 42501'),
('augur._failing_samples(text,name[],integer)', $$augur._failing_samples('SELECT 1 AS a', '{}', 1)$$, 'ok ok ok ok ok ok 42501'),
('augur._row_condition(augur.expectations,regclass)', $$augur._row_condition(:expectation, 'public.pm_days')$$, 'ok ok ok ok ok ok 42501'),
('augur._suggestions(regclass)', $$count(x.*) FROM augur._suggestions('public.pm_days') x$$, 'ok ok ok ok ok ok 42501'),
('augur._suite(text)', $$augur._suite('pms')$$, 'ok ok 42501 42704 42704 42501 42501'),
('augur._suite_relation(augur.suites,regclass)', $$augur._suite_relation(NULL, 'public.pm_days')$$, 'ok ok ok ok ok ok 42501'),
('augur._try_expectation(augur.expectations,regclass)', $$augur._try_expectation(:expectation, 'public.pm_days')$$, 'ok ok ok ok ok ok 42501'),
('augur._validate_cells(text)', $$augur._validate_cells('SELECT 1, NULL::jsonb[]')$$, 'ok ok ok ok ok ok 42501'),
('augur._validate_scan(augur.expectations[],regclass,text,timestamp with time zone,bigint)', $$augur._validate_scan('{}', 'public.pm_days', NULL, now(), 1)$$, 'ok ok ok ok ok ok 42501'),
('augur._validate_sql(regclass,text,text[],text[])', $$augur._validate_sql('public.pm_days', NULL, '{}', '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur._validation_result(bigint,augur.expectations,jsonb,text,text,name[],integer)', $$augur._validation_result(1, :expectation, '[1, 0, null, null]', NULL, NULL, '{}', 0)$$, 'ok ok ok ok ok ok 42501'),
('augur.create_suite(text,regclass,name[],text)', $$augur.create_suite('mine')$$, 'ok ok 42501 42501 ok ok 42501'),
('augur.drop_expectation(bigint)', $$augur.drop_expectation((SELECT min(id) FROM augur.expectations))$$, 'ok ok 42501 42501 42704 42501 42501'),
('augur.drop_suite(text)', $$augur.drop_suite('pms')$$, 'ok ok 42501 42501 42704 42501 42501'),
('augur.expect(text,text,name,jsonb,name[],regclass,text,double precision,text)', $$augur.expect('pms', 'not_null', 'y')$$, 'ok ok 42501 42501 42710 42501 42501'),
('augur.suggest_expectations(regclass,text)', $$count(x.*) FROM augur.suggest_expectations('public.pm_days', 'pms') x$$, 'ok ok 42501 42501 42710 42501 42501'),
('augur.validate(text,regclass,text,timestamp with time zone,integer)', $$augur.validate('pms')$$, 'ok ok 42501 42501 42704 42501 42501'),
('augur.validation_json(bigint)', $$augur.validation_json((SELECT min(id) FROM augur.validation_runs))$$, 'ok ok 42501 42704 42704 ok 42501'),
('augur.validation_sql(text,regclass,text)', $$augur.validation_sql('pms')$$, 'ok ok 42501 42704 42704 42501 42501'),
('augur._side_label(internal,boolean,"any")', NULL, 'ok ok ok ok ok ok 42501'),
('augur._side_label(internal,boolean,text)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._side_value(internal,boolean,double precision)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._side_value(internal,boolean,double precision,integer)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._stats_cells_chi_square(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._stats_cells_hellinger(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._stats_cells_js(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._stats_cells_psi(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._stats_cells_total_variation(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._stats_hellinger(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._stats_js(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._stats_ks(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._stats_psi(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._stats_total_variation(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._stats_wasserstein(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur.adjust_p_values(double precision[])', $$augur.adjust_p_values('{0.1}')$$, 'ok ok ok ok ok ok 42501'),
('augur.chi_square(boolean,"any")', $$augur.chi_square(true, 'x'::text)$$, 'ok ok ok ok ok ok 42501'),
('augur.chi_square_test(double precision[],double precision[])', $$augur.chi_square_test('{1,2}', '{2,1}')$$, 'ok ok ok ok ok ok 42501'),
('augur.distance(text,double precision[],double precision[])', $$augur.distance('psi', '{1,2}', '{2,1}')$$, 'ok ok ok ok ok ok 42501'),
('augur.hellinger(boolean,double precision)', $$augur.hellinger(true, 1.0::float8)$$, 'ok ok ok ok ok ok 42501'),
('augur.hellinger(boolean,double precision,integer)', $$augur.hellinger(true, 1.0::float8, 5)$$, 'ok ok ok ok ok ok 42501'),
('augur.hellinger(boolean,text)', $$augur.hellinger(true, 'x'::text)$$, 'ok ok ok ok ok ok 42501'),
('augur.js_distance(boolean,double precision)', $$augur.js_distance(true, 1.0::float8)$$, 'ok ok ok ok ok ok 42501'),
('augur.js_distance(boolean,double precision,integer)', $$augur.js_distance(true, 1.0::float8, 5)$$, 'ok ok ok ok ok ok 42501'),
('augur.js_distance(boolean,text)', $$augur.js_distance(true, 'x'::text)$$, 'ok ok ok ok ok ok 42501'),
('augur.ks(boolean,double precision)', $$augur.ks(true, 1.0::float8)$$, 'ok ok ok ok ok ok 42501'),
('augur.null_quantile(text,bigint,bigint,integer,double precision)', $$augur.null_quantile('psi', 10, 10, 5)$$, 'ok ok ok ok ok ok 42501'),
('augur.psi(boolean,double precision)', $$augur.psi(true, 1.0::float8)$$, 'ok ok ok ok ok ok 42501'),
('augur.psi(boolean,double precision,integer)', $$augur.psi(true, 1.0::float8, 5)$$, 'ok ok ok ok ok ok 42501'),
('augur.psi(boolean,text)', $$augur.psi(true, 'x'::text)$$, 'ok ok ok ok ok ok 42501'),
('augur.share_test(bigint,bigint,bigint,bigint)', $$augur.share_test(1, 2, 1, 2)$$, 'ok ok ok ok ok ok 42501'),
('augur.total_variation(boolean,double precision)', $$augur.total_variation(true, 1.0::float8)$$, 'ok ok ok ok ok ok 42501'),
('augur.total_variation(boolean,double precision,integer)', $$augur.total_variation(true, 1.0::float8, 5)$$, 'ok ok ok ok ok ok 42501'),
('augur.total_variation(boolean,text)', $$augur.total_variation(true, 'x'::text)$$, 'ok ok ok ok ok ok 42501'),
('augur.wasserstein(boolean,double precision)', $$augur.wasserstein(true, 1.0::float8)$$, 'ok ok ok ok ok ok 42501'),
('augur._labelled_rows(augur.runs)', $$augur._labelled_rows((SELECT r FROM augur.runs r WHERE r.id = :run))$$, 'ok ok 42501 42501 42501 42501 42501'),
('augur._last_training(bigint)', $$augur._last_training(1)$$, 'ok ok 42501 ok ok ok 42501'),
('augur._retrain(augur.models,augur.retrain_policies,augur.runs,text)', $$augur._retrain(:registered, NULL, NULL, 'x')$$, 'ok ok 42501 42501 ok ok 42501'),
('augur._retrain_brake(augur.retrain_policies,jsonb,timestamp with time zone)', $$augur._retrain_brake(NULL, '{}', now())$$, 'ok ok ok ok ok ok 42501'),
('augur._retrain_facts(augur.models,augur.retrain_policies,augur.runs,timestamp with time zone)', $$augur._retrain_facts(:registered, NULL, NULL, now())$$, 'ok ok 42501 ok ok ok 42501'),
('augur._retrain_trigger(augur.retrain_policies,jsonb,timestamp with time zone)', $$augur._retrain_trigger(NULL, '{}', now())$$, 'ok ok ok ok ok ok 42501'),
('augur._train_again(augur.runs,text,jsonb,text)', $$augur._train_again((SELECT r FROM augur.runs r WHERE r.id = :run), 'pm', '{}', 'x')$$, 'ok ok 42501 42501 22004 42501 42501'),
('augur.check_retrain(text,timestamp with time zone,boolean)', $$augur.check_retrain('pm')$$, 'ok ok 42501 42501 42704 42501 42501'),
('augur.drop_retrain_policy(text)', $$augur.drop_retrain_policy('pm')$$, 'ok ok 42501 42501 42704 42501 42501'),
('augur.set_retrain_policy(text,interval,bigint,text[],integer,interval,integer,bigint,text,jsonb,integer,boolean)', $$augur.set_retrain_policy('pm')$$, 'ok ok 42501 42501 42704 42501 42501'),
('augur._emit(text,text,text,jsonb,augur.models)', $$augur._emit('x', 'info', 'x', '{}', :registered)$$, 'ok ok 42501 42501 ok ok 42501'),
('augur._event_of_alias(augur.models,augur.alias_history)', $$augur._event_of_alias(:registered, h) FROM augur.alias_history h$$, 'ok ok 42501 42501 ok ok 42501'),
('augur._event_of_run()', NULL, 'ok ok 42501 42501 ok ok 42501'),
('augur._event_of_version()', NULL, 'ok ok 42501 42501 ok ok 42501'),
('augur.emit(text,text,text,jsonb,text)', $$augur.emit('x', model => 'pm')$$, 'ok ok 42501 42501 42704 ok 42501'),
('augur._forecast(augur.versions,integer,double precision[],regclass,jsonb)', $$count(f.*) FROM augur._forecast(:forecaster, 2, NULL, NULL, NULL) f$$, 'ok ok ok 42501 ok ok 42501'),
('augur._forecast_fit(regclass,jsonb,bigint)', $$count(f.*) FROM augur._forecast_fit('public.pm_days', :config) f$$, 'ok ok 42501 42501 22004 ok 42501'),
('augur._forecast_version(text)', $$augur._forecast_version('pmf')$$, 'ok ok ok 42501 42704 ok 42501'),
('augur._full_search_due(bigint,bigint,jsonb)', $$augur._full_search_due(1, 1, '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur._holidays(regclass)', $$augur._holidays(NULL)$$, 'ok ok ok ok ok ok 42501'),
('augur._panel_fit(text,name[],integer,name[],jsonb)', $$count(f.*) FROM augur._panel_fit('SELECT t, y::float8 FROM public.pm_days', '{}', 2, '{}', '{"n_trees": 2, "folds": 0}') f$$, 'ok ok 42501 42501 ok ok 42501'),
('augur._panel_forecast(bytea,bytea,integer,double precision[],timestamp with time zone[],double precision[])', $$augur._panel_forecast(NULL, :state, 2, NULL)$$, 'ok ok ok ok ok ok 42501'),
('augur._promote_forecast(bigint,text,bigint,double precision,double precision,double precision)', $$augur._promote_forecast((:forecaster).id, 'never', NULL, 1, 1, 1)$$, 'ok ok 42501 42501 22023 42501 42501'),
('augur._qualified(regclass)', $$augur._qualified('public.pm_days')$$, 'ok ok ok ok ok ok 42501'),
('augur._regressor_names(jsonb)', $$augur._regressor_names('{}')$$, 'ok ok ok ok ok ok 42501'),
('augur._series_columns(regclass,name,name,name[],name[],text)', $$augur._series_columns('public.pm_days', 't', 'y', '{}', '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur._series_expressions(regclass,jsonb)', $$augur._series_expressions('public.pm_days', '{"series": [], "regressors": [], "time_column": "t", "time_type": "date"}')$$, 'ok ok ok ok ok ok 42501'),
('augur._series_fit(text,name[],integer,name[],jsonb,bigint)', $$count(f.*) FROM augur._series_fit('SELECT t, y::float8 FROM public.pm_days', '{}', 2, '{}', '{}') f$$, 'ok ok 42501 42501 ok ok 42501'),
('augur._series_forecast(bytea,integer,double precision[],timestamp with time zone[],double precision[])', $$augur._series_forecast(:state, 2, NULL)$$, 'ok ok ok ok ok ok 42501'),
('augur._series_history(bytea)', $$augur._series_history(:state)$$, 'ok ok ok ok ok ok 42501'),
('augur._train_forecast(text,regclass,name,jsonb,text,bigint,text,bigint)', $$augur._train_forecast('pmf', 'public.pm_days', 'y', :config, 'never', 1, NULL)$$, 'ok ok 42501 42501 42501 42501 42501'),
('augur.forecast(text,integer,double precision[],regclass,jsonb)', $$count(f.*) FROM augur.forecast('pmf') f$$, 'ok ok ok 42501 42704 ok 42501'),
('augur.forecast_accuracy(text,regclass,timestamp with time zone)', $$count(f.*) FROM augur.forecast_accuracy('pmf') f$$, 'ok ok 42501 P0002 42704 42501 42501'),
('augur.forecast_chart(text,jsonb,integer,double precision[],regclass,integer,text,integer,integer)', $$augur.forecast_chart('pmf')$$, 'ok ok ok 42501 42704 ok 42501'),
('augur.forecast_quantiles(text,double precision[],integer,regclass,jsonb)', $$count(f.*) FROM augur.forecast_quantiles('pmf', '{0.1}') f$$, 'ok ok ok 42501 42704 ok 42501'),
('augur."grant"(text,name,text)', $$augur.grant('pm', 'pm_other')$$, 'ok ok 42501 42501 42704 42501 42501'),
('augur."precision"("any","any")', $$augur.precision('x'::text, 'x'::text)$$, 'ok ok ok ok ok ok 42501'),
('augur."precision"("any","any",text)', $$augur.precision('x'::text, 'x'::text, 'x')$$, 'ok ok ok ok ok ok 42501'),
('augur._absolute_add(double precision[],double precision,double precision)', $$augur._absolute_add('{1,2,3}', 1, 1)$$, 'ok ok ok ok ok ok 42501'),
('augur._algorithms()', $$augur._algorithms()$$, 'ok ok ok ok ok ok 42501'),
('augur._alias_move(augur.models,text,bigint,text,text)', $$augur._alias_move(:registered, 'production', :version, 'promote', NULL)$$, 'ok ok 42501 42501 42501 ok 42501'),
('augur._auc(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._backtest_errors(double precision[],double precision[],double precision[],double precision[],double precision[],double precision[],double precision[],double precision)', $$augur._backtest_errors('{1}', '{1}', '{1}', '{1}', '{1}', '{1}', '{1}', 0.5)$$, 'ok ok ok ok ok ok 42501'),
('augur._backtest_points(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._backtest_points_date(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._backtest_points_timestamp(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._balanced_accuracy(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._brier_add(double precision[],boolean,double precision)', $$augur._brier_add('{1,2,3}', true, 1)$$, 'ok ok ok ok ok ok 42501'),
('augur._cache_invalidate()', NULL, 'ok ok 42501 42501 ok ok 42501'),
('augur._calibration(double precision[])', $$augur._calibration('{1,2,3}')$$, 'ok ok ok ok ok ok 42501'),
('augur._calibration_add(double precision[],boolean,double precision)', $$augur._calibration_add('{1,2,3}', true, 1)$$, '22023 22023 22023 22023 22023 22023 42501'),
('augur._calibration_add(double precision[],boolean,double precision,integer)', $$augur._calibration_add('{1,2,3}', true, 1, 1)$$, '22023 22023 22023 22023 22023 22023 42501'),
('augur._calibration_combine(double precision[],double precision[])', $$augur._calibration_combine('{1,2,3}', '{1,2,3}')$$, 'ok ok ok ok ok ok 42501'),
('augur._check_alias(text)', $$augur._check_alias('x')$$, 'ok ok ok ok ok ok 42501'),
('augur._check_model_name(text)', $$augur._check_model_name('x')$$, 'ok ok ok ok ok ok 42501'),
('augur._confusion(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._coverage_add(double precision[],double precision,double precision,double precision)', $$augur._coverage_add('{1,2,3}', 1, 1, 1)$$, 'ok ok ok ok ok ok 42501'),
('augur._decompose_anomalies(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._decompose_anomalies_date(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._decompose_anomalies_timestamp(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._decompose_changes(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._decompose_changes_date(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._decompose_changes_timestamp(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._decompose_points(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._decompose_points_date(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._decompose_points_timestamp(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._decompose_seasons(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._equal_add(double precision[],"any","any")', $$augur._equal_add('{1,2,3}', 'x'::text, 'x'::text)$$, 'ok ok ok ok ok ok 42501'),
('augur._f1(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._gradient_boosting_collect(internal,anyelement,record)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._gradient_boosting_collect(internal,anyelement,record,jsonb)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._gradient_boosting_train(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._linear_collect(internal,anyelement,record)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._linear_collect(internal,anyelement,record,jsonb)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._linear_train(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur.linear_agg(anyelement,record)', $$augur.linear_agg('x'::text, :row)$$, '22000 22000 22000 22000 22000 22000 42501'),
('augur.linear_agg(anyelement,record,jsonb)', $$augur.linear_agg('x'::text, :row, '{}')$$, '22000 22000 22000 22000 22000 22000 42501'),
('augur._forecast_add(internal,date,double precision,integer)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._forecast_add(internal,date,double precision,integer,jsonb)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._forecast_add(internal,timestamp with time zone,double precision,integer)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._forecast_add(internal,timestamp with time zone,double precision,integer,jsonb)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._forecast_add(internal,timestamp without time zone,double precision,integer)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._forecast_add(internal,timestamp without time zone,double precision,integer,jsonb)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._forecast_combine(internal,internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._forecast_deserialize(bytea,internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._forecast_full(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._forecast_full_date(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._forecast_full_timestamp(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._forecast_methods()', $$augur._forecast_methods()$$, 'ok ok ok ok ok ok 42501'),
('augur._forecast_points(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._forecast_points_date(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._forecast_points_timestamp(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._forecast_serialize(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._guard_alias()', NULL, 'ok ok 42501 42501 ok ok 42501'),
('augur._guard_append_only()', NULL, 'ok ok 42501 42501 ok ok 42501'),
('augur._guard_chunk()', NULL, 'ok ok 42501 42501 ok ok 42501'),
('augur._guard_model()', NULL, 'ok ok 42501 42501 ok ok 42501'),
('augur._guard_run()', NULL, 'ok ok 42501 42501 ok ok 42501'),
('augur._guard_run_part()', NULL, 'ok ok 42501 42501 ok ok 42501'),
('augur._guard_version()', NULL, 'ok ok 42501 42501 ok ok 42501'),
('augur._ingest_report(text,text,jsonb)', $$augur._ingest_report('SELECT * FROM public.pm_rows', 'y')$$, 'ok ok 42501 42501 ok ok 42501'),
('augur._label_add(internal,"any","any")', NULL, 'ok ok ok ok ok ok 42501'),
('augur._label_add(internal,"any","any",text)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._label_combine(internal,internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._label_deserialize(bytea,internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._label_serialize(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._leading_metric(text,jsonb)', $$augur._leading_metric('classification', '{"classes": ["a", "b"]}')$$, 'ok ok ok ok ok ok 42501'),
('augur._lift(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._log_loss_add(double precision[],boolean,double precision)', $$augur._log_loss_add('{1,2,3}', true, 1)$$, 'ok ok ok ok ok ok 42501'),
('augur._mcc(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._mean(double precision[])', $$augur._mean('{1,2,3}')$$, 'ok ok ok ok ok ok 42501'),
('augur._metric_set(bigint,text,text,text,double precision,double precision,double precision,bigint)', $$augur._metric_set(:run, 'holdout', 'x', '', 1, NULL, NULL, 1)$$, 'ok 42501 42501 42501 42501 42501 42501'),
('augur._model(text)', $$augur._model(name => 'pm')$$, 'ok ok ok ok 42704 ok 42501'),
('augur._model_locked(text,text)', $$augur._model_locked('pm', 'own')$$, 'ok ok 42501 42501 42704 42501 42501'),
('augur._operates(regrole)', $$augur._operates('pm_owner')$$, 'ok ok ok ok ok ok 42501'),
('augur._owns(regrole)', $$augur._owns('pm_owner')$$, 'ok ok ok ok ok ok 42501'),
('augur._pinball_add(double precision[],double precision,double precision,double precision)', $$augur._pinball_add('{1,2,3}', 1, 1, 1)$$, '22023 22023 22023 22023 22023 22023 42501'),
('augur._pr_auc(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._precision(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._preset_drop(regrole)', $$augur._preset_drop('pm_peer')$$, 'ok 42501 42501 42501 42501 42501 42501'),
('augur._preset_functions(text)', $$augur._preset_functions('reader')$$, 'ok ok ok ok ok ok 42501'),
('augur._preset_privileges(text)', $$augur._preset_privileges('reader')$$, 'ok ok ok ok ok ok 42501'),
('augur._production_version(text)', $$augur._production_version('pm')$$, 'ok ok ok ok ok ok 42501'),
('augur._progress()', $$augur._progress()$$, 'ok ok ok ok ok ok 42501'),
('augur._promote(augur.models,bigint,text,text,text)', $$augur._promote(:registered, :version, 'production', 'promote', NULL)$$, 'ok ok 42501 42501 42501 ok 42501'),
('augur._gate_failures(bigint,jsonb,text,boolean,double precision,boolean)', $$augur._gate_failures(1, '{}', 'auc', true, 1, true)$$, 'ok ok 42501 ok ok ok 42501'),
('augur._gate_suite(text,regclass,text)', $$augur._gate_suite('pms', 'public.pm_days', NULL)$$, 'ok ok 42501 42501 42704 42501 42501'),
('augur._promote_if(bigint,text,bigint,jsonb)', $$augur._promote_if(:version, 'always')$$, 'ok ok 42501 42501 42704 42501 42501'),
('augur._r2(double precision[])', $$augur._r2('{1,2,3}')$$, '22023 22023 22023 22023 22023 22023 42501'),
('augur._r2_add(double precision[],double precision,double precision)', $$augur._r2_add('{1,2,3}', 1, 1)$$, '22023 22023 22023 22023 22023 22023 42501'),
('augur._r2_combine(double precision[],double precision[])', $$augur._r2_combine('{1,2,3}', '{1,2,3}')$$, '22023 22023 22023 22023 22023 22023 42501'),
('augur._random_forest_collect(internal,anyelement,record)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._random_forest_collect(internal,anyelement,record,jsonb)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._random_forest_train(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._rank_add(internal,boolean,double precision)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._rank_add(internal,boolean,double precision,integer)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._rank_combine(internal,internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._rank_deserialize(bytea,internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._rank_serialize(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._recall(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._relative_add(double precision[],double precision,double precision)', $$augur._relative_add('{1,2,3}', 1, 1)$$, 'ok ok ok ok ok ok 42501'),
('augur._roc(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._role(name)', $$augur._role('pm_other')$$, 'ok ok ok ok ok ok 42501'),
('augur._root(double precision[])', $$augur._root('{1,2,3}')$$, 'ok ok ok ok ok ok 42501'),
('augur._run_finish(bigint,text,bigint,bigint,double precision,text[],jsonb)', $$augur._run_finish(:run, 'finished', 1, 0, 1, '{}', '{}')$$, '55000 55000 42501 42501 42704 42704 42501'),
('augur._may_train(text,text,text)', $$augur._may_train('pm', NULL, 'y')$$, 'ok ok 42501 42501 ok 42501 42501'),
('augur._run_start(text,text,text,text,text,text,jsonb,jsonb,bigint,text)', $$augur._run_start('pm', 'baseline', 'classification', 'pm_rows', NULL, 'y', '{}', '{}', 1, NULL)$$, 'ok ok 42501 42501 42501 42501 42501'),
('augur._scaled(double precision[])', $$augur._scaled('{1,2,3}')$$, '22023 22023 22023 22023 22023 22023 42501'),
('augur._scaled_add(double precision[],double precision,double precision,double precision)', $$augur._scaled_add('{1,2,3}', 1, 1, 1)$$, '22023 22023 22023 22023 22023 22023 42501'),
('augur._hierarchy(text,regtype,integer,text,jsonb)', $$count(h.*) FROM augur._hierarchy('SELECT ARRAY[1::bigint], ARRAY[''{}''::jsonb], augur._series_points_agg(p.t, p.y) FROM public.pm_days p', 'date', 1, 'none', '{}') h$$, 'ok ok ok ok ok ok 42501'),
('augur._series_add(internal,date,double precision)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._series_add(internal,date,double precision,jsonb)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._series_add(internal,timestamp with time zone,double precision)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._series_add(internal,timestamp with time zone,double precision,jsonb)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._series_add(internal,timestamp without time zone,double precision)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._series_add(internal,timestamp without time zone,double precision,jsonb)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._series_points(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur._series_points_agg(date,double precision)', $$augur._series_points_agg(date '2024-01-01', 1)$$, 'ok ok ok ok ok ok 42501'),
('augur._series_points_agg(timestamp with time zone,double precision)', $$augur._series_points_agg(timestamptz '2024-01-01', 1)$$, 'ok ok ok ok ok ok 42501'),
('augur._series_points_agg(timestamp without time zone,double precision)', $$augur._series_points_agg(timestamp '2024-01-01', 1)$$, 'ok ok ok ok ok ok 42501'),
('augur._series_query(regclass,name,name,name[],text)', $$augur._series_query('pg_stat_database', 'stats_reset', 'numbackends', '{}', 'decompose_agg')$$, 'ok ok ok ok ok ok 42501'),
('augur._squared_add(double precision[],double precision,double precision)', $$augur._squared_add('{1,2,3}', 1, 1)$$, 'ok ok ok ok ok ok 42501'),
('augur._sum_combine(double precision[],double precision[])', $$augur._sum_combine('{1,2,3}', '{1,2,3}')$$, 'ok ok ok ok ok ok 42501'),
('augur._symmetric_add(double precision[],double precision,double precision)', $$augur._symmetric_add('{1,2,3}', 1, 1)$$, 'ok ok ok ok ok ok 42501'),
('augur._version(augur.models,integer)', $$augur._version(:registered, 1)$$, 'ok ok ok ok 42704 ok 42501'),
('augur._version_create(bigint,integer,bigint,bytea,jsonb)', $$augur._version_create(:run, 1, 1, sha256('x'), '{"features": []}')$$, '55000 55000 42501 42501 55000 55000 42501'),
('augur._version_ready(bigint)', $$augur._version_ready(:version)$$, '55000 55000 42501 42501 42704 55000 42501'),
('augur._version_store(bigint,augur.model)', $$augur._version_store(:run, :model)$$, '55000 55000 42501 42501 55000 55000 42501'),
('augur.accuracy("any","any")', $$augur.accuracy('x'::text, 'x'::text)$$, 'ok ok ok ok ok ok 42501'),
('augur.auc(boolean,double precision)', $$augur.auc(true, 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.backtest(regclass,name,name,integer,name[],integer,integer,text,interval,integer[],double precision[],jsonb)', $$count(b.*) FROM augur.backtest('public.pm_days', 't', 'y', 2) b$$, 'ok ok ok ok ok ok 42501'),
('augur.backtest_agg(date,double precision,integer)', $$augur.backtest_agg(date '2024-01-01', 1, 2)$$, 'ok ok ok ok ok ok 42501'),
('augur.backtest_agg(date,double precision,integer,jsonb)', $$augur.backtest_agg(date '2024-01-01', 1, 2, '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur.backtest_agg(timestamp with time zone,double precision,integer)', $$augur.backtest_agg(timestamptz '2024-01-01', 1, 2)$$, 'ok ok ok ok ok ok 42501'),
('augur.backtest_agg(timestamp with time zone,double precision,integer,jsonb)', $$augur.backtest_agg(timestamptz '2024-01-01', 1, 2, '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur.backtest_agg(timestamp without time zone,double precision,integer)', $$augur.backtest_agg(timestamp '2024-01-01', 1, 2)$$, 'ok ok ok ok ok ok 42501'),
('augur.backtest_agg(timestamp without time zone,double precision,integer,jsonb)', $$augur.backtest_agg(timestamp '2024-01-01', 1, 2, '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur.backtest_summary(regclass,name,name,integer,name[],integer,integer,text,interval,integer[],double precision[],jsonb)', $$count(b.*) FROM augur.backtest_summary('public.pm_days', 't', 'y', 2) b$$, 'ok ok ok ok ok ok 42501'),
('augur.balanced_accuracy("any","any")', $$augur.balanced_accuracy('x'::text, 'x'::text)$$, 'ok ok ok ok ok ok 42501'),
('augur.brier(boolean,double precision)', $$augur.brier(true, 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.calibration(boolean,double precision)', $$augur.calibration(true, 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.calibration(boolean,double precision,integer)', $$augur.calibration(true, 1, 1)$$, '22023 22023 22023 22023 22023 22023 42501'),
('augur.changepoints(regclass,name,name,name[],jsonb)', $$augur.changepoints('pg_stat_database', 'stats_reset', 'numbackends')$$, 'ok ok ok ok ok ok 42501'),
('augur.changepoints_agg(date,double precision)', $$augur.changepoints_agg(date '2024-01-01', 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.changepoints_agg(date,double precision,jsonb)', $$augur.changepoints_agg(date '2024-01-01', 1, '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur.changepoints_agg(timestamp with time zone,double precision)', $$augur.changepoints_agg(timestamptz '2024-01-01', 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.changepoints_agg(timestamp with time zone,double precision,jsonb)', $$augur.changepoints_agg(timestamptz '2024-01-01', 1, '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur.changepoints_agg(timestamp without time zone,double precision)', $$augur.changepoints_agg(timestamp '2024-01-01', 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.changepoints_agg(timestamp without time zone,double precision,jsonb)', $$augur.changepoints_agg(timestamp '2024-01-01', 1, '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur.classify(augur.model,record)', $$augur.classify(:model, :row)$$, 'ok ok ok ok ok ok 42501'),
('augur.classify(text,record)', $$augur.classify('pm', :row)$$, 'ok ok ok 42501 42704 ok 42501'),
('augur.confusion("any","any")', $$augur.confusion('x'::text, 'x'::text)$$, 'ok ok ok ok ok ok 42501'),
('augur.coverage(double precision,double precision,double precision)', $$augur.coverage(1, 1, 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.decompose(regclass,name,name,name[],jsonb)', $$augur.decompose('pg_stat_database', 'stats_reset', 'numbackends')$$, 'ok ok ok ok ok ok 42501'),
('augur.decompose_agg(date,double precision)', $$augur.decompose_agg(date '2024-01-01', 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.decompose_agg(date,double precision,jsonb)', $$augur.decompose_agg(date '2024-01-01', 1, '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur.decompose_agg(timestamp with time zone,double precision)', $$augur.decompose_agg(timestamptz '2024-01-01', 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.decompose_agg(timestamp with time zone,double precision,jsonb)', $$augur.decompose_agg(timestamptz '2024-01-01', 1, '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur.decompose_agg(timestamp without time zone,double precision)', $$augur.decompose_agg(timestamp '2024-01-01', 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.decompose_agg(timestamp without time zone,double precision,jsonb)', $$augur.decompose_agg(timestamp '2024-01-01', 1, '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur.detect_anomalies(regclass,name,name,name[],jsonb)', $$augur.detect_anomalies('pg_stat_database', 'stats_reset', 'numbackends')$$, 'ok ok ok ok ok ok 42501'),
('augur.detect_anomalies_agg(date,double precision)', $$augur.detect_anomalies_agg(date '2024-01-01', 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.detect_anomalies_agg(date,double precision,jsonb)', $$augur.detect_anomalies_agg(date '2024-01-01', 1, '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur.detect_anomalies_agg(timestamp with time zone,double precision)', $$augur.detect_anomalies_agg(timestamptz '2024-01-01', 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.detect_anomalies_agg(timestamp with time zone,double precision,jsonb)', $$augur.detect_anomalies_agg(timestamptz '2024-01-01', 1, '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur.detect_anomalies_agg(timestamp without time zone,double precision)', $$augur.detect_anomalies_agg(timestamp '2024-01-01', 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.detect_anomalies_agg(timestamp without time zone,double precision,jsonb)', $$augur.detect_anomalies_agg(timestamp '2024-01-01', 1, '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur.drop_alias(text,text,text)', $$augur.drop_alias('pm', 'canary')$$, 'ok ok 42501 42501 42704 ok 42501'),
('augur.drop_model(text)', $$augur.drop_model('pm')$$, 'ok ok 42501 42501 42704 42501 42501'),
('augur.drop_version(text,integer)', $$augur.drop_version('pm', 4)$$, 'ok ok 42501 42501 42704 42501 42501'),
('augur.evaluate(text,regclass,name)', $$augur.evaluate('pm', 'public.pm_rows')$$, 'ok ok ok 42501 42704 ok 42501'),
('augur.f1("any","any")', $$augur.f1('x'::text, 'x'::text)$$, 'ok ok ok ok ok ok 42501'),
('augur.f1("any","any",text)', $$augur.f1('x'::text, 'x'::text, 'x')$$, 'ok ok ok ok ok ok 42501'),
('augur.forecast_agg(date,double precision,integer)', $$augur.forecast_agg(date '2024-01-01', 1, 2)$$, 'ok ok ok ok ok ok 42501'),
('augur.forecast_agg(date,double precision,integer,jsonb)', $$augur.forecast_agg(date '2024-01-01', 1, 2, '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur.forecast_agg(timestamp with time zone,double precision,integer)', $$augur.forecast_agg(timestamptz '2024-01-01', 1, 2)$$, 'ok ok ok ok ok ok 42501'),
('augur.forecast_agg(timestamp with time zone,double precision,integer,jsonb)', $$augur.forecast_agg(timestamptz '2024-01-01', 1, 2, '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur.forecast_agg(timestamp without time zone,double precision,integer)', $$augur.forecast_agg(timestamp '2024-01-01', 1, 2)$$, 'ok ok ok ok ok ok 42501'),
('augur.forecast_agg(timestamp without time zone,double precision,integer,jsonb)', $$augur.forecast_agg(timestamp '2024-01-01', 1, 2, '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur.forecast_full_agg(date,double precision,integer)', $$augur.forecast_full_agg(date '2024-01-01', 1, 2)$$, 'ok ok ok ok ok ok 42501'),
('augur.forecast_full_agg(date,double precision,integer,jsonb)', $$augur.forecast_full_agg(date '2024-01-01', 1, 2, '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur.forecast_full_agg(timestamp with time zone,double precision,integer)', $$augur.forecast_full_agg(timestamptz '2024-01-01', 1, 2)$$, 'ok ok ok ok ok ok 42501'),
('augur.forecast_full_agg(timestamp with time zone,double precision,integer,jsonb)', $$augur.forecast_full_agg(timestamptz '2024-01-01', 1, 2, '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur.forecast_full_agg(timestamp without time zone,double precision,integer)', $$augur.forecast_full_agg(timestamp '2024-01-01', 1, 2)$$, 'ok ok ok ok ok ok 42501'),
('augur.forecast_full_agg(timestamp without time zone,double precision,integer,jsonb)', $$augur.forecast_full_agg(timestamp '2024-01-01', 1, 2, '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur.forecast_hierarchy(regclass,name,name,integer,name[],text,text,interval,integer[],double precision[],jsonb)', $$count(h.*) FROM augur.forecast_hierarchy('public.pm_days', 't', 'y', 2, '{k}', 'bottom_up', 'naive') h$$, 'ok ok ok ok ok ok 42501'),
('augur.features(text)', $$augur.features('pm')$$, 'ok ok ok 42501 42704 ok 42501'),
('augur.gradient_boosting_agg(anyelement,record)', $$augur.gradient_boosting_agg('x'::text, :row)$$, '22000 22000 22000 22000 22000 22000 42501'),
('augur.gradient_boosting_agg(anyelement,record,jsonb)', $$augur.gradient_boosting_agg('x'::text, :row, '{}')$$, '22000 22000 22000 22000 22000 22000 42501'),
('augur.grant_preset(name,text)', $$augur.grant_preset('pm_other', 'reader')$$, 'ok 42501 42501 42501 42501 42501 42501'),
('augur.hyperparameters(text)', $$augur.hyperparameters('baseline')$$, 'ok ok ok ok ok ok 42501'),
('augur.importance(text,regclass,integer)', $$augur.importance('pm', 'public.pm_rows')$$, 'ok ok ok 42501 42704 ok 42501'),
('augur.lift(boolean,double precision)', $$augur.lift(true, 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.lift(boolean,double precision,integer)', $$augur.lift(true, 1, 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.log_loss(boolean,double precision)', $$augur.log_loss(true, 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.mae(double precision,double precision)', $$augur.mae(1, 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.mape(double precision,double precision)', $$augur.mape(1, 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.mase(double precision,double precision,double precision)', $$augur.mase(1, 1, 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.mcc("any","any")', $$augur.mcc('x'::text, 'x'::text)$$, 'ok ok ok ok ok ok 42501'),
('augur.model_in(cstring)', $$augur.model_in('x')$$, '22P02 22P02 22P02 22P02 22P02 22P02 42501'),
('augur.model_info(augur.model)', $$augur.model_info(:model)$$, 'ok ok ok ok ok ok 42501'),
('augur.model_info(text)', $$augur.model_info('pm')$$, 'ok ok ok 42501 42704 ok 42501'),
('augur.model_out(augur.model)', $$augur.model_out(:model)$$, 'ok ok ok ok ok ok 42501'),
('augur.model_recv(internal)', NULL, 'ok ok ok ok ok ok 42501'),
('augur.model_send(augur.model)', $$augur.model_send(:model)$$, 'ok ok ok ok ok ok 42501'),
('augur.pinball(double precision,double precision,double precision)', $$augur.pinball(1, 1, 1)$$, '22023 22023 22023 22023 22023 22023 42501'),
('augur.pr_auc(boolean,double precision)', $$augur.pr_auc(true, 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.predict(augur.model,record)', $$augur.predict(:model, :row)$$, 'ok ok ok ok ok ok 42501'),
('augur.predict(text,record)', $$augur.predict('pm', :row)$$, 'ok ok ok 42501 42704 ok 42501'),
('augur.predict_array(text,double precision[])', $$augur.predict_array('pm', '{1,0}')$$, '42804 42804 42804 42501 42704 42804 42501'),
('augur.predict_full(augur.model,record,double precision)', $$augur.predict_full(:model, :row, 1)$$, '22023 22023 22023 22023 22023 22023 42501'),
('augur.predict_full(text,record,double precision)', $$augur.predict_full('pm', :row, 1)$$, '22023 22023 22023 42501 42704 22023 42501'),
('augur.predict_json(text,jsonb)', $$augur.predict_json('pm', '{"a": 1, "b": "u"}')$$, 'ok ok ok 42501 42704 ok 42501'),
('augur.predict_pinned(bigint,record)', $$augur.predict_pinned(:version, :row)$$, 'ok ok ok 42501 42704 ok 42501'),
('augur.probabilities(augur.model,record)', $$augur.probabilities(:model, :row)$$, 'ok ok ok ok ok ok 42501'),
('augur.probabilities(text,record)', $$augur.probabilities('pm', :row)$$, 'ok ok ok 42501 42704 ok 42501'),
('augur.promote(text,integer,text,text)', $$augur.promote('pm', 1)$$, 'ok ok 42501 42501 42704 ok 42501'),
('augur.r2(double precision,double precision)', $$augur.r2(1, 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.random_forest_agg(anyelement,record)', $$augur.random_forest_agg('x'::text, :row)$$, '22000 22000 22000 22000 22000 22000 42501'),
('augur.random_forest_agg(anyelement,record,jsonb)', $$augur.random_forest_agg('x'::text, :row, '{}')$$, '22000 22000 22000 22000 22000 22000 42501'),
('augur.recall("any","any")', $$augur.recall('x'::text, 'x'::text)$$, 'ok ok ok ok ok ok 42501'),
('augur.recall("any","any",text)', $$augur.recall('x'::text, 'x'::text, 'x')$$, 'ok ok ok ok ok ok 42501'),
('augur.refresh_forecast(text,text,text)', $$augur.refresh_forecast('pmf')$$, 'ok ok 42501 42501 42704 42501 42501'),
('augur.refresh_presets()', $$augur.refresh_presets()$$, 'ok 42501 42501 42501 42501 42501 42501'),
('augur.register(text,augur.model,text,text)', $$augur.register('pm_new', :model)$$, 'ok ok 42501 42501 ok ok 42501'),
('augur.revoke(text,name,text)', $$augur.revoke('pm', 'pm_grantee')$$, 'ok ok 42501 42501 42704 42501 42501'),
('augur.revoke_preset(name)', $$augur.revoke_preset('pm_peer')$$, 'ok 42501 42501 42501 42501 42501 42501'),
('augur.rmse(double precision,double precision)', $$augur.rmse(1, 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.chart(timestamp with time zone[],double precision[],timestamp with time zone[],double precision[],double precision[],double precision[],text,integer,integer,text)',
	$$augur.chart('{2024-01-01}', '{1}')$$, 'ok ok ok ok ok ok 42501'),
('augur.coefficients(augur.model,double precision)', $$augur.coefficients(:model)$$, '55000 55000 55000 55000 55000 55000 42501'),
('augur.coefficients(text,double precision)', $$augur.coefficients('pm')$$, '55000 55000 55000 42501 42704 55000 42501'),
('augur.seasonality(regclass,name,name,name[],jsonb)', $$augur.seasonality('pg_stat_database', 'stats_reset', 'numbackends')$$, 'ok ok ok ok ok ok 42501'),
('augur.seasonality_agg(date,double precision)', $$augur.seasonality_agg(date '2024-01-01', 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.seasonality_agg(date,double precision,jsonb)', $$augur.seasonality_agg(date '2024-01-01', 1, '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur.seasonality_agg(timestamp with time zone,double precision)', $$augur.seasonality_agg(timestamptz '2024-01-01', 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.seasonality_agg(timestamp with time zone,double precision,jsonb)', $$augur.seasonality_agg(timestamptz '2024-01-01', 1, '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur.seasonality_agg(timestamp without time zone,double precision)', $$augur.seasonality_agg(timestamp '2024-01-01', 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.seasonality_agg(timestamp without time zone,double precision,jsonb)', $$augur.seasonality_agg(timestamp '2024-01-01', 1, '{}')$$, 'ok ok ok ok ok ok 42501'),
('augur.sparkline(double precision[],integer)', $$augur.sparkline('{1}')$$, 'ok ok ok ok ok ok 42501'),
('augur.roc(boolean,double precision)', $$augur.roc(true, 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.rollback(text,text)', $$augur.rollback('pm')$$, 'ok ok 42501 42501 42704 ok 42501'),
('augur.set_owner(text,name)', $$augur.set_owner('pm', current_user)$$, 'ok ok 42501 42501 42704 42501 42501'),
('augur.set_status(text,integer,text)', $$augur.set_status('pm', 4, 'archived')$$, 'ok ok 42501 42501 42704 ok 42501'),
('augur.smape(double precision,double precision)', $$augur.smape(1, 1)$$, 'ok ok ok ok ok ok 42501'),
('augur.store_forecast(text,integer,double precision[],regclass,jsonb)', $$augur.store_forecast('pmf')$$, 'ok ok 42501 42501 42704 ok 42501'),
('augur.train(text,regclass,name,name[],name[],text,text,name,name,name,name[],text,jsonb,jsonb,text,jsonb,jsonb,jsonb,text,bigint,text)', $$augur.train('pm', 'public.pm_rows', 'y', params => '{"n_trees": 2}')$$, 'ok ok 42501 42501 42501 42501 42501'),
('augur.train_forecast(text,regclass,name,name,name[],name[],text,interval,integer[],integer,double precision[],jsonb,text,bigint,text,regclass)', $$augur.train_forecast('pmf', 'public.pm_days', 't', 'y', method => 'drift')$$, 'ok ok 42501 42501 42501 42501 42501'),
('augur.train_query(text,text,name,name[],name[],text,text,name,name,name,name[],text,jsonb,jsonb,text,jsonb,jsonb,jsonb,text,bigint,text)', $$augur.train_query('mine', 'SELECT * FROM public.pm_rows', 'y', params => '{"n_trees": 2}')$$, 'ok ok 42501 42501 ok ok 42501'),
('augur.version()', $$augur.version()$$, 'ok ok ok ok ok ok 42501');
UPDATE pm_matrix SET call = replace(replace(replace(replace(replace(replace(replace(replace(call, ':model', :'model'), ':row', :'row'),
	':registered', :'registered'), ':version', :'version'), ':run', :'run'), ':forecaster', :'forecaster'), ':config', :'config'),
	':state', :'state');
UPDATE pm_matrix SET call = replace(call, ':expectation', :'expectation');

SELECT is((SELECT array_agg(p.oid::regprocedure::text ORDER BY 1) FROM pg_proc p
		   WHERE p.pronamespace = 'augur'::regnamespace
		   AND p.oid::regprocedure::text NOT IN (SELECT f FROM pm_matrix)), NULL, 'every function has its row');
SELECT is((SELECT array_agg(f ORDER BY f) FROM pm_matrix WHERE to_regprocedure(f) IS NULL), NULL, 'every row has its function');
SELECT is((SELECT array_agg(f ORDER BY f) FROM pm_matrix m JOIN pg_proc p ON p.oid = to_regprocedure(f)
		   WHERE (call IS NULL) <> ('internal'::regtype = ANY (p.proargtypes::oid[]) OR p.prorettype = 'trigger'::regtype)),
		  NULL, 'every function that can be called is called');
SELECT is((SELECT string_agg(CASE WHEN m.call IS NOT NULL THEN pm_try(r.role, m.call)
								  WHEN r.role = 'superuser' THEN 'ok'
								  WHEN has_function_privilege(r.role, m.f, 'EXECUTE') THEN 'ok' ELSE '42501' END, ' ' ORDER BY r.n)
		   FROM pm_roles r), m.outcome, m.f)
FROM pm_matrix m ORDER BY m.f;
SELECT is((SELECT array_agg(f) FROM pm_matrix WHERE split_part(outcome, ' ', 7) <> '42501'), NULL,
		  'a stranger may call nothing');

SELECT * FROM finish();
ROLLBACK;
