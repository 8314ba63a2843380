/*-------------------------------------------------------------------------
 *
 * notify.h
 *		What augur and augur_notify know of each other.
 *
 * augur_notify is a library of its own, so that who trains and predicts never maps
 * an HTTP client.  augur finds it at run time: to send, by its function
 * augur_notify_run; to wake the worker, by what the preloaded library left under
 * AUGUR_NOTIFY_RENDEZVOUS, which forked sessions inherit.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_NOTIFY_H
#define AUGUR_NOTIFY_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "storage/latch.h"
#include "storage/spin.h"

#define AUGUR_NOTIFY_LIBRARY	"$libdir/augur_notify"
#define AUGUR_NOTIFY_RENDEZVOUS "augur_notify"

/* Databases that augur.notify_databases may list. */
#define AUGUR_NOTIFY_DATABASES 32

/* How the worker of a database stands; the texts are in augur's notify.c. */
typedef enum AugurNotifyState
{
	AUGUR_NOTIFY_STARTING = 0,
	AUGUR_NOTIFY_RUNNING,
	AUGUR_NOTIFY_NO_DATABASE,
	AUGUR_NOTIFY_NO_ROLE,
	AUGUR_NOTIFY_BAD_ROLE,
	AUGUR_NOTIFY_NO_EXTENSION,
	AUGUR_NOTIFY_FAILING
} AugurNotifyState;

typedef struct AugurNotifySlot
{
	char name[NAMEDATALEN]; /* "" when free */
	Oid database;			/* InvalidOid while there is none */
	AugurNotifyState state;
	pid_t pid;			   /* of the worker that is at it, or 0 */
	bool wake;			   /* something was committed since it looked */
	TimestampTz looked_at; /* it last finished, 0 for never */
	TimestampTz next_at;   /* it is to look again */
} AugurNotifySlot;

/* In shared memory; everything under the mutex. */
typedef struct AugurNotifyShared
{
	slock_t mutex;
	pid_t launcher; /* 0 when it does not run */
	Latch *latch;	/* the launcher's */
	AugurNotifySlot slots[AUGUR_NOTIFY_DATABASES];
} AugurNotifyShared;

/*
 * Sends what is due, at most limit messages, and returns how many were tried; *wait
 * is seconds until more may be due, -1 when nothing is.  begin opens what the
 * statements of one transaction need (SPI connected, or a whole transaction), end
 * commits it.
 */
typedef struct AugurNotifyHost
{
	void (*begin)(void);
	void (*end)(void);
} AugurNotifyHost;

typedef int (*AugurNotifyRun)(int limit, const AugurNotifyHost *host, double *wait);

#endif /* AUGUR_NOTIFY_H */
