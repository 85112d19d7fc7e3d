/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fixture of adopted.h with a hand on the driver's requests (driver_daemon.h). */
#ifndef HMMD_TESTS_SUPPORT_SWITCHED_H
#define HMMD_TESTS_SUPPORT_SWITCHED_H

#include "tests/support/adopted.h"

struct failing {
	struct driver_switches *switches;
	char path[64];
	struct house *h;
	struct hmm_client *c;
};

/* The switches alone: what the daemon is to find when it starts can be set. */
static inline void open_switches(struct failing *f)
{
	int fd;

	strcpy(f->path, "/dev/shm/hmmd-test-driver-XXXXXX");
	fd = mkstemp(f->path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, sizeof(*f->switches)), 0);
	f->switches = mmap(NULL, sizeof(*f->switches), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(f->switches != MAP_FAILED);
	close(fd);
	setenv(DRIVER_DAEMON_ENVIRONMENT, f->path, 1);
}

static inline void open_behind(struct failing *f)
{
	f->h = house_with(QUIET);
	f->c = house_client(f->h, "adopted", 0);
}

static inline void open_failing(struct failing *f)
{
	open_switches(f);
	open_behind(f);
}

static inline void close_failing(struct failing *f)
{
	hmm_client_unref(f->c);
	house_close(f->h);
	munmap(f->switches, sizeof(*f->switches));
	unlink(f->path);
	unsetenv(DRIVER_DAEMON_ENVIRONMENT);
}

static inline void let_fail(struct failing *f, unsigned long request, int error)
{
	atomic_store(&f->switches->error, error);
	atomic_store(&f->switches->request, request);
}

#endif
