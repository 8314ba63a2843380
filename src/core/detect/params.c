/*-------------------------------------------------------------------------
 *
 * params.c
 *		The options of the detectors, declared once.
 *
 * Names and defaults are those of the papers and of the river library, where they are
 * known from, except that Page-Hinkley reads standardised numbers unless told not to:
 * its threshold is in the units of the stream.
 *
 * Memory: none.  Interrupts: none.
 *
 *-------------------------------------------------------------------------
 */
#include "detect.h"

/* of what is standardized, in both tables */
static const char standardize_rows_help[] =
	"With standardize: the first so many numbers, and the first after each change, tell mean and "
	"standard deviation and are not judged.";

const AugParamSpec aug_adwin_params[ADWIN_PARAMS] = {
	[ADWIN_DELTA] =
		{"delta", AUG_PARAM_REAL, "0.002", 1e-300, 1, NULL,
		 "Bound on the share of false alarms at one check. Less finds less, and later."},
	[ADWIN_CLOCK] = {"clock", AUG_PARAM_INT, "32", 1, 1e6, NULL,
					 "Numbers between two checks. 1 checks at each and takes longer."},
	[ADWIN_MAX_BUCKETS] = {"max_buckets", AUG_PARAM_INT, "5", 2, ADWIN_MOST_IN_ROW - 1, NULL,
						   "Buckets of each size: more cut the window more finely."},
	[ADWIN_MIN_WINDOW] = {"min_window_length", AUG_PARAM_INT, "5", 1, 1e6, NULL,
						  "Least numbers on each side of a cut."},
	[ADWIN_GRACE] = {"grace_period", AUG_PARAM_INT, "10", 1, 1e6, NULL,
					 "No check before more than so many numbers have come."},
	[ADWIN_STANDARDIZE] =
		{"standardize", AUG_PARAM_BOOL, "false", 0, 1, NULL,
		 "Scale the numbers so that about six standard deviations are 1: the bound is for numbers "
		 "between 0 and 1. For losses that are not."},
	[ADWIN_STANDARDIZE_ROWS] = {"standardize_rows", AUG_PARAM_INT, "300", 10, 1e6, NULL,
								standardize_rows_help},
};

const AugParamSpec aug_page_hinkley_params[PH_PARAMS] = {
	[PH_MIN_INSTANCES] = {"min_instances", AUG_PARAM_INT, "30", 1, 1e9, NULL,
						  "No change is told before so many numbers."},
	[PH_DELTA] = {"delta", AUG_PARAM_MIXED, "auto", 0, 1e300, "auto",
				  "Deviation of the mean that is let pass. auto is 0.1 standard deviations with "
				  "standardize, 0.005 without."},
	[PH_THRESHOLD] = {"threshold", AUG_PARAM_REAL, "50", 1e-300, 1e300, NULL,
					  "Sum of deviations that is a change (lambda), in standard deviations with "
					  "standardize, else in the units of the numbers."},
	[PH_ALPHA] = {"alpha", AUG_PARAM_REAL, "0.9999", 0, 1, NULL,
				  "What is kept of the sum at each number; less than 1 forgets."},
	[PH_MODE] = {"mode", AUG_PARAM_CHOICE, "both", 0, 0, "up|down|both",
				 "Whether a rise of the mean is a change, a fall, or both."},
	[PH_STANDARDIZE] = {"standardize", AUG_PARAM_BOOL, "true", 0, 1, NULL,
						"Judge deviations in standard deviations instead of units."},
	[PH_STANDARDIZE_ROWS] = {"standardize_rows", AUG_PARAM_INT, "300", 10, 1e6, NULL,
							 standardize_rows_help},
};

const AugParamSpec aug_ddm_params[DDM_PARAMS] = {
	[DDM_WARM_START] = {"warm_start", AUG_PARAM_INT, "30", 1, 1e9, NULL,
						"No change is told before more than so many rows."},
	[DDM_WARNING] = {"warning_threshold", AUG_PARAM_REAL, "2", 0, 1000, NULL,
					 "Standard deviations above the least error rate that are a warning."},
	[DDM_DRIFT] = {"drift_threshold", AUG_PARAM_REAL, "3", 0, 1000, NULL,
				   "Standard deviations above the least error rate that are a change."},
};

const AugParamSpec aug_eddm_params[EDDM_PARAMS] = {
	[EDDM_WARM_START] = {"warm_start", AUG_PARAM_INT, "30", 1, 1e9, NULL,
						 "No change is told before more than so many errors."},
	[EDDM_ALPHA] = {"alpha", AUG_PARAM_REAL, "0.95", 0, 1, NULL,
					"Share of the greatest distance between errors below which there is a "
					"warning."},
	[EDDM_BETA] = {"beta", AUG_PARAM_REAL, "0.9", 0, 1, NULL,
				   "Share of the greatest distance between errors below which there is a change; "
				   "at most alpha."},
};

const AugParamSpec aug_kswin_params[KSWIN_PARAMS] = {
	[KSWIN_ALPHA] = {"alpha", AUG_PARAM_REAL, "0.005", 0, 1, NULL,
					 "Level of the Kolmogorov-Smirnov test, which is made at every number."},
	[KSWIN_WINDOW] = {"window_size", AUG_PARAM_INT, "100", 4, AUG_MAX_WINDOW, NULL,
					  "Numbers that are remembered."},
	[KSWIN_STAT] = {"stat_size", AUG_PARAM_INT, "30", 2, AUG_MAX_WINDOW / 2, NULL,
					"The latest so many are compared with as many drawn from those before; at "
					"most half the window."},
	[KSWIN_SEED] = {"seed", AUG_PARAM_INT, "42", 0, 9007199254740991.0, NULL, "Seed of the draw."},
};
