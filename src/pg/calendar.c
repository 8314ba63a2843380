/*-------------------------------------------------------------------------
 *
 * calendar.c
 *		Steps of a calendar: between two points in time, from one to the next.
 *
 * A step is a number of months, of days or of microseconds.  Months and days are
 * counted on the wall clock: of the time zone for timestamptz, so that a day may
 * have 23 or 25 hours; microseconds are counted in UTC, so that an hour is never
 * lost or met twice.  date and timestamp have a clock without changes.
 *
 * A chain of months is anchored: every step is counted from the origin with the
 * day of the month that the series has, cut where a month is shorter, so that
 * 31 January is followed by 28 February and 31 March.
 *
 * Memory: none but results.  Interrupts: none, all is constant time.
 *
 *-------------------------------------------------------------------------
 */
#include "timeline.h"

#include "common/int.h"
#include "datatype/timestamp.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#define MONTHS_A_YEAR 12
#define DAYS_A_WEEK	  7
#define WEEKS_A_YEAR  52
#define DAYS_A_YEAR	  365
/* 2000-01-03, a Monday, in days since 2000-01-01 */
#define A_MONDAY 2

/* Quotient and remainder with 0 <= remainder < b. */
static int64
floor_div(int64 a, int64 b, int64 *remainder)
{
	int64 q = a / b, r = a % b;

	if (r < 0)
	{
		r += b;
		q--;
	}
	*remainder = r;
	return q;
}

/* Year, month and day of days since 2000-01-01. */
static void
day_parts(int64 day, int *year, int *month, int *mday)
{
	j2date((int) (day + POSTGRES_EPOCH_JDATE), year, month, mday);
}

static int
month_length(int year, int month)
{
	return day_tab[isleap(year)][month - 1];
}

int64
augur_local_time(const AugurGrid *grid, int64 at)
{
	struct pg_tm tm;
	fsec_t fsec;
	int offset;

	if (grid->zone == NULL)
		return at;
	if (timestamp2tm(at, &offset, &tm, &fsec, NULL, grid->zone) != 0)
		return at;
	return at - (int64) offset * USECS_PER_SEC;
}

/* The point in time of a local time; one that a change of the clock skips or doubles is
 * read as the server reads it. */
static int64
from_local(const AugurGrid *grid, int64 local)
{
	struct pg_tm tm;
	fsec_t fsec;

	if (grid->zone == NULL)
		return local;
	if (timestamp2tm(local, NULL, &tm, &fsec, NULL, NULL) != 0)
		return local;
	return local + (int64) DetermineTimeZoneOffset(&tm, grid->zone) * USECS_PER_SEC;
}

int
augur_month_day(int64 local, bool *last)
{
	int64 rest;
	int year, month, mday;

	day_parts(floor_div(local, USECS_PER_DAY, &rest), &year, &month, &mday);
	*last = mday == month_length(year, month);
	return mday;
}

/*
 * Whole months when the day of the month is the same, or either is the last of a
 * shorter month; else whole days when the time of day is the same; else time.
 */
AugurStep
augur_step_between(const AugurGrid *grid, int64 from, int64 to)
{
	AugurStep step = {AUGUR_UNIT_MICROSECOND, to - from};
	int64 day1, day2, time1, time2;
	int y1, m1, d1, y2, m2, d2;

	/* no change of a clock is longer than an hour or two, so this cannot be a day */
	if (to - from < 20 * USECS_PER_HOUR)
		return step;
	day1 = floor_div(augur_local_time(grid, from), USECS_PER_DAY, &time1);
	day2 = floor_div(augur_local_time(grid, to), USECS_PER_DAY, &time2);
	if (time1 != time2 || day1 == day2)
		return step;
	step = (AugurStep){AUGUR_UNIT_DAY, day2 - day1};
	if (step.count < 28)
		return step;
	day_parts(day1, &y1, &m1, &d1);
	day_parts(day2, &y2, &m2, &d2);
	if (d1 == d2 || (d1 > d2 && d2 == month_length(y2, m2)) ||
		(d2 > d1 && d1 == month_length(y1, m1)))
		step = (AugurStep){AUGUR_UNIT_MONTH, (int64) (y2 - y1) * MONTHS_A_YEAR + m2 - m1};
	return step;
}

/* Months since year 0, and the day of the month that stands for the grid's in it. */
static int64
month_of(const AugurGrid *grid, int64 day, int *mday, int *grid_day)
{
	int year, month;

	day_parts(day, &year, &month, mday);
	*grid_day = Min(grid->month_day, month_length(year, month));
	return (int64) year * MONTHS_A_YEAR + month - 1;
}

/* Step of a position that is q units and rest / whole of a unit from the origin. */
static int64
step_of(const AugurGrid *grid, int64 units, double part, bool *exact)
{
	int64 rest;
	int64 step = floor_div(units, grid->step.count, &rest);

	*exact = rest == 0 && part == 0;
	if (grid->snap_floor)
		return step;
	return step + (((double) rest + part) / (double) grid->step.count >= 0.5 ? 1 : 0);
}

static int64
find_month(const AugurGrid *grid, int64 local, bool *exact)
{
	int64 time, origin_time;
	int64 day = floor_div(local, USECS_PER_DAY, &time);
	int64 origin_day = floor_div(grid->origin, USECS_PER_DAY, &origin_time);
	int mday, grid_day, origin_mday, origin_grid_day;
	int64 month = month_of(grid, day, &mday, &grid_day);
	int64 origin_month = month_of(grid, origin_day, &origin_mday, &origin_grid_day);
	int64 days = mday - grid_day;
	double part;

	if (days < 0 || (days == 0 && time < origin_time))
	{
		/* after the last month's day: days since that */
		int year, m, d;

		month--;
		day_parts(day - mday, &year, &m, &d); /* last day of the month before */
		days = mday + d - Min(grid->month_day, d);
	}
	/* as a share of a month of 31 days: below 1 for any month */
	part = ((double) days + (double) (time - origin_time) / (double) USECS_PER_DAY) / 31.0;
	return step_of(grid, month - origin_month, part, exact);
}

int64
augur_grid_find(const AugurGrid *grid, int64 at, bool *exact)
{
	int64 local, days, rest;

	switch (grid->step.unit)
	{
		case AUGUR_UNIT_MONTH:
			return find_month(grid, augur_local_time(grid, at), exact);
		case AUGUR_UNIT_DAY:
			local = augur_local_time(grid, at);
			days = floor_div(local - grid->origin, USECS_PER_DAY, &rest);
			return step_of(grid, days, (double) rest / (double) USECS_PER_DAY, exact);
		case AUGUR_UNIT_MICROSECOND:
		case AUGUR_UNIT_NONE:
			break;
	}
	return step_of(grid, at - grid->origin, 0, exact);
}

/* Days since 2000-01-01 of the grid's day, some months from the origin's; INT64_MAX beyond. */
static int64
month_day_at(const AugurGrid *grid, int64 months)
{
	int64 rest, month;
	int64 day = floor_div(grid->origin, USECS_PER_DAY, &rest);
	int mday, grid_day;
	int64 year = floor_div(month_of(grid, day, &mday, &grid_day) + months, MONTHS_A_YEAR, &month);

	if (year < -4712 || year > DATE_END_JULIAN / DAYS_A_YEAR)
		return INT64_MAX;
	mday = Min(grid->month_day, month_length((int) year, (int) month + 1));
	return (int64) date2j((int) year, (int) month + 1, mday) - POSTGRES_EPOCH_JDATE;
}

/* The end of a point in time: as a date, or as it is, or infinity. */
static int64
finish_time(const AugurGrid *grid, int64 local, bool is_local)
{
	int64 rest, day;

	if (grid->stamp == AUGUR_STAMP_DATE)
	{
		day = floor_div(local, USECS_PER_DAY, &rest);
		return IS_VALID_DATE(day) ? day : DATEVAL_NOEND;
	}
	if (is_local)
		local = from_local(grid, local);
	return IS_VALID_TIMESTAMP(local) ? local : DT_NOEND;
}

int64
augur_grid_at(const AugurGrid *grid, int64 step)
{
	int64 infinity = grid->stamp == AUGUR_STAMP_DATE ? DATEVAL_NOEND : DT_NOEND;
	int64 units, local, rest, day;

	if (pg_mul_s64_overflow(step, grid->step.count, &units))
		return infinity;
	switch (grid->step.unit)
	{
		case AUGUR_UNIT_MONTH:
			day = month_day_at(grid, units);
			(void) floor_div(grid->origin, USECS_PER_DAY, &rest);
			if (day == INT64_MAX || pg_mul_s64_overflow(day, USECS_PER_DAY, &local) ||
				pg_add_s64_overflow(local, rest, &local))
				return infinity;
			return finish_time(grid, local, true);
		case AUGUR_UNIT_DAY:
			if (pg_mul_s64_overflow(units, USECS_PER_DAY, &local) ||
				pg_add_s64_overflow(local, grid->origin, &local))
				return infinity;
			return finish_time(grid, local, true);
		case AUGUR_UNIT_MICROSECOND:
		case AUGUR_UNIT_NONE:
			break;
	}
	if (pg_add_s64_overflow(units, grid->origin, &local))
		return infinity;
	return finish_time(grid, local, false);
}

void
augur_grid_natural(AugurGrid *grid)
{
	grid->origin = 0;
	grid->month_day = 1;
	if (grid->step.unit == AUGUR_UNIT_DAY && grid->step.count % DAYS_A_WEEK == 0)
		grid->origin = A_MONDAY * USECS_PER_DAY;
}

Interval *
augur_step_interval(AugurStep step)
{
	Interval *span = palloc0(sizeof(Interval));

	if (step.unit == AUGUR_UNIT_MONTH)
		span->month = (int32) step.count;
	else if (step.unit == AUGUR_UNIT_DAY)
		span->day = (int32) step.count;
	else
		span->time = step.count;
	return span;
}

AugurStep
augur_interval_step(const Interval *span, AugurStamp stamp)
{
	int parts = (span->month != 0) + (span->day != 0) + (span->time != 0);
	AugurStep step;

	if (parts != 1 || span->month < 0 || span->day < 0 || span->time < 0 ||
		augur_compat_interval_infinite(span) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("frequency must be a positive number of months, of days or of a time"),
				 errhint("For example \"1 month\", \"7 days\" or \"15 minutes\".")));
	if (span->month != 0)
		step = (AugurStep){AUGUR_UNIT_MONTH, span->month};
	else if (span->day != 0)
		step = (AugurStep){AUGUR_UNIT_DAY, span->day};
	else
		step = (AugurStep){AUGUR_UNIT_MICROSECOND, span->time};
	if (stamp == AUGUR_STAMP_DATE && step.unit == AUGUR_UNIT_MICROSECOND)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("frequency of a series of dates must be whole days or months")));
	return step;
}

/* Adds the number of steps in a span when that is whole. */
static void
add_season(AugurStep step, int64 span, uint32 *season, int *n)
{
	int64 length = span / step.count;

	if (span % step.count == 0 && length >= 2 && length <= AUG_MAX_PERIOD)
		season[(*n)++] = (uint32) length;
}

int
augur_step_seasons(AugurStep step, uint32 season[AUG_MAX_PERIODS])
{
	int n = 0;

	switch (step.unit)
	{
		case AUGUR_UNIT_MONTH:
			add_season(step, MONTHS_A_YEAR, season, &n);
			break;
		case AUGUR_UNIT_DAY:
			if (step.count % DAYS_A_WEEK == 0)
			{
				/* weeks: a year has no whole number of them */
				step.count /= DAYS_A_WEEK;
				add_season(step, WEEKS_A_YEAR, season, &n);
				break;
			}
			add_season(step, DAYS_A_WEEK, season, &n);
			add_season(step, DAYS_A_YEAR, season, &n);
			break;
		case AUGUR_UNIT_MICROSECOND:
			/* the season of an hour is for steps of at most a minute */
			if (step.count <= USECS_PER_MINUTE)
				add_season(step, USECS_PER_HOUR, season, &n);
			add_season(step, USECS_PER_DAY, season, &n);
			add_season(step, DAYS_A_WEEK * USECS_PER_DAY, season, &n);
			break;
		case AUGUR_UNIT_NONE:
			break;
	}
	return n;
}
