/*-------------------------------------------------------------------------
 *
 * load_batch.h
 *		A batch of records: collected, put into the table, bad ones put aside.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_LOAD_BATCH_H
#define AUGUR_LOAD_BATCH_H

#include "load.h"

extern void load_batch_init(Load *load);
extern void load_batch_add(Load *load, LoadSpan record, bool unterminated);
extern void load_batch_flush(Load *load);
extern void load_batch_warnings(Load *load);

#endif /* AUGUR_LOAD_BATCH_H */
