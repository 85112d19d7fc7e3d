// SPDX-License-Identifier: GPL-2.0-or-later
/* DEV_INFO and DEV_CTL by a descriptor of their own, so that any process of a test may ask. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/driver/device.h"
#include "tests/driver/tap.h"

int call(int fd, unsigned long request, void *argument)
{
	int r;

	*(uint32_t *)argument = _IOC_SIZE(request);
	r = ioctl(fd, request, argument);
	return r < 0 ? -errno : r;
}

static int ask(unsigned long request, void *argument)
{
	int fd = open(HMMDEV_PATH, O_RDWR | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = call(fd, request, argument);
	close(fd);
	return r;
}

static uint32_t create(struct hmmdev_dev_ctl *ctl)
{
	ctl->op = HMMDEV_OP_CREATE;
	expect_is(ask(HMMDEV_DEV_CTL, ctl), 0);
	expect(ctl->dev < HMMDEV_MAX_DEVICES);
	return ctl->dev;
}

uint32_t device_private(uint64_t bytes)
{
	return create(&(struct hmmdev_dev_ctl){ .type = HMMDEV_TYPE_PRIVATE, .bytes = bytes, .nid = -1 });
}

/* From the start of the reserved range, one after the other. */
uint32_t device_coherent(uint64_t bytes)
{
	static uint64_t taken;
	const char *start = getenv("HMM_RESERVED_ADDR"), *size = getenv("HMM_RESERVED_SIZE");

	if (!start || !*start)
		tap_skip("no memory was reserved at boot");
	expect(taken + bytes <= strtoull(size, NULL, 0));
	taken += bytes;
	return create(&(struct hmmdev_dev_ctl){ .type = HMMDEV_TYPE_COHERENT, .bytes = bytes, .nid = -1,
						.source = HMMDEV_SOURCE_RESERVED,
						.phys = strtoull(start, NULL, 0) + taken - bytes });
}

struct hmmdev_dev_info device_info(uint32_t dev)
{
	struct hmmdev_dev_info info = { .dev = dev };

	expect_is(ask(HMMDEV_DEV_INFO, &info), 0);
	expect_is(info.free + info.used, info.bytes);
	return info;
}

int device_ctl(uint32_t dev, enum hmmdev_op op, uint64_t *ret_remaining)
{
	struct hmmdev_dev_ctl ctl = { .op = op, .dev = dev };
	int r = ask(HMMDEV_DEV_CTL, &ctl);

	if (ret_remaining)
		*ret_remaining = ctl.remaining;
	return r;
}

bool device_drain(uint32_t dev)
{
	uint64_t remaining = 0;
	int r = -EAGAIN;

	if (soon((r = device_ctl(dev, HMMDEV_OP_DRAIN, &remaining)) != -EAGAIN) && !r)
		return true;
	printf("# device %u: drain says %d, %llu bytes remain\n", dev, r, (unsigned long long)remaining);
	return false;
}

/* Memory of ended processes is given back by workers: not at once, but without being asked. */
static bool clear(uint32_t dev)
{
	struct hmmdev_dev_info info = { .dev = dev };

	if (ask(HMMDEV_DEV_INFO, &info) == -ENODEV)
		return true;
	if (info.state == HMMDEV_STATE_ONLINE &&
	    !soon((info.dev = dev, !ask(HMMDEV_DEV_INFO, &info) && !info.used))) {
		printf("# device %u: %llu bytes were never given back\n", dev, (unsigned long long)info.used);
		device_drain(dev);
		return false;
	}
	if (info.source == HMMDEV_SOURCE_PCI)
		return true;
	return device_drain(dev) && !device_ctl(dev, HMMDEV_OP_REMOVE, NULL);
}

bool devices_clear(void)
{
	bool all = true;

	if (access(HMMDEV_PATH, F_OK))
		return true;	/* the module is not loaded */
	for (uint32_t dev = 0; dev < HMMDEV_MAX_DEVICES; dev++)
		all &= clear(dev);
	return all;
}
