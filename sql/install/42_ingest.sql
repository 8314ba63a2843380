-- ingest: what a training would make of its rows, for diagnosis.

CREATE OR REPLACE FUNCTION augur._ingest_report(query text, target text, options jsonb DEFAULT '{}') RETURNS jsonb
	AS 'MODULE_PATHNAME', 'augur_ingest_report'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 100000;
COMMENT ON FUNCTION augur._ingest_report(text, text, jsonb) IS
'Internal. Tells what a training on the rows of a query would do, without training: task, features with their cuts or levels, columns left out and why, rows used, skipped and held out, and a digest that changes whenever a training would see other data. Runs the query as the caller. Options: task, weight, features, exclude, date_parts, max_bins, key, time_column, holdout. Example: SELECT jsonb_pretty(augur._ingest_report(''SELECT * FROM customers'', ''churned''));';
