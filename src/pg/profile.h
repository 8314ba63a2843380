/*-------------------------------------------------------------------------
 *
 * profile.h
 *		Profiles of the core on this side: what types they are of, and opening values.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_PROFILE_PG_H
#define AUGUR_PROFILE_PG_H

#include "pg.h"

/* The tag of a profile: what its values are.  Stored, so numbers are never used again. */
typedef enum AugurProfileTag
{
	AUGUR_PROFILE_NUMBER = 1,
	AUGUR_PROFILE_BOOLEAN = 2,	 /* labels false and true */
	AUGUR_PROFILE_DATE = 3,		 /* days since 2000-01-01 */
	AUGUR_PROFILE_TIMESTAMP = 4, /* likewise, with fraction */
	AUGUR_PROFILE_DURATION = 5,	 /* seconds: times of day and intervals */
	AUGUR_PROFILE_TEXT = 6
} AugurProfileTag;

/* The tag of a type's class; false: values of that type cannot be profiled. */
extern bool augur_profile_tag(AugurClass cls, AugurProfileTag *tag);
extern AugProfileKind augur_profile_kind(AugurProfileTag tag);
extern AugProfile *augur_profile_new(AugurHost *host, AugurProfileTag tag);
/* Checks tags and labels, too. */
extern AugStatus augur_profile_decode(AugurHost *host, const uint8_t *bytes, Size length,
									  AugProfile **profile, AugError *err);
/* A profile of the host's as a value, in CurrentMemoryContext. */
extern struct varlena *augur_profile_value(AugurHost *host, AugProfile *profile);

#endif /* AUGUR_PROFILE_PG_H */
