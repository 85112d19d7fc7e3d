// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unloading: refused while anybody has a descriptor or memory on a device, done at once when nobody has,
 * and never waits for ever. The module is loaded again afterwards.
 */
#include <unistd.h>

#include "tests/driver/module.h"
#include "tests/driver/other.h"
#include "tests/driver/space.h"
#include "tests/driver/tap.h"

enum { SEED = 121 };

static void is_refused(void)
{
	uint32_t dev = device_private(8 * MiB);
	int fd = space_open();
	char *at = memory_huge(HUGE, SEED);
	struct other o;

	expect(module_unload() < 0);	/* a descriptor */
	close(fd);
	o = other_start(HUGE, SEED);
	move_all(o.fd, o.at, HUGE, dev);
	other_close(&o);
	close(o.fd);
	expect(module_unload() < 0);	/* memory without a descriptor */
	other_check(&o);	/* which comes back, and nothing holds the module any more */
	expect(soon(!module_unload()));
	other_check(&o);
	other_exit(&o);
	expect_words(at, HUGE, SEED);
	module_load();
}

/* With memory of ended processes just on its way back. */
static void after_kill(void)
{
	for (int i = 0; i < 5; i++) {
		uint32_t dev = device_private(8 * MiB);
		struct other o = other_start(4 * MiB, SEED);

		move_all(o.fd, o.at, 4 * MiB, dev);
		other_kill(&o);
		close(o.fd);
		expect(soon(!module_unload()));
		module_load();
	}
}

static void again_and_again(void)
{
	module_reload(20);
}

TESTS(TEST(is_refused), TEST(after_kill), TEST(again_and_again))
