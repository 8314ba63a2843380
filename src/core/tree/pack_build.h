/*-------------------------------------------------------------------------
 *
 * pack_build.h
 *		What the files that pack forests share: the builder, and what nodes need.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_PACK_BUILD_H
#define AUG_PACK_BUILD_H

#include "pack.h"

#define POLL_NODES 16384
#define LINE_SLOTS 16 /* of 4 bytes: a cache line */

#define NO_NODE UINT32_MAX

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

static inline uint32_t
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

/* Called after each tree; false when the host wants to stop. */
extern bool aug_pack_go_on(Builder *b, uint32_t n_nodes);
/* Gives each node of a tree, whose depths and sizes are known, its slot. */
extern void aug_pack_place_tree(Builder *b, uint32_t tree);

#endif /* AUG_PACK_BUILD_H */
