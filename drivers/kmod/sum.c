// SPDX-License-Identifier: GPL-2.0-only
/* Arithmetic on the counts of a migration. */
#include <linux/minmax.h>

#include "sum.h"

void hmmdev_sum_clear(struct hmmdev_migrate *sum)
{
	struct hmmdev_migrate request = *sum;

	*sum = (struct hmmdev_migrate){
		.size = request.size,
		.flags = request.flags,
		.addr = request.addr,
		.len = request.len,
		.dst_kind = request.dst_kind,
		.dst = request.dst,
		.timeslice_us = request.timeslice_us,
		.timeout_ms = request.timeout_ms,
	};
}

void hmmdev_sum_add(struct hmmdev_migrate *sum, const struct hmmdev_migrate *part)
{
	sum->moved += part->moved;
	sum->moved_thp += part->moved_thp;
	sum->split += part->split;
	sum->already += part->already;
	sum->skip_empty += part->skip_empty;
	sum->skip_pinned += part->skip_pinned;
	sum->skip_busy += part->skip_busy;
	sum->skip_shared += part->skip_shared;
	sum->skip_uffd += part->skip_uffd;
	sum->skip_nomem += part->skip_nomem;
	sum->skip_split += part->skip_split;
	sum->skip_elsewhere += part->skip_elsewhere;
	sum->ns_mm += part->ns_mm;
	sum->ns_copy += part->ns_copy;
}

/*
 * What was moved before and is there now counts as moved; what somebody took away in between has
 * been counted again, and a page counts once.
 */
void hmmdev_sum_again(struct hmmdev_migrate *sum, const struct hmmdev_migrate *before)
{
	__u64 stayed = min(sum->already, before->moved);

	sum->already -= stayed;
	sum->moved += stayed;
	sum->moved_thp += min(stayed, before->moved_thp);
	sum->split += before->split;
	sum->ns_mm += before->ns_mm;
	sum->ns_copy += before->ns_copy;
}

static void hmmdev_sum_explain(struct hmmdev_migrate *sum, __u64 *reason, __u64 pages)
{
	pages = min(pages, sum->skip_elsewhere);
	sum->skip_elsewhere -= pages;
	*reason += pages;
}

void hmmdev_sum_after_devices(struct hmmdev_migrate *sum, const struct hmmdev_migrate *devices)
{
	hmmdev_sum_again(sum, devices);
	hmmdev_sum_explain(sum, &sum->skip_busy, devices->skip_busy);
	hmmdev_sum_explain(sum, &sum->skip_nomem, devices->skip_nomem);
	hmmdev_sum_explain(sum, &sum->skip_pinned, devices->skip_pinned);
}

__u64 hmmdev_sum_pages(const struct hmmdev_migrate *sum)
{
	return sum->moved + sum->already + sum->skip_empty + sum->skip_pinned + sum->skip_busy +
	       sum->skip_shared + sum->skip_uffd + sum->skip_nomem + sum->skip_split +
	       sum->skip_elsewhere;
}
