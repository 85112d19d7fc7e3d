// SPDX-License-Identifier: GPL-2.0-only
/* Windows, in lengths rather than ends, so that nothing wraps at the top of the address space. */
#include "window.h"

#define HUGE_MASK (HMMDEV_HUGE_SIZE - 1)

int hmmdev_windows_init(struct hmmdev_windows *ws, u64 addr, u64 len, u32 max_pages)
{
	if (!len || (addr | len) % HMMDEV_PAGE_SIZE || !max_pages ||
	    max_pages % HMMDEV_HUGE_PAGES || max_pages > HMMDEV_WINDOW_MAX_PAGES)
		return -EINVAL;
	if (addr + len < addr)
		return -EOVERFLOW;
	*ws = (struct hmmdev_windows){
		.start = addr,
		.next = addr,
		.end = addr + len,
		.max_bytes = max_pages * HMMDEV_PAGE_SIZE,
	};
	return 0;
}

static u64 smaller(u64 a, u64 b)
{
	return a < b ? a : b;
}

int hmmdev_windows_next(struct hmmdev_windows *ws, struct hmmdev_window *ret_window)
{
	u64 left = ws->end - ws->next, into = ws->next & HUGE_MASK, bytes;
	bool whole = !into && left >= HMMDEV_HUGE_SIZE;

	if (!left)
		return HMMDEV_WINDOWS_E_END;
	if (whole)
		bytes = smaller(left & ~HUGE_MASK, ws->max_bytes);
	else
		bytes = smaller(left, HMMDEV_HUGE_SIZE - into);
	*ret_window = (struct hmmdev_window){
		.addr = ws->next,
		.end = ws->next + bytes,
		.whole = whole,
	};
	ws->next += bytes;
	return 0;
}

void hmmdev_windows_clip(struct hmmdev_windows *ws, struct hmmdev_window *w, u64 end)
{
	if (end >= w->end)
		return;
	w->end = end;
	w->whole = !((w->addr | end) & HUGE_MASK);
	ws->next = end;
}

u64 hmmdev_windows_deadline(u64 now_ns, u32 timeout_ms)
{
	u64 timeout_ns = timeout_ms * 1000000ULL;

	return !timeout_ms || timeout_ns > U64_MAX - now_ns ? U64_MAX : now_ns + timeout_ns;
}

bool hmmdev_windows_over(const struct hmmdev_windows *ws, u64 now_ns, u64 deadline_ns)
{
	return ws->next != ws->start && now_ns >= deadline_ns && deadline_ns != U64_MAX;
}
