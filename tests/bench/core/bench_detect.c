/*-------------------------------------------------------------------------
 *
 * bench_detect.c
 *		False alarms and delays of the detectors of change, by the core alone.
 *		tests/bench/detect builds and runs it.
 *
 * usage: bench_detect [RUNS]		simulations of each kind (default 1000)
 *
 * Stationary streams of 5,000 numbers: the share of them in which a detector tells a change.
 * Streams that change after 2,000 numbers: the share in which it tells none within 3,000
 * after, the median of the numbers it takes, and the share with a false alarm before.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../../src/core/augur.h"
#include "../../../src/core/rng.h"

#define STILL  5000
#define BEFORE 2000
#define AFTER  3000

typedef enum Kind
{
	BITS,	/* 0 and 1 */
	BELL,	/* absolute values of normal errors */
	SQUARES /* squares of normal errors times a hundred */
} Kind;

typedef struct Case
{
	const char *title;
	Kind kind;
	double before, after; /* share of errors, or standard deviation of them */
} Case;

static const Case still[] = {
	{"errors 2 %", BITS, 0.02, 0},			 {"errors 10 %", BITS, 0.1, 0},
	{"errors 30 %", BITS, 0.3, 0},			 {"absolute errors, SD 1", BELL, 1, 0},
	{"absolute errors, SD 20", BELL, 20, 0}, {"squared errors, SD 20", SQUARES, 20, 0},
};
static const Case moved[] = {
	{"errors 10 % to 30 %", BITS, 0.1, 0.3},
	{"errors 10 % to 15 %", BITS, 0.1, 0.15},
	{"errors 2 % to 10 %", BITS, 0.02, 0.1},
	{"absolute errors, SD 20 to 30", BELL, 20, 30},
};

static const struct
{
	const char *title;
	const char *detector;
	const char *option;
	const char *value;
} detectors[] = {
	{"adwin", "adwin", NULL, NULL},
	{"adwin, standardised", "adwin", "standardize", "true"},
	{"page_hinkley", "page_hinkley", NULL, NULL},
	{"page_hinkley, not standardised", "page_hinkley", "standardize", "false"},
	{"ddm", "ddm", NULL, NULL},
	{"eddm", "eddm", NULL, NULL},
	{"kswin", "kswin", NULL, NULL},
};
#define N_DETECTORS (sizeof(detectors) / sizeof(detectors[0]))

static void *
host_alloc(void *arg, size_t size)
{
	(void) arg;
	return malloc(size);
}

static void
host_release(void *arg, void *ptr)
{
	(void) arg;
	free(ptr);
}

static bool
host_poll(void *arg, double done)
{
	(void) arg;
	(void) done;
	return false;
}

static const AugHost host = {host_alloc, host_release, host_poll, NULL};

static double
number(AugRng *rng, Kind kind, double p)
{
	double u = aug_rng_real(rng), v, z;

	if (kind == BITS)
		return u < p ? 1 : 0;
	v = aug_rng_real(rng);
	z = p * sqrt(-2 * log(1 - u)) * cos(6.283185307179586 * v);
	return kind == BELL ? fabs(z) : 100 * z * z;
}

static AugDetector *
open_detector(size_t k)
{
	const AugAlgorithm *about = aug_detector_find(detectors[k].detector);
	AugParams *params;
	AugDetector *d;
	AugError err;

	if (aug_params_new(&host, about, &params, &err) != AUG_OK ||
		(detectors[k].option != NULL &&
		 aug_params_set(params, detectors[k].option, detectors[k].value, &err) != AUG_OK) ||
		aug_detector_new(&host, about, params, &d, &err) != AUG_OK)
	{
		fprintf(stderr, "%s\n", err.message);
		exit(1);
	}
	aug_params_free(params);
	return d;
}

/* Position of the first change after the first skip numbers, or 0; earlier: is there one before? */
static size_t
first_change(size_t k, const double *x, size_t n, size_t skip, bool *earlier)
{
	AugDetector *d = open_detector(k);
	AugDetectorInfo info;
	AugError err;
	size_t at = 0;

	if (aug_detector_update(d, x, skip, &err) != AUG_OK)
		exit(1);
	aug_detector_info(d, &info);
	*earlier = info.n_changes > 0;
	for (size_t i = skip; at == 0 && i < n; i++)
	{
		if (aug_detector_update(d, x + i, 1, &err) != AUG_OK)
			exit(1);
		aug_detector_info(d, &info);
		at = info.last_change == i + 1 ? i + 1 : 0;
	}
	aug_detector_free(d);
	return at;
}

static bool
reads(size_t k, Kind kind)
{
	return kind == BITS || !aug_detector_binary(aug_detector_find(detectors[k].detector));
}

static void
false_alarms(int runs)
{
	static double x[STILL];

	printf("| stationary, %d numbers |", STILL);
	for (size_t k = 0; k < N_DETECTORS; k++)
		printf(" %s |", detectors[k].title);
	printf("\n|---|");
	for (size_t k = 0; k < N_DETECTORS; k++)
		printf("---|");
	for (size_t c = 0; c < sizeof(still) / sizeof(still[0]); c++)
	{
		int alarms[N_DETECTORS] = {0};

		for (int run = 0; run < runs; run++)
		{
			AugRng rng = aug_rng(1, c, (uint64_t) run);
			bool earlier;

			for (size_t i = 0; i < STILL; i++)
				x[i] = number(&rng, still[c].kind, still[c].before);
			for (size_t k = 0; k < N_DETECTORS; k++)
				alarms[k] += reads(k, still[c].kind) && first_change(k, x, STILL, 0, &earlier) > 0;
		}
		printf("\n| %s |", still[c].title);
		for (size_t k = 0; k < N_DETECTORS; k++)
		{
			if (reads(k, still[c].kind))
				printf(" %.1f %% |", 100.0 * alarms[k] / runs);
			else
				printf(" |");
		}
	}
	printf("\n\n");
}

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *) a, y = *(const double *) b;

	return (x > y) - (x < y);
}

static void
delays(int runs)
{
	static double x[BEFORE + AFTER];
	double *delay = malloc((size_t) runs * sizeof(double));

	printf("| change after %d | detector | median delay | missed within %d | alarm before |\n"
		   "|---|---|---|---|---|\n",
		   BEFORE, AFTER);
	for (size_t c = 0; delay != NULL && c < sizeof(moved) / sizeof(moved[0]); c++)
	{
		for (size_t k = 0; k < N_DETECTORS; k++)
		{
			int found = 0, before = 0;

			if (!reads(k, moved[c].kind))
				continue;
			for (int run = 0; run < runs; run++)
			{
				AugRng rng = aug_rng(2, c, (uint64_t) run);
				size_t at;
				bool earlier;

				for (size_t i = 0; i < BEFORE + AFTER; i++)
					x[i] =
						number(&rng, moved[c].kind, i < BEFORE ? moved[c].before : moved[c].after);
				at = first_change(k, x, BEFORE + AFTER, BEFORE, &earlier);
				before += earlier;
				if (at > 0)
					delay[found++] = (double) (at - BEFORE);
			}
			qsort(delay, (size_t) found, sizeof(double), ascending);
			printf("| %s | %s | %.0f | %.1f %% | %.1f %% |\n", moved[c].title, detectors[k].title,
				   found > 0 ? delay[found / 2] : NAN, 100.0 * (runs - found) / runs,
				   100.0 * before / runs);
		}
	}
	free(delay);
}

static void
speed(void)
{
	enum
	{
		N = 1000000
	};
	double *x = malloc(N * sizeof(double));
	AugError err;

	printf("\n| detector | numbers a second | bytes of state |\n|---|---|---|\n");
	for (size_t k = 0; x != NULL && k < N_DETECTORS; k++)
	{
		AugRng rng = aug_rng(3, 0, 0);
		AugDetector *d = open_detector(k);
		uint8_t *bytes;
		size_t length;
		clock_t begin;

		for (size_t i = 0; i < N; i++)
			x[i] = number(&rng, BITS, 0.1);
		begin = clock();
		if (aug_detector_update(d, x, N, &err) != AUG_OK ||
			aug_detector_store(d, &bytes, &length, &err) != AUG_OK)
			exit(1);
		printf("| %s | %.1f million | %zu |\n", detectors[k].title,
			   1e-6 * N / ((double) (clock() - begin) / CLOCKS_PER_SEC), length);
		free(bytes);
		aug_detector_free(d);
	}
	free(x);
}

int
main(int argc, char **argv)
{
	int runs = argc > 1 ? atoi(argv[1]) : 1000;

	if (runs < 1)
	{
		fprintf(stderr, "usage: %s [RUNS]\n", argv[0]);
		return 2;
	}
	false_alarms(runs);
	delays(runs);
	speed();
	return 0;
}
