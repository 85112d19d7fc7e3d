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

int pagemap_open(const struct image *of, int *ret_fd)
{
	return image_open(of, "pagemap", ret_fd);
}

static void mark(uint8_t *mapped, uint64_t addr, const struct page_region *r)
{
	for (uint64_t at = r->start & ~(LEDGER_PAGE_SIZE - 1); at < r->end; at += LEDGER_PAGE_SIZE)
		mapped[(at - addr) >> LEDGER_PAGE_SHIFT] = 1;
}

static int scan(int fd, uint64_t addr, uint64_t pages, uint8_t *mapped)
{
	struct page_region regions[REGIONS];
	uint64_t at = addr, end = addr + (pages << LEDGER_PAGE_SHIFT);

	while (at < end) {
		struct pm_scan_arg arg = {
			.size = sizeof(arg), .start = at, .end = end, .vec = (uintptr_t)regions, .vec_len = REGIONS,
			.category_mask = PAGE_IS_PRESENT, .return_mask = PAGE_IS_PRESENT
		};
		int n = ioctl(fd, PAGEMAP_SCAN, &arg);

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++)
			mark(mapped, addr, &regions[i]);
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
	r = scan(fd, addr, pages, ret_mapped);
	return r == -ENOTTY || r == -EINVAL ? read_all(fd, addr, pages, ret_mapped) : r;
}
