// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which huge pages a process has mapped. PAGEMAP_SCAN (kernel 6.7) walks page tables once and answers in
 * regions; before it, one entry of 8 bytes per base page is read. Both know hugetlb pages.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/mech/doors.h"
#include "daemon/mech/image.h"
#include "daemon/mech/kernel.h"
#include "proto/ledger.h"

enum {
	REGIONS = 64,			/* of one scan; on the stack */
	ENTRIES = 512			/* base pages of a huge page */
};
#define ENTRY_PRESENT (1ULL << 63)
#define ENTRY_SWAPPED (1ULL << 62)

int pagemap_open(const struct image *of, int *ret_fd)
{
	return image_open(of, "pagemap", ret_fd);
}

typedef void region_fn(void *userdata, uint64_t addr, const struct page_region *r);

static void mark(void *userdata, uint64_t addr, const struct page_region *r)
{
	uint8_t *mapped = userdata;

	for (uint64_t at = r->start & ~(LEDGER_PAGE_SIZE - 1); at < r->end; at += LEDGER_PAGE_SIZE)
		mapped[(at - addr) >> LEDGER_PAGE_SHIFT] = 1;
}

static void add_up(void *userdata, uint64_t addr, const struct page_region *r)
{
	uint64_t *bytes = userdata;

	(void)addr;
	*bytes += r->end - r->start;
}

static int scan(int fd, uint64_t addr, uint64_t end, uint64_t category, region_fn *fn, void *userdata)
{
	struct page_region regions[REGIONS];
	uint64_t at = addr;

	while (at < end) {
		struct pm_scan_arg arg = {
			.size = sizeof(arg), .start = at, .end = end, .vec = (uintptr_t)regions, .vec_len = REGIONS,
			.category_mask = category, .return_mask = category
		};
		int n = ioctl(fd, PAGEMAP_SCAN, &arg);

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++)
			fn(userdata, addr, &regions[i]);
		if (n >= 0 && arg.walk_end <= at)
			break;
		if (n >= 0)
			at = arg.walk_end;
	}
	return 0;
}

static int read_entries(int fd, uint64_t addr, uint8_t *ret_mapped)
{
	uint64_t entries[ENTRIES];
	uint64_t base = LEDGER_PAGE_SIZE / ENTRIES;
	ssize_t n = pread(fd, entries, sizeof(entries), (off_t)(addr / base * sizeof(entries[0])));

	if (n < 0)
		return -errno;
	*ret_mapped = 0;
	for (size_t i = 0; i < (size_t)n / sizeof(entries[0]); i++)
		*ret_mapped |= !!(entries[i] & ENTRY_PRESENT);
	return 0;
}

static int read_all(int fd, uint64_t addr, uint64_t pages, uint8_t *mapped)
{
	int r = 0;

	for (uint64_t i = 0; i < pages && !r; i++)
		r = read_entries(fd, addr + (i << LEDGER_PAGE_SHIFT), &mapped[i]);
	return r;
}

int pagemap_mapped(int fd, uint64_t addr, uint64_t pages, uint8_t *ret_mapped)
{
	int r;

	memset(ret_mapped, 0, pages);
	r = scan(fd, addr, addr + (pages << LEDGER_PAGE_SHIFT), PAGE_IS_PRESENT, mark, ret_mapped);
	return r == -ENOTTY || r == -EINVAL ? read_all(fd, addr, pages, ret_mapped) : r;
}

/* Before 6.7, an entry at a time: who asks has found that something is not there. */
static int read_swapped(int fd, uint64_t addr, uint64_t end, uint64_t *ret_bytes)
{
	uint64_t entry, base = LEDGER_PAGE_SIZE / ENTRIES;

	for (; addr < end; addr += base) {
		if (pread(fd, &entry, sizeof(entry), (off_t)(addr / base * sizeof(entry))) < 0)
			return -errno;
		*ret_bytes += entry & ENTRY_SWAPPED ? base : 0;
	}
	return 0;
}

int pagemap_swapped(int fd, uint64_t addr, uint64_t end, uint64_t *ret_bytes)
{
	uint64_t bytes = 0;
	int r = scan(fd, addr, end, PAGE_IS_SWAPPED, add_up, &bytes);

	if (r == -ENOTTY || r == -EINVAL)
		r = read_swapped(fd, addr, end, &bytes);
	if (!r)
		*ret_bytes = bytes;
	return r;
}
