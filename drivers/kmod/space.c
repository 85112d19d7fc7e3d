// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Address spaces: birth, references, death
 *
 * Everything that needs memory or may fail is made at open; afterwards an event, a charge or a last
 * put comes from contexts that can do neither. The last reference may go under a spin lock (a
 * device folio is freed), so a worker frees. The list of open spaces is only for telling them all
 * something; it holds no references, a space leaves it at close.
 */
#include <linux/cred.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "space.h"

static DEFINE_SPINLOCK(hmmdev_spaces_lock);
static LIST_HEAD(hmmdev_spaces);

static void hmmdev_space_parts_free(struct hmmdev_space *space)
{
	unsigned int i;

	for (i = 0; i < HMMDEV_MAX_DEVICES; i++)
		hmmdev_mirror_free(space->mirror[i]);
	hmmdev_thrash_free(space->thrash);
	hmmdev_ring_free(space->ring);
	kfree(space->inject);
	if (space->user)
		hmmdev_user_put(space->user);
	kfree(space);
}

static void hmmdev_space_free_work(struct work_struct *work)
{
	struct hmmdev_space *space = container_of(work, struct hmmdev_space, free_work);

	mmdrop(space->mm);
	hmmdev_space_parts_free(space);
}

/* A process that has ended needs nothing held for it, whoever still has its descriptor. */
static void hmmdev_space_exit_work(struct work_struct *work)
{
	struct hmmdev_space *space = container_of(work, struct hmmdev_space, exit_work);

	hmmdev_pins_clear(space);
	hmmdev_space_put(space);
}

static void hmmdev_space_init(struct hmmdev_space *space)
{
	kref_init(&space->refs);
	INIT_LIST_HEAD(&space->link);
	mutex_init(&space->exclusive);
	mutex_init(&space->populate);
	mutex_init(&space->entries);
	spin_lock_init(&space->events);
	spin_lock_init(&space->thrash_lock);
	init_waitqueue_head(&space->readable);
	mt_init_flags(&space->ranges, MT_FLAGS_USE_RCU);
	xa_init_flags(&space->pins, XA_FLAGS_ALLOC1);
	hmmdev_limit_init(&space->fd_limit, HMMDEV_MAX_RANGES);
	INIT_WORK(&space->exit_work, hmmdev_space_exit_work);
	INIT_WORK(&space->free_work, hmmdev_space_free_work);
}

static int hmmdev_space_parts_new(struct hmmdev_space *space)
{
	int rc = hmmdev_ring_new(HMMDEV_MAX_EVENTS, &space->ring);

	if (rc)
		return rc;
	rc = hmmdev_thrash_new(&space->thrash);
	if (rc)
		return rc;
	space->user = hmmdev_user_get(current_uid());
	if (!space->user)
		return -ENOMEM;
	return hmmdev_test ? hmmdev_injection_new(&space->inject) : 0;
}

struct hmmdev_space *hmmdev_space_open(void)
{
	struct hmmdev_space *space;
	unsigned long flags;
	int rc;

	if (!current->mm)
		return ERR_PTR(-EINVAL);
	space = kzalloc(sizeof(*space), GFP_KERNEL_ACCOUNT);
	if (!space)
		return ERR_PTR(-ENOMEM);
	hmmdev_space_init(space);
	rc = hmmdev_space_parts_new(space);
	if (!rc)
		rc = mmu_interval_notifier_insert(&space->notifier, current->mm, 0,
						  ULONG_MAX & PAGE_MASK, &hmmdev_notifier_ops);
	if (rc) {
		hmmdev_space_parts_free(space);
		return ERR_PTR(rc);
	}
	space->mm = current->mm;
	mmgrab(space->mm);
	spin_lock_irqsave(&hmmdev_spaces_lock, flags);
	list_add_tail(&space->link, &hmmdev_spaces);
	spin_unlock_irqrestore(&hmmdev_spaces_lock, flags);
	return space;
}

void hmmdev_space_close(struct hmmdev_space *space)
{
	unsigned long flags;

	spin_lock_irqsave(&hmmdev_spaces_lock, flags);
	list_del_init(&space->link);
	spin_unlock_irqrestore(&hmmdev_spaces_lock, flags);
	mmu_interval_notifier_remove(&space->notifier);
	hmmdev_pins_clear(space);
	hmmdev_ranges_clear(space);
	hmmdev_space_put(space);
}

void hmmdev_space_hold(struct hmmdev_space *space)
{
	kref_get(&space->refs);
}

static void hmmdev_space_last_put(struct kref *refs)
{
	struct hmmdev_space *space = container_of(refs, struct hmmdev_space, refs);

	queue_work(hmmdev_work, &space->free_work);
}

void hmmdev_space_put(struct hmmdev_space *space)
{
	kref_put(&space->refs, hmmdev_space_last_put);
}

int hmmdev_space_get_mm(struct hmmdev_space *space, struct mm_struct **ret_mm)
{
	if (!mmget_not_zero(space->mm))
		return -ESRCH;
	*ret_mm = space->mm;
	return 0;
}

void hmmdev_spaces_event(enum hmmdev_event_type type, u32 dev, u32 arg)
{
	struct hmmdev_space *space;
	unsigned long flags;

	spin_lock_irqsave(&hmmdev_spaces_lock, flags);
	list_for_each_entry(space, &hmmdev_spaces, link)
		hmmdev_space_event(space, type, 0, 0, dev, 0, arg);
	spin_unlock_irqrestore(&hmmdev_spaces_lock, flags);
}
