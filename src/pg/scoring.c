/*-------------------------------------------------------------------------
 *
 * scoring.c
 *		Call sites: what one scoring call in a plan keeps from row to row.
 *
 * A site holds a pinned model with its layout, and the map of the last row type.
 * For each row it checks in constant time whether they still hold: the same
 * reference text at the same moment (moment.c), or the same model value, and the
 * same row type.  When the moment has changed (PL/pgSQL keeps sites over many
 * statements) the reference is resolved again; a site then lets go of the model only
 * if it leads to another version.
 *
 * A prepared statement makes its sites anew for each execution, so what is dear to
 * make, the layout and the row map, lies on a desk that outlives the site: it goes back
 * to the cached model when the site is done, and the next site of that model takes it.
 *
 * Memory: a site is in fn_mcxt with a child context for the pin, which also gives the
 * desk back.  A desk is below the model in the cache, with a context for its row map.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "catalog/pg_type_d.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/typcache.h"

#include "scoring.h"

/*
 * Length and both ends of a model value, with magic and checksum: what is compared
 * for every row.  Only a value that differs in them is digested as a whole.
 */
typedef struct ValueEnds
{
	Size length;
	uint8 head[64];
	uint8 tail[32];
} ValueEnds;

struct AugurSite
{
	/* what the model was asked by; only one of them is used */
	char *reference;
	int reference_length;
	int64 version_id;
	char toast[64]; /* bytes of a toast pointer */
	int toast_length;
	ValueEnds ends;

	AugurMoment moment; /* when it was resolved */
	MemoryContext model_context;
	AugurModelPin *pin;
	AugurDesk *desk; /* NULL: there is no model yet */
	MemoryContextCallback leave;
};

struct AugurDesk
{
	MemoryContext context;
	AugurLayout *layout;
	MemoryContext row_context; /* child of context */
	AugurRowMap *map;		   /* NULL: no row yet */
};

/* ---- models of a site ------------------------------------------------------ */

static AugurSite *
site_make(FunctionCallInfo fcinfo)
{
	FmgrInfo *flinfo = fcinfo->flinfo;
	AugurSite *site = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(AugurSite));

	site->model_context =
		AllocSetContextCreate(flinfo->fn_mcxt, "augur call site", ALLOCSET_SMALL_SIZES);
	flinfo->fn_extra = site;
	return site;
}

/*
 * Lets go of the model, and of all that was made for it.
 */
static void
site_clear(AugurSite *site)
{
	MemoryContextReset(site->model_context);
	site->pin = NULL;
}

/*
 * Callback of the context that holds the pin, called before the pin is given back.
 */
static void
leave_desk(void *arg)
{
	AugurSite *site = (AugurSite *) arg;
	AugurDesk *desk = site->desk;

	site->desk = NULL;
	if (desk != NULL && !augur_pin_put_desk(site->pin, desk))
		MemoryContextDelete(desk->context);
}

/* A desk for the model of a pin. */
static AugurDesk *
make_desk(AugurModelPin *pin)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "augur scoring desk",
												  ALLOCSET_SMALL_SIZES);
	AugurDesk *desk = MemoryContextAllocZero(context, sizeof(AugurDesk));

	desk->context = context;
	desk->row_context = AllocSetContextCreate(context, "augur row map", ALLOCSET_SMALL_SIZES);
	desk->layout = augur_layout_make(augur_pin_model(pin), "the model", context);
	MemoryContextSetParent(context, augur_pin_context(pin));
	return desk;
}

/*
 * Takes a pin that lies in model_context.  label: what errors call the model, in a
 * context that lives as long.
 */
static void
site_take(AugurSite *site, AugurModelPin *pin, const char *label)
{
	AugurDesk *desk = augur_pin_take_desk(pin);

	if (desk == NULL)
		desk = make_desk(pin);
	desk->layout->label = label;
	site->pin = pin;
	site->desk = desk;
	site->leave.func = leave_desk;
	site->leave.arg = site;
	MemoryContextRegisterResetCallback(site->model_context, &site->leave);
}

/*
 * Makes a resolved version the site's model, unless it is already.
 */
static void
site_take_version(AugurSite *site, const AugurResolved *resolved, const char *label)
{
	if (site->desk != NULL && augur_pin_has_key(site->pin, &resolved->key))
		return;
	site_clear(site);
	site_take(site, augur_reference_pin(resolved, site->model_context),
			  MemoryContextStrdup(site->model_context, label));
}

/*
 * Resolves the reference of the site (again).
 */
static void
site_resolve(AugurSite *site, FunctionCallInfo fcinfo, text *reference)
{
	AugurResolved resolved;
	AugurMoment moment;
	char *name = text_to_cstring(reference);

	augur_reference_resolve(name, &resolved);
	augur_moment_now(&moment);
	site_take_version(site, &resolved, psprintf("model \"%s\"", name));

	/* kept beside the site; replaced when a call site sees several names */
	if (site->reference != NULL)
		pfree(site->reference);
	site->reference = NULL;
	site->reference_length = VARSIZE_ANY_EXHDR(reference);
	site->reference = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, site->reference_length + 1);
	memcpy(site->reference, VARDATA_ANY(reference), site->reference_length);
	site->moment = moment;
	pfree(name);
}

/*
 * Argument 0 is a reference as text.
 */
AugurLayout *
augur_site_reference(FunctionCallInfo fcinfo)
{
	AugurSite *site = fcinfo->flinfo->fn_extra;
	text *reference = PG_GETARG_TEXT_PP(0);

	if (site == NULL)
		site = site_make(fcinfo);
	if (site->desk == NULL || site->reference == NULL ||
		site->reference_length != VARSIZE_ANY_EXHDR(reference) ||
		memcmp(site->reference, VARDATA_ANY(reference), site->reference_length) != 0 ||
		!augur_moment_is_now(&site->moment))
		site_resolve(site, fcinfo, reference);
	return site->desk->layout;
}

/*
 * Argument 0 is the id of a version.
 */
AugurLayout *
augur_site_version(FunctionCallInfo fcinfo)
{
	AugurSite *site = fcinfo->flinfo->fn_extra;
	int64 version_id = PG_GETARG_INT64(0);
	AugurResolved resolved;
	AugurMoment moment;

	if (site == NULL)
		site = site_make(fcinfo);
	if (site->desk != NULL && site->version_id == version_id &&
		augur_moment_is_now(&site->moment))
		return site->desk->layout;

	augur_reference_resolve_version(version_id, &resolved);
	augur_moment_now(&moment);
	site_take_version(site, &resolved, "the model");
	site->version_id = version_id;
	site->moment = moment;
	return site->desk->layout;
}

static void
value_ends(const uint8_t *bytes, Size length, ValueEnds *ends)
{
	Size head = Min(length, sizeof(ends->head));
	Size tail = Min(length - head, sizeof(ends->tail));

	memset(ends, 0, sizeof(*ends));
	ends->length = length;
	memcpy(ends->head, bytes, head);
	memcpy(ends->tail, bytes + length - tail, tail);
}

/*
 * Makes a value of type augur.model the site's model, unless it is already.
 */
static void
site_take_value(AugurSite *site, struct varlena *value)
{
	const uint8_t *bytes = (const uint8_t *) VARDATA_ANY(value);
	Size length = VARSIZE_ANY_EXHDR(value);
	ValueEnds ends;
	AugurModelKey key = {0};
	AugurModelPin *pin;

	value_ends(bytes, length, &ends);
	if (site->desk != NULL && memcmp(&ends, &site->ends, sizeof(ends)) == 0)
		return;
	site_clear(site);
	key.length = length;
	augur_cache_digest(bytes, length, key.digest);
	pin = augur_cache_find(&key, 0, site->model_context);
	if (pin == NULL)
		pin = augur_cache_add(&key, 0, bytes, length, site->model_context);
	site_take(site, pin, "the model");
	site->ends = ends;
}

/*
 * Argument 0 is a value of type augur.model.  One that is stored out of line is
 * recognised by its toast pointer, which means the same bytes as long as the
 * snapshot is the same: it is fetched once per statement, not once per row.
 */
AugurLayout *
augur_site_value(FunctionCallInfo fcinfo)
{
	AugurSite *site = fcinfo->flinfo->fn_extra;
	struct varlena *datum = (struct varlena *) DatumGetPointer(PG_GETARG_DATUM(0));
	struct varlena *value;
	bool external = VARATT_IS_EXTERNAL_ONDISK(datum);

	if (site == NULL)
		site = site_make(fcinfo);
	if (external && site->desk != NULL && site->toast_length == VARSIZE_EXTERNAL(datum) &&
		memcmp(site->toast, datum, site->toast_length) == 0 && augur_moment_is_now(&site->moment))
		return site->desk->layout;

	value = PG_DETOAST_DATUM_PACKED(PointerGetDatum(datum));
	site->toast_length = 0;
	site_take_value(site, value);
	if (external && VARSIZE_EXTERNAL(datum) <= sizeof(site->toast))
	{
		site->toast_length = VARSIZE_EXTERNAL(datum);
		memcpy(site->toast, datum, site->toast_length);
		augur_moment_now(&site->moment);
	}
	if (value != datum)
		pfree(value);
	return site->desk->layout;
}

int32
augur_site_model_version(FunctionCallInfo fcinfo)
{
	AugurSite *site = fcinfo->flinfo->fn_extra;

	return augur_pin_version(site->pin);
}

/* ---- rows -------------------------------------------------------------------- */

/*
 * Matches a row type that the desk has not just seen.
 */
static void
desk_map(AugurDesk *desk, Oid type, int32 typmod)
{
	TupleDesc desc;

	desk->map = NULL;
	MemoryContextReset(desk->row_context);
	desc = lookup_rowtype_tupdesc(type, typmod);
	desk->map = augur_row_map(desk->layout, desc, type, typmod, desk->row_context);
	ReleaseTupleDesc(desc);
}

void
augur_site_row(FunctionCallInfo fcinfo, int arg)
{
	AugurDesk *desk = ((AugurSite *) fcinfo->flinfo->fn_extra)->desk;
	HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(arg);
	Oid type = HeapTupleHeaderGetTypeId(row);
	int32 typmod = HeapTupleHeaderGetTypMod(row);
	HeapTupleData tuple;

	if (desk->map == NULL || !augur_row_map_fits(desk->map, type, typmod))
		desk_map(desk, type, typmod);
	tuple.t_len = HeapTupleHeaderGetDatumLength(row);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = row;
	augur_row_read(desk->map, &tuple, desk->layout->x);
}

/* ---- results ------------------------------------------------------------------ */

/*
 * The number that predict() gives.  ERROR when there are more than two classes.
 */
double
augur_score_number(AugurLayout *layout)
{
	if (unlikely(layout->info->n_outputs > 2))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("%s has %u classes, and predict gives one number", layout->label,
							   layout->info->n_classes),
						errhint("Use augur.classify for the label, or augur.probabilities for "
								"the probability of each class.")));
	return aug_model_score1(layout->model, layout->x, layout->scratch);
}

/*
 * Scores into layout->out and returns the most probable class; of equal ones the
 * first in the order of labels.  ERROR for a regression.
 */
uint32
augur_score_class(AugurLayout *layout)
{
	uint32 best = 0;

	if (layout->info->task != AUG_CLASSIFICATION)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("%s predicts a number, not a class", layout->label),
						errhint("Use augur.predict, or augur.predict_full for an interval.")));
	aug_model_score(layout->model, layout->x, layout->scratch, layout->out);
	for (uint32 i = 1; i < layout->info->n_classes; i++)
		if (layout->out[i] > layout->out[best])
			best = i;
	return best;
}

/*
 * The names of the columns that chosen() picks, as text[].
 */
ArrayType *
augur_names_array(const AugurLayout *layout, const double *x,
				  bool (*chosen)(const AugurLayout *, int, const double *))
{
	Datum *names = palloc(mul_size(sizeof(Datum), layout->n_columns + 1));
	int n = 0;

	for (int c = 0; c < layout->n_columns; c++)
		if (chosen(layout, c, x))
			names[n++] = CStringGetTextDatum(layout->columns[c].name);
	return construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT);
}
