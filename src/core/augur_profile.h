/*-------------------------------------------------------------------------
 *
 * augur_profile.h
 *		Profiles: what a column holds, in one pass, in bounded memory.
 *
 * A profile counts values, missing values and distinct values, and knows the extremes, the
 * moments and the quantiles of numbers, or the most frequent of labels.  Profiles of parts
 * merge into that of the whole, so that days add up to any window; they are stored as bytes.
 * Two of them can be compared as the columns themselves would be.
 *
 * What is exact: counts, extremes, moments (to rounding), and everything else up to
 * AUG_PROFILE_EXACT numbers or AUG_PROFILE_LABELS distinct labels.  Above that
 *	- the share of numbers up to a value is wrong by AUG_PROFILE_ERROR at most, with 99 %
 *	  probability, by a third of that below 131,072 numbers (tests/unit/test_profile.c);
 *	- a label's count is too small by AugProfileInfo.label_error at most, and a label that
 *	  is more frequent than that is known;
 *	- the number of distinct values has a standard error of 2.3 %.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_PROFILE_H
#define AUGUR_PROFILE_H

#include "augur.h"

#define AUG_PROFILE_EXACT  2048
#define AUG_PROFILE_ERROR  0.006
#define AUG_PROFILE_LABELS 1000
/* Bytes of a label that are kept; the others are told apart, too, but not shown. */
#define AUG_PROFILE_LABEL_BYTES 100
/* More values than that are refused. */
#define AUG_PROFILE_ROWS ((uint64_t) 1 << 48)
/* Larger numbers would overflow sums of their fourth powers: they count as infinite. */
#define AUG_PROFILE_LARGEST 1e60

typedef enum AugProfileKind
{
	AUG_PROFILE_NUMBERS = 0,
	AUG_PROFILE_WORDS = 1
} AugProfileKind;

typedef struct AugProfile AugProfile;

typedef struct AugProfileInfo
{
	AugProfileKind kind;
	uint32_t tag;	   /* the host's, as given: which type the column has */
	uint64_t n;		   /* values: finite numbers, or labels */
	uint64_t nulls;	   /* missing */
	uint64_t nans;	   /* numbers that are none */
	uint64_t infinite; /* or beyond AUG_PROFILE_LARGEST */
	bool exact;		   /* nothing below is an estimate */
	double distinct;   /* number of distinct values */
	/* numbers; NaN when there are none, or too few */
	double low, high, mean;
	double sd;		 /* of the sample, n - 1 */
	double skewness; /* third standardised moment, population's */
	double kurtosis; /* fourth standardised moment less 3, population's */
	/* labels */
	uint32_t n_labels; /* kept */
	uint64_t label_error;
	uint64_t other; /* values whose label was not kept */
} AugProfileInfo;

typedef struct AugProfileLabel
{
	const char *bytes; /* [length], cut after AUG_PROFILE_LABEL_BYTES at most */
	uint32_t length;
	bool cut;
	uint64_t count;
} AugProfileLabel;

/* An empty profile.  host must outlive it. */
extern AugStatus aug_profile_new(const AugHost *host, AugProfileKind kind, uint32_t tag,
								 AugProfile **out, AugError *err);
/* Adds n numbers; NaN and infinity are counted apart.  After a failure: free it. */
extern AugStatus aug_profile_add(AugProfile *p, const double *v, size_t n, AugError *err);
/* Adds count times the same label, count > 0. */
extern AugStatus aug_profile_add_label(AugProfile *p, const char *bytes, size_t length,
									   uint64_t count, AugError *err);
extern AugStatus aug_profile_add_nulls(AugProfile *p, uint64_t n, AugError *err);
/* into then has what both had; from tells the same as before, and may not be into.
 * AUG_INVALID: another kind or tag. */
extern AugStatus aug_profile_merge(AugProfile *into, AugProfile *from, AugError *err);
extern AugStatus aug_profile_info(AugProfile *p, AugProfileInfo *info, AugError *err);
extern void aug_profile_free(AugProfile *p);

/*
 * share: [n] of 0 .. 1; out: [n] the smallest known value that at least so many values do
 * not exceed (Hyndman and Fan's first definition); NaN without values.
 */
extern AugStatus
aug_profile_quantiles(AugProfile *p, const double *share, size_t n, double *out, AugError *err);
/* v: [n]; out: [n] share of values <= v; NaN without values. */
extern AugStatus
aug_profile_ranks(AugProfile *p, const double *v, size_t n, double *out, AugError *err);
/* The kept labels, most frequent first, then by bytes; [AugProfileInfo.n_labels], valid until
 * p changes. */
extern AugStatus aug_profile_labels(AugProfile *p, const AugProfileLabel **out, AugError *err);

/* Bytes are the caller's to release. */
extern AugStatus aug_profile_store(AugProfile *p, uint8_t **bytes, size_t *length, AugError *err);
/* bytes may be anything: what is accepted can be used and merged. */
extern AugStatus aug_profile_read(const AugHost *host, const uint8_t *bytes, size_t length,
								  AugProfile **out, AugError *err);

/*
 * How current differs from reference.  Numbers: distances over cells are over tenths of the
 * reference.  Labels: cells are the labels, those of fewer than five expected values put
 * together.  NaN: not defined, or one side is empty.
 */
typedef struct AugProfileDrift
{
	AugDistances cells;
	uint32_t n_cells;
	/* numbers */
	double wasserstein; /* over the standard deviation of the reference */
	AugTest ks;			/* p allows for the error of profiles that are not exact */
	double outside;		/* share of current values beyond the extremes of the reference */
	/* labels */
	AugTest chi_square;
	double unseen;	 /* share of current values whose label the reference lacks; NaN: not known */
	AugTest missing; /* share of rows without a value (null, NaN, infinite) */
	double missing_reference, missing_current;
} AugProfileDrift;

/* AUG_INVALID when the kinds differ; tags are the caller's to compare. */
extern AugStatus aug_profile_compare(AugProfile *reference, AugProfile *current,
									 AugProfileDrift *out, AugError *err);

#endif /* AUGUR_PROFILE_H */
