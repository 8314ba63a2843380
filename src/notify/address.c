/*-------------------------------------------------------------------------
 *
 * address.c
 *		Where a channel's messages go: the secret file, the URL in it, and whether
 *		the server may talk to that place at all.
 *
 * A URL is read by a grammar of our own that is stricter than any client's, so that
 * what is compared with the list of hosts is what the client connects to: https, a
 * host of letters, digits, "-" and "." or an address in brackets, a port, a path of
 * visible ASCII.  No user, no fragment, no backslash.
 *
 * Messages of this file never repeat anything of the secret.
 *
 *-------------------------------------------------------------------------
 */
#include "private.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "utils/guc.h"

const char *
notify_setting(const char *name)
{
	const char *value = GetConfigOption(name, true, false);

	return value ? value : "";
}

/*
 * Overwrites what is secret; the compiler may not leave it out.
 */
void
notify_address_forget(NotifyAddress *address)
{
	volatile char *p = (volatile char *) address;

	for (size_t i = 0; i < sizeof(*address); i++)
		p[i] = 0;
}

static bool
host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
		   c == '.';
}

static bool
address_char(char c)
{
	return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') || c == ':' ||
		   c == '.';
}

/*
 * Reads a URL of so many bytes.  NULL when it is one, else what is wrong.
 */
const char *
notify_address_parse(NotifyAddress *address, const char *text, size_t length)
{
	const char *p;
	size_t host_length = 0;

	memset(address, 0, sizeof(*address));
	while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r' ||
						  text[length - 1] == ' ' || text[length - 1] == '\t'))
		length--;
	if (length == 0)
		return "the secret file is empty";
	if (length > NOTIFY_URL_BYTES)
		return "the URL in the secret file is too long";
	for (size_t i = 0; i < length; i++)
		if (text[i] <= ' ' || text[i] > '~' || strchr("\\\"<>^`{|}#", text[i]))
			return "the secret file must hold one URL of visible ASCII characters, nothing else";
	memcpy(address->url, text, length);
	if (strncmp(address->url, "https://", 8) != 0)
		return "the URL in the secret file must begin with https://";
	p = address->url + 8;
	if (*p == '[')
	{
		address->host[host_length++] = *p++;
		while (address_char(*p) && host_length < sizeof(address->host) - 2)
			address->host[host_length++] = (char) pg_tolower((unsigned char) *p++);
		if (*p != ']')
			return "the URL in the secret file has no valid host";
		address->host[host_length++] = *p++;
	}
	else
		while (host_char(*p) && host_length < sizeof(address->host) - 1)
			address->host[host_length++] = (char) pg_tolower((unsigned char) *p++);
	if (host_length == 0 || address->host[0] == '.' || address->host[0] == '-')
		return "the URL in the secret file has no valid host";
	address->port = 443;
	if (*p == ':')
	{
		int digits = 0;

		address->port = 0;
		for (p++; *p >= '0' && *p <= '9' && digits < 6; p++, digits++)
			address->port = address->port * 10 + (*p - '0');
		if (digits == 0 || address->port < 1 || address->port > 65535)
			return "the URL in the secret file has no valid port";
	}
	if (*p != '/')
		return "the URL in the secret file must have a host, maybe a port, and a path";
	address->path = p;
	return NULL;
}

/*
 * Is host, with that port, an entry of a comma-separated list?  Compared as text, in
 * lower case: a trailing dot or another spelling of an address is another host.
 */
bool
notify_address_listed(const char *list, const char *host, int port)
{
	char wanted[256 + 8];

	snprintf(wanted, sizeof(wanted), "%s:%d", host, port);
	while (*list)
	{
		char entry[256 + 8];
		size_t n = 0;
		const char *colon;

		while (*list == ',' || *list == ' ' || *list == '\t')
			list++;
		while (*list && *list != ',' && *list != ' ' && *list != '\t')
		{
			if (n < sizeof(entry) - 1)
				entry[n] = (char) pg_tolower((unsigned char) *list);
			n++;
			list++;
		}
		if (n == 0 || n >= sizeof(entry))
			continue;
		entry[n] = '\0';
		colon = strrchr(entry, ':');
		if (colon == NULL || strchr(colon, ']') != NULL)
		{
			if (port == 443 && strcmp(entry, host) == 0)
				return true;
		}
		else if (strcmp(entry, wanted) == 0)
			return true;
	}
	return false;
}

/*
 * IPv4 addresses that are not somebody's on the internet (RFC 6890).
 */
static bool
private_v4(uint32 a)
{
	static const struct
	{
		uint32 net;
		int bits;
	} nets[] = {
		{0x00000000, 8},  {0x0a000000, 8},	{0x64400000, 10}, {0x7f000000, 8},	{0xa9fe0000, 16},
		{0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24}, {0xc0586300, 24}, {0xc0a80000, 16},
		{0xc6120000, 15}, {0xc6336400, 24}, {0xcb007100, 24}, {0xe0000000, 4},	{0xf0000000, 4},
	};

	for (size_t i = 0; i < lengthof(nets); i++)
		if ((a >> (32 - nets[i].bits)) == (nets[i].net >> (32 - nets[i].bits)))
			return true;
	return false;
}

static uint32
v4_at(const unsigned char *p)
{
	return (uint32) p[0] << 24 | (uint32) p[1] << 16 | (uint32) p[2] << 8 | p[3];
}

/*
 * Is an address one that a server must not be sent to by a URL: loopback, private,
 * link-local (where cloud machines keep their credentials), reserved, of no known kind.
 */
bool
notify_address_private(const struct sockaddr *address)
{
	static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	static const unsigned char nat64[12] = {0, 0x64, 0xff, 0x9b};

	if (address->sa_family == AF_INET)
	{
		const struct sockaddr_in *v4 = (const struct sockaddr_in *) address;

		return private_v4(ntohl(v4->sin_addr.s_addr));
	}
	if (address->sa_family == AF_INET6)
	{
		const unsigned char *a = ((const struct sockaddr_in6 *) address)->sin6_addr.s6_addr;

		if (memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0)
			return private_v4(v4_at(a + 12));
		if (a[0] == 0x20 && a[1] == 0x02) /* 6to4 */
			return private_v4(v4_at(a + 2));
		if ((a[0] & 0xe0) != 0x20)
			return true; /* ::1, fc00::/7, fe80::/10, ff00::/8, all but global unicast */
		/* Teredo and the rest of 2001::/23, documentation */
		return (a[0] == 0x20 && a[1] == 0x01 && (a[2] & 0xfe) == 0) ||
			   (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x0d && a[3] == 0xb8) ||
			   (a[0] == 0x3f && a[1] == 0xff && (a[2] & 0xf0) == 0);
	}
	return true;
}

/*
 * Replaces each occurrence of length bytes of part in a text by "***", in place.
 */
static void
blot_out(char *text, const char *part, size_t length)
{
	char *hit = text;
	char wanted[NOTIFY_URL_BYTES + 1];

	memcpy(wanted, part, length);
	wanted[length] = '\0';
	while ((hit = strstr(hit, wanted)) != NULL)
	{
		memcpy(hit, "***", 3);
		memmove(hit + 3, hit + length, strlen(hit + length) + 1);
		hit += 3;
	}
	explicit_bzero(wanted, sizeof(wanted));
}

/*
 * Removes the path of the URL, and each longer part of it, from a text: receivers like
 * to repeat what they were asked for.  Longer parts first, as a shorter one may be the
 * beginning of a longer one.
 */
void
notify_address_redact(const NotifyAddress *address, char *text)
{
	const char *path = address->path;
	size_t length;
	size_t longest;

	if (path == NULL)
		return;
	length = strlen(path);
	if (length >= 4)
		blot_out(text, path, length);
	if (length >= 5)
		blot_out(text, path + 1, length - 1);
	for (size_t limit = length; limit >= 6; limit = longest)
	{
		longest = 0;
		for (const char *p = path; *p;)
		{
			size_t n = strcspn(p, "/?&=.,;:");

			if (n == limit)
				blot_out(text, p, n);
			else if (n < limit)
				longest = Max(longest, n);
			p += n;
			if (*p)
				p++;
		}
	}
}

/*
 * May others than the server's user and the administrator put something into a
 * directory in place of what is there?
 */
static bool
directory_open_to_others(const char *path, const char **problem)
{
	struct stat st;

	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		*problem = "the directory of setting augur.secret_directory cannot be opened";
	else if (st.st_uid != geteuid() && st.st_uid != 0)
		*problem = "a directory of the secret file is not owned by the server's user or root";
	else if ((st.st_mode & 0022) != 0 && (st.st_mode & S_ISVTX) == 0)
		*problem = "a directory of the secret file may be written by others: its mode must be "
				   "0755 or stricter";
	return *problem != NULL;
}

/*
 * The real path of a secret, below the real path of its directory: volumes of
 * Kubernetes and Docker are full of symbolic links.  The result and every directory
 * between are as they must be, but for the file itself.
 */
static void
resolve_secret(const char *directory, const char *name, char *resolved, const char **problem)
{
	char path[MAXPGPATH];
	char top[MAXPGPATH];
	char real[PATH_MAX];
	size_t length;

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int) sizeof(path))
		*problem = "the path of the secret file is too long";
	else if (realpath(directory, real) == NULL || strlen(real) >= sizeof(top))
		*problem = "the directory of setting augur.secret_directory cannot be opened";
	if (*problem)
		return;
	strlcpy(top, real, sizeof(top));
	if (realpath(path, real) == NULL)
	{
		*problem = errno == ENOENT	 ? "the secret file does not exist"
				   : errno == EACCES ? "the secret file cannot be read by the server"
									 : "the secret file cannot be opened";
		return;
	}
	length = strlen(top);
	if (length > 1 && (strncmp(real, top, length) != 0 || real[length] != '/'))
		*problem = "the secret file is a symbolic link out of its directory";
	else if (strlen(real) >= MAXPGPATH)
		*problem = "the path of the secret file is too long";
	if (*problem)
		return;
	strlcpy(resolved, real, MAXPGPATH);
	/* from the directory of the file up to that of the setting */
	for (;;)
	{
		char *slash = strrchr(real, '/');

		*slash = '\0';
		if (directory_open_to_others(slash == real ? "/" : real, problem) || strlen(real) <= length)
			return;
	}
}

/*
 * Reads a file below a directory into buffer; returns bytes read, or -1 and why.  The
 * rules for the file are those of the server's own TLS key: of the server's user and
 * for it alone, or of root, and for a group at most.
 */
static ssize_t
read_secret(const char *directory, const char *name, char *buffer, size_t size,
			const char **problem)
{
	char resolved[MAXPGPATH];
	struct stat st;
	ssize_t n;
	int fd;

	*problem = NULL;
	resolve_secret(directory, name, resolved, problem);
	if (*problem)
		return -1;
	/* no link any more, unless it was changed just now */
	fd = open(resolved, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
	{
		*problem = errno == EACCES ? "the secret file cannot be read by the server"
								   : "the secret file cannot be opened";
		return -1;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		*problem = "the secret file is not a regular file";
	else if (st.st_uid != geteuid() && st.st_uid != 0)
		*problem = "the secret file is not owned by the server's user or root";
	else if (st.st_uid == geteuid() && (st.st_mode & 0077) != 0)
		*problem = "the secret file may be read by others: its mode must be 0600 or stricter";
	else if ((st.st_mode & 0037) != 0)
		*problem = "the secret file of root may be read by others: its mode must be 0640 or "
				   "stricter";
	else if (st.st_size > (off_t) size)
		*problem = "the secret file is too large";
	if (*problem)
	{
		close(fd);
		return -1;
	}
	n = read(fd, buffer, size);
	close(fd);
	if (n < 0)
		*problem = "the secret file cannot be read";
	return n;
}

/*
 * From "file:NAME" to an address that may be called.  Read anew for each message, so
 * that a changed file needs no restart.
 */
const char *
notify_address_read(NotifyAddress *address, const char *reference)
{
	const char *directory = notify_setting("augur.secret_directory");
	char buffer[NOTIFY_URL_BYTES + 16];
	const char *problem;
	const char *name;
	ssize_t n;

	memset(address, 0, sizeof(*address));
	if (strncmp(reference, "file:", 5) != 0)
		return "the channel has no reference to a secret file";
	name = reference + 5;
	if (*name == '\0' || *name == '.' || strlen(name) > 100 || strchr(name, '/') != NULL)
		return "the channel's reference names no file";
	if (*directory != '/')
		return "setting augur.secret_directory is not set to an absolute path";
	n = read_secret(directory, name, buffer, sizeof(buffer), &problem);
	if (problem == NULL)
		problem = notify_address_parse(address, buffer, (size_t) n);
	explicit_bzero(buffer, sizeof(buffer));
	if (problem == NULL &&
		!notify_address_listed(notify_setting("augur.notify_hosts"), address->host, address->port))
		problem = "the host and port of the channel are not in setting augur.notify_hosts";
	if (problem != NULL)
		notify_address_forget(address);
	return problem;
}
