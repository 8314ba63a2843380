/*-------------------------------------------------------------------------
 *
 * schedule.h
 *		Schedules: what a text such as "30 6 * * mon-fri" or "every 2 hours" means, and
 *		the slots it has in a time zone.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_SCHEDULE_H
#define AUGUR_SCHEDULE_H

#include "pg.h"

#include "datatype/timestamp.h"
#include "pgtime.h"

typedef enum AugurScheduleKind
{
	AUGUR_SCHEDULE_CRON = 0,
	AUGUR_SCHEDULE_TIME,   /* every so many microseconds, whatever clocks show */
	AUGUR_SCHEDULE_DAYS,   /* every so many days of the wall clock */
	AUGUR_SCHEDULE_MONTHS, /* every so many months of the wall clock */
} AugurScheduleKind;

/* of AugurSchedule.nth: the last one of its kind in a month */
#define AUGUR_NTH_LAST 6

/*
 * A schedule, read.  Sets are bit masks.  Constant once made; points to no memory of
 * its own but the zone, which lives for ever.
 */
typedef struct AugurSchedule
{
	AugurScheduleKind kind;
	const pg_tz *zone;

	/* cron */
	uint64 minutes;
	uint32 hours;
	uint32 days; /* of the month, bit 1 is the first */
	bool last_day;
	uint32 months;
	uint32 weekdays; /* bit 0 is Sunday */
	uint8 nth[7];	 /* for each weekday: bits 1 to 5, and AUGUR_NTH_LAST */
	bool both;		 /* day and weekday must both match, else either */
	bool elapsed;	 /* minute or hour begins with a star: runs by time elapsed */

	/* every */
	int64 step;
	TimestampTz anchor;
} AugurSchedule;

/* No slot: never, or beyond what a timestamp can hold. */
#define AUGUR_NO_SLOT DT_NOEND

/* ---- schedule_read.c ------------------------------------------------------ */

/* ERROR 22023 with the field at fault.  start: where an "every" counts from, or NULL. */
extern void
augur_schedule_read(AugurSchedule *s, const char *text, const char *zone, const TimestampTz *start);

/* ---- schedule.c ------------------------------------------------------------- */

/* The first point in time that a wall clock of the zone shows local, or the end of the gap. */
extern TimestampTz augur_wall_to_time(const pg_tz *zone, Timestamp local);
extern Timestamp augur_time_to_wall(const pg_tz *zone, TimestampTz at);
/* The first slot after a point in time, the last before it; AUGUR_NO_SLOT when there is none. */
extern TimestampTz augur_slot_after(const AugurSchedule *s, TimestampTz at);
extern TimestampTz augur_slot_before(const AugurSchedule *s, TimestampTz at);

#endif /* AUGUR_SCHEDULE_H */
