/*-------------------------------------------------------------------------
 *
 * metric_rank.c
 *		Aggregates over (label, score) that need all scores sorted: auc, pr_auc, roc,
 *		lift.
 *
 * The state collects the scores of both sides in two arrays that double.  The
 * results are of the core's single sorted pass, and of the groups of equal scores:
 * the order of the rows, and how they were split, cannot matter.
 *
 * Rows with a NULL are skipped; a score that is NaN is an error, for it has no
 * place in an order.
 *
 * Memory: 8 bytes a row in the aggregate's context (16 while it doubles), 9 more for
 * the result.  Interrupts: the core polls; copying is by blocks.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include <math.h>

#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/builtins.h"

#include "metric.h"

AUGUR_FUNCTION(augur_metric_rank_add);
AUGUR_FUNCTION(augur_metric_side_value);
AUGUR_FUNCTION(augur_metric_rank_combine);
AUGUR_FUNCTION(augur_metric_rank_serialize);
AUGUR_FUNCTION(augur_metric_rank_deserialize);
AUGUR_FUNCTION(augur_metric_auc);
AUGUR_FUNCTION(augur_metric_pr_auc);
AUGUR_FUNCTION(augur_metric_roc);
AUGUR_FUNCTION(augur_metric_lift);

#define MAX_ROC_POINTS 1000
#define MAX_LIFT_BINS  1000

/* The scores of one side. */
typedef struct Scores
{
	double *score;
	Size n;
	Size room;
} Scores;

typedef struct Ranking
{
	Scores side[2]; /* negatives, positives */
	int32 bins;		/* of lift */
} Ranking;

/* As it travels between processes of one server. */
typedef struct RankingHeader
{
	int64 n[2];
	int64 bins;
} RankingHeader;

static void
scores_reserve(Scores *s, Size more, MemoryContext context)
{
	Size wanted = add_size(s->n, more), room = Max(s->room, 8);

	if (wanted <= s->room)
		return;
	while (room < wanted)
		room = mul_size(room, 2);
	if (!AllocHugeSizeIsValid(mul_size(room, sizeof(double))))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("too many rows in one group of a ranking metric")));
	if (s->score == NULL)
		s->score = MemoryContextAllocHuge(context, mul_size(room, sizeof(double)));
	else
		s->score = repalloc_huge(s->score, mul_size(room, sizeof(double)));
	s->room = room;
}

static void
scores_append(Scores *s, const double *score, Size n, MemoryContext context)
{
	if (n == 0)
		return;
	scores_reserve(s, n, context);
	memcpy(s->score + s->n, score, n * sizeof(double));
	s->n += n;
}

static Ranking *
ranking_new(int32 bins, MemoryContext context)
{
	Ranking *r = MemoryContextAllocZero(context, sizeof(Ranking));

	if (bins < 1 || bins > MAX_LIFT_BINS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("number of bins %d is out of range", bins),
						errdetail("There are 1 to %d bins.", MAX_LIFT_BINS)));
	r->bins = bins;
	return r;
}

static void
same_bins(const Ranking *r, int32 bins)
{
	if (r->bins != bins)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the number of bins must be the same in all rows of a group")));
}

/* (state, label, score [, bins]); what: how messages call the score. */
static Datum
rank_add(FunctionCallInfo fcinfo, const char *what)
{
	MemoryContext context;
	Ranking *r;
	int32 bins = 10;
	double score;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	r = PG_ARGISNULL(0) ? NULL : (Ranking *) PG_GETARG_POINTER(0);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || (PG_NARGS() > 3 && PG_ARGISNULL(3)))
	{
		if (r == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(r);
	}
	if (PG_NARGS() > 3)
		bins = PG_GETARG_INT32(3);
	if (r == NULL)
		r = ranking_new(bins, context);
	same_bins(r, bins);
	score = PG_GETARG_FLOAT8(2);
	if (isnan(score))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must not be NaN", what),
				 errhint("Leave such rows out with FILTER, or replace the %s.", what)));
	scores_append(&r->side[PG_GETARG_BOOL(1)], &score, 1, context);
	PG_RETURN_POINTER(r);
}

Datum
augur_metric_rank_add(PG_FUNCTION_ARGS)
{
	return rank_add(fcinfo, "score");
}

/* (state, is_current, value [, bins]). */
Datum
augur_metric_side_value(PG_FUNCTION_ARGS)
{
	return rank_add(fcinfo, "value");
}

Datum
augur_metric_rank_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	Ranking *r;
	const Ranking *other;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	r = PG_ARGISNULL(0) ? NULL : (Ranking *) PG_GETARG_POINTER(0);
	if (PG_ARGISNULL(1))
	{
		if (r == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(r);
	}
	other = (const Ranking *) PG_GETARG_POINTER(1);
	if (r == NULL)
		r = ranking_new(other->bins, context);
	same_bins(r, other->bins);
	for (int k = 0; k < 2; k++)
		scores_append(&r->side[k], other->side[k].score, other->side[k].n, context);
	PG_RETURN_POINTER(r);
}

Datum
augur_metric_rank_serialize(PG_FUNCTION_ARGS)
{
	const Ranking *r;
	RankingHeader header;
	Size size, length[2];
	bytea *out;
	char *p;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	r = (const Ranking *) PG_GETARG_POINTER(0);
	size = VARHDRSZ + sizeof(header);
	for (int k = 0; k < 2; k++)
	{
		header.n[k] = r->side[k].n;
		length[k] = mul_size(r->side[k].n, sizeof(double));
		size = add_size(size, length[k]);
	}
	header.bins = r->bins;
	if (!AllocSizeIsValid(size))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("too many rows for a parallel ranking metric"),
						errhint("Set max_parallel_workers_per_gather to 0 for this query.")));
	out = palloc(size);
	SET_VARSIZE(out, size);
	p = VARDATA(out);
	memcpy(p, &header, sizeof(header));
	p += sizeof(header);
	for (int k = 0; k < 2; k++)
	{
		if (length[k] > 0)
			memcpy(p, r->side[k].score, length[k]);
		p += length[k];
	}
	PG_RETURN_BYTEA_P(out);
}

/* Reads what serialize wrote: a server's own worker is the only writer. */
Datum
augur_metric_rank_deserialize(PG_FUNCTION_ARGS)
{
	bytea *bytes = PG_GETARG_BYTEA_PP(0);
	const char *p = VARDATA_ANY(bytes);
	Size length = VARSIZE_ANY_EXHDR(bytes);
	RankingHeader header;
	Ranking *r;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (length < sizeof(header))
		elog(ERROR, "serialized state is too short");
	memcpy(&header, p, sizeof(header));
	p += sizeof(header);
	length -= sizeof(header);
	if (header.n[0] < 0 || header.n[1] < 0 || header.n[0] > length / sizeof(double) ||
		header.n[1] != length / sizeof(double) - header.n[0] || length % sizeof(double) != 0)
		elog(ERROR, "serialized state has a wrong length");
	r = ranking_new((int32) header.bins, CurrentMemoryContext);
	for (int k = 0; k < 2; k++)
	{
		Size n = header.n[k];

		/* the bytes may not be aligned for doubles */
		scores_reserve(&r->side[k], n, CurrentMemoryContext);
		if (n > 0)
			memcpy(r->side[k].score, p, n * sizeof(double));
		r->side[k].n = n;
		p += n * sizeof(double);
	}
	PG_RETURN_POINTER(r);
}

/* ---- results ---------------------------------------------------------- */

/* A copy of the state as the core takes it, in a context of its own. */
typedef struct Work
{
	AugurHost host;
	MemoryContext context;
	double *score;
	uint8 *label;
	Size n;
	Size positives;
} Work;

static void
work_begin(Work *w, const Ranking *r)
{
	w->context =
		AllocSetContextCreate(CurrentMemoryContext, "augur ranking metric", ALLOCSET_DEFAULT_SIZES);
	augur_host_init(&w->host, w->context);
	w->positives = r->side[1].n;
	w->n = r->side[0].n + r->side[1].n;
	w->score = MemoryContextAllocHuge(w->context, mul_size(w->n, sizeof(double)));
	w->label = MemoryContextAllocHuge(w->context, w->n);
	for (int k = 0; k < 2; k++)
	{
		Size at = k == 0 ? 0 : r->side[0].n;

		if (r->side[k].n > 0)
			memcpy(w->score + at, r->side[k].score, r->side[k].n * sizeof(double));
		memset(w->label + at, k, r->side[k].n);
	}
}

static void
work_end(Work *w)
{
	MemoryContextDelete(w->context);
}

/* The copy, sorted ascending, and its area under the curve. */
static double
work_sort(Work *w)
{
	double value;
	AugError err;

	augur_check(aug_auc(&w->host.host, w->score, w->label, NULL, w->n, &value, NULL, &err), &err);
	return value;
}

void
augur_ranking_sides(const void *state, AugurSides *sides)
{
	const Ranking *r = state;
	Size at[2] = {0, 0};
	Work w;

	work_begin(&w, r);
	work_sort(&w);
	sides->context = w.context;
	augur_host_init(&sides->host, w.context);
	sides->bins = r->bins;
	for (int k = 0; k < 2; k++)
	{
		sides->n[k] = r->side[k].n;
		sides->value[k] =
			MemoryContextAllocHuge(w.context, mul_size(Max(sides->n[k], 1), sizeof(double)));
	}
	for (Size i = 0; i < w.n; i++)
		sides->value[w.label[i]][at[w.label[i]]++] = w.score[i];
}

/*
 * NULL when a side has no rows.
 */
Datum
augur_metric_auc(PG_FUNCTION_ARGS)
{
	Work w;
	double value;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	work_begin(&w, (const Ranking *) PG_GETARG_POINTER(0));
	value = work_sort(&w);
	work_end(&w);
	if (isnan(value))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value);
}

Datum
augur_metric_pr_auc(PG_FUNCTION_ARGS)
{
	Work w;
	double value;
	AugError err;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	work_begin(&w, (const Ranking *) PG_GETARG_POINTER(0));
	augur_check(aug_pr_auc(&w.host.host, w.score, w.label, NULL, w.n, &value, &err), &err);
	work_end(&w);
	if (isnan(value))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value);
}

/*
 * One group of equal scores, from the top: rows begin .. end - 1 of the sorted
 * copy.  Returns false when there is none left; start with end = n.
 */
typedef struct Group
{
	Size begin, end;
	Size positives;
} Group;

static bool
group_next(const Work *w, Group *g)
{
	if (g->begin == 0)
		return false;
	g->end = g->begin;
	g->positives = 0;
	do
	{
		g->begin--;
		g->positives += w->label[g->begin];
	} while (g->begin > 0 && w->score[g->begin - 1] == w->score[g->end - 1]);
	return true;
}

typedef struct RocPoint
{
	double threshold;
	Size negatives; /* at or above the threshold */
	Size positives;
} RocPoint;

static void
roc_put(StringInfo json, const RocPoint *point, const Work *w)
{
	augur_result_item(json);
	augur_result_number(json, "threshold", point->threshold);
	augur_result_number(json, "fpr", (double) point->negatives / (w->n - w->positives));
	augur_result_number(json, "tpr", (double) point->positives / w->positives);
}

/*
 * Points of the ROC curve from (0, 0), where the threshold is null, to (1, 1), as a
 * jsonb array.  Of more than 1,000 points, those are kept that are a thousandth of
 * the rows apart.
 */
Datum
augur_metric_roc(PG_FUNCTION_ARGS)
{
	Work w;
	Group g;
	RocPoint point = {INFINITY, 0, 0};
	Size kept = 0, groups = 0, step = 0;
	StringInfoData json;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	work_begin(&w, (const Ranking *) PG_GETARG_POINTER(0));
	if (w.positives == 0 || w.positives == w.n)
	{
		work_end(&w);
		PG_RETURN_NULL();
	}
	work_sort(&w);
	g.begin = w.n;
	while (group_next(&w, &g))
		groups++;
	if (groups > MAX_ROC_POINTS)
		step = w.n / MAX_ROC_POINTS;

	augur_result_begin(&json);
	roc_put(&json, &point, &w);
	g.begin = w.n;
	while (group_next(&w, &g))
	{
		point.threshold = w.score[g.end - 1];
		point.positives += g.positives;
		point.negatives += g.end - g.begin - g.positives;
		if (g.begin == 0 || w.n - g.begin >= kept + step)
		{
			CHECK_FOR_INTERRUPTS();
			roc_put(&json, &point, &w);
			kept = w.n - g.begin;
		}
	}
	work_end(&w);
	return augur_result_end(&json);
}

/* Rows above the lower edge of a bin; n is far below 2^64 / MAX_LIFT_BINS. */
static Size
bin_edge(const Work *w, int bin, int bins)
{
	return w->n * bin / bins;
}

/*
 * jsonb array of bins of equal numbers of rows, highest scores first.  A group of
 * equal scores that lies in several bins shares its positives among them, so the
 * result does not depend on an order that the scores do not give.
 */
Datum
augur_metric_lift(PG_FUNCTION_ARGS)
{
	const Ranking *r;
	Work w;
	Group g;
	double *positives;
	double sum = 0, total;
	int bins, bin = 0;
	StringInfoData json;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	r = (const Ranking *) PG_GETARG_POINTER(0);
	work_begin(&w, r);
	work_sort(&w);
	bins = Min((Size) r->bins, w.n);
	positives = palloc0(mul_size(bins, sizeof(double)));
	total = (double) w.positives;
	g.begin = w.n;
	while (group_next(&w, &g))
	{
		Size at = w.n - g.end, stop = w.n - g.begin;
		double rate = (double) g.positives / (stop - at);

		while (at < stop)
		{
			Size edge = bin_edge(&w, bin + 1, bins), next = Min(edge, stop);

			positives[bin] += rate * (next - at);
			at = next;
			if (at == edge)
				bin++;
		}
	}

	augur_result_begin(&json);
	for (bin = 0; bin < bins; bin++)
	{
		Size from = bin_edge(&w, bin, bins), to = bin_edge(&w, bin + 1, bins);
		double n = to - from;

		sum += positives[bin];
		augur_result_item(&json);
		augur_result_number(&json, "bin", bin + 1);
		augur_result_number(&json, "n", n);
		augur_result_number(&json, "positives", positives[bin]);
		augur_result_number(&json, "lowest_score", w.score[w.n - to]);
		augur_result_number(&json, "rate", positives[bin] / n);
		augur_result_number(&json, "lift", positives[bin] / n / (total / w.n));
		augur_result_number(&json, "gain", sum / total);
	}
	work_end(&w);
	return augur_result_end(&json);
}
