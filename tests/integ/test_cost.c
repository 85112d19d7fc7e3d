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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claimed_terabytes_cost_nothing),
		cmocka_unit_test(kept_ledgers_are_their_users_affair),
		cmocka_unit_test(users_leave_room_for_root),
		cmocka_unit_test(a_full_directory_is_cleaned_before_it_is_written_to),
		cmocka_unit_test(a_full_directory_is_said_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
