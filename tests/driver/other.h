/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another process with memory of its own, whose descriptor this one has a copy of: as the daemon has of
 * its clients'. It does what it is told and then waits.
 */
#ifndef HMMD_TESTS_DRIVER_OTHER_H
#define HMMD_TESTS_DRIVER_OTHER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct other {
	pid_t pid;
	int fd;		/* its descriptor of the node, in this process */
	char *at;	/* its memory, in that one: at a multiple of 2 MiB, in huge pages */
	int orders, answers;
};

struct other other_start(size_t bytes, uint64_t seed);
/* Fails the test unless its memory holds the words it was made with. */
void other_check(struct other *o);
/* It closes its own copy of the descriptor. */
void other_close(struct other *o);
void other_exit(struct other *o);
void other_kill(struct other *o);

#endif
