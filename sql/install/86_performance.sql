-- performance: metrics of logged predictions over windows of time, estimates before labels come,
-- and detectors of concept drift that read losses on from where they were.

-- ---- windows ------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._trained_metric(v augur.versions, name text, OUT value float8,
	OUT lower float8, OUT upper float8)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT t.value, t.lower, t.upper FROM augur.metrics t
	WHERE t.run_id = v.run_id AND t.split = ANY ('{holdout,oob}') AND t.name = $2 AND t.class = ''
	AND t.value IS NOT NULL
	ORDER BY t.split LIMIT 1
$$;
COMMENT ON FUNCTION augur._trained_metric(augur.versions, text) IS
'Internal. A metric of a version when it was trained: on the holdout, else out of bag.';

-- Wilson's interval of a share, at 95 %.
CREATE OR REPLACE FUNCTION augur._wilson(share float8, n bigint, OUT lower float8, OUT upper float8)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	-- n as NULL, not a WHERE: a planner that knows the arguments divides by them before it filters
	SELECT CASE WHEN n > 0 THEN greatest((c.centre - c.half) / c.scale, 0) END,
		   CASE WHEN n > 0 THEN least((c.centre + c.half) / c.scale, 1) END
	FROM (SELECT share + z * z / (2 * k) AS centre, 1 + z * z / k AS scale,
				 z * sqrt(share * (1 - share) / k + z * z / (4.0 * k * k)) AS half
		  FROM (VALUES (1.959963984540054::float8, CASE WHEN n > 0 THEN n END)) q (z, k)) c
$$;
COMMENT ON FUNCTION augur._wilson(float8, bigint) IS
'Internal. The 95 % interval of a share, by Wilson.';

-- The interval of an AUC from its standard error, on the logit scale, so that it stays in 0..1.
CREATE OR REPLACE FUNCTION augur._auc_interval(auc float8, error float8, OUT lower float8, OUT upper float8)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	-- inside of CASE alone, as above; tanh, which unlike exp never overflows
	SELECT (1 + tanh((h.logit - h.half) / 2)) / 2, (1 + tanh((h.logit + h.half) / 2)) / 2
	FROM (SELECT CASE WHEN auc > 0 AND auc < 1 THEN ln(auc / (1 - auc)) END AS logit,
				 CASE WHEN auc > 0 AND auc < 1 AND error > 0
					  THEN 1.959963984540054 * error / (auc * (1 - auc)) END AS half) h
$$;
COMMENT ON FUNCTION augur._auc_interval(float8, float8) IS
'Internal. The 95 % interval of an AUC; NULL where it has none.';

CREATE OR REPLACE FUNCTION augur._performance_verdict(w augur.performance_window, min_rows integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT CASE WHEN w.n < min_rows OR w.value IS NULL THEN 'insufficient'
		WHEN w.baseline IS NULL THEN 'no_baseline'
		WHEN CASE WHEN w.metric = ANY ('{accuracy,auc}') THEN w.baseline - w.value ELSE w.value - w.baseline END
			 > sqrt(coalesce(w.upper - w.lower, 0) ^ 2 + coalesce(w.baseline_upper - w.baseline_lower, 0) ^ 2) / 2
		THEN 'worse' ELSE 'ok' END
$$;
COMMENT ON FUNCTION augur._performance_verdict(augur.performance_window, integer) IS
'Internal. Whether a metric is worse than its baseline by more than both intervals allow.';

-- AUC of two classes, and its standard error by DeLong and others 1988, of each group.
CREATE OR REPLACE FUNCTION augur._auc_windows(versions integer[], windows timestamptz[], positive boolean[],
	scores float8[], OUT version integer, OUT "window" timestamptz, OUT auc float8, OUT error float8, OUT fewer bigint)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	WITH r AS (
		SELECT u.v, u.w, u.p,
			   rank() OVER (PARTITION BY u.v, u.w ORDER BY u.s)
			   + (count(*) OVER (PARTITION BY u.v, u.w, u.s) - 1) / 2.0 AS among_all,
			   rank() OVER (PARTITION BY u.v, u.w, u.p ORDER BY u.s)
			   + (count(*) OVER (PARTITION BY u.v, u.w, u.p, u.s) - 1) / 2.0 AS among_own,
			   count(*) OVER (PARTITION BY u.v, u.w) - count(*) OVER (PARTITION BY u.v, u.w, u.p) AS others
		FROM unnest(versions, windows, positive, scores) u (v, w, p, s)),
	c AS (
		SELECT r.v, r.w, r.p, count(*) AS n, avg((r.among_all - r.among_own)::float8 / nullif(r.others, 0)) AS share,
			   var_samp((r.among_all - r.among_own)::float8 / nullif(r.others, 0)) AS spread
		FROM r GROUP BY r.v, r.w, r.p)
	-- a class of one row has no spread, and the other alone would tell too small an error
	SELECT c.v, c.w, max(c.share) FILTER (WHERE c.p), CASE WHEN count(c.spread) = 2 THEN sqrt(sum(c.spread / c.n)) END,
		   min(c.n)::bigint
	FROM c GROUP BY c.v, c.w
$$;
COMMENT ON FUNCTION augur._auc_windows(integer[], timestamptz[], boolean[], float8[]) IS
'Internal. The AUC of each version and window, with its standard error and the rows of the smaller class.';

CREATE OR REPLACE FUNCTION augur._check_width(width interval) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF width IS NULL OR width <= interval '0' OR extract(month FROM width) <> 0 OR extract(year FROM width) <> 0 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid width of windows %s', coalesce(quote_literal(width::text), 'NULL')),
			DETAIL = 'It must be longer than nothing and have no months, which differ in length.',
			HINT = 'Use days, as ''7 days'' or ''30 days''.';
	END IF;
END
$$;
COMMENT ON FUNCTION augur._check_width(interval) IS
'Internal. An error unless windows can have this width.';

CREATE OR REPLACE FUNCTION augur.performance(model text, width interval DEFAULT '1 day',
	since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, min_rows integer DEFAULT 30)
RETURNS SETOF augur.performance_window
LANGUAGE plpgsql STABLE ROWS 100
SET search_path = pg_catalog, augur, pg_temp
SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
	chosen		bigint;
	m			augur.models;
BEGIN
	PERFORM augur._check_width(width);
	IF model ~ '[/@]' THEN
		chosen := (augur._referred_version(model)).id;
	END IF;
	m := augur._model_operated((augur._model(regexp_replace(model, '[/@].*$', ''))).id);
	RETURN QUERY
	WITH l AS MATERIALIZED (
		SELECT x.*, date_bin(width, coalesce(x.target_time, x.at), '2000-01-03 00:00+00') AS w,
			   x.actual IS NOT NULL OR x.actual_label IS NOT NULL AS known,
			   x.recorded_at - greatest(coalesce(x.target_time, x.at), x.at) AS wait
		FROM augur._losses(m.id, chosen, since, until, NULL, NULL, NULL) x),
	counts AS (
		SELECT l.version, l.w, count(*) AS predictions, count(*) FILTER (WHERE l.known) AS n,
			   percentile_cont(0.5) WITHIN GROUP (ORDER BY l.wait) AS delay,
			   1 - avg(l.error)::float8 AS accuracy, avg(l.log_loss) AS log_loss, stddev_samp(l.log_loss) AS log_loss_sd,
			   avg(l.squared_error) AS mse, stddev_samp(l.squared_error) AS mse_sd,
			   avg(l.absolute_error) AS mae, stddev_samp(l.absolute_error) AS mae_sd
		FROM l GROUP BY l.version, l.w),
	classes AS MATERIALIZED (
		SELECT t.version, augur._class_names(t) AS names FROM augur.versions t WHERE t.model_id = m.id),
	aucs AS MATERIALIZED (
		SELECT a.* FROM (
			SELECT array_agg(l.version) AS v, array_agg(l.w) AS w, array_agg(l.value) AS s,
				   array_agg(l.actual_label = k.names[2]) AS p
			FROM l JOIN classes k ON k.version = l.version AND cardinality(k.names) = 2
			WHERE l.actual_label IS NOT NULL) i, augur._auc_windows(i.v, i.w, i.p, i.s) a),
	measured AS (
		SELECT c.version, c.w, 'accuracy' AS metric, c.accuracy AS value, q.lower, q.upper
		FROM counts c LEFT JOIN LATERAL augur._wilson(c.accuracy, c.n) q ON true WHERE m.task = 'classification'
		UNION ALL
		SELECT c.version, c.w, 'log_loss', c.log_loss, CASE WHEN h.half IS NOT NULL THEN greatest(c.log_loss - h.half, 0) END, c.log_loss + h.half
		FROM counts c, LATERAL (SELECT 1.959963984540054 * c.log_loss_sd / sqrt(nullif(c.n, 0)) AS half) h
		WHERE m.task = 'classification'
		UNION ALL
		-- without an error: its variance is at most that of a share of the smaller class (Birnbaum and Klose 1957,
		-- Annals of Mathematical Statistics 28:933)
		SELECT c.version, c.w, 'auc', a.auc, coalesce(q.lower, b.lower), coalesce(q.upper, b.upper)
		FROM counts c JOIN classes k ON k.version = c.version
		LEFT JOIN aucs a ON a.version = c.version AND a."window" = c.w
		LEFT JOIN LATERAL augur._auc_interval(a.auc, a.error) q ON true
		LEFT JOIN LATERAL augur._wilson(a.auc, CASE WHEN a.auc IS NOT NULL THEN a.fewer END) b ON true
		WHERE cardinality(k.names) = 2
		UNION ALL
		SELECT c.version, c.w, 'rmse', sqrt(c.mse), sqrt(CASE WHEN h.half IS NOT NULL THEN greatest(c.mse - h.half, 0) END), sqrt(c.mse + h.half)
		FROM counts c, LATERAL (SELECT 1.959963984540054 * c.mse_sd / sqrt(nullif(c.n, 0)) AS half) h
		WHERE m.task = 'regression'
		UNION ALL
		SELECT c.version, c.w, 'mae', c.mae, CASE WHEN h.half IS NOT NULL THEN greatest(c.mae - h.half, 0) END, c.mae + h.half
		FROM counts c, LATERAL (SELECT 1.959963984540054 * c.mae_sd / sqrt(nullif(c.n, 0)) AS half) h
		WHERE m.task = 'regression'),
	whole AS (
		SELECT ROW(d.version, d.w, d.w + width, d.metric, d.value, d.lower, d.upper, c.n, b.value, b.lower, b.upper,
				   NULL, c.predictions, c.n::float8 / c.predictions, c.delay)::augur.performance_window AS r
		FROM measured d JOIN counts c ON c.version = d.version AND c.w = d.w
		JOIN augur.versions t ON t.model_id = m.id AND t.version = d.version
		LEFT JOIN LATERAL augur._trained_metric(t, d.metric) b ON true)
	SELECT (r).version, (r).window_start, (r).window_end, (r).metric, (r).value, (r).lower, (r).upper, (r).n,
		   (r).baseline, (r).baseline_lower, (r).baseline_upper, augur._performance_verdict(r, min_rows),
		   (r).predictions, (r).coverage, (r).delay
	FROM whole ORDER BY (r).window_start, (r).version, (r).metric;
END
$$;
COMMENT ON FUNCTION augur.performance(text, interval, timestamptz, timestamptz, integer) IS
'How good logged predictions turned out to be: metrics over windows of time with 95 % intervals, beside those of training, how many predictions have an actual value, and how long that took. By the time predictions are for; a bare name takes all versions, each against its own baseline, churn/7 or churn@staging that one. Fewer than min_rows actual values are insufficient for a verdict. For the model''s owner, operators and admins. Example: SELECT * FROM augur.performance(''churn'', ''7 days'', now() - interval ''90 days'').';

CREATE OR REPLACE FUNCTION augur.store_performance(model text, width interval DEFAULT '1 day',
	since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, min_rows integer DEFAULT 30) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	m			augur.models := augur._model(regexp_replace(model, '[/@].*$', ''));
	stored		bigint;
	origin		timestamptz := '2000-01-03 00:00+00';
BEGIN
	PERFORM augur._check_width(width);
	-- whole windows: the part of one would be kept in place of all of it
	since := date_bin(width, since, origin);
	until := CASE WHEN date_bin(width, until, origin) < until THEN date_bin(width, until, origin) + width ELSE until END;
	INSERT INTO augur.performance_windows AS w (version_id, window_start, window_end, metric, value, lower, upper, n,
		baseline, baseline_lower, baseline_upper, verdict, predictions, coverage, delay)
	SELECT v.id, p.window_start, p.window_end, p.metric, p.value, p.lower, p.upper, p.n, p.baseline,
		   p.baseline_lower, p.baseline_upper, p.verdict, p.predictions, p.coverage, p.delay
	FROM augur.performance(model, width, since, until, min_rows) p
	JOIN augur.versions v ON v.model_id = m.id AND v.version = p.version
	ON CONFLICT ON CONSTRAINT performance_windows_pkey DO UPDATE SET
		(value, lower, upper, n, baseline, baseline_lower, baseline_upper, verdict, predictions, coverage, delay,
		 measured_at)
		= (EXCLUDED.value, EXCLUDED.lower, EXCLUDED.upper, EXCLUDED.n, EXCLUDED.baseline, EXCLUDED.baseline_lower,
		   EXCLUDED.baseline_upper, EXCLUDED.verdict, EXCLUDED.predictions, EXCLUDED.coverage, EXCLUDED.delay,
		   clock_timestamp());
	GET DIAGNOSTICS stored = ROW_COUNT;
	RETURN stored;
END
$$;
COMMENT ON FUNCTION augur.store_performance(text, interval, timestamptz, timestamptz, integer) IS
'Keeps what augur.performance measures in augur.performance_windows, and returns how many rows: those of a window that is there already are measured again, as labels come in. The same arguments; a window that since or until lies in is kept as a whole.';

-- ---- estimates ------------------------------------------------------------------------------------

-- scores and the probabilities of the predicted class, with whether it came true where that is known
CREATE OR REPLACE FUNCTION augur._confidences(v augur.versions, since timestamptz, until timestamptz,
	OUT score float8, OUT confidence float8, OUT hit boolean) RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT p.value, CASE WHEN jsonb_typeof(p.probabilities -> p.label) = 'number'
		   THEN least(greatest((p.probabilities -> p.label)::numeric, 0), 1)::float8 END, l.error = 0
	FROM augur._losses(v.model_id, v.id, since, until, NULL, NULL, NULL) l
	JOIN augur.predictions p ON p.id = l.prediction_id
	WHERE p.label IS NOT NULL
$$;
COMMENT ON FUNCTION augur._confidences(augur.versions, timestamptz, timestamptz) IS
'Internal. Logged predictions of a version: score, probability of the predicted class, and whether it was right.';

CREATE OR REPLACE FUNCTION augur._estimate(score float8[], confidence float8[], two boolean,
	OUT n bigint, OUT accuracy float8, OUT accuracy_error float8, OUT auc float8, OUT auc_error float8)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	WITH u AS (
		-- of two classes, the probability of the positive one: the predicted one's, or the rest
		SELECT s, c, CASE WHEN s >= 0.5 THEN c ELSE 1 - c END AS p FROM unnest(score, confidence) t (s, c)),
	g AS (
		SELECT u.s, sum(u.p) AS pos, sum(1 - u.p) AS neg FROM u WHERE two GROUP BY u.s),
	r AS (
		SELECT sum(g.pos) OVER () AS all_pos, sum(g.neg) OVER () AS all_neg,
			   g.neg * (sum(g.pos) OVER (ORDER BY g.s DESC) - g.pos / 2) AS won FROM g),
	a AS (
		SELECT sum(r.won) / nullif(max(r.all_pos) * max(r.all_neg), 0) AS auc, max(r.all_pos) AS m, max(r.all_neg) AS k FROM r)
	-- standard error of the accuracy: of so many draws of unequal chance; of the AUC: Hanley and McNeil 1982
	SELECT (SELECT count(*) FROM u), (SELECT avg(u.c) FROM u), (SELECT sqrt(sum(u.c * (1 - u.c))) / count(*) FROM u
			HAVING count(*) > 0), a.auc,
		   CASE WHEN a.m >= 1 AND a.k >= 1 THEN
			   sqrt(greatest(a.auc * (1 - a.auc) + (a.m - 1) * (a.auc / (2 - a.auc) - a.auc ^ 2)
					+ (a.k - 1) * (2 * a.auc ^ 2 / (1 + a.auc) - a.auc ^ 2), 0) / (a.m * a.k)) END
	FROM a
$$;
COMMENT ON FUNCTION augur._estimate(float8[], float8[], boolean) IS
'Internal. Accuracy and AUC to be expected when probabilities are right.';

-- confidences corrected by how often labelled ones were right, in ten bins of equal count
CREATE OR REPLACE FUNCTION augur._calibrate(confidence float8[], labelled float8[], hit boolean[]) RETURNS float8[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	WITH b AS (
		SELECT t.bin, min(t.c) AS low, avg(t.h::integer)::float8 AS share
		FROM (SELECT u.c, u.h, ntile(10) OVER (ORDER BY u.c) AS bin FROM unnest(labelled, hit) u (c, h)) t
		GROUP BY t.bin),
	-- equal confidences in several bins are one
	d AS (SELECT b.low, avg(b.share) AS share FROM b GROUP BY b.low)
	SELECT array_agg(coalesce((SELECT d.share FROM d WHERE d.low <= u.c ORDER BY d.low DESC LIMIT 1),
							  (SELECT d.share FROM d ORDER BY d.low LIMIT 1)) ORDER BY u.i)
	FROM unnest(confidence) WITH ORDINALITY u (c, i)
$$;
COMMENT ON FUNCTION augur._calibrate(float8[], float8[], boolean[]) IS
'Internal. Probabilities of predicted classes, corrected by logged predictions that have an actual value.';

CREATE OR REPLACE FUNCTION augur.estimated_performance(model text, relation regclass DEFAULT NULL,
	filter text DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
	calibrate boolean DEFAULT true) RETURNS SETOF augur.performance_estimate
LANGUAGE plpgsql STABLE ROWS 2
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	v			augur.versions := augur._referred_version(model);
	m			augur.models := augur._model_operated(v.model_id);
	pinned		text := m.name || '/' || v.version;
	two			boolean := cardinality(augur._class_names(v)) = 2;
	score		float8[];
	confidence	float8[];
	labelled	float8[];
	hit			boolean[];
	off			float8;
	e			record;
BEGIN
	IF m.task <> 'classification' THEN
		RAISE EXCEPTION USING ERRCODE = 'wrong_object_type',
			MESSAGE = format('model "%s" does regression and has no probabilities', m.name),
			HINT = 'Use augur.performance when actual values are known.';
	ELSIF relation IS NULL AND filter IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'filter goes with relation only',
			HINT = 'Logged predictions are chosen by since and until.';
	ELSIF relation IS NOT NULL AND (since IS NOT NULL OR until IS NOT NULL) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'since and until choose logged predictions, and do not go with relation',
			HINT = 'Use filter.';
	END IF;
	IF relation IS NULL THEN
		SELECT array_agg(c.score ORDER BY c.score, c.confidence), array_agg(c.confidence ORDER BY c.score, c.confidence)
		INTO score, confidence FROM augur._confidences(v, since, until) c;
	ELSE
		EXECUTE format('SELECT array_agg(p.value ORDER BY p.value, p.probability),'
			' array_agg(p.probability ORDER BY p.value, p.probability) FROM %s AS "augur row"'
			' CROSS JOIN LATERAL augur.predict_full(%L, "augur row") p%s', relation, pinned,
			coalesce(E' WHERE (' || filter || E'\n)', '')) INTO score, confidence;
	END IF;
	-- what is estimated must not correct itself
	SELECT array_agg(c.confidence ORDER BY c.confidence, c.hit), array_agg(c.hit ORDER BY c.confidence, c.hit)
	INTO labelled, hit
	FROM augur._confidences(v, NULL, since) c WHERE c.hit IS NOT NULL;
	IF cardinality(labelled) >= 100 THEN
		SELECT sum(abs(b.gap)) / cardinality(labelled) INTO off
		FROM (SELECT sum(u.c - u.h::integer) AS gap
			  FROM unnest(labelled, hit) u (c, h) GROUP BY least(floor(u.c * 10), 9)) b;
	END IF;
	calibrate := calibrate AND coalesce(cardinality(labelled) >= 200, false);
	IF calibrate THEN
		confidence := augur._calibrate(confidence, labelled, hit);
	END IF;
	SELECT * INTO e FROM augur._estimate(coalesce(score, '{}'), coalesce(confidence, '{}'), two);
	RETURN QUERY
	SELECT v.version, x.metric, x.estimate, x.lower, x.upper, e.n, b.value, off,
		   coalesce(cardinality(labelled), 0)::bigint, calibrate, 'estimate, blind to concept drift'
	FROM (SELECT 'accuracy', e.accuracy, greatest(e.accuracy - 1.959963984540054 * e.accuracy_error, 0),
				 least(e.accuracy + 1.959963984540054 * e.accuracy_error, 1)
		  UNION ALL
		  SELECT 'auc', e.auc, q.lower, q.upper
		  FROM (SELECT) o LEFT JOIN LATERAL augur._auc_interval(e.auc, e.auc_error) q ON true WHERE two)
		 x (metric, estimate, lower, upper)
	LEFT JOIN LATERAL augur._trained_metric(v, x.metric) b ON true;
END
$$;
COMMENT ON FUNCTION augur.estimated_performance(text, regclass, text, timestamptz, timestamptz, boolean) IS
'Accuracy and AUC of a classifier to be expected without actual values, from its own probabilities (confidence-based performance estimation): for the rows of a table or view, or for logged predictions of a time. It sees a shift of the rows towards what is hard, and is blind to concept drift: then the probabilities themselves are wrong. With 200 logged predictions that have an actual value (from before since), probabilities are corrected by them first, unless calibrate is false. Example: SELECT * FROM augur.estimated_performance(''churn'', ''customers'').';
