/*-------------------------------------------------------------------------
 *
 * boost_loss.c
 *		Losses: first and second derivatives by row, scores before the first tree,
 *		loss of the validation rows.
 *
 * A score is what the trees add up to.  Regressions by squared, absolute, quantile
 * and Huber's loss score the target itself, as (y - base) * scale (forest.h);
 * poisson and tweedie its logarithm; classes by log loss the log odds.
 * Second derivatives are those of the loss; where that has none (absolute, quantile,
 * Huber) they are 1, so that gains are variance reductions of the gradient
 * (Friedman 2001), and values of leaves are found otherwise (boost_leaf.c).  For k > 2
 * classes they are k / (k - 1) times the diagonal of the true ones (Friedman 2001,
 * algorithm 6).
 *
 * Memory: none of its own.  Interrupts: polled every CHUNK rows.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "boost.h"

#define CHUNK		   16384
#define LEAST_SHARE	   1e-15 /* of a class that no row has */
#define LARGEST_TARGET 1e30	 /* of losses on the log scale */

/* ---- one row ----------------------------------------------------------- */

/*
 * Derivatives of the loss of one row by its score.  y: the target, or 0 and 1.
 * Inlined into a loop for each loss.
 */
static inline void
derive(BoostLoss loss, const BoostConfig *c, double y, double s, double *g, double *h)
{
	double p, low;

	switch (loss)
	{
		case LOSS_SQUARED:
			*g = s - y;
			*h = 1;
			break;
		case LOSS_ABSOLUTE:
		case LOSS_QUANTILE:
			*g = s < y ? -c->quantile : s > y ? 1 - c->quantile : 0;
			*h = 1;
			break;
		case LOSS_HUBER:
			*g = s - y;
			*g = *g > c->delta ? c->delta : *g < -c->delta ? -c->delta : *g;
			*h = 1;
			break;
		case LOSS_POISSON:
			*h = boost_exp(s);
			*g = *h - y;
			break;
		case LOSS_TWEEDIE:
			low = y * boost_exp((1 - c->power) * s);
			p = boost_exp((2 - c->power) * s);
			*g = p - low;
			*h = (2 - c->power) * p + (c->power - 1) * low;
			break;
		default:
			p = 1 / (1 + boost_exp(-s));
			*g = p - y;
			*h = p * (1 - p);
	}
}

/* For the tests, which compare it with differences of aug_boost_row_loss. */
void
aug_boost_row(const BoostConfig *config, double y, double score, double *gradient, double *hessian)
{
	derive(config->loss, config, y, score, gradient, hessian);
}

/* (e^(a s) - 1) / a, which is s for a = 0 */
static double
log_scale_term(double a, double s)
{
	return a == 0 ? s : boost_exp(a * s) / a;
}

/*
 * Loss of one row, up to a constant of y.  Absolute loss is half of |y - s|: that
 * of the quantile 0.5.
 */
double
aug_boost_row_loss(const BoostConfig *c, double y, double s)
{
	double d = y - s, a = fabs(d);

	switch (c->loss)
	{
		case LOSS_SQUARED:
			return d * d / 2;
		case LOSS_ABSOLUTE:
		case LOSS_QUANTILE:
			return d > 0 ? c->quantile * d : (c->quantile - 1) * d;
		case LOSS_HUBER:
			return a <= c->delta ? d * d / 2 : c->delta * (a - c->delta / 2);
		case LOSS_POISSON:
			return boost_exp(s) - y * s;
		case LOSS_TWEEDIE:
			return log_scale_term(2 - c->power, s) - y * log_scale_term(1 - c->power, s);
		default:
			/* log(1 + e^-m), m the margin of the true class */
			d = y > 0.5 ? s : -s;
			return d > 0 ? boost_log(1 + boost_exp(-d)) : boost_log(1 + boost_exp(d)) - d;
	}
}

/* ---- all rows ---------------------------------------------------------- */

/* Derivatives of rows first .. end-1 by one loss; weights may be NULL. */
#define DEFINE_ROWS(name, LOSS, TARGET)                                                 \
	static void name(const BoostJob *b, const double *restrict scores, uint32_t first,  \
					 uint32_t end, float *restrict gradients, float *restrict hessians) \
	{                                                                                   \
		const double base = b->f.base, scale = b->f.scale, *y = b->f.matrix->y;         \
		const uint32_t *label = b->f.matrix->label;                                     \
                                                                                        \
		(void) base, (void) scale, (void) y, (void) label;                              \
		for (uint32_t i = first; i < end; i++)                                          \
		{                                                                               \
			double g, h;                                                                \
                                                                                        \
			derive(LOSS, &b->config, TARGET, scores[i], &g, &h);                        \
			gradients[i] = (float) g;                                                   \
			hessians[i] = (float) h;                                                    \
		}                                                                               \
	}

#define SCALED_TARGET ((y[i] - base) * scale)
DEFINE_ROWS(rows_squared, LOSS_SQUARED, SCALED_TARGET)
DEFINE_ROWS(rows_quantile, LOSS_QUANTILE, SCALED_TARGET)
DEFINE_ROWS(rows_huber, LOSS_HUBER, SCALED_TARGET)
DEFINE_ROWS(rows_poisson, LOSS_POISSON, y[i])
DEFINE_ROWS(rows_tweedie, LOSS_TWEEDIE, y[i])
DEFINE_ROWS(rows_logistic, LOSS_LOG, (double) (label[i] == 1))

/* Softmax, for one class. */
static void
rows_softmax(const BoostJob *b, uint32_t output, uint32_t first, uint32_t end)
{
	const double *scores = b->scores + (size_t) output * b->f.matrix->n_rows;
	const uint32_t *label = b->f.matrix->label;
	double k = b->config.n_classes, factor = k / (k - 1);

	for (uint32_t i = first; i < end; i++)
	{
		double p = boost_exp(scores[i] - b->norm[i]);

		b->gradients[i] = (float) (p - (label[i] == output));
		b->hessians[i] = (float) (factor * p * (1 - p));
	}
}

static void
rows_of(BoostJob *b, uint32_t output, uint32_t first, uint32_t end)
{
	static void (*const by_loss[])(const BoostJob *, const double *restrict, uint32_t, uint32_t,
								   float *restrict, float *restrict) = {
		rows_squared, rows_quantile, rows_quantile, rows_huber,
		rows_poisson, rows_tweedie,	 rows_logistic};

	if (b->config.n_outputs > 1)
		rows_softmax(b, output, first, end);
	else
		by_loss[b->config.loss](b, b->scores, first, end, b->gradients, b->hessians);
	for (uint32_t i = first; b->weight != NULL && i < end; i++)
	{
		b->gradients[i] *= b->weight[i];
		b->hessians[i] *= b->weight[i];
	}
}

/* The power of two that takes the largest of some values to bits bits, at most. */
static double
unit_of(float largest, uint32_t bits)
{
	int e;

	if (!(largest > 0))
		return 1;
	frexp((double) largest, &e);
	return ldexp(1, (int) bits - e);
}

/*
 * The gradients of all rows for one output, as integers; the units of the round.
 * AUG_NUMERIC when they are out of range.
 */
AugStatus
aug_boost_gradients(BoostJob *b, uint32_t output, AugError *err)
{
	uint32_t n = b->f.matrix->n_rows;
	float largest = 0, heaviest = 0;
	double by, times;

	for (uint32_t first = 0; first < n; first += CHUNK)
	{
		uint32_t end = n - first < CHUNK ? n : first + CHUNK;

		rows_of(b, output, first, end);
		for (uint32_t i = first; i < end; i++)
		{
			float g = fabsf(b->gradients[i]), h = b->hessians[i];

			largest = g > largest ? g : largest;
			heaviest = h > heaviest ? h : heaviest;
		}
		if (forest_tick(&b->f, CHUNK * 8))
			return aug_fail_cancelled(err);
	}
	if (!isfinite(largest) || !isfinite(heaviest))
		return aug_fail(err, AUG_NUMERIC, "gradients of column \"%.100s\" are out of range",
						b->f.matrix->target);
	by = unit_of(largest, 30);
	times = unit_of(heaviest, b->hessian_bits);
	b->gradient_unit = 1 / by;
	b->hessian_unit = 1 / times;
	for (uint32_t first = 0; first < n; first += CHUNK)
	{
		uint32_t end = n - first < CHUNK ? n : first + CHUNK;

		for (uint32_t i = first; i < end; i++)
		{
			double g = (double) b->gradients[i] * by;

			b->pairs[i].gradient = (int32_t) (g + (g < 0 ? -0.5 : 0.5));
			b->pairs[i].hessian = (uint32_t) (int32_t) ((double) b->hessians[i] * times + 0.5);
		}
		if (forest_tick(&b->f, CHUNK * 2))
			return aug_fail_cancelled(err);
	}
	return AUG_OK;
}

/* Softmax: the log of the sum over the classes, of all rows. */
AugStatus
aug_boost_normalize(BoostJob *b, AugError *err)
{
	uint32_t n = b->f.matrix->n_rows, k = b->config.n_outputs;

	for (uint32_t i = 0; k > 1 && i < n; i++)
	{
		double most = b->scores[i], sum = 0;

		for (uint32_t c = 1; c < k; c++)
			most = fmax(most, b->scores[(size_t) c * n + i]);
		for (uint32_t c = 0; c < k; c++)
			sum += boost_exp(b->scores[(size_t) c * n + i] - most);
		b->norm[i] = most + boost_log(sum);
		if (i % 256 == 255 && forest_tick(&b->f, 256 * 20 * (uint64_t) k))
			return aug_fail_cancelled(err);
	}
	return AUG_OK;
}

/* ---- before the first tree --------------------------------------------- */

/*
 * Losses on the log scale want targets that are not negative, above 0 for power
 * 2, and not all 0.
 */
AugStatus
aug_boost_check_target(BoostJob *b, AugError *err)
{
	const AugMatrix *m = b->f.matrix;
	const char *loss = b->config.loss == LOSS_POISSON ? "poisson" : "tweedie";
	double largest = 0;

	for (uint32_t i = 0; i < m->n_rows; i++)
	{
		if (m->y[i] < 0 || (b->config.power >= 2 && m->y[i] <= 0))
		{
			aug_fail(err, AUG_DATA, "column \"%.100s\" has the value %g, which loss %s cannot have",
					 m->target, m->y[i], loss);
			aug_hint(err, b->config.power >= 2 ? "Use a tweedie_power below 2, or another loss."
											   : "Use another loss, for example squared_error.");
			return AUG_DATA;
		}
		largest = m->y[i] > largest ? m->y[i] : largest;
		if (i % CHUNK == CHUNK - 1 && forest_tick(&b->f, CHUNK))
			return aug_fail_cancelled(err);
	}
	if (!(largest > 0) || largest > LARGEST_TARGET)
		return aug_fail(err, AUG_DATA, "column \"%.100s\" has %s, which loss %s cannot have",
						m->target, largest > 0 ? "values above 1e30" : "only zeros", loss);
	return AUG_OK;
}

/* Weighted means over the training rows: of the target, or of each class. */
static AugStatus
weighted_means(BoostJob *b, double *means, AugError *err)
{
	const AugMatrix *m = b->f.matrix;
	double total = 0;

	for (uint32_t t = 0; t < b->n_train; t++)
	{
		uint32_t i = b->train[t];
		double w = b->weight == NULL ? 1 : (double) b->weight[i];

		total += w;
		if (m->task == AUG_CLASSIFICATION)
			means[m->label[i]] += w;
		else
			means[0] += w * ((m->y[i] - b->f.base) * b->f.scale);
		if (t % CHUNK == CHUNK - 1 && forest_tick(&b->f, CHUNK * 2))
			return aug_fail_cancelled(err);
	}
	for (uint32_t k = 0; k < (m->task == AUG_CLASSIFICATION ? m->n_classes : 1); k++)
		means[k] /= total;
	return AUG_OK;
}

/* Median or quantile of the target of the training rows. */
static AugStatus
target_quantile(BoostJob *b, AugError *err)
{
	const AugMatrix *m = b->f.matrix;

	for (uint32_t t = 0; t < b->n_train; t++)
	{
		uint32_t i = b->train[t];

		b->residuals[t] = (m->y[i] - b->f.base) * b->f.scale;
		b->residual_weights[t] = b->weight == NULL ? 1 : (double) b->weight[i];
		if (t % CHUNK == CHUNK - 1 && forest_tick(&b->f, CHUNK * 2))
			return aug_fail_cancelled(err);
	}
	return aug_boost_quantile(b, b->residuals, b->residual_weights, b->n_train, b->config.quantile,
							  &b->start[0], err);
}

/*
 * Scores before the first tree: those of the best constant.  (Huber's is taken to
 * be the median, which the trees correct.)
 */
AugStatus
aug_boost_start(BoostJob *b, AugError *err)
{
	const BoostConfig *c = &b->config;
	uint32_t k = c->n_classes > 0 ? c->n_classes : 1, n = b->f.matrix->n_rows;
	double *means;
	AugStatus status;

	if (b->residuals != NULL)
		status = target_quantile(b, err);
	else
	{
		means = aug_arena_zero(b->f.arena, k, sizeof(double));
		if (means == NULL)
			return aug_fail_nomem(err, k * sizeof(double));
		status = weighted_means(b, means, err);
		for (uint32_t i = 0; i < k; i++)
			if (c->task == AUG_CLASSIFICATION || loss_is_log(c->loss))
				means[i] = means[i] > LEAST_SHARE ? means[i] : LEAST_SHARE;
		if (k == 2)
			b->start[0] = boost_log(means[1]) - boost_log(means[0]);
		else
			for (uint32_t i = 0; i < k; i++)
				b->start[i] = k > 1 || loss_is_log(c->loss) ? boost_log(means[i]) : means[i];
	}
	for (uint32_t o = 0; status == AUG_OK && o < c->n_outputs; o++)
		for (uint32_t i = 0; i < n; i++)
		{
			b->scores[(size_t) o * n + i] = b->start[o];
			if (i % CHUNK == CHUNK - 1 && forest_tick(&b->f, CHUNK))
				return aug_fail_cancelled(err);
		}
	return status;
}

/* ---- validation -------------------------------------------------------- */

/* Weighted mean loss of the validation rows. */
AugStatus
aug_boost_validate(BoostJob *b, double *loss, AugError *err)
{
	const AugMatrix *m = b->f.matrix;
	double sum = 0, total = 0;
	bool softmax = b->config.n_outputs > 1;

	for (uint32_t t = 0; t < b->n_valid; t++)
	{
		uint32_t i = b->valid[t];
		double w = m->weight == NULL ? 1 : m->weight[i], one;

		if (b->f.class_weight != NULL)
			w *= b->f.class_weight[m->label[i]];
		if (softmax)
			one = b->norm[i] - b->scores[(size_t) m->label[i] * m->n_rows + i];
		else
			one = aug_boost_row_loss(&b->config,
									 m->task == AUG_CLASSIFICATION
										 ? (double) m->label[i]
										 : (m->y[i] - b->f.base) * b->f.scale,
									 b->scores[i]);
		sum += w * one;
		total += w;
		if (t % CHUNK == CHUNK - 1 && forest_tick(&b->f, CHUNK * 16))
			return aug_fail_cancelled(err);
	}
	*loss = total > 0 ? sum / total : 0;
	return AUG_OK;
}
