-- load: files into tables, bad rows into quarantine.

CREATE OR REPLACE FUNCTION augur.load_csv(relation regclass, file text DEFAULT NULL,
	content text DEFAULT NULL, staging regclass DEFAULT NULL, columns name[] DEFAULT NULL,
	on_unknown text DEFAULT 'error', max_bad_rows bigint DEFAULT NULL,
	max_bad_share float8 DEFAULT 0.1, source text DEFAULT NULL, encoding text DEFAULT NULL,
	delimiter text DEFAULT ',', quote text DEFAULT '"', escape text DEFAULT NULL,
	header boolean DEFAULT true, null_text text DEFAULT '') RETURNS augur.load_result
AS 'MODULE_PATHNAME', 'augur_load_csv'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION augur.load_csv(regclass, text, text, regclass, name[], text, bigint, float8, text,
	text, text, text, text, boolean, text) IS
'Loads CSV into a table: from a file of the server (needs pg_read_server_files), a text, or a staging table of lines that \copy filled. Bad rows go to augur.quarantine, the rest is loaded; more of them than max_bad_rows or max_bad_share stop the load. The same data is loaded into a table once.';

CREATE OR REPLACE FUNCTION augur.load_json(relation regclass, file text DEFAULT NULL,
	content text DEFAULT NULL, staging regclass DEFAULT NULL, columns name[] DEFAULT NULL,
	on_unknown text DEFAULT 'report', max_bad_rows bigint DEFAULT NULL,
	max_bad_share float8 DEFAULT 0.1, source text DEFAULT NULL, encoding text DEFAULT NULL,
	paths jsonb DEFAULT '{}', on_missing text DEFAULT 'report', on_coerce text DEFAULT 'report')
	RETURNS augur.load_result
AS 'MODULE_PATHNAME', 'augur_load_json'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION augur.load_json(regclass, text, text, regclass, name[], text, bigint, float8, text,
	text, jsonb, text, text) IS
'Loads JSON objects into a table: one array of them, or one a line, from what augur.load_csv reads. paths says where nested values are, as {"amount": "$.payment.amount"}. Unknown keys, missing keys and values of another JSON type are counted in warnings (report), refused (error) or passed over (ignore).';

CREATE OR REPLACE FUNCTION augur.forget_batch(batch bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	UPDATE augur.load_batches b SET status = 'forgotten'
	WHERE b.id = batch AND b.status = 'loaded';
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('batch %s does not exist, or is forgotten already', batch),
			HINT = 'Batches are listed in augur.load_batches; only members of their owner can forget them.';
	END IF;
END
$$;
COMMENT ON FUNCTION augur.forget_batch(bigint) IS
'Lets the data of a batch be loaded again, as after its rows were deleted from the table. The rows themselves are left alone.';

CREATE OR REPLACE FUNCTION augur._guard_load_batch() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF OLD.ended_at IS NOT NULL
	   AND (OLD.status <> 'loaded' OR NEW.status <> 'forgotten'
			OR to_jsonb(OLD) - 'status' IS DISTINCT FROM to_jsonb(NEW) - 'status')
	THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('batch %s has ended and cannot be changed', OLD.id),
			HINT = 'augur.forget_batch lets its data be loaded again.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION augur._guard_load_batch() IS
'Internal. Keeps what a load wrote about itself as it is.';

CREATE OR REPLACE TRIGGER guard BEFORE UPDATE ON augur.load_batches
	FOR EACH ROW EXECUTE FUNCTION augur._guard_load_batch();
