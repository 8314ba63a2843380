/*-------------------------------------------------------------------------
 *
 * test_pack.c
 *		Packed forests against the plain walk: random trees of all shapes, slots of
 *		4 and of 8 bytes, shallow and deep, missing values to both sides, sets of
*		levels that training saw and did not see.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "../../src/core/rng.h"
#include "../../src/core/tree/pack.h"

#define MAX_NODES 400000
#define N_ROWS	  200
#define MAX_SETS  (4 << 20)

typedef struct Forest
{
	UnitHost h;
	AugArena arena;
	ForestModel m;
	AugModelInfo info;
	AugFeature *features;
	AugRng rng;
	uint32_t max_depth;
	uint32_t max_nodes; /* of a tree, about */
} Forest;

static void *
need(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

/*
 * Feature i has up to 254 cuts at 0, 1, 2, ...; with categories every third one has
 * levels instead, up to 254.
 */
static void
make_features(Forest *f, uint32_t n, bool categories)
{
	f->features = need(aug_arena_zero(&f->arena, n, sizeof(AugFeature)));
	for (uint32_t i = 0; i < n; i++)
	{
		static const uint32_t n_cuts[] = {254, 1, 100, 0, 15, 16};
		AugFeature *ff = &f->features[i];
		double *cuts = need(aug_arena_alloc(&f->arena, 254, sizeof(double)));

		for (uint32_t k = 0; k < 254; k++)
			cuts[k] = k;
		ff->name = ff->column = ff->type_name = "x";
		ff->kind = AUG_NUMERIC_FEATURE;
		ff->n_cuts = n_cuts[i % 6];
		ff->cuts = cuts;
		ff->slot = i;
		if (categories && i % 3 == 2)
		{
			static const uint32_t n_levels[] = {1, 30, 31, 62, 200, 254};

			ff->kind = AUG_CATEGORICAL_FEATURE;
			ff->n_levels = n_levels[i / 3 % 6];
			ff->n_cuts = 0;
		}
	}
	f->info.features = f->features;
	f->info.n_features = f->m.n_features = n;
}

/* A random set of levels, dense or sparse, to either side. */
static void
make_set(Forest *f, WalkNode *node)
{
	Walk *w = &f->m.walk;
	uint32_t *set = w->sets + w->n_sets, n = 0, rare = 1 + aug_rng_below(&f->rng, 8);

	for (uint32_t code = 0; code < f->features[node->feature].n_levels; code++)
		if (aug_rng_below(&f->rng, rare) == 0)
			set[SET_CODES + n++] = code;
	set[SET_N] = n;
	set[SET_FLAGS] = aug_rng_below(&f->rng, 4); /* goes left, missing */
	node->kind = NODE_SET;
	node->bin = 0;
	node->link = w->n_sets;
	w->n_sets += SET_CODES + n;
	if (w->n_sets > MAX_SETS)
		abort();
}

/*
 * One tree in preorder.  Right children that are not known yet are kept on a
 * stack; a chain (max_depth large, few nodes) goes down on one side.
 */
static void
make_tree(Forest *f, uint32_t tree)
{
	static uint32_t stack[MAX_NODES];
	static uint32_t depths[MAX_NODES];
	Walk *w = &f->m.walk;
	uint32_t n_open = 0, begin = w->n_nodes, depth = 0;

	f->m.roots[tree] = begin;
	for (;;)
	{
		uint32_t at = w->n_nodes++;
		WalkNode *node = &w->nodes[at];
		bool split = depth < f->max_depth && at - begin < f->max_nodes &&
					 aug_rng_below(&f->rng, 8) != 0;

		if (split)
		{
			uint32_t feature = aug_rng_below(&f->rng, f->info.n_features);

			node->feature = (uint16_t) feature;
			node->bin = (uint8_t) aug_rng_below(&f->rng, f->features[feature].n_cuts + 1);
			node->kind = aug_rng_below(&f->rng, 2) ? NODE_MISSING_LEFT : NODE_MISSING_RIGHT;
			if (f->features[feature].kind == AUG_CATEGORICAL_FEATURE)
				make_set(f, node);
			stack[n_open] = at;
			depths[n_open++] = ++depth;
			continue;
		}
		node->feature = 0;
		node->bin = 0;
		node->kind = NODE_LEAF;
		node->link = at * 7 + 1;
		if (n_open == 0)
			return;
		node = &w->nodes[stack[--n_open]];
		*(node->kind == NODE_SET ? &w->sets[node->link + SET_CHILD] : &node->link) = w->n_nodes;
		depth = depths[n_open];
	}
}

static void
forest_begin(Forest *f, uint32_t n_features, uint32_t n_trees, uint32_t max_depth,
			 uint32_t max_nodes, bool categories)
{
	memset(f, 0, sizeof(*f));
	unit_host(&f->h);
	aug_arena_init(&f->arena, &f->h.host);
	f->rng = aug_rng(n_features, n_trees, max_depth);
	f->max_depth = max_depth;
	f->max_nodes = max_nodes;
	f->m.n_trees = n_trees;
	make_features(f, n_features, categories);
	f->m.roots = need(aug_arena_alloc(&f->arena, n_trees, sizeof(uint32_t)));
	f->m.walk.nodes = need(aug_arena_alloc(&f->arena, MAX_NODES * 2, sizeof(WalkNode)));
	f->m.walk.sets = need(aug_arena_alloc(&f->arena, MAX_SETS + 300, sizeof(uint32_t)));
	for (uint32_t i = 0; i < n_trees; i++)
		make_tree(f, i);
}

/* A value of every sort: in a bin, on a cut, missing, infinite. */
static double
make_value(AugRng *rng)
{
	switch (aug_rng_below(rng, 10))
	{
		case 0:
			return NAN;
		case 1:
			return INFINITY;
		case 2:
			return -INFINITY;
		case 3:
			return -0.5;
		default:
			return aug_rng_below(rng, 520) / 2.0;
	}
}

/* Leaves by the pack, from values and from cells, are those of the plain walk. */
static void
compare_rows(Forest *f, const Pack *pack)
{
	uint32_t n = f->info.n_features, *codes = malloc(n * sizeof(uint32_t));
	double *x = malloc(n * sizeof(double));
	uint8_t *cells = malloc(n);
	void *scratch = malloc(aug_pack_scratch(pack));
	uint32_t wrong = 0;

	for (uint32_t row = 0; row < N_ROWS; row++)
	{
		const uint32_t *leaves;
		bool seen = true;

		for (uint32_t i = 0; i < n; i++)
		{
			uint32_t n_levels = f->features[i].n_levels;

			if (n_levels > 0)
			{
				uint32_t code = aug_rng_below(&f->rng, n_levels + 1);
				bool missing = aug_rng_below(&f->rng, 8) == 0;

				/* a code above all levels stands for one that is not known */
				x[i] = missing ? (double) NAN : code == n_levels ? AUG_UNSEEN_LEVEL : code;
				seen &= missing || code < n_levels;
				cells[i] = missing ? AUG_MISSING_CELL : (uint8_t) code;
				codes[i] = missing ? CODE_MISSING : code == n_levels ? CODE_UNSEEN : code;
				continue;
			}
			x[i] = make_value(&f->rng);
			cells[i] = aug_bin(f->features[i].cuts, f->features[i].n_cuts, x[i]);
			codes[i] = isnan(x[i]) ? CODE_MISSING : cells[i];
		}
		leaves = aug_pack_values(pack, x, scratch);
		for (uint32_t t = 0; t < f->m.n_trees; t++)
			wrong += leaves[t] != aug_forest_walk(&f->m.walk, f->m.roots[t], codes);
		if (!seen)
			continue; /* no cell says so */
		leaves = aug_pack_cells(pack, cells, scratch);
		for (uint32_t t = 0; t < f->m.n_trees; t++)
			wrong += leaves[t] != aug_forest_walk(&f->m.walk, f->m.roots[t], codes);
	}
	CHECK(wrong == 0);
	free(codes);
	free(x);
	free(cells);
	free(scratch);
}

static void
check_forest(uint32_t n_features, uint32_t n_trees, uint32_t max_depth, uint32_t max_nodes,
			 bool categories)
{
	Forest f;
	Pack *pack;
	AugError err;

	forest_begin(&f, n_features, n_trees, max_depth, max_nodes, categories);
	CHECK(aug_pack_fits(&f.info));
	if (CHECK(aug_pack_build(&f.m, &f.info, &f.arena, &pack, &err) == AUG_OK))
		compare_rows(&f, pack);
	aug_arena_free(&f.arena);
	CHECK(f.h.live == 0);
}

static void
agrees_with_the_walk(void)
{
	static const uint32_t features[] = {1, 3, 28, 127, 128, 300};
	static const uint32_t trees[] = {1, 9, 10, 11, 40};
	static const uint32_t depths[] = {0, 1, 5, 12, 21, 1000};

	for (unsigned i = 0; i < sizeof(features) / sizeof(features[0]); i++)
	{
		for (unsigned j = 0; j < sizeof(trees) / sizeof(trees[0]); j++)
		{
			for (unsigned k = 0; k < sizeof(depths) / sizeof(depths[0]); k++)
			{
				check_forest(features[i], trees[j], depths[k], 3000, false);
				check_forest(features[i], trees[j], depths[k], 3000, true);
			}
		}
	}
}

/* Trees whose steps do not fit into 16 bits. */
static void
agrees_for_large_trees(void)
{
	check_forest(5, 2, 1000000, 150000, false);
	check_forest(5, 2, 17, 150000, false);
	check_forest(5, 2, 17, 60000, true);
}

static void
refuses_what_it_cannot_pack(void)
{
	AugFeature f[2] = {{.kind = AUG_NUMERIC_FEATURE}, {.kind = AUG_CATEGORICAL_FEATURE}};
	AugModelInfo info = {.features = f, .n_features = 1};

	CHECK(aug_pack_fits(&info));
	info.n_features = 2;
	f[1].n_levels = 254;
	CHECK(aug_pack_fits(&info));
	f[1].n_levels = 255;
	CHECK(!aug_pack_fits(&info));
	info.n_features = 40000;
	CHECK(!aug_pack_fits(&info));
}

static AugStatus
build_step(UnitHost *h, void *arg, AugError *err)
{
	Forest *f = arg;
	AugArena arena;
	Pack *pack;
	AugStatus status;

	aug_arena_init(&arena, &h->host);
	status = aug_pack_build(&f->m, &f->info, &arena, &pack, err);
	aug_arena_free(&arena);
	return status;
}

static void
survives_failures(void)
{
	Forest f;

	forest_begin(&f, 28, 12, 30, 20000, true);
	CHECK(unit_fail_each(build_step, &f) > 5);
	CHECK(unit_cancel_each(build_step, &f) > 1);
	aug_arena_free(&f.arena);
}

static const UnitTest tests[] = {
	{"agrees with the walk", agrees_with_the_walk},
	{"agrees for large trees", agrees_for_large_trees},
	{"refuses what it cannot pack", refuses_what_it_cannot_pack},
	{"survives failures", survives_failures},
};

UNIT_MAIN("pack", tests);
