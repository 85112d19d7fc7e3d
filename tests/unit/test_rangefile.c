// SPDX-License-Identifier: GPL-2.0-or-later
/* The records of a client's ranges: kept, dropped, their places used again, damaged ones left out. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/io/ledgerfile.h"
#include "proto/ledger.h"
#include "tests/support/test.h"

static char dir[] = "/tmp/test_rangefile.XXXXXX";
static char path[64];
static struct ledgerfile *l;
static const struct ledger_identity who = { .client = 5, .start = 1, .pid = 2, .uid = 3 };

static struct {
	struct range_record records[8];
	size_t n;
} seen;

static int open_new(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/5.ranges", dir);
	return ledgerfile_new(&l, dir, &who);
}

static int remove_all(void **state)
{
	(void)state;
	ledgerfile_remove(l);
	l = ledgerfile_close(l);
	if (rmdir(dir))
		return -1;
	strcpy(strrchr(dir, '.'), ".XXXXXX");
	return 0;
}

static void reopen(void)
{
	struct ledger_identity found;

	ledgerfile_close(l);
	assert_int_equal(ledgerfile_open(&l, dir, 5, &found), 0);
}

static struct range_record record(uint64_t id)
{
	struct range_record r = { .id = id, .addr = id << 30, .size = 4 * LEDGER_PAGE_SIZE, .inode = id * 3, .home = 1 };

	snprintf(r.name, sizeof(r.name), "range %u", (unsigned int)id);
	return r;
}

static void keep(uint64_t id)
{
	struct range_record r = record(id);

	assert_int_equal(ledgerfile_put_range(l, &r), 0);
}

static int see(void *userdata, const struct range_record *r)
{
	(void)userdata;
	seen.records[seen.n++] = *r;
	return 0;
}

static int look(void)
{
	seen.n = 0;
	return ledgerfile_each_range(l, see, NULL);
}

static void damage(off_t at, uint8_t byte)
{
	int fd = open(path, O_RDWR);

	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void records_are_found_again(void **state)
{
	(void)state;
	keep(1);
	keep(2);
	reopen();
	assert_int_equal(look(), 0);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.records[1].id, 2);
	assert_true(seen.records[1].addr == 2ULL << 30);
	assert_int_equal(seen.records[1].inode, 6);
	assert_string_equal(seen.records[0].name, "range 1");
}

static void a_client_without_ranges_has_no_file(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(look(), 0);
	assert_int_equal(seen.n, 0);
	reopen();
	assert_int_equal(look(), 0);
}

static void a_dropped_place_is_used_again(void **state)
{
	struct stat st;

	(void)state;
	keep(1);
	keep(2);
	assert_int_equal(ledgerfile_drop_range(l, 1, 0), 0);
	assert_int_equal(ledgerfile_drop_range(l, 1, 0), 0);
	keep(3);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 2 * 256);
	reopen();
	assert_int_equal(look(), 0);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.records[0].id, 3);
}

static void keep_window(uint64_t id, uint64_t offset, uint64_t next)
{
	struct range_record r = record(id);

	r.window = 1;
	r.offset = offset;
	r.next = next;
	assert_int_equal(ledgerfile_put_range(l, &r), 0);
}

/* Where no window ever was is known again, also when the range that was there last is gone, and its place used again. */
static void no_window_comes_twice(void **state)
{
	(void)state;
	assert_int_equal(ledgerfile_next_window(l), 0);
	keep_window(1, 0, 4 * LEDGER_PAGE_SIZE);
	keep_window(2, 4 * LEDGER_PAGE_SIZE, 8 * LEDGER_PAGE_SIZE);
	reopen();
	assert_true(ledgerfile_next_window(l) == 8 * LEDGER_PAGE_SIZE);
	assert_int_equal(ledgerfile_drop_range(l, 2, 12 * LEDGER_PAGE_SIZE), 0);
	reopen();
	assert_true(ledgerfile_next_window(l) == 12 * LEDGER_PAGE_SIZE);
	keep_window(3, 8 * LEDGER_PAGE_SIZE, 16 * LEDGER_PAGE_SIZE);
	reopen();
	assert_true(ledgerfile_next_window(l) == 16 * LEDGER_PAGE_SIZE);
	assert_int_equal(look(), 0);
	assert_int_equal(seen.n, 2);
	assert_true(seen.records[1].offset == 8 * LEDGER_PAGE_SIZE);
}

/* A whole record, as another version would write it. */
static void write_as_version(uint8_t version)
{
	struct range_record r;
	uint64_t sum = 0xcbf29ce484222325ULL;
	int fd = open(path, O_RDWR);

	assert_int_equal(pread(fd, &r, sizeof(r), 0), sizeof(r));
	r.version = version;
	for (size_t i = 0; i < sizeof(r) - 8; i++)
		sum = (sum ^ ((const uint8_t *)&r)[i]) * 0x100000001b3ULL;
	memcpy((uint8_t *)&r + sizeof(r) - 8, &sum, sizeof(sum));
	assert_int_equal(pwrite(fd, &r, sizeof(r), 0), sizeof(r));
	close(fd);
}

static void another_version_is_no_damage(void **state)
{
	struct ledger_identity found;
	struct ledgerfile *other;

	(void)state;
	keep(1);
	write_as_version(RANGE_RECORD_VERSION + 1);
	assert_int_equal(ledgerfile_open(&other, dir, 5, &found), -EPROTONOSUPPORT);
	write_as_version(RANGE_RECORD_VERSION);
	reopen();
	assert_int_equal(look(), 0);
	assert_int_equal(seen.n, 1);
}

static void a_damaged_window_may_be_anywhere(void **state)
{
	(void)state;
	keep_window(1, 0, 4 * LEDGER_PAGE_SIZE);
	keep_window(2, 4 * LEDGER_PAGE_SIZE, 8 * LEDGER_PAGE_SIZE);
	damage(256 + 8, 0xff);
	reopen();
	assert_true(ledgerfile_next_window(l) == HMM_LIMIT_FILE);
}

static void the_same_range_is_recorded_once(void **state)
{
	struct range_record r = record(1);

	(void)state;
	keep(1);
	r.size = LEDGER_PAGE_SIZE;
	assert_int_equal(ledgerfile_put_range(l, &r), 0);
	assert_int_equal(look(), 0);
	assert_int_equal(seen.n, 1);
	assert_true(seen.records[0].size == LEDGER_PAGE_SIZE);
}

static void every_damaged_byte_is_noticed(void **state)
{
	uint8_t byte;
	int fd;

	(void)state;
	keep(1);
	keep(2);
	for (off_t at = 0; at < 256; at++) {
		fd = open(path, O_RDONLY);
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		close(fd);
		damage(at, byte ^ 0x40);
		assert_int_equal(look(), -EINVAL);
		assert_int_equal(seen.n, 1);
		assert_int_equal(seen.records[0].id, 2);
		damage(at, byte);
	}
	assert_int_equal(look(), 0);
	assert_int_equal(seen.n, 2);
}

/* A checksum is no proof of sense. */
static void records_without_sense_are_left_out(void **state)
{
	struct range_record bad[6];

	(void)state;
	for (size_t i = 0; i < 6; i++)
		bad[i] = record(i + 1);
	bad[0].addr = 0;
	bad[1].addr += 4096;
	bad[2].size = 0;
	bad[3].size = HMM_LIMIT_ADDRESS;
	bad[4].home = HMM_LIMIT_TIERS;
	memset(bad[5].name, 'x', sizeof(bad[5].name));
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(ledgerfile_put_range(l, &bad[i]), 0);
	keep(7);
	assert_int_equal(look(), -EINVAL);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.records[0].id, 7);
}

static void a_cut_file_gives_what_is_whole(void **state)
{
	(void)state;
	keep(1);
	keep(2);
	assert_int_equal(truncate(path, 256 + 100), 0);
	reopen();
	assert_int_equal(look(), 0);
	assert_int_equal(seen.n, 1);
	keep(3);
	assert_int_equal(look(), 0);
	assert_int_equal(seen.n, 2);
}

static int stop_at_once(void *userdata, const struct range_record *r)
{
	(void)r;
	++*(int *)userdata;
	return 7;
}

static void the_walk_ends_when_told(void **state)
{
	int calls = 0;

	(void)state;
	keep(1);
	keep(2);
	assert_int_equal(ledgerfile_each_range(l, stop_at_once, &calls), 7);
	assert_int_equal(calls, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_new, remove_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(records_are_found_again),
		TEST(a_client_without_ranges_has_no_file),
		TEST(a_dropped_place_is_used_again),
		TEST(no_window_comes_twice),
		TEST(another_version_is_no_damage),
		TEST(a_damaged_window_may_be_anywhere),
		TEST(the_same_range_is_recorded_once),
		TEST(every_damaged_byte_is_noticed),
		TEST(records_without_sense_are_left_out),
		TEST(a_cut_file_gives_what_is_whole),
		TEST(the_walk_ends_when_told),
	};

	return cmocka_run_group_tests_name("rangefile", tests, NULL, NULL);
}
