/*-------------------------------------------------------------------------
 *
 * panel_fit.c
 *		augur._panel_fit: one model over all series of a query, and what the registry keeps of
 *		each.
 *
 * All series are read at once, in the order of their keys, whatever order their rows had,
 * and laid on their steps as for augur._series_fit.  The keys are categories of the
 * model, their text that of the series' jsonb.  The seasons are those of the longest series.
 * The state of a series is that of a fitted one, whose form is its keys as text: all that
 * forecasting it needs besides the artifact.
 *
 * Memory: a context for the call, bounded by augur.training_memory as far as rows go; the
 * core bounds its matrix.  Interrupts: those of the core, and one look at each series.
 *
 *-------------------------------------------------------------------------
 */
#include "series.h"

#include <math.h>

#include "executor/spi.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

AUGUR_FUNCTION(augur_panel_fit);

static const char *const calendar_names[AUGUR_CALENDAR] = {"hour", "day of week", "day of month",
														   "day of year", "month"};

typedef struct Panel
{
	AugurSeriesTask task; /* task.work is context, and never reset */
	MemoryContext context;
	AugurSeriesBatch *batch;
	int n_keys;
	char **keys;
	AugurLaid *laid;	/* [n] */
	bool *has_rows;		/* [n] */
	int64 *member;		/* [n] index in the panel, -1: none */
	AugPanelMember *of; /* [n_members] */
	AugPanel panel;
	AugPanelFit *fit;
	AugurHost host;
	ReturnSetInfo *rsinfo;
} Panel;

/* ---- calendar ---------------------------------------------------------------- */

static void
calendar_row(const AugurGrid *grid, int64 step, double *out)
{
	int64 at = augur_grid_at(grid, step), day = at;
	int year, month, day_of_month, julian;
	double hour = 0;

	if (grid->stamp == AUGUR_STAMP_DATE ? DATE_NOT_FINITE(at) : TIMESTAMP_NOT_FINITE(at))
	{
		for (int k = 0; k < AUGUR_CALENDAR; k++)
			out[k] = NAN;
		return;
	}
	if (grid->stamp != AUGUR_STAMP_DATE)
	{
		int64 local = augur_local_time(grid, at), rest;

		day = local / USECS_PER_DAY;
		rest = local % USECS_PER_DAY;
		if (rest < 0)
		{
			rest += USECS_PER_DAY;
			day--;
		}
		hour = (double) rest / USECS_PER_HOUR;
	}
	julian = (int) day + POSTGRES_EPOCH_JDATE;
	j2date(julian, &year, &month, &day_of_month);
	out[0] = hour;
	out[1] = j2day(julian);
	out[2] = day_of_month;
	out[3] = julian - date2j(year, 1, 1) + 1;
	out[4] = month;
}

double *
augur_panel_calendar(const AugurGrid *grid, int64 first, Size n)
{
	double *out = MemoryContextAllocHuge(CurrentMemoryContext,
										 mul_size(Max(n, 1), AUGUR_CALENDAR * sizeof(double)));

	for (Size i = 0; i < n; i++)
	{
		if (i % 4096 == 0)
			CHECK_FOR_INTERRUPTS();
		calendar_row(grid, first + (int64) i, out + i * AUGUR_CALENDAR);
	}
	return out;
}

/* ---- the panel ---------------------------------------------------------------- */

/* The text of a key of a series' name; NULL for null. */
static const char *
key_text(Jsonb *series, const char *key)
{
	JsonbValue room, *v;

	v = getKeyJsonValueFromContainer(&series->root, key, (int) strlen(key), &room);
	if (v == NULL || v->type == jbvNull)
		return NULL;
	switch (v->type)
	{
		case jbvString:
			return pnstrdup(v->val.string.val, v->val.string.len);
		case jbvNumeric:
			return DatumGetCString(
				DirectFunctionCall1(numeric_out, NumericGetDatum(v->val.numeric)));
		case jbvBool:
			return v->val.boolean ? "true" : "false";
		default:
			return JsonbToCString(NULL, v->val.binary.data, v->val.binary.len);
	}
}

static const char *const *
statics_of(const Panel *p, const AugurSeriesItem *item)
{
	Jsonb *series = (Jsonb *) (p->batch->data + item->key);
	const char **statics = palloc(mul_size(p->n_keys + 1, sizeof(char *)));

	for (int k = 0; k < p->n_keys; k++)
		statics[k] = key_text(series, p->keys[k]);
	return statics;
}

/* All series on their steps; those that have what the model needs are its members. */
static void
lay_all(Panel *p)
{
	Size longest = 0;

	for (uint32 i = 0; i < p->batch->n; i++)
	{
		AugurLaid *laid = &p->laid[i];
		AugPanelMember *m = &p->of[p->panel.n_members];

		CHECK_FOR_INTERRUPTS();
		p->member[i] = -1;
		p->has_rows[i] = augur_series_lay(&p->task, &p->batch->items[i], p->batch->data, laid);
		if (!p->has_rows[i] || (p->task.n_regressors > 0 && laid->x == NULL))
			continue;
		p->member[i] = p->panel.n_members++;
		m->series.n = laid->t.n;
		m->series.y = laid->t.y;
		m->series.n_regressors = p->task.n_regressors;
		m->series.x = laid->x;
		m->series.n_x = laid->t.n;
		m->calendar = augur_panel_calendar(&laid->t.grid, laid->t.grid.first_step, laid->t.n);
		m->statics = statics_of(p, &p->batch->items[i]);
		if (laid->t.n <= longest)
			continue;
		longest = laid->t.n;
		p->panel.n_periods = (uint32) laid->t.n_season;
		memcpy(p->panel.period, laid->t.season, sizeof(p->panel.period));
	}
}

static void
fit_panel(Panel *p)
{
	const AugurForecastOptions *o = &p->task.options;
	char *text;
	AugError err;

	augur_check(aug_params_set(o->params, "folds", psprintf("%u", o->folds), &err), &err);
	augur_check(aug_params_text(o->params, &text, &err), &err);
	p->task.options_text = text;
	augur_check(aug_panel_fit(&p->host.host, &p->panel, o->params, p->task.horizon,
							  (uint32) o->n_levels, o->levels, o->seed, &p->fit, &err),
				&err);
}

/* ---- results -------------------------------------------------------------------- */

static void
no_errors(AugurSeriesOut *out)
{
	memset(out, 0, sizeof(*out));
	out->aicc = out->sigma = NAN;
	for (int k = 0; k < AUGUR_ERRORS; k++)
		out->errors.error[k] = NAN;
}

/* The model: its artifact, and how it came about. */
static void
put_model(const Panel *p, StringInfo to)
{
	const AugPanelFit *fit = p->fit;
	AugStored texts = {.reason = "", .fallback = ""};
	StringInfoData warning;
	AugurSeriesOut out;

	initStringInfo(&warning);
	appendStringInfoString(&warning, fit->warning);
	if (fit->n_rows < fit->n_possible)
		appendStringInfo(&warning,
						 "%s%u of %.0f rows (series, origin, step) were drawn; "
						 "max_rows sets how many",
						 warning.len > 0 ? "; " : "", fit->n_rows, fit->n_possible);
	no_errors(&out);
	out.folds = (int32) fit->n_folds;
	texts.method = psprintf("global boosting, %u trees", fit->n_rounds);
	texts.warning = warning.data;
	augur_series_put_out(to, &out, &texts, fit->artifact.bytes, fit->artifact.length);
}

/* Errors of the folds, beside those of the seasonal naive method. */
static void
test(Panel *p, uint32 i, AugurSeriesOut *out)
{
	const AugurForecastOptions *o = &p->task.options;
	const AugurTimeline *whole = &p->laid[i].whole;
	const AugPanelFit *fit = p->fit;
	uint32 h = p->task.horizon;
	Size used = 0, size = (Size) p->panel.n_members * fit->n_folds * h;
	double *in[AUGUR_IN_ARRAYS];

	for (int k = 0; k < AUGUR_IN_ARRAYS; k++)
		in[k] = palloc_extended(mul_size(mul_size(Max(fit->n_folds, 1), h), sizeof(double)),
								MCXT_ALLOC_HUGE);
	for (uint32 k = 0; k < fit->n_folds; k++)
	{
		Size back = (Size) (fit->n_folds - k) * h;
		Size at = ((Size) p->member[i] * fit->n_folds + k) * h;
		AugForecast f = {.horizon = h, .mean = fit->mean + at}, *naive;
		AugurTimeline part;

		if (whole->n <= back || isnan(fit->mean[at]))
			continue;
		if (fit->n_levels > 0)
		{
			f.n_levels = 1;
			f.lower = fit->lower + (fit->n_levels - 1) * size + at;
			f.upper = fit->upper + (fit->n_levels - 1) * size + at;
		}
		augur_timeline_part(&o->time, whole, whole->n - back, CurrentMemoryContext, &part);
		augur_timeline_seasons(&p->task.host, o, &part);
		naive = augur_timeline_forecast(&p->task.host, o, o->naive, &part, h, 0);
		augur_series_put_fold(whole, &part, h, &f, naive, in, used);
		used += h;
		out->folds++;
	}
	augur_errors(in, (int) used, o->n_levels > 0 ? o->levels[o->n_levels - 1] : NAN, &out->errors);
}

/* The keys as the form of a state: for each 0, or 1 and the text with its NUL. */
static AugSlice
pack_keys(const Panel *p, const AugPanelMember *m)
{
	StringInfoData bytes;

	initStringInfo(&bytes);
	for (int k = 0; k < p->n_keys; k++)
	{
		const char *text = m->statics[k];

		appendStringInfoChar(&bytes, text != NULL ? 1 : 0);
		if (text != NULL)
			appendBinaryStringInfo(&bytes, text, (int) strlen(text) + 1);
	}
	return (AugSlice){(const uint8_t *) bytes.data, (size_t) bytes.len};
}

/* Completes what is stored of a series, and writes it. */
static uint8 *
make_state(const Panel *p, uint32 i, AugStored *s, size_t *length)
{
	const AugurForecastOptions *o = &p->task.options;
	const AugPanelMember *m = &p->of[p->member[i]];
	AugurStoredGrid grid = {p->laid[i].t.grid, o->time.gaps, o->time.duplicates};
	uint8 host[AUGUR_STORED_GRID_MAX];
	uint8 *bytes;
	AugError err;

	s->host = (AugSlice){host, augur_grid_pack(&grid, host)};
	s->series = m->series;
	s->series.n_periods = p->panel.n_periods;
	memcpy(s->series.period, p->panel.period, sizeof(s->series.period));
	s->regressor = p->task.regressor;
	s->options = p->task.options_text;
	s->seed = o->seed;
	s->horizon = p->task.horizon;
	s->n_levels = (uint32) o->n_levels;
	s->levels = o->levels;
	s->form = pack_keys(p, m);
	s->sigma = s->aicc = NAN;
	augur_check(aug_series_store(&p->task.host.host, s, &bytes, length, &err), &err);
	s->host.bytes = NULL;
	return bytes;
}

/* What there is to say about the rows of a series. */
static const char *
warning_of(const Panel *p, uint32 i)
{
	const AugurLaid *laid = &p->laid[i];
	const char *rows = augur_series_warnings(&p->task.options, &laid->t, p->batch->items[i].skipped,
											 laid->whole.observed == 0 ? "no row has a value" : "");
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, rows == NULL ? "" : rows);
	if (laid->whole.observed == 0)
		return text.data;
	if (p->member[i] < 0)
		appendStringInfo(&text, "%sa regressor has no value in any row, so there is no forecast",
						 text.len > 0 ? "; " : "");
	else if (laid->carried > 0)
		appendStringInfo(&text, "%sregressor values carried forward: %lld",
						 text.len > 0 ? "; " : "", (long long) laid->carried);
	return text.data;
}

static void
put_series(Panel *p, uint32 i, StringInfo to)
{
	const AugurLaid *laid = &p->laid[i];
	int64 known = laid->whole.observed;
	AugStored stored = {.method = "none", .reason = "", .fallback = "", .warning = ""};
	uint8 *state = NULL;
	size_t length = 0;
	AugurSeriesOut out;

	no_errors(&out);
	out.skipped = p->batch->items[i].skipped;
	if (!p->has_rows[i])
	{
		stored.warning = "no row has a usable point in time";
		augur_series_put_out(to, &out, &stored, NULL, 0);
		return;
	}
	augur_series_put_counts(&laid->t, &out);
	out.n_season = (int32) p->panel.n_periods;
	memcpy(out.season, p->panel.period, sizeof(out.season));
	stored.warning = warning_of(p, i);
	if (p->member[i] >= 0 && known > 0)
	{
		stored.method = psprintf("global boosting, %u trees", p->fit->n_rounds);
		if (known < AUG_PANEL_LEAST)
		{
			stored.method = "auto";
			stored.fallback =
				psprintf("%lld values are too few for the global model: auto", (long long) known);
		}
		test(p, i, &out);
		state = make_state(p, i, &stored, &length);
	}
	augur_series_put_out(to, &out, &stored, state, length);
}

/* A row for the model, then one for each series. */
static void
put_rows(Panel *p)
{
	MemoryContext row =
		AllocSetContextCreate(p->context, "augur panel row", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(row);
	Datum values[AUGUR_FIT_COLUMNS];
	bool nulls[AUGUR_FIT_COLUMNS];

	p->task.host.context = row;
	for (int64 i = -1; i < (int64) p->batch->n; i++)
	{
		StringInfoData result;

		CHECK_FOR_INTERRUPTS();
		initStringInfo(&result);
		if (i < 0)
			put_model(p, &result);
		else
			put_series(p, (uint32) i, &result);
		augur_series_row(result.data, values, nulls);
		nulls[0] = i < 0;
		values[0] = i < 0 ? (Datum) 0 : PointerGetDatum(p->batch->data + p->batch->items[i].key);
		tuplestore_putvalues(p->rsinfo->setResult, p->rsinfo->setDesc, values, nulls);
		MemoryContextReset(row);
	}
	MemoryContextSwitchTo(old);
}

/* ---- the function ------------------------------------------------------------------ */

static void
run(Panel *p)
{
	Size n = p->batch->n;

	p->laid = palloc_extended(mul_size(Max(n, 1), sizeof(AugurLaid)), MCXT_ALLOC_HUGE);
	p->has_rows = palloc_extended(Max(n, 1), MCXT_ALLOC_HUGE);
	p->member = palloc_extended(mul_size(Max(n, 1), sizeof(int64)), MCXT_ALLOC_HUGE);
	p->of = palloc_extended(mul_size(Max(n, 1), sizeof(AugPanelMember)),
							MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	augur_host_init(&p->host, p->context);
	p->panel.members = p->of;
	p->panel.n_statics = (uint32) p->n_keys;
	p->panel.static_names = (const char *const *) p->keys;
	p->panel.n_calendar = AUGUR_CALENDAR;
	p->panel.calendar_names = calendar_names;
	p->panel.n_regressors = p->task.n_regressors;
	p->panel.regressor_names = p->task.regressor;
	lay_all(p);
	fit_panel(p);
	put_rows(p);
}

/*
 * augur._panel_fit(query, keys, horizon, regressors, options)
 */
Datum
augur_panel_fit(PG_FUNCTION_ARGS)
{
	uint32 horizon = augur_series_horizon(fcinfo);
	Jsonb *options = PG_ARGISNULL(4) ? NULL : PG_GETARG_JSONB_P(4);
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "augur panel", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	Size memory = augur_training_memory_bytes();
	AugurSeriesRows *rows;
	char **regressors;
	int n_regressors;
	Panel *p;

	InitMaterializedSRF(fcinfo, 0);
	old = MemoryContextSwitchTo(context);
	p = palloc0(sizeof(Panel));
	p->context = context;
	p->rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	if (p->rsinfo->setDesc->natts != AUGUR_FIT_COLUMNS)
		elog(ERROR, "augur.series_fit has %d attributes", p->rsinfo->setDesc->natts);
	p->keys = augur_series_names(PG_GETARG_ARRAYTYPE_P(1), "keys", &p->n_keys);
	regressors = augur_series_names(PG_GETARG_ARRAYTYPE_P(3), "regressors", &n_regressors);
	if (n_regressors > AUG_MAX_REGRESSORS || p->n_keys > AUG_MAX_STATICS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("at most %d regressors and %d keys can be used", AUG_MAX_REGRESSORS,
							   AUG_MAX_STATICS)));
	SPI_connect();
	MemoryContextSwitchTo(context);
	rows = augur_rows_open(text_to_cstring(PG_GETARG_TEXT_PP(0)), p->keys, p->n_keys,
						   (uint32) n_regressors, context);
	augur_task_init(&p->task, AUGUR_FORECAST_PANEL, options, augur_rows_stamp(rows), horizon,
					(const char *const *) regressors, (uint32) n_regressors, false, context);
	if (!augur_rows_batch(rows, memory, memory, &p->batch, NULL))
	{
		/* nothing to learn from, which the caller tells */
		augur_rows_close(rows);
		SPI_finish();
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
		return (Datum) 0;
	}
	/* one model needs all series at once */
	if (p->batch->used >= memory)
		ereport(
			ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("the rows of all series need more than %s of memory", augur_size_text(memory)),
			 errhint("Increase \"augur.training_memory\", or take a part of the rows.")));
	run(p);
	augur_rows_close(rows);
	SPI_finish();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}
