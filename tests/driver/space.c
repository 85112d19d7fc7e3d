// SPDX-License-Identifier: GPL-2.0-or-later
/* Thin wrappers, one request each; what every answer must hold is expected here once. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/driver/space.h"
#include "tests/driver/tap.h"
#include "tests/support/words.h"

int space_open(void)
{
	int fd = open(HMMDEV_PATH, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		tap_fail(__FILE__, __LINE__, "%s: %s", HMMDEV_PATH, strerror(errno));
	return fd;
}

uint64_t skipped(const struct hmmdev_migrate *m)
{
	return m->skip_empty + m->skip_pinned + m->skip_busy + m->skip_shared + m->skip_uffd + m->skip_nomem +
	       m->skip_split + m->skip_elsewhere;
}

static int move(int fd, unsigned long request, struct hmmdev_migrate *m)
{
	int r = call(fd, request, m);

	expect(m->moved_thp <= m->moved);
	if (m->next == m->addr + m->len)
		expect_is(m->moved + m->already + skipped(m), m->len / PAGE);
	return r;
}

int migrate(int fd, const void *at, size_t bytes, uint32_t dev, uint32_t flags, struct hmmdev_migrate *ret)
{
	struct hmmdev_migrate m = { .flags = flags, .addr = (uintptr_t)at, .len = bytes,
				    .dst_kind = HMMDEV_DST_DEV, .dst = dev };
	int r = move(fd, HMMDEV_MIGRATE, &m);

	if (ret)
		*ret = m;
	return r;
}

int evict(int fd, const void *at, size_t bytes, struct hmmdev_migrate *ret)
{
	struct hmmdev_migrate m = { .addr = (uintptr_t)at, .len = bytes };
	int r = move(fd, HMMDEV_EVICT, &m);

	if (ret)
		*ret = m;
	return r;
}

void move_all(int fd, const void *at, size_t bytes, uint32_t dev)
{
	struct hmmdev_migrate m;

	expect_is(migrate(fd, at, bytes, dev, 0, &m), 0);
	expect_is(m.moved + m.already, bytes / PAGE);
}

/* Again where the module's patience of a second was too short for a busy machine. */
static int rw(int fd, unsigned long request, uint32_t dev, const void *at, const void *buf, size_t bytes)
{
	struct hmmdev_rw w = { .dev = dev, .addr = (uintptr_t)at, .len = bytes, .buf = (uintptr_t)buf };
	int r = -EBUSY;

	for (int tries = 0; tries < 5 && r == -EBUSY; tries++)
		r = call(fd, request, &w);
	if (!r)
		expect_is(w.done, bytes);
	return r;
}

int dev_read(int fd, uint32_t dev, const void *at, void *buf, size_t bytes)
{
	return rw(fd, HMMDEV_DEV_READ, dev, at, buf, bytes);
}

int dev_write(int fd, uint32_t dev, void *at, const void *buf, size_t bytes)
{
	return rw(fd, HMMDEV_DEV_WRITE, dev, at, buf, bytes);
}

int pin(int fd, const void *at, size_t bytes, uint32_t flags, uint32_t *ret_id)
{
	struct hmmdev_pin p = { .flags = flags, .addr = (uintptr_t)at, .len = bytes };
	int r = call(fd, HMMDEV_PIN, &p);

	if (!r)
		expect_is(p.npages, bytes / PAGE);
	*ret_id = p.id;
	return r;
}

int unpin(int fd, uint32_t id)
{
	return call(fd, HMMDEV_UNPIN, &(struct hmmdev_pin){ .id = id });
}

int exclusive(int fd, uint32_t dev, const void *at, size_t bytes, uint64_t *ret_pages)
{
	struct hmmdev_excl e = { .dev = dev, .addr = (uintptr_t)at, .len = bytes };
	int r = call(fd, HMMDEV_EXCL_ACQUIRE, &e);

	*ret_pages = e.pages;
	return r;
}

struct hmmdev_stats stats(int fd)
{
	struct hmmdev_stats s = { 0 };

	expect_is(call(fd, HMMDEV_STATS, &s), 0);
	return s;
}

void inject(int fd, enum hmmdev_inject_what what, uint32_t flags, uint32_t n, uint32_t count)
{
	expect_is(call(fd, HMMDEV_INJECT, &(struct hmmdev_inject){ .what = what, .flags = flags, .n = n,
								   .count = count }), 0);
}

struct hmmdev_snap_ent snap_page(int fd, uint32_t dev, const void *at)
{
	struct hmmdev_snap_ent e;
	struct hmmdev_snap s = { .addr = (uintptr_t)at, .len = PAGE, .vec = (uintptr_t)&e, .vec_n = 1,
				 .dev = dev };

	expect_is(call(fd, HMMDEV_SNAPSHOT, &s), 0);
	expect_is(s.out_n, 1);
	expect_is(e.addr, (uintptr_t)at);
	expect_is(e.npages, 1);
	return e;
}

size_t snap_count(int fd, uint32_t dev, const void *at, size_t bytes, enum hmmdev_where where)
{
	struct hmmdev_snap_ent e[32];
	uint64_t end = (uintptr_t)at + bytes, seen = (uintptr_t)at;
	size_t count = 0;

	while (seen < end) {
		struct hmmdev_snap s = { .addr = seen, .len = end - seen, .vec = (uintptr_t)e, .vec_n = 32,
					 .dev = dev };

		expect_is(call(fd, HMMDEV_SNAPSHOT, &s), 0);
		expect(s.out_n > 0 && s.out_n <= 32);
		for (uint32_t i = 0; i < s.out_n; i++) {
			expect_is(e[i].addr, seen);
			seen += e[i].npages * PAGE;
			count += e[i].where == where ? e[i].npages : 0;
		}
		expect_is(s.next, seen);
	}
	expect_is(seen, end);
	return count;
}

void *memory_map(size_t bytes, int advice)
{
	char *at = mmap(NULL, bytes + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *start = (char *)(((uintptr_t)at + HUGE - 1) & ~(HUGE - 1));

	expect(at != MAP_FAILED);
	if (start > at)
		munmap(at, (size_t)(start - at));
	munmap(start + bytes, HUGE - (size_t)(start - at));
	expect_is(madvise(start, bytes, advice), 0);
	return start;
}

void *memory_huge(size_t bytes, uint64_t seed)
{
	void *at = memory_map(bytes, MADV_HUGEPAGE);

	words_fill(at, bytes, seed);
	return at;
}

void *memory_small(size_t bytes, uint64_t seed)
{
	void *at = memory_map(bytes, MADV_NOHUGEPAGE);

	words_fill(at, bytes, seed);
	return at;
}

void expect_words(const void *at, size_t bytes, uint64_t seed)
{
	expect_is(words_bad(at, bytes, seed), 0);
}

static sigjmp_buf touched;

static void on_sigbus(int signal)
{
	siglongjmp(touched, signal);
}

bool is_lost(const void *at)
{
	signal(SIGBUS, on_sigbus);
	if (sigsetjmp(touched, 1))
		return true;
	(void)*(const volatile char *)at;
	return false;
}

void expect_zero(const void *at, size_t bytes)
{
	const uint64_t *w = at;

	for (size_t i = 0; i < bytes / sizeof(*w); i++)
		if (w[i])
			tap_fail(__FILE__, __LINE__, "word %zu is %llx, wanted 0", i, (unsigned long long)w[i]);
}

void end_child(int child)
{
	int status;

	expect_is(waitpid(child, &status, 0), child);
	expect(WIFEXITED(status));
	expect_is(WEXITSTATUS(status), 0);
}
