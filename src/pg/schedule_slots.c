/*-------------------------------------------------------------------------
 *
 * schedule_slots.c
 *		Slots of schedules for SQL.
 *
 * Interrupts: polled once a slot where slots are counted.
 *
 *-------------------------------------------------------------------------
 */
#include "schedule.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

AUGUR_FUNCTION(augur_schedule_next);
AUGUR_FUNCTION(augur_schedule_before);
AUGUR_FUNCTION(augur_schedule_due);

/* of which the number is told, the minutes of nine years */
#define MOST_SLOTS 5000000

/* The schedule of arguments 0 and 1, and of a start that may be NULL. */
static void
read_arguments(FunctionCallInfo fcinfo, AugurSchedule *s, int start)
{
	TimestampTz at = PG_ARGISNULL(start) ? 0 : PG_GETARG_TIMESTAMPTZ(start);

	augur_schedule_read(s, text_to_cstring(PG_GETARG_TEXT_PP(0)),
						text_to_cstring(PG_GETARG_TEXT_PP(1)), PG_ARGISNULL(start) ? NULL : &at);
}

typedef struct NextState
{
	AugurSchedule schedule;
	TimestampTz at;
} NextState;

/*
 * augur.next_slots(schedule, timezone, after, n, start)
 */
Datum
augur_schedule_next(PG_FUNCTION_ARGS)
{
	FuncCallContext *context;
	NextState *state;

	if (SRF_IS_FIRSTCALL())
	{
		bool none = false;

		context = SRF_FIRSTCALL_INIT();
		for (int i = 0; i < 4; i++)
			none |= PG_ARGISNULL(i);
		if (!none)
		{
			MemoryContext caller = MemoryContextSwitchTo(context->multi_call_memory_ctx);
			int32 n = PG_GETARG_INT32(3);

			if (n < 0)
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
								errmsg("n must not be negative")));
			state = palloc(sizeof(NextState));
			read_arguments(fcinfo, &state->schedule, 4);
			state->at = PG_GETARG_TIMESTAMPTZ(2);
			context->user_fctx = state;
			context->max_calls = (uint64) n;
			MemoryContextSwitchTo(caller);
		}
	}
	context = SRF_PERCALL_SETUP();
	state = context->user_fctx;
	if (context->call_cntr < context->max_calls)
	{
		state->at = augur_slot_after(&state->schedule, state->at);
		if (state->at != AUGUR_NO_SLOT)
			SRF_RETURN_NEXT(context, TimestampTzGetDatum(state->at));
	}
	SRF_RETURN_DONE(context);
}

/*
 * augur._slot_before(schedule, timezone, start, at): where the data interval of slot at begins.
 */
Datum
augur_schedule_before(PG_FUNCTION_ARGS)
{
	AugurSchedule s;
	TimestampTz slot;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(3))
		PG_RETURN_NULL();
	read_arguments(fcinfo, &s, 2);
	slot = augur_slot_before(&s, PG_GETARG_TIMESTAMPTZ(3));
	if (slot == AUGUR_NO_SLOT)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(slot);
}

/*
 * augur._slots_due(schedule, timezone, start, first, as_of): of the slots from one on that
 * have come by as_of their number, the last, the one before that, and the next to come.
 * More than MOST_SLOTS are not counted: whoever starts a schedule of minutes in the year 1
 * must not keep augur.tick, which asks this for everybody.
 */
Datum
augur_schedule_due(PG_FUNCTION_ARGS)
{
	AugurSchedule s;
	TupleDesc desc;
	TimestampTz last = AUGUR_NO_SLOT, before = AUGUR_NO_SLOT, slot, as_of;
	int64 slots = 0;
	Datum values[4];
	bool nulls[4] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
		PG_RETURN_NULL();
	read_arguments(fcinfo, &s, 2);
	slot = PG_GETARG_TIMESTAMPTZ(3);
	as_of = PG_GETARG_TIMESTAMPTZ(4);
	while (slot <= as_of && slot != AUGUR_NO_SLOT)
	{
		CHECK_FOR_INTERRUPTS();
		if (slots == MOST_SLOTS)
		{
			TimestampTz newest = augur_slot_before(&s, as_of + 1);

			if (newest == AUGUR_NO_SLOT)
				break;
			last = newest;
			before = augur_slot_before(&s, last);
			slot = augur_slot_after(&s, last);
			break;
		}
		slots++;
		before = last;
		last = slot;
		slot = augur_slot_after(&s, slot);
	}
	if (slots == 1)
		before = augur_slot_before(&s, last);
	values[0] = Int64GetDatum(slots);
	values[1] = TimestampTzGetDatum(last);
	nulls[1] = last == AUGUR_NO_SLOT;
	values[2] = TimestampTzGetDatum(before);
	nulls[2] = before == AUGUR_NO_SLOT;
	values[3] = TimestampTzGetDatum(slot);
	nulls[3] = slot == AUGUR_NO_SLOT;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
