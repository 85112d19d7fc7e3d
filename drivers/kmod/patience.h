/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long it is worth asking again when an address space changes faster than it is read. Time alone
 * is over early where a processor is slow or shared by many; tries alone are where it is fast.
 */
#ifndef HMMDEV_PATIENCE_H
#define HMMDEV_PATIENCE_H

#include <linux/jiffies.h>

#define HMMDEV_PATIENCE_MS 1000U
#define HMMDEV_PATIENCE_TRIES 64U

struct hmmdev_patience {
	unsigned long until;
	unsigned int tries;
};

static inline void hmmdev_patience_start(struct hmmdev_patience *p, unsigned int ms)
{
	p->until = jiffies + msecs_to_jiffies(ms);
	p->tries = 0;
}

/* After a try that was in vain: was it the last? */
static inline bool hmmdev_patience_ends(struct hmmdev_patience *p)
{
	return ++p->tries >= HMMDEV_PATIENCE_TRIES && time_after(jiffies, p->until);
}

#endif
