/*-------------------------------------------------------------------------
 *
 * params.c
 *		The options of forecasting, declared once.
 *
 * All methods share one table, so that "auto" can hand its options to whatever it
 * tries.  An option of a method that is not at work is refused by aug_forecast_run.
 *
 * Memory: none.  Interrupts: none.
 *
 *-------------------------------------------------------------------------
 */
#include "forecast.h"

static const AugParamSpec forecast_params[F_COUNT] = {
	[F_METHOD] =
		{"method", AUG_PARAM_CHOICE, "auto", 0, 0,
		 "auto|naive|seasonal_naive|drift|mean"
		 "|croston|sba|tsb|adida"
		 "|naive2|ses|holt|damped|comb|holt_winters|ces|theta|dotm"
		 "|mstl"
		 "|arima|ets|ets_average|combination",
		 "Forecasting method. auto combines methods by a fixed rule on seasons, length and "
		 "zeros, and says what it used."},
	[F_MEMBERS] = {"members", AUG_PARAM_MAP, "auto", 0, 1e6, "auto",
				   "Methods that a combination is made of, with weights: {\"ets\": 1, "
				   "\"dotm\": 1}."},
	[F_COMBINE] = {"combine", AUG_PARAM_CHOICE, "auto", 0, 0, "auto|mean|median|error",
				   "How members are combined: mean (by weights), median, or error: weights "
				   "by the inverse of the squared errors from rolling origins."},
	[F_ETS_ERROR] = {"ets_error", AUG_PARAM_CHOICE, "auto", 0, 0, "auto|additive|multiplicative",
					 "Error of exponential smoothing."},
	[F_ETS_TREND] = {"ets_trend", AUG_PARAM_CHOICE, "auto", 0, 0,
					 "auto|none|additive|multiplicative", "Trend of exponential smoothing."},
	[F_ETS_DAMPED] = {"ets_damped", AUG_PARAM_CHOICE, "auto", 0, 0, "auto|true|false",
					  "Whether the trend of exponential smoothing is damped."},
	[F_ETS_SEASON] = {"ets_season", AUG_PARAM_CHOICE, "auto", 0, 0,
					  "auto|none|additive|multiplicative", "Season of exponential smoothing."},
	[F_CES_SEASON] = {"ces_season", AUG_PARAM_CHOICE, "auto", 0, 0,
					  "auto|none|simple|partial|full|best",
					  "Season of complex exponential smoothing: a form of it, or best, the one "
					  "of least AICc; auto takes the season out before."},
	[F_ARIMA_P] = {"arima_p", AUG_PARAM_MIXED, "auto", 0, 10, "auto", "Autoregressive order."},
	[F_ARIMA_D] = {"arima_d", AUG_PARAM_MIXED, "auto", 0, 2, "auto", "Order of differencing."},
	[F_ARIMA_Q] = {"arima_q", AUG_PARAM_MIXED, "auto", 0, 10, "auto", "Moving-average order."},
	[F_ARIMA_SEASONAL_P] = {"arima_seasonal_p", AUG_PARAM_MIXED, "auto", 0, 3, "auto",
							"Seasonal autoregressive order."},
	[F_ARIMA_SEASONAL_D] = {"arima_seasonal_d", AUG_PARAM_MIXED, "auto", 0, 1, "auto",
							"Order of seasonal differencing."},
	[F_ARIMA_SEASONAL_Q] = {"arima_seasonal_q", AUG_PARAM_MIXED, "auto", 0, 3, "auto",
							"Seasonal moving-average order."},
	[F_ARIMA_CONSTANT] = {"arima_constant", AUG_PARAM_CHOICE, "auto", 0, 0, "auto|true|false",
						  "Whether ARIMA has a constant: a mean, or a drift when differenced "
						  "once."},
	[F_MSTL_TREND] =
		{"mstl_trend", AUG_PARAM_CHOICE, "auto", 0, 0, "auto|ets|arima|dotm|drift|naive",
		 "Method that forecasts the series without its seasons. auto is arima from 200 "
		 "values on, else ets, or something simpler where it does not fit."},
	[F_TRANSFORM] = {"transform", AUG_PARAM_MIXED, "auto", -1, 2, "auto|none|log|box_cox",
					 "Box-Cox transformation of positive values before any method: none, log, "
					 "a number lambda (0 is log), or box_cox: Guerrero's lambda; auto is none, "
					 "but mstl chooses."},
	[F_OUTLIERS] = {"outliers", AUG_PARAM_CHOICE, "auto", 0, 0, "auto|keep|clean",
					"Whether outliers are replaced before fitting. auto keeps them."},
	[F_INTERVALS] = {"intervals", AUG_PARAM_CHOICE, "auto", 0, 0, "auto|calibrated|model",
					 "How intervals are made: model takes the method's own variance; calibrated "
					 "widens it by what rolling-origin errors tell. auto is calibrated."},
	[F_LOWER_BOUND] = {"lower_bound", AUG_PARAM_MIXED, "none", -1e300, 1e300, "none",
					   "Forecasts and intervals are cut below here: 0 for demand."},
	[F_UPPER_BOUND] = {"upper_bound", AUG_PARAM_MIXED, "none", -1e300, 1e300, "none",
					   "Forecasts and intervals are cut above here."},
	[F_INTEGER] = {"integer", AUG_PARAM_BOOL, "false", 0, 1, NULL,
				   "Round forecasts to whole numbers, and intervals outwards."},
};

static const AugAlgorithm about = {.name = "forecast",
								   .title = "Forecasting",
								   .help = "Forecasts of a series by its own past.",
								   .classification = false,
								   .regression = true,
								   .n_params = F_COUNT,
								   .params = forecast_params};

const AugAlgorithm *
aug_forecast_about(void)
{
	return &about;
}
