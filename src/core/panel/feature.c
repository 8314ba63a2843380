/*-------------------------------------------------------------------------
 *
 * feature.c
 *		What the trees see of a series at an origin and a step.
 *
 * Values come over the level at the origin, so that series of all sizes look alike.
 * Nothing behind the origin is looked at but regressors and calendar, which are known
 * ahead.  "Like" values are earlier ones whose regressors were within a quarter of a
 * standard deviation of those to come: what the series did under such a promotion and
 * price.
 *
 * Each group has its names and its numbers next to each other, in the same order.
 *
 * Memory: none.  Interrupts: microseconds a row.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "panel.h"

#define LIKE_STEPS 800 /* so far back like values are looked for */
#define LONG_CYCLE 31  /* seasons from here on have a level of their own around the value */

/* ---- names -------------------------------------------------------------- */

typedef struct Names
{
	const PanelShape *shape;
	const AugPanel *panel;
	AugArena *arena;
	const char **names; /* NULL: only count */
	uint32_t n;
	bool failed;
} Names;

static void __attribute__((format(printf, 2, 3))) name(Names *to, const char *format, ...);

static void
name(Names *to, const char *format, ...)
{
	char text[AUG_MESSAGE_SIZE];
	va_list args;

	to->n++;
	if (to->names == NULL)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	to->names[to->n - 1] = aug_arena_text(to->arena, text, strlen(text));
	to->failed |= to->names[to->n - 1] == NULL;
}

/* ---- numbers ------------------------------------------------------------ */

typedef struct Row
{
	const PanelView *view;
	const PanelShape *shape;
	size_t t;	   /* values known */
	size_t target; /* step looked for, >= t */
	uint32_t h;
	double level;
	double *out;
} Row;

static inline void
put(Row *row, double value)
{
	*row->out++ = value;
}

/* Mean over values from .. to - 1 that are known; NaN without any. */
static double
mean_of(const PanelView *w, const double *sums, size_t from, size_t to)
{
	double n = w->count[to] - w->count[from];

	return n > 0 ? (sums[to] - sums[from]) / n : NAN;
}

static inline size_t
back(size_t t, size_t steps)
{
	return t > steps ? t - steps : 0;
}

/* Steps since something, up to the longest window: more would tell the date. */
static double
steps_within(const Row *row, uint32_t steps)
{
	return steps < row->shape->window[2] ? steps : row->shape->window[2];
}

/* ---- the past ----------------------------------------------------------- */

static void
past_names(Names *to)
{
	const PanelShape *s = to->shape;

	name(to, "step ahead");
	for (uint32_t i = 0; i < s->n_lags; i++)
		name(to, "value %u before", i);
	for (uint32_t i = 0; i < PANEL_WINDOWS; i++)
		name(to, "mean of %u", s->window[i]);
	name(to, "deviation of %u", s->window[1]);
	name(to, "deviation of %u", s->window[2]);
	name(to, "zeros of %u", s->window[2]);
	name(to, "mean of all");
	name(to, "mean of %u over that of %u", s->window[0], s->window[1]);
	name(to, "mean of %u over that of %u", s->window[1], s->window[2]);
	name(to, "steps since demand");
	name(to, "logarithm of the level");
}

static double
deviation(const Row *row, uint32_t window)
{
	const PanelView *w = row->view;
	size_t from = back(row->t, window);
	double mean = mean_of(w, w->sum, from, row->t);
	double square = mean_of(w, w->square, from, row->t);
	double variance = square - mean * mean;

	return isnan(variance) ? NAN : sqrt(variance > 0 ? variance : 0) / row->level;
}

static void
past(Row *row)
{
	const PanelView *w = row->view;
	const PanelShape *s = row->shape;
	size_t t = row->t;
	double means[PANEL_WINDOWS];

	put(row, row->h);
	for (uint32_t i = 0; i < s->n_lags; i++)
		put(row, t > i ? w->v[t - 1 - i] / row->level : NAN);
	for (uint32_t i = 0; i < PANEL_WINDOWS; i++)
	{
		means[i] = mean_of(w, w->sum, back(t, s->window[i]), t);
		put(row, means[i] / row->level);
	}
	put(row, deviation(row, s->window[1]));
	put(row, deviation(row, s->window[2]));
	put(row, mean_of(w, w->zeros, back(t, s->window[2]), t));
	put(row, mean_of(w, w->sum, 0, t) / row->level);
	put(row, means[1] != 0 ? means[0] / means[1] : NAN);
	put(row, means[2] != 0 ? means[1] / means[2] : NAN);
	put(row, steps_within(row, w->quiet[t]));
	put(row, log10(row->level) + log10(w->unit));
}

/* ---- seasons ------------------------------------------------------------ */

static void
season_names(Names *to)
{
	for (uint32_t i = 0; i < to->shape->n_periods; i++)
	{
		uint32_t p = to->shape->period[i];

		name(to, "same of %u, last", p);
		name(to, "same of %u, second last", p);
		name(to, "same of %u, mean of 4", p);
		name(to, "same of %u, mean of %d", p, PANEL_SAME);
		if (p < LONG_CYCLE)
			continue;
		name(to, "around the same of %u", p);
		name(to, "around the same of %u over what came before", p);
	}
}

/* Where a long season was a cycle ago: the level around, and how it had moved. */
static void
cycle_ago(Row *row, uint32_t p, size_t k)
{
	const PanelView *w = row->view;
	size_t half = p / 100 + 1, width = row->shape->window[1], at, origin;
	double around = NAN, before = NAN;

	if (row->target >= k * p)
	{
		at = row->target - k * p;
		around = mean_of(w, w->sum, back(at, half), at + half < row->t ? at + half + 1 : row->t);
		/* the origin, as many cycles ago */
		origin = row->t >= k * p ? row->t - k * p : 0;
		before = mean_of(w, w->sum, back(origin, width), origin);
	}
	put(row, around / row->level);
	put(row, before != 0 ? around / before : NAN);
}

static void
seasons(Row *row)
{
	const PanelView *w = row->view;

	for (uint32_t i = 0; i < row->shape->n_periods; i++)
	{
		uint32_t p = row->shape->period[i], n = 0;
		size_t k = ((size_t) row->h + p - 1) / p, first = k;
		double last[2] = {NAN, NAN}, sum = 0, four = NAN;

		for (uint32_t tries = 0; tries < 2 * PANEL_SAME && n < PANEL_SAME; tries++, k++)
		{
			double v;

			if (k * p > row->target)
				break;
			v = w->v[row->target - k * p];
			if (isnan(v))
				continue;
			sum += v;
			if (n < 2)
				last[n] = v;
			n++;
			if (n <= 4)
				four = sum / n;
		}
		put(row, last[0] / row->level);
		put(row, last[1] / row->level);
		put(row, four / row->level);
		put(row, n > 0 ? sum / n / row->level : NAN);
		if (p >= LONG_CYCLE)
			cycle_ago(row, p, first);
	}
}

/* ---- regressors --------------------------------------------------------- */

static void
regressor_names(Names *to)
{
	uint32_t p = to->shape->n_regressors;

	for (uint32_t j = 0; j < p; j++)
	{
		const char *x = to->panel != NULL ? to->panel->regressor_names[j] : "";

		name(to, "%.150s", x);
		if (!to->shape->full || !to->shape->varies[j])
			continue;
		name(to, "%.150s over its mean of %u", x, to->shape->window[1]);
		name(to, "%.150s a step before", x);
		name(to, "%.150s a step after", x);
		name(to, "%.150s, mean of %u to here", x, to->shape->window[0]);
		name(to, "%.150s, steps since it changed", x);
	}
	if (p == 0)
		return;
	name(to, "like values, last");
	name(to, "like values, mean of 4");
	name(to, "like values, mean of %d", PANEL_SAME);
	name(to, "like values over their levels");
	name(to, "like values of the season, mean of 4");
	name(to, "steps since a like value");
}

/* Mean of a regressor over steps from .. to - 1. */
static double
x_mean(const PanelView *w, uint32_t j, size_t from, size_t to)
{
	uint32_t p = w->shape->n_regressors;

	return to > from ? (w->x_sum[to * p + j] - w->x_sum[from * p + j]) / (double) (to - from) : NAN;
}

static bool
alike(const PanelView *w, const double *a, const double *b)
{
	for (uint32_t j = 0; j < w->shape->n_regressors; j++)
		if (fabs(a[j] - b[j]) > w->tolerance[j])
			return false;
	return true;
}

/* What the series did when its regressors were as they will be. */
static void
like_values(Row *row)
{
	const PanelView *w = row->view;
	uint32_t p = row->shape->n_regressors, m = row->shape->main, n = 0, n_same = 0;
	const double *now = w->x + row->target * p;
	double sum = 0, ratio = 0, last = NAN, four = NAN, same = 0, since = NAN;

	for (size_t i = 1; i <= row->t && i <= LIKE_STEPS && (n < PANEL_SAME || n_same < 4); i++)
	{
		size_t at = row->t - i;
		double v = w->v[at];

		if (isnan(v) || !alike(w, now, w->x + at * p))
			continue;
		if (n == 0)
		{
			last = v;
			since = (double) i;
		}
		if (n < PANEL_SAME)
		{
			sum += v;
			ratio += v / aug_panel_level(w, at);
			n++;
			if (n <= 4)
				four = sum / n;
		}
		if ((row->target - at) % m == 0 && n_same < 4)
		{
			same += v;
			n_same++;
		}
	}
	put(row, last / row->level);
	put(row, four / row->level);
	put(row, n > 0 ? sum / n / row->level : NAN);
	put(row, n > 0 ? ratio / n : NAN);
	put(row, n_same > 0 ? same / n_same / row->level : NAN);
	put(row, since);
}

static void
regressors(Row *row)
{
	const PanelView *w = row->view;
	uint32_t p = row->shape->n_regressors;
	size_t T = row->target;

	for (uint32_t j = 0; j < p; j++)
	{
		double x = w->x[T * p + j];

		put(row, x);
		if (!row->shape->full || !row->shape->varies[j])
			continue;
		put(row, x - x_mean(w, j, back(row->t, row->shape->window[1]), row->t));
		put(row, T > 0 ? w->x[(T - 1) * p + j] : NAN);
		/* within the horizon, as later ones are not known to every forecast */
		put(row, row->h < row->shape->direct && T + 1 < w->n_x ? w->x[(T + 1) * p + j] : NAN);
		put(row, x_mean(w, j, back(T + 1, row->shape->window[0]), T + 1));
		put(row, steps_within(row, w->since[T * p + j]));
	}
	if (p > 0)
		like_values(row);
}

/* ---- calendar and statics ----------------------------------------------- */

static void
calendar_names(Names *to)
{
	for (uint32_t j = 0; j < to->shape->n_calendar; j++)
		name(to, "%.150s", to->panel != NULL ? to->panel->calendar_names[j] : "");
}

/* Categories come behind all numbers. */
static void
calendar_and_statics(Row *row)
{
	const PanelView *w = row->view;

	for (uint32_t j = 0; j < row->shape->n_calendar; j++)
		put(row, w->calendar[row->target * row->shape->n_calendar + j]);
	for (uint32_t j = 0; j < row->shape->n_statics; j++)
		put(row, w->codes[j]);
}

/* ---- all ---------------------------------------------------------------- */

uint32_t
aug_panel_feature_names(const PanelShape *shape, const AugPanel *panel, AugArena *arena,
						const char **names)
{
	Names to = {shape, panel, arena, names, 0, false};

	past_names(&to);
	season_names(&to);
	regressor_names(&to);
	calendar_names(&to);
	return to.failed ? UINT32_MAX : to.n;
}

void
aug_panel_features(const PanelView *view, size_t t, uint32_t h, double *out)
{
	Row row = {view, view->shape, t, t - 1 + h, h, aug_panel_level(view, t), out};

	past(&row);
	seasons(&row);
	regressors(&row);
	calendar_and_statics(&row);
}
