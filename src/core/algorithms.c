/*-------------------------------------------------------------------------
 *
 * algorithms.c
 *		The list of algorithms.  A new one adds its line here, and nothing else
 *		changes outside its own file.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "algorithm.h"

static const AugOps *const algorithms[] = {
	&aug_baseline_ops,
	&aug_forest_ops,
	&aug_boost_ops,
	&aug_linear_ops,
};

#define N_ALGORITHMS ((uint32_t) (sizeof(algorithms) / sizeof(algorithms[0])))

uint32_t
aug_algorithm_count(void)
{
	return N_ALGORITHMS;
}

/*
 * Algorithm i of 0 .. aug_algorithm_count() - 1; NULL beyond.
 */
const AugAlgorithm *
aug_algorithm_at(uint32_t i)
{
	return i < N_ALGORITHMS ? &algorithms[i]->about : NULL;
}

const AugAlgorithm *
aug_algorithm_find(const char *name)
{
	for (uint32_t i = 0; i < N_ALGORITHMS; i++)
	{
		if (strcmp(algorithms[i]->about.name, name) == 0)
			return &algorithms[i]->about;
	}
	return NULL;
}

/*
 * The functions behind a description that came out of this list; NULL when it
 * did not.
 */
const AugOps *
aug_algorithm_ops(const AugAlgorithm *algorithm)
{
	for (uint32_t i = 0; i < N_ALGORITHMS; i++)
	{
		if (&algorithms[i]->about == algorithm)
			return algorithms[i];
	}
	return NULL;
}
