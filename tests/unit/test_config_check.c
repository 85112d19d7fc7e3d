// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a configuration as a whole must satisfy: one wrong thing at a time, and the text that names
 * it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>

#include "tests/unit/core_world.h"

static struct config c;
static char text[256];

static void fresh(void)
{
	test_config(&c);
	strcpy(text, "");
}

/* The configuration is refused, and the text has this in it. */
static void refused(const char *words)
{
	assert_int_equal(config_check(&c, text, sizeof(text)), -EINVAL);
	if (!strstr(text, words))
		fail_msg("\"%s\" lacks \"%s\"", text, words);
	fresh();
}

static void defaults_with_tiers_are_right(void **state)
{
	(void)state;
	fresh();
	assert_int_equal(config_check(&c, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	assert_int_equal(c.tick_us, 100000);
	config_defaults(&c);
	refused("no tier has kind = numa");
	assert_int_equal(config_quota(&c, 5)->weight, 100);
	assert_int_equal(config_quota(&c, 5)->bytes[HMM_LIMIT_TIERS - 1], UINT64_MAX);
	c.quotas[c.n_quotas++] = (struct quota_config){ .uid = 5, .weight = 3 };
	assert_int_equal(config_quota(&c, 5)->weight, 3);
	assert_int_equal(config_quota(&c, 6)->weight, 100);
}

static void tiers_are_checked(void **state)
{
	(void)state;
	fresh();
	c.n_tiers = HMM_LIMIT_TIERS + 1, refused("at most 32");
	strcpy(c.tiers[1].name, ""), refused("name");
	strcpy(c.tiers[1].name, "a b"), refused("name");
	strcpy(c.tiers[1].name, "a=b"), refused("name");
	strcpy(c.tiers[1].name, "dram"), refused("tier dram stands there twice");
	c.tiers[1].nodes = 3, refused("tiers dram and cxl share a node");
	c.tiers[1].nodes = 0, refused("tier cxl: kind = numa needs nodes");
	c.tiers[0].kind = 0, refused("tier dram: kind is missing");
	c.tiers[3].path[0] = '\0', refused("tier disk: kind = file needs path");
	c.tiers[3].capacity = 0, refused("capacity =");
	c.tiers[3].kind = TIER_KERNEL, c.tiers[3].path[0] = '\0', refused("device = /dev/hmm");
	c.tiers[3].kind = TIER_CUDA, c.tiers[3].capacity = 0, refused("cuda needs capacity");
	c.tiers[2].capacity = PAGE + 4096, refused("multiple of the huge page");
	c.tiers[2].low = 91, refused("low <= high");
	c.tiers[2].low = 0, refused("low <= high");
	c.tiers[2].high = 101, refused("low <= high");
	c.tiers[0].kind = c.tiers[1].kind = TIER_MEMORY, refused("no tier has kind = numa");
	c.tiers[3].kind = TIER_KERNEL;
	assert_int_equal(config_check(&c, text, sizeof(text)), 0);
	c.tiers[3].kind = TIER_CUDA;
	assert_int_equal(config_check(&c, text, sizeof(text)), 0);
}

static void policies_are_checked(void **state)
{
	(void)state;
	fresh();
	c.n_policies = CONFIG_POLICIES + 1, refused("at most 32");
	strcpy(c.policies[0].name, "other"), refused("no policy is named default");
	strcpy(c.policies[0].name, ""), refused("name");
	c.policies[0].engine = 77, refused("engine is tiered or static");
	test_policy(&c, "default", ENGINE_STATIC), refused("policy default stands there twice");
	strcpy(c.policies[0].tiers[1], "gpu9"), refused("there is no tier gpu9");
	strcpy(c.policies[0].tiers[1], "dram"), refused("names tier dram twice");
	strcpy(c.policies[0].tiers[0], "disk"), refused("need one of kind = numa");
	c.policies[0].n_tiers = HMM_LIMIT_TIERS + 1, refused("at most 32");
	c.policies[0].rate = 1, c.policies[0].burst = PAGE - 1, refused("less than one huge page");
	c.policies[0].burst = PAGE - 1, refused("less than one huge page");	/* a rate may be set later */
}

static void the_rest_is_checked(void **state)
{
	(void)state;
	fresh();
	c.fault_threads = 0, refused("fault-threads = 0; needed: 1 to 16");
	c.workers = 17, refused("workers = 17");
	c.tick_us = 999, refused("at least 1ms");
	c.track_us = 0, refused("at least 1ms");
	c.n_quotas = CONFIG_QUOTAS + 1, refused("at most 64");
	c.n_matches = CONFIG_MATCHES + 1, refused("at most 64");
	c.default_quota.weight = 0, refused("weight = 0");
	c.quotas[c.n_quotas++] = (struct quota_config){ .uid = 5, .weight = 10001 },
	refused("weight = 10001");
	c.quotas[0] = c.quotas[1] = (struct quota_config){ .uid = 5, .weight = 1 }, c.n_quotas = 2;
	refused("quota uid=5 stands there twice");
	c.n_matches = 1, strcpy(c.matches[0].policy, "none"),
	refused("match 1: there is no policy none");
}

struct told {
	unsigned int n;
	char places[256];
};

static void note(void *userdata, const struct config_place *place, const char *why)
{
	struct told *t = userdata;
	size_t n = strlen(t->places);

	assert_non_null(why);
	t->n++;
	snprintf(t->places + n, sizeof(t->places) - n, "%d.%u.%s ", place->part, place->index, place->key ? place->key : "");
}

static void all_that_is_wrong_is_told_with_its_place(void **state)
{
	struct told t = { 0 };

	(void)state;
	fresh();
	c.workers = 17;
	c.tiers[3].path[0] = '\0';
	c.tiers[2].low = 0;
	c.policies[0].burst = 0;
	strcpy(c.policies[0].tiers[1], "gpu9");
	c.default_quota.weight = 0;
	assert_int_equal(config_check_all(&c, note, &t), 6);
	assert_int_equal(t.n, 6);
	assert_string_equal(t.places, "1.0.workers 2.2.low 2.3.path 3.0.burst 3.0.tiers 4.0.weight ");
	fresh();
}

static void a_short_buffer_is_respected(void **state)
{
	char small[8] = "zzzzzzz";

	(void)state;
	fresh();
	c.workers = 0;
	assert_int_equal(config_check(&c, small, 5), -EINVAL);
	assert_string_equal(small, "work");
	assert_int_equal(small[5], 'z');
}

/* What was at a place is there again, and all that goes by places went along. */
static void tiers_on_record_keep_their_places(void **state)
{
	struct tier_config kept[2];
	uint32_t missing = 9;

	(void)state;
	fresh();
	kept[0] = c.tiers[FAR];
	kept[1] = c.tiers[DRAM];
	test_policy(&c, "all", ENGINE_TIERED)->n_tiers = 0;
	c.default_quota.bytes[FAR] = 1;
	c.quotas[c.n_quotas++] = (struct quota_config){ .uid = 5, .weight = 1, .bytes = { 2, 3, 4, 5 } };
	assert_int_equal(config_keep_places(&c, kept, 2, &missing), 0);
	assert_string_equal(c.tiers[0].name, "far");
	assert_string_equal(c.tiers[1].name, "dram");
	assert_string_equal(c.tiers[2].name, "cxl");	/* new ones as they stand */
	assert_string_equal(c.tiers[3].name, "disk");
	assert_int_equal(c.tiers[0].kind, TIER_MEMORY);
	assert_int_equal(c.default_quota.bytes[0], 1);
	assert_int_equal(c.default_quota.bytes[FAR], UINT64_MAX);
	assert_int_equal(c.quotas[0].bytes[0], 4);
	assert_int_equal(c.quotas[0].bytes[1], 2);
	assert_int_equal(c.quotas[0].bytes[2], 3);
	assert_int_equal(c.quotas[0].bytes[3], 5);
	assert_int_equal(c.policies[0].n_tiers, 2);	/* it has a list of its own */
	assert_int_equal(c.policies[1].n_tiers, 4);	/* the order of preference is that of the sections */
	assert_string_equal(c.policies[1].tiers[0], "dram");
	assert_string_equal(c.policies[1].tiers[2], "far");
	assert_int_equal(config_check(&c, text, sizeof(text)), 0);
}

static void places_as_they_are_change_nothing(void **state)
{
	static struct config before;
	uint32_t missing = 9;

	(void)state;
	fresh();
	c.policies[0].n_tiers = 0;
	before = c;
	assert_int_equal(config_keep_places(&c, before.tiers, before.n_tiers, &missing), 0);
	assert_int_equal(config_keep_places(&c, NULL, 0, &missing), 0);
	assert_memory_equal(&c, &before, sizeof(c));
	before.tiers[FAR].name[0] = 'F';
	assert_int_equal(config_keep_places(&c, before.tiers, before.n_tiers, &missing), CONFIG_E_MISSING);
	assert_int_equal(missing, FAR);
	before.tiers[FAR].name[0] = 'f';
	assert_memory_equal(&c, &before, sizeof(c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_with_tiers_are_right),
		cmocka_unit_test(tiers_are_checked),
		cmocka_unit_test(policies_are_checked),
		cmocka_unit_test(the_rest_is_checked),
		cmocka_unit_test(all_that_is_wrong_is_told_with_its_place),
		cmocka_unit_test(a_short_buffer_is_respected),
		cmocka_unit_test(tiers_on_record_keep_their_places),
		cmocka_unit_test(places_as_they_are_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
