/*-------------------------------------------------------------------------
 *
 * profile_agg.c
 *		The aggregates augur.profile(value) and augur.merge_profiles(profile).
 *
 * Numbers are collected in a buffer, which the core takes at once; what a row costs is mostly
 * the call.  States of workers are put together by the core's merge, by way of the stored form.
 *
 * Memory: a state lies in the aggregate's context, not in one of its own: the server counts
 * those at each new group of a hash table, which takes minutes when there are 100,000.
 *
 *-------------------------------------------------------------------------
 */
#include "profile.h"

#include <math.h>

#include "utils/builtins.h"
#include "utils/regproc.h"

AUGUR_FUNCTION(augur_profile_take);
AUGUR_FUNCTION(augur_profile_take_profile);
AUGUR_FUNCTION(augur_profile_combine);
AUGUR_FUNCTION(augur_profile_serialize);
AUGUR_FUNCTION(augur_profile_deserialize);
AUGUR_FUNCTION(augur_profile_final);

#define BUFFER 128

typedef struct ProfileState
{
	MemoryContext context;
	AugurHost host;
	AugProfile *profile; /* NULL: of no profile yet */
	AugurProfileTag tag;
	AugurSource source; /* of rows, unless the state came from a worker */
	uint64 nulls;
	uint64 truth[2]; /* booleans */
	uint32 n;
	double buffer[BUFFER];
} ProfileState;

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("%s is a part of an aggregate and cannot be called by itself",
							   format_procedure(fcinfo->flinfo->fn_oid)),
						errhint("Use augur.profile or augur.merge_profiles.")));
	return context;
}

static ProfileState *
new_state(MemoryContext context)
{
	ProfileState *state = MemoryContextAlloc(context, sizeof(ProfileState));

	memset(state, 0, offsetof(ProfileState, buffer));
	state->context = context;
	augur_host_init(&state->host, context);
	return state;
}

/* What was collected goes into the profile. */
static void
flush(ProfileState *state)
{
	static const char *const word[2] = {"false", "true"};
	AugError err;

	if (state->n > 0)
		augur_check(aug_profile_add(state->profile, state->buffer, state->n, &err), &err);
	state->n = 0;
	for (int i = 0; i < 2; i++)
		if (state->truth[i] > 0)
			augur_check(aug_profile_add_label(state->profile, word[i], strlen(word[i]),
											  state->truth[i], &err),
						&err);
	state->truth[0] = state->truth[1] = 0;
	if (state->nulls > 0)
		augur_check(aug_profile_add_nulls(state->profile, state->nulls, &err), &err);
	state->nulls = 0;
}

static ProfileState *
open_rows(FunctionCallInfo fcinfo)
{
	ProfileState *state = new_state(aggregate_context(fcinfo));
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, 1);

	if (!OidIsValid(type))
		ereport(ERROR, (errcode(ERRCODE_INDETERMINATE_DATATYPE),
						errmsg("could not determine the type of the values to profile")));
	if (!augur_source_init(&state->source, type, state->context) ||
		!augur_profile_tag(state->source.cls, &state->tag))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("values of type %s cannot be profiled", format_type_be(type)),
						errhint("Cast them to text, or profile their parts.")));
	state->profile = augur_profile_new(&state->host, state->tag);
	return state;
}

static void
take_label(ProfileState *state, Datum value)
{
	int length;
	const char *bytes = augur_source_text(&state->source, value, &length);
	AugError err;

	augur_check(aug_profile_add_label(state->profile, bytes, (size_t) length, 1, &err), &err);
}

static double
number_of(const ProfileState *state, Datum value)
{
	switch (state->source.cls)
	{
		case AUGUR_CLASS_INT4:
			return DatumGetInt32(value);
		case AUGUR_CLASS_DATE:
		case AUGUR_CLASS_TIMESTAMP:
			return augur_source_number(&state->source, value, AUGUR_PART_AGE_DAYS, 0);
		default:
			return augur_source_number(&state->source, value, AUGUR_PART_VALUE, 0);
	}
}

/*
 * augur._profile_take(internal, anyelement)
 */
Datum
augur_profile_take(PG_FUNCTION_ARGS)
{
	ProfileState *state = PG_ARGISNULL(0) ? open_rows(fcinfo)
										  : (ProfileState *) PG_GETARG_POINTER(0);

	if (PG_ARGISNULL(1))
		state->nulls++;
	else if (likely(state->source.cls == AUGUR_CLASS_FLOAT8))
	{
		state->buffer[state->n++] = PG_GETARG_FLOAT8(1);
		if (state->n == BUFFER)
			flush(state);
	}
	else if (state->tag == AUGUR_PROFILE_TEXT)
		take_label(state, PG_GETARG_DATUM(1));
	else if (state->tag == AUGUR_PROFILE_BOOLEAN)
		state->truth[PG_GETARG_BOOL(1) ? 1 : 0]++;
	else
	{
		state->buffer[state->n++] = number_of(state, PG_GETARG_DATUM(1));
		if (state->n == BUFFER)
			flush(state);
	}
	PG_RETURN_POINTER(state);
}

/* Adds what another profile has, into a state that may be new. */
static void
add_profile(ProfileState *state, AugProfile *other, uint32 tag)
{
	AugError err;

	if (state->profile == NULL)
	{
		state->tag = (AugurProfileTag) tag;
		state->profile = augur_profile_new(&state->host, state->tag);
	}
	else if (state->tag != tag)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("profiles of different types cannot be merged"),
						errhint("Group them by column.")));
	augur_check(aug_profile_merge(state->profile, other, &err), &err);
}

/* Decodes bytes into a host's context. */
static AugProfile *
decode(AugurHost *host, const struct varlena *value, uint32 *tag)
{
	AugProfile *profile;
	AugProfileInfo info;
	AugError err;

	augur_check(augur_profile_decode(host, (const uint8_t *) VARDATA_ANY(value),
									 VARSIZE_ANY_EXHDR(value), &profile, &err),
				&err);
	augur_check(aug_profile_info(profile, &info, &err), &err);
	*tag = info.tag;
	return profile;
}

/*
 * augur._profile_take(internal, augur.profile): NULL is left out.
 */
Datum
augur_profile_take_profile(PG_FUNCTION_ARGS)
{
	MemoryContext aggregate = aggregate_context(fcinfo);
	ProfileState *state = PG_ARGISNULL(0) ? NULL : (ProfileState *) PG_GETARG_POINTER(0);
	AugurHost host;
	AugProfile *profile;
	uint32 tag;

	if (PG_ARGISNULL(1))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	if (state == NULL)
		state = new_state(aggregate);
	augur_host_init(&host, CurrentMemoryContext);
	profile = decode(&host, PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(1)), &tag);
	add_profile(state, profile, tag);
	aug_profile_free(profile);
	PG_RETURN_POINTER(state);
}

/*
 * augur._profile_combine(internal, internal)
 */
Datum
augur_profile_combine(PG_FUNCTION_ARGS)
{
	MemoryContext aggregate = aggregate_context(fcinfo);
	ProfileState *into = PG_ARGISNULL(0) ? NULL : (ProfileState *) PG_GETARG_POINTER(0);
	ProfileState *from = PG_ARGISNULL(1) ? NULL : (ProfileState *) PG_GETARG_POINTER(1);

	if (from == NULL)
	{
		if (into == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(into);
	}
	if (into == NULL)
		into = new_state(aggregate);
	else
		flush(into);
	flush(from);
	add_profile(into, from->profile, from->tag);
	PG_RETURN_POINTER(into);
}

/*
 * augur._profile_serialize(internal): bytea
 */
Datum
augur_profile_serialize(PG_FUNCTION_ARGS)
{
	ProfileState *state = (ProfileState *) PG_GETARG_POINTER(0);

	(void) aggregate_context(fcinfo);
	flush(state);
	PG_RETURN_POINTER(augur_profile_value(&state->host, state->profile));
}

/*
 * augur._profile_deserialize(bytea, internal)
 */
Datum
augur_profile_deserialize(PG_FUNCTION_ARGS)
{
	ProfileState *state;
	uint32 tag;

	(void) aggregate_context(fcinfo);
	state = new_state(CurrentMemoryContext);
	state->profile = decode(&state->host, PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0)), &tag);
	state->tag = (AugurProfileTag) tag;
	PG_RETURN_POINTER(state);
}

/*
 * augur._profile_final(internal): augur.profile; NULL for no rows at all
 */
Datum
augur_profile_final(PG_FUNCTION_ARGS)
{
	ProfileState *state = PG_ARGISNULL(0) ? NULL : (ProfileState *) PG_GETARG_POINTER(0);

	(void) aggregate_context(fcinfo);
	if (state == NULL)
		PG_RETURN_NULL();
	flush(state);
	PG_RETURN_POINTER(augur_profile_value(&state->host, state->profile));
}
