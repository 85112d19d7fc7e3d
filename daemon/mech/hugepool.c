// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The overcommit of 2 MiB pages: how many the kernel may make on demand beyond the pool that the
 * administrator has reserved. We add to the machine's setting what we need and take the same away at the end,
 * so that two daemons, or an administrator who changes it meanwhile, do not undo each other. What we added
 * stands in the state file: after a crash the next daemon takes that away first.
 */
#include <errno.h>
#include <fcntl.h>
#include <hugetlbfs.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "daemon/mech/doors.h"
#include "proto/ledger.h"

#define SETTING "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_overcommit_hugepages"
#define SURPLUS "/sys/kernel/mm/hugepages/hugepages-2048kB/surplus_hugepages"
enum { SIZES = 16 };	/* page sizes of a machine; none has more than five */

struct hugepool {
	char *state_file;
	uint64_t added;		/* pages */
	uint64_t taken;		/* pages made on demand before we began, such as those of an earlier daemon's clients */
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

static int read_number(int fd, uint64_t *ret)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	return sscanf(text, "%" SCNu64, ret) == 1 ? 0 : -EINVAL;
}

static int write_number(int fd, uint64_t number)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%" PRIu64 "\n", number);

	return pwrite(fd, text, (size_t)n, 0) == n ? 0 : -errno;
}

/* Under the lock of the setting itself, which every daemon of this machine takes. */
static int change(uint64_t take_away, uint64_t add)
{
	int fd = open(SETTING, O_RDWR | O_CLOEXEC), r;
	uint64_t now;

	if (fd < 0)
		return errno == ENOENT ? -EOPNOTSUPP : -errno;
	(void)flock(fd, LOCK_EX);
	r = read_number(fd, &now);
	if (!r) {
		now = now > take_away ? now - take_away : 0;
		r = write_number(fd, now + add);
	}
	close(fd);
	return r;
}

static uint64_t number_in(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t pages = 0;

	if (fd < 0)
		return 0;
	if (read_number(fd, &pages))
		pages = 0;
	close(fd);
	return pages;
}

static int remember(const char *state_file, uint64_t pages)
{
	int fd = open(state_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), r;

	if (fd < 0)
		return -errno;
	r = write_number(fd, pages);
	close(fd);
	return r;
}

/* Dying between the two leaves the smaller number on record, so a later daemon takes away too little, never of the administrator's. */
static int set_added(struct hugepool *h, uint64_t pages)
{
	int r = pages < h->added ? remember(h->state_file, pages) : 0;

	if (!r)
		r = change(h->added, pages);
	if (r)
		return r;
	if (pages >= h->added)
		r = remember(h->state_file, pages);
	h->added = pages;
	return r;
}

static uint64_t pages_of(uint64_t bytes)
{
	return (bytes + LEDGER_PAGE_SIZE - 1) >> LEDGER_PAGE_SHIFT;
}

int hugepool_new(struct hugepool **ret, const char *state_file, uint64_t bytes)
{
	struct hugepool *h;
	int r;

	if (!machine_has_size())
		return -EOPNOTSUPP;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->state_file = strdup(state_file);
	if (!h->state_file) {
		free(h);
		return -ENOMEM;
	}
	h->added = number_in(state_file);
	h->taken = number_in(SURPLUS);
	r = set_added(h, h->taken + pages_of(bytes));
	if (r) {
		hugepool_free(h);
		return r;
	}
	*ret = h;
	return 0;
}

int hugepool_resize(struct hugepool *h, uint64_t bytes)
{
	return set_added(h, h->taken + pages_of(bytes));
}

struct hugepool *hugepool_leave(struct hugepool *h)
{
	if (h)
		free(h->state_file);
	free(h);
	return NULL;
}

struct hugepool *hugepool_free(struct hugepool *h)
{
	if (!h)
		return NULL;
	if (!h->added || change(h->added, 0) == 0)
		unlink(h->state_file);
	return hugepool_leave(h);
}
