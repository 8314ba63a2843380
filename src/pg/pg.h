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
#include "nodes/pg_list.h"
#include "utils/memutils.h"

#include "../core/augur.h"
#include "compat.h"

/*
 * Everything is compiled with hidden visibility; PostgreSQL 15 leaves
 * PGDLLEXPORT empty, so the function and its info record are marked here.
 * Every SQL-callable function is declared so: AUGUR_FUNCTION(augur_room_verb);
 */
#define AUGUR_FUNCTION(name)                                                    \
	extern __attribute__((visibility("default"))) Datum name(PG_FUNCTION_ARGS); \
	extern __attribute__((visibility("default")))                               \
	const Pg_finfo_record *CppConcat(pg_finfo_, name)(void);                    \
	PG_FUNCTION_INFO_V1(name)

/* ---- host.c: the core's host inside a backend ------------------------- */

/*
 * Allocation in a memory context (huge allowed, NULL on failure), poll that
 * reports a pending interrupt and updates progress.  host->arg is an AugurHost.
 */
typedef struct AugurHost
{
	AugHost host; /* host.arg points back here */
	MemoryContext context;
	void (*progress)(void *arg, double done); /* may be NULL */
	void *progress_arg;
} AugurHost;

extern void augur_host_init(AugurHost *h, MemoryContext context);
/* Raises what made a poll say stop (a cancel, the error of a parallel worker). */
pg_noreturn extern void augur_host_stop(void);

/* ---- error.c: core status -> ereport ---------------------------------- */

/* Raises unless AUG_OK.  CANCELLED runs CHECK_FOR_INTERRUPTS first. */
extern void augur_check(AugStatus status, const AugError *err);
extern void augur_error_mend(AugError *err);

/* ---- settings.c: augur.* ---------------------------------------------- */

extern int augur_training_memory_kb; /* 0: maintenance_work_mem, at least 256 MB */
extern int augur_model_cache_kb;
extern int augur_verbosity;			   /* 0 silent, 1 decisions, 2 progress */
extern void augur_settings_init(void); /* from _PG_init */
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
	AUGUR_PART_AGE_DAYS = 3,	/* age since 2000-01-01 in days, with fraction */
	AUGUR_PART_MONTH = 4,		/* 1..12 */
	AUGUR_PART_DAY_OF_WEEK = 5, /* 0 Sunday .. 6 */
	AUGUR_PART_HOUR = 6,		/* 0..23, timestamps only */
	AUGUR_PART_DAY = 7,			/* day of month, on request */
	AUGUR_PART_QUARTER = 8,		/* on request */
	AUGUR_PART_YEAR = 9			/* on request */
} AugurPart;

/* What a type is to us; NONE cannot be a feature (json, bytea, record...). */
typedef enum AugurClass
{
	AUGUR_CLASS_NONE = 0,
	AUGUR_CLASS_BOOL,
	AUGUR_CLASS_INT2,
	AUGUR_CLASS_INT4,
	AUGUR_CLASS_INT8,
	AUGUR_CLASS_FLOAT4,
	AUGUR_CLASS_FLOAT8,
	AUGUR_CLASS_NUMERIC,
	AUGUR_CLASS_MONEY,
	AUGUR_CLASS_TIME,	  /* seconds since midnight */
	AUGUR_CLASS_TIMETZ,	  /* seconds since midnight UTC */
	AUGUR_CLASS_INTERVAL, /* seconds, as extract(epoch) counts them */
	AUGUR_CLASS_DATE,
	AUGUR_CLASS_TIMESTAMP, /* without and with time zone; parts in UTC */
	AUGUR_CLASS_TEXT,	   /* text, varchar */
	AUGUR_CLASS_BPCHAR,	   /* trailing blanks do not count */
	AUGUR_CLASS_NAME,
	AUGUR_CLASS_ENUM,
	AUGUR_CLASS_OUTPUT, /* level = text output: uuid, inet, bit, citext... */
	AUGUR_CLASS_ARRAY	/* of numbers or booleans */
} AugurClass;

/* How one attribute of a row is read: filled once per call site, never moved. */
typedef struct AugurSource
{
	Oid type; /* base type, domains looked through */
	AugurClass cls;
	bool categorical; /* its part is AUGUR_PART_TEXT */
	bool is_array;
	AugurClass element; /* class of an array's elements */
	Oid element_type;
	int16 typlen; /* of the elements of an array */
	bool typbyval;
	char typalign;
	MemoryContext context;
	FmgrInfo out; /* output function, looked up at first use */
} AugurSource;

#define AUGUR_MAX_PARTS 8 /* of one value, arrays apart */

/* false when the type cannot be a feature at all (json, bytea, record...) */
extern bool augur_source_init(AugurSource *src, Oid type, MemoryContext context);
/* Can a value of this source give that part?  Any scalar gives AUGUR_PART_TEXT. */
extern bool augur_source_gives(const AugurSource *src, AugurPart part);
/*
 * Parts of the source that become features, in order; returns how many.  date_parts:
 * integer list of AugurPart, NIL for the default ones.  An array has one, ELEMENT.
 */
extern int
augur_source_parts(const AugurSource *src, List *date_parts, AugurPart parts[AUGUR_MAX_PARTS]);
/*
 * Number of a part of a non-null value; NaN for missing.  An element past the
 * array's end is NaN: who cares for lengths uses augur_source_array.
 */
extern double
augur_source_number(const AugurSource *src, Datum value, AugurPart part, uint32 element);
/*
 * All elements of an array of any dimensions as numbers, NaN for NULL.  Writes at
 * most room of them; returns how many there are.
 */
extern int augur_source_array(const AugurSource *src, Datum value, double *out, int room);
/* Bytes of a categorical value; may allocate in CurrentMemoryContext. */
extern const char *augur_source_text(AugurSource *src, Datum value, int *length);
/* The same parts from a date (days since 2000-01-01) or timestamp (microseconds). */
extern double augur_date_part(int32 date, AugurPart part);
extern double augur_timestamp_part(int64 timestamp, AugurPart part);
/* "age_days", "month"...; NULL for VALUE, TEXT and ELEMENT */
extern const char *augur_part_name(AugurPart part);
/* The date part of that name; ERROR 22023 with the nearest one. */
extern AugurPart augur_part_find(const char *name);
/* Name shown to users: col, col.month, col[1] (counted from 1).  palloc'ed. */
extern char *augur_feature_name(const char *column, AugurPart part, uint32 element);

/* ---- ingest.c: rows -> matrix ----------------------------------------- */

struct AugurLoader; /* see ingest.h */

/* ---- model_type.c: the type augur.model -------------------------------- */

/* A value of type augur.model that holds an artifact made by the core. */
extern struct varlena *augur_model_value(const uint8_t *bytes, Size length);
/*
 * aug_model_read, and checks of what the core keeps for us unread.  Whoever decodes
 * stored or received bytes calls this.  AUG_CORRUPT when something is wrong.
 */
extern AugStatus augur_model_decode(AugurHost *host, const uint8_t *bytes, Size length,
									AugModel **model, AugError *err);

/* ---- hex.c: the text form of types that are bytes ------------------------ */

/* NULL, and what is wrong as a sentence, for a text that stands for no bytes. */
extern struct varlena *augur_hex_read(const char *text, const char **problem);
extern char *augur_hex_write(const struct varlena *value, const char *noun);

/* ---- stored_type.c: types whose values are bytes of the core ------------- */

/* Reads bytes completely, into the host's memory, which goes with its context. */
typedef AugStatus (*AugurStoredCheck)(AugurHost *host, const uint8_t *bytes, Size length,
									  AugError *err);
extern Datum augur_stored_in(FunctionCallInfo fcinfo, const char *type, AugurStoredCheck check);
extern Datum augur_stored_recv(FunctionCallInfo fcinfo, const char *type, AugurStoredCheck check);
extern Datum augur_stored_send(FunctionCallInfo fcinfo);
extern struct varlena *augur_stored_value(const char *type, const uint8_t *bytes, Size length);

/* ---- cache.c, reference.c: name -> version -> decoded model ------------- */

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

#endif /* AUGUR_PG_H */
