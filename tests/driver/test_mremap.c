// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Storms of mremap, munmap of parts, mprotect and moves over memory that is half on the device, for
 * HMM_TEST_SECONDS (20): every page keeps its words, wherever it goes.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#include "tests/driver/space.h"
#include "tests/driver/tap.h"
#include "tests/support/words.h"

#define PART (2 * MiB)
enum { PARTS = 4, PIECE_PAGES = 64 };

/* A piece of memory: its pages and what is in them. */
struct piece {
	char *at;
	uint64_t seed;
};

enum { PIECES = PARTS * (int)(PART / PAGE) / PIECE_PAGES };
#define PIECE (PIECE_PAGES * PAGE)

static struct piece pieces[PIECES];

/* Where a piece may go: reserved, so that nothing else is hit. */
static char *reserve(size_t bytes)
{
	char *at = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	expect(at != MAP_FAILED);
	return at;
}

static void check(const struct piece *p)
{
	expect_words(p->at, PIECE, p->seed);
}

static void relocate(struct piece *p, bool keep_mapping)
{
	char *to = reserve(PIECE);
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED | (keep_mapping ? MREMAP_DONTUNMAP : 0);

	expect(mremap(p->at, PIECE, PIECE, flags, to) == to);
	if (keep_mapping) {
		expect_zero(p->at, PAGE);
		munmap(p->at, PIECE);
	}
	p->at = to;
}

/* It ends and begins anew, with other words. */
static void replace(struct piece *p, uint64_t seed)
{
	munmap(p->at, PIECE);
	p->at = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	expect(p->at != MAP_FAILED);
	p->seed = seed;
	words_fill(p->at, PIECE, seed);
}

/* The device has room for all of it, but a huge page keeps its block until the last piece is gone. */
static void send(int fd, struct piece *p, uint32_t dev)
{
	int r = migrate(fd, p->at, PIECE, dev, 0, NULL);

	if (r && r != -EAGAIN && r != -ENOENT && r != -ENOSPC)
		tap_fail(__FILE__, __LINE__, "error %d of a move", r);
}

static void step(int fd, uint32_t dev, uint64_t *random)
{
	struct piece *p = &pieces[random_next(random) % PIECES];

	switch (random_next(random) % 8) {
	case 0: case 1: case 2:
		send(fd, p, dev);
		break;
	case 3: case 4:
		relocate(p, false);
		break;
	case 5:
		relocate(p, true);
		break;
	case 6:
		expect_is(mprotect(p->at, PIECE / 2, PROT_READ), 0);
		check(p);
		expect_is(mprotect(p->at, PIECE / 2, PROT_READ | PROT_WRITE), 0);
		break;
	case 7:
		if (random_next(random) % 4)
			check(p);
		else
			replace(p, random_next(random));
	}
}

static void storm(bool coherent)
{
	uint64_t random = tap_seed(), ends_ns = now_ns() + tap_seconds(20) * 1000000000ULL, steps = 0;
	uint32_t dev = coherent ? device_coherent(PARTS * PART) : device_private(PARTS * PART);
	int fd = space_open();
	char *at = memory_huge(PARTS * PART, 0);

	for (int i = 0; i < PIECES; i++) {
		pieces[i] = (struct piece){ at + i * PIECE, random_next(&random) };
		words_fill(pieces[i].at, PIECE, pieces[i].seed);
	}
	move_all(fd, at, PARTS * PART, dev);
	for (; now_ns() < ends_ns; steps++)
		step(fd, dev, &random);
	for (int i = 0; i < PIECES; i++) {
		check(&pieces[i]);
		expect_is(munmap(pieces[i].at, PIECE), 0);
	}
	expect(soon(!device_info(dev).used));
	printf("# %llu steps\n", (unsigned long long)steps);
}

static void private_memory(void)
{
	storm(false);
}

static void coherent_memory(void)
{
	storm(true);
}

TESTS(TEST(private_memory), TEST(coherent_memory))
