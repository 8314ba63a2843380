/*-------------------------------------------------------------------------
 *
 * grow.c
 *		Growth of one tree.
 *
 * Depth first by default.  With max_leaf_nodes, best first: the leaf whose split
 * decreases the impurity most is split next, until there are so many leaves.
 *
 * Children are allocated in pairs.  Every node draws from a random
 * stream of its own, keyed by tree and path, so that the order in which nodes
 * are visited does not matter to what they draw.
 *
 * Memory: nodes, sets and leaf distributions grow by doubling in the job's arena
 * and are kept for the next tree.  Interrupts: polled by work done.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "forest.h"

/* ---- growing arrays ---------------------------------------------------- */

/*
 * Room for need items of a size; the old array stays the arena's.  False when
 * there is no memory (*array is then unchanged).
 */
bool
aug_forest_ensure(AugArena *arena, void **array, size_t *room, size_t need, size_t size,
				  size_t used)
{
	size_t next = *room == 0 ? 1024 : *room;
	void *bigger;

	if (need <= *room)
		return true;
	while (next < need)
		next *= 2;
	bigger = aug_arena_alloc(arena, next, size);
	if (bigger == NULL)
		return false;
	if (used > 0)
		memcpy(bigger, *array, used * size);
	*array = bigger;
	*room = next;
	return true;
}

/* Two new nodes; returns the first, or FOREST_NONE without memory. */
static uint32_t
new_pair(ForestJob *f)
{
	GrownTree *t = &f->tree;
	size_t room = t->room;
	void *nodes = t->nodes;

	if (!aug_forest_ensure(f->arena, &nodes, &room, (size_t) t->n_nodes + 2, sizeof(GrowNode),
						   t->n_nodes))
		return FOREST_NONE;
	t->nodes = nodes;
	t->room = (uint32_t) room;
	t->n_nodes += 2;
	return t->n_nodes - 2;
}

static bool
push(ForestJob *f, uint32_t *depth, const GrowTask *task)
{
	size_t room = f->stack_room;
	void *stack = f->stack;

	if (!aug_forest_ensure(f->arena, &stack, &room, (size_t) *depth + 1, sizeof(GrowTask), *depth))
		return false;
	f->stack = stack;
	f->stack_room = (uint32_t) room;
	f->stack[(*depth)++] = *task;
	return true;
}

/* Ascending.  Shell sort: sets are short, and no memory is needed. */
void
aug_forest_sort_codes(uint32_t *codes, uint32_t n)
{
	uint32_t gap, i;

	for (gap = n / 2; gap > 0; gap /= 2)
		for (i = gap; i < n; i++)
		{
			uint32_t code = codes[i], j = i;

			for (; j >= gap && codes[j - gap] > code; j -= gap)
				codes[j] = codes[j - gap];
			codes[j] = code;
		}
}

/* ---- leaves ------------------------------------------------------------ */

/* Is there nothing left to gain: all targets of the node equal? */
static bool
is_pure(const ForestJob *f, const GrowTask *task)
{
	const uint8_t *record = record_at(f, task->first);
	uint32_t i;

	if (f->mode == MODE_COUNT)
		return task->totals.sum <= 0 || task->totals.sum >= task->totals.draws;
	if (f->config.task == AUG_REGRESSION)
	{
		float y = record_float(record, f->layout.y_at);

		for (i = 1; i < task->n; i++)
			if (record_float(record_at(f, task->first + i), f->layout.y_at) != y)
				return false;
	}
	else
	{
		uint32_t label = record_label(f, record);

		for (i = 1; i < task->n; i++)
			if (record_label(f, record_at(f, task->first + i)) != label)
				return false;
	}
	return true;
}

/*
 * Distribution of an impure leaf into the pool; its offset goes to *at.
 */
static bool
class_leaf(ForestJob *f, const GrowTask *task, uint32_t *at)
{
	GrownTree *t = &f->tree;
	void *shares = t->shares;
	uint32_t n_seen = 0, i, out = 0;
	double total = 0;

	for (i = 0; i < task->n; i++)
	{
		const uint8_t *record = record_at(f, task->first + i);
		uint32_t label = record_label(f, record);
		double w = record_weight(f, record) * f->class_weight[label];

		if (f->axis[label] == 0)
			f->classes[n_seen++] = label;
		/* classes of weight zero are seen, too */
		f->axis[label] += w > 0 ? w : 1e-300;
		total += w;
	}
	if (t->n_shares + 1 + 2 * (size_t) n_seen > UINT32_MAX - AUG_MAX_CLASSES ||
		!aug_forest_ensure(f->arena, &shares, &t->shares_room,
						   t->n_shares + 1 + 2 * (size_t) n_seen, sizeof(uint32_t), t->n_shares))
	{
		while (n_seen > 0)
			f->axis[f->classes[--n_seen]] = 0;
		return false;
	}
	t->shares = shares;
	*at = (uint32_t) t->n_shares;
	aug_forest_sort_codes(f->classes, n_seen);
	for (i = 0; i < n_seen; i++)
	{
		uint32_t label = f->classes[i];
		float share = (float) (total > 0 ? f->axis[label] / total : 1.0 / n_seen);

		f->axis[label] = 0;
		if (share > 0)
		{
			t->shares[*at + 1 + 2 * (size_t) out] = label;
			memcpy(&t->shares[*at + 2 + 2 * (size_t) out], &share, sizeof(share));
			out++;
		}
	}
	t->shares[*at] = out;
	t->n_shares = *at + 1 + 2 * (size_t) out;
	return true;
}

/* Mean of the target, or share of class 1. */
static float
leaf_mean(const ForestJob *f, const NodeTotals *t)
{
	double sum = t->sum, mean;

	if (f->mode == MODE_COUNT)
		sum *= f->class_weight[1];
	mean = t->weight > 0 ? sum / t->weight : 0.5;
	if (f->config.task == AUG_CLASSIFICATION)
		mean = mean < 0 ? 0 : mean > 1 ? 1 : mean;
	return (float) mean;
}

/*
 * Makes the node a leaf.  link: regression and two classes, the bits of a float
 * (mean; share of class 1); more classes, the class when pure, else n_classes +
 * the offset of a distribution in the pool.
 */
static bool
make_leaf(ForestJob *f, const GrowTask *task, bool pure)
{
	GrowNode *node = &f->tree.nodes[task->node];
	uint32_t link;

	if (f->mode == MODE_CLASS)
	{
		if (pure)
			link = record_label(f, record_at(f, task->first));
		else
		{
			if (!class_leaf(f, task, &link))
				return false;
			node = &f->tree.nodes[task->node];
			link += f->config.n_classes;
		}
	}
	else
	{
		float value;

		if (pure && f->config.task == AUG_REGRESSION)
			value = record_float(record_at(f, task->first), f->layout.y_at);
		else
			value = leaf_mean(f, &task->totals);
		memcpy(&link, &value, sizeof(link));
	}
	node->kind = NODE_LEAF;
	node->feature = 0;
	node->bin = 0;
	node->link = link;
	f->tree.n_leaves++;
	return true;
}

/* ---- splits ------------------------------------------------------------ */

/*
 * Stores the levels of the lighter side of the split whose ordered levels are in
 * f->codes; all other levels, seen here or not, take the heavier side.  Returns
 * the offset of the set in the pool, or FOREST_NONE without memory.
 */
static uint32_t
store_set(ForestJob *f, const GrowTask *task, const Split *split)
{
	GrownTree *t = &f->tree;
	bool goes_left = split->left.weight <= task->totals.weight - split->left.weight;
	const uint32_t *from = goes_left ? f->codes : f->codes + split->n_left;
	uint32_t n = goes_left ? split->n_left : split->n_codes - split->n_left,
			 missing = f->features[split->feature].kind == FEATURE_WIDE ? f->wide_levels
																		: AUG_MISSING_CELL,
			 i, out = 0;
	size_t at = t->n_sets;
	void *sets = t->sets;
	uint32_t *set;

	if (at + SET_CODES + n >= UINT32_MAX ||
		!aug_forest_ensure(f->arena, &sets, &t->sets_room, at + SET_CODES + n, sizeof(uint32_t),
						   at))
		return FOREST_NONE;
	t->sets = sets;
	set = t->sets + at;
	set[SET_FLAGS] = goes_left ? SET_GOES_LEFT : 0;
	for (i = 0; i < n; i++)
	{
		if (from[i] == missing)
			set[SET_FLAGS] |= SET_MISSING;
		else
			set[SET_CODES + out++] = from[i];
	}
	set[SET_N] = out;
	aug_forest_sort_codes(set + SET_CODES, out);
	t->n_sets = at + SET_CODES + out;
	return (uint32_t) at;
}

/* Marks the codes that go left (on = 1), or clears the marks. */
static void
mark_side(ForestJob *f, const Split *split, uint8_t on)
{
	uint32_t i;

	for (i = 0; i < split->n_left; i++)
		f->side[f->codes[i]] = on;
}

/*
 * Turns the node into the split: sets its fields, moves its records and fills
 * the tasks of both children.
 */
static AugStatus
apply_split(ForestJob *f, const GrowTask *task, const Split *split, GrowTask child[2],
			AugError *err)
{
	uint32_t left = new_pair(f), n_left, link = left;
	GrowNode *node;

	if (left == FOREST_NONE)
		return aug_fail_nomem(err, sizeof(GrowNode) * 2);
	if (split->is_set)
	{
		link = store_set(f, task, split);
		if (link == FOREST_NONE)
			return aug_fail_nomem(err, split->n_codes * sizeof(uint32_t));
		f->tree.sets[link + SET_CHILD] = left;
		mark_side(f, split, 1);
	}
	node = &f->tree.nodes[task->node];
	node->feature = (uint16_t) split->feature;
	node->bin = split->bin;
	node->kind = split->is_set		   ? NODE_SET
				 : split->missing_left ? NODE_MISSING_LEFT
									   : NODE_MISSING_RIGHT;
	node->link = link;

	n_left = aug_forest_partition(f, task, split);
	if (split->is_set)
		mark_side(f, split, 0);
	if (n_left == FOREST_NONE)
		return aug_fail_cancelled(err);
	if (n_left == 0 || n_left == task->n)
		return aug_fail(err, AUG_INTERNAL, "a split of %u rows left one side empty", task->n);

	f->gains[split->feature] += split->gain;
	memset(child, 0, 2 * sizeof(child[0]));
	child[0].first = task->first;
	child[0].n = n_left;
	child[0].totals = split->left;
	child[1].first = task->first + n_left;
	child[1].n = task->n - n_left;
	child[1].totals.draws = task->totals.draws - split->left.draws;
	child[1].totals.weight = task->totals.weight - split->left.weight;
	child[1].totals.sum = task->totals.sum - split->left.sum;
	child[0].node = left;
	child[1].node = left + 1;
	child[0].depth = child[1].depth = task->depth + 1;
	child[0].n_constant = child[1].n_constant = task->n_constant;
	return AUG_OK;
}

/*
 * Finds the split of a node; best->score < 0 when it stays a leaf, *pure tells
 * whether because nothing is left to separate.
 */
static AugStatus
consider(ForestJob *f, uint32_t tree, GrowTask *task, Split *best, bool *pure, AugError *err)
{
	const ForestConfig *c = &f->config;
	AugRng rng;
	AugStatus status;

	best->score = -1;
	*pure = is_pure(f, task);
	if (*pure || task->depth >= c->max_depth || task->totals.draws < c->min_split ||
		task->totals.draws / 2 < c->min_leaf || task->n < 2)
		return AUG_OK;
	rng = aug_rng(f->seed, tree, task->node);
	status = aug_forest_find_split(f, task, &rng, best, err);
	if (status != AUG_OK)
		return status;
	if (best->score >= 0 && c->min_decrease > 0 &&
		best->gain / (f->tree_weight * f->scale * f->scale) + 1e-15 < c->min_decrease)
		best->score = -1;
	return AUG_OK;
}

static AugStatus
grow_depth_first(ForestJob *f, uint32_t tree, const GrowTask *root, AugError *err)
{
	uint32_t depth = 0;

	if (!push(f, &depth, root))
		return aug_fail_nomem(err, sizeof(GrowTask));
	while (depth > 0)
	{
		GrowTask task = f->stack[--depth], child[2];
		Split split;
		bool pure;
		AugStatus status = consider(f, tree, &task, &split, &pure, err);

		if (status != AUG_OK)
			return status;
		if (split.score < 0)
		{
			if (!make_leaf(f, &task, pure))
				return aug_fail_nomem(err, sizeof(float) * f->config.n_classes);
			if (forest_tick(f, 50 + task.n))
				return aug_fail_cancelled(err);
			continue;
		}
		status = apply_split(f, &task, &split, child, err);
		if (status != AUG_OK)
			return status;
		if (!push(f, &depth, &child[1]) || !push(f, &depth, &child[0]))
			return aug_fail_nomem(err, sizeof(GrowTask));
	}
	return AUG_OK;
}

/* ---- best first -------------------------------------------------------- */

/* A leaf that may be split, with its split. */
typedef struct PendingSplit
{
	GrowTask task;
	Split split;
	uint32_t *codes; /* of a set split */
} PendingSplit;

typedef struct Frontier
{
	PendingSplit *heap; /* largest gain first; ties: the older node */
	uint32_t n;
	AugArena arena; /* codes of pending sets */
} Frontier;

static bool
comes_before(const PendingSplit *a, const PendingSplit *b)
{
	if (a->split.gain != b->split.gain)
		return a->split.gain > b->split.gain;
	return a->task.node < b->task.node;
}

static void
frontier_add(Frontier *q, const PendingSplit *item)
{
	uint32_t i = q->n++;

	while (i > 0 && comes_before(item, &q->heap[(i - 1) / 2]))
	{
		q->heap[i] = q->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	q->heap[i] = *item;
}

static PendingSplit
frontier_take(Frontier *q)
{
	PendingSplit top = q->heap[0], last = q->heap[--q->n];
	uint32_t i = 0;

	for (;;)
	{
		uint32_t c = 2 * i + 1;

		if (c >= q->n)
			break;
		if (c + 1 < q->n && comes_before(&q->heap[c + 1], &q->heap[c]))
			c++;
		if (comes_before(&last, &q->heap[c]))
			break;
		q->heap[i] = q->heap[c];
		i = c;
	}
	if (q->n > 0)
		q->heap[i] = last;
	return top;
}

/* Makes a node a leaf until it is split, and a candidate when it has a split. */
static AugStatus
frontier_consider(ForestJob *f, uint32_t tree, Frontier *q, GrowTask *task, AugError *err)
{
	PendingSplit item;
	bool pure;
	AugStatus status;

	/* known constants lie in an order that only depth first keeps */
	task->n_constant = 0;
	item.task = *task;
	item.codes = NULL;
	status = consider(f, tree, &item.task, &item.split, &pure, err);
	if (status != AUG_OK)
		return status;
	item.task.n_constant = 0;
	if (!make_leaf(f, task, pure))
		return aug_fail_nomem(err, sizeof(float) * f->config.n_classes);
	if (item.split.score < 0)
		return AUG_OK;
	if (item.split.is_set)
	{
		item.codes = aug_arena_alloc(&q->arena, item.split.n_codes, sizeof(uint32_t));
		if (item.codes == NULL)
			return aug_fail_nomem(err, item.split.n_codes * sizeof(uint32_t));
		memcpy(item.codes, f->codes, item.split.n_codes * sizeof(uint32_t));
	}
	frontier_add(q, &item);
	return AUG_OK;
}

static AugStatus
grow_best_first(ForestJob *f, uint32_t tree, const GrowTask *root, AugError *err)
{
	Frontier q = {0};
	GrowTask start = *root;
	AugStatus status;
	uint32_t most = f->config.max_leaf_nodes < f->n_work ? f->config.max_leaf_nodes : f->n_work;

	aug_arena_init(&q.arena, f->host);
	q.heap = aug_arena_alloc(&q.arena, (size_t) most + 2, sizeof(PendingSplit));
	status = q.heap == NULL ? aug_fail_nomem(err, sizeof(PendingSplit) * most)
							: frontier_consider(f, tree, &q, &start, err);
	while (status == AUG_OK && q.n > 0 && f->tree.n_leaves < f->config.max_leaf_nodes)
	{
		PendingSplit item = frontier_take(&q);
		GrowTask child[2];

		if (item.codes != NULL)
			memcpy(f->codes, item.codes, item.split.n_codes * sizeof(uint32_t));
		status = apply_split(f, &item.task, &item.split, child, err);
		f->tree.n_leaves--;
		if (status == AUG_OK)
			status = frontier_consider(f, tree, &q, &child[0], err);
		if (status == AUG_OK)
			status = frontier_consider(f, tree, &q, &child[1], err);
	}
	aug_arena_free(&q.arena);
	return status;
}

/*
 * Draws the sample of a tree and grows it into f->tree; in_bag then tells which
 * rows it did not see, and gains what each feature contributed.
 */
AugStatus
aug_forest_grow(ForestJob *f, uint32_t tree, AugError *err)
{
	GrowTask root;
	AugStatus status;
	uint32_t i;

	status = aug_forest_sample(f, tree, err);
	if (status != AUG_OK)
		return status;
	memset(&root, 0, sizeof(root));
	status = aug_forest_load(f, &root.totals, err);
	if (status != AUG_OK)
		return status;

	root.n = f->n_work;
	f->tree_weight = root.totals.weight;
	f->tree.n_nodes = f->tree.n_leaves = 0;
	f->tree.n_sets = f->tree.n_shares = 0;
	if (new_pair(f) == FOREST_NONE)
		return aug_fail_nomem(err, sizeof(GrowNode) * 2);
	/* the root's twin is never used; it keeps pairs aligned */
	memset(f->tree.nodes, 0, 2 * sizeof(GrowNode));
	memcpy(f->order, f->usable, f->n_usable * sizeof(uint32_t));
	for (i = 0; i < f->n_features; i++)
		f->gains[i] = 0;
	status = aug_forest_learn(f, &root, err);
	if (status != AUG_OK)
		return status;
	return f->config.max_leaf_nodes > 0 ? grow_best_first(f, tree, &root, err)
										: grow_depth_first(f, tree, &root, err);
}
