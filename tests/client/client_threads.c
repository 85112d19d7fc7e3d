// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any thread may call anything at any time, also while the daemon comes and goes; the event handler
 * runs with no lock held, so it may call too.
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/client/fake.h"

enum { THREADS = 6, ROUNDS = 150 };

struct job {
	struct hmm_client *client;
	unsigned int number;
	int bad;		/* the first result that no promise allows */
};

static bool allowed(int r)
{
	return r == 0 || r == -ENOTCONN;
}

static int one_round(struct hmm_client *c, void *addr)
{
	struct hmm_range *r;
	struct hmm_op *op;
	uint8_t tiers[4];
	size_t n;
	int err = hmm_register(c, addr, 2 * HUGE_PAGE, NULL, &r);

	if (err)
		return err;
	err = hmm_range_migrate(r, 0, 0, "far", 0, &op);
	if (!err) {
		err = hmm_op_wait(op, UINT64_MAX);
		hmm_op_unref(op);
	}
	if (allowed(err))
		err = hmm_range_residency(r, 0, 0, tiers);
	if (!err)
		err = hmm_range_advise(r, 0, 0, HMM_ADVICE_COLD, 0);
	if (allowed(err))
		err = hmm_tiers(c, NULL, 0, &n);
	hmm_range_free(r);
	return err;
}

static void *work(void *userdata)
{
	struct job *job = userdata;
	void *addr = memory_at((uintptr_t)(job->number + 16) << 24, 2 * HUGE_PAGE);

	for (unsigned int i = 0; i < ROUNDS && !job->bad; i++) {
		int r = one_round(job->client, addr);

		if (!allowed(r))
			job->bad = r;
	}
	return NULL;
}

static void *process(void *userdata)
{
	struct job *job = userdata;

	for (unsigned int i = 0; i < ROUNDS; i++)
		hmm_client_process(job->client);
	return NULL;
}

/* Runs all threads; `stir` is called on this one meanwhile. */
static void run(struct fake *f, uint32_t flags, void (*stir)(struct fake *f))
{
	struct hmm_client *c = fake_client(f, flags);
	struct job jobs[THREADS + 1];
	pthread_t threads[THREADS + 1];

	for (unsigned int i = 0; i <= THREADS; i++) {
		jobs[i] = (struct job){ .client = c, .number = i };
		assert_int_equal(
			pthread_create(&threads[i], NULL, i < THREADS ? work : process, &jobs[i]),
			0);
	}
	if (stir)
		stir(f);
	for (unsigned int i = 0; i <= THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(jobs[i].bad, 0);
	}
	hmm_client_unref(c);
}

static void with_helper(void **state)
{
	run(*state, 0, NULL);
	assert_int_equal(fake_count(*state, HMMD__MESSAGE__KIND_REGISTER), THREADS * ROUNDS);
	assert_int_equal(fake_count(*state, HMMD__MESSAGE__KIND_FREE), THREADS * ROUNDS);
}

static void without_helper(void **state)
{
	run(*state, HMM_CLIENT_NO_HELPER, NULL);
	assert_int_equal(fake_count(*state, HMMD__MESSAGE__KIND_TIERS), THREADS * ROUNDS);
}

static void cut_now_and_then(struct fake *f)
{
	for (unsigned int i = 1; i <= 5; i++) {
		unsigned int seen = fake_count(f, HMMD__MESSAGE__KIND_HELLO);

		fake_cut(f);
		assert_soon(fake_count(f, HMMD__MESSAGE__KIND_HELLO) > seen);
	}
}

static void while_the_daemon_comes_and_goes(void **state)
{
	FAKE_SET((struct fake *)*state, features, HMMD__FEATURE__FEATURE_RESUME);
	run(*state, 0, cut_now_and_then);
}

/* A handler that calls the library for every event, while others do too. */
static void call_back(struct hmm_client *c, const struct hmm_event *event, void *userdata)
{
	size_t n;

	(void)event;
	if (hmm_tiers(c, NULL, 0, &n) == 0)
		__atomic_add_fetch((unsigned int *)userdata, 1, __ATOMIC_RELAXED);
}

static void the_handler_may_call(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, 0);
	struct job job = { .client = c };
	Hmmd__Pressure pressure = HMMD__PRESSURE__INIT;
	unsigned int called = 0;
	pthread_t thread;

	pressure.tier = "dram";
	hmm_client_set_event_handler(c, call_back, &called);
	assert_int_equal(pthread_create(&thread, NULL, work, &job), 0);
	for (unsigned int i = 0; i < 20; i++)
		fake_event(f, &FAKE_MESSAGE(PRESSURE, pressure, &pressure));
	assert_soon(__atomic_load_n(&called, __ATOMIC_RELAXED) == 20);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(job.bad, 0);
	hmm_client_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(with_helper),
		FAKE_TEST(without_helper),
		FAKE_TEST(while_the_daemon_comes_and_goes),
		FAKE_TEST(the_handler_may_call),
	};

	return cmocka_run_group_tests_name("client_threads", tests, NULL, NULL);
}
