// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The world: made and freed under want of memory, matched, reloaded whole or not at all, set by
 * key.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/alloc_fail.h"
#include "tests/unit/core_world.h"

static struct config config, changed;
static struct world *w;
static char text[256];

static int set_up(void **state)
{
	(void)state;
	test_config(&config);
	test_policy(&config, "database", ENGINE_STATIC);
	test_policy(&config, "batch", ENGINE_TIERED);
	assert_int_equal(world_new(&w, &config, 50), 0);
	changed = config;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	w = world_free(w);
	assert_null(w);
	return 0;
}

static void finds_by_name(void **state)
{
	(void)state;
	assert_int_equal(world_tier(w, "far")->index, FAR);
	assert_null(world_tier(w, "gpu"));
	assert_ptr_equal(world_policy(w, "database")->engine, &policy_static);
	assert_null(world_policy(w, ""));
	assert_ptr_equal(world_account(w, 3), world_account(w, 3));
	assert_string_equal(engine_name(ENGINE_TIERED), "tiered");
	assert_null(engine_name(99));
	assert_int_equal(w->next_id, 50);
}

static void matches_in_order(void **state)
{
	struct space *s = test_space(w, 1000);

	(void)state;
	w->config.n_matches = 3;
	w->config.matches[0] = (struct match_config){ .unit = "db.service",
						      .uid = UINT32_MAX,
						      .policy = "database" };
	w->config.matches[1] =
		(struct match_config){ .program = "sort", .uid = 1000, .policy = "batch" };
	w->config.matches[2] =
		(struct match_config){ .program = "sort", .uid = UINT32_MAX, .policy = "database" };
	assert_string_equal(world_match(w, s)->config.name, "default");
	strcpy(s->program, "sort");
	assert_string_equal(world_match(w, s)->config.name, "batch");
	s->uid = 5;
	assert_string_equal(world_match(w, s)->config.name, "database");
	strcpy(s->program, "");
	strcpy(s->unit, "db.service");
	assert_string_equal(world_match(w, s)->config.name, "database");
	test_space_free(s);
}

static void reload_changes_values(void **state)
{
	struct space *s = test_space(w, 1000);
	struct range *a = test_range(s, TEST_ADDR, 4, "database"),
		     *b = test_range(s, TEST_ADDR + 8 * PAGE, 4, "batch");
	struct range_request q = { .policy = "database" };
	uint64_t id;

	(void)state;
	assert_int_equal(
		space_register(s, &q, (uint64_t[]){ TEST_ADDR * 2 }, (uint64_t[]){ PAGE }, 1, &id),
		0);
	changed.tiers[DRAM].capacity = 32 * PAGE;
	changed.tiers[DRAM].high = 50;
	changed.tiers[DRAM].low = 40;
	changed.default_quota.managed = 5 * PAGE;
	changed.policies[2].rate = 77;
	strcpy(changed.policies[1].name, "new");	/* "database" goes, "new" comes */
	changed.tiers[4] = changed.tiers[FAR];
	strcpy(changed.tiers[4].name, "more");
	changed.n_tiers = 5;
	assert_int_equal(world_reload(w, &changed, text, sizeof(text)), 0);
	assert_int_equal(w->tiers[DRAM].pool.limit, 32 * PAGE);
	assert_int_equal(w->tiers[DRAM].config.high, 50);
	assert_int_equal(s->account->limit[ACCOUNT_MANAGED], 5 * PAGE);
	assert_int_equal(s->account->n_pools, 5);
	assert_ptr_equal(s->account->pools[4].parent, &w->tiers[4].pool);
	assert_null(world_policy(w, "database"));
	assert_non_null(world_policy(w, "new"));
	assert_int_equal(w->n_policies, 3);
	assert_string_equal(a->policy->config.name, "default");
	assert_string_equal(b->policy->config.name, "batch");
	assert_string_equal(space_find_id(s, id)->policy->config.name, "default");
	assert_int_equal(world_policy(w, "default")->n_ranges, 2);
	assert_int_equal(b->policy->budget.bytes_per_sec, 77);
	assert_ptr_equal(container_of(b->policy->ranges.next, struct range, in_policy), b);
	assert_int_equal(w->config.n_tiers, 5);
	test_space_free(s);
}

static void refused(const char *words)
{
	assert_int_equal(world_reload(w, &changed, text, sizeof(text)), -EINVAL);
	if (!strstr(text, words))
		fail_msg("\"%s\" lacks \"%s\"", text, words);
	assert_int_equal(w->tiers[DRAM].config.high, 90);
	assert_int_equal(w->tiers[DRAM].pool.limit, 64 * PAGE);
	assert_int_equal(w->n_tiers, 4);
	changed = config;
	changed.tiers[DRAM].high = 80;		/* would change if anything did */
}

static void reload_is_whole_or_nothing(void **state)
{
	struct space *s = test_space(w, 1000);
	struct range *r = test_range(s, TEST_ADDR, 200, NULL);

	(void)state;
	changed.workers = 0, refused("workers");
	changed.n_tiers = 3, refused("tier disk is missing");
	strcpy(changed.tiers[DISK].name, "disc"), refused("tier disk is missing");
	changed.tiers[FAR].kind = TIER_CUDA, refused("tier far has another kind");
	changed.tiers[CXL].nodes = 4, refused("tier cxl has other nodes");
	strcpy(changed.tiers[DISK].path, "/else"), refused("tier disk has another path");
	changed.tiers[DISK].index = 1, refused("tier disk has another path or device");
	changed.tiers[DISK].capacity *= 2, refused("tier disk has grown");
	changed.tiers[FAR].capacity = 32 * PAGE,
	refused("less than what running programs were promised");
	changed.default_quota.bytes[FAR] = 32 * PAGE, refused("were promised");
	assert_int_equal(s->account->pools[FAR].limit, UINT64_MAX);
	changed.tiers[FAR].capacity = 32 * PAGE;
	changed.tiers[4] = changed.tiers[FAR];
	strcpy(changed.tiers[4].name, "more");
	changed.n_tiers = 5, refused("were promised");
	assert_int_equal(s->account->n_pools, 4);
	test_range_free(r);
	changed.tiers[FAR].capacity = 32 * PAGE;
	assert_int_equal(world_reload(w, &changed, text, sizeof(text)), 0);
	assert_int_equal(w->tiers[FAR].pool.limit, 32 * PAGE);
	changed.tiers[FAR].capacity = 256 * PAGE; /* back to what the device was opened with */
	assert_int_equal(world_reload(w, &changed, text, sizeof(text)), 0);
	test_space_free(s);
}

static void reload_survives_want_of_memory(void **state)
{
	int n, rc;

	(void)state;
	world_account(w, 1);
	world_account(w, 2);
	changed.tiers[4] = changed.tiers[FAR];
	strcpy(changed.tiers[4].name, "more");
	changed.n_tiers = 5;
	for (n = 0;; n++) {
		alloc_fail_after(n);
		rc = world_reload(w, &changed, text, sizeof(text));
		if (!alloc_failed())
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_int_equal(w->n_tiers, 4);
		assert_int_equal(world_account(w, 1)->n_pools, 4);
		assert_int_equal(world_account(w, 2)->n_pools, 4);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(n, 6);
}

static void a_world_survives_want_of_memory(void **state)
{
	struct world *other = NULL;
	int n, rc;

	(void)state;
	for (n = 0;; n++) {
		alloc_fail_after(n);
		rc = world_new(&other, &config, 1);
		if (!alloc_failed())
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_null(other);
	}
	assert_int_equal(rc, 0);
	alloc_fail_after(0);
	assert_null(world_account(other, 9));
	assert_true(alloc_failed());
	world_free(other);
	assert_null(world_free(NULL));
}

static int set(const char *key, const char *value)
{
	strcpy(text, "");
	return world_policy_set(w, "batch", key, value, text, sizeof(text));
}

static void sets_one_value(void **state)
{
	struct policy *p = world_policy(w, "batch");

	(void)state;
	assert_int_equal(set("rate", "64M"), 0);
	assert_int_equal(p->budget.bytes_per_sec, 64 << 20);
	assert_int_equal(set("burst", "4M"), 0);
	assert_int_equal(set("min-residency", "5s"), 0);
	assert_int_equal(p->config.min_residency_us, 5 * SECOND);
	assert_int_equal(set("track", "no"), 0);
	assert_false(p->config.track);
	assert_int_equal(set("engine", "static"), 0);
	assert_ptr_equal(p->engine, &policy_static);
	assert_int_equal(set("tiers", "cxl,far,disk"), 0);
	assert_int_equal(p->n_order, 3);
	assert_int_equal(p->order[0], CXL);
	assert_int_equal(p->config.rate, 64 << 20);	/* the rest stays */
	assert_int_equal(w->config.policies[2].rate, 64 << 20);
	assert_int_equal(set("tiers", ""), 0);
	assert_int_equal(p->n_order, 4);
}

static void refuses_wrong_values(void **state)
{
	static const char *const bad[][3] = {
		{ "rate", "fast", "512M" },
		{ "burst", "1M", "less than one huge page" },
		{ "min-residency", "x", "10s" },
		{ "track", "maybe", "yes or no" },
		{ "engine", "lazy", "tiered or static" },
		{ "tiers", "dram,,far", "commas" },
		{ "tiers", "dram,gpu", "no tier gpu" },
		{ "tiers", "far", "kind = numa" },
		{ "colour", "red", "keys:" },
		{ "tiers", "abcdefghijklmnopqrstuvwxyzabcdefghij", "commas" },
	};
	size_t i;

	(void)state;
	assert_int_equal(set("rate", "100M"), 0);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(set(bad[i][0], bad[i][1]), -EINVAL);
		if (!strstr(text, bad[i][2]))
			fail_msg("\"%s\" lacks \"%s\"", text, bad[i][2]);
	}
	assert_int_equal(world_policy(w, "batch")->n_order, 2);
	assert_int_equal(world_policy_set(w, "none", "rate", "1M", text, sizeof(text)), -ENOENT);
	assert_string_equal(text, "no policy none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_by_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(matches_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reload_changes_values, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reload_is_whole_or_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reload_survives_want_of_memory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_world_survives_want_of_memory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sets_one_value, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refuses_wrong_values, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
