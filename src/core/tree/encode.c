/*-------------------------------------------------------------------------
 *
 * encode.c
 *		One grown tree as bytes: its nodes in preorder, so that no child index is
 *		stored (and none can be forged).  docs/format.md describes the stream.
 *
 * Memory: the writer's, and a stack of right children in the job's arena.
 * Interrupts: polled every 4096 nodes.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "forest.h"

#define SET_IS_BITS 4 /* flag of the stream: levels as a bitmap */

static size_t
varint_length(uint32_t v)
{
	size_t n = 1;

	for (; v >= 128; v >>= 7)
		n++;
	return n;
}

/* The levels of a set as differences, or as a bitmap where that is shorter. */
static void
encode_set(AugWriter *out, const uint32_t *set)
{
	const uint32_t *codes = set + SET_CODES;
	uint32_t n = set[SET_N], n_bytes = n > 0 ? codes[n - 1] / 8 + 1 : 0, i;
	size_t listed = 0;

	for (i = 0; i < n; i++)
		listed += varint_length(i == 0 ? codes[0] : codes[i] - codes[i - 1] - 1);
	if (n_bytes < listed)
	{
		uint8_t *bits;

		aug_write_u8(out, (uint8_t) (set[SET_FLAGS] | SET_IS_BITS));
		aug_write_varint(out, n);
		aug_write_varint(out, n_bytes);
		bits = aug_writer_reserve(out, n_bytes);
		if (bits == NULL)
			return;
		memset(bits, 0, n_bytes);
		for (i = 0; i < n; i++)
			bits[codes[i] / 8] = (uint8_t) (bits[codes[i] / 8] | 1 << codes[i] % 8);
		return;
	}
	aug_write_u8(out, (uint8_t) set[SET_FLAGS]);
	aug_write_varint(out, n);
	for (i = 0; i < n; i++)
		aug_write_varint(out, i == 0 ? codes[0] : codes[i] - codes[i - 1] - 1);
}

/* A pure leaf of class c is 4 (c + 1); other leaves are 0 and their value. */
static void
encode_leaf(const ForestJob *f, AugWriter *out, uint32_t link, TreeSizes *sizes)
{
	uint32_t k = f->config.n_classes, i;

	if (f->mode == MODE_CLASS && link >= k)
	{
		const uint32_t *share = f->tree.shares + (link - k);

		aug_write_u8(out, 0);
		aug_write_varint(out, share[0]);
		for (i = 0; i < share[0]; i++)
		{
			aug_write_varint(out, share[1 + 2 * i]);
			aug_write_u32(out, share[2 + 2 * i]);
		}
		sizes->n_shares += 1 + 2 * share[0];
	}
	else if (f->mode == MODE_CLASS)
		aug_write_varint(out, 4 * ((uint64_t) link + 1));
	else
	{
		float value;

		memcpy(&value, &link, sizeof(value));
		if (f->config.task == AUG_CLASSIFICATION && (value == 0 || value == 1))
			aug_write_u8(out, value == 0 ? 4 : 8);
		else
		{
			aug_write_u8(out, 0);
			aug_write_f32(out, value);
		}
	}
}

/*
 * Appends f->tree to the writer and fills the sizes.  AUG_NOMEM (also when the
 * writer has failed), AUG_CANCELLED, AUG_LIMIT for a tree of 4 GB.
 */
AugStatus
aug_forest_encode(ForestJob *f, AugWriter *out, TreeSizes *sizes, AugError *err)
{
	const GrownTree *t = &f->tree;
	size_t start = out->length;
	uint32_t node = 0, n_pending = 0, count = 0;

	memset(sizes, 0, sizeof(*sizes));
	for (;;)
	{
		const GrowNode *g = &t->nodes[node];
		void *pending = f->pending;

		if (++count % 4096 == 0 && forest_tick(f, 4096 * 8))
			return aug_fail_cancelled(err);
		if (g->kind == NODE_LEAF)
		{
			encode_leaf(f, out, g->link, sizes);
			if (n_pending == 0)
				break;
			node = f->pending[--n_pending];
			continue;
		}
		sizes->n_splits++;
		aug_write_varint(out, (uint64_t) g->feature * 4 + g->kind);
		node = g->link;
		if (g->kind == NODE_SET)
		{
			const uint32_t *set = t->sets + g->link;

			encode_set(out, set);
			sizes->n_sets += SET_CODES + set[SET_N];
			node = set[SET_CHILD];
		}
		else
			aug_write_u8(out, g->bin);
		if (!aug_forest_ensure(f->arena, &pending, &f->pending_room, (size_t) n_pending + 1,
							   sizeof(uint32_t), n_pending))
			return aug_fail_nomem(err, sizeof(uint32_t));
		f->pending = pending;
		f->pending[n_pending++] = node + 1;
	}
	if (out->failed)
		return aug_fail_nomem(err, out->room);
	if (out->length - start > UINT32_MAX)
		return aug_fail(err, AUG_LIMIT, "a tree takes more than 4 GB");
	sizes->n_bytes = (uint32_t) (out->length - start);
	return AUG_OK;
}
