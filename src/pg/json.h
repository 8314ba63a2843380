/*-------------------------------------------------------------------------
 *
 * json.h
 *		What the files of the predict room share about answers and their JSON.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_JSON_H
#define AUGUR_JSON_H

#include "lib/stringinfo.h"

#include "scoring.h"

/* What there is to say about one row; NaN and NULL where it does not apply. */
typedef struct AugurAnswer
{
	double value;
	const char *label; /* the model's */
	double probability;
	double lower;
	double upper;
} AugurAnswer;

extern void augur_check_level(double level);
extern void augur_score_answer(AugurLayout *layout, double level, AugurAnswer *answer);

/* JSON is written as text and parsed once: the server's jsonb builders change. */
extern void augur_json_number(StringInfo json, double number);		/* null for NaN, Inf */
extern void augur_json_key(StringInfo json, const char *key);		/* with comma if needed */
extern void augur_json_string(StringInfo json, const char *string); /* or null */
/* {"label": probability, ...} from layout->out */
extern void augur_json_probabilities(StringInfo json, const AugurLayout *layout);
extern Datum augur_json_datum(StringInfo json);

#endif /* AUGUR_JSON_H */
