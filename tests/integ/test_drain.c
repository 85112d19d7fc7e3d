// SPDX-License-Identifier: GPL-2.0-or-later
/* Draining empties a tier and keeps it empty until it is taken back into use. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/move.h"
#include "tests/support/words.h"

enum { PAGES = 8, SEED = 61 };
#define SIZE (PAGES * HUGE_PAGE)

static int control_tier(struct hmm_client *c, uint32_t verb, const char *tier, struct hmm_op **ret_op)
{
	struct hmm_control k = HMM_CONTROL_INIT;

	k.verb = verb;
	k.tier = tier;
	return hmm_control(c, &k, ret_op);
}

static void drained(struct hmm_client *c, const char *tier, struct hmm_move_result *ret)
{
	struct hmm_op *op = NULL;

	assert_int_equal(control_tier(c, HMM_CONTROL_DRAIN, tier, &op), 0);
	assert_int_equal(hmm_op_wait(op, PATIENCE_US), 0);
	assert_int_equal(hmm_op_result(op, ret), 0);
	hmm_op_unref(op);
	assert_int_equal(ret->asked, ret->moved + ret->already_there + ret->busy + ret->failed);
}

static bool in_state(struct hmm_client *c, const char *tier, const char *want)
{
	char text[32];

	ask_text(c, "tiers", "name", tier, "state", text, sizeof(text));
	return !strcmp(text, want);
}

static void a_drained_tier_is_empty(void **state)
{
	struct house *h = house_on(state, HOUSE_QUIET);
	struct hmm_client *c = house_client(h, "drain", 0);
	struct hmm_move_result result = HMM_MOVE_RESULT_INIT;
	struct hmm_range *r = NULL;

	assert_int_equal(hmm_alloc(c, SIZE, NULL, &r), 0);
	fill_to_rest(c, r, SEED);
	move_all(r, 0, 5 * HUGE_PAGE, "far");
	drained(c, "far", &result);
	assert_int_equal(result.asked, 5 * HUGE_PAGE);
	/* The plan empties the tier, too, and may have been faster with a page. */
	assert_int_equal(result.moved + result.already_there, 5 * HUGE_PAGE);
	assert_soon(ask_used(c, "far") == 0);
	assert_soon(in_state(c, "far", "drained"));
	assert_int_equal(hmm_range_migrate(r, 0, 0, "far", 0, NULL), -EBUSY);
	assert_non_null(strstr(hmm_client_last_error(c), "drain"));
	assert_int_equal(ask_used(c, "far"), 0);
	assert_int_equal(control_tier(c, HMM_CONTROL_UNDRAIN, "far", NULL), 0);
	assert_true(in_state(c, "far", "online"));
	move_all(r, 0, 0, "far");
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	hmm_client_unref(c);
	house_close(h);
}

/* A drain is refused: nothing is begun, the tier is as it was, and memory can be touched. */
static void refused(struct hmm_client *c, struct hmm_range *r, const char *tier, int error, const char *why)
{
	struct hmm_op *op = NULL;

	assert_int_equal(control_tier(c, HMM_CONTROL_DRAIN, tier, &op), error);
	assert_null(op);
	if (!strstr(hmm_client_last_error(c), why))
		fail_msg("\"%s\" does not say \"%s\"", hmm_client_last_error(c), why);
	assert_true(in_state(c, tier, "online"));
	words_fill(hmm_range_addr(r), hmm_range_size(r), SEED);
	assert_int_equal(words_bad(hmm_range_addr(r), hmm_range_size(r), SEED), 0);
}

/* 64 MiB, of which 32 fit into memory: drained, the device would be missed by the next fault. */
static void what_fits_nowhere_else_is_not_drained(void **state)
{
	struct house *h = house_on(state, HOUSE_QUIET);
	struct hmm_client *c = house_client(h, "drain", 0);
	struct hmm_range *r = NULL;

	assert_int_equal(hmm_alloc(c, 32 * HUGE_PAGE, NULL, &r), 0);
	words_fill(hmm_range_addr(r), 32 * HUGE_PAGE, SEED);
	refused(c, r, "far", -ENOSPC, "67108864 bytes need a place without it, and 33554432 fit elsewhere (dram): "
				      "33554432 are missing; range");
	hmm_client_unref(c);
	house_close(h);
}

/* It counts what programs were promised: nothing lies on the device, and it is needed all the same. */
static void a_promise_is_not_drained_away(void **state)
{
	struct house *h = house_on(state, HOUSE_QUIET);
	struct hmm_client *c = house_client(h, "drain", 0);
	struct hmm_range *r = NULL;

	assert_int_equal(hmm_alloc(c, 32 * HUGE_PAGE, NULL, &r), 0);
	refused(c, r, "far", -ENOSPC, "none of it is there now");
	hmm_client_unref(c);
	house_close(h);
}

/* Two devices: what is on one fits into the other, by way of memory that is full. */
static void a_drain_goes_by_way_of_full_memory(void **state)
{
	struct house *h = house_on(state, HOUSE_QUIET "[tier away]\nkind = memory\ncapacity = 128M\n");
	struct hmm_client *c = house_client(h, "drain", 0);
	struct hmm_move_result result = HMM_MOVE_RESULT_INIT;
	struct hmm_range *r = NULL;

	assert_int_equal(hmm_alloc(c, 32 * HUGE_PAGE, NULL, &r), 0);
	words_fill(hmm_range_addr(r), 32 * HUGE_PAGE, SEED);
	drained(c, "far", &result);
	assert_int_equal(result.no_room, 0);
	assert_soon(in_state(c, "far", "drained"));
	assert_int_equal(ask_used(c, "far"), 0);
	assert_int_equal(words_bad(hmm_range_addr(r), 32 * HUGE_PAGE, SEED), 0);
	refused(c, r, "away", -ENOSPC, "are missing");
	hmm_client_unref(c);
	house_close(h);
}

/* For want of room a move ends, and says that it was that. */
static void a_full_tier_is_no_room(void **state)
{
	struct house *h = house_on(state, HOUSE_QUIET "[tier small]\nkind = memory\ncapacity = 4M\n");
	struct hmm_client *c = house_client(h, "drain", 0);
	struct hmm_move_result result;
	struct hmm_range *r = NULL;

	assert_int_equal(hmm_alloc(c, SIZE, NULL, &r), 0);
	fill_to_rest(c, r, SEED);
	move_some(r, 0, 0, "small", &result);
	assert_int_equal(result.moved, 2 * HUGE_PAGE);
	assert_int_equal(result.failed, SIZE - 2 * HUGE_PAGE);
	assert_int_equal(result.no_room, result.failed);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	hmm_client_unref(c);
	house_close(h);
}

static void unknown_tiers_are_refused(void **state)
{
	struct house *h = house_open(NULL);
	struct hmm_client *c = house_client(h, "drain", 0);

	(void)state;
	assert_int_equal(control_tier(c, HMM_CONTROL_DRAIN, "nonesuch", NULL), -ENOENT);
	assert_non_null(strstr(hmm_client_last_error(c), "nonesuch"));
	assert_int_equal(control_tier(c, HMM_CONTROL_UNDRAIN, "nonesuch", NULL), -ENOENT);
	hmm_client_unref(c);
	house_close(h);
}

/* hmmctl migrate PID: another process asks for the move, the owner's data stays. */
static void others_may_move_a_process(void **state)
{
	struct house *h = house_on(state, HOUSE_QUIET);
	struct hmm_client *c = house_client(h, "drain", 0), *boss = house_client(h, "boss", HMM_CLIENT_CONTROL);
	struct hmm_move_result result = HMM_MOVE_RESULT_INIT;
	struct hmm_control k = HMM_CONTROL_INIT;
	struct hmm_range *r = NULL;
	struct hmm_op *op = NULL;

	assert_int_equal(hmm_alloc(c, SIZE, NULL, &r), 0);
	fill_to_rest(c, r, SEED);
	k.verb = HMM_CONTROL_MIGRATE;
	k.pid = getpid();
	k.tier = "far";
	assert_int_equal(hmm_control(boss, &k, &op), 0);
	assert_int_equal(hmm_op_wait(op, PATIENCE_US), 0);
	assert_int_equal(hmm_op_result(op, &result), 0);
	hmm_op_unref(op);
	assert_int_equal(result.asked, SIZE);
	assert_int_equal(result.moved, SIZE);
	assert_int_equal(words_bad(hmm_range_addr(r), SIZE, SEED), 0);
	k.pid = 1;
	assert_true(hmm_control(boss, &k, &op) < 0);
	k.pid = getpid();
	k.addr = (uintptr_t)hmm_range_addr(r) + SIZE;
	k.end = k.addr + HUGE_PAGE;
	assert_true(hmm_control(boss, &k, &op) < 0);
	hmm_client_unref(boss);
	hmm_client_unref(c);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PER_BACKING(a_drained_tier_is_empty),
		PER_BACKING(what_fits_nowhere_else_is_not_drained),
		PER_BACKING(a_promise_is_not_drained_away),
		PER_BACKING(a_drain_goes_by_way_of_full_memory),
		PER_BACKING(a_full_tier_is_no_room),
		cmocka_unit_test(unknown_tiers_are_refused),
		PER_BACKING(others_may_move_a_process),
	};

	return cmocka_run_group_tests_name("drain and control", tests, NULL, NULL);
}
