// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ranges: where their pages may be, who may hold them, and their temperature when a page comes in.
 */
#include "tests/unit/one_space.h"

static int set_up(void **state)
{
	struct policy_config *all;

	(void)state;
	test_config(&config);
	test_policy(&config, "static", ENGINE_STATIC);
	test_policy(&config, "blind", ENGINE_TIERED)->track = false;
	all = test_policy(&config, "all", ENGINE_TIERED);
	all->n_tiers = 0;
	all = test_policy(&config, "static-all", ENGINE_STATIC);
	all->n_tiers = 0;
	open_space(0);
	return 0;
}

static struct range *wish(const char *policy, const char *prefer)
{
	struct range_request q = { .size = PAGE, .policy = policy, .prefer = prefer };
	struct range *r = NULL;

	assert_int_equal(space_alloc(s, &q, &r), 0);
	return r;
}

static void the_policy_places(void **state)
{
	struct range *r = wish("default", NULL);

	(void)state;
	assert_int_equal(r->home, DRAM);
	assert_int_equal(r->n_lower, 1);
	assert_int_equal(r->reach, 1 << DRAM | 1 << FAR);
	r = wish("all", NULL);
	assert_int_equal(r->home, DRAM);
	assert_int_equal(r->n_lower, 2);
	assert_int_equal(r->lower[0], FAR);
	assert_int_equal(r->lower[1], DISK);
	assert_int_equal(r->reach, 1 << DRAM | 1 << CXL | 1 << FAR | 1 << DISK);
	r = wish("static-all", NULL);	/* which never moves between nodes by itself */
	assert_int_equal(r->reach, 1 << DRAM | 1 << FAR | 1 << DISK);
}

static void a_wish_comes_first(void **state)
{
	struct range *r = wish("default", "cxl");

	(void)state;
	assert_int_equal(r->home, CXL);
	assert_int_equal(r->lower[0], FAR);
	r = wish("all", "disk");
	assert_int_equal(r->home, DRAM);
	assert_int_equal(r->n_lower, 2);
	assert_int_equal(r->lower[0], DISK);
	assert_int_equal(r->lower[1], FAR);
	w->tiers[DRAM].state = w->tiers[CXL].state = TIER_FAILED;
	range_rehome(r, w);		/* nowhere to go: it stays as it is */
	assert_int_equal(r->home, DRAM);
	w->tiers[CXL].state = TIER_ONLINE;
	range_rehome(r, w);
	assert_int_equal(r->home, CXL);
}

static void kernel_devices_take_no_managed_pages(void **state)
{
	(void)state;
	w->tiers[DISK].config.kind = TIER_KERNEL;
	assert_int_equal(wish("all", "disk")->reach, 1 << DRAM | 1 << CXL | 1 << FAR);
}

static void dying_refuses_new_holders(void **state)
{
	struct range *r = wish(NULL, NULL);

	(void)state;
	assert_true(range_hold(r));
	assert_true(range_hold(r));
	space_range_leave(s, r);
	assert_false(range_hold(r));
	assert_int_equal(r->holders, 2);
	range_drop(r);
	range_drop(r);
	space_range_free(r, NULL, NULL);
}

static void books_moves_but_not_first_touches(void **state)
{
	struct range *r = test_range(s, TEST_ADDR, 4, NULL);

	(void)state;
	test_fill(r, 0, SECOND);
	assert_int_equal(w->tiers[DRAM].pool.moved_in, 0);
	range_account(r, DRAM, DRAM);		/* nothing */
	test_evict(r, 0, FAR, SECOND);
	assert_int_equal(w->tiers[DRAM].pool.moved_out, PAGE);
	assert_int_equal(w->tiers[FAR].pool.moved_in, PAGE);
	assert_int_equal(s->account->pools[FAR].moved_in, PAGE);
	assert_int_equal(r->tier_bytes[FAR], PAGE);
	assert_int_equal(r->tier_bytes[DRAM], 0);
	test_books(w);
}

static void only_touches_are_judged(void **state)
{
	struct range *r = test_range(s, TEST_ADDR, 4, "blind"),
		     *tracked = test_range(s, TEST_ADDR * 2, 4, NULL);
	uint64_t vpn = range_first_vpn(r), window = s->window.us;

	(void)state;
	assert_true(range_is_tracked(tracked));
	assert_false(range_is_tracked(r));
	heat_evicted(&r->heat[1], 10 * SECOND);
	range_filled(r, vpn + 1, 10 * SECOND + 1000, false);
	assert_int_equal(r->heat[1].value, HEAT_NEW);
	for (int i = 0; i < 100; i++) {
		heat_evicted(&tracked->heat[1], 10 * SECOND);
		range_filled(tracked, range_first_vpn(tracked) + 1, 10 * SECOND, true);
	}
	assert_true(tracked->heat[1].value > HEAT_NEW);
	assert_int_equal(s->window.us, window);	/* there the tracker decides */
	for (int i = 0; i < 100; i++) {
		heat_evicted(&r->heat[1], 10 * SECOND);
		range_filled(r, vpn + 1, 10 * SECOND, true);
	}
	assert_true(s->window.us < window);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(the_policy_places),
		IN_WORLD(a_wish_comes_first),
		IN_WORLD(kernel_devices_take_no_managed_pages),
		IN_WORLD(dying_refuses_new_holders),
		IN_WORLD(books_moves_but_not_first_touches),
		IN_WORLD(only_touches_are_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
