// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a pin is about (op.h), range by range, so that all of it can be taken back. Those of adopted memory are handed
 * out in the order in which they were added and not many at a time, so one is found near the first that is under way.
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/core/op.h"
#include "daemon/core/range.h"

enum { FIRST_CAP = 4 };

static bool is_full(size_t n)
{
	return !n || (n >= FIRST_CAP && !(n & (n - 1)));
}

int op_add_whole(struct op *op, const struct op_whole *whole)
{
	size_t n = op->n_wholes;
	struct op_whole *longer;

	if (is_full(n)) {
		longer = realloc(op->wholes, (n ? n * 2 : FIRST_CAP) * sizeof(*longer));
		if (!longer)
			return -ENOMEM;
		op->wholes = longer;
	}
	op->wholes[op->n_wholes++] = *whole;
	return 0;
}

struct op_whole *op_find_whole(struct op *op, const struct move *m)
{
	uint64_t addr, end;
	size_t i;

	move_area(m, &addr, &end);
	while (op->settled < op->n_wholes && !op->wholes[op->settled].under_way)
		op->settled++;
	for (i = op->settled; i < op->n_wholes; i++) {
		struct op_whole *w = &op->wholes[i];

		if (w->under_way && w->range == m->range->id && w->addr == addr && w->end == end)
			return w;
	}
	return NULL;
}
