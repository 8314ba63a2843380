/*-------------------------------------------------------------------------
 *
 * fuzz_detector.c
 *		Any bytes at all as the state of a detector: read them, write them again, and go on
 *		reading numbers with what is accepted.
 *
 * Built with AUG_FUZZING, so that length and checksum do not stand in the way.
 *
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"

#define NUMBERS 300

static void
demand_round_trip(UnitHost *h, const AugDetector *d)
{
	AugDetector *again;
	AugError err;
	uint8_t *bytes, *second;
	size_t length, n;

	DEMAND(aug_detector_store(d, &bytes, &length, &err) == AUG_OK);
	DEMAND(aug_detector_read(&h->host, bytes, length, &again, &err) == AUG_OK);
	DEMAND(aug_detector_store(again, &second, &n, &err) == AUG_OK);
	DEMAND(n == length && memcmp(bytes, second, n) == 0);
	aug_detector_free(again);
	h->host.release(h, bytes);
	h->host.release(h, second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	UnitHost h;
	AugError err;
	AugDetector *d;
	AugStatus status;

	unit_host(&h);
	status = aug_detector_read(&h.host, data, size, &d, &err);
	if (status == AUG_OK)
	{
		AugDetectorInfo info;

		demand_round_trip(&h, d);
		aug_detector_info(d, &info);
		DEMAND(info.n_kept <= info.n_changes && info.n_changes <= info.n);
		for (int i = 0; i < NUMBERS && status == AUG_OK; i++)
		{
			double x = aug_detector_binary(info.about) ? i % 3 == 0 : (i * 37 % 101) * 1e3;

			status = aug_detector_update(d, &x, 1, &err);
		}
		DEMAND(status == AUG_OK || status == AUG_LIMIT);
		aug_detector_free(d);
	}
	else
		DEMAND(status == AUG_CORRUPT && d == NULL && err.message[0] != '\0');
	DEMAND(h.live == 0 && h.peak < MAX_MEMORY);
	return 0;
}
