/*-------------------------------------------------------------------------
 *
 * augur_forecast.h
 *		The forecasting wing of the core's door; augur.h includes it.
 *
 * A series is an array of equally spaced values: calendars, time zones, gaps and
 * duplicates are the host's business, which hands over one value a step and NaN
 * where one is missing.  The conventions of augur.h hold.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_FORECAST_H
#define AUGUR_FORECAST_H

#define AUG_MAX_PERIODS		 4
#define AUG_MAX_PERIOD		 100000
#define AUG_MAX_HORIZON		 100000
#define AUG_MAX_LEVELS_ASKED 20
#define AUG_MAX_REGRESSORS	 200
#define AUG_LABEL_SIZE		 64

/*
 *	y		[n] NaN is missing; finite otherwise
 *	period	n_periods season lengths, ascending, each >= 2; none: no season
 *	x		[n_x][n_regressors] row-major, finite; n_x = n + the horizon known ahead
 */
typedef struct AugSeries
{
	size_t n;
	const double *y;
	uint32_t n_periods;
	uint32_t period[AUG_MAX_PERIODS];
	uint32_t n_regressors;
	size_t n_x;
	const double *x;
	bool transformed; /* internal, leave it false: option "transform" is done already */
} AugSeries;

/* The options of forecasting: one table, AugAlgorithm's form; its first parameter is "method". */
extern const AugAlgorithm *aug_forecast_about(void);

typedef struct AugForecastMethod
{
	const char *name;	   /* "ets" */
	const char *title;	   /* "Exponential smoothing state space model" */
	const char *help;	   /* what it is good for, one or two sentences */
	const char *reference; /* paper or book */
	bool seasonal;		   /* can model a season */
	bool regressors;	   /* can use known regressors */
} AugForecastMethod;

extern uint32_t aug_forecast_method_count(void);
extern const AugForecastMethod *aug_forecast_method_at(uint32_t i);

/* What of an earlier fit is kept. */
typedef enum AugKeep
{
	AUG_KEEP_NOTHING = 0, /* search for the form, estimate */
	AUG_KEEP_FORM = 1,	  /* the form is given, parameters are estimated anew */
	AUG_KEEP_ALL = 2	  /* form and parameters are given: only filter */
} AugKeep;

typedef struct AugForecastOptions
{
	const AugParams *params; /* of aug_forecast_about() */
	uint32_t horizon;		 /* 0: only fit, which needs no regressors ahead */
	uint32_t n_levels;
	const double *levels; /* in (0, 1), ascending */
	uint64_t seed;
	AugKeep keep;
	AugSlice form; /* AugForecast.form of an earlier run, untrusted; for keep > 0 */
} AugForecastOptions;

/* One forecast; everything is in one block that aug_forecast_free releases. */
typedef struct AugForecast
{
	uint32_t horizon;
	uint32_t n_levels;
	const double *mean;	 /* [horizon] point forecast */
	const double *lower; /* [n_levels][horizon] */
	const double *upper;
	size_t n;
	const double *fitted;			 /* [n] one-step-ahead in sample, NaN where there is none */
	double sigma;					 /* standard deviation of one-step errors, NaN when unknown */
	double aicc;					 /* of a single model, else NaN */
	char method[AUG_LABEL_SIZE];	 /* what made it: "ETS(M,Ad,M)", "mean of ETS, DOTM" */
	char reason[AUG_MESSAGE_SIZE];	 /* why it was chosen; "" when asked for by name */
	char fallback[AUG_MESSAGE_SIZE]; /* what could not be fitted and why; "" when none */
	char warning[AUG_MESSAGE_SIZE];	 /* "" when none */
	uint32_t n_observed;			 /* values that were not missing */
	AugSlice form;					 /* form and parameters, for keep */
} AugForecast;

/*
 * Fits and forecasts one series.  Data never make it fail: what cannot be fitted
 * falls back to something simpler and says so, down to the last value, or NaN
 * for a series without any value.  Fails with AUG_NOMEM, AUG_CANCELLED, AUG_INVALID
 * (options), AUG_CORRUPT (form).
 */
extern AugStatus
aug_forecast_run(const AugHost *host, const AugSeries *series, const AugForecastOptions *options,
				 AugForecast **out, AugError *err);
extern void aug_forecast_free(const AugHost *host, AugForecast *forecast);

/* ---- a fitted series as bytes --------------------------------------------- */

#define AUG_SERIES_FORMAT 1 /* what this version writes; it reads all up to it */

/*
 * What is kept of a fitted series, so that it can be forecast again (AUG_KEEP_ALL) or
 * fitted anew (AUG_KEEP_FORM).  After loading, everything is checked as far as the
 * bytes alone tell; host, options and form are for their readers to distrust.
 *
 *	series		n_x = n: regressors of history
 *	regressor	[n_regressors] names
 *	options		canonical text of the method's options (aug_params_text)
 *	horizon, levels		as they were asked for when it was fitted
 *	mean		[horizon], lower and upper [n_levels][horizon]; NULL: no forecast is kept
 */
typedef struct AugStored
{
	AugSlice host; /* the host's own: where steps lie in time */
	AugSeries series;
	const char *const *regressor;
	const char *options;
	uint64_t seed;
	uint32_t horizon;
	uint32_t n_levels;
	const double *levels;
	AugSlice form;
	const char *method; /* of AugForecast, and so on */
	const char *reason;
	const char *fallback;
	const char *warning;
	double sigma;
	double aicc;
	const double *mean;
	const double *lower;
	const double *upper;
} AugStored;

/* New bytes, the caller's to release.  Equal series give equal bytes. */
extern AugStatus aug_series_store(const AugHost *host, const AugStored *stored, uint8_t **bytes,
								  size_t *length, AugError *err);
/* Copies all it needs out of bytes, which are untrusted. */
extern AugStatus aug_series_load(const AugHost *host, const uint8_t *bytes, size_t length,
								 AugStored **out, AugError *err);
extern void aug_series_free(AugStored *stored);

/* ---- demand ----------------------------------------------------------- */

/* Syntetos, Boylan, Croston 2005: by interval (1.32) and variation (0.49) of demand. */
typedef enum AugDemandClass
{
	AUG_DEMAND_NONE = 0, /* no demand, or negative values */
	AUG_DEMAND_SMOOTH = 1,
	AUG_DEMAND_ERRATIC = 2,
	AUG_DEMAND_INTERMITTENT = 3,
	AUG_DEMAND_LUMPY = 4
} AugDemandClass;

/* *adi: observed steps a demand; *cv2: squared coefficient of variation of its sizes;
 * both NaN for AUG_DEMAND_NONE.  Missing values are passed over. */
extern AugDemandClass aug_demand_class(const double *y, size_t n, double *adi, double *cv2);

/* ---- seasons ---------------------------------------------------------- */

#define AUG_MAX_CANDIDATES 16

typedef struct AugSeasonFound
{
	uint32_t period;
	double strength;		/* of STL's seasonal part, 0 to 1; NaN unless n > 2 periods */
	double autocorrelation; /* at lag period, without trend; NaN unless n >= 3 periods */
	double statistic;		/* the same by its standard error */
	double p_value;			/* one-sided; for all lags together when none was proposed */
	bool accepted;
} AugSeasonFound;

/*
 * Which of the proposed lengths (ascending, each >= 2) are seasons of y: out has
 * n_candidates entries, each tested in what the shorter accepted ones leave.  At most
 * AUG_MAX_PERIODS are accepted.  Without candidates lengths are looked for up to
 * n / 3: out has room for AUG_MAX_PERIODS, all entries are accepted.
 */
extern AugStatus
aug_seasonality(const AugHost *host, const double *y, size_t n, uint32_t n_candidates,
				const uint32_t *candidate, AugSeasonFound *out, uint32_t *n_out, AugError *err);

/* ---- decomposition ----------------------------------------------------- */

/*
 * Results of this part are one block each, which the host releases.  Regressors of a
 * series are not looked at.  A series without any value is AUG_DATA, one whose sums
 * overflow AUG_NUMERIC.
 */

/* y = trend + all seasonal parts + remainder (remainder is NaN where y is). */
typedef struct AugDecomposition
{
	size_t n;
	uint32_t n_periods; /* of the series' seasons those with n > 2 periods */
	uint32_t period[AUG_MAX_PERIODS];
	const double *trend; /* [n], all of them */
	const double *seasonal[AUG_MAX_PERIODS];
	const double *remainder;
	const double *whole;			  /* y with its gaps filled along trend and season */
	double strength[AUG_MAX_PERIODS]; /* of each seasonal part, 0 to 1 */
	double trend_strength;
} AugDecomposition;

/* robust: outliers do not pull at the parts. */
extern AugStatus aug_decompose(const AugHost *host, const AugSeries *series, bool robust,
							   AugDecomposition **out, AugError *err);

typedef struct AugOutliers
{
	size_t n;
	size_t n_outliers;
	const double *cleaned; /* [n] y, another value where there is an outlier */
} AugOutliers;

extern AugStatus
aug_outliers(const AugHost *host, const AugSeries *series, AugOutliers **out, AugError *err);

/* What was to be expected, and how far off a value is. */
typedef struct AugAnomalies
{
	size_t n;
	size_t n_outside;		/* values beyond lower or upper */
	double scale;			/* standard deviation of remainders, robust */
	const double *expected; /* [n], all of them */
	const double *lower;
	const double *upper;
	const double *score; /* (y - expected) / scale, NaN where y is */
} AugAnomalies;

/* level: of the values that are as expected, the share between lower and upper. */
extern AugStatus aug_anomalies(const AugHost *host, const AugSeries *series, double level,
							   AugAnomalies **out, AugError *err);

typedef struct AugChange
{
	size_t at;			  /* the first step at the new level */
	double before, after; /* levels, seasons out */
	double statistic;	  /* the shift by its standard error */
} AugChange;

typedef struct AugChanges
{
	size_t n;
	const AugChange *change; /* [n] by time */
} AugChanges;

/* As many values as lie between two changes, and the price of a change in
 * log n times the variance (2: Schwarz's criterion) when nothing is asked for. */
#define AUG_CHANGE_LEAST   5
#define AUG_CHANGE_PENALTY 3.0

extern AugStatus aug_changepoints(const AugHost *host, const AugSeries *series, uint32_t least,
								  double penalty, AugChanges **out, AugError *err);

/* ---- bounds ----------------------------------------------------------- */

/* What a forecast may be; infinite: no bound.  Of whole numbers the bounds are whole. */
typedef struct AugBounds
{
	double lower, upper;
	bool whole;
} AugBounds;

/*
 * Options "lower_bound", "upper_bound" and "integer" of forecasting or of the models over
 * many series.  AUG_INVALID: nothing lies between them.
 */
extern AugStatus aug_bounds_read(const AugParams *params, AugBounds *out, AugError *err);
/*
 * The value that users see: rounded by round_it (round, floor, ceil) when it is to be whole,
 * then within n times the bounds (a sum of n series).  NaN stays.
 */
extern double aug_bounded(const AugBounds *b, double n, double v, double (*round_it)(double));

/* ---- hierarchies ------------------------------------------------------ */

#define AUG_NO_PARENT UINT32_MAX

/*
 *	parent		[n_nodes] index of the node this one is part of, AUG_NO_PARENT for roots
 *	base		[n_nodes][horizon] forecasts of each, finite
 *	residuals	[n_nodes][n] one-step errors in sample, NaN where there is none; n may be 0
 */
typedef struct AugHierarchy
{
	uint32_t n_nodes;
	const uint32_t *parent;
	uint32_t horizon;
	const double *base;
	size_t n;
	const double *residuals;
} AugHierarchy;

typedef enum AugReconcile
{
	AUG_RECONCILE_BOTTOM_UP = 0,
	AUG_RECONCILE_TOP_DOWN = 1, /* by the proportions of the forecasts */
	AUG_RECONCILE_DIAGONAL = 2, /* MinT, errors of different nodes taken as uncorrelated */
	AUG_RECONCILE_SHRUNK = 3	/* MinT, correlations shrunk; at most 5000 nodes */
} AugReconcile;

/*
 * Forecasts that add up: out, [n_nodes][horizon], each node the sum of its children.
 * spread: [n_nodes] or NULL; what is left of each node's standard deviation, 0 to 1, by
 * the covariances of the errors; 1 for bottom-up and top-down, which use none.
 * AUG_INVALID: no tree; AUG_DATA: a forecast that is not finite; AUG_NUMERIC: errors
 * that are too large or whose covariances are singular.
 */
extern AugStatus aug_reconcile(const AugHost *host, const AugHierarchy *hierarchy, AugReconcile how,
							   double *out, double *spread, AugError *err);

/* ---- accuracy --------------------------------------------------------- */

/* In-sample mean absolute (squared) difference at lag period: the scale of MASE
 * and MSIS (RMSSE).  Missing values are left out; NaN when there is no pair or it is 0. */
extern double aug_scale_absolute(const double *y, size_t n, uint32_t period);
extern double aug_scale_squared(const double *y, size_t n, uint32_t period);

/* Errors of one forecast against actuals; NaN where undefined; missing actuals are left out. */
typedef struct AugAccuracy
{
	uint32_t n;
	double smape, mape; /* percent */
	double mase, rmsse;
	double mae, rmse, bias;
	double coverage, msis; /* of the given level; NaN without lower and upper */
} AugAccuracy;

extern void aug_forecast_accuracy(const double *actual, const double *mean, const double *lower,
								  const double *upper, double level, uint32_t horizon,
								  double scale_absolute, double scale_squared, AugAccuracy *out);

#endif /* AUGUR_FORECAST_H */
