/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A memory device that fails when a test says so, a file device at which the daemon dies, a kernel that does not
 * say whether a page is in memory, and one that reads as older ones do. The switchboard is a small file, named by
 * the environment variable below, that the test and the daemon both map.
 */
#ifndef HMMD_TESTS_SUPPORT_FAULTY_DEVICE_H
#define HMMD_TESTS_SUPPORT_FAULTY_DEVICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FAULTY_ENVIRONMENT "HMMD_TEST_FAULTY_DEVICE"

struct faulty_switches {
	_Atomic int32_t write_error, read_error;	/* errno; 0: works */
	_Atomic uint32_t delay_us;			/* before every read and write; what is under way ends with it */
	_Atomic uint64_t failed;			/* how often a failure was injected */
	_Atomic bool die;				/* files: hmmd is killed when it gives a slot back */
	_Atomic uint32_t slot;				/* that one */
	_Atomic uint64_t far_from;			/* from here on in their file pages count as far; 0: none does */
	_Atomic bool unknown;				/* whether far ones are in memory cannot be told */
	_Atomic bool hold;				/* who asks for a far one waits */
	_Atomic uint32_t near_wanted;			/* who asks for a far one a second time waits for so many looks at near ones */
	_Atomic uint32_t near_looks, far_looks;
	_Atomic bool old_reads;				/* as a kernel before 6.10: no read can be asked not to wait */
	_Atomic bool hold_reads;			/* such a read waits before it begins */
	_Atomic uint32_t reads;				/* that have been held */
};
struct house_options;

/* faulty_switches.c: all off, for the daemon that the options name from here. path: of the switchboard, 64 bytes. */
struct faulty_switches *faulty_switches_new(struct house_options *o, char *ret_path);
void faulty_switches_free(struct faulty_switches *s, const char *path);

#endif
