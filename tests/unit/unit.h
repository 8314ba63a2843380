/*-------------------------------------------------------------------------
 *
 * unit.h
 *		Harness of the core's unit tests: checks, a table of tests, a host that
 *		can fail, and synthetic data.
 *
 * A program is one room: a table of tests and unit_main.  It prints each failed
 * check, and at the end "room: N passed, N failed"; its exit status tells.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNIT_H
#define UNIT_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/core/augur.h"

typedef struct UnitTest
{
	const char *name;
	void (*run)(void);
} UnitTest;

/* Runs all tests, or those named on the command line; the status for main. */
extern int unit_main(const char *room, const UnitTest *tests, unsigned n, int argc, char **argv);
extern bool unit_check(bool ok, const char *what, const char *file, int line);
extern bool
unit_near(double a, double b, double tolerance, const char *what, const char *file, int line);
extern bool unit_text(const char *a, const char *b, const char *what, const char *file, int line);

#define UNIT_MAIN(room, tests)                                                         \
	int main(int argc, char **argv)                                                    \
	{                                                                                  \
		return unit_main(room, tests, sizeof(tests) / sizeof((tests)[0]), argc, argv); \
	}                                                                                  \
	extern int main(int argc, char **argv)

/* Each tells whether it held. */
#define CHECK(what) unit_check((what), #what, __FILE__, __LINE__)
/* |a - b| <= tolerance * max(1, |b|); two NaN are near */
#define CHECK_NEAR(a, b, tolerance) \
	unit_near((a), (b), (tolerance), #a " near " #b, __FILE__, __LINE__)
#define CHECK_TEXT(a, b) unit_text((a), (b), #a " is " #b, __FILE__, __LINE__)

/* ---- host ------------------------------------------------------------- */

/*
 * Memory comes from malloc, 8-aligned and no better, filled with a pattern.
 * With fail_at = N the Nth allocation and all after it fail; with cancel_at = N
 * the Nth poll and all after it say stop.  live counts what was not released.
 */
typedef struct UnitHost
{
	AugHost host;
	uint8_t fill;
	size_t allocations;
	size_t fail_at;
	size_t polls;
	size_t cancel_at;
	size_t live;
	size_t bytes; /* live */
	size_t peak;
	double last_done;
} UnitHost;

extern void unit_host(UnitHost *h);

/*
 * Runs a step again and again with the Nth allocation failing, N = 1, 2, ...
 * until it succeeds: each failure must be AUG_NOMEM and leave nothing behind.
 * Returns how many allocations were failed.  unit_cancel does so for polls.
 */
typedef AugStatus (*UnitStep)(UnitHost *h, void *arg, AugError *err);
extern size_t unit_fail_each(UnitStep step, void *arg);
extern size_t unit_cancel_each(UnitStep step, void *arg);

/* ---- data ------------------------------------------------------------- */

typedef struct UnitDataOptions
{
	AugTask task;
	uint32_t n_rows;
	uint32_t n_classes;
	bool weights;
	bool missing;
	bool wide; /* with a categorical of 300 levels */
	uint64_t seed;
} UnitDataOptions;

typedef struct UnitData
{
	AugMatrix matrix;
	double *raw; /* [n_rows][n_features] for aug_model_score */
	void *memory[16];
} UnitData;

/* Features: two numbers, a number of few values, a category, and (wide) one of
 * 300 levels; the target depends on all.  Binned with cuts of its own values. */
extern void unit_data(UnitData *d, const UnitDataOptions *options);
extern void unit_data_free(UnitData *d);

/*
 * Trains from beginning to end; order: the tasks' order of execution, as a
 * permutation seed (0: ascending).  The artifact is the caller's to release.
 */
extern AugStatus unit_train(UnitHost *h, const AugAlgorithm *algorithm, const AugParams *params,
							const AugMatrix *matrix, uint64_t seed, uint64_t order,
							uint8_t **artifact, size_t *length, AugFit *fit, AugError *err);

/* Parameters that make a training small enough for tests, where they exist. */
extern AugParams *unit_small_params(UnitHost *h, const AugAlgorithm *algorithm);

/* Sets rows aside for validation, which adds figures to a model, where it can be asked for. */
extern void unit_validate_params(AugParams *params);

/* ---- panels ------------------------------------------------------------ */

typedef struct UnitPanelOptions
{
	uint32_t n_members;
	uint32_t n; /* values of each */
	uint32_t horizon;
	bool gaps;	 /* some values are missing */
	bool ragged; /* of lengths that differ */
	uint64_t seed;
} UnitPanelOptions;

typedef struct UnitPanel
{
	AugPanel panel;
	AugPanelMember *members;
	double *actual; /* [n_members][horizon] what comes after the values */
} UnitPanel;

/* Series of a season of 7, with promotions and prices; see unit_panel.c. */
extern void unit_panel(UnitPanel *p, const UnitPanelOptions *options);
extern void unit_panel_free(UnitPanel *p);

/* ---- tables by hand ---------------------------------------------------- */

#define UNIT_COLUMNS 40

typedef struct UnitTable
{
	AugMatrix matrix;
	AugFeature features[UNIT_COLUMNS];
	double *x; /* [n][p] */
	uint8_t *cells;
	uint32_t *wide;
	uint32_t *label;
	void *memory[2 * UNIT_COLUMNS + 8];
	unsigned n_memory;
} UnitTable;

/*
 * n rows of p columns; levels: of each column, 0 for numbers (NULL: all numbers);
 * y: the target, or classes 0 .. n_classes - 1.
 */
extern void
unit_table(UnitTable *t, uint32_t n, uint32_t p, const double *x, const uint32_t *levels,
		   const double *y, uint32_t n_classes, const double *weight);
extern void unit_table_free(UnitTable *t);

/* ---- whole trainings --------------------------------------------------- */

typedef struct UnitTraining
{
	UnitHost h;
	AugParams *params;
	uint8_t *artifact;
	size_t length;
	AugFit fit;
	AugModel *model;
	AugError err;
	AugStatus status;
	void *scratch;
} UnitTraining;

/* "name=value name=value ..." as parameters; aborts the test when refused. */
extern AugParams *unit_params(UnitHost *h, const AugAlgorithm *algorithm, const char *text);
/* Trains on m with params as "name=value name=value ...", and reads the model. */
extern void unit_training_begin(UnitTraining *t, const AugAlgorithm *algorithm, const AugMatrix *m,
								const char *params, uint64_t seed, uint64_t order);
extern void unit_training_end(UnitTraining *t);

/* A UnitStep: trains with params, JSON text, and reads the model; arg: a UnitFailing. */
typedef struct UnitFailing
{
	UnitData data;
	const AugAlgorithm *algorithm;
	const char *params;
} UnitFailing;

extern AugStatus unit_train_and_read(UnitHost *h, void *arg, AugError *err);

/* The whole file, NUL-terminated, malloc'ed; NULL when it is not there. */
extern uint8_t *unit_read_file(const char *name, size_t *length);

/*
 * Every prefix of stored bytes, a byte more, and every bit of them changed: read must refuse
 * each as damaged.  They lie in memory of just their size, so that a sanitizer sees a read beyond.
 */
typedef AugStatus (*UnitRead)(UnitHost *h, const uint8_t *bytes, size_t length, AugError *err);
extern void unit_damage(UnitRead read, const uint8_t *bytes, size_t length);

/*
 * Golden numbers: lines "case what v1 v2 ..." of a file of tests/data; '#' begins a comment.
 * Fills values with at most room numbers (NA is NaN) and returns how many there are; a
 * case that is not there is a failed check, and 0.
 */
extern size_t
unit_golden(const char *file, const char *name, const char *what, double *values, size_t room);

#endif /* UNIT_H */
