/*-------------------------------------------------------------------------
 *
 * params.c
 *		Hyperparameters: typed values checked against the algorithm's table.
 *
 * The table (AugParamSpec) is the only declaration; everything here is driven by
 * it.  Each value is held typed and as its canonical text, so that equal values
 * have equal text: numbers in the shortest form that reads back, booleans as true
 * or false, choices as they are spelt in the table, maps as JSON objects with
 * ascending labels.
 *
 * Memory: through the host, owned by the AugParams.  A failed set leaves the
 * old value in place.  Interrupts: none, all is small.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "params.h"

#define MAX_EXACT 9007199254740992.0 /* 2^53: integers beyond are not exact */

/*
 * Length of the choice number k of "a|b|c" and where it begins; NULL beyond.
 */
static const char *
choice_at(const char *choices, int k, size_t *length)
{
	const char *at = choices;

	while (at != NULL)
	{
		const char *bar = strchr(at, '|');

		*length = bar == NULL ? strlen(at) : (size_t) (bar - at);
		if (k-- == 0)
			return at;
		at = bar == NULL ? NULL : bar + 1;
	}
	return NULL;
}

static int
choice_find(const char *choices, const char *text)
{
	const char *at;
	size_t length, wanted = strlen(text);

	for (int k = 0; (at = choice_at(choices, k, &length)) != NULL; k++)
	{
		if (length == wanted && memcmp(at, text, length) == 0)
			return k;
	}
	return -1;
}

int
aug_param_find(const AugAlgorithm *algorithm, const char *name)
{
	for (uint32_t i = 0; i < algorithm->n_params; i++)
	{
		if (strcmp(algorithm->params[i].name, name) == 0)
			return (int) i;
	}
	return -1;
}

/*
 * Index of the parameter, or -1 with an error that names the nearest one.
 */
static int
find_or_fail(const AugParams *params, const char *name, AugError *err)
{
	const AugAlgorithm *algorithm = params->algorithm;
	int i = aug_param_find(algorithm, name);
	const char *near = NULL;

	if (i >= 0)
		return i;
	for (uint32_t k = 0; k < algorithm->n_params; k++)
	{
		const char *pair[2] = {near, algorithm->params[k].name};

		near = near == NULL ? aug_nearest(name, pair + 1, 1) : aug_nearest(name, pair, 2);
	}
	aug_fail(err, AUG_INVALID, "unrecognized hyperparameter \"%.80s\" for algorithm \"%s\"", name,
			 algorithm->name);
	if (near != NULL)
		aug_hint(err, "Perhaps you meant \"%s\".", near);
	else if (algorithm->n_params == 0)
		aug_hint(err, "This algorithm has no hyperparameters.");
	return -1;
}

/*
 * Makes room for a text of that many bytes; false when memory is short.
 */
static bool
reserve_text(AugParams *params, AugParamValue *v, size_t size)
{
	size_t room = v->text_room < 16 ? 16 : v->text_room;
	char *text;

	if (size <= v->text_room)
		return true;
	while (room < size)
		room = room > SIZE_MAX / 2 ? size : room * 2;
	text = params->host->alloc(params->host->arg, room);
	if (text == NULL)
		return false;
	if (v->text != NULL)
		memcpy(text, v->text, v->text_room);
	params->host->release(params->host->arg, v->text);
	v->text = text;
	v->text_room = room;
	return true;
}

void
aug_params_clear_pairs(AugParams *params, AugParamValue *v)
{
	for (uint32_t k = 0; k < v->n_pairs; k++)
		params->host->release(params->host->arg, v->pairs[k].label);
	params->host->release(params->host->arg, v->pairs);
	v->pairs = NULL;
	v->n_pairs = 0;
	v->room_pairs = 0;
	v->pairs_length = 0;
}

/*
 * Puts a value that was checked; canonical is its text, of length bytes.
 */
static AugStatus
put_value(AugParams *params, uint32_t i, int choice, double number, const char *canonical,
		  size_t length, AugError *err)
{
	AugParamValue *v = &params->values[i];

	if (!reserve_text(params, v, length + 1))
		return aug_fail_nomem(err, length + 1);
	memcpy(v->text, canonical, length);
	v->text[length] = '\0';
	v->stale = false;
	v->choice = choice;
	v->number = number;
	aug_params_clear_pairs(params, v);
	return AUG_OK;
}

/*
 * Says what a parameter accepts, as the hint of an error about it.
 */
static void
hint_accepts(AugError *err, const AugParamSpec *spec)
{
	char lo[AUG_NUMBER_SIZE], hi[AUG_NUMBER_SIZE];
	/* for a choice the whole list, or as much as the hint holds, ending with dots */
	char list[AUG_MESSAGE_SIZE - sizeof("Accepted values are .")] = "";
	const char *at;
	size_t length, used = 0;

	aug_number_text(spec->lo, lo);
	aug_number_text(spec->hi, hi);
	for (int k = 0; spec->choices != NULL && (at = choice_at(spec->choices, k, &length)) != NULL;
		 k++)
	{
		if (used + length + sizeof(", ...") + 2 > sizeof(list))
		{
			memcpy(list + used, ", ...", sizeof(", ..."));
			break;
		}
		if (k > 0)
		{
			memcpy(list + used, ", ", 2);
			used += 2;
		}
		memcpy(list + used, at, length);
		used += length;
		list[used] = '\0';
	}
	switch (spec->type)
	{
		case AUG_PARAM_BOOL:
			aug_hint(err, "Accepted values are true and false.");
			break;
		case AUG_PARAM_INT:
			aug_hint(err, "Accepted values are integers from %s to %s.", lo, hi);
			break;
		case AUG_PARAM_REAL:
			aug_hint(err, "Accepted values are numbers from %s to %s.", lo, hi);
			break;
		case AUG_PARAM_CHOICE:
			aug_hint(err, "Accepted values are %s.", list);
			break;
		case AUG_PARAM_MIXED:
			aug_hint(err, "Accepted values are %s, or a number from %s to %s.", list, lo, hi);
			break;
		case AUG_PARAM_MAP:
			aug_hint(err,
					 "Accepted values are %s, or an object of labels with "
					 "numbers from %s to %s.",
					 list, lo, hi);
			break;
	}
}

static AugStatus
fail_value(const AugParamSpec *spec, const char *value, AugError *err)
{
	aug_fail(err, AUG_INVALID, "invalid value for hyperparameter \"%s\": \"%.80s\"", spec->name,
			 value);
	hint_accepts(err, spec);
	return AUG_INVALID;
}

static AugStatus
fail_range(const AugParamSpec *spec, double value, AugError *err)
{
	char text[AUG_NUMBER_SIZE];

	aug_number_text(value, text);
	aug_fail(err, AUG_INVALID, "value %s for hyperparameter \"%s\" is out of range", text,
			 spec->name);
	hint_accepts(err, spec);
	return AUG_INVALID;
}

static AugStatus
set_number(AugParams *params, uint32_t i, const char *value, AugError *err)
{
	const AugParamSpec *spec = &params->algorithm->params[i];
	char text[AUG_NUMBER_SIZE];
	double number;

	if (!aug_number_parse(value, &number))
		return fail_value(spec, value, err);
	if (spec->type == AUG_PARAM_INT && (floor(number) != number || fabs(number) > MAX_EXACT))
		return fail_value(spec, value, err);
	/* not (a or b), so that a NaN bound in a table cannot let anything through */
	if (!(number >= spec->lo && number <= spec->hi))
		return fail_range(spec, number, err);
	return put_value(params, i, -1, number, text, aug_number_text(number, text), err);
}

static AugStatus
set_bool(AugParams *params, uint32_t i, const char *value, AugError *err)
{
	static const char *const words[] = {"false", "true", "off", "on", "no", "yes", "0", "1"};

	for (unsigned k = 0; k < sizeof(words) / sizeof(words[0]); k++)
	{
		if (strcmp(value, words[k]) == 0)
			return put_value(params, i, -1, k % 2, words[k % 2], strlen(words[k % 2]), err);
	}
	return fail_value(&params->algorithm->params[i], value, err);
}

/*
 * See augur.h.  A map also takes its own text form, a JSON object.
 */
AugStatus
aug_params_set(AugParams *params, const char *name, const char *value, AugError *err)
{
	int i = find_or_fail(params, name, err);
	const AugParamSpec *spec;

	if (i < 0)
		return AUG_INVALID;
	spec = &params->algorithm->params[i];

	if (spec->choices != NULL)
	{
		int choice = choice_find(spec->choices, value);

		if (choice >= 0)
			return put_value(params, (uint32_t) i, choice, NAN, value, strlen(value), err);
	}
	switch (spec->type)
	{
		case AUG_PARAM_INT:
		case AUG_PARAM_REAL:
		case AUG_PARAM_MIXED:
			return set_number(params, (uint32_t) i, value, err);
		case AUG_PARAM_BOOL:
			return set_bool(params, (uint32_t) i, value, err);
		case AUG_PARAM_MAP:
			if (value[0] == '{')
				return aug_params_set_map(params, (uint32_t) i, value, err);
			break;
		case AUG_PARAM_CHOICE:
			break;
	}
	return fail_value(spec, value, err);
}

/*
 * Where the label is among the pairs, or would be put; *found tells which.
 */
static uint32_t
find_pair(const AugParamValue *v, const char *label, bool *found)
{
	uint32_t lo = 0, hi = v->n_pairs;

	*found = false;
	while (lo < hi)
	{
		uint32_t middle = lo + (hi - lo) / 2;
		int order = strcmp(v->pairs[middle].label, label);

		if (order == 0)
		{
			*found = true;
			return middle;
		}
		if (order < 0)
			lo = middle + 1;
		else
			hi = middle;
	}
	return lo;
}

/*
 * Room for one more pair and for the text of all; false when memory is short.
 */
static bool
reserve_pair(AugParams *params, AugParamValue *v, size_t text_length)
{
	/* braces, a comma with its blank, the NUL */
	if (!reserve_text(params, v, v->pairs_length + text_length + 5))
		return false;
	if (v->n_pairs == v->room_pairs)
	{
		uint32_t room = v->room_pairs == 0 ? 4 : v->room_pairs * 2;
		AugPair *pairs;

		pairs = params->host->alloc(params->host->arg, room * sizeof(AugPair));
		if (pairs == NULL)
			return false;
		if (v->n_pairs > 0)
			memcpy(pairs, v->pairs, v->n_pairs * sizeof(AugPair));
		params->host->release(params->host->arg, v->pairs);
		v->pairs = pairs;
		v->room_pairs = room;
	}
	return true;
}

/*
 * Adds a pair to a map, or replaces the value of a label that is there.  The
 * first pair takes the place of a choice.  The text is made when it is asked
 * for, in room reserved here, so that many pairs do not cost quadratic time.
 */
AugStatus
aug_params_set_pair(AugParams *params, const char *name, const char *label, double value,
					AugError *err)
{
	int i = find_or_fail(params, name, err);
	const AugParamSpec *spec;
	AugParamValue *v;
	char number[AUG_NUMBER_SIZE];
	char *copy;
	size_t size = strlen(label) + 1, text_length;
	uint32_t at;
	bool found;

	if (i < 0)
		return AUG_INVALID;
	spec = &params->algorithm->params[i];
	v = &params->values[i];
	if (spec->type != AUG_PARAM_MAP)
	{
		aug_fail(err, AUG_INVALID, "hyperparameter \"%s\" does not take labels", spec->name);
		hint_accepts(err, spec);
		return AUG_INVALID;
	}
	if (!(value >= spec->lo && value <= spec->hi))
		return fail_range(spec, value, err);

	text_length = aug_json_string_length(label) + 2 + aug_number_text(value, number);
	at = find_pair(v, label, &found);
	if (!found && v->n_pairs >= AUG_MAX_CLASSES)
		return aug_fail(err, AUG_LIMIT, "too many labels for hyperparameter \"%s\"", spec->name);
	if (!reserve_pair(params, v, text_length))
		return aug_fail_nomem(err, 0);
	if (!found)
	{
		copy = params->host->alloc(params->host->arg, size);
		if (copy == NULL)
			return aug_fail_nomem(err, size);
		memcpy(copy, label, size);
		memmove(v->pairs + at + 1, v->pairs + at, (v->n_pairs - at) * sizeof(AugPair));
		v->pairs[at].label = copy;
		v->n_pairs++;
	}
	else
		v->pairs_length -= v->pairs[at].text_length + 2;
	v->pairs[at].value = value;
	v->pairs[at].text_length = text_length;
	v->pairs_length += text_length + 2;
	v->choice = -1;
	v->number = NAN;
	v->stale = true;
	return AUG_OK;
}

/* Writes the text of a map into the room that set_pair reserved. */
static void
refresh_text(AugParamValue *v)
{
	char *at = v->text;

	*at++ = '{';
	for (uint32_t k = 0; k < v->n_pairs; k++)
	{
		char number[AUG_NUMBER_SIZE];
		size_t length = aug_number_text(v->pairs[k].value, number);

		if (k > 0)
		{
			*at++ = ',';
			*at++ = ' ';
		}
		at = aug_json_string_put(at, v->pairs[k].label);
		*at++ = ':';
		*at++ = ' ';
		memcpy(at, number, length);
		at += length;
	}
	*at++ = '}';
	*at = '\0';
	v->stale = false;
}

const char *
aug_params_value(const AugParams *params, uint32_t i)
{
	AugParamValue *v = &params->values[i];

	if (v->stale)
		refresh_text(v);
	return v->text;
}

AugStatus
aug_params_new(const AugHost *host, const AugAlgorithm *algorithm, AugParams **out, AugError *err)
{
	AugParams *params = host->alloc(host->arg, sizeof(AugParams));
	size_t size = (algorithm->n_params + (size_t) 1) * sizeof(AugParamValue);

	*out = NULL;
	if (params == NULL)
		return aug_fail_nomem(err, sizeof(AugParams));
	params->host = host;
	params->algorithm = algorithm;
	params->values = host->alloc(host->arg, size);
	if (params->values == NULL)
	{
		host->release(host->arg, params);
		return aug_fail_nomem(err, size);
	}
	memset(params->values, 0, size);
	for (uint32_t i = 0; i < algorithm->n_params; i++)
	{
		const AugParamSpec *spec = &algorithm->params[i];
		AugStatus status = aug_params_set(params, spec->name, spec->fallback, err);

		if (status != AUG_OK)
		{
			aug_params_free(params);
			return status;
		}
	}
	*out = params;
	return AUG_OK;
}

void
aug_params_free(AugParams *params)
{
	if (params == NULL)
		return;
	for (uint32_t i = 0; i < params->algorithm->n_params; i++)
	{
		aug_params_clear_pairs(params, &params->values[i]);
		params->host->release(params->host->arg, params->values[i].text);
	}
	params->host->release(params->host->arg, params->values);
	params->host->release(params->host->arg, params);
}

/* ---- typed access for algorithms -------------------------------------- */

double
aug_param_number(const AugParams *params, uint32_t i)
{
	return params->values[i].number;
}

int
aug_param_choice(const AugParams *params, uint32_t i)
{
	return params->values[i].choice;
}

uint32_t
aug_param_pairs(const AugParams *params, uint32_t i)
{
	return params->values[i].n_pairs;
}

const char *
aug_param_pair(const AugParams *params, uint32_t i, uint32_t k, double *value)
{
	*value = params->values[i].pairs[k].value;
	return params->values[i].pairs[k].label;
}
