/*-------------------------------------------------------------------------
 *
 * adwin.c
 *		ADWIN: a window that grows while the mean holds, and is cut where it does not.
 *
 * Bifet and Gavalda: Learning from time-changing data with adaptive windowing, SDM 2007.
 * The window is an exponential histogram: row r holds at most max_buckets buckets of 2^r
 * numbers each, with the sum of each and its squared deviations (Babcock and others 2003),
 * so that a window of W numbers takes log W memory and a check log W time.  The window is
 * cut between two buckets when the means on both sides differ by more than
 *
 *		sqrt(2 m var L) + 2/3 m L,  m = 1/n0' + 1/n1',  L = ln(2 ln W / delta)
 *
 * where n' = n - min_window_length + 1.  After a change the detector begins anew, with the
 * next number: changes are those of the river library, number for number.
 *
 * Memory: rows, from the detector's arena when they are first needed.  Interrupts: none; a
 * number takes microseconds, as many as there are buckets at most.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "detect.h"

static uint32_t
most_in_row(const AugDetector *d)
{
	return (uint32_t) aug_param_number(d->params, ADWIN_MAX_BUCKETS);
}

/* The row, with its memory; false when there is none to be had. */
static bool
row_ready(AugDetector *d, uint32_t r)
{
	AdwinRow *row = &d->u.adwin.row[r];
	uint32_t room = most_in_row(d) + 1;

	if (row->total != NULL)
		return true;
	row->total = aug_arena_zero(&d->arena, room, sizeof(double));
	row->variance = aug_arena_zero(&d->arena, room, sizeof(double));
	if (row->total == NULL || row->variance == NULL)
		return false;
	return true;
}

static void
row_add(AdwinRow *row, double total, double variance)
{
	row->total[row->n] = total;
	row->variance[row->n] = variance;
	row->n++;
}

/* Takes the k oldest buckets off a row. */
static void
row_drop(AdwinRow *row, uint32_t k)
{
	row->n -= k;
	memmove(row->total, row->total + k, row->n * sizeof(double));
	memmove(row->variance, row->variance + k, row->n * sizeof(double));
}

static AugStatus
adwin_open(AugDetector *d, AugError *err)
{
	return row_ready(d, 0) ? AUG_OK : aug_fail_nomem(err, 0);
}

static void
adwin_reset(AugDetector *d)
{
	Adwin *a = &d->u.adwin;

	a->n_rows = 1;
	a->width = a->tick = 0;
	a->total = a->variance = 0;
	for (uint32_t r = 0; r < ADWIN_ROWS; r++)
		a->row[r].n = 0;
}

/* Rows that are full hand two buckets as one to the next. */
static bool
compress(AugDetector *d)
{
	Adwin *a = &d->u.adwin;
	uint32_t most = most_in_row(d);

	for (uint32_t r = 0; r + 1 < ADWIN_ROWS && a->row[r].n == most + 1; r++)
	{
		AdwinRow *row = &a->row[r];
		double n = ldexp(1, (int) r);
		double apart = row->total[0] / n - row->total[1] / n;

		if (!row_ready(d, r + 1))
			return false;
		if (r + 1 == a->n_rows)
			a->n_rows++;
		row_add(&a->row[r + 1], row->total[0] + row->total[1],
				row->variance[0] + row->variance[1] + n * n * apart * apart / (n + n));
		row_drop(row, 2);
	}
	return true;
}

static bool
insert(AugDetector *d, double x)
{
	Adwin *a = &d->u.adwin;

	row_add(&a->row[0], x, 0);
	a->width++;
	if (a->width > 1)
	{
		double w = (double) a->width, off = x - a->total / (w - 1);

		a->variance += (w - 1) * off * off / w;
	}
	a->total += x;
	return compress(d);
}

/* The oldest bucket leaves the window. */
static void
drop_oldest(Adwin *a)
{
	AdwinRow *row = &a->row[a->n_rows - 1];
	uint64_t n = (uint64_t) 1 << (a->n_rows - 1);
	double size = (double) n, width, apart;

	a->width -= n;
	a->total -= row->total[0];
	width = (double) a->width;
	apart = row->total[0] / size - a->total / width;
	a->variance -= row->variance[0] + size * width * apart * apart / (size + width);
	row_drop(row, 1);
	while (a->n_rows > 1 && a->row[a->n_rows - 1].n == 0)
		a->n_rows--;
}

/* Do the means of a cut differ by too much? */
static bool
differs(const AugDetector *d, double n0, double u0, double n1, double u1)
{
	const Adwin *a = &d->u.adwin;
	double least = aug_param_number(d->params, ADWIN_MIN_WINDOW), w = (double) a->width;
	double l, m, bound;

	if (n0 < least || n1 < least)
		return false;
	l = log(2 * log(w) / aug_param_number(d->params, ADWIN_DELTA));
	m = 1 / (n0 - least + 1) + 1 / (n1 - least + 1);
	bound = sqrt(2 * m * (a->variance / w) * l) + 2.0 / 3 * l * m;
	return fabs(u0 / n0 - u1 / n1) > bound;
}

/* Is there a cut, oldest first, whose sides differ? */
static bool
find_cut(const AugDetector *d)
{
	const Adwin *a = &d->u.adwin;
	double n0 = 0, u0 = 0, n1 = (double) a->width, u1 = a->total;

	for (uint32_t r = a->n_rows; r-- > 0;)
	{
		double size = ldexp(1, (int) r);
		/* the newest number alone is no second side */
		uint32_t n = a->row[r].n - (r == 0 && a->row[r].n > 0 ? 1 : 0);

		for (uint32_t k = 0; k < n; k++)
		{
			n0 += size;
			n1 -= size;
			u0 += a->row[r].total[k];
			u1 -= a->row[r].total[k];
			if (differs(d, n0, u0, n1, u1))
				return true;
		}
	}
	return false;
}

static DetectVerdict
adwin_take(AugDetector *d, double x)
{
	Adwin *a = &d->u.adwin;
	bool changed = false;

	/* two sides of about 1 in all, as the bound wants it */
	if (d->scaled)
		x = 0.5 + x / 6;
	if (!insert(d, x))
		return DETECT_NOMEM;
	a->tick++;
	if (a->tick % (uint64_t) aug_param_number(d->params, ADWIN_CLOCK) != 0 ||
		a->width <= (uint64_t) aug_param_number(d->params, ADWIN_GRACE))
		return DETECT_NOTHING;
	while (find_cut(d))
	{
		changed = true;
		drop_oldest(a);
	}
	return changed ? DETECT_CHANGE : DETECT_NOTHING;
}

static void
adwin_write(const AugDetector *d, AugWriter *w)
{
	const Adwin *a = &d->u.adwin;

	aug_write_varint(w, a->tick);
	aug_write_f64(w, a->total);
	aug_write_f64(w, a->variance);
	aug_write_varint(w, a->n_rows);
	for (uint32_t r = 0; r < a->n_rows; r++)
	{
		aug_write_varint(w, a->row[r].n);
		for (uint32_t k = 0; k < a->row[r].n; k++)
		{
			aug_write_f64(w, a->row[r].total[k]);
			/* a single number does not vary */
			if (r > 0)
				aug_write_f64(w, a->row[r].variance[k]);
		}
	}
}

static bool
adwin_read(AugDetector *d, AugReader *r)
{
	Adwin *a = &d->u.adwin;
	uint64_t width = 0;

	a->tick = aug_read_varint(r);
	a->total = aug_read_f64(r);
	a->variance = aug_read_f64(r);
	a->n_rows = aug_read_count(r, ADWIN_ROWS - 1, 1);
	if (a->n_rows == 0 || !(fabs(a->total) < DETECT_SUM && fabs(a->variance) < DETECT_SUM))
		return false;
	for (uint32_t i = 0; i < a->n_rows; i++)
	{
		uint32_t n = aug_read_count(r, most_in_row(d), i > 0 ? 16 : 8);

		/* only the first row may be empty, and only when there is no other above it */
		if (r->bad || (n == 0 && i > 0 && i + 1 == a->n_rows))
			return false;
		if (!row_ready(d, i))
		{
			d->starved = true;
			return false;
		}
		a->row[i].n = n;
		for (uint32_t k = 0; k < n; k++)
		{
			a->row[i].total[k] = aug_read_f64(r);
			a->row[i].variance[k] = i > 0 ? aug_read_f64(r) : 0;
			if (!(fabs(a->row[i].total[k]) < DETECT_SUM &&
				  fabs(a->row[i].variance[k]) < DETECT_SUM))
				return false;
		}
		width += (uint64_t) n << i;
	}
	a->width = width;
	return width <= a->tick && a->tick <= d->n;
}

const DetectOps aug_detect_adwin = {
	.about = {.name = "adwin",
			  .title = "Adaptive windowing",
			  .help = "Keeps a window as long as its mean holds, and tells a change when two parts "
					  "of it differ by more than chance allows. Few false alarms; for losses and "
					  "errors of any kind. Bifet and Gavalda 2007.",
			  .classification = true,
			  .regression = true,
			  .n_params = ADWIN_PARAMS,
			  .params = aug_adwin_params},
	.standardize = ADWIN_STANDARDIZE,
	.open = adwin_open,
	.reset = adwin_reset,
	.take = adwin_take,
	.write = adwin_write,
	.read = adwin_read};
