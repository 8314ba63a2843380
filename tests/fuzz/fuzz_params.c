/*-------------------------------------------------------------------------
 *
 * fuzz_params.c
 *		Any text as hyperparameters: as a whole, and as the value of each one.
 *
 * The first byte picks the algorithm (and a table that has every type).  What is
 * accepted has a canonical text that reads back as itself.
 *
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"

static const AugParamSpec specs[] = {
	{"n", AUG_PARAM_INT, "100", 1, 10000, NULL, "Int."},
	{"r", AUG_PARAM_REAL, "0.1", -1e300, 1e300, NULL, "Real."},
	{"c", AUG_PARAM_CHOICE, "best", 0, 0, "best|random", "Choice."},
	{"x", AUG_PARAM_MIXED, "sqrt", 0.001, 65000, "sqrt|all", "Mixed."},
	{"m", AUG_PARAM_MAP, "none", -1e9, 1e9, "none|balanced", "Map."},
	{"b", AUG_PARAM_BOOL, "true", 0, 1, NULL, "Bool."},
};
static const AugAlgorithm every = {
	.name = "every",
	.title = "",
	.help = "",
	.classification = true,
	.regression = true,
	.n_params = sizeof(specs) / sizeof(specs[0]),
	.params = specs,
};

static void
demand_round_trip(UnitHost *h, const AugAlgorithm *algorithm, const AugParams *params)
{
	AugParams *again;
	char *text, *second;
	AugError err;

	DEMAND(aug_params_text(params, &text, &err) == AUG_OK);
	DEMAND(aug_params_parse(&h->host, algorithm, text, &again, &err) == AUG_OK);
	DEMAND(aug_params_text(again, &second, &err) == AUG_OK);
	DEMAND(strcmp(text, second) == 0);
	h->host.release(h, text);
	h->host.release(h, second);
	aug_params_free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const AugAlgorithm *algorithm = &every;
	UnitHost h;
	AugError err;
	AugParams *params;
	char *text;
	const char *name, *nearest;

	if (size == 0)
		return 0;
	if (data[0] % 2 == 0)
		algorithm = aug_algorithm_at(data[0] / 2 % aug_algorithm_count());
	text = malloc(size);
	DEMAND(text != NULL);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';

	unit_host(&h);
	if (aug_params_parse(&h.host, algorithm, text, &params, &err) == AUG_OK)
	{
		demand_round_trip(&h, algorithm, params);
		aug_params_free(params);
	}
	else
		DEMAND(params == NULL && err.message[0] != '\0');

	DEMAND(aug_params_new(&h.host, algorithm, &params, &err) == AUG_OK);
	/* one parameter an input, as all of them would take most of the time */
	if (algorithm->n_params > 0)
	{
		uint32_t i = (uint32_t) (size % algorithm->n_params);

		name = algorithm->params[i].name;
		(void) aug_params_set(params, name, text, &err);
		(void) aug_params_set_pair(params, name, text, 1.5, &err);
		DEMAND(aug_params_value(params, i) != NULL);
		nearest = aug_nearest(text, &name, 1);
		DEMAND(nearest == NULL || nearest == name);
	}
	demand_round_trip(&h, algorithm, params);
	aug_params_free(params);
	free(text);
	DEMAND(h.live == 0);
	return 0;
}
