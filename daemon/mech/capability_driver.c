// SPDX-License-Identifier: GPL-2.0-or-later
/* The doctor's line about the kernel driver: is it there, may we, what can it do here. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "daemon/mech/capability_own.h"
#include "daemon/mech/driver.h"

/* Built or not, loaded or not: the command that is missing. */
static void remedy(struct doctor_line *line)
{
	struct utsname u;
	char path[160];

	if (uname(&u) < 0)
		return;
	snprintf(path, sizeof(path), "/lib/modules/%.64s/build", u.release);
	if (access(path, F_OK) < 0)
		doctor_remedy(line, "apt install linux-headers-%.64s, then make -C drivers/kmod",
			      u.release);
	else
		doctor_remedy(
			line,
			"modprobe hmmdev; when it is not built: make -C drivers/kmod && insmod "
			"drivers/kmod/hmmdev.ko");
}

static void working(struct doctor_line *line, struct driver *d)
{
	struct hmmdev_dev_info info;
	char words[120];
	unsigned int n = 0;

	for (unsigned int dev = 0; dev < HMMDEV_MAX_DEVICES; dev++)
		n += driver_info(d, dev, &info) == 0;
	driver_describe(d->features, words, sizeof(words));
	if (!n) {
		doctor_say(line, DOCTOR_DEGRADED, "hmmdev is loaded but has no device; it can: %s",
			   words);
		doctor_remedy(line, "modprobe -r hmmdev, then load it with devices: hmmdev(4)");
	} else if (!(d->features & HMMDEV_FEATURE_THP)) {
		doctor_say(line, DOCTOR_DEGRADED, "%u devices, but huge pages move in pieces: %s",
			   n, words);
		doctor_remedy(line, "kernel 7.2 or later");
	} else {
		doctor_say(line, DOCTOR_OK, "%u devices for adopted memory: %s", n, words);
	}
}

void doctor_driver(struct doctor_line *line)
{
	struct driver *d;
	int r = driver_new(&d);

	if (r) {
		doctor_say(line, DOCTOR_MISSING, "%s", strerror(-r));
		return;
	}
	r = driver_open(d, HMMDEV_PATH);
	if (!r) {
		working(line, d);
	} else if (r == -EACCES || r == -EPERM) {
		doctor_say(line, DOCTOR_DEGRADED, HMMDEV_PATH ": %s: no tiers of kind kernel",
			   strerror(-r));
		doctor_remedy(line, "SupplementaryGroups=hmm in the unit of hmmd; the node's group "
				    "is set by a udev rule");
	} else if (r > 0) {
		doctor_say(line, DOCTOR_MISSING,
			   HMMDEV_PATH " is of another version or another driver");
		doctor_remedy(
			line,
			"modprobe -r hmmdev && modprobe hmmdev, from the same release as hmmd");
	} else {
		doctor_say(line, DOCTOR_MISSING,
			   HMMDEV_PATH
			   ": %s: no tiers of kind kernel, adopted memory stays on NUMA nodes",
			   strerror(-r));
		remedy(line);
	}
	driver_free(d);
}
