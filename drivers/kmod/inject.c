// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Injected failures
 *
 * Distribution kernels have no fault injection; with test=1 a descriptor may ask that its n-th next
 * allocation, copy or split, and `count` in all, fail. One counter per kind, made at open; without test=1
 * there is none and nothing is ever hit.
 */
#include <linux/slab.h>

#include "space.h"

#define HMMDEV_INJECT_KINDS (HMMDEV_INJECT_SPLIT + 1)

struct hmmdev_injection {
	spinlock_t lock;	/* guards what follows */
	struct {
		u32 skip;	/* operations that still succeed */
		u32 fail;	/* and those that fail after them */
		u32 flags;	/* HMMDEV_INJECT_HUGE_ONLY */
	} kind[HMMDEV_INJECT_KINDS];
};

int hmmdev_injection_new(struct hmmdev_injection **ret_injection)
{
	struct hmmdev_injection *injection = kzalloc(sizeof(*injection), GFP_KERNEL_ACCOUNT);

	if (!injection)
		return -ENOMEM;
	spin_lock_init(&injection->lock);
	*ret_injection = injection;
	return 0;
}

int hmmdev_inject(struct hmmdev_space *space, struct hmmdev_inject *inject)
{
	struct hmmdev_injection *injection = space->inject;
	unsigned long flags;

	if (inject->what >= HMMDEV_INJECT_KINDS)
		return -EINVAL;
	spin_lock_irqsave(&injection->lock, flags);
	injection->kind[inject->what].skip = inject->n ? inject->n - 1 : 0;
	injection->kind[inject->what].fail = inject->n ? max(inject->count, 1U) : 0;
	injection->kind[inject->what].flags = inject->flags;
	spin_unlock_irqrestore(&injection->lock, flags);
	return 0;
}

bool hmmdev_inject_hit(struct hmmdev_space *space, enum hmmdev_inject_what what,
		       unsigned int order)
{
	struct hmmdev_injection *injection = space->inject;
	unsigned long flags;
	bool hit = false;

	if (!injection)
		return false;
	spin_lock_irqsave(&injection->lock, flags);
	if (injection->kind[what].fail &&
	    (order || !(injection->kind[what].flags & HMMDEV_INJECT_HUGE_ONLY))) {
		hit = !injection->kind[what].skip;
		if (hit)
			injection->kind[what].fail--;
		else
			injection->kind[what].skip--;
	}
	spin_unlock_irqrestore(&injection->lock, flags);
	return hit;
}
