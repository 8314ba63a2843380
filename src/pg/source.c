/*-------------------------------------------------------------------------
 *
 * source.c
 *		From PostgreSQL's types to features: which parts a value of a type has, and
 *		the number or the level of each.  Training and scoring both read rows
 *		through here, so that they cannot disagree.
 *
 * Meaning of the types
 *	- numbers are their nearest double; numeric beyond its range is +-Infinity;
 *	  NaN is a missing value, +-Infinity are the ends of the order
 *	- booleans are 0 and 1; money is its amount; time of day and interval are
 *	  seconds (months of 30 days and years of 365.25, as extract(epoch) has them)
 *	- date, timestamp and timestamptz become parts (age, month...).  Parts of a
 *	  timestamptz are those of UTC: a model must not depend on a session setting.
 *	  The age of an infinite date is infinite, its other parts are missing
 *	- strings, enums, network addresses, uuid and bit strings are levels: the bytes
 *	  of their text output, trailing blanks of char(n) removed
 *	- arrays of numbers, of any dimensions, are blocks of elements
 *
 * Memory: numbers allocate only to detoast; levels may point into the datum.  Nothing
 * here loops long: no interrupts are polled.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include <math.h>

#include "access/tupmacs.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/cash.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#define MICROS_PER_DAY ((double) USECS_PER_DAY)

typedef struct PartName
{
	AugurPart part;
	const char *name;
} PartName;

static const PartName date_part_names[] = {
	{AUGUR_PART_AGE_DAYS, "age_days"},
	{AUGUR_PART_MONTH, "month"},
	{AUGUR_PART_DAY_OF_WEEK, "day_of_week"},
	{AUGUR_PART_HOUR, "hour"},
	{AUGUR_PART_DAY, "day"},
	{AUGUR_PART_QUARTER, "quarter"},
	{AUGUR_PART_YEAR, "year"},
};

/* ---- parts and their names ---------------------------------------------- */

const char *
augur_part_name(AugurPart part)
{
	for (int i = 0; i < lengthof(date_part_names); i++)
	{
		if (date_part_names[i].part == part)
			return date_part_names[i].name;
	}
	return NULL;
}

AugurPart
augur_part_find(const char *name)
{
	const char *names[lengthof(date_part_names)];
	const char *nearest;

	for (int i = 0; i < lengthof(date_part_names); i++)
	{
		if (strcmp(date_part_names[i].name, name) == 0)
			return date_part_names[i].part;
		names[i] = date_part_names[i].name;
	}
	nearest = aug_nearest(name, names, lengthof(names));
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown date part \"%s\"", name),
		 nearest
			 ? errhint("Perhaps you meant \"%s\".", nearest)
			 : errhint(
				   "Date parts are age_days, month, day_of_week, hour, day, quarter and year.")));
}

char *
augur_feature_name(const char *column, AugurPart part, uint32 element)
{
	const char *name = augur_part_name(part);

	if (part == AUGUR_PART_ELEMENT)
		return psprintf("%s[%u]", column, element + 1);
	if (name != NULL)
		return psprintf("%s.%s", column, name);
	return pstrdup(column);
}

/* ---- types ---------------------------------------------------------------- */

/* Class of a base type that is no array; NONE when it cannot be a feature. */
static AugurClass
scalar_class(Oid type)
{
	char category;
	bool preferred;

	switch (type)
	{
		case BOOLOID:
			return AUGUR_CLASS_BOOL;
		case INT2OID:
			return AUGUR_CLASS_INT2;
		case INT4OID:
			return AUGUR_CLASS_INT4;
		case INT8OID:
			return AUGUR_CLASS_INT8;
		case FLOAT4OID:
			return AUGUR_CLASS_FLOAT4;
		case FLOAT8OID:
			return AUGUR_CLASS_FLOAT8;
		case NUMERICOID:
			return AUGUR_CLASS_NUMERIC;
		case CASHOID:
			return AUGUR_CLASS_MONEY;
		case TIMEOID:
			return AUGUR_CLASS_TIME;
		case TIMETZOID:
			return AUGUR_CLASS_TIMETZ;
		case INTERVALOID:
			return AUGUR_CLASS_INTERVAL;
		case DATEOID:
			return AUGUR_CLASS_DATE;
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return AUGUR_CLASS_TIMESTAMP;
		case TEXTOID:
		case VARCHAROID:
			return AUGUR_CLASS_TEXT;
		case BPCHAROID:
			return AUGUR_CLASS_BPCHAR;
		case NAMEOID:
			return AUGUR_CLASS_NAME;
		case UUIDOID:
		case CHAROID:
		case MACADDROID:
		case MACADDR8OID:
			return AUGUR_CLASS_OUTPUT;
		default:
			break;
	}
	if (type_is_enum(type))
		return AUGUR_CLASS_ENUM;
	get_type_category_preferred(type, &category, &preferred);
	if (category == TYPCATEGORY_STRING || category == TYPCATEGORY_NETWORK ||
		category == TYPCATEGORY_BITSTRING)
		return AUGUR_CLASS_OUTPUT;
	return AUGUR_CLASS_NONE;
}

static bool
class_is_number(AugurClass cls)
{
	return cls >= AUGUR_CLASS_BOOL && cls <= AUGUR_CLASS_INTERVAL;
}

static bool
class_is_date(AugurClass cls)
{
	return cls == AUGUR_CLASS_DATE || cls == AUGUR_CLASS_TIMESTAMP;
}

static bool
class_is_text(AugurClass cls)
{
	return cls >= AUGUR_CLASS_TEXT && cls <= AUGUR_CLASS_OUTPUT;
}

bool
augur_source_init(AugurSource *src, Oid type, MemoryContext context)
{
	Oid element;

	memset(src, 0, sizeof(*src));
	src->type = OidIsValid(type) ? getBaseType(type) : InvalidOid;
	src->context = context;
	if (!OidIsValid(src->type))
		return false;

	element = get_element_type(src->type);
	if (OidIsValid(element))
	{
		src->element_type = getBaseType(element);
		src->element = scalar_class(src->element_type);
		if (!class_is_number(src->element))
			return false;
		src->cls = AUGUR_CLASS_ARRAY;
		src->is_array = true;
		get_typlenbyvalalign(src->element_type, &src->typlen, &src->typbyval, &src->typalign);
		return true;
	}
	src->cls = scalar_class(src->type);
	src->categorical = class_is_text(src->cls);
	return src->cls != AUGUR_CLASS_NONE;
}

bool
augur_source_gives(const AugurSource *src, AugurPart part)
{
	switch (part)
	{
		case AUGUR_PART_VALUE:
			return class_is_number(src->cls);
		case AUGUR_PART_TEXT:
			return src->cls != AUGUR_CLASS_NONE && src->cls != AUGUR_CLASS_ARRAY;
		case AUGUR_PART_ELEMENT:
			return src->cls == AUGUR_CLASS_ARRAY;
		default:
			return class_is_date(src->cls);
	}
}

int
augur_source_parts(const AugurSource *src, List *date_parts, AugurPart parts[AUGUR_MAX_PARTS])
{
	bool has_time = src->cls == AUGUR_CLASS_TIMESTAMP;
	int n = 0;

	if (src->cls == AUGUR_CLASS_NONE)
		return 0;
	if (!class_is_date(src->cls))
	{
		parts[0] = src->is_array	  ? AUGUR_PART_ELEMENT
				   : src->categorical ? AUGUR_PART_TEXT
									  : AUGUR_PART_VALUE;
		return 1;
	}
	for (AugurPart part = AUGUR_PART_AGE_DAYS; part <= AUGUR_PART_YEAR; part++)
	{
		bool wanted = date_parts != NIL ? list_member_int(date_parts, part)
										: part <= AUGUR_PART_HOUR;

		if (wanted && (has_time || part != AUGUR_PART_HOUR))
			parts[n++] = part;
	}
	return n;
}

/* ---- numbers --------------------------------------------------------------- */

/*
 * Nearest double of a numeric.  A value of up to four base-10000 digits is an integer
 * below 2^53 times or by an exact power of ten, so that one operation rounds it
 * correctly (Clinger 1990); the layout read here is the one that pg_upgrade
 * carries over releases.  All others take the server's way through text.
 */
static double
numeric_number(Datum value)
{
	static const double power[] = {1e0, 1e4, 1e8, 1e12, 1e16, 1e20};
	struct varlena *packed = PG_DETOAST_DATUM_PACKED(value);
	const char *at = VARDATA_ANY(packed);
	int size = VARSIZE_ANY_EXHDR(packed);
	uint16 header;
	int16 weight;
	bool negative;
	int n_digits;
	int exponent;
	uint64 mantissa = 0;
	double number;

	memcpy(&header, at, sizeof(header));
	if ((header & 0xC000) == 0xC000)
		return header == 0xD000 ? INFINITY : header == 0xF000 ? -INFINITY : NAN;
	if ((header & 0xC000) == 0x8000)
	{
		negative = (header & 0x2000) != 0;
		weight = (int16) ((header & 0x0040 ? ~0x003F : 0) | (header & 0x003F));
		at += sizeof(uint16);
		size -= sizeof(uint16);
	}
	else
	{
		negative = (header & 0xC000) == 0x4000;
		memcpy(&weight, at + sizeof(uint16), sizeof(weight));
		at += 2 * sizeof(uint16);
		size -= 2 * sizeof(uint16);
	}
	n_digits = size / (int) sizeof(int16);
	exponent = weight - n_digits + 1;
	if (n_digits > 4 || abs(exponent) >= lengthof(power))
		return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, value));

	for (int i = 0; i < n_digits; i++)
	{
		int16 digit;

		memcpy(&digit, at + i * sizeof(int16), sizeof(digit));
		mantissa = mantissa * 10000 + (uint64) digit;
	}
	if (mantissa > UINT64CONST(1) << 53)
		return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, value));
	number = (double) mantissa;
	number = exponent < 0 ? number / power[-exponent] : number * power[exponent];
	return negative ? -number : number;
}

/* Seconds of an interval as extract(epoch from ...) counts them. */
static double
interval_seconds(const Interval *span)
{
	double sign = augur_compat_interval_infinite(span);
	double days;

	if (sign != 0)
		return sign * INFINITY;
	days = DAYS_PER_YEAR * (span->month / MONTHS_PER_YEAR) +
		   (double) DAYS_PER_MONTH * (span->month % MONTHS_PER_YEAR) + span->day;
	return days * SECS_PER_DAY + (double) span->time / USECS_PER_SEC;
}

/* Number of a value of a class that is a number. */
static double
class_number(AugurClass cls, Datum value)
{
	switch (cls)
	{
		case AUGUR_CLASS_BOOL:
			return DatumGetBool(value) ? 1.0 : 0.0;
		case AUGUR_CLASS_INT2:
			return DatumGetInt16(value);
		case AUGUR_CLASS_INT4:
			return DatumGetInt32(value);
		case AUGUR_CLASS_INT8:
			return (double) DatumGetInt64(value);
		case AUGUR_CLASS_FLOAT4:
			return DatumGetFloat4(value);
		case AUGUR_CLASS_FLOAT8:
			return DatumGetFloat8(value);
		case AUGUR_CLASS_NUMERIC:
			return numeric_number(value);
		case AUGUR_CLASS_MONEY:
			return numeric_number(DirectFunctionCall1(cash_numeric, value));
		case AUGUR_CLASS_TIME:
			return (double) DatumGetTimeADT(value) / USECS_PER_SEC;
		case AUGUR_CLASS_TIMETZ: {
			TimeTzADT *t = DatumGetTimeTzADTP(value);
			int64 utc = (t->time + t->zone * USECS_PER_SEC) % USECS_PER_DAY;

			return (double) (utc < 0 ? utc + USECS_PER_DAY : utc) / USECS_PER_SEC;
		}
		case AUGUR_CLASS_INTERVAL:
			return interval_seconds(DatumGetIntervalP(value));
		default:
			elog(ERROR, "class %d is not a number", (int) cls);
	}
}

/* ---- dates ------------------------------------------------------------------ */

/* A calendar part of a finite day. */
static double
day_part(int day, AugurPart part)
{
	int year, month, mday;

	if (part == AUGUR_PART_DAY_OF_WEEK)
		return j2day(day + POSTGRES_EPOCH_JDATE);
	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &mday);
	switch (part)
	{
		case AUGUR_PART_MONTH:
			return month;
		case AUGUR_PART_DAY:
			return mday;
		case AUGUR_PART_QUARTER:
			return (month - 1) / 3 + 1;
		case AUGUR_PART_YEAR:
			return year;
		default:
			elog(ERROR, "part %d is not a part of a date", (int) part);
	}
}

double
augur_date_part(int32 date, AugurPart part)
{
	if (DATE_NOT_FINITE(date))
	{
		if (part != AUGUR_PART_AGE_DAYS)
			return NAN;
		return DATE_IS_NOBEGIN(date) ? -INFINITY : INFINITY;
	}
	if (part == AUGUR_PART_AGE_DAYS)
		return date;
	if (part == AUGUR_PART_HOUR)
		return 0;
	return day_part(date, part);
}

double
augur_timestamp_part(int64 timestamp, AugurPart part)
{
	int64 day;
	int64 micros;

	if (TIMESTAMP_NOT_FINITE(timestamp))
	{
		if (part != AUGUR_PART_AGE_DAYS)
			return NAN;
		return TIMESTAMP_IS_NOBEGIN(timestamp) ? -INFINITY : INFINITY;
	}
	if (part == AUGUR_PART_AGE_DAYS)
		return (double) timestamp / MICROS_PER_DAY;
	day = timestamp / USECS_PER_DAY;
	micros = timestamp % USECS_PER_DAY;
	if (micros < 0)
	{
		micros += USECS_PER_DAY;
		day--;
	}
	if (part == AUGUR_PART_HOUR)
		return (double) (micros / USECS_PER_HOUR);
	return day_part((int) day, part);
}

/* ---- values ------------------------------------------------------------------ */

int
augur_source_array(const AugurSource *src, Datum value, double *out, int room)
{
	ArrayType *array = DatumGetArrayTypeP(value);
	int n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	char *at = ARR_DATA_PTR(array);
	bits8 *present = ARR_NULLBITMAP(array);

	for (int i = 0; i < n && i < room; i++)
	{
		if (present != NULL && !(present[i >> 3] & (1 << (i & 7))))
		{
			out[i] = NAN;
			continue;
		}
		out[i] = class_number(src->element, fetch_att(at, src->typbyval, src->typlen));
		at = att_addlength_pointer(at, src->typlen, at);
		at = (char *) att_align_nominal(at, src->typalign);
	}
	if ((Pointer) array != DatumGetPointer(value))
		pfree(array);
	return n;
}

/* One element of an array, by walking to it. */
static double
array_element(const AugurSource *src, Datum value, uint32 element)
{
	double *all;
	double number;
	int n;

	if (element >= MaxArraySize)
		return NAN;
	all = palloc_array(double, element + 1);
	n = augur_source_array(src, value, all, (int) element + 1);
	number = (int) element < n ? all[element] : NAN;
	pfree(all);
	return number;
}

double
augur_source_number(const AugurSource *src, Datum value, AugurPart part, uint32 element)
{
	if (part == AUGUR_PART_VALUE)
		return class_number(src->cls, value);
	if (part == AUGUR_PART_ELEMENT)
		return array_element(src, value, element);
	if (src->cls == AUGUR_CLASS_DATE)
		return augur_date_part(DatumGetDateADT(value), part);
	if (src->cls == AUGUR_CLASS_TIMESTAMP)
		return augur_timestamp_part(DatumGetTimestamp(value), part);
	elog(ERROR, "type %u has no part %d", src->type, (int) part);
}

const char *
augur_source_text(AugurSource *src, Datum value, int *length)
{
	struct varlena *packed;
	const char *bytes;

	switch (src->cls)
	{
		case AUGUR_CLASS_TEXT:
			packed = PG_DETOAST_DATUM_PACKED(value);
			*length = VARSIZE_ANY_EXHDR(packed);
			return VARDATA_ANY(packed);
		case AUGUR_CLASS_BPCHAR:
			packed = PG_DETOAST_DATUM_PACKED(value);
			bytes = VARDATA_ANY(packed);
			*length = bpchartruelen(unconstify(char *, bytes), VARSIZE_ANY_EXHDR(packed));
			return bytes;
		case AUGUR_CLASS_NAME:
			bytes = NameStr(*DatumGetName(value));
			*length = (int) strlen(bytes);
			return bytes;
		case AUGUR_CLASS_BOOL:
			bytes = DatumGetBool(value) ? "true" : "false";
			*length = (int) strlen(bytes);
			return bytes;
		default:
			break;
	}
	if (!OidIsValid(src->out.fn_oid))
	{
		Oid function;
		bool is_varlena;

		getTypeOutputInfo(src->type, &function, &is_varlena);
		fmgr_info_cxt(function, &src->out, src->context);
	}
	bytes = OutputFunctionCall(&src->out, value);
	*length = (int) strlen(bytes);
	return bytes;
}
