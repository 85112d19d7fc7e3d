/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A lock-free set of device slots: a bitmap with a hint. Any thread takes and gives. */
#ifndef HMMD_BASE_SLOTS_H
#define HMMD_BASE_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

struct slots;

enum { SLOTS_E_FULL = 1 };

int slots_new(struct slots **ret, uint32_t count);	/* -EINVAL for 0, -ENOMEM */
struct slots *slots_free(struct slots *s);
int slots_take(struct slots *s, uint32_t *ret_slot);	/* 0 or SLOTS_E_FULL */
int slots_take_at(struct slots *s,
		  uint32_t slot); /* recovery: 0, SLOTS_E_FULL if taken already, -ERANGE */
void slots_give(struct slots *s, uint32_t slot);	/* asserts that it was taken */
uint32_t slots_used(const struct slots *s);
uint32_t slots_count(const struct slots *s);

#endif
