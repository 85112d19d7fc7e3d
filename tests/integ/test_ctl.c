// SPDX-License-Identifier: GPL-2.0-or-later
/* hmmctl as scripts use it: exit statuses, one line of error on stderr, and JSON that parses. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/move.h"
#include "tests/support/words.h"

enum { PAGES = 4, SEED = 131, OUTPUT = 256 * 1024 };
#define SIZE (PAGES * HUGE_PAGE)

static struct house *house;
static struct hmm_client *client;
static struct hmm_range *range;
static char output[OUTPUT];

static int set_up(void **state)
{
	struct hmm_range_options o = HMM_RANGE_OPTIONS_INIT;

	(void)state;
	house = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	client = house_client(house, "ctl test", 0);
	o.name = "words";
	if (hmm_alloc(client, SIZE, &o, &range))
		return -1;
	fill_to_rest(client, range, SEED);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	hmm_client_unref(client);
	house_close(house);
	return 0;
}

/* Runs `hmmctl --socket S ARGUMENTS`, stdout and stderr into output; the exit status. */
static int ctl_at(const char *socket, const char *arguments)
{
	const char *program = getenv("HMMCTL");
	char command[1024];
	size_t n;
	FILE *f;

	assert_non_null(program);
	snprintf(command, sizeof(command), "%s --socket %s %s 2>&1", program, socket, arguments);
	f = popen(command, "re");
	assert_non_null(f);
	n = fread(output, 1, sizeof(output) - 1, f);
	output[n] = '\0';
	n = (size_t)pclose(f);
	return WIFEXITED((int)n) ? WEXITSTATUS((int)n) : -1;
}

static int ctl(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int ctl(const char *format, ...)
{
	char arguments[512];
	va_list list;

	va_start(list, format);
	vsnprintf(arguments, sizeof(arguments), format, list);
	va_end(list);
	return ctl_at(house->socket, arguments);
}

static void every_listing_has_json(void **state)
{
	static const char *const verbs[] = {
		"", "status", "clients", "users", "ranges", "tiers", "policy list", "policy show default", "doctor", "version",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		struct json_object *o;

		assert_int_equal(ctl("%s", verbs[i]), 0);
		assert_true(strlen(output) > 0);
		assert_int_equal(ctl("--json %s", verbs[i]), 0);
		o = json_tokener_parse(output);
		if (!o)
			fail_msg("hmmctl --json %s does not parse: %s", verbs[i], output);
		json_object_put(o);
	}
}

static void help_has_an_example_for_every_verb(void **state)
{
	static const char *const verbs[] = {
		"status", "clients", "users", "ranges", "pages", "gcore", "tiers", "policy", "migrate", "pin", "unpin", "drain", "undrain",
		"events", "doctor", "reload", "version",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		assert_int_equal(ctl("help %s", verbs[i]), 0);
		assert_non_null(strstr(output, "example: hmmctl"));
		assert_int_equal(ctl("%s %s --help", verbs[i], strcmp(verbs[i], "policy") ? "" : "list"), 0);
	}
}

static void the_table_shows_the_range(void **state)
{
	(void)state;
	assert_int_equal(ctl("ranges %d", (int)getpid()), 0);
	assert_non_null(strstr(output, "words"));
	assert_int_equal(ctl("ranges 1"), 1);
	assert_int_equal(ctl("pages %d", (int)getpid()), 0);
	assert_non_null(strstr(output, "memory"));
	assert_int_equal(ctl("pages 1"), 1);
	assert_int_equal(ctl("pages"), 2);
	assert_int_equal(ctl("gcore 1"), 1);
	assert_int_equal(ctl("tiers"), 0);
	assert_non_null(strstr(output, "dram"));
	assert_non_null(strstr(output, "far"));
}

static int64_t json_number(const char *key)
{
	struct json_object *o = json_tokener_parse(output), *value = NULL;
	int64_t n = -1;

	if (!o)
		fail_msg("no JSON: %s", output);
	if (!json_object_object_get_ex(o, key, &value)) {
		/* One level down: {"migrate": {...}}. */
		json_object_object_foreach(o, name, inner) {
			(void)name;
			if (json_object_is_type(inner, json_type_object))
				json_object_object_get_ex(inner, key, &value);
		}
	}
	if (value)
		n = json_object_get_int64(value);
	json_object_put(o);
	return n;
}

static void moves_say_what_they_did(void **state)
{
	int pid = (int)getpid();

	(void)state;
	assert_int_equal(ctl("--json migrate %d --to far --wait", pid), 0);
	assert_int_equal(json_number("asked"), SIZE);
	assert_int_equal(json_number("asked"), json_number("moved") + json_number("already_there") +
			 json_number("busy") + json_number("failed"));
	assert_int_equal(move_count(range, (uint8_t)ask_tier(client, "far")), PAGES);
	assert_int_equal(ctl("migrate %d:%llx-%llx --to dram --wait", pid,
			     (unsigned long long)(uintptr_t)hmm_range_addr(range),
			     (unsigned long long)((uintptr_t)hmm_range_addr(range) + HUGE_PAGE)), 0);
	assert_int_equal(move_count(range, (uint8_t)ask_tier(client, "far")), PAGES - 1);
	assert_int_equal(ctl("pin %d", pid), 0);
	assert_int_equal(ask_number(client, "ranges", NULL, NULL, "pinned_bytes"), SIZE);
	assert_int_equal(ctl("unpin %d", pid), 0);
	assert_int_equal(ask_number(client, "ranges", NULL, NULL, "pinned_bytes"), 0);
	assert_int_equal(words_bad(hmm_range_addr(range), SIZE, SEED), 0);
}

static void drain_and_back(void **state)
{
	(void)state;
	assert_int_equal(ctl("migrate %d --to far --wait", (int)getpid()), 0);
	assert_int_equal(ctl("drain far"), 0);
	assert_soon(ask_used(client, "far") == 0);
	assert_int_equal(ctl("undrain far"), 0);
	assert_int_equal(ctl("drain nonesuch"), 1);
	assert_non_null(strstr(output, "nonesuch"));
}

static void changes_are_made_and_refused(void **state)
{
	(void)state;
	assert_int_equal(ctl("policy set default min-residency=3s"), 0);
	assert_int_equal(ctl("policy show default"), 0);
	assert_non_null(strstr(output, "3s"));
	assert_int_equal(ctl("policy set default nonesuch=1"), 1);
	assert_int_equal(ctl("policy set nonesuch rate=1M"), 1);
	assert_int_equal(ctl("reload"), 0);
	assert_int_equal(ctl("events"), 0);
	assert_true(strlen(output) > 0);
}

static void doctor_config(char *ret_state, char *ret_remedy)
{
	ask_text(client, "doctor", "check", "config", "state", ret_state, 16);
	ask_text(client, "doctor", "check", "config", "remedy", ret_remedy, HOUSE_PATH + 64);
}

static void a_refused_reload_says_all_of_it(void **state)
{
	char state_text[16], remedy[HOUSE_PATH + 64], want[HOUSE_PATH + 64];

	(void)state;
	house_write_config(house, HOUSE_QUIET "[daemn]\n[policy slow]\nburst = 1K\n[quota default]\nrangs = 1\n");
	assert_int_equal(ctl("reload"), 1);
	assert_non_null(strstr(output, "[daemn]"));
	assert_non_null(strstr(output, "burst"));
	assert_non_null(strstr(output, "rangs"));
	/* Nor is all well as long as it stands there. */
	doctor_config(state_text, remedy);
	assert_string_equal(state_text, "degraded");
	snprintf(want, sizeof(want), "hmmd --config %s --check-config", house->config);
	assert_string_equal(remedy, want);
	house_write_config(house, HOUSE_QUIET);
	assert_int_equal(ctl("reload"), 0);
	doctor_config(state_text, remedy);
	assert_string_equal(state_text, "ok");
}

static void usage_and_no_daemon_have_their_own_status(void **state)
{
	(void)state;
	assert_int_equal(ctl("nonesuch"), 2);
	assert_int_equal(ctl("--nonesuch"), 2);
	assert_int_equal(ctl("migrate"), 2);
	assert_int_equal(ctl("migrate %d", (int)getpid()), 2);		/* where to? */
	assert_int_equal(ctl("migrate x --to far"), 2);
	assert_int_equal(ctl("migrate 1 --to far"), 1);			/* no client */
	assert_int_equal(ctl("migrate %d --to nonesuch", (int)getpid()), 1);
	assert_int_equal(ctl_at("/nonexistent/hmmd.sock", "status"), 3);
	assert_int_equal(ctl_at("/nonexistent/hmmd.sock", "--json status"), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_listing_has_json),
		cmocka_unit_test(help_has_an_example_for_every_verb),
		cmocka_unit_test(the_table_shows_the_range),
		cmocka_unit_test(moves_say_what_they_did),
		cmocka_unit_test(drain_and_back),
		cmocka_unit_test(changes_are_made_and_refused),
		cmocka_unit_test(a_refused_reload_says_all_of_it),
		cmocka_unit_test(usage_and_no_daemon_have_their_own_status),
	};

	return cmocka_run_group_tests_name("hmmctl", tests, set_up, tear_down);
}
