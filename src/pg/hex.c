/*-------------------------------------------------------------------------
 *
 * hex.c
 *		The text form of types that are bytes: "\x" and two lower-case hex digits a byte.
 *
 * Without loss, and read back by the checks of each type alone.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

static inline int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * The bytes that a text stands for, palloc'ed; or NULL, and what is wrong with it as a
 * sentence.
 */
struct varlena *
augur_hex_read(const char *text, const char **problem)
{
	Size digits = strlen(text);
	Size length;
	struct varlena *value;

	if (digits < 2 || text[0] != '\\' || text[1] != 'x')
	{
		*problem = "It is written as \"\\x\" and hexadecimal digits.";
		return NULL;
	}
	digits -= 2;
	if (digits % 2 != 0)
	{
		*problem = "The number of hexadecimal digits is odd.";
		return NULL;
	}
	length = digits / 2;
	value = palloc(length + VARHDRSZ);
	SET_VARSIZE(value, length + VARHDRSZ);
	for (Size i = 0; i < length; i++)
	{
		int hi = hex_digit(text[2 + 2 * i]);
		int lo = hex_digit(text[3 + 2 * i]);

		if (hi < 0 || lo < 0)
		{
			*problem = "There is a character that is not a hexadecimal digit.";
			pfree(value);
			return NULL;
		}
		VARDATA(value)[i] = (char) (hi << 4 | lo);
	}
	return value;
}

/* The text of a value; noun is what an error calls it. */
char *
augur_hex_write(const struct varlena *value, const char *noun)
{
	static const char digit[] = "0123456789abcdef";
	const uint8_t *bytes = (const uint8_t *) VARDATA_ANY(value);
	Size length = VARSIZE_ANY_EXHDR(value);
	char *text;
	char *at;

	if (length > (MaxAllocSize - 3) / 2)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("%s of %zu bytes is too large for its text form", noun, length),
						errhint("Use the binary format, as COPY ... WITH (FORMAT binary) does.")));
	text = at = palloc(length * 2 + 3); /* bounded: checked above */
	*at++ = '\\';
	*at++ = 'x';
	for (Size i = 0; i < length; i++)
	{
		*at++ = digit[bytes[i] >> 4];
		*at++ = digit[bytes[i] & 15];
	}
	*at = '\0';
	return text;
}
