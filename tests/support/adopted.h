/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fixture of tests of adopted memory: a daemon with a simulated kernel driver, and the node
 * that the library opens, which is one end of a socket here; what the driver would tell is written
 * at the other.
 */
#ifndef HMMD_TESTS_SUPPORT_ADOPTED_H
#define HMMD_TESTS_SUPPORT_ADOPTED_H

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "drivers/uapi/hmmdev.h"
#include "tests/support/ask.h"
#include "tests/support/driver_daemon.h"
#include "tests/support/house.h"
#include "tests/support/move.h"
#include "tests/support/test.h"

enum { PAGES = 8 };
#define SIZE (PAGES * HUGE_PAGE)
#define DEVICES                                                                                    \
	"[tier hbm]\nkind = kernel\ndevice = /dev/hmm\nindex = 0\ncapacity = 48M\n"                \
	"[tier gddr]\nkind = kernel\ndevice = /dev/hmm\nindex = 1\n"
#define PRESSED                                                                                    \
	"[tier dram]\nkind = numa\nnodes = 0\ncapacity = 32M\n" DEVICES                            \
	"[policy default]\ntrack = no\nmin-residency = 0\n"
#define QUIET                                                                                      \
	"[tier dram]\nkind = numa\nnodes = 0\ncapacity = 256M\n" DEVICES                           \
	"[policy default]\nengine = static\ntrack = no\n"

static int driver_end = -1; /* the driver's side of the node that the library opened last */
static __attribute__((unused)) bool no_node;

/* The library's open(2) comes here, because a program's own symbols go first. */
int open(const char *path, int flags, ...)
{
	int ends[2];

	if (strcmp(path, HMMDEV_PATH))
		return (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
	if (no_node) {
		errno = ENOENT;
		return -1;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -1;
	if (driver_end >= 0)
		close(driver_end);
	driver_end = ends[1];
	return ends[0];
}

static inline struct house *house_with(const char *config)
{
	static char program[512];
	const char *build = getenv("top_builddir");
	struct house_options o = { .config = config, .program = program };

	snprintf(program, sizeof(program), "%s/tests/support/hmmd_driver", build ? build : ".");
	return house_open(&o);
}

static inline uint8_t *memory_of(size_t size)
{
	uint8_t *at = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(at != MAP_FAILED);
	at = (uint8_t *)(((uintptr_t)at + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
	memset(at, 1, size);
	return at;
}

static inline struct hmm_range *adopted(struct hmm_client *c, uint8_t *at, size_t size)
{
	struct hmm_range *r = NULL;

	assert_int_equal(hmm_register(c, at, size, NULL, &r), 0); /* not HMM_ONE_NODE */
	assert_soon(ask_number(c, "ranges", NULL, NULL, "untouched_bytes") == 0);
	return r;
}

static inline uint64_t on_tier(struct hmm_client *c, const char *tier)
{
	char text[128], *at;

	ask_text(c, "ranges", NULL, NULL, "tiers", text, sizeof(text));
	at = strstr(text, tier);
	return at ? strtoull(at + strlen(tier) + 1, NULL, 10) : 0;
}

static inline void happens(const struct hmmdev_event *e)
{
	assert_int_equal(send(driver_end, e, sizeof(*e), 0), sizeof(*e));
}

#endif
