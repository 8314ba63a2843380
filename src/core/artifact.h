/*-------------------------------------------------------------------------
 *
 * artifact.h
 *		Bytes of a stored model: envelope and common part.  docs/format.md
 *		describes them; job.c writes, model.c reads.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_ARTIFACT_H
#define AUG_ARTIFACT_H

#include "algorithm.h"

#define AUG_MAGIC \
	"\x89"        \
	"AUGUR\n\x1A"
#define AUG_MAGIC_SIZE		   8
#define AUG_HEADER_SIZE		   20 /* magic, format, length of the whole */
#define AUG_TRAILER_SIZE	   4  /* CRC-32C of all before it */
#define AUG_ALGORITHM_NAME_MAX 63
#define AUG_NAME_MAX		   65535 /* bytes of a column, class or type name */
#define AUG_PARAMS_TEXT_MAX	   ((uint32_t) 1 << 24)
#define AUG_MAX_LEVELS		   ((uint32_t) 1 << 27)

/* CRC-32C (Castagnoli); start with crc 0. */
extern uint32_t aug_crc32c(uint32_t crc, const uint8_t *bytes, size_t length);

/*
 * The envelope of anything stored: magic (AUG_MAGIC_SIZE bytes), format, length, then what
 * it holds, then the checksum.  begin initialises w; end is the last write, and does
 * nothing when one failed.
 */
extern void
aug_envelope_begin(AugWriter *w, const AugHost *host, const char *magic, uint32_t format);
extern void aug_envelope_end(AugWriter *w);
/*
 * Checks an envelope of formats 1 to newest; on success r is set on what it holds.  noun
 * is what messages call it ("model").
 */
extern AugStatus
aug_envelope_open(const uint8_t *bytes, size_t length, const char *magic, uint32_t newest,
				  const char *noun, AugReader *r, AugError *err);

/* A small model as a new artifact: envelope(common part + body). */
extern AugStatus aug_artifact_write(const AugJob *job, const AugSummary *summary, AugSlice body,
									uint8_t **artifact, size_t *length, AugError *err);

/*
 * Checks the envelope; on success r is set on the common part (between the
 * algorithm's name and the checksum) and ops is the algorithm's.
 */
extern AugStatus aug_artifact_open(const uint8_t *bytes, size_t length, AugReader *r,
								   const AugOps **ops, AugError *err);

/* Reads the common part into info; everything it points to is in the arena.  r
 * is left on the algorithm's body, which ends where r ends. */
extern AugStatus
aug_artifact_common(AugReader *r, AugModelInfo *info, AugArena *arena, AugError *err);

#endif /* AUG_ARTIFACT_H */
