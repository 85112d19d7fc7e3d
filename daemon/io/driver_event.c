// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the kernel driver tells about a client's memory. An event says that something happened, not
 * how it is now: it may be older than a move that was made since. So temperatures take the event,
 * and the books take what a look at the place finds.
 */
#include "daemon/core/adopted.h"
#include "daemon/io/kernel_tier.h"
#include "daemon/io/schedule.h"
#include "daemon/io/space_driver_own.h"

enum { REASON_UNMAP = 0 /* enum mmu_notifier_event of the kernel: munmap(2), mremap(2) */ };

typedef void piece_fn(struct space_driver *w, struct range *r, uint64_t addr, uint64_t end);

/* The pieces of watched ranges in which it happened. */
static void each_piece(struct space_driver *w, const struct hmmdev_event *e, piece_fn *fn)
{
	uint64_t last = e->size > HMM_LIMIT_ADDRESS - e->addr ? HMM_LIMIT_ADDRESS
							      : e->addr + e->size,
		 addr = e->addr, end;
	struct range *r;

	while (addr < last && (r = space_driver_next(w->space, addr)) && r->addr < last) {
		addr = addr > r->addr ? addr : r->addr;
		end = last < range_end(r) ? last : range_end(r);
		fn(w, r, addr, end);
		addr = end;
	}
}

static void look(struct space_driver *w, struct range *r, uint64_t addr, uint64_t end)
{
	if (!space_driver_look(w->daemon, r, addr, end))
		w->behind = true;
}

/* Something happened, nobody knows where. */
static void look_anew(struct space_driver *w)
{
	w->behind = true;
	w->cursor = 0;
}

static void touch(struct space_driver *w, struct range *r, uint64_t addr, uint64_t end)
{
	uint64_t now_us = daemon_now_us(w->daemon), vpn;

	for (vpn = addr >> LEDGER_PAGE_SHIFT; vpn <= (end - 1) >> LEDGER_PAGE_SHIFT; vpn++)
		range_filled(r, vpn, now_us, true);
	look(w, r, addr, end);
}

static void hold(struct space_driver *w, struct range *r, uint64_t addr, uint64_t end)
{
	uint64_t vpn;

	for (vpn = addr >> LEDGER_PAGE_SHIFT; vpn <= (end - 1) >> LEDGER_PAGE_SHIFT; vpn++)
		adopted_thrash(r, vpn, daemon_now_us(w->daemon));
	look(w, r, addr, end);
}

/* Whole huge pages are known to be nowhere now; what is left of others is looked at. */
static void forget(struct space_driver *w, struct range *r, uint64_t addr, uint64_t end)
{
	adopted_forget(r, (addr + LEDGER_PAGE_SIZE - 1) >> LEDGER_PAGE_SHIFT, end >> LEDGER_PAGE_SHIFT);
	if ((addr | end) & (LEDGER_PAGE_SIZE - 1))
		look(w, r, addr, end);
}

/* False: nothing comes after it. */
static bool happened(struct space_driver *w, const struct hmmdev_event *e)
{
	switch (e->type) {
	case HMMDEV_EVENT_CPU_FAULT:
		each_piece(w, e, touch);
		break;
	case HMMDEV_EVENT_EVICTED:
		if (e->addr)
			each_piece(w, e, look);
		else
			look_anew(w);
		break;
	case HMMDEV_EVENT_THRASH:
		each_piece(w, e, hold);
		break;
	case HMMDEV_EVENT_INVALIDATE:
		if (e->arg == REASON_UNMAP)
			each_piece(w, e, forget);
		break;
	case HMMDEV_EVENT_DEV_STATE:
		kernel_tiers_watch(w->daemon);
		break;
	case HMMDEV_EVENT_OVERFLOW:
		look_anew(w);
		break;
	case HMMDEV_EVENT_MM_EXIT:
		return false;
	default:
		break; /* EXCL_REVOKED, NEED_POPULATE: the program's affair, nothing moved */
	}
	return true;
}

/* One read a turn: a client whose memory goes to and fro must not keep the loop from the others. */
void driver_event_ready(uv_poll_t *poll, int status, int events)
{
	struct space_driver *w = poll->data;
	struct hmmdev_event e[DRIVER_EVENTS];
	struct daemon *d = w->daemon;
	size_t n = 0;
	bool on;

	(void)events;
	on = status >= 0 && driver_read(d->driver, w->space->driver, e, DRIVER_EVENTS, &n) == 0;
	for (size_t i = 0; i < n && on; i++)
		on = happened(w, &e[i]);
	if (!on)
		uv_poll_stop(poll);
	if (n)
		schedule_stir(d);
}
