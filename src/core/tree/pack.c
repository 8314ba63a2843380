/*-------------------------------------------------------------------------
 *
 * pack.c
 *		Forests packed so that a walk has no branches.
 *
 * A row becomes bytes, its cells, once: each feature has a high cell, its bin or
 * 255 for a missing value, and, where some split sends missing values to the left, a
 * low cell, its bin or 0.  A split names the cell that sends missing values to
 * its side, so the one test "cell > bin" decides for all values.
 *
 * A narrow categorical feature has one cell, the code of its level; two codes above
 * all levels stand for one that training did not see and for a missing value.
 *
 * A tree is an array of slots in preorder.  A split is one slot {cell, bin, step}:
 * the left child is the next slot, the right child lies step slots ahead.  A
 * leaf is two slots: a split on the dummy cell, which is always 255, with step 0, so
 * that whoever is there stays there; and what the leaf holds.  A split on a set of
 * levels is one slot whose bin is the number of slots behind it that hold a bit
 * for each code, 1 for right; the left child follows these.  Which cells are codes
 * tells their number: they come last.  Slots are 4 bytes while cells and steps
 * allow, else 8.
 *
 * Memory: the model's arena.  Interrupts: polled every 16,384 nodes.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "pack.h"

#define DEEP		20	/* deeper trees are walked each for itself */
#define SHORT_CELLS 256 /* cells that a 4-byte slot can name */
#define MAX_CELLS	65536
#define MAX_STEPS	8 /* 254 cuts are found in 8 */
#define POLL_NODES	16384
#define MAX_LEVELS	254 /* and two codes more fit into a byte */
#define TAIL_SLOTS	8	/* read behind any slot, and not used */

/* ---- building ---------------------------------------------------------- */

typedef struct Builder
{
	const ForestModel *m;
	const AugModelInfo *info;
	AugArena *arena;
	AugArena own; /* what only building needs */
	Pack *pack;
	uint32_t *high, /* [n_features] cells */
		*low;
	uint32_t *at;	 /* [n_nodes + 1] slot of each node within its tree */
	uint32_t *depth; /* [n_nodes], then of each tree */
	uint32_t *order; /* [n_trees] by depth */
	uint64_t n_slots;
	uint32_t longest; /* largest step */
	uint32_t polled;  /* nodes since the last poll */
	bool cancelled;
} Builder;

bool
aug_pack_fits(const AugModelInfo *info)
{
	/* two cells a feature and the dummy */
	if (info->n_features > (MAX_CELLS - 1) / 2)
		return false;
	for (uint32_t i = 0; i < info->n_features; i++)
	{
		if (info->features[i].kind != AUG_NUMERIC_FEATURE &&
			info->features[i].n_levels > MAX_LEVELS)
			return false;
	}
	return true;
}

/* Called after each tree; false when the host wants to stop. */
static bool
go_on(Builder *b, uint32_t n_nodes)
{
	b->polled += n_nodes;
	if (b->polled >= POLL_NODES)
	{
		b->polled = 0;
		b->cancelled = b->arena->host->poll(b->arena->host->arg, -1);
	}
	return !b->cancelled;
}

static uint32_t
tree_end(const ForestModel *m, uint32_t tree)
{
	return tree + 1 < m->n_trees ? m->roots[tree + 1] : m->walk.n_nodes;
}

/* The right child of a split. */
static inline uint32_t
right_child(const Walk *walk, const WalkNode *node)
{
	return node->kind == NODE_SET ? walk->sets[node->link + SET_CHILD] : node->link;
}

/*
 * Slots of the bits behind a split on a set: for all levels, unseen and missing.
 * Slots of 8 bytes hold 32 of them, too.
 */
static inline uint32_t
bit_slots(const Builder *b, const WalkNode *node)
{
	return node->kind == NODE_SET ? (b->info->features[node->feature].n_levels + 2 + 31) / 32 : 0;
}

/*
 * Slots, depths and the largest step of one tree.  Children follow their parents,
 * so one pass forward finds depths.
 */
static void
measure_tree(Builder *b, uint32_t tree)
{
	const WalkNode *nodes = b->m->walk.nodes;
	uint32_t begin = b->m->roots[tree], end = tree_end(b->m, tree), slot = 0, deepest = 0;

	b->depth[begin] = 0;
	for (uint32_t i = begin; i < end; i++)
	{
		uint32_t depth = b->depth[i];

		if (i % POLL_NODES == POLL_NODES - 1 && !go_on(b, POLL_NODES))
			return;

		b->at[i] = slot;
		if (nodes[i].kind == NODE_LEAF)
		{
			slot += 2;
			deepest = depth > deepest ? depth : deepest;
		}
		else
		{
			slot += 1 + bit_slots(b, &nodes[i]);
			b->depth[i + 1] = b->depth[right_child(&b->m->walk, &nodes[i])] = depth + 1;
			if (nodes[i].kind == NODE_MISSING_LEFT)
				b->low[nodes[i].feature] = 0;
			else
				b->high[nodes[i].feature] = 0;
		}
	}
	for (uint32_t i = begin; i < end; i++)
	{
		if (nodes[i].kind != NODE_LEAF)
		{
			uint32_t step = b->at[right_child(&b->m->walk, &nodes[i])] - b->at[i];

			b->longest = step > b->longest ? step : b->longest;
		}
	}
	b->depth[begin] = deepest;
	b->n_slots += slot;
}

/* Gives cells to what the splits use: numbers, the dummy, codes of levels. */
static void
number_cells(Builder *b)
{
	uint32_t n = 0;

	for (int categorical = 0; categorical < 2; categorical++)
	{
		for (uint32_t i = 0; i < b->info->n_features; i++)
		{
			if ((b->info->features[i].kind == AUG_CATEGORICAL_FEATURE) != (categorical == 1))
				continue;
			if (b->high[i] != PACK_NO_CELL)
				b->high[i] = n++;
			if (b->low[i] != PACK_NO_CELL)
				b->low[i] = n++;
			b->pack->n_features += b->high[i] != PACK_NO_CELL || b->low[i] != PACK_NO_CELL;
		}
		if (categorical == 0)
			b->pack->dummy = n++;
	}
	b->pack->n_cells = n;
}

/* Trees by depth, equal ones by number: Shell's method. */
static void
order_trees(Builder *b)
{
	const uint32_t *roots = b->m->roots;
	uint32_t n = b->m->n_trees;

	for (uint32_t i = 0; i < n; i++)
		b->order[i] = i;
	for (uint32_t gap = n / 2; gap > 0; gap /= 2)
	{
		for (uint32_t i = gap; i < n; i++)
		{
			uint32_t tree = b->order[i], depth = b->depth[roots[tree]], j = i;

			for (; j >= gap &&
				   (b->depth[roots[b->order[j - gap]]] > depth ||
					(b->depth[roots[b->order[j - gap]]] == depth && b->order[j - gap] > tree));
				 j -= gap)
				b->order[j] = b->order[j - gap];
			b->order[j] = tree;
		}
	}
}

/* How many halvings find one of n_cuts + 1 bins. */
static uint32_t
steps_of(uint32_t n_cuts)
{
	uint32_t n_steps = 0;

	while ((1u << n_steps) - 1 < n_cuts)
		n_steps++;
	return n_steps;
}

/* Cuts of one feature, padded to 2^n - 1 for a search of exactly n steps. */
static bool
pack_cuts(Builder *b, const AugFeature *f, PackFeature *out)
{
	uint32_t n_steps = steps_of(f->n_cuts);
	double *cuts;

	out->slot = f->slot;
	out->n_levels = f->kind == AUG_CATEGORICAL_FEATURE ? f->n_levels : 0;
	out->cuts = NULL;
	out->n_steps = 0;
	if (f->kind == AUG_CATEGORICAL_FEATURE)
		return true;
	cuts = aug_arena_alloc(b->arena, 1u << n_steps, sizeof(double));
	if (cuts == NULL)
		return false;
	for (uint32_t i = 0; i < 1u << n_steps; i++)
		cuts[i] = i < f->n_cuts ? f->cuts[i] : INFINITY;
	out->cuts = cuts;
	out->n_steps = n_steps;
	return true;
}

/*
 * The features that splits use, numbers in order of the steps of their searches, then
 * categories.
 */
static bool
pack_features(Builder *b)
{
	Pack *pack = b->pack;
	uint32_t n = 0;

	pack->features = aug_arena_alloc(b->arena, pack->n_features, sizeof(PackFeature));
	if (pack->features == NULL)
		return false;
	for (uint32_t n_steps = 0; n_steps <= MAX_STEPS + 1; n_steps++)
	{
		for (uint32_t i = 0; i < b->info->n_features; i++)
		{
			PackFeature *f = &pack->features[n];
			bool categorical = b->info->features[i].kind == AUG_CATEGORICAL_FEATURE;

			if ((b->high[i] == PACK_NO_CELL && b->low[i] == PACK_NO_CELL) ||
				(categorical ? MAX_STEPS + 1 : steps_of(b->info->features[i].n_cuts)) != n_steps)
				continue;
			if (!categorical)
				pack->n_numbers++;
			if (!pack_cuts(b, &b->info->features[i], f))
				return false;
			/* a cell that nobody asks for shares the other's place */
			f->high = b->high[i] != PACK_NO_CELL ? b->high[i] : b->low[i];
			f->low = b->low[i];
			f->source = i;
			n++;
		}
	}
	return true;
}

static inline void
put_slot(Pack *pack, size_t at, uint32_t cell, uint32_t bin, uint32_t step)
{
	if (pack->slots4 != NULL)
		pack->slots4[at] = cell | bin << 8 | step << 16;
	else
		pack->slots8[at] = cell | bin << 16 | (uint64_t) step << 32;
}

static inline void
put_word(Pack *pack, size_t at, uint32_t word)
{
	if (pack->slots4 != NULL)
		pack->slots4[at] = word;
	else
		pack->slots8[at] = word;
}

static inline void
put_leaf(Pack *pack, size_t at, uint32_t link)
{
	put_slot(pack, at, pack->dummy, 0, 0);
	put_word(pack, at + 1, link);
}

/* The bits behind a split: codes of the set, or all others, go right. */
static void
put_bits(Builder *b, size_t at, const WalkNode *node)
{
	const uint32_t *set = b->m->walk.sets + node->link;
	uint32_t n = bit_slots(b, node), n_levels = b->info->features[node->feature].n_levels;
	uint32_t bits[(MAX_LEVELS + 2) / 32] = {0};

	for (uint32_t i = 0; i < set[SET_N]; i++)
		bits[set[SET_CODES + i] / 32] |= 1u << set[SET_CODES + i] % 32;
	if (set[SET_FLAGS] & SET_MISSING)
		bits[(n_levels + 1) / 32] |= 1u << (n_levels + 1) % 32;
	for (uint32_t i = 0; i < n; i++)
		put_word(b->pack, at + i, set[SET_FLAGS] & SET_GOES_LEFT ? ~bits[i] : bits[i]);
}

/* Writes one tree from slot first on; returns how many slots it took. */
static uint32_t
pack_tree(Builder *b, uint32_t tree, size_t first)
{
	const WalkNode *nodes = b->m->walk.nodes;
	uint32_t end = tree_end(b->m, tree), slots = 0;

	for (uint32_t i = b->m->roots[tree]; i < end; i++)
	{
		const WalkNode *node = &nodes[i];
		size_t at = first + b->at[i];

		if (i % POLL_NODES == POLL_NODES - 1 && !go_on(b, POLL_NODES))
			return slots;
		if (node->kind == NODE_LEAF)
		{
			put_leaf(b->pack, at, node->link);
			slots += 2;
		}
		else
		{
			uint32_t n_bits = bit_slots(b, node);
			uint32_t cell = node->kind == NODE_MISSING_LEFT ? b->low[node->feature]
															: b->high[node->feature];

			put_slot(b->pack, at, cell, n_bits > 0 ? n_bits : node->bin,
					 b->at[right_child(&b->m->walk, node)] - b->at[i]);
			if (n_bits > 0)
				put_bits(b, at + 1, node);
			slots += 1 + n_bits;
		}
	}
	return slots;
}

/* All trees, and the groups; places left over in the last group repeat its last tree. */
static bool
pack_trees(Builder *b)
{
	Pack *pack = b->pack;
	uint32_t n_places = pack->n_groups * PACK_LANES;
	size_t at = 0;

	pack->roots = aug_arena_alloc(b->arena, n_places, sizeof(uint32_t));
	pack->trees = aug_arena_alloc(b->arena, n_places, sizeof(uint32_t));
	pack->depths = aug_arena_zero(b->arena, pack->n_groups, sizeof(uint32_t));
	if (pack->is_short)
		pack->slots4 = aug_arena_zero(b->arena, (size_t) b->n_slots + TAIL_SLOTS, sizeof(uint32_t));
	else
		pack->slots8 = aug_arena_zero(b->arena, (size_t) b->n_slots + TAIL_SLOTS, sizeof(uint64_t));
	if (pack->roots == NULL || pack->trees == NULL || pack->depths == NULL ||
		(pack->slots4 == NULL && pack->slots8 == NULL))
		return false;
	for (uint32_t i = 0; i < n_places; i++)
	{
		bool extra = i >= pack->n_trees;
		uint32_t tree = b->order[extra ? pack->n_trees - 1 : i],
				 depth = b->depth[b->m->roots[tree]];

		pack->roots[i] = extra ? pack->roots[i - 1] : (uint32_t) at;
		pack->trees[i] = tree;
		if (depth > pack->depths[i / PACK_LANES])
			pack->depths[i / PACK_LANES] = depth;
		if (extra)
			continue;
		at += pack_tree(b, tree, at);
		if (!go_on(b, tree_end(b->m, tree) - b->m->roots[tree]))
			return false;
	}
	pack->is_deep = pack->depths[pack->n_groups - 1] > DEEP;
	return true;
}

static bool
build(Builder *b)
{
	const ForestModel *m = b->m;
	Pack *pack = b->pack;
	uint32_t n_features = b->info->n_features;

	b->high = aug_arena_alloc(&b->own, n_features, sizeof(uint32_t));
	b->low = aug_arena_alloc(&b->own, n_features, sizeof(uint32_t));
	b->at = aug_arena_alloc(&b->own, m->walk.n_nodes, sizeof(uint32_t));
	b->depth = aug_arena_alloc(&b->own, m->walk.n_nodes, sizeof(uint32_t));
	b->order = aug_arena_alloc(&b->own, m->n_trees, sizeof(uint32_t));
	if (b->high == NULL || b->low == NULL || b->at == NULL || b->depth == NULL || b->order == NULL)
		return false;
	for (uint32_t i = 0; i < n_features; i++)
		b->high[i] = b->low[i] = PACK_NO_CELL;
	for (uint32_t i = 0; i < m->n_trees; i++)
	{
		measure_tree(b, i);
		if (!go_on(b, tree_end(m, i) - m->roots[i]))
			return false;
	}
	number_cells(b);
	order_trees(b);

	pack->n_trees = m->n_trees;
	pack->n_groups = (m->n_trees + PACK_LANES - 1) / PACK_LANES;
	pack->is_short = pack->n_cells <= SHORT_CELLS && b->longest <= UINT16_MAX;
	return b->n_slots <= UINT32_MAX && pack_features(b) && pack_trees(b);
}

/*
 * See pack.h.  Fails only for lack of memory (or slots, of which there are 4
 * billion).
 */
AugStatus
aug_pack_build(const ForestModel *m, const AugModelInfo *info, AugArena *arena, Pack **out,
			   AugError *err)
{
	Builder b = {.m = m, .info = info, .arena = arena};
	bool ok;

	*out = b.pack = aug_arena_zero(arena, 1, sizeof(Pack));
	if (b.pack == NULL)
		return aug_fail_nomem(err, sizeof(Pack));
	aug_arena_init(&b.own, arena->host);
	ok = build(&b);
	aug_arena_free(&b.own);
	if (b.cancelled)
		return aug_fail_cancelled(err);
	return ok ? AUG_OK : aug_fail_nomem(err, (size_t) b.n_slots * sizeof(uint64_t));
}
