// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Address spaces and their ranges: what is refused leaves no trace, what dies gives everything
 * back.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/core_world.h"

static struct config config;
static struct world *w;
static struct space *s;

static int set_up(void **state)
{
	(void)state;
	test_config(&config);
	config.quotas[config.n_quotas++] = config.default_quota;
	config.quotas[0].uid = 7;
	config.quotas[0].managed = 10 * PAGE;
	config.quotas[0].ranges = 3;
	config.quotas[0].pinned = 2 * PAGE;
	assert_int_equal(world_new(&w, &config, 100), 0);
	s = test_space(w, 1000);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	test_books(w);
	test_space_free(s);
	assert_int_equal(w->n_commits, 0);
	assert_int_equal(idmap_count(w->ranges), 0);
	world_free(w);
	return 0;
}

static int alloc(struct space *space, const char *policy, const char *prefer, uint64_t pages,
		 struct range **ret)
{
	struct range_request q = {
		.size = pages * PAGE, .name = "n", .policy = policy, .prefer = prefer
	};

	return space_alloc(space, &q, ret);
}

static void a_range_lives_and_dies(void **state)
{
	struct range *r = NULL, *found;

	(void)state;
	assert_int_equal(alloc(s, NULL, "", 4, &r), 0);
	assert_int_equal(r->home, DRAM);
	assert_int_equal(r->n_lower, 1);
	assert_int_equal(r->lower[0], FAR);
	assert_int_equal(r->heat[3].value, HEAT_NEW);
	assert_int_equal(s->managed_bytes, 4 * PAGE);
	assert_ptr_equal(space_find_id(s, r->id), r);
	assert_null(space_find_addr(s, TEST_ADDR));
	assert_int_equal(space_map(s, r, TEST_ADDR), 0);
	assert_int_equal(space_map(s, r, TEST_ADDR), SPACE_E_STATE);
	assert_ptr_equal(space_find_addr(s, TEST_ADDR + 4 * PAGE - 1), r);
	assert_null(space_find_addr(s, TEST_ADDR + 4 * PAGE));
	assert_ptr_equal(space_owner(s, TEST_ADDR + 3 * PAGE + 5), r);
	assert_null(space_owner(s, TEST_ADDR + 4 * PAGE));
	assert_null(space_owner(s, 0));
	test_fill(r, 1, SECOND);
	test_fill(r, 2, SECOND);
	test_evict(r, 2, FAR, SECOND);
	assert_int_equal(w->tiers[FAR].pool.used, PAGE);
	found = space_owner(s, TEST_ADDR);
	assert_true(range_hold(found));
	space_range_leave(s, r);
	assert_false(range_hold(r));
	assert_null(space_owner(s, TEST_ADDR));
	assert_null(space_find_id(s, r->id));
	assert_null(space_find_addr(s, TEST_ADDR));
	assert_non_null(space_word(s, TEST_ADDR));	/* for who still holds it */
	range_drop(found);
	space_range_free(r, NULL, NULL);
	assert_int_equal(w->tiers[FAR].pool.used + w->tiers[DRAM].pool.used, 0);
	assert_null(space_word(s, TEST_ADDR));
	assert_int_equal(s->managed_bytes, 0);
}

struct releases {
	unsigned int n, device;
};

static void count_release(void *userdata, uint64_t word)
{
	struct releases *c = userdata;

	c->n++;
	c->device += page_word_state(word) == PAGE_DEVICE;
}

static void death_names_every_slot(void **state)
{
	struct range *r = test_range(s, TEST_ADDR + 400 * PAGE, 300, "default");
	struct releases c = { 0 };
	uint64_t i;

	(void)state;
	for (i = 0; i < 50; i++)
		test_fill(r, i * 6, SECOND);
	for (i = 0; i < 20; i++)
		test_evict(r, i * 12, FAR, SECOND);
	space_range_leave(s, r);
	space_range_free(r, count_release, &c);
	assert_int_equal(c.n, 50);
	assert_int_equal(c.device, 20);
	r = test_range(s, TEST_ADDR + 400 * PAGE, 300, "default");
	for (i = 0; i < 300; i++)
		assert_int_equal(test_word(r, i), 0);
}

static void bad_requests_leave_no_trace(void **state)
{
	struct range *r = NULL, *other = test_range(s, TEST_ADDR, 8, NULL);
	struct range_request q = { .size = PAGE + 4096 };

	(void)state;
	assert_int_equal(space_alloc(s, &q, &r), -EINVAL);
	assert_int_equal(alloc(s, NULL, NULL, 0, &r), -EINVAL);
	q.size = HMM_LIMIT_RANGE_SIZE + PAGE;
	assert_int_equal(space_alloc(s, &q, &r), -EINVAL);
	assert_int_equal(alloc(s, "none", NULL, 1, &r), SPACE_E_POLICY);
	assert_int_equal(alloc(s, NULL, "none", 1, &r), SPACE_E_TIER);
	assert_null(r);
	assert_int_equal(s->n_ranges, 1);
	assert_int_equal(alloc(s, NULL, NULL, 4, &r), 0);
	assert_int_equal(space_map(s, r, TEST_ADDR + 4096), -EINVAL);
	assert_int_equal(space_map(s, r, 0), -EINVAL);
	assert_int_equal(space_map(s, r, HMM_LIMIT_ADDRESS - 3 * PAGE), -EINVAL);
	assert_int_equal(space_map(s, r, TEST_ADDR + 7 * PAGE), SPACE_E_OVERLAP);
	assert_int_equal(space_map(s, r, TEST_ADDR - 3 * PAGE), SPACE_E_OVERLAP);
	assert_int_equal(r->addr, 0);
	assert_int_equal(space_map(s, r, TEST_ADDR + 8 * PAGE), 0);
	assert_ptr_equal(space_find_addr(s, TEST_ADDR + 8 * PAGE), r);
	assert_ptr_equal(space_find_addr(s, TEST_ADDR + 8 * PAGE - 1), other);
}

static void quotas_are_charged_and_given_back(void **state)
{
	struct space *poor = test_space(w, 7);
	struct range *r, *a, *b;

	(void)state;
	assert_int_equal(alloc(poor, NULL, NULL, 11, &r), SPACE_E_QUOTA);
	assert_int_equal(alloc(poor, NULL, NULL, 6, &a), 0);
	assert_int_equal(alloc(poor, NULL, NULL, 5, &r), SPACE_E_QUOTA);
	assert_int_equal(alloc(poor, NULL, NULL, 2, &b), 0);
	assert_int_equal(alloc(poor, NULL, NULL, 1, &r), 0);
	assert_int_equal(alloc(poor, NULL, NULL, 1, &r), SPACE_E_QUOTA);	/* a fourth range */
	test_range_free(b);
	assert_int_equal(alloc(poor, NULL, NULL, 3, &r), 0);
	test_range_free(a);
	assert_int_equal(poor->account->used[ACCOUNT_MANAGED], 4 * PAGE);
	test_space_free(poor);
	assert_int_equal(world_account(w, 7)->used[ACCOUNT_MANAGED], 0);
	assert_int_equal(world_account(w, 7)->used[ACCOUNT_RANGES], 0);
	assert_int_equal(world_account(w, 7)->used[ACCOUNT_CLIENTS], 0);
}

static void pins_are_charged(void **state)
{
	struct space *poor = test_space(w, 7);
	struct range *r = test_range(poor, TEST_ADDR, 8, NULL),
		     *rich = test_range(s, TEST_ADDR, 64, NULL);

	(void)state;
	assert_int_equal(space_pin(r, 3 * PAGE), SPACE_E_QUOTA);
	assert_int_equal(space_pin(r, 2 * PAGE), 0);
	space_unpin(r, PAGE);
	assert_int_equal(space_pin(r, PAGE), 0);
	assert_int_equal(w->tiers[DRAM].pinned, 2 * PAGE);
	assert_int_equal(space_pin(rich, 64 * PAGE), SPACE_E_FULL);
	assert_int_equal(space_pin(rich, 64 * PIN_SHARE / 100 * PAGE), SPACE_E_FULL);
	assert_int_equal(space_pin(rich, (64 * PIN_SHARE / 100 - 2) * PAGE), 0);
	test_range_free(r);
	assert_int_equal(w->tiers[DRAM].pinned, (64 * PIN_SHARE / 100 - 2) * PAGE);
	test_range_free(rich);
	assert_int_equal(w->tiers[DRAM].pinned, 0);
	test_space_free(poor);
}

static void adopted_ranges_are_all_or_none(void **state)
{
	enum { N = 300 };
	uint64_t addrs[N], sizes[N], id = 0, first;
	struct range_request q = { .name = "mine" };
	size_t i;

	(void)state;
	for (i = 0; i < N; i++) {
		addrs[i] = TEST_ADDR + i * 0x9000;
		sizes[i] = 0x8000;
	}
	addrs[N - 1] = addrs[5] + 0x1000;
	assert_int_equal(space_register(s, &q, addrs, sizes, N, &id), SPACE_E_OVERLAP);
	assert_int_equal(id, 0);
	assert_int_equal(s->n_ranges, 0);
	assert_int_equal(s->adopted_bytes, 0);
	assert_int_equal(btree_count(s->by_addr), 0);
	addrs[N - 1] = TEST_ADDR + 16 * PAGE -
		       4096; /* two whole huge pages and some of their neighbours */
	sizes[N - 1] = 2 * PAGE + 8192;
	assert_int_equal(space_register(s, &q, addrs, sizes, N, &id), 0);
	first = id;
	assert_int_equal(s->n_ranges, N);
	for (i = 0; i < N; i++) {
		struct range *r = space_find_id(s, first + i);

		assert_int_equal(r->addr, addrs[i]);
		assert_int_equal(r->kind, RANGE_ADOPTED);
		assert_ptr_equal(space_find_addr(s, addrs[i] + sizes[i] - 1), r);
	}
	assert_null(space_owner(s, addrs[N - 1] + PAGE));
	assert_null(space_word(s, addrs[N - 1] + PAGE));	/* nothing was seen there */
	assert_int_equal(space_words_make(space_find_id(s, first + N - 1), addrs[N - 1] >> 21, 4), 0);
	assert_non_null(space_word(s, addrs[N - 1] + PAGE));
	assert_int_equal(range_clip(space_find_id(s, first), TEST_ADDR >> 21, 1), 0x8000);
	assert_int_equal(range_clip(space_find_id(s, first), (TEST_ADDR >> 21) + 1, 1), 0);
	assert_int_equal(space_register(s, &q, addrs, sizes, 0, &id), -EINVAL);
}

static void absurd_adoptions_are_refused(void **state)
{
	static const uint64_t bad[][2] = {
		{ 0, 4096 },
		{ 4096, 0 },
		{ 4097, 4096 },
		{ 4096, 4097 },
		{ HMM_LIMIT_ADDRESS, 4096 },
		{ HMM_LIMIT_ADDRESS - 4096, 8192 },
		{ UINT64_MAX - 4095, 8192 },
		{ 4096, HMM_LIMIT_RANGE_SIZE + 4096 },
	};
	struct range_request q = { .policy = "none" };
	uint64_t id;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(space_register(s, &q, &bad[i][0], &bad[i][1], 1, &id), -EINVAL);
	assert_int_equal(space_register(s, &q, (uint64_t[]){ 4096 }, (uint64_t[]){ 4096 }, 1, &id),
			 SPACE_E_POLICY);
	assert_int_equal(s->n_ranges, 0);
}

static void refusals_have_words(void **state)
{
	int i;

	(void)state;
	for (i = SPACE_E_OVERLAP; i <= SPACE_E_EXCESS; i++) {
		assert_true(strlen(space_refusal_text(i)) > 5);
		assert_true(space_refusal_errno(i) > 0);
	}
	assert_string_equal(space_refusal_text(SPACE_E_EXCESS + 1), space_refusal_text(-1));
	assert_int_equal(space_refusal_errno(0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_range_lives_and_dies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(death_names_every_slot, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bad_requests_leave_no_trace, set_up, tear_down),
		cmocka_unit_test_setup_teardown(quotas_are_charged_and_given_back, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(pins_are_charged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(adopted_ranges_are_all_or_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(absurd_adoptions_are_refused, set_up, tear_down),
		cmocka_unit_test(refusals_have_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
