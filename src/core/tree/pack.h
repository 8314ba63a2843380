/*-------------------------------------------------------------------------
 *
 * pack.h
 *		Forests of numeric splits, packed for fast scoring.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_PACK_H
#define AUG_PACK_H

#include "forest.h"

typedef struct Pack Pack;

/* Whether forests over these features can be packed: all numeric, not too many. */
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
