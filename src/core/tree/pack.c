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

#include "pack.h"

#define DEEP		20	/* deeper trees are walked each for itself */
#define SHORT_CELLS 256 /* cells that a 4-byte slot can name */
#define MAX_CELLS	65536
#define FEW_CUTS	7 /* are searched without buckets */
#define MAX_STEPS	8 /* 254 cuts are found in 8 */
#define POLL_NODES	16384
#define MAX_LEVELS	254 /* and two codes more fit into a byte */
#define TAIL_SLOTS	8	/* read behind any slot, and not used */
#define LINE_SLOTS	16	/* of 4 bytes: a cache line */
#define LINE_BYTES	64

/* ---- building ---------------------------------------------------------- */

/* Splits whose children, and what belongs to them, share a cache line. */
typedef struct Line
{
	uint32_t units[LINE_SLOTS];
	uint32_t n;
	uint32_t used; /* slots */
} Line;

#define NO_NODE UINT32_MAX

/* Subtrees that fit into a line whole, by their slots: lists through Builder.link. */
typedef struct Small
{
	uint32_t first[LINE_SLOTS + 1];
} Small;

typedef struct Builder
{
	const ForestModel *m;
	const AugModelInfo *info;
	AugArena *arena;
	AugArena own; /* what only building needs */
	Pack *pack;
	uint32_t *high, /* [n_features] cells */
		*low;
	uint32_t *at;		  /* [n_nodes] slot of each node within its tree */
	uint32_t *tree_depth; /* [n_trees] */
	uint32_t *tree_slots; /* [n_trees] */
	uint32_t *depth,	  /* [nodes of the largest tree] */
		*size,			  /* likewise: slots of the subtree without its root */
		*link,			  /* likewise: lists of small subtrees */
		*stack;			  /* likewise: splits whose children have no slots yet */
	uint32_t *order;	  /* [n_trees] by depth */
	uint32_t bare;		  /* depth of leaves without slots in this tree, or NO_NODE */
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

/* Slots before the children of a split for what they hold as leaves. */
static inline uint32_t
value_slots(const Builder *b, const WalkNode *node)
{
	const WalkNode *right = &b->m->walk.nodes[right_child(&b->m->walk, node)];

	return node[1].kind == NODE_LEAF ? LEAF_VALUE : right->kind == NODE_LEAF ? LEAF_VALUE - 1 : 0;
}

/* What lies together below a split of a tree: bits of a set, values of leaves, children. */
static inline uint32_t
unit_slots(const Builder *b, uint32_t begin, uint32_t i)
{
	const WalkNode *node = &b->m->walk.nodes[i];

	return bit_slots(b, node) + value_slots(b, node) + (b->depth[i - begin] + 1 == b->bare ? 0 : 2);
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
		if (i % POLL_NODES == POLL_NODES - 1 && !go_on(b, POLL_NODES))
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

/*
 * Chooses what shares a line with the children of a split: again and again the unit
 * of the largest subtree that fits, as that is where most rows go, of splits above a
 * depth.  Splits left over are returned in frontier, whose number is the result.
 */
static uint32_t
choose_line(Builder *b, uint32_t begin, uint32_t first, uint32_t room, uint32_t above, Line *line,
			uint32_t frontier[LINE_SLOTS])
{
	const WalkNode *nodes = b->m->walk.nodes;
	uint32_t n = 1;

	frontier[0] = first;
	line->n = line->used = 0;
	for (;;)
	{
		uint32_t best = n, node;

		for (uint32_t i = 0; i < n; i++)
		{
			if (b->depth[frontier[i] - begin] < above &&
				(line->n == 0 || line->used + unit_slots(b, begin, frontier[i]) <= room) &&
				(best == n || b->size[frontier[i] - begin] > b->size[frontier[best] - begin]))
				best = i;
		}
		if (best == n)
			return n;
		node = frontier[best];
		frontier[best] = frontier[--n];
		line->units[line->n++] = node;
		line->used += unit_slots(b, begin, node);
		if (nodes[node + 1].kind != NODE_LEAF)
			frontier[n++] = node + 1;
		if (nodes[right_child(&b->m->walk, &nodes[node])].kind != NODE_LEAF)
			frontier[n++] = right_child(&b->m->walk, &nodes[node]);
	}
}

/* Gives slots to what a line holds, from next on; returns the next free slot. */
static uint64_t
place_line(Builder *b, uint32_t begin, const Line *line, uint64_t next)
{
	const WalkNode *nodes = b->m->walk.nodes;

	for (uint32_t i = 0; i < line->n; i++)
	{
		uint32_t node = line->units[i];
		uint64_t pair = next + bit_slots(b, &nodes[node]) + value_slots(b, &nodes[node]);

		b->at[node + 1] = (uint32_t) pair;
		b->at[right_child(&b->m->walk, &nodes[node])] = (uint32_t) pair + 1;
		if (pair - b->at[node] > b->longest)
			b->longest = (uint32_t) (pair - b->at[node]);
		next += unit_slots(b, begin, node);
	}
	return next;
}

/*
 * Fills the rest of a line with subtrees that fit whole, the largest first; all of
 * them when everything is set.  Returns the next free slot.
 */
static uint64_t
place_small(Builder *b, Small *small, uint32_t begin, uint64_t next, bool everything)
{
	for (;;)
	{
		uint32_t rest = (uint32_t) (LINE_SLOTS - next % LINE_SLOTS), size = rest, node;
		uint32_t frontier[LINE_SLOTS];
		Line line;

		while (size > 0 && small->first[size] == NO_NODE)
			size--;
		if (size == 0 && everything && rest < LINE_SLOTS)
		{
			next += rest;
			continue;
		}
		if (size == 0 || (rest == LINE_SLOTS && !everything))
			return next;
		node = small->first[size];
		small->first[size] = b->link[node - begin];
		choose_line(b, begin, node, size, NO_NODE, &line, frontier);
		next = place_line(b, begin, &line, next);
	}
}

/*
 * Splits of which depth a line that begins at a split may not go down to: the walk of
 * shallow trees looks for lines at fixed depths only.
 */
static inline uint32_t
stride_end(const Builder *b, uint32_t depth)
{
	return b->pack->is_deep ? NO_NODE : (depth / PACK_STRIDE + 1) * PACK_STRIDE;
}

/*
 * Gives each node of a tree its slot.
 */
static void
place_tree(Builder *b, uint32_t tree)
{
	uint32_t begin = b->m->roots[tree], room = LINE_SLOTS - 1, n_stack = 0, polled = 0;
	uint64_t next = b->size[0] == 0 ? LEAF_VALUE + 1 : 1; /* behind the root */
	Small small;

	memset(&small, 0xFF, sizeof(small));
	b->at[begin] = (uint32_t) next - 1;
	if (b->size[0] > 0)
		b->stack[n_stack++] = begin;
	while (n_stack > 0)
	{
		uint32_t frontier[LINE_SLOTS], n;
		Line line;

		n = choose_line(b, begin, b->stack[n_stack - 1], room,
						stride_end(b, b->depth[b->stack[n_stack - 1] - begin]), &line, frontier);
		n_stack--;
		if (next % LINE_SLOTS + line.used > LINE_SLOTS)
			next = place_small(b, &small, begin, next, false);
		if (next % LINE_SLOTS + line.used > LINE_SLOTS)
			next += LINE_SLOTS - next % LINE_SLOTS;
		next = place_line(b, begin, &line, next);
		for (uint32_t i = 0; i < n; i++)
		{
			uint32_t node = frontier[i], size = b->size[node - begin];

			if (size > LINE_SLOTS)
			{
				b->stack[n_stack++] = node;
				continue;
			}
			b->link[node - begin] = small.first[size];
			small.first[size] = node;
		}
		room = LINE_SLOTS;
		polled += line.n;
		if (polled >= POLL_NODES)
		{
			if (!go_on(b, polled))
				return;
			polled = 0;
		}
	}
	next = place_small(b, &small, begin, next, true);
	next += (LINE_SLOTS - next % LINE_SLOTS) % LINE_SLOTS;
	b->tree_slots[tree] = next > UINT32_MAX ? UINT32_MAX : (uint32_t) next;
	b->n_slots += next;
}

/* Gives cells to what the splits use: numbers, the dummy, codes of levels. */
static void
number_cells(Builder *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->m->walk.n_nodes; i++)
	{
		const WalkNode *node = &b->m->walk.nodes[i];

		if (i % POLL_NODES == POLL_NODES - 1 && !go_on(b, POLL_NODES))
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

		if (i % POLL_NODES == POLL_NODES - 1 && !go_on(b, POLL_NODES))
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
		if (!go_on(b, tree_end(b->m, tree) - b->m->roots[tree]))
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
		if (!go_on(b, tree_end(m, i) - m->roots[i]))
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
			place_tree(b, tree);
		if (!go_on(b, tree_end(m, tree) - m->roots[tree]))
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
