/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tiers that are being emptied: the operations that go through them, and what becomes of the tier after each. */
#ifndef HMMD_IO_DRAIN_H
#define HMMD_IO_DRAIN_H

#include <stdbool.h>
#include "daemon/core/op.h"

struct daemon;
struct tier;

/* Everything that may lie in the tier into its operation (op->from). -ENOMEM: the caller frees it. */
int drain_add_all(struct daemon *d, struct op *op);
/* The operation of a drain is done. True: it goes on for another round, since something was busy. */
bool drain_goes_on(struct daemon *d, struct op *op);
void drain_cancel(struct daemon *d, struct tier *t);	/* undrained: what is under way ends */
void drain_each_second(struct daemon *d);		/* another pass where a tier is not empty yet */

#endif
