/*-------------------------------------------------------------------------
 *
 * fuzz_profile.c
 *		Any bytes at all as a profile: read them, ask for everything, write them again, go on
 *		adding and merging, and compare.
 *
 * Built with AUG_FUZZING, so that length and checksum do not stand in the way.
 *
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"

static void
demand_round_trip(UnitHost *h, AugProfile *p)
{
	AugProfile *again;
	AugError err;
	uint8_t *bytes, *second;
	size_t length, n;

	DEMAND(aug_profile_store(p, &bytes, &length, &err) == AUG_OK);
	DEMAND(aug_profile_read(&h->host, bytes, length, &again, &err) == AUG_OK);
	DEMAND(aug_profile_store(again, &second, &n, &err) == AUG_OK);
	DEMAND(n == length && memcmp(bytes, second, n) == 0);
	aug_profile_free(again);
	h->host.release(h, bytes);
	h->host.release(h, second);
}

static void
use(UnitHost *h, AugProfile *p)
{
	const double share[] = {0, 0.3, 1};
	double q[3];
	AugProfileInfo info;
	AugProfileDrift drift;
	const AugProfileLabel *label;
	AugProfile *other;
	AugError err;
	AugStatus status;

	DEMAND(aug_profile_info(p, &info, &err) == AUG_OK);
	DEMAND(aug_profile_quantiles(p, share, 3, q, &err) == AUG_OK);
	DEMAND(info.kind != AUG_PROFILE_NUMBERS || info.n == 0 || (q[0] <= q[1] && q[1] <= q[2]));
	DEMAND(aug_profile_ranks(p, share, 3, q, &err) == AUG_OK);
	DEMAND(aug_profile_labels(p, &label, &err) == AUG_OK);
	DEMAND(aug_profile_new(&h->host, info.kind, info.tag, &other, &err) == AUG_OK);
	for (int i = 0; i < 3000 && info.kind == AUG_PROFILE_NUMBERS; i++)
	{
		double v = i * 37 % 1013 * 1e3;

		DEMAND(aug_profile_add(other, &v, 1, &err) == AUG_OK);
	}
	for (int i = 0; i < 1500 && info.kind == AUG_PROFILE_WORDS; i++)
		DEMAND(aug_profile_add_label(other, (const char *) &i, sizeof(i), 1, &err) == AUG_OK);
	DEMAND(aug_profile_compare(p, other, &drift, &err) == AUG_OK);
	DEMAND(aug_profile_compare(other, p, &drift, &err) == AUG_OK);
	status = aug_profile_merge(other, p, &err);
	DEMAND(status == AUG_OK || status == AUG_LIMIT);
	status = aug_profile_merge(p, other, &err);
	DEMAND(status == AUG_OK || status == AUG_LIMIT);
	aug_profile_free(other);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	UnitHost h;
	AugError err;
	AugProfile *p;
	AugStatus status;

	unit_host(&h);
	status = aug_profile_read(&h.host, data, size, &p, &err);
	if (status == AUG_OK)
	{
		demand_round_trip(&h, p);
		use(&h, p);
		aug_profile_free(p);
	}
	else
		DEMAND(status == AUG_CORRUPT && p == NULL && err.message[0] != '\0');
	DEMAND(h.live == 0 && h.peak < MAX_MEMORY);
	return 0;
}
