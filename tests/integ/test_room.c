// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel gives fewer huge pages than the tiers were configured with. What it gives is the room: pages go
 * further down, or their programs wait, hmmd at rest meanwhile, and everybody is told what limits it.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/group.h"
#include "tests/support/house.h"
#include "tests/support/move.h"
#include "tests/support/test.h"
#include "tests/support/words.h"

enum { SEED = 611 };
#define LIMIT (8 * MiB)
#define MEMORY (64 * MiB)
#define LITTLE_CPU_PERCENT 5

static struct group group;

/* A daemon in a group that may have so many bytes of huge pages, though its tier has 64 MiB. */
static struct house *open_limited(struct house_options o, uint64_t limit, const char *lower)
{
	struct house *h;
	char config[512];

	group_open("hugetlb", "room", &group);
	group_limit(&group, limit);
	o.backing = "hugetlb";
	o.group = group.procs;
	h = house_prepare(&o);
	snprintf(config, sizeof(config), "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 64M\n[policy default]\ntrack = no\n%s", lower);
	if (strstr(lower, "file"))
		snprintf(config + strlen(config), sizeof(config) - strlen(config), "path = %s/far\n", h->dir);
	house_write_config(h, config);
	house_start(h);
	return h;
}

/* The end with memory short: who has pages on such a tier loses none, and hmmd waits until they fit. */
static void waits_to_end(struct house *h)
{
	struct hmm_client *c = house_client(h, "room", 0);
	struct hmm_range *r = NULL;
	int status;

	assert_int_equal(hmm_alloc(c, LIMIT, NULL, &r), 0);
	words_fill(hmm_range_addr(r), LIMIT, SEED);
	move_all(r, 0, 0, "far");
	assert_soon(group_usage(&group) == LIMIT);	/* what is there, and not a page more */
	group_limit(&group, LIMIT);
	assert_int_equal(kill(h->pid, SIGTERM), 0);
	assert_soon(house_logged(h, "memory is short") || !house_alive(h));
	assert_true(house_alive(h));
	group_limit(&group, UINT64_MAX);
	status = house_wait(h);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_false(house_logged(h, "stay at rest"));
	assert_int_equal(words_bad(hmm_range_addr(r), LIMIT, SEED), 0);
	hmm_client_unref(c);
	house_remove(h);
	group_close(&group);
}

static void what_only_memory_has_is_not_ended_with(void **state)
{
	(void)state;
	if (group_hugetlb_missing())
		skip_because("%s", group_hugetlb_missing());
	waits_to_end(open_limited((struct house_options){ 0 }, 4 * LIMIT,
				  "engine = static\n[tier far]\nkind = memory\ncapacity = 64M\n"));
	waits_to_end(open_limited((struct house_options){ .args = { "--dry-run" } }, 4 * LIMIT,
				  "engine = static\n[tier far]\nkind = file\ncapacity = 64M\n"));
}

static bool told(struct hmm_client *c, const char *topic, const char *key, const char *want, const char *column,
		 const char *text)
{
	char got[512];

	ask_text(c, topic, key, want, column, got, sizeof(got));
	return strstr(got, text) != NULL;
}

static bool is_ok(struct hmm_client *c)
{
	return told(c, "status", NULL, NULL, "health", "ok");
}

static void what_the_kernel_gives_is_the_capacity(void **state)
{
	struct house *h;
	struct hmm_client *c;
	struct hmm_range *r = NULL;

	(void)state;
	if (group_hugetlb_missing())
		skip_because("%s", group_hugetlb_missing());
	h = open_limited((struct house_options){ 0 }, LIMIT, "[tier far]\nkind = file\ncapacity = 256M\n");
	c = house_client(h, "room", 0);
	assert_true(is_ok(c));
	assert_int_equal(hmm_alloc(c, MEMORY, NULL, &r), 0);
	words_fill(hmm_range_addr(r), MEMORY, SEED);
	assert_true(group_usage(&group) <= LIMIT);
	assert_true(ask_number(c, "tiers", "name", "dram", "capacity") <= LIMIT);
	assert_false(is_ok(c));
	assert_soon(told(c, "status", NULL, NULL, "reason", "hugetlb.2MB.max"));
	assert_true(told(c, "status", NULL, NULL, "reason", group.dir));
	assert_true(told(c, "doctor", "check", "room", "text", "hugetlb.2MB.max"));
	assert_true(told(c, "doctor", "check", "room", "state", "degraded"));
	assert_soon(house_logged(h, "hugetlb.2MB.max"));
	assert_int_equal(words_bad(hmm_range_addr(r), MEMORY, SEED), 0);
	group_limit(&group, UINT64_MAX);
	assert_soon(is_ok(c));
	assert_int_equal(ask_number(c, "tiers", "name", "dram", "capacity"), MEMORY);
	assert_int_equal(words_bad(hmm_range_addr(r), MEMORY, SEED), 0);
	assert_int_equal(hmm_range_free(r), 0);
	hmm_client_unref(c);
	house_close(h);
	group_close(&group);
}

struct writer {
	void *memory;
	_Atomic bool done;
};

static void *write_all(void *userdata)
{
	struct writer *w = userdata;

	die_by_own_signal();
	words_fill(w->memory, MEMORY, SEED);
	atomic_store(&w->done, true);
	return NULL;
}

/* Of one processor, in per cent. */
static uint64_t cpu_percent(const struct house *h, uint64_t us)
{
	uint64_t cpu = count_cpu_us(h->pid), begin = clock_us();

	pause_us(us);
	return (count_cpu_us(h->pid) - cpu) * 100 / (clock_us() - begin);
}

/* Nothing can be sent away: the program waits, hmmd does next to nothing, and it goes on when the limit is raised. */
static void who_waits_costs_nothing(void **state)
{
	struct writer w = { .done = false };
	struct hmm_client *c, *looker;
	struct hmm_range *r = NULL;
	struct house *h;
	pthread_t thread;

	(void)state;
	if (group_hugetlb_missing())
		skip_because("%s", group_hugetlb_missing());
	h = open_limited((struct house_options){ 0 }, LIMIT, "");
	c = house_client(h, "room", 0);
	looker = house_client(h, "looker", 0);
	assert_int_equal(hmm_alloc(c, MEMORY, NULL, &r), 0);
	w.memory = hmm_range_addr(r);
	assert_int_equal(pthread_create(&thread, NULL, write_all, &w), 0);
	assert_soon(told(looker, "status", NULL, NULL, "reason", "hugetlb.2MB.max"));
	assert_soon(cpu_percent(h, 2000000) < LITTLE_CPU_PERCENT);
	assert_false(atomic_load(&w.done));
	assert_false(is_ok(looker));
	group_limit(&group, UINT64_MAX);
	assert_soon(atomic_load(&w.done));
	pthread_join(thread, NULL);
	assert_soon(is_ok(looker));
	assert_int_equal(words_bad(w.memory, MEMORY, SEED), 0);
	assert_int_equal(hmm_range_free(r), 0);
	hmm_client_unref(looker);
	hmm_client_unref(c);
	house_close(h);
	group_close(&group);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_kernel_gives_is_the_capacity),
		cmocka_unit_test(who_waits_costs_nothing),
		cmocka_unit_test(what_only_memory_has_is_not_ended_with),
	};

	return cmocka_run_group_tests_name("room", tests, NULL, NULL);
}
