/*-------------------------------------------------------------------------
 *
 * fuzz_series.c
 *		Any bytes at all as the state of a series: read them, write them again, and
 *		forecast with what is accepted.
 *
 * Built with AUG_FUZZING, so that length and checksum do not stand in the way.  An
 * accepted state stores to bytes that load to the same again.  Its form and its options
 * are as hostile as the rest: a forecast from them works or is refused.
 *
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"

#define MOST_VALUES 400 /* of a series that is forecast: fits of more take too long here */
#define MOST_PERIOD 60
#define HORIZON		3

static void
demand_round_trip(UnitHost *h, const AugStored *s)
{
	AugStored *again;
	AugError err;
	uint8_t *bytes, *second;
	size_t length, n;

	DEMAND(aug_series_store(&h->host, s, &bytes, &length, &err) == AUG_OK);
	DEMAND(aug_series_load(&h->host, bytes, length, &again, &err) == AUG_OK);
	DEMAND(aug_series_store(&h->host, again, &second, &n, &err) == AUG_OK);
	DEMAND(n == length && memcmp(bytes, second, n) == 0);
	aug_series_free(again);
	h->host.release(h, bytes);
	h->host.release(h, second);
}

static void
try_forecast(UnitHost *h, const AugStored *s, AugKeep keep)
{
	AugSeries series = s->series;
	AugForecastOptions o = {.horizon = HORIZON,
							.n_levels = s->n_levels < 2 ? s->n_levels : 2,
							.levels = s->levels,
							.seed = s->seed,
							.keep = keep,
							.form = s->form};
	AugForecast *f;
	AugParams *params;
	AugError err;
	double *x = NULL;
	size_t past = series.n * series.n_regressors, ahead = (size_t) HORIZON * series.n_regressors;

	if (aug_params_parse(&h->host, aug_forecast_about(), s->options, &params, &err) != AUG_OK)
		return;
	o.params = params;
	if (series.n_regressors > 0)
	{
		x = calloc(past + ahead, sizeof(double));
		DEMAND(x != NULL);
		memcpy(x, series.x, past * sizeof(double));
		series.x = x;
		series.n_x = series.n + HORIZON;
	}
	if (aug_forecast_run(&h->host, &series, &o, &f, &err) == AUG_OK)
	{
		DEMAND(f->horizon == HORIZON && strlen(f->method) < AUG_LABEL_SIZE);
		for (uint32_t i = 0; i < HORIZON; i++)
			DEMAND(!isinf(f->mean[i]));
		aug_forecast_free(&h->host, f);
	}
	else
		DEMAND(f == NULL && err.message[0] != '\0');
	free(x);
	aug_params_free(params);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	UnitHost h;
	AugError err;
	AugStored *s;
	AugStatus status;

	unit_host(&h);
	status = aug_series_load(&h.host, data, size, &s, &err);
	if (status == AUG_OK)
	{
		bool small = s->series.n > 0 && s->series.n <= MOST_VALUES && s->series.n_regressors <= 4;

		for (uint32_t i = 0; i < s->series.n_periods; i++)
			small = small && s->series.period[i] <= MOST_PERIOD;
		demand_round_trip(&h, s);
		/* fits take a hundred times longer than reading: of one in eight */
		if (small && aug_hash(data, size, 0) % 8 == 0)
			try_forecast(&h, s, AUG_KEEP_ALL);
		aug_series_free(s);
	}
	else
		DEMAND(status == AUG_CORRUPT && s == NULL && err.message[0] != '\0');
	DEMAND(h.live == 0 && h.peak < MAX_MEMORY);
	return 0;
}
