/*-------------------------------------------------------------------------
 *
 * feature.h
 *		Where the refresh of a feature set begins.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_FEATURE_H
#define AUGUR_FEATURE_H

/* augur.refresh_since: a timestamp with time zone as text; empty for the beginning of time */
extern char *augur_refresh_since;

#endif /* AUGUR_FEATURE_H */
