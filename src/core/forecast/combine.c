/*-------------------------------------------------------------------------
 *
 * combine.c
 *		Several methods as one: mean or median of their forecasts.
 *
 * Bates, Granger 1969, Operational Research Quarterly 20:451; that the plain mean is hard
 * to beat: Stock, Watson 2004, Journal of Forecasting 23:405; the median of four methods:
 * Petropoulos, Svetunkov 2020, International Journal of Forecasting 36:110.
 *
 * The variance of a combination is the geometric mean, by weights, of its members'
 * variances, as if their errors were the same: they mostly are, and one member with much
 * too large a variance does not carry the others away.  Calibration then measures
 * (interval.c).
 *
 * A form holds, after kind and number of members, for each: a hash of its method's
 * name, its weight, its number of values, its codes and its values.
 *
 * Memory: the members' and three numbers a step.  Interrupts: the members'.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../sort.h"
#include "combine.h"
#include "rolling.h"

#define HEAD		  (3 + AUG_FORM_CODES) /* values of a form before a member's own */
#define ERROR_STEPS	  12				   /* ahead, of the errors that weights are made of */
#define ERROR_ORIGINS 12
#define HASH_SEED	  UINT64_C(0x6D656D626572)

enum
{
	CODE_KIND,
	CODE_MEMBERS
};

/* 32 bits of a name, which a double holds exactly. */
static double
name_hash(const char *name)
{
	return (double) (uint32_t) aug_hash(name, strlen(name), HASH_SEED);
}

static const AugForecaster *
find_hash(double hash)
{
	for (uint32_t i = 0; i < aug_forecast_method_count(); i++)
	{
		const char *name = aug_forecast_method_at(i)->name;

		if (name_hash(name) == hash)
			return aug_forecaster_find(name);
	}
	return NULL;
}

/* Adds "name why" to the warning about members that were left out. */
static void
left_out(AugFitted *out, const char *name, const char *why)
{
	size_t used = strlen(out->warning);

	snprintf(out->warning + used, sizeof(out->warning) - used, "%s%s %s",
			 used > 0 ? "; " : "left out: ", name, why);
}

/* The series with missing values filled, once for all members that want it so. */
static AugStatus
offer(AugCast *cast, const AugSeries *s, bool missing, double **filled, AugSeries *out)
{
	bool gaps = false;

	*out = *s;
	for (size_t t = 0; t < s->n && !missing && !gaps; t++)
		gaps = isnan(s->y[t]);
	if (missing || !gaps)
		return AUG_OK;
	if (*filled == NULL)
	{
		*filled = aug_cast_doubles(cast, s->n);
		if (*filled == NULL)
			return AUG_NOMEM;
		aug_interpolate(s->y, s->n, *filled);
	}
	out->y = *filled;
	return AUG_OK;
}

/*
 * Fits one member; *fits tells whether the data allow it, else err's message says why.
 */
static AugStatus
fit_member(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, double **filled,
		   AugMember *m, bool *fits)
{
	const char *refusal;
	AugStatus status = offer(cast, s, m->by->missing, filled, &m->series);

	*fits = false;
	if (status != AUG_OK)
		return status;
	refusal = m->by->refuses(cast, &m->series);
	if (refusal != NULL)
	{
		aug_fail(cast->err, AUG_DATA, "%s", refusal);
		return AUG_OK;
	}
	memset(&m->fitted, 0, sizeof(m->fitted));
	m->fitted.by = m->by;
	m->fitted.aicc = m->fitted.log_likelihood = m->fitted.sigma2 = NAN;
	status = m->by->fit(cast, &m->series, given, keep, &m->fitted);
	*fits = status == AUG_OK;
	return status == AUG_DATA || status == AUG_NUMERIC ? AUG_OK : status;
}

/* Weighted mean or median of n numbers, NaN when one is. */
static double
combine(AugCombineKind kind, const AugCombination *c, double *v)
{
	double sum = 0, weight = 0;

	for (uint32_t i = 0; i < c->n; i++)
	{
		sum += c->member[i].weight * v[i];
		weight += c->member[i].weight;
	}
	if (kind == AUG_COMBINE_MEAN || isnan(sum))
		return sum / weight;
	aug_sort_doubles(v, c->n);
	return c->n % 2 == 1 ? v[c->n / 2] : v[c->n / 2 - 1] / 2 + v[c->n / 2] / 2;
}

/* Geometric mean by weights; NaN when one is, 0 when all are. */
static double
combine_variances(const AugCombination *c, const double *v)
{
	double logs = 0, weight = 0, sum = 0;

	for (uint32_t i = 0; i < c->n; i++)
	{
		sum += c->member[i].weight * v[i];
		if (v[i] == 0)
			continue; /* a member that fits perfectly says nothing of the others' errors */
		logs += c->member[i].weight * log(v[i]);
		weight += c->member[i].weight;
	}
	return isnan(sum) || weight == 0 ? sum : exp(logs / weight);
}

/* Fitted values, variance and label of the members together. */
static AugStatus
summarise(AugCast *cast, const AugSeries *s, AugCombination *c, AugFitted *out)
{
	double sum = 0, n = 0, k = 0, v[AUG_MAX_MEMBERS];
	size_t used;

	out->fitted = aug_cast_doubles(cast, s->n);
	if (out->fitted == NULL)
		return AUG_NOMEM;
	for (size_t t = 0; t < s->n; t++)
	{
		double e;

		for (uint32_t i = 0; i < c->n; i++)
			v[i] = c->member[i].fitted.fitted[t];
		out->fitted[t] = combine(c->kind, c, v);
		e = s->y[t] - out->fitted[t];
		if (isnan(e))
			continue;
		sum += e * e;
		n++;
	}
	for (uint32_t i = 0; i < c->n; i++)
		k += (double) c->member[i].fitted.n_parameters / c->n;
	out->n_parameters = (uint32_t) k;
	out->sigma2 = n > k + 1 ? sum / (n - k) : n > 0 ? sum / n : NAN;
	out->state = c;
	if (c->n == 1)
	{
		memcpy(out->label, c->member[0].fitted.label, sizeof(out->label));
		out->aicc = c->member[0].fitted.aicc;
		return AUG_OK;
	}
	used = (size_t) snprintf(out->label, sizeof(out->label), "%s of ",
							 c->kind == AUG_COMBINE_MEAN ? "mean" : "median");
	for (uint32_t i = 0; i < c->n && used < sizeof(out->label); i++)
		used += (size_t) snprintf(out->label + used, sizeof(out->label) - used, "%s%s",
								  i > 0 ? ", " : "", c->member[i].fitted.label);
	return AUG_OK;
}

static AugStatus
write_form(AugCast *cast, const AugCombination *c, AugFitted *out)
{
	uint32_t n = 0, at = 0;

	for (uint32_t i = 0; i < c->n; i++)
		n += HEAD + c->member[i].fitted.form.n_values;
	out->form.code[CODE_KIND] = (int32_t) c->kind;
	out->form.code[CODE_MEMBERS] = (int32_t) c->n;
	out->form.n_values = n;
	out->form.values = aug_cast_doubles(cast, n);
	if (out->form.values == NULL)
		return AUG_NOMEM;
	for (uint32_t i = 0; i < c->n; i++)
	{
		const AugMember *m = &c->member[i];
		double *v = out->form.values + at;

		v[0] = name_hash(m->by->about.name);
		v[1] = m->weight;
		v[2] = m->fitted.form.n_values;
		for (int k = 0; k < AUG_FORM_CODES; k++)
			v[3 + k] = m->fitted.form.code[k];
		if (m->fitted.form.n_values > 0)
			memcpy(v + HEAD, m->fitted.form.values, m->fitted.form.n_values * sizeof(double));
		at += HEAD + m->fitted.form.n_values;
	}
	return AUG_OK;
}

AugStatus
aug_combine_finish(AugCast *cast, const AugSeries *s, AugCombination *c, AugFitted *out)
{
	AugStatus status;

	if (c->n == 0)
		return aug_fail(cast->err, AUG_DATA, "has no member that fits");
	status = summarise(cast, s, c, out);
	return status == AUG_OK ? write_form(cast, c, out) : status;
}

AugStatus
aug_combine_fit(AugCast *cast, const AugSeries *s, const AugForecaster *by,
				const char *const *names, const double *weights, AugCombineKind kind,
				AugFitted *out)
{
	AugCombination *c = aug_arena_zero(cast->arena, 1, sizeof(AugCombination));
	double *filled = NULL;

	if (c == NULL)
		return aug_fail_nomem(cast->err, sizeof(AugCombination));
	c->kind = kind;
	for (uint32_t i = 0; names[i] != NULL && c->n < AUG_MAX_MEMBERS; i++)
	{
		AugMember *m = &c->member[c->n];
		bool fits;
		AugStatus status;

		m->by = aug_forecaster_find(names[i]);
		if (m->by == NULL || m->by == by)
			return aug_fail(cast->err, AUG_INTERNAL, "method \"%s\" is no member", names[i]);
		m->weight = weights == NULL ? 1 : weights[i];
		status = fit_member(cast, s, NULL, AUG_KEEP_NOTHING, &filled, m, &fits);
		if (status != AUG_OK)
			return status;
		if (fits)
			c->n++;
		else
			left_out(out, names[i], cast->err->message);
	}
	return aug_combine_finish(cast, s, c, out);
}

static AugStatus
corrupt(AugCast *cast)
{
	return aug_fail(cast->err, AUG_CORRUPT, "stored form of a combination is damaged");
}

/* One member of a form from v, of which left values remain; how many it took, 0: damaged. */
static uint32_t
read_member(const double *v, uint32_t left, const AugForecaster *by, AugMember *m, AugForm *form)
{
	if (left < HEAD || !(v[2] >= 0 && v[2] <= (double) (left - HEAD)) || v[2] != floor(v[2]) ||
		!(v[1] > 0) || isinf(v[1]))
		return 0;
	m->by = find_hash(v[0]);
	if (m->by == NULL || m->by == by || m->by->fit == by->fit)
		return 0;
	m->weight = v[1];
	for (int k = 0; k < AUG_FORM_CODES; k++)
	{
		if (!(fabs(v[3 + k]) <= INT32_MAX))
			return 0;
		form->code[k] = (int32_t) v[3 + k];
	}
	form->n_values = (uint32_t) v[2];
	form->values = (double *) (uintptr_t) (v + HEAD);
	return HEAD + form->n_values;
}

AugStatus
aug_combine_again(AugCast *cast, const AugSeries *s, const AugForecaster *by, const AugForm *given,
				  AugKeep keep, AugFitted *out)
{
	AugCombination *c = aug_arena_zero(cast->arena, 1, sizeof(AugCombination));
	int32_t n = given->code[CODE_MEMBERS];
	double *filled = NULL;
	uint32_t at = 0;

	if (c == NULL)
		return aug_fail_nomem(cast->err, sizeof(AugCombination));
	if (n < 1 || n > AUG_MAX_MEMBERS || given->code[CODE_KIND] < AUG_COMBINE_MEAN ||
		given->code[CODE_KIND] > AUG_COMBINE_MEDIAN)
		return corrupt(cast);
	c->kind = (AugCombineKind) given->code[CODE_KIND];
	for (int32_t i = 0; i < n; i++)
	{
		AugMember *m = &c->member[c->n];
		AugForm form;
		uint32_t took = read_member(given->values + at, given->n_values - at, by, m, &form);
		bool fits;
		AugStatus status;

		if (took == 0)
			return corrupt(cast);
		at += took;
		/* a combination within a combination could go on for ever */
		if (m->by->fit == aug_forecaster_combination.fit || m->by->fit == aug_forecaster_auto.fit)
			return corrupt(cast);
		status = fit_member(cast, s, &form, keep, &filled, m, &fits);
		if (status != AUG_OK)
			return status;
		if (fits)
			c->n++;
		else
			left_out(out, m->by->about.name, cast->err->message);
	}
	return at == given->n_values ? aug_combine_finish(cast, s, c, out) : corrupt(cast);
}

AugStatus
aug_combine_forecast(AugCast *cast, const AugSeries *s, const AugFitted *fitted, uint32_t horizon,
					 double *mean, double *variance)
{
	AugCombination *c = fitted->state;
	double *all = aug_cast_doubles(cast, (size_t) 2 * c->n * horizon);
	double v[AUG_MAX_MEMBERS];

	(void) s;
	if (all == NULL)
		return AUG_NOMEM;
	for (uint32_t i = 0; i < c->n; i++)
	{
		AugMember *m = &c->member[i];
		AugStatus status = m->by->forecast(cast, &m->series, &m->fitted, horizon,
										   all + (size_t) 2 * i * horizon,
										   all + (size_t) (2 * i + 1) * horizon);

		if (status != AUG_OK)
			return status;
	}
	for (uint32_t h = 0; h < horizon; h++)
	{
		for (uint32_t i = 0; i < c->n; i++)
			v[i] = all[(size_t) 2 * i * horizon + h];
		mean[h] = combine(c->kind, c, v);
		for (uint32_t i = 0; i < c->n; i++)
			v[i] = all[(size_t) (2 * i + 1) * horizon + h];
		variance[h] = combine_variances(c, v);
	}
	return AUG_OK;
}

/* ---- the method "combination" ------------------------------------------------------ */

static const char *
combination_refuses(const AugCast *cast, const AugSeries *s)
{
	(void) cast;
	(void) s;
	return NULL;
}

/* The members that were asked for, or the ones that do well nearly everywhere. */
static AugStatus
asked_members(AugCast *cast, const char **names, double *weights, uint32_t *n)
{
	static const char *const usual[] = {"ets", "dotm", "ces"};

	*n = 0;
	for (uint32_t i = 0; i < 3 && aug_param_choice(cast->params, F_MEMBERS) == F_AUTO; i++)
	{
		weights[*n] = 1;
		names[(*n)++] = usual[i];
	}
	for (uint32_t i = 0; i < aug_param_pairs(cast->params, F_MEMBERS); i++)
	{
		const AugForecaster *by;
		double weight;
		const char *name = aug_param_pair(cast->params, F_MEMBERS, i, &weight);

		by = aug_forecaster_find(name);
		if (by == NULL || by->fit == aug_forecaster_combination.fit ||
			by->fit == aug_forecaster_auto.fit)
		{
			aug_fail(cast->err, AUG_INVALID, "\"%.40s\" cannot be a member of a combination", name);
			aug_hint(cast->err, "Members are forecasting methods such as ets, dotm and arima.");
			return AUG_INVALID;
		}
		if (!(weight > 0))
			continue;
		if (*n == AUG_MAX_MEMBERS)
			return aug_fail(cast->err, AUG_INVALID, "a combination has at most %d members",
							AUG_MAX_MEMBERS);
		weights[*n] = weight;
		names[(*n)++] = by->about.name;
	}
	names[*n] = NULL;
	return *n > 0
			   ? AUG_OK
			   : aug_fail(cast->err, AUG_INVALID, "a combination needs a member of weight above 0");
}

/* Sum of the squared errors from all origins. */
typedef struct Squares
{
	double sum, n;
} Squares;

static void
add_squares(void *arg, const double *actual, const double *mean, const double *variance,
			uint32_t steps)
{
	Squares *squares = arg;

	(void) variance;
	for (uint32_t h = 0; h < steps; h++)
	{
		double e = actual[h] - mean[h];

		if (isnan(e))
			continue;
		squares->sum += e * e;
		squares->n++;
	}
}

/* Asked for "error": weights by the inverse of the errors from rolling origins. */
static AugStatus
weigh_by_error(AugCast *cast, AugCombination *c)
{
	for (uint32_t i = 0; i < c->n; i++)
	{
		AugMember *m = &c->member[i];
		Squares squares = {0, 0};
		AugStatus status = aug_rolling(cast, &m->series, &m->fitted, ERROR_STEPS, ERROR_ORIGINS,
									   add_squares, &squares);

		if (status != AUG_OK)
			return status;
		if (squares.n > 0 && squares.sum > 0 && isfinite(squares.sum))
			m->weight *= squares.n / squares.sum;
	}
	return AUG_OK;
}

static AugStatus
combination_fit(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep,
				AugFitted *out)
{
	const char *names[AUG_MAX_MEMBERS + 1];
	double weights[AUG_MAX_MEMBERS];
	uint32_t n;
	int how = aug_param_choice(cast->params, F_COMBINE);
	AugStatus status;

	if (given != NULL)
		return aug_combine_again(cast, s, &aug_forecaster_combination, given, keep, out);
	status = asked_members(cast, names, weights, &n);
	if (status != AUG_OK)
		return status;
	status = aug_combine_fit(cast, s, &aug_forecaster_combination, names, weights,
							 how == F_COMBINE_MEDIAN ? AUG_COMBINE_MEDIAN : AUG_COMBINE_MEAN, out);
	if (status != AUG_OK || how != F_COMBINE_ERROR)
		return status;
	status = weigh_by_error(cast, out->state);
	return status != AUG_OK ? status : aug_combine_finish(cast, s, out->state, out);
}

const AugForecaster aug_forecaster_combination = {
	.about = {"combination", "Combination",
			  "Mean or median of several methods (options members and combine), which is more "
			  "accurate than most of them alone.",
			  "Bates, Granger 1969, Operational Research Quarterly 20:451", true, true},
	.missing = true,
	.options = AUG_OPTION(F_MEMBERS) | AUG_OPTION(F_COMBINE) | AUG_ETS_OPTIONS | AUG_ARIMA_OPTIONS |
			   AUG_OPTION(F_MSTL_TREND) | AUG_OPTION(F_CES_SEASON),
	.refuses = combination_refuses,
	.fit = combination_fit,
	.forecast = aug_combine_forecast};
