// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages that somebody else has moved: migrate_pages(2) here, in the place of NUMA balancing or of a node that is taken
 * offline. A move looks at them again, and so does hmmd by itself.
 */
#include <errno.h>
#include <numaif.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/house.h"
#include "tests/support/move.h"
#include "tests/support/words.h"
#include "tests/vm/programs/node.h"
#include "tests/vm/programs/patience.h"

enum { PAGES = 8, SEED = 3 };
#define SIZE (PAGES * HUGE_PAGE)

struct setting {
	struct house *house;
	struct hmm_client *client;
	struct hmm_range *managed, *adopted;
	uint8_t *at;			/* of the adopted one */
	_Atomic uint64_t moved, back;	/* bytes told to have come to node 0, and to node 1 */
	_Atomic unsigned int why;
};

static void hear(struct hmm_client *c, const struct hmm_event *e, void *userdata)
{
	struct setting *s = userdata;

	(void)c;
	if (e->type == HMM_EVENT_MOVED)
		atomic_fetch_add(strcmp(e->tier, "node0") ? &s->back : &s->moved, e->length);
	atomic_fetch_add(&s->why, e->type == HMM_EVENT_NOTICE && strstr(e->text, "the kernel moved it") != NULL);
}

/* Both ranges are on node 1, where they were asked to be. */
static void begin(struct setting *s)
{
	memset(s, 0, sizeof(*s));
	s->house = house_open(&(struct house_options){
		.backing = "hugetlb", .config = node_config(256, "[policy default]\nengine = static\ntrack = no\n") });
	s->client = house_client(s->house, "found", 0);
	assert_int_equal(hmm_client_set_event_handler(s->client, hear, s), 0);
	s->at = node_memory(SIZE, true);
	assert_int_equal(hmm_register(s->client, s->at, SIZE, NULL, &s->adopted), 0);
	assert_int_equal(hmm_alloc(s->client, SIZE, NULL, &s->managed), 0);
	words_fill(s->at, SIZE, SEED);
	words_fill(hmm_range_addr(s->managed), SIZE, SEED + 1);
	move_all(s->adopted, 0, 0, "node1");
	move_all(s->managed, 0, 0, "node1");
	assert_int_equal(move_count(s->managed, (uint8_t)ask_tier(s->client, "node1")), PAGES);
	assert_int_equal(move_count(s->adopted, (uint8_t)ask_tier(s->client, "node1")), PAGES);
}

static void end(struct setting *s)
{
	assert_int_equal(words_bad(s->at, SIZE, SEED), 0);
	assert_int_equal(words_bad(hmm_range_addr(s->managed), SIZE, SEED + 1), 0);
	hmm_client_unref(s->client);
	node_release(s->at, SIZE);
	house_close(s->house);
}

/* To a node, by this process alone, until all of it is there: a page that the kernel has in hand is passed by. */
static bool all_taken_to(const void *at, int node)
{
	unsigned long from = 2UL >> node, to = 1UL << node;

	assert_true(migrate_pages(0, 64, &from, &to) >= 0);
	return node_pages(at, SIZE, node) == PAGES;
}

static bool taken_to(const struct setting *s, int node)
{
	return all_taken_to(s->at, node) && all_taken_to(hmm_range_addr(s->managed), node);
}

static bool taken_away(const struct setting *s)
{
	return taken_to(s, 0);
}

static void a_move_looks_again(void **state)
{
	struct hmm_move_result m;
	struct setting s;

	(void)state;
	begin(&s);
	assert_soon(taken_away(&s));
	move_some(s.managed, 0, 0, "node1", &m);
	assert_int_equal(m.moved, SIZE);
	assert_int_equal(node_pages(hmm_range_addr(s.managed), SIZE, 1), PAGES);
	move_some(s.adopted, 0, 0, "node1", &m);
	assert_int_equal(m.moved, SIZE);
	assert_int_equal(node_pages(s.at, SIZE, 1), PAGES);
	move_some(s.managed, 0, 0, "node1", &m);
	assert_int_equal(m.already_there, SIZE);
	end(&s);
}

static void what_is_listed_follows(void **state)
{
	struct setting s;
	uint8_t node;

	(void)state;
	begin(&s);
	node = (uint8_t)ask_tier(s.client, "node0");
	assert_soon(taken_away(&s));
	assert_soon(move_count(s.managed, node) == PAGES);
	assert_soon(move_count(s.adopted, node) == PAGES);
	assert_soon(atomic_load(&s.moved) == 2 * SIZE);
	assert_soon(atomic_load(&s.why) > 0);
	assert_soon(ask_used(s.client, "node0") >= SIZE);
	end(&s);
}

/* It has gone on once, from where somebody moved it; where it goes then is listed, and no news. */
static void what_goes_on_is_told_once(void **state)
{
	struct setting s;
	uint8_t node;

	(void)state;
	begin(&s);
	node = (uint8_t)ask_tier(s.client, "node1");
	assert_soon(taken_away(&s));
	assert_soon(atomic_load(&s.moved) == 2 * SIZE);
	assert_soon(taken_to(&s, 1));
	assert_soon(move_count(s.managed, node) == PAGES);
	assert_soon(move_count(s.adopted, node) == PAGES);
	move_all(s.managed, 0, 0, "node0");
	assert_soon(atomic_load(&s.moved) == 3 * SIZE);	/* all that was told before has been heard */
	assert_int_equal(atomic_load(&s.back), 2 * SIZE);
	end(&s);
}

static bool any_taken_away(const struct setting *s)
{
	return taken_away(s) || node_pages(hmm_range_addr(s->managed), SIZE, 0) > 0;
}

/* Something is pinned there, so that the tier goes on draining; the kernel brings more, which leaves again. */
static void a_tier_that_drains_is_looked_at(void **state)
{
	struct hmm_control k = HMM_CONTROL_INIT;
	struct hmm_range *pinned = NULL;
	struct hmm_client *boss;
	struct setting s;

	(void)state;
	begin(&s);
	boss = house_client(s.house, "boss", HMM_CLIENT_CONTROL);
	assert_int_equal(hmm_alloc(s.client, HUGE_PAGE, NULL, &pinned), 0);
	assert_int_equal(hmm_range_pin(pinned, 0, 0, "node0"), 0);
	words_fill(hmm_range_addr(pinned), HUGE_PAGE, SEED);
	k.verb = HMM_CONTROL_DRAIN;
	k.tier = "node0";
	k.flags = HMM_CONTROL_KEEP;
	assert_int_equal(hmm_control(boss, &k, NULL), 0);
	assert_soon(any_taken_away(&s));
	assert_soon(node_pages(hmm_range_addr(s.managed), SIZE, 1) == PAGES);
	assert_soon(node_pages(s.at, SIZE, 1) == PAGES);
	assert_int_equal(node_pages(hmm_range_addr(pinned), HUGE_PAGE, 0), 1);
	hmm_client_unref(boss);
	end(&s);
}

/* The second half of one huge page. */
static bool half_taken_to(uint8_t *at, int node)
{
	enum { PARTS = HUGE_PAGE / NODE_BASE_PAGE };
	int nodes[PARTS / 2], status[PARTS / 2], there = 0;
	void *parts[PARTS / 2];

	for (size_t i = 0; i < PARTS / 2; i++) {
		parts[i] = at + (i + PARTS / 2) * NODE_BASE_PAGE;
		nodes[i] = node;
	}
	assert_true(move_pages(0, PARTS / 2, parts, nodes, status, MPOL_MF_MOVE) >= 0);
	for (size_t i = 0; i < PARTS / 2; i++)
		there += status[i] == node;
	return there == PARTS / 2;
}

/* A page of base pages is on more than one node, and not where it is said to be until all of it is. */
static void a_part_that_was_moved_comes_back(void **state)
{
	struct house *h = house_open(&(struct house_options){
		.backing = "small", .config = node_config(256, "[policy default]\nengine = static\ntrack = no\n") });
	struct hmm_client *c = house_client(h, "parts", 0);
	struct node_mapping lies;
	struct hmm_move_result m;
	struct hmm_range *r = NULL;

	(void)state;
	assert_int_equal(hmm_alloc(c, SIZE, NULL, &r), 0);
	words_fill(hmm_range_addr(r), SIZE, SEED);
	move_all(r, 0, 0, "node1");
	assert_soon(half_taken_to(hmm_range_addr(r), 0));
	move_some(r, 0, 0, "node1", &m);
	assert_int_equal(m.moved, HUGE_PAGE);
	assert_int_equal(m.already_there, SIZE - HUGE_PAGE);
	node_mapping(hmm_range_addr(r), &lies);
	assert_int_equal(lies.bytes[1], SIZE);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	hmm_client_unref(c);
	house_close(h);
}

/* hmmd has no name for that place. */
static void what_is_on_a_node_of_no_tier_comes_back(void **state)
{
	struct house *h = house_open(&(struct house_options){
		.backing = "hugetlb", .config = "[tier node0]\nkind = numa\nnodes = 0\ncapacity = 256M\n"
						"[policy default]\nengine = static\ntrack = no\n" });
	struct hmm_client *c = house_client(h, "nowhere", 0);
	struct hmm_move_result m;
	struct hmm_range *r = NULL;

	(void)state;
	assert_int_equal(hmm_alloc(c, SIZE, NULL, &r), 0);
	words_fill(hmm_range_addr(r), SIZE, SEED);
	assert_soon(all_taken_to(hmm_range_addr(r), 1));
	move_some(r, 0, 0, "node0", &m);
	assert_int_equal(m.moved, SIZE);
	assert_int_equal(node_pages(hmm_range_addr(r), SIZE, 0), PAGES);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	hmm_client_unref(c);
	house_close(h);
}

/* A program that sees no /proc cannot say which address space it has, and hmmd moves nothing by a number alone. */
static int move_without_proc(const struct house *h)
{
	struct hmm_range *r = NULL;
	struct hmm_client *c;
	struct hmm_op *op = NULL;

	if (unshare(CLONE_NEWNS) || mount("none", "/proc", "tmpfs", 0, NULL))
		return 2;
	c = house_client(h, "unknown", 0);
	if (hmm_alloc(c, HUGE_PAGE, NULL, &r))
		return 3;
	words_fill(hmm_range_addr(r), HUGE_PAGE, SEED);
	return hmm_range_migrate(r, 0, 0, "node1", 0, &op) != -EPERM || !strstr(hmm_client_last_error(c), "mark");
}

static void who_cannot_be_known_is_told_why(void **state)
{
	struct house *h = house_open(&(struct house_options){
		.backing = "hugetlb", .config = node_config(256, "[policy default]\nengine = static\ntrack = no\n") });
	pid_t pid = fork();
	int status;

	(void)state;
	if (!pid)
		_exit(move_without_proc(h));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	house_close(h);
}

/* A worker does it a part at a time; what was done before says nothing about the parts that follow. */
static void there_and_back_is_there(void **state)
{
	enum { MANY = 96 };
	static const char *const to[] = { "node1", "node0" };
	struct house *h = house_open(&(struct house_options){
		.config = node_config(256, "[policy default]\nengine = static\ntrack = no\n") });
	struct hmm_client *c = house_client(h, "back", 0);
	struct hmm_move_result result = HMM_MOVE_RESULT_INIT;
	struct hmm_range *r = NULL;
	uint8_t *at = node_memory(MANY * HUGE_PAGE, true);

	(void)state;
	assert_int_equal(hmm_register(c, at, MANY * HUGE_PAGE, NULL, &r), 0);
	words_fill(at, MANY * HUGE_PAGE, SEED);
	for (int i = 0; i < 2; i++) {
		struct hmm_op *op = NULL;

		assert_int_equal(hmm_range_migrate(r, 0, 0, to[i], 0, &op), 0);
		assert_int_equal(hmm_op_wait(op, PATIENCE_US), 0);
		assert_int_equal(hmm_op_result(op, &result), 0);
		hmm_op_unref(op);
		assert_int_equal(result.moved + result.already_there, MANY * HUGE_PAGE);
		assert_int_equal(result.moved_on, 0);
		assert_int_equal(move_count(r, (uint8_t)ask_tier(c, to[i])), MANY);
	}
	assert_int_equal(words_bad(at, MANY * HUGE_PAGE, SEED), 0);
	assert_int_equal(hmm_range_free(r), 0);
	node_release(at, MANY * HUGE_PAGE);
	hmm_client_unref(c);
	house_close(h);
}

/* Something else holds the pages, so none can move: they are where they were, and are said to be. */
static void what_did_not_move_is_where_it_was(void **state)
{
	struct hmm_move_result m;
	struct setting s;
	int ends[2];

	(void)state;
	begin(&s);
	assert_int_equal(pipe(ends), 0);
	for (size_t i = 0; i < PAGES; i++) {
		struct iovec part = { s.at + i * HUGE_PAGE, NODE_BASE_PAGE };

		assert_int_equal(vmsplice(ends[1], &part, 1, 0), NODE_BASE_PAGE);
	}
	move_some(s.adopted, 0, 0, "node0", &m);
	assert_int_equal(m.moved + m.already_there, 0);
	assert_int_equal(node_pages(s.at, SIZE, 1), PAGES);
	assert_int_equal(move_count(s.adopted, (uint8_t)ask_tier(s.client, "node1")), PAGES);
	close(ends[0]);
	close(ends[1]);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_move_looks_again),
		cmocka_unit_test(what_is_listed_follows),
		cmocka_unit_test(what_goes_on_is_told_once),
		cmocka_unit_test(a_tier_that_drains_is_looked_at),
		cmocka_unit_test(a_part_that_was_moved_comes_back),
		cmocka_unit_test(what_is_on_a_node_of_no_tier_comes_back),
		cmocka_unit_test(who_cannot_be_known_is_told_why),
		cmocka_unit_test(there_and_back_is_there),
		cmocka_unit_test(what_did_not_move_is_where_it_was),
	};

	return cmocka_run_group_tests_name("moved by others", tests, NULL, NULL);
}
