/*-------------------------------------------------------------------------
 *
 * pack.h
 *		Forests packed for fast scoring.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_PACK_H
#define AUG_PACK_H

#include "forest.h"

#define PACK_LANES	 10
#define PACK_BUCKETS 256
#define PACK_STRIDE	 3 /* levels of splits whose children share a cache line */
#define PACK_NO_CELL UINT32_MAX
#define LEAF_VALUE	 2 /* slots from what a leaf holds to the leaf */

/* Where the cells of one feature go, and how its bins are found. */
typedef struct PackFeature
{
	const double *cuts;	  /* padded with 2^n_steps infinities */
	double origin, scale; /* value -> bucket, 0 to PACK_BUCKETS - 1 */
	const uint8_t *first; /* [PACK_BUCKETS] cuts below each bucket */
	uint32_t n_steps;	  /* halvings that search one bucket */
	uint32_t source;	  /* feature of the model */
	uint32_t slot;		  /* column of a matrix's cells */
	uint32_t n_levels;	  /* of a categorical feature, whose code is in high; else 0 */
	uint32_t high, low;	  /* cells, or PACK_NO_CELL when no split uses them */
} PackFeature;

typedef struct Pack
{
	bool is_short; /* slots of 4 bytes */
	bool is_deep;  /* trees that have reached a leaf leave the walk early */
	uint32_t n_trees;
	uint32_t n_groups;
	uint32_t n_cells;
	uint32_t dummy;		 /* cell that is always 0; codes of levels come behind it */
	uint32_t n_features; /* that some split uses */
	uint32_t n_numbers;	 /* the first of them, the others are categories */
	PackFeature *features;
	uint32_t *roots;  /* [n_groups * PACK_LANES] first slots */
	uint32_t *trees;  /* [n_groups * PACK_LANES] whose leaf it is */
	uint32_t *depths; /* [n_groups] visits that bring all trees of a group to a leaf */
	uint32_t n_slots;
	void *slots; /* of uint32_t or of uint64_t */
} Pack;

/* Where a slot has the complement of its bin; the step is above it. */
#define PACK_BIN4 8
#define PACK_BIN8 24

/* The bucket of a value; as values grow, buckets never fall.  NaN is in the first. */
static inline uint32_t
pack_bucket(const PackFeature *f, double v)
{
	double at = (v - f->origin) * f->scale;

	at = at > 0 ? at : 0;
	return (uint32_t) (int32_t) (at < PACK_BUCKETS - 1 ? at : PACK_BUCKETS - 1);
}

/*
 * Whether forests over these features can be packed: no category of more than 254
 * levels, not too many features.
 */
extern bool aug_pack_fits(const AugModelInfo *info);
/* Packs decoded trees; the result lies in the arena, the walk may go afterwards. */
extern AugStatus aug_pack_build(const ForestModel *m, const AugModelInfo *info, AugArena *arena,
								Pack **out, AugError *err);
/* Bytes of scratch for one row: its cells, and a leaf for each tree. */
extern size_t aug_pack_scratch(const Pack *pack);
/*
 * The leaf that each tree sends the row to, n_trees links as WalkNode.link has
 * them; they lie in scratch.
 */
extern const uint32_t *aug_pack_values(const Pack *pack, const double *x, void *scratch);
extern const uint32_t *aug_pack_cells(const Pack *pack, const uint8_t *cells, void *scratch);

#endif /* AUG_PACK_H */
