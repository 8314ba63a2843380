/*-------------------------------------------------------------------------
 *
 * store.c
 *		A fitted series as bytes, and back: what a stored forecaster keeps of each of its
 *		series.  docs/format.md describes the bytes.
 *
 * The envelope is that of models (magic, format, length, checksum) with a magic of its own.
 * The reader trusts no byte: a count is accepted only when the bytes left can hold so
 * many things, strings have no NUL, values are finite or missing, season lengths and
 * levels ascend.  What the options, the form and the host's slice mean is checked by
 * those who read them.
 *
 * Memory: what is loaded lies in one arena with its AugStored.  Interrupts: none; both
 * ways are linear in the bytes.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "../artifact.h"
#include "forecast.h"

#define MAGIC      \
	"\x89"         \
	"AUGSE\n\x1A"
#define NOUN		"state of a series"
#define NAME_MAX	255
#define OPTIONS_MAX 65535
#define HOST_MAX	4095
#define FORM_MAX	((uint32_t) 1 << 26)
/* What a message may be: of a fit, with what the host has to say before it. */
#define MESSAGE_MAX 1023

#define HAS_FORECAST 1

/* ---- writing -------------------------------------------------------------- */

/* A missing value is always the same bits. */
static void
write_numbers(AugWriter *w, const double *v, size_t n)
{
	uint8_t *at = aug_writer_reserve(w, n * sizeof(double));

	for (size_t i = 0; at != NULL && i < n; i++)
	{
		double number = isnan(v[i]) ? NAN : v[i];
		uint64_t bits;

		memcpy(&bits, &number, sizeof(bits));
		for (int k = 0; k < 8; k++)
			*at++ = (uint8_t) (bits >> (8 * k));
	}
}

static void
write_slice(AugWriter *w, AugSlice slice)
{
	aug_write_varint(w, slice.length);
	aug_write_bytes(w, slice.bytes, slice.length);
}

static void
write_series(AugWriter *w, const AugStored *s)
{
	aug_write_varint(w, s->series.n);
	write_numbers(w, s->series.y, s->series.n);
	aug_write_varint(w, s->series.n_periods);
	for (uint32_t i = 0; i < s->series.n_periods; i++)
		aug_write_varint(w, s->series.period[i]);
	aug_write_varint(w, s->series.n_regressors);
	for (uint32_t j = 0; j < s->series.n_regressors; j++)
		aug_write_string(w, s->regressor[j]);
	write_numbers(w, s->series.x, s->series.n * s->series.n_regressors);
}

/* What the reader would refuse is not written. */
static AugStatus
check_stored(const AugStored *s, AugError *err)
{
	if (s->series.n > UINT32_MAX || s->series.n_regressors > AUG_MAX_REGRESSORS ||
		s->series.n_periods > AUG_MAX_PERIODS || s->host.length > HOST_MAX ||
		s->form.length > FORM_MAX || s->horizon > AUG_MAX_HORIZON ||
		s->n_levels > AUG_MAX_LEVELS_ASKED || strlen(s->options) > OPTIONS_MAX)
		return aug_fail(err, AUG_INVALID, "the series is too large to be stored");
	return AUG_OK;
}

AugStatus
aug_series_store(const AugHost *host, const AugStored *s, uint8_t **bytes, size_t *length,
				 AugError *err)
{
	AugWriter w;
	size_t ahead = (size_t) s->horizon * s->n_levels;
	AugStatus status = check_stored(s, err);

	*bytes = NULL;
	*length = 0;
	if (status != AUG_OK)
		return status;
	aug_envelope_begin(&w, host, MAGIC, AUG_SERIES_FORMAT);
	write_slice(&w, s->host);
	write_series(&w, s);
	aug_write_string(&w, s->options);
	aug_write_u64(&w, s->seed);
	aug_write_varint(&w, s->horizon);
	aug_write_varint(&w, s->n_levels);
	write_numbers(&w, s->levels, s->n_levels);
	write_slice(&w, s->form);
	aug_write_string(&w, s->method);
	aug_write_string(&w, s->reason);
	aug_write_string(&w, s->fallback);
	aug_write_string(&w, s->warning);
	write_numbers(&w, &s->sigma, 1);
	write_numbers(&w, &s->aicc, 1);
	aug_write_u8(&w, s->mean != NULL ? HAS_FORECAST : 0);
	if (s->mean != NULL)
	{
		write_numbers(&w, s->mean, s->horizon);
		write_numbers(&w, s->lower, ahead);
		write_numbers(&w, s->upper, ahead);
	}
	aug_envelope_end(&w);
	*bytes = aug_writer_take(&w, length);
	return *bytes == NULL ? aug_fail_nomem(err, 0) : AUG_OK;
}

/* ---- reading -------------------------------------------------------------- */

typedef struct Loaded
{
	AugStored pub; /* must be first */
	AugArena arena;
} Loaded;

/* The bytes on their way into a Loaded; goes quiet after the first failure. */
typedef struct Load
{
	AugReader r;
	AugArena *arena;
	bool nomem;
} Load;

static void *
room(Load *l, size_t n, size_t size)
{
	void *p = l->r.bad || l->nomem ? NULL : aug_arena_alloc(l->arena, n > 0 ? n : 1, size);

	if (p == NULL && !l->r.bad)
		l->nomem = true;
	return p;
}

/* n numbers: finite, or NaN where missing says so; bounds may be infinite. */
static const double *
read_numbers(Load *l, size_t n, bool missing, bool infinite)
{
	double *v;

	if (n > aug_reader_left(&l->r) / sizeof(double))
		l->r.bad = true;
	v = room(l, n, sizeof(double));
	for (size_t i = 0; v != NULL && i < n; i++)
	{
		v[i] = aug_read_f64(&l->r);
		if ((isnan(v[i]) && !missing) || (isinf(v[i]) && !infinite))
			l->r.bad = true;
	}
	return v;
}

static const char *
read_text(Load *l, uint32_t most)
{
	uint32_t n = aug_read_count(&l->r, most, 1);
	const uint8_t *bytes = aug_read_bytes(&l->r, n);
	char *text;

	if (bytes != NULL && memchr(bytes, 0, n) != NULL)
		l->r.bad = true;
	text = room(l, (size_t) n + 1, 1);
	if (text == NULL || bytes == NULL)
		return "";
	memcpy(text, bytes, n);
	text[n] = '\0';
	return text;
}

static AugSlice
read_slice(Load *l, uint32_t most)
{
	AugSlice slice = {NULL, aug_read_count(&l->r, most, 1)};
	const uint8_t *bytes = aug_read_bytes(&l->r, slice.length);
	uint8_t *copy = room(l, slice.length, 1);

	if (copy != NULL && bytes != NULL)
		memcpy(copy, bytes, slice.length);
	slice.bytes = copy;
	return slice;
}

static void
read_series(Load *l, AugStored *s)
{
	AugSeries *series = &s->series;
	const char **names;

	series->n = series->n_x = aug_read_count(&l->r, UINT32_MAX, sizeof(double));
	series->y = read_numbers(l, series->n, true, false);
	series->n_periods = aug_read_count(&l->r, AUG_MAX_PERIODS, 1);
	for (uint32_t i = 0; i < series->n_periods; i++)
	{
		series->period[i] = aug_read_count(&l->r, AUG_MAX_PERIOD, 0);
		if (series->period[i] < 2 || (i > 0 && series->period[i] <= series->period[i - 1]))
			l->r.bad = true;
	}
	series->n_regressors = aug_read_count(&l->r, AUG_MAX_REGRESSORS, 1);
	names = room(l, series->n_regressors, sizeof(char *));
	for (uint32_t j = 0; names != NULL && j < series->n_regressors; j++)
		names[j] = read_text(l, NAME_MAX);
	s->regressor = names;
	/* n is below 2^32 and there are few regressors, but a size may have 32 bits */
	if (series->n_regressors > 0 && series->n > SIZE_MAX / sizeof(double) / series->n_regressors)
		l->r.bad = true;
	else
		series->x = read_numbers(l, series->n * series->n_regressors, false, false);
}

static void
read_request(Load *l, AugStored *s)
{
	s->options = read_text(l, OPTIONS_MAX);
	s->seed = aug_read_u64(&l->r);
	s->horizon = aug_read_count(&l->r, AUG_MAX_HORIZON, 0);
	s->n_levels = aug_read_count(&l->r, AUG_MAX_LEVELS_ASKED, sizeof(double));
	s->levels = read_numbers(l, s->n_levels, false, false);
	for (uint32_t i = 0; s->levels != NULL && i < s->n_levels; i++)
	{
		if (!(s->levels[i] > 0 && s->levels[i] < 1) ||
			(i > 0 && s->levels[i] <= s->levels[i - 1]))
			l->r.bad = true;
	}
}

static void
read_result(Load *l, AugStored *s)
{
	const double *number;
	uint8_t flags;

	s->form = read_slice(l, FORM_MAX);
	s->method = read_text(l, AUG_LABEL_SIZE - 1);
	s->reason = read_text(l, MESSAGE_MAX);
	s->fallback = read_text(l, MESSAGE_MAX);
	s->warning = read_text(l, MESSAGE_MAX);
	number = read_numbers(l, 2, true, true);
	s->sigma = number == NULL ? NAN : number[0];
	s->aicc = number == NULL ? NAN : number[1];
	flags = aug_read_u8(&l->r);
	if (flags > HAS_FORECAST)
		l->r.bad = true;
	if (l->r.bad || flags == 0)
		return;
	s->mean = read_numbers(l, s->horizon, true, false);
	s->lower = read_numbers(l, (size_t) s->horizon * s->n_levels, true, true);
	s->upper = read_numbers(l, (size_t) s->horizon * s->n_levels, true, true);
}

AugStatus
aug_series_load(const AugHost *host, const uint8_t *bytes, size_t length, AugStored **out,
				AugError *err)
{
	Load l = {.nomem = false};
	Loaded *loaded;
	AugStatus status =
		aug_envelope_open(bytes, length, MAGIC, AUG_SERIES_FORMAT, NOUN, &l.r, err);

	*out = NULL;
	if (status != AUG_OK)
		return status;
	loaded = host->alloc(host->arg, sizeof(Loaded));
	if (loaded == NULL)
		return aug_fail_nomem(err, sizeof(Loaded));
	memset(loaded, 0, sizeof(*loaded));
	aug_arena_init(&loaded->arena, host);
	l.arena = &loaded->arena;
	loaded->pub.host = read_slice(&l, HOST_MAX);
	read_series(&l, &loaded->pub);
	read_request(&l, &loaded->pub);
	read_result(&l, &loaded->pub);
	if (!l.nomem && (l.r.bad || aug_reader_left(&l.r) > 0))
	{
		aug_series_free(&loaded->pub);
		aug_fail(err, AUG_CORRUPT, NOUN " is damaged");
		aug_detail(err, "Its contents cannot be right.");
		return AUG_CORRUPT;
	}
	if (l.nomem)
	{
		aug_series_free(&loaded->pub);
		return aug_fail_nomem(err, 0);
	}
	*out = &loaded->pub;
	return AUG_OK;
}

void
aug_series_free(AugStored *stored)
{
	Loaded *loaded = (Loaded *) stored;
	const AugHost *host;

	if (stored == NULL)
		return;
	host = loaded->arena.host;
	aug_arena_free(&loaded->arena);
	host->release(host->arg, loaded);
}
