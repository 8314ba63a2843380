/*-------------------------------------------------------------------------
 *
 * forecast.h
 *		What the forecasting files share: what a method is, a form, a fit.
 *		To add a method: write its file, add one line to methods.c.
 *
 * Memory: all of a fit lies in the arena of its AugCast and is freed with it.  A
 * method that tries many candidates marks nothing for release in between, so it
 * takes its work space once and reuses it.
 * Interrupts: loops over candidates or iterations call aug_cast_stop.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_FORECAST_INTERNAL_H
#define AUG_FORECAST_INTERNAL_H

#include "../algorithm.h"

#define AUG_FORM_CODES 12

struct AugForecaster;

/*
 * A form: the discrete choices (code, the method's own meaning) and the estimated
 * parameters (values, likewise).  Written into AugForecast.form, so a method checks
 * every number of a form it is given.
 */
typedef struct AugForm
{
	int32_t code[AUG_FORM_CODES];
	uint32_t n_values;
	double *values;
	bool transformed; /* of values that were transformed before, by run.c, with lambda */
	double lambda;
} AugForm;

/* One series at work. */
typedef struct AugCast
{
	const AugHost *host;
	AugArena *arena;
	const AugParams *params; /* the options, see params.c of this room */
	uint64_t seed;
	AugError *err;
} AugCast;

/* A fitted method. */
typedef struct AugFitted
{
	const struct AugForecaster *by;
	AugForm form;
	char label[AUG_LABEL_SIZE];
	char reason[AUG_MESSAGE_SIZE];	/* why it was chosen; "" when it was asked for */
	char warning[AUG_MESSAGE_SIZE]; /* what of the request was not followed; "" when all was */
	uint32_t n_parameters;			/* estimated ones, initial states and variance included */
	double log_likelihood;			/* NaN where the method has none */
	double aicc;					/* likewise */
	double sigma2;					/* variance of one-step errors, n - parameters as divisor */
	double *fitted;					/* [n] one-step-ahead, NaN where there is none */
	void *state;					/* the method's own */
} AugFitted;

typedef struct AugForecaster
{
	AugForecastMethod about;
	bool missing; /* takes NaN in y as they are; else gets them interpolated */

	/* AUG_OPTION(F_...) of the options it uses, beyond AUG_COMMON_OPTIONS; others that are
	 * not at their default are refused when it is asked for by name */
	uint64_t options;

	/* NULL when the method can fit the series, else why not, as half a sentence */
	const char *(*refuses)(const AugCast *cast, const AugSeries *s);

	/*
	 * Fits.  given is NULL (search), or a form to keep, with its parameters when
	 * keep is AUG_KEEP_ALL.  AUG_DATA and AUG_NUMERIC mean: this method cannot, try
	 * another; everything else is passed on.
	 */
	AugStatus (*fit)(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep,
					 AugFitted *out);

	/*
	 * Point forecasts, and the variances of their errors as the model has them
	 * (NaN where it has none), for steps 1 .. horizon.  s has x for them.
	 */
	AugStatus (*forecast)(AugCast *cast, const AugSeries *s, const AugFitted *fitted,
						  uint32_t horizon, double *mean, double *variance);
} AugForecaster;

extern const AugForecaster *aug_forecaster_find(const char *name);

/* Asks the host whether to stop: if (aug_cast_stop(cast)) return AUG_CANCELLED; */
extern bool aug_cast_stop(AugCast *cast);
/* Missing values of y by straight lines between neighbours, at the ends by the nearest
 * value; there is at least one value.  run.c */
extern void aug_interpolate(const double *y, size_t n, double *out);
/* n zeroed doubles of the arena, or NULL with err filled: return AUG_NOMEM */
extern double *aug_cast_doubles(AugCast *cast, size_t n);

/* ---- options (params.c) ------------------------------------------------ */

enum
{
	F_METHOD,
	F_MEMBERS,
	F_COMBINE,
	F_ETS_ERROR,
	F_ETS_TREND,
	F_ETS_DAMPED,
	F_ETS_SEASON,
	F_CES_SEASON,
	F_ARIMA_P,
	F_ARIMA_D,
	F_ARIMA_Q,
	F_ARIMA_SEASONAL_P,
	F_ARIMA_SEASONAL_D,
	F_ARIMA_SEASONAL_Q,
	F_ARIMA_CONSTANT,
	F_MSTL_TREND,
	F_TRANSFORM,
	F_OUTLIERS,
	F_INTERVALS,
	F_LOWER_BOUND,
	F_UPPER_BOUND,
	F_INTEGER,
	F_COUNT
};

#define AUG_OPTION(i) (UINT64_C(1) << (i))
/* What run.c does for every method. */
#define AUG_COMMON_OPTIONS                                                        \
	(AUG_OPTION(F_METHOD) | AUG_OPTION(F_INTERVALS) | AUG_OPTION(F_LOWER_BOUND) | \
	 AUG_OPTION(F_UPPER_BOUND) | AUG_OPTION(F_INTEGER) | AUG_OPTION(F_OUTLIERS) | \
	 AUG_OPTION(F_TRANSFORM))

#define AUG_ETS_OPTIONS                                                             \
	(AUG_OPTION(F_ETS_ERROR) | AUG_OPTION(F_ETS_TREND) | AUG_OPTION(F_ETS_DAMPED) | \
	 AUG_OPTION(F_ETS_SEASON))
#define AUG_ARIMA_OPTIONS                                                    \
	(AUG_OPTION(F_ARIMA_P) | AUG_OPTION(F_ARIMA_D) | AUG_OPTION(F_ARIMA_Q) | \
	 AUG_OPTION(F_ARIMA_SEASONAL_P) | AUG_OPTION(F_ARIMA_SEASONAL_D) |       \
	 AUG_OPTION(F_ARIMA_SEASONAL_Q) | AUG_OPTION(F_ARIMA_CONSTANT))

/* index of the choice "auto" in every choice list of the table */
#define F_AUTO 0
/* indices of the choices of "transform" */
#define F_TRANSFORM_NONE 1
#define F_TRANSFORM_LOG	 2
#define F_TRANSFORM_BOX	 3
/* and of "combine" and "intervals" */
#define F_COMBINE_MEDIAN  2
#define F_COMBINE_ERROR	  3
#define F_INTERVALS_MODEL 2
/* and of "ces_season", the seasonal forms between them */
#define F_CES_NONE 1
#define F_CES_BEST 5
/* and of "outliers" */
#define F_OUTLIERS_CLEAN 2

/* ---- form.c: forms as bytes ---------------------------------------------- */

/* Writes method, codes and values; reads them back from untrusted bytes into the
 * arena (AUG_CORRUPT).  Reading consumes exactly what writing wrote. */
extern void aug_form_write(AugWriter *w, const AugFitted *fitted);
extern AugStatus
aug_form_read(AugCast *cast, AugReader *r, const AugForecaster **by, AugForm *form);

/* ---- interval.c ---------------------------------------------------------- */

/* Scales variances [horizon] by what the method's errors from rolling origins were. */
extern AugStatus aug_interval_calibrate(AugCast *cast, const AugSeries *s, const AugFitted *fitted,
										uint32_t horizon, double *variance);
/* lower and upper: [horizon], mean -+ quantile * sd; of Student's t, or of the normal when
 * df is infinite; NaN where the variance is. */
extern void aug_interval(const double *mean, const double *variance, uint32_t horizon, double level,
						 double df, double *lower, double *upper);

/* ---- the methods --------------------------------------------------------- */

extern const AugForecaster aug_forecaster_naive;		  /* naive.c */
extern const AugForecaster aug_forecaster_seasonal_naive; /* naive.c */
extern const AugForecaster aug_forecaster_drift;		  /* naive.c */
extern const AugForecaster aug_forecaster_mean;			  /* naive.c */
extern const AugForecaster aug_forecaster_mstl;			  /* mstl_forecast.c */
extern const AugForecaster aug_forecaster_ses;			  /* ses.c */
extern const AugForecaster aug_forecaster_holt;			  /* holt.c */
extern const AugForecaster aug_forecaster_damped;		  /* holt.c */
extern const AugForecaster aug_forecaster_comb;			  /* holt.c */
extern const AugForecaster aug_forecaster_holt_winters;	  /* holt_winters.c */
extern const AugForecaster aug_forecaster_ces;			  /* ces.c */
extern const AugForecaster aug_forecaster_croston;		  /* intermittent.c */
extern const AugForecaster aug_forecaster_sba;			  /* intermittent.c */
extern const AugForecaster aug_forecaster_tsb;			  /* intermittent.c */
extern const AugForecaster aug_forecaster_adida;		  /* intermittent.c */
extern const AugForecaster aug_forecaster_theta;		  /* theta.c */
extern const AugForecaster aug_forecaster_dotm;			  /* dotm.c */
extern const AugForecaster aug_forecaster_combination;	  /* combine.c */
extern const AugForecaster aug_forecaster_auto;			  /* auto.c */
extern const AugForecaster aug_forecaster_ets;			  /* ets.c */
extern const AugForecaster aug_forecaster_ets_average;	  /* ets_average.c */
extern const AugForecaster aug_forecaster_arima;		  /* arima.c */
extern const AugForecaster aug_forecaster_naive2;		  /* naive2.c */

#endif /* AUG_FORECAST_INTERNAL_H */
