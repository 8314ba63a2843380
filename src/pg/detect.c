/*-------------------------------------------------------------------------
 *
 * detect.c
 *		Detectors of change in SQL: the type augur.detector, aggregates that read values in
 *		their order, and functions that read on from a state that was kept.
 *
 * A value of augur.detector is the core's bytes of a state (docs/format.md).  Whatever
 * comes from outside is read completely before it is accepted; there is no other way to
 * make one.  An aggregate holds a detector opened, so that a row costs what the core takes
 * for a number, and stores it once at the end.
 *
 * Memory: a detector lies in the context of the aggregate or of the call.
 * Interrupts: the core's.
 *
 *-------------------------------------------------------------------------
 */
#include "options.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

AUGUR_FUNCTION(augur_detect_in);
AUGUR_FUNCTION(augur_detect_out);
AUGUR_FUNCTION(augur_detect_recv);
AUGUR_FUNCTION(augur_detect_send);
AUGUR_FUNCTION(augur_detect_new);
AUGUR_FUNCTION(augur_detect_update);
AUGUR_FUNCTION(augur_detect_info);
AUGUR_FUNCTION(augur_detect_list);
AUGUR_FUNCTION(augur_detect_adwin);
AUGUR_FUNCTION(augur_detect_page_hinkley);
AUGUR_FUNCTION(augur_detect_ddm);
AUGUR_FUNCTION(augur_detect_eddm);
AUGUR_FUNCTION(augur_detect_kswin);
AUGUR_FUNCTION(augur_detect_final);

#define DETECTION_COLUMNS 11

/* An opened detector and what it lives in. */
typedef struct DetectState
{
	MemoryContext context;
	AugurHost host;
	AugDetector *detector;
	Jsonb *given; /* options of the aggregate's first row, or NULL */
} DetectState;

/* Not in a context of its own: the server counts those at each new group of a hash table. */
static DetectState *
begin_state(MemoryContext context)
{
	DetectState *state = MemoryContextAllocZero(context, sizeof(DetectState));

	state->context = context;
	augur_host_init(&state->host, context);
	return state;
}

/* ---- states and values ---------------------------------------------------------- */

/* The detector in argument arg, opened in a state that is freed with the call. */
static DetectState *
state_argument(FunctionCallInfo fcinfo, int arg)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(arg));
	DetectState *state = begin_state(CurrentMemoryContext);
	AugError err;

	augur_check(aug_detector_read(&state->host.host, (const uint8_t *) VARDATA_ANY(value),
								  VARSIZE_ANY_EXHDR(value), &state->detector, &err),
				&err);
	return state;
}

/* The state of a detector as a value, in CurrentMemoryContext. */
static struct varlena *
state_value(const DetectState *state)
{
	uint8_t *bytes;
	size_t length;
	AugError err;
	struct varlena *value;

	augur_check(aug_detector_store(state->detector, &bytes, &length, &err), &err);
	value = augur_stored_value("augur.detector", bytes, length);
	state->host.host.release(state->host.host.arg, bytes);
	return value;
}

/* ---- the type --------------------------------------------------------------------- */

static AugStatus
check_detector(AugurHost *host, const uint8_t *bytes, Size length, AugError *err)
{
	AugDetector *detector;

	return aug_detector_read(&host->host, bytes, length, &detector, err);
}

/*
 * augur.detector_in(cstring)
 */
Datum
augur_detect_in(PG_FUNCTION_ARGS)
{
	return augur_stored_in(fcinfo, "augur.detector", check_detector);
}

/*
 * augur.detector_out(augur.detector)
 */
Datum
augur_detect_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(
		augur_hex_write(PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0)), "detector state"));
}

/*
 * augur.detector_recv(internal): the bytes themselves are the binary form.
 */
Datum
augur_detect_recv(PG_FUNCTION_ARGS)
{
	return augur_stored_recv(fcinfo, "augur.detector", check_detector);
}

/*
 * augur.detector_send(augur.detector)
 */
Datum
augur_detect_send(PG_FUNCTION_ARGS)
{
	return augur_stored_send(fcinfo);
}

/* ---- options ------------------------------------------------------------------------ */

/* ERROR that lists the detectors and names the nearest. */
static const AugAlgorithm *
detector_named(const char *name)
{
	const AugAlgorithm *about = aug_detector_find(name);
	const char *names[16];
	uint32 n = 0;
	const char *nearest;

	if (about != NULL)
		return about;
	for (; n < aug_detector_count() && n < lengthof(names); n++)
		names[n] = aug_detector_at(n)->name;
	nearest = aug_nearest(name, names, n);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown detector \"%s\"", name),
			 nearest != NULL ? errhint("Perhaps you meant \"%s\".", nearest)
							 : errhint("SELECT * FROM augur.detectors lists them.")));
}

/* Hands each key of the object to the detector's options. */
static void
read_options(AugParams *params, const AugAlgorithm *about, Jsonb *object)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue v;

	if (!JB_ROOT_IS_OBJECT(object))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("options must be a JSON object")));
	it = JsonbIteratorInit(&object->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		char *key;
		uint32 i = 0;

		if (token != WJB_KEY)
			continue;
		key = pnstrdup(v.val.string.val, v.val.string.len);
		(void) JsonbIteratorNext(&it, &v, true);
		while (i < about->n_params && strcmp(about->params[i].name, key) != 0)
			i++;
		if (i == about->n_params)
		{
			const char **names = palloc_array(const char *, about->n_params);

			for (uint32 j = 0; j < about->n_params; j++)
				names[j] = about->params[j].name;
			augur_option_unknown(key, names, about->n_params);
		}
		augur_option_param(params, key, &v);
	}
}

/* A detector that has read nothing. */
static DetectState *
new_state(MemoryContext parent, const AugAlgorithm *about, Jsonb *options)
{
	DetectState *state = begin_state(parent);
	MemoryContext old = MemoryContextSwitchTo(state->context);
	AugParams *params;
	AugError err;

	augur_check(aug_params_new(&state->host.host, about, &params, &err), &err);
	if (options != NULL)
	{
		state->given = palloc(VARSIZE(options)); /* bounded: it is a value */
		memcpy(state->given, options, VARSIZE(options));
		read_options(params, about, state->given);
	}
	augur_check(aug_detector_new(&state->host.host, about, params, &state->detector, &err), &err);
	aug_params_free(params);
	MemoryContextSwitchTo(old);
	return state;
}

/*
 * augur.new_detector(method text, options jsonb)
 */
Datum
augur_detect_new(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));

	PG_RETURN_POINTER(
		state_value(new_state(CurrentMemoryContext, detector_named(name), PG_GETARG_JSONB_P(1))));
}

/* ---- what is told --------------------------------------------------------------------- */

static Datum
positions(const AugDetectorInfo *info)
{
	Datum *elements = palloc_array(Datum, Max(info->n_kept, 1));

	for (uint32 i = 0; i < info->n_kept; i++)
		elements[i] = Int64GetDatum((int64) info->change[i]);
	return PointerGetDatum(construct_array(elements, (int) info->n_kept, INT8OID, sizeof(int64),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* The row of type augur.detection. */
static Datum
detection(FunctionCallInfo fcinfo, const DetectState *state)
{
	AugDetectorInfo info;
	TupleDesc desc;
	Datum values[DETECTION_COLUMNS];
	bool nulls[DETECTION_COLUMNS] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE ||
		desc->natts != DETECTION_COLUMNS)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("type augur.detection does not have the columns this library fills"),
						errhint("Run ALTER EXTENSION augur UPDATE.")));
	aug_detector_info(state->detector, &info);
	values[0] = CStringGetTextDatum(info.about->name);
	values[1] = Int64GetDatum((int64) info.n);
	values[2] = BoolGetDatum(info.n_changes > 0);
	values[3] = Int64GetDatum((int64) info.n_changes);
	values[4] = positions(&info);
	values[5] = Int64GetDatum((int64) info.first_change);
	values[6] = Int64GetDatum((int64) info.last_change);
	nulls[5] = nulls[6] = info.n_changes == 0;
	values[7] = BoolGetDatum(info.warning_since > 0);
	values[8] = Float8GetDatum(info.mean);
	nulls[8] = isnan(info.mean);
	values[9] = Int64GetDatum((int64) info.width);
	values[10] = PointerGetDatum(state_value(state));
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

/*
 * augur.detector_info(augur.detector)
 */
Datum
augur_detect_info(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(detection(fcinfo, state_argument(fcinfo, 0)));
}

/*
 * augur.detector_update(augur.detector, float8[]): NULL elements are left out.
 */
Datum
augur_detect_update(PG_FUNCTION_ARGS)
{
	DetectState *state = state_argument(fcinfo, 0);
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(1);
	int n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)), n_present = 0;
	const bits8 *present = ARR_NULLBITMAP(array);
	const double *values = (const double *) ARR_DATA_PTR(array);
	AugError err;

	/* only what is there has a place in the data of an array */
	for (int i = 0; i < n; i++)
		n_present += present == NULL || (present[i >> 3] & (1 << (i & 7))) ? 1 : 0;
	augur_check(aug_detector_update(state->detector, values, (size_t) n_present, &err), &err);
	PG_RETURN_POINTER(state_value(state));
}

/*
 * augur._detectors(): one row for each.
 */
Datum
augur_detect_list(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (uint32 i = 0; i < aug_detector_count(); i++)
	{
		const AugAlgorithm *about = aug_detector_at(i);
		Datum values[4];
		bool nulls[4] = {0};

		values[0] = CStringGetTextDatum(about->name);
		values[1] = CStringGetTextDatum(about->title);
		values[2] = CStringGetTextDatum(aug_detector_binary(about) ? "0 and 1" : "numbers");
		values[3] = CStringGetTextDatum(about->help);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* ---- aggregates -------------------------------------------------------------------------- */

/* The options are those of the first row; others are a misuse. */
static void
check_options(const DetectState *state, FunctionCallInfo fcinfo)
{
	Jsonb *now;

	if (state->given == NULL)
		return;
	now = PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2);
	if (now == NULL || VARSIZE(now) != VARSIZE(state->given) ||
		memcmp(now, state->given, VARSIZE(now)) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("options differ between the rows of one group"),
						errhint("Give the options as a constant.")));
}

/*
 * What all transition functions do: (internal, float8 [, jsonb]).  NULL is left out.
 */
static Datum
take(FunctionCallInfo fcinfo, const char *name)
{
	MemoryContext aggregate;
	DetectState *state = PG_ARGISNULL(0) ? NULL : (DetectState *) PG_GETARG_POINTER(0);
	double value;
	AugError err;

	if (!AggCheckCallContext(fcinfo, &aggregate))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("augur._%s_take must be called as an aggregate", name)));
	if (state != NULL)
		check_options(state, fcinfo);
	if (PG_ARGISNULL(1))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	if (state == NULL)
	{
		if (PG_NARGS() > 2 && PG_ARGISNULL(2))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("options must not be null")));
		state = new_state(aggregate, detector_named(name),
						  PG_NARGS() > 2 ? PG_GETARG_JSONB_P(2) : NULL);
	}
	value = PG_GETARG_FLOAT8(1);
	augur_check(aug_detector_update(state->detector, &value, 1, &err), &err);
	PG_RETURN_POINTER(state);
}

/*
 * augur._adwin_take(internal, float8 [, jsonb])
 */
Datum
augur_detect_adwin(PG_FUNCTION_ARGS)
{
	return take(fcinfo, "adwin");
}

/*
 * augur._page_hinkley_take(internal, float8 [, jsonb])
 */
Datum
augur_detect_page_hinkley(PG_FUNCTION_ARGS)
{
	return take(fcinfo, "page_hinkley");
}

/*
 * augur._ddm_take(internal, float8 [, jsonb])
 */
Datum
augur_detect_ddm(PG_FUNCTION_ARGS)
{
	return take(fcinfo, "ddm");
}

/*
 * augur._eddm_take(internal, float8 [, jsonb])
 */
Datum
augur_detect_eddm(PG_FUNCTION_ARGS)
{
	return take(fcinfo, "eddm");
}

/*
 * augur._kswin_take(internal, float8 [, jsonb])
 */
Datum
augur_detect_kswin(PG_FUNCTION_ARGS)
{
	return take(fcinfo, "kswin");
}

/*
 * augur._detect_final(internal): augur.detection; NULL for no values at all.
 */
Datum
augur_detect_final(PG_FUNCTION_ARGS)
{
	if (!AggCheckCallContext(fcinfo, NULL))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("this function must be called as the end of an aggregate")));
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(detection(fcinfo, (DetectState *) PG_GETARG_POINTER(0)));
}
