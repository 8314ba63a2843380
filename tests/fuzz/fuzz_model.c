/*-------------------------------------------------------------------------
 *
 * fuzz_model.c
 *		Any bytes at all as a model: read them, and score with what is accepted.
 *
 * Built with AUG_FUZZING, so that length and checksum do not stand in the way.
 * An accepted model must answer every row with finite numbers, probabilities
 * that sum to 1 and ordered intervals, for raw and for binned rows.
 *
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"

#include "../../src/core/rng.h"

#define N_ROWS 24

static void
demand_output(const AugModelInfo *info, const double *out)
{
	double sum = 0;

	for (uint32_t k = 0; k < info->n_outputs; k++)
	{
		DEMAND(isfinite(out[k]));
		DEMAND(info->task == AUG_REGRESSION || (out[k] >= 0 && out[k] <= 1));
		sum += out[k];
	}
	DEMAND(info->task == AUG_REGRESSION || fabs(sum - 1) < 1e-6);
}

static double
raw_value(AugRng *rng, const AugFeature *f)
{
	static const double odd[] = {NAN, INFINITY, -INFINITY, 0, -1, 1e300, -1e300, 255, 4294967296.0};
	uint32_t choice = aug_rng_below(rng, 16);

	if (choice < 9)
		return odd[choice];
	if (f->kind == AUG_CATEGORICAL_FEATURE)
		return f->n_levels > 0 ? aug_rng_below(rng, f->n_levels + 2) : aug_rng_real(rng) * 1000;
	return f->n_cuts > 0 ? f->cuts[aug_rng_below(rng, f->n_cuts)] : aug_rng_real(rng);
}

static void
score_raw(const AugModel *model, AugRng *rng, void *scratch, double *out)
{
	const AugModelInfo *info = aug_model_info(model);
	double *x = malloc((info->n_features + (size_t) 1) * sizeof(double));

	DEMAND(x != NULL);
	for (int row = 0; row < N_ROWS; row++)
	{
		double lower, upper;

		for (uint32_t f = 0; f < info->n_features; f++)
			x[f] = raw_value(rng, &info->features[f]);
		aug_model_score(model, x, scratch, out);
		demand_output(info, out);
		if (info->n_outputs <= 2)
			DEMAND(aug_model_score1(model, x, scratch) == out[info->n_outputs - 1]);
		aug_model_interval(model, x, scratch, 0.9, &lower, &upper);
		DEMAND(info->has_interval ? lower <= upper : isnan(lower));
	}
	free(x);
}

/*
 * Binned rows hold only what binning can give: a bin or level of the feature, or
 * missing.
 */
static void
score_cells(const AugModel *model, AugRng *rng, UnitHost *h, double *out)
{
	const AugModelInfo *info = aug_model_info(model);
	AugMatrix m;
	AugError err;
	uint8_t *cells;
	uint32_t *wide;
	double *raw;

	memset(&m, 0, sizeof(m));
	m.task = info->task;
	m.n_rows = N_ROWS;
	m.n_features = info->n_features;
	m.n_classes = info->n_classes;
	m.features = info->features;
	for (uint32_t f = 0; f < m.n_features; f++)
		(*(info->features[f].wide ? &m.n_wide : &m.n_narrow))++;
	m.stride = ((size_t) m.n_narrow + 3) / 4 * 4;
	cells = calloc(m.stride + 4, N_ROWS);
	wide = calloc(m.n_wide + (size_t) 1, N_ROWS * sizeof(uint32_t));
	raw = calloc(m.n_features + (size_t) 1, N_ROWS * sizeof(double));
	DEMAND(cells != NULL && wide != NULL && raw != NULL);
	for (uint32_t i = 0; i < N_ROWS; i++)
	{
		for (uint32_t f = 0; f < m.n_features; f++)
		{
			const AugFeature *feature = &info->features[f];
			bool categorical = feature->kind == AUG_CATEGORICAL_FEATURE;
			uint32_t n = categorical ? feature->n_levels : feature->n_cuts + 1;
			bool missing = n == 0 || aug_rng_below(rng, 4) == 0;
			uint32_t cell = missing ? 0 : aug_rng_below(rng, n);

			if (feature->wide)
				wide[(size_t) feature->slot * N_ROWS + i] = missing ? AUG_MISSING_WIDE : cell;
			else
				cells[i * m.stride + feature->slot] = missing ? AUG_MISSING_CELL : (uint8_t) cell;
		}
	}
	m.cells = cells;
	m.wide = wide;
	/* linear models take numbers as they are: of each column, all rows */
	for (uint32_t i = 0; i < m.n_features * N_ROWS; i++)
		raw[i] = aug_rng_below(rng, 4) == 0 ? NAN : aug_rng_real(rng) * 1000 - 500;
	m.raw = info->algorithm->raw ? raw : NULL;
	DEMAND(aug_model_score_matrix(model, &h->host, &m, 0, N_ROWS, out, &err) == AUG_OK);
	for (int i = 0; i < N_ROWS; i++)
		demand_output(info, out + (size_t) i * info->n_outputs);
	free(cells);
	free(wide);
	free(raw);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	UnitHost h;
	AugError err;
	AugModel *model;
	AugStatus status;

	unit_host(&h);
	status = aug_model_read(&h.host, data, size, &model, &err);
	DEMAND(h.peak <= MAX_MEMORY && h.peak < 64 * size + ((size_t) 2 << 20));
	if (status == AUG_OK)
	{
		const AugModelInfo *info = aug_model_info(model);
		AugRng rng = aug_rng(aug_hash(data, size, 1), 0, 0);
		double *out = malloc(N_ROWS * (size_t) info->n_outputs * sizeof(double));
		void *scratch = aligned_alloc(16, (aug_model_scratch(model) / 16 + 1) * 16);

		DEMAND(out != NULL && scratch != NULL);
		for (uint32_t f = 0; f < info->n_features; f++)
		{
			const AugFeature *feature = &info->features[f];
			double level = aug_model_level(model, f, "a001", 4);

			DEMAND(level == AUG_UNSEEN_LEVEL || level < feature->n_levels);
		}
		score_raw(model, &rng, scratch, out);
		score_cells(model, &rng, &h, out);
		free(out);
		free(scratch);
		aug_model_free(model);
	}
	else
		DEMAND(status == AUG_CORRUPT || status == AUG_NOMEM);
	DEMAND(h.live == 0);
	return 0;
}
