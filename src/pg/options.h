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

#endif /* AUGUR_OPTIONS_H */
