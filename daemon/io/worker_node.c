// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Moves between NUMA nodes. The kernel moves the memory; what changes here is where the page is booked.
 * A managed page is booked in its word, so the step is tried only while the word still says that the page
 * rests where it was.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/core/space.h"
#include "daemon/io/worker_look.h"
#include "daemon/io/worker_node.h"
#include "daemon/mech/doors.h"

enum { BASE_PAGE = 4096, SPAN_ADDRESSES = 512 /* asked for at once; doors cuts it into batches by time */, SPAN_PAGES = 16 /* huge ones */ };

/*
 * The word from its old tier to the new one, with the room that was taken there. Somebody else who saw it there first
 * has booked it with room of his own (worker_look.c). False when the page is on its way somewhere else.
 */
static bool rebook(struct range *r, radix_word *word, uint64_t seen, unsigned int from, unsigned int to)
{
	struct pool *pools = r->space->account->pools;

	while (page_word_state(seen) == PAGE_RESIDENT && page_word_tier(seen) == from)
		if (page_step(word, &seen, PAGE_RESIDENT, to, 0)) {
			pool_give(&pools[from], LEDGER_PAGE_SIZE);
			range_account(r, from, to);
			return true;
		}
	pool_give(&pools[to], LEDGER_PAGE_SIZE);
	return page_word_state(seen) == PAGE_RESIDENT && page_word_tier(seen) == to;
}

static int move_one(struct worker *w, const struct move *m, uint64_t addr, struct numa_moved *ret)
{
	struct mover *mover = &w->hand.mover;
	struct image of = space_image(m->range->space);

	*ret = (struct numa_moved){ 0 };
	/* Whether it is one page is known here; to prove it would need it mapped afterwards, too. */
	return mover->mech->ops->huge ? numa_move(mover->numa, &of, &addr, 1, LEDGER_PAGE_SIZE, m->tier, ret) :
					numa_move_huge(mover->numa, &of, &addr, 1, m->tier, ret);
}

/*
 * A page that nobody has touched since the tracker unmapped it cannot be moved; those are the very ones that are
 * cold. It is mapped first, so that it can.
 */
static int move_mapped(struct worker *w, const struct move *m, uint64_t addr, struct numa_moved *ret)
{
	struct range *r = m->range;
	struct mech *mech = w->hand.mover.mech;
	struct mech_page page = mover_page(r, addr);
	int rc = move_one(w, m, addr, ret);
	bool was;

	if (rc || !ret->failed)
		return rc;
	rc = mech->ops->map(mech, &page, &was);
	if (rc == -EAGAIN) {	/* the program unmaps memory */
		ret->busy += ret->failed;
		ret->failed = 0;
	}
	return rc ? 0 : move_one(w, m, addr, ret);
}

/* Why some of it is not there. */
static enum move_outcome trouble(int rc, const struct numa_moved *moved)
{
	if (moved->no_room)
		return MOVE_NO_ROOM;
	return moved->failed || rc == -EPERM || rc == -ENODEV ? MOVE_FAILED : MOVE_BUSY;
}

static enum move_outcome arrived(struct worker *w, const struct numa_moved *moved)
{
	tally_add(&w->hand.tally.node_moved, moved->moved);
	return moved->moved ? MOVE_MOVED : MOVE_ALREADY;
}

/* It is booked there, and stays so; what of it is elsewhere comes. */
static enum move_outcome gather(struct worker *w, const struct move *m, uint64_t addr)
{
	struct numa_moved moved;
	int rc = move_mapped(w, m, addr, &moved);

	return rc < 0 || moved.busy || moved.failed ? trouble(rc, &moved) : arrived(w, &moved);
}

enum move_outcome worker_move_page(struct worker *w, const struct move *m)
{
	struct range *r = m->range;
	struct pool *room = &r->space->account->pools[m->tier];
	uint64_t addr = m->vpn << LEDGER_PAGE_SHIFT;
	radix_word *word = space_word(r->space, addr);
	bool found = worker_find_page(w, r, m->vpn);
	struct numa_moved moved = { 0 };
	uint64_t seen = atomic_load_explicit(word, memory_order_acquire);
	unsigned int from = page_word_tier(seen);
	int rc;

	if (page_word_state(seen) != PAGE_RESIDENT)
		return MOVE_BUSY;
	if (from == m->tier)
		return found ? MOVE_ALREADY : gather(w, m, addr);
	if (!w->hand.mover.numa || w->hand.mover.devices[m->tier].ops)
		return MOVE_FAILED;
	if (pool_take(room, LEDGER_PAGE_SIZE))
		return MOVE_NO_ROOM;
	rc = move_mapped(w, m, addr, &moved);
	if (rc < 0 || moved.busy || moved.failed) {
		pool_give(room, LEDGER_PAGE_SIZE);
		return trouble(rc, &moved);
	}
	return rebook(r, word, seen, from, m->tier) ? arrived(w, &moved) : MOVE_BUSY;
}

static void count(struct worker *w, struct crew_result *result, const struct numa_moved *n)
{
	result->moved += n->moved / BASE_PAGE;
	result->already += n->already / BASE_PAGE;
	result->busy += n->busy / BASE_PAGE;
	result->failed += n->failed / BASE_PAGE;
	result->no_room += n->no_room / BASE_PAGE;
	tally_add(&w->hand.tally.node_moved, n->moved);
}

/*
 * What of [addr, end) there is no page of counts as there: no move can make it be anywhere else. What is in swap has
 * failed; where the page map cannot be read, nothing is known of that.
 */
static void count_absent(const struct move *m, uint64_t addr, uint64_t end, uint64_t absent, struct crew_result *result)
{
	struct image of = space_image(m->range->space);
	uint64_t swapped = 0;
	int pagemap, r = pagemap_open(&of, &pagemap);

	if (!r) {
		(void)pagemap_swapped(pagemap, addr, end, &swapped);
		close(pagemap);
	}
	absent -= swapped < absent ? swapped : absent;
	result->already += absent / BASE_PAGE;
	result->untouched += absent / BASE_PAGE;
	result->failed -= absent / BASE_PAGE;
}

static int move_addresses(struct worker *w, const struct move *m, const uint64_t *addrs, size_t n, uint64_t page_size,
			  struct numa_moved *ret)
{
	struct image of = space_image(m->range->space);

	return page_size == LEDGER_PAGE_SIZE ? numa_move_huge(w->hand.mover.numa, &of, addrs, n, m->tier, ret) :
					       numa_move(w->hand.mover.numa, &of, addrs, n, page_size, m->tier, ret);
}

static bool is_over(const struct worker *w, const struct move *m)
{
	return atomic_load(&m->range->dying) || worker_time_is_over(w);
}

/* [addr, end) in steps of page_size, which divides it. Returns how far it came. */
static uint64_t move_steps(struct worker *w, const struct move *m, uint64_t addr, uint64_t end, uint64_t page_size,
			   struct crew_result *result)
{
	size_t n, most = page_size == LEDGER_PAGE_SIZE ? SPAN_PAGES : SPAN_ADDRESSES;
	uint64_t addrs[SPAN_ADDRESSES];
	struct numa_moved moved;

	while (addr < end && !is_over(w, m)) {
		for (n = 0; n < most && addr < end; addr += page_size)
			addrs[n++] = addr;
		moved = (struct numa_moved){ 0 };
		if (move_addresses(w, m, addrs, n, page_size, &moved) < 0)
			return end;
		count(w, result, &moved);
		if (moved.absent)
			count_absent(m, addrs[0], addr, moved.absent, result);
	}
	return addr;
}

/* Of so many huge pages, which have anything there. When that cannot be told, all may. */
static void find_mapped(const struct move *m, uint64_t addr, uint64_t pages, uint8_t *ret)
{
	struct image of = space_image(m->range->space);
	int pagemap, r = pagemap_open(&of, &pagemap);

	if (!r) {
		r = pagemap_mapped(pagemap, addr, pages, ret);
		close(pagemap);
	}
	if (r < 0)
		memset(ret, 1, pages);
}

static uint64_t pass_absent(const struct move *m, uint64_t addr, uint64_t end, struct crew_result *result)
{
	result->failed += (end - addr) / BASE_PAGE;
	count_absent(m, addr, end, end - addr, result);
	return end;
}

/*
 * Whole huge pages. Where nothing is mapped nothing is asked for: each base page of it would be, and a terabyte of
 * that takes minutes.
 */
static uint64_t move_mapped_steps(struct worker *w, const struct move *m, uint64_t addr, uint64_t end,
				  struct crew_result *result)
{
	uint8_t mapped[SPAN_ADDRESSES];
	uint64_t pages, i, next, run;

	while (addr < end && !is_over(w, m)) {
		pages = (end - addr) >> LEDGER_PAGE_SHIFT;
		pages = pages < SPAN_ADDRESSES ? pages : SPAN_ADDRESSES;
		find_mapped(m, addr, pages, mapped);
		for (i = 0; i < pages; i = next) {
			for (next = i; next < pages && mapped[next] == mapped[i]; next++)
				;
			run = (next - i) << LEDGER_PAGE_SHIFT;
			addr = mapped[i] ? move_steps(w, m, addr, addr + run, LEDGER_PAGE_SIZE, result) :
					   pass_absent(m, addr, addr + run, result);
			if (is_over(w, m))
				break;
		}
	}
	return addr;
}

/* What lies in the tier that is emptied. Such a move is of CREW_WHOLE huge pages at most (drain_pass.c). */
static void leave(struct worker *w, const struct move *m, uint64_t addr, uint64_t end, struct crew_result *result)
{
	struct image of = space_image(m->range->space);
	uint8_t mapped[CREW_WHOLE];
	struct numa_moved moved;
	uint64_t next, i;

	if (m->pages > CREW_WHOLE)
		return;
	find_mapped(m, m->vpn << LEDGER_PAGE_SHIFT, m->pages, mapped);
	for (; addr < end && !is_over(w, m); addr = next) {
		i = (addr >> LEDGER_PAGE_SHIFT) - m->vpn;
		next = (addr | (LEDGER_PAGE_SIZE - 1)) + 1;
		next = next < end ? next : end;
		moved = (struct numa_moved){ .already = mapped[i] ? 0 : next - addr };
		if (mapped[i] && numa_leave(w->hand.mover.numa, &of, addr, next, m->leaves - 1U,
					    m->tier, &moved) < 0)
			return;
		count(w, result, &moved);
		if (moved.moved == LEDGER_PAGE_SIZE)
			result->whole |= 1ULL << i;
	}
	result->left = (uint32_t)((end - addr) / BASE_PAGE);
}

/* Whole huge pages together, what sticks out at the ends by base pages. */
void worker_move_span(struct worker *w, const struct move *m, struct crew_result *result)
{
	uint64_t addr, end, head, tail, at;

	move_area(m, &addr, &end);
	if (m->kind != MOVE_NODE || !w->hand.mover.numa || w->hand.mover.devices[m->tier].ops || addr >= end)
		return;
	if (m->leaves) {
		leave(w, m, addr, end, result);
		return;
	}
	head = (addr + LEDGER_PAGE_SIZE - 1) & ~(LEDGER_PAGE_SIZE - 1);
	tail = end & ~(LEDGER_PAGE_SIZE - 1);
	if (head >= tail) {
		move_steps(w, m, addr, end, BASE_PAGE, result);
		return;
	}
	at = move_steps(w, m, addr, head, BASE_PAGE, result);
	if (at == head)
		at = move_mapped_steps(w, m, head, tail, result);
	if (at == tail)
		at = move_steps(w, m, tail, end, BASE_PAGE, result);
	result->left = (uint32_t)((end - at) / BASE_PAGE);
}
