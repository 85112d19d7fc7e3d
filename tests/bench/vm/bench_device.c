// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Moves of huge pages by the module against the same moves of small pages, and against the kernel's own
 * test driver, in one run of one guest: there the processor is emulated, so times mean nothing and only
 * ratios count. Every round does each thing once; medians of the rounds.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <lib/test_hmm_uapi.h>

#include "tests/driver/space.h"
#include "tests/driver/tap.h"

enum { ROUNDS = 25, SEED = 1 };	/* odd: the median is one of them */
#define PINNED (64 * MiB)	/* enough that the two calls themselves do not count */
#define BYTES (8 * MiB)	/* what comes back fits the pool of the module, as single faults do */

struct side {
	char *at;
	double to_device, to_ram, mm, copy;	/* ns of this round */
};

enum figure { TO_DEVICE, TO_RAM, THP_TO_DEVICE, MM, COPY_SHARE, PIN, FIGURES };

static const struct {
	const char *name, *unit;
} figures[FIGURES] = {
	[TO_DEVICE] = { "dev_thp_to_device_vs_test_hmm", "ratio" },
	[TO_RAM] = { "dev_thp_to_ram_vs_test_hmm", "ratio" },
	[THP_TO_DEVICE] = { "dev_thp_vs_4k_to_device", "ratio" },
	[MM] = { "dev_mm_thp_vs_4k", "ratio" },
	[COPY_SHARE] = { "dev_copy_share", "share" },
	[PIN] = { "pin_head_vs_4k", "ratio" },
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), by_value);
	return values[ROUNDS / 2];
}

/* There and back through the module. */
static void by_module(int fd, uint32_t dev, struct side *side)
{
	struct hmmdev_migrate m;
	uint64_t start = now_ns(), middle;

	expect_is(migrate(fd, side->at, BYTES, dev, 0, &m), 0);
	middle = now_ns();
	expect_is(m.moved, BYTES / PAGE);
	side->mm = (double)m.ns_mm;
	side->copy = (double)m.ns_copy;
	side->to_device = (double)(middle - start);
	middle = now_ns();
	expect_is(evict(fd, side->at, BYTES, &m), 0);
	side->to_ram = (double)(now_ns() - middle);
	expect_is(m.moved, BYTES / PAGE);
}

static double ask_kernel(int fd, unsigned long request, char *at, char *buffer)
{
	struct hmm_dmirror_cmd c = { .addr = (uintptr_t)at, .ptr = (uintptr_t)buffer, .npages = BYTES / PAGE };
	uint64_t start = now_ns();

	expect_is(ioctl(fd, request, &c), 0);
	return (double)(now_ns() - start);
}

/* There and back through the kernel's test driver. */
static void by_kernel(int fd, char *buffer, struct side *side)
{
	side->to_device = ask_kernel(fd, HMM_DMIRROR_MIGRATE_TO_DEV, side->at, buffer);
	side->to_ram = ask_kernel(fd, HMM_DMIRROR_MIGRATE_TO_SYS, side->at, buffer);
}

static double pinned(int fd, char *at, struct hmmdev_pin_ent *vec)
{
	struct hmmdev_pin p = { .flags = HMMDEV_PIN_WRITE, .addr = (uintptr_t)at, .len = PINNED,
				.vec = (uintptr_t)vec, .vec_n = PINNED / PAGE };
	uint64_t start = now_ns();

	expect_is(call(fd, HMMDEV_PIN, &p), 0);
	expect_is(p.npages, PINNED / PAGE);
	expect_is(unpin(fd, p.id), 0);
	return (double)(now_ns() - start);
}

static void check(const struct side *side)
{
	expect_words(side->at, BYTES, SEED);
}

int main(void)
{
	static struct hmmdev_pin_ent vec[PINNED / PAGE];
	static double values[FIGURES][ROUNDS];
	struct side huge = { .at = memory_huge(BYTES, SEED) }, small = { .at = memory_small(BYTES, SEED) };
	struct side kernel = { .at = memory_huge(BYTES, SEED) };
	char *buffer = memory_huge(BYTES, SEED);
	char *huge_pins = memory_huge(PINNED, SEED), *small_pins = memory_small(PINNED, SEED);
	uint32_t dev = device_private(4 * BYTES);
	int fd = space_open(), stock = open("/dev/hmm_dmirror0", O_RDWR);

	expect(stock >= 0);
	memset(vec, 0, sizeof(vec));
	for (int i = -1; i < ROUNDS; i++) {	/* the first one warms up */
		int at = i < 0 ? 0 : i;

		by_module(fd, dev, &huge);
		by_kernel(stock, buffer, &kernel);
		by_module(fd, dev, &small);
		values[TO_DEVICE][at] = kernel.to_device / huge.to_device;
		values[TO_RAM][at] = kernel.to_ram / huge.to_ram;
		values[THP_TO_DEVICE][at] = small.to_device / huge.to_device;
		values[MM][at] = small.mm / huge.mm;
		values[COPY_SHARE][at] = huge.copy / huge.to_device;
		values[PIN][at] = pinned(fd, small_pins, vec) / pinned(fd, huge_pins, vec);
	}
	check(&huge);
	check(&small);
	check(&kernel);
	for (int f = 0; f < FIGURES; f++)
		printf("bench %s %.3g %s\n", figures[f].name, median(values[f]), figures[f].unit);
	return 0;
}
