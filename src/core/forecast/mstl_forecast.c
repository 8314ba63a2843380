/*-------------------------------------------------------------------------
 *
 * mstl_forecast.c
 *		The method "mstl": the series without its seasons forecast by another method,
 *		and the last cycle of each season repeated.
 *
 * Hyndman, Athanasopoulos: Forecasting: Principles and Practice, 3rd edition, 5.7
 * (forecasting with decomposition) and 13.1 (several seasons); Bandara, Hyndman,
 * Bergmeir 2021 (mstl.c).  Positive values may be decomposed as logarithms or another
 * power: the season then grows with the level.  Without being told, logarithms are
 * taken where the likelihood of the remainder says so (Box, Cox 1964, section 3).
 *
 * A form keeps the seasons, the power and the form of the inner method; the seasonal
 * parts themselves are computed from the series again.
 *
 * Memory: the cast's arena.  Interrupts: those of STL and of the inner method.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "decompose.h"

/* codes of the form; values: lambda, then the inner form: its codes, then its values */
enum
{
	C_PERIODS, /* how many, then AUG_MAX_PERIODS of them */
	C_FIRST_PERIOD,
	C_TRANSFORMED = C_FIRST_PERIOD + AUG_MAX_PERIODS,
	C_INNER, /* index in inner_names + 1 */
	C_USED
};
#define OWN_VALUES (1 + AUG_FORM_CODES)

/* Methods that can forecast the rest.  Stored in forms by their place: add at the end. */
static const char *const inner_names[] = {"ets", "drift", "naive", "arima", "dotm"};
#define N_INNER ((int) (sizeof(inner_names) / sizeof(inner_names[0])))

/*
 * What "auto" tries, in order, and from how many values on.  Errors of the hours that follow
 * one another are alike: with ARIMA the error on the last days of the training parts of
 * M4's hourly series is 7 % below that with exponential smoothing.
 */
static const struct
{
	const char *name;
	size_t least;
} automatic[] = {{"arima", 200}, {"ets", 0}, {"drift", 0}, {"naive", 0}};
#define N_AUTO ((int) (sizeof(automatic) / sizeof(automatic[0])))

typedef struct Mstl
{
	bool transformed;
	double lambda;
	AugParts parts;	  /* of the transformed series */
	AugSeries series; /* the transformed series without its seasons */
	AugFitted inner;
} Mstl;

static const char *
mstl_refuses(const AugCast *cast, const AugSeries *s)
{
	(void) cast;
	if (s->n_periods == 0)
		return "needs a season";
	if (s->n <= 2 * (size_t) s->period[0])
		return "needs more than two full seasons";
	return NULL;
}

static bool
all_positive(const double *y, size_t n)
{
	for (size_t t = 0; t < n; t++)
	{
		if (y[t] <= 0)
			return false;
	}
	return true;
}

/*
 * -2 log likelihood of the remainder as normal noise, up to a constant; for the
 * logarithms as that of the values themselves.
 */
static double
deviance(const AugParts *parts, const double *y, bool logarithms)
{
	double square = 0, logs = 0, count = 0;

	for (size_t t = 0; t < parts->n; t++)
	{
		if (isnan(y[t]))
			continue;
		square += parts->remainder[t] * parts->remainder[t];
		logs += logarithms ? log(y[t]) : 0;
		count++;
	}
	return count * log(square / count) + 2 * logs;
}

static AugStatus
decompose_as(AugCast *cast, const AugSeries *s, bool transformed, double lambda, AugParts *out)
{
	double *v = aug_cast_doubles(cast, s->n);

	if (v == NULL)
		return AUG_NOMEM;
	for (size_t t = 0; t < s->n; t++)
		v[t] = transformed ? aug_box_cox(s->y[t], lambda) : s->y[t];
	return aug_mstl(cast, v, s->n, s->n_periods, s->period, false, out);
}

/* Chooses between values and logarithms, or does what was asked for. */
static AugStatus
decompose(AugCast *cast, const AugSeries *s, Mstl *m)
{
	int choice = s->transformed ? F_TRANSFORM_NONE : aug_param_choice(cast->params, F_TRANSFORM);
	bool positive = all_positive(s->y, s->n);
	AugParts logs;
	AugStatus status;

	if (choice != F_AUTO)
	{
		m->transformed = choice != F_TRANSFORM_NONE;
		m->lambda = choice < 0 ? aug_param_number(cast->params, F_TRANSFORM) : 0;
	}
	if (m->transformed && !positive)
		return aug_fail(cast->err, AUG_DATA, "needs values above 0 for its transformation");
	status = decompose_as(cast, s, m->transformed, m->lambda, &m->parts);
	if (status != AUG_OK || choice != F_AUTO || !positive)
		return status;
	status = decompose_as(cast, s, true, 0, &logs);
	if (status != AUG_OK)
		return status == AUG_NUMERIC ? AUG_OK : status;
	if (deviance(&logs, s->y, true) < deviance(&m->parts, s->y, false))
	{
		m->transformed = true;
		m->parts = logs;
	}
	return AUG_OK;
}

/* The seasonal parts of step t together; after the end the last cycle goes on. */
static double
season_at(const AugParts *parts, size_t t)
{
	double sum = 0;

	for (uint32_t i = 0; i < parts->n_periods; i++)
	{
		size_t m = parts->period[i];

		sum += parts->seasonal[i][t < parts->n ? t : parts->n - m + (t - parts->n) % m];
	}
	return sum;
}

/* Series without the seasons: complete, or with its gaps where the method wants them. */
static AugStatus
adjust(AugCast *cast, const AugSeries *s, bool with_gaps, Mstl *m)
{
	double *v = aug_cast_doubles(cast, s->n);

	if (v == NULL)
		return AUG_NOMEM;
	for (size_t t = 0; t < s->n; t++)
		v[t] = with_gaps && isnan(s->y[t]) ? NAN : m->parts.whole[t] - season_at(&m->parts, t);
	m->series = (AugSeries){.n = s->n, .y = v};
	return AUG_OK;
}

/* Fits the rest with one method; AUG_DATA and AUG_NUMERIC: it cannot. */
static AugStatus
fit_inner(AugCast *cast, const AugSeries *s, const char *name, const AugForm *given, AugKeep keep,
		  Mstl *m)
{
	const AugForecaster *by = aug_forecaster_find(name);
	const char *refusal;
	AugStatus status;

	if (by == NULL)
		return aug_fail(cast->err, AUG_DATA, "has no method %s for its trend", name);
	status = adjust(cast, s, by->missing, m);
	if (status != AUG_OK)
		return status;
	refusal = by->refuses(cast, &m->series);
	if (refusal != NULL)
		return aug_fail(cast->err, AUG_DATA, "cannot forecast its trend: %s %s", name, refusal);
	memset(&m->inner, 0, sizeof(m->inner));
	m->inner.by = by;
	m->inner.aicc = m->inner.log_likelihood = m->inner.sigma2 = NAN;
	return by->fit(cast, &m->series, given, keep, &m->inner);
}

/* An option that was set and that the inner method would not look at, NULL: none. */
static const char *
unused_option(const AugCast *cast, const AugForecaster *by)
{
	const AugAlgorithm *about = aug_forecast_about();
	uint64_t others = (AUG_ETS_OPTIONS | AUG_ARIMA_OPTIONS) & ~by->options;

	for (uint32_t i = 0; i < F_COUNT; i++)
	{
		if ((others & AUG_OPTION(i)) != 0 &&
			strcmp(aug_params_value(cast->params, i), about->params[i].fallback) != 0)
			return about->params[i].name;
	}
	return NULL;
}

static AugStatus
search_inner(AugCast *cast, const AugSeries *s, Mstl *m)
{
	int choice = aug_param_choice(cast->params, F_MSTL_TREND);
	const char *asked = aug_params_value(cast->params, F_MSTL_TREND), *unused = NULL;
	AugStatus status = AUG_INVALID;

	for (int i = 0; i < (choice == F_AUTO ? N_AUTO : 1); i++)
	{
		const char *name = choice == F_AUTO ? automatic[i].name : asked;
		const AugForecaster *by = aug_forecaster_find(name);
		const char *option = by == NULL ? NULL : unused_option(cast, by);

		if (option != NULL)
		{
			unused = unused == NULL ? option : unused;
			continue;
		}
		/* an option of the method itself is a reason to take it */
		if (choice == F_AUTO && s->n < automatic[i].least)
		{
			const AugForecaster *next = aug_forecaster_find(automatic[i + 1].name);

			if (next == NULL || unused_option(cast, next) == NULL)
				continue;
		}
		status = fit_inner(cast, s, name, NULL, AUG_KEEP_NOTHING, m);
		if (status != AUG_DATA && status != AUG_NUMERIC)
			return status;
	}
	if (status == AUG_INVALID)
		return aug_fail(cast->err, AUG_INVALID, "mstl_trend \"%s\" does not use option \"%s\"",
						asked, unused);
	return status;
}

/* ---- forms ------------------------------------------------------------------ */

static AugStatus
write_form(AugCast *cast, const AugSeries *s, const Mstl *m, AugForm *form)
{
	const AugForm *inner = &m->inner.form;

	memset(form, 0, sizeof(*form));
	form->code[C_PERIODS] = (int32_t) s->n_periods;
	for (uint32_t i = 0; i < s->n_periods; i++)
		form->code[C_FIRST_PERIOD + i] = (int32_t) s->period[i];
	form->code[C_TRANSFORMED] = m->transformed;
	for (int i = 0; i < N_INNER; i++)
	{
		if (strcmp(m->inner.by->about.name, inner_names[i]) == 0)
			form->code[C_INNER] = i + 1;
	}
	form->n_values = OWN_VALUES + inner->n_values;
	form->values = aug_cast_doubles(cast, form->n_values);
	if (form->values == NULL)
		return AUG_NOMEM;
	form->values[0] = m->lambda;
	for (int i = 0; i < AUG_FORM_CODES; i++)
		form->values[1 + i] = inner->code[i];
	for (uint32_t i = 0; i < inner->n_values; i++)
		form->values[OWN_VALUES + i] = inner->values[i];
	return AUG_OK;
}

/* The parts of an untrusted form: seasons into s, power into m, *inner and its name. */
static bool
read_form(const AugForm *form, AugSeries *s, Mstl *m, const char **name, AugForm *inner)
{
	const int32_t *code = form->code;

	if (code[C_PERIODS] < 1 || code[C_PERIODS] > AUG_MAX_PERIODS || form->n_values < OWN_VALUES ||
		(code[C_TRANSFORMED] & ~1) != 0 || code[C_INNER] < 1 || code[C_INNER] > N_INNER ||
		!(form->values[0] >= -1 && form->values[0] <= 2))
		return false;
	s->n_periods = (uint32_t) code[C_PERIODS];
	for (uint32_t i = 0; i < s->n_periods; i++)
	{
		int32_t period = code[C_FIRST_PERIOD + i];

		if (period < 2 || period > AUG_MAX_PERIOD ||
			(i > 0 && (uint32_t) period <= s->period[i - 1]))
			return false;
		s->period[i] = (uint32_t) period;
	}
	m->transformed = code[C_TRANSFORMED] != 0;
	m->lambda = form->values[0];
	*name = inner_names[code[C_INNER] - 1];
	for (int i = 0; i < AUG_FORM_CODES; i++)
	{
		double v = form->values[1 + i];

		if (!(v >= INT32_MIN && v <= INT32_MAX) || v != floor(v))
			return false;
		inner->code[i] = (int32_t) v;
	}
	inner->n_values = form->n_values - OWN_VALUES;
	inner->values = form->values + OWN_VALUES;
	return true;
}

static AugStatus
fit_given(AugCast *cast, AugSeries *s, const AugForm *given, AugKeep keep, Mstl *m)
{
	const char *name, *refusal;
	AugForm inner;
	AugStatus status;

	if (!read_form(given, s, m, &name, &inner))
		return aug_fail(cast->err, AUG_CORRUPT, "stored form of a forecast is damaged");
	refusal = mstl_refuses(cast, s);
	if (refusal != NULL)
		return aug_fail(cast->err, AUG_DATA, "%s", refusal);
	if (m->transformed && !all_positive(s->y, s->n))
		return aug_fail(cast->err, AUG_DATA, "needs values above 0 for its transformation");
	status = decompose_as(cast, s, m->transformed, m->lambda, &m->parts);
	if (status != AUG_OK)
		return status;
	return fit_inner(cast, s, name, &inner, keep, m);
}

/* ---- the method ---------------------------------------------------------------- */

/* "MSTL[24,168] ETS(A,Ad,N)", of logarithms or a power: "MSTL[12, log]". */
static void
write_label(const Mstl *m, char *label)
{
	int at = snprintf(label, AUG_LABEL_SIZE, "MSTL");

	for (uint32_t i = 0; i < m->parts.n_periods; i++)
		at += snprintf(label + at, AUG_LABEL_SIZE - (size_t) at, "%c%u", i == 0 ? '[' : ',',
					   (unsigned) m->parts.period[i]);
	if (m->transformed && m->lambda == 0)
		at += snprintf(label + at, AUG_LABEL_SIZE - (size_t) at, ",log");
	else if (m->transformed)
		at += snprintf(label + at, AUG_LABEL_SIZE - (size_t) at, ",%.2g", m->lambda);
	snprintf(label + at, AUG_LABEL_SIZE - (size_t) at, "] %.*s", AUG_LABEL_SIZE - 2 - at - 1,
			 m->inner.label);
}

/* Fitted values on the scale of the data, and the variance of their errors. */
static void
finish_fit(const AugSeries *s, const Mstl *m, AugFitted *out)
{
	double sum = 0, count = 0;

	for (size_t t = 0; t < s->n; t++)
	{
		double f = m->inner.fitted[t] + season_at(&m->parts, t);

		out->fitted[t] = m->transformed ? aug_box_cox_inverse(f, m->lambda) : f;
		f = s->y[t] - out->fitted[t];
		if (isnan(f))
			continue;
		sum += f * f;
		count++;
	}
	out->sigma2 = m->inner.sigma2;
	if (m->transformed)
		out->sigma2 = count > m->inner.n_parameters ? sum / (count - m->inner.n_parameters) : NAN;
	out->n_parameters = m->inner.n_parameters;
}

static AugStatus
mstl_fit(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, AugFitted *out)
{
	Mstl *m = aug_arena_zero(cast->arena, 1, sizeof(Mstl));
	AugSeries own = *s;
	AugStatus status;

	if (m == NULL)
		return aug_fail_nomem(cast->err, sizeof(Mstl));
	out->state = m;
	out->fitted = aug_cast_doubles(cast, s->n);
	if (out->fitted == NULL)
		return AUG_NOMEM;
	if (given == NULL)
	{
		status = decompose(cast, s, m);
		if (status == AUG_OK)
			status = search_inner(cast, s, m);
	}
	else
		status = fit_given(cast, &own, given, keep, m);
	if (status != AUG_OK)
		return status;
	finish_fit(s, m, out);
	write_label(m, out->label);
	return write_form(cast, &own, m, &out->form);
}

static AugStatus
mstl_forecast(AugCast *cast, const AugSeries *s, const AugFitted *fitted, uint32_t horizon,
			  double *mean, double *variance)
{
	const Mstl *m = fitted->state;
	AugStatus status = m->inner.by->forecast(cast, &m->series, &m->inner, horizon, mean, variance);

	for (uint32_t h = 0; status == AUG_OK && h < horizon; h++)
		mean[h] += season_at(&m->parts, s->n + h);
	if (status == AUG_OK && m->transformed)
		aug_box_cox_back(m->lambda, horizon, mean, variance);
	return status;
}

const AugForecaster aug_forecaster_mstl = {
	.about = {"mstl", "Multiple seasonal decomposition by loess",
			  "Takes one or several seasons out, forecasts the rest by another method "
			  "(mstl_trend), and puts the seasons back. For hourly and daily data.",
			  "Bandara, Hyndman, Bergmeir (2021), arXiv 2107.13462", true, false},
	.missing = true,
	/* those of the inner method too */
	.options = AUG_OPTION(F_MSTL_TREND) | AUG_ETS_OPTIONS | AUG_ARIMA_OPTIONS,
	.refuses = mstl_refuses,
	.fit = mstl_fit,
	.forecast = mstl_forecast};
