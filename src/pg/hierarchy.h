/*-------------------------------------------------------------------------
 *
 * hierarchy.h
 *		What the files of the hierarchy's room share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_HIERARCHY_H
#define AUGUR_HIERARCHY_H

#include "forecast.h"

typedef enum AugurHow
{
	HOW_BOTTOM_UP, /* as AugReconcile */
	HOW_TOP_DOWN,
	HOW_DIAGONAL,
	HOW_SHRUNK,
	HOW_NONE
} AugurHow;

typedef struct AugurMember
{
	uint32 parent;
	int depth;
	int64 rank; /* among the nodes of its depth */
	Jsonb *key;
	Size n_leaves;
	/* of leaves, until they are on the steps */
	AugurPoint *points;
	Size n_points;
	/* series, from step first of the frame on */
	Size first;
	double *y;
	AugurTimeline timeline;
	char *method;
} AugurMember;

typedef struct AugurNest
{
	MemoryContext context; /* of all that is kept */
	AugurForecastOptions options;
	AugBounds bounds; /* of a leaf */
	bool told;		  /* that rows were averaged */
	uint32 horizon;
	AugurHow how;
	AugurMember *node;
	uint32 n, room;
	int depth;	  /* of the leaves */
	uint32 *path; /* [depth + 1] the last node of each depth */
	Size n_points;
	int64 skipped, left_out;
	AugurTimeline frame;
	/* [n][horizon], and for levels [n][n_levels][horizon] */
	double *base, *lower, *upper, *forecast;
	double *residuals; /* [n][frame.n] */
	double *spread;	   /* [n] */
} AugurNest;

/* ---- hierarchy_series.c ----------------------------------------------------------- */

/* Reads the leaves that a query returns; node 0 is the grand total. */
extern void augur_nest_read(AugurNest *h, const char *query);
/*
 * Puts all nodes on common steps, inner ones as sums, and takes those out that have no
 * value.  ERROR 02000 when there is none at all.
 */
extern void augur_nest_lay(AugurNest *h);
/* Tells in notices what was not there. */
extern void augur_nest_tell(const AugurNest *h);
extern bool augur_nest_leaf(const AugurNest *h, const AugurMember *node);
/* The key of a node as text; palloc'ed. */
extern char *augur_nest_key(const AugurMember *node);

#endif /* AUGUR_HIERARCHY_H */
