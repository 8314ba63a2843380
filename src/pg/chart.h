/*-------------------------------------------------------------------------
 *
 * chart.h
 *		What the two files of the chart room share: scales and their ticks.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_CHART_H
#define AUGUR_CHART_H

#include "pg.h"

#include "datatype/timestamp.h"
#include "pgtime.h"

#define AUGUR_MAX_TICKS	 64
#define AUGUR_TICK_LABEL 32

typedef struct AugurTick
{
	double at; /* in data units; microseconds for time */
	char label[AUGUR_TICK_LABEL];
} AugurTick;

/* Round numbers from lo to hi (lo < hi), about wanted of them; returns how many. */
extern int augur_ticks_number(double lo, double hi, int wanted, AugurTick ticks[AUGUR_MAX_TICKS]);
/* Calendar steps of a time zone from lo to hi, at most wanted (<= AUGUR_MAX_TICKS). */
extern int augur_ticks_time(TimestampTz lo, TimestampTz hi, int wanted, pg_tz *zone,
							AugurTick ticks[AUGUR_MAX_TICKS]);

#endif /* AUGUR_CHART_H */
