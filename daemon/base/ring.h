/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bounded queue for any number of producers and consumers without a lock (the sequence-per-cell
 * design of Dmitry Vyukov). Elements are copied in and out. Used between the loop, the fault
 * service threads and the workers.
 */
#ifndef HMMD_BASE_RING_H
#define HMMD_BASE_RING_H

#include <stdbool.h>
#include <stddef.h>

struct ring;

/* count: a power of two; element: bytes, at most 80. -EINVAL, -ENOMEM. */
int ring_new(struct ring **ret, size_t count, size_t element);
struct ring *ring_free(struct ring *r);	/* what is still inside is the caller's to pop first */
bool ring_push(struct ring *r, const void *element);	/* false: full */
bool ring_pop(struct ring *r, void *ret_element);	/* false: empty, ret_element untouched */
size_t ring_count(const struct ring *r);		/* a snapshot, may be stale */

#endif
