// SPDX-License-Identifier: GPL-2.0-or-later
/* Moves that somebody asked for: what is said of them is what is there, and what undoes them is told. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/move.h"
#include "tests/support/words.h"

enum { ROOM = 16 /* huge pages of dram */, SEED = 7 };

static int ctl_migrate(const struct house *h, const char *tier, char *output, size_t size)
{
	char command[512];
	size_t n;
	FILE *f;
	int status;

	snprintf(command, sizeof(command), "%s --socket %s migrate %d --to %s --wait 2>&1", getenv("HMMCTL"), h->socket,
		 (int)getpid(), tier);
	f = popen(command, "re");
	assert_non_null(f);
	n = fread(output, 1, size - 1, f);
	output[n] = '\0';
	status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Twice as much as dram takes. Nothing moves by itself here, not even at the mark, so the ledger says what is there. */
static void more_than_a_tier_takes(void **state)
{
	struct house *h = house_on(state, "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 32M\nhigh = 100%\nlow = 99%\n"
					  "[tier far]\nkind = memory\ncapacity = 256M\n"
					  "[policy default]\nengine = static\ntrack = no\n");
	struct hmm_client *c = house_client(h, "much", 0);
	struct hmm_range *r = NULL;
	struct hmm_move_result m;
	char output[512];
	size_t there;

	assert_int_equal(hmm_alloc(c, 2 * ROOM * HUGE_PAGE, NULL, &r), 0);
	words_fill(hmm_range_addr(r), 2 * ROOM * HUGE_PAGE, SEED);
	move_all(r, 0, 0, "far");
	move_some(r, 0, 0, "dram", &m);
	there = move_count(r, (uint8_t)ask_tier(c, "dram"));
	assert_true(there <= ROOM);
	assert_int_equal(m.moved + m.already_there - m.moved_on, there * HUGE_PAGE);
	assert_int_equal(ctl_migrate(h, "dram", output, sizeof(output)), 1);
	assert_true(strstr(output, "is not there") || strstr(output, "no room"));
	assert_int_equal(words_bad(hmm_range_addr(r), 2 * ROOM * HUGE_PAGE, SEED), 0);
	hmm_client_unref(c);
	house_close(h);
}

static struct hmm_range *untouched(struct hmm_client *c, bool managed, size_t size)
{
	struct hmm_range *r = NULL;
	uint8_t *at;
	int rc;

	if (managed) {
		assert_int_equal(hmm_alloc(c, size, NULL, &r), 0);
		return r;
	}
	at = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(at != MAP_FAILED);
	at = (uint8_t *)(((uintptr_t)at + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
	rc = hmm_register(c, at, size, NULL, &r);
	assert_true(rc == 0 || rc == HMM_ONE_NODE);
	return r;
}

/* One answer whatever the memory is: nothing failed, and of nothing is it said that it is there. */
static void what_was_never_touched(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	struct hmm_client *c = house_client(h, "untouched", 0);
	struct hmm_move_result m;
	char output[512];

	(void)state;
	for (int managed = 0; managed < 2; managed++) {
		struct hmm_range *r = untouched(c, managed, 4 * HUGE_PAGE);

		*((volatile uint8_t *)hmm_range_addr(r) + HUGE_PAGE) = 1;
		move_some(r, 0, 0, "dram", &m);
		assert_int_equal(m.failed, 0);
		assert_int_equal(m.already_there, 4 * HUGE_PAGE);
		/* A touch gives at least a base page, at most what belongs to it. */
		assert_in_range(m.untouched, 3 * HUGE_PAGE, 4 * HUGE_PAGE - 4096);
		assert_true(move_count(r, (uint8_t)ask_tier(c, "dram")) <= 1);
		assert_int_equal(ctl_migrate(h, "dram", output, sizeof(output)), 0);
		assert_non_null(strstr(output, "never touched"));
		assert_int_equal(hmm_range_free(r), 0);
	}
	hmm_client_unref(c);
	house_close(h);
}

struct heard {
	_Atomic uint64_t moved_far, moved_dram;	/* bytes */
	_Atomic unsigned int why, pressure, relief, low, high;
};

static void hear(struct hmm_client *c, const struct hmm_event *e, void *userdata)
{
	struct heard *s = userdata;

	(void)c;
	if (e->type == HMM_EVENT_MOVED)
		atomic_fetch_add(strcmp(e->tier, "far") ? &s->moved_dram : &s->moved_far, e->length);
	if (e->type == HMM_EVENT_NOTICE && strstr(e->text, "by hand"))
		atomic_fetch_add(&s->why, 1);
	if (e->type == HMM_EVENT_PRESSURE) {
		atomic_fetch_add(&s->pressure, 1);
		atomic_fetch_add(&s->low, e->value <= 95);
	}
	if (e->type == HMM_EVENT_RELIEF) {
		atomic_fetch_add(&s->relief, 1);
		atomic_fetch_add(&s->high, e->value > 95);
	}
}

/*
 * There is room in memory, and what lies there is colder, so the policy brings back what was sent away; that is its
 * right, and is told.
 */
static void what_undoes_it_is_told(void **state)
{
	struct house *h = house_on(state, HOUSE_TIERS "[policy default]\ntrack = no\nmin-residency = 100ms\n");
	struct hmm_client *c = house_client(h, "undone", 0);
	struct heard heard = { 0 };
	struct hmm_range *r = NULL, *colder = NULL;
	struct hmm_move_result m;

	assert_int_equal(hmm_client_set_event_handler(c, hear, &heard), 0);
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &colder), 0);
	words_fill(hmm_range_addr(colder), HUGE_PAGE, SEED);
	assert_int_equal(hmm_range_advise(colder, 0, 0, HMM_ADVICE_COLD, 0), 0);
	assert_int_equal(hmm_alloc(c, 4 * HUGE_PAGE, NULL, &r), 0);
	fill_to_rest(c, r, SEED);
	move_some(r, 0, 0, "far", &m);
	assert_int_equal(m.moved, m.asked);
	assert_soon(move_count(r, (uint8_t)ask_tier(c, "dram")) == 4);
	assert_soon(atomic_load(&heard.moved_dram) == m.moved);
	assert_int_equal(atomic_load(&heard.moved_far), m.moved);
	assert_soon(atomic_load(&heard.why) > 0);
	assert_int_equal(words_bad(hmm_range_addr(r), 4 * HUGE_PAGE, SEED), 0);
	hmm_client_unref(c);
	house_close(h);
}

/* What an operator does to it, a program hears too. */
static void an_operators_move_is_told(void **state)
{
	struct house *h = house_on(state, HOUSE_QUIET);
	struct hmm_client *c = house_client(h, "moved", 0);
	struct heard heard = { 0 };
	struct hmm_range *r = NULL;
	char output[512];

	assert_int_equal(hmm_client_set_event_handler(c, hear, &heard), 0);
	assert_int_equal(hmm_alloc(c, 4 * HUGE_PAGE, NULL, &r), 0);
	fill_to_rest(c, r, SEED);
	assert_int_equal(ctl_migrate(h, "far", output, sizeof(output)), 0);
	assert_soon(atomic_load(&heard.moved_far) == 4 * HUGE_PAGE);
	assert_int_equal(words_bad(hmm_range_addr(r), 4 * HUGE_PAGE, SEED), 0);
	assert_int_equal(atomic_load(&heard.moved_dram), 0);	/* a touch is no move that somebody asked for */
	assert_int_equal(atomic_load(&heard.why), 0);
	hmm_client_unref(c);
	house_close(h);
}

/* Nothing can leave memory here but by being given back, so pressure begins and ends when this test says so. */
static void pressure_begins_and_ends(void **state)
{
	struct house *h = house_on(state, "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 32M\n"
					  "[policy default]\nengine = static\ntrack = no\n");
	struct hmm_client *c = house_client(h, "pressed", 0), *other = house_client(h, "elsewhere", 0);
	struct heard heard = { 0 }, none = { 0 };
	struct hmm_range *r = NULL;

	assert_int_equal(hmm_client_set_event_handler(c, hear, &heard), 0);
	assert_int_equal(hmm_client_set_event_handler(other, hear, &none), 0);
	assert_int_equal(hmm_alloc(c, ROOM * HUGE_PAGE, NULL, &r), 0);
	for (unsigned int turn = 1; turn <= 3; turn++) {
		words_fill(hmm_range_addr(r), ROOM * HUGE_PAGE, SEED);
		assert_soon(atomic_load(&heard.pressure) == turn);
		assert_int_equal(atomic_load(&heard.relief), turn - 1);
		assert_int_equal(hmm_range_advise(r, 0, 0, HMM_ADVICE_DISCARD, 0), 0);
		assert_soon(atomic_load(&heard.relief) == turn);
		assert_int_equal(atomic_load(&heard.pressure), turn);
	}
	assert_int_equal(atomic_load(&heard.low), 0);
	assert_int_equal(atomic_load(&heard.high), 0);
	assert_int_equal(atomic_load(&none.pressure) + atomic_load(&none.relief), 0);
	hmm_client_unref(other);
	hmm_client_unref(c);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PER_BACKING(more_than_a_tier_takes),
		cmocka_unit_test(what_was_never_touched),
		PER_BACKING(what_undoes_it_is_told),
		PER_BACKING(an_operators_move_is_told),
		PER_BACKING(pressure_begins_and_ends),
	};

	return cmocka_run_group_tests_name("moves by hand", tests, NULL, NULL);
}
