// SPDX-License-Identifier: GPL-2.0-or-later
/* Adopted memory and the kernel driver: what happens without anybody asking. */
#include "tests/support/adopted.h"

static void events_change_the_books(void **state)
{
	struct house *h = house_with(QUIET);
	struct hmm_client *c = house_client(h, "adopted", 0);
	uint8_t *at = memory_of(SIZE);
	struct hmm_range *r = adopted(c, at, SIZE);
	struct hmmdev_event e = {
		.len = sizeof(e), .addr = (uintptr_t)at, .size = HUGE_PAGE, .nid = -1
	};

	(void)state;
	move_all(r, 0, 0, "hbm");
	e.type = HMMDEV_EVENT_CPU_FAULT;
	happens(&e);
	assert_soon(ask_used(c, "hbm") == SIZE - HUGE_PAGE);
	assert_soon(on_tier(c, "dram") == HUGE_PAGE);
	e.type = HMMDEV_EVENT_EVICTED;
	e.addr += HUGE_PAGE;
	e.size = 4096; /* a part of a huge page */
	happens(&e);
	assert_soon(ask_used(c, "hbm") == SIZE - HUGE_PAGE - 4096);
	e.type = HMMDEV_EVENT_INVALIDATE;
	e.addr += HUGE_PAGE;
	e.size = 2 * HUGE_PAGE;
	happens(&e);
	assert_soon(ask_used(c, "hbm") == SIZE - 3 * HUGE_PAGE - 4096);
	assert_soon(ask_number(c, "ranges", NULL, NULL, "untouched_bytes") == 2 * HUGE_PAGE);
	hmm_client_unref(c);
	house_close(h);
}

/* Events may be lost; the daemon's own rounds see it within seconds. */
static void what_events_did_not_tell_is_seen(void **state)
{
	struct house *h = house_with(QUIET);
	struct hmm_client *c = house_client(h, "adopted", 0);
	uint8_t *at = memory_of(SIZE);
	struct hmm_range *r = adopted(c, at, SIZE);
	/*
	 * The daemon heeds nothing behind MM_EXIT, but the simulated driver brings the pages back.
	 */
	struct hmmdev_event e[3] = {
		{ .type = HMMDEV_EVENT_OVERFLOW, .len = sizeof(*e), .arg = 3 },
		{ .type = HMMDEV_EVENT_MM_EXIT, .len = sizeof(*e) },
		{ .type = HMMDEV_EVENT_EVICTED,
		  .len = sizeof(*e),
		  .addr = (uintptr_t)at,
		  .size = SIZE },
	};

	(void)state;
	move_all(r, 0, 0, "hbm");
	assert_int_equal(ask_used(c, "hbm"), SIZE);
	assert_int_equal(send(driver_end, e, sizeof(e), 0), sizeof(e));
	assert_soon(ask_used(c, "hbm") == 0);
	assert_soon(on_tier(c, "dram") == SIZE);
	hmm_client_unref(c);
	house_close(h);
}

static void a_device_that_drains_gives_back(void **state)
{
	struct house *h = house_with(QUIET);
	struct hmm_client *c = house_client(h, "adopted", 0);
	struct hmm_range *r = adopted(c, memory_of(SIZE), SIZE);
	struct hmmdev_event e = { .type = HMMDEV_EVENT_DEV_STATE,
				  .len = sizeof(e),
				  .dev = 0,
				  .arg = HMMDEV_STATE_DRAINING };
	struct hmm_op *op = NULL;
	char text[16];

	(void)state;
	move_all(r, 0, 0, "hbm");
	happens(&e);
	assert_soon(ask_used(c, "hbm") == 0);
	assert_soon(on_tier(c, "dram") == SIZE);
	assert_int_equal(hmm_range_migrate(r, 0, 0, "hbm", 0, &op), -EBUSY);
	e.arg = HMMDEV_STATE_ONLINE;
	happens(&e);
	assert_soon((ask_text(c, "tiers", "name", "hbm", "state", text, sizeof(text)),
		     !strcmp(text, "online")));
	move_all(r, 0, 0, "hbm");
	hmm_client_unref(c);
	house_close(h);
}

/* 32 MiB of fast memory, 64 MiB adopted: the policy sends what is over to the device. */
static void pressure_sends_adopted_memory_away(void **state)
{
	struct house *h = house_with(PRESSED);
	struct hmm_client *c = house_client(h, "adopted", 0);
	struct hmm_range *r = adopted(c, memory_of(32 * HUGE_PAGE), 32 * HUGE_PAGE);

	(void)state;
	assert_soon(ask_used(c, "dram") <= 32 * MiB * 95 / 100);
	/* It goes on meanwhile: what adds up, or agrees, does so when nothing is under way. */
	assert_soon(on_tier(c, "hbm") + on_tier(c, "gddr") + on_tier(c, "dram") == 64 * MiB);
	assert_soon(ask_used(c, "hbm") == on_tier(c, "hbm"));
	assert_true(ask_number(c, "tiers", "name", "hbm", "moved_in_bytes") > 0);
	assert_int_equal(hmm_range_free(r), 0);
	assert_int_equal(ask_used(c, "hbm") + ask_used(c, "gddr") + ask_used(c, "dram"), 0);
	hmm_client_unref(c);
	house_close(h);
}

static void a_restart_changes_nothing(void **state)
{
	struct house *h = house_with(QUIET);
	struct hmm_client *c = house_client(h, "adopted", 0), *again;
	struct hmm_range *r = adopted(c, memory_of(SIZE), SIZE);

	(void)state;
	move_all(r, 0, 0, "hbm");
	house_kill(h);
	house_start(h);
	again = house_client(h, "looker", 0);
	/*
	 * The simulated driver died too: all is in memory again, and the client has sent its node
	 * once more.
	 */
	assert_soon(ask_sum(again, "clients", "adopted_bytes") == SIZE);
	assert_soon(ask_used(again, "dram") == SIZE);
	move_all(r, 0, 0, "hbm");
	assert_int_equal(ask_used(again, "hbm"), SIZE);
	hmm_client_unref(again);
	hmm_client_unref(c);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_change_the_books),
		cmocka_unit_test(what_events_did_not_tell_is_seen),
		cmocka_unit_test(a_device_that_drains_gives_back),
		cmocka_unit_test(pressure_sends_adopted_memory_away),
		cmocka_unit_test(a_restart_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
