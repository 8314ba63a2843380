/*-------------------------------------------------------------------------
 *
 * pack_place.c
 *		Where the nodes of a packed tree lie: cache lines filled from the root down
 *		(pack.c tells the layout).
 *
 * Memory: the builder's.  Interrupts: polled every 16,384 nodes.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "pack_build.h"

/* Splits whose children, and what belongs to them, share a cache line. */
typedef struct Line
{
	uint32_t units[LINE_SLOTS];
	uint32_t n;
	uint32_t used; /* slots */
} Line;

/* Subtrees that fit into a line whole, by their slots: lists through Builder.link. */
typedef struct Small
{
	uint32_t first[LINE_SLOTS + 1];
} Small;

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

void
aug_pack_place_tree(Builder *b, uint32_t tree)
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
			if (!aug_pack_go_on(b, polled))
				return;
			polled = 0;
		}
	}
	next = place_small(b, &small, begin, next, true);
	next += (LINE_SLOTS - next % LINE_SLOTS) % LINE_SLOTS;
	b->tree_slots[tree] = next > UINT32_MAX ? UINT32_MAX : (uint32_t) next;
	b->n_slots += next;
}
