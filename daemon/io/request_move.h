/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a move to a tier is, for the client's requests and for hmmctl's. */
#ifndef HMMD_IO_REQUEST_MOVE_H
#define HMMD_IO_REQUEST_MOVE_H

#include "daemon/core/plan.h"

struct request;
struct range;
struct tier;

/* 0, or 1: that tier cannot hold this kind of range. */
int move_kind_to(const struct range *r, const struct tier *t, enum move_kind *ret);
/* 0, or -1: refused, because it is draining or failed. */
int move_tier_takes(struct request *q, const struct tier *t);

#endif
