/*-------------------------------------------------------------------------
 *
 * chart.c
 *		Pictures of series without a drawing library: augur.chart, an SVG of history,
 *		forecast and bands, and augur.sparkline, one line of text.
 *
 * The SVG is plain text of SVG 1.1 without scripts, styles from outside or fonts, so a
 * browser, a mail program or a BI tool shows it as it is.  All text that came from a
 * user is escaped.  A line of more points than the picture is wide is drawn by the
 * first, lowest, highest and last point of each column of pixels, which looks the same
 * (Jugel et al. 2014, M4: a visualization-oriented time series data aggregation, VLDB).
 *
 * Memory: the caller's context.  Interrupts: checked every 4,096 points.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include <float.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "chart.h"

AUGUR_FUNCTION(augur_chart_svg);
AUGUR_FUNCTION(augur_chart_sparkline);

#define CHECK_EVERY 4096
#define MAX_SIZE	10000 /* pixels */
#define MIN_SIZE	100
#define MAX_BANDS	8
#define MAX_WIDTH	10000 /* characters of a sparkline */

/* Room around the plot, in pixels. */
#define MARGIN_LEFT	  64
#define MARGIN_RIGHT  16
#define MARGIN_TOP	  16
#define MARGIN_TITLE  24 /* more at the top when there is a title */
#define MARGIN_BOTTOM 32
#define TICK_WIDTH	  90 /* pixels that a mark of the time axis wants */
#define TICK_HEIGHT	  45

/* Colours that keep apart for the colour-blind and in grey (Okabe, Ito 2008). */
#define COLOUR_HISTORY	"#333333"
#define COLOUR_FORECAST "#0072B2"

typedef struct Points
{
	int n;
	const double *x; /* microseconds; NaN: no place */
	const double *y; /* NaN: a gap */
} Points;

typedef struct Chart
{
	StringInfoData out;
	double x_lo, x_hi, y_lo, y_hi;	 /* of the data */
	double left, right, top, bottom; /* of the plot, in pixels */
	Points history, forecast;
	int n_bands;
	const double *lower[MAX_BANDS]; /* [forecast.n] */
	const double *upper[MAX_BANDS];
} Chart;

/* ---- arguments ---------------------------------------------------------- */

/*
 * Elements of a float8[] or timestamptz[] as doubles, NaN for NULL and for infinite
 * times; NULL and *n = 0 for an absent or empty array.
 */
static double *
array_numbers(FunctionCallInfo fcinfo, int arg, Oid type, int *n)
{
	ArrayType *array;
	Datum *values;
	bool *nulls;
	double *out;

	*n = 0;
	if (PG_ARGISNULL(arg))
		return NULL;
	array = PG_GETARG_ARRAYTYPE_P(arg);
	deconstruct_array(array, type, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &values, &nulls, n);
	out = palloc_extended(mul_size(Max(*n, 1), sizeof(double)), MCXT_ALLOC_HUGE);
	for (int i = 0; i < *n; i++)
	{
		if (i % CHECK_EVERY == 0)
			CHECK_FOR_INTERRUPTS();
		if (nulls[i])
			out[i] = NAN;
		else if (type == FLOAT8OID)
			out[i] = DatumGetFloat8(values[i]);
		else
			out[i] = TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(values[i]))
						 ? NAN
						 : (double) DatumGetTimestampTz(values[i]);
		if (!isfinite(out[i]))
			out[i] = NAN;
	}
	return out;
}

static void
same_length(int a, const char *name_a, int b, const char *name_b)
{
	if (a != b)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("\"%s\" has %d elements and \"%s\" has %d", name_a, a, name_b, b),
						errhint("Give one value for each time.")));
}

static Points
read_points(FunctionCallInfo fcinfo, int arg_x, const char *name_x, int arg_y, const char *name_y)
{
	Points p;
	int n;

	p.x = array_numbers(fcinfo, arg_x, TIMESTAMPTZOID, &p.n);
	p.y = array_numbers(fcinfo, arg_y, FLOAT8OID, &n);
	same_length(p.n, name_x, n, name_y);
	return p;
}

/* lower and upper: one band of forecast.n values, or an array of several such. */
static void
read_bands(FunctionCallInfo fcinfo, Chart *c, int arg_lower, int arg_upper)
{
	int n_lower, n_upper;
	const double *lower = array_numbers(fcinfo, arg_lower, FLOAT8OID, &n_lower);
	const double *upper = array_numbers(fcinfo, arg_upper, FLOAT8OID, &n_upper);

	same_length(n_lower, "lower", n_upper, "upper");
	if (n_lower == 0)
		return;
	if (c->forecast.n == 0 || n_lower % c->forecast.n != 0 || n_lower / c->forecast.n > MAX_BANDS)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("\"lower\" has %d elements for a forecast of %d steps", n_lower,
							   c->forecast.n),
						errhint("Give one value for each step, or an array of up to %d such bands.",
								MAX_BANDS)));
	c->n_bands = n_lower / c->forecast.n;
	for (int k = 0; k < c->n_bands; k++)
	{
		c->lower[k] = lower + (Size) k * c->forecast.n;
		c->upper[k] = upper + (Size) k * c->forecast.n;
	}
}

static int
read_size(FunctionCallInfo fcinfo, int arg, const char *name)
{
	int size = PG_ARGISNULL(arg) ? 0 : PG_GETARG_INT32(arg);

	if (size < MIN_SIZE || size > MAX_SIZE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" must be between %d and %d pixels", name, MIN_SIZE, MAX_SIZE)));
	return size;
}

static pg_tz *
read_zone(FunctionCallInfo fcinfo, int arg)
{
	char *name = PG_ARGISNULL(arg) ? pstrdup("UTC") : text_to_cstring(PG_GETARG_TEXT_PP(arg));
	pg_tz *zone = pg_tzset(name);

	if (zone == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("time zone \"%s\" not recognized", name),
						errhint("See the view pg_timezone_names.")));
	return zone;
}

/* ---- scales --------------------------------------------------------------- */

static void
include(double v, double *lo, double *hi)
{
	if (isnan(v))
		return;
	*lo = Min(*lo, v);
	*hi = Max(*hi, v);
}

static void
include_points(Chart *c, const Points *p, const double *y)
{
	for (int i = 0; i < p->n; i++)
	{
		if (i % CHECK_EVERY == 0)
			CHECK_FOR_INTERRUPTS();
		if (isnan(p->x[i]) || isnan(y[i]))
			continue;
		include(p->x[i], &c->x_lo, &c->x_hi);
		include(y[i], &c->y_lo, &c->y_hi);
	}
}

/* Ranges of all that is drawn, widened where they are a point or nothing. */
static void
find_ranges(Chart *c)
{
	double margin;

	c->x_lo = c->y_lo = INFINITY;
	c->x_hi = c->y_hi = -INFINITY;
	include_points(c, &c->history, c->history.y);
	include_points(c, &c->forecast, c->forecast.y);
	for (int k = 0; k < c->n_bands; k++)
	{
		include_points(c, &c->forecast, c->lower[k]);
		include_points(c, &c->forecast, c->upper[k]);
	}
	if (c->x_lo > c->x_hi) /* nothing to draw */
	{
		c->x_lo = c->x_hi = 0;
		c->y_lo = c->y_hi = 0;
	}
	if (c->x_lo == c->x_hi)
	{
		c->x_lo -= USECS_PER_DAY;
		c->x_hi += USECS_PER_DAY;
	}
	/* in halves: the distance of two numbers may be out of range */
	margin = (c->y_hi / 2 - c->y_lo / 2) * 0.1;
	if (margin <= 0)
		margin = c->y_lo != 0 ? fabs(c->y_lo) * 0.1 : 1;
	c->y_lo = Max(c->y_lo - margin, -DBL_MAX);
	c->y_hi = Min(c->y_hi + margin, DBL_MAX);
}

static double
pixel_x(const Chart *c, double x)
{
	return c->left + (x - c->x_lo) / (c->x_hi - c->x_lo) * (c->right - c->left);
}

static double
pixel_y(const Chart *c, double y)
{
	double share = (y / 2 - c->y_lo / 2) / (c->y_hi / 2 - c->y_lo / 2);

	return c->bottom - share * (c->bottom - c->top);
}

/* ---- drawing ---------------------------------------------------------------- */

/* Text of an XML element or attribute; what XML 1.0 does not allow becomes a blank. */
static void
append_xml(StringInfo out, const char *text)
{
	for (; *text != '\0'; text++)
	{
		switch (*text)
		{
			case '&':
				appendStringInfoString(out, "&amp;");
				break;
			case '<':
				appendStringInfoString(out, "&lt;");
				break;
			case '>':
				appendStringInfoString(out, "&gt;");
				break;
			case '"':
				appendStringInfoString(out, "&quot;");
				break;
			default:
				appendStringInfoChar(out, (unsigned char) *text < 0x20 ? ' ' : *text);
		}
	}
}

static void
append_place(Chart *c, char command, double x, double y)
{
	appendStringInfo(&c->out, "%c%.1f %.1f", command, pixel_x(c, x), pixel_y(c, y));
}

/* The points of one column of pixels, as far as they matter for the picture. */
typedef struct Column
{
	int pixel;
	int n;
	double x[4], y[4]; /* first, lowest, highest, last */
	int order[4];	   /* their places in the series */
} Column;

/* Draws a column in the order of the series; *pen: the line is begun. */
static void
flush_column(Chart *c, Column *column, bool *pen)
{
	int last = -1;

	for (int done = 0; column->n > 0 && done < 4; done++)
	{
		int best = -1;

		for (int k = 0; k < 4; k++)
		{
			if (column->order[k] > last && (best < 0 || column->order[k] < column->order[best]))
				best = k;
		}
		if (best < 0)
			break;
		append_place(c, *pen ? 'L' : 'M', column->x[best], column->y[best]);
		*pen = true;
		last = column->order[best];
	}
	column->n = 0;
}

static void
add_to_column(Column *column, int i, double x, double y)
{
	for (int k = 0; k < 4; k++)
	{
		if (column->n == 0 || k == 3 || (k == 1 && y < column->y[1]) ||
			(k == 2 && y > column->y[2]))
		{
			column->x[k] = x;
			column->y[k] = y;
			column->order[k] = i;
		}
	}
	column->n++;
}

/* A line through the points, broken at gaps; a point between two gaps is a dot. */
static void
append_line(Chart *c, const Points *p, const char *colour, const char *more)
{
	Column column = {0};
	bool pen = false;

	if (p->n == 0)
		return;
	appendStringInfo(&c->out,
					 "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"%s "
					 "stroke-linecap=\"round\" stroke-linejoin=\"round\" d=\"",
					 colour, more);
	for (int i = 0; i < p->n; i++)
	{
		int pixel;

		if (i % CHECK_EVERY == 0)
			CHECK_FOR_INTERRUPTS();
		if (isnan(p->x[i]) || isnan(p->y[i]))
		{
			bool alone = !pen && column.n == 1;

			flush_column(c, &column, &pen);
			if (alone)
				appendStringInfoString(&c->out, "h0");
			pen = false;
			continue;
		}
		pixel = (int) pixel_x(c, p->x[i]);
		if (column.n > 0 && pixel != column.pixel)
			flush_column(c, &column, &pen);
		column.pixel = pixel;
		add_to_column(&column, i, p->x[i], p->y[i]);
	}
	if (!pen && column.n == 1)
	{
		flush_column(c, &column, &pen);
		appendStringInfoString(&c->out, "h0");
	}
	flush_column(c, &column, &pen);
	appendStringInfoString(&c->out, "\"/>\n");
}

/* One band: along the upper side and back along the lower. */
static void
append_band(Chart *c, int k)
{
	char command = 'M';

	appendStringInfo(&c->out, "<path fill=\"" COLOUR_FORECAST "\" fill-opacity=\"0.18\" d=\"");
	for (int i = 0; i < c->forecast.n; i++)
	{
		if (i % CHECK_EVERY == 0)
			CHECK_FOR_INTERRUPTS();
		if (isnan(c->forecast.x[i]) || isnan(c->upper[k][i]) || isnan(c->lower[k][i]))
			continue;
		append_place(c, command, c->forecast.x[i], c->upper[k][i]);
		command = 'L';
	}
	for (int i = c->forecast.n - 1; i >= 0; i--)
	{
		if (i % CHECK_EVERY == 0)
			CHECK_FOR_INTERRUPTS();
		if (isnan(c->forecast.x[i]) || isnan(c->upper[k][i]) || isnan(c->lower[k][i]))
			continue;
		append_place(c, 'L', c->forecast.x[i], c->lower[k][i]);
	}
	appendStringInfoString(&c->out, command == 'L' ? "Z\"/>\n" : "\"/>\n");
}

static void
append_axes(Chart *c, pg_tz *zone)
{
	AugurTick ticks[AUGUR_MAX_TICKS];
	int n = augur_ticks_number(c->y_lo, c->y_hi, (int) (c->bottom - c->top) / TICK_HEIGHT, ticks);

	for (int i = 0; i < n; i++)
	{
		double y = pixel_y(c, ticks[i].at);

		appendStringInfo(&c->out,
						 "<path stroke=\"#dddddd\" d=\"M%.1f %.1fH%.1f\"/>"
						 "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
						 c->left, y, c->right, c->left - 6, y + 4, ticks[i].label);
	}
	n = c->history.n + c->forecast.n == 0
			? 0
			: augur_ticks_time((TimestampTz) c->x_lo, (TimestampTz) c->x_hi,
							   (int) (c->right - c->left) / TICK_WIDTH, zone, ticks);
	for (int i = 0; i < n; i++)
	{
		double x = pixel_x(c, ticks[i].at);

		appendStringInfo(&c->out,
						 "<path stroke=\"#999999\" d=\"M%.1f %.1fv5\"/>"
						 "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n",
						 x, c->bottom, x, c->bottom + 18, ticks[i].label);
	}
	appendStringInfo(&c->out, "<path stroke=\"#999999\" d=\"M%.1f %.1fH%.1f\"/>\n", c->left,
					 c->bottom, c->right);
}

/*
 * augur.chart(ts timestamptz[], y float8[], forecast_ts timestamptz[], forecast float8[],
 * lower float8[], upper float8[], title text, width int, height int, time_zone text)
 * returns text: an SVG document.
 */
Datum
augur_chart_svg(PG_FUNCTION_ARGS)
{
	Chart c = {0};
	int width = read_size(fcinfo, 7, "width");
	int height = read_size(fcinfo, 8, "height");
	pg_tz *zone = read_zone(fcinfo, 9);
	char *title = PG_ARGISNULL(6) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(6));

	c.history = read_points(fcinfo, 0, "ts", 1, "y");
	c.forecast = read_points(fcinfo, 2, "forecast_ts", 3, "forecast");
	read_bands(fcinfo, &c, 4, 5);
	c.left = MARGIN_LEFT;
	c.right = width - MARGIN_RIGHT;
	c.top = MARGIN_TOP + (title != NULL ? MARGIN_TITLE : 0);
	c.bottom = height - MARGIN_BOTTOM;
	find_ranges(&c);

	initStringInfo(&c.out);
	appendStringInfo(&c.out,
					 "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
					 "viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"11\" "
					 "fill=\"#555555\">\n<rect width=\"%d\" height=\"%d\" fill=\"white\"/>\n",
					 width, height, width, height, width, height);
	if (title != NULL)
	{
		appendStringInfo(&c.out, "<text x=\"%.1f\" y=\"24\" font-size=\"14\" fill=\"#222222\">",
						 c.left);
		append_xml(&c.out, title);
		appendStringInfoString(&c.out, "</text>\n");
	}
	append_axes(&c, zone);
	for (int k = 0; k < c.n_bands; k++)
		append_band(&c, k);
	append_line(&c, &c.history, COLOUR_HISTORY, "");
	append_line(&c, &c.forecast, COLOUR_FORECAST, " stroke-dasharray=\"5 3\"");
	appendStringInfoString(&c.out, "</svg>\n");
	PG_RETURN_TEXT_P(cstring_to_text_with_len(c.out.data, c.out.len));
}

/* ---- sparkline ------------------------------------------------------------ */

#define SPARKS 8

/* Eighths of a block; other encodings than UTF-8 have none, and get digits. */
static const char *const blocks[SPARKS] = {"\xE2\x96\x81", "\xE2\x96\x82", "\xE2\x96\x83",
										   "\xE2\x96\x84", "\xE2\x96\x85", "\xE2\x96\x86",
										   "\xE2\x96\x87", "\xE2\x96\x88"};
static const char *const digits[SPARKS] = {"0", "1", "2", "3", "4", "5", "6", "7"};

/* Mean of the values from begin to end that there are; NaN for none. */
static double
mean_between(const double *y, int64 begin, int64 end)
{
	double mean = 0, n = 0;

	for (int64 i = begin; i < end; i++)
	{
		if (i % CHECK_EVERY == 0)
			CHECK_FOR_INTERRUPTS();
		if (!isnan(y[i]))
			mean += (y[i] - mean) / ++n;
	}
	return n > 0 ? mean : NAN;
}

/*
 * augur.sparkline(y float8[], width int) returns text: a character for each value, or
 * for the mean of neighbouring ones when there are more than width.
 */
Datum
augur_chart_sparkline(PG_FUNCTION_ARGS)
{
	const char *const *sparks = GetDatabaseEncoding() == PG_UTF8 ? blocks : digits;
	int n;
	double *y, lo = INFINITY, hi = -INFINITY;
	StringInfoData out;
	int width;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	y = array_numbers(fcinfo, 0, FLOAT8OID, &n);
	width = PG_ARGISNULL(1) ? Min(n, MAX_WIDTH) : PG_GETARG_INT32(1);
	if (!PG_ARGISNULL(1) && (width < 1 || width > MAX_WIDTH))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"width\" must be between 1 and %d characters", MAX_WIDTH)));
	width = Min(width, n);
	for (int i = 0; i < width; i++)
	{
		y[i] = mean_between(y, (int64) i * n / width, (int64) (i + 1) * n / width);
		include(y[i], &lo, &hi);
	}
	initStringInfo(&out);
	for (int i = 0; i < width; i++)
	{
		int level = SPARKS / 2 - 1; /* of a constant */

		if (lo < hi && !isnan(y[i]))
			level = Min(SPARKS - 1, (int) ((y[i] / 2 - lo / 2) / (hi / 2 - lo / 2) * SPARKS));
		appendStringInfoString(&out, isnan(y[i]) ? " " : sparks[level]);
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
