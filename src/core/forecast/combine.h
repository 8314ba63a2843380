/*-------------------------------------------------------------------------
 *
 * combine.h
 *		Several methods as one: what "combination" and "auto" share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_COMBINE_H
#define AUG_COMBINE_H

#include "forecast.h"

#define AUG_MAX_MEMBERS 16

typedef enum AugCombineKind
{
	AUG_COMBINE_MEAN = 0, /* by weights */
	AUG_COMBINE_MEDIAN = 1
} AugCombineKind;

typedef struct AugMember
{
	const AugForecaster *by;
	double weight; /* > 0 */
	AugFitted fitted;
	AugSeries series; /* as the method takes it */
} AugMember;

/* The state of a combination; kept in AugFitted.state. */
typedef struct AugCombination
{
	AugCombineKind kind;
	uint32_t n;
	AugMember member[AUG_MAX_MEMBERS];
} AugCombination;

/*
 * Fits the named methods (by NULL-terminated names; weights may be NULL) and fills out as
 * one fitted method of "by".  Members that do not fit are left out and told in
 * out->warning; AUG_DATA when none is left.
 */
extern AugStatus aug_combine_fit(AugCast *cast, const AugSeries *s, const AugForecaster *by,
								 const char *const *names, const double *weights,
								 AugCombineKind kind, AugFitted *out);
/* Fills out from the members of c, which are fitted. */
extern AugStatus
aug_combine_finish(AugCast *cast, const AugSeries *s, AugCombination *c, AugFitted *out);
/* The same from a form that aug_combine_fit filled (its codes and values are untrusted). */
extern AugStatus aug_combine_again(AugCast *cast, const AugSeries *s, const AugForecaster *by,
								   const AugForm *given, AugKeep keep, AugFitted *out);
extern AugStatus aug_combine_forecast(AugCast *cast, const AugSeries *s, const AugFitted *fitted,
									  uint32_t horizon, double *mean, double *variance);

#endif /* AUG_COMBINE_H */
