/*-------------------------------------------------------------------------
 *
 * test_metric.c
 *		Metrics against scikit-learn's values, their edges, failure and cancel.
 *
 * tests/data/metrics_golden.txt is made by make_metrics_golden.py there.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#define MAX_ROWS	256
#define MAX_CLASSES 8

typedef struct Case
{
	char name[64];
	bool classify;
	uint32_t n;
	uint32_t n_classes;
	bool weighted;
	uint32_t label[MAX_ROWS];
	double weight[MAX_ROWS];
	double actual[MAX_ROWS];
	double predicted[MAX_ROWS * MAX_CLASSES];
	AugMetric metrics[AUG_MAX_METRICS + 3 * MAX_CLASSES];
	uint32_t n_metrics;
} Case;

static AugStatus
run_case(UnitHost *h, void *arg, AugError *err)
{
	Case *c = arg;
	const double *weight = c->weighted ? c->weight : NULL;

	if (c->classify)
		return aug_metrics_classify(&h->host, c->predicted, c->label, weight, c->n, c->n_classes,
									c->metrics, &c->n_metrics, err);
	return aug_metrics_regress(&h->host, c->predicted, c->actual, weight, c->n, c->metrics,
							   &c->n_metrics, err);
}

static const AugMetric *
find_metric(const Case *c, const char *name, int class_index)
{
	for (uint32_t i = 0; i < c->n_metrics; i++)
	{
		if (strcmp(c->metrics[i].name, name) == 0 && c->metrics[i].class_index == class_index)
			return &c->metrics[i];
	}
	return NULL;
}

/* "auc.lower" and so on. */
static void
check_expected(const Case *c, char *name, int class_index, double value)
{
	char *dot = strchr(name, '.');
	const AugMetric *metric;
	double got;

	if (dot != NULL)
		*dot = '\0';
	metric = find_metric(c, name, class_index);
	if (!CHECK(metric != NULL))
	{
		fprintf(stderr, "%s: no %s\n", c->name, name);
		return;
	}
	got = dot == NULL					  ? metric->value
		  : strcmp(dot + 1, "lower") == 0 ? metric->lower
										  : metric->upper;
	if (!CHECK_NEAR(got, value, 1e-11))
		fprintf(stderr, "%s: %s of class %d\n", c->name, name, class_index);
	if (dot == NULL && !isnan(metric->lower))
		CHECK(metric->lower <= metric->value && metric->value <= metric->upper);
}

static bool
read_row(FILE *file, Case *c, uint32_t i)
{
	uint32_t columns = c->classify ? c->n_classes : 1;

	if (fscanf(file, " row %lf %lf", &c->actual[i], &c->weight[i]) != 2)
		return false;
	c->label[i] = c->classify ? (uint32_t) c->actual[i] : 0;
	for (uint32_t k = 0; k < columns; k++)
	{
		if (fscanf(file, " %lf", &c->predicted[i * columns + k]) != 1)
			return false;
	}
	return true;
}

static void
test_golden(void)
{
	FILE *file = fopen(UNIT_DATA "/metrics_golden.txt", "r");
	static Case c;
	char task[32], word[64];
	int weighted, n_cases = 0;

	if (!CHECK(file != NULL))
		return;
	while (fscanf(file, " case %63s %31s %u %u %d", c.name, task, &c.n, &c.n_classes, &weighted) ==
		   5)
	{
		UnitHost h;
		AugError err;

		c.classify = strcmp(task, "classify") == 0;
		c.weighted = weighted != 0;
		if (!CHECK(c.n <= MAX_ROWS && c.n_classes <= MAX_CLASSES))
			break;
		for (uint32_t i = 0; i < c.n; i++)
			CHECK(read_row(file, &c, i));
		unit_host(&h);
		CHECK(run_case(&h, &c, &err) == AUG_OK);
		CHECK(h.live == 0);
		CHECK_TEXT(c.metrics[0].name, !c.classify ? "rmse" : c.n_classes == 2 ? "auc" : "log_loss");
		while (fscanf(file, " %63s", word) == 1 && strcmp(word, "expect") == 0)
		{
			double value;
			int class_index;

			if (CHECK(fscanf(file, " %63s %d %lf", word, &class_index, &value) == 3))
				check_expected(&c, word, class_index, value);
		}
		CHECK_TEXT(word, "end");
		n_cases++;
	}
	CHECK(n_cases == 12);
	fclose(file);
}

static void
make_case(Case *c, bool classify, uint32_t n_classes, bool weighted)
{
	memset(c, 0, sizeof(*c));
	c->classify = classify;
	c->n = MAX_ROWS;
	c->n_classes = n_classes;
	c->weighted = weighted;
	for (uint32_t i = 0; i < c->n; i++)
	{
		c->label[i] = classify ? i % n_classes : 0;
		c->actual[i] = i;
		c->weight[i] = 1 + i % 3;
		for (uint32_t k = 0; k < n_classes; k++)
			c->predicted[i * n_classes + k] = 1.0 / n_classes;
		if (!classify)
			c->predicted[i] = i + 0.5 * (i % 5);
	}
}

static void
test_failures(void)
{
	static Case c;

	make_case(&c, true, 2, true);
	CHECK(unit_fail_each(run_case, &c) >= 2);
	make_case(&c, true, 3, false);
	CHECK(unit_fail_each(run_case, &c) >= 1);
	make_case(&c, false, 0, true);
	CHECK(unit_fail_each(run_case, &c) == 0);
}

/* ---- long inputs: polls ----------------------------------------------- */

typedef struct Long
{
	uint32_t n;
	uint32_t n_classes;
	double *proba;
	double *weight;
	uint32_t *label;
	uint8_t *binary;
} Long;

static AugStatus
long_classify(UnitHost *h, void *arg, AugError *err)
{
	Long *l = arg;
	AugMetric out[AUG_MAX_METRICS + 9];
	uint32_t n_out;
	AugStatus status = aug_metrics_classify(&h->host, l->proba, l->label, l->weight, l->n,
											l->n_classes, out, &n_out, err);

	CHECK(status == AUG_OK ? n_out > 0 : n_out == 0);
	return status;
}

static AugStatus
long_regress(UnitHost *h, void *arg, AugError *err)
{
	Long *l = arg;
	AugMetric out[AUG_MAX_METRICS];
	uint32_t n_out;

	return aug_metrics_regress(&h->host, l->proba, l->proba, NULL, l->n, out, &n_out, err);
}

static AugStatus
long_rank(UnitHost *h, void *arg, AugError *err)
{
	Long *l = arg;
	double value, error;
	AugStatus status = aug_auc(&h->host, l->proba, l->binary, l->weight, l->n, &value, &error, err);

	if (status == AUG_OK)
		status = aug_pr_auc(&h->host, l->proba, l->binary, l->weight, l->n, &value, err);
	return status;
}

static void
test_cancel(void)
{
	Long l = {.n = 150000, .n_classes = 2};

	l.proba = malloc(l.n * 2 * sizeof(double));
	l.weight = malloc(l.n * sizeof(double));
	l.label = malloc(l.n * sizeof(uint32_t));
	l.binary = malloc(l.n);
	if (l.proba == NULL || l.weight == NULL || l.label == NULL || l.binary == NULL)
		abort();
	for (uint32_t i = 0; i < l.n; i++)
	{
		l.proba[2 * i] = ((i * 7919) % l.n) / (double) l.n;
		l.proba[2 * i + 1] = 1 - l.proba[2 * i];
		l.weight[i] = 1 + i % 2;
		l.label[i] = i % 3 == 0;
		l.binary[i] = (uint8_t) l.label[i];
	}
	CHECK(unit_cancel_each(long_classify, &l) > 4);
	CHECK(unit_cancel_each(long_regress, &l) > 1);
	for (uint32_t i = 0; i < l.n; i++)
		l.proba[i] = l.proba[2 * i];
	CHECK(unit_cancel_each(long_rank, &l) > 4);
	free(l.proba);
	free(l.weight);
	free(l.label);
	free(l.binary);
}

/* ---- edges ------------------------------------------------------------ */

static void
test_auc_edges(void)
{
	UnitHost h;
	AugError err;
	double score[] = {0.1, 0.9, 0.4, 0.8}, weight[] = {1, 2, 3, 4}, value, error;
	uint8_t label[] = {0, 1, 0, 1}, ones[] = {1, 1, 1, 1}, zeros[] = {0, 0, 0, 0};

	unit_host(&h);
	CHECK(aug_auc(&h.host, score, label, weight, 4, &value, &error, &err) == AUG_OK);
	CHECK(value == 1 && error == 0);
	CHECK(weight[0] == 1 && weight[1] == 3 && weight[2] == 4 && weight[3] == 2);
	CHECK(aug_pr_auc(&h.host, score, label, NULL, 4, &value, &err) == AUG_OK && value == 1);
	CHECK(aug_auc(&h.host, score, ones, NULL, 4, &value, &error, &err) == AUG_OK);
	CHECK(isnan(value) && isnan(error));
	CHECK(aug_pr_auc(&h.host, score, ones, NULL, 4, &value, &err) == AUG_OK && value == 1);
	CHECK(aug_pr_auc(&h.host, score, zeros, NULL, 4, &value, &err) == AUG_OK && isnan(value));
	CHECK(aug_auc(&h.host, score, label, NULL, 0, &value, NULL, &err) == AUG_OK && isnan(value));
	/* one positive: a value, no error */
	label[0] = label[1] = label[2] = 0;
	label[3] = 1;
	CHECK(aug_auc(&h.host, score, label, NULL, 4, &value, &error, &err) == AUG_OK);
	CHECK(!isnan(value) && isnan(error));
	CHECK(h.allocations == 0);
}

/* AUC of random scores has the error that DeLong says: 400 samples. */
static void
test_auc_coverage(void)
{
	UnitHost h;
	AugError err;
	uint64_t state = 12345;
	int covered = 0;

	unit_host(&h);
	for (int t = 0; t < 400; t++)
	{
		double score[100], value, error;
		uint8_t label[100];

		for (int i = 0; i < 100; i++)
		{
			state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
			score[i] = (double) (state >> 33);
			label[i] = i % 4 == 0;
		}
		CHECK(aug_auc(&h.host, score, label, NULL, 100, &value, &error, &err) == AUG_OK);
		covered += fabs(value - 0.5) < 1.96 * error;
	}
	/* 95 % of 400, sd 4.4; nominal coverage of Wald is a little low */
	CHECK(covered > 355 && covered < 399);
}

static void
test_counts(void)
{
	CHECK(aug_metric_f1(8, 2, 4) == 16.0 / 22);
	CHECK(isnan(aug_metric_f1(0, 0, 0)));
	CHECK(aug_metric_f1(0, 3, 0) == 0);
	CHECK_NEAR(aug_metric_mcc(6, 1, 2, 3), (6 * 3 - 1 * 2) / sqrt(7.0 * 8 * 4 * 5), 1e-15);
	CHECK(aug_metric_mcc(5, 0, 0, 5) == 1);
	CHECK_NEAR(aug_metric_mcc(0, 5, 5, 0), -1, 1e-15);
	CHECK(aug_metric_mcc(5, 3, 0, 0) == 0);
	CHECK(isnan(aug_metric_mcc(0, 0, 0, 0)));
	CHECK_NEAR(aug_metric_mcc(6e90, 1e90, 2e90, 3e90), aug_metric_mcc(6, 1, 2, 3), 1e-14);
	CHECK_NEAR(aug_metric_log_loss(0), 52 * log(2.0), 1e-15);
	CHECK(aug_metric_log_loss(1) > 0 && aug_metric_log_loss(1) < 1e-15);
	CHECK(aug_metric_log_loss(0.5) == -log(0.5));
}

static void
test_empty_and_single(void)
{
	UnitHost h;
	AugError err;
	static Case c;

	unit_host(&h);
	/* no rows: every value undefined, none made up */
	for (uint32_t k = 1; k <= 3; k++)
	{
		make_case(&c, true, k, false);
		c.n = 0;
		CHECK(run_case(&h, &c, &err) == AUG_OK && c.n_metrics > 0);
		for (uint32_t i = 0; i < c.n_metrics; i++)
			CHECK(isnan(c.metrics[i].value) && isnan(c.metrics[i].lower));
	}
	make_case(&c, false, 0, false);
	c.n = 0;
	CHECK(run_case(&h, &c, &err) == AUG_OK && c.n_metrics == 6);
	for (uint32_t i = 0; i < c.n_metrics; i++)
		CHECK(isnan(c.metrics[i].value));
	/* one row: values, no intervals but Wilson's */
	c.n = 1;
	CHECK(run_case(&h, &c, &err) == AUG_OK);
	CHECK(find_metric(&c, "rmse", -1)->value == 0 && isnan(find_metric(&c, "rmse", -1)->lower));
	CHECK(isnan(find_metric(&c, "r2", -1)->value));
	CHECK(isnan(find_metric(&c, "mape", -1)->value));

	/* one class only */
	make_case(&c, true, 1, true);
	CHECK(run_case(&h, &c, &err) == AUG_OK);
	CHECK(find_metric(&c, "accuracy", -1)->value == 1);
	CHECK(find_metric(&c, "mcc", -1)->value == 0);
	CHECK(find_metric(&c, "auc", -1) == NULL);
	/* two classes of which one occurs */
	make_case(&c, true, 2, true);
	memset(c.label, 0, sizeof(c.label));
	CHECK(run_case(&h, &c, &err) == AUG_OK);
	CHECK(isnan(find_metric(&c, "auc", -1)->value) && isnan(find_metric(&c, "auc", -1)->lower));
	CHECK(isnan(find_metric(&c, "recall", 1)->value));
	CHECK(find_metric(&c, "balanced_accuracy", -1)->value == 1);
	/* three of which one does not occur: no auc, means over the others */
	make_case(&c, true, 3, false);
	for (uint32_t i = 0; i < c.n; i++)
		c.label[i] = i % 2;
	CHECK(run_case(&h, &c, &err) == AUG_OK);
	CHECK(isnan(find_metric(&c, "auc", -1)->value));
	CHECK(isnan(find_metric(&c, "recall", 2)->value) && isnan(find_metric(&c, "f1", 2)->value));
	CHECK(find_metric(&c, "balanced_accuracy", -1)->value == 0.5);

	CHECK(aug_metrics_classify(&h.host, NULL, NULL, NULL, 0, 0, c.metrics, &c.n_metrics, &err) ==
		  AUG_INVALID);
	CHECK(h.live == 0);
}

/* Without a thousand probabilities a row, many classes have no auc. */
static void
test_many_classes(void)
{
	UnitHost h;
	AugError err;
	uint32_t k = 70, n = 140, n_out;
	double *p = calloc(k * n, sizeof(double));
	uint32_t *label = calloc(n, sizeof(uint32_t));
	AugMetric *out = calloc(AUG_MAX_METRICS + 3 * k, sizeof(AugMetric));

	if (p == NULL || label == NULL || out == NULL)
		abort();
	for (uint32_t i = 0; i < n; i++)
	{
		label[i] = i % k;
		p[i * k + i % k] = 1;
	}
	unit_host(&h);
	CHECK(aug_metrics_classify(&h.host, p, label, NULL, n, k, out, &n_out, &err) == AUG_OK);
	CHECK(n_out == 8 + 3 * k && n_out <= AUG_MAX_METRICS + 3 * k);
	for (uint32_t i = 0; i < n_out; i++)
	{
		CHECK(strcmp(out[i].name, "auc") != 0);
		CHECK(out[i].value == (out[i].higher_is_better ? 1 : out[i].value));
	}
	free(p);
	free(label);
	free(out);
}

static const UnitTest tests[] = {
	{"golden", test_golden},
	{"failures", test_failures},
	{"cancel", test_cancel},
	{"auc_edges", test_auc_edges},
	{"auc_coverage", test_auc_coverage},
	{"counts", test_counts},
	{"empty_and_single", test_empty_and_single},
	{"many_classes", test_many_classes},
};

UNIT_MAIN("metric", tests);
