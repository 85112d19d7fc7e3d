// SPDX-License-Identifier: GPL-2.0-or-later
/* Pins of adopted memory, which the kernel driver holds: what is in no books is not pinned there either. */
#include <pthread.h>

#include "tests/support/cut.h"
#include "tests/support/seen.h"
#include "tests/support/switched.h"

enum { MANY = 2000 /* more than the workers' queue has places */, SLOW_US = 100 };

static uint64_t pins(const struct failing *f)
{
	return atomic_load(&f->switches->pins);
}

static void all_pins_of_a_freed_range_end(void **state)
{
	struct failing f;
	struct hmm_range *r;

	(void)state;
	open_failing(&f);
	r = adopted(f.c, memory_of(SIZE), SIZE);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(hmm_range_pin(r, i * 4096, 4096, NULL), 0);
	assert_int_equal(pins(&f), MANY);
	atomic_store(&f.switches->unpin_us, SLOW_US);
	assert_int_equal(hmm_range_free(r), 0);
	assert_int_equal(pins(&f), 0);
	assert_int_equal(ask_sum(f.c, "clients", "pinned_bytes"), 0);
	close_failing(&f);
}

static void *pin_it(void *range)
{
	(void)hmm_range_pin((struct hmm_range *)range, 0, HUGE_PAGE, NULL);
	return NULL;
}

static void *free_it(void *range)
{
	return (void *)(intptr_t)hmm_range_free((struct hmm_range *)range);
}

/* The driver has it, and hmmd does not know yet. */
static void a_pin_that_comes_too_late_ends(void **state)
{
	pthread_t one, other;
	struct failing f;
	struct hmm_range *r;
	void *freed;

	(void)state;
	open_failing(&f);
	r = adopted(f.c, memory_of(SIZE), SIZE);
	atomic_store(&f.switches->held, HMMDEV_PIN);
	assert_int_equal(pthread_create(&one, NULL, pin_it, r), 0);
	assert_soon(atomic_load(&f.switches->waiting) == 1);
	assert_int_equal(pins(&f), 1);
	assert_int_equal(pthread_create(&other, NULL, free_it, r), 0);
	assert_soon(ask_rows(f.c, "ranges", NULL) == 0);
	atomic_store(&f.switches->held, 0);
	pthread_join(one, NULL);
	pthread_join(other, &freed);
	assert_null(freed);
	assert_soon(pins(&f) == 0);
	assert_int_equal(ask_sum(f.c, "clients", "pinned_bytes"), 0);
	close_failing(&f);
}

/* What became of it, or why it was refused. */
static int control(struct failing *f, uint32_t verb)
{
	struct hmm_control what = HMM_CONTROL_INIT;
	struct hmm_move_result result = HMM_MOVE_RESULT_INIT;
	struct hmm_op *op = NULL;
	int r;

	what.verb = verb;
	what.pid = getpid();
	r = hmm_control(f->c, &what, &op);
	if (op) {
		assert_int_equal(hmm_op_wait(op, PATIENCE_US), 0);
		assert_int_equal(hmm_op_result(op, &result), 0);
		r = result.busy || result.failed ? -EIO : 0;
	}
	hmm_op_unref(op);
	return r;
}

/* And is back. Of those that have a helper thread. */
static void cut_off(struct failing *f)
{
	struct seen seen = { 0 };

	assert_int_equal(hmm_client_set_event_handler(f->c, seen_note, &seen), 0);
	assert_true(cut(f->h) > 0);
	assert_soon(atomic_load(&seen.reconnected) == 1);
	assert_int_equal(hmm_client_set_event_handler(f->c, NULL, NULL), 0);
	assert_int_equal(atomic_load(&seen.lost), 0);
}

/* The books and the driver agree again when the program is back. */
static void cut_and_end(struct failing *f, struct hmm_range *r)
{
	uint64_t id = ask_number(f->c, "ranges", "kind", "adopted", "range");

	assert_int_equal(hmm_range_pin(r, 4096, 8192, NULL), 0);
	assert_int_equal(hmm_range_pin(r, 4096, 8192, NULL), 0);
	cut_off(f);
	cut_off(f);
	assert_int_equal(ask_number(f->c, "ranges", "kind", "adopted", "range"), id);
	assert_int_equal(pins(f), 2);
	assert_int_equal(ask_number(f->c, "ranges", "kind", "adopted", "pinned_bytes"), 8192);
	assert_int_equal(hmm_range_unpin(r, 4096, 8192), 0);
	assert_soon(pins(f) == 1);
	assert_int_equal(hmm_range_unpin(r, 4096, 8192), 0);
	assert_soon(pins(f) == 0);
	assert_int_equal(hmm_range_unpin(r, 4096, 8192), -ENOENT);
}

static void pins_outlive_the_connection(void **state)
{
	struct hmm_range *r, *managed = NULL;
	struct failing f;

	(void)state;
	open_failing(&f);
	r = adopted(f.c, memory_of(SIZE), SIZE);
	cut_and_end(&f, r);
	assert_int_equal(hmm_alloc(f.c, HUGE_PAGE, NULL, &managed), 0);
	cut_and_end(&f, r);
	assert_int_equal(control(&f, HMM_CONTROL_PIN), 0);
	cut_off(&f);
	assert_int_equal(control(&f, HMM_CONTROL_UNPIN), 0);
	assert_soon(pins(&f) == 0);
	assert_int_equal(ask_sum(f.c, "clients", "pinned_bytes"), 0);
	close_failing(&f);
}

/* Its connection is cut, and it does not come back by itself. */
static struct hmm_client *away_with_pin(struct failing *f, struct hmm_range **ret)
{
	struct hmm_client *away = house_client(f->h, "away", HMM_CLIENT_NO_HELPER);

	assert_true(hmm_register(away, memory_of(SIZE), SIZE, NULL, ret) >= 0);
	assert_int_equal(hmm_range_pin(*ret, 0, HUGE_PAGE, NULL), 0);
	cut_off(f);
	return away;
}

/* Freed while it is away: it is not named any more, and the driver lets it go. */
static void what_does_not_come_back_is_not_pinned(void **state)
{
	struct hmm_client *away;
	struct hmm_range *r;
	struct failing f;

	(void)state;
	open_failing(&f);
	away = away_with_pin(&f, &r);
	assert_soon(ask_sum(f.c, "clients", "pinned_bytes") == HUGE_PAGE);
	(void)hmm_range_free(r);
	assert_soon(hmm_client_process(away) == 0);
	assert_soon(pins(&f) == 0);
	assert_soon(ask_sum(f.c, "clients", "pinned_bytes") == 0);
	hmm_client_unref(away);
	close_failing(&f);
}

/* The process lives and its memory does not, as after execve(2): the driver says so. */
static void a_program_that_is_gone_is_not_waited_for(void **state)
{
	struct hmm_client *away;
	struct hmm_range *r;
	struct failing f;

	(void)state;
	open_failing(&f);
	away = away_with_pin(&f, &r);
	assert_int_equal(ask_sum(f.c, "clients", "pinned_bytes"), HUGE_PAGE);
	let_fail(&f, HMMDEV_SNAPSHOT, ESRCH);
	assert_soon(ask_rows(f.c, "clients", NULL) == 0);	/* who has ranges */
	hmm_client_unref(away);
	close_failing(&f);
}

/* What the driver does not watch just now is left out, of a program that is away too: the rest is pinned. */
static void one_that_is_away_is_left_out_of_an_operators_pin(void **state)
{
	struct hmm_client *away;
	struct hmm_range *r;
	struct failing f;

	(void)state;
	open_failing(&f);
	adopted(f.c, memory_of(SIZE), SIZE);
	away = away_with_pin(&f, &r);
	assert_int_equal(pins(&f), 1);
	assert_int_equal(control(&f, HMM_CONTROL_PIN), 0);
	assert_int_equal(pins(&f), 2);
	assert_int_equal(control(&f, HMM_CONTROL_UNPIN), 0);
	assert_soon(pins(&f) == 1);
	assert_soon(hmm_client_process(away) == 0);
	assert_int_equal(hmm_range_free(r), 0);
	hmm_client_unref(away);
	close_failing(&f);
}

/* Of two ranges that the driver is to hold one cannot be had; of the operator's pin nothing is left, of others all. */
static void an_operators_pin_that_fails_is_none(void **state)
{
	struct hmm_range *r, *managed = NULL;
	struct failing f;

	(void)state;
	open_failing(&f);
	r = adopted(f.c, memory_of(SIZE), SIZE);
	adopted(f.c, memory_of(SIZE), SIZE);
	assert_int_equal(hmm_alloc(f.c, HUGE_PAGE, NULL, &managed), 0);
	assert_int_equal(hmm_range_pin(r, 0, 0, NULL), 0);
	for (uint32_t good = 0; good < 2; good++) {
		atomic_store(&f.switches->good, good);
		let_fail(&f, HMMDEV_PIN, ENOMEM);
		assert_int_equal(control(&f, HMM_CONTROL_PIN), -EIO);
		let_fail(&f, 0, 0);
		assert_soon(pins(&f) == 1);
		assert_int_equal(ask_sum(f.c, "clients", "pinned_bytes"), SIZE);
		assert_int_equal(control(&f, HMM_CONTROL_UNPIN), -ENOENT);
	}
	assert_int_equal(control(&f, HMM_CONTROL_PIN), 0);
	assert_int_equal(pins(&f), 3);
	assert_int_equal(control(&f, HMM_CONTROL_UNPIN), 0);
	assert_soon(pins(&f) == 1);
	assert_int_equal(hmm_range_unpin(r, 0, 0), 0);
	assert_soon(pins(&f) == 0);
	close_failing(&f);
}

struct piece {
	struct hmm_range *range;
	size_t off;
	pthread_t thread;
};

static void *pin_piece(void *piece)
{
	const struct piece *p = (const struct piece *)piece;

	return (void *)(intptr_t)hmm_range_pin(p->range, p->off, 4096, NULL);
}

/* More than one user may have under way at a time: the rest waits for its turn when the connection ends. */
static void a_pin_that_was_given_up_is_none(void **state)
{
	enum { PIECES = 32 };
	struct piece p[PIECES];
	struct failing f;
	struct hmm_range *r;

	(void)state;
	open_failing(&f);
	r = adopted(f.c, memory_of(SIZE), SIZE);
	atomic_store(&f.switches->held, HMMDEV_PIN);
	for (size_t i = 0; i < PIECES; i++) {
		p[i] = (struct piece){ .range = r, .off = i * 4096 };
		assert_int_equal(pthread_create(&p[i].thread, NULL, pin_piece, &p[i]), 0);
	}
	assert_soon(ask_sum(f.c, "clients", "pinned_bytes") == PIECES * 4096);
	cut_off(&f);
	atomic_store(&f.switches->held, 0);
	for (size_t i = 0; i < PIECES; i++)
		pthread_join(p[i].thread, NULL);
	assert_soon(ask_sum(f.c, "clients", "pinned_bytes") == pins(&f) * 4096);
	assert_true(pins(&f) < PIECES);
	if (pins(&f))
		assert_soon(hmm_range_unpin(r, 0, PIECES * 4096) == 0);
	assert_soon(pins(&f) == 0);
	assert_int_equal(ask_sum(f.c, "clients", "pinned_bytes"), 0);
	close_failing(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_pins_of_a_freed_range_end),
		cmocka_unit_test(a_pin_that_comes_too_late_ends),
		cmocka_unit_test(pins_outlive_the_connection),
		cmocka_unit_test(what_does_not_come_back_is_not_pinned),
		cmocka_unit_test(a_program_that_is_gone_is_not_waited_for),
		cmocka_unit_test(one_that_is_away_is_left_out_of_an_operators_pin),
		cmocka_unit_test(an_operators_pin_that_fails_is_none),
		cmocka_unit_test(a_pin_that_was_given_up_is_none),
	};

	return cmocka_run_group_tests_name("adopted pins", tests, NULL, NULL);
}
