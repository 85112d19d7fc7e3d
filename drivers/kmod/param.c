// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Devices named on the command line of the module
 *
 * Devices named on the module's command line. They get the lowest free numbers, in the order of
 * sysram and then reserved; one that cannot be made fails the load, so that numbers mean what the
 * administrator thinks. DEV_CTL makes others later.
 */
#include <linux/module.h>
#include <linux/numa.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "device.h"

static char *sysram;
module_param(sysram, charp, 0444);
MODULE_PARM_DESC(sysram, "private devices made of system memory: SIZE[@NODE],...");

static char *reserved;
module_param(reserved, charp, 0444);
MODULE_PARM_DESC(reserved,
		 "devices in reserved memory: START:SIZE[:private|:coherent][@NODE],...");

/* "@NODE" at the end of an item is cut off. */
static int hmmdev_parse_nid(char *item, int *ret_nid)
{
	char *at = strchr(item, '@');

	*ret_nid = NUMA_NO_NODE;
	if (!at)
		return 0;
	*at = '\0';
	return kstrtoint(at + 1, 10, ret_nid);
}

static int hmmdev_parse_type(const char *name, enum hmmdev_type *ret_type)
{
	if (!*name || !strcmp(name, ":private"))
		*ret_type = HMMDEV_TYPE_PRIVATE;
	else if (!strcmp(name, ":coherent"))
		*ret_type = HMMDEV_TYPE_COHERENT;
	else
		return -EINVAL;
	return 0;
}

static int hmmdev_create_sysram(char *item)
{
	struct hmmdev_device_spec spec = {
		.type = HMMDEV_TYPE_PRIVATE,
		.source = HMMDEV_SOURCE_SYSRAM,
	};
	int rc = hmmdev_parse_nid(item, &spec.nid);
	char *rest;

	if (rc)
		return rc;
	spec.bytes = memparse(item, &rest);
	return *rest ? -EINVAL : hmmdev_device_create(&spec, NULL);
}

static int hmmdev_create_reserved(char *item)
{
	struct hmmdev_device_spec spec = { .source = HMMDEV_SOURCE_RESERVED };
	int rc = hmmdev_parse_nid(item, &spec.nid);
	char *rest;

	if (rc)
		return rc;
	spec.phys = memparse(item, &rest);
	if (*rest != ':')
		return -EINVAL;
	spec.bytes = memparse(rest + 1, &rest);
	rc = hmmdev_parse_type(rest, &spec.type);
	return rc ? rc : hmmdev_device_create(&spec, NULL);
}

static int hmmdev_create_each(const char *name, const char *list, int (*create)(char *item))
{
	char *copy, *items, *item;
	int rc = 0;

	if (!list)
		return 0;
	copy = kstrdup(list, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	items = copy;
	while (!rc && (item = strsep(&items, ","))) {
		rc = create(item);
		if (rc)
			pr_err("hmmdev: %s=%s: no device for '%s' (%d)\n", name, list, item, rc);
	}
	kfree(copy);
	return rc;
}

int hmmdev_param_create(void)
{
	int rc = hmmdev_create_each("sysram", sysram, hmmdev_create_sysram);

	return rc ? rc : hmmdev_create_each("reserved", reserved, hmmdev_create_reserved);
}
