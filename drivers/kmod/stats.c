// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: What this kernel can do, and what a descriptor has done
 */
#include "compat.h"
#include "device.h"
#include "space.h"

static u64 hmmdev_features(void)
{
	u64 features = hmmdev_device_features() | HMMDEV_FEATURE_PIN;

	if (HMMDEV_CAN_EXCLUSIVE)
		features |= HMMDEV_FEATURE_EXCLUSIVE;
	if (HMMDEV_CAN_FAULT_UNLOCKED)
		features |= HMMDEV_FEATURE_UFFD_UNLOCKED;
	if (hmmdev_test)
		features |= HMMDEV_FEATURE_TEST;
	return features;
}

int hmmdev_query(struct hmmdev_space *space, struct hmmdev_query *query)
{
	query->api = HMMDEV_API_VERSION;
	query->ndev = hmmdev_device_count();
	query->features = hmmdev_features();
	query->huge_size = HMMDEV_HUGE_SIZE;
	query->max_window_pages = HMMDEV_MOVE_PAGES;
	return 0;
}

static u64 hmmdev_mirror_bytes(struct hmmdev_space *space)
{
	u64 tables = 0;
	u32 number;

	mutex_lock(&space->entries);
	for (number = 0; number < HMMDEV_MAX_DEVICES; number++)
		if (space->mirror[number])
			tables += hmmdev_mirror_tables(space->mirror[number]);
	mutex_unlock(&space->entries);
	return tables * PAGE_SIZE;
}

int hmmdev_stats(struct hmmdev_space *space, struct hmmdev_stats *stats)
{
	struct hmmdev_counters *count = &space->count;

	stats->dev_bytes = hmmdev_space_used(space, HMMDEV_LIMIT_DEV_BYTES);
	stats->pin_bytes = hmmdev_space_used(space, HMMDEV_LIMIT_PIN_BYTES);
	stats->moved_in = atomic64_read(&count->moved_in);
	stats->moved_out = atomic64_read(&count->moved_out);
	stats->cpu_faults = atomic64_read(&count->cpu_faults);
	stats->faulted_out = atomic64_read(&count->faulted_out);
	stats->splits = atomic64_read(&count->splits);
	stats->thrash = atomic64_read(&count->thrash);
	stats->excl_revoked = atomic64_read(&count->excl_revoked);
	stats->invalidations = atomic64_read(&count->invalidations);
	stats->events_lost = hmmdev_events_lost(space);
	stats->faults_failed = atomic64_read(&count->faults_failed);
	stats->mirror_bytes = hmmdev_mirror_bytes(space);
	return 0;
}
