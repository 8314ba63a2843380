/*-------------------------------------------------------------------------
 *
 * load_columns.h
 *		Which columns a load fills, and the warnings of a load.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_LOAD_COLUMNS_H
#define AUGUR_LOAD_COLUMNS_H

#include "load.h"

#include "utils/array.h"
#include "utils/jsonb.h"

/* Reads the header, when there is one. */
extern void load_csv_columns(Load *load, ArrayType *names, bool header, LoadAction on_unknown);
extern void load_json_columns(Load *load, ArrayType *names, Jsonb *paths);
/* load.c: adds a warning to the result. */
extern void load_warn(Load *load, const char *warning);

#endif /* AUGUR_LOAD_COLUMNS_H */
