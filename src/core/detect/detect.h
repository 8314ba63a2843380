/*-------------------------------------------------------------------------
 *
 * detect.h
 *		What the files of the detect room share: the state of a detector, and the table
 *		of functions that each method is.
 *
 * A method is three functions over its own part of the state: take one number, write,
 * read.  What all have in common (counting, scaling, the list of changes, the envelope)
 * is in detector.c and store.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_DETECT_H
#define AUG_DETECT_H

#include "../algorithm.h"
#include "../augur_detect.h"

typedef enum DetectMethod
{
	DETECT_ADWIN,
	DETECT_PAGE_HINKLEY,
	DETECT_DDM,
	DETECT_EDDM,
	DETECT_KSWIN,
	DETECT_METHODS
} DetectMethod;

/* Options by method, in the order of the tables of params.c. */
enum
{
	ADWIN_DELTA,
	ADWIN_CLOCK,
	ADWIN_MAX_BUCKETS,
	ADWIN_MIN_WINDOW,
	ADWIN_GRACE,
	ADWIN_STANDARDIZE,
	ADWIN_STANDARDIZE_ROWS,
	ADWIN_PARAMS
};

enum
{
	PH_MIN_INSTANCES,
	PH_DELTA,
	PH_THRESHOLD,
	PH_ALPHA,
	PH_MODE,
	PH_STANDARDIZE,
	PH_STANDARDIZE_ROWS,
	PH_PARAMS
};

enum
{
	DDM_WARM_START,
	DDM_WARNING,
	DDM_DRIFT,
	DDM_PARAMS
};

enum
{
	EDDM_WARM_START,
	EDDM_ALPHA,
	EDDM_BETA,
	EDDM_PARAMS
};

enum
{
	KSWIN_ALPHA,
	KSWIN_WINDOW,
	KSWIN_STAT,
	KSWIN_SEED,
	KSWIN_PARAMS
};

/* Running mean and sum of squared deviations (Welford 1962). */
typedef struct Moments
{
	uint64_t n;
	double mean;
	double s;
} Moments;

/* The window of ADWIN: row r holds buckets of 2^r numbers each, oldest first. */
#define ADWIN_ROWS		  53 /* 2^52 numbers */
#define ADWIN_MOST_IN_ROW 101

typedef struct AdwinRow
{
	uint32_t n;
	double *total;	  /* [max_buckets + 1] */
	double *variance; /* likewise: sums of squared deviations */
} AdwinRow;

typedef struct Adwin
{
	uint32_t n_rows;
	uint64_t width;
	uint64_t tick;
	double total;
	double variance;
	AdwinRow row[ADWIN_ROWS];
} Adwin;

typedef struct PageHinkley
{
	Moments moments;
	double sum_up; /* of deviations above the mean, less delta each */
	double sum_down;
	double min_up;
	double max_down;
} PageHinkley;

typedef struct Ddm
{
	uint64_t n;
	double p;
	bool has_min;
	double p_min;
	double s_min;
	double ps_min;
} Ddm;

typedef struct Eddm
{
	uint64_t n;
	uint64_t last_error;
	uint64_t n_errors;
	Moments distance; /* between errors */
	double level_max; /* most of mean + 2 standard deviations */
} Eddm;

typedef struct Kswin
{
	uint32_t n;		/* numbers in the window */
	uint32_t at;	/* where the oldest lies */
	double *window; /* [window_size] a ring */
	double *sample; /* [2 * stat_size], and room for the draw */
	uint32_t *drawn;
} Kswin;

/* What a method says about a number. */
typedef enum DetectVerdict
{
	DETECT_NOTHING,
	DETECT_WARNING,
	DETECT_CHANGE,
	DETECT_NOMEM
} DetectVerdict;

struct AugDetector
{
	const AugHost *host;
	AugArena arena;
	DetectMethod method;
	AugParams *params;
	char *params_text;
	uint64_t n;
	bool starved; /* an allocation failed while reading a state */
	bool changed; /* by the last number: all but the counts begins anew with the next */
	uint64_t warning_since;
	uint64_t n_changes;
	uint64_t first_change;
	uint32_t n_kept;
	uint64_t *change; /* [AUG_MAX_CHANGES] */
	/* scaling: of the numbers that are not judged yet, then what is divided by */
	bool scaled;
	Moments scale;
	Moments since; /* of all numbers since the last change, unscaled */
	union
	{
		Adwin adwin;
		PageHinkley ph;
		Ddm ddm;
		Eddm eddm;
		Kswin kswin;
	} u;
};

typedef struct DetectOps
{
	AugAlgorithm about;
	bool binary;
	int standardize; /* option that asks for scaling, -1: there is none */
	/* options that do not go together */
	AugStatus (*check)(const AugParams *params, AugError *err);
	/* memory of the method, in d->arena; may be NULL */
	AugStatus (*open)(AugDetector *d, AugError *err);
	void (*reset)(AugDetector *d);
	DetectVerdict (*take)(AugDetector *d, double value);
	void (*write)(const AugDetector *d, AugWriter *w);
	/* false when the state cannot be right; r->bad is tested by the caller */
	bool (*read)(AugDetector *d, AugReader *r);
} DetectOps;

extern const DetectOps aug_detect_adwin;
extern const DetectOps aug_detect_page_hinkley;
extern const DetectOps aug_detect_ddm;
extern const DetectOps aug_detect_eddm;
extern const DetectOps aug_detect_kswin;
extern const DetectOps *aug_detect_ops(DetectMethod method);

#define DETECT_SUM 1e250 /* sums of what was read stay below: numbers are at most 1e100 */

/* params.c */
extern const AugParamSpec aug_adwin_params[ADWIN_PARAMS];
extern const AugParamSpec aug_page_hinkley_params[PH_PARAMS];
extern const AugParamSpec aug_ddm_params[DDM_PARAMS];
extern const AugParamSpec aug_eddm_params[EDDM_PARAMS];
extern const AugParamSpec aug_kswin_params[KSWIN_PARAMS];

/* detector.c: a detector without numbers of these options, given as text */
extern AugStatus aug_detector_open(const AugHost *host, DetectMethod method, const char *params,
								   AugDetector **out, AugError *err);
extern void aug_detector_reset(AugDetector *d);

static inline void
moments_add(Moments *m, double x)
{
	double before = m->mean;

	m->n++;
	m->mean += 1.0 / (double) m->n * (x - m->mean);
	m->s += (x - before) * (x - m->mean);
}

/* Sample variance; 0 for fewer than two. */
static inline double
moments_variance(const Moments *m)
{
	return m->n > 1 ? m->s / (double) (m->n - 1) : 0;
}

/* kswin.c: P(D >= h / n) of two samples of n each from one distribution. */
extern double aug_ks_equal(uint32_t n, uint32_t h);

#endif /* AUG_DETECT_H */
