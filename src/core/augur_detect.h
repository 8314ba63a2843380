/*-------------------------------------------------------------------------
 *
 * augur_detect.h
 *		Detectors of change in a stream of numbers.
 *
 * A detector reads numbers in their order (the loss of each prediction, mostly) and
 * tells after which of them the stream had changed.  What it knows is a small state of
 * bounded size, which is stored as bytes and read again: a stream that is read in parts
 * gives the same state, bit for bit, as one that is read at once.
 *
 * Positions count from 1 over all numbers that the detector ever read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_DETECT_H
#define AUGUR_DETECT_H

#include "augur.h"

/* So many changes are remembered, the latest; there is no bound on how many are counted. */
#define AUG_MAX_CHANGES 1000
/* Longest window that an option may ask for. */
#define AUG_MAX_WINDOW 10000
/* A detector that read so many numbers reads no more. */
#define AUG_MAX_STREAM ((uint64_t) 1 << 52)

typedef struct AugDetector AugDetector;

typedef struct AugDetectorInfo
{
	const AugAlgorithm *about;
	const char *params_text; /* options, canonical text */
	uint64_t n;				 /* numbers read */
	uint64_t n_changes;
	uint32_t n_kept;		/* of changes */
	const uint64_t *change; /* [n_kept] positions, ascending: the latest changes */
	uint64_t first_change;	/* 0: none */
	uint64_t last_change;
	uint64_t warning_since; /* in a warning zone since this position, or 0 */
	uint64_t width;			/* numbers since the last change that mean is over */
	double mean;			/* of them, in the units of the stream; NaN for none */
} AugDetectorInfo;

/* The detectors: name, title, help, and options as of an algorithm. */
extern uint32_t aug_detector_count(void);
extern const AugAlgorithm *aug_detector_at(uint32_t i);
/* NULL when there is none of that name */
extern const AugAlgorithm *aug_detector_find(const char *name);
/* Do its numbers have to be 0 (right) or 1 (wrong)? */
extern bool aug_detector_binary(const AugAlgorithm *about);

/* A detector that has read nothing.  params: of about; not needed after the call. */
extern AugStatus aug_detector_new(const AugHost *host, const AugAlgorithm *about,
								  const AugParams *params, AugDetector **out, AugError *err);
/*
 * Reads n numbers.  AUG_DATA for one that is not finite, or not 0 or 1 where it has to be:
 * those before it have been read.  After a failure for another reason, and after
 * AUG_CANCELLED, the detector is good for aug_detector_free only.
 */
extern AugStatus aug_detector_update(AugDetector *d, const double *values, size_t n, AugError *err);
/* Valid until the next update. */
extern void aug_detector_info(const AugDetector *d, AugDetectorInfo *info);
/* Takes d's state as bytes, which are the caller's to release. */
extern AugStatus
aug_detector_store(const AugDetector *d, uint8_t **bytes, size_t *length, AugError *err);
/* bytes may be anything at all: what is accepted can be updated with any numbers. */
extern AugStatus aug_detector_read(const AugHost *host, const uint8_t *bytes, size_t length,
								   AugDetector **out, AugError *err);
extern void aug_detector_free(AugDetector *d);

#endif /* AUGUR_DETECT_H */
