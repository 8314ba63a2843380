/*-------------------------------------------------------------------------
 *
 * view.c
 *		A series made ready for features: values in its own unit, running sums.
 *
 * The unit is the mean absolute value, so that sums and squares neither overflow nor
 * vanish whatever the values are; regressors are taken as they are, and sums of them that
 * overflow give features that are infinite, which trees take.
 *
 * Memory: the caller's arena, about 100 bytes a step.  Interrupts: every 65,536 steps.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "panel.h"

#define LOG_FLOOR	   0.05 /* levels, added before logarithms are taken */
#define LEVEL_PRIOR	   2.0	/* values that the whole past counts for in a level */
#define ALIKE		   0.25 /* standard deviations of a regressor */
#define POLL_STEPS	   65536
#define LEAST_LEVEL	   1e-6 /* units */
#define MOVES_WINDOW   26	/* seasons */
#define LONGEST_SEASON 28	/* whose differences are taken; else those of neighbours */

static double *
doubles(AugArena *arena, size_t n, bool *ok)
{
	double *p = aug_arena_zero(arena, n, sizeof(double));

	*ok &= p != NULL;
	return p;
}

/* Mean absolute value; 1 for a series of zeros or without values. */
static double
unit_of(const double *y, size_t n)
{
	double most = 0, sum = 0, count = 0;

	for (size_t t = 0; t < n; t++)
		most = fabs(y[t]) > most ? fabs(y[t]) : most;
	for (size_t t = 0; t < n && most > 0; t++)
	{
		if (isnan(y[t]))
			continue;
		sum += fabs(y[t]) / most;
		count++;
	}
	if (most == 0)
		return 1;
	sum = most * (sum / count);
	return sum > 0 ? sum : most;
}

/* Seasonal differences are over one season, or one step when it is long. */
static size_t
move_lag(const PanelShape *shape)
{
	return shape->main <= LONGEST_SEASON ? shape->main : 1;
}

static bool
stopped(const AugArena *arena, size_t t)
{
	return t % POLL_STEPS == POLL_STEPS - 1 && arena->host->poll(arena->host->arg, -1);
}

static bool
run_values(const AugArena *arena, PanelView *w)
{
	size_t lag = move_lag(w->shape);

	for (size_t t = 0; t < w->n; t++)
	{
		double v = w->v[t], known = isnan(v) ? 0 : 1;
		double move = t >= lag ? fabs(v - w->v[t - lag]) : NAN;

		if (known == 0)
			v = 0;
		w->count[t + 1] = w->count[t] + known;
		w->sum[t + 1] = w->sum[t] + v;
		w->size[t + 1] = w->size[t] + fabs(v);
		w->square[t + 1] = w->square[t] + v * v;
		w->zeros[t + 1] = w->zeros[t] + (known != 0 && v == 0 ? 1 : 0);
		w->moves[t + 1] = w->moves[t] + (isnan(move) ? 0 : move);
		w->n_moves[t + 1] = w->n_moves[t] + (isnan(move) ? 0 : 1);
		w->quiet[t + 1] = v != 0 ? 0 : w->quiet[t] + 1;
		if (stopped(arena, t))
			return false;
	}
	return true;
}

static bool
run_regressor(const AugArena *arena, PanelView *w, uint32_t j)
{
	uint32_t p = w->shape->n_regressors;
	double mean = 0, square = 0;

	for (size_t t = 0; t < w->n_x; t++)
	{
		double x = w->x[t * p + j], before = mean;

		mean += (x - mean) / (double) (t + 1);
		square += (x - mean) * (x - before);
		w->x_sum[(t + 1) * p + j] = w->x_sum[t * p + j] + x;
		if (t > 0)
			w->since[t * p + j] = x == w->x[(t - 1) * p + j] ? w->since[(t - 1) * p + j] + 1 : 0;
		if (stopped(arena, t))
			return false;
	}
	w->tolerance[j] = w->n_x > 0 ? ALIKE * sqrt(square / (double) w->n_x) : 0;
	if (!isfinite(w->tolerance[j]))
		w->tolerance[j] = 0;
	return true;
}

AugStatus
aug_panel_view(AugArena *arena, const PanelShape *shape, const AugPanelMember *member,
			   const double *codes, size_t n, PanelView *w, AugError *err)
{
	uint32_t p = shape->n_regressors;
	bool ok = true;
	double *v;

	memset(w, 0, sizeof(*w));
	w->shape = shape;
	w->n = n;
	w->n_x = p > 0 ? member->series.n_x : 0;
	w->x = member->series.x;
	w->calendar = member->calendar;
	w->codes = codes;
	v = doubles(arena, n, &ok);
	w->count = doubles(arena, n + 1, &ok);
	w->sum = doubles(arena, n + 1, &ok);
	w->size = doubles(arena, n + 1, &ok);
	w->square = doubles(arena, n + 1, &ok);
	w->zeros = doubles(arena, n + 1, &ok);
	w->moves = doubles(arena, n + 1, &ok);
	w->n_moves = doubles(arena, n + 1, &ok);
	w->quiet = aug_arena_zero(arena, n + 1, sizeof(uint32_t));
	w->since = aug_arena_zero(arena, w->n_x, (size_t) p * sizeof(uint32_t));
	w->tolerance = doubles(arena, p, &ok);
	w->x_sum = aug_arena_zero(arena, w->n_x + 1, (size_t) p * sizeof(double));
	if (!ok || w->quiet == NULL || w->since == NULL || w->x_sum == NULL)
		return aug_fail_nomem(err, n * sizeof(double));
	w->unit = unit_of(member->series.y, n);
	for (size_t t = 0; t < n; t++)
		v[t] = member->series.y[t] / w->unit;
	w->v = v;
	ok = run_values(arena, w);
	for (uint32_t j = 0; ok && j < p; j++)
		ok = run_regressor(arena, w, j);
	return ok ? AUG_OK : aug_fail_cancelled(err);
}

/*
 * Mean size of the latest values, of a window of four seasons, and of all before as
 * if they were two more.
 */
double
aug_panel_level(const PanelView *w, size_t t)
{
	size_t window = w->shape->window[1], from = t > window ? t - window : 0;
	double all = w->count[t] > 0 ? w->size[t] / w->count[t] : 1;
	double level = (w->size[t] - w->size[from] + LEVEL_PRIOR * all) /
				   (w->count[t] - w->count[from] + LEVEL_PRIOR);

	return level > LEAST_LEVEL ? level : LEAST_LEVEL;
}

double
aug_panel_moves(const PanelView *w, size_t t)
{
	size_t window = MOVES_WINDOW * w->shape->window[0], from = t > window ? t - window : 0;
	double n = w->n_moves[t] - w->n_moves[from];
	double level = aug_panel_level(w, t);
	/* as if one more move had been a tenth of the level, so that it is never 0 */
	double moves = (w->moves[t] - w->moves[from] + 0.1 * level) / (n + 1);

	return moves > LEAST_LEVEL * level ? moves : LEAST_LEVEL * level;
}

double
aug_panel_target(const PanelShape *shape, double v, double level)
{
	double z = v / level;

	if (!shape->log)
		return z;
	return log(((z > 0 ? z : 0) + LOG_FLOOR) / (1 + LOG_FLOOR));
}

double
aug_panel_value(const PanelShape *shape, double target, double level)
{
	double z = shape->log ? exp(target) * (1 + LOG_FLOOR) - LOG_FLOOR : target;

	if (shape->log && z < 0)
		z = 0;
	return z * level;
}
