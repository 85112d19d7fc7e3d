// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Events
 *
 * A ring per descriptor (ring.h), made at open and guarded by a spin lock that is taken with
 * interrupts off: events come from notifiers in reclaim and from the freeing of device folios.
 * read() takes records out to the stack of the reader first, since copying to the user may fault
 * and the fault may be an event.
 */
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "space.h"

#define HMMDEV_READ_BATCH 8U	/* records taken per hold of the lock: half a KiB of stack */

void hmmdev_space_push(struct hmmdev_space *space, struct hmmdev_event *event)
{
	unsigned long flags;
	int rc;

	event->ts_ns = ktime_get_ns();
	spin_lock_irqsave(&space->events, flags);
	rc = hmmdev_ring_push(space->ring, event);
	spin_unlock_irqrestore(&space->events, flags);
	if (rc == 0 || rc == HMMDEV_RING_E_LOST)
		wake_up_interruptible(&space->readable);
}

void hmmdev_space_event(struct hmmdev_space *space, enum hmmdev_event_type type, u64 addr, u64 size,
			u32 dev, u32 order, u32 arg)
{
	struct hmmdev_event event = {
		.type = type,
		.order = order,
		.addr = addr,
		.size = size,
		.cookie = size ? hmmdev_range_cookie(space, addr) : 0,
		.dev = dev,
		.nid = NUMA_NO_NODE,
		.arg = arg,
	};

	hmmdev_space_push(space, &event);
}

/* Records are there, or none will ever be. */
static bool hmmdev_events_ready(struct hmmdev_space *space)
{
	unsigned long flags;
	bool ready;

	spin_lock_irqsave(&space->events, flags);
	/* Pairs with hmmdev_space_ended(). */
	ready = hmmdev_ring_count(space->ring) || smp_load_acquire(&space->ended);
	spin_unlock_irqrestore(&space->events, flags);
	return ready;
}

u64 hmmdev_events_lost(struct hmmdev_space *space)
{
	unsigned long flags;
	u64 lost;

	spin_lock_irqsave(&space->events, flags);
	lost = hmmdev_ring_lost(space->ring);
	spin_unlock_irqrestore(&space->events, flags);
	return lost;
}

/* Records to the user, as many as there are and fit. Records taken but not copied are lost. */
static ssize_t hmmdev_events_take(struct hmmdev_space *space, struct iov_iter *to, size_t records)
{
	struct hmmdev_event batch[HMMDEV_READ_BATCH];
	unsigned long flags;
	size_t done = 0;
	u32 n;

	while (done < records) {
		spin_lock_irqsave(&space->events, flags);
		n = hmmdev_ring_pop(space->ring, batch,
				    min_t(size_t, records - done, HMMDEV_READ_BATCH));
		spin_unlock_irqrestore(&space->events, flags);
		if (!n)
			break;
		if (copy_to_iter(batch, n * sizeof(*batch), to) != n * sizeof(*batch))
			return done ? done * sizeof(*batch) : -EFAULT;
		done += n;
	}
	return done * sizeof(*batch);
}

ssize_t hmmdev_event_read(struct hmmdev_space *space, struct iov_iter *to, bool wait)
{
	size_t records = iov_iter_count(to) / sizeof(struct hmmdev_event);
	ssize_t taken;
	bool ended;
	int rc;

	if (!records)
		return -EINVAL;
	for (;;) {
		/* Pairs with hmmdev_space_ended(): if it is true, the last record is there. */
		ended = smp_load_acquire(&space->ended);
		taken = hmmdev_events_take(space, to, records);
		if (taken || ended)
			return taken;
		if (!wait)
			return -EAGAIN;
		rc = wait_event_interruptible(space->readable, hmmdev_events_ready(space));
		if (rc)
			return rc;
	}
}

__poll_t hmmdev_event_poll(struct hmmdev_space *space, struct file *file, poll_table *wait)
{
	poll_wait(file, &space->readable, wait);
	return hmmdev_events_ready(space) ? EPOLLIN | EPOLLRDNORM : 0;
}
