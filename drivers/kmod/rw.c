// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: What a device would read and write
 *
 * DEV_READ and DEV_WRITE stand in, for tests, for a device that works with its mirror: the bytes
 * come from and go to whatever the mirror's entries name, while the entry lock keeps the notifier
 * away. The user's buffer cannot be touched under that lock (a fault there may be an invalidation
 * here), so the bytes pass through a buffer between. Nothing is copied to the user before all that
 * is missing has been filled: a range that cannot be read leaves the user's buffer as it was.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "device.h"
#include "patience.h"
#include "space.h"

#define HMMDEV_BOUNCE_BYTES (64 * 1024U)	/* per hold of the entry lock: some 20 us */

struct hmmdev_transfer {
	struct hmmdev_space *space;
	struct hmmdev_device *dev;
	struct hmmdev_mirror *mirror;
	struct mm_struct *mm;
	struct hmmdev_rw *rw;
	void *bounce;
	bool write;
};

/* An anonymous page that lies in the swap cache would else be dropped with the device's write. */
static void hmmdev_transfer_dirty(struct page *page)
{
	if (!is_zone_device_page(page) && PageAnon(page))
		set_page_dirty(page);
}

/* The page of that address for this access, if the mirror has it. */
static struct page *hmmdev_transfer_find(struct hmmdev_transfer *t, u64 addr)
{
	struct hmmdev_entry entry;

	if (hmmdev_mirror_get(t->mirror, addr >> PAGE_SHIFT, &entry) ||
	    (t->write && !hmmdev_entry_write(entry)))
		return NULL;
	return pfn_to_page(hmmdev_entry_pfn(entry));
}

/* -ENODEV: the memory of a device has left. */
static int hmmdev_transfer_page(struct hmmdev_transfer *t, struct page *page, void *bounce)
{
	void *bytes = hmmdev_page_bytes(page);

	if (!bytes)
		return -ENODEV;
	if (!t->write) {
		memcpy(bounce, bytes, PAGE_SIZE);
		return 0;
	}
	memcpy(bytes, bounce, PAGE_SIZE);
	hmmdev_transfer_dirty(page);
	return 0;
}

/* Whole pages from addr on, as far as the mirror goes; how many bytes. */
static ssize_t hmmdev_transfer_pages(struct hmmdev_transfer *t, u64 addr, size_t bytes)
{
	struct page *page;
	size_t done = 0;
	int rc = 0;

	mutex_lock(&t->space->entries);
	while (done < bytes) {
		page = hmmdev_transfer_find(t, addr + done);
		if (page)
			rc = hmmdev_transfer_page(t, page, t->bounce + done);
		if (!page || rc)
			break;
		done += PAGE_SIZE;
	}
	mutex_unlock(&t->space->entries);
	return done ? done : rc;
}

/* Bytes moved; 0: the mirror lacks the next page. */
static ssize_t hmmdev_transfer_chunk(struct hmmdev_transfer *t)
{
	u64 at = t->rw->done;
	ssize_t bytes = min_t(u64, t->rw->len - at, HMMDEV_BOUNCE_BYTES);
	void __user *user = u64_to_user_ptr(t->rw->buf + at);

	if (t->write && copy_from_user(t->bounce, user, bytes))
		return -EFAULT;
	bytes = hmmdev_transfer_pages(t, t->rw->addr + at, bytes);
	if (!t->write && bytes > 0 && copy_to_user(user, t->bounce, bytes))
		return -EFAULT;
	return bytes;
}

static int hmmdev_transfer_fill(struct hmmdev_transfer *t)
{
	u32 access = t->write ? HMMDEV_ACCESS_WRITE : 0;

	if (t->rw->flags & HMMDEV_RW_UNLOCKED)
		access |= HMMDEV_ACCESS_UNLOCKED;
	t->rw->faults++;
	return hmmdev_mirror_fill(t->space, t->mm, t->dev, t->rw->addr + t->rw->done,
				  t->rw->addr + t->rw->len, access);
}

static int hmmdev_transfer_run(struct hmmdev_transfer *t)
{
	struct hmmdev_patience patience;
	ssize_t bytes;
	int rc;

	hmmdev_patience_start(&patience, 0);
	while (t->rw->done < t->rw->len) {
		bytes = hmmdev_transfer_chunk(t);
		if (bytes < 0)
			return bytes;
		t->rw->done += bytes;
		if (bytes) {
			hmmdev_patience_start(&patience, 0);
			continue;
		}
		if (hmmdev_patience_ends(&patience))
			return -EBUSY;
		rc = hmmdev_transfer_fill(t);
		if (rc)
			return rc;
	}
	return 0;
}

static int hmmdev_transfer_with_mm(struct hmmdev_transfer *t)
{
	int rc = hmmdev_mirror_of(t->space, t->dev->number, &t->mirror);

	if (rc)
		return rc;
	t->bounce = kvmalloc(HMMDEV_BOUNCE_BYTES, GFP_KERNEL_ACCOUNT);
	if (!t->bounce)
		return -ENOMEM;
	rc = hmmdev_transfer_run(t);
	kvfree(t->bounce);
	return rc;
}

static int hmmdev_device_rw(struct hmmdev_space *space, struct hmmdev_rw *rw, bool write)
{
	struct hmmdev_transfer t = { .space = space, .rw = rw, .write = write };
	int rc;

	rw->done = 0;
	rw->faults = 0;
	t.dev = hmmdev_device_get(rw->dev);
	if (!t.dev)
		return -ENODEV;
	rc = hmmdev_space_get_mm(space, &t.mm);
	if (!rc) {
		rc = hmmdev_transfer_with_mm(&t);
		mmput(t.mm);
	}
	hmmdev_device_put(t.dev);
	return rc;
}

int hmmdev_device_read(struct hmmdev_space *space, struct hmmdev_rw *rw)
{
	return hmmdev_device_rw(space, rw, false);
}

int hmmdev_device_write(struct hmmdev_space *space, struct hmmdev_rw *rw)
{
	return hmmdev_device_rw(space, rw, true);
}
