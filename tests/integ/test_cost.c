// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a client costs in the state directory follows what it has, not what it claims, and ends with it; and a full
 * one is refused by name, and cleaned before it is written to.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/state.h"
#include "tests/support/words.h"

/* Addresses are not memory: nobody pays for those where nothing is. */
static void claimed_terabytes_cost_nothing(void **state)
{
	struct house *h = small_state("size=64m", NULL, true);
	uint64_t before, id;
	struct rawpeer *p;
	int code;

	(void)state;
	before = used(h);
	p = connect_as(h, ANYBODY, &code);
	assert_non_null(p);
	for (int i = 0; i < 100; i++) {
		id = register_at(p, TiB, 8 * TiB);
		assert_true(used(h) <= before + 4 * LEDGER);
		free_range(p, id);
	}
	id = register_at(p, TiB, 16 * TiB);
	assert_true(used(h) <= before + 4 * LEDGER);
	rawpeer_close(p);
	assert_soon(used(h) <= before + 4 * KIB);
	end(h);
}

/* Reads every page of it, so that a hole would take memory again. */
static uint64_t touch(int ledger)
{
	struct stat st;
	volatile uint8_t *at;
	uint64_t sum = 0;

	assert_int_equal(fstat(ledger, &st), 0);
	if (!st.st_size)
		return 0;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, ledger, 0);
	assert_true(at != MAP_FAILED);
	for (off_t i = 0; i < st.st_size; i += 4 * KIB)
		sum += at[i];
	munmap((void *)(uintptr_t)at, (size_t)st.st_size);
	return sum;
}

/*
 * Whoever keeps the descriptors of ledgers keeps no memory of the state directory, or pays for it: others
 * connect, and so does the same user when it has let go of them.
 */
static void kept_ledgers_are_their_users_affair(void **state)
{
	enum { MOST = 200 };
	struct house *h = small_state("size=4m", NULL, true);
	struct rawpeer *p;
	int kept[MOST], n = 0, code = 0;

	(void)state;
	while (n < MOST && (p = connect_as(h, ANYBODY, &code))) {
		kept[n] = dup(p->ledger);
		assert_true(kept[n] >= 0);
		rawpeer_close(p);
		n++;
		for (int i = 0; i < n; i++)
			touch(kept[i]);
	}
	assert_int_equal(code, EDQUOT);
	assert_true(n > 50 && n < MOST);
	for (int i = 0; i < 2; i++) {
		p = connect_as(h, i ? 0 : SOMEBODY, &code);
		assert_non_null(p);
		rawpeer_close(p);
	}
	while (n)
		close(kept[--n]);
	assert_soon((p = connect_as(h, ANYBODY, &code)));
	rawpeer_close(p);
	assert_soon(used(h) < 8 * LEDGER);
	end(h);
}

/* The last part is root's: whoever has to clean up can connect. */
static void users_leave_room_for_root(void **state)
{
	struct house *h = small_state("size=1m", "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 32M\n"
				      "[quota default]\nledger = none\n", true);
	struct rawpeer *held[100], *root;
	int n = 0, code = 0;

	(void)state;
	while (n < 100 && (held[n] = connect_as(h, (uid_t)(ANYBODY + n % 7), &code)))
		n++;
	assert_int_equal(code, ENOSPC);
	root = connect_as(h, 0, &code);
	assert_non_null(root);
	rawpeer_close(root);
	while (n)
		rawpeer_close(held[--n]);
	end(h);
}

/* Nothing is left in the directory but what dead clients left, and a daemon starts all the same. */
static void a_full_directory_is_cleaned_before_it_is_written_to(void **state)
{
	struct house *h = small_state("size=256k", NULL, true);
	char path[HOUSE_PATH + 16], page[4096] = { 1 };
	struct rawpeer *p;
	pid_t child;
	int fd, code, status;

	(void)state;
	child = fork();
	if (!child) {
		for (int i = 0; i < 4; i++)
			if (!connect_as(h, 0, &code))
				_exit(1);
		kill(getpid(), SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	assert_true(WIFSTOPPED(status));
	house_kill(h);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	snprintf(path, sizeof(path), "%s/lock", h->state);
	assert_int_equal(truncate(path, 0), 0);
	snprintf(path, sizeof(path), "%s/tiers", h->state);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/filler", h->state);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (write(fd, page, sizeof(page)) == sizeof(page))
		;
	close(fd);
	assert_int_equal(count_files(h->state, ".ledger"), 4);
	house_start(h);
	p = connect_as(h, 0, &code);
	assert_non_null(p);
	rawpeer_close(p);
	assert_soon(count_files(h->state, ".ledger") == 0);
	end(h);
}

/* A client that finds it full is told so by name; those that are there go on, and so does it when there is room. */
static void a_full_directory_is_said_by_name(void **state)
{
	struct house *h = small_state("size=512k", NULL, true);
	char path[HOUSE_PATH + 16], page[4096] = { 1 };
	struct rawpeer *there, *p;
	int fd, code;

	(void)state;
	there = connect_as(h, ANYBODY, &code);
	assert_non_null(there);
	snprintf(path, sizeof(path), "%s/filler", h->state);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (write(fd, page, sizeof(page)) == sizeof(page))
		;
	for (int i = 0; i < 2; i++) {
		assert_null(connect_as(h, i ? 0 : ANYBODY, &code));
		assert_int_equal(code, ENOSPC);
	}
	free_range(there, register_at(there, TiB, 8 * TiB));
	assert_int_equal(rawpeer_ping(there), 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	close(fd);
	p = connect_as(h, ANYBODY, &code);
	assert_non_null(p);
	rawpeer_close(p);
	rawpeer_close(there);
	end(h);
}

/* Every pin is on record for as long as it is there: its room is the user's, and comes back. */
static void pins_on_record_are_charged(void **state)
{
	enum { PAGES = 32, QUOTA = 40 * KIB };
	struct house *h = small_state("size=4m", "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 128M\n"
				      "[quota default]\nledger = 40K\n", true);
	struct hmm_client *c = house_client(h, "pins", 0);
	struct hmm_range *r = NULL;
	unsigned int from, to, made = 0, gone = 0;
	uint64_t before;
	int rc = 0;

	(void)state;
	assert_int_equal(hmm_alloc(c, PAGES * HUGE_PAGE, NULL, &r), 0);
	assert_int_equal(hmm_range_pin(r, 0, 0, NULL), 0);
	before = used(h);
	for (from = 1; from < PAGES && !rc; from++)
		for (to = from + 1; to <= PAGES && !rc; to++) {
			rc = hmm_range_pin(r, from * HUGE_PAGE, (to - from) * HUGE_PAGE, NULL);
			made += !rc;
		}
	assert_int_equal(rc, -EDQUOT);
	assert_true(made > 64 && used(h) > before && used(h) <= before + QUOTA);
	for (from = 1; from < PAGES && gone < made; from++)
		for (to = from + 1; to <= PAGES && gone < made; to++, gone++)
			assert_int_equal(hmm_range_unpin(r, from * HUGE_PAGE, (to - from) * HUGE_PAGE), 0);
	assert_int_equal(hmm_range_unpin(r, 0, 0), 0);
	assert_true(used(h) <= before);
	assert_int_equal(hmm_range_pin(r, HUGE_PAGE, HUGE_PAGE, NULL), 0);
	hmm_client_unref(c);
	end(h);
}

/* A ledger grows by several tables at a time; near the limit by what a range must have, so that nobody is refused for the rest. */
static void near_the_limit_only_what_is_needed_is_charged(void **state)
{
	struct house *h = small_state("size=4m", "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 2G\n"
				      "[quota default]\nledger = 40K\n", true);
	struct hmm_client *c = house_client(h, "near", 0);
	struct hmm_range *r = NULL;

	(void)state;
	/* Wherever it lies, it needs one table more than the four that a ledger begins with. */
	assert_int_equal(hmm_alloc(c, 512 * HUGE_PAGE + HUGE_PAGE, NULL, &r), 0);
	words_fill(hmm_range_addr(r), HUGE_PAGE, 1);
	assert_int_equal(words_bad(hmm_range_addr(r), HUGE_PAGE, 1), 0);
	hmm_client_unref(c);
	end(h);
}

/* Records of ranges that are gone keep no room, and what is left of the file says all that the next daemon wants. */
static void records_of_ranges_go_with_them(void **state)
{
	enum { RANGES = 100, RECORDS = RANGES * 256, SEED = 5 };
	struct house *h = small_state("size=4m", NULL, true);
	struct hmm_client *c = house_client(h, "records", 0);
	struct hmm_range *r[RANGES] = { NULL };
	uint64_t full;

	(void)state;
	for (int i = 0; i < RANGES; i++)
		assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &r[i]), 0);
	words_fill(hmm_range_addr(r[1]), HUGE_PAGE, SEED);
	full = used(h);
	for (int i = 0; i < RANGES; i++)
		if (i != 1)
			assert_int_equal(hmm_range_free(r[i]), 0);
	assert_soon(used(h) <= full - RECORDS + 8 * KIB);
	house_kill(h);
	house_start(h);
	assert_int_equal(words_bad(hmm_range_addr(r[1]), HUGE_PAGE, SEED), 0);
	assert_soon(hmm_alloc(c, HUGE_PAGE, NULL, &r[0]) == 0);
	words_fill(hmm_range_addr(r[0]), HUGE_PAGE, SEED + 1);
	assert_int_equal(words_bad(hmm_range_addr(r[1]), HUGE_PAGE, SEED), 0);
	assert_int_equal(words_bad(hmm_range_addr(r[0]), HUGE_PAGE, SEED + 1), 0);
	hmm_client_unref(c);
	end(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claimed_terabytes_cost_nothing),
		cmocka_unit_test(kept_ledgers_are_their_users_affair),
		cmocka_unit_test(users_leave_room_for_root),
		cmocka_unit_test(a_full_directory_is_cleaned_before_it_is_written_to),
		cmocka_unit_test(a_full_directory_is_said_by_name),
		cmocka_unit_test(pins_on_record_are_charged),
		cmocka_unit_test(near_the_limit_only_what_is_needed_is_charged),
		cmocka_unit_test(records_of_ranges_go_with_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
