/*-------------------------------------------------------------------------
 *
 * private.h
 *		What the files of augur_notify share.
 *
 * This library moves bytes: which message, to whom and what came of it is decided in
 * SQL (38_notification_deliver.sql), the numeric core is not seen from here.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_NOTIFY_PRIVATE_H
#define AUGUR_NOTIFY_PRIVATE_H

#include "postgres.h"

#include "../pg/notify.h"

#define NOTIFY_EXPORT __attribute__((visibility("default")))

/* Bounds of what is sent and received. */
#define NOTIFY_CONNECT_MS	  3000L
#define NOTIFY_TOTAL_MS		  10000L
#define NOTIFY_RESPONSE_BYTES (64 * 1024) /* of the head, and of the body */
#define NOTIFY_KEPT_BYTES	  1000
#define NOTIFY_URL_BYTES	  2048
/* messages in flight at once, each of another channel */
#define NOTIFY_MOST 16

/* ---- address.c: from a reference to a URL that may be called ------------- */

typedef struct NotifyAddress
{
	char url[NOTIFY_URL_BYTES + 1];
	char host[256]; /* lower case, brackets of IPv6 kept */
	int port;
	const char *path; /* in url, from the first "/": the secret */
} NotifyAddress;

/* NULL, or why not, as a text without any of the secret. */
extern const char *notify_address_read(NotifyAddress *address, const char *reference);
extern const char *notify_address_parse(NotifyAddress *address, const char *text, size_t length);
/* Is host:port in a setting's list?  "host" alone stands for port 443. */
extern bool notify_address_listed(const char *list, const char *host, int port);
struct sockaddr;
extern bool notify_address_private(const struct sockaddr *address);
/* Replaces what text has of the secret by "***", in place. */
extern void notify_address_redact(const NotifyAddress *address, char *text);
extern void notify_address_forget(NotifyAddress *address);
/* A setting of augur, "" when it is not set. */
extern const char *notify_setting(const char *name);

/* ---- send.c: HTTP --------------------------------------------------------- */

typedef struct NotifyJob
{
	MemoryContext context; /* all of it lives there */
	int64 notification;
	int32 attempt;
	const char *secret;
	const char *body;
	/* what came of it */
	int http; /* 0: no answer */
	int retry_after;
	char error[512]; /* "" when there is none */
	char response[NOTIFY_KEPT_BYTES + 1];
	double seconds;
} NotifyJob;

/* Sends several jobs at a time. */
typedef struct NotifySender NotifySender;

extern NotifySender *notify_sender_begin(void);
/* Starts a job; false when it cannot be sent, which is its result then. */
extern bool notify_sender_add(NotifySender *sender, NotifyJob *job);
/* A job that has come to its end, with its result; NULL when there is none so soon. */
extern NotifyJob *notify_sender_next(NotifySender *sender, int timeout_ms);
/* Ends it, also with jobs under way. */
extern void notify_sender_end(NotifySender *sender);

/* ---- deliver.c ------------------------------------------------------------- */

extern NOTIFY_EXPORT int augur_notify_run(int limit, const AugurNotifyHost *host, double *wait);

/* ---- worker.c --------------------------------------------------------------- */

extern void notify_worker_register(void);
extern NOTIFY_EXPORT void augur_notify_launcher(Datum arg);
extern NOTIFY_EXPORT void augur_notify_worker(Datum arg);

#endif /* AUGUR_NOTIFY_PRIVATE_H */
