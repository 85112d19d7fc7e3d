/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many huge pages the machine may make for us (hugepages.c). All of it may be asked for a NULL, which has none. */
#ifndef HMMD_IO_HUGEPAGES_H
#define HMMD_IO_HUGEPAGES_H

#include <stdbool.h>
#include <stdint.h>

struct hugepages;
struct pool;
struct world;

/* -errno of hugepool_new(), -ENOMEM. */
int hugepages_new(struct hugepages **ret, const struct world *w);
struct hugepages *hugepages_free(struct hugepages *h);
/* Loop: the tiers or their capacities have changed, or `managed` bytes may have to be resident, whatever these are. */
void hugepages_set(struct hugepages *h, const struct world *w, uint64_t managed);
/* Loop: the memory device of a tier, which is opened once. */
void hugepages_add_file(struct hugepages *h, unsigned int tier, int fd);
/* Any thread: what is used may have changed. */
void hugepages_follow(struct hugepages *h);
/* A page came into this tier, whose pool it is. Any thread, in the middle of a fault: two loads as a rule. */
void hugepages_watch(struct hugepages *h, unsigned int tier, const struct pool *p);
/* Any thread: a page was refused. True: there may be more since *seen, which is the caller's. */
bool hugepages_more(struct hugepages *h, uint64_t *seen);

#endif
