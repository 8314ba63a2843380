/*-------------------------------------------------------------------------
 *
 * unit_golden.c
 *		Golden numbers of other programs, read from text files of tests/data.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

/* The rest of a line after "name what ", or NULL. */
static const char *
after_words(const char *line, const char *name, const char *what)
{
	size_t n = strlen(name), w = strlen(what);

	if (strncmp(line, name, n) != 0 || line[n] != ' ')
		return NULL;
	line += n + 1;
	return strncmp(line, what, w) == 0 && line[w] == ' ' ? line + w + 1 : NULL;
}

size_t
unit_golden(const char *file, const char *name, const char *what, double *values, size_t room)
{
	char path[512];
	size_t length, n = 0;
	uint8_t *bytes;
	const char *at = NULL;

	snprintf(path, sizeof(path), "%s/%s", UNIT_DATA, file);
	bytes = unit_read_file(path, &length);
	for (const char *line = (const char *) bytes; line != NULL && at == NULL;)
	{
		at = after_words(line, name, what);
		line = strchr(line, '\n');
		line = line == NULL ? NULL : line + 1;
	}
	while (at != NULL && *at != '\n' && *at != '\0' && n < room)
	{
		char *end;

		values[n] = strncmp(at, "NA", 2) == 0 ? NAN : strtod(at, &end);
		at = strncmp(at, "NA", 2) == 0 ? at + 2 + (at[2] == 'N') : end;
		at += strspn(at, " ");
		n++;
	}
	free(bytes);
	if (n == 0)
	{
		fprintf(stderr, "no \"%s %s\" in %s\n", name, what, path);
		CHECK(n > 0);
	}
	return n;
}
