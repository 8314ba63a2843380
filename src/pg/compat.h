/*-------------------------------------------------------------------------
 *
 * compat.h
 *		Every difference between PostgreSQL versions that augur meets, in one place.
 *
 * PostgreSQL 15 is the oldest supported; no other file tests PG_VERSION_NUM.
 * Code elsewhere is written for the newest version and this file teaches the
 * older ones, or gives both one name that starts with augur_compat_.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_COMPAT_H
#define AUGUR_COMPAT_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "fmgr.h"
#include "optimizer/optimizer.h"
#include "parser/parse_relation.h"
#include "storage/lockdefs.h"
#include "storage/lwlock.h"
#include "utils/tuplestore.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif
#include "utils/timestamp.h"

#if PG_VERSION_NUM < 150000
#error "augur needs PostgreSQL 15 or newer"
#endif

/* 18 lets a module tell its name and version (pg_get_loaded_modules). */
#if PG_VERSION_NUM >= 180000
#define AUGUR_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "augur", .version = AUGUR_VERSION)
#else
#define AUGUR_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/* 18 writes pg_noreturn in front of a declaration, in place of a mark behind it. */
#ifndef pg_noreturn
#define pg_noreturn __attribute__((noreturn))
#endif

/* The setting that forces parallel plans in tests was renamed in 16. */
#if PG_VERSION_NUM >= 160000
#define augur_compat_force_parallel() (debug_parallel_query != DEBUG_PARALLEL_OFF)
#else
#define augur_compat_force_parallel() (force_parallel_mode != FORCE_PARALLEL_OFF)
#endif

/* 19 spells the element of a null bitmap as what it is. */
#if PG_VERSION_NUM >= 190000
typedef uint8 bits8;
#endif

/* 16 lets an input function return its error to the caller (soft errors). */
#if PG_VERSION_NUM < 160000
#define ereturn(context, dummy_value, ...) \
	do                                     \
	{                                      \
		(void) (context);                  \
		ereport(ERROR, __VA_ARGS__);       \
		return dummy_value;                \
	} while (0)
#endif

/* -1 or 1 for an infinite interval (17 and newer), else 0. */
static inline int
augur_compat_interval_infinite(const Interval *span)
{
#if PG_VERSION_NUM >= 170000
	if (INTERVAL_IS_NOBEGIN(span))
		return -1;
	if (INTERVAL_IS_NOEND(span))
		return 1;
#endif
	return 0;
}

/* A descriptor made by hand is complete: 19 wants to be told. */
static inline void
augur_compat_finish_tupdesc(TupleDesc desc)
{
#if PG_VERSION_NUM >= 190000
	TupleDescFinalize(desc);
#else
	(void) desc;
#endif
}

/* Makes a relation the target that COPY's machinery inserts into. */
static inline void
augur_compat_insert_target(ParseState *state, Relation relation)
{
	ParseNamespaceItem *item =
		addRangeTableEntryForRelation(state, relation, RowExclusiveLock, NULL, false, false);

#if PG_VERSION_NUM >= 160000
	item->p_perminfo->requiredPerms = ACL_INSERT;
#else
	item->p_rte->requiredPerms = ACL_INSERT;
#endif
}

/* 17 lets a worker be a role that may not log in. */
#if PG_VERSION_NUM >= 170000
#define AUGUR_WORKER_FLAGS BGWORKER_BYPASS_ROLELOGINCHECK
#else
#define AUGUR_WORKER_FLAGS 0
#endif

/* Whether this session holds a lock; 17 asks whether a stronger one will do. */
#if PG_VERSION_NUM >= 170000
#define augur_compat_lock_held(tag, mode) LockHeldByMe(tag, mode, false)
#else
#define augur_compat_lock_held(tag, mode) LockHeldByMe(tag, mode)
#endif

/* Runs a portal to its end; 18 no longer asks whether it is run once. */
#if PG_VERSION_NUM >= 180000
#define augur_compat_portal_run(portal, dest, completion) \
	PortalRun(portal, FETCH_ALL, true, dest, dest, completion)
#else
#define augur_compat_portal_run(portal, dest, completion) \
	PortalRun(portal, FETCH_ALL, true, true, dest, dest, completion)
#endif

#endif /* AUGUR_COMPAT_H */
