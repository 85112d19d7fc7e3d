// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * When no daemon will serve a managed range again. Pages that are only on a device become SIGBUS,
 * never zeros; all others become ordinary shared memory again: unregistering wakes whoever waits
 * there, lifts write protection, and lets pages that were never touched read as zeros.
 *
 * A page that was evicted is no empty entry of the page table: it has the mark of the write
 * protection that it was evicted under, and the kernel puts no poison over that, so it is thawed
 * first. What the file still has is mapped before the rest is poisoned, because poison goes by the
 * page table alone. Where the kernel has no poison (before 6.6) access is taken away: SIGSEGV. Such
 * pages stay registered either way: should the kernel drop a mark when it rebuilds a page table,
 * the thread that comes then waits; it never reads zeros.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "libclient/client.h"
#include "libclient/mapping.h"
#include "libclient/own.h"
#include "libclient/uffd.h"
#include "proto/ledger.h"

/* Whether the page's contents may be on a device alone. Without a ledger nobody can tell. */
static bool may_be_away(struct hmm_client *c, uint64_t vpn)
{
	uint64_t word;

	if (!ledger_word(&c->ledger, vpn, &word))
		return c->ledger.words == NULL;
	switch (page_word_state(word)) {
	case PAGE_COMMITTING:
	case PAGE_DEVICE:
	case PAGE_FILLING:
	case PAGE_POISONED:
		return true;
	default:
		return false;
	}
}

/* By the file system: a tmpfs of huge pages calls these the file's best block. */
static size_t backing_page(const struct hmm_range *r)
{
	struct statfs fs;

	return fstatfs(r->fd, &fs) == 0 ? (size_t)fs.f_bsize : (size_t)sysconf(_SC_PAGESIZE);
}

/*
 * How far the hole at off goes, at most to end. hmmd's files are read by position, so the seek is
 * in nobody's way; hugetlbfs knows no holes and has pages of one size.
 */
static size_t hole(const struct hmm_range *r, size_t off, size_t end, size_t page)
{
	off_t data = lseek(r->fd, (off_t)(r->offset + off), SEEK_DATA);

	if (data < 0)
		return errno == ENXIO ? end - off : page;
	if ((uint64_t)data <= r->offset + off)
		return page;
	return ((uint64_t)data < r->offset + end ? (size_t)((uint64_t)data - r->offset) : end) - off;
}

/* -ENOENT, -ESRCH: it is not our mapping any more; -EAGAIN: memory is unmapped all the time, and it waits for ever. */
static void close_hole(struct hmm_range *r, size_t off, size_t len, size_t page)
{
	int err = uffd_poison(r->uffd, r->addr + off, len, page);

	if (err && err != -ENOENT && err != -ESRCH && err != -EAGAIN)
		mprotect(r->addr + off, len, PROT_NONE);
}

static size_t page_end(size_t off)
{
	return (off | (LEDGER_PAGE_SIZE - 1)) + 1;
}

/* One huge page, which may be there in part, or what is ours of it. */
static void close_page(struct hmm_range *r, size_t off, size_t end, size_t page)
{
	size_t n;
	int err = uffd_thaw(r->uffd, r->addr + off, end - off);

	while (!err && off < end) {
		err = uffd_map_some(r->uffd, r->addr + off, end - off, &n);
		if (err == -EFAULT) {
			n = hole(r, off, end, page);
			close_hole(r, off, n, page);
			err = 0;
		} else if (err == -EEXIST) {
			n = page;
			err = 0;
		}
		off += n;
	}
}

/*
 * A fault that looked before the poison came may go to sleep after it: the kernel takes such a mark
 * for an empty entry then. Changing the mapping, by a hint that means nothing here, waits for those
 * under way; all that slept until then are woken, and who comes later meets the poison.
 */
static void wake_all(struct hmm_range *r, size_t off, size_t len)
{
	madvise(r->addr + off, len, MADV_RANDOM);
	madvise(r->addr + off, len, MADV_NORMAL);
	uffd_wake(r->uffd, r->addr + off, len);
}

/* One run of pages that are alike. */
static void settle_run(struct hmm_range *r, size_t off, size_t len, bool away, size_t page)
{
	if (!away && uffd_unregister(r->uffd, r->addr + off, len) < 0)
		uffd_thaw(r->uffd, r->addr + off, len);
	if (!away || (r->client->flags & HMM_CLIENT_KEEP_WAITING))
		return;
	for (size_t at = off, end = off + len, stop; at < end; at = stop) {
		stop = page_end(at) < end ? page_end(at) : end;
		close_page(r, at, stop, page);
	}
	wake_all(r, off, len);
}

/* What is one mapping, and ours. */
static void settle_piece(struct hmm_client *c, struct hmm_range *r, size_t off, size_t end, size_t page)
{
	uint64_t first = (uintptr_t)r->addr >> LEDGER_PAGE_SHIFT;
	size_t stop;

	for (; off < end; off = stop) {
		bool away = may_be_away(c, first + (off >> LEDGER_PAGE_SHIFT));

		for (stop = page_end(off); stop < end && may_be_away(c, first + (stop >> LEDGER_PAGE_SHIFT)) == away;)
			stop = page_end(stop);
		stop = stop < end ? stop : end;
		settle_run(r, off, stop - off, away, page);
	}
}

/* The kernel refuses a whole run for one foreign mapping in it, and rights are taken from whatever lies there. */
static void settle_memory(struct hmm_client *c, struct hmm_range *r)
{
	size_t page = backing_page(r), start, stop;
	int maps = mapping_open();

	for (size_t off = 0; off < r->size; off = stop) {
		start = own_next(maps, r, off, r->size, &stop);
		if (start >= r->size)
			break;
		settle_piece(c, r, start, stop, page);
	}
	if (maps >= 0)
		close(maps);
}

void lost_range(struct hmm_client *c, struct hmm_range *r)
{
	if (!r->managed || r->lost)
		return;
	r->lost = true;
	range_set_id(&c->ranges, r, 0);
	settle_memory(c, r);
	stand_in_begin(c);
}

bool lost_may(const struct hmm_client *c)
{
	const struct hmm_range *r = c->ranges.first;

	while (r && (!r->managed || r->lost))
		r = r->next;
	return !r || ledger_take(&c->ledger);
}

void lost_all(struct hmm_client *c, const char *text, bool final)
{
	for (struct hmm_range *r = c->ranges.first; r; r = r->next) {
		struct hmm_event event = {
			.type = HMM_EVENT_LOST, .range = r, .length = r->size, .text = text
		};

		if (r->managed && !r->lost)
			work_event(c, &event);
		if (final && r->managed)
			lost_range(c, r);
		else if (final)
			range_set_id(&c->ranges, r, 0);
	}
	if (final)
		c->uffd = uffd_unref(c->uffd);
}
