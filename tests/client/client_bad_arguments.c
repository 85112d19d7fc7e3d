// SPDX-License-Identifier: GPL-2.0-or-later
/* Every function says -EINVAL to what cannot be meant, before the daemon hears of it. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/client/fake.h"

enum { PAGE = 4096 };

static void no_client(void **state)
{
	struct hmm_range *r = NULL;
	struct hmm_table *t = NULL;
	struct hmm_control control = HMM_CONTROL_INIT;
	struct hmm_op *op = NULL;
	uint64_t us;
	size_t n;

	(void)state;
	assert_null(hmm_client_ref(NULL));
	assert_null(hmm_client_unref(NULL));
	hmm_client_set_userdata(NULL, &us);
	assert_null(hmm_client_get_userdata(NULL));
	assert_int_equal(hmm_client_get_fd(NULL), -EINVAL);
	assert_int_equal(hmm_client_get_events(NULL), -EINVAL);
	assert_int_equal(hmm_client_get_timeout(NULL, &us), -EINVAL);
	assert_int_equal(hmm_client_process(NULL), -EINVAL);
	assert_int_equal(hmm_client_set_event_handler(NULL, see, NULL), -EINVAL);
	assert_string_equal(hmm_client_last_error(NULL), "");
	assert_int_equal(hmm_alloc(NULL, HUGE_PAGE, NULL, &r), -EINVAL);
	assert_int_equal(hmm_register(NULL, &us, PAGE, NULL, &r), -EINVAL);
	assert_int_equal(hmm_huge_page_size(NULL), 0);
	assert_int_equal(hmm_tiers(NULL, NULL, 0, &n), -EINVAL);
	assert_int_equal(hmm_query(NULL, "status", NULL, &t), -EINVAL);
	assert_int_equal(hmm_control(NULL, &control, &op), -EINVAL);
	assert_int_equal(hmm_subscribe(NULL), -EINVAL);
}

static void no_range(void **state)
{
	struct hmm_op *op = NULL;
	uint8_t tiers[1];

	(void)state;
	assert_null(hmm_range_addr(NULL));
	assert_int_equal(hmm_range_size(NULL), 0);
	assert_string_equal(hmm_range_name(NULL), "");
	assert_int_equal(hmm_range_free(NULL), 0);
	assert_int_equal(hmm_range_advise(NULL, 0, 0, HMM_ADVICE_COLD, 0), -EINVAL);
	assert_int_equal(hmm_range_migrate(NULL, 0, 0, "far", 0, &op), -EINVAL);
	assert_int_equal(hmm_range_pin(NULL, 0, 0, NULL), -EINVAL);
	assert_int_equal(hmm_range_unpin(NULL, 0, 0), -EINVAL);
	assert_int_equal(hmm_range_exclusive(NULL, 0, 0, &op), -EINVAL);
	assert_int_equal(hmm_range_exclusive_end(NULL, 0, 0), -EINVAL);
	assert_int_equal(hmm_range_residency(NULL, 0, 0, tiers), -EINVAL);
}

static void no_operation_and_no_table(void **state)
{
	struct hmm_move_result result = HMM_MOVE_RESULT_INIT;

	(void)state;
	assert_int_equal(hmm_op_wait(NULL, 0), -EINVAL);
	assert_int_equal(hmm_op_result(NULL, &result), -EINVAL);
	assert_null(hmm_op_unref(NULL));
	assert_int_equal(hmm_table_rows(NULL), 0);
	assert_int_equal(hmm_table_columns(NULL), 0);
	assert_null(hmm_table_column_name(NULL, 0));
	assert_int_equal(hmm_table_column_unit(NULL, 0), HMM_UNIT_TEXT);
	assert_null(hmm_table_text(NULL, 0, 0));
	assert_int_equal(hmm_table_number(NULL, 0, 0), 0);
	assert_int_equal(hmm_table_has(NULL, 0, 0), 0);
	assert_null(hmm_table_free(NULL));
}

static void ranges_that_cannot_be(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, 0);
	struct hmm_range *r = NULL;
	uint8_t *here = memory_at(0x10000000, PAGE);
	struct hmm_range_options o = HMM_RANGE_OPTIONS_INIT;
	char name[HMM_LIMIT_NAME + 2];

	assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, NULL), -EINVAL);
	assert_int_equal(hmm_alloc(c, 0, NULL, &r), -EINVAL);
	assert_int_equal(hmm_alloc(c, HUGE_PAGE / 2, NULL, &r), -EINVAL);
	assert_int_equal(hmm_alloc(c, HUGE_PAGE + PAGE, NULL, &r), -EINVAL);
	assert_int_equal(hmm_register(c, here, PAGE, NULL, NULL), -EINVAL);
	assert_int_equal(hmm_register(c, NULL, PAGE, NULL, &r), -EINVAL);
	assert_int_equal(hmm_register(c, here, 0, NULL, &r), -EINVAL);
	assert_int_equal(hmm_register(c, here + 1, PAGE, NULL, &r), -EINVAL);
	assert_int_equal(hmm_register(c, here, PAGE + 1, NULL, &r), -EINVAL);
	assert_int_equal(hmm_register(c, (void *)(UINTPTR_MAX - PAGE + 1), 2 * PAGE, NULL, &r),
			 -ERANGE);
	assert_int_equal(hmm_register(c, (void *)HMM_LIMIT_ADDRESS, PAGE, NULL, &r), -ERANGE);
	assert_int_equal(hmm_register_many(c, 0, NULL, NULL, NULL, &r), -EINVAL);
	o.flags = 0x100;
	assert_int_equal(hmm_register(c, here, PAGE, &o, &r), -EINVAL);
	o.flags = 0;
	o.reserved = 1;
	assert_int_equal(hmm_register(c, here, PAGE, &o, &r), -EINVAL);
	o.reserved = 0;
	o.size = 1;
	assert_int_equal(hmm_register(c, here, PAGE, &o, &r), -EINVAL);
	o.size = sizeof(o);
	o.name = "new\nline";
	assert_int_equal(hmm_register(c, here, PAGE, &o, &r), -EINVAL);
	assert_non_null(strstr(hmm_client_last_error(c), "options.name"));
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	o.name = name;
	assert_int_equal(hmm_register(c, here, PAGE, &o, &r), -EINVAL);
	assert_null(r);
	assert_int_equal(fake_count(f, HMMD__MESSAGE__KIND_REGISTER), 0);
	assert_int_equal(fake_count(f, HMMD__MESSAGE__KIND_ALLOC), 0);
	hmm_client_unref(c);
}

static void parts_that_cannot_be(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, 0);
	struct hmm_range *r;
	struct hmm_op *op = NULL;
	uint8_t tiers[4];

	assert_int_equal(hmm_register(c, memory_at(0x10000000, 4 * PAGE), 4 * PAGE, NULL, &r), 0);
	assert_int_equal(hmm_range_advise(r, 1, 0, HMM_ADVICE_COLD, 0), -EINVAL);
	assert_int_equal(hmm_range_advise(r, 0, 1, HMM_ADVICE_COLD, 0), -EINVAL);
	assert_int_equal(hmm_range_advise(r, 0, 5 * PAGE, HMM_ADVICE_COLD, 0), -EINVAL);
	assert_int_equal(hmm_range_advise(r, 4 * PAGE, 0, HMM_ADVICE_COLD, 0), -EINVAL);
	assert_int_equal(hmm_range_advise(r, PAGE, SIZE_MAX - PAGE + 1, HMM_ADVICE_COLD, 0),
			 -EINVAL);
	assert_int_equal(hmm_range_advise(r, 0, 0, HMM_ADVICE_LAZY + 1, 0), -EINVAL);
	assert_int_equal(hmm_range_migrate(r, 0, 0, NULL, 0, &op), -EINVAL);
	assert_int_equal(hmm_range_migrate(r, 0, 0, "", 0, &op), -EINVAL);
	assert_int_equal(hmm_range_migrate(r, 0, 0, "far", 1, &op), -EINVAL);
	assert_int_equal(hmm_range_pin(r, 3, 0, NULL), -EINVAL);
	assert_int_equal(hmm_range_unpin(r, 0, 3), -EINVAL);
	assert_int_equal(hmm_range_exclusive(r, 8 * PAGE, 0, &op), -EINVAL);
	assert_int_equal(hmm_range_residency(r, 1, 0, tiers), -EINVAL);
	assert_int_equal(hmm_range_residency(r, 0, 0, NULL), -EINVAL);
	assert_null(op);
	assert_int_equal(fake_count(f, HMMD__MESSAGE__KIND_ADVISE), 0);
	/* What can be meant gets through. */
	assert_int_equal(hmm_range_advise(r, PAGE, 0, HMM_ADVICE_COLD, 0), 0);
	assert_int_equal(hmm_range_pin(r, 0, 0, "dram"), 0);
	assert_int_equal(hmm_range_unpin(r, 0, 0), 0);
	hmm_client_unref(c);
}

static void questions_that_cannot_be(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, 0);
	struct hmm_control control = HMM_CONTROL_INIT;
	struct hmm_tier_info infos[2] = { { 0 } };
	struct hmm_table *t = NULL;
	struct hmm_op *op = NULL;
	uint64_t us;
	size_t n;

	assert_int_equal(hmm_client_get_timeout(c, NULL), -EINVAL);
	assert_int_equal(hmm_tiers(c, NULL, 1, &n), -EINVAL);
	assert_int_equal(hmm_tiers(c, infos, 2, NULL), -EINVAL);
	assert_int_equal(hmm_tiers(c, infos, 2, &n), -EINVAL);
	assert_int_equal(hmm_query(c, NULL, NULL, &t), -EINVAL);
	assert_int_equal(hmm_query(c, "", NULL, &t), -EINVAL);
	assert_int_equal(hmm_query(c, "status", NULL, NULL), -EINVAL);
	assert_int_equal(hmm_control(c, NULL, &op), -EINVAL);
	assert_int_equal(hmm_control(c, &control, &op), -ENOTSUP);
	control.verb = HMM_CONTROL_MIGRATE;
	assert_int_equal(hmm_control(c, &control, &op), -EINVAL);
	control.size = 0;
	assert_int_equal(hmm_control(c, &control, &op), -EINVAL);
	assert_int_equal(fake_count(f, HMMD__MESSAGE__KIND_CONTROL), 0);
	assert_int_equal(hmm_client_get_timeout(c, &us), 1);
	assert_true(us == UINT64_MAX);
	hmm_client_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_client),
		cmocka_unit_test(no_range),
		cmocka_unit_test(no_operation_and_no_table),
		FAKE_TEST(ranges_that_cannot_be),
		FAKE_TEST(parts_that_cannot_be),
		FAKE_TEST(questions_that_cannot_be),
	};

	return cmocka_run_group_tests_name("client_bad_arguments", tests, NULL, NULL);
}
