// SPDX-License-Identifier: GPL-2.0-or-later
/* A figure in a listing is the one that it seems to be: none is not 0, bytes are bytes, what failed has no room. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/ask.h"
#include "tests/support/house.h"
#include "tests/support/test.h"

static struct house *house;
static struct hmm_client *client;

static int set_up(void **state)
{
	(void)state;
	house = house_open(&(struct house_options){
		.config = "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 32M\n"
			  "[tier far]\nkind = memory\ncapacity = 64M\n"
			  "[tier card]\nkind = kernel\ndevice = /dev/null\n"
			  "[tier disk]\nkind = file\npath = /proc/self/no/such/place\ncapacity = 64M\n"
			  "[policy default]\nengine = static\ntiers = dram, far\nrate = none\ntrack = no\n"
			  "[policy slow]\nrate = 64M\nburst = 8M\nmin-residency = 90s\n" });
	client = house_client(house, "figures", 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	hmm_client_unref(client);
	house_close(house);
	return 0;
}

static struct json_object *ctl_json(const char *verb)
{
	static char output[64 * 1024];
	char command[512];
	struct json_object *o;
	size_t n;
	FILE *f;

	snprintf(command, sizeof(command), "%s --json --socket %s %s", getenv("HMMCTL"), house->socket, verb);
	f = popen(command, "re");
	assert_non_null(f);
	n = fread(output, 1, sizeof(output) - 1, f);
	output[n] = '\0';
	assert_int_equal(pclose(f), 0);
	o = json_tokener_parse(output);
	assert_non_null(o);
	return o;
}

static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	if (!json_object_object_get_ex(o, key, &v))
		fail_msg("there is no %s in %s", key, json_object_to_json_string(o));
	return v;
}

static void no_rate_is_none(void **state)
{
	char text[32];

	(void)state;
	ask_text(client, "policies", "key", "rate", "value", text, sizeof(text));
	assert_string_equal(text, "none");
}

static void policies_are_figures_in_json(void **state)
{
	struct json_object *all = ctl_json("policy list"), *p = member(member(all, "policies"), "slow");

	(void)state;
	assert_true(json_object_is_type(member(p, "rate"), json_type_int));
	assert_int_equal(json_object_get_int64(member(p, "rate")), 64 * MiB);
	assert_int_equal(json_object_get_int64(member(p, "burst")), 8 * MiB);
	assert_int_equal(json_object_get_int64(member(p, "min-residency")), 90000000);
	assert_true(json_object_is_type(member(p, "track"), json_type_boolean));
	assert_true(json_object_is_type(member(p, "ranges"), json_type_int));
	assert_true(json_object_is_type(member(p, "engine"), json_type_string));
	assert_null(member(member(member(all, "policies"), "default"), "rate"));
	json_object_put(all);
}

static void a_failed_tier_has_no_room(void **state)
{
	static const char *const names[] = { "card", "disk" };
	struct hmm_tier_info tiers[4];
	char text[32];
	size_t n;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		tiers[i].size = sizeof(tiers[i]);
	assert_int_equal(hmm_tiers(client, tiers, 4, &n), 0);
	assert_int_equal(n, 4);
	for (size_t i = 0; i < 2; i++) {
		ask_text(client, "tiers", "name", names[i], "state", text, sizeof(text));
		assert_string_equal(text, "failed");
		assert_int_equal(ask_number(client, "tiers", "name", names[i], "free"), 0);
		assert_int_equal(tiers[ask_tier(client, names[i])].free, 0);
	}
	/* Nobody knows how large a device is that was never opened. */
	assert_true(ask_number(client, "tiers", "name", "card", "capacity") == ASK_EMPTY);
	assert_int_equal(tiers[ask_tier(client, "card")].capacity, 0);
	assert_int_equal(ask_number(client, "tiers", "name", "disk", "capacity"), 64 * MiB);
	ask_text(client, "tiers", "name", "far", "demotes_to", text, sizeof(text));
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_rate_is_none),
		cmocka_unit_test(policies_are_figures_in_json),
		cmocka_unit_test(a_failed_tier_has_no_room),
	};

	return cmocka_run_group_tests_name("test_figures", tests, set_up, tear_down);
}
