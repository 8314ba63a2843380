/*-------------------------------------------------------------------------
 *
 * form.c
 *		Forms as bytes: what is stored of a fit, to be refitted or filtered again.
 *
 * Layout: if the values were transformed, string "box_cox" and f64 lambda; string method, FORM_CODES x u32, varint n, n x f64.  Reading treats the
 * bytes as hostile; what the numbers mean is checked by the method they go to.
 *
 * Memory: values lie in the cast's arena.  Interrupts: none, all is small.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "forecast.h"

#define MAX_FORM_VALUES ((uint32_t) 1 << 22)
#define MAX_NAME		63
#define TRANSFORMED		"box_cox" /* no method is called so */

void
aug_form_write(AugWriter *w, const AugFitted *fitted)
{
	if (fitted->form.transformed)
	{
		aug_write_string(w, TRANSFORMED);
		aug_write_f64(w, fitted->form.lambda);
	}
	aug_write_string(w, fitted->by->about.name);
	for (int i = 0; i < AUG_FORM_CODES; i++)
		aug_write_u32(w, (uint32_t) fitted->form.code[i]);
	aug_write_varint(w, fitted->form.n_values);
	for (uint32_t i = 0; i < fitted->form.n_values; i++)
		aug_write_f64(w, fitted->form.values[i]);
}

/* A name of at most MAX_NAME bytes into name, "" when it is damaged. */
static void
read_name(AugReader *r, char *name)
{
	uint32_t length = aug_read_count(r, MAX_NAME, 1);
	const uint8_t *bytes = aug_read_bytes(r, length);

	if (bytes != NULL)
		memcpy(name, bytes, length);
	name[bytes != NULL ? length : 0] = '\0';
}

AugStatus
aug_form_read(AugCast *cast, AugReader *r, const AugForecaster **by, AugForm *form)
{
	char name[MAX_NAME + 1];

	read_name(r, name);
	form->transformed = strcmp(name, TRANSFORMED) == 0;
	form->lambda = 1;
	if (form->transformed)
	{
		form->lambda = aug_read_f64(r);
		if (!(form->lambda >= -1 && form->lambda <= 2))
			return aug_fail(cast->err, AUG_CORRUPT, "stored form of a forecast is damaged");
		read_name(r, name);
	}
	*by = aug_forecaster_find(name);
	for (int i = 0; i < AUG_FORM_CODES; i++)
		form->code[i] = (int32_t) aug_read_u32(r);
	form->n_values = aug_read_count(r, MAX_FORM_VALUES, sizeof(double));
	if (r->bad || *by == NULL)
		return aug_fail(cast->err, AUG_CORRUPT, "stored form of a forecast is damaged");
	form->values = aug_cast_doubles(cast, form->n_values);
	if (form->values == NULL)
		return AUG_NOMEM;
	for (uint32_t i = 0; i < form->n_values; i++)
		form->values[i] = aug_read_f64(r);
	return AUG_OK;
}
