/*-------------------------------------------------------------------------
 *
 * seeds.c
 *		Writes the first inputs of the fuzzers: real models of every algorithm,
 *		real hyperparameter texts, real states of series and of detectors of every method,
 *		and profiles.
 *
 *		seeds MODEL_DIRECTORY PARAMS_DIRECTORY SERIES_DIRECTORY PANEL_DIRECTORY
 *			DETECTOR_DIRECTORY PROFILE_DIRECTORY
 *
 *-------------------------------------------------------------------------
 */
#include "../unit/unit.h"

static void
write_file(const char *directory, const char *name, unsigned i, const void *bytes, size_t length)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s-%u", directory, name, i);
	file = fopen(path, "wb");
	if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0)
	{
		perror(path);
		exit(1);
	}
}

static void
write_models(const AugAlgorithm *a, const char *directory)
{
	/* task and classes by two bits, weights, missing, wide by one each */
	for (unsigned i = 0; i < 32; i++)
	{
		UnitDataOptions options = {i & 3 ? AUG_CLASSIFICATION : AUG_REGRESSION,
								   20 + 10 * (i & 7),
								   i & 3,
								   (i & 4) != 0,
								   (i & 8) != 0,
								   (i & 16) != 0,
								   i};
		UnitHost h;
		UnitData d;
		AugError err;
		AugParams *params;
		uint8_t *artifact;
		size_t length;
		AugFit fit;
		AugStatus status;

		if (options.task == AUG_CLASSIFICATION ? !a->classification : !a->regression)
			continue;
		unit_host(&h);
		unit_data(&d, &options);
		params = unit_small_params(&h, a);
		if (params == NULL)
			exit(1);
		if (i % 3 != 0)
			unit_validate_params(params);
		status = unit_train(&h, a, params, &d.matrix, i, 0, &artifact, &length, &fit, &err);
		if (status == AUG_OK)
			write_file(directory, a->name, i, artifact, length);
		else if (status != AUG_DATA || options.n_classes != 1)
		{
			fprintf(stderr, "cannot train %s: %s\n", a->name, err.message);
			exit(1);
		}
		h.host.release(&h, artifact);
		aug_params_free(params);
		unit_data_free(&d);
	}
}

static void
write_params(unsigned i, const char *directory)
{
	static const char *const texts[] = {
		"{\"n\": 5, \"r\": -1.5e10, \"c\": \"random\", \"x\": 0.5, \"b\": false}",
		"{\"m\": {\"no\": 1, \"yes\": 4.5, \"caf\\u0065\\n\": 0.25}, \"x\": \"all\"}",
		"{\"m\": \"balanced\"}",
		"{}",
		"0.1",
		"true",
		"sqrt",
		"{\"a\": 1}"};
	const AugAlgorithm *a = aug_algorithm_at(i);
	UnitHost h;
	AugError err;
	AugParams *params;
	char *text, *input;

	unit_host(&h);
	if (aug_params_new(&h.host, a, &params, &err) != AUG_OK ||
		aug_params_text(params, &text, &err) != AUG_OK)
		exit(1);
	input = malloc(strlen(text) + 2);
	if (input == NULL)
		exit(1);
	input[0] = (char) (2 * i);
	strcpy(input + 1, text);
	write_file(directory, a->name, 0, input, strlen(text) + 1);
	free(input);
	h.host.release(&h, text);
	aug_params_free(params);
	for (unsigned k = 0; i == 0 && k < sizeof(texts) / sizeof(texts[0]); k++)
	{
		char line[128];

		line[0] = 1;
		strcpy(line + 1, texts[k]);
		write_file(directory, "every", k, line, strlen(line));
	}
}

/* Models over many series: with and without errors of folds, statics, regressors. */
static void
write_panel(unsigned i, const char *directory)
{
	UnitPanelOptions options = {4, 40, 4, (i & 1) != 0, false, i};
	UnitHost h;
	UnitPanel p;
	AugError err;
	AugParams *params;
	AugPanelFit *fit;

	unit_host(&h);
	unit_panel(&p, &options);
	params = unit_params(&h, aug_panel_about(),
						 i & 2 ? "n_trees=3 early_stopping_rounds=none folds=2 lags=2"
							   : "n_trees=5 folds=0 direct_steps=2 max_leaf_nodes=4");
	p.panel.n_statics = i & 4 ? 2 : 0;
	p.panel.n_periods = i & 8 ? 1 : 0;
	if (aug_panel_fit(&h.host, &p.panel, params, 4, 0, NULL, i, &fit, &err) != AUG_OK)
	{
		fprintf(stderr, "cannot train a panel: %s\n", err.message);
		exit(1);
	}
	write_file(directory, "panel", i, fit->artifact.bytes, fit->artifact.length);
	aug_panel_fit_free(&h.host, fit);
	aug_params_free(params);
	unit_panel_free(&p);
}

/* A series of the method, with regressors where it can use them. */
static void
write_series(const AugForecastMethod *method, const char *directory)
{
	static const double levels[] = {0.8, 0.95};
	static const char *const names[] = {"price"};
	double y[48], x[48];
	AugSeries series = {.n = 48, .y = y, .n_periods = 1, .period = {12}};
	AugForecastOptions o = {.n_levels = 2, .levels = levels};
	AugStored s = {.regressor = names, .n_levels = 2, .levels = levels, .horizon = 2};
	UnitHost h;
	AugError err;
	AugParams *params;
	AugForecast *f;
	char *text;
	uint8_t *bytes;
	size_t length;

	for (int t = 0; t < 48; t++)
	{
		y[t] = t % 7 == 3 ? 0 : 20 + t % 12 + sin(t * t);
		x[t] = cos(t);
	}
	if (method->regressors)
	{
		series.n_regressors = 1;
		series.n_x = series.n;
		series.x = x;
	}
	o.horizon = method->regressors ? 0 : 2;
	unit_host(&h);
	if (aug_params_new(&h.host, aug_forecast_about(), &params, &err) != AUG_OK ||
		aug_params_set(params, "method", method->name, &err) != AUG_OK ||
		aug_params_text(params, &text, &err) != AUG_OK)
		exit(1);
	o.params = params;
	if (aug_forecast_run(&h.host, &series, &o, &f, &err) != AUG_OK)
		exit(1);
	s.series = series;
	s.options = text;
	s.form = f->form;
	s.method = f->method;
	s.reason = f->reason;
	s.fallback = f->fallback;
	s.warning = f->warning;
	s.mean = f->horizon > 0 ? f->mean : NULL;
	s.lower = f->lower;
	s.upper = f->upper;
	if (aug_series_store(&h.host, &s, &bytes, &length, &err) != AUG_OK)
		exit(1);
	write_file(directory, method->name, 0, bytes, length);
	h.host.release(&h, bytes);
	h.host.release(&h, text);
	aug_forecast_free(&h.host, f);
	aug_params_free(params);
}

/* A detector that has read so many numbers, with a change among them. */
static void
write_detector(const AugAlgorithm *about, unsigned n, const char *directory)
{
	UnitHost h;
	AugError err;
	AugParams *params;
	AugDetector *d;
	uint8_t *bytes;
	size_t length;

	unit_host(&h);
	params = unit_params(&h, about, "");
	if (aug_detector_new(&h.host, about, params, &d, &err) != AUG_OK)
		exit(1);
	for (unsigned i = 0; i < n; i++)
	{
		double x = i * i % 11 < (i < n / 2 ? 2 : 7);

		if (aug_detector_update(d, &x, 1, &err) != AUG_OK)
			exit(1);
	}
	if (aug_detector_store(d, &bytes, &length, &err) != AUG_OK)
		exit(1);
	write_file(directory, about->name, n, bytes, length);
	h.host.release(&h, bytes);
	aug_detector_free(d);
	aug_params_free(params);
}

/* A profile of n values. */
static void
write_profile(AugProfileKind kind, int n, const char *directory)
{
	UnitHost h;
	AugError err;
	AugProfile *p;
	uint8_t *bytes;
	size_t length;

	unit_host(&h);
	if (aug_profile_new(&h.host, kind, 3, &p, &err) != AUG_OK)
		exit(1);
	for (int i = 0; i < n; i++)
	{
		double v = n % 2 == 0 ? i * 7919 % 10007 / 100.0 : sqrt(i);
		int text = i * i % 1601;

		if ((kind == AUG_PROFILE_NUMBERS
				 ? aug_profile_add(p, &v, 1, &err)
				 : aug_profile_add_label(p, (const char *) &text, 2, 1, &err)) != AUG_OK)
			exit(1);
	}
	if (aug_profile_store(p, &bytes, &length, &err) != AUG_OK)
		exit(1);
	write_file(directory, kind == AUG_PROFILE_NUMBERS ? "numbers" : "labels", (unsigned) n, bytes,
			   length);
	h.host.release(&h, bytes);
	aug_profile_free(p);
}

int
main(int argc, char **argv)
{
	static const int sizes[] = {0, 1, 50, 2000, 3001};

	if (argc != 7)
	{
		fprintf(stderr,
				"usage: %s MODEL_DIRECTORY PARAMS_DIRECTORY SERIES_DIRECTORY PANEL_DIRECTORY "
				"DETECTOR_DIRECTORY PROFILE_DIRECTORY\n",
				argv[0]);
		return 2;
	}
	for (uint32_t i = 0; i < aug_algorithm_count(); i++)
	{
		write_models(aug_algorithm_at(i), argv[1]);
		write_params(i, argv[2]);
	}
	for (uint32_t i = 0; i < aug_forecast_method_count(); i++)
		write_series(aug_forecast_method_at(i), argv[3]);
	for (unsigned i = 0; i < 16; i++)
		write_panel(i, argv[4]);
	for (uint32_t i = 0; i < aug_detector_count(); i++)
	{
		write_detector(aug_detector_at(i), 0, argv[5]);
		write_detector(aug_detector_at(i), 120, argv[5]);
		write_detector(aug_detector_at(i), 2000, argv[5]);
	}
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		write_profile(AUG_PROFILE_NUMBERS, sizes[i], argv[6]);
		write_profile(AUG_PROFILE_WORDS, sizes[i], argv[6]);
	}
	return 0;
}
