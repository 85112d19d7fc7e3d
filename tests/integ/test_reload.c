// SPDX-License-Identifier: GPL-2.0-or-later
/* A new configuration is applied whole or not at all, with clients at work. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/manager.h"
#include "tests/support/move.h"
#include "tests/support/witness.h"
#include "tests/support/words.h"

static int control_reload(struct hmm_client *c)
{
	struct hmm_control k = HMM_CONTROL_INIT;
	struct hmm_op *op = NULL;
	int r;

	k.verb = HMM_CONTROL_RELOAD;
	r = hmm_control(c, &k, &op);
	assert_null(op);
	return r;
}

static uint64_t capacity(struct hmm_client *c)
{
	return ask_number(c, "tiers", "name", "far", "capacity");
}

static void policy_value(struct hmm_client *c, const char *key, char *ret, size_t size)
{
	ask_text(c, "policies", "key", key, "value", ret, size);
}

static const char changed[] =
	"[tier dram]\nkind = numa\nnodes = 0\ncapacity = 24M\nhigh = 80%\nlow = 70%\n"
	"[tier far]\nkind = memory\ncapacity = 256M\n"
	"[policy default]\ntrack = no\nrate = 128M\n";

static void a_valid_file_is_applied(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	struct witness w;
	char rate[64];

	(void)state;
	witness_begin(&w, h);
	house_write_config(h, changed);
	assert_int_equal(control_reload(w.observer), 0);
	assert_int_equal(ask_number(w.observer, "tiers", "name", "dram", "capacity"), 24 * MiB);
	assert_int_equal(ask_number(w.observer, "tiers", "name", "dram", "high"), 80);
	policy_value(w.observer, "rate", rate, sizeof(rate));
	assert_string_equal(rate, "128M");
	witness_undisturbed(&w);
	witness_end(&w);
	house_close(h);
}

static void sighup_does_the_same(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	struct hmm_client *c = house_client(h, "reload", 0);

	(void)state;
	house_write_config(h, changed);
	assert_int_equal(kill(h->pid, SIGHUP), 0);
	assert_soon(ask_number(c, "tiers", "name", "dram", "capacity") == 24 * MiB);
	hmm_client_unref(c);
	house_close(h);
}

/* Each of these has a valid part before or after the broken one: none of it may be applied. */
static const char *const broken[] = {
	"[tier dram]\nkind = numa\nnodes = 0\ncapacity = 24M\n[tier far]\nkind = memory\ncapacity = 256X\n",
	"[tier dram]\nkind = numa\nnodes = 0\ncapacity = 24M\nhihg = 3%\n[tier far]\nkind = memory\ncapacity = 256M\n",
	"[tier dram]\nkind = numa\nnodes = 0\ncapacity = 24M\n[teir far]\nkind = memory\ncapacity = 256M\n",
	"[tier dram]\nkind = numa\nnodes = 0\ncapacity = 24M\n",
	"[tier dram]\nkind = numa\nnodes = 0\ncapacity = 24M\n[tier far]\nkind = file\npath = /tmp/x\ncapacity = 256M\n",
	"[tier dram]\nkind = numa\nnodes = 0\ncapacity = 24M\nhigh = 50%\nlow = 60%\n[tier far]\nkind = memory\ncapacity = 256M\n",
};

static void a_broken_file_changes_nothing(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	struct witness w;

	(void)state;
	witness_begin(&w, h);
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		house_write_config(h, broken[i]);
		assert_int_equal(control_reload(w.observer), -EINVAL);
		assert_true(strlen(hmm_client_last_error(w.observer)) > 0);
		kill(h->pid, SIGHUP);
		assert_int_equal(capacity(w.observer), 256 * MiB);
		assert_int_equal(ask_number(w.observer, "tiers", "name", "dram", "capacity"), 32 * MiB);
	}
	witness_undisturbed(&w);
	witness_end(&w);
	house_close(h);
}

static void one_policy_value_is_set(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	struct hmm_client *c = house_client(h, "reload", 0);
	struct hmm_control k = HMM_CONTROL_INIT;
	char before[64], after[64];

	(void)state;
	k.verb = HMM_CONTROL_POLICY_SET;
	k.name = "default";
	k.key = "min-residency";
	k.value = "7s";
	policy_value(c, "rate", before, sizeof(before));
	assert_int_equal(hmm_control(c, &k, NULL), 0);
	policy_value(c, "min-residency", after, sizeof(after));
	assert_string_equal(after, "7s");
	policy_value(c, "rate", after, sizeof(after));
	assert_string_equal(after, before);
	k.value = "7 parsecs";
	assert_int_equal(hmm_control(c, &k, NULL), -EINVAL);
	k.value = "7s";
	k.key = "nonesuch";
	assert_int_equal(hmm_control(c, &k, NULL), -EINVAL);
	k.key = "min-residency";
	k.name = "nonesuch";
	assert_int_equal(hmm_control(c, &k, NULL), -ENOENT);
	hmm_client_unref(c);
	house_close(h);
}

static void systemd_hears_of_it(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET, .managed = true });

	(void)state;
	house_write_config(h, changed);
	kill(h->pid, SIGHUP);
	assert_soon(manager_reloads(h->manager) == 1);
	assert_soon(manager_watchdogs(h->manager) >= 2);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_valid_file_is_applied),
		cmocka_unit_test(sighup_does_the_same),
		cmocka_unit_test(a_broken_file_changes_nothing),
		cmocka_unit_test(one_policy_value_is_set),
		cmocka_unit_test(systemd_hears_of_it),
	};

	return cmocka_run_group_tests_name("reload", tests, NULL, NULL);
}
