/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests whose answer is the end of an operation (a discard must have happened when Ok is sent). */
#ifndef HMMD_IO_AWAITED_H
#define HMMD_IO_AWAITED_H

#include <stdbool.h>
#include <stdint.h>

struct session;
struct op;

int awaited_add(struct session *s, uint64_t op, uint64_t request);	/* -ENOMEM */
/* true: a request waited for this operation and was answered. */
bool awaited_end(struct session *s, const struct op *op);
void awaited_drop_all(struct session *s);

#endif
