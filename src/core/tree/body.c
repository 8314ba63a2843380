/*-------------------------------------------------------------------------
 *
 * body.c
 *		The body of a stored forest: a head, the sizes of all trees, and the trees
 *		in preorder.  docs/format.md describes it.
 *
 * Reading treats every byte as hostile.  Children are not stored: the left child
 * is the next node, and the right one is where the left subtree ends, so walks
 * always move forward.  Right children that are still unknown form a list through
 * the very fields they will be put in, so no stack is needed and a tree may be as
 * deep as it is long.  All sizes are bounded by the bytes that are left.
 *
 * Memory: the model's arena; nodes that will be packed (pack.c) lie in one of their
 * own.  Interrupts: polled every 16,384 nodes.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "pack.h"

#define BODY_VERSION 1
#define SET_IS_BITS	 4
#define POLL_NODES	 16384

/* ---- writing ----------------------------------------------------------- */

void
aug_forest_write_head(AugWriter *w, const BodyHead *head)
{
	uint32_t i;

	aug_write_u8(w, BODY_VERSION);
	aug_write_varint(w, head->n_trees);
	if (!head->regression)
		return;
	aug_write_f64(w, head->base);
	aug_write_f64(w, head->scale);
	aug_write_u8(w, head->has_interval);
	if (!head->has_interval)
		return;
	aug_write_f64(w, head->spread_floor);
	for (i = 0; i < N_QUANTILES; i++)
		aug_write_f32(w, head->quantiles[i]);
}

void
aug_forest_write_sizes(AugWriter *w, const TreeSizes *sizes)
{
	aug_write_varint(w, sizes->n_bytes);
	aug_write_varint(w, sizes->n_splits);
	aug_write_varint(w, sizes->n_sets);
	aug_write_varint(w, sizes->n_shares);
}

/* ---- reading trees ----------------------------------------------------- */

/* Levels of a set into the pool; false when they are not what they should be. */
static bool
decode_levels(AugReader *r, uint8_t flags, uint32_t n, uint32_t n_levels, uint32_t *out)
{
	uint32_t i, found = 0;

	if (flags & SET_IS_BITS)
	{
		uint32_t n_bytes = aug_read_count(r, n_levels / 8 + 1, 1);
		const uint8_t *bits = aug_read_bytes(r, n_bytes);

		if (r->bad)
			return false;
		for (i = 0; i < n_bytes; i++)
		{
			uint32_t byte = bits[i];

			for (; byte != 0; byte &= byte - 1)
			{
				uint32_t code = i * 8 + (uint32_t) __builtin_ctz(byte);

				if (found == n || code >= n_levels)
					return false;
				out[found++] = code;
			}
		}
		return found == n;
	}
	for (i = 0; i < n; i++)
	{
		uint64_t code = aug_read_varint(r);

		if (i > 0 && code < n_levels)
			code += (uint64_t) out[i - 1] + 1;
		if (r->bad || code >= n_levels)
			return false;
		out[i] = (uint32_t) code;
	}
	return true;
}

static bool
decode_set(AugReader *r, const TreeLimits *limits, uint32_t feature, uint32_t room, Walk *walk)
{
	uint8_t flags = aug_read_u8(r);
	uint64_t n = aug_read_varint(r);
	uint32_t *set = walk->sets + walk->n_sets;

	if (r->bad || flags > (SET_GOES_LEFT | SET_MISSING | SET_IS_BITS) || room < SET_CODES ||
		n > room - SET_CODES)
		return false;
	set[SET_FLAGS] = flags & (SET_GOES_LEFT | SET_MISSING);
	set[SET_N] = (uint32_t) n;
	if (!decode_levels(r, flags, (uint32_t) n, limits->features[feature].n_levels, set + SET_CODES))
		return false;
	walk->n_sets += SET_CODES + (uint32_t) n;
	return true;
}

static bool
share_is_valid(float share)
{
	return share >= 0 && share <= 1; /* false for NaN */
}

/* A distribution over classes, ascending, into the pool. */
static bool
decode_shares(AugReader *r, const TreeLimits *limits, uint32_t room, Walk *walk)
{
	uint64_t n = aug_read_varint(r), least = 0;
	uint32_t *out = walk->shares + walk->n_shares, i;

	if (r->bad || n == 0 || room < 1 || n > (room - 1) / 2)
		return false;
	out[0] = (uint32_t) n;
	for (i = 0; i < n; i++)
	{
		uint64_t class = aug_read_varint(r);
		float share = aug_read_f32(r);

		if (r->bad || class < least || class >= limits->n_classes || !share_is_valid(share) ||
			share == 0)
			return false;
		least = class + 1;
		out[1 + 2 * i] = (uint32_t) class;
		memcpy(&out[2 + 2 * i], &share, sizeof(share));
	}
	walk->n_shares += 1 + 2 * (uint32_t) n;
	return true;
}

/* tag: what follows "leaf" in the tag of the node. */
static bool
decode_leaf(AugReader *r, const TreeLimits *limits, uint64_t tag, uint32_t share_room, Walk *walk,
			WalkNode *node)
{
	uint32_t k = limits->n_classes;
	float value;

	node->feature = 0;
	node->bin = 0;
	node->kind = NODE_LEAF;
	if (limits->task == AUG_CLASSIFICATION && tag > k)
		return false;
	if (limits->task == AUG_CLASSIFICATION && k > 2)
	{
		node->link = tag > 0 ? (uint32_t) tag - 1 : k + walk->n_shares;
		return tag > 0 || decode_shares(r, limits, share_room, walk);
	}
	if (limits->task == AUG_CLASSIFICATION && tag > 0)
		value = (float) (tag - 1);
	else
	{
		value = aug_read_f32(r);
		if (tag > 0 || r->bad || !isfinite(value) ||
			(limits->task == AUG_CLASSIFICATION && !share_is_valid(value)))
			return false;
	}
	memcpy(&node->link, &value, sizeof(value));
	return true;
}

/* Where the right child of a split is kept. */
static inline uint32_t *
right_of(Walk *walk, uint32_t node)
{
	WalkNode *w = &walk->nodes[node];

	return w->kind == NODE_SET ? &walk->sets[w->link + SET_CHILD] : &w->link;
}

static bool
decode_split(AugReader *r, const TreeLimits *limits, uint64_t feature, uint8_t kind,
			 uint32_t set_room, Walk *walk, WalkNode *node)
{
	const AugFeature *ff;

	if (feature >= limits->n_features)
		return false;
	ff = &limits->features[feature];
	if ((ff->kind == AUG_CATEGORICAL_FEATURE) != (kind == NODE_SET))
		return false;
	node->feature = (uint16_t) feature;
	node->kind = kind;
	node->bin = 0;
	if (kind == NODE_SET)
	{
		node->link = walk->n_sets;
		return decode_set(r, limits, (uint32_t) feature, set_room, walk);
	}
	node->bin = aug_read_u8(r);
	return node->bin <= ff->n_cuts;
}

/*
 * Decodes one tree behind those that the walk holds, which must have room for
 * what sizes say.  False when the bytes are not a tree of exactly these sizes, or
 * when the host wants to stop (limits->cancelled).
 */
bool
aug_forest_decode(AugReader *r, TreeLimits *limits, const TreeSizes *sizes, Walk *walk)
{
	uint32_t end = walk->n_nodes + 2 * sizes->n_splits + 1, set_end = walk->n_sets + sizes->n_sets,
			 share_end = walk->n_shares + sizes->n_shares, pending = FOREST_NONE;

	while (walk->n_nodes < end)
	{
		uint32_t at = walk->n_nodes++;
		WalkNode *node = &walk->nodes[at];
		uint64_t tag = aug_read_varint(r);
		uint8_t kind = (uint8_t) (tag & 3);

		if (at % POLL_NODES == POLL_NODES - 1 && limits->host->poll(limits->host->arg, -1))
			limits->cancelled = true;
		if (r->bad || limits->cancelled)
			return false;
		if (kind == NODE_LEAF)
		{
			uint32_t parent = pending;
			uint32_t *right;

			if (!decode_leaf(r, limits, tag >> 2, share_end - walk->n_shares, walk, node))
				return false;
			if (parent == FOREST_NONE)
				break;
			right = right_of(walk, parent);
			pending = *right;
			*right = at + 1;
			continue;
		}
		if (!decode_split(r, limits, tag >> 2, kind, set_end - walk->n_sets, walk, node))
			return false;
		*right_of(walk, at) = pending;
		pending = at;
	}
	return !r->bad && pending == FOREST_NONE && walk->n_nodes == end && walk->n_sets == set_end &&
		   walk->n_shares == share_end;
}

/* ---- reading the body -------------------------------------------------- */

static AugStatus
damaged(AugError *err, const char *what)
{
	aug_fail(err, AUG_CORRUPT, "model is damaged");
	aug_detail(err, "Its forest has %s.", what);
	return AUG_CORRUPT;
}

static AugStatus
read_head(AugReader *r, const AugModelInfo *info, ForestModel *m, AugArena *arena, AugError *err)
{
	uint64_t n_trees;
	uint32_t i;

	if (aug_read_u8(r) != BODY_VERSION)
		return damaged(err, "an unknown version");
	n_trees = aug_read_varint(r);
	if (r->bad || n_trees == 0 || n_trees > MAX_TREES || n_trees > aug_reader_left(r))
		return damaged(err, "an impossible number of trees");
	m->n_trees = (uint32_t) n_trees;
	if (info->task != AUG_REGRESSION)
		return AUG_OK;

	m->base = aug_read_f64(r);
	m->scale = aug_read_f64(r);
	m->has_interval = aug_read_u8(r) == 1;
	if (r->bad || !isfinite(m->base) || !(m->scale > 0) || !isfinite(m->scale) ||
		!isfinite(1 / m->scale))
		return damaged(err, "an impossible base");
	if (!m->has_interval)
		return AUG_OK;
	m->quantiles = aug_arena_alloc(arena, N_QUANTILES, sizeof(float));
	if (m->quantiles == NULL)
		return aug_fail_nomem(err, N_QUANTILES * sizeof(float));
	m->spread_floor = aug_read_f64(r);
	for (i = 0; i < N_QUANTILES; i++)
	{
		float q = aug_read_f32(r);

		if (r->bad || !(q >= 0) || !isfinite(q) || (i > 0 && q < m->quantiles[i - 1]))
			return damaged(err, "impossible quantiles");
		m->quantiles[i] = q;
	}
	if (!(m->spread_floor >= 0) || !isfinite(m->spread_floor))
		return damaged(err, "an impossible spread");
	return AUG_OK;
}

/* Sizes of all trees, and their sums; each tree must fit into the bytes left. */
static AugStatus
read_sizes(AugReader *r, ForestModel *m, TreeSizes *sizes, TreeSizes *sum, AugError *err)
{
	uint64_t bytes = 0, splits = 0, sets = 0, shares = 0;
	uint32_t i;

	for (i = 0; i < m->n_trees; i++)
	{
		uint64_t b = aug_read_varint(r), n = aug_read_varint(r), s = aug_read_varint(r),
				 d = aug_read_varint(r);

		/* a split takes two bytes, a leaf one; a level one bit, a share five bytes */
		if (r->bad || b > aug_reader_left(r) || n > b / 3 || n * 3 + 1 > b || s > b * 8 || d > b)
			return damaged(err, "a tree of impossible size");
		sizes[i].n_bytes = (uint32_t) b;
		sizes[i].n_splits = (uint32_t) n;
		sizes[i].n_sets = (uint32_t) s;
		sizes[i].n_shares = (uint32_t) d;
		bytes += b;
		splits += n;
		sets += s;
		shares += d;
	}
	if (bytes != aug_reader_left(r))
		return damaged(err, "trees of another length than it says");
	if (2 * splits + m->n_trees >= UINT32_MAX || sets >= UINT32_MAX ||
		shares >= UINT32_MAX - AUG_MAX_CLASSES)
		return aug_fail(err, AUG_LIMIT, "forest has more than 4 billion nodes");
	sum->n_splits = (uint32_t) splits;
	sum->n_sets = (uint32_t) sets;
	sum->n_shares = (uint32_t) shares;
	return AUG_OK;
}

/*
 * A regression's base, scale and leaves are finite each, but may be made so that
 * what they add up to is not.
 */
static bool
predictions_are_finite(const ForestModel *m)
{
	double largest = 0;
	uint32_t i;

	if (m->task != AUG_REGRESSION)
		return true;
	for (i = 0; i < m->walk.n_nodes; i++)
	{
		float value;

		if (m->walk.nodes[i].kind != NODE_LEAF)
			continue;
		memcpy(&value, &m->walk.nodes[i].link, sizeof(value));
		if (fabs((double) value) > largest)
			largest = fabs((double) value);
	}
	return isfinite(fabs(m->base) + largest / m->scale);
}

/* The trees, which lie in the arena given: the model's, or one until they are packed. */
static AugStatus
read_trees(AugReader *r, const AugModelInfo *info, ForestModel *m, AugArena *arena, AugError *err)
{
	TreeLimits limits = {m->task,		 m->n_classes, info->n_features,
						 info->features, arena->host,  false};
	TreeSizes *sizes = aug_arena_alloc(arena, m->n_trees, sizeof(TreeSizes)), sum = {0};
	Walk *walk = &m->walk;
	AugStatus status;

	m->roots = aug_arena_alloc(arena, m->n_trees, sizeof(uint32_t));
	if (sizes == NULL || m->roots == NULL)
		return aug_fail_nomem(err, m->n_trees * sizeof(TreeSizes));
	status = read_sizes(r, m, sizes, &sum, err);
	if (status != AUG_OK)
		return status;

	walk->nodes = aug_arena_alloc(arena, 2 * (size_t) sum.n_splits + m->n_trees, sizeof(WalkNode));
	walk->sets = aug_arena_alloc(arena, sum.n_sets, sizeof(uint32_t));
	walk->shares = aug_arena_alloc(arena, sum.n_shares, sizeof(uint32_t));
	if (walk->nodes == NULL || walk->sets == NULL || walk->shares == NULL)
		return aug_fail_nomem(err, (2 * (size_t) sum.n_splits + m->n_trees) * sizeof(WalkNode));
	for (uint32_t i = 0; i < m->n_trees; i++)
	{
		const uint8_t *end = r->at + sizes[i].n_bytes;

		m->roots[i] = walk->n_nodes;
		if (!aug_forest_decode(r, &limits, &sizes[i], walk) || r->at != end)
			return limits.cancelled ? aug_fail_cancelled(err) : damaged(err, "a tree that is none");
	}
	if (!predictions_are_finite(m))
		return damaged(err, "values out of range");
	return AUG_OK;
}

/*
 * Reads the trees into an arena of their own, packs them and lets them go.  What
 * leaves hold beside their link, the shares of many classes, stays.
 */
static AugStatus
read_packed(AugReader *r, const AugModelInfo *info, ForestModel *m, AugArena *arena, AugError *err)
{
	AugArena own;
	AugStatus status;
	uint32_t *shares = NULL;

	aug_arena_init(&own, arena->host);
	own.limit = arena->limit;
	status = read_trees(r, info, m, &own, err);
	if (status == AUG_OK)
		status = aug_pack_build(m, info, arena, &m->pack, err);
	if (status == AUG_OK)
	{
		shares = aug_arena_alloc(arena, m->walk.n_shares, sizeof(uint32_t));
		if (shares == NULL)
			status = aug_fail_nomem(err, m->walk.n_shares * sizeof(uint32_t));
		else if (m->walk.n_shares > 0)
			memcpy(shares, m->walk.shares, m->walk.n_shares * sizeof(uint32_t));
	}
	arena->limited |= own.limited;
	aug_arena_free(&own);
	m->walk.nodes = NULL;
	m->walk.sets = NULL;
	m->walk.shares = shares;
	m->roots = NULL;
	return status;
}

/*
 * See forest.h.  m has task, classes and number of trees already; a leaf is what they
 * make it.
 */
AugStatus
aug_forest_read_trees(AugReader *r, const AugModelInfo *info, ForestModel *m, AugArena *arena,
					  AugError *err)
{
	return aug_pack_fits(info) ? read_packed(r, info, m, arena, err)
							   : read_trees(r, info, m, arena, err);
}

/*
 * Decodes the body into the arena.  AUG_CORRUPT for anything that is not a
 * forest over these features and classes.
 */
AugStatus
aug_forest_read(AugReader *r, AugModelInfo *info, AugArena *arena, void **state, AugError *err)
{
	ForestModel *m = aug_arena_zero(arena, 1, sizeof(ForestModel));
	AugStatus status;

	if (m == NULL)
		return aug_fail_nomem(err, sizeof(ForestModel));
	m->task = info->task;
	m->n_classes = info->n_classes;
	m->n_features = info->n_features;
	status = read_head(r, info, m, arena, err);
	if (status == AUG_OK)
		status = aug_forest_read_trees(r, info, m, arena, err);
	if (status != AUG_OK)
		return status;
	info->has_interval = m->has_interval;
	info->fit.n_trees = m->n_trees;
	info->fit.n_nodes = m->walk.n_nodes;
	*state = m;
	return AUG_OK;
}
