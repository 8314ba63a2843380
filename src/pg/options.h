/*-------------------------------------------------------------------------
 *
 * options.h
 *		One flat JSON object of options: how to load, and hyperparameters.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_OPTIONS_H
#define AUGUR_OPTIONS_H

#include "ingest.h"

#include "utils/jsonb.h"

typedef struct AugurOptions
{
	AugurLoadOptions load;
	const AugAlgorithm *algorithm; /* whose hyperparameters are known, or NULL */
	AugurHost host;				   /* of params */
	AugParams *params;
} AugurOptions;

/* Whose keys an object may have: a training's without holdout, a load's with one */
#define AUGUR_OPTIONS_TRAIN 1
#define AUGUR_OPTIONS_SPLIT 2

/*
 * Fills options, which must not be moved afterwards, from object (NULL: defaults).
 * Everything lies in CurrentMemoryContext.  Unknown keys and ill-typed values are
 * errors 22023 that name the nearest key or what is expected.
 */
extern void
augur_options_read(AugurOptions *options, Jsonb *object, const AugAlgorithm *algorithm, int groups);

/*
 * For readers of other objects: the value of key as what it must be, or ERROR 22023
 * that says what was wanted.
 */
pg_noreturn extern void augur_option_bad(const char *key, const char *wanted);
extern char *augur_option_string(const char *key, const JsonbValue *v);
extern double augur_option_number(const char *key, const JsonbValue *v, double low, double high);
extern uint64 augur_option_seed(const char *key, const JsonbValue *v);
/* Hands a key to the algorithm's hyperparameters. */
extern void augur_option_param(AugParams *params, const char *key, const JsonbValue *v);
/* ERROR 22023 that lists the known names and names the nearest. */
pg_noreturn extern void augur_option_unknown(const char *key, const char *const *names, uint32 n);

#endif /* AUGUR_OPTIONS_H */
