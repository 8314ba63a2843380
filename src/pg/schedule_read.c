/*-------------------------------------------------------------------------
 *
 * schedule_read.c
 *		From the text of a schedule to sets of minutes, hours and days.
 *
 * Five fields as cron has them, the names that stand for some (@daily), or "every" and
 * an interval.  What no cron agrees on, as 5/15, is an error that tells how to write it.
 *
 * Memory: palloc in the caller's context, little.  Interrupts: none, texts are short.
 *
 *-------------------------------------------------------------------------
 */
#include "schedule.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#define MAX_TEXT 1000
#define BLANKS	 " \t\r\n\f\v"

typedef struct Field
{
	const char *name;
	int min;
	int max;
	const char *names; /* three letters each, of min and on; NULL: none */
} Field;

static const Field fields[5] = {
	{"minute", 0, 59, NULL},
	{"hour", 0, 23, NULL},
	{"day of month", 1, 31, NULL},
	{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
	{"day of week", 0, 7, "sunmontuewedthufrisat"},
};

static const struct
{
	const char *name;
	const char *stands_for;
} shorthands[] = {
	{"@hourly", "0 * * * *"},	{"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
	{"@weekly", "0 0 * * 0"},	{"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
	{"@annually", "0 0 1 1 *"},
};

/* One field while it is read. */
typedef struct Reader
{
	const char *text; /* the whole schedule, for messages */
	const Field *field;
	const char *item; /* the part between commas */
	AugurSchedule *s;
	uint64 set;
} Reader;

pg_noreturn static void bad_item(const Reader *r, const char *detail);

static void
bad_item(const Reader *r, const char *detail)
{
	const Field *f = r->field;

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid %s \"%s\" in schedule \"%s\"", f->name, r->item, r->text),
			 detail != NULL ? errdetail("%s", detail)
			 : f->names != NULL
				 ? errdetail("The %s is %d to %d or a name of three letters, as \"%.3s\".", f->name,
							 f->min, f->max, f->names)
				 : errdetail("The %s is %d to %d.", f->name, f->min, f->max),
			 errhint("Fields are minute, hour, day of month, month and day of week; each may be "
					 "\"*\", a value, a range as 1-5, a step as */15 or 8-18/2, or a list of "
					 "those.")));
}

/* A number or name at *at, which is moved behind it. */
static int
read_value(const Reader *r, const char **at)
{
	const char *p = *at;
	int value = 0;

	if (r->field->names != NULL && strlen(p) >= 3 && isalpha((unsigned char) p[0]))
	{
		for (int i = 0; r->field->names[i * 3] != '\0'; i++)
			if (pg_strncasecmp(p, r->field->names + i * 3, 3) == 0)
			{
				*at = p + 3;
				return r->field->min + i;
			}
	}
	if (*p < '0' || *p > '9')
		bad_item(r, NULL);
	while (*p >= '0' && *p <= '9')
	{
		value = value * 10 + (*p++ - '0');
		if (value > 9999)
			bad_item(r, NULL);
	}
	*at = p;
	return value;
}

static int
read_in_range(const Reader *r, const char **at)
{
	int value = read_value(r, at);

	if (value < r->field->min || value > r->field->max)
		bad_item(r, NULL);
	return value;
}

/* What only days know: L, 5L and 5#2.  False when the item is none of those. */
static bool
read_special(Reader *r, const char *at)
{
	int value, nth;

	if (r->field == &fields[2] && pg_strcasecmp(at, "l") == 0)
	{
		r->s->last_day = true;
		return true;
	}
	if (r->field != &fields[4] || (strchr(at, '#') == NULL && strlen(at) < 2) ||
		(strchr(at, '#') == NULL && pg_tolower((unsigned char) at[strlen(at) - 1]) != 'l'))
		return false;
	value = read_in_range(r, &at) % 7;
	if (pg_strcasecmp(at, "l") == 0)
	{
		r->s->nth[value] |= 1 << AUGUR_NTH_LAST;
		return true;
	}
	if (*at != '#')
		bad_item(r, NULL);
	at++;
	nth = read_value(r, &at);
	if (*at != '\0' || nth < 1 || nth > 5)
		bad_item(r, "What follows \"#\" is 1 to 5: fri#2 is the second Friday of the month.");
	r->s->nth[value] |= 1 << nth;
	return true;
}

/* One item between commas: *, value, range, either of the last with a step. */
static void
read_item(Reader *r)
{
	const char *at = r->item;
	int from, to, step = 1;
	bool one = false;

	if (*at == '\0')
		bad_item(r, "There is nothing between two commas, or before or behind one.");
	if (read_special(r, at))
		return;
	if (*at == '*')
	{
		from = r->field->min;
		to = r->field->max;
		at++;
	}
	else
	{
		from = to = read_in_range(r, &at);
		if (*at == '-')
		{
			at++;
			to = read_in_range(r, &at);
			/* the week may be written with Sunday at its end */
			if (r->field == &fields[4] && to == 0 && from > 0)
				to = 7;
			if (to < from)
				bad_item(r, "A range goes up: instead of fri-mon write fri-sun,mon.");
		}
		else
			one = true;
	}
	if (*at == '/')
	{
		if (one)
			bad_item(r, "A step needs \"*\" or a range before it: instead of 5/15 write 5-59/15.");
		at++;
		step = read_value(r, &at);
		if (step < 1 || step > r->field->max)
			bad_item(r, "A step is at least 1, and at most the largest value of the field.");
	}
	if (*at != '\0')
		bad_item(r, NULL);
	for (; from <= to; from += step)
		r->set |= UINT64CONST(1) << from;
}

static uint64
read_field(AugurSchedule *s, const char *text, int number, char *field)
{
	Reader r = {.text = text, .field = &fields[number], .s = s};

	for (char *next = field; next != NULL;)
	{
		char *comma = strchr(next, ',');

		if (comma != NULL)
			*comma++ = '\0';
		r.item = next;
		read_item(&r);
		next = comma;
	}
	return r.set;
}

/* Whether any month of the schedule has a day of it. */
static bool
has_a_day(const AugurSchedule *s)
{
	static const uint8 length[13] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (s->last_day || !s->both)
		return true;
	for (int month = 1; month <= 12; month++)
		if ((s->months & (1U << month)) != 0 &&
			(s->days & ((UINT64CONST(1) << (length[month] + 1)) - 2)) != 0)
			return true;
	return false;
}

static void
read_cron(AugurSchedule *s, const char *text)
{
	char *copy = pstrdup(text);
	char *part[5] = {0}, *rest = NULL;
	bool star[5];
	int n = 0;

	if (*text == '@')
	{
		int i;

		for (i = 0; i < lengthof(shorthands); i++)
			if (pg_strcasecmp(text, shorthands[i].name) == 0)
				break;
		if (i == lengthof(shorthands))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("unknown schedule \"%s\"", text),
							errhint("Names are @hourly, @daily, @midnight, @weekly, @monthly, "
									"@yearly and @annually.")));
		copy = pstrdup(shorthands[i].stands_for);
	}
	for (char *p = strtok_r(copy, BLANKS, &rest); p != NULL; p = strtok_r(NULL, BLANKS, &rest))
	{
		if (n < 5)
			part[n] = p;
		n++;
	}
	if (n != 5)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("schedule \"%s\" has %d %s instead of 5", text, n,
							   n == 1 ? "field" : "fields"),
						errdetail("Fields are minute, hour, day of month, month and day of week."),
						errhint("Examples: \"30 6 * * mon-fri\", \"@daily\", \"every 2 hours\".")));
	for (int i = 0; i < 5; i++)
		star[i] = part[i][0] == '*';
	s->minutes = read_field(s, text, 0, part[0]);
	s->hours = (uint32) read_field(s, text, 1, part[1]);
	s->days = (uint32) read_field(s, text, 2, part[2]);
	s->months = (uint32) read_field(s, text, 3, part[3]);
	s->weekdays = (uint32) read_field(s, text, 4, part[4]);
	if ((s->weekdays & (1U << 7)) != 0)
		s->weekdays |= 1;
	s->elapsed = star[0] || star[1];
	s->both = star[2] || star[4];
	if (!has_a_day(s))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("schedule \"%s\" never comes", text),
						errdetail("None of its months has such a day.")));
}

/* A number of months, of days, or time; anything else has no steps that are alike. */
static void
read_every(AugurSchedule *s, const char *text, const char *length)
{
	Interval *span;
	int parts;

	if (strpbrk(length, "0123456789") == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("invalid interval in schedule \"%s\"", text),
						errdetail("It has no number."),
						errhint("Examples: \"every 1 day\", \"every 15 minutes\".")));
	span = DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(length),
												 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	parts = (span->month != 0) + (span->day != 0) + (span->time != 0);
	if (augur_compat_interval_infinite(span) != 0 || parts != 1 || span->month < 0 ||
		span->day < 0 || span->time < 0 || span->month > 12000 || span->day > 365000)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid interval in schedule \"%s\"", text),
				 errdetail("It is a positive number of months, of days or of hours, minutes and "
						   "seconds, and at most 1000 years."),
				 parts > 1 ? errhint("Instead of \"1 day 12 hours\" write \"36 hours\".") : 0));
	if (span->month != 0)
	{
		s->kind = AUGUR_SCHEDULE_MONTHS;
		s->step = span->month;
	}
	else if (span->day != 0)
	{
		s->kind = AUGUR_SCHEDULE_DAYS;
		s->step = span->day;
	}
	else
	{
		s->kind = AUGUR_SCHEDULE_TIME;
		s->step = span->time;
		if (s->step < USECS_PER_MINUTE || s->step > INT64CONST(365000) * USECS_PER_DAY)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("invalid interval in schedule \"%s\"", text),
							errdetail("It is at least a minute, and at most 1000 years.")));
	}
}

/* The server also takes POSIX rules, in which UTC+2 lies west of Greenwich. */
static const pg_tz *
read_zone(const char *name)
{
	static const char *const with_digits[] = {"EST5EDT", "CST6CDT", "MST7MDT", "PST8PDT",
											  "GMT0",	 "GMT+0",	"GMT-0"};
	pg_tz *zone = strlen(name) > TZ_STRLEN_MAX ? NULL : pg_tzset(name);
	bool named = strchr(name, '/') != NULL || strpbrk(name, "0123456789<,+-") == NULL;

	for (int i = 0; !named && i < lengthof(with_digits); i++)
		named = pg_strcasecmp(name, with_digits[i]) == 0;
	if (zone == NULL || !named || !pg_tz_acceptable(zone))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" is not recognized", name),
				 errhint("Use a name of pg_timezone_names, as \"Europe/Berlin\" or \"UTC\".")));
	return zone;
}

void
augur_schedule_read(AugurSchedule *s, const char *text, const char *zone, const TimestampTz *start)
{
	size_t length;

	memset(s, 0, sizeof(*s));
	text += strspn(text, BLANKS);
	length = strlen(text);
	while (length > 0 && strchr(BLANKS, text[length - 1]) != NULL)
		length--;
	if (length > MAX_TEXT)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a schedule has at most %d bytes, not %zu", MAX_TEXT, length)));
	text = pnstrdup(text, length);
	if (start != NULL && TIMESTAMP_NOT_FINITE(*start))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("start must be finite")));
	if (pg_strncasecmp(text, "every", 5) == 0 && strchr(BLANKS, text[5]) != NULL)
		read_every(s, text, text + 5);
	else
		read_cron(s, text);
	s->zone = read_zone(zone);
	/* without a start, from midnight of Monday 2000-01-03, so that hours are full and weeks begin
	 * on Mondays; the same for months, from the first */
	if (start != NULL)
		s->anchor = *start;
	else
		s->anchor =
			augur_wall_to_time(s->zone, s->kind == AUGUR_SCHEDULE_MONTHS ? 0 : 2 * USECS_PER_DAY);
}
