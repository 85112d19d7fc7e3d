// SPDX-License-Identifier: GPL-2.0-or-later
/* Ten thousand adopted ranges are a handful of messages, and all or none of them are registered. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/client/fake.h"

enum { MANY = 10000, PAGE = 4096 };

struct many {
	uint8_t *memory;
	void *addrs[MANY];
	size_t sizes[MANY];
	struct hmm_range *ranges[MANY];
};

/* Every second page, so that no two touch. */
static struct many *many_new(void)
{
	struct many *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	m->memory = mmap(NULL, 2 * MANY * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	assert_ptr_not_equal(m->memory, MAP_FAILED);
	for (size_t i = 0; i < MANY; i++) {
		m->addrs[i] = m->memory + 2 * i * PAGE;
		m->sizes[i] = PAGE;
	}
	return m;
}

static void many_free(struct many *m)
{
	munmap(m->memory, 2 * MANY * PAGE);
	free(m);
}

static void a_handful_of_messages(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, 0);
	struct many *m = many_new();

	assert_int_equal(hmm_register_many(c, MANY, m->addrs, m->sizes, NULL, m->ranges), 0);
	assert_int_equal(fake_count(f, HMMD__MESSAGE__KIND_REGISTER), 3);
	for (size_t i = 0; i < MANY; i++) {
		assert_ptr_equal(hmm_range_addr(m->ranges[i]), m->addrs[i]);
		assert_int_equal(hmm_range_size(m->ranges[i]), PAGE);
	}
	assert_int_equal(hmm_range_free(m->ranges[5]), 0);
	assert_int_equal(fake_count(f, HMMD__MESSAGE__KIND_FREE), 1);
	/*
	 * At the end the rest goes in a handful of messages too, and the memory stays the
	 * program's.
	 */
	hmm_client_unref(c);
	assert_int_equal(fake_count(f, HMMD__MESSAGE__KIND_FREE), 1 + 3);
	m->memory[0] = 1;
	many_free(m);
}

static bool refuse_the_last(struct fake *f, uint64_t id, const Hmmd__Message *m, const int *fds,
			    size_t n_fds)
{
	(void)fds;
	(void)n_fds;
	if (m->kind_case != HMMD__MESSAGE__KIND_REGISTER || m->register_->n_addr == HMM_LIMIT_BATCH)
		return false;
	fake_error(f, id, EEXIST, "range 2 overlaps range 7");
	return true;
}

static void all_or_none(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, 0);
	struct many *m = many_new();

	fake_set_script(f, refuse_the_last, NULL);
	assert_int_equal(hmm_register_many(c, MANY, m->addrs, m->sizes, NULL, m->ranges), -EEXIST);
	assert_string_equal(hmm_client_last_error(c), "range 2 overlaps range 7");
	assert_int_equal(fake_count(f, HMMD__MESSAGE__KIND_REGISTER), 3);
	assert_int_equal(fake_count(f, HMMD__MESSAGE__KIND_FREE), 2);
	for (size_t i = 0; i < MANY; i++)
		assert_null(m->ranges[i]);
	hmm_client_unref(c);
	assert_int_equal(fake_count(f, HMMD__MESSAGE__KIND_FREE), 2);
	many_free(m);
}

static void one_node_is_said(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, 0);
	struct many *m = many_new();

	FAKE_SET(f, one_node, true);
	assert_int_equal(hmm_register(c, m->addrs[0], PAGE, NULL, &m->ranges[0]), HMM_ONE_NODE);
	assert_int_equal(hmm_register_many(c, 2, m->addrs + 1, m->sizes, NULL, m->ranges + 1),
			 HMM_ONE_NODE);
	assert_int_equal(hmm_range_free(m->ranges[0]), 0);
	hmm_client_unref(c);
	many_free(m);
}

static bool miscount(struct fake *f, uint64_t id, const Hmmd__Message *m, const int *fds,
		     size_t n_fds)
{
	Hmmd__RegisterReply reply = HMMD__REGISTER_REPLY__INIT;
	Hmmd__Message answer = FAKE_MESSAGE(REGISTER_REPLY, register_reply, &reply);

	(void)fds;
	(void)n_fds;
	if (m->kind_case != HMMD__MESSAGE__KIND_REGISTER)
		return false;
	reply.first_range = 1;
	reply.count = 2;
	fake_reply(f, id, &answer, NULL, 0);
	return true;
}

static void a_daemon_that_miscounts_is_cut_off(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, 0);
	struct many *m = many_new();

	fake_set_script(f, miscount, NULL);
	assert_int_equal(hmm_register(c, m->addrs[0], PAGE, NULL, &m->ranges[0]), -EPROTO);
	assert_null(m->ranges[0]);
	hmm_client_unref(c);
	many_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(a_handful_of_messages),
		FAKE_TEST(all_or_none),
		FAKE_TEST(one_node_is_said),
		FAKE_TEST(a_daemon_that_miscounts_is_cut_off),
	};

	return cmocka_run_group_tests_name("client_register_batch", tests, NULL, NULL);
}
