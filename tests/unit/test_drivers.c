// SPDX-License-Identifier: GPL-2.0-or-later
/* The device drivers: contents, what they refuse and how, and their registry. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/registry.h"
#include "tests/support/test.h"
#include "tests/unit/failing_device.h"

#define SLOT HUGE_PAGE
enum { SLOTS = 4 };

static char dir[64], path[96];
static uint8_t *buf;

static int open_dir(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(strcpy(dir, "/var/tmp/hmmd-drivers-XXXXXX")));
	snprintf(path, sizeof(path), "%s/far.hmmd", dir);
	buf = aligned_alloc(SLOT, SLOT);
	return 0;
}

static int close_dir(void **state)
{
	(void)state;
	free(buf);
	unlink(path);
	return rmdir(dir);
}

/* Base pages: whether the machine has huge ones to spare is for other tests to change meanwhile. */
static struct hmm_device_config config(void)
{
	return (struct hmm_device_config){ .name = "far", .path = dir, .capacity = SLOTS * SLOT, .slot_size = SLOT,
					   .fd = -1, .base_pages = true };
}

static int try_open(const struct hmm_device_ops *ops, const struct hmm_device_config *c)
{
	struct hmm_device *d = NULL;
	int r = ops->open(&d, c);

	assert_int_equal(r == 0, d != NULL);
	ops->close(d);
	return r;
}

static void put(const struct hmm_device_ops *ops, struct hmm_device *d, uint32_t slot, uint8_t value)
{
	memset(buf, value, SLOT);
	buf[0] = (uint8_t)slot;
	assert_int_equal(ops->write(d, slot, buf), 0);
}

static void expect(const struct hmm_device_ops *ops, struct hmm_device *d, uint32_t slot, uint8_t value)
{
	memset(buf, 0, SLOT);
	assert_int_equal(ops->read(d, slot, buf), 0);
	assert_int_equal(buf[0], slot);
	for (size_t i = 1; i < SLOT; i += 511)
		assert_int_equal(buf[i], value);
	assert_int_equal(buf[SLOT - 1], value);
}

static void keeps_contents(const struct hmm_device_ops *ops)
{
	struct hmm_device_config c = config();
	struct hmm_device *d;

	assert_int_equal(ops->open(&d, &c), 0);
	for (uint32_t i = 0; i < SLOTS; i++)
		put(ops, d, i, (uint8_t)(i + 10));
	put(ops, d, 1, 99);
	for (uint32_t i = 0; i < SLOTS; i++)
		expect(ops, d, i, i == 1 ? 99 : (uint8_t)(i + 10));
	assert_int_equal(ops->write(d, SLOTS, buf), -EINVAL);
	assert_int_equal(ops->read(d, SLOTS, buf), -EINVAL);
	assert_null(ops->map(d, SLOTS));
	ops->close(d);
	assert_null(ops->close(NULL));
}

static void memory_keeps_contents(void **state)
{
	(void)state;
	keeps_contents(&hmm_device_memory);
}

static void file_keeps_contents(void **state)
{
	(void)state;
	keeps_contents(&hmm_device_file);
}

static void memory_is_used_in_place(void **state)
{
	const struct hmm_device_ops *ops = &hmm_device_memory;
	struct hmm_device_config c = config();
	struct hmm_device *d;
	uint8_t *at;

	(void)state;
	assert_int_equal(ops->open(&d, &c), 0);
	at = ops->map(d, 2);
	assert_non_null(at);
	memset(at, 7, SLOT);
	at[0] = 2;
	expect(ops, d, 2, 7);
	assert_ptr_equal(ops->map(d, 2), at);
	ops->close(d);
}

static void memory_outlives_its_device(void **state)
{
	const struct hmm_device_ops *ops = &hmm_device_memory;
	struct hmm_device_config c = config();
	struct hmm_device *d;

	(void)state;
	assert_int_equal(ops->open(&d, &c), 0);
	put(ops, d, 3, 33);
	c.fd = dup(ops->fd(d));
	ops->close(d);
	assert_int_equal(ops->open(&d, &c), 0);
	expect(ops, d, 3, 33);
	assert_true(ops->fd(d) >= 0 && ops->fd(d) != c.fd);
	ops->close(d);
	c.capacity = 2 * SLOTS * SLOT;		/* the tier was given more */
	assert_int_equal(ops->open(&d, &c), 0);
	expect(ops, d, 3, 33);
	put(ops, d, 2 * SLOTS - 1, 34);
	ops->close(d);
	close(c.fd);
	c = config();
	c.fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_int_equal(try_open(ops, &c), -EINVAL);
	close(c.fd);
}

static void file_outlives_its_device(void **state)
{
	const struct hmm_device_ops *ops = &hmm_device_file;
	struct hmm_device_config c = config();
	struct hmm_device_identity is;
	struct hmm_device *d;

	(void)state;
	assert_int_equal(ops->open(&d, &c), 0);
	put(ops, d, 3, 33);
	assert_int_equal(ops->fd(d), -1);
	assert_null(ops->map(d, 0));
	ops->identity(d, &is);
	assert_int_equal(is.generation, 1);
	ops->close(d);
	assert_int_equal(access(path, F_OK), 0);
	c.path = path;
	c.known = &is;
	assert_int_equal(ops->open(&d, &c), 0);
	assert_false(ops->fresh(d));
	expect(ops, d, 3, 33);
	ops->close(d);
	/* Killed before the record said so: once more. */
	assert_int_equal(ops->open(&d, &c), 0);
	ops->identity(d, &is);
	assert_int_equal(is.generation, 2);
	expect(ops, d, 3, 33);
	ops->close(d);
}

static void sizes_are_checked(void **state)
{
	const struct hmm_device_ops *const kinds[] = { &hmm_device_memory, &hmm_device_file };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct hmm_device_config c = config();

		c.capacity = SLOT + 1;
		assert_int_equal(try_open(kinds[i], &c), -EINVAL);
		c.capacity = 0;
		assert_int_equal(try_open(kinds[i], &c), -EINVAL);
		c = config();
		c.slot_size = 100;
		assert_int_equal(try_open(kinds[i], &c), -EINVAL);
	}
}

static void file_refuses_what_is_no_file(void **state)
{
	struct hmm_device_config c = config();

	(void)state;
	c.path = "/dev/null";
	assert_int_equal(try_open(&hmm_device_file, &c), -EINVAL);
	c.path = "";
	assert_int_equal(try_open(&hmm_device_file, &c), -EINVAL);
	c.path = "/nowhere/at/all";
	assert_int_equal(try_open(&hmm_device_file, &c), -ENOENT);
	assert_int_equal(mkfifo(path, 0600), 0);
	c.path = path;
	assert_int_equal(try_open(&hmm_device_file, &c), -EINVAL);
}

static void file_is_not_shared(void **state)
{
	struct hmm_device_config c = config();
	struct hmm_device *d;

	(void)state;
	assert_int_equal(hmm_device_file.open(&d, &c), 0);
	assert_int_equal(try_open(&hmm_device_file, &c), -EBUSY);
	hmm_device_file.close(d);
	assert_int_equal(try_open(&hmm_device_file, &c), 0);
}

/* As an ordinary user would meet it: root may write where nobody may. */
static void file_refuses_read_only(void **state)
{
	struct hmm_device_config c = config();
	int r;

	(void)state;
	assert_int_equal(try_open(&hmm_device_file, &c), 0);
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(chmod(dir, 0755), 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	r = try_open(&hmm_device_file, &c);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(r, -EACCES);
}

static void on_a_mount(const char *options, unsigned long flags, int expected)
{
	struct hmm_device_config c = config();
	int r;

	if (mount("test", dir, "tmpfs", flags, options) < 0)
		skip_because("a tmpfs may not be mounted");
	r = try_open(&hmm_device_file, &c);
	assert_int_equal(access(path, F_OK), -1);	/* what could not be used is not left behind */
	assert_int_equal(umount(dir), 0);
	assert_int_equal(r, expected);
}

static void full_file_system_is_met_at_open(void **state)
{
	(void)state;
	on_a_mount("size=3M", 0, -ENOSPC);
}

static void read_only_file_system_is_said(void **state)
{
	(void)state;
	on_a_mount("size=64M", MS_RDONLY, -EROFS);
}

static void file_without_direct_io_works(void **state)
{
	const char *here = dir;

	(void)state;
	if (mount("test", here, "tmpfs", 0, "size=64M") < 0)
		skip_because("a tmpfs may not be mounted");
	keeps_contents(&hmm_device_file);
	assert_int_equal(umount(here), 0);
}

static void file_that_was_cut_is_an_error(void **state)
{
	struct hmm_device_config c = config();
	struct hmm_device *d;

	(void)state;
	assert_int_equal(hmm_device_file.open(&d, &c), 0);
	put(&hmm_device_file, d, 3, 3);
	assert_int_equal(truncate(path, SLOT), 0);
	assert_int_equal(hmm_device_file.read(d, 3, buf), -EIO);
	hmm_device_file.close(d);
}

/* The process may not write so far: what a full disk or a quota does in the middle. */
static void file_beyond_the_limit_is_no_space(void **state)
{
	struct hmm_device_config c = config();
	struct rlimit before, limit;
	int r;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = SLOT;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	r = try_open(&hmm_device_file, &c);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(r, -ENOSPC);
	assert_int_equal(access(path, F_OK), -1);
}

/* The old device is there as it was: whoever asked for too much can go back. */
static void a_file_that_cannot_grow_keeps_what_it_had(void **state)
{
	struct hmm_device_config c = config();
	struct hmm_device *d;
	struct stat before, after;
	char why[96] = "";

	(void)state;
	if (mount("test", dir, "tmpfs", 0, "size=64M") < 0)
		skip_because("a tmpfs may not be mounted");
	assert_int_equal(try_open(&hmm_device_file, &c), 0);
	assert_int_equal(stat(path, &before), 0);
	c.capacity = 64 * SLOT;
	c.why = why;
	c.why_size = sizeof(why);
	assert_int_equal(hmm_device_file.open(&d, &c), -ENOSPC);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(umount(dir), 0);
	assert_int_equal(before.st_size, after.st_size);
	assert_int_equal(before.st_blocks, after.st_blocks);
	assert_non_null(strstr(why, "MiB more, and"));
}

static void drivers_are_found_by_kind(void **state)
{
	(void)state;
	assert_ptr_equal(hmm_device_find("memory"), &hmm_device_memory);
	assert_ptr_equal(hmm_device_find("file"), &hmm_device_file);
	assert_null(hmm_device_find("tape"));
	assert_int_equal(hmm_device_add(&failing_device), 0);
	assert_ptr_equal(hmm_device_find("failing"), &failing_device);
	for (int i = 1; i < HMM_DEVICE_KINDS_ADDED; i++)
		assert_int_equal(hmm_device_add(&failing_device), 0);
	assert_int_equal(hmm_device_add(&failing_device), -ENOSPC);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_dir, close_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(memory_keeps_contents),
		TEST(file_keeps_contents),
		TEST(memory_is_used_in_place),
		TEST(memory_outlives_its_device),
		TEST(file_outlives_its_device),
		TEST(sizes_are_checked),
		TEST(file_refuses_what_is_no_file),
		TEST(file_is_not_shared),
		TEST(file_refuses_read_only),
		TEST(full_file_system_is_met_at_open),
		TEST(read_only_file_system_is_said),
		TEST(file_without_direct_io_works),
		TEST(file_that_was_cut_is_an_error),
		TEST(file_beyond_the_limit_is_no_space),
		TEST(a_file_that_cannot_grow_keeps_what_it_had),
		TEST(drivers_are_found_by_kind),
	};

	return cmocka_run_group_tests_name("drivers", tests, NULL, NULL);
}
