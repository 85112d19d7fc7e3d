// SPDX-License-Identifier: GPL-2.0-or-later
/* Limits: both accounts or neither, no sum that wraps, and who may raise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "drivers/kmod/limit.h"
#include "tests/unit/random.h"

enum { STEPS = 50000, FDS = 3 };

static const enum hmmdev_limit_kind DEV = HMMDEV_LIMIT_DEV_BYTES;

static void set(struct hmmdev_limit_account *a, u64 dev_bytes)
{
	struct hmmdev_limit io = { .dev_bytes = dev_bytes, .pin_bytes = ~0ULL, .ranges = ~0ULL };

	assert_int_equal(hmmdev_limit_apply(a, &io, HMMDEV_LIMIT_MAY_SET), 0);
	assert_true(io.dev_bytes == (dev_bytes == HMMDEV_LIMIT_DEFAULT ? a->max[DEV] : dev_bytes));
}

/* The sums of the descriptors are the user's, whatever was refused. */
static void both_are_charged_or_neither(void **state)
{
	struct hmmdev_limit_account fd[FDS], uid;
	uint64_t seed = 11;
	u64 used[FDS] = { 0 }, sum = 0, full = 0;
	int step, i;

	(void)state;
	hmmdev_limit_init(&uid, 10);
	set(&uid, 1500);
	for (i = 0; i < FDS; i++) {
		hmmdev_limit_init(&fd[i], 10);
		set(&fd[i], 600);
	}
	for (step = 0; step < STEPS; step++) {
		u64 amount = random_below(&seed, 200);

		i = (int)random_below(&seed, FDS);
		if (random_below(&seed, 2)) {
			bool room = used[i] + amount <= 600 && sum + amount <= 1500;

			assert_int_equal(hmmdev_limit_charge(&fd[i], &uid, DEV, amount),
					 room ? 0 : HMMDEV_LIMIT_E_FULL);
			used[i] += room ? amount : 0;
			sum += room ? amount : 0;
			full += !room;
		} else {
			bool had = used[i] >= amount;

			assert_int_equal(hmmdev_limit_uncharge(&fd[i], &uid, DEV, amount),
					 had ? 0 : -EINVAL);
			used[i] -= had ? amount : 0;
			sum -= had ? amount : 0;
		}
		assert_true(fd[i].used[DEV] == used[i] && uid.used[DEV] == sum);
	}
	assert_true(full > 0);
}

static void sums_do_not_wrap(void **state)
{
	struct hmmdev_limit_account fd, uid;

	(void)state;
	hmmdev_limit_init(&fd, 1);
	hmmdev_limit_init(&uid, 1);
	assert_int_equal(hmmdev_limit_charge(&fd, &uid, DEV, U64_MAX - 1), 0);
	assert_int_equal(hmmdev_limit_charge(&fd, &uid, DEV, 2), HMMDEV_LIMIT_E_FULL);
	assert_int_equal(hmmdev_limit_charge(&fd, &uid, DEV, U64_MAX), HMMDEV_LIMIT_E_FULL);
	assert_int_equal(hmmdev_limit_charge(&fd, &uid, DEV, 1), 0);
	assert_int_equal(hmmdev_limit_charge(&fd, &uid, HMMDEV_LIMIT_RANGES, 1), 0);
	assert_int_equal(hmmdev_limit_charge(&fd, &uid, HMMDEV_LIMIT_RANGES, 1),
			 HMMDEV_LIMIT_E_FULL);
	assert_int_equal(hmmdev_limit_charge(&fd, &uid, HMMDEV_LIMIT_PIN_BYTES, 4096), 0);
}

static void what_is_over_a_lowered_limit_stays(void **state)
{
	struct hmmdev_limit_account fd, uid;

	(void)state;
	hmmdev_limit_init(&fd, 1);
	hmmdev_limit_init(&uid, 1);
	assert_int_equal(hmmdev_limit_charge(&fd, &uid, DEV, 100), 0);
	set(&uid, 50);
	assert_true(uid.used[DEV] == 100);
	assert_int_equal(hmmdev_limit_charge(&fd, &uid, DEV, 1), HMMDEV_LIMIT_E_FULL);
	assert_int_equal(hmmdev_limit_charge(&fd, &uid, DEV, 0), HMMDEV_LIMIT_E_FULL);
	assert_int_equal(hmmdev_limit_uncharge(&fd, &uid, DEV, 60), 0);
	assert_int_equal(hmmdev_limit_charge(&fd, &uid, DEV, 10), 0);
	assert_int_equal(hmmdev_limit_charge(&fd, &uid, DEV, 1), HMMDEV_LIMIT_E_FULL);
}

static void an_account_gives_back_only_what_it_has(void **state)
{
	struct hmmdev_limit_account fd, uid, other;

	(void)state;
	hmmdev_limit_init(&fd, 1);
	hmmdev_limit_init(&uid, 1);
	hmmdev_limit_init(&other, 1);
	assert_int_equal(hmmdev_limit_charge(&fd, &uid, DEV, 5), 0);
	assert_int_equal(hmmdev_limit_uncharge(&fd, &other, DEV, 5), -EINVAL);
	assert_int_equal(hmmdev_limit_uncharge(&other, &uid, DEV, 5), -EINVAL);
	assert_true(fd.used[DEV] == 5 && uid.used[DEV] == 5 && other.used[DEV] == 0);
}

static void raising_needs_the_right(void **state)
{
	struct hmmdev_limit_account a;
	struct hmmdev_limit io = { .dev_bytes = 1 << 20, .pin_bytes = ~0ULL, .ranges = ~0ULL };

	(void)state;
	hmmdev_limit_init(&a, 4096);
	assert_int_equal(hmmdev_limit_apply(&a, &io, HMMDEV_LIMIT_MAY_LOWER), 0);
	assert_true(io.dev_bytes == 1 << 20 && io.pin_bytes == ~0ULL && io.ranges == 4096);
	/* One field may not, so none is set; all are told. */
	io = (struct hmmdev_limit){ .dev_bytes = 2 << 20, .pin_bytes = 5, .ranges = 7 };
	assert_int_equal(hmmdev_limit_apply(&a, &io, HMMDEV_LIMIT_MAY_LOWER), -EPERM);
	assert_true(io.dev_bytes == 1 << 20 && io.pin_bytes == ~0ULL && io.ranges == 4096);
	io = (struct hmmdev_limit){ .dev_bytes = 2 << 20, .pin_bytes = 5, .ranges = 7 };
	assert_int_equal(hmmdev_limit_apply(&a, &io, HMMDEV_LIMIT_MAY_SET), 0);
	assert_true(io.dev_bytes == 2 << 20 && io.pin_bytes == 5 && io.ranges == 7);
	assert_true(a.max[DEV] == 2 << 20 && a.max[HMMDEV_LIMIT_PIN_BYTES] == 5);
	/* Who may only ask does not lower either. */
	io = (struct hmmdev_limit){ .dev_bytes = 1, .pin_bytes = ~0ULL, .ranges = ~0ULL };
	assert_int_equal(hmmdev_limit_apply(&a, &io, HMMDEV_LIMIT_MAY_ASK), -EPERM);
	assert_true(io.dev_bytes == 2 << 20 && a.max[DEV] == 2 << 20);
	io = (struct hmmdev_limit){ .dev_bytes = ~0ULL, .pin_bytes = ~0ULL, .ranges = ~0ULL };
	assert_int_equal(hmmdev_limit_apply(&a, &io, HMMDEV_LIMIT_MAY_ASK), 0);
	assert_true(io.dev_bytes == 2 << 20);
}

/* Defaults follow what there is, up to the moment when somebody sets the limit. */
static void a_default_ends_where_a_limit_is_set(void **state)
{
	struct hmmdev_limit io = { .dev_bytes = ~0ULL, .pin_bytes = ~0ULL, .ranges = ~0ULL };
	struct hmmdev_limit_account a;

	(void)state;
	hmmdev_limit_init(&a, 1);
	hmmdev_limit_default(&a, DEV, 100);
	assert_true(a.max[DEV] == 100 && a.max[HMMDEV_LIMIT_PIN_BYTES] == ~0ULL);
	hmmdev_limit_default(&a, DEV, 200);
	assert_true(a.max[DEV] == 200);
	assert_int_equal(hmmdev_limit_apply(&a, &io, HMMDEV_LIMIT_MAY_SET), 0);
	assert_false(hmmdev_limit_is_set(&a));
	set(&a, 50);
	assert_true(hmmdev_limit_is_set(&a));
	hmmdev_limit_default(&a, DEV, 300);
	hmmdev_limit_default(&a, HMMDEV_LIMIT_PIN_BYTES, 300);
	assert_true(a.max[DEV] == 50 && a.max[HMMDEV_LIMIT_PIN_BYTES] == 300);
	set(&a, HMMDEV_LIMIT_DEFAULT);
	assert_false(hmmdev_limit_is_set(&a));
	assert_true(a.max[DEV] == 300);
	hmmdev_limit_default(&a, DEV, 400);
	assert_true(a.max[DEV] == 400);
}

/* The default is a value as any other: to go back to it may be to raise. */
static void a_default_is_asked_for_by_who_may(void **state)
{
	struct hmmdev_limit io = { .dev_bytes = 8, .pin_bytes = 8, .ranges = 8 };
	struct hmmdev_limit_account a;

	(void)state;
	hmmdev_limit_init(&a, 4096);
	assert_int_equal(hmmdev_limit_apply(&a, &io, HMMDEV_LIMIT_MAY_LOWER), 0);
	io = (struct hmmdev_limit){ .dev_bytes = HMMDEV_LIMIT_DEFAULT, .pin_bytes = HMMDEV_LIMIT_DEFAULT,
				    .ranges = HMMDEV_LIMIT_DEFAULT };
	assert_int_equal(hmmdev_limit_apply(&a, &io, HMMDEV_LIMIT_MAY_LOWER), -EPERM);
	assert_true(io.dev_bytes == 8 && io.pin_bytes == 8 && io.ranges == 8);
	io = (struct hmmdev_limit){ .dev_bytes = HMMDEV_LIMIT_DEFAULT, .pin_bytes = HMMDEV_LIMIT_DEFAULT,
				    .ranges = HMMDEV_LIMIT_DEFAULT };
	assert_int_equal(hmmdev_limit_apply(&a, &io, HMMDEV_LIMIT_MAY_SET), 0);
	assert_true(io.dev_bytes == ~0ULL && io.pin_bytes == ~0ULL && io.ranges == 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_are_charged_or_neither),
		cmocka_unit_test(sums_do_not_wrap),
		cmocka_unit_test(what_is_over_a_lowered_limit_stays),
		cmocka_unit_test(an_account_gives_back_only_what_it_has),
		cmocka_unit_test(raising_needs_the_right),
		cmocka_unit_test(a_default_ends_where_a_limit_is_set),
		cmocka_unit_test(a_default_is_asked_for_by_who_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
