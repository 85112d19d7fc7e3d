// SPDX-License-Identifier: GPL-2.0-or-later
/* The clean-up of a client that died ends soon but not at once, hence the waits; what is waited for must come true exactly. */
#include <string.h>

#include "tests/support/ask.h"
#include "tests/support/move.h"
#include "tests/support/test.h"
#include "tests/support/witness.h"
#include "tests/support/words.h"

enum { WITNESS_PAGES = 4, WITNESS_SEED = 77 };

static uint64_t used_in_all(struct hmm_client *c)
{
	return ask_sum(c, "tiers", "used");
}

void witness_begin(struct witness *w, const struct house *h)
{
	int r;

	memset(w, 0, sizeof(*w));
	w->house = h;
	w->observer = house_client(h, "observer", HMM_CLIENT_NO_HELPER);
	w->client = house_client(h, "witness", 0);
	r = hmm_alloc(w->client, WITNESS_PAGES * HUGE_PAGE, NULL, &w->range);
	if (r < 0)
		fail_msg("the witness gets no memory: %s", strerror(-r));
	fill_to_rest(w->client, w->range, WITNESS_SEED);
	move_all(w->range, 0, WITNESS_PAGES / 2 * HUGE_PAGE, "far");
	w->descriptors = count_descriptors_at_rest(h->pid);
	w->used = WITNESS_PAGES * HUGE_PAGE;
	assert_soon(used_in_all(w->observer) == w->used);
	w->ranges = ask_status(w->observer, "ranges");
	w->clients = ask_status(w->observer, "clients");
	w->managed = ask_status(w->observer, "managed_bytes");
}

void witness_undisturbed(struct witness *w)
{
	if (!house_alive(w->house)) {
		house_show_log(w->house);
		fail_msg("hmmd is gone");
	}
	assert_soon(ask_status(w->observer, "ranges") == w->ranges);
	assert_soon(ask_status(w->observer, "clients") == w->clients);
	assert_soon(ask_status(w->observer, "managed_bytes") == w->managed);
	assert_int_equal(words_bad(hmm_range_addr(w->range), WITNESS_PAGES * HUGE_PAGE, WITNESS_SEED), 0);
	move_all(w->range, 0, WITNESS_PAGES / 2 * HUGE_PAGE, "far");
	assert_soon(used_in_all(w->observer) == w->used);
	if (!WAIT_UNTIL(count_descriptors(w->house->pid) == w->descriptors))
		fail_msg("%d descriptors, not %d", count_descriptors(w->house->pid), w->descriptors);
}

void witness_end(struct witness *w)
{
	assert_int_equal(hmm_range_free(w->range), 0);
	hmm_client_unref(w->client);
	assert_soon(used_in_all(w->observer) == 0);
	hmm_client_unref(w->observer);
}
