/*-------------------------------------------------------------------------
 *
 * timeline.h
 *		From points in time to equally spaced values, and on into the future.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_TIMELINE_H
#define AUGUR_TIMELINE_H

#include "pg.h"

#include "pgtime.h"

/* The type that a series' points in time have. */
typedef enum AugurStamp
{
	AUGUR_STAMP_DATE = 0,
	AUGUR_STAMP_TIMESTAMP = 1,
	AUGUR_STAMP_TIMESTAMPTZ = 2
} AugurStamp;

typedef enum AugurUnit
{
	AUGUR_UNIT_NONE = 0, /* not known */
	AUGUR_UNIT_MICROSECOND,
	AUGUR_UNIT_DAY,	 /* of the calendar: 23 to 25 hours */
	AUGUR_UNIT_MONTH /* 28 to 31 days */
} AugurUnit;

typedef struct AugurStep
{
	AugurUnit unit;
	int64 count; /* > 0 */
} AugurStep;

/* One row: microseconds since 2000 (UTC, or of the wall clock), NaN for no value. */
typedef struct AugurPoint
{
	int64 at;
	double y;
} AugurPoint;

typedef enum AugurGaps
{
	AUGUR_GAPS_MISSING = 0,
	AUGUR_GAPS_INTERPOLATE,
	AUGUR_GAPS_ZERO,
	AUGUR_GAPS_CARRY
} AugurGaps;

typedef enum AugurDuplicates
{
	AUGUR_DUPLICATES_MEAN = 0,
	AUGUR_DUPLICATES_SUM,
	AUGUR_DUPLICATES_LAST,
	AUGUR_DUPLICATES_ERROR
} AugurDuplicates;

typedef struct AugurTimelineOptions
{
	AugurStamp stamp;
	pg_tz *zone;		 /* of AUGUR_STAMP_TIMESTAMPTZ, else not looked at */
	AugurStep frequency; /* NONE: inferred */
	AugurGaps gaps;
	AugurDuplicates duplicates;
	int n_season; /* -1: by the step; 0: none */
	uint32 season[AUG_MAX_PERIODS];
} AugurTimelineOptions;

/* Where a step lies: a step's multiples from an origin on one clock. */
typedef struct AugurGrid
{
	AugurStamp stamp;
	pg_tz *zone; /* NULL: the clock needs none */
	AugurStep step;
	int64 origin;	   /* local time of step 0 */
	int month_day;	   /* for months: day of the month, cut where the month is shorter */
	bool snap_floor;   /* points off the grid go to the step they lie in, not the nearest */
	bool step_assumed; /* one point in time does not tell a step */
	int64 first_step;  /* of the first value */
} AugurGrid;

typedef struct AugurTimeline
{
	AugurGrid grid;
	Size n;
	double *y;
	int64 points;	  /* rows that were used */
	int64 observed;	  /* steps with a value of their own */
	int64 filled;	  /* steps that the rule for gaps gave a value */
	int64 missing;	  /* steps without a value that were left so */
	int64 duplicates; /* rows that share their step with an earlier one */
	int64 irregular;  /* rows off the grid */
	int64 left_out;	  /* rows beyond a gap that is too long */
	int n_season;
	uint32 season[AUG_MAX_PERIODS];
} AugurTimeline;

/* The span of points that are used: others are far outside of history. */
#define AUGUR_STAMP_LIMIT INT64CONST(4500000000000000000)

/* ---- calendar.c -------------------------------------------------------- */

/* Local time of a point; on a clock without a zone the same. */
extern int64 augur_local_time(const AugurGrid *grid, int64 at);
/* Step between two points in time as a calendar sees it. */
extern AugurStep augur_step_between(const AugurGrid *grid, int64 from, int64 to);
/* Number of the step at which a point lies; exact: whether it lies just there. */
extern int64 augur_grid_find(const AugurGrid *grid, int64 at, bool *exact);
/* The point in time of a step: microseconds, or days for dates; infinity beyond the types. */
extern int64 augur_grid_at(const AugurGrid *grid, int64 step);
/* The natural start of steps of a given frequency: midnight, Monday, January. */
extern void augur_grid_natural(AugurGrid *grid);
/* Day of the month and whether it is the month's last. */
extern int augur_month_day(int64 local, bool *last);
/* A step as an interval.  palloc'ed. */
extern Interval *augur_step_interval(AugurStep step);
/* The step that an interval means; ERROR 22023 when it mixes units or is not positive. */
extern AugurStep augur_interval_step(const Interval *span, AugurStamp stamp);
/* Season lengths that a step suggests, ascending; returns how many. */
extern int augur_step_seasons(AugurStep step, uint32 season[AUG_MAX_PERIODS]);

/* ---- timeline.c --------------------------------------------------------- */

/*
 * Sorts points in place and lays them on equally spaced steps; the result is in
 * context.  false: there is no point.  The order that the points come in does not
 * matter.  ERROR 22023 when points share a step and the rule is 'error'.
 */
extern bool augur_timeline_build(const AugurTimelineOptions *options, AugurPoint *points, Size n,
								 MemoryContext context, AugurTimeline *out);
/*
 * The first n values of a timeline whose gaps are open, as a timeline of its own: gaps
 * are filled by the rule, and seasons taken, from these values alone.
 */
extern void augur_timeline_part(const AugurTimelineOptions *options, const AugurTimeline *whole,
								Size n, MemoryContext context, AugurTimeline *out);
/*
 * As augur_timeline_build, on the steps of another timeline: from the first value to the
 * end of the frame.  Points outside the frame are left out; gaps are filled by the rule.
 * false: there is no value.
 */
extern bool
augur_timeline_within(const AugurTimelineOptions *options, const AugurTimeline *frame,
					  AugurPoint *points, Size n, MemoryContext context, AugurTimeline *out);
/* The frame's steps from number first on with the values y, which the timeline keeps. */
extern void augur_timeline_tail(const AugurTimelineOptions *options, const AugurTimeline *frame,
								Size first, double *y, AugurTimeline *out);
/* By time, then by value with missing ones last: equal rows are equal bits. */
extern int augur_compare_points(const void *a, const void *b);
/*
 * Lays points, which ascend by time, on steps from .. from + steps - 1 of a grid: out
 * [steps] at a stride, untouched where there is no point.  Points on other steps are
 * passed over; ERROR as for augur_timeline_build.
 */
extern void
augur_timeline_lay(const AugurGrid *grid, AugurDuplicates rule, const AugurPoint *points, Size n,
				   int64 from, Size steps, double *out, Size stride);
/* The point in time of a step as the type of the series writes it; palloc'ed. */
extern char *augur_grid_text(const AugurGrid *grid, int64 step);
/* The point in time of value i, of the future when i >= n; as augur_grid_at. */
extern int64 augur_timeline_at(const AugurTimeline *timeline, int64 i);

#endif /* AUGUR_TIMELINE_H */
