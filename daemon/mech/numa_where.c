// SPDX-License-Identifier: GPL-2.0-or-later
/* Where pages are, and whether the kernel moves them by itself. Nothing is moved here. */
#include <errno.h>
#include <stdio.h>

#include "daemon/mech/doors.h"
#include "daemon/mech/image.h"
#include "proto/limits.h"

enum { WHERE_MAX = 512 /* pages asked for at once; on the stack */ };

static uint8_t tier_of(const struct numa_map *m, int node)
{
	for (unsigned int tier = 0; tier < HMM_LIMIT_TIERS; tier++)
		if (numa_on_tier(m, tier, node))
			return (uint8_t)tier;
	return NUMA_NO_TIER;
}

int numa_where(const struct numa_map *m, const struct image *of, const uint64_t *addrs, size_t n, uint8_t *ret_tiers)
{
	void *pages[WHERE_MAX];
	int nodes[WHERE_MAX], r;

	if (n > WHERE_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		pages[i] = (void *)(uintptr_t)addrs[i];
	r = n ? image_move_pages(of, n, pages, NULL, nodes, 0) : 0;
	for (size_t i = 0; i < n && !r; i++)
		ret_tiers[i] = tier_of(m, nodes[i]);
	return r;
}

/* Settings are numbers, or 0 or 1 by name; one that cannot be read is off. */
static bool is_on(const char *setting)
{
	FILE *f = fopen(setting, "re");
	char value[16] = "";

	if (!f)
		return false;
	if (!fgets(value, sizeof(value), f))
		value[0] = '\0';
	fclose(f);
	return value[0] == 't' || (value[0] >= '1' && value[0] <= '9');
}

bool numa_balancing(void)
{
	return is_on("/proc/sys/kernel/numa_balancing");
}

bool numa_demotion(void)
{
	return is_on("/sys/kernel/mm/numa/demotion_enabled");
}
