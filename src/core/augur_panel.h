/*-------------------------------------------------------------------------
 *
 * augur_panel.h
 *		The core's door to one model over many series; augur.h includes it.
 *
 * A panel is a set of related series: one gradient boosting model learns from all of
 * them what follows from lags, rolling means, calendar, known regressors and what the
 * series are (statics).  The model is an artifact of its own kind.  What it needs of a
 * series to forecast it, the host keeps: values, regressors and statics.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_PANEL_H
#define AUGUR_PANEL_H

#define AUG_MAX_STATICS	 32
#define AUG_MAX_CALENDAR 16
#define AUG_MAX_FOLDS	 20
#define AUG_PANEL_LEAST	 4 /* values that a series must have to be learnt from or forecast */

/*
 *	series		y, and x where there are regressors: n steps of them at least, and
 *				those of the horizon to be forecast; the seasons are the panel's
 *	calendar	[n + horizon][n_calendar] row-major, NaN is unknown
 *	statics		[n_statics] text, NULL is missing
 */
typedef struct AugPanelMember
{
	AugSeries series;
	const double *calendar;
	const char *const *statics;
} AugPanelMember;

/* Members are in an order of their own, by key: the order they came in must not matter. */
typedef struct AugPanel
{
	uint32_t n_members;
	const AugPanelMember *members;
	uint32_t n_periods;
	uint32_t period[AUG_MAX_PERIODS]; /* ascending, each >= 2 */
	uint32_t n_statics;
	const char *const *static_names;
	uint32_t n_calendar;
	const char *const *calendar_names;
	uint32_t n_regressors;
	const char *const *regressor_names;
} AugPanel;

/* The options; AugAlgorithm's form. */
extern const AugAlgorithm *aug_panel_about(void);

/*
 * What came out of a fit.  mean is what the model forecast from rolling origins, having
 * learnt from what lies before them only: of member i, fold k and step h
 * mean[(i * n_folds + k) * horizon + h], NaN where the member is too short; fold k begins
 * at its step n - (n_folds - k) * horizon.  lower and upper of the levels asked for are
 * [level] of such arrays, and come from the errors of the other folds.
 */
typedef struct AugPanelFit
{
	AugSlice artifact;
	uint32_t horizon, n_folds, n_levels;
	const double *mean, *lower, *upper;
	uint32_t n_learnt;		/* members that the model learnt from */
	uint32_t n_rounds;		/* trees of the model */
	uint32_t direct;		/* steps that it forecasts directly */
	uint32_t n_rows;		/* it was trained on */
	double n_possible;		/* as many rows there are; they were drawn where this is more */
	double validation_loss; /* of early stopping, NaN without */
	char warning[AUG_MESSAGE_SIZE];
} AugPanelFit;

/*
 * Learns from all members.  AUG_DATA: no member can be learnt from; AUG_INVALID: options
 * or sizes; AUG_LIMIT: too many steps, features or levels.
 */
extern AugStatus aug_panel_fit(const AugHost *host, const AugPanel *panel, const AugParams *params,
							   uint32_t horizon, uint32_t n_levels, const double *levels,
							   uint64_t seed, AugPanelFit **out, AugError *err);
extern void aug_panel_fit_free(const AugHost *host, AugPanelFit *fit);

typedef struct AugPanelModel AugPanelModel;

typedef struct AugPanelInfo
{
	uint32_t horizon; /* it was trained for */
	uint32_t direct;  /* steps that are forecast directly; those beyond go on from there */
	uint32_t n_periods;
	uint32_t period[AUG_MAX_PERIODS];
	uint32_t n_statics, n_calendar, n_regressors;
	const char *const *static_names;
	const char *const *calendar_names;
	const char *const *regressor_names;
	const char *params_text;
	const AugModelInfo *model; /* the trees: features with names, importances, seed */
} AugPanelInfo;

/* Decodes and checks an artifact, which may be anything at all and need not outlive the call. */
extern AugStatus aug_panel_read(const AugHost *host, const uint8_t *bytes, size_t length,
								AugPanelModel **out, AugError *err);
extern const AugPanelInfo *aug_panel_info(const AugPanelModel *model);
extern void aug_panel_free(AugPanelModel *model);

/*
 * Forecasts one series, also one that was not in training.  levels: in (0, 1), ascending.
 * fitted is NaN throughout: errors in sample of trees say little.  A series with less than
 * AUG_PANEL_LEAST values is forecast by aug_forecast_run, and fallback says so.
 */
extern AugStatus
aug_panel_forecast(const AugHost *host, const AugPanelModel *model, const AugPanelMember *member,
				   uint32_t horizon, uint32_t n_levels, const double *levels, AugForecast **out,
				   AugError *err);

#endif /* AUGUR_PANEL_H */
