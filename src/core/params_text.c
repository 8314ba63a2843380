/*-------------------------------------------------------------------------
 *
 * params_text.c
 *		The canonical text of hyperparameters, a JSON object, and its parser;
 *		numbers as text; the nearest of known names.
 *
 * The text holds every parameter in the table's order:
 *		{"n_trees": 100, "max_features": "sqrt", "class_weight": {"no": 1, "yes": 4}}
 * The parser reads this and no other JSON: strings, numbers, true and false, and
 * one level of object.  Its input may come out of a stored model, so it trusts
 * nothing; what it accepts goes through the same checks as a user's value.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "params.h"

#define NAME_SIZE 64 /* longest name that is compared for nearness */

/* ---- numbers ---------------------------------------------------------- */

size_t
aug_number_text(double value, char text[AUG_NUMBER_SIZE])
{
	int n = 0;

	for (int digits = 15; digits <= 17; digits++)
	{
		n = snprintf(text, AUG_NUMBER_SIZE, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	return (size_t) n;
}

bool
aug_number_parse(const char *text, double *value)
{
	char *end;
	size_t n = strspn(text, "+-.0123456789eE");

	/* strtod alone would take blanks, hexadecimal, inf and nan */
	if (n == 0 || text[n] != '\0')
		return false;
	*value = strtod(text, &end);
	if (*value == 0)
		*value = 0; /* -0 and 0 have one text */
	return *end == '\0' && isfinite(*value);
}

/* ---- writing ---------------------------------------------------------- */

/*
 * Bytes that one byte takes inside a JSON string: quotes and backslashes are
 * escaped, control characters are written as \u00XX.
 */
static size_t
escaped_size(unsigned char c)
{
	return c == '"' || c == '\\' ? 2 : c < 0x20 ? 6 : 1;
}

size_t
aug_json_string_length(const char *text)
{
	size_t n = 2;

	for (; *text != '\0'; text++)
		n += escaped_size((unsigned char) *text);
	return n;
}

/*
 * Writes text as a JSON string; returns the place after it.  There must be room
 * for aug_json_string_length(text) bytes.
 */
char *
aug_json_string_put(char *at, const char *text)
{
	static const char hex[] = "0123456789abcdef";

	*at++ = '"';
	for (; *text != '\0'; text++)
	{
		unsigned char c = (unsigned char) *text;

		if (escaped_size(c) == 6)
		{
			*at++ = '\\';
			*at++ = 'u';
			*at++ = '0';
			*at++ = '0';
			*at++ = hex[c >> 4];
			*at++ = hex[c & 15];
			continue;
		}
		if (escaped_size(c) == 2)
			*at++ = '\\';
		*at++ = (char) c;
	}
	*at++ = '"';
	return at;
}

static void
write_json_string(AugWriter *w, const char *text)
{
	uint8_t *at = aug_writer_reserve(w, aug_json_string_length(text));

	if (at != NULL)
		aug_json_string_put((char *) at, text);
}

/*
 * See augur.h.  The text is the caller's to release through the host.
 */
AugStatus
aug_params_text(const AugParams *params, char **text, AugError *err)
{
	AugWriter w;
	size_t length;

	aug_writer_init(&w, params->host);
	aug_write_u8(&w, '{');
	for (uint32_t i = 0; i < params->algorithm->n_params; i++)
	{
		const char *value = aug_params_value(params, i);

		if (i > 0)
			aug_write_bytes(&w, ", ", 2);
		write_json_string(&w, params->algorithm->params[i].name);
		aug_write_bytes(&w, ": ", 2);
		if (params->values[i].choice >= 0)
			write_json_string(&w, value);
		else
			aug_write_bytes(&w, value, strlen(value));
	}
	aug_write_bytes(&w, "}", 2); /* with its NUL */
	*text = (char *) aug_writer_take(&w, &length);
	return *text == NULL ? aug_fail_nomem(err, 0) : AUG_OK;
}

/* ---- reading ---------------------------------------------------------- */

typedef struct Scan
{
	const char *at;
	char *token; /* room for the whole text */
} Scan;

static void
skip_blanks(Scan *s)
{
	s->at += strspn(s->at, " \t\r\n");
}

static bool
take(Scan *s, char c)
{
	skip_blanks(s);
	if (*s->at != c)
		return false;
	s->at++;
	return true;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char) (c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * What a backslash stands for; *at is behind it and moves past the rest.  Only
 * escapes of single bytes exist in canonical text.  -1 when it is none of them.
 */
static int
unescape(const char **at)
{
	char c = **at;
	int value = 0;

	if (c == '\0')
		return -1; /* never step over the end of the text */
	(*at)++;

	switch (c)
	{
		case '"':
		case '\\':
		case '/':
			return c;
		case 'b':
			return '\b';
		case 'f':
			return '\f';
		case 'n':
			return '\n';
		case 'r':
			return '\r';
		case 't':
			return '\t';
		case 'u':
			for (int k = 0; k < 4; k++)
			{
				int digit = hex_digit(**at);

				if (digit < 0)
					return -1;
				value = value * 16 + digit;
				(*at)++;
			}
			return value > 0 && value < 0x80 ? value : -1;
		default:
			return -1;
	}
}

/*
 * Reads a string into token (which ends behind it, NUL-terminated); false when
 * there is none.  Returns the place behind the token through *next.
 */
static bool
take_string(Scan *s, char *token, char **next)
{
	if (!take(s, '"'))
		return false;
	while (*s->at != '"')
	{
		int c = (unsigned char) *s->at;

		if (c < 0x20)
			return false; /* the end of the text too */
		s->at++;
		if (c == '\\' && (c = unescape(&s->at)) < 0)
			return false;
		*token++ = (char) c;
	}
	s->at++;
	*token++ = '\0';
	*next = token;
	return true;
}

/* A number, true or false: everything up to a delimiter. */
static bool
take_word(Scan *s, char *token, char **next)
{
	size_t n;

	skip_blanks(s);
	n = strcspn(s->at, " \t\r\n,:{}[]\"");
	if (n == 0)
		return false;
	memcpy(token, s->at, n);
	token[n] = '\0';
	s->at += n;
	*next = token + n + 1;
	return true;
}

static AugStatus
fail_syntax(AugError *err)
{
	return aug_fail(err, AUG_INVALID, "malformed hyperparameter text");
}

/*
 * Reads { "label": number, ... } into the pairs of a map that has none.
 */
static AugStatus
scan_pairs(AugParams *params, uint32_t i, Scan *s, char *token, AugError *err)
{
	bool first = true;

	if (!take(s, '{'))
		return fail_syntax(err);
	for (; !take(s, '}'); first = false)
	{
		AugStatus status;
		char *word, *end;
		double value;

		if ((!first && !take(s, ',')) || !take_string(s, token, &word) || !take(s, ':') ||
			!take_word(s, word, &end) || !aug_number_parse(word, &value))
			return fail_syntax(err);
		status = aug_params_set_pair(params, params->algorithm->params[i].name, token, value, err);
		if (status != AUG_OK)
			return status;
	}
	return first ? aug_fail(err, AUG_INVALID, "hyperparameter \"%s\" has no labels",
							params->algorithm->params[i].name)
				 : AUG_OK;
}

/*
 * Replaces a map by what is read; when that fails, or (whole) when something
 * follows, the old value stays.
 */
static AugStatus
scan_map(AugParams *params, uint32_t i, Scan *s, char *token, bool whole, AugError *err)
{
	AugParamValue old = params->values[i];
	AugParamValue *v = &params->values[i], *gone = &old;
	AugStatus status;

	memset(v, 0, sizeof(*v));
	status = scan_pairs(params, i, s, token, err);
	if (status == AUG_OK && whole)
	{
		skip_blanks(s);
		if (*s->at != '\0')
			status = fail_syntax(err);
	}
	if (status != AUG_OK)
	{
		AugParamValue half = *v;

		*v = old;
		old = half;
	}
	aug_params_clear_pairs(params, gone);
	params->host->release(params->host->arg, gone->text);
	return status;
}

AugStatus
aug_params_set_map(AugParams *params, uint32_t i, const char *text, AugError *err)
{
	Scan s;
	AugStatus status;
	size_t size = strlen(text) + 1;

	/* a word is shorter than its source, its NUL takes the place of a delimiter */
	s.at = text;
	s.token = params->host->alloc(params->host->arg, size + 1);
	if (s.token == NULL)
		return aug_fail_nomem(err, size);
	status = scan_map(params, i, &s, s.token, true, err);
	params->host->release(params->host->arg, s.token);
	return status;
}

/*
 * One member of the object: name, colon, value.
 */
static AugStatus
scan_member(AugParams *params, Scan *s, AugError *err)
{
	char *value, *end;
	int i;

	if (!take_string(s, s->token, &value) || !take(s, ':'))
		return fail_syntax(err);
	skip_blanks(s);
	if (*s->at == '{')
	{
		i = aug_param_find(params->algorithm, s->token);
		if (i < 0 || params->algorithm->params[i].type != AUG_PARAM_MAP)
			return fail_syntax(err);
		return scan_map(params, (uint32_t) i, s, value, false, err);
	}
	if (*s->at == '"' ? !take_string(s, value, &end) : !take_word(s, value, &end))
		return fail_syntax(err);
	return aug_params_set(params, s->token, value, err);
}

static AugStatus
scan_object(AugParams *params, Scan *s, AugError *err)
{
	bool first = true;

	if (!take(s, '{'))
		return fail_syntax(err);
	for (; !take(s, '}'); first = false)
	{
		AugStatus status;

		if (!first && !take(s, ','))
			return fail_syntax(err);
		status = scan_member(params, s, err);
		if (status != AUG_OK)
			return status;
	}
	skip_blanks(s);
	return *s->at == '\0' ? AUG_OK : fail_syntax(err);
}

/*
 * See augur.h.  Parameters that the text leaves out keep their defaults.
 */
AugStatus
aug_params_parse(const AugHost *host, const AugAlgorithm *algorithm, const char *text,
				 AugParams **out, AugError *err)
{
	AugParams *params;
	Scan s;
	AugStatus status;
	size_t size = strlen(text) + 2;

	*out = NULL;
	status = aug_params_new(host, algorithm, &params, err);
	if (status != AUG_OK)
		return status;
	s.at = text;
	s.token = host->alloc(host->arg, size);
	if (s.token == NULL)
		status = aug_fail_nomem(err, size);
	else
		status = scan_object(params, &s, err);
	host->release(host->arg, s.token);
	if (status != AUG_OK)
	{
		aug_params_free(params);
		return status;
	}
	*out = params;
	return AUG_OK;
}

/* ---- nearness --------------------------------------------------------- */

static char
fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c | 0x20) : c == '-' || c == ' ' ? '_' : c;
}

/*
 * Edit distance with swaps of neighbours (Damerau 1964; optimal string
 * alignment), three rows of a table.  Both are shorter than NAME_SIZE.
 */
static size_t
edit_distance(const char *a, size_t n, const char *b, size_t m)
{
	size_t rows[3][NAME_SIZE + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= m; j++)
		above[j] = j;
	for (size_t i = 1; i <= n; i++)
	{
		size_t *next = before;

		row[0] = i;
		for (size_t j = 1; j <= m; j++)
		{
			bool same = fold(a[i - 1]) == fold(b[j - 1]);
			size_t best = above[j - 1] + (same ? 0 : 1);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
				fold(a[i - 2]) == fold(b[j - 1]) && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		before = above;
		above = row;
		row = next;
	}
	return above[m];
}

/*
 * The name nearest to a misspelt one; the first of equals.  NULL when none is
 * within a third of its letters: a far-fetched hint is worse than none.
 */
const char *
aug_nearest(const char *name, const char *const *names, uint32_t n)
{
	const char *nearest = NULL;
	size_t length = strlen(name);
	size_t best = length < 3 ? 1 : 1 + length / 3;

	if (length > NAME_SIZE)
		return NULL;
	best++;
	for (uint32_t i = 0; i < n; i++)
	{
		size_t other = strlen(names[i]), distance;

		/* the distance is at least the difference of the lengths */
		if (other > NAME_SIZE || (other > length ? other - length : length - other) >= best)
			continue;
		distance = edit_distance(name, length, names[i], other);
		if (distance < best)
		{
			best = distance;
			nearest = names[i];
		}
	}
	return nearest;
}
