/*-------------------------------------------------------------------------
 *
 * pack.c
 *		Forests of numeric splits, packed so that a walk has no branches.
 *
 * A row becomes bytes, its cells, once: each feature has a high cell, its bin or
 * 255 for a missing value, and, where some split sends missing values to the left, a
 * low cell, its bin or 0.  A split names the cell that sends missing values to
 * its side, so the one test "cell > bin" decides for all values.
 *
 * A tree is an array of slots in preorder.  A split is one slot {cell, bin, step}:
 * the left child is the next slot, the right child lies step slots ahead.  A
 * leaf is two slots: a split on the dummy cell, which is always 255, with step 0, so
 * that whoever is there stays there; and what the leaf holds.  Slots are 4 bytes while
 * cells and steps allow, else 8.
 *
 * Ten trees are walked at once: one visit is a chain of two loads, which ten
 * chains hide from each other.  Shallow trees go in groups of ten, as many steps as
 * the deepest of the group needs, so they are taken in order of their depth; deep
 * ones make room for the next tree as soon as a look finds them at a leaf.
 *
 * Memory: the model's arena.  Interrupts: building polls between trees; scoring takes
 * microseconds a row.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "pack.h"

#define LANES		 10
#define STRIDE_STEPS 4	 /* steps without a look at where they lead */
#define DEEP		 20	 /* deeper trees are walked each for itself */
#define SHORT_CELLS	 256 /* cells that a 4-byte slot can name */
#define MAX_CELLS	 65536
#define NO_CELL		 UINT32_MAX
#define NO_PLACE	 UINT32_MAX
#define MAX_STEPS	 8 /* 254 cuts are found in 8 */
#define SEARCHES	 4 /* at once */
#define POLL_NODES	 16384

/* Where the cells of one feature go, and how its bins are found. */
typedef struct PackFeature
{
	const double *cuts; /* [2^n_steps - 1], padded with infinity */
	uint32_t n_steps;
	uint32_t source;	/* feature of the model */
	uint32_t slot;		/* column of a matrix's cells */
	uint32_t high, low; /* cells, or NO_CELL when no split uses them */
} PackFeature;

struct Pack
{
	bool is_short; /* slots of 4 bytes */
	bool is_deep;  /* lanes take the next tree each for itself */
	uint32_t n_trees;
	uint32_t n_groups;
	uint32_t n_cells;	 /* the last one is the dummy */
	uint32_t n_features; /* that some split uses */
	PackFeature *features;
	uint32_t *roots;  /* [n_groups * LANES] first slots */
	uint32_t *trees;  /* [n_groups * LANES] whose leaf it is */
	uint32_t *depths; /* [n_groups] */
	uint32_t *slots4;
	uint64_t *slots8;
};

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
		if (info->features[i].kind != AUG_NUMERIC_FEATURE)
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
			slot += 1;
			b->depth[i + 1] = b->depth[nodes[i].link] = depth + 1;
			if (nodes[i].kind == NODE_MISSING_LEFT)
				b->low[nodes[i].feature] = 0;
			else
				b->high[nodes[i].feature] = 0;
		}
	}
	for (uint32_t i = begin; i < end; i++)
	{
		if (nodes[i].kind != NODE_LEAF && b->at[nodes[i].link] - b->at[i] > b->longest)
			b->longest = b->at[nodes[i].link] - b->at[i];
	}
	b->depth[begin] = deepest;
	b->n_slots += slot;
}

/* Gives cells to what the splits use. */
static void
number_cells(Builder *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->info->n_features; i++)
	{
		if (b->high[i] != NO_CELL)
			b->high[i] = n++;
		if (b->low[i] != NO_CELL)
			b->low[i] = n++;
		b->pack->n_features += b->high[i] != NO_CELL || b->low[i] != NO_CELL;
	}
	b->pack->n_cells = n + 1;
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

	cuts = aug_arena_alloc(b->arena, 1u << n_steps, sizeof(double));
	if (cuts == NULL)
		return false;
	for (uint32_t i = 0; i < 1u << n_steps; i++)
		cuts[i] = i < f->n_cuts ? f->cuts[i] : INFINITY;
	out->cuts = cuts;
	out->n_steps = n_steps;
	out->slot = f->slot;
	return true;
}

/* The features that splits use, in order of the steps of their searches. */
static bool
pack_features(Builder *b)
{
	Pack *pack = b->pack;
	uint32_t n = 0;

	pack->features = aug_arena_alloc(b->arena, pack->n_features, sizeof(PackFeature));
	if (pack->features == NULL)
		return false;
	for (uint32_t n_steps = 0; n_steps <= MAX_STEPS; n_steps++)
	{
		for (uint32_t i = 0; i < b->info->n_features; i++)
		{
			PackFeature *f = &pack->features[n];

			if ((b->high[i] == NO_CELL && b->low[i] == NO_CELL) ||
				steps_of(b->info->features[i].n_cuts) != n_steps)
				continue;
			if (!pack_cuts(b, &b->info->features[i], f))
				return false;
			/* a cell that nobody asks for shares the other's place */
			f->high = b->high[i] != NO_CELL ? b->high[i] : b->low[i];
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
put_leaf(Pack *pack, size_t at, uint32_t link)
{
	put_slot(pack, at, pack->n_cells - 1, 0, 0);
	if (pack->slots4 != NULL)
		pack->slots4[at + 1] = link;
	else
		pack->slots8[at + 1] = link;
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
			put_slot(b->pack, at,
					 node->kind == NODE_MISSING_LEFT ? b->low[node->feature]
													 : b->high[node->feature],
					 node->bin, b->at[node->link] - b->at[i]);
			slots++;
		}
	}
	return slots;
}

/* All trees, and the groups; places left over in the last group repeat its last tree. */
static bool
pack_trees(Builder *b)
{
	Pack *pack = b->pack;
	uint32_t n_places = pack->n_groups * LANES;
	size_t at = 0;

	pack->roots = aug_arena_alloc(b->arena, n_places, sizeof(uint32_t));
	pack->trees = aug_arena_alloc(b->arena, n_places, sizeof(uint32_t));
	pack->depths = aug_arena_zero(b->arena, pack->n_groups, sizeof(uint32_t));
	if (pack->is_short)
		pack->slots4 = aug_arena_alloc(b->arena, (size_t) b->n_slots, sizeof(uint32_t));
	else
		pack->slots8 = aug_arena_alloc(b->arena, (size_t) b->n_slots, sizeof(uint64_t));
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
		if (depth > pack->depths[i / LANES])
			pack->depths[i / LANES] = depth;
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
		b->high[i] = b->low[i] = NO_CELL;
	for (uint32_t i = 0; i < m->n_trees; i++)
	{
		measure_tree(b, i);
		if (!go_on(b, tree_end(m, i) - m->roots[i]))
			return false;
	}
	number_cells(b);
	order_trees(b);

	pack->n_trees = m->n_trees;
	pack->n_groups = (m->n_trees + LANES - 1) / LANES;
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

/* ---- scoring ----------------------------------------------------------- */

static inline size_t
leaves_offset(const Pack *pack)
{
	return ((size_t) pack->n_cells + 3) & ~(size_t) 3;
}

size_t
aug_pack_scratch(const Pack *pack)
{
	return leaves_offset(pack) + (size_t) pack->n_trees * sizeof(uint32_t);
}

/*
 * One stride of all lanes.  The compiler unrolls them; there is nothing to
 * mispredict.
 */
#define STRIDE(SLOT, CELL, BIN, STEP)                                          \
	for (int s = 0; s < STRIDE_STEPS; s++)                                     \
	{                                                                          \
		_Pragma("GCC unroll 10") for (int l = 0; l < LANES; l++)               \
		{                                                                      \
			SLOT slot = *at[l];                                                \
			uint64_t right = 0 - (uint64_t) (cells[CELL(slot)] > BIN(slot));   \
                                                                               \
			/* 1, or the step: as arithmetic, or compilers make it a branch */ \
			at[l] += 1 + (((uint64_t) STEP(slot) - 1) & right);                \
		}                                                                      \
	}

/*
 * Walks all trees, group by group: for trees of little depth, of which most leaves
 * lie near the bottom.
 */
#define DEFINE_WALK_LEVEL(name, SLOT, CELL, BIN, STEP)                                   \
	static void name(const Pack *pack, const SLOT *slots, const uint8_t *restrict cells, \
					 uint32_t *restrict leaves)                                          \
	{                                                                                    \
		for (uint32_t g = 0; g < pack->n_groups; g++)                                    \
		{                                                                                \
			const uint32_t *roots = pack->roots + (size_t) g * LANES,                    \
						   *trees = pack->trees + (size_t) g * LANES;                    \
			const SLOT *at[LANES];                                                       \
                                                                                         \
			for (int l = 0; l < LANES; l++)                                              \
				at[l] = slots + roots[l];                                                \
			for (uint32_t left = pack->depths[g]; left > 0;                              \
				 left -= left < STRIDE_STEPS ? left : STRIDE_STEPS)                      \
			{                                                                            \
				STRIDE(SLOT, CELL, BIN, STEP)                                            \
			}                                                                            \
			_Pragma("GCC unroll 10") for (int l = 0; l < LANES; l++)                     \
				leaves[trees[l]] = (uint32_t) at[l][1];                                  \
		}                                                                                \
	}

/*
 * Walks all trees, and gives a lane that has reached a leaf the next tree: for deep
 * trees, whose leaves lie at all depths.  A lane without a tree stays at its
 * last leaf.
 */
#define DEFINE_WALK_DEEP(name, SLOT, CELL, BIN, STEP)                                    \
	static void name(const Pack *pack, const SLOT *slots, const uint8_t *restrict cells, \
					 uint32_t *restrict leaves)                                          \
	{                                                                                    \
		uint32_t next = LANES, done = 0, place[LANES];                                   \
		const SLOT *at[LANES];                                                           \
                                                                                         \
		for (uint32_t l = 0; l < LANES; l++)                                             \
		{                                                                                \
			place[l] = l;                                                                \
			at[l] = slots + pack->roots[l];                                              \
		}                                                                                \
		while (done < pack->n_groups * LANES)                                            \
		{                                                                                \
			STRIDE(SLOT, CELL, BIN, STEP)                                                \
			_Pragma("GCC unroll 10") for (int l = 0; l < LANES; l++)                     \
			{                                                                            \
				if (STEP(*at[l]) != 0 || place[l] == NO_PLACE)                           \
					continue;                                                            \
				leaves[pack->trees[place[l]]] = (uint32_t) at[l][1];                     \
				done++;                                                                  \
				place[l] = next < pack->n_groups * LANES ? next++ : NO_PLACE;            \
				if (place[l] != NO_PLACE)                                                \
					at[l] = slots + pack->roots[place[l]];                               \
			}                                                                            \
		}                                                                                \
	}

#define CELL4(slot) ((slot) &0xFF)
#define BIN4(slot)	((uint8_t) ((slot) >> 8))
#define STEP4(slot) ((slot) >> 16)
#define CELL8(slot) ((slot) &0xFFFF)
#define BIN8(slot)	((uint8_t) ((slot) >> 16))
#define STEP8(slot) ((slot) >> 32)

DEFINE_WALK_LEVEL(walk_level4, uint32_t, CELL4, BIN4, STEP4)
DEFINE_WALK_LEVEL(walk_level8, uint64_t, CELL8, BIN8, STEP8)
DEFINE_WALK_DEEP(walk_deep4, uint32_t, CELL4, BIN4, STEP4)
DEFINE_WALK_DEEP(walk_deep8, uint64_t, CELL8, BIN8, STEP8)

static const uint32_t *
walk_all(const Pack *pack, void *scratch)
{
	uint8_t *cells = scratch;
	uint32_t *leaves = (uint32_t *) (void *) (cells + leaves_offset(pack));

	cells[pack->n_cells - 1] = 255;
	if (pack->is_short)
		(pack->is_deep ? walk_deep4 : walk_level4)(pack, pack->slots4, cells, leaves);
	else
		(pack->is_deep ? walk_deep8 : walk_level8)(pack, pack->slots8, cells, leaves);
	return leaves;
}

/* Both cells of a feature; high first, as the two may share a place. */
static inline void
put_cells(const PackFeature *f, uint8_t cell, uint8_t *cells)
{
	cells[f->high] = cell;
	if (f->low != NO_CELL)
		cells[f->low] = cell == AUG_MISSING_CELL ? 0 : cell;
}

/*
 * The bins of n features, n at most SEARCHES, whose searches have as many steps: the
 * number of cuts below the value.  Comparisons become arithmetic, and searches
 * of several features hide each other's loads.
 */
static inline void
search_bins(const PackFeature *f, uint32_t n, const double *x, uint8_t *cells)
{
	const double *cuts[SEARCHES];
	double v[SEARCHES];
	uint32_t bin[SEARCHES] = {0};

	for (uint32_t i = 0; i < n; i++)
	{
		cuts[i] = f[i].cuts;
		v[i] = x[f[i].source];
	}
	for (uint32_t half = (1u << f->n_steps) >> 1; half > 0; half >>= 1)
	{
		for (uint32_t i = 0; i < n; i++)
			bin[i] += half & (0u - (uint32_t) (cuts[i][bin[i] + half - 1] < v[i]));
	}
	for (uint32_t i = 0; i < n; i++)
		put_cells(&f[i], isnan(v[i]) ? AUG_MISSING_CELL : (uint8_t) bin[i], cells);
}

/* Raw values. */
const uint32_t *
aug_pack_values(const Pack *pack, const double *x, void *scratch)
{
	uint32_t i = 0;

	while (i < pack->n_features)
	{
		const PackFeature *f = &pack->features[i];

		/* features are in order of their steps, so the last of the four tells for all */
		if (i + SEARCHES <= pack->n_features && f[SEARCHES - 1].n_steps == f->n_steps)
		{
			search_bins(f, SEARCHES, x, scratch);
			i += SEARCHES;
		}
		else
		{
			search_bins(f, 1, x, scratch);
			i++;
		}
	}
	return walk_all(pack, scratch);
}

/* Cells of a row of a matrix. */
const uint32_t *
aug_pack_cells(const Pack *pack, const uint8_t *row, void *scratch)
{
	for (uint32_t i = 0; i < pack->n_features; i++)
	{
		const PackFeature *f = &pack->features[i];

		put_cells(f, row[f->slot], scratch);
	}
	return walk_all(pack, scratch);
}
