// SPDX-License-Identifier: GPL-2.0-or-later
/* A thin table over the memory device: the device wrapped is the device, so nothing is allocated here. */
#include <errno.h>
#include <stdatomic.h>

#include "tests/unit/failing_device.h"

struct failing failing;

void failing_reset(void)
{
	failing.fail_write = failing.fail_read = 0;
	failing.error = 0;
	failing.in_place = false;
	failing.writes = failing.reads = failing.discards = 0;
}

/* Counts down; an errno for the one that was meant. */
static int meant(_Atomic unsigned int *nth)
{
	unsigned int n = *nth;

	while (n && !atomic_compare_exchange_weak(nth, &n, n - 1))
		;
	if (n != 1)
		return 0;
	return failing.error ? -failing.error : -EIO;
}

static int failing_write(struct hmm_device *d, uint32_t slot, const void *buf)
{
	int r = meant(&failing.fail_write);

	failing.writes++;
	return r ? r : hmm_device_memory.write(d, slot, buf);
}

static int failing_read(struct hmm_device *d, uint32_t slot, void *buf)
{
	int r = meant(&failing.fail_read);

	failing.reads++;
	return r ? r : hmm_device_memory.read(d, slot, buf);
}

static int failing_open(struct hmm_device **ret, const struct hmm_device_config *c)
{
	return hmm_device_memory.open(ret, c);
}

static struct hmm_device *failing_close(struct hmm_device *d)
{
	return hmm_device_memory.close(d);
}

static void *failing_map(struct hmm_device *d, uint32_t slot)
{
	return failing.in_place ? hmm_device_memory.map(d, slot) : NULL;
}

static void failing_discard(struct hmm_device *d, uint32_t slot)
{
	(void)d;
	(void)slot;
	failing.discards++;
}

static int failing_fd(struct hmm_device *d)
{
	return hmm_device_memory.fd(d);
}

static bool failing_fresh(struct hmm_device *d)
{
	return hmm_device_memory.fresh(d);
}

const struct hmm_device_ops failing_device = {
	.kind = "failing", .open = failing_open, .close = failing_close, .write = failing_write, .read = failing_read,
	.map = failing_map, .discard = failing_discard, .fd = failing_fd,
	.fresh = failing_fresh
};
