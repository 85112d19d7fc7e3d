// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who pays for the memory of a managed range: the daemon's control group, on whatever way a page came into memory,
 * and never the program's, which could be killed for its limit because of what the daemon moves.
 */
#include <string.h>
#include <sys/stat.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/group.h"
#include "tests/support/move.h"
#include "tests/support/seen.h"
#include "tests/support/words.h"

enum { PAGES = 8, SEED = 977 };
#define SIZE (PAGES * HUGE_PAGE)
#define LIMIT (384 * MiB)	/* hmmd itself fits, the tier of 512 MiB does not */

struct parties {
	struct house *house;
	struct hmm_client *client;
	struct hmm_range *range;
	struct group daemon, program;
	struct seen seen;
};

static void begin(struct parties *p, const char *backing)
{
	struct house_options o = { .backing = backing, .group = p->daemon.procs };
	char config[512];

	p->house = house_prepare(&o);
	snprintf(config, sizeof(config), "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 64M\n"
		 "[tier far]\nkind = file\npath = %s/far\ncapacity = 64M\n"
		 "[policy default]\nengine = static\ntrack = no\n", p->house->dir);
	house_write_config(p->house, config);
	house_start(p->house);
	p->client = house_client(p->house, "payer", 0);
	assert_int_equal(hmm_client_set_event_handler(p->client, seen_note, &p->seen), 0);
	assert_int_equal(hmm_alloc(p->client, SIZE, NULL, &p->range), 0);
}

static void end(struct parties *p)
{
	assert_int_equal(hmm_range_free(p->range), 0);
	hmm_client_unref(p->client);
	house_close(p->house);
}

/* Of its far tier, whose file is in shared memory like all of the house. */
static uint64_t paid_for_far(const struct parties *p)
{
	char path[HOUSE_PATH + 8];
	struct stat st;

	snprintf(path, sizeof(path), "%s/far", p->house->dir);
	assert_int_equal(stat(path, &st), 0);
	return strcmp(p->daemon.controller, "hugetlb") ? (uint64_t)st.st_blocks * 512 : 0;
}

static uint64_t paid_by(const struct group *g)
{
	return strcmp(g->controller, "hugetlb") ? group_shmem(g) : group_usage(g);
}

/* The whole range is in memory. The kernel's figures of shared memory come late; the daemon's has its far tier in it. */
static void daemon_pays(const struct parties *p, const char *way)
{
	print_message("%s: %llu MiB the daemon's, %llu MiB the program's\n", way,
		      paid_by(&p->daemon) / MiB, paid_by(&p->program) / MiB);
	assert_soon(paid_by(&p->daemon) >= paid_for_far(p) + SIZE);
	assert_true(paid_by(&p->program) < HUGE_PAGE);
}

static void is_whole(const struct parties *p)
{
	assert_int_equal(words_bad(hmm_range_addr(p->range), SIZE, SEED), 0);
}

static void all_ways(struct parties *p)
{
	words_fill(hmm_range_addr(p->range), SIZE, SEED);
	daemon_pays(p, "first touch");
	move_all(p->range, 0, 0, "far");
	is_whole(p);
	daemon_pays(p, "touched while away");
	move_all(p->range, 0, 0, "far");
	move_all(p->range, 0, 0, "dram");
	daemon_pays(p, "moved by hand");
	is_whole(p);
	move_all(p->range, 0, 0, "far");
	house_kill(p->house);
	house_start(p->house);
	assert_soon(atomic_load(&p->seen.reconnected) == 1);
	is_whole(p);
	daemon_pays(p, "touched after a restart");
}

static void the_daemon_pays_on_every_way(void **state)
{
	const bool hugetlb = !strcmp(*state, "hugetlb");
	const char *missing = house_backing_missing(*state) ?: hugetlb ? group_hugetlb_missing() : group_memory_missing();
	struct parties p = { .seen = { 0 } };

	if (missing)
		skip_because("%s", missing);
	group_open(hugetlb ? "hugetlb" : "memory", "daemon", &p.daemon);
	group_open(hugetlb ? "hugetlb" : "memory", "program", &p.program);
	group_join(&p.program);
	begin(&p, *state);
	all_ways(&p);
	end(&p);
	group_leave();
	group_close(&p.program);
	group_close(&p.daemon);
}

/* What hmmd would be killed for is told before it is. */
static void a_limit_below_the_tiers_is_told(void **state)
{
	const char *missing = house_backing_missing("small") ?: group_memory_missing();
	struct house_options o = { .backing = "small" };
	struct hmm_client *c;
	struct group group;
	struct house *h;
	char text[64];

	(void)state;
	if (missing)
		skip_because("%s", missing);
	group_open("memory", "limit", &group);
	group_limit(&group, LIMIT);
	o.group = group.procs;
	h = house_prepare(&o);
	house_write_config(h, "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 512M\n");
	house_start(h);
	assert_true(house_logged(h, "the tiers may take 512 MiB of memory"));
	c = house_client(h, "limit", 0);
	ask_text(c, "doctor", "check", "memory_limit", "state", text, sizeof(text));
	assert_string_equal(text, "degraded");
	group_limit(&group, UINT64_MAX);
	ask_text(c, "doctor", "check", "memory_limit", "state", text, sizeof(text));
	assert_string_equal(text, "ok");
	hmm_client_unref(c);
	house_close(h);
	group_close(&group);
}

int main(void)
{
	const struct CMUnitTest tests[] = { PER_BACKING(the_daemon_pays_on_every_way),
					    cmocka_unit_test(a_limit_below_the_tiers_is_told) };

	return cmocka_run_group_tests_name("payer", tests, NULL, NULL);
}
