// SPDX-License-Identifier: GPL-2.0-or-later
/* The switchboard of the faulty devices, on the test's side. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/faulty_device.h"
#include "tests/support/house.h"
#include "tests/support/test.h"

struct faulty_switches *faulty_switches_new(struct house_options *o, char *ret_path)
{
	static char program[512];
	const char *build = getenv("top_builddir");
	int fd;
	void *at;

	snprintf(program, sizeof(program), "%s/tests/support/hmmd_faulty", build ? build : ".");
	o->program = program;
	strcpy(ret_path, "/dev/shm/hmmd-test-switches-XXXXXX");
	fd = mkstemp(ret_path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, sizeof(struct faulty_switches)), 0);
	assert_true(!o->uid || !fchown(fd, o->uid, (gid_t)-1));
	at = mmap(NULL, sizeof(struct faulty_switches), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(at != MAP_FAILED);
	close(fd);
	setenv(FAULTY_ENVIRONMENT, ret_path, 1);
	return at;
}

void faulty_switches_free(struct faulty_switches *s, const char *path)
{
	munmap(s, sizeof(*s));
	unlink(path);
	unsetenv(FAULTY_ENVIRONMENT);
}
