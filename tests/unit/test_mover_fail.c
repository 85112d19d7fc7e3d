// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The mover when the kernel refuses: for every sequence the first call fails, then the second, and so on
 * until none is left to fail; after each nothing is lost, nothing is in transit and the books are right.
 * Then every word that a dead daemon can leave, recovered, and recovered with every failure.
 */
#include <errno.h>

#include "tests/unit/failing_device.h"
#include "tests/support/test.h"
#include "tests/unit/rig.h"

#define VALUE 77

static struct rig g;

static int open_rig(void **state)
{
	(void)state;
	failing_reset();
	rig_open(&g, &(struct rig_options){ .pages = 4, .fast = 3, .far = 4, .device = &failing_device });
	return 0;
}

static int close_rig(void **state)
{
	(void)state;
	rig_close(&g);
	return 0;
}

static int do_fill(void)
{
	return rig_fill(&g, 0);
}
static int do_evict(void)
{
	return rig_evict(&g, 0);
}
static int do_abort(void)
{
	return mover_abort(&g.mover, g.range, g.first);
}
static int do_check(void)
{
	return mover_check(&g.mover, g.range, g.first);
}
static int do_discard(void)
{
	return mover_discard(&g.mover, g.range, g.first);
}

static void make_resident(void)
{
	rig_mark(&g, 0, VALUE);
}
static void make_away(void)
{
	rig_mark(&g, 0, VALUE);
	assert_int_equal(rig_evict(&g, 0), MOVER_DONE);
}
static void make_protected(void)
{
	struct mech_page p = rig_page(&g, 0);

	rig_mark(&g, 0, VALUE);
	assert_int_equal(g.mech->ops->freeze(g.mech, &p), 0);
}
static void make_nothing(void)
{
}

static void back_to_nothing(void)
{
	if (rig_state(&g, 0) != PAGE_ABSENT)
		assert_int_equal(mover_discard(&g.mover, g.range, g.first), MOVER_DONE);
}

static const int errors[] = { ENOMEM, EIO, ESRCH, EAGAIN };

static void fail_every_call(void (*make)(void), int (*sequence)(void), uint64_t expected)
{
	unsigned int failures = 0;

	for (size_t e = 0; e < sizeof(errors) / sizeof(errors[0]); e++) {
		for (unsigned int k = 1; ; k++) {
			make();
			sim_fail(g.mech, SIM_ANY, k, errors[e]);
			(void)sequence();
			if (!sim_failed(g.mech)) {
				sim_fail(g.mech, SIM_ANY, 0, 0);
				back_to_nothing();
				break;
			}
			failures++;
			rig_balanced(&g);
			if (expected)
				rig_check(&g, 0, expected);
			rig_write(&g, 0, 9, 9);
			rig_balanced(&g);
			back_to_nothing();
			rig_balanced(&g);
			assert_int_equal(sim_pages(g.mech), 0);
		}
	}
	assert_true(failures >= 2 * sizeof(errors) / sizeof(errors[0]));
}

static void zeros_with_every_failure(void **state)
{
	(void)state;
	fail_every_call(make_nothing, do_fill, 0);
}
static void fill_with_every_failure(void **state)
{
	(void)state;
	fail_every_call(make_away, do_fill, VALUE);
}
static void evict_with_every_failure(void **state)
{
	(void)state;
	fail_every_call(make_resident, do_evict, VALUE);
}
static void evict_in_place_with_every_failure(void **state)
{
	(void)state;
	failing.in_place = true;
	fail_every_call(make_resident, do_evict, VALUE);
	fail_every_call(make_away, do_fill, VALUE);
}
static void abort_with_every_failure(void **state)
{
	(void)state;
	fail_every_call(make_protected, do_abort, VALUE);
}
static void check_with_every_failure(void **state)
{
	(void)state;
	fail_every_call(make_resident, do_check, VALUE);
}
static void discard_with_every_failure(void **state)
{
	(void)state;
	fail_every_call(make_resident, do_discard, 0);
	fail_every_call(make_away, do_discard, 0);
}

/* Slots are counted ahead, room on a disk is not always: the victim goes to the next device then. */
static void a_device_full_at_the_write_is_passed_over(void **state)
{
	struct pool *full = &g.world->tiers[FAST].pool;
	struct victim v = { .range = g.range, .vpn = g.first };

	(void)state;
	make_resident();
	v.word = rig_word(&g, 0);
	g.range->lower[1] = g.range->lower[0];	/* the device fails once: the second time it is another one */
	g.range->n_lower = 2;
	failing.error = ENOSPC;
	failing.fail_write = 1;
	assert_true(range_hold(g.range));
	assert_true(ring_push(full->victims, &v));
	assert_int_equal(mover_make_room(&g.mover, full), MOVER_DONE);
	assert_int_equal(rig_state(&g, 0), PAGE_DEVICE);
	assert_int_equal(failing.writes, 2);
	assert_false(g.devices[FAR].failed);
	g.range->n_lower = 1;
	rig_check(&g, 0, VALUE);
	rig_balanced(&g);
}

/* Every pair of failures of an eviction: also the ways back have steps that fail. */
static void device_and_kernel_fail_together(void **state)
{
	(void)state;
	for (unsigned int k = 1; k < 10; k++) {
		make_resident();
		failing.fail_write = 1;
		failing.error = ENOSPC;
		sim_fail(g.mech, SIM_ANY, k, EAGAIN);
		assert_true(do_evict() != MOVER_DONE);
		failing.fail_write = 0;
		sim_fail(g.mech, SIM_ANY, 0, 0);
		rig_balanced(&g);
		rig_check(&g, 0, VALUE);
		rig_write(&g, 0, 9, 9);
		back_to_nothing();
	}
}

/* ---- after a crash ---- */

enum found { IN_FILE = 1, IN_SLOT = 2, FROZEN = 4, TORN = 8 };

struct crash {
	enum page_state state;
	unsigned int found;
	enum page_state after;
	bool lost;			/* contents were thrown away on purpose, or never were */
};

static const struct crash crashes[] = {
	{ PAGE_RESIDENT, IN_FILE, PAGE_RESIDENT, false },
	{ PAGE_RESIDENT, IN_FILE | FROZEN, PAGE_RESIDENT, false },
	{ PAGE_EVICTING, IN_FILE, PAGE_RESIDENT, false },
	{ PAGE_EVICTING, IN_FILE | FROZEN, PAGE_RESIDENT, false },
	{ PAGE_ABORTING, IN_FILE | FROZEN, PAGE_RESIDENT, false },
	{ PAGE_COMMITTING, IN_FILE | IN_SLOT | FROZEN, PAGE_DEVICE, false },
	{ PAGE_COMMITTING, IN_SLOT, PAGE_DEVICE, false },
	{ PAGE_DEVICE, IN_FILE | IN_SLOT | FROZEN, PAGE_DEVICE, false },
	{ PAGE_DEVICE, IN_SLOT, PAGE_DEVICE, false },
	{ PAGE_FILLING, IN_SLOT, PAGE_RESIDENT, false },
	{ PAGE_FILLING, IN_FILE | IN_SLOT, PAGE_RESIDENT, false },
	{ PAGE_FILLING, IN_FILE | IN_SLOT | TORN, PAGE_RESIDENT, false },
	{ PAGE_ZEROING, 0, PAGE_ABSENT, true },
	{ PAGE_ZEROING, IN_FILE, PAGE_RESIDENT, false },
	{ PAGE_DISCARDING, IN_FILE, PAGE_ABSENT, true },
	{ PAGE_DISCARDING, IN_SLOT, PAGE_ABSENT, true },
	{ PAGE_ABSENT, 0, PAGE_ABSENT, true },
};

/* Page 0 as found; the slot has what the page had, but for a word written after the fill. */
static void stage(const struct crash *c)
{
	struct mech_page p = rig_page(&g, 0);
	uint32_t slot = 0;
	bool held = c->found & IN_SLOT;

	rig_mark(&g, 0, VALUE);
	if (held) {
		assert_int_equal(rig_evict(&g, 0), MOVER_DONE);
		slot = page_word_slot(rig_word(&g, 0));
	}
	if (held && (c->found & IN_FILE))
		assert_int_equal(g.mech->ops->fill(g.mech, &p, g.devices[FAR].ops->read(g.devices[FAR].device, slot,
				 g.mover.staging) ? NULL : g.mover.staging), 0);
	if (c->state == PAGE_FILLING && (c->found & IN_FILE))
		assert_int_equal(sim_write(g.mech, &p, 1, 123), 0);
	if (!(c->found & (IN_FILE | IN_SLOT)))
		assert_int_equal(mover_discard(&g.mover, g.range, g.first), MOVER_DONE);
	if (c->found & TORN)
		sim_tear(g.mech, &p);
	if (c->found & FROZEN)
		assert_int_equal(g.mech->ops->freeze(g.mech, &p), 0);
	if (rig_state(&g, 0) != c->state) {
		rig_put_word(&g, 0, c->state, held ? FAR : FAST, slot);
	}
}

/* What the program has written since its page came in. */
static void check_written(const struct crash *c)
{
	if (c->state == PAGE_FILLING && (c->found & IN_FILE))
		assert_int_equal(rig_read(&g, 0, 1), 123);
}

static void check_after(const struct crash *c)
{
	assert_int_equal(rig_state(&g, 0), c->after);
	rig_balanced(&g);
	if (c->lost)
		assert_int_equal(rig_read(&g, 0, 0), 0);
	else
		rig_check(&g, 0, VALUE);
	check_written(c);
	rig_write(&g, 0, 9, 9);
	rig_balanced(&g);
}

/* Books of the old daemon are at rest while the words are not: free them as they were. */
static void crash_and_recover(const struct crash *c, unsigned int fail, int expected)
{
	stage(c);
	rig_restart(&g);
	assert_int_equal(mover_reserve(g.devices, rig_word(&g, 0)), 0);
	sim_fail(g.mech, SIM_ANY, fail, EAGAIN);
	if (expected >= 0)
		assert_int_equal(mover_recover(&g.mover, g.range, g.first), expected);
	else
		(void)mover_recover(&g.mover, g.range, g.first);
}

static void every_word_a_crash_leaves(void **state)
{
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++) {
		open_rig(state);
		crash_and_recover(&crashes[i], 0, MOVER_DONE);
		check_after(&crashes[i]);
		close_rig(state);
	}
}

static void dying_again_in_the_middle_of_recovery(void **state)
{
	unsigned int failures = 0;

	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++) {
		for (unsigned int k = 1; ; k++) {
			bool failed;

			open_rig(state);
			crash_and_recover(&crashes[i], k, -1);
			failed = sim_failed(g.mech);
			sim_fail(g.mech, SIM_ANY, 0, 0);
			rig_restart(&g);
			assert_int_equal(mover_reserve(g.devices, rig_word(&g, 0)), 0);
			assert_int_equal(mover_recover(&g.mover, g.range, g.first), MOVER_DONE);
			rig_balanced(&g);
			if (!crashes[i].lost)
				rig_check(&g, 0, VALUE);
			check_written(&crashes[i]);
			rig_write(&g, 0, 9, 9);
			close_rig(state);
			if (!failed)
				break;
			failures++;
		}
	}
	assert_true(failures > sizeof(crashes) / sizeof(crashes[0]));
}

static void slot_that_is_gone_is_poison_unless_the_page_is_there(void **state)
{
	struct mech_page p;
	uint64_t value;

	open_rig(state);
	make_away();
	rig_put_word(&g, 0, PAGE_DEVICE, FAR, 1000);
	rig_restart(&g);
	assert_int_equal(mover_reserve(g.devices, rig_word(&g, 0)), -ERANGE);
	assert_int_equal(mover_recover(&g.mover, g.range, g.first), MOVER_E_POISONED);
	p = rig_page(&g, 0);
	assert_int_equal(sim_read(g.mech, &p, 0, &value), SIM_E_POISONED);
	rig_balanced(&g);
	close_rig(state);

	open_rig(state);
	make_resident();
	rig_put_word(&g, 0, PAGE_COMMITTING, FAR, 1000);
	rig_restart(&g);
	assert_int_equal(mover_recover(&g.mover, g.range, g.first), MOVER_DONE);
	rig_balanced(&g);
	rig_check(&g, 0, VALUE);
	close_rig(state);
}

static void two_words_for_one_slot_are_seen(void **state)
{
	open_rig(state);
	make_away();
	rig_put_word(&g, 1, PAGE_DEVICE, FAR, page_word_slot(rig_word(&g, 0)));
	rig_restart(&g);
	assert_int_equal(mover_reserve(g.devices, rig_word(&g, 0)), 0);
	assert_int_equal(mover_reserve(g.devices, rig_word(&g, 1)), SLOTS_E_FULL);
	rig_put_word(&g, 1, PAGE_ABSENT, 0, 0);
	assert_int_equal(mover_recover(&g.mover, g.range, g.first), MOVER_DONE);
	close_rig(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(zeros_with_every_failure),
		TEST(fill_with_every_failure),
		TEST(evict_with_every_failure),
		TEST(evict_in_place_with_every_failure),
		TEST(abort_with_every_failure),
		TEST(check_with_every_failure),
		TEST(discard_with_every_failure),
		TEST(device_and_kernel_fail_together),
		TEST(a_device_full_at_the_write_is_passed_over),
		cmocka_unit_test(every_word_a_crash_leaves),
		cmocka_unit_test(dying_again_in_the_middle_of_recovery),
		cmocka_unit_test(slot_that_is_gone_is_poison_unless_the_page_is_there),
		cmocka_unit_test(two_words_for_one_slot_are_seen),
	};

	return cmocka_run_group_tests_name("mover failures", tests, NULL, NULL);
}
