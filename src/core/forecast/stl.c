/*-------------------------------------------------------------------------
 *
 * stl.c
 *		STL: seasonal and trend decomposition by loess.
 *
 * R. B. Cleveland, W. S. Cleveland, J. E. McRae, I. Terpenning: STL: A Seasonal-Trend
 * Decomposition Procedure Based on Loess, Journal of Official Statistics 6 (1990),
 * 3-73; section 2 has the procedure, 2.5 the robustness weights, 3 the choice of
 * windows.  Results equal those of R's stl(), which runs the authors' program.
 *
 * Speed: smoothers are computed every jump points; and where neither the position
 * of a point in its window nor the weights change from point to point, as in the
 * middle of a series, the fit is one scalar product with the weights of the last.
 *
 * Memory: AugStlRoom, about 8 (n + 2 periods) doubles.  Interrupts: polls each inner
 * step and after every POLL_WORK products.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "../sort.h"
#include "decompose.h"

#define POLL_WORK ((size_t) 1 << 21)

/* Of the bandwidth: nearer is weight 1, farther is weight 0 (the authors' program). */
#define NEAR 0.001
#define FAR	 0.999

struct AugStlRoom
{
	double *detrended;
	double *cycles;	  /* smoothed cycle-subseries, one period more at either end */
	double *filtered; /* moving averages, and the low-pass part */
	double *between;
	double *sub;		/* one cycle-subseries, */
	double *sub_smooth; /* smoothed with one more at either end, */
	double *sub_weight; /* and its robustness weights */
	double *kernel;		/* effective weights of the last fit */
	double *tricube;	/* by distance, for a bandwidth */
	double bandwidth;	/* of tricube; 0: none */
	size_t n_tricube;	/* distances computed: 0 .. n_tricube - 1 */
	bool steady;		/* kernel holds for the next fit when the rest is the same: */
	size_t before;		/* points before and */
	size_t after;		/* after the fitted one, of */
	size_t n;			/* that many, and */
	AugLoess loess;		/* the smoother */
	size_t work;		/* products since the last poll */
};

AugStlRoom *
aug_stl_room(AugCast *cast, size_t n, size_t max_period)
{
	AugStlRoom *room = aug_arena_zero(cast->arena, 1, sizeof(AugStlRoom));
	size_t size = n + 2 * max_period + 2;

	if (room == NULL)
	{
		aug_fail_nomem(cast->err, sizeof(AugStlRoom));
		return NULL;
	}
	room->detrended = aug_cast_doubles(cast, size);
	room->cycles = aug_cast_doubles(cast, size);
	room->filtered = aug_cast_doubles(cast, size);
	room->between = aug_cast_doubles(cast, size);
	room->sub = aug_cast_doubles(cast, size);
	room->sub_smooth = aug_cast_doubles(cast, size);
	room->sub_weight = aug_cast_doubles(cast, size);
	room->kernel = aug_cast_doubles(cast, size);
	room->tricube = aug_cast_doubles(cast, size);
	return room->detrended != NULL && room->cycles != NULL && room->filtered != NULL &&
				   room->between != NULL && room->sub != NULL && room->sub_smooth != NULL &&
				   room->sub_weight != NULL && room->kernel != NULL && room->tricube != NULL
			   ? room
			   : NULL;
}

static size_t
odd(size_t window)
{
	return window % 2 == 0 ? window + 1 : window;
}

void
aug_stl_options(size_t n, size_t period, size_t season_window, bool robust, AugStl *out)
{
	/* a window of ten series is as good as infinite */
	size_t season = season_window == AUG_STL_PERIODIC ? 10 * n + 1 : season_window;
	double trend = ceil(1.5 * (double) period / (1 - 1.5 / (double) season));

	out->period = period;
	out->periodic = season_window == AUG_STL_PERIODIC;
	out->season = (AugLoess){season, 0, (season + 9) / 10};
	/* a seasonal window of 1 would ask for a negative one */
	out->trend.window = odd(trend > 3 ? (size_t) trend : 3);
	out->trend.degree = 1;
	out->trend.jump = (out->trend.window + 9) / 10;
	out->low_pass.window = odd(period);
	out->low_pass.degree = 1;
	out->low_pass.jump = (out->low_pass.window + 9) / 10;
	out->inner = robust ? 1 : 2;
	out->outer = robust ? 15 : 0;
}

/* ---- loess ------------------------------------------------------------------ */

/* The weights (1 - (r/h)^3)^3 of distances 0 .. farthest. */
static void
fill_tricube(AugStlRoom *room, double h, size_t farthest)
{
	size_t from = room->bandwidth == h ? room->n_tricube : 0;

	for (size_t r = from; r <= farthest; r++)
	{
		double u = (double) r / h;
		double v = 1 - u * u * u;

		room->tricube[r] = (double) r > FAR * h ? 0 : (double) r <= NEAR * h ? 1 : v * v * v;
	}
	if (from == 0 || room->n_tricube <= farthest)
		room->n_tricube = farthest + 1;
	room->bandwidth = h;
}

/*
 * Effective weights of the fit at a point into kernel[0 .. count - 1], so that the fit
 * is their scalar product with the window's values.  at: position of the point,
 * counted from the window's first (it may lie outside by one); weight: robustness
 * weights of the window or NULL.  False when all weights are 0.
 */
static bool
make_kernel(AugStlRoom *room, size_t n, const AugLoess *loess, ptrdiff_t at, size_t count,
			const double *weight)
{
	ptrdiff_t right = (ptrdiff_t) count - 1 - at;
	size_t farthest = (size_t) (at > right ? at : right);
	double h = (double) (farthest + (loess->window > n ? (loess->window - n) / 2 : 0));
	double *w = room->kernel;
	double sum = 0, mean = 0, spread = 0;

	if (h > 0)
		fill_tricube(room, h, farthest);
	for (size_t j = 0; j < count; j++)
	{
		ptrdiff_t d = (ptrdiff_t) j - at;

		w[j] = h > 0 ? room->tricube[d < 0 ? -d : d] : 1;
		if (weight != NULL)
			w[j] *= weight[j];
		sum += w[j];
	}
	if (!(sum > 0))
		return false;
	for (size_t j = 0; j < count; j++)
	{
		w[j] /= sum;
		mean += w[j] * (double) ((ptrdiff_t) j - at);
	}
	if (loess->degree == 0 || !(h > 0))
		return true;
	for (size_t j = 0; j < count; j++)
	{
		double d = (double) ((ptrdiff_t) j - at) - mean;

		spread += w[j] * d * d;
	}
	if (sqrt(spread) > NEAR * (double) (n - 1)) /* else too narrow for a slope */
	{
		for (size_t j = 0; j < count; j++)
			w[j] *= 1 - mean / spread * ((double) ((ptrdiff_t) j - at) - mean);
	}
	return true;
}

/*
 * The smooth of y[n] at position at (-1 and n are one step beyond the ends), from
 * the points first .. first + count - 1.  False when none of them has weight.
 */
static bool
fit_at(AugStlRoom *room, const double *y, size_t n, const AugLoess *loess, ptrdiff_t at,
	   size_t first, size_t count, const double *weight, double *out)
{
	size_t before = (size_t) (at - (ptrdiff_t) first);
	double sum = 0;

	room->work += count;
	if (weight != NULL || !room->steady || before != room->before || count != room->after ||
		n != room->n || loess->window != room->loess.window || loess->degree != room->loess.degree)
	{
		if (weight != NULL)
			room->work += 3 * count;
		room->steady = false;
		if (!make_kernel(room, n, loess, at - (ptrdiff_t) first, count,
						 weight == NULL ? NULL : weight + first))
			return false;
		room->steady = weight == NULL;
		room->before = before;
		room->after = count;
		room->n = n;
		room->loess = *loess;
	}
	for (size_t j = 0; j < count; j++)
		sum += room->kernel[j] * y[first + j];
	*out = sum;
	return true;
}

static bool
stop_now(AugCast *cast, AugStlRoom *room)
{
	if (room->work < POLL_WORK)
		return false;
	room->work = 0;
	return aug_cast_stop(cast);
}

/* First point of the window of count points for position i, the point in its middle
 * where the ends allow. */
static size_t
window_start(size_t i, size_t n, size_t count)
{
	size_t half = (count - 1) / 2;

	if (i <= half)
		return 0;
	return i - half < n - count ? i - half : n - count;
}

static void
join(double *out, size_t from, size_t to)
{
	double slope = (out[to] - out[from]) / (double) (to - from);

	for (size_t i = from + 1; i < to; i++)
		out[i] = out[from] + slope * (double) (i - from);
}

AugStatus
aug_loess(AugCast *cast, AugStlRoom *room, const double *y, size_t n, const AugLoess *loess,
		  const double *weight, double *out)
{
	size_t count = loess->window < n ? loess->window : n;
	size_t jump, i, start = 0, last;

	if (n < 2)
	{
		out[0] = y[0];
		return AUG_OK;
	}
	jump = loess->jump < n - 1 ? loess->jump : n - 1;
	for (i = 0; i < n; i += jump)
	{
		if (stop_now(cast, room))
			return AUG_CANCELLED;
		start = window_start(i, n, count);
		if (!fit_at(room, y, n, loess, (ptrdiff_t) i, start, count, weight, &out[i]))
			out[i] = y[i];
	}
	last = i - jump;
	for (i = 0; jump > 1 && i < last; i += jump)
		join(out, i, i + jump);
	if (last < n - 1)
	{
		/* from the window of the last point computed, as the authors' program does */
		if (!fit_at(room, y, n, loess, (ptrdiff_t) (n - 1), start, count, weight, &out[n - 1]))
			out[n - 1] = y[n - 1];
		join(out, last, n - 1);
	}
	return AUG_OK;
}

/* ---- the steps of the inner loop -------------------------------------------- */

/*
 * Smooths each cycle-subseries and extends it by one at either end: y[n] into
 * room->cycles[n + 2 period].
 */
static AugStatus
smooth_cycles(AugCast *cast, AugStlRoom *room, const double *y, size_t n, const AugStl *o,
			  const double *weight)
{
	for (size_t phase = 0; phase < o->period; phase++)
	{
		size_t k = (n - phase - 1) / o->period + 1;
		size_t count = o->season.window < k ? o->season.window : k;
		double *w = weight == NULL ? NULL : room->sub_weight;
		double *s = room->sub_smooth;
		AugStatus status;

		for (size_t i = 0; i < k; i++)
			room->sub[i] = y[i * o->period + phase];
		for (size_t i = 0; w != NULL && i < k; i++)
			w[i] = weight[i * o->period + phase];
		status = aug_loess(cast, room, room->sub, k, &o->season, w, s + 1);
		if (status != AUG_OK)
			return status;
		if (!fit_at(room, room->sub, k, &o->season, -1, 0, count, w, &s[0]))
			s[0] = s[1];
		if (!fit_at(room, room->sub, k, &o->season, (ptrdiff_t) k, k - count, count, w, &s[k + 1]))
			s[k + 1] = s[k];
		for (size_t i = 0; i < k + 2; i++)
			room->cycles[i * o->period + phase] = s[i];
	}
	return AUG_OK;
}

/* Moving average of length over x[n] into out[n - length + 1]. */
static void
moving_average(const double *x, size_t n, size_t length, double *out)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
	{
		sum += x[i];
		if (i + 1 < length)
			continue;
		out[i + 1 - length] = sum / (double) length;
		sum -= x[i + 1 - length];
	}
}

/* Seasonal part from the detrended series: smoothed cycles less their low-pass part. */
static AugStatus
seasonal_step(AugCast *cast, AugStlRoom *room, size_t n, const AugStl *o, const double *weight,
			  double *seasonal)
{
	AugStatus status = smooth_cycles(cast, room, room->detrended, n, o, weight);
	size_t m = o->period;

	if (status != AUG_OK)
		return status;
	moving_average(room->cycles, n + 2 * m, m, room->between);
	moving_average(room->between, n + m + 1, m, room->filtered);
	moving_average(room->filtered, n + 2, 3, room->between);
	status = aug_loess(cast, room, room->between, n, &o->low_pass, NULL, room->filtered);
	for (size_t i = 0; status == AUG_OK && i < n; i++)
		seasonal[i] = room->cycles[m + i] - room->filtered[i];
	return status;
}

static AugStatus
inner_loop(AugCast *cast, AugStlRoom *room, const double *y, size_t n, const AugStl *o,
		   const double *weight, double *seasonal, double *trend)
{
	AugStatus status = AUG_OK;

	for (uint32_t k = 0; status == AUG_OK && k < o->inner; k++)
	{
		if (aug_cast_stop(cast))
			return AUG_CANCELLED;
		for (size_t i = 0; i < n; i++)
			room->detrended[i] = y[i] - trend[i];
		status = seasonal_step(cast, room, n, o, weight, seasonal);
		if (status != AUG_OK)
			return status;
		for (size_t i = 0; i < n; i++)
			room->detrended[i] = y[i] - seasonal[i];
		status = aug_loess(cast, room, room->detrended, n, &o->trend, weight, trend);
	}
	return status;
}

/* Bisquare weights of the remainders, by six times their median (section 2.5). */
static AugStatus
robustness(AugCast *cast, AugStlRoom *room, const double *y, size_t n, const double *seasonal,
		   const double *trend, double *weight)
{
	double *r = room->between;
	double six;

	for (size_t i = 0; i < n; i++)
	{
		weight[i] = r[i] = fabs(y[i] - (seasonal[i] + trend[i]));
		if (!isfinite(r[i])) /* before the sort, which takes no NaN */
			return aug_fail(cast->err, AUG_NUMERIC, "values are too large to decompose");
	}
	if (!aug_sort_scored(cast->host, r, NULL, NULL, n))
		return aug_fail_cancelled(cast->err);
	six = 3 * (r[n / 2] + r[n - n / 2 - 1]);
	for (size_t i = 0; i < n; i++)
	{
		double u = weight[i] / six;

		if (weight[i] <= NEAR * six)
			weight[i] = 1;
		else
			weight[i] = weight[i] <= FAR * six ? (1 - u * u) * (1 - u * u) : 0;
	}
	return AUG_OK;
}

static void
make_periodic(size_t n, size_t period, double *seasonal)
{
	for (size_t phase = 0; phase < period; phase++)
	{
		double sum = 0, count = 0;

		for (size_t i = phase; i < n; i += period, count++)
			sum += seasonal[i];
		for (size_t i = phase; i < n; i += period)
			seasonal[i] = sum / count;
	}
}

/* Windows of the paper are odd and at least 3. */
static void
lawful(AugLoess *loess)
{
	loess->window = odd(loess->window < 3 ? 3 : loess->window);
	if (loess->jump < 1)
		loess->jump = 1;
}

AugStatus
aug_stl(AugCast *cast, AugStlRoom *room, const double *y, size_t n, const AugStl *asked,
		double *seasonal, double *trend, double *weight)
{
	AugStl o = *asked;
	double *w = weight;
	AugStatus status;

	if (o.period < 2 || n <= 2 * o.period)
		return aug_fail(cast->err, AUG_DATA, "needs more than two full seasons");
	lawful(&o.season);
	lawful(&o.trend);
	lawful(&o.low_pass);
	if (w == NULL && o.outer > 0)
	{
		w = aug_cast_doubles(cast, n);
		if (w == NULL)
			return AUG_NOMEM;
	}
	memset(trend, 0, n * sizeof(double));
	room->steady = false;
	for (uint32_t k = 0;; k++)
	{
		status = inner_loop(cast, room, y, n, &o, k == 0 ? NULL : w, seasonal, trend);
		if (status != AUG_OK || k == o.outer)
			break;
		status = robustness(cast, room, y, n, seasonal, trend, w);
		if (status != AUG_OK)
			break;
	}
	if (status != AUG_OK)
		return status;
	if (o.periodic)
		make_periodic(n, o.period, seasonal);
	for (size_t i = 0; i < n; i++)
	{
		if (!isfinite(seasonal[i] + trend[i]))
			return aug_fail(cast->err, AUG_NUMERIC, "values are too large to decompose");
		if (weight != NULL && o.outer == 0)
			weight[i] = 1;
	}
	return AUG_OK;
}
