// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where memory is (driver.h), from the runs of a snapshot. A private device sees its own pages and
 * not those of another one, so each device that is a tier looks once; what is in memory is counted
 * the first time.
 */
#include <errno.h>

#include "daemon/mech/driver.h"
#include "proto/ledger.h"

enum {
	BASE_SHIFT = 12,
	RUNS = 128 /* 3 KiB of stack; 16 huge pages are 16 runs when they are whole */
};

struct look {
	struct driver *driver;
	uint64_t addr, end;
	bool first; /* the first device that looks */
	struct driver_seen *seen;
};

static void add_pages(const struct look *k, struct driver_seen *s,
		      const struct hmmdev_snap_ent *run, uint16_t n)
{
	if (run->where == HMMDEV_WHERE_SYS && k->first) {
		s->memory = (uint16_t)(s->memory + n);
		s->node = run->unit < DRIVER_NODES ? k->driver->tier_of_node[run->unit]
						   : DRIVER_NO_TIER;
	} else if (run->where == HMMDEV_WHERE_LOCAL && run->unit < HMMDEV_MAX_DEVICES) {
		s->device = (uint16_t)(s->device + n);
		s->dev = k->driver->tier_of_device[run->unit];
	}
}

/* The part of a run in each huge page that it touches. */
static void add_run(const struct look *k, const struct hmmdev_snap_ent *run)
{
	uint64_t addr = run->addr, end = addr + ((uint64_t)run->npages << BASE_SHIFT), next, first;

	if (addr < k->addr)
		addr = k->addr;
	if (end > k->end)
		end = k->end;
	for (first = k->addr >> LEDGER_PAGE_SHIFT; addr < end; addr = next) {
		next = (addr | (LEDGER_PAGE_SIZE - 1)) + 1;
		if (next > end)
			next = end;
		add_pages(k, &k->seen[(addr >> LEDGER_PAGE_SHIFT) - first], run,
			  (uint16_t)((next - addr) >> BASE_SHIFT));
	}
}

static int look_as(const struct look *k, int fd, unsigned int dev)
{
	struct hmmdev_snap_ent runs[RUNS];
	struct hmmdev_snap snap = {
		.size = sizeof(snap), .vec = (uintptr_t)runs, .vec_n = RUNS, .dev = dev
	};
	uint64_t addr = k->addr;
	int r;

	while (addr < k->end) {
		snap.addr = addr;
		snap.len = k->end - addr;
		snap.out_n = 0;
		r = k->driver->ops->call(k->driver, fd, HMMDEV_SNAPSHOT, &snap);
		if (r)
			return r;
		for (uint32_t i = 0; i < snap.out_n && i < RUNS; i++)
			add_run(k, &runs[i]);
		if (snap.next <= addr)
			return -EIO; /* a driver that makes no progress must not hold a thread */
		addr = snap.next;
	}
	return 0;
}

int driver_look(struct driver *d, int fd, uint64_t addr, uint64_t len, struct driver_seen *ret)
{
	struct look k = {
		.driver = d, .addr = addr, .end = addr + len, .first = true, .seen = ret
	};
	uint64_t n = len ? ((k.end - 1) >> LEDGER_PAGE_SHIFT) - (addr >> LEDGER_PAGE_SHIFT) + 1 : 0;
	int r = 0;

	if (n > DRIVER_LOOK_PAGES)
		return -EINVAL;
	for (uint64_t i = 0; i < n; i++)
		ret[i] = (struct driver_seen) { .node = DRIVER_NO_TIER, .dev = DRIVER_NO_TIER };
	for (unsigned int dev = 0; dev < HMMDEV_MAX_DEVICES && !r; dev++) {
		if (d->tier_of_device[dev] == DRIVER_NO_TIER)
			continue;
		r = look_as(&k, fd, dev);
		k.first = false;
	}
	return r;
}
