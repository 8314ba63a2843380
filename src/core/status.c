/*-------------------------------------------------------------------------
 *
 * status.c
 *		Error records, and what the core says about itself.
 *
 * A message that does not fit is cut at a character boundary of UTF-8, so that
 * a cut message is still valid text wherever its parts were.
 *
 *-------------------------------------------------------------------------
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "algorithm.h"

#ifndef AUGUR_VERSION
#error "AUGUR_VERSION must be defined by the build"
#endif

/*
 * Takes away a last character that was cut in the middle.  Text that is not
 * UTF-8 (other server encodings) loses at most its last three bytes.
 */
static void
trim_utf8(char *text)
{
	size_t n = strlen(text), back = 0;
	unsigned char lead;
	size_t wants;

	while (back < n && back < 3 && ((unsigned char) text[n - 1 - back] & 0xC0) == 0x80)
		back++;
	if (back == n)
		return;
	lead = (unsigned char) text[n - 1 - back];
	if (lead < 0xC0)
		return;
	wants = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
	if (back + 1 < wants)
		text[n - 1 - back] = '\0';
}

static void __attribute__((format(printf, 2, 0)))
print_bounded(char *text, const char *format, va_list args)
{
	int n = vsnprintf(text, AUG_MESSAGE_SIZE, format, args);

	if (n < 0)
		text[0] = '\0';
	else if (n >= AUG_MESSAGE_SIZE)
		trim_utf8(text);
}

/*
 * Fills err with a status and a message, clears detail and hint, and returns
 * the status: return aug_fail(err, AUG_DATA, "...").
 */
AugStatus
aug_fail(AugError *err, AugStatus status, const char *format, ...)
{
	va_list args;

	err->status = status;
	err->detail[0] = '\0';
	err->hint[0] = '\0';
	va_start(args, format);
	print_bounded(err->message, format, args);
	va_end(args);
	return status;
}

/*
 * An allocation of about that many bytes failed; 0 when the size is not known.
 */
AugStatus
aug_fail_nomem(AugError *err, size_t wanted)
{
	aug_fail(err, AUG_NOMEM, "out of memory");
	if (wanted > 0)
		aug_detail(err, "Failed on a request of %zu bytes.", wanted);
	return AUG_NOMEM;
}

/* The host's poll asked to stop. */
AugStatus
aug_fail_cancelled(AugError *err)
{
	return aug_fail(err, AUG_CANCELLED, "cancelled");
}

void
aug_detail(AugError *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_bounded(err->detail, format, args);
	va_end(args);
}

void
aug_hint(AugError *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_bounded(err->hint, format, args);
	va_end(args);
}

const char *
aug_core_version(void)
{
	return AUGUR_VERSION;
}

/*
 * The core is compiled for the baseline of its platform and has one code path: one
 * that is chosen at run time would have to be named here.
 */
const char *
aug_core_dispatch(void)
{
	return "scalar";
}
