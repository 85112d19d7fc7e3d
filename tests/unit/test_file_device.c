// SPDX-License-Identifier: GPL-2.0-or-later
/* Whose contents a file device has: what is not what it was is not read, and what is not hmmd's not written over. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/registry.h"
#include "tests/support/test.h"

#define SLOT HUGE_PAGE
enum { SLOTS = 4 };

static char dir[64], path[96];

static int open_dir(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(strcpy(dir, "/var/tmp/hmmd-drivers-XXXXXX")));
	snprintf(path, sizeof(path), "%s/far.hmmd", dir);
	return 0;
}

static int close_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static struct hmm_device_config config(void)
{
	return (struct hmm_device_config){ .name = "far", .path = dir, .capacity = SLOTS * SLOT, .slot_size = SLOT, .fd = -1 };
}

/* A device that was used once. */
static struct hmm_device_identity left_behind(void)
{
	struct hmm_device_config c = config();
	struct hmm_device_identity is;
	struct hmm_device *d;

	assert_int_equal(hmm_device_file.open(&d, &c), 0);
	assert_true(hmm_device_file.fresh(d));
	hmm_device_file.identity(d, &is);
	hmm_device_file.close(d);
	return is;
}

static int open_known(const struct hmm_device_identity *known)
{
	struct hmm_device_config c = config();
	struct hmm_device *d = NULL;
	int r;

	c.known = known;
	r = hmm_device_file.open(&d, &c);
	assert_int_equal(r == 0, d != NULL);
	hmm_device_file.close(d);
	return r;
}

static void file_that_was_cut_meanwhile_is_not_read(void **state)
{
	struct hmm_device_identity is = left_behind();
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 1), 0);
	assert_int_equal(open_known(&is), HMM_DEVICE_E_CUT);
	assert_int_equal(truncate(path, st.st_size - (off_t)SLOT), 0);
	assert_int_equal(truncate(path, st.st_size), 0);	/* as long as before, but a slot of it is a hole */
	assert_int_equal(open_known(&is), HMM_DEVICE_E_CUT);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(open_known(&is), HMM_DEVICE_E_OTHER);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(open_known(&is), -ENOENT);
	assert_int_equal(access(path, F_OK), -1);		/* nothing is put in the way of what may come back */
}

static void another_file_is_not_read(void **state)
{
	struct hmm_device_identity is = left_behind(), older = is;

	(void)state;
	is.uuid[3] ^= 1;
	assert_int_equal(open_known(&is), HMM_DEVICE_E_OTHER);
	is.uuid[3] ^= 1;
	is.generation = 3;					/* the file is a copy from before two starts */
	assert_int_equal(open_known(&is), HMM_DEVICE_E_OTHER);
	assert_int_equal(open_known(&older), 0);
	left_behind();						/* another hmmd took it over */
	assert_int_equal(open_known(&older), HMM_DEVICE_E_OTHER);
}

static void write_byte(off_t at, char value)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &value, 1, at), 1);
	assert_int_equal(close(fd), 0);
}

static void file_of_somebody_else_is_not_written_over(void **state)
{
	struct hmm_device_identity is;
	off_t at[] = { 0, 1024, 64 * 1024 };
	struct hmm_device_config c = config();
	struct hmm_device *d;

	(void)state;
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		write_byte(at[i], 'x');
		assert_int_equal(open_known(NULL), HMM_DEVICE_E_FOREIGN);
		assert_int_equal(unlink(path), 0);
	}
	is = left_behind();
	write_byte(8, 2);					/* the superblock's version */
	assert_int_equal(open_known(&is), HMM_DEVICE_E_VERSION);
	assert_int_equal(open_known(NULL), HMM_DEVICE_E_FOREIGN);
	write_byte(8, 1);
	write_byte(20, 'x');					/* a damaged uuid */
	assert_int_equal(open_known(&is), HMM_DEVICE_E_OTHER);
	assert_int_equal(unlink(path), 0);
	write_byte((off_t)(2 * SLOT), 0);			/* made ahead by somebody: zeros */
	assert_int_equal(hmm_device_file.open(&d, &c), 0);
	assert_true(hmm_device_file.fresh(d));
	hmm_device_file.close(d);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_dir, close_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(file_that_was_cut_meanwhile_is_not_read),
		TEST(another_file_is_not_read),
		TEST(file_of_somebody_else_is_not_written_over),
	};

	return cmocka_run_group_tests_name("file device", tests, NULL, NULL);
}
