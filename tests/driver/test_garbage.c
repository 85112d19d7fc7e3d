// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Garbage in every field of every request, for HMM_TEST_SECONDS (60), from several processes without
 * rights whose memory changes meanwhile. Nothing but errors may come of it: the words of memory that was
 * only moved, pinned or looked at stay what they were.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/driver/space.h"
#include "tests/driver/tap.h"

enum { PROCESSES = 4, REQUESTS = 18 };
#define KEPT (4 * MiB)
#define SCRATCH (4 * MiB)

static const unsigned long numbers[REQUESTS] = {
	HMMDEV_QUERY, HMMDEV_DEV_INFO, HMMDEV_RANGE_ADD, HMMDEV_RANGE_DEL, HMMDEV_MIGRATE, HMMDEV_EVICT,
	HMMDEV_EXCL_ACQUIRE, HMMDEV_EXCL_RELEASE, HMMDEV_EXCL_CHECK, HMMDEV_SNAPSHOT, HMMDEV_PIN, HMMDEV_UNPIN,
	HMMDEV_STATS, HMMDEV_LIMIT, HMMDEV_DEV_CTL, HMMDEV_DEV_READ, HMMDEV_DEV_WRITE, HMMDEV_INJECT,
};

struct fuzz {
	int fd;
	uint64_t random, ends_ns;
	char *kept, *scratch;	/* scratch is what a request may write to */
	uint64_t answers[2];	/* errors and successes */
};

static uint64_t page_of(struct fuzz *f, char *start, size_t bytes)
{
	return (uintptr_t)start + random_next(&f->random) % (bytes / PAGE) * PAGE;
}

/* Mostly what could be meant, so that a call gets past its first check. */
static uint64_t value(struct fuzz *f, bool may_write)
{
	uint64_t r = random_next(&f->random);

	switch (r % 16) {
	case 0: case 1: case 2: case 3:
		return page_of(f, f->scratch, SCRATCH);
	case 4: case 5: case 6: case 7:
		return may_write ? page_of(f, f->scratch, SCRATCH) : page_of(f, f->kept, KEPT);
	case 8: case 9: case 10:
		return (r >> 8) % 600 * PAGE;
	case 11:
		return (r >> 8) % 8;
	case 12:
		return 1ULL << (r >> 8) % 64;
	case 13:
		return (uintptr_t)f->scratch + (r >> 8) % SCRATCH;
	case 14:
		return -(r >> 8) % 8192;
	}
	return r;
}

/* Only addr, the first field after the header, may name memory that is kept, and only for what reads it. */
static void fill(struct fuzz *f, unsigned long number, uint64_t *words, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		uint64_t v = value(f, i != 1 || number == HMMDEV_DEV_WRITE);

		if (random_next(&f->random) % 4 == 0)
			v = random_next(&f->random) % 16;
		words[i] = v;
	}
	((uint32_t *)words)[0] = _IOC_SIZE(number);
	((uint32_t *)words)[1] = random_next(&f->random) % 4 ? random_next(&f->random) % 8 : 0;
	if (random_next(&f->random) % 16 == 0)
		words[0] = random_next(&f->random);
}

static void one(struct fuzz *f)
{
	uint64_t words[64] = { 0 };
	unsigned long number = numbers[random_next(&f->random) % REQUESTS];

	fill(f, number, words, _IOC_SIZE(number) / 8);
	if (random_next(&f->random) % 8 == 0)
		number = numbers[random_next(&f->random) % REQUESTS];	/* the right form of another one */
	if (number == HMMDEV_DEV_WRITE || number == HMMDEV_DEV_READ)
		words[1] = page_of(f, f->scratch, SCRATCH);
	if (number == HMMDEV_SNAPSHOT || number == HMMDEV_PIN)
		words[3] = page_of(f, f->scratch, SCRATCH);
	if (number == HMMDEV_DEV_READ)
		words[3] = page_of(f, f->scratch, SCRATCH);
	f->answers[!ioctl(f->fd, number, words)]++;
}

/* Memory comes and goes under the requests. */
static void *disturb(void *arg)
{
	struct fuzz f = *(struct fuzz *)arg;

	f.random ^= 0x5bd1e995;
	while (now_ns() < f.ends_ns) {
		char *at = (char *)page_of(&f, f.scratch, SCRATCH - 16 * PAGE);
		size_t bytes = (1 + random_next(&f.random) % 16) * PAGE;

		switch (random_next(&f.random) % 4) {
		case 0:
			mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
			break;
		case 1:
			mprotect(at, bytes, random_next(&f.random) % 4 ? PROT_READ | PROT_WRITE : PROT_READ);
			break;
		case 2:
			madvise(at, bytes, MADV_DONTNEED);
			break;
		case 3:
			(void)*(volatile char *)(f.kept + random_next(&f.random) % KEPT);
		}
	}
	return NULL;
}

static void process(uint64_t seed, uint64_t ends_ns)
{
	struct fuzz f = { .fd = space_open(), .random = seed, .ends_ns = ends_ns,
			  .kept = memory_huge(KEPT, seed), .scratch = memory_huge(SCRATCH, seed) };
	pthread_t thread;

	expect_is(setuid(65534), 0);
	expect_is(pthread_create(&thread, NULL, disturb, &f), 0);
	while (now_ns() < f.ends_ns)
		one(&f);
	pthread_join(thread, NULL);
	expect(f.answers[0] > 0 && f.answers[1] > 0);
	expect_words(f.kept, KEPT, seed);
}

static void garbage(void)
{
	uint64_t seed = tap_seed(), ends_ns = now_ns() + tap_seconds(60) * 1000000000ULL;
	int children[PROCESSES];

	device_private(6 * MiB);	/* less than they would take */
	for (uint64_t i = 0; i < PROCESSES; i++)
		children[i] = in_child(process(seed + i * 7919, ends_ns));
	for (int i = 0; i < PROCESSES; i++)
		end_child(children[i]);
}

TESTS(TEST(garbage))
