-- profile: one pass over a column, in parallel; profiles of parts add up to that of the whole.

CREATE OR REPLACE FUNCTION augur._profile_take(internal, anyelement) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_profile_take'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._profile_take(internal, anyelement) IS
'Internal. Takes a value into the state of augur.profile.';

CREATE OR REPLACE FUNCTION augur._profile_take_profile(internal, augur.profile) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_profile_take_profile'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION augur._profile_take_profile(internal, augur.profile) IS
'Internal. Takes a profile into the state of augur.merge_profiles.';

CREATE OR REPLACE FUNCTION augur._profile_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_profile_combine'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION augur._profile_combine(internal, internal) IS
'Internal. Puts the states of two workers together.';

CREATE OR REPLACE FUNCTION augur._profile_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'augur_profile_serialize'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION augur._profile_serialize(internal) IS
'Internal. The state of a worker as bytes.';

CREATE OR REPLACE FUNCTION augur._profile_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_profile_deserialize'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION augur._profile_deserialize(bytea, internal) IS
'Internal. The state of a worker from bytes.';

CREATE OR REPLACE FUNCTION augur._profile_final(internal) RETURNS augur.profile
	AS 'MODULE_PATHNAME', 'augur_profile_final'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION augur._profile_final(internal) IS
'Internal. The profile that a state holds.';

CREATE OR REPLACE AGGREGATE augur.profile(value anyelement) (
	SFUNC = augur._profile_take,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = augur._profile_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = augur._profile_combine,
	SERIALFUNC = augur._profile_serialize,
	DESERIALFUNC = augur._profile_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.profile(anyelement) IS
'What a column of numbers, texts, booleans, dates or times holds, as a value of bounded size: counts, extremes, moments, quantiles or frequent labels. Null values are counted. Domains over text and types of extensions that are texts need a cast to text. Example: SELECT (augur.profile_info(augur.profile(amount))).* FROM sales';

-- The type of the same name would be taken for a cast of text, were there no aggregate of just
-- these types.
CREATE OR REPLACE AGGREGATE augur.profile(value text) (
	SFUNC = augur._profile_take,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = augur._profile_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = augur._profile_combine,
	SERIALFUNC = augur._profile_serialize,
	DESERIALFUNC = augur._profile_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.profile(text) IS
'The same for text: counts, distinct values and the most frequent ones.';

CREATE OR REPLACE AGGREGATE augur.profile(value varchar) (
	SFUNC = augur._profile_take,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = augur._profile_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = augur._profile_combine,
	SERIALFUNC = augur._profile_serialize,
	DESERIALFUNC = augur._profile_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.profile(varchar) IS
'The same for varchar: counts, distinct values and the most frequent ones.';

CREATE OR REPLACE AGGREGATE augur.profile(value bpchar) (
	SFUNC = augur._profile_take,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = augur._profile_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = augur._profile_combine,
	SERIALFUNC = augur._profile_serialize,
	DESERIALFUNC = augur._profile_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.profile(bpchar) IS
'The same for bpchar: counts, distinct values and the most frequent ones.';

CREATE OR REPLACE AGGREGATE augur.profile(value name) (
	SFUNC = augur._profile_take,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = augur._profile_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = augur._profile_combine,
	SERIALFUNC = augur._profile_serialize,
	DESERIALFUNC = augur._profile_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.profile(name) IS
'The same for name: counts, distinct values and the most frequent ones.';

CREATE OR REPLACE AGGREGATE augur.profile(value "char") (
	SFUNC = augur._profile_take,
	STYPE = internal,
	SSPACE = 32768,
	FINALFUNC = augur._profile_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = augur._profile_combine,
	SERIALFUNC = augur._profile_serialize,
	DESERIALFUNC = augur._profile_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.profile("char") IS
'The same for "char": counts, distinct values and the most frequent ones.';

CREATE OR REPLACE AGGREGATE augur.merge_profiles(profile augur.profile) (
	SFUNC = augur._profile_take_profile,
	STYPE = internal,
	SSPACE = 65536,
	FINALFUNC = augur._profile_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = augur._profile_combine,
	SERIALFUNC = augur._profile_serialize,
	DESERIALFUNC = augur._profile_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE augur.merge_profiles(augur.profile) IS
'The profile of all rows that the profiles of parts are of, such as that of a month from those of its days. Null values are left out.';

CREATE OR REPLACE FUNCTION augur.profile_info(profile augur.profile) RETURNS augur.profile_summary
	AS 'MODULE_PATHNAME', 'augur_profile_info'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION augur.profile_info(augur.profile) IS
'Counts, extremes and moments of a profile.';

CREATE OR REPLACE FUNCTION augur.profile_quantiles(profile augur.profile, shares float8[])
	RETURNS float8[]
	AS 'MODULE_PATHNAME', 'augur_profile_quantiles'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION augur.profile_quantiles(augur.profile, float8[]) IS
'For each share the number that at least so many of the values do not exceed. Exact up to 2,048 values; above, the share is wrong by at most 0.2 % of all, from 131,072 values on by at most 0.6 %, with 99 % probability. Dates are days since 2000-01-01.';

CREATE OR REPLACE FUNCTION augur.profile_quantile(profile augur.profile, share float8)
	RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$ SELECT (augur.profile_quantiles(profile, ARRAY[share]))[1] $$;
COMMENT ON FUNCTION augur.profile_quantile(augur.profile, float8) IS
'The same for one share: 0.5 is the median.';

CREATE OR REPLACE FUNCTION augur.profile_rank(profile augur.profile, value float8) RETURNS float8
	AS 'MODULE_PATHNAME', 'augur_profile_rank'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION augur.profile_rank(augur.profile, float8) IS
'Share of the values that are at most that large.';

CREATE OR REPLACE FUNCTION augur.profile_labels(profile augur.profile, top integer DEFAULT 10)
	RETURNS TABLE (label text, count bigint, share float8)
	AS 'MODULE_PATHNAME', 'augur_profile_labels'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 ROWS 10;
COMMENT ON FUNCTION augur.profile_labels(augur.profile, integer) IS
'The most frequent labels of a profile of text or booleans, with their counts. Labels of more than 100 bytes are cut, but told apart.';

CREATE OR REPLACE FUNCTION augur.profile_difference(reference augur.profile,
	current augur.profile) RETURNS augur.profile_distance
	AS 'MODULE_PATHNAME', 'augur_profile_difference'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION augur.profile_difference(augur.profile, augur.profile) IS
'How the values of one profile differ from those of another: distances, tests, and shares of missing, unseen and out-of-range values. augur.drift makes verdicts of them.';

CREATE OR REPLACE FUNCTION augur.profile_histogram(profile augur.profile, bins integer DEFAULT 10)
	RETURNS TABLE (bin integer, low float8, high float8, share float8, bar text)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	s			augur.profile_summary := augur.profile_info(profile);
	step		float8;
	before		float8 := 0;
	most		float8;
	shares		float8[];
BEGIN
	IF bins < 1 OR bins > 1000 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'bins must be between 1 and 1000';
	ELSIF s.kind IN ('text', 'boolean') THEN
		RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch',
			MESSAGE = format('a profile of a %s has no histogram', s.kind),
			HINT = 'augur.profile_labels tells its most frequent values.';
	END IF;
	IF s.n = 0 THEN
		RETURN;
	END IF;
	step := (s.high - s.low) / bins;
	shares := ARRAY(SELECT augur.profile_rank(profile,
			CASE WHEN i = bins THEN s.high ELSE s.low + i * step END)
		FROM generate_series(1, bins) i ORDER BY i);
	SELECT max(a.share - coalesce(b.share, 0)) INTO most
	FROM unnest(shares) WITH ORDINALITY a (share, i)
	LEFT JOIN unnest(shares) WITH ORDINALITY b (share, i) ON b.i = a.i - 1;
	FOR i IN 1 .. bins LOOP
		bin := i;
		low := s.low + (i - 1) * step;
		high := CASE WHEN i = bins THEN s.high ELSE s.low + i * step END;
		share := shares[i] - before;
		before := shares[i];
		bar := repeat('#', round(40 * share / nullif(most, 0))::integer);
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION augur.profile_histogram(augur.profile, integer) IS
'Shares of the values in bins of equal width, the right end included, with a bar to look at in psql.';

CREATE OR REPLACE FUNCTION augur.profile_json(profile augur.profile) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	s			augur.profile_summary := augur.profile_info(profile);
	told		jsonb := jsonb_strip_nulls(to_jsonb(s));
	shares		float8[] := '{0.01,0.05,0.25,0.5,0.75,0.95,0.99}';
BEGIN
	-- statements of their own: a server may compute what depends on no row before CASE decides
	IF s.kind IN ('text', 'boolean') THEN
		RETURN told || jsonb_build_object('top', (SELECT coalesce(jsonb_agg(jsonb_build_object(
				'label', l.label, 'count', l.count)), '[]')
			FROM augur.profile_labels(profile, 10) l));
	ELSIF s.n > 0 THEN
		RETURN told || jsonb_build_object('quantiles', (SELECT jsonb_object_agg(q.share, q.value)
			FROM unnest(shares, augur.profile_quantiles(profile, shares)) q (share, value)));
	END IF;
	RETURN told;
END
$$;
COMMENT ON FUNCTION augur.profile_json(augur.profile) IS
'What a profile knows as one JSON object, with some quantiles or the ten most frequent labels.';
