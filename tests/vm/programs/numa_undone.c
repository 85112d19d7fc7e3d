// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Moves that the kernel undoes by itself: the far node, whose memory can be taken out of the machine, goes offline; and
 * NUMA balancing brings memory to the processor that touches it.
 */
#include <fcntl.h>
#include <glob.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/house.h"
#include "tests/support/move.h"
#include "tests/support/words.h"
#include "tests/vm/programs/node.h"
#include "tests/vm/programs/patience.h"

enum { PAGES = 8, SEED = 7 };
#define SIZE (PAGES * HUGE_PAGE)
#define FAR "node1"
#define NEAR "node0"
#define BALANCING "/proc/sys/kernel/numa_balancing"
#define DEMOTION "/sys/kernel/mm/numa/demotion_enabled"
#define QUIET "[policy default]\nengine = static\ntrack = no\n"

struct scene {
	struct house *house;
	struct hmm_client *client;
	struct hmm_range *ranges[2];	/* adopted, managed */
	_Atomic uint64_t returned;	/* bytes that are told to have come to the near node */
	_Atomic bool undone;		/* it was told who did that */
};

static void hear(struct hmm_client *c, const struct hmm_event *e, void *userdata)
{
	struct scene *s = userdata;

	(void)c;
	if (e->type == HMM_EVENT_MOVED && !strcmp(e->tier, NEAR))
		atomic_fetch_add(&s->returned, e->length);
	if (e->type == HMM_EVENT_NOTICE && strstr(e->text, "the kernel moved it"))
		atomic_store(&s->undone, true);
}

/* By the kernel. */
static size_t pages_on(const struct hmm_range *r, int node)
{
	return node_pages(hmm_range_addr(r), SIZE, node);
}

/* By hmmd. */
static size_t pages_told(struct scene *s, const struct hmm_range *r, const char *tier)
{
	return move_count(r, (uint8_t)ask_tier(s->client, tier));
}

static void open_scene(struct scene *s)
{
	*s = (struct scene){ .house = house_open(&(struct house_options){
		.config = node_config(256, QUIET) }) };
	s->client = house_client(s->house, "undone", 0);
	assert_int_equal(hmm_client_set_event_handler(s->client, hear, s), 0);
	assert_int_equal(hmm_register(s->client, node_memory(SIZE, true), SIZE, NULL, &s->ranges[0]), 0);
	assert_int_equal(hmm_alloc(s->client, SIZE, NULL, &s->ranges[1]), 0);
	for (unsigned int i = 0; i < 2; i++) {
		words_fill(hmm_range_addr(s->ranges[i]), SIZE, SEED + i);
		move_all(s->ranges[i], 0, 0, FAR);
		assert_int_equal(pages_on(s->ranges[i], 1), PAGES);
	}
}

static void close_scene(struct scene *s)
{
	void *own = hmm_range_addr(s->ranges[0]);

	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(words_bad(hmm_range_addr(s->ranges[i]), SIZE, SEED + i), 0);
	hmm_client_unref(s->client);
	node_release(own, SIZE);
	house_close(s->house);
}

static bool written(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	bool done;

	assert_true(fd >= 0);
	done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return done;
}

/* To all blocks of the far node's memory; one that is in use at this moment, or is so already, stays as it is. */
static void memory_goes(const char *state)
{
	glob_t blocks;

	assert_int_equal(glob("/sys/devices/system/node/" FAR "/memory[0-9]*/state", 0, NULL, &blocks), 0);
	for (size_t i = 0; i < blocks.gl_pathc; i++)
		(void)written(blocks.gl_pathv[i], state);
	globfree(&blocks);
}

static bool node_is_there(void)
{
	char nodes[64] = "";
	FILE *f = fopen("/sys/devices/system/node/has_memory", "re");

	assert_non_null(f);
	assert_non_null(fgets(nodes, sizeof(nodes), f));
	fclose(f);
	return !strcmp(nodes, "0-1\n");
}

static bool node_goes(void)
{
	memory_goes("offline");
	return !node_is_there();
}

static bool node_comes(void)
{
	memory_goes("online_movable");
	return node_is_there();
}

static int bring_node(void **state)
{
	(void)state;
	return vm_wait(node_comes()) ? 0 : -1;
}

/* Nothing is there that it could go to, and so it is said; then there is. */
static void move_back(struct scene *s, struct hmm_range *r)
{
	struct hmm_move_result m;

	move_some(r, 0, 0, FAR, &m);
	assert_int_equal(m.failed, SIZE);
	vm_soon(pages_told(s, r, NEAR) == PAGES);
	vm_soon(node_comes());
	move_some(r, 0, 0, FAR, &m);
	assert_int_equal(m.moved, pages_on(r, 1) * HUGE_PAGE);
	assert_int_equal(m.already_there, 0);
	move_all(r, 0, 0, FAR);
	assert_int_equal(pages_on(r, 1), PAGES);
	assert_int_equal(pages_told(s, r, FAR), PAGES);
}

static void a_node_goes_offline(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s);
	for (unsigned int i = 0; i < 2; i++) {
		vm_soon(node_goes());
		assert_int_equal(pages_on(s.ranges[i], 0), PAGES);
		vm_soon(pages_told(&s, s.ranges[i], NEAR) == PAGES);
		vm_soon(atomic_load(&s.returned) >= (i + 1) * SIZE);
		move_back(&s, s.ranges[i]);
	}
	vm_soon(atomic_load(&s.undone));
	close_scene(&s);
}

/* A move meets it before anybody has looked. */
static void a_move_after_that_is_true(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s);
	for (unsigned int i = 0; i < 2; i++) {
		vm_soon(node_goes());
		move_back(&s, s.ranges[i]);
	}
	close_scene(&s);
}

/* All of it is touched, by a processor of the near node. */
static bool brought_back(const struct hmm_range *r)
{
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	return pages_on(r, 0) == PAGES;
}

static void doctor_says(struct hmm_client *c, const char *state)
{
	char text[64];

	ask_text(c, "doctor", "check", "balancing", "state", text, sizeof(text));
	assert_string_equal(text, state);
}

/* While this setting is on. */
static void doctor_says_of(struct hmm_client *c, const char *setting, const char *state)
{
	doctor_says(c, "ok");
	assert_true(written(setting, "1"));
	doctor_says(c, state);
	assert_true(written(setting, "0"));
}

static void balancing_brings_it_back(void **state)
{
	cpu_set_t before, near;
	struct scene s;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	open_scene(&s);
	doctor_says(s.client, "ok");
	CPU_ZERO(&near);
	CPU_SET(0, &near);
	assert_int_equal(sched_setaffinity(0, sizeof(near), &near), 0);
	assert_true(written(BALANCING, "1"));
	vm_soon(brought_back(s.ranges[0]));
	doctor_says(s.client, "degraded");
	assert_true(written(BALANCING, "0"));
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	vm_soon(pages_told(&s, s.ranges[0], NEAR) == PAGES);
	vm_soon(atomic_load(&s.returned) >= SIZE);
	vm_soon(atomic_load(&s.undone));
	close_scene(&s);
}

/* It moves the pages of files too, but none of a file of huge pages. */
static void doctor_says_who_undoes_moves(void **state)
{
	static const char *const backings[] = { "hugetlb", "thp", "small" };
	struct hmm_range *r[2] = { NULL };
	void *own = node_memory(SIZE, true);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct house *h = house_open(&(struct house_options){ .backing = backings[i], .config = node_config(256, QUIET) });
		struct hmm_client *c = house_client(h, "balanced", 0);

		doctor_says_of(c, BALANCING, "ok");	/* there is nothing yet */
		assert_int_equal(hmm_alloc(c, SIZE, NULL, &r[0]), 0);
		doctor_says_of(c, BALANCING, i ? "degraded" : "ok");
		assert_int_equal(hmm_register(c, own, SIZE, NULL, &r[1]), 0);
		doctor_says_of(c, BALANCING, "degraded");
		doctor_says_of(c, DEMOTION, "degraded");
		hmm_client_unref(c);
		house_close(h);
	}
	node_release(own, SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_node_goes_offline, bring_node),
		cmocka_unit_test_setup(a_move_after_that_is_true, bring_node),
		cmocka_unit_test_setup(balancing_brings_it_back, bring_node),
		cmocka_unit_test_setup(doctor_says_who_undoes_moves, bring_node),
	};

	return cmocka_run_group_tests_name("undone by the kernel", tests, NULL, NULL);
}
