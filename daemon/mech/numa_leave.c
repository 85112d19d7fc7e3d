// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Emptying a node of one program's memory. Unlike a move to a node, which takes what lies anywhere
 * else, this takes only what lies on the nodes to be left: so every base page is asked where it is.
 * That costs more than the moves of numa.c, and is done when a tier is drained only.
 */
#include "daemon/mech/doors.h"
#include "daemon/mech/image.h"
#include "proto/ledger.h"

enum { BASE_PAGE = 4096, PAGES = LEDGER_PAGE_SIZE / BASE_PAGE };

/* Leaves the addresses of those that lie there, and returns how many, or -errno. */
static int find_there(const struct numa_map *m, const struct image *of, uint64_t addr, uint64_t end, unsigned int from,
		      uint64_t *addrs)
{
	void *pages[PAGES];
	int nodes[PAGES], n = 0, there = 0, r;

	for (; addr < end; addr += BASE_PAGE)
		pages[n++] = (void *)(uintptr_t)addr;
	r = image_move_pages(of, (size_t)n, pages, NULL, nodes, 0);
	if (r)
		return r;
	for (int i = 0; i < n; i++)
		if (numa_on_tier(m, from, nodes[i]))
			addrs[there++] = (uint64_t)(uintptr_t)pages[i];
	return there;
}

/* [addr, end) lies in one huge page. */
static int leave_piece(struct numa_map *m, const struct image *of, uint64_t addr, uint64_t end, unsigned int from,
		       unsigned int tier, struct numa_moved *ret)
{
	uint64_t addrs[PAGES];
	int n = find_there(m, of, addr, end, from, addrs);

	if (n <= 0)
		return n;
	return n == PAGES ? numa_move_huge(m, of, addrs, 1, tier, ret) :
			    numa_move(m, of, addrs, (size_t)n, BASE_PAGE, tier, ret);
}

int numa_leave(struct numa_map *m, const struct image *of, uint64_t addr, uint64_t end, unsigned int from, unsigned int tier,
	       struct numa_moved *ret)
{
	struct numa_moved sum = { 0 };
	uint64_t next;
	int r = 0;

	for (; addr < end && !r; addr = next) {
		struct numa_moved moved = { 0 };

		next = (addr | (LEDGER_PAGE_SIZE - 1)) + 1;
		next = next < end ? next : end;
		r = leave_piece(m, of, addr, next, from, tier, &moved);
		sum.moved += moved.moved;
		sum.busy += moved.busy;
		sum.failed += moved.failed;
		sum.no_room += moved.no_room;
		sum.already += (next - addr) - (moved.moved + moved.busy + moved.failed);
	}
	if (!r)
		*ret = sum;
	return r;
}
