// SPDX-License-Identifier: GPL-2.0-or-later
/* The mover over mech_sim: every sequence, and what happens when two meet. */
#include <errno.h>

#include "tests/unit/failing_device.h"
#include "tests/support/test.h"
#include "tests/unit/rig.h"

static struct rig g;

static int small_rig(void **state)
{
	(void)state;
	failing_reset();
	rig_open(&g, &(struct rig_options){ .pages = 6, .fast = 4, .far = 6, .device = &failing_device });
	return 0;
}

static int in_place_rig(void **state)
{
	small_rig(state);
	failing.in_place = true;
	return 0;
}

static int close_rig(void **state)
{
	(void)state;
	sim_fail(g.mech, SIM_ANY, 0, 0);
	sim_hook(g.mech, SIM_ANY, NULL, NULL);
	rig_balanced(&g);
	rig_close(&g);
	return 0;
}

static void first_touch_reads_zeros(void **state)
{
	(void)state;
	assert_int_equal(rig_fill(&g, 0), MOVER_DONE);
	assert_int_equal(rig_state(&g, 0), PAGE_RESIDENT);
	assert_int_equal(rig_read(&g, 0, 5), 0);
	assert_int_equal(rig_fill(&g, 0), MOVER_E_ALREADY);
}

static void contents_survive_the_way_out_and_back(void **state)
{
	(void)state;
	rig_mark(&g, 1, 42);
	assert_int_equal(rig_evict(&g, 1), MOVER_DONE);
	assert_int_equal(rig_state(&g, 1), PAGE_DEVICE);
	assert_int_equal(sim_pages(g.mech), 0);
	assert_int_equal(rig_evict(&g, 1), MOVER_E_ALREADY);
	rig_balanced(&g);
	assert_int_equal(rig_fill(&g, 1), MOVER_DONE);
	rig_check(&g, 1, 42);
	assert_int_equal(slots_used(g.devices[FAR].slots), 0);
}

static void staging_is_used_when_the_device_cannot_be_used_in_place(void **state)
{
	(void)state;
	rig_mark(&g, 1, 42);
	rig_evict(&g, 1);
	assert_int_equal(failing.writes, failing.in_place ? 0 : 1);
	rig_fill(&g, 1);
	assert_int_equal(failing.reads, failing.in_place ? 0 : 1);
	rig_check(&g, 1, 42);
}

static void full_pool_is_said(void **state)
{
	struct pool *full = NULL;

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(rig_fill(&g, i), MOVER_DONE);
	assert_int_equal(mover_fill(&g.mover, g.range, g.first + 4, atomic_load(&g.range->home), &full), MOVER_E_NO_ROOM);
	assert_ptr_equal(full, &g.world->tiers[FAST].pool);
	assert_int_equal(rig_state(&g, 4), PAGE_ABSENT);
}

static void victims_make_room_and_stale_ones_are_passed_over(void **state)
{
	struct pool *full = &g.world->tiers[FAST].pool;
	struct victim v = { .range = g.range };

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		rig_mark(&g, i, i);
	for (unsigned int i = 0; i < 2; i++) {
		v.vpn = g.first + i;
		v.word = rig_word(&g, i);
		assert_true(range_hold(g.range));
		assert_true(ring_push(full->victims, &v));
	}
	/* Flags count: the first is not what was ranked any more. */
	page_flag(radix_find(&g.space->mirror, g.first), PAGE_COLD, 0);
	assert_int_equal(mover_make_room(&g.mover, full), MOVER_DONE);
	assert_int_equal(rig_state(&g, 0), PAGE_RESIDENT);
	assert_int_equal(rig_state(&g, 1), PAGE_DEVICE);
	assert_int_equal(mover_make_room(&g.mover, full), MOVER_E_NO_ROOM);
	assert_int_equal(g.range->holders, 0);
}

static void pinned_and_staying_pages_stay(void **state)
{
	(void)state;
	rig_mark(&g, 0, 1);
	page_flag(radix_find(&g.space->mirror, g.first), PAGE_PINNED, 0);
	assert_int_equal(rig_evict(&g, 0), MOVER_E_BUSY);
	assert_int_equal(mover_discard(&g.mover, g.range, g.first), MOVER_E_BUSY);
	page_flag(radix_find(&g.space->mirror, g.first), PAGE_STAY, PAGE_PINNED);
	assert_int_equal(rig_evict(&g, 0), MOVER_E_BUSY);
	page_flag(radix_find(&g.space->mirror, g.first), 0, PAGE_STAY);
	assert_int_equal(rig_evict(&g, 0), MOVER_DONE);
}

static void device_without_slots_is_no_room(void **state)
{
	uint32_t slot;

	(void)state;
	rig_mark(&g, 0, 1);
	for (int i = 0; i < 6; i++)
		assert_int_equal(slots_take(g.devices[FAR].slots, &slot), 0);
	assert_int_equal(rig_evict(&g, 0), MOVER_E_NO_ROOM);
	assert_int_equal(rig_state(&g, 0), PAGE_RESIDENT);
	for (uint32_t i = 0; i < 6; i++)
		slots_give(g.devices[FAR].slots, i);
	g.devices[FAR].failed = true;
	assert_int_equal(rig_evict(&g, 0), MOVER_E_NO_ROOM);
}

static void discard_gives_everything_back(void **state)
{
	(void)state;
	rig_mark(&g, 0, 1);
	rig_mark(&g, 1, 1);
	rig_evict(&g, 1);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(mover_discard(&g.mover, g.range, g.first + i), MOVER_DONE);
		assert_int_equal(rig_state(&g, i), PAGE_ABSENT);
		assert_int_equal(mover_discard(&g.mover, g.range, g.first + i), MOVER_E_ALREADY);
	}
	assert_int_equal(sim_pages(g.mech), 0);
	assert_int_equal(failing.discards, 1);
	assert_int_equal(rig_read(&g, 0, 0), 0);
}

static void write_error_keeps_the_page_and_closes_the_device(void **state)
{
	(void)state;
	rig_mark(&g, 0, 7);
	failing.error = ENOSPC;
	failing.fail_write = 1;
	assert_int_equal(rig_evict(&g, 0), MOVER_E_NO_ROOM);
	assert_false(g.devices[FAR].failed);
	failing.error = EIO;
	failing.fail_write = 1;
	assert_int_equal(rig_evict(&g, 0), -EIO);
	assert_true(g.devices[FAR].failed);
	assert_int_equal(rig_evict(&g, 0), MOVER_E_NO_ROOM);
	rig_check(&g, 0, 7);
	rig_write(&g, 0, 3, 3);
}

static void read_error_is_poison_never_zeros(void **state)
{
	struct mech_page p = rig_page(&g, 0);
	uint64_t value;

	(void)state;
	rig_mark(&g, 0, 7);
	rig_evict(&g, 0);
	failing.fail_read = 1;
	assert_int_equal(rig_fill(&g, 0), MOVER_E_POISONED);
	assert_int_equal(rig_state(&g, 0), PAGE_POISONED);
	assert_int_equal(sim_read(g.mech, &p, 0, &value), SIM_E_POISONED);
	assert_int_equal(rig_fill(&g, 0), MOVER_E_POISONED);
	assert_int_equal(mover_repoison(&g.mover, g.range, g.first), MOVER_DONE);
	rig_balanced(&g);
	assert_int_equal(mover_discard(&g.mover, g.range, g.first), MOVER_DONE);
	assert_int_equal(rig_read(&g, 0, 0), 0);
}

static void no_memory_steps_back_and_wakes(void **state)
{
	unsigned int wakes;

	(void)state;
	sim_fail(g.mech, SIM_ZERO, 1, ENOMEM);
	assert_int_equal(rig_fill(&g, 0), MOVER_E_NO_MEMORY);
	assert_int_equal(rig_state(&g, 0), PAGE_ABSENT);
	rig_mark(&g, 0, 9);
	rig_evict(&g, 0);
	wakes = sim_calls(g.mech, SIM_WAKE);
	sim_fail(g.mech, SIM_FILL, 1, ENOMEM);
	assert_int_equal(rig_fill(&g, 0), MOVER_E_NO_MEMORY);
	assert_int_equal(rig_state(&g, 0), PAGE_DEVICE);
	assert_true(sim_calls(g.mech, SIM_WAKE) > wakes);
	rig_balanced(&g);
	rig_check(&g, 0, 9);
}

static void client_that_is_gone_is_said(void **state)
{
	(void)state;
	rig_mark(&g, 0, 9);
	rig_evict(&g, 0);
	sim_fail(g.mech, SIM_FILL, 1, ESRCH);
	assert_int_equal(rig_fill(&g, 0), MOVER_E_GONE);
	assert_int_equal(rig_state(&g, 0), PAGE_DEVICE);
}

/* Hooks: what another thread does in the middle of an eviction. */
static struct mover other;
static int met;

static void write_in_between(void *userdata)
{
	struct mech_page p = rig_page(&g, 0);

	(void)userdata;
	sim_hook(g.mech, SIM_ANY, NULL, NULL);
	assert_int_equal(sim_write(g.mech, &p, 1, 11), SIM_E_PROTECTED);
	assert_int_equal(fault_answer(rig_word(&g, 0), true), FAULT_ABORT);
	met = mover_abort(&other, g.range, g.first);
	assert_int_equal(sim_write(g.mech, &p, 1, 11), 0);
}

static void two_movers(void)
{
	assert_int_equal(mover_init(&other, g.mech, g.devices, NULL), 0);
	rig_mark(&g, 0, 5);
	met = -1;
}

static void write_aborts_the_eviction(void **state)
{
	(void)state;
	two_movers();
	sim_hook(g.mech, SIM_COPY_OUT, write_in_between, NULL);
	assert_int_equal(rig_evict(&g, 0), MOVER_E_ABORTED);
	assert_int_equal(met, MOVER_DONE);
	assert_int_equal(rig_state(&g, 0), PAGE_RESIDENT);
	assert_int_equal(rig_read(&g, 0, 1), 11);
	rig_check(&g, 0, 5);
	mover_done(&other);
}

static void abort_and_evict_again(void *userdata)
{
	write_in_between(userdata);
	met = mover_evict(&other, g.range, g.first, 0, FAR);
}

static void late_evictor_does_not_harm_the_next(void **state)
{
	(void)state;
	two_movers();
	sim_hook(g.mech, SIM_COPY_OUT, abort_and_evict_again, NULL);
	assert_int_equal(rig_evict(&g, 0), MOVER_E_ABORTED);
	assert_int_equal(met, MOVER_DONE);
	assert_int_equal(rig_state(&g, 0), PAGE_DEVICE);
	rig_balanced(&g);
	assert_int_equal(rig_read(&g, 0, 1), 11);
	rig_check(&g, 0, 5);
	mover_done(&other);
}

static void meet_in_commit(void *userdata)
{
	struct mech_page p = rig_page(&g, 0);
	struct pool *full;

	(void)userdata;
	sim_hook(g.mech, SIM_ANY, NULL, NULL);
	assert_int_equal(rig_state(&g, 0), PAGE_COMMITTING);
	assert_int_equal(mover_abort(&other, g.range, g.first), MOVER_E_BUSY);
	assert_int_equal(mover_fill(&other, g.range, g.first, atomic_load(&g.range->home), &full), MOVER_E_BUSY);
	assert_int_equal(mover_discard(&other, g.range, g.first), MOVER_E_BUSY);
	assert_int_equal(mover_check(&other, g.range, g.first), MOVER_E_BUSY);
	assert_int_equal(sim_write(g.mech, &p, 0, 1), SIM_E_PROTECTED);
	met = 0;
}

static void nobody_thaws_a_commit(void **state)
{
	(void)state;
	two_movers();
	sim_hook(g.mech, SIM_PUNCH, meet_in_commit, NULL);
	assert_int_equal(rig_evict(&g, 0), MOVER_DONE);
	assert_int_equal(met, 0);
	rig_check(&g, 0, 5);
	mover_done(&other);
}

static void pin_in_between(void *userdata)
{
	(void)userdata;
	page_flag(radix_find(&g.space->mirror, g.first), PAGE_PINNED, 0);
}

static void pin_stops_the_eviction(void **state)
{
	(void)state;
	rig_mark(&g, 0, 5);
	sim_hook(g.mech, SIM_COPY_OUT, pin_in_between, NULL);
	assert_int_equal(rig_evict(&g, 0), MOVER_E_BUSY);
	assert_int_equal(rig_state(&g, 0), PAGE_RESIDENT);
	assert_false(sim_frozen(g.mech, &(struct mech_page){ .file = g.file, .offset = 0 }));
	page_flag(radix_find(&g.space->mirror, g.first), 0, PAGE_PINNED);
}

static void hint_in_between(void *userdata)
{
	(void)userdata;
	page_flag(radix_find(&g.space->mirror, g.first), PAGE_COLD, 0);
}

static void hint_does_not_stop_the_eviction(void **state)
{
	(void)state;
	rig_mark(&g, 0, 5);
	sim_hook(g.mech, SIM_COPY_OUT, hint_in_between, NULL);
	assert_int_equal(rig_evict(&g, 0), MOVER_DONE);
	assert_true(rig_word(&g, 0) & PAGE_COLD);
}

/* The program punched its own file: zeros, as it asked for. */
static void hole_in_a_resident_page_is_zeros(void **state)
{
	struct mech_page p = rig_page(&g, 0);

	(void)state;
	rig_mark(&g, 0, 5);
	assert_int_equal(g.mech->ops->punch(g.mech, &p), 0);
	assert_int_equal(mover_check(&g.mover, g.range, g.first), MOVER_DONE);
	assert_int_equal(rig_state(&g, 0), PAGE_RESIDENT);
	assert_int_equal(rig_read(&g, 0, 0), 0);
}

static void protected_resident_page_is_thawed(void **state)
{
	struct mech_page p = rig_page(&g, 0);

	(void)state;
	rig_mark(&g, 0, 5);
	assert_int_equal(g.mech->ops->freeze(g.mech, &p), 0);
	assert_int_equal(mover_abort(&g.mover, g.range, g.first), MOVER_E_ALREADY);
	assert_int_equal(sim_write(g.mech, &p, 0, 5), 0);
}

static void only_pages_of_the_range(void **state)
{
	struct pool *full;

	(void)state;
	assert_int_equal(mover_fill(&g.mover, g.range, g.first + 6, atomic_load(&g.range->home), &full), -EINVAL);
	assert_int_equal(mover_evict(&g.mover, g.range, g.first - 1, 0, FAR), -EINVAL);
	assert_int_equal(mover_evict(&g.mover, g.range, g.first, 0, FAST), MOVER_E_BUSY);
	rig_mark(&g, 0, 5);
	assert_int_equal(mover_evict(&g.mover, g.range, g.first, 0, FAST), MOVER_E_NO_ROOM);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, small_rig, close_rig)
#define TEST_IN_PLACE(name) { #name "_in_place", name, in_place_rig, close_rig, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(first_touch_reads_zeros),
		TEST(contents_survive_the_way_out_and_back),
		TEST_IN_PLACE(contents_survive_the_way_out_and_back),
		TEST(staging_is_used_when_the_device_cannot_be_used_in_place),
		TEST_IN_PLACE(staging_is_used_when_the_device_cannot_be_used_in_place),
		TEST(full_pool_is_said),
		TEST(victims_make_room_and_stale_ones_are_passed_over),
		TEST(pinned_and_staying_pages_stay),
		TEST(device_without_slots_is_no_room),
		TEST(discard_gives_everything_back),
		TEST(write_error_keeps_the_page_and_closes_the_device),
		TEST(read_error_is_poison_never_zeros),
		TEST(no_memory_steps_back_and_wakes),
		TEST(client_that_is_gone_is_said),
		TEST(write_aborts_the_eviction),
		TEST_IN_PLACE(write_aborts_the_eviction),
		TEST(late_evictor_does_not_harm_the_next),
		TEST(nobody_thaws_a_commit),
		TEST(pin_stops_the_eviction),
		TEST(hint_does_not_stop_the_eviction),
		TEST(hole_in_a_resident_page_is_zeros),
		TEST(protected_resident_page_is_thawed),
		TEST(only_pages_of_the_range),
	};

	return cmocka_run_group_tests_name("mover", tests, NULL, NULL);
}
