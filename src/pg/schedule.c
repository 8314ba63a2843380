/*-------------------------------------------------------------------------
 *
 * schedule.c
 *		The slots of a schedule: the next one, the one before.
 *
 * Clocks change.  A cron schedule follows the rule of Vixie cron: when its minute or hour
 * begins with a star it runs whenever the wall clock shows a time of it, so that it has no
 * slot in an hour that is skipped and two in one that is repeated.  All others are meant as
 * times of the day: one that is skipped runs right after the gap, once, and one that is
 * repeated runs the first time only.  Steps of days and months follow the second rule, steps
 * of time know no clock.
 *
 * Times of the wall clock are Timestamps, points in time are TimestampTz, both microseconds.
 *
 * Memory: none.  Interrupts: none, a search is bounded by SEARCH_DAYS.
 *
 *-------------------------------------------------------------------------
 */
#include "schedule.h"

#include "utils/datetime.h"
#include "utils/timestamp.h"

#define MINUTES_PER_DAY 1440
/* 29 February of one weekday comes within 40 years */
#define SEARCH_DAYS (60 * 366)
#define UNIX_OFFSET (((int64) POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)
/* 2000-01-01 was a Saturday */
#define FIRST_WEEKDAY 6

/* Quotient that is rounded down. */
static int64
floor_quotient(int64 a, int64 b)
{
	return a / b - (a % b < 0 ? 1 : 0);
}

/* A part of the time line with one offset, all in seconds since 1970. */
typedef struct Stretch
{
	int64 offset; /* east of Greenwich */
	bool bounded;
	int64 end; /* the first second that has another offset */
	int64 offset_after;
} Stretch;

static Stretch
stretch_at(const pg_tz *zone, int64 seconds)
{
	pg_time_t at = (pg_time_t) seconds, end = 0;
	long before = 0, after = 0;
	int dst;
	int found = pg_next_dst_boundary(&at, &before, &dst, &end, &after, &dst, zone);

	return (Stretch){before, found > 0, (int64) end, after};
}

static int64
unix_seconds(int64 microseconds)
{
	return floor_quotient(microseconds, USECS_PER_SEC) + UNIX_OFFSET;
}

static int64
from_unix(int64 seconds)
{
	return (seconds - UNIX_OFFSET) * USECS_PER_SEC;
}

Timestamp
augur_time_to_wall(const pg_tz *zone, TimestampTz at)
{
	return at + stretch_at(zone, unix_seconds(at)).offset * USECS_PER_SEC;
}

TimestampTz
augur_wall_to_time(const pg_tz *zone, Timestamp local)
{
	int64 wall = unix_seconds(local);
	/* no offset is a day, so this lies before the time sought */
	int64 at = wall - SECS_PER_DAY;

	for (;;)
	{
		Stretch s = stretch_at(zone, at);

		if (!s.bounded || wall - s.offset < s.end)
			return local - s.offset * USECS_PER_SEC;
		/* skipped: the clock went past it at the end of this stretch */
		if (wall - s.offset_after < s.end)
			return from_unix(s.end);
		at = s.end;
	}
}

static bool
day_matches(const AugurSchedule *s, int64 day, int mday, int length)
{
	int weekday = (int) ((day + FIRST_WEEKDAY) - floor_quotient(day + FIRST_WEEKDAY, 7) * 7);
	uint8 nth = s->nth[weekday];
	bool by_day = (s->days & (1U << mday)) != 0 || (s->last_day && mday == length);
	bool by_weekday = (s->weekdays & (1U << weekday)) != 0 ||
					  (nth & (1U << ((mday + 6) / 7))) != 0 ||
					  ((nth & (1U << AUGUR_NTH_LAST)) != 0 && mday + 7 > length);

	return s->both ? by_day && by_weekday : by_day || by_weekday;
}

/* The first minute of a day from one on that matches, or -1. */
static int
minute_from(const AugurSchedule *s, int minute)
{
	for (int hour = minute / 60; hour < 24; hour++, minute = 0)
	{
		uint64 left;

		if ((s->hours & (1U << hour)) == 0)
			continue;
		left = s->minutes >> (minute % 60);
		if (left == 0)
			continue;
		minute %= 60;
		while ((left & 1) == 0)
		{
			left >>= 1;
			minute++;
		}
		return hour * 60 + minute;
	}
	return -1;
}

/* The first time after local that the wall clock shows one of a cron schedule. */
static Timestamp
wall_after(const AugurSchedule *s, Timestamp local)
{
	int64 minute = floor_quotient(local, USECS_PER_MINUTE) + 1;
	int64 day = floor_quotient(minute, MINUTES_PER_DAY);
	int64 last = day + SEARCH_DAYS;
	int from = (int) (minute - day * MINUTES_PER_DAY);
	int year, month, mday, length;

	if (!IS_VALID_TIMESTAMP(local + (int64) SEARCH_DAYS * USECS_PER_DAY))
		return AUGUR_NO_SLOT;
	j2date((int) (day + POSTGRES_EPOCH_JDATE), &year, &month, &mday);
	length = day_tab[isleap(year)][month - 1];
	while (day <= last)
	{
		bool right_month = (s->months & (1U << month)) != 0;

		if (right_month && day_matches(s, day, mday, length))
		{
			int found = minute_from(s, from);

			if (found >= 0)
				return (day * MINUTES_PER_DAY + found) * USECS_PER_MINUTE;
		}
		from = 0;
		/* to the next day, or over a month that cannot match */
		day += right_month ? 1 : length - mday + 1;
		mday = right_month ? mday + 1 : length + 1;
		if (mday > length)
		{
			mday = 1;
			month = month == 12 ? 1 : month + 1;
			year += month == 1 ? 1 : 0;
			length = day_tab[isleap(year)][month - 1];
		}
	}
	return AUGUR_NO_SLOT;
}

/* By time elapsed: on each stretch the wall clock runs evenly. */
static TimestampTz
elapsed_after(const AugurSchedule *s, TimestampTz at)
{
	for (;;)
	{
		Stretch stretch = stretch_at(s->zone, unix_seconds(at));
		int64 offset = stretch.offset * USECS_PER_SEC;
		Timestamp local = wall_after(s, at + offset);

		if (local != AUGUR_NO_SLOT && (!stretch.bounded || local - offset < from_unix(stretch.end)))
			return local - offset;
		if (!stretch.bounded)
			return AUGUR_NO_SLOT;
		/* the first time that the next stretch shows counts, too */
		at = from_unix(stretch.end) - 1;
		offset = stretch.offset_after * USECS_PER_SEC;
		local = wall_after(s, at + offset);
		if (local == from_unix(stretch.end) + offset)
			return local - offset;
		at++;
	}
}

static TimestampTz
cron_after(const AugurSchedule *s, TimestampTz at)
{
	Timestamp local;

	if (s->elapsed)
		return elapsed_after(s, at);
	local = augur_time_to_wall(s->zone, at);
	for (;;)
	{
		TimestampTz slot;

		local = wall_after(s, local);
		if (local == AUGUR_NO_SLOT)
			return AUGUR_NO_SLOT;
		slot = augur_wall_to_time(s->zone, local);
		/* the hour is repeated, and had its slot the first time; or it shares one behind a gap */
		if (slot > at)
			return slot;
	}
}

/* Step number k of a schedule with steps. */
static TimestampTz
step_slot(const AugurSchedule *s, int64 k)
{
	Timestamp local;
	int64 day, months;
	int year, month, mday;

	if (s->kind == AUGUR_SCHEDULE_TIME)
		return s->anchor + k * s->step;
	local = augur_time_to_wall(s->zone, s->anchor);
	if (s->kind == AUGUR_SCHEDULE_DAYS)
		return augur_wall_to_time(s->zone, local + k * s->step * USECS_PER_DAY);
	day = floor_quotient(local, USECS_PER_DAY);
	j2date((int) (day + POSTGRES_EPOCH_JDATE), &year, &month, &mday);
	months = (int64) year * MONTHS_PER_YEAR + month - 1 + k * s->step;
	year = (int) floor_quotient(months, MONTHS_PER_YEAR);
	month = (int) (months - (int64) year * MONTHS_PER_YEAR) + 1;
	/* a day that the month does not have is its last */
	mday = Min(mday, day_tab[isleap(year)][month - 1]);
	return augur_wall_to_time(s->zone, ((int64) date2j(year, month, mday) - POSTGRES_EPOCH_JDATE) *
											   USECS_PER_DAY +
										   (local - day * USECS_PER_DAY));
}

/* Number of the last step that is not after a point in time. */
static int64
step_at(const AugurSchedule *s, TimestampTz at)
{
	int64 length = s->kind == AUGUR_SCHEDULE_TIME	? s->step
				   : s->kind == AUGUR_SCHEDULE_DAYS ? s->step * USECS_PER_DAY
													: s->step * 31 * USECS_PER_DAY;
	int64 k = floor_quotient(at - s->anchor, length);

	if (s->kind == AUGUR_SCHEDULE_TIME)
		return k;
	/* an estimate: months are shorter, clocks change */
	while (step_slot(s, k) > at)
		k--;
	while (step_slot(s, k + 1) <= at)
		k++;
	return k;
}

/* Far from both ends of what a timestamp can hold, nothing overflows. */
static bool
too_far(TimestampTz at)
{
	return TIMESTAMP_NOT_FINITE(at) || at < MIN_TIMESTAMP + 2000 * 366 * USECS_PER_DAY ||
		   at > END_TIMESTAMP - 2000 * 366 * USECS_PER_DAY;
}

TimestampTz
augur_slot_after(const AugurSchedule *s, TimestampTz at)
{
	if (too_far(at) || too_far(s->anchor))
		return AUGUR_NO_SLOT;
	if (s->kind == AUGUR_SCHEDULE_CRON)
		return cron_after(s, at);
	return step_slot(s, step_at(s, at) + 1);
}

TimestampTz
augur_slot_before(const AugurSchedule *s, TimestampTz at)
{
	if (too_far(at) || too_far(s->anchor))
		return AUGUR_NO_SLOT;
	if (s->kind != AUGUR_SCHEDULE_CRON)
		return step_slot(s, step_at(s, at - 1));
	/* the last of those of an hour, of a day, ... before */
	for (int64 back = USECS_PER_HOUR; back < (int64) SEARCH_DAYS * USECS_PER_DAY; back *= 8)
	{
		TimestampTz found = AUGUR_NO_SLOT;
		TimestampTz slot = augur_slot_after(s, at - back);

		while (slot < at)
		{
			found = slot;
			slot = augur_slot_after(s, slot);
		}
		if (found != AUGUR_NO_SLOT)
			return found;
	}
	return AUGUR_NO_SLOT;
}
