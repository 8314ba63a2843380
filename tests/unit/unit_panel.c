/*-------------------------------------------------------------------------
 *
 * unit_panel.c
 *		A synthetic panel: series of different sizes with a season, promotions that lift
 *		them by a factor of their brand, and prices; see unit.h.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "../../src/core/rng.h"

static const char *const static_names[] = {"item", "brand"};
static const char *const calendar_names[] = {"day of week"};
static const char *const regressor_names[] = {"promo", "price"};

/* Roughly normal, the same everywhere. */
static double
noise(AugRng *rng)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += aug_rng_real(rng);
	return sum;
}

static void
fill_member(UnitPanel *p, uint32_t i, const UnitPanelOptions *o)
{
	AugRng rng = aug_rng(o->seed, i, 0);
	uint32_t n = o->n + (o->ragged ? i % 5 : 0), steps = n + o->horizon;
	double *y = calloc(n + 1, sizeof(double)), *x = calloc((size_t) steps * 2, sizeof(double)),
		   *calendar = calloc(steps, sizeof(double));
	char **text = calloc(4, sizeof(char *));
	double size = 10 * exp((double) (i % 7)), lift = 1.5 + i % 3;
	AugPanelMember *m = &p->members[i];

	if (y == NULL || x == NULL || calendar == NULL || text == NULL)
		abort();
	for (uint32_t t = 0; t < steps; t++)
	{
		bool promo = aug_rng_below(&rng, 7) == 0;
		double price = 2 + (promo ? 0 : 0.5 * aug_rng_below(&rng, 2)), v;

		x[2 * t] = promo;
		x[2 * t + 1] = price;
		calendar[t] = t % 7;
		v = size * (1 + 0.5 * (t % 7 == 5) + 0.8 * (t % 7 == 6)) * (promo ? lift : 1) *
			exp(0.1 * noise(&rng));
		if (t < n)
			y[t] = o->gaps && aug_rng_below(&rng, 15) == 0 ? NAN : v;
		else
			p->actual[(size_t) i * o->horizon + t - n] = v;
	}
	for (uint32_t k = 0; k < 2; k++)
	{
		char name[32];

		snprintf(name, sizeof(name), k == 0 ? "item %03u" : "brand %u", k == 0 ? i : i % 3);
		text[k] = strdup(name);
	}
	*m = (AugPanelMember){.series = {.n = n, .y = y, .n_regressors = 2, .n_x = steps, .x = x},
						  .calendar = calendar,
						  .statics = (const char *const *) text};
}

void
unit_panel(UnitPanel *p, const UnitPanelOptions *o)
{
	memset(p, 0, sizeof(*p));
	p->members = calloc(o->n_members + 1, sizeof(AugPanelMember));
	p->actual = calloc((size_t) o->n_members * o->horizon + 1, sizeof(double));
	if (p->members == NULL || p->actual == NULL)
		abort();
	for (uint32_t i = 0; i < o->n_members; i++)
		fill_member(p, i, o);
	p->panel = (AugPanel){.n_members = o->n_members,
						  .members = p->members,
						  .n_periods = 1,
						  .period = {7},
						  .n_statics = 2,
						  .static_names = static_names,
						  .n_calendar = 1,
						  .calendar_names = calendar_names,
						  .n_regressors = 2,
						  .regressor_names = regressor_names};
}

void
unit_panel_free(UnitPanel *p)
{
	for (uint32_t i = 0; i < p->panel.n_members; i++)
	{
		AugPanelMember *m = &p->members[i];

		free((void *) (uintptr_t) m->series.y);
		free((void *) (uintptr_t) m->series.x);
		free((void *) (uintptr_t) m->calendar);
		free((void *) (uintptr_t) m->statics[0]);
		free((void *) (uintptr_t) m->statics[1]);
		free((void *) (uintptr_t) m->statics);
	}
	free(p->members);
	free(p->actual);
}
