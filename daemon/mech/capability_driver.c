// SPDX-License-Identifier: GPL-2.0-or-later
/* The doctor's line about the kernel driver: is it there, may we, what can it do here. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "daemon/mech/capability_own.h"
#include "daemon/mech/driver.h"

#define KMOD "hmmdev-" PACKAGE_VERSION

/* By what depmod(8) has found. */
static bool is_installed(const char *release)
{
	char path[160], *line = NULL;
	size_t room = 0;
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/lib/modules/%.64s/modules.dep", release);
	f = fopen(path, "re");
	while (f && !found && getline(&line, &room, f) > 0)
		found = strstr(line, "/hmmdev.ko") != NULL;
	free(line);
	if (f)
		fclose(f);
	return found;
}

bool doctor_signed_only(const char *enforce, const char *lockdown)
{
	return enforce[0] == 'Y' || strstr(lockdown, "[integrity]") || strstr(lockdown, "[confidentiality]");
}

/* Under Secure Boot the kernel locks itself down. */
static bool signed_only(void)
{
	char enforce[8] = "", lockdown[64] = "";

	doctor_read("/sys/module/module/parameters/sig_enforce", enforce, sizeof(enforce));
	doctor_read("/sys/kernel/security/lockdown", lockdown, sizeof(lockdown));
	return doctor_signed_only(enforce, lockdown);
}

/* Where make install has put the sources, for either prefix. */
static void remedy_build(struct doctor_line *line)
{
	if (access("/usr/src/" KMOD, F_OK) == 0)
		doctor_remedy(line, "dkms install hmmdev/" PACKAGE_VERSION " && modprobe hmmdev");
	else if (access("/usr/local/src/" KMOD, F_OK) == 0)
		doctor_remedy(line, "dkms add /usr/local/src/" KMOD " && dkms install hmmdev/" PACKAGE_VERSION
			      " && modprobe hmmdev");
	else
		doctor_remedy(line, "in the source tree of hmmd: make -C drivers/kmod && insmod drivers/kmod/hmmdev.ko");
}

/* Built or not, loaded or not: the command that is missing. */
static void remedy(struct doctor_line *line)
{
	struct utsname u;
	char path[160];

	if (uname(&u) < 0)
		return;
	snprintf(path, sizeof(path), "/lib/modules/%.64s/build", u.release);
	if (is_installed(u.release) && signed_only())
		doctor_remedy(line, "modprobe hmmdev; if its key is refused: mokutil --import /var/lib/dkms/mok.pub");
	else if (is_installed(u.release))
		doctor_remedy(line, "modprobe hmmdev");
	else if (access(path, F_OK) < 0)
		doctor_remedy(line, "apt install linux-headers-%.64s", u.release);
	else
		remedy_build(line);
}

static void missing(struct doctor_line *line, int r)
{
	doctor_say(line, DOCTOR_MISSING, HMMDEV_PATH ": %.40s: %s", strerror(-r),
		   signed_only() ? "this kernel loads signed modules only (Secure Boot), so the key of hmmdev must be "
				   "enrolled: see mokutil(1)"
				 : "no tiers of kind kernel, adopted memory stays on NUMA nodes");
	remedy(line);
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
		doctor_remedy(line, "modprobe -r hmmdev && modprobe hmmdev sysram=1G");
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
		doctor_remedy(line, "SupplementaryGroups=hmmdev in the unit of hmmd; the node's group "
				    "is set by a udev rule");
	} else if (r == DRIVER_E_VERSION) {
		doctor_say(line, DOCTOR_MISSING,
			   "the hmmdev that is loaded speaks version %u, this hmmd %u: no tiers of kind kernel",
			   d->api, HMMDEV_API_VERSION);
		doctor_remedy(line, "build and install the module of hmmd " PACKAGE_VERSION
				    ", then: modprobe -r hmmdev && modprobe hmmdev");
	} else if (r > 0) {
		doctor_say(line, DOCTOR_MISSING, HMMDEV_PATH " is of another driver");
		doctor_remedy(line, "modprobe -r hmmdev && modprobe hmmdev");
	} else {
		missing(line, r);
	}
	driver_free(d);
}
