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
 * A tree is an array of slots.  A split is one slot {cell, 255 - bin, step}: its
 * children lie side by side step slots ahead, and the right one is reached by a carry
 * (pack_walk.c).  A leaf is a slot of zeros but for the cell, the dummy, which is always
 * 0, so that whoever is there stays there; what it holds lies LEAF_VALUE slots before it.
 * A leaf that is reached at the last visit needs no slot, only what it holds: at a limited
 * depth most leaves are of this kind, and without them a quarter of the memory is saved.
 * A split on a set of levels has as bin the number of slots from its bits, one for each
 * code, 1 for right, to its children.  Which cells are codes tells their number:
 * they come last.  Slots are 4 bytes while cells and steps allow, else 8.
 *
 * Slots are laid out for the cache: the children of a split are followed by those of
 * the largest subtrees below it until a line is full, so three levels and more share
 * one; subtrees that fit into what is left of a line fill it.
 *
 * Bins are found through 256 buckets of equal width over a feature's cuts, which leave
 * two or three halvings of eight where values are spread evenly, and no more than
 * eight where they are not.
 *
 * Memory: the model's arena.  Interrupts: polled every 16,384 nodes.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "pack_build.h"

#define DEEP		20	/* deeper trees are walked each for itself */
#define SHORT_CELLS 256 /* cells that a 4-byte slot can name */
#define MAX_CELLS	65536
#define FEW_CUTS	7	/* are searched without buckets */
#define MAX_STEPS	8	/* 254 cuts are found in 8 */
#define MAX_LEVELS	254 /* and two codes more fit into a byte */
#define TAIL_SLOTS	8	/* read behind any slot, and not used */
#define LINE_BYTES	64

/* ---- building ---------------------------------------------------------- */

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

bool
aug_pack_go_on(Builder *b, uint32_t n_nodes)
{
	b->polled += n_nodes;
	if (b->polled >= POLL_NODES)
	{
		b->polled = 0;
		b->cancelled = b->arena->host->poll(b->arena->host->arg, -1);
	}
	return !b->cancelled;
}

/* Nodes of the largest tree. */
static uint32_t
largest_tree(const ForestModel *m)
{
	uint32_t largest = 1;

	for (uint32_t i = 0; i < m->n_trees; i++)
	{
		if (tree_end(m, i) - m->roots[i] > largest)
			largest = tree_end(m, i) - m->roots[i];
	}
	return largest;
}

/* Depths of the nodes of one tree.  Children follow their parents. */
static void
measure_depth(Builder *b, uint32_t tree)
{
	const WalkNode *nodes = b->m->walk.nodes + b->m->roots[tree];
	uint32_t begin = b->m->roots[tree], n = tree_end(b->m, tree) - begin, deepest = 0;

	b->depth[0] = 0;
	for (uint32_t i = 0; i < n; i++)
	{
		if (i % POLL_NODES == POLL_NODES - 1 && !aug_pack_go_on(b, POLL_NODES))
			return;
		if (nodes[i].kind == NODE_LEAF)
		{
			deepest = b->depth[i] > deepest ? b->depth[i] : deepest;
			continue;
		}
		b->depth[i + 1] = b->depth[right_child(&b->m->walk, &nodes[i]) - begin] = b->depth[i] + 1;
	}
	b->tree_depth[tree] = deepest;
}

/* Sizes of the subtrees of one tree whose depths are known. */
static void
measure_size(Builder *b, uint32_t tree)
{
	const WalkNode *nodes = b->m->walk.nodes + b->m->roots[tree];
	uint32_t begin = b->m->roots[tree], n = tree_end(b->m, tree) - begin;

	for (uint32_t i = n; i-- > 0;)
		b->size[i] = nodes[i].kind == NODE_LEAF
						 ? 0
						 : unit_slots(b, begin, begin + i) + b->size[i + 1] +
							   b->size[right_child(&b->m->walk, &nodes[i]) - begin];
}

/* Gives cells to what the splits use: numbers, the dummy, codes of levels. */
static void
number_cells(Builder *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->m->walk.n_nodes; i++)
	{
		const WalkNode *node = &b->m->walk.nodes[i];

		if (i % POLL_NODES == POLL_NODES - 1 && !aug_pack_go_on(b, POLL_NODES))
			return;
		if (node->kind != NODE_LEAF)
			(node->kind == NODE_MISSING_LEFT ? b->low : b->high)[node->feature] = 0;
	}
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
	const uint32_t *depths = b->tree_depth;
	uint32_t n = b->m->n_trees;

	for (uint32_t i = 0; i < n; i++)
		b->order[i] = i;
	for (uint32_t gap = n / 2; gap > 0; gap /= 2)
	{
		for (uint32_t i = gap; i < n; i++)
		{
			uint32_t tree = b->order[i], depth = depths[tree], j = i;

			for (; j >= gap && (depths[b->order[j - gap]] > depth ||
								(depths[b->order[j - gap]] == depth && b->order[j - gap] > tree));
				 j -= gap)
				b->order[j] = b->order[j - gap];
			b->order[j] = tree;
		}
	}
}

/* Groups of trees in order of their depth, and the visits of each. */
static bool
make_groups(Builder *b)
{
	Pack *pack = b->pack;

	order_trees(b);
	pack->n_groups = (pack->n_trees + PACK_LANES - 1) / PACK_LANES;
	pack->depths = aug_arena_alloc(b->arena, pack->n_groups, sizeof(uint32_t));
	if (pack->depths == NULL)
		return false;
	for (uint32_t g = 0; g < pack->n_groups; g++)
	{
		uint32_t last = g + 1 < pack->n_groups ? (g + 1) * PACK_LANES - 1 : pack->n_trees - 1,
				 depth = b->tree_depth[b->order[last]];

		pack->depths[g] = depth > 0 ? depth : 1;
	}
	pack->is_deep = pack->depths[pack->n_groups - 1] > DEEP;
	return true;
}

/* Turns to the tree at a place of the order: which of its leaves have no slots. */
static void
turn_to(Builder *b, uint32_t place)
{
	uint32_t tree = b->order[place], visits = b->pack->depths[place / PACK_LANES];

	b->bare = !b->pack->is_deep && b->tree_depth[tree] == visits ? visits : NO_NODE;
	measure_depth(b, tree);
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

/*
 * Buckets of equal width over the cuts of a feature: as a cut of a higher bucket is
 * above the value, only those of the value's own have to be searched.
 */
static bool
pack_buckets(Builder *b, const AugFeature *f, PackFeature *out)
{
	static const uint8_t none[1] = {0};
	uint8_t *first;
	uint32_t most = 0, cut = 0;
	double width;

	if (f->n_cuts <= FEW_CUTS)
	{
		/* with scale 0 all values are in the first bucket */
		out->first = none;
		out->n_steps = steps_of(f->n_cuts);
		return true;
	}
	out->first = first = aug_arena_zero(b->arena, PACK_BUCKETS, sizeof(uint8_t));
	if (first == NULL)
		return false;
	out->origin = f->cuts[0];
	width = f->cuts[f->n_cuts - 1] - out->origin;
	out->scale = width > 0 && isfinite(PACK_BUCKETS / width) ? PACK_BUCKETS / width : 0;
	for (uint32_t i = 0; i < PACK_BUCKETS; i++)
	{
		first[i] = (uint8_t) cut;
		while (cut < f->n_cuts && pack_bucket(out, f->cuts[cut]) == i)
			cut++;
		most = cut - first[i] > most ? cut - first[i] : most;
	}
	out->n_steps = steps_of(most);
	return true;
}

/* What finds the bin of one feature. */
static bool
pack_cuts(Builder *b, const AugFeature *f, PackFeature *out)
{
	size_t n;
	double *cuts;

	out->slot = f->slot;
	out->n_levels = f->kind == AUG_CATEGORICAL_FEATURE ? f->n_levels : 0;
	out->n_steps = 0;
	if (f->kind == AUG_CATEGORICAL_FEATURE)
		return true;
	if (!pack_buckets(b, f, out))
		return false;
	n = f->n_cuts + ((size_t) 1 << out->n_steps);
	cuts = aug_arena_alloc(b->arena, n, sizeof(double));
	if (cuts == NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		cuts[i] = i < f->n_cuts ? f->cuts[i] : INFINITY;
	out->cuts = cuts;
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
	PackFeature *used = aug_arena_zero(&b->own, pack->n_features, sizeof(PackFeature));
	uint32_t n = 0;

	pack->features = aug_arena_alloc(b->arena, pack->n_features, sizeof(PackFeature));
	if (pack->features == NULL || used == NULL)
		return false;
	for (uint32_t i = 0; i < b->info->n_features; i++)
	{
		if (b->high[i] == PACK_NO_CELL && b->low[i] == PACK_NO_CELL)
			continue;
		/* a cell that nobody asks for shares the other's place */
		used[n].high = b->high[i] != PACK_NO_CELL ? b->high[i] : b->low[i];
		used[n].low = b->low[i];
		used[n].source = i;
		if (!pack_cuts(b, &b->info->features[i], &used[n++]))
			return false;
	}
	n = 0;
	for (uint32_t n_steps = 0; n_steps <= MAX_STEPS + 1; n_steps++)
	{
		for (uint32_t i = 0; i < pack->n_features; i++)
		{
			bool categorical = used[i].cuts == NULL;

			if ((categorical ? MAX_STEPS + 1 : used[i].n_steps) != n_steps)
				continue;
			pack->features[n++] = used[i];
			pack->n_numbers += !categorical;
		}
	}
	return true;
}

static inline void
put_slot(Pack *pack, size_t at, uint32_t cell, uint32_t bin, uint32_t step)
{
	if (pack->is_short)
		((uint32_t *) pack->slots)[at] = cell | bin << PACK_BIN4 | step << (PACK_BIN4 + 8);
	else
		((uint64_t *) pack->slots)[at] = cell | bin << PACK_BIN8 |
										 (uint64_t) step << (PACK_BIN8 + 8);
}

static inline void
put_word(Pack *pack, size_t at, uint32_t word)
{
	if (pack->is_short)
		((uint32_t *) pack->slots)[at] = word;
	else
		((uint64_t *) pack->slots)[at] = word;
}

static inline void
put_leaf(Pack *pack, size_t at, uint32_t link, bool slot)
{
	if (slot)
		put_slot(pack, at, pack->dummy, 0, 0);
	put_word(pack, at - LEAF_VALUE, link);
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

/* Writes one tree from slot first on. */
static void
pack_tree(Builder *b, uint32_t tree, size_t first)
{
	const WalkNode *nodes = b->m->walk.nodes;
	uint32_t begin = b->m->roots[tree], end = tree_end(b->m, tree);

	for (uint32_t i = begin; i < end; i++)
	{
		const WalkNode *node = &nodes[i];
		size_t at = first + b->at[i];
		uint32_t n_bits, to_bits, cell;

		if (i % POLL_NODES == POLL_NODES - 1 && !aug_pack_go_on(b, POLL_NODES))
			return;
		if (node->kind == NODE_LEAF)
		{
			put_leaf(b->pack, at, node->link, b->depth[i - begin] != b->bare);
			continue;
		}
		n_bits = bit_slots(b, node);
		to_bits = n_bits + value_slots(b, node);
		cell = node->kind == NODE_MISSING_LEFT ? b->low[node->feature] : b->high[node->feature];
		put_slot(b->pack, at, cell, n_bits > 0 ? to_bits : UINT8_MAX - (uint32_t) node->bin,
				 b->at[i + 1] - b->at[i]);
		if (n_bits > 0)
			put_bits(b, first + b->at[i + 1] - to_bits, node);
	}
}

/* Room for all slots, beginning with a cache line. */
static bool
take_slots(Builder *b)
{
	size_t size = b->pack->is_short ? sizeof(uint32_t) : sizeof(uint64_t);
	char *bytes =
		aug_arena_zero(b->arena, (size_t) b->n_slots + TAIL_SLOTS + LINE_BYTES / size, size);

	if (bytes == NULL)
		return false;
	b->pack->slots = bytes + (LINE_BYTES - (uintptr_t) bytes % LINE_BYTES) % LINE_BYTES;
	return true;
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
	if (pack->roots == NULL || pack->trees == NULL || !take_slots(b))
		return false;
	for (uint32_t i = 0; i < n_places; i++)
	{
		bool extra = i >= pack->n_trees;
		uint32_t tree = b->order[extra ? pack->n_trees - 1 : i];

		pack->roots[i] = extra ? pack->roots[i - 1] : (uint32_t) at + b->at[b->m->roots[tree]];
		pack->trees[i] = tree;
		if (extra)
			continue;
		turn_to(b, i);
		pack_tree(b, tree, at);
		at += b->tree_slots[tree];
		if (!aug_pack_go_on(b, tree_end(b->m, tree) - b->m->roots[tree]))
			return false;
	}
	pack->n_slots = (uint32_t) at;
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
	b->tree_depth = aug_arena_alloc(&b->own, m->n_trees, sizeof(uint32_t));
	b->tree_slots = aug_arena_alloc(&b->own, m->n_trees, sizeof(uint32_t));
	b->depth = aug_arena_alloc(&b->own, largest_tree(m), sizeof(uint32_t));
	b->size = aug_arena_alloc(&b->own, largest_tree(m), sizeof(uint32_t));
	b->link = aug_arena_alloc(&b->own, largest_tree(m), sizeof(uint32_t));
	b->stack = aug_arena_alloc(&b->own, largest_tree(m), sizeof(uint32_t));
	b->order = aug_arena_alloc(&b->own, m->n_trees, sizeof(uint32_t));
	if (b->high == NULL || b->low == NULL || b->at == NULL || b->tree_depth == NULL ||
		b->tree_slots == NULL || b->depth == NULL || b->size == NULL || b->link == NULL ||
		b->stack == NULL || b->order == NULL)
		return false;
	for (uint32_t i = 0; i < n_features; i++)
		b->high[i] = b->low[i] = PACK_NO_CELL;
	for (uint32_t i = 0; i < m->n_trees; i++)
	{
		measure_depth(b, i);
		if (!aug_pack_go_on(b, tree_end(m, i) - m->roots[i]))
			return false;
	}
	pack->n_trees = m->n_trees;
	number_cells(b);
	if (b->cancelled || !make_groups(b))
		return false;
	for (uint32_t i = 0; i < m->n_trees; i++)
	{
		uint32_t tree = b->order[i];

		turn_to(b, i);
		measure_size(b, tree);
		if (!b->cancelled)
			aug_pack_place_tree(b, tree);
		if (!aug_pack_go_on(b, tree_end(m, tree) - m->roots[tree]))
			return false;
	}
	pack->is_short = pack->n_cells <= SHORT_CELLS && b->longest <= UINT16_MAX;
	return b->n_slots < UINT32_MAX && pack_features(b) && pack_trees(b);
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
