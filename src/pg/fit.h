/*-------------------------------------------------------------------------
 *
 * fit.h
 *		From a finished loader to an artifact: memory plan, block, workers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_FIT_H
#define AUGUR_FIT_H

#include "pg.h"

#include "ingest.h"
#include "progress.h"

typedef struct AugurFit AugurFit;

typedef struct AugurFitResult
{
	uint8_t *artifact; /* in the fit's context */
	size_t length;
	AugFit fit;
	int workers_planned;
	int workers_launched;
} AugurFitResult;

/*
 * Plans the training of algorithm over what the loader read, within memory
 * bytes: fewer workers first, then ERROR 53400.  Then allocates the block and
 * fills it.  parallel false: never ask for workers.  Everything lies in a child of
 * context, which also frees the shared memory when it is reset or deleted.
 * progress may be NULL.
 */
extern AugurFit *
augur_fit_begin(AugurLoader *loader, const AugAlgorithm *algorithm, const AugParams *params,
				Size memory, bool parallel, AugurProgress *progress, MemoryContext context);
/* The matrices of the block; empty ones have n_rows = 0. */
extern const AugMatrix *augur_fit_training(const AugurFit *fit);
extern const AugMatrix *augur_fit_holdout(const AugurFit *fit);
/* Bytes of the plan: block + shared + participants * scratch + results. */
extern Size augur_fit_memory(const AugurFit *fit);
/*
 * Fits one algorithm on the training matrix.  May be called more than once, also
 * for another algorithm than the planned one (then in this process only).
 */
extern void augur_fit_run(AugurFit *fit, const AugAlgorithm *algorithm, const AugParams *params,
						  uint64 seed, AugurFitResult *result);
extern void augur_fit_end(AugurFit *fit);

#endif /* AUGUR_FIT_H */
