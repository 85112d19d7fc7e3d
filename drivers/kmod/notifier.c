// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Keeping the mirrors true
 *
 * One interval notifier over the whole address space. Whatever the reason of an invalidation, the
 * entries go and the sequence is set: an own migration too, because the device finds its pages
 * again by asking, and a stale entry of another device would be fatal. So that EXCL_ACQUIRE does
 * not invalidate itself for ever it looks at a notifier of its own (excl.c).
 *
 * The callback runs in reclaim, under the locks of who changes the mapping: it allocates nothing,
 * and where it may not sleep it gives up rather than wait for the entries.
 */
#include <linux/mmu_notifier.h>

#include "space.h"

static u64 hmmdev_mirror_forget(struct hmmdev_mirror *mirror, u64 first, u64 last, bool drop)
{
	if (drop)
		return hmmdev_mirror_drop(mirror, first, last).excl;
	return hmmdev_mirror_clear(mirror, first, last).excl;
}

void hmmdev_mirrors_clear(struct hmmdev_space *space, u64 first, u64 last, bool drop)
{
	unsigned int i;
	u64 excl;

	lockdep_assert_held(&space->entries);
	for (i = 0; i < HMMDEV_MAX_DEVICES; i++) {
		if (!space->mirror[i])
			continue;
		excl = hmmdev_mirror_forget(space->mirror[i], first, last, drop);
		if (!excl)
			continue;
		atomic64_add(excl, &space->count.excl_revoked);
		hmmdev_space_event(space, HMMDEV_EVENT_EXCL_REVOKED, first << PAGE_SHIFT,
				   (last - first + 1) << PAGE_SHIFT, i, 0,
				   min_t(u64, excl, U32_MAX));
	}
}

static bool hmmdev_owner_is_mirror(struct hmmdev_space *space, const void *owner)
{
	unsigned int i;

	for (i = 0; i < HMMDEV_MAX_DEVICES; i++)
		if (owner && space->mirror[i] == owner)
			return true;
	return false;
}

/* What a device driver or this space's EXCL_ACQUIRE does is no news to who reads the events. */
static bool hmmdev_invalidation_is_news(struct hmmdev_space *space,
					const struct mmu_notifier_range *range)
{
	if (range->event == MMU_NOTIFY_MIGRATE)
		return !range->owner;
	if (range->event == MMU_NOTIFY_EXCLUSIVE)
		return !hmmdev_owner_is_mirror(space, range->owner);
	return true;
}

static void hmmdev_space_ended(struct hmmdev_space *space)
{
	hmmdev_space_event(space, HMMDEV_EVENT_MM_EXIT, 0, 0, HMMDEV_DEV_NONE, 0, 0);
	smp_store_release(&space->ended, true);	/* pairs with the reader: after the last record */
	wake_up_interruptible(&space->readable);
	hmmdev_space_hold(space);
	if (!queue_work(hmmdev_work, &space->exit_work))
		hmmdev_space_put(space);
}

static bool hmmdev_notifier_invalidate(struct mmu_interval_notifier *notifier,
				       const struct mmu_notifier_range *range,
				       unsigned long cur_seq)
{
	struct hmmdev_space *space = container_of(notifier, struct hmmdev_space, notifier);
	bool drop = range->event == MMU_NOTIFY_UNMAP || range->event == MMU_NOTIFY_RELEASE;

	if (mmu_notifier_range_blockable(range))
		mutex_lock(&space->entries);
	else if (!mutex_trylock(&space->entries))
		return false;
	mmu_interval_set_seq(notifier, cur_seq);
	hmmdev_mirrors_clear(space, range->start >> PAGE_SHIFT, (range->end - 1) >> PAGE_SHIFT,
			     drop);
	atomic64_inc(&space->count.invalidations);
	if (range->event == MMU_NOTIFY_RELEASE)
		hmmdev_space_ended(space);
	else if (hmmdev_invalidation_is_news(space, range))
		hmmdev_ranges_invalidated(space, range->start, range->end, range->event);
	mutex_unlock(&space->entries);
	return true;
}

const struct mmu_interval_notifier_ops hmmdev_notifier_ops = {
	.invalidate = hmmdev_notifier_invalidate,
};
