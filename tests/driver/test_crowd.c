// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hundreds of processes on one small device, each with its own words; half of them are killed in the
 * middle of it. With EVICT_OK they push each other out. Afterwards the device is empty.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/driver/space.h"
#include "tests/driver/tap.h"

enum { PROCESSES = 200, ROUNDS = 6 };
#define EACH (256 * KiB)

static void live(uint64_t seed, uint32_t dev)
{
	int fd = space_open();
	char *at = seed % 8 ? memory_small(EACH, seed) : memory_huge(HUGE, seed);
	size_t bytes = seed % 8 ? EACH : HUGE;

	for (int i = 0; i < ROUNDS; i++) {
		int r = migrate(fd, at, bytes, dev, i % 2 ? HMMDEV_MIGRATE_EVICT_OK : 0, NULL);

		expect(!r || r == -EAGAIN || r == -ENOSPC || r == -ENOENT || r == -ENOMEM);
		expect_words(at, bytes, seed);
	}
}

static void crowd(void)
{
	uint32_t dev = device_private(16 * MiB);
	int children[PROCESSES], status, killed = 0;

	for (int i = 0; i < PROCESSES; i++)
		children[i] = in_child(live((uint64_t)i + 1, dev));
	for (int i = 0; i < PROCESSES; i += 2)
		kill(children[i], SIGKILL);
	for (int i = 0; i < PROCESSES; i++) {
		expect_is(waitpid(children[i], &status, 0), children[i]);
		if (WIFSIGNALED(status)) {
			expect_is(WTERMSIG(status), SIGKILL);
			expect_is(i % 2, 0);
			killed++;
		} else {
			expect_is(WEXITSTATUS(status), 0);
		}
	}
	printf("# %d of %d killed\n", killed, PROCESSES);
	expect(soon(!device_info(dev).used));
}

/* Thousands of descriptors that come and go. */
static void opens(void)
{
	for (int i = 0; i < 3000; i++)
		close(space_open());
}

TESTS(TEST(crowd), TEST(opens))
