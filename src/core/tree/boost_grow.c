/*-------------------------------------------------------------------------
 *
 * boost_grow.c
 *		Growth of one tree: the leaf whose split gains most is split next.
 *
 * Children are a pair; the histograms of the smaller one are made from its rows, those
 * of the other are what the parent's leave.  There is room for the histograms of so
 * many leaves; when it runs out, a leaf that is far down the queue gives its own up, and
 * its children's are both made from their rows.
 *
 * Rows outside the sample (not drawn, or set aside for validation) go the same
 * ways, so that their leaves are known without a walk.
 *
 * Memory: the job's arena; nodes and the queue grow by doubling.  Interrupts: polled
 * by rows.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "boost.h"

#define CHUNK 32768

/* ---- the queue of leaves ----------------------------------------------- */

static bool
sooner(const BoostJob *b, uint32_t x, uint32_t y)
{
	double gx = b->nodes[x].split.gain, gy = b->nodes[y].split.gain;

	return gx > gy || (gx == gy && x < y);
}

static AugStatus
push(BoostJob *b, uint32_t node, AugError *err)
{
	void *heap = b->heap;
	uint32_t at = b->n_heap, up;

	if (!aug_forest_ensure(b->f.arena, &heap, &b->heap_room, (size_t) at + 1, sizeof(uint32_t), at))
		return aug_fail_nomem(err, (at + (size_t) 1) * sizeof(uint32_t));
	b->heap = heap;
	b->n_heap++;
	for (; at > 0 && sooner(b, node, b->heap[up = (at - 1) / 2]); at = up)
		b->heap[at] = b->heap[up];
	b->heap[at] = node;
	return AUG_OK;
}

static uint32_t
pop(BoostJob *b)
{
	uint32_t top = b->heap[0], last = b->heap[--b->n_heap], at = 0;

	for (;;)
	{
		uint32_t down = 2 * at + 1;

		if (down >= b->n_heap)
			break;
		if (down + 1 < b->n_heap && sooner(b, b->heap[down + 1], b->heap[down]))
			down++;
		if (sooner(b, last, b->heap[down]))
			break;
		b->heap[at] = b->heap[down];
		at = down;
	}
	if (b->n_heap > 0)
		b->heap[at] = last;
	return top;
}

/* ---- histograms of leaves ---------------------------------------------- */

static BoostBin *
slot_at(const BoostJob *b, uint32_t slot)
{
	return b->pool + (size_t) slot * b->pool_bins;
}

static void
give_back(BoostJob *b, BoostNode *node)
{
	if (node->slot != FOREST_NONE)
		b->free_slots[b->n_free++] = node->slot;
	node->slot = FOREST_NONE;
}

/* A slot: a free one, or that of a leaf at the end of the queue. */
static uint32_t
take_slot(BoostJob *b)
{
	for (uint32_t i = b->n_heap; b->n_free == 0 && i > 0; i--)
		give_back(b, &b->nodes[b->heap[i - 1]]);
	return b->free_slots[--b->n_free];
}

static bool
can_split(const BoostJob *b, const BoostNode *node)
{
	const BoostConfig *c = &b->config;

	return node->depth < c->max_depth && node->n / 2 >= c->min_leaf &&
		   bin_hessian(b, node->total) >= 2 * c->min_weight;
}

static AugStatus
make_histograms(BoostJob *b, BoostNode *node, AugError *err)
{
	node->slot = take_slot(b);
	return aug_boost_histograms(b, node, slot_at(b, node->slot), err);
}

/*
 * Histograms of two children, of those that can be split.  The parent's slot is
 * used up.
 */
static AugStatus
child_histograms(BoostJob *b, BoostNode *parent, BoostNode *left, BoostNode *right, AugError *err)
{
	BoostNode *small = left->n <= right->n ? left : right, *large = small == left ? right : left;
	bool small_wanted = can_split(b, small), large_wanted = can_split(b, large);
	AugStatus status = AUG_OK;

	if (!large_wanted && !small_wanted)
	{
		give_back(b, parent);
		return AUG_OK;
	}
	if (parent->slot == FOREST_NONE || !large_wanted)
	{
		give_back(b, parent);
		if (large_wanted)
			status = make_histograms(b, large, err);
		if (status == AUG_OK && small_wanted)
			status = make_histograms(b, small, err);
		return status;
	}
	large->slot = parent->slot;
	parent->slot = FOREST_NONE;
	status = make_histograms(b, small, err);
	if (status != AUG_OK)
		return status;
	aug_boost_subtract(b, slot_at(b, large->slot), slot_at(b, small->slot));
	if (!small_wanted)
		give_back(b, small);
	return forest_tick(&b->f, b->n_bins) ? aug_fail_cancelled(err) : AUG_OK;
}

/* ---- splitting --------------------------------------------------------- */

/* How a split tells a row's side. */
typedef struct Sides
{
	const uint8_t *cells; /* of the feature's column, or NULL: wide */
	size_t stride;
	const uint32_t *wide;
	uint32_t n_levels;
	const uint8_t *left; /* [levels + 1] or [256], 1: goes left; or NULL: by bin */
	uint32_t bin, wrap;
} Sides;

static inline uint32_t
goes_left(const Sides *s, uint32_t row)
{
	uint32_t code;

	if (s->cells == NULL)
	{
		code = s->wide[row];
		return s->left[code == AUG_MISSING_WIDE ? s->n_levels : code];
	}
	code = s->cells[(size_t) row * s->stride];
	/* a missing cell wraps round to 0 where missing values go left */
	return s->left != NULL ? s->left[code] : (uint8_t) (code + s->wrap) <= s->bin;
}

/*
 * Parts rows by their side, both in their order; *n_left tells how many go left.
 * Inlined for each kind of feature.
 */
static AugStatus
partition(BoostJob *b, const Sides *s, uint32_t *rows, uint32_t n, uint32_t *n_left, AugError *err)
{
	const Sides own = *s;
	uint32_t l = 0, r = 0;

	for (uint32_t first = 0; first < n; first += CHUNK)
	{
		uint32_t end = n - first < CHUNK ? n : first + CHUNK;

		for (uint32_t i = first; i < end; i++)
		{
			uint32_t row = rows[i], left = goes_left(&own, row);

			rows[l] = row;
			b->swap[r] = row;
			l += left;
			r += 1 - left;
		}
		if (forest_tick(&b->f, (end - first) * (uint64_t) 3))
			return aug_fail_cancelled(err);
	}
	memcpy(rows + l, b->swap, r * sizeof(uint32_t));
	*n_left = l;
	return AUG_OK;
}

/*
 * Which side's levels are listed: the one without the rare ones, or else that of fewer
 * levels.  Rare levels, and those that the node has not seen, go to the other.
 */
static bool
lists_left(const BoostGroups *g, const BoostSplit *split)
{
	for (uint32_t i = 0; i < g->n; i++)
		if (g->code[i] == FOREST_NONE)
			return i >= split->n_left;
	return split->n_left <= g->n - split->n_left;
}

/*
 * Writes a set into the tree's pool.
 */
static AugStatus
store_set(BoostJob *b, const BoostSplit *split, uint32_t n_levels, uint32_t *at, AugError *err)
{
	GrownTree *t = &b->f.tree;
	const BoostGroups *g = &b->groups;
	bool listed_left = lists_left(g, split);
	uint32_t from = listed_left ? 0 : split->n_left, to = listed_left ? split->n_left : g->n, *set,
			 n = 0;
	void *sets = t->sets;

	if (!aug_forest_ensure(b->f.arena, &sets, &t->sets_room, t->n_sets + SET_CODES + (to - from),
						   sizeof(uint32_t), t->n_sets))
		return aug_fail_nomem(err, (SET_CODES + (size_t) (to - from)) * sizeof(uint32_t));
	t->sets = sets;
	*at = (uint32_t) t->n_sets;
	set = t->sets + t->n_sets;
	set[SET_FLAGS] = listed_left ? SET_GOES_LEFT : 0;
	for (uint32_t i = from; i < to; i++)
	{
		if (g->code[i] == n_levels)
			set[SET_FLAGS] |= SET_MISSING;
		else
			set[SET_CODES + n++] = g->code[i];
	}
	aug_forest_sort_codes(set + SET_CODES, n);
	set[SET_N] = n;
	t->n_sets += SET_CODES + n;
	return AUG_OK;
}

/* Sets the side of all levels to the one of rare and unseen ones. */
static void
default_sides(BoostJob *b, const BoostSplit *split, const ForestFeature *ff)
{
	uint32_t n = ff->kind == FEATURE_WIDE ? ff->n_bins + 1 : BINS;

	memset(b->f.side, !lists_left(&b->groups, split), n);
}

/* Prepares a split on levels: their sides, and the set of the tree. */
static AugStatus
prepare_set(BoostJob *b, uint32_t node, Sides *s, AugError *err)
{
	const BoostSplit *split = &b->nodes[node].split;
	const ForestFeature *ff = &b->f.features[split->feature];
	uint32_t at = 0;
	AugStatus status = aug_boost_groups(b, &b->nodes[node], split->feature, err);

	if (status != AUG_OK)
		return status;
	default_sides(b, split, ff);
	for (uint32_t i = 0; i < b->groups.n; i++)
	{
		uint32_t code = b->groups.code[i];

		if (code == FOREST_NONE)
			continue;
		if (s->cells != NULL && code == ff->n_bins)
			code = AUG_MISSING_CELL;
		b->f.side[code] = i < split->n_left;
	}
	status = store_set(b, split, ff->n_bins, &at, err);
	s->left = b->f.side;
	b->f.tree.nodes[node].kind = NODE_SET;
	b->f.tree.nodes[node].link = at;
	return status;
}

/* n new nodes behind those of the tree: leaves without rows. */
static AugStatus
new_nodes(BoostJob *b, uint32_t n, uint32_t depth, AugError *err)
{
	GrownTree *t = &b->f.tree;
	size_t room = t->room, need = (size_t) t->n_nodes + n;
	void *grown = t->nodes, *nodes = b->nodes;

	if (!aug_forest_ensure(b->f.arena, &grown, &room, need, sizeof(GrowNode), t->n_nodes) ||
		!aug_forest_ensure(b->f.arena, &nodes, &b->nodes_room, need, sizeof(BoostNode), t->n_nodes))
		return aug_fail_nomem(err, need * sizeof(BoostNode));
	t->nodes = grown;
	t->room = (uint32_t) room;
	b->nodes = nodes;
	memset(t->nodes + t->n_nodes, 0, n * sizeof(GrowNode));
	memset(b->nodes + t->n_nodes, 0, n * sizeof(BoostNode));
	for (; n > 0; n--, t->n_nodes++)
	{
		b->nodes[t->n_nodes].slot = FOREST_NONE;
		b->nodes[t->n_nodes].depth = depth;
	}
	return AUG_OK;
}

/* Splits a leaf as it was found; its children are at left and left + 1. */
static AugStatus
split_node(BoostJob *b, uint32_t node, uint32_t left, AugError *err)
{
	BoostNode *parent = &b->nodes[node], *l = &b->nodes[left], *r = l + 1;
	const BoostSplit *split = &parent->split;
	const ForestFeature *ff = &b->f.features[split->feature];
	GrowNode *grown = &b->f.tree.nodes[node];
	Sides s = {.stride = b->f.matrix->stride, .wide = ff->wide, .n_levels = ff->n_bins};
	AugStatus status = AUG_OK;

	if (ff->kind != FEATURE_WIDE)
		s.cells = b->f.matrix->cells + ff->slot;
	grown->feature = (uint16_t) split->feature;
	if (split->is_set)
		status = prepare_set(b, node, &s, err);
	else
	{
		s.wrap = split->missing_left;
		s.bin = split->bin + s.wrap;
		grown->bin = split->bin;
		grown->kind = split->missing_left ? NODE_MISSING_LEFT : NODE_MISSING_RIGHT;
		grown->link = left;
	}
	if (status == AUG_OK && split->is_set)
		b->f.tree.sets[grown->link + SET_CHILD] = left;
	if (status == AUG_OK)
		status = partition(b, &s, b->rows + parent->first, parent->n, &l->n, err);
	if (status == AUG_OK)
		status = partition(b, &s, b->idle + parent->idle_first, parent->idle_n, &l->idle_n, err);
	if (status != AUG_OK)
		return status;
	l->first = parent->first;
	l->idle_first = parent->idle_first;
	r->first = l->first + l->n;
	r->n = parent->n - l->n;
	r->idle_first = l->idle_first + l->idle_n;
	r->idle_n = parent->idle_n - l->idle_n;
	l->total = split->left;
	r->total = parent->total - split->left;
	b->gains[split->feature] += split->gain;
	return AUG_OK;
}

/* Looks for a split of a leaf that has histograms, and queues it. */
static AugStatus
consider(BoostJob *b, uint32_t node, uint32_t tree, AugError *err)
{
	AugRng rng = aug_rng(b->f.seed, tree, (uint64_t) node + 1);
	AugStatus status;

	if (b->nodes[node].slot == FOREST_NONE)
		return AUG_OK;
	status = aug_boost_find_split(b, node, &rng, err);
	if (status != AUG_OK)
		return status;
	if (b->nodes[node].split.gain > 0)
		return push(b, node, err);
	give_back(b, &b->nodes[node]);
	return AUG_OK;
}

/* The root: the whole sample. */
static AugStatus
plant(BoostJob *b, AugError *err)
{
	GrownTree *t = &b->f.tree;
	BoostNode *root;
	AugStatus status;

	t->n_nodes = 0;
	t->n_sets = 0;
	b->n_heap = 0;
	status = new_nodes(b, 1, 0, err);
	if (status != AUG_OK)
		return status;
	root = &b->nodes[0];
	root->n = b->n_sample;
	root->idle_n = b->f.matrix->n_rows - b->n_sample;
	for (uint32_t i = 0; i < root->n; i++)
	{
		root->total += pair_bin(b, b->pairs[b->rows[i]]);
		if (i % CHUNK == CHUNK - 1 && forest_tick(&b->f, CHUNK))
			return aug_fail_cancelled(err);
	}
	if (!can_split(b, root))
		return AUG_OK;
	status = make_histograms(b, root, err);
	return status == AUG_OK ? aug_boost_learn_levels(b, root, err) : status;
}

/*
 * Grows one tree on the sample in rows; its leaves have no values yet.  tree: its
 * number, which its random draws depend on.
 */
AugStatus
aug_boost_grow(BoostJob *b, uint32_t tree, AugError *err)
{
	AugRng rng = aug_rng(b->f.seed, tree, 0);
	uint32_t leaves = 1;
	AugStatus status = aug_boost_features(b, &rng, err);

	if (status == AUG_OK)
		status = plant(b, err);
	if (status == AUG_OK)
		status = consider(b, 0, tree, err);
	while (status == AUG_OK && b->n_heap > 0 && leaves < b->config.max_leaves)
	{
		uint32_t node = pop(b), left = b->f.tree.n_nodes;

		status = new_nodes(b, 2, b->nodes[node].depth + 1, err);
		if (status == AUG_OK)
			status = split_node(b, node, left, err);
		if (status != AUG_OK)
			break;
		if (++leaves == b->config.max_leaves)
			break;
		status = child_histograms(b, &b->nodes[node], &b->nodes[left], &b->nodes[left + 1], err);
		if (status == AUG_OK)
			status = consider(b, left, tree, err);
		if (status == AUG_OK)
			status = consider(b, left + 1, tree, err);
	}
	b->f.tree.n_leaves = leaves;
	return status;
}
