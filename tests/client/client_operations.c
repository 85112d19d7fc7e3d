// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Moves: a handle that can be waited for, a result that adds up, an end that is said also when it
 * is bad.
 */
#include <errno.h>

#include "tests/client/fake.h"

static struct hmm_range *some_range(struct hmm_client *c)
{
	struct hmm_range *r = NULL;

	assert_int_equal(hmm_register(c, memory_at(0x10000000, 8 * HUGE_PAGE), 8 * HUGE_PAGE, NULL, &r), 0);
	return r;
}

static void op_done(struct fake *f, uint64_t op, uint64_t moved, uint64_t busy, uint64_t failed)
{
	Hmmd__OpDone done = HMMD__OP_DONE__INIT;

	done.op = op;
	done.moved = moved;
	done.busy = busy;
	done.failed = failed;
	done.asked = moved + busy + failed;
	fake_event(f, &FAKE_MESSAGE(OP_DONE, op_done, &done));
}

/* Starts operations and lets the test end them. */
static bool only_start(struct fake *f, uint64_t id, const Hmmd__Message *m, const int *fds,
		       size_t n_fds)
{
	Hmmd__OpStarted started = HMMD__OP_STARTED__INIT;
	Hmmd__Message answer = FAKE_MESSAGE(OP_STARTED, op_started, &started);

	(void)fds;
	(void)n_fds;
	if (m->kind_case != HMMD__MESSAGE__KIND_MIGRATE &&
	    m->kind_case != HMMD__MESSAGE__KIND_PIN &&
	    m->kind_case != HMMD__MESSAGE__KIND_CONTROL &&
	    m->kind_case != HMMD__MESSAGE__KIND_EXCLUSIVE)
		return false;
	started.op = ++f->next_op;
	fake_reply(f, id, &answer, NULL, 0);
	return true;
}

static void wait_and_result(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, HMM_CLIENT_NO_HELPER);
	struct hmm_range *r = some_range(c);
	struct hmm_move_result result = HMM_MOVE_RESULT_INIT;
	struct hmm_op *op;

	fake_set_script(f, only_start, NULL);
	assert_int_equal(hmm_range_migrate(r, HUGE_PAGE, 2 * HUGE_PAGE, "far", 0, &op), 0);
	assert_int_equal(hmm_op_result(op, &result), HMM_OP_PENDING);
	assert_int_equal(hmm_op_wait(op, 0), HMM_OP_PENDING);
	assert_int_equal(hmm_op_wait(op, 20000), HMM_OP_PENDING);
	op_done(f, 1, HUGE_PAGE, HUGE_PAGE, 0);
	assert_int_equal(hmm_op_wait(op, UINT64_MAX), 0);
	assert_int_equal(hmm_op_wait(op, 0), 0);
	assert_int_equal(hmm_op_result(op, &result), 0);
	assert_int_equal(result.size, sizeof(result));
	assert_int_equal(result.asked, 2 * HUGE_PAGE);
	assert_int_equal(result.moved, HUGE_PAGE);
	assert_int_equal(result.busy, HUGE_PAGE);
	assert_int_equal(result.asked,
			 result.moved + result.already_there + result.busy + result.failed);
	result.size = 0;
	assert_int_equal(hmm_op_result(op, &result), -EINVAL);
	assert_null(hmm_op_unref(op));
	hmm_client_unref(c);
}

static void done_before_anybody_waits(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, 0);
	struct hmm_range *r = some_range(c);
	struct hmm_move_result result = HMM_MOVE_RESULT_INIT;
	struct hmm_op *op;

	assert_int_equal(hmm_range_migrate(r, 0, 0, "far", 0, &op), 0);
	assert_soon(hmm_op_result(op, &result) == 0);
	assert_int_equal(result.moved, 8 * HUGE_PAGE);
	hmm_op_unref(op);
	/* Nobody need wait. */
	assert_int_equal(hmm_range_migrate(r, 0, 0, "far", 0, NULL), 0);
	hmm_client_unref(c);
}

static void a_pin_that_is_done_at_once(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, 0);
	struct hmm_range *r = some_range(c);

	assert_int_equal(hmm_range_pin(r, 0, 0, NULL), 0);
	assert_int_equal(hmm_range_unpin(r, 0, 0), 0);
	hmm_client_unref(c);
}

static void *pin(void *range)
{
	return (void *)(intptr_t)hmm_range_pin(range, 0, 0, "dram");
}

static void what_pin_returns(void **state)
{
	static const struct {
		uint64_t moved, busy, failed;
		int result;
	} cases[] = { { HUGE_PAGE, 0, 0, 0 },
		      { 0, HUGE_PAGE, 0, -EBUSY },
		      { HUGE_PAGE, HUGE_PAGE, HUGE_PAGE, -EIO } };
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, 0);
	struct hmm_range *r = some_range(c);
	pthread_t thread;
	void *result;

	fake_set_script(f, only_start, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(pthread_create(&thread, NULL, pin, r), 0);
		assert_soon(FAKE_GET(f, next_op) == i + 1);
		op_done(f, i + 1, cases[i].moved, cases[i].busy, cases[i].failed);
		assert_int_equal(pthread_join(thread, &result), 0);
		assert_int_equal((intptr_t)result, cases[i].result);
	}
	hmm_client_unref(c);
}

static void the_daemon_goes_away_before_the_end(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, HMM_CLIENT_NO_HELPER);
	struct hmm_range *r = some_range(c);
	struct hmm_move_result result = HMM_MOVE_RESULT_INIT;
	struct hmm_op *op;

	fake_set_script(f, only_start, NULL);
	assert_int_equal(hmm_range_migrate(r, 0, 0, "far", 0, &op), 0);
	fake_die(f);
	assert_int_equal(hmm_op_wait(op, UINT64_MAX), -ENOTCONN);
	assert_int_equal(hmm_op_result(op, &result), -ENOTCONN);
	/* The handle holds the client: it may be given up first. */
	hmm_client_unref(c);
	assert_int_equal(hmm_op_wait(op, UINT64_MAX), -ENOTCONN);
	hmm_op_unref(op);
}

static void exclusive_access(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, 0);
	struct hmm_range *r = some_range(c);
	struct hmm_op *op;

	fake_set_script(f, only_start, NULL);
	assert_int_equal(hmm_range_exclusive(r, 0, HUGE_PAGE, &op), 0);
	op_done(f, 1, HUGE_PAGE, 0, 0);
	assert_int_equal(hmm_op_wait(op, UINT64_MAX), 0);
	assert_null(hmm_op_unref(op));
	fake_set_script(f, NULL, NULL);
	assert_int_equal(hmm_range_exclusive_end(r, 0, HUGE_PAGE), 0);
	/* A daemon that is done at once gives a finished operation. */
	assert_int_equal(hmm_range_exclusive(r, 0, HUGE_PAGE, &op), 0);
	assert_int_equal(hmm_op_wait(op, 0), 0);
	hmm_op_unref(op);
	hmm_client_unref(c);
}

static void control_operations(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, 0);
	struct hmm_control control = HMM_CONTROL_INIT;
	struct hmm_op *op = (struct hmm_op *)&control;

	/* What is done at once has no operation. */
	control.verb = HMM_CONTROL_RELOAD;
	assert_int_equal(hmm_control(c, &control, &op), 0);
	assert_null(op);
	assert_int_equal(hmm_control(c, &control, NULL), 0);
	fake_set_script(f, only_start, NULL);
	control.verb = HMM_CONTROL_DRAIN;
	control.tier = "far";
	assert_int_equal(hmm_control(c, &control, &op), 0);
	op_done(f, 1, HUGE_PAGE, 0, 0);
	assert_int_equal(hmm_op_wait(op, UINT64_MAX), 0);
	hmm_op_unref(op);
	hmm_client_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(wait_and_result),
		FAKE_TEST(done_before_anybody_waits),
		FAKE_TEST(a_pin_that_is_done_at_once),
		FAKE_TEST(what_pin_returns),
		FAKE_TEST(the_daemon_goes_away_before_the_end),
		FAKE_TEST(exclusive_access),
		FAKE_TEST(control_operations),
	};

	return cmocka_run_group_tests_name("client_operations", tests, NULL, NULL);
}
