// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The overcommit of 2 MiB pages: how many the kernel may make on demand beyond the pool that the
 * administrator has reserved. Whatever it allows can be taken by any process of the machine, past its own
 * memory limit, so it is kept a headroom above what we use ourselves and sinks with it. What others take of that
 * is made good once, or a stranger could stop us with it; what they take beyond stays taken from us, or they
 * would get all that we may add. We add to the machine's setting and take the same away again; what we added
 * stands in a record (hugepool_record.h), so that two daemons, or an administrator who changes it meanwhile, do
 * not undo each other, and a crash does not leave it.
 *
 * The headroom is 128 MiB: a filling thread brings in some 10 GB/s at best, so whoever is told at the half of
 * it has 6 ms to raise it, which takes some 30 us; and when that was too late the next thread that is refused a page does it
 * itself. Less would make raising part of filling on large machines, more would be the strangers'.
 */
#include <errno.h>
#include <fcntl.h>
#include <hugetlbfs.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/mech/doors.h"
#include "daemon/mech/hugepool_record.h"
#include "proto/ledger.h"

#define POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/"
enum { SIZES = 16 };	/* page sizes of a machine; none has more than five */

struct hugepool {
	pthread_mutex_t lock;		/* of all below */
	struct hugepool_record record;
	uint64_t ceiling, headroom;	/* pages */
	uint64_t others;		/* what there would be without us, as last seen */
	uint64_t before;		/* pages beyond that which others had when it became less, or when we began: of an
					   earlier daemon's clients, say, which are not ours again yet */
	uint64_t raises;		/* ever */
};

static bool machine_has_size(void)
{
	long sizes[SIZES];
	int n = gethugepagesizes(sizes, SIZES);

	for (int i = 0; i < n; i++) {
		if (sizes[i] == (long)LEDGER_PAGE_SIZE)
			return true;
	}
	return false;
}

static uint64_t surplus_now(void)
{
	int fd = open(POOL "surplus_hugepages", O_RDONLY | O_CLOEXEC);
	uint64_t pages = 0;
	char text[32];
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return sscanf(text, "%" SCNu64, &pages) == 1 ? pages : 0;
}

static uint64_t pages_of(uint64_t bytes)
{
	return bytes / LEDGER_PAGE_SIZE + (bytes % LEDGER_PAGE_SIZE > 0);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Pages that the machine's own pool has are no reason for more on demand. */
static uint64_t wanted(struct hugepool *h, uint64_t used, uint64_t surplus)
{
	uint64_t ours = least(pages_of(used), surplus), others = h->record.setting - h->record.shares[h->record.own].pages;
	uint64_t lost = surplus > ours + others ? surplus - ours - others : 0;

	h->before = others < h->others ? lost : least(h->before, lost);
	h->others = others;
	return least(ours + least(lost, most(h->before, h->headroom)) + h->headroom, h->ceiling);
}

/* With the record begun. */
static int follow(struct hugepool *h, uint64_t used, uint64_t surplus)
{
	uint64_t had = h->record.shares[h->record.own].pages, want = wanted(h, used, surplus);
	int r = hugepool_record_set(&h->record, want);

	if (!r && want > had)
		h->raises++;
	return r;
}

static int open_record(struct hugepool *h, const char *path)
{
	int r = access(POOL "nr_overcommit_hugepages", W_OK) < 0 ? -errno : 0;

	if (!r)
		r = hugepool_record_open(&h->record, path, true);
	return r;
}

static int join(struct hugepool *h)
{
	uint64_t surplus = surplus_now();
	int r = hugepool_record_begin(&h->record);

	if (r)
		return r;
	r = hugepool_record_join(&h->record);
	if (!r) {
		h->others = UINT64_MAX;
		r = follow(h, 0, surplus);
	}
	hugepool_record_end(&h->record);
	return r;
}

int hugepool_new(struct hugepool **ret, const char *record, uint64_t ceiling, uint64_t headroom)
{
	struct hugepool *h;
	int r;

	if (!machine_has_size())
		return -EOPNOTSUPP;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	pthread_mutex_init(&h->lock, NULL);
	h->record.fd = h->record.own = -1;
	h->ceiling = pages_of(ceiling);
	h->headroom = pages_of(headroom);
	r = open_record(h, record);
	if (!r)
		r = join(h);
	if (r) {
		hugepool_free(h);
		return r == HUGEPOOL_E_VERSION ? -EPROTONOSUPPORT : r == HUGEPOOL_E_BUSY ? -EBUSY : r;
	}
	*ret = h;
	return 0;
}

void hugepool_set_ceiling(struct hugepool *h, uint64_t bytes)
{
	pthread_mutex_lock(&h->lock);
	h->ceiling = pages_of(bytes);
	pthread_mutex_unlock(&h->lock);
}

void hugepool_follow(struct hugepool *h, uint64_t used)
{
	pthread_mutex_lock(&h->lock);
	if (!hugepool_record_begin(&h->record)) {
		(void)follow(h, used, surplus_now());
		hugepool_record_end(&h->record);
	}
	pthread_mutex_unlock(&h->lock);
}

/* Where the setting leaves room it was something else that refused the page, or somebody has raised it just now. */
bool hugepool_more(struct hugepool *h, uint64_t used, uint64_t *seen)
{
	uint64_t surplus;
	bool more;

	pthread_mutex_lock(&h->lock);
	if (h->raises == *seen && !hugepool_record_begin(&h->record)) {
		surplus = surplus_now();
		if (h->record.setting <= surplus)
			(void)follow(h, used, surplus);
		hugepool_record_end(&h->record);
	}
	more = h->raises != *seen;
	*seen = h->raises;
	pthread_mutex_unlock(&h->lock);
	return more;
}

static void leave(struct hugepool_record *r)
{
	if (r->fd < 0 || r->own < 0 || hugepool_record_begin(r))
		return;
	(void)hugepool_record_set(r, 0);
	hugepool_record_end(r);
}

struct hugepool *hugepool_free(struct hugepool *h)
{
	if (!h)
		return NULL;
	leave(&h->record);
	hugepool_record_close(&h->record);
	pthread_mutex_destroy(&h->lock);
	free(h);
	return NULL;
}

int hugepool_give_back(const char *record)
{
	struct hugepool_record r;
	int rc = hugepool_record_open(&r, record, false);

	if (rc)
		return rc == HUGEPOOL_E_NONE ? 0 : rc;
	rc = hugepool_record_begin(&r);
	if (!rc)
		hugepool_record_end(&r);
	hugepool_record_close(&r);
	return rc == HUGEPOOL_E_VERSION ? -EPROTONOSUPPORT : rc == HUGEPOOL_E_BUSY ? -EBUSY : rc;
}

const char *hugepool_trouble(int r)
{
	switch (r) {
	case -EPROTONOSUPPORT:
		return "it is not a record of this version of hmmd; end the hmmd that wrote it and remove it";
	case -EBUSY:
		return "a process that may not go on holds it, or too many hmmd run";
	default:
		return strerror(-r);
	}
}
