-- panel: one model over many series.
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SET datestyle = ISO;
SET intervalstyle = postgres;
SET search_path = public, augur;

CREATE TABLE sales (store text, item int, day date, units float8, promo float8, price float8);
INSERT INTO sales SELECT s, k, date '2024-01-01' + i, 10 * length(s) * k * (1 + (i % 7) * 0.2) * (1 + (i * 7919 % 13) * 0.01) * CASE WHEN (i + k) % 9 = 0 THEN 3 ELSE 1 END, ((i + k) % 9 = 0)::int, 5 - (i % 5) * 0.1
FROM unnest('{a,bb,ccc}'::text[]) s, generate_series(1, 2) k, generate_series(0, 99) i;

\set query '$$SELECT store, item, day, units, ARRAY[promo, price] FROM public.sales WHERE day < ''2024-04-01''$$'
\set few '\'{"n_trees": 300, "early_stopping_rounds": "none", "folds": 2, "levels": [0.8, 0.95]}\''
CREATE TABLE fits AS SELECT * FROM augur._panel_fit(:query, '{store,item}', 7, '{promo,price}', :few);
SELECT count(*), count(series), count(state), max(folds), (SELECT method FROM fits WHERE series IS NULL) FROM fits;
SELECT series, n, observed, first_ts, last_ts, step, season, method, fallback, warning, aicc, folds, tested,
	mase < naive_mase AS better, mase BETWEEN 0 AND 1 AS good, coverage BETWEEN 0.5 AND 1 AS covered
FROM fits WHERE series IS NOT NULL ORDER BY series::text;

-- promotions are known ahead, and matter
CREATE TABLE ahead AS SELECT jsonb_build_object('store', store, 'item', item) AS series, array_agg(day::timestamptz ORDER BY day) AS at, (SELECT array_agg(x ORDER BY day, o) FROM sales t, unnest(ARRAY[promo, price]) WITH ORDINALITY u(x, o) WHERE (t.store, t.item) = (s.store, s.item) AND day >= '2024-04-01') AS x
FROM sales s WHERE day >= '2024-04-01' GROUP BY store, item;
CREATE TABLE casts AS SELECT f.series, p.* FROM fits f JOIN ahead a USING (series), augur._panel_forecast((SELECT state FROM fits WHERE series IS NULL), f.state, 9, '{0.9,0.5}', a.at, a.x) p;
SELECT count(*), min(ts), max(ts), max(step), bool_and(lower <= forecast AND forecast <= upper) AS inside, min(level), max(level), min(method) FROM casts;
SELECT promo, count(*), sum(abs(c.forecast - s.units)) / sum(s.units) < CASE promo WHEN 1 THEN 0.4 ELSE 0.1 END AS close, min(c.forecast / s.units) > CASE promo WHEN 1 THEN 0.5 ELSE 0.8 END AS lifted
FROM casts c JOIN sales s ON (c.series, c.ts) = (jsonb_build_object('store', store, 'item', item), s.day::timestamptz) WHERE level = 0.9 GROUP BY promo ORDER BY promo;
-- levels and horizon of the training
SELECT count(*), max(p.step), min(p.level), max(p.level) FROM ahead a JOIN fits f USING (series), augur._panel_forecast((SELECT state FROM fits WHERE series IS NULL), f.state, NULL, NULL, a.at, a.x) p;
-- the same bytes for any order of rows
SELECT count(*), bool_and(a.state = b.state) AS same FROM fits a JOIN augur._panel_fit('SELECT store, item, day, units, ARRAY[promo, price] FROM public.sales WHERE day < ''2024-04-01'' ORDER BY units, day DESC OFFSET 0', '{store,item}', 7, '{promo,price}', :few) b ON a.series IS NOT DISTINCT FROM b.series;

-- odd series beside good ones: none stops the statement
INSERT INTO sales SELECT 'empty', 1, date '2024-01-01' + i, NULL, 0, 5 FROM generate_series(0, 20) i;
INSERT INTO sales SELECT 'zero', 1, date '2024-01-01' + i, 0, 0, 5 FROM generate_series(0, 60) i;
INSERT INTO sales VALUES ('two', 1, '2024-01-01', 5, 0, 5), ('two', 1, '2024-01-02', 6, 0, 5), ('huge', 1, '2024-01-01', 1e300, 0, 5), ('no time', 1, NULL, 5, 0, 5), (NULL, 1, '2024-01-01', 1, 0, NULL);
CREATE TABLE odd AS SELECT * FROM augur._panel_fit(:query, '{store,item}', 7, '{promo,price}', :few);
SELECT series, n, skipped, method, fallback, warning, state IS NOT NULL AS usable, folds FROM odd WHERE series ->> 'store' IS NULL OR series ->> 'store' NOT IN ('a', 'bb', 'ccc') ORDER BY series::text;
SELECT series ->> 'store' AS store, p.step, p.forecast IS NOT NULL AS known, p.method LIKE 'global%' AS global FROM odd, augur._panel_forecast((SELECT state FROM odd WHERE series IS NULL), state, 1, '{}', '{2024-01-22,2024-03-02,2024-01-03,2024-01-02,2024-04-01}', '{0,5,0,5,0,5,0,5,0,5}') p
WHERE series ->> 'store' IN ('zero', 'two') ORDER BY 1;

-- refusals
SELECT * FROM fits f, augur._panel_forecast((SELECT state FROM fits WHERE series IS NULL), f.state, 2, NULL) WHERE f.series ->> 'store' = 'a';
SELECT * FROM fits f, augur._panel_forecast((SELECT state FROM fits WHERE series IS NULL), f.state, 0, NULL) WHERE f.series ->> 'store' = 'a';
SELECT * FROM augur._panel_forecast('\x00', '\x00', 2, NULL);
SELECT * FROM augur._panel_forecast((SELECT state FROM fits WHERE series IS NULL), '\x00', 2, NULL);
SELECT count(*) FROM augur._panel_forecast(NULL, NULL, 2, NULL);
SELECT count(*) FROM augur._panel_fit(:query, '{store,item}', 7, '{promo,price}', '{"trees": 5}');
SELECT count(*) FROM augur._panel_fit(:query, '{store,item}', 7, '{promo,price}', '{"step": 5}');
SELECT count(*) FROM augur._panel_fit(:query, '{store,item}', 7, '{promo,price}', '{"loss": "poisson", "transform": "log"}');
SELECT count(*) FROM augur._panel_fit(:query, '{store,item}', 0, '{promo,price}', '{}');
SELECT count(*) FROM augur._panel_fit(:query, '{store}', 7, '{promo,price}', '{}');
SELECT count(*) FROM augur._panel_fit('SELECT day, units FROM public.sales WHERE false', '{}', 7, '{}', '{}');
SELECT count(*) FROM augur._panel_fit(:query, NULL, 7, '{promo,price}', '{}');

-- its options
SELECT count(*), count(help) FROM hyperparameters('global_boosting');

-- in the registry
SET augur.verbosity = 0;
CREATE VIEW known AS SELECT * FROM sales WHERE day < '2024-04-01' AND store IN ('a', 'bb', 'ccc');
CREATE VIEW planned AS SELECT store, item, day, promo, price FROM sales WHERE day >= '2024-04-01';
SELECT task, algorithm, rows_used, value < 1 AS good, promoted, warnings
FROM train_forecast('shops', 'known', 'day', 'units', series => '{store,item}', regressors => '{promo,price}', method => 'global_boosting', horizon => 7,
	params => '{"n_trees": 300, "early_stopping_rounds": "none", "folds": 2}');
SELECT count(*), count(DISTINCT series_key), min(ts::date), max(ts::date), count(DISTINCT level), min(method) FROM forecast('shops', future => 'planned');
SELECT sum(abs(f.forecast - s.units)) / sum(s.units) < 0.2 AS close FROM forecast('shops', future => 'planned', levels => '{}') f
JOIN sales s ON f.series_key = jsonb_build_object('store', s.store, 'item', s.item) AND s.day = f.ts::date;
SELECT forecast('shops');
SELECT version, promoted, warnings FROM refresh_forecast('shops');
SELECT series, method, folds, beats_naive FROM series_status WHERE model = 'shops' AND in_production ORDER BY series::text;
SELECT predict('shops', s) FROM sales s LIMIT 1;
