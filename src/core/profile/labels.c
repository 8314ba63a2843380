/*-------------------------------------------------------------------------
 *
 * labels.c
 *		The most frequent of labels.
 *
 * Misra and Gries 1982 (Finding repeated elements), in the form that merges (Agarwal et al.
 * 2013, Mergeable summaries, ACM TODS 38): labels are counted in a table; when it is full, the
 * count of the largest that has to go is taken off all, and who has none left goes.  A count is
 * too small by the sum of what was taken off, which is at most n / (AUG_PROFILE_LABELS + 1).
 *
 * A table grows up to twice the labels that are kept, so that one is rarely put in order, and
 * few labels take little.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "profile.h"

/* What a table begins with: so many labels, and twice the slots. */
#define FIRST_ROOM 16

static uint32_t
slot_of(const Labels *labels, uint64_t hash)
{
	uint32_t last = labels->n_slots - 1, at = (uint32_t) hash & last;

	while (labels->slot[at] != 0 && labels->label[labels->slot[at] - 1].hash != hash)
		at = (at + 1) & last;
	return at;
}

/* After labels have moved. */
static void
fill_slots(Labels *labels)
{
	memset(labels->slot, 0, labels->n_slots * sizeof(labels->slot[0]));
	for (uint32_t i = 0; i < labels->n; i++)
		labels->slot[slot_of(labels, labels->label[i].hash)] = (uint16_t) (i + 1);
}

const Label *
aug_labels_find(const Labels *labels, uint64_t hash)
{
	uint16_t at;

	if (labels->n == 0)
		return NULL;
	at = labels->slot[slot_of(labels, hash)];
	return at == 0 ? NULL : &labels->label[at - 1];
}

/* Doubles the table, which stays as it is when there is no memory. */
static AugStatus
grow(const AugHost *host, Labels *labels, AugError *err)
{
	uint32_t room = labels->room == 0 ? FIRST_ROOM : 2 * labels->room;
	uint32_t n_slots = labels->room == 0 ? 2 * FIRST_ROOM : 2 * labels->n_slots;
	Label *label;
	uint16_t *slot;

	if (room > LABELS_ROOM)
		room = LABELS_ROOM;
	label = host->alloc(host->arg, room * sizeof(label[0]));
	slot = host->alloc(host->arg, n_slots * sizeof(slot[0]));
	if (label == NULL || slot == NULL)
	{
		host->release(host->arg, slot);
		host->release(host->arg, label);
		return aug_fail_nomem(err, room * sizeof(label[0]) + n_slots * sizeof(slot[0]));
	}
	if (labels->n > 0)
		memcpy(label, labels->label, labels->n * sizeof(label[0]));
	host->release(host->arg, labels->slot);
	host->release(host->arg, labels->label);
	labels->label = label;
	labels->slot = slot;
	labels->room = room;
	labels->n_slots = n_slots;
	fill_slots(labels);
	return AUG_OK;
}

/* Does a come before b: more frequent, then by bytes, then by hash? */
static bool
before(const Label *a, const Label *b)
{
	uint32_t n = a->length < b->length ? a->length : b->length;
	int differ;

	if (a->count != b->count)
		return a->count > b->count;
	differ = n > 0 ? memcmp(a->bytes, b->bytes, n) : 0;
	if (differ != 0)
		return differ < 0;
	return a->length != b->length ? a->length < b->length : a->hash < b->hash;
}

/* Restores the heap, whose root is the last in order, below at. */
static void
sift(Label *label, uint32_t at, uint32_t n)
{
	Label moved = label[at];

	for (uint32_t child = 2 * at + 1; child < n; child = 2 * at + 1)
	{
		if (child + 1 < n && before(&label[child], &label[child + 1]))
			child++;
		if (!before(&moved, &label[child]))
			break;
		label[at] = label[child];
		at = child;
	}
	label[at] = moved;
}

static void
put_in_order(Label *label, uint32_t n)
{
	for (uint32_t i = n / 2; i-- > 0;)
		sift(label, i, n);
	for (uint32_t i = n; i-- > 1;)
	{
		Label last = label[0];

		label[0] = label[i];
		label[i] = last;
		sift(label, 0, i);
	}
}

void
aug_labels_settle(const AugHost *host, Labels *labels)
{
	uint64_t off;

	if (labels->n == 0)
		return;
	put_in_order(labels->label, labels->n);
	if (labels->n > AUG_PROFILE_LABELS)
	{
		off = labels->label[AUG_PROFILE_LABELS].count;
		labels->error += off;
		while (labels->n > 0 && labels->label[labels->n - 1].count <= off)
			host->release(host->arg, labels->label[--labels->n].bytes);
		for (uint32_t i = 0; i < labels->n; i++)
			labels->label[i].count -= off;
	}
	fill_slots(labels);
	host->release(host->arg, labels->shown);
	labels->shown = NULL;
}

AugStatus
aug_labels_add(const AugHost *host, Labels *labels, uint64_t hash, const char *bytes, size_t length,
			   bool cut, uint64_t count, AugError *err)
{
	AugStatus status = labels->room == 0 ? grow(host, labels, err) : AUG_OK;
	uint32_t at;
	Label *label;
	char *copy;

	if (status != AUG_OK)
		return status;
	at = slot_of(labels, hash);
	if (labels->slot[at] != 0)
	{
		labels->label[labels->slot[at] - 1].count += count;
		return AUG_OK;
	}
	if (labels->n == labels->room)
	{
		if (labels->room == LABELS_ROOM)
			aug_labels_settle(host, labels);
		else
			status = grow(host, labels, err);
		if (status != AUG_OK)
			return status;
		at = slot_of(labels, hash);
	}
	copy = host->alloc(host->arg, length + 1);
	if (copy == NULL)
		return aug_fail_nomem(err, length + 1);
	if (length > 0)
		memcpy(copy, bytes, length);
	label = &labels->label[labels->n++];
	*label = (Label){hash, count, copy, (uint32_t) length, cut};
	labels->slot[at] = (uint16_t) labels->n;
	return AUG_OK;
}

AugStatus
aug_labels_merge(const AugHost *host, Labels *into, const Labels *from, AugError *err)
{
	AugStatus status = AUG_OK;

	into->error += from->error;
	for (uint32_t i = 0; i < from->n && status == AUG_OK; i++)
	{
		const Label *label = &from->label[i];

		status = aug_labels_add(host, into, label->hash, label->bytes, label->length, label->cut,
								label->count, err);
	}
	return status;
}

uint64_t
aug_labels_sum(const Labels *labels)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < labels->n; i++)
		sum += labels->label[i].count;
	return sum;
}

void
aug_labels_free(const AugHost *host, Labels *labels)
{
	for (uint32_t i = 0; i < labels->n; i++)
		host->release(host->arg, labels->label[i].bytes);
	host->release(host->arg, labels->label);
	host->release(host->arg, labels->slot);
	host->release(host->arg, labels->shown);
}
