/*-------------------------------------------------------------------------
 *
 * sample.c
 *		The sample of a tree: how often each row is drawn, and the records that
 *		the tree grows on.
 *
 * Drawing with replacement is kept as a count for each row (at most 255, which
 * 255 draws of one row among n would need; its chance is nil for any n above a
 * few), so a tree works on about 63 % of the rows, each once.
 *
 * Memory: buffers are cut from the job's arena at the first tree and reused; the
 * record buffer grows in the unlikely case that a later sample has more distinct
 * rows.  Interrupts: polled every 65536 rows.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "forest.h"

#define CHUNK 65536

/*
 * Room for n records.  AUG_NOMEM when there is none; the old buffer stays the
 * arena's until the job closes.
 */
static AugStatus
ensure_work(ForestJob *f, uint32_t n, AugError *err)
{
	const AugMatrix *m = f->matrix;
	double expected = m->n_rows;
	uint32_t room;

	if (n <= f->work_room)
		return AUG_OK;
	if (f->config.bootstrap)
	{
		/* the mean number of distinct rows, and ten standard deviations */
		double rows = m->n_rows;

		expected = rows * (1 - pow(1 - 1 / rows, f->config.n_draws)) + 3.5 * sqrt(rows) + 16;
	}
	else
		expected = f->config.n_draws;
	room = expected < m->n_rows ? (uint32_t) expected : m->n_rows;
	if (room < n)
		room = m->n_rows;
	f->work = aug_arena_alloc(f->arena, room, f->layout.size);
	if (f->work == NULL)
	{
		f->work_room = 0;
		return aug_fail_nomem(err, (size_t) room * f->layout.size);
	}
	f->work_room = room;
	return AUG_OK;
}

/* Buffers whose size depends on the features only. */
static bool
feature_buffers(ForestJob *f)
{
	AugArena *arena = f->arena;
	uint32_t p = f->n_features, i, most = BINS;

	f->wide_levels = 0;
	for (i = 0; i < p; i++)
	{
		if (f->features[i].kind == FEATURE_WIDE && f->features[i].n_bins > f->wide_levels)
			f->wide_levels = f->features[i].n_bins;
	}
	if (f->wide_levels + 1 > most)
		most = f->wide_levels + 1;

	f->order = aug_arena_alloc(arena, p, sizeof(uint32_t));
	f->gains = aug_arena_alloc(arena, p, sizeof(double));
	f->groups.room = most;
	f->groups.code = aug_arena_alloc(arena, most, sizeof(uint32_t));
	f->groups.draws = aug_arena_alloc(arena, most, sizeof(double));
	f->groups.weight = aug_arena_alloc(arena, most, sizeof(double));
	f->groups.sum = aug_arena_alloc(arena, most, sizeof(double));
	f->groups.begin = aug_arena_alloc(arena, most, sizeof(uint32_t));
	f->groups.end = aug_arena_alloc(arena, most, sizeof(uint32_t));
	f->codes = aug_arena_alloc(arena, most, sizeof(uint32_t));
	f->side = aug_arena_zero(arena, most, 1);
	f->key = aug_arena_alloc(arena, (size_t) most * 2, sizeof(double));
	f->perm = aug_arena_alloc(arena, (size_t) most * 2, sizeof(uint32_t));
	f->packed = aug_arena_zero(arena, BATCH * BINS, sizeof(uint64_t));
	f->sums = aug_arena_zero(arena, BATCH * BINS * 2, sizeof(double));
	f->counts = aug_arena_zero(arena, BATCH * BINS, sizeof(uint32_t));
	f->row_packed = aug_arena_alloc(arena, BLOCK, sizeof(uint64_t));
	f->row_sums = aug_arena_alloc(arena, BLOCK * 2, sizeof(double));
	f->row_draws = aug_arena_alloc(arena, BLOCK, sizeof(uint32_t));
	if (f->order == NULL || f->gains == NULL || f->groups.code == NULL || f->groups.draws == NULL ||
		f->groups.weight == NULL || f->groups.sum == NULL || f->groups.begin == NULL ||
		f->groups.end == NULL || f->codes == NULL || f->side == NULL || f->key == NULL ||
		f->perm == NULL || f->packed == NULL || f->sums == NULL || f->counts == NULL ||
		f->row_packed == NULL || f->row_sums == NULL || f->row_draws == NULL)
		return false;

	if (f->wide_levels > 0)
	{
		f->slot_of = aug_arena_alloc(arena, f->wide_levels + 1, sizeof(uint32_t));
		if (f->slot_of == NULL)
			return false;
		memset(f->slot_of, 0xff, ((size_t) f->wide_levels + 1) * sizeof(uint32_t));
	}
	return true;
}

/* Buffers for three classes and more. */
static bool
class_buffers(ForestJob *f)
{
	AugArena *arena = f->arena;
	uint32_t k = f->config.n_classes, n = f->work_room;

	f->row_label = aug_arena_alloc(arena, n, sizeof(uint32_t));
	f->row_weight = aug_arena_alloc(arena, n, sizeof(double));
	f->row_count = aug_arena_alloc(arena, n, sizeof(uint32_t));
	f->row_group = aug_arena_alloc(arena, n, sizeof(uint32_t));
	f->groups.rows = aug_arena_alloc(arena, n, sizeof(uint32_t));
	f->class_total = aug_arena_zero(arena, k, sizeof(double));
	f->class_left = aug_arena_zero(arena, k, sizeof(double));
	f->classes = aug_arena_alloc(arena, k, sizeof(uint32_t));
	f->axis = aug_arena_zero(arena, k, sizeof(double));
	f->axis_next = aug_arena_zero(arena, k, sizeof(double));
	if (k <= CLASS_LIMIT)
	{
		f->class_counts = aug_arena_alloc(arena, (size_t) BINS * k, sizeof(uint32_t));
		if (f->layout.weight_at != 0)
			f->class_sums = aug_arena_alloc(arena, (size_t) BINS * k, sizeof(double));
		if (f->class_counts == NULL || (f->layout.weight_at != 0 && f->class_sums == NULL))
			return false;
	}
	return f->row_label != NULL && f->row_weight != NULL && f->row_count != NULL &&
		   f->row_group != NULL && f->groups.rows != NULL && f->class_total != NULL &&
		   f->class_left != NULL && f->classes != NULL && f->axis != NULL && f->axis_next != NULL;
}

/*
 * All buffers of a participant, once.  AUG_NOMEM; a failed call may be repeated.
 */
AugStatus
aug_forest_buffers(ForestJob *f, AugError *err)
{
	AugStatus status;

	if (f->have_buffers)
		return AUG_OK;
	f->in_bag = aug_arena_alloc(f->arena, f->matrix->n_rows, 1);
	f->swap = aug_arena_alloc(f->arena, f->layout.size, 1);
	if (f->in_bag == NULL || f->swap == NULL)
		return aug_fail_nomem(err, f->matrix->n_rows);
	status = ensure_work(f, 1, err);
	if (status != AUG_OK)
		return status;
	/* room at once: what is not used is not touched, and nothing is copied */
	f->tree.room = (uint32_t) (f->most_nodes < 4e9 ? f->most_nodes : 4e9);
	f->tree.nodes = aug_arena_alloc(f->arena, f->tree.room, sizeof(GrowNode));
	if (f->tree.nodes == NULL)
	{
		f->tree.room = 0;
		return aug_fail_nomem(err, (size_t) f->most_nodes * sizeof(GrowNode));
	}
	if (!feature_buffers(f) || (f->mode == MODE_CLASS && !class_buffers(f)))
		return aug_fail_nomem(err, f->work_room);
	f->have_buffers = true;
	return AUG_OK;
}

/*
 * Puts the buffers that are zero between trees back to rest, after a run that
 * failed in the middle of a node.
 */
void
aug_forest_rest(ForestJob *f)
{
	size_t classes = f->config.n_classes * sizeof(double);

	memset(f->side, 0, f->groups.room);
	memset(f->packed, 0, BATCH * BINS * sizeof(uint64_t));
	memset(f->sums, 0, BATCH * BINS * 2 * sizeof(double));
	memset(f->counts, 0, BATCH * BINS * sizeof(uint32_t));
	if (f->slot_of != NULL)
		memset(f->slot_of, 0xff, ((size_t) f->wide_levels + 1) * sizeof(uint32_t));
	if (f->mode == MODE_CLASS)
	{
		memset(f->class_total, 0, classes);
		memset(f->class_left, 0, classes);
		memset(f->axis, 0, classes);
		memset(f->axis_next, 0, classes);
	}
}

/* Draws n_draws rows with replacement. */
static bool
draw_with_replacement(ForestJob *f, AugRng *rng)
{
	uint32_t n = f->matrix->n_rows, left = f->config.n_draws;

	while (left > 0)
	{
		uint32_t i, chunk = left < CHUNK ? left : CHUNK;

		for (i = 0; i < chunk; i++)
		{
			uint32_t row = aug_rng_below(rng, n);

			f->in_bag[row] = (uint8_t) (f->in_bag[row] + (f->in_bag[row] < 255));
		}
		left -= chunk;
		if (forest_tick(f, (uint64_t) chunk * 4))
			return false;
	}
	return true;
}

/* Chooses n_draws rows, each at most once (selection sampling, Knuth 3.4.2 S). */
static bool
draw_without_replacement(ForestJob *f, AugRng *rng)
{
	uint32_t n = f->matrix->n_rows, need = f->config.n_draws, row;

	if (need >= n)
	{
		memset(f->in_bag, 1, n);
		return true;
	}
	for (row = 0; row < n && need > 0; row++)
	{
		bool take = aug_rng_below(rng, n - row) < need;

		f->in_bag[row] = take;
		need -= take;
		if (row % CHUNK == CHUNK - 1 && forest_tick(f, CHUNK * 4))
			return false;
	}
	return true;
}

/*
 * Fills in_bag for a tree and counts the distinct rows into n_work.
 */
AugStatus
aug_forest_sample(ForestJob *f, uint32_t tree, AugError *err)
{
	AugRng rng = aug_rng(f->seed, tree, UINT64_MAX);
	uint32_t n = f->matrix->n_rows, row, distinct = 0;
	bool go_on;

	memset(f->in_bag, 0, n);
	go_on = f->config.bootstrap ? draw_with_replacement(f, &rng)
								: draw_without_replacement(f, &rng);
	if (!go_on)
		return aug_fail_cancelled(err);
	for (row = 0; row < n; row++)
		distinct += f->in_bag[row] != 0;
	f->n_work = distinct;
	if (distinct > f->work_room)
	{
		AugStatus status = ensure_work(f, distinct, err);

		if (status != AUG_OK)
			return status;
		if (f->mode == MODE_CLASS && !class_buffers(f))
			return aug_fail_nomem(err, distinct);
	}
	return AUG_OK;
}

/* Writes the record of one row. */
static inline void
fill_record(const ForestJob *f, uint32_t row, uint8_t *record)
{
	const AugMatrix *m = f->matrix;
	uint16_t draws = f->in_bag[row];

	memcpy(record, &draws, sizeof(draws));
	if (f->layout.label_at != 0)
	{
		uint16_t label = (uint16_t) m->label[row];

		memcpy(record + f->layout.label_at, &label, sizeof(label));
	}
	if (f->layout.y_at != 0)
	{
		float y = (float) ((m->y[row] - f->base) * f->scale);

		memcpy(record + f->layout.y_at, &y, sizeof(y));
	}
	if (f->layout.weight_at != 0)
	{
		float weight = (float) m->weight[row];

		memcpy(record + f->layout.weight_at, &weight, sizeof(weight));
	}
	if (f->layout.row_at != 0)
		memcpy(record + f->layout.row_at, &row, sizeof(row));
	if (f->layout.cells_at != 0)
		memcpy(record + f->layout.cells_at, m->cells + (size_t) row * m->stride, m->n_narrow);
}

/* Adds what a record counts for in its node. */
static inline void
add_record(const ForestJob *f, const uint8_t *record, NodeTotals *totals)
{
	double w = record_weight(f, record);

	totals->draws += record_draws(record);
	if (f->config.task == AUG_CLASSIFICATION)
	{
		uint32_t label = record_label(f, record);

		w *= f->class_weight[label];
		if (label == 1)
			totals->sum += f->mode == MODE_COUNT ? (double) record_draws(record) : w;
	}
	else
		totals->sum += w * (double) record_float(record, f->layout.y_at);
	totals->weight += w;
}

/*
 * Copies the drawn rows into the records and sums up the root.
 */
AugStatus
aug_forest_load(ForestJob *f, NodeTotals *totals, AugError *err)
{
	uint32_t row, n = f->matrix->n_rows, at = 0;

	memset(totals, 0, sizeof(*totals));
	for (row = 0; row < n; row++)
	{
		if (row % CHUNK == CHUNK - 1 && forest_tick(f, CHUNK * 8))
			return aug_fail_cancelled(err);
		if (f->in_bag[row] == 0)
			continue;
		fill_record(f, row, record_at(f, at));
		add_record(f, record_at(f, at), totals);
		at++;
	}
	return AUG_OK;
}
