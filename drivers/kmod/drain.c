// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: DRAIN, ONLINE, REMOVE and CREATE
 *
 * A device's life after its creation: DRAIN empties it, ONLINE takes it back into use, REMOVE ends
 * it. A drain first stops the device from taking pages, so what it counts only falls; a page that
 * somebody else holds locked for the moment is tried again until the time is over, and the caller
 * may come back. Where the device has to be empty because its memory goes away, for a while or for
 * good, other drains end and nobody puts it online meanwhile. A signal ends it, but for the lock of a
 * program whose page is next: that ends with a fatal one only. Nothing is lost on the way.
 *
 * Requests come one after another (`ctl`); who has to make a device leave waits for none of them, nor
 * for the program that one of them waits for. Whatever they meet in is a change of the state.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "evict.h"
#include "space.h"

#define DRAIN_DEFAULT_MS 1000U
#define DRAIN_PAUSE_MS 1U	/* between two rounds that freed nothing: holders need some time */

struct hmmdev_draining {
	u32 timeout_ms;
	bool leaves;	/* by whoever makes the device leave, who must not wait for other drains */
	bool tries;	/* a lock that is not free is a reason to try again, not to wait for it */
};

static void hmmdev_set_state(struct hmmdev_device *dev, enum hmmdev_state state)
{
	if (dev->state == state)
		return;
	WRITE_ONCE(dev->state, state);
	hmmdev_spaces_event(HMMDEV_EVENT_DEV_STATE, dev->number, state);
}

static void hmmdev_set_taking(struct hmmdev_device *dev, bool taking)
{
	unsigned long flags;

	spin_lock_irqsave(&dev->lock, flags);
	if (taking)
		hmmdev_blocks_revive(dev->blocks);
	else
		hmmdev_blocks_retire(dev->blocks);
	spin_unlock_irqrestore(&dev->lock, flags);
}

/*
 * Where a device leaves, what does not come back in time is lost or nobody sleeps: as long as pages
 * come back, and memory is there that they can come from, it has time.
 */
static bool hmmdev_drain_lasts(struct hmmdev_device *dev, const struct hmmdev_draining *how)
{
	return how->leaves && !READ_ONCE(dev->gone);
}

/* For memory that has left nobody waits: it cannot be copied. */
static bool hmmdev_drain_waits(struct hmmdev_device *dev, const struct hmmdev_draining *how)
{
	return !how->tries && !READ_ONCE(dev->gone);
}

/* Every block once; did any page leave, by this or by whoever unmapped it meanwhile? */
static bool hmmdev_drain_round(struct hmmdev_device *dev, const struct hmmdev_draining *how,
			       bool wait, unsigned long deadline)
{
	struct hmmdev_blocks_cursor cursor = {};
	u64 used = hmmdev_device_used(dev), block;

	while (!signal_pending(current) && !hmmdev_evict_next(dev, &cursor, U64_MAX, &block)) {
		hmmdev_evict_block(dev, block, wait && hmmdev_drain_waits(dev, how), NULL);
		if (time_after(jiffies, deadline) && !hmmdev_drain_lasts(dev, how))
			break;
	}
	return hmmdev_device_used(dev) < used;
}

static bool hmmdev_is_away(struct hmmdev_device *dev)
{
	return READ_ONCE(dev->gone) || atomic_read(&dev->away);
}

/*
 * Locks that are not free are waited for only after a round in which nothing left, and nobody gives
 * up before such a round: who waits for one program does not bring back the pages of others.
 */
static int hmmdev_drain_until(struct hmmdev_device *dev, const struct hmmdev_draining *how)
{
	unsigned long patience = msecs_to_jiffies(how->timeout_ms);
	unsigned long deadline = jiffies + patience;
	bool wait = false;

	while (hmmdev_device_used(dev)) {
		bool fell = hmmdev_drain_round(dev, how, wait, deadline);
		bool more = !fell && !wait && hmmdev_drain_waits(dev, how);

		if (signal_pending(current))
			return -EINTR;
		if (!hmmdev_device_used(dev))
			break;
		if (fell && hmmdev_drain_lasts(dev, how))
			deadline = jiffies + patience;
		if ((time_after(jiffies, deadline) && !more) || (!how->leaves && hmmdev_is_away(dev)))
			return -EAGAIN;
		wait = !fell;
		if (!fell)
			msleep_interruptible(DRAIN_PAUSE_MS);
	}
	return 0;
}

static void hmmdev_stop_taking(struct hmmdev_device *dev)
{
	lockdep_assert_held(&dev->change);
	hmmdev_set_taking(dev, false);
	if (dev->state == HMMDEV_STATE_ONLINE)
		hmmdev_set_state(dev, HMMDEV_STATE_DRAINING);
}

/*
 * Not online again before its end: requests for that come after this one, or are refused where the
 * device leaves, and who has left comes back online only if no request to drain has come since.
 */
static int hmmdev_drain(struct hmmdev_device *dev, const struct hmmdev_draining *how)
{
	int rc;

	mutex_lock(&dev->change);
	dev->returns = how->leaves && (dev->returns || dev->state == HMMDEV_STATE_ONLINE);
	hmmdev_stop_taking(dev);
	mutex_unlock(&dev->change);
	rc = hmmdev_drain_until(dev, how);
	if (rc)
		return rc;
	mutex_lock(&dev->change);
	hmmdev_set_state(dev, HMMDEV_STATE_OFFLINE);
	mutex_unlock(&dev->change);
	return 0;
}

int hmmdev_drain_to_leave(struct hmmdev_device *dev, u32 timeout_ms, bool tries)
{
	struct hmmdev_draining how = { .timeout_ms = timeout_ms, .leaves = true, .tries = tries };

	/* Not online again between the drain and the end: it would go with pages in use. */
	atomic_inc(&dev->away);
	return hmmdev_drain(dev, &how);
}

static void hmmdev_set_online(struct hmmdev_device *dev)
{
	hmmdev_set_taking(dev, true);
	hmmdev_set_state(dev, HMMDEV_STATE_ONLINE);
}

void hmmdev_device_back(struct hmmdev_device *dev)
{
	mutex_lock(&dev->change);
	if (atomic_dec_and_test(&dev->away) && dev->returns && !READ_ONCE(dev->gone)) {
		dev->returns = false;
		hmmdev_set_online(dev);
	}
	mutex_unlock(&dev->change);
}

void hmmdev_device_fail(struct hmmdev_device *dev)
{
	atomic_inc(&dev->away);	/* ends the drains, which would wait for nothing */
	hmmdev_memory_detach(dev);
	mutex_lock(&dev->change);
	hmmdev_stop_taking(dev);
	mutex_unlock(&dev->change);
}

static int hmmdev_ctl_drain(struct hmmdev_device *dev, struct hmmdev_dev_ctl *ctl)
{
	struct hmmdev_draining how = { .timeout_ms = ctl->timeout_ms ? : DRAIN_DEFAULT_MS };
	int rc = mutex_lock_interruptible(&dev->ctl) ? -EINTR : 0;

	if (!rc) {
		rc = hmmdev_drain(dev, &how);
		mutex_unlock(&dev->ctl);
	}
	ctl->remaining = hmmdev_device_used(dev);
	return rc;
}

static int hmmdev_ctl_online(struct hmmdev_device *dev)
{
	int rc = -ENODEV;

	if (mutex_lock_interruptible(&dev->ctl))
		return -EINTR;
	mutex_lock(&dev->change);
	if (!hmmdev_is_away(dev)) {
		hmmdev_set_online(dev);
		rc = 0;
	}
	mutex_unlock(&dev->change);
	mutex_unlock(&dev->ctl);
	return rc;
}

static int hmmdev_ctl_remove(struct hmmdev_device *dev)
{
	int rc = -EBUSY;

	if (mutex_lock_interruptible(&dev->ctl))
		return -EINTR;
	mutex_lock(&dev->change);
	if (dev->state == HMMDEV_STATE_OFFLINE) {
		/* Whoever still has it cannot bring it online again. */
		WRITE_ONCE(dev->gone, true);
		rc = hmmdev_device_forget(dev);
	}
	mutex_unlock(&dev->change);
	mutex_unlock(&dev->ctl);
	return rc;
}

static int hmmdev_ctl_create(struct hmmdev_dev_ctl *ctl)
{
	struct hmmdev_device_spec spec = {
		.type = ctl->type,
		.source = ctl->source,
		.nid = ctl->nid,
		.bytes = ctl->bytes,
		.phys = ctl->phys,
	};
	struct hmmdev_device *dev;
	int rc;

	if (ctl->source == HMMDEV_SOURCE_PCI)
		return -EINVAL;
	rc = hmmdev_device_create(&spec, &dev);
	if (rc)
		return rc;
	ctl->dev = dev->number;
	hmmdev_device_put(dev);
	return 0;
}

static int hmmdev_ctl_existing(struct hmmdev_device *dev, struct hmmdev_dev_ctl *ctl)
{
	switch (ctl->op) {
	case HMMDEV_OP_DRAIN:
		return hmmdev_ctl_drain(dev, ctl);
	case HMMDEV_OP_ONLINE:
		return hmmdev_ctl_online(dev);
	case HMMDEV_OP_REMOVE:
		return hmmdev_ctl_remove(dev);
	default:
		return -EINVAL;
	}
}

int hmmdev_device_ctl(struct hmmdev_dev_ctl *ctl)
{
	struct hmmdev_device *dev;
	int rc;

	if (ctl->op == HMMDEV_OP_CREATE)
		return hmmdev_ctl_create(ctl);
	dev = hmmdev_device_get(ctl->dev);
	if (!dev)
		return -ENODEV;
	rc = hmmdev_ctl_existing(dev, ctl);
	hmmdev_device_put(dev);
	if (ctl->op == HMMDEV_OP_REMOVE)
		hmmdev_devices_settle();
	return rc;
}
