// SPDX-License-Identifier: GPL-2.0-or-later
/* A client's ledger as a file: what is written is found again, and what no daemon wrote is refused. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/radix.h"
#include "daemon/io/ledgerfile.h"
#include "tests/support/test.h"

static char dir[] = "/tmp/test_ledgerfile.XXXXXX";
static char path[64];
static const struct ledger_identity who = { .client = 17, .start = 4242, .pid = 99, .uid = 1000 };

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/17.ledger", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

static int remove_file(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static struct ledgerfile *new_ledger(void)
{
	struct ledgerfile *l;

	assert_int_equal(ledgerfile_new(&l, dir, &who), 0);
	return l;
}

enum { MORE = 12 /* tables */ };

/* With two spans, the second of which needs tables beyond the first ones. */
static void write_spans(struct ledgerfile *l)
{
	struct radix r;

	assert_int_equal(ledgerfile_grow(l, MORE), 0);
	assert_int_equal(radix_init(&r, ledgerfile_arena(l), LEDGER_MAX_TABLES, ledgerfile_tables(l), false), 0);
	assert_int_equal(radix_cover(&r, 1000, 1003), 0);
	assert_int_equal(radix_cover(&r, 1 << 20, (1 << 20) + 9), 0);
	atomic_store(radix_find(&r, 1001), 0x1234);
	radix_done(&r);
}

static void words_are_found_again(void **state)
{
	struct ledgerfile *l = new_ledger();
	struct ledger_identity found;
	struct radix r;

	(void)state;
	write_spans(l);
	ledgerfile_close(l);
	assert_int_equal(ledgerfile_open(&l, dir, 17, &found), 0);
	assert_int_equal(found.client, 17);
	assert_int_equal(found.start, 4242);
	assert_int_equal(found.pid, 99);
	assert_int_equal(found.uid, 1000);
	assert_int_equal(radix_init(&r, ledgerfile_arena(l), LEDGER_MAX_TABLES, ledgerfile_tables(l), true), 0);
	assert_int_equal(atomic_load(radix_find(&r, 1001)), 0x1234);
	radix_done(&r);
	ledgerfile_close(l);
}

static void growing_keeps_every_word_in_its_place(void **state)
{
	struct ledgerfile *l = new_ledger();
	radix_word *arena = ledgerfile_arena(l);
	struct stat st;
	uint32_t before = ledgerfile_tables(l);

	(void)state;
	atomic_store(&arena[3 * LEDGER_FANOUT], 77);
	assert_int_equal(ledgerfile_grow(l, before), 0);
	assert_int_equal(ledgerfile_tables(l), 2 * before);
	assert_ptr_equal(ledgerfile_arena(l), arena);
	assert_int_equal(atomic_load(&arena[3 * LEDGER_FANOUT]), 77);
	assert_int_equal(atomic_load(&arena[LEDGER_H_TABLES]), 2 * before);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 2 * before * LEDGER_TABLE_SIZE);
	assert_int_equal(ledgerfile_grow(l, LEDGER_MAX_TABLES - 2 * before + 1), -EFBIG);
	assert_int_equal(ledgerfile_grow(l, LEDGER_MAX_TABLES - 2 * before), 0);
	assert_int_equal(ledgerfile_grow(l, 1), -EFBIG);
	ledgerfile_close(l);
}

static uint64_t blocks_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

/* What is not needed is given back, and what a client that is gone keeps open has nothing in it. */
static void memory_is_given_back(void **state)
{
	struct ledgerfile *l = new_ledger();
	radix_word *arena = ledgerfile_arena(l);
	struct ledger_identity found;
	uint64_t before, words[2];
	int kept, fd;

	(void)state;
	assert_int_equal(ledgerfile_read_only(l, &kept), 0);
	atomic_store(&arena[3 * LEDGER_FANOUT], 77);
	before = blocks_of(kept);
	ledgerfile_empty(l, 3);
	assert_int_equal(blocks_of(kept), before - LEDGER_TABLE_SIZE);
	assert_int_equal(ledgerfile_fill(l, 3), 0);
	assert_int_equal(blocks_of(kept), before);
	assert_int_equal(atomic_load(&arena[3 * LEDGER_FANOUT]), 0);
	assert_int_equal(ledgerfile_peek(dir, 17, &found), 0);
	assert_int_equal(found.pid, who.pid);
	fd = ledgerfile_bury(l, &found);
	assert_int_equal(found.client, 17);
	assert_int_equal(found.start, who.start);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(blocks_of(kept), 0);
	assert_int_equal(pread(kept, words, sizeof(words), 0), sizeof(words));
	assert_int_equal(words[0], 0);
	close(fd);
	close(kept);
	assert_int_equal(ledgerfile_peek(dir, 17, &found), -ENOENT);
}

static void a_client_can_read_and_not_write(void **state)
{
	struct ledgerfile *l = new_ledger();
	uint64_t magic;
	int fd;

	(void)state;
	assert_int_equal(ledgerfile_read_only(l, &fd), 0);
	assert_int_equal(pread(fd, &magic, sizeof(magic), 0), sizeof(magic));
	assert_true(magic == LEDGER_MAGIC);
	assert_int_equal(pwrite(fd, &magic, sizeof(magic), 0), -1);
	assert_ptr_equal(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	close(fd);
	ledgerfile_close(l);
}

static void a_kept_ledger_is_not_written_any_more(void **state)
{
	struct ledgerfile *l = new_ledger();
	radix_word *arena = ledgerfile_arena(l);
	struct ledger_identity found;

	(void)state;
	assert_int_equal(ledgerfile_grow(l, MORE), 0);
	atomic_store(&arena[5 * LEDGER_FANOUT], 1);
	assert_int_equal(ledgerfile_keep(l), 0);
	assert_int_equal(atomic_load(&arena[5 * LEDGER_FANOUT]), 1);
	atomic_store(&arena[5 * LEDGER_FANOUT], 2);
	ledgerfile_remove(l);
	ledgerfile_close(l);
	assert_int_equal(ledgerfile_open(&l, dir, 17, &found), 0);
	arena = ledgerfile_arena(l);
	assert_int_equal(atomic_load(&arena[5 * LEDGER_FANOUT]), 1);
	ledgerfile_close(l);
}

static void a_name_is_given_once(void **state)
{
	struct ledgerfile *l = new_ledger(), *other;

	(void)state;
	assert_int_equal(ledgerfile_new(&other, dir, &who), -EEXIST);
	ledgerfile_close(l);
}

static void put(off_t word, uint64_t value)
{
	int fd = open(path, O_WRONLY);

	assert_int_equal(pwrite(fd, &value, sizeof(value), word * 8), sizeof(value));
	close(fd);
}

static void assert_refused(void)
{
	struct ledger_identity found;
	struct ledgerfile *l;

	assert_int_equal(ledgerfile_open(&l, dir, 17, &found), -EINVAL);
}

static void a_damaged_header_is_refused(void **state)
{
	static const struct { enum ledger_header word; uint64_t value; } damage[] = {
		{ LEDGER_H_MAGIC, 0 }, { LEDGER_H_CLIENT, 18 }, { LEDGER_H_ROOT, 3 },
		{ LEDGER_H_TABLES, LEDGER_FIRST_TABLES + 1 }, { LEDGER_H_PID, 0 }, { LEDGER_H_PID, 1ULL << 40 },
		{ LEDGER_H_UID, 1ULL << 32 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		ledgerfile_close(new_ledger());
		put(damage[i].word, damage[i].value);
		assert_refused();
		unlink(path);
	}
}

static void another_version_is_no_damage(void **state)
{
	struct ledger_identity found;
	struct ledgerfile *l = NULL;

	(void)state;
	ledgerfile_close(new_ledger());
	put(LEDGER_H_VERSION, LEDGER_VERSION + 1);
	assert_int_equal(ledgerfile_open(&l, dir, 17, &found), -EPROTONOSUPPORT);
	assert_int_equal(ledgerfile_peek(dir, 17, &found), 0);
	assert_int_equal(found.pid, who.pid);
	assert_int_equal(found.start, who.start);
	assert_int_equal(found.uid, who.uid);
}

/* A daemon that is killed meanwhile leaves no ledger that is none. */
static void what_was_only_begun_has_no_name(void **state)
{
	struct ledger_identity found;
	struct ledgerfile *l;
	char begun[64];
	uint64_t *list;
	size_t n;
	int fd;

	(void)state;
	snprintf(begun, sizeof(begun), "%s/ledger.new", dir);
	fd = open(begun, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(posix_fallocate(fd, 0, 16 * LEDGER_TABLE_SIZE), 0);
	close(fd);
	assert_int_equal(ledgerfile_list(dir, &list, &n), 0);
	assert_int_equal(n, 0);
	free(list);
	ledgerfile_close(new_ledger());
	assert_int_equal(access(begun, F_OK), -1);
	assert_int_equal(ledgerfile_open(&l, dir, 17, &found), 0);
	ledgerfile_close(l);
}

static void links_that_no_daemon_wrote_are_refused(void **state)
{
	static const uint64_t links[] = { 1 /* the root */, LEDGER_FIRST_TABLES + MORE /* beyond the file */, UINT64_MAX };
	struct ledgerfile *l = new_ledger();

	(void)state;
	write_spans(l);	/* root word 0 leads to table 2 */
	ledgerfile_close(l);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		put(LEDGER_FANOUT + 100, links[i]);
		assert_refused();
	}
	put(LEDGER_FANOUT + 100, 2);	/* a table twice */
	assert_refused();
	put(LEDGER_FANOUT + 100, 0);
	put(2 * LEDGER_FANOUT + 500, LEDGER_FIRST_TABLES + MORE);	/* one level below */
	assert_refused();
}

static void a_file_of_the_wrong_length_is_refused(void **state)
{
	static const off_t lengths[] = { 0, 100, 4096, 3 * 4096 + 8, (off_t)(LEDGER_MAX_TABLES + 1) * 4096 };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		ledgerfile_close(new_ledger());
		assert_int_equal(truncate(path, lengths[i]), 0);
		assert_refused();
		unlink(path);
	}
}

static void only_ledgers_are_listed(void **state)
{
	static const char *const others[] = { "x.ledger", "18.ledgers", "018.ledger", "0.ledger", "17.ranges", "-1.ledger" };
	char name[80];
	uint64_t *clients;
	size_t n, i;

	(void)state;
	ledgerfile_close(new_ledger());
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		snprintf(name, sizeof(name), "%s/%s", dir, others[i]);
		close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	assert_int_equal(ledgerfile_list(dir, &clients, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(clients[0], 17);
	free(clients);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		snprintf(name, sizeof(name), "%s/%s", dir, others[i]);
		unlink(name);
	}
}

/* The client cannot have it for itself while a daemon has it open, and a daemon lets it be when the client has. */
static void what_its_client_has_given_up_is_removed(void **state)
{
	struct ledgerfile *l = new_ledger();
	struct ledger_identity found;
	int fd;

	(void)state;
	assert_int_equal(ledgerfile_read_only(l, &fd), 0);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
	ledgerfile_close(l);
	assert_int_equal(ledgerfile_open(&l, dir, 17, &found), 0);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
	ledgerfile_close(l);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(ledgerfile_open(&l, dir, 17, &found), LEDGERFILE_E_GIVEN_UP);
	assert_int_equal(access(path, F_OK), -1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(words_are_found_again, remove_file),
		cmocka_unit_test_teardown(growing_keeps_every_word_in_its_place, remove_file),
		cmocka_unit_test_teardown(memory_is_given_back, remove_file),
		cmocka_unit_test_teardown(a_client_can_read_and_not_write, remove_file),
		cmocka_unit_test_teardown(what_its_client_has_given_up_is_removed, remove_file),
		cmocka_unit_test_teardown(a_kept_ledger_is_not_written_any_more, remove_file),
		cmocka_unit_test_teardown(a_name_is_given_once, remove_file),
		cmocka_unit_test_teardown(a_damaged_header_is_refused, remove_file),
		cmocka_unit_test_teardown(another_version_is_no_damage, remove_file),
		cmocka_unit_test_teardown(what_was_only_begun_has_no_name, remove_file),
		cmocka_unit_test_teardown(links_that_no_daemon_wrote_are_refused, remove_file),
		cmocka_unit_test_teardown(a_file_of_the_wrong_length_is_refused, remove_file),
		cmocka_unit_test_teardown(only_ledgers_are_listed, remove_file),
	};

	return cmocka_run_group_tests_name("ledgerfile", tests, make_dir, remove_dir);
}
