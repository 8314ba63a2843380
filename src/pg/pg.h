/*-------------------------------------------------------------------------
 *
 * pg.h
 *		What the rooms of the PostgreSQL layer share: the function macro, the host
 *		table, the error bridge, settings.
 *
 * This layer includes the core's one header, augur.h, and nothing else of it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_PG_H
#define AUGUR_PG_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/memutils.h"

#include "../core/augur.h"
#include "compat.h"

/*
 * Everything is compiled with hidden visibility; PostgreSQL 15 leaves
 * PGDLLEXPORT empty, so the function and its info record are marked here.
 * Every SQL-callable function is declared so: AUGUR_FUNCTION(augur_room_verb);
 */
#define AUGUR_FUNCTION(name) \
	extern __attribute__((visibility("default"))) Datum name(PG_FUNCTION_ARGS); \
	extern __attribute__((visibility("default"))) const Pg_finfo_record *CppConcat(pg_finfo_, name)(void); \
	PG_FUNCTION_INFO_V1(name)

/* ---- host.c: the core's host inside a backend ------------------------- */

/*
 * Allocation in a memory context (huge allowed, NULL on failure), poll that
 * reports a pending interrupt and updates progress.  host->arg is an AugurHost.
 */
typedef struct AugurHost
{
	AugHost		host;			/* host.arg points back here */
	MemoryContext context;
	void		(*progress) (void *arg, double done);	/* may be NULL */
	void	   *progress_arg;
} AugurHost;

extern void augur_host_init(AugurHost *h, MemoryContext context);
/* Raises what made a poll say stop (a cancel, the error of a parallel worker). */
extern void augur_host_stop(void) pg_attribute_noreturn();

/* ---- error.c: core status -> ereport ---------------------------------- */

/* Raises unless AUG_OK.  CANCELLED runs CHECK_FOR_INTERRUPTS first. */
extern void augur_check(AugStatus status, const AugError *err);

/* ---- settings.c: augur.* ---------------------------------------------- */

extern int	augur_training_memory_kb;	/* 0: maintenance_work_mem, at least 256 MB */
extern int	augur_model_cache_kb;
extern int	augur_verbosity;			/* 0 silent, 1 decisions, 2 progress */
extern void augur_settings_init(void);	/* from _PG_init */
extern Size augur_training_memory_bytes(void);

/* ---- source.c: from column types to features, shared by training and scoring */

/*
 * The parts of a value that become features (AugFeature.part).  One table tells
 * for each type what its parts are, and turns a Datum into the part's number.
 */
typedef enum AugurPart
{
	AUGUR_PART_VALUE = 0,		/* a number, a boolean as 0/1 */
	AUGUR_PART_TEXT = 1,		/* categorical level: the type's text output */
	AUGUR_PART_ELEMENT = 2,		/* element of an array, number element 'element' */
	AUGUR_PART_AGE_DAYS = 3,	/* days since 2000-01-01, with fraction */
	AUGUR_PART_MONTH = 4,		/* 1..12 */
	AUGUR_PART_DAY_OF_WEEK = 5, /* 0 Sunday .. 6 */
	AUGUR_PART_HOUR = 6,		/* 0..23, timestamps only */
	AUGUR_PART_DAY = 7,			/* day of month, on request */
	AUGUR_PART_QUARTER = 8,		/* on request */
	AUGUR_PART_YEAR = 9			/* on request */
} AugurPart;

/* How one attribute of a row is read: filled once per call site. */
typedef struct AugurSource
{
	Oid			type;			/* base type, domains looked through */
	int16		typlen;
	bool		typbyval;
	char		typalign;
	bool		categorical;
	bool		is_array;
	FmgrInfo	out;			/* output function, for text of enums and others */
} AugurSource;

/* false when the type cannot be a feature at all (json, bytea, record...) */
extern bool augur_source_init(AugurSource *src, Oid type, MemoryContext context);
/* Number of a part of a non-null value; NaN for missing.  ERROR on a bad array. */
extern double augur_source_number(const AugurSource *src, Datum value, AugurPart part,
								  uint32 element);
/* Bytes of a categorical value; may allocate in CurrentMemoryContext. */
extern const char *augur_source_text(AugurSource *src, Datum value, int *length);

/* ---- ingest.c: rows -> matrix ----------------------------------------- */

struct AugurLoader;				/* see ingest.h */

/* ---- model_type.c: the type augur.model -------------------------------- */

/* A value of type augur.model that holds an artifact made by the core. */
extern struct varlena *augur_model_value(const uint8_t *bytes, Size length);

/* ---- cache.c: name -> version -> decoded model ------------------------ */

/*
 * A model reference: 'churn', 'churn@staging', 'churn/7'.  Resolved under the
 * statement's snapshot, as the current user (row security applies).  ERROR
 * 42704 / 42501 / 55000 as style.md's table says.  The model stays valid while the
 * pin is held; release at context reset through a callback.
 */
typedef struct AugurModelPin AugurModelPin;
extern AugurModelPin *augur_cache_get(const char *reference, MemoryContext context);
extern AugurModelPin *augur_cache_get_version(int64 version_id, MemoryContext context);
extern const AugModel *augur_pin_model(const AugurModelPin *pin);
extern int64 augur_pin_version_id(const AugurModelPin *pin);
extern int32 augur_pin_version(const AugurModelPin *pin);

/* ---- registry.c: how C writes to the registry (through the SQL functions) -- */

extern int64 augur_registry_store(int64 run_id, const uint8_t *artifact, size_t length);

#endif							/* AUGUR_PG_H */
