/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What clients of the service do in its tests, whoever they are; every step fails the test when it goes wrong. */
#ifndef HMMD_TESTS_VM_WORK_H
#define HMMD_TESTS_VM_WORK_H

#include <hmmclient.h>

#include "tests/support/test.h"

enum { WORK_PAGES = 24 };
#define WORK_SIZE (WORK_PAGES * HUGE_PAGE)

/* Connected to the service; waits for one that is being started. */
struct hmm_client *work_client(const char *name);
/* WORK_SIZE of managed memory. */
struct hmm_range *work_range(struct hmm_client *c);
/* Out to that device and back by faults, with every word checked. */
void work_through(const char *tier);
/* A system call, not a thread of the program, touches what is away. */
void work_in_kernel(void);
/* The service sees what is touched and what is not. */
void work_is_seen(void);

#endif
