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
 * Removes the path of the URL, and each longer part of it, from a text: receivers like
 * to repeat what they were asked for.
 */
void
notify_address_redact(const NotifyAddress *address, char *text)
{
	const char *p = address->path;

	if (p == NULL)
		return;
	while (*p)
	{
		size_t n = strcspn(p, "/?&=.,;:");

		if (n >= 6)
		{
			char part[NOTIFY_URL_BYTES + 1];
			char *hit = text;

			memcpy(part, p, n);
			part[n] = '\0';
			while ((hit = strstr(hit, part)) != NULL)
			{
				memcpy(hit, "***", 3);
				memmove(hit + 3, hit + n, strlen(hit + n) + 1);
				hit += 3;
			}
			explicit_bzero(part, sizeof(part));
		}
		p += n;
		if (*p)
			p++;
	}
}

/*
 * Reads a file below a directory into buffer; returns bytes read, or -1 and why.
 */
static ssize_t
read_secret(const char *directory, const char *name, char *buffer, size_t size,
			const char **problem)
{
	struct stat st;
	ssize_t n;
	int dir;
	int fd;

	*problem = NULL;
	dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
	{
		*problem = "the directory of setting augur.secret_directory cannot be opened";
		return -1;
	}
	/* the last part may not be a symbolic link, and there are no other parts */
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	close(dir);
	if (fd < 0)
	{
		*problem = errno == ENOENT	 ? "the secret file does not exist"
				   : errno == ELOOP	 ? "the secret file is a symbolic link"
				   : errno == EACCES ? "the secret file cannot be read by the server"
									 : "the secret file cannot be opened";
		return -1;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		*problem = "the secret file is not a regular file";
	else if (st.st_uid != geteuid())
		*problem = "the secret file is not owned by the server's user";
	else if ((st.st_mode & 0077) != 0)
		*problem = "the secret file may be read by others: its mode must be 0600 or stricter";
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
