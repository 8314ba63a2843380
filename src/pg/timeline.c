/*-------------------------------------------------------------------------
 *
 * timeline.c
 *		From the rows of one series, in any order, to equally spaced values.
 *
 * The step is the most frequent difference between neighbours, seen as a calendar
 * sees it (see modal_step); the last pair that is one step apart anchors the grid.
 * Points off the grid go to the nearest step (under a given frequency: to the step they
 * lie in, steps starting at midnight, Monday or the first of a month) and are counted.  Points that
 * share a step are put together by the rule for duplicates, steps without a value are
 * filled by the rule for gaps; both are counted.  A timestamptz series that fits the
 * clock of UTC better than that of the time zone is laid on UTC.
 *
 * A span that is out of all proportion to its points (a date of 9999 among daily
 * rows) is cut at its longest gaps, and the part with most points is kept; the others
 * are counted.  So the values never need more than a fixed multiple of the rows.
 *
 * Memory: a key of 16 bytes a row while the step is sought, 8 bytes a step for the
 * values.  Interrupts: sorting and passes over rows look for them.
 *
 *-------------------------------------------------------------------------
 */
#include "timeline.h"

#include <math.h>

#include "miscadmin.h"
#include "port.h"
#include "storage/shmem.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* Steps of a grid, by the row and at least, before it is cut at its gaps. */
#define MAX_STEPS_A_POINT 64
#define MIN_STEPS		  100000

/* ---- sorting ------------------------------------------------------------- */

int
augur_compare_points(const void *a, const void *b)
{
	const AugurPoint *p = a, *q = b;

	CHECK_FOR_INTERRUPTS();
	if (p->at != q->at)
		return p->at < q->at ? -1 : 1;
	if (isnan(p->y) || isnan(q->y))
		return (isnan(p->y) ? 1 : 0) - (isnan(q->y) ? 1 : 0);
	if (p->y != q->y)
		return p->y < q->y ? -1 : 1;
	return (signbit(p->y) ? 0 : 1) - (signbit(q->y) ? 0 : 1);
}

static bool
sorted(const AugurPoint *points, Size n)
{
	for (Size i = 1; i < n; i++)
	{
		if (augur_compare_points(points + i - 1, points + i) > 0)
			return false;
	}
	return true;
}

/* ---- the step -------------------------------------------------------------- */

static int
compare_steps(const void *a, const void *b)
{
	const AugurStep *p = a, *q = b;

	CHECK_FOR_INTERRUPTS();
	if (p->unit != q->unit)
		return p->unit < q->unit ? -1 : 1;
	return p->count < q->count ? -1 : p->count > q->count ? 1 : 0;
}

/* A number of months that a difference in days may mean, or 0. */
static int
months_like(int64 microseconds)
{
	static const struct
	{
		int low, high, months;
	} spans[] = {{28, 31, 1}, {59, 62, 2}, {89, 92, 3}, {181, 184, 6}, {364, 366, 12}};
	int64 days = (microseconds + USECS_PER_DAY / 2) / USECS_PER_DAY;

	for (int i = 0; i < lengthof(spans); i++)
	{
		if (days >= spans[i].low && days <= spans[i].high)
			return spans[i].months;
	}
	return 0;
}

/* How many of the differences are whole days, but no multiple of some number of them. */
static Size
count_off(const AugurStep *steps, Size n, int64 days)
{
	Size off = 0;

	for (Size i = 0; i < n; i++)
		off += steps[i].unit == AUGUR_UNIT_DAY && steps[i].count % days != 0 ? 1 : 0;
	return off;
}

/*
 * The step of n_steps differences, which are sorted here; spans are the differences
 * in microseconds, likewise.  Ties go to the smaller step.
 *
 * "The first Monday of the month" is 28 days or 35: days that are about a month (two, a
 * quarter, half a year, a year) are that when a tenth of the differences is no multiple of them;
 * and so is the median when no difference makes up half of all.
 */
static AugurStep
modal_step(AugurStep *steps, Size n_steps, AugurStep *spans)
{
	AugurStep best = steps[0];
	Size most = 0;
	int months = 0;

	qsort(steps, n_steps, sizeof(AugurStep), compare_steps);
	for (Size i = 0, j; i < n_steps; i = j)
	{
		for (j = i; j < n_steps && compare_steps(steps + i, steps + j) == 0; j++)
			;
		if (j - i > most)
		{
			most = j - i;
			best = steps[i];
		}
	}
	if (best.unit == AUGUR_UNIT_MONTH)
		return best;
	if (best.unit == AUGUR_UNIT_DAY && count_off(steps, n_steps, best.count) * 10 >= n_steps)
		months = months_like(best.count * USECS_PER_DAY);
	if (months == 0 && most * 2 < n_steps)
	{
		qsort(spans, n_steps, sizeof(AugurStep), compare_steps);
		months = months_like(spans[n_steps / 2].count);
	}
	return months > 0 ? (AugurStep){AUGUR_UNIT_MONTH, months} : best;
}

/* Infers grid->step, and the anchor of the grid: the last pair one step apart. */
static void
infer_step(AugurGrid *grid, const AugurPoint *points, Size n)
{
	AugurStep *steps = MemoryContextAllocHuge(CurrentMemoryContext, mul_size(n, sizeof(AugurStep)));
	AugurStep *spans = NULL;
	Size n_steps = 0;
	bool same = true;
	int64 anchor = points[0].at;

	for (Size i = 1; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (points[i].at == points[i - 1].at)
			continue;
		steps[n_steps] = augur_step_between(grid, points[i - 1].at, points[i].at);
		same = same && compare_steps(steps, steps + n_steps) == 0;
		n_steps++;
	}
	if (n_steps == 0)
	{
		grid->step = (AugurStep){AUGUR_UNIT_NONE, 0};
		pfree(steps);
		return;
	}
	if (same)
		grid->step = steps[0];
	else
	{
		Size k = 0;

		spans = MemoryContextAllocHuge(CurrentMemoryContext, mul_size(n, sizeof(AugurStep)));
		for (Size i = 1; i < n; i++)
		{
			if (points[i].at != points[i - 1].at)
				spans[k++] = (AugurStep){AUGUR_UNIT_MICROSECOND, points[i].at - points[i - 1].at};
		}
		grid->step = modal_step(steps, n_steps, spans);
		pfree(spans);
	}
	pfree(steps);
	for (Size i = n - 1; i > 0; i--)
	{
		AugurStep step = augur_step_between(grid, points[i - 1].at, points[i].at);

		if (compare_steps(&step, &grid->step) == 0)
		{
			anchor = points[i].at;
			break;
		}
	}
	grid->origin = grid->step.unit == AUGUR_UNIT_MICROSECOND ? anchor
															 : augur_local_time(grid, anchor);
}

/*
 * The day of the month of a monthly grid: the last for points that are all last days,
 * else the greatest among those of the anchor's kind, for shorter months cut it.
 */
static void
find_month_day(AugurGrid *grid, const AugurPoint *points, Size n)
{
	bool all_last = true, last;
	int day, most = 0, anchor = augur_month_day(grid->origin, &last);
	bool anchor_last = last;

	for (Size i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		day = augur_month_day(augur_local_time(grid, points[i].at), &last);
		all_last = all_last && last;
		most = Max(most, day);
	}
	if (all_last)
		grid->month_day = 31;
	else
		grid->month_day = anchor_last ? Max(anchor, most) : anchor;
}

/* ---- the grid ----------------------------------------------------------------- */

/* How many of the points lie on the grid. */
static Size
count_exact(const AugurGrid *grid, const AugurPoint *points, Size n)
{
	Size exact = 0;

	for (Size i = 0; i < n; i++)
	{
		bool on_grid;

		CHECK_FOR_INTERRUPTS();
		(void) augur_grid_find(grid, points[i].at, &on_grid);
		exact += on_grid ? 1 : 0;
	}
	return exact;
}

/* Lays a grid on one clock; returns how many of the points lie on it. */
static Size
lay_grid(const AugurTimelineOptions *options, pg_tz *zone, const AugurPoint *points, Size n,
		 AugurGrid *grid)
{
	Size exact;

	*grid = (AugurGrid){.stamp = options->stamp, .zone = zone, .month_day = 1};
	if (options->frequency.unit == AUGUR_UNIT_NONE)
		infer_step(grid, points, n);
	else
	{
		grid->step = options->frequency;
		grid->origin = grid->step.unit == AUGUR_UNIT_MICROSECOND
						   ? points[n - 1].at
						   : augur_local_time(grid, points[n - 1].at);
	}
	if (grid->step.unit == AUGUR_UNIT_NONE)
	{
		grid->step_assumed = true;
		grid->step = (AugurStep){AUGUR_UNIT_DAY, 1};
		grid->origin = augur_local_time(grid, points[0].at);
		return n;
	}
	if (grid->step.unit == AUGUR_UNIT_MONTH)
		find_month_day(grid, points, n);
	exact = count_exact(grid, points, n);
	if (exact < n && options->frequency.unit != AUGUR_UNIT_NONE)
	{
		augur_grid_natural(grid);
		grid->snap_floor = true;
		exact = count_exact(grid, points, n);
	}
	return exact;
}

static AugurGrid
choose_grid(const AugurTimelineOptions *options, const AugurPoint *points, Size n)
{
	pg_tz *zone = options->stamp == AUGUR_STAMP_TIMESTAMPTZ ? options->zone : NULL;
	AugurGrid grid, utc;
	Size exact = lay_grid(options, zone, points, n, &grid);

	if (zone != NULL && exact < n)
	{
		Size exact_utc = lay_grid(options, NULL, points, n, &utc);

		/* a bucket of a given frequency is one of the user's clock */
		if (exact_utc > exact && !(utc.snap_floor && exact_utc < n))
			return utc;
	}
	return grid;
}

/* ---- values --------------------------------------------------------------------- */

/*
 * The rows that are used, when the span is out of proportion: the part with most
 * rows (of equals the last) between gaps that are too long.
 */
static void
cut_gaps(const AugurGrid *grid, AugurPoint **points, Size *n)
{
	bool exact;
	int64 first = augur_grid_find(grid, (*points)[0].at, &exact);
	int64 last = augur_grid_find(grid, (*points)[*n - 1].at, &exact);
	int64 limit = Max((int64) Min(*n, (Size) PG_INT64_MAX / MAX_STEPS_A_POINT) * MAX_STEPS_A_POINT,
					  MIN_STEPS);
	int64 gap = Max(limit / (int64) *n, 1), before = first;
	Size begin = 0, best = 0, best_n = 0;

	if (last - first < limit)
		return;
	for (Size i = 1; i <= *n; i++)
	{
		int64 step = i < *n ? augur_grid_find(grid, (*points)[i].at, &exact) : before;

		CHECK_FOR_INTERRUPTS();
		if (i == *n || step - before > gap)
		{
			if (i - begin >= best_n)
			{
				best = begin;
				best_n = i - begin;
			}
			begin = i;
		}
		before = step;
	}
	*points += best;
	*n = best_n;
}

char *
augur_grid_text(const AugurGrid *grid, int64 step)
{
	int64 at = augur_grid_at(grid, step);

	if (grid->stamp == AUGUR_STAMP_DATE)
		return DatumGetCString(DirectFunctionCall1(date_out, DateADTGetDatum((DateADT) at)));
	if (grid->stamp == AUGUR_STAMP_TIMESTAMP)
		return DatumGetCString(DirectFunctionCall1(timestamp_out, TimestampGetDatum(at)));
	return DatumGetCString(DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(at)));
}

pg_noreturn static void
duplicate_error(const AugurGrid *grid, int64 step, int64 rows)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%lld rows of one series share the step at %s", (long long) rows,
					augur_grid_text(grid, step)),
			 errhint("Say how they are put together: option \"duplicates\" is \"sum\", \"mean\" or "
					 "\"last\".")));
}

/* The value of rows points[0..n) that share a step; NaN when none has one. */
static double
put_together(const AugurPoint *points, Size n, AugurDuplicates rule)
{
	double sum = 0, last = NAN;
	Size values = 0;

	for (Size i = 0; i < n; i++)
	{
		if (isnan(points[i].y))
			continue;
		sum += points[i].y;
		last = points[i].y;
		values++;
	}
	if (values == 0)
		return NAN;
	if (rule == AUGUR_DUPLICATES_LAST || values == 1)
		return last;
	if (rule == AUGUR_DUPLICATES_SUM)
		return sum;
	/* the sum of huge values may overflow where their mean does not */
	if (isinf(sum))
	{
		sum = 0;
		for (Size i = 0; i < n; i++)
			sum += isnan(points[i].y) ? 0 : points[i].y / (double) values;
		return sum;
	}
	return sum / (double) values;
}

static void
lay_values(const AugurTimelineOptions *options, const AugurPoint *points, Size n, AugurTimeline *t)
{
	int64 base = t->grid.first_step;

	for (Size i = 0; i < t->n; i++)
		t->y[i] = NAN;
	for (Size i = 0, j; i < n; i = j)
	{
		bool exact;
		int64 step = augur_grid_find(&t->grid, points[i].at, &exact);

		t->irregular += exact ? 0 : 1;
		for (j = i + 1; j < n; j++)
		{
			CHECK_FOR_INTERRUPTS();
			if (augur_grid_find(&t->grid, points[j].at, &exact) != step)
				break;
			t->irregular += exact ? 0 : 1;
		}
		t->duplicates += (int64) (j - i - 1);
		if (j - i > 1 && options->duplicates == AUGUR_DUPLICATES_ERROR)
			duplicate_error(&t->grid, step, (int64) (j - i));
		t->y[step - base] = put_together(points + i, j - i, options->duplicates);
		/* a sum that overflows is no value */
		if (isinf(t->y[step - base]))
			t->y[step - base] = NAN;
		t->observed += isnan(t->y[step - base]) ? 0 : 1;
	}
}

void
augur_timeline_lay(const AugurGrid *grid, AugurDuplicates rule, const AugurPoint *points, Size n,
				   int64 from, Size steps, double *out, Size stride)
{
	for (Size i = 0, j; i < n; i = j)
	{
		bool exact;
		int64 step = augur_grid_find(grid, points[i].at, &exact);
		double value;

		for (j = i + 1; j < n && augur_grid_find(grid, points[j].at, &exact) == step; j++)
			CHECK_FOR_INTERRUPTS();
		if (step < from || step - from >= (int64) steps)
			continue;
		if (j - i > 1 && rule == AUGUR_DUPLICATES_ERROR)
			duplicate_error(grid, step, (int64) (j - i));
		value = put_together(points + i, j - i, rule);
		out[(Size) (step - from) * stride] = isfinite(value) ? value : NAN;
	}
}

/* Fills a gap y[begin..end) whose neighbours may be missing at the ends of the series. */
static void
fill_gap(AugurTimeline *t, Size begin, Size end, AugurGaps rule)
{
	double before = begin > 0 ? t->y[begin - 1] : NAN;
	double after = end < t->n ? t->y[end] : NAN;
	double share;

	for (Size i = begin; i < end; i++)
	{
		share = (double) (i - begin + 1) / (double) (end - begin + 1);
		if (rule == AUGUR_GAPS_ZERO)
			t->y[i] = 0;
		else if (rule == AUGUR_GAPS_CARRY || isnan(after))
			t->y[i] = before;
		else
			t->y[i] = isnan(before) ? after : before * (1 - share) + after * share;
		if (!isnan(t->y[i]))
			t->filled++;
	}
}

static void
fill_gaps(AugurTimeline *t, AugurGaps rule)
{
	Size begin = 0;

	if (rule != AUGUR_GAPS_MISSING && t->observed > 0)
	{
		for (Size i = 0; i <= t->n; i++)
		{
			if (i < t->n && isnan(t->y[i]))
				continue;
			if (i > begin)
				fill_gap(t, begin, i, rule);
			begin = i + 1;
		}
	}
	t->missing = (int64) t->n - t->observed - t->filled;
}

/* Season lengths as asked, or as the step suggests, of those seen at least twice. */
static void
find_seasons(const AugurTimelineOptions *options, AugurTimeline *t)
{
	uint32 season[AUG_MAX_PERIODS];
	int n;

	if (options->n_season >= 0)
	{
		t->n_season = options->n_season;
		memcpy(t->season, options->season, sizeof(t->season));
		return;
	}
	n = augur_step_seasons(t->grid.step, season);
	for (int i = 0; i < n; i++)
	{
		if (t->n >= 2 * (Size) season[i])
			t->season[t->n_season++] = season[i];
	}
}

bool
augur_timeline_build(const AugurTimelineOptions *options, AugurPoint *points, Size n,
					 MemoryContext context, AugurTimeline *out)
{
	MemoryContext old;
	bool exact;
	Size all = n;
	int64 last;

	memset(out, 0, sizeof(*out));
	if (n == 0)
		return false;
	old = MemoryContextSwitchTo(context);
	if (!sorted(points, n))
		qsort(points, n, sizeof(AugurPoint), augur_compare_points);
	out->grid = choose_grid(options, points, n);
	cut_gaps(&out->grid, &points, &n);
	out->points = (int64) n;
	out->left_out = (int64) (all - n);
	out->grid.first_step = augur_grid_find(&out->grid, points[0].at, &exact);
	last = augur_grid_find(&out->grid, points[n - 1].at, &exact);
	out->n = (Size) (last - out->grid.first_step) + 1;
	out->y = MemoryContextAllocHuge(context, mul_size(out->n, sizeof(double)));
	lay_values(options, points, n, out);
	fill_gaps(out, options->gaps);
	find_seasons(options, out);
	MemoryContextSwitchTo(old);
	return true;
}

void
augur_timeline_part(const AugurTimelineOptions *options, const AugurTimeline *whole, Size n,
					MemoryContext context, AugurTimeline *out)
{
	*out = *whole;
	out->n = n;
	out->y = MemoryContextAllocHuge(context, mul_size(n, sizeof(double)));
	memcpy(out->y, whole->y, n * sizeof(double));
	out->observed = out->filled = 0;
	for (Size i = 0; i < n; i++)
		out->observed += isnan(out->y[i]) ? 0 : 1;
	fill_gaps(out, options->gaps);
	out->n_season = 0;
	find_seasons(options, out);
}

int64
augur_timeline_at(const AugurTimeline *timeline, int64 i)
{
	return augur_grid_at(&timeline->grid, timeline->grid.first_step + i);
}

void
augur_timeline_tail(const AugurTimelineOptions *options, const AugurTimeline *frame, Size first,
					double *y, AugurTimeline *out)
{
	*out = *frame;
	out->grid.first_step += (int64) first;
	out->n = frame->n - first;
	out->y = y;
	out->points = out->filled = out->duplicates = out->irregular = out->left_out = 0;
	out->observed = out->n_season = 0;
	for (Size i = 0; i < out->n; i++)
		out->observed += isnan(y[i]) ? 0 : 1;
	out->missing = (int64) out->n - out->observed;
	find_seasons(options, out);
}

bool
augur_timeline_within(const AugurTimelineOptions *options, const AugurTimeline *frame,
					  AugurPoint *points, Size n, MemoryContext context, AugurTimeline *out)
{
	AugurTimeline all = *frame;
	MemoryContext old = MemoryContextSwitchTo(context);
	Size before = 0, after = n, first = 0;
	bool exact;

	if (!sorted(points, n))
		qsort(points, n, sizeof(AugurPoint), augur_compare_points);
	while (before < n &&
		   augur_grid_find(&frame->grid, points[before].at, &exact) < frame->grid.first_step)
		before++;
	while (after > before && augur_grid_find(&frame->grid, points[after - 1].at, &exact) >=
								 frame->grid.first_step + (int64) frame->n)
		after--;
	all.y = MemoryContextAllocHuge(context, mul_size(frame->n, sizeof(double)));
	all.observed = all.duplicates = all.irregular = 0;
	lay_values(options, points + before, after - before, &all);
	while (first < frame->n && isnan(all.y[first]))
		first++;
	if (first > 0 && first < frame->n)
		memmove(all.y, all.y + first, (frame->n - first) * sizeof(double));
	augur_timeline_tail(options, frame, first, all.y, out);
	out->points = (int64) (after - before);
	out->left_out = (int64) n - out->points;
	out->duplicates = all.duplicates;
	out->irregular = all.irregular;
	fill_gaps(out, options->gaps);
	MemoryContextSwitchTo(old);
	return out->n > 0;
}
