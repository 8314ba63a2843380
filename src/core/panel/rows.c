/*-------------------------------------------------------------------------
 *
 * rows.c
 *		Which rows are learnt from, and their matrix.
 *
 * Each value of a member that has a past is a target, at each step ahead.  When that
 * makes more rows than are wanted, each target gets its share of them, at steps drawn
 * evenly over all, by a stream of random numbers of its own: the rows do not depend on
 * what else is in the panel but its size.  Validation rows are drawn by a rate of their
 * own.
 *
 * Three passes over the panel: rows are counted; some give the cut points of each
 * feature; all are binned.  So memory is a byte a feature and row, and the features of
 * the few.
 *
 * Memory: the caller's arena; a view of one member at a time.  Interrupts: by rows.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "panel.h"

#define STREAM_ROWS UINT64_C(0x70616E656C) /* random stream of the steps */
#define CUT_ROWS	20000				   /* that cut points are made from */
#define TICK		4096
#define ROW_WORK	16 /* ticks of a row's features */
#define VALID_SHARE 0.2
#define LONG_SEASON 28

bool
aug_panel_tick(PanelWork *work, uint32_t amount)
{
	work->done += amount;
	if (work->done < TICK)
		return false;
	work->done = 0;
	return work->host->poll(work->host->arg, -1);
}

/* ---- statics ------------------------------------------------------------ */

static void
sift(const char **text, size_t at, size_t n)
{
	const char *moved = text[at];

	for (size_t child; (child = 2 * at + 1) < n; at = child)
	{
		if (child + 1 < n && strcmp(text[child], text[child + 1]) < 0)
			child++;
		if (strcmp(moved, text[child]) >= 0)
			break;
		text[at] = text[child];
	}
	text[at] = moved;
}

/* Heapsort; false when told to stop. */
static bool
sort_texts(PanelWork *work, const char **text, size_t n)
{
	for (size_t i = n / 2; i-- > 0;)
	{
		sift(text, i, n);
		if (aug_panel_tick(work, 1))
			return false;
	}
	for (size_t left = n; left-- > 1;)
	{
		const char *largest = text[0];

		text[0] = text[left];
		text[left] = largest;
		sift(text, 0, left);
		if (aug_panel_tick(work, 1))
			return false;
	}
	return true;
}

/* The different texts of a sorted list, in front of it; their number. */
static size_t
unique(const char **text, size_t n, size_t *length)
{
	size_t kept = 0;

	*length = 0;
	for (size_t i = 0; i < n; i++)
	{
		if (kept > 0 && strcmp(text[i], text[kept - 1]) == 0)
			continue;
		text[kept++] = text[i];
		*length += strlen(text[i]);
	}
	return kept;
}

static double
code_of(const char *const *level, size_t n, const char *text)
{
	size_t lo = 0, hi = n;

	while (lo < hi)
	{
		size_t middle = lo + (hi - lo) / 2;

		if (strcmp(level[middle], text) < 0)
			lo = middle + 1;
		else
			hi = middle;
	}
	return (double) lo;
}

/* Levels of static j, as a feature, and each member's code. */
static AugStatus
open_static(PanelWork *work, uint32_t j, const char **text)
{
	const AugPanel *panel = work->panel;
	AugFeature *f = &work->statics[j];
	size_t n = 0, length, at = 0;
	uint32_t *end;
	char *bytes;

	for (uint32_t i = 0; i < panel->n_members; i++)
		if (panel->members[i].statics[j] != NULL)
			text[n++] = panel->members[i].statics[j];
	if (!sort_texts(work, text, n))
		return aug_fail_cancelled(work->err);
	n = unique(text, n, &length);
	if (length >= UINT32_MAX)
		return aug_fail(work->err, AUG_LIMIT, "the keys of all series are too long");
	end = aug_arena_alloc(work->arena, n, sizeof(uint32_t));
	bytes = aug_arena_alloc(work->arena, length + 1, 1);
	if (end == NULL || bytes == NULL)
		return aug_fail_nomem(work->err, n * sizeof(uint32_t) + length);
	for (size_t i = 0; i < n; i++)
	{
		size_t size = strlen(text[i]);

		memcpy(bytes + at, text[i], size);
		at += size;
		end[i] = (uint32_t) at;
	}
	for (uint32_t i = 0; i < panel->n_members; i++)
	{
		const char *own = panel->members[i].statics[j];

		work->codes[(size_t) i * panel->n_statics + j] = own == NULL ? NAN : code_of(text, n, own);
		if (aug_panel_tick(work, 1))
			return aug_fail_cancelled(work->err);
	}
	f->kind = AUG_CATEGORICAL_FEATURE;
	f->n_levels = (uint32_t) n;
	f->level_end = end;
	f->level_text = bytes;
	f->wide = n > AUG_MAX_BINS;
	return AUG_OK;
}

/* Steps in front of a member's first origin. */
static uint32_t
least_past(const PanelShape *shape)
{
	return shape->main > AUG_PANEL_LEAST && shape->main <= LONG_SEASON ? shape->main
																	   : AUG_PANEL_LEAST;
}

AugStatus
aug_panel_open(PanelWork *work)
{
	const AugPanel *panel = work->panel;
	size_t n = panel->n_members;
	const char **text;
	AugStatus status = AUG_OK;

	work->codes = aug_arena_alloc(work->arena, n, panel->n_statics * sizeof(double));
	work->statics = aug_arena_zero(work->arena, panel->n_statics, sizeof(AugFeature));
	work->learnt = aug_arena_zero(work->arena, n, sizeof(bool));
	text = aug_arena_alloc(work->arena, n, sizeof(char *));
	if (work->codes == NULL || work->statics == NULL || work->learnt == NULL || text == NULL)
		return aug_fail_nomem(work->err, n * sizeof(double));
	for (uint32_t j = 0; status == AUG_OK && j < panel->n_statics; j++)
		status = open_static(work, j, text);
	for (uint32_t i = 0; status == AUG_OK && i < n; i++)
	{
		const AugSeries *s = &panel->members[i].series;
		size_t known = 0;

		for (size_t t = 0; t < s->n && known <= least_past(&work->shape); t++)
			known += isnan(s->y[t]) ? 0 : 1;
		work->learnt[i] = known > least_past(&work->shape);
		if (aug_panel_tick(work, 16))
			status = aug_fail_cancelled(work->err);
	}
	return status;
}

/* ---- rows --------------------------------------------------------------- */

typedef struct Walk
{
	PanelWork *work;
	size_t cut;
	uint32_t held; /* steps before the cut whose rows are for validation */
	double rate, rate_valid;
	bool views;
	/* counted */
	double possible, possible_valid;
	size_t n, n_valid;
	/* what is done with each row; NULL: count */
	AugStatus (*each)(struct Walk *walk, const PanelView *view, size_t t, uint32_t h, bool valid);
	AugArena *arena;
	/* cut points */
	size_t every, seen, kept;
	double *values; /* [n_numbers][CUT_ROWS] */
	double *row;	/* [n_features] */
	/* matrix */
	AugMatrix *matrix;
	uint8_t *cells;
	uint32_t *wide;
	double *y;
	size_t at, at_valid;
} Walk;

/* The rows of one target; from: the member's first origin. */
static AugStatus
walk_target(Walk *walk, uint32_t member, const PanelView *view, size_t target, size_t from,
			bool valid)
{
	uint32_t steps = walk->work->shape.direct;
	double rate = valid ? walk->rate_valid : walk->rate;
	AugRng rng;
	uint32_t n;
	AugStatus status = AUG_OK;

	if (target + 1 - from < steps)
		steps = (uint32_t) (target + 1 - from);
	*(valid ? &walk->possible_valid : &walk->possible) += steps;
	rng = aug_rng(walk->work->seed ^ STREAM_ROWS, member, target);
	n = rate < 1 ? (uint32_t) (steps * rate + aug_rng_real(&rng)) : steps;
	*(valid ? &walk->n_valid : &walk->n) += n;
	for (uint32_t i = 0; status == AUG_OK && walk->each != NULL && i < n; i++)
	{
		double u = rate < 1 ? aug_rng_real(&rng) : 0;
		uint32_t h = 1 + (uint32_t) ((i + u) * steps / n);

		status = walk->each(walk, view, target + 1 - (h < steps ? h : steps), h < steps ? h : steps,
							valid);
	}
	return status;
}

static AugStatus
walk_member(Walk *walk, uint32_t member)
{
	PanelWork *work = walk->work;
	const AugPanelMember *m = &work->panel->members[member];
	size_t n = m->series.n > walk->cut ? m->series.n - walk->cut : 0, known = 0, from = 0;
	AugArena arena;
	PanelView view;
	AugStatus status = AUG_OK;

	aug_arena_init(&arena, work->host);
	if (walk->views && n > 0)
		status = aug_panel_view(&arena, &work->shape, m,
								work->codes + (size_t) member * work->shape.n_statics, n, &view,
								work->err);
	for (size_t t = 0; status == AUG_OK && t < n; t++)
	{
		bool valid = t + walk->held >= n;

		if (!isnan(m->series.y[t]) && known >= least_past(&work->shape))
			status = walk_target(walk, member, &view, t, from, valid);
		else if (!isnan(m->series.y[t]) && ++known == least_past(&work->shape))
			from = t + 1;
		if (status == AUG_OK && aug_panel_tick(work, 1))
			status = aug_fail_cancelled(work->err);
	}
	aug_arena_free(&arena);
	return status;
}

static AugStatus
walk_all(Walk *walk)
{
	AugStatus status = AUG_OK;

	walk->n = walk->n_valid = 0;
	walk->possible = walk->possible_valid = 0;
	for (uint32_t i = 0; status == AUG_OK && i < walk->work->panel->n_members; i++)
		if (walk->work->learnt[i])
			status = walk_member(walk, i);
	return status;
}

static AugStatus
keep_values(Walk *walk, const PanelView *view, size_t t, uint32_t h, bool valid)
{
	uint32_t p = walk->work->shape.n_numbers;

	(void) valid;
	if (walk->seen++ % walk->every != 0 || walk->kept == CUT_ROWS)
		return AUG_OK;
	aug_panel_features(view, t, h, walk->row);
	for (uint32_t f = 0; f < p; f++)
		walk->values[(size_t) f * CUT_ROWS + walk->kept] = walk->row[f];
	walk->kept++;
	return aug_panel_tick(walk->work, ROW_WORK) ? aug_fail_cancelled(walk->work->err) : AUG_OK;
}

static AugStatus
keep_cells(Walk *walk, const PanelView *view, size_t t, uint32_t h, bool valid)
{
	const AugMatrix *m = walk->matrix;
	size_t at = valid ? walk->at_valid++ : walk->at++;
	uint8_t *cells = walk->cells + at * m->stride;

	aug_panel_features(view, t, h, walk->row);
	for (uint32_t i = 0; i < m->n_features; i++)
	{
		const AugFeature *f = &m->features[i];
		double v = walk->row[i];

		if (f->kind == AUG_NUMERIC_FEATURE)
			cells[f->slot] = aug_bin(f->cuts, f->n_cuts, v);
		else if (f->wide)
			walk->wide[(size_t) f->slot * m->n_rows + at] = isnan(v) ? AUG_MISSING_WIDE
																	 : (uint32_t) v;
		else
			cells[f->slot] = isnan(v) ? AUG_MISSING_CELL : (uint8_t) v;
	}
	walk->y[at] = aug_panel_target(view->shape, view->v[t - 1 + h], aug_panel_level(view, t));
	return aug_panel_tick(walk->work, ROW_WORK) ? aug_fail_cancelled(walk->work->err) : AUG_OK;
}

/* ---- the matrix --------------------------------------------------------- */

/* Names, kinds and places; cuts are filled in later. */
static AugStatus
make_features(PanelWork *work, AugArena *arena, AugMatrix *m, AugFeature **out)
{
	const PanelShape *s = &work->shape;
	const char **names = aug_arena_alloc(arena, s->n_features, sizeof(char *));
	AugFeature *f = aug_arena_zero(arena, s->n_features, sizeof(AugFeature));

	if (f == NULL || names == NULL ||
		aug_panel_feature_names(s, work->panel, arena, names) == UINT32_MAX)
		return aug_fail_nomem(work->err, s->n_features * sizeof(AugFeature));
	for (uint32_t i = 0; i < s->n_features; i++)
	{
		if (i >= s->n_numbers)
		{
			f[i] = work->statics[i - s->n_numbers];
			names[i] = work->panel->static_names[i - s->n_numbers];
		}
		f[i].name = names[i];
		f[i].column = "";
		f[i].type_name = "";
		f[i].slot = f[i].wide ? m->n_wide++ : m->n_narrow++;
	}
	m->n_features = s->n_features;
	m->features = *out = f;
	m->stride = ((size_t) m->n_narrow + 3) / 4 * 4;
	return AUG_OK;
}

static AugStatus
make_cuts(Walk *walk, AugFeature *features)
{
	PanelWork *work = walk->work;
	uint32_t p = work->shape.n_numbers;
	AugArena arena;
	double cuts[AUG_MAX_BINS];
	AugStatus status;

	aug_arena_init(&arena, work->host);
	walk->values = aug_arena_alloc(&arena, p, CUT_ROWS * sizeof(double));
	if (walk->values == NULL)
	{
		aug_arena_free(&arena);
		return aug_fail_nomem(work->err, (size_t) p * CUT_ROWS * sizeof(double));
	}
	walk->every = (walk->n + walk->n_valid) / CUT_ROWS + 1;
	walk->each = keep_values;
	status = walk_all(walk);
	for (uint32_t f = 0; status == AUG_OK && f < p; f++)
	{
		uint32_t n = aug_cuts(walk->values + (size_t) f * CUT_ROWS, walk->kept, AUG_MAX_BINS, cuts);
		double *kept = aug_arena_alloc(walk->arena, n, sizeof(double));

		if (n > 0 && kept == NULL)
			status = aug_fail_nomem(work->err, n * sizeof(double));
		else if (work->host->poll(work->host->arg, -1))
			status = aug_fail_cancelled(work->err);
		if (status == AUG_OK && n > 0)
			memcpy(kept, cuts, n * sizeof(double));
		features[f].n_cuts = n;
		features[f].cuts = kept;
	}
	aug_arena_free(&arena);
	return status;
}

static AugStatus
make_cells(Walk *walk, AugMatrix *m)
{
	size_t n = m->n_rows;

	walk->cells = aug_arena_zero(walk->arena, n, m->stride);
	walk->wide = aug_arena_alloc(walk->arena, n, m->n_wide * sizeof(uint32_t));
	walk->y = aug_arena_alloc(walk->arena, n, sizeof(double));
	if (walk->cells == NULL || walk->wide == NULL || walk->y == NULL)
		return aug_fail_nomem(walk->work->err, n * m->stride);
	walk->matrix = m;
	walk->at = 0;
	walk->at_valid = n - m->n_last;
	walk->each = keep_cells;
	m->cells = walk->cells;
	m->wide = walk->wide;
	m->y = walk->y;
	return walk_all(walk);
}

AugStatus
aug_panel_rows(PanelWork *work, AugArena *arena, size_t cut, bool validate, PanelRows *rows)
{
	double most = aug_param_number(work->params, P_MAX_ROWS);
	AugMatrix *m = &rows->matrix;
	Walk walk = {.work = work, .cut = cut, .rate = 1, .rate_valid = 1, .arena = arena};
	AugFeature *features = NULL;
	AugStatus status;

	memset(rows, 0, sizeof(*rows));
	walk.held = validate ? work->shape.horizon : 0;
	status = walk_all(&walk);
	if (status != AUG_OK)
		return status;
	rows->n_possible = walk.possible + walk.possible_valid;
	walk.rate = walk.possible > most ? most / walk.possible : 1;
	walk.rate_valid =
		walk.possible_valid > VALID_SHARE * most ? VALID_SHARE * most / walk.possible_valid : 1;
	status = walk_all(&walk);
	if (status != AUG_OK)
		return status;
	if (walk.n == 0 || (validate && walk.n_valid == 0))
		return aug_fail(work->err, AUG_DATA, "the series are too short to learn from");
	if (walk.n + walk.n_valid > UINT32_MAX / 8)
		return aug_fail(work->err, AUG_LIMIT, "more than %u rows", UINT32_MAX / 8);
	m->task = AUG_REGRESSION;
	m->n_rows = (uint32_t) (walk.n + walk.n_valid);
	m->n_last = (uint32_t) walk.n_valid;
	m->target = "value over level";
	m->target_type = "";
	walk.row = aug_arena_alloc(arena, work->shape.n_features, sizeof(double));
	walk.views = true;
	status = walk.row == NULL ? aug_fail_nomem(work->err, 0)
							  : make_features(work, arena, m, &features);
	if (status == AUG_OK)
		status = make_cuts(&walk, features);
	if (status == AUG_OK)
		status = make_cells(&walk, m);
	return status;
}
