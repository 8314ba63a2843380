/*-------------------------------------------------------------------------
 *
 * store.c
 *		The artifact of a model over many series: what its features are, its options,
 *		quantiles of its errors, and the trees as an artifact of their own.
 *
 * docs/format.md describes it.  The reader trusts no byte: what it accepts can forecast
 * any series.
 *
 * Memory: an arena, limited to a multiple of the artifact's length.  Interrupts: as the
 * reader of the trees.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "../artifact.h"
#include "panel.h"

#define PANEL_MAGIC \
	"\x89"          \
	"AUGPN\n\x1A"
#define PANEL_FORMAT  1
#define NOUN		  "global model"
#define MEMORY_BASE	  ((size_t) 1 << 20)
#define MEMORY_FACTOR 64

/* ---- writing ------------------------------------------------------------ */

static void
write_names(AugWriter *w, const char *const *names, uint32_t n)
{
	aug_write_varint(w, n);
	for (uint32_t i = 0; i < n; i++)
		aug_write_string(w, names[i]);
}

static void
write_spread(AugWriter *w, const PanelSpread *s)
{
	aug_write_varint(w, s->n_knots);
	aug_write_f64(w, s->power);
	for (uint32_t k = 0; k < s->n_knots; k++)
	{
		aug_write_varint(w, s->step[k]);
		for (uint32_t q = 0; q < PANEL_QUANTILES; q++)
			aug_write_f64(w, s->quantile[k][q]);
	}
}

AugStatus
aug_panel_store(const PanelWork *work, const PanelSpread *spread, AugSlice model, uint8_t **bytes,
				size_t *length)
{
	const PanelShape *s = &work->shape;
	AugWriter w;
	char *text;
	AugStatus status = aug_params_text(work->params, &text, work->err);

	*bytes = NULL;
	if (status != AUG_OK)
		return status;
	aug_envelope_begin(&w, work->host, PANEL_MAGIC, PANEL_FORMAT);
	aug_write_varint(&w, s->horizon);
	aug_write_varint(&w, s->direct);
	aug_write_varint(&w, s->n_lags);
	aug_write_u8(&w, s->log ? 1 : 0);
	aug_write_varint(&w, s->n_periods);
	for (uint32_t i = 0; i < s->n_periods; i++)
		aug_write_varint(&w, s->period[i]);
	write_names(&w, work->panel->regressor_names, s->n_regressors);
	for (uint32_t j = 0; j < s->n_regressors; j++)
		aug_write_u8(&w, s->varies[j] ? 1 : 0);
	write_names(&w, work->panel->calendar_names, s->n_calendar);
	write_names(&w, work->panel->static_names, s->n_statics);
	aug_write_string(&w, text);
	work->host->release(work->host->arg, text);
	write_spread(&w, spread);
	aug_write_varint(&w, model.length);
	aug_write_bytes(&w, model.bytes, model.length);
	aug_envelope_end(&w);
	*bytes = aug_writer_take(&w, length);
	return *bytes == NULL ? aug_fail_nomem(work->err, 0) : AUG_OK;
}

/* ---- reading ------------------------------------------------------------ */

static AugStatus
damaged(AugError *err, const char *what)
{
	aug_fail(err, AUG_CORRUPT, NOUN " is damaged");
	aug_detail(err, "Its %s cannot be right.", what);
	return AUG_CORRUPT;
}

/* A varint of at most most; else *ok is false. */
static uint32_t
small(AugReader *r, uint32_t least, uint32_t most, bool *ok)
{
	uint64_t v = aug_read_varint(r);

	if (r->bad || v < least || v > most)
	{
		*ok = false;
		return least;
	}
	return (uint32_t) v;
}

static const char *
read_text(AugReader *r, AugArena *arena, uint32_t most, AugStatus *status)
{
	uint32_t n = aug_read_count(r, most, 1);
	const uint8_t *bytes = aug_read_bytes(r, n);
	const char *text;

	if (r->bad || (n > 0 && memchr(bytes, 0, n) != NULL))
	{
		*status = AUG_CORRUPT;
		return NULL;
	}
	text = aug_arena_text(arena, (const char *) bytes, n);
	if (text == NULL)
		*status = AUG_NOMEM;
	return text;
}

static const char *const *
read_names(AugReader *r, AugArena *arena, uint32_t most, uint32_t *n, AugStatus *status)
{
	const char **names;

	*n = aug_read_count(r, most, 1);
	names = aug_arena_alloc(arena, *n, sizeof(char *));
	if (r->bad || names == NULL)
	{
		*status = r->bad ? AUG_CORRUPT : AUG_NOMEM;
		return NULL;
	}
	for (uint32_t i = 0; *status == AUG_OK && i < *n; i++)
		names[i] = read_text(r, arena, AUG_NAME_MAX, status);
	return names;
}

static AugStatus
read_shape(AugReader *r, AugPanelModel *m, AugError *err)
{
	PanelShape *s = &m->shape;
	AugStatus status = AUG_OK;
	bool ok = true;

	s->horizon = small(r, 1, AUG_MAX_HORIZON, &ok);
	s->direct = small(r, 1, PANEL_MAX_DIRECT, &ok);
	s->n_lags = small(r, 1, 100, &ok);
	s->log = small(r, 0, 1, &ok) == 1;
	s->n_periods = small(r, 0, AUG_MAX_PERIODS, &ok);
	for (uint32_t i = 0; i < s->n_periods; i++)
		s->period[i] = small(r, i > 0 ? s->period[i - 1] + 1 : 2, AUG_MAX_PERIOD, &ok);
	if (!ok)
		return damaged(err, "shape");
	m->info.regressor_names =
		read_names(r, &m->arena, AUG_MAX_REGRESSORS, &s->n_regressors, &status);
	for (uint32_t j = 0; status == AUG_OK && j < s->n_regressors; j++)
		s->varies[j] = small(r, 0, 1, &ok) == 1;
	if (status == AUG_OK && !ok)
		return damaged(err, "shape");
	if (status == AUG_OK)
		m->info.calendar_names =
			read_names(r, &m->arena, AUG_MAX_CALENDAR, &s->n_calendar, &status);
	if (status == AUG_OK)
		m->info.static_names = read_names(r, &m->arena, AUG_MAX_STATICS, &s->n_statics, &status);
	if (status == AUG_OK)
		m->info.params_text = read_text(r, &m->arena, AUG_PARAMS_TEXT_MAX, &status);
	if (status == AUG_NOMEM)
		return aug_fail_nomem(err, 0);
	if (status != AUG_OK)
		return damaged(err, "names");
	if (aug_panel_shape(s, err) != AUG_OK)
		return damaged(err, "shape");
	if (aug_params_parse(m->host, aug_panel_about(), m->info.params_text, &m->params, err) !=
		AUG_OK)
		return err->status == AUG_NOMEM ? AUG_NOMEM : damaged(err, "options");
	if (aug_bounds_read(m->params, &m->bounds, err) != AUG_OK)
		return damaged(err, "options");
	return AUG_OK;
}

static AugStatus
read_spread(AugReader *r, PanelSpread *s, AugError *err)
{
	bool ok = true;

	s->n_knots = small(r, 0, PANEL_KNOTS, &ok);
	s->power = aug_read_f64(r);
	ok &= s->power == 0 || s->power == 0.5 || s->power == 1;
	for (uint32_t k = 0; ok && k < s->n_knots; k++)
	{
		s->step[k] = small(r, k > 0 ? s->step[k - 1] + 1 : 1, k > 0 ? AUG_MAX_HORIZON : 1, &ok);
		for (uint32_t q = 0; q < PANEL_QUANTILES; q++)
		{
			double e = s->quantile[k][q] = aug_read_f64(r);

			ok &= isfinite(e) && (q == 0 || e >= s->quantile[k][q - 1]);
		}
	}
	return ok && !r->bad ? AUG_OK : damaged(err, "quantiles");
}

/* The trees are boosted ones over just these features. */
static AugStatus
read_trees(AugReader *r, AugPanelModel *m, AugError *err)
{
	uint64_t length = aug_read_varint(r);
	const uint8_t *bytes;
	AugStatus status;

	if (r->bad || length != aug_reader_left(r))
		return damaged(err, "length");
	bytes = aug_read_bytes(r, (size_t) length);
	status = aug_model_read(m->host, bytes, (size_t) length, &m->model, err);
	if (status != AUG_OK)
		return status;
	m->info.model = aug_model_info(m->model);
	if (strcmp(m->info.model->algorithm->name, "gradient_boosting") != 0 ||
		m->info.model->task != AUG_REGRESSION || m->info.model->n_features != m->shape.n_features)
		return damaged(err, "trees");
	for (uint32_t i = 0; i < m->shape.n_features; i++)
	{
		AugKind kind = i < m->shape.n_numbers ? AUG_NUMERIC_FEATURE : AUG_CATEGORICAL_FEATURE;

		if (m->info.model->features[i].kind != kind)
			return damaged(err, "trees");
	}
	return AUG_OK;
}

static AugStatus
decode(AugPanelModel *m, AugReader *r, AugError *err)
{
	AugStatus status = read_shape(r, m, err);

	if (status != AUG_OK)
		return status;
	m->spread = aug_arena_zero(&m->arena, 1, sizeof(PanelSpread));
	if (m->spread == NULL)
		return aug_fail_nomem(err, sizeof(PanelSpread));
	status = read_spread(r, m->spread, err);
	if (status == AUG_OK)
		status = read_trees(r, m, err);
	if (status != AUG_OK)
		return status;
	m->info.horizon = m->shape.horizon;
	m->info.direct = m->shape.direct;
	m->info.n_periods = m->shape.n_periods;
	memcpy(m->info.period, m->shape.period, sizeof(m->info.period));
	m->info.n_statics = m->shape.n_statics;
	m->info.n_calendar = m->shape.n_calendar;
	m->info.n_regressors = m->shape.n_regressors;
	return AUG_OK;
}

AugStatus
aug_panel_read(const AugHost *host, const uint8_t *bytes, size_t length, AugPanelModel **out,
			   AugError *err)
{
	AugReader r;
	AugPanelModel *m;
	AugStatus status = aug_envelope_open(bytes, length, PANEL_MAGIC, PANEL_FORMAT, NOUN, &r, err);

	*out = NULL;
	if (status != AUG_OK)
		return status;
	m = host->alloc(host->arg, sizeof(AugPanelModel));
	if (m == NULL)
		return aug_fail_nomem(err, sizeof(AugPanelModel));
	memset(m, 0, sizeof(*m));
	m->host = host;
	aug_arena_init(&m->arena, host);
	if (length < (SIZE_MAX - MEMORY_BASE) / MEMORY_FACTOR)
		m->arena.limit = MEMORY_BASE + length * MEMORY_FACTOR;
	status = decode(m, &r, err);
	if (status == AUG_NOMEM && m->arena.limited)
		status = damaged(err, "size");
	if (status != AUG_OK)
	{
		aug_panel_free(m);
		return status;
	}
	*out = m;
	return AUG_OK;
}

const AugPanelInfo *
aug_panel_info(const AugPanelModel *model)
{
	return &model->info;
}

void
aug_panel_free(AugPanelModel *model)
{
	if (model == NULL)
		return;
	aug_model_free(model->model);
	aug_params_free(model->params);
	aug_arena_free(&model->arena);
	model->host->release(model->host->arg, model);
}
