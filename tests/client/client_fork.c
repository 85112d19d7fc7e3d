// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A fork has no daemon: every call in the child says -ECHILD, giving the client up there closes and
 * frees what the child has of it, and the parent notices nothing.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/client/fake.h"

struct objects {
	struct hmm_client *client;
	struct hmm_range *managed, *adopted;
	struct hmm_op *op;
	size_t fds_without;
};

/* Returns the number of the first promise that is broken, 0 for none. Runs in the child. */
static int child_calls(struct objects *o)
{
	struct hmm_client *c = o->client;
	struct hmm_move_result result = HMM_MOVE_RESULT_INIT;
	struct hmm_control control = HMM_CONTROL_INIT;
	struct hmm_table *table;
	struct hmm_range *r;
	uint8_t tiers[1];
	uint64_t us;
	size_t n;
	const int results[] = {
		hmm_client_get_fd(c),
		hmm_client_get_events(c),
		hmm_client_get_timeout(c, &us),
		hmm_client_process(c),
		hmm_client_set_event_handler(c, NULL, NULL),
		hmm_alloc(c, HUGE_PAGE, NULL, &r),
		hmm_register(c, memory_at(0x50000000, 4096), 4096, NULL, &r),
		hmm_range_free(o->adopted),
		hmm_range_free(o->managed),
		hmm_range_advise(o->adopted, 0, 0, HMM_ADVICE_COLD, 0),
		hmm_range_migrate(o->adopted, 0, 0, "far", 0, NULL),
		hmm_range_pin(o->adopted, 0, 0, NULL),
		hmm_range_unpin(o->adopted, 0, 0),
		hmm_range_exclusive_end(o->adopted, 0, 0),
		hmm_range_residency(o->adopted, 0, 0, tiers),
		hmm_op_wait(o->op, 0),
		hmm_op_result(o->op, &result),
		hmm_tiers(c, NULL, 0, &n),
		hmm_query(c, "status", NULL, &table),
		hmm_control(c, &control, NULL),
		hmm_subscribe(c),
	};

	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
		if (results[i] != -ECHILD)
			return (int)i + 1;
	return 0;
}

static int child_main(struct objects *o)
{
	int broken = child_calls(o);
	unsigned char there;

	if (broken)
		return broken;
	/* Managed memory is not the child's. */
	if (mincore(hmm_range_addr(o->managed), HUGE_PAGE, &there) == 0 || errno != ENOMEM)
		return 100;
	if (hmm_op_unref(o->op))
		return 102;
	hmm_client_unref(o->client);
	/*
	 * The operation, which a child cannot give up, holds the client as it does in the parent.
	 */
	hmm_client_unref(o->client);
	return count_fds() == o->fds_without ? 0 : 103;
}

static void child(void **state)
{
	struct fake *f = *state;
	struct objects o = { .fds_without = count_fds() };
	size_t n;
	pid_t pid;
	int status;

	need_userfaultfd();
	o.client = fake_client(f, 0);
	assert_int_equal(hmm_alloc(o.client, HUGE_PAGE, NULL, &o.managed), 0);
	assert_int_equal(hmm_register(o.client, memory_at(0x10000000, HUGE_PAGE), HUGE_PAGE, NULL, &o.adopted),
			 0);
	assert_int_equal(hmm_range_migrate(o.adopted, 0, 0, "far", 0, &o.op), 0);
	memset(hmm_range_addr(o.managed), 0x98, HUGE_PAGE);
	/*
	 * The fake's own descriptors came to be meanwhile: its connection, the userfaultfd, one
	 * file.
	 */
	o.fds_without += 3;
	pid = fork();
	if (pid == 0)
		_exit(child_main(&o));
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);

	/* For the parent nothing has changed. */
	assert_int_equal(*(uint8_t *)hmm_range_addr(o.managed), 0x98);
	assert_int_equal(hmm_tiers(o.client, NULL, 0, &n), 0);
	assert_int_equal(hmm_op_wait(o.op, UINT64_MAX), 0);
	assert_int_equal(fake_count(f, HMMD__MESSAGE__KIND_FREE), 0);
	assert_int_equal(fake_count(f, HMMD__MESSAGE__KIND_HELLO), 1);
	hmm_op_unref(o.op);
	hmm_client_unref(o.client);
}

int main(void)
{
	const struct CMUnitTest tests[] = { FAKE_TEST(child) };

	return cmocka_run_group_tests_name("client_fork", tests, NULL, NULL);
}
