/*-------------------------------------------------------------------------
 *
 * fuzz_panel.c
 *		Any bytes at all as a model over many series: read them, and forecast with what is
 *		accepted.
 *
 * Built with AUG_FUZZING, so that length and checksum do not stand in the way.  An accepted
 * model must answer series of all kinds with finite forecasts inside of their intervals.
 *
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"

#include "../../src/core/rng.h"

#define STEPS	60
#define HORIZON 5

static double
value(AugRng *rng)
{
	static const double odd[] = {NAN, 0, -1, 1e300, -1e300, 5e-324};
	uint32_t choice = aug_rng_below(rng, 60);

	return choice < 6 ? odd[choice] : aug_rng_real(rng) * 100;
}

static void
forecast(UnitHost *h, const AugPanelModel *model, AugRng *rng)
{
	static const double levels[] = {0.5, 0.95};
	const AugPanelInfo *info = aug_panel_info(model);
	size_t steps = STEPS + HORIZON;
	double y[STEPS], *x = malloc((steps * info->n_regressors + 1) * sizeof(double)),
					 *calendar = malloc((steps * info->n_calendar + 1) * sizeof(double));
	const char *statics[AUG_MAX_STATICS];
	AugPanelMember m = {.series = {.n = aug_rng_below(rng, STEPS + 1),
								   .y = y,
								   .n_regressors = info->n_regressors,
								   .n_x = steps,
								   .x = x},
						.calendar = calendar,
						.statics = statics};
	AugForecast *f;
	AugError err;
	AugStatus status;

	DEMAND(x != NULL && calendar != NULL);
	for (size_t t = 0; t < STEPS; t++)
		y[t] = value(rng);
	for (size_t i = 0; i < steps * info->n_regressors; i++)
		x[i] = aug_rng_below(rng, 3);
	for (size_t i = 0; i < steps * info->n_calendar; i++)
		calendar[i] = value(rng);
	for (uint32_t j = 0; j < info->n_statics; j++)
		statics[j] = aug_rng_below(rng, 4) == 0 ? NULL : "brand 1";
	status = aug_panel_forecast(&h->host, model, &m, HORIZON, 2, levels, &f, &err);
	DEMAND(status == AUG_OK || status == AUG_INVALID);
	for (uint32_t i = 0; status == AUG_OK && i < HORIZON; i++)
	{
		DEMAND(isfinite(f->mean[i]) || f->n_observed < AUG_PANEL_LEAST);
		for (uint32_t k = 0; k < 2; k++)
			DEMAND(!(f->lower[k * HORIZON + i] > f->upper[k * HORIZON + i]));
	}
	if (status == AUG_OK)
		aug_forecast_free(&h->host, f);
	free(x);
	free(calendar);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	UnitHost h;
	AugError err;
	AugPanelModel *model;
	AugStatus status;

	unit_host(&h);
	status = aug_panel_read(&h.host, data, size, &model, &err);
	DEMAND(h.peak <= MAX_MEMORY && h.peak < 128 * size + ((size_t) 4 << 20));
	if (status == AUG_OK)
	{
		AugRng rng = aug_rng(aug_hash(data, size, 1), 0, 0);

		for (int i = 0; i < 4; i++)
			forecast(&h, model, &rng);
		aug_panel_free(model);
	}
	else
		DEMAND(status == AUG_CORRUPT || status == AUG_NOMEM);
	DEMAND(h.live == 0);
	return 0;
}
