/*-------------------------------------------------------------------------
 *
 * params.h
 *		Parsing of one value and of the canonical text; shared by params.c and
 *		params_text.c only.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_PARAMS_H
#define AUG_PARAMS_H

#include "algorithm.h"

#define AUG_NUMBER_SIZE 32 /* longest text of a double, with its NUL */

typedef struct AugPair
{
	char *label;
	size_t text_length; /* of "label": value as JSON, without a comma */
	double value;
} AugPair;

typedef struct AugParamValue
{
	int choice; /* index in spec->choices, -1: number or pairs */
	double number;
	AugPair *pairs; /* ascending by the bytes of the label */
	uint32_t n_pairs;
	uint32_t room_pairs;
	size_t pairs_length; /* of the text of all pairs, with their commas */
	char *text;
	size_t text_room;
	bool stale; /* text is behind the pairs */
} AugParamValue;

struct AugParams
{
	const AugHost *host;
	const AugAlgorithm *algorithm;
	AugParamValue *values; /* [algorithm->n_params] */
};

/* Shortest decimal that reads back as the same double; returns its length. */
extern size_t aug_number_text(double value, char text[AUG_NUMBER_SIZE]);
/* The whole text is one finite decimal number. */
extern bool aug_number_parse(const char *text, double *value);

/* Length of text as a JSON string with its quotes, and writing it. */
extern size_t aug_json_string_length(const char *text);
extern char *aug_json_string_put(char *at, const char *text);
/* Index of a spec by name, or -1. */
extern int aug_param_find(const AugAlgorithm *algorithm, const char *name);
/* Sets a map from "{...}" text. */
extern AugStatus aug_params_set_map(AugParams *params, uint32_t i, const char *text, AugError *err);
extern void aug_params_clear_pairs(AugParams *params, AugParamValue *v);

#endif /* AUG_PARAMS_H */
