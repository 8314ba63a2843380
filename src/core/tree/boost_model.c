/*-------------------------------------------------------------------------
 *
 * boost_model.c
 *		The body of a stored boosted model, and scoring with it.
 *
 * The body is a head, and trees as a forest has them, one round after the other;
 * docs/format.md describes it.  Reading treats every byte as hostile: what is
 * accepted gives finite answers to any row.
 *
 * A score is the start plus the sum of the leaves.  The answer is base + score / scale
 * (target on its own scale), exp(score), the logistic function of it or the softmax
 * of all classes'.
 *
 * Intervals: for models that were stopped early, quantiles of the residuals of the
 * validation rows, with the correction for their number of split conformal prediction
 * (Lei and others, JASA 113, 2018).  Residuals of losses on the log scale are over
 * mean^(power / 2), as their standard deviation is.
 *
 * Memory: the model's arena; scoring: the caller's scratch.  Interrupts: as the
 * forest's reader; scoring takes microseconds a row.
 *
 *-------------------------------------------------------------------------
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "../sort.h"
#include "boost.h"

#define BODY_VERSION	1
#define HAS_VALIDATION	1
#define HAS_INTERVAL	2
#define LEAST_RESIDUALS 20 /* of validation rows, for intervals */

typedef enum BoostLink
{
	LINK_IDENTITY,
	LINK_LOG,
	LINK_LOGISTIC,
	LINK_SOFTMAX
} BoostLink;

typedef struct BoostModel
{
	ForestModel trees; /* round by round; their leaves are numbers */
	BoostLink link;
	uint32_t n_outputs;
	double *start; /* [n_outputs] */
	double base, scale;
	double power;	   /* of the mean, that residuals are over */
	double *quantiles; /* [N_QUANTILES] or NULL */
} BoostModel;

/* ---- writing ----------------------------------------------------------- */

static double
within_range(double v)
{
	return v > DBL_MAX ? DBL_MAX : v < -DBL_MAX ? -DBL_MAX : v;
}

/* The answer of a regression to a score. */
static double
answer(BoostLink link, double base, double scale, double score)
{
	return link == LINK_LOG ? boost_exp(score) : within_range(base + score / scale);
}

/* What residuals at a mean are over. */
static double
spread_at(double power, double mean)
{
	return power == 0 ? 1 : boost_exp(boost_log(mean) * power / 2);
}

/*
 * Quantiles of n sorted residuals at 0, 1 / 1000, ... 1: outward ones of n + 1.
 */
static void
write_quantiles(AugWriter *w, const double *sorted, uint32_t n)
{
	for (uint32_t q = 0; q < N_QUANTILES; q++)
	{
		double at = (n + 1.0) * q / (N_QUANTILES - 1);

		at = (2 * q >= N_QUANTILES - 1 ? ceil(at - 1e-9) : floor(at + 1e-9)) - 1;
		at = at < 0 ? 0 : at > n - 1.0 ? n - 1.0 : at;
		aug_write_f64(w, sorted[(uint32_t) at]);
	}
}

/* Residuals of the validation rows, sorted, in place of the scores. */
static AugStatus
make_residuals(BoostJob *b, double *scores, BoostLink link, double power, bool *usable,
			   AugError *err)
{
	*usable = true;
	for (uint32_t t = 0; t < b->n_valid; t++)
	{
		double mean = answer(link, b->f.base, b->f.scale, scores[t]),
			   r = (b->f.matrix->y[b->valid[t]] - mean) / spread_at(power, mean);

		*usable &= isfinite(r) != 0;
		scores[t] = r;
		if (t % 8192 == 8191 && forest_tick(&b->f, 8192 * 30))
			return aug_fail_cancelled(err);
	}
	if (*usable && !aug_sort_scored(b->f.host, scores, NULL, NULL, b->n_valid))
		return aug_fail_cancelled(err);
	return AUG_OK;
}

/*
 * Everything in front of the trees.  result->best_scores is used up.
 */
AugStatus
aug_boost_write_head(BoostJob *b, const BoostResult *result, AugWriter *w, AugError *err)
{
	const BoostConfig *c = &b->config;
	bool regression = c->task == AUG_REGRESSION;
	BoostLink link = regression			? loss_is_log(c->loss) ? LINK_LOG : LINK_IDENTITY
					 : c->n_outputs > 1 ? LINK_SOFTMAX
										: LINK_LOGISTIC;
	double power = link == LINK_LOG ? c->power : 0;
	bool interval = regression && result->best_scores != NULL && b->n_valid >= LEAST_RESIDUALS &&
					!isnan(result->validation);
	AugStatus status = AUG_OK;

	if (interval)
		status = make_residuals(b, result->best_scores, link, power, &interval, err);
	if (status != AUG_OK)
		return status;
	aug_write_u8(w, BODY_VERSION);
	aug_write_u8(w, (uint8_t) link);
	aug_write_varint(w, result->n_rounds);
	for (uint32_t i = 0; i < c->n_outputs; i++)
		aug_write_f64(w, b->start[i]);
	if (regression)
	{
		aug_write_f64(w, b->f.base);
		aug_write_f64(w, b->f.scale);
	}
	aug_write_u8(w, (uint8_t) ((isnan(result->validation) ? 0 : HAS_VALIDATION) |
							   (interval ? HAS_INTERVAL : 0)));
	if (!isnan(result->validation))
	{
		aug_write_f64(w, result->validation);
		aug_write_varint(w, result->rounds_run);
	}
	if (interval)
	{
		aug_write_f64(w, power);
		write_quantiles(w, result->best_scores, b->n_valid);
	}
	return AUG_OK;
}

/* ---- reading ----------------------------------------------------------- */

static AugStatus
damaged(AugError *err, const char *what)
{
	aug_fail(err, AUG_CORRUPT, "model is damaged");
	aug_detail(err, "Its boosted trees have %s.", what);
	return AUG_CORRUPT;
}

/* What validation told, and intervals. */
static AugStatus
read_validation(AugReader *r, AugModelInfo *info, BoostModel *m, AugArena *arena, AugError *err)
{
	uint8_t flags = aug_read_u8(r);

	if (r->bad || flags > (HAS_VALIDATION | HAS_INTERVAL) ||
		((flags & HAS_INTERVAL) != 0 && info->task != AUG_REGRESSION))
		return damaged(err, "impossible flags");
	if (flags & HAS_VALIDATION)
	{
		uint64_t rounds;

		info->fit.validation_loss = aug_read_f64(r);
		rounds = aug_read_varint(r);
		if (r->bad || !isfinite(info->fit.validation_loss) || rounds > MAX_TREES ||
			rounds < info->fit.n_trees)
			return damaged(err, "an impossible validation");
		info->fit.rounds_run = (uint32_t) rounds;
	}
	if ((flags & HAS_INTERVAL) == 0)
		return AUG_OK;
	m->power = aug_read_f64(r);
	m->quantiles = aug_arena_alloc(arena, N_QUANTILES, sizeof(double));
	if (m->quantiles == NULL)
		return aug_fail_nomem(err, N_QUANTILES * sizeof(double));
	for (uint32_t i = 0; i < N_QUANTILES; i++)
	{
		double q = m->quantiles[i] = aug_read_f64(r);

		if (r->bad || !isfinite(q) || (i > 0 && q < m->quantiles[i - 1]))
			return damaged(err, "impossible quantiles");
	}
	if (!(m->power >= 0 && m->power <= 2) || (m->power != 0 && m->link != LINK_LOG))
		return damaged(err, "an impossible power");
	info->has_interval = true;
	return AUG_OK;
}

static AugStatus
read_head(AugReader *r, AugModelInfo *info, BoostModel *m, AugArena *arena, AugError *err)
{
	uint8_t version = aug_read_u8(r), link = aug_read_u8(r);
	uint64_t rounds = aug_read_varint(r);

	if (version != BODY_VERSION)
		return damaged(err, "an unknown version");
	if (r->bad || link > LINK_SOFTMAX ||
		(info->task == AUG_REGRESSION
			 ? link > LINK_LOG
			 : link != (info->n_classes > 2 ? LINK_SOFTMAX : LINK_LOGISTIC)) ||
		info->n_classes == 1)
		return damaged(err, "an impossible link");
	m->link = (BoostLink) link;
	m->n_outputs = link == LINK_SOFTMAX ? info->n_classes : 1;
	if (rounds == 0 || rounds > MAX_TREES || rounds * m->n_outputs > BOOST_MAX_TREES ||
		rounds * m->n_outputs > aug_reader_left(r))
		return damaged(err, "an impossible number of trees");
	m->trees.n_trees = (uint32_t) rounds * m->n_outputs;
	info->fit.n_trees = (uint32_t) rounds;
	m->start = aug_arena_alloc(arena, m->n_outputs, sizeof(double));
	if (m->start == NULL)
		return aug_fail_nomem(err, m->n_outputs * sizeof(double));
	for (uint32_t i = 0; i < m->n_outputs; i++)
	{
		m->start[i] = aug_read_f64(r);
		if (!(fabs(m->start[i]) <= FLT_MAX))
			return damaged(err, "an impossible start");
	}
	m->scale = 1;
	if (info->task == AUG_REGRESSION)
	{
		m->base = aug_read_f64(r);
		m->scale = aug_read_f64(r);
		if (r->bad || !isfinite(m->base) || !(m->scale > 0) || !isfinite(m->scale) ||
			!isfinite(1 / m->scale))
			return damaged(err, "an impossible base");
	}
	return read_validation(r, info, m, arena, err);
}

/*
 * Decodes the body into the arena.  AUG_CORRUPT for anything that is not a boosted
 * model over these features and classes.
 */
AugStatus
aug_boost_read(AugReader *r, AugModelInfo *info, AugArena *arena, void **state, AugError *err)
{
	BoostModel *m = aug_arena_zero(arena, 1, sizeof(BoostModel));
	AugStatus status;

	if (m == NULL)
		return aug_fail_nomem(err, sizeof(BoostModel));
	m->trees.task = AUG_REGRESSION;
	m->trees.n_features = info->n_features;
	m->trees.scale = 1;
	status = read_head(r, info, m, arena, err);
	if (status == AUG_OK)
		status = aug_forest_read_trees(r, info, &m->trees, arena, err);
	if (status != AUG_OK)
		return status;
	info->fit.n_nodes = m->trees.walk.n_nodes;
	*state = m;
	return AUG_OK;
}

/* ---- scoring ----------------------------------------------------------- */

size_t
aug_boost_scratch(const void *state, const AugModelInfo *info)
{
	const BoostModel *m = state;

	(void) info;
	return aug_forest_trees_scratch(&m->trees);
}

/* Start and leaves of one output; four sums, as one would wait for each addition. */
static double
sum_leaves(const BoostModel *m, const uint32_t *leaves)
{
	uint32_t n = m->trees.n_trees, t = 0;
	double sum[4] = {m->start[0], 0, 0, 0};

	for (; t + 4 <= n; t += 4)
	{
		for (uint32_t i = 0; i < 4; i++)
			sum[i] += leaf_value(leaves[t + i]);
	}
	for (; t < n; t++)
		sum[0] += leaf_value(leaves[t]);
	return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* Probability of class 1, or the regression's answer. */
static double
one_output(const BoostModel *m, const uint32_t *leaves)
{
	double score = sum_leaves(m, leaves);

	if (m->link == LINK_LOGISTIC)
		return 1 / (1 + boost_exp(-score));
	return answer(m->link, m->base, m->scale, score);
}

static void
softmax(const BoostModel *m, const uint32_t *leaves, double *out)
{
	uint32_t k = m->n_outputs;
	double most, total = 0;

	memcpy(out, m->start, k * sizeof(double));
	for (uint32_t t = 0; t < m->trees.n_trees; t += k)
		for (uint32_t i = 0; i < k; i++)
			out[i] += leaf_value(leaves[t + i]);
	most = out[0];
	for (uint32_t i = 1; i < k; i++)
		most = out[i] > most ? out[i] : most;
	for (uint32_t i = 0; i < k; i++)
		total += out[i] = boost_exp(out[i] - most);
	for (uint32_t i = 0; i < k; i++)
		out[i] /= total;
}

static void
put_outputs(const BoostModel *m, const uint32_t *leaves, double *out)
{
	if (m->link == LINK_SOFTMAX)
		softmax(m, leaves, out);
	else if (m->link == LINK_LOGISTIC)
	{
		out[1] = one_output(m, leaves);
		out[0] = 1 - out[1];
	}
	else
		out[0] = one_output(m, leaves);
}

void
aug_boost_score(const void *state, const AugModelInfo *info, const double *x, void *scratch,
				double *out)
{
	const BoostModel *m = state;

	put_outputs(m, aug_forest_leaves(&m->trees, info, x, NULL, 0, scratch), out);
}

double
aug_boost_score1(const void *state, const AugModelInfo *info, const double *x, void *scratch)
{
	const BoostModel *m = state;

	return one_output(m, aug_forest_leaves(&m->trees, info, x, NULL, 0, scratch));
}

void
aug_boost_score_cells(const void *state, const AugModelInfo *info, const AugMatrix *matrix,
					  uint32_t first, uint32_t n, void *scratch, double *out)
{
	const BoostModel *m = state;

	for (uint32_t i = 0; i < n; i++)
		put_outputs(m, aug_forest_leaves(&m->trees, info, NULL, matrix, first + i, scratch),
					out + (size_t) i * info->n_outputs);
}

/* The quantile at share p, linear between those kept. */
static double
quantile_at(const double *q, double p)
{
	double at = p * (N_QUANTILES - 1);
	uint32_t i = at > 0 ? (uint32_t) at : 0;

	if (i >= N_QUANTILES - 1)
		return q[N_QUANTILES - 1];
	return q[i] + (at - i) * (q[i + 1] - q[i]);
}

void
aug_boost_interval(const void *state, const AugModelInfo *info, const double *x, void *scratch,
				   double level, double *lower, double *upper)
{
	const BoostModel *m = state;
	double mean = aug_boost_score1(state, info, x, scratch), spread = spread_at(m->power, mean);

	*lower = within_range(mean + spread * quantile_at(m->quantiles, (1 - level) / 2));
	*upper = within_range(mean + spread * quantile_at(m->quantiles, (1 + level) / 2));
	if (m->link == LINK_LOG && *lower < 0)
		*lower = 0;
}
