-- Detectors of change: aggregates, states, refusals.
-- The streams: errors at a rate of one in ten, then of four in ten; no chance in them.
CREATE TABLE stream AS
SELECT i AS at, CASE WHEN i <= 2000 THEN i * 7919 % 10 < 1 ELSE i * 7919 % 10 < 4 END::int AS wrong,
	   CASE WHEN i <= 2000 THEN 100 ELSE 130 END + (i * 7919 % 101 - 50) AS loss
FROM generate_series(1, 4000) i;

SELECT detector, title, reads FROM augur.detectors;
SELECT name, default_value FROM augur.hyperparameters('adwin');
SELECT for_algorithm, count(*) FROM augur.hyperparameters() WHERE for_algorithm IN (SELECT detector FROM augur.detectors)
GROUP BY for_algorithm ORDER BY 1;

-- each finds the change, and where
SELECT (d).detector, (d).n, (d).detected, (d).n_changes, (d).changes, (d).first_change, (d).last_change, (d).warning,
	   round((d).mean::numeric, 3) AS mean, (d).width
FROM (SELECT augur.adwin(wrong ORDER BY at) AS d FROM stream UNION ALL
	  SELECT augur.page_hinkley(wrong ORDER BY at) FROM stream UNION ALL
	  SELECT augur.ddm(wrong ORDER BY at) FROM stream UNION ALL
	  SELECT augur.eddm(wrong ORDER BY at) FROM stream UNION ALL
	  SELECT augur.kswin(wrong ORDER BY at) FROM stream) s ORDER BY 1;
SELECT (d).detector, (d).changes, round((d).mean::numeric, 1) AS mean
FROM (SELECT augur.adwin(loss, '{"standardize": true}' ORDER BY at) AS d FROM stream UNION ALL
	  SELECT augur.page_hinkley(loss ORDER BY at) FROM stream UNION ALL
	  SELECT augur.page_hinkley(loss, '{"mode": "down"}' ORDER BY at) FROM stream UNION ALL
	  SELECT augur.kswin(loss, '{"alpha": 1e-9, "seed": 7}' ORDER BY at) FROM stream) s ORDER BY 1, 2;
-- the order is what counts
SELECT (augur.adwin(wrong ORDER BY at)).changes, (augur.adwin(wrong ORDER BY at DESC)).changes FROM stream;
-- groups, and a window: what is known at each row
SELECT at / 2001 AS half, (augur.adwin(wrong ORDER BY at)).detected FROM stream GROUP BY 1 ORDER BY 1;
SELECT min(at) FROM (SELECT at, (augur.adwin(wrong) OVER (ORDER BY at)).detected FROM stream) s WHERE detected;
-- no values
SELECT augur.adwin(wrong) IS NULL AS none FROM stream WHERE false;
SELECT augur.adwin(NULL::float8) IS NULL AS none FROM stream;
SELECT (augur.adwin(CASE WHEN at % 2 = 0 THEN wrong END ORDER BY at)).n FROM stream;

-- a state is kept and read on: once an hour or once a day, the same bits
CREATE TABLE kept (detector text PRIMARY KEY, state augur.detector);
INSERT INTO kept SELECT detector, augur.new_detector(detector) FROM augur.detectors;
SELECT detector, (augur.detector_info(state)).n, (augur.detector_info(state)).detected,
	   (augur.detector_info(state)).first_change, (augur.detector_info(state)).mean
FROM kept ORDER BY 1;
DO $$
DECLARE
	r			record;
BEGIN
	FOR r IN SELECT array_agg(wrong ORDER BY at)::float8[] AS part FROM stream GROUP BY (at - 1) / 77 ORDER BY (at - 1) / 77 LOOP
		UPDATE kept SET state = augur.detector_update(state, r.part);
	END LOOP;
END
$$;
SELECT k.detector, k.state::text = (d).state::text AS same
FROM kept k JOIN (SELECT augur.adwin(wrong ORDER BY at) AS d FROM stream UNION ALL
	  SELECT augur.page_hinkley(wrong ORDER BY at) FROM stream UNION ALL
	  SELECT augur.ddm(wrong ORDER BY at) FROM stream UNION ALL
	  SELECT augur.eddm(wrong ORDER BY at) FROM stream UNION ALL
	  SELECT augur.kswin(wrong ORDER BY at) FROM stream) s ON (d).detector = k.detector
ORDER BY 1;
SELECT (augur.detector_info(augur.detector_update(augur.new_detector('ddm'), '{0,NULL,1,1}'))).n,
	   (augur.detector_info(augur.detector_update(augur.new_detector('ddm'), '{{0,1},{1,NULL}}'))).mean,
	   (augur.detector_info(augur.detector_update(augur.new_detector('ddm'), '{}'))).n AS none;
-- text and binary, there and back
CREATE TABLE copied (LIKE kept);
INSERT INTO copied SELECT detector, state::text::augur.detector FROM kept;
SELECT bool_and(k.state::text = c.state::text) FROM kept k JOIN copied c USING (detector);
SELECT encode(augur.detector_send(augur.new_detector('ddm')), 'hex') = substr(augur.new_detector('ddm')::text, 3) AS same;

-- refusals
\set VERBOSITY default
SELECT augur.adwin(x) FROM (VALUES (1::float8), ('NaN')) v (x);
SELECT augur.page_hinkley('Infinity'::float8);
SELECT augur.ddm(x) FROM (VALUES (0::float8), (1), (0.5)) v (x);
SELECT augur.eddm(-1);
SELECT augur.adwin(1, '{"detla": 0.1}');
SELECT augur.adwin(1, '{"delta": 0}');
SELECT augur.adwin(1, '{"clock": "often"}');
SELECT augur.adwin(1, '[]');
SELECT augur.adwin(1, NULL);
SELECT augur.adwin(at, jsonb_build_object('clock', at)) FROM stream;
SELECT augur.kswin(1, '{"window_size": 100, "stat_size": 51}');
SELECT augur.eddm(1, '{"alpha": 0.8}');
SELECT augur.ddm(1, '{"warning_threshold": 4}');
SELECT augur.new_detector('adwim');
SELECT augur.new_detector('x', '{}');
-- a value is quoted as far as there is room, and whole characters of it
SELECT augur.new_detector('page_hinkley', jsonb_build_object('mode', 'x' || repeat('é', 60)));
SELECT augur.detector_update(augur.new_detector('ddm'), '{0,1,2}');
SELECT augur.detector_update(augur.new_detector('adwin'), '{0,1,NaN}');
SELECT 'x'::augur.detector;
SELECT '\x0'::augur.detector;
SELECT '\xzz'::augur.detector;
SELECT '\x'::augur.detector;
SELECT (left(augur.new_detector('ddm')::text, -2) || '00')::augur.detector;
