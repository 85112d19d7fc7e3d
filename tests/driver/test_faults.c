// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every allocation that the module makes fails once: the n-th of each request, for n = 1, 2, ...
 * until the request needs fewer. The answer is a documented error or a whole result, memory keeps
 * its words, and nothing stays taken. INJECT fails what the module decides itself; this fails what
 * is under it. Only a kernel with fault injection can do it (tests/vm/debug-kernel).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/driver/module.h"
#include "tests/driver/space.h"
#include "tests/driver/tap.h"

enum { SEED = 61, SMALL_PAGES = 8 };
#define SMALL (SMALL_PAGES * PAGE)
/* More than any request needs; one that needs as many would never end. */
enum { NTH_MAX = 5000 };
/* Allocations at the end of loading, the last of which are those of the module itself. */
enum { NTH_LOAD = 120 };
/* The text of a module is shorter. */
#define MODULE_TEXT (1 * MiB)

static int nth = -1;	/* /proc/thread-self/fail-nth */

struct scene {
	uint32_t dev;
	int fd;
	char *huge, *small;	/* one huge page and SMALL_PAGES small ones */
	bool away;		/* they are on the device when a step begins */
};

typedef int step_fn(struct scene *s);	/* 0 or -errno */

static void tell(const char *kind, const char *file, unsigned long value)
{
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", kind, file);
	f = fopen(path, "we");
	expect(f);
	fprintf(f, "%lu", value);
	expect_is(fclose(f), 0);
}

/* The text of a function of the kernel: symbols stand in the order of their addresses. */
static void text_of(const char *function, unsigned long *ret_start, unsigned long *ret_end)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	unsigned long at;
	char name[256];

	*ret_start = *ret_end = 0;
	expect(f);
	while (*ret_end <= *ret_start && fscanf(f, "%lx %*c %255s%*[^\n]", &at, name) == 2) {
		if (*ret_start)
			*ret_end = at;
		else if (!strcmp(name, function))
			*ret_start = at;
	}
	fclose(f);
	expect(*ret_end > *ret_start);
}

/*
 * Allocations that are called from [start, end) fail, whatever they may wait for; copies do not. Nor
 * does what the kernel takes for impossible to fail: add_pages() warns of it.
 */
static void fail_from(unsigned long start, unsigned long end)
{
	static const char *const kinds[] = { "failslab", "fail_page_alloc" };
	unsigned long reject_start, reject_end;

	nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth < 0)
		tap_skip("this kernel has no fault injection");
	text_of("add_pages", &reject_start, &reject_end);
	for (int i = 0; i < 2; i++) {
		tell(kinds[i], "verbose", 0);
		tell(kinds[i], "reject-start", reject_start);
		tell(kinds[i], "reject-end", reject_end);
		tell(kinds[i], "ignore-gfp-wait", 0);
		tell(kinds[i], "require-start", start);
		tell(kinds[i], "require-end", end);
	}
	tell("fail_page_alloc", "min-order", 0);
	tell("fail_usercopy", "require-end", 0);
}

static unsigned long module_text(void)
{
	FILE *f = fopen("/sys/module/hmmdev/sections/.text", "re");
	unsigned long start = 0;

	expect(f && fscanf(f, "%lx", &start) == 1);
	fclose(f);
	return start;
}

static void nth_set(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	expect_is(pwrite(nth, text, (size_t)len, 0), len);
}

/* How many allocations away the failure still is: 0 if it came. */
static unsigned int nth_end(void)
{
	char text[16] = "";

	expect(pread(nth, text, sizeof(text) - 1, 0) > 0);
	nth_set(0);
	return (unsigned int)strtoul(text, NULL, 10);
}

static struct scene scene_new(bool away)
{
	struct scene s = { .away = away };

	s.dev = device_private(8 * MiB);
	s.fd = space_open();
	s.huge = memory_huge(HUGE, SEED);
	s.small = memory_small(SMALL, SEED);
	return s;
}

static void scene_set(struct scene *s)
{
	evict(s->fd, s->huge, HUGE, NULL);
	evict(s->fd, s->small, SMALL, NULL);
	madvise(s->huge, HUGE, MADV_COLLAPSE);
	if (!s->away)
		return;
	move_all(s->fd, s->huge, HUGE, s->dev);
	move_all(s->fd, s->small, SMALL, s->dev);
}

static bool documented(int r)
{
	return !r || r == -ENOMEM || r == -EFAULT || r == -EAGAIN || r == -ENOENT || r == -EBUSY;
}

static void each_nth(bool away, step_fn *step, unsigned int at_least)
{
	struct scene s = scene_new(away);
	unsigned int n, failures = 0;
	int r = 0;

	fail_from(module_text(), module_text() + MODULE_TEXT);
	for (n = 1; n < NTH_MAX; n++) {
		unsigned int left;

		scene_set(&s);
		nth_set(n);
		r = step(&s);
		left = nth_end();
		if (!documented(r))
			tap_fail(__FILE__, __LINE__, "error %d when allocation %u fails", r, n);
		expect_words(s.huge, HUGE, SEED);
		expect_words(s.small, SMALL, SEED);
		if (left)
			break;
		failures += !!r;
	}
	printf("# %u allocations, %u of them needed\n", n - 1, failures);
	expect_is(r, 0);
	expect(n > at_least && n < NTH_MAX);
}

static int migrate_both(struct scene *s)
{
	int r = migrate(s->fd, s->huge, HUGE, s->dev, 0, NULL);

	return r ? r : migrate(s->fd, s->small, SMALL, s->dev, 0, NULL);
}

static int evict_both(struct scene *s)
{
	int r = evict(s->fd, s->huge, HUGE, NULL);

	return r ? r : evict(s->fd, s->small, SMALL, NULL);
}

/* In a system call a touch without an answer is an error and no signal. */
static int touch_both(struct scene *s)
{
	int fds[2], r = 0;

	expect_is(pipe(fds), 0);
	if (write(fds[1], s->huge + HUGE / 2, 1) != 1 || write(fds[1], s->small + PAGE, 1) != 1)
		r = -errno;
	close(fds[0]);
	close(fds[1]);
	return r;
}

static int open_one(struct scene *s)
{
	int fd = open(HMMDEV_PATH, O_RDWR | O_CLOEXEC);

	(void)s;
	return fd < 0 ? -errno : close(fd);
}

static int device_accesses(struct scene *s)
{
	char buf[PAGE];
	int r = dev_read(s->fd, s->dev, s->huge, buf, sizeof(buf));

	if (!r)
		r = dev_write(s->fd, s->dev, s->huge, buf, sizeof(buf));
	return r ? r : dev_read(s->fd, s->dev, s->small, buf, sizeof(buf));
}

static int snapshot(struct scene *s)
{
	struct hmmdev_snap_ent e[8];
	struct hmmdev_snap snap = { .addr = (uintptr_t)s->small, .len = SMALL,
				    .vec = (uintptr_t)e, .vec_n = 8, .dev = s->dev };

	return call(s->fd, HMMDEV_SNAPSHOT, &snap);
}

static int pin_one(struct scene *s, const void *at, size_t bytes, uint32_t flags)
{
	uint32_t id;
	int r = pin(s->fd, at, bytes, flags, &id);

	r = r ? r : unpin(s->fd, id);
	expect_is(stats(s->fd).pin_bytes, 0);
	return r;
}

static int pin_both(struct scene *s)
{
	int r = pin_one(s, s->huge, HUGE, HMMDEV_PIN_WRITE | HMMDEV_PIN_LONGTERM);

	return r ? r : pin_one(s, s->small, SMALL, 0);
}

static int exclusive_access(struct scene *s)
{
	struct hmmdev_excl e = { .dev = s->dev, .addr = (uintptr_t)s->small, .len = SMALL };
	uint64_t pages;
	int r = exclusive(s->fd, s->dev, s->small, SMALL, &pages);
	int released = call(s->fd, HMMDEV_EXCL_RELEASE, &e);

	return r ? r : released;
}

static int range_add(struct scene *s)
{
	struct hmmdev_range range = { .addr = (uintptr_t)s->small, .len = SMALL };
	int r = call(s->fd, HMMDEV_RANGE_ADD, &range);

	return r ? r : call(s->fd, HMMDEV_RANGE_DEL, &range);
}

static int device_create(struct scene *s)
{
	struct hmmdev_dev_ctl ctl = { .op = HMMDEV_OP_CREATE, .bytes = 4 * MiB, .nid = -1 };
	int r = call(s->fd, HMMDEV_DEV_CTL, &ctl);
	unsigned int left;

	if (r)
		return r;
	r = device_ctl(ctl.dev, HMMDEV_OP_DRAIN, NULL);
	r = r ? r : device_ctl(ctl.dev, HMMDEV_OP_REMOVE, NULL);
	left = nth_end();
	if (r) {
		expect(device_drain(ctl.dev));
		expect_is(device_ctl(ctl.dev, HMMDEV_OP_REMOVE, NULL), 0);
	}
	nth_set(left);
	return r;
}

/* All of it comes back although the drain is short of memory. */
static int drain(struct scene *s)
{
	int r = device_ctl(s->dev, HMMDEV_OP_DRAIN, NULL);
	unsigned int left = nth_end();

	expect(device_drain(s->dev));
	expect_is(device_ctl(s->dev, HMMDEV_OP_ONLINE, NULL), 0);
	nth_set(left);
	return r;
}

static int unmap_part(struct scene *s)
{
	void *at = memory_map(HUGE, MADV_HUGEPAGE);
	int r = migrate(s->fd, at, HUGE, s->dev, HMMDEV_MIGRATE_POPULATE, NULL);

	expect_is(munmap(at, HUGE / 4), 0);
	expect_is(munmap((char *)at + HUGE / 4, HUGE - HUGE / 4), 0);
	return r;
}

static void opening(void) { each_nth(false, open_one, 1); }
static void migrating(void) { each_nth(false, migrate_both, 0); }
static void evicting(void) { each_nth(true, evict_both, 1); }
static void touching(void) { each_nth(true, touch_both, 1); }
static void accessing(void) { each_nth(false, device_accesses, 1); }
static void accessing_away(void) { each_nth(true, device_accesses, 1); }
static void looking(void) { each_nth(true, snapshot, 0); }
static void pinning(void) { each_nth(true, pin_both, 1); }
static void excluding(void) { each_nth(false, exclusive_access, 0); }
static void adding(void) { each_nth(false, range_add, 1); }
static void creating(void) { each_nth(false, device_create, 1); }
static void draining(void) { each_nth(true, drain, 1); }
static void unmapping(void) { each_nth(false, unmap_part, 0); }

static int load(void)
{
	const char *path = getenv("HMM_MODULE"), *args = getenv("HMM_MODULE_ARGS");
	int fd = open(path ? path : "", O_RDONLY | O_CLOEXEC), r;

	expect(fd >= 0);
	r = syscall(SYS_finit_module, fd, args ? args : "", 0) ? -errno : 0;
	close(fd);
	return r;
}

/* From the last allocation backwards: the first ones are the kernel's own. */
static void loading(void)
{
	unsigned int all;

	fail_from(0, ~0UL);
	expect(soon(!module_unload()));
	nth_set(~0U);
	expect_is(load(), 0);
	all = ~0U - nth_end();
	for (unsigned int n = all; n && n > all - NTH_LOAD; n--) {
		if (!access(HMMDEV_PATH, F_OK))
			expect(soon(!module_unload()));
		nth_set(n);
		load();
		nth_set(0);
	}
	if (access(HMMDEV_PATH, F_OK))
		expect_is(load(), 0);
	printf("# %u allocations\n", all);
}

TESTS(TEST(opening), TEST(migrating), TEST(evicting), TEST(touching), TEST(accessing),
      TEST(accessing_away), TEST(looking), TEST(pinning), TEST(excluding), TEST(adding),
      TEST(creating), TEST(draining), TEST(unmapping), TEST(loading))
