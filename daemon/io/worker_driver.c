// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Moves of adopted memory through the kernel driver. Windows are bounded, so that neither the
 * program stands still for long nor a dying range is waited for. Room is taken before a window goes
 * to a device; a look then books what is really there out of it, and the rest is given back: no
 * limit is passed by what hmmd does.
 */
#include <errno.h>

#include "daemon/core/adopted.h"
#include "daemon/core/world.h"
#include "daemon/io/worker_driver.h"
#include "daemon/io/worker_node.h"
#include "daemon/mech/driver.h"

enum { BASE_PAGE = 4096 };
#define WINDOW ((uint64_t)DRIVER_LOOK_PAGES * LEDGER_PAGE_SIZE)

static struct driver *driver_of(const struct worker *w)
{
	return w->hand.crew->daemon->driver;
}

static int fd_of(const struct move *m)
{
	return m->range->space->driver;
}

static uint8_t tier_or_none(uint8_t tier)
{
	return tier == DRIVER_NO_TIER ? ADOPTED_NO_TIER : tier;
}

static void look_and_book(struct worker *w, const struct move *m, uint64_t addr, uint64_t end,
			  struct adopted_room *room)
{
	struct driver_seen seen[DRIVER_LOOK_PAGES];
	uint64_t first = addr >> LEDGER_PAGE_SHIFT,
		 n = ((end - 1) >> LEDGER_PAGE_SHIFT) - first + 1;
	uint64_t from = first << LEDGER_PAGE_SHIFT, to = (first + n) << LEDGER_PAGE_SHIFT;

	if (from < m->range->addr)
		from = m->range->addr;
	if (to > range_end(m->range))
		to = range_end(m->range);
	if (driver_look(driver_of(w), fd_of(m), from, to - from, seen))
		return;
	for (uint64_t i = 0; i < n; i++)
		adopted_book(m->range, first + i,
			     &(struct adopted_seen) { .memory = seen[i].memory,
						      .device = seen[i].device,
						      .node = tier_or_none(seen[i].node),
						      .dev = tier_or_none(seen[i].dev) },
			     room);
}

/*
 * What the huge pages of [addr, end) have now; whole ones, as far as the range has of them. One look
 * at a time, so that nobody books what was true before somebody else's move.
 */
static void look(struct worker *w, const struct move *m, uint64_t addr, uint64_t end,
		 struct adopted_room *room)
{
	pthread_mutex_t *mine = &w->hand.squad->looks[m->range->id % CREW_LOOKS];

	pthread_mutex_lock(mine);
	look_and_book(w, m, addr, end, room);
	pthread_mutex_unlock(mine);
}

/* The end of the window that begins at addr. */
static uint64_t window_end(uint64_t addr, uint64_t end)
{
	uint64_t next = (addr / WINDOW + 1) * WINDOW;

	return next < end ? next : end;
}

static bool goes_on(const struct worker *w, const struct move *m)
{
	return !atomic_load(&w->hand.squad->leave) && !worker_time_is_over(w) &&
	       (!atomic_load(&m->range->dying) || m->reason == REASON_OWN);
}

/*
 * These are about the piece that was asked for; any other error is about the device or the process.
 */
static bool only_here(int r)
{
	return r == 0 || r == -EAGAIN || r == -ENOENT || r == -EINVAL || r == -EFAULT;
}

/* What is left when the time is over goes back; when it cannot be done at all, it has failed. */
static void stopped_at(const struct worker *w, struct crew_result *result, uint64_t addr, uint64_t end, int r)
{
	if (addr < end && only_here(r) && worker_time_is_over(w))
		result->left = (uint32_t)((end - addr) / BASE_PAGE);
}

static void look_all(struct worker *w, const struct move *m, uint64_t addr, uint64_t end)
{
	for (uint64_t next; addr < end && goes_on(w, m); addr = next) {
		next = window_end(addr, end);
		look(w, m, addr, next, NULL);
	}
}

static void count(struct crew_result *result, const struct driver_moved *moved)
{
	result->moved += (uint32_t)(moved->moved / BASE_PAGE);
	result->already += (uint32_t)(moved->already / BASE_PAGE);
	result->busy += (uint32_t)(moved->busy / BASE_PAGE);
}

/*
 * Bytes of [addr, end) that would be new to the tier; what is seen of a huge page counts only when
 * all of it is meant.
 */
static uint64_t lacking(const struct move *m, uint64_t addr, uint64_t end)
{
	uint64_t bytes = end - addr, vpn = (addr + LEDGER_PAGE_SIZE - 1) >> LEDGER_PAGE_SHIFT;

	for (; (vpn + 1) << LEDGER_PAGE_SHIFT <= end; vpn++) {
		struct adopted_seen seen = adopted_last(m->range, vpn);

		if (seen.device && seen.dev == m->tier)
			bytes -= (uint64_t)seen.device * BASE_PAGE;
	}
	return bytes;
}

/* Room for [addr, end). False: there is none. */
static bool take_room(const struct move *m, uint64_t addr, uint64_t end, struct adopted_room *ret)
{
	uint64_t bytes = lacking(m, addr, end);

	if (bytes && pool_take(&m->range->space->account->pools[m->tier], bytes))
		return false;
	*ret = (struct adopted_room) { .tier = m->tier, .bytes = bytes };
	return true;
}

/* No device gives to another one: what the window has there comes back first. */
static void leave_others(struct worker *w, const struct move *m, uint64_t addr, uint64_t len,
			 unsigned int to)
{
	struct driver_moved moved;

	for (unsigned int dev = 0; dev < HMMDEV_MAX_DEVICES; dev++) {
		unsigned int tier = driver_of(w)->tier_of_device[dev];

		if (dev != to && tier != DRIVER_NO_TIER && atomic_load(&m->range->tier_bytes[tier]))
			driver_to_memory(driver_of(w), fd_of(m), addr, len, dev, &moved);
	}
}

/* What nobody asked for splits no huge page, where the kernel can move them whole. */
static bool stays_whole(const struct worker *w, const struct move *m)
{
	return m->reason != REASON_REQUEST && driver_of(w)->features & HMMDEV_FEATURE_THP;
}

/* Of the whole huge pages of [addr, end), as last seen: base pages that are neither in memory nor on a device. */
static uint32_t absent(const struct move *m, uint64_t addr, uint64_t end)
{
	uint64_t vpn = (addr + LEDGER_PAGE_SIZE - 1) >> LEDGER_PAGE_SHIFT;
	struct adopted_seen seen;
	uint32_t pages = 0;

	for (; (vpn + 1) << LEDGER_PAGE_SHIFT <= end; vpn++) {
		seen = adopted_last(m->range, vpn);
		pages += (uint32_t)(LEDGER_PAGE_SIZE / BASE_PAGE) - seen.memory - seen.device;
	}
	return pages;
}

static int put_window(struct worker *w, const struct move *m, uint64_t addr, uint64_t end,
		      struct adopted_room *room, struct crew_result *result)
{
	uint32_t untouched;

	unsigned int dev = driver_of(w)->device_of_tier[m->tier];
	uint64_t stay_us = m->range->policy->config.min_residency_us;
	struct driver_moved moved;
	int r;

	leave_others(w, m, addr, end - addr, dev);
	r = driver_to_device(driver_of(w), fd_of(m), addr, end - addr, dev, stay_us,
			     stays_whole(w, m), &moved);
	count(result, &moved);
	look(w, m, addr, end, room);
	untouched = absent(m, addr, end);
	result->untouched += untouched < moved.already / BASE_PAGE ? untouched : (uint32_t)(moved.already / BASE_PAGE);
	pool_give(&m->range->space->account->pools[m->tier], room->bytes);
	return r;
}

/*
 * Where a window does not fit it is tried by huge pages: some may fit, some may be there already.
 */
static void to_device(struct worker *w, const struct move *m, uint64_t addr, uint64_t end,
		      struct crew_result *result)
{
	int r = driver_of(w)->device_of_tier[m->tier] == DRIVER_NO_DEVICE ? -ENODEV : 0;
	struct adopted_room room;
	uint64_t next, page_end;

	for (; addr < end && only_here(r) && goes_on(w, m); addr = next) {
		next = window_end(addr, end);
		page_end = (addr | (LEDGER_PAGE_SIZE - 1)) + 1;
		if (!take_room(m, addr, next, &room)) {
			next = page_end < next ? page_end : next;
			if (!take_room(m, addr, next, &room)) {
				result->no_room += (uint32_t)((next - addr) / BASE_PAGE);
				continue;
			}
		}
		r = put_window(w, m, addr, next, &room, result);
	}
	stopped_at(w, result, addr, end, r);
}

/* From devices first; what is in memory then goes to the node that was asked for. */
static void to_node(struct worker *w, const struct move *m, uint64_t addr, uint64_t end,
		    struct crew_result *result)
{
	struct driver_moved moved, back = { 0 };
	unsigned int dev = m->leaves ? driver_of(w)->device_of_tier[m->leaves - 1] : DRIVER_NO_DEVICE;
	bool from_node = m->leaves && dev == DRIVER_NO_DEVICE;
	uint64_t next, at = from_node ? end : addr;
	struct move part = *m;
	uint32_t came, left;
	int r = 0;

	for (; at < end && only_here(r) && goes_on(w, m); at = next) {
		next = window_end(at, end);
		r = driver_to_memory(driver_of(w), fd_of(m), at, next - at, dev, &moved);
		back.moved += moved.moved;
		back.already += moved.already;
		back.busy += moved.busy;
	}
	w->slice_ends_ns = 0;	/* what was begun is finished */
	left = at < end && only_here(r) && !atomic_load(&m->range->dying) ? (uint32_t)((end - at) / BASE_PAGE) : 0;
	end -= (uint64_t)left * BASE_PAGE;
	if (addr < end) {
		move_set_area(&part, addr, end);
		worker_move_span(w, &part, result);
	}
	result->left = left;
	if (addr == end)
		return;
	came = (uint32_t)(back.moved / BASE_PAGE);
	if (came > result->already)
		came = result->already;
	result->already -= came;
	result->moved += came;
	if (!result->moved && !result->already && !result->busy && !result->failed)
		count(result, &back); /* this machine moves nothing between nodes */
	look_all(w, m, addr, end);
}

static void pin(struct worker *w, const struct move *m, uint64_t addr, uint64_t end,
		struct crew_result *result)
{
	if (!driver_pin(driver_of(w), fd_of(m), addr, end - addr, &result->move.pin))
		result->moved = (uint32_t)((end - addr) / BASE_PAGE);
	look_all(w, m, addr, end);
}

static void exclusive(struct worker *w, const struct move *m, uint64_t addr, uint64_t end,
		      struct crew_result *result)
{
	unsigned int dev = driver_of(w)->device_of_tier[m->tier];
	uint64_t next, bytes;
	int r = dev == DRIVER_NO_DEVICE ? -ENODEV : 0;

	for (; addr < end && !r && goes_on(w, m); addr = next) {
		next = window_end(addr, end);
		r = driver_exclusive(driver_of(w), fd_of(m), addr, next - addr, dev,
				     m->kind == MOVE_EXCLUSIVE, &bytes);
		result->moved += (uint32_t)(bytes / BASE_PAGE);
		if (r == -EBUSY || r == -EAGAIN)
			result->busy += (uint32_t)((next - addr - bytes) / BASE_PAGE);
		else if (!r && m->kind == MOVE_SHARED)
			result->already += (uint32_t)((next - addr - bytes) / BASE_PAGE);
		if (r == -EBUSY || r == -EAGAIN)
			r = 0;
	}
	stopped_at(w, result, addr, end, r);
}

void worker_adopted(struct worker *w, const struct move *m, struct crew_result *result)
{
	uint64_t addr, end;

	move_area(m, &addr, &end);
	if (addr >= end)
		return;
	if (!atomic_load(&m->range->adopted)) {
		worker_move_span(w, m, result);
		return;
	}
	switch (m->kind) {
	case MOVE_EVICT:
		to_device(w, m, addr, end, result);
		break;
	case MOVE_NODE:
		to_node(w, m, addr, end, result);
		break;
	case MOVE_PIN:
		pin(w, m, addr, end, result);
		break;
	case MOVE_UNPIN:
		driver_unpin(driver_of(w), fd_of(m), m->pin);
		break;
	case MOVE_EXCLUSIVE:
	case MOVE_SHARED:
		exclusive(w, m, addr, end, result);
		break;
	case MOVE_LOOK:
		look_all(w, m, addr, end);
		break;
	}
}
