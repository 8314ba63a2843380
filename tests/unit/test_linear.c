/*-------------------------------------------------------------------------
 *
 * test_linear.c
 *		Linear regression: certified values, terms that others explain, categories,
 *		weights, missing values; Student's t.
 *
 * Longley's data and the certified values for them: NIST Statistical Reference Datasets,
 * linear regression (units here are thousands and millions, as in R).  Values of
 * Student's t: R 4.2, pt and qt.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "../../src/core/special.h"

#define MAX_FEATURES 8

/* A matrix of numbers, and perhaps one category as the last feature. */
typedef struct Table
{
	AugMatrix m;
	AugFeature features[MAX_FEATURES];
	double *raw;
	uint8_t *cells;
	double *y;
} Table;

static void
table_make(Table *t, uint32_t n, uint32_t n_numbers, bool category)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
	static const uint32_t end[] = {1, 2, 3};

	memset(t, 0, sizeof(*t));
	t->raw = calloc((size_t) n * n_numbers + 1, sizeof(double));
	t->cells = calloc((size_t) n * 8, 1);
	t->y = calloc(n, sizeof(double));
	if (t->raw == NULL || t->cells == NULL || t->y == NULL)
		abort();
	for (uint32_t i = 0; i < n_numbers + category; i++)
	{
		t->features[i] = (AugFeature){
			.name = names[i], .column = names[i], .type_name = "double precision", .slot = i};
		if (i < n_numbers)
			continue;
		t->features[i].kind = AUG_CATEGORICAL_FEATURE;
		t->features[i].n_levels = 3;
		t->features[i].level_end = end;
		t->features[i].level_text = "xyz";
	}
	t->m = (AugMatrix){.task = AUG_REGRESSION,
					   .n_rows = n,
					   .n_features = n_numbers + category,
					   .n_narrow = n_numbers + category,
					   .stride = 8,
					   .cells = t->cells,
					   .raw = t->raw,
					   .y = t->y,
					   .features = t->features,
					   .target = "y",
					   .target_type = "double precision"};
}

static void
table_free(Table *t)
{
	free(t->raw);
	free(t->cells);
	free(t->y);
}

static void
set_number(Table *t, uint32_t row, uint32_t feature, double value)
{
	t->raw[(size_t) feature * t->m.n_rows + row] = value;
}

/* Trains and decodes; NULL with err filled. */
static AugModel *
train(UnitHost *h, const Table *t, const char *missing, AugError *err)
{
	const AugAlgorithm *a = aug_algorithm_find("linear_regression");
	AugParams *params;
	AugModel *model = NULL;
	uint8_t *artifact;
	size_t length;
	AugFit fit;

	CHECK(aug_params_new(&h->host, a, &params, err) == AUG_OK);
	CHECK(aug_params_set(params, "missing", missing, err) == AUG_OK);
	if (unit_train(h, a, params, &t->m, 1, 0, &artifact, &length, &fit, err) == AUG_OK)
		CHECK(aug_model_read(&h->host, artifact, length, &model, err) == AUG_OK);
	h->host.release(h, artifact);
	aug_params_free(params);
	return model;
}

static void
longley(void)
{
	static const double data[16][7] = {{60.323, 83.0, 234.289, 235.6, 159.0, 107.608, 1947},
									   {61.122, 88.5, 259.426, 232.5, 145.6, 108.632, 1948},
									   {60.171, 88.2, 258.054, 368.2, 161.6, 109.773, 1949},
									   {61.187, 89.5, 284.599, 335.1, 165.0, 110.929, 1950},
									   {63.221, 96.2, 328.975, 209.9, 309.9, 112.075, 1951},
									   {63.639, 98.1, 346.999, 193.2, 359.4, 113.270, 1952},
									   {64.989, 99.0, 365.385, 187.0, 354.7, 115.094, 1953},
									   {63.761, 100.0, 363.112, 357.8, 335.0, 116.219, 1954},
									   {66.019, 101.2, 397.469, 290.4, 304.8, 117.388, 1955},
									   {67.857, 104.6, 419.180, 282.2, 285.7, 118.734, 1956},
									   {68.169, 108.4, 442.769, 293.6, 279.8, 120.445, 1957},
									   {66.513, 110.8, 444.546, 468.1, 263.7, 121.950, 1958},
									   {68.655, 112.6, 482.704, 381.3, 255.2, 123.366, 1959},
									   {69.564, 114.2, 502.601, 393.1, 251.4, 125.368, 1960},
									   {69.331, 115.7, 518.173, 480.6, 257.2, 127.852, 1961},
									   {70.551, 116.9, 554.894, 400.7, 282.7, 130.081, 1962}};
	static const double certified[7][2] = {
		{-3482.25863459582, 890.420383607373},		{0.0150618722713733, 0.0849149257747669},
		{-0.0358191792925910, 0.0334910077722432},	{-0.0202022980381683, 0.00488399681651699},
		{-0.0103322686717359, 0.00214274163161675}, {-0.0511041056535807, 0.226073200069370},
		{1.82915146461355, 0.455478499142212}};
	UnitHost h;
	AugError err;
	Table t;
	AugModel *model;
	const AugModelInfo *info;

	unit_host(&h);
	table_make(&t, 16, 6, false);
	for (uint32_t i = 0; i < 16; i++)
	{
		t.y[i] = data[i][0];
		for (uint32_t k = 0; k < 6; k++)
			set_number(&t, i, k, data[i][k + 1]);
	}
	model = train(&h, &t, "mean", &err);
	CHECK(model != NULL);
	info = aug_model_info(model);
	CHECK(info->n_terms == 7 && info->df == 9);
	for (uint32_t k = 0; k < 7; k++)
	{
		CHECK(fabs(info->terms[k].estimate / certified[k][0] - 1) < 1e-9);
		CHECK(fabs(info->terms[k].standard_error / certified[k][1] - 1) < 1e-9);
	}
	CHECK(fabs(info->sigma / 0.304854073561965 - 1) < 1e-10);
	CHECK(fabs(info->r_squared / 0.995479004577296 - 1) < 1e-12);
	CHECK(fabs(info->terms[3].p_value / 0.002535091734111395 - 1) < 1e-9);
	CHECK_NEAR(info->base, 65.317, 1e-12);
	aug_model_free(model);
	table_free(&t);
	CHECK(h.live == 0);
}

/* y = 1 + 2a + {0, 3, -1}: exact, with a copy of a that is left out. */
static void
categories(void)
{
	static const double effect[] = {0, 3, -1};
	UnitHost h;
	AugError err;
	Table t;
	AugModel *model;
	const AugModelInfo *info;
	double scratch[16], x[3], lower, upper;

	unit_host(&h);
	table_make(&t, 12, 2, true);
	for (uint32_t i = 0; i < 12; i++)
	{
		set_number(&t, i, 0, i);
		set_number(&t, i, 1, 7 - 2.0 * i);
		t.cells[i * 8 + 2] = (uint8_t) (i % 3);
		t.y[i] = 1 + 2.0 * i + effect[i % 3];
	}
	model = train(&h, &t, "omit", &err);
	CHECK(model != NULL);
	info = aug_model_info(model);
	CHECK(info->n_terms == 5 && info->df == 8);
	CHECK_NEAR(info->terms[0].estimate, 1, 1e-12);
	CHECK_NEAR(info->terms[1].estimate, 2, 1e-12);
	CHECK(isnan(info->terms[2].estimate) && isnan(info->terms[2].standard_error));
	CHECK(info->terms[3].feature == 2 && info->terms[3].level == 1);
	CHECK_NEAR(info->terms[3].estimate, 3, 1e-12);
	CHECK_NEAR(info->terms[4].estimate, -1, 1e-12);
	CHECK_NEAR(info->importance[0] + info->importance[2], 1, 1e-12);
	x[0] = 100;
	x[1] = 0;
	x[2] = 1;
	CHECK_NEAR(aug_model_score1(model, x, scratch), 204, 1e-12);
	aug_model_interval(model, x, scratch, 0.9, &lower, &upper);
	CHECK(lower <= 204 + 1e-9 && upper >= 204 - 1e-9 && upper - lower < 1e-9);
	/* missing and unseen: the mean of the column, of the levels' effects */
	x[0] = NAN;
	x[2] = AUG_UNSEEN_LEVEL;
	CHECK_NEAR(aug_model_score1(model, x, scratch), 1 + 2 * 5.5 + 2.0 / 3, 1e-12);
	aug_model_free(model);
	table_free(&t);
	CHECK(h.live == 0);
}

/* A weight of 2 is the row twice, but for the degrees of freedom. */
static void
weights_and_missing(void)
{
	UnitHost h;
	AugError err;
	Table one, two;
	double weight[10];
	AugModel *a, *b;

	unit_host(&h);
	table_make(&one, 10, 1, false);
	table_make(&two, 15, 1, false);
	for (uint32_t i = 0, k = 0; i < 10; i++)
	{
		double x = (double) (i * i), y = 3 + 0.5 * x + (i % 4);

		weight[i] = 1 + i % 2;
		set_number(&one, i, 0, x);
		one.y[i] = y;
		for (uint32_t j = 0; j <= i % 2; j++, k++)
		{
			set_number(&two, k, 0, x);
			two.y[k] = y;
		}
	}
	one.m.weight = weight;
	a = train(&h, &one, "mean", &err);
	b = train(&h, &two, "mean", &err);
	CHECK_NEAR(aug_model_info(a)->terms[1].estimate, aug_model_info(b)->terms[1].estimate, 1e-12);
	CHECK_NEAR(aug_model_info(a)->base, aug_model_info(b)->base, 1e-12);
	CHECK(aug_model_info(a)->df == 8 && aug_model_info(b)->df == 13);
	aug_model_free(a);
	aug_model_free(b);

	set_number(&two, 3, 0, NAN);
	a = train(&h, &two, "omit", &err);
	b = train(&h, &two, "mean", &err);
	CHECK(aug_model_info(a)->df == 12 && aug_model_info(b)->df == 13);
	aug_model_free(a);
	aug_model_free(b);
	for (uint32_t i = 0; i < 15; i++)
		set_number(&two, i, 0, NAN);
	CHECK(train(&h, &two, "omit", &err) == NULL && err.status == AUG_DATA);
	CHECK(strstr(err.hint, "\"mean\"") != NULL);
	set_number(&two, 5, 0, INFINITY);
	CHECK(train(&h, &two, "mean", &err) == NULL && err.status == AUG_DATA);
	CHECK_TEXT(err.message, "column \"a\" has an infinite value");
	table_free(&one);
	table_free(&two);
	CHECK(h.live == 0);
}

/* Many rows, so several tasks, against the sums of the textbook. */
static void
many_rows(void)
{
	UnitHost h;
	AugError err;
	Table t;
	AugModel *model;
	uint32_t n = 100000;
	double sx = 0, sy = 0, sxx = 0, sxy = 0;

	unit_host(&h);
	table_make(&t, n, 1, false);
	for (uint32_t i = 0; i < n; i++)
	{
		double x = (double) ((i * 7919u) % 1000u) / 10, y = x * 0.25 + (double) (i % 17);

		set_number(&t, i, 0, x + 1e6);
		t.y[i] = y;
		sx += x / n;
		sy += y / n;
	}
	for (uint32_t i = 0; i < n; i++)
	{
		double x = t.raw[i] - 1e6 - sx;

		sxx += x * x;
		sxy += x * (t.y[i] - sy);
	}
	model = train(&h, &t, "mean", &err);
	CHECK(fabs(aug_model_info(model)->terms[1].estimate / (sxy / sxx) - 1) < 1e-9);
	aug_model_free(model);
	/* out of range, and everything the same */
	for (uint32_t i = 0; i < n; i++)
		set_number(&t, i, 0, i % 2 ? 1.7e308 : -1.7e308);
	model = train(&h, &t, "mean", &err);
	CHECK(model != NULL || err.status == AUG_NUMERIC);
	aug_model_free(model);
	for (uint32_t i = 0; i < n; i++)
	{
		set_number(&t, i, 0, 3);
		t.y[i] = 5;
	}
	model = train(&h, &t, "mean", &err);
	CHECK(isnan(aug_model_info(model)->terms[1].estimate));
	CHECK_NEAR(aug_model_info(model)->terms[0].estimate, 5, 1e-12);
	aug_model_free(model);
	table_free(&t);
	CHECK(h.live == 0);
}

static void
student(void)
{
	static const double df[] = {1, 2.5, 10, 100};
	static const double t[] = {0.1, 1, 5, 40};
	static const double p[4][4] = {
		{0.936548965138892853, 0.5, 0.125665916378002340, 0.015912179824051624},
		{0.92780654406248963539, 0.40406102727827353238, 0.02345118997086184306,
		 0.00014195634290493385},
		{9.2232071856440834e-01, 3.4089313230206009e-01, 5.3733360275645247e-04,
		 2.2808577430857475e-12},
		{9.2054453109585122e-01, 3.1972415578412372e-01, 2.4501734135037960e-06,
		 2.4621076021400736e-63}};
	static const double q[4][3] = {
		{0.32491969623290634, 12.70620473617469415, 3183.09875711850145308},
		{0.28145951274854752, 3.57465484200369188, 34.86796932111640501},
		{0.26018482949208016, 2.22813885198627393, 5.69382010145759310},
		{0.25402218245822766, 1.98397151852355158, 3.86159979095009076}};
	static const double at[] = {0.6, 0.975, 0.9999};

	for (int i = 0; i < 4; i++)
	{
		for (int k = 0; k < 4; k++)
			CHECK(fabs(aug_t_two_sided(-t[k], df[i]) / p[i][k] - 1) < 1e-11);
		for (int k = 0; k < 3; k++)
		{
			CHECK(fabs(aug_t_quantile(at[k], df[i]) / q[i][k] - 1) < 1e-11);
			CHECK(fabs(aug_t_quantile(1 - at[k], df[i]) / q[i][k] + 1) < 1e-9);
		}
	}
	/* heavy and light tails, near and far: the tail beyond the quantile is what was asked for */
	for (int i = 0; i < 11; i++)
	{
		static const double all_df[] = {0.3, 0.9, 1.7, 3, 7, 30, 1e3, 1e5, 1e7, 1e11, 1e18};
		static const double tail[] = {0.49999, 0.4, 0.1, 0.025, 1e-3, 1e-6, 1e-12};

		for (int k = 0; k < 7; k++)
		{
			double found = aug_t_quantile(tail[k], all_df[i]);

			CHECK(found < 0 && fabs(aug_t_two_sided(found, all_df[i]) / 2 / tail[k] - 1) < 1e-11);
			CHECK(i < 10 || fabs(found / aug_normal_quantile(tail[k]) - 1) < 1e-10);
		}
	}
	CHECK(aug_t_quantile(0.5, 3) == 0);
	/* p-values beyond the 17th digit, few and many degrees of freedom: mpmath's */
	CHECK(fabs(aug_t_two_sided(10, 1000) / 1.66707029586000663e-22 - 1) < 1e-12);
	CHECK(fabs(aug_t_two_sided(20, 9999) / 2.76570762757573349e-87 - 1) < 1e-12);
	CHECK(fabs(aug_t_two_sided(20, 10001) / 2.76359815342408242e-87 - 1) < 1e-12);
	CHECK(fabs(aug_t_two_sided(30, 1e6) / 1.20200942336634379e-197 - 1) < 1e-12);
	CHECK(aug_t_two_sided(INFINITY, 3) == 0 && isnan(aug_t_two_sided(NAN, 3)));
	CHECK(aug_t_two_sided(0, 3) == 1 && isnan(aug_t_quantile(0, 3)) &&
		  isnan(aug_t_quantile(0.5, 0)));
	CHECK(fabs(aug_beta_share(2, 3, 0.4) - 0.5248) < 1e-14);
}

static const UnitTest tests[] = {
	{"longley", longley},
	{"categories", categories},
	{"weights and missing", weights_and_missing},
	{"many rows", many_rows},
	{"student", student},
};

UNIT_MAIN("linear", tests);
