/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A descriptor of /dev/hmm, the moves through it, and memory whose every word is known. */
#ifndef HMMD_TESTS_DRIVER_SPACE_H
#define HMMD_TESTS_DRIVER_SPACE_H

#include <stddef.h>
#include <stdint.h>

#include "tests/driver/device.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25	/* newer than the headers of the oldest machine that builds this */
#endif

int space_open(void);

/*
 * MIGRATE to a device, EVICT from all: 0 or -errno, *ret may be NULL. A failed expectation when the
 * counts do not add up to the range that was tried.
 */
int migrate(int fd, const void *at, size_t bytes, uint32_t dev, uint32_t flags, struct hmmdev_migrate *ret);
int evict(int fd, const void *at, size_t bytes, struct hmmdev_migrate *ret);
/* All of it must move, or be there already. */
void move_all(int fd, const void *at, size_t bytes, uint32_t dev);
uint64_t skipped(const struct hmmdev_migrate *m);

int dev_read(int fd, uint32_t dev, const void *at, void *buf, size_t bytes);
int dev_write(int fd, uint32_t dev, void *at, const void *buf, size_t bytes);
int pin(int fd, const void *at, size_t bytes, uint32_t flags, uint32_t *ret_id);
int unpin(int fd, uint32_t id);
int exclusive(int fd, uint32_t dev, const void *at, size_t bytes, uint64_t *ret_pages);
struct hmmdev_stats stats(int fd);
/* Fails the n-th next operation of that kind and those after it, `count` in all. */
void inject(int fd, enum hmmdev_inject_what what, uint32_t flags, uint32_t n, uint32_t count);

/* Where one page is, as device `dev` sees it. */
struct hmmdev_snap_ent snap_page(int fd, uint32_t dev, const void *at);
/* How many pages of a range are in such a place. */
size_t snap_count(int fd, uint32_t dev, const void *at, size_t bytes, enum hmmdev_where where);

/* Mapped at a multiple of 2 MiB, filled with the words of that seed; in huge pages, or in none. */
void *memory_huge(size_t bytes, uint64_t seed);
void *memory_small(size_t bytes, uint64_t seed);
void *memory_map(size_t bytes, int advice);	/* not touched */
void expect_words(const void *at, size_t bytes, uint64_t seed);
void expect_zero(const void *at, size_t bytes);
bool is_lost(const void *at);	/* a touch ends in SIGBUS */

/* Runs in a child process; its failed expectations fail the test when end_child() waits for it. */
#define in_child(body) ({							\
	int child_ = fork();							\
	expect(child_ >= 0);							\
	if (!child_) {								\
		body;								\
		_exit(0);							\
	}									\
	child_;									\
})
void end_child(int child);

#endif
