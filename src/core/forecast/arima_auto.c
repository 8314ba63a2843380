/*-------------------------------------------------------------------------
 *
 * arima_auto.c
 *		Chooses the orders of an ARIMA model: differences by tests, the others by AICc.
 *
 * Hyndman, Khandakar: Automatic time series forecasting: the forecast package for R,
 * Journal of Statistical Software 27(3) (2008), 3.2 (stepwise search); the seasonal
 * difference by the strength of the season (Wang, Smith, Hyndman 2006), as the
 * package does since its version 8.
 *
 * Memory: a few arrays of the arena.  Interrupts: those of the fits.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "arima.h"
#include "decompose.h"

#define MAX_P			 5
#define MAX_SEASONAL_P	 2
#define START_P			 2
#define START_SEASONAL_P 1
#define MOST_MODELS		 94
#define ROOTS_BEYOND	 1.01 /* a model with a root nearer to the unit circle is refused */
#define STRONG_SEASON	 0.64
/*
 * Models are ranked by their likelihood.  Where the season is long and values times season
 * more than this, by conditional sums of squares: there the exact filter costs far more.
 */
#define LONG_SEASON 12
#define LARGE_WORK	50000
/*
 * Longer series are searched farther.  For the others more models did not forecast better:
 * M3, every third series, OWA of held-out ends 0.906 against 0.901, M4 weekly 0.955 against 0.985.
 */
#define LONG_SERIES 150
/* The best that ranking kept: those by sums of squares are estimated again in the end. */
#define MOST_KEPT 4

enum
{
	AR,
	MA,
	SEASONAL_AR,
	SEASONAL_MA,
	N_ORDERS
};

/* Steps of the search in the order they are tried. */
static const int8_t moves[][N_ORDERS] = {
	{0, 0, -1, 0},	{0, 0, 0, -1}, {0, 0, 1, 0},  {0, 0, 0, 1},	 {0, 0, -1, -1}, {0, 0, -1, 1},
	{0, 0, 1, -1},	{0, 0, 1, 1},  {-1, 0, 0, 0}, {0, -1, 0, 0}, {1, 0, 0, 0},	 {0, 1, 0, 0},
	{-1, -1, 0, 0}, {-1, 1, 0, 0}, {1, -1, 0, 0}, {1, 1, 0, 0},
};

#define N_MOVES (sizeof(moves) / sizeof(moves[0]))

typedef struct Walk
{
	const ArimaSearch *search;
	int lo[N_ORDERS], hi[N_ORDERS];
	bool tried[ARIMA_MAX_ORDER + 1][ARIMA_MAX_ORDER + 1][ARIMA_MAX_SEASONAL + 1]
			  [ARIMA_MAX_SEASONAL + 1][2];
	uint32_t n_tried;
	bool conditional;
	ArimaFit kept[MOST_KEPT]; /* best first */
	uint32_t n_kept;
	ArimaFit spare; /* the best of those refused for their roots */
	bool has_spare;
} Walk;

/* All values are the same but for rounding. */
static bool
is_flat(const double *y, size_t n, double size)
{
	double lo = HUGE_VAL, hi = -HUGE_VAL;

	for (size_t t = 0; t < n; t++)
	{
		lo = fmin(lo, y[t]);
		hi = fmax(hi, y[t]);
	}
	return n == 0 || !(hi - lo > 1e-12 * size);
}

/* d by repeated tests, at most most. */
static int
level_differences(double *y, size_t n, int most, double size)
{
	int d = 0;

	while (d < most && !is_flat(y, n, size) && aug_kpss(y, n, -1) > AUG_KPSS_CRITICAL_5)
	{
		n = aug_arima_difference(y, n, 1);
		d++;
	}
	return d;
}

AugStatus
aug_arima_differences(AugCast *cast, const AugSeries *s, ArimaWish *wish, bool *flat)
{
	double *y = aug_cast_doubles(cast, s->n), size = 0;
	size_t n = s->n;
	bool seasonal = wish->m > 1 && n > 2 * (size_t) wish->m;
	AugStatus status = y == NULL ? AUG_NOMEM : aug_arima_residual(cast, s, y);

	if (status != AUG_OK)
		return status;
	for (size_t t = 0; t < n; t++)
		size = fmax(size, fabs(y[t]));
	if (wish->sd < 0)
	{
		double strength = 0;

		/* no room for two of its lags, or for its states: no difference */
		if (seasonal && 2 * wish->m + MAX_P + 2 <= ARIMA_MAX_STATE && !is_flat(y, n, size))
			status = aug_seasonal_strength(cast, y, n, wish->m, &strength);
		if (status != AUG_OK)
			return status;
		wish->sd = strength > STRONG_SEASON ? 1 : 0;
	}
	for (int k = 0; k < wish->sd; k++)
		n = aug_arima_difference(y, n, wish->m);
	if (wish->d < 0)
	{
		int most = wish->constant == 1 ? 1 - wish->sd : ARIMA_MAX_D;

		wish->d = level_differences(y, n, most > 0 ? most : 0, size);
	}
	else
	{
		for (int k = 0; k < wish->d; k++)
			n = aug_arima_difference(y, n, 1);
		*flat = is_flat(y, n, size);
		return AUG_OK;
	}
	*flat = is_flat(y, n - (size_t) wish->d, size);
	return AUG_OK;
}

/* Ranges of the orders. */
static void
set_ranges(const ArimaWish *wish, size_t n, int *lo, int *hi)
{
	const int fixed[N_ORDERS] = {wish->p, wish->q, wish->sp, wish->sq};

	for (int i = 0; i < N_ORDERS; i++)
	{
		size_t room = n / 3 / (i < SEASONAL_AR ? 1 : wish->m);
		size_t most = i < SEASONAL_AR ? MAX_P : MAX_SEASONAL_P;

		lo[i] = 0;
		hi[i] = (int) (room < most ? room : most);
		if (i >= SEASONAL_AR && wish->m == 1)
			hi[i] = 0;
		if (fixed[i] >= 0)
			lo[i] = hi[i] = fixed[i];
	}
}

static ArimaSpec
make_spec(const ArimaWish *wish, const int *order, bool constant)
{
	return (ArimaSpec){.p = (uint32_t) order[AR],
					   .d = (uint32_t) wish->d,
					   .q = (uint32_t) order[MA],
					   .sp = (uint32_t) order[SEASONAL_AR],
					   .sd = (uint32_t) wish->sd,
					   .sq = (uint32_t) order[SEASONAL_MA],
					   .m = wish->m,
					   .constant = constant};
}

uint32_t
aug_arima_search_states(const ArimaWish *wish, size_t n, uint32_t *n_coef)
{
	int lo[N_ORDERS], hi[N_ORDERS];
	ArimaSpec spec;
	uint32_t states, least;

	set_ranges(wish, n, lo, hi);
	spec = make_spec(wish, hi, false);
	states = aug_arima_n_states(&spec);
	*n_coef = aug_arima_n_coef(&spec);
	spec = make_spec(wish, lo, false);
	least = aug_arima_n_states(&spec);
	/* models above the limit are passed over; the caller refuses when all are */
	return states <= ARIMA_MAX_STATE || least > ARIMA_MAX_STATE ? states : ARIMA_MAX_STATE;
}

static void
keep(Walk *w, const ArimaFit *fit)
{
	uint32_t i = w->n_kept < MOST_KEPT ? w->n_kept++ : MOST_KEPT - 1;

	if (i == MOST_KEPT - 1 && w->n_kept == MOST_KEPT && w->kept[i].n_parameters > 0 &&
		fit->aicc >= w->kept[i].aicc)
		return;
	for (; i > 0 && fit->aicc < w->kept[i - 1].aicc; i--)
		w->kept[i] = w->kept[i - 1];
	w->kept[i] = *fit;
}

/* Notes a model with roots too near to the unit circle. */
static void
refuse(Walk *w, const ArimaFit *fit)
{
	if (!w->has_spare || fit->aicc < w->spare.aicc)
		w->spare = *fit;
	w->has_spare = true;
}

/* Fits one model, unless it was or may not be; *better when it is now the best. */
static AugStatus
try_model(Walk *w, const int *order, bool constant, bool cold, bool *better)
{
	const ArimaSearch *s = w->search;
	ArimaFitter *fitter = s->fitter[constant];
	ArimaSpec spec = make_spec(s->wish, order, constant);
	ArimaFit fit;
	bool ok, *tried;
	AugStatus status;

	*better = false;
	for (int i = 0; i < N_ORDERS; i++)
	{
		if (order[i] < w->lo[i] || order[i] > w->hi[i])
			return AUG_OK;
	}
	tried = &w->tried[spec.p][spec.q][spec.sp][spec.sq][constant];
	if (fitter == NULL || *tried || w->n_tried >= MOST_MODELS ||
		aug_arima_n_states(&spec) > ARIMA_MAX_STATE)
		return AUG_OK;
	*tried = true;
	w->n_tried++;
	status = aug_arima_estimate(fitter, &spec, cold || w->n_kept == 0 ? NULL : &w->kept[0],
								w->conditional, false, &fit, &ok);
	if (status != AUG_OK || !ok)
		return status;
	if (!aug_arima_admissible(&spec, fit.coef, ROOTS_BEYOND))
	{
		refuse(w, &fit);
		return AUG_OK;
	}
	*better = w->n_kept == 0 || fit.aicc < w->kept[0].aicc;
	keep(w, &fit);
	return AUG_OK;
}

static int
within(int v, int lo, int hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

/* The models that the search begins with. */
static AugStatus
try_starts(Walk *w, bool constant)
{
	static const int starts[][N_ORDERS] = {
		{START_P, START_P, START_SEASONAL_P, START_SEASONAL_P},
		{0, 0, 0, 0},
		{1, 0, 1, 0},
		{0, 1, 0, 1},
	};
	AugStatus status = AUG_OK;
	bool better;
	int order[N_ORDERS];

	for (size_t k = 0; status == AUG_OK && k < sizeof(starts) / sizeof(starts[0]); k++)
	{
		for (int i = 0; i < N_ORDERS; i++)
			order[i] = within(starts[k][i], w->lo[i], w->hi[i]);
		status = try_model(w, order, constant, true, &better);
	}
	for (int i = 0; i < N_ORDERS; i++)
		order[i] = w->lo[i];
	if (status == AUG_OK && constant)
		status = try_model(w, order, false, true, &better);
	return status;
}

static void
orders_of(const ArimaSpec *spec, int *order)
{
	order[AR] = (int) spec->p;
	order[MA] = (int) spec->q;
	order[SEASONAL_AR] = (int) spec->sp;
	order[SEASONAL_MA] = (int) spec->sq;
}

/* Steps from the best model until none is better. */
static AugStatus
walk_on(Walk *w)
{
	bool better = w->n_kept > 0;
	AugStatus status = AUG_OK;

	while (better)
	{
		int from[N_ORDERS], order[N_ORDERS];
		bool constant = w->kept[0].spec.constant;

		orders_of(&w->kept[0].spec, from);
		better = false;
		for (size_t k = 0; !better && k < N_MOVES; k++)
		{
			for (int i = 0; i < N_ORDERS; i++)
				order[i] = from[i] + moves[k][i];
			status = try_model(w, order, constant, false, &better);
			if (status != AUG_OK)
				return status;
		}
		if (!better)
			status = try_model(w, from, !constant, false, &better);
		if (status != AUG_OK)
			return status;
	}
	return AUG_OK;
}

/*
 * When the walk has stopped: the pure autoregressions and moving averages with the best
 * one's season, which it may not have reached across models refused for their roots.
 */
static AugStatus
jump(Walk *w, bool *better)
{
	ArimaSpec from;
	int order[N_ORDERS];

	*better = false;
	if (w->n_kept == 0 || w->search->n < LONG_SERIES)
		return AUG_OK;
	from = w->kept[0].spec;
	for (int pure = AR; pure <= MA; pure++)
	{
		for (int k = 1; k <= w->hi[pure]; k++)
		{
			bool now;
			AugStatus status;

			orders_of(&from, order);
			order[AR] = order[MA] = 0;
			order[pure] = k;
			status = try_model(w, order, from.constant, false, &now);
			if (status != AUG_OK)
				return status;
			*better = *better || now;
		}
	}
	return AUG_OK;
}

/*
 * Estimates the best to the end, or (ranked by sums of squares) the best few.  When none
 * has its roots far enough from the unit circle, the best of the others.
 */
static AugStatus
settle(Walk *w, ArimaFit *best, bool *ok)
{
	AugStatus status;

	*ok = false;
	for (uint32_t i = 0; i < w->n_kept && (w->conditional || !*ok); i++)
	{
		const ArimaFit *at = &w->kept[i];
		ArimaFit fit;
		bool fitted;

		status = aug_arima_estimate(w->search->fitter[at->spec.constant], &at->spec, at, false,
									true, &fit, &fitted);
		if (status != AUG_OK)
			return status;
		if (!fitted)
			continue;
		if (!aug_arima_admissible(&fit.spec, fit.coef, ROOTS_BEYOND))
		{
			refuse(w, &fit);
			continue;
		}
		if (!*ok || fit.aicc < best->aicc)
			*best = fit;
		*ok = true;
	}
	if (*ok || !w->has_spare)
		return AUG_OK;
	return aug_arima_estimate(w->search->fitter[w->spare.spec.constant], &w->spare.spec, &w->spare,
							  false, true, best, ok);
}

AugStatus
aug_arima_search(const ArimaSearch *search, ArimaFit *best, bool *ok)
{
	Walk w;
	bool again = true;
	const ArimaFitter *any = search->fitter[search->fitter[0] == NULL];
	AugStatus status;

	memset(&w, 0, sizeof(w));
	w.search = search;
	set_ranges(search->wish, search->n, w.lo, w.hi);
	w.conditional = !any->data->missing && search->wish->m > LONG_SEASON &&
					search->n * search->wish->m > LARGE_WORK;
	status = try_starts(&w, search->fitter[1] != NULL);
	while (status == AUG_OK && again)
	{
		status = walk_on(&w);
		if (status == AUG_OK)
			status = jump(&w, &again);
	}
	if (status == AUG_OK)
		status = settle(&w, best, ok);
	return status;
}
