// SPDX-License-Identifier: GPL-2.0-or-later
/* Moves that a test asks for and waits for. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/ask.h"
#include "tests/support/move.h"
#include "tests/support/test.h"
#include "tests/support/words.h"

void move_some(struct hmm_range *r, size_t off, size_t len, const char *tier, struct hmm_move_result *ret)
{
	struct hmm_move_result result = HMM_MOVE_RESULT_INIT;
	struct hmm_op *op = NULL;
	int e = hmm_range_migrate(r, off, len, tier, 0, &op);

	if (e < 0)
		fail_msg("migrate to %s: %s", tier, strerror(-e));
	assert_int_equal(hmm_op_wait(op, PATIENCE_US), 0);
	assert_int_equal(hmm_op_result(op, &result), 0);
	hmm_op_unref(op);
	assert_int_equal(result.asked, len ? len : hmm_range_size(r) - off);
	assert_int_equal(result.asked, result.moved + result.already_there + result.busy + result.failed);
	*ret = result;
}

static bool moved_all(struct hmm_range *r, size_t off, size_t len, const char *tier)
{
	struct hmm_move_result result;

	move_some(r, off, len, tier, &result);
	return result.moved + result.already_there == result.asked;
}

void move_all(struct hmm_range *r, size_t off, size_t len, const char *tier)
{
	assert_soon(moved_all(r, off, len, tier));
}

size_t move_count(const struct hmm_range *r, uint8_t tier)
{
	size_t pages = hmm_range_size(r) / HUGE_PAGE, n = 0;
	uint8_t *tiers = malloc(pages);

	assert_non_null(tiers);
	assert_int_equal(hmm_range_residency(r, 0, 0, tiers), 0);
	for (size_t i = 0; i < pages; i++)
		n += tiers[i] == tier;
	free(tiers);
	return n;
}

void fill_to_rest(struct hmm_client *c, struct hmm_range *r, uint64_t seed)
{
	uint8_t fast = (uint8_t)ask_tier(c, "dram");

	assert_int_equal(hmm_range_advise(r, 0, 0, HMM_ADVICE_RANDOM, 0), 0);
	words_fill(hmm_range_addr(r), hmm_range_size(r), seed);
	assert_soon(move_count(r, fast) == hmm_range_size(r) / HUGE_PAGE);
	assert_int_equal(hmm_range_advise(r, 0, 0, HMM_ADVICE_NORMAL, 0), 0);
}
