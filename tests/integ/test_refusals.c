// SPDX-License-Identifier: GPL-2.0-or-later
/* Every call says why it was refused, and none leaves the words of an older one standing. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/support/house.h"
#include "tests/support/test.h"

struct world {
	struct house *house;
	struct hmm_client *client;
	struct hmm_range *range;
};

static int setup(void **state)
{
	static struct world w;
	static const struct house_options o = { .config = HOUSE_QUIET };

	w.house = house_open(&o);
	w.client = house_client(w.house, "refused", 0);
	assert_int_equal(hmm_alloc(w.client, 2 * HUGE_PAGE, NULL, &w.range), 0);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	hmm_client_unref(w->client);
	house_close(w->house);
	return 0;
}

static void says(struct hmm_client *c, const char *what)
{
	if (!strstr(hmm_client_last_error(c), what))
		fail_msg("\"%s\" does not say \"%s\"", hmm_client_last_error(c), what);
}

/* The daemon's own words, which nothing below may leave standing. */
static void be_refused(struct hmm_client *c)
{
	struct hmm_table *t = NULL;

	assert_int_equal(hmm_query(c, "weather", NULL, &t), -EINVAL);
	says(c, "weather");
}

static void a_size_that_is_refused_is_told_the_right_one(void **state)
{
	struct world *w = *state;
	struct hmm_range *r = NULL;
	char *memory = mmap(NULL, HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(memory != MAP_FAILED);
	assert_int_equal(hmm_alloc(w->client, 4096, NULL, &r), -EINVAL);
	says(w->client, "huge page size, 2M");
	assert_int_equal(hmm_range_advise(w->range, 4096, 0, HMM_ADVICE_COLD, 0), -EINVAL);
	says(w->client, "huge page size, 2M");
	assert_int_equal(hmm_register(w->client, memory, 4097, NULL, &r), -EINVAL);
	says(w->client, "base page size, 4K");
	assert_null(r);
	munmap(memory, HUGE_PAGE);
}

static void a_call_that_succeeds_clears_the_text(void **state)
{
	struct world *w = *state;
	struct hmm_client *c = w->client;
	struct hmm_range *r;
	struct hmm_op *op;
	struct hmm_table *t;
	struct hmm_move_result result = HMM_MOVE_RESULT_INIT;
	uint8_t tiers[2];
	size_t n;

#define CLEARS(call) do { be_refused(c); assert_true((call) >= 0); assert_string_equal(hmm_client_last_error(c), ""); } while (0)
	CLEARS(hmm_alloc(c, HUGE_PAGE, NULL, &r));
	CLEARS(hmm_range_free(r));
	CLEARS(hmm_range_advise(w->range, 0, 0, HMM_ADVICE_NORMAL, 0));
	CLEARS(hmm_range_pin(w->range, 0, 0, NULL));
	CLEARS(hmm_range_unpin(w->range, 0, 0));
	CLEARS(hmm_range_migrate(w->range, 0, 0, "dram", 0, &op));
	CLEARS(hmm_op_wait(op, UINT64_MAX));
	CLEARS(hmm_op_result(op, &result));
	hmm_op_unref(op);
	CLEARS(hmm_range_residency(w->range, 0, 0, tiers));
	CLEARS(hmm_tiers(c, NULL, 0, &n));
	CLEARS(hmm_query(c, "status", NULL, &t));
	hmm_table_free(t);
	CLEARS(hmm_client_process(c));
	CLEARS(hmm_client_set_event_handler(c, NULL, NULL));
	CLEARS(hmm_subscribe(c));
}

static void a_call_that_the_library_refuses_has_words_of_its_own(void **state)
{
	struct world *w = *state;
	struct hmm_client *c = w->client;
	struct hmm_range *r = NULL;
	struct hmm_op *op = NULL;
	struct hmm_range_options o = HMM_RANGE_OPTIONS_INIT;
	struct hmm_tier_info info = { 0 };
	struct hmm_move_result result = { 0 };
	void *none = NULL;
	size_t n, size = 0;

#define SAYS(call, what) do { be_refused(c); assert_int_equal((call), -EINVAL); says(c, what); } while (0)
	SAYS(hmm_alloc(c, HUGE_PAGE, NULL, NULL), "ret");
	o.reserved = 1;
	SAYS(hmm_alloc(c, HUGE_PAGE, &o, &r), "reserved");
	o.size = 1;
	SAYS(hmm_register(c, none, HUGE_PAGE, &o, &r), "size");
	SAYS(hmm_register_many(c, 0, &none, &size, NULL, &r), "n is 0");
	SAYS(hmm_range_advise(w->range, 0, 0, 999, 0), "advice");
	SAYS(hmm_range_advise(w->range, 0, 3 * HUGE_PAGE, HMM_ADVICE_COLD, 0), "beyond the range");
	SAYS(hmm_range_migrate(w->range, 0, 0, NULL, 0, &op), "tier");
	SAYS(hmm_range_migrate(w->range, 0, 0, "dram", 1, &op), "flags");
	SAYS(hmm_range_residency(w->range, 0, 0, NULL), "tiers");
	SAYS(hmm_tiers(c, &info, 1, &n), "size");
	SAYS(hmm_control(c, NULL, &op), "control");
	assert_int_equal(hmm_range_migrate(w->range, 0, 0, "dram", 0, &op), 0);
	SAYS(hmm_op_result(op, &result), "size");
	hmm_op_unref(op);
}

static void giving_up_leaves_the_text(void **state)
{
	struct world *w = *state;
	struct hmm_op *op;

	assert_int_equal(hmm_range_migrate(w->range, 0, 0, "dram", 0, &op), 0);
	be_refused(w->client);
	hmm_op_unref(op);
	hmm_client_unref(hmm_client_ref(w->client));
	says(w->client, "weather");
}

/* What a daemon that is gone cannot say is not what it said before. */
static void a_daemon_that_is_gone_says_nothing(void **state)
{
	struct world *w = *state;
	struct hmm_range *r = NULL;

	be_refused(w->client);
	house_stop(w->house);
	assert_soon(hmm_alloc(w->client, HUGE_PAGE, NULL, &r) == -ENOTCONN);
	assert_string_equal(hmm_client_last_error(w->client), "");
	house_start(w->house);
	assert_soon(hmm_client_process(w->client) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_size_that_is_refused_is_told_the_right_one),
		cmocka_unit_test(a_call_that_succeeds_clears_the_text),
		cmocka_unit_test(a_call_that_the_library_refuses_has_words_of_its_own),
		cmocka_unit_test(giving_up_leaves_the_text),
		cmocka_unit_test(a_daemon_that_is_gone_says_nothing),
	};

	return cmocka_run_group_tests_name("test_refusals", tests, setup, teardown);
}
