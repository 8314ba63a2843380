/*-------------------------------------------------------------------------
 *
 * profile.h
 *		What the files of the profile room share.
 *
 * A profile is counters and, by kind, a sketch of quantiles (quantiles.c), a table of labels
 * (labels.c), and a sketch of the number of distinct values (distinct.c).
 *
 * Memory: blocks of the host, released by aug_profile_free.  Interrupts: none; a call works on
 * what the caller gave it, which should be some thousand values at most, and on a sketch of
 * some 6,000 values.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_PROFILE_ROOM_H
#define AUG_PROFILE_ROOM_H

#include "../algorithm.h"
#include "../augur_profile.h"
#include "../bytes.h"

#define QUANTILE_LEVELS 56
#define HASH_SEED		UINT64_C(0x70726F66696C65)

/* Numbers of weight 2^level; level base in any order, the others ascending. */
typedef struct QuantileLevel
{
	double *item;
	uint32_t n;
	uint32_t room;
} QuantileLevel;

/* Karnin, Lang and Liberty 2016: each level is halved when it is full, at random. */
typedef struct Quantiles
{
	uint32_t n_levels; /* at least 1 */
	uint32_t n_items;  /* of all levels */
	uint32_t capacity; /* of all levels */
	uint32_t base;	   /* numbers enter here: one of 2^base */
	uint64_t tossed;   /* how many coins so far */
	uint64_t count;	   /* numbers added */
	uint64_t pending;  /* of them, not among the levels yet: fewer than 2^base */
	double candidate;  /* stands for them */
	QuantileLevel level[QUANTILE_LEVELS];
} Quantiles;

/* Flajolet et al. 2007 with the estimator of Ertl 2017. */
#define DISTINCT_BITS	   11
#define DISTINCT_REGISTERS (1 << DISTINCT_BITS)
#define DISTINCT_MOST	   (64 - DISTINCT_BITS + 1)

typedef struct Distinct
{
	uint8_t rank[DISTINCT_REGISTERS];
} Distinct;

/* Misra and Gries 1982, mergeable (Agarwal et al. 2013). */
#define LABELS_ROOM (2 * AUG_PROFILE_LABELS)

typedef struct Label
{
	uint64_t hash; /* of all its bytes; labels of one hash are one */
	uint64_t count;
	char *bytes; /* [length] */
	uint32_t length;
	bool cut;
} Label;

typedef struct Labels
{
	uint32_t n;
	uint32_t room;	  /* up to LABELS_ROOM */
	uint32_t n_slots; /* a power of two, above room */
	uint64_t error;	  /* taken off every count */
	Label *label;	  /* [room] */
	uint16_t *slot;	  /* [n_slots] index + 1, 0: free */
	AugProfileLabel *shown;
} Labels;

struct AugProfile
{
	const AugHost *host;
	AugProfileKind kind;
	uint32_t tag;
	uint64_t n, nulls, nans, infinite;
	double low, high;
	double mean, m2, m3, m4; /* sums of powers of deviations */
	Quantiles quantiles;
	Labels labels;
	Distinct distinct;
};

/* quantiles.c */
extern AugStatus
aug_quantiles_add(const AugHost *host, Quantiles *q, const double *v, size_t n, AugError *err);
extern AugStatus
aug_quantiles_merge(const AugHost *host, Quantiles *into, Quantiles *from, AugError *err);
/* Room for n numbers in a level, keeping those that are there. */
extern AugStatus
aug_quantiles_room(const AugHost *host, QuantileLevel *level, uint32_t n, AugError *err);
/* After a change of n_levels from outside: sets n_items and capacity. */
extern void aug_quantiles_count(Quantiles *q);
/* Puts all levels in order, which changes nothing. */
extern void aug_quantiles_settle(Quantiles *q);
/* All numbers ascending with their weights: value and weight [*n], the caller's to release. */
extern AugStatus aug_quantiles_steps(const AugHost *host, const Quantiles *q, double **value,
									 double **weight, uint32_t *n, AugError *err);
/* Rank errors are as those of a sample of so many values; infinite when exact. */
extern double aug_quantiles_sample(const Quantiles *q);
extern void aug_quantiles_free(const AugHost *host, Quantiles *q);

/* distinct.c */
extern void aug_distinct_add(Distinct *d, uint64_t hash);
extern void aug_distinct_numbers(Distinct *d, const double *v, size_t n);
extern void aug_distinct_merge(Distinct *into, const Distinct *from);
extern double aug_distinct_estimate(const Distinct *d);
extern void aug_distinct_write(const Distinct *d, AugWriter *w);
extern bool aug_distinct_read(Distinct *d, AugReader *r);

/* labels.c */
extern AugStatus
aug_labels_add(const AugHost *host, Labels *labels, uint64_t hash, const char *bytes, size_t length,
			   bool cut, uint64_t count, AugError *err);
extern AugStatus
aug_labels_merge(const AugHost *host, Labels *into, const Labels *from, AugError *err);
/* The label of a hash, or NULL. */
extern const Label *aug_labels_find(const Labels *labels, uint64_t hash);
extern uint64_t aug_labels_sum(const Labels *labels);
/* Keeps AUG_PROFILE_LABELS at most, in the order of aug_profile_labels. */
extern void aug_labels_settle(const AugHost *host, Labels *labels);
extern void aug_labels_free(const AugHost *host, Labels *labels);

#endif /* AUG_PROFILE_ROOM_H */
