/*-------------------------------------------------------------------------
 *
 * hierarchy_series.c
 *		The series of a hierarchy: leaves from rows, inner nodes as their sums.
 *
 * The leaves' rows come from a query, one row a leaf (augur._series_points_agg, below), in
 * an order in which the leaves of one inner node are neighbours.  All points together
 * say where the steps lie; each leaf is laid on these steps from its first value to the
 * common end, gaps filled by the rule.  An inner node is the sum of its children step by
 * step: a child that has not begun counts nothing, one whose value is missing makes the
 * sum missing.
 *
 * Memory: the rows of all leaves twice while steps are sought, then a double a node and
 * step, in a context of the call.  Interrupts: those of timeline.c; a query has its own.
 *
 *-------------------------------------------------------------------------
 */
#include "hierarchy.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"

AUGUR_FUNCTION(augur_series_points);

#define FETCH_ROWS 100
#define MOST_NODES 1000000

/* The head of what augur_series_points returns; AugurPoints follow. */
typedef struct PointsHead
{
	int32 vl_len_;
	int32 stamp;
	int64 skipped;
} PointsHead;

/* ---- the rows of a leaf ----------------------------------------------------------- */

/* Final function of augur._series_points_agg: stamp, rows skipped, points, as bytes. */
Datum
augur_series_points(PG_FUNCTION_ARGS)
{
	const AugurSeriesState *state;
	PointsHead *out;
	Size size;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (const AugurSeriesState *) PG_GETARG_POINTER(0);
	size = add_size(sizeof(PointsHead), mul_size((Size) state->n, sizeof(AugurPoint)));
	if (!AllocSizeIsValid(size))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("too many rows in one series: %lld", (long long) state->n)));
	out = palloc(size);
	SET_VARSIZE(out, size);
	out->stamp = state->options->stamp;
	out->skipped = state->skipped;
	memcpy(out + 1, state->points, (Size) state->n * sizeof(AugurPoint));
	PG_RETURN_BYTEA_P((bytea *) out);
}

/* Takes the points of a leaf from bytes that anybody may have made. */
static void
read_points(AugurNest *h, AugurMember *leaf, bytea *bytes)
{
	Size length = VARSIZE_ANY_EXHDR(bytes), head = sizeof(PointsHead) - VARHDRSZ;
	const char *p = VARDATA_ANY(bytes);
	int32 stamp;
	int64 skipped;

	if (length < head || (length - head) % sizeof(AugurPoint) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("these are no points of a series")));
	memcpy(&stamp, p, sizeof(stamp));
	memcpy(&skipped, p + sizeof(stamp), sizeof(skipped));
	if (stamp != (int32) h->options.time.stamp || skipped < 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("these are no points of a series")));
	leaf->n_points = (length - head) / sizeof(AugurPoint);
	leaf->points = MemoryContextAllocHuge(h->context, length - head + 1);
	memcpy(leaf->points, p + head, length - head);
	h->skipped += skipped;
	h->n_points += leaf->n_points;
	for (Size i = 0; i < leaf->n_points; i++)
	{
		AugurPoint *point = &leaf->points[i];

		if (point->at <= -AUGUR_STAMP_LIMIT || point->at >= AUGUR_STAMP_LIMIT)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED), errmsg("these are no points of a series")));
		if (!isfinite(point->y))
			point->y = NAN;
	}
}

/* ---- the tree --------------------------------------------------------------------- */

static AugurMember *
add_node(AugurNest *h, int depth, int64 rank, Jsonb *key)
{
	MemoryContext old = MemoryContextSwitchTo(h->context);
	AugurMember *node;

	if (h->n == MOST_NODES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a hierarchy has at most %d series", MOST_NODES)));
	if (h->n == h->room)
	{
		h->room = h->room == 0 ? 64 : h->room * 2;
		h->node = h->node == NULL ? palloc(mul_size(h->room, sizeof(AugurMember)))
								  : repalloc_huge(h->node, mul_size(h->room, sizeof(AugurMember)));
	}
	node = &h->node[h->n];
	memset(node, 0, sizeof(*node));
	node->parent = depth == 0 ? AUG_NO_PARENT : h->path[depth - 1];
	node->depth = depth;
	node->rank = rank;
	if (key != NULL)
	{
		node->key = palloc(VARSIZE(key));
		memcpy(node->key, key, VARSIZE(key));
	}
	h->path[depth] = h->n++;
	MemoryContextSwitchTo(old);
	return node;
}

static Datum
column(HeapTuple tuple, TupleDesc desc, int number)
{
	bool null;
	Datum value = SPI_getbinval(tuple, desc, number, &null);

	if (null)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("column %d of the leaves is null", number)));
	return value;
}

/* A row of the query: ranks bigint[], keys jsonb[], one each level, and points. */
static void
take_leaf(AugurNest *h, HeapTuple tuple, TupleDesc desc)
{
	Datum *ranks, *keys;
	bool *null_ranks, *null_keys;
	int n, n_keys;
	AugurMember *node = NULL;

	deconstruct_array(DatumGetArrayTypeP(column(tuple, desc, 1)), INT8OID, sizeof(int64),
					  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &ranks, &null_ranks, &n);
	deconstruct_array(DatumGetArrayTypeP(column(tuple, desc, 2)), JSONBOID, -1, false, TYPALIGN_INT,
					  &keys, &null_keys, &n_keys);
	if (h->path == NULL)
	{
		h->depth = n;
		h->path = MemoryContextAllocZero(h->context, mul_size((Size) n + 1, sizeof(uint32)));
		add_node(h, 0, 0, NULL);
	}
	if (n < 1 || n != h->depth || n_keys != n)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("leaves must have one rank and one key for each level")));
	for (int d = 1; d <= n; d++)
	{
		uint32 before = h->path[d];

		if (null_ranks[d - 1] || null_keys[d - 1])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("ranks and keys of leaves must not be null")));
		/* a node that is new at one depth is new at all below */
		if (node != NULL || before == 0 || h->node[before].rank != DatumGetInt64(ranks[d - 1]))
			node = add_node(h, d, DatumGetInt64(ranks[d - 1]), DatumGetJsonbP(keys[d - 1]));
	}
	if (node == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION), errmsg("a leaf comes twice in a row")));
	read_points(h, node, DatumGetByteaPP(column(tuple, desc, 3)));
}

void
augur_nest_read(AugurNest *h, const char *query)
{
	Portal cursor;

	SPI_connect();
	cursor = SPI_cursor_open_with_args(NULL, query, 0, NULL, NULL, NULL, true, 0);
	for (;;)
	{
		TupleDesc desc;

		SPI_cursor_fetch(cursor, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		desc = SPI_tuptable->tupdesc;
		if (desc->natts != 3 || TupleDescAttr(desc, 0)->atttypid != INT8ARRAYOID ||
			TupleDescAttr(desc, 1)->atttypid != JSONBARRAYOID ||
			TupleDescAttr(desc, 2)->atttypid != BYTEAOID)
			ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
							errmsg("leaves must be rows of bigint[], jsonb[] and bytea")));
		for (uint64 i = 0; i < SPI_processed; i++)
			take_leaf(h, SPI_tuptable->vals[i], desc);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(cursor);
	SPI_finish();
}

bool
augur_nest_leaf(const AugurNest *h, const AugurMember *node)
{
	return node->depth == h->depth;
}

char *
augur_nest_key(const AugurMember *node)
{
	return node->key == NULL ? "{}"
							 : JsonbToCString(NULL, &node->key->root, (int) VARSIZE(node->key));
}

/* ---- series ------------------------------------------------------------------------- */

pg_noreturn static void
no_rows(void)
{
	ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
					errmsg("there is no row with a point in time and a value")));
}

/* Steps that all points have in common. */
static void
lay_frame(AugurNest *h)
{
	AugurTimelineOptions time = h->options.time;
	AugurPoint *all = MemoryContextAllocHuge(h->context, mul_size(h->n_points, sizeof(AugurPoint)));
	Size n = 0;

	for (uint32 i = 0; i < h->n; i++)
	{
		AugurMember *node = &h->node[i];

		if (node->n_points > 0)
			memcpy(all + n, node->points, node->n_points * sizeof(AugurPoint));
		n += node->n_points;
	}
	time.gaps = AUGUR_GAPS_MISSING;
	time.duplicates = AUGUR_DUPLICATES_LAST; /* of different series */
	augur_timeline_build(&time, all, n, h->context, &h->frame);
	pfree(all);
	pfree(h->frame.y);
}

/* Takes the nodes out that have no value, and tells of them. */
static void
drop_empty(AugurNest *h)
{
	uint32 *now = MemoryContextAllocHuge(h->context, mul_size(h->n, sizeof(uint32)));
	uint32 kept = 0, leaves = 0;
	const AugurMember *dropped = NULL;

	for (uint32 i = 0; i < h->n; i++)
	{
		AugurMember node = h->node[i];

		if (node.n_leaves == 0)
		{
			leaves += augur_nest_leaf(h, &node) ? 1 : 0;
			if (augur_nest_leaf(h, &node) && dropped == NULL)
			{
				AugurMember *copy = MemoryContextAlloc(h->context, sizeof(AugurMember));

				*copy = node;
				dropped = copy;
			}
			continue;
		}
		if (node.parent != AUG_NO_PARENT)
			node.parent = now[node.parent];
		now[i] = kept;
		h->node[kept++] = node;
	}
	h->n = kept;
	if (dropped != NULL && augur_verbosity >= 1)
		ereport(NOTICE, (errmsg_plural("%u series has no values and is left out",
									   "%u series have no values and are left out", leaves, leaves),
						 errdetail("The first one is %s.", augur_nest_key(dropped))));
}

/* Leaves onto the steps; counts of leaves for all nodes, 0 for those without a value. */
static void
lay_leaves(AugurNest *h)
{
	for (uint32 i = h->n; i-- > 0;)
	{
		AugurMember *node = &h->node[i];

		if (augur_nest_leaf(h, node))
		{
			AugurTimeline *t = &node->timeline;

			if (augur_timeline_within(&h->options.time, &h->frame, node->points, node->n_points,
									  h->context, t))
				node->n_leaves = 1;
			augur_tell_averaged(t, h->options.duplicates_given, &h->told);
			h->left_out += t->left_out;
			node->first = h->frame.n - t->n;
			node->y = t->y;
			pfree(node->points);
			node->points = NULL;
		}
		if (node->parent != AUG_NO_PARENT)
			h->node[node->parent].n_leaves += node->n_leaves;
	}
	if (h->n == 0 || h->node[0].n_leaves == 0)
		no_rows();
	drop_empty(h);
}

/* Inner nodes as sums; parents come before their children. */
static void
sum_series(AugurNest *h)
{
	for (uint32 i = 0; i < h->n; i++)
	{
		if (!augur_nest_leaf(h, &h->node[i]))
			h->node[i].first = h->frame.n;
	}
	for (uint32 i = h->n; i-- > 1;)
	{
		AugurMember *parent = &h->node[h->node[i].parent];

		parent->first = Min(parent->first, h->node[i].first);
	}
	for (uint32 i = 0; i < h->n; i++)
	{
		AugurMember *node = &h->node[i];

		if (!augur_nest_leaf(h, node))
			node->y = MemoryContextAllocExtended(h->context,
												 mul_size(h->frame.n - node->first, sizeof(double)),
												 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	}
	for (uint32 i = h->n; i-- > 0;)
	{
		AugurMember *node = &h->node[i], *parent = &h->node[i == 0 ? 0 : node->parent];

		CHECK_FOR_INTERRUPTS();
		for (Size t = node->first; t < h->frame.n; t++)
		{
			double *value = &node->y[t - node->first];

			if (isinf(*value))
				*value = NAN; /* of a sum that overflows */
			if (i > 0)
				parent->y[t - parent->first] += *value;
		}
		if (augur_nest_leaf(h, node))
			continue;
		augur_timeline_tail(&h->options.time, &h->frame, node->first, node->y, &node->timeline);
		/* at a node's first step one of its children has begun, and has a value */
		if (node->timeline.observed == 0)
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("values of series %s are too large to be summed",
								   augur_nest_key(node))));
	}
}

/* Tells what was not there. */
void
augur_nest_tell(const AugurNest *h)
{
	const AugurMember *first = NULL;
	int64 series = 0;

	if (augur_verbosity < 1)
		return;
	for (uint32 i = 0; i < h->n; i++)
	{
		if (!augur_nest_leaf(h, &h->node[i]) || h->node[i].timeline.missing == 0)
			continue;
		if (first == NULL)
			first = &h->node[i];
		series++;
	}
	if (series > 0)
		ereport(
			NOTICE,
			(errmsg("%lld of %llu series lack values at some steps, where their totals are "
					"missing, too",
					(long long) series, (unsigned long long) h->node[0].n_leaves),
			 errdetail("The first one is %s, with %lld of %lld steps.", augur_nest_key(first),
					   (long long) first->timeline.missing, (long long) first->timeline.n),
			 errhint("Where a missing row means 0, say so: params => '{\"gaps\": \"zero\"}'.")));
	if (h->skipped > 0 || h->left_out > 0)
		ereport(NOTICE, (errmsg("%lld rows are not used", (long long) (h->skipped + h->left_out)),
						 errdetail("%lld have no usable point in time, %lld lie beyond a gap that "
								   "is too long.",
								   (long long) h->skipped, (long long) h->left_out)));
}

void
augur_nest_lay(AugurNest *h)
{
	if (h->n_points == 0)
		no_rows();
	lay_frame(h);
	lay_leaves(h);
	sum_series(h);
}
