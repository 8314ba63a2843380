/*-------------------------------------------------------------------------
 *
 * panel.h
 *		What the files of the panel room share: one model over many series.
 *
 *	params.c	the options
 *	view.c		a series made ready: values in its own unit, running sums
 *	feature.c	what the trees see of a series at an origin and a step
 *	rows.c		which rows are learnt from, and their matrix
 *	fit.c		trees on a cut of the panel; folds; the whole fit
 *	spread.c	intervals from the errors of the folds
 *	store.c		the artifact
 *	forecast.c	forecasts of one series
 *
 * Room: Montero-Manso and Hyndman, Principles and algorithms for forecasting groups of
 * time series: locality and globality, International Journal of Forecasting 37, 2021;
 * Januschowski and others, Forecasting with trees, IJF 38, 2022; Makridakis, Spiliotis and
 * Assimakopoulos, M5 accuracy competition: results, findings, and conclusions, IJF 38, 2022.
 *
 * A row is (series, origin t, step h): features from what is known at t, and regressors and
 * calendar of t + h, which are known ahead.  Its target is the value at t + h over the
 * series' level at t, or the logarithm of that.  Values further than `direct` steps ahead
 * are forecast on from forecasts.
 *
 * Memory: arenas.  Interrupts: panel_tick() by rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_PANEL_INTERNAL_H
#define AUG_PANEL_INTERNAL_H

#include "../algorithm.h"

#define PANEL_MAX_DIRECT 400 /* steps with rows of their own */
#define PANEL_WINDOWS	 3
#define PANEL_FULL_X	 12 /* more varying regressors give one feature each */
#define PANEL_SAME		 12 /* values of the same season, or of like regressors */
#define PANEL_FEATURES	 1000
#define PANEL_KNOTS		 24	 /* steps that have quantiles of their own */
#define PANEL_QUANTILES	 201 /* of errors, at 0, 1 / 200, ... 1 */

/* ---- options (params.c) ------------------------------------------------- */

enum
{
	P_LOSS,
	P_TWEEDIE_POWER,
	P_TRANSFORM,
	P_LAGS,
	P_DIRECT,
	P_N_TREES,
	P_EARLY_STOPPING,
	P_LEARNING_RATE,
	P_MAX_LEAF_NODES,
	P_MIN_SAMPLES_LEAF,
	P_LAMBDA,
	P_SAMPLE_FRACTION,
	P_MAX_FEATURES,
	P_MAX_ROWS,
	P_FOLDS,
	P_LOWER_BOUND,
	P_UPPER_BOUND,
	P_INTEGER,
	P_COUNT
};

/* What the features are: follows from the panel and the options, and is stored. */
typedef struct PanelShape
{
	uint32_t horizon, direct;
	uint32_t n_lags;
	uint32_t n_periods;
	uint32_t period[AUG_MAX_PERIODS];
	uint32_t n_regressors, n_calendar, n_statics;
	bool log; /* trees learn logarithms */
	/* regressors that change within a series; others are what a series is */
	bool varies[AUG_MAX_REGRESSORS];
	/* from here on derived */
	uint32_t main; /* the shortest season, 1: none */
	bool full;	   /* regressors that vary are few enough for features around them */
	uint32_t window[PANEL_WINDOWS];
	uint32_t n_numbers;	 /* features that are numbers; those that are categories follow */
	uint32_t n_features; /* of both */
} PanelShape;

/* Fills what is derived; AUG_LIMIT for too many features. */
extern AugStatus aug_panel_shape(PanelShape *shape, AugError *err);

/* ---- view.c ------------------------------------------------------------- */

/*
 * A series in its own unit (its mean absolute value), with running sums over the first t
 * values at [t].
 */
typedef struct PanelView
{
	const PanelShape *shape;
	size_t n;			 /* values */
	size_t n_x;			 /* rows of x */
	double unit;		 /* y = unit * v */
	const double *v;	 /* [n], NaN missing */
	double *count, *sum; /* [n + 1] */
	double *size;		 /* of absolute values */
	double *square;
	double *zeros;
	double *moves, *n_moves; /* absolute seasonal differences */
	uint32_t *quiet;		 /* [n + 1] steps since a value that is not 0 */
	const double *x;		 /* [n_x][n_regressors] */
	double *tolerance;		 /* [n_regressors] values nearer than this are alike */
	uint32_t *since;		 /* [n_x][n_regressors] steps since the regressor changed */
	double *x_sum;			 /* [n_x + 1][n_regressors] */
	const double *calendar;
	const double *codes; /* [n_statics] levels */
} PanelView;

/* codes and calendar are kept, not copied.  n: values to use, of member's. */
extern AugStatus
aug_panel_view(AugArena *arena, const PanelShape *shape, const AugPanelMember *member,
			   const double *codes, size_t n, PanelView *view, AugError *err);

/* Level at an origin: t values are known. */
extern double aug_panel_level(const PanelView *view, size_t t);
/* How far values are apart from one season to the next, likewise. */
extern double aug_panel_moves(const PanelView *view, size_t t);
/* Target of the trees, and back; level is the view's at the origin. */
extern double aug_panel_target(const PanelShape *shape, double v, double level);
extern double aug_panel_value(const PanelShape *shape, double target, double level);

/* ---- feature.c ---------------------------------------------------------- */

/* Features at origin t (values 0 .. t - 1 are known) for the value at t - 1 + h. */
extern void aug_panel_features(const PanelView *view, size_t t, uint32_t h, double *out);
/* Their number when names is NULL; else their names too, from the arena (NULL: no memory). */
extern uint32_t aug_panel_feature_names(const PanelShape *shape, const AugPanel *panel,
										AugArena *arena, const char **names);

/* ---- rows.c ------------------------------------------------------------- */

/* The panel at work. */
typedef struct PanelWork
{
	const AugHost *host;
	AugArena *arena; /* of the fit */
	const AugPanel *panel;
	const AugParams *params;
	AugBounds bounds;
	PanelShape shape;
	uint64_t seed;
	double *codes;		 /* [n_members][n_statics] */
	AugFeature *statics; /* [n_statics] levels */
	bool *learnt;		 /* [n_members] */
	uint32_t done;		 /* work since the last poll */
	AugError *err;
} PanelWork;

/* A matrix of rows whose targets lie before the last `cut` steps of each member. */
typedef struct PanelRows
{
	AugMatrix matrix;
	double n_possible;
} PanelRows;

/* Levels of the statics, and which members are learnt from. */
extern AugStatus aug_panel_open(PanelWork *work);
/* validate: rows of the last `horizon` steps before the cut come last, and n_last counts them. */
extern AugStatus
aug_panel_rows(PanelWork *work, AugArena *arena, size_t cut, bool validate, PanelRows *rows);
extern bool aug_panel_tick(PanelWork *work, uint32_t amount);

/* ---- spread.c ----------------------------------------------------------- */

/* Quantiles of errors over their spread, for some steps. */
typedef struct PanelSpread
{
	uint32_t n_knots; /* 0: no intervals */
	double power;	  /* spread follows (forecast / level) ^ power */
	uint32_t step[PANEL_KNOTS];
	double quantile[PANEL_KNOTS][PANEL_QUANTILES];
} PanelSpread;

/* What errors of a forecast v at an origin are over; all in units of the view. */
extern double aug_panel_spread(double v, double level, double moves, double power);
/* error: [n][horizon] over their spread, NaN where there is none. */
extern AugStatus aug_panel_spread_fit(PanelWork *work, const double *error, size_t n,
									  uint32_t horizon, PanelSpread *spread);
/* Quantile p of the errors at a step. */
extern double aug_panel_spread_at(const PanelSpread *spread, uint32_t step, double p);

/* ---- forecast.c --------------------------------------------------------- */

/* Point forecasts of one member from its first n values, and what its errors are over;
 * out, spread: [horizon]. */
extern AugStatus
aug_panel_cast(const AugHost *host, const PanelShape *shape, const AugModel *model,
			   const AugPanelMember *member, const double *codes, size_t n, uint32_t horizon,
			   double power, double *out, double *spread, AugError *err);
/* Interval around a forecast at a step, of a model for so long a horizon. */
extern void
aug_panel_interval(const PanelSpread *spread, uint32_t horizon, uint32_t step, double mean,
				   double size, double level, double *lower, double *upper);

/* ---- store.c ------------------------------------------------------------ */

struct AugPanelModel
{
	const AugHost *host;
	AugArena arena;
	PanelShape shape;
	AugPanelInfo info;
	AugParams *params;
	AugBounds bounds;
	AugModel *model;
	PanelSpread *spread;
};

extern AugStatus aug_panel_store(const PanelWork *work, const PanelSpread *spread, AugSlice model,
								 uint8_t **bytes, size_t *length);

#endif /* AUG_PANEL_INTERNAL_H */
