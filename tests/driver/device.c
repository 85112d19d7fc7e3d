// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * DEV_INFO and DEV_CTL by a descriptor of their own, so that any process of a test may ask, and what
 * the bus of a device may be told.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

bool device_gone(uint32_t dev)
{
	return ask(HMMDEV_DEV_INFO, &(struct hmmdev_dev_info){ .dev = dev }) == -ENODEV;
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

#define FUNCTIONS "/sys/bus/pci/devices/"
#define DRIVER "/sys/bus/pci/drivers/hmmdev/"

uint32_t pci_config(const char *function, unsigned int offset)
{
	uint32_t word;
	char path[512];
	int fd;

	snprintf(path, sizeof(path), FUNCTIONS "%s/config", function);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	expect(fd >= 0);
	expect_is(pread(fd, &word, sizeof(word), offset), sizeof(word));
	close(fd);
	return word;
}

const char *pci_function(void)
{
	static char name[32];
	DIR *dir = opendir(FUNCTIONS);

	name[0] = '\0';
	for (struct dirent *e; dir && (e = readdir(dir));)
		if (e->d_name[0] != '.' && pci_config(e->d_name, 0) == 0x11101af4)
			snprintf(name, sizeof(name), "%.31s", e->d_name);
	if (dir)
		closedir(dir);
	return *name ? name : NULL;
}

uint32_t pci_device(void)
{
	uint32_t dev = 0;

	if (!pci_function())
		tap_skip("no PCI device");
	for (; dev < HMMDEV_MAX_DEVICES; dev++) {
		struct hmmdev_dev_info info = { .dev = dev };

		if (!ask(HMMDEV_DEV_INFO, &info) && info.source == HMMDEV_SOURCE_PCI &&
		    info.state == HMMDEV_STATE_ONLINE)
			break;
	}
	expect(dev < HMMDEV_MAX_DEVICES);
	return dev;
}

static unsigned int tell_bus(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	uint64_t start_ns = now_ns();

	expect(fd >= 0);
	expect_is(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	return (unsigned int)((now_ns() - start_ns) / 1000000);
}

unsigned int pci_unbind(const char *function)
{
	return tell_bus(DRIVER "unbind", function);
}

void pci_bind(const char *function)
{
	tell_bus(DRIVER "bind", function);
}

unsigned int pci_remove(const char *function)
{
	char path[512];

	snprintf(path, sizeof(path), FUNCTIONS "%s/remove", function);
	return tell_bus(path, "1");
}

void pci_reset(const char *function)
{
	char path[512];

	snprintf(path, sizeof(path), FUNCTIONS "%s/reset", function);
	if (access(path, W_OK))
		tap_skip("a function of this machine cannot be reset");
	tell_bus(path, "1");
}

void pci_rescan(const char *function)
{
	(void)function;
	tell_bus("/sys/bus/pci/rescan", "1");
}
