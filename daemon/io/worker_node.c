// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Moves between NUMA nodes. The kernel moves the memory; what changes here is where the page is booked.
 * A managed page is booked in its word, so the step is tried only while the word still says that the page
 * rests where it was.
 */
#include "daemon/core/space.h"
#include "daemon/io/worker_node.h"
#include "daemon/mech/doors.h"

enum { BASE_PAGE = 4096, SPAN_ADDRESSES = 512 /* asked for at once; doors cuts it into batches by time */ };

/* The word from its old tier to the new one; false when the page is on its way somewhere else. */
static bool rebook(struct range *r, radix_word *word, uint64_t seen, unsigned int from, unsigned int to)
{
	while (page_word_state(seen) == PAGE_RESIDENT && page_word_tier(seen) == from)
		if (page_step(word, &seen, PAGE_RESIDENT, to, 0)) {
			pool_give(&r->space->account->pools[from], LEDGER_PAGE_SIZE);
			range_account(r, from, to);
			return true;
		}
	return false;
}

static int move_one(struct worker *w, const struct move *m, uint64_t addr, struct numa_moved *ret)
{
	struct mover *mover = &w->hand.mover;
	pid_t pid = m->range->space->pid;

	*ret = (struct numa_moved){ 0 };
	/* Whether it is one page is known here; to prove it would need it mapped afterwards, too. */
	return mover->mech->ops->huge ? numa_move(mover->numa, pid, &addr, 1, LEDGER_PAGE_SIZE, m->tier, ret) :
					numa_move_huge(mover->numa, pid, &addr, 1, m->tier, ret);
}

/*
 * A page that nobody has touched since the tracker unmapped it cannot be moved; those are the very ones that are
 * cold. It is mapped first, so that it can.
 */
static int move_mapped(struct worker *w, const struct move *m, uint64_t addr, struct numa_moved *ret)
{
	struct range *r = m->range;
	struct mech *mech = w->hand.mover.mech;
	struct mech_page page = { .uffd = r->space->uffd, .file = r->backing, .addr = addr, .offset = range_offset(r, addr) };
	int rc = move_one(w, m, addr, ret);
	bool was;

	if (rc || !ret->failed || mech->ops->map(mech, &page, &was))
		return rc;
	return move_one(w, m, addr, ret);
}

enum move_outcome worker_move_page(struct worker *w, const struct move *m)
{
	struct range *r = m->range;
	struct pool *room = &r->space->account->pools[m->tier];
	uint64_t addr = m->vpn << LEDGER_PAGE_SHIFT;
	radix_word *word = space_word(r->space, addr);
	uint64_t seen = atomic_load_explicit(word, memory_order_acquire);
	struct numa_moved moved = { 0 };
	unsigned int from = page_word_tier(seen);

	if (page_word_state(seen) != PAGE_RESIDENT)
		return MOVE_BUSY;
	if (from == m->tier)
		return MOVE_ALREADY;
	if (!w->hand.mover.numa || w->hand.mover.devices[m->tier].ops)
		return MOVE_FAILED;
	if (pool_take(room, LEDGER_PAGE_SIZE))
		return MOVE_NO_ROOM;
	if (move_mapped(w, m, addr, &moved) < 0 || moved.busy || moved.failed || !rebook(r, word, seen, from, m->tier)) {
		pool_give(room, LEDGER_PAGE_SIZE);
		return moved.no_room ? MOVE_NO_ROOM : moved.failed ? MOVE_FAILED : MOVE_BUSY;
	}
	tally_add(&w->hand.tally.node_moved, moved.moved);
	return moved.moved ? MOVE_MOVED : MOVE_ALREADY;
}

/* The words of adopted memory say where it was last seen. */
static void book_adopted(struct range *r, uint64_t addr, unsigned int tier)
{
	radix_word *word = space_word(r->space, addr);
	uint64_t seen = word ? atomic_load_explicit(word, memory_order_acquire) : 0;

	while (word && page_allowed(page_word_state(seen), PAGE_ADOPTED))
		if (page_step(word, &seen, PAGE_ADOPTED, tier, 0))
			return;
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

static int move_addresses(struct worker *w, const struct move *m, const uint64_t *addrs, size_t n, uint64_t page_size,
			  struct numa_moved *ret)
{
	pid_t pid = m->range->space->pid;

	return page_size == LEDGER_PAGE_SIZE ? numa_move_huge(w->hand.mover.numa, pid, addrs, n, m->tier, ret) :
					       numa_move(w->hand.mover.numa, pid, addrs, n, page_size, m->tier, ret);
}

/* [addr, end) in steps of page_size, which divides it. */
static void move_steps(struct worker *w, const struct move *m, uint64_t addr, uint64_t end, uint64_t page_size,
		       struct crew_result *result)
{
	uint64_t addrs[SPAN_ADDRESSES];
	struct numa_moved moved;
	size_t n, i;

	while (addr < end && !atomic_load(&m->range->dying)) {
		for (n = 0; n < SPAN_ADDRESSES && addr < end; addr += page_size)
			addrs[n++] = addr;
		moved = (struct numa_moved){ 0 };
		if (move_addresses(w, m, addrs, n, page_size, &moved) < 0)
			return;
		count(w, result, &moved);
		for (i = 0; page_size == LEDGER_PAGE_SIZE && moved.busy + moved.failed == 0 && i < n; i++)
			book_adopted(m->range, addrs[i], m->tier);
	}
}

/* What lies in the tier that is emptied; the words follow where whole huge pages went. */
static void leave(struct worker *w, const struct move *m, uint64_t addr, uint64_t end, struct crew_result *result)
{
	struct numa_moved moved;
	uint64_t next;

	for (; addr < end && !atomic_load(&m->range->dying); addr = next) {
		next = (addr | (LEDGER_PAGE_SIZE - 1)) + 1;
		next = next < end ? next : end;
		moved = (struct numa_moved){ 0 };
		if (numa_leave(w->hand.mover.numa, m->range->space->pid, addr, next, m->leaves - 1U, m->tier, &moved) < 0)
			return;
		count(w, result, &moved);
		if (moved.moved == LEDGER_PAGE_SIZE)
			book_adopted(m->range, addr, m->tier);
	}
}

/* Whole huge pages together, what sticks out at the ends by base pages. */
void worker_move_span(struct worker *w, const struct move *m, struct crew_result *result)
{
	uint64_t addr, end, head, tail;

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
	move_steps(w, m, addr, head, BASE_PAGE, result);
	move_steps(w, m, head, tail, LEDGER_PAGE_SIZE, result);
	move_steps(w, m, tail, end, BASE_PAGE, result);
}
