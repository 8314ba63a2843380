/*-------------------------------------------------------------------------
 *
 * fit.c
 *		Learning from a panel: rounds by early stopping, errors from rolling origins,
 *		the model on all.
 *
 * First how many trees: a model on what lies before all folds is stopped by the last
 * horizon of its own part, so that no fold has a say.  Then each fold: a model on what lies
 * before its origin, and forecasts of every member from there.  Their errors give the
 * intervals.  Last the model on everything, with as many trees.
 *
 * Memory: rows and trees of one training at a time, and the forecasts of all folds.
 * Interrupts: by rows and trees.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panel.h"

#define SHORT_ROUNDS 100 /* where there is nothing to stop early by */
#define FEW_ZEROS	 0.1 /* share up to which logarithms are taken */
#define SHORT_LAGS	 4
#define LONG_LAGS	 12
#define LONG_SEASON	 28

/* ---- what is asked for -------------------------------------------------- */

static AugStatus
check_sizes(const AugPanel *panel, uint32_t horizon, uint32_t n_levels, const double *levels,
			AugError *err)
{
	if (horizon == 0 || horizon > AUG_MAX_HORIZON)
		return aug_fail(err, AUG_INVALID, "horizon must be between 1 and %d", AUG_MAX_HORIZON);
	if (panel->n_statics > AUG_MAX_STATICS || panel->n_calendar > AUG_MAX_CALENDAR ||
		panel->n_regressors > AUG_MAX_REGRESSORS || panel->n_periods > AUG_MAX_PERIODS)
		return aug_fail(err, AUG_LIMIT,
						"more than %d key columns, %d calendar columns, %d regressors or %d "
						"seasons",
						AUG_MAX_STATICS, AUG_MAX_CALENDAR, AUG_MAX_REGRESSORS, AUG_MAX_PERIODS);
	if (n_levels > AUG_MAX_LEVELS_ASKED)
		return aug_fail(err, AUG_INVALID, "more than %d levels", AUG_MAX_LEVELS_ASKED);
	for (uint32_t i = 0; i < n_levels; i++)
		if (!(levels[i] > (i > 0 ? levels[i - 1] : 0) && levels[i] < 1))
			return aug_fail(err, AUG_INVALID, "levels must ascend between 0 and 1");
	for (uint32_t i = 0; i < panel->n_periods; i++)
		if (panel->period[i] < (i > 0 ? panel->period[i - 1] + 1 : 2) ||
			panel->period[i] > AUG_MAX_PERIOD)
			return aug_fail(err, AUG_INVALID, "seasons must ascend between 2 and %d",
							AUG_MAX_PERIOD);
	for (uint32_t i = 0; i < panel->n_members; i++)
	{
		const AugSeries *s = &panel->members[i].series;

		if (s->n_regressors != panel->n_regressors || (s->n_regressors > 0 && s->n_x < s->n))
			return aug_fail(err, AUG_INVALID, "regressors of series %u are not those of the panel",
							i + 1);
	}
	return AUG_OK;
}

/* What values there are. */
typedef struct Kinds
{
	double known, zero, negative;
} Kinds;

static AugStatus
count_kinds(PanelWork *work, Kinds *k)
{
	memset(k, 0, sizeof(*k));
	for (uint32_t i = 0; i < work->panel->n_members; i++)
	{
		const AugSeries *s = &work->panel->members[i].series;

		for (size_t t = 0; t < s->n; t++)
		{
			k->known += isnan(s->y[t]) ? 0 : 1;
			k->zero += s->y[t] == 0 ? 1 : 0;
			k->negative += s->y[t] < 0 ? 1 : 0;
			if (t % 1024 == 1023 && aug_panel_tick(work, 64))
				return aug_fail_cancelled(work->err);
		}
		if (aug_panel_tick(work, 4))
			return aug_fail_cancelled(work->err);
	}
	return AUG_OK;
}

static bool
is(const AugParams *params, uint32_t i, const char *value)
{
	return strcmp(aug_params_value(params, i), value) == 0;
}

static AugStatus
check_options(const PanelWork *work, const Kinds *k)
{
	const AugParams *p = work->params;
	bool positive = is(p, P_LOSS, "poisson") || is(p, P_LOSS, "tweedie");

	if (positive && k->negative > 0)
		return aug_fail(work->err, AUG_DATA, "loss \"%s\" is for values that are never negative",
						aug_params_value(p, P_LOSS));
	if (is(p, P_TRANSFORM, "log") && k->negative > 0)
		return aug_fail(work->err, AUG_DATA,
						"transform \"log\" is for values that are never negative");
	if (positive && is(p, P_TRANSFORM, "log"))
	{
		aug_fail(work->err, AUG_INVALID, "loss \"%s\" takes the logarithm itself",
				 aug_params_value(p, P_LOSS));
		aug_hint(work->err, "Leave transform out.");
		return AUG_INVALID;
	}
	if (!is(p, P_TWEEDIE_POWER, "auto") && !is(p, P_LOSS, "tweedie"))
	{
		aug_fail(work->err, AUG_INVALID, "tweedie_power is for loss \"tweedie\" only");
		aug_hint(work->err, "Set loss to \"tweedie\".");
		return AUG_INVALID;
	}
	return AUG_OK;
}

/* Which regressors change within a series. */
static AugStatus
find_varying(PanelWork *work)
{
	uint32_t p = work->panel->n_regressors;

	for (uint32_t i = 0; i < work->panel->n_members; i++)
	{
		const AugSeries *s = &work->panel->members[i].series;

		for (size_t t = 1; t < s->n_x; t++)
		{
			for (uint32_t j = 0; j < p; j++)
				work->shape.varies[j] |= s->x[t * p + j] != s->x[(t - 1) * p + j];
			if (t % 256 == 255 && aug_panel_tick(work, p))
				return aug_fail_cancelled(work->err);
		}
		if (aug_panel_tick(work, 4))
			return aug_fail_cancelled(work->err);
	}
	return AUG_OK;
}

static AugStatus
open_shape(PanelWork *work, uint32_t horizon, double *power)
{
	const AugPanel *panel = work->panel;
	const AugParams *p = work->params;
	PanelShape *s = &work->shape;
	uint32_t main = panel->n_periods > 0 ? panel->period[0] : 1, lags;
	Kinds k;
	AugStatus status = count_kinds(work, &k);

	if (status == AUG_OK)
		status = check_options(work, &k);
	if (status == AUG_OK && panel->n_regressors > 0)
		status = find_varying(work);
	if (status != AUG_OK)
		return status;
	if (k.known == 0)
		return aug_fail(work->err, AUG_DATA, "no series has a value");
	lags = main > LONG_SEASON ? LONG_LAGS : main < SHORT_LAGS ? SHORT_LAGS : main;
	s->n_lags = is(p, P_LAGS, "auto") ? lags : (uint32_t) aug_param_number(p, P_LAGS);
	s->horizon = horizon;
	s->direct = is(p, P_DIRECT, "auto") ? PANEL_MAX_DIRECT
										: (uint32_t) aug_param_number(p, P_DIRECT);
	s->direct = s->direct > horizon ? horizon : s->direct;
	s->n_periods = panel->n_periods;
	memcpy(s->period, panel->period, sizeof(s->period));
	s->n_regressors = panel->n_regressors;
	s->n_calendar = panel->n_calendar;
	s->n_statics = panel->n_statics;
	s->log = is(p, P_TRANSFORM, "log") ||
			 (is(p, P_TRANSFORM, "auto") && !is(p, P_LOSS, "poisson") &&
			  !is(p, P_LOSS, "tweedie") && k.negative == 0 && k.zero < FEW_ZEROS * k.known);
	*power = s->log ? 1 : k.negative == 0 ? 0.5 : 0;
	return aug_panel_shape(s, work->err);
}

/* ---- trees -------------------------------------------------------------- */

/* One training: of rows before the cut. */
typedef struct Training
{
	size_t cut;
	uint32_t rounds;
	bool stop; /* early */
	uint8_t *bytes;
	size_t length;
	AugFit fit;
	uint32_t n_rows;
	double n_possible;
} Training;

static AugStatus
tree_params(const PanelWork *work, const Training *t, AugParams **out)
{
	static const struct
	{
		uint32_t from;
		const char *to;
	} same[] = {
		{P_LEARNING_RATE, "learning_rate"},		  {P_MAX_LEAF_NODES, "max_leaf_nodes"},
		{P_MIN_SAMPLES_LEAF, "min_samples_leaf"}, {P_LAMBDA, "lambda"},
		{P_SAMPLE_FRACTION, "sample_fraction"},	  {P_MAX_FEATURES, "max_features_tree"},
		{P_TWEEDIE_POWER, "tweedie_power"},		  {P_EARLY_STOPPING, "early_stopping_rounds"}};
	char rounds[32];
	AugStatus status =
		aug_params_new(work->host, aug_algorithm_find("gradient_boosting"), out, work->err);

	if (status != AUG_OK)
		return status;
	snprintf(rounds, sizeof(rounds), "%u", t->rounds);
	status = aug_params_set(*out, "n_trees", rounds, work->err);
	if (status == AUG_OK)
		status = aug_params_set(*out, "loss",
								is(work->params, P_LOSS, "auto")
									? "absolute_error"
									: aug_params_value(work->params, P_LOSS),
								work->err);
	for (uint32_t i = 0; status == AUG_OK && i < sizeof(same) / sizeof(same[0]); i++)
	{
		if (same[i].from == P_EARLY_STOPPING && !t->stop)
			continue;
		status = aug_params_set(*out, same[i].to, aug_params_value(work->params, same[i].from),
								work->err);
	}
	return status;
}

static AugStatus
run_job(const PanelWork *work, AugJob *job, Training *t)
{
	AugSlice result;
	uint8_t *bytes;
	size_t length;
	AugStatus status = aug_job_run(job, 0, &bytes, &length, work->err);

	if (status != AUG_OK)
		return status;
	result = (AugSlice){bytes, length};
	status = aug_job_merge(job, &result, true, &t->bytes, &t->length, &t->fit, work->err);
	work->host->release(work->host->arg, (void *) (uintptr_t) result.bytes);
	return status;
}

/* Makes rows, grows trees; t->bytes is the caller's to release. */
static AugStatus
train(PanelWork *work, Training *t)
{
	AugArena arena;
	PanelRows rows;
	AugParams *params = NULL;
	AugJob *job = NULL;
	AugStatus status;

	t->bytes = NULL;
	aug_arena_init(&arena, work->host);
	status = aug_panel_rows(work, &arena, t->cut, t->stop, &rows);
	if (status == AUG_OK)
		status = tree_params(work, t, &params);
	if (status == AUG_OK)
		status = aug_job_open(work->host, aug_algorithm_find("gradient_boosting"), &rows.matrix,
							  params, work->seed, NULL, &job, work->err);
	if (status == AUG_OK)
		status = run_job(work, job, t);
	t->n_rows = rows.matrix.n_rows;
	t->n_possible = rows.n_possible;
	aug_job_close(job);
	aug_params_free(params);
	aug_arena_free(&arena);
	return status;
}

/* ---- folds -------------------------------------------------------------- */

typedef struct Fit
{
	PanelWork work;
	AugArena arena;
	AugPanelFit *out;
	const double *levels;
	uint32_t rounds;
	double *mean, *lower, *upper; /* as in AugPanelFit */
	double *spread, *error;		  /* as mean */
	double power;
	char warning[AUG_MESSAGE_SIZE];
} Fit;

/* Members that are learnt from, and those of them with at least so many steps before a cut. */
static void
count_members(const PanelWork *work, size_t cut, size_t least, uint32_t *all, uint32_t *enough)
{
	*all = *enough = 0;
	for (uint32_t i = 0; i < work->panel->n_members; i++)
	{
		size_t n = work->panel->members[i].series.n;

		*all += work->learnt[i] ? 1 : 0;
		*enough += work->learnt[i] && n > cut && n - cut >= least ? 1 : 0;
	}
}

/* Whether at least half of the members have a past before the cut. */
static bool
cut_allowed(const PanelWork *work, size_t cut)
{
	size_t least = 2 * (size_t) (work->shape.main <= LONG_SEASON ? work->shape.main : 1);
	uint32_t all, enough;

	least = least < 2 * AUG_PANEL_LEAST ? 2 * AUG_PANEL_LEAST : least;
	least = least < work->shape.horizon ? work->shape.horizon : least;
	count_members(work, cut, least, &all, &enough);
	return all > 0 && 2 * enough >= all;
}

static AugStatus
find_rounds(Fit *fit, uint32_t n_folds)
{
	PanelWork *work = &fit->work;
	Training t = {.cut = (size_t) n_folds * work->shape.horizon, .stop = true};
	AugStatus status;

	fit->rounds = (uint32_t) aug_param_number(work->params, P_N_TREES);
	fit->out->validation_loss = NAN;
	if (is(work->params, P_EARLY_STOPPING, "none"))
		return AUG_OK;
	t.rounds = fit->rounds;
	if (!cut_allowed(work, t.cut + work->shape.horizon))
		t.cut = 0;
	status = cut_allowed(work, t.cut + work->shape.horizon) ? train(work, &t) : AUG_DATA;
	work->host->release(work->host->arg, t.bytes);
	if (status == AUG_DATA)
	{
		fit->rounds = fit->rounds < SHORT_ROUNDS ? fit->rounds : SHORT_ROUNDS;
		snprintf(fit->warning, sizeof(fit->warning),
				 "the series are too short for early stopping: %u trees", fit->rounds);
		return AUG_OK;
	}
	fit->rounds = t.fit.n_trees;
	fit->out->validation_loss = t.fit.validation_loss;
	return status;
}

/* Forecasts of all members from the origin of fold k. */
static AugStatus
cast_fold(Fit *fit, uint32_t k, const AugModel *model, size_t cut)
{
	PanelWork *work = &fit->work;
	uint32_t horizon = work->shape.horizon;
	AugStatus status = AUG_OK;

	for (uint32_t i = 0; status == AUG_OK && i < work->panel->n_members; i++)
	{
		const AugPanelMember *m = &work->panel->members[i];
		size_t at = ((size_t) i * fit->out->n_folds + k) * horizon, known = 0,
			   n = m->series.n > cut ? m->series.n - cut : 0;

		for (size_t t = 0; t < n && known < AUG_PANEL_LEAST; t++)
			known += isnan(m->series.y[t]) ? 0 : 1;
		for (uint32_t h = 0; h < horizon; h++)
			fit->mean[at + h] = fit->error[at + h] = fit->spread[at + h] = NAN;
		if (known < AUG_PANEL_LEAST)
			continue;
		status = aug_panel_cast(work->host, &work->shape, model, m,
								work->codes + (size_t) i * work->shape.n_statics, n, horizon,
								fit->power, fit->mean + at, fit->spread + at, work->err);
		for (uint32_t h = 0; status == AUG_OK && h < horizon; h++)
		{
			double e = (m->series.y[n + h] - fit->mean[at + h]) / fit->spread[at + h];

			fit->error[at + h] = e;
		}
	}
	return status;
}

static AugStatus
run_fold(Fit *fit, uint32_t k)
{
	PanelWork *work = &fit->work;
	Training t = {.cut = (size_t) (fit->out->n_folds - k) * work->shape.horizon,
				  .rounds = fit->rounds};
	AugModel *model = NULL;
	AugStatus status = train(work, &t);

	if (status == AUG_OK)
		status = aug_model_read(work->host, t.bytes, t.length, &model, work->err);
	work->host->release(work->host->arg, t.bytes);
	if (status == AUG_OK)
		status = cast_fold(fit, k, model, t.cut);
	aug_model_free(model);
	return status;
}

/* Intervals of fold k from the errors of the others. */
static AugStatus
fold_intervals(Fit *fit, uint32_t k, PanelSpread *spread, double *others)
{
	PanelWork *work = &fit->work;
	uint32_t horizon = work->shape.horizon, n_folds = fit->out->n_folds;
	size_t n = (size_t) work->panel->n_members * n_folds, size = n * horizon;
	AugStatus status;

	for (size_t i = 0; i < size; i++)
		others[i] = i / horizon % n_folds == k ? NAN : fit->error[i];
	status = aug_panel_spread_fit(work, others, n, horizon, spread);
	for (size_t i = 0; status == AUG_OK && i < size; i++)
	{
		for (uint32_t l = 0; i / horizon % n_folds == k && l < fit->out->n_levels; l++)
		{
			double *lower = fit->lower + l * size + i, *upper = fit->upper + l * size + i;

			aug_panel_interval(spread, horizon, (uint32_t) (i % horizon) + 1, fit->mean[i],
							   fit->spread[i], fit->levels[l], lower, upper);
			*lower = aug_bounded(&work->bounds, 1, *lower, floor);
			*upper = aug_bounded(&work->bounds, 1, *upper, ceil);
		}
		if (i % 1024 == 1023 && aug_panel_tick(work, 256))
			status = aug_fail_cancelled(work->err);
	}
	return status;
}

/* All folds, and the quantiles of their errors. */
static AugStatus
run_folds(Fit *fit, PanelSpread *spread)
{
	PanelWork *work = &fit->work;
	uint32_t n_folds = fit->out->n_folds;
	size_t n = (size_t) work->panel->n_members * n_folds, size = n * work->shape.horizon;
	double *others = aug_arena_alloc(&fit->arena, size, sizeof(double));
	AugStatus status = AUG_OK;

	fit->error = aug_arena_alloc(&fit->arena, size, sizeof(double));
	fit->spread = aug_arena_alloc(&fit->arena, size, sizeof(double));
	if (others == NULL || fit->error == NULL || fit->spread == NULL)
		return aug_fail_nomem(work->err, size * sizeof(double));
	for (uint32_t k = 0; status == AUG_OK && k < n_folds; k++)
		status = run_fold(fit, k);
	for (uint32_t k = 0; status == AUG_OK && k < n_folds; k++)
		status = fold_intervals(fit, k, spread, others);
	if (status == AUG_OK)
		status = aug_panel_spread_fit(work, fit->error, n, work->shape.horizon, spread);
	for (size_t i = 0; status == AUG_OK && i < size; i++)
	{
		fit->mean[i] = aug_bounded(&work->bounds, 1, fit->mean[i], round);
		if (i % 1024 == 1023 && aug_panel_tick(work, 64))
			status = aug_fail_cancelled(work->err);
	}
	return status;
}

/* ---- the whole ---------------------------------------------------------- */

/* The result with room for the folds. */
static AugStatus
open_out(Fit *fit, uint32_t n_folds, uint32_t n_levels)
{
	const PanelWork *work = &fit->work;
	size_t n = (size_t) n_folds * work->shape.horizon, each = n * (1 + 2 * (size_t) n_levels), size;
	double *at;

	/* members times a number below 2^37 */
	if (each > 0 && work->panel->n_members > (SIZE_MAX - sizeof(AugPanelFit)) / 8 / each)
		return aug_fail_nomem(work->err, SIZE_MAX);
	size = work->panel->n_members * each;
	fit->out = work->host->alloc(work->host->arg, sizeof(AugPanelFit) + size * sizeof(double));
	if (fit->out == NULL)
		return aug_fail_nomem(work->err, size * sizeof(double));
	memset(fit->out, 0, sizeof(AugPanelFit));
	at = (double *) (fit->out + 1);
	size = work->panel->n_members * n;
	fit->out->mean = fit->mean = at;
	fit->out->lower = fit->lower = at + size;
	fit->out->upper = fit->upper = at + size * (1 + (size_t) n_levels);
	fit->out->horizon = work->shape.horizon;
	fit->out->direct = work->shape.direct;
	fit->out->n_folds = n_folds;
	fit->out->n_levels = n_levels;
	return AUG_OK;
}

static AugStatus
finish_fit(Fit *fit, const PanelSpread *spread)
{
	PanelWork *work = &fit->work;
	Training t = {.rounds = fit->rounds};
	uint8_t *bytes;
	size_t length;
	uint32_t enough;
	AugStatus status = train(work, &t);

	if (status == AUG_OK)
		status = aug_panel_store(work, spread, (AugSlice){t.bytes, t.length}, &bytes, &length);
	work->host->release(work->host->arg, t.bytes);
	if (status != AUG_OK)
		return status;
	fit->out->artifact = (AugSlice){bytes, length};
	fit->out->n_rounds = t.fit.n_trees;
	fit->out->n_rows = t.n_rows;
	fit->out->n_possible = t.n_possible;
	count_members(work, 0, 0, &fit->out->n_learnt, &enough);
	memcpy(fit->out->warning, fit->warning, sizeof(fit->warning));
	return AUG_OK;
}

static AugStatus
run_all(Fit *fit, uint32_t horizon, uint32_t n_levels)
{
	PanelWork *work = &fit->work;
	uint32_t n_folds = (uint32_t) aug_param_number(work->params, P_FOLDS);
	PanelSpread *spread = aug_arena_zero(&fit->arena, 1, sizeof(PanelSpread));
	AugStatus status = spread == NULL ? aug_fail_nomem(work->err, sizeof(PanelSpread))
									  : open_shape(work, horizon, &fit->power);

	if (status == AUG_OK)
		status = aug_panel_open(work);
	if (status != AUG_OK)
		return status;
	while (n_folds > 0 && !cut_allowed(work, (size_t) n_folds * horizon))
		n_folds--;
	if (n_folds == 0 && aug_param_number(work->params, P_FOLDS) > 0)
		snprintf(fit->warning, sizeof(fit->warning),
				 "the series are too short for errors from rolling origins: no intervals");
	spread->power = fit->power;
	status = open_out(fit, n_folds, n_levels);
	if (status == AUG_OK)
		status = find_rounds(fit, n_folds);
	if (status == AUG_OK && n_folds > 0)
		status = run_folds(fit, spread);
	if (status == AUG_OK)
		status = finish_fit(fit, spread);
	return status;
}

AugStatus
aug_panel_fit(const AugHost *host, const AugPanel *panel, const AugParams *params, uint32_t horizon,
			  uint32_t n_levels, const double *levels, uint64_t seed, AugPanelFit **out,
			  AugError *err)
{
	Fit fit;
	AugStatus status = check_sizes(panel, horizon, n_levels, levels, err);

	*out = NULL;
	if (status != AUG_OK)
		return status;
	memset(&fit, 0, sizeof(fit));
	aug_arena_init(&fit.arena, host);
	fit.work = (PanelWork){.host = host,
						   .arena = &fit.arena,
						   .panel = panel,
						   .params = params,
						   .seed = seed,
						   .err = err};
	fit.levels = levels;
	status = aug_bounds_read(params, &fit.work.bounds, err);
	if (status == AUG_OK)
		status = run_all(&fit, horizon, n_levels);
	aug_arena_free(&fit.arena);
	if (status == AUG_OK)
		*out = fit.out;
	else
		aug_panel_fit_free(host, fit.out);
	return status;
}

void
aug_panel_fit_free(const AugHost *host, AugPanelFit *fit)
{
	if (fit == NULL)
		return;
	host->release(host->arg, (void *) (uintptr_t) fit->artifact.bytes);
	host->release(host->arg, fit);
}
