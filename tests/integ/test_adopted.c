// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Adopted memory and the kernel driver: what programs and hmmctl ask for, from the library to the
 * driver.
 */
#include "tests/support/adopted.h"
#include "tests/support/rawpeer.h"

static void memory_goes_to_the_device_and_back(void **state)
{
	struct house *h = house_with(QUIET);
	struct hmm_client *c = house_client(h, "adopted", 0);
	struct hmm_range *r = adopted(c, memory_of(SIZE), SIZE);
	struct hmm_move_result result;

	(void)state;
	assert_int_equal(on_tier(c, "dram"), SIZE);
	move_some(r, 0, 0, "hbm", &result);
	assert_int_equal(result.moved, SIZE);
	assert_int_equal(move_count(r, (uint8_t)ask_tier(c, "hbm")), PAGES);
	assert_int_equal(on_tier(c, "hbm"), SIZE);
	assert_int_equal(ask_used(c, "hbm"), SIZE);
	assert_int_equal(ask_used(c, "dram"), 0);
	move_some(r, 0, 0, "hbm", &result);
	assert_int_equal(result.already_there, SIZE);
	move_some(r, 0, HUGE_PAGE, "gddr",
		  &result); /* by way of memory: no device gives to another */
	assert_int_equal(result.moved, HUGE_PAGE);
	assert_int_equal(on_tier(c, "gddr"), HUGE_PAGE);
	move_some(r, 0, HUGE_PAGE, "hbm", &result);
	assert_int_equal(ask_used(c, "gddr"), 0);
	move_some(r, HUGE_PAGE, 2 * HUGE_PAGE, "dram", &result);
	/* Nothing of it was in memory before; a page that the kernel has in hand just now counts as failed. */
	assert_int_equal(result.already_there, 0);
	assert_int_equal(on_tier(c, "hbm"), SIZE - 2 * HUGE_PAGE);
	assert_int_equal(ask_used(c, "hbm"), SIZE - 2 * HUGE_PAGE);
	/* Freed while it is away: the daemon brings it back, and nothing stays booked. */
	assert_int_equal(hmm_range_free(r), 0);
	assert_int_equal(ask_used(c, "hbm"), 0);
	assert_int_equal(ask_used(c, "dram"), 0);
	hmm_client_unref(c);
	house_close(h);
}

/* To the byte: a piece that begins and ends inside huge pages, of a range that does so too. */
static void a_piece_is_moved_to_the_byte(void **state)
{
	struct house *h = house_with(QUIET);
	struct hmm_client *c = house_client(h, "adopted", 0);
	uint8_t *at = memory_of(SIZE);
	struct hmm_range *r = adopted(c, at + 8192, SIZE - 3 * 4096);
	struct hmm_move_result result;

	(void)state;
	assert_soon(on_tier(c, "dram") == SIZE - 3 * 4096);
	move_some(r, 4096, 5 * 4096, "hbm", &result);
	assert_int_equal(result.asked, 5 * 4096);
	assert_int_equal(result.moved, 5 * 4096);
	assert_int_equal(ask_used(c, "hbm"), 5 * 4096);
	move_some(r, 0, 0, "hbm", &result);
	assert_int_equal(result.asked, SIZE - 3 * 4096);
	assert_int_equal(result.already_there, 5 * 4096);
	assert_int_equal(result.moved, SIZE - 8 * 4096);
	assert_int_equal(ask_used(c, "hbm"), SIZE - 3 * 4096);
	hmm_client_unref(c);
	house_close(h);
}

/* 48 of 64 MiB are configured: what does not fit stays, and is told. */
static void a_full_tier_takes_no_more(void **state)
{
	struct house *h = house_with(QUIET);
	struct hmm_client *c = house_client(h, "adopted", 0);
	struct hmm_range *r = adopted(c, memory_of(32 * HUGE_PAGE), 32 * HUGE_PAGE);
	struct hmm_move_result result;

	(void)state;
	move_some(r, 0, 0, "hbm", &result);
	assert_int_equal(result.moved, 48 * MiB);
	assert_int_equal(result.failed, 16 * MiB);
	assert_int_equal(ask_used(c, "hbm"), 48 * MiB);
	move_some(r, 0, 0, "hbm", &result);
	assert_int_equal(result.already_there, 48 * MiB);
	assert_int_equal(result.failed, 16 * MiB);
	assert_int_equal(ask_number(c, "tiers", "name", "gddr", "capacity"), DRIVER_DAEMON_BYTES);
	hmm_client_unref(c);
	house_close(h);
}

static void a_quota_holds_on_the_device(void **state)
{
	struct house *h = house_with(QUIET "[quota default]\ntier.hbm = 8M\n");
	struct hmm_client *c = house_client(h, "adopted", 0);
	struct hmm_range *r = adopted(c, memory_of(SIZE), SIZE);
	struct hmm_move_result result;

	(void)state;
	move_some(r, 0, 0, "hbm", &result);
	assert_int_equal(result.moved, 8 * MiB);
	assert_int_equal(result.failed, SIZE - 8 * MiB);
	move_some(r, 0, 0, "dram", &result);
	assert_int_equal(result.moved, 8 * MiB);
	move_some(r, 0, 8 * MiB, "hbm", &result);
	assert_int_equal(result.moved, 8 * MiB);
	hmm_client_unref(c);
	house_close(h);
}

static void control(struct hmm_client *c, struct hmm_control *what, struct hmm_move_result *ret)
{
	struct hmm_op *op = NULL;

	assert_int_equal(hmm_control(c, what, &op), 0);
	if (!op)
		return;
	assert_int_equal(hmm_op_wait(op, PATIENCE_US), 0);
	ret->size = sizeof(*ret);
	assert_int_equal(hmm_op_result(op, ret), 0);
	assert_int_equal(ret->asked, ret->moved + ret->already_there + ret->busy + ret->failed);
	hmm_op_unref(op);
}

static void hmmctl_moves_drains_and_pins(void **state)
{
	struct house *h = house_with(QUIET);
	struct hmm_client *c = house_client(h, "adopted", HMM_CLIENT_CONTROL);
	struct hmm_control what = HMM_CONTROL_INIT;
	struct hmm_move_result result = HMM_MOVE_RESULT_INIT;
	uint8_t *at = memory_of(SIZE);

	(void)state;
	adopted(c, at + 4096, SIZE - 8192);
	what.verb = HMM_CONTROL_MIGRATE;
	what.pid = getpid();
	what.tier = "gddr";
	control(c, &what, &result);
	assert_int_equal(result.moved, SIZE - 8192);
	assert_int_equal(ask_used(c, "gddr"), SIZE - 8192);
	what.verb = HMM_CONTROL_DRAIN;
	control(c, &what, &result);
	assert_int_equal(result.asked, SIZE - 8192);
	assert_soon(ask_used(c, "gddr") == 0);
	what.tier = NULL;
	what.verb = HMM_CONTROL_PIN;
	control(c, &what, &result);
	assert_int_equal(result.moved, SIZE - 8192);
	assert_int_equal(ask_sum(c, "clients", "pinned_bytes"), SIZE - 8192);
	what.verb = HMM_CONTROL_UNPIN;
	control(c, &what, &result);
	assert_int_equal(ask_sum(c, "clients", "pinned_bytes"), 0);
	hmm_client_unref(c);
	house_close(h);
}

static void pins_and_exclusive_access(void **state)
{
	struct house *h = house_with(QUIET);
	struct hmm_client *c = house_client(h, "adopted", 0);
	struct hmm_range *r = adopted(c, memory_of(SIZE), SIZE), *managed = NULL;
	struct hmm_move_result result = HMM_MOVE_RESULT_INIT;
	struct hmm_op *op = NULL;

	(void)state;
	move_all(r, 0, 0, "hbm");
	assert_int_equal(hmm_range_pin(r, 4096, 8192, NULL), 0);
	assert_int_equal(ask_number(c, "ranges", NULL, NULL, "pinned_bytes"), 8192);
	assert_soon(ask_used(c, "hbm") == SIZE - 8192); /* a pin brings back what it holds */
	assert_int_equal(hmm_range_pin(r, 0, 0, "hbm"), -EOPNOTSUPP);
	assert_int_equal(hmm_range_unpin(r, 4096, 4096), -EINVAL); /* a part of it */
	assert_int_equal(hmm_range_pin(r, 4096, 8192, NULL), 0);
	assert_int_equal(hmm_range_unpin(r, 0, HUGE_PAGE), 0);
	assert_int_equal(ask_number(c, "ranges", NULL, NULL, "pinned_bytes"), 8192); /* one of two */
	assert_int_equal(hmm_range_unpin(r, 4096, 8192), 0);
	assert_int_equal(hmm_range_unpin(r, 4096, 8192), -ENOENT);
	assert_int_equal(ask_number(c, "ranges", NULL, NULL, "pinned_bytes"), 0);
	assert_int_equal(hmm_range_exclusive(r, 0, 3 * 4096, &op), 0);
	assert_int_equal(hmm_op_wait(op, PATIENCE_US), 0);
	assert_int_equal(hmm_op_result(op, &result), 0);
	assert_int_equal(result.moved, 3 * 4096);
	hmm_op_unref(op);
	assert_int_equal(hmm_range_exclusive_end(r, 0, 3 * 4096), 0);
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &managed), 0);
	assert_int_equal(hmm_range_exclusive(managed, 0, 0, &op), -EOPNOTSUPP);
	assert_int_equal(hmm_range_migrate(managed, 0, 0, "hbm", 0, NULL), -EOPNOTSUPP);
	hmm_client_unref(c);
	house_close(h);
}

static void without_the_node_memory_stays(void **state)
{
	struct house *h = house_with(QUIET);
	struct hmm_client *c = house_client(h, "adopted", 0);
	struct hmm_range *r = NULL;

	(void)state;
	no_node = true;
	assert_true(hmm_register(c, memory_of(SIZE), SIZE, NULL, &r) >= 0);
	no_node = false;
	assert_int_equal(hmm_range_migrate(r, 0, 0, "hbm", 0, NULL), -EOPNOTSUPP);
	assert_int_equal(hmm_range_pin(r, 0, 0, NULL), -EOPNOTSUPP);
	assert_int_equal(hmm_range_exclusive(r, 0, 0, NULL), -EOPNOTSUPP);
	hmm_client_unref(c);
	house_close(h);
}

/* Any other descriptor is refused; a daemon without such tiers wants none. */
static void a_false_descriptor_is_refused(void **state)
{
	struct house *h = house_with(QUIET);
	struct rawpeer *p = rawpeer_open(h->socket);
	Hmmd__AttachDriver body = HMMD__ATTACH_DRIVER__INIT;
	RAW_MESSAGE(m, ATTACH_DRIVER, attach_driver, &body);
	int fd = memfd_create("no driver", MFD_CLOEXEC);

	(void)state;
	rawpeer_hello(p);
	assert_int_equal(rawpeer_refusal(p, &m, &fd, 1), EBADF);
	assert_int_equal(rawpeer_refusal(p, &m, NULL, 0), EBADF);
	assert_int_equal(rawpeer_ping(p), 0);
	rawpeer_close(p);
	house_close(h);
	h = house_open(NULL);
	p = rawpeer_open(h->socket);
	rawpeer_hello(p);
	assert_int_equal(rawpeer_refusal(p, &m, &fd, 1), EOPNOTSUPP);
	rawpeer_close(p);
	house_close(h);
	close(fd);
}

/* The real door: no such node here, so the tier has failed, says why, and nothing else suffers. */
static void a_missing_module_is_a_failed_tier(void **state)
{
	struct house *h = house_open(&(struct house_options) {
		.config = HOUSE_TIERS
		"[tier hbm]\nkind = kernel\ndevice = /dev/shm/no-such-node\n" });
	struct hmm_client *c = house_client(h, "adopted", 0);
	char text[160];

	(void)state;
	ask_text(c, "tiers", "name", "hbm", "state", text, sizeof(text));
	assert_string_equal(text, "failed");
	ask_text(c, "doctor", "check", "tiers", "text", text, sizeof(text));
	assert_non_null(strstr(text, "the module hmmdev is not loaded"));
	assert_true(hmm_register(c, memory_of(SIZE), SIZE, NULL, &(struct hmm_range *) { NULL }) >=
		    0);
	hmm_client_unref(c);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_goes_to_the_device_and_back),
		cmocka_unit_test(a_piece_is_moved_to_the_byte),
		cmocka_unit_test(a_full_tier_takes_no_more),
		cmocka_unit_test(a_quota_holds_on_the_device),
		cmocka_unit_test(hmmctl_moves_drains_and_pins),
		cmocka_unit_test(pins_and_exclusive_access),
		cmocka_unit_test(without_the_node_memory_stays),
		cmocka_unit_test(a_false_descriptor_is_refused),
		cmocka_unit_test(a_missing_module_is_a_failed_tier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
