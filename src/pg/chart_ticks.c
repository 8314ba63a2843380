/*-------------------------------------------------------------------------
 *
 * chart_ticks.c
 *		Where the axes of a chart have their marks, and what these say.
 *
 * Numbers are multiples of 1, 2 or 5 times a power of ten (Heckbert 1990, Nice numbers
 * for graph labels, Graphics Gems I).  Times are whole units of the calendar in the
 * chart's time zone: a month is a month, and midnight stays midnight across a change of
 * summer time.
 *
 * Memory: none.  Interrupts: at most AUGUR_MAX_TICKS steps.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include <math.h>

#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "chart.h"

#define STEP_SECOND USECS_PER_SEC
#define STEP_MINUTE USECS_PER_MINUTE
#define STEP_HOUR	USECS_PER_HOUR
#define STEP_DAY	USECS_PER_DAY

/* Steps of the time axis in ascending length; months are counted, the rest timed. */
static const struct TimeStep
{
	int months;
	int64 length;
} time_steps[] = {
	{0, STEP_SECOND},
	{0, 5 * STEP_SECOND},
	{0, 15 * STEP_SECOND},
	{0, 30 * STEP_SECOND},
	{0, STEP_MINUTE},
	{0, 5 * STEP_MINUTE},
	{0, 15 * STEP_MINUTE},
	{0, 30 * STEP_MINUTE},
	{0, STEP_HOUR},
	{0, 3 * STEP_HOUR},
	{0, 6 * STEP_HOUR},
	{0, 12 * STEP_HOUR},
	{0, STEP_DAY},
	{0, 2 * STEP_DAY},
	{0, 7 * STEP_DAY},
	{0, 14 * STEP_DAY},
	{1, 30 * STEP_DAY},
	{3, 91 * STEP_DAY},
	{6, 182 * STEP_DAY},
	{12, 365 * STEP_DAY},
	{24, 730 * STEP_DAY},
	{60, 1826 * STEP_DAY},
	{120, 3652 * STEP_DAY},
	{240, 7304 * STEP_DAY},
	{600, 18262 * STEP_DAY},
	{1200, 36524 * STEP_DAY},
	{2400, 73048 * STEP_DAY},
	{6000, 182621 * STEP_DAY},
	{12000, 365242 * STEP_DAY},
	{120000, 3652425 * STEP_DAY},
	{1200000, 36524250 * STEP_DAY},
};

int
augur_ticks_number(double lo, double hi, int wanted, AugurTick ticks[AUGUR_MAX_TICKS])
{
	/* halves, as the distance of two numbers may be out of range */
	double rough = (hi / 2 - lo / 2) / Max(wanted, 1) * 2;
	double power = pow(10, floor(log10(rough)));
	double step = rough / power <= 1 ? 1 : rough / power <= 2 ? 2 : rough / power <= 5 ? 5 : 10;
	int decimals;
	int n = 0;

	step *= power;
	if (!isfinite(step) || step <= 0)
		return 0;
	decimals = Max(0, (int) -floor(log10(step) + 1e-9));
	for (double k = ceil(lo / step - 1e-9); n < AUGUR_MAX_TICKS; k++)
	{
		double at = k * step + 0.0; /* no minus zero */

		if (!isfinite(at) || at / 2 > hi / 2 + step * 1e-9)
			break;
		ticks[n].at = at;
		if (decimals <= 6 && fabs(at) < 1e9)
			snprintf(ticks[n].label, AUGUR_TICK_LABEL, "%.*f", decimals, at);
		else
			snprintf(ticks[n].label, AUGUR_TICK_LABEL, "%.6g", at);
		n++;
	}
	return n;
}

/* Wall clock of a moment; false outside of the calendar's range. */
static bool
local_time(TimestampTz at, pg_tz *zone, struct pg_tm *tm, fsec_t *fsec)
{
	int offset;

	return timestamp2tm(at, &offset, tm, fsec, NULL, zone) == 0;
}

/* Moment of a wall clock, whose fields need not be normalised above months. */
static bool
moment_of(struct pg_tm *tm, pg_tz *zone, TimestampTz *at)
{
	int offset;

	if (!IS_VALID_JULIAN(tm->tm_year, tm->tm_mon, tm->tm_mday))
		return false;
	offset = DetermineTimeZoneOffset(tm, zone);
	return tm2timestamp(tm, 0, &offset, at) == 0;
}

/* The first mark at or before lo, as a wall clock. */
static void
floor_to_step(struct pg_tm *tm, const struct TimeStep *step)
{
	int64 day = (int64) (tm->tm_hour * 60 + tm->tm_min) * 60 + tm->tm_sec;

	if (step->months > 0)
	{
		int month = tm->tm_year * 12 + tm->tm_mon - 1;
		int down = month % step->months;

		month -= down < 0 ? down + step->months : down;
		tm->tm_year = month >= 0 ? month / 12 : -((11 - month) / 12);
		tm->tm_mon = month - tm->tm_year * 12 + 1;
		tm->tm_mday = 1;
		day = 0;
	}
	else if (step->length >= STEP_DAY)
		day = 0;
	else
		day -= day % (step->length / USECS_PER_SEC);
	tm->tm_hour = (int) (day / SECS_PER_HOUR);
	tm->tm_min = (int) (day / SECS_PER_MINUTE % MINS_PER_HOUR);
	tm->tm_sec = (int) (day % SECS_PER_MINUTE);
}

/* Moves a wall clock on by one step; days by Julian numbers, so weeks keep their day. */
static void
next_step(struct pg_tm *tm, const struct TimeStep *step)
{
	int64 seconds;
	int days;

	if (step->months > 0)
	{
		int month = tm->tm_mon - 1 + step->months;

		tm->tm_year += month / 12;
		tm->tm_mon = month % 12 + 1;
		return;
	}
	seconds = (int64) (tm->tm_hour * 60 + tm->tm_min) * 60 + tm->tm_sec +
			  step->length / USECS_PER_SEC;
	days = (int) (seconds / SECS_PER_DAY);
	seconds %= SECS_PER_DAY;
	if (days > 0)
		j2date(date2j(tm->tm_year, tm->tm_mon, tm->tm_mday) + days, &tm->tm_year, &tm->tm_mon,
			   &tm->tm_mday);
	tm->tm_hour = (int) (seconds / SECS_PER_HOUR);
	tm->tm_min = (int) (seconds / SECS_PER_MINUTE % MINS_PER_HOUR);
	tm->tm_sec = (int) (seconds % SECS_PER_MINUTE);
}

static void
label_time(char label[AUGUR_TICK_LABEL], const struct pg_tm *tm, const struct TimeStep *step)
{
	if (step->months >= 12)
		snprintf(label, AUGUR_TICK_LABEL, "%d", tm->tm_year);
	else if (step->months > 0)
		snprintf(label, AUGUR_TICK_LABEL, "%d-%02d", tm->tm_year, tm->tm_mon);
	else if (step->length >= STEP_DAY || (tm->tm_hour == 0 && tm->tm_min == 0 && tm->tm_sec == 0))
		snprintf(label, AUGUR_TICK_LABEL, "%d-%02d-%02d", tm->tm_year, tm->tm_mon, tm->tm_mday);
	else if (step->length >= STEP_MINUTE)
		snprintf(label, AUGUR_TICK_LABEL, "%02d:%02d", tm->tm_hour, tm->tm_min);
	else
		snprintf(label, AUGUR_TICK_LABEL, "%02d:%02d:%02d", tm->tm_hour, tm->tm_min, tm->tm_sec);
}

int
augur_ticks_time(TimestampTz lo, TimestampTz hi, int wanted, pg_tz *zone,
				 AugurTick ticks[AUGUR_MAX_TICKS])
{
	const struct TimeStep *step = time_steps;
	const struct TimeStep *last = &time_steps[lengthof(time_steps) - 1];
	struct pg_tm tm;
	fsec_t fsec;
	int n = 0;

	wanted = Min(Max(wanted, 1), AUGUR_MAX_TICKS);
	while (step < last && (double) step->length * wanted < (double) hi - (double) lo)
		step++;
	if (!local_time(lo, zone, &tm, &fsec))
		return 0;
	floor_to_step(&tm, step);
	while (n < wanted)
	{
		TimestampTz at;

		if (!moment_of(&tm, zone, &at) || at > hi)
			break;
		if (at >= lo)
		{
			ticks[n].at = (double) at;
			label_time(ticks[n].label, &tm, step);
			n++;
		}
		next_step(&tm, step);
	}
	return n;
}
