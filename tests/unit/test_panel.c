/*
 * One model over many series: accuracy where what is to be learnt is known, no look behind the
 * origin, odd series, options, the artifact (golden and damaged), failures in turn.
 *
 * With UNIT_WRITE_GOLDEN in the environment the golden artifact is written anew.
 */
#include "unit.h"

#include <limits.h>

#define HORIZON 14
#define N_LEVEL 2

static const double levels[N_LEVEL] = {0.8, 0.95};
static const char small[] = "n_trees=20 early_stopping_rounds=none max_rows=1500 folds=2";

typedef struct Fitted
{
	UnitHost h;
	UnitPanel p;
	AugParams *params;
	AugPanelFit *fit;
	AugPanelModel *model;
	AugError err;
	AugStatus status;
} Fitted;

static void
fit_begin(Fitted *t, const UnitPanelOptions *o, const char *params)
{
	memset(t, 0, sizeof(*t));
	unit_host(&t->h);
	unit_panel(&t->p, o);
	t->params = unit_params(&t->h, aug_panel_about(), params);
}

static void
fit_run(Fitted *t, uint32_t horizon)
{
	t->status = aug_panel_fit(&t->h.host, &t->p.panel, t->params, horizon, N_LEVEL, levels, 7,
							  &t->fit, &t->err);
	if (t->status == AUG_OK)
		t->status = aug_panel_read(&t->h.host, t->fit->artifact.bytes, t->fit->artifact.length,
								   &t->model, &t->err);
}

static void
fit_end(Fitted *t)
{
	aug_panel_free(t->model);
	aug_panel_fit_free(&t->h.host, t->fit);
	aug_params_free(t->params);
	unit_panel_free(&t->p);
	CHECK(t->h.live == 0);
}

static AugForecast *
forecast(Fitted *t, const AugPanelMember *m, uint32_t horizon)
{
	AugForecast *f = NULL;

	CHECK(aug_panel_forecast(&t->h.host, t->model, m, horizon, N_LEVEL, levels, &f, &t->err) ==
		  AUG_OK);
	return f;
}

/* ---- accuracy ------------------------------------------------------------ */

/* Noise of 10 % is all that cannot be known; promotions are known ahead. */
static void
test_accuracy(void)
{
	UnitPanelOptions o = {24, 120, HORIZON, true, true, 3};
	Fitted t;
	double up = 0, down = 0, inside = 0, n = 0;

	fit_begin(&t, &o, "max_rows=20000 n_trees=300");
	fit_run(&t, HORIZON);
	CHECK(t.status == AUG_OK && t.fit->n_learnt == 24 && t.fit->n_folds == 3);
	CHECK(t.fit->n_rounds > 20 && isfinite(t.fit->validation_loss));
	for (uint32_t i = 0; t.status == AUG_OK && i < 24; i++)
	{
		AugForecast *f = forecast(&t, &t.p.members[i], HORIZON);
		const double *actual = t.p.actual + i * HORIZON;

		for (uint32_t h = 0; f != NULL && h < HORIZON; h++)
		{
			/* of one size, as members of panels are not */
			up += fabs(f->mean[h] - actual[h]) / actual[h];
			down++;
			inside += f->lower[HORIZON + h] <= actual[h] && actual[h] <= f->upper[HORIZON + h];
			n++;
			CHECK(f->lower[HORIZON + h] <= f->lower[h] && f->lower[h] <= f->mean[h]);
			CHECK(f->mean[h] <= f->upper[h] && f->upper[h] <= f->upper[HORIZON + h]);
		}
		aug_forecast_free(&t.h.host, f);
	}
	CHECK(up / down < 0.11);
	CHECK(inside / n > 0.92 && inside / n < 0.985);
	fit_end(&t);
}

/* Errors of the folds are those of forecasts that knew nothing of what came after. */
static void
test_folds(void)
{
	UnitPanelOptions o = {6, 80, HORIZON, false, false, 5};
	Fitted whole, part;

	fit_begin(&whole, &o, small);
	fit_run(&whole, HORIZON);
	CHECK(whole.status == AUG_OK && whole.fit->n_folds == 2);
	/* the same with what lies behind the second origin changed: its forecasts stay */
	fit_begin(&part, &o, small);
	for (uint32_t i = 0; i < 6; i++)
	{
		double *y = (double *) (uintptr_t) part.p.members[i].series.y;

		for (uint32_t s = 0; s < HORIZON; s++)
			y[80 - HORIZON + s] = 1e6;
	}
	fit_run(&part, HORIZON);
	CHECK(part.status == AUG_OK);
	for (uint32_t i = 0; whole.status == AUG_OK && part.status == AUG_OK && i < 6; i++)
	{
		for (uint32_t h = 0; h < 2 * HORIZON; h++)
			CHECK(whole.fit->mean[i * 2 * HORIZON + h] == part.fit->mean[i * 2 * HORIZON + h]);
		for (uint32_t h = 0; h < HORIZON; h++)
			CHECK(whole.fit->lower[i * 2 * HORIZON + HORIZON + h] ==
				  part.fit->lower[i * 2 * HORIZON + HORIZON + h]);
	}
	fit_end(&whole);
	fit_end(&part);
}

/* ---- invariance ----------------------------------------------------------- */

static void
test_same_bytes(void)
{
	UnitPanelOptions o = {5, 60, HORIZON, true, true, 9};
	Fitted a, b;

	fit_begin(&a, &o, small);
	fit_run(&a, HORIZON);
	fit_begin(&b, &o, small);
	fit_run(&b, HORIZON);
	CHECK(a.status == AUG_OK && b.status == AUG_OK);
	CHECK(a.fit->artifact.length == b.fit->artifact.length &&
		  memcmp(a.fit->artifact.bytes, b.fit->artifact.bytes, a.fit->artifact.length) == 0);
	fit_end(&a);
	fit_end(&b);
}

/* Series of another unit have forecasts in that unit. */
static void
test_units(void)
{
	UnitPanelOptions o = {5, 60, HORIZON, false, false, 9};
	static const double unit[] = {1024, 0x1p-900, 0x1p900};
	Fitted t;

	fit_begin(&t, &o, small);
	fit_run(&t, HORIZON);
	CHECK(t.status == AUG_OK);
	for (uint32_t k = 0; t.status == AUG_OK && k < 3; k++)
	{
		AugPanelMember m = t.p.members[1];
		AugForecast *f = forecast(&t, &m, HORIZON), *g;
		double y[60];

		for (uint32_t i = 0; i < 60; i++)
			y[i] = m.series.y[i] * unit[k];
		m.series.y = y;
		g = forecast(&t, &m, HORIZON);
		/* only the feature that tells the size may move them */
		for (uint32_t h = 0; h < HORIZON; h++)
			CHECK(g->mean[h] / unit[k] > 0.5 * f->mean[h] && g->mean[h] / unit[k] < 2 * f->mean[h]);
		aug_forecast_free(&t.h.host, f);
		aug_forecast_free(&t.h.host, g);
	}
	fit_end(&t);
}

/* ---- odd series ------------------------------------------------------------ */

static void
test_odd_series(void)
{
	UnitPanelOptions o = {12, 60, HORIZON, false, false, 4};
	Fitted t;
	double *y;

	fit_begin(&t, &o, small);
	for (uint32_t i = 0; i < 12; i++)
	{
		y = (double *) (uintptr_t) t.p.members[i].series.y;
		for (uint32_t s = 0; s < 60; s++)
		{
			y[s] = i == 0	? NAN
				   : i == 1 ? 0
				   : i == 2 ? 5
				   : i == 3 ? (s == 59 ? 3 : NAN)
				   : i == 4 ? -y[s]
				   : i == 5 ? 1e300 * (1 + s % 7)
				   : i == 6 ? 5e-324
							: y[s];
		}
	}
	t.p.members[7].series.n = 0;
	t.p.members[8].series.n = 3;
	fit_run(&t, HORIZON);
	CHECK(t.status == AUG_OK && t.fit->n_learnt == 8);
	for (uint32_t i = 0; t.status == AUG_OK && i < 12; i++)
	{
		AugForecast *f = forecast(&t, &t.p.members[i], HORIZON);
		bool few = i == 0 || i == 3 || i == 7 || i == 8;

		CHECK((f->fallback[0] != '\0') == few);
		for (uint32_t h = 0; h < HORIZON; h++)
			CHECK(i == 0 || i == 7 ? isnan(f->mean[h]) : isfinite(f->mean[h]));
		aug_forecast_free(&t.h.host, f);
	}
	fit_end(&t);
}

static void
test_nothing_to_learn(void)
{
	UnitPanelOptions o = {3, 5, HORIZON, false, false, 4};
	Fitted t;

	fit_begin(&t, &o, small);
	fit_run(&t, HORIZON);
	CHECK(t.status == AUG_DATA);
	CHECK_TEXT(t.err.message, "the series are too short to learn from");
	fit_end(&t);

	/* too short for folds and for early stopping, and told so */
	o.n = 16;
	fit_begin(&t, &o, "");
	fit_run(&t, HORIZON);
	CHECK(t.status == AUG_OK && t.fit->n_folds == 0 && t.fit->n_rounds == 100);
	CHECK(strstr(t.fit->warning, "too short") != NULL);
	if (t.status == AUG_OK)
	{
		AugForecast *f = forecast(&t, &t.p.members[0], HORIZON);

		CHECK(isfinite(f->mean[0]) && isnan(f->lower[0]) && isnan(f->sigma));
		aug_forecast_free(&t.h.host, f);
	}
	fit_end(&t);
}

/* A series that training did not have, and steps beyond the horizon. */
static void
test_beyond(void)
{
	UnitPanelOptions o = {6, 60, 3 * HORIZON, false, false, 4};
	static const char *const unknown[] = {"none such", NULL};
	Fitted t;
	AugPanelMember m;
	AugForecast *f;

	fit_begin(&t, &o,
			  "n_trees=20 early_stopping_rounds=none max_rows=1500 folds=2 "
			  "direct_steps=5");
	fit_run(&t, HORIZON);
	CHECK(t.status == AUG_OK && t.fit->direct == 5);
	m = t.p.members[2];
	m.statics = unknown;
	f = forecast(&t, &m, 3 * HORIZON);
	for (uint32_t h = 0; h < 3 * HORIZON; h++)
		CHECK(f->mean[h] > 0 && f->lower[h] <= f->mean[h] && f->mean[h] <= f->upper[h]);
	aug_forecast_free(&t.h.host, f);
	/* regressors must be known for all steps */
	m.series.n_x--;
	CHECK(aug_panel_forecast(&t.h.host, t.model, &m, 3 * HORIZON, N_LEVEL, levels, &f, &t.err) ==
		  AUG_INVALID);
	fit_end(&t);
}

/* ---- options --------------------------------------------------------------- */

/* Each option changes the model; what makes no sense is refused. */
static void
test_options(void)
{
	static const char *const changed[] = {"loss=squared_error",
										  "loss=absolute_error",
										  "loss=poisson",
										  "loss=tweedie",
										  "transform=none",
										  "loss=tweedie tweedie_power=1.2",
										  "lags=3",
										  "direct_steps=2",
										  "n_trees=21",
										  "learning_rate=0.2",
										  "max_leaf_nodes=3",
										  "min_samples_leaf=200",
										  "lambda=100",
										  "sample_fraction=0.3",
										  "max_features=3",
										  "max_rows=1000",
										  "folds=1",
										  "early_stopping_rounds=1 n_trees=20"};
	static const char *const refused[] = {"loss=poisson transform=log", "tweedie_power=1.5"};
	UnitPanelOptions o = {6, 60, HORIZON, false, false, 4};
	AugSlice seen[sizeof(changed) / sizeof(changed[0])];
	Fitted t;
	size_t n = sizeof(changed) / sizeof(changed[0]);

	for (size_t i = 0; i < n; i++)
	{
		char text[200];

		snprintf(text, sizeof(text), "%s %s", small, changed[i]);
		fit_begin(&t, &o, text);
		fit_run(&t, HORIZON);
		CHECK(t.status == AUG_OK);
		seen[i] = t.fit->artifact;
		t.fit->artifact.bytes = NULL;
		/* the trees alone, as the options are in the bytes: the last ones of the artifact */
		for (size_t k = 0; k < i; k++)
			CHECK(seen[k].length != seen[i].length ||
				  memcmp(seen[k].bytes + seen[k].length - 200, seen[i].bytes + seen[i].length - 200,
						 196) != 0);
		aug_panel_free(t.model);
		t.model = NULL;
		aug_panel_fit_free(&t.h.host, t.fit);
		t.fit = NULL;
		aug_params_free(t.params);
		t.params = NULL;
		unit_panel_free(&t.p);
	}
	for (size_t i = 0; i < n; i++)
		t.h.host.release(&t.h, (void *) (uintptr_t) seen[i].bytes);
	for (size_t i = 0; i < 2; i++)
	{
		fit_begin(&t, &o, refused[i]);
		fit_run(&t, HORIZON);
		CHECK(t.status == AUG_INVALID);
		fit_end(&t);
	}
}

static void
test_bounds(void)
{
	UnitPanelOptions o = {6, 60, HORIZON, false, false, 4};
	Fitted t;
	AugForecast *f;

	fit_begin(&t, &o,
			  "n_trees=20 early_stopping_rounds=none folds=2 max_rows=1500 lower_bound=11 "
			  "upper_bound=12.5 integer=true");
	fit_run(&t, HORIZON);
	CHECK(t.status == AUG_OK);
	f = forecast(&t, &t.p.members[0], HORIZON);
	for (uint32_t h = 0; h < HORIZON; h++)
	{
		CHECK(f->mean[h] >= 11 && f->mean[h] <= 12 && f->mean[h] == floor(f->mean[h]));
		CHECK(f->lower[h] >= 11 && f->lower[h] == floor(f->lower[h]));
		CHECK(f->upper[h] <= 12 && f->upper[h] == floor(f->upper[h]));
		CHECK(t.fit->mean[h] == floor(t.fit->mean[h]) && t.fit->mean[h] <= 12);
	}
	aug_forecast_free(&t.h.host, f);
	fit_end(&t);
}

/* Bounds that leave nothing between them. */
static void
test_bounds_refused(void)
{
	static const char *const given[] = {"lower_bound=3 upper_bound=2",
										"lower_bound=1.2 upper_bound=1.8 integer=true"};
	UnitPanelOptions o = {3, 60, HORIZON, false, false, 4};

	for (int i = 0; i < 2; i++)
	{
		Fitted t;

		fit_begin(&t, &o, given[i]);
		fit_run(&t, HORIZON);
		CHECK(t.status == AUG_INVALID && strstr(t.err.message, "bound") != NULL);
		fit_end(&t);
	}
}

static void
test_refusals(void)
{
	UnitPanelOptions o = {3, 60, HORIZON, false, false, 4};
	Fitted t;
	double *y;

	fit_begin(&t, &o, "loss=tweedie");
	y = (double *) (uintptr_t) t.p.members[0].series.y;
	y[3] = -1;
	fit_run(&t, HORIZON);
	CHECK(t.status == AUG_DATA && strstr(t.err.message, "negative") != NULL);
	fit_run(&t, 0);
	CHECK(t.status == AUG_INVALID);
	t.p.panel.n_periods = 2;
	fit_run(&t, HORIZON);
	CHECK(t.status == AUG_INVALID);
	t.p.panel.n_periods = 1;
	t.p.panel.n_regressors = 1;
	fit_run(&t, HORIZON);
	CHECK(t.status == AUG_INVALID);
	t.p.panel.n_regressors = 2;
	t.p.panel.n_statics = AUG_MAX_STATICS + 1;
	fit_run(&t, HORIZON);
	CHECK(t.status == AUG_LIMIT);
	t.p.panel.n_statics = 2;
	for (uint32_t i = 0; i < 3; i++)
		for (uint32_t s = 0; s < 60; s++)
			((double *) (uintptr_t) t.p.members[i].series.y)[s] = NAN;
	fit_run(&t, HORIZON);
	CHECK(t.status == AUG_DATA);
	fit_end(&t);
}

/* ---- artifact --------------------------------------------------------------- */

static AugStatus
read_panel(UnitHost *h, const uint8_t *bytes, size_t length, AugError *err)
{
	AugPanelModel *model;
	AugStatus status = aug_panel_read(&h->host, bytes, length, &model, err);

	CHECK((status == AUG_OK) == (model != NULL));
	aug_panel_free(model);
	return status;
}

static void
test_damage(void)
{
	UnitPanelOptions o = {3, 40, 4, false, false, 4};
	Fitted t;

	fit_begin(
		&t, &o,
		"n_trees=2 early_stopping_rounds=none folds=0 max_leaf_nodes=3 lags=1 direct_steps=1");
	fit_run(&t, 4);
	CHECK(t.status == AUG_OK);
	unit_damage(read_panel, t.fit->artifact.bytes, t.fit->artifact.length);
	CHECK(aug_model_check(t.fit->artifact.bytes, t.fit->artifact.length, &t.err) == AUG_CORRUPT);
	fit_end(&t);
}

static const UnitPanelOptions golden_options = {4, 50, 6, true, true, 8};
static const char golden_params[] = "n_trees=8 early_stopping_rounds=none folds=2 lags=3";
static const char golden_model[] = UNIT_DATA "/format1_panel.model";
static const char golden_text[] = UNIT_DATA "/format1_panel.txt";

static void
write_golden(void)
{
	Fitted t;
	FILE *file;

	fit_begin(&t, &golden_options, golden_params);
	fit_run(&t, 6);
	file = fopen(golden_model, "wb");
	CHECK(t.status == AUG_OK && file != NULL &&
		  fwrite(t.fit->artifact.bytes, 1, t.fit->artifact.length, file) ==
			  t.fit->artifact.length &&
		  fclose(file) == 0);
	file = fopen(golden_text, "w");
	if (!CHECK(file != NULL))
		return;
	fprintf(file, "# forecasts of the golden panel: member mean, then lower and upper of 0.95\n");
	for (uint32_t i = 0; i < 4; i++)
	{
		static const char *const what[] = {"mean", "lower", "upper"};
		AugForecast *f = forecast(&t, &t.p.members[i], 6);
		const double *numbers[] = {f->mean, f->lower + 6, f->upper + 6};

		for (uint32_t k = 0; k < 3; k++)
		{
			fprintf(file, "member%u %s", i, what[k]);
			for (uint32_t h = 0; h < 6; h++)
				fprintf(file, " %.17g", numbers[k][h]);
			fprintf(file, "\n");
		}
		aug_forecast_free(&t.h.host, f);
	}
	fclose(file);
	fit_end(&t);
}

/* What this version read once, all later ones read. */
static void
test_golden(void)
{
	Fitted t;
	uint8_t *bytes;
	size_t length;

	if (getenv("UNIT_WRITE_GOLDEN") != NULL)
		write_golden();
	fit_begin(&t, &golden_options, golden_params);
	bytes = unit_read_file(golden_model, &length);
	t.status = AUG_DATA;
	if (CHECK(bytes != NULL))
		t.status = aug_panel_read(&t.h.host, bytes, length, &t.model, &t.err);
	free(bytes);
	if (CHECK(t.status == AUG_OK))
	{
		const AugPanelInfo *info = aug_panel_info(t.model);

		CHECK(info->horizon == 6 && info->n_regressors == 2 && info->n_calendar == 1);
		CHECK(info->n_statics == 2 && info->n_periods == 1 && info->period[0] == 7);
		CHECK_TEXT(info->regressor_names[1], "price");
		CHECK_TEXT(info->static_names[0], "item");
		CHECK(strstr(info->params_text, "\"n_trees\": 8") != NULL);
	}
	for (uint32_t i = 0; t.status == AUG_OK && i < 4; i++)
	{
		AugForecast *f = forecast(&t, &t.p.members[i], 6);
		double mean[6], lower[6], upper[6];
		char name[32];

		snprintf(name, sizeof(name), "member%u", i);
		CHECK(unit_golden("format1_panel.txt", name, "mean", mean, 6) == 6);
		CHECK(unit_golden("format1_panel.txt", name, "lower", lower, 6) == 6);
		CHECK(unit_golden("format1_panel.txt", name, "upper", upper, 6) == 6);
		for (uint32_t h = 0; h < 6; h++)
		{
			CHECK_NEAR(f->mean[h], mean[h], 1e-12);
			CHECK_NEAR(f->lower[6 + h], lower[h], 1e-12);
			CHECK_NEAR(f->upper[6 + h], upper[h], 1e-12);
		}
		aug_forecast_free(&t.h.host, f);
	}
	fit_end(&t);
}

/* ---- failures ---------------------------------------------------------------- */

static AugStatus
fit_and_forecast(UnitHost *h, void *arg, AugError *err)
{
	const UnitPanel *p = arg;
	AugParams *params = NULL;
	AugPanelFit *fit = NULL;
	AugPanelModel *model = NULL;
	AugForecast *f = NULL;
	AugStatus status = aug_params_new(&h->host, aug_panel_about(), &params, err);

	if (status == AUG_OK)
		status = aug_params_set(params, "n_trees", "3", err);
	if (status == AUG_OK)
		status = aug_params_set(params, "folds", "2", err);
	if (status == AUG_OK)
		status = aug_panel_fit(&h->host, &p->panel, params, 4, N_LEVEL, levels, 1, &fit, err);
	if (status == AUG_OK)
		status = aug_panel_read(&h->host, fit->artifact.bytes, fit->artifact.length, &model, err);
	for (uint32_t i = 0; status == AUG_OK && i < 2; i++)
	{
		AugPanelMember m = p->members[i];

		/* the second one falls back */
		m.series.n = i == 0 ? m.series.n : 2;
		status = aug_panel_forecast(&h->host, model, &m, 9, N_LEVEL, levels, &f, err);
		if (status == AUG_OK)
			aug_forecast_free(&h->host, f);
	}
	aug_panel_free(model);
	aug_panel_fit_free(&h->host, fit);
	aug_params_free(params);
	return status;
}

static void
test_allocations(void)
{
	UnitPanelOptions o = {3, 45, 9, true, true, 2};
	UnitPanel p;

	unit_panel(&p, &o);
	CHECK(unit_fail_each(fit_and_forecast, &p) > 100);
	unit_panel_free(&p);
}

static void
test_cancel(void)
{
	UnitPanelOptions o = {3, 45, 9, true, true, 2};
	UnitPanel p;

	unit_panel(&p, &o);
	CHECK(unit_cancel_each(fit_and_forecast, &p) > 50);
	unit_panel_free(&p);
}

static const UnitTest tests[] = {
	{"accuracy", test_accuracy},	 {"folds", test_folds},
	{"same_bytes", test_same_bytes}, {"units", test_units},
	{"odd_series", test_odd_series}, {"nothing_to_learn", test_nothing_to_learn},
	{"beyond", test_beyond},		 {"options", test_options},
	{"bounds", test_bounds},		 {"bounds refused", test_bounds_refused},
	{"refusals", test_refusals},	 {"damage", test_damage},
	{"golden", test_golden},		 {"allocations", test_allocations},
	{"cancel", test_cancel},
};

UNIT_MAIN("panel", tests);
