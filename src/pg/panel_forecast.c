/*-------------------------------------------------------------------------
 *
 * panel_forecast.c
 *		augur._panel_forecast: the next steps of a stored series by a model over many.
 *
 * The opened model is kept with the call site as long as the artifact's bytes are the
 * same: a query that forecasts many series reads it once.
 *
 * Memory: the model's own context below the call site's; the call's.  Interrupts: the
 * core's.
 *
 *-------------------------------------------------------------------------
 */
#include "series.h"

#include <math.h>

#include "funcapi.h"
#include "miscadmin.h"
#include "storage/shmem.h"

AUGUR_FUNCTION(augur_panel_forecast);

/* An opened model. */
typedef struct Opened
{
	MemoryContext context;
	AugurHost host;
	AugPanelModel *model;
	Size length;
	uint8 *bytes;
} Opened;

static AugPanelModel *
open_model(FmgrInfo *site, bytea *artifact)
{
	Opened *o = (Opened *) site->fn_extra;
	const uint8 *bytes = (const uint8 *) VARDATA_ANY(artifact);
	Size length = VARSIZE_ANY_EXHDR(artifact);
	MemoryContext context;
	AugError err;

	if (o != NULL && o->length == length && memcmp(o->bytes, bytes, length) == 0)
		return o->model;
	if (o != NULL)
	{
		site->fn_extra = NULL;
		MemoryContextDelete(o->context);
	}
	context =
		AllocSetContextCreate(CurrentMemoryContext, "augur global model", ALLOCSET_DEFAULT_SIZES);
	o = MemoryContextAllocZero(context, sizeof(Opened));
	o->context = context;
	o->length = length;
	o->bytes = MemoryContextAlloc(context, Max(length, 1));
	memcpy(o->bytes, bytes, length);
	augur_host_init(&o->host, context);
	augur_check(aug_panel_read(&o->host.host, bytes, length, &o->model, &err), &err);
	/* only what was read well outlives the call */
	MemoryContextSetParent(context, site->fn_mcxt);
	site->fn_extra = o;
	return o->model;
}

pg_noreturn static void
damaged(void)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
					errmsg("stored series is damaged: its keys cannot be right")));
}

/* The keys from the form of a state; see panel_fit.c. */
static const char **
unpack_keys(AugSlice form, uint32 n)
{
	const char **keys = palloc0(mul_size(n + 1, sizeof(char *)));
	const char *at = (const char *) form.bytes, *end = at + form.length;

	for (uint32 k = 0; k < n; k++)
	{
		char flag = at < end ? *at++ : 2;
		const char *nul;

		if (flag == 0)
			continue;
		nul = flag == 1 && at < end ? memchr(at, 0, (size_t) (end - at)) : NULL;
		if (nul != NULL)
		{
			keys[k] = at;
			at = nul + 1;
		}
		else
			damaged();
	}
	if (at != end)
		damaged();
	return keys;
}

/* A state of another model has other regressors or keys. */
static void
check_state(const AugPanelInfo *info, const AugStored *stored)
{
	if (stored->series.n_regressors != info->n_regressors || info->n_calendar != AUGUR_CALENDAR)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the stored series does not belong to the model"),
						errdetail("It has %u regressors, the model %u.",
								  stored->series.n_regressors, info->n_regressors)));
}

static void
forecast(AugurHost *host, const AugPanelModel *model, const AugurStoredGrid *grid,
		 const AugStored *stored, const AugurFuture *future, const AugurRequest *request,
		 AugurAhead *ahead)
{
	const AugPanelInfo *info = aug_panel_info(model);
	AugPanelMember m = {.series = stored->series};
	AugForecast *f;
	AugError err;

	if (m.series.n_regressors > 0)
	{
		m.series.x = augur_stored_regressors(stored, grid, future, request->horizon);
		m.series.n_x = m.series.n + request->horizon;
	}
	m.calendar = augur_panel_calendar(&grid->grid, grid->grid.first_step,
									  add_size(m.series.n, request->horizon));
	m.statics = unpack_keys(stored->form, info->n_statics);
	augur_check(aug_panel_forecast(&host->host, model, &m, request->horizon,
								   (uint32) request->options.n_levels, request->options.levels, &f,
								   &err),
				&err);
	ahead->mean = f->mean;
	for (int k = 0; k < request->options.n_levels; k++)
	{
		ahead->lower[k] = f->lower + (Size) k * f->horizon;
		ahead->upper[k] = f->upper + (Size) k * f->horizon;
	}
	ahead->method = f->method;
}

/* augur._panel_forecast(artifact, state, horizon, levels, future_ts, future_x) */
Datum
augur_panel_forecast(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext work, old;
	AugPanelModel *model;
	AugurStoredGrid grid;
	AugurRequest request;
	AugurFuture future;
	AugurAhead ahead = {0};
	AugurHost host;
	AugStored *stored;
	bytea *bytes;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	model = open_model(fcinfo->flinfo, PG_GETARG_BYTEA_PP(0));
	work =
		AllocSetContextCreate(CurrentMemoryContext, "augur stored series", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(work);
	bytes = PG_GETARG_BYTEA_PP(1);
	augur_host_init(&host, work);
	stored = augur_stored_load(&host, (const uint8 *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	augur_grid_unpack(stored->host, &grid);
	check_state(aug_panel_info(model), stored);
	augur_stored_request(fcinfo, 2, stored, &request);
	augur_stored_future(fcinfo, 4, &future);
	forecast(&host, model, &grid, stored, &future, &request, &ahead);
	augur_stored_rows(rsinfo, stored, &grid.grid, &request, &ahead);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
	return (Datum) 0;
}
