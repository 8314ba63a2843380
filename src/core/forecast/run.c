/*-------------------------------------------------------------------------
 *
 * run.c
 *		One series from its values to a forecast: the way of every request.
 *
 * Steps: options are checked; outliers are replaced and values transformed, if asked for;
 * the method asked for is fitted, or the next simpler one where the data do not allow it
 * (the chain below, each refusal told in "fallback"); forecasts and intervals are made,
 * cut at the bounds and rounded; all is copied into one block of the host.
 *
 * Memory: one arena for the work, one block for the result.  Interrupts: those of
 * the methods.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../params.h"
#include "decompose.h"

/* What is tried after the method asked for; the last one takes any value. */
static const char *const chain[] = {"seasonal_naive", "naive"};

typedef struct Run
{
	AugCast cast;
	AugArena arena;
	const AugSeries *asked; /* as the host gave it, or cleaned */
	AugSeries cleaned, transformed;
	AugSeries series; /* missing values as the method wants them */
	double *filled;	  /* interpolated y, made when first wanted */
	const AugForecastOptions *options;
	const AugForecaster *by; /* what is fitted first */
	AugForm form;			 /* given, when options->keep */
	double lambda;			 /* of the transformation, when asked->transformed */
	AugFitted fitted;
	char fallback[AUG_MESSAGE_SIZE];
	char warning[AUG_MESSAGE_SIZE];
	uint32_t n_observed;
	double *mean, *variance, *lower, *upper;
	AugBounds bounds;
} Run;

bool
aug_cast_stop(AugCast *cast)
{
	if (!cast->host->poll(cast->host->arg, -1))
		return false;
	aug_fail_cancelled(cast->err);
	return true;
}

double *
aug_cast_doubles(AugCast *cast, size_t n)
{
	double *p = aug_arena_zero(cast->arena, n > 0 ? n : 1, sizeof(double));

	if (p == NULL)
		aug_fail_nomem(cast->err, n * sizeof(double));
	return p;
}

static AugStatus
check_options(const AugSeries *s, const AugForecastOptions *o, AugBounds *bounds, AugError *err)
{
	if (o->params->algorithm != aug_forecast_about())
		return aug_fail(err, AUG_INTERNAL, "these are not the options of forecasting");
	if (o->horizon > AUG_MAX_HORIZON)
		return aug_fail(err, AUG_INVALID, "horizon must be at most %d", AUG_MAX_HORIZON);
	if (o->n_levels > AUG_MAX_LEVELS_ASKED)
		return aug_fail(err, AUG_INVALID, "at most %d levels can be asked for",
						AUG_MAX_LEVELS_ASKED);
	for (uint32_t i = 0; i < o->n_levels; i++)
	{
		if (!(o->levels[i] > 0 && o->levels[i] < 1))
			return aug_fail(err, AUG_INVALID, "level must be above 0 and below 1");
		if (i > 0 && o->levels[i] <= o->levels[i - 1])
			return aug_fail(err, AUG_INVALID, "levels must ascend");
	}
	for (uint32_t i = 0; i < s->n_periods; i++)
	{
		if (s->period[i] < 2 || s->period[i] > AUG_MAX_PERIOD ||
			(i > 0 && s->period[i] <= s->period[i - 1]))
			return aug_fail(err, AUG_INVALID, "season lengths must ascend from 2 to %d",
							AUG_MAX_PERIOD);
	}
	if (s->n_regressors > 0 && s->n_x < s->n + o->horizon)
		return aug_fail(err, AUG_INVALID, "regressors are known for %zu of %zu steps", s->n_x,
						s->n + o->horizon);
	return aug_bounds_read(o->params, bounds, err);
}

/* Options that the method would not look at are errors, so that none is ignored. */
static AugStatus
check_used(const AugParams *params, const AugForecaster *by, AugError *err)
{
	const AugAlgorithm *about = aug_forecast_about();

	for (uint32_t i = 0; by != NULL && i < F_COUNT; i++)
	{
		const AugParamSpec *spec = &about->params[i];

		if (((AUG_COMMON_OPTIONS | by->options) & AUG_OPTION(i)) != 0 ||
			strcmp(aug_params_value(params, i), spec->fallback) == 0)
			continue;
		aug_fail(err, AUG_INVALID, "forecasting method \"%s\" does not use option \"%s\"",
				 by->about.name, spec->name);
		aug_hint(err, "Leave it out, or set it to %s.", spec->fallback);
		return AUG_INVALID;
	}
	return AUG_OK;
}

void
aug_interpolate(const double *y, size_t n, double *out)
{
	size_t last = n; /* of the last value seen, n: none yet */

	for (size_t t = 0; t < n; t++)
	{
		if (isnan(y[t]))
			continue;
		for (size_t i = last == n ? 0 : last + 1; i < t; i++)
			out[i] = last == n
						 ? y[t]
						 : y[last] + (y[t] - y[last]) * ((double) (i - last) / (double) (t - last));
		out[t] = y[t];
		last = t;
	}
	for (size_t t = last + 1; last < n && t < n; t++)
		out[t] = y[last];
}

/* The series as the method takes it. */
static AugStatus
offer(Run *run, const AugForecaster *by)
{
	run->series = *run->asked;
	if (by->missing || run->n_observed == run->asked->n || run->n_observed == 0)
		return AUG_OK;
	if (run->filled == NULL)
	{
		run->filled = aug_cast_doubles(&run->cast, run->asked->n);
		if (run->filled == NULL)
			return AUG_NOMEM;
		aug_interpolate(run->asked->y, run->asked->n, run->filled);
	}
	run->series.y = run->filled;
	return AUG_OK;
}

/*
 * Fits and forecasts with one method.  *why is set when the data do not allow it.
 */
static AugStatus
attempt(Run *run, const AugForecaster *by, const AugForm *form, char *why)
{
	const AugForecastOptions *o = run->options;
	AugError *err = run->cast.err;
	const char *refusal;
	AugStatus status = offer(run, by);

	why[0] = '\0';
	if (status != AUG_OK)
		return status;
	refusal = by->refuses(&run->cast, &run->series);
	if (refusal != NULL)
	{
		snprintf(why, AUG_MESSAGE_SIZE, "%s", refusal);
		return AUG_OK;
	}
	memset(&run->fitted, 0, sizeof(run->fitted));
	run->fitted.by = by;
	run->fitted.aicc = run->fitted.log_likelihood = run->fitted.sigma2 = NAN;
	status = by->fit(&run->cast, &run->series, form, form == NULL ? AUG_KEEP_NOTHING : o->keep,
					 &run->fitted);
	if (status == AUG_OK && o->horizon > 0)
		status = by->forecast(&run->cast, &run->series, &run->fitted, o->horizon, run->mean,
							  run->variance);
	if (status == AUG_DATA || status == AUG_NUMERIC)
	{
		snprintf(why, AUG_MESSAGE_SIZE, "%s", err->message);
		return AUG_OK;
	}
	for (uint32_t h = 0; status == AUG_OK && h < o->horizon; h++)
	{
		if (!isfinite(run->mean[h]) ||
			(run->asked->transformed && !isfinite(aug_box_cox_inverse(run->mean[h], run->lambda))))
			snprintf(why, AUG_MESSAGE_SIZE, "forecast is out of range");
	}
	return status;
}

/* Adds "method: why" to the list of what did not work. */
static void
note_fallback(Run *run, const char *name, const char *why)
{
	size_t used = strlen(run->fallback);

	snprintf(run->fallback + used, sizeof(run->fallback) - used, "%s%s %s", used > 0 ? "; " : "",
			 name, why);
}

/* The method to fit, and its form when one is kept. */
static AugStatus
find_method(Run *run)
{
	const AugForecastOptions *o = run->options;
	const AugForecaster *asked = aug_forecaster_find(aug_params_value(o->params, F_METHOD));
	AugStatus status = AUG_OK;

	if (o->keep == AUG_KEEP_NOTHING)
		run->by = asked;
	else
	{
		AugReader r = {o->form.bytes, o->form.bytes + o->form.length, false};

		status = aug_form_read(&run->cast, &r, &run->by, &run->form);
	}
	/* a form may be one that was fallen back to: options are those of the method asked for */
	return status == AUG_OK ? check_used(o->params, asked, run->cast.err) : status;
}

static AugStatus
fit_any(Run *run)
{
	const AugForecaster *by = run->by;
	const AugForm *given = run->options->keep == AUG_KEEP_NOTHING ? NULL : &run->form;
	char why[AUG_MESSAGE_SIZE];
	bool tried = given == NULL; /* run->by, without a form */

	for (size_t i = 0;; i++)
	{
		if (by != NULL)
		{
			AugStatus status = attempt(run, by, given, why);

			if (status != AUG_OK || why[0] == '\0')
				return status;
			note_fallback(run, by->about.name, why);
		}
		given = NULL;
		if (i == sizeof(chain) / sizeof(chain[0]))
			return aug_fail(run->cast.err, AUG_INTERNAL, "no method fits the series");
		by = aug_forecaster_find(chain[i]);
		/* what failed is neither tried nor told twice */
		if (by == run->by && tried)
			by = NULL;
	}
}

/* Fitted values, their variance and AICc on the scale of the values. */
static void
fitted_back(Run *run, const AugSeries *before)
{
	AugFitted *f = &run->fitted;
	double squares = 0, logs = 0, n = 0;

	for (size_t t = 0; t < before->n; t++)
	{
		double e;

		f->fitted[t] = aug_box_cox_inverse(f->fitted[t], run->lambda);
		e = before->y[t] - f->fitted[t];
		logs += isnan(before->y[t]) ? 0 : log(before->y[t]);
		if (isnan(e))
			continue;
		squares += e * e;
		n++;
	}
	f->sigma2 = n > 0 ? squares / fmax(n - f->n_parameters, 1) : NAN;
	/* the Jacobian of the transformation */
	f->aicc -= 2 * (run->lambda - 1) * logs;
	f->log_likelihood += (run->lambda - 1) * logs;
}

/* Of the transformed scale: the medians and quantiles of forecasts are mapped. */
static void
transform_back(Run *run, double *v, size_t n)
{
	for (size_t i = 0; run->asked->transformed && i < n; i++)
		v[i] = aug_box_cox_inverse(v[i], run->lambda);
}

static AugStatus
finish(Run *run)
{
	const AugForecastOptions *o = run->options;
	double df = HUGE_VAL;

	if (o->n_levels > 0 && o->horizon > 0 && run->fitted.by != NULL &&
		aug_param_choice(o->params, F_INTERVALS) != F_INTERVALS_MODEL)
	{
		AugStatus status = aug_interval_calibrate(&run->cast, &run->series, &run->fitted,
												  o->horizon, run->variance);

		if (status != AUG_OK)
			return status;
		df = (double) run->n_observed - run->fitted.n_parameters;
	}

	for (uint32_t k = 0; k < o->n_levels; k++)
	{
		double *lower = run->lower + (size_t) k * o->horizon;
		double *upper = run->upper + (size_t) k * o->horizon;

		aug_interval(run->mean, run->variance, o->horizon, o->levels[k], df, lower, upper);
		transform_back(run, lower, o->horizon);
		transform_back(run, upper, o->horizon);
		for (uint32_t h = 0; h < o->horizon; h++)
		{
			lower[h] = aug_bounded(&run->bounds, 1, lower[h], floor);
			upper[h] = aug_bounded(&run->bounds, 1, upper[h], ceil);
		}
	}
	transform_back(run, run->mean, o->horizon);
	for (uint32_t h = 0; h < o->horizon; h++)
		run->mean[h] = aug_bounded(&run->bounds, 1, run->mean[h], round);
	return AUG_OK;
}

static AugStatus
no_values(Run *run)
{
	run->fitted.fitted = aug_cast_doubles(&run->cast, run->asked->n);
	if (run->fitted.fitted == NULL)
		return AUG_NOMEM;
	for (size_t t = 0; t < run->asked->n; t++)
		run->fitted.fitted[t] = NAN;
	for (uint32_t h = 0; h < run->options->horizon; h++)
		run->mean[h] = run->variance[h] = NAN;
	snprintf(run->fitted.label, sizeof(run->fitted.label), "none");
	snprintf(run->fallback, sizeof(run->fallback), "the series has no values");
	run->fitted.sigma2 = run->fitted.aicc = NAN;
	return AUG_OK;
}

/* Copies the result into one block of the host: arrays, then the form's bytes. */
static AugStatus
pack(Run *run, AugForecast **out)
{
	const AugForecastOptions *o = run->options;
	const AugHost *host = run->cast.host;
	size_t h = o->horizon, levels = (size_t) o->n_levels * h, n = run->asked->n;
	AugWriter form;
	AugForecast *f;
	double *at;
	size_t size;

	aug_writer_init(&form, host);
	if (run->fitted.by != NULL)
		aug_form_write(&form, &run->fitted);
	size = sizeof(AugForecast) + (h + 2 * levels + n) * sizeof(double) + form.length;
	f = form.failed ? NULL : host->alloc(host->arg, size);
	if (f == NULL)
	{
		aug_writer_free(&form);
		return aug_fail_nomem(run->cast.err, size);
	}
	memset(f, 0, sizeof(*f));
	at = (double *) (f + 1);
	f->horizon = o->horizon;
	f->n_levels = o->n_levels;
	f->n = n;
	f->mean = memcpy(at, run->mean, h * sizeof(double));
	f->lower = memcpy(at + h, run->lower, levels * sizeof(double));
	f->upper = memcpy(at + h + levels, run->upper, levels * sizeof(double));
	f->fitted = memcpy(at + h + 2 * levels, run->fitted.fitted, n * sizeof(double));
	if (form.length > 0)
		memcpy(at + h + 2 * levels + n, form.bytes, form.length);
	f->form = (AugSlice){(const uint8_t *) (at + h + 2 * levels + n), form.length};
	f->sigma = sqrt(run->fitted.sigma2);
	f->aicc = run->fitted.aicc;
	f->n_observed = run->n_observed;
	memcpy(f->method, run->fitted.label, sizeof(f->method));
	memcpy(f->fallback, run->fallback, sizeof(f->fallback));
	memcpy(f->reason, run->fitted.reason, sizeof(f->reason));
	/* the method's own warning, if any, after what was done to the series */
	snprintf(f->warning, sizeof(f->warning), "%.120s%s%.120s", run->warning,
			 run->warning[0] != '\0' && run->fitted.warning[0] != '\0' ? "; " : "",
			 run->fitted.warning);
	aug_writer_free(&form);
	*out = f;
	return AUG_OK;
}

static AugStatus
take_room(Run *run)
{
	size_t h = run->options->horizon, levels = run->options->n_levels;

	run->mean = aug_cast_doubles(&run->cast, h);
	run->variance = aug_cast_doubles(&run->cast, h);
	run->lower = aug_cast_doubles(&run->cast, h * levels);
	run->upper = aug_cast_doubles(&run->cast, h * levels);
	return run->mean == NULL || run->variance == NULL || run->lower == NULL || run->upper == NULL
			   ? AUG_NOMEM
			   : AUG_OK;
}

/* Replaces outliers, where that was asked for. */
static AugStatus
clean(Run *run)
{
	size_t n_outliers;
	double *y;
	AugStatus status;

	if (aug_param_choice(run->options->params, F_OUTLIERS) != F_OUTLIERS_CLEAN)
		return AUG_OK;
	y = aug_cast_doubles(&run->cast, run->asked->n);
	if (y == NULL)
		return AUG_NOMEM;
	status = aug_clean(&run->cast, run->asked, y, &n_outliers);
	if (status == AUG_NUMERIC || status == AUG_DATA)
	{
		snprintf(run->warning, sizeof(run->warning), "outliers were not looked for: %.200s",
				 run->cast.err->message);
		return AUG_OK;
	}
	if (status != AUG_OK || n_outliers == 0)
		return status;
	run->cleaned = *run->asked;
	run->cleaned.y = y;
	run->asked = &run->cleaned;
	snprintf(run->warning, sizeof(run->warning), "%zu outlier%s replaced", n_outliers,
			 n_outliers == 1 ? " was" : "s were");
	return AUG_OK;
}

/* Adds to what was done to the series. */
static void
warn(Run *run, const char *what)
{
	size_t used = strlen(run->warning);

	snprintf(run->warning + used, sizeof(run->warning) - used, "%s%s", used > 0 ? "; " : "", what);
}

/* Lambda as it is kept or asked for; *wanted false when nothing is to be transformed here. */
static AugStatus
choose_lambda(Run *run, bool *wanted)
{
	const AugParams *params = run->options->params;
	int choice = aug_param_choice(params, F_TRANSFORM);
	bool kept = run->options->keep != AUG_KEEP_NOTHING;

	*wanted = kept ? run->form.transformed : choice != F_AUTO && choice != F_TRANSFORM_NONE;
	/* mstl has a place for lambda in its own form */
	if (!kept && choice != F_TRANSFORM_BOX && run->by == &aug_forecaster_mstl)
		*wanted = false;
	if (!*wanted)
		return AUG_OK;
	for (size_t t = 0; t < run->asked->n; t++)
	{
		if (!(run->asked->y[t] <= 0))
			continue;
		warn(run, "values were not transformed: some are not above 0");
		*wanted = false;
		return AUG_OK;
	}
	run->lambda = kept ? run->form.lambda : choice < 0 ? aug_param_number(params, F_TRANSFORM) : 0;
	return kept || choice != F_TRANSFORM_BOX ? AUG_OK
											 : aug_guerrero(&run->cast, run->asked, &run->lambda);
}

/* Transforms the values, where that was asked for. */
static AugStatus
transform(Run *run)
{
	bool wanted;
	double *y;
	AugStatus status = choose_lambda(run, &wanted);

	if (status != AUG_OK || !wanted)
		return status;
	y = aug_cast_doubles(&run->cast, run->asked->n);
	if (y == NULL)
		return AUG_NOMEM;
	for (size_t t = 0; t < run->asked->n; t++)
	{
		y[t] = aug_box_cox(run->asked->y[t], run->lambda);
		if (isnan(run->asked->y[t]) || isfinite(y[t]))
			continue;
		warn(run, "values were not transformed: some are too large");
		return AUG_OK;
	}
	run->transformed = *run->asked;
	run->transformed.y = y;
	run->transformed.transformed = true;
	run->asked = &run->transformed;
	return AUG_OK;
}

/* Fits on the transformed scale, makes intervals there, and goes back. */
static AugStatus
forecast(Run *run)
{
	const AugSeries *before = run->asked;
	AugStatus status = find_method(run);

	if (status == AUG_OK)
		status = transform(run);
	if (status != AUG_OK)
		return status;
	status = fit_any(run);
	if (status == AUG_OK)
		status = finish(run);
	if (status != AUG_OK || !run->asked->transformed)
		return status;
	run->fitted.form.transformed = true;
	run->fitted.form.lambda = run->lambda;
	fitted_back(run, before);
	run->asked = before;
	return AUG_OK;
}

AugStatus
aug_forecast_run(const AugHost *host, const AugSeries *series, const AugForecastOptions *options,
				 AugForecast **out, AugError *err)
{
	Run run;
	AugBounds bounds;
	AugStatus status = check_options(series, options, &bounds, err);

	*out = NULL;
	if (status != AUG_OK)
		return status;
	memset(&run, 0, sizeof(run));
	aug_arena_init(&run.arena, host);
	run.cast = (AugCast){host, &run.arena, options->params, options->seed, err};
	run.asked = series;
	run.options = options;
	run.bounds = bounds;
	for (size_t t = 0; t < series->n; t++)
		run.n_observed += isnan(series->y[t]) ? 0 : 1;
	status = take_room(&run);
	if (status == AUG_OK)
		status = clean(&run);
	if (status == AUG_OK)
		status = run.n_observed > 0 ? forecast(&run) : no_values(&run);
	if (status == AUG_OK && run.n_observed == 0)
		status = finish(&run);
	if (status == AUG_OK)
		status = pack(&run, out);
	aug_arena_free(&run.arena);
	return status;
}

void
aug_forecast_free(const AugHost *host, AugForecast *forecast)
{
	host->release(host->arg, forecast);
}
