// SPDX-License-Identifier: GPL-2.0-only
/*
 * The history of the blocks of an address space. Times come from callers that read the clock before
 * they took the lock, so a time may lie a little before one seen earlier: that counts as no time.
 */
#include "thrash.h"

struct slot {
	u64 block;	/* address / 2 MiB */
	u64 until_ns;	/* when its stay is over, 0: not on a device */
	u64 moved_ns;	/* when it last went or came */
	u64 epoch_ns;	/* when the epoch of `returns` began */
	u64 quiet_ns;	/* doublings were last changed */
	u32 returns;	/* early ones in the epoch */
	u32 doublings;
};

struct hmmdev_thrash {
	struct slot slot[HMMDEV_THRASH_SLOTS];
};

int hmmdev_thrash_new(struct hmmdev_thrash **ret_thrash)
{
	struct hmmdev_thrash *t = hmmdev_zalloc(sizeof(*t));

	if (!t)
		return -ENOMEM;
	*ret_thrash = t;
	return 0;
}

void hmmdev_thrash_free(struct hmmdev_thrash *t)
{
	hmmdev_zfree(t);
}

static u64 lapse(u64 from_ns, u64 to_ns)
{
	return to_ns > from_ns ? to_ns - from_ns : 0;
}

static struct slot *slot_of(struct hmmdev_thrash *t, u64 block)
{
	return &t->slot[block % HMMDEV_THRASH_SLOTS];
}

/* Makes the slot the block's, if it is not in use by another. */
static bool slot_claim(struct slot *s, u64 block, u64 now_ns)
{
	if (s->moved_ns && s->block == block)
		return true;
	if (s->moved_ns && lapse(s->moved_ns, now_ns) < HMMDEV_THRASH_EPOCH_NS)
		return false;
	*s = (struct slot){ .block = block, .epoch_ns = now_ns, .quiet_ns = now_ns };
	return true;
}

static void slot_calm(struct slot *s, u64 now_ns)
{
	u64 epochs = lapse(s->quiet_ns, now_ns) / HMMDEV_THRASH_EPOCH_NS;

	s->quiet_ns += epochs * HMMDEV_THRASH_EPOCH_NS;
	s->doublings -= epochs < s->doublings ? (u32)epochs : s->doublings;
}

static u64 stay_end(u64 now_ns, u64 stay_ns, u32 doublings)
{
	u64 longest = HMMDEV_THRASH_MAX_STAY_NS;

	stay_ns = stay_ns < longest ? stay_ns << doublings : longest;
	stay_ns = stay_ns < longest ? stay_ns : longest;
	return stay_ns < U64_MAX - now_ns ? now_ns + stay_ns : U64_MAX;
}

u64 hmmdev_thrash_placed(struct hmmdev_thrash *t, u64 addr, u64 now_ns, u64 stay_ns)
{
	u64 block = addr / HMMDEV_HUGE_SIZE;
	struct slot *s = slot_of(t, block);

	if (!slot_claim(s, block, now_ns))
		return stay_end(now_ns, stay_ns, 0);
	slot_calm(s, now_ns);
	s->moved_ns = now_ns;
	s->until_ns = stay_end(now_ns, stay_ns, s->doublings);
	return s->until_ns;
}

static int returned_early(struct slot *s, u64 now_ns, u32 *ret_count)
{
	if (lapse(s->epoch_ns, now_ns) >= HMMDEV_THRASH_EPOCH_NS) {
		s->epoch_ns = now_ns;
		s->returns = 0;
	}
	s->returns++;
	s->doublings += s->doublings < HMMDEV_THRASH_MAX_DOUBLINGS;
	s->quiet_ns = now_ns;
	if (s->returns < HMMDEV_THRASH_RETURNS)
		return HMMDEV_THRASH_E_EARLY;
	*ret_count = s->returns;
	return HMMDEV_THRASH_E_THRASH;
}

int hmmdev_thrash_returned(struct hmmdev_thrash *t, u64 addr, u64 now_ns, u32 *ret_count)
{
	u64 block = addr / HMMDEV_HUGE_SIZE;
	struct slot *s = slot_of(t, block);
	bool early = s->block == block && now_ns < s->until_ns;

	if (s->block != block)
		return 0;
	s->until_ns = 0;
	s->moved_ns = now_ns;
	return early ? returned_early(s, now_ns, ret_count) : 0;
}
