// SPDX-License-Identifier: GPL-2.0-or-later
/* What is pinned is in memory and stays there, whatever others need. */
#include <errno.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/move.h"
#include "tests/support/seen.h"
#include "tests/support/words.h"

enum { PAGES = 4, FAST_PAGES = 16, SEED = 31 };
#define SIZE (PAGES * HUGE_PAGE)

static struct hmm_range *filled(struct hmm_client *c, size_t pages, uint64_t seed)
{
	struct hmm_range *r = NULL;

	assert_int_equal(hmm_alloc(c, pages * HUGE_PAGE, NULL, &r), 0);
	words_fill(hmm_range_addr(r), pages * HUGE_PAGE, seed);
	return r;
}

/* Page by page it is said what a move finds, so nothing but this test may move any. */
static void pinning_brings_in_and_holds(void **state)
{
	struct house *h = house_on(state, HOUSE_QUIET);
	struct hmm_client *c = house_client(h, "pin", 0);
	struct hmm_range *r = filled(c, PAGES, SEED);
	uint8_t fast = (uint8_t)ask_tier(c, "dram");
	struct hmm_move_result result;

	move_all(r, 0, 0, "far");
	assert_int_equal(hmm_range_pin(r, 0, 2 * HUGE_PAGE, NULL), 0);
	assert_true(move_count(r, fast) >= 2);
	assert_int_equal(ask_number(c, "ranges", NULL, NULL, "pinned_bytes"), 2 * HUGE_PAGE);
	move_all(r, 2 * HUGE_PAGE, 0, "far");
	move_some(r, 0, 0, "far", &result);
	assert_int_equal(result.busy, 2 * HUGE_PAGE);
	assert_int_equal(result.already_there, 2 * HUGE_PAGE);
	assert_int_equal(hmm_range_unpin(r, 0, 2 * HUGE_PAGE), 0);
	assert_int_equal(ask_number(c, "ranges", NULL, NULL, "pinned_bytes"), 0);
	move_all(r, 0, 0, "far");
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	hmm_client_unref(c);
	house_close(h);
}

static void pressure_does_not_move_pins(void **state)
{
	struct house *h = house_on(state, HOUSE_TIERS);
	struct hmm_client *c = house_client(h, "pin", 0);
	struct hmm_range *r = filled(c, PAGES, SEED), *big;
	uint8_t fast = (uint8_t)ask_tier(c, "dram");

	assert_int_equal(hmm_range_pin(r, 0, 0, "dram"), 0);
	big = filled(c, 2 * FAST_PAGES, SEED + 1);
	assert_int_equal(move_count(r, fast), PAGES);
	assert_int_equal(words_bad(hmm_range_addr(big), 2 * FAST_PAGES * HUGE_PAGE, SEED + 1), 0);
	assert_int_equal(move_count(r, fast), PAGES);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	/* Freed while pinned: the charge comes back all the same. */
	assert_int_equal(hmm_range_free(r), 0);
	assert_int_equal(ask_sum(c, "clients", "pinned_bytes"), 0);
	hmm_client_unref(c);
	house_close(h);
}

static void pinned_from_the_start(void **state)
{
	struct house *h = house_open(NULL);
	struct hmm_client *c = house_client(h, "pin", 0);
	struct hmm_range_options o = HMM_RANGE_OPTIONS_INIT;
	struct hmm_move_result result;
	struct hmm_range *r = NULL;

	(void)state;
	o.flags = HMM_RANGE_PINNED;
	assert_int_equal(hmm_alloc(c, SIZE, &o, &r), 0);
	words_fill(hmm_range_addr(r), SIZE, SEED);
	assert_int_equal(ask_number(c, "ranges", NULL, NULL, "pinned_bytes"), SIZE);
	move_some(r, 0, 0, "far", &result);
	assert_int_equal(result.busy, SIZE);
	hmm_client_unref(c);
	house_close(h);
}

static void a_quota_limits_pins(void **state)
{
	static const struct house_options o = {
		.config = HOUSE_TIERS "[quota default]\npinned = 4M\n",
	};
	struct house *h = house_open(&o);
	struct hmm_client *c = house_client(h, "pin", 0);
	struct hmm_range *r = filled(c, PAGES, SEED);

	(void)state;
	assert_int_equal(hmm_range_pin(r, 0, 0, NULL), -EDQUOT);
	assert_int_equal(ask_number(c, "ranges", NULL, NULL, "pinned_bytes"), 0);
	assert_int_equal(hmm_range_pin(r, 0, 2 * HUGE_PAGE, NULL), 0);
	assert_int_equal(hmm_range_pin(r, 2 * HUGE_PAGE, HUGE_PAGE, NULL), -EDQUOT);
	assert_int_equal(hmm_range_unpin(r, 0, HUGE_PAGE), 0);
	assert_int_equal(hmm_range_pin(r, 2 * HUGE_PAGE, HUGE_PAGE, NULL), 0);
	assert_int_equal(hmm_range_pin(r, 4096, HUGE_PAGE, NULL), -EINVAL);
	assert_int_equal(hmm_range_pin(r, 0, 0, "nonesuch"), -ENOENT);
	hmm_client_unref(c);
	house_close(h);
}

static uint64_t pinned(struct hmm_client *c)
{
	return ask_sum(c, "ranges", "pinned_bytes");
}

/* How many bytes of the piece a move finds held. */
static uint64_t held(struct hmm_range *r, size_t off, size_t len)
{
	struct hmm_move_result result;

	move_some(r, off, len, "far", &result);
	return result.busy;
}

static void pins_are_counted(void **state)
{
	struct house *h = house_on(state, HOUSE_QUIET);
	struct hmm_client *c = house_client(h, "pin", 0);
	struct hmm_range *r = filled(c, PAGES, SEED);

	assert_int_equal(hmm_range_pin(r, 0, 2 * HUGE_PAGE, NULL), 0);
	assert_int_equal(hmm_range_pin(r, 0, 2 * HUGE_PAGE, NULL), 0);
	assert_int_equal(pinned(c), 2 * HUGE_PAGE);	/* it has no more room than once */
	assert_int_equal(hmm_range_unpin(r, 0, 2 * HUGE_PAGE), 0);
	assert_int_equal(pinned(c), 2 * HUGE_PAGE);
	assert_int_equal(held(r, 0, 2 * HUGE_PAGE), 2 * HUGE_PAGE);
	assert_int_equal(hmm_range_unpin(r, 0, 2 * HUGE_PAGE), 0);
	assert_int_equal(pinned(c), 0);
	move_all(r, 0, 2 * HUGE_PAGE, "far");
	assert_int_equal(hmm_range_unpin(r, 0, 2 * HUGE_PAGE), -ENOENT);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	hmm_client_unref(c);
	house_close(h);
}

/* Each page counts for itself: one unpin takes one off each page that has any. */
static void pins_overlap(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	struct hmm_client *c = house_client(h, "pin", 0);
	struct hmm_range *r = filled(c, PAGES, SEED);

	(void)state;
	assert_int_equal(hmm_range_pin(r, 0, 3 * HUGE_PAGE, NULL), 0);
	assert_int_equal(hmm_range_pin(r, HUGE_PAGE, 3 * HUGE_PAGE, NULL), 0);
	assert_int_equal(pinned(c), SIZE);
	assert_int_equal(hmm_range_unpin(r, 2 * HUGE_PAGE, HUGE_PAGE), 0);	/* out of the middle of one of them */
	assert_int_equal(pinned(c), SIZE);
	assert_int_equal(hmm_range_unpin(r, 2 * HUGE_PAGE, HUGE_PAGE), 0);
	assert_int_equal(pinned(c), SIZE - HUGE_PAGE);
	assert_int_equal(held(r, 0, 0), SIZE - HUGE_PAGE);
	assert_int_equal(hmm_range_unpin(r, 2 * HUGE_PAGE, HUGE_PAGE), -ENOENT);
	assert_int_equal(hmm_range_unpin(r, 0, 0), 0);
	assert_int_equal(pinned(c), HUGE_PAGE);		/* page 1 was pinned twice */
	assert_int_equal(held(r, HUGE_PAGE, HUGE_PAGE), HUGE_PAGE);
	assert_int_equal(hmm_range_unpin(r, 0, 0), 0);
	assert_int_equal(pinned(c), 0);
	assert_int_equal(hmm_range_unpin(r, 0, 0), -ENOENT);
	hmm_client_unref(c);
	house_close(h);
}

static int operator(struct hmm_client *c, uint32_t verb)
{
	struct hmm_control what = HMM_CONTROL_INIT;
	struct hmm_op *op = NULL;
	int r;

	what.verb = verb;
	what.pid = getpid();
	r = hmm_control(c, &what, &op);
	if (!r && op)
		r = hmm_op_wait(op, PATIENCE_US);
	hmm_op_unref(op);
	return r;
}

static void an_operators_pin_is_another(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	struct hmm_client *c = house_client(h, "pin", 0);
	struct hmm_range *r = filled(c, PAGES, SEED);

	(void)state;
	assert_int_equal(hmm_range_pin(r, 0, HUGE_PAGE, NULL), 0);
	assert_int_equal(operator(c, HMM_CONTROL_UNPIN), -ENOENT);
	assert_int_equal(held(r, 0, HUGE_PAGE), HUGE_PAGE);
	assert_int_equal(operator(c, HMM_CONTROL_PIN), 0);
	assert_int_equal(pinned(c), SIZE);
	assert_int_equal(operator(c, HMM_CONTROL_UNPIN), 0);
	assert_int_equal(pinned(c), HUGE_PAGE);
	assert_int_equal(held(r, 0, HUGE_PAGE), HUGE_PAGE);
	assert_int_equal(operator(c, HMM_CONTROL_PIN), 0);
	assert_int_equal(hmm_range_unpin(r, 0, 0), 0);	/* its own one page */
	assert_int_equal(hmm_range_unpin(r, 0, 0), -ENOENT);
	assert_int_equal(pinned(c), SIZE);
	assert_int_equal(held(r, 0, 0), SIZE);
	/* To stay is neither. */
	assert_int_equal(hmm_range_advise(r, 0, 0, HMM_ADVICE_NEVER_MIGRATE, 0), 0);
	assert_int_equal(operator(c, HMM_CONTROL_UNPIN), 0);
	assert_int_equal(pinned(c), SIZE);
	assert_int_equal(hmm_range_advise(r, 0, 0, HMM_ADVICE_NORMAL, 0), 0);
	assert_int_equal(pinned(c), 0);
	hmm_client_unref(c);
	house_close(h);
}

/* Refused as a whole: the pins of the ranges before the one that has no room end again, those that were there do not. */
static void a_refused_operator_changes_nothing(void **state)
{
	static const struct house_options o = { .config = HOUSE_QUIET "[quota default]\npinned = 8M\n" };
	struct house *h = house_open(&o);
	struct hmm_client *c = house_client(h, "pin", 0);
	struct hmm_range *r = filled(c, 2, SEED), *more = filled(c, PAGES, SEED);

	(void)state;
	assert_int_equal(hmm_range_pin(r, 0, HUGE_PAGE, NULL), 0);
	assert_int_equal(operator(c, HMM_CONTROL_PIN), -EDQUOT);
	assert_int_equal(pinned(c), HUGE_PAGE);
	assert_int_equal(operator(c, HMM_CONTROL_UNPIN), -ENOENT);
	assert_int_equal(hmm_range_unpin(r, 0, HUGE_PAGE), 0);
	assert_int_equal(pinned(c), 0);
	assert_int_equal(hmm_range_free(more), 0);
	hmm_client_unref(c);
	house_close(h);
}

static void pins_outlive_the_daemon(void **state)
{
	struct house *h = house_on(state, HOUSE_QUIET);
	struct hmm_client *c = house_client(h, "pin", 0);
	struct hmm_range *r = filled(c, PAGES, SEED), *other = filled(c, PAGES, SEED);
	struct seen seen = { 0 };

	assert_int_equal(hmm_client_set_event_handler(c, seen_note, &seen), 0);
	assert_int_equal(hmm_range_pin(r, 0, 2 * HUGE_PAGE, NULL), 0);
	assert_int_equal(hmm_range_pin(r, 0, 2 * HUGE_PAGE, NULL), 0);
	assert_int_equal(hmm_range_pin(other, 0, 0, NULL), 0);
	assert_int_equal(hmm_range_unpin(other, 0, 0), 0);
	assert_int_equal(hmm_range_pin(other, 0, HUGE_PAGE, NULL), 0);
	assert_int_equal(operator(c, HMM_CONTROL_PIN), 0);
	for (unsigned int i = 0; i < 2; i++) {
		house_kill(h);
		house_start(h);
		assert_soon(atomic_load(&seen.reconnected) == i + 1);
	}
	assert_int_equal(pinned(c), 2 * SIZE);
	assert_int_equal(operator(c, HMM_CONTROL_UNPIN), 0);
	assert_int_equal(operator(c, HMM_CONTROL_UNPIN), -ENOENT);
	assert_int_equal(pinned(c), 3 * HUGE_PAGE);
	assert_int_equal(hmm_range_unpin(r, 0, 2 * HUGE_PAGE), 0);
	assert_int_equal(held(r, 0, 0), 2 * HUGE_PAGE);
	assert_int_equal(hmm_range_unpin(r, 0, 2 * HUGE_PAGE), 0);
	assert_int_equal(hmm_range_unpin(r, 0, 2 * HUGE_PAGE), -ENOENT);
	assert_int_equal(hmm_range_unpin(other, 0, 0), 0);
	assert_int_equal(pinned(c), 0);
	move_all(r, 0, 0, "far");
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	hmm_client_unref(c);
	assert_soon(count_files(h->state, ".pins") == 0);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PER_BACKING(pinning_brings_in_and_holds),
		PER_BACKING(pressure_does_not_move_pins),
		cmocka_unit_test(pinned_from_the_start),
		cmocka_unit_test(a_quota_limits_pins),
		PER_BACKING(pins_are_counted),
		cmocka_unit_test(pins_overlap),
		cmocka_unit_test(an_operators_pin_is_another),
		cmocka_unit_test(a_refused_operator_changes_nothing),
		PER_BACKING(pins_outlive_the_daemon),
	};

	return cmocka_run_group_tests_name("pins", tests, NULL, NULL);
}
