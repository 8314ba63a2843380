/*-------------------------------------------------------------------------
 *
 * forecast.c
 *		Forecasts of one series by a model over many.
 *
 * The steps that the model knows are forecast directly from the series' values; further
 * ones as if those forecasts were values, block by block.  Intervals are the forecast plus
 * quantiles of the errors that the model made from earlier origins, at the size that this
 * series' errors may be expected to have; beyond the horizon of training they widen with
 * the square root of the step.
 *
 * Memory: an arena a block of steps; the result is one block of the host.  Interrupts: by
 * steps.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panel.h"

#define POLL_STEPS 64

/* What the blocks of steps of one forecast have in common. */
typedef struct Block
{
	const AugHost *host;
	const PanelShape *shape;
	const AugModel *model;
	const double *codes;
	double power;
	AugError *err;
} Block;

static AugStatus
cast_block(const Block *b, const AugPanelMember *member, size_t n, uint32_t steps, double *out,
		   double *spread)
{
	AugArena arena;
	PanelView view;
	double *row;
	void *scratch;
	AugStatus status;

	aug_arena_init(&arena, b->host);
	status = aug_panel_view(&arena, b->shape, member, b->codes, n, &view, b->err);
	row = aug_arena_alloc(&arena, b->shape->n_features, sizeof(double));
	scratch = aug_arena_alloc(&arena, aug_model_scratch(b->model), 1);
	if (status == AUG_OK && (row == NULL || scratch == NULL))
		status = aug_fail_nomem(b->err, b->shape->n_features * sizeof(double));
	for (uint32_t h = 1; status == AUG_OK && h <= steps; h++)
	{
		double level = aug_panel_level(&view, n), v;

		aug_panel_features(&view, n, h, row);
		v = aug_panel_value(b->shape, aug_model_score1(b->model, row, scratch), level);
		out[h - 1] = v * view.unit;
		spread[h - 1] = view.unit * aug_panel_spread(v, level, aug_panel_moves(&view, n), b->power);
		if (h % POLL_STEPS == 0 && b->host->poll(b->host->arg, -1))
			status = aug_fail_cancelled(b->err);
	}
	aug_arena_free(&arena);
	return status;
}

AugStatus
aug_panel_cast(const AugHost *host, const PanelShape *shape, const AugModel *model,
			   const AugPanelMember *member, const double *codes, size_t n, uint32_t horizon,
			   double power, double *out, double *spread, AugError *err)
{
	Block b = {host, shape, model, codes, power, err};
	AugPanelMember longer = *member;
	AugArena arena;
	double *y = NULL;
	AugStatus status = AUG_OK;

	aug_arena_init(&arena, host);
	if (horizon > shape->direct)
	{
		y = aug_arena_alloc(&arena, n + horizon, sizeof(double));
		if (y == NULL)
			status = aug_fail_nomem(err, (n + horizon) * sizeof(double));
		else
			memcpy(y, member->series.y, n * sizeof(double));
		longer.series.y = y;
	}
	for (uint32_t done = 0; status == AUG_OK && done < horizon; done += shape->direct)
	{
		uint32_t steps = horizon - done < shape->direct ? horizon - done : shape->direct;

		status = cast_block(&b, &longer, n + done, steps, out + done, spread + done);
		for (uint32_t h = done; status == AUG_OK && y != NULL && h < done + steps; h++)
			y[n + h] = isfinite(out[h]) ? out[h] : NAN;
		if (status == AUG_OK && host->poll(host->arg, (double) done / horizon))
			status = aug_fail_cancelled(err);
	}
	aug_arena_free(&arena);
	return status;
}

/* ---- a series of the host's --------------------------------------------- */

static AugStatus
check_asked(const AugPanelModel *model, const AugPanelMember *member, uint32_t horizon,
			uint32_t n_levels, const double *levels, AugError *err)
{
	const AugSeries *s = &member->series;

	if (horizon == 0 || horizon > AUG_MAX_HORIZON)
		return aug_fail(err, AUG_INVALID, "horizon must be between 1 and %d", AUG_MAX_HORIZON);
	if (n_levels > AUG_MAX_LEVELS_ASKED)
		return aug_fail(err, AUG_INVALID, "more than %d levels", AUG_MAX_LEVELS_ASKED);
	for (uint32_t i = 0; i < n_levels; i++)
		if (!(levels[i] > (i > 0 ? levels[i - 1] : 0) && levels[i] < 1))
			return aug_fail(err, AUG_INVALID, "levels must ascend between 0 and 1");
	if (s->n_regressors != model->shape.n_regressors)
		return aug_fail(err, AUG_INVALID, "the series has %u regressors, the model %u",
						s->n_regressors, model->shape.n_regressors);
	if (s->n_regressors > 0 && (s->n_x < s->n || s->n_x - s->n < horizon))
		return aug_fail(err, AUG_INVALID, "regressors are not known for all of the horizon");
	return AUG_OK;
}

typedef struct Answer
{
	double *mean, *spread;
	double *lower, *upper; /* [n_levels][horizon] */
} Answer;

static AugStatus
take_answer(AugArena *arena, uint32_t horizon, uint32_t n_levels, Answer *a, AugError *err)
{
	size_t h = horizon, levels = h * n_levels;

	a->mean = aug_arena_alloc(arena, h, sizeof(double));
	a->spread = aug_arena_alloc(arena, h, sizeof(double));
	a->lower = aug_arena_alloc(arena, levels, sizeof(double));
	a->upper = aug_arena_alloc(arena, levels, sizeof(double));
	if (a->mean == NULL || a->spread == NULL || a->lower == NULL || a->upper == NULL)
		return aug_fail_nomem(err, (2 * h + 2 * levels) * sizeof(double));
	return AUG_OK;
}

void
aug_panel_interval(const PanelSpread *spread, uint32_t horizon, uint32_t step, double mean,
				   double size, double level, double *lower, double *upper)
{
	if (spread->n_knots == 0)
	{
		*lower = *upper = NAN;
		return;
	}
	if (step > horizon)
		size *= sqrt((double) step / horizon);
	*lower = mean + size * aug_panel_spread_at(spread, step, (1 - level) / 2);
	*upper = mean + size * aug_panel_spread_at(spread, step, (1 + level) / 2);
	/* errors that all have one sign do not move an interval off the forecast */
	*lower = *lower > mean ? mean : *lower;
	*upper = *upper < mean ? mean : *upper;
}

static AugStatus
answer(const AugHost *host, const AugPanelModel *model, const AugPanelMember *member,
	   uint32_t horizon, uint32_t n_levels, const double *levels, Answer *a, AugError *err)
{
	const PanelShape *s = &model->shape;
	double codes[AUG_MAX_STATICS];
	AugStatus status;

	for (uint32_t j = 0; j < s->n_statics; j++)
	{
		const char *text = member->statics[j];

		codes[j] = text == NULL
					   ? NAN
					   : aug_model_level(model->model, s->n_numbers + j, text, strlen(text));
	}
	status = aug_panel_cast(host, s, model->model, member, codes, member->series.n, horizon,
							model->spread->power, a->mean, a->spread, err);
	for (uint32_t h = 0; status == AUG_OK && h < horizon; h++)
	{
		if (!isfinite(a->mean[h]))
			return aug_fail(err, AUG_NUMERIC, "the forecast is out of range");
		for (uint32_t k = 0; k < n_levels; k++)
		{
			double *lower = a->lower + (size_t) k * horizon + h,
				   *upper = a->upper + (size_t) k * horizon + h;

			aug_panel_interval(model->spread, s->horizon, h + 1, a->mean[h], a->spread[h],
							   levels[k], lower, upper);
			*lower = aug_bounded(&model->bounds, 1, *lower, floor);
			*upper = aug_bounded(&model->bounds, 1, *upper, ceil);
		}
		a->mean[h] = aug_bounded(&model->bounds, 1, a->mean[h], round);
	}
	return status;
}

/* The result as one block. */
static AugStatus
pack(const AugHost *host, const AugPanelModel *model, const AugPanelMember *member,
	 uint32_t horizon, uint32_t n_levels, const Answer *a, AugForecast **out, AugError *err)
{
	size_t h = horizon, levels = h * n_levels, n = member->series.n;
	size_t size = sizeof(AugForecast) + (h + 2 * levels + n) * sizeof(double);
	AugForecast *f = host->alloc(host->arg, size);
	double *at, *fitted;

	if (f == NULL)
		return aug_fail_nomem(err, size);
	memset(f, 0, sizeof(*f));
	at = (double *) (f + 1);
	f->horizon = horizon;
	f->n_levels = n_levels;
	f->n = n;
	f->mean = memcpy(at, a->mean, h * sizeof(double));
	f->lower = memcpy(at + h, a->lower, levels * sizeof(double));
	f->upper = memcpy(at + h + levels, a->upper, levels * sizeof(double));
	fitted = at + h + 2 * levels;
	f->fitted = fitted;
	for (size_t t = 0; t < n; t++)
	{
		fitted[t] = NAN;
		f->n_observed += isnan(member->series.y[t]) ? 0 : 1;
	}
	f->aicc = f->sigma = NAN;
	if (model->spread->n_knots > 0)
		/* half of what a normal distribution has within one standard deviation */
		f->sigma = a->spread[0] *
				   (aug_panel_spread_at(model->spread, 1, 0.8413447460685429) -
					aug_panel_spread_at(model->spread, 1, 0.1586552539314571)) /
				   2;
	snprintf(f->method, sizeof(f->method), "global boosting, %u trees",
			 model->info.model->fit.n_trees);
	*out = f;
	return AUG_OK;
}

/* What a series gets that the model says nothing about. */
static AugStatus
fall_back(const AugHost *host, const AugPanelModel *model, const AugPanelMember *member,
		  uint32_t horizon, uint32_t n_levels, const double *levels, const char *why,
		  AugForecast **out, AugError *err)
{
	static const struct
	{
		uint32_t from;
		const char *to;
	} passed_on[] = {
		{P_LOWER_BOUND, "lower_bound"}, {P_UPPER_BOUND, "upper_bound"}, {P_INTEGER, "integer"}};
	AugSeries series = member->series;
	AugForecastOptions options = {.horizon = horizon, .n_levels = n_levels, .levels = levels};
	AugParams *params;
	char inner[AUG_MESSAGE_SIZE];
	AugStatus status = aug_params_new(host, aug_forecast_about(), &params, err);

	if (status != AUG_OK)
		return status;
	for (uint32_t i = 0; status == AUG_OK && i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		status = aug_params_set(params, passed_on[i].to,
								aug_params_value(model->params, passed_on[i].from), err);
	series.n_regressors = 0;
	series.n_x = 0;
	series.x = NULL;
	series.n_periods = model->shape.n_periods;
	memcpy(series.period, model->shape.period, sizeof(series.period));
	options.params = params;
	options.seed = model->info.model->seed;
	if (status == AUG_OK)
		status = aug_forecast_run(host, &series, &options, out, err);
	if (status == AUG_OK)
	{
		snprintf(inner, sizeof(inner), "%s", (*out)->fallback);
		snprintf((*out)->fallback, AUG_MESSAGE_SIZE, "%.100s%s%.140s", why,
				 inner[0] != '\0' ? "; " : "", inner);
	}
	aug_params_free(params);
	return status;
}

AugStatus
aug_panel_forecast(const AugHost *host, const AugPanelModel *model, const AugPanelMember *member,
				   uint32_t horizon, uint32_t n_levels, const double *levels, AugForecast **out,
				   AugError *err)
{
	AugStatus status = check_asked(model, member, horizon, n_levels, levels, err);
	size_t known = 0;
	AugArena arena;
	Answer a;
	char why[AUG_MESSAGE_SIZE] = "";

	*out = NULL;
	if (status != AUG_OK)
		return status;
	for (size_t t = 0; t < member->series.n; t++)
		known += isnan(member->series.y[t]) ? 0 : 1;
	if (known < AUG_PANEL_LEAST)
	{
		snprintf(why, sizeof(why), "%zu values are too few for the global model", known);
		return fall_back(host, model, member, horizon, n_levels, levels, why, out, err);
	}
	aug_arena_init(&arena, host);
	status = take_answer(&arena, horizon, n_levels, &a, err);
	if (status == AUG_OK)
		status = answer(host, model, member, horizon, n_levels, levels, &a, err);
	if (status == AUG_OK)
		status = pack(host, model, member, horizon, n_levels, &a, out, err);
	aug_arena_free(&arena);
	if (status == AUG_NUMERIC)
		return fall_back(host, model, member, horizon, n_levels, levels, err->message, out, err);
	return status;
}
