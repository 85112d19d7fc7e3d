// SPDX-License-Identifier: GPL-2.0-or-later
/* The last reference may be dropped anywhere, the program's own event handler included. */
#include "tests/client/fake.h"

static void pressure(struct fake *f)
{
	Hmmd__Pressure p = HMMD__PRESSURE__INIT;

	p.tier = "dram";
	fake_event(f, &FAKE_MESSAGE(PRESSURE, pressure, &p));
}

static void unref_there(struct hmm_client *c, const struct hmm_event *event, void *userdata)
{
	(void)event;
	hmm_client_unref(c);
	__atomic_store_n((bool *)userdata, true, __ATOMIC_RELEASE);
}

static void in_the_handler_of_the_helper(void **state)
{
	struct fake *f = *state;
	size_t threads = count_threads();
	struct hmm_client *c = fake_client(f, 0);
	struct hmm_range *r;
	bool done = false;

	assert_int_equal(count_threads(), threads + 1);
	assert_int_equal(hmm_register(c, memory_at(0x10000000, 4096), 4096, NULL, &r), 0);
	assert_int_equal(hmm_client_set_event_handler(c, unref_there, &done), 0);
	pressure(f);
	assert_soon(__atomic_load_n(&done, __ATOMIC_ACQUIRE));
	assert_soon(fake_count(f, HMMD__MESSAGE__KIND_FREE) == 1);
	assert_soon(count_threads() == threads);
}

static void in_the_handler_of_process(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, HMM_CLIENT_NO_HELPER);
	bool done = false;

	assert_int_equal(hmm_client_set_event_handler(c, unref_there, &done), 0);
	pressure(f);
	pressure(f);
	while (!done)
		hmm_client_process(c);
	assert_soon(FAKE_GET(f, conn) < 0);
}

static void references_are_counted(void **state)
{
	struct fake *f = *state;
	size_t threads = count_threads();
	struct hmm_client *c = fake_client(f, 0);
	int mine;

	assert_null(hmm_client_get_userdata(c));
	hmm_client_set_userdata(c, &mine);
	assert_ptr_equal(hmm_client_ref(c), c);
	assert_null(hmm_client_unref(c));
	assert_ptr_equal(hmm_client_get_userdata(c), &mine);
	assert_int_equal(hmm_huge_page_size(c), HUGE_PAGE);
	assert_true(FAKE_GET(f, conn) >= 0);
	assert_null(hmm_client_unref(c));
	/* The helper has ended when the last unref returns; the kernel lists it for a moment longer. */
	assert_soon(count_threads() == threads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(in_the_handler_of_the_helper),
		FAKE_TEST(in_the_handler_of_process),
		FAKE_TEST(references_are_counted),
	};

	return cmocka_run_group_tests_name("client_last_unref", tests, NULL, NULL);
}
