/*-------------------------------------------------------------------------
 *
 * fuzz.h
 *		What all fuzzers share: the host and data of the unit tests, and how a fuzzer is
 *		told that something must not be.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_FUZZ_H
#define AUG_FUZZ_H

#include "../unit/unit.h"

#define MAX_MEMORY ((size_t) 256 << 20) /* of one input */

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program unless what holds. */
#define DEMAND(what)                                \
	do                                              \
	{                                               \
		if (!(what))                                \
		{                                           \
			fprintf(stderr, "not so: %s\n", #what); \
			abort();                                \
		}                                           \
	} while (0)

#endif /* AUG_FUZZ_H */
