// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Adopted memory and a kernel driver whose requests fail: every byte is told, nothing stays booked
 * that is not there, and afterwards all works again.
 */
#include "tests/support/switched.h"

static void a_move_that_fails_moves_nothing(void **state)
{
	static const int errors[] = { ESRCH, ENODEV, ENOMEM, ENOSPC, EINVAL, EDQUOT, EOPNOTSUPP };
	struct hmm_move_result result;
	struct hmm_range *r;
	struct failing f;

	(void)state;
	open_failing(&f);
	r = adopted(f.c, memory_of(SIZE), SIZE);
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		let_fail(&f, HMMDEV_MIGRATE, errors[i]);
		move_some(r, 0, 0, "hbm", &result);
		assert_int_equal(result.failed, SIZE);
		assert_int_equal(ask_used(f.c, "hbm"), 0);
	}
	let_fail(&f, 0, 0);
	move_all(r, 0, 0, "hbm");
	let_fail(&f, HMMDEV_EVICT, ENOMEM);
	assert_int_equal(hmm_range_free(r), 0); /* what does not come back now comes at a touch */
	assert_int_equal(ask_used(f.c, "hbm"), 0);
	close_failing(&f);
}

static void what_cannot_be_seen_stays_as_it_was_booked(void **state)
{
	struct hmm_move_result result;
	struct hmm_range *r;
	struct failing f;

	(void)state;
	open_failing(&f);
	r = adopted(f.c, memory_of(SIZE), SIZE);
	let_fail(&f, HMMDEV_SNAPSHOT, EIO);
	move_some(r, 0, 0, "hbm", &result);
	assert_int_equal(result.moved, SIZE);
	assert_int_equal(on_tier(f.c, "dram"), SIZE);
	let_fail(&f, 0, 0);
	assert_soon(ask_used(f.c, "hbm") == SIZE); /* by the next round */
	assert_soon(on_tier(f.c, "dram") == 0);
	close_failing(&f);
}

static void a_pin_that_fails_charges_nothing(void **state)
{
	struct hmm_op *op = NULL;
	struct hmm_move_result result = HMM_MOVE_RESULT_INIT;
	struct hmm_range *r;
	struct failing f;

	(void)state;
	open_failing(&f);
	r = adopted(f.c, memory_of(SIZE), SIZE);
	let_fail(&f, HMMDEV_PIN, ENOMEM);
	assert_int_equal(hmm_range_pin(r, 0, HUGE_PAGE, NULL), -EIO);
	assert_int_equal(ask_number(f.c, "ranges", NULL, NULL, "pinned_bytes"), 0);
	let_fail(&f, HMMDEV_EXCL_ACQUIRE, EBUSY);
	assert_int_equal(hmm_range_exclusive(r, 0, HUGE_PAGE, &op), 0);
	assert_int_equal(hmm_op_wait(op, PATIENCE_US), 0);
	assert_int_equal(hmm_op_result(op, &result), 0);
	assert_int_equal(result.busy, HUGE_PAGE);
	hmm_op_unref(op);
	let_fail(&f, 0, 0);
	assert_int_equal(hmm_range_pin(r, 0, HUGE_PAGE, NULL), 0);
	assert_int_equal(hmm_range_free(r), 0); /* pinned */
	assert_int_equal(ask_sum(f.c, "clients", "pinned_bytes"), 0);
	close_failing(&f);
}

/* More ranges than the driver takes: they are watched by looking alone. */
static void a_range_that_the_driver_refuses_is_watched(void **state)
{
	struct hmm_range *r;
	struct failing f;

	(void)state;
	open_failing(&f);
	let_fail(&f, HMMDEV_RANGE_ADD, EDQUOT);
	r = adopted(f.c, memory_of(SIZE), SIZE);
	assert_true(atomic_load(&f.switches->failed) > 0);
	move_all(r, 0, 0, "hbm");
	assert_int_equal(ask_used(f.c, "hbm"), SIZE);
	assert_int_equal(hmm_range_free(r), 0);
	close_failing(&f);
}

static void a_device_that_is_gone_is_a_failed_tier(void **state)
{
	struct failing f;
	struct hmm_range *r;
	char text[16];

	(void)state;
	open_failing(&f);
	r = adopted(f.c, memory_of(SIZE), SIZE);
	let_fail(&f, HMMDEV_DEV_INFO, ENODEV);
	assert_soon((ask_text(f.c, "tiers", "name", "hbm", "state", text, sizeof(text)),
		     !strcmp(text, "failed")));
	assert_int_equal(hmm_range_migrate(r, 0, 0, "hbm", 0, NULL), -EIO);
	close_failing(&f);
}

/* What is asked of it would be taken for something else: hmmd does without, and says what is wrong. */
static void a_module_of_another_version_is_a_failed_tier(void **state)
{
	static const uint32_t others[] = { HMMDEV_API_VERSION - 1, HMMDEV_API_VERSION + 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		char text[256], version[32];
		struct failing f;

		open_switches(&f);
		atomic_store(&f.switches->api, others[i]);
		open_behind(&f);
		snprintf(version, sizeof(version), "speaks version %u,", others[i]);
		ask_text(f.c, "tiers", "name", "hbm", "state", text, sizeof(text));
		assert_string_equal(text, "failed");
		ask_text(f.c, "doctor", "check", "tiers", "text", text, sizeof(text));
		assert_non_null(strstr(text, version));
		ask_text(f.c, "doctor", "check", "kernel_driver", "text", text, sizeof(text));
		assert_non_null(strstr(text, version));
		assert_true(hmm_register(f.c, memory_of(SIZE), SIZE, NULL, &(struct hmm_range *) { NULL }) >= 0);
		close_failing(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_move_that_fails_moves_nothing),
		cmocka_unit_test(what_cannot_be_seen_stays_as_it_was_booked),
		cmocka_unit_test(a_pin_that_fails_charges_nothing),
		cmocka_unit_test(a_range_that_the_driver_refuses_is_watched),
		cmocka_unit_test(a_device_that_is_gone_is_a_failed_tier),
		cmocka_unit_test(a_module_of_another_version_is_a_failed_tier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
