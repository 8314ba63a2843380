/*-------------------------------------------------------------------------
 *
 * metric.h
 *		What the files of the metric aggregates share: labels as text, and jsonb
 *		arrays of objects as results.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_METRIC_H
#define AUGUR_METRIC_H

#include "lib/stringinfo.h"

/*
 * Whether arguments a and b of the call are the same label.  Labels are compared as
 * the text that their types print; a boolean beside a text is compared by what the
 * text means.  Looks types up once per call site.
 */
extern bool augur_labels_equal(FunctionCallInfo fcinfo, int a, int b);

/* An array of objects: begin, then item before each object, members, end. */
extern void augur_result_begin(StringInfo json);
extern void augur_result_item(StringInfo json);
/* A number that is not finite becomes null. */
extern void augur_result_number(StringInfo json, const char *key, double value);
extern void augur_result_text(StringInfo json, const char *key, const char *value);
/* Closes the array; the result is a jsonb. */
extern Datum augur_result_end(StringInfo json);

#endif /* AUGUR_METRIC_H */
