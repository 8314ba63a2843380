/*-------------------------------------------------------------------------
 *
 * send.c
 *		Messages over HTTPS, a few at once, within bounds of time and size.
 *
 * libcurl is given no way to leave the URL: no redirects, no proxies, no .netrc, no
 * cookies, no other protocol; the environment has no say.  Each socket is refused whose
 * address is private unless its host and port are listed; that is asked after the name
 * was resolved and before anything connects, so neither a changed name nor an odd
 * spelling gets around it.
 *
 * No snapshot or lock is held while this runs.  Waits are short, and an interrupt
 * (cancel, termination) is taken between them, by the caller.  Signals are blocked in
 * libcurl's calls: its resolver thread inherits the mask and never runs a handler of the
 * server.
 *
 *-------------------------------------------------------------------------
 */
#include "private.h"

#include <curl/curl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "miscadmin.h"
#include "portability/instr_time.h"

#if LIBCURL_VERSION_NUM < 0x074200
#error "augur_notify needs libcurl 7.66 or newer"
#endif

typedef struct NotifyTransfer
{
	NotifyJob *job;
	NotifyAddress address;
	CURL *easy;
	instr_time start;
	bool private_address; /* a socket was refused */
	bool too_large;
	char message[CURL_ERROR_SIZE];
	size_t head_size;
	size_t size;
	char received[NOTIFY_RESPONSE_BYTES + 1];
} NotifyTransfer;

struct NotifySender
{
	CURLM *multi;
	struct curl_slist *headers;
	NotifyTransfer *transfers[NOTIFY_MOST]; /* under way; NULL where there is none */
};

static bool curl_ready = false;

/*
 * libcurl calls this to make a socket, once the address is known.
 */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	NotifyTransfer *t = arg;
	int fd;

	if (notify_address_private(&address->addr) &&
		!notify_address_listed(notify_setting("augur.notify_private_hosts"), t->address.host,
							   t->address.port))
	{
		t->private_address = true;
		return CURL_SOCKET_BAD;
	}
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/*
 * libcurl calls this with a part of the response.
 */
static size_t
receive(char *data, size_t size, size_t n, void *arg)
{
	NotifyTransfer *t = arg;
	size_t bytes = size * n;

	if (bytes > NOTIFY_RESPONSE_BYTES - t->size)
	{
		t->too_large = true;
		return 0;
	}
	memcpy(t->received + t->size, data, bytes);
	t->size += bytes;
	return bytes;
}

/*
 * libcurl calls this with a line of the response's head, which some versions would
 * collect without end.
 */
static size_t
receive_head(char *data, size_t size, size_t n, void *arg)
{
	NotifyTransfer *t = arg;
	size_t bytes = size * n;

	t->head_size += bytes;
	if (t->head_size > NOTIFY_RESPONSE_BYTES)
	{
		t->too_large = true;
		return 0;
	}
	return bytes;
}

/*
 * Makes the request of a job; false, and the job's error, when it cannot be sent.
 */
static bool
prepare(NotifyTransfer *t, struct curl_slist *headers)
{
	const char *problem = notify_address_read(&t->address, t->job->secret);
	const char *ca_file = notify_setting("augur.notify_ca_file");
	CURLcode rc = CURLE_OK;

	if (problem != NULL)
	{
		strlcpy(t->job->error, problem, sizeof(t->job->error));
		return false;
	}
	t->easy = curl_easy_init();
	if (t->easy == NULL)
	{
		strlcpy(t->job->error, "out of memory", sizeof(t->job->error));
		return false;
	}
#define SET(option, value)                                     \
	do                                                         \
	{                                                          \
		if (rc == CURLE_OK)                                    \
			rc = curl_easy_setopt(t->easy, (option), (value)); \
	} while (0)
	SET(CURLOPT_URL, t->address.url);
#if LIBCURL_VERSION_NUM >= 0x075500
	SET(CURLOPT_PROTOCOLS_STR, "https");
#else
	SET(CURLOPT_PROTOCOLS, (long) CURLPROTO_HTTPS);
#endif
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_VERBOSE, 0L);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	if (*ca_file)
	{
		/* instead of the system's authorities, not beside them */
		SET(CURLOPT_CAINFO, ca_file);
		SET(CURLOPT_CAPATH, (char *) NULL);
	}
	SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_CONNECTTIMEOUT_MS, NOTIFY_CONNECT_MS);
	SET(CURLOPT_TIMEOUT_MS, NOTIFY_TOTAL_MS);
	SET(CURLOPT_FORBID_REUSE, 1L);
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, t);
	SET(CURLOPT_WRITEFUNCTION, receive);
	SET(CURLOPT_WRITEDATA, t);
	SET(CURLOPT_HEADERFUNCTION, receive_head);
	SET(CURLOPT_HEADERDATA, t);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* a resolver that does not answer is left behind: its thread would be waited for, and
	   nobody could interrupt that */
	SET(CURLOPT_QUICK_EXIT, 1L);
#endif
	SET(CURLOPT_ERRORBUFFER, t->message);
	SET(CURLOPT_USERAGENT, "augur/" AUGUR_VERSION);
	SET(CURLOPT_HTTPHEADER, headers);
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) strlen(t->job->body));
	SET(CURLOPT_POSTFIELDS, t->job->body);
	SET(CURLOPT_PRIVATE, t);
#undef SET
	if (rc != CURLE_OK)
		snprintf(t->job->error, sizeof(t->job->error), "the request cannot be made: %s",
				 curl_easy_strerror(rc));
	return rc == CURLE_OK;
}

/*
 * The beginning of a response as text of the database's encoding, without the secret.
 */
static void
keep_response(NotifyTransfer *t)
{
	size_t n = 0;

	t->received[t->size] = '\0';
	for (size_t i = 0; i < t->size; i++)
		if (t->received[i] == '\0')
			t->received[i] = ' ';
	notify_address_redact(&t->address, t->received);
	/* bytes that are no text are told by "?" */
	for (const char *p = t->received; *p && n < NOTIFY_KEPT_BYTES; p++)
		t->job->response[n++] = (*p >= ' ' && *p <= '~') || *p == '\n' ? *p : '?';
	t->job->response[n] = '\0';
}

/*
 * What came of a transfer.  A status that was received counts, even if the rest of the
 * response was too large or did not come: the receiver has had the message.
 */
static void
finish(NotifyTransfer *t, CURLcode rc)
{
	NotifyJob *job = t->job;
	long http = 0;
	curl_off_t retry_after = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &http);
	curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after);
	job->http = http >= 200 && http <= 999 ? (int) http : 0;
	job->retry_after = (int) Min(Max(retry_after, 0), 1000000);
	if (rc != CURLE_OK && (job->http < 200 || job->http > 299))
	{
		if (t->private_address)
			strlcpy(job->error,
					"the host resolves to a private address, which setting "
					"augur.notify_private_hosts does not list",
					sizeof(job->error));
		else if (t->too_large)
			strlcpy(job->error, "the response is too large", sizeof(job->error));
		else
			snprintf(job->error, sizeof(job->error), "%s%s%s", curl_easy_strerror(rc),
					 t->message[0] ? ": " : "", t->message);
		notify_address_redact(&t->address, job->error);
		for (char *p = job->error; *p; p++)
			if (*p < ' ' || *p > '~')
				*p = '?';
	}
	keep_response(t);
}

/*
 * One round of libcurl's work, with signals blocked.
 */
static CURLMcode
perform(CURLM *multi, int *running)
{
	sigset_t all;
	sigset_t before;
	CURLMcode rc;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	rc = curl_multi_perform(multi, running);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/*
 * Ends a transfer, also one under way.
 */
static void
release(CURLM *multi, NotifyTransfer *t)
{
	if (t->easy)
	{
		curl_multi_remove_handle(multi, t->easy);
		curl_easy_cleanup(t->easy);
	}
	t->easy = NULL;
	notify_address_forget(&t->address);
}

NotifySender *
notify_sender_begin(void)
{
	NotifySender *sender = palloc0(sizeof(NotifySender));

	/* where libcurl would write the keys of its connections */
	unsetenv("SSLKEYLOGFILE");
	if (!curl_ready && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		ereport(ERROR, (errcode(ERRCODE_SYSTEM_ERROR), errmsg("could not start libcurl")));
	curl_ready = true;
	sender->multi = curl_multi_init();
#if LIBCURL_VERSION_NUM >= 0x081400
	/* from here on the threads of resolvers are the multi handle's (see CURLOPT_QUICK_EXIT) */
	if (sender->multi)
		(void) curl_multi_setopt(sender->multi, CURLMOPT_QUICK_EXIT, 1L);
#endif
	if (sender->multi)
		sender->headers = curl_slist_append(NULL, "Content-Type: application/json; charset=utf-8");
	if (sender->headers == NULL)
	{
		notify_sender_end(sender);
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	}
	return sender;
}

bool
notify_sender_add(NotifySender *sender, NotifyJob *job)
{
	NotifyTransfer *t = MemoryContextAllocZero(job->context, sizeof(NotifyTransfer));
	int i = 0;

	while (i < NOTIFY_MOST && sender->transfers[i])
		i++;
	if (i == NOTIFY_MOST)
		elog(ERROR, "too many notifications under way");
	t->job = job;
	INSTR_TIME_SET_CURRENT(t->start);
	if (prepare(t, sender->headers))
	{
		if (curl_multi_add_handle(sender->multi, t->easy) == CURLM_OK)
		{
			sender->transfers[i] = t;
			return true;
		}
		strlcpy(job->error, "the request cannot be made", sizeof(job->error));
	}
	if (t->easy)
		curl_easy_cleanup(t->easy);
	notify_address_forget(&t->address);
	return false;
}

NotifyJob *
notify_sender_next(NotifySender *sender, int timeout_ms)
{
	for (bool waited = false;; waited = true)
	{
		int running = 0;
		CURLMcode status = perform(sender->multi, &running);
		CURLMsg *msg;
		int left;

		while ((msg = curl_multi_info_read(sender->multi, &left)) != NULL)
		{
			NotifyTransfer *t = NULL;
			NotifyJob *job;
			CURLcode rc = msg->data.result;
			instr_time now;

			if (msg->msg != CURLMSG_DONE)
				continue;
			curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **) &t);
			job = t->job;
			INSTR_TIME_SET_CURRENT(now);
			INSTR_TIME_SUBTRACT(now, t->start);
			job->seconds = INSTR_TIME_GET_DOUBLE(now);
			finish(t, rc);
			for (int i = 0; i < NOTIFY_MOST; i++)
				if (sender->transfers[i] == t)
					sender->transfers[i] = NULL;
			release(sender->multi, t);
			return job;
		}
		if (status != CURLM_OK)
			ereport(ERROR,
					(errcode(ERRCODE_SYSTEM_ERROR),
					 errmsg("could not send notifications: %s", curl_multi_strerror(status))));
		if (waited || running == 0)
			return NULL;
		/* a signal ends it early */
		(void) curl_multi_poll(sender->multi, NULL, 0, timeout_ms, NULL);
	}
}

void
notify_sender_end(NotifySender *sender)
{
	for (int i = 0; i < NOTIFY_MOST; i++)
		if (sender->transfers[i])
			release(sender->multi, sender->transfers[i]);
	if (sender->multi)
		curl_multi_cleanup(sender->multi);
	curl_slist_free_all(sender->headers);
}
