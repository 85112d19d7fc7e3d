// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel driver is told what a user may have, so that it holds for what goes past hmmd, too. */
#include "tests/support/switched.h"

static void reload(struct hmm_client *c)
{
	struct hmm_control k = HMM_CONTROL_INIT;

	k.verb = HMM_CONTROL_RELOAD;
	assert_int_equal(hmm_control(c, &k, NULL), 0);
}

/* Without a quota what the tiers have; with one its sum over them, also from a reload on. */
static void the_driver_follows_the_quota(void **state)
{
	struct failing f;

	(void)state;
	open_failing(&f);
	adopted(f.c, memory_of(SIZE), SIZE);
	assert_soon(atomic_load(&f.switches->dev_limit) == (48ULL << 20) + DRIVER_DAEMON_BYTES);
	assert_true(atomic_load(&f.switches->pin_limit) == HMMDEV_LIMIT_DEFAULT);
	house_write_config(f.h, QUIET "[quota default]\ntier.hbm = 8M\npinned = 6M\n");
	reload(f.c);
	assert_true(atomic_load(&f.switches->dev_limit) == (8ULL << 20) + DRIVER_DAEMON_BYTES);
	assert_true(atomic_load(&f.switches->pin_limit) == 6ULL << 20);
	house_write_config(f.h, QUIET "[quota default]\ntier.hbm = 0\ntier.gddr = 900M\n");
	reload(f.c);
	assert_true(atomic_load(&f.switches->dev_limit) == DRIVER_DAEMON_BYTES);
	assert_true(atomic_load(&f.switches->pin_limit) == HMMDEV_LIMIT_DEFAULT);
	close_failing(&f);
}

/* A driver that does not let hmmd say so is used all the same. */
static void a_driver_that_refuses_is_used(void **state)
{
	struct hmm_range *r;
	struct failing f;

	(void)state;
	open_failing(&f);
	let_fail(&f, HMMDEV_LIMIT, EPERM);
	r = adopted(f.c, memory_of(SIZE), SIZE);
	assert_soon(atomic_load(&f.switches->failed) > 0);
	assert_int_equal(atomic_load(&f.switches->dev_limit), 0);
	move_all(r, 0, 0, "hbm");
	close_failing(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_driver_follows_the_quota),
		cmocka_unit_test(a_driver_that_refuses_is_used),
	};

	return cmocka_run_group_tests_name("adopted_limits", tests, NULL, NULL);
}
