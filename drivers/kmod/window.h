/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cuts [addr, addr + len) into the windows that are worked on under one hold of the mmap lock: up
 * to the next 2 MiB boundary, then whole huge pages up to the maximum, then the rest. So every huge
 * page that lies wholly in the range lies wholly in one window, and moves whole.
 *
 *	rc = hmmdev_windows_init(&ws, addr, len, max_pages);
 *	while (!rc && !hmmdev_windows_over(&ws, now_ns, deadline_ns) &&
 *	       !hmmdev_windows_next(&ws, &w)) {
 *		... mmap_read_lock, look the VMA up ...
 *		hmmdev_windows_clip(&ws, &w, vma->vm_end);
 *		...
 *	}
 *	next = ws.next;
 */
#ifndef HMMDEV_WINDOW_H
#define HMMDEV_WINDOW_H

#include "pure.h"

/* Pages that one window may have: 16 MiB, so that others get the mmap lock in between. */
#define HMMDEV_WINDOW_MAX_PAGES 4096U

struct hmmdev_window {
	u64 addr;
	u64 end;	/* first byte after it */
	bool whole;	/* consists of whole huge pages */
};

struct hmmdev_windows {
	u64 start;
	u64 next;	/* where the next window begins: everything before it was given out */
	u64 end;
	u64 max_bytes;
};

enum {
	HMMDEV_WINDOWS_E_END = 1
};

/*
 * max_pages: a multiple of 512, at most HMMDEV_WINDOW_MAX_PAGES. -EINVAL: it is not, len is 0, addr
 * or len is no multiple of the page size; -EOVERFLOW: addr + len wraps.
 */
int hmmdev_windows_init(struct hmmdev_windows *ws, u64 addr, u64 len, u32 max_pages);
/* 0 or HMMDEV_WINDOWS_E_END. */
int hmmdev_windows_next(struct hmmdev_windows *ws, struct hmmdev_window *ret_window);
/*
 * The window just given ends at `end` (of a VMA) if that comes first; the rest comes again. `end`
 * is a multiple of the page size above w->addr.
 */
void hmmdev_windows_clip(struct hmmdev_windows *ws, struct hmmdev_window *w, u64 end);

/* The time to stop at; timeout_ms 0 is never (U64_MAX). */
u64 hmmdev_windows_deadline(u64 now_ns, u32 timeout_ms);
/* Time to stop? Never before the first window: each call makes progress, however short its time. */
bool hmmdev_windows_over(const struct hmmdev_windows *ws, u64 now_ns, u64 deadline_ns);

static inline u32 hmmdev_window_pages(const struct hmmdev_window *w)
{
	return (u32)((w->end - w->addr) >> HMMDEV_PAGE_SHIFT);
}

#endif
