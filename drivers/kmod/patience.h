/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long it is worth asking again when an address space changes faster than it is read. Time
 * alone is over early where a processor is slow or shared; tries alone are where it is fast.
 */
#ifndef HMMDEV_PATIENCE_H
#define HMMDEV_PATIENCE_H

#include <linux/jiffies.h>

#define HMMDEV_PATIENCE_MS 1000U
#define HMMDEV_PATIENCE_TRIES 64U
#define HMMDEV_PATIENCE_MOST_MS (4 * HMMDEV_PATIENCE_MS)	/* however few tries that were */

struct hmmdev_patience {
	unsigned long until, at_last;
	unsigned int tries;
};

/* ms: what the caller allows; 0: a second, and more where that was enough for a few tries only. */
static inline void hmmdev_patience_start(struct hmmdev_patience *p, unsigned int ms)
{
	p->until = jiffies + msecs_to_jiffies(ms ?: HMMDEV_PATIENCE_MS);
	p->at_last = ms ? p->until : jiffies + msecs_to_jiffies(HMMDEV_PATIENCE_MOST_MS);
	p->tries = 0;
}

/* After a try that was in vain: was it the last? */
static inline bool hmmdev_patience_ends(struct hmmdev_patience *p)
{
	bool enough = ++p->tries >= HMMDEV_PATIENCE_TRIES;

	return time_after(jiffies, enough ? p->until : p->at_last);
}

#endif
